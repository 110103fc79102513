/* SPDX-License-Identifier: Apache-2.0 */
/* From an address to collections: discovery, API roots, what each offers us (TAXII 2.1 sections 4 and 5.1). */
#include "exchange/taxii_client.h"
#include "exchange/taxii_private.h"

enum { TEXT_MOST = 300, LEAST_CONTENT = 1024, SHOWN_MOST = 8 };

/* "https://taxii.example.org:8443" of a URL. */
static str origin_of(str url)
{
	size_t at = str_find(url, STR("://"));
	size_t host = at < url.n ? at + 3 : url.n;
	return str_head(url, host + str_index(str_from(url, host), '/'));
}

/* A root as discovery names it: an absolute URL, or a path of the server. RC_DENIED: at another host. */
static enum rc root_url(struct taxii_server *s, str named, str *out, struct err *err)
{
	str origin = origin_of(s->address);
	named = str_trim(named);
	if (named.n == 0 || named.n > FETCH_URL_MAX / 2 || !str_is_plain(named) || str_has(named, ' '))
		return fail(err, RC_INPUT, "'" STR_FMT "' names an API root that is no address", STR_ARG(s->partner.name));
	bool path = named.p[0] == '/' && !str_starts(named, STR("//"));
	if (!path && !str_eq_nocase(origin_of(named), origin))
		return fail(err, RC_DENIED, "'" STR_FMT "' has its API root at another server, '" STR_FMT "': write that address "
			    "into its record if it is the right one", STR_ARG(s->partner.name), STR_ARG(str_head(named, 100)));
	const char *end = str_ends(named, STR("/")) ? "" : "/";
	*out = path ? arena_fmt(s->a, STR_FMT STR_FMT "%s", STR_ARG(origin), STR_ARG(named), end) :
		      arena_fmt(s->a, STR_FMT "%s", STR_ARG(named), end);
	return RC_OK;
}

/* --- discovery --- */

struct roots {
	str list[TAXII_ROOTS_MOST];
	size_t count;
	struct err other;          /* why one of them was left out */
};

static void add_root(struct taxii_server *s, struct roots *r, str named)
{
	str url;
	if (r->count == TAXII_ROOTS_MOST || root_url(s, named, &url, &r->other) != RC_OK)
		return;
	for (size_t i = 0; i < r->count; i++)
		if (str_eq(r->list[i], url))
			return;
	r->list[r->count++] = url;
}

static enum rc read_discovery(struct taxii_server *s, struct json_object *o, struct roots *r, struct err *err)
{
	struct json_object *list = json_get(o, "api_roots");
	str first = json_get_str(o, "default");
	if (first.n > 0)
		add_root(s, r, first);
	for (size_t i = 0; i < json_count(list) && i < TAXII_ROOTS_MOST; i++)
		add_root(s, r, json_text(json_at(list, i)));
	if (r->count > 0)
		return RC_OK;
	return r->other.text[0] ? fail(err, r->other.rc, "%s", r->other.text) :
				  fail(err, RC_INPUT, "'" STR_FMT "' offers us no API root", STR_ARG(s->partner.name));
}

/* The address is the server's, or an API root's itself; each answers in its own way. */
static enum rc find_roots(struct taxii_server *s, struct roots *r, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct fetch_answer answer;
	struct json_object *o = NULL;
	bool bare = origin_of(s->address).n == s->address.n;
	str url = arena_fmt(a, STR_FMT "%s", STR_ARG(s->address), bare ? TAXII_ROOT : "/");
	enum rc rc = taxii_say(s, url, NULL, a, &answer, &o, err);
	if (rc == RC_OK && (json_get(o, "versions") || json_get(o, "max_content_length")))
		r->list[r->count++] = arena_str(s->a, url);
	else if (rc == RC_OK)
		rc = read_discovery(s, o, r, err);
	json_free(o);
	arena_free(a);
	return rc;
}

/* --- a root --- */

static enum rc read_root(struct taxii_server *s, str root, struct arena *a, size_t *max_content, struct err *err)
{
	struct fetch_answer answer;
	struct json_object *o = NULL;
	int64_t most = 0;
	bool fine = false;
	enum rc rc = taxii_say(s, root, NULL, a, &answer, &o, err);
	if (rc != RC_OK)
		return rc;
	struct json_object *versions = json_get(o, "versions");
	for (size_t i = 0; i < json_count(versions) && !fine; i++)
		fine = taxii_is_type(json_text(json_at(versions, i))) || str_eq(json_text(json_at(versions, i)), STR("taxii-2.1"));
	if (versions && !fine)
		rc = fail(err, RC_INPUT, "'" STR_FMT "' does not speak TAXII 2.1 at '" STR_FMT "'", STR_ARG(s->partner.name),
			  STR_ARG(str_head(root, 100)));
	*max_content = json_get_i64(o, "max_content_length", &most) && most > 0 ? (size_t)most : TAXII_BODY_MAX;
	*max_content = *max_content < LEAST_CONTENT ? LEAST_CONTENT : *max_content;
	json_free(o);
	return rc;
}

