/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/read_timeline.h"

#include <json-c/json.h>
#include <stdlib.h>

#include "disclosure/read.h"
#include "record/outbox.h"

enum { ENTRIES_MOST = 20000, VERSIONS_MOST = 2000, RECORDS_MOST = 200, MOVES_MOST = 50, FINDINGS_MOST = 50,
       EVENTS_MOST = 100, MESSAGES_MOST = 500, LINES_MOST = 500, LIMIT_MOST = 1000 };

const char *timeline_kind_name(enum timeline_kind k)
{
	static const char *const names[] = { "made", "changed", "moved", "linked", "record", "finding", "event",
					     "message", "noted" };

	return k < TIMELINE_KINDS ? names[k] : "";
}

struct collecting {
	struct reader *r;
	const struct types *t;
	const struct viewer *v;
	const struct timeline_query *q;
	struct arena *a;
	str id;
	int64_t before_us;         /* nothing newer is asked for */
	struct timeline_entry *list;
	size_t count, room;
	bool cut, ours;
	str findings[FINDINGS_MOST]; size_t finding_count;
	str records[RECORDS_MOST]; size_t record_count;
	struct json_object *newer; /* the body of the version before in this walk */
	size_t pending;            /* ... and the place of its entry, from 1, which needs the older one; 0: none */
	str newer_state;
	str other, title;          /* of the record whose moves are read */
	enum rc rc;
	struct err *err;
};

static struct timeline_entry *add(struct collecting *k, int64_t at_us, enum timeline_kind kind, str what)
{
	if (at_us > k->before_us)
		return NULL;
	if (k->count == ENTRIES_MOST) {
		k->cut = true;
		return NULL;
	}
	if (k->count == k->room) {
		struct timeline_entry *more = ARENA_ARRAY(k->a, k->room ? 2 * k->room : 64,
							  struct timeline_entry);
		if (k->count)
			memcpy(more, k->list, k->count * sizeof(*more));
		k->list = more;
		k->room = k->room ? 2 * k->room : 64;
	}
	k->list[k->count] = (struct timeline_entry){ .at_us = at_us, .kind = kind, .what = arena_str(k->a, what),
						     .who = STR(""), .other = STR(""), .other_title = STR(""),
						     .words = STR("") };
	return &k->list[k->count++];
}

/* --- versions --- */

static const char *state_words(const struct collecting *k, const struct record_view *v)
{
	int state = record_view_state(v);

	return state < 0 ? "" : words_in(record_view_type(v)->states[state].label, k->q->language);
}

static bool same_value(struct json_object *x, struct json_object *y)
{
	return x == y || (x && y && json_object_equal(x, y));
}

static struct timeline_entry *pending(struct collecting *k)
{
	return k->pending ? &k->list[k->pending - 1] : NULL;
}

/* Labels of the fields that two bodies differ in, as far as both are seen. */
static str changed_fields(struct collecting *k, const struct type *t, struct json_object *older,
			  struct json_object *newer)
{
	struct buf b = BUF_INIT(KIB(8));

	for (size_t i = 0; i < t->field_count; i++) {
		const struct type_field *f = &t->fields[i];
		if (same_value(json_get(older, f->name), json_get(newer, f->name)))
			continue;
		buf_add(&b, b.n ? STR(", ") : STR(""));
		buf_add(&b, str_of(words_in(f->label, k->q->language)));
	}
	str text = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return text;
}

static void settle(struct collecting *k, const struct record_view *older)
{
	struct timeline_entry *e = pending(k);

	if (e && older && e->kind == TIMELINE_CHANGED)
		e->what = changed_fields(k, record_view_type(older), older->body, k->newer);
	json_free(k->newer);
	k->newer = NULL;
	k->pending = 0;
}

static str state_name(const struct record_view *v)
{
	int state = record_view_state(v);

	return state < 0 ? STR("") : str_of(record_view_type(v)->states[state].name);
}

/* Newest first: whether a version moved the record is known when the one before it is seen. */
static bool each_version(void *ctx, const struct record_view *v)
{
	struct collecting *k = ctx;

	if (k->pending && !str_eq(k->newer_state, state_name(v)))
		pending(k)->kind = TIMELINE_MOVED;
	settle(k, v);
	struct timeline_entry *e = add(k, record_view_changed(v),
				       record_view_version(v) == 1 ? TIMELINE_MADE : TIMELINE_CHANGED,
				       str_of(state_words(k, v)));
	if (e) {
		e->who = arena_str(k->a, record_view_author(v));
		e->words = arena_str(k->a, record_view_why(v));
		k->newer = json_object_get(v->body);
		k->newer_state = state_name(v);
		k->pending = k->count;
	}
	return true;
}

static enum rc take_versions(struct collecting *k)
{
	size_t before = k->count;

