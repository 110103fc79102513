/* SPDX-License-Identifier: Apache-2.0 */
#include "enrich/enrich.h"

#include <errno.h>
#include <fcntl.h>
#include <libloc/writer.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/test.h"
#include "enrich/loc_cache.h"
#include "enrich/overlay.h"

/* A database of our own, nested as real ones are. */
static const struct { const char *net; uint32_t asn; const char *cc; } made_nets[] = {
	{ "198.18.0.0/15", 64500, "ID" }, { "198.18.0.0/16", 64501, "SG" },
	{ "198.18.0.0/24", 64502, "MY" }, { "198.18.255.0/24", 0, "TH" },
	{ "198.18.7.7/32", 64503, "VN" },  { "203.0.113.0/24", 64504, "" },
	{ "255.255.255.0/24", 64505, "PH" }, { "2001:db8::/32", 64500, "ID" },
	{ "2001:db8::/48", 4200000000u, "LA" }, { "2001:db8:ffff:ffff::/64", 64501, "KH" },
	{ "fc00::/7", 64505, "BN" },
};

static void made_path(char path[256], const char *name)
{
	const char *build = getenv("RONDA_BUILD");
	snprintf(path, 256, "%s/enrich-test-%d-%s", build ? build : "/tmp", (int)getpid(), name);
}

static void make_database(const char *path)
{
	struct loc_ctx *ctx = NULL;
	struct loc_writer *w = NULL;
	struct loc_as *as = NULL;
	CHECK(loc_new(&ctx) == 0 && loc_writer_new(ctx, &w, NULL, NULL) == 0);
	loc_writer_set_vendor(w, "ronda tests");
	CHECK(loc_writer_add_as(w, &as, 64500) == 0);
	loc_as_set_name(as, "Example Networks");
	loc_as_unref(as);
	for (size_t i = 0; i < COUNT_OF(made_nets); i++) {
		struct loc_network *n = NULL;
		CHECK(loc_writer_add_network(w, &n, made_nets[i].net) == 0);
		loc_network_set_asn(n, made_nets[i].asn);
		if (made_nets[i].cc[0])
			loc_network_set_country_code(n, made_nets[i].cc);
		loc_network_unref(n);
	}
	FILE *f = fopen(path, "w+e");
	CHECK(f && loc_writer_write(w, f, LOC_DATABASE_VERSION_1) == 0);
	if (f)
		fclose(f);
	loc_writer_unref(w);
	loc_unref(ctx);
}

static const struct {
	const char *what, *ip, *net, *cc;
	uint32_t asn;
} wanted[] = {
	{ "before all", "1.1.1.1", NULL, "", 0 },
	{ "smallest of three, first", "198.18.0.0", "198.18.0.0/24", "MY", 64502 },
	{ "smallest of three, last", "198.18.0.255", "198.18.0.0/24", "MY", 64502 },
	{ "behind it", "198.18.1.0", "198.18.0.0/16", "SG", 64501 },
	{ "a host", "198.18.7.7", "198.18.7.7/32", "VN", 64503 },
	{ "behind a host", "198.18.7.8", "198.18.0.0/16", "SG", 64501 },
	{ "without ASN", "198.18.255.255", "198.18.255.0/24", "TH", 0 },
	{ "behind two ends at once", "198.19.0.0", "198.18.0.0/15", "ID", 64500 },
	{ "last of all", "198.19.255.255", "198.18.0.0/15", "ID", 64500 },
	{ "gap", "198.20.0.0", NULL, "", 0 },
	{ "without country", "203.0.113.9", "203.0.113.0/24", "", 64504 },
	{ "end of IPv4", "255.255.255.255", "255.255.255.0/24", "PH", 64505 },
	{ "v6 smallest", "2001:db8::1", "2001:db8::/48", "LA", 4200000000u },
	{ "v6 around", "2001:db8:1::1", "2001:db8::/32", "ID", 64500 },
	{ "v6 end", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8:ffff:ffff::/64", "KH", 64501 },
	{ "v6 behind", "2001:db9::", NULL, "", 0 },
	{ "v6 before", "2001:db7:ffff::", NULL, "", 0 },
	{ "v6 outside 2000::/3", "fd00::1", "fc00::/7", "BN", 64505 },
	{ "v6 last", "ffff::", NULL, "", 0 },
	{ "v6 first", "::", NULL, "", 0 },
};

static void check_finds(const struct loc_cache *c)
{
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		struct ip ip;
		struct net_facts f = { 0 };
		char text[56];
		CHECK(ip_parse(str_of(wanted[i].ip), &ip));
		bool found = loc_cache_find(c, &ip, &f);
		CHECK_MSG(found == (wanted[i].net != NULL), "%s", wanted[i].what);
		if (!found || !wanted[i].net)
			continue;
		CHECK_MSG(str_eq(net_str(text, &f.net), str_of(wanted[i].net)) && f.asn == wanted[i].asn &&
				  strcmp(f.cc, wanted[i].cc) == 0,
			  "%s: got %s AS%u %s", wanted[i].what, text, f.asn, f.cc);
	}
	char name[128];
	CHECK_STR(loc_cache_asn_name(c, 64500, name), STR("AS64500 Example Networks"));
	CHECK(loc_cache_asn_name(c, 64501, name).p == NULL);
}

