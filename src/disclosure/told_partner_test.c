/* SPDX-License-Identifier: Apache-2.0 */
/* What may go to a partner's node: by agreement, flow and marking; never what came from it. */
#include "disclosure/records_world.h"

#include "disclosure/told_partner.h"
#include "route/concern_later.h"
#include "store/fault_test.h"

enum { ORG = 4, DRILLED = 5 };
#define HOUSE "organisation--0a010000-0000-0000-0000-000000000000"

struct desk {
	struct world w;
	struct policies *p;
	uint64_t last;
};

static enum rc org_job(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO org (id, name, folded, kind, country, sector, timezone, changed_us, record)"
					 " VALUES (4, 'c', 'c', '', '', '', '', 0, ?)");
	(void)ctx;
	sql_blob(q, 1, str_mem(house_a.b, sizeof house_a.b));
	return sql_run(q, e);
}

static void agree(struct desk *d, const char *flows, const char *tlp, const char *more)
{
	struct viewer lead = staff(LEAD, 1);
	struct record_view view;
	str fields = arena_fmt(d->w.a, "{\"title\":\"x\",\"kind\":\"treaty\",\"parties\":[\"" HOUSE "\"],\"flows\":%s,"
				       "\"tlp_ceiling\":\"%s\",\"from\":\"2020-01-01\"%s}", flows, tlp, more);
	const struct change_request q = { .type = STR("agreement"), .fields = fields };
	CHECK_RC(change(&d->w, &lead, &q, &view), RC_OK, err);
	const struct change_request into = { .type = STR("agreement"), .id = record_view_id(&view, d->w.a),
					     .to_state = STR("in-force") };
	record_view_end(&view);
	CHECK_RC(change(&d->w, &lead, &into, NULL), RC_OK, err);
}

static struct desk desk_new(void)
{
	struct desk d = { .w = world_new() };
	const struct policy_sources from = { .roles = STR("roles"), .public_k = 5 };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(policies_open(d.w.s, d.w.r, &from, &d.p, &err), RC_OK, err);
	CHECK_RC(store_write(d.w.s, org_job, NULL, &err), RC_OK, err);
	return d;
}

static void desk_end(struct desk *d)
{
	policies_close(d->p);
	world_end(&d->w);
}

TEST(a_flow_goes_under_the_widest_agreement_that_has_it)
{
	struct desk d = desk_new();
	struct reader *r = begin(&d.w);
	struct told_to to, narrow;
	bool flows;
	CHECK_RC(told_partner(r, d.p, house_a, STR("partner-c"), false, &to, &err), RC_OK, err);
	CHECK(!to.viewer.as.agreement && to.org == ORG && to.viewer.channel == CHANNEL_SYNC);
	CHECK_RC(told_partner_flow(d.p, house_a, STR("findings"), NULL, &flows, &err), RC_OK, err);
	CHECK(!flows);
	agree(&d, "[\"incidents\",\"findings\"]", "GREEN", "");
	agree(&d, "[\"warnings\"]", "AMBER", ",\"personal\":true");
	CHECK_RC(told_partner(r, d.p, house_a, STR(""), false, &to, &err), RC_OK, err);
	CHECK(to.viewer.as.agreement && to.viewer.as.agreed == TLP_AMBER && to.viewer.as.personal_basis);
	CHECK_RC(told_partner_flow(d.p, house_a, STR("findings"), NULL, &flows, &err), RC_OK, err);
	CHECK(flows);
	narrow = to;
	CHECK_RC(told_partner_flow(d.p, house_a, STR("findings"), &narrow, &flows, &err), RC_OK, err);
	CHECK(flows && narrow.viewer.as.agreed == TLP_GREEN && !narrow.viewer.as.personal_basis);
	CHECK_RC(told_partner_flow(d.p, house_a, STR("warnings"), &narrow, &flows, &err), RC_OK, err);
	CHECK(flows && narrow.viewer.as.agreed == TLP_AMBER && narrow.viewer.as.personal_basis);
	narrow = to;
	CHECK_RC(told_partner_flow(d.p, house_a, STR("statistics"), &narrow, &flows, &err), RC_OK, err);
	CHECK(!flows && narrow.viewer.as.agreed == TLP_AMBER); /* as it was */
	CHECK_RC(told_partner_flow(d.p, house_b, STR("findings"), NULL, &flows, &err), RC_OK, err);
	CHECK(!flows);
	CHECK_RC(told_partner(r, d.p, house_b, STR(""), false, &to, &err), RC_OK, err);
	CHECK(!to.viewer.as.agreement && to.org == 0);
	store_read_end(r);
	desk_end(&d);
}

