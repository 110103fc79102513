/* SPDX-License-Identifier: Apache-2.0 */
#include "node/holds.h"

#include "cli/cli_private.h"
#include "disclosure/change.h"
#include "store/held.h"

static const struct cli_option options[] = {
	{ "--reason", 0, "TEXT", "why it is kept, or no longer; of 'set' it goes into the journal" },
	{ "--case", 0, "ID", "place: the case, as incident-4" },
	{ "--title", 0, "TEXT", "place: in short" },
	{ "--ground", 0, "NAME", "place: own (default), court, claims or law-enforcement" },
	{ "--secret", 0, NULL, "place: may not be told to whom it is about; so is every law-enforcement hold" },
	{ .name = NULL },
};

struct change {
	struct cli *c;
	str what, reason;
	int64_t id;
	bool lift;
};

static enum rc write_hold(struct tx *tx, void *ctx, struct err *err)
{
	struct change *ch = ctx;
	str by = str_of(ch->c->viewer.actor);
	enum rc rc = ch->lift ? hold_lift(tx, ch->id, by, err) :
				hold_set(tx, ch->what, ch->reason, by, &ch->id, err);
	struct journal_act act = { .act = ch->lift ? "hold.lift" : "hold.set", .actor = by,
				   .object = arena_fmt(ch->c->a, "hold:%lld", (long long)ch->id) };
	return rc == RC_OK ? journal_add(tx, ch->c->node->journal, &act, err) : rc;
}

static const struct cli_column columns[] = {
	{ "id", COLUMN_NUMBER }, { .name = "what" }, { .name = "reason" },
	{ .name = "by" }, { "since", COLUMN_TIME }, { "lifted", COLUMN_TIME }, { .name = "record" },
};

static enum rc rows(struct cli_table *t, struct reader *r, struct err *err)
{
	struct hold *holds = NULL;
	size_t count = 0;
	enum rc rc = hold_list(reader_conn(r), t->c->a, &holds, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		char id[24], since[40], lifted[40];
		snprintf(id, sizeof(id), "%lld", (long long)holds[i].id);
		str row[] = { str_of(id), holds[i].what, holds[i].reason, holds[i].by,
			      time_str(since, holds[i].set_us),
			      holds[i].lifted_us ? time_str(lifted, holds[i].lifted_us) : STR(""), STR("") };
		cli_row(t, row);
	}
	return rc;
}

/* --- for a case --- */

static int place(struct cli *c)
{
	struct hold_request q = { .title = str_of(cli_value(c, "--title")),
				  .in_case = str_of(cli_value(c, "--case")),
				  .ground = str_of(cli_value(c, "--ground")),
				  .reason = str_of(cli_value(c, "--reason")), .language = STR("") };
	str objects[HOLD_OBJECTS_MOST];
	struct filter_set f = { .query = { 0 } };
	struct hold_result result;
	struct err err;
	int filters = 0;
	if (!q.in_case.n || c->argc < 2)
		return cli_usage(c, "place needs --case ID, and what is held: report:12, finding--…, incident-4, or NAME=VALUE of events");
	if (!q.title.n)
		q.title = arena_fmt(c->a, "for " STR_FMT, STR_ARG(q.in_case));
	if (!q.ground.n)
		q.ground = STR("own");
	q.secret = cli_value(c, "--secret") || str_eq(q.ground, STR("law-enforcement"));
	for (int i = 1; i < c->argc; i++) {
		str value = str_of(c->argv[i]), name = str_cut(&value, '=');
		if (str_has(str_of(c->argv[i]), '=')) {
			if (filter_add(&f, name, value, c->a, &err) != RC_OK)
				return cli_fail(c, &err);
			filters++;
		} else if (q.count < COUNT_OF(objects)) {
			objects[q.count++] = str_of(c->argv[i]);
		} else {
			return cli_usage(c, "that is too much for one hold");
		}
	}
	q.objects = objects;
	q.events = filters ? &f.query : NULL;
	if (node_hold(c->node, &c->viewer, &q, c->a, &result, &err) != RC_OK)
		return cli_fail(c, &err);
	if (c->form == CLI_JSON)
		cli_printf(c, "{\"id\":\"" STR_FMT "\",\"kept\":%llu}\n", STR_ARG(result.id),
			   (unsigned long long)result.kept);
	else
		cli_printf(c, STR_FMT ": %llu held\n", STR_ARG(result.id), (unsigned long long)result.kept);
	return 0;
}

struct showing {
	struct cli_table *t;
	str id;
};

static bool put_held(void *ctx, str object, uint64_t seq)
{
	struct showing *s = ctx;
	(void)seq;
	str row[] = { s->id, object };
	cli_row(s->t, row);
	return true;
}

