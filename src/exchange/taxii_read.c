/* SPDX-License-Identifier: Apache-2.0 */
/* Objects, manifest and versions: pages of a collection. */
#include "exchange/taxii_private.h"

enum { SEEN_SLOTS = 4096 };
#define LOOK_LONGEST (2 * SECOND_US) /* with something in the hand; with nothing, twice as long: empty pages are rare */

enum shape { SHAPE_ENVELOPE, SHAPE_MANIFEST, SHAPE_VERSIONS };

struct item {
	int64_t added_us, version_us;
	str id, version, json;
	str said; /* the version as the object says it */
	bool flat; /* an event without STIX */
	bool out; /* does not stand in the answer */
};

struct reading {
	struct taxii *t;
	enum shape shape;
	struct taxii_ask ask;
	struct taxii_collection k;
	struct item *list;
	size_t count, most;
	uint16_t *seen;                /* open addressing by id and version: place in the list, from 1; 0: free */
};

/* --- which of them --- */

static bool spec_fits(const struct taxii_ask *k, str json)
{
	struct json_object *o = NULL;
	if (k->spec_count == 0)
		return true;
	if (json_read(json, &o, NULL) != RC_OK)
		return false;
	str spec = json_get_str(o, "spec_version");
	bool fits = false;
	for (size_t i = 0; i < k->spec_count; i++)
		fits |= str_eq(k->specs[i], spec.p ? spec : STR("2.0"));
	json_free(o);
	return fits;
}

static bool time_fits(const struct taxii_ask *k, int64_t version_us)
{
	for (size_t i = 0; i < k->version_count; i++)
		if (k->versions[i] == version_us)
			return true;
	return false;
}

static uint64_t mixed(uint64_t h, str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3;
	return h;
}

/* Observables come again with each event; one of them is enough. Where it stands or would stand. */
static uint16_t *seen_at(const struct reading *d, str id, str version)
{
	size_t at = (size_t)(mixed(mixed(0xcbf29ce484222325, id), version) % SEEN_SLOTS);
	for (;; at = (at + 1) % SEEN_SLOTS) {
		const struct item *i = d->seen[at] ? &d->list[d->seen[at] - 1] : NULL;
		if (!i || (str_eq(i->id, id) && str_eq(i->said, version)))
			return &d->seen[at];
	}
}

static bool take(void *ctx, const struct page_object *o)
{
	struct reading *d = ctx;
	struct arena *a = d->t->a;
	struct item one = { .added_us = o->added_us, .id = o->id, .version = o->version, .flat = o->flat };
	if (d->count == d->most)
		return false;
	if (!time_parse(o->version, true, &one.version_us))
		one.version_us = o->added_us;
	const struct taxii_ask *k = &d->ask;
	bool by_time = !k->last && !k->first && !k->all;
	if (!spec_fits(k, o->json) || (by_time && !time_fits(k, one.version_us)))
		return true;
	uint16_t *at = seen_at(d, o->id, o->version);
	if (*at)
		return true;
	*at = (uint16_t)(d->count + 1);
	one.id = arena_str(a, o->id);
	one.said = arena_str(a, o->version);
	one.version = one.said.n > 0 ? one.said : taxii_time(a, o->added_us);
	one.json = d->shape == SHAPE_ENVELOPE ? arena_str(a, o->json) : STR("");
	d->list[d->count++] = one;
	return true;
}

/* Of each object in the list: the versions that were asked for. */
static void choose_versions(struct reading *d)
{
	const struct taxii_ask *k = &d->ask;
	for (size_t i = 0; !k->all && i < d->count; i++) {
		bool newest = true, oldest = true;
		for (size_t n = 0; n < d->count; n++) {
			if (n == i || !str_eq(d->list[i].id, d->list[n].id))
				continue;
			newest &= d->list[n].version_us <= d->list[i].version_us;
			oldest &= d->list[n].version_us >= d->list[i].version_us;
		}
		d->list[i].out = !((k->last && newest) || (k->first && oldest) || time_fits(k, d->list[i].version_us));
	}
	size_t kept = 0;
	for (size_t i = 0; i < d->count; i++)
		if (!d->list[i].out)
			d->list[kept++] = d->list[i];
	d->count = kept;
}

