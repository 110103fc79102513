/* SPDX-License-Identifier: Apache-2.0 */
#include <json-c/json.h>

#include "intake/format_test.h"
#include "intake/shadowserver_private.h"

static struct format_run *run_as(str file_name, str mapping, str report)
{
	static struct batch *b; /* one for all runs: it is large */
	struct format_run *r = format_run_new();
	b = b ? b : batch_new();
	struct intake_job job = { .format = STR("shadowserver"),
				  .hints = { .mapping = mapping, .file_name = file_name } };
	struct intake_io io = { r, format_run_read, format_run_give };
	r->left = report;
	intake_parse(&job, &io, b, &r->result);
	CHECK_INT(r->sum.inputs, r->accepted + r->sum.quarantined + r->sum.dropped + r->sum.blank);
	return r;
}

TEST(type_by_file_name)
{
	static const struct {
		const char *file, *type;
		bool unknown;
	} cases[] = {
		{ "2026-03-01-scan_dns-example-asn.csv", "scan_dns", false },
		{ "scan_dns-example.csv", "scan_dns", false },
		{ "scan_dns.csv.gz", "scan_dns", false },
		{ "in/box\\2026-03-01-scan_dns-x.csv", "scan_dns", false },
		{ "2015-01-01-dns_openresolver-x.csv", "scan_dns", false },
		{ "2026-03-01-event_sinkhole-x.csv", "event4_sinkhole", false },
		{ "2026-03-01-scan_tomorrow-x.csv", "scan_tomorrow", true },
		{ "report.csv", "", true },
		{ "", "", true },
		{ "2026-03-01-../../x", "", true },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct format_run *r = run_as(
			str_of(cases[i].file), STR(""),
			STR("timestamp,ip,asn,geo\n2026-03-01 00:00:00,192.0.2.1,64500,ID\n"));
		CHECK_STR(str_of(r->result.type), str_of(cases[i].type));
		CHECK_MSG(r->result.unknown_type == cases[i].unknown, "'%s'", cases[i].file);
		CHECK_INT(r->accepted, 1);
		format_run_free(r);
	}
}

TEST(type_by_columns)
{
	static const char *const types[] = { "scan_memcached",      "scan_ntpmonitor",
					     "compromised_account", "event4_ip_spoofer",
					     "blocklist",           "scan_quic" };
	struct arena *a = arena_new(KIB(64));
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		str words = ss_report_columns(str_of(types[i]), a);
		char *header = arena_z(a, words);
		for (char *p = header; *p; p++)
			*p = *p == ' ' ? ',' : *p;
		struct format_run *r = run_as(STR("upload.csv"), STR(""), str_of(header));
		CHECK_STR(str_of(r->result.type), str_of(types[i]));
		format_run_free(r);
	}
	arena_free(a);
}

