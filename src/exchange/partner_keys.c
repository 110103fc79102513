/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of partners, in their table. */
#include "exchange/keys.h"

static void read_row(struct sql *q, struct partner_key *k)
{
	str partner = sql_col_blob(q, 1), pin = sql_col_blob(q, 2), sign = sql_col_blob(q, 3);
	*k = (struct partner_key){ .id = sql_col_int(q, 0), .state = (enum key_state)sql_col_int(q, 4),
				   .since_us = sql_col_int(q, 5), .until_us = sql_col_int(q, 6),
				   .changed_us = sql_col_int(q, 7) };
	if (partner.n == sizeof k->partner.b)
		memcpy(k->partner.b, partner.p, partner.n);
	if (pin.n == sizeof k->who.pin.b)
		memcpy(k->who.pin.b, pin.p, pin.n);
	if (sign.n == sizeof k->who.sign)
		memcpy(k->who.sign, sign.p, sign.n);
}

enum rc partner_key_by_pin(struct conn *c, const struct digest *pin, struct partner_key *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, partner, pin, sign, state, since_us, until_us, changed_us FROM partner_key"
			       " WHERE pin = ?");
	sql_blob(q, 1, str_mem(pin->b, sizeof pin->b));
	bool found = sql_row(q);
	*out = (struct partner_key){ 0 };
	if (found)
		read_row(q, out);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	if (!found)
		return fail(err, RC_ABSENT, "that key is no partner's");
	if (out->state == KEY_WAITS)
		return fail(err, RC_ABSENT, "that key was not confirmed yet");
	if (out->state != KEY_GOOD)
		return fail(err, RC_DENIED, "that key was revoked");
	return out->until_us && out->until_us <= clock_now_us() ? fail(err, RC_DENIED, "that key has run out") : RC_OK;
}

enum rc partner_keys(struct conn *c, struct uuid partner, struct arena *a, struct partner_key **out, size_t *count_out,
		     struct err *err)
{
	enum { MOST = 100 };
	struct sql *q = sql(c, "SELECT id, partner, pin, sign, state, since_us, until_us, changed_us FROM partner_key"
			       " WHERE partner = ? ORDER BY id DESC LIMIT 100");
	*out = ARENA_ARRAY(a, MOST, struct partner_key);
	*count_out = 0;
	sql_blob(q, 1, str_mem(partner.b, sizeof partner.b));
	while (*count_out < MOST && sql_row(q))
		read_row(q, &(*out)[(*count_out)++]);
	return sql_end(q, err);
}

enum rc partner_key_add(struct tx *tx, struct uuid partner, const struct identity *who, enum key_state state,
			int64_t until_us, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT partner, sign, state FROM partner_key WHERE pin = ?");
	sql_blob(q, 1, str_mem(who->pin.b, sizeof who->pin.b));
	bool known = sql_row(q);
	bool same = known && str_eq(sql_col_blob(q, 0), str_mem(partner.b, sizeof partner.b)) &&
		    str_eq(sql_col_blob(q, 1), str_mem(who->sign, sizeof who->sign)) &&
		    sql_col_int(q, 2) != KEY_REVOKED;
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || same)
		return rc;
	if (known)
		return fail(err, RC_CONFLICT, "that key belongs to another partner, or was revoked");
	q = sql(tx_conn(tx), "INSERT INTO partner_key (partner, pin, sign, state, since_us, until_us, changed_us, why)"
			     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, '')");
	sql_blob(q, 1, str_mem(partner.b, sizeof partner.b));
	sql_blob(q, 2, str_mem(who->pin.b, sizeof who->pin.b));
	sql_blob(q, 3, str_mem(who->sign, sizeof who->sign));
	sql_int(q, 4, state);
	sql_int(q, 5, tx_now_us(tx));
	sql_int(q, 6, until_us);
	return sql_run(q, err);
}

enum rc partner_key_until(struct tx *tx, int64_t key, int64_t until_us, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE partner_key SET until_us = ?2 WHERE id = ?1 AND"
					 " (until_us = 0 OR until_us > ?2)");
	sql_int(q, 1, key);
	sql_int(q, 2, until_us);
	return sql_run(q, err);
}

enum rc partner_keys_confirm(struct tx *tx, struct uuid partner, uint64_t *out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE partner_key SET state = 2, changed_us = ?2"
					 " WHERE partner = ?1 AND state = 1");
	sql_blob(q, 1, str_mem(partner.b, sizeof partner.b));
	sql_int(q, 2, tx_now_us(tx));
	enum rc rc = sql_run(q, err);
	*out = rc == RC_OK ? (uint64_t)sql_changes(tx_conn(tx)) : 0;
	return rc;
}

