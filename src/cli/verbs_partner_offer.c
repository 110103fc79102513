/* SPDX-License-Identifier: Apache-2.0 */
/* ronda partner offer: what is there since a day, once more, to one partner. */
#include "base/clock.h"
#include "cli/record_private.h"
#include "disclosure/authz.h"
#include "exchange/offer.h"

static int offer(struct record_call *k)
{
	const char *since = cli_value(k->c, "--since");
	struct err err = { 0 };
	struct reader *r = NULL;
	struct partner p;
	uint64_t events = 0;
	int64_t since_us;
	bool owner = !k->c->viewer.account && !k->c->viewer.roles;
	int code = cli_may(k->c, owner || authz_ever(&k->c->viewer, ACTION_EDIT, k->type));
	if (code)
		return code;
	if (k->argc != 1 || !since || !time_parse(str_of(since), true, &since_us))
		return cli_usage(k->c, "offer needs an ID and --since a day, as 2026-11-01");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK) {
		rc = partner_find(k->c->node->exchange, reader_conn(r), str_of(k->argv[0]), k->c->a, &p, &err);
		store_read_end(r);
	}
	if (rc == RC_OK)
		rc = offer_again(k->c->node->exchange, &p, since_us, &events, &err);
	if (rc == RC_OK) {
		str count = arena_fmt(k->c->a, "%llu", (unsigned long long)events);
		cli_done(k->c, "events", count);
		cli_talk(k->c, STR_FMT " events and the records since then are offered to " STR_FMT, STR_ARG(count),
			 STR_ARG(p.name));
	}
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

static const struct cli_option offer_options[] = {
	{ "--since", 0, "DAY", "offer: from this day on" },
	{ .name = NULL },
};
const struct cli_verb cli_verb_partner_offer = {
	.type = "partner",
	.word = "offer",
	.usage = "offer ID --since DAY",
	.brief = "offer what is there already: to who is new, or may have more by now",
	.options = offer_options,
	.run = offer,
};
