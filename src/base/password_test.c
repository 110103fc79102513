/* SPDX-License-Identifier: Apache-2.0 */
#include "base/password.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/test.h"

static struct passwords *fresh(void)
{
	struct passwords *p = NULL;
	struct err err = { 0 };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(passwords_new(&p, &err), RC_OK, err);
	return p;
}

TEST(right_and_wrong)
{
	struct passwords *p = fresh();
	struct err err = { 0 };
	char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE], cheap[PASSWORD_HASH_SIZE];
	bool rehash = true;
	str word = STR("lantai tujuh belas");

	CHECK_RC(password_hash(p, word, hash, &err), RC_OK, err);
	CHECK_RC(password_hash(p, word, again, &err), RC_OK, err);
	CHECK(str_starts(str_of(hash), STR("$argon2id$v=19$m=19456,t=2,p=1$")));
	CHECK(strcmp(hash, again) != 0);
	CHECK_RC(password_check(p, hash, word, &rehash, &err), RC_OK, err);
	CHECK(!rehash);
	CHECK_RC(password_check(p, again, word, NULL, &err), RC_OK, err);
	static const str wrong[] = { STR_INIT(""), STR_INIT("lantai tujuh bela"),
				     STR_INIT("lantai tujuh belas "), STR_INIT("Lantai tujuh belas"),
				     STR_INIT("lantai tujuh belas\0") };
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		CHECK_RC(password_check(p, hash, wrong[i], &rehash, &err), RC_DENIED, err);
	/* nobody of that name, and a text that is none: the same words */
	static const char *const no_hash[] = { NULL, "", "$argon2id$", "x", "$argon2id$v=19$m=19456,t=2,p=1$" };
	for (size_t i = 0; i < COUNT_OF(no_hash); i++) {
		CHECK_RC(password_check(p, no_hash[i], word, &rehash, &err), RC_DENIED, err);
		CHECK_STR(str_of(err.text), STR("name or password is wrong"));
	}
	/* costs of another day: right, and to be made anew */
	CHECK(crypto_pwhash_str_alg(cheap, word.p, word.n, 1, 8192 * 1024,
				    crypto_pwhash_ALG_ARGON2ID13) == 0);
	CHECK_RC(password_check(p, cheap, word, &rehash, &err), RC_OK, err);
	CHECK(rehash);
	/* bytes: below, at, above */
	char *long_word = malloc(PASSWORD_BYTES_MAX + 1);
	memset(long_word, 'a', PASSWORD_BYTES_MAX + 1);
	for (size_t n = PASSWORD_BYTES_MAX - 1; n <= PASSWORD_BYTES_MAX + 1; n++) {
		bool fits = n <= PASSWORD_BYTES_MAX;
		CHECK_RC(password_hash(p, str_mem(long_word, n), hash, &err), fits ? RC_OK : RC_INPUT, err);
		CHECK_RC(password_check(p, hash, str_mem(long_word, n), NULL, &err),
			 fits ? RC_OK : RC_DENIED, err);
	}
	free(long_word);
	passwords_free(p);
}

struct crowd {
	struct passwords *p;
	const char *hash;
	atomic_int right, busy, other;
};

static void *one_of_many(void *ctx)
{
	struct crowd *c = ctx;
	enum rc rc = password_check(c->p, c->hash, STR("lantai tujuh belas"), NULL, NULL);
	atomic_fetch_add(rc == RC_OK ? &c->right : rc == RC_BUSY ? &c->busy : &c->other, 1);
	return NULL;
}

/* One works, PASSWORD_WAITING wait, the rest are told at once; then all is free again. */
TEST(a_crowd)
{
	enum { PEOPLE = 60 };
	char hash[PASSWORD_HASH_SIZE];
	struct err err = { 0 };
	struct crowd c = { .p = fresh(), .hash = hash };
	pthread_t threads[PEOPLE];

	/* costly enough that all sixty are there before the first is done */
	CHECK(crypto_pwhash_str_alg(hash, "lantai tujuh belas", 18, 20, MIB(19),
				    crypto_pwhash_ALG_ARGON2ID13) == 0);
	for (int i = 0; i < PEOPLE; i++)
		CHECK(pthread_create(&threads[i], NULL, one_of_many, &c) == 0);
	for (int i = 0; i < PEOPLE; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(atomic_load(&c.right) + atomic_load(&c.busy), PEOPLE);
	CHECK(atomic_load(&c.right) >= 1 && atomic_load(&c.busy) >= 1);
	CHECK_INT(atomic_load(&c.other), 0);
	CHECK_RC(password_check(c.p, hash, STR("lantai tujuh belas"), NULL, &err), RC_OK, err);
	passwords_free(c.p);
}

TEST(new_passwords)
{
	static const str names[] = { STR_INIT("b.santoso@example.org"), STR_INIT("Team Bank Dua"),
				     STR_INIT("bs") };
	static const struct { const char *word; bool taken; } rows[] = {
		{ "", false },
		{ "hujan di bu", false },                /* eleven */
		{ "hujan di bul", true },                /* twelve */
		{ "correct horse battery staple", true },
		{ "k7Rw2mXq9tLz", true },
		{ "passwordpassword", false },
		{ "Password2026!", false },
		{ "P@ssw0rd12345", false },
		{ "passwordpasswordpasswordpassword", false },
		{ "aaaaaaaaaaaaaaaa", false },
		{ "123456789012", false },
		{ "098765432109", false },
		{ "qwertyuiop123", false },
		{ "poiuytrewq1234", false },
		{ "1q2w3e4r5t6y", false },
		{ "abcdefghijkl", false },
		{ "santososantoso", false },
		{ "Santoso-Example", false },
		{ "b.santoso@example.org", false },
		{ "TEAM bank dua", false },
		{ "bank dua 123", false },
		{ "santoso makan mangga di pasar", true },
		{ "bs likes quiet mornings", true },
		{ "hujan di\nbulan juni", false },
		{ "hujan di\xff bulan juni", false },
		{ "\xe0\xb8\x9d\xe0\xb8\x99\xe0\xb8\x95\xe0\xb8\x81\xe0\xb8\x97\xe0\xb8\xb5\xe0\xb9\x88"
		  "\xe0\xb8\x9a\xe0\xb9\x89\xe0\xb8\xb2\xe0\xb8\x99\xe0\xb9\x80", true }, /* twelve of Thai */
		{ "\xe0\xb8\x9d\xe0\xb8\x99\xe0\xb8\x95\xe0\xb8\x81", false },    /* four, twelve bytes */
	};
	struct err err = { 0 };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum rc rc = password_judge(str_of(rows[i].word), names, COUNT_OF(names), &err);
		CHECK_MSG((rc == RC_OK) == rows[i].taken, "'%s': %s", rows[i].word, rc_name(rc));
	}
	CHECK_RC(password_judge(STR("santososantoso"), NULL, 0, &err), RC_OK, err);
}

TEST_MAIN(TEST_RUN(right_and_wrong), TEST_RUN(a_crowd), TEST_RUN(new_passwords))
