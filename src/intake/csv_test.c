/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/csv_mapping.h"
#include "intake/format_test.h"

/* One report, its mapping, and what comes of it: events, or the words of rejects. */
static const struct {
	const char *what;
	str mapping, report, events, words;
} reports[] = {
#define S STR_INIT
#define NONE ",\"classification.type\":\"undetermined\""
#define CLASS "\"classification.taxonomy\":\"other\"" NONE
	{ "names of IntelMQ, no mapping", S(""),
	  S("source.ip,\"time.source\",extra.tag,note\n"
	    "192.0.2.1,2026-11-22 01:02:03,\"a,b\",\"say \"\"no\"\"\"\n"
	    "\n2001:db8::1,,-,\r\n"),
	  S("{" CLASS ",\"source.ip\":\"192.0.2.1\",\"time.source\":\"2026-11-22T01:02:03+00:00\","
	    "\"extra.note\":\"say \\\"no\\\"\",\"extra.tag\":\"a,b\"}\n"
	    "{" CLASS ",\"source.ip\":\"2001:db8::1\"}\n"),
	  S("") },
	{ "by name, with the rest", S("column Addr -> source.ip\nset classification.type = scanner\n"),
	  S("addr,When,ronda.concerns\n192.0.2.1,today,x\n"),
	  S("{\"classification.taxonomy\":\"information-gathering\",\"classification.type\":\"scanner\","
	    "\"source.ip\":\"192.0.2.1\",\"extra.When\":\"today\",\"extra.ronda.concerns\":\"x\"}\n"),
	  S("") },
	{ "without the rest, and a column not kept",
	  S("rest drop\ncolumn a -> source.ip\ncolumn b -> -\ncolumn c -> extra.c\n"),
	  S("a,b,c,d\n192.0.2.1,2,3,4\n"), S("{" CLASS ",\"source.ip\":\"192.0.2.1\",\"extra.c\":\"3\"}\n"),
	  S("") },
	{ "by number, other signs",
	  S("# pipes\ndelimiter pipe\nquote none\nheader no\ncomment #\ncolumn 2 -> source.ip\n"
	    "column 1 -> extra.kind\nwhen 1 = BOT set classification.type = infected-system\n"
	    "set classification.type = other\n"),
	  S("# comment\nbot | 192.0.2.1 |\"x\nscan|192.0.2.2\nalone\n"),
	  S("{\"classification.taxonomy\":\"malicious-code\",\"classification.type\":\"infected-system\","
	    "\"source.ip\":\"192.0.2.1\",\"extra.kind\":\"bot\"}\n"
	    "{\"classification.taxonomy\":\"other\",\"classification.type\":\"other\","
	    "\"source.ip\":\"192.0.2.2\",\"extra.kind\":\"scan\"}\n"),
	  S("4 syntax: 1 columns where 2 are due\n") },
	{ "the first field that fits",
	  S("header no\ncolumn 1 -> source.ip | source.network | source.fqdn | source.url\n"),
	  S("192.0.2.1\n192.0.2.0/24\nexample.org\nhttp://example.org/\nno such\n"),
	  S("{" CLASS ",\"source.ip\":\"192.0.2.1\"}\n{" CLASS ",\"source.network\":\"192.0.2.0/24\"}\n"
	    "{" CLASS ",\"source.fqdn\":\"example.org\"}\n{" CLASS ",\"source.url\":\"http://example.org/\"}\n"),
	  S("5 field: source.url: 'no such' is no URL with a host\n") },
	{ "optional", S("column p -> source.port optional\ncolumn i -> source.ip\n"),
	  S("p,i\n80,192.0.2.1\nmany,192.0.2.2\n"),
	  S("{" CLASS ",\"source.ip\":\"192.0.2.1\",\"source.port\":80}\n"
	    "{" CLASS ",\"source.ip\":\"192.0.2.2\",\"extra.p\":\"many\"}\n"),
	  S("") },
	{ "conversions",
	  S("header no\ntime-format %d/%b/%Y:%H:%M:%S %z\ntime-format %Y%m%d\n"
	    "column 1 -> time.source time\ncolumn 2 -> source.port zero-none\n"
	    "column 3 -> malware.name label\ncolumn 4 -> source.ip|source.fqdn host\n"
	    "column 5 -> source.as_name unknown-none\ncolumn 6 -> extra.up upper\n"),
	  S("01/Aug/2018:09:49:41 +0200,0,family: X;y: z,http://192.0.2.1:80/a,Unknown,up\n"
	    "20180801,22,plain,example.org:80,AS Name,-\n"),
	  S("{" CLASS ",\"malware.name\":\"x\",\"source.ip\":\"192.0.2.1\",\"time.source\":"
	    "\"2018-08-01T07:49:41+00:00\",\"extra.up\":\"UP\"}\n"
	    "{" CLASS ",\"malware.name\":\"plain\",\"source.as_name\":\"AS Name\",\"source.fqdn\":"
	    "\"example.org\",\"source.port\":22,\"time.source\":\"2018-08-01T00:00:00+00:00\"}\n"),
	  S("") },
	{ "counted times",
	  S("header no\ncolumn 1 -> time.source epoch\ncolumn 2 -> source.allocated epoch-ms\n"
	    "column 3 -> destination.allocated filetime\n"),
	  S("1700000000,1700000000001,131349599830000000\n5,x,1\n"),
	  S("{" CLASS ",\"destination.allocated\":\"2017-03-25T23:59:43+00:00\",\"source.allocated\":"
	    "\"2023-11-14T22:13:20.001000+00:00\",\"time.source\":\"2023-11-14T22:13:20+00:00\"}\n"),
	  S("2 field: source.allocated: 'x' is no time\n") },
	{ "wrong number of columns", S("column a -> source.ip\n"), S("a,b\n192.0.2.1\n192.0.2.1,1,2\n"),
	  S(""), S("1 syntax: 1 columns where 2 are due\n2 syntax: 3 columns where 2 are due\n") },
	{ "other columns than mapped", S("column x -> source.ip\n"), S("a,b\n1,2\n"), S(""),
	  S("1 field: the header has none of the columns of the mapping\n") },
	{ "nothing in it", S("column a -> source.ip\n"), S("a,b\n-,\n"), S(""),
	  S("1 field: no column has a value\n") },
	{ "a record of two lines", S("column a -> source.ip\n"),
	  S("a,b\n192.0.2.1,\"x\ny\"\n192.0.2.2,\"z\n192.0.2.3,1\n"),
	  S("{" CLASS ",\"source.ip\":\"192.0.2.1\",\"extra.b\":\"x\\ny\"}\n"
	    "{" CLASS ",\"source.ip\":\"192.0.2.3\",\"extra.b\":\"1\"}\n"),
	  S("2 syntax: a quote is not closed\n") },
	{ "two columns of one name", S("column a -> source.ip\n"), S("a,b,b\n192.0.2.1,1,2\n"),
	  S("{" CLASS ",\"source.ip\":\"192.0.2.1\",\"extra.b\":\"1\",\"extra.b.3\":\"2\"}\n"), S("") },
	{ "two columns for one field", S("column a -> source.ip\ncolumn b -> source.ip\n"),
	  S("a,b\n,192.0.2.1\n192.0.2.2,192.0.2.3\n"),
	  S("{" CLASS ",\"source.ip\":\"192.0.2.1\"}\n{" CLASS ",\"source.ip\":\"192.0.2.2\"}\n"), S("") },
	{ "a broken header", S("column a -> source.ip\n"), S("a,\"b\n192.0.2.1,1\n"), S(""),
	  S("1 syntax: a quote is not closed\n2 field: the header has none of the columns of the mapping\n") },
#undef S
};

