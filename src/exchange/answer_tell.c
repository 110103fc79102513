/* SPDX-License-Identifier: Apache-2.0 */
/* The teller of answers: what became of partners' events, out of the transitions and the ledger. Which of them came
 * from a partner says the event itself: extra.origin_node and extra.origin_event. */
#include "exchange/answer.h"

#include <stdlib.h>

#include "disclosure/told.h"
#include "exchange/exchange_private.h"
#include "record/outbox.h"

#define NOTE_EVERY_US (MINUTE_US / 4)
#define TELLER "partner-answers"
#define LEDGER_CURSOR STR("partner-answers:ledger")
enum { TRANSITIONS_A_LOOK = 500, ROWS_A_LOOK = 32, EVENTS_A_FINDING = 16, ANSWERS_A_JOB = 500,
       PARTNERS_MOST = 1000 };

struct source {
	struct partner p;
	str node;
	int64_t feed;
};
/* Who was answered that already. */
struct answered_one {
	struct uuid partner;
	struct answered_one *next;
};
/* Something that became of a finding. */
struct fate {
	struct hash128 finding;
	const char *what;
	int64_t at_us;
	str key;                   /* of the transition or the row */
	size_t order;              /* as it was found */
	struct answered_one *answered;
};
struct telling {
	struct exchange *x;
	struct reader *r;
	struct arena *a;
	struct source *sources; size_t source_count;
	struct fate *fates; size_t fate_count, fate_room;
	uint64_t transition;       /* cursors: as far as was looked; 0: nothing new */
	uint64_t row_from, row_upto;
	bool full;                 /* there may be more than was looked at */
	struct finding_wanted *wanted; size_t wanted_count;
	size_t *fates_of;          /* of each finding wanted: its first fate; they stand in the order of findings */
	enum tlp *tlps;            /* of the findings wanted */
	struct partner_answer *answers; size_t answer_count, answer_room, answer_at;
	struct err *err;
};

/* --- from whom anything came --- */

static str text_of(const struct uuid *u, struct arena *a)
{
	struct buf b = BUF_INIT(64);
	uuid_format(&b, u);
	str s = arena_str(a, buf_str(&b));
	buf_free(&b);
	return s;
}

static bool gather(void *ctx, const struct partner *p)
{
	struct telling *t = ctx;
	if (t->source_count < PARTNERS_MOST && !uuid_is_zero(&p->node))
		t->sources[t->source_count++] = (struct source){ .p = *p, .node = text_of(&p->node, t->a) };
	return true;
}

static enum rc load_sources(struct telling *t)
{
	struct conn *c = reader_conn(t->r);
	t->sources = ARENA_ARRAY(t->a, PARTNERS_MOST, struct source);
	enum rc rc = partners_list(t->x, c, true, t->a, gather, t, t->err);
	size_t kept = 0;
	for (size_t i = 0; rc == RC_OK && i < t->source_count; i++) {
		struct source *s = &t->sources[i];
		struct sql *q = sql(c, "SELECT id FROM feed WHERE name = ?");
		str feed = partner_feed(&s->p, t->a);
		sql_str(q, 1, feed);
		s->feed = sql_row(q) ? sql_col_int(q, 0) : 0;
		rc = sql_end(q, t->err);
		if (rc == RC_OK && s->feed)
			t->sources[kept++] = *s;
	}
	t->source_count = kept;
	return rc == RC_ABSENT ? RC_OK : rc; /* no type means a partner here */
}

/* --- what became of findings --- */

static void add_fate(struct telling *t, struct hash128 finding, const char *what, int64_t at_us, str key)
{
	if (t->fate_count == t->fate_room) {
		size_t room = t->fate_room ? 2 * t->fate_room : 64;
		struct fate *more = ARENA_ARRAY(t->a, room, struct fate);
		if (t->fate_count > 0)
			memcpy(more, t->fates, t->fate_count * sizeof *more);
		t->fates = more;
		t->fate_room = room;
	}
	t->fates[t->fate_count] = (struct fate){ finding, what, at_us, key, t->fate_count, NULL };
	t->fate_count++;
}

