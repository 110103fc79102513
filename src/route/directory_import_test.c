/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "record/record_world.h"
#include "route/import_private.h"

/* A store whose organisations' records feed the directory. */
struct town {
	struct world w;
	struct directory_records *d;
};

static struct town town_new(void)
{
	struct town t = { .w = world_new() };
	CHECK_RC(directory_records_open(t.w.s, t.w.r, &t.d, &err), RC_OK, err);
	return t;
}

static void town_end(struct town *t)
{
	struct directory_records *d = t->d;
	directory_records_close(d);
	world_end(&t->w);
}

struct job {
	struct town *town;
	str text;
	bool dry, partly;
	struct arena *a;
	struct import_result r;
};

static enum rc import_job(struct tx *tx, void *ctx, struct err *e)
{
	struct job *j = ctx;
	struct directory_system sys = { j->town->w.r, STR("node"), STR("a file") };
	struct directory_writer w = { directory_put_as_system, &sys };
	return directory_import(tx, j->town->d, &w, j->text, j->dry, j->partly, j->a, &j->r, e);
}

static struct job imported(struct town *w, struct arena *a, str text, bool dry, bool partly)
{
	struct job j = { .town = w, .text = text, .dry = dry, .partly = partly, .a = a };
	CHECK_RC(store_write(w->w.s, import_job, &j, &err), RC_OK, err);
	return j;
}

static struct directory *loaded(struct town *w)
{
	struct reader *r;
	struct directory *d = NULL;
	CHECK_RC(store_read_begin(w->w.s, &r, &err), RC_OK, err);
	CHECK_RC(directory_load(reader_conn(r), &d, &err), RC_OK, err);
	store_read_end(r);
	return d;
}

