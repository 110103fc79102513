/* SPDX-License-Identifier: Apache-2.0 */
/* Who a recipient is, and where a driver reaches him. */
#include <json-c/json.h>

#include "notify/notify_private.h"


enum rc notify_resolve(const struct resolving *k, str recipient, struct reached *out, struct err *err)
{
	const struct notify_world *w = &k->n->w;
	*out = (struct reached){ .address = STR(""), .name = STR(""), .languages = STR(""), .record = STR("") };
	for (size_t i = 0; i < w->resolver_count; i++)
		if (w->resolvers[i]->takes(recipient))
			return w->resolvers[i]->find(k, recipient, out, err);
	return fail(err, RC_ABSENT, "nobody knows who '" STR_FMT "' is", STR_ARG(recipient));
}

static enum rc no_address(const struct resolving *k, str who, struct err *err)
{
	return fail(err, RC_ABSENT, "'" STR_FMT "' has no address for %s", STR_ARG(who), k->driver->name);
}

/* By what it means, or by its name. */
static const struct type_field *field_of(const struct type *t, const char *meaning, const char *name)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	return m && m->field ? m->field : type_find_field(t, str_of(name));
}

/* A text, or the texts of a list with spaces between. */
static str words_of(struct json_object *body, const struct type_field *f, struct arena *a)
{
	struct json_object *value = f ? json_get(body, f->name) : NULL;
	struct buf b = BUF_INIT(KIB(1));
	str text = json_text(value);
	for (size_t i = 0; i < json_count(value); i++)
		buf_fmt(&b, "%s" STR_FMT, i ? " " : "", STR_ARG(json_text(json_at(value, i))));
	str out = arena_str(a, text.n ? text : buf_str(&b));
	buf_free(&b);
	return out;
}

/* People write fingerprints in groups of four, with 0x before, or as an OPENPGP4FPR: link. */
static str key_of(str text, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(1));
	static const str before[] = { STR_INIT("OPENPGP4FPR:"), STR_INIT("0x") };
	text = str_trim(text);
	for (size_t i = 0; i < COUNT_OF(before); i++)
		if (str_starts_nocase(text, before[i]))
			text = str_from(text, before[i].n);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != ' ' && text.p[i] != ':')
			buf_char(&b, text.p[i] >= 'a' && text.p[i] <= 'z' ? (char)(text.p[i] - 0x20) : text.p[i]);
	str key = arena_str(a, buf_str(&b));
	buf_free(&b);
	return key;
}

/* --- a person: by the fields the driver names --- */

static str pager_of(const struct resolving *k, const struct addressee *who)
{
	const struct type_field *f = k->driver->pager ? type_find_field(who->type, str_of(k->driver->pager)) : NULL;
	struct json_object *value = f ? json_get(who->body, f->name) : NULL;
	str address = json_text(json_count(value) > 0 ? json_at(value, 0) : value); /* of several the first */
	return arena_str(k->a, address.p ? address : STR(""));
}

static enum rc reach_person(const struct resolving *k, str id, const struct addressee *who,
			    struct reached *out, struct err *err)
{
	enum channel channel = k->driver->channel;
	int64_t account = 0;
	out->address = pager_of(k, who);
	out->name = who->title;
	out->languages = words_of(who->body, field_of(who->type, "organisation.languages", "languages"), k->a);
	out->record = id;
	out->key = key_of(words_of(who->body, field_of(who->type, "person.key", "key"), k->a), k->a);
	if (k->driver->column && out->address.n == 0)
		return no_address(k, id, err);
	enum rc rc = told_account_of(k->r, k->n->w.roles, who->id, k->a, &account, err);
	if (rc != RC_OK)
		return rc;
	out->ours = account != 0;
	if (account)
		return told_account(k->r, k->n->w.roles, k->n->w.policies, account, channel, &out->to, err);
	if (uuid_is_zero(&who->organisation))
		return told_anybody(k->n->w.policies, channel, &out->to, err);
	return told_organisation(k->r, k->n->w.policies, who->organisation, who->exercise, channel, &out->to, err);
}

