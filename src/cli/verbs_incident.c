/* SPDX-License-Identifier: Apache-2.0 */
/* ronda incident from | similar | severity | timeline | merge | unmerge | split | handover | confirm */
#include "cli/record_private.h"
#include "disclosure/read_timeline.h"
#include "incident/from.h"
#include "incident/merge.h"
#include "incident/severity.h"
#include "incident/similar.h"


static const char *why_of(const struct record_call *k)
{
	return cli_value(k->c, "--why");
}

/* --- from --- */

static enum rc made_line(struct record_call *k, str id, struct err *err)
{
	struct reader *r = NULL;
	struct record_view v = { 0 };
	struct buf b = BUF_INIT(MIB(8));
	struct json_out j = json_out(&b);
	enum rc rc = store_read_begin(k->c->node->store, &r, err);
	if (rc == RC_OK)
		rc = read_record(r, k->types, &k->c->viewer, id, k->c->a, &v, err);
	if (rc == RC_OK && k->c->form == CLI_JSON) {
		record_view_json(&v, &j);
		cli_print_json(k->c, &b);
	} else if (rc == RC_OK) {
		str name = case_name(&v, k->c->a);
		int state = record_view_state(&v);
		cli_printf(k->c, STR_FMT ", %s\n", STR_ARG(name),
			   state >= 0 ? record_view_type(&v)->states[state].name : "");
	}
	record_view_end(&v);
	buf_free(&b);
	if (r)
		store_read_end(r);
	return rc;
}

static enum rc fields_of(struct record_call *k, struct buf *out, struct err *err)
{
	struct reader *r = NULL;
	struct json_out j = json_out(out);
	json_open(&j, '{');
	enum rc rc = store_read_begin(k->c->node->store, &r, err);
	if (rc == RC_OK)
		rc = record_arguments(k, r, &j, err);
	json_close(&j, '}');
	if (r)
		store_read_end(r);
	return rc;
}

/* A finding's id as `ronda findings` prints it; a number of quarantine as "quarantine-3"; else a record. */
static str source_of(struct record_call *k, str text)
{
	uint8_t b[16];
	if (hex_parse(text, b, sizeof(b)))
		return arena_fmt(k->c->a, "finding--" STR_FMT, STR_ARG(text));
	if (str_starts(text, STR("quarantine-")) && !str_starts(text, STR("quarantine--")))
		return arena_fmt(k->c->a, "quarantine--" STR_FMT, STR_ARG(str_from(text, 11)));
	return text;
}

static int from(struct record_call *k)
{
	struct node *n = k->c->node;
	struct buf fields = BUF_INIT(RECORD_BODY_MAX);
	struct change_errors errors = { .count = 0 };
	struct err err = { 0 };
	str *sources = ARENA_ARRAY(k->c->a, (size_t)k->argc + 1, str), id = STR("");
	size_t count = 0;
	while (k->argc > 0 && !strchr(k->argv[0], '=')) {
		sources[count++] = source_of(k, str_of(k->argv[0]));
		k->argc--;
		k->argv++;
	}
	if (count == 0)
		return cli_usage(k->c, "from needs findings (their ids), quarantine-N, or records");
	enum rc rc = fields_of(k, &fields, &err);
	struct snapshot_ref *directory = node_directory(n);
	const struct from_request q = { .sources = sources, .source_count = count, .fields = buf_str(&fields),
					.open = cli_value(k->c, "--accept") != NULL, .why = str_of(why_of(k)),
					.language = k->language };
	if (rc == RC_OK)
		rc = case_from(n->records, n->store, k->types, snapshot_table(directory), &k->c->viewer, &q, k->c->a,
			       &id, &errors, &err);
	snapshot_drop(n->directory, directory);
	buf_free(&fields);
	for (size_t i = 0; rc == RC_INPUT && errors.count > 1 && i < errors.count; i++)
		cli_talk(k->c, "%s", errors.list[i].text);
	if (rc == RC_OK)
		rc = made_line(k, id, &err);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

static const struct cli_option from_options[] = {
	{ "--accept", 0, NULL, "from: at once an incident, not a report to be triaged" },
	{ .name = NULL },
};
const struct cli_verb cli_verb_incident_from = {
	.type = "incident", .word = "from", .usage = "from FINDING… | quarantine-N | note-N [FIELD=VALUE…]",
	.brief = "make one of findings, of a quarantined record, or of what somebody wrote; they are linked",
	.options = from_options, .run = from,
};

/* --- reading --- */

static enum rc print_similar(struct record_call *k, const struct similar *list, size_t n)
{
	static const struct cli_column columns[] = { { .name = "id" }, { .name = "name" }, { .name = "state" },
						     { "score", COLUMN_NUMBER }, { .name = "reasons" } };
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT(KIB(16));
		for (size_t w = 0; w < list[i].reason_count; w++) {
			buf_add(&b, w ? STR("; ") : STR(""));
			buf_add(&b, list[i].reasons[w]);
		}
		str row[] = { list[i].id, list[i].name, list[i].state, arena_fmt(k->c->a, "%u", list[i].score),
			      buf_str(&b) };
		cli_row(&t, row);
		buf_free(&b);
	}
	return RC_OK;
}

