/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/letter.h"

#include "base/starter_private.h"
#include "base/test.h"

struct world {
	struct starter *starter;
	struct log *log;
	struct calls *calls;
	struct arena *a;
	struct err err;
};

static struct world world_open(void)
{
	struct world w = { .a = arena_new(KIB(64)) };
	const struct calls_options o = { .helper = "mail", .most = 2, .question_bytes = MIB(64), .answer_bytes = MIB(64),
					 .limit_ms = 20000 };
	CHECK_RC(starter_new(&w.starter, &w.err), RC_OK, w.err);
	w.log = log_new(LOG_LEVEL_ERROR);
	w.calls = calls_new(w.starter, w.log, &o);
	return w;
}

static void world_close(struct world *w)
{
	calls_free(w->calls);
	starter_free(w->starter);
	log_free(w->log);
	arena_free(w->a);
}

static struct letter plain(void)
{
	return (struct letter){ .from_name = STR("Example CERT"), .from = STR("cert@example.org"),
				.to_name = STR("Abuse desk"), .to = STR("abuse@example.net"),
				.subject = STR("[ronda #1] two open resolvers"), .message_id = STR("1.abc@example.org"),
				.date_us = INT64_C(1795352615000000), .text = STR("Hello\n") };
}

TEST(writes_a_plain_one)
{
	struct world w = world_open();
	struct letter l = plain();
	str out = STR("");
	CHECK_RC(letter_write(w.calls, &l, w.a, &out, &w.err), RC_OK, w.err);
	CHECK_STR(out, STR("Date: Sun, 22 Nov 2026 13:03:35 +0000\r\n"
			   "From: Example CERT <cert@example.org>\r\nTo: Abuse desk <abuse@example.net>\r\n"
			   "Subject: [ronda #1] two open resolvers\r\nMessage-ID: <1.abc@example.org>\r\n"
			   "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
			   "Content-Transfer-Encoding: 7bit\r\n\r\nHello\r\n"));
	world_close(&w);
}

/* --- reading it again --- */

/* Values of a header, unfolded, by '|'. */
static str header_of(struct world *w, str mail, const char *name)
{
	struct buf b = BUF_INIT(KIB(64));
	str line;
	bool ours = false;
	while (str_line(&mail, &line) && line.n > 0) {
		bool folded = *line.p == ' ' || *line.p == '\t';
		str value = line, key = folded ? STR("") : str_cut(&value, ':');
		if (!folded) {
			ours = str_eq_nocase(key, str_of(name));
			if (ours && b.n > 0)
				buf_char(&b, '|');
		}
		if (ours) {
			buf_add(&b, STR(" "));
			buf_add(&b, str_trim(value));
		}
	}
	str out = arena_str(w->a, str_trim(buf_str(&b)));
	buf_free(&b);
	return out;
}

static str names_of(struct world *w, str mail)
{
	struct buf b = BUF_INIT(KIB(64));
	str line;
	while (str_line(&mail, &line) && line.n > 0)
		if (*line.p != ' ' && *line.p != '\t') {
			buf_add(&b, str_cut(&line, ':'));
			buf_char(&b, ' ');
		}
	str out = arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return out;
}

static size_t longest_line(str mail)
{
	size_t most = 0;
	for (str line; str_line(&mail, &line);)
		most = line.n > most ? line.n : most;
	return most;
}

/* --- anything in any field --- */

enum field_of_letter { F_FROM_NAME, F_TO_NAME, F_SUBJECT, F_IN_REPLY_TO, F_REFERENCES, F_TYPE, F_TEXT, F_PART_TYPE,
		       F_PART_NAME, F_PART_BYTES, F_HEADER, F_COUNT };
static const char *const field_names[] = { "from name", "to name", "subject", "in reply to", "references", "type", "text",
					   "type of a part", "name of a file", "bytes of a file", "header" };

static void put(struct letter *l, struct letter_part *p, struct letter_header *h, enum field_of_letter f, str v)
{
	switch (f) {
	case F_FROM_NAME: l->from_name = v; break;
	case F_TO_NAME: l->to_name = v; break;
	case F_SUBJECT: l->subject = v; break;
	case F_IN_REPLY_TO: l->in_reply_to = v; break;
	case F_REFERENCES: l->references = v; break;
	case F_TYPE: l->type = v; break;
	case F_TEXT: l->text = v; break;
	case F_PART_TYPE: p->type = v; break;
	case F_PART_NAME: p->name = v; break;
	case F_PART_BYTES: p->bytes = v; break;
	case F_HEADER: h->value = v; break;
	case F_COUNT: break;
	}
}

