/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/notices.h"

#include "disclosure/change.h"
#include "disclosure/read_records_private.h"
#include "record/clocks.h"

enum { NOTICES_MOST = 1000, NOTE_MAX = 1000 };
static const char driver[] = "notice";

/* --- whom it is for --- */

/* All names under which this viewer is told something. */
static size_t names_of(const struct roles *r, const struct viewer *v, struct arena *a, str out[ROLES_MAX + 2])
{
	size_t n = 0, roles = roles_count(r);

	if (v->account)
		out[n++] = arena_fmt(a, "account:%lld", (long long)v->account);
	if (!uuid_is_zero(&v->person)) {
		struct buf id = BUF_INIT(RECORD_ID_BYTES);
		record_id_format(&id, STR("person"), &v->person);
		out[n++] = arena_str(a, buf_str(&id));
		buf_free(&id);
	}
	for (size_t bit = 0; bit < roles; bit++)
		if (v->roles >> bit & 1)
			out[n++] = arena_fmt(a, "role:%s", roles_at(r, bit)->name);
	return n;
}

static bool is_for(const struct roles *r, const struct viewer *v, str recipient, struct arena *a)
{
	str names[ROLES_MAX + 2];
	size_t n = names_of(r, v, a, names);

	for (size_t i = 0; i < n; i++)
		if (str_eq(names[i], recipient))
			return true;
	return false;
}

/* --- reading --- */

static int newest_first(const void *a, const void *b)
{
	const struct message *x = a, *y = b;

	return (x->id < y->id) - (x->id > y->id);
}

static enum rc collect(struct conn *c, const struct roles *r, const struct viewer *v, int64_t before,
		       size_t limit, struct arena *a, struct message **out, size_t *count_out, struct err *err)
{
	str names[ROLES_MAX + 2];
	size_t n = names_of(r, v, a, names), count = 0;
	struct message *all = ARENA_ARRAY(a, n * limit + 1, struct message);
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct message *list;
		size_t got = 0;
		rc = outbox_waiting(c, driver, names[i], before, limit, a, &list, &got, err);
		if (rc == RC_OK && got > 0)
			memcpy(&all[count], list, got * sizeof(*list));
		count += rc == RC_OK ? got : 0;
	}
	qsort(all, count, sizeof(*all), newest_first);
	*out = all;
	*count_out = count < limit ? count : limit;
	return rc;
}

static str title_of(const struct record_view *view, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(8));

	record_view_text(view, record_view_type(view)->title, &b);
	str title = arena_str(a, buf_str(&b));
	buf_free(&b);
	return title;
}

static void say_what(struct notice *n, const struct message *m, const struct record_view *view,
		     struct arena *a)
{
	struct json_object *details = NULL;

	n->visible = true;
	n->item = m->item;
	n->type = arena_str(a, str_of(record_view_type(view)->name));
	n->title = title_of(view, a);
	if (json_read(m->details, &details, NULL) != RC_OK)
		return;
	n->clock = arena_str(a, json_get_str(details, "clock"));
	if (!time_parse(json_get_str(details, "due"), true, &n->due_us))
		n->due_us = TIME_NONE;
	(void)json_get_i64(details, "step", &n->step);
	(void)json_get_bool(details, "nobody", &n->nobody);
	n->watch = arena_str(a, json_get_str(details, "watch"));
	n->words = arena_str(a, json_get_str(details, "words"));
	json_free(details);
}

static enum rc show(struct reader *r, const struct types *t, const struct viewer *v,
		    const struct message *m, struct arena *a, struct notice *out, struct err *err)
{
	struct record_view view = { 0 };
	struct err why = { 0 };

	*out = (struct notice){ .id = m->id, .made_us = m->made_us, .to = m->recipient, .item = STR(""),
				.type = STR(""), .title = STR(""), .clock = STR(""), .due_us = TIME_NONE,
				.watch = STR(""), .words = STR("") };
	enum rc rc = read_record(r, t, v, m->item, a, &view, &why);
	if (rc == RC_OK)
		say_what(out, m, &view, a);
	record_view_end(&view);
	return rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", why.text);
}

enum rc read_notices(struct reader *r, const struct types *t, const struct roles *roles,
		     const struct viewer *v, int64_t before, size_t limit, struct arena *a, struct notice **out, size_t *count_out,
		     struct err *err)
{
	struct message *list = NULL;
	size_t count = 0, most = limit < NOTICES_MOST ? limit : NOTICES_MOST;