/* --- an organisation: by the rows of its contacts --- */

struct choice_of_contact {
	const struct resolving *k;
	str role, zone;
	struct json_object *best;
	int64_t best_order;
	bool best_meant, best_open;
};

static bool is_open(const struct choice_of_contact *c, str hours)
{
	struct calendar *calendar = NULL;
	bool open = true;
	if (hours.n == 0)
		return true;
	str zone = c->zone.n ? c->zone : settings_text(c->k->n->w.settings, "timezone");
	/* Hours that nobody understands close nothing. */
	if (calendar_new(zone, hours, STR_NONE, &calendar, NULL) == RC_OK)
		open = calendar_is_open(calendar, c->k->now_us);
	calendar_free(calendar);
	return open;
}

static str column_of(struct json_object *row, const char *name)
{
	str text = name ? json_get_str(row, name) : STR_NONE;
	return text.p ? text : STR("");
}

/* Of no trust: what was sent there came back (bounce.h), or a person says so. */
static bool is_dead(struct json_object *row)
{
	int64_t trust = 0;
	return json_get_i64(row, "trust", &trust) && trust == 0;
}

/* The one whose channel is this driver's, then who is there now, then by order, then as they stand. */
static void consider(struct choice_of_contact *c, struct json_object *row)
{
	const struct driver *d = c->k->driver;
	int64_t order = INT64_MAX;
	if (c->role.n && !str_eq(column_of(row, "role"), c->role))
		return;
	if (d->column && (column_of(row, d->column).n == 0 || is_dead(row)))
		return;
	(void)json_get_i64(row, "order", &order);
	bool meant = str_eq(column_of(row, "channel"), str_of(d->name)), open = is_open(c, column_of(row, "hours"));
	bool better = !c->best || (meant && !c->best_meant) ||
		      (meant == c->best_meant && ((open && !c->best_open) ||
						  (open == c->best_open && order < c->best_order)));
	if (!better)
		return;
	c->best = row;
	c->best_order = order;
	c->best_meant = meant;
	c->best_open = open;
}

/* What is not urgent waits until somebody is there. */
static enum rc wait_for_open(const struct choice_of_contact *c, struct reached *out, struct err *err)
{
	if (c->best_open || c->k->lane != LANE_BULK)
		return RC_OK;
	out->retry_us = 15 * MINUTE_US;
	return fail(err, RC_BUSY, "nobody is there outside their hours '" STR_FMT "'",
		    STR_ARG(column_of(c->best, "hours")));
}

/* For a person who posts or says it: where they are known to be. */
static str all_of(struct json_object *row, struct arena *a)
{
	str email = column_of(row, "email"), phone = column_of(row, "phone");
	return arena_fmt(a, STR_FMT "%s" STR_FMT, STR_ARG(email), email.n && phone.n ? ", " : "", STR_ARG(phone));
}

static enum rc reach_organisation(const struct resolving *k, str id, str role, const struct addressee *who,
				  const struct type_field *rows, struct reached *out, struct err *err)
{
	struct json_object *list = json_get(who->body, rows->name);
	struct choice_of_contact c = { .k = k, .role = role,
		.zone = words_of(who->body, field_of(who->type, "organisation.timezone", "timezone"), k->a) };
	for (size_t i = 0; i < json_count(list); i++)
		consider(&c, json_at(list, i));
	out->name = who->title;
	out->languages = words_of(who->body, field_of(who->type, "organisation.languages", "languages"), k->a);
	out->record = id;
	if (who->closed)
		return fail(err, RC_ABSENT, "'" STR_FMT "' is not in use any more", STR_ARG(id));
	if (!c.best && k->driver->column)
		return no_address(k, id, err);
	if (c.best) {
		str own = column_of(c.best, "languages"), name = column_of(c.best, "name");
		out->address = k->driver->column ? arena_str(k->a, column_of(c.best, k->driver->column)) :
						   all_of(c.best, k->a);
		out->key = key_of(column_of(c.best, "key"), k->a);
		(void)json_get_bool(c.best, "encrypt", &out->key_needed);
		if (own.n)
			out->languages = arena_str(k->a, own);
		if (name.n)
			out->name = arena_fmt(k->a, STR_FMT ", " STR_FMT, STR_ARG(name), STR_ARG(who->title));
	}
	enum rc rc = c.best ? wait_for_open(&c, out, err) : RC_OK;
	return rc == RC_OK ? told_organisation(k->r, k->n->w.policies, who->id, who->exercise, k->driver->channel,
					       &out->to, err) : rc;
}