TEST(no_field_makes_a_header)
{
	static const str hostile[] = {
		STR_INIT("a\r\nBcc: victim@example.org"), STR_INIT("a\nBcc: victim@example.org\n\nbody"),
		STR_INIT("a\rBcc: victim@example.org"), STR_INIT("\r\n\r\n<html>"), STR_INIT("a\0Bcc: victim@example.org"),
		STR_INIT("=?utf-8?Q?a=0D=0ABcc:_victim=40example.org?="), STR_INIT("=?utf-8?B?DQpCY2M6IHZpY3RpbUBleGFtcGxlLm9yZw==?="),
		STR_INIT("\xff\xfe\xc0\x80\xed\xa0\x80"), STR_INIT("a\xe2\x80\xa8" "Bcc: victim@example.org"),
		STR_INIT("a\xc2\x85" "Bcc: victim@example.org"), STR_INIT("\x1b[2J\x07"), STR_INIT("\"><x@example.org>, y@example.org"),
		STR_INIT("text/plain; name=\"a\r\nBcc: victim@example.org\""), STR_INIT("x>\r\n <y"), STR_INIT("\\\"\r\n."),
		STR_INIT("multipart/mixed; boundary=\"x\"\r\n\r\n--x"), STR_INIT("\xe2\x80\xae" "fdp.exe"), STR_INIT(""),
		STR_INIT(";;;===\"\"\"''%%%(((("), STR_INIT("From me\n.\nFrom you"), STR_INIT("\r\n.\r\nQUIT\r\n"),
	};
	struct world w = world_open();
	const char *want = "Date From To Subject Message-ID ", *more = "MIME-Version Content-Type ";
	char *big = x_alloc(KIB(100));
	memset(big, 'x', KIB(100));
	for (size_t i = 0; i <= COUNT_OF(hostile); i++)
		for (enum field_of_letter f = 0; f < F_COUNT; f++) {
			struct letter_part part = { STR("text/csv"), STR("a.csv"), STR("a,b\r\n") };
			struct letter_header header = { "X-Test", STR("one") };
			struct letter l = plain();
			str out = STR(""), v = i < COUNT_OF(hostile) ? hostile[i] : str_mem(big, KIB(100));
			l.parts = &part;
			l.headers = &header;
			l.part_count = l.header_count = 1;
			put(&l, &part, &header, f, v);
			enum rc rc = letter_write(w.calls, &l, w.a, &out, &w.err);
			CHECK_MSG(rc == RC_OK, "%s, %zu: %s", field_names[f], i, w.err.text);
			str names = names_of(&w, out);
			CHECK_MSG(str_starts(names, str_of(want)) && str_find(names, str_of(more)) < names.n,
				  "%s, %zu: headers " STR_FMT, field_names[f], i, STR_ARG(names));
			CHECK_MSG(header_of(&w, out, "Bcc").n == 0, "%s, %zu: a header of its own", field_names[f], i);
			CHECK_MSG(longest_line(out) <= 200, "%s, %zu: a line of %zu", field_names[f], i, longest_line(out));
			CHECK_MSG(str_is_utf8(out), "%s, %zu: not UTF-8", field_names[f], i);
		}
	free(big);
	world_close(&w);
}

