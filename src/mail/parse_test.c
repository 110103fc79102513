/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/parse.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "mail/mime_text.h"

struct world {
	struct starter *starter;
	struct log *log;
	struct calls *reader;
	struct arena *a;
	struct mail m;
	struct err err;
	bool died;
};

static struct world world_open(void)
{
	struct world w = { .a = arena_new(KIB(64)), .log = log_new(LOG_LEVEL_ERROR) };
	const struct calls_options o = { .helper = "mail", .most = 1, .question_bytes = MIB(64), .answer_bytes = MIB(64),
					 .limit_ms = 20000, .serves = 1 };
	CHECK_RC(starter_new(&w.starter, &w.err), RC_OK, w.err);
	w.reader = calls_new(w.starter, w.log, &o);
	return w;
}

static void world_close(struct world *w)
{
	calls_free(w->reader);
	starter_free(w->starter);
	log_free(w->log);
	arena_free(w->a);
}

static enum rc parse(struct world *w, str raw)
{
	w->err = (struct err){ 0 };
	return mail_parse(w->reader, raw, w->a, &w->m, &w->died, &w->err);
}

/* --- what headers and texts say --- */

static const struct {
	const char *what, *raw, *from, *name, *subject, *text;
	unsigned automatic;
} mails[] = {
	{ "plain", "From: Ani <ani@Example.ORG>\r\nSubject: hello\r\n\r\nGood day.\r\n", "ani@example.org", "Ani", "hello",
	  "Good day.", 0 },
	{ "encoded words", "From: =?UTF-8?Q?Se=C3=B1or?= <s@example.org>\nSubject: =?iso-8859-1?Q?caf=E9?= =?utf-8?B?w6k=?=\n\nx\n",
	  "s@example.org", "Se\xc3\xb1or", "caf\xc3\xa9\xc3\xa9", "x", 0 },
	{ "line ends in an encoded word", "From: a@example.org\nSubject: =?utf-8?Q?one=0D=0ABcc:_b@example.org?=\n\nx\n",
	  "a@example.org", "", "one Bcc: b@example.org", "x", 0 },
	{ "a charset nobody has", "From: a@example.org\nSubject: =?x-none?Q?odd?=\nContent-Type: text/plain; charset=x-none\n\nx\xff\n",
	  "a@example.org", "", "odd", "x\xc3\xbf", 0 },
	{ "a charset that is not loaded", "From: a@example.org\nSubject: =?ibm1047?Q?=C1?=\nContent-Type: text/plain; charset=EBCDIC-INT\n\nx\n",
	  "a@example.org", "", "\xc3\x81", "x", 0 },
	{ "a charset as a path", "From: a@example.org\nContent-Type: text/plain; charset=\"../../../tmp/x//\"\n\nx\n", "a@example.org", "",
	  "", "x", 0 },
	{ "Japanese", "From: a@example.org\nSubject: =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=\n\nx\n", "a@example.org", "",
	  "\xe6\x97\xa5\xe6\x9c\xac", "x", 0 },
	{ "HTML alone", "From: a@example.org\nContent-Type: text/html\n\n<p>One<script>evil()</script></p><p>T&#119;o &amp; &lt;three&gt;</p>\n",
	  "a@example.org", "", "", "One\n\nTwo & <three>", 0 },
	{ "plain beside HTML", "From: a@example.org\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n"
	  "plain\n--b\nContent-Type: text/html\n\n<b>html</b>\n--b--\n", "a@example.org", "", "", "plain", 0 },
	{ "automatic by every sign", "Return-Path: <>\nFrom: MAILER-DAEMON@example.org\nAuto-Submitted: auto-replied (vacation)\nPrecedence: "
	  "bulk\nX-Auto-Response-Suppress: All\nList-Id: <x.example.org>\n\nx\n", "MAILER-DAEMON@example.org", "", "", "x",
	  MAIL_AUTO_SUBMITTED | MAIL_AUTO_PRECEDENCE | MAIL_AUTO_SUPPRESS | MAIL_AUTO_NO_PATH | MAIL_AUTO_LIST | MAIL_AUTO_DAEMON },
	{ "Auto-Submitted: no", "From: a@example.org\nAuto-Submitted: no\n\nx\n", "a@example.org", "", "", "x", 0 },
	{ "marks that turn the direction", "From: a@example.org\nSubject: =?utf-8?Q?exe=E2=80=AEcod=2Etxt?=\n\nx\xe2\x80\xae\n", "a@example.org",
	  "", "execod.txt", "x", 0 },
	{ "no address", "From: nobody at all\nSubject: x\n\nx\n", "", NULL, "x", "x", 0 },
};

