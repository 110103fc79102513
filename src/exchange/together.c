/* SPDX-License-Identifier: Apache-2.0 */
/* Contributions as code reads them, what they are about, and what we pass on of others'. */
#include "exchange/together_private.h"

#include <json-c/json.h>

#include "base/json.h"
#include "exchange/collection.h"
#include "exchange/exchange_private.h"

/* --- words --- */

const struct together_kind *together_kind_of(str what)
{
	static const struct together_kind kinds[] = {
		{ .what = STR_INIT("acknowledged") },
		{ .what = STR_INIT("acted") },
		{ .what = STR_INIT("closed") },
		{ .what = STR_INIT("question"), .words = true, .waits = true },
		{ .what = STR_INIT("opinion"), .words = true },
		{ .what = STR_INIT("comment"), .words = true },
		{ .what = STR_INIT("offered"), .waits = true, .alone = true },
		{ .what = STR_INIT("accepted"), .alone = true },
		{ .what = STR_INIT("declined"), .alone = true },
		{ .what = STR_INIT("knows"), .alone = true },
	};
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (str_eq(what, kinds[i].what))
			return &kinds[i];
	return NULL;
}

const struct type_field *together_field(const struct type *t, const char *meaning)
{
	const struct meaning *m = t ? type_meaning(t, str_of(meaning)) : NULL;
	return m ? m->field : NULL;
}

bool together_type(const struct type *t)
{
	return together_field(t, "contribution.about") && together_field(t, "contribution.what");
}

const struct type *together_type_find(const struct types *t)
{
	const struct type *found = types_meaning(t, STR("contribution.about"));
	return together_type(found) ? found : NULL;
}

int word_state(const struct type *t, const char *meaning)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	return m && !m->field ? (int)m->state : -1;
}

static str text_of(const struct record *r, struct json_object *body, const char *meaning, struct arena *a)
{
	const struct type_field *f = together_field(r->type, meaning);
	str text = f ? json_get_str(body, f->name) : STR_NONE;
	return arena_str(a, text.p ? text : STR(""));
}

static bool flag_of(const struct record *r, struct json_object *body, const char *meaning)
{
	const struct type_field *f = together_field(r->type, meaning);
	bool is = false;
	return f && json_get_bool(body, f->name, &is) && is;
}

enum rc word_read(const struct record *r, struct arena *a, struct word *out, struct err *err)
{
	struct json_object *body = NULL;
	str type;
	*out = (struct word){ .about = STR("") };
	if (!together_type(r->type))
		return fail(err, RC_INPUT, "it is no contribution");
	enum rc rc = json_read(r->body.n ? r->body : STR("{}"), &body, err);
	if (rc != RC_OK)
		return rc;
	*out = (struct word){ .about = text_of(r, body, "contribution.about", a), .what = text_of(r, body, "contribution.what", a),
			      .text = text_of(r, body, "contribution.words", a), .title = arena_str(a, r->title),
			      .reply_to = text_of(r, body, "contribution.reply", a),
			      .said_by = text_of(r, body, "contribution.by", a),
			      .others = flag_of(r, body, "contribution.others"), .alone = flag_of(r, body, "contribution.alone") };
	str from = text_of(r, body, "contribution.from", a), until = text_of(r, body, "contribution.until", a);
	if (!record_id_parse(from, &type, &out->from))
		out->from = (struct uuid){ { 0 } };
	if (until.n && !time_parse(until, true, &out->until_us))
		out->until_us = 0;
	json_free(body);
	return RC_OK;
}

enum rc word_load(struct conn *c, const struct types *t, str id, struct arena *a, struct word *out, struct err *err)
{
	struct record r;
	struct uuid uuid;
	str type;
	if (!record_id_parse(id, &type, &uuid))
		return fail(err, RC_ABSENT, "it is no record");
	enum rc rc = record_load(c, t, uuid, a, &r, err);
	return rc == RC_OK ? word_read(&r, a, out, err) : rc;
}

/* --- what it is about --- */

