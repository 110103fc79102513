/* SPDX-License-Identifier: Apache-2.0 */
/* One envelope: who may say what of it, then each part its way. */
#include "exchange/take_private.h"

#include "exchange/object_store.h"
#include "exchange/withdraw.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { JOBS_AT_ONCE = 1000, WORDS_MOST = 300, LINES_MOST = 64 << 20, NAMED_IN_JOURNAL = 5 };

enum tlp take_tlp(const struct taking *t, const struct stix_object *o)
{
	if (!o->marked)
		return t->from->tlp;
	return o->tlp < TLP_COUNT ? o->tlp : TLP_RED;
}

void take_refuse(struct taking *t, size_t i, bool hostile, const char *fmt, ...)
{
	char text[WORDS_MOST];
	va_list ap;
	if (t->words[i].p)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	t->words[i] = arena_str(t->a, str_of(text));
	t->hostile[i] = hostile;
}

/* --- whose is it? --- */

static bool is_his(struct taking *t, size_t i, const char *what)
{
	const struct stix_object *o = &t->list[i];
	if (str_eq_nocase(o->origin, t->us))
		take_refuse(t, i, true, "this %s is ours: nobody else sends, changes or withdraws it", what);
	else if (t->node.n > 0 && str_eq_nocase(o->origin, t->node))
		return true;
	else
		take_refuse(t, i, true, "this %s belongs to another node than yours: only its origin sends it", what);
	return false;
}

static void judge(struct taking *t, size_t i)
{
	const struct stix_object *o = &t->list[i];
	switch (o->what) {
	case STIX_BAD:
		take_refuse(t, i, false, STR_FMT, STR_ARG(o->words.n ? o->words : STR("it is no STIX 2.1 object")));
		return;
	case STIX_OUR_EVENT:
		if (is_his(t, i, "event"))
			take_event(t, i);
		return;
	case STIX_OUR_RECORD:
		(void)is_his(t, i, "record");
		return;
	case STIX_OUR_ANSWER:
		(void)is_his(t, i, "answer");
		return;
	case STIX_WITHDRAWN:
		(void)is_his(t, i, "item");
		return;
	case STIX_FOREIGN:
	case STIX_HELPER:
		return;
	}
}

/* --- what is written: a job for each object, many in one commit --- */

struct one {
	struct taking *t;
	size_t i;
	struct take_about about;
	struct arena *a;
	struct store_job job;
	bool too_much;             /* it, by the limits of what it becomes: a full disk is said before a job runs */
};

static enum rc keep_foreign(struct tx *tx, struct one *k, struct err *err)
{
	const struct object_from from = { .partner = k->t->from->id, .tlp = k->t->from->tlp,
					  .exercise = k->t->from->exercise, .now_us = tx_now_us(tx),
					  .index = k->t->x->objects };
	int64_t id = 0;
	bool fresh = false;
	return object_keep(tx, &from, &k->t->list[k->i], &id, &fresh, err);
}

static enum rc write_what(struct tx *tx, struct one *k, struct err *err)
{
	switch (k->t->list[k->i].what) {
	case STIX_OUR_RECORD:
		return take_record(tx, k->t, k->i, &k->about, k->a, err);
	case STIX_OUR_ANSWER:
		return take_answer(tx, k->t, k->i, &k->about, k->a, err);
	case STIX_WITHDRAWN:
		return take_withdrawn(tx, k->t, k->i, k->a, err);
	case STIX_FOREIGN:
		return keep_foreign(tx, k, err);
	case STIX_BAD:
	case STIX_OUR_EVENT:
	case STIX_HELPER:
		break;
	}
	return RC_OK;
}

static enum rc write_one(struct tx *tx, void *ctx, struct err *err)
{
	struct one *k = ctx;
	enum rc rc = write_what(tx, k, err);
	k->too_much = rc == RC_LIMIT;
	return rc;
}

static bool is_written(const struct taking *t, size_t i, bool foreign)
{
	enum stix_what w = t->list[i].what;
	bool ours = w == STIX_OUR_RECORD || w == STIX_OUR_ANSWER || w == STIX_WITHDRAWN;
	return !t->words[i].p && (foreign ? w == STIX_FOREIGN : ours);
}

/* What the machine cannot do now fails all of it: he sends it again. */
static bool is_his_fault(enum rc rc)
{
	return rc == RC_INPUT || rc == RC_DENIED || rc == RC_ABSENT || rc == RC_CONFLICT;
}

static enum rc wait_for(struct taking *t, struct one *list, size_t n, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n; i++) {
		struct err why = { 0 };
		enum rc one = store_wait(t->x->w.store, &list[i].job, &why);
		if (one != RC_OK && (is_his_fault(one) || (one == RC_LIMIT && list[i].too_much)))
			take_refuse(t, list[i].i, one == RC_DENIED, "%s", why.text);
		else if (one != RC_OK && rc == RC_OK)
			rc = fail(err, one == RC_IO ? RC_IO : RC_BUSY, "%s", why.text);
		arena_free(list[i].a);
	}
	return rc;
}

