/* SPDX-License-Identifier: Apache-2.0 */
#include "record/journal.h"

#include "base/arena.h"
#include "record/journal_private.h"

enum { SALT = 16, HEADS_APART = 1000 };

/* --- what is hashed (docs/format.md has it to the byte) --- */

void journal_put_text(struct buf *b, str s)
{
	buf_le32(b, (uint32_t)s.n);
	buf_add(b, s);
}

static struct digest blake2(str s)
{
	struct digest d;
	crypto_generichash(d.b, sizeof(d.b), (const unsigned char *)s.p, s.n, NULL, 0);
	return d;
}

static struct digest commitment_of(str salt, str body)
{
	struct buf b = BUF_INIT(salt.n + body.n + 1);
	buf_add(&b, salt);
	buf_add(&b, body);
	struct digest d = blake2(buf_str(&b));
	buf_free(&b);
	return d;
}

struct line {
	uint64_t number;
	int64_t at_us;
	str actor, act, object;
	uint64_t count;
	struct digest root, commitment;
};

static struct digest hash_of(const struct digest *before, const struct line *l)
{
	struct buf b = BUF_INIT(MIB(64));
	buf_add_mem(&b, before->b, HASH);
	buf_le64(&b, l->number);
	buf_le64(&b, (uint64_t)l->at_us);
	journal_put_text(&b, l->actor);
	journal_put_text(&b, l->act);
	journal_put_text(&b, l->object);
	buf_le64(&b, l->count);
	buf_add_mem(&b, l->root.b, HASH);
	buf_add_mem(&b, l->commitment.b, HASH);
	struct digest d = blake2(buf_str(&b));
	buf_free(&b);
	return d;
}

static void head_bytes(struct buf *b, uint64_t number, const struct digest *hash)
{
	buf_add(b, STR("ronda journal head 1\n"));
	buf_le64(b, number);
	buf_add_mem(b, hash->b, HASH);
}

bool journal_take_digest(str s, struct digest *out)
{
	if (s.n != HASH)
		return false;
	memcpy(out->b, s.p, HASH);
	return true;
}

/* --- adding --- */

/* The newest line; number 0 and a hash of zeros before the first. */
static enum rc last_line(struct conn *c, uint64_t *number_out, struct digest *hash_out,
			 struct err *err)
{
	struct sql *q = sql(c, "SELECT number, hash FROM journal ORDER BY number DESC LIMIT 1");
	bool sound = true;
	*number_out = 0;
	*hash_out = (struct digest){ { 0 } };
	if (sql_row(q)) {
		*number_out = (uint64_t)sql_col_int(q, 0);
		sound = journal_take_digest(sql_col_blob(q, 1), hash_out);
	}
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !sound)
		return fail(err, RC_IO,
			    "the last line of the journal is damaged: run ronda verify");
	return rc;
}

static str or_empty(str s)
{
	return s.p ? s : STR("");
}

enum rc journal_add(struct tx *tx, struct journal *j, const struct journal_act *act,
		    struct err *err)
{
	(void)j;
	struct line l = { .at_us = tx_now_us(tx),
			  .actor = or_empty(act->actor),
			  .act = str_of(act->act),
			  .object = or_empty(act->object),
			  .count = act->count,
			  .root = act->root };
	struct digest before;
	char salt[SALT];
	str body = or_empty(act->body);
	if (body.n > MIB(1) || l.actor.n > KIB(64) || l.object.n > KIB(64))
		return fail(err, RC_LIMIT, "a journal line is over the limit");
	enum rc rc = last_line(tx_conn(tx), &l.number, &before, err);
	if (rc != RC_OK)
		return rc;
	l.number++;
	random_bytes(salt, sizeof(salt));
	l.commitment = commitment_of(str_mem(salt, SALT), body);
	struct digest hash = hash_of(&before, &l);
	struct sql *q =
		sql(tx_conn(tx), "INSERT INTO journal (number, at_us, actor, act, object, count,"
				 " root, commitment, salt, body, hash)"
				 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, (int64_t)l.number);
	sql_int(q, 2, l.at_us);
	sql_str(q, 3, l.actor);
	sql_str(q, 4, l.act);
	sql_str(q, 5, l.object);
	sql_int(q, 6, (int64_t)l.count);
	sql_blob(q, 7, str_mem(l.root.b, HASH));
	sql_blob(q, 8, str_mem(l.commitment.b, HASH));
	sql_blob(q, 9, str_mem(salt, SALT));
	sql_str(q, 10, body);
	sql_blob(q, 11, str_mem(hash.b, HASH));
	return sql_run(q, err);
}

