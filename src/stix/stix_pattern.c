/* SPDX-License-Identifier: Apache-2.0 */
/* One observation is worked off with a stack of sets and one of operators; a set is the alternatives so far. */
#include "stix/stix_pattern.h"

#include <stdio.h>

#include "base/ip.h"

/* WORK: so that no pattern, however made, costs more than some milliseconds and megabytes. */
enum { STACK_MOST = 64, WORD_MOST = 200, VALUE_MOST = 4096, PATTERN_MOST = 64 * 1024, WORK_MOST = 20000 };

/* --- what may be compared --- */

enum subject { SUBJECT_ADDRESS, SUBJECT_TEXT, SUBJECT_PORT, SUBJECT_NUMBER, SUBJECT_MD5, SUBJECT_SHA1, SUBJECT_SHA256, SUBJECT_PROTOCOL };
static const struct { const char *path; enum subject subject; const char *field; } paths[] = {
	{ "ipv4-addr:value", SUBJECT_ADDRESS, "source.ip" },
	{ "ipv6-addr:value", SUBJECT_ADDRESS, "source.ip" },
	{ "domain-name:value", SUBJECT_TEXT, "source.fqdn" },
	{ "url:value", SUBJECT_TEXT, "source.url" },
	{ "email-addr:value", SUBJECT_TEXT, "source.account" },
	{ "email-message:from_ref.value", SUBJECT_TEXT, "source.account" },
	{ "email-message:sender_ref.value", SUBJECT_TEXT, "source.account" },
	{ "user-account:account_login", SUBJECT_TEXT, "source.account" },
	{ "user-account:user_id", SUBJECT_TEXT, "source.account" },
	{ "autonomous-system:number", SUBJECT_NUMBER, "source.asn" },
	{ "file:hashes.MD5", SUBJECT_MD5, "malware.hash.md5" },
	{ "file:hashes.SHA-1", SUBJECT_SHA1, "malware.hash.sha1" },
	{ "file:hashes.SHA1", SUBJECT_SHA1, "malware.hash.sha1" },
	{ "file:hashes.SHA-256", SUBJECT_SHA256, "malware.hash.sha256" },
	{ "file:hashes.SHA256", SUBJECT_SHA256, "malware.hash.sha256" },
	{ "file:name", SUBJECT_TEXT, "extra.file_name" },
	{ "network-traffic:src_ref.value", SUBJECT_ADDRESS, "source.ip" },
	{ "network-traffic:dst_ref.value", SUBJECT_ADDRESS, "destination.ip" },
	{ "network-traffic:src_port", SUBJECT_PORT, "source.port" },
	{ "network-traffic:dst_port", SUBJECT_PORT, "destination.port" },
	{ "network-traffic:protocols", SUBJECT_PROTOCOL, "protocol.transport" },
};

/* --- words --- */

enum token { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_NUMBER, TOKEN_SIGN, TOKEN_BAD };
struct reading {
	str left;
	struct arena *a;
	enum token token;
	str text;       /* word: with the quotes of its parts gone; string: its value */
	size_t work;    /* alternatives joined so far */
	struct err *err;
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == ':' ||
	       c == '.';
}

/* In single quotes, from behind the first; false: not closed. */
static bool quoted(struct reading *k, struct buf *out)
{
	while (k->left.n > 0) {
		char c = k->left.p[0];
		k->left = str_from(k->left, 1);
		if (c == '\'')
			return true;
		if (c == '\\') {
			if (k->left.n == 0)
				return false;
			c = k->left.p[0];
			k->left = str_from(k->left, 1);
		}
		buf_char(out, c);
	}
	return false;
}

static void read_string(struct reading *k)
{
	struct buf b = BUF_INIT(VALUE_MOST);
	k->token = quoted(k, &b) && !b.over ? TOKEN_STRING : TOKEN_BAD;
	k->text = arena_str(k->a, buf_str(&b));
	buf_free(&b);
}