/* Who is told that an item is withdrawn says that he has that: it is not to be seen any more, and was his to see. */
static enum rc was_withdrawn(struct one *k, struct reader *r, struct err *err)
{
	struct taking *t = k->t;
	struct withdrawn_at at;
	struct collection c;
	struct err none;
	if (k->about.known || t->list[k->i].what != STIX_OUR_ANSWER)
		return RC_OK;
	enum rc rc = collection_of_partner(reader_conn(r), COLLECTION_OUT, t->from->id, t->a, &c, &none);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", none.text);
	k->about.item = t->list[k->i].item;
	return withdrawn_find(r, c.id, t->list[k->i].item, t->a, &at, &k->about.known, err);
}

static enum rc look_up(struct one *list, size_t n, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		enum stix_what what = list[i].t->list[list[i].i].what;
		if (what != STIX_OUR_ANSWER && what != STIX_OUR_RECORD)
			continue;
		if (!r)
			rc = store_read_begin(list[i].t->x->w.store, &r, err);
		if (rc == RC_OK)
			rc = take_answer_about(list[i].t, r, list[i].i, &list[i].about, err);
		if (rc == RC_OK)
			rc = was_withdrawn(&list[i], r, err);
	}
	if (r)
		store_read_end(r);
	return rc;
}

static enum rc write_some(struct taking *t, bool foreign, size_t *at, struct one *list, struct err *err)
{
	size_t n = 0;
	for (; *at < t->count && n < JOBS_AT_ONCE; (*at)++)
		if (is_written(t, *at, foreign))
			list[n++] = (struct one){ .t = t, .i = *at };
	enum rc rc = look_up(list, n, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		list[i].a = arena_new(KIB(4));
		list[i].job = (struct store_job){ .fn = write_one, .ctx = &list[i], .bytes = t->list[list[i].i].text.n };
		store_submit(t->x->w.store, &list[i].job);
	}
	return rc == RC_OK ? wait_for(t, list, n, err) : rc;
}

static enum rc write_all(struct taking *t, bool foreign, struct err *err)
{
	struct one *list = x_array(JOBS_AT_ONCE, sizeof *list);
	size_t at = 0;
	enum rc rc = RC_OK;
	while (rc == RC_OK && at < t->count)
		rc = write_some(t, foreign, &at, list, err);
	free(list);
	return rc;
}

/* --- what is said of it --- */

