/* SPDX-License-Identifier: Apache-2.0 */
/* What a TAXII server offers us, page after page (TAXII 2.1 sections 3.5 and 5.4). Each page is taken before the place in its
 * collection moves, in the job that counts it. A place is a date_added as the server wrote it, and within a list that
 * is not at its end the server's own `next`; where it gives none, the time of the last object less a moment, as several
 * may have the same. Other servers' places are not ours to trust: one that stands still, runs in a circle or lies in
 * the future of the server's own clock is said, and what was taken stays. */
#include <json-c/json.h>
#include <stdlib.h>

#include "exchange/courier_private.h"
#include "exchange/taxii_client.h"
#include "exchange/taxii_private.h"
#include "exchange/take.h"
#include "store/sql.h"

enum { PAGE_LIMIT = 1000, NEXT_MOST = 2048, TIME_MOST = 64, PAGES_MOST = 1000 /* of one round; then others */,
       EMPTY_MOST = 100, SAME_TIME_MOST = 1000 };
#define SKEW_SAID (5 * MINUTE_US)

/* The row. */
struct taxii_place {
	struct uuid partner;
	str collection;            /* its id there */
	str after;                 /* date_added as text; "": from the begin */
	str next;                  /* "": none */
	str last;                  /* newest date_added of the list under way */
	int64_t skew_us;           /* of his clock when that was said */
	str note;                  /* what is odd there, in words; "": nothing */
	uint64_t objects, bytes;   /* of the page, for the counts */
};

struct page {
	str next;
	bool more;
	size_t count;
	str first, last;           /* date_added; "" not said */
	int64_t first_us, last_us;
	struct digest digest;
};

struct fetching {
	struct taxii_server *s;
	const struct taxii_offer *from;
	struct arena *a, *page_a;
	struct taxii_place at;
	struct digest before;      /* of the page before */
	unsigned pages, empty, still;
	size_t limit;
	bool undated;              /* a list with objects whose time nobody said */
};

/* --- the place --- */

static enum rc read_place(struct fetching *f, struct conn *c, struct err *err)
{
	struct sql *q = sql(c, "SELECT after, next, last, skew_us FROM taxii_place WHERE partner = ? AND collection = ?");
	sql_blob(q, 1, str_mem(f->s->partner.id.b, sizeof f->s->partner.id.b));
	sql_str(q, 2, f->from->id);
	f->at = (struct taxii_place){ .partner = f->s->partner.id, .collection = f->from->id, .after = STR(""), .next = STR(""),
				.last = STR(""), .note = STR("") };
	if (sql_row(q)) {
		f->at.after = arena_str(f->a, sql_col_str(q, 0));
		f->at.next = arena_str(f->a, sql_col_str(q, 1));
		f->at.last = arena_str(f->a, sql_col_str(q, 2));
		f->at.skew_us = sql_col_int(q, 3);
	}
	return sql_end(q, err);
}

static enum rc load_place(struct fetching *f, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(f->s->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = read_place(f, reader_conn(r), err);
	store_read_end(r);
	return rc;
}

static enum rc save_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct taxii_place *p = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO taxii_place (partner, collection, after, next, last, skew_us, note)"
					 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (partner, collection) DO UPDATE SET"
					 " after = ?3, next = ?4, last = ?5, skew_us = ?6, note = ?7");
	sql_blob(q, 1, str_mem(p->partner.b, sizeof p->partner.b));
	sql_str(q, 2, p->collection);
	sql_str(q, 3, p->after);
	sql_str(q, 4, p->next);
	sql_str(q, 5, p->last);
	sql_int(q, 6, p->skew_us);
	sql_str(q, 7, p->note);
	enum rc rc = sql_run(q, err);
	return rc == RC_OK && p->objects > 0 ? line_received(tx, p->partner, p->objects, p->bytes, err) : rc;
}

static enum rc save_place(struct fetching *f, struct err *err)
{
	enum rc rc = store_write(f->s->x->w.store, save_job, &f->at, err);
	f->at.objects = f->at.bytes = 0;
	return rc;
}

