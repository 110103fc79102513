/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/test_relay.h"

#include <fcntl.h>

#include "base/test.h"
#include "base/test_dir.h"
#include "mail/smtp.h"
#include "node/node_settings.h"

static struct err err;

struct sending {
	struct test_dir d;
	struct test_relay relays[2];
	struct settings *settings;
	struct smtp *m;
	struct arena *a;
	int begun;
	enum rc answer;     /* of begin() */
};

static struct sending *start(const char *relays_fmt, const char *more, long hang_ms)
{
	char relays[300];
	const char *sets[4] = { relays, "mail_timeout=1s", "mail_from=CERT <cert@example.org>", more };
	struct sending *s = x_alloc(sizeof *s);
	s->d = test_dir_new();
	s->a = arena_new(KIB(4));
	for (size_t i = 0; i < COUNT_OF(s->relays); i++) {
		s->relays[i].log_fd = -1;
		s->relays[i].hang_ms = hang_ms;
		CHECK(test_relay_start(&s->relays[i]));
	}
	int n = snprintf(relays, sizeof relays, "mail_relays=");
	for (const char *p = relays_fmt; *p; p++) /* 1, 2: their ports */
		n += *p == '1' || *p == '2' ?
			     snprintf(relays + n, sizeof relays - (size_t)n, "127.0.0.1:%u", s->relays[*p - '1'].port) :
			     snprintf(relays + n, sizeof relays - (size_t)n, "%c", *p);
	CHECK_RC(node_settings_read(s->d.path, sets, more ? 4 : 3, &s->settings, &err), RC_OK, err);
	CHECK_RC(smtp_open(s->settings, &s->m, &err), RC_OK, err);
	return s;
}

static void end(struct sending *s)
{
	smtp_close(s->m);
	settings_free(s->settings);
	for (size_t i = 0; i < COUNT_OF(s->relays); i++)
		test_relay_stop(&s->relays[i]);
	arena_free(s->a);
	test_dir_end(&s->d);
	free(s);
}

static enum rc begin(void *ctx, struct err *why)
{
	struct sending *s = ctx;
	s->begun++;
	return s->answer == RC_OK ? RC_OK : fail(why, s->answer, "it was withdrawn");
}

static struct smtp_result hand(struct sending *s, str from, str to, str bytes)
{
	struct smtp_result r;
	const struct smtp_mail mail = { .from = from, .to = to, .bytes = bytes, .begin = begin, .ctx = s };
	smtp_send(s->m, &mail, s->a, &r);
	return r;
}

#define MAIL "Message-ID: <1@example.org>\r\n\r\n.a line with a dot\r\n"

static const struct {
	const char *what, *to;
	enum smtp_end end;
	int code, begun;
	const char *says;
} ends[] = {
	{ "taken", "a@example.org", SMTP_TAKEN, 250, 1, "250 2.0.0 taken" },
	{ "later, at the recipient", "later@example.org", SMTP_LATER, 450, 0, "450 4.2.1 later" },
	{ "refused, at the recipient", "refused@example.org", SMTP_REFUSED, 550, 0, "550 5.1.1 nobody" },
	{ "cut before the mail", "cut@example.org", SMTP_LATER, 0, 0, "at the recipient" },
	{ "hangs before the mail", "hang@example.org", SMTP_LATER, 0, 0, "too slow, at the recipient" },
	{ "later, behind the mail", "later-after@example.org", SMTP_LATER, 451, 1, "451 4.3.0 not now" },
	{ "refused, behind the mail", "refused-after@example.org", SMTP_REFUSED, 554, 1, "554 5.7.1 not such a mail" },
	{ "cut behind the mail", "cut-after@example.org", SMTP_UNCERTAIN, 0, 1, "behind the whole mail" },
	{ "hangs behind the mail", "hang-after@example.org", SMTP_UNCERTAIN, 0, 1, "too slow, behind the whole mail" },
	{ "no address", "a b@example.org", SMTP_REFUSED, 0, 0, "is no address" },
	{ "a line end", "a@example.org>\r\nRCPT TO:<b@example.org", SMTP_REFUSED, 0, 0, "is no address" },
};

TEST(what_became_of_it)
{
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		struct sending *s = start("smtp://1", NULL, 3000);
		struct smtp_result r = hand(s, STR("cert@example.org"), str_of(ends[i].to), STR(MAIL));
		CHECK_MSG(r.end == ends[i].end && r.code == ends[i].code && s->begun == ends[i].begun, "%s: end %d, code %d, begun %d",
			  ends[i].what, r.end, r.code, s->begun);
		CHECK_MSG(str_find(r.words, str_of(ends[i].says)) < r.words.n, "%s: '" STR_FMT "'", ends[i].what,
			  STR_ARG(r.words));
		end(s);
	}
}

/* Of a mail that is longer than what waits in sockets, a cut in the middle is known to be one. */
TEST(cut_in_the_middle)
{
	struct sending *s = start("smtp://1", NULL, 3000);
	struct buf b = BUF_INIT(MIB(20));
	while (b.n < MIB(16))
		buf_add(&b, STR("Nothing that anybody would want to read, and much of it, line by line.\r\n"));
	struct smtp_result r = hand(s, STR("cert@example.org"), STR("cut-middle@example.org"), buf_str(&b));
	CHECK_INT(r.end, SMTP_LATER);
	CHECK_INT(s->begun, 1);
	buf_free(&b);
	end(s);
}

