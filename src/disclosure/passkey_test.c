/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/passkey_test.h"

#include "base/json.h"

static const int algs[] = { -7, -8, -257 };
static const struct passkey_site site = { STR_INIT("https://ronda.example.org"),
					  STR_INIT("ronda.example.org"), STR_INIT("Team B") };

TEST(where_we_are)
{
	static const struct { const char *url, *origin, *rp_id; } rows[] = {
		{ "https://ronda.example.org", "https://ronda.example.org", "ronda.example.org" },
		{ "https://ronda.example.org/", "https://ronda.example.org", "ronda.example.org" },
		{ "https://ronda.example.org:443", "https://ronda.example.org", "ronda.example.org" },
		{ "https://ronda.example.org:8443/", "https://ronda.example.org:8443", "ronda.example.org" },
		{ "http://localhost:8420", "http://localhost:8420", "localhost" },
		{ "http://localhost", "http://localhost", "localhost" },
		{ "https://r2-d2.example.org", "https://r2-d2.example.org", "r2-d2.example.org" },
		{ "https://a~b.example.org", NULL, NULL },
		{ "https://a!b.example.org", NULL, NULL },
		{ "http://localhost:80", "http://localhost", "localhost" },
		{ "http://ronda.example.org", NULL, NULL },
		{ "https://192.0.2.1", NULL, NULL },
		{ "https://[2001:db8::1]", NULL, NULL },
		{ "https://Ronda.example.org", NULL, NULL },
		{ "https://ronda.example.org/path", NULL, NULL },
		{ "https://user@ronda.example.org", NULL, NULL },
		{ "https://ronda.example.org:", NULL, NULL },
		{ "https://ronda.example.org:99999", NULL, NULL },
		{ "https://", NULL, NULL },
		{ "ronda.example.org", NULL, NULL },
		{ "", NULL, NULL },
	};
	struct arena *a = arena_new(KIB(4));

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct passkey_site s;
		struct err err = { 0 };
		enum rc rc = passkey_site_of(str_of(rows[i].url), STR("Team B"), a, &s, &err);
		CHECK_MSG(rc == (rows[i].origin ? RC_OK : RC_INPUT), "%s: %s", rows[i].url, rc_name(rc));
		if (rc != RC_OK || !rows[i].origin)
			continue;
		CHECK_STR(s.origin, str_of(rows[i].origin));
		CHECK_STR(s.rp_id, str_of(rows[i].rp_id));
	}
	arena_free(a);
}

TEST(options)
{
	struct arena *a = arena_new(KIB(16));
	struct passkey_challenge c = { "0123456789abcdef0123456789abcde" };
	struct passkey have[PASSKEYS_OF_ONE + 1] = { { .id = STR("a") }, { .id = STR("bc") } };
	struct passkey_user user = { STR("handle"), STR("b@example.org"), STR("B \"<x>\"") };
	struct json_object *o = NULL;
	struct err err = { 0 };

	str text = passkey_create_options(&site, &c, &user, have, 2, a);
	CHECK_STR(text, STR("{\"challenge\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZQA\","
			    "\"timeout\":300000,\"rp\":{\"id\":\"ronda.example.org\",\"name\":\"Team B\"},"
			    "\"user\":{\"id\":\"aGFuZGxl\",\"name\":\"b@example.org\","
			    "\"displayName\":\"B \\\"<x>\\\"\"},\"pubKeyCredParams\":["
			    "{\"type\":\"public-key\",\"alg\":-7},{\"type\":\"public-key\",\"alg\":-8},"
			    "{\"type\":\"public-key\",\"alg\":-257}],\"excludeCredentials\":["
			    "{\"type\":\"public-key\",\"id\":\"YQ\"},{\"type\":\"public-key\",\"id\":\"YmM\"}],"
			    "\"authenticatorSelection\":{\"residentKey\":\"preferred\","
			    "\"userVerification\":\"required\"},\"attestation\":\"none\"}"));
	text = passkey_get_options(&site, &c, NULL, 0, a);
	CHECK_STR(text, STR("{\"challenge\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZQA\","
			    "\"timeout\":300000,\"rpId\":\"ronda.example.org\",\"allowCredentials\":[],"
			    "\"userVerification\":\"required\"}"));
	for (size_t n = PASSKEYS_OF_ONE - 1; n <= PASSKEYS_OF_ONE + 1; n++) {
		text = passkey_get_options(&site, &c, have, n, a);
		CHECK_RC(json_read(text, &o, &err), RC_OK, err);
		CHECK_INT(json_count(json_get(o, "allowCredentials")), n > PASSKEYS_OF_ONE ? PASSKEYS_OF_ONE : n);
		json_free(o);
	}
	struct passkey_challenge one, two;
	passkey_challenge_new(&one);
	passkey_challenge_new(&two);
	CHECK(memcmp(&one, &two, sizeof(one)) != 0);
	arena_free(a);
}

