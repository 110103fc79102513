/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--tlp", 0, "TLP", "marking of events that carry none: CLEAR, GREEN, AMBER, AMBER+STRICT or RED" },
	{ "--accuracy", 0, "NUMBER", "how sure it is, 0 to 100: of events that state none (feed.accuracy)" },
	{ "--folder", 0, "PATH", "watch this folder; each file in it is a report" },
	{ "--period", 0, "TIME", "how often a report is due (12h, 1d): a silent feed is shown" },
	{ "--complete", 0, NULL, "one report is all there is now: what it lacks is gone" },
	{ "--format", 0, "NAME", "when the content does not tell" },
	{ "--mapping", 0, "FILE", "mapping file for csv, or Shadowserver's own schema" },
	{ "--exercise", 0, NULL, "made for drills: never counted, never told to outsiders" },
	{ "--provider", 0, "TEXT", "who makes it" },
	{ "--url", 0, "URL", "where it is described" },
	{ "--why", 0, "TEXT", "undo: the reason; partners who had events of it are told it where they may be" },
	{ "--licence", 0, "TEXT", "what its maker allows" },
	{ .name = NULL },
};

struct change {
	struct cli *c;
	struct feed feed;
	int64_t id;
};

static enum rc write_add(struct tx *tx, void *ctx, struct err *err)
{
	struct change *ch = ctx;
	return feed_add(tx, ch->c->node->journal, &ch->feed, str_of(ch->c->viewer.actor), &ch->id, err);
}

static enum rc write_off(struct tx *tx, void *ctx, struct err *err)
{
	struct change *ch = ctx;
	return feed_off(tx, ch->c->node->journal, ch->feed.name, str_of(ch->c->viewer.actor), err);
}

static enum rc write_accuracy(struct tx *tx, void *ctx, struct err *err)
{
	struct change *ch = ctx;
	return feed_set_accuracy(tx, ch->c->node->journal, ch->feed.name, ch->feed.accuracy, str_of(ch->c->viewer.actor), err);
}

static str text(struct cli *c, const char *option)
{
	const char *v = cli_value(c, option);
	return v ? str_of(v) : STR("");
}

static int add(struct cli *c)
{
	struct change ch = { .c = c };
	uint32_t accuracy = 0;
	struct buf mapping = BUF_INIT(MIB(8));
	struct err err;
	const char *path = cli_value(c, "--mapping"), *period = cli_value(c, "--period");
	if (c->argc != 2)
		return cli_usage(c, "add needs one NAME");
	if (!cli_value(c, "--tlp") || !tlp_parse(text(c, "--tlp"), &ch.feed.tlp))
		return cli_usage(c, "--tlp is needed: CLEAR, GREEN, AMBER, AMBER+STRICT or RED; it marks events that carry no "
				    "marking of their own");
	if (period && !duration_parse(str_of(period), &ch.feed.period_us))
		return cli_usage(c, "--period takes a time like 12h or 1d");
	ch.feed.has_accuracy = cli_value(c, "--accuracy") != NULL;
	if (ch.feed.has_accuracy && !str_to_u32(text(c, "--accuracy"), &accuracy))
		return cli_usage(c, "--accuracy takes a number from 0 to 100");
	ch.feed.accuracy = accuracy <= 100 ? (int)accuracy : 101;
	if (path && cli_read_file(c, path, MIB(8), &mapping, &err) != RC_OK)
		return cli_fail(c, &err);
	ch.feed.name = str_of(c->argv[1]);
	ch.feed.provider = text(c, "--provider");
	ch.feed.url = text(c, "--url");
	ch.feed.licence = text(c, "--licence");
	ch.feed.format = cli_value(c, "--format") ? text(c, "--format") : STR("auto");
	ch.feed.mapping = buf_str(&mapping);
	ch.feed.folder = text(c, "--folder");
	ch.feed.complete = cli_value(c, "--complete") != NULL;
	ch.feed.exercise = cli_value(c, "--exercise") != NULL;
	ch.feed.on = true;
	enum rc rc = store_write(c->node->store, write_add, &ch, &err);
	buf_free(&mapping);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	if (ch.feed.licence.n && !marks_licence(c->node->marks, ch.feed.licence))
		cli_talk(c, "ronda feed: no table knows the licence '" STR_FMT "': what this feed says is passed on to "
			    "nobody outside ('ronda explain'; DIR/marks.json adds one)", STR_ARG(ch.feed.licence));
	cli_done(c, "added", ch.feed.name);
	return 0;
}

