/* SPDX-License-Identifier: Apache-2.0 */
#include "record/kind.h"

#include "base/clock.h"
#include "base/test.h"
#include "record/codes.h"
#include "record/kind_private.h"

static struct err err;


/* One field of every kind, and lists and rows. */
static const char sample[] =
	"{ \"type\": \"sample\", \"version\": 1, \"label\": { \"en\": \"S\" }, \"plural\": { \"en\": \"S\" },\n"
	"\"title\": \"textx\", \"rights\": { \"read\": { \"viewer\": \"all\" } },\n"
	"\"blocks\": { \"inner\": { \"en\": \"I\" }, \"outer\": { \"en\": \"O\" } },\n"
	"\"states\": { \"new\": { \"label\": { \"en\": \"N\" }, \"to\": { \"done\": { \"roles\": [\"lead\"] } } },\n"
	"  \"done\": { \"label\": { \"en\": \"D\" } } },\n"
	"\"fields\": {\n"
	"\"textx\": { \"kind\": \"text\", \"max\": 10, \"required\": [\"*\"], \"label\": { \"en\": \"Text\", \"id\": \"Teks\" } },\n"
	"\"long\": { \"kind\": \"long\", \"max\": 30, \"required\": [\"done\"], \"label\": { \"en\": \"Long\" } },\n"
	"\"count\": { \"kind\": \"number\", \"min\": -5, \"max\": 100, \"label\": { \"en\": \"Number\" } },\n"
	"\"exact\": { \"kind\": \"number\", \"decimals\": 3, \"label\": { \"en\": \"Exact\" } },\n"
	"\"money\": { \"kind\": \"money\", \"label\": { \"en\": \"Money\" } },\n"
	"\"flag\": { \"kind\": \"flag\", \"label\": { \"en\": \"Flag\" } },\n"
	"\"date\": { \"kind\": \"date\", \"label\": { \"en\": \"Date\" } },\n"
	"\"time\": { \"kind\": \"time\", \"label\": { \"en\": \"Time\" } },\n"
	"\"duration\": { \"kind\": \"duration\", \"label\": { \"en\": \"Duration\" } },\n"
	"\"country\": { \"kind\": \"country\", \"label\": { \"en\": \"Country\" } },\n"
	"\"language\": { \"kind\": \"language\", \"label\": { \"en\": \"Language\" } },\n"
	"\"choice\": { \"kind\": \"choice\", \"label\": { \"en\": \"Choice\" }, \"choices\": {\n"
	"  \"low\": { \"en\": \"Low\", \"id\": \"Rendah\" }, \"deep\": { \"en\": \"Deep\", \"opens\": \"outer\" } } },\n"
	"\"second\": { \"kind\": \"choice\", \"block\": \"outer\", \"label\": { \"en\": \"Second\" }, \"choices\": {\n"
	"  \"on\": { \"en\": \"On\", \"opens\": \"inner\" } } },\n"
	"\"third\": { \"kind\": \"flag\", \"block\": \"inner\", \"required\": [\"*\"], \"label\": { \"en\": \"Third\" } },\n"
	"\"reference\": { \"kind\": \"reference\", \"to\": \"task\", \"label\": { \"en\": \"Reference\" } },\n"
	"\"any\": { \"kind\": \"reference\", \"label\": { \"en\": \"Any\" } },\n"
	"\"person\": { \"kind\": \"person\", \"label\": { \"en\": \"Person\" } },\n"
	"\"address\": { \"kind\": \"address\", \"label\": { \"en\": \"Address\" } },\n"
	"\"network\": { \"kind\": \"network\", \"label\": { \"en\": \"Network\" } },\n"
	"\"asn\": { \"kind\": \"asn\", \"label\": { \"en\": \"ASN\" } },\n"
	"\"domain\": { \"kind\": \"domain\", \"label\": { \"en\": \"Domain\" } },\n"
	"\"url\": { \"kind\": \"url\", \"label\": { \"en\": \"URL\" } },\n"
	"\"hash\": { \"kind\": \"hash\", \"label\": { \"en\": \"Hash\" } },\n"
	"\"file\": { \"kind\": \"file\", \"label\": { \"en\": \"File\" } },\n"
	"\"secret\": { \"kind\": \"secret\", \"label\": { \"en\": \"Secret\" } },\n"
	"\"many\": { \"kind\": \"domain\", \"list\": true, \"label\": { \"en\": \"Many\" } },\n"
	"\"texts\": { \"kind\": \"text\", \"list\": true, \"label\": { \"en\": \"Texts\" } },\n"
	"\"rows\": { \"kind\": \"rows\", \"max\": 3, \"label\": { \"en\": \"Rows\" }, \"rows\": {\n"
	"  \"name\": { \"kind\": \"text\", \"required\": [\"*\"], \"label\": { \"en\": \"Name\" } },\n"
	"  \"asn\": { \"kind\": \"asn\", \"label\": { \"en\": \"ASN\" } },\n"
	"  \"note\": { \"kind\": \"long\", \"label\": { \"en\": \"Note\" } } } }\n"
	"} }";

