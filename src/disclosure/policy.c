/* SPDX-License-Identifier: Apache-2.0 */
/* The policy in memory is a copy of the newest row: the row is what counts, since it commits with
 * what changed it. Making the row: policy_make.c. */
#include "disclosure/policy_private.h"

#include <stdlib.h>

struct agreement {
	struct uuid *parties;
	size_t party_count;
	str *flows;
	size_t flow_count;
	enum tlp tlp;
	enum pap pap;
	bool personal, hides;
	int64_t from_us, until_us;
	str kind;
};
struct table {
	struct arena *a;
	struct policy policy;
	int64_t next_us;
	struct agreement *list;
	size_t count;
};

static void table_free(void *table)
{
	struct table *t = table;

	arena_free(t->a);
	free(t);
}

/* --- rows --- */

enum rc policy_kept(struct conn *c, uint64_t number, struct arena *a, struct policy_row *out,
		    struct err *err)
{
	struct sql *q = number ?
		sql(c, "SELECT number, at_us, digest, body FROM policy WHERE number = ?") :
		sql(c, "SELECT number, at_us, digest, body FROM policy ORDER BY number DESC LIMIT 1");
	bool found;

	*out = (struct policy_row){ 0 };
	if (number)
		sql_int(q, 1, number > INT64_MAX ? INT64_MAX : (int64_t)number);
	found = sql_row(q);
	if (found) {
		str digest = sql_col_blob(q, 2);

		out->number = (uint64_t)sql_col_int(q, 0);
		out->at_us = sql_col_int(q, 1);
		if (digest.n == sizeof(out->digest.b))
			memcpy(out->digest.b, digest.p, digest.n);
		out->body = arena_str(a, sql_col_str(q, 3));
	}
	enum rc rc = sql_end(q, err);
	return rc != RC_OK || found ? rc : fail(err, RC_ABSENT, "there is no such policy");
}

static enum rc newest(struct conn *c, uint64_t *number, int64_t *next_us, struct err *err)
{
	struct sql *q = sql(c, "SELECT number, next_us FROM policy ORDER BY number DESC LIMIT 1");

	*number = 0;
	*next_us = INT64_MAX;
	if (sql_row(q)) {
		*number = (uint64_t)sql_col_int(q, 0);
		*next_us = sql_col_int(q, 1);
	}
	return sql_end(q, err);
}

static void read_agreement(struct json_object *o, struct arena *a, struct agreement *to)
{
	struct json_object *parties = json_get(o, "parties"), *flows = json_get(o, "flows");
	str type;

	*to = (struct agreement){ .kind = arena_str(a, json_get_str(o, "kind")) };
	to->parties = ARENA_ARRAY(a, json_count(parties) + 1, struct uuid);
	for (size_t i = 0; i < json_count(parties); i++)
		if (record_id_parse(json_text(json_at(parties, i)), &type,
				    &to->parties[to->party_count]))
			to->party_count++;
	to->flow_count = json_count(flows);
	to->flows = ARENA_ARRAY(a, to->flow_count + 1, str);
	for (size_t i = 0; i < to->flow_count; i++)
		to->flows[i] = arena_str(a, json_text(json_at(flows, i)));
	if (!tlp_parse(json_get_str(o, "tlp"), &to->tlp))
		to->tlp = TLP_CLEAR;
	to->pap = policy_pap(json_get_str(o, "pap"));
	if (!json_get_bool(o, "personal", &to->personal))
		to->personal = false;
	if (!json_get_bool(o, "hides", &to->hides))
		to->hides = false;
	if (!json_get_i64(o, "from_us", &to->from_us) || !json_get_i64(o, "until_us", &to->until_us))
		to->from_us = INT64_MAX; /* of times nobody can read: never */
}

static enum rc load(struct policies *p, struct conn *c, int64_t next_us, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct table *t = x_alloc(sizeof(*t));
	struct json_object *body = NULL, *list;
	struct policy_row row;

	*t = (struct table){ .a = a, .next_us = next_us };
	enum rc rc = policy_kept(c, 0, a, &row, err);
	if (rc == RC_OK)
		rc = json_read(row.body, &body, err);
	if (rc != RC_OK) {
		table_free(t);
		return rc;
	}
	t->policy = (struct policy){ .number = row.number, .public_k = p->from.public_k,
				     .marks = p->from.marks };
	list = json_get(body, "agreements");
	t->list = ARENA_ARRAY(a, json_count(list) + 1, struct agreement);
	for (; t->count < json_count(list); t->count++)
		read_agreement(json_at(list, t->count), a, &t->list[t->count]);
	json_free(body);
	snapshot_swap(p->now, t);
	return RC_OK;
}

/* The newest, held. */
static enum rc hold(struct policies *p, struct snapshot_ref **out, struct err *err)
{
	struct reader *r = NULL;
	uint64_t number;
	int64_t next_us;

	*out = snapshot_hold(p->now);
	enum rc rc = store_read_begin(p->s, &r, err);
	if (rc == RC_OK)
		rc = newest(reader_conn(r), &number, &next_us, err);
	const struct table *t = snapshot_table(*out);
	if (rc == RC_OK && (!t || t->policy.number != number || t->next_us != next_us)) {
		snapshot_drop(p->now, *out);
		rc = load(p, reader_conn(r), next_us, err);
		*out = snapshot_hold(p->now);
	}
	if (r)
		store_read_end(r);
	if (rc == RC_OK)
		return RC_OK;
	snapshot_drop(p->now, *out);
	*out = NULL;
	return rc;
}

