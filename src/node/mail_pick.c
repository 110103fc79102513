/* SPDX-License-Identifier: Apache-2.0 */
#include "node/mail_pick.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/queue.h"
#include "http/fetch.h"
#include "mail/imap.h"
#include "mail/mime_text.h"

enum { AT_ONCE = 200, WAITING_AT_ONCE = 100, IDLE_LOOK_S = 5 };
#define PAUSE_MOST (15 * MINUTE_US)

struct mail_pick {
	struct node *node;
	struct queue *stop;
	pthread_t thread;
};

/* --- what a mail brings --- */

/* RC_INPUT: no report, in words; RC_BUSY, RC_LIMIT, RC_IO: later. */
static enum rc deliver(struct node *n, const struct inbound *in, const struct inbound_piece *piece, struct arena *a,
		       str *report_out, struct err *err)
{
	struct delivery d = { .feed = in->feed, .format = str_of(piece->format), .file_name = piece->name,
			      .actor = STR("mail") };
	struct intake_summary s = { 0 };
	struct intake *intake = NULL;
	/* A mail as a whole is text of several charsets, and its text is in one of them: what is no UTF-8 is marked. */
	struct buf clean = BUF_INIT(RECORD_MAX);
	bool whole = piece->part == INBOUND_WHOLE || piece->part == INBOUND_BODY;
	if (whole)
		(void)mime_clean(piece->bytes, true, RECORD_MAX - KIB(1), &clean);
	enum rc rc = intake_begin(n->pipeline, &d, &intake, err);
	if (rc == RC_OK)
		rc = intake_bytes(intake, whole ? buf_str(&clean) : piece->bytes, err);
	buf_free(&clean);
	if (rc != RC_OK) {
		if (intake)
			intake_abort(intake);
		return rc;
	}
	rc = intake_end(intake, false, NULL, NULL, &s, err);
	if (rc == RC_OK || s.report > 0)
		*report_out = arena_fmt(a, "report--%lld", (long long)s.report);
	return rc;
}

struct brought {
	str reports[INBOUND_REPORTS_MAX];
	size_t count;
	str words;
};

static bool is_later(enum rc rc)
{
	return rc == RC_BUSY || rc == RC_IO || rc == RC_LIMIT;
}

/* --- links --- */

enum { LINK_BYTES_MAX = 32 << 20 };

static enum rc open_door(struct node *n, struct fetcher **out, struct err *err)
{
	str ca = settings_text(n->settings, "fetch_ca_file"), hosts = settings_text(n->settings, "mail_link_hosts");
	struct arena *a = arena_new(KIB(1));
	enum rc rc = fetch_new(arena_z(a, ca), out, err);
	while (rc == RC_OK && hosts.n > 0) {
		str one = str_trim(str_cut(&hosts, ','));
		if (one.n > 0)
			rc = str_find(one, STR("://")) < one.n ? fetch_exempt(*out, "mail link", one, err) :
								 fetch_allow(*out, "mail link", one, err);
	}
	arena_free(a);
	return rc;
}

/* The last part of its path, as a hint to what it is. */
static str link_name(str url)
{
	url = str_head(url, str_index(url, '?'));
	size_t at = url.n;
	while (at > 0 && url.p[at - 1] != '/')
		at--;
	return str_from(url, at);
}

static void say_of(struct brought *b, struct arena *a, str what, const char *words)
{
	b->words = arena_fmt(a, STR_FMT "%s'" STR_FMT "' is no report: %s", STR_ARG(b->words), b->words.n ? "\n" : "",
			     STR_ARG(str_head(what, 100)), words);
}

static enum rc fetch_one(struct node *n, struct fetcher *door, const struct inbound *in, str url, struct arena *a,
			 struct brought *b, struct err *err)
{
	const struct fetch_request q = { .purpose = "mail link", .url = url, .limits = { .body_bytes = LINK_BYTES_MAX } };
	struct fetch_answer answer;
	struct err why = { 0 };
	str report = STR("");
	enum rc rc = fetch(door, &q, a, &answer, &why);
	if (rc == RC_BUSY || rc == RC_IO || (rc == RC_OK && answer.status >= 500))
		return fail(err, RC_BUSY, "a report by link: %s", rc == RC_OK ? "the server is not well" : why.text);
	if (rc == RC_OK && answer.status != 200)
		rc = fail(&why, RC_INPUT, "the server says %d", answer.status);
	if (rc == RC_OK) {
		const struct inbound_piece piece = { .format = "auto", .name = link_name(url), .bytes = answer.body };
		rc = deliver(n, in, &piece, a, &report, &why);
		if (is_later(rc))
			return fail(err, rc, "%s", why.text);
	}
	if (report.n > 0 && b->count < COUNT_OF(b->reports))
		b->reports[b->count++] = report;
	if (rc != RC_OK)
		say_of(b, a, url, why.text);
	return RC_OK;
}

