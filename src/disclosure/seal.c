/* SPDX-License-Identifier: Apache-2.0 */
/* seal.c: values under a case's keys. A case's keys are numbered; the highest is used for
 * what is written. Sealed bytes: 1 (form), number (32 bits, little-endian), nonce, ciphertext, tag. */
#include "disclosure/seal.h"

#include <assert.h>
#include <json-c/json.h>

#include "base/json.h"
#include "disclosure/seal_private.h"

enum { FORM = 1, HEAD = 5, WRAPPED = crypto_box_SEALBYTES + SEAL_KEY, NAMED_MOST = RECORD_NAMED_MAX,
       KEYS_MOST = 4096, HOLDERS_MOST = 256 };
#define SEALED_MOST (RECORD_BODY_MAX + KIB(1))

struct person {
	int64_t account;
	unsigned char open[SEAL_KEY];
};

static str id_of(const struct uuid *record)
{
	return str_mem(record->b, sizeof(record->b));
}

/* Record and field, so that a value opens nowhere else. */
static void about(const struct uuid *record, str field, struct buf *out)
{
	buf_add(out, STR("ronda sealed field 1"));
	buf_add(out, id_of(record));
	buf_add(out, field);
}

/* --- who is named and has a key --- */

static bool account_of(str actor, int64_t *out)
{
	str head = STR("account:");
	return str_starts(actor, head) && str_to_i64(str_from(actor, head.n), out) && *out > 0;
}

static enum rc find_persons(struct conn *c, const str *named, size_t count, struct person *out,
			    size_t *out_count, struct err *err)
{
	enum rc rc = RC_OK;
	size_t n = 0;
	for (size_t i = 0; rc == RC_OK && i < count && n < NAMED_MOST; i++) {
		int64_t account;
		if (!account_of(named[i], &account))
			continue;
		struct sql *q = sql(c, "SELECT p.public FROM seal_person p JOIN account a ON a.id = p.account"
				       " WHERE p.account = ? AND a.disabled = 0");
		sql_int(q, 1, account);
		if (sql_row(q) && sql_col_blob(q, 0).n == SEAL_KEY) {
			memcpy(out[n].open, sql_col_blob(q, 0).p, SEAL_KEY);
			out[n++].account = account;
		}
		rc = sql_end(q, err);
	}
	*out_count = n;
	return rc;
}

/* --- a case's keys --- */

static enum rc wrap(struct tx *tx, const struct uuid *record, int64_t number, const struct person *p,
		    const unsigned char key[SEAL_KEY], struct err *err)
{
	unsigned char wrapped[WRAPPED];
	if (crypto_box_seal(wrapped, key, SEAL_KEY, p->open) != 0)
		return fail(err, RC_INPUT, "the case key of account %lld is damaged", (long long)p->account);
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO seal_wrap (record, number, account, wrapped)"
					 " VALUES (?, ?, ?, ?)");
	sql_blob(q, 1, id_of(record));
	sql_int(q, 2, number);
	sql_int(q, 3, p->account);
	sql_blob(q, 4, str_mem(wrapped, sizeof(wrapped)));
	return sql_run(q, err);
}

static enum rc newest_number(struct conn *c, const struct uuid *record, int64_t *out, struct err *err)
{
	*out = 0;
	struct sql *q = sql(c, "SELECT coalesce(max(number), 0) FROM seal_wrap WHERE record = ?");
	sql_blob(q, 1, id_of(record));
	if (sql_row(q))
		*out = sql_col_int(q, 0);
	return sql_end(q, err);
}

static enum rc unwrap(struct conn *c, const struct seal_ring *ring, const struct uuid *record,
		      int64_t number, unsigned char key_out[SEAL_KEY], struct err *err)
{
	bool found = false, good = false;
	if (!ring)
		return fail(err, RC_DENIED, "this field is sealed: give your case passphrase first");
	struct sql *q = sql(c, "SELECT wrapped FROM seal_wrap WHERE record = ? AND number = ? AND account = ?");
	sql_blob(q, 1, id_of(record));
	sql_int(q, 2, number);
	sql_int(q, 3, ring->account);
	if (sql_row(q)) {
		str w = sql_col_blob(q, 0);
		found = true;
		good = w.n == WRAPPED && crypto_box_seal_open(key_out, (const unsigned char *)w.p, w.n,
							      ring->open, ring->secret) == 0;
	}
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !found)
		rc = fail(err, RC_DENIED, "this field is sealed, and you are not among those it is sealed to");
	if (rc == RC_OK && !good)
		rc = fail(err, RC_INPUT, "a key of this case is damaged");
	return rc;
}