/* What one column becomes, in an event of scan_dns unless the case says otherwise. */
TEST(conversions)
{
	static const struct {
		const char *type, *column, *value, *want; /* want "": the column gives nothing */
	} cases[] = {
		{ "scan_dns", "hostname", "Host.Example.ORG.",
		  "\"source.reverse_dns\":\"host.example.org\"" },
		{ "scan_dns", "hostname", "not a name!", "\"extra.hostname\":\"not a name!\"" },
		{ "scan_dns", "asn", "0", "" },
		{ "scan_dns", "asn", "4200000000", "\"source.asn\":4200000000" },
		{ "scan_dns", "asn", "AS x", "\"extra.asn\":\"AS x\"" },
		{ "scan_dns", "severity", "HIGH", "\"severity\":\"high\"" },
		{ "scan_dns", "severity", "", "\"severity\":\"medium\"" },
		{ "scan_dns", "severity", "dire", "\"severity\":\"medium\"" },
		{ "scan_dns", "tag", "0", "" },
		{ "scan_dns", "tag", "dns;x", "\"extra.tag\":\"dns;x\"" },
		{ "scan_dns", "tag", "dns;cve-2023-2;CVE-2021-44228;cve-2023-2",
		  "\"product.vulnerabilities\":\"CVE-2021-44228;CVE-2023-2\"" },
		{ "scan_dns", "tag", "cve-20-1;cve-2021-;xcve-2021",
		  "\"severity\":\"medium\",\"extra.tag\":\"cve-20-1;cve-2021-;xcve-2021\"}" },
		{ "scan_dns", "naics", "518210", "\"extra.naics\":518210" },
		{ "scan6_dns", "naics", "518210", "\"extra.source.naics\":518210" },
		{ "scan_dns", "min_amplification", "1.5", "\"extra.min_amplification\":1.5" },
		{ "scan_dns", "min_amplification", "many", "\"extra.min_amplification\":\"many\"" },
		{ "scan_dns", "brand_new", "x", "\"extra.brand_new\":\"x\"" },
		{ "scan_dns", "brand_new", "unknown", "" },
		{ "scan_dns", "http_code", "404", "\"extra.http_code\":404" },
		{ "scan_dns", "http_code", "+7", "\"extra.http_code\":7" },
		{ "scan_dns", "http_code", "99999999999999999999",
		  "\"extra.http_code\":99999999999999999999" },
		{ "scan_dns", "http_code", "4x", "\"extra.http_code\":\"4x\"" },
		{ "scan_dns", "http_date", "Wed, 10 Feb 2010 00:00:01 GMT",
		  "\"extra.http_date\":\"2010-02-10T00:00:01+00:00\"" },
		{ "scan_dns", "http_date", "Wed, 40 Feb 2010 00:00:01 GMT",
		  "\"extra.http_date\":\"Wed, 40 Feb 2010 00:00:01 GMT\"" },
		{ "scan_dns", "http_date", "2026-03-01 10:11:12",
		  "\"extra.http_date\":\"2026-03-01T10:11:12+00:00\"" },
		{ "scan_dns", "cert_valid", "Y", "\"extra.cert_valid\":true" },
		{ "scan_dns", "cert_valid", "disabled", "\"extra.cert_valid\":false" },
		{ "scan_dns", "cert_valid", "perhaps", "\"extra.cert_valid\":\"perhaps\"" },
		{ "scan_dns", "dst_ip", "0.0.0.0", "" },
		{ "scan_dns", "dst_ip", "2001:db8::7", "\"destination.ip\":\"2001:db8::7\"" },
		{ "scan_dns", "dst_ip", "2001:db8::x", "\"extra.dst_ip\":\"2001:db8::x\"" },
		{ "scan_dns", "body_raw", "aGVsbG8=", "\"extra.body_raw\":\"aGVsbG8=\"" },
		{ "scan_dns", "body_raw", "hello", "\"extra.body_raw\":\"aGVsbG8=\"" },
		{ "scan_dns", "body_raw", "hell", "\"extra.body_raw\":\"hell\"" },
		{ "scan_dns", "body_raw", "h i", "\"extra.body_raw\":\"aCBp\"" },
		{ "scan_dns", "body_raw", "h ii", "\"extra.body_raw\":\"aCBpaQ==\"" },
		{ "blocklist", "network", "192.0.2.0/24", "\"source.network\":\"192.0.2.0/24\"" },
		{ "scan_exchange", "tag", "exchange;webshell",
		  "\"classification.identifier\":\"exchange-server-webshell\",\"classification."
		  "taxonomy\":\"intrusions\",\"classification.type\":\"system-compromise\"" },
		{ "scan_exchange", "tag", "exchange",
		  "\"classification.identifier\":\"vulnerable-exchange-server\",\"classification."
		  "taxonomy\":\"vulnerable\",\"classification.type\":\"vulnerable-system\"" },
		{ "scan_couchdb", "tag", "x", "\"protocol.application\":\"couchdb\"" },
		{ "event4_sinkhole", "infection", "andromeda",
		  "\"classification.identifier\":\"andromeda\"" },
		{ "event4_sinkhole", "infection", "andromeda", "\"malware.name\":\"andromeda\"" },
		{ "scan_tomorrow", "tag", "x", "\"classification.type\":\"undetermined\"" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char report[512], file[128];
		snprintf(file, sizeof(file), "2026-03-01-%s-x.csv", cases[i].type);
		snprintf(report, sizeof(report),
			 "timestamp,ip,%s\n2026-03-01 00:00:00,192.0.2.1,\"%s\"\n", cases[i].column,
			 cases[i].value);
		struct format_run *r = run_as(str_of(file), STR(""), str_of(report));
		str want = str_of(cases[i].want), got = buf_str(&r->events);
		CHECK_INT(r->accepted, 1);
		bool right = want.n ? str_find(got, want) < got.n
				    : str_find(got, str_of(cases[i].column)) == got.n &&
					      str_find(got, str_of(cases[i].value)) == got.n;
		if (!want.n && str_eq(str_of(cases[i].value), STR("0")))
			right = str_find(got, str_of(cases[i].column)) == got.n;
		CHECK_MSG(right, "%s '%s': got " STR_FMT, cases[i].column, cases[i].value,
			  STR_ARG(got));
		format_run_free(r);
	}
}

TEST(urls)
{
	static const struct {
		str report;
		const char *want;
	} cases[] = {
		{ STR_INIT("timestamp,src_ip,http_host,http_url\n2026-03-01 00:00:00,192.0.2.1,"
			   "c2.example.org,GET /gate.php?x=1 HTTP/1.1\n"),
		  "\"destination.url\":\"http://c2.example.org/gate.php?x=1\"" },
		{ STR_INIT("timestamp,src_ip,http_host,http_url,application\n2026-03-01 00:00:00,"
			   "192.0.2.1,c2.example.org,/a,https\n"),
		  "\"destination.url\":\"https://c2.example.org/a\"" },
		{ STR_INIT("timestamp,src_ip,http_host,http_url\n2026-03-01 00:00:00,192.0.2.1,,"
			   "http://example.org/b\n"),
		  "\"destination.url\":\"http://example.org/b\"" },
		{ STR_INIT("timestamp,src_ip,http_host,http_url\n2026-03-01 "
			   "00:00:00,192.0.2.1,,/c\n"),
		  "\"extra.http_url\":\"/c\"" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct format_run *r =
			run_as(STR("event4_sinkhole_http.csv"), STR(""), cases[i].report);
		str got = buf_str(&r->events);
		CHECK_MSG(str_find(got, str_of(cases[i].want)) < got.n, "want %s, got " STR_FMT,
			  cases[i].want, STR_ARG(got));
		format_run_free(r);
	}
}

TEST(lines_that_are_refused)
{
#define H "timestamp,ip,port,tag\n"
	static const struct {
		str report;
		const char *words;
	} cases[] = {
		{ STR_INIT(H "yesterday,192.0.2.1,5,x\n"),
		  "1 field: 'yesterday' is no value for column 'timestamp'\n" },
		{ STR_INIT(H ",192.0.2.1,5,x\n"), "1 field: no time\n" },
		{ STR_INIT(H "2026-03-01 00:00:00,192.0.2.256,5,x\n"),
		  "1 field: '192.0.2.256' is no value for column 'ip'\n" },
		{ STR_INIT(H "2026-03-01 00:00:00,,5,x\n"),
		  "1 field: nothing that says whom it concerns\n" },
		{ STR_INIT(H "2026-03-01 00:00:00,192.0.2.1,65536,x\n"),
		  "1 field: '65536' is no value for column 'port'\n" },
		{ STR_INIT(H "2026-03-01 00:00:00,192.0.2.1,5,x,more\n"),
		  "1 syntax: 5 columns where the header has 4\n" },
		{ STR_INIT(H "2026-03-01 00:00:00,192.0.2.1,5,x,,\n"), "" },
		{ STR_INIT(H "2026-03-01 00:00:00,192.0.2.1\n"), "" },
		{ STR_INIT(H "2026-03-01 00:00:00,192.0.2.1"),
		  "1 syntax: 2 columns where the header has 4\n" },
		{ STR_INIT(H "2026-03-01 00:00:00,192.0.2.1,5,\"x\"y\n"), "" },
		{ STR_INIT("timestamp,ip,ip\n2026-03-01 00:00:00,192.0.2.1,192.0.2.1\n"),
		  "1 syntax: column 'ip' is there twice\n2 syntax: no header of a Shadowserver "
		  "report: no "
		  "'timestamp'\n" },
		{ STR_INIT("timestamp,ip,,\x01\n2026-03-01 00:00:00,192.0.2.1,a,b\n"), "" },
	};
#undef H
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct format_run *r = run_as(STR("scan_dns.csv"), STR(""), cases[i].report);
		CHECK_STR(buf_str(&r->words), str_of(cases[i].words));
		format_run_free(r);
	}
}

/* Columns: 999, 1,000, 1,001; a field of 1 MiB less one, of 1 MiB, of one more. */
TEST(limits)
{
	for (size_t n = 999; n <= 1001; n++) {
		struct buf b = BUF_INIT(MIB(1));
		buf_add(&b, STR("timestamp,ip"));
		for (size_t i = 2; i < n; i++)
			buf_fmt(&b, ",c%zu", i);
		buf_add(&b, STR("\n2026-03-01 00:00:00,192.0.2.1\n"));
		struct format_run *r = run_as(STR("scan_dns.csv"), STR(""), buf_str(&b));
		CHECK_INT(r->accepted, n <= 1000);
		format_run_free(r);
		buf_free(&b);
	}
	for (int more = -1; more <= 1; more++) {
		struct buf b = BUF_INIT(MIB(2));
		buf_add(&b, STR("timestamp,ip,tag\n2026-03-01 00:00:00,192.0.2.1,"));
		size_t n = MIB(1) + (size_t)more;
		memset(buf_room(&b, n), 'x', n);
		b.n += n;
		buf_add(&b, STR("\n2026-03-01 00:00:00,192.0.2.2,x\n"));
		struct format_run *r = run_as(STR("scan_dns.csv"), STR(""), buf_str(&b));
		CHECK_INT(r->accepted, more <= 0 ? 2 : 1);
		CHECK_STR(buf_str(&r->words),
			  more <= 0 ? STR("") : STR("1 limit: a column is longer than 1 MiB\n"));
		format_run_free(r);
		buf_free(&b);
	}
}

/* --- every report --- */

static const char *const fillers[] = { "7",
				       "text",
				       "",
				       "0",
				       "unknown",
				       "true",
				       "198.18.0.9",
				       "cve-2021-44228;webshell",
				       "198.18.0.0/24",
				       "n.example.org",
				       "Wed, 10 Feb 2010 00:00:00 GMT",
				       "4294967296" };

static void add_value(struct buf *b, str column, const char *filler, bool severity)
{
	static const char *const fixed[][2] = {
		{ "timestamp", "2026-03-01 12:34:56" },
		{ "ip", "198.18.0.7" },
		{ "src_ip", "2001:db8::7" },
		{ "port", "53" },
		{ "src_port", "4711" },
		{ "protocol", "udp" },
	};
	for (size_t i = 0; i < COUNT_OF(fixed); i++)
		if (str_eq(column, str_of(fixed[i][0])))
			filler = fixed[i][1];
	if (severity && str_eq(column, STR("severity")))
		filler = "high";
	buf_fmt(b, "\"%s\"", filler);
}

/* A header and a line a filler, for columns separated by spaces. */
static void make_report(struct buf *b, str columns)
{
	for (int line = -1; line < (int)COUNT_OF(fillers); line++) {
		for (str rest = columns; rest.n;) {
			str column = str_cut(&rest, ' ');
			if (line < 0)
				buf_add(b, column);
			else
				add_value(b, column, fillers[line], line % 2);
			buf_char(b, rest.n ? ',' : '\n');
		}
	}
}

TEST(every_report_of_ours)
{
	struct arena *a = arena_new(KIB(64));
	CHECK_INT(ss_report_count(), 170);
	for (size_t i = 0; i < ss_report_count(); i++) {
		struct buf b = BUF_INIT(MIB(1));
		str name = ss_report_at(i), columns = ss_report_columns(name, a);
		make_report(&b, columns);
		struct format_run *r =
			run_as(arena_fmt(a, "2026-03-01-" STR_FMT "-x.csv", STR_ARG(name)), STR(""),
			       buf_str(&b));
		str got = buf_str(&r->events);
		CHECK_STR(str_of(r->result.type), name);
		CHECK_MSG(r->accepted == COUNT_OF(fillers),
			  STR_FMT ": %" PRIu64 " accepted, " STR_FMT, STR_ARG(name), r->accepted,
			  STR_ARG(buf_str(&r->words)));
		while (got.n) {
			str line = str_cut(&got, '\n');
			CHECK(str_find(line, STR("\"classification.type\":")) < line.n);
			CHECK(str_find(line, STR("\"severity\":")) < line.n ||
			      str_eq(name, STR("special")) || str_eq(name, STR("sandbox_dns")));
			CHECK(str_find(line, STR("\"time.source\":\"2026-03-01T12:34:56+00:00\"")) <
			      line.n);
		}
		format_run_free(r);
		buf_free(&b);
		arena_reset(a);
	}
	arena_free(a);
}

/* --- against the official schema, where it is --- */

static bool has_pair(const struct json_pair *pairs, size_t n, const struct json_pair *x)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(pairs[i].key, x->key))
			return pairs[i].kind == x->kind && str_eq(pairs[i].value, x->value);
	return false;
}