struct writing {
	struct journal *j;
	const struct journal_act *act;
};

static enum rc add_one(struct tx *tx, void *ctx, struct err *err)
{
	struct writing *w = ctx;
	return journal_add(tx, w->j, w->act, err);
}

enum rc journal_write(struct journal *j, const struct journal_act *act, struct err *err)
{
	struct writing w = { .j = j, .act = act };
	struct store_job job = { .fn = add_one, .ctx = &w, .use_reserve = true };
	store_submit(j->s, &job);
	return store_wait(j->s, &job, err);
}

/* --- the signed head --- */

static enum rc last_head(struct conn *c, uint64_t *number_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT number FROM journal_head ORDER BY number DESC LIMIT 1");
	*number_out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

/* The newest signature covers every line before it, so the head before it goes;
 * but one of each HEADS_APART lines stays: where a change is found, they show
 * which part of the chain was still whole. */
static enum rc thin_heads(struct tx *tx, uint64_t before, uint64_t newest, struct err *err)
{
	if (!before || before / HEADS_APART != newest / HEADS_APART)
		return RC_OK;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM journal_head WHERE number = ?");
	sql_int(q, 1, (int64_t)before);
	return sql_run(q, err);
}

void journal_sign_head(const unsigned char *secret, uint64_t number, const struct digest *hash,
		       unsigned char signature[crypto_sign_BYTES])
{
	struct buf b = BUF_INIT(128);
	head_bytes(&b, number, hash);
	crypto_sign_detached(signature, NULL, (const unsigned char *)b.p, b.n, secret);
	buf_free(&b);
}

/* Before each commit: signs once, however many lines the group added. */
static enum rc sign_head(struct tx *tx, void *ctx, struct err *err)
{
	struct journal *j = ctx;
	uint64_t number, head;
	struct digest hash;
	enum rc rc = last_line(tx_conn(tx), &number, &hash, err);
	if (rc == RC_OK)
		rc = last_head(tx_conn(tx), &head, err);
	if (rc != RC_OK || number <= head)
		return rc;
	/* which key stands is decided by this very commit */
	bool found = true;
	if (j->key_changed)
		rc = journal_load_key(tx_conn(tx), "journal.secret", j->secret, sizeof(j->secret), &found, err);
	if (rc != RC_OK || !found)
		return rc != RC_OK ? rc : fail(err, RC_IO, "the key of the journal is not there");
	unsigned char signature[crypto_sign_BYTES];
	journal_sign_head(j->secret, number, &hash, signature);
	struct sql *q = sql(tx_conn(tx),
			    "INSERT INTO journal_head (number, hash, signature) VALUES (?, ?, ?)");
	sql_int(q, 1, (int64_t)number);
	sql_blob(q, 2, str_mem(hash.b, HASH));
	sql_blob(q, 3, str_mem(signature, sizeof(signature)));
	rc = sql_run(q, err);
	return rc == RC_OK ? thin_heads(tx, head, number, err) : rc;
}

enum rc journal_load_key(struct conn *c, const char *name, void *to, size_t size, bool *found_out,
			struct err *err)
{
	struct sql *q = sql(c, "SELECT value FROM node WHERE key = ?");
	sql_str(q, 1, str_of(name));
	*found_out = false;
	if (sql_row(q)) {
		str value = sql_col_blob(q, 0);
		*found_out = value.n == size;
		if (*found_out)
			memcpy(to, value.p, size);
	}
	return sql_end(q, err);
}

static enum rc save_key(struct conn *c, const char *name, const void *key, size_t size,
			struct err *err)
{
	struct sql *q = sql(c, "INSERT INTO node (key, value) VALUES (?, ?)");
	sql_str(q, 1, str_of(name));
	sql_blob(q, 2, str_mem(key, size));
	return sql_run(q, err);
}

static enum rc make_keys(struct tx *tx, void *ctx, struct err *err)
{
	struct journal *j = ctx;
	unsigned char public[crypto_sign_PUBLICKEYBYTES];
	crypto_sign_keypair(public, j->secret);
	enum rc rc = save_key(tx_conn(tx), "journal.secret", j->secret, sizeof(j->secret), err);
	if (rc == RC_OK)
		rc = save_key(tx_conn(tx), "journal.public", public, sizeof(public), err);
	return rc;
}

enum rc journal_open(struct store *s, struct journal **out, struct err *err)
{
	if (sodium_init() < 0)
		return fail(err, RC_IO, "libsodium cannot start");
	struct journal *j = x_alloc(sizeof(*j));
	struct reader *r;
	bool found = false;
	j->s = s;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK) {
		rc = journal_load_key(reader_conn(r), "journal.secret", j->secret, sizeof(j->secret),
			      &found, err);
		store_read_end(r);
	}
	if (rc == RC_OK && !found && !store_read_only(s))
		rc = store_write(s, make_keys, j, err);
	if (rc != RC_OK) {
		free(j);
		return rc;
	}
	store_before_commit(s, sign_head, j);
	*out = j;
	return RC_OK;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	store_no_before_commit(j->s, sign_head, j);
	explicit_bzero(j->secret, sizeof(j->secret));
	free(j);
}

