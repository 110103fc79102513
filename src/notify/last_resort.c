/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/last_resort.h"

#include "notify/contacts.h"
#include "notify/notify_private.h"
#include "notify/rule_private.h"

/* --- an address --- */

bool last_resort_email(str recipient, str *email_out)
{
	str head = STR("contact:");
	*email_out = str_starts(recipient, head) ? str_from(recipient, head.n) : STR("");
	return email_out->n > 0;
}

enum rc last_resort_recipient(struct conn *c, const struct uuid *id, struct arena *a, str *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT email FROM tell_contact WHERE id = ? AND dead_us = 0");
	sql_blob(q, 1, str_mem(id->b, sizeof id->b));
	*out = sql_row(q) ? arena_fmt(a, "contact:" STR_FMT, STR_ARG(sql_col_str(q, 0))) : STR("");
	return sql_end(q, err);
}

enum rc last_resort_keep(struct tx *tx, const struct rule_org *org, struct err *err)
{
	str email;
	(void)last_resort_email(org->id, &email);
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO tell_contact (id, email, found_us) VALUES (?, ?, ?)");
	sql_blob(q, 1, str_mem(org->record.b, sizeof org->record.b));
	sql_str(q, 2, email);
	sql_int(q, 3, tx_now_us(tx));
	return sql_run(q, err);
}

enum rc last_resort_dead(struct tx *tx, const struct notify *n, str recipient, struct err *err)
{
	str email;
	if (!last_resort_email(recipient, &email))
		return RC_OK;
	struct uuid id = contact_id(store_secret(n->w.store), email);
	struct sql *q = sql(tx_conn(tx), "UPDATE tell_contact SET dead_us = ? WHERE id = ? AND dead_us = 0");
	sql_int(q, 1, tx_now_us(tx));
	sql_blob(q, 2, str_mem(id.b, sizeof id.b));
	return sql_run(q, err);
}

enum rc last_resort_ended(struct conn *c, const struct uuid *id, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM tell_contact WHERE id = ? AND dead_us > 0");
	sql_blob(q, 1, str_mem(id->b, sizeof id->b));
	*out = sql_row(q);
	return sql_end(q, err);
}

/* --- who --- */

/* Out of tables that others wrote: what could be more than one address is none. */
static bool is_address(str email)
{
	size_t at = str_index(email, '@'), signs = 0;
	for (size_t i = 0; i < email.n; i++) {
		unsigned char c = (unsigned char)email.p[i];
		signs += c == '@';
		if (c <= ' ' || c >= 0x7f || strchr(",;:<>()[]\\\"/", c))
			return false;
	}
	return signs == 1 && at > 0 && at + 1 < email.n;
}

size_t last_resort_of(const struct notify *n, const struct finding *f, struct arena *a,
		      struct last_resort out[FALLBACK_HITS_MAX])
{
	struct fallback_hit hits[FALLBACK_HITS_MAX];
	size_t count = 0;
	if (!n->w.contacts)
		return 0;
	struct snapshot_ref *held = snapshot_hold(n->w.contacts);
	size_t found = told_last_resort_of(snapshot_table(held), f, hits);
	for (size_t i = 0; i < found; i++) {
		const struct fallback_hit *h = &hits[i];
		if (!is_address(h->email))
			continue;
		out[count] = (struct last_resort){
			.email = arena_str(a, h->email), .name = arena_str(a, h->name), .source = arena_str(a, h->source),
			.reason = arena_str(a, str_of(h->reason)), .trust = h->trust, .seen_day = h->seen_day,
		};
		memcpy(out[count++].country, h->country, sizeof h->country);
	}
	snapshot_drop(n->w.contacts, held);
	return count;
}

str last_resort_words(const struct last_resort *l, struct arena *a)
{
	char day[16];
	return arena_fmt(a, "contact of last resort: abuse contact of " STR_FMT " of " STR_FMT ", " STR_FMT ", trust %u",
			 STR_ARG(l->source), STR_ARG(time_day_str(day, (int64_t)l->seen_day * DAY_US)),
			 STR_ARG(l->reason), l->trust);
}

/* Of countries with a language that there are texts in. */
static const struct { const char *country, *languages; } countries[] = {
	{ "ID", "id en" },
};

str last_resort_languages(str country)
{
	for (size_t i = 0; i < COUNT_OF(countries); i++)
		if (str_eq(country, str_of(countries[i].country)))
			return str_of(countries[i].languages);
	return STR("");
}

