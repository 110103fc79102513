/* SPDX-License-Identifier: Apache-2.0 */
/* ronda partner line | sync: how it stands with the lines to partners; one round with one of them now. */
#include "cli/record_private.h"
#include "disclosure/authz.h"
#include "exchange/courier.h"
#include "exchange/quota.h"
#include "exchange/status.h"
#include "exchange/withdraw.h"

static const struct cli_column columns[] = {
	{ .name = "partner" }, { .name = "state" }, { .name = "way" }, { "success", COLUMN_TIME }, { "tried", COLUMN_TIME },
	{ "retry", COLUMN_TIME }, { "fetch_retry", COLUMN_TIME }, { "sent", COLUMN_NUMBER }, { "received", COLUMN_NUMBER }, { "waiting", COLUMN_NUMBER },
	{ "bytes_out", COLUMN_NUMBER }, { "bytes_in", COLUMN_NUMBER }, { "ms", COLUMN_NUMBER }, { "bytes_a_second", COLUMN_NUMBER },
	{ "refused", COLUMN_NUMBER }, { "bytes_today", COLUMN_NUMBER }, { "withdrawn_missing", COLUMN_NUMBER },
	{ .name = "trouble" },
};

static str number(struct cli *c, uint64_t n)
{
	return arena_fmt(c->a, "%llu", (unsigned long long)n);
}

static str time_or_none(struct cli *c, int64_t us)
{
	char text[40];
	return us ? arena_str(c->a, time_str(text, us)) : STR("");
}

static const char *way_word(const struct partner *p)
{
	if (p->push)
		return p->pull ? "we send and fetch" : "we send";
	return p->pull ? "we fetch" : "they call us";
}

/* Items that are offered and not answered yet; *withdrawn: those among them that are taken back. */
static enum rc waiting(struct conn *c, const struct partner *p, const struct line_state *s, struct arena *a, uint64_t *out,
		       uint64_t *withdrawn, struct err *err)
{
	struct collection col;
	*out = *withdrawn = 0;
	enum rc rc = collection_of_partner(c, COLLECTION_OUT, p->id, a, &col, err);
	if (rc == RC_ABSENT)
		return RC_OK;
	for (int lane = 0; rc == RC_OK && lane <= LANE_BULK; lane++) {
		struct backlog b;
		rc = collection_backlog(c, col.id, lane, s->out_us[lane], &b, err);
		*out += rc == RC_OK ? b.items : 0;
		uint64_t n = 0;
		if (rc == RC_OK)
			rc = withdrawn_unanswered(c, col.id, (enum lane)lane, s->out_us[lane], &n, err);
		*withdrawn += n;
	}
	return rc;
}

static enum rc show_line(struct cli_table *t, struct conn *conn, const struct partner *p, struct err *err)
{
	struct cli *c = t->c;
	struct line_state s;
	struct quota_state used;
	int64_t now = clock_now_us();
	uint64_t waits = 0, withdrawn = 0;
	enum rc rc = courier_state(c->node->exchange, conn, p->id, c->a, &s, err);
	if (rc == RC_OK)
		rc = waiting(conn, p, &s, c->a, &waits, &withdrawn, err);
	if (rc == RC_OK)
		rc = quota_state(conn, p->id, now, &used, err);
	if (rc != RC_OK)
		return rc;
	str words = line_words(p, &s, c->a);
	str values[] = { p->name, p->active ? STR("active") : p->ended ? STR("ended") : STR("not active"), str_of(way_word(p)),
			 time_or_none(c, s.last_success_us), time_or_none(c, s.last_try_us), time_or_none(c, s.retry_us), time_or_none(c, s.fetch_retry_us),
			 number(c, s.sent), number(c, s.received), number(c, waits), number(c, s.bytes_out),
			 number(c, s.bytes_in), s.rtt_us ? number(c, (uint64_t)s.rtt_us / 1000) : STR(""),
			 s.rate ? number(c, s.rate) : STR(""), number(c, used.refused), number(c, used.day_bytes),
			 number(c, withdrawn),
			 words.n ? words : quota_words(c->node->exchange, p, &used, now, c->a) };
	cli_row(t, values);
	return RC_OK;
}

struct lines {
	struct cli_table t;
	struct conn *c;
	enum rc rc;
	struct err *err;
};

static bool each_line(void *ctx, const struct partner *p)
{
	struct lines *l = ctx;
	l->rc = show_line(&l->t, l->c, p, l->err);
	return l->rc == RC_OK;
}

static int may_read(struct record_call *k)
{
	bool owner = !k->c->viewer.account && !k->c->viewer.roles;
	return cli_may(k->c, owner || authz_ever(&k->c->viewer, ACTION_READ, k->type));
}

static int line(struct record_call *k)
{
	struct err err = { 0 };
	struct reader *r = NULL;
	struct partner p;
	struct lines l = { .t = cli_table(k->c, columns, COUNT_OF(columns)), .err = &err };
	int code = may_read(k);
	if (code)
		return code;
	if (k->argc > 1)
		return cli_usage(k->c, "line takes at most an ID");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK && k->argc) {
		rc = partner_find(k->c->node->exchange, reader_conn(r), str_of(k->argv[0]), k->c->a, &p, &err);
		if (rc == RC_OK)
			rc = show_line(&l.t, reader_conn(r), &p, &err);
	} else if (rc == RC_OK) {
		l.c = reader_conn(r);
		rc = partners_list(k->c->node->exchange, l.c, false, k->c->a, each_line, &l, &err);
		rc = rc == RC_OK ? l.rc : rc;
	}
	if (r)
		store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

const struct cli_verb cli_verb_partner_line = {
	.type = "partner",
	.word = "line",
	.usage = "line [ID]",
	.brief = "how it stands with the lines: last success, what waits, what went over, and what to do about trouble",
	.run = line,
};

static int sync_now(struct record_call *k)
{
	struct err err = { 0 };
	struct reader *r = NULL;
	struct partner p;
	struct line_state s;
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	bool owner = !k->c->viewer.account && !k->c->viewer.roles;
	int code = cli_may(k->c, owner || authz_ever(&k->c->viewer, ACTION_EDIT, k->type));
	if (code)
		return code;
	if (k->argc != 1)
		return cli_usage(k->c, "sync needs an ID");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK) {
		rc = partner_find(k->c->node->exchange, reader_conn(r), str_of(k->argv[0]), k->c->a, &p, &err);
		store_read_end(r);
	}
	if (rc == RC_OK)
		rc = courier_once(k->c->node->exchange, &p, k->c->a, &s, &err);
	r = NULL;
	if (rc == RC_OK)
		rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK) {
		rc = show_line(&t, reader_conn(r), &p, &err);
		store_read_end(r);
	}
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

const struct cli_verb cli_verb_partner_sync = {
	.type = "partner",
	.word = "sync",
	.usage = "sync ID",
	.brief = "send to it and fetch from it now, whatever pause it has",
	.run = sync_now,
	.helpers = true,
};