enum rc journal_head(struct conn *c, struct buf *out, struct err *err)
{
	struct sql *q =
		sql(c, "SELECT number, hash FROM journal_head ORDER BY number DESC LIMIT 1");
	bool found = sql_row(q);
	if (found) {
		str hash = sql_col_blob(q, 1);
		buf_u64(out, (uint64_t)sql_col_int(q, 0));
		buf_char(out, ':');
		hex_format(out, hash.p, hash.n);
	}
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? fail(err, RC_ABSENT, "the journal has no signed head") : rc;
}

/* --- checking --- */

struct checking {
	struct journal_check *out;
	struct digest hash; /* of the line before */
	const struct kept_head *kept; /* ascending; the next one to be met */
	size_t kept_count;
};

static bool bad(struct checking *k, uint64_t number, const char *words)
{
	k->out->first_bad = number;
	snprintf(k->out->words, sizeof(k->out->words), "%s", words);
	return false;
}

/* The line as it stands in a row of check_lines(); false: not even that. */
static bool take_line(struct sql *q, struct line *l)
{
	*l = (struct line){ .number = (uint64_t)sql_col_int(q, 0),
			    .at_us = sql_col_int(q, 1),
			    .actor = sql_col_str(q, 2),
			    .act = sql_col_str(q, 3),
			    .object = sql_col_str(q, 4),
			    .count = (uint64_t)sql_col_int(q, 5) };
	return journal_take_digest(sql_col_blob(q, 6), &l->root) &&
	       journal_take_digest(sql_col_blob(q, 7), &l->commitment);
}

static bool check_line(struct checking *k, struct sql *q)
{
	struct line l;
	struct digest stored;
	uint64_t want = k->out->lines + 1;
	bool whole = take_line(q, &l) && journal_take_digest(sql_col_blob(q, 10), &stored);
	if (l.number != want)
		return bad(k, want, "the line is missing");
	if (!whole)
		return bad(k, want, "the line is damaged");
	struct digest hash = hash_of(&k->hash, &l);
	if (memcmp(hash.b, stored.b, HASH) != 0)
		return bad(k, want, "the line or the one before it was changed: its hash differs");
	/* both erased is allowed: the chain goes on without them */
	if (sql_col_null(q, 8) != sql_col_null(q, 9))
		return bad(k, want, "body or salt was erased alone");
	struct digest body = commitment_of(sql_col_blob(q, 8), sql_col_str(q, 9));
	if (!sql_col_null(q, 8) && memcmp(body.b, l.commitment.b, HASH) != 0)
		return bad(k, want, "the body was changed: it is not what the line commits to");
	for (; k->kept_count && k->kept->number == want; k->kept++, k->kept_count--) {
		if (memcmp(hash.b, k->kept->hash.b, HASH) != 0)
			return bad(k, want,
				   "the line differs from the head that was kept elsewhere");
		k->out->heads++;
	}
	k->out->lines = want;
	k->hash = hash;
	return true;
}

static enum rc check_lines(struct conn *c, struct checking *k, struct err *err)
{
	struct sql *q = sql(c, "SELECT number, at_us, actor, act, object, count, root, commitment,"
			       " salt, body, hash FROM journal ORDER BY number");
	while (!k->out->first_bad && sql_row(q))
		(void)check_line(k, q);
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !k->out->first_bad && k->kept_count)
		(void)bad(k, k->out->lines + 1, "the tail was cut: a head kept elsewhere is newer");
	return rc;
}

bool journal_head_is_signed(struct sql *q, const unsigned char *public)
{
	struct digest hash;
	str signature = sql_col_blob(q, 2);
	if (!journal_take_digest(sql_col_blob(q, 1), &hash) || signature.n != crypto_sign_BYTES)
		return false;
	struct buf b = BUF_INIT(128);
	head_bytes(&b, (uint64_t)sql_col_int(q, 0), &hash);
	bool ok = crypto_sign_verify_detached((const unsigned char *)signature.p,
					      (const unsigned char *)b.p, b.n, public) == 0;
	buf_free(&b);
	return ok;
}

