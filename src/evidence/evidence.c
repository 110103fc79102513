/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, and what a record says by the meanings of its type. */
#include "evidence/evidence_private.h"

#include "disclosure/policy.h"

const struct type_field *meant(const struct type *t, const char *name)
{
	const struct meaning *m = t ? type_meaning(t, str_of(name)) : NULL;
	return m ? m->field : NULL;
}

str meant_text(const struct type *t, struct json_object *body, const char *name)
{
	const struct type_field *f = meant(t, name);
	return f && body ? json_get_str(body, f->name) : STR_NONE;
}

int64_t meant_time(const struct type *t, struct json_object *body, const char *name)
{
	int64_t us;
	str text = meant_text(t, body, name);
	return text.n && time_parse(text, true, &us) ? us : TIME_NONE;
}

bool state_means(const struct type *t, int state, const char *name)
{
	const struct meaning *m = t ? type_meaning(t, str_of(name)) : NULL;
	return m && !m->field && state >= 0 && m->state == (unsigned)state;
}

bool is_exhibit(const struct type *t)
{
	return meant(t, "evidence.items") != NULL;
}

bool is_custody(const struct type *t)
{
	return meant(t, "custody.evidence") != NULL;
}

str id_text(struct arena *a, str type, const struct uuid *id)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&b, type, id);
	str s = arena_str(a, buf_str(&b));
	buf_free(&b);
	return s;
}

enum rc whole_body(const struct record_view *v, struct json_object **out, struct err *err)
{
	return json_read(v->record->body.n ? v->record->body : STR("{}"), out, err);
}

enum rc in_force(const struct type *t, struct json_object *body, int64_t now_us, struct err *err)
{
	int64_t last = meant_time(t, body, "evidence.authority-until");
	if (last == TIME_NONE || now_us < last + DAY_US)
		return RC_OK;
	return fail(err, RC_DENIED, "the authority '" STR_FMT "' ended with " STR_FMT
				    ": nothing of this is read or handed out until it is renewed",
		    STR_ARG(str_head(meant_text(t, body, "evidence.authority-reference"), 60)),
		    STR_ARG(meant_text(t, body, "evidence.authority-until")));
}

enum rc evidence_in_force(const struct record_view *exhibit, int64_t now_us, struct err *err)
{
	struct json_object *body = NULL;
	enum rc rc = whole_body(exhibit, &body, err);
	if (rc == RC_OK)
		rc = in_force(record_view_type(exhibit), body, now_us, err);
	json_free(body);
	return rc;
}

const char *item_state_name(enum item_state s)
{
	static const char *const names[] = { "good", "differs", "missing", "destroyed" };
	return s < COUNT_OF(names) ? names[s] : "";
}

/* What a kill left between name and row. */
static enum rc list_left_over(struct tx *tx, void *ctx, struct err *err)
{
	(void)ctx;
	enum rc rc = sql_run(sql(tx_conn(tx), "INSERT OR IGNORE INTO evidence_gone (stored)"
					      " SELECT stored FROM evidence_adding"),
			     err);
	return rc == RC_OK ? sql_run(sql(tx_conn(tx), "DELETE FROM evidence_adding"), err) : rc;
}

static enum rc any_left_over(struct store *s, bool *out, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT 1 FROM evidence_adding LIMIT 1");
	*out = sql_row(q);
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

enum rc evidence_open(struct store *s, struct journal *j, struct records *r,
		      const struct evidence_options *o, struct evidence **out, struct err *err)
{
	struct evidence *e = x_alloc(sizeof(*e));
	*e = (struct evidence){ .s = s, .j = j, .r = r, .o = *o };
	*out = e;
	records_add_hook(r, &(struct record_hook){ .changed = evidence_changed, .ctx = e });
	if (store_read_only(s)) { /* what is there can be read */
		enum rc there = vault_open(store_dir(s), true, o->reserve_bytes, &e->vault, err);
		return there == RC_ABSENT ? RC_OK : there;
	}
	enum rc rc = vault_open(store_dir(s), false, o->reserve_bytes, &e->vault, err);
	bool left = false;
	if (rc == RC_OK)
		rc = any_left_over(s, &left, err);
	if (rc == RC_OK && left)
		rc = store_write(s, list_left_over, NULL, err);
	if (rc == RC_OK)
		rc = items_sweep(e, err);
	store_add_tend(s, evidence_tend, e);
	return rc;
}

void evidence_close(struct evidence *e)
{
	if (!e)
		return;
	checking_free(e->checking);
	vault_close(e->vault);
	free(e);
}