enum rc partner_keys_revoke(struct tx *tx, struct journal *j, struct uuid partner, int64_t key, str why, str by,
			    uint64_t *out, struct err *err)
{
	struct buf object = BUF_INIT(64), body = BUF_INIT(KIB(4));
	struct json_out o = json_out(&body);
	if (str_trim(why).n == 0)
		return fail(err, RC_INPUT, "say why a key is revoked");
	struct sql *q = sql(tx_conn(tx), "UPDATE partner_key SET state = 3, changed_us = ?3, why = ?4"
					 " WHERE partner = ?1 AND (?2 = 0 OR id = ?2) AND state <> 3");
	sql_blob(q, 1, str_mem(partner.b, sizeof partner.b));
	sql_int(q, 2, key);
	sql_int(q, 3, tx_now_us(tx));
	sql_str(q, 4, why);
	enum rc rc = sql_run(q, err);
	*out = rc == RC_OK ? (uint64_t)sql_changes(tx_conn(tx)) : 0;
	buf_add(&object, STR("partner--"));
	uuid_format(&object, &partner);
	json_open(&o, '{');
	json_put_str(&o, "why", why);
	json_close(&o, '}');
	const struct journal_act act = { .act = "partner.key.revoke", .actor = by, .object = buf_str(&object),
					 .count = *out, .body = buf_str(&body) };
	if (rc == RC_OK)
		rc = journal_add(tx, j, &act, err);
	buf_free(&object);
	buf_free(&body);
	return rc;
}

static enum rc key_act(struct tx *tx, struct journal *j, const char *act, struct uuid partner, str why, str by, uint64_t count,
		       struct err *err)
{
	struct buf object = BUF_INIT(64), body = BUF_INIT(KIB(4));
	struct json_out o = json_out(&body);
	buf_add(&object, STR("partner--"));
	uuid_format(&object, &partner);
	json_open(&o, '{');
	json_put_str(&o, "why", why);
	json_close(&o, '}');
	const struct journal_act line = { .act = act, .actor = by, .object = buf_str(&object), .count = count,
					  .body = buf_str(&body) };
	enum rc rc = journal_add(tx, j, &line, err);
	buf_free(&object);
	buf_free(&body);
	return rc;
}

enum rc partner_keys_final(struct tx *tx, struct journal *j, struct uuid partner, int64_t key, str by, uint64_t *out,
			   struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO partner_key_final (key, at_us, by) SELECT id, ?3, ?4"
					 " FROM partner_key WHERE partner = ?1 AND (?2 = 0 OR id = ?2) AND state = 3");
	sql_blob(q, 1, str_mem(partner.b, sizeof partner.b));
	sql_int(q, 2, key);
	sql_int(q, 3, tx_now_us(tx));
	sql_str(q, 4, by);
	enum rc rc = sql_run(q, err);
	*out = rc == RC_OK ? (uint64_t)sql_changes(tx_conn(tx)) : 0;
	if (rc == RC_OK && *out == 0)
		return fail(err, RC_ABSENT, "no key of it is revoked whose revocation is not final yet");
	return rc == RC_OK ? key_act(tx, j, "partner.key.final", partner, STR(""), by, *out, err) : rc;
}

enum rc partner_keys_revoked_us(struct conn *c, struct uuid partner, int64_t key, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT coalesce(max(changed_us), 0) FROM partner_key WHERE partner = ?1 AND (?2 = 0 OR id = ?2)"
			       " AND state = 3");
	sql_blob(q, 1, str_mem(partner.b, sizeof partner.b));
	sql_int(q, 2, key);
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc partner_keys_may_restore(struct conn *c, struct uuid partner, int64_t key, str why, struct err *err)
{
	struct sql *q = sql(c, "SELECT f.key IS NOT NULL FROM partner_key k LEFT JOIN partner_key_final f ON f.key = k.id"
					 " WHERE k.partner = ?1 AND k.id = ?2 AND k.state = 3");
	sql_blob(q, 1, str_mem(partner.b, sizeof partner.b));
	sql_int(q, 2, key);
	bool found = sql_row(q), final = found && sql_col_int(q, 0) != 0;
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && str_trim(why).n == 0)
		return fail(err, RC_INPUT, "say why a key is good again");
	if (rc == RC_OK && !found)
		return fail(err, RC_ABSENT, "it has no such key that is revoked");
	if (rc == RC_OK && final)
		return fail(err, RC_DENIED, "that revocation is final: pair again ('ronda partner invite ID')");
	return rc;
}

enum rc partner_keys_restore(struct tx *tx, struct journal *j, struct uuid partner, int64_t key, str why, str by,
			     struct err *err)
{
	enum rc rc = partner_keys_may_restore(tx_conn(tx), partner, key, why, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE partner_key SET state = 2, changed_us = ?2, why = ?3 WHERE id = ?1");
	sql_int(q, 1, key);
	sql_int(q, 2, tx_now_us(tx));
	sql_str(q, 3, why);
	rc = sql_run(q, err);
	return rc == RC_OK ? key_act(tx, j, "partner.key.restore", partner, why, by, 1, err) : rc;
}