TEST(headers_and_texts)
{
	struct world w = world_open();
	for (size_t i = 0; i < COUNT_OF(mails); i++) {
		int before = test_failures;
		CHECK_RC(parse(&w, str_of(mails[i].raw)), RC_OK, w.err);
		CHECK_STR(w.m.from.address, str_of(mails[i].from));
		if (mails[i].name)
			CHECK_STR(w.m.from.name, str_of(mails[i].name));
		CHECK_STR(w.m.subject, str_of(mails[i].subject));
		if (mails[i].text)
			CHECK_STR(w.m.text, str_of(mails[i].text));
		CHECK_INT(w.m.automatic, mails[i].automatic);
		if (test_failures > before)
			printf("# in: %s\n", mails[i].what);
	}
	world_close(&w);
}

TEST(ids_and_addresses)
{
	struct world w = world_open();
	CHECK_RC(parse(&w, STR("From: a@example.org\nTo: b@example.org, Group: c@example.org, \"D, E\" <d@example.org>;\n"
			       "Reply-To: r@example.org\nMessage-ID: <m1@example.org>\nIn-Reply-To: <p@example.org>\n"
			       "References: <o@example.org>\n <p@example.org>\nDate: Sun, 22 Nov 2026 02:00:00 +0700\n\nx\n")),
		 RC_OK, w.err);
	CHECK_INT(w.m.to_count, 3);
	CHECK_STR(w.m.to[2].address, STR("d@example.org"));
	CHECK_STR(w.m.to[2].name, STR("D, E"));
	CHECK_STR(w.m.reply_to[0].address, STR("r@example.org"));
	CHECK_STR(w.m.message_id, STR("m1@example.org"));
	CHECK_STR(w.m.in_reply_to, STR("p@example.org"));
	CHECK_STR(w.m.references, STR("o@example.org p@example.org"));
	CHECK_INT(w.m.date_us, INT64_C(1795287600000000));
	world_close(&w);
}

TEST(parts_with_their_bytes)
{
	struct world w = world_open();
	CHECK_RC(parse(&w, STR("From: a@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n"
			       "see there\n--b\nContent-Type: text/csv; name=\"../../etc/list.csv\"\nContent-Transfer-Encoding: base64\n\n"
			       "aXAKMTkyLjAuMi4xCg==\n--b\nContent-Type: message/rfc822\n\nSubject: inner\nMessage-ID: <in@example.org>\n\n"
			       "inner text\n--b--\n")),
		 RC_OK, w.err);
	CHECK_INT(w.m.part_count, 3);
	if (w.m.part_count == 3) {
		CHECK_STR(w.m.parts[1].bytes, STR("ip\n192.0.2.1\n"));
		CHECK_STR(w.m.parts[1].name, STR("../../etc/list.csv"));
		CHECK(w.m.parts[1].attached && !w.m.parts[1].nested);
		CHECK(w.m.parts[2].nested);
	}
	CHECK_STR(w.m.text, STR("see there"));
	CHECK_STR(w.m.original_id, STR("in@example.org"));
	CHECK_STR(w.m.original_subject, STR("inner"));
	world_close(&w);
}

TEST(a_bounce_and_a_complaint)
{
	struct world w = world_open();
	CHECK_RC(parse(&w, STR("From: MAILER-DAEMON@example.org\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
			       "--b\n\nsorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
			       "Final-Recipient: rfc822;\n x@example.org\nAction: failed\nStatus: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\n"
			       "Message-ID: <ours@example.org>\nSubject: told\nX-Ronda-Loop: n1\n\n--b--\n")),
		 RC_OK, w.err);
	CHECK(w.m.is_dsn);
	CHECK_STR(mail_field(&w.m, "final-recipient"), STR("rfc822; x@example.org"));
	CHECK_STR(mail_field(&w.m, "Status"), STR("5.1.1"));
	CHECK_STR(w.m.original_id, STR("ours@example.org"));
	CHECK_STR(w.m.original_loop, STR("n1"));
	CHECK_RC(parse(&w, STR("From: fbl@example.org\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nspam\n"
			       "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nSource-IP: 192.0.2.1\n\n--b--\n")),
		 RC_OK, w.err);
	CHECK(w.m.is_feedback && !w.m.is_dsn);
	CHECK_STR(mail_field(&w.m, "source-ip"), STR("192.0.2.1"));
	world_close(&w);
}

