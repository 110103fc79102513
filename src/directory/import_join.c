/* SPDX-License-Identifier: Apache-2.0 */
/* A draft joined with the organisation that stands: what is empty is filled, what differs stays
 * (and is counted), unless the caller says that the source wins. Contacts and constituency are
 * by source: of its own rows the source is right, those of others stay, and a contact that
 * somebody more trusted named is not touched. */
#include <json-c/json.h>

#include "base/clock.h"
#include "directory/import_private.h"
#include "record/codes.h"

enum {
	SEEN_STEP = 30,            /* days: "seen" moves on only then, so that a daily refresh changes nothing */
	ROWS_MOST = DRAFT_CLAIMS_MAX,
	CONTACTS_MOST = 200        /* of an organisation: as its type says */
};

struct joining {
	struct json_object *old;   /* NULL: a new one */
	const struct draft *d;
	const struct import_run *run;
	str source;
	int32_t seen;
	struct json_out *out;
	struct import_outcome *counts;
	bool changes;
};

static str old_text(const struct joining *w, const char *name)
{
	str s = w->old ? json_get_str(w->old, name) : STR_NONE;
	return s.p ? s : STR("");
}

static void put(struct joining *w, const char *name, str value)
{
	json_put_str(w->out, name, value);
	w->changes = true;
}

static void scalar(struct joining *w, const char *name, str value, bool counts)
{
	str was = old_text(w, name);
	if (value.n == 0 || str_eq(value, was))
		return;
	if (was.n == 0 || w->run->overwrite)
		put(w, name, value);
	else if (counts)
		w->counts->kept++;
}

static bool list_has(struct json_object *list, str value)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (str_eq(json_text(json_at(list, i)), value))
			return true;
	return false;
}

/* A list with what it had and what is new to it. */
static void add_to_list(struct joining *w, const char *name, const str *values, size_t count)
{
	struct json_object *old = w->old ? json_get(w->old, name) : NULL;
	bool news = false;
	for (size_t i = 0; i < count; i++)
		news |= values[i].n && !list_has(old, values[i]);
	if (!news)
		return;
	json_key(w->out, str_of(name));
	json_open(w->out, '[');
	for (size_t i = 0; i < json_count(old); i++)
		json_str(w->out, json_text(json_at(old, i)));
	for (size_t i = 0; i < count; i++)
		if (values[i].n && !list_has(old, values[i]))
			json_str(w->out, values[i]);
	json_close(w->out, ']');
	w->changes = true;
}

static void names(struct joining *w)
{
	str values[DRAFT_NAMES_MAX + 1], name = old_text(w, "name");
	size_t n = 0;
	if (w->old && !str_eq(name, w->d->name))
		values[n++] = w->d->name;
	for (size_t i = 0; i < w->d->name_count; i++)
		if (!str_eq(name, w->d->names[i]))
			values[n++] = w->d->names[i];
	if (!w->old)
		put(w, "name", w->d->name);
	add_to_list(w, "other_names", values, n);
}

static void languages(struct joining *w)
{
	str rest = w->d->languages, values[16];
	struct buf tags[16];
	size_t n = 0;
	if (json_count(w->old ? json_get(w->old, "languages") : NULL))
		return;
	for (size_t i = 0, from = 0; i <= rest.n && n < COUNT_OF(values); i++)
		if (i == rest.n || strchr(" ,;", rest.p[i])) {
			tags[n] = (struct buf)BUF_INIT(100);
			if (i > from && code_language(str_head(str_from(rest, from), i - from), &tags[n])) {
				values[n] = buf_str(&tags[n]);
				n++;
			} else {
				buf_free(&tags[n]);
			}
			from = i + 1;
		}
	add_to_list(w, "languages", values, n);
	while (n)
		buf_free(&tags[--n]);
}

/* --- contacts --- */

static str cell(struct json_object *row, const char *name)
{
	str s = json_get_str(row, name);
	return s.p ? s : STR("");
}

static unsigned trust_of(struct json_object *row)
{
	int64_t trust;
	str source = cell(row, "source");
	if (json_get_i64(row, "trust", &trust) && trust >= 0 && trust <= 100)
		return (unsigned)trust;
	return import_trust(source.n ? source : STR("person")); /* by hand: no source is written */
}

static bool same_way(struct json_object *row, const struct draft_contact *c)
{
	if (c->email.n)
		return str_eq_nocase(cell(row, "email"), c->email);
	if (c->phone.n)
		return str_eq(cell(row, "phone"), c->phone) && cell(row, "email").n == 0;
	return str_eq(cell(row, "webhook"), c->webhook);
}

