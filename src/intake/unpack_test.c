/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/unpack.h"

#include "base/arena.h"
#include "base/test.h"
#include "intake/pack_test.h"

struct source {
	str rest;
	size_t step; /* bytes a read gives at most */
	bool gone;   /* then it says stop instead of the end */
};

static long read_source(void *ctx, void *to, size_t n)
{
	struct source *s = ctx;
	n = n < s->step ? n : s->step;
	n = n < s->rest.n ? n : s->rest.n;
	if (n == 0)
		return s->gone ? -1 : 0;
	memcpy(to, s->rest.p, n);
	s->rest = str_from(s->rest, n);
	return (long)n;
}

/* All entries as "name=bytes;", errors as "!kind;". Long runs of bytes as their number. */
static str unpack_all(struct arena *a, str packed, uint64_t said, size_t step, bool gone)
{
	struct source s = { packed, step, gone };
	struct unpack *u = unpack_new(read_source, &s, said);
	struct buf out = BUF_INIT(MIB(1)), entry = BUF_INIT(KIB(1));
	static char part[KIB(64)];
	struct err err = { 0 };
	str name;
	for (enum rc rc;
	     (rc = unpack_entry(u, &name, &err)) != RC_ABSENT && !(gone && rc == RC_IO);) {
		if (rc != RC_OK) {
			buf_fmt(&out, "!%s;", rc_name(rc));
			continue;
		}
		buf_fmt(&out, STR_FMT "=", STR_ARG(name));
		size_t n = 1, all = 0;
		buf_reset(&entry);
		while ((rc = unpack_read(u, part, sizeof(part), &n, &err)) == RC_OK && n) {
			all += n;
			if (!entry.over)
				buf_add_mem(&entry, part, n);
		}
		if (all <= 64)
			buf_add(&out, buf_str(&entry));
		else
			buf_u64(&out, all);
		buf_fmt(&out, rc == RC_OK ? ";" : "!%s;", rc_name(rc));
	}
	str result = arena_str(a, buf_str(&out));
	buf_free(&out);
	buf_free(&entry);
	unpack_free(u);
	return result;
}

static void check_at_steps(struct buf *packed, const char *what, const char *want)
{
	static const size_t steps[] = { 1, 7, KIB(64) };
	struct arena *a = arena_new(KIB(64));
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		str got = unpack_all(a, buf_str(packed), 0, steps[i], false);
		CHECK_MSG(str_eq(got, str_of(want)),
			  "%s, %zu at a time: got '" STR_FMT "', want '%s'", what, steps[i],
			  STR_ARG(got), want);
	}
	arena_free(a);
}

static const str text = STR_INIT("192.0.2.1\n192.0.2.2\n");

TEST(plain)
{
	struct buf b = BUF_INIT(KIB(64));
	check_at_steps(&b, "nothing", "=;");
	buf_add(&b, STR("a,b\n"));
	check_at_steps(&b, "text", "=a,b\n;");
	buf_free(&b);
}

TEST(gzip)
{
	struct buf b = BUF_INIT(KIB(64));
	pack_gzip(&b, text);
	size_t one = b.n;
	check_at_steps(&b, "one member", "=192.0.2.1\n192.0.2.2\n;");
	buf_add_mem(&b, "\0\0\0", 3);
	check_at_steps(&b, "zeros behind", "=192.0.2.1\n192.0.2.2\n;");
	b.n = one;
	pack_gzip(&b, STR(""));
	pack_gzip(&b, STR("x"));
	check_at_steps(&b, "three members", "=192.0.2.1\n192.0.2.2\nx;");
	b.n = one - 1;
	check_at_steps(&b, "cut off", "=192.0.2.1\n192.0.2.2\n!input;");
	b.n = one;
	b.p[one - 5] ^= 1; /* of the checksum */
	check_at_steps(&b, "checksum", "=192.0.2.1\n192.0.2.2\n!input;");
	b.p[one - 5] ^= 1;
	buf_add(&b, STR("hello"));
	check_at_steps(&b, "junk behind", "=192.0.2.1\n192.0.2.2\n!input;");
	buf_reset(&b);
	buf_add(&b, STR("\x1f\x8b"));
	check_at_steps(&b, "nothing but the magic", "=!input;");
	buf_free(&b);
}

