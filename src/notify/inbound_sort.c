/* SPDX-License-Identifier: Apache-2.0 */
/* What a mail is: the first that fits. Reads; changes nothing. */
#include "notify/inbound_private.h"
#include "notify/link.h"

enum { WORDS_LOOKED_AT = 20000, STATUS_LOOKED_AT = 256 << 10, ANSWERED_MOST = 64 };

str inbound_domain(str address)
{
	return str_from(address, str_index(address, '@') + 1);
}

/* --- which message of ours --- */

/* "123.NODE@host", as letter_of.c makes them. */
static bool our_id(const struct notify *n, str id, int64_t *message_out)
{
	str rest = id, number = str_cut(&rest, '.');
	str node = str_head(rest, str_index(rest, '@'));
	return node.n > 0 && str_eq(node, store_node_id(n->w.store)) && str_to_i64(number, message_out) && *message_out > 0;
}

static bool in_ids(const struct notify *n, str ids, int64_t *message_out)
{
	bool found = false;
	int64_t message;
	while (ids.n > 0)
		if (our_id(n, str_cut(&ids, ' '), &message)) {
			*message_out = message; /* the last one is what it answers */
			found = true;
		}
	return found;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* A thread's token anywhere in `text`. */
static bool in_text(const struct notify *n, str text, int64_t *message_out)
{
	for (size_t i = 0; i < text.n;) {
		size_t end = i;
		while (end < text.n && is_letter(text.p[end]))
			end++;
		if (end - i >= 15 && end - i <= LINK_TOKEN_MAX &&
		    link_thread_parse(n, str_head(str_from(text, i), end - i), message_out))
			return true;
		i = end + 1;
	}
	return false;
}

static bool in_addresses(const struct notify *n, const struct mail_address *list, size_t count, int64_t *message_out)
{
	for (size_t i = 0; i < count; i++)
		if (in_text(n, str_head(list[i].address, str_index(list[i].address, '@')), message_out))
			return true;
	return false;
}

static void find_message(const struct notify *n, struct inbound *in)
{
	const struct mail *m = &in->mail;
	in->by_token = in_addresses(n, m->to, m->to_count, &in->message) || in_addresses(n, m->cc, m->cc_count, &in->message) ||
		       in_addresses(n, m->reply_to, m->reply_to_count, &in->message) ||
		       in_text(n, str_head(m->text, WORDS_LOOKED_AT), &in->message) ||
		       /* What a delivery status brings back: our header, or the whole mail. */
		       (m->is_dsn && in_text(n, str_head(in->raw, STATUS_LOOKED_AT), &in->message));
	if (!in->by_token && !in_ids(n, m->in_reply_to, &in->message) && !in_ids(n, m->references, &in->message) &&
	    !(m->is_dsn && our_id(n, m->original_id, &in->message)) &&
	    !inbound_our_tag(m->subject, settings_text(n->w.settings, "mail_tag"), &in->message))
		in->message = 0;
}

/* Was it written to, by mail, at that domain? */
static enum rc reaches(struct notify *n, struct reader *r, const struct types *t, const struct message *m, str from,
		       struct arena *a, bool *out)
{
	struct resolving k = { .n = n, .r = r, .types = t, .driver = driver_find(STR("mail")), .lane = m->lane,
			       .now_us = clock_now_us(), .a = a };
	struct reached who = { .address = STR("") };
	struct err err = { 0 };
	*out = false;
	if (!k.driver)
		k.driver = driver_find(m->driver);
	enum rc rc = k.driver ? notify_resolve(&k, m->recipient, &who, &err) : RC_ABSENT;
	if (rc == RC_OK)
		*out = inbound_domain(who.address).n > 0 && str_eq_nocase(inbound_domain(who.address), inbound_domain(from));
	return rc == RC_IO ? rc : RC_OK;
}

/* A letter of ours belongs to a case, and so does its answer. */
static enum rc case_of_letter(struct reader *r, const struct types *t, str item, struct arena *a, struct inbound *in)
{
	struct addressee letter = { 0 };
	enum rc rc = told_addressee(reader_conn(r), t, item, a, &letter, NULL);
	const struct meaning *m = rc == RC_OK ? type_meaning(letter.type, STR("mail.incident")) : NULL;
	str about = m && m->field ? json_get_str(letter.body, m->field->name) : STR_NONE;
	if (about.n > 0)
		in->incident = arena_str(a, about);
	json_free(letter.body);
	return rc;
}

static enum rc load_message(struct notify *n, struct reader *r, const struct types *t, struct arena *a,
			    struct inbound *in, bool *believed, struct err *err)
{
	struct message m;
	*believed = false;
	if (in->message == 0)
		return RC_OK;
	enum rc rc = outbox_load(reader_conn(r), in->message, a, &m, err);
	if (rc == RC_ABSENT) {
		in->message = 0;
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	in->recipient = m.recipient;
	if (str_starts(m.recipient, STR("organisation--")))
		in->organisation = str_head(m.recipient, str_index(m.recipient, '/'));
	in->incident = m.item;
	(void)case_of_letter(r, t, m.item, a, in);
	*believed = in->by_token;
	return *believed ? RC_OK : reaches(n, r, t, &m, in->mail.from.address, a, believed);
}

/* --- which mail before it --- */

static enum rc find_previous(struct conn *c, str ids, struct arena *a, str *out, struct err *err)
{
	for (size_t most = 0; ids.n > 0 && most < ANSWERED_MOST; most++) {
		str id = str_cut(&ids, ' ');
		struct sql *q = sql(c, "SELECT record FROM mail_in WHERE message_id = ? AND message_id <> '' AND record IS NOT NULL"
				       " ORDER BY id DESC LIMIT 1");
		struct uuid record;
		sql_str(q, 1, id);
		bool found = sql_row(q) && sql_col_blob(q, 0).n == sizeof record.b;
		if (found)
			memcpy(record.b, sql_col_blob(q, 0).p, sizeof record.b);
		enum rc rc = sql_end(q, err);
		if (rc != RC_OK)
			return rc;
		if (found) {
			struct buf b = BUF_INIT(64);
			uuid_format(&b, &record);
			*out = arena_str(a, buf_str(&b));
			buf_free(&b);
		}
	}
	return RC_OK;
}

/* --- feeds --- */

/* "reports@example.org=shadowserver, example.net=partner, *=mail": the first that fits. */
static str feed_of(const struct notify *n, str from)
{
	str rules = settings_text(n->w.settings, "mail_feeds");
	while (rules.n > 0 && from.n > 0) {
		str feed = str_cut(&rules, ','), who = str_trim(str_cut(&feed, '='));
		if (str_eq(who, STR("*")) || str_eq_nocase(who, from) || str_eq_nocase(who, inbound_domain(from)))
			return str_trim(feed);
	}
	return STR("");
}

/* --- the table --- */

static str auto_words(unsigned bits)
{
	static const struct { unsigned bit; const char *words; } signs[] = {
		{ MAIL_AUTO_SUBMITTED, "it says that it was sent automatically (Auto-Submitted)" },
		{ MAIL_AUTO_DAEMON, "a mail system wrote it" },
		{ MAIL_AUTO_NO_PATH, "it has no return path" },
		{ MAIL_AUTO_SUPPRESS, "it wants no automatic answer" },
		{ MAIL_AUTO_PRECEDENCE, "it says that it is bulk (Precedence)" },
		{ MAIL_AUTO_LIST, "a list sent it (List-Id)" },
	};
	for (size_t i = 0; i < COUNT_OF(signs); i++)
		if (bits & signs[i].bit)
			return str_of(signs[i].words);
	return STR("");
}

static bool is_loop(const struct notify *n, const struct mail *m)
{
	int64_t message;
	return str_eq(m->loop, store_node_id(n->w.store)) || our_id(n, m->message_id, &message);
}

enum rc inbound_sort(struct notify *n, struct reader *r, const struct types *t, struct arena *a, struct inbound *in,
		     struct err *err)
{
	struct inbound_piece pieces[INBOUND_REPORTS_MAX];
	str links[INBOUND_LINKS_MAX];
	const struct mail *m = &in->mail;
	bool believed = false;

	find_message(n, in);
	enum rc rc = load_message(n, r, t, a, in, &believed, err);
	if (rc == RC_OK)
		rc = find_previous(reader_conn(r), m->references, a, &in->previous, err);
	if (rc == RC_OK && in->previous.n == 0)
		rc = find_previous(reader_conn(r), m->in_reply_to, a, &in->previous, err);
	if (rc != RC_OK)
		return rc;
	in->feed = feed_of(n, m->from.address);
	in->body_counts = inbound_is_named(settings_text(n->w.settings, "mail_bodies"), m->from.address);
	if (!inbound_foreign_find(m->subject, settings_text(n->w.settings, "mail_tag"), &in->foreign))
		in->foreign = STR("");
	bool theirs = in->message > 0 && believed;
	if (is_loop(n, m)) {
		in->kind = INBOUND_LOOP;
		in->words = STR("it is from this node");
	} else if (m->is_dsn) {
		in->kind = in->message > 0 ? INBOUND_BOUNCE : INBOUND_AUTOMATIC;
		in->words = in->message == 0 ? STR("a delivery status about no mail of ours") :
			    in->by_token ? STR("a delivery status about a mail of ours") :
					   STR("it names a mail of ours, but brings back nothing that only we can have written: "
					       "nothing follows from it");
	} else if (!theirs && in->feed.n > 0 &&
		   (inbound_pieces(m, in->raw, in->body_counts, pieces) > 0 ||
		    inbound_links(m, settings_text(n->w.settings, "mail_link_hosts"), links) > 0)) {
		in->kind = INBOUND_REPORT;
		in->words = STR("it brings a report, and its sender has a feed");
	} else if (m->automatic) {
		in->kind = INBOUND_AUTOMATIC;
		in->words = auto_words(m->automatic);
	} else if (theirs) {
		in->kind = INBOUND_ANSWER;
		in->words = in->by_token ? STR("it bears the token of a message of ours") :
					   STR("it names a message of ours and comes from where that went");
	} else {
		in->kind = INBOUND_MESSAGE;
		in->words = in->message > 0 ? STR("it names a message of ours, but comes from elsewhere than that went to") :
					      STR("somebody wrote to us");
	}
	if (!theirs && in->kind != INBOUND_BOUNCE) {
		/* Who only says a number is shown nothing of what stands behind it. */
		in->organisation = in->incident = in->recipient = STR("");
	}
	return RC_OK;
}