/* --- events --- */

static const struct line {
	const char *what, *feed, *node, *ip;
	int tlp, exercise; /* -1: none */
} lines[] = {
	{ "clear", "ours", NULL, "192.0.2.1", TLP_CLEAR, -1 },
	{ "strict", "ours", NULL, "192.0.2.2", TLP_AMBER_STRICT, 0 },
	{ "red", "ours", NULL, "192.0.2.3", TLP_RED, -1 },
	{ "unmarked", NULL, NULL, "192.0.2.4", -1, -1 },
	{ "his", "partner-c", NULL, "192.0.2.5", TLP_CLEAR, -1 },
	{ "played", "ours", NULL, "192.0.2.6", TLP_CLEAR, 1 },
	{ "foreign", NULL, "0d000000-0000-4000-8000-000000000000", "192.0.2.7", TLP_AMBER, -1 },
	{ "held", "ours", NULL, "192.0.2.8", TLP_CLEAR, -1 },
	{ "unknown", "ours", NULL, "192.0.2.9", TLP_COUNT + 3, -1 },
};

struct delivery {
	struct event_chunk *chunk;
	uint64_t first;
};

static enum rc deliver_job(struct tx *tx, void *ctx, struct err *e)
{
	struct delivery *d = ctx;
	return event_chunk_commit(tx, d->chunk, &d->first, e);
}

static void deliver(struct desk *d)
{
	const struct report r = { .id = 1, .feed = 1, .received_us = clock_now_us() };
	struct batch *b = batch_new();
	struct delivery k = { .first = 0 };
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		const struct line *l = &lines[i];
		struct ip ip;
		CHECK(ip_parse(str_of(l->ip), &ip));
		batch_row_begin(b, i + 1, 0, 0, 1);
		batch_set_ip(b, FIELD_SOURCE_IP, &ip);
		batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("infected-system"));
		batch_set_text(b, FIELD_COMMENT, STR_NONE, str_of(l->what));
		batch_set_text(b, FIELD_SOURCE_ACCOUNT, STR_NONE, STR("somebody"));
		batch_set_text(b, FIELD_RONDA_CONCERNS, STR_NONE, STR("4 1 network"));
		batch_set_time(b, FIELD_TIME_SOURCE, 1700000000 * SECOND_US);
		if (l->feed)
			batch_set_text(b, FIELD_FEED_NAME, STR_NONE, str_of(l->feed));
		if (l->node)
			batch_set_text(b, FIELD_EXTRA, STR("origin_node"), str_of(l->node));
		if (l->tlp >= 0)
			batch_set_int(b, FIELD_TLP, STR_NONE, l->tlp);
		if (l->exercise >= 0)
			batch_set_bool(b, FIELD_EXERCISE, STR_NONE, l->exercise);
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	}
	CHECK_RC(event_chunk_new(b, &r, NULL, &k.chunk, &err), RC_OK, err);
	CHECK_RC(store_write(d->w.s, deliver_job, &k, &err), RC_OK, err);
	d->last = k.first + COUNT_OF(lines) - 1;
	event_chunk_free(k.chunk);
	batch_free(b);
}

struct got {
	struct buf words;
	size_t most, count;
};

static bool note(void *ctx, const struct event_view *e, uint64_t seq)
{
	struct got *g = ctx;
	struct buf account = BUF_INIT(KIB(1));
	CHECK(event_view_value(e, STR("comment"), &g->words));
	buf_fmt(&g->words, "%s%llu,", event_view_value(e, STR("source.account"), &account) ? "+person" : "",
		(unsigned long long)seq);
	CHECK(strlen(e->id) > 20);
	buf_free(&account);
	return ++g->count < g->most;
}

static str range(struct desk *d, const struct told_to *to, uint64_t first, uint64_t last, size_t most, uint64_t *refused)
{
	struct reader *r = begin(&d->w);
	struct got g = { .words = BUF_INIT(KIB(4)), .most = most };
	CHECK_RC(told_event_range(r, to, first, last, note, &g, refused, &err), RC_OK, err);
	store_read_end(r);
	str s = arena_str(d->w.a, buf_str(&g.words));
	buf_free(&g.words);
	return s;
}

