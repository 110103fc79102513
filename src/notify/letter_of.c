/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/letter_of.h"

#include <json-c/json.h>

#include "notify/classes.h"
#include "notify/digest.h"
#include "notify/inbound.h"
#include "notify/link.h"
#include "notify/notify_private.h"
#include "store/sql.h"

enum { HEADERS_OF_OURS = 8, COVERS_ASKED = 32, EARLIER_MOST = LETTER_REFERENCES_MAX };

static const struct phrases {
	const char *language, *reference, *attached[3], *more, *sealed;
} phrases[] = {
	{ "en", "Reference", { "Attached: ", " event(s) of ", " finding(s), times in UTC (CSV; X-ARF for programs)." },
	  "There are more than fit here; the link above or an answer brings the rest.",
	  "The archive opens with the password agreed with you; it is never sent by mail." },
	{ "id", "Rujukan", { "Terlampir: ", " kejadian dari ", " temuan, waktu dalam UTC (CSV; X-ARF untuk program)." },
	  "Jumlahnya lebih banyak daripada yang termuat di sini; sisanya lewat tautan di atas atau dengan membalas.",
	  "Arsip terbuka dengan kata sandi yang telah disepakati dengan Anda; kata sandi tidak pernah dikirim lewat surel." },
};

/* --- earlier ones --- */

struct earlier {
	int64_t message[EARLIER_MOST]; /* ascending */
	str id[EARLIER_MOST];
	size_t count;
	int64_t answered;              /* of ours, that the mail answers which this one answers; 0: none */
	str thread[EARLIER_MOST];      /* those ids, each with what was answered to it, oldest first */
	size_t thread_count;
};

static void remember(struct earlier *e, int64_t message, str reference)
{
	size_t at = e->count;
	reference = str_trim_all(reference);
	if (reference.n > 2 && *reference.p == '<')
		reference = str_head(str_from(reference, 1), reference.n - 2);
	while (at > 0 && e->message[at - 1] > message)
		at--;
	if ((at > 0 && e->message[at - 1] == message) || reference.n == 0)
		return;
	if (e->count == EARLIER_MOST) { /* the oldest goes */
		if (at == 0)
			return;
		at--;
		memmove(e->message, e->message + 1, at * sizeof *e->message);
		memmove(e->id, e->id + 1, at * sizeof *e->id);
	} else {
		memmove(e->message + at + 1, e->message + at, (e->count - at) * sizeof *e->message);
		memmove(e->id + at + 1, e->id + at, (e->count - at) * sizeof *e->id);
		e->count++;
	}
	e->message[at] = message;
	e->id[at] = reference;
}

static enum rc take_rows(struct sql *q, struct earlier *e, struct arena *a, struct err *err)
{
	while (sql_row(q))
		remember(e, sql_col_int(q, 0), arena_str(a, sql_col_str(q, 1)));
	return sql_end(q, err);
}

static enum rc about_cover(struct conn *c, const struct message *m, str item, struct arena *a, struct earlier *e,
			   struct err *err)
{
	struct sql *q = sql(c, "SELECT l.message, l.reference FROM outbox_cover v JOIN ledger l"
			       " ON l.message = v.message AND l.message > 0 WHERE v.item = ? AND v.message < ?"
			       " AND l.kind IN (1, 2) AND l.driver = 'mail' AND l.recipient = ?"
			       " ORDER BY v.message DESC LIMIT 20");
	sql_str(q, 1, item);
	sql_int(q, 2, m->id);
	sql_str(q, 3, m->recipient);
	return take_rows(q, e, a, err);
}

static enum rc about_item(struct conn *c, const struct message *m, struct arena *a, struct earlier *e,
			  struct err *err)
{
	struct sql *q = sql(c, "SELECT message, reference FROM ledger WHERE item = ? AND message > 0 AND message < ?"
			       " AND kind IN (1, 2) AND driver = 'mail' AND recipient = ? ORDER BY id DESC LIMIT 20");
	sql_str(q, 1, m->item);
	sql_int(q, 2, m->id);
	sql_str(q, 3, m->recipient);
	return take_rows(q, e, a, err);
}

/* Whether anything went there before: to most that are told the first time, nothing did. */
static enum rc has_earlier(struct conn *c, const struct message *m, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM ledger WHERE recipient = ? AND message > 0 AND message < ?"
			       " AND kind IN (1, 2) AND driver = 'mail' LIMIT 1");
	sql_str(q, 1, m->recipient);
	sql_int(q, 2, m->id);
	*out = sql_row(q);
	return sql_end(q, err);
}