#define UUID "01234567-89ab-4cde-8f01-23456789abcd"

struct world {
	struct types *all;
	const struct type *t;
};

static struct world opened(void)
{
	struct world w = { 0 };
	struct types *base = NULL;
	const char *all_roles[] = { "viewer", "analyst", "duty", "lead", "liaison", "auditor",
				    "constituent", "protection", NULL };
	CHECK_RC(types_load(NULL, all_roles, &base, &err), RC_OK, err);
	CHECK_RC(types_with(base, str_of(sample), "types/sample.json", &w.all, &err), RC_OK, err);
	types_free(base);
	w.t = w.all ? types_find(w.all, STR("sample")) : NULL;
	if (!w.t)
		exit(1);
	return w;
}

static const struct {
	const char *field, *json; /* as it comes */
	const char *want;         /* canonical, or what the sentence holds */
	bool good;
} values[] = {
	{ "textx", "\" hello \"", "\"hello\"", true },
	{ "textx", "\"123456789\"", "\"123456789\"", true },
	{ "textx", "\"1234567890\"", "\"1234567890\"", true },
	{ "textx", "\"12345678901\"", "Text: 11 characters, at most 10 are taken", false },
	{ "textx", "\"ກຂຄງຈສຊຍດຕ\"", "\"ກຂຄງຈສຊຍດຕ\"", true },
	{ "textx", "\"ກຂຄງຈສຊຍດຕຖ\"", "Text: 11 characters", false },
	{ "textx", "\"a\\nb\"", "Text: has a line end", false },
	{ "textx", "\"a\\u202eb\"", "turns the direction", false },
	{ "textx", "\"  \"", "null", true },
	{ "textx", "null", "null", true },
	{ "textx", "7", "Text: must be a text", false },
	{ "textx", "[\"a\"]", "Text: must be a text", false },
	{ "long", "\"a\\r\\nb\\tc\\n\"", "\"a\\nb\\u0009c\"", true },
	{ "long", "\"a\\u0007b\"", "Long: has a control character", false },
	{ "long", "\"123456789012345678901234567890\"", "\"123456789012345678901234567890\"", true },
	{ "long", "\"1234567890123456789012345678901\"", "31 characters, at most 30", false },
	{ "count", "-5", "-5", true },
	{ "count", "-6", "Number: '-6' is less than -5", false },
	{ "count", "100", "100", true },
	{ "count", "101", "Number: '101' is more than 100", false },
	{ "count", "1.5", "Number: '1.5' is no whole number", false },
	{ "count", "1e2", "Number: '1e2' is no whole number", false },
	{ "count", "\"7\"", "Number: must be a number", false },
	{ "exact", "12.50", "12.5", true },
	{ "exact", "-0.125", "-0.125", true },
	{ "exact", "0.1250", "'0.1250' is no number of at most 3 decimals", false },
	{ "exact", "999999999999999.999", "999999999999999.999", true },
	{ "exact", "1000000000000000.000", "is no number of at most 3 decimals", false },
	{ "money", "{\"amount\":\"12.5\",\"currency\":\"IDR\"}", "{\"amount\":\"12.50\",\"currency\":\"IDR\"}", true },
	{ "money", "{\"amount\":\"12\",\"currency\":\"JPY\"}", "{\"amount\":\"12\",\"currency\":\"JPY\"}", true },
	{ "money", "{\"amount\":\"12.5\",\"currency\":\"JPY\"}", "'12.5' is no amount of JPY with at most 0 decimals", false },
	{ "money", "{\"amount\":\"1.234\",\"currency\":\"KWD\"}", "{\"amount\":\"1.234\",\"currency\":\"KWD\"}", true },
	{ "money", "{\"amount\":\"1\",\"currency\":\"XYZ\"}", "'XYZ' is no currency", false },
	{ "money", "{\"amount\":1,\"currency\":\"IDR\"}", "is no amount", false },
	{ "money", "{\"amount\":\"1\"}", "Money: money is {", false },
	{ "flag", "true", "true", true },
	{ "flag", "false", "false", true },
	{ "flag", "\"yes\"", "Flag: must be true or false", false },
	{ "date", "\"2024-02-29\"", "\"2024-02-29\"", true },
	{ "date", "\"2023-02-29\"", "Date: '2023-02-29' is no date", false },
	{ "date", "\"1899-12-31\"", "is no date", false },
	{ "date", "\"1900-01-01\"", "\"1900-01-01\"", true },
	{ "date", "\"2261-12-31\"", "\"2261-12-31\"", true },
	{ "date", "\"2262-01-01\"", "is no date", false },
	{ "date", "\"22.11.2026\"", "is no date", false },
	{ "time", "\"2026-11-22 09:45:29 +07:00\"", "\"2026-11-22T02:45:29Z\"", true },
	{ "time", "\"2026-11-22T02:45:29.5Z\"", "\"2026-11-22T02:45:29.500000Z\"", true },
	{ "time", "\"2026-11-22T25:45:29Z\"", "is no time", false },
	{ "time", "\"soon\"", "Time: 'soon' is no time", false },
	{ "duration", "\"PT4H\"", "\"PT4H\"", true },
	{ "duration", "\"P1W\"", "\"P7D\"", true },
	{ "duration", "\"P1DT90M\"", "\"P1DT1H30M\"", true },
	{ "duration", "\"PT0S\"", "\"PT0S\"", true },
	{ "duration", "\"-PT12H\"", "\"-PT12H\"", true },
	{ "duration", "\"PT\"", "is no duration", false },
	{ "duration", "\"P1DT\"", "is no duration", false },
	{ "duration", "\"P365001D\"", "is no duration", false },
	{ "duration", "\"P365000D\"", "\"P365000D\"", true },
	{ "duration", "\"P1M1Y\"", "is no duration", false },
	{ "country", "\"id\"", "\"ID\"", true },
	{ "country", "\"ZZ\"", "Country: 'ZZ' is no country", false },
	{ "country", "\"IDN\"", "is no country", false },
	{ "language", "\"ZH-hant-tw\"", "\"zh-Hant-TW\"", true },
	{ "language", "\"tet\"", "\"tet\"", true },
	{ "language", "\"xx\"", "is no language", false },
	{ "language", "\"id-ZZ\"", "is no language", false },
	{ "language", "\"id-\"", "is no language", false },
	{ "choice", "\"low\"", "\"low\"", true },
	{ "choice", "\"Low\"", "Choice: 'Low' is none of low, deep", false },
	{ "reference", "\"task--" UUID "\"", "\"task--" UUID "\"", true },
	{ "reference", "\"note--" UUID "\"", "must refer to a record of type 'task'", false },
	{ "reference", "\"task-" UUID "\"", "is no reference", false },
	{ "reference", "\"task--0123\"", "is no reference", false },
	{ "any", "\"x-visit--01234567-89AB-4CDE-8F01-23456789ABCD\"", "\"x-visit--" UUID "\"", true },
	{ "any", "\"../x--" UUID "\"", "is no reference", false },
	{ "person", "\"person--" UUID "\"", "\"person--" UUID "\"", true },
	{ "person", "\"task--" UUID "\"", "must refer to a record of type 'person'", false },
	{ "address", "\"2001:DB8:0::7\"", "\"2001:db8::7\"", true },
	{ "address", "\"192.0.2.7\"", "\"192.0.2.7\"", true },
	{ "address", "\"192.0.2.256\"", "Address: '192.0.2.256' is no address", false },
	{ "address", "\"192.0.2.0/24\"", "is no address", false },
	{ "network", "\"192.0.2.0/24\"", "\"192.0.2.0/24\"", true },
	{ "network", "\"192.0.2.7/24\"", "has bits behind its prefix, the network is 192.0.2.0/24", false },
	{ "network", "\"192.0.2.0/33\"", "is no address or network", false },
	{ "asn", "\"64500\"", "\"AS64500\"", true },
	{ "asn", "\"as4294967295\"", "\"AS4294967295\"", true },
	{ "asn", "\"AS4294967296\"", "is no AS number", false },
	{ "asn", "\"AS0\"", "is no AS number", false },
	{ "domain", "\"WWW.Example.ORG.\"", "\"www.example.org\"", true },
	{ "domain", "\"müller.example\"", "\"xn--mller-kva.example\"", true },
	{ "domain", "\"exa mple.org\"", "Domain: 'exa mple.org' is no domain name", false },
	{ "url", "\"hxxp://example.org/a\"", "\"http://example.org/a\"", true },
	{ "url", "\"example.org/a\"", "is no URL with a host", false },
	{ "url", "\"javascript:alert(1)\"", "is no URL with a host", false },
	{ "hash", "\"D41D8CD98F00B204E9800998ECF8427E\"", "\"d41d8cd98f00b204e9800998ecf8427e\"", true },
	{ "hash", "\"d41d8cd98f00b204e9800998ecf8427\"", "is no digest", false },
	{ "hash", "\"g41d8cd98f00b204e9800998ecf8427e\"", "is no digest", false },
	{ "file", "{\"digest\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"name\":\"a.pdf\",\"bytes\":16777216}",
	  "{\"digest\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"name\":\"a.pdf\",\"bytes\":16777216}", true },
	{ "file", "{\"digest\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"name\":\"a.pdf\",\"bytes\":16777217}",
	  "may have 16 MiB", false },
	{ "file", "{\"digest\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"name\":\"../../x\",\"bytes\":1}",
	  "File: '../../x' is no name for a file", false },
	{ "file", "{\"digest\":\"e3b0\",\"name\":\"x\",\"bytes\":1}", "a file is {", false },
	{ "secret", "\" kept as it is \"", "\" kept as it is \"", true },
	{ "many", "[\"B.example\", \"\", null, \"a.example\"]", "[\"b.example\",\"a.example\"]", true },
	{ "many", "[\"\"]", "null", true },
	{ "many", "[]", "null", true },
	{ "many", "\"a.example\"", "Many: must be a list", false },
	{ "many", "[\"a.example\", \"b b\"]", "Many: entry 2: 'b b' is no domain name", false },
	{ "rows", "[{\"name\":\"a\",\"asn\":\"64500\"},{}]", "[{\"name\":\"a\",\"asn\":\"AS64500\"}]", true },
	{ "rows", "[{\"name\":\"a\"},{\"asn\":\"x\"}]", "Rows: row 2: ASN: 'x' is no AS number", false },
	{ "rows", "[{\"name\":\"a\",\"nam\":1}]", "Rows: row 1: there is no column 'nam'", false },
	{ "rows", "[{\"name\":\"1\"},{\"name\":\"2\"},{\"name\":\"3\"}]", "[{\"name\":\"1\"},{\"name\":\"2\"},{\"name\":\"3\"}]", true },
	{ "rows", "[{},{},{},{}]", "Rows: 4 rows, at most 3 are taken", false },
	{ "rows", "{}", "Rows: must be a list of rows", false },
	{ "rows", "[7]", "Rows: row 1: must be an object", false },
};