	k->pending = 0;
	enum rc rc = read_record_history(k->r, k->t, k->v, k->id, INT64_MAX, VERSIONS_MOST, k->a, each_version, k,
					 k->err);
	settle(k, NULL);
	k->cut = k->count - before >= VERSIONS_MOST;
	return rc;
}

/* --- links, and moves of what is linked --- */

static bool is_field(const struct collecting *k, str id, str kind)
{
	const struct type *t = types_find(k->t, str_head(id, str_find(id, STR("--"))));

	return type_find_field(t, kind) != NULL;
}

static bool each_link(void *ctx, const struct link_view *l)
{
	struct collecting *k = ctx;
	bool field = is_field(k, l->outward ? k->id : l->other, l->kind);
	bool finding = str_starts(l->other, STR("finding--")), plain = finding ||
		str_starts(l->other, STR("event--")) || str_starts(l->other, STR("report--"));

	/* what the record's own fields name stands in its versions */
	if (field && l->outward)
		return true;
	struct timeline_entry *e = add(k, l->at_us, TIMELINE_LINKED, l->kind);
	if (e) {
		e->who = arena_str(k->a, l->author);
		e->words = arena_str(k->a, l->why);
		e->other = arena_str(k->a, l->other);
		e->other_title = arena_str(k->a, l->other_title);
	}
	if (finding && k->finding_count < FINDINGS_MOST)
		k->findings[k->finding_count++] = arena_str(k->a, l->other);
	else if (!plain && k->record_count < RECORDS_MOST)
		k->records[k->record_count++] = arena_str(k->a, l->other);
	else if (finding || !plain)
		k->cut = true;
	return true;
}

static bool each_move(void *ctx, const struct record_view *v)
{
	struct collecting *k = ctx;
	const struct type *t = record_view_type(v);

	if (k->pending && !str_eq(k->newer_state, state_name(v)))
		pending(k)->kind = TIMELINE_RECORD;
	else if (k->pending)
		k->count--; /* it was only edited: not of this record's time */
	struct timeline_entry *e = add(k, record_view_changed(v), TIMELINE_CHANGED, str_of(state_words(k, v)));
	k->pending = e ? k->count : 0;
	if (!e)
		return true;
	k->newer_state = state_name(v);
	e->who = arena_str(k->a, record_view_author(v));
	e->words = arena_str(k->a, record_view_why(v));
	e->other = k->other;
	struct buf title = BUF_INIT(KIB(8));
	if (!record_view_cuts(v, t->title))
		record_view_text(v, t->title, &title);
	e->other_title = arena_str(k->a, buf_str(&title));
	buf_free(&title);
	return true;
}

static enum rc take_moves(struct collecting *k)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < k->record_count; i++) {
		struct err why = { 0 };
		k->other = k->records[i];
		k->pending = 0;
		rc = read_record_history(k->r, k->t, k->v, k->other, INT64_MAX, MOVES_MOST, k->a, each_move, k, &why);
		if (k->pending) /* the oldest that is seen */
			pending(k)->kind = TIMELINE_RECORD;
		k->pending = 0;
		if (rc == RC_ABSENT) /* it is shown in an emergency alone, without its history */
			rc = RC_OK;
		else if (rc != RC_OK)
			rc = fail(k->err, rc, "%s", why.text);
	}
	return rc;
}

/* --- findings and their events --- */

static void add_finding(struct collecting *k, const struct finding *f, str id, int64_t at_us, const char *what,
			str words)
{
	struct timeline_entry *e = at_us ? add(k, at_us, TIMELINE_FINDING, str_of(what)) : NULL;

	if (!e)
		return;
	e->other = id;
	e->other_title = arena_fmt(k->a, STR_FMT " " STR_FMT, STR_ARG(f->type), STR_ARG(f->key));
	e->words = words.n ? arena_str(k->a, words) : STR("");
}

struct events {
	struct collecting *k;
	const struct finding *f;
	size_t n;
};

static bool each_event(void *ctx, const struct event_view *e)
{
	struct events *to = ctx;
	struct collecting *k = to->k;
	struct buf b = BUF_INIT(KIB(4));
	int64_t at_us;

	if (event_view_value(e, STR("time.source"), &b) && time_parse(buf_str(&b), true, &at_us)) {
		struct timeline_entry *entry = add(k, at_us, TIMELINE_EVENT, to->f->type);
		buf_reset(&b);
		if (entry) {
			entry->other = arena_fmt(k->a, "event--%s", e->id);
			entry->other_title = arena_str(k->a, to->f->key);
			if (event_view_value(e, STR("feed.name"), &b))
				entry->words = arena_str(k->a, buf_str(&b));
		}
	}
	buf_free(&b);
	return ++to->n < EVENTS_MOST;
}