/* The finding of one of them is held back. */
struct finding_found { struct hash128 id; };
static bool find_held(void *ctx, const struct finding *f)
{
	struct finding_found *k = ctx;
	if (str_find(f->key, STR("192.0.2.8")) < f->key.n)
		k->id = f->id;
	return true;
}

static enum rc hold_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct finding_found *k = ctx;
	return findings_mark(tx, k->id, MARK_HELD, STR("so"), STR("unix:0"), e);
}

static void hold(struct desk *d)
{
	struct finding_found k = { { 0, 0 } };
	const struct finding_query q = { .tlp_mask = (1u << TLP_COUNT) - 1, .exercise = true };
	uint64_t did;
	CHECK_RC(findings_fold(d->w.s, NULL, 100, &did, &err), RC_OK, err);
	struct reader *r = begin(&d->w);
	CHECK_RC(findings_list(r, &q, find_held, &k, &err), RC_OK, err);
	store_read_end(r);
	CHECK(k.id.hi || k.id.lo);
	CHECK_RC(store_write(d->w.s, hold_job, &k, &err), RC_OK, err);
}

static struct told_to partner(struct desk *d, const char *feed, bool exercise)
{
	struct reader *r = begin(&d->w);
	struct told_to to;
	CHECK_RC(told_partner(r, d->p, house_a, str_of(feed), exercise, &to, &err), RC_OK, err);
	store_read_end(r);
	return to;
}

TEST(each_event_is_asked_for)
{
	struct desk d = desk_new();
	uint64_t refused;
	deliver(&d);
	hold(&d);
	agree(&d, "[\"findings\"]", "GREEN", "");
	struct told_to to = partner(&d, "partner-c", false);
	CHECK_STR(range(&d, &to, 1, d.last, 100, &refused), STR("clear1,strict2,foreign7,"));
	CHECK_INT(refused, 5); /* red, unmarked, unknown, played, held: not what he has */
	CHECK_STR(range(&d, &to, 2, 2, 100, &refused), STR("strict2,"));
	CHECK_INT(refused, 0);
	CHECK_STR(range(&d, &to, 1, d.last, 1, &refused), STR("clear1,"));
	to = partner(&d, "", false);
	CHECK_STR(range(&d, &to, 1, d.last, 100, &refused), STR("clear1,strict2,his5,foreign7,"));
	to.viewer.as.personal_basis = true;
	CHECK_STR(range(&d, &to, 1, 1, 100, &refused), STR("clear+person1,"));
	to = partner(&d, "", true); /* who plays gets what is played */
	CHECK_STR(range(&d, &to, 1, d.last, 100, &refused), STR("played6,"));
	to = partner(&d, "", false);
	to.org = 0;
	CHECK_STR(range(&d, &to, 1, d.last, 100, &refused), STR(""));
	CHECK_INT(refused, 0);
	desk_end(&d);
}

static bool count_row(void *ctx, const struct event_view *e)
{
	(void)e;
	++*(int *)ctx;
	return true;
}

