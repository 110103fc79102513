/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/access_private.h"

#include <assert.h>

#include "base/json.h"
#include "intake/feeds.h"

enum { LABEL_BYTES = 100 };
static const char token_prefix[] = "ronda_";
static const char token_purpose[] = "token";

/* --- the secret and its key --- */

enum rc secret_text(const char *prefix, char *out, size_t size, struct err *err)
{
	uint8_t bytes[32];
	struct buf text = BUF_INIT(TOKEN_TEXT_BYTES);

	random_bytes(bytes, sizeof(bytes));
	buf_add(&text, str_of(prefix));
	base64url_format(&text, bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	assert(!text.over); /* prefixes are ours */
	bool fits = str_to_z(buf_str(&text), out, size);
	explicit_bzero(text.p, text.n);
	buf_free(&text);
	return fits ? RC_OK : fail(err, RC_LIMIT, "no room for the text of a secret");
}

struct digest secret_hash(const struct store *s, const char *purpose, str text)
{
	return keyed_digest(store_secret(s), purpose, text);
}

/* --- making --- */

static enum rc check_scope(const struct token_new *t, int64_t now_us, struct err *err)
{
	if (t->label.n == 0 || t->label.n > LABEL_BYTES || !str_is_plain(t->label))
		return fail(err, RC_INPUT, "a token needs a label of 1 to %d plain characters", LABEL_BYTES);
	if (t->right != RIGHT_READ && t->right != RIGHT_INTAKE && t->right != RIGHT_OPERATE)
		return fail(err, RC_INPUT, "a token needs the right read, intake or operate");
	if ((unsigned)t->ceiling >= TLP_COUNT)
		return fail(err, RC_INPUT, "a token needs a TLP ceiling");
	if (t->expires_us <= now_us || t->expires_us - now_us > TOKEN_LIFE_MOST)
		return fail(err, RC_INPUT, "a token ends after now and within a year");
	if (t->feed.n > 0 && t->right != RIGHT_INTAKE)
		return fail(err, RC_INPUT, "only a token with the right intake is bound to a feed");
	return RC_OK;
}

static enum rc check_feed(struct conn *c, str name, struct err *err)
{
	if (name.n == 0)
		return RC_OK;
	struct arena *a = arena_new(KIB(4));
	struct feed feed;
	enum rc rc = feed_by_name(c, name, a, &feed, err);
	arena_free(a);
	return rc;
}

static enum rc insert_token(struct tx *tx, const struct token_new *t, str hash, str address,
			    int64_t *id_out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx),
			    "INSERT INTO token (hash, label, access, ceiling, personal_basis, address,"
			    " feed, made_us, expires_us, last_used_us, revoked_us)"
			    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)");
	sql_blob(q, 1, hash);
	sql_str(q, 2, t->label);
	sql_int(q, 3, t->right);
	sql_int(q, 4, t->ceiling);
	sql_int(q, 5, t->personal_basis);
	sql_str(q, 6, address);
	sql_str(q, 7, t->feed.n > 0 ? t->feed : STR(""));
	sql_int(q, 8, tx_now_us(tx));
	sql_int(q, 9, t->expires_us);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK)
		*id_out = sql_last_id(tx_conn(tx));
	return rc;
}

static enum rc insert_account(struct tx *tx, const struct token_new *t, int64_t id, struct err *err)
{
	if (t->account == 0)
		return RC_OK;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO token_account (token, account, reads_only)"
					 " SELECT ?, id, ? FROM account WHERE id = ?");
	sql_int(q, 1, id);
	sql_int(q, 2, t->reads_only);
	sql_int(q, 3, t->account);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) != 1)
		rc = fail(err, RC_ABSENT, "there is no account %lld", (long long)t->account);
	return rc;
}

static enum rc tell_journal(struct tx *tx, struct journal *j, const char *act, int64_t id, str by,
			    const struct token_new *t, str address, struct err *err)
{
	char object[32];
	struct buf body = BUF_INIT(KIB(4));
	struct json_out out = json_out(&body);

	if (t) {
		json_open(&out, '{');
		json_put_str(&out, "label", t->label);
		json_put_str(&out, "right", str_of(right_name(t->right)));
		json_put_str(&out, "ceiling", str_of(tlp_name(t->ceiling)));
		json_put_bool(&out, "personal", t->personal_basis);
		json_put_str(&out, "address", address);
		json_put_str(&out, "feed", t->feed);
		json_put_time(&out, "expires", t->expires_us);
		if (t->account) {
			json_put_i64(&out, "account", t->account);
			json_put_bool(&out, "reads_only", t->reads_only);
		}
		json_close(&out, '}');
	}
	snprintf(object, sizeof(object), "token:%lld", (long long)id);
	struct journal_act line = { .act = act, .actor = by, .object = str_of(object),
				    .count = 1, .body = buf_str(&body) };
	enum rc rc = journal_add(tx, j, &line, err);
	buf_free(&body);
	return rc;
}

