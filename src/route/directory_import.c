/* SPDX-License-Identifier: Apache-2.0 */
/* Brings organisations' records to what a file says. */
#include <stdlib.h>

#include "route/import_private.h"
#include "route/org_card.h"

#define SOURCE_FILE "file"

/* --- a draft as the fields of a record --- */

struct settling {
	struct tx *tx;
	struct import *im;
	struct directory_records *d;
	const struct directory_writer *w;
	const struct type *t;
	bool write;
	struct err *err;
};

static void put_meant(struct json_out *j, const struct type *t, const char *word, str value)
{
	const struct type_field *f = meant_field(t, word);
	if (!f)
		return;
	json_key(j, str_of(f->name));
	if (value.n)
		json_str(j, value);
	else
		json_null(j);
}

/* A sector of our list, or in the file's own words, or both where they say the same. */
static void put_sector(struct json_out *j, const struct type *t, str said)
{
	const struct type_field *f = meant_field(t, "organisation.sector");
	str word = str_eq_nocase(said, STR("telecommunications")) ? STR("telecom") : said;
	bool known = false;
	for (size_t i = 0; f && i < f->choice_count; i++)
		known |= str_eq(word, str_of(f->choices[i].name));
	put_meant(j, t, "organisation.sector", known ? word : STR(""));
	put_meant(j, t, "organisation.sector-words", known && str_eq(word, said) ? STR("") : said);
}

static bool same_contact(struct json_object *o, const struct contact *c)
{
	str email = json_get_str(o, "email");
	return email.n || c->email.n ? str_eq_nocase(email, c->email) :
				       str_eq(json_get_str(o, "phone"), c->phone);
}

/* What the file does not know of a contact (hours, key, when it last worked) stays. */
static void put_contact(struct json_out *j, struct json_object *stands, const struct contact *c)
{
	str role = contact_role_word(c->role);
	json_open(j, '{');
	if (stands) {
		json_object_object_foreach(stands, key, value) {
			bool said = (strcmp(key, "role") == 0 && role.n) ||
				    (strcmp(key, "phone") == 0 && c->phone.n) || strcmp(key, "email") == 0;
			if (said)
				continue;
			json_key(j, str_of(key));
			json_raw(j, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
		}
	} else {
		if (!role.n && c->role.n)
			json_put_str(j, "name", str_head(c->role, 100));
		json_put_str(j, "source", STR(SOURCE_FILE));
	}
	if (role.n)
		json_put_str(j, "role", role);
	if (c->email.n)
		json_put_str(j, "email", c->email);
	if (c->phone.n)
		json_put_str(j, "phone", c->phone);
	json_close(j, '}');
}

static bool has_contact(struct json_object *list, const struct contact *c)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (same_contact(json_at(list, i), c))
			return true;
	return false;
}

/* Those a file once named and this one does not go; what people wrote stays. */
static void put_contacts(struct json_out *j, const struct type *t, struct json_object *body,
			 const struct draft *d)
{
	const struct type_field *f = meant_field(t, "organisation.contacts");
	if (!f || !d->contacts)
		return;
	struct json_object *old = json_get(body, f->name);
	json_key(j, str_of(f->name));
	json_open(j, '[');
	for (size_t i = 0; i < json_count(old); i++) {
		struct json_object *o = json_at(old, i);
		const struct draft_contact *c = d->contacts;
		while (c && !same_contact(o, &c->c))
			c = c->next;
		if (c)
			put_contact(j, o, &c->c);
		else if (!str_eq(json_get_str(o, "source"), STR(SOURCE_FILE)))
			json_raw(j, str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)));
	}
	for (const struct draft_contact *c = d->contacts; c; c = c->next)
		if (!has_contact(old, &c->c))
			put_contact(j, NULL, &c->c);
	json_close(j, ']');
}

/* What a person wrote, or a claim brought, with no season: the file need not say it again. */
static bool said_otherwise(struct json_object *kept, const struct scope_row *row)
{
	for (size_t i = 0; i < json_count(kept) && !row->from_us && !row->until_us; i++) {
		struct json_object *o = json_at(kept, i);
		bool shared = false;
		(void)json_get_bool(o, "shared_address", &shared);
		if (str_eq(json_get_str(o, "kind"), str_of(claim_kind_word(row->kind))) &&
		    str_eq_nocase(json_get_str(o, "value"), row->value) && shared == row->shared_address &&
		    !json_get(o, "from") && !json_get(o, "until") && !json_get(o, "starts") && !json_get(o, "ends"))
			return true;
	}
	return false;
}

