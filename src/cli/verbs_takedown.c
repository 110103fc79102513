/* SPDX-License-Identifier: Apache-2.0 */
/* ronda incident takedown; ronda takedown start | propose | ask | dry-run | answer | look | status | board. */
#include "cli/record_private.h"
#include "incident/takedown.h"

static struct takedowns *all(const struct record_call *k)
{
	return k->c->node->takedowns;
}

static str time_or_none(struct arena *a, int64_t us)
{
	char text[40];
	return us ? arena_str(a, time_str(text, us)) : STR("");
}

static str count_of(struct arena *a, int64_t n)
{
	return arena_fmt(a, "%lld", (long long)n);
}

/* --- start --- */

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

static int make(struct record_call *k, str incident, const char *target)
{
	struct buf fields = BUF_INIT(RECORD_BODY_MAX);
	struct change_errors errors = { .count = 0 };
	struct takedown_status s;
	struct reader *r = NULL;
	struct err err = { 0 };
	str id = STR(""), said = STR("");
	enum rc rc = fields_of(k, &fields, &err);
	const struct takedown_new q = { .incident = incident, .target = str_of(target), .fields = buf_str(&fields),
					.language = k->language };
	if (rc == RC_OK)
		rc = takedown_make(all(k), &k->c->viewer, &q, k->c->a, &id, &said, &errors, &err);
	buf_free(&fields);
	for (size_t i = 0; rc == RC_INPUT && errors.count > 1 && i < errors.count; i++)
		cli_talk(k->c, "%s", errors.list[i].text);
	if (rc == RC_OK)
		rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = takedown_read(all(k), r, k->types, &k->c->viewer, id, k->c->a, &s, &err);
	if (r)
		store_read_end(r);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	(void)record_done(k, RC_OK, id, &err);
	cli_talk(k->c, "%zu who can take it down are proposed; nobody was told", s.party_count);
	if (said.n > 0)
		cli_talk(k->c, STR_FMT, STR_ARG(said));
	return 0;
}

static int start(struct record_call *k)
{
	if (k->argc < 1 || strchr(k->argv[0], '=') == k->argv[0])
		return cli_usage(k->c, "start needs a URL or a domain");
	const char *target = k->argv[0];
	k->argc--;
	k->argv++;
	return make(k, STR_NONE, target);
}

const struct cli_verb cli_verb_takedown_start = {
	.type = "takedown", .word = "start", .usage = "start URL|DOMAIN [FIELD=VALUE…]",
	.brief = "make one and propose who can take it down; tells nobody", .run = start,
};

static int of_incident(struct record_call *k)
{
	struct record_call own = *k;
	if (k->argc < 2)
		return cli_usage(k->c, "takedown needs an incident and a URL or a domain");
	own.argc -= 2;
	own.argv += 2;
	/* the fields behind are the takedown's */
	for (size_t i = 0; i < types_count(k->types); i++)
		if (takedown_is(types_at(k->types, i)))
			own.type = types_at(k->types, i);
	return make(&own, record_name(k, k->argv[0]), k->argv[1]);
}

const struct cli_verb cli_verb_incident_takedown = {
	.type = "incident", .word = "takedown", .usage = "takedown ID URL|DOMAIN [FIELD=VALUE…]",
	.brief = "one address of it should go: a takedown is made and linked, who can do it is proposed", .run = of_incident,
};

static int propose(struct record_call *k)
{
	size_t added = 0;
	str said = STR("");
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "propose needs an ID");
	if (takedown_propose(all(k), &k->c->viewer, record_name(k, k->argv[0]), k->c->a, &added, &said, &err) != RC_OK)
		return cli_fail(k->c, &err);
	if (said.n > 0)
		cli_talk(k->c, STR_FMT, STR_ARG(said));
	cli_done(k->c, "added", count_of(k->c->a, (int64_t)added));
	if (k->c->form == CLI_TEXT)
		cli_printf(k->c, "%zu\n", added);
	return 0;
}

const struct cli_verb cli_verb_takedown_propose = {
	.type = "takedown", .word = "propose", .usage = "propose ID", .run = propose,
	.brief = "look again who can take it down, and add those who are missing",
};

/* --- ask --- */

static const struct cli_column line_columns[] = {
	{ .name = "party" }, { .name = "role" }, { .name = "name" }, { .name = "to" }, { .name = "driver" },
	{ .name = "address" }, { .name = "language" }, { .name = "subject" }, { .name = "text" }, { .name = "not_told" },
};

struct showing {
	struct record_call *k;
	struct cli_table t;
	bool whole;
};