/* What a person holds back is for our own people, inside. */
static int read_by(struct desk *d, struct viewer v)
{
	struct reader *r = begin(&d->w);
	struct event_query q = { 0 };
	int n = 0;
	v.right = RIGHT_READ;
	CHECK_RC(read_events(r, &v, &q, count_row, &n, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

TEST(held_events_stay_inside)
{
	struct desk d = desk_new();
	deliver(&d);
	struct viewer ours = viewer_owner(1), out = ours;
	out.channel = CHANNEL_EXPORT;
	int inside = read_by(&d, ours), outside = read_by(&d, out), anybody = read_by(&d, viewer_public(CHANNEL_FEED));
	CHECK(outside > 1 && anybody > 1);
	hold(&d);
	CHECK_INT(read_by(&d, ours), inside);
	CHECK_INT(read_by(&d, out), outside - 1);
	CHECK_INT(read_by(&d, viewer_public(CHANNEL_FEED)), anybody - 1);
	desk_end(&d);
}

struct concerned {
	uint64_t last, count;
	size_t place;
};

static bool note_concerned(void *ctx, uint64_t seq, int64_t report, size_t place)
{
	struct concerned *c = ctx;
	CHECK_INT(report, 1);
	CHECK(seq > c->last);
	c->last = seq;
	c->place = place;
	return ++c->count < 5;
}

TEST(whom_events_concern)
{
	struct desk d = desk_new();
	static const int64_t orgs[] = { 2, ORG, 9 }, others[] = { 9 };
	const struct event_query q = { .oldest_first = true, .exercise = true, .tlp_mask = (1u << TLP_COUNT) - 1 };
	struct concerned c = { 0 };
	deliver(&d);
	struct reader *r = begin(&d.w);
	CHECK_RC(told_concerning(r, &q, orgs, COUNT_OF(orgs), note_concerned, &c, &err), RC_OK, err);
	CHECK(c.count == 5 && c.last == 5 && c.place == 1); /* until it is enough */
	c = (struct concerned){ 0 };
	CHECK_RC(told_concerning(r, &q, others, COUNT_OF(others), note_concerned, &c, &err), RC_OK, err);
	CHECK_INT(c.count, 0);
	store_read_end(r);
	desk_end(&d);
}

/* One more, of another report; at_us 0: it does not say when. */
static void deliver_one(struct desk *d, int64_t report, int64_t at_us)
{
	const struct report r = { .id = report, .feed = 1, .received_us = 1800000000 * SECOND_US };
	struct batch *b = batch_new();
	struct delivery k = { .first = 0 };
	struct ip ip;
	CHECK(ip_parse(STR("192.0.2.20"), &ip));
	batch_row_begin(b, 1, 0, 0, 1);
	batch_set_ip(b, FIELD_SOURCE_IP, &ip);
	batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("infected-system"));
	batch_set_text(b, FIELD_SOURCE_ACCOUNT, STR_NONE, STR("somebody"));
	batch_set_text(b, FIELD_COMMENT, STR_NONE, STR("later"));
	batch_set_int(b, FIELD_TLP, STR_NONE, TLP_GREEN);
	if (at_us)
		batch_set_time(b, FIELD_TIME_SOURCE, at_us);
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	CHECK_RC(event_chunk_new(b, &r, NULL, &k.chunk, &err), RC_OK, err);
	CHECK_RC(store_write(d->w.s, deliver_job, &k, &err), RC_OK, err);
	event_chunk_free(k.chunk);
	batch_free(b);
}

static enum rc later_job(struct tx *tx, void *ctx, struct err *e)
{
	bool is_new = false;
	enum rc rc = concern_later_put(tx, ORG, *(uint64_t *)ctx, 1, &is_new, e);
	CHECK(is_new);
	return rc;
}

static str single(struct desk *d, const struct told_to *to, uint64_t seq, uint64_t *refused)
{
	struct reader *r = begin(&d->w);
	struct got g = { .words = BUF_INIT(KIB(4)), .most = 100 };
	CHECK_RC(told_event(r, to, seq, note, &g, refused, &err), RC_OK, err);
	store_read_end(r);
	str s = arena_str(d->w.a, buf_str(&g.words));
	buf_free(&g.words);
	return s;
}

/* What is found later to concern it is asked for as what its list names. */
TEST(found_later_to_concern_it)
{
	struct desk d = desk_new();
	uint64_t refused, seq;
	deliver(&d);
	deliver_one(&d, 1, 0); /* of nobody */
	seq = d.last + 1;
	agree(&d, "[\"findings\"]", "GREEN", "");
	struct told_to to = partner(&d, "partner-c", false);
	CHECK_STR(single(&d, &to, 2, &refused), STR("strict2,"));
	CHECK_STR(single(&d, &to, 3, &refused), STR(""));
	CHECK_INT(refused, 1);
	CHECK_STR(single(&d, &to, seq, &refused), STR(""));
	CHECK_INT(refused, 0);
	CHECK_RC(store_write(d.w.s, later_job, &seq, &err), RC_OK, err);
	CHECK_STR(single(&d, &to, seq, &refused), arena_fmt(d.w.a, "later%llu,", (unsigned long long)seq));
	CHECK_STR(range(&d, &to, seq, seq, 100, &refused), STR("")); /* a run names those of their lists */
	seq = 3;
	CHECK_RC(store_write(d.w.s, later_job, &seq, &err), RC_OK, err);
	CHECK_STR(single(&d, &to, 3, &refused), STR(""));
	CHECK_INT(refused, 1);
	to.org = 0;
	CHECK_STR(single(&d, &to, 3, &refused), STR(""));
	desk_end(&d);
}

static struct told_known known(struct desk *d, const struct told_to *to, bool by_person, uint64_t most)
{
	struct event_filter f = { .field = FIELD_SOURCE_IP, .op = FILTER_IN_NET };
	struct told_known out;
	if (by_person)
		f = (struct event_filter){ .field = FIELD_SOURCE_ACCOUNT, .op = FILTER_EQ, .text = STR("somebody") };
	else
		CHECK(net_parse(STR("192.0.2.0/24"), false, &f.net));
	struct reader *r = begin(&d->w);
	CHECK_RC(told_known(r, to, &f, most, &out, &err), RC_OK, err);
	store_read_end(r);
	return out;
}

/* Who knows what: as if all that may not be told were not there, whomever it concerns. */
TEST(how_much_is_known)
{
	struct desk d = desk_new();
	deliver_one(&d, 2, 1900000000 * SECOND_US);
	deliver(&d);
	deliver_one(&d, 3, 0);
	hold(&d);
	struct told_to to = partner(&d, "partner-c", false);
	struct told_known n = known(&d, &to, false, 100);
	CHECK(n.count == 1 && n.tlp == TLP_CLEAR); /* nothing is agreed: what anybody may have */
	agree(&d, "[\"requests\"]", "GREEN", "");
	to = partner(&d, "partner-c", false);
	n = known(&d, &to, false, 100);
	CHECK_INT(n.count, 3); /* clear, and the two of other reports: strict, red, foreign, his own, held, played not */
	CHECK(n.first_us == 1700000000 * SECOND_US && n.last_us == 1900000000 * SECOND_US && n.tlp == TLP_GREEN);
	n = known(&d, &to, false, 1);
	CHECK(n.count == 1 && n.first_us == 1800000000 * SECOND_US);
	CHECK_INT(known(&d, &to, true, 100).count, 0); /* a hit would tell whose account it is */
	to.viewer.as.personal_basis = true;
	CHECK_INT(known(&d, &to, true, 100).count, 3);
	to = partner(&d, "", false);
	CHECK_INT(known(&d, &to, false, 100).count, 4);
	to = partner(&d, "", true);
	CHECK_INT(known(&d, &to, false, 100).count, 1); /* played */
	desk_end(&d);
}

static bool ignore(void *ctx, const struct event_view *e, uint64_t seq)
{
	(void)ctx, (void)e, (void)seq;
	return true;
}

static enum rc tell(void *ctx, struct err *e)
{
	struct desk *d = ctx;
	struct reader *r;
	struct told_to to;
	uint64_t refused;
	bool flows;
	enum rc rc = store_read_begin(d->w.s, &r, e);
	if (rc != RC_OK)
		return rc;
	rc = told_partner(r, d->p, house_a, STR(""), false, &to, e);
	if (rc == RC_OK)
		rc = told_partner_flow(d->p, house_a, STR("findings"), &to, &flows, e);
	if (rc == RC_OK)
		rc = told_event_range(r, &to, 1, d->last, ignore, NULL, &refused, e);
	if (rc == RC_OK)
		rc = told_event(r, &to, 1, ignore, NULL, &refused, e);
	const struct event_filter clear = { .field = FIELD_COMMENT, .op = FILTER_EQ, .text = STR("clear") };
	struct told_known n_known;
	if (rc == RC_OK)
		rc = told_known(r, &to, &clear, 9, &n_known, e);
	struct viewer anybody = viewer_public(CHANNEL_FEED);
	struct event_query q = { 0 };
	int n = 0;
	anybody.right = RIGHT_READ;
	if (rc == RC_OK)
		rc = read_events(r, &anybody, &q, count_row, &n, e);
	store_read_end(r);
	return rc;
}

TEST(faults)
{
	struct desk d = desk_new();
	deliver(&d);
	agree(&d, "[\"findings\"]", "GREEN", "");
	struct fault f = fault_begin(d.w.d.path);
	CHECK(fault_each(&f, "told_partner", tell, &d) > 0);
	fault_end(&f);
	desk_end(&d);
}

TEST_MAIN(TEST_RUN(a_flow_goes_under_the_widest_agreement_that_has_it), TEST_RUN(each_event_is_asked_for),
	  TEST_RUN(held_events_stay_inside), TEST_RUN(whom_events_concern), TEST_RUN(found_later_to_concern_it),
	  TEST_RUN(how_much_is_known), TEST_RUN(faults))
