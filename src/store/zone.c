/* SPDX-License-Identifier: Apache-2.0 */
#include "store/zone.h"

#include <stdlib.h>

enum {
	LIST_MOST = 24,       /* a list longer than this says nothing */
	LIST_MANY = 0xff,
	BITS_EACH = 10,       /* of the filter, for each thing in it */
	BITS_ROW = 12,        /* but never more than this for a row */
	SET_SLOTS = 1 << 16,
	SET_MOST = SET_SLOTS / 2
};
enum { ZONE_HAS_4 = 1, ZONE_HAS_6 = 2 };

struct range {
	bool any;
	struct ip least, most;
};

struct words {
	bool many;
	uint32_t n;
	str word[LIST_MOST];
};

struct maker {
	struct zone *z;
	struct range range[2]; /* of IPv6, of IPv4 */
	struct words asn, cc, type;
	uint64_t *set;         /* hashes seen; 0: empty */
	uint32_t distinct;
	uint32_t exercises;
	str last[FIELD_COUNT]; /* value of the row before: rows of a kind follow each other */
	int64_t last_asn[2];
};

/* What the filter holds of a value: FNV-1a over the field and the bytes, then
 * stirred. docs/format-events.md says the same. */
static uint64_t filter_hash(uint8_t field, str s)
{
	uint64_t h = (UINT64_C(0xcbf29ce484222325) ^ field) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	return h ? h : 1;
}

static uint64_t filter_number(uint8_t field, int64_t v)
{
	char raw[8];
	for (unsigned i = 0; i < 8; i++)
		raw[i] = (char)((uint64_t)v >> (8 * i));
	return filter_hash(field, str_mem(raw, sizeof(raw)));
}

static void set_add(struct maker *m, uint64_t h)
{
	size_t at = (size_t)(h >> 40) % SET_SLOTS;
	while (m->set[at] && m->set[at] != h)
		at = (at + 1) % SET_SLOTS;
	if (m->set[at] || m->distinct == SET_MOST)
		return;
	m->set[at] = h;
	m->distinct++;
}

static void words_add(struct words *w, str word)
{
	for (uint32_t i = w->n; i > 0 && !w->many; i--)
		if (str_eq(w->word[i - 1], word))
			return;
	if (w->n == LIST_MOST)
		w->many = true;
	else
		w->word[w->n++] = word;
}

static void range_add(struct maker *m, str s)
{
	struct ip ip;
	memcpy(ip.b, s.p, 16);
	struct range *r = &m->range[ip_is4(&ip)];
	if (!r->any || ip_cmp(&ip, &r->least) < 0)
		r->least = ip;
	if (!r->any || ip_cmp(&ip, &r->most) > 0)
		r->most = ip;
	r->any = true;
}

static void time_add(struct zone *z, int64_t us)
{
	if (!z->timed || us < z->min_time)
		z->min_time = us;
	if (!z->timed || us > z->max_time)
		z->max_time = us;
	z->timed = true;
}

static void concerns_add(struct maker *m, str text)
{
	int64_t org;
	while (concern_next(&text, &org))
		set_add(m, filter_number(FIELD_RONDA_CONCERNS, org));
}

static void bytes_add(struct maker *m, const struct cell *c, str s)
{
	if (c->field >= FIELD_COUNT || (m->last[c->field].p && str_eq(m->last[c->field], s)))
		return;
	m->last[c->field] = s;
	switch (c->field) {
	case FIELD_SOURCE_IP:
		range_add(m, s);
		set_add(m, filter_hash(c->field, s));
		break;
	case FIELD_DESTINATION_IP:
	case FIELD_SOURCE_FQDN:
	case FIELD_DESTINATION_FQDN:
	case FIELD_CLASSIFICATION_IDENTIFIER:
		set_add(m, filter_hash(c->field, s));
		break;
	case FIELD_SOURCE_GEOLOCATION_CC:
		words_add(&m->cc, s);
		break;
	case FIELD_CLASSIFICATION_TYPE:
		words_add(&m->type, s);
		break;
	case FIELD_RONDA_CONCERNS:
		concerns_add(m, s);
		break;
	default:
		break;
	}
}

static void asn_add(struct maker *m, const struct cell *c)
{
	bool source = c->field == FIELD_SOURCE_ASN;
	if (m->last_asn[source] == c->i && c->i)
		return;
	m->last_asn[source] = c->i;
	if (source)
		words_add(&m->asn, str_mem(&c->i, sizeof(c->i)));
	set_add(m, filter_number(c->field, c->i));
}

