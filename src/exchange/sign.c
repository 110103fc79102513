/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures over what is sent (Ed25519, RFC 8032), and the announcement of another key. */
#include <sodium.h>

#include "exchange/keys.h"

#define SIGNATURE_BEGIN "v1="

/* A line each; values are of our own making or were checked to be of one line. */
static bool head_text(const struct signed_head *h, str bytes, struct buf *out)
{
	const str parts[] = { h->from, h->to, h->what, h->lane, h->type, h->encoding };
	struct digest d = sha256(bytes);
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (parts[i].n && !str_is_plain(parts[i]))
			return false;
	buf_fmt(out, "ronda exchange 1\nfrom " STR_FMT "\nto " STR_FMT "\nwhat " STR_FMT "\nlane " STR_FMT "\n",
		STR_ARG(h->from), STR_ARG(h->to), STR_ARG(h->what), STR_ARG(h->lane));
	buf_fmt(out, "after %lld\nupto %lld\ntype " STR_FMT "\nencoding " STR_FMT "\nsha256 ", (long long)h->after_us,
		(long long)h->upto_us, STR_ARG(h->type), STR_ARG(h->encoding));
	hex_format(out, d.b, sizeof d.b);
	buf_char(out, '\n');
	return !out->over;
}

void signature_make(const unsigned char secret[64], const struct signed_head *h, str bytes, struct buf *out)
{
	unsigned char signature[crypto_sign_BYTES];
	struct buf text = BUF_INIT(KIB(8));
	if (head_text(h, bytes, &text)) {
		crypto_sign_detached(signature, NULL, (const unsigned char *)text.p, text.n, secret);
		buf_add(out, STR(SIGNATURE_BEGIN));
		base64url_format(out, signature, sizeof signature);
	}
	buf_free(&text);
}

bool signature_good(const uint8_t sign[32], const struct signed_head *h, str bytes, str signature)
{
	struct buf raw = BUF_INIT(128), text = BUF_INIT(KIB(8));
	bool good = !sodium_is_zero(sign, 32) && str_starts(signature, STR(SIGNATURE_BEGIN)) &&
		    base64url_parse(str_from(signature, STR(SIGNATURE_BEGIN).n), &raw) &&
		    raw.n == crypto_sign_BYTES && head_text(h, bytes, &text) &&
		    crypto_sign_verify_detached((const unsigned char *)raw.p, (const unsigned char *)text.p, text.n,
						sign) == 0;
	buf_free(&raw);
	buf_free(&text);
	return good;
}

/* --- announcing another key --- */

static const struct signed_head *announcement(struct signed_head *h, str node)
{
	*h = (struct signed_head){ .from = node, .to = STR("*"), .what = STR("key"), .type = STR("application/json") };
	return h;
}

void keys_statement(const struct own_keys *k, str node, struct buf *text, struct buf *signature)
{
	struct json_out j = json_out(text);
	struct buf hex = BUF_INIT(128);
	struct signed_head h;
	json_open(&j, '{');
	hex_format(&hex, k->next.who.pin.b, sizeof k->next.who.pin.b);
	json_put_str(&j, "pin", buf_str(&hex));
	buf_reset(&hex);
	hex_format(&hex, k->next.who.sign, sizeof k->next.who.sign);
	json_put_str(&j, "sign", buf_str(&hex));
	/* a day more than we need it: clocks differ */
	json_put_i64(&j, "old_until_us", k->switch_us + DAY_US);
	json_close(&j, '}');
	signature_make(k->now.secret, announcement(&h, node), buf_str(text), signature);
	buf_free(&hex);
}

enum { KEYS_GOOD_MOST = 4 /* of one partner: the one in use, the one before, the next, one to spare */ };

static enum rc good_keys(struct tx *tx, struct uuid partner, int64_t *out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT count(*) FROM partner_key WHERE partner = ?1 AND state = 2"
					 " AND (until_us = 0 OR until_us > ?2)");
	sql_blob(q, 1, str_mem(partner.b, sizeof partner.b));
	sql_int(q, 2, tx_now_us(tx));
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

/* The old one may have been revoked since it was looked at, and none makes itself more than a few. */
static enum rc add_next(struct tx *tx, const struct partner_key *old, const struct identity *next, bool *fresh, struct err *err)
{
	struct partner_key now;
	int64_t before = 0, after = 0;
	enum rc rc = partner_key_by_pin(tx_conn(tx), &old->who.pin, &now, err);
	if (rc == RC_OK)
		rc = good_keys(tx, old->partner, &before, err);
	if (rc == RC_OK)
		rc = partner_key_add(tx, old->partner, next, KEY_GOOD, 0, err);
	if (rc == RC_OK)
		rc = good_keys(tx, old->partner, &after, err);
	*fresh = after > before;
	return rc == RC_OK && after > KEYS_GOOD_MOST && *fresh ?
		fail(err, RC_DENIED, "it has announced too many keys: revoke those that are not in use") : rc;
}

enum rc keys_announced(struct tx *tx, struct exchange *x, const struct partner_key *old, str node, str text,
		       str signature, struct err *err)
{
	struct json_object *o = NULL;
	struct signed_head h;
	struct identity next;
	int64_t until = 0;
	bool fresh = false;
	if (!signature_good(old->who.sign, announcement(&h, node), text, signature))
		return fail(err, RC_DENIED, "the announcement of a key is not signed by the key it replaces");
	enum rc rc = json_read(text, &o, err);
	if (rc == RC_OK && !(hex_parse(json_get_str(o, "pin"), next.pin.b, sizeof next.pin.b) &&
			     hex_parse(json_get_str(o, "sign"), next.sign, sizeof next.sign) &&
			     json_get_i64(o, "old_until_us", &until) && until > 0))
		rc = fail(err, RC_INPUT, "the announcement of a key lacks something");
	json_free(o);
	if (rc == RC_OK)
		rc = add_next(tx, old, &next, &fresh, err);
	if (rc == RC_OK)
		rc = partner_key_until(tx, old->id, until, err);
	struct buf object = BUF_INIT(64);
	buf_add(&object, STR("partner--"));
	uuid_format(&object, &old->partner);
	const struct journal_act line = { .act = "partner.key", .actor = buf_str(&object), .object = buf_str(&object),
					  .body = text };
	if (rc == RC_OK && fresh) /* the same again is no act */
		rc = journal_add(tx, exchange_world_of(x)->journal, &line, err);
	buf_free(&object);
	return rc;
}
