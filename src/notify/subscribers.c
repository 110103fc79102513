/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/subscribers.h"

#include <json-c/json.h>

#include "base/clock.h"
#include "mail/letter.h"
#include "notify/link.h"
#include "notify/notify_private.h"

enum { AT_ONCE = 100, AUDIENCE_MOST = 40 };

static bool is_on(const struct notify *n)
{
	return settings_bool(n->w.settings, "public_pages") && n->public_url[0];
}

/* --- coming and going --- */

struct asking {
	struct notify *n;
	str email, language;
	int64_t id;
	struct arena *a;
};

/* The domain in small letters: before the @ the other side alone knows what is the same. */
static str folded(str email, struct arena *a)
{
	char *z = arena_z(a, email);
	for (size_t i = str_index(email, '@'); i < email.n; i++)
		if (z[i] >= 'A' && z[i] <= 'Z')
			z[i] = (char)(z[i] - 'A' + 'a');
	return str_mem(z, email.n);
}

static enum rc count_all(struct conn *c, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT count(*) FROM subscriber WHERE email IS NOT NULL");
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

static enum rc put_row(struct tx *tx, struct asking *k, bool *write_out, struct err *err)
{
	int64_t now = tx_now_us(tx), state = 0, asked = 0;
	struct sql *q = sql(tx_conn(tx), "SELECT id, state, asked_us FROM subscriber WHERE email = ?");
	sql_str(q, 1, k->email);
	k->id = 0;
	if (sql_row(q)) {
		k->id = sql_col_int(q, 0);
		state = sql_col_int(q, 1);
		asked = sql_col_int(q, 2);
	}
	enum rc rc = sql_end(q, err);
	*write_out = rc == RC_OK && state != SUBSCRIBER_CONFIRMED && (k->id == 0 || now - asked >= SUBSCRIBER_AGAIN_US);
	if (rc != RC_OK || !*write_out)
		return rc;
	if (k->id) {
		q = sql(tx_conn(tx), "UPDATE subscriber SET asked_us = ?, language = ? WHERE id = ?");
		sql_int(q, 1, now);
		sql_str(q, 2, k->language);
		sql_int(q, 3, k->id);
		return sql_run(q, err);
	}
	int64_t all = 0;
	rc = count_all(tx_conn(tx), &all, err);
	if (rc == RC_OK && all >= SUBSCRIBERS_MOST)
		rc = fail(err, RC_LIMIT, "the list is full");
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "INSERT INTO subscriber (email, language, state, asked_us, changed_us) VALUES (?1, ?2, 1, ?3, ?3)");
	sql_str(q, 1, k->email);
	sql_str(q, 2, k->language);
	sql_int(q, 3, now);
	rc = sql_run(q, err);
	k->id = sql_last_id(tx_conn(tx));
	return rc;
}

static enum rc ask(struct tx *tx, void *ctx, struct err *err)
{
	struct asking *k = ctx;
	bool write = false;
	int64_t message;
	enum rc rc = put_row(tx, k, &write, err);
	if (rc != RC_OK || !write)
		return rc;
	const struct message m = {
		.lane = LANE_INCIDENT, .driver = STR("mail"), .item = STR(""), .template = STR("list.confirm"),
		.recipient = arena_fmt(k->a, "subscriber:%lld", (long long)k->id),
		.details = arena_fmt(k->a, "{\"confirm\":\"" STR_FMT "\"}", STR_ARG(link_list(k->n, false, k->id, k->a))),
		.purpose = PURPOSE_OPERATION, .policy = policies_number(k->n->w.policies),
		.maker = arena_fmt(k->a, "subscriber:%lld", (long long)k->id), .made_at = (uint64_t)tx_now_us(tx),
		.expires_us = tx_now_us(tx) + SUBSCRIBER_WAITS_US };
	return outbox_put(tx, &m, NULL, 0, &message, err);
}

enum rc subscriber_ask(struct notify *n, str email, str language, struct err *err)
{
	struct asking k = { .n = n, .language = language, .a = arena_new(KIB(2)) };
	enum rc rc = is_on(n) ? RC_OK : fail(err, RC_ABSENT, "there is no list");
	if (rc == RC_OK && (email.n > LETTER_ADDRESS_MAX || !letter_address_ok(email)))
		rc = fail(err, RC_INPUT, "this is no mail address");
	if (rc == RC_OK) {
		k.email = folded(email, k.a);
		rc = store_write(n->w.store, ask, &k, err);
	}
	arena_free(k.a);
	return rc;
}