/* --- which driver --- */

static const struct { const char *channel, *driver; } by_channel[] = {
	{ "webhook", "webhook" }, { "mail", "mail" },	{ "portal", "portal" }, { "sms", "sms" },
	{ "chat", "chat" },	  { "phone", "print" }, { "letter", "print" },
};
/* Without a channel: the first of these that the contact has. */
static const struct { const char *column, *driver; } by_column[] = {
	{ "webhook", "webhook" }, { "email", "mail" }, { "phone", "print" },
};

static const char *driver_of(struct json_object *row)
{
	for (size_t i = 0; i < COUNT_OF(by_channel); i++)
		if (str_eq(column_of(row, "channel"), str_of(by_channel[i].channel)))
			return by_channel[i].driver;
	for (size_t i = 0; i < COUNT_OF(by_column); i++)
		if (column_of(row, by_column[i].column).n > 0)
			return by_column[i].driver;
	return NULL;
}

enum rc choose_contact(struct conn *conn, const struct types *t, str recipient, struct arena *a,
		       const char **driver_out, int *contact_out, struct err *err)
{
	struct addressee who = { 0 };
	str role = recipient, id = str_cut(&role, '/');
	int64_t best_order = 0;
	*driver_out = NULL;
	*contact_out = -1;
	enum rc rc = told_addressee(conn, t, id, a, &who, err);
	if (rc == RC_OK && who.closed)
		rc = fail(err, RC_ABSENT, "'" STR_FMT "' is not in use any more", STR_ARG(id));
	const struct type_field *rows = rc == RC_OK ? field_of(who.type, "organisation.contacts", "contacts") : NULL;
	struct json_object *list = rows ? json_get(who.body, rows->name) : NULL;
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *row = json_at(list, i);
		int64_t order = INT64_MAX;
		(void)json_get_i64(row, "order", &order);
		if ((role.n && !str_eq(column_of(row, "role"), role)) || !driver_of(row) || is_dead(row) ||
		    (*driver_out && order >= best_order))
			continue;
		*driver_out = driver_of(row);
		*contact_out = (int)i;
		best_order = order;
	}
	json_free(who.body);
	return rc;
}

enum rc notify_choose(const struct notify *n, struct reader *r, const struct types *t, str recipient,
		      struct arena *a, const char **driver_out, int *contact_out, struct err *err)
{
	(void)n;
	return choose_contact(reader_conn(r), t, recipient, a, driver_out, contact_out, err);
}

/* --- resolvers --- */

static bool takes_record(str recipient)
{
	struct uuid id;
	str type, rest = recipient;
	return record_id_parse(str_cut(&rest, '/'), &type, &id);
}

static enum rc find_record(const struct resolving *k, str recipient, struct reached *out, struct err *err)
{
	struct addressee who = { 0 };
	str role = recipient, id = arena_str(k->a, str_cut(&role, '/'));
	enum rc rc = told_addressee(reader_conn(k->r), k->types, id, k->a, &who, err);
	const struct type_field *rows = rc == RC_OK ? field_of(who.type, "organisation.contacts", "contacts") : NULL;
	if (rc == RC_OK && rows && rows->kind == KIND_ROWS)
		rc = reach_organisation(k, id, role, &who, rows, out, err);
	else if (rc == RC_OK)
		rc = reach_person(k, id, &who, out, err);
	json_free(who.body);
	return rc;
}

