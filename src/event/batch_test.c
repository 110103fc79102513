/* SPDX-License-Identifier: Apache-2.0 */
#include "event/batch.h"

#include <math.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/test.h"

static struct ip ip_of(const char *z)
{
	struct ip ip = { { 0 } };
	CHECK(ip_parse(str_of(z), &ip));
	return ip;
}

static void begin(struct batch *b, uint64_t input)
{
	batch_row_begin(b, input, input * 100, 50, (uint32_t)input);
}

TEST(cells_are_sorted_and_found)
{
	struct batch *b = batch_new();
	struct err err;
	struct ip ip = ip_of("192.0.2.7"), got;
	struct net net, net_got;
	CHECK(net_parse(STR("2001:db8::/32"), true, &net));
	begin(b, 1);
	batch_set_text(b, FIELD_EXTRA, STR("zeta"), STR("z"));
	batch_set_int(b, FIELD_TLP, STR_NONE, TLP_AMBER_STRICT);
	batch_set_ip(b, FIELD_SOURCE_IP, &ip);
	batch_set_net(b, FIELD_SOURCE_NETWORK, &net);
	batch_set_bool(b, FIELD_EXTRA, STR("alpha"), true);
	batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("scanner"));
	batch_set_time(b, FIELD_TIME_SOURCE, 86400 * SECOND_US);
	batch_set_float(b, FIELD_FEED_ACCURACY, STR_NONE, 100);
	batch_set_json(b, FIELD_EXTRA, STR("list"), STR("[1,2]"));
	CHECK(batch_row_has(b, FIELD_SOURCE_IP));
	CHECK(!batch_row_has(b, FIELD_DESTINATION_IP));
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	CHECK(!batch_row_has(b, FIELD_SOURCE_IP));

	const struct row *r = &b->row[0];
	CHECK_INT(b->c.rows, 1);
	CHECK_INT(r->cells, 9);
	CHECK_STR(cell_text(b, batch_find(b, r, FIELD_CLASSIFICATION_TYPE)), STR("scanner"));
	CHECK(cell_ip(b, batch_find(b, r, FIELD_SOURCE_IP), &got) && ip_cmp(&got, &ip) == 0);
	CHECK(cell_net(b, batch_find(b, r, FIELD_SOURCE_NETWORK), &net_got));
	CHECK_INT(net_got.bits, 32);
	CHECK(!batch_find(b, r, FIELD_SOURCE_FQDN));
	CHECK(!batch_find(b, r, FIELD_RONDA_TIME_ASSUMED));
	CHECK_STR(cell_text(b, batch_find_extra(b, r, STR("zeta"))), STR("z"));
	CHECK(!batch_find_extra(b, r, STR("zet")));

	struct buf text = BUF_INIT(KIB(4));
	struct json_out j = json_out(&text);
	batch_row_json(b, r, &j);
	CHECK_STR(buf_str(&text),
		  STR("{\"classification.type\":\"scanner\",\"feed.accuracy\":100.0,"
		      "\"source.ip\":\"192.0.2.7\",\"source.network\":\"2001:db8::/32\","
		      "\"time.source\":\"1970-01-02T00:00:00+00:00\",\"tlp\":\"AMBER+STRICT\","
		      "\"extra.alpha\":true,\"extra.list\":[1,2],\"extra.zeta\":\"z\"}"));
	buf_free(&text);
	batch_free(b);
}

TEST(values_as_text)
{
	struct batch *b = batch_new();
	struct err err;
	struct arena *a = arena_new(KIB(1));
	struct ip ip = ip_of("2001:db8::1");
	begin(b, 1);
	batch_set_int(b, FIELD_SOURCE_ASN, STR_NONE, 4200000000);
	batch_set_ip(b, FIELD_SOURCE_IP, &ip);
	batch_set_float(b, FIELD_SOURCE_GEOLOCATION_LATITUDE, STR_NONE, -8.55);
	batch_set_time(b, FIELD_TIME_SOURCE, 123456);
	batch_set_int(b, FIELD_TLP, STR_NONE, TLP_RED);
	batch_set_bool(b, FIELD_EXTRA, STR("seen"), false);
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	static const str want[][2] = {
		{ STR_INIT("source.asn"), STR_INIT("4200000000") },
		{ STR_INIT("source.geolocation.latitude"), STR_INIT("-8.55") },
		{ STR_INIT("source.ip"), STR_INIT("2001:db8::1") },
		{ STR_INIT("time.source"), STR_INIT("1970-01-01T00:00:00.123456+00:00") },
		{ STR_INIT("tlp"), STR_INIT("RED") },
		{ STR_INIT("extra.seen"), STR_INIT("false") },
	};
	CHECK_INT(b->row[0].cells, COUNT_OF(want));
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		struct buf text = BUF_INIT(KIB(1));
		CHECK_STR(cell_name(b, &b->cell[i], a), want[i][0]);
		cell_format(b, &b->cell[i], &text);
		CHECK_STR(buf_str(&text), want[i][1]);
		buf_free(&text);
	}
	arena_free(a);
	batch_free(b);
}

