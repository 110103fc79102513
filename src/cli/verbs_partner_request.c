/* SPDX-License-Identifier: Apache-2.0 */
/* ronda partner request: our key, for an authority to certify. */
#include "cli/record_private.h"
#include "disclosure/authz.h"
#include "exchange/certificate.h"

static int request(struct record_call *k)
{
	bool next = cli_value(k->c, "--next") != NULL;
	bool owner = !k->c->viewer.account && !k->c->viewer.roles;
	struct own_keys own = { .rotating = false };
	struct buf pem = BUF_INIT(KIB(16));
	struct reader *r = NULL;
	struct err err = { 0 };
	int code = cli_may(k->c, owner || authz_ever(&k->c->viewer, ACTION_CREATE, k->type));
	if (code)
		return code;
	if (k->argc)
		return cli_usage(k->c, "request takes --next at most");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK) {
		rc = keys_own(reader_conn(r), k->c->a, &own, &err);
		store_read_end(r);
	}
	if (rc == RC_OK && next && !own.rotating)
		rc = fail(&err, RC_ABSENT, "no new key was announced: 'ronda partner keys rotate' makes one");
	if (rc == RC_OK)
		rc = certificate_request(k->c->node->exchange, next ? &own.next : &own.now, &pem, &err);
	keys_wipe(&own);
	if (rc == RC_OK) {
		cli_done(k->c, "request", buf_str(&pem));
		if (k->c->form == CLI_TEXT)
			cli_print(k->c, buf_str(&pem));
		cli_talk(k->c, "what the authority makes of it, and who signed that, goes into the file of exchange_certificate");
	}
	buf_free(&pem);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

static const struct cli_option request_options[] = {
	{ "--next", 0, NULL, "request: for the key that is announced, not the one in use" },
	{ .name = NULL },
};
const struct cli_verb cli_verb_partner_request = {
	.type = "partner",
	.word = "request",
	.usage = "request [--next]",
	.brief = "print a request (PKCS #10) for an authority to certify our key with the names of our node",
	.options = request_options,
	.run = request,
};
