/* SPDX-License-Identifier: Apache-2.0 */
/* What a partner may have of ours, POSTed to a collection of his TAXII server (TAXII 2.1 section 5.5): pages of his
 * collection with us, each lane from its cursor on, in envelopes that his server takes. The cursor moves in the job
 * that writes the receipt, so what was interrupted is sent again; the same object and version again changes nothing there. */
#include <time.h>

#include "disclosure/told_partner.h"
#include "exchange/courier_private.h"
#include "exchange/taxii_client.h"
#include "exchange/taxii_private.h"

enum { PAGE_BYTES = 4 << 20, ENVELOPE_EXTRA = 16 /* {"objects":[]} */, FAILURES_MOST = 100, WORDS_MOST = 300,
       POLL_MS = 200, POLL_MOST_MS = 5000, POLL_ALL_MS = 20000 };

struct sent_object { str id, version, json; };
struct failure { str id, words; };

struct sending {
	struct taxii_server *s;
	struct peer *peer;
	const struct taxii_offer *to;
	struct arena *a;           /* of one page */
	enum lane lane;
	struct sent_object *list;
	size_t count;
	int64_t after_us;
	struct page_end end;
	uint64_t policy;
	struct failure failures[FAILURES_MOST];
	size_t named;              /* in `failures` */
	uint64_t failed, bytes;
	str status;                /* id of the last one there */
	bool pending;              /* it was not done when we last asked */
};

/* --- a page --- */

static bool keep_object(void *ctx, const struct page_object *o)
{
	struct sending *k = ctx;
	if (k->count == COLLECTION_PAGE_MOST)
		return false;
	k->list[k->count++] = (struct sent_object){ arena_str(k->a, o->id), arena_str(k->a, o->version), arena_str(k->a, o->json) };
	return true;
}

static enum rc read_page(struct sending *k, struct reader *r, struct err *err)
{
	struct exchange *x = k->s->x;
	const struct partner *p = &k->s->partner;
	struct collection col;
	struct told_to to;
	enum rc rc = collection_of_partner(reader_conn(r), COLLECTION_OUT, p->id, k->a, &col, err);
	if (rc == RC_OK)
		rc = line_cursor(reader_conn(r), p->id, k->lane, &k->after_us, err);
	if (rc == RC_OK)
		rc = told_partner(r, x->w.policies, p->organisation, partner_feed(p, k->a), p->exercise, &to, err);
	if (rc == RC_ABSENT || rc == RC_DENIED) /* nothing is offered, or agreed */
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	k->policy = to.viewer.policy.number;
	if (k->policy != k->peer->policy) { /* another one may let go what this did not */
		memset(k->peer->looked_us, 0, sizeof k->peer->looked_us);
		k->peer->policy = k->policy;
	}
	int64_t looked = k->peer->looked_us[k->lane];
	const struct page_query q = { .after_us = k->after_us > looked ? k->after_us : looked, .limit = COLLECTION_PAGE_MOST,
				      .lane = (int)k->lane, .bytes = PAGE_BYTES };
	return collection_page(x, r, &col, &to, &q, keep_object, k, &k->end, err);
}

