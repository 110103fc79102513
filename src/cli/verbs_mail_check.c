/* SPDX-License-Identifier: Apache-2.0 */
/* ronda mail check | test ADDRESS: will our mail be taken, and does it go? */
#include "cli/record_private.h"
#include "mail/mail_check.h"
#include "notify/test_letter.h"

static int check(struct record_call *k)
{
	static const struct cli_column columns[] = {
		{ .name = "what" }, { .name = "of" }, { .name = "verdict" }, { .name = "words" },
	};
	struct cli *c = k->c;
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct mail_checks *checks = ARENA_NEW(c->a, struct mail_checks);
	struct smtp *m = NULL;
	struct err err = { 0 };
	bool bad = false;
	if (k->argc != 0)
		return cli_usage(c, "check takes no argument");
	int code = cli_may(c, authz_ever(&c->viewer, ACTION_CREATE, k->type));
	if (code != 0)
		return code;
	enum rc rc = smtp_open(c->node->settings, &m, &err);
	if (rc == RC_OK)
		rc = mail_check(c->node->settings, m, c->a, checks, &err);
	smtp_close(m);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	for (size_t i = 0; i < checks->count; i++) {
		const struct mail_checked *one = &checks->list[i];
		str row[] = { str_of(one->what), one->of, str_of(mail_verdict_name(one->verdict)), one->words };
		bad = bad || one->verdict == MAIL_BAD;
		cli_row(&t, row);
	}
	cli_rows_end(c);
	return bad ? rc_exit_code(RC_CONFLICT) : 0;
}

const struct cli_verb cli_verb_mail_check = {
	.type = "mail", .word = "check", .usage = "check",
	.brief = "what others look for in our mail: MX, SPF, PTR, DKIM, DMARC, and each relay's TLS and login",
	.run = check,
};

static int test(struct record_call *k)
{
	struct cli *c = k->c;
	str words;
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(c, "test needs an ADDRESS");
	int code = cli_may(c, authz_ever(&c->viewer, ACTION_CREATE, k->type));
	if (code != 0)
		return code;
	if (test_letter_send(c->node->notify, str_of(k->argv[0]), c->a, &words, &err) != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "relay", words);
	return 0;
}

const struct cli_verb cli_verb_mail_test = {
	.type = "mail", .word = "test", .usage = "test ADDRESS",
	.brief = "send one letter that says it is a test; in rehearsal to our own addresses only",
	.run = test, .helpers = true,
};
