/* SPDX-License-Identifier: Apache-2.0 */
/* ronda directory refresh [WHAT...] [--security-txt] */
#include "cli/directory_private.h"
#include "node/lookup.h"

struct refreshing {
	struct cli *c;
	struct cli_table t;
	bool again;
	enum rc worst;
	size_t asked;
};

static void ask(struct refreshing *w, str source, str subject)
{
	struct cli *c = w->c;
	struct lookup_done d;
	struct err err = { 0 };
	bool site = str_eq(source, STR("security.txt"));
	enum rc rc = site ? lookup_site(c->node, subject, w->again, str_of(c->viewer.actor), &d, &err) :
			    lookup_rdap(c->node, subject, w->again, str_of(c->viewer.actor), &d, &err);
	w->asked++;
	if (rc != RC_OK)
		w->worst = rc;
	str state = rc != RC_OK ? str_of(rc_name(rc)) : d.still_good ? STR("still good") : d.nothing ? STR("nothing") : STR("noted");
	str row[] = { subject, source, state, arena_fmt(c->a, "%zu", d.entries), arena_str(c->a, str_of(d.email)),
		      arena_str(c->a, str_of(rc == RC_OK ? "" : err.text)) };
	cli_row(&w->t, row);
}

static bool each_stale(void *ctx, str source, str subject)
{
	struct refreshing *w = ctx;
	ask(w, source, subject);
	if (w->c->progress && w->asked % 10 == 0)
		cli_talk(w->c, "%zu asked", w->asked);
	return !w->c->broken && !cli_abandoned(w->c);
}

int directory_refresh(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ .name = "subject" }, { .name = "source" }, { .name = "state" }, { "entries", COLUMN_NUMBER },
		{ .name = "email" }, { .name = "error" },
	};
	struct refreshing w = { .c = c, .t = cli_table(c, columns, COUNT_OF(columns)), .again = cli_value(c, "--again") };
	struct err err;
	bool site = cli_value(c, "--security-txt") != NULL;
	for (int i = 1; i < c->argc && !cli_abandoned(c); i++)
		ask(&w, site ? STR("security.txt") : STR("rdap"), str_of(c->argv[i]));
	if (c->argc == 1 && lookup_stale(c->node, c->a, each_stale, &w, &err) != RC_OK)
		return cli_fail(c, &err);
	return rc_exit_code(w.worst);
}