/* Each write gets a key of its own: whoever writes need not be able to read. */
static enum rc fresh_key(struct tx *tx, const struct uuid *record, const str *named, size_t count,
			 unsigned char key[SEAL_KEY], int64_t *number_out, struct err *err)
{
	struct person persons[NAMED_MOST];
	size_t n = 0;
	enum rc rc = find_persons(tx_conn(tx), named, count, persons, &n, err);
	if (rc == RC_OK && n == 0)
		rc = fail(err, RC_DENIED, "nobody named in this record has a case key, so nothing can be sealed to them");
	if (rc == RC_OK)
		rc = newest_number(tx_conn(tx), record, number_out, err);
	if (rc == RC_OK && ++*number_out > KEYS_MOST)
		rc = fail(err, RC_LIMIT, "sealed fields of this record were written %d times: begin a new one",
			  KEYS_MOST);
	randombytes_buf(key, SEAL_KEY);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = wrap(tx, record, *number_out, &persons[i], key, err);
	return rc;
}

/* --- values --- */

static void write_sealed(const unsigned char key[SEAL_KEY], int64_t number, str bound, str json,
			 struct buf *out)
{
	struct buf raw = BUF_INIT(HEAD + SEAL_NONCE + SEAL_TAG + json.n + 1), text = BUF_INIT(raw.cap * 2 + 16);
	buf_char(&raw, FORM);
	buf_le32(&raw, (uint32_t)number);
	char *room = buf_room(&raw, SEAL_NONCE + json.n + SEAL_TAG);
	assert(room); /* it was made as large */
	seal_box(key, bound, json, (unsigned char *)room);
	raw.n += SEAL_NONCE + json.n + SEAL_TAG;
	base64url_format(&text, raw.p, raw.n);
	struct json_out j = json_out(out);
	json_open(&j, '{');
	json_put_str(&j, "sealed", buf_str(&text));
	json_close(&j, '}');
	buf_free(&text);
	buf_free(&raw);
}

enum rc seal_field(struct tx *tx, struct uuid record, str field, const str *named, size_t named_count,
		   str json, struct buf *out, struct err *err)
{
	unsigned char key[SEAL_KEY];
	int64_t number = 0;
	struct buf bound = BUF_INIT(KIB(1));
	if (json.n > RECORD_BODY_MAX)
		return fail(err, RC_LIMIT, "a sealed value is longer than a record may be");
	enum rc rc = fresh_key(tx, &record, named, named_count, key, &number, err);
	if (rc == RC_OK) {
		about(&record, field, &bound);
		write_sealed(key, number, buf_str(&bound), json, out);
	}
	sodium_memzero(key, sizeof(key));
	buf_free(&bound);
	return rc;
}

