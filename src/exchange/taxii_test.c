/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says: media types, parameters, the place it goes on from, packed bodies. */
#include "exchange/taxii_private.h"

#include "base/test.h"
#include "base/test_dir.h"

#include <zlib.h>
#include <zstd.h>

static struct err err;

static void test_media(void)
{
	static const struct { const char *text; bool accepted, is_body; } rows[] = {
		{ "application/taxii+json;version=2.1", true, true },
		{ "application/taxii+json; version=\"2.1\"", true, true },
		{ "Application/TAXII+JSON;VERSION=2.1", true, true },
		{ "application/taxii+json", true, true },
		{ "application/taxii+json;charset=utf-8;version=2.1", true, true },
		{ "application/taxii+json;version=2.0", false, false },
		{ "application/taxii+json;version=2.10", false, false },
		{ "application/json", false, false },
		{ "application/stix+json;version=2.1", false, false },
		{ "text/html, application/taxii+json;q=0.1", true, false },
		{ "application/taxii+json;q=0", false, true },
		{ "application/taxii+json;q=0.000, */*;q=0.001", true, true },
		{ "*/*", true, false },
		{ "application/*;q=0.5", true, false },
		{ "", true, false },
		{ "  ", true, false },
		{ ",,;;==", false, false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CHECK_MSG(taxii_accepts(str_of(rows[i].text)) == rows[i].accepted, "Accept '%s'", rows[i].text);
		CHECK_MSG(taxii_is_type(str_of(rows[i].text)) == rows[i].is_body, "Content-Type '%s'", rows[i].text);
		CHECK_MSG(!taxii_is_flat(str_of(rows[i].text)), "Content-Type '%s'", rows[i].text);
	}
	static const struct { const char *text; bool flat; } flat[] = {
		{ TAXII_FLAT_TYPE, true }, { "Application/VND.ronda.envelope+json; version=\"1\"", true },
		{ "application/vnd.ronda.envelope+json", false }, { "application/vnd.ronda.envelope+json;version=2", false },
	};
	for (size_t i = 0; i < COUNT_OF(flat); i++) {
		CHECK_MSG(taxii_is_flat(str_of(flat[i].text)) == flat[i].flat, "Content-Type '%s'", flat[i].text);
		CHECK(!taxii_is_type(str_of(flat[i].text)));
		CHECK(taxii_accepts_flat(str_of(flat[i].text)) == flat[i].flat);
	}
	CHECK(taxii_accepts_flat(STR(TAXII_FLAT_TYPE ", " TAXII_TYPE)) && taxii_accepts(STR(TAXII_FLAT_TYPE ", " TAXII_TYPE)));
	CHECK(!taxii_accepts_flat(STR("*/*")) && !taxii_accepts_flat(STR(TAXII_FLAT_TYPE ";q=0")));
}

static void test_addresses(void)
{
	static const struct { const char *path; bool takes; } rows[] = {
		{ "exchange/collections/inbox/objects/", true },  { "exchange/collections/inbox/objects", false },
		{ "exchange/collections//objects/", false },	  { "exchange/collections/inbox/objects/x/", false },
		{ "exchange/collections/inbox/manifest/", false }, { "", false }, { "/", false },
		{ "exchange/collections/inbox/objects//", false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		CHECK_MSG(taxii_takes_body(str_of(rows[i].path)) == rows[i].takes, "'%s'", rows[i].path);
}

struct world {
	struct test_dir dir;
	struct exchange x;
	struct arena *a;
	struct taxii_request q;
	struct taxii t;
};

static void world_open(struct world *w)
{
	*w = (struct world){ .dir = test_dir_new(), .a = arena_new(KIB(16)) };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(w->dir.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w->dir.path, NULL, NULL, &w->x.w.store, &err), RC_OK, err);
	w->q = (struct taxii_request){ .path = STR("exchange/collections/outbox/objects/") };
	w->t = (struct taxii){ .x = &w->x, .q = &w->q, .a = w->a };
}

static void world_close(struct world *w)
{
	store_close(w->x.w.store);
	arena_free(w->a);
	test_dir_end(&w->dir);
}

static enum rc ask(struct world *w, struct taxii_ask *k, const struct taxii_pair *pairs, size_t n)
{
	w->q.query = pairs;
	w->q.query_count = n;
	return taxii_ask(&w->t, k, &err);
}
#define ASK(w, k, ...) ask((w), (k), (const struct taxii_pair[]){ __VA_ARGS__ },     \
			   COUNT_OF(((const struct taxii_pair[]){ __VA_ARGS__ })))
#define PAIR(name, value) { STR(name), STR(value) }

static void test_parameters(void)
{
	struct world w;
	struct taxii_ask k;
	world_open(&w);
	CHECK_RC(ask(&w, &k, NULL, 0), RC_OK, err);
	CHECK(k.limit == COLLECTION_PAGE && k.last && !k.first && !k.all && k.after_us == 0 && !k.has_next);
	CHECK_RC(ASK(&w, &k, PAIR("limit", "1000"), PAIR("added_after", "2026-11-22T00:00:00.000001Z"), PAIR("other", "x")), RC_OK,
		 err);
	CHECK(k.limit == 1000 && k.after_us % SECOND_US == 1);
	CHECK_RC(ASK(&w, &k, PAIR("limit", "1001")), RC_OK, err);
	CHECK(k.limit == 1000);
	CHECK_RC(ASK(&w, &k, PAIR("match[version]", "first,2026-11-22T00:00:00Z,2026-11-22T00:00:00.000Z")), RC_OK, err);
	CHECK(k.first && !k.last && k.version_count == 2 && k.versions[0] == k.versions[1]);
	CHECK_RC(ASK(&w, &k, PAIR("match[id]", "a--1,b--2"), PAIR("match[type]", "a")), RC_OK, err);
	CHECK(k.id_count == 2 && k.type_count == 1);
	static const struct taxii_pair wrong[] = {
		{ STR_INIT("limit"), STR_INIT("0") },		 { STR_INIT("limit"), STR_INIT("") },
		{ STR_INIT("limit"), STR_INIT("1x") },		 { STR_INIT("limit"), STR_INIT("99999999999999999999999") },
		{ STR_INIT("added_after"), STR_INIT("2026-11-22") }, { STR_INIT("added_after"), STR_INIT("") },
		{ STR_INIT("match[id]"), STR_INIT("") },	 { STR_INIT("match[id]"), STR_INIT("a,,b") },
		{ STR_INIT("match[type]"), STR_INIT("a\nb") },	 { STR_INIT("match[version]"), STR_INIT("newest") },
		{ STR_INIT("match[spec_version]"), STR_INIT("2.2") },
	};
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		CHECK_RC(ask(&w, &k, &wrong[i], 1), RC_INPUT, err);
	CHECK_RC(ASK(&w, &k, PAIR("limit", "1"), PAIR("limit", "1")), RC_INPUT, err);
	/* one value below, at, and above what there may be */
	struct buf many = BUF_INIT(KIB(16));
	for (int i = 0; i < TAXII_VALUES_MAX; i++)
		buf_fmt(&many, "%sa--%d", i ? "," : "", i);
	struct taxii_pair ids = { STR("match[id]"), buf_str(&many) };
	CHECK_RC(ask(&w, &k, &ids, 1), RC_OK, err);
	buf_add(&many, STR(",a--x"));
	ids.value = buf_str(&many);
	CHECK_RC(ask(&w, &k, &ids, 1), RC_INPUT, err);
	buf_free(&many);
	world_close(&w);
}

static void test_next(void)
{
	const struct collection c = { .uuid = { { 1 } } }, other = { .uuid = { { 2 } } };
	struct world w;
	struct taxii_ask k, again;
	int64_t at = 0;
	world_open(&w);
	CHECK_RC(ASK(&w, &k, PAIR("limit", "5")), RC_OK, err);
	str next = taxii_next(&w.t, &c, &k, 1234567);
	const struct taxii_pair same[] = { { STR("next"), next }, { STR("limit"), STR("5") } };
	CHECK_RC(ask(&w, &again, same, 2), RC_OK, err);
	for (int i = 0; i < 2; i++) /* as often as one likes */
		CHECK_RC(taxii_next_read(&w.t, &c, &again, &at, &err), RC_OK, err);
	CHECK_INT(at, 1234567);
	CHECK_RC(taxii_next_read(&w.t, &other, &again, &at, &err), RC_INPUT, err);
	const struct taxii_pair changed[] = { { STR("next"), next }, { STR("limit"), STR("6") } };
	CHECK_RC(ask(&w, &again, changed, 2), RC_OK, err);
	CHECK_RC(taxii_next_read(&w.t, &c, &again, &at, &err), RC_INPUT, err);
	/* of somebody else */
	w.t.is_partner = true;
	CHECK_RC(ask(&w, &again, same, 2), RC_OK, err);
	CHECK_RC(taxii_next_read(&w.t, &c, &again, &at, &err), RC_INPUT, err);
	w.t.is_partner = false;
	/* each letter of it counts */
	for (size_t i = 0; i < next.n; i++) {
		char *text = arena_z(w.a, next);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		const struct taxii_pair bad[] = { { STR("next"), str_mem(text, next.n) }, { STR("limit"), STR("5") } };
		CHECK_RC(ask(&w, &again, bad, 2), RC_OK, err);
		CHECK_RC(taxii_next_read(&w.t, &c, &again, &at, &err), RC_INPUT, err);
	}
	world_close(&w);
}

static void test_packed(void)
{
	struct buf plain = BUF_INIT(MIB(1)), out;
	char packed[64 << 10];
	for (int i = 0; i < 20000; i++)
		buf_fmt(&plain, "%d,", i);
	uLongf room = sizeof packed;
	z_stream z = { .next_in = (Bytef *)plain.p, .avail_in = (uInt)plain.n, .next_out = (Bytef *)packed,
		       .avail_out = (uInt)room };
	CHECK(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK && deflate(&z, Z_FINISH) == Z_STREAM_END);
	size_t n = z.total_out;
	deflateEnd(&z);
	CHECK_RC(taxii_unpack(STR("gzip"), str_mem(packed, n), MIB(1), &out, &err), RC_OK, err);
	CHECK(str_eq(buf_str(&out), buf_str(&plain)));
	buf_free(&out);
	CHECK_RC(taxii_unpack(STR("GZIP "), str_mem(packed, n), plain.n, &out, &err), RC_OK, err);
	buf_free(&out);
	CHECK_RC(taxii_unpack(STR("gzip"), str_mem(packed, n), plain.n - 1, &out, &err), RC_LIMIT, err);
	buf_free(&out);
	for (size_t cut = 0; cut < n; cut += 97) {
		CHECK_RC(taxii_unpack(STR("gzip"), str_mem(packed, cut), MIB(1), &out, &err), RC_INPUT, err);
		buf_free(&out);
	}
	n = ZSTD_compress(packed, sizeof packed, plain.p, plain.n, 3);
	CHECK(!ZSTD_isError(n));
	CHECK_RC(taxii_unpack(STR("zstd"), str_mem(packed, n), MIB(1), &out, &err), RC_OK, err);
	CHECK(str_eq(buf_str(&out), buf_str(&plain)));
	buf_free(&out);
	CHECK_RC(taxii_unpack(STR("zstd"), str_mem(packed, n - 1), MIB(1), &out, &err), RC_INPUT, err);
	buf_free(&out);
	CHECK_RC(taxii_unpack(STR("zstd"), STR("nonsense"), MIB(1), &out, &err), RC_INPUT, err);
	buf_free(&out);
	CHECK_RC(taxii_unpack(STR("br"), STR("x"), MIB(1), &out, &err), RC_DENIED, err);
	buf_free(&out);
	buf_free(&plain);
}

TEST_MAIN(TEST_RUN(media), TEST_RUN(addresses), TEST_RUN(parameters), TEST_RUN(next), TEST_RUN(packed))