/* The differences that are meant:
 *  - a line without a severity has the report's own in ours;
 *  - tags that say "0" or "unknown" say nothing in ours, in every report. */
static bool is_meant(const struct json_pair *x, bool ours)
{
	if (ours)
		return str_eq(x->key, STR("severity"));
	return str_eq(x->key, STR("extra.tag")) &&
	       (str_eq(x->value, STR("0")) || str_eq(x->value, STR("unknown")));
}

static void compare_events(str name, str ours, str theirs)
{
	struct arena *a = arena_new(KIB(64));
	struct json_pair *x = NULL, *y = NULL;
	size_t nx = 0, ny = 0;
	struct err err = { 0 };
	CHECK_RC(json_flat(ours, a, &x, &nx, &err), RC_OK, err);
	CHECK_RC(json_flat(theirs, a, &y, &ny, &err), RC_OK, err);
	for (size_t i = 0; i < nx; i++)
		CHECK_MSG(has_pair(y, ny, &x[i]) || is_meant(&x[i], true),
			  STR_FMT ": only ours: " STR_FMT "=" STR_FMT, STR_ARG(name),
			  STR_ARG(x[i].key), STR_ARG(x[i].value));
	for (size_t i = 0; i < ny; i++)
		CHECK_MSG(has_pair(x, nx, &y[i]) || is_meant(&y[i], false),
			  STR_FMT ": only theirs: " STR_FMT "=" STR_FMT, STR_ARG(name),
			  STR_ARG(y[i].key), STR_ARG(y[i].value));
	arena_free(a);
}

