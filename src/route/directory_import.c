/* SPDX-License-Identifier: Apache-2.0 */
/* Brings organisations' records to what a file says. */
#include <stdlib.h>

#include "base/clock.h"
#include "route/import_private.h"
#include "route/org_card.h"

#define SOURCE_FILE "file"

/* --- a draft as the fields of a record --- */

struct import_run {
	struct import im;
	struct directory_records *d;
	const struct type *t;   /* types live as long as the node */
	struct draft *at;       /* the next to be written */
};

/* One look at it, or one job. */
struct settling {
	struct conn *c;
	struct tx *tx;          /* NULL: only looking */
	struct import_run *run;
	const struct directory_writer *w;
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
	struct sql *q = sql(s->c, "SELECT id, gone, record FROM org WHERE folded = ? "
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
	struct snapshot *types = records_types_snapshot(s->run->d->r);
	struct snapshot_ref *ref = snapshot_hold(types);
	rc = record_load(s->c, snapshot_table(ref), out->record, s->run->im.a, &rec, s->err);
	if (rc == RC_OK)
		rc = json_read(rec.body, &out->body, s->err);
	snapshot_drop(types, ref);
	return rc;
}

static bool may_change(struct settling *s, struct draft *d, const struct standing *st)
{
	if (st->gone)
		import_error(&s->run->im, d->line, d, "'" STR_FMT "' is former: make it active again first",
			     STR_ARG(d->name));
	else if (st->org && !st->has_record)
		import_error(&s->run->im, d->line, d, "'" STR_FMT "' has no record to change", STR_ARG(d->name));
	return !d->bad;
}

/* Does the record say it? What differs is noted, or written. */
static enum rc settle_one(struct settling *s, struct draft *d, struct buf *fields)
{
	struct import_run *run = s->run;
	struct import_result *r = run->im.result;
	struct standing st;
	struct err why;
	enum rc rc = find_standing(s, d, &st);
	if (rc != RC_OK)
		return rc;
	buf_reset(fields);
	put_fields(fields, run->t, st.body, d);
	bool same = st.body && says_so(run->t, st.body, buf_str(fields));
	if (s->tx && !same)
		rc = s->w->put(s->tx, s->w->ctx, run->t, &st.record, buf_str(fields), run->im.a, &why);
	if (rc != RC_OK)
		rc = fail(s->err, rc, "'" STR_FMT "': %s", STR_ARG(d->name), why.text);
	if (!s->tx && may_change(s, d, &st) && fields->over)
		import_error(&run->im, d->line, d, "it is over %zu bytes", RECORD_BODY_MAX);
	if (!s->tx && !d->bad) {
		*(same ? &r->same : st.body ? &r->changed : &r->added) += 1;
		d->touched = !same;
	}
	json_free(st.body);
	return rc;
}

/* Claims that did not come from a file were not compared when it was read. */
static enum rc look_again(struct settling *s, const struct draft *d)
{
	struct sql *q = sql(s->c, "SELECT a.kind, a.value, o.name FROM org_scope a JOIN org_scope b ON b.kind = a.kind "
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

/* Compares each good draft with its record. */
static enum rc look(struct settling *s)
{
	struct buf fields = BUF_INIT(RECORD_BODY_MAX);
	enum rc rc = RC_OK;
	for (struct draft *d = s->run->im.drafts; d && rc == RC_OK; d = d->next) {
		if (!d->bad)
			rc = settle_one(s, d, &fields);
		s->run->im.result->refused += d->bad;
	}
	buf_free(&fields);
	return rc;
}

enum rc directory_import_begin(struct conn *c, struct directory_records *d, str text, struct arena *a,
			       struct import_result *out, struct import_run **run_out, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(d->r));
	struct import_run *run = ARENA_NEW(a, struct import_run);
	struct import *im = &run->im;
	*run = (struct import_run){ .im = { .a = a, .result = out, .seed = random_u64() }, .d = d,
				    .t = directory_type(snapshot_table(ref)) };
	snapshot_drop(records_types_snapshot(d->r), ref);
	*out = (struct import_result){ 0 };
	*run_out = run;
	if (!run->t)
		return fail(err, RC_INPUT, "directory: no type of records here means organisations");
	if (text.n > IMPORT_BYTES_MAX)
		return fail(err, RC_LIMIT, "directory: the file is over %zu MiB", IMPORT_BYTES_MAX >> 20);
	if (!str_is_utf8(text))
		return fail(err, RC_INPUT, "directory: the file is not UTF-8");
	if (str_starts(text, STR("\xef\xbb\xbf")))
		text = str_from(text, 3);
	im->drafts_end = &im->drafts;
	im->slots = ARENA_ARRAY(a, (size_t)IMPORT_ORGS_MAX * 2, struct draft *);
	bool json = str_starts(str_trim_all(text), STR("{"));
	struct settling s = { .c = c, .run = run, .err = err };
	enum rc rc = json ? import_json(im, text, err) : import_csv(im, text, err);
	if (rc == RC_OK)
		rc = import_doubles(im, c, err);
	if (rc == RC_OK)
		rc = look(&s);
	run->at = im->drafts;
	return rc;
}

enum rc directory_import_write(struct tx *tx, struct import_run *run, const struct directory_writer *w,
			       int64_t budget_us, bool *more_out, struct err *err)
{
	struct settling s = { .c = tx_conn(tx), .tx = tx, .run = run, .w = w, .err = err };
	struct buf fields = BUF_INIT(RECORD_BODY_MAX);
	bool adds = run->im.result->changed == 0; /* no claim goes from one to another */
	int64_t end_us = clock_mono_us() + budget_us;
	struct draft *first = run->at, *d = first;
	enum rc rc = RC_OK;
	run->d->moving = !adds;
	for (; d && rc == RC_OK && !(adds && d != first && clock_mono_us() > end_us); d = d->next)
		if (d->touched && !d->bad)
			rc = settle_one(&s, d, &fields);
	run->d->moving = false;
	for (struct draft *one = first; !adds && one != d && rc == RC_OK; one = one->next)
		if (one->touched && !one->bad)
			rc = look_again(&s, one);
	buf_free(&fields);
	if (rc == RC_OK)
		run->at = d;
	*more_out = rc == RC_OK && d;
	return rc;
}

enum rc directory_import(struct tx *tx, struct directory_records *d, const struct directory_writer *w,
			 str text, bool dry, bool partly, struct arena *a, struct import_result *out,
			 struct err *err)
{
	struct import_run *run;
	bool more = true;
	enum rc rc = directory_import_begin(tx_conn(tx), d, text, a, out, &run, err);
	while (rc == RC_OK && more && !dry && (partly || out->error_count == 0))
		rc = directory_import_write(tx, run, w, 0, &more, err);
	return rc;
}