static enum rc end_with(void (*set)(struct batch *b))
{
	struct batch *b = batch_new();
	struct err err;
	begin(b, 1);
	batch_set_text(b, FIELD_COMMENT, STR_NONE, STR("good"));
	batch_set_text(b, FIELD_EXTRA, STR("key"), STR("good"));
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	struct batch_counts before = b->c;
	begin(b, 2);
	batch_set_text(b, FIELD_EXTRA, STR("of the bad row"), STR("x"));
	set(b);
	enum rc rc = batch_row_end(b, &err);
	if (rc != RC_OK)
		CHECK_MSG(memcmp(&before, &b->c, sizeof(before)) == 0, "the bad row left a trace");
	begin(b, 3);
	batch_set_text(b, FIELD_EXTRA, STR("of the bad row"), STR("x"));
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	batch_free(b);
	return rc;
}

static void set_nothing(struct batch *b)
{
	(void)b;
}
static void set_field_twice(struct batch *b)
{
	batch_set_text(b, FIELD_COMMENT, STR_NONE, STR("a"));
	batch_set_text(b, FIELD_COMMENT, STR_NONE, STR("b"));
}
static void set_extra_twice(struct batch *b)
{
	batch_set_text(b, FIELD_EXTRA, STR("a"), STR("a"));
	batch_set_text(b, FIELD_EXTRA, STR("b"), STR("b"));
	batch_set_text(b, FIELD_EXTRA, STR("a"), STR("a"));
}
static void set_no_utf8(struct batch *b)
{
	batch_set_text(b, FIELD_COMMENT, STR_NONE, STR("caf\xe9"));
}
static void set_nul(struct batch *b)
{
	batch_set_text(b, FIELD_COMMENT, STR_NONE, STR("a\0b"));
}
static void set_nan(struct batch *b)
{
	batch_set_float(b, FIELD_FEED_ACCURACY, STR_NONE, NAN);
}
static void set_old_time(struct batch *b)
{
	batch_set_time(b, FIELD_TIME_SOURCE, -1);
}
static void set_late_time(struct batch *b)
{
	batch_set_time(b, FIELD_TIME_SOURCE, INT64_C(9214646400) * SECOND_US);
}
static void set_last_time(struct batch *b)
{
	batch_set_time(b, FIELD_TIME_SOURCE, INT64_C(9214646400) * SECOND_US - 1);
}
static void set_empty_key(struct batch *b)
{
	batch_set_text(b, FIELD_EXTRA, STR(""), STR("a"));
}
static void set_control_key(struct batch *b)
{
	batch_set_text(b, FIELD_EXTRA, STR("a\nb"), STR("a"));
}
static void set_long_key(struct batch *b)
{
	char key[EXTRA_KEY_MAX + 1];
	memset(key, 'k', sizeof(key));
	batch_set_text(b, FIELD_EXTRA, str_mem(key, sizeof(key)), STR("a"));
}
static void set_extras(struct batch *b, int n)
{
	char key[16];
	/* Downwards, so that sorting has work to do. */
	for (int i = n; i > 0; i--) {
		int len = snprintf(key, sizeof(key), "k%06d", i);
		batch_set_int(b, FIELD_EXTRA, str_mem(key, (size_t)len), i);
	}
}
static void set_most_cells(struct batch *b)
{
	set_extras(b, EVENT_CELLS_MAX - 1);
}
static void set_too_many_cells(struct batch *b)
{
	set_extras(b, EVENT_CELLS_MAX);
}
static void set_much_text(struct batch *b, size_t n)
{
	char *p = x_alloc(n);
	memset(p, 'x', n);
	batch_set_text(b, FIELD_COMMENT, STR_NONE, str_mem(p, n));
	free(p);
}
static void set_most_text(struct batch *b)
{
	set_much_text(b, INPUT_TEXT_MAX - KIB(1));
}
static void set_too_much_text(struct batch *b)
{
	set_much_text(b, INPUT_TEXT_MAX + 1);
}

