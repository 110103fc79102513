/* SPDX-License-Identifier: Apache-2.0 */
/* "Your mail came": to who wrote, when settings say so, once a day, and never to a program. */
#include <json-c/json.h>

#include "mail/letter.h"
#include "notify/inbound_private.h"

#define RECEIPT_EVERY_US DAY_US

static bool is_to_us(const struct mail *m, str ours)
{
	for (size_t i = 0; i < m->to_count; i++)
		if (str_eq_nocase(m->to[i].address, ours))
			return true;
	for (size_t i = 0; i < m->cc_count; i++)
		if (str_eq_nocase(m->cc[i].address, ours))
			return true;
	return false;
}

/* Who was told stands there as a keyed hash: it says nothing of anybody. */
static struct hash128 sender_hash(const struct notify *n, str address, struct arena *a)
{
	char *low = arena_z(a, address);
	for (char *c = low; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return keyed_hash128(store_secret(n->w.store), "mail receipt", str_of(low));
}

static enum rc take_turn(struct tx *tx, struct hash128 who, bool *turn, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO mail_receipt (sender, at_us) VALUES (?1, ?2) ON CONFLICT (sender)"
					 " DO UPDATE SET at_us = excluded.at_us WHERE mail_receipt.at_us <= excluded.at_us - ?3");
	sql_blob(q, 1, str_mem(&who, sizeof who));
	sql_int(q, 2, tx_now_us(tx));
	sql_int(q, 3, RECEIPT_EVERY_US);
	enum rc rc = sql_run(q, err);
	*turn = rc == RC_OK && sql_changes(tx_conn(tx)) == 1;
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "DELETE FROM mail_receipt WHERE at_us < ?");
	sql_int(q, 1, tx_now_us(tx) - RECEIPT_EVERY_US);
	return sql_run(q, err);
}

enum rc inbound_receipt(struct tx *tx, struct notify *n, const struct inbound *in, str record, uint64_t policy,
			struct arena *a, struct err *err)
{
	const struct mail *m = &in->mail;
	str name, ours;
	bool turn;
	if (in->kind != INBOUND_MESSAGE || m->automatic || m->loop.n || m->from.address.n == 0 ||
	    !settings_bool(n->w.settings, "mail_receipt") ||
	    !letter_mailbox(settings_text(n->w.settings, "mail_from"), &name, &ours) || !is_to_us(m, ours) ||
	    str_eq_nocase(m->from.address, ours))
		return RC_OK;
	enum rc rc = take_turn(tx, sender_hash(n, m->from.address, a), &turn, err);
	if (rc != RC_OK || !turn)
		return rc;
	const struct message message = {
		.lane = LANE_INCIDENT, .driver = STR("mail"), .recipient = arena_fmt(a, "sender:" STR_FMT, STR_ARG(record)),
		.item = record, .item_version = 1, .template = STR("mail.receipt"), .details = STR("{}"),
		.purpose = PURPOSE_HANDLING, .policy = policy, .maker = STR("mail:receipt"), .made_at = (uint64_t)in->id,
	};
	int64_t id;
	return outbox_put(tx, &message, NULL, 0, &id, err);
}

/* --- who wrote a mail --- */

static bool takes(str recipient)
{
	return str_starts(recipient, STR("sender:"));
}

static enum rc find(const struct resolving *k, str recipient, struct reached *out, struct err *err)
{
	struct addressee mail = { 0 };
	*out = (struct reached){ .address = STR(""), .name = STR(""), .languages = STR(""), .record = STR("") };
	enum rc rc = told_addressee(reader_conn(k->r), k->types, str_from(recipient, STR("sender:").n), k->a, &mail, err);
	if (rc != RC_OK)
		return rc;
	const struct meaning *from = mail.type ? type_meaning(mail.type, STR("mail.from")) : NULL;
	str written = from && from->field ? json_get_str(mail.body, from->field->name) : STR_NONE, name = STR(""), address = STR("");
	bool reached = k->driver->column && strcmp(k->driver->column, "email") == 0 && written.n > 0 &&
		       letter_mailbox(written, &name, &address);
	if (reached) {
		out->address = arena_str(k->a, address);
		out->name = arena_str(k->a, name);
		rc = told_anybody(notify_world_of(k->n)->policies, k->driver->channel, &out->to, err);
	} else {
		rc = fail(err, RC_ABSENT, "who wrote '" STR_FMT "' has no address for %s", STR_ARG(recipient), k->driver->name);
	}
	json_free(mail.body);
	return rc;
}

const struct resolver resolver_sender = {
	.name = "sender",
	.help = "sender:mail--UUID: who wrote a mail that came in",
	.takes = takes,
	.find = find,
};
