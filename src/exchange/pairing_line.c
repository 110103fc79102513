/* SPDX-License-Identifier: Apache-2.0 */
/* The line of an invitation: "ronda1." and base64url of JSON, then 8 hex digits of its CRC-32, so that one that was
 * not copied whole says so. */
#include "exchange/pairing_private.h"

#define LINE_BEGIN "ronda1."

static void put_b64(struct json_out *j, const char *key, const void *p, size_t n)
{
	struct buf b = BUF_INIT(128);
	base64url_format(&b, p, n);
	json_put_str(j, key, buf_str(&b));
	buf_free(&b);
}

void pairing_write(const struct invitation *i, struct buf *line)
{
	struct buf text = BUF_INIT(PAIRING_LINE_MAX);
	struct json_out j = json_out(&text);
	json_open(&j, '{');
	json_put_str(&j, "address", i->address);
	json_put_str(&j, "node", i->node);
	json_put_str(&j, "name", i->name);
	put_b64(&j, "pin", i->who.pin.b, sizeof i->who.pin.b);
	put_b64(&j, "sign", i->who.sign, sizeof i->who.sign);
	put_b64(&j, "secret", i->secret, sizeof i->secret);
	json_put_i64(&j, "until", i->expires_us / SECOND_US);
	json_close(&j, '}');
	buf_add(line, STR(LINE_BEGIN));
	base64url_format(line, text.p, text.n);
	buf_fmt(line, ".%08x", crc32_of(buf_str(&text)));
	explicit_bzero(text.p, text.n);
	buf_free(&text);
}

static bool take_b64(struct json_object *o, const char *key, void *out, size_t n)
{
	struct buf b = BUF_INIT(128);
	bool good = base64url_parse(json_get_str(o, key), &b) && b.n == n;
	if (good)
		memcpy(out, b.p, n);
	buf_free(&b);
	return good;
}

static bool take_members(struct json_object *o, struct arena *a, struct invitation *out)
{
	int64_t until = 0;
	struct uuid node;
	*out = (struct invitation){ .address = arena_str(a, json_get_str(o, "address")),
				    .node = arena_str(a, json_get_str(o, "node")),
				    .name = arena_str(a, json_get_str(o, "name")) };
	bool good = pairing_address_ok(out->address) && uuid_parse(out->node, &node) && pairing_name_ok(out->name) &&
		    take_b64(o, "pin", out->who.pin.b, sizeof out->who.pin.b) &&
		    take_b64(o, "sign", out->who.sign, sizeof out->who.sign) &&
		    take_b64(o, "secret", out->secret, sizeof out->secret) && json_get_i64(o, "until", &until) &&
		    until > 0 && until < INT64_MAX / SECOND_US;
	out->expires_us = good ? until * SECOND_US : 0;
	return good;
}

enum rc pairing_read(str line, struct arena *a, struct invitation *out, struct err *err)
{
	struct buf text = BUF_INIT(PAIRING_LINE_MAX);
	struct json_object *o = NULL;
	char sum[9];
	line = str_trim_all(line);
	bool ours = str_starts(line, STR(LINE_BEGIN)) && line.n <= PAIRING_LINE_MAX;
	str rest = str_from(line, STR(LINE_BEGIN).n), body = str_cut(&rest, '.');
	bool whole = ours && base64url_parse(body, &text);
	if (whole)
		snprintf(sum, sizeof sum, "%08x", crc32_of(buf_str(&text)));
	whole = whole && str_eq(rest, str_of(sum));
	enum rc rc = !ours ? fail(err, RC_INPUT, "that is no invitation: it begins with '" LINE_BEGIN "'") :
		     !whole ? fail(err, RC_INPUT, "the invitation was not copied whole: it is one line, without spaces") :
			      json_read(buf_str(&text), &o, err);
	if (rc == RC_OK && !take_members(o, a, out))
		rc = fail(err, RC_INPUT, "the invitation says something that cannot be");
	json_free(o);
	if (text.p)
		explicit_bzero(text.p, text.n);
	buf_free(&text);
	return rc;
}