/* Claims of a file replace those of a file; what came from elsewhere stays. */
static void put_claims(struct json_out *j, const struct type *t, struct json_object *body,
		       const struct draft *d)
{
	const struct type_field *f = meant_field(t, "organisation.claims");
	struct json_object *old = json_get(body, f->name), *kept = json_object_new_array();
	json_key(j, str_of(f->name));
	json_open(j, '[');
	for (size_t i = 0; i < json_count(old); i++) {
		struct json_object *o = json_at(old, i);
		if (str_eq(json_get_str(o, "source"), STR(SOURCE_FILE)))
			continue;
		json_raw(j, str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)));
		json_object_array_add(kept, json_object_get(o));
	}
	for (const struct draft_claim *c = d->claims; c; c = c->next)
		if (!c->again && !said_otherwise(kept, &c->row))
			claim_json(j, &c->row, SOURCE_FILE);
	json_close(j, ']');
	json_object_put(kept);
}

static void put_fields(struct buf *out, const struct type *t, struct json_object *body,
		       const struct draft *d)
{
	struct json_out j = json_out(out);
	json_open(&j, '{');
	put_meant(&j, t, "organisation.name", d->name);
	put_meant(&j, t, "organisation.kind", d->kind);
	if (d->country.n)
		put_meant(&j, t, "organisation.country", d->country);
	if (d->sector.n)
		put_sector(&j, t, d->sector);
	if (d->timezone.n)
		put_meant(&j, t, "organisation.timezone", d->timezone);
	put_contacts(&j, t, body, d);
	put_claims(&j, t, body, d);
	json_close(&j, '}');
}

static int text_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char **texts_of(struct json_object *list, size_t n)
{
	const char **texts = x_array(n + 1, sizeof(*texts));
	for (size_t i = 0; i < n; i++)
		texts[i] = json_object_to_json_string_ext(json_at(list, i), JSON_C_TO_STRING_PLAIN);
	qsort(texts, n, sizeof(*texts), text_cmp);
	return texts;
}

/* Claims have no order: what came from elsewhere may stand between those of the file. */
static bool same_rows(struct json_object *a, struct json_object *b)
{
	size_t n = json_count(a);
	bool same = n == json_count(b);
	if (!same || n == 0)
		return same;
	const char **x = texts_of(a, n), **y = texts_of(b, n);
	for (size_t i = 0; i < n && same; i++)
		same = strcmp(x[i], y[i]) == 0;
	free(x);
	free(y);
	return same;
}

/* Does the body say all that already? */
static bool says_so(const struct type *t, struct json_object *body, str fields)
{
	const char *claims = meant_field(t, "organisation.claims")->name;
	struct json_object *want = NULL;
	bool same = json_read(fields, &want, NULL) == RC_OK;
	if (same) {
		json_object_object_foreach(want, key, value) {
			struct json_object *is = json_get(body, key);
			same = same && (strcmp(key, claims) == 0 ? same_rows(is, value) :
								   json_object_equal(is, value));
		}
	}
	json_free(want);
	return same;
}

/* --- against what stands --- */

struct standing {
	int64_t org, gone;
	struct uuid record;
	bool has_record;
	struct json_object *body; /* NULL: a new one */
};

static enum rc find_standing(struct settling *s, const struct draft *d, struct standing *out)
{
	struct sql *q = sql(tx_conn(s->tx), "SELECT id, gone, record FROM org WHERE folded = ? "
					    "AND gone < 2 ORDER BY gone, id LIMIT 1");
	struct record rec;
	*out = (struct standing){ 0 };
	sql_str(q, 1, d->folded);
	if (sql_row(q)) {
		str record = sql_col_blob(q, 2);
		out->org = sql_col_int(q, 0);
		out->gone = sql_col_int(q, 1);
		out->has_record = record.n == sizeof(out->record.b);
		if (out->has_record)
			memcpy(out->record.b, record.p, record.n);
	}
	enum rc rc = sql_end(q, s->err);
	if (rc != RC_OK || !out->has_record)
		return rc;
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(s->d->r));
	rc = record_load(tx_conn(s->tx), snapshot_table(ref), out->record, s->im->a, &rec, s->err);
	if (rc == RC_OK)
		rc = json_read(rec.body, &out->body, s->err);
	snapshot_drop(records_types_snapshot(s->d->r), ref);
	return rc;
}

static bool may_change(struct settling *s, struct draft *d, const struct standing *st)
{
	if (st->gone)
		import_error(s->im, d->line, d, "'" STR_FMT "' is former: make it active again first",
			     STR_ARG(d->name));
	else if (st->org && !st->has_record)
		import_error(s->im, d->line, d, "'" STR_FMT "' has no record to change", STR_ARG(d->name));
	return !d->bad;
}

