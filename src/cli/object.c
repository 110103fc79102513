/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/object_store.h"

#include "base/clock.h"
#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--type", 't', "TYPE", "of one type: indicator, malware, report" },
	{ "--partner", 0, "ID", "of one partner: partner-3, or its id" },
	{ "--limit", 'n', "N", "at most so many (100)" },
	{ "--raw", 0, NULL, "the object alone, byte for byte" },
	{ .name = NULL },
};

static str marking(const struct kept_object *o)
{
	return str_of(o->tlp < TLP_COUNT ? tlp_name(o->tlp) : "RED");
}

static str record_id(struct arena *a, const struct uuid *partner)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&b, STR("partner"), partner);
	str s = arena_str(a, buf_str(&b));
	buf_free(&b);
	return s;
}

/* "partner-3" or an id: the id, if the caller may see the record. */
static enum rc find_partner(struct cli *c, struct reader *r, const char *text, struct uuid *out, struct err *err)
{
	struct snapshot_ref *held = snapshot_hold(c->node->types);
	struct record_view v = { .record = NULL };
	str type;
	enum rc rc = read_record(r, snapshot_table(held), &c->viewer, str_of(text), c->a, &v, err);
	if (rc == RC_OK && (!record_id_parse(record_view_id(&v, c->a), &type, out) ||
			    !type_meaning(record_view_type(&v), STR("partner.kind"))))
		rc = fail(err, RC_INPUT, "'%s' is no partner", text);
	record_view_end(&v);
	snapshot_drop(c->node->types, held);
	return rc;
}

struct listing {
	struct cli *c;
	struct cli_table t;
};

static bool put_row(void *ctx, const struct kept_object *o)
{
	struct listing *l = ctx;
	struct arena *a = l->c->a;
	char at[40];
	const str row[] = { time_str(at, o->at_us), o->type, o->title, o->stix_id, o->version, marking(o), record_id(a, &o->partner),
			    arena_fmt(a, "%llu", (unsigned long long)o->events), o->revoked ? STR("yes") : STR("no"), o->words };
	cli_row(&l->t, row);
	return !l->c->broken;
}

static int list(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ "at", COLUMN_TIME }, { .name = "type" }, { .name = "title" }, { .name = "id" }, { .name = "version" }, { .name = "tlp" },
		{ .name = "partner" }, { "events", COLUMN_NUMBER }, { "revoked", COLUMN_BOOL }, { .name = "words" },
	};
	struct listing l = { c, cli_table(c, columns, COUNT_OF(columns)) };
	struct object_query q = { .type = str_of(cli_value(c, "--type")), .limit = 100 };
	const char *limit = cli_value(c, "--limit"), *partner = cli_value(c, "--partner");
	struct reader *r = NULL;
	struct err err;
	bool more = false;
	uint64_t n = q.limit;
	if (limit && (!str_to_u64(str_of(limit), &n) || n == 0 || n > SIZE_MAX / 2))
		return cli_usage(c, "--limit takes a number");
	q.limit = (size_t)n;
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK && partner)
		rc = find_partner(c, r, partner, &q.partner, &err);
	if (rc == RC_OK)
		rc = objects_list(r, &c->viewer, &q, put_row, &l, &more, &err);
	if (r)
		store_read_end(r);
	if (rc == RC_OK && more)
		cli_talk(c, "there are more: --limit %llu", (unsigned long long)(2 * n));
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static void print_json(struct cli *c, const struct kept_object *o)
{
	struct buf b = BUF_INIT(MIB(32));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "id", o->stix_id);
	json_put_str(&j, "type", o->type);
	json_put_str(&j, "version", o->version);
	json_put_str(&j, "title", o->title);
	json_put_str(&j, "tlp", marking(o));
	json_put_bool(&j, "marked", o->marked);
	json_put_bool(&j, "revoked", o->revoked);
	json_put_str(&j, "partner", record_id(c->a, &o->partner));
	json_put_time(&j, "at", o->at_us);
	json_put_i64(&j, "events", (int64_t)o->events);
	json_put_str(&j, "words", o->words);
	json_key(&j, STR("object"));
	json_raw(&j, o->json);
	json_close(&j, '}');
	cli_print_json(c, &b);
	buf_free(&b);
}

static int show(struct cli *c, const char *what)
{
	struct kept_object o;
	struct reader *r = NULL;
	struct err err;
	char at[40];
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = object_find(r, &c->viewer, str_of(what), c->a, &o, &err);
	if (r)
		store_read_end(r);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	if (c->form == CLI_JSON) {
		print_json(c, &o);
		return 0;
	}
	if (!cli_value(c, "--raw")) {
		cli_printf(c, STR_FMT " " STR_FMT "%s\n", STR_ARG(o.type), STR_ARG(o.title), o.revoked ? " (withdrawn by its maker)" : "");
		cli_printf(c, "id       " STR_FMT "\n", STR_ARG(o.stix_id));
		cli_printf(c, "version  " STR_FMT "\n", STR_ARG(o.version));
		cli_printf(c, "marking  TLP:" STR_FMT "%s\n", STR_ARG(marking(&o)),
			   o.tlp == TLP_COUNT ? ", as its own is not understood" : o.marked ? "" : ", the partner's default");
		cli_printf(c, "from     " STR_FMT " at " STR_FMT "\n", STR_ARG(record_id(c->a, &o.partner)), STR_ARG(time_str(at, o.at_us)));
		cli_printf(c, "events   %llu made of it\n", (unsigned long long)o.events);
		if (o.words.n)
			cli_printf(c, "not read " STR_FMT "\n", STR_ARG(o.words));
		cli_print(c, STR("\n"));
	}
	cli_print(c, o.json);
	cli_print(c, STR("\n"));
	return 0;
}

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	if (str_eq(word, STR("list")) && c->argc <= 1)
		return list(c);
	if (str_eq(word, STR("show")) && c->argc == 2)
		return show(c, c->argv[1]);
	return cli_usage(c, "list, or show and the id of one");
}

const struct cli_command cli_object = {
	.name = "object",
	.brief = "what partners sent as STIX and is nobody's item, as it came",
	.usage = "object list [--type TYPE] [--partner ID] [--limit N] | show ID [--raw]",
	.text = "What partners send and is no item of a ronda is kept byte for byte: indicators, malware, reports and whatever "
		"else there is. 'list' has the newest version of each, what came last first; 'show' takes a STIX id. Events are "
		"made of indicators and observed data as far as they are understood; 'words' says what was not. An object without "
		"a marking has the partner's default, one whose marking is not understood is TLP:RED.",
	.example = "ronda object -d demo list --type indicator",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_READ,
	.run = run,
};