TEST(from_registering_to_signing_in)
{
	for (size_t i = 0; i < COUNT_OF(algs); i++) {
		struct arena *a = arena_new(KIB(64));
		struct device d = device_new(algs[i]), thief = device_new(algs[i]);
		struct passkey_challenge c, again;
		struct passkey_answer answer;
		struct passkey kept;
		struct err err = { 0 };
		uint32_t count = 0;
		bool backed_up = true;

		passkey_challenge_new(&c);
		passkey_challenge_new(&again);
		CHECK_RC(passkey_register(&site, &c, device_register(&d, &c, a), a, &kept, &err), RC_OK, err);
		CHECK_INT(kept.alg, algs[i]);
		CHECK_STR(kept.id, d.id);
		CHECK(kept.count == 1 && !kept.backed_up);
		kept.user = STR("handle");
		/* the counter: below, at, above; wrapping is no going forward */
		static const struct { uint32_t kept, now; enum rc rc; } counts[] = {
			{ 0, 0, RC_OK },     { 0, 1, RC_OK },     { 7, 6, RC_DENIED },          { 7, 7, RC_DENIED },
			{ 7, 8, RC_OK },     { 7, 0, RC_DENIED }, { UINT32_MAX, 0, RC_DENIED }, { 0, UINT32_MAX, RC_OK },
			{ UINT32_MAX, UINT32_MAX, RC_DENIED },
		};
		for (size_t n = 0; n < COUNT_OF(counts); n++) {
			kept.count = counts[n].kept;
			d.count = counts[n].now;
			d.flags = n % 2 ? 5 : 21;
			str json = device_answer(&d, &c, n % 2 ? STR("handle") : STR_NONE, a);
			CHECK_RC(passkey_answer_read(json, a, &answer, &err), RC_OK, err);
			count = 77;
			CHECK_RC(passkey_check(&site, &c, &answer, &kept, &count, &backed_up, &err),
				 counts[n].rc, err);
			CHECK_INT(count, counts[n].rc == RC_OK ? counts[n].now : 77);
			CHECK(counts[n].rc != RC_OK || backed_up == !(n % 2));
		}
		kept.count = 1;
		d.count = 2;
		d.flags = 5;
		/* the same answer to another challenge */
		CHECK_RC(passkey_answer_read(device_answer(&d, &c, STR_NONE, a), a, &answer, &err), RC_OK, err);
		CHECK_RC(passkey_check(&site, &again, &answer, &kept, &count, NULL, &err), RC_DENIED, err);
		CHECK_RC(passkey_check(&site, &c, &answer, &kept, &count, NULL, &err), RC_OK, err);
		/* every changed byte of what is signed, and of the signature */
		str parts[] = { answer.auth_data, answer.signature, answer.client_data };
		for (size_t p = 0; p < COUNT_OF(parts); p++)
			for (size_t at = 0; at < parts[p].n; at++) {
				char *byte = (char *)parts[p].p + at;
				*byte ^= 0x20;
				CHECK_MSG(passkey_check(&site, &c, &answer, &kept, &count, NULL, &err) != RC_OK,
					  "part %zu byte %zu", p, at);
				*byte ^= 0x20;
			}
		/* another account, another passkey, another device of the same name */
		CHECK_RC(passkey_answer_read(device_answer(&d, &c, STR("other"), a), a, &answer, &err), RC_OK, err);
		CHECK_RC(passkey_check(&site, &c, &answer, &kept, &count, NULL, &err), RC_DENIED, err);
		thief.count = 9;
		CHECK_RC(passkey_answer_read(device_answer(&thief, &c, STR_NONE, a), a, &answer, &err), RC_OK, err);
		CHECK_RC(passkey_check(&site, &c, &answer, &kept, &count, NULL, &err), RC_DENIED, err);
		thief.id = STR("another");
		CHECK_RC(passkey_answer_read(device_answer(&thief, &c, STR_NONE, a), a, &answer, &err), RC_OK, err);
		CHECK_RC(passkey_check(&site, &c, &answer, &kept, &count, NULL, &err), RC_DENIED, err);
		/* a key that is kept as another kind */
		CHECK_RC(passkey_answer_read(device_answer(&d, &c, STR_NONE, a), a, &answer, &err), RC_OK, err);
		struct passkey wrong = kept;
		wrong.alg = -37;
		CHECK_RC(passkey_check(&site, &c, &answer, &wrong, &count, NULL, &err), RC_IO, err);
		wrong = kept;
		wrong.key = STR("x"); /* of no length it can have */
		CHECK_RC(passkey_check(&site, &c, &answer, &wrong, &count, NULL, &err), RC_IO, err);
		EVP_PKEY_free(d.key);
		EVP_PKEY_free(thief.key);
		arena_free(a);
	}
}

