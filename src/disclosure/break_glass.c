/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/break_glass.h"

#include "base/clock.h"
#include "disclosure/break_glass_private.h"
#include "disclosure/change.h"

static bool holds(const struct roles *r, const struct viewer *v, bool approve)
{
	if (v->as.kind != RECIPIENT_STAFF || !v->account || v->reads_only || !uuid_is_zero(&v->organisation))
		return false;
	for (size_t i = 0; i < roles_count(r); i++)
		if (v->roles >> i & 1 && (approve ? roles_at(r, i)->approves : roles_at(r, i)->breaks_glass))
			return true;
	return false;
}

/* --- reading behind it --- */

enum rc glass_is_broken(struct conn *c, const struct viewer *v, const struct record *r, bool *out,
			struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM break_glass WHERE record = ? AND actor = ? AND until_us > ?");

	sql_blob(q, 1, str_mem(r->id.b, sizeof(r->id.b)));
	sql_str(q, 2, str_of(v->actor));
	sql_int(q, 3, clock_now_us());
	*out = sql_row(q);
	return sql_end(q, err);
}

bool glass_passes(const struct viewer *v, const struct record *r, struct viewer *wide_out,
		  struct labels *labels_out, struct decision *decision_out)
{
	bool eyes = v->channel == CHANNEL_SCREEN || v->channel == CHANNEL_CLI;

	*wide_out = *v;
	wide_out->as.ceiling = TLP_RED;
	wide_out->as.named = true;
	wide_out->as.personal_basis = true;
	*labels_out = labels_for(r, wide_out);
	labels_out->names_recipient = true;
	*decision_out = may_disclose(labels_out, &wide_out->as, v->channel, PURPOSE_HANDLING, &v->policy);
	return eyes && v->as.kind == RECIPIENT_STAFF && r->type && decision_out->verdict != DISCLOSE_NO;
}

/* --- breaking it --- */

struct breaking {
	struct records *r;
	const struct viewer *v;
	str item, words;
	int64_t id, until_us;
};

static enum rc find(struct tx *tx, struct records *r, str item, struct arena *a, struct record *out,
		    struct err *err)
{
	struct snapshot *types = records_types_snapshot(r);
	struct snapshot_ref *ref = snapshot_hold(types);
	const struct types *t = snapshot_table(ref);
	struct uuid id;
	str type, head = item;
	uint64_t number;
	size_t dash = item.n;
	enum rc rc = RC_ABSENT;

	while (dash > 0 && item.p[dash - 1] != '-')
		dash--;
	head.n = dash > 0 ? dash - 1 : 0;
	const struct type *known = types_find(t, head);
	if (record_id_parse(item, &type, &id))
		rc = record_load(tx_conn(tx), t, id, a, out, err);
	else if (known && str_to_u64(str_from(item, dash), &number))
		rc = record_load_number(tx_conn(tx), known, number, a, out, err);
	snapshot_drop(types, ref);
	return rc == RC_ABSENT ? fail(err, RC_ABSENT, "there is no such record") : rc;
}

static enum rc write_line(struct tx *tx, struct records *r, const struct viewer *v, const char *what,
			  str object, int64_t id, str words, struct err *err)
{
	struct buf body = BUF_INIT(KIB(16));
	struct json_out j = json_out(&body);

	json_open(&j, '{');
	json_put_i64(&j, "id", id);
	json_put_str(&j, "words", words);
	json_close(&j, '}');
	const struct journal_act act = { .act = what, .actor = str_of(v->actor), .object = object,
					 .count = 1, .body = buf_str(&body) };
	enum rc rc = journal_add(tx, records_journal(r), &act, err);
	buf_free(&body);
	return rc;
}

static enum rc break_it(struct tx *tx, void *ctx, struct err *err)
{
	struct breaking *b = ctx;
	struct arena *a = arena_new(KIB(16));
	struct buf item = BUF_INIT(RECORD_ID_BYTES);
	struct record record;

	enum rc rc = find(tx, b->r, b->item, a, &record, err);
	if (rc == RC_OK) {
		record_id_format(&item, record.type_name, &record.id);
		b->until_us = tx_now_us(tx) + BREAK_GLASS_US;
		struct sql *q = sql(tx_conn(tx),
				    "INSERT INTO break_glass (record, item, actor, reason, at_us, until_us,"
				    " reviewed_by, reviewed_us, words) VALUES (?, ?, ?, ?, ?, ?, '', 0, '')");
		sql_blob(q, 1, str_mem(record.id.b, sizeof(record.id.b)));
		sql_str(q, 2, buf_str(&item));
		sql_str(q, 3, str_of(b->v->actor));
		sql_str(q, 4, b->words);
		sql_int(q, 5, tx_now_us(tx));
		sql_int(q, 6, b->until_us);
		rc = sql_run(q, err);
		b->id = sql_last_id(tx_conn(tx));
	}
	if (rc == RC_OK)
		rc = write_line(tx, b->r, b->v, "break-glass", buf_str(&item), b->id, b->words, err);
	buf_free(&item);
	arena_free(a);
	return rc;
}

