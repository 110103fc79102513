/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over all there is, part by part; what was found and how far it came are kept. */
#include <limits.h>
#include <stdlib.h>

#include "base/json.h"
#include "privacy/beside.h"

enum part { PART_INDEXED, PART_EVENTS, PART_FINDINGS, PART_RECORDS, PART_LEDGER, PART_QUARANTINE,
	    PART_BESIDE /* and one for each row of beside.c */ };
enum { FOUND_BATCH = 500, EVENTS_PAGE = 100000, FINDINGS_PAGE = 10000, LIST_PAGE = 1000, QUARANTINE_PAGE = 100,
       TELL_EVERY = 20000 };

static const char *const part_names[PART_BESIDE] = { "events by index", "events", "findings", "records",
						     "ledger", "quarantine" };

/* NULL: that was the last part. */
static const char *part_name(int part)
{
	const struct beside *b = part >= PART_BESIDE ? beside_at((size_t)part - PART_BESIDE) : NULL;
	return part < PART_BESIDE ? part_names[part] : b ? b->part : NULL;
}

struct hit {
	str object;
	const char *kind;
	int identifier;
};
struct search {
	const struct subject_ask *q;
	struct arena *a, *hits_a;
	struct identifiers list;
	struct uuid request;
	str request_id;
	struct hit *hit; /* of the page under way */
	size_t hits, hit_room;
	int part;          /* enum part, and behind it */
	uint64_t at;       /* events: the last looked at; quarantine, ledger: the last id */
	uint64_t looked, found, given;
	struct buf text;
	int identifier;    /* of the query under way */
	bool stopped;
};

/* --- what was found --- */

struct noting {
	struct search *s;
	bool ended;
};

static enum rc note_hit(struct tx *tx, const struct search *s, const struct hit *h, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO subject_found (record, object, kind, identifier, erased)"
					 " VALUES (?, ?, ?, ?, 0) ON CONFLICT DO NOTHING");
	sql_blob(q, 1, str_mem(s->request.b, sizeof(s->request.b)));
	sql_str(q, 2, h->object);
	sql_str(q, 3, str_of(h->kind));
	sql_int(q, 4, h->identifier);
	return sql_run(q, err);
}

static enum rc note_all(struct tx *tx, void *ctx, struct err *err)
{
	const struct noting *n = ctx;
	const struct search *s = n->s;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < s->hits && rc == RC_OK; i++)
		rc = note_hit(tx, s, &s->hit[i], err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO subject_search (record, part, at, ended_us) VALUES"
					 " (?1, ?2, ?3, ?4) ON CONFLICT (record) DO UPDATE SET part = ?2,"
					 " at = ?3, ended_us = ?4");
	sql_blob(q, 1, str_mem(s->request.b, sizeof(s->request.b)));
	sql_int(q, 2, s->part);
	sql_int(q, 3, (int64_t)s->at);
	sql_int(q, 4, n->ended ? tx_now_us(tx) : 0);
	return sql_run(q, err);
}

static enum rc flush(struct search *s, bool ended, struct err *err)
{
	struct noting n = { .s = s, .ended = ended };
	enum rc rc = store_write(s->q->s, note_all, &n, err);
	s->hits = 0;
	arena_reset(s->hits_a);
	return rc;
}

/* False: enough for now; events go on behind the last one looked at. */
static bool add_hit(struct search *s, const char *kind, str object, int identifier)
{
	if (s->hits == s->hit_room) {
		s->hit_room = s->hit_room ? 2 * s->hit_room : FOUND_BATCH;
		s->hit = x_grow(s->hit, s->hit_room, sizeof(*s->hit));
	}
	s->hit[s->hits++] = (struct hit){ arena_str(s->hits_a, object), kind, identifier };
	s->found++;
	return s->hits < FOUND_BATCH;
}

static bool look_on(struct search *s)
{
	s->looked++;
	if (s->looked % TELL_EVERY == 0 && s->q->go_on &&
	    !s->q->go_on(s->q->ctx, part_name(s->part), s->looked, s->found))
		s->stopped = true;
	return !s->stopped;
}

/* --- events --- */

static uint64_t seq_of(const struct search *s, const struct event_view *v)
{
	uint64_t seq = 0;
	return event_id_parse(store_secret(s->q->s), str_of(v->id), &seq) ? seq : s->at;
}