/* The row of the source itself with this role, else any that reaches the same desk. */
static size_t find_contact(struct joining *w, struct json_object *rows, const struct draft_contact *c, bool own)
{
	for (size_t i = 0; i < json_count(rows); i++) {
		struct json_object *row = json_at(rows, i);
		bool ours = str_eq(cell(row, "source"), w->source);
		if (ours == own && same_way(row, c) && (!own || str_eq(cell(row, "role"), c->role)))
			return i;
	}
	return SIZE_MAX;
}

struct cells {
	const char *name;
	str value;
};

static void cells_of(const struct draft_contact *c, struct cells out[9])
{
	const struct cells all[9] = { { "role", c->role }, { "name", c->name }, { "email", c->email },
				      { "phone", c->phone }, { "webhook", c->webhook }, { "hours", c->hours },
				      { "languages", c->languages }, { "key", c->key }, { "key_until", c->key_until } };
	memcpy(out, all, sizeof(all));
}

/* Does the source say anything else than before? */
static bool differs(struct json_object *row, const struct draft_contact *c)
{
	struct cells list[9];
	cells_of(c, list);
	for (size_t i = 0; i < COUNT_OF(list); i++)
		if (!str_eq(cell(row, list[i].name), list[i].value))
			return true;
	return false;
}

static bool seen_long_ago(struct joining *w, struct json_object *row)
{
	int64_t us;
	str seen = cell(row, "seen");
	return !time_parse(seen, true, &us) || w->seen - time_day(us) >= SEEN_STEP;
}

/* A contact as the source says it now; `old`: what people noted beside it stays. */
static void write_contact(struct joining *w, const struct draft_contact *c, struct json_object *old)
{
	static const char *const kept[] = { "channel", "order", "confirmed", "unanswered" };
	struct cells list[9];
	char day[16];
	cells_of(c, list);
	json_open(w->out, '{');
	for (size_t i = 0; i < COUNT_OF(list); i++)
		if (list[i].value.n)
			json_put_str(w->out, list[i].name, list[i].value);
	for (size_t i = 0; old && i < COUNT_OF(kept); i++)
		if (json_get(old, kept[i])) {
			json_key(w->out, str_of(kept[i]));
			json_raw(w->out, str_of(json_object_to_json_string_ext(json_get(old, kept[i]), JSON_C_TO_STRING_PLAIN)));
		}
	json_put_str(w->out, "source", w->source);
	json_put_str(w->out, "seen", time_day_str(day, (int64_t)w->seen * DAY_US));
	json_put_i64(w->out, "trust", import_trust(w->source));
	json_close(w->out, '}');
}

static void write_row(struct joining *w, struct json_object *row)
{
	json_raw(w->out, str_of(json_object_to_json_string_ext(row, JSON_C_TO_STRING_PLAIN)));
}

/* What becomes of each row that stands, and of each contact that came. */
struct plan {
	const struct draft_contact *with[CONTACTS_MOST]; /* written in place of the row */
	bool gone[CONTACTS_MOST], claimed[CONTACTS_MOST];
	bool add[DRAFT_CONTACTS_MAX];
	size_t rows;
	bool changes;
};

static void plan_contacts(struct joining *w, struct json_object *rows, struct plan *p)
{
	p->rows = json_count(rows) < CONTACTS_MOST ? json_count(rows) : CONTACTS_MOST;
	for (size_t i = 0; i < w->d->contact_count; i++) {
		const struct draft_contact *c = &w->d->contacts[i];
		size_t at = find_contact(w, rows, c, true);
		if (at < p->rows) {
			p->claimed[at] = true;
			if (differs(json_at(rows, at), c) || seen_long_ago(w, json_at(rows, at)))
				p->with[at] = c;
			continue;
		}
		at = find_contact(w, rows, c, false);
		if (at >= p->rows) {
			p->add[i] = true;
		} else if (trust_of(json_at(rows, at)) < import_trust(w->source) && !p->claimed[at]) {
			p->claimed[at] = true;
			p->with[at] = c;
		}
	}
	for (size_t i = 0; i < p->rows; i++) {
		struct json_object *row = json_at(rows, i);
		/* what answered once is not thrown away because a list forgot it */
		p->gone[i] = !p->claimed[i] && !w->d->partly && str_eq(cell(row, "source"), w->source) &&
			     cell(row, "confirmed").n == 0;
		p->changes |= p->gone[i] || p->with[i];
	}
	for (size_t i = 0; i < w->d->contact_count; i++)
		p->changes |= p->add[i];
}

