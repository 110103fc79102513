/* SPDX-License-Identifier: Apache-2.0 */
#include "base/password.h"

#include <sodium.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/queue.h"

enum { PASSES = 2, EFFECTIVE_MIN = 8, KEYS_MIN = 4, NAME_MIN = 3 };
#define MEMORY (19 * 1024 * 1024)

_Static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_STRBYTES, "libsodium's text fits");

struct passwords {
	struct queue *turn;      /* holds one thing: whoever has it works */
	atomic_uint waiting;
	char nobody[PASSWORD_HASH_SIZE]; /* of a password that nobody knows */
};

static bool make(str password, char out[PASSWORD_HASH_SIZE])
{
	sodium_memzero(out, PASSWORD_HASH_SIZE);
	return crypto_pwhash_str_alg(out, password.n ? password.p : "", password.n, PASSES, MEMORY,
				     crypto_pwhash_ALG_ARGON2ID13) == 0;
}

enum rc passwords_new(struct passwords **out, struct err *err)
{
	unsigned char bytes[32];
	struct passwords *p = x_alloc(sizeof(*p));

	random_bytes(bytes, sizeof(bytes));
	if (!make(str_mem(bytes, sizeof(bytes)), p->nobody)) {
		free(p);
		return fail(err, RC_LIMIT, "passwords: there is no memory for one");
	}
	p->turn = queue_new(1);
	(void)queue_try_put(p->turn, p);
	*out = p;
	return RC_OK;
}

void passwords_free(struct passwords *p)
{
	if (!p)
		return;
	queue_free(p->turn);
	free(p);
}

static enum rc enter(struct passwords *p, struct err *err)
{
	if (queue_take_for(p->turn, 0))
		return RC_OK;
	bool room = atomic_fetch_add(&p->waiting, 1) < PASSWORD_WAITING;
	bool ours = room && queue_take_for(p->turn, PASSWORD_WAIT_MS * INT64_C(1000));
	atomic_fetch_sub(&p->waiting, 1);
	return ours ? RC_OK : fail(err, RC_BUSY, "too many sign in at the same time, try again");
}

static void leave(struct passwords *p)
{
	(void)queue_try_put(p->turn, p);
}

enum rc password_hash(struct passwords *p, str password, char out[PASSWORD_HASH_SIZE],
		      struct err *err)
{
	if (password.n > PASSWORD_BYTES_MAX)
		return fail(err, RC_INPUT, "password: over %d bytes", PASSWORD_BYTES_MAX);
	enum rc rc = enter(p, err);
	if (rc != RC_OK)
		return rc;
	bool made = make(password, out);
	leave(p);
	return made ? RC_OK : fail(err, RC_LIMIT, "password: there is no memory for it");
}

enum rc password_check(struct passwords *p, const char *hash, str password, bool *rehash_out,
		       struct err *err)
{
	char kept[PASSWORD_HASH_SIZE] = { 0 };
	bool known = hash && hash[0] && str_to_z(str_of(hash), kept, sizeof(kept)) &&
		     password.n <= PASSWORD_BYTES_MAX;

	if (!known)
		memcpy(kept, p->nobody, sizeof(kept));
	password = str_head(password, PASSWORD_BYTES_MAX);
	enum rc rc = enter(p, err);
	if (rc != RC_OK)
		return rc;
	bool right = crypto_pwhash_str_verify(kept, password.n ? password.p : "", password.n) == 0;
	leave(p);
	if (!right || !known)
		return fail(err, RC_DENIED, "name or password is wrong");
	if (rehash_out)
		*rehash_out = crypto_pwhash_str_needs_rehash(kept, PASSES, MEMORY) != 0;
	return RC_OK;
}

/* --- what is plainly guessable --- */

static const char *const words[] = {
#define GUESSABLE(word) word,
#define KEYS(row)
#include "base/password.def"
#undef GUESSABLE
#undef KEYS
};