static bool take_indexed(void *ctx, const struct event_view *v)
{
	struct search *s = ctx;
	char object[64];
	snprintf(object, sizeof(object), "event--%s", v->id);
	s->at = seq_of(s, v);
	s->given++;
	return add_hit(s, "event", str_of(object), s->identifier) && look_on(s);
}

static bool take_event(void *ctx, const struct event_view *v)
{
	struct search *s = ctx;
	char object[64];
	struct json_out j = json_out(&s->text);
	buf_reset(&s->text);
	event_view_json(v, &j);
	s->at = seq_of(s, v);
	s->given++;
	int which = identifier_in(&s->list, buf_str(&s->text));
	if (which < 0)
		return look_on(s);
	snprintf(object, sizeof(object), "event--%s", v->id);
	return add_hit(s, "event", str_of(object), which) && look_on(s);
}

/* Pages: a view that is held keeps the log of main.db from starting anew. */
static enum rc walk_events(struct search *s, struct event_query *q, event_view_each each,
			   struct err *err)
{
	enum rc rc = RC_OK;
	q->oldest_first = true;
	q->limit = EVENTS_PAGE;
	do {
		struct reader *r = NULL;
		s->given = 0;
		q->after_seq = s->at;
		rc = store_read_begin(s->q->s, &r, err);
		if (rc != RC_OK)
			break;
		rc = read_events(r, s->q->viewer, q, each, s, err);
		store_read_end(r);
		if (rc == RC_INPUT) /* part of it is damaged: the rest was given */
			rc = RC_OK;
		if (rc == RC_OK)
			rc = flush(s, false, err);
	} while (rc == RC_OK && !s->stopped && s->given > 0);
	return rc;
}

static const enum field ip_fields[] = { FIELD_SOURCE_IP, FIELD_DESTINATION_IP, FIELD_SOURCE_LOCAL_IP,
					FIELD_DESTINATION_LOCAL_IP };
static const enum field name_fields[] = { FIELD_SOURCE_FQDN, FIELD_DESTINATION_FQDN,
					  FIELD_SOURCE_REVERSE_DNS, FIELD_DESTINATION_REVERSE_DNS };

static enum rc one_field(struct search *s, const struct identifier *i, struct event_filter filter,
			 struct err *err)
{
	struct event_query q = { .from_us = i->from_us, .until_us = i->until_us, .filters = &filter,
				 .filter_count = 1 };
	s->at = 0;
	return s->stopped ? RC_OK : walk_events(s, &q, take_indexed, err);
}

static enum rc by_index(struct search *s, const struct identifier *i, struct err *err)
{
	enum rc rc = RC_OK;
	s->identifier = (int)(i - s->list.list);
	for (size_t f = 0; f < COUNT_OF(ip_fields) && rc == RC_OK && i->kind == IDENTIFIER_IP; f++)
		rc = one_field(s, i, (struct event_filter){ .field = ip_fields[f], .op = FILTER_IN_NET,
							    .net = i->net, .text = STR_NONE, .key = STR_NONE },
			       err);
	for (size_t f = 0; f < COUNT_OF(name_fields) && rc == RC_OK && i->kind == IDENTIFIER_DOMAIN; f++) {
		rc = one_field(s, i, (struct event_filter){ .field = name_fields[f], .op = FILTER_EQ,
							    .text = i->value, .key = STR_NONE },
			       err);
		if (rc == RC_OK)
			rc = one_field(s, i, (struct event_filter){ .field = name_fields[f], .op = FILTER_SUFFIX,
								    .text = arena_fmt(s->a, "." STR_FMT, STR_ARG(i->value)),
								    .key = STR_NONE },
				       err);
	}
	return rc;
}

static enum rc search_indexed(struct search *s, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < s->list.count && rc == RC_OK && !s->stopped; i++)
		rc = by_index(s, &s->list.list[i], err);
	return rc;
}

/* Only what no index finds makes it necessary to read them all. */
static enum rc search_events(struct search *s, struct err *err)
{
	struct event_query q = { .filters = NULL };
	bool all = false;
	for (size_t i = 0; i < s->list.count; i++)
		all |= s->list.list[i].kind != IDENTIFIER_IP && s->list.list[i].kind != IDENTIFIER_DOMAIN;
	return all ? walk_events(s, &q, take_event, err) : RC_OK;
}

/* --- findings --- */

