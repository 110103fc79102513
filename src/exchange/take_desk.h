/* SPDX-License-Identifier: Apache-2.0 */
/* take_desk.h: for tests: a node, a partner, what he sends and what became of it. */
#ifndef RONDA_EXCHANGE_TAKE_DESK_H
#define RONDA_EXCHANGE_TAKE_DESK_H

#include "exchange/take.h"

#include "record/record_world.h"

#include "disclosure/policy.h"
#include "exchange/exchange_private.h"
#include "record/outbox.h"
#include "stix/stix_event.h"

#define NODE_C "cccccccc-0000-4000-8000-000000000001"
#define NODE_D "dddddddd-0000-4000-8000-000000000002"
#define WARNING "warning--11111111-0000-4000-8000-000000000001"
#define EVENT "event--0123456789abcdef0123456789abcdef"

struct desk {
	struct world w;
	struct policies *policies;
	struct exchange *x;
	struct partner from;
	struct buf lines;          /* all that was delivered as events */
	int64_t reports;
	struct buf back;           /* all that was taken back */
	const char *kept;          /* an event that a case keeps */
	struct taken taken;
	struct arena *a;
};

static inline enum rc desk_deliver(void *ctx, const struct exchange_delivery *d, struct exchange_delivered *out, struct err *e)
{
	struct desk *k = ctx;
	(void)e;
	buf_add(&k->lines, d->lines);
	*out = (struct exchange_delivered){ .report = ++k->reports, .accepted = 1 };
	return RC_OK;
}

static inline enum rc desk_take_back(void *ctx, int64_t report, const str *ids, size_t count, str why, uint64_t *out, struct err *e)
{
	struct desk *k = ctx;
	(void)why;
	for (size_t i = 0; i < count; i++)
		if (k->kept && str_eq(ids[i], str_of(k->kept)))
			return fail(e, RC_CONFLICT, "an event of it is kept for a case");
	for (size_t i = 0; i < count; i++)
		buf_fmt(&k->back, "%lld " STR_FMT "; ", (long long)report, STR_ARG(ids[i]));
	*out = count;
	return RC_OK;
}

static inline struct desk desk_new(void)
{
	struct desk k = { .w = world_new(), .lines = BUF_INIT(MIB(4)), .back = BUF_INIT(MIB(1)), .a = arena_new(KIB(64)) };
	const struct policy_sources sources = { .roles = STR("{}"), .public_k = 5 };
	CHECK_RC(policies_open(k.w.s, k.w.r, &sources, &k.policies, &err), RC_OK, err);
	const struct exchange_world w = { .store = k.w.s, .journal = k.w.j, .records = k.w.r, .policies = k.policies,
					  .types = k.w.types, .deliver = desk_deliver, .take_back = desk_take_back };
	k.x = x_alloc(sizeof *k.x);
	k.x->w = w;
	k.from = (struct partner){ .id = { { 0xc, 1 } }, .name = STR("Team C"), .kind = PARTNER_NODE, .org = 7, .active = true, .tlp = TLP_AMBER };
	CHECK(uuid_parse(STR(NODE_C), &k.from.node));
	return k;
}

static inline void desk_end(struct desk *k)
{
	free(k->x);
	policies_close(k->policies);
	world_end(&k->w);
	buf_free(&k->lines);
	buf_free(&k->back);
	arena_free(k->a);
}

/* --- what he sends --- */

/* One object with our extension; `member` NULL: none, and revoked. */
static inline str object(struct desk *k, const char *id, const char *version, const char *tlp, const char *origin, const char *item,
		  const char *member, str text)
{
	struct buf b = BUF_INIT(MIB(2));
	struct json_out j = json_out(&b);
	str type = str_head(str_of(id), str_find(str_of(id), STR("--")));
	json_open(&j, '{');
	json_put_str(&j, "type", type);
	json_put_str(&j, "spec_version", STR("2.1"));
	json_put_str(&j, "id", str_of(id));
	json_put_str(&j, "created", STR("2026-11-22T09:00:00.000Z"));
	json_put_str(&j, "modified", str_of(version));
	if (!member)
		json_put_bool(&j, "revoked", true);
	if (tlp) {
		json_key(&j, STR("object_marking_refs"));
		json_open(&j, '[');
		json_str(&j, str_of(tlp));
		json_close(&j, ']');
	}
	json_key(&j, STR("extensions"));
	json_open(&j, '{');
	json_key(&j, STR(STIX_EXTENSION));
	json_open(&j, '{');
	json_put_str(&j, "extension_type", STR("property-extension"));
	json_put_str(&j, "origin", str_of(origin));
	json_put_str(&j, "item", str_of(item));
	if (member)
		json_put_str(&j, member, text);
	json_close(&j, '}');
	json_close(&j, '}');
	json_close(&j, '}');
	str out = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return out;
}

