/* SPDX-License-Identifier: Apache-2.0 */
#include "record/retention.h"

#include "cli/cli_private.h"
#include "disclosure/read_records.h"

enum { LOOK_MOST = 10000 };

static const struct cli_option options[] = {
	{ "--within", 0, "TIME", "what ends in the time to come (default 30d)" },
	{ .name = NULL },
};

struct listing {
	struct cli *c;
	struct cli_table *t;
	struct reader *r;
	const struct types *types;
	size_t looked;
};

static const char *stay_words(enum retention_stay stay)
{
	switch (stay) {
	case RETENTION_GOES: return "is erased";
	case RETENTION_HELD: return "stays: under hold";
	case RETENTION_LINKED: return "stays: linked with what is open";
	}
	return "";
}

static bool each(void *ctx, const struct retained *one)
{
	struct listing *l = ctx;
	struct record_view v = { 0 };
	struct arena *a = arena_new(KIB(16));
	struct buf title = BUF_INIT(KIB(8));
	char ends[40];
	if (read_record(l->r, l->types, &l->c->viewer, one->id, a, &v, NULL) == RC_OK) {
		record_view_text(&v, record_view_type(&v)->title, &title);
		str row[] = { one->id, time_str(ends, one->ends_us), str_of(stay_words(one->stay)),
			      buf_str(&title) };
		cli_row(l->t, row);
	}
	record_view_end(&v);
	buf_free(&title);
	arena_free(a);
	return ++l->looked < LOOK_MOST && !cli_abandoned(l->c);
}

static int list(struct cli *c, int64_t within_us)
{
	static const struct cli_column columns[] = { { .name = "item" }, { "ends", COLUMN_TIME },
						     { .name = "what" }, { .name = "title" } };
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct snapshot_ref *ref = snapshot_hold(c->node->types);
	struct listing l = { .c = c, .t = &t, .types = snapshot_table(ref) };
	struct err err;
	enum rc rc = store_read_begin(c->node->store, &l.r, &err);
	if (rc == RC_OK)
		rc = retention_list(reader_conn(l.r), l.types, clock_now_us() + within_us, each, &l, &err);
	if (l.r)
		store_read_end(l.r);
	cli_rows_end(c);
	snapshot_drop(c->node->types, ref);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static int run(struct cli *c)
{
	const char *within = cli_value(c, "--within");
	int64_t us = RETENTION_LISTED_US;
	if (c->argc > 1 || (c->argc == 1 && !str_eq(str_of(c->argv[0]), STR("list"))))
		return cli_usage(c, "the word is list");
	if (within && !duration_parse(str_of(within), &us))
		return cli_usage(c, "--within takes a time as 30d or 12h");
	return list(c, us);
}

const struct cli_command cli_retention = {
	.name = "retention",
	.brief = "what has been kept long enough, and is erased next",
	.usage = "retention list [--within TIME]",
	.text = "A type says how long its records are kept after they were closed and last changed. Then they are erased in "
		"the background, with the reason 'retention'. What is under hold, or linked with something still open, "
		"stays. Events and reports are kept as long as the setting keep_events says, else until 'ronda forget'.",
	.example = "ronda retention -d demo list --within 90d",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
