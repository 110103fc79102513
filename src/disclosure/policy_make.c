/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a policy, from the agreements that stand, and its number. */
#include "disclosure/policy_private.h"

enum pap policy_pap(str text)
{
	static const char *const names[PAP_COUNT] = { "CLEAR", "GREEN", "AMBER", "RED" };

	for (int i = 0; i < PAP_COUNT; i++)
		if (str_eq_nocase(text, str_of(names[i])))
			return (enum pap)i;
	return PAP_RED;
}

/* --- agreements --- */

struct making {
	struct json_out j;
	int64_t now_us, next_us;
	const struct type *type;
};

static bool is_agreement(const struct type *t)
{
	return type_meaning(t, STR("agreement.party")) && type_meaning(t, STR("agreement.in-force"));
}

static struct json_object *value_of(const struct type *t, struct json_object *body, const char *meaning)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));

	return m && m->field ? json_get(body, m->field->name) : NULL;
}

/* A DATE or TIME; `missing` when there is none, `bad` when nobody can read it. */
static int64_t time_of(struct json_object *value, int64_t missing, int64_t bad)
{
	int64_t us = 0;

	if (!value)
		return missing;
	return time_parse(json_text(value), true, &us) ? us : bad;
}

static void next_at(struct making *m, int64_t us)
{
	if (us > m->now_us && us < m->next_us)
		m->next_us = us;
}

/* One text or several. */
static void put_list(struct json_out *j, const char *key, struct json_object *value)
{
	json_key(j, str_of(key));
	json_open(j, '[');
	if (json_text(value).n)
		json_str(j, json_text(value));
	for (size_t i = 0; i < json_count(value); i++)
		json_str(j, json_text(json_at(value, i)));
	json_close(j, ']');
}

static bool flag_of(const struct type *t, struct json_object *body, const char *meaning)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	bool is = false;
	return m && m->field && json_get_bool(body, m->field->name, &is) && is;
}

/* Pieces of what is said are copied as they are: reading takes what it understands, else the
 * strictest. */
static void put_agreement(struct making *m, const struct record *r, struct json_object *body,
			  int64_t from_us, int64_t until_us)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	struct json_out *j = &m->j;

	record_id_format(&id, r->type_name, &r->id);
	json_open(j, '{');
	json_put_str(j, "id", buf_str(&id));
	json_put_i64(j, "version", (int64_t)r->version);
	json_put_str(j, "kind", json_text(value_of(r->type, body, "agreement.kind")));
	json_put_str(j, "tlp", json_text(value_of(r->type, body, "agreement.tlp")));
	json_put_str(j, "pap", json_text(value_of(r->type, body, "agreement.pap")));
	json_put_bool(j, "personal", flag_of(r->type, body, "agreement.personal"));
	json_put_bool(j, "hides", flag_of(r->type, body, "agreement.hides"));
	json_put_i64(j, "from_us", from_us);
	json_put_i64(j, "until_us", until_us);
	put_list(j, "parties", value_of(r->type, body, "agreement.party"));
	put_list(j, "flows", value_of(r->type, body, "agreement.flows"));
	json_close(j, '}');
	buf_free(&id);
}

static bool take_agreement(void *ctx, const struct record *r)
{
	struct making *m = ctx;
	struct json_object *body = NULL;

	/* of exercises none is listed */
	if (r->number == 0 || r->erased || json_read(r->body, &body, NULL) != RC_OK)
		return true;
	int64_t from = time_of(value_of(r->type, body, "agreement.from"), 0, INT64_MAX);
	int64_t until = time_of(value_of(r->type, body, "agreement.until"), INT64_MAX, 0);
	const struct meaning *last = type_meaning(r->type, STR("agreement.until"));

	if (last && last->field && last->field->kind == KIND_DATE && until > 0 && until < INT64_MAX)
		until += DAY_US; /* the last day counts */
	next_at(m, from);
	if (from <= m->now_us)
		next_at(m, until);
	if (from <= m->now_us && m->now_us < until)
		put_agreement(m, r, body, from, until);
	json_free(body);
	return true;
}

static enum rc put_agreements(struct conn *c, const struct types *types, struct making *m,
			      struct err *err)
{
	enum rc rc = RC_OK;

	json_key(&m->j, STR("agreements"));
	json_open(&m->j, '[');
	for (size_t i = 0; rc == RC_OK && i < types_count(types); i++) {
		const struct type *t = types_at(types, i);

		if (!is_agreement(t))
			continue;
		const struct record_query q = {
			.type = t,
			.states = UINT64_C(1) << type_meaning(t, STR("agreement.in-force"))->state,
			.ascending = true, .tlp_mask = UINT32_MAX, .with_body = true,
		};
		rc = record_list(c, types, &q, take_agreement, m, err);
	}
	json_close(&m->j, ']');
	return rc;
}