static const struct type_field *named(const struct world *w, const char *name)
{
	const struct type_field *f = type_find_field(w->t, str_of(name));
	CHECK_MSG(f, "no field '%s'", name);
	return f ? f : w->t->title;
}

TEST(checked)
{
	struct world w = opened();
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		struct json_object *v = NULL;
		struct buf b = BUF_INIT(MIB(1)), again = BUF_INIT(MIB(1));
		struct json_out j = json_out(&b), k = json_out(&again);
		const struct type_field *f = named(&w, values[i].field);
		if (strcmp(values[i].json, "null") != 0)
			CHECK_RC(json_read(str_of(values[i].json), &v, &err), RC_OK, err);
		err = (struct err){ 0 };
		enum rc rc = kind_check(f, v, STR("en"), &j, &err);
		if (values[i].good) {
			CHECK_MSG(rc == RC_OK && str_eq(buf_str(&b), str_of(values[i].want)),
				  "%s: got " STR_FMT " %s", values[i].json, STR_ARG(buf_str(&b)), err.text);
			/* the canonical form stays as it is */
			json_free(v);
			v = NULL;
			if (!str_eq(buf_str(&b), STR("null")))
				CHECK_RC(json_read(buf_str(&b), &v, &err), RC_OK, err);
			CHECK_RC(kind_check(f, v, STR("en"), &k, &err), RC_OK, err);
			CHECK_STR(buf_str(&again), buf_str(&b));
		} else {
			CHECK_MSG((rc == RC_INPUT || rc == RC_LIMIT) && strstr(err.text, values[i].want) &&
					  str_starts(str_of(err.text), str_of(words_in(f->label, STR("en")))),
				  "%s: got '%s', want '%s'", values[i].json, err.text, values[i].want);
		}
		json_free(v);
		buf_free(&b);
		buf_free(&again);
	}
	types_free(w.all);
}

