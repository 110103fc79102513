/* SPDX-License-Identifier: Apache-2.0 */
/* Mails a second: plain, signed, encrypted and signed, each made whole by the helpers. bench-sign [N] */
#include <stdio.h>

#include "base/clock.h"
#include "base/starter.h"
#include "base/test_dir.h"
#include "mail/crypto.h"
#include "mail/letter.h"

static void must(enum rc rc, const struct err *err)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "bench-sign: %s\n", err->text);
	exit(1);
}

static struct calls *helper(struct starter *s, struct log *log, const char *name, const char *always)
{
	const struct calls_options o = { .helper = name, .most = 1, .question_bytes = MIB(64), .answer_bytes = MIB(64),
					 .limit_ms = 60000, .serves = 2000, .always = always };
	return calls_new(s, log, &o);
}

int main(int argc, char **argv)
{
	uint64_t n = 200;
	char home[512];
	struct err err = { 0 };
	struct starter *starter = NULL;
	struct test_dir d = test_dir_new();
	struct log *log = log_new(LOG_LEVEL_ERROR);
	struct arena *a = arena_new(KIB(64)), *keys = arena_new(KIB(4));
	str key, entity, sealed, micalg, out;
	if (argc > 1 && (!str_to_u64(str_of(argv[1]), &n) || n == 0))
		return 2;
	must(starter_new(&starter, &err), &err);
	struct calls *mail = helper(starter, log, "mail", NULL);
	struct calls *crypto = helper(starter, log, "crypto", test_dir_in(&d, home, "gnupg"));
	must(crypto_generate(crypto, STR("Bench"), STR("cert@example.org"), 0, keys, &key, &err), &err);
	const struct letter_part part = { STR("text/csv; charset=utf-8"), STR("events.csv"), arena_str(keys, STR("a,b\r\n1,2\r\n")) };
	const struct letter l = {
		.from_name = STR("CERT"), .from = STR("cert@example.org"), .to_name = STR("Ani"), .to = STR("ani@example.net"),
		.reply_to = STR(""), .subject = STR("[ronda #1] Open resolvers"), .message_id = STR("1.x@example.org"),
		.in_reply_to = STR(""), .references = STR(""), .date_us = clock_now_us(), .text = STR("Please close them.\n"),
		.type = STR(""), .parts = &part, .part_count = 1,
	};
	for (int how = 0; how < 3; how++) {
		static const char *const names[] = { "plain", "signed", "encrypted and signed" };
		int64_t began = clock_mono_us();
		for (uint64_t i = 0; i < n; i++) {
			arena_reset(a);
			if (how == 0) {
				must(letter_write(mail, &l, a, &out, &err), &err);
				continue;
			}
			must(letter_entity(mail, &l, a, &entity, &err), &err);
			if (how == 1) {
				must(crypto_signature(crypto, CRYPTO_OPENPGP, key, entity, a, &sealed, &micalg, &err), &err);
				must(letter_wrap(mail, &l, LETTER_PGP_SIGNED, entity, sealed, micalg, a, &out, &err), &err);
			} else {
				must(crypto_encrypt(crypto, CRYPTO_OPENPGP, key, key, entity, a, &sealed, &err), &err);
				must(letter_wrap(mail, &l, LETTER_PGP_ENCRYPTED, STR(""), sealed, STR(""), a, &out, &err), &err);
			}
		}
		double s = (double)(clock_mono_us() - began) / 1e6;
		printf("%-22s %8.0f mails/s\n", names[how], (double)n / s);
	}
	calls_free(mail);
	calls_free(crypto);
	starter_free(starter);
	log_free(log);
	arena_free(a);
	arena_free(keys);
	test_dir_end(&d);
	return 0;
}