/* Both answers, changed in one way each. */
TEST(answers_that_are_refused)
{
	struct arena *a = arena_new(KIB(64));
	struct passkey_challenge c;
	struct passkey kept, again;
	struct passkey_answer answer;
	struct device good = device_new(-7);
	struct err err = { 0 };
	uint32_t count;

	passkey_challenge_new(&c);
	CHECK_RC(passkey_register(&site, &c, device_register(&good, &c, a), a, &kept, &err), RC_OK, err);
	static const struct {
		const char *what, *origin, *rp_id, *more;
		int flags;
	} rows[] = {
		{ "another page", "https://ronda.example.org.evil.example.com", NULL, NULL, 5 },
		{ "plain http", "http://ronda.example.org", NULL, NULL, 5 },
		{ "another port", "https://ronda.example.org:8443", NULL, NULL, 5 },
		{ "a slash more", "https://ronda.example.org/", NULL, NULL, 5 },
		{ "in a frame", NULL, NULL, ",\"crossOrigin\":true", 5 },
		{ "in a frame, oddly", NULL, NULL, ",\"crossOrigin\":\"false\"", 5 },
		{ "in a frame of", NULL, NULL, ",\"topOrigin\":\"https://ronda.example.org\"", 5 },
		{ "in a frame of, and none", NULL, NULL, ",\"topOrigin\":\"https://x.example.org\",\"crossOrigin\":false", 5 },
		{ "origin twice", NULL, NULL, ",\"origin\":\"https://ronda.example.org\"", 5 },
		{ "another site", NULL, "example.org", NULL, 5 },
		{ "nobody there", NULL, NULL, NULL, 4 },
		{ "not verified", NULL, NULL, NULL, 1 },
		{ "neither", NULL, NULL, NULL, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct device d = good;
		d.count = 50;
		d.origin = rows[i].origin ? rows[i].origin : d.origin;
		d.rp_id = rows[i].rp_id ? rows[i].rp_id : d.rp_id;
		d.client_more = rows[i].more ? rows[i].more : d.client_more;
		d.flags = (uint8_t)rows[i].flags;
		enum rc rc = passkey_register(&site, &c, device_register(&d, &c, a), a, &again, &err);
		CHECK_MSG(rc == RC_DENIED || rc == RC_INPUT, "registering, %s: %s", rows[i].what, rc_name(rc));
		CHECK(again.id.n == 0);
		CHECK_RC(passkey_answer_read(device_answer(&d, &c, STR_NONE, a), a, &answer, &err), RC_OK, err);
		rc = passkey_check(&site, &c, &answer, &kept, &count, NULL, &err);
		CHECK_MSG(rc == RC_DENIED || rc == RC_INPUT, "signing in, %s: %s", rows[i].what, rc_name(rc));
	}
	/* no frame at all is said: older browsers */
	struct device d = good;
	d.client_more = "";
	CHECK_RC(passkey_register(&site, &c, device_register(&d, &c, a), a, &again, &err), RC_OK, err);
	/* one kind of answer in place of the other */
	str object = attestation(&good, a), client = client_data(&good, "webauthn.get", &c, a);
	CHECK_RC(passkey_register(&site, &c, registration_json(good.id, client, object, a), a, &again, &err),
		 RC_DENIED, err);
	client = client_data(&good, "webauthn.create", &c, a);
	struct buf data = BUF_INIT(KIB(1));
	put_auth_data(&good, false, &data);
	str sig = device_sign(&good, client, buf_str(&data), a);
	CHECK_RC(passkey_answer_read(answer_json(good.id, client, buf_str(&data), sig, STR_NONE, a), a, &answer,
				     &err), RC_OK, err);
	CHECK_RC(passkey_check(&site, &c, &answer, &kept, &count, NULL, &err), RC_DENIED, err);
	/* the browser names another one than the device */
	CHECK_RC(passkey_register(&site, &c, registration_json(STR("x"), client, object, a), a, &again, &err),
		 RC_INPUT, err);
	buf_free(&data);
	EVP_PKEY_free(good.key);
	arena_free(a);
}

TEST(attestations)
{
	static const struct {
		const char *format;
		str statement;
		bool taken;
	} rows[] = {
		{ "none", STR_INIT("\xa0"), true },
		{ "none", STR_INIT("\xa1\x61x\x01"), false },
		{ "none", STR_INIT("\x80"), false },
		{ "packed", STR_INIT("\xa2\x63" "alg\x26\x63sig\x41x"), true },
		{ "packed", STR_INIT("\xa3\x63" "alg\x26\x63sig\x41x\x63x5c\x81\x41x"), true },
		{ "packed", STR_INIT("\x26"), false },
		{ "packed", STR_INIT("\xbf\xff"), false },             /* of no said length */
		{ "packed", STR_INIT("\xa1\x61x\x5f\x41x\xff"), false },
		{ "packed", STR_INIT("\xa1\x61x\xfc"), false },
		{ "packed", STR_INIT("\xa1\x61x\xc0\x01"), true },     /* a tag, whatever it means */
		{ "packed", STR_INIT("\xbb\xff\xff\xff\xff\xff\xff\xff\xff"), false },
		{ "packed", STR_INIT("\xa1\x61x\x9b\xff\xff\xff\xff\xff\xff\xff\xff"), false },
		{ "packed", STR_INIT("\xa1\x61x\x5b\xff\xff\xff\xff\xff\xff\xff\xff"), false },
		{ "packed", STR_INIT("\xa1\x61x\xfb\0\0\0\0\0\0\0\0"), true },
		{ "fido-u2f", STR_INIT("\xa0"), false },
		{ "tpm", STR_INIT("\xa0"), false },
		{ "android-key", STR_INIT("\xa0"), false },
		{ "", STR_INIT("\xa0"), false },
	};
	struct arena *a = arena_new(KIB(64));
	struct passkey_challenge c;
	struct passkey out;
	struct device d = device_new(-7);
	struct err err = { 0 };

	passkey_challenge_new(&c);
	str client = client_data(&d, "webauthn.create", &c, a);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		d.format = rows[i].format;
		d.statement = rows[i].statement;
		enum rc rc = passkey_register(&site, &c, device_register(&d, &c, a), a, &out, &err);
		CHECK_MSG((rc == RC_OK) == rows[i].taken, "row %zu: %s %s", i, rc_name(rc), err.text);
	}
	/* arrays in arrays: below, at, above (the map around them is one, too) */
	for (unsigned n = 62; n <= 64; n++) {
		char deep[80] = "\xa1\x61x";
		memset(deep + 3, '\x81', n);
		d.format = "packed";
		d.statement = str_mem(deep, 3 + n + 1);
		CHECK_RC(passkey_register(&site, &c, device_register(&d, &c, a), a, &out, &err),
			 n + 1 <= 64 ? RC_OK : RC_INPUT, err);
	}
	/* cut anywhere, a byte more, any byte changed: never more than refused */
	d.format = "none";
	d.statement = STR("\xa0");
	str object = attestation(&d, a);
	for (size_t n = 0; n < object.n; n++) {
		str json = registration_json(d.id, client, str_head(object, n), a);
		CHECK_MSG(passkey_register(&site, &c, json, a, &out, &err) != RC_OK, "cut at %zu", n);
	}
	str more = arena_fmt(a, "%s", "");
	char *longer = arena_alloc(a, object.n + 1);
	memcpy(longer, object.p, object.n);
	more = registration_json(d.id, client, str_mem(longer, object.n + 1), a);
	CHECK(passkey_register(&site, &c, more, a, &out, &err) != RC_OK);
	for (size_t at = 0; at < object.n; at++) {
		memcpy(longer, object.p, object.n);
		longer[at] = (char)(longer[at] ^ 0x81);
		str json = registration_json(d.id, client, str_mem(longer, object.n), a);
		enum rc rc = passkey_register(&site, &c, json, a, &out, &err);
		CHECK(rc == RC_OK || err.text[0]);
	}
	/* a key, and extensions behind it, that claim to be long: no memory is taken */
	static const str claims[] = { STR_INIT("\x9a\xff\xff\xff\xff"), STR_INIT("\xba\x7f\xff\xff\xff"),
				      STR_INIT("\xa1\x01\x9a\x20\x00\x00\x00"), STR_INIT("\xa1\x01\x5b\0\0\0\1"),
				      STR_INIT("") };
	size_t key_at = object.n - 77; /* the COSE key of ES256 ends it */
	size_t flags_at = object.n - 77 - d.id.n - 2 - 16 - 4 - 1;
	for (size_t i = 0; i < COUNT_OF(claims); i++) {
		struct buf o = BUF_INIT(KIB(4));
		buf_add(&o, str_head(object, key_at));
		buf_add(&o, claims[i]);
		for (size_t n = claims[i].n; n < 77; n++)
			buf_char(&o, 0);
		more = registration_json(d.id, client, buf_str(&o), a);
		CHECK_RC(passkey_register(&site, &c, more, a, &out, &err), RC_INPUT, err);
		buf_reset(&o);
		buf_add(&o, object);
		CHECK_INT((uint8_t)o.p[flags_at], 0x45);
		o.p[flags_at] = (char)0xc5; /* extensions are said to follow, and are not there */
		more = registration_json(d.id, client, buf_str(&o), a);
		CHECK_RC(passkey_register(&site, &c, more, a, &out, &err), RC_INPUT, err);
		buf_free(&o);
	}
	/* a point that is not on the curve */
	struct buf off = BUF_INIT(KIB(4));
	buf_add(&off, object);
	memset(off.p + off.n - 32, 1, 32);
	more = registration_json(d.id, client, buf_str(&off), a);
	CHECK_RC(passkey_register(&site, &c, more, a, &out, &err), RC_INPUT, err);
	buf_free(&off);
	EVP_PKEY_free(d.key);
	arena_free(a);
}

