/* SPDX-License-Identifier: Apache-2.0 */
/* What must be encrypted, what becomes of a letter by the keys there are, and that nothing of what must be
 * encrypted stands in clear in what is made. */
#include "notify/secure.h"

#include <json-c/json.h>

#include "notify/test_keys.h"

TEST(what_must_be_encrypted)
{
	static const struct { enum tlp tlp; bool others, ours; } rows[] = {
		{ TLP_CLEAR, false, false }, { TLP_GREEN, false, false }, { TLP_AMBER, false, false },
		{ TLP_AMBER_STRICT, true, false }, { TLP_RED, true, true }, { TLP_COUNT, true, true },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CHECK_MSG(secure_needed(rows[i].tlp, false) == rows[i].others, "%d, of others", (int)rows[i].tlp);
		CHECK_MSG(secure_needed(rows[i].tlp, true) == rows[i].ours, "%d, of ours", (int)rows[i].tlp);
	}
}

enum which { NONE, GOOD, EXPIRED, SIGNS_ONLY, UNKNOWN, NONSENSE, WHICH };

static const struct {
	const char *what;
	enum which key;
	bool key_needed, ours;
	enum tlp tlp;
	enum secure_how how, how_signed; /* without, with a key of our own */
	bool needed;
	const char *words;
} plans[] = {
	{ "no key", NONE, false, false, TLP_GREEN, SECURE_CLEAR, SECURE_SIGNED, false, "" },
	{ "no key, strict", NONE, false, false, TLP_AMBER_STRICT, SECURE_REFUSED, SECURE_REFUSED, true, "its marking asks for it), and cannot be: the contact has no key" },
	{ "no key, strict, one of ours", NONE, false, true, TLP_AMBER_STRICT, SECURE_CLEAR, SECURE_SIGNED, false, "" },
	{ "no key, red, one of ours", NONE, false, true, TLP_RED, SECURE_REFUSED, SECURE_REFUSED, true, "the contact has no key" },
	{ "no key, takes no other", NONE, true, false, TLP_CLEAR, SECURE_REFUSED, SECURE_REFUSED, true, "takes no other mail" },
	{ "a key", GOOD, false, false, TLP_CLEAR, SECURE_ENCRYPTED, SECURE_ENCRYPTED, false, "" },
	{ "a key, strict", GOOD, false, false, TLP_AMBER_STRICT, SECURE_ENCRYPTED, SECURE_ENCRYPTED, true, "" },
	{ "a key, takes no other", GOOD, true, false, TLP_CLEAR, SECURE_ENCRYPTED, SECURE_ENCRYPTED, true, "" },
	{ "a marking not understood", NONE, false, false, TLP_COUNT, SECURE_REFUSED, SECURE_REFUSED, true, "its marking" },
	{ "expired", EXPIRED, false, false, TLP_GREEN, SECURE_CLEAR, SECURE_SIGNED, false, "not encrypted: " },
	{ "expired, strict", EXPIRED, false, false, TLP_RED, SECURE_REFUSED, SECURE_REFUSED, true, "is expired" },
	{ "not for encrypting", SIGNS_ONLY, false, false, TLP_GREEN, SECURE_CLEAR, SECURE_SIGNED, false, "not for encrypting" },
	{ "not for encrypting, strict", SIGNS_ONLY, false, false, TLP_AMBER_STRICT, SECURE_REFUSED, SECURE_REFUSED, true, "not for encrypting" },
	{ "not in the ring", UNKNOWN, false, false, TLP_GREEN, SECURE_CLEAR, SECURE_SIGNED, false, "not in the key ring" },
	{ "not in the ring, takes no other", UNKNOWN, true, false, TLP_GREEN, SECURE_REFUSED, SECURE_REFUSED, true, "not in the key ring" },
	{ "no fingerprint", NONSENSE, false, false, TLP_GREEN, SECURE_CLEAR, SECURE_SIGNED, false, "is no fingerprint" },
};

