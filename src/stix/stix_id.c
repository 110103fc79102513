/* SPDX-License-Identifier: Apache-2.0 */
#include "stix/stix_id.h"

#include <json-c/json.h>
#include <openssl/evp.h>

#include "stix/jcs.h"

/* Name space of the standard for observables. */
static const struct uuid observables = { { 0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe,
					   0xd2, 0x33, 0x15, 0xa9, 0xb7 } };

static const struct { const char *type, *properties; } contributing[] = {
	{ "artifact", "hashes payload_bin" },
	{ "autonomous-system", "number" },
	{ "directory", "path" },
	{ "domain-name", "value" },
	{ "email-addr", "value" },
	{ "email-message", "from_ref subject body" },
	{ "file", "hashes name parent_directory_ref extensions" },
	{ "ipv4-addr", "value" },
	{ "ipv6-addr", "value" },
	{ "mac-addr", "value" },
	{ "mutex", "name" },
	{ "network-traffic", "start end src_ref dst_ref src_port dst_port protocols extensions" },
	{ "software", "name cpe swid vendor version" },
	{ "url", "value" },
	{ "user-account", "account_type user_id account_login" },
	{ "windows-registry-key", "key values" },
	{ "x509-certificate", "hashes serial_number" },
};

/* Of several digests one contributes: the first of these, else the first there is. */
static struct json_object *one_hash(struct json_object *hashes)
{
	static const char *const order[] = { "MD5", "SHA-1", "SHA-256", "SHA-512" };
	struct json_object *out = json_object_new_object();
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		struct json_object *h = json_get(hashes, order[i]);
		if (h) {
			json_object_object_add(out, order[i], json_object_get(h));
			return out;
		}
	}
	if (json_object_get_type(hashes) == json_type_object) {
		json_object_object_foreach(hashes, key, value) {
			json_object_object_add(out, key, json_object_get(value));
			break;
		}
	}
	return out;
}

struct stix_namer {
	EVP_MD *sha1;
	EVP_MD_CTX *c;
};

struct stix_namer *stix_namer_new(void)
{
	struct stix_namer *n = x_alloc(sizeof *n);
	*n = (struct stix_namer){ EVP_MD_fetch(NULL, "SHA1", NULL), EVP_MD_CTX_new() };
	if (!n->sha1 || !n->c)
		abort(); /* SHA-1 is always there */
	return n;
}

void stix_namer_free(struct stix_namer *n)
{
	if (!n)
		return;
	EVP_MD_CTX_free(n->c);
	EVP_MD_free(n->sha1);
	free(n);
}

struct uuid stix_namer_uuid(struct stix_namer *n, const struct uuid *space, str name)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct uuid u;
	if (EVP_DigestInit_ex(n->c, n->sha1, NULL) != 1 || EVP_DigestUpdate(n->c, space->b, sizeof space->b) != 1 ||
	    EVP_DigestUpdate(n->c, name.p ? name.p : "", name.n) != 1 || EVP_DigestFinal_ex(n->c, digest, NULL) != 1)
		abort();
	memcpy(u.b, digest, sizeof u.b);
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x50);
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
	return u;
}

struct uuid uuid_version5(const struct uuid *space, str name)
{
	struct stix_namer *n = stix_namer_new();
	const struct uuid u = stix_namer_uuid(n, space, name);
	stix_namer_free(n);
	return u;
}

static void write_id(str type, const struct uuid *u, char out[STIX_ID_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t n = type.n < STIX_ID_MAX - UUID_TEXT_BYTES - 3 ? type.n : 0; /* no type of ours is as long */
	memcpy(out, type.p, n);
	out[n++] = '-';
	out[n++] = '-';
	for (size_t i = 0; i < sizeof u->b; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[n++] = '-';
		out[n++] = digits[u->b[i] >> 4];
		out[n++] = digits[u->b[i] & 15];
	}
	out[n] = '\0';
}

void stix_namer_id(struct stix_namer *n, const struct uuid *space, const char *type, str name, char out[STIX_ID_MAX])
{
	const struct uuid u = stix_namer_uuid(n, space, name);
	write_id(str_of(type), &u, out);
}

void stix_named_id(const struct uuid *space, const char *type, str name, char out[STIX_ID_MAX])
{
	const struct uuid u = uuid_version5(space, name);
	write_id(str_of(type), &u, out);
}

void stix_canonical_id(struct stix_namer *n, const char *type, str canonical, char out[STIX_ID_MAX])
{
	stix_namer_id(n, &observables, type, canonical, out);
}

enum rc stix_observable_id(struct json_object *o, char out[STIX_ID_MAX], struct err *err)
{
	str type = json_get_str(o, "type"), names = STR("");
	for (size_t i = 0; i < COUNT_OF(contributing); i++)
		if (str_eq(type, str_of(contributing[i].type)))
			names = str_of(contributing[i].properties);
	struct json_object *part = json_object_new_object();
	while (names.n > 0) {
		char name[32];
		(void)str_to_z(str_cut(&names, ' '), name, sizeof name);
		struct json_object *v = json_get(o, name);
		if (v)
			json_object_object_add(part, name, strcmp(name, "hashes") == 0 ? one_hash(v) : json_object_get(v));
	}
	struct buf b = BUF_INIT(MIB(1));
	enum rc rc = json_object_object_length(part) ? jcs_write(part, &b, err) :
						       fail(err, RC_ABSENT, "nothing of it makes an id");
	if (rc == RC_OK) {
		const struct uuid u = uuid_version5(&observables, buf_str(&b));
		write_id(type, &u, out);
	}
	json_free(part);
	buf_free(&b);
	return rc;
}
