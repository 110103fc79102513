/* SPDX-License-Identifier: Apache-2.0 */
/* Letters and digits that are not mixed up by eye or by mail programs: lower case, without 0 1 l o. */
#include "notify/link.h"

#include <sodium.h>

#include "base/hash.h"
#include "notify/notify_private.h"

static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
enum { ANSWER_LETTERS = 20, THREAD_LETTERS = 14, SIGN_IN_LETTERS = 25, NUMBER_LETTERS = 13, BITS = 5 };

static void put_letters(struct buf *b, const unsigned char *bits, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = i * BITS;
		unsigned two = (unsigned)bits[at / 8] << 8 | bits[at / 8 + 1];
		buf_char(b, letters[two >> (11 - at % 8) & 31]);
	}
}

static void make(const struct notify *n, const char *purpose, int64_t message, size_t hash_letters,
		 struct buf *out)
{
	const struct key k = key_derive(store_secret(n->w.store), purpose);
	unsigned char number[8], hash[17] = { 0 }; /* one more: the last letter looks at two bytes */
	for (int i = 0; i < 8; i++)
		number[i] = (unsigned char)((uint64_t)message >> (56 - 8 * i));
	const struct hash128 h = keyed_hash128_raw(&k, str_mem(number, sizeof number));
	memcpy(hash, &h.hi, sizeof h.hi);
	memcpy(hash + sizeof h.hi, &h.lo, sizeof h.lo);
	put_letters(out, hash, hash_letters);
	uint64_t left = (uint64_t)message;
	char digits[NUMBER_LETTERS];
	size_t at = NUMBER_LETTERS;
	do
		digits[--at] = letters[left & 31];
	while ((left >>= BITS) > 0);
	buf_add_mem(out, digits + at, NUMBER_LETTERS - at);
}

static bool parse(const struct notify *n, const char *purpose, str token, size_t hash_letters,
		  int64_t *message_out)
{
	uint64_t number = 0;
	if (token.n <= hash_letters || token.n > hash_letters + NUMBER_LETTERS)
		return false;
	for (size_t i = hash_letters; i < token.n; i++) {
		const char *at = token.p[i] ? strchr(letters, token.p[i]) : NULL;
		if (!at || number >> 58 != 0)
			return false;
		number = number << BITS | (uint64_t)(at - letters);
	}
	struct buf right = BUF_INIT(LINK_TOKEN_MAX);
	make(n, purpose, (int64_t)number, hash_letters, &right);
	bool same = right.n == token.n && sodium_memcmp(right.p, token.p, token.n) == 0;
	buf_free(&right);
	*message_out = same ? (int64_t)number : 0;
	return same;
}

static str token_of(const struct notify *n, const char *purpose, int64_t message, size_t hash_letters,
		    struct arena *a)
{
	struct buf b = BUF_INIT(LINK_TOKEN_MAX);
	make(n, purpose, message, hash_letters, &b);
	str token = arena_str(a, buf_str(&b));
	buf_free(&b);
	return token;
}

str link_answer_path(const struct notify *n, int64_t message, struct arena *a)
{
	return arena_fmt(a, "/a/" STR_FMT, STR_ARG(token_of(n, "answer link", message, ANSWER_LETTERS, a)));
}

str link_answer(const struct notify *n, int64_t message, struct arena *a)
{
	return n->public_url[0] ? arena_fmt(a, "%s" STR_FMT, n->public_url, STR_ARG(link_answer_path(n, message, a))) : STR("");
}

str link_sign_in(const struct notify *n, int64_t message, struct arena *a)
{
	str token = token_of(n, "sign-in link", message, SIGN_IN_LETTERS, a);
	return n->public_url[0] ? arena_fmt(a, "%s/portal/sign-in/" STR_FMT, n->public_url, STR_ARG(token)) : STR("");
}

bool link_sign_in_parse(const struct notify *n, str token, int64_t *message_out)
{
	return parse(n, "sign-in link", token, SIGN_IN_LETTERS, message_out);
}

str link_thread(const struct notify *n, int64_t message, struct arena *a)
{
	return token_of(n, "mail thread", message, THREAD_LETTERS, a);
}

bool link_answer_parse(const struct notify *n, str token, int64_t *message_out)
{
	return parse(n, "answer link", token, ANSWER_LETTERS, message_out);
}

bool link_thread_parse(const struct notify *n, str token, int64_t *message_out)
{
	return parse(n, "mail thread", token, THREAD_LETTERS, message_out);
}

str link_list(const struct notify *n, bool leave, int64_t subscriber, struct arena *a)
{
	str token = token_of(n, leave ? "list leave" : "list confirm", subscriber, ANSWER_LETTERS, a);
	return n->public_url[0] ? arena_fmt(a, "%s/warnings/list/" STR_FMT, n->public_url, STR_ARG(token)) : STR("");
}

bool link_list_parse(const struct notify *n, str token, bool *leave_out, int64_t *subscriber_out)
{
	*leave_out = parse(n, "list leave", token, ANSWER_LETTERS, subscriber_out);
	return *leave_out || parse(n, "list confirm", token, ANSWER_LETTERS, subscriber_out);
}
