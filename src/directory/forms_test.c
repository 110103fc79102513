/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "base/clock.h"
#include "base/test_dir.h"
#include "directory/import_private.h"

static struct err err;

/* What a reader gave, as text that is easy to compare. */
struct seen {
	struct buf text;
	size_t organisations, contacts, told;
};

static void saw_organisation(void *ctx, const struct draft *d)
{
	struct seen *s = ctx;
	s->organisations++;
	buf_fmt(&s->text, STR_FMT "|" STR_FMT "|" STR_FMT "|" STR_FMT "|" STR_FMT, STR_ARG(d->name), STR_ARG(d->external),
		STR_ARG(d->kind), STR_ARG(d->country), STR_ARG(d->website));
	for (size_t i = 0; i < d->name_count; i++)
		buf_fmt(&s->text, " aka " STR_FMT, STR_ARG(d->names[i]));
	for (size_t i = 0; i < d->contact_count; i++)
		buf_fmt(&s->text, " [" STR_FMT " " STR_FMT " " STR_FMT "]", STR_ARG(d->contacts[i].role),
			STR_ARG(d->contacts[i].email), STR_ARG(d->contacts[i].phone));
	for (size_t i = 0; i < d->claim_count; i++)
		buf_fmt(&s->text, " {" STR_FMT " " STR_FMT " " STR_FMT "}", STR_ARG(d->claims[i].kind),
			STR_ARG(d->claims[i].value), STR_ARG(d->claims[i].role));
	buf_char(&s->text, '\n');
}

static void saw_contact(void *ctx, uint64_t row, const struct fallback_entry *e)
{
	struct seen *s = ctx;
	char from[48], to[48];
	(void)row;
	s->contacts++;
	if (e->kind == FALLBACK_NET)
		buf_fmt(&s->text, STR_FMT "-" STR_FMT, STR_ARG(ip_str(from, &e->first)), STR_ARG(ip_str(to, &e->last)));
	else if (e->kind == FALLBACK_ASN)
		buf_fmt(&s->text, "AS%u-%u", e->asn_first, e->asn_last);
	else
		buf_add(&s->text, e->domain);
	buf_fmt(&s->text, " " STR_FMT " %s %u\n", STR_ARG(e->email), e->country, e->trust);
}

static void saw_words(void *ctx, uint64_t row, const char *words)
{
	struct seen *s = ctx;
	(void)words;
	(void)row;
	s->told++;
}

static struct seen read_as(const char *form, str text, str map, str subject, enum rc want)
{
	struct seen s = { .text = BUF_INIT(MIB(16)) };
	struct arena *a = arena_new(KIB(64));
	const struct import_sink to = { &s, saw_organisation, saw_contact, saw_words };
	const struct import_input in = { .text = text, .map = map, .subject = subject, .seen_day = 20000, .trust = 60 };
	const struct import_form *f = import_form_find(str_of(form));
	CHECK(f != NULL);
	if (f)
		CHECK_RC(f->read(&in, &to, a, &err), want, err);
	arena_free(a);
	return s;
}

static void check(const char *form, str text, str map, str subject, const char *want)
{
	struct seen s = read_as(form, text, map, subject, RC_OK);
	CHECK_STR(buf_str(&s.text), str_of(want));
	buf_free(&s.text);
}
#define CHECK_FORM(form, text, want) check(form, str_of(text), STR(""), STR(""), want)

static const char ti[] =
	"[{\"short_name\":\"Team A\",\"official_name\":\"Team A of Example\",\"country\":{\"code\":\"ID\"},"
	"\"established\":\"2003-01-01\",\"constituency\":{\"types\":[\"Research & Education\"],\"asns\":[64500],"
	"\"domains\":[\"*.example.org\"],\"ipranges\":[\"192.0.2.0/24\",\"192.0.2.1/24\"],\"countries\":[{\"code\":\"ID\"}]},"
	"\"business_hours\":\"09:00 to 17:00\",\"pgp_keys\":[{\"fingerprint\":\"AAAA\",\"expires\":\"2020-01-01\"},"
	"{\"fingerprint\":\"BBBB\",\"expires\":\"2030-01-01\"}],"
	"\"phones\":[{\"usage\":[\"voice\",\"emergency\"],\"number\":\"+62 21 5550100\"},{\"usage\":[\"fax\"],\"number\":\"+62 1\"}],"
	"\"emails\":[{\"address\":\"Cert@Example.ORG\",\"usage\":[\"contact\"]}]},{\"official_name\":\"\"}]";
