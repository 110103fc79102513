/* SPDX-License-Identifier: Apache-2.0 */
/* ronda partner collections: what a partner's TAXII server offers us. */
#include "cli/record_private.h"
#include "disclosure/authz.h"
#include "exchange/taxii_client.h"

static const struct cli_column columns[] = {
	{ .name = "collection" }, { .name = "alias" }, { .name = "title" }, { .name = "may" }, { .name = "use" }, { .name = "root" },
};

static str use_of(const struct taxii_server *s, const struct taxii_offer *list, size_t count, const struct taxii_offer *t)
{
	const struct taxii_offer *found = NULL;
	str wanted = s->partner.collection;
	bool in = false, out;
	do {
		str one = str_trim(str_cut(&wanted, ','));
		in = in || (s->partner.pull && taxii_choose(s, list, count, one, false, &found, NULL) == RC_OK && found == t);
	} while (wanted.n > 0);
	out = s->partner.push && taxii_choose(s, list, count, s->partner.inbox, true, &found, NULL) == RC_OK && found == t;
	return in ? out ? STR("we fetch and send") : STR("we fetch") : out ? STR("we send") : STR("");
}

static enum rc show(struct cli *c, const struct partner *p, struct err *err)
{
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct taxii_server s;
	struct taxii_offer *list;
	size_t count = 0;
	enum rc rc = taxii_server_open(c->node->exchange, p, &s, err);
	if (rc == RC_OK)
		rc = taxii_offers(&s, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct taxii_offer *o = &list[i];
		str values[] = { o->id, o->alias, o->title, o->can_read ? o->can_write ? STR("read and write") : STR("read") :
				 o->can_write ? STR("write") : STR(""), use_of(&s, list, count, o), o->root };
		cli_row(&t, values);
	}
	taxii_server_close(&s);
	return rc;
}

static int collections(struct record_call *k)
{
	struct err err = { 0 };
	struct reader *r = NULL;
	struct partner p;
	bool owner = !k->c->viewer.account && !k->c->viewer.roles;
	int code = cli_may(k->c, owner || authz_ever(&k->c->viewer, ACTION_EDIT, k->type));
	if (code)
		return code;
	if (k->argc != 1)
		return cli_usage(k->c, "collections needs an ID");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK) {
		rc = partner_find(k->c->node->exchange, reader_conn(r), str_of(k->argv[0]), k->c->a, &p, &err);
		store_read_end(r);
	}
	if (rc == RC_OK)
		rc = show(k->c, &p, &err);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

const struct cli_verb cli_verb_partner_collections = {
	.type = "partner",
	.word = "collections",
	.usage = "collections ID",
	.brief = "ask its TAXII server what it offers us, and say which of it we use",
	.run = collections,
};