static bool show_line(void *ctx, const struct takedown_line *l)
{
	struct showing *s = ctx;
	struct cli *c = s->k->c;
	if (!s->whole) {
		str values[] = { l->party.key, l->party.role, l->party.name, l->recipient, l->driver, l->address, l->language,
				 l->subject, l->text, l->words };
		cli_row(&s->t, values);
		return !c->broken;
	}
	cli_printf(c, "--- " STR_FMT " " STR_FMT, STR_ARG(l->party.key), STR_ARG(l->party.name));
	if (l->told)
		cli_printf(c, " by " STR_FMT " at " STR_FMT ", " STR_FMT "\n" STR_FMT "\n\n" STR_FMT "\n\n", STR_ARG(l->driver),
			   STR_ARG(l->address), STR_ARG(l->language), STR_ARG(l->subject), STR_ARG(l->text));
	else
		cli_printf(c, " is told nothing: " STR_FMT "\n\n", STR_ARG(l->words));
	return !c->broken;
}

static int ask_or_try(struct record_call *k, bool dry_run)
{
	struct showing s = { .k = k, .t = cli_table(k->c, line_columns, COUNT_OF(line_columns)),
			     .whole = k->c->form == CLI_TEXT };
	str *parties = ARENA_ARRAY(k->c->a, (size_t)k->argc + 1, str);
	struct takedown_ask q = { .parties = parties, .dry_run = dry_run };
	size_t count = 0;
	struct err err = { 0 };
	if (k->argc < 1)
		return cli_usage(k->c, "needs an ID, and whom: roles or names of parties as 'status' lists them");
	bool all_of = k->argc == 2 && strcmp(k->argv[1], "all") == 0;
	if (!dry_run && k->argc == 1)
		return cli_usage(k->c, "ask needs whom: roles or names of parties as 'status' lists them, or 'all'");
	q.id = record_name(k, k->argv[0]);
	for (int i = 1; i < k->argc && !all_of; i++)
		parties[q.party_count++] = str_of(k->argv[i]);
	if (takedown_ask(all(k), &k->c->viewer, &q, k->c->a, dry_run ? show_line : NULL, &s, &count, &err) != RC_OK)
		return cli_fail(k->c, &err);
	if (dry_run)
		return 0;
	cli_done(k->c, "messages", count_of(k->c->a, (int64_t)count));
	if (k->c->form == CLI_TEXT)
		cli_printf(k->c, "%zu\n", count);
	const char *idle = notify_idle(k->c->node->notify);
	if (*idle)
		cli_talk(k->c, "ronda takedown: the messages wait: %s", idle);
	return 0;
}

static int dry_run(struct record_call *k)
{
	return ask_or_try(k, true);
}

const struct cli_verb cli_verb_takedown_dry_run = {
	.type = "takedown", .word = "dry-run", .usage = "dry-run ID [PARTY…]", .run = dry_run,
	.brief = "who would be asked, word for word; sends nothing",
};

static int ask(struct record_call *k)
{
	return ask_or_try(k, false);
}

const struct cli_verb cli_verb_takedown_ask = {
	.type = "takedown", .word = "ask", .usage = "ask ID PARTY…|all", .run = ask,
	.brief = "ask these to take it down; prints how many messages were made",
};

static const struct cli_option answer_options[] = {
	{ "--words", 0, "TEXT", "answer: what they said" },
	{ .name = NULL },
};

static int answer(struct record_call *k)
{
	const char *words = cli_value(k->c, "--words");
	struct err err = { 0 };
	if (k->argc != 3)
		return cli_usage(k->c, "answer needs an ID, who answered, and what");
	if (takedown_answer(all(k), &k->c->viewer, record_name(k, k->argv[0]), str_of(k->argv[1]), str_of(k->argv[2]),
			    str_of(words ? words : ""), k->c->a, &err) != RC_OK)
		return cli_fail(k->c, &err);
	cli_done(k->c, "answered", str_of(k->argv[1]));
	return 0;
}

const struct cli_verb cli_verb_takedown_answer = {
	.type = "takedown", .word = "answer", .usage = "answer ID PARTY acknowledged|done|refused [--words TEXT]",
	.brief = "note what one of them said; 'done' is looked at, not believed", .options = answer_options, .run = answer,
};

/* --- looking --- */

static const struct cli_column look_columns[] = {
	{ "at", COLUMN_TIME }, { .name = "outcome" }, { "status", COLUMN_NUMBER }, { "bytes", COLUMN_NUMBER },
	{ .name = "digest" }, { .name = "dns" }, { .name = "words" }, { .name = "head" },
};

static void show_look(struct record_call *k, struct cli_table *t, const struct takedown_look *l)
{
	str values[] = { time_or_none(k->c->a, l->at_us), str_of(look_outcome_name(l->outcome)), count_of(k->c->a, l->status),
			 count_of(k->c->a, l->bytes), l->digest, l->dns, l->words, k->c->form == CLI_TEXT ? STR("") : l->head };
	cli_row(t, values);
}

