/* SPDX-License-Identifier: Apache-2.0 */
/* Signing: who may, and what goes on to the next. handover_write.c makes one. */
#include "duty/handover.h"

#include "duty/duty_private.h"

enum { NOTICES_MOST = 1000 };

/* --- who may sign --- */

static enum rc save_writer(struct tx *tx, const struct record *now, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO duty_handover (record, writer) VALUES (?, ?)");
	sql_blob(q, 1, duty_id_bytes(&now->id));
	sql_str(q, 2, now->author);
	return sql_run(q, err);
}

static enum rc drop_writer(struct tx *tx, const struct record *now, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM duty_handover WHERE record = ?");
	sql_blob(q, 1, duty_id_bytes(&now->id));
	return sql_run(q, err);
}

static enum rc writer_of(struct conn *c, const struct uuid *id, struct arena *a, str *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT writer FROM duty_handover WHERE record = ?");
	sql_blob(q, 1, duty_id_bytes(id));
	*out = sql_row(q) ? arena_str(a, sql_col_str(q, 0)) : STR("");
	return sql_end(q, err);
}

/* The account behind "account:3", or behind a token of it; 0: none. */
static enum rc account_of(struct conn *c, str actor, int64_t *out, struct err *err)
{
	str account = STR("account:"), token = STR("token:");
	int64_t id = 0;
	*out = 0;
	if (str_starts(actor, account) && str_to_i64(str_from(actor, account.n), out))
		return RC_OK;
	if (!str_starts(actor, token) || !str_to_i64(str_from(actor, token.n), &id))
		return RC_OK;
	struct sql *q = sql(c, "SELECT account FROM token_account WHERE token = ?");
	sql_int(q, 1, id);
	if (sql_row(q))
		*out = sql_col_int(q, 0);
	return sql_end(q, err);
}

static enum rc person_of(struct conn *c, const struct roles *roles, int64_t account, struct arena *a,
			 struct uuid *out, struct err *err)
{
	struct account row;
	struct err why;
	*out = (struct uuid){ 0 };
	if (account == 0)
		return RC_OK;
	enum rc rc = account_by_id(c, roles, account, a, &row, &why);
	if (rc == RC_OK)
		*out = row.person;
	return rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", why.text);
}

struct signing {
	struct tx *tx;
	struct duty *d;
	const struct record *now;
	struct json_object *body;
	struct arena *a;
	bool wrote_it, is_other;   /* the signer wrote it; somebody else is to take over */
};

static enum rc look_at_signer(struct signing *k, struct err *err)
{
	struct conn *c = tx_conn(k->tx);
	struct uuid takes, person;
	str writer;
	int64_t by = 0, wrote = 0;
	enum rc rc = writer_of(c, &k->now->id, k->a, &writer, err);
	if (rc == RC_OK)
		rc = account_of(c, k->now->author, &by, err);
	if (rc == RC_OK)
		rc = account_of(c, writer, &wrote, err);
	if (rc == RC_OK)
		rc = person_of(c, k->d->n.roles, by, k->a, &person, err);
	if (rc != RC_OK)
		return rc;
	k->wrote_it = str_eq(writer, k->now->author) || (by != 0 && by == wrote);
	k->is_other = duty_reference(k->now->type, k->body, "handover.takes", &takes) &&
		      !uuid_equal(&takes, &person);
	return RC_OK;
}

/* The leads of a small team hear of what a large one forbids. */
static enum rc tell_leads(struct signing *k, struct err *err)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&id, k->now->type_name, &k->now->id);
	struct message m = { .lane = LANE_BULK, .driver = STR("notice"), .recipient = STR("role:lead"),
			     .item = buf_str(&id), .item_version = k->now->version,
			     .template = STR("duty.self-signed"),
			     .details = k->wrote_it ? STR("{\"words\":\"signed by the one who wrote it\"}") :
						      STR("{\"words\":\"signed by another than takes over\"}"),
			     .purpose = PURPOSE_HANDLING, .policy = policies_number(k->d->n.policies),
			     .maker = arena_fmt(k->a, "duty:" STR_FMT, STR_ARG(buf_str(&id))),
			     .made_at = k->now->version };
	enum rc rc = outbox_put(k->tx, &m, NULL, 0, NULL, err);
	buf_free(&id);
	return rc;
}