TEST(what_is_no_address_is_refused)
{
	static const str bad[] = {
		STR_INIT(""), STR_INIT("a"), STR_INIT("a@"), STR_INIT("@b"), STR_INIT("a@b@c"), STR_INIT("a b@c"),
		STR_INIT("a@b\r\nBcc: x@y"), STR_INIT("<a@b>"), STR_INIT("a@b,c@d"), STR_INIT("a@b c"), STR_INIT("\"a\"@b"),
		STR_INIT("a@[192.0.2.1]"), STR_INIT("a..b@c"), STR_INIT(".a@b"), STR_INIT("a@b."), STR_INIT("a@b\0"),
		STR_INIT("\xc3\xa4@b"), STR_INIT("a(x)@b"), STR_INIT("a@b;c"), STR_INIT("a@b?x"),
	};
	struct world w = world_open();
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		for (int f = 0; f < 4; f++) {
			struct letter l = plain();
			str out;
			*(f == 0 ? &l.from : f == 1 ? &l.to : f == 2 ? &l.reply_to : &l.message_id) = bad[i];
			enum rc rc = letter_write(w.calls, &l, w.a, &out, &w.err);
			/* none is fine for Reply-To; ids may be strange */
			bool fine = (f == 2 && bad[i].n == 0) || (f == 3 && rc == RC_OK && !str_has(bad[i], '\r') &&
								  !str_has(bad[i], '\0') && !str_has(bad[i], ' '));
			CHECK_MSG(rc == RC_INPUT || fine, "%zu, %d: %s", i, f, rc_name(rc));
		}
	str name, address;
	CHECK(letter_mailbox(STR("Example CERT <cert@example.org>"), &name, &address));
	CHECK_STR(name, STR("Example CERT"));
	CHECK_STR(address, STR("cert@example.org"));
	CHECK(letter_mailbox(STR(" \"A, B\" <a@b> "), &name, &address));
	CHECK_STR(name, STR("A, B"));
	CHECK(letter_mailbox(STR("a@b"), &name, &address));
	CHECK_STR(name, STR(""));
	CHECK(!letter_mailbox(STR("a@b <c"), &name, &address));
	world_close(&w);
}

TEST(a_header_may_not_take_the_place_of_another)
{
	static const char *const bad[] = { "From", "bcc", "Content-Type", "X Y", "X:", "", "X\r\nY" };
	struct world w = world_open();
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct letter_header h = { bad[i], STR("x") };
		struct letter l = plain();
		str out;
		l.headers = &h;
		l.header_count = 1;
		CHECK_RC(letter_write(w.calls, &l, w.a, &out, &w.err), RC_INPUT, w.err);
	}
	world_close(&w);
}

/* --- encodings --- */

TEST(languages_come_back)
{
	static const struct { const char *what, *text, *encoding; } table[] = {
		{ "plain", "Hello\n", "7bit" },
		{ "a long line", "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\n",
		  "quoted-printable" },
		{ "an accent", "Halo, ini surat tentang caf\xc3\xa9\n", "quoted-printable" },
		{ "Thai", "\xe0\xb8\xaa\xe0\xb8\xa7\xe0\xb8\xb1\xe0\xb8\xaa\xe0\xb8\x94\xe0\xb8\xb5\n", "base64" },
		{ "what mail programs change", "From me\n", "quoted-printable" },
		{ "white space at the end", "a \n", "quoted-printable" },
	};
	struct world w = world_open();
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct letter l = plain();
		str out = STR("");
		l.text = str_of(table[i].text);
		CHECK_RC(letter_write(w.calls, &l, w.a, &out, &w.err), RC_OK, w.err);
		CHECK_MSG(str_eq(header_of(&w, out, "Content-Transfer-Encoding"), str_of(table[i].encoding)), "%s: " STR_FMT,
			  table[i].what, STR_ARG(out));
		CHECK_MSG(longest_line(out) <= 76, "%s: a line of %zu", table[i].what, longest_line(out));
		CHECK_MSG(str_find(out, STR("\nFrom me")) == out.n, "%s", table[i].what);
	}
	world_close(&w);
}

TEST(a_thread_keeps_its_first_and_its_last)
{
	struct world w = world_open();
	struct letter l = plain();
	struct buf ids = BUF_INIT(KIB(64));
	str out = STR("");
	for (int i = 0; i < 50; i++)
		buf_fmt(&ids, "%d@example.org ", i);
	l.references = buf_str(&ids);
	l.in_reply_to = STR("49@example.org");
	CHECK_RC(letter_write(w.calls, &l, w.a, &out, &w.err), RC_OK, w.err);
	str got = header_of(&w, out, "References");
	CHECK(str_starts(got, STR("<0@example.org> <31@example.org>")) && str_ends(got, STR(" <49@example.org>")));
	CHECK_STR(header_of(&w, out, "In-Reply-To"), STR("<49@example.org>"));
	buf_free(&ids);
	world_close(&w);
}

