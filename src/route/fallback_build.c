/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of one source become an image: sorted, each contact and text once. */
#include <endian.h>
#include <stdlib.h>

#include "base/clock.h"
#include "route/fallback_private.h"

struct range {
	struct ip first, last;    /* AS numbers and IPv4: in the last four bytes */
	uint32_t contact, place;  /* place: order of arrival */
};
struct ranges {
	struct range *list;
	size_t count, room;
};
struct name {
	str text;
	uint32_t at, contact, place;
};
struct slot {                 /* of the tables of texts and contacts */
	uint64_t hash;
	uint32_t at1;             /* place + 1; 0: free */
};
struct table {
	struct slot *slots;
	size_t mask, used;
};
struct fallback_builder {
	struct arena *a;
	struct ranges v4, v6, asn;
	struct name *names;
	size_t name_count, name_room, count;
	struct fallback_contact *contacts;
	size_t contact_count, contact_room;
	struct buf text;
	struct table texts, known;
};

static uint64_t hash_bytes(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 29;
}

static void table_widen(struct table *t)
{
	struct table wider = { .mask = t->slots ? t->mask * 2 + 1 : 1023, .used = t->used };
	wider.slots = x_array(wider.mask + 1, sizeof(*wider.slots));
	for (size_t i = 0; t->slots && i <= t->mask; i++) {
		size_t at = t->slots[i].hash & wider.mask;
		if (!t->slots[i].at1)
			continue;
		while (wider.slots[at].at1)
			at = (at + 1) & wider.mask;
		wider.slots[at] = t->slots[i];
	}
	free(t->slots);
	*t = wider;
}

/* Where `hash` stands or would stand; the caller compares. */
static struct slot *table_next(struct table *t, uint64_t hash, size_t *at)
{
	while (t->slots[*at].at1 && t->slots[*at].hash != hash)
		*at = (*at + 1) & t->mask;
	return &t->slots[*at];
}

struct fallback_builder *fallback_builder_new(void)
{
	struct fallback_builder *b = x_alloc(sizeof(*b));
	b->a = arena_new(KIB(64));
	b->text = (struct buf)BUF_INIT(FALLBACK_IMAGE_MAX / 2);
	buf_char(&b->text, '\0'); /* offset 0 is "" */
	table_widen(&b->texts);
	table_widen(&b->known);
	return b;
}

void fallback_builder_free(struct fallback_builder *b)
{
	if (!b)
		return;
	free(b->v4.list);
	free(b->v6.list);
	free(b->asn.list);
	free(b->names);
	free(b->contacts);
	free(b->texts.slots);
	free(b->known.slots);
	buf_free(&b->text);
	arena_free(b->a);
	free(b);
}

/* Whole characters of at most FALLBACK_TEXT_MAX bytes. */
static str cut_text(str s)
{
	if (s.n <= FALLBACK_TEXT_MAX)
		return s;
	s.n = FALLBACK_TEXT_MAX;
	while (s.n && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
		s.n--;
	return s;
}

static uint32_t text_put(struct fallback_builder *b, str s)
{
	s = cut_text(s);
	if (s.n == 0)
		return 0;
	if ((b->texts.used + 1) * 2 > b->texts.mask)
		table_widen(&b->texts);
	uint64_t hash = hash_bytes(s.p, s.n);
	for (size_t at = hash & b->texts.mask;; at = (at + 1) & b->texts.mask) {
		struct slot *slot = table_next(&b->texts, hash, &at);
		if (!slot->at1) {
			*slot = (struct slot){ hash, (uint32_t)b->text.n + 1 };
			b->texts.used++;
			buf_char(&b->text, (char)(uint8_t)s.n);
			buf_add(&b->text, s);
			return slot->at1 - 1;
		}
		const uint8_t *there = (const uint8_t *)b->text.p + slot->at1 - 1;
		if (*there == s.n && memcmp(there + 1, s.p, s.n) == 0)
			return slot->at1 - 1;
	}
}

static uint32_t contact_put(struct fallback_builder *b, const struct fallback_entry *e)
{
	struct fallback_contact c = { .email = htole32(text_put(b, e->email)),
				      .name = htole32(text_put(b, e->name)),
				      .seen_day = (int32_t)htole32((uint32_t)e->seen_day),
				      .country = { e->country[0], e->country[0] ? e->country[1] : '\0' },
				      .trust = e->trust };
	if ((b->known.used + 1) * 2 > b->known.mask)
		table_widen(&b->known);
	uint64_t hash = hash_bytes(&c, sizeof(c));
	for (size_t at = hash & b->known.mask;; at = (at + 1) & b->known.mask) {
		struct slot *slot = table_next(&b->known, hash, &at);
		if (slot->at1 && memcmp(&b->contacts[slot->at1 - 1], &c, sizeof(c)) == 0)
			return slot->at1 - 1;
		if (slot->at1)
			continue;
		if (b->contact_count == b->contact_room) {
			b->contact_room = b->contact_room ? 2 * b->contact_room : 256;
			b->contacts = x_grow(b->contacts, b->contact_room, sizeof(*b->contacts));
		}
		b->contacts[b->contact_count++] = c;
		*slot = (struct slot){ hash, (uint32_t)b->contact_count };
		b->known.used++;
		return slot->at1 - 1;
	}
}

static void range_put(struct ranges *r, const struct ip *first, const struct ip *last, uint32_t contact,
		      uint32_t place)
{
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 256;
		r->list = x_grow(r->list, r->room, sizeof(*r->list));
	}
	r->list[r->count++] = (struct range){ *first, *last, contact, place };
}

