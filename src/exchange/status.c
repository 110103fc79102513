/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/status.h"

#include "disclosure/told_partner.h"
#include "exchange/withdraw.h"

/* What an agreement can let flow, as its type has it. */
static const char *const flows[] = { "findings", "incidents", "warnings", "indicators", "requests", "statistics" };
static const char *const lanes[LANES] = { "warning", "incident", "bulk" };

/* A line is quiet when nothing went well for so long though something waits. */
#define QUIET_US (15 * MINUTE_US)

static enum rc put_flows(struct policies *p, struct uuid organisation, struct arena *a, str *out, struct err *err)
{
	struct buf b = BUF_INIT(200);
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(flows); i++) {
		bool agreed = false;
		rc = told_partner_flow(p, organisation, str_of(flows[i]), NULL, &agreed, err);
		if (rc == RC_OK && agreed)
			buf_fmt(&b, "%s%s", b.n > 0 ? "," : "", flows[i]);
	}
	*out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return rc;
}

struct looking {
	const struct partner *p;
	struct collection found;
};

static bool is_outbox(void *ctx, const struct collection *c)
{
	struct looking *l = ctx;
	if (c->kind != COLLECTION_OUT || !uuid_equal(&c->partner, &l->p->id))
		return true;
	l->found.id = c->id;
	return false;
}

/* What failed last of sending to him and of fetching from him; else what is odd there. */
static str line_words(const struct partner *p, const struct line_state *s, struct arena *a)
{
	bool out = s->failure.n > 0, in = p->pull && s->fetch_failure.n > 0;
	if (out && in && !str_eq(s->failure, s->fetch_failure))
		return arena_fmt(a, STR_FMT "; and nothing is fetched from it: " STR_FMT, STR_ARG(s->failure), STR_ARG(s->fetch_failure));
	return out ? s->failure : in && p->push ? arena_fmt(a, "nothing is fetched from it (sending goes on): " STR_FMT,
							    STR_ARG(s->fetch_failure)) : in ? s->fetch_failure : p->pull ? s->note : STR("");
}

static str trouble_of(const struct exchange *x, const struct partner *p, const struct partner_status *s, int64_t now_us, struct arena *a)
{
	uint64_t waits = 0;
	for (size_t i = 0; i < LANES; i++)
		waits += s->backlog[i].items;
	if (!p->active)
		return STR("not active: move it to 'active' once both have read the same six words");
	if (p->pull && s->line.fetch_failure.n + s->line.note.n > 0) /* to fetch from somebody nothing needs to be agreed */
		return line_words(p, &s->line, a);
	if (p->pull && !p->push)
		return STR("");
	if (uuid_is_zero(&p->organisation))
		return STR("no organisation is named: nothing flows until the partner's record says whose node it is");
	if (!s->agreement)
		return STR("no agreement is in force with it: nothing flows (ronda agreement new)");
	if (s->flows.n == 0)
		return STR("the agreement says of nothing that it flows: fill in what flows");
	if (s->line.failure.n > 0)
		return line_words(p, &s->line, a);
	if (quota_words(x, p, &s->quota, now_us, a).n)
		return quota_words(x, p, &s->quota, now_us, a);
	if (waits > 0 && p->push && s->line.last_success_us < now_us - QUIET_US)
		return arena_fmt(a, "%llu items wait and nothing went through for a quarter of an hour: see the log, or "
				    "'ronda partner sync'", (unsigned long long)waits);
	return STR("");
}

/* Withdrawals behind the place up to which he said that he has all. */
static enum rc count_missing(struct conn *c, int64_t collection, struct partner_status *s, struct err *err)
{
	enum rc rc = RC_OK;
	for (int lane = 0; rc == RC_OK && lane < LANES; lane++) {
		uint64_t n = 0;
		rc = withdrawn_unanswered(c, collection, (enum lane)lane, s->line.out_us[lane], &n, err);
		s->withdrawn_missing += n;
	}
	return rc;
}

