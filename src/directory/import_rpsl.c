/* SPDX-License-Identifier: Apache-2.0 */
/* Whois dumps of the regional registries: RPSL objects (RFC 2622 section 2), a blank line between.
 * A range (inetnum, inet6num, aut-num) names who answers for it: abuse-c, the IRT of mnt-irt, or
 * its organisation; those are objects of their own, anywhere in the dump, also in a file behind.
 * So all is collected first, on disk where it is much (base/spill.h), then brought together by
 * sorting: who is named, by what he has; and both, by the range that names him. */
#include <stdlib.h>

#include "base/ip.h"
#include "base/spill.h"
#include "directory/import_private.h"
#include "record/codes.h"

enum { OBJECTS_MOST = 8000000, VALUE_MOST = 300, KEY_MOST = 2 * (2 + VALUE_MOST) + 8 };

struct range {
	uint8_t kind;              /* enum fallback_kind */
	char country[2];
	struct ip first, last;     /* of an AS number: its digits in asn */
	uint32_t asn;
	uint64_t row;
};
/* Whom a range names. */
enum named { NAMED_ABUSE_C, NAMED_IRT, NAMED_ORG, NAMED };
struct rpsl_object {
	str class, key;            /* of its first attribute */
	str abuse_c, irt, org, abuse, email, name, descr, country, nic_hdl;
	uint64_t row;
	str *last;                 /* where a line that goes on belongs; NULL: to none we keep */
};
struct rpsl {
	const struct import_input *in;
	const struct import_sink *to;
	struct arena *one;         /* of an object */
	struct spill *handles;     /* name, order: mail, the handle of its abuse-c */
	struct spill *named;       /* name, range, enum named */
	struct spill *ranges;      /* order: struct range, mail, name */
	size_t handle_count, range_count, objects;
};

static void told(struct rpsl *r, uint64_t row, const char *words)
{
	if (r->to->told)
		r->to->told(r->to->ctx, row, words);
}

static void put_be32(char *to, uint64_t n)
{
	for (int i = 0; i < 4; i++)
		to[i] = (char)(uint8_t)(n >> 8 * (3 - i));
}

