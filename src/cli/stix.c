/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

#include "exchange/record_stix.h"
#include "stix/stix_event.h"

static const struct cli_option options[] = {
	{ "--limit", 'n', "N", "at most so many events" },
	{ "--oldest", 0, NULL, "oldest first" },
	{ .name = NULL },
};

struct bundle {
	struct cli *c;
	struct stix_writer *w;
	struct buf line;
	bool comma;
	uint64_t left_out;
};

static bool give(void *ctx, const struct stix_given *o)
{
	struct bundle *b = ctx;
	cli_print(b->c, b->comma ? STR(",\n") : STR("\n"));
	cli_print(b->c, o->json);
	b->comma = true;
	return !b->c->broken;
}

static bool each(void *ctx, const struct event_view *e)
{
	struct bundle *b = ctx;
	struct json_out j = json_out(&b->line);
	struct json_object *o = NULL;
	buf_reset(&b->line);
	event_view_json(e, &j);
	enum rc rc = json_read(buf_str(&b->line), &o, NULL);
	if (rc == RC_OK)
		rc = stix_write_event(b->w, o, NULL);
	json_free(o);
	b->left_out += rc != RC_OK && rc != RC_CONFLICT;
	return !b->c->broken;
}

/* --- records --- */

static enum rc one_record(struct bundle *b, struct reader *r, const struct types *t, str id, struct err *err)
{
	struct cli *c = b->c;
	struct record_view v = { .record = NULL };
	struct stix_record s = { .more = NULL };
	enum rc rc = read_record(r, t, &c->viewer, id, c->a, &v, err);
	if (rc == RC_OK && !record_view_may(&v, ACTION_EXPORT, -1))
		rc = fail(err, RC_DENIED, "'" STR_FMT "': your role does not export it", STR_ARG(id));
	if (rc == RC_OK)
		rc = record_stix(&v, t, store_node_id(c->node->store), c->a, &s, err);
	if (rc == RC_OK)
		rc = stix_write_record(b->w, &s, err);
	record_stix_end(&s);
	record_view_end(&v);
	return rc;
}

static enum rc all_records(struct bundle *b, struct reader *r, struct err *err)
{
	struct snapshot_ref *held = snapshot_hold(b->c->node->types);
	enum rc rc = RC_OK;
	for (int i = 1; rc == RC_OK && i < b->c->argc; i++)
		rc = one_record(b, r, snapshot_table(held), str_of(b->c->argv[i]), err);
	snapshot_drop(b->c->node->types, held);
	return rc;
}

/* --- the bundle --- */

static int run(struct cli *c)
{
	bool records = c->argc > 0 && strcmp(c->argv[0], "record") == 0;
	struct filter_set f = { .query = { 0 } };
	struct err err;
	const char *limit = cli_value(c, "--limit");
	int code = records ? 0 : cli_filters(c, &f);
	if (code)
		return code;
	if (records && c->argc < 2)
		return cli_usage(c, "which record");
	if (limit && !str_to_u64(str_of(limit), &f.query.limit))
		return cli_usage(c, "--limit takes a number");
	f.query.oldest_first = cli_value(c, "--oldest") != NULL;
	struct bundle b = { .c = c, .line = BUF_INIT(MIB(16)) };
	struct buf id = BUF_INIT(64);
	const struct uuid u = uuid_random();
	uuid_format(&id, &u);
	struct reader *r = NULL;
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK) {
		cli_print(c, arena_fmt(c->a, "{\"type\":\"bundle\",\"id\":\"bundle--" STR_FMT "\",\"objects\":[",
				       STR_ARG(buf_str(&id))));
		b.w = stix_writer_new(store_node_id(c->node->store), store_node_name(c->node->store), give, &b);
		rc = records ? all_records(&b, r, &err) : read_events(r, &c->viewer, &f.query, each, &b, &err);
		cli_print(c, STR("\n]}\n"));
	}
	if (r)
		store_read_end(r);
	stix_writer_free(b.w);
	buf_free(&b.line);
	buf_free(&id);
	if (rc == RC_OK && b.left_out)
		cli_talk(c, "%llu events have no time and were left out", (unsigned long long)b.left_out);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

const struct cli_command cli_stix = {
	.name = "stix",
	.brief = "events or records as a STIX 2.1 bundle",
	.usage = "stix [options] [NAME=VALUE...] | record ID...",
	.text = "One bundle on stdout: what the caller may see, with the filters of 'ronda events'; or records by their id "
		"(warning-3), of which the caller's role must allow export. Observables have "
		"the ids everybody makes, marks are TLP 2.0 by their published ids, and each event or record stands whole in an "
		"extension (docs/stix.md). For a partner's MISP or OpenCTI: mind that the file is yours to guard.",
	.example = "ronda stix -d demo type=phishing from=2d > phishing.json",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_READ,
	.run = run,
};
