/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/access_private.h"

#include "base/json.h"

static const char setup_prefix[] = "ronda_setup_";
static const char setup_purpose[] = "setup";
static const int64_t setup_token_life_us = 90 * DAY_US;

static enum rc write_secret(struct tx *tx, void *ctx, struct err *err)
{
	struct digest hash = secret_hash(tx_store(tx), setup_purpose, str_of(ctx));
	struct sql *q = sql(tx_conn(tx),
			    "INSERT OR REPLACE INTO node (key, value) VALUES ('setup_secret', ?)");
	sql_blob(q, 1, str_mem(hash.b, sizeof(hash.b)));
	return sql_run(q, err);
}

enum rc setup_secret_make(struct store *s, char *text_out, size_t text_size, struct err *err)
{
	enum rc rc = secret_text(setup_prefix, text_out, text_size, err);
	if (rc == RC_OK)
		rc = store_write(s, write_secret, text_out, err);
	return rc;
}

struct use {
	struct journal *journal;
	str text;
	const struct ip *from;
	char *token_out;
	size_t token_size;
};

static enum rc compare_secret(struct tx *tx, str text, struct err *err)
{
	bool same = false;
	struct digest hash = secret_hash(tx_store(tx), setup_purpose, text);
	struct sql *q = sql(tx_conn(tx), "SELECT value FROM node WHERE key = 'setup_secret'");
	if (sql_row(q))
		same = str_eq_secret(sql_col_blob(q, 0), str_mem(hash.b, sizeof(hash.b)));
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	return same ? RC_OK : fail(err, RC_DENIED, "the set-up secret is not accepted");
}

static enum rc tell_journal(struct tx *tx, const struct use *u, struct err *err)
{
	char ip[48];
	struct buf body = BUF_INIT(KIB(1));
	struct json_out out = json_out(&body);

	json_open(&out, '{');
	json_put_str(&out, "from", u->from ? ip_str(ip, u->from) : STR(""));
	json_close(&out, '}');
	struct journal_act line = { .act = "setup", .actor = STR("setup"), .object = STR("node"),
				    .body = buf_str(&body) };
	enum rc rc = journal_add(tx, u->journal, &line, err);
	buf_free(&body);
	return rc;
}

static enum rc use_secret(struct tx *tx, void *ctx, struct err *err)
{
	const struct use *u = ctx;
	int64_t id;
	struct token_new first = {
		.label = STR("set-up"), .right = RIGHT_OPERATE, .ceiling = TLP_RED,
		.personal_basis = true, .expires_us = tx_now_us(tx) + setup_token_life_us,
	};

	enum rc rc = compare_secret(tx, u->text, err);
	if (rc == RC_OK)
		rc = sql_run(sql(tx_conn(tx), "DELETE FROM node WHERE key = 'setup_secret'"), err);
	if (rc == RC_OK)
		rc = tell_journal(tx, u, err);
	if (rc == RC_OK)
		rc = token_make(tx, u->journal, &first, STR("setup"), u->token_out, u->token_size, &id, err);
	return rc;
}

enum rc setup_secret_use(struct store *s, struct journal *j, str text, const struct ip *from,
			 char *token_out, size_t token_size, struct err *err)
{
	struct use u = { .journal = j, .text = text, .from = from,
			 .token_out = token_out, .token_size = token_size };

	enum rc rc = store_write(s, use_secret, &u, err);
	if (rc != RC_OK)
		explicit_bzero(token_out, token_size); /* the commit failed: it opens nothing */
	return rc;
}
