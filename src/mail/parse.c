/* SPDX-License-Identifier: Apache-2.0 */
/* The node's side: what the mail child answered, believed in nothing. */
#include "mail/parse.h"

#include "mail/mail_calls.h"
#include "mail/mime_private.h"

/* Text of one line; what is none makes the whole answer wrong. */
static str take_line(struct wire *w, size_t most, struct arena *a)
{
	str s = wire_block(w);
	if (s.n > most + 16 || !str_is_plain(s)) {
		w->bad = true;
		return STR("");
	}
	return s.n > 0 ? arena_str(a, s) : STR("");
}

static uint64_t take_count(struct wire *w, uint64_t most)
{
	uint64_t n = wire_varint(w);
	if (n > most)
		w->bad = true;
	return w->bad ? 0 : n;
}

/* "local@domain": no space, no line end, one '@' that has something before and behind it. */
static bool is_address(str s)
{
	size_t at = s.n;
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '<' || s.p[i] == '>' || s.p[i] == ',')
			return false;
		if (s.p[i] == '@')
			at = i;
	}
	return at > 0 && at + 1 < s.n;
}

static str low_domain(str address, struct arena *a)
{
	char *z = arena_z(a, address);
	size_t at = address.n;
	while (at > 0 && z[at - 1] != '@')
		at--;
	for (size_t i = at; i < address.n; i++)
		if (z[i] >= 'A' && z[i] <= 'Z')
			z[i] = (char)(z[i] - 'A' + 'a');
	return str_mem(z, address.n);
}

/* What is no address stands with its name alone: "Undisclosed recipients". */
static struct mail_address *take_addresses(struct wire *w, size_t *count_out, struct arena *a)
{
	size_t n = (size_t)take_count(w, MAIL_ADDRESSES_MAX);
	struct mail_address *list = ARENA_ARRAY(a, n + 1, struct mail_address);
	for (size_t i = 0; i < n; i++) {
		list[i].name = take_line(w, MAIL_LINE_MAX, a);
		str address = take_line(w, 320, a);
		list[i].address = is_address(address) ? low_domain(address, a) : STR("");
		if (list[i].address.n == 0 && list[i].name.n == 0)
			list[i].name = address;
	}
	*count_out = w->bad ? 0 : n;
	return list;
}

static struct mail_address take_one(struct wire *w, struct arena *a)
{
	size_t n;
	const struct mail_address *list = take_addresses(w, &n, a);
	return n > 0 ? list[0] : (struct mail_address){ .name = STR(""), .address = STR("") };
}

static void take_header(struct wire *w, struct arena *a, struct mail *m)
{
	m->from = take_one(w, a);
	m->sender = take_one(w, a);
	m->to = take_addresses(w, &m->to_count, a);
	m->cc = take_addresses(w, &m->cc_count, a);
	m->reply_to = take_addresses(w, &m->reply_to_count, a);
	m->subject = take_line(w, MAIL_LINE_MAX, a);
	m->message_id = take_line(w, 998, a);
	m->in_reply_to = take_line(w, MAIL_LINE_MAX * 4, a);
	m->references = take_line(w, MAIL_LINE_MAX * 4, a);
	m->date_us = (int64_t)take_count(w, UINT64_C(7258118400000000));
	m->automatic = (unsigned)take_count(w, MAIL_AUTO_DAEMON * 2 - 1);
	m->loop = take_line(w, 200, a);
}

static void take_report(struct wire *w, struct arena *a, struct mail *m)
{
	uint64_t flags = take_count(w, 31);
	m->text_cut = flags & 1;
	m->text_was_html = flags & 2;
	m->parts_cut = flags & 4;
	m->is_dsn = flags & 8;
	m->is_feedback = flags & 16;
	m->seal = (enum mail_seal)take_count(w, MAIL_SMIME_OPAQUE);
	m->field_count = (size_t)take_count(w, MAIL_FIELDS_MAX + 1);
	m->fields = ARENA_ARRAY(a, m->field_count + 1, struct mail_field);
	for (size_t i = 0; i < m->field_count; i++) {
		m->fields[i].name = take_line(w, 100, a);
		m->fields[i].value = take_line(w, MAIL_LINE_MAX, a);
	}
	m->original_id = take_line(w, 998, a);
	m->original_subject = take_line(w, MAIL_LINE_MAX, a);
	m->original_loop = take_line(w, 200, a);
}