static void row_add(struct maker *m, const struct chunk_part *p, const struct row *r)
{
	enum tlp tlp = TLP_RED;
	bool exercise = p->exercise;
	const struct cell *c = p->b->cell + r->first_cell;
	for (uint32_t i = 0; i < r->cells; i++, c++) {
		if (c->kind == CELL_TEXT || c->kind == CELL_IP) {
			bool address = c->field == FIELD_SOURCE_IP ||
				       c->field == FIELD_DESTINATION_IP;
			if (address == (c->kind == CELL_IP))
				bytes_add(m, c, str_mem(p->b->text + c->at, c->n));
			continue;
		}
		if (!kind_is_number(c->kind))
			continue;
		if (c->field == FIELD_SOURCE_ASN || c->field == FIELD_DESTINATION_ASN)
			asn_add(m, c);
		else if (c->field == FIELD_TIME_SOURCE)
			time_add(m->z, c->i);
		else if (c->field == FIELD_TLP)
			tlp = tlp_stored(c->i);
		else if (c->field == FIELD_EXERCISE)
			exercise |= c->i != 0;
	}
	m->z->tlp_set |= 1u << tlp;
	m->exercises += exercise;
	m->z->rows++;
}

static void words_put(struct buf *out, const struct words *w, bool number)
{
	buf_char(out, (char)(w->many ? LIST_MANY : w->n));
	for (uint32_t i = 0; i < w->n && !w->many; i++) {
		uint64_t v;
		if (number) {
			memcpy(&v, w->word[i].p, sizeof(v));
			buf_varint(out, v);
		} else {
			buf_varint(out, w->word[i].n);
			buf_add(out, w->word[i]);
		}
	}
}

static void map_put(const struct maker *m, struct buf *out)
{
	const struct range *six = &m->range[0], *four = &m->range[1];
	buf_char(out, (char)((four->any ? ZONE_HAS_4 : 0) | (six->any ? ZONE_HAS_6 : 0)));
	if (four->any) {
		buf_add_mem(out, four->least.b + 12, 4);
		buf_add_mem(out, four->most.b + 12, 4);
	}
	if (six->any) {
		buf_add_mem(out, six->least.b, 16);
		buf_add_mem(out, six->most.b, 16);
	}
	words_put(out, &m->asn, true);
	words_put(out, &m->cc, false);
	words_put(out, &m->type, false);
}

/* Where probe i of a thing stands in a filter of `bits`. */
static uint64_t filter_bit(uint64_t h, unsigned i, uint64_t bits)
{
	return ((h & 0xffffffff) + i * (h >> 32 | 1)) % bits;
}

static void bloom_put(const struct maker *m, struct buf *out)
{
	uint64_t bits = (uint64_t)BITS_EACH * m->distinct;
	if (bits > (uint64_t)BITS_ROW * m->z->rows)
		bits = (uint64_t)BITS_ROW * m->z->rows;
	if (!m->distinct || !bits)
		return;
	size_t bytes = (size_t)(bits + 7) / 8;
	bits = 8 * bytes;
	unsigned probes = (unsigned)(bits * 69 / 100 / m->distinct);
	probes = probes < 1 ? 1 : probes > 6 ? 6 : probes;
	char *to = buf_room(out, bytes + 1);
	memset(to, 0, bytes + 1);
	*to++ = (char)probes;
	for (size_t s = 0; s < SET_SLOTS; s++)
		for (unsigned i = 0; m->set[s] && i < probes; i++) {
			uint64_t bit = filter_bit(m->set[s], i, bits);
			to[bit / 8] = (char)(to[bit / 8] | 1 << (bit % 8));
		}
	out->n += bytes + 1;
}

void zone_make(const struct chunk_part *parts, size_t count, struct zone *out)
{
	struct maker m = { .z = out };
	*out = (struct zone){ .map = BUF_INIT(MIB(32)), .bloom = BUF_INIT(MIB(1)) };
	m.set = x_array(SET_SLOTS, sizeof(*m.set));
	for (size_t p = 0; p < count; p++)
		for (uint32_t r = 0; r < parts[p].rows; r++)
			row_add(&m, &parts[p], &parts[p].row[r]);
	out->exercise = !m.exercises		   ? EXERCISE_NONE :
			m.exercises == out->rows ? EXERCISE_ALL :
						     EXERCISE_SOME;
	map_put(&m, &out->map);
	/* a full set left things out, so a filter of it would deny what is there */
	if (m.distinct < SET_MOST)
		bloom_put(&m, &out->bloom);
	free(m.set);
}

void zone_free(struct zone *z)
{
	buf_free(&z->map);
	buf_free(&z->bloom);
}