struct finding_walk {
	struct search *s;
	struct hash128 last;
	int64_t last_seen_us;
	uint64_t given;
};

static bool take_finding(void *ctx, const struct finding *f)
{
	struct finding_walk *w = ctx;
	struct search *s = w->s;
	char object[64];
	struct json_out j = json_out(&s->text);
	w->last = f->id;
	w->last_seen_us = f->last_seen_us;
	w->given++;
	buf_reset(&s->text);
	finding_json(f, NULL, &j);
	int which = identifier_in(&s->list, buf_str(&s->text));
	if (which < 0)
		return look_on(s);
	snprintf(object, sizeof(object), "finding--%016llx%016llx", (unsigned long long)f->id.hi,
		 (unsigned long long)f->id.lo);
	(void)add_hit(s, "finding", str_of(object), which);
	return look_on(s);
}

static enum rc walk_findings(struct search *s, enum finding_state state, struct err *err)
{
	struct finding_walk w = { .s = s };
	struct finding_query q = { .state = state, .limit = FINDINGS_PAGE };
	enum rc rc = RC_OK;
	do {
		struct reader *r = NULL;
		w.given = 0;
		rc = store_read_begin(s->q->s, &r, err);
		if (rc != RC_OK)
			break;
		rc = read_findings(r, s->q->viewer, &q, take_finding, &w, err);
		store_read_end(r);
		q.after = w.last;
		q.after_last_seen_us = w.last_seen_us;
		if (rc == RC_OK)
			rc = flush(s, false, err);
	} while (rc == RC_OK && !s->stopped && w.given == FINDINGS_PAGE);
	return rc;
}

static enum rc search_findings(struct search *s, struct err *err)
{
	enum rc rc = walk_findings(s, 0, err);
	return rc == RC_OK ? walk_findings(s, FINDING_GONE, err) : rc;
}

/* --- records --- */

struct record_walk {
	struct search *s;
	struct record_query *q;
	struct buf cursor;
	uint64_t given;
};

static bool take_record(void *ctx, const struct record_view *v)
{
	struct record_walk *w = ctx;
	struct search *s = w->s;
	struct json_out j = json_out(&s->text);
	w->given++;
	buf_reset(&w->cursor);
	record_view_cursor(w->q, v, &w->cursor);
	str id = record_view_id(v, s->hits_a);
	if (str_eq(id, s->request_id))
		return look_on(s);
	buf_reset(&s->text);
	record_view_json(v, &j);
	int which = identifier_in(&s->list, buf_str(&s->text));
	if (which >= 0)
		(void)add_hit(s, "record", id, which);
	return look_on(s);
}

static enum rc search_records(struct search *s, struct err *err)
{
	struct record_query q = { .ascending = true, .text = STR(""), .after = STR("") };
	struct record_walk w = { .s = s, .q = &q, .cursor = BUF_INIT(KIB(4)) };
	enum rc rc = RC_OK;
	do {
		struct arena *a = arena_new(KIB(64));
		struct reader *r = NULL;
		str after = arena_str(a, buf_str(&w.cursor));
		w.given = 0;
		q = (struct record_query){ .ascending = true, .text = STR(""), .after = after };
		rc = store_read_begin(s->q->s, &r, err);
		if (rc == RC_OK)
			rc = read_records(r, s->q->types, s->q->viewer, &q, LIST_PAGE, a, take_record, &w, err);
		if (r)
			store_read_end(r);
		if (rc == RC_OK)
			rc = flush(s, false, err);
		arena_free(a);
	} while (rc == RC_OK && !s->stopped && w.given == LIST_PAGE);
	buf_free(&w.cursor);
	return rc;
}

/* --- ledger: whom something about him went to, and what he was told --- */

static bool look_ledger(struct search *s, const struct ledger_row *row)
{
	buf_reset(&s->text);
	buf_fmt(&s->text, STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(row->recipient), STR_ARG(row->words),
		STR_ARG(row->reference));
	int which = identifier_in(&s->list, buf_str(&s->text));
	char object[40];
	snprintf(object, sizeof(object), "ledger:%lld", (long long)row->id);
	if (which >= 0)
		(void)add_hit(s, "ledger", str_of(object), which);
	return look_on(s);
}