/* --- reading --- */

static enum rc reads_as(struct reading *d, struct reader *r, struct told_to *to, bool *any, struct err *err)
{
	struct taxii *t = d->t;
	struct policies *p = t->x->w.policies;
	enum rc rc = d->k.c.kind == COLLECTION_PUBLIC ?
			     told_anybody(p, CHANNEL_FEED, to, err) :
			     told_partner(r, p, t->partner.organisation, partner_feed(&t->partner, t->a),
					  t->partner.exercise, to, err);
	/* a token reads no more than it was made for */
	if (rc == RC_OK && t->q->who == TAXII_VIEWER && t->q->viewer->as.ceiling < to->viewer.as.ceiling)
		to->viewer.as.ceiling = t->q->viewer->as.ceiling;
	*any = rc == RC_OK;
	return rc == RC_ABSENT || rc == RC_DENIED ? RC_OK : rc; /* nothing is agreed: nothing is there */
}

static int lane_of(str name)
{
	static const char *const lanes[] = { "warning", "incident", "bulk" };
	for (size_t i = 0; i < COUNT_OF(lanes); i++)
		if (str_eq(name, str_of(lanes[i])))
			return (int)i;
	return -1;
}

/* Page after page until there is enough: what a filter leaves out costs looking. */
static enum rc read_pages(struct reading *d, struct reader *r, const struct told_to *to, int64_t *after, bool *more,
			  struct err *err)
{
	const struct taxii_request *q = d->t->q;
	struct page_query p = { .after_us = *after, .bytes = TAXII_PAGE_BYTES, .lane = lane_of(q->lane),
				.carriers = lane_of(q->lane) >= 0,
				.flat = d->shape == SHAPE_ENVELOPE && taxii_accepts_flat(q->accept),
				.ids = d->ask.ids, .id_count = d->ask.id_count,
				.types = d->ask.types, .type_count = d->ask.type_count };
	int64_t start = clock_mono_us();
	enum rc rc = RC_OK;
	*more = true;
	while (rc == RC_OK && *more && d->count < d->most &&
	       clock_mono_us() - start <= (d->count > 0 ? 1 : 2) * LOOK_LONGEST) {
		struct page_end end = { .more = false };
		p.limit = d->most - d->count;
		p.look_until_us = start + 2 * LOOK_LONGEST;
		rc = collection_page(d->t->x, r, &d->k.c, to, &p, take, d, &end, err);
		*more = end.more;
		if (end.upto_us > p.after_us)
			p.after_us = end.upto_us;
	}
	*after = p.after_us;
	return rc;
}

/* --- writing it down --- */

static void put_item(struct reading *d, const struct item *i)
{
	struct json_out *j = &d->t->j;
	switch (d->shape) {
	case SHAPE_ENVELOPE:
		json_raw(j, i->json);
		break;
	case SHAPE_MANIFEST:
		json_open(j, '{');
		json_put_str(j, "id", i->id);
		json_put_str(j, "date_added", taxii_time(d->t->a, i->added_us));
		json_put_str(j, "version", i->version);
		json_put_str(j, "media_type", STR(TAXII_STIX_TYPE));
		json_close(j, '}');
		break;
	case SHAPE_VERSIONS:
		json_str(j, i->version);
		break;
	}
}

/* As a push has them. */
static void put_flat(struct reading *d)
{
	struct json_out *j = &d->t->j;
	size_t count = 0;
	for (size_t i = 0; i < d->count; i++) {
		if (!d->list[i].flat)
			continue;
		if (count++ == 0) {
			json_put_str(j, "origin", store_node_id(d->t->x->w.store));
			json_key(j, STR("events"));
			json_open(j, '[');
		}
		put_item(d, &d->list[i]);
	}
	if (count)
		json_close(j, ']');
}