static struct ip ip_of_number(uint32_t n)
{
	struct ip ip = { { 0 } };
	n = htobe32(n);
	memcpy(ip.b + 12, &n, 4);
	return ip;
}

static bool name_fits(str name)
{
	return name.n > 0 && name.n < 254 && str_is_plain(name);
}

enum rc fallback_add(struct fallback_builder *b, const struct fallback_entry *e, struct err *err)
{
	if (b->count == FALLBACK_ENTRIES_MAX)
		return fail(err, RC_LIMIT, "more than %d ranges and names", FALLBACK_ENTRIES_MAX);
	if (e->email.n == 0 && !e->country[0])
		return fail(err, RC_INPUT, "names neither an e-mail address nor a country");
	uint32_t place = (uint32_t)b->count;
	switch (e->kind) {
	case FALLBACK_NET:
		if (ip_cmp(&e->first, &e->last) > 0 || ip_is4(&e->first) != ip_is4(&e->last))
			return fail(err, RC_INPUT, "is no range of addresses");
		range_put(ip_is4(&e->first) ? &b->v4 : &b->v6, &e->first, &e->last, contact_put(b, e), place);
		break;
	case FALLBACK_ASN: {
		struct ip first = ip_of_number(e->asn_first), last = ip_of_number(e->asn_last);
		if (e->asn_first == 0 || e->asn_first > e->asn_last)
			return fail(err, RC_INPUT, "is no range of AS numbers");
		range_put(&b->asn, &first, &last, contact_put(b, e), place);
		break;
	}
	case FALLBACK_DOMAIN:
		if (!name_fits(e->domain))
			return fail(err, RC_INPUT, "'" STR_FMT "' is no name of a domain", STR_ARG(str_head(e->domain, 80)));
		if (b->name_count == b->name_room) {
			b->name_room = b->name_room ? 2 * b->name_room : 256;
			b->names = x_grow(b->names, b->name_room, sizeof(*b->names));
		}
		b->names[b->name_count++] = (struct name){ arena_str(b->a, e->domain), text_put(b, e->domain),
							   contact_put(b, e), place };
		break;
	}
	b->count++;
	return RC_OK;
}

/* --- sorting, and what of one place stays --- */

static int range_cmp(const void *x, const void *y)
{
	const struct range *a = x, *b = y;
	int c = ip_cmp(&a->first, &b->first);
	if (c == 0)
		c = ip_cmp(&b->last, &a->last);
	return c ? c : (a->place > b->place) - (a->place < b->place);
}

static int name_cmp(const void *x, const void *y)
{
	const struct name *a = x, *b = y;
	int c = str_cmp(a->text, b->text);
	return c ? c : (a->place > b->place) - (a->place < b->place);
}