static enum rc read_sealed(str sealed_json, struct buf *raw, struct err *err)
{
	struct json_object *o = NULL;
	size_t n = 0;
	enum rc rc = json_read(sealed_json, &o, err);
	if (rc != RC_OK)
		return rc;
	str text = json_get_str(o, "sealed");
	char *room = buf_room(raw, text.n);
	if (!room || sodium_base642bin((unsigned char *)room, text.n, text.p, text.n, "", &n, NULL,
				       sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
	    n < HEAD + SEAL_NONCE + SEAL_TAG || room[0] != FORM)
		rc = fail(err, RC_INPUT, "this sealed value is damaged");
	else
		raw->n += n;
	json_free(o);
	return rc;
}

enum rc open_field(struct conn *c, const struct seal_ring *ring, struct uuid record, str field,
		   str sealed_json, struct buf *out, struct err *err)
{
	unsigned char key[SEAL_KEY];
	struct buf raw = BUF_INIT(SEALED_MOST * 2), bound = BUF_INIT(KIB(1));
	enum rc rc = read_sealed(sealed_json, &raw, err);
	struct wire w = wire_of(str_from(buf_str(&raw), 1));
	int64_t number = wire_le32(&w);
	if (rc == RC_OK)
		rc = unwrap(c, ring, &record, number, key, err);
	if (rc == RC_OK) {
		str boxed = str_from(buf_str(&raw), HEAD);
		size_t plain = boxed.n - SEAL_NONCE - SEAL_TAG;
		about(&record, field, &bound);
		char *room = buf_room(out, plain);
		if (!room)
			rc = fail(err, RC_LIMIT, "no room for an opened value");
		else if (!seal_unbox(key, buf_str(&bound), boxed, (unsigned char *)room))
			rc = fail(err, RC_INPUT, "this sealed value is damaged, or was moved here from elsewhere");
		else
			out->n += plain;
	}
	sodium_memzero(key, sizeof(key));
	buf_free(&bound);
	buf_free(&raw);
	return rc;
}

bool seal_is_sealed(struct json_object *value)
{
	return json_object_is_type(value, json_type_object) && json_object_object_length(value) == 1 &&
	       json_get_str(value, "sealed").n > 0;
}

/* --- the persons named change --- */

static bool is_named(const str *named, size_t count, int64_t account)
{
	int64_t one;
	for (size_t i = 0; i < count; i++)
		if (account_of(named[i], &one) && one == account)
			return true;
	return false;
}

static enum rc drop_wraps(struct tx *tx, const struct uuid *record, int64_t account, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM seal_wrap WHERE record = ? AND account = ?");
	sql_blob(q, 1, id_of(record));
	sql_int(q, 2, account);
	return sql_run(q, err);
}

static enum rc drop_gone(struct tx *tx, const struct uuid *record, const str *named, size_t count,
			 struct err *err)
{
	int64_t gone[HOLDERS_MOST];
	size_t n = 0;
	struct sql *q = sql(tx_conn(tx), "SELECT DISTINCT account FROM seal_wrap WHERE record = ?");
	sql_blob(q, 1, id_of(record));
	while (sql_row(q))
		if (n < HOLDERS_MOST && !is_named(named, count, sql_col_int(q, 0)))
			gone[n++] = sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && n == HOLDERS_MOST)
		rc = fail(err, RC_LIMIT, "too many persons lose this case at once");
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = drop_wraps(tx, record, gone[i], err);
	return rc;
}

static enum rc has_wrap(struct conn *c, const struct uuid *record, int64_t number, int64_t account,
			bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM seal_wrap WHERE record = ? AND number = ? AND account = ?");
	sql_blob(q, 1, id_of(record));
	sql_int(q, 2, number);
	sql_int(q, 3, account);
	*out = sql_row(q);
	return sql_end(q, err);
}

static enum rc wrap_number(struct tx *tx, const struct seal_ring *ring, const struct uuid *record,
			   int64_t number, const struct person *persons, size_t n, struct err *err)
{
	unsigned char key[SEAL_KEY];
	bool opened = false, has = false;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		rc = has_wrap(tx_conn(tx), record, number, persons[i].account, &has, err);
		if (rc != RC_OK || has)
			continue;
		if (!opened)
			rc = unwrap(tx_conn(tx), ring, record, number, key, err);
		opened = rc == RC_OK;
		if (rc == RC_OK)
			rc = wrap(tx, record, number, &persons[i], key, err);
	}
	sodium_memzero(key, sizeof(key));
	return rc;
}

enum rc seal_named(struct tx *tx, const struct seal_ring *ring, struct uuid record, const str *named,
		   size_t named_count, struct err *err)
{
	struct person persons[NAMED_MOST];
	int64_t *numbers = x_array(KEYS_MOST, sizeof(*numbers));
	size_t n = 0, keys = 0;
	/* First whoever is new, while one who goes may still open for him. */
	enum rc rc = find_persons(tx_conn(tx), named, named_count, persons, &n, err);
	if (rc == RC_OK) {
		struct sql *q = sql(tx_conn(tx), "SELECT DISTINCT number FROM seal_wrap WHERE record = ?");
		sql_blob(q, 1, id_of(&record));
		while (sql_row(q) && keys < KEYS_MOST)
			numbers[keys++] = sql_col_int(q, 0);
		rc = sql_end(q, err);
	}
	if (rc == RC_OK && keys > 0 && n == 0)
		rc = fail(err, RC_DENIED, "nobody would be left who can open what is sealed here");
	for (size_t i = 0; rc == RC_OK && i < keys; i++)
		rc = wrap_number(tx, ring, &record, numbers[i], persons, n, err);
	free(numbers);
	return rc == RC_OK ? drop_gone(tx, &record, named, named_count, err) : rc;
}

enum rc seal_forget(struct tx *tx, struct uuid record, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM seal_wrap WHERE record = ?");
	sql_blob(q, 1, id_of(&record));
	return sql_run(q, err);
}