static enum rc settle_one(struct settling *s, struct draft *d, struct buf *fields)
{
	struct import_result *r = s->im->result;
	struct standing st;
	struct err why;
	enum rc rc = find_standing(s, d, &st);
	if (rc != RC_OK)
		return rc;
	buf_reset(fields);
	put_fields(fields, s->t, st.body, d);
	if (!may_change(s, d, &st)) {
		r->refused++;
	} else if (fields->over) {
		import_error(s->im, d->line, d, "it is over %zu bytes", RECORD_BODY_MAX);
		r->refused++;
	} else if (st.body && says_so(s->t, st.body, buf_str(fields))) {
		r->same++;
	} else {
		*(st.body ? &r->changed : &r->added) += 1;
		d->touched = true;
		if (s->write)
			rc = s->w->put(s->tx, s->w->ctx, s->t, &st.record, buf_str(fields), s->im->a, &why);
		if (rc != RC_OK)
			rc = fail(s->err, rc, "'" STR_FMT "': %s", STR_ARG(d->name), why.text);
	}
	json_free(st.body);
	return rc;
}

/* Claims that did not come from a file were not compared when it was read. */
static enum rc look_again(struct settling *s, const struct draft *d)
{
	struct sql *q = sql(tx_conn(s->tx),
			    "SELECT a.kind, a.value, o.name FROM org_scope a JOIN org_scope b ON b.kind = a.kind "
			    "AND b.value = a.value AND b.role = a.role AND b.org <> a.org "
			    "AND (b.until_us = 0 OR b.until_us > a.from_us) "
			    "AND (a.until_us = 0 OR a.until_us > b.from_us) JOIN org o ON o.id = b.org "
			    "WHERE a.kind <> 'country' AND a.org = (SELECT id FROM org WHERE folded = ? "
			    "AND gone < 2 ORDER BY gone, id LIMIT 1)");
	enum rc rc = RC_OK;
	sql_str(q, 1, d->folded);
	if (sql_row(q))
		rc = fail(s->err, RC_INPUT, "'" STR_FMT "': " STR_FMT " '" STR_FMT "' is also claimed by '" STR_FMT
			  "'", STR_ARG(d->name), STR_ARG(sql_col_str(q, 0)), STR_ARG(sql_col_str(q, 1)),
			  STR_ARG(sql_col_str(q, 2)));
	enum rc end = sql_end(q, rc == RC_OK ? s->err : NULL);
	return rc == RC_OK ? end : rc;
}

/* Compares each good draft with its record, and writes where they differ. */
static enum rc settle(struct settling *s)
{
	struct buf fields = BUF_INIT(RECORD_BODY_MAX);
	enum rc rc = RC_OK;
	s->d->moving = true;
	for (struct draft *d = s->im->drafts; d && rc == RC_OK; d = d->next) {
		if (d->bad)
			s->im->result->refused++;
		else
			rc = settle_one(s, d, &fields);
	}
	s->d->moving = false;
	for (struct draft *d = s->im->drafts; d && rc == RC_OK && s->write; d = d->next)
		if (d->touched)
			rc = look_again(s, d);
	buf_free(&fields);
	return rc;
}

enum rc directory_import(struct tx *tx, struct directory_records *d, const struct directory_writer *w,
			 str text, bool dry, bool partly, struct arena *a, struct import_result *out,
			 struct err *err)
{
	struct import im = { .a = a, .result = out, .seed = random_u64() };
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(d->r));
	struct settling s = { .tx = tx, .im = &im, .d = d, .w = w, .err = err,
			      .t = directory_type(snapshot_table(ref)) };
	*out = (struct import_result){ 0 };
	enum rc rc = RC_OK;
	if (!s.t)
		rc = fail(err, RC_INPUT, "directory: no type of records here means organisations");
	else if (text.n > IMPORT_BYTES_MAX)
		rc = fail(err, RC_LIMIT, "directory: the file is over %zu MiB", IMPORT_BYTES_MAX >> 20);
	else if (!str_is_utf8(text))
		rc = fail(err, RC_INPUT, "directory: the file is not UTF-8");
	if (str_starts(text, STR("\xef\xbb\xbf")))
		text = str_from(text, 3);
	im.drafts_end = &im.drafts;
	im.slots = ARENA_ARRAY(a, (size_t)IMPORT_ORGS_MAX * 2, struct draft *);
	bool json = str_starts(str_trim_all(text), STR("{"));
	if (rc == RC_OK)
		rc = json ? import_json(&im, text, err) : import_csv(&im, text, err);
	if (rc == RC_OK)
		rc = import_doubles(&im, tx_conn(tx), err);
	s.write = !dry && (partly || out->error_count == 0);
	if (rc == RC_OK)
		rc = settle(&s);
	snapshot_drop(records_types_snapshot(d->r), ref);
	return rc;
}
