/* SPDX-License-Identifier: Apache-2.0 */
/* Whois dumps of the regional registries: RPSL objects (RFC 2622 section 2), a blank line between.
 * A range (inetnum, inet6num, aut-num) names who answers for it: abuse-c, the IRT of mnt-irt, or
 * its organisation; those are objects of their own, anywhere in the dump, also in a file behind.
 * So all is collected first, then resolved. */
#include <stdlib.h>

#include "base/ip.h"
#include "directory/import_private.h"
#include "record/codes.h"

enum { OBJECTS_MOST = 8000000, VALUE_MOST = 300 };

/* Somebody who answers: role, person, irt, organisation. */
struct handle {
	str name;                  /* upper case */
	str abuse, email;          /* abuse-mailbox; e-mail */
	uint32_t abuse_c;          /* another's, +1 */
};
struct range {
	uint8_t kind;              /* enum fallback_kind */
	char country[2];
	struct ip first, last;     /* of an AS number: its digits in asn */
	uint32_t asn, abuse_c, irt, org;
	str name, email;
	uint64_t row;
};
struct rpsl_object {
	str class, key;            /* of its first attribute */
	str abuse_c, irt, org, abuse, email, name, descr, country, nic_hdl;
	uint64_t row;
	str *last;                 /* where a line that goes on belongs; NULL: to none we keep */
};
struct rpsl {
	const struct import_input *in;
	const struct import_sink *to;
	struct arena *a, *one;     /* of all; of an object */
	struct handle *handles;
	size_t handle_count, handle_room;
	uint32_t *slots;
	size_t mask;
	struct range *ranges;
	size_t range_count, range_room;
	size_t objects;
};

static void told(struct rpsl *r, uint64_t row, const char *words)
{
	if (r->to->told)
		r->to->told(r->to->ctx, row, words);
}

static uint64_t hash_of(str s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

static void slots_widen(struct rpsl *r)
{
	size_t mask = r->slots ? r->mask * 2 + 1 : 4095;
	uint32_t *wider = x_array(mask + 1, sizeof(*wider));
	for (size_t i = 0; i < r->handle_count; i++) {
		size_t at = hash_of(r->handles[i].name) & mask;
		while (wider[at])
			at = (at + 1) & mask;
		wider[at] = (uint32_t)i + 1;
	}
	free(r->slots);
	r->slots = wider;
	r->mask = mask;
}

/* Place + 1 of the handle of that name, made when it is new; 0: no name. */
static uint32_t handle_of(struct rpsl *r, str name)
{
	char up[VALUE_MOST];
	name = str_head(name, sizeof(up));
	if (name.n == 0)
		return 0;
	for (size_t i = 0; i < name.n; i++)
		up[i] = name.p[i] >= 'a' && name.p[i] <= 'z' ? (char)(name.p[i] - 32) : name.p[i];
	str key = str_mem(up, name.n);
	if ((r->handle_count + 1) * 2 > r->mask)
		slots_widen(r);
	size_t at = hash_of(key) & r->mask;
	for (; r->slots[at]; at = (at + 1) & r->mask)
		if (str_eq(r->handles[r->slots[at] - 1].name, key))
			return r->slots[at];
	if (r->handle_count == r->handle_room) {
		r->handle_room = r->handle_room ? 2 * r->handle_room : 1024;
		r->handles = x_grow(r->handles, r->handle_room, sizeof(*r->handles));
	}
	r->handles[r->handle_count] = (struct handle){ .name = arena_str(r->a, key), .abuse = STR(""), .email = STR("") };
	r->slots[at] = (uint32_t)++r->handle_count;
	return r->slots[at];
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

static str email_of(struct rpsl *r, str text)
{
	str e = draft_email(r->one, text);
	return e.n ? arena_str(r->a, e) : STR("");
}

static void keep_handle(struct rpsl *r, const struct rpsl_object *o, str name)
{
	uint32_t at = handle_of(r, name);
	if (!at)
		return;
	str abuse = email_of(r, o->abuse), email = email_of(r, o->email);
	uint32_t abuse_c = handle_of(r, o->abuse_c);
	struct handle *h = &r->handles[at - 1];
	h->abuse = abuse;
	h->email = email;
	h->abuse_c = abuse_c;
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
	n.abuse_c = handle_of(r, o->abuse_c);
	n.irt = handle_of(r, o->irt);
	n.org = handle_of(r, o->org);
	n.email = email_of(r, o->abuse.n ? o->abuse : o->email);
	n.name = arena_str(r->a, draft_clean(r->one, o->name.n ? o->name : o->descr, 120));
	if (o->country.n == 2)
		for (int i = 0; i < 2; i++) {
			char c = o->country.p[i];
			n.country[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
		}
	if (r->range_count == r->range_room) {
		r->range_room = r->range_room ? 2 * r->range_room : 1024;
		r->ranges = x_grow(r->ranges, r->range_room, sizeof(*r->ranges));
	}
	r->ranges[r->range_count++] = n;
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

static const struct handle *at(const struct rpsl *r, uint32_t place)
{
	return place ? &r->handles[place - 1] : NULL;
}

static str abuse_of(const struct handle *h)
{
	return !h ? STR("") : h->abuse.n ? h->abuse : h->email;
}

static str responsible(const struct rpsl *r, const struct range *n)
{
	const struct handle *org = at(r, n->org);
	str found = abuse_of(at(r, n->abuse_c));
	if (found.n == 0)
		found = abuse_of(at(r, n->irt));
	if (found.n == 0 && org)
		found = abuse_of(at(r, org->abuse_c));
	if (found.n == 0)
		found = n->email;
	return found.n ? found : abuse_of(org);
}

static void give(struct rpsl *r)
{
	uint64_t nobody = 0;
	char words[120];
	for (size_t i = 0; i < r->range_count; i++) {
		const struct range *n = &r->ranges[i];
		struct fallback_entry e = { .kind = (enum fallback_kind)n->kind, .first = n->first, .last = n->last,
					    .asn_first = n->asn, .asn_last = n->asn, .email = responsible(r, n),
					    .name = n->name, .domain = STR(""), .trust = r->in->trust,
					    .seen_day = r->in->seen_day };
		if (code_country(str_mem(n->country, 2)))
			memcpy(e.country, n->country, 2);
		nobody += e.email.n == 0;
		if ((e.email.n || e.country[0]) && r->to->contact)
			r->to->contact(r->to->ctx, n->row, &e);
	}
	snprintf(words, sizeof(words), "%llu ranges name nobody to write to", (unsigned long long)nobody);
	if (nobody)
		told(r, 0, words);
}

static enum rc parse(const struct import_input *in, const struct import_sink *to, struct arena *a,
		    struct err *err)
{
	struct rpsl r = { .in = in, .to = to, .a = a, .one = arena_new(KIB(16)) };
	struct rpsl_object o = { .row = 0 };
	str left = in->text, line;
	uint64_t row = 0;
	enum rc rc = RC_OK;
	slots_widen(&r);
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
		give(&r);
	free(r.handles);
	free(r.slots);
	free(r.ranges);
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