enum rc subscriber_find(struct conn *c, int64_t id, enum subscriber_state *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT state FROM subscriber WHERE id = ? AND email IS NOT NULL");
	sql_int(q, 1, id);
	bool found = sql_row(q);
	*out = found ? (enum subscriber_state)sql_col_int(q, 0) : SUBSCRIBER_LEFT;
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? fail(err, RC_ABSENT, "nobody is subscribed by this link") : rc;
}

static enum rc confirm(struct tx *tx, void *ctx, struct err *err)
{
	enum subscriber_state was;
	enum rc rc = subscriber_find(tx_conn(tx), *(int64_t *)ctx, &was, err);
	if (rc != RC_OK || was == SUBSCRIBER_CONFIRMED)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE subscriber SET state = 2, changed_us = ? WHERE id = ?");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, *(int64_t *)ctx);
	return sql_run(q, err);
}

enum rc subscriber_confirm(struct notify *n, int64_t id, struct err *err)
{
	return store_write(n->w.store, confirm, &id, err);
}

static enum rc erase_row(struct tx *tx, int64_t id, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE subscriber SET state = 3, email = NULL, changed_us = ? WHERE id = ?");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, id);
	return sql_run(q, err);
}

static enum rc leave(struct tx *tx, void *ctx, struct err *err)
{
	return erase_row(tx, *(int64_t *)ctx, err);
}

enum rc subscriber_leave(struct notify *n, int64_t id, struct err *err)
{
	return store_write(n->w.store, leave, &id, err);
}

/* --- the resolver --- */

static bool takes(str recipient)
{
	return str_starts(recipient, STR("subscriber:"));
}

static enum rc find(const struct resolving *k, str recipient, struct reached *out, struct err *err)
{
	int64_t id = 0;
	*out = (struct reached){ .address = STR(""), .name = STR(""), .languages = STR(""), .record = STR("") };
	if (!str_to_i64(str_from(recipient, STR("subscriber:").n), &id) || !k->driver->column ||
	    !str_eq(str_of(k->driver->column), STR("email")))
		return fail(err, RC_ABSENT, "'" STR_FMT "' is reached by mail alone", STR_ARG(recipient));
	struct sql *q = sql(reader_conn(k->r), "SELECT email, language FROM subscriber WHERE id = ? AND email IS NOT NULL");
	sql_int(q, 1, id);
	bool found = sql_row(q);
	if (found) {
		out->address = arena_str(k->a, sql_col_str(q, 0));
		out->name = STR("");
		out->languages = arena_str(k->a, sql_col_str(q, 1));
	}
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !found)
		rc = fail(err, RC_ABSENT, "is not on the list any more");
	return rc == RC_OK ? told_anybody(k->n->w.policies, k->driver->channel, &out->to, err) : rc;
}

const struct resolver resolver_subscriber = {
	.name = "subscriber",
	.help = "subscriber:3: of the list of warnings",
	.takes = takes,
	.find = find,
};

/* --- a warning is published --- */

bool warning_is_for_all(const struct type *t, struct json_object *body)
{
	const struct meaning *m = type_meaning(t, STR("warning.audience"));
	struct json_object *list = m && m->field ? json_get(body, m->field->name) : NULL;
	bool any = json_count(list) == 0;
	for (size_t i = 0; i < json_count(list) && i < AUDIENCE_MOST; i++)
		any = any || str_eq(json_text(json_at(list, i)), STR("public"));
	return any;
}

static bool goes_out(const struct record *before, const struct record *now)
{
	const struct meaning *m = now->type ? type_meaning(now->type, STR("warning.published")) : NULL;
	struct json_object *body = NULL;
	bool goes = m && !m->field && !now->erased && now->state == (int)m->state && before && before->state != now->state &&
		    now->labels.tlp == TLP_CLEAR && !now->labels.exercise && !now->labels.held &&
		    json_read(now->body, &body, NULL) == RC_OK && warning_is_for_all(now->type, body);
	json_free(body);
	return goes;
}

static enum rc changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		       const struct record *now, struct err *err)
{
	const struct notify *n = ctx;
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	(void)r;
	if (!is_on(n) || !goes_out(before, now))
		return RC_OK;
	record_id_format(&id, now->type_name, &now->id);
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO subscriber_mailing (record, item, version, upto, done, at_us)"
					 " VALUES (?, ?, ?, 0, 0, ?)");
	sql_blob(q, 1, str_mem(now->id.b, sizeof now->id.b));
	sql_str(q, 2, buf_str(&id));
	sql_int(q, 3, (int64_t)now->version);
	sql_int(q, 4, tx_now_us(tx));
	enum rc rc = sql_run(q, err);
	buf_free(&id);
	return rc;
}