/* --- asking --- */

static bool bloom_has(str bloom, uint64_t h)
{
	if (bloom.n < 2)
		return true;
	uint64_t bits = 8 * (uint64_t)(bloom.n - 1);
	const unsigned char *b = (const unsigned char *)bloom.p + 1;
	for (unsigned i = 0; i < (unsigned char)bloom.p[0]; i++) {
		uint64_t bit = filter_bit(h, i, bits);
		if (!(b[bit / 8] >> (bit % 8) & 1))
			return false;
	}
	return true;
}

static bool overlaps(const struct net *net, const struct ip *least, const struct ip *most)
{
	struct net whole = *net;
	ip_mask(&whole.ip, whole.bits);
	struct ip last = net_last(&whole);
	return ip_cmp(&whole.ip, most) <= 0 && ip_cmp(&last, least) >= 0;
}

static struct ip ip_of4(str four)
{
	struct ip ip = { .b = { [10] = 0xff, [11] = 0xff } };
	if (four.n == 4)
		memcpy(ip.b + 12, four.p, 4);
	return ip;
}

/* Reads a list; true when it may hold the word or number. */
static bool list_may_have(struct wire *w, bool number, str word, int64_t v)
{
	uint8_t n = wire_u8(w);
	bool found = n == LIST_MANY;
	for (unsigned i = 0; i < n && n != LIST_MANY && !w->bad; i++)
		if (number)
			found |= (int64_t)wire_varint(w) == v;
		else
			found |= str_eq(wire_block(w), word);
	return found;
}

struct facts {
	bool address, asn, cc, type;
};

static struct facts map_ask(const struct matcher *m, str map)
{
	struct wire w = wire_of(map);
	struct facts f = { 0 };
	uint8_t has = wire_u8(&w);
	if (has & ZONE_HAS_4) {
		struct ip least = ip_of4(wire_bytes(&w, 4)), most = ip_of4(wire_bytes(&w, 4));
		f.address |= overlaps(&m->net, &least, &most);
	}
	if (has & ZONE_HAS_6) {
		struct ip least = { 0 }, most = { 0 };
		str a = wire_bytes(&w, 16), b = wire_bytes(&w, 16);
		if (a.n && b.n) {
			memcpy(least.b, a.p, 16);
			memcpy(most.b, b.p, 16);
		}
		f.address |= overlaps(&m->net, &least, &most);
	}
	f.asn = list_may_have(&w, true, STR_NONE, m->number);
	f.cc = list_may_have(&w, false, m->f->text, 0);
	f.type = list_may_have(&w, false, m->f->text, 0);
	if (w.bad) /* not understood: then it says nothing */
		f = (struct facts){ true, true, true, true };
	return f;
}

static bool is_one_address(const struct matcher *m)
{
	return m->has_net && m->net.bits == 128;
}

static uint64_t address_hash(const struct matcher *m)
{
	return filter_hash((uint8_t)m->f->field, str_mem(m->net.ip.b, sizeof(m->net.ip.b)));
}

bool zone_may_have(const struct matcher *m, str map, str bloom)
{
	const struct event_filter *f = m->f;
	if (f->op == FILTER_ORG)
		return bloom_has(bloom, filter_number(FIELD_RONDA_CONCERNS, f->number));
	if (f->op != FILTER_EQ && f->op != FILTER_IN_NET)
		return true;
	switch ((int)f->field) {
	case FIELD_SOURCE_IP:
		return m->has_net && map_ask(m, map).address &&
		       (!is_one_address(m) ||
			bloom_has(bloom, address_hash(m)));
	case FIELD_DESTINATION_IP:
		return m->has_net &&
		       (!is_one_address(m) ||
			bloom_has(bloom, address_hash(m)));
	case FIELD_SOURCE_ASN:
		return m->has_number && map_ask(m, map).asn &&
		       bloom_has(bloom, filter_number(FIELD_SOURCE_ASN, m->number));
	case FIELD_DESTINATION_ASN:
		return m->has_number &&
		       bloom_has(bloom, filter_number(FIELD_DESTINATION_ASN, m->number));
	case FIELD_SOURCE_FQDN:
	case FIELD_DESTINATION_FQDN:
	case FIELD_CLASSIFICATION_IDENTIFIER:
		return bloom_has(bloom, filter_hash((uint8_t)f->field, f->text));
	case FIELD_SOURCE_GEOLOCATION_CC:
		return map_ask(m, map).cc;
	case FIELD_CLASSIFICATION_TYPE:
		return map_ask(m, map).type;
	default:
		return true;
	}
}