TEST(what_becomes_of_a_letter)
{
	struct keys_world w = keys_open();
	str own = keys_own(&w);
	const str keys[WHICH] = {
		[NONE] = STR(""), [EXPIRED] = keys_other(&w, "dedi", "future-default default seconds=1", false),
		[GOOD] = keys_other(&w, "ani", KEY_GOOD, false), [SIGNS_ONLY] = keys_other(&w, "cici", "ed25519 sign 1y", false),
		[UNKNOWN] = STR("0000000000000000000000000000000000000000"), [NONSENSE] = STR("--list-secret-keys"),
	};
	(void)keys_shell(&w, "sleep 2");
	for (int signs = 0; signs < 2; signs++) {
		keys_settings(&w, signs ? arena_fmt(w.a, "mail_sign=" STR_FMT "%c", STR_ARG(own), 0).p : NULL);
		for (size_t i = 0; i < COUNT_OF(plans); i++) {
			const struct reached who = { .key = keys[plans[i].key], .key_needed = plans[i].key_needed, .ours = plans[i].ours };
			struct secure_plan p;
			CHECK_RC(secure_plan(&w.n, &who, plans[i].tlp, w.a, &p, &w.err), RC_OK, w.err);
			enum secure_how how = signs ? plans[i].how_signed : plans[i].how;
			CHECK_MSG(p.how == how && p.needed == plans[i].needed, "%s: %d, needed %d", plans[i].what, (int)p.how, p.needed);
			CHECK_MSG(plans[i].words[0] ? str_find(p.words, str_of(plans[i].words)) < p.words.n : p.words.n == 0,
				  "%s: '" STR_FMT "'", plans[i].what, STR_ARG(p.words));
			CHECK((p.key.n > 0) == (how == SECURE_ENCRYPTED) && (p.sign.n > 0) == (signs == 1));
		}
	}
	keys_close(&w);
}

/* --- what is made --- */

#define CANARY "canary-of-the-text"
#define SECRET "canary-of-the-subject"

static enum rc seal(struct keys_world *w, const struct reached *who, enum tlp tlp, const char *rehearsed_for, struct secured *out)
{
	const struct message m = { .id = 7 };
	struct rendering what = { .who = *who, .tlp = tlp, .rehearsed_for = str_of(rehearsed_for), .data = json_object_new_object() };
	const struct sending s = { .n = &w->n, .m = &m, .what = &what, .a = w->a };
	const struct letter l = { .from = STR("cert@example.org"), .to = STR("ani@example.net"), .subject = STR(SECRET),
				  .message_id = STR("7@example.org"), .date_us = 1700000000 * SECOND_US, .text = STR(CANARY "\n") };
	enum rc rc = secure_seal(&s, &l, w->a, out, &w->err);
	json_object_put(what.data);
	return rc;
}

static bool has(str s, const char *word)
{
	return str_find(s, str_of(word)) < s.n;
}