static int similar(struct record_call *k)
{
	struct reader *r = NULL;
	struct similar *list;
	struct err err;
	size_t n = 0;
	if (k->argc != 1)
		return cli_usage(k->c, "similar needs an ID");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = similar_cases(r, k->types, &k->c->viewer, record_name(k, k->argv[0]), k->language, k->c->a, &list,
				   &n, &err);
	if (rc == RC_OK)
		rc = print_similar(k, list, n);
	if (r)
		store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}
const struct cli_verb cli_verb_incident_similar = {
	.type = "incident", .word = "similar", .usage = "similar ID", .run = similar,
	.brief = "others it may belong with, best first, each with the reason",
};

static int severity(struct record_call *k)
{
	struct record_view v = { 0 };
	struct reader *r = NULL;
	struct severity s = { .level = "" };
	struct case_type t;
	struct err err;
	if (k->argc != 1)
		return cli_usage(k->c, "severity needs an ID");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_record(r, k->types, &k->c->viewer, record_name(k, k->argv[0]), k->c->a, &v, &err);
	if (rc == RC_OK && (!severity_of_view(&v, k->language, k->c->a, &s) || !case_type_of(record_view_type(&v), &t)))
		rc = fail(&err, RC_INPUT, "'%s' is no incident", k->argv[0]);
	if (rc == RC_OK) {
		static const struct cli_column columns[] = { { .name = "set" }, { .name = "why" },
							     { .name = "proposed" }, { .name = "reason" } };
		struct cli_table table = cli_table(k->c, columns, COUNT_OF(columns));
		str why = t.severity_why ? json_text(case_value(&v, t.severity_why)) : STR("");
		str row[] = { json_text(case_value(&v, t.severity)), why, str_of(s.level), s.reason };
		cli_row(&table, row);
	}
	record_view_end(&v);
	if (r)
		store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}
const struct cli_verb cli_verb_incident_severity = {
	.type = "incident", .word = "severity", .usage = "severity ID", .run = severity,
	.brief = "the severity that is set, and the one the rule proposes, each with its reason",
};

static bool each_entry(void *ctx, const struct timeline_entry *e)
{
	struct cli_table *t = ctx;
	char at[40];
	str row[] = { time_str(at, e->at_us), str_of(timeline_kind_name(e->kind)), e->what, e->who, e->other,
		      e->other_title, e->words };
	cli_row(t, row);
	return !t->c->broken;
}

static int timeline(struct record_call *k)
{
	static const struct cli_column columns[] = { { "at", COLUMN_TIME }, { .name = "kind" }, { .name = "what" },
						     { .name = "who" }, { .name = "other" }, { .name = "title" },
						     { .name = "words" } };
	struct cli_table table = cli_table(k->c, columns, COUNT_OF(columns));
	const char *limit = cli_value(k->c, "--limit");
	struct timeline_query q = { .after = str_of(cli_value(k->c, "--after")), .language = k->language,
				    .limit = k->c->form == CLI_TEXT ? 50 : 1000 };
	char next[TIMELINE_CURSOR_BYTES] = "";
	struct reader *r = NULL;
	uint64_t n = 0;
	bool cut = false;
	struct err err;
	if (k->argc != 1)
		return cli_usage(k->c, "timeline needs an ID");
	if (limit && (!str_to_u64(str_of(limit), &n) || n == 0))
		return cli_usage(k->c, "--limit takes a number from 1");
	q.limit = limit ? (size_t)n : q.limit;
	q.id = record_name(k, k->argv[0]);
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_timeline(r, k->types, &k->c->viewer, &q, k->c->a, each_entry, &table, next, &cut, &err);
	if (r)
		store_read_end(r);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	cli_rows_end(k->c);
	cli_flush(k->c);
	if (next[0])
		cli_talk(k->c, "there are more: --after %s", next);
	if (cut)
		cli_talk(k->c, "of some sources only the newest are looked at");
	return 0;
}
const struct cli_verb cli_verb_incident_timeline = {
	.type = "incident", .word = "timeline", .usage = "timeline ID [--after CURSOR]",
	.brief = "what happened with it, newest first: versions, links, events of linked findings, messages",
	.run = timeline,
};

/* --- changing --- */

static int done(struct record_call *k, enum rc rc, const struct merged *m, const char *what, const struct err *err)
{
	if (rc != RC_OK)
		return cli_fail(k->c, err);
	if (k->c->form == CLI_JSON)
		cli_printf(k->c, "{\"done\":\"%s\",\"indicators\":%zu,\"links\":%zu}\n", what, m->indicators, m->links);
	else
		cli_printf(k->c, "%s: %zu indicators, %zu links\n", what, m->indicators, m->links);
	return 0;
}

