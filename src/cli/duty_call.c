/* SPDX-License-Identifier: Apache-2.0 */
/* ronda duty call RECORD: before the call whom and what may be said, after it the note. */
#include "duty/call.h"

#include "cli/duty_private.h"

static str value(const struct duty_call *k, const char *option)
{
	const char *text = cli_value(k->c, option);
	return str_of(text ? text : "");
}

static str cut_of(const struct call_before *b, struct arena *a)
{
	struct buf text = BUF_INIT(KIB(8));
	for (size_t i = 0; i < b->cut_count; i++)
		buf_fmt(&text, "%s%s", i ? " " : "", b->cut[i]);
	str s = arena_str(a, buf_str(&text));
	buf_free(&text);
	return s;
}

static int before(struct duty_call *k, str about, str organisation)
{
	static const struct cli_column columns[] = { { .name = "role" }, { .name = "name" }, { .name = "phone" },
						     { .name = "may_be_told" }, { .name = "not_to_be_said" },
						     { .name = "rule" } };
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	struct call_before b;
	struct err err;
	if (call_prepare(k->r, k->types, k->c->node->policies, &k->c->viewer, about, organisation, k->c->a, &b,
			 &err) != RC_OK)
		return cli_fail(k->c, &err);
	str may = !b.checked ? STR("") : b.may ? STR("yes") : STR("no"), cut = cut_of(&b, k->c->a);
	for (size_t i = 0; i < b.contact_count; i++) {
		str row[] = { b.contacts[i].role, b.contacts[i].name, b.contacts[i].phone, may, cut,
			      str_of(b.rule) };
		cli_row(&t, row);
	}
	if (b.contact_count == 0)
		cli_talk(k->c, "no number is known");
	if (b.checked && !b.may)
		cli_talk(k->c, "nothing of it may be said to them (" STR_FMT "): %s", STR_ARG(b.label), b.rule);
	return 0;
}

int duty_call_word(struct duty_call *k)
{
	struct node *n = k->c->node;
	struct call_done done;
	struct err err;
	str about = k->argc > 0 ? str_of(k->argv[0]) : STR("");
	struct call_said q = { .about = about, .organisation = value(k, "--organisation"),
			       .contact = value(k, "--contact"), .role = value(k, "--as"),
			       .phone = value(k, "--phone"), .result = value(k, "--result"),
			       .words = value(k, "--words"), .at_us = TIME_NONE,
			       .direction = cli_value(k->c, "--in") ? STR("in") : STR("out") };
	if (k->argc > 1 || (about.n == 0 && q.organisation.n == 0))
		return cli_usage(k->c, "call takes a record, as incident-42, or --organisation");
	if (q.result.n == 0)
		return before(k, about, q.organisation);
	if (call_save(n->records, n->store, n->policies, k->types, &k->c->viewer, &q, k->c->a, &done, &err) !=
	    RC_OK)
		return cli_fail(k->c, &err);
	if (k->c->form == CLI_JSON)
		cli_printf(k->c, "{\"id\":\"" STR_FMT "\",\"told\":%s,\"clocks\":%u,\"confirmed\":%s}\n",
			   STR_ARG(done.id), done.told ? "true" : "false", done.clocks,
			   done.confirmed ? "true" : "false");
	else
		cli_printf(k->c, STR_FMT "%s%s%s\n", STR_ARG(done.id), done.told ? ", in the ledger" : "",
			   done.clocks ? ", its ladder stops" : "", done.confirmed ? ", contact confirmed" : "");
	return 0;
}
