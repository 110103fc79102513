/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "cli/cli_private.h"
#include "disclosure/read_records.h"

enum { LOOK_MOST = 10000 };

static const struct cli_option options[] = {
	{ "--within", 0, "TIME", "also what is due in the time to come, as 12h or 3d (default 1d; 0: overdue only)" },
	{ "--limit", 'n', "N", "at most so many (default 100)" },
	{ .name = NULL },
};

struct due_row {
	int64_t due_us;
	str item, type, state, title;
};
struct listing {
	struct cli *c;
	struct due_row *rows;
	size_t count, room;
	bool over;
};

static bool each(void *ctx, const struct record_view *v)
{
	struct listing *l = ctx;
	struct buf b = BUF_INIT(MIB(8));
	struct json_out j = json_out(&b);
	struct json_object *o = NULL;
	int64_t number = 0;
	struct due_row row;
	if (l->count == LOOK_MOST) {
		l->over = true;
		return false;
	}
	record_view_json(v, &j);
	if (json_read(buf_str(&b), &o, NULL) == RC_OK && time_parse(json_get_str(o, "due"), true, &row.due_us)) {
		(void)json_get_i64(o, "number", &number);
		row.type = arena_str(l->c->a, json_get_str(o, "type"));
		row.item = number ? arena_fmt(l->c->a, STR_FMT "-%lld", STR_ARG(row.type), (long long)number) :
				    record_view_id(v, l->c->a);
		row.state = arena_str(l->c->a, json_get_str(o, "state"));
		row.title = arena_str(l->c->a, json_get_str(o, "title"));
		if (l->count == l->room) {
			l->room = l->room ? 2 * l->room : 64;
			l->rows = x_grow(l->rows, l->room, sizeof(*l->rows));
		}
		l->rows[l->count++] = row;
	}
	json_free(o);
	buf_free(&b);
	return true;
}

static int soonest_first(const void *a, const void *b)
{
	const struct due_row *x = a, *y = b;
	return x->due_us < y->due_us ? -1 : x->due_us > y->due_us ? 1 : str_cmp(x->item, y->item);
}

static void print(struct cli *c, const struct listing *l, uint64_t limit)
{
	static const struct cli_column columns[] = {
		{ .name = "item" }, { .name = "type" }, { .name = "state" }, { "due", COLUMN_TIME },
		{ "overdue", COLUMN_BOOL }, { .name = "title" },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	int64_t now = clock_now_us();
	for (size_t i = 0; i < l->count && i < limit; i++) {
		const struct due_row *r = &l->rows[i];
		char due[40];
		str row[] = { r->item, r->type, r->state, time_str(due, r->due_us),
			      r->due_us <= now ? STR("yes") : STR("no"), r->title };
		cli_row(&t, row);
	}
	if (l->over || l->count > limit)
		cli_talk(c, "there is more: give a larger --limit or a smaller --within");
}

static int run(struct cli *c)
{
	const char *within = cli_value(c, "--within"), *most = cli_value(c, "--limit");
	int64_t horizon = DAY_US;
	uint64_t limit = 100;
	struct listing l = { .c = c };
	struct record_query q = { .overdue = true };
	struct reader *r = NULL;
	struct err err = { 0 };
	if (c->argc > 0)
		return cli_usage(c, "takes no arguments");
	if (within && (!duration_parse(str_of(within), &horizon) || horizon < 0 || horizon > 36500 * DAY_US))
		return cli_usage(c, "--within takes a time such as 12h or 3d");
	if (most && (!str_to_u64(str_of(most), &limit) || limit == 0 || limit > LOOK_MOST))
		return cli_usage(c, "--limit takes a number up to 10000");
	q.due_by_us = clock_now_us() + horizon;
	struct snapshot_ref *types = snapshot_hold(c->node->types);
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_records(r, snapshot_table(types), &c->viewer, &q, LOOK_MOST + 1, c->a, each, &l, &err);
	if (rc == RC_OK) {
		qsort(l.rows, l.count, l.rows ? sizeof(*l.rows) : 1, soonest_first);
		print(c, &l, limit);
	}
	if (r)
		store_read_end(r);
	free(l.rows);
	snapshot_drop(c->node->types, types);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

const struct cli_command cli_due = {
	.name = "due",
	.brief = "what is due or overdue that you may see",
	.usage = "due [--within TIME]",
	.text = "Records of all types whose soonest clock is due, the most urgent first. docs/workflow.md says how "
		"clocks run and who is told.",
	.example = "ronda due -d demo",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