static const char first[] =
	"{\"status\":\"OK\",\"data\":[{\"id\":\"team-b\",\"team\":\"Team B\",\"team-full\":\"Team B, Example\",\"country\":\"TL\","
	"\"email\":[\"b@example.org\",\"b2@example.org\"],\"phone\":\"+670 5550100\",\"phone-emergency\":\"+670 5550199\","
	"\"website\":[\"https://b.example.org/\"],\"establishment\":\"2014-11-15\"}]}";
static const char cerebrate[] =
	"[{\"uuid\":\"11111111-2222-4333-8444-555555555555\",\"name\":\"Ministry A\",\"nationality\":\"Indonesia\",\"type\":\"Ministry\","
	"\"sector\":\"Government\",\"url\":\"ministry.example.org\",\"contacts\":\"desk@example.org, +62 21\","
	"\"meta_fields\":[{\"field\":\"AS number\",\"value\":\"64501\"}]},"
	"{\"uuid\":\"x\",\"first_name\":\"Person\",\"last_name\":\"A\",\"email\":\"person.a@example.org\",\"alignments\":"
	"[{\"organisation\":{\"uuid\":\"11111111-2222-4333-8444-555555555555\",\"name\":\"Ministry A\"}}]}]";

TEST(teams)
{
	CHECK_FORM("ti", ti,
		   "Team A|ti:Team A|csirt|ID| aka Team A of Example [security Cert@example.org ]"
		   " [point24  +62 21 5550100] {asn AS64500 holder} {domain example.org holder}"
		   " {network 192.0.2.0/24 holder}\n");
	CHECK_FORM("first", first, "Team B|first:team-b|csirt|TL|https://b.example.org/ aka Team B, Example"
				   " [security b@example.org +670 5550100] [security b2@example.org ]"
				   " [point24  +670 5550199]\n");
	CHECK_FORM("cerebrate", cerebrate,
		   "Ministry A|cerebrate:11111111-2222-4333-8444-555555555555|agency|ID|https://ministry.example.org"
		   " [security desk@example.org ] {asn AS64501 holder}\n"
		   "Ministry A|cerebrate:11111111-2222-4333-8444-555555555555||| [security person.a@example.org ]\n");
	CHECK_FORM("certopedia",
		   "[{\"country\":\"Timor-Leste\",\"name\":\"T\",\"fullName\":\"Team T\",\"website\":\"https://t.example.org\","
		   "\"emergencyContact\":\"N/A (Email only)\",\"email\":\"t@example.org\",\"established\":\"1997\"}]",
		   "T|certopedia:T|csirt|TL|https://t.example.org aka Team T [security t@example.org ]\n");
	CHECK_FORM("diodb", "[{\"program_name\":\"P\",\"policy_url\":\"https://p.example.org/\",\"contact_email\":\"\"}]",
		   "P|diodb:P|vendor||https://p.example.org/\n");
	struct seen s = read_as("ti", STR("{\"teams\":3}"), STR(""), STR(""), RC_INPUT);
	buf_free(&s.text);
	s = read_as("first", STR("[[[[1]]],null,3,{\"team\":{\"a\":1}}]"), STR(""), STR(""), RC_OK);
	CHECK_INT(s.organisations, 0);
	CHECK_INT(s.told, 4);
	buf_free(&s.text);
}