/* --- signed and encrypted --- */

TEST(what_is_signed_stays_as_it_is)
{
	struct world w = world_open();
	struct letter_part part = { STR("text/csv"), STR("a.csv"), STR("a,b\r\n") };
	struct letter l = plain();
	str entity = STR(""), out = STR("");
	l.text = STR("From the CERT: caf\xc3\xa9 \n");
	l.parts = &part;
	l.part_count = 1;
	CHECK_RC(letter_entity(w.calls, &l, w.a, &entity, &w.err), RC_OK, w.err);
	CHECK(str_starts(entity, STR("Content-Type: multipart/mixed;")));
	CHECK(longest_line(entity) <= 76);
	for (int how = LETTER_PGP_SIGNED; how <= LETTER_SMIME_ENCRYPTED; how++) {
		bool is_signed = how == LETTER_PGP_SIGNED || how == LETTER_SMIME_SIGNED;
		bool pgp = how == LETTER_PGP_SIGNED || how == LETTER_PGP_ENCRYPTED;
		str sealed = pgp ? STR("-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n") : STR("\x30\x80\x01");
		CHECK_RC(letter_wrap(w.calls, &l, (enum letter_seal)how, is_signed ? entity : STR(""), sealed, STR("pgp-sha256"), w.a,
				     &out, &w.err), RC_OK, w.err);
		CHECK_MSG((str_find(out, entity) < out.n) == is_signed, "%d: " STR_FMT, how, STR_ARG(out));
		CHECK_MSG(is_signed || str_find(out, STR("CERT:")) == out.n, "%d tells what it hides", how);
		CHECK_STR(header_of(&w, out, "Message-ID"), STR("<1.abc@example.org>"));
		static const char *const types[] = { "multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha256;",
						     "multipart/encrypted; protocol=\"application/pgp-encrypted\";",
						     "multipart/signed; protocol=\"application/pkcs7-signature\";",
						     "application/pkcs7-mime; smime-type=enveloped-data;" };
		str type = header_of(&w, out, "Content-Type");
		CHECK_MSG(str_starts(type, str_of(types[how])), "%d: " STR_FMT, how, STR_ARG(type));
	}
	world_close(&w);
}

TEST(limits)
{
	struct world w = world_open();
	struct letter l = plain();
	struct letter_part parts[LETTER_PARTS_MAX + 1];
	struct letter_header headers[LETTER_HEADERS_MAX + 1];
	str out;
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		parts[i] = (struct letter_part){ STR("text/csv"), STR("a.csv"), STR("a\r\n") };
	for (size_t i = 0; i < COUNT_OF(headers); i++)
		headers[i] = (struct letter_header){ "X-Test", STR("a") };
	l.parts = parts;
	l.headers = headers;
	l.part_count = LETTER_PARTS_MAX;
	l.header_count = LETTER_HEADERS_MAX;
	CHECK_RC(letter_write(w.calls, &l, w.a, &out, &w.err), RC_OK, w.err);
	l.part_count++;
	CHECK_RC(letter_write(w.calls, &l, w.a, &out, &w.err), RC_LIMIT, w.err);
	char *big = x_alloc(LETTER_BYTES_MAX + 1);
	l.part_count = 1;
	parts[0].bytes = str_mem(big, LETTER_BYTES_MAX + 1);
	CHECK_RC(letter_write(w.calls, &l, w.a, &out, &w.err), RC_LIMIT, w.err);
	parts[0].bytes = str_mem(big, LETTER_BYTES_MAX - 100);
	CHECK_RC(letter_write(w.calls, &l, w.a, &out, &w.err), RC_OK, w.err);
	CHECK_RC(letter_write(NULL, &l, w.a, &out, &w.err), RC_BUSY, w.err);
	free(big);
	world_close(&w);
}

TEST_MAIN(TEST_RUN(writes_a_plain_one), TEST_RUN(no_field_makes_a_header), TEST_RUN(what_is_no_address_is_refused),
	  TEST_RUN(a_header_may_not_take_the_place_of_another), TEST_RUN(languages_come_back),
	  TEST_RUN(a_thread_keeps_its_first_and_its_last), TEST_RUN(what_is_signed_stays_as_it_is), TEST_RUN(limits))