static int look(struct record_call *k)
{
	struct cli_table t = cli_table(k->c, look_columns, COUNT_OF(look_columns));
	struct takedown_look l;
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "look needs an ID");
	if (takedown_look_now(all(k), &k->c->viewer, record_name(k, k->argv[0]), k->c->a, &l, &err) != RC_OK)
		return cli_fail(k->c, &err);
	show_look(k, &t, &l);
	return 0;
}

const struct cli_verb cli_verb_takedown_look = {
	.type = "takedown", .word = "look", .usage = "look ID", .run = look,
	.brief = "is it still there? looked at now, through the proxy that is set",
};

static enum rc read_one(struct record_call *k, struct takedown_status *s, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(k->c->node->store, &r, err);
	if (rc == RC_OK)
		rc = takedown_read(all(k), r, k->types, &k->c->viewer, record_name(k, k->argv[0]), k->c->a, s, err);
	if (r)
		store_read_end(r);
	return rc;
}

static int looks(struct record_call *k)
{
	struct cli_table t = cli_table(k->c, look_columns, COUNT_OF(look_columns));
	struct takedown_status s;
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "looks needs an ID");
	if (read_one(k, &s, &err) != RC_OK)
		return cli_fail(k->c, &err);
	for (size_t i = 0; i < s.look_count; i++)
		show_look(k, &t, &s.looks[i]);
	return 0;
}

const struct cli_verb cli_verb_takedown_looks = {
	.type = "takedown", .word = "looks", .usage = "looks ID", .run = looks,
	.brief = "what was seen each time it was looked at, newest first",
};

/* --- status --- */

static const struct takedown_asked *last_asked(const struct takedown_status *s, str key)
{
	const struct takedown_asked *last = NULL;
	for (size_t i = 0; i < s->asked_count; i++)
		if (str_eq(s->asked[i].key, key))
			last = &s->asked[i];
	return last;
}

static int status(struct record_call *k)
{
	static const struct cli_column columns[] = {
		{ .name = "party" }, { .name = "name" }, { .name = "tell" }, { "asked", COLUMN_TIME }, { .name = "by" },
		{ .name = "state" }, { "message", COLUMN_NUMBER }, { .name = "answer" }, { .name = "words" }, { .name = "found" },
	};
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	struct takedown_status s;
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "status needs an ID");
	if (read_one(k, &s, &err) != RC_OK)
		return cli_fail(k->c, &err);
	for (size_t i = 0; i < s.party_count; i++) {
		const struct takedown_party *p = &s.parties[i];
		const struct takedown_asked *a = last_asked(&s, p->key);
		str values[] = { p->key, p->name.n ? p->name : p->email, p->tell, time_or_none(k->c->a, a ? a->at_us : 0),
				 a ? a->template : STR(""), a ? a->state : STR(""), a ? count_of(k->c->a, a->message) : STR(""),
				 p->answer.n ? p->answer : a ? a->answer : STR(""), p->words, p->found };
		cli_row(&t, values);
	}
	cli_rows_end(k->c);
	cli_talk(k->c, STR_FMT ": %s", STR_ARG(s.target), s.next_step);
	return 0;
}

const struct cli_verb cli_verb_takedown_status = {
	.type = "takedown", .word = "status", .usage = "status ID", .run = status,
	.brief = "who was asked when, by which message, and what they answered",
};

static int board(struct record_call *k)
{
	static const struct cli_column columns[] = {
		{ .name = "takedown" }, { .name = "state" }, { "asked", COLUMN_TIME }, { "hours", COLUMN_NUMBER },
		{ "repeats", COLUMN_NUMBER }, { "relapses", COLUMN_NUMBER }, { .name = "last_look" },
	};
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	struct takedown_board b;
	struct reader *r = NULL;
	struct err err = { 0 };
	if (k->argc != 0)
		return cli_usage(k->c, "board takes no ID: it lists them all");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = takedown_board_read(r, k->types, &k->c->viewer, k->c->a, &b, &err);
	if (r)
		store_read_end(r);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	for (size_t i = 0; i < b.count; i++) {
		const struct takedown_open *o = &b.list[i];
		str values[] = { o->name, str_of(o->state), time_or_none(k->c->a, o->asked_us), count_of(k->c->a, o->hours),
				 count_of(k->c->a, o->rounds), count_of(k->c->a, o->relapses), o->last };
		cli_row(&t, values);
	}
	cli_rows_end(k->c);
	if (b.median_hours >= 0)
		cli_talk(k->c, "%zu open, %zu down, half of these within %lld hours", b.open, b.down, (long long)b.median_hours);
	else
		cli_talk(k->c, "%zu open, none down yet", b.open);
	return 0;
}

const struct cli_verb cli_verb_takedown_board = {
	.type = "takedown", .word = "board", .usage = "board", .run = board,
	.brief = "those that are open, longest first, then those that are down: hours from asked to down",
};
