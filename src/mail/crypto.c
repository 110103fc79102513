/* SPDX-License-Identifier: Apache-2.0 */
/* The node's side: questions to ronda-crypto. What comes back is checked: the helper reads what
 * strangers wrote. */
#include "mail/crypto.h"

#include "mail/crypto_calls.h"

enum { KEYS_MOST = 20000, FINGERPRINT_MOST = 64, ASK_MOST = 6 };

struct asking {
	struct calls *crypto;
	enum crypto_kind kind;
	struct arena *a;
	str *blocks;           /* of the answer */
	size_t count;
};

static enum rc ask(struct asking *q, enum crypto_call what, const str *blocks, size_t count, size_t answers,
		   struct err *err)
{
	char kind = (char)q->kind;
	str all[ASK_MOST] = { str_mem(&kind, 1) };
	if (!q->crypto)
		return fail(err, RC_BUSY, "this process starts no helper for keys");
	for (size_t i = 0; i < count; i++)
		all[i + 1] = blocks[i];
	enum rc rc = calls_ask(q->crypto, what, all, count + 1, q->a, &q->blocks, &q->count, NULL, err);
	if (rc == RC_OK && q->count != answers)
		rc = fail(err, RC_INPUT, "ronda-crypto says nonsense");
	return rc;
}

static bool is_hex(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'A' && s.p[i] <= 'F'))
			return false;
	return s.n > 0 && s.n <= FINGERPRINT_MOST;
}

static bool is_sound(const struct crypto_key *k, enum crypto_kind kind)
{
	return k->kind == kind && is_hex(k->fingerprint) && str_is_utf8(k->names) && str_is_utf8(k->addresses) &&
	       str_is_utf8(k->words);
}

static enum rc take_keys(const struct asking *q, struct crypto_key **out, size_t *count_out, struct err *err)
{
	struct wire w = wire_of(q->blocks[0]), counting = w;
	size_t n = 0;
	for (; !counting.bad && wire_left(&counting) > 0; n++)
		(void)crypto_key_take(&counting);
	if (counting.bad || n > KEYS_MOST)
		return fail(err, RC_INPUT, "ronda-crypto says nonsense");
	*out = ARENA_ARRAY(q->a, n + 1, struct crypto_key);
	for (size_t i = 0; i < n; i++) {
		(*out)[i] = crypto_key_take(&w);
		if (!is_sound(&(*out)[i], q->kind))
			return fail(err, RC_INPUT, "ronda-crypto says nonsense");
	}
	*count_out = n;
	return RC_OK;
}

enum rc crypto_import(struct calls *crypto, enum crypto_kind kind, str bytes, str password, struct arena *a,
		      struct crypto_key **out, size_t *count_out, struct err *err)
{
	struct asking q = { crypto, kind, a, NULL, 0 };
	const str blocks[] = { bytes, password };
	enum rc rc = ask(&q, CRYPTO_IMPORT, blocks, COUNT_OF(blocks), 1, err);
	return rc == RC_OK ? take_keys(&q, out, count_out, err) : rc;
}

enum rc crypto_list(struct calls *crypto, enum crypto_kind kind, str what, struct arena *a,
		    struct crypto_key **out, size_t *count_out, struct err *err)
{
	struct asking q = { crypto, kind, a, NULL, 0 };
	enum rc rc = ask(&q, CRYPTO_LIST, &what, 1, 1, err);
	return rc == RC_OK ? take_keys(&q, out, count_out, err) : rc;
}

enum rc crypto_delete(struct calls *crypto, enum crypto_kind kind, str fingerprint, struct err *err)
{
	struct asking q = { crypto, kind, arena_new(KIB(4)), NULL, 0 };
	enum rc rc = ask(&q, CRYPTO_DELETE, &fingerprint, 1, 0, err);
	arena_free(q.a);
	return rc;
}