enum rc shared_load(struct conn *c, const struct types *t, str us, str about, struct arena *a, struct shared_item *out,
		     struct err *err)
{
	struct err none = { 0 };
	struct uuid id;
	str type;
	*out = (struct shared_item){ .item = about };
	if (!record_id_parse(about, &type, &id))
		return RC_OK;
	enum rc rc = record_load(c, t, id, a, &out->r, &none);
	if (rc == RC_ABSENT || (rc == RC_OK && !str_eq(type, out->r.type_name)))
		return RC_OK;
	if (rc != RC_OK)
		return fail(err, rc, "%s", none.text);
	struct sql *q = sql(c, "SELECT id FROM record WHERE uuid = ?");
	sql_blob(q, 1, str_mem(id.b, sizeof id.b));
	out->row = sql_row(q) ? sql_col_int(q, 0) : 0;
	out->known = out->row != 0;
	out->ours = str_eq_nocase(out->r.origin, us);
	return sql_end(q, err);
}

enum rc shared_offered(struct conn *c, int64_t row, struct uuid partner, int64_t *since_us_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT min(e.added_us) FROM record_version v JOIN collection_entry e ON e.kind = ?"
			       " AND e.first = v.id JOIN collection c ON c.id = e.collection"
			       " WHERE v.record = ? AND c.kind = ? AND c.partner = ?");
	sql_int(q, 1, ENTRY_RECORD);
	sql_int(q, 2, row);
	sql_int(q, 3, COLLECTION_OUT);
	sql_blob(q, 4, str_mem(partner.b, sizeof partner.b));
	*since_us_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

str together_record_id(const struct record *r, struct arena *a)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&b, r->type_name, &r->id);
	str text = arena_str(a, buf_str(&b));
	buf_free(&b);
	return text;
}

enum rc together_each(struct conn *c, const struct types *t, str about, record_each each, void *ctx, struct err *err)
{
	struct record_query q = { .type = together_type_find(t), .tlp_mask = UINT32_MAX, .exercise = true, .with_body = true,
				  .filter_count = 1 };
	if (!q.type)
		return RC_OK;
	struct arena *a = arena_new(KIB(1));
	struct json_object *value = json_object_new_string_len(about.p ? about.p : "", (int)about.n);
	q.filters[0] = (struct record_filter){ .field = together_field(q.type, "contribution.about"), .compare = COMPARE_IS };
	bool has = kind_key(q.filters[0].field, value, a, &q.filters[0].key);
	enum rc rc = has ? record_list(c, t, &q, each, ctx, err) : RC_OK;
	json_free(value);
	arena_free(a);
	return rc;
}

/* --- what others say, passed on --- */

struct uuid together_passed_id(str node, str original)
{
	struct buf b = BUF_INIT(200);
	struct uuid id;
	buf_add(&b, STR("passed on by "));
	for (size_t i = 0; i < node.n; i++)
		buf_char(&b, (char)(node.p[i] >= 'A' && node.p[i] <= 'F' ? node.p[i] + ('a' - 'A') : node.p[i]));
	buf_add(&b, STR(": "));
	buf_add(&b, original);
	const struct digest d = sha256(buf_str(&b));
	buf_free(&b);
	memcpy(id.b, d.b, sizeof id.b);
	id.b[6] = (uint8_t)(0x80 | (id.b[6] & 0x0f)); /* version 8 of RFC 9562 section 5.8: made our own way */
	id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
	return id;
}

static void set(struct json_object *body, const struct type *t, const char *meaning, struct json_object *value)
{
	const struct type_field *f = together_field(t, meaning);
	if (f)
		json_object_object_add(body, f->name, value);
	else
		json_free(value);
}

static struct json_object *text_object(str s)
{
	return json_object_new_string_len(s.p ? s.p : "", (int)s.n);
}