/* --- asking --- */

static void put_query(struct buf *url, const char *name, str value)
{
	buf_fmt(url, "%s%s=", str_has(buf_str(url), '?') ? "&" : "?", name);
	percent_format(url, value);
}

static enum rc ask_page(struct fetching *f, struct fetch_answer *answer, struct json_object **o, struct err *err)
{
	struct buf url = BUF_INIT(KIB(8));
	buf_fmt(&url, STR_FMT "collections/", STR_ARG(f->from->root));
	percent_format(&url, f->from->id);
	buf_add(&url, STR("/objects/"));
	if (f->at.after.n > 0)
		put_query(&url, "added_after", f->at.after);
	put_query(&url, "limit", arena_fmt(f->page_a, "%zu", f->limit));
	if (f->at.next.n > 0)
		put_query(&url, "next", f->at.next);
	enum rc rc = taxii_say(f->s, buf_str(&url), NULL, f->page_a, answer, o, err);
	buf_free(&url);
	return rc;
}

static str time_said(struct fetching *f, const struct fetch_answer *answer, const char *name, int64_t *us)
{
	str text = fetch_head_value(answer->head, name);
	*us = TIME_NONE;
	if (!text.p || text.n > TIME_MOST || !time_parse(text, false, us))
		return STR("");
	return arena_str(f->page_a, text);
}

static enum rc read_page(struct fetching *f, const struct fetch_answer *answer, struct json_object *o, struct page *p,
			 struct err *err)
{
	struct json_object *objects = json_get(o, "objects");
	str next = json_get_str(o, "next"), name = f->s->partner.name;
	*p = (struct page){ .count = json_count(objects) };
	if (p->count > 0) /* without `next`, which a server may make anew each time */
		p->digest = sha256(str_of(json_object_to_json_string(objects)));
	(void)json_get_bool(o, "more", &p->more);
	if (objects && !json_object_is_type(objects, json_type_array))
		return fail(err, RC_INPUT, "'" STR_FMT "' answers with 'objects' that is no list", STR_ARG(name));
	if (next.n > NEXT_MOST)
		return fail(err, RC_INPUT, "'" STR_FMT "' gives a 'next' of more than %d bytes", STR_ARG(name), NEXT_MOST);
	p->next = p->more && next.n > 0 ? arena_str(f->page_a, next) : STR("");
	p->first = time_said(f, answer, "X-TAXII-Date-Added-First", &p->first_us);
	p->last = time_said(f, answer, "X-TAXII-Date-Added-Last", &p->last_us);
	return RC_OK;
}

/* --- taking --- */

static enum rc take_page(struct fetching *f, const struct fetch_answer *answer, const struct page *p, struct err *err)
{
	struct taken taken;
	if (p->count == 0)
		return RC_OK;
	struct buf hex = BUF_INIT(64);
	hex_format(&hex, p->digest.b, 8);
	str name = arena_fmt(f->page_a, "taxii-" STR_FMT, STR_ARG(buf_str(&hex)));
	buf_free(&hex); /* the same bytes again are known */
	enum rc rc = take_fetched(f->s->x, &f->s->partner, answer->body, name, f->page_a, &taken, err);
	if (rc == RC_OK && taken.failure_count)
		log_warn(f->s->x->w.log, "some of what a partner offers cannot be taken", L_STR("partner", f->s->partner.name),
			 L_UINT("failures", taken.failure_count), L_STR("first", taken.failures[0].words));
	f->at.objects = p->count;
	f->at.bytes = answer->body.n;
	return rc;
}

/* --- going on --- */

static str time_text(struct arena *a, int64_t us)
{
	return taxii_time(a, us);
}

