/* SPDX-License-Identifier: Apache-2.0 */
/* Whom an explanation is asked about, from the words people give, and its answer in words. */
#include "disclosure/explain.h"

struct asking {
	struct reader *r;
	const struct types *types;
	const struct roles *roles;
	const struct viewer *asker;
	struct arena *a;
	struct explain_ask *ask;
	struct viewer *account;
	struct err *err;
};

bool channel_parse(str text, enum channel *out)
{
	for (int i = CHANNEL_NONE + 1; i < CHANNELS; i++)
		if (str_eq(text, str_of(channel_name((enum channel)i)))) {
			*out = (enum channel)i;
			return true;
		}
	return false;
}

bool purpose_parse(str text, enum purpose *out)
{
	for (int i = PURPOSE_NONE + 1; i < PURPOSES; i++)
		if (str_eq(text, str_of(purpose_name((enum purpose)i)))) {
			*out = (enum purpose)i;
			return true;
		}
	return false;
}

static enum rc to_account(struct asking *q, str name)
{
	struct conn *c = reader_conn(q->r);
	struct account a;

	enum rc rc = account_by_name(c, q->roles, name, q->a, &a, q->err);
	if (rc == RC_OK)
		rc = account_viewer(c, q->roles, a.id, q->ask->by, q->account, q->err);
	q->ask->account = q->account;
	q->ask->organisation = q->account->organisation;
	return rc;
}

static enum rc to_organisation(struct asking *q, str id, enum recipient_kind kind)
{
	q->ask->to = (struct recipient){ .kind = kind, .ceiling = TLP_AMBER_STRICT };
	return explain_whose(q->r, q->types, q->asker, id, q->a, &q->ask->organisation, q->err);
}

static enum rc take_recipient(struct asking *q, str to)
{
	static const struct { const char *word; struct recipient as; } words[] = {
		{ "public", { .kind = RECIPIENT_PUBLIC, .ceiling = TLP_CLEAR } },
		{ "staff", { .kind = RECIPIENT_STAFF, .ceiling = TLP_AMBER_STRICT } },
		{ "log", { .kind = RECIPIENT_LOG, .ceiling = TLP_CLEAR } },
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(to, str_of(words[i].word))) {
			q->ask->to = words[i].as;
			return RC_OK;
		}
	if (str_starts(to, STR("account:")))
		return to_account(q, str_from(to, 8));
	if (str_starts(to, STR("partner:")))
		return to_organisation(q, str_from(to, 8), RECIPIENT_PARTNER);
	enum rc rc = to_organisation(q, to, RECIPIENT_CONSTITUENT);
	if (rc != RC_ABSENT)
		return rc;
	return fail(q->err, RC_INPUT, "'" STR_FMT "' is neither an organisation you can see nor public, staff, "
		    "log, account:NAME or partner:ORGANISATION", STR_ARG(to));
}

enum rc explain_to(struct reader *r, const struct types *t, const struct roles *roles,
		   struct policies *policies, const struct viewer *asker, str to, struct arena *a,
		   struct explain_ask *ask, struct viewer *room, str *agreement_out, struct err *err)
{
	struct asking q = { r, t, roles, asker, a, ask, room, err };

	*room = (struct viewer){ .account = 0 };
	ask->account = NULL;
	ask->organisation = (struct uuid){ { 0 } };
	*agreement_out = STR("");
	enum rc rc = take_recipient(&q, to);
	return rc == RC_OK ? policies_recipient(policies, ask->organisation, ask->account ? &room->as : &ask->to,
						&ask->policy, a, agreement_out, err) : rc;
}

const char *explanation_word(const struct explanation *e)
{
	if (!e->told)
		return "no";
	return e->cut_count || e->decision.verdict == DISCLOSE_REDACT ? "cut" : "yes";
}

const char *explanation_rule(const struct explanation *e)
{
	return e->asks_rights && !e->rights.yes ? e->rights.rule : e->decision.rule;
}