static const struct {
	const char *field, *text, *want;
	const char *shown; /* kind_format; NULL: as typed */
	bool good;
} typed[] = {
	{ "textx", " a ", "\"a\"", "a", true },
	{ "textx", "", "null", "", true },
	{ "textx", "\n ", "null", "", true },
	{ "count", "42", "42", NULL, true },
	{ "count", "4 2", "42", "42", true },
	{ "exact", "1.234.567,5", "1234567.5", "1234567.5", true },
	{ "exact", "1,234,567.5", "1234567.5", "1234567.5", true },
	{ "exact", "12,5", "12.5", "12.5", true },
	{ "exact", "1.234", "may mean two numbers", "", false },
	{ "exact", "0.234", "0.234", NULL, true },
	{ "money", "IDR 12,50", "{\"amount\":\"12.50\",\"currency\":\"IDR\"}", "IDR 12.50", true },
	{ "money", "12.50 idr", "{\"amount\":\"12.50\",\"currency\":\"IDR\"}", "IDR 12.50", true },
	{ "money", "IDR 1.000.000", "{\"amount\":\"1000000.00\",\"currency\":\"IDR\"}", "IDR 1000000.00", true },
	{ "money", "USD 1,000", "may mean two numbers", "", false },
	{ "money", "12.50", "is no amount with its currency", "", false },
	{ "money", "IDR", "is no amount with its currency", "", false },
	{ "flag", "Ya", "true", "yes", true },
	{ "flag", "no", "false", NULL, true },
	{ "flag", "maybe", "is neither yes nor no", "", false },
	{ "date", "2026-11-22", "\"2026-11-22\"", NULL, true },
	{ "time", "2026-11-22 09:45", "\"2026-11-22T09:45:00Z\"", "2026-11-22T09:45:00Z", true },
	{ "duration", "4h", "\"PT4H\"", "PT4H", true },
	{ "duration", "90", "\"PT1M30S\"", "PT1M30S", true },
	{ "duration", "P2D", "\"P2D\"", NULL, true },
	{ "duration", "-4h", "is no duration", "", false },
	{ "duration", "9999999999999d", "is no duration", "", false },
	{ "choice", "Rendah", "\"low\"", "low", true },
	{ "choice", "DEEP", "\"deep\"", "deep", true },
	{ "choice", "none", "is none of", "", false },
	{ "address", "192.0.2[.]7", "\"192.0.2.7\"", "192.0.2.7", true },
	{ "network", "2001:db8::/32", "\"2001:db8::/32\"", NULL, true },
	{ "asn", "AS64500", "\"AS64500\"", NULL, true },
	{ "domain", "www[.]example(.)org", "\"www.example.org\"", "www.example.org", true },
	{ "url", "hxxps[:]//example[.]org/a?b=[x]", "\"https://example.org/a?b=[x]\"", "https://example.org/a?b=[x]", true },
	{ "hash", "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
	  "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
	  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", true },
	{ "secret", "x", "\"x\"", "", true },
	{ "many", "a.example, b.example;c.example\n\nd.example", "[\"a.example\",\"b.example\",\"c.example\",\"d.example\"]",
	  "a.example\nb.example\nc.example\nd.example", true },
	{ "texts", "one, two\nthree", "[\"one, two\",\"three\"]", "one, two\nthree", true },
	{ "many", ", ;", "null", "", true },
	{ "rows", "a | 64500\n\nb\\|c | | d\\ne", "[{\"name\":\"a\",\"asn\":\"AS64500\"},{\"name\":\"b|c\",\"note\":\"d\\ne\"}]",
	  "a | AS64500\nb\\|c |  | d\\ne", true },
	{ "rows", "\\[a] | 64500", "[{\"name\":\"[a]\",\"asn\":\"AS64500\"}]", "\\[a] | AS64500", true },
	{ "rows", "a | x", "Rows: row 1: ASN: 'x' is no AS number", "", false },
	{ "rows", "a | 1 | c | d", "Rows: row 1: more columns than there are", "", false },
	{ "rows", "[{\"name\":\"a\"}]", "[{\"name\":\"a\"}]", "a", true },
	{ "rows", "[{\"name\":", "Rows: JSON: ", "", false },
	{ "rows", "a\nb\nc\nd", "Rows: row 4: more rows than are taken", "", false },
};

TEST(typed_in)
{
	struct world w = opened();
	for (size_t i = 0; i < COUNT_OF(typed); i++) {
		struct buf b = BUF_INIT(MIB(1)), shown = BUF_INIT(MIB(1)), again = BUF_INIT(MIB(1));
		struct json_out j = json_out(&b), k = json_out(&again);
		const struct type_field *f = named(&w, typed[i].field);
		struct json_object *v = NULL;
		err = (struct err){ 0 };
		enum rc rc = kind_parse(f, str_of(typed[i].text), STR("en"), &j, &err);
		CHECK_MSG((rc == RC_OK) == typed[i].good, "'%s': %s", typed[i].text, err.text);
		if (rc != RC_OK) {
			CHECK_MSG(strstr(err.text, typed[i].want), "'%s': %s", typed[i].text, err.text);
		} else {
			CHECK_STR(buf_str(&b), str_of(typed[i].want));
			if (!str_eq(buf_str(&b), STR("null")))
				CHECK_RC(json_read(buf_str(&b), &v, &err), RC_OK, err);
			kind_format(f, v, &shown);
			CHECK_STR(buf_str(&shown), str_of(typed[i].shown ? typed[i].shown : typed[i].text));
			/* what is shown reads the same again; a secret is not shown */
			CHECK_RC(kind_parse(f, buf_str(&shown), STR("en"), &k, &err), RC_OK, err);
			if (f->kind != KIND_SECRET)
				CHECK_STR(buf_str(&again), buf_str(&b));
		}
		json_free(v);
		buf_free(&b);
		buf_free(&shown);
		buf_free(&again);
	}
	types_free(w.all);
}

static const struct {
	const char *field, *json;
	bool there, number;
	int64_t n;
	const char *text;
} keys[] = {
	{ "textx", "\"ÀB Ế\"", true, false, 0, "àb ế" },
	{ "count", "-5", true, true, -5, "" },
	{ "exact", "12.5", true, true, 12500, "" },
	{ "money", "{\"amount\":\"12.50\",\"currency\":\"IDR\"}", true, true, 125000, "" },
	{ "flag", "true", true, true, 1, "" },
	{ "date", "\"1969-12-31\"", true, true, -DAY_US, "" },
	{ "date", "\"2026-11-22\"", true, true, INT64_C(1795305600000000), "" },
	{ "time", "\"1970-01-01T00:00:01Z\"", true, true, SECOND_US, "" },
	{ "duration", "\"-PT1M\"", true, true, -MINUTE_US, "" },
	{ "asn", "\"AS64500\"", true, true, 64500, "" },
	{ "choice", "\"low\"", true, false, 0, "low" },
	{ "many", "[\"b.example\",\"a.example\"]", true, false, 0, "b.example" },
	{ "long", "\"x\"", false, false, 0, "" },
	{ "secret", "\"x\"", false, false, 0, "" },
	{ "count", "\"x\"", false, true, 0, "" },
	{ "textx", "\"\"", false, false, 0, "" },
};

TEST(keyed)
{
	struct world w = opened();
	struct arena *a = arena_new(KIB(4));
	struct kind_key key;
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct json_object *v = NULL;
		CHECK_RC(json_read(str_of(keys[i].json), &v, &err), RC_OK, err);
		bool there = kind_key(named(&w, keys[i].field), v, a, &key);
		CHECK_MSG(there == keys[i].there, "%s", keys[i].json);
		if (there) {
			CHECK_INT(key.is_number, keys[i].number);
			CHECK_INT(key.number, keys[i].n);
			CHECK_STR(key.text, str_of(keys[i].text));
		}
		json_free(v);
	}
	CHECK(!kind_key(named(&w, "textx"), NULL, a, &key));
	/* cut at 120 bytes, never inside a character */
	struct buf b = BUF_INIT(KIB(4));
	struct json_object *v = NULL;
	buf_char(&b, '"');
	for (int i = 0; i < 100; i++)
		buf_add(&b, STR("ກx"));
	buf_char(&b, '"');
	CHECK_RC(json_read(buf_str(&b), &v, &err), RC_OK, err);
	CHECK(kind_key(named(&w, "textx"), v, a, &key) && key.text.n == 120 && str_is_utf8(key.text));
	json_free(v);
	buf_free(&b);
	arena_free(a);
	types_free(w.all);
}