TEST(whole_reports)
{
	for (size_t i = 0; i < COUNT_OF(reports); i++) {
		struct format_run *r = format_run(STR("csv"), reports[i].mapping, reports[i].report);
		CHECK_MSG(str_eq(buf_str(&r->events), reports[i].events), "%s: '%s'", reports[i].what,
			  r->events.p);
		str words = r->result.rc == RC_OK ? buf_str(&r->words) : str_of(r->result.words);
		CHECK_MSG(str_eq(words, reports[i].words), "%s: '%.*s'", reports[i].what,
			  STR_ARG(words));
		format_run_free(r);
	}
}

TEST(a_resumed_report_knows_its_header)
{
	static const str report = STR_INIT("\nb,a\n1,192.0.2.1\n2,192.0.2.2\n");
	struct format_run *r = format_run_from(STR("csv"), STR("column a -> source.ip\n"), report,
					       17, 2);
	CHECK_STR(buf_str(&r->events),
		  STR("{" CLASS ",\"source.ip\":\"192.0.2.2\",\"extra.b\":\"2\"}\n"));
	CHECK_INT(r->sum.inputs, 1);
	format_run_free(r);
}

TEST(mappings_that_are_none)
{
	static const str texts[] = {
		STR_INIT(""),
		STR_INIT("# nothing\n"),
		STR_INIT("column a\n"),
		STR_INIT("column a ->\n"),
		STR_INIT("column -> source.ip\n"),
		STR_INIT("column a -> source.nothing\n"),
		STR_INIT("column a -> extra.\n"),
		STR_INIT("column a -> ronda.concerns\n"),
		STR_INIT("column a -> source.ip backwards\n"),
		STR_INIT("column a -> source.ip |\n"),
		STR_INIT("column a -> source.ip | comment | status | output | raw\n"),
		STR_INIT("column a -> comment\nset classification.type = nonsense\n"),
		STR_INIT("column a -> comment\nset source.ip =\n"),
		STR_INIT("column a -> comment\nset source.ip 192.0.2.1\n"),
		STR_INIT("column a -> comment\nset ronda.time_assumed = true\n"),
		STR_INIT("column a -> comment\nwhen a = b\n"),
		STR_INIT("column a -> comment\nwhen = b set comment = x\n"),
		STR_INIT("column a -> comment\ndelimiter ab\n"),
		STR_INIT("column a -> comment\ndelimiter none\n"),
		STR_INIT("column a -> comment\ndelimiter \"\n"),
		STR_INIT("column a -> comment\nheader maybe\n"),
		STR_INIT("column a -> comment\nrest in peace\n"),
		STR_INIT("column a -> comment\ntime-format %s\n"),
		STR_INIT("column a -> comment\ntime-format %\n"),
		STR_INIT("column a -> comment\ntime-format %Ez\n"),
		STR_INIT("column a -> comment\nvalue x\n"),
		STR_INIT("column a\xff -> comment\n"),
		STR_INIT("column a\0 -> comment\n"),
	};
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct arena *a = arena_new(KIB(4));
		struct csv_mapping m;
		struct err err = { 0 };
		enum rc rc = csv_mapping_read(texts[i], a, &m, &err);
		CHECK_MSG(rc == RC_INPUT && str_starts(str_of(err.text), STR("mapping")),
			  "mapping %zu '%s': %s %s", i, texts[i].p, rc_name(rc), err.text);
		arena_free(a);
	}
}

