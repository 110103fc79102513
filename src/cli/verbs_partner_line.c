/* SPDX-License-Identifier: Apache-2.0 */
/* ronda partner line | sync: how it stands with the lines to partners; one round with one of them now. */
#include "cli/record_private.h"
#include "disclosure/authz.h"
#include "exchange/courier.h"
#include "exchange/status.h"

static const struct cli_column columns[] = {
	{ .name = "partner" }, { .name = "state" }, { .name = "agreed" }, { .name = "flows" }, { .name = "way" }, { "success", COLUMN_TIME }, { "tried", COLUMN_TIME },
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

static str agreed_words(struct cli *c, const struct partner_status *s)
{
	if (!s->agreement)
		return STR("");
	return arena_fmt(c->a, STR_FMT " up to TLP:%s", STR_ARG(s->agreement_kind), tlp_name(s->agreed));
}

static enum rc show_line(struct cli_table *t, struct reader *r, const struct partner *p, struct err *err)
{
	struct cli *c = t->c;
	struct partner_status s;
	uint64_t waits = 0;
	enum rc rc = partner_status(c->node->exchange, r, p, clock_now_us(), c->a, &s, err);
	if (rc != RC_OK)
		return rc;
	for (int lane = 0; lane < LANES; lane++)
		waits += s.backlog[lane].items;
	const struct line_state *l = &s.line;
	str values[] = { p->name, p->active ? STR("active") : p->ended ? STR("ended") : STR("not active"),
			 agreed_words(c, &s), s.flows, str_of(way_word(p)), time_or_none(c, l->last_success_us),
			 time_or_none(c, l->last_try_us), time_or_none(c, l->retry_us), time_or_none(c, l->fetch_retry_us), number(c, l->sent),
			 number(c, l->received), number(c, waits), number(c, l->bytes_out), number(c, l->bytes_in),
			 l->rtt_us ? number(c, (uint64_t)l->rtt_us / 1000) : STR(""), l->rate ? number(c, l->rate) : STR(""),
			 number(c, s.quota.refused), number(c, s.quota.day_bytes), number(c, s.withdrawn_missing), s.trouble };
	cli_row(t, values);
	return RC_OK;
}

struct lines {
	struct cli_table t;
	struct reader *r;
	enum rc rc;
	struct err *err;
};

static bool each_line(void *ctx, const struct partner *p)
{
	struct lines *l = ctx;
	l->rc = show_line(&l->t, l->r, p, l->err);
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
			rc = show_line(&l.t, r, &p, &err);
	} else if (rc == RC_OK) {
		l.r = r;
		rc = partners_list(k->c->node->exchange, reader_conn(r), false, k->c->a, each_line, &l, &err);
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
		rc = show_line(&t, r, &p, &err);
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
