/* SPDX-License-Identifier: Apache-2.0 */
/* ronda incident say | words | parts | offer | accept | decline | take-back: several teams on one item. */
#include "cli/record_private.h"
#include "exchange/handover.h"
#include "exchange/together.h"

/* "contribution-7" as it is named to others. */
static enum rc reply_id(struct record_call *k, str *reply, struct err *err)
{
	struct reader *r = NULL;
	struct record_view v = { 0 };
	if (!reply->n || str_find(*reply, STR("--")) < reply->n)
		return RC_OK;
	enum rc rc = store_read_begin(k->c->node->store, &r, err);
	if (rc == RC_OK)
		rc = read_record(r, k->types, &k->c->viewer, *reply, k->c->a, &v, err);
	if (rc == RC_OK)
		*reply = record_view_id(&v, k->c->a);
	record_view_end(&v);
	if (r)
		store_read_end(r);
	return rc;
}

static int say_word(struct record_call *k)
{
	struct err err = { 0 };
	str id = STR("");
	if (k->argc != 2)
		return cli_usage(k->c, "say needs an ID and a text");
	struct together_say q = { .about = record_name(k, k->argv[0]), .text = str_of(k->argv[1]), .what = record_option(k, "--what"),
				  .reply_to = record_option(k, "--reply"), .only_origin = cli_value(k->c, "--only-origin") != NULL,
				  .tlp = record_option(k, "--tlp") };
	enum rc rc = reply_id(k, &q.reply_to, &err);
	if (rc == RC_OK)
		rc = together_say(k->c->node->exchange, &k->c->viewer, &q, k->c->a, &id, &err);
	return record_done(k, rc, id, &err);
}

static const struct cli_option say_options[] = {
	{ "--what", 0, "WHAT", "say: comment (default), question, opinion, acknowledged, acted, closed" },
	{ "--reply", 0, "ID", "say: the contribution it answers" },
	{ "--only-origin", 0, NULL, "say: for the team the item comes from, not for the others who have it" },
	{ .name = NULL },
};
const struct cli_verb cli_verb_incident_say = {
	.type = "incident", .word = "say", .usage = "say ID TEXT [--what WHAT] [--reply ID] [--only-origin] [--tlp TLP]",
	.brief = "say something about it to the teams that have it", .options = say_options, .run = say_word,
};

static enum rc put_words(struct record_call *k, struct reader *r, str id, struct err *err)
{
	static const struct cli_column columns[] = {
		{ "at", COLUMN_TIME }, { .name = "team" }, { .name = "what" }, { .name = "state" }, { .name = "text" }, { .name = "id" },
		{ .name = "reply_to" }, { "until", COLUMN_TIME },
	};
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	struct together_word *list = NULL;
	size_t count = 0;
	enum rc rc = together_read(k->c->node->exchange, r, k->types, &k->c->viewer, id, k->c->a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct together_word *w = &list[i];
		char at[40], until[40];
		str team = w->team.n == 0 ? STR("we") : str_eq(w->team, STR("?")) ? STR("another team") : w->team;
		str row[] = { time_str(at, w->at_us), team, w->what, w->state, w->text.n ? w->text : w->title, w->id, w->reply_to,
			      w->until_us ? time_str(until, w->until_us) : STR("") };
		cli_row(&t, row);
	}
	return rc;
}

static int words(struct record_call *k)
{
	return record_about(k, put_words);
}

const struct cli_verb cli_verb_incident_words = {
	.type = "incident", .word = "words", .usage = "words ID",
	.brief = "what the teams that have it say about it, oldest first", .run = words,
};

/* --- each team's part --- */

static str time_or_none(struct record_call *k, int64_t us)
{
	char text[40];
	return us ? arena_str(k->c->a, time_str(text, us)) : STR("");
}