/* For who may read the hold; else it is not there. */
static int show(struct cli *c, const char *name)
{
	static const struct cli_column held_columns[] = { { .name = "hold" }, { .name = "object" } };
	struct cli_table t = cli_table(c, held_columns, COUNT_OF(held_columns));
	struct showing s = { .t = &t };
	struct snapshot_ref *ref = snapshot_hold(c->node->types);
	struct record_view v = { 0 };
	struct reader *r = NULL;
	struct uuid id = { 0 };
	struct err err;
	str type;
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_record(r, snapshot_table(ref), &c->viewer, str_of(name), c->a, &v, &err);
	if (rc == RC_OK) {
		s.id = record_view_id(&v, c->a);
		rc = record_id_parse(s.id, &type, &id) ? held_list(reader_conn(r), &id, put_held, &s, &err) : RC_OK;
	}
	record_view_end(&v);
	if (r)
		store_read_end(r);
	cli_rows_end(c);
	snapshot_drop(c->node->types, ref);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static bool put_hold(void *ctx, const struct record_view *v)
{
	struct cli_table *t = ctx;
	struct buf b = BUF_INIT(KIB(64)), title = BUF_INIT(KIB(8));
	struct json_out j = json_out(&b);
	struct json_object *o = NULL;
	record_view_json(v, &j);
	record_view_text(v, record_view_type(v)->title, &title);
	if (json_read(buf_str(&b), &o, NULL) == RC_OK) {
		bool lifted = str_eq(json_get_str(o, "state"), STR("lifted"));
		int64_t number = 0;
		(void)json_get_i64(o, "number", &number);
		str row[] = { STR(""), buf_str(&title), STR(""), json_get_str(o, "author"),
			      json_get_str(o, "created"), lifted ? json_get_str(o, "changed") : STR(""),
			      arena_fmt(t->c->a, "%s-%lld", record_view_type(v)->name, (long long)number) };
		cli_row(t, row);
	}
	json_free(o);
	buf_free(&b);
	buf_free(&title);
	return true;
}

/* Those of cases, as far as he may read them. */
static enum rc case_rows(struct cli_table *t, struct reader *r, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(t->c->node->types);
	const struct types *types = snapshot_table(ref);
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < types_count(types); i++) {
		const struct type *type = types_at(types, i);
		struct record_query q = { .type = type, .text = STR(""), .after = STR("") };
		if (!type_meaning(type, STR("hold.placed")))
			continue;
		rc = read_records(r, types, &t->c->viewer, &q, 10000, t->c->a, put_hold, t, err);
		if (rc == RC_DENIED)
			rc = RC_OK;
	}
	snapshot_drop(t->c->node->types, ref);
	return rc;
}

static enum rc all_rows(struct cli_table *t, struct reader *r, struct err *err)
{
	enum rc rc = rows(t, r, err);
	return rc == RC_OK ? case_rows(t, r, err) : rc;
}

/* Of a case: its record moves to the state that means it. */
static int lift_case(struct cli *c, const char *name, str why)
{
	struct snapshot_ref *ref = snapshot_hold(c->node->types);
	const struct types *types = snapshot_table(ref);
	struct record_view now = { 0 };
	struct change_errors errors = { .count = 0 };
	struct err err = { 0 };
	str id = str_of(name);
	size_t dash = id.n;
	while (dash > 0 && id.p[dash - 1] != '-')
		dash--;
	const struct type *t = dash > 1 ? types_find(types, str_head(id, dash - 1)) : NULL;
	const struct meaning *m = t ? type_meaning(t, STR("hold.lifted")) : NULL;
	const struct change_request q = { .id = id, .to_state = m ? str_of(t->states[m->state].name) : STR(""),
					  .why = why, .labels = STR_NONE };
	enum rc rc = m ? change_record(c->node->records, c->node->store, &c->viewer, &q, c->a, &now, &errors, &err) :
			 fail(&err, RC_ABSENT, "there is no such hold");
	record_view_end(&now);
	snapshot_drop(c->node->types, ref);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "lifted", id);
	return 0;
}

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	struct change ch = { .c = c, .reason = str_of(cli_value(c, "--reason")) };
	struct err err;
	if (str_eq(word, STR("list")))
		return cli_list(c, columns, COUNT_OF(columns), all_rows);
	if (str_eq(word, STR("place")))
		return place(c);
	if (str_eq(word, STR("show")) && c->argc == 2)
		return show(c, c->argv[1]);
	if (str_eq(word, STR("lift")) && c->argc == 2 && str_has(str_of(c->argv[1]), '-'))
		return lift_case(c, c->argv[1], ch.reason);
	if (str_eq(word, STR("lift")) && c->argc == 2 && str_to_i64(str_of(c->argv[1]), &ch.id)) {
		ch.lift = true;
	} else if (str_eq(word, STR("set")) && c->argc == 3 && ch.reason.n) {
		ch.what = arena_fmt(c->a, "%s %s", c->argv[1], c->argv[2]);
	} else {
		return cli_usage(c, "place --case ID OBJECT…, set report|day|org WHICH --reason TEXT, list, show ID, or lift ID");
	}
	if (store_write(c->node->store, write_hold, &ch, &err) != RC_OK)
		return cli_fail(c, &err);
	if (ch.lift)
		cli_done(c, "lifted", str_of(c->argv[1]));
	else
		cli_printf(c, c->form == CLI_JSON ? "{\"id\":%lld}\n" : "hold %lld\n", (long long)ch.id);
	return 0;
}

const struct cli_command cli_hold = {
	.name = "hold",
	.brief = "keep what a case needs from being erased or forgotten",
	.usage = "hold place --case ID OBJECT…|NAME=VALUE… | set report ID|day YYYY-MM-DD|org ID --reason TEXT | list | show ID | lift ID",
	.text = "place holds records, findings, events and reports for a case, by name or by a question about events (filters as "
		"'ronda events' takes them; those that are there now). Its reason stands in a record that only a lead reads: "
		"'ronda preservation'; what must be sealed goes into its sealed field. Nothing that is held is erased, forgotten or ends with its "
		"retention, until it is lifted with --reason. set keeps a whole report, day or organisation's events "
		"from 'ronda forget'.",
	.example = "ronda hold -d demo set day 2026-11-22 --reason \"case 12\"",
	.options = options,
	.needs_node = true,
	.run = run,
};
