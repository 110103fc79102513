/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--limit", 'n', "N", "at most so many (default 50)" },
	{ .name = NULL },
};
static const struct cli_column columns[] = {
	{ "id", COLUMN_NUMBER }, { "report", COLUMN_NUMBER }, { .name = "feed" },
	{ "line", COLUMN_NUMBER }, { .name = "reason" }, { .name = "state" }, { .name = "words" },
	{ "bytes", COLUMN_NUMBER },
};

static const char *state_name(int state)
{
	return state == QUARANTINE_OPEN ? "open" : state == QUARANTINE_RETRIED ? "retried" : "discarded";
}

static void put(struct cli_table *t, const struct quarantined *q)
{
	char id[24], report[24], line[16], bytes[16];
	snprintf(id, sizeof(id), "%lld", (long long)q->id);
	snprintf(report, sizeof(report), "%lld", (long long)q->report);
	snprintf(line, sizeof(line), "%u", q->line);
	snprintf(bytes, sizeof(bytes), "%u", q->record_bytes);
	str row[] = { str_of(id), str_of(report), q->feed_name, str_of(line), str_of(reject_name(q->reason)),
		      str_of(state_name(q->state)), q->words, str_of(bytes) };
	cli_row(t, row);
}

static enum rc list(struct cli *c, struct reader *r, struct err *err)
{
	uint64_t limit = 50;
	const char *text = cli_value(c, "--limit");
	struct quarantined *rows = NULL;
	size_t count = 0;
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	if (text && !str_to_u64(str_of(text), &limit))
		return fail(err, RC_INPUT, "--limit takes a number");
	enum rc rc = read_quarantine(r, &c->viewer, 0, limit, false, c->a, &rows, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		put(&t, &rows[i]);
	return rc;
}

static enum rc show(struct cli *c, struct reader *r, int64_t id, struct err *err)
{
	struct quarantined q;
	enum rc rc = read_quarantined(r, &c->viewer, id, c->a, &q, err);
	if (rc != RC_OK)
		return rc;
	if (c->form == CLI_JSON) {
		struct buf b = BUF_INIT(MIB(16)); /* bytes may grow six times when escaped */
		struct json_out j = json_out(&b);
		json_open(&j, '{');
		json_put_i64(&j, "id", q.id);
		json_put_i64(&j, "report", q.report);
		json_put_str(&j, "feed", q.feed_name);
		json_put_str(&j, "file_name", q.file_name);
		json_put_i64(&j, "line", q.line);
		json_put_i64(&j, "offset", (int64_t)q.offset);
		json_put_str(&j, "reason", str_of(reject_name(q.reason)));
		json_put_str(&j, "state", str_of(state_name(q.state)));
		json_put_str(&j, "words", q.words);
		json_put_i64(&j, "record_bytes", q.record_bytes);
		json_put_str(&j, "bytes", q.bytes);
		json_close(&j, '}');
		cli_print_json(c, &b);
		buf_free(&b);
		return RC_OK;
	}
	cli_printf(c, "quarantined record %lld of report %lld (feed " STR_FMT ", " STR_FMT ")\n", (long long)q.id,
		   (long long)q.report, STR_ARG(q.feed_name), STR_ARG(q.file_name));
	cli_printf(c, "line %u, byte %llu, %u bytes: %s: " STR_FMT " [%s]\n", q.line, (unsigned long long)q.offset,
		   q.record_bytes, reject_name(q.reason), STR_ARG(q.words), state_name(q.state));
	for (size_t i = 0; i < q.bytes.n; i++) {
		char ch = q.bytes.p[i];
		bool odd = ((unsigned char)ch < 0x20 && ch != '\n' && ch != '\t') || ch == 0x7f;
		cli_print(c, odd ? STR("?") : str_mem(&ch, 1));
	}
	cli_print(c, STR("\n"));
	return RC_OK;
}

static int retry(struct cli *c, int64_t id)
{
	uint64_t tried = 0, mended = 0;
	struct err err;
	if (pipeline_retry(c->node->pipeline, id, str_of(c->viewer.actor), &tried, &mended, &err) != RC_OK)
		return cli_fail(c, &err);
	if (c->form == CLI_JSON)
		cli_printf(c, "{\"tried\":%llu,\"mended\":%llu}\n", (unsigned long long)tried,
			   (unsigned long long)mended);
	else
		cli_printf(c, "tried %llu, mended %llu\n", (unsigned long long)tried,
			   (unsigned long long)mended);
	return 0;
}

static int run(struct cli *c)
{
	const char *word = c->argc ? c->argv[0] : "list";
	int64_t id = 0;
	struct reader *r = NULL;
	struct err err;
	if (c->argc > 1 && (!str_to_i64(str_of(c->argv[1]), &id) || id <= 0))
		return cli_usage(c, "an ID is a number, as 'quarantine list' shows it");
	if (str_eq(str_of(word), STR("retry")))
		return retry(c, id);
	bool one = str_eq(str_of(word), STR("show"));
	if ((!one && !str_eq(str_of(word), STR("list"))) || (one && !id))
		return cli_usage(c, "list, show ID or retry [ID]");
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = one ? show(c, r, id, &err) : list(c, r, &err);
	if (r)
		store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

const struct cli_command cli_quarantine = {
	.name = "quarantine",
	.brief = "records that could not become events",
	.usage = "quarantine list | show ID | retry [ID]",
	.text = "Nothing a feed says is thrown away: what no parser understood is kept here with its reason, its bytes "
		"and its place. retry parses again, with the parsers of today.",
	.example = "ronda quarantine -d demo list",
	.options = options,
	.needs_node = true,
	.needs_parsers = true,
	.run = run,
};