static enum rc fetch_all(struct node *n, const struct inbound *in, struct arena *a, struct brought *b, struct err *err)
{
	str links[INBOUND_LINKS_MAX];
	struct fetcher *door = NULL;
	size_t count = inbound_links(&in->mail, settings_text(n->settings, "mail_link_hosts"), links);
	if (count == 0)
		return RC_OK;
	enum rc rc = open_door(n, &door, err);
	for (size_t i = 0; i < count && rc == RC_OK; i++)
		rc = fetch_one(n, door, in, links[i], a, b, err);
	fetch_free(door);
	return rc;
}

static enum rc deliver_all(struct node *n, const struct inbound *in, struct arena *a, struct brought *b, struct err *err)
{
	struct inbound_piece pieces[INBOUND_REPORTS_MAX];
	size_t count = inbound_pieces(&in->mail, in->raw, in->body_counts, pieces);
	for (size_t i = 0; i < count; i++) {
		struct err why = { 0 };
		str report = STR("");
		enum rc rc = deliver(n, in, &pieces[i], a, &report, &why);
		if (is_later(rc))
			return fail(err, rc, "%s", why.text);
		if (report.n > 0)
			b->reports[b->count++] = report;
		if (rc != RC_OK)
			say_of(b, a, pieces[i].part == INBOUND_BODY ? STR("the text") : pieces[i].name, why.text);
	}
	return fetch_all(n, in, a, b, err);
}

/* --- one mail --- */

static enum rc see_to(struct node *n, int64_t id, struct arena *a, str *record_out, struct err *err)
{
	struct inbound in;
	struct brought b = { .words = STR("") };
	enum rc rc = inbound_open(n->notify, id, a, &in, err);
	if (rc == RC_OK && in.kind == INBOUND_REPORT)
		rc = deliver_all(n, &in, a, &b, err);
	return rc == RC_OK ? inbound_file(n->notify, &in, b.reports, b.count, b.words, a, record_out, err) : rc;
}

/* A mail that fails again and again must not stop those behind it, nor be lost: it is filed unread. */
static enum rc give_up(struct node *n, int64_t id, const char *words, struct arena *a, struct err *err)
{
	struct inbound in = { .id = id, .kind = INBOUND_UNREADABLE, .recipient = STR(""), .organisation = STR(""),
			      .incident = STR(""), .previous = STR(""), .foreign = STR(""), .feed = STR("") };
	str record;
	struct reader *r = NULL;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = inbound_raw(reader_conn(r), id, a, &in.raw, err);
	store_read_end(r);
	in.words = arena_fmt(a, "it could not be filed: %s", words);
	return rc == RC_OK ? inbound_file(n->notify, &in, NULL, 0, STR(""), a, &record, err) : rc;
}

/* `stop` closed ends it between two mails: those behind wait for the next time. */
static enum rc see_to_all(struct node *n, struct queue *stop, uint64_t *filed, struct err *err)
{
	int64_t ids[WAITING_AT_ONCE], after = 0;
	size_t count = 0;
	enum rc rc = RC_OK;
	struct arena *a = arena_new(KIB(64));
	do {
		struct reader *r = NULL;
		rc = store_read_begin(n->store, &r, err);
		if (rc == RC_OK) {
			rc = inbound_waiting(reader_conn(r), after, WAITING_AT_ONCE, ids, &count, err);
			store_read_end(r);
		}
		for (size_t i = 0; rc == RC_OK && i < count && !queue_closed(stop); i++) {
			struct err why = { 0 };
			str record;
			bool given_up = false;
			arena_reset(a);
			after = ids[i];
			enum rc one = see_to(n, ids[i], a, &record, &why);
			*filed += one == RC_OK;
			if (one == RC_OK || one == RC_CONFLICT)
				continue;
			log_warn(n->log, "a mail waits", L_INT("mail", ids[i]), L_Z("why", why.text));
			rc = inbound_failed(n->notify, ids[i], str_of(why.text), &given_up, err);
			if (rc == RC_OK && given_up)
				rc = give_up(n, ids[i], why.text, a, err);
		}
	} while (rc == RC_OK && count == WAITING_AT_ONCE && !queue_closed(stop));
	arena_free(a);
	return rc;
}

/* --- the mailbox --- */

struct taking {
	struct node *n;
	str box;
	uint64_t fresh;
};

static enum rc take(void *ctx, str bytes, struct err *err)
{
	struct taking *t = ctx;
	int64_t id;
	bool known = false;
	enum rc rc = inbound_keep(t->n->notify, t->box, bytes, &id, &known, err);
	t->fresh += rc == RC_OK && !known;
	return rc;
}

static enum rc load_box(struct node *n, struct arena *a, struct inbound_box *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = inbound_box_load(reader_conn(r), settings_text(n->settings, "mail_in"), a, out, err);
	store_read_end(r);
	return rc;
}

static enum rc save_box(struct tx *tx, void *ctx, struct err *err)
{
	return inbound_box_save(tx, ctx, err);
}

