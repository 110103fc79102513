/* SPDX-License-Identifier: Apache-2.0 */
/* POST of objects, and what became of it: the status. */
#include "exchange/taxii_private.h"

enum { STATUS_FAILURES_MAX = 1000, FORGET_MOST = 200, LISTED_MOST = 100 };
#define STATUS_KEPT (2 * DAY_US)

struct posting {
	struct taxii *t;
	struct taken taken;
	struct uuid id;
	int64_t at_us;
	str failures;           /* JSON list */
	bool paced;             /* the push said where it stands */
	enum lane lane;
	int64_t after_us, upto_us;
};

/* --- where a push stands --- */

static bool lane_parse(str text, enum lane *out)
{
	static const char *const lanes[] = { [LANE_WARNING] = "warning", [LANE_INCIDENT] = "incident", [LANE_BULK] = "bulk" };
	for (size_t i = 0; i < COUNT_OF(lanes); i++)
		if (str_eq(text, str_of(lanes[i]))) {
			*out = (enum lane)i;
			return true;
		}
	return false;
}

static void wrong_place(struct taxii *t, int64_t upto_us)
{
	char digits[32];
	snprintf(digits, sizeof digits, "%lld", (long long)upto_us);
	taxii_begin(t, 409);
	json_put_str(&t->j, "title", STR("this does not go on where we stand: begin behind details.upto"));
	json_put_str(&t->j, "http_status", STR("409"));
	json_key(&t->j, STR("details"));
	json_open(&t->j, '{');
	json_put_i64(&t->j, "upto", upto_us);
	json_close(&t->j, '}');
	taxii_end(t);
	taxii_header(t, "Ronda-Upto", arena_str(t->a, str_of(digits)));
}

/* Answers when it cannot go on from there. */
static enum rc check_place(struct posting *p, bool *goes_on, struct err *err)
{
	const struct taxii_request *q = p->t->q;
	struct reader *r;
	int64_t at = 0;
	*goes_on = true;
	if (!q->after.p && !q->upto.p)
		return RC_OK;
	p->paced = true;
	if (!lane_parse(q->lane, &p->lane) || !str_to_i64(q->after, &p->after_us) || !str_to_i64(q->upto, &p->upto_us) ||
	    p->after_us < 0 || p->upto_us < p->after_us)
		return fail(err, RC_INPUT, "Ronda-Lane, Ronda-After and Ronda-Upto belong together: a lane and two times");
	enum rc rc = store_read_begin(p->t->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = take_upto(reader_conn(r), p->t->partner.id, p->lane, &at, err);
	store_read_end(r);
	*goes_on = rc != RC_OK || at == p->after_us;
	if (!*goes_on)
		wrong_place(p->t, at);
	return rc;
}

/* --- keeping the status --- */

static enum rc forget_old(struct tx *tx, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM taxii_status WHERE id IN (SELECT id FROM taxii_status WHERE at_us < ?"
					 " LIMIT ?)");
	sql_int(q, 1, tx_now_us(tx) - STATUS_KEPT);
	sql_int(q, 2, FORGET_MOST);
	return sql_run(q, err);
}

static str failures_json(struct posting *p);

/* Inside the job that ends the taking: `taken` is there. */
static enum rc keep(struct tx *tx, void *ctx, struct err *err)
{
	struct posting *p = ctx;
	p->failures = failures_json(p);
	struct sql *q = sql(tx_conn(tx), "INSERT INTO taxii_status (id, partner, at_us, total, successes, failures)"
					 " VALUES (?, ?, ?, ?, ?, ?)");
	sql_blob(q, 1, str_mem(p->id.b, sizeof p->id.b));
	sql_blob(q, 2, str_mem(p->t->partner.id.b, sizeof p->t->partner.id.b));
	sql_int(q, 3, p->at_us);
	sql_int(q, 4, (int64_t)p->taken.objects);
	sql_int(q, 5, (int64_t)p->taken.successes);
	sql_str(q, 6, p->failures);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && p->paced)
		rc = take_moved(tx, p->t->partner.id, p->lane, p->after_us, p->upto_us, err);
	return rc == RC_OK ? forget_old(tx, err) : rc;
}

