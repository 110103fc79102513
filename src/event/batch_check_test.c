/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/test.h"
#include "event/batch.h"

/* A sound batch of three rows and a reject, laid over `area`. */
static void sound(struct batch *b, void *area)
{
	struct err err;
	struct ip ip;
	struct net net;
	CHECK(ip_parse(STR("192.0.2.1"), &ip) && net_parse(STR("192.0.2.0/24"), true, &net));
	batch_attach(b, area);
	for (uint64_t i = 1; i <= 3; i++) {
		batch_row_begin(b, i < 3 ? 1 : 3, i < 3 ? 0 : 60, 30, 1);
		batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("scanner"));
		batch_set_text(b, FIELD_CLASSIFICATION_TAXONOMY, STR_NONE,
			       STR("information-gathering"));
		batch_set_ip(b, FIELD_SOURCE_IP, &ip);
		batch_set_net(b, FIELD_SOURCE_NETWORK, &net);
		batch_set_int(b, FIELD_SOURCE_PORT, STR_NONE, 65535);
		batch_set_int(b, FIELD_SOURCE_ASN, STR_NONE, 64500);
		batch_set_time(b, FIELD_TIME_SOURCE, 1000);
		batch_set_int(b, FIELD_TLP, STR_NONE, TLP_RED);
		batch_set_float(b, FIELD_FEED_ACCURACY, STR_NONE, 50);
		batch_set_text(b, FIELD_SEVERITY, STR_NONE, STR("high"));
		batch_set_text(b, FIELD_SOURCE_REGISTRY, STR_NONE, STR("APNIC"));
		batch_set_text(b, FIELD_SOURCE_FQDN, STR_NONE, STR("www.example.org"));
		batch_set_text(b, FIELD_SOURCE_GEOLOCATION_CC, STR_NONE, STR("TL"));
		batch_set_bool(b, FIELD_EXERCISE, STR_NONE, true);
		batch_set_text(b, FIELD_EXTRA, STR("b"), STR("one"));
		batch_set_json(b, FIELD_EXTRA, STR("a"), STR("[1]"));
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	}
	batch_reject(b, REJECT_SYNTAX, 2, 30, STR("bad\xff"), 2, "it is bad");
	b->c.inputs = 5;
	b->c.blank = b->c.dropped = 1;
	b->c.next_input = 5;
	b->c.next_offset = 100;
}

static struct cell *cell_at(struct batch *b, enum field f)
{
	return (struct cell *)batch_find(b, &b->row[0], f);
}

TEST(a_sound_batch_is_copied)
{
	void *area = x_alloc(batch_area_bytes());
	struct batch from, *to = batch_new();
	struct err err;
	sound(&from, area);
	for (int twice = 0; twice < 2; twice++) {
		CHECK_RC(batch_copy_checked(to, area, &from.c, &err), RC_OK, err);
		CHECK_INT(to->c.rows, 3);
		CHECK_INT(to->c.rejects, 1);
		CHECK_INT(to->c.inputs, 5);
		const struct row *r = &to->row[2];
		CHECK_STR(cell_text(to, batch_find_extra(to, r, STR("b"))), STR("one"));
		/* The node adds its own; the copy left room for that. */
		uint32_t cells = to->c.cells;
		struct cell c = { .field = FIELD_COMMENT, .kind = CELL_TEXT };
		for (uint32_t i = 0; i < 3; i++)
			CHECK_RC(batch_amend(to, i, &c, STR("ours")), RC_OK, err);
		CHECK_INT(to->c.cells, cells);
		CHECK_STR(cell_text(to, batch_find(to, &to->row[1], FIELD_COMMENT)), STR("ours"));
		CHECK_STR(cell_text(to, batch_find_extra(to, &to->row[1], STR("a"))), STR("[1]"));
	}
	batch_free(to);
	batch_detach(&from);
	free(area);
}

/* One lie at a time; each must be found. */
#define LIE(name, ...)                          \
	static void lie_##name(struct batch *b) \
	{                                       \
		__VA_ARGS__;                    \
	}
