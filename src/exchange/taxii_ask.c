/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says: types, parameters, the place it goes on from. */
#include "exchange/taxii_private.h"

enum { NEXT_BYTES = 8 + 16 + 16 };
static const char next_purpose[] = "taxii-next", rest_purpose[] = "taxii-rest";

/* --- media types (RFC 9110 sections 8.3.1 and 12.5.1) --- */

static str unquoted(str s)
{
	s = str_trim_all(s);
	return s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"' ? (str){ s.p + 1, s.n - 2 } : s;
}

struct media {
	str type;
	str version;  /* STR_NONE: not said */
	bool refused; /* a weight of nothing */
};

static bool is_nothing(str weight)
{
	for (size_t i = 0; i < weight.n; i++)
		if (weight.p[i] != '0' && weight.p[i] != '.')
			return false;
	return weight.n > 0;
}

static struct media media_of(str text)
{
	struct media m = { .type = str_trim_all(str_cut(&text, ';')) };
	while (text.n > 0) {
		str value = str_cut(&text, ';'), name = str_trim_all(str_cut(&value, '='));
		value = unquoted(value);
		if (str_eq_nocase(name, STR("version")))
			m.version = value;
		else if (str_eq_nocase(name, STR("q")))
			m.refused = is_nothing(value);
	}
	return m;
}

static bool is_ours(const struct media *m)
{
	return str_eq_nocase(m->type, STR("application/taxii+json")) &&
	       (!m->version.p || str_eq(m->version, STR("2.1")));
}

bool taxii_accepts(str accept)
{
	if (str_trim_all(accept).n == 0)
		return true;
	while (accept.n > 0) {
		const struct media m = media_of(str_cut(&accept, ','));
		if (!m.refused && (is_ours(&m) || str_eq(m.type, STR("*/*")) || str_eq_nocase(m.type, STR("application/*"))))
			return true;
	}
	return false;
}

bool taxii_is_type(str content_type)
{
	const struct media m = media_of(content_type);
	return is_ours(&m);
}

bool taxii_is_flat(str content_type)
{
	const struct media m = media_of(content_type);
	return !m.refused && str_eq_nocase(m.type, STR("application/vnd.ronda.envelope+json")) && str_eq(m.version, STR("1"));
}

bool taxii_accepts_flat(str accept)
{
	bool flat = false;
	while (accept.n > 0)
		flat |= taxii_is_flat(str_cut(&accept, ','));
	return flat;
}

/* --- parameters --- */

enum named { ADDED_AFTER, LIMIT, NEXT, MATCH_ID, MATCH_TYPE, MATCH_VERSION, MATCH_SPEC, NAMED };
static const char *const names[NAMED] = {
	[ADDED_AFTER] = "added_after",	     [LIMIT] = "limit",		 [NEXT] = "next",
	[MATCH_ID] = "match[id]",	     [MATCH_TYPE] = "match[type]",
	[MATCH_VERSION] = "match[version]", [MATCH_SPEC] = "match[spec_version]",
};

static enum rc collect(const struct taxii *t, str value[NAMED], struct err *err)
{
	for (size_t i = 0; i < t->q->query_count; i++) {
		for (size_t k = 0; k < NAMED; k++) {
			if (!str_eq(t->q->query[i].name, str_of(names[k])))
				continue;
			if (value[k].p)
				return fail(err, RC_INPUT, "'%s' stands there twice", names[k]);
			value[k] = t->q->query[i].value.p ? t->q->query[i].value : STR("");
		}
	}
	return RC_OK;
}

static enum rc split(const struct taxii *t, enum named which, str text, const str **out, size_t *count, struct err *err)
{
	size_t n = 0;
	*count = 0;
	if (!text.p)
		return RC_OK;
	str *list = ARENA_ARRAY(t->a, TAXII_VALUES_MAX, str);
	do {
		str one = str_cut(&text, ',');
		if (one.n == 0 || one.n > 256 || !str_is_plain(one))
			return fail(err, RC_INPUT, "'%s' has an empty or impossible value", names[which]);
		if (n == TAXII_VALUES_MAX)
			return fail(err, RC_INPUT, "'%s' has more than %d values", names[which], TAXII_VALUES_MAX);
		list[n++] = one;
	} while (text.n > 0);
	*out = list;
	*count = n;
	return RC_OK;
}

/* RFC 3339: a day alone is none. */
static bool timestamp(str text, int64_t *out)
{
	return (str_has(text, 'T') || str_has(text, 't')) && time_parse(text, false, out);
}

static enum rc versions(const struct taxii *t, str text, struct taxii_ask *k, struct err *err)
{
	const str *list = NULL;
	size_t n = 0;
	enum rc rc = split(t, MATCH_VERSION, text, &list, &n, err);
	int64_t *at = ARENA_ARRAY(t->a, n + 1, int64_t);
	k->last = rc == RC_OK && n == 0;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		if (str_eq(list[i], STR("last")))
			k->last = true;
		else if (str_eq(list[i], STR("first")))
			k->first = true;
		else if (str_eq(list[i], STR("all")))
			k->all = true;
		else if (!timestamp(list[i], &at[k->version_count++]))
			rc = fail(err, RC_INPUT, "'match[version]' takes last, first, all, or a time as 2026-11-22T09:45:00Z");
	}
	k->versions = at;
	return rc;
}