/* A path such as file:hashes.'SHA-256' or a keyword; an index [*] or [0] of a list is left out of it. */
static void read_word(struct reading *k)
{
	struct buf b = BUF_INIT(WORD_MOST);
	bool fine = true;
	while (fine && k->left.n > 0) {
		char c = k->left.p[0];
		size_t close = c == '[' ? str_index(k->left, ']') : 0;
		if (c == '[' && close <= 4 && b.n > 0 && str_has(buf_str(&b), ':')) {
			k->left = str_from(k->left, close + 1);
		} else if (c == '\'' && b.n > 0 && b.p[b.n - 1] == '.') {
			k->left = str_from(k->left, 1);
			fine = quoted(k, &b);
		} else if (is_word(c)) {
			buf_char(&b, c);
			k->left = str_from(k->left, 1);
		} else {
			break;
		}
	}
	k->token = fine && !b.over ? TOKEN_WORD : TOKEN_BAD;
	k->text = arena_str(k->a, buf_str(&b));
	buf_free(&b);
}

static void next_token(struct reading *k)
{
	while (k->left.n > 0 && (unsigned char)k->left.p[0] <= ' ')
		k->left = str_from(k->left, 1);
	k->text = STR_NONE;
	k->token = TOKEN_END;
	if (k->left.n == 0)
		return;
	char c = k->left.p[0];
	size_t sign = 1;
	if (c == '\'') {
		k->left = str_from(k->left, 1);
		read_string(k);
	} else if ((c >= '0' && c <= '9') || c == '-' || c == '+') {
		k->token = TOKEN_NUMBER;
		while (sign < k->left.n && ((k->left.p[sign] >= '0' && k->left.p[sign] <= '9') || k->left.p[sign] == '.'))
			sign++;
		k->text = str_head(k->left, sign);
		k->left = str_from(k->left, sign);
	} else if (is_word(c)) {
		read_word(k);
		/* h'00', b'…', t'…': a literal of another kind */
		if (k->text.n == 1 && k->left.n > 0 && k->left.p[0] == '\'') {
			k->left = str_from(k->left, 1);
			read_string(k);
		}
	} else {
		if (k->left.n > 1 && (k->left.p[1] == '=' || (c == '<' && k->left.p[1] == '>')) && strchr("!<>=", c))
			sign = 2;
		k->token = strchr("[](),=!<>", c) ? TOKEN_SIGN : TOKEN_BAD;
		k->text = str_head(k->left, sign);
		k->left = str_from(k->left, sign);
	}
}

static bool at_sign(const struct reading *k, const char *sign)
{
	return k->token == TOKEN_SIGN && str_eq(k->text, str_of(sign));
}

static bool at_word(const struct reading *k, const char *word)
{
	return k->token == TOKEN_WORD && str_eq_nocase(k->text, str_of(word));
}

static enum rc bad(struct reading *k, const char *what)
{
	str left = str_head(k->left, 20);
	while (left.n > 0 && (left.p[0] & 0xc0) == 0x80) /* neither end within a character */
		left = str_from(left, 1);
	while (left.n > 0 && !str_is_utf8(left))
		left.n--;
	if (left.n == 0 || !str_is_plain(left))
		return fail(k->err, RC_INPUT, "pattern: %s", what);
	return fail(k->err, RC_INPUT, "pattern: %s before '" STR_FMT "'", what, STR_ARG(left));
}

/* --- sets of alternatives --- */

struct set {
	struct stix_match *m;
	size_t count, room;
	bool unread; /* it has others, which are not read */
};

static bool add_term(struct stix_match *m, const struct stix_term *t)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->terms[i].field, t->field) == 0)
			return str_eq(m->terms[i].value, t->value); /* two at once: not of one event */
	if (m->count == STIX_TERMS_MOST)
		return false;
	m->terms[m->count++] = *t;
	return true;
}