TEST(tables)
{
	check("csv", STR("\xef\xbb\xbfNama;Surel;No;networks;country\r\n\"PT A; B\";ops@example.org;7;192.0.2.0/24 198.18.0.0/15;id\r\n"
			 "\r\n;x@example.org;8;;\r\nC;'=1+1@example.org;9;;QQ\r\n"),
	      STR("Nama=name,Surel=email,No="), STR(""),
	      "PT A; B|||ID| [security ops@example.org ] {network 192.0.2.0/24 holder} {network 198.18.0.0/15 holder}\n"
	      "C|||| [security =1+1@example.org ]\n");
	struct seen s = read_as("csv", STR("name,what\nA,b\n"), STR(""), STR(""), RC_INPUT);
	CHECK(str_find(str_of(err.text), STR("'what'")) < strlen(err.text));
	buf_free(&s.text);
	s = read_as("csv", STR("email\na@example.org\n"), STR(""), STR(""), RC_INPUT);
	buf_free(&s.text);
	s = read_as("csv", STR("name,email\nA\n\"B,c\nA,b@example.org,\n"), STR(""), STR(""), RC_OK);
	CHECK_INT(s.organisations, 0);
	CHECK_INT(s.told, 2);
	buf_free(&s.text);
}

static const char rpsl[] =
	"% This is a dump\n"
	"inetnum:        192.0.2.0 - 192.0.2.255\nnetname:        NET-A\ncountry:        id\nabuse-c:        AR1-TEST\n\n"
	"inetnum:        198.18.0.0 - 198.18.0.9\nnetname: NET-B\nmnt-irt:\n IRT-B\nsource: TEST\n\n"
	"inet6num:       2001:db8::/32\norg:            ORG-C\ncountry: TL # there\n\n"
	"aut-num:        AS64500\norg:            ORG-C\nas-name: AS-C\n\n"
	"inetnum:        198.18.1.0 - 198.18.1.255\nnetname: NOBODY\ncountry: TL\n\n"
	"inetnum:        0.0.0.0 - 255.255.255.255\nnetname: ALL\ncountry: EU\nabuse-c: AR1-TEST\n\n"
	"inetnum:        198.18.2.9 - 198.18.2.1\nabuse-c: AR1-TEST\n\n"
	"role:           Abuse of A\nnic-hdl:        ar1-test\nabuse-mailbox:  abuse@a.example.org\ne-mail: other@a.example.org\n\n"
	"irt:            irt-b\ne-mail:         irt@b.example.org\n\n"
	"organisation:   ORG-C\norg-name:       C\nabuse-c:        AR2-TEST\ne-mail: c@example.org\n\n"
	"role:           Two\nnic-hdl:        AR2-TEST\nabuse-mailbox:  <Abuse@C.Example.org>\n";

TEST(registries)
{
	CHECK_FORM("rpsl", rpsl,
		   "192.0.2.0-192.0.2.255 abuse@a.example.org ID 60\n198.18.0.0-198.18.0.9 irt@b.example.org  60\n"
		   "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff Abuse@c.example.org TL 60\n"
		   "AS64500-64500 Abuse@c.example.org  60\n198.18.1.0-198.18.1.255  TL 60\n");
	CHECK_FORM("delegated",
		   "2|apnic|20190911|9|00000000|20190911|00000\napnic|*|ipv4|*|4|summary\n# a note\n"
		   "apnic|ID|ipv4|198.18.0.0|768|20190101|allocated|A91\napnic|TL|ipv6|2001:db8::|32|20190101|assigned\n"
		   "apnic|ID|asn|64500|4|20190101|allocated\napnic||ipv4|192.0.2.0|256||available\nbad|row\n"
		   "apnic|ID|ipv4|255.255.255.0|512|20190101|allocated\n",
		   "198.18.0.0-198.18.2.255  ID 60\n2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff  TL 60\n"
		   "AS64500-64503  ID 60\n");
	struct seen s = read_as("rpsl", STR("hello\n\nthere: it is\n"), STR(""), STR(""), RC_INPUT);
	buf_free(&s.text);
	s = read_as("delegated", STR("<html>\n"), STR(""), STR(""), RC_INPUT);
	buf_free(&s.text);
}

#define CARD(email) "\"vcardArray\":[\"vcard\",[[\"version\",{},\"text\",\"4.0\"],[\"email\",{},\"text\",\"" email "\"]]]"