static void put_outcome(struct json_out *j, str id, str version, str message)
{
	json_open(j, '{');
	json_put_str(j, "id", id.n > 0 ? id : STR("unknown--00000000-0000-4000-8000-000000000000"));
	json_put_str(j, "version", version.n > 0 ? version : STR("1970-01-01T00:00:00.000000Z"));
	if (message.n > 0)
		json_put_str(j, "message", message);
	json_close(j, '}');
}

/* All of them, or none where there are more than a status is to hold: a list is as long as its count. */
static str failures_json(struct posting *p)
{
	struct buf text = BUF_INIT(MIB(2));
	struct json_out j = json_out(&text);
	bool fits = p->taken.failure_count <= STATUS_FAILURES_MAX;
	json_open(&j, '[');
	for (size_t i = 0; fits && i < p->taken.failure_count; i++) {
		const struct take_failure *f = &p->taken.failures[i];
		put_outcome(&j, f->id, f->version, f->words);
	}
	json_close(&j, ']');
	str out = text.over ? STR("[]") : arena_str(p->t->a, buf_str(&text));
	buf_free(&text);
	return out;
}

struct kept_status {
	struct uuid id;
	int64_t at_us, total, successes;
	str failures;
};

static void put_status(struct taxii *t, const struct kept_status *s)
{
	struct buf id = BUF_INIT(64);
	uuid_format(&id, &s->id);
	json_put_str(&t->j, "id", buf_str(&id));
	buf_free(&id);
	json_put_str(&t->j, "status", STR("complete"));
	json_put_str(&t->j, "request_timestamp", taxii_time(t->a, s->at_us));
	json_put_i64(&t->j, "total_count", s->total);
	json_put_i64(&t->j, "success_count", s->successes);
	json_put_i64(&t->j, "failure_count", s->total - s->successes);
	json_put_i64(&t->j, "pending_count", 0);
	if (s->failures.n > 2) {
		json_key(&t->j, STR("failures"));
		json_raw(&t->j, s->failures);
	}
}

/* Of few objects also those that were taken, as long as somebody waits for the answer. Not to a courier: he knows what he
 * sent, and his line may be poor. */
static void put_successes(struct posting *p)
{
	struct json_out *j = &p->t->j;
	if (p->paced || p->taken.objects > LISTED_MOST || p->taken.successes == 0 || p->taken.failure_count > 0)
		return;
	json_key(j, STR("successes"));
	json_open(j, '[');
	for (size_t i = 0; i < p->taken.objects; i++)
		put_outcome(j, p->taken.ids[i], p->taken.versions[i], STR(""));
	json_close(j, ']');
}

static void answer_status(struct posting *p)
{
	const struct kept_status s = { p->id, p->at_us, (int64_t)p->taken.objects, (int64_t)p->taken.successes, p->failures };
	taxii_begin(p->t, 202);
	put_status(p->t, &s);
	put_successes(p);
	taxii_end(p->t);
}

/* --- taking --- */

static enum rc may_write(struct taxii *t, struct err *err)
{
	struct taxii_collection k;
	struct reader *r;
	/* what is a node's says so by its signature; a token of somebody of its organisation does not make it that */
	if (t->is_partner && t->q->who == TAXII_VIEWER && t->partner.kind == PARTNER_NODE)
		return fail(err, RC_DENIED, "'" STR_FMT "' is a node: it posts at the partners' listener, and signs", STR_ARG(t->partner.name));
	enum rc rc = taxii_open(t, &r, &k, err);
	if (r)
		store_read_end(r);
	return rc == RC_OK && !k.can_write ? fail(err, RC_DENIED, "this collection is not yours to write to") : rc;
}

static enum rc name_of(const struct posting *p, str body, str *out)
{
	struct digest d = sha256(body);
	struct buf text = BUF_INIT(64);
	hex_format(&text, d.b, 8);
	*out = arena_fmt(p->t->a, "taxii-" STR_FMT, STR_ARG(buf_str(&text)));
	buf_free(&text);
	return RC_OK;
}