static struct loc_cache *opened(const char *db, const char *dir)
{
	struct loc_cache *c = NULL;
	struct err err;
	CHECK_RC(loc_cache_open(db, dir, &c, &err), RC_OK, err);
	return c;
}

struct files {
	char name[64];
	size_t n;
};
static bool count_one(void *ctx, const char *name)
{
	struct files *f = ctx;
	f->n++;
	snprintf(f->name, sizeof(f->name), "%s", name);
	return true;
}
static struct files files_in(const char *path)
{
	struct files f = { .n = 0 };
	struct io_dir *d;
	struct err err;
	CHECK_RC(io_dir_open(path, &d, &err), RC_OK, err);
	CHECK_RC(io_dir_each(d, count_one, &f, &err), RC_OK, err);
	io_dir_close(d);
	return f;
}

TEST(network_cache)
{
	char db[256], dir[256], file[330];
	made_path(db, "db");
	made_path(dir, "cache");
	make_database(db);
	CHECK(mkdir(dir, 0700) == 0 || errno == EEXIST);

	struct loc_cache *c = opened(db, NULL);
	check_finds(c);
	loc_cache_close(c);
	CHECK_INT(files_in(dir).n, 0);

	c = opened(db, dir);
	check_finds(c);
	loc_cache_close(c);
	struct files made = files_in(dir);
	CHECK_INT(made.n, 1);
	c = opened(db, dir); /* mapped as it is */
	check_finds(c);
	loc_cache_close(c);

	/* Each kind of damage is seen and mended. */
	snprintf(file, sizeof(file), "%s/%s", dir, made.name);
	struct stat st;
	CHECK(stat(file, &st) == 0);
	const struct { long at; int cut; } damage[] = {
		{ 0, 0 }, { 12, 0 }, { 60, 0 }, { 64, 0 }, { st.st_size - 1, 0 }, { st.st_size / 2, 0 },
		{ 0, 100 }, { 0, 1 },
	};
	for (size_t i = 0; i < COUNT_OF(damage); i++) {
		FILE *f = fopen(file, "r+e");
		CHECK(f != NULL);
		if (!f)
			break;
		if (damage[i].cut) {
			CHECK(ftruncate(fileno(f), st.st_size - damage[i].cut) == 0);
		} else {
			fseek(f, damage[i].at, SEEK_SET);
			int was = fgetc(f);
			fseek(f, damage[i].at, SEEK_SET);
			fputc(was ^ 0x40, f);
		}
		fclose(f);
		c = opened(db, dir);
		check_finds(c);
		loc_cache_close(c);
		struct stat now;
		CHECK(stat(file, &now) == 0 && now.st_size == st.st_size);
	}

	/* Another database makes another file, and the old one goes. */
	CHECK(utimensat(AT_FDCWD, db, (struct timespec[2]){ { 1000, 0 }, { 1000, 0 } }, 0) == 0);
	c = opened(db, dir);
	check_finds(c);
	loc_cache_close(c);
	struct files after = files_in(dir);
	CHECK_INT(after.n, 1);
	CHECK(strcmp(after.name, made.name) != 0);

	snprintf(file, sizeof(file), "%s/%s", dir, after.name);
	unlink(file);
	rmdir(dir);
	unlink(db);
}

