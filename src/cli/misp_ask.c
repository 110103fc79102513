/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/misp_private.h"

#include "exchange/misp_sync.h"

enum { PARTNERS_MOST = 200 };

struct chosen {
	struct partner list[PARTNERS_MOST];
	size_t count;
};

static bool keep(void *ctx, const struct partner *p)
{
	struct chosen *k = ctx;
	if (p->kind == PARTNER_MISP && k->count < PARTNERS_MOST)
		k->list[k->count++] = *p;
	return true;
}

/* --partner, or all of the kind that are in use. */
static enum rc choose(struct cli *c, struct chosen *out, struct err *err)
{
	const char *name = cli_value(c, "--partner");
	struct reader *r;
	enum rc rc = store_read_begin(c->node->store, &r, err);
	if (rc != RC_OK)
		return rc;
	if (name) {
		rc = partner_find(c->node->exchange, reader_conn(r), str_of(name), c->a, &out->list[0], err);
		out->count = 1;
	} else {
		rc = partners_list(c->node->exchange, reader_conn(r), true, c->a, keep, out, err);
	}
	store_read_end(r);
	if (rc == RC_OK && out->count == 0)
		rc = fail(err, RC_ABSENT, "no partner of the kind MISP is in use");
	return rc;
}

/* Each partner in turn: one that fails is said, the others are asked. */
static int each_partner(struct cli *c, int (*run)(struct cli *c, const struct partner *p, struct err *err))
{
	struct chosen *k = ARENA_NEW(c->a, struct chosen);
	struct err err = { 0 };
	int code = 0;
	*k = (struct chosen){ .count = 0 };
	if (choose(c, k, &err) != RC_OK)
		return cli_fail(c, &err);
	for (size_t i = 0; i < k->count && !cli_abandoned(c); i++) {
		err = (struct err){ 0 };
		int was = run(c, &k->list[i], &err);
		if (err.rc != RC_OK)
			was = cli_fail(c, &err);
		code = was ? was : code;
	}
	return code;
}

/* --- search --- */

static const struct cli_column columns[] = {
	{ .name = "partner" }, { .name = "event" }, { .name = "info" }, { .name = "type" }, { .name = "category" },
	{ .name = "value" }, { "to_ids", COLUMN_BOOL }, { .name = "tags" }, { "at", COLUMN_TIME }, { .name = "uuid" },
};

struct searching {
	struct cli_table *t;
	str value;
};

static void search_one(struct searching *k, const struct partner *p, struct err *err)
{
	struct cli *c = k->t->c;
	struct misp_found *list = NULL;
	size_t count = 0;
	char at[40];
	if (misp_search(c->node->exchange, p, k->value, c->a, &list, &count, err) != RC_OK)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct misp_found *f = &list[i];
		str row[] = { p->name, f->event, f->info, f->type, f->category, f->value, f->ids ? STR("yes") : STR("no"), f->tags,
			      f->at_us ? time_str(at, f->at_us) : STR("never"), f->uuid };
		cli_row(k->t, row);
	}
}

/* What others were asked about is an act of its own: they learn it. */
static enum rc note_search(struct cli *c, size_t asked, struct err *err)
{
	struct journal_act act = { .act = "misp.search", .actor = str_of(c->viewer.actor), .object = STR("misp"), .count = asked };
	return journal_write(c->node->journal, &act, err);
}

int misp_search_all(struct cli *c)
{
	struct chosen *k = ARENA_NEW(c->a, struct chosen);
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct err err = { 0 };
	int code = 0;
	if (c->argc != 2)
		return cli_usage(c, "search needs one VALUE");
	*k = (struct chosen){ .count = 0 };
	if (choose(c, k, &err) != RC_OK || note_search(c, k->count, &err) != RC_OK)
		return cli_fail(c, &err);
	struct searching s = { &t, str_of(c->argv[1]) };
	for (size_t i = 0; i < k->count && !cli_abandoned(c); i++) {
		err = (struct err){ 0 };
		search_one(&s, &k->list[i], &err);
		if (err.rc != RC_OK)
			code = cli_fail(c, &err);
	}
	return code;
}

/* --- pull, push, sighting --- */

static int pull_one(struct cli *c, const struct partner *p, struct err *err)
{
	struct misp_looked l;
	if (misp_pull(c->node->exchange, p, &l, err) != RC_OK)
		return 1;
	cli_printf(c, c->form == CLI_JSON ? "{\"taken\":%llu,\"failed\":%llu,\"left\":%llu}\n" :
					    "%llu MISP events taken, %llu failed, %llu left for the next time\n",
		   (unsigned long long)l.taken, (unsigned long long)l.failed, (unsigned long long)l.left);
	return l.failed ? rc_exit_code(RC_BUSY) : 0;
}

int misp_pull_all(struct cli *c)
{
	return each_partner(c, pull_one);
}

static int sight_one(struct cli *c, const struct partner *p, struct err *err)
{
	enum misp_sighting what = cli_value(c, "--false-positive") ? MISP_FALSE_POSITIVE :
				  cli_value(c, "--expired") ? MISP_EXPIRED : MISP_SEEN;
	if (misp_sight(c->node->exchange, p, str_of(c->argv[1]), what, err) != RC_OK)
		return 1;
	cli_done(c, "told", p->name);
	return 0;
}

int misp_sighting_of(struct cli *c)
{
	if (c->argc != 2 || !cli_value(c, "--partner"))
		return cli_usage(c, "sighting needs the UUID of an attribute, and --partner NAME");
	return each_partner(c, sight_one);
}

static int push_one(struct cli *c, const struct partner *p, struct err *err)
{
	struct misp_sent n;
	if (misp_push(c->node->exchange, p, &n, err) != RC_OK)
		return 1;
	cli_printf(c, c->form == CLI_JSON ? "{\"events\":%llu,\"objects\":%llu,\"refused\":%llu}\n" :
					    "%llu MISP events sent with %llu objects; %llu events kept back\n",
		   (unsigned long long)n.events, (unsigned long long)n.objects, (unsigned long long)n.refused);
	return 0;
}

int misp_push_all(struct cli *c)
{
	return each_partner(c, push_one);
}