/* An attestation object around this device's data. */
static str object_around(str data, struct arena *a)
{
	struct buf o = BUF_INIT(KIB(8));
	buf_add(&o, STR("\xa3\x63" "fmt\x64none\x67" "attStmt\xa0\x68" "authData\x59"));
	buf_char(&o, (char)(data.n >> 8));
	buf_char(&o, (char)data.n);
	buf_add(&o, data);
	str s = arena_str(a, buf_str(&o));
	buf_free(&o);
	return s;
}

TEST(objects_that_are_none)
{
	static const struct {
		const char *what;
		str object;
	} rows[] = {
		{ "no length", STR_INIT("\x1f") },
		{ "an array", STR_INIT("\x83\x63" "fmt\x64none") },
		{ "two members", STR_INIT("\xa2\x63" "fmt\x64none\x67" "attStmt\xa0") },
		{ "a strange member", STR_INIT("\xa3\x63" "foo\x64none") },
		{ "format twice", STR_INIT("\xa3\x63" "fmt\x64none\x63" "fmt\x64none\x67" "attStmt\xa0") },
		{ "statement twice", STR_INIT("\xa3\x67" "attStmt\xa0\x67" "attStmt\xa0\x63" "fmt\x64none") },
		{ "data twice", STR_INIT("\xa3\x68" "authData\x41x\x68" "authData\x41x\x63" "fmt\x64none") },
	};
	struct arena *a = arena_new(KIB(64));
	struct passkey_challenge c;
	struct passkey out, kept;
	struct passkey_answer answer;
	struct device d = device_new(-7);
	struct buf data = BUF_INIT(KIB(4));
	struct err err = { 0 };
	uint32_t count;
	char long_id[PASSKEY_ID_MAX + 1];

	passkey_challenge_new(&c);
	str client = client_data(&d, "webauthn.create", &c, a);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str json = registration_json(d.id, client, rows[i].object, a);
		CHECK_MSG(passkey_register(&site, &c, json, a, &out, &err) == RC_INPUT &&
			  str_eq(str_of(err.text), STR("passkey: the attestation object is broken")), "%s: %s", rows[i].what,
			  err.text);
	}
	/* the device's data: a byte, one more than is taken, no key, a key that is said to be there */
	static const struct { size_t n; const char *words; } sizes[] = {
		{ 1, "passkey: the device's data is too short" },
		{ PASSKEY_AUTH_DATA_MAX + 1, "passkey: the attestation object is broken" },
	};
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		buf_reset(&data);
		while (data.n < sizes[i].n)
			buf_char(&data, 'x');
		str json = registration_json(d.id, client, object_around(buf_str(&data), a), a);
		CHECK_RC(passkey_register(&site, &c, json, a, &out, &err), RC_INPUT, err);
		CHECK_STR(str_of(err.text), str_of(sizes[i].words));
	}
	for (int flags = 0x05; flags <= 0x45; flags += 0x40) {
		buf_reset(&data);
		d.flags = (uint8_t)flags;
		put_auth_data(&d, false, &data);
		str json = registration_json(d.id, client, object_around(buf_str(&data), a), a);
		CHECK_RC(passkey_register(&site, &c, json, a, &out, &err), RC_INPUT, err);
		CHECK_STR(str_of(err.text), flags == 0x05 ? STR("passkey: there is no key in the answer") :
							    STR("passkey: the device's data is broken"));
	}
	d.flags = 0x05;
	/* the device says no name, or a longer one than the browser does and we keep */
	memset(long_id, 'i', sizeof(long_id));
	const str ids[] = { STR(""), str_mem(long_id, sizeof(long_id)) };
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		struct device odd = d;
		odd.id = ids[i];
		str json = registration_json(STR("x"), client, attestation(&odd, a), a);
		CHECK_RC(passkey_register(&site, &c, json, a, &out, &err), RC_INPUT, err);
		CHECK_INT(out.id.n, 0);
	}
	/* signed, but with an extension that is not what its name says */
	CHECK_RC(passkey_register(&site, &c, device_register(&d, &c, a), a, &kept, &err), RC_OK, err);
	client = client_data(&d, "webauthn.get", &c, a);
	d.flags = 0x85;
	d.count = 9;
	buf_reset(&data);
	put_auth_data(&d, false, &data);
	buf_add(&data, STR("\xa1\x6bhmac-secret\xf5"));
	str sig = device_sign(&d, client, buf_str(&data), a);
	CHECK_RC(passkey_answer_read(answer_json(d.id, client, buf_str(&data), sig, STR_NONE, a), a, &answer, &err),
		 RC_OK, err);
	CHECK_RC(passkey_check(&site, &c, &answer, &kept, &count, NULL, &err), RC_DENIED, err);
	buf_free(&data);
	EVP_PKEY_free(d.key);
	arena_free(a);
}