static enum rc check_words(str words, struct err *err)
{
	str w = str_trim_all(words);

	if (w.n < BREAK_GLASS_REASON_LEAST || w.n > BREAK_GLASS_REASON_MOST || !str_is_utf8(w))
		return fail(err, RC_INPUT, "a reason of %d to %d bytes must be given",
			    BREAK_GLASS_REASON_LEAST, BREAK_GLASS_REASON_MOST);
	return RC_OK;
}

enum rc break_glass(struct records *r, struct store *s, const struct roles *roles,
		    const struct viewer *v, str item, str reason, int64_t *id_out,
		    int64_t *until_us_out, struct err *err)
{
	struct breaking b = { .r = r, .v = v, .item = item, .words = str_trim_all(reason) };

	if (!holds(roles, v, false)) {
		change_refused(r, s, v, item, STR("no role of the actor may break the glass"));
		return fail(err, RC_DENIED, "no role of yours may open a record in an emergency");
	}
	enum rc rc = check_words(reason, err);
	if (rc == RC_OK)
		rc = store_write(s, break_it, &b, err);
	*id_out = b.id;
	*until_us_out = b.until_us;
	return rc;
}

/* --- reviewing --- */

struct reviewing {
	struct records *r;
	const struct viewer *v;
	int64_t id;
	str words;
};

static enum rc review_it(struct tx *tx, void *ctx, struct err *err)
{
	const struct reviewing *w = ctx;
	struct conn *c = tx_conn(tx);
	struct sql *q = sql(c, "SELECT actor, item, reviewed_us FROM break_glass WHERE id = ?");
	struct arena *a = arena_new(KIB(1));
	str actor = STR(""), item = STR("");
	int64_t reviewed = 0;

	sql_int(q, 1, w->id);
	bool found = sql_row(q);
	if (found) {
		actor = arena_str(a, sql_col_str(q, 0));
		item = arena_str(a, sql_col_str(q, 1));
		reviewed = sql_col_int(q, 2);
	}
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !found)
		rc = fail(err, RC_ABSENT, "there is no such emergency");
	if (rc == RC_OK && reviewed)
		rc = fail(err, RC_CONFLICT, "it was reviewed already");
	if (rc == RC_OK && str_eq(actor, str_of(w->v->actor)))
		rc = fail(err, RC_DENIED, "another person must review it");
	if (rc == RC_OK) {
		q = sql(c, "UPDATE break_glass SET reviewed_by = ?2, reviewed_us = ?3, words = ?4 WHERE id = ?1");
		sql_int(q, 1, w->id);
		sql_str(q, 2, str_of(w->v->actor));
		sql_int(q, 3, tx_now_us(tx));
		sql_str(q, 4, w->words);
		rc = sql_run(q, err);
	}
	if (rc == RC_OK)
		rc = write_line(tx, w->r, w->v, "break-glass.review", item, w->id, w->words, err);
	arena_free(a);
	return rc;
}

enum rc break_glass_review(struct records *r, struct store *s, const struct roles *roles,
			   const struct viewer *v, int64_t id, str words, struct err *err)
{
	struct reviewing w = { r, v, id, str_trim_all(words) };

	if (!holds(roles, v, true))
		return fail(err, RC_DENIED, "no role of yours reviews emergencies");
	enum rc rc = check_words(words, err);
	return rc == RC_OK ? store_write(s, review_it, &w, err) : rc;
}

enum rc break_glass_list(struct conn *c, const struct roles *roles, const struct viewer *v, bool open,
			 size_t limit, struct arena *a, struct glass **out, size_t *count_out,
			 struct err *err)
{
	*count_out = 0;
	*out = NULL;
	if (!holds(roles, v, true) && !holds(roles, v, false) && !viewer_reads_journal(v, roles))
		return fail(err, RC_DENIED, "no role of yours sees emergencies");
	if (limit > 1000)
		limit = 1000;
	*out = ARENA_ARRAY(a, limit + 1, struct glass);
	struct sql *q = sql(c, "SELECT id, at_us, until_us, reviewed_us, item, actor, reason, reviewed_by, words"
			       " FROM break_glass WHERE ?1 = 0 OR reviewed_us = 0 ORDER BY id DESC LIMIT ?2");
	sql_int(q, 1, open);
	sql_int(q, 2, (int64_t)limit);
	while (*count_out < limit && sql_row(q))
		(*out)[(*count_out)++] = (struct glass){
			.id = sql_col_int(q, 0), .at_us = sql_col_int(q, 1), .until_us = sql_col_int(q, 2),
			.reviewed_us = sql_col_int(q, 3), .item = arena_str(a, sql_col_str(q, 4)),
			.actor = arena_str(a, sql_col_str(q, 5)), .reason = arena_str(a, sql_col_str(q, 6)),
			.reviewed_by = arena_str(a, sql_col_str(q, 7)), .words = arena_str(a, sql_col_str(q, 8)),
		};
	return sql_end(q, err);
}