/* A time to come by the server's own clock would hide what comes until then. */
static str not_ahead(struct fetching *f, str last, int64_t last_us)
{
	int64_t theirs = clock_now_us() + f->s->skew_us;
	if (last_us <= theirs + SKEW_SAID)
		return last;
	f->at.note = arena_fmt(f->a, "'" STR_FMT "' says of objects that they were added in the future (" STR_FMT "): they are "
			       "fetched again until then", STR_ARG(f->s->partner.name), STR_ARG(last));
	return time_text(f->a, theirs);
}

static void keep_newest(struct fetching *f, const struct page *p)
{
	int64_t known;
	if (p->last_us == TIME_NONE)
		return;
	if (f->at.last.n == 0 || !time_parse(f->at.last, false, &known) || p->last_us > known)
		f->at.last = arena_str(f->a, not_ahead(f, p->last, p->last_us));
}

/* `more` without `next`: from the last time on, as several objects may share it. */
static enum rc by_time(struct fetching *f, const struct page *p, struct err *err)
{
	int64_t before = TIME_NONE;
	if (p->count == 0 || p->last_us == TIME_NONE)
		return fail(err, RC_INPUT, "'" STR_FMT "' says that there is more, but not where: neither 'next' nor "
			    "X-TAXII-Date-Added-Last", STR_ARG(f->s->partner.name));
	(void)time_parse(f->at.after, false, &before);
	if (before != TIME_NONE && p->last_us < before)
		return fail(err, RC_INPUT, "'" STR_FMT "' gives older objects than were asked for", STR_ARG(f->s->partner.name));
	bool stuck = before != TIME_NONE && p->last_us - 1 <= before;
	if (stuck) {
		f->at.note = arena_fmt(f->a, "'" STR_FMT "' has more objects of one moment (" STR_FMT ") than it gives at once: "
				       "some may be missing", STR_ARG(f->s->partner.name), STR_ARG(p->last));
		if (p->last_us <= before)
			return fail(err, RC_INPUT, "'" STR_FMT "' gives the same page for ever", STR_ARG(f->s->partner.name));
	}
	f->at.after = arena_str(f->a, stuck ? not_ahead(f, p->last, p->last_us) :
					     not_ahead(f, time_text(f->a, p->last_us - 1), p->last_us));
	f->at.next = f->at.last = STR("");
	return RC_OK;
}

static enum rc by_next(struct fetching *f, const struct page *p, struct err *err)
{
	int64_t newest = TIME_NONE;
	str name = f->s->partner.name;
	if (str_eq(p->next, f->at.next) || (f->pages > 0 && p->count > 0 && memcmp(&p->digest, &f->before, sizeof p->digest) == 0))
		return fail(err, RC_INPUT, "'" STR_FMT "' gives the same page for ever", STR_ARG(name));
	(void)time_parse(f->at.last, false, &newest);
	f->empty = p->count == 0 ? f->empty + 1 : 0;
	f->still = newest != TIME_NONE && p->last_us != TIME_NONE && p->last_us <= newest ? f->still + 1 : 0;
	if (f->empty > EMPTY_MOST || f->still > SAME_TIME_MOST)
		return fail(err, RC_INPUT, "'" STR_FMT "' gives page after page and nothing newer", STR_ARG(name));
	keep_newest(f, p);
	f->at.next = arena_str(f->a, p->next);
	return RC_OK;
}

/* *more: ask again. What was taken is kept whatever is wrong with where it goes on. */
static enum rc go_on(struct fetching *f, const struct page *p, bool *more, struct err *err)
{
	struct err why = { 0 };
	enum rc wrong = RC_OK;
	f->undated = f->undated || (p->count > 0 && p->last_us == TIME_NONE);
	*more = p->more;
	if (p->next.n > 0) {
		wrong = by_next(f, p, &why);
	} else if (p->more) {
		wrong = by_time(f, p, &why);
	} else {
		keep_newest(f, p);
		if (f->undated && f->at.last.n == 0)
			wrong = fail(&why, RC_INPUT, "'" STR_FMT "' does not say when its objects were added "
				     "(X-TAXII-Date-Added-Last): all of them are fetched each time", STR_ARG(f->s->partner.name));
		f->at.after = f->at.last.n > 0 ? f->at.last : f->at.after;
		f->at.next = f->at.last = STR("");
	}
	if (wrong != RC_OK) /* from the last sure place on, when it is tried again */
		f->at.next = f->at.last = STR("");
	enum rc rc = save_place(f, err);
	return rc == RC_OK && wrong != RC_OK ? fail(err, wrong, "%s", why.text) : rc;
}