static enum rc next_page(struct sending *k, struct err *err)
{
	struct reader *r = NULL;
	k->list = ARENA_ARRAY(k->a, COLLECTION_PAGE_MOST, struct sent_object);
	enum rc rc = store_read_begin(k->s->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = read_page(k, r, err);
	store_read_end(r);
	return rc;
}

/* --- what became of it --- */

static void add_failure(struct sending *k, str id, str words)
{
	k->failed++;
	if (k->named < FAILURES_MOST)
		k->failures[k->named++] = (struct failure){ arena_str(k->a, str_head(id, 200)),
							    arena_str(k->a, str_head(words, WORDS_MOST)) };
}

/* *done: nothing of it is under way any more. */
static void read_status(struct sending *k, struct json_object *o, bool *done)
{
	struct json_object *list = json_get(o, "failures");
	int64_t failed = 0;
	uint64_t before = k->failed;
	str id = str_head(json_get_str(o, "id"), 100);
	k->status = id.n > 0 && str_is_plain(id) ? arena_str(k->a, id) : STR("");
	*done = !str_eq(json_get_str(o, "status"), STR("pending"));
	if (!*done)
		return;
	for (size_t i = 0; i < json_count(list) && k->failed - before < COLLECTION_PAGE_MOST; i++) {
		struct json_object *one = json_at(list, i);
		str words = json_get_str(one, "message");
		add_failure(k, json_get_str(one, "id"), words.n > 0 ? words : STR("no reason was given"));
	}
	if (json_get_i64(o, "failure_count", &failed) && failed > (int64_t)(k->failed - before) && failed <= (int64_t)k->count)
		k->failed = before + (uint64_t)failed;
}

/* Until it is done, or we have waited long enough for it. */
static enum rc poll(struct sending *k, struct err *err)
{
	bool done = false;
	for (long waited = 0, ms = POLL_MS; waited < POLL_ALL_MS && !done && !courier_stopping(k->s->x); waited += ms) {
		struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
		struct fetch_answer answer;
		struct json_object *o = NULL;
		struct err why = { 0 };
		struct arena *a = arena_new(KIB(16)); /* of one answer: a stranger may make it long */
		struct buf url = BUF_INIT(KIB(4));
		nanosleep(&t, NULL);
		ms = ms * 2 < POLL_MOST_MS ? ms * 2 : POLL_MOST_MS;
		buf_fmt(&url, STR_FMT "status/", STR_ARG(k->to->root));
		percent_format(&url, k->status);
		buf_char(&url, '/');
		enum rc rc = taxii_say(k->s, buf_str(&url), NULL, a, &answer, &o, &why);
		buf_free(&url);
		if (rc == RC_OK)
			read_status(k, o, &done);
		json_free(o);
		arena_free(a);
		if (rc != RC_OK && rc != RC_BUSY)
			return fail(err, rc, "%s", why.text);
	}
	k->pending = k->pending || !done;
	return RC_OK;
}

/* --- envelopes --- */

static enum rc post(struct sending *k, const struct buf *body, struct err *err)
{
	struct fetch_answer answer;
	struct json_object *o = NULL;
	struct arena *a = arena_new(KIB(16)); /* of one answer */
	struct buf url = BUF_INIT(KIB(4));
	bool done = false;
	buf_fmt(&url, STR_FMT "collections/", STR_ARG(k->to->root));
	percent_format(&url, k->to->id);
	buf_add(&url, STR("/objects/"));
	enum rc rc = taxii_say(k->s, buf_str(&url), body, a, &answer, &o, err);
	buf_free(&url);
	if (rc == RC_OK)
		read_status(k, o, &done);
	json_free(o);
	arena_free(a);
	if (rc == RC_OK)
		k->bytes += body->n;
	return rc == RC_OK && !done && k->status.n > 0 ? poll(k, err) : rc;
}

/* How many objects from `at` on fit into one envelope; 0: not even one. */
static size_t fitting(const struct sending *k, size_t at, size_t end, size_t most)
{
	size_t bytes = ENVELOPE_EXTRA, n = 0;
	while (at + n < end && bytes + k->list[at + n].json.n + 1 <= most)
		bytes += k->list[at + n++].json.n + 1;
	return n;
}

static enum rc send_part(struct sending *k, size_t at, size_t n, struct err *err)
{
	struct buf body = BUF_INIT(k->to->max_content);
	buf_add(&body, STR("{\"objects\":["));
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_char(&body, ',');
		buf_add(&body, k->list[at + i].json);
	}
	buf_add(&body, STR("]}"));
	enum rc rc = body.over ? fail(err, RC_LIMIT, "it is larger than the %zu bytes their server takes", k->to->max_content) :
				 post(k, &body, err);
	buf_free(&body);
	return rc;
}

/* What is refused as a whole, or as too much, is sent by halves, down to the object that is not taken. */
static enum rc send_page(struct sending *k, struct err *err)
{
	size_t bytes = k->to->max_content < PAGE_BYTES ? k->to->max_content : PAGE_BYTES, most = k->count, refused = 0;
	for (size_t at = 0; at < k->count;) {
		size_t n = fitting(k, at, at + most < k->count ? at + most : k->count, bytes);
		struct err why = { 0 };
		n = n > 0 ? n : 1;
		enum rc rc = send_part(k, at, n, &why);
		if (courier_stopping(k->s->x) || (rc != RC_OK && rc != RC_LIMIT && rc != RC_INPUT))
			return rc == RC_OK ? fail(err, RC_BUSY, "the node ends") : fail(err, rc, "%s", why.text);
		if (rc != RC_OK && n > 1) {
			most = n / 2;
			continue;
		}
		if (rc != RC_OK) {
			add_failure(k, k->list[at].id, str_of(why.text));
			/* all of many: it is not the objects that are wrong */
			if (++refused == k->count && k->count > 1)
				return fail(err, rc, "%s", why.text);
		}
		most = rc == RC_OK ? most * 2 : 1;
		at += n;
	}
	return RC_OK;
}