static const struct {
	const char *body;
	unsigned state;
	bool keep;
	const char *want;       /* NULL: errors */
	const char *errors[3];
} bodies[] = {
	{ "{\"count\":7,\"textx\":\"a\"}", 0, false, "{\"textx\":\"a\",\"count\":7}", { 0 } },
	{ "{\"textx\":\"a\",\"count\":null,\"many\":[],\"long\":\" \"}", 0, false, "{\"textx\":\"a\"}", { 0 } },
	{ "{}", 0, false, NULL, { "Text: is missing" } },
	{ "{\"textx\":\"a\"}", 1, false, NULL, { "Long: is missing" } },
	{ "{\"textx\":\"a\",\"nmber\":7}", 0, false, NULL, { "there is no field 'nmber'" } },
	{ "{\"textx\":\"a\",\"new\":{\"b\":[1.50]},\"count\":7}", 0, true,
	  "{\"textx\":\"a\",\"count\":7,\"new\":{\"b\":[1.50]}}", { 0 } },
	{ "{\"textx\":\"12345678901\",\"count\":200,\"flag\":7}", 0, false, NULL,
	  { "Text: 11 characters", "Number: '200' is more", "Flag: must be" } },
	{ "{\"textx\":\"a\",\"rows\":[{\"asn\":\"x\"},{\"name\":\"b\"}]}", 0, false, NULL,
	  { "Rows: row 1: Name: is missing", "Rows: row 1: ASN: 'x' is no AS number" } },
	{ "{\"textx\":\"a\",\"rows\":[{\"name\":\"b\",\"x\":1}]}", 0, true, "{\"textx\":\"a\",\"rows\":[{\"name\":\"b\",\"x\":1}]}", { 0 } },
	/* blocks */
	{ "{\"textx\":\"a\",\"second\":\"on\"}", 0, false, NULL, { "Second: is not taken while" } },
	{ "{\"textx\":\"a\",\"choice\":\"deep\"}", 0, false, "{\"textx\":\"a\",\"choice\":\"deep\"}", { 0 } },
	{ "{\"textx\":\"a\",\"choice\":\"deep\",\"second\":\"on\"}", 0, false, NULL, { "Third: is missing" } },
	{ "{\"textx\":\"a\",\"choice\":\"deep\",\"second\":\"on\",\"third\":true}", 0, false,
	  "{\"textx\":\"a\",\"choice\":\"deep\",\"second\":\"on\",\"third\":true}", { 0 } },
	{ "{\"textx\":\"a\",\"choice\":\"low\",\"second\":\"on\",\"third\":true}", 0, false, NULL,
	  { "Second: is not taken", "Third: is not taken" } },
	{ "[]", 0, false, NULL, { "a body must be an object" } },
};

