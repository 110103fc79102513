/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/figures.h"

#include "base/clock.h"
#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--by", 'b', "WHAT", "organisation, class, feed, country, month or all (default)" },
	{ "--since", 0, "TIME", "findings opened, and messages ended, since then: 2026-01, 2026-01-31, 90d" },
	{ "--until", 0, "TIME", "... and before that" },
	{ "--silent", 0, "N", "organisations told at least N times that never answered (default 3), instead" },
	{ "--messages", 0, NULL, "how messages ended, by driver, instead" },
	{ "--public", 0, NULL, "what may be published: of TLP:CLEAR findings, small cells left out" },
	{ .name = NULL },
};

static const struct cli_column columns[] = {
	{ .name = "name" },
	{ "findings", COLUMN_NUMBER }, { "open", COLUMN_NUMBER }, { "told", COLUMN_NUMBER },
	{ "answered", COLUMN_NUMBER }, { "claimed_fixed", COLUMN_NUMBER }, { "gone", COLUMN_NUMBER },
	{ "returned", COLUMN_NUMBER }, { "relapsed", COLUMN_NUMBER },
	{ .name = "time_to_tell" }, { "tell_n", COLUMN_NUMBER }, { "tell_censored", COLUMN_NUMBER },
	{ .name = "tell_95" },
	{ .name = "time_to_acknowledge" }, { "acknowledge_n", COLUMN_NUMBER },
	{ "acknowledge_censored", COLUMN_NUMBER }, { .name = "acknowledge_95" },
	{ .name = "time_to_fix" }, { "fix_n", COLUMN_NUMBER }, { "fix_censored", COLUMN_NUMBER },
	{ .name = "fix_95" },
	{ .name = "time_to_fix_told" }, { "fix_told_n", COLUMN_NUMBER }, { "fix_told_censored", COLUMN_NUMBER },
	{ .name = "fix_told_95" },
};

static str count_text(struct arena *a, uint64_t v)
{
	return v == FIGURE_FEW ? STR("") : arena_fmt(a, "%llu", (unsigned long long)v);
}

/* In CSV seconds, for programs; for people words. */
static str time_text(struct cli *c, int64_t s)
{
	if (c->form == CLI_CSV)
		return s < 0 ? STR("") : arena_fmt(c->a, "%lld", (long long)s);
	return figure_words(c->a, s);
}

/* For people: the median, and of how many it was reckoned. */
static const struct cli_column short_columns[] = {
	{ .name = "name" }, { .name = "findings" }, { .name = "open" }, { .name = "told" }, { .name = "answered" },
	{ .name = "gone" }, { .name = "returned" }, { .name = "told after" }, { .name = "answered after" },
	{ .name = "gone after" }, { .name = "gone after told" },
};

static void put_short(struct cli_table *t, const struct figure_row *row)
{
	static const enum figure_count shown[] = { COUNT_FINDINGS, COUNT_OPEN, COUNT_TOLD, COUNT_ANSWERED, COUNT_GONE,
						   COUNT_RETURNED };
	struct arena *a = t->c->a;
	str values[COUNT_OF(short_columns)] = { row->name.n ? row->name : STR("-") };
	size_t n = 1;
	for (size_t i = 0; i < COUNT_OF(shown); i++)
		values[n++] = row->counts[shown[i]] == FIGURE_FEW ? STR("few") : count_text(a, row->counts[shown[i]]);
	for (size_t i = 0; i < FIGURE_TIMES; i++) {
		const struct figure_span *s = &row->times[i];
		values[n++] = s->n == 0 ? STR("-") :
			      s->n == FIGURE_FEW || s->censored == FIGURE_FEW ? figure_words(a, s->median_s) :
			      arena_fmt(a, STR_FMT " (%llu of %llu)", STR_ARG(figure_words(a, s->median_s)),
					(unsigned long long)(s->n - s->censored), (unsigned long long)s->n);
	}
	cli_row(t, values);
}

static void put_row(struct cli_table *t, const struct figure_row *row)
{
	struct arena *a = t->c->a;
	if (t->c->form == CLI_TEXT) {
		put_short(t, row);
		return;
	}
	str values[COUNT_OF(columns)] = { row->name.n ? row->name : STR("-") };
	size_t n = 1;
	for (size_t i = 0; i < FIGURE_COUNTS; i++)
		values[n++] = count_text(a, row->counts[i]);
	for (size_t i = 0; i < FIGURE_TIMES; i++) {
		const struct figure_span *s = &row->times[i];
		values[n++] = s->n ? time_text(t->c, s->median_s) : STR("");
		values[n++] = count_text(a, s->n);
		values[n++] = count_text(a, s->censored);
		values[n++] = s->n ? arena_fmt(a, STR_FMT " - " STR_FMT, STR_ARG(time_text(t->c, s->low_s)),
					       STR_ARG(time_text(t->c, s->high_s))) : STR("");
	}
	cli_row(t, values);
}

