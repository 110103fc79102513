/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_cache.h"

#include <pthread.h>

#include "base/test.h"

static void make_chunk(struct buf *out, uint32_t rows)
{
	struct err err = { 0 };
	struct batch *b = batch_new();
	char text[64];
	for (uint32_t i = 0; i < rows; i++) {
		int n = snprintf(text, sizeof text, "host-%u.example.org", i);
		batch_row_begin(b, i + 1, 0, 1, i);
		batch_set_text(b, FIELD_SOURCE_FQDN, STR_NONE, str_mem(text, (size_t)n));
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	}
	const struct chunk_part part = { .b = b, .row = b->row, .rows = b->c.rows, .report = 1, .received_us = 1 };
	CHECK_RC(chunk_write(&part, 1, CHUNK_SMALL, out, &err), RC_OK, err);
	batch_free(b);
}

static struct place at(uint32_t n)
{
	return (struct place){ .day = 20000, .number = 1, .offset = 100 * n, .bytes = 100 };
}

/* Its columns stand decoded, and rows are made of a copy with memory of the reader's. */
TEST(held)
{
	struct err err = { 0 };
	struct buf bytes = BUF_INIT(MIB(1));
	struct frame_cache *k = frame_cache_new(MIB(1));
	struct place one = at(1), other = at(2);
	make_chunk(&bytes, 300);
	CHECK(!chunk_cache_take(k, &one));
	const struct chunk_kept *added = chunk_cache_add(k, &one, buf_str(&bytes), NULL, frame_cache_turn(k));
	CHECK(added && chunk_cache_take(k, &one) == added && !chunk_cache_take(k, &other));
	CHECK(chunk_cache_add(k, &one, buf_str(&bytes), NULL, frame_cache_turn(k)) == added); /* not twice */
	struct arena *a = arena_new(KIB(16));
	struct chunk c = added->chunk;
	struct batch b;
	const uint16_t pick[] = { 0, 7, 299 };
	c.a = a;
	CHECK_RC(chunk_batch(&c, pick, 3, &b, &err), RC_OK, err);
	const struct cell *name = batch_find(&b, &b.row[1], FIELD_SOURCE_FQDN);
	CHECK(name && str_eq(cell_text(&b, name), STR("host-7.example.org")));
	arena_free(a);
	for (int i = 0; i < 3; i++)
		chunk_cache_give_back(k, added);
	chunk_cache_give_back(k, NULL);
	frame_cache_free(k);
	buf_free(&bytes);
}

/* What is in use stays, and no more is held than may be. */
TEST(bounded)
{
	struct buf bytes = BUF_INIT(MIB(1));
	struct frame_cache *k = frame_cache_new(KIB(400));
	size_t held = 0;
	make_chunk(&bytes, 1000);
	for (uint32_t i = 0; i < 20; i++) {
		struct place p = at(i);
		const struct chunk_kept *one = chunk_cache_add(k, &p, buf_str(&bytes), NULL, frame_cache_turn(k));
		held += one != NULL;
		chunk_cache_give_back(k, one);
		CHECK(frame_cache_bytes(k) <= KIB(400));
	}
	struct place first = at(0);
	const struct chunk_kept *one = chunk_cache_take(k, &first);
	CHECK(one && held >= 1 && held < 20);
	chunk_cache_give_back(k, one);
	frame_cache_free(k);
	buf_free(&bytes);
}

/* What was forgotten is not held, nor added by who read it before; who uses it ends in peace. */
TEST(cleared)
{
	struct buf bytes = BUF_INIT(MIB(1));
	struct frame_cache *k = frame_cache_new(MIB(1));
	struct place one = at(1);
	make_chunk(&bytes, 300);
	unsigned turn = frame_cache_turn(k);
	const struct chunk_kept *used = chunk_cache_add(k, &one, buf_str(&bytes), NULL, turn);
	CHECK(used);
	frame_cache_clear(k);
	CHECK(!chunk_cache_take(k, &one) && frame_cache_bytes(k) == 0);
	CHECK(!chunk_cache_add(k, &one, buf_str(&bytes), NULL, turn));
	CHECK_INT(used->chunk.rows, 300);
	chunk_cache_give_back(k, used);
	bytes.p[bytes.n / 2] = (char)(bytes.p[bytes.n / 2] ^ 1);
	CHECK(!chunk_cache_add(k, &one, str_mem(bytes.p, bytes.n / 2), NULL, frame_cache_turn(k))); /* damaged */
	CHECK_INT(frame_cache_bytes(k), 0);
	frame_cache_free(k);
	buf_free(&bytes);
}

/* What nobody takes any more goes; what somebody uses stays. */
TEST(rests)
{
	struct buf bytes = BUF_INIT(MIB(1));
	struct frame_cache *k = frame_cache_new(MIB(1));
	struct place one = at(1), other = at(2);
	make_chunk(&bytes, 300);
	const struct chunk_kept *used = chunk_cache_add(k, &one, buf_str(&bytes), NULL, frame_cache_turn(k));
	chunk_cache_give_back(k, chunk_cache_add(k, &other, buf_str(&bytes), NULL, frame_cache_turn(k)));
	frame_cache_rest(k, clock_mono_us() - HOUR_US);
	const struct chunk_kept *again = chunk_cache_take(k, &other);
	CHECK(used && again);
	chunk_cache_give_back(k, again);
	frame_cache_rest(k, clock_mono_us() + 1);
	CHECK(!chunk_cache_take(k, &other));
	CHECK(frame_cache_bytes(k) > 0);
	CHECK_INT(used->chunk.rows, 300);
	chunk_cache_give_back(k, used);
	frame_cache_rest(k, clock_mono_us() + 1);
	CHECK_INT(frame_cache_bytes(k), 0);
	frame_cache_free(k);
	buf_free(&bytes);
}

/* Readers take and add, one forgets: what somebody holds stays whole until he gives it back. */
struct crowd {
	struct frame_cache *k;
	str bytes;
	unsigned wrong;
};

static void *read_often(void *ctx)
{
	struct crowd *c = ctx;
	for (uint32_t i = 0; i < 400; i++) {
		struct place p = at(i % 7);
		unsigned turn = frame_cache_turn(c->k);
		const struct chunk_kept *one = chunk_cache_take(c->k, &p);
		if (!one)
			one = chunk_cache_add(c->k, &p, c->bytes, NULL, turn);
		if (one && (one->chunk.rows != 300 || one->head.at.offset != p.offset))
			__atomic_add_fetch(&c->wrong, 1, __ATOMIC_RELAXED);
		chunk_cache_give_back(c->k, one);
	}
	return NULL;
}

static void *forget_often(void *ctx)
{
	struct crowd *c = ctx;
	for (int i = 0; i < 100; i++) {
		frame_cache_clear(c->k);
		(void)frame_cache_bytes(c->k);
	}
	return NULL;
}

TEST(shared)
{
	struct buf bytes = BUF_INIT(MIB(1));
	pthread_t t[4];
	make_chunk(&bytes, 300);
	struct crowd c = { frame_cache_new(KIB(400)), buf_str(&bytes), 0 };
	for (int i = 0; i < 4; i++)
		CHECK_INT(pthread_create(&t[i], NULL, i < 3 ? read_often : forget_often, &c), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_INT(c.wrong, 0);
	CHECK(frame_cache_bytes(c.k) <= KIB(400));
	frame_cache_free(c.k);
	buf_free(&bytes);
}

TEST_MAIN(TEST_RUN(held), TEST_RUN(bounded), TEST_RUN(cleared), TEST_RUN(rests), TEST_RUN(shared))
