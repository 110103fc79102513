/* SPDX-License-Identifier: Apache-2.0 */
/* Findings for output. */
#include "disclosure/read_private.h"

#include "base/json.h"

struct finding_gate {
	const struct viewer *v;
	finding_each each;
	void *ctx;
};

/* NO: does not exist. What names a person is cut in `f`, a copy. */
static bool finding_passes(const struct viewer *v, struct finding *f)
{
	bool known = (unsigned)f->tlp < TLP_COUNT;
	struct labels item = { .tlp = known ? f->tlp : TLP_COUNT, .personal = true,
			       .exercise = f->exercise, .held = f->held_us != 0, .sources = 1 };
	enum verdict verdict = viewer_verdict(v, &item, PURPOSE_HANDLING);

	if (verdict == DISCLOSE_NO)
		return false;
	if (verdict == DISCLOSE_REDACT)
		f->mark_reason = STR(""); /* free words about people */
	return true;
}

static bool pass_finding(void *ctx, const struct finding *f)
{
	const struct finding_gate *g = ctx;
	struct finding copy = *f;

	return finding_passes(g->v, &copy) ? g->each(g->ctx, &copy) : true;
}

enum rc read_findings(struct reader *r, const struct viewer *v, struct finding_query *q,
		      finding_each each, void *ctx, struct err *err)
{
	struct finding_gate g = { .v = v, .each = each, .ctx = ctx };

	enum rc rc = need_right(v, RIGHT_READ, err);
	if (rc != RC_OK)
		return rc;
	q->tlp_mask = disclosure_tlp_mask(&v->as, v->channel, PURPOSE_HANDLING, &v->policy);
	q->exercise = v->exercise && v->as.exercise_member;
	return findings_list(r, q, pass_finding, &g, err);
}

enum rc read_finding(struct reader *r, const struct viewer *v, str id, struct arena *a,
		     struct finding *out, struct err *err)
{
	uint8_t b[16] = { 0 };
	struct hash128 hash = { 0, 0 };

	enum rc rc = need_right(v, RIGHT_READ, err);
	if (rc != RC_OK)
		return rc;
	if (!hex_parse(id, b, sizeof(b)))
		memset(b, 0, sizeof(b)); /* no finding: the same way and answer as an unknown one */
	for (size_t i = 0; i < 8; i++) {
		hash.hi = hash.hi << 8 | b[i];
		hash.lo = hash.lo << 8 | b[8 + i];
	}
	rc = findings_get(r, hash, a, out, err);
	if (rc == RC_OK && finding_passes(v, out))
		return RC_OK;
	*out = (struct finding){ 0 };
	if (rc != RC_OK && rc != RC_ABSENT)
		return rc;
	return fail(err, RC_ABSENT, "there is no such finding");
}

static void put_optional_time(struct json_out *j, const char *key, int64_t us)
{
	if (us != 0)
		json_put_time(j, key, us);
}

void finding_json(const struct finding *f, const struct directory *d, struct json_out *j)
{
	char id[40];

	snprintf(id, sizeof(id), "%016llx%016llx", (unsigned long long)f->id.hi,
		 (unsigned long long)f->id.lo);
	json_open(j, '{');
	json_put_str(j, "id", str_of(id));
	json_put_str(j, "state", str_of(finding_state_name(f->state)));
	json_put_str(j, "type", f->type);
	json_put_str(j, "identifier", f->identifier);
	json_put_str(j, "severity", f->severity);
	json_put_str(j, "key", f->key);
	json_put_str(j, "cc", f->cc);
	if (f->asn)
		json_put_i64(j, "asn", f->asn);
	json_put_str(j, "tlp", str_of(tlp_name(f->tlp)));
	if (f->confidence)
		json_put_i64(j, "confidence", f->confidence - 1);
	json_put_time(j, "first_seen", f->first_seen_us);
	json_put_time(j, "last_seen", f->last_seen_us);
	json_put_i64(j, "events", (int64_t)f->events);
	json_put_i64(j, "returns", (int64_t)f->returns);
	json_put_bool(j, "shared_address", f->shared_address);
	json_put_bool(j, "exercise", f->exercise);
	put_optional_time(j, "told", f->told_us);
	put_optional_time(j, "answered", f->answered_us);
	put_optional_time(j, "held", f->held_us);
	json_put_str(j, "reason", f->mark_reason);
	json_key(j, STR("concerns"));
	json_open(j, '[');
	for (size_t i = 0; i < f->concerns.count; i++)
		match_json(&f->concerns.list[i], d, j);
	json_close(j, ']');
	json_close(j, '}');
}