static void taken_or_not(struct posting *p, enum rc rc, struct err *err)
{
	if (rc == RC_INPUT)
		taxii_fail(p->t, 400, err->text);
	else if (rc == RC_LIMIT || (rc == RC_OK && p->taken.objects == 0))
		taxii_fail(p->t, 422, rc == RC_OK ? "there is no object in it" : err->text);
	else
		taxii_fail_rc(p->t, rc, err);
}

static void take(struct posting *p, str body)
{
	struct err err = { 0 };
	str name;
	struct take_then then = { .fn = keep, .ctx = p };
	enum rc rc = name_of(p, body, &name);
	if (rc == RC_OK)
		rc = take_envelope_then(p->t->x, &p->t->partner, body, name, p->t->a, &p->taken, &then, &err);
	p->t->objects = p->taken.objects;
	if (rc != RC_OK || p->taken.objects == 0) {
		taken_or_not(p, rc, &err);
		return;
	}
	rc = then.rc;
	err = then.err;
	bool goes_on = true;
	if (rc == RC_CONFLICT && p->paced) /* the same came by another way meanwhile */
		rc = check_place(p, &goes_on, &err);
	if (rc == RC_OK && goes_on)
		answer_status(p);
	else if (rc != RC_OK)
		taxii_fail_rc(p->t, rc, &err);
}

static bool says_how(struct taxii *t)
{
	if (taxii_is_type(t->q->content_type) ||
	    (t->partner.kind == PARTNER_NODE && taxii_is_flat(t->q->content_type)))
		return true;
	taxii_fail(t, 415, "send application/taxii+json;version=2.1");
	return false;
}

static void take_packed(struct posting *p)
{
	struct err err = { 0 };
	struct buf body;
	enum rc rc = taxii_unpack(p->t->q->content_encoding, p->t->q->body, TAXII_UNPACKED_MAX, &body, &err);
	if (rc == RC_OK)
		take(p, buf_str(&body));
	else
		taxii_fail(p->t, rc == RC_DENIED ? 415 : rc == RC_LIMIT ? 413 : rc == RC_INPUT ? 400 : 503, err.text);
	buf_free(&body);
}

void taxii_post(struct taxii *t)
{
	struct posting p = { .t = t, .id = uuid_random(), .at_us = clock_now_us() };
	struct err err = { 0 };
	str encoding = str_trim_all(t->q->content_encoding);
	bool goes_on = true;
	enum rc rc = may_write(t, &err);
	if (rc != RC_OK) {
		taxii_fail_rc(t, rc, &err);
		return;
	}
	if (!says_how(t))
		return;
	if (t->q->body.n > TAXII_BODY_MAX) {
		taxii_fail(t, 413, "the body is larger than max_content_length");
		return;
	}
	rc = check_place(&p, &goes_on, &err);
	if (rc != RC_OK)
		taxii_fail_rc(t, rc, &err);
	else if (goes_on && (encoding.n == 0 || str_eq_nocase(encoding, STR("identity"))))
		take(&p, t->q->body);
	else if (goes_on)
		take_packed(&p);
}

/* --- asking again --- */

static enum rc load(struct taxii *t, const struct uuid *id, struct kept_status *out, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(t->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT at_us, total, successes, failures FROM taxii_status WHERE id = ?"
					    " AND partner = ?");
	sql_blob(q, 1, str_mem(id->b, sizeof id->b));
	sql_blob(q, 2, str_mem(t->partner.id.b, sizeof t->partner.id.b));
	bool found = sql_row(q);
	if (found)
		*out = (struct kept_status){ *id, sql_col_int(q, 0), sql_col_int(q, 1), sql_col_int(q, 2),
				       arena_str(t->a, sql_col_str(q, 3)) };
	rc = sql_end(q, err);
	store_read_end(r);
	return rc == RC_OK && !found ? fail(err, RC_ABSENT, "there is no such status, or not any more") : rc;
}

void taxii_status(struct taxii *t)
{
	struct err err = { 0 };
	struct kept_status s;
	struct uuid id;
	enum rc rc = t->is_partner && uuid_parse(t->id, &id) ? load(t, &id, &s, &err) :
							       fail(&err, RC_ABSENT, "there is no such status");
	if (rc != RC_OK) {
		taxii_fail_rc(t, rc, &err);
		return;
	}
	taxii_begin(t, 200);
	put_status(t, &s);
	taxii_end(t);
}
