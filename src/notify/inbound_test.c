/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/inbound.h"

#include "base/test.h"

/* --- numbers of ticket systems --- */

static const struct {
	const char *subject, *theirs; /* "": none */
	int64_t ours;
} subjects[] = {
	{ "Re: [ronda #12] open telnet", "", 12 },
	{ "Re: [ronda #12] open telnet [example.org #4711]", "[example.org #4711]", 12 },
	{ "[NetOne #7] AW: [RONDA #0012] x", "[NetOne #7]", 12 },
	{ "[Ticket#2024010112345678] Re: [ronda #3] x", "[Ticket#2024010112345678]", 3 },
	{ "Re: Ticket#99 - x", "Ticket#99", 0 },
	{ "[ABC-123] comment", "[ABC-123]", 0 },
	{ "(HELP-7) x", "(HELP-7)", 0 },
	{ "[desk-2026-7] x", "", 0 },
	{ "[#INC-77] x", "[#INC-77]", 0 },
	{ "[#A1B2C3] x", "[#A1B2C3]", 0 },
	{ "INC0012345 has been opened", "INC0012345", 0 },
	{ "SINC0012345 x", "", 0 },
	{ "[GLPI #0000123] x", "[GLPI #0000123]", 0 },
	{ "[Request ID :##55##] : x", "[Request ID :##55##]", 0 },
	{ "[Ticket: 5] x", "[Ticket: 5]", 0 },
	{ "no number", "", 0 },
	{ "[ronda #x] y", "", 0 },
	{ "[ronda #-4] y", "", 0 },
	{ "[ronda #99999999999999999999] y", "", 0 },
	{ "[ronda #5", "", 0 },
	{ "[", "", 0 },
	{ "", "", 0 },
};

TEST(numbers_in_subjects)
{
	for (size_t i = 0; i < COUNT_OF(subjects); i++) {
		int before = test_failures;
		int64_t ours = 0;
		str theirs = STR("");
		CHECK(inbound_our_tag(str_of(subjects[i].subject), STR("ronda"), &ours) == (subjects[i].ours > 0));
		CHECK_INT(ours, subjects[i].ours);
		(void)inbound_foreign_find(str_of(subjects[i].subject), STR("ronda"), &theirs);
		CHECK_STR(theirs, str_of(subjects[i].theirs));
		if (test_failures > before)
			printf("# in: %s\n", subjects[i].subject);
	}
}

static const struct { const char *subject, *without; } answered[] = {
	{ "Re: [ronda #12] open telnet", "Re: open telnet" },
	{ "[ronda #12] Re: [RONDA #0011] open telnet", "Re: open telnet" },
	{ "Re: [ronda #12] [example.org #4711] x", "Re: [example.org #4711] x" },
	{ "[Ticket#2024010112345678] Re: [ronda #3]", "[Ticket#2024010112345678] Re:" },
	{ "[ronda x] y", "[ronda x] y" },
	{ "[[ronda #3] y", "[y" },
	{ "[ronda #3", "[ronda #3" },
	{ "[", "[" },
	{ "", "" },
};

TEST(an_answer_has_no_old_tag)
{
	struct arena *a = arena_new(KIB(4));
	for (size_t i = 0; i < COUNT_OF(answered); i++)
		CHECK_STR(inbound_without_tag(str_of(answered[i].subject), STR("ronda"), a), str_of(answered[i].without));
	arena_free(a);
}

/* --- what may be a report --- */

static const struct {
	const char *what, *type, *name, *bytes;
	bool attached, nested;
	const char *format; /* NULL: no report */
} parts[] = {
	{ "CSV by its type", "text/csv", "x", "ip\n", true, false, "auto" },
	{ "CSV by its name", "application/octet-stream", "list.CSV", "ip\n", true, false, "auto" },
	{ "zip", "application/zip", "r.zip", "PK", true, false, "auto" },
	{ "X-ARF as JSON", "application/json", "", "{\"xarf_version\":\"4\"}", false, false, "xarf" },
	{ "X-ARF as text", "text/plain", "report.txt", "Reported-From: a\nSource: b\n", true, false, "xarf" },
	{ "a log beside it", "text/plain", "logfile.log", "x\n", true, false, NULL },
	{ "the text", "text/plain", "", "hello\n", false, false, NULL },
	{ "a picture", "image/png", "x.png", "\x89PNG", true, false, NULL },
	{ "nothing in it", "text/csv", "x.csv", "", true, false, NULL },
	{ "in a mail that is inside", "text/csv", "x.csv", "ip\n", true, true, NULL },
};