/* --- asking --- */

static bool is_party(const struct agreement *g, const struct uuid *organisation)
{
	for (size_t i = 0; i < g->party_count; i++)
		if (uuid_equal(&g->parties[i], organisation))
			return true;
	return false;
}

/* Without a flow: any agreement will do. */
static bool lets_flow(const struct agreement *g, str flow)
{
	bool lets = !flow.p;

	for (size_t i = 0; i < g->flow_count; i++)
		lets = lets || str_eq(g->flows[i], flow);
	return lets;
}

static bool counts(const struct agreement *g, const struct uuid *organisation, int64_t now_us)
{
	return now_us >= g->from_us && now_us < g->until_us && is_party(g, organisation);
}

/* Of several agreements the widest counts, whole: ceilings of two are never mixed. */
static const struct agreement *find_agreement(const struct table *t, const struct uuid *organisation,
					      str flow, int64_t now_us)
{
	const struct agreement *best = NULL;

	for (size_t i = 0; i < t->count; i++) {
		const struct agreement *g = &t->list[i];

		if (!counts(g, organisation, now_us) || !lets_flow(g, flow))
			continue;
		if (!best || g->tlp > best->tlp || (g->tlp == best->tlp && g->personal && !best->personal))
			best = g;
	}
	return best;
}

static bool hides(const struct table *t, const struct uuid *organisation, int64_t now_us)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].hides && counts(&t->list[i], organisation, now_us))
			return true;
	return false;
}

static enum rc apply(struct policies *p, struct uuid organisation, str flow, struct recipient *to,
		     struct policy *policy_out, struct arena *a, str *kind_out, struct err *err)
{
	struct snapshot_ref *ref = NULL;

	to->agreement = false;
	if (kind_out)
		*kind_out = STR("");
	enum rc rc = hold(p, &ref, err);
	if (rc != RC_OK)
		return rc;
	const struct table *t = snapshot_table(ref);
	const struct agreement *g = uuid_is_zero(&organisation) ? NULL :
		find_agreement(t, &organisation, flow, clock_now_us());
	*policy_out = t->policy;
	to->members_hidden = hides(t, &organisation, clock_now_us());
	if (g) {
		to->agreement = true;
		to->agreed = g->tlp;
		to->agreed_pap = g->pap;
		to->personal_basis = to->personal_basis || g->personal;
		if (kind_out)
			*kind_out = arena_str(a, g->kind);
	}
	snapshot_drop(p->now, ref);
	return RC_OK;
}

enum rc policies_recipient(struct policies *p, struct uuid organisation, struct recipient *to,
			   struct policy *policy_out, struct arena *a, str *kind_out, struct err *err)
{
	return apply(p, organisation, STR_NONE, to, policy_out, a, kind_out, err);
}

enum rc policies_flow(struct policies *p, struct uuid organisation, str flow, struct recipient *to,
		      struct policy *policy_out, struct err *err)
{
	return apply(p, organisation, flow, to, policy_out, NULL, NULL, err);
}

enum rc policies_apply(struct policies *p, struct viewer *v, struct err *err)
{
	return policies_recipient(p, v->organisation, &v->as, &v->policy, NULL, NULL, err);
}

uint64_t policies_number(struct policies *p)
{
	struct snapshot_ref *ref = NULL;

	if (hold(p, &ref, NULL) != RC_OK)
		ref = snapshot_hold(p->now);
	const struct table *t = snapshot_table(ref);
	uint64_t number = t->policy.number; /* opening made the first */
	snapshot_drop(p->now, ref);
	return number;
}

/* --- life --- */

/* Background work: an agreement begins or runs out. */
static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct policies *p = ctx;
	struct snapshot_ref *ref = snapshot_hold(p->now);
	const struct table *t = snapshot_table(ref);
	bool due = t->next_us <= clock_now_us();

	(void)s;
	snapshot_drop(p->now, ref);
	*did_out = due;
	if (!due)
		return RC_OK;
	enum rc rc = policy_write(p, err);
	if (rc != RC_OK)
		return rc;
	rc = hold(p, &ref, err);
	if (rc == RC_OK)
		snapshot_drop(p->now, ref);
	return rc;
}

enum rc policies_open(struct store *s, struct records *r, const struct policy_sources *from,
		      struct policies **out, struct err *err)
{
	struct policies *p = x_alloc(sizeof(*p));
	struct snapshot_ref *ref = NULL;

	*p = (struct policies){ .s = s, .r = r, .from = *from, .now = snapshot_new(table_free) };
	p->roles = sha256(from->roles);
	p->from.roles = STR_NONE;
	enum rc rc = store_read_only(s) ? RC_OK : policy_write(p, err);
	if (rc == RC_OK)
		rc = hold(p, &ref, err);
	if (rc != RC_OK) {
		policies_close(p);
		return rc;
	}
	snapshot_drop(p->now, ref);
	/* not before all is well: neither can be taken back */
	const struct record_hook hook = { .changed = policy_record_changed, .ctx = p };
	records_add_hook(r, &hook);
	store_add_tend(s, tend, p);
	*out = p;
	return RC_OK;
}

void policies_close(struct policies *p)
{
	if (!p)
		return;
	snapshot_free(p->now);
	free(p);
}
