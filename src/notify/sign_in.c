/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/sign_in.h"

#include "notify/link.h"
#include "notify/notify_private.h"

static const char invitation[] = "portal.invite", once[] = "portal.sign-in";

struct asking {
	struct tx *tx;
	struct notify *n;
	struct account account;
	str contact, by;
	const char *template;
	struct arena *a;
	struct err *err;
};

static bool is_outside(const struct notify *n, const struct account *a)
{
	bool outside = a->roles != 0 && !uuid_is_zero(&a->organisation);
	for (size_t i = 0; i < roles_count(n->w.roles); i++)
		outside = outside && (!(a->roles >> i & 1) || roles_at(n->w.roles, i)->outside);
	return outside;
}

static str column(struct json_object *row, const char *name)
{
	str s = json_get_str(row, name);
	return s.p ? s : STR("");
}

enum rc sign_in_contact(struct conn *c, const struct types *t, str organisation, str role, struct arena *a,
			str *contact_out, struct err *err)
{
	struct addressee who = { 0 };
	enum rc rc = told_addressee(c, t, organisation, a, &who, err);
	const struct meaning *m = rc == RC_OK ? type_meaning(who.type, STR("organisation.contacts")) : NULL;
	struct json_object *rows = m && m->field ? json_get(who.body, m->field->name) : NULL;
	*contact_out = STR_NONE;
	if (rc == RC_OK && who.closed)
		rc = fail(err, RC_ABSENT, "'" STR_FMT "' is not in use any more", STR_ARG(organisation));
	for (size_t i = 0; rc == RC_OK && !contact_out->p && i < json_count(rows); i++) {
		struct json_object *row = json_at(rows, i);
		str is = column(row, "role");
		if ((role.n == 0 || str_eq(is, role)) && column(row, "confirmed").n > 0)
			*contact_out = is.n ? arena_fmt(a, STR_FMT "/" STR_FMT, STR_ARG(organisation), STR_ARG(is)) :
					      organisation;
	}
	json_free(who.body);
	if (rc == RC_OK && !contact_out->p)
		rc = fail(err, RC_INPUT, "no such contact of it was confirmed: ask it first (a contact round, a call)");
	return rc;
}

/* The way the contact is reached; one that is told in the portal is written to. */
static enum rc choose_way(struct asking *k, const char **driver_out)
{
	int contact;
	struct snapshot *types = records_types_snapshot(k->n->w.records);
	struct snapshot_ref *held = snapshot_hold(types);
	enum rc rc = choose_contact(tx_conn(k->tx), snapshot_table(held), k->contact, k->a, driver_out, &contact, k->err);
	snapshot_drop(types, held);
	if (rc == RC_OK && !*driver_out)
		rc = fail(k->err, RC_ABSENT, "'" STR_FMT "' cannot be reached", STR_ARG(k->contact));
	if (rc == RC_OK && strcmp(*driver_out, "portal") == 0)
		*driver_out = "mail";
	return rc;
}

static enum rc put(struct asking *k, int64_t life_us)
{
	const char *driver = NULL;
	str rest = k->contact;
	enum rc rc = choose_way(k, &driver);
	if (rc != RC_OK)
		return rc;
	struct message m = { .lane = LANE_WARNING, .driver = str_of(driver), .recipient = k->contact,
			     .item = str_cut(&rest, '/'), .template = str_of(k->template), .purpose = PURPOSE_HANDLING,
			     .policy = policies_number(k->n->w.policies),
			     .details = arena_fmt(k->a, "{\"account\":%lld,\"secrets\":%lld}", (long long)k->account.id,
						  (long long)k->account.secrets),
			     .maker = arena_fmt(k->a, "sign-in:%lld", (long long)k->account.id),
			     .made_at = (uint64_t)tx_now_us(k->tx), .expires_us = tx_now_us(k->tx) + life_us };
	const struct journal_act act = { .act = k->template == invitation ? "account.invite.contact" :
									    "account.sign-in.ask",
					 .actor = k->by, .object = arena_fmt(k->a, "account:%lld", (long long)k->account.id) };
	rc = outbox_put(k->tx, &m, NULL, 0, NULL, k->err);
	return rc == RC_OK ? journal_add(k->tx, records_journal(k->n->w.records), &act, k->err) : rc;
}

/* --- an invitation --- */

static enum rc keep_contact(struct asking *k)
{
	struct sql *q = sql(tx_conn(k->tx), "INSERT INTO constituent (account, contact) VALUES (?1, ?2)"
					    " ON CONFLICT (account) DO UPDATE SET contact = ?2");
	sql_int(q, 1, k->account.id);
	sql_str(q, 2, k->contact);
	return sql_run(q, k->err);
}

static bool is_of(const struct asking *k)
{
	struct uuid id;
	str type, rest = k->contact;
	return record_id_parse(str_cut(&rest, '/'), &type, &id) && uuid_equal(&id, &k->account.organisation);
}