static enum rc both(struct reading *k, const struct set *x, const struct set *y, struct set *out)
{
	const size_t room = x->count * y->count;
	*out = (struct set){ .unread = x->unread || y->unread, .room = room };
	if (room > STIX_MATCHES_MOST || (k->work += room) > WORK_MOST)
		return fail(k->err, RC_LIMIT, "pattern: too many alternatives");
	out->m = ARENA_ARRAY(k->a, room + 1, struct stix_match);
	for (size_t i = 0; i < x->count; i++)
		for (size_t n = 0; n < y->count; n++) {
			struct stix_match m = x->m[i];
			bool fits = true;
			for (size_t t = 0; t < y->m[n].count; t++)
				fits = fits && add_term(&m, &y->m[n].terms[t]);
			if (fits)
				out->m[out->count++] = m;
			else
				out->unread = true;
		}
	return RC_OK;
}

/* Adds to `x`, which nobody else has. */
static enum rc either(struct reading *k, struct set *x, const struct set *y)
{
	const size_t count = x->count + y->count;
	if (count > STIX_MATCHES_MOST)
		return fail(k->err, RC_LIMIT, "pattern: too many alternatives");
	if (count > x->room) {
		struct stix_match *wider = ARENA_ARRAY(k->a, 2 * count, struct stix_match);
		if (x->count)
			memcpy(wider, x->m, x->count * sizeof *wider);
		x->m = wider;
		x->room = 2 * count;
	}
	if (y->count)
		memcpy(x->m + x->count, y->m, y->count * sizeof *y->m);
	x->count = count;
	x->unread = x->unread || y->unread;
	return RC_OK;
}

/* --- one comparison --- */

static bool is_hex(str s, size_t digits)
{
	if (s.n != digits)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || ((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'f')))
			return false;
	return true;
}

/* What an event calls it; false: an event cannot say it. */
static bool term_of(size_t path, str value, bool subset, struct stix_term *t)
{
	struct net net;
	struct ip ip;
	uint64_t n;
	*t = (struct stix_term){ .field = paths[path].field, .value = value };
	if (subset && paths[path].subject != SUBJECT_ADDRESS)
		return false;
	switch (paths[path].subject) {
	case SUBJECT_ADDRESS:
		if (ip_parse(value, &ip))
			return true;
		if (!str_has(value, '/') || !net_parse(value, false, &net))
			return false;
		t->field = paths[path].field[0] == 'd' ? "destination.network" : "source.network";
		return true;
	case SUBJECT_TEXT: return value.n > 0;
	case SUBJECT_PORT: t->number = true; return str_to_u64(value, &n) && n <= 65535;
	case SUBJECT_NUMBER: t->number = true; return str_to_u64(value, &n) && n <= UINT32_MAX;
	case SUBJECT_MD5: return is_hex(value, 32);
	case SUBJECT_SHA1: return is_hex(value, 40);
	case SUBJECT_SHA256: return is_hex(value, 64);
	case SUBJECT_PROTOCOL:
		if (!str_eq_nocase(value, STR("tcp")) && !str_eq_nocase(value, STR("udp")) && !str_eq_nocase(value, STR("icmp")))
			t->field = "protocol.application";
		return value.n > 0 && value.n < 12;
	}
	return false;
}

static void add_value(struct set *s, size_t path, str value, bool readable, bool subset)
{
	struct stix_term t;
	if (readable && path < COUNT_OF(paths) && s->count < STIX_MATCHES_MOST && term_of(path, value, subset, &t))
		s->m[s->count++] = (struct stix_match){ .terms = { t }, .count = 1 };
	else
		s->unread = true;
}

static enum rc read_list(struct reading *k, struct set *s, size_t path, bool readable)
{
	s->room = 16;
	next_token(k);
	if (!at_sign(k, "("))
		return bad(k, "a list must stand in brackets");
	s->m = ARENA_ARRAY(k->a, s->room, struct stix_match);
	do {
		next_token(k);
		if (k->token != TOKEN_STRING && k->token != TOKEN_NUMBER && k->token != TOKEN_WORD)
			return bad(k, "a value is missing");
		if (s->count == s->room) { /* never over STIX_MATCHES_MOST: add_value() */
			struct stix_match *wider = ARENA_ARRAY(k->a, s->room * 4, struct stix_match);
			memcpy(wider, s->m, s->room * sizeof *wider);
			s->m = wider;
			s->room *= 4;
		}
		add_value(s, path, k->text, readable, false);
		next_token(k);
	} while (at_sign(k, ","));
	if (!at_sign(k, ")"))
		return bad(k, "a list is not closed");
	next_token(k);
	return RC_OK;
}

