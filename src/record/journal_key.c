/* SPDX-License-Identifier: Apache-2.0 */
/* Another key for the node to sign its journal with. */
#include "base/json.h"
#include "record/journal_private.h"

struct keys {
	unsigned char old_public[crypto_sign_PUBLICKEYBYTES], public[crypto_sign_PUBLICKEYBYTES];
	unsigned char old_secret[crypto_sign_SECRETKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
};

static enum rc load_old(struct conn *c, struct keys *k, struct err *err)
{
	bool found = false, both = false;
	enum rc rc = journal_load_key(c, "journal.secret", k->old_secret, sizeof(k->old_secret), &found, err);
	if (rc == RC_OK)
		rc = journal_load_key(c, "journal.public", k->old_public, sizeof(k->old_public), &both, err);
	return rc == RC_OK && !(found && both) ? fail(err, RC_IO, "the key of the journal is not there: run 'ronda verify'") : rc;
}

static enum rc replace(struct conn *c, const char *name, const void *key, size_t size, struct err *err)
{
	struct sql *q = sql(c, "UPDATE node SET value = ? WHERE key = ?");
	sql_blob(q, 1, str_mem(key, size));
	sql_str(q, 2, str_of(name));
	return sql_run(q, err);
}

static void put_hex(struct json_out *j, const char *name, const unsigned char *p, size_t n)
{
	struct buf hex = BUF_INIT(2 * crypto_sign_BYTES + 1);
	hex_format(&hex, p, n);
	json_put_str(j, name, buf_str(&hex));
	buf_free(&hex);
}

/* The old key signs the new one: who knew the old follows. */
static enum rc tell(struct tx *tx, struct journal *j, const struct keys *k, str why, str by, struct err *err)
{
	unsigned char signature[crypto_sign_BYTES];
	struct buf body = BUF_INIT(KIB(8)), signed_text = BUF_INIT(128);
	struct json_out out = json_out(&body);
	buf_add(&signed_text, STR("ronda journal key 1\n"));
	buf_add_mem(&signed_text, k->public, sizeof(k->public));
	crypto_sign_detached(signature, NULL, (const unsigned char *)signed_text.p, signed_text.n, k->old_secret);
	json_open(&out, '{');
	put_hex(&out, "old", k->old_public, sizeof(k->old_public));
	put_hex(&out, "new", k->public, sizeof(k->public));
	put_hex(&out, "signature", signature, sizeof(signature));
	json_put_str(&out, "why", why);
	json_close(&out, '}');
	const struct journal_act act = { .act = "node.key", .actor = by, .object = STR("node"), .count = 1,
					 .body = buf_str(&body) };
	enum rc rc = journal_add(tx, j, &act, err);
	buf_free(&body);
	buf_free(&signed_text);
	return rc;
}

struct head {
	uint64_t number;
	struct digest hash;
	bool sound;
};

/* Heads that the old key signed are signed by the new one; one that was not stays as it is. */
static enum rc sign_again(struct conn *c, const struct keys *k, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	size_t n = 0, room = 0;
	struct head *list = NULL;
	struct sql *q = sql(c, "SELECT number, hash, signature FROM journal_head ORDER BY number");
	while (sql_row(q)) {
		if (n == room) {
			struct head *grown = ARENA_ARRAY(a, room = room ? 2 * room : 64, struct head);
			if (n)
				memcpy(grown, list, n * sizeof(*grown));
			list = grown;
		}
		list[n] = (struct head){ .number = (uint64_t)sql_col_int(q, 0),
					 .sound = journal_head_is_signed(q, k->old_public) };
		if (list[n].sound)
			list[n].sound = journal_take_digest(sql_col_blob(q, 1), &list[n].hash);
		n++;
	}
	enum rc rc = sql_end(q, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		unsigned char signature[crypto_sign_BYTES];
		if (!list[i].sound)
			continue;
		journal_sign_head(k->secret, list[i].number, &list[i].hash, signature);
		q = sql(c, "UPDATE journal_head SET signature = ? WHERE number = ?");
		sql_blob(q, 1, str_mem(signature, sizeof(signature)));
		sql_int(q, 2, (int64_t)list[i].number);
		rc = sql_run(q, err);
	}
	arena_free(a);
	return rc;
}

enum rc journal_new_key(struct tx *tx, struct journal *j, str why, str by, struct err *err)
{
	struct conn *c = tx_conn(tx);
	struct keys k;
	if (!str_trim_all(why).n || why.n > KIB(2) || !str_is_utf8(why))
		return fail(err, RC_INPUT, "for another key a reason of at most 2,048 bytes must be given");
	enum rc rc = load_old(c, &k, err);
	crypto_sign_keypair(k.public, k.secret);
	if (rc == RC_OK)
		rc = tell(tx, j, &k, why, by, err);
	if (rc == RC_OK)
		rc = sign_again(c, &k, err);
	if (rc == RC_OK)
		rc = replace(c, "journal.secret", k.secret, sizeof(k.secret), err);
	if (rc == RC_OK)
		rc = replace(c, "journal.public", k.public, sizeof(k.public), err);
	j->key_changed = true; /* whatever becomes of this job: what stands is read again */
	explicit_bzero(&k, sizeof(k));
	return rc;
}