TEST(zstd)
{
	struct buf b = BUF_INIT(KIB(64));
	pack_zstd(&b, text);
	size_t one = b.n;
	check_at_steps(&b, "one frame", "=192.0.2.1\n192.0.2.2\n;");
	buf_le32(&b, 0x184d2a50);
	buf_le32(&b, 3);
	buf_add(&b, STR("abc"));
	pack_zstd(&b, STR("x"));
	check_at_steps(&b, "two frames and one to skip", "=192.0.2.1\n192.0.2.2\nx;");
	b.n = one - 1;
	check_at_steps(&b, "cut off", "=192.0.2.1\n192.0.2.2!input;");
	b.n = one;
	buf_add(&b, STR("hello"));
	check_at_steps(&b, "junk behind", "=192.0.2.1\n192.0.2.2\n!input;");
	/* a frame that asks for a window of 128 MiB */
	buf_reset(&b);
	buf_add(&b, STR("\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00"));
	check_at_steps(&b, "large window", "=!input;");
	buf_free(&b);
}

/* --- broken somewhere in the middle --- */

/* Like a report: lines alike, and longer than the blocks of every packing. */
static void make_lines(struct buf *out, size_t bytes)
{
	uint32_t x = 2463534242u;
	while (out->n < bytes) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		buf_fmt(out, "2026-11-20 00:00:00,high,198.18.%u.%u,tcp,%u,host-%u.example.org\n", x >> 8 & 255, x & 255,
			x % 7919, x >> 12);
	}
}

/* All that comes before the error, however it is asked for: its hash, its length and the kind. */
static str unpack_to_error(struct arena *a, str packed, size_t step, size_t asked)
{
	struct source s = { packed, step, false };
	struct unpack *u = unpack_new(read_source, &s, packed.n);
	static char part[KIB(64)];
	struct err err = { 0 };
	uLong sum = crc32(0, NULL, 0);
	size_t n = 1, all = 0;
	str name;
	enum rc rc = unpack_entry(u, &name, &err);
	while (rc == RC_OK && n) {
		rc = unpack_read(u, part, asked, &n, &err);
		sum = rc == RC_OK ? crc32(sum, (const Bytef *)part, (uInt)n) : sum;
		all += rc == RC_OK ? n : 0;
	}
	unpack_free(u);
	return arena_fmt(a, "%zu bytes, %08lx, %s", all, sum, rc_name(rc));
}

static void pack_one_zip(struct buf *out, str in)
{
	pack_zip_entry(out, STR("a.csv"), in, PACK_DEFLATE);
}

/* What cannot be made smaller is kept as it is, in blocks that a decoder may give by and by. */
static void pack_zstd_noise(struct buf *out, str in)
{
	struct buf noise = BUF_INIT(MIB(1));
	uint64_t x = 88172645463325252u;
	while (noise.n < in.n) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		buf_add_mem(&noise, &x, sizeof x);
	}
	pack_zstd(out, buf_str(&noise));
	buf_free(&noise);
}

/* Another level makes other blocks. */
static void pack_zstd_high(struct buf *out, str in)
{
	size_t most = ZSTD_compressBound(in.n);
	out->n += ZSTD_compress(buf_room(out, most), most, in.p, in.n, 12);
}

/* Where the blocks of one frame begin (RFC 8878 section 3.1.1): without a dictionary or a checksum. */
static size_t find_blocks(str frame, size_t *places, size_t most)
{
	static const size_t content[] = { 0, 2, 4, 8 };
	unsigned char how = (unsigned char)frame.p[4];
	bool alone = how & 1 << 5, last = false;
	size_t at = 5 + !alone + (alone && how >> 6 == 0 ? 1 : content[how >> 6]), n = 0;
	while (!last && n < most && at + 3 <= frame.n) {
		const unsigned char *p = (const unsigned char *)frame.p + at;
		size_t head = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
		places[n++] = at;
		last = head & 1;
		at += 3 + ((head >> 1 & 3) == 1 ? 1 : head >> 3);
	}
	CHECK(last && at == frame.n);
	return n;
}

