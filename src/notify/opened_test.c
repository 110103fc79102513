/* SPDX-License-Identifier: Apache-2.0 */
/* What comes in signed or encrypted by somebody else's gpg: what is said of its signature, what is read of it. */
#include "notify/opened.h"

#include "notify/test_keys.h"

enum how { PLAIN, SIGNED, ENCRYPTED, INLINE };

/* RFC 3156 around what gpg made; `entity` without a line end behind it. */
static str make_mail(struct keys_world *w, enum how how, const char *from, str entity, str sealed)
{
	const char *const types[] = {
		[PLAIN] = "text/plain; charset=utf-8", [INLINE] = "text/plain; charset=utf-8",
		[SIGNED] = "multipart/signed; micalg=pgp-sha256; protocol=\"application/pgp-signature\"; boundary=\"b\"",
		[ENCRYPTED] = "multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"b\"",
	};
	struct buf b = BUF_INIT(MIB(1));
	buf_fmt(&b, "From: X <%s>\r\nTo: cert@example.org\r\nSubject: outside\r\nMessage-ID: <1@example.net>\r\n"
		    "MIME-Version: 1.0\r\nContent-Type: %s\r\n\r\n", from, types[how]);
	if (how == SIGNED)
		buf_fmt(&b, "--b\r\n" STR_FMT "\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\n" STR_FMT "\r\n--b--\r\n",
			STR_ARG(entity), STR_ARG(sealed));
	else if (how == ENCRYPTED)
		buf_fmt(&b, "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\n"
			    "Content-Type: application/octet-stream\r\n\r\n" STR_FMT "\r\n--b--\r\n", STR_ARG(sealed));
	else
		buf_add(&b, sealed);
	str raw = arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return raw;
}

#define ENTITY "Content-Type: text/plain; charset=utf-8\r\n\r\nHalo."

static enum rc open_it(struct keys_world *w, str raw, struct mail *m, struct opened *out)
{
	CHECK_RC(mail_parse(w->n.w.mail_reader, raw, w->a, m, NULL, &w->err), RC_OK, w->err);
	return opened_mail(&w->n, m, w->a, out, &w->err);
}

static bool has(str s, const char *word)
{
	return str_find(s, str_of(word)) < s.n;
}

#define TO_US "$G --armor --yes -r cert@example.org "

TEST(what_is_said_of_it)
{
	static const struct {
		const char *what;
		enum how how;
		const char *entity, *file, *from;
		bool encrypted;
		const char *signature, *words, *text;
		enum mail_seal left;
	} rows[] = {
		{ "nothing", PLAIN, ENTITY, "hello", "ani@example.net", false, "none", "", "Halo", MAIL_PLAIN },
		{ "signed by its sender", SIGNED, ENTITY, "sig", "ani@example.net", false, "good", "", "Halo", MAIL_PGP_SIGNED },
		{ "written otherwise", SIGNED, ENTITY, "sig", "Ani@EXAMPLE.net", false, "good", "", "Halo", MAIL_PGP_SIGNED },
		{ "signed by another", SIGNED, ENTITY, "sig", "budi@example.net", false, "unknown", "does not name the sender", "Halo",
		  MAIL_PGP_SIGNED },
		{ "changed on its way", SIGNED, "Content-Type: text/plain; charset=utf-8\r\n\r\nHalo!", "sig", "ani@example.net", false,
		  "bad", "changed on its way, or forged", "Halo", MAIL_PGP_SIGNED },
		{ "by a key not here", SIGNED, ENTITY, "unknown", "eka@example.net", false, "unknown", "not in the key ring", "Halo",
		  MAIL_PGP_SIGNED },
		{ "by a key of the past", SIGNED, ENTITY, "late", "dedi@example.net", false, "unknown", "expired or was revoked", "Halo",
		  MAIL_PGP_SIGNED },
		{ "no signature at all", SIGNED, ENTITY, "hello", "ani@example.net", false, "bad", "changed on its way", "Halo",
		  MAIL_PGP_SIGNED },
		{ "signed and encrypted", ENCRYPTED, "", "both", "ani@example.net", true, "good", "", "Halo", MAIL_PLAIN },
		{ "encrypted alone", ENCRYPTED, "", "hidden", "ani@example.net", true, "none", "", "Halo", MAIL_PLAIN },
		{ "the signature inside", ENCRYPTED, "", "nested", "ani@example.net", true, "good", "", "Halo", MAIL_PGP_SIGNED },
		{ "the signature inside, of another", ENCRYPTED, "", "nested", "budi@example.net", true, "unknown", "does not name the sender",
		  "Halo", MAIL_PGP_SIGNED },
		{ "not for us", ENCRYPTED, "", "theirs", "ani@example.net", true, "none", "cannot be opened", "", MAIL_PGP_ENCRYPTED },
		{ "damaged", ENCRYPTED, "", "damaged", "ani@example.net", true, "none", "cannot be opened", "", MAIL_PGP_ENCRYPTED },
		{ "signed in its text", INLINE, "", "clear", "ani@example.net", false, "good", "", "Halo", MAIL_PLAIN },
		{ "encrypted in its text", INLINE, "", "text", "ani@example.net", true, "good", "", "Halo", MAIL_PLAIN },
		{ "too many layers", ENCRYPTED, "", "deep", "ani@example.net", true, "none", "", "", MAIL_PGP_ENCRYPTED },
	};
	struct keys_world w = keys_open();
	keys_settings(&w, NULL);
	(void)keys_own(&w);
	(void)keys_other(&w, "dedi", "future-default default seconds=8", false);
	keys_write(&w, "entity", STR(ENTITY));
	keys_write(&w, "hello", STR("Halo."));
	(void)keys_shell(&w, "$G --armor -u dedi@example.net -b -o late entity && sleep 9");
	(void)keys_other(&w, "ani", KEY_GOOD, false);
	(void)keys_other(&w, "eka", KEY_GOOD, true);
	(void)keys_shell(&w, "$G --armor -u ani@example.net -b -o sig entity && $G --armor -u eka@example.net -b -o unknown entity && "
			     TO_US "-u ani@example.net -se -o both entity && " TO_US "-e -o hidden entity && "
			     "$G --armor -r eka@example.net -e -o theirs entity && $G -u ani@example.net --clearsign -o clear hello && "
			     TO_US "-u ani@example.net -se -o text hello && sed '8s/./A/;8s/$/x/' both > damaged");
	(void)keys_shell(&w, "{ printf 'Content-Type: multipart/signed; micalg=pgp-sha256; protocol=\"application/pgp-signature\";"
			     " boundary=\"c\"\\r\\n\\r\\n--c\\r\\n'; cat entity; "
			     "printf '\\r\\n--c\\r\\nContent-Type: application/pgp-signature\\r\\n\\r\\n'; cat sig; "
			     "printf '\\r\\n--c--\\r\\n'; } > inner && " TO_US "-e -o nested inner");
	(void)keys_shell(&w, "cp hidden deep && for i in 1 2 3 4 5; do { printf 'Content-Type: multipart/encrypted;"
			     " protocol=\"application/pgp-encrypted\"; boundary=\"d\"\\r\\n\\r\\n--d\\r\\nContent-Type:"
			     " application/pgp-encrypted\\r\\n\\r\\nVersion: 1\\r\\n--d\\r\\nContent-Type: application/octet-stream\\r\\n\\r\\n';"
			     " cat deep; printf '\\r\\n--d--\\r\\n'; } > around && " TO_US "-e -o deep around || exit 1; done");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct mail m;
		struct opened o;
		str raw = make_mail(&w, rows[i].how, rows[i].from, str_of(rows[i].entity), keys_file(&w, rows[i].file));
		enum rc rc = open_it(&w, raw, &m, &o);
		CHECK_MSG(rc == RC_OK && o.encrypted == rows[i].encrypted && strcmp(o.signature, rows[i].signature) == 0,
			  "%s: %s, encrypted %d, %s", rows[i].what, rc_name(rc), o.encrypted, o.signature);
		CHECK_MSG(rows[i].words[0] ? has(o.words, rows[i].words) : o.words.n == 0, "%s: '" STR_FMT "'", rows[i].what,
			  STR_ARG(o.words));
		CHECK_MSG(rows[i].text[0] ? has(m.text, rows[i].text) : !has(m.text, "Halo"), "%s: text '" STR_FMT "'", rows[i].what,
			  STR_ARG(m.text));
		CHECK_MSG(m.seal == rows[i].left, "%s: %d is left", rows[i].what, (int)m.seal);
		CHECK_STR(m.from.address, str_of(i == 2 ? "Ani@example.net" : rows[i].from)); /* whatever stands inside */
	}
	keys_close(&w);
}