static void put_messages(struct cli *c, const struct figures *f)
{
	static const struct cli_column of_messages[] = { { .name = "driver" }, { .name = "kind" },
							 { "messages", COLUMN_NUMBER } };
	struct cli_table t = cli_table(c, of_messages, COUNT_OF(of_messages));
	for (size_t i = 0; i < f->message_count; i++)
		cli_row(&t, (const str[]){ f->messages[i].driver, str_of(ledger_kind_name(f->messages[i].kind)),
					   count_text(c->a, f->messages[i].rows) });
}

static void put_silent(struct cli *c, const struct directory *d, const struct figures *f)
{
	static const struct cli_column of_silent[] = { { .name = "organisation" }, { .name = "id" },
						       { "told", COLUMN_NUMBER }, { "first", COLUMN_TIME },
						       { "last", COLUMN_TIME } };
	struct cli_table t = cli_table(c, of_silent, COUNT_OF(of_silent));
	char first[40], last[40];
	for (size_t i = 0; i < f->silent_count; i++)
		cli_row(&t, (const str[]){ figure_organisation(d, f->silent[i].recipient), f->silent[i].recipient,
					   count_text(c->a, f->silent[i].told), time_str(first, f->silent[i].first_us),
					   time_str(last, f->silent[i].last_us) });
}

static void put_json(struct cli *c, const struct directory *d, const struct figures *f)
{
	struct buf b = BUF_INIT(MIB(16));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	figures_json(f, d, &j);
	json_key(&j, STR("rows"));
	json_open(&j, '[');
	for (size_t i = 0; i < f->count; i++)
		figure_row_json(&f->rows[i], &j);
	json_close(&j, ']');
	json_close(&j, '}');
	cli_print_json(c, &b);
	buf_free(&b);
}

static void put(struct cli *c, const struct directory *d, struct figures *f)
{
	bool text = c->form == CLI_TEXT;
	struct cli_table t = cli_table(c, text ? short_columns : columns,
				       text ? COUNT_OF(short_columns) : COUNT_OF(columns));
	if (c->form == CLI_JSON) {
		put_json(c, d, f);
		return;
	}
	if (cli_value(c, "--messages")) {
		put_messages(c, f);
		return;
	}
	if (cli_value(c, "--silent")) {
		put_silent(c, d, f);
		return;
	}
	for (size_t i = 0; i < f->count; i++)
		put_row(&t, &f->rows[i]);
	if (f->by != FIGURES_ALL || f->count == 0) {
		f->all.name = STR("(all)");
		put_row(&t, &f->all);
	}
}

static int take_options(struct cli *c, struct figures_query *q)
{
	const char *by = cli_value(c, "--by"), *since = cli_value(c, "--since"), *until = cli_value(c, "--until");
	const char *silent = cli_value(c, "--silent");
	if (c->argc > 0)
		return cli_usage(c, "figures takes options only");
	if (by && !figure_by_parse(str_of(by), &q->by))
		return cli_usage(c, "--by takes organisation, class, feed, country, month or all");
	if (since && !figure_time_parse(str_of(since), q->now_us, &q->since_us))
		return cli_usage(c, "--since takes a month, a day, a time, or 90d");
	if (until && (!figure_time_parse(str_of(until), q->now_us, &q->until_us) || q->until_us == 0))
		return cli_usage(c, "--until takes a month, a day, a time, or 30d");
	if (silent && (!str_to_u64(str_of(silent), &q->silent_least) || q->silent_least == 0))
		return cli_usage(c, "--silent takes a number from 1");
	return 0;
}

static int run(struct cli *c)
{
	struct figures_query q = { .now_us = clock_now_us(), .dir = c->node->dir };
	struct viewer v = c->viewer;
	struct figures f;
	struct reader *r = NULL;
	struct err err;
	int code = take_options(c, &q);
	if (code)
		return code;
	if (cli_value(c, "--public")) {
		v = viewer_public(CHANNEL_SCREEN);
		v.policy = c->viewer.policy;
	}
	struct snapshot_ref *directory = node_directory(c->node);
	q.directory = snapshot_table(directory);
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = figures_read(r, &v, &q, c->a, &f, &err);
	if (rc == RC_OK)
		put(c, q.directory, &f);
	if (r)
		store_read_end(r);
	snapshot_drop(c->node->directory, directory);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

const struct cli_command cli_figures = {
	.name = "figures",
	.brief = "how long until told, answered, gone; who never answers",
	.usage = "figures [--by WHAT] [--since TIME] [--until TIME] [--public]",
	.text = "For each group how many findings were opened, told, answered, gone and came back, and the median time "
		"to each, by the survival estimate, which counts what is still open as open and not as quick; behind it "
		"how many of how many cases have come so far. \"not reached\": fewer than half have. CSV and JSON have "
		"seconds, and the 95 % interval. Exercises and rehearsals are in no figure.",
	.example = "ronda figures -d demo --by class --since 90d",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_READ,
	.run = run,
};