/* --- the row --- */

static struct digest marks_digest(const struct marks *m)
{
	struct sha256 *h = sha256_new();
	char text[160];

	for (size_t i = 0; i < m->classification_count; i++) {
		const struct classification *c = &m->classifications[i];
		int n = snprintf(text, sizeof(text), "c %.100s %d %u\n", c->name, (int)c->tlp, c->cleared);
		sha256_add(h, str_mem(text, (size_t)n));
	}
	for (size_t i = 0; i < m->licence_count; i++) {
		const struct licence *l = &m->licences[i];
		int n = snprintf(text, sizeof(text), "l %.100s %u %d\n", l->name, l->to, (int)l->own);
		sha256_add(h, str_mem(text, (size_t)n));
	}
	return sha256_end(h);
}

static void put_digest(struct json_out *j, const char *key, const struct digest *d)
{
	struct buf hex = BUF_INIT(2 * sizeof(d->b) + 1);

	hex_format(&hex, d->b, sizeof(d->b));
	json_put_str(j, key, buf_str(&hex));
	buf_free(&hex);
}

static enum rc keep(struct tx *tx, const struct policies *p, str body, int64_t next_us, struct err *err)
{
	struct conn *c = tx_conn(tx);
	struct digest digest = sha256(body);
	struct arena *a = arena_new(KIB(1));
	struct policy_row last;

	enum rc rc = policy_kept(c, 0, a, &last, err);
	bool same = rc == RC_OK && memcmp(last.digest.b, digest.b, sizeof(digest.b)) == 0;
	int64_t number = (int64_t)last.number + !same;
	arena_free(a);
	if (rc != RC_OK && rc != RC_ABSENT)
		return rc;
	struct sql *q = same ?
		sql(c, "UPDATE policy SET next_us = ?2 WHERE number = ?1 AND next_us <> ?2") :
		sql(c, "INSERT INTO policy (number, next_us, at_us, digest, body) VALUES (?, ?, ?, ?, ?)");
	sql_int(q, 1, number);
	sql_int(q, 2, next_us);
	if (!same) {
		sql_int(q, 3, tx_now_us(tx));
		sql_blob(q, 4, str_mem(digest.b, sizeof(digest.b)));
		sql_str(q, 5, body);
	}
	rc = sql_run(q, err);
	if (rc != RC_OK || same)
		return rc;
	char object[40];
	snprintf(object, sizeof(object), "policy:%lld", (long long)number);
	const struct journal_act act = { .act = "policy", .actor = STR("node"), .object = str_of(object),
					 .body = body };
	return journal_add(tx, records_journal(p->r), &act, err);
}

static enum rc write_row(struct tx *tx, void *ctx, struct err *err)
{
	struct policies *p = ctx;
	struct buf body = BUF_INIT(MIB(1)); /* it becomes a line of the journal */
	struct snapshot *types = records_types_snapshot(p->r);
	struct snapshot_ref *ref = snapshot_hold(types);
	struct digest marks = marks_digest(p->from.marks ? p->from.marks : &marks_built_in);
	struct making m = { .j = json_out(&body), .now_us = tx_now_us(tx), .next_us = INT64_MAX };

	json_open(&m.j, '{');
	json_put_i64(&m.j, "public_k", (int64_t)p->from.public_k);
	put_digest(&m.j, "marks", &marks);
	put_digest(&m.j, "roles", &p->roles);
	enum rc rc = put_agreements(tx_conn(tx), snapshot_table(ref), &m, err);
	json_close(&m.j, '}');
	snapshot_drop(types, ref);
	if (rc == RC_OK && body.over)
		rc = fail(err, RC_LIMIT, "the policy is over 1 MiB: too many agreements are in force");
	if (rc == RC_OK)
		rc = keep(tx, p, buf_str(&body), m.next_us, err);
	buf_free(&body);
	return rc;
}

enum rc policy_write(struct policies *p, struct err *err)
{
	return store_write(p->s, write_row, p, err);
}

enum rc policy_record_changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			      const struct record *now, struct err *err)
{
	(void)r;
	(void)before;
	/* of a type that is not loaded any more: it may have been one */
	return !now->type || is_agreement(now->type) ? write_row(tx, ctx, err) : RC_OK;
}