const struct resolver resolver_record = {
	.name = "record",
	.help = "person--UUID, organisation--UUID, organisation--UUID/abuse (one role of its contacts)",
	.takes = takes_record,
	.find = find_record,
};

static bool takes_account(str recipient)
{
	return str_starts(recipient, STR("account:"));
}

static enum rc reach_account(const struct resolving *k, const struct account *account, struct reached *out,
			     struct err *err)
{
	struct addressee who = { 0 };
	if (uuid_is_zero(&account->person))
		return fail(err, RC_ABSENT, "account '" STR_FMT "' has no person record with an address",
			    STR_ARG(account->name));
	enum rc rc = told_addressee_of(reader_conn(k->r), k->types, account->person, k->a, &who, err);
	if (rc == RC_OK)
		rc = reach_person(k, addressee_id(&who, k->a), &who, out, err);
	json_free(who.body);
	return rc;
}

static enum rc find_account(const struct resolving *k, str recipient, struct reached *out, struct err *err)
{
	struct account account;
	int64_t id = 0;
	if (!str_to_i64(str_from(recipient, STR("account:").n), &id))
		return fail(err, RC_ABSENT, "'" STR_FMT "' is no account", STR_ARG(recipient));
	enum rc rc = account_by_id(reader_conn(k->r), k->n->w.roles, id, k->a, &account, err);
	return rc == RC_OK ? reach_account(k, &account, out, err) : rc;
}

const struct resolver resolver_account = {
	.name = "account",
	.help = "account:3: the person of the account, by pager_webhook and pager_sms",
	.takes = takes_account,
	.find = find_account,
};

static bool takes_role(str recipient)
{
	return str_starts(recipient, STR("role:"));
}

/* One message ends once, so it goes to one: the first who can be reached. */
static enum rc find_role(const struct resolving *k, str recipient, struct reached *out, struct err *err)
{
	struct account *list = NULL;
	size_t count = 0;
	str name = str_from(recipient, STR("role:").n);
	int bit = roles_find(k->n->w.roles, name);
	enum rc rc = bit < 0 ? fail(err, RC_ABSENT, "there is no role '" STR_FMT "'", STR_ARG(name)) :
			       account_list(reader_conn(k->r), k->n->w.roles, k->a, &list, &count, err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < count; i++)
		if (!list[i].disabled && (list[i].roles >> bit & 1) &&
		    reach_account(k, &list[i], out, NULL) == RC_OK)
			return RC_OK;
	return fail(err, RC_BUSY, "nobody with the role '" STR_FMT "' has an address for %s", STR_ARG(name),
		    k->driver->name);
}

const struct resolver resolver_role = {
	.name = "role",
	.help = "role:duty: the first account with that role that can be reached",
	.takes = takes_role,
	.find = find_role,
};

static bool takes_address(str recipient)
{
	return str_starts(recipient, STR("address:"));
}

/* Somebody of whom nothing is known: told what the public is. */
static enum rc find_address(const struct resolving *k, str recipient, struct reached *out, struct err *err)
{
	str address = str_from(recipient, STR("address:").n);
	if (!str_has(address, '@'))
		return fail(err, RC_ABSENT, "the address of '" STR_FMT "' was erased", STR_ARG(str_head(recipient, 120)));
	if (!k->driver->column || !str_eq(str_of(k->driver->column), STR("email")))
		return fail(err, RC_ABSENT, "'" STR_FMT "' is reached by mail alone", STR_ARG(recipient));
	out->address = arena_str(k->a, address);
	return told_anybody(k->n->w.policies, k->driver->channel, &out->to, err);
}

const struct resolver resolver_address = {
	.name = "address",
	.help = "address:ani@example.net: somebody without a record, by mail: told what is TLP:CLEAR",
	.takes = takes_address,
	.find = find_address,
};