bool last_resort_named(const struct notify *n, const struct finding *f, str recipient, struct arena *a,
		       struct last_resort *out)
{
	struct last_resort list[FALLBACK_HITS_MAX];
	str email;
	size_t count = last_resort_email(recipient, &email) ? last_resort_of(n, f, a, list) : 0;
	for (size_t i = 0; i < count; i++)
		if (str_eq_nocase(list[i].email, email)) {
			*out = list[i];
			return true;
		}
	return false;
}

void last_resort_put(const struct last_resort *l, struct json_out *j)
{
	char day[16];
	json_key(j, STR("named"));
	json_open(j, '{');
	json_put_str(j, "source", l->source);
	json_put_str(j, "seen", time_day_str(day, (int64_t)l->seen_day * DAY_US));
	json_put_str(j, "reason", l->reason);
	json_put_str(j, "country", str_of(l->country));
	json_put_i64(j, "trust", l->trust);
	json_close(j, '}');
}

struct rule_org *last_resort_org(const struct notify *n, const struct rule_set *s, const struct last_resort *l,
				 struct arena *a)
{
	struct rule_org *o = ARENA_NEW(a, struct rule_org);
	*o = (struct rule_org){
		.record = contact_id(store_secret(n->w.store), l->email), .id = arena_fmt(a, "contact:" STR_FMT, STR_ARG(l->email)), .zone = STR(""),
		.usable = true, .last_resort = true, .trust = l->trust,
	};
	str languages = last_resort_languages(str_of(l->country));
	if (!s)
		return o;
	o->country = rule_word(&s->words, str_of(l->country));
	do {
		str one = languages.n > 0 ? str_cut(&languages, ' ') : STR("en");
		o->languages[o->language_count++] = rule_word(&s->words, one);
	} while (languages.n > 0);
	return o;
}

enum rc last_resort_match(const struct notify *n, const struct rule_set *s, struct reader *r, const struct finding *f,
			  int64_t at_us, struct arena *a, struct rule_match *out, struct last_resort *who_out,
			  bool *found_out, struct err *err)
{
	struct last_resort list[FALLBACK_HITS_MAX];
	struct rule_key k = rule_key_of(s, f);
	enum rc rc = RC_OK;
	*found_out = false;
	if (!s->asks_last_resort)
		return RC_OK;
	size_t count = last_resort_of(n, f, a, list);
	for (size_t i = 0; rc == RC_OK && i < count && !*found_out; i++) {
		const struct rule_org *org = last_resort_org(n, s, &list[i], a);
		bool dead = false;
		rc = last_resort_ended(reader_conn(r), &org->record, &dead, err);
		for (size_t m = 0; rc == RC_OK && !dead && m < s->count && !*found_out; m++) {
			*found_out = rule_misfit(&s->rules[m], &k, org, true, at_us) == NULL;
			*out = (struct rule_match){ org, &s->rules[m] };
			*who_out = list[i];
		}
	}
	return rc;
}

/* --- as a recipient --- */

static enum tlp ceiling_of(const struct notify *n)
{
	enum tlp tlp = TLP_GREEN;
	return tlp_parse(settings_text(n->w.settings, "last_resort_tlp"), &tlp) && tlp <= TLP_AMBER ? tlp : TLP_GREEN;
}

enum rc last_resort_told_to(const struct notify *n, str email, enum channel channel, struct told_to *out,
			    struct err *err)
{
	if (!n->w.contacts)
		return fail(err, RC_ABSENT, "this node has no contacts of last resort");
	return told_last_resort(n->w.policies, n->w.contacts, email, ceiling_of(n), channel, out, err);
}

static bool takes(str recipient)
{
	str email;
	return last_resort_email(recipient, &email);
}

static enum rc find(const struct resolving *k, str recipient, struct reached *out, struct err *err)
{
	str email;
	bool mail = !k->driver->column || str_eq(str_of(k->driver->column), STR("email"));
	if (!str_has(recipient, '@'))
		return fail(err, RC_ABSENT, "the address of '" STR_FMT "' was erased", STR_ARG(str_head(recipient, 120)));
	if (!last_resort_email(recipient, &email) || !is_address(email) || !mail)
		return fail(err, RC_ABSENT, "'" STR_FMT "' is reached by mail alone", STR_ARG(str_head(recipient, 120)));
	out->address = out->name = arena_str(k->a, email);
	return last_resort_told_to(k->n, out->address, k->driver->channel, &out->to, err);
}

const struct resolver resolver_contact = {
	.name = "contact",
	.help = "contact:abuse@example.net: a contact of last resort, told of what a registry names it for, by mail",
	.takes = takes,
	.find = find,
};
