/* SPDX-License-Identifier: Apache-2.0 */
/* ronda question run | act: what it finds now, and the same done to all of it. */
#include "cli/record_private.h"
#include "disclosure/question.h"
#include "incident/act.h"

static enum rc load_question(struct record_call *k, struct reader *r, const char *id, struct question *out,
			     struct err *err)
{
	struct record_view v = { 0 };
	enum rc rc = read_record(r, k->types, &k->c->viewer, record_name(k, id), k->c->a, &v, err);
	if (rc == RC_OK)
		rc = question_of_view(r, k->types, &v, k->language, k->c->a, out, err);
	record_view_end(&v);
	return rc;
}

static bool each_item(void *ctx, const struct question_item *i)
{
	struct cli_table *t = ctx;
	char at[40];
	str row[] = { i->id, i->title, i->state, time_str(at, i->at_us) };
	cli_row(t, row);
	return !t->c->broken;
}

static int run(struct record_call *k)
{
	static const struct cli_column columns[] = { { .name = "id" }, { .name = "title" }, { .name = "state" },
						     { "at", COLUMN_TIME } };
	struct cli_table table = cli_table(k->c, columns, COUNT_OF(columns));
	const char *limit = cli_value(k->c, "--limit");
	uint64_t most = k->c->form == CLI_TEXT ? 50 : 100000;
	struct reader *r = NULL;
	struct question q;
	bool more = false;
	struct err err;
	if (k->argc != 1)
		return cli_usage(k->c, "run needs an ID");
	if (limit && (!str_to_u64(str_of(limit), &most) || most == 0 || most > 1000000))
		return cli_usage(k->c, "--limit takes a number from 1 to 1000000");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = load_question(k, r, k->argv[0], &q, &err);
	if (rc == RC_OK)
		rc = question_ask(r, k->types, &k->c->viewer, &q, (size_t)most, k->c->a, each_item, &table, &more, &err);
	if (r)
		store_read_end(r);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	cli_rows_end(k->c);
	cli_flush(k->c);
	if (more)
		cli_talk(k->c, "there are more: --limit N");
	return 0;
}
const struct cli_verb cli_verb_question_run = {
	.type = "question", .word = "run", .usage = "run ID", .brief = "what it finds now", .run = run,
};

/* --- act --- */

struct taking {
	str *ids;
	size_t count;
	struct arena *a;
};

static bool take_id(void *ctx, const struct question_item *i)
{
	struct taking *t = ctx;
	t->ids[t->count++] = arena_str(t->a, i->id);
	return true;
}

static enum rc act_on(struct record_call *k, const struct question *q, const struct taking *t, size_t *done,
		      struct err *err)
{
	struct node *n = k->c->node;
	str word = str_of(k->argv[1]), target = str_of(k->argc > 2 ? k->argv[2] : ""), why = str_of(cli_value(k->c, "--why"));
	bool dry = cli_value(k->c, "--dry-run") != NULL;
	if (q->of == QUESTION_FINDINGS) {
		for (size_t i = 0; i < t->count; i++)
			t->ids[i] = str_from(t->ids[i], STR("finding--").n);
		return findings_act(n->records, n->store, &k->c->viewer, t->ids, t->count, word, why, dry, done, err);
	}
	struct case_act act = { .ids = t->ids, .count = t->count, .why = why, .language = k->language, .dry_run = dry };
	if (str_eq(word, STR("move")))
		act.to_state = target;
	else if (str_eq(word, STR("link"))) {
		act.link_kind = STR("related");
		act.link_to = target;
	} else if (str_eq(word, STR("assign")) && q->type && q->type->assignee) {
		struct reader *r = NULL;
		enum rc rc = store_read_begin(n->store, &r, err);
		if (rc == RC_OK)
			rc = record_resolve(k, r, q->type->assignee, target, &act.person, err);
		if (r)
			store_read_end(r);
		if (rc != RC_OK)
			return rc;
		act.person = str_trim_all(act.person);
	} else {
		return fail(err, RC_INPUT, "'" STR_FMT "' is nothing that is done to these", STR_ARG(word));
	}
	return case_act(n->records, n->store, &k->c->viewer, &act, done, err);
}

static int act(struct record_call *k)
{
	struct taking t = { .a = k->c->a, .ids = ARENA_ARRAY(k->c->a, ACT_MOST, str) };
	struct reader *r = NULL;
	struct question q;
	struct err err;
	size_t done = 0;
	bool more = false;
	if (k->argc < 2 || k->argc > 3)
		return cli_usage(k->c, "act needs an ID and what is done: move STATE, assign PERSON, link RECORD, or told, answered, held");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = load_question(k, r, k->argv[0], &q, &err);
	if (rc == RC_OK)
		rc = question_ask(r, k->types, &k->c->viewer, &q, ACT_MOST, k->c->a, take_id, &t, &more, &err);
	if (r)
		store_read_end(r);
	if (rc == RC_OK && more)
		rc = fail(&err, RC_LIMIT, "it finds more than %d: ask for less at once", ACT_MOST);
	if (rc == RC_OK && q.of == QUESTION_EVENTS)
		rc = fail(&err, RC_INPUT, "nothing is done to events");
	if (rc == RC_OK)
		rc = act_on(k, &q, &t, &done, &err);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	if (k->c->form == CLI_JSON)
		cli_printf(k->c, "{\"changed\":%zu,\"dry_run\":%s}\n", done, cli_value(k->c, "--dry-run") ? "true" : "false");
	else
		cli_printf(k->c, "%s%zu\n", cli_value(k->c, "--dry-run") ? "would change: " : "changed: ", done);
	return 0;
}
const struct cli_verb cli_verb_question_act = {
	.type = "question", .word = "act", .usage = "act ID move STATE | assign PERSON | link RECORD | told | answered | held",
	.brief = "the same done to all it finds, all or none; --dry-run tries; --why", .run = act,
};
