/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/inbound_private.h"

static const char *const kind_names[INBOUND_KINDS] = {
	[INBOUND_LOOP] = "loop", [INBOUND_BOUNCE] = "bounce", [INBOUND_REPORT] = "report",
	[INBOUND_AUTOMATIC] = "automatic", [INBOUND_ANSWER] = "answer", [INBOUND_MESSAGE] = "message",
	[INBOUND_UNREADABLE] = "unreadable",
};

const char *inbound_kind_name(enum inbound_kind k)
{
	return (unsigned)k < INBOUND_KINDS && kind_names[k] ? kind_names[k] : "";
}

/* --- keeping --- */

struct keeping {
	str box, bytes;
	struct digest digest;
	bool too_long, known;
	int64_t id;
};

/* Lines by LF: a mailbox read by IMAP has CR LF, the same one as Maildir has not. */
static struct digest digest_of(str bytes)
{
	struct sha256 *h = sha256_new();
	while (bytes.n > 0) {
		size_t n = str_find(bytes, STR("\r\n"));
		sha256_add(h, str_head(bytes, n));
		bytes = str_from(bytes, n < bytes.n ? n + 1 : n);
	}
	return sha256_end(h);
}

/* By its digest, or by what stays of one whose record was erased. */
static enum rc find_digest(struct conn *c, const struct key *secret, struct keeping *k, struct err *err)
{
	struct digest erased = inbound_erased_digest(secret, str_mem(k->digest.b, sizeof k->digest.b));
	struct sql *q = sql(c, "SELECT id FROM mail_in WHERE digest IN (?, ?)");
	sql_blob(q, 1, str_mem(k->digest.b, sizeof k->digest.b));
	sql_blob(q, 2, str_mem(erased.b, sizeof erased.b));
	k->known = sql_row(q);
	if (k->known)
		k->id = sql_col_int(q, 0);
	return sql_end(q, err);
}

static enum rc count_kind(struct conn *c, enum inbound_kind kind, struct err *err)
{
	struct sql *q = sql(c, "INSERT INTO mail_in_count (kind, mails) VALUES (?, 1)"
			       " ON CONFLICT (kind) DO UPDATE SET mails = mails + 1");
	sql_int(q, 1, kind);
	return sql_run(q, err);
}

static enum rc put_row(struct tx *tx, struct keeping *k, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO mail_in (digest, at_us, box, bytes, state, kind, message_id, record,"
					 " reports, tries, words) VALUES (?, ?, ?, ?, ?, ?, '', NULL, 0, 0, ?)");
	sql_blob(q, 1, str_mem(k->digest.b, sizeof k->digest.b));
	sql_int(q, 2, tx_now_us(tx));
	sql_str(q, 3, str_head(k->box, 300));
	sql_int(q, 4, (int64_t)k->bytes.n);
	sql_int(q, 5, k->too_long ? INBOUND_DONE : INBOUND_WAITS);
	sql_int(q, 6, k->too_long ? INBOUND_UNREADABLE : 0);
	sql_str(q, 7, k->too_long ? STR("longer than a mail may be: its bytes were not kept") : STR(""));
	enum rc rc = sql_run(q, err);
	k->id = sql_last_id(tx_conn(tx));
	return rc;
}

static enum rc keep(struct tx *tx, void *ctx, struct err *err)
{
	struct keeping *k = ctx;
	enum rc rc = find_digest(tx_conn(tx), store_secret(tx_store(tx)), k, err);
	if (rc != RC_OK || k->known)
		return rc;
	rc = put_row(tx, k, err);
	if (rc == RC_OK && k->too_long)
		return count_kind(tx_conn(tx), INBOUND_UNREADABLE, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO mail_in_raw (id, body) VALUES (?, ?)");
	sql_int(q, 1, k->id);
	sql_blob(q, 2, k->bytes);
	return sql_run(q, err);
}

enum rc inbound_keep(struct notify *n, str box, str bytes, int64_t *id_out, bool *known_out, struct err *err)
{
	if (bytes.n == 0)
		return fail(err, RC_INPUT, "an empty mail");
	struct keeping k = { .box = box, .bytes = bytes, .digest = digest_of(bytes), .too_long = bytes.n > MAIL_BYTES_MAX };
	enum rc rc = store_write(n->w.store, keep, &k, err);
	*id_out = k.id;
	*known_out = k.known;
	if (rc == RC_OK && k.too_long && !k.known)
		rc = fail(err, RC_LIMIT, "a mail of more than %d MiB", MAIL_BYTES_MAX >> 20);
	return rc;
}

/* --- reading --- */

enum rc inbound_waiting(struct conn *c, int64_t after, size_t most, int64_t *ids, size_t *count_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM mail_in WHERE state = 1 AND id > ? ORDER BY id LIMIT ?");
	size_t n = 0;
	sql_int(q, 1, after);
	sql_int(q, 2, (int64_t)most);
	while (sql_row(q))
		ids[n++] = sql_col_int(q, 0);
	*count_out = n;
	return sql_end(q, err);
}

enum rc inbound_load(struct conn *c, int64_t id, struct arena *a, struct inbound_row *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT at_us, bytes, box, message_id, words, state, kind, record, reports, tries FROM mail_in"
			       " WHERE id = ?");
	sql_int(q, 1, id);
	*out = (struct inbound_row){ .id = 0 };
	if (sql_row(q)) {
		str record = sql_col_blob(q, 7);
		*out = (struct inbound_row){
			.id = id, .at_us = sql_col_int(q, 0), .bytes = sql_col_int(q, 1),
			.box = arena_str(a, sql_col_str(q, 2)), .message_id = arena_str(a, sql_col_str(q, 3)),
			.words = arena_str(a, sql_col_str(q, 4)), .done = sql_col_int(q, 5) == INBOUND_DONE,
			.kind = (enum inbound_kind)sql_col_int(q, 6), .has_record = record.n == sizeof out->record.b,
			.reports = sql_col_int(q, 8), .tries = sql_col_int(q, 9),
		};
		if (out->has_record)
			memcpy(out->record.b, record.p, record.n);
	}
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && out->id == 0 ? fail(err, RC_ABSENT, "there is no mail %lld", (long long)id) : rc;
}