TEST(rdap)
{
	CHECK_FORM("rdap",
		   "{\"objectClassName\":\"ip network\",\"startAddress\":\"192.0.2.0\",\"endAddress\":\"192.0.2.255\",\"country\":\"ID\","
		   "\"entities\":[{\"roles\":[\"registrant\"]," CARD("owner@example.org") ",\"entities\":[{\"roles\":[\"abuse\"],"
		   CARD("abuse@example.org") "}]}]}",
		   "192.0.2.0-192.0.2.255 abuse@example.org ID 60\n");
	CHECK_FORM("rdap",
		   "[{\"objectClassName\":\"autnum\",\"startAutnum\":64500,\"endAutnum\":64500,\"entities\":[{\"roles\":[\"technical\"],"
		   CARD("noc@example.org") "}]},{\"objectClassName\":\"domain\",\"ldhName\":\"EXAMPLE.org\",\"entities\":"
		   "[{\"roles\":[\"abuse\"]," CARD("a@example.org") "}]},{\"objectClassName\":\"nameserver\"},3]",
		   "AS64500-64500 noc@example.org  30\nexample.org a@example.org  60\n");
	struct seen s = read_as("rdap", STR("{\"errorCode\":404}"), STR(""), STR(""), RC_INPUT);
	buf_free(&s.text);
}

TEST(security_txt)
{
	check("securitytxt", STR("# ours\nContact: mailto:security@example.org?subject=x\nContact: https://example.org/form\n"
				 "Expires: 2099-01-01T00:00:00Z\n"), STR(""), STR("www.Example.org"),
	      "example.org security@example.org  60\n");
	check("securitytxt", STR("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
				 "Canonical: https://www.example.org/.well-known/security.txt\n- Contact: mailto:s@example.org\n"
				 "Expires: 2099-01-01T00:00:00Z\n-----BEGIN PGP SIGNATURE-----\nContact: mailto:forged@example.org\n"),
	      STR(""), STR(""), "example.org s@example.org  60\n");
	check("securitytxt", STR("Contact: mailto:s@example.org\n"), STR(""), STR("example.org"),
	      "example.org s@example.org  40\n");
	check("securitytxt", STR("Contact: https://example.org/form\nExpires: 2099-01-01T00:00:00Z\n"), STR(""),
	      STR("example.org"), "");
	static const struct {
		const char *what;
		str text, subject;
	} bad[] = {
		{ "expired", STR_INIT("Contact: mailto:s@example.org\nExpires: 2001-01-01T00:00:00Z\n"), STR_INIT("example.org") },
		{ "no contact", STR_INIT("Policy: https://example.org\n"), STR_INIT("example.org") },
		{ "a page", STR_INIT("<html><body>not found</body></html>"), STR_INIT("example.org") },
		{ "of nobody", STR_INIT("Contact: mailto:s@example.org\n"), STR_INIT("") },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct seen s = read_as("securitytxt", bad[i].text, STR(""), bad[i].subject, RC_INPUT);
		CHECK_MSG(s.contacts == 0, "%s", bad[i].what);
		buf_free(&s.text);
	}
}

TEST(guessed)
{
	static const struct {
		str head;
		const char *file, *want;
	} cases[] = {
		{ { ti, sizeof(ti) - 1 }, "x", "ti" },	 { { first, sizeof(first) - 1 }, "x", "first" },
		{ { cerebrate, sizeof(cerebrate) - 1 }, "x", "cerebrate" }, { { rpsl, sizeof(rpsl) - 1 }, "x", "rpsl" },
		{ STR_INIT("2|apnic|2019|1|2|3|4\n"), "x", "delegated" },
		{ STR_INIT("apnic|ID|asn|64500|1|20190101|allocated\n"), "x", "delegated" },
		{ STR_INIT("{\"objectClassName\":\"domain\"}"), "x", "rdap" },
		{ STR_INIT("# x\nContact: mailto:a@example.org\n"), "x", "securitytxt" },
		{ STR_INIT("name,email\n"), "teams.csv", "csv" }, { STR_INIT("name,email\n"), "x", NULL },
		{ STR_INIT("{\"organisations\":[]}"), "x.json", NULL }, { STR_INIT(""), "x", NULL },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct import_form *f = import_form_guess(cases[i].head, str_of(cases[i].file));
		CHECK_MSG((f == NULL) == (cases[i].want == NULL) && (!f || strcmp(f->name, cases[i].want) == 0),
			  "case %zu: %s", i, f ? f->name : "none");
	}
}

