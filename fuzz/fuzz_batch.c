/* SPDX-License-Identifier: Apache-2.0 */
/* A batch as a hostile parser child would send it: a sound one is made, then the
 * input pokes values into it, nine bytes a poke (where, what). What
 * batch_copy_checked believes must be safe to read to the last byte. */
#include "base/hash.h"
#include "base/json.h"
#include "event/batch.h"
#include "fuzz.h"

enum { POKE_BYTES = 9, POKES_MAX = 64 };

static void make_sound(struct batch *b)
{
	struct err err;
	struct ip ip = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 } };
	struct net net = { { { 0x20, 0x01, 0x0d, 0xb8 } }, 64 };
	for (uint64_t i = 1; i <= 4; i++) {
		batch_row_begin(b, i, i * 100, 90, (uint32_t)i);
		batch_set_ip(b, FIELD_SOURCE_IP, &ip);
		batch_set_net(b, FIELD_SOURCE_NETWORK, &net);
		batch_set_time(b, FIELD_TIME_SOURCE, (int64_t)i * 1000000);
		batch_set_int(b, FIELD_SOURCE_PORT, STR_NONE, 53);
		batch_set_text(b, FIELD_SOURCE_FQDN, STR_NONE, STR("example.org"));
		batch_set_float(b, FIELD_EXTRA, STR("f"), 1.5);
		batch_set_bool(b, FIELD_EXTRA, STR("b"), true);
		batch_set_json(b, FIELD_EXTRA, STR("j"), STR("[1,2]"));
		MUST(batch_row_end(b, &err) == RC_OK);
	}
	batch_reject(b, REJECT_SYNTAX, 5, 500, STR("junk"), 5, "words");
	b->c.inputs = b->c.next_input = 5;
	b->c.next_offset = 600;
}

static void poke_at(void *area, size_t size, size_t at, uint64_t value, unsigned width)
{
	if (at + width <= size)
		memcpy((char *)area + at, &value, width);
}

/* Byte 0: which part, and how wide; 1-2: where; 3-8: what. */
static void poke(struct batch *b, struct batch_counts *counts, const uint8_t *p)
{
	uint64_t value = 0;
	size_t at = (size_t)(p[1] | p[2] << 8);
	memcpy(&value, p + 3, 6);
	if (p[0] & 0x80)
		value = ~value;
	unsigned width = 1u << (p[0] >> 3 & 3);
	switch (p[0] & 7) {
	case 0:
		poke_at(b->row, 4 * sizeof(*b->row), at % 256, value, width);
		break;
	case 1:
	case 2:
		poke_at(b->cell, 64 * sizeof(*b->cell), at % 1024, value, width);
		break;
	case 3:
		poke_at(b->key, 8 * sizeof(*b->key), at % 128, value, width);
		break;
	case 4:
		poke_at(b->reject, 2 * sizeof(*b->reject), at % 128, value, width);
		break;
	case 5:
		poke_at(b->text, 512, at % 512, value, width);
		break;
	default:
		poke_at(counts, sizeof(*counts), at % sizeof(*counts), value, width);
		break;
	}
}

static void read_all(const struct batch *b)
{
	struct buf out = BUF_INIT(MIB(8));
	for (uint32_t i = 0; i < b->c.rows; i++) {
		struct json_out j = json_out(&out);
		batch_row_json(b, &b->row[i], &j);
		for (uint32_t k = 0; k < b->row[i].cells; k++)
			cell_format(b, &b->cell[b->row[i].first_cell + k], &out);
		(void)batch_find(b, &b->row[i], FIELD_SOURCE_IP);
		(void)batch_find_extra(b, &b->row[i], STR("j"));
		buf_reset(&out);
	}
	for (uint32_t i = 0; i < b->c.rejects; i++) {
		MUST(str_is_utf8(str_mem(b->text + b->reject[i].words_at, b->reject[i].words_n)));
		buf_add_mem(&out, b->text + b->reject[i].bytes_at, b->reject[i].bytes_n);
	}
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct batch *b, *copy; /* made once: 20 MiB each */
	struct err err = { 0 };
	if (!b) {
		MUST(hash_init(&err) == RC_OK);
		b = batch_new();
		copy = batch_new();
	}
	batch_reset(b);
	make_sound(b);
	struct batch_counts counts = b->c;
	for (size_t i = 0; i < POKES_MAX && (i + 1) * POKE_BYTES <= size; i++)
		poke(b, &counts, data + i * POKE_BYTES);
	batch_reset(copy);
	enum rc rc = batch_copy_checked(copy, b->row, &counts, &err);
	if (rc != RC_OK && size < POKE_BYTES)
		fprintf(stderr, "%s\n", err.text);
	MUST(rc == RC_OK || err.text[0]);
	MUST(rc == RC_OK || size >= POKE_BYTES);
	if (rc == RC_OK)
		read_all(copy);
	b->c = (struct batch_counts){ .keys = 1 }; /* what was poked is not trusted by the reset */
	return 0;
}