static inline str envelope(struct desk *k, const str *objects, size_t n)
{
	struct buf b = BUF_INIT(MIB(8));
	buf_add(&b, STR("{\"objects\":["));
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_char(&b, ',');
		buf_add(&b, objects[i]);
	}
	buf_add(&b, STR("]}"));
	str out = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return out;
}

static inline enum rc take(struct desk *k, str text)
{
	k->x->w.ctx = k;
	return take_envelope(k->x, &k->from, text, STR("test"), k->a, &k->taken, &err);
}

#define TAKE(k, ...) take((k), envelope((k), (const str[]){ __VA_ARGS__ }, COUNT_OF(((const str[]){ __VA_ARGS__ }))))

static inline str record_text(struct desk *k, const char *id, const char *type, int version, const char *origin,
		       const char *labels, const char *title)
{
	return arena_fmt(k->a, "{\"id\":\"%s\",\"type\":\"%s\",\"type_version\":1,\"version\":%d,\"origin\":\"%s\","
			 "\"organisation\":null,\"created\":\"2026-11-22T09:00:00Z\",\"changed\":\"2026-11-22T09:00:00Z\","
			 "\"state\":\"sent\",\"labels\":%s,\"body\":{\"title\":\"%s\"}}", id, type, version, origin, labels, title);
}

#define REPORT_ID "report--11111111-0000-4000-8000-000000000001"
#define GREEN "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define RED "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"

static inline str warning(struct desk *k, int version, const char *origin, const char *labels, const char *title, const char *mark)
{
	return object(k, REPORT_ID, arena_z(k->a, arena_fmt(k->a, "2026-11-22T09:00:0%d.000Z", version)), mark, origin, WARNING,
		      "record", record_text(k, WARNING, "warning", version, origin, labels, title));
}

static inline str held(struct desk *k, enum tlp *tlp_out, uint64_t *version_out)
{
	struct record r = { .title = STR("") };
	struct reader *reader;
	struct uuid id;
	str type;
	CHECK(record_id_parse(STR(WARNING), &type, &id));
	CHECK_RC(store_read_begin(k->w.s, &reader, &err), RC_OK, err);
	enum rc rc = record_load(reader_conn(reader), snapshot_table(k->w.held), id, k->a, &r, &err);
	store_read_end(reader);
	*tlp_out = r.labels.tlp;
	*version_out = r.version;
	return rc == RC_OK ? r.erased ? STR("erased") : r.title : STR("absent");
}

#define CHECK_HELD(k, want, mark, number)                                       \
	do {                                                                    \
		enum tlp tlp_;                                                  \
		uint64_t version_;                                              \
		CHECK_STR(held((k), &tlp_, &version_), STR(want));              \
		CHECK(tlp_ == (mark) && version_ == (number));                  \
	} while (0)
#define CHECK_REFUSED(k, part)                                                  \
	do {                                                                    \
		CHECK((k)->taken.failure_count == 1 && (k)->taken.successes == 0); \
		str words_ = (k)->taken.failure_count ? (k)->taken.failures[0].words : STR(""); \
		CHECK_MSG(str_find(words_, STR(part)) < words_.n, "'" STR_FMT "'", STR_ARG(words_)); \
	} while (0)

static inline str event(struct desk *k, const char *origin, const char *mark, const char *text)
{
	return object(k, "observed-data--22222222-0000-4000-8000-000000000001", "2026-11-22T09:00:00.000Z", mark, origin, EVENT,
		      "event", str_of(text));
}

#endif