TEST(sealed_ones_keep_their_bytes)
{
	struct world w = world_open();
	CHECK_RC(parse(&w, STR("From: a@example.org\nContent-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\n\n--b\n"
			       "Content-Type: text/plain\n\nsigned  \nlines\n\n--b\nContent-Type: application/pgp-signature\n\nSIG\n--b--\n")),
		 RC_OK, w.err);
	CHECK_INT(w.m.seal, MAIL_PGP_SIGNED);
	CHECK_STR(w.m.entity, STR("Content-Type: text/plain\r\n\r\nsigned  \r\nlines\r\n"));
	CHECK_STR(str_trim_all(w.m.sealed), STR("SIG"));
	CHECK_RC(parse(&w, STR("From: a@example.org\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n--b\n"
			       "Content-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream\n\nCIPHER\n"
			       "--b--\n")), RC_OK, w.err);
	CHECK_INT(w.m.seal, MAIL_PGP_ENCRYPTED);
	CHECK_STR(str_trim_all(w.m.sealed), STR("CIPHER"));
	CHECK_RC(parse(&w, STR("From: a@example.org\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n"
			       "Content-Transfer-Encoding: base64\n\nMTIz\n")), RC_OK, w.err);
	CHECK_INT(w.m.seal, MAIL_SMIME_ENCRYPTED);
	CHECK_STR(w.m.sealed, STR("123"));
	world_close(&w);
}

/* --- hostile ones --- */