static enum rc put_parts(struct record_call *k, struct reader *r, str id, struct err *err)
{
	static const struct cli_column columns[] = {
		{ .name = "team" }, { "since", COLUMN_TIME }, { "receipt", COLUMN_TIME }, { .name = "part" }, { "last", COLUMN_TIME },
		{ .name = "what" }, { .name = "text" }, { "silent", COLUMN_BOOL }, { "due", COLUMN_TIME }, { "late", COLUMN_BOOL },
	};
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	struct together_part *list = NULL;
	size_t count = 0;
	enum rc rc = together_parts(k->c->node->exchange, r, k->types, &k->c->viewer, id, k->c->a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct together_part *p = &list[i];
		bool late = p->silent && p->due_us < clock_now_us();
		str row[] = { p->us ? STR("we") : p->team, time_or_none(k, p->since_us), time_or_none(k, p->receipt_us),
			      p->withdrawn_us ? STR("withdrawn") : p->handles ? STR("handles it") : p->origin ? STR("origin") : STR(""),
			      time_or_none(k, p->last_us), p->last_what, p->last_text, p->silent ? STR("yes") : STR("no"),
			      time_or_none(k, p->due_us), late ? STR("yes") : STR("no") };
		cli_row(&t, row);
	}
	return rc;
}

static int parts(struct record_call *k)
{
	return record_about(k, put_parts);
}

const struct cli_verb cli_verb_incident_parts = {
	.type = "incident", .word = "parts", .usage = "parts ID",
	.brief = "each team's part in it: since when it has it, its receipt, its last word, who is silent and until when", .run = parts,
};

/* --- handing it over to another team --- */

static int offer(struct record_call *k)
{
	struct err err = { 0 };
	str id = STR("");
	if (k->argc != 1 || !cli_value(k->c, "--to"))
		return cli_usage(k->c, "offer needs an ID and --to PARTNER");
	const struct team_offer q = { .item = record_name(k, k->argv[0]), .to = record_option(k, "--to"), .why = record_option(k, "--why"),
				      .until = record_option(k, "--until") };
	enum rc rc = team_handover_offer(k->c->node->exchange, &k->c->viewer, &q, k->c->a, &id, &err);
	return record_done(k, rc, id, &err);
}

static int answer(struct record_call *k, bool accept)
{
	struct err err = { 0 };
	str id = STR("");
	if (k->argc != 1)
		return cli_usage(k->c, "it needs an ID");
	enum rc rc = team_handover_answer(k->c->node->exchange, &k->c->viewer, record_name(k, k->argv[0]), accept,
					  record_option(k, "--why"), k->c->a, &id, &err);
	return record_done(k, rc, id, &err);
}

static int accept_offer(struct record_call *k)
{
	return answer(k, true);
}

static int decline_offer(struct record_call *k)
{
	return answer(k, false);
}

static int take_back(struct record_call *k)
{
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "take-back needs an ID");
	str id = record_name(k, k->argv[0]);
	enum rc rc = team_handover_take_back(k->c->node->exchange, &k->c->viewer, id, record_option(k, "--why"), k->c->a, &err);
	return record_done(k, rc, id, &err);
}

static const struct cli_option offer_options[] = {
	{ "--to", 0, "WHOM", "letter: organisation-7, organisation-7/abuse, person-2, or an address; offer: a partner" },
	{ "--until", 0, "TIME", "offer: an answer is expected by then (a day from now)" },
	{ .name = NULL },
};
const struct cli_verb cli_verb_incident_offer = {
	.type = "incident", .word = "offer", .usage = "offer ID --to PARTNER --why TEXT [--until TIME]",
	.brief = "offer to hand it over to a partner's team that has it", .options = offer_options, .run = offer,
};
const struct cli_verb cli_verb_incident_accept = {
	.type = "incident", .word = "accept", .usage = "accept ID [--why TEXT]",
	.brief = "take over what another team offers: an incident of our own is made of it", .run = accept_offer,
};
const struct cli_verb cli_verb_incident_decline = {
	.type = "incident", .word = "decline", .usage = "decline ID --why TEXT",
	.brief = "decline what another team offers to hand over", .run = decline_offer,
};
const struct cli_verb cli_verb_incident_take_back = {
	.type = "incident", .word = "take-back", .usage = "take-back ID --why TEXT",
	.brief = "take an offer back that was not answered", .run = take_back,
};