static enum rc look_at_transitions(struct telling *t)
{
	struct transition_row *list = NULL;
	size_t n = 0;
	enum rc rc = told_transitions(reader_conn(t->r), TELLER, TRANSITIONS_A_LOOK, t->a, &list, &n, t->err);
	t->full = n == TRANSITIONS_A_LOOK;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		bool tells = list[i].what == TRANSITION_GONE || list[i].what == TRANSITION_RETURNED;
		t->transition = list[i].seq;
		if (tells && t->source_count > 0)
			add_fate(t, list[i].finding, list[i].what == TRANSITION_GONE ? "gone" : "returned", list[i].at_us,
				 arena_fmt(t->a, "transition %llu", (unsigned long long)list[i].seq));
	}
	return rc;
}

static bool finding_of(str item, struct hash128 *out)
{
	uint8_t b[16];
	str head = STR("finding--");
	if (str_starts(item, head))
		item = str_from(item, head.n);
	if (!hex_parse(item, b, sizeof b))
		return false;
	*out = (struct hash128){ 0, 0 };
	for (size_t i = 0; i < 8; i++) {
		out->hi = out->hi << 8 | b[i];
		out->lo = out->lo << 8 | b[8 + i];
	}
	return true;
}

struct told_row {
	int64_t id, message, at_us;
	bool tells;                /* else it answers */
	str words, reference, item;
};

/* What the one who is responsible said, as its row of the ledger begins. */
static const char *said(str words)
{
	static const struct { str head; const char *what; } all[] = {
		{ STR_INIT("working"), "acknowledged" }, { STR_INIT("fixed"), "fixed" }, { STR_INIT("not-ours"), "not-ours" },
		{ STR_INIT("false"), "false" },		 { STR_INIT("question"), "question" },
	};
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (str_starts(words, all[i].head))
			return all[i].what;
	return NULL;
}

static void fate_of(struct telling *t, const struct told_row *row, str item, const char *what)
{
	struct hash128 id;
	if (finding_of(item, &id))
		add_fate(t, id, what, row->at_us, row->tells ? arena_fmt(t->a, "message %lld", (long long)row->message) :
							       arena_fmt(t->a, "ledger %lld", (long long)row->id));
}

/* An answer is about some of what the message covered; which, stands with the answer ("answer:7"). */
static enum rc answered(struct telling *t, const struct told_row *row, const char *what)
{
	str number = row->reference, head = STR("answer:");
	int64_t id;
	if (!str_starts(number, head) || !str_to_i64(str_from(number, head.n), &id))
		return RC_OK;
	struct sql *q = sql(reader_conn(t->r), "SELECT lower(hex(finding)) FROM answer_finding WHERE answer = ?");
	sql_int(q, 1, id);
	while (sql_row(q))
		fate_of(t, row, sql_col_str(q, 0), what);
	return sql_end(q, t->err);
}

static enum rc told_of(struct telling *t, const struct told_row *row)
{
	struct cover *covers = NULL;
	size_t n = 0;
	enum rc rc = outbox_covers(reader_conn(t->r), row->message, t->a, &covers, &n, t->err);
	if (rc == RC_OK && n == 0)
		fate_of(t, row, row->item, "told");
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		fate_of(t, row, covers[i].item, "told");
	return rc;
}

static enum rc look_at_ledger(struct telling *t)
{
	struct told_row list[ROWS_A_LOOK];
	size_t n = 0;
	enum rc rc = outbox_cursor(reader_conn(t->r), LEDGER_CURSOR, &t->row_from, t->err);
	t->row_upto = t->row_from;
	if (rc != RC_OK)
		return rc;
	/* To our own people (notices) and to partners (sync) nothing is told in this sense. */
	struct sql *q = sql(reader_conn(t->r), "SELECT id, message, at_us, kind, words, reference, item, driver, recipient"
					       " FROM ledger WHERE id > ? ORDER BY id LIMIT ?");
	sql_int(q, 1, (int64_t)t->row_from);
	sql_int(q, 2, ROWS_A_LOOK);
	while (sql_row(q)) {
		int64_t kind = sql_col_int(q, 3);
		str driver = sql_col_str(q, 7), to = sql_col_str(q, 8);
		t->row_upto = (uint64_t)sql_col_int(q, 0);
		bool tells = kind == LEDGER_SENT || kind == LEDGER_SHOWN; /* what waits in a portal is told when it is opened */
		if ((!tells && kind != LEDGER_ANSWER) || str_eq(driver, STR("sync")) ||
		    str_starts(to, STR("account:")) || str_starts(to, STR("role:")) || sql_col_int(q, 1) == 0)
			continue;
		list[n++] = (struct told_row){ sql_col_int(q, 0), sql_col_int(q, 1), sql_col_int(q, 2), tells,
					  arena_str(t->a, sql_col_str(q, 4)), arena_str(t->a, sql_col_str(q, 5)),
					  arena_str(t->a, sql_col_str(q, 6)) };
	}
	t->full = t->full || t->row_upto - t->row_from >= ROWS_A_LOOK;
	rc = sql_end(q, t->err);
	for (size_t i = 0; rc == RC_OK && t->source_count > 0 && i < n; i++) {
		const char *what = list[i].tells ? NULL : said(list[i].words);
		rc = list[i].tells ? told_of(t, &list[i]) : what ? answered(t, &list[i], what) : RC_OK;
	}
	return rc;
}