static int merge(struct record_call *k)
{
	struct node *n = k->c->node;
	struct merged m = { 0 };
	struct err err = { 0 };
	if (k->argc != 2 || !why_of(k))
		return cli_usage(k->c, "merge needs the one that stays, the one that goes into it, and --why");
	enum rc rc = case_merge(n->records, n->store, &k->c->viewer, record_name(k, k->argv[0]),
				record_name(k, k->argv[1]), str_of(why_of(k)), k->c->a, &m, &err);
	return done(k, rc, &m, "merged", &err);
}
const struct cli_verb cli_verb_incident_merge = {
	.type = "incident", .word = "merge", .usage = "merge KEEP OTHER --why TEXT",
	.brief = "two are one: indicators and links of OTHER go to KEEP too, OTHER is closed as merged",
	.run = merge,
};

static int unmerge(struct record_call *k)
{
	struct node *n = k->c->node;
	struct merged m = { 0 };
	struct err err = { 0 };
	if (k->argc != 1 || !why_of(k))
		return cli_usage(k->c, "unmerge needs the one that was merged, and --why");
	enum rc rc = case_unmerge(n->records, n->store, &k->c->viewer, record_name(k, k->argv[0]), str_of(why_of(k)),
				  k->c->a, &m, &err);
	return done(k, rc, &m, "taken back", &err);
}
const struct cli_verb cli_verb_incident_unmerge = {
	.type = "incident", .word = "unmerge", .usage = "unmerge OTHER --why TEXT",
	.brief = "take a merge back: what it added to the other goes, unless it was changed since", .run = unmerge,
};

static int split(struct record_call *k)
{
	struct node *n = k->c->node;
	const char *title = cli_value(k->c, "--title");
	struct err err = { 0 };
	if (k->argc < 2 || !title || !why_of(k))
		return cli_usage(k->c, "split needs an ID, what goes (indicators, numbers of links), --title and --why");
	str *indicators = ARENA_ARRAY(k->c->a, (size_t)k->argc, str), id = STR("");
	int64_t *links = ARENA_ARRAY(k->c->a, (size_t)k->argc, int64_t);
	struct split_request q = { .id = record_name(k, k->argv[0]), .title = str_of(title), .why = str_of(why_of(k)),
				   .language = k->language, .indicators = indicators, .links = links };
	for (int i = 1; i < k->argc; i++) {
		if (str_to_i64(str_of(k->argv[i]), &links[q.link_count]))
			q.link_count++;
		else
			indicators[q.indicator_count++] = str_of(k->argv[i]);
	}
	enum rc rc = case_split(n->records, n->store, &k->c->viewer, &q, k->c->a, &id, &err);
	if (rc == RC_OK)
		rc = made_line(k, id, &err);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}
static const struct cli_option split_options[] = {
	{ "--title", 0, "TEXT", "split: what happened in the new one" },
	{ .name = NULL },
};
const struct cli_verb cli_verb_incident_split = {
	.type = "incident", .word = "split", .usage = "split ID INDICATOR… LINK… --title TEXT --why TEXT",
	.brief = "one is two: chosen indicators and links leave it for a new one", .options = split_options,
	.run = split,
};

/* "person-3" as its id. */
static enum rc person_of(struct record_call *k, str text, str *out, struct err *err)
{
	const struct type_field *f = k->type->assignee;
	struct reader *r = NULL;
	if (!f)
		return fail(err, RC_INPUT, "'%s' has no assignee", k->type->name);
	enum rc rc = store_read_begin(k->c->node->store, &r, err);
	if (rc == RC_OK)
		rc = record_resolve(k, r, f, text, out, err);
	*out = rc == RC_OK ? arena_str(k->c->a, str_trim_all(*out)) : STR("");
	if (r)
		store_read_end(r);
	return rc;
}

static int handover(struct record_call *k)
{
	struct node *n = k->c->node;
	const char *note = cli_value(k->c, "--note");
	struct err err = { 0 };
	str person = STR("");
	if (k->argc != 2 || !note)
		return cli_usage(k->c, "handover needs an ID, a person, and --note");
	enum rc rc = person_of(k, str_of(k->argv[1]), &person, &err);
	if (rc == RC_OK)
		rc = case_hand_over(n->records, n->store, &k->c->viewer, record_name(k, k->argv[0]), person,
				    str_of(note), k->c->a, &err);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	cli_done(k->c, "handed_over", record_name(k, k->argv[0]));
	return 0;
}
static const struct cli_option handover_options[] = {
	{ "--note", 0, "TEXT", "handover: what who takes it must know" },
	{ .name = NULL },
};
const struct cli_verb cli_verb_incident_handover = {
	.type = "incident", .word = "handover", .usage = "handover ID PERSON --note TEXT", .options = handover_options,
	.brief = "give it to somebody else with a note, who confirms", .run = handover,
};

static int confirm(struct record_call *k)
{
	struct node *n = k->c->node;
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "confirm needs an ID");
	if (case_confirm(n->records, n->store, &k->c->viewer, record_name(k, k->argv[0]), k->c->a, &err) != RC_OK)
		return cli_fail(k->c, &err);
	cli_done(k->c, "confirmed", record_name(k, k->argv[0]));
	return 0;
}
const struct cli_verb cli_verb_incident_confirm = {
	.type = "incident", .word = "confirm", .usage = "confirm ID", .run = confirm,
	.brief = "you are the assignee now and have read the note",
};