static void contacts(struct joining *w)
{
	struct json_object *rows = w->old ? json_get(w->old, "contacts") : NULL;
	struct plan p = { .rows = 0 };
	size_t n = 0;
	plan_contacts(w, rows, &p);
	if (!p.changes)
		return;
	json_key(w->out, STR("contacts"));
	json_open(w->out, '[');
	for (size_t i = 0; i < p.rows; i++) {
		if (p.gone[i])
			continue;
		n++;
		if (p.with[i])
			write_contact(w, p.with[i], json_at(rows, i));
		else
			write_row(w, json_at(rows, i));
	}
	for (size_t i = 0; i < w->d->contact_count && n < CONTACTS_MOST; i++)
		if (p.add[i]) {
			write_contact(w, &w->d->contacts[i], NULL);
			n++;
		}
	json_close(w->out, ']');
	w->changes = true;
}

/* --- what it answers for --- */

static str bare(str kind, str value)
{
	return str_eq(kind, STR("asn")) && str_starts_nocase(value, STR("AS")) ? str_from(value, 2) : value;
}

static bool same_claim(struct json_object *row, const struct draft_claim *c)
{
	return str_eq(cell(row, "kind"), c->kind) &&
	       str_eq_nocase(bare(c->kind, cell(row, "value")), bare(c->kind, c->value)) &&
	       (str_eq(cell(row, "role"), c->role) || cell(row, "role").n == 0);
}

static bool is_claimed(const struct draft *d, struct json_object *row)
{
	for (size_t i = 0; i < d->claim_count; i++)
		if (same_claim(row, &d->claims[i]))
			return true;
	return false;
}

static bool stands(struct json_object *rows, const struct draft_claim *c)
{
	for (size_t i = 0; i < json_count(rows); i++)
		if (same_claim(json_at(rows, i), c))
			return true;
	return false;
}

static bool goes(struct joining *w, struct json_object *row)
{
	return !w->d->partly && str_eq(cell(row, "source"), w->source) && !is_claimed(w->d, row);
}

static void claims(struct joining *w)
{
	struct json_object *rows = w->old ? json_get(w->old, "constituency") : NULL;
	bool changes = false;
	size_t n = 0;
	for (size_t i = 0; i < json_count(rows); i++)
		changes |= goes(w, json_at(rows, i));
	for (size_t i = 0; i < w->d->claim_count; i++)
		changes |= !stands(rows, &w->d->claims[i]);
	if (!changes)
		return;
	json_key(w->out, STR("constituency"));
	json_open(w->out, '[');
	for (size_t i = 0; i < json_count(rows) && n < ROWS_MOST; i++)
		if (!goes(w, json_at(rows, i))) {
			write_row(w, json_at(rows, i));
			n++;
		}
	for (size_t i = 0; i < w->d->claim_count && n < ROWS_MOST; i++) {
		const struct draft_claim *c = &w->d->claims[i];
		if (stands(rows, c))
			continue;
		n++;
		json_open(w->out, '{');
		json_put_str(w->out, "kind", c->kind);
		json_put_str(w->out, "value", c->value);
		if (c->role.n)
			json_put_str(w->out, "role", c->role);
		json_put_str(w->out, "source", w->source);
		json_close(w->out, '}');
	}
	json_close(w->out, ']');
	w->changes = true;
}

enum rc join_fields(const struct known *k, const struct draft *d, const struct import_run *run, str source,
		    int32_t today, struct json_out *out, bool *changes_out, struct import_outcome *counts,
		    struct err *err)
{
	struct joining w = { .d = d, .run = run, .source = source, .out = out, .counts = counts,
			     .seen = d->seen_day ? d->seen_day : today };
	enum rc rc = k ? json_read(k->body, &w.old, err) : RC_OK;
	if (rc != RC_OK)
		return rc;
	names(&w);
	scalar(&w, "kind", d->kind.n || w.old ? d->kind : STR("other"), true);
	scalar(&w, "country", d->country, true);
	scalar(&w, "sector", d->sector, true);
	scalar(&w, "timezone", d->timezone, true);
	scalar(&w, "website", d->website, true);
	scalar(&w, "established", d->established, true);
	scalar(&w, "address", d->address, true);
	scalar(&w, "remarks", d->remarks, false);
	add_to_list(&w, "external", &d->external, 1);
	languages(&w);
	contacts(&w);
	claims(&w);
	json_free(w.old);
	*changes_out = w.changes;
	return RC_OK;
}
