/* SPDX-License-Identifier: Apache-2.0 */
/* Examination works on a copy: a new exhibit that says what it comes from, and how. */
#include "evidence/evidence_private.h"

struct deriving {
	struct evidence *e;
	const struct viewer *v;
	const struct record_view *from;
	struct json_object *body; /* of it */
	str how, title, number;
	struct arena *a;
	str id;
};

static void copy(struct json_out *j, const struct type *t, struct json_object *body, const char *name)
{
	const struct type_field *f = meant(t, name);
	struct json_object *value = f ? json_get(body, f->name) : NULL;
	if (!value)
		return;
	json_key(j, str_of(f->name));
	json_raw(j, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
}

static void put_meant(struct json_out *j, const struct type *t, const char *name, str value)
{
	const struct type_field *f = meant(t, name);
	if (f && value.n)
		json_put_str(j, f->name, value);
}

/* The same case and the same authority; collected now, from the other one. */
static void put_fields(struct deriving *d, int64_t now_us, struct json_out *j)
{
	static const char *const same[] = { "evidence.case", "evidence.authority", "evidence.authority-reference",
					    "evidence.authority-issuer", "evidence.authority-from",
					    "evidence.authority-until" };
	const struct type *t = record_view_type(d->from);
	char at[40];
	struct buf name = BUF_INIT(KIB(1));
	json_open(j, '{');
	json_put_str(j, t->title->name, d->title);
	put_meant(j, t, "evidence.exhibit", d->number);
	for (size_t i = 0; i < COUNT_OF(same); i++)
		copy(j, t, d->body, same[i]);
	put_meant(j, t, "evidence.collected", time_str(at, now_us - now_us % SECOND_US));
	put_meant(j, t, "evidence.collector", str_of(d->v->actor));
	put_meant(j, t, "evidence.how", d->how);
	put_meant(j, t, "evidence.derived", record_view_id(d->from, d->a));
	if (type_find_field(t, STR("derived_how")))
		json_put_str(j, "derived_how", d->how);
	json_close(j, '}');
	buf_free(&name);
}

static enum rc chain_derived(struct tx *tx, struct deriving *d, struct err *err)
{
	struct buf b = BUF_INIT(KIB(16));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "derived", d->id);
	json_put_str(&j, "how", str_head(d->how, KIB(5)));
	json_close(&j, '}');
	struct chain_new q = { .id = record_view_id(d->from, d->a), .exhibit = d->from->record->id,
			       .what = "derived", .by = str_of(d->v->actor), .members = buf_str(&b) };
	enum rc rc = chain_add(tx, d->e->j, &q, err);
	buf_free(&b);
	return rc;
}

static enum rc derive_job(struct tx *tx, void *ctx, struct err *err)
{
	struct deriving *d = ctx;
	struct buf fields = BUF_INIT(MIB(1));
	struct json_out j = json_out(&fields);
	struct record_view made = { 0 };
	struct change_errors errors = { 0 };
	put_fields(d, tx_now_us(tx), &j);
	struct change_request q = { .type = str_of(record_view_type(d->from)->name), .fields = buf_str(&fields),
				    .labels = d->from->record->labels.json, .why = STR("derived") };
	enum rc rc = change_record_tx(tx, d->e->r, d->v, &q, d->a, &made, &errors, err);
	if (rc == RC_OK && !made.record)
		rc = fail(err, RC_DENIED, "you may not see what would be made");
	if (rc == RC_OK) {
		d->id = record_view_id(&made, d->a);
		rc = chain_derived(tx, d, err);
	}
	record_view_end(&made);
	buf_free(&fields);
	return rc;
}

enum rc evidence_derive(struct evidence *e, const struct viewer *v, str exhibit, str how, str title, str number,
			struct arena *a, str *id_out, struct err *err)
{
	struct record_view view = { 0 };
	struct reader *r = NULL;
	struct deriving d = { .e = e, .v = v, .from = &view, .how = how, .title = title, .number = number, .a = a };
	if (!how.n || how.n > 5000 || !title.n || !number.n)
		return fail(err, RC_INPUT, "say how it is derived, what it is and its exhibit number");
	enum rc rc = exhibit_open(e, v, exhibit, ACTION_EDIT, a, &r, &view, err);
	if (rc == RC_OK)
		rc = whole_body(&view, &d.body, err);
	if (rc == RC_OK)
		rc = store_write(e->s, derive_job, &d, err);
	*id_out = d.id;
	json_free(d.body);
	record_view_end(&view);
	if (r)
		store_read_end(r);
	return rc;
}