TEST(stopped_before_the_body)
{
	struct sending *s = start("smtp://1, smtp://2", NULL, 0);
	s->answer = RC_CONFLICT;
	struct smtp_result r = hand(s, STR("cert@example.org"), STR("a@example.org"), STR(MAIL));
	CHECK_INT(r.end, SMTP_LATER);
	CHECK(str_find(r.words, STR("it was withdrawn")) < r.words.n);
	CHECK_INT(s->begun, 1);
	CHECK_INT(atomic_load(&s->relays[0].mails), 0);
	CHECK_INT(atomic_load(&s->relays[1].connections), 0);
	end(s);
}

TEST(one_relay_after_the_other)
{
	struct sending *s = start("smtp://1, smtp://2", NULL, 0);
	test_relay_stop(&s->relays[0]);
	struct smtp_result r = hand(s, STR(""), STR("a@example.org"), STR(MAIL));
	CHECK_INT(r.end, SMTP_TAKEN);
	CHECK_INT(atomic_load(&s->relays[1].mails), 1);
	/* The first is left alone for a while; the second keeps its connection. */
	for (int i = 0; i < 20; i++)
		CHECK_INT(hand(s, STR("cert@example.org"), STR("a@example.org"), STR(MAIL)).end, SMTP_TAKEN);
	CHECK_INT(atomic_load(&s->relays[1].mails), 21);
	CHECK_INT(atomic_load(&s->relays[1].connections), 1);
	CHECK(!smtp_rests(s->m));
	/* When none is reached, all are left alone. */
	test_relay_stop(&s->relays[1]);
	CHECK_INT(hand(s, STR("cert@example.org"), STR("a@example.org"), STR(MAIL)).end, SMTP_LATER);
	CHECK(smtp_rests(s->m));
	s->relays[1].stop = false;
	CHECK(test_relay_start(&s->relays[1]));
	s->relays[0].stop = false;
	CHECK(test_relay_start(&s->relays[0]));
	end(s);
}

/* A relay that asks for a login and offers no TLS gets neither password nor mail. */
TEST(no_tls_no_login)
{
	struct test_dir d = test_dir_new();
	char path[512], set[600];
	test_dir_in(&d, path, "password");
	FILE *f = fopen(path, "w");
	CHECK(f && fputs("a password\n", f) >= 0 && fclose(f) == 0 && chmod(path, 0600) == 0);
	snprintf(set, sizeof set, "mail_password_file=%s", path);
	struct sending *s = start("smtp://cert@1", set, 0);
	s->relays[0].offers = "250-AUTH PLAIN LOGIN\r\n";
	struct smtp_result r = hand(s, STR("cert@example.org"), STR("a@example.org"), STR(MAIL));
	CHECK_INT(r.end, SMTP_LATER);
	CHECK_INT(s->begun, 0);
	CHECK_INT(atomic_load(&s->relays[0].mails), 0);
	end(s);
	test_dir_end(&d);
}

TEST(settings_of_relays)
{
	static const struct { const char *what, *relays; enum rc rc; } rows[] = {
		{ "none", "", RC_OK },
		{ "one", "smtp://mail.example.org", RC_OK },
		{ "an address of version 6", "smtps://[2001:db8::1]:465", RC_OK },
		{ "no scheme", "mail.example.org", RC_INPUT },
		{ "another scheme", "http://mail.example.org", RC_INPUT },
		{ "no host", "smtp://:25", RC_INPUT },
		{ "no port", "smtp://mail.example.org:", RC_INPUT },
		{ "a port that is none", "smtp://mail.example.org:70000", RC_INPUT },
		{ "a path", "smtp://mail.example.org/x y", RC_INPUT },
		{ "a password in it", "smtp://me:secret@mail.example.org", RC_INPUT },
		{ "a user without a password", "smtps://me@mail.example.org", RC_INPUT },
		{ "too many", "smtp://a, smtp://a, smtp://a, smtp://a, smtp://a, smtp://a, smtp://a, smtp://a, smtp://a",
		  RC_LIMIT },
	};
	struct test_dir d = test_dir_new();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char set[300];
		const char *sets[] = { set };
		struct settings *settings = NULL;
		struct smtp *m = NULL;
		snprintf(set, sizeof set, "mail_relays=%s", rows[i].relays);
		CHECK_RC(node_settings_read(d.path, sets, 1, &settings, &err), RC_OK, err);
		enum rc rc = smtp_open(settings, &m, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s %s", rows[i].what, rc_name(rc), err.text);
		CHECK(rc != RC_OK || (smtp_lacks(m) == NULL) == (rows[i].relays[0] != '\0'));
		if (rc == RC_OK)
			smtp_close(m);
		settings_free(settings);
	}
	test_dir_end(&d);
}

TEST_MAIN(TEST_RUN(what_became_of_it), TEST_RUN(cut_in_the_middle), TEST_RUN(stopped_before_the_body),
	  TEST_RUN(one_relay_after_the_other), TEST_RUN(no_tls_no_login), TEST_RUN(settings_of_relays))