TEST(sizes_below_at_above)
{
	struct arena *a = arena_new(KIB(256));
	struct passkey_challenge c;
	struct passkey out;
	struct passkey_answer answer;
	struct device d = device_new(-8);
	struct err err = { 0 };
	char *text = arena_alloc(a, PASSKEY_JSON_MAX + 2);

	passkey_challenge_new(&c);
	/* the whole answer */
	str json = device_register(&d, &c, a);
	for (size_t n = PASSKEY_JSON_MAX - 1; n <= PASSKEY_JSON_MAX + 1; n++) {
		memset(text, ' ', n);
		memcpy(text, json.p, json.n);
		CHECK_RC(passkey_register(&site, &c, str_mem(text, n), a, &out, &err),
			 n <= PASSKEY_JSON_MAX ? RC_OK : RC_INPUT, err);
	}
	/* the client data */
	str object = attestation(&d, a), client = client_data(&d, "webauthn.create", &c, a);
	for (size_t n = PASSKEY_CLIENT_DATA_MAX - 1; n <= PASSKEY_CLIENT_DATA_MAX + 1; n++) {
		memset(text, ' ', n);
		memcpy(text, client.p, client.n);
		json = registration_json(d.id, str_mem(text, n), object, a);
		CHECK_RC(passkey_register(&site, &c, json, a, &out, &err),
			 n <= PASSKEY_CLIENT_DATA_MAX ? RC_OK : RC_INPUT, err);
	}
	/* the name of the passkey */
	for (size_t n = PASSKEY_ID_MAX - 1; n <= PASSKEY_ID_MAX + 1; n++) {
		memset(text, 'i', n);
		d.id = str_mem(text, n);
		CHECK_RC(passkey_register(&site, &c, device_register(&d, &c, a), a, &out, &err),
			 n <= PASSKEY_ID_MAX ? RC_OK : RC_INPUT, err);
	}
	d.id = STR("short");
	/* signature, device's data, handle */
	static const struct { size_t most; int part; } parts[] = {
		{ PASSKEY_SIGNATURE_MAX, 0 }, { PASSKEY_AUTH_DATA_MAX, 1 }, { PASSKEY_USER_MAX, 2 },
	};
	memset(text, 'x', PASSKEY_AUTH_DATA_MAX + 1);
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		for (size_t n = parts[i].most - 1; n <= parts[i].most + 1; n++) {
			str big = str_mem(text, n), small = str_mem(text, 37);
			json = answer_json(d.id, client, parts[i].part == 1 ? big : small,
					   parts[i].part == 0 ? big : small, parts[i].part == 2 ? big : STR_NONE, a);
			CHECK_RC(passkey_answer_read(json, a, &answer, &err),
				 n <= parts[i].most ? RC_OK : RC_INPUT, err);
		}
	CHECK_RC(passkey_answer_read(answer_json(d.id, client, str_mem(text, 36), STR("x"), STR_NONE, a), a,
				     &answer, &err), RC_INPUT, err);
	static const char *const broken[] = {
		"", "{}", "[]", "null", "7", "{\"id\":\"YQ\"}", "{\"id\":\"YQ\",\"response\":[]}",
		"{\"id\":7,\"response\":{}}", "{\"id\":\"Y Q\",\"response\":{\"clientDataJSON\":\"e30\"}}",
	};
	for (size_t i = 0; i < COUNT_OF(broken); i++) {
		CHECK_RC(passkey_answer_read(str_of(broken[i]), a, &answer, &err), RC_INPUT, err);
		CHECK_RC(passkey_register(&site, &c, str_of(broken[i]), a, &out, &err), RC_INPUT, err);
	}
	EVP_PKEY_free(d.key);
	arena_free(a);
}

TEST_MAIN(TEST_RUN(where_we_are), TEST_RUN(options), TEST_RUN(from_registering_to_signing_in),
	  TEST_RUN(answers_that_are_refused), TEST_RUN(attestations), TEST_RUN(objects_that_are_none),
	  TEST_RUN(sizes_below_at_above))