enum rc token_make(struct tx *tx, struct journal *j, const struct token_new *t, str by,
		   char *text_out, size_t text_size, int64_t *id_out, struct err *err)
{
	struct net net;
	char net_text[56];
	str address = STR("");

	enum rc rc = check_scope(t, tx_now_us(tx), err);
	if (rc != RC_OK)
		return rc;
	if (t->address.n > 0) {
		if (!net_parse(t->address, false, &net))
			return fail(err, RC_INPUT, "'" STR_FMT "' is no network", STR_ARG(t->address));
		address = net_str(net_text, &net);
	}
	if ((rc = check_feed(tx_conn(tx), t->feed, err)) != RC_OK ||
	    (rc = secret_text(token_prefix, text_out, text_size, err)) != RC_OK)
		return rc;
	struct digest hash = secret_hash(tx_store(tx), token_purpose, str_of(text_out));
	rc = insert_token(tx, t, str_mem(hash.b, sizeof(hash.b)), address, id_out, err);
	if (rc == RC_OK)
		rc = insert_account(tx, t, *id_out, err);
	if (rc == RC_OK)
		rc = tell_journal(tx, j, "token.make", *id_out, by, t, address, err);
	if (rc != RC_OK)
		explicit_bzero(text_out, text_size);
	return rc;
}

/* --- listing and revoking --- */

enum rc token_list(struct conn *c, struct arena *a, struct token **out, size_t *count_out,
		   struct err *err)
{
	size_t n = 0, room = 16;
	struct token *list = ARENA_ARRAY(a, room, struct token);
	struct sql *q = sql(c, "SELECT id, label, address, feed, access, ceiling, personal_basis,"
			       " made_us, expires_us, last_used_us, revoked_us FROM token ORDER BY id");
	while (sql_row(q)) {
		if (n == room) {
			struct token *more = ARENA_ARRAY(a, room * 2, struct token);
			memcpy(more, list, n * sizeof(*list));
			list = more;
			room *= 2;
		}
		list[n++] = (struct token){
			.id = sql_col_int(q, 0),
			.label = arena_str(a, sql_col_str(q, 1)),
			.address = arena_str(a, sql_col_str(q, 2)),
			.feed = arena_str(a, sql_col_str(q, 3)),
			.right = (enum right)sql_col_int(q, 4),
			.ceiling = (enum tlp)sql_col_int(q, 5),
			.personal_basis = sql_col_int(q, 6) != 0,
			.made_us = sql_col_int(q, 7),
			.expires_us = sql_col_int(q, 8),
			.last_used_us = sql_col_int(q, 9),
			.revoked_us = sql_col_int(q, 10),
		};
	}
	*out = list;
	*count_out = n;
	return sql_end(q, err);
}

enum rc token_revoke(struct tx *tx, struct journal *j, int64_t id, str by, struct err *err)
{
	struct sql *q = sql(tx_conn(tx),
			    "UPDATE token SET revoked_us = ? WHERE id = ? AND revoked_us = 0");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, id);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	if (sql_changes(tx_conn(tx)) == 0)
		return fail(err, RC_ABSENT, "there is no token %lld in force", (long long)id);
	return tell_journal(tx, j, "token.revoke", id, by, NULL, STR(""), err);
}

/* --- checking --- */

/* A row of the table as far as the check needs it. All zero fits nothing. */
struct found {
	int64_t id, right, ceiling, expires_us, last_used_us, revoked_us;
	bool personal_basis;
	char address[56], feed[64];
};

static void take_found(struct sql *q, struct found *f)
{
	if (!sql_row(q))
		return;
	f->id = sql_col_int(q, 0);
	f->right = sql_col_int(q, 1);
	f->ceiling = sql_col_int(q, 2);
	f->personal_basis = sql_col_int(q, 3) != 0;
	f->expires_us = sql_col_int(q, 6);
	f->last_used_us = sql_col_int(q, 7);
	f->revoked_us = sql_col_int(q, 8);
	if (!str_to_z(sql_col_str(q, 4), f->address, sizeof(f->address)) ||
	    !str_to_z(sql_col_str(q, 5), f->feed, sizeof(f->feed)))
		f->id = 0; /* a row we did not write */
}