TEST(what_is_made)
{
	struct keys_world w = keys_open();
	struct secured out;
	str own = keys_own(&w), ani = keys_other(&w, "ani", KEY_GOOD, false);
	const struct reached bare = { .key = STR("") }, keyed = { .key = ani };
	const char *sign = arena_fmt(w.a, "mail_sign=" STR_FMT "%c", STR_ARG(own), 0).p;
	static const char *const someone = "ani@example.net";
	const struct {
		const char *what, *sign;
		const struct reached *who;
		enum tlp tlp;
		const char *rehearsed;
		enum rc rc;
		bool is_signed, is_encrypted;
		const char *words;
	} rows[] = {
		{ "in clear", NULL, &bare, TLP_GREEN, "", RC_OK, false, false, "" },
		{ "signed", sign, &bare, TLP_GREEN, "", RC_OK, true, false, "signed" },
		{ "encrypted", NULL, &keyed, TLP_GREEN, "", RC_OK, false, true, "encrypted" },
		{ "both", sign, &keyed, TLP_AMBER_STRICT, "", RC_OK, true, true, "signed and encrypted" },
		{ "refused", sign, &bare, TLP_AMBER_STRICT, "", RC_DENIED, false, false, "" },
		{ "a key of ours that is not there", "mail_sign=0000000000000000000000000000000000000000", &bare, TLP_GREEN, "",
		  RC_BUSY, false, false, "" },
		{ "rehearsed, to our own key", sign, &keyed, TLP_AMBER_STRICT, someone, RC_OK, true, true, "signed and encrypted" },
		{ "rehearsed, and we have none", NULL, &keyed, TLP_AMBER_STRICT, someone, RC_DENIED, false, false, "" },
		{ "rehearsed, and need none", NULL, &keyed, TLP_GREEN, someone, RC_OK, false, false, "" },
		{ "rehearsed, and would be refused", sign, &bare, TLP_RED, someone, RC_DENIED, false, false, "" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		keys_settings(&w, rows[i].sign);
		enum rc rc = seal(&w, rows[i].who, rows[i].tlp, rows[i].rehearsed, &out);
		CHECK_MSG(rc == rows[i].rc && out.is_signed == rows[i].is_signed && out.is_encrypted == rows[i].is_encrypted,
			  "%s: %s, %d %d (%s)", rows[i].what, rc_name(rc), out.is_signed, out.is_encrypted, rc ? w.err.text : "");
		CHECK_MSG(rc != RC_OK || str_eq(out.words, str_of(rows[i].words)), "%s: '" STR_FMT "'", rows[i].what, STR_ARG(out.words));
		CHECK_MSG((out.bytes.n > 0) == (rc == RC_OK), "%s: bytes of what is not sent", rows[i].what);
		bool in_clear = rc == RC_OK && !rows[i].is_encrypted;
		CHECK_MSG(has(out.bytes, CANARY) == in_clear && has(out.bytes, SECRET) == in_clear, "%s: what is read from outside",
			  rows[i].what);
		if (!rows[i].is_encrypted)
			continue;
		keys_write(&w, "mail", out.bytes);
		const char *mine = "sed -n '/BEGIN PGP MESSAGE/,/END PGP MESSAGE/p' mail | tr -d '\\r' > sealed && ";
		(void)keys_shell(&w, arena_fmt(w.a, "%s%s$G -d -o - --yes sealed > plain 2>why; %s%c", mine,
					       rows[i].rehearsed[0] ? "! " : "", rows[i].rehearsed[0] ?
					       "! grep -q " CANARY " plain" : "grep -q " CANARY " plain && grep -q " SECRET " plain", 0).p);
	}
	keys_close(&w);
}

/* The crypto child is asked only where there is a key; when it cannot be asked, what has one waits. */
TEST(nobody_to_ask)
{
	struct keys_world w = keys_open();
	struct secure_plan p;
	keys_settings(&w, NULL);
	struct calls *crypto = w.n.w.crypto;
	const struct calls_options gone = { .helper = "nothing", .most = 1, .question_bytes = MIB(1), .answer_bytes = MIB(1),
					    .limit_ms = 2000 };
	w.n.w.crypto = calls_new(w.starter, w.log, &gone);
	const struct reached bare = { .key = STR("") }, keyed = { .key = STR("0000000000000000000000000000000000000000") };
	CHECK_RC(secure_plan(&w.n, &bare, TLP_GREEN, w.a, &p, &w.err), RC_OK, w.err);
	CHECK_INT(p.how, SECURE_CLEAR);
	CHECK_RC(secure_plan(&w.n, &keyed, TLP_GREEN, w.a, &p, &w.err), RC_BUSY, w.err);
	calls_free(w.n.w.crypto);
	w.n.w.crypto = crypto;
	keys_close(&w);
}

TEST_MAIN(TEST_RUN(what_must_be_encrypted), TEST_RUN(what_becomes_of_a_letter), TEST_RUN(what_is_made), TEST_RUN(nobody_to_ask))