static enum rc search_ledger(struct search *s, struct err *err)
{
	enum rc rc = RC_OK;
	size_t n = 0;
	do {
		struct arena *a = arena_new(KIB(64));
		struct reader *r = NULL;
		struct ledger_row *rows = NULL;
		const struct ledger_query q = { .recipient = STR(""), .item = STR(""),
						.before = (int64_t)s->at, .limit = LIST_PAGE };
		rc = store_read_begin(s->q->s, &r, err);
		if (rc == RC_OK)
			rc = read_ledger(r, s->q->types, s->q->roles, s->q->viewer, &q, a, &rows, &n, err);
		if (r)
			store_read_end(r);
		for (size_t i = 0; rc == RC_OK && i < n && look_ledger(s, &rows[i]); i++)
			s->at = (uint64_t)rows[i].id;
		if (rc == RC_OK)
			rc = flush(s, false, err);
		arena_free(a);
	} while (rc == RC_OK && !s->stopped && n == LIST_PAGE);
	return rc;
}

/* --- quarantine --- */

static bool look_quarantined(struct search *s, const struct quarantined *q)
{
	char object[40];
	buf_reset(&s->text);
	buf_fmt(&s->text, STR_FMT " " STR_FMT " ", STR_ARG(q->words), STR_ARG(q->file_name));
	buf_add(&s->text, q->bytes);
	int which = identifier_in(&s->list, buf_str(&s->text));
	snprintf(object, sizeof(object), "quarantine:%lld", (long long)q->id);
	if (which >= 0)
		(void)add_hit(s, "quarantine", str_of(object), which);
	return look_on(s);
}

static enum rc search_quarantine(struct search *s, struct err *err)
{
	enum rc rc = RC_OK;
	size_t n = 0;
	do {
		struct arena *a = arena_new(KIB(64));
		struct reader *r = NULL;
		struct quarantined *rows = NULL;
		rc = store_read_begin(s->q->s, &r, err);
		if (rc == RC_OK)
			rc = read_quarantine(r, s->q->viewer, (int64_t)s->at, QUARANTINE_PAGE, true, a, &rows,
					     &n, err);
		if (r)
			store_read_end(r);
		for (size_t i = 0; rc == RC_OK && i < n && look_quarantined(s, &rows[i]); i++)
			s->at = (uint64_t)rows[i].id;
		if (rc == RC_OK)
			rc = flush(s, false, err);
		arena_free(a);
	} while (rc == RC_OK && !s->stopped && n > 0);
	return rc;
}

/* --- what is kept beside --- */

static bool look_beside(struct search *s, const struct beside *b, const struct beside_row *row)
{
	int which = identifier_in(&s->list, row->text);
	if (which >= 0)
		(void)add_hit(s, b->kind, row->object, which);
	return look_on(s);
}

static enum rc search_beside(struct search *s, const struct beside *b, struct err *err)
{
	struct buf place = BUF_INIT(KIB(4));
	enum rc rc = RC_OK;
	size_t n = 0;
	do {
		struct arena *a = arena_new(KIB(64));
		struct reader *r = NULL;
		struct beside_row *rows = NULL;
		rc = store_read_begin(s->q->s, &r, err);
		if (rc == RC_OK)
			rc = b->list(r, s->q, arena_str(a, buf_str(&place)), a, &rows, &n, err);
		if (r)
			store_read_end(r);
		for (size_t i = 0; rc == RC_OK && i < n && look_beside(s, b, &rows[i]); i++) {
			buf_reset(&place);
			buf_add(&place, rows[i].place);
		}
		if (rc == RC_OK)
			rc = flush(s, false, err);
		arena_free(a);
	} while (rc == RC_OK && !s->stopped && n > 0);
	buf_free(&place);
	return rc;
}

/* --- all of it --- */

static enum rc run_part(struct search *s, struct err *err)
{
	static enum rc (*const parts[PART_BESIDE])(struct search *, struct err *) = {
		[PART_INDEXED] = search_indexed,   [PART_EVENTS] = search_events,
		[PART_FINDINGS] = search_findings, [PART_RECORDS] = search_records,
		[PART_LEDGER] = search_ledger,	   [PART_QUARANTINE] = search_quarantine,
	};
	enum rc rc = s->part < PART_BESIDE ? parts[s->part](s, err) :
					     search_beside(s, beside_at((size_t)s->part - PART_BESIDE), err);
	/* what he may not look at at all is not searched, and the reply says so */
	if (rc == RC_DENIED && s->part >= PART_LEDGER)
		return RC_OK;
	return rc;
}

