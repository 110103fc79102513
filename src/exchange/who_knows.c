/* SPDX-License-Identifier: Apache-2.0 */
/* Asking; and seeing that something was asked. */
#include "exchange/who_knows_private.h"

#include "base/ip.h"
#include "base/json.h"
#include "record/outbox.h"

enum { VALUE_MOST = 200, LOOK_MOST = 256 };
#define CURSOR STR("exchange:who-knows")

enum rc who_knows_value(str value, struct err *err)
{
	if (value.n < 2 || value.n > VALUE_MOST || !str_is_utf8(value))
		return fail(err, RC_INPUT, "an address, a domain, a digest or the name of a malware is asked about");
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if (c <= ' ' || c == 0x7f || c == '/' || c == '*' || c == '"' || c == '\\')
			return fail(err, RC_INPUT, "one value is asked about: no network, no pattern, no words");
	}
	return value.p[0] == '.' ? fail(err, RC_INPUT, "one domain is asked about, not all below it") : RC_OK;
}

/* --- asking --- */

struct asking {
	struct exchange *x;
	const struct viewer *v;
	struct arena *a;
	struct change_request q;
	str id;
};

static enum rc ask_job(struct tx *tx, void *ctx, struct err *err)
{
	struct asking *k = ctx;
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	enum rc rc = change_record_tx(tx, k->x->w.records, k->v, &k->q, k->a, &view, &errors, err);
	if (rc == RC_OK)
		k->id = record_view_id(&view, k->a);
	record_view_end(&view);
	return rc;
}

static enum rc audience_of(struct exchange *x, str partner, struct arena *a, str *out, struct err *err)
{
	struct reader *r = NULL;
	struct partner p;
	*out = STR("");
	if (!partner.n)
		return RC_OK;
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = partner_find(x, reader_conn(r), partner, a, &p, err);
	store_read_end(r);
	if (rc == RC_OK && uuid_is_zero(&p.organisation))
		rc = fail(err, RC_INPUT, "the record of partner '" STR_FMT "' does not say whose node it is", STR_ARG(p.name));
	if (rc == RC_OK)
		*out = together_record_id(&(const struct record){ .type_name = STR("organisation"), .id = p.organisation }, a);
	return rc;
}

static void put_labels(struct buf *out, str tlp, str audience)
{
	struct json_out j = json_out(out);
	json_open(&j, '{');
	json_put_str(&j, "tlp", tlp.n ? tlp : STR("AMBER"));
	if (audience.n) {
		json_key(&j, STR("audience"));
		json_open(&j, '[');
		json_str(&j, audience);
		json_close(&j, ']');
	}
	json_close(&j, '}');
}

enum rc who_knows_ask(struct exchange *x, const struct viewer *v, str value, str partner, str tlp, str why, struct arena *a,
		      str *id_out, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	const struct type *t = types_meaning(snapshot_table(ref), STR("inquiry.value"));
	struct buf fields = BUF_INIT(KIB(16)), labels = BUF_INIT(400);
	struct json_out j = json_out(&fields);
	str audience;
	enum rc rc = t ? who_knows_value(value, err) : fail(err, RC_ABSENT, "no type of record here is an inquiry");
	if (rc == RC_OK)
		rc = audience_of(x, partner, a, &audience, err);
	if (rc == RC_OK) {
		json_open(&j, '{');
		json_put_str(&j, together_field(t, "inquiry.value")->name, value);
		if (why.n && together_field(t, "inquiry.why"))
			json_put_str(&j, together_field(t, "inquiry.why")->name, why);
		json_close(&j, '}');
		put_labels(&labels, tlp, audience);
		struct asking k = { .x = x, .v = v, .a = a, .q = { .type = str_of(t->name), .fields = buf_str(&fields),
								   .labels = buf_str(&labels) } };
		rc = store_write(x->w.store, ask_job, &k, err);
		if (rc == RC_DENIED)
			change_refused(x->w.records, x->w.store, v, str_of(t->name), str_of(err->text));
		*id_out = k.id;
	}
	buf_free(&fields);
	buf_free(&labels);
	snapshot_drop(x->w.types, ref);
	return rc;
}

/* --- what was asked of us --- */

/* Newest versions of copies, behind the cursor; *upto: looked at up to there. */
static enum rc find_asked(struct conn *c, const struct type *t, uint64_t from, struct uuid *list, size_t *count,
			  uint64_t *upto, struct err *err)
{
	struct sql *q = sql(c, "SELECT v.id, r.uuid, r.number, n.name FROM record_version v JOIN record r ON r.id = v.record"
			       " JOIN record_name n ON n.id = r.type WHERE v.id > ? ORDER BY v.id LIMIT ?");
	sql_int(q, 1, (int64_t)from);
	sql_int(q, 2, LOOK_MOST);
	while (sql_row(q)) {
		*upto = (uint64_t)sql_col_int(q, 0);
		if (sql_col_int(q, 2) != 0 || !str_eq(sql_col_str(q, 3), str_of(t->name)) || sql_col_blob(q, 1).n != 16)
			continue;
		memcpy(list[(*count)++].b, sql_col_blob(q, 1).p, 16);
	}
	return sql_end(q, err);
}

static enum rc move_on(struct tx *tx, void *ctx, struct err *err)
{
	const uint64_t *place = ctx;
	return outbox_cursor_move(tx, CURSOR, place[0], place[1], err);
}

/* Each is answered in a job of its own, once by its id; then the cursor goes on: cut off in between, the same
 * answers are no news. */
static enum rc look(struct exchange *x, struct reader *r, const struct types *types, const struct type *t, bool *did,
		    struct err *err)
{
	struct uuid list[LOOK_MOST];
	size_t count = 0;
	uint64_t place[2] = { 0, 0 };
	enum rc rc = outbox_cursor(reader_conn(r), CURSOR, &place[0], err);
	place[1] = place[0];
	if (rc == RC_OK)
		rc = find_asked(reader_conn(r), t, place[0], list, &count, &place[1], err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = who_knows_answer(x, r, types, list[i], err);
	/* nothing is written for each version of anything: only when there was something, or much to look through */
	if (rc != RC_OK || (count == 0 && place[1] < place[0] + LOOK_MOST))
		return rc;
	*did = true;
	return store_write(x->w.store, move_on, place, err);
}

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct exchange *x = ctx;
	struct reader *r = NULL;
	*did_out = false;
	if (store_read_only(s))
		return RC_OK;
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	const struct types *types = snapshot_table(ref);
	const struct type *t = types_meaning(types, STR("inquiry.value"));
	enum rc rc = t ? store_read_begin(s, &r, err) : RC_OK;
	if (rc == RC_OK && t)
		rc = look(x, r, types, t, did_out, err);
	if (r)
		store_read_end(r);
	snapshot_drop(x->w.types, ref);
	return rc;
}

enum rc who_knows_open(struct exchange *x, struct err *err)
{
	(void)err;
	store_add_tend(x->w.store, tend, x);
	return RC_OK;
}
