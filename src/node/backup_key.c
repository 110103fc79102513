/* SPDX-License-Identifier: Apache-2.0 */
#include "node/backup_private.h"

#include "base/hash.h"

enum { CHECK = 4 };
static const char public_mark[] = "rbp1", secret_mark[] = "rbs1";

/* Against typing errors only. */
static void check_of(const char *mark, const unsigned char key[32], unsigned char check[CHECK])
{
	unsigned char hash[32];
	crypto_generichash(hash, sizeof(hash), key, 32, (const unsigned char *)mark, 4);
	memcpy(check, hash, CHECK);
}

static void key_text(const char *mark, const unsigned char key[32], char text[BACKUP_KEY_TEXT])
{
	unsigned char check[CHECK];
	struct buf b = BUF_INIT(BACKUP_KEY_TEXT);
	check_of(mark, key, check);
	buf_add(&b, str_of(mark));
	hex_format(&b, key, 32);
	hex_format(&b, check, CHECK);
	str_to_z(buf_str(&b), text, BACKUP_KEY_TEXT);
	explicit_bzero(b.p, b.n);
	buf_free(&b);
}

void backup_public_text(const unsigned char key[32], char text[BACKUP_KEY_TEXT])
{
	key_text(public_mark, key, text);
}

void backup_key_make(char public[BACKUP_KEY_TEXT], char secret[BACKUP_KEY_TEXT])
{
	unsigned char pk[crypto_box_PUBLICKEYBYTES], sk[crypto_box_SECRETKEYBYTES];
	crypto_box_keypair(pk, sk);
	key_text(public_mark, pk, public);
	key_text(secret_mark, sk, secret);
	explicit_bzero(sk, sizeof(sk));
}

static bool parse(const char *mark, str text, struct backup_key *out)
{
	unsigned char check[CHECK], is[CHECK];
	if (text.n != 4 + 64 + 2 * CHECK || !str_starts(text, str_of(mark)) ||
	    !hex_parse(str_head(str_from(text, 4), 64), out->b, 32) ||
	    !hex_parse(str_from(text, 4 + 64), is, CHECK))
		return false;
	check_of(mark, out->b, check);
	return memcmp(check, is, CHECK) == 0;
}

enum rc backup_public_parse(str text, struct backup_key *out, struct err *err)
{
	text = str_trim_all(text);
	if (parse(secret_mark, text, out)) {
		explicit_bzero(out, sizeof(*out));
		return fail(err, RC_INPUT,
			    "this is the secret key: the node takes the public one, and must not have this");
	}
	if (!parse(public_mark, text, out))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no public key of a backup: it begins with rbp1",
			    STR_ARG(str_head(text, 100)));
	return RC_OK;
}

enum rc backup_secret_parse(str text, struct backup_key *out, struct err *err)
{
	str line = STR_NONE;
	while (str_line(&text, &line)) {
		line = str_trim_all(line);
		if (line.n && line.p[0] != '#')
			break;
		line = STR_NONE;
	}
	if (parse(public_mark, line, out))
		return fail(err, RC_INPUT, "this is the public key: to restore takes the secret one");
	if (!parse(secret_mark, line, out)) /* not a word of it in the sentence */
		return fail(err, RC_INPUT, "the key file holds no secret key of a backup: it begins with rbs1");
	return RC_OK;
}