static void put_refusals(struct taking *t, struct json_out *j)
{
	size_t named = 0;
	json_key(j, STR("refused"));
	json_open(j, '[');
	for (size_t i = 0; i < t->count && named < NAMED_IN_JOURNAL; i++) {
		if (!t->hostile[i])
			continue;
		named++;
		json_open(j, '{');
		json_put_str(j, "id", str_head(t->list[i].id, 100));
		json_put_str(j, "words", t->words[i]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

struct finishing {
	struct taking *t;
	const struct taken *out;
	struct take_then *then;
};

/* What fails of it is undone alone. */
static enum rc and_then(struct tx *tx, struct take_then *then, struct err *err)
{
	enum rc rc = sql_run(sql(tx_conn(tx), "SAVEPOINT taken"), err);
	if (rc != RC_OK)
		return rc;
	then->rc = then->fn(tx, then->ctx, &then->err);
	then->ran = true;
	if (then->rc != RC_OK)
		rc = sql_run(sql(tx_conn(tx), "ROLLBACK TO taken"), err);
	return rc == RC_OK ? sql_run(sql(tx_conn(tx), "RELEASE taken"), err) : rc;
}

/* One line for the envelope: what came, or that it claimed what is not his. */
static enum rc finish(struct tx *tx, void *ctx, struct err *err)
{
	const struct finishing *f = ctx;
	struct taking *t = f->t;
	const struct taken *out = f->out;
	uint64_t hostile = 0;
	for (size_t i = 0; i < t->count; i++)
		hostile += t->hostile[i];
	struct buf body = BUF_INIT(KIB(8));
	struct json_out j = json_out(&body);
	json_open(&j, '{');
	json_put_str(&j, "name", t->name);
	json_put_i64(&j, "failures", (int64_t)out->failure_count);
	if (out->old)
		json_put_i64(&j, "without_effect", (int64_t)out->old);
	if (t->report)
		json_put_i64(&j, "report", t->report);
	if (hostile)
		put_refusals(t, &j);
	json_close(&j, '}');
	const struct journal_act act = { .act = hostile ? "exchange.refused" : "exchange.take", .actor = t->actor,
					 .object = t->actor, .count = hostile ? hostile : out->objects,
					 .body = buf_str(&body) };
	enum rc rc = journal_add(tx, t->x->w.journal, &act, err);
	buf_free(&body);
	if (rc == RC_OK)
		rc = take_note_origins(tx, t, err);
	if (hostile)
		log_warn(t->x->w.log, "a partner claimed what is not his: refused", L_STR("partner", t->from->name),
			 L_UINT("objects", hostile));
	return rc == RC_OK && f->then ? and_then(tx, f->then, err) : rc;
}

static void sum_up(struct taking *t, struct taken *out)
{
	struct arena *a = t->a;
	out->objects = t->count;
	out->report = t->report;
	out->ids = ARENA_ARRAY(a, t->count + 1, str);
	out->versions = ARENA_ARRAY(a, t->count + 1, str);
	for (size_t i = 0; i < t->count; i++) {
		out->ids[i] = t->list[i].id;
		out->versions[i] = t->list[i].version;
		out->failure_count += t->words[i].p != NULL;
		out->old += !t->words[i].p && t->old[i];
	}
	out->successes = out->objects - out->failure_count;
	out->failures = ARENA_ARRAY(a, out->failure_count + 1, struct take_failure);
	for (size_t i = 0, n = 0; i < t->count; i++)
		if (t->words[i].p)
			out->failures[n++] = (struct take_failure){ t->list[i].id, t->list[i].version, t->words[i] };
}

/* --- all of it --- */

static str uuid_text(const struct uuid *u, struct arena *a)
{
	struct buf text = BUF_INIT(64);
	uuid_format(&text, u);
	str s = arena_str(a, buf_str(&text));
	buf_free(&text);
	return s;
}

static void begin(struct taking *t)
{
	struct arena *a = t->a;
	size_t lines = t->count;
	for (size_t i = 0; i < t->count; i++)
		lines += t->list[i].event_count;
	t->words = ARENA_ARRAY(a, t->count + 1, str);
	t->hostile = ARENA_ARRAY(a, t->count + 1, bool);
	take_once_begin(t);
	take_withdrawn_list(t);
	t->old = ARENA_ARRAY(a, t->count + 1, bool);
	t->origins = ARENA_ARRAY(a, lines + 1, uint64_t);
	for (size_t i = 0; i < t->count; i++) {
		t->words[i] = STR_NONE;
		t->hostile[i] = false;
		t->old[i] = false;
	}
	t->node = uuid_is_zero(&t->from->node) ? STR("") : uuid_text(&t->from->node, a);
	t->us = store_node_id(t->x->w.store);
	t->feed = partner_feed(t->from, a);
	t->actor = arena_fmt(a, "partner--" STR_FMT, STR_ARG(uuid_text(&t->from->id, a)));
	t->lines = (struct buf)BUF_INIT(LINES_MOST);
}

static enum rc take_all(struct taking *t, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(t->x->w.types);
	t->types = snapshot_table(ref);
	enum rc rc = store_read_begin(t->x->w.store, &t->r, err);
	if (rc == RC_OK) {
		for (size_t i = 0; i < t->count; i++)
			judge(t, i);
		store_read_end(t->r);
		t->r = NULL;
		/* Of what is not kept nothing is read. */
		rc = write_all(t, true, err);
	}
	for (size_t i = 0; rc == RC_OK && i < t->count; i++)
		if (t->list[i].what == STIX_FOREIGN && !t->words[i].p)
			take_foreign_events(t, i);
	if (rc == RC_OK)
		rc = take_deliver(t, err);
	if (rc == RC_OK)
		rc = take_withdrawn_events(t, err);
	if (rc == RC_OK)
		rc = write_all(t, false, err);
	snapshot_drop(t->x->w.types, ref);
	if (rc != RC_INPUT && rc != RC_LIMIT)
		return rc;
	const struct err why = *err; /* of us, not of him */
	return fail(err, RC_BUSY, "it cannot be kept now: %s", why.text);
}

static enum rc take_read(struct taking t, enum rc rc, struct taken *out, struct take_then *then, struct err *err)
{
	*out = (struct taken){ .objects = 0 };
	if (rc != RC_OK || t.count == 0)
		return rc;
	begin(&t);
	rc = take_all(&t, err);
	buf_free(&t.lines);
	if (rc != RC_OK)
		return rc;
	sum_up(&t, out);
	struct finishing f = { &t, out, then };
	rc = store_write(t.x->w.store, finish, &f, err);
	if (then && rc != RC_OK)
		then->ran = false; /* it went with the rest */
	return rc;
}

enum rc take_envelope_then(struct exchange *x, const struct partner *from, str objects, str name, struct arena *a,
			   struct taken *out, struct take_then *then, struct err *err)
{
	struct taking t = { .x = x, .from = from, .a = a, .name = name };
	enum rc rc = stix_read(objects, STIX_ENVELOPE_MOST, a, &t.list, &t.count, err);
	return take_read(t, rc, out, then, err);
}

enum rc take_envelope(struct exchange *x, const struct partner *from, str objects, str name, struct arena *a,
		      struct taken *out, struct err *err)
{
	return take_envelope_then(x, from, objects, name, a, out, NULL, err);
}

enum rc take_fetched(struct exchange *x, const struct partner *from, str objects, str name, struct arena *a,
		     struct taken *out, struct err *err)
{
	struct taking t = { .x = x, .from = from, .a = a, .name = name };
	if (!uuid_is_zero(&from->node))
		return take_envelope(x, from, objects, name, a, out, err);
	enum rc rc = stix_read_foreign(objects, STIX_ENVELOPE_MOST, store_node_id(x->w.store), a, &t.list, &t.count, err);
	return take_read(t, rc, out, NULL, err);
}