static void compare_runs(str name, const struct format_run *ours, const struct format_run *theirs)
{
	str x = buf_str(&ours->events), y = buf_str(&theirs->events);
	CHECK_MSG(ours->accepted == theirs->accepted, STR_FMT ": %" PRIu64 " and %" PRIu64,
		  STR_ARG(name), ours->accepted, theirs->accepted);
	CHECK_STR(buf_str(&ours->words), buf_str(&theirs->words));
	while (x.n && y.n)
		compare_events(name, str_cut(&x, '\n'), str_cut(&y, '\n'));
}

static str columns_of(struct json_object *report, struct buf *b)
{
	static const char *const lists[] = { "required_fields", "optional_fields" };
	for (size_t l = 0; l < COUNT_OF(lists); l++) {
		struct json_object *list = json_get(report, lists[l]);
		for (size_t i = 0; i < json_count(list); i++) {
			str column = json_text(json_at(json_at(list, i), 1));
			bool again = false;
			for (str rest = buf_str(b); rest.n && !again;)
				again = str_eq(str_cut(&rest, ' '), column);
			if (again)
				continue;
			if (b->n)
				buf_char(b, ' ');
			buf_add(b, column);
		}
	}
	return buf_str(b);
}

static void compare_report(const char *key, struct json_object *report)
{
	struct buf columns = BUF_INIT(KIB(64)), lines = BUF_INIT(MIB(1)), part = BUF_INIT(MIB(1));
	char file[128];
	str name = json_get_str(report, "file_name");
	make_report(&lines, columns_of(report, &columns));
	snprintf(file, sizeof(file), "2026-03-01-" STR_FMT "-x.csv", STR_ARG(name));
	struct format_run *ours = run_as(str_of(file), STR(""), buf_str(&lines));
	/* The schema whole is read in another test; here only this report's part of it. */
	buf_fmt(&part, "{\"%s\":%s}", key, json_object_to_json_string(report));
	struct format_run *theirs = run_as(str_of(file), buf_str(&part), buf_str(&lines));
	CHECK_STR(str_of(theirs->result.type), name);
	CHECK_STR(str_of(ours->result.type), name);
	compare_runs(name, ours, theirs);
	format_run_free(ours);
	format_run_free(theirs);
	buf_free(&part);
	buf_free(&columns);
	buf_free(&lines);
}