/* --- in the background --- */

struct mailing {
	struct notify *n;
	struct arena *a;
	str record, item;
	int64_t version, upto;
	int64_t ids[AT_ONCE];
	size_t count;
	bool any;
};

static enum rc load(struct conn *c, struct mailing *k, struct err *err)
{
	struct sql *q = sql(c, "SELECT record, item, version, upto FROM subscriber_mailing WHERE done = 0 ORDER BY at_us LIMIT 1");
	k->any = sql_row(q);
	if (k->any) {
		k->record = arena_str(k->a, sql_col_blob(q, 0));
		k->item = arena_str(k->a, sql_col_str(q, 1));
		k->version = sql_col_int(q, 2);
		k->upto = sql_col_int(q, 3);
	}
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || !k->any)
		return rc;
	q = sql(c, "SELECT id FROM subscriber WHERE id > ? AND state = 2 AND email IS NOT NULL ORDER BY id LIMIT ?");
	sql_int(q, 1, k->upto);
	sql_int(q, 2, AT_ONCE);
	while (k->count < AT_ONCE && sql_row(q))
		k->ids[k->count++] = sql_col_int(q, 0);
	return sql_end(q, err);
}

static enum rc put_one(struct tx *tx, const struct mailing *k, int64_t id, struct err *err)
{
	int64_t message;
	const struct message m = {
		.lane = LANE_WARNING, .driver = STR("mail"), .item = k->item, .item_version = (uint64_t)k->version,
		.template = STR("list.warning"), .recipient = arena_fmt(k->a, "subscriber:%lld", (long long)id),
		.details = arena_fmt(k->a, "{\"unsubscribe\":\"" STR_FMT "\"}", STR_ARG(link_list(k->n, true, id, k->a))),
		.purpose = PURPOSE_HANDLING, .policy = policies_number(k->n->w.policies),
		.maker = arena_fmt(k->a, "list:" STR_FMT, STR_ARG(k->item)), .made_at = 1 };
	return outbox_put(tx, &m, NULL, 0, &message, err);
}

static enum rc mail_some(struct tx *tx, void *ctx, struct err *err)
{
	struct mailing *k = ctx;
	enum rc rc = load(tx_conn(tx), k, err);
	for (size_t i = 0; rc == RC_OK && i < k->count; i++)
		rc = put_one(tx, k, k->ids[i], err);
	if (rc != RC_OK || !k->any)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE subscriber_mailing SET upto = ?, done = ? WHERE record = ?");
	sql_int(q, 1, k->count ? k->ids[k->count - 1] : k->upto);
	sql_int(q, 2, k->count < AT_ONCE);
	sql_blob(q, 3, k->record);
	return sql_run(q, err);
}

/* Who never confirmed. */
static enum rc forget_some(struct tx *tx, void *ctx, struct err *err)
{
	(void)ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE subscriber SET state = 3, email = NULL, changed_us = ?1 WHERE id IN"
					 " (SELECT id FROM subscriber WHERE state = 1 AND asked_us < ?2 LIMIT 100)");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, tx_now_us(tx) - SUBSCRIBER_WAITS_US);
	return sql_run(q, err);
}

static enum rc wanted(struct store *s, bool *mail_out, bool *forget_out, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT EXISTS (SELECT 1 FROM subscriber_mailing WHERE done = 0),"
					    " EXISTS (SELECT 1 FROM subscriber WHERE state = 1 AND asked_us < ?)");
	sql_int(q, 1, clock_now_us() - SUBSCRIBER_WAITS_US);
	if (sql_row(q)) {
		*mail_out = sql_col_int(q, 0) != 0;
		*forget_out = sql_col_int(q, 1) != 0;
	}
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	bool mail = false, forget = false;
	*did_out = false;
	if (store_read_only(s))
		return RC_OK;
	enum rc rc = wanted(s, &mail, &forget, err);
	if (rc == RC_OK && mail) {
		struct mailing *k = x_alloc(sizeof *k);
		*k = (struct mailing){ .n = ctx, .a = arena_new(KIB(16)) };
		rc = store_write(s, mail_some, k, err);
		arena_free(k->a);
		free(k);
	}
	if (rc == RC_OK && forget)
		rc = store_write(s, forget_some, NULL, err);
	*did_out = rc == RC_OK && (mail || forget);
	return rc;
}

void subscribers_open(struct notify *n)
{
	records_add_hook(n->w.records, &(struct record_hook){ .changed = changed, .ctx = n });
	store_add_tend(n->w.store, tend, n);
}