static void take_parts(struct wire *w, const str *blocks, size_t count, struct arena *a, struct mail *m)
{
	m->part_count = (size_t)take_count(w, MAIL_PARTS_MAX);
	m->parts = ARENA_ARRAY(a, m->part_count + 1, struct mail_part);
	if (m->part_count + MIME_PARTS != count) {
		w->bad = true;
		return;
	}
	for (size_t i = 0; i < m->part_count; i++) {
		struct mail_part *p = &m->parts[i];
		p->type = take_line(w, 100, a);
		p->name = take_line(w, 255, a);
		p->depth = (uint32_t)take_count(w, MAIL_NEST_MAX + 1);
		uint64_t flags = take_count(w, 3);
		p->attached = flags & 1;
		p->nested = flags & 2;
		p->bytes = blocks[MIME_PARTS + i];
	}
}

/* Lines are all that may be a control character. */
static bool is_text(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\n') || s.p[i] == 0x7f)
			return false;
	return str_is_utf8(s);
}

static bool is_daemon(str address)
{
	static const char *const names[] = { "mailer-daemon@", "postmaster@", "mail-daemon@" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_starts_nocase(address, str_of(names[i])))
			return true;
	return false;
}

enum rc mail_parse_answer(const str *blocks, size_t count, struct arena *a, struct mail *out, struct err *err)
{
	*out = (struct mail){ 0 };
	if (count < MIME_PARTS || blocks[MIME_ABOUT].n > MIB(8) || blocks[MIME_TEXT].n > MAIL_TEXT_MAX + 16 ||
	    !is_text(blocks[MIME_TEXT]))
		return fail(err, RC_INPUT, "the mail child answered nonsense");
	struct wire w = wire_of(blocks[MIME_ABOUT]);
	take_header(&w, a, out);
	take_report(&w, a, out);
	take_parts(&w, blocks, count, a, out);
	if (w.bad || wire_left(&w) > 0)
		return fail(err, RC_INPUT, "the mail child answered nonsense");
	out->text = blocks[MIME_TEXT];
	out->entity = blocks[MIME_ENTITY];
	out->sealed = blocks[MIME_SEALED];
	if (is_daemon(out->from.address))
		out->automatic |= MAIL_AUTO_DAEMON;
	return RC_OK;
}

enum rc mail_parse(struct calls *reader, str raw, struct arena *a, struct mail *out, bool *died_out, struct err *err)
{
	str *blocks = NULL;
	size_t count = 0;
	if (died_out)
		*died_out = false;
	if (raw.n > MAIL_BYTES_MAX)
		return fail(err, RC_LIMIT, "a mail of more than %d MiB", MAIL_BYTES_MAX >> 20);
	enum rc rc = calls_ask(reader, MAIL_PARSE, &raw, 1, a, &blocks, &count, died_out, err);
	if (rc != RC_OK)
		return rc;
	str ordered[CALLS_BLOCKS_MAX];
	if (count < MIME_PARTS)
		return fail(err, RC_INPUT, "the mail child answered nonsense");
	for (size_t i = 0; i < count; i++)
		ordered[(i + MIME_PARTS) % count] = blocks[i];
	return mail_parse_answer(ordered, count, a, out, err);
}

str mail_field(const struct mail *m, const char *name)
{
	for (size_t i = 0; i < m->field_count; i++)
		if (str_eq_nocase(m->fields[i].name, str_of(name)))
			return m->fields[i].value;
	return STR("");
}