/* Their clock was set back: what was added since has times that we are past already. */
static void follow_clock(struct fetching *f)
{
	int64_t after, back = f->at.skew_us - f->s->skew_us;
	if (!f->s->dated)
		return;
	if (back > SKEW_SAID && f->at.after.n > 0 && time_parse(f->at.after, false, &after)) {
		f->at.after = time_text(f->a, after - back - MINUTE_US);
		f->at.next = f->at.last = STR("");
	}
	f->at.skew_us = f->s->skew_us;
	if (llabs(f->s->skew_us) > SKEW_SAID && f->at.note.n == 0)
		f->at.note = arena_fmt(f->a, "the clock of '" STR_FMT "' is %lld minutes %s ours: one of both is wrong",
				       STR_ARG(f->s->partner.name), (long long)(llabs(f->s->skew_us) / MINUTE_US),
				       f->s->skew_us > 0 ? "ahead of" : "behind");
}

static enum rc one_page(struct fetching *f, bool *more, struct err *err)
{
	struct fetch_answer answer;
	struct json_object *o = NULL;
	struct page p = { .more = false };
	enum rc rc = ask_page(f, &answer, &o, err);
	if (rc == RC_LIMIT && f->limit > 1) { /* fewer at once */
		f->limit /= 10;
		*more = true;
		return RC_OK;
	}
	if ((rc == RC_INPUT || rc == RC_ABSENT) && f->at.next.n > 0 && f->pages == 0) {
		f->at.next = f->at.last = STR(""); /* of an earlier round: it is not kept for ever */
		*more = true;
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = read_page(f, &answer, o, &p, err);
	json_free(o);
	if (rc == RC_OK)
		rc = take_page(f, &answer, &p, err);
	if (rc == RC_OK)
		rc = go_on(f, &p, more, err);
	f->before = p.digest;
	f->pages++;
	return rc;
}

static enum rc fetch_one(struct taxii_server *s, const struct taxii_offer *from, struct err *err)
{
	struct fetching f = { .s = s, .from = from, .a = arena_new(KIB(8)), .limit = PAGE_LIMIT };
	bool more = true;
	enum rc rc = load_place(&f, err);
	if (rc == RC_OK)
		follow_clock(&f);
	while (rc == RC_OK && more && f.pages < PAGES_MOST && !courier_stopping(s->x)) {
		f.page_a = arena_new(KIB(64));
		rc = one_page(&f, &more, err);
		arena_free(f.page_a);
	}
	if (rc == RC_OK && more && f.undated && f.at.last.n == 0)
		rc = fail(err, RC_INPUT, "'" STR_FMT "' gives page after page and does not say when its objects were added",
			  STR_ARG(s->partner.name));
	arena_free(f.a);
	return rc;
}

enum rc taxii_fetch(struct taxii_server *s, const struct taxii_offer *list, size_t count, struct err *err)
{
	str wanted = s->partner.collection;
	struct err first = { 0 };
	enum rc rc = RC_OK;
	do { /* one that fails keeps no other back */
		const struct taxii_offer *from = NULL;
		struct err why = { 0 };
		enum rc one = taxii_choose(s, list, count, str_trim(str_cut(&wanted, ',')), false, &from, &why);
		if (one == RC_OK)
			one = fetch_one(s, from, &why);
		if (one != RC_OK && rc == RC_OK) {
			rc = one;
			first = why;
		}
	} while (wanted.n > 0 && !courier_stopping(s->x));
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", first.text);
}