static uint32_t be32_at(const char *p)
{
	const uint8_t *b = (const uint8_t *)p;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* A name in upper case behind its length: those of one name stand together, whatever follows. */
static size_t put_name(char *to, str name)
{
	name = str_head(name, VALUE_MOST);
	to[0] = (char)(uint8_t)(name.n >> 8);
	to[1] = (char)(uint8_t)name.n;
	for (size_t i = 0; i < name.n; i++)
		to[2 + i] = name.p[i] >= 'a' && name.p[i] <= 'z' ? (char)(name.p[i] - 32) : name.p[i];
	return 2 + name.n;
}

/* The first such of *s, with its length. */
static str cut_name(str *s)
{
	size_t n = 2 + ((size_t)(uint8_t)s->p[0] << 8 | (uint8_t)s->p[1]);
	str name = str_head(*s, n);
	*s = str_from(*s, n);
	return name;
}

/* --- an object --- */

static str *attribute(struct rpsl_object *o, str name)
{
	static const struct {
		const char *name;
		size_t at;
	} kept[] = {
		{ "abuse-c", offsetof(struct rpsl_object, abuse_c) }, { "mnt-irt", offsetof(struct rpsl_object, irt) },
		{ "org", offsetof(struct rpsl_object, org) },	 { "abuse-mailbox", offsetof(struct rpsl_object, abuse) },
		{ "e-mail", offsetof(struct rpsl_object, email) },	 { "netname", offsetof(struct rpsl_object, name) },
		{ "as-name", offsetof(struct rpsl_object, name) },	 { "org-name", offsetof(struct rpsl_object, name) },
		{ "descr", offsetof(struct rpsl_object, descr) },	 { "country", offsetof(struct rpsl_object, country) },
		{ "nic-hdl", offsetof(struct rpsl_object, nic_hdl) },
	};
	for (size_t i = 0; i < COUNT_OF(kept); i++)
		if (str_eq_nocase(name, str_of(kept[i].name)))
			return (str *)(void *)((char *)o + kept[i].at);
	return NULL;
}

static str value_of(struct rpsl *r, str text)
{
	text = str_trim_all(str_head(text, str_index(text, '#')));
	return arena_str(r->one, str_head(text, VALUE_MOST));
}

static void take_line(struct rpsl *r, struct rpsl_object *o, str line, uint64_t row)
{
	bool goes_on = strchr(" \t+", line.p[0]) != NULL;
	if (goes_on) {
		/* of what we keep only a handle may stand on a line behind its name */
		if (o->last && o->last->n == 0)
			*o->last = value_of(r, str_from(line, 1));
		return;
	}
	size_t colon = str_index(line, ':');
	str name = str_trim(str_head(line, colon));
	o->last = NULL;
	if (colon == line.n || name.n == 0)
		return;
	if (o->class.n == 0) {
		o->class = arena_str(r->one, str_head(name, 64));
		o->key = value_of(r, str_from(line, colon + 1));
		o->row = row;
		return;
	}
	str *to = attribute(o, name);
	if (!to)
		return;
	if (to->n == 0) { /* the first of several */
		*to = value_of(r, str_from(line, colon + 1));
		o->last = to;
	}
}

static void keep_handle(struct rpsl *r, const struct rpsl_object *o, str name)
{
	char key[KEY_MOST], value[KEY_MOST];
	if (name.n == 0)
		return;
	str abuse = draft_email(r->one, o->abuse), email = draft_email(r->one, o->email);
	size_t n = put_name(key, name), m = put_name(value, o->abuse_c);
	put_be32(key + n, r->handle_count++);
	str mail = str_head(abuse.n ? abuse : email, VALUE_MOST);
	memcpy(value + m, mail.p, mail.n);
	spill_add(r->handles, str_mem(key, n + 4), str_mem(value, m + mail.n));
}

static void keep_named(struct rpsl *r, enum named which, str name)
{
	char key[KEY_MOST];
	if (name.n == 0)
		return;
	size_t n = put_name(key, name);
	put_be32(key + n, r->range_count);
	key[n + 4] = (char)which;
	spill_add(r->named, str_mem(key, n + 5), STR(""));
}

static bool range_of_text(str text, struct ip *first, struct ip *last)
{
	size_t dash = str_index(text, '-');
	struct net net;
	if (dash < text.n)
		return ip_parse(str_trim(str_head(text, dash)), first) &&
		       ip_parse(str_trim(str_from(text, dash + 1)), last) && ip_cmp(first, last) <= 0 &&
		       ip_is4(first) == ip_is4(last);
	if (!str_has(text, '/') || !net_parse(text, false, &net))
		return false;
	*first = net.ip;
	*last = net_last(&net);
	return true;
}

/* What nobody holds as a whole: the registries' own marks around everything. */
static bool too_large(const struct ip *first, const struct ip *last)
{
	if (!ip_is4(first))
		return memcmp(first->b, last->b, 2) != 0;
	return first->b[12] != last->b[12];
}

static void keep_range(struct rpsl *r, const struct rpsl_object *o, enum fallback_kind kind)
{
	struct range n = { .kind = (uint8_t)kind, .row = o->row };
	if (kind == FALLBACK_ASN) {
		if (!str_starts_nocase(o->key, STR("AS")) || !str_to_u32(str_from(o->key, 2), &n.asn) || !n.asn) {
			told(r, o->row, "is no AS number");
			return;
		}
	} else if (!range_of_text(o->key, &n.first, &n.last)) {
		told(r, o->row, "is no range of addresses");
		return;
	} else if (too_large(&n.first, &n.last)) {
		return;
	}
	keep_named(r, NAMED_ABUSE_C, o->abuse_c);
	keep_named(r, NAMED_IRT, o->irt);
	keep_named(r, NAMED_ORG, o->org);
	str email = str_head(draft_email(r->one, o->abuse.n ? o->abuse : o->email), VALUE_MOST);
	str name = str_head(draft_clean(r->one, o->name.n ? o->name : o->descr, 120), VALUE_MOST);
	if (o->country.n == 2)
		for (int i = 0; i < 2; i++) {
			char c = o->country.p[i];
			n.country[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
		}
	char key[4], value[sizeof(n) + 2 + 2 * VALUE_MOST];
	size_t at = sizeof(n);
	put_be32(key, r->range_count++);
	memcpy(value, &n, sizeof(n));
	value[at++] = (char)(uint8_t)(email.n >> 8);
	value[at++] = (char)(uint8_t)email.n;
	memcpy(value + at, email.p, email.n);
	memcpy(value + at + email.n, name.p, name.n);
	spill_add(r->ranges, str_mem(key, sizeof(key)), str_mem(value, at + email.n + name.n));
}

static enum rc end_object(struct rpsl *r, struct rpsl_object *o, struct err *err)
{
	str c = o->class;
	enum rc rc = RC_OK;
	if (c.n && ++r->objects > OBJECTS_MOST)
		rc = fail(err, RC_LIMIT, "more than %d objects", OBJECTS_MOST);
	else if (c.n && r->range_count == FALLBACK_ENTRIES_MAX)
		rc = fail(err, RC_LIMIT, "more than %d ranges", FALLBACK_ENTRIES_MAX);
	else if (str_eq_nocase(c, STR("inetnum")) || str_eq_nocase(c, STR("inet6num")))
		keep_range(r, o, FALLBACK_NET);
	else if (str_eq_nocase(c, STR("aut-num")))
		keep_range(r, o, FALLBACK_ASN);
	else if (str_eq_nocase(c, STR("irt")) || str_eq_nocase(c, STR("organisation")))
		keep_handle(r, o, o->key);
	else if (str_eq_nocase(c, STR("role")) || str_eq_nocase(c, STR("person")))
		keep_handle(r, o, o->nic_hdl);
	*o = (struct rpsl_object){ .row = 0 };
	arena_reset(r->one);
	return rc;
}

/* --- who answers --- */

static struct spill *fresh(const struct rpsl *r)
{
	return spill_new(r->in->dir, r->in->memory ? r->in->memory : SPILL_MEMORY);
}

/* A walk beside another: rows whose key begins with a name, in its order. */
struct beside {
	struct spill *s;
	str key, value;            /* value: "" unless the name is there */
	bool there;
};

static void beside_begin(struct beside *b, struct spill *s)
{
	b->s = s;
	b->there = spill_next(s, &b->key, &b->value);
}

/* What the walk has of `name`; the walk asks for names in order. STR_NONE: nothing. */
static str beside_find(struct beside *b, str name)
{
	while (b->there) {
		str rest = b->key, has = cut_name(&rest);
		int order = str_cmp(has, name);
		if (order == 0)
			return b->value;
		if (order > 0)
			break;
		b->there = spill_next(b->s, &b->key, &b->value);
	}
	return STR_NONE;
}

/* The last of each handle stands. *known: name: mail; *asks: the name of its abuse-c, its own. */
static enum rc settle_handles(struct rpsl *r, struct spill *known, struct spill *asks, struct err *err)
{
	char name[KEY_MOST], value[KEY_MOST], key[KEY_MOST];
	size_t name_n = 0, value_n = 0;
	str k, v;
	bool more = true;
	enum rc rc = spill_sort(r->handles, err);
	while (rc == RC_OK && more) {
		more = spill_next(r->handles, &k, &v);
		str of = more ? cut_name(&k) : STR("");
		if (name_n && !str_eq(of, str_mem(name, name_n))) {
			str mail = str_mem(value, value_n), abuse_c = cut_name(&mail);
			spill_add(known, str_mem(name, name_n), mail);
			if (abuse_c.n > 2) {
				memcpy(key, abuse_c.p, abuse_c.n);
				memcpy(key + abuse_c.n, name, name_n);
				spill_add(asks, str_mem(key, abuse_c.n + name_n), STR(""));
			}
		}
		if (!more)
			break;
		memcpy(name, of.p, of.n);
		name_n = of.n;
		memcpy(value, v.p, v.n);
		value_n = v.n;
	}
	return rc == RC_OK ? spill_ok(r->handles, err) : rc;
}

/* *through: name: the mail of its abuse-c. */
static enum rc follow(struct spill *known, struct spill *asks, struct spill *through, struct err *err)
{
	struct beside of = { .there = false };
	str k, v;
	enum rc rc = spill_sort(known, err);
	if (rc == RC_OK)
		rc = spill_sort(asks, err);
	if (rc == RC_OK)
		beside_begin(&of, known);
	while (rc == RC_OK && spill_next(asks, &k, &v)) {
		str mail = beside_find(&of, cut_name(&k));
		if (mail.n)
			spill_add(through, k, mail);
	}
	if (rc == RC_OK)
		rc = spill_ok(asks, err);
	return rc == RC_OK ? spill_ok(known, err) : rc;
}

/* *answers: range, enum named: length of the mail, the mail, that of its abuse-c. */
static enum rc answer(struct rpsl *r, struct spill *known, struct spill *through, struct spill *answers,
		      struct err *err)
{
	struct beside own = { .there = false }, their = { .there = false };
	char value[KEY_MOST];
	str k, v;
	enum rc rc = spill_sort(known, err);
	if (rc == RC_OK)
		rc = spill_sort(through, err);
	if (rc == RC_OK)
		rc = spill_sort(r->named, err);
	if (rc == RC_OK) {
		beside_begin(&own, known);
		beside_begin(&their, through);
	}
	while (rc == RC_OK && spill_next(r->named, &k, &v)) {
		str name = cut_name(&k), mail = beside_find(&own, name), theirs = beside_find(&their, name);
		if (!mail.n && !theirs.n)
			continue;
		value[0] = (char)(uint8_t)(mail.n >> 8);
		value[1] = (char)(uint8_t)mail.n;
		if (mail.n)
			memcpy(value + 2, mail.p, mail.n);
		if (theirs.n)
			memcpy(value + 2 + mail.n, theirs.p, theirs.n);
		spill_add(answers, k, str_mem(value, 2 + mail.n + theirs.n));
	}
	if (rc == RC_OK)
		rc = spill_ok(r->named, err);
	if (rc == RC_OK)
		rc = spill_ok(through, err);
	return rc == RC_OK ? spill_ok(known, err) : rc;
}

/* Of those a range names. */
struct mails {
	char own[NAMED][VALUE_MOST], theirs[NAMED][VALUE_MOST];
	size_t own_n[NAMED], theirs_n[NAMED];
};

static str responsible(const struct mails *m, str email)
{
	if (m->own_n[NAMED_ABUSE_C])
		return str_mem(m->own[NAMED_ABUSE_C], m->own_n[NAMED_ABUSE_C]);
	if (m->own_n[NAMED_IRT])
		return str_mem(m->own[NAMED_IRT], m->own_n[NAMED_IRT]);
	if (m->theirs_n[NAMED_ORG])
		return str_mem(m->theirs[NAMED_ORG], m->theirs_n[NAMED_ORG]);
	return email.n ? email : str_mem(m->own[NAMED_ORG], m->own_n[NAMED_ORG]);
}

static void take_answer(struct mails *m, str key, str value)
{
	unsigned which = (uint8_t)key.p[4];
	str rest = value, mail = str_from(cut_name(&rest), 2);
	if (which >= NAMED)
		return;
	m->own_n[which] = mail.n;
	memcpy(m->own[which], mail.p, mail.n);
	m->theirs_n[which] = rest.n;
	memcpy(m->theirs[which], rest.p, rest.n);
}

static enum rc give(struct rpsl *r, struct spill *answers, struct err *err)
{
	uint64_t nobody = 0;
	char words[120];
	str k, v, ak, av;
	struct mails *m = x_alloc(sizeof(*m));
	enum rc rc = spill_sort(answers, err);
	bool there = rc == RC_OK && spill_next(answers, &ak, &av);
	if (rc == RC_OK)
		rc = spill_sort(r->ranges, err);
	while (rc == RC_OK && spill_next(r->ranges, &k, &v)) {
		struct range n;
		memset(m->own_n, 0, sizeof(m->own_n));
		memset(m->theirs_n, 0, sizeof(m->theirs_n));
		for (; there && be32_at(ak.p) == be32_at(k.p); there = spill_next(answers, &ak, &av))
			take_answer(m, ak, av);
		memcpy(&n, v.p, sizeof(n));
		str name = str_from(v, sizeof(n)), email = str_from(cut_name(&name), 2);
		struct fallback_entry e = { .kind = (enum fallback_kind)n.kind, .first = n.first, .last = n.last,
					    .asn_first = n.asn, .asn_last = n.asn, .email = responsible(m, email),
					    .name = name, .domain = STR(""), .trust = r->in->trust,
					    .seen_day = r->in->seen_day };
		if (code_country(str_mem(n.country, 2)))
			memcpy(e.country, n.country, 2);
		nobody += e.email.n == 0;
		if ((e.email.n || e.country[0]) && r->to->contact)
			r->to->contact(r->to->ctx, n.row, &e);
	}
	free(m);
	if (rc == RC_OK)
		rc = spill_ok(answers, err);
	if (rc == RC_OK)
		rc = spill_ok(r->ranges, err);
	snprintf(words, sizeof(words), "%llu ranges name nobody to write to", (unsigned long long)nobody);
	if (rc == RC_OK && nobody)
		told(r, 0, words);
	return rc;
}

static enum rc resolve(struct rpsl *r, struct err *err)
{
	struct spill *known = fresh(r), *asks = fresh(r), *through = fresh(r), *answers = fresh(r);
	enum rc rc = settle_handles(r, known, asks, err);
	spill_free(r->handles);
	r->handles = NULL;
	if (rc == RC_OK)
		rc = follow(known, asks, through, err);
	spill_free(asks);
	if (rc == RC_OK)
		rc = answer(r, known, through, answers, err);
	spill_free(known);
	spill_free(through);
	spill_free(r->named);
	r->named = NULL;
	if (rc == RC_OK)
		rc = give(r, answers, err);
	spill_free(answers);
	return rc;
}

static enum rc parse(const struct import_input *in, const struct import_sink *to, struct arena *a,
		    struct err *err)
{
	struct rpsl r = { .in = in, .to = to, .one = arena_new(KIB(16)) };
	struct rpsl_object o = { .row = 0 };
	str left = in->text, line;
	uint64_t row = 0;
	enum rc rc = RC_OK;
	(void)a;
	r.handles = fresh(&r);
	r.named = fresh(&r);
	r.ranges = fresh(&r);
	while (rc == RC_OK && input_line(in, &left, &row, &line)) {
		if (str_trim_all(line).n == 0)
			rc = end_object(&r, &o, err);
		else if (line.p[0] != '%' && line.p[0] != '#')
			take_line(&r, &o, line, row);
	}
	if (rc == RC_OK)
		rc = end_object(&r, &o, err);
	if (rc == RC_OK && r.range_count == 0)
		rc = fail(err, RC_INPUT, "there is no inetnum, inet6num or aut-num in it");
	if (rc == RC_OK)
		rc = resolve(&r, err);
	spill_free(r.handles);
	spill_free(r.named);
	spill_free(r.ranges);
	arena_free(r.one);
	return rc;
}

/* "source: APNIC" */
static str whose(str head)
{
	str line;
	while (str_line(&head, &line))
		if (str_starts_nocase(line, STR("source:"))) {
			str name = str_trim(str_from(line, 7));
			return str_head(name, str_index(name, ' '));
		}
	return STR("");
}

static bool claims(str head, str file_name)
{
	static const char *const classes[] = { "inetnum:", "inet6num:", "aut-num:", "irt:", "role:", "organisation:",
					       "person:" };
	str s = head, line;
	(void)file_name;
	for (int n = 0; n < 1000 && str_line(&s, &line); n++) {
		if (str_trim_all(line).n == 0 || line.p[0] == '%' || line.p[0] == '#')
			continue;
		for (size_t i = 0; i < COUNT_OF(classes); i++)
			if (str_starts_nocase(line, str_of(classes[i])))
				return true;
		return false;
	}
	return false;
}

const struct import_form import_form_rpsl = {
	.name = "rpsl",
	.brief = "whois and IRT dumps of a regional registry (RPSL), also its split files one behind the other",
	.source = "whois",
	.makes = IMPORT_CONTACTS,
	.by_line = true,
	.claims = claims,
	.whose = whose,
	.read = parse,
};
