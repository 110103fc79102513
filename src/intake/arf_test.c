/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/format_test.h"

#define HEAD "From: fbl@example.org\nContent-Type: multipart/report; boundary=b\n\n--b\n\nspam\n--b\nContent-Type: message/feedback-report\n\n"
#define MAIL "\n--b\nContent-Type: message/rfc822\n\n"

/* What the event holds, or "-" dropped, "!" and the reason. */
static const struct {
	const char *what, *mail;
	const char *has[5];
} rows[] = {
	{ "all is said",
	  HEAD "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nSource-IP: 192.0.2.1\nArrival-Date: Thu, 8 Mar 2007 14:00:00 -0400\n"
	       "Original-Mail-From: <s@example.org>\nOriginal-Rcpt-To: <r@example.org>\nReporting-MTA: dns; mx.example.org\n--b--\n",
	  { "\"classification.type\":\"spam\"", "\"source.ip\":\"192.0.2.1\"", "\"time.source\":\"2007-03-08T18:00:00+00:00\"",
	    "\"source.account\":\"s@example.org\"", "\"extra.reporting_mta\":\"mx.example.org\"" } },
	{ "the mail inside says the rest",
	  HEAD "Feedback-Type: fraud\n" MAIL "Received: from x (x [198.18.0.7])\n by y; Thu, 8 Mar 2007 14:00:00 -0400\nDate: Thu, 8 Mar 2007 "
	       "13:00:00 +0000\nMessage-ID: <m@example.org>\n\nx\n--b--\n",
	  { "\"classification.type\":\"phishing\"", "\"source.ip\":\"198.18.0.7\"", "\"extra.source_from\":\"received\"",
	    "\"time.source\":\"2007-03-08T13:00:00+00:00\"", "\"extra.original_message_id\":\"m@example.org\"" } },
	{ "twice the same field", HEAD "Feedback-Type: abuse\nSource-IP: 192.0.2.1\nSource-IP: 192.0.2.2\nUser-Agent: a\nUser-Agent: b\n--b--\n",
	  { "\"source.ip\":\"192.0.2.1\"", "\"extra.user_agent\":\"a\"" } },
	{ "a domain alone", HEAD "Feedback-Type: virus\nReported-Domain: example.org\n--b--\n",
	  { "\"classification.type\":\"malware-distribution\"", "\"source.fqdn\":\"example.org\"" } },
	{ "an address that is none", HEAD "Feedback-Type: abuse\nSource-IP: XX.2.1\nReported-Domain: example.org\n--b--\n",
	  { "\"source.fqdn\":\"example.org\"" } },
	{ "a failed sign of origin", HEAD "Feedback-Type: auth-failure\nAuth-Failure: bodyhash\nSource-IP: 2001:db8::1\n--b--\n",
	  { "\"classification.type\":\"masquerade\"", "\"extra.auth_failure\":\"bodyhash\"", "\"source.ip\":\"2001:db8::1\"" } },
	{ "nobody is accused", HEAD "Feedback-Type: not-spam\nSource-IP: 192.0.2.1\n--b--\n", { "-" } },
	{ "no such type", HEAD "Feedback-Type: joy\nSource-IP: 192.0.2.1\n--b--\n", { "!no Feedback-Type" } },
	{ "about nobody", HEAD "Feedback-Type: abuse\n--b--\n", { "!it names neither" } },
	{ "no report", "From: a@example.org\nSubject: x\n\nx\n", { "!no part of it" } },
	{ "nothing in it", HEAD, { "!no Feedback-Type" } },
};

TEST(what_a_mail_becomes)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct format_run *r = format_run(STR("arf"), STR_NONE, str_of(rows[i].mail));
		const char *want = rows[i].has[0];
		int before = test_failures;
		if (want[0] == '-')
			CHECK_INT(r->sum.dropped, 1);
		else if (want[0] == '!')
			CHECK_MSG(str_find(buf_str(&r->words), str_of(want + 1)) < r->words.n, "got '" STR_FMT "'", STR_ARG(buf_str(&r->words)));
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
	struct intake_sample s = { .head = STR(HEAD "Feedback-Type: abuse\n"), .whole = true, .hints = &hints };
	CHECK(intake_format_guess(&s) == intake_format_find(STR("arf")));
	s.head = STR("From: a@example.org\n\nno report\n");
	CHECK(intake_format_guess(&s) != intake_format_find(STR("arf")));
}

TEST_MAIN(TEST_RUN(what_a_mail_becomes), TEST_RUN(known_by_content))