TEST(whole_body)
{
	struct world w = opened();
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct json_object *v = NULL;
		struct buf b = BUF_INIT(MIB(1));
		struct body_error errors[4];
		size_t n = 0, want = 0;
		CHECK_RC(json_read(str_of(bodies[i].body), &v, &err), RC_OK, err);
		err = (struct err){ 0 };
		enum rc rc = body_check(w.t, bodies[i].state, v, bodies[i].keep, STR("en"), &b, errors, 4, &n,
					&err);
		CHECK_MSG((rc == RC_OK) == (bodies[i].want != NULL), "%s: %s", bodies[i].body, err.text);
		if (rc == RC_OK)
			CHECK_STR(buf_str(&b), str_of(bodies[i].want));
		else
			CHECK_STR(str_of(err.text), str_of(errors[0].text));
		while (want < 3 && bodies[i].errors[want])
			want++;
		CHECK_MSG(n == want, "%s: %zu errors, want %zu", bodies[i].body, n, want);
		for (size_t e = 0; e < n && e < want; e++)
			CHECK_MSG(strstr(errors[e].text, bodies[i].errors[e]), "%s: error %zu: '%s'",
				  bodies[i].body, e, errors[e].text);
		json_free(v);
		buf_free(&b);
	}
	/* in the reader's language; as many as are asked for; the body's own cap */
	struct json_object *v = NULL;
	struct buf b = BUF_INIT(8);
	struct body_error one;
	size_t n = 9;
	CHECK_RC(json_read(STR("{\"count\":200,\"flag\":7}"), &v, &err), RC_OK, err);
	CHECK_RC(body_check(w.t, 0, v, false, STR("id"), &b, &one, 1, &n, &err), RC_INPUT, err);
	CHECK(n == 1 && one.field == w.t->title && str_starts(str_of(one.text), STR("Teks: ")));
	CHECK_RC(body_check(w.t, 0, v, false, STR("id"), &b, NULL, 0, &n, &err), RC_INPUT, err);
	CHECK_INT(n, 0);
	json_free(v);
	buf_free(&b);
	b = (struct buf)BUF_INIT(8);
	CHECK_RC(json_read(STR("{\"textx\":\"abcdef\"}"), &v, &err), RC_OK, err);
	CHECK_RC(body_check(w.t, 0, v, false, STR("en"), &b, &one, 1, &n, &err), RC_INPUT, err);
	CHECK(strstr(err.text, "altogether larger"));
	CHECK(field_open(w.t, w.t->title, v) && !field_open(w.t, named(&w, "third"), v));
	json_free(v);
	buf_free(&b);
	types_free(w.all);
}

