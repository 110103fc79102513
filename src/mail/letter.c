/* SPDX-License-Identifier: Apache-2.0 */
/* What goes into headers is made fit for them here, before the mail child sees it, and what comes
 * back is looked through before anybody sends it: headers are those that were asked for. */
#include "mail/letter.h"

#include <unistr.h>

#include "base/clock.h"
#include "mail/compose.h"
#include "mail/mail_calls.h"

/* --- making fit --- */

static bool is_control(ucs4_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200b || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void put_char(struct buf *b, ucs4_t c)
{
	uint8_t bytes[6];
	int n = u8_uctomb(bytes, c, sizeof bytes);
	buf_add_mem(b, bytes, n > 0 ? (size_t)n : 0);
}

/* One line of UTF-8 of at most `most` bytes; what would be read as an encoded word (RFC 2047) is not. */
static str fit(struct arena *a, str s, size_t most)
{
	struct buf b = BUF_INIT(KIB(4));
	while (s.n > 0) {
		ucs4_t c;
		int n = u8_mbtoucr(&c, (const uint8_t *)s.p, s.n < 8 ? s.n : 8);
		if (n < 1) {
			n = 1;
			c = 0xfffd;
		}
		if (b.n + 6 > most)
			break;
		s = str_from(s, (size_t)n);
		put_char(&b, is_control(c) ? ' ' : c);
		if (c == '=' && s.n > 0 && *s.p == '?')
			buf_char(&b, ' ');
	}
	str out = arena_str(a, str_trim(buf_str(&b)));
	buf_free(&b);
	return out;
}

/* Also no path of any system, and nothing that stays unseen. */
static str fit_file(struct arena *a, str name)
{
	str s = fit(a, name, LETTER_NAME_MAX);
	for (size_t i = 0; i < s.n; i++)
		if (strchr("/\\:*?\"<>|", s.p[i]))
			((char *)s.p)[i] = '_';
	while (s.n > 0 && *s.p == '.')
		s = str_from(s, 1);
	return s;
}

static bool is_atom(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* dot-atom of RFC 5322 section 3.2.3 */
static bool is_dotted(str s)
{
	bool dot = true;
	for (size_t i = 0; i < s.n; i++) {
		bool is = s.p[i] == '.';
		if ((is && dot) || (!is && !is_atom(s.p[i])))
			return false;
		dot = is;
	}
	return s.n > 0 && !dot;
}

bool letter_address_ok(str address)
{
	size_t at = str_index(address, '@');
	str domain = str_from(address, at + 1);
	if (address.n > LETTER_ADDRESS_MAX || at == 0 || at > 64 || at >= address.n || !is_dotted(domain) ||
	    !is_dotted(str_head(address, at)))
		return false;
	for (size_t i = 0; i < domain.n; i++)
		if (strchr("!#$%&'*+/=?^`{|}~", domain.p[i]))
			return false;
	return true;
}

bool letter_mailbox(str text, str *name_out, str *address_out)
{
	str s = str_trim(text);
	size_t open = str_index(s, '<');
	*name_out = STR("");
	*address_out = s;
	if (open < s.n && s.p[s.n - 1] == '>') {
		*name_out = str_trim(str_head(s, open));
		*address_out = str_head(str_from(s, open + 1), s.n - open - 2);
		str n = *name_out;
		if (n.n >= 2 && n.p[0] == '"' && n.p[n.n - 1] == '"')
			*name_out = str_head(str_from(n, 1), n.n - 2);
	}
	return letter_address_ok(*address_out);
}

/* A msg-id without its brackets, as strange ones as there are; never one that ends a header. */
static bool is_id(str id)
{
	bool ok = id.n > 0 && id.n <= LETTER_ID_MAX;
	for (size_t i = 0; ok && i < id.n; i++)
		ok = (unsigned char)id.p[i] > ' ' && (unsigned char)id.p[i] < 0x7f && id.p[i] != '<' &&
		     id.p[i] != '>';
	return ok;
}

/* The first of a thread and its last ones (RFC 5322 section 3.6.4 sets no limit, servers do). */
static str fit_ids(struct arena *a, str ids)
{
	str list[LETTER_REFERENCES_MAX];
	size_t count = 0;
	struct buf b = BUF_INIT(KIB(16));
	while (ids.n > 0) {
		str one = str_cut(&ids, ' ');
		if (!is_id(one))
			continue;
		if (count == LETTER_REFERENCES_MAX)
			memmove(list + 1, list + 2, (--count - 1) * sizeof *list);
		list[count++] = one;
	}
	for (size_t i = 0; i < count; i++)
		buf_fmt(&b, "%s" STR_FMT, i ? " " : "", STR_ARG(list[i]));
	str out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return out;
}

/* RFC 5322 section 3.3 */
static str date_of(struct arena *a, int64_t us)
{
	static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	char text[40];
	int64_t on = us >= 0 ? us : 0;
	str s = time_str(text, on);
	unsigned month = 1;
	if (str_to_u32((str){ s.p + 5, 2 }, &month) == false || month < 1 || month > 12)
		month = 1;
	return arena_fmt(a, "%s, %.2s %s %.4s %.8s +0000", days[time_day(on) % 7], s.p + 8, months[month - 1], s.p,
			 s.p + 11);
}

static str fit_text(struct arena *a, str text)
{
	struct buf b = BUF_INIT(3 * LETTER_TEXT_MAX);
	for (str s = text; s.n > 0;) {
		ucs4_t c;
		int n = u8_mbtoucr(&c, (const uint8_t *)s.p, s.n < 8 ? s.n : 8);
		s = str_from(s, n < 1 ? 1 : (size_t)n);
		c = n < 1 ? 0xfffd : c;
		if (c != '\r' && (c == '\n' || c == '\t' || !is_control(c)))
			put_char(&b, c);
	}
	str out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return out;
}

/* --- asking --- */

static bool is_own(str name)
{
	static const char *const own[] = { "From", "To", "Cc", "Bcc", "Sender", "Reply-To", "Subject", "Date", "Message-ID",
					   "In-Reply-To", "References", "MIME-Version", "Content-Type",
					   "Content-Transfer-Encoding", "Content-Disposition", "Return-Path", "Received" };
	for (size_t i = 0; i < COUNT_OF(own); i++)
		if (str_eq_nocase(name, str_of(own[i])))
			return true;
	return false;
}

static enum rc check(const struct letter *l, struct err *err)
{
	size_t bytes = l->text.n;
	if (!letter_address_ok(l->from) || !letter_address_ok(l->to) ||
	    (l->reply_to.n > 0 && !letter_address_ok(l->reply_to))) {
		str bad = !letter_address_ok(l->from) ? l->from : !letter_address_ok(l->to) ? l->to : l->reply_to;
		struct buf shown = BUF_INIT(KIB(1));
		for (size_t i = 0; i < bad.n && i < 80; i++)
			buf_char(&shown, bad.p[i] > ' ' && bad.p[i] < 0x7f ? bad.p[i] : '?');
		enum rc rc = fail(err, RC_INPUT, "'" STR_FMT "' is no mail address", STR_ARG(buf_str(&shown)));
		buf_free(&shown);
		return rc;
	}
	if (!is_id(l->message_id) || str_index(l->message_id, '@') >= l->message_id.n)
		return fail(err, RC_INPUT, "a letter has no id");
	if (l->part_count > LETTER_PARTS_MAX || l->header_count > LETTER_HEADERS_MAX)
		return fail(err, RC_LIMIT, "a letter with more parts or headers than there may be");
	for (size_t i = 0; i < l->header_count; i++) {
		str name = str_of(l->headers[i].name);
		bool ok = name.n > 0 && name.n < 60 && !is_own(name);
		for (size_t j = 0; ok && j < name.n; j++)
			ok = is_atom(name.p[j]);
		if (!ok)
			return fail(err, RC_INPUT, "a letter with a header of a name that it may not have");
	}
	for (size_t i = 0; i < l->part_count; i++)
		bytes += l->parts[i].bytes.n;
	if (l->text.n > LETTER_TEXT_MAX)
		return fail(err, RC_LIMIT, "a letter with a text of more than %d MiB", LETTER_TEXT_MAX >> 20);
	return bytes > LETTER_BYTES_MAX ? fail(err, RC_LIMIT, "a letter of more than %d MiB", LETTER_BYTES_MAX >> 20) :
					  RC_OK;
}

/* Lines by CRLF and none too long; and, unless it is an entity, the headers asked for, each once. */
static bool is_sound(const struct letter *l, bool entity, str bytes)
{
	static const char *const single[] = { "from", "to", "subject", "message-id" };
	size_t seen[COUNT_OF(single)] = { 0 };
	bool head = !entity;
	for (str rest = bytes; rest.n > 0;) {
		size_t end = str_index(rest, '\n');
		if (end >= rest.n || end == 0 || rest.p[end - 1] != '\r' || end > 999)
			return false;
		str line = str_head(rest, end - 1);
		rest = str_from(rest, end + 1);
		if (str_has(line, '\r') || str_has(line, '\0'))
			return false;
		head = head && line.n > 0;
		if (!head || *line.p == ' ' || *line.p == '\t')
			continue;
		str name = str_head(line, str_index(line, ':'));
		bool known = name.n < line.n && is_own(name);
		for (size_t i = 0; !known && i < l->header_count; i++)
			known = str_eq_nocase(name, str_of(l->headers[i].name));
		for (size_t i = 0; i < COUNT_OF(single); i++)
			seen[i] += str_eq_nocase(name, str_of(single[i]));
		if (!known)
			return false;
	}
	for (size_t i = 0; !entity && i < COUNT_OF(single); i++)
		if (seen[i] != 1)
			return false;
	return true;
}

struct asking {
	enum compose_what what;
	enum letter_seal how;
	str entity, sealed, micalg;
};

static enum rc ask(struct calls *mail, const struct letter *l, const struct asking *q, struct arena *a, str *out,
		   struct err *err)
{
	str b[CALLS_BLOCKS_MAX], *answer = NULL;
	size_t n = COMPOSE_FIXED, count = 0;
	enum rc rc = check(l, err);
	if (rc == RC_OK && !mail)
		rc = fail(err, RC_BUSY, "no mail child runs in this process");
	if (rc != RC_OK)
		return rc;
	b[COMPOSE_WHAT] = arena_fmt(a, "%c%c", q->what, 'a' + (int)q->how);
	b[COMPOSE_HEADER_COUNT] = arena_fmt(a, "%zu", l->header_count);
	b[COMPOSE_FROM_NAME] = fit(a, l->from_name, LETTER_NAME_MAX);
	b[COMPOSE_FROM] = l->from;
	b[COMPOSE_TO_NAME] = fit(a, l->to_name, LETTER_NAME_MAX);
	b[COMPOSE_TO] = l->to;
	b[COMPOSE_REPLY_TO] = l->reply_to;
	b[COMPOSE_SUBJECT] = fit(a, l->subject, LETTER_SUBJECT_MAX);
	b[COMPOSE_ID] = l->message_id;
	b[COMPOSE_IN_REPLY_TO] = is_id(l->in_reply_to) ? l->in_reply_to : STR("");
	b[COMPOSE_REFERENCES] = fit_ids(a, l->references);
	b[COMPOSE_DATE] = date_of(a, l->date_us);
	b[COMPOSE_TYPE] = fit(a, l->type, LETTER_NAME_MAX);
	b[COMPOSE_TEXT] = q->what == COMPOSE_WRAP ? STR("") : fit_text(a, l->text);
	b[COMPOSE_ENTITY_BYTES] = q->entity;
	b[COMPOSE_SEALED] = q->sealed;
	b[COMPOSE_MICALG] = fit(a, q->micalg, 40);
	for (size_t i = 0; i < l->header_count; i++)
		b[n++] = arena_fmt(a, "%s: " STR_FMT, l->headers[i].name,
				   STR_ARG(fit(a, l->headers[i].value, LETTER_VALUE_MAX)));
	for (size_t i = 0; q->what != COMPOSE_WRAP && i < l->part_count; i++) {
		b[n++] = fit(a, l->parts[i].type, LETTER_NAME_MAX);
		b[n++] = fit_file(a, l->parts[i].name);
		b[n++] = l->parts[i].bytes;
	}
	rc = calls_ask(mail, MAIL_COMPOSE, b, n, a, &answer, &count, NULL, err);
	if (rc == RC_OK && (count != 1 || !is_sound(l, q->what == COMPOSE_ENTITY, answer[0])))
		rc = fail(err, RC_IO, "the mail child wrote what is no letter");
	if (rc == RC_OK)
		*out = answer[0];
	return rc;
}

enum rc letter_write(struct calls *mail, const struct letter *l, struct arena *a, str *out, struct err *err)
{
	const struct asking q = { .what = COMPOSE_MESSAGE };
	return ask(mail, l, &q, a, out, err);
}

enum rc letter_entity(struct calls *mail, const struct letter *l, struct arena *a, str *out, struct err *err)
{
	const struct asking q = { .what = COMPOSE_ENTITY };
	return ask(mail, l, &q, a, out, err);
}

enum rc letter_wrap(struct calls *mail, const struct letter *l, enum letter_seal how, str entity, str sealed,
		    str micalg, struct arena *a, str *out, struct err *err)
{
	const struct asking q = { COMPOSE_WRAP, how, entity, sealed, micalg };
	return ask(mail, l, &q, a, out, err);
}