TEST(broken_anywhere_it_is_cut_at_the_same_byte)
{
	static const struct { const char *what; void (*pack)(struct buf *out, str in); bool blocks; } cases[] = {
		{ "gzip", pack_gzip, false }, { "zip", pack_one_zip, false }, { "zstd", pack_zstd, true },
		{ "zstd, smaller", pack_zstd_high, true }, { "zstd, noise", pack_zstd_noise, true },
	};
	static const size_t steps[] = { 1, 3, 100, 4096, 50000, KIB(64) }, asked[] = { KIB(64), 50000, 1000 };
	enum { PLACES = 40, BLOCKS_MOST = 20 };
	struct buf lines = BUF_INIT(MIB(1)), packed = BUF_INIT(MIB(1));
	struct arena *a = arena_new(KIB(64));
	make_lines(&lines, 400000);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buf_reset(&packed);
		cases[i].pack(&packed, buf_str(&lines));
		size_t places[PLACES + BLOCKS_MOST];
		size_t blocks = cases[i].blocks ? find_blocks(buf_str(&packed), places + PLACES, BLOCKS_MOST) : 0;
		CHECK(!cases[i].blocks || blocks > 3);
		for (size_t k = 0; k < PLACES; k++)
			places[k] = 30 + k * (packed.n - 40) / PLACES;
		places[0] = cases[i].blocks ? 5 : places[0]; /* of how long it says it is: found at the end */
		for (size_t place = 0; place < PLACES + blocks; place++) {
			size_t at = places[place];
			char was = packed.p[at];
			packed.p[at] = (char)(place < PLACES ? was ^ 0x55 : was | 6); /* a kind of block that is reserved */
			str want = unpack_to_error(a, buf_str(&packed), 1, KIB(64));
			for (size_t k = 0; k < COUNT_OF(steps) * COUNT_OF(asked); k++) {
				size_t step = steps[k / COUNT_OF(asked)], room = asked[k % COUNT_OF(asked)];
				str got = unpack_to_error(a, buf_str(&packed), step, room);
				CHECK_MSG(str_eq(got, want), "%s broken at %zu, %zu at a time, %zu asked for: " STR_FMT ", want " STR_FMT,
					  cases[i].what, at, step, room, STR_ARG(got), STR_ARG(want));
			}
			packed.p[at] = was;
			arena_reset(a);
		}
	}
	arena_free(a);
	buf_free(&lines);
	buf_free(&packed);
}