/* --- written down --- */

static enum rc put_failure(struct tx *tx, const struct sending *k, const struct failure *f, struct err *err)
{
	struct buf who = BUF_INIT(RECORD_ID_BYTES), words = BUF_INIT(KIB(2));
	int64_t id;
	record_id_format(&who, STR("partner"), &k->s->partner.id);
	buf_fmt(&words, STR_FMT ": " STR_FMT, STR_ARG(f->id), STR_ARG(f->words));
	const struct ledger_row row = { .at_us = tx_now_us(tx), .kind = LEDGER_FAILED, .driver = STR("taxii"),
					.recipient = buf_str(&who), .item = buf_str(&who), .policy = k->policy,
					.purpose = PURPOSE_HANDLING, .rule = STR(""), .cut = STR(""), .reference = k->status,
					.words = buf_str(&words), .covers = 1 };
	enum rc rc = ledger_add(tx, &row, &id, err);
	buf_free(&who);
	buf_free(&words);
	return rc;
}

static enum rc sent_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct sending *k = ctx;
	if (k->count == 0) /* nothing of it may go now */
		return line_set_looked(tx, k->s->partner.id, k->lane, k->end.upto_us, err);
	const struct sent_batch b = { .partner = k->s->partner.id, .lane = k->lane, .after_us = k->after_us,
				      .upto_us = k->end.upto_us, .objects = k->count,
				      .failures = k->failed < k->count ? k->failed : k->count, .bytes = k->bytes,
				      .id = k->status, .policy = k->policy,
				      .words = k->named > 0 ? k->failures[0].words :
					       k->pending ? STR("their server had not said what became of it") : STR("") };
	enum rc rc = line_sent(tx, &b, err);
	for (size_t i = 0; rc == RC_OK && i < k->named; i++)
		rc = put_failure(tx, k, &k->failures[i], err);
	return rc;
}

/* *more: there may be another page in this lane. */
static enum rc send_some(struct taxii_server *s, struct peer *peer, const struct taxii_offer *to, enum lane lane, bool *more,
			 struct err *err)
{
	struct sending k = { .s = s, .peer = peer, .to = to, .lane = lane, .a = arena_new(KIB(64)), .status = STR("") };
	enum rc rc = next_page(&k, err);
	*more = false;
	if (rc == RC_OK && k.count > 0)
		rc = send_page(&k, err);
	if (rc == RC_OK && k.end.upto_us > k.after_us && (k.count > 0 || k.end.upto_us > peer->looked_us[lane])) {
		*more = k.end.more || k.count > 0;
		rc = store_write(s->x->w.store, sent_job, &k, err);
		peer->looked_us[lane] = k.end.upto_us;
	}
	if (rc == RC_OK && k.failed)
		log_warn(s->x->w.log, "a partner did not take some of what was sent", L_STR("partner", s->partner.name),
			 L_UINT("failures", k.failed), L_STR("first", k.named ? k.failures[0].words : STR("")));
	arena_free(k.a);
	return rc == RC_CONFLICT ? RC_OK : rc; /* somebody else sent it meanwhile */
}

enum rc taxii_send(struct taxii_server *s, struct peer *peer, const struct taxii_offer *list, size_t count, struct err *err)
{
	const struct taxii_offer *to = NULL;
	enum rc rc = taxii_choose(s, list, count, s->partner.inbox, true, &to, err);
	for (int lane = 0; rc == RC_OK && lane < LANE_COUNT && !courier_stopping(s->x);) {
		bool more = false;
		rc = send_some(s, peer, to, (enum lane)lane, &more, err);
		lane = more && lane > 0 ? 0 : lane + !more; /* what is more urgent may have come meanwhile */
	}
	return rc;
}
