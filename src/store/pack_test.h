/* SPDX-License-Identifier: Apache-2.0 */
/* pack_test.h: small reports in numbers, for the tests of packing. */
#ifndef RONDA_STORE_PACK_TEST_H
#define RONDA_STORE_PACK_TEST_H

#include "base/test.h"

#include "store/pack_private.h"

static struct err err;

static str bytes_of(int64_t number, char text[200])
{
	int n = snprintf(text, 200, "{\"source.ip\":\"192.0.2.%lld\",\"number\":%lld}\n",
			 (long long)(number % 250), (long long)number);
	return str_mem(text, (size_t)n);
}

struct many {
	struct store_job job;
	struct report r;
};

static enum rc whole(struct tx *tx, void *ctx, struct err *e)
{
	struct many *m = ctx;
	enum rc rc = report_add(tx, &m->r, e);
	char text[200];
	struct buf payload = BUF_INIT(KIB(1));
	raw_pack(bytes_of((int64_t)m->r.next_input, text), &payload);
	struct sql *q =
		sql(tx_conn(tx), "INSERT INTO raw_tail (report, day, body) VALUES (?, ?, ?)");
	sql_int(q, 1, m->r.id);
	sql_int(q, 2, time_day(m->r.received_us));
	sql_blob(q, 3, buf_str(&payload));
	if (rc == RC_OK)
		rc = sql_run(q, e);
	else
		(void)!sql_end(q, NULL);
	buf_free(&payload);
	return rc;
}

/* Reports number from .. until - 1 of feed 1, done, as report_received() leaves them. */
static void add_done(struct store *s, int64_t from, int64_t until)
{
	struct many m[64];
	while (from < until) {
		int64_t n = until - from < 64 ? until - from : 64;
		for (int64_t i = 0; i < n; i++) {
			char text[200];
			str bytes = bytes_of(from + i, text);
			m[i] = (struct many){ .job = { .fn = whole, .ctx = &m[i] }};
			m[i].r =
				(struct report){ .feed = 1,
						.state = REPORT_DONE,
						.received_us = clock_now_us(),
						.digest = sha256(bytes),
						.bytes = bytes.n,
						.next_offset = bytes.n,
						.next_input = (uint64_t)(from + i),
						.counts = { .inputs = 1, .accepted = 1, .events = 1 },
						.parse_us = 1000 + (from + i) % 999};
			(void)str_to_z(STR("intelmq"), m[i].r.format, sizeof(m[i].r.format));
			store_submit(s, &m[i].job);
		}
		for (int64_t i = 0; i < n; i++)
			CHECK_RC(store_wait(s, &m[i].job, &err), RC_OK, err);
		from += n;
	}
}

static inline enum rc tell_all(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return reports_tell(tx, INT64_MAX, e);
}

/* As if of a day that is over, so that few are enough to be packed. */
static inline enum rc make_old(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE raw_tail SET day = ?");
	sql_int(q, 1, time_day(tx_now_us(tx)) - 2);
	return sql_run(q, e);
}

#endif
