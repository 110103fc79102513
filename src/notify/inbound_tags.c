/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of ticket systems in subjects. */
#include "notify/inbound.h"
#include "notify/notify_private.h"

enum { TAG_MAX = 80 };

/* How a system writes its numbers: what stands before, what the number is made of, what ends it. In a
 * pattern '#' is one digit or more, '@' a word of letters, digits and -._ that begins with a letter or
 * digit, '!' two capital letters or more; anything else is itself, letters in any case. */
static const struct {
	const char *program, *pattern;
} foreign[] = {
	{ "OTRS, Znuny", "[Ticket\x01#]" },     /* "[Ticket#2024010112345678]" */
	{ "OTRS, Znuny", "[Ticket: #]" },
	{ "OTRS, Znuny", "Ticket\x01#" },
	{ "RT", "[@ \x01#]" },                  /* "[example.org #123]" */
	{ "osTicket", "[\x01#]" },
	{ "osTicket", "[\x01@]" },
	{ "GLPI", "[GLPI \x01#]" },
	{ "Freshdesk", "[\x01!-#]" },
	{ "Jira", "[!-#]" },                    /* "[ABC-123]" */
	{ "Zendesk", "[@-#]" },
	{ "Jira", "(!-#)" },
	{ "Zammad", "[Ticket@#]" },
	{ "Redmine", "[@ - @ \x01#]" },
	{ "Request", "[Request ID :\x01\x01#\x01\x01]" }, /* ManageEngine: "[Request ID :##123##]" */
	{ "ServiceNow", "INC#" },
	{ "ServiceNow", "CS#" },
	{ "Freshservice", "[\x01INC-#]" },
	{ "Front, Help Scout", "[ref:@]" },
	{ "Salesforce", "[ ref:@ ]" },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '.' || c == '_';
}

/* How much of the front of `s` the pattern takes; 0: it does not fit. "\x01" is a '#' itself. */
static size_t match(str s, const char *pattern)
{
	size_t at = 0;
	for (const char *p = pattern; *p; p++) {
		size_t from = at;
		if (*p == '#') {
			while (at < s.n && is_digit(s.p[at]))
				at++;
			if (at == from || at - from > 24)
				return 0;
		} else if (*p == '!') {
			while (at < s.n && s.p[at] >= 'A' && s.p[at] <= 'Z')
				at++;
			if (at < from + 2 || at - from > 12)
				return 0;
		} else if (*p == '@') {
			/* As short as lets the rest begin: only what stands behind it ends it. */
			while (at < s.n && is_word(s.p[at]) && !(at > from && s.p[at] == p[1]))
				at++;
			if (at == from || at - from > 60)
				return 0;
		} else if (at < s.n && (*p == 1 ? s.p[at] == '#' : (*p | 0x20) == (s.p[at] | 0x20))) {
			at++;
		} else {
			return 0;
		}
	}
	/* A number that goes on is another one. */
	return at < s.n && is_digit(s.p[at - 1]) && is_word(s.p[at]) && s.p[at] != '.' ? 0 : at;
}

/* At a '[' or '(', or where a word begins. */
static bool may_begin(str s, size_t at)
{
	return s.p[at] == '[' || s.p[at] == '(' || at == 0 || !is_word(s.p[at - 1]);
}

bool inbound_our_tag(str subject, str tag, int64_t *message_out)
{
	for (size_t i = 0; i < subject.n; i++) {
		str rest = str_from(subject, i + 1);
		if (subject.p[i] != '[' || !str_starts_nocase(rest, tag))
			continue;
		rest = str_trim(str_from(rest, tag.n));
		size_t end = str_index(rest, ']');
		int64_t number;
		if (end < rest.n && rest.p[0] == '#' && str_to_i64(str_head(str_from(rest, 1), end - 1), &number) && number > 0) {
			*message_out = number;
			return true;
		}
	}
	return false;
}

str inbound_without_tag(str subject, str tag, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(16));
	for (size_t i = 0; i < subject.n;) {
		str rest = str_from(subject, i), inside = str_from(rest, 1);
		size_t end = str_index(rest, ']');
		int64_t number;
		bool ours = *rest.p == '[' && end < rest.n && str_index(inside, '[') >= end &&
			    inbound_our_tag(str_head(rest, end + 1), tag, &number);
		if (!ours)
			buf_char(&b, subject.p[i]);
		i += ours ? end + 1 : 1;
		while (ours && i < subject.n && subject.p[i] == ' ')
			i++;
	}
	str out = arena_str(a, str_trim_all(buf_str(&b)));
	buf_free(&b);
	return out;
}

bool inbound_foreign_find(str subject, str our_tag, str *out)
{
	for (size_t k = 0; k < COUNT_OF(foreign); k++)
		for (size_t i = 0; i < subject.n; i++) {
			size_t n = may_begin(subject, i) ? match(str_from(subject, i), foreign[k].pattern) : 0;
			str found = str_head(str_from(subject, i), n);
			/* Ours, also with a number that is none. */
			bool ours = n > 0 && found.p[0] == '[' && str_starts_nocase(str_from(found, 1), our_tag);
			if (n == 0 || n > TAG_MAX || ours)
				continue;
			*out = found;
			return true;
		}
	return false;
}

enum rc inbound_answers_to(struct conn *c, int64_t message, struct arena *a, str *ids, size_t most, size_t *count_out,
			   struct err *err)
{
	struct sql *q = sql(c, "SELECT message_id FROM (SELECT id, message_id FROM mail_in WHERE message = ? AND message > 0"
			       " AND message_id <> '' ORDER BY id DESC LIMIT ?) ORDER BY id");
	sql_int(q, 1, message);
	sql_int(q, 2, (int64_t)most);
	*count_out = 0;
	while (sql_row(q))
		ids[(*count_out)++] = arena_str(a, sql_col_str(q, 0));
	return sql_end(q, err);
}

enum rc inbound_answered(struct conn *c, str message_id, int64_t *message_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT message FROM mail_in WHERE message_id = ? AND message_id <> '' AND message > 0"
			       " ORDER BY id DESC LIMIT 1");
	sql_str(q, 1, message_id);
	*message_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc inbound_foreign_tag(struct conn *c, str organisation, int64_t message, struct arena *a, str *out, struct err *err)
{
	/* The newest it gave to this message, else to one before it in what is told of one thing: theirs
	 * stays when ours goes on. */
	struct sql *q = sql(c, "SELECT theirs FROM mail_foreign WHERE organisation = ? AND ours = ?");
	sql_str(q, 1, organisation);
	sql_int(q, 2, message);
	*out = sql_row(q) ? arena_str(a, sql_col_str(q, 0)) : STR("");
	return sql_end(q, err);
}
