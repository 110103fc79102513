/* SPDX-License-Identifier: Apache-2.0 */
/* Events of a partner, which are flat (stix_read.h), become lines of a report of his feed. Of what he wrote himself everything
 * stays but what a receiver says: id, feed, whom it concerns here. His id for it becomes extra.origin_event, which is what
 * makes it once. */
#include "exchange/take_private.h"

#include <stdlib.h>

enum { LINE_MOST = 1 << 20, FORGET_MOST = 20 /* of a partner, for each that comes */ };

uint64_t take_tag(str origin_event)
{
	struct digest d = sha256(origin_event);
	struct wire w = wire_of(str_mem(d.b, 8));
	return wire_le64(&w);
}

static bool is_ours_to_say(str key)
{
	static const str heads[] = { STR_INIT("ronda."), STR_INIT("feed."), STR_INIT("extra.origin_"), STR_INIT("rtir_id") };
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		if (str_starts_nocase(key, heads[i]))
			return true;
	return str_eq(key, STR("id")) || str_eq(key, STR("tlp")) || str_eq(key, STR("__type")) || str_eq(key, STR("extra")) ||
	       str_eq(key, STR("ronda")) || str_eq(key, STR("feed")) || str_eq(key, STR("exercise"));
}

static void put_value(struct json_out *j, const struct json_pair *p)
{
	switch (p->kind) {
	case JSON_STRING:
		json_str(j, p->value);
		break;
	case JSON_NULL:
		json_null(j);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		json_flag(j, p->kind == JSON_TRUE);
		break;
	case JSON_NUMBER:
		json_raw(j, p->value);
		break;
	case JSON_NEST: /* not of a flat event */
		json_null(j);
		break;
	}
}

struct line {
	str text, origin_event, origin_node;
	str again;                 /* it was withdrawn, and this is given later: its version; "" */
	enum tlp tlp;
	bool exercise;
};

static bool stricter(struct json_pair *p, enum tlp *tlp)
{
	enum tlp said = TLP_RED;
	if (!str_eq(p->key, STR("tlp")))
		return false;
	if (p->kind != JSON_STRING || !tlp_parse(p->value, &said))
		said = TLP_RED;
	*tlp = said > *tlp ? said : *tlp;
	return true;
}

/* Of one of a ronda's: was it here? What was withdrawn comes back when it is given again later than that, not otherwise. */
static enum rc seen(struct taking *t, struct line *l, const struct json_pair *pairs, size_t count, enum take_seen *out,
		    struct err *err)
{
	int64_t withdrawn_us = TIME_NONE, again_us = TIME_NONE;
	struct uuid node;
	*out = TAKE_NEW;
	if (!uuid_parse(l->origin_node, &node))
		return RC_OK;
	for (size_t i = 0; i < count; i++)
		if (str_eq(pairs[i].key, STR("ronda.again")) && pairs[i].kind == JSON_STRING &&
		    time_parse(pairs[i].value, false, &again_us))
			l->again = pairs[i].value;
	if (!l->again.n && take_withdrawn_with(t, l->origin_event)) { /* it came and went in one delivery */
		*out = TAKE_SEEN;
		return RC_OK;
	}
	enum rc rc = take_when_withdrawn(reader_conn(t->r), &node, l->origin_event, &withdrawn_us, err);
	if (rc != RC_OK)
		return rc;
	if (withdrawn_us != TIME_NONE && (again_us == TIME_NONE || again_us <= withdrawn_us)) {
		*out = TAKE_SEEN;
		return RC_OK;
	}
	struct take_once *o = &t->once[t->once_count];
	/* given again though it was never taken back here: it stands */
	if (l->again.n && withdrawn_us == TIME_NONE && !take_withdrawn_with(t, l->origin_event)) {
		*o = take_once_of(l->origin_node, l->origin_event, STR(""), pairs, count);
		rc = take_once_among(t, out) ? RC_OK : take_once_find(reader_conn(t->r), o, out, err);
		if (rc != RC_OK || *out != TAKE_NEW)
			return rc;
	}
	*o = take_once_of(l->origin_node, l->origin_event, l->again, pairs, count);
	return take_once_among(t, out) ? RC_OK : take_once_find(reader_conn(t->r), o, out, err);
}

static enum rc put_line(struct taking *t, struct line *l, enum take_seen *was, struct err *err)
{
	struct buf *out = &t->lines;
	struct arena *a = t->a;
	struct json_pair *pairs;
	size_t count;
	enum tlp tlp = l->tlp;
	enum rc rc = json_flat(l->text, a, &pairs, &count, err);
	if (rc == RC_OK)
		rc = seen(t, l, pairs, count, was, err);
	if (rc != RC_OK || *was != TAKE_NEW)
		return rc;
	struct json_out j = json_out(out);
	json_open(&j, '{');
	for (size_t i = 0; i < count; i++) {
		struct json_pair *p = &pairs[i];
		/* whether a report is played is said of its feed: one of a partner who does not play would count as real */
		if (str_eq(p->key, STR("exercise")) && p->kind != JSON_FALSE && p->kind != JSON_NULL && !l->exercise)
			return fail(err, RC_INPUT, "it is of an exercise, in which you take no part");
		if (stricter(p, &tlp))
			continue;
		if (is_ours_to_say(p->key))
			continue;
		json_key(&j, p->key);
		put_value(&j, p);
	}
	json_put_str(&j, "tlp", str_of(tlp_name(tlp)));
	if (l->exercise)
		json_put_bool(&j, "exercise", true);
	json_put_str(&j, "extra.origin_event", l->origin_event);
	if (l->origin_node.n > 0)
		json_put_str(&j, "extra.origin_node", l->origin_node);
	if (l->again.n > 0)
		json_put_str(&j, "extra.origin_again", l->again);
	json_close(&j, '}');
	return rc;
}