TEST(official_mapping)
{
	str schema = format_sample("shadowserver/schema/intelmq.json");
	if (!schema.p) {
		printf("# SKIP the official schema file is not here\n");
		return;
	}
	struct json_object *root = NULL;
	struct err err = { 0 };
	size_t reports = 0;
	CHECK_RC(json_read(schema, &root, &err), RC_OK, err);
	struct json_object_iterator i = json_object_iter_begin(root);
	struct json_object_iterator end = json_object_iter_end(root);
	for (; !json_object_iter_equal(&i, &end); json_object_iter_next(&i)) {
		struct json_object *report = json_object_iter_peek_value(&i);
		if (!json_get(report, "required_fields"))
			continue;
		reports++;
		compare_report(json_object_iter_peek_name(&i), report);
	}
	CHECK_INT(reports, ss_report_count());
	json_free(root);
	free((void *)(uintptr_t)schema.p);
}

/* The file as it is published, as a feed's mapping. */
TEST(official_file_whole)
{
	str schema = format_sample("shadowserver/schema/intelmq.json");
	if (!schema.p) {
		printf("# SKIP the official schema file is not here\n");
		return;
	}
	struct format_run *r =
		run_as(STR("2026-03-01-scan_dns-x.csv"), schema,
		       STR("timestamp,ip,port,tag,sic\n2026-03-01 00:00:00,192.0.2.1,53,"
			   "dns,0\n"));
	CHECK_STR(str_of(r->result.type), STR("scan_dns"));
	CHECK_STR(buf_str(&r->events),
		  STR("{\"classification.identifier\":\"dns-open-resolver\",\"classification."
		      "taxonomy\":"
		      "\"vulnerable\",\"classification.type\":\"vulnerable-system\",\"protocol."
		      "application\":\"dns\",\"source.ip\":\"192.0.2.1\",\"source.port\":53,\"time."
		      "source\":\"2026-03-01T00:00:00+00:00\",\"extra.sic\":\"0\",\"extra.tag\":"
		      "\"dns\"}\n"));
	format_run_free(r);
	free((void *)(uintptr_t)schema.p);
}