static str text_of(struct taxii_server *s, struct json_object *o, const char *name)
{
	str text = str_head(json_get_str(o, name), TEXT_MOST);
	return text.n > 0 && str_is_plain(text) ? arena_str(s->a, text) : STR("");
}

static enum rc read_collections(struct taxii_server *s, str root, size_t max_content, struct arena *a,
				struct taxii_offer *list, size_t *count, struct err *err)
{
	struct fetch_answer answer;
	struct json_object *o = NULL;
	str url = arena_fmt(a, STR_FMT "collections/", STR_ARG(root));
	enum rc rc = taxii_say(s, url, NULL, a, &answer, &o, err);
	struct json_object *all = json_get(o, "collections");
	for (size_t i = 0; rc == RC_OK && i < json_count(all) && *count < TAXII_OFFERS_MOST; i++) {
		struct json_object *one = json_at(all, i);
		struct taxii_offer *t = &list[*count];
		*t = (struct taxii_offer){ .id = text_of(s, one, "id"), .alias = text_of(s, one, "alias"),
					   .title = text_of(s, one, "title"), .root = root, .max_content = max_content };
		(void)json_get_bool(one, "can_read", &t->can_read);
		(void)json_get_bool(one, "can_write", &t->can_write);
		*count += t->id.n > 0 && t->id.n <= 200;
	}
	json_free(o);
	return rc;
}

enum rc taxii_offers(struct taxii_server *s, struct taxii_offer **out, size_t *count_out, struct err *err)
{
	struct roots r = { .count = 0 };
	struct err first = { 0 };
	size_t good = 0;
	*out = ARENA_ARRAY(s->a, TAXII_OFFERS_MOST, struct taxii_offer);
	*count_out = 0;
	enum rc rc = find_roots(s, &r, err);
	for (size_t i = 0; rc == RC_OK && i < r.count; i++) {
		struct arena *a = arena_new(KIB(16));
		struct err why = { 0 };
		size_t max_content = 0;
		enum rc one = read_root(s, r.list[i], a, &max_content, &why);
		if (one == RC_OK)
			one = read_collections(s, r.list[i], max_content, a, *out, count_out, &why);
		good += one == RC_OK;
		if (one != RC_OK && !first.text[0])
			first = why;
		arena_free(a);
	}
	/* a root that is not for us stands in nobody's way */
	return rc == RC_OK && good == 0 ? fail(err, first.rc, "%s", first.text) : rc;
}

/* --- which one --- */

static str names_of(const struct taxii_server *s, const struct taxii_offer *list, size_t count)
{
	struct buf b = BUF_INIT(KIB(1));
	for (size_t i = 0; i < count && i < SHOWN_MOST; i++)
		buf_fmt(&b, "%s'" STR_FMT "'", i ? ", " : "", STR_ARG(list[i].alias.n > 0 && list[i].alias.n < 40 ? list[i].alias :
									       list[i].id));
	str text = arena_str(s->a, buf_str(&b));
	buf_free(&b);
	return text;
}

enum rc taxii_choose(const struct taxii_server *s, const struct taxii_offer *list, size_t count, str want, bool to_write,
		     const struct taxii_offer **out, struct err *err)
{
	size_t fit = 0, named = 0;
	for (size_t i = 0; i < count; i++) {
		const struct taxii_offer *t = &list[i];
		bool is_it = want.n == 0 || str_eq_nocase(t->id, want) || str_eq(t->alias, want) || str_eq(t->title, want);
		bool may = to_write ? t->can_write : t->can_read;
		named += is_it;
		if (is_it && may && fit++ == 0)
			*out = t;
	}
	if (fit == 1)
		return RC_OK;
	str name = s->partner.name;
	if (count == 0)
		return fail(err, RC_INPUT, "'" STR_FMT "' offers us no collection", STR_ARG(name));
	if (want.n == 0 && fit > 1)
		return fail(err, RC_INPUT, "'" STR_FMT "' has several collections: say in its record which ('ronda partner "
			    "collections')", STR_ARG(name));
	if (named > 0 || want.n == 0)
		return fail(err, fit > 1 ? RC_INPUT : RC_DENIED, fit > 1 ? "'" STR_FMT "' has several collections of that name: "
			    "say its id" : to_write ? "'" STR_FMT "' does not let us write there" :
			    "'" STR_FMT "' does not let us read there", STR_ARG(name));
	return fail(err, RC_INPUT, "'" STR_FMT "' has no collection '" STR_FMT "', but " STR_FMT, STR_ARG(name),
		    STR_ARG(str_head(want, 60)), STR_ARG(names_of(s, list, count)));
}
