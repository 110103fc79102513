/* SPDX-License-Identifier: Apache-2.0 */
/* Is this about him? */
#include <ctype.h>

#include "base/json.h"
#include "privacy/subject_private.h"

enum { NAME_LEAST = 3, PHONE_LEAST = 6 };

static const char *const kinds[IDENTIFIER_KINDS] = { "ip", "e-mail", "domain", "name", "phone" };

static str lower(struct arena *a, str s)
{
	char *to = arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++)
		to[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] - 'A' + 'a' : s.p[i]);
	return str_mem(to, s.n);
}

static str digits(struct arena *a, str s)
{
	char *to = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= '0' && s.p[i] <= '9' && (n || s.p[i] != '0')) /* 0812… is 62812… abroad */
			to[n++] = s.p[i];
	return str_mem(to, n);
}

static enum rc take_one(struct identifiers *to, struct json_object *row, struct arena *a,
			struct err *err)
{
	struct identifier *i = &to->list[to->count];
	str value = str_trim_all(json_get_str(row, "value")), kind = json_get_str(row, "kind");
	*i = (struct identifier){ .kind = IDENTIFIER_KINDS };
	for (int k = 0; k < IDENTIFIER_KINDS; k++)
		if (str_eq(kind, str_of(kinds[k])))
			i->kind = (enum identifier_kind)k;
	i->value = i->kind == IDENTIFIER_PHONE ? digits(a, value) : lower(a, value);
	(void)time_parse(json_get_str(row, "from"), true, &i->from_us);
	if (time_parse(json_get_str(row, "until"), true, &i->until_us))
		i->until_us += DAY_US; /* the last day counts */
	if (i->kind == IDENTIFIER_KINDS)
		return fail(err, RC_INPUT, "'" STR_FMT "' is no kind of identifier", STR_ARG(str_head(kind, 40)));
	if (i->kind == IDENTIFIER_IP && !net_parse(i->value, false, &i->net))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no address", STR_ARG(str_head(value, 60)));
	if (i->value.n < (i->kind == IDENTIFIER_PHONE ? PHONE_LEAST : NAME_LEAST))
		return fail(err, RC_INPUT, "'" STR_FMT "' is too short to be looked for",
			    STR_ARG(str_head(value, 60)));
	to->count++;
	return RC_OK;
}

enum rc subject_load(struct reader *r, const struct subject_ask *q, struct arena *a,
		     struct record_view *view, struct identifiers *to, struct err *err)
{
	enum rc rc = read_record(r, q->types, q->viewer, q->id, a, view, err);
	const struct type *t = rc == RC_OK ? record_view_type(view) : NULL;
	const struct meaning *m = t ? type_meaning(t, STR("subject.identifiers")) : NULL;
	if (rc == RC_OK && (!m || !m->field))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no request of a person", STR_ARG(str_head(q->id, 60)));
	if (rc == RC_OK && record_view_cuts(view, m->field))
		rc = fail(err, RC_DENIED, "you may not see whom it is about");
	struct json_object *rows = rc == RC_OK ? json_get(view->body, m->field->name) : NULL;
	*to = (struct identifiers){ .folded = BUF_INIT(MIB(16)) };
	for (size_t i = 0; rc == RC_OK && i < json_count(rows) && i < IDENTIFIERS_MOST; i++)
		rc = take_one(to, json_at(rows, i), a, err);
	if (rc == RC_OK && !to->count)
		rc = fail(err, RC_INPUT, "the request names nothing to look for");
	return rc;
}

/* --- text --- */

static bool word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || (c & 0x80);
}

static bool address_char(char c)
{
	return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

static bool quad_char(char c)
{
	return (c >= '0' && c <= '9') || c == '.';
}

/* A dot or colon ends a sentence unless an address goes on behind it. */
static bool goes_on(str text, size_t at, bool (*is)(char c))
{
	if (at >= text.n || !is(text.p[at]))
		return false;
	bool stop = text.p[at] == '.' || text.p[at] == ':';
	return !stop || (at + 1 < text.n && is(text.p[at + 1]));
}

/* Nothing of its own kind stands beside it: 192.0.2.1 is not in 192.0.2.10. */
static bool stands_alone(const struct identifier *i, str text, size_t at)
{
	bool first = at == 0, last = at + i->value.n == text.n;
	char before = first ? ' ' : text.p[at - 1], after = last ? ' ' : text.p[at + i->value.n];
	if (i->kind == IDENTIFIER_IP)
		return ip_is4(&i->net.ip) ? !quad_char(before) && !goes_on(text, at + i->value.n, quad_char) :
					    !address_char(before) && !goes_on(text, at + i->value.n, address_char);
	if (i->kind == IDENTIFIER_MAIL)
		return !word_char(before) && before != '.' && !word_char(after);
	return !word_char(before) && !word_char(after);
}

static bool has_text(const struct identifier *i, str text)
{
	for (size_t from = 0; from + i->value.n <= text.n;) {
		const char *p = memmem(text.p + from, text.n - from, i->value.p, i->value.n);
		if (!p)
			return false;
		if (stands_alone(i, text, (size_t)(p - text.p)))
			return true;
		from = (size_t)(p - text.p) + 1;
	}
	return false;
}

/* Its digits, whatever stands between them, and with a country's code in front. */
static bool has_phone(const struct identifier *i, str text)
{
	for (size_t at = 0; at < text.n; at++) {
		size_t k = 0, gap = 0;
		if (text.p[at] != i->value.p[0])
			continue;
		for (size_t j = at; j < text.n && k < i->value.n && gap < 4; j++) {
			bool digit = text.p[j] >= '0' && text.p[j] <= '9';
			if (digit && text.p[j] != i->value.p[k])
				break;
			if (!digit && !memchr(" -()./", text.p[j], 6))
				break;
			k += digit;
			gap = digit ? 0 : gap + 1;
		}
		if (k == i->value.n)
			return true;
	}
	return false;
}

/* Networks in text: an address of his may stand there as part of one. */
static bool has_net(const struct identifier *i, str text)
{
	struct net n;
	for (size_t at = 0; at < text.n;) {
		size_t end = at;
		while (end < text.n && (address_char(text.p[end]) || text.p[end] == '/'))
			end++;
		str one = str_mem(text.p + at, end - at);
		if (one.n >= 4 && net_parse(one, false, &n) && net_has(&i->net, &n.ip) && n.bits >= i->net.bits)
			return true;
		at = end == at ? at + 1 : end;
	}
	return false;
}

int identifier_in(struct identifiers *list, str text)
{
	buf_reset(&list->folded);
	char *to = buf_room(&list->folded, text.n);
	if (!to)
		return -1;
	for (size_t i = 0; i < text.n; i++)
		to[i] = (char)(text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] - 'A' + 'a' : text.p[i]);
	str folded = str_mem(to, text.n);
	for (size_t i = 0; i < list->count; i++) {
		const struct identifier *one = &list->list[i];
		bool is = one->kind == IDENTIFIER_PHONE ? has_phone(one, folded) :
			  one->kind == IDENTIFIER_IP ? has_text(one, folded) || has_net(one, folded) :
						       has_text(one, folded);
		if (is)
			return (int)i;
	}
	return -1;
}