#define CELL(f) cell_at(b, FIELD_##f)
LIE(rows_over, b->c.rows = BATCH_ROWS + 1)
LIE(cells_over, b->c.cells = BATCH_CELLS + 1)
LIE(keys_over, b->c.keys = BATCH_KEYS + 1)
LIE(rejects_over, b->c.rejects = BATCH_REJECTS + 1)
LIE(text_over, b->c.text = BATCH_TEXT + 1)
LIE(text_cut, b->c.text = 10)
LIE(quarantined_few, b->c.quarantined = 0)
LIE(inputs_few, b->c.inputs = 4)
LIE(inputs_many, b->c.inputs = 6)
LIE(sums_wrap, b->c.blank = UINT64_MAX)
LIE(cells_unused, b->c.cells++)
LIE(first_cell, b->row[1].first_cell = 0)
LIE(first_cell_far, b->row[1].first_cell = UINT32_MAX)
LIE(row_cells, b->row[2].cells++)
LIE(row_cells_wrap, b->row[0].cells = UINT32_MAX)
LIE(input_zero, b->row[0].input = 0)
LIE(input_order, b->row[2].input = 1)
LIE(input_back, b->row[0].input = 3)
LIE(input_late, b->row[2].input = 6)
LIE(offset_back, b->row[2].raw_offset = 0; b->row[0].raw_offset = b->row[1].raw_offset = 50)
LIE(offset_late, b->row[2].raw_offset = 101)
LIE(offset_of_one, b->row[1].raw_offset = 1)
LIE(field_none, CELL(TLP)->field = FIELD_COUNT)
LIE(field_ours, CELL(EXERCISE)->field = FIELD_RONDA_TIME_ASSUMED)
LIE(field_order, CELL(TLP)->field = FIELD_SOURCE_ASN)
LIE(field_key, CELL(TLP)->key = 1)
LIE(kind_none, CELL(TLP)->kind = CELL_KINDS)
LIE(kind_wrong, CELL(TIME_SOURCE)->kind = CELL_INT)
LIE(kind_text_of_ip, CELL(SOURCE_IP)->kind = CELL_TEXT)
LIE(number_with_text, CELL(TLP)->n = 4)
LIE(place_far, CELL(SOURCE_IP)->at = b->c.text)
LIE(place_wrap, CELL(SOURCE_IP)->at = UINT64_MAX - 3)
LIE(length_wrap, CELL(SEVERITY)->n = UINT32_MAX)
LIE(ip_short, CELL(SOURCE_IP)->n = 4)
LIE(net_bits, b->text[CELL(SOURCE_NETWORK)->at + 16] = 129)
LIE(net_host_bits, b->text[CELL(SOURCE_NETWORK)->at + 15] = 1)
LIE(tlp, CELL(TLP)->i = TLP_COUNT)
LIE(tlp_minus, CELL(TLP)->i = -1)
LIE(asn_zero, CELL(SOURCE_ASN)->i = 0)
LIE(asn_large, CELL(SOURCE_ASN)->i = INT64_C(4294967296))
LIE(port, CELL(SOURCE_PORT)->i = 65536)
LIE(port_minus, CELL(SOURCE_PORT)->i = -1)
LIE(time_minus, CELL(TIME_SOURCE)->i = -1)
LIE(time_late, CELL(TIME_SOURCE)->i = INT64_MAX)
LIE(boolean, CELL(EXERCISE)->i = 2)
LIE(infinite, CELL(FEED_ACCURACY)->i = 0x7ff0000000000000)
LIE(accuracy, CELL(FEED_ACCURACY)->f = 100.5)
LIE(type, b->text[CELL(CLASSIFICATION_TYPE)->at] = 'S')
LIE(taxonomy, b->text[CELL(CLASSIFICATION_TAXONOMY)->at] = 'x')
LIE(severity, b->text[CELL(SEVERITY)->at] = 'x')
LIE(registry, b->text[CELL(SOURCE_REGISTRY)->at] = 'x')
LIE(name_space, b->text[CELL(SOURCE_FQDN)->at + 3] = ' ')
LIE(long_text, CELL(SOURCE_GEOLOCATION_CC)->n = 3)
LIE(nul, b->text[CELL(SOURCE_GEOLOCATION_CC)->at] = 0)
LIE(utf8, b->text[CELL(SOURCE_GEOLOCATION_CC)->at] = 0xc0)
static struct cell *extra(struct batch *b, const char *key)
{
	return (struct cell *)batch_find_extra(b, &b->row[0], str_of(key));
}
LIE(extra_key, extra(b, "b")->key = 2)
LIE(extra_order, extra(b, "b")->key = 1)
LIE(extra_ip, extra(b, "b")->kind = CELL_IP)
LIE(json_open, memcpy(b->text + extra(b, "a")->at, "[1}", 3))
LIE(json_two, memcpy(b->text + extra(b, "b")->at, "1,2", 3); extra(b, "b")->kind = CELL_JSON)
LIE(key_twice, b->key[1] = b->key[0])
LIE(key_empty, b->key[1].n = 0)
LIE(key_far, b->key[1].at = b->c.text)
LIE(key_control, b->text[b->key[1].at] = '\n')
LIE(reason_none, b->reject[0].reason = 0)
LIE(reason_large, b->reject[0].reason = REJECT_FORMAT + 1)
LIE(reject_bytes, b->reject[0].bytes_at = b->c.text)
LIE(reject_words, b->text[b->reject[0].words_at] = 0xff)
LIE(reject_input, b->reject[0].input = 0)
LIE(reject_of_row, b->reject[0].input = 3)
/* Every value the whole text: nothing is out of place, but it would multiply. */
static void lie_shared_text(struct batch *b)
{
	for (uint32_t i = 0; i < b->c.cells; i++) {
		if (b->cell[i].kind == CELL_JSON || b->cell[i].field != FIELD_EXTRA)
			continue;
		b->cell[i].at = 0;
		b->cell[i].n = (uint32_t)b->c.text - 4;
		memset(b->text, 'a', 7);
	}
}