/* What it covers makes the thread; of a message that covers nothing, its item. */
static enum rc find_earlier(const struct sending *s, struct reader *r, struct arena *a, struct earlier *e,
			    struct err *err)
{
	struct cover *covers = NULL;
	size_t count = 0;
	*e = (struct earlier){ .count = 0 };
	if (s->m->id <= 0)
		return RC_OK;
	bool any = false;
	enum rc rc = has_earlier(reader_conn(r), s->m, &any, err);
	if (rc != RC_OK || !any)
		return rc;
	rc = outbox_covers(reader_conn(r), s->m->id, a, &covers, &count, err);
	if (rc == RC_OK && count == 0 && s->m->item.n > 0)
		rc = about_item(reader_conn(r), s->m, a, e, err);
	for (size_t i = 0; rc == RC_OK && i < count && i < COVERS_ASKED; i++)
		rc = about_cover(reader_conn(r), s->m, covers[i].item, a, e, err);
	return rc;
}

/* By what number their ticket system files this thread: learned from their last answer to one of it. */
static enum rc find_theirs(const struct sending *s, struct reader *r, const struct earlier *e, struct arena *a,
			   str *out, struct err *err)
{
	enum rc rc = RC_OK;
	*out = STR("");
	if (e->answered > 0)
		rc = inbound_foreign_tag(reader_conn(r), s->what->who.record, e->answered, a, out, err);
	for (size_t i = e->count; rc == RC_OK && out->n == 0 && i > 0; i--)
		rc = inbound_foreign_tag(reader_conn(r), s->what->who.record, e->message[i - 1], a, out, err);
	return rc;
}

/* The first one stays (RFC 5322, section 3.6.4: it is what a thread is found by); then the oldest goes. */
static void add_to_thread(struct earlier *e, str id)
{
	if (id.n == 0 || id.n > LETTER_ID_MAX)
		return;
	if (e->thread_count == EARLIER_MOST) {
		memmove(e->thread + 1, e->thread + 2, (EARLIER_MOST - 2) * sizeof *e->thread);
		e->thread_count--;
	}
	e->thread[e->thread_count++] = id;
}

/* Ours, and what they answered to each: their programs find the thread by ids that they made. */
static enum rc find_thread(struct reader *r, struct earlier *e, struct arena *a, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < e->count; i++) {
		str theirs[EARLIER_MOST];
		size_t count = 0;
		add_to_thread(e, e->id[i]);
		rc = inbound_answers_to(reader_conn(r), e->message[i], a, theirs, COUNT_OF(theirs), &count, err);
		for (size_t k = 0; rc == RC_OK && k < count; k++)
			add_to_thread(e, theirs[k]);
	}
	return rc;
}

static void put_thread(const struct earlier *e, struct arena *a, struct letter *out)
{
	struct buf ids = BUF_INIT(KIB(16));
	for (size_t i = 0; i < e->thread_count; i++)
		buf_fmt(&ids, "%s" STR_FMT, i ? " " : "", STR_ARG(e->thread[i]));
	out->references = arena_str(a, buf_str(&ids));
	out->in_reply_to = e->thread_count ? e->thread[e->thread_count - 1] : STR("");
	buf_free(&ids);
}

/* --- who, and by which names --- */

str letter_tag(const struct notify *n, int64_t message, struct arena *a)
{
	return arena_fmt(a, "[" STR_FMT " #%lld]", STR_ARG(settings_text(n->w.settings, "mail_tag")),
			 (long long)message);
}

static str reply_to(const struct sending *s, struct arena *a)
{
	str setting = settings_text(s->n->w.settings, "mail_reply_to"), mark = STR("{token}"), name, address;
	size_t at = str_find(setting, mark);
	if (at < setting.n)
		setting = arena_fmt(a, STR_FMT STR_FMT STR_FMT, STR_ARG(str_head(setting, at)),
				    STR_ARG(link_thread(s->n, s->m->id, a)), STR_ARG(str_from(setting, at + mark.n)));
	return letter_mailbox(setting, &name, &address) ? address : STR("");
}

static enum rc put_names(const struct sending *s, struct arena *a, struct letter *out, struct err *err)
{
	str from = settings_text(s->n->w.settings, "mail_from");
	if (!letter_mailbox(from, &out->from_name, &out->from))
		return fail(err, RC_INPUT, "setting mail_from: '" STR_FMT "' is no mail address", STR_ARG(from));
	out->to = s->what->who.address;
	out->to_name = s->what->who.name;
	out->reply_to = reply_to(s, a);
	out->message_id = arena_fmt(a, "%lld." STR_FMT "@" STR_FMT, (long long)s->m->id,
				    STR_ARG(store_node_id(s->n->w.store)),
				    STR_ARG(str_from(out->from, str_index(out->from, '@') + 1)));
	return RC_OK;
}

/* A person wrote it: it is answered as such, and stands in the thread of the mail it answers. */
static bool is_personal(const struct sending *s)
{
	return str_eq(s->m->template, STR("mail.letter"));
}

static void put_answered(const struct sending *s, struct arena *a, struct letter *out)
{
	struct json_object *details = json_get(s->what->data, "details");
	str id = json_get_str(details, "in_reply_to"), ids = json_get_str(details, "references");
	if (!is_personal(s) || id.n == 0)
		return;
	out->in_reply_to = arena_str(a, id);
	out->references = arena_str(a, ids.n ? ids : id);
}