	*count_out = 0;
	enum rc rc = collect(reader_conn(r), roles, v, before, most, a, &list, &count, err);
	*out = ARENA_ARRAY(a, count + 1, struct notice);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = show(r, t, v, &list[i], a, &(*out)[i], err);
	*count_out = rc == RC_OK ? count : 0;
	return rc;
}

/* --- taking note --- */

struct taking {
	struct records *r;
	const struct roles *roles;
	const struct viewer *v;
	int64_t id;
	str words;
};

static enum rc load_for(struct tx *tx, const struct taking *k, struct arena *a, struct message *out,
			struct err *err)
{
	enum rc rc = outbox_load(tx_conn(tx), k->id, a, out, err);

	if (rc == RC_OK && str_eq(out->driver, str_of(driver)) && is_for(k->roles, k->v, out->recipient, a))
		return RC_OK;
	return rc == RC_OK || rc == RC_ABSENT ? fail(err, RC_ABSENT, "there is no such notice") : rc;
}

static enum rc may_see(struct tx *tx, const struct taking *k, str item, struct arena *a,
		       struct record *out, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(k->r));
	struct labels labels;
	struct decision decision;

	enum rc rc = record_gate(tx_conn(tx), snapshot_table(ref), k->v, item, a, out, &labels, &decision,
				 err);
	snapshot_drop(records_types_snapshot(k->r), ref);
	return rc == RC_ABSENT ? fail(err, RC_DENIED, "you may not see what it is about") : rc;
}

static enum rc end_message(struct tx *tx, const struct taking *k, struct err *err)
{
	const struct outcome_of o = { .outcome = OUTCOME_SENT, .policy = k->v->policy.number,
				      .rule = "shown here to one whom it is for" };

	enum rc rc = outbox_take_one(tx, k->id, err);
	if (rc == RC_OK)
		rc = outbox_end_tx(tx, k->id, &o, err);
	if (rc == RC_OK)
		rc = ledger_receipt(tx, k->id, LEDGER_RECEIPT, str_of(k->v->actor), k->words, err);
	return rc;
}

/* The clock that made it; whatever else made it, a line of its own. */
static enum rc note_maker(struct tx *tx, const struct taking *k, const struct message *m,
			  const struct record *r, struct arena *a, struct err *err)
{
	struct json_object *details = NULL;
	struct err why = { 0 };
	enum rc rc = RC_ABSENT;

	if (json_read(m->details, &details, NULL) == RC_OK && json_get_str(details, "clock").n > 0)
		rc = clock_noted(tx, records_journal(k->r), r->id, json_get_str(details, "clock"),
				 str_of(k->v->actor), k->words, &why);
	json_free(details);
	if (rc != RC_ABSENT)
		return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
	struct journal_act act = { .act = "notice.noted", .actor = str_of(k->v->actor),
				   .object = arena_fmt(a, "message:%lld", (long long)k->id) };
	return journal_add(tx, records_journal(k->r), &act, err);
}

static enum rc take(struct tx *tx, void *ctx, struct err *err)
{
	const struct taking *k = ctx;
	struct arena *a = arena_new(KIB(16));
	struct message m;
	struct record r;

	enum rc rc = load_for(tx, k, a, &m, err);
	if (rc == RC_OK)
		rc = may_see(tx, k, m.item, a, &r, err);
	if (rc == RC_OK)
		rc = end_message(tx, k, err);
	if (rc == RC_OK)
		rc = note_maker(tx, k, &m, &r, a, err);
	arena_free(a);
	return rc;
}

enum rc notice_take(struct records *r, struct store *s, const struct roles *roles,
		    const struct viewer *v, int64_t id, str words, struct err *err)
{
	struct taking k = { r, roles, v, id, words.p ? words : STR("") };
	struct err why = { 0 };
	enum rc rc;

	if (k.words.n > NOTE_MAX || (k.words.n > 0 && !str_is_plain(k.words)))
		return fail(err, RC_INPUT, "a note is plain text of one line, at most %d bytes", NOTE_MAX);
	if (v->reads_only)
		rc = fail(&why, RC_DENIED, "this token only reads");
	else
		rc = store_write(s, take, &k, &why);
	if (rc == RC_DENIED || rc == RC_ABSENT) {
		char what[40];
		snprintf(what, sizeof(what), "notice:%lld", (long long)id);
		change_refused(r, s, v, str_of(what), str_of(why.text));
	}
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}
