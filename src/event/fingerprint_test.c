/* SPDX-License-Identifier: Apache-2.0 */
#include "event/fingerprint.h"

#include "base/clock.h"
#include "base/test.h"

static const struct key key = { .b = { 1, 2, 3 } };

struct made {
	struct batch *b;
	struct buf scratch;
};

static struct hash128 print(struct made *m, uint32_t row)
{
	return event_fingerprint(&key, m->b, &m->b->row[row], &m->scratch);
}

static void begin(struct made *m)
{
	batch_row_begin(m->b, m->b->c.rows + 1, 7 * m->b->c.rows, 7, 1);
	struct ip ip;
	CHECK(ip_parse(STR("192.0.2.1"), &ip));
	batch_set_ip(m->b, FIELD_SOURCE_IP, &ip);
	batch_set_time(m->b, FIELD_TIME_SOURCE, 1700000000 * SECOND_US);
}

static void end(struct made *m)
{
	struct err err;
	CHECK_RC(batch_row_end(m->b, &err), RC_OK, err);
}

static bool same(struct hash128 a, struct hash128 b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

TEST(equal_events)
{
	struct made m = { batch_new(), BUF_INIT(KIB(64)) };
	begin(&m);
	batch_set_text(m.b, FIELD_EXTRA, STR("zebra"), STR("1"));
	batch_set_text(m.b, FIELD_EXTRA, STR("ape"), STR("2"));
	end(&m);
	begin(&m);
	batch_set_text(m.b, FIELD_EXTRA, STR("ape"), STR("2"));
	batch_set_text(m.b, FIELD_EXTRA, STR("zebra"), STR("1"));
	batch_set_time(m.b, FIELD_TIME_OBSERVATION, 99);
	batch_set_text(m.b, FIELD_FEED_NAME, STR_NONE, STR("other"));
	batch_set_text(m.b, FIELD_RAW, STR_NONE, STR("eA=="));
	end(&m);
	CHECK(same(print(&m, 0), print(&m, 1)));
	struct key other = { .b = { 9 } };
	CHECK(!same(print(&m, 0), event_fingerprint(&other, m.b, &m.b->row[0], &m.scratch)));
	buf_free(&m.scratch);
	batch_free(m.b);
}

TEST(another_batch)
{
	struct made m = { batch_new(), BUF_INIT(KIB(64)) }, n = { batch_new(), BUF_INIT(64) };
	begin(&m);
	batch_set_int(m.b, FIELD_EXTRA, STR("b"), 1);
	end(&m);
	begin(&m);
	batch_set_int(m.b, FIELD_EXTRA, STR("a"), 2);
	batch_set_int(m.b, FIELD_EXTRA, STR("b"), 1);
	end(&m);
	begin(&n);
	batch_set_int(n.b, FIELD_EXTRA, STR("a"), 2);
	batch_set_int(n.b, FIELD_EXTRA, STR("b"), 1);
	end(&n);
	CHECK(same(print(&m, 1), print(&n, 0))); /* the scratch of n is too small, too */
	CHECK(!same(print(&m, 0), print(&m, 1)));
	buf_free(&m.scratch);
	buf_free(&n.scratch);
	batch_free(m.b);
	batch_free(n.b);
}

TEST(what_differs)
{
	static const struct {
		const char *what;
		enum field field;
		str key, text;
	} cases[] = {
		{ "no more", FIELD_EXTRA, STR_INIT("x"), STR_INIT("") },
		{ "text", FIELD_EXTRA, STR_INIT("x"), STR_INIT("a") },
		{ "other text", FIELD_EXTRA, STR_INIT("x"), STR_INIT("b") },
		{ "other name", FIELD_EXTRA, STR_INIT("y"), STR_INIT("a") },
		{ "name into text", FIELD_EXTRA, STR_INIT("xa"), STR_INIT("") },
		{ "field", FIELD_SOURCE_FQDN, STR_INIT(""), STR_INIT("a") },
		{ "other field", FIELD_DESTINATION_FQDN, STR_INIT(""), STR_INIT("a") },
	};
	struct made m = { batch_new(), BUF_INIT(KIB(64)) };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin(&m);
		batch_set_text(m.b, cases[i].field, cases[i].key, cases[i].text);
		end(&m);
		for (uint32_t k = 0; k < i; k++)
			CHECK_MSG(!same(print(&m, k), print(&m, (uint32_t)i)), "%s as %s",
				  cases[i].what, cases[k].what);
	}
	buf_free(&m.scratch);
	batch_free(m.b);
}

TEST_MAIN(TEST_RUN(equal_events), TEST_RUN(another_batch), TEST_RUN(what_differs))