/* The words of a key are what its events have in common: "ip 198.18.0.1 port 23". */
static enum rc filter_of_key(struct collecting *k, const struct finding *f, struct filter_set *set)
{
	static const struct {
		const char *word, *filter;
	} names[] = { { "ip", "ip" }, { "net", "ip" }, { "domain", "source.fqdn" }, { "url", "source.url" },
		      { "port", "source.port" } };
	str key = f->key;

	enum rc rc = filter_add(set, STR("type"), f->type, k->a, NULL);
	while (rc == RC_OK && key.n > 0) {
		str word = str_cut(&key, ' '), value = str_cut(&key, ' ');
		for (size_t i = 0; rc == RC_OK && i < COUNT_OF(names); i++)
			if (str_eq(word, str_of(names[i].word)))
				rc = filter_add(set, str_of(names[i].filter), value, k->a, NULL);
	}
	return rc;
}

static enum rc take_events(struct collecting *k, const struct finding *f)
{
	struct filter_set *set = ARENA_NEW(k->a, struct filter_set);
	struct events events = { .k = k, .f = f };
	struct err why = { 0 };

	if (filter_of_key(k, f, set) != RC_OK || set->query.filter_count < 2)
		return RC_OK; /* a key in other words: the finding itself says when */
	set->query.from_us = f->first_seen_us;
	set->query.until_us = k->before_us == INT64_MAX ? f->last_seen_us + 1 : k->before_us + 1;
	set->query.limit = EVENTS_MOST;
	enum rc rc = read_events(k->r, k->v, &set->query, each_event, &events, &why);
	k->cut = k->cut || events.n == EVENTS_MOST;
	/* damaged events: what is left is shown */
	return rc == RC_OK || rc == RC_INPUT ? RC_OK : fail(k->err, rc, "%s", why.text);
}

static enum rc take_findings(struct collecting *k)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < k->finding_count; i++) {
		struct finding f;
		str id = k->findings[i];
		rc = read_finding(k->r, k->v, str_from(id, STR("finding--").n), k->a, &f, k->err);
		if (rc != RC_OK)
			break;
		char text[40];
		snprintf(text, sizeof(text), "%llu", (unsigned long long)f.events);
		add_finding(k, &f, id, f.first_seen_us, "first seen", STR(""));
		add_finding(k, &f, id, f.last_seen_us, "last seen", str_of(text));
		add_finding(k, &f, id, f.told_us, "told", f.mark_reason);
		add_finding(k, &f, id, f.answered_us, "answered", f.mark_reason);
		add_finding(k, &f, id, f.held_us, "held", f.mark_reason);
		rc = take_events(k, &f);
	}
	return rc;
}

/* --- messages and the journal, for our own people --- */

static void add_message(struct collecting *k, int64_t at_us, const char *what, str driver, str recipient, str item,
			str words, bool disclosed)
{
	struct timeline_entry *e = add(k, at_us, TIMELINE_MESSAGE,
				       arena_fmt(k->a, "%s %s" STR_FMT, what, driver.n ? "by " : "", STR_ARG(driver)));

	if (!e)
		return;
	e->who = arena_str(k->a, recipient);
	e->disclosed = disclosed;
	e->words = arena_str(k->a, words);
	if (!str_eq(item, k->id))
		e->other = arena_str(k->a, item);
}

static enum rc take_messages_of(struct collecting *k, str item)
{
	const struct ledger_query ledger = { .item = item, .limit = MESSAGES_MOST };
	const struct outbox_query outbox = { .item = item, .limit = MESSAGES_MOST };
	struct ledger_row *rows;
	struct message *list;
	size_t n = 0;