static enum rc pick_up(struct node *n, uint64_t *taken_out, bool *more_out, struct err *err)
{
	struct err why = { 0 };
	struct inbound_box box;
	size_t count = 0, left = 0;
	str name = settings_text(n->settings, "mail_in");
	struct taking t = { .n = n, .box = name };
	if (name.n == 0)
		return RC_OK;
	struct arena *a = arena_new(KIB(4));
	enum rc rc = load_box(n, a, &box, &why);
	struct imap_at at = { .validity = box.validity, .uid = box.uid };
	if (rc == RC_OK)
		rc = imap_is(name) ? imap_each(n->settings, AT_ONCE, &at, take, &t, &count, &left, &why) :
				     maildir_each(name, AT_ONCE, take, &t, &count, &left, &why);
	/* Written when something is new: an idle look writes nothing. */
	str words = rc == RC_OK ? STR("") : str_of(why.text);
	bool as_before = (int64_t)left == box.remain || rc != RC_OK;
	if (!as_before || at.uid != box.uid || at.validity != box.validity || !str_eq(words, box.words) || box.since_us == 0) {
		box.since_us = str_eq(words, box.words) ? box.since_us : 0;
		box.words = words;
		box.validity = at.validity;
		box.uid = at.uid;
		box.remain = as_before ? box.remain : (int64_t)left;
		enum rc saved = store_write(n->store, save_box, &box, err);
		rc = rc == RC_OK ? saved : rc;
	}
	*taken_out = t.fresh;
	*more_out = left > 0;
	arena_free(a);
	return rc == RC_OK || !*why.text ? rc : fail(err, rc, "%s", why.text);
}

/* One look into the mailbox, and over all that wait: some hundred mails, so that those which came first
 * are seen to before more are taken, and the end of the node waits for one mail only. */
static enum rc pick_once(struct node *n, struct queue *stop, bool *more_out, struct err *err)
{
	struct err why = { 0 };
	uint64_t taken = 0, filed = 0;
	*more_out = false;
	enum rc picked = pick_up(n, &taken, more_out, &why);
	/* Those that are here are seen to, whatever the mailbox says. */
	enum rc rc = see_to_all(n, stop, &filed, err);
	if (*more_out)
		log_info(n->log, "more mails are in the mailbox", L_INT("taken", (int64_t)taken), L_INT("filed", (int64_t)filed));
	return rc == RC_OK && picked != RC_OK ? fail(err, picked, "%s", why.text) : rc;
}

enum rc mail_pick_take(struct node *n, str bytes, struct arena *a, struct inbound_row *out, str *record_out,
		       bool *known_out, struct err *err)
{
	int64_t id;
	*record_out = STR("");
	enum rc rc = inbound_keep(n->notify, STR("by hand"), bytes, &id, known_out, err);
	if (rc == RC_OK) {
		rc = see_to(n, id, a, record_out, err);
		if (rc == RC_CONFLICT) /* it is done: by now, or long ago */
			rc = RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	struct reader *r = NULL;
	rc = store_read_begin(n->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = inbound_load(reader_conn(r), id, a, out, err);
	store_read_end(r);
	return rc;
}

/* --- the thread --- */

static int64_t watch_once(struct node *n, struct queue *stop, unsigned *fails)
{
	struct err err = { 0 };
	bool more;
	int64_t every_us = settings_int(n->settings, "mail_in_every");
	if (settings_text(n->settings, "mail_in").n == 0 && every_us < IDLE_LOOK_S * SECOND_US)
		every_us = IDLE_LOOK_S * SECOND_US;
	enum rc rc = pick_once(n, stop, &more, &err);
	if (rc == RC_OK) {
		*fails = 0;
		return more ? 0 : every_us;
	}
	/* Said when it begins; then each time the pause has grown to its most. */
	if (*fails == 0)
		log_warn(n->log, "the mailbox waits", L_Z("why", err.text));
	*fails += *fails < 16;
	int64_t pause_us = every_us << (*fails < 8 ? *fails : 8);
	return pause_us < PAUSE_MOST ? pause_us : every_us > PAUSE_MOST ? every_us : PAUSE_MOST;
}

static void *watch(void *arg)
{
	struct mail_pick *m = arg;
	unsigned fails = 0;
	while (!queue_closed(m->stop)) {
		int64_t pause_us = watch_once(m->node, m->stop, &fails);
		queue_take_for(m->stop, pause_us > 0 ? pause_us : 1);
	}
	return NULL;
}

enum rc mail_pick_start(struct node *n, struct mail_pick **out, struct err *err)
{
	struct mail_pick *m = x_alloc(sizeof *m);
	m->node = n;
	m->stop = queue_new(1);
	if (pthread_create(&m->thread, NULL, watch, m) != 0) {
		queue_free(m->stop);
		free(m);
		return fail(err, RC_LIMIT, "cannot start the thread that takes mails");
	}
	*out = m;
	return RC_OK;
}

void mail_pick_stop(struct mail_pick *m)
{
	if (!m)
		return;
	queue_close(m->stop);
	pthread_join(m->thread, NULL);
	queue_free(m->stop);
	free(m);
}
