/* SPDX-License-Identifier: Apache-2.0 */
/* ronda TYPE import FILE | list | undo RUN | resume RUN */
#include "base/clock.h"
#include "cli/record_private.h"
#include "disclosure/bulk.h"

static void tell(void *ctx, uint64_t row, const char *words)
{
	struct cli *c = ctx;
	cli_talk(c, "row %llu: %s", (unsigned long long)row, words);
}

static void print_counts(struct cli *c, const struct bulk_counts *n, bool dry)
{
	struct buf b = BUF_INIT(KIB(4));
	struct json_out j = json_out(&b);
	if (c->form == CLI_JSON) {
		json_open(&j, '{');
		json_put_i64(&j, "run", n->run);
		json_put_bool(&j, "dry_run", dry);
		json_put_i64(&j, "rows", (int64_t)n->rows);
		json_put_i64(&j, "added", (int64_t)n->added);
		json_put_i64(&j, "changed", (int64_t)n->changed);
		json_put_i64(&j, "same", (int64_t)n->same);
		json_put_i64(&j, "refused", (int64_t)n->refused);
		json_close(&j, '}');
		cli_print_json(c, &b);
	} else {
		cli_printf(c, "%s%llu rows: %llu added, %llu changed, %llu the same, %llu refused\n",
			   dry ? "would be: " : "", (unsigned long long)n->rows, (unsigned long long)n->added,
			   (unsigned long long)n->changed, (unsigned long long)n->same,
			   (unsigned long long)n->refused);
		if (n->run)
			cli_printf(c, "run %lld\n", (long long)n->run);
	}
	buf_free(&b);
}

/* By the name, else by what it begins with: an object is JSON. */
static bool is_csv(const struct cli *c, const char *path, str text)
{
	str name = str_of(path);
	if (c->form == CLI_CSV || str_ends(name, STR(".csv")))
		return true;
	if (str_ends(name, STR(".json")) || str_ends(name, STR(".jsonl")))
		return false;
	return !str_starts(str_trim_all(str_head(text, 100)), STR("{"));
}

static int import_file(struct record_call *k)
{
	struct cli *c = k->c;
	const char *map = cli_value(c, "--map"), *key = cli_value(c, "--key"), *tlp = cli_value(c, "--tlp");
	struct buf text = BUF_INIT(BULK_FILE_MAX);
	struct bulk_counts n = { 0 };
	struct err err;
	const struct type_field *f = key ? record_field(k->type, str_of(key)) : NULL;
	enum rc rc = cli_read_file(c, k->argv[0], BULK_FILE_MAX, &text, &err);
	struct bulk_request q = { .type = k->type, .text = buf_str(&text), .map = str_of(map ? map : ""),
				  .key = str_of(f ? f->name : key ? key : ""), .tlp = str_of(tlp ? tlp : ""),
				  .why = str_of(cli_value(c, "--why")), .language = k->language,
				  .csv = is_csv(c, k->argv[0], buf_str(&text)),
				  .dry_run = cli_value(c, "--dry-run") != NULL };
	if (rc == RC_OK) {
		rc = bulk_import(c->node->records, c->node->store, &c->viewer, &q, tell, c, &n, &err);
		print_counts(c, &n, q.dry_run);
	}
	buf_free(&text);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

struct run_list {
	struct cli *c;
	struct cli_table t;
};

static bool each_run(void *ctx, const struct bulk_run *run)
{
	struct run_list *l = ctx;
	char at[40];
	str row[] = { arena_fmt(l->c->a, "%lld", (long long)run->id), time_str(at, run->at_us), run->actor,
		      run->state, arena_fmt(l->c->a, "%llu", (unsigned long long)run->rows),
		      arena_fmt(l->c->a, "%llu", (unsigned long long)run->applied), run->why };
	cli_row(&l->t, row);
	return !l->c->broken;
}

static int list_runs(struct record_call *k)
{
	static const struct cli_column columns[] = {
		{ "run", COLUMN_NUMBER },  { "time", COLUMN_TIME },	 { .name = "actor" }, { .name = "state" },
		{ "rows", COLUMN_NUMBER }, { "applied", COLUMN_NUMBER }, { .name = "why" },
	};
	struct run_list l = { .c = k->c, .t = cli_table(k->c, columns, COUNT_OF(columns)) };
	struct reader *r = NULL;
	struct err err;
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = bulk_runs(r, &k->c->viewer, k->type, each_run, &l, &err);
	store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

static int undo(struct record_call *k, int64_t run)
{
	struct cli *c = k->c;
	struct bulk_counts n = { 0 };
	struct err err;
	enum rc rc = bulk_undo(c->node->records, c->node->store, &c->viewer, k->type, run,
			       str_of(cli_value(c, "--why")), tell, c, &n, &err);
	if (c->form == CLI_JSON)
		cli_printf(c, "{\"run\":%lld,\"rows\":%llu,\"erased\":%llu,\"put_back\":%llu,\"left\":%llu}\n",
			   (long long)run, (unsigned long long)n.rows, (unsigned long long)n.added,
			   (unsigned long long)n.changed, (unsigned long long)n.refused);
	else if (rc == RC_OK || n.rows)
		cli_printf(c, "%llu erased, %llu put back, %llu left\n", (unsigned long long)n.added,
			   (unsigned long long)n.changed, (unsigned long long)n.refused);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static int resume(struct record_call *k, int64_t run)
{
	struct cli *c = k->c;
	struct bulk_counts n = { 0 };
	struct err err;
	enum rc rc = bulk_resume(c->node->records, c->node->store, &c->viewer, k->type, run, tell, c, &n, &err);
	if (rc == RC_OK)
		print_counts(c, &n, false);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

int record_import_word(struct record_call *k)
{
	str word = k->argc ? str_of(k->argv[0]) : STR("");
	int64_t run = 0;
	if (k->argc == 1 && str_eq(word, STR("list")))
		return list_runs(k);
	if (k->argc == 2 && str_to_i64(str_of(k->argv[1]), &run) && str_eq(word, STR("undo")))
		return undo(k, run);
	if (k->argc == 2 && str_to_i64(str_of(k->argv[1]), &run) && str_eq(word, STR("resume")))
		return resume(k, run);
	if (k->argc == 1)
		return import_file(k);
	return cli_usage(k->c, "import needs one FILE or -, or 'list', 'undo RUN', 'resume RUN'");
}