TEST(bad_rows_leave_no_trace)
{
	static const struct {
		const char *what;
		void (*set)(struct batch *b);
		enum rc rc;
	} cases[] = {
		{ "one cell", set_nothing, RC_OK },
		{ "a field twice", set_field_twice, RC_INPUT },
		{ "an extra field twice", set_extra_twice, RC_INPUT },
		{ "no UTF-8", set_no_utf8, RC_INPUT },
		{ "NUL", set_nul, RC_INPUT },
		{ "not finite", set_nan, RC_INPUT },
		{ "before 1970", set_old_time, RC_INPUT },
		{ "after 2261", set_late_time, RC_INPUT },
		{ "end of 2261", set_last_time, RC_OK },
		{ "key without a name", set_empty_key, RC_INPUT },
		{ "key with LF", set_control_key, RC_INPUT },
		{ "long key", set_long_key, RC_INPUT },
		{ "1,000 cells", set_most_cells, RC_OK },
		{ "1,001 cells", set_too_many_cells, RC_LIMIT },
		{ "8 MiB less a little", set_most_text, RC_OK },
		{ "more than 8 MiB", set_too_much_text, RC_LIMIT },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		enum rc rc = end_with(cases[i].set);
		CHECK_MSG(rc == cases[i].rc, "%s: %s", cases[i].what, rc_name(rc));
	}
}

TEST(many_extra_fields_are_sorted_by_name)
{
	struct batch *b = batch_new();
	struct err err;
	begin(b, 1);
	set_extras(b, 500);
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	const struct row *r = &b->row[0];
	for (uint32_t i = 1; i < r->cells; i++)
		CHECK(str_cmp(batch_key(b, b->cell[i - 1].key), batch_key(b, b->cell[i].key)) < 0);
	CHECK_INT(batch_find_extra(b, r, STR("k000333"))->i, 333);
	batch_free(b);
}

TEST(rejects_hold_bytes_and_words)
{
	struct batch *b = batch_new();
	struct err err;
	char *large = x_alloc(KIB(65));
	for (int i = 0; i < 2; i++) {
		begin(b, 1); /* two events of the record that is refused in the end */
		batch_set_text(b, FIELD_EXTRA, STR("k"), STR("v"));
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	}
	batch_reject(b, REJECT_FIELD, 1, 100, STR("a\xff\0b"), 1, "'%s' is bad\n", "caf\xe9");
	batch_reject(b, REJECT_LIMIT, 2, 200, str_mem(large, KIB(65)), 2, "long");
	CHECK_INT(b->c.rows, 0);
	CHECK_INT(b->c.keys, 0);
	CHECK_INT(b->c.rejects, 2);
	CHECK_INT(b->c.quarantined, 2);
	const struct rejected *r = b->reject;
	CHECK_STR(str_mem(b->text + r->words_at, r->words_n), STR("'caf?' is bad?"));
	CHECK_STR(str_mem(b->text + r->bytes_at, r->bytes_n), STR("a\xff\0b"));
	CHECK_INT(r[1].bytes_n, KIB(64));
	CHECK_INT(r[1].raw_bytes, KIB(65));
	CHECK_STR(str_of(reject_name(r->reason)), STR("field"));
	free(large);
	batch_free(b);
}

TEST(one_record_makes_so_many_events)
{
	struct batch *b = batch_new();
	struct err err;
	for (int i = 0; i <= INPUT_ROWS_MAX; i++) {
		begin(b, 9);
		batch_set_text(b, FIELD_COMMENT, STR_NONE, STR("x"));
		CHECK_RC(batch_row_end(b, &err), i < INPUT_ROWS_MAX ? RC_OK : RC_LIMIT, err);
	}
	CHECK_INT(b->c.rows, INPUT_ROWS_MAX);
	batch_free(b);
}