static size_t contacts(struct town *w, int64_t org, struct arena *a, struct contact **out)
{
	struct reader *r;
	size_t n = 0;
	CHECK_RC(store_read_begin(w->w.s, &r, &err), RC_OK, err);
	CHECK_RC(directory_org_contacts(reader_conn(r), org, a, out, &n, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

static const char csv[] =
	"name,kind,country,sector,networks,asns,domains,email,role,season_from,season_until,shared_address\r\n"
	"Team B,csirt,ID,,,,.id,duty@team-b.example,24x7,,,\r\n"
	"Telco,provider,ID,telecommunications,198.19.0.0/16,64500 AS4200000000,,abuse@telco.example,abuse,,,"
	"100.64.0.0/10\r\n"
	"\"Holder, the\",constituent,ID,finance,\"198.18.0.0/24 2001:db8:1::/48\",,holder.example,"
	"a@holder.example;b@holder.example,abuse,,,\r\n"
	"Election,constituent,ID,government,198.18.9.0/24,,,e@election.example,abuse,2026-01-01,2026-01-31,\r\n";

static const char json[] =
	"{\"organisations\":["
	"{\"name\":\"Team B\",\"kind\":\"csirt\",\"country\":\"ID\",\"timezone\":\"Asia/Jakarta\","
	"\"concerned_with\":{\"countries\":[\"ID\"],\"domains\":[\".id\"]},"
	"\"contacts\":[{\"role\":\"24x7\",\"email\":\"duty@team-b.example\",\"phone\":\"+000-1\"}]},"
	"{\"name\":\"Telco\",\"kind\":\"constituent\",\"country\":\"ID\","
	"\"concerned_with\":{\"asns\":[64500,\"AS64501\"],\"networks\":[\"100.64.0.0/10\"]},"
	"\"shared_address_networks\":[\"100.64.0.0/10\"]}]}";

static size_t matches(const struct directory *d, const char *ip, int64_t at_us, struct match *m)
{
	struct ip a;
	CHECK(ip_parse(str_of(ip), &a));
	return directory_match_ip(d, &a, at_us, m, 4);
}

TEST(csv_and_again)
{
	struct town w = town_new();
	struct arena *a = arena_new(KIB(64));
	struct match m[4];
	struct job j = imported(&w, a, str_of(csv), true, false);
	CHECK_INT(j.r.added, 4);
	struct directory *d = loaded(&w);
	CHECK_INT(directory_size(d), 0); /* only said so */
	directory_free(d);
	j = imported(&w, a, str_of(csv), false, false);
	CHECK_INT(j.r.error_count, 0);
	CHECK_INT(j.r.added, 4);
	d = loaded(&w);
	CHECK_INT(directory_size(d), 4);
	CHECK_INT(directory_version(d), 1);
	CHECK_INT(matches(d, "198.18.0.7", 1, m), 1);
	CHECK_INT(m[0].role, ROLE_ASSET_HOLDER);
	const struct org *o = directory_org(d, m[0].org);
	CHECK_STR(o->name, STR("Holder, the"));
	struct contact *list;
	CHECK_INT(contacts(&w, o->id, a, &list), 2);
	CHECK_STR(list[1].email, STR("b@holder.example"));
	int64_t holder = o->id;
	CHECK_INT(matches(d, "198.19.0.7", 1, m), 1);
	CHECK_INT(m[0].role, ROLE_NETWORK);
	CHECK_INT(matches(d, "100.64.1.1", 1, m), 1);
	CHECK(m[0].shared_address);
	CHECK_INT(directory_match_asn(d, 4200000000u, 1, m, 4), 1);
	CHECK_INT(directory_match_country(d, STR("ID"), 1, m, 4), 1);
	CHECK_INT(directory_match_domain(d, STR("a.b.id"), 1, m, 4), 1);
	int64_t first = 0, last = 0;
	CHECK(time_parse(STR("2026-01-01"), true, &first) && time_parse(STR("2026-02-01"), true, &last));
	CHECK_INT(matches(d, "198.18.9.1", first - 1, m), 0);
	CHECK_INT(matches(d, "198.18.9.1", first, m), 1);
	CHECK_INT(matches(d, "198.18.9.1", last - 1, m), 1);
	CHECK_INT(matches(d, "198.18.9.1", last, m), 0);
	directory_free(d);

	j = imported(&w, a, str_of(csv), false, false);
	CHECK_INT(j.r.same, 4);
	CHECK_INT(j.r.added + j.r.changed, 0);
	/* Under the same id, however the name is written. */
	j = imported(&w, a, STR("name,networks\nHOLDER,  the,198.18.3.0/24\n"), false, true);
	CHECK_INT(j.r.refused, 1);
	j = imported(&w, a, STR("name,networks\n\"HOLDER,  the\",198.18.3.0/24\n"), false, false);
	CHECK_INT(j.r.changed, 1);
	d = loaded(&w);
	CHECK_INT(directory_version(d), 2);
	CHECK_INT(matches(d, "198.18.0.7", 1, m), 0);
	CHECK_INT(matches(d, "198.18.3.7", 1, m), 1);
	CHECK_INT(m[0].org, holder);
	directory_free(d);
	arena_free(a);
	town_end(&w);
}

TEST(json_form)
{
	struct town w = town_new();
	struct arena *a = arena_new(KIB(64));
	struct match m[4];
	struct job j = imported(&w, a, str_of(json), false, false);
	CHECK_INT(j.r.error_count, 0);
	CHECK_INT(j.r.added, 2);
	struct directory *d = loaded(&w);
	CHECK_STR(directory_at(d, 0)->timezone, STR("Asia/Jakarta"));
	struct contact *list;
	CHECK(contacts(&w, directory_at(d, 0)->id, a, &list) > 0);
	CHECK_STR(list[0].phone, STR("+000-1"));
	CHECK_INT(directory_match_asn(d, 64501, 1, m, 4), 1);
	CHECK_INT(matches(d, "100.64.0.1", 1, m), 2);
	CHECK(m[0].shared_address && m[1].shared_address);
	struct ip ip;
	CHECK(ip_parse(STR("100.64.0.1"), &ip) && directory_shared_address(d, &ip, 1));
	directory_free(d);
	arena_free(a);
	town_end(&w);
}

#define HEAD "name,kind,country,networks,asns,domains,email,season_from,season_until\n"
static const struct {
	const char *what, *text;
	uint32_t row;
	const char *words;
} wrong[] = {
	{ "no name", HEAD ",constituent,ID,,,,,,\n", 2, "there is no name" },
	{ "host bits", HEAD "A,,ID,198.18.0.1/24,,,,,\n", 2, "has host bits set: is '198.18.0.0/24' meant?" },
	{ "no network", HEAD "A,,ID,198.18.0/24,,,,,\n", 2, "'198.18.0/24' is no network" },
	{ "too many bits", HEAD "A,,ID,198.18.0.0/33,,,,,\n", 2, "is no network" },
	{ "far too large", HEAD "A,,ID,0.0.0.0/0,,,,,\n", 2, "too large" },
	{ "everything in IPv6", HEAD "A,,ID,::/0,,,,,\n", 2, "too large" },
	{ "no AS number", HEAD "A,,ID,,x,,,,\n", 2, "'x' is no AS number" },
	{ "AS 0", HEAD "A,,ID,,0,,,,\n", 2, "'0' is no AS number" },
	{ "AS too large", HEAD "A,,ID,,4294967296,,,,\n", 2, "is no AS number" },
	{ "no country", HEAD "A,,QQ,,,,,,\n", 2, "there is no country 'QQ'" },
	{ "no kind", HEAD "A,friend,ID,,,,,,\n", 2, "'friend' is no kind of organisation" },
	{ "no domain", HEAD "A,,ID,,,exa..mple,,,\n", 2, "is no domain" },
	{ "a whole top-level domain", HEAD "A,,ID,,,.org,,,\n", 2, "'.org' is a whole top-level domain" },
	{ "no mail address", HEAD "A,,ID,,,,nobody,,\n", 2, "'nobody' is no mail address" },
	{ "no date", HEAD "A,,ID,,,,,soon,\n", 2, "'soon' is no date" },
	{ "a season backwards", HEAD "A,,ID,,,,,2026-02-01,2026-01-01\n", 2, "ends before it begins" },
	{ "a network twice", HEAD "A,,ID,198.18.0.0/24,,,,,\nB,,ID,198.18.0.0/24,,,,,\n", 3,
	  "net '198.18.0.0/24' is also claimed by 'A' in row 2" },
	{ "a network twice in other words", HEAD "A,,ID,2001:db8::/32,,,,,\nB,,ID,2001:0DB8:0::/32,,,,,\n", 3,
	  "net '2001:db8::/32' is also claimed by 'A' in row 2" },
	{ "an AS twice", HEAD "A,,ID,,64500,,,,\nB,,ID,,AS64500,,,,\n", 3, "asn '64500' is also claimed by 'A'" },
	{ "a domain twice", HEAD "A,,ID,,,example.org,,,\nB,,ID,,,*.Example.ORG,,,\n", 3,
	  "domain 'example.org' is also claimed by 'A'" },
	{ "seasons that meet", HEAD "A,,ID,198.18.0.0/24,,,,2026-01-01,2026-01-31\n"
	  "B,,ID,198.18.0.0/24,,,,2026-01-31,\n", 3, "is also claimed by 'A' in row 2" },
	{ "one organisation, two countries", HEAD "A,,ID,,,,,,\na,,SG,,,,,,\n", 3,
	  "stands in row 2 with another kind or country" },
	{ "a field too many", HEAD "A,,ID,,,,,,,more\n", 2, "10 fields, the header has 9" },
	{ "a line in quotes counts", HEAD "\"A\",,ID,\"198.18.0.0/24\n198.18.1.0/24\",,,,,\nB,,QQ,,,,,,\n", 4, "no country" },
	{ "JSON: no name", "{\"organisations\":[{\"kind\":\"csirt\"}]}", 1, "there is no name" },
	{ "JSON: a slip of the pen", "{\"organisations\":[{\"name\":\"A\",\"concerned_with\":{\"network\":[]}}]}", 1,
	  "'network' is none of" },
	{ "JSON: no list", "{\"organisations\":[{\"name\":\"A\",\"concerned_with\":{\"asns\":7}}]}", 1, "'asns' is no list" },
	{ "JSON: a list in a list", "{\"organisations\":[{\"name\":\"A\",\"concerned_with\":{\"asns\":[[]]}}]}", 1,
	  "number 1 of 'asns' is neither text nor a number" },
	{ "JSON: no organisation", "{\"organisations\":[7]}", 1, "there is no name" },
	{ "JSON: a country of its own", "{\"organisations\":[{\"name\":\"A\",\"concerned_with\":{\"countries\":[\"ID\"]}}]}", 1,
	  "has no country of its own" },
};

TEST(errors_by_row)
{
	struct town w = town_new();
	struct arena *a = arena_new(KIB(64));
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct job j = imported(&w, a, str_of(wrong[i].text), false, false);
		CHECK_MSG(j.r.error_count == 1, "%s: %zu errors", wrong[i].what, j.r.error_count);
		CHECK_MSG(j.r.refused == 1, "%s: %u refused", wrong[i].what, j.r.refused);
		if (j.r.error_count)
			CHECK_MSG(j.r.errors[0].row == wrong[i].row && strstr(j.r.errors[0].words, wrong[i].words),
				  "%s: row %u '%s'", wrong[i].what, j.r.errors[0].row, j.r.errors[0].words);
		struct directory *d = loaded(&w);
		CHECK_MSG(directory_size(d) == 0, "%s: written", wrong[i].what);
		directory_free(d);
	}
	arena_free(a);
	town_end(&w);
}

static const struct {
	const char *what, *text;
	enum rc rc;
} refused[] = {
	{ "empty", "", RC_INPUT },
	{ "an unknown column", "name,colour\nA,red\n", RC_INPUT },
	{ "a column twice", "name,name\nA,B\n", RC_INPUT },
	{ "no column name", "kind\ncsirt\n", RC_INPUT },
	{ "broken JSON", "{\"organisations\":[", RC_INPUT },
	{ "other JSON", "{}", RC_INPUT },
	{ "no UTF-8", "name\n\xff\n", RC_INPUT },
};

TEST(files_refused_whole)
{
	struct town w = town_new();
	struct arena *a = arena_new(KIB(64));
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct job j = { .town = &w, .text = str_of(refused[i].text), .a = a };
		enum rc rc = store_write(w.w.s, import_job, &j, &err);
		CHECK_MSG(rc == refused[i].rc, "%s: %s", refused[i].what, rc_name(rc));
	}
	arena_free(a);
	town_end(&w);
}

TEST(partly_and_doubles_with_the_store)
{
	struct town w = town_new();
	struct arena *a = arena_new(KIB(64));
	struct match m[4];
	struct job j = imported(&w, a, STR(HEAD "A,,ID,198.18.0.0/24,,,,,\nB,,QQ,198.18.1.0/24,,,,,\n"), false, true);
	CHECK_INT(j.r.added, 1);
	CHECK_INT(j.r.refused, 1);
	j = imported(&w, a, STR(HEAD "B,,ID,198.18.0.0/24,,,,,\n"), false, false);
	CHECK_INT(j.r.error_count, 1);
	CHECK(j.r.error_count && strstr(j.r.errors[0].words, "is also claimed by 'A' in the store"));
	/* It moves when the file says so of both. */
	j = imported(&w, a, STR(HEAD "A,,ID,198.18.7.0/24,,,,,\nB,,ID,198.18.0.0/24,,,,,\n"), false, false);
	CHECK_INT(j.r.error_count, 0);
	/* A is refused here, so what the store says of it stays in force, and B doubles it. */
	j = imported(&w, a, STR(HEAD "A,,QQ,198.18.8.0/24,,,,,\nB,,ID,198.18.7.0/24,,,,,\n"), false, true);
	CHECK_INT(j.r.refused, 2);
	struct directory *d = loaded(&w);
	CHECK_INT(matches(d, "198.18.7.1", 1, m), 1);
	CHECK_STR(directory_org(d, m[0].org)->name, STR("A"));
	directory_free(d);
	/* Rows of one organisation are one organisation; what is said twice counts once. */
	j = imported(&w, a, STR(HEAD "C,,ID,198.18.20.0/24,,,x@c.example,,\n"
				"C,,ID,198.18.20.0/24 198.18.21.0/24,,,y@c.example,,\n"), false, false);
	CHECK_INT(j.r.added, 1);
	d = loaded(&w);
	CHECK_INT(matches(d, "198.18.20.1", 1, m), 1);
	CHECK_INT(matches(d, "198.18.21.1", 1, m), 1);
	struct contact *list;
	CHECK_INT(contacts(&w, m[0].org, a, &list), 2);
	directory_free(d);
	/* Other seasons, other holders. */
	j = imported(&w, a, STR(HEAD "D,,ID,198.18.30.0/24,,,,,2026-01-31\nE,,ID,198.18.30.0/24,,,,2026-02-01,\n"),
		     false, false);
	CHECK_INT(j.r.error_count, 0);
	arena_free(a);
	town_end(&w);
}

/* Both forms of the sample directory, where it is at hand. */
TEST(samples)
{
	char path[512];
	const char *shared = getenv("RONDA_SHARED"), *source = getenv("RONDA_SOURCE");
	static const char *const names[] = { "organisations-demo.json", "organisations-demo.csv" };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s%s/data/%s", shared ? shared : source ? source : ".",
			 shared ? "" : "/../shared", names[i]);
		FILE *f = fopen(path, "re");
		if (!f) {
			printf("# SKIP %s is not there\n", path);
			continue;
		}
		struct town w = town_new();
		struct arena *a = arena_new(KIB(64));
		struct buf text = BUF_INIT(MIB(1));
		char piece[4096];
		for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
			buf_add_mem(&text, piece, n);
		fclose(f);
		struct job j = imported(&w, a, buf_str(&text), false, false);
		CHECK_MSG(j.r.error_count == 0, "row %u: %s", j.r.error_count ? j.r.errors[0].row : 0,
			  j.r.error_count ? j.r.errors[0].words : "");
		CHECK_INT(j.r.added, 16);
		struct directory *d = loaded(&w);
		struct match m[4];
		CHECK_INT(directory_match_asn(d, 7713, 1, m, 4), 1);
		CHECK_INT(directory_match_country(d, STR("TL"), 1, m, 4), 1);
		CHECK_INT(matches(d, "192.0.2.9", 1, m), 1);
		directory_free(d);
		buf_free(&text);
		arena_free(a);
		town_end(&w);
	}
}

TEST_MAIN(TEST_RUN(csv_and_again), TEST_RUN(json_form), TEST_RUN(errors_by_row),
	  TEST_RUN(files_refused_whole), TEST_RUN(partly_and_doubles_with_the_store), TEST_RUN(samples))
