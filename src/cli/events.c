/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--limit", 'n', "N", "at most so many (default 50 as text, all as JSON and CSV)" },
	{ "--oldest", 0, NULL, "oldest first" },
	{ .name = NULL },
};

static const struct cli_column columns[] = {
	{ .name = "time.source" }, { .name = "classification.type" }, { .name = "source.ip" },
	{ .name = "source.asn" }, { .name = "source.geolocation.cc" }, { .name = "severity" },
	{ .name = "tlp" }, { .name = "feed.name" }, { .name = "id" },
};

struct listing {
	struct cli *c;
	struct cli_table table;
	struct buf line;
};

static bool each(void *ctx, const struct event_view *e)
{
	struct listing *l = ctx;
	if (l->c->form == CLI_JSON) {
		struct json_out j = json_out(&l->line);
		buf_reset(&l->line);
		event_view_json(e, &j);
		buf_char(&l->line, '\n');
		cli_print(l->c, buf_str(&l->line));
		return !l->c->broken;
	}
	str row[COUNT_OF(columns)];
	struct buf value[COUNT_OF(columns)];
	for (size_t i = 0; i < COUNT_OF(columns); i++) {
		value[i] = (struct buf)BUF_INIT(MIB(1));
		if (str_eq(str_of(columns[i].name), STR("id")))
			row[i] = str_of(e->id);
		else
			row[i] = event_view_value(e, str_of(columns[i].name), &value[i]) ? buf_str(&value[i]) : STR("");
	}
	cli_row(&l->table, row);
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		buf_free(&value[i]);
	return !l->c->broken;
}

int cli_filters(struct cli *c, struct filter_set *f)
{
	struct err err;
	for (int i = 0; i < c->argc; i++) {
		str rest = str_of(c->argv[i]);
		if (!str_has(rest, '='))
			return cli_usage(c, "filters are NAME=VALUE, as type=scanner or ip=198.18.0.0/15");
		str name = str_cut(&rest, '=');
		if (filter_add(f, name, rest, c->a, &err) != RC_OK)
			return cli_fail(c, &err);
	}
	return 0;
}

static int run(struct cli *c)
{
	struct filter_set f = { .query = { 0 } };
	struct err err;
	const char *limit = cli_value(c, "--limit");
	int code = cli_filters(c, &f);
	if (code)
		return code;
	f.query.limit = c->form == CLI_TEXT ? 50 : 0;
	if (limit && !str_to_u64(str_of(limit), &f.query.limit))
		return cli_usage(c, "--limit takes a number");
	f.query.oldest_first = cli_value(c, "--oldest") != NULL;
	struct listing l = { .c = c, .table = cli_table(c, columns, COUNT_OF(columns)),
			     .line = BUF_INIT(MIB(16)) };
	struct reader *r = NULL;
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_events(r, &c->viewer, &f.query, each, &l, &err);
	if (r)
		store_read_end(r);
	buf_free(&l.line);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

const struct cli_command cli_events = {
	.name = "events",
	.brief = "list events",
	.usage = "events [options] [NAME=VALUE...]",
	.text = "Newest first. Filters: type, taxonomy, identifier, ip (address or network), asn, cc, org, feed, "
		"from, until, severity, fqdn, tlp, report, extra.NAME, or any field by its name. With --json one "
		"object a line, with IntelMQ's names.",
	.example = "ronda events -d demo type=scanner ip=198.18.0.0/15 --limit 10",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_READ,
	.run = run,
};
