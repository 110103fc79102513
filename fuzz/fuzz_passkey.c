/* SPDX-License-Identifier: Apache-2.0 */
/* What a browser sends of a passkey: the bytes as an attestation object within an
 * answer that is right otherwise, as the data of a device, and as the whole
 * answer. */
#include "base/hash.h"
#include "disclosure/passkey.h"
#include "fuzz.h"

#define CLIENT "{\"type\":\"webauthn.%s\",\"origin\":\"https://ronda.example.org\"," \
	       "\"challenge\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"

static const struct passkey_site site = { STR_INIT("https://ronda.example.org"),
					  STR_INIT("ronda.example.org"), STR_INIT("x") };
static const struct passkey_challenge challenge;

static void see(const struct passkey *p)
{
	MUST(p->id.n > 0 && p->id.n <= PASSKEY_ID_MAX && p->key.n > 0 && p->key.n <= PASSKEY_KEY_MAX);
	MUST(p->alg == -7 || p->alg == -8 || p->alg == -257);
}

/* The name of the credential, where the attested data has it. */
static str id_in(str object)
{
	size_t at = str_find(object, STR("authData"));
	str data = str_from(object, at + 11); /* behind the name and a head of three bytes */
	size_t n = data.n > 55 ? (size_t)((uint8_t)data.p[53] << 8 | (uint8_t)data.p[54]) : 0;
	return str_head(str_from(data, 55), n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(KIB(16));
	struct passkey made, kept = { .id = STR("id"), .alg = -8, .key = STR("0123456789abcdef0123456789abcdef") };
	struct passkey_answer answer;
	struct err err = { 0 };
	struct buf b = BUF_INIT(MIB(1));
	str bytes = str_mem(data, size), client = arena_fmt(a, CLIENT, "create"), id = id_in(bytes);
	uint32_t count;

	if (passkey_register(&site, &challenge, bytes, a, &made, &err) == RC_OK)
		see(&made);
	if (passkey_answer_read(bytes, a, &answer, &err) == RC_OK) {
		kept.id = answer.id;
		(void)!passkey_check(&site, &challenge, &answer, &kept, &count, NULL, &err);
	}
	buf_fmt(&b, "{\"id\":\"");
	base64url_format(&b, id.p, id.n);
	buf_fmt(&b, "\",\"response\":{\"clientDataJSON\":\"");
	base64url_format(&b, client.p, client.n);
	buf_fmt(&b, "\",\"attestationObject\":\"");
	base64url_format(&b, bytes.p, bytes.n);
	buf_fmt(&b, "\"}}");
	if (passkey_register(&site, &challenge, buf_str(&b), a, &made, &err) == RC_OK)
		see(&made);
	/* The device's data of a sign-in; its signature is a guess. */
	answer = (struct passkey_answer){ .id = STR("id"), .client_data = arena_fmt(a, CLIENT, "get"),
					  .auth_data = bytes, .signature = str_head(bytes, 64) };
	kept.id = STR("id");
	if (size >= 37 && size <= PASSKEY_AUTH_DATA_MAX)
		MUST(passkey_check(&site, &challenge, &answer, &kept, &count, NULL, &err) != RC_OK);
	buf_free(&b);
	arena_free(a);
	return 0;
}
