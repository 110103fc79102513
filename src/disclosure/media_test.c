/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/media.h"

#include "disclosure/records_world.h"

static const struct {
	const char *what;
	str bytes;
	enum media media;
} samples[] = {
	{ "nothing", STR_INIT(""), MEDIA_NONE },
	{ "text", STR_INIT("timestamp,ip\n2026,192.0.2.1\n"), MEDIA_NONE },
	{ "text that begins as a bitmap", STR_INIT("BMW is a make of cars and no picture"), MEDIA_NONE },
	{ "a page", STR_INIT("<html><body>text</body></html>"), MEDIA_NONE },
	{ "JPEG", STR_INIT("\xff\xd8\xff\xe0\0\x10JFIF"), MEDIA_IMAGE },
	{ "JPEG behind white space", STR_INIT(" \r\n\xff\xd8\xff\xe1"), MEDIA_IMAGE },
	{ "JPEG behind a byte order mark", STR_INIT("\xef\xbb\xbf\xff\xd8\xff\xe1"), MEDIA_IMAGE },
	{ "JPEG, two bytes of it", STR_INIT("\xff\xd8"), MEDIA_NONE },
	{ "PNG", STR_INIT("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), MEDIA_IMAGE },
	{ "GIF", STR_INIT("GIF89a\1\0\1\0"), MEDIA_IMAGE },
	{ "WebP", STR_INIT("RIFF\1\2\3\4WEBPVP8 "), MEDIA_IMAGE },
	{ "RIFF that is sound", STR_INIT("RIFF\1\2\3\4WAVEfmt "), MEDIA_NONE },
	{ "TIFF", STR_INIT("II*\0\x08\0\0\0"), MEDIA_IMAGE },
	{ "bitmap", STR_INIT("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"), MEDIA_IMAGE },
	{ "bitmap with a header of OS/2", STR_INIT("BM\x46\0\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0"), MEDIA_IMAGE },
	{ "bitmap with the longest header", STR_INIT("BM\x46\0\0\0\0\0\0\0\x8a\0\0\0\x7c\0\0\0"), MEDIA_IMAGE },
	{ "bitmap with a header of no known length", STR_INIT("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x29\0\0\0"), MEDIA_NONE },
	{ "JPEG behind tabs", STR_INIT("\t\t\xff\xd8\xff\xe1"), MEDIA_IMAGE },
	{ "HEIC", STR_INIT("\0\0\0\x18" "ftypheic\0\0\0\0"), MEDIA_IMAGE },
	{ "AVIF", STR_INIT("\0\0\0\x18" "ftypavif\0\0\0\0"), MEDIA_IMAGE },
	{ "MP4", STR_INIT("\0\0\0\x18" "ftypisom\0\0\0\0"), MEDIA_VIDEO },
	{ "QuickTime", STR_INIT("\0\0\0\x14" "ftypqt  "), MEDIA_VIDEO },
	{ "WebM", STR_INIT("\x1a\x45\xdf\xa3\x01"), MEDIA_VIDEO },
	{ "AVI", STR_INIT("RIFF\1\2\3\4AVI LIST"), MEDIA_VIDEO },
	{ "MPEG", STR_INIT("\0\0\1\xba\x44"), MEDIA_VIDEO },
	{ "SVG", STR_INIT("<?xml version='1.0'?>\n<!-- x -->\n<SVG onload='x'>"), MEDIA_IMAGE },
};

TEST(bytes_say_what_they_are)
{
	for (size_t i = 0; i < COUNT_OF(samples); i++)
		CHECK_MSG(media_sniff(samples[i].bytes) == samples[i].media, "%s: '%s'", samples[i].what,
			  media_name(media_sniff(samples[i].bytes)));
}

/* ISO/IEC 13818-1: a packet is 188 bytes and begins with 0x47. */
TEST(a_transport_stream)
{
	static const struct { size_t n; bool at[3]; enum media media; } rows[] = {
		{ 377, { true, true, true }, MEDIA_VIDEO },  { 376, { true, true, true }, MEDIA_NONE },
		{ 377, { false, true, true }, MEDIA_NONE },  { 377, { true, false, true }, MEDIA_NONE },
		{ 377, { true, true, false }, MEDIA_NONE },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char bytes[377];
		memset(bytes, '.', sizeof(bytes));
		for (size_t k = 0; k < COUNT_OF(rows[i].at); k++)
			bytes[k * 188] = rows[i].at[k] ? 0x47 : '.';
		CHECK_MSG(media_sniff(str_mem(bytes, rows[i].n)) == rows[i].media, "row %zu", i);
	}
}

TEST(names)
{
	CHECK_STR(str_of(media_name(MEDIA_IMAGE)), STR("image"));
	CHECK_STR(str_of(media_name(MEDIA_VIDEO)), STR("video"));
	CHECK_STR(str_of(media_name(MEDIA_NONE)), STR(""));
}

TEST(only_a_role_that_opens_media_has_them)
{
	struct roles *roles = NULL;
	CHECK_RC(roles_load(NULL, &roles, &err), RC_OK, err);
	str picture = STR("GIF89a\1\0");
	for (size_t i = 0; roles && i < roles_count(roles); i++) {
		struct viewer v = { .roles = UINT32_C(1) << i, .all_roles = roles };
		bool protection = str_eq(str_of(roles_at(roles, i)->name), STR("protection"));
		CHECK_MSG(media_may_have(&v, picture) == protection, "%s", roles_at(roles, i)->name);
		CHECK(media_may_have(&v, STR("a,b\n")));
	}
	struct viewer nobody = { .roles = 0 };
	CHECK(!media_may_have(&nobody, picture));
	roles_free(roles);
}

struct taking {
	struct world *w;
	str bytes;
	struct digest d;
};

static enum rc take(struct tx *tx, void *ctx, struct err *e)
{
	struct taking *k = ctx;
	return media_take(tx, k->w->r, k->bytes, &k->d, e);
}

TEST(a_file_of_a_stranger)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	const struct { str bytes; enum rc rc; } rows[] = {
		{ STR("a,b\n1,2\n"), RC_OK }, { STR_INIT("GIF89a\1\0"), RC_DENIED },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct taking k = { .w = &w, .bytes = rows[i].bytes };
		struct buf out = BUF_INIT(KIB(1));
		CHECK_RC(store_write(w.s, take, &k, &err), RC_OK, err);
		struct reader *r = begin(&w);
		CHECK_RC(media_give(r, &lead, &k.d, &out, &err), rows[i].rc, err);
		CHECK_STR(buf_str(&out), rows[i].rc == RC_OK ? rows[i].bytes : STR(""));
		k.d.b[0] ^= 1;
		CHECK_RC(media_give(r, &lead, &k.d, &out, &err), RC_ABSENT, err);
		store_read_end(r);
		buf_free(&out);
	}
	world_end(&w);
}

TEST_MAIN(TEST_RUN(bytes_say_what_they_are), TEST_RUN(a_transport_stream), TEST_RUN(names),
	  TEST_RUN(only_a_role_that_opens_media_has_them), TEST_RUN(a_file_of_a_stranger))