/* Where it was cut off: events, ledger and quarantine go on behind the last one, other parts begin anew. */
static enum rc load_place(struct search *s, struct reader *r, struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT part, at, ended_us FROM subject_search WHERE record = ?");
	sql_blob(q, 1, str_mem(s->request.b, sizeof(s->request.b)));
	if (sql_row(q) && !sql_col_int(q, 2)) {
		int64_t part = sql_col_int(q, 0);
		s->part = part >= 0 && part < INT_MAX && part_name((int)part) ? (int)part : PART_INDEXED;
		if (s->part == PART_EVENTS || s->part == PART_LEDGER || s->part == PART_QUARANTINE)
			s->at = (uint64_t)sql_col_int(q, 1);
	}
	return sql_end(q, err);
}

static enum rc begin(struct search *s, struct err *err)
{
	struct reader *r = NULL;
	struct record_view view = { 0 };
	enum rc rc = store_read_begin(s->q->s, &r, err);
	if (rc == RC_OK)
		rc = subject_load(r, s->q, s->a, &view, &s->list, err);
	if (rc == RC_OK) {
		str type;
		s->request_id = record_view_id(&view, s->a);
		if (!record_id_parse(s->request_id, &type, &s->request))
			rc = fail(err, RC_ABSENT, "there is no such request");
	}
	if (rc == RC_OK)
		rc = load_place(s, r, err);
	record_view_end(&view);
	if (r)
		store_read_end(r);
	return rc;
}

/* Who may move it to "searching" may search; it stays there until a person reviews. */
static enum rc move_on(struct search *s, struct err *err)
{
	struct reader *r = NULL;
	struct record_view view = { 0 }, moved = { 0 };
	enum rc rc = store_read_begin(s->q->s, &r, err);
	if (rc == RC_OK)
		rc = read_record(r, s->q->types, s->q->viewer, s->q->id, s->a, &view, err);
	const struct meaning *m = rc == RC_OK ? type_meaning(record_view_type(&view), STR("subject.searching"))
					      : NULL;
	bool there = m && record_view_state(&view) == (int)m->state;
	bool may = there && record_view_may(&view, ACTION_EDIT, -1);
	record_view_end(&view);
	if (r)
		store_read_end(r);
	if (rc != RC_OK || !m)
		return rc == RC_OK ? fail(err, RC_INPUT, "this is no request of a person") : rc;
	if (there)
		return may ? RC_OK : fail(err, RC_DENIED, "none of your roles may search for it");
	const struct type *t = types_find(s->q->types, str_head(s->request_id, str_find(s->request_id, STR("--"))));
	struct change_errors errors = { .count = 0 };
	const struct change_request change = { .id = s->request_id, .to_state = t ? str_of(t->states[m->state].name)
										 : STR(""),
					       .why = STR("search"), .labels = STR_NONE };
	rc = change_record(s->q->records, s->q->s, s->q->viewer, &change, s->a, &moved, &errors, err);
	record_view_end(&moved);
	return rc;
}

enum rc subject_search(const struct subject_ask *q, struct arena *a, struct subject_result *out,
		       struct err *err)
{
	struct search *s = ARENA_NEW(a, struct search);
	*s = (struct search){ .q = q, .a = a, .hits_a = arena_new(KIB(16)), .text = BUF_INIT(MIB(8)) };
	*out = (struct subject_result){ .id = STR("") };
	enum rc rc = begin(s, err);
	if (rc == RC_OK)
		rc = move_on(s, err);
	while (rc == RC_OK && !s->stopped && part_name(s->part)) {
		rc = run_part(s, err);
		if (rc != RC_OK || s->stopped)
			break;
		s->part++;
		s->at = 0;
		rc = flush(s, !part_name(s->part), err);
	}
	out->id = s->request_id;
	out->looked = s->looked;
	out->found = s->found;
	out->ended = rc == RC_OK && !part_name(s->part);
	struct journal_act act = { .act = "subject.search", .actor = str_of(q->viewer->actor),
				   .object = s->request_id, .count = s->found };
	if (out->ended)
		rc = journal_write(records_journal(q->records), &act, err);
	buf_free(&s->text);
	buf_free(&s->list.folded);
	arena_free(s->hits_a);
	free(s->hit);
	return rc;
}