/* Sorted, of equal ranges the last one told; place becomes `around`. */
static void range_settle(struct ranges *r, struct fallback_counts *counts)
{
	uint32_t open[FALLBACK_DEPTH_MAX];
	size_t depth = 0, n = 0;
	if (r->count)
		qsort(r->list, r->count, sizeof(*r->list), range_cmp);
	for (size_t i = 0; i < r->count; i++) {
		struct range *it = &r->list[i];
		if (i + 1 < r->count && ip_cmp(&it[1].first, &it->first) == 0 &&
		    ip_cmp(&it[1].last, &it->last) == 0) {
			counts->doubles++;
			continue;
		}
		while (depth && ip_cmp(&r->list[open[depth - 1]].last, &it->first) < 0)
			depth--;
		if (depth == FALLBACK_DEPTH_MAX) {
			counts->too_deep++;
			continue;
		}
		it->place = depth ? open[depth - 1] + 1 : 0;
		open[depth++] = (uint32_t)n;
		r->list[n++] = *it;
	}
	r->count = n;
}

static void name_settle(struct fallback_builder *b, struct fallback_counts *counts)
{
	size_t n = 0;
	if (b->name_count)
		qsort(b->names, b->name_count, sizeof(*b->names), name_cmp);
	for (size_t i = 0; i < b->name_count; i++) {
		if (i + 1 < b->name_count && str_eq(b->names[i].text, b->names[i + 1].text))
			counts->doubles++;
		else
			b->names[n++] = b->names[i];
	}
	b->name_count = n;
}

/* --- writing --- */

static void write_ranges4(const struct ranges *r, struct buf *out)
{
	for (size_t i = 0; i < r->count; i++) {
		uint32_t first, last;
		memcpy(&first, r->list[i].first.b + 12, 4);
		memcpy(&last, r->list[i].last.b + 12, 4);
		buf_le32(out, be32toh(first));
		buf_le32(out, be32toh(last));
		buf_le32(out, r->list[i].contact);
		buf_le32(out, r->list[i].place);
	}
}

static void write_ranges6(const struct ranges *r, struct buf *out)
{
	for (size_t i = 0; i < r->count; i++) {
		buf_add_mem(out, r->list[i].first.b, 16);
		buf_add_mem(out, r->list[i].last.b, 16);
		buf_le32(out, r->list[i].contact);
		buf_le32(out, r->list[i].place);
	}
}

enum rc fallback_build(struct fallback_builder *b, str source, struct buf *out,
		       struct fallback_counts *counts, struct err *err)
{
	struct fallback_head head = { .magic = htole32(FALLBACK_MAGIC), .version = htole32(FALLBACK_VERSION) };
	*counts = (struct fallback_counts){ 0 };
	if (source.n == 0 || !str_is_plain(source) || !str_to_z(source, head.source, sizeof(head.source)))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no name for a source", STR_ARG(str_head(source, 80)));
	range_settle(&b->v4, counts);
	range_settle(&b->v6, counts);
	range_settle(&b->asn, counts);
	name_settle(b, counts);
	while (b->text.n % 4)
		buf_char(&b->text, '\0');
	counts->entries = b->v4.count + b->v6.count + b->asn.count + b->name_count;
	counts->contacts = b->contact_count;
	head.v4_count = htole32((uint32_t)b->v4.count);
	head.v6_count = htole32((uint32_t)b->v6.count);
	head.asn_count = htole32((uint32_t)b->asn.count);
	head.domain_count = htole32((uint32_t)b->name_count);
	head.contact_count = htole32((uint32_t)b->contact_count);
	head.text_bytes = htole32((uint32_t)b->text.n);
	size_t start = out->n;
	buf_add_mem(out, &head, sizeof(head));
	write_ranges4(&b->v4, out);
	write_ranges6(&b->v6, out);
	write_ranges4(&b->asn, out);
	for (size_t i = 0; i < b->name_count; i++) {
		buf_le32(out, b->names[i].at);
		buf_le32(out, b->names[i].contact);
	}
	buf_add_mem(out, b->contacts, b->contact_count * sizeof(*b->contacts));
	buf_add(out, buf_str(&b->text));
	if (out->over || b->text.over)
		return fail(err, RC_LIMIT, "the contacts of '" STR_FMT "' are over %zu MiB", STR_ARG(source),
			    FALLBACK_IMAGE_MAX >> 20);
	str behind = str_from(buf_str(out), start + sizeof(head));
	head.crc = htole32(crc32_of(behind));
	memcpy(out->p + start, &head, sizeof(head));
	return RC_OK;
}
