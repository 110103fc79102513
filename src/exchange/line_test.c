/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/exchange_world.h"

#include "exchange/courier_private.h"

static enum rc sent(struct tx *tx, void *ctx, struct err *e)
{
	return line_sent(tx, ctx, e);
}

static enum rc tried(struct tx *tx, void *ctx, struct err *e)
{
	const struct uuid *id = ctx;
	return line_tried(tx, *id, STR("not reached"), 7, e);
}

static enum rc received(struct tx *tx, void *ctx, struct err *e)
{
	const struct uuid *id = ctx;
	return line_received(tx, *id, 3, 400, e);
}

TEST(a_batch_moves_the_cursor_once_and_has_a_receipt)
{
	struct team t;
	struct reader *r = NULL;
	struct line_state s;
	struct receipt got;
	team_new(&t);
	struct uuid id = team_partner(&t, "Team C", "https://c.example.org", NULL, true);
	struct sent_batch b = { .partner = id, .lane = LANE_INCIDENT, .after_us = 0, .upto_us = 100, .objects = 10, .failures = 1,
				.bytes = 999, .id = STR("status-1"), .words = STR("one was bad"), .rate = 5000, .rtt_us = 20 };
	CHECK_RC(store_write(t.w.s, sent, &b, &err), RC_OK, err);
	CHECK_RC(store_write(t.w.s, sent, &b, &err), RC_CONFLICT, err); /* the same again: nothing is counted twice */
	b.after_us = 100;
	b.upto_us = 250;
	b.failures = 0;
	b.id = STR("status-2");
	CHECK_RC(store_write(t.w.s, sent, &b, &err), RC_OK, err);
	CHECK_RC(store_write(t.w.s, received, &id, &err), RC_OK, err);
	CHECK_RC(store_read_begin(t.w.s, &r, &err), RC_OK, err);
	CHECK_RC(courier_state(&t.x, reader_conn(r), id, t.w.a, &s, &err), RC_OK, err);
	CHECK(s.out_us[LANE_WARNING] == 0 && s.out_us[LANE_INCIDENT] == 250 && s.out_us[LANE_BULK] == 0);
	CHECK(s.sent == 19 && s.bytes_out == 1998 && s.received == 3 && s.bytes_in == 400 && s.rate == 5000 && s.rtt_us == 20);
	CHECK(s.failure.n == 0 && s.last_success_us > 0);
	static const struct { enum lane lane; int64_t at; const char *status; } asks[] = {
		{ LANE_INCIDENT, 1, "status-1" }, { LANE_INCIDENT, 100, "status-1" }, { LANE_INCIDENT, 101, "status-2" },
		{ LANE_INCIDENT, 250, "status-2" }, { LANE_INCIDENT, 251, NULL }, { LANE_BULK, 1, NULL },
	};
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		enum rc rc = receipt_of(reader_conn(r), id, asks[i].lane, asks[i].at, t.w.a, &got, &err);
		CHECK_MSG(rc == (asks[i].status ? RC_OK : RC_ABSENT), "%zu", i);
		CHECK_MSG(!asks[i].status || str_eq(got.id, str_of(asks[i].status)), "%zu", i);
	}
	store_read_end(r);
	CHECK_RC(store_write(t.w.s, tried, &id, &err), RC_OK, err);
	CHECK_RC(store_read_begin(t.w.s, &r, &err), RC_OK, err);
	CHECK_RC(courier_state(&t.x, reader_conn(r), id, t.w.a, &s, &err), RC_OK, err);
	CHECK_STR(s.failure, STR("not reached"));
	CHECK_INT(s.retry_us, 7);
	struct ledger_row *rows;
	size_t count = 0;
	struct buf who = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&who, STR("partner"), &id);
	const struct ledger_query q = { .recipient = buf_str(&who), .item = STR(""), .limit = 10 };
	CHECK_RC(ledger_list(reader_conn(r), &q, t.w.a, &rows, &count, &err), RC_OK, err);
	CHECK_INT(count, 2);
	CHECK(count == 2 && rows[0].kind == LEDGER_RECEIPT && rows[0].covers == 10);
	buf_free(&who);
	store_read_end(r);
	world_end(&t.w);
}

TEST(batches_fit_the_line)
{
	struct peer *p = peer_new((struct uuid){ { 1 } });
	/* a quick line: larger and larger, to an end */
	for (int i = 0; i < 20; i++)
		peer_measure(p, p->wire, p->wire * 10, 50000);
	CHECK_INT(p->wire, WIRE_MOST);
	CHECK_INT(p->ratio, 11);
	/* 32 kbit/s: 4,000 bytes a second */
	for (int i = 0; i < 20; i++)
		peer_measure(p, p->wire, p->wire * 10, (int64_t)p->wire * 250);
	CHECK(p->wire <= WIRE_FIRST && p->wire >= WIRE_LEAST);
	CHECK(p->rate > 3000 && p->rate < 6000);
	peer_free(p);
}

TEST(pauses_grow_to_an_end_and_differ)
{
	static const struct { enum partner_kind kind; int64_t end_us; unsigned grows; } rows[] = {
		{ PARTNER_NODE, 90 * SECOND_US, 5 },
		{ PARTNER_TAXII, 450 * SECOND_US, 8 },
	};
	int64_t before = 0;
	for (unsigned n = 0; n < 40 * COUNT_OF(rows); n++) {
		const unsigned fails = n % 40, row = n / 40;
		int64_t least = INT64_MAX, most = 0;
		for (int i = 0; i < 500; i++) {
			int64_t us = courier_pause(rows[row].kind, fails);
			least = us < least ? us : least;
			most = us > most ? us : most;
		}
		CHECK_MSG(least >= SECOND_US / 2 && most <= rows[row].end_us, "%u", fails);
		CHECK_MSG(most - least > least / 2, "%u: all at once", fails);
		CHECK_MSG(fails == 0 || most > before || fails > rows[row].grows, "%u", fails);
		before = most;
	}
	int64_t least = INT64_MAX, most = 0;
	for (int i = 0; i < 500; i++) {
		int64_t us = courier_pull_pause(MINUTE_US);
		least = us < least ? us : least;
		most = us > most ? us : most;
	}
	CHECK(least >= 54 * SECOND_US && most <= 66 * SECOND_US && most - least > 6 * SECOND_US);
	CHECK(courier_pull_pause(1) >= 1);
}

TEST(what_is_urgent_is_not_held)
{
	struct peer *p = peer_new((struct uuid){ { 1 } });
	CHECK(!peer_held(p, LANE_BULK));
	peer_hold(p, 0);
	CHECK(!peer_held(p, LANE_BULK));
	peer_hold(p, HOUR_US);
	peer_hold(p, SECOND_US); /* the longer of both */
	CHECK(peer_held(p, LANE_BULK) && !peer_held(p, LANE_WARNING) && !peer_held(p, LANE_INCIDENT));
	CHECK(p->held_us > clock_mono_us() + MINUTE_US);
	peer_free(p);
}

TEST_MAIN(TEST_RUN(pauses_grow_to_an_end_and_differ), TEST_RUN(what_is_urgent_is_not_held), TEST_RUN(a_batch_moves_the_cursor_once_and_has_a_receipt), TEST_RUN(batches_fit_the_line))
