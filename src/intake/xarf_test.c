/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/format_test.h"

#define V4 "{\"xarf_version\":\"4.0.0\",\"timestamp\":\"2026-11-22T01:02:03Z\",\"source_identifier\":"
#define V3 "{\"Version\":\"3\",\"ReporterInfo\":{\"ReporterOrg\":\"Example\"},\"Report\":{\"Date\":\"2026-11-22T01:02:03Z\","
#define OLD "Reported-From: a@example.org\nCategory: abuse\nDate: Sun, 22 Nov 2026 08:02:03 +0700\nSource-Type: ip-address\n"

static const struct {
	const char *what, *report;
	const char *has[5];
} rows[] = {
	{ "version 4, an address", V4 "\"192.0.2.1\",\"category\":\"messaging\",\"type\":\"spam\",\"source_port\":25,\"protocol\":\"smtp\"}",
	  { "\"classification.type\":\"spam\"", "\"source.ip\":\"192.0.2.1\"", "\"source.port\":25", "\"protocol.application\":\"smtp\"",
	    "\"time.source\":\"2026-11-22T01:02:03+00:00\"" } },
	{ "version 4, a name and its URL",
	  V4 "\"bad.example.org\",\"category\":\"content\",\"type\":\"phishing\",\n\"url\":\"http://bad.example.org/x\"\n}",
	  { "\"source.fqdn\":\"bad.example.org\"", "\"source.url\":\"http://bad.example.org/x\"", "\"classification.type\":\"phishing\"" } },
	{ "version 3", V3 "\"ReportClass\":\"Activity\",\"ReportType\":\"PortScan\",\"SourceIp\":\"192.0.2.1\",\"DestinationPort\":80}}",
	  { "\"classification.type\":\"scanner\"", "\"destination.port\":80", "\"extra.reporter\":\"Example\"" } },
	{ "version 3 with a Source", V3 "\"ReportType\":\"ddos\",\"Source\":{\"IP\":\"192.0.2.1\",\"Port\":53},\"AdditionalInfo\":{\"Protocol\":\"udp\"}}}",
	  { "\"source.port\":53", "\"protocol.transport\":\"udp\"", "\"classification.type\":\"ddos\"" } },
	{ "version 0.2", "---\n" OLD "Report-Type: login-attack\nService: ssh\nPort: 22\nSource: 192.0.2.1\nVersion: 0.2\n",
	  { "\"classification.type\":\"brute-force\"", "\"source.ip\":\"192.0.2.1\"", "\"destination.port\":22",
	    "\"time.source\":\"2026-11-22T01:02:03+00:00\"", "\"extra.service\":\"ssh\"" } },
	{ "version 0.1 about a URL", OLD "Category: fraud\nSource: http://bad.example.org/a\n",
	  { "\"source.url\":\"http://bad.example.org/a\"", "\"source.fqdn\":\"bad.example.org\"" } },
	{ "two on two lines", V4 "\"192.0.2.1\",\"type\":\"spam\"}\n" V4 "\"192.0.2.2\",\"type\":\"ddos\"}\n",
	  { "192.0.2.1", "192.0.2.2" } },
	{ "what only one duty keeps", V4 "\"192.0.2.1\",\"type\":\"csam\",\"url\":\"http://bad.example.org/x\"}", { "-" } },
	{ "no such type", V4 "\"192.0.2.1\",\"type\":\"joy\"}", { "!no type" } },
	{ "about nobody", V4 "\"\",\"type\":\"spam\"}", { "!it names neither" } },
	{ "a port that is none", V4 "\"192.0.2.1\",\"type\":\"spam\",\"source_port\":\"x\"}", { "!source.port" } },
	{ "half a document", V4 "\"192.0.2.1\",", { "!" } },
	{ "neither version", "{\"a\":1}", { "!neither" } },
};

TEST(what_a_report_becomes)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct format_run *r = format_run(STR("xarf"), STR_NONE, str_of(rows[i].report));
		const char *want = rows[i].has[0];
		int before = test_failures;
		if (want[0] == '-')
			CHECK_INT(r->sum.dropped, 1);
		else if (want[0] == '!')
			CHECK_MSG(r->words.n > 0 && str_find(buf_str(&r->words), str_of(want + 1)) < r->words.n, "got '" STR_FMT "'",
				  STR_ARG(buf_str(&r->words)));
		else
			for (size_t k = 0; k < COUNT_OF(rows[i].has) && rows[i].has[k]; k++)
				CHECK_MSG(str_find(buf_str(&r->events), str_of(rows[i].has[k])) < r->events.n, "'%s' is not in " STR_FMT,
					  rows[i].has[k], STR_ARG(buf_str(&r->events)));
		if (test_failures > before)
			printf("# in: %s\n", rows[i].what);
		format_run_free(r);
	}
}

TEST(known_by_content)
{
	const struct intake_hints hints = { .file_name = STR("x") };
	static const struct { str head; bool ours; } heads[] = {
		{ STR_INIT(V4 "\"192.0.2.1\"}"), true },
		{ STR_INIT(V3 "\"ReportType\":\"spam\"}}"), true },
		{ STR_INIT(OLD "Source: 192.0.2.1\n"), true },
		{ STR_INIT("{\"source.ip\":\"192.0.2.1\",\"time.source\":\"2026-11-22\"}"), false },
		{ STR_INIT("192.0.2.1\n"), false },
	};
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		const struct intake_sample s = { .head = heads[i].head, .whole = true, .hints = &hints };
		CHECK((intake_format_guess(&s) == intake_format_find(STR("xarf"))) == heads[i].ours);
	}
}

TEST_MAIN(TEST_RUN(what_a_report_becomes), TEST_RUN(known_by_content))
