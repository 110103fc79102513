/* SPDX-License-Identifier: Apache-2.0 */
/* `ronda TYPE token|check ID` of types that mean a claim: its token, and whether the DNS has it. */
#include "base/clock.h"
#include "cli/record_private.h"
#include "directory/claim.h"
#include "node/txt.h"

typedef enum rc (*claim_fn)(struct records *r, struct store *s, const struct viewer *v,
			    const struct claim_ask *q, struct arena *a, struct claim_answer *out,
			    struct err *err);

static int claim_word(struct record_call *k, claim_fn fn)
{
	struct cli *c = k->c;
	struct claim_answer answer;
	struct err err;
	if (k->argc != 1)
		return cli_usage(c, "say which claim");
	struct claim_ask q = { .id = record_name(k, k->argv[0]), .now_us = clock_now_us(),
			       .language = k->language };
	q.txt = node_txt;
	q.txt_ctx = c->node;
	enum rc rc = fn(c->node->records, c->node->store, &c->viewer, &q, c->a, &answer, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	if (c->form == CLI_JSON)
		cli_printf(c, "{\"token\":\"%s\",\"where\":\"" STR_FMT "\",\"proved\":%s}\n", answer.token,
			   STR_ARG(answer.where), answer.proved ? "true" : "false");
	else if (answer.proved)
		cli_printf(c, "proved: " STR_FMT " has the token\n", STR_ARG(answer.where));
	else if (answer.where.n)
		cli_printf(c, STR_FMT ". IN TXT \"%s\"\n", STR_ARG(answer.where), answer.token);
	else
		cli_printf(c, "%s\n", answer.token);
	return 0;
}

int record_token_word(struct record_call *k)
{
	return claim_word(k, claim_tell_token);
}

int record_check_word(struct record_call *k)
{
	return claim_word(k, claim_check);
}