TEST(no_database)
{
	char path[256];
	struct loc_cache *c = NULL;
	struct err err;
	made_path(path, "none");
	FILE *f = fopen(path, "we");
	CHECK(f && fputs("this is no database\n", f) >= 0);
	if (f)
		fclose(f);
	CHECK_RC(loc_cache_open(path, NULL, &c, &err), RC_INPUT, err);
	unlink(path);
	CHECK(loc_cache_open(path, NULL, &c, &err) != RC_OK);

	struct enrich *e = NULL;
	const struct enrich_sources from = { .network_db = path };
	CHECK_RC(enrich_open(&from, NULL, &e, &err), RC_OK, err);
	struct net_facts facts;
	struct ip ip;
	CHECK(ip_parse(STR("198.18.0.1"), &ip));
	CHECK(!enrich_ip(e, &ip, &facts));
	enrich_close(e);
}

/* The distribution's own database where it is installed: agrees with libloc. */
TEST(agrees_with_libloc)
{
	static const char path[] = "/var/lib/location/database.db";
	if (access(path, R_OK) != 0) {
		printf("# SKIP no %s\n", path);
		return;
	}
	int64_t start = clock_mono_us();
	struct loc_cache *c = opened(path, NULL);
	printf("# made in %lld ms\n", (long long)(clock_mono_us() - start) / 1000);
	struct loc_ctx *ctx = NULL;
	struct loc_database *db = NULL;
	FILE *f = fopen(path, "re");
	CHECK(f && loc_new(&ctx) == 0 && loc_database_new(ctx, &db, f) == 0);
	size_t known = 0;
	for (int i = 0; i < 20000; i++) {
		struct ip ip = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } };
		struct in6_addr a;
		struct loc_network *n = NULL;
		struct net_facts got = { 0 };
		random_bytes(ip.b + 12, 4);
		if (i % 2) {
			random_bytes(ip.b, 16);
			ip.b[0] = (uint8_t[]){ 0x20, 0x24, 0x26, 0x2a }[i / 2 % 4];
			ip.b[1] &= 0x0f;
		}
		memcpy(&a, ip.b, 16);
		bool want = loc_database_lookup(db, &a, &n) == 0 && n;
		bool found = loc_cache_find(c, &ip, &got);
		CHECK(want == found);
		if (want && found) {
			known++;
			CHECK_INT(got.asn, loc_network_get_asn(n));
			const char *cc = loc_network_get_country_code(n);
			CHECK(strcmp(got.cc, cc && cc[0] >= 'A' && cc[1] >= 'A' ? cc : "") == 0);
		}
		if (n)
			loc_network_unref(n);
	}
	printf("# %zu of 20000 known\n", known);
	CHECK(known > 5000);

	enum { ASKED = 4000000, SET = 65536 };
	struct ip *set = calloc(SET, sizeof(*set));
	random_bytes(set, SET * sizeof(*set));
	for (size_t i = 0; i < SET; i++) {
		memset(set[i].b, 0, 10);
		memset(set[i].b + 10, 0xff, 2);
	}
	size_t hits = 0;
	start = clock_mono_us();
	for (size_t i = 0; i < ASKED; i++) {
		struct net_facts got;
		hits += loc_cache_find(c, &set[i % SET], &got);
	}
	printf("# %.1f M look-ups/s, %zu hits\n", (double)ASKED / (double)(clock_mono_us() - start), hits);
	free(set);
	loc_cache_close(c);
	loc_database_unref(db);
	loc_unref(ctx);
	fclose(f);
}

static const struct {
	const char *what, *text;
	enum rc rc;
	const char *words;
} overlays[] = {
	{ "good", "198.18.0.0/24 64500 ID Example\n# c\n\n2001:db8::/32 - - # x\n", RC_OK, "" },
	{ "bare net", "198.18.0.0/24\n", RC_OK, "" },
	{ "AS before it", "198.18.0.0/24 AS64500\n", RC_OK, "" },
	{ "no network", "\nfoo 1 ID\n", RC_INPUT, "line 2: 'foo' is no network" },
	{ "host bits", "198.18.0.1/24 1 ID\n", RC_INPUT, "line 1: '198.18.0.1/24' is no network" },
	{ "no asn", "198.18.0.0/24 x ID\n", RC_INPUT, "'x' is no AS number" },
	{ "no country", "198.18.0.0/24 1 id\n", RC_INPUT, "'id' is no country code" },
	{ "twice", "198.18.0.0/24 1 ID\n198.18.0.0/24 2 ID\n", RC_INPUT, "line 2: its network stands in line 1" },
};