#define FOUND_COLUMNS \
	"SELECT id, access, ceiling, personal_basis, address, feed, expires_us, last_used_us," \
	" revoked_us FROM token "

static enum rc find_by_text(struct reader *r, str text, struct found *f, struct err *err)
{
	struct digest hash = secret_hash(reader_store(r), token_purpose, text);
	struct sql *q = sql(reader_conn(r), FOUND_COLUMNS "WHERE hash = ?");
	sql_blob(q, 1, str_mem(hash.b, sizeof(hash.b)));
	take_found(q, f);
	return sql_end(q, err);
}

static enum rc find_by_id(struct reader *r, int64_t id, struct found *f, struct err *err)
{
	struct sql *q = sql(reader_conn(r), FOUND_COLUMNS "WHERE id = ?");
	sql_int(q, 1, id);
	take_found(q, f);
	return sql_end(q, err);
}

/* Every condition is computed, whatever the first ones say: an unknown token
 * costs what a revoked one costs. */
static bool in_force(const struct found *f, const struct ip *from, int64_t now_us)
{
	struct net net = { 0 };
	bool known = f->id > 0;
	bool alive = f->revoked_us == 0 && now_us < f->expires_us;
	bool parsed = net_parse(str_of(f->address), false, &net);
	bool anywhere = f->address[0] == '\0';
	bool from_there = from && parsed && net_has(&net, from);
	bool scope = f->right >= RIGHT_READ && f->right <= RIGHT_OPERATE && f->ceiling >= TLP_CLEAR &&
		     f->ceiling < TLP_COUNT;

	return known & alive & (anywhere | from_there) & scope;
}

static struct viewer make_viewer(const struct found *f, enum channel channel)
{
	bool operates = f->right == RIGHT_OPERATE;
	struct viewer v = {
		.right = (enum right)f->right,
		.as = { .kind = RECIPIENT_STAFF, .ceiling = (enum tlp)f->ceiling,
			.named = f->ceiling == TLP_RED, .personal_basis = f->personal_basis,
			.exercise_member = operates },
		.channel = channel,
		.exercise = operates,
		.policy = { .public_k = PUBLIC_K_LEAST },
	};

	snprintf(v.actor, sizeof(v.actor), "token:%lld", (long long)f->id);
	return v;
}

static enum rc write_last_used(struct tx *tx, void *ctx, struct err *err)
{
	const int64_t *id = ctx;
	struct sql *q = sql(tx_conn(tx),
			    "UPDATE token SET last_used_us = ? WHERE id = ? AND last_used_us < ?");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, *id);
	sql_int(q, 3, tx_now_us(tx) - MINUTE_US);
	return sql_run(q, err);
}

/* A store that cannot be written (full, read-only) must still be readable. */
static void note_use(struct store *s, const struct found *f, int64_t now_us)
{
	int64_t id = f->id;
	struct err ignored;

	if (now_us - f->last_used_us <= MINUTE_US || store_read_only(s))
		return;
	if (store_write(s, write_last_used, &id, &ignored) != RC_OK)
		return;
}

static enum rc judge(struct store *s, const struct found *f, const struct ip *from,
		     enum channel channel, struct viewer *out, struct err *err)
{
	int64_t now_us = clock_now_us();

	if (!in_force(f, from, now_us))
		return fail(err, RC_DENIED, "the token is not accepted");
	note_use(s, f, now_us);
	*out = make_viewer(f, channel);
	return RC_OK;
}

enum rc token_check(struct store *s, str text, const struct ip *from, enum channel channel,
		    struct viewer *out, char *feed_out, struct err *err)
{
	struct reader *r;
	struct found f = { 0 };

	*out = (struct viewer){ 0 };
	if (feed_out)
		feed_out[0] = '\0';
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = find_by_text(r, text, &f, err);
	store_read_end(r);
	if (rc != RC_OK || (rc = judge(s, &f, from, channel, out, err)) != RC_OK)
		return rc;
	if (feed_out)
		memcpy(feed_out, f.feed, sizeof(f.feed));
	return RC_OK;
}

enum rc token_again(struct store *s, int64_t id, const struct ip *from, enum channel channel,
		    struct viewer *out, struct err *err)
{
	struct reader *r;
	struct found f = { 0 };

	*out = (struct viewer){ 0 };
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = find_by_id(r, id, &f, err);
	store_read_end(r);
	return rc != RC_OK ? rc : judge(s, &f, from, channel, out, err);
}