static void add_line(struct taking *t, size_t i, struct line *l)
{
	struct err why = { 0 };
	size_t before = t->lines.n;
	enum take_seen was = TAKE_NEW;
	enum rc rc = l->text.n > LINE_MOST ? fail(&why, RC_LIMIT, "the event is too long") :
					     put_line(t, l, &was, &why);
	if (rc != RC_OK || t->lines.over) {
		t->lines.n = before;
		take_refuse(t, i, false, "its event is not sound: %s", rc == RC_OK ? "it is too much at once" : why.text);
		return;
	}
	if (was == TAKE_OTHER)
		take_refuse(t, i, true, "this event stands here with another content: it cannot be changed, only withdrawn and told "
					"anew");
	t->old[i] = was == TAKE_SEEN;
	if (was != TAKE_NEW)
		return;
	if (l->origin_node.n > 0)
		take_once_add(t);
	buf_char(&t->lines, '\n');
	t->origins[t->line_count++] = take_tag(l->origin_event);
}

void take_event(struct taking *t, size_t i)
{
	const struct stix_object *o = &t->list[i];
	if (!str_starts(o->item, STR("event--")) || o->item.n > 80 || !str_is_plain(o->item)) {
		take_refuse(t, i, false, "it does not say which event it is");
		return;
	}
	struct line l = { o->text, o->item, t->node, STR(""), take_tlp(t, o), t->from->exercise };
	add_line(t, i, &l);
}

void take_foreign_events(struct taking *t, size_t i)
{
	const struct stix_object *o = &t->list[i];
	for (size_t k = 0; k < o->event_count && !t->words[i].p; k++) {
		struct line l = { o->events[k], o->id, STR(""), STR(""), take_tlp(t, o), t->from->exercise };
		add_line(t, i, &l);
	}
}

/* --- which report has which of his events: for when he takes one back --- */

static int by_tag(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Reports of his that nobody noted, as the node was killed between: what they have of his is not known, so that each
 * withdrawal looks into them. One that is under way beside this notes it itself. */
static enum rc note_unknown(struct tx *tx, const struct taking *t, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO taken_events (partner, report, tags) SELECT ?1, r.id, x'' FROM report r"
					 " WHERE r.id < ?2 AND r.id > coalesce((SELECT max(report) FROM taken_events WHERE partner = ?1"
					 " AND report < ?2), 0) AND r.feed = (SELECT feed FROM report WHERE id = ?2)");
	sql_blob(q, 1, str_mem(t->from->id.b, sizeof t->from->id.b));
	sql_int(q, 2, t->report);
	return sql_run(q, err);
}

/* Rows go when the days of their events are forgotten; a day more, as a report may reach over midnight. */
static enum rc forget_origins(struct tx *tx, const struct taking *t, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM taken_events WHERE partner = ?1 AND report IN (SELECT e.report FROM (SELECT report"
					 " FROM taken_events WHERE partner = ?1 ORDER BY report LIMIT ?2) e JOIN report r ON r.id = e.report"
					 " WHERE r.received_us < ?3 * (SELECT min(day) - 1 FROM (SELECT day FROM (SELECT day FROM chunk"
					 " ORDER BY first_seq LIMIT 1) UNION ALL SELECT day FROM (SELECT day FROM tail ORDER BY first_seq"
					 " LIMIT 1))))");
	sql_blob(q, 1, str_mem(t->from->id.b, sizeof t->from->id.b));
	sql_int(q, 2, FORGET_MOST);
	sql_int(q, 3, DAY_US);
	return sql_run(q, err);
}

enum rc take_note_origins(struct tx *tx, struct taking *t, struct err *err)
{
	if (t->report == 0)
		return RC_OK;
	struct buf tags = BUF_INIT(t->line_count * 8 + 8);
	for (size_t i = 0; i < t->line_count; i++)
		buf_le64(&tags, t->origins[i]);
	struct sql *q = sql(tx_conn(tx), "INSERT INTO taken_events (partner, report, tags) VALUES (?1, ?2, ?3)"
					 " ON CONFLICT (partner, report) DO UPDATE SET tags = ?3 WHERE tags = x''");
	sql_blob(q, 1, str_mem(t->from->id.b, sizeof t->from->id.b));
	sql_int(q, 2, t->report);
	sql_blob(q, 3, buf_str(&tags));
	enum rc rc = sql_run(q, err);
	buf_free(&tags);
	if (rc == RC_OK)
		rc = note_unknown(tx, t, err);
	if (rc == RC_OK)
		rc = forget_origins(tx, t, err);
	return rc == RC_OK ? take_once_note(tx, t->once, t->once_count, t->report, err) : rc;
}

enum rc take_deliver(struct taking *t, struct err *err)
{
	struct exchange_delivered done = { .report = 0 };
	const struct exchange_delivery d = { .feed = t->feed, .provider = t->from->name, .lines = buf_str(&t->lines),
					     .name = t->name, .tlp = t->from->tlp, .exercise = t->from->exercise };
	if (t->line_count == 0)
		return RC_OK;
	enum rc rc = t->x->w.deliver(t->x->w.ctx, &d, &done, err);
	t->report = done.report;
	if (rc == RC_OK)
		qsort(t->origins, t->line_count, sizeof *t->origins, by_tag);
	return rc;
}