TEST(overlay)
{
	for (size_t i = 0; i < COUNT_OF(overlays); i++) {
		struct overlay *o = NULL;
		struct err err = { 0 };
		CHECK_RC(overlay_parse(str_of(overlays[i].text), &o, &err), overlays[i].rc, err);
		CHECK_MSG(overlays[i].rc == RC_OK || strstr(err.text, overlays[i].words), "%s: %s",
			  overlays[i].what, err.text);
		if (overlays[i].rc == RC_OK)
			overlay_close(o);
	}
	struct overlay *o = NULL;
	struct err err;
	char name[128];
	struct ip ip;
	struct net_facts f;
	CHECK_RC(overlay_parse(STR("198.18.0.0/16 64500 ID\n198.18.1.0/24 64501 SG Name of it\n"), &o, &err),
		 RC_OK, err);
	CHECK(ip_parse(STR("198.18.1.9"), &ip) && overlay_find(o, &ip, &f));
	CHECK_INT(f.asn, 64501);
	CHECK_STR(overlay_asn_name(o, 64501, name), STR("AS64501 Name of it"));
	CHECK(overlay_asn_name(o, 64500, name).p == NULL);
	CHECK(ip_parse(STR("198.19.1.9"), &ip) && !overlay_find(o, &ip, &f));
	overlay_close(o);
}

/* What an event says, and what it says afterwards. */
static const struct {
	const char *what;
	struct { enum field f; const char *v; } has[4];
	struct { enum field f; const char *v; } want[5];
} events[] = {
	{ "all from an address",
	  { { FIELD_SOURCE_IP, "198.18.1.1" } },
	  { { FIELD_SOURCE_ASN, "64500" }, { FIELD_SOURCE_NETWORK, "198.18.0.0/16" },
	    { FIELD_SOURCE_GEOLOCATION_CC, "ID" }, { FIELD_DESTINATION_ASN, NULL } } },
	{ "the destination too",
	  { { FIELD_DESTINATION_IP, "198.18.1.1" } },
	  { { FIELD_DESTINATION_ASN, "64500" }, { FIELD_DESTINATION_GEOLOCATION_CC, "ID" },
	    { FIELD_SOURCE_ASN, NULL } } },
	{ "what is said stays",
	  { { FIELD_SOURCE_IP, "198.18.1.1" }, { FIELD_SOURCE_ASN, "65000" },
	    { FIELD_SOURCE_GEOLOCATION_CC, "TL" } },
	  { { FIELD_SOURCE_ASN, "65000" }, { FIELD_SOURCE_GEOLOCATION_CC, "TL" },
	    { FIELD_SOURCE_NETWORK, "198.18.0.0/16" } } },
	{ "an unknown address", { { FIELD_SOURCE_IP, "192.0.2.1" } },
	  { { FIELD_SOURCE_ASN, NULL }, { FIELD_SOURCE_NETWORK, NULL } } },
	{ "unknown country", { { FIELD_SOURCE_IP, "198.19.0.1" } },
	  { { FIELD_SOURCE_ASN, NULL }, { FIELD_SOURCE_GEOLOCATION_CC, NULL },
	    { FIELD_SOURCE_NETWORK, "198.19.0.0/16" } } },
	{ "suffix", { { FIELD_SOURCE_FQDN, "www.example.co.id" } },
	  { { FIELD_SOURCE_DOMAIN_SUFFIX, "co.id" } } },
	{ "name from URL", { { FIELD_SOURCE_URL, "http://www.example.org:8080/a?b" } },
	  { { FIELD_SOURCE_FQDN, "www.example.org" }, { FIELD_SOURCE_DOMAIN_SUFFIX, "org" } } },
	{ "name beside URL", { { FIELD_SOURCE_URL, "http://www.example.org/" }, { FIELD_SOURCE_FQDN, "a.example.com" } },
	  { { FIELD_SOURCE_FQDN, "a.example.com" }, { FIELD_SOURCE_DOMAIN_SUFFIX, "com" } } },
	{ "address in URL", { { FIELD_SOURCE_URL, "http://198.18.0.1/" } }, { { FIELD_SOURCE_FQDN, NULL } } },
};