/* The path is the token at hand. */
static enum rc read_comparison(struct reading *k, struct set *s)
{
	static const char *const words[] = { "LIKE", "MATCHES", "ISSUPERSET" };
	static const char *const signs[] = { "!=", "<>", "<", ">", "<=", ">=" };
	size_t path = 0;
	bool readable = true, subset = false;
	if (!str_has(k->text, ':'))
		return bad(k, "the name of an object's property is missing");
	while (path < COUNT_OF(paths) && !str_eq_nocase(k->text, str_of(paths[path].path)))
		path++;
	*s = (struct set){ .m = ARENA_NEW(k->a, struct stix_match), .room = 1 };
	next_token(k);
	if (at_word(k, "NOT")) {
		readable = false;
		next_token(k);
	}
	if (at_word(k, "IN"))
		return read_list(k, s, path, readable);
	bool known = at_sign(k, "=") || at_sign(k, "==") || (subset = at_word(k, "ISSUBSET"));
	for (size_t i = 0; !known && i < COUNT_OF(words); i++)
		if (at_word(k, words[i])) {
			known = true;
			readable = false;
		}
	for (size_t i = 0; !known && i < COUNT_OF(signs); i++)
		if (at_sign(k, signs[i])) {
			known = true;
			readable = false;
		}
	if (!known)
		return bad(k, "a comparison is missing");
	next_token(k);
	if (k->token != TOKEN_STRING && k->token != TOKEN_NUMBER && !at_word(k, "true") && !at_word(k, "false"))
		return bad(k, "a value is missing");
	add_value(s, path, k->text, readable, subset);
	next_token(k);
	return RC_OK;
}

/* --- one observation: from behind '[' to behind ']' --- */

struct stacks {
	struct set set[STACK_MOST];
	char op[STACK_MOST]; /* '&', '|', '(' */
	size_t sets, ops;
};

static enum rc join(struct reading *k, struct stacks *s)
{
	char op = s->op[--s->ops];
	if (s->sets < 2)
		return bad(k, "something to join is missing");
	struct set *x = &s->set[s->sets - 2], *y = x + 1, out;
	s->sets--;
	if (op != '&')
		return either(k, x, y);
	enum rc rc = both(k, x, y, &out);
	if (rc == RC_OK)
		*x = out;
	return rc;
}

/* Works off what binds as strong as `op` or stronger: AND before OR. */
static enum rc join_down(struct reading *k, struct stacks *s, char op)
{
	enum rc rc = RC_OK;
	while (rc == RC_OK && s->ops > 0 && s->op[s->ops - 1] != '(' && (op != '&' || s->op[s->ops - 1] == '&'))
		rc = join(k, s);
	return rc;
}

/* Opening brackets, then a comparison, or EXISTS and a path. */
static enum rc read_operand(struct reading *k, struct stacks *s)
{
	while (at_sign(k, "(")) {
		if (s->ops == STACK_MOST)
			return fail(k->err, RC_LIMIT, "pattern: nested deeper than %d", STACK_MOST);
		s->op[s->ops++] = '(';
		next_token(k);
	}
	if (k->token != TOKEN_WORD)
		return bad(k, "a comparison is missing");
	if (s->sets == STACK_MOST)
		return fail(k->err, RC_LIMIT, "pattern: nested deeper than %d", STACK_MOST);
	if (at_word(k, "EXISTS")) {
		next_token(k);
		next_token(k);
		s->set[s->sets++] = (struct set){ .unread = true };
		return RC_OK;
	}
	enum rc rc = read_comparison(k, &s->set[s->sets]);
	s->sets += rc == RC_OK;
	return rc;
}