/* The promise of batch_full: what comes after "no" always fits. */
static void fill(struct batch *b, int extras, size_t text, bool fresh_keys)
{
	struct err err;
	char key[32], *p = x_alloc(text + 1);
	memset(p, 'x', text);
	for (uint64_t input = 1; !batch_full(b); input++) {
		begin(b, input);
		for (int i = 0; i < extras; i++) {
			int n = snprintf(key, sizeof(key), "k%06d.%" PRIu64, i,
					 fresh_keys ? input : 0);
			batch_set_text(b, FIELD_EXTRA, str_mem(key, (size_t)n), str_mem(p, text));
		}
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
		if (input % 3 == 0) {
			uint32_t held = b->c.rejects;
			batch_reject(b, REJECT_SYNTAX, ++input, 0, str_mem(p, text), 1, "no");
			CHECK_INT(b->c.rejects, held + 1);
		}
	}
	free(p);
}

TEST(full_before_anything_overflows)
{
	static const struct {
		int extras;
		size_t text;
		bool fresh_keys;
	} cases[] = {
		{ 1, 1, false },      { 100, 30, false },      { EVENT_CELLS_MAX, 10, false },
		{ 1000, 4000, false }, { EVENT_CELLS_MAX, 1, true }, { 1, RECORD_MAX, false },
		{ 2, RECORD_MAX - 64, true },
	};
	struct batch *b = batch_new();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		fill(b, cases[i].extras, cases[i].text, cases[i].fresh_keys);
		CHECK(b->c.rows > 0);
		batch_reset(b);
		CHECK(!batch_full(b));
	}
	batch_free(b);
}

TEST(amending_keeps_the_order)
{
	struct batch *b = batch_new();
	struct err err;
	enum { ROWS = 100 };
	for (uint64_t i = 1; i <= ROWS; i++) {
		begin(b, i);
		batch_set_text(b, FIELD_SOURCE_URLPATH, STR_NONE, STR("/a"));
		batch_set_int(b, FIELD_EXTRA, STR("n"), (int64_t)i);
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	}
	for (uint32_t i = 0; i < ROWS; i++) {
		static const enum field fields[] = { FIELD_SOURCE_ASN, FIELD_RONDA_CONCERNS,
						     FIELD_COMMENT, FIELD_SOURCE_URLPATH };
		for (size_t f = 0; f < COUNT_OF(fields); f++) {
			bool number = fields[f] == FIELD_SOURCE_ASN;
			struct cell c = { .field = (uint8_t)fields[f],
					  .kind = number ? CELL_INT : CELL_TEXT,
					  .i = 64500 };
			CHECK_RC(batch_amend(b, i, &c, number ? STR_NONE : STR("new")), RC_OK, err);
		}
	}
	for (uint32_t i = 0; i < ROWS; i++) {
		const struct row *r = &b->row[i];
		const struct cell *c = b->cell + r->first_cell;
		CHECK_INT(r->cells, 5);
		for (uint32_t n = 1; n < r->cells; n++)
			CHECK(c[n - 1].field < c[n].field);
		CHECK_INT(batch_find(b, r, FIELD_SOURCE_ASN)->i, 64500);
		CHECK_STR(cell_text(b, batch_find(b, r, FIELD_SOURCE_URLPATH)), STR("new"));
		CHECK_STR(cell_text(b, batch_find(b, r, FIELD_RONDA_CONCERNS)), STR("new"));
		CHECK_INT(batch_find_extra(b, r, STR("n"))->i, i + 1);
	}
	batch_free(b);
}

TEST(amending_a_full_batch_is_refused)
{
	struct batch *b = batch_new();
	struct err err;
	struct cell c = { .field = FIELD_COMMENT, .kind = CELL_TEXT };
	begin(b, 1);
	batch_set_text(b, FIELD_STATUS, STR_NONE, STR("x"));
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	b->c.cells = BATCH_CELLS - 1;
	CHECK_RC(batch_amend(b, 0, &c, STR("y")), RC_LIMIT, err);
	b->c.cells = 1;
	b->c.text = BATCH_TEXT;
	CHECK_RC(batch_amend(b, 0, &c, STR("y")), RC_LIMIT, err);
	batch_free(b);
}

TEST_MAIN(TEST_RUN(cells_are_sorted_and_found), TEST_RUN(values_as_text),
	  TEST_RUN(bad_rows_leave_no_trace), TEST_RUN(many_extra_fields_are_sorted_by_name),
	  TEST_RUN(rejects_hold_bytes_and_words), TEST_RUN(one_record_makes_so_many_events),
	  TEST_RUN(full_before_anything_overflows), TEST_RUN(amending_keeps_the_order),
	  TEST_RUN(amending_a_full_batch_is_refused))