TEST(claims)
{
	static const struct {
		const char *head;
		str mapping;
		int sure;
	} rows[] = {
		{ "source.ip,time.source\n192.0.2.1,2026-11-22\n", STR_INIT(""), 80 },
		{ "\"source.ip\";\"time.source\";\"x\"\n", STR_INIT(""), 80 },
		{ "source.ip\tsource.port\tx\ty\n", STR_INIT(""), 80 },
		{ "source.ip,a,b,c,d\n", STR_INIT(""), 0 },
		{ "timestamp,ip,port\n", STR_INIT(""), 0 },
		{ "192.0.2.1\n", STR_INIT(""), 0 },
		{ "a,b\n", STR_INIT("column a -> source.ip"), 90 },
		{ "a,b\n", STR_INIT("{\"scan\":{}}"), 0 },
	};
	const struct intake_format *f = intake_format_find(STR("csv"));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct intake_hints hints = { .mapping = rows[i].mapping };
		int sure = f->claims(&(struct intake_sample){ str_of(rows[i].head), true, &hints });
		CHECK_MSG(sure == rows[i].sure, "row %zu: %d", i, sure);
	}
}

/* Feeds of others, read with a mapping as an operator would write it. Not for
 * these formats, because they are JSON, XML, HTML, mail or text of another
 * shape: intelmq/ anubisnetworks calidog cleanmx cznic github_feed html_table
 * json microsoft misp shodan twitter surbl, dshield (a network in two columns;
 * HTML), generic/test_filter_* (commands), generic/compose_fields (a URL in two
 * columns), n6/zoneh, n6/spamhaus (two shapes in one), intelmq-inline/ but
 * turris-1 (JSON, or base64 of a message). */