static enum rc close_brackets(struct reading *k, struct stacks *s)
{
	enum rc rc = RC_OK;
	while (rc == RC_OK && at_sign(k, ")")) {
		rc = join_down(k, s, '|');
		if (rc == RC_OK && (s->ops == 0 || s->op[s->ops - 1] != '('))
			return bad(k, "a bracket too many");
		if (rc == RC_OK)
			s->ops--;
		next_token(k);
	}
	return rc;
}

static enum rc read_observation(struct reading *k, struct stacks *s, struct set *out)
{
	s->sets = s->ops = 0;
	for (;;) {
		enum rc rc = read_operand(k, s);
		if (rc == RC_OK)
			rc = close_brackets(k, s);
		if (rc != RC_OK)
			return rc;
		if (!at_word(k, "AND") && !at_word(k, "OR"))
			break;
		char op = at_word(k, "AND") ? '&' : '|';
		if ((rc = join_down(k, s, op)) != RC_OK)
			return rc;
		if (s->ops == STACK_MOST)
			return fail(k->err, RC_LIMIT, "pattern: nested deeper than %d", STACK_MOST);
		s->op[s->ops++] = op;
		next_token(k);
	}
	if (!at_sign(k, "]"))
		return bad(k, "']' is missing");
	enum rc rc = join_down(k, s, '|');
	if (rc != RC_OK)
		return rc;
	if (s->ops > 0)
		return bad(k, "a bracket is not closed");
	*out = s->set[0];
	next_token(k);
	return RC_OK;
}

/* --- the whole --- */

/* An alternative is worth an event when it names something that can be found: a port alone cannot. */
static bool names_something(const struct stix_match *m)
{
	static const char *const alone[] = { "source.port", "destination.port", "protocol.transport", "protocol.application",
					     "extra.file_name" };
	for (size_t i = 0; i < m->count; i++) {
		bool is_alone = false;
		for (size_t n = 0; n < COUNT_OF(alone); n++)
			is_alone = is_alone || strcmp(m->terms[i].field, alone[n]) == 0;
		if (!is_alone)
			return true;
	}
	return false;
}

enum rc stix_pattern_read(str pattern, struct arena *a, struct stix_match **out, size_t *count_out, bool *whole,
			  struct err *err)
{
	struct reading k = { .left = pattern, .a = a, .err = err };
	struct stacks *stacks = ARENA_NEW(a, struct stacks);
	struct set all = { .m = NULL }, one;
	size_t open = 0;
	if (pattern.n > PATTERN_MOST)
		return fail(err, RC_LIMIT, "pattern: longer than %d bytes", PATTERN_MOST);
	next_token(&k);
	for (;;) {
		while (at_sign(&k, "(")) {
			open++;
			next_token(&k);
		}
		if (!at_sign(&k, "["))
			return bad(&k, "'[' is missing");
		next_token(&k);
		enum rc rc = read_observation(&k, stacks, &one);
		if (rc == RC_OK)
			rc = either(&k, &all, &one);
		if (rc != RC_OK)
			return rc;
		while (open > 0 && at_sign(&k, ")")) {
			open--;
			next_token(&k);
		}
		if (k.token == TOKEN_END)
			break;
		if (!at_word(&k, "OR"))
			return bad(&k, "only observations joined by OR are matched here, and there is more");
		next_token(&k);
	}
	if (open > 0)
		return bad(&k, "a bracket is not closed");
	size_t kept = 0;
	for (size_t i = 0; i < all.count; i++)
		if (names_something(&all.m[i]))
			all.m[kept++] = all.m[i];
		else
			all.unread = true;
	if (kept == 0)
		return fail(err, RC_INPUT, "pattern: nothing of it is matched here");
	*out = all.m;
	*count_out = kept;
	*whole = !all.unread;
	return RC_OK;
}