static void put_headers(const struct sending *s, struct arena *a, struct letter *out)
{
	struct letter_header *h = ARENA_ARRAY(a, HEADERS_OF_OURS, struct letter_header);
	size_t n = 0;
	if (!is_personal(s))
		h[n++] = (struct letter_header){ "Auto-Submitted", STR("auto-generated") };
	h[n++] = (struct letter_header){ "X-Ronda-Loop", store_node_id(s->n->w.store) };
	h[n++] = (struct letter_header){ "X-Ronda-Message", arena_fmt(a, "%lld", (long long)s->m->id) };
	/* So that a delivery status which brings back no more than the header can be believed. */
	h[n++] = (struct letter_header){ "X-Ronda-Thread", link_thread(s->n, s->m->id, a) };
	if (s->m->lane == LANE_BULK || class_of_template(s->m->template).n > 0) {
		str host = str_from(out->from, str_index(out->from, '@') + 1);
		h[n++] = (struct letter_header){ "Precedence", STR("bulk") };
		h[n++] = (struct letter_header){ "List-Id", arena_fmt(a, "<findings." STR_FMT ">", STR_ARG(host)) };
	}
	/* RFC 2369; RFC 8058: the mail program's own button */
	str leave = json_get_str(json_get(s->what->data, "details"), "unsubscribe");
	if (leave.n > 0) {
		h[n++] = (struct letter_header){ "List-Unsubscribe", arena_fmt(a, "<" STR_FMT ">", STR_ARG(leave)) };
		h[n++] = (struct letter_header){ "List-Unsubscribe-Post", STR("List-Unsubscribe=One-Click") };
	}
	out->headers = h;
	out->header_count = n;
}

/* --- what --- */

static const struct phrases *words_of(const struct rendering *what)
{
	str language = json_get_str(what->data, "language");
	for (size_t i = 0; i < COUNT_OF(phrases); i++)
		if (str_eq(language, str_of(phrases[i].language)))
			return &phrases[i];
	return &phrases[0];
}

/* The words behind the text: what is attached, and by what the thread is found again. */
static void put_text(const struct sending *s, const struct digest_files *files, struct arena *a, struct letter *out)
{
	const struct phrases *w = words_of(s->what);
	struct buf text = BUF_INIT(MIB(1));
	buf_add(&text, s->what->text);
	if (files->count > 0)
		buf_fmt(&text, "\n\n%s%zu%s%zu%s", w->attached[0], files->events, w->attached[1], files->findings,
			w->attached[2]);
	if (files->sealed)
		buf_fmt(&text, "\n%s", w->sealed);
	if (files->cut || files->left > 0)
		buf_fmt(&text, "\n%s", w->more);
	buf_fmt(&text, "\n\n%s: " STR_FMT " " STR_FMT "\n", w->reference, STR_ARG(letter_tag(s->n, s->m->id, a)),
		STR_ARG(link_thread(s->n, s->m->id, a)));
	out->text = arena_str(a, buf_str(&text));
	buf_free(&text);
}

static enum rc read_all(const struct sending *s, struct reader *r, const struct types *t, struct arena *a,
			struct letter *out, struct digest_files *files, str *theirs, struct err *err)
{
	struct earlier earlier;
	enum rc rc = find_earlier(s, r, a, &earlier, err);
	if (rc == RC_OK && is_personal(s))
		rc = inbound_answered(reader_conn(r), json_get_str(json_get(s->what->data, "details"), "in_reply_to"),
				      &earlier.answered, err);
	if (rc == RC_OK)
		rc = find_thread(r, &earlier, a, err);
	if (rc == RC_OK)
		rc = find_theirs(s, r, &earlier, a, theirs, err);
	if (rc == RC_OK)
		rc = digest_of(s, r, t, out->from, a, files, err);
	if (rc == RC_OK)
		put_thread(&earlier, a, out);
	return rc;
}

enum rc letter_of(const struct sending *s, struct reader *r, const struct types *t, struct arena *a,
		  struct letter *out, struct err *err)
{
	struct digest_files files;
	str theirs;
	*out = (struct letter){ .date_us = clock_now_us() };
	enum rc rc = put_names(s, a, out, err);
	if (rc == RC_OK)
		rc = read_all(s, r, t, a, out, &files, &theirs, err);
	if (rc != RC_OK)
		return rc;
	put_headers(s, a, out);
	put_answered(s, a, out);
	str tag = letter_tag(s->n, s->m->id, a);
	if (theirs.n && str_find(s->what->subject, theirs) == s->what->subject.n) /* "Re: …" may have it */
		tag = arena_fmt(a, STR_FMT " " STR_FMT, STR_ARG(tag), STR_ARG(theirs));
	bool rehearsed = s->what->rehearsed_for.n > 0; /* then that comes first: "[rehearsal for …] …" */
	out->subject = arena_fmt(a, STR_FMT " " STR_FMT, STR_ARG(rehearsed ? s->what->subject : tag),
				 STR_ARG(rehearsed ? tag : s->what->subject));
	out->parts = files.parts;
	out->part_count = files.count;
	put_text(s, &files, a, out);
	return RC_OK;
}