/* Every head must be the hash of its line. The newest signature covers all
 * lines; the older ones are looked at only when it does not hold, to find where
 * the change began. */
static enum rc check_heads(struct conn *c, struct checking *k, const unsigned char *public,
			   struct err *err)
{
	uint64_t newest = 0, good = 0;
	struct sql *q = sql(c, "SELECT number, hash, signature FROM journal_head"
			       " ORDER BY number DESC LIMIT 1");
	bool sound = sql_row(q) && journal_head_is_signed(q, public);
	if (sound)
		newest = (uint64_t)sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	if (sound && newest != k->out->lines) {
		uint64_t least = newest < k->out->lines ? newest : k->out->lines;
		(void)bad(k, least + 1,
			  newest < k->out->lines ? "the line is not under a signed head"
						 : "the line is missing: a signed head "
						   "names it");
		return RC_OK;
	}
	if (!sound) {
		q = sql(c, "SELECT number, hash, signature FROM journal_head ORDER BY number");
		while (sql_row(q) && journal_head_is_signed(q, public))
			good = (uint64_t)sql_col_int(q, 0);
		(void)bad(k, good + 1, "no valid signature covers the line");
		return sql_end(q, err);
	}
	q = sql(c, "SELECT h.number FROM journal_head h LEFT JOIN journal j USING (number)"
		   " WHERE j.hash IS NOT h.hash ORDER BY h.number LIMIT 1");
	if (sql_row(q))
		(void)bad(k, (uint64_t)sql_col_int(q, 0),
			  "the signed head is not that of the line");
	return sql_end(q, err);
}

/* A body may go, but a later line must say so: about the line, about its object, or
 * about the record of which the object is a version ("incident--UUID@3"). */
static enum rc check_erased(struct conn *c, struct checking *k, struct err *err)
{
	struct sql *q = sql(c, "SELECT number FROM journal l WHERE salt IS NULL AND NOT EXISTS"
			       " (SELECT 1 FROM journal e WHERE e.act = 'erase' AND"
			       "  e.number > l.number AND e.object = 'journal:' || l.number)"
			       " AND NOT EXISTS"
			       " (SELECT 1 FROM journal e WHERE e.act = 'erase' AND"
			       "  e.number > l.number AND e.object = l.object)"
			       " AND NOT EXISTS"
			       " (SELECT 1 FROM journal e WHERE e.act = 'erase' AND"
			       "  e.number > l.number AND e.object = 'record:' ||"
			       "  substr(l.object, 1, instr(l.object || '@', '@') - 1))"
			       " ORDER BY number LIMIT 1");
	if (sql_row(q))
		(void)bad(k, (uint64_t)sql_col_int(q, 0),
			  "the body was erased and no line says by whom and why");
	return sql_end(q, err);
}

static enum rc check_signed(struct conn *c, struct checking *k, struct err *err)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES];
	bool found = false;
	enum rc rc = journal_load_key(c, "journal.public", public, sizeof(public), &found, err);
	if (rc != RC_OK || (!k->out->lines && !found))
		return rc;
	if (!found) {
		(void)bad(k, 1, "the node's public key is missing");
		return RC_OK;
	}
	if (!k->out->lines) {
		uint64_t head;
		rc = last_head(c, &head, err);
		if (rc == RC_OK && head)
			(void)bad(k, 1, "all lines are missing: a signed head names them");
		return rc;
	}
	return check_heads(c, k, public, err);
}

static enum rc node_id(struct conn *c, char id[64], struct err *err)
{
	struct sql *q = sql(c, "SELECT value FROM node WHERE key = 'id'");
	bool found = sql_row(q) && str_to_z(sql_col_blob(q, 0), id, 64);
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? fail(err, RC_INPUT, "main.db does not say whose it is") : rc;
}

enum rc journal_verify(struct conn *c, str kept, struct journal_check *out, struct err *err)
{
	struct checking k = { .out = out };
	struct arena *a = arena_new(KIB(4));
	struct kept_head *heads = NULL;
	char id[64] = "";
	*out = (struct journal_check){ 0 };
	enum rc rc = kept.n ? node_id(c, id, err) : RC_OK;
	if (rc == RC_OK && kept.n)
		rc = witness_parse(kept, str_of(id), a, &heads, &k.kept_count, err);
	k.kept = heads;
	if (rc == RC_OK)
		rc = check_lines(c, &k, err);
	if (rc == RC_OK && !out->first_bad)
		rc = check_signed(c, &k, err);
	if (rc == RC_OK && !out->first_bad)
		rc = check_erased(c, &k, err);
	arena_free(a);
	return rc;
}
