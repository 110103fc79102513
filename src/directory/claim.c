/* SPDX-License-Identifier: Apache-2.0 */
#include "directory/claim.h"

#include "base/clock.h"
#include "event/normalise.h"

struct proving {
	struct record_view view;
	const struct type *type;
	str domain; /* "" of another kind */
};

static const struct type_field *field_of(const struct type *t, const char *word)
{
	const struct meaning *m = t ? type_meaning(t, str_of(word)) : NULL;
	return m ? m->field : NULL;
}

static void token_of(struct store *s, const struct uuid *id, char out[CLAIM_TOKEN_BYTES])
{
	struct hash128 h = keyed_hash128(store_secret(s), "claim", str_mem(id->b, sizeof(id->b)));
	snprintf(out, CLAIM_TOKEN_BYTES, "ronda-claim=%016llx%016llx", (unsigned long long)h.hi,
		 (unsigned long long)h.lo);
}

static enum rc read_claim(struct records *r, struct store *s, const struct viewer *v,
			  const struct claim_ask *q, struct arena *a, struct proving *p,
			  struct claim_answer *out, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(r));
	struct reader *rd = NULL;
	struct uuid id;
	str type;
	*p = (struct proving){ .domain = STR("") };
	*out = (struct claim_answer){ .where = STR("") };
	enum rc rc = store_read_begin(s, &rd, err);
	if (rc == RC_OK)
		rc = read_record(rd, snapshot_table(ref), v, q->id, a, &p->view, err);
	if (rc == RC_OK) {
		p->type = record_view_type(&p->view);
		if (!field_of(p->type, "claim.value") || !field_of(p->type, "claim.token") ||
		    !record_id_parse(record_view_id(&p->view, a), &type, &id))
			rc = fail(err, RC_INPUT, "'" STR_FMT "' is no claim", STR_ARG(q->id));
	}
	if (rc == RC_OK) {
		str kind = json_get_str(p->view.body, field_of(p->type, "claim.kind")->name);
		str value = json_get_str(p->view.body, field_of(p->type, "claim.value")->name);
		token_of(s, &id, out->token);
		if (str_eq(kind, STR("domain")) && !fqdn_normalise(value, a, &p->domain))
			rc = fail(err, RC_INPUT, "'" STR_FMT "' is no domain", STR_ARG(str_head(value, 100)));
		if (p->domain.n)
			out->where = arena_fmt(a, "_ronda." STR_FMT, STR_ARG(p->domain));
	}
	if (rd)
		store_read_end(rd);
	snapshot_drop(records_types_snapshot(r), ref); /* types live as long as the node */
	return rc;
}

static void put(struct json_out *j, const struct type *t, const char *word, str value)
{
	const struct type_field *f = field_of(t, word);
	if (f)
		json_put_str(j, f->name, value);
}

enum rc claim_tell_token(struct records *r, struct store *s, const struct viewer *v,
			 const struct claim_ask *q, struct arena *a, struct claim_answer *out,
			 struct err *err)
{
	struct proving p;
	enum rc rc = read_claim(r, s, v, q, a, &p, out, err);
	if (rc == RC_OK && !str_eq(json_get_str(p.view.body, field_of(p.type, "claim.token")->name),
				   str_of(out->token))) {
		struct buf fields = BUF_INIT(KIB(4));
		struct json_out j = json_out(&fields);
		struct record_view made;
		json_open(&j, '{');
		put(&j, p.type, "claim.token", str_of(out->token));
		json_close(&j, '}');
		struct change_request c = { .id = record_view_id(&p.view, a), .fields = buf_str(&fields),
					    .language = q->language };
		rc = change_record(r, s, v, &c, a, &made, NULL, err);
		record_view_end(&made);
		buf_free(&fields);
	}
	record_view_end(&p.view);
	return rc;
}

static enum rc find_token(const struct claim_ask *q, const struct claim_answer *want, struct arena *a,
			  struct err *err)
{
	str *texts;
	size_t count;
	enum rc rc = q->txt(q->txt_ctx, arena_z(a, want->where), a, &texts, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (str_eq(str_trim_all(texts[i]), str_of(want->token)))
			return RC_OK;
	return rc == RC_OK ? fail(err, RC_ABSENT, "'" STR_FMT "' has %zu TXT records, none of them %s",
				  STR_ARG(want->where), count, want->token) : rc;
}

enum rc claim_check(struct records *r, struct store *s, const struct viewer *v,
		    const struct claim_ask *q, struct arena *a, struct claim_answer *out, struct err *err)
{
	struct proving p;
	char today[16];
	enum rc rc = read_claim(r, s, v, q, a, &p, out, err);
	const struct meaning *proved = rc == RC_OK ? type_meaning(p.type, STR("claim.proved")) : NULL;
	if (rc == RC_OK && !out->where.n)
		rc = fail(err, RC_INPUT, "only a domain is proved by the DNS: note the letter and move it by hand");
	if (rc == RC_OK && (!proved || record_view_state(&p.view) < 0 ||
			    !type_move(p.type, (unsigned)record_view_state(&p.view), proved->state)))
		rc = fail(err, RC_CONFLICT, "it does not wait for proof");
	if (rc == RC_OK)
		rc = find_token(q, out, a, err);
	if (rc == RC_OK) {
		struct buf fields = BUF_INIT(KIB(4));
		struct json_out j = json_out(&fields);
		struct record_view made;
		json_open(&j, '{');
		put(&j, p.type, "claim.token", str_of(out->token));
		put(&j, p.type, "claim.method", STR("dns"));
		put(&j, p.type, "claim.proved-on", time_day_str(today, q->now_us));
		put(&j, p.type, "claim.proof", arena_fmt(a, "TXT record of " STR_FMT, STR_ARG(out->where)));
		json_close(&j, '}');
		struct change_request c = { .id = record_view_id(&p.view, a), .fields = buf_str(&fields),
					    .to_state = str_of(p.type->states[proved->state].name),
					    .why = STR("the token is in the DNS"), .language = q->language };
		rc = change_record(r, s, v, &c, a, &made, NULL, err);
		record_view_end(&made);
		buf_free(&fields);
		out->proved = rc == RC_OK;
	}
	record_view_end(&p.view);
	return rc;
}