/* A subject inside takes the place of the one outside, nobody's name and no date does. */
TEST(what_stays_as_it_is_outside)
{
	struct keys_world w = keys_open();
	struct mail m;
	struct opened o;
	keys_settings(&w, NULL);
	(void)keys_own(&w);
	keys_write(&w, "inner", STR("From: Forged <lead@example.org>\r\nTo: all@example.org\r\nSubject: inside\r\n"
				    "Message-ID: <2@example.org>\r\n" ENTITY));
	(void)keys_shell(&w, TO_US "-e -o sealed inner");
	CHECK_RC(open_it(&w, make_mail(&w, ENCRYPTED, "ani@example.net", STR(""), keys_file(&w, "sealed")), &m, &o), RC_OK, w.err);
	CHECK_STR(m.subject, STR("inside"));
	CHECK_STR(m.from.address, STR("ani@example.net"));
	CHECK_STR(m.message_id, STR("1@example.net"));
	CHECK(m.to_count == 1 && str_eq(m.to[0].address, STR("cert@example.org")));
	keys_close(&w);
}

/* Later, and not as if it could not be opened. */
TEST(nobody_to_ask)
{
	struct keys_world w = keys_open();
	struct mail m;
	struct opened o;
	struct calls *crypto = w.n.w.crypto;
	const struct calls_options gone = { .helper = "nothing", .most = 1, .question_bytes = MIB(1), .answer_bytes = MIB(1),
					    .limit_ms = 2000 };
	w.n.w.crypto = calls_new(w.starter, w.log, &gone);
	CHECK_RC(open_it(&w, make_mail(&w, PLAIN, "ani@example.net", STR(""), STR("Halo.")), &m, &o), RC_OK, w.err);
	enum rc rc = open_it(&w, make_mail(&w, SIGNED, "ani@example.net", STR(ENTITY), STR("-----BEGIN PGP SIGNATURE-----\r\n")), &m, &o);
	CHECK_MSG(rc == RC_BUSY || rc == RC_IO, "%s", rc_name(rc));
	calls_free(w.n.w.crypto);
	w.n.w.crypto = crypto;
	keys_close(&w);
}

TEST_MAIN(TEST_RUN(what_is_said_of_it), TEST_RUN(what_stays_as_it_is_outside), TEST_RUN(nobody_to_ask))