enum rc partner_status(struct exchange *x, struct reader *r, const struct partner *p, int64_t now_us, struct arena *a,
		       struct partner_status *out, struct err *err)
{
	struct policies *policies = exchange_world_of(x)->policies;
	struct recipient to = { .kind = RECIPIENT_PARTNER };
	struct looking l = { .p = p };
	struct policy policy;
	*out = (struct partner_status){ .flows = STR(""), .agreement_kind = STR("") };
	enum rc rc = courier_state(x, reader_conn(r), p->id, a, &out->line, err);
	if (rc == RC_OK)
		rc = quota_state(reader_conn(r), p->id, now_us, &out->quota, err);
	if (rc == RC_OK)
		rc = policies_recipient(policies, p->organisation, &to, &policy, a, &out->agreement_kind, err);
	out->agreement = to.agreement;
	out->agreed = to.agreed;
	if (rc == RC_OK && to.agreement)
		rc = put_flows(policies, p->organisation, a, &out->flows, err);
	if (rc == RC_OK)
		rc = collections_list(reader_conn(r), is_outbox, &l, err);
	for (int lane = 0; rc == RC_OK && l.found.id && lane < LANES; lane++)
		rc = collection_backlog(reader_conn(r), l.found.id, lane, out->line.out_us[lane], &out->backlog[lane],
					err);
	if (rc == RC_OK && l.found.id)
		rc = count_missing(reader_conn(r), l.found.id, out, err);
	if (rc == RC_OK)
		out->trouble = trouble_of(x, p, out, now_us, a);
	return rc;
}

static void put_time(struct json_out *j, const char *key, int64_t us)
{
	if (us)
		json_put_time(j, key, us);
}

void partner_status_json(const struct partner *p, const struct partner_status *s, struct json_out *j)
{
	uint64_t waits = 0;
	int64_t oldest = 0;
	json_put_str(j, "direction", p->push && p->pull ? STR("push and pull") : p->push ? STR("push") :
				     p->pull ? STR("pull") : STR("they call us"));
	json_put_str(j, "agreement", s->agreement ? s->agreement_kind.n > 0 ? s->agreement_kind : STR("in force") : STR(""));
	if (s->agreement)
		json_put_str(j, "tlp", str_of(tlp_name(s->agreed)));
	json_put_str(j, "flows", s->flows);
	put_time(j, "last_success", s->line.last_success_us);
	put_time(j, "last_try", s->line.last_try_us);
	put_time(j, "retry", s->line.retry_us);
	put_time(j, "fetch_retry", s->line.fetch_retry_us);
	json_key(j, STR("backlog"));
	json_open(j, '{');
	for (int i = 0; i < LANES; i++) {
		json_put_i64(j, lanes[i], (int64_t)s->backlog[i].items);
		waits += s->backlog[i].items;
		if (s->backlog[i].oldest_us && (!oldest || s->backlog[i].oldest_us < oldest))
			oldest = s->backlog[i].oldest_us;
	}
	json_close(j, '}');
	json_put_i64(j, "waits", (int64_t)waits);
	put_time(j, "oldest", oldest);
	if (s->withdrawn_missing)
		json_put_i64(j, "withdrawn_missing", (int64_t)s->withdrawn_missing);
	json_put_i64(j, "sent", (int64_t)s->line.sent);
	json_put_i64(j, "received", (int64_t)s->line.received);
	json_put_i64(j, "bytes_out", (int64_t)s->line.bytes_out);
	json_put_i64(j, "bytes_in", (int64_t)s->line.bytes_in);
	if (s->line.rtt_us)
		json_put_i64(j, "rtt_ms", s->line.rtt_us / 1000);
	if (s->line.rate)
		json_put_i64(j, "bytes_a_second", (int64_t)s->line.rate);
	json_put_i64(j, "refused", (int64_t)s->quota.refused);
	json_put_i64(j, "bytes_today", (int64_t)s->quota.day_bytes);
	json_put_str(j, "trouble", s->trouble);
}