static void put(struct reading *d, int64_t after_us, bool more)
{
	struct taxii *t = d->t;
	taxii_begin(t, 200);
	if (more) {
		json_put_bool(&t->j, "more", true);
		json_put_str(&t->j, "next", taxii_next(t, &d->k.c, &d->ask, after_us));
	}
	size_t bytes = 1024;
	for (size_t i = 0; i < d->count; i++)
		bytes += d->list[i].json.n + 1;
	(void)buf_room(&t->out->body, bytes < TAXII_PAGE_BYTES ? bytes : 0); /* at once: it is large */
	if (d->count > 0) {
		json_key(&t->j, d->shape == SHAPE_VERSIONS ? STR("versions") : STR("objects"));
		json_open(&t->j, '[');
		for (size_t i = 0; i < d->count; i++)
			if (!d->list[i].flat)
				put_item(d, &d->list[i]);
		json_close(&t->j, ']');
		put_flat(d);
		taxii_header(t, "X-TAXII-Date-Added-First", taxii_time(t->a, d->list[0].added_us));
		taxii_header(t, "X-TAXII-Date-Added-Last", taxii_time(t->a, d->list[d->count - 1].added_us));
	}
	taxii_end(t);
}

static enum rc find(struct reading *d, struct reader **r, struct err *err)
{
	enum rc rc = taxii_open(d->t, r, &d->k, err);
	return rc == RC_OK && !d->k.can_read ? fail(err, RC_DENIED, "this collection is not yours to read") : rc;
}

static enum rc read_all(struct reading *d, struct reader *r, bool *more, int64_t *after, struct err *err)
{
	struct told_to to;
	bool any = false, one = d->t->object.p != NULL;
	*after = d->ask.after_us;
	*more = false;
	enum rc rc = d->ask.has_next ? taxii_next_read(d->t, &d->k.c, &d->ask, after, err) : RC_OK;
	if (rc == RC_OK)
		rc = reads_as(d, r, &to, &any, err);
	if (rc == RC_OK && any)
		rc = read_pages(d, r, &to, after, more, err);
	if (rc == RC_OK)
		choose_versions(d);
	bool from_start = !d->ask.has_next && d->ask.after_us == 0;
	if (rc == RC_OK && one && d->count == 0 && !*more && from_start)
		rc = fail(err, RC_ABSENT, "there is no such object");
	return rc;
}

static void answer(struct taxii *t, enum shape shape)
{
	struct err err = { 0 };
	struct reading d = { .t = t, .shape = shape };
	struct reader *r = NULL;
	bool more = false;
	int64_t after = 0;
	enum rc rc = taxii_ask(t, &d.ask, &err);
	if (t->object.p) { /* one object: the address says which; its versions are all of them */
		d.ask.ids = &t->object;
		d.ask.id_count = 1;
		d.ask.type_count = 0;
		d.ask.all |= shape == SHAPE_VERSIONS;
	}
	d.most = d.ask.limit;
	d.list = ARENA_ARRAY(t->a, d.most, struct item);
	d.seen = ARENA_ARRAY(t->a, SEEN_SLOTS, uint16_t);
	if (rc == RC_OK)
		rc = find(&d, &r, &err);
	if (rc == RC_OK)
		rc = read_all(&d, r, &more, &after, &err);
	if (r)
		store_read_end(r);
	if (rc == RC_OK)
		put(&d, after, more);
	else
		taxii_fail_rc(t, rc, &err);
}

void taxii_objects(struct taxii *t)
{
	answer(t, SHAPE_ENVELOPE);
}

void taxii_object(struct taxii *t)
{
	answer(t, SHAPE_ENVELOPE);
}

void taxii_manifest(struct taxii *t)
{
	answer(t, SHAPE_MANIFEST);
}

void taxii_versions(struct taxii *t)
{
	answer(t, SHAPE_VERSIONS);
}