/* A report that only the loaded schema knows, and one that it does not. */
TEST(a_new_report_by_schema)
{
	str schema = STR(
		"{\"_meta\":{},\"scan_new\":{\"file_name\":\"scan_new\",\"required_fields\":[["
		"\"time.source\",\"timestamp\",\"add_UTC_to_timestamp\"],[\"source.ip\",\"ip\","
		"\"validate_ip\"]],\"optional_fields\":[[\"extra.\",\"a\",\"convert_int\"],"
		"[\"extra.b_\",\"b\",\"convert_new\"],[false,\"c\"],[\"os.name\",\"d\"]],"
		"\"constant_fields\":{\"classification.type\":\"c2server\",\"feed.code\":\"x\"}}}");
	struct format_run *r =
		run_as(STR("2026-03-01-scan_new-x.csv"), schema,
		       STR("timestamp,ip,a,b,c,d,e\n2026-03-01 00:00:00,192.0.2.1,5,B,C,D,E\n"));
	CHECK_INT(r->result.unknown_type, false);
	CHECK_STR(buf_str(&r->events), STR("{\"classification.type\":\"c2-server\",\"feed.code\":"
					   "\"x\",\"source.ip\":\"192.0.2.1\","
					   "\"time.source\":\"2026-03-01T00:00:00+00:00\",\"extra."
					   "a\":5,\"extra.b_\":\"B\","
					   "\"extra.e\":\"E\",\"extra.os.name\":\"D\"}\n"));
	format_run_free(r);
	r = run_as(STR("2026-03-01-scan_other-x.csv"), schema,
		   STR("timestamp,ip,a\n2026-03-01 00:00:00,192.0.2.1,5\n"));
	CHECK_INT(r->result.unknown_type, true);
	CHECK_INT(r->accepted, 1);
	format_run_free(r);
}

TEST(broken_schema)
{
	static const char *const broken[] = {
		"{", "[]", "{}", "\"x\"", "{\"a\":{}}", "null", "1 2"
	};
	for (size_t i = 0; i < COUNT_OF(broken); i++) {
		struct format_run *r = run_as(STR("scan_dns.csv"), str_of(broken[i]),
					      STR("timestamp,ip\n2026-03-01 00:00:00,192.0.2.1\n"));
		CHECK_MSG(r->result.rc == RC_INPUT && r->result.words[0], "%s: %s", broken[i],
			  rc_name(r->result.rc));
		CHECK_INT(r->sum.inputs, 0);
		format_run_free(r);
	}
}

/* --- the samples, where they are --- */