#define PIPES "delimiter pipe\nquote none\nheader no\ncomment #\n"
#define TEAM_CYMRU                                                                             \
	PIPES "column 1 -> extra.category\ncolumn 2 -> source.ip\ncolumn 3 -> source.asn zero-none\n"    \
	      "column 4 -> time.source\ncolumn 5 -> event_description.text\n"                  \
	      "column 6 -> source.as_name\n"                                                   \
	      "when 1 = bot set classification.type = infected-system\n"                       \
	      "when 1 = bruteforce set classification.type = brute-force\n"                    \
	      "when 1 = scanner set classification.type = scanner\n"                           \
	      "when 1 = phishing set classification.type = phishing\n"
#define DATAPLANE                                                                              \
	PIPES "column 1 -> source.asn unknown-none\ncolumn 2 -> source.as_name unknown-none\n" \
	      "column 3 -> source.ip\ncolumn 4 -> time.source\n"                               \
	      "set classification.type = scanner\n"
#define ZONE_H                                                                                 \
	"column add_date -> time.source\ncolumn ip_address -> source.ip\n"                     \
	"column domain -> source.url\ncolumn country_code -> source.geolocation.cc optional\n" \
	"set classification.type = defacement\n"
#define BAMBENEK(field)                                                        \
	"header no\ncomment #\ncolumn 1 -> " field                             \
	"\ncolumn 2 -> event_description.text\ncolumn 3 -> time.source\n"      \
	"column 4 -> event_description.url\nset classification.type = c2-server\n"