/* Lists: 499, 500 and 501 entries. */
TEST(long_lists)
{
	struct world w = opened();
	for (int over = -1; over <= 1; over++) {
		struct buf b = BUF_INIT(MIB(1)), out = BUF_INIT(MIB(1));
		struct json_out j = json_out(&out);
		for (int i = 0; i < KIND_LIST_MOST + over; i++)
			buf_fmt(&b, "a%d.example\n", i);
		enum rc rc = kind_parse(named(&w, "many"), buf_str(&b), STR("en"), &j, &err);
		CHECK_RC(rc, over > 0 ? RC_LIMIT : RC_OK, err);
		buf_free(&b);
		buf_free(&out);
	}
	types_free(w.all);
}

TEST(codes)
{
	struct buf b = BUF_INIT(64);
	CHECK(code_country(STR("TL")) && !code_country(STR("tl")) && !code_country(STR("D ")) &&
	      !code_country(STR("")));
	CHECK_INT(code_currency(STR("IDR")), 2);
	CHECK_INT(code_currency(STR("VND")), 0);
	CHECK_INT(code_currency(STR("KWD")), 3);
	CHECK_INT(code_currency(STR("AED ")), -1);
	CHECK(code_language(STR("sl-rozaj-1994"), &b));
	CHECK_STR(buf_str(&b), STR("sl-rozaj-1994"));
	CHECK(!code_language(STR(""), &b) && !code_language(STR("a"), &b) &&
	      !code_language(STR("id--ID"), &b) && !code_language(STR("english"), &b));
	buf_free(&b);
}

TEST_MAIN(TEST_RUN(checked), TEST_RUN(typed_in), TEST_RUN(keyed), TEST_RUN(whole_body),
	  TEST_RUN(long_lists), TEST_RUN(codes))