/* Fields of it that are ours to repeat, with who said it. */
static enum rc passed_fields(const struct partner *from, const struct record *said, struct arena *a, str *out, struct err *err)
{
	struct json_object *body = NULL;
	const struct type *t = said->type;
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	enum rc rc = json_read(said->body, &body, err);
	if (rc == RC_OK) {
		record_id_format(&id, STR("partner"), &from->id);
		set(body, t, "contribution.others", json_object_new_boolean(1));
		set(body, t, "contribution.by", text_object(from->name));
		set(body, t, "contribution.from", text_object(buf_str(&id)));
		*out = arena_str(a, str_of(json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN |
										  JSON_C_TO_STRING_NOSLASHESCAPE)));
	}
	buf_free(&id);
	json_free(body);
	return rc;
}

static enum rc held(struct tx *tx, const struct types *t, struct uuid id, struct arena *a, struct record *out, bool *is,
		    struct err *err)
{
	struct err none = { 0 };
	enum rc rc = record_load(tx_conn(tx), t, id, a, out, &none);
	*is = rc == RC_OK && !out->erased;
	return rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", none.text);
}

static enum rc put_passed(struct tx *tx, struct exchange *x, const struct record_change *c, struct arena *a, struct err *err)
{
	struct record out;
	struct err why = { 0 };
	enum rc rc = record_put(tx, x->w.records, c, a, &out, NULL, 0, NULL, &why);
	/* A copy whose fields our own rules do not take, or that moves as nothing of ours may, is read here and goes no
	 * further: that is no fault of its sender. */
	if (rc == RC_INPUT || rc == RC_CONFLICT) {
		log_warn(x->w.log, "what a partner says was not passed on", L_Z("why", why.text));
		return RC_OK;
	}
	return rc == RC_OK ? rc : fail(err, rc, "%s", why.text);
}

enum rc together_pass_on(struct tx *tx, struct exchange *x, const struct partner *from, const struct record *said,
		       struct arena *a, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	const struct types *types = snapshot_table(ref);
	const struct uuid id = together_passed_id(store_node_id(x->w.store), together_record_id(said, a));
	struct record now;
	struct word word;
	str fields = STR("");
	bool is_held = false;
	enum rc rc = word_read(said, a, &word, err);
	const struct together_kind *kind = rc == RC_OK ? together_kind_of(word.what) : NULL;
	if (rc == RC_OK)
		rc = held(tx, types, id, a, &now, &is_held, err);
	bool passes = kind && !kind->alone && !word.alone && said->labels.tlp <= TLP_AMBER &&
		      said->labels.audience_count == 0 && said->state >= 0;
	if (rc == RC_OK && passes)
		rc = passed_fields(from, said, a, &fields, err);
	struct record_change c = { .type = said->type, .fields = fields, .to_state = said->state, .why = said->why,
				   .labels = said->labels.json, .actor = STR("node") };
	if (is_held)
		c.id = id;
	else
		c.new_id = id;
	if (is_held && (now.state < 0 || !type_move(said->type, (unsigned)now.state, (unsigned)said->state)))
		c.to_state = -1;
	if (rc == RC_OK && passes)
		rc = put_passed(tx, x, &c, a, err);
	snapshot_drop(x->w.types, ref);
	/* marked stricter since: what went before goes back */
	if (rc == RC_OK && !passes && is_held)
		rc = together_take_back(tx, x, types, together_record_id(said, a), STR("node"), a, err);
	return rc;
}

enum rc together_take_back(struct tx *tx, struct exchange *x, const struct types *t, str original, str actor, struct arena *a,
			 struct err *err)
{
	const struct uuid id = together_passed_id(store_node_id(x->w.store), original);
	struct record now;
	bool is_held = false;
	enum rc rc = held(tx, t, id, a, &now, &is_held, err);
	if (rc != RC_OK || !is_held || !together_type(now.type))
		return rc;
	const int to = word_state(now.type, "contribution.withdrawn");
	if (to < 0 || now.state == to)
		return RC_OK;
	const struct record_change c = { .type = now.type, .id = id, .to_state = to, .why = STR("withdrawn by who said it"),
					 .actor = actor };
	return put_passed(tx, x, &c, a, err);
}