static void set(struct batch *b, enum field f, const char *z)
{
	struct ip ip;
	uint32_t n;
	if (ip_parse(str_of(z), &ip))
		batch_set_ip(b, f, &ip);
	else if (str_to_u32(str_of(z), &n))
		batch_set_int(b, f, STR_NONE, n);
	else
		batch_set_text(b, f, STR_NONE, str_of(z));
}

static struct enrich *with_overlay(const char *text)
{
	char path[256];
	struct enrich *e = NULL;
	struct err err;
	made_path(path, "overlay");
	FILE *f = fopen(path, "we");
	CHECK(f && fputs(text, f) >= 0);
	if (f)
		fclose(f);
	const struct enrich_sources from = { .overlay = path };
	CHECK_RC(enrich_open(&from, NULL, &e, &err), RC_OK, err);
	unlink(path);
	return e;
}

TEST(batch)
{
	struct enrich *e = with_overlay("198.18.0.0/16 64500 ID\n198.19.0.0/16\n");
	struct batch *b = batch_new();
	struct err err;
	for (uint32_t i = 0; i < COUNT_OF(events); i++) {
		batch_row_begin(b, i + 1, 0, 0, 1);
		for (size_t k = 0; k < COUNT_OF(events[i].has) && events[i].has[k].v; k++)
			set(b, events[i].has[k].f, events[i].has[k].v);
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	}
	CHECK_RC(enrich_batch(e, b, &err), RC_OK, err);
	struct buf got = BUF_INIT(1024);
	for (uint32_t i = 0; i < COUNT_OF(events); i++) {
		for (size_t k = 0; k < COUNT_OF(events[i].want) && events[i].want[k].f; k++) {
			const struct cell *c = batch_find(b, &b->row[i], events[i].want[k].f);
			buf_reset(&got);
			if (c)
				cell_format(b, c, &got);
			const char *want = events[i].want[k].v;
			CHECK_MSG((c != NULL) == (want != NULL) && (!c || str_eq(buf_str(&got), str_of(want))),
				  "%s: field %d is '" STR_FMT "'", events[i].what, (int)events[i].want[k].f,
				  STR_ARG(buf_str(&got)));
		}
	}
	buf_free(&got);
	batch_free(b);
	enrich_close(e);
}

TEST(sites)
{
	struct enrich *e = with_overlay("");
	CHECK_STR(enrich_site(e, STR("www.example.co.id")), STR("example.co.id"));
	CHECK_STR(enrich_site(e, STR("example.org")), STR("example.org"));
	CHECK(enrich_site(e, STR("co.id")).p == NULL);
	CHECK(enrich_site(e, STR("")).p == NULL);
	enrich_close(e);
}

TEST(speed)
{
	struct enrich *e = with_overlay("198.18.0.0/16 64500 ID\n198.19.0.0/16 64501 SG\n");
	struct batch *b = batch_new();
	struct err err;
	int64_t spent = 0;
	enum { ROUNDS = 20 };
	for (int round = 0; round < ROUNDS; round++) {
		batch_reset(b);
		for (uint32_t i = 0; i < 4000; i++) {
			struct ip ip = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, (uint8_t)(18 + i % 2),
					   (uint8_t)(i >> 8), (uint8_t)i } };
			batch_row_begin(b, i + 1, 0, 0, 1);
			batch_set_ip(b, FIELD_SOURCE_IP, &ip);
			batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("scanner"));
			batch_set_int(b, FIELD_SOURCE_PORT, STR_NONE, i);
			CHECK_RC(batch_row_end(b, &err), RC_OK, err);
		}
		int64_t start = clock_mono_us();
		CHECK_RC(enrich_batch(e, b, &err), RC_OK, err);
		spent += clock_mono_us() - start;
	}
	printf("# %.2f M rows/s\n", 4000.0 * ROUNDS / (double)(spent ? spent : 1));
	batch_free(b);
	enrich_close(e);
}

TEST_MAIN(TEST_RUN(network_cache), TEST_RUN(no_database), TEST_RUN(agrees_with_libloc),
	  TEST_RUN(overlay), TEST_RUN(batch), TEST_RUN(sites), TEST_RUN(speed))