TEST(samples)
{
	static const struct {
		const char *name;
		str mapping;
		uint64_t accepted, quarantined;
	} files[] = {
		{ "feeds/intelmq/cymru/infected_20171031.txt", STR_INIT(TEAM_CYMRU), 9, 0 },
		{ "feeds/intelmq/cymru/certname_20190327.txt", STR_INIT(TEAM_CYMRU), 35, 0 },
		{ "feeds/intelmq/dataplane/dnsrd.txt", STR_INIT(DATAPLANE), 1, 0 },
		{ "feeds/intelmq/dataplane/proto41.txt", STR_INIT(DATAPLANE), 1, 0 },
		{ "feeds/intelmq/dataplane/sipquery.txt", STR_INIT(DATAPLANE), 1, 0 },
		{ "feeds/intelmq/dataplane/sshclient.txt", STR_INIT(DATAPLANE), 2, 1 },
		{ "feeds/n6/dataplane-01.txt", STR_INIT(DATAPLANE), 2, 1 },
		{ "feeds/intelmq/zoneh/defacement_accepted.csv", STR_INIT(ZONE_H), 2, 0 },
		{ "feeds/intelmq/zoneh/defacement_pending.csv", STR_INIT(ZONE_H), 1, 0 },
		{ "feeds/intelmq/bambenek/c2-dommasterlist.txt", STR_INIT(BAMBENEK("source.fqdn")), 1, 0 },
		{ "feeds/intelmq/bambenek/c2-ipmasterlist.txt", STR_INIT(BAMBENEK("source.ip")), 1, 0 },
		{ "feeds/intelmq/bambenek/dga-feed.txt", STR_INIT(BAMBENEK("source.fqdn")), 1, 0 },
		{ "feeds/intelmq/spamhaus/cert.txt",
		  STR_INIT("header no\ncomment ;\ncolumn 1 -> source.ip\ncolumn 2 -> source.asn optional\n"
			   "column 3 -> source.geolocation.cc optional\ncolumn 4 -> time.source\n"
			   "column 5 -> malware.name\ncolumn 6 -> destination.fqdn optional\n"
			   "column 7 -> destination.ip optional\ncolumn 8 -> destination.port optional\n"
			   "column 9 -> source.port optional\ncolumn 10 -> protocol.transport optional\n"),
		  19, 0 },
		{ "feeds/intelmq/cert_eu/example.csv",
		  STR_INIT("column source ip -> source.ip\ncolumn source time -> time.source\n"
			   "column tlp -> tlp\ncolumn description -> event_description.text\n"
			   "column source cc -> source.geolocation.cc\ncolumn source asn -> source.asn\n"),
		  2, 0 },
		{ "feeds/intelmq/generic/empty_src_url.csv",
		  STR_INIT("column source_ip -> source.ip\ncolumn source_url -> source.url\n"
			   "column source_port -> source.port\ncolumn timestamp -> time.source epoch\n"),
		  4, 0 },
		{ "feeds/intelmq/generic/invalid_sample_report.csv",
		  STR_INIT("header no\ntime-format %d/%b/%Y:%H:%M:%S %z\ncolumn 1 -> time.source time\n"
			   "column 2 -> source.ip\ncolumn 3 -> source.fqdn\n"),
		  3, 1 },
		{ "feeds/intelmq/generic/sample_report.csv",
		  STR_INIT("delimiter tab\nheader no\ncomment #\ncolumn 1 -> time.source\n"
			   "column 6 -> extra.path\ncolumn 7 -> source.ip\ncolumn 8 -> source.fqdn\n"),
		  2, 0 },
		{ "feeds/intelmq/generic/multivalue_columns.csv",
		  STR_INIT("comment #\ncolumn source_ip -> source.ip | source.network\n"
			   "column source_url -> source.url\n"),
		  2, 0 },
		{ "feeds/intelmq/generic/data_type.csv",
		  STR_INIT("column source_ip -> source.ip\ncolumn source_url -> source.url\n"), 1, 0 },
		{ "feeds/intelmq/generic/extra_regex.csv",
		  STR_INIT("column SourceIp -> source.ip\ncolumn FileTimeUtc -> time.source filetime\n"
			   "column SourceIpAsnNr -> source.asn\n"),
		  1, 1 },
		{ "feeds/n6/abuse_ch-01.csv",
		  STR_INIT("header no\ncomment #\ncolumn 1 -> time.source\ncolumn 2 -> source.ip\n"
			   "column 3 -> source.port\ncolumn 6 -> malware.name\n"
			   "set classification.type = c2-server\n"),
		  3, 1 },
		{ "feeds/n6/cert_pl-01.txt",
		  STR_INIT("delimiter tab\nheader no\ncolumn 2 -> source.fqdn\ncolumn 3 -> time.source\n"
			   "set classification.type = phishing\n"),
		  10, 0 },
		{ "feeds/n6/manual-01.txt",
		  STR_INIT("header no\ncomment #\ncolumn 1 -> time.source\ncolumn 2 -> source.ip\n"
			   "column 3 -> source.asn\ncolumn 4 -> source.geolocation.cc\n"
			   "column 5 -> destination.ip\ncolumn 6 -> destination.fqdn\n"
			   "set classification.type = infected-system\n"),
		  3, 0 },
		{ "feeds/n6/phishtank-01.csv",
		  STR_INIT("column url -> source.url\ncolumn submission_time -> time.source\n"
			   "column phish_detail_url -> event_description.url\n"
			   "set classification.type = phishing\n"),
		  3, 0 },
		{ "feeds/n6/stopforum-01.csv",
		  STR_INIT("header no\ncolumn 1 -> source.ip\ncolumn 2 -> extra.count\n"
			   "column 3 -> time.source\nset classification.type = spam\n"),
		  2, 0 },
		{ "feeds/n6/turris_cz-01.txt",
		  STR_INIT("comment #\ncolumn Address -> source.ip\ncolumn Tags -> extra.tags\n"
			   "set classification.type = scanner\n"),
		  6, 2 },
		{ "feeds/intelmq-inline/turris-1.txt",
		  STR_INIT("comment #\ncolumn Address -> source.ip\ncolumn Tags -> extra.tags\n"
			   "set classification.type = scanner\n"),
		  6, 0 },
		{ "feeds/n6/withaname-01.csv",
		  STR_INIT("column host -> destination.fqdn\ncolumn ip -> destination.ip\n"
			   "column port -> destination.port\ncolumn path -> destination.urlpath\n"
			   "set classification.type = ddos\n"),
		  4, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		str text = format_sample(files[i].name);
		if (!text.p) {
			printf("# SKIP %s is not here\n", files[i].name);
			continue;
		}
		struct format_run *r = format_run(STR("auto"), files[i].mapping, text);
		CHECK_MSG(str_eq(str_of(r->result.format), STR("csv")), "%s: '%s' %s", files[i].name,
			  r->result.format, r->result.words);
		CHECK_MSG(r->accepted == files[i].accepted && r->sum.quarantined == files[i].quarantined,
			  "%s: %" PRIu64 " taken, %" PRIu64 " refused, %" PRIu64 " blank: %.300s",
			  files[i].name, r->accepted, r->sum.quarantined, r->sum.blank,
			  buf_str(&r->words).p);
		format_run_free(r);
		free((void *)(uintptr_t)text.p);
	}
}

TEST_MAIN(TEST_RUN(whole_reports), TEST_RUN(a_resumed_report_knows_its_header),
	  TEST_RUN(mappings_that_are_none), TEST_RUN(claims), TEST_RUN(samples))