	enum rc rc = ledger_list(reader_conn(k->r), &ledger, k->a, &rows, &n, k->err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		add_message(k, rows[i].at_us, ledger_kind_name(rows[i].kind), rows[i].driver, rows[i].recipient, item,
			    rows[i].words, rows[i].kind == LEDGER_SENT || rows[i].kind == LEDGER_UNCERTAIN ||
					   rows[i].kind >= LEDGER_RECEIPT);
	k->cut = k->cut || n == MESSAGES_MOST;
	if (rc == RC_OK)
		rc = outbox_list(reader_conn(k->r), &outbox, k->a, &list, &n, k->err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		if (list[i].state == MESSAGE_QUEUED || list[i].state == MESSAGE_TAKEN || list[i].state == MESSAGE_DRAINING)
			add_message(k, list[i].made_us, message_state_name(list[i].state), list[i].driver,
				    list[i].recipient, item, list[i].words, false);
	return rc;
}

static enum rc take_messages(struct collecting *k)
{
	enum rc rc = take_messages_of(k, k->id);

	for (size_t i = 0; rc == RC_OK && i < k->finding_count; i++)
		rc = take_messages_of(k, k->findings[i]);
	return rc;
}

/* Who took note of what was due; all other lines say what versions and links say. */
static enum rc take_journal(struct collecting *k, const struct type *t)
{
	str uuid = str_from(k->id, str_find(k->id, STR("--")) + 2);
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < t->clock_count; i++) {
		struct journal_line *lines;
		size_t n = 0;
		const struct journal_query q = { .act = STR("clock.noted"), .limit = LINES_MOST,
			.object = arena_fmt(k->a, "clock:%s:" STR_FMT, t->clocks[i].name, STR_ARG(uuid)) };
		rc = journal_find(reader_conn(k->r), &q, k->a, &lines, &n, k->err);
		for (size_t l = 0; rc == RC_OK && l < n; l++) {
			struct json_object *body = NULL;
			struct timeline_entry *e = add(k, lines[l].at_us, TIMELINE_NOTED,
							 str_of(words_in(t->clocks[i].label, k->q->language)));
			if (e && json_read(lines[l].body, &body, NULL) == RC_OK)
				e->words = arena_str(k->a, json_get_str(body, "words"));
			if (e)
				e->who = arena_str(k->a, lines[l].actor);
			json_free(body);
		}
	}
	return rc;
}

/* --- in one order --- */

static int newest_first(const void *a, const void *b)
{
	const struct timeline_entry *x = a, *y = b;

	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? 1 : -1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? 1 : -1; /* what was made first stands below */
	int order = str_cmp(x->other, y->other);
	return order ? order : str_cmp(x->what, y->what);
}

/* "TIME:COUNT": so many of that very time were given. */
static enum rc parse_cursor(const struct timeline_query *q, int64_t *us_out, uint64_t *given_out, struct err *err)
{
	str rest = q->after, us = str_cut(&rest, ':');

	*us_out = INT64_MAX;
	*given_out = 0;
	if (q->after.n == 0)
		return RC_OK;
	return str_to_i64(us, us_out) && str_to_u64(rest, given_out) ?
		       RC_OK : fail(err, RC_INPUT, "'after' is no place in this timeline");
}

static void give(struct collecting *k, uint64_t given, timeline_each each, void *ctx, char *next)
{
	size_t limit = k->q->limit < LIMIT_MOST ? k->q->limit : LIMIT_MOST, from = 0, n = 0;
	int64_t last_us = k->before_us;
	uint64_t same = given;

	if (k->count > 0)
		qsort(k->list, k->count, sizeof(*k->list), newest_first);
	while (from < k->count && k->list[from].at_us == k->before_us && given > 0) {
		from++;
		given--;
	}
	for (; from + n < k->count && n < limit; n++) {
		const struct timeline_entry *e = &k->list[from + n];
		same = e->at_us == last_us ? same + 1 : 1;
		last_us = e->at_us;
		if (!each(ctx, e))
			break;
	}
	next[0] = 0;
	if (n == limit && from + n < k->count)
		snprintf(next, TIMELINE_CURSOR_BYTES, "%lld:%llu", (long long)last_us, (unsigned long long)same);
}

enum rc read_timeline(struct reader *r, const struct types *t, const struct viewer *v,
		      const struct timeline_query *q, struct arena *a, timeline_each each, void *ctx, char *next,
		      bool *cut_out, struct err *err)
{
	struct collecting *k = ARENA_NEW(a, struct collecting);
	struct record_view view = { 0 };
	uint64_t given;

	*k = (struct collecting){ .r = r, .t = t, .v = v, .q = q, .a = a, .err = err,
				  .ours = v->as.kind == RECIPIENT_STAFF };
	next[0] = 0;
	*cut_out = false;
	enum rc rc = parse_cursor(q, &k->before_us, &given, err);
	if (rc == RC_OK)
		rc = read_record(r, t, v, q->id, a, &view, err);
	const struct type *type = rc == RC_OK ? record_view_type(&view) : NULL;
	if (rc == RC_OK)
		k->id = record_view_id(&view, a);
	record_view_end(&view);
	if (rc == RC_OK && !q->messages)
		rc = take_versions(k);
	if (rc == RC_OK)
		rc = read_record_links(r, t, v, k->id, a, each_link, k, err);
	if (q->messages)
		k->count = 0;
	if (rc == RC_OK && !q->messages)
		rc = take_moves(k);
	if (rc == RC_OK && !q->messages)
		rc = take_findings(k);
	if (rc == RC_OK && k->ours)
		rc = take_messages(k);
	if (rc == RC_OK && k->ours && !q->messages)
		rc = take_journal(k, type);
	json_free(k->newer);
	if (rc == RC_OK)
		give(k, given, each, ctx, next);
	*cut_out = k->cut;
	return rc;
}