/* --- which events of partners they are made of --- */

static bool same_finding(const struct fate *f, struct hash128 id)
{
	return f->finding.hi == id.hi && f->finding.lo == id.lo;
}

static int by_finding(const void *a, const void *b)
{
	const struct fate *x = a, *y = b;
	if (x->finding.hi != y->finding.hi)
		return x->finding.hi < y->finding.hi ? -1 : 1;
	if (x->finding.lo != y->finding.lo)
		return x->finding.lo < y->finding.lo ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static enum rc came_from_partner(struct telling *t, struct hash128 id, bool *out)
{
	struct finding_feed *feeds = NULL;
	size_t n = 0;
	*out = false;
	enum rc rc = findings_feeds(t->r, id, t->a, &feeds, &n, t->err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		for (size_t s = 0; s < t->source_count; s++)
			*out |= feeds[i].feed == t->sources[s].feed;
	return rc;
}

static enum rc want(struct telling *t)
{
	enum rc rc = RC_OK;
	t->wanted = ARENA_ARRAY(t->a, t->fate_count + 1, struct finding_wanted);
	t->tlps = ARENA_ARRAY(t->a, t->fate_count + 1, enum tlp);
	t->fates_of = ARENA_ARRAY(t->a, t->fate_count + 1, size_t);
	if (t->fate_count > 1) /* a message may cover very many */
		qsort(t->fates, t->fate_count, sizeof *t->fates, by_finding);
	for (size_t i = 0; rc == RC_OK && i < t->fate_count; i++) {
		struct finding f;
		bool theirs = false;
		if (i > 0 && same_finding(&t->fates[i - 1], t->fates[i].finding))
			continue;
		rc = came_from_partner(t, t->fates[i].finding, &theirs);
		if (rc == RC_OK && theirs)
			rc = told_finding(t->r, t->fates[i].finding, t->a, &f, t->err);
		if (rc == RC_OK && theirs) {
			t->tlps[t->wanted_count] = f.tlp;
			t->fates_of[t->wanted_count] = i;
			t->wanted[t->wanted_count++] = (struct finding_wanted){ .id = f.id, .last_us = f.last_seen_us,
										.events = f.events,
										.identifier = f.identifier };
		}
		rc = rc == RC_ABSENT ? RC_OK : rc; /* forgotten since */
	}
	return rc;
}

static const struct source *source_of(const struct telling *t, str node)
{
	for (size_t i = 0; i < t->source_count; i++)
		if (str_eq_nocase(t->sources[i].node, node))
			return &t->sources[i];
	return NULL;
}

static void add_answer(struct telling *t, const struct partner_answer *n)
{
	if (t->answer_count == t->answer_room) {
		size_t room = t->answer_room ? 2 * t->answer_room : 64;
		struct partner_answer *more = ARENA_ARRAY(t->a, room, struct partner_answer);
		if (t->answer_count > 0)
			memcpy(more, t->answers, t->answer_count * sizeof *more);
		t->answers = more;
		t->answer_room = room;
	}
	t->answers[t->answer_count++] = *n;
}

/* True the first time: one event of each partner is enough, he finds his finding by it. */
static bool answers_first(struct telling *t, struct fate *f, const struct partner *p)
{
	for (const struct answered_one *a = f->answered; a; a = a->next)
		if (uuid_equal(&a->partner, &p->id))
			return false;
	struct answered_one *one = ARENA_NEW(t->a, struct answered_one);
	*one = (struct answered_one){ p->id, f->answered };
	f->answered = one;
	return true;
}

static bool take_event(void *ctx, const struct event_row *row, size_t place)
{
	struct telling *t = ctx;
	struct event_view view = { .row = row };
	struct buf node = BUF_INIT(64), event = BUF_INIT(80);
	char about[STIX_ID_MAX];
	bool has = event_view_value(&view, STR("extra.origin_node"), &node) &&
		   event_view_value(&view, STR("extra.origin_event"), &event);
	const struct source *s = has ? source_of(t, buf_str(&node)) : NULL;
	str head = STR("event--");
	if (s && str_starts(buf_str(&event), head)) {
		str item = arena_str(t->a, buf_str(&event));
		stix_event_object_id(s->node, str_from(item, head.n), about);
		for (size_t i = t->fates_of[place]; i < t->fate_count && same_finding(&t->fates[i], t->wanted[place].id); i++) {
			struct fate *f = &t->fates[i];
			if (!answers_first(t, f, &s->p))
				continue;
			str key = arena_fmt(t->a, "%s %016llx%016llx " STR_FMT, f->what, (unsigned long long)f->finding.hi,
					    (unsigned long long)f->finding.lo, STR_ARG(f->key));
			const struct partner_answer n = { .partner = s->p.id, .item = item, .origin = s->node,
							  .about = arena_str(t->a, str_of(about)), .what = str_of(f->what),
							  .words = STR(""), .key = key, .at_us = f->at_us,
							  .tlp = t->tlps[place] };
			add_answer(t, &n);
		}
	}
	buf_free(&node);
	buf_free(&event);
	return true;
}

/* --- one look --- */

/* So many that nobody waits for long; the last job moves the cursors. Cut off in between, the same answers come again
 * and change nothing. */
static enum rc put(struct tx *tx, void *ctx, struct err *err)
{
	struct telling *t = ctx;
	size_t until = t->answer_at + ANSWERS_A_JOB < t->answer_count ? t->answer_at + ANSWERS_A_JOB : t->answer_count;
	enum rc rc = RC_OK;
	for (size_t i = t->answer_at; rc == RC_OK && i < until; i++)
		rc = partner_answer_offer(tx, &t->answers[i], err);
	t->answer_at = until;
	if (until < t->answer_count)
		return rc;
	if (rc == RC_OK && t->transition)
		rc = transitions_told(tx, TELLER, t->transition, err);
	if (rc == RC_OK && t->row_upto != t->row_from)
		rc = outbox_cursor_move(tx, LEDGER_CURSOR, t->row_from, t->row_upto, err);
	return rc;
}

static enum rc look(struct telling *t)
{
	enum rc rc = load_sources(t);
	if (rc == RC_OK)
		rc = look_at_transitions(t);
	if (rc == RC_OK)
		rc = look_at_ledger(t);
	if (rc == RC_OK)
		rc = want(t);
	if (rc == RC_OK && t->wanted_count > 0)
		rc = findings_newest_events(t->r, t->wanted, t->wanted_count, 0, EVENTS_A_FINDING, take_event, t, t->err);
	return rc;
}

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct telling t = { .x = ctx, .a = arena_new(KIB(64)), .err = err };
	*did_out = false;
	enum rc rc = store_read_only(s) ? RC_OK : store_read_begin(s, &t.r, err);
	if (rc == RC_OK && t.r)
		rc = look(&t);
	if (t.r)
		store_read_end(t.r);
	bool news = rc == RC_OK && (t.transition || t.row_upto != t.row_from);
	/* how far it looked in vain is written now and then: no commit of its own for each report */
	if (!t.full && t.answer_count == 0 && t.fate_count == 0 && clock_mono_us() - t.x->answers_noted_us < NOTE_EVERY_US)
		news = false;
	else if (news)
		t.x->answers_noted_us = clock_mono_us();
	while (news && rc == RC_OK) {
		rc = store_write(s, put, &t, err);
		if (t.answer_at == t.answer_count)
			break;
	}
	*did_out = news && rc == RC_OK;
	arena_free(t.a);
	return rc;
}

enum rc partner_answers_open(struct exchange *x, struct err *err)
{
	(void)err;
	store_add_tend(x->w.store, tend, x);
	return RC_OK;
}