static const struct {
	const char *name;
	void (*lie)(struct batch *b);
} lies[] = {
#define ROW(name) { #name, lie_##name }
	ROW(rows_over), ROW(cells_over), ROW(keys_over), ROW(rejects_over), ROW(text_over),
	ROW(text_cut), ROW(quarantined_few), ROW(inputs_few), ROW(inputs_many), ROW(sums_wrap),
	ROW(cells_unused), ROW(first_cell), ROW(first_cell_far), ROW(row_cells),
	ROW(row_cells_wrap), ROW(input_zero), ROW(input_order), ROW(input_back), ROW(input_late),
	ROW(offset_back), ROW(offset_late), ROW(offset_of_one), ROW(field_none), ROW(field_ours),
	ROW(field_order), ROW(field_key), ROW(kind_none), ROW(kind_wrong), ROW(kind_text_of_ip),
	ROW(number_with_text), ROW(place_far), ROW(place_wrap), ROW(length_wrap), ROW(ip_short),
	ROW(net_bits), ROW(net_host_bits), ROW(tlp), ROW(tlp_minus), ROW(asn_zero),
	ROW(asn_large), ROW(port), ROW(port_minus), ROW(time_minus), ROW(time_late), ROW(boolean),
	ROW(infinite), ROW(accuracy), ROW(type), ROW(taxonomy), ROW(severity), ROW(registry),
	ROW(name_space), ROW(long_text), ROW(nul), ROW(utf8), ROW(extra_key), ROW(extra_order),
	ROW(extra_ip), ROW(json_open), ROW(json_two), ROW(key_twice), ROW(key_empty),
	ROW(key_far), ROW(key_control), ROW(reason_none), ROW(reason_large), ROW(reject_bytes),
	ROW(reject_words), ROW(reject_input), ROW(reject_of_row), ROW(shared_text),
#undef ROW
};

TEST(every_lie_is_found)
{
	void *area = x_alloc(batch_area_bytes());
	struct batch *to = batch_new();
	for (size_t i = 0; i < COUNT_OF(lies); i++) {
		struct batch from;
		struct err err = { 0 };
		sound(&from, area);
		lies[i].lie(&from);
		enum rc rc = batch_copy_checked(to, area, &from.c, &err);
		CHECK_MSG(rc == RC_INPUT, "%s: %s", lies[i].name, rc_name(rc));
		CHECK_MSG(rc == RC_OK || err.text[0], "%s: no words", lies[i].name);
		CHECK_INT(to->c.rows, 0);
		/* The table of keys is empty again too. */
		batch_detach(&from);
		sound(&from, area);
		CHECK_RC(batch_copy_checked(to, area, &from.c, &err), RC_OK, err);
		batch_detach(&from);
	}
	batch_free(to);
	free(area);
}

/* Noise in the area: whatever the answer, nothing is read outside (ASan sees). */
TEST(noise_is_survived)
{
	void *area = x_alloc(batch_area_bytes());
	struct batch from, *to = batch_new();
	uint64_t seed = 88172645463325252u;
	sound(&from, area);
	unsigned char *parts[] = { (unsigned char *)from.row, (unsigned char *)from.cell,
				   (unsigned char *)from.key, (unsigned char *)from.reject,
				   from.text };
	const size_t sizes[] = { 3 * sizeof(struct row), 48 * sizeof(struct cell),
				 2 * sizeof(struct key_ref), sizeof(struct rejected), 300 };
	for (int i = 0; i < 20000; i++) {
		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		size_t part = seed % COUNT_OF(parts);
		unsigned char *p = parts[part] + (seed >> 8) % sizes[part], old = *p;
		*p ^= (unsigned char)(1u << (seed >> 40) % 8);
		if (batch_copy_checked(to, area, &from.c, NULL) == RC_OK)
			CHECK_INT(to->c.rows, 3);
		*p = old;
	}
	batch_free(to);
	batch_detach(&from);
	free(area);
}

TEST_MAIN(TEST_RUN(a_sound_batch_is_copied), TEST_RUN(every_lie_is_found),
	  TEST_RUN(noise_is_survived))