TEST(zip)
{
	static const struct {
		const char *what;
		unsigned how;
		const char *want;
	} cases[] = {
		{ "deflated", PACK_DEFLATE, "a=xyz;b=Z;" },
		{ "stored", PACK_STORED, "a=xyz;b=Z;" },
		{ "descriptor", PACK_DESCRIPTOR, "a=xyz;b=Z;" },
		{ "descriptor without signature", PACK_DESCRIPTOR | PACK_UNSIGNED, "a=xyz;b=Z;" },
		{ "zip64", PACK_ZIP64, "a=xyz;b=Z;" },
		{ "zip64, stored", PACK_ZIP64 | PACK_STORED, "a=xyz;b=Z;" },
		{ "zip64, descriptor", PACK_ZIP64 | PACK_DESCRIPTOR, "a=xyz;b=Z;" },
		{ "encrypted", PACK_ENCRYPTED, "!input;b=Z;" },
		{ "encrypted, length unknown", PACK_ENCRYPTED | PACK_DESCRIPTOR, "!input;" },
		{ "stored, length unknown", PACK_STORED | PACK_DESCRIPTOR, "!input;" },
		{ "method unknown", PACK_UNKNOWN, "!input;b=Z;" },
		{ "checksum", PACK_BAD_CRC, "a=xyz!input;b=Z;" },
		{ "size", PACK_BAD_SIZE, "a=xyz!input;b=Z;" },
		{ "size in the descriptor", PACK_BAD_SIZE | PACK_DESCRIPTOR, "a=xyz!input;b=Z;" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF_INIT(KIB(64));
		pack_zip_entry(&b, STR("a"), STR("xyz"), cases[i].how);
		pack_zip_entry(&b, STR("b"), STR("Z"), PACK_STORED);
		pack_zip_end(&b);
		check_at_steps(&b, cases[i].what, cases[i].want);
		buf_free(&b);
	}
}

TEST(zip_edges)
{
	struct buf b = BUF_INIT(MIB(1));
	pack_zip_end(&b);
	check_at_steps(&b, "no entries", "");
	buf_reset(&b);
	pack_zip_entry(&b, STR("dir/"), STR(""), PACK_STORED);
	pack_zip_entry(&b, STR("../../etc/x\n\xff"), STR("1"), PACK_DEFLATE);
	size_t whole = b.n;
	pack_zip_end(&b);
	check_at_steps(&b, "names are text", "dir/=;../../etc/x__=1;");
	b.n = whole;
	check_at_steps(&b, "no directory", "dir/=;../../etc/x__=1;!input;");
	b.n = whole - 2;
	check_at_steps(&b, "cut off in an entry", "dir/=;../../etc/x__=!input;");
	b.n = 20;
	check_at_steps(&b, "cut off in a header", "!input;");
	buf_free(&b);
}

TEST(entries_limit)
{
	struct arena *a = arena_new(KIB(64));
	for (size_t more = 0; more < 2; more++) {
		struct buf b = BUF_INIT(MIB(1));
		for (size_t i = 0; i < UNPACK_ENTRIES_MAX + more; i++)
			pack_zip_entry(&b, STR("e"), STR(""), PACK_STORED);
		pack_zip_end(&b);
		str got = unpack_all(a, buf_str(&b), 0, KIB(64), false);
		CHECK(got.n == UNPACK_ENTRIES_MAX * 3 + (more ? strlen("!limit;") : 0));
		CHECK_INT(str_ends(got, STR("!limit;")), more);
		buf_free(&b);
	}
	arena_free(a);
}

TEST(ratio_limit)
{
	struct arena *a = arena_new(KIB(64));
	struct buf zeros = BUF_INIT(MIB(1)), b = BUF_INIT(MIB(1));
	memset(buf_room(&zeros, 300000), 0, 300000);
	zeros.n = 300000;
	pack_gzip(&b, buf_str(&zeros));
	CHECK_STR(unpack_all(a, buf_str(&b), 3001, KIB(64), false), STR("=300000;"));
	CHECK_STR(unpack_all(a, buf_str(&b), 3000, KIB(64), false), STR("=300000;"));
	CHECK_STR(unpack_all(a, buf_str(&b), 2999, KIB(64), false), STR("=299900!limit;"));
	/* not known: by what was read, all of it at once here */
	str got = unpack_all(a, buf_str(&b), 0, KIB(64), false);
	CHECK_MSG(b.n < 3000 && str_ends(got, STR("!limit;")), STR_FMT, STR_ARG(got));
	buf_reset(&b);
	pack_zip_entry(&b, STR("a"), buf_str(&zeros), PACK_DEFLATE);
	pack_zip_entry(&b, STR("b"), STR("q"), PACK_STORED);
	pack_zip_end(&b);
	CHECK_STR(unpack_all(a, buf_str(&b), 3001, KIB(64), false), STR("a=300000;b=q;"));
	CHECK_STR(unpack_all(a, buf_str(&b), 3000, KIB(64), false), STR("a=300000;!limit;"));
	CHECK_STR(unpack_all(a, buf_str(&b), 2999, KIB(64), false), STR("!limit;b=q;"));
	buf_free(&zeros);
	buf_free(&b);
	arena_free(a);
}

/* 256 MiB in members of 1 MiB, so that the test needs little memory. */
TEST(size_limit)
{
	struct arena *a = arena_new(KIB(64));
	struct buf zeros = BUF_INIT(MIB(2)), b = BUF_INIT(MIB(8));
	memset(buf_room(&zeros, MIB(1)), 0, MIB(1));
	zeros.n = MIB(1);
	for (int i = 0; i < 256; i++)
		pack_zstd(&b, buf_str(&zeros));
	size_t whole = b.n;
	CHECK_STR(unpack_all(a, buf_str(&b), MIB(100), KIB(64), false), STR("=268435456;"));
	pack_zstd(&b, STR("1"));
	CHECK(b.n > whole);
	CHECK_STR(unpack_all(a, buf_str(&b), MIB(100), KIB(64), false), STR("=268435456!limit;"));
	buf_free(&zeros);
	buf_free(&b);
	arena_free(a);
}

TEST(source_gone)
{
	struct arena *a = arena_new(KIB(64));
	struct buf b = BUF_INIT(KIB(64));
	CHECK_STR(unpack_all(a, STR("abc"), 0, 2, true), STR(""));
	CHECK_STR(unpack_all(a, STR("abcdef"), 0, 2, true), STR("=abcdef!io;"));
	pack_gzip(&b, text);
	CHECK_STR(unpack_all(a, buf_str(&b), 0, 3, true), STR("=192.0.2.1\n192.0.2.2\n!io;"));
	buf_reset(&b);
	pack_zip_entry(&b, STR("a"), STR("xyz"), PACK_STORED);
	CHECK_STR(unpack_all(a, buf_str(&b), 0, 3, true), STR("a=xyz;"));
	buf_free(&b);
	arena_free(a);
}

TEST(magic)
{
	CHECK(unpack_is_packed(STR("PK\x03\x04")));
	CHECK(unpack_is_packed(STR("PK\x05\x06")));
	CHECK(unpack_is_packed(STR("\x1f\x8b\x08")));
	CHECK(unpack_is_packed(STR("\x28\xb5\x2f\xfd")));
	CHECK(!unpack_is_packed(STR("PK\n")));
	CHECK(!unpack_is_packed(STR("")));
}

TEST_MAIN(TEST_RUN(plain), TEST_RUN(gzip), TEST_RUN(zstd), TEST_RUN(broken_anywhere_it_is_cut_at_the_same_byte), TEST_RUN(zip), TEST_RUN(zip_edges),
	  TEST_RUN(entries_limit), TEST_RUN(ratio_limit), TEST_RUN(size_limit),
	  TEST_RUN(source_gone), TEST_RUN(magic))