static void nest(struct buf *b)
{
	buf_add(b, STR("From: a@example.org\nSubject: deep\n"));
	for (int i = 0; i < 5000; i++)
		buf_fmt(b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
}
static void nest_mails(struct buf *b)
{
	buf_add(b, STR("From: a@example.org\nSubject: deep\n"));
	for (int i = 0; i < 20000; i++)
		buf_add(b, STR("Content-Type: message/rfc822\n\n"));
}
static void many_parts(struct buf *b)
{
	buf_add(b, STR("From: a@example.org\nSubject: many\nContent-Type: multipart/mixed; boundary=b\n\n"));
	for (int i = 0; i < 400000; i++)
		buf_add(b, STR("--b\n\nx\n"));
}
static void one_long_header(struct buf *b)
{
	buf_add(b, STR("From: a@example.org\nSubject: "));
	for (int i = 0; i < 10 << 20; i++)
		buf_char(b, 'x');
	buf_add(b, STR("\n\nx\n"));
}
static void many_addresses(struct buf *b)
{
	buf_add(b, STR("Subject: crowd\nTo: "));
	for (int i = 0; i < 40000; i++)
		buf_add(b, STR("a@b,\n "));
	buf_add(b, STR("c@example.org\n\nx\n"));
}
static void inner_addresses(struct buf *b)
{
	buf_add(b, STR("Subject: crowd\nContent-Type: message/rfc822\n\nTo: "));
	for (int i = 0; i < 2000000; i++)
		buf_add(b, STR("a@b,\n "));
	buf_add(b, STR("c@example.org\n\nx\n"));
}
static void encoded_words(struct buf *b)
{
	buf_add(b, STR("Subject: "));
	for (int i = 0; i < 12000; i++)
		buf_add(b, STR("=?utf-8?Q?=41?=\n "));
	buf_add(b, STR("\n\nx\n"));
}
static void unclosed_tags(struct buf *b)
{
	buf_add(b, STR("Subject: tags\nContent-Type: text/html\n\n"));
	for (int i = 0; i < 1 << 20; i++)
		buf_add(b, STR("<a '\"<!"));
}
static void long_parameters(struct buf *b)
{
	buf_add(b, STR("Subject: p\nContent-Type: text/plain"));
	for (int i = 0; i < 8000; i++)
		buf_fmt(b, ";\n name*%d*=x", i);
	buf_add(b, STR("\n\nx\n"));
}
static void base64_of_much(struct buf *b)
{
	buf_add(b, STR("Subject: big\nContent-Transfer-Encoding: base64\nContent-Type: application/octet-stream; name=x\n\n"));
	for (int i = 0; i < 14 << 14; i++)
		buf_add(b, STR("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE\n"));
}

static void text_of_much(struct buf *b)
{
	buf_add(b, STR("Subject: big\nContent-Type: text/html; charset=utf-16le\n\n"));
	while (b->n < MAIL_BYTES_MAX - 16)
		buf_add(b, str_mem("a\0b\0\n\0", 6));
}
static void signed_much(struct buf *b)
{
	buf_add(b, STR("Subject: big\nContent-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\n\n"
		       "--b\nContent-Type: application/zip; name=x\n\n"));
	while (b->n < MAIL_BYTES_MAX - 400)
		buf_add(b, STR("0123456789012345678901234567890123456789012345678901234567890\n"));
	buf_add(b, STR("--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n"));
}

static void encrypted_much(struct buf *b)
{
	buf_add(b, STR("Subject: big\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=x\n\n"));
	while (b->n < 12 << 20)
		buf_add(b, STR("0123456789012345678901234567890123456789012345678901234567890\n"));
}

static void as_many_parts_as_may_be(struct buf *b)
{
	buf_add(b, STR("From: a@example.org\nSubject: many\nContent-Type: multipart/mixed; boundary=b\n\n"));
	for (int i = 0; i < 4990; i++)
		buf_add(b, STR("--b\nContent-Type: text/plain; name=x\n\nx\n"));
}
static void as_many_mails_inside(struct buf *b)
{
	buf_add(b, STR("From: a@example.org\nSubject: many\nContent-Type: multipart/digest; boundary=b\n\n"));
	for (int i = 0; i < 4990; i++)
		buf_add(b, STR("--b\n\nFrom: a@example.org\nTo: b@example.org\nSubject: x\n\nx\n"));
}
static void many_headers(struct buf *b)
{
	buf_add(b, STR("Subject: many\nContent-Type: message/rfc822\n\n"));
	for (int i = 0; i < 1 << 20; i++)
		buf_add(b, STR("X-A: b\n"));
}
static void headers_to_the_limit(struct buf *b)
{
	buf_add(b, STR("Subject: many\nContent-Type: message/rfc822\n\n"));
	for (int i = 0; i < 29990; i++)
		buf_fmt(b, "X-A-%d: %0100d\n", i, i);
}
static void many_parameters(struct buf *b)
{
	buf_add(b, STR("Subject: p\nContent-Type: text/plain"));
	while (b->n < 250 << 10)
		buf_add(b, STR(";a=b"));
	buf_add(b, STR("\n\nx\n"));
}

static const struct {
	const char *what;
	void (*make)(struct buf *b);
	enum rc rc;
} hostile[] = {
	{ "multiparts in each other", nest, RC_OK },
	{ "mails in each other", nest_mails, RC_OK },
	{ "parts without end", many_parts, RC_LIMIT },
	{ "as many parts as may be", as_many_parts_as_may_be, RC_OK },
	{ "as many mails inside", as_many_mails_inside, RC_OK },
	{ "headers without end", many_headers, RC_LIMIT },
	{ "headers up to the limit", headers_to_the_limit, RC_OK },
	{ "parameters up to the limit", many_parameters, RC_OK },
	{ "a header of ten megabytes", one_long_header, RC_LIMIT },
	{ "a crowd of addresses", many_addresses, RC_OK },
	{ "a crowd in the mail inside", inner_addresses, RC_LIMIT },
	{ "encoded words without end", encoded_words, RC_OK },
	{ "tags that never close", unclosed_tags, RC_OK },
	{ "parameters without end", long_parameters, RC_OK },
	{ "all that base64 holds", base64_of_much, RC_OK },
	{ "text to the limit, of two bytes a letter", text_of_much, RC_OK },
	{ "signed to the limit", signed_much, RC_OK },
	{ "encrypted to the limit", encrypted_much, RC_OK },
};

/* --- what they cost --- */

/* A sanitizer has memory and time of its own. */
#ifdef RONDA_SANITIZED
enum { MEMORY_MOST_KIB = INT32_MAX, CPU_MOST_MS = INT32_MAX };
#else
enum { MEMORY_MOST_KIB = 64 << 10, CPU_MOST_MS = 1000 };
#endif

/* The number behind `key` in a file of /proc; -1: none. */
static long proc_number(long pid, const char *key)
{
	char path[64], line[256];
	long n = -1;
	snprintf(path, sizeof path, "/proc/%ld/status", pid);
	FILE *f = fopen(path, "re");
	while (f && n < 0 && fgets(line, sizeof line, f))
		if (strncmp(line, key, strlen(key)) == 0)
			n = strtol(line + strlen(key), NULL, 10);
	if (f)
		(void)fclose(f);
	return n;
}

/* Processor time of it in ms: what else the machine does, is not in it. */
static long cpu_ms(long pid)
{
	char path[64], line[1024];
	long ticks = -1;
	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	FILE *f = fopen(path, "re");
	if (f && fgets(line, sizeof line, f)) {
		char *at = strrchr(line, ')');
		for (int field = 2; at && field < 14; field++) /* proc(5): utime is the 14th, stime behind it */
			at = strchr(at + 1, ' ');
		if (at) {
			char *end;
			ticks = strtol(at, &end, 10);
			ticks += strtol(end, NULL, 10);
		}
	}
	if (f)
		(void)fclose(f);
	return ticks < 0 ? -1 : ticks * 1000 / sysconf(_SC_CLK_TCK);
}

/* The mail child of this test: its starter is our child. 0: none. */
static long mail_child(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	long found = 0;
	while (dir && (e = readdir(dir))) {
		char path[300], name[32] = "";
		long pid = strtol(e->d_name, NULL, 10);
		snprintf(path, sizeof path, "/proc/%s/comm", e->d_name);
		FILE *f = pid > 0 ? fopen(path, "re") : NULL;
		if (f && fgets(name, sizeof name, f) && strcmp(name, "ronda-mail\n") == 0 &&
		    proc_number(proc_number(pid, "PPid:"), "PPid:") == (long)getpid())
			found = pid;
		if (f)
			(void)fclose(f);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* One that is not ended after its first question, so that it can be looked at. */
static struct calls *lasting_reader(struct world *w)
{
	const struct calls_options o = { .helper = "mail", .most = 1, .question_bytes = MIB(64), .answer_bytes = MIB(64),
					 .limit_ms = 20000, .serves = 2 };
	return calls_new(w->starter, w->log, &o);
}

TEST(hostile_mails)
{
	struct world w = world_open();
	struct buf b = BUF_INIT(MIB(20));
	for (size_t i = 0; i < COUNT_OF(hostile); i++) {
		int before = test_failures;
		calls_free(w.reader);
		w.reader = lasting_reader(&w);
		buf_reset(&b);
		hostile[i].make(&b);
		CHECK_RC(parse(&w, buf_str(&b)), hostile[i].rc, w.err);
		long pid = mail_child(), kib = proc_number(pid, "VmHWM:"), ms = cpu_ms(pid);
		printf("# %s: %ld ms of processor time, %ld KiB at most, %zu parts\n", hostile[i].what, ms, kib, w.m.part_count);
		CHECK(!w.died);
		CHECK(pid > 0 && kib > 0 && ms >= 0);
		CHECK(kib <= MEMORY_MOST_KIB);
		CHECK(ms <= CPU_MOST_MS);
		if (test_failures > before)
			printf("# in: %s\n", hostile[i].what);
		arena_reset(w.a);
	}
	buf_free(&b);
	world_close(&w);
}

/* One byte longer is one too many. */
TEST(limits_of_a_mail)
{
	struct world w = world_open();
	struct buf b = BUF_INIT(MIB(20));
	buf_add(&b, STR("Subject: long\n\n"));
	while (b.n < MAIL_BYTES_MAX)
		buf_char(&b, b.n % 70 ? 'x' : '\n');
	CHECK_RC(parse(&w, buf_str(&b)), RC_OK, w.err);
	CHECK(w.m.text_cut && w.m.text.n <= MAIL_TEXT_MAX);
	buf_char(&b, 'x');
	CHECK_INT(parse(&w, buf_str(&b)), RC_LIMIT);
	CHECK_INT(parse(&w, STR("")), RC_INPUT);
	CHECK_INT(parse(&w, STR("only text\n")), RC_INPUT);
	buf_free(&b);
	world_close(&w);
}

TEST_MAIN(TEST_RUN(headers_and_texts), TEST_RUN(ids_and_addresses), TEST_RUN(parts_with_their_bytes),
	  TEST_RUN(a_bounce_and_a_complaint), TEST_RUN(sealed_ones_keep_their_bytes), TEST_RUN(hostile_mails),
	  TEST_RUN(limits_of_a_mail))