enum rc sign_in_invite(struct tx *tx, struct notify *n, int64_t account, str contact, str by, struct err *err)
{
	struct asking k = { .tx = tx, .n = n, .contact = contact, .by = by, .template = invitation, .err = err };
	k.a = arena_new(KIB(4));
	enum rc rc = account_by_id(tx_conn(tx), n->w.roles, account, k.a, &k.account, err);
	if (rc == RC_OK && (!is_outside(n, &k.account) || !is_of(&k) || k.account.disabled))
		rc = fail(err, RC_INPUT, "only an account of that organisation, that is in use, is invited by its contact");
	if (rc == RC_OK)
		rc = keep_contact(&k);
	if (rc == RC_OK)
		rc = put(&k, SIGN_IN_INVITED_US);
	arena_free(k.a);
	return rc;
}

/* --- a link that is asked for --- */

static enum rc find_contact(struct asking *k, bool *found_out)
{
	struct sql *q = sql(tx_conn(k->tx), "SELECT contact FROM constituent WHERE account = ?");
	sql_int(q, 1, k->account.id);
	*found_out = sql_row(q);
	if (*found_out)
		k->contact = arena_str(k->a, sql_col_str(q, 0));
	return sql_end(q, k->err);
}

static enum rc asked_lately(struct asking *k, bool *out)
{
	struct sql *q = sql(tx_conn(k->tx), "SELECT 1 FROM outbox WHERE maker = ?1 AND made_at > ?2 AND template = ?3");
	sql_str(q, 1, arena_fmt(k->a, "sign-in:%lld", (long long)k->account.id));
	sql_int(q, 2, tx_now_us(k->tx) - SIGN_IN_PAUSE_US);
	sql_str(q, 3, str_of(once));
	*out = sql_row(q);
	return sql_end(q, k->err);
}

static enum rc ask(struct asking *k, str name)
{
	bool found = false, lately = false;
	struct err why = { 0 };
	enum rc rc = account_by_name(tx_conn(k->tx), k->n->w.roles, name, k->a, &k->account, &why);
	if (rc == RC_ABSENT || rc == RC_INPUT || (rc == RC_OK && (!is_outside(k->n, &k->account) || k->account.disabled)))
		return RC_OK;
	if (rc == RC_OK)
		rc = find_contact(k, &found);
	if (rc == RC_OK && found)
		rc = asked_lately(k, &lately);
	if (rc == RC_OK && found && !lately)
		rc = put(k, SIGN_IN_ONCE_US);
	return rc == RC_ABSENT ? RC_OK : rc == RC_OK ? RC_OK : fail(k->err, rc, "the link cannot be made: %s", why.text);
}

enum rc sign_in_ask(struct tx *tx, struct notify *n, str name, struct err *err)
{
	struct asking k = { .tx = tx, .n = n, .by = STR("public"), .template = once, .err = err };
	k.a = arena_new(KIB(4));
	enum rc rc = ask(&k, name);
	arena_free(k.a);
	return rc;
}

/* --- taking it --- */

static bool in_time(const struct message *m, int64_t now_us)
{
	bool invited = str_eq(m->template, str_of(invitation)), asked = str_eq(m->template, str_of(once));
	bool went_out = m->state == MESSAGE_SENT || m->state == MESSAGE_UNCERTAIN || m->state == MESSAGE_DRAINING;
	return went_out && (invited || asked) && now_us - m->made_us <= (invited ? SIGN_IN_INVITED_US : SIGN_IN_ONCE_US);
}

static enum rc use_up(struct tx *tx, int64_t message, bool *first_out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO sign_in_used (message, at_us) VALUES (?, ?)");
	sql_int(q, 1, message);
	sql_int(q, 2, tx_now_us(tx));
	enum rc rc = sql_run(q, err);
	*first_out = rc == RC_OK && sql_changes(tx_conn(tx)) > 0;
	return rc;
}

static enum rc take(struct asking *k, str token, int64_t *account_out)
{
	struct message m;
	struct json_object *details = NULL;
	int64_t id = 0, account = 0, secrets = -1;
	bool good = link_sign_in_parse(k->n, token, &id), first = false;
	enum rc rc = outbox_load(tx_conn(k->tx), good ? id : 0, k->a, &m, k->err);
	good = good && rc == RC_OK && in_time(&m, tx_now_us(k->tx)) && json_read(m.details, &details, NULL) == RC_OK &&
	       json_get_i64(details, "account", &account) && json_get_i64(details, "secrets", &secrets);
	json_free(details);
	if (good)
		rc = account_by_id(tx_conn(k->tx), k->n->w.roles, account, k->a, &k->account, k->err);
	good = good && rc == RC_OK && is_outside(k->n, &k->account) && !k->account.disabled && k->account.secrets == secrets;
	if (good)
		rc = use_up(k->tx, id, &first, k->err);
	if (rc != RC_OK && rc != RC_ABSENT)
		return rc;
	*account_out = first ? account : 0;
	return first ? RC_OK : fail(k->err, RC_DENIED, "this link opens nothing, was used, or is too old: ask for a new one");
}

enum rc sign_in_take(struct tx *tx, struct notify *n, str token, int64_t *account_out, struct err *err)
{
	struct asking k = { .tx = tx, .n = n, .err = err };
	k.a = arena_new(KIB(4));
	*account_out = 0;
	enum rc rc = take(&k, token, account_out);
	arena_free(k.a);
	return rc;
}