static enum rc may_sign(struct signing *k, struct err *err)
{
	enum team_size team;
	enum rc rc = look_at_signer(k, err);
	if (rc != RC_OK || (!k->wrote_it && !k->is_other))
		return rc;
	rc = team_size_get(tx_conn(k->tx), &team, err);
	if (rc == RC_OK && team == TEAM_LARGE)
		rc = k->wrote_it ? fail(err, RC_DENIED, "a hand-over is not signed by the one who wrote it") :
				   fail(err, RC_DENIED, "a hand-over is signed by the one who takes over");
	return rc == RC_OK ? tell_leads(k, err) : rc;
}

/* --- what was noticed to the one who leaves --- */

static bool by_watch(const struct message *m)
{
	struct json_object *o = NULL;
	bool yes = json_read(m->details, &o, NULL) == RC_OK && json_get_str(o, "watch").n > 0;
	json_free(o);
	return yes;
}

static enum rc move_notice(struct signing *k, const struct message *old, str to, struct err *err)
{
	struct message m = *old;
	m.recipient = to;
	m.maker = arena_fmt(k->a, STR_FMT ":over", STR_ARG(old->maker));
	m.made_at = (uint64_t)old->id;
	m.not_before_us = 0;
	enum rc rc = outbox_withdraw(k->tx, k->d->n.journal, old->id, k->now->author,
				     STR("handed over to the next shift"), err);
	return rc == RC_OK ? outbox_put(k->tx, &m, NULL, 0, NULL, err) : rc;
}

/* Who leaves is not paged any more; who takes over has just read what there is. */
static enum rc end_pages(struct signing *k, str leaves, struct err *err)
{
	static const char *const drivers[] = { "webhook", "sms", "chat" };
	enum rc rc = RC_OK;
	for (size_t d = 0; d < COUNT_OF(drivers) && rc == RC_OK; d++) {
		struct message *list = NULL;
		size_t count = 0;
		rc = outbox_waiting(tx_conn(k->tx), drivers[d], leaves, 0, NOTICES_MOST, k->a, &list, &count, err);
		for (size_t i = 0; i < count && rc == RC_OK; i++)
			if (by_watch(&list[i]))
				rc = outbox_withdraw(k->tx, k->d->n.journal, list[i].id, k->now->author,
						     STR("handed over to the next shift"), err);
	}
	return rc;
}

static enum rc move_notices(struct signing *k, struct err *err)
{
	struct uuid leaves, takes;
	struct message *list = NULL;
	size_t count = 0;
	if (!duty_reference(k->now->type, k->body, "handover.leaves", &leaves) ||
	    !duty_reference(k->now->type, k->body, "handover.takes", &takes) || uuid_equal(&leaves, &takes))
		return RC_OK;
	str from = duty_person_id(&leaves, k->a), to = duty_person_id(&takes, k->a);
	enum rc rc = outbox_waiting(tx_conn(k->tx), "notice", from, 0, NOTICES_MOST, k->a, &list, &count, err);
	for (size_t i = 0; i < count && rc == RC_OK; i++)
		if (by_watch(&list[i]))
			rc = move_notice(k, &list[i], to, err);
	return rc == RC_OK ? end_pages(k, from, err) : rc;
}

enum rc handover_changed(struct tx *tx, struct duty *d, const struct record *before,
			 const struct record *now, struct json_object *body, struct err *err)
{
	int is_signed = duty_state(now->type, "handover.signed");
	if (is_signed < 0)
		return RC_OK;
	if (now->erased)
		return drop_writer(tx, now, err);
	if (!before)
		return now->state == is_signed ?
			       fail(err, RC_INPUT, "a hand-over is written first, then signed") :
			       save_writer(tx, now, err);
	if (now->state != is_signed || before->state == is_signed)
		return RC_OK;
	struct arena *a = arena_new(KIB(16));
	struct signing k = { .tx = tx, .d = d, .now = now, .body = body, .a = a };
	enum rc rc = may_sign(&k, err);
	if (rc == RC_OK)
		rc = move_notices(&k, err);
	arena_free(a);
	return rc;
}