static enum rc specs(const struct taxii *t, str text, struct taxii_ask *k, struct err *err)
{
	enum rc rc = split(t, MATCH_SPEC, text, &k->specs, &k->spec_count, err);
	for (size_t i = 0; rc == RC_OK && i < k->spec_count; i++)
		if (!str_eq(k->specs[i], STR("2.0")) && !str_eq(k->specs[i], STR("2.1")))
			rc = fail(err, RC_INPUT, "'match[spec_version]' takes 2.0 and 2.1");
	return rc;
}

/* All that must stay as it was while somebody goes on by `next`. */
static struct hash128 rest_of(const struct taxii *t, const str value[NAMED])
{
	struct buf all = BUF_INIT(TAXII_QUERY_MAX + 1024);
	for (size_t k = 0; k < NAMED; k++) {
		if (k == NEXT)
			continue;
		buf_fmt(&all, "%zu:%d:%zu:", k, value[k].p != NULL, value[k].n);
		buf_add(&all, value[k]);
	}
	buf_fmt(&all, "%d:", t->is_partner);
	buf_add(&all, t->q->path);
	if (t->is_partner)
		buf_add(&all, str_mem(t->partner.id.b, sizeof t->partner.id.b));
	struct hash128 h = keyed_hash128(store_secret(t->x->w.store), rest_purpose, buf_str(&all));
	buf_free(&all);
	return h;
}

enum rc taxii_ask(const struct taxii *t, struct taxii_ask *out, struct err *err)
{
	str value[NAMED] = { { NULL, 0 } };
	uint64_t limit = COLLECTION_PAGE;
	*out = (struct taxii_ask){ .limit = COLLECTION_PAGE };
	enum rc rc = collect(t, value, err);
	if (rc == RC_OK && value[ADDED_AFTER].p && !timestamp(value[ADDED_AFTER], &out->after_us))
		rc = fail(err, RC_INPUT, "'added_after' is no time as 2026-11-22T09:45:00Z");
	if (rc == RC_OK && value[LIMIT].p && (!str_to_u64(value[LIMIT], &limit) || limit == 0))
		rc = fail(err, RC_INPUT, "'limit' is a number from 1");
	if (rc == RC_OK)
		rc = split(t, MATCH_ID, value[MATCH_ID], &out->ids, &out->id_count, err);
	if (rc == RC_OK)
		rc = split(t, MATCH_TYPE, value[MATCH_TYPE], &out->types, &out->type_count, err);
	if (rc == RC_OK)
		rc = versions(t, value[MATCH_VERSION], out, err);
	if (rc == RC_OK)
		rc = specs(t, value[MATCH_SPEC], out, err);
	out->limit = limit < COLLECTION_PAGE_MOST ? (size_t)limit : COLLECTION_PAGE_MOST;
	out->has_next = value[NEXT].p != NULL;
	out->next = value[NEXT];
	out->rest = rest_of(t, value);
	return rc;
}

/* --- next --- */

static void seal(const struct taxii *t, const struct collection *c, const struct taxii_ask *k, int64_t after_us,
		 struct buf *out)
{
	buf_le64(out, (uint64_t)after_us);
	buf_le64(out, k->rest.hi);
	buf_le64(out, k->rest.lo);
	struct buf all = BUF_INIT(128);
	buf_add(&all, buf_str(out));
	buf_add(&all, str_mem(c->uuid.b, sizeof c->uuid.b));
	struct hash128 h = keyed_hash128(store_secret(t->x->w.store), next_purpose, buf_str(&all));
	buf_free(&all);
	buf_le64(out, h.hi);
	buf_le64(out, h.lo);
}

str taxii_next(const struct taxii *t, const struct collection *c, const struct taxii_ask *k, int64_t after_us)
{
	struct buf raw = BUF_INIT(NEXT_BYTES), text = BUF_INIT(128);
	seal(t, c, k, after_us, &raw);
	base64url_format(&text, raw.p, raw.n);
	str out = arena_str(t->a, buf_str(&text));
	buf_free(&raw);
	buf_free(&text);
	return out;
}

enum rc taxii_next_read(const struct taxii *t, const struct collection *c, const struct taxii_ask *k,
			int64_t *after_out, struct err *err)
{
	struct buf raw = BUF_INIT(NEXT_BYTES), want = BUF_INIT(NEXT_BYTES);
	bool good = base64url_parse(k->next, &raw) && raw.n == NEXT_BYTES;
	struct wire w = wire_of(buf_str(&raw));
	int64_t after_us = (int64_t)wire_le64(&w);
	seal(t, c, k, after_us, &want);
	good = good && str_eq_secret(buf_str(&raw), buf_str(&want));
	buf_free(&raw);
	buf_free(&want);
	if (!good)
		return fail(err, RC_INPUT, "'next' is not one we gave for this address and these parameters");
	*after_out = after_us;
	return RC_OK;
}