TEST(pieces_of_a_mail)
{
	struct inbound_piece out[INBOUND_REPORTS_MAX];
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		struct mail_part p = { .type = str_of(parts[i].type), .name = str_of(parts[i].name), .bytes = str_of(parts[i].bytes),
				       .attached = parts[i].attached, .nested = parts[i].nested };
		const struct mail m = { .parts = &p, .part_count = 1 };
		size_t n = inbound_pieces(&m, STR("raw"), false, out);
		CHECK_MSG(n == (parts[i].format != NULL), "%s", parts[i].what);
		if (n == 1 && parts[i].format)
			CHECK_STR(str_of(out[0].format), str_of(parts[i].format));
	}
	const struct mail feedback = { .is_feedback = true };
	CHECK_INT(inbound_pieces(&feedback, STR("raw"), true, out), 1);
	CHECK(out[0].part == INBOUND_WHOLE && str_eq(out[0].bytes, STR("raw")));
}

TEST(a_text_that_is_a_report)
{
	struct inbound_piece out[INBOUND_REPORTS_MAX];
	struct mail_part p[] = { { .type = STR("text/plain"), .bytes = STR("ip\r\n198.18.0.1\r\n-- \r\nAni\r\n") },
				 { .type = STR("text/csv"), .name = STR("x.csv"), .attached = true, .bytes = STR("ip\n") } };
	struct mail m = { .text = STR("cut"), .parts = p, .part_count = 1 };
	CHECK_INT(inbound_pieces(&m, STR("raw"), false, out), 0);
	CHECK_INT(inbound_pieces(&m, STR("raw"), true, out), 1);
	CHECK(out[0].part == INBOUND_BODY);
	CHECK_STR(out[0].bytes, STR("ip\r\n198.18.0.1\r\n"));
	m.text_was_html = true; /* there it is the text that was made of it */
	CHECK_INT(inbound_pieces(&m, STR("raw"), true, out), 1);
	CHECK_STR(out[0].bytes, STR("cut"));
	m.part_count = 2; /* what is attached is the report */
	CHECK_INT(inbound_pieces(&m, STR("raw"), true, out), 1);
	CHECK_INT(out[0].part, 1);
	m = (struct mail){ .text = STR(" \n") };
	CHECK_INT(inbound_pieces(&m, STR("raw"), true, out), 0);
}

TEST(who_is_named)
{
	CHECK(inbound_is_named(STR("a@example.org, example.net"), STR("A@Example.org")));
	CHECK(inbound_is_named(STR("a@example.org, example.net"), STR("b@example.net")));
	CHECK(inbound_is_named(STR("*"), STR("b@example.net")));
	CHECK(!inbound_is_named(STR("a@example.org, example.net"), STR("b@example.org")));
	CHECK(!inbound_is_named(STR("example.net"), STR("b@evil.example.net")));
	CHECK(!inbound_is_named(STR(" , "), STR("b@example.net")));
	CHECK(!inbound_is_named(STR("*"), STR("")));
}

/* --- links --- */

static const struct { const char *text, *want; } texts[] = {
	{ "see https://dl.example.org/r/x.csv.", "https://dl.example.org/r/x.csv" },
	{ "<HTTPS://DL.example.org/r?x=1&y=2>", "HTTPS://DL.example.org/r?x=1&y=2" },
	{ "https://dl.example.org.evil.example/r", "" },
	{ "https://dl.example.org@evil.example/r", "" },
	{ "https://dl.example.org:444/r", "" },
	{ "http://dl.example.org/r", "" },
	{ "https://evil.example/https://dl.example.org/r", "" },
	{ "http://127.0.0.1:9000/x", "http://127.0.0.1:9000/x" },
	{ "http://127.0.0.1:90001/x", "" },
	{ "https://dl.example.org/", "" },
	{ "http", "" },
};

TEST(links_of_a_text)
{
	str out[INBOUND_LINKS_MAX];
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		const struct mail m = { .text = str_of(texts[i].text) };
		size_t n = inbound_links(&m, STR("dl.example.org, http://127.0.0.1:9000"), out);
		CHECK_MSG(n == (texts[i].want[0] != 0), "%s", texts[i].text);
		if (n == 1)
			CHECK_STR(out[0], str_of(texts[i].want));
	}
}

TEST_MAIN(TEST_RUN(numbers_in_subjects), TEST_RUN(an_answer_has_no_old_tag), TEST_RUN(pieces_of_a_mail),
	  TEST_RUN(a_text_that_is_a_report), TEST_RUN(who_is_named), TEST_RUN(links_of_a_text))