static const char *const samples[] = {
	"blocklist",
	"compromised_website",
	"event4_ddos_participant",
	"event4_honeypot_brute_force",
	"event4_honeypot_darknet",
	"event4_honeypot_ddos",
	"event4_honeypot_ddos_amp",
	"event4_honeypot_http_scan",
	"event4_microsoft_sinkhole",
	"event4_sinkhole",
	"event4_sinkhole_dns",
	"event4_sinkhole_http",
	"malware_url",
	"sandbox_conn",
	"scan_adb",
	"scan_afp",
	"scan_amqp",
	"scan_chargen",
	"scan_cisco_smart_install",
	"scan_cwmp",
	"scan_dns",
	"scan_docker",
	"scan_elasticsearch",
	"scan_exchange",
	"scan_ftp",
	"scan_hadoop",
	"scan_http",
	"scan_http_proxy",
	"scan_http_vulnerable",
	"scan_ipmi",
	"scan_ipp",
	"scan_ldap_tcp",
	"scan_ldap_udp",
	"scan_mdns",
	"scan_memcached",
	"scan_mongodb",
	"scan_mqtt",
	"scan_mssql",
	"scan_mysql",
	"scan_nat_pmp",
	"scan_netbios",
	"scan_ntp",
	"scan_ntpmonitor",
	"scan_portmapper",
	"scan_postgres",
	"scan_qotd",
	"scan_rdp",
	"scan_redis",
	"scan_rsync",
	"scan_sip",
	"scan_smb",
	"scan_snmp",
	"scan_socks",
	"scan_ssdp",
	"scan_ssh",
	"scan_ssl",
	"scan_ssl_freak",
	"scan_telnet",
	"scan_ubiquiti",
	"scan_vnc",
};

struct kept {
	struct format_run *run;
	uint64_t count;
};

static long kept_read(void *ctx, void *to, size_t n)
{
	return format_run_read(((struct kept *)ctx)->run, to, n);
}

static bool kept_give(void *ctx, struct batch *b)
{
	struct kept *k = ctx;
	for (uint32_t i = 0; i < b->c.rows; i++) {
		const struct row *r = &b->row[i];
		bool whom = batch_find(b, r, FIELD_SOURCE_IP) ||
			    batch_find(b, r, FIELD_SOURCE_NETWORK) ||
			    batch_find(b, r, FIELD_SOURCE_FQDN);
		k->count += whom && batch_find(b, r, FIELD_TIME_SOURCE) &&
			    batch_find(b, r, FIELD_CLASSIFICATION_TYPE);
	}
	return format_run_give(k->run, b);
}

static void count_kept(struct kept *k, const char *file, str report)
{
	struct batch *b = batch_new();
	struct intake_job job = { .format = STR("auto"), .hints.file_name = str_of(file) };
	struct intake_io io = { k, kept_read, kept_give };
	k->run = format_run_new();
	k->run->left = report;
	intake_parse(&job, &io, b, &k->run->result);
	batch_free(b);
}

/* Of all lines 99 in 100 keep type, time and address; one has an address that is none. */
TEST(sample_files)
{
	struct kept k = { 0 };
	uint64_t inputs = 0, files = 0;
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		char path[128], file[128];
		snprintf(path, sizeof(path), "shadowserver/reports/%s.csv", samples[i]);
		snprintf(file, sizeof(file), "%s.csv", samples[i]);
		str report = format_sample(path);
		if (!report.p)
			continue;
		count_kept(&k, file, report);
		files++;
		inputs += k.run->sum.inputs;
		CHECK_STR(str_of(k.run->result.type), str_of(samples[i]));
		format_run_free(k.run);
		free((void *)(uintptr_t)report.p);
	}
	if (!files) {
		printf("# SKIP the sample reports are not here\n");
		return;
	}
	CHECK_INT(files, COUNT_OF(samples));
	CHECK_MSG(k.count * 100 >= inputs * 99, "%" PRIu64 " of %" PRIu64, k.count, inputs);
	CHECK_INT(inputs, 512);
}

TEST_MAIN(TEST_RUN(type_by_file_name), TEST_RUN(type_by_columns), TEST_RUN(conversions),
	  TEST_RUN(urls), TEST_RUN(lines_that_are_refused), TEST_RUN(limits),
	  TEST_RUN(every_report_of_ours), TEST_RUN(official_mapping), TEST_RUN(official_file_whole),
	  TEST_RUN(a_new_report_by_schema), TEST_RUN(broken_schema), TEST_RUN(sample_files))