static const char *const rows[] = {
#define GUESSABLE(word)
#define KEYS(row) row,
#include "base/password.def"
#undef GUESSABLE
#undef KEYS
};

/* Lower case, and the digits and signs that stand for letters as those. */
static char plain_letter(char c)
{
	static const char from[] = "013457@$!", to[] = "oieastasi";
	const char *at = c ? strchr(from, c) : NULL;

	if (at)
		return to[at - from];
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool stands_at(str text, size_t at, str word, bool letters)
{
	if (word.n > text.n - at)
		return false;
	for (size_t i = 0; i < word.n; i++) {
		char c = text.p[at + i], w = word.p[i];
		bool same = letters ? plain_letter(c) == plain_letter(w)
				    : (c | 32) == (w | 32) && ((c ^ w) & ~32) == 0;
		if (!same)
			return false;
	}
	return true;
}

/* Longest walk along a row of keys from text[at], forth or back. */
static size_t walk_length(str text, size_t at)
{
	size_t best = 0;

	for (size_t r = 0; r < COUNT_OF(rows); r++) {
		str row = str_of(rows[r]);
		for (size_t from = 0; from < row.n; from++) {
			size_t forth = 0, back = 0;
			while (at + forth < text.n && from + forth < row.n &&
			       stands_at(text, at + forth, (str){ row.p + from + forth, 1 }, false))
				forth++;
			while (at + back < text.n && back <= from &&
			       stands_at(text, at + back, (str){ row.p + from - back, 1 }, false))
				back++;
			best = forth > best ? forth : best;
			best = back > best ? back : best;
		}
	}
	return best >= KEYS_MIN ? best : 0;
}

/* The longest part of a name ("b.santoso@example.org": four) at text[at]. */
static size_t name_length(str text, size_t at, str name)
{
	size_t best = name.n >= NAME_MIN && stands_at(text, at, name, false) ? name.n : 0;
	size_t start = 0;

	for (size_t i = 0; i <= name.n; i++) {
		if (i < name.n && !strchr(" .@-_", name.p[i]))
			continue;
		str part = { name.p + start, i - start };
		if (part.n >= NAME_MIN && part.n > best && stands_at(text, at, part, false))
			best = part.n;
		start = i + 1;
	}
	return best;
}

static size_t known_length(str text, size_t at, const str *names, size_t name_count)
{
	size_t best = walk_length(text, at), run = 1;

	while (at + run < text.n && text.p[at + run] == text.p[at])
		run++;
	best = run >= 3 && run > best ? run : best;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		str word = str_of(words[i]);
		if (word.n > best && stands_at(text, at, word, true))
			best = word.n;
	}
	for (size_t i = 0; i < name_count; i++) {
		size_t n = name_length(text, at, names[i]);
		best = n > best ? n : best;
	}
	return best;
}

enum rc password_judge(str password, const str *names, size_t name_count, struct err *err)
{
	size_t characters = 0, effective = 0;

	if (password.n > PASSWORD_BYTES_MAX)
		return fail(err, RC_INPUT, "password: over %d bytes", PASSWORD_BYTES_MAX);
	if (!str_is_plain(password))
		return fail(err, RC_INPUT, "password: there are control characters in it");
	for (size_t i = 0; i < password.n; i++)
		characters += ((unsigned char)password.p[i] & 0xc0) != 0x80;
	if (characters < PASSWORD_LENGTH_MIN)
		return fail(err, RC_INPUT, "password: at least %d characters, a sentence is easy to keep",
			    PASSWORD_LENGTH_MIN);
	for (size_t at = 0; at < password.n; effective++) {
		size_t known = known_length(password, at, names, name_count);
		at += known ? known : 1;
		while (!known && at < password.n && ((unsigned char)password.p[at] & 0xc0) == 0x80)
			at++;
	}
	if (effective < EFFECTIVE_MIN)
		return fail(err, RC_INPUT, "password: easily guessed, as it is made of names, common words, "
			    "runs or rows of keys");
	return RC_OK;
}