TEST(pieces)
{
	struct arena *a = arena_new(KIB(4));
	CHECK_STR(draft_clean(a, STR("  A\n B\t\xe2\x80\xae" "C \x01 "), 100), STR("A B C"));
	CHECK_STR(draft_clean(a, STR("N/A"), 100), STR(""));
	CHECK_STR(draft_clean(a, STR("abcdef"), 3), STR("abc"));
	CHECK_STR(draft_clean(a, STR("a\xff" "b"), 10), STR("a b"));
	CHECK_STR(draft_email(a, STR("Team <mailto:X@Example.ORG>")), STR("X@example.org"));
	CHECK_STR(draft_email(a, STR("a@b@example.org")), STR(""));
	CHECK_STR(draft_email(a, STR("a b@example.org")), STR(""));
	CHECK_STR(draft_email(a, STR("a@localhost")), STR(""));
	CHECK_INT(draft_day(STR("Thu, 29 Aug 2019 21:31:54 GMT")), 18137);
	CHECK_INT(draft_day(STR("2019-08-29")), 18137);
	CHECK_INT(draft_day(STR("yesterday")), 0);
	CHECK_INT(import_trust(STR("whois:apnic")), import_trust(STR("whois")));
	CHECK(import_trust(STR("person")) > import_trust(STR("ti")) && import_trust(STR("ti")) > import_trust(STR("diodb")));
	CHECK_INT(import_trust(STR("hearsay")), 30);
	arena_free(a);
}

/* Handles, ranges and who names whom, through memory and through the disk in pieces: one answer. */
TEST(a_dump_in_pieces)
{
	static const size_t memory[] = { 1, 500, KIB(16) };
	struct test_dir dir = test_dir_new();
	struct buf dump = BUF_INIT(MIB(4));
	for (unsigned i = 0; i < 1500; i++) {
		unsigned x = i * 2654435761u;
		buf_fmt(&dump, i % 3 == 0 ? "inetnum: 198.18.%u.0 - 198.18.%u.255\nnetname: N%u\n" :
			       i % 3 == 1 ? "organisation: H%u\ndescr: %u\ndescr: %u\n" :
					    "role: %u\ndescr: %u\nnic-hdl: h%u\n", x >> 8 & 127, x >> 8 & 127, x >> 16 & 63);
		if (x & 0x1000)
			buf_fmt(&dump, "abuse-c: H%u\n", x >> 20 & 63);
		if (x & 0x2000)
			buf_fmt(&dump, "org: H%u\nmnt-irt: h%u\n", x >> 14 & 63, x >> 24 & 63);
		if ((x & 0xc000) == 0)
			buf_fmt(&dump, "abuse-mailbox: a%u@example.org\n", i);
		buf_add(&dump, STR("country: id\n\n"));
	}
	struct seen want = read_as("rpsl", buf_str(&dump), STR(""), STR(""), RC_OK);
	CHECK_INT(want.contacts, 500);
	for (size_t i = 0; i < COUNT_OF(memory); i++) {
		struct seen s = { .text = BUF_INIT(MIB(16)) };
		struct arena *a = arena_new(KIB(64));
		const struct import_sink to = { &s, saw_organisation, saw_contact, saw_words };
		const struct import_input in = { .text = buf_str(&dump), .map = STR(""), .subject = STR(""), .seen_day = 20000,
						 .trust = 60, .dir = dir.path, .memory = memory[i] };
		CHECK_RC(import_form_find(STR("rpsl"))->read(&in, &to, a, &err), RC_OK, err);
		CHECK_MSG(str_eq(buf_str(&s.text), buf_str(&want.text)), "memory %zu", memory[i]);
		CHECK_INT(s.told, want.told);
		buf_free(&s.text);
		arena_free(a);
	}
	buf_free(&want.text);
	buf_free(&dump);
	test_dir_end(&dir);
}

TEST_MAIN(TEST_RUN(teams), TEST_RUN(tables), TEST_RUN(registries), TEST_RUN(rdap), TEST_RUN(security_txt),
	  TEST_RUN(guessed), TEST_RUN(pieces),
	  TEST_RUN(a_dump_in_pieces))