enum rc crypto_generate(struct calls *crypto, str name, str address, int64_t expires_us, struct arena *a,
			str *fingerprint_out, struct err *err)
{
	struct asking q = { crypto, CRYPTO_OPENPGP, a, NULL, 0 };
	const str blocks[] = { arena_fmt(a, STR_FMT " <" STR_FMT ">", STR_ARG(name), STR_ARG(address)),
			       arena_fmt(a, "%lld", (long long)expires_us) };
	if (!str_is_plain(name) || !str_is_plain(address) || str_index(address, '@') + 1 >= address.n ||
	    str_index(name, '<') < name.n || str_index(name, '>') < name.n || str_index(address, ' ') < address.n)
		return fail(err, RC_INPUT, "a key is made for a name and a mail address");
	enum rc rc = ask(&q, CRYPTO_GENERATE, blocks, COUNT_OF(blocks), 1, err);
	if (rc == RC_OK && !is_hex(q.blocks[0]))
		rc = fail(err, RC_INPUT, "ronda-crypto says nonsense");
	if (rc == RC_OK)
		*fingerprint_out = q.blocks[0];
	return rc;
}

enum rc crypto_export(struct calls *crypto, enum crypto_kind kind, str fingerprint, struct arena *a, str *out,
		      struct err *err)
{
	struct asking q = { crypto, kind, a, NULL, 0 };
	enum rc rc = ask(&q, CRYPTO_EXPORT, &fingerprint, 1, 1, err);
	if (rc == RC_OK)
		*out = q.blocks[0];
	return rc;
}

enum rc crypto_signature(struct calls *crypto, enum crypto_kind kind, str key, str bytes, struct arena *a,
		    str *signature_out, str *micalg_out, struct err *err)
{
	struct asking q = { crypto, kind, a, NULL, 0 };
	const str blocks[] = { key, bytes };
	enum rc rc = ask(&q, CRYPTO_SIGN, blocks, COUNT_OF(blocks), 2, err);
	if (rc == RC_OK && !str_is_plain(q.blocks[1]))
		rc = fail(err, RC_INPUT, "ronda-crypto says nonsense");
	if (rc == RC_OK) {
		*signature_out = q.blocks[0];
		*micalg_out = q.blocks[1];
	}
	return rc;
}

enum rc crypto_encrypt(struct calls *crypto, enum crypto_kind kind, str keys, str sign_key, str bytes,
		       struct arena *a, str *out, struct err *err)
{
	struct asking q = { crypto, kind, a, NULL, 0 };
	const str blocks[] = { keys, sign_key, bytes };
	enum rc rc = ask(&q, CRYPTO_ENCRYPT, blocks, COUNT_OF(blocks), 1, err);
	if (rc == RC_OK)
		*out = q.blocks[0];
	return rc;
}

/* "VERDICT ENCRYPTED SECONDS" */
static bool take_facts(str facts, struct crypto_opened *out)
{
	uint64_t verdict, encrypted;
	int64_t at;
	if (!str_to_u64(str_cut(&facts, ' '), &verdict) || !str_to_u64(str_cut(&facts, ' '), &encrypted) ||
	    !str_to_i64(facts, &at) || verdict > CRYPTO_EXPIRED_KEY || encrypted > 1 || at < 0 ||
	    at > INT64_C(1) << 40)
		return false;
	out->verdict = (enum crypto_verdict)verdict;
	out->was_encrypted = encrypted;
	out->signed_us = at * INT64_C(1000000);
	return true;
}

enum rc crypto_open(struct calls *crypto, enum crypto_kind kind, str bytes, str signature, struct arena *a,
		    struct crypto_opened *out, struct err *err)
{
	struct asking q = { crypto, kind, a, NULL, 0 };
	const str blocks[] = { bytes, signature };
	enum rc rc = ask(&q, CRYPTO_OPEN, blocks, COUNT_OF(blocks), 4, err);
	if (rc != RC_OK)
		return rc;
	*out = (struct crypto_opened){ .bytes = signature.n > 0 ? bytes : q.blocks[0], .fingerprint = q.blocks[2],
				       .signer = q.blocks[3] };
	if (!take_facts(q.blocks[1], out) || (out->fingerprint.n > 0 && !is_hex(out->fingerprint)) ||
	    !str_is_utf8(out->signer))
		return fail(err, RC_INPUT, "ronda-crypto says nonsense");
	return RC_OK;
}