enum rc inbound_raw(struct conn *c, int64_t id, struct arena *a, str *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT body FROM mail_in_raw WHERE id = ?");
	sql_int(q, 1, id);
	bool found = sql_row(q);
	if (found)
		*out = arena_str(a, sql_col_blob(q, 0));
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? fail(err, RC_CONFLICT, "mail %lld is done", (long long)id) : rc;
}

enum rc inbound_count(struct conn *c, struct inbound_counts *out, struct err *err)
{
	*out = (struct inbound_counts){ .waiting = 0 };
	struct sql *q = sql(c, "SELECT kind, mails FROM mail_in_count");
	while (sql_row(q)) {
		int64_t kind = sql_col_int(q, 0);
		if (kind > 0 && kind < INBOUND_KINDS)
			out->of[kind] = sql_col_int(q, 1);
	}
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(c, "SELECT count(*) FROM mail_in WHERE state = 1");
	if (sql_row(q))
		out->waiting = sql_col_int(q, 0);
	return sql_end(q, err);
}

enum rc inbound_box_load(struct conn *c, str name, struct arena *a, struct inbound_box *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT validity, uid, words, since_us, remain FROM mail_box WHERE name = ?");
	sql_str(q, 1, name);
	*out = (struct inbound_box){ .name = name, .words = STR("") };
	if (sql_row(q)) {
		out->validity = (uint32_t)sql_col_int(q, 0);
		out->uid = (uint32_t)sql_col_int(q, 1);
		out->words = arena_str(a, sql_col_str(q, 2));
		out->since_us = sql_col_int(q, 3);
		out->remain = sql_col_int(q, 4);
	}
	return sql_end(q, err);
}

enum rc inbound_box_save(struct tx *tx, const struct inbound_box *box, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO mail_box (name, validity, uid, words, since_us, remain) VALUES (?, ?, ?, ?, ?, ?)"
					 " ON CONFLICT (name) DO UPDATE SET validity = excluded.validity, uid = excluded.uid,"
					 " words = excluded.words, since_us = excluded.since_us, remain = excluded.remain");
	sql_str(q, 1, box->name);
	sql_int(q, 2, box->validity);
	sql_int(q, 3, box->uid);
	sql_str(q, 4, box->words);
	sql_int(q, 5, box->since_us ? box->since_us : tx_now_us(tx));
	sql_int(q, 6, box->remain);
	return sql_run(q, err);
}

/* --- its end --- */

enum rc inbound_done(struct tx *tx, const struct inbound *in, const struct uuid *record, size_t reports, str words,
		     struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE mail_in SET state = 2, kind = ?, message_id = ?, record = ?, reports = ?,"
					 " words = ?, message = ? WHERE id = ? AND state = 1");
	sql_int(q, 1, in->kind);
	sql_str(q, 2, in->mail.message_id.n ? in->mail.message_id : STR(""));
	if (record)
		sql_blob(q, 3, str_mem(record->b, sizeof record->b));
	else
		sql_null(q, 3);
	sql_int(q, 4, (int64_t)reports);
	sql_str(q, 5, words.n ? str_head(words, 1000) : STR(""));
	bool answers = in->recipient.n > 0 && (in->kind == INBOUND_ANSWER || in->kind == INBOUND_AUTOMATIC);
	sql_int(q, 6, answers ? in->message : 0);
	sql_int(q, 7, in->id);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) != 1)
		rc = fail(err, RC_CONFLICT, "mail %lld is done", (long long)in->id);
	if (rc == RC_OK)
		rc = count_kind(tx_conn(tx), in->kind, err);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "DELETE FROM mail_in_raw WHERE id = ?");
	sql_int(q, 1, in->id);
	return sql_run(q, err);
}

struct failing {
	int64_t id, tries;
	str words;
};

static enum rc note_failed(struct tx *tx, void *ctx, struct err *err)
{
	struct failing *f = ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE mail_in SET tries = tries + 1, words = ? WHERE id = ? AND state = 1");
	sql_str(q, 1, str_head(f->words, 1000));
	sql_int(q, 2, f->id);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "SELECT tries FROM mail_in WHERE id = ?");
	sql_int(q, 1, f->id);
	if (sql_row(q))
		f->tries = sql_col_int(q, 0);
	return sql_end(q, err);
}

enum rc inbound_failed(struct notify *n, int64_t id, str words, bool *given_up_out, struct err *err)
{
	struct failing f = { .id = id, .words = words };
	enum rc rc = store_write(n->w.store, note_failed, &f, err);
	*given_up_out = f.tries >= INBOUND_TRIES;
	return rc;
}