static const struct cli_column columns[] = {
	{ .name = "name" }, { "on", COLUMN_BOOL }, { .name = "tlp" }, { .name = "format" },
	{ .name = "period" }, { "complete", COLUMN_BOOL }, { "last_report", COLUMN_TIME },
	{ "overdue", COLUMN_BOOL }, { .name = "folder" }, { "accuracy", COLUMN_NUMBER },
};

static enum rc rows(struct cli_table *t, struct reader *r, struct err *err)
{
	struct feed *feeds = NULL;
	size_t count = 0;
	int64_t now_us = clock_now_us();
	enum rc rc = feed_list(reader_conn(r), t->c->a, &feeds, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct feed *f = &feeds[i];
		struct buf period = BUF_INIT(64);
		char last[40], accuracy[16] = "";
		if (f->period_us)
			duration_format(&period, f->period_us);
		if (f->has_accuracy)
			snprintf(accuracy, sizeof accuracy, "%d", f->accuracy);
		bool late = feed_overdue(f, now_us);
		str row[] = { f->name, f->on ? STR("yes") : STR("no"), str_of(tlp_name(f->tlp)), f->format,
			      buf_str(&period), f->complete ? STR("yes") : STR("no"),
			      f->last_report_us ? time_str(last, f->last_report_us) : STR("never"),
			      late ? STR("yes") : STR("no"), f->folder, str_of(accuracy) };
		cli_row(t, row);
		buf_free(&period);
	}
	return rc;
}

static int undo(struct cli *c)
{
	int64_t report;
	uint64_t events = 0;
	struct err err;
	if (c->argc != 2 || !str_to_i64(str_of(c->argv[1]), &report))
		return cli_usage(c, "undo needs the number of a report, as intake printed it");
	if (pipeline_undo(c->node->pipeline, report, str_of(c->viewer.actor), text(c, "--why"), &events, &err) != RC_OK)
		return cli_fail(c, &err);
	cli_printf(c, c->form == CLI_JSON ? "{\"report\":%lld,\"events\":%llu}\n" :
					    "report %lld: %llu events taken back\n",
		   (long long)report, (unsigned long long)events);
	return 0;
}

static int set_accuracy(struct cli *c)
{
	struct change ch = { .c = c };
	struct err err;
	uint32_t n = 0;
	bool none = c->argc == 3 && str_eq(str_of(c->argv[2]), STR("none"));
	if (c->argc != 3 || (!none && !str_to_u32(str_of(c->argv[2]), &n)))
		return cli_usage(c, "accuracy needs a NAME, and a number from 0 to 100 or 'none'");
	ch.feed.name = str_of(c->argv[1]);
	ch.feed.accuracy = none ? -1 : n <= 100 ? (int)n : 101;
	if (store_write(c->node->store, write_accuracy, &ch, &err) != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "changed", ch.feed.name);
	return 0;
}

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	struct err err;
	if (str_eq(word, STR("add")))
		return add(c);
	if (str_eq(word, STR("list")))
		return cli_list(c, columns, COUNT_OF(columns), rows);
	if (str_eq(word, STR("undo")))
		return undo(c);
	if (str_eq(word, STR("accuracy")))
		return set_accuracy(c);
	if (!str_eq(word, STR("off")) || c->argc != 2)
		return cli_usage(c, "add NAME, list, accuracy NAME NUMBER, off NAME or undo REPORT");
	struct change ch = { .c = c, .feed.name = str_of(c->argv[1]) };
	if (store_write(c->node->store, write_off, &ch, &err) != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "off", ch.feed.name);
	return 0;
}

const struct cli_command cli_feed = {
	.name = "feed",
	.brief = "where reports come from, and their defaults",
	.usage = "feed add NAME --tlp TLP [options] | list | accuracy NAME NUMBER | off NAME | undo REPORT [--why TEXT]",
	.text = "A feed's marking is set when it is switched on: an event without a marking of its own gets it, as one "
		"that does not say how sure it is gets the feed's accuracy, when it has one; what came before keeps its own. "
		"undo takes "
		"all events of one report back, and the findings that came from them.",
	.example = "ronda feed -d demo add sinkhole --tlp GREEN --period 1d --complete",
	.options = options,
	.needs_node = true,
	.run = run,
};
