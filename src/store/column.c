/* SPDX-License-Identifier: Apache-2.0 */
#include "store/column.h"

#include "base/rc.h"

enum { PRESENT_ALL, PRESENT_BITS, PRESENT_LIST };
enum { SHAPE_EACH, SHAPE_ONE, SHAPE_WORDS };
enum { NUMBERS_FROM_LEAST, NUMBERS_FROM_LAST };
enum { ADDRESSES_4, ADDRESSES_6, ADDRESSES_BOTH };

static const int64_t scales[] = { 1, 1000, 1000000 };
static const unsigned char mapped4[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool kind_is_number(enum cell_kind k)
{
	return k <= CELL_TIME;
}

/* --- writing --- */

static void put_varint(struct buf *out, uint64_t v)
{
	buf_varint(out, v);
}

static uint64_t zigzag(uint64_t v)
{
	return v << 1 ^ (0 - (v >> 63));
}

static uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

static unsigned bits_of(uint64_t v)
{
	return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

static unsigned bytes_of(uint64_t v)
{
	return (bits_of(v) + 7) / 8;
}

/* The largest scale all are multiples of: times are mostly whole seconds. */
static unsigned scale_of(const int64_t *v, uint32_t n)
{
	if (v[0] < 1000000000 && v[0] > -1000000000)
		return 0;
	unsigned scale = COUNT_OF(scales) - 1;
	for (uint32_t i = 0; i < n; i++)
		while (scale && v[i] % scales[scale] != 0)
			scale--;
	return scale;
}

struct span {
	int64_t least, most;
	uint64_t bits;
};

static struct span span_of(const int64_t *v, uint32_t n)
{
	struct span s = { .least = v[0], .most = v[0] };
	for (uint32_t i = 1; i < n; i++) {
		s.least = v[i] < s.least ? v[i] : s.least;
		s.most = v[i] > s.most ? v[i] : s.most;
	}
	for (uint32_t i = 0; i < n; i++)
		s.bits += bits_of((uint64_t)v[i] - (uint64_t)s.least);
	return s;
}

static void put_planes(struct buf *out, const int64_t *v, uint32_t n, uint64_t least,
		       unsigned width)
{
	unsigned char *to = (unsigned char *)buf_room(out, (size_t)n * width);
	if (!to)
		return;
	for (unsigned w = 0; w < width; w++)
		for (uint32_t i = 0; i < n; i++)
			*to++ = (unsigned char)(((uint64_t)v[i] - least) >> (8 * w));
	out->n += (size_t)n * width;
}

/* Numbers as distances from the least of them, or each from the one before,
 * whichever is smaller. `v` is worked over. */
static void put_numbers(struct buf *out, int64_t *v, uint32_t n)
{
	if (!n)
		return;
	unsigned scale = scale_of(v, n);
	if (scale)
		for (uint32_t i = 0; i < n; i++)
			v[i] /= scales[scale];
	struct span plain = span_of(v, n), step = { 0 };
	int64_t first = v[0];
	unsigned width = bytes_of((uint64_t)plain.most - (uint64_t)plain.least);
	bool stepped = false;
	if (n > 2 && width) {
		/* steps in a copy would cost more than undoing them */
		for (uint32_t i = n - 1; i > 0; i--)
			v[i] = (int64_t)((uint64_t)v[i] - (uint64_t)v[i - 1]);
		step = span_of(v + 1, n - 1);
		unsigned step_width = bytes_of((uint64_t)step.most - (uint64_t)step.least);
		stepped = step_width < width ||
			  (step_width == width && step.bits + step.bits / 8 < plain.bits);
		if (stepped)
			width = step_width;
		else
			for (uint32_t i = 1; i < n; i++)
				v[i] = (int64_t)((uint64_t)v[i] + (uint64_t)v[i - 1]);
	}
	buf_char(out, (char)((stepped ? NUMBERS_FROM_LAST : NUMBERS_FROM_LEAST) | (int)scale << 1 |
			     (int)width << 4));
	if (stepped) {
		put_varint(out, zigzag((uint64_t)first));
		put_varint(out, zigzag((uint64_t)step.least));
		put_planes(out, v + 1, n - 1, (uint64_t)step.least, width);
	} else {
		put_varint(out, zigzag((uint64_t)plain.least));
		put_planes(out, v, n, (uint64_t)plain.least, width);
	}
}

static void put_byte_plane(struct buf *out, const struct value *v, uint32_t n, size_t at)
{
	char *to = buf_room(out, n);
	if (!to)
		return;
	for (uint32_t i = 0; i < n; i++)
		to[i] = v[i].s.p[at];
	out->n += n;
}

static bool is4(const struct value *v)
{
	return memcmp(v->s.p, mapped4, sizeof(mapped4)) == 0;
}

static void put_family(struct buf *out, const struct value *v, uint32_t n, size_t from,
		       bool want4, unsigned char *plane)
{
	for (size_t at = from; at < 16; at++) {
		uint32_t k = 0;
		for (uint32_t i = 0; i < n; i++)
			if (is4(&v[i]) == want4)
				plane[k++] = (unsigned char)v[i].s.p[at];
		buf_add_mem(out, plane, k);
	}
}

static void put_addresses(struct column_scratch *s, struct buf *out, const struct value *v,
			  uint32_t n)
{
	uint32_t fours = 0;
	for (uint32_t i = 0; i < n; i++)
		fours += is4(&v[i]);
	if (fours == n || fours == 0) {
		buf_char(out, fours ? ADDRESSES_4 : ADDRESSES_6);
		for (size_t at = fours ? 12 : 0; at < 16; at++)
			put_byte_plane(out, v, n, at);
		return;
	}
	buf_char(out, ADDRESSES_BOTH);
	unsigned char bits[BATCH_ROWS / 8] = { 0 };
	for (uint32_t i = 0; i < n; i++)
		bits[i / 8] |= (unsigned char)(is4(&v[i]) << (i % 8));
	buf_add_mem(out, bits, (n + 7) / 8);
	put_family(out, v, n, 12, true, s->plane);
	put_family(out, v, n, 0, false, s->plane);
}

static void put_texts(struct column_scratch *s, struct buf *out, const struct value *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		s->number[i] = (int64_t)v[i].s.n;
	put_numbers(out, s->number, n);
	for (uint32_t i = 0; i < n; i++)
		buf_add(out, v[i].s);
}

static void put_values(struct column_scratch *s, enum cell_kind kind, struct buf *out,
		       const struct value *v, uint32_t n)
{
	switch (kind) {
	case CELL_INT:
	case CELL_FLOAT:
	case CELL_BOOL:
	case CELL_TIME:
		for (uint32_t i = 0; i < n; i++)
			s->number[i] = v[i].i;
		put_numbers(out, s->number, n);
		return;
	case CELL_TEXT:
	case CELL_JSON:
		put_texts(s, out, v, n);
		return;
	case CELL_NET:
		put_byte_plane(out, v, n, 16);
		put_addresses(s, out, v, n);
		return;
	case CELL_IP:
		put_addresses(s, out, v, n);
		return;
	case CELL_KINDS:
		return;
	}
}

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 29;
	return h * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t hash_bytes(uint64_t seed, str s)
{
	uint64_t h = seed ^ s.n, word;
	while (s.n >= 8) {
		memcpy(&word, s.p, 8);
		h = mix(h ^ word);
		s = str_from(s, 8);
	}
	word = 0;
	for (size_t i = 0; i < s.n; i++)
		word |= (uint64_t)(unsigned char)s.p[i] << (8 * i);
	h = mix(h ^ word);
	return h ^ h >> 32;
}

static bool same(enum cell_kind kind, const struct value *a, const struct value *b)
{
	return kind_is_number(kind) ? a->i == b->i : str_eq(a->s, b->s);
}

/* Numbers the distinct values; 0 when there are more than `most`. */
static uint32_t find_words(struct column_scratch *s, const struct column_in *in, uint32_t most)
{
	enum { EMPTY = UINT16_MAX, MASK = COUNT_OF(s->slot) - 1 };
	bool number = kind_is_number(in->kind);
	uint32_t words = 0;
	memset(s->slot, 0xff, sizeof(s->slot));
	for (uint32_t i = 0; i < in->n; i++) {
		const struct value *v = &in->value[i];
		if (i && same(in->kind, v, v - 1)) {
			s->index[i] = s->index[i - 1];
			continue;
		}
		uint64_t h = number ? mix(s->seed ^ (uint64_t)v->i) : hash_bytes(s->seed, v->s);
		size_t at = (size_t)(h >> 20) & MASK;
		while (s->slot[at] != EMPTY &&
		       !same(in->kind, v, &in->value[s->first[s->slot[at]]]))
			at = (at + 1) & MASK;
		if (s->slot[at] == EMPTY) {
			if (words == most)
				return 0;
			s->first[words] = (uint16_t)i;
			s->slot[at] = (uint16_t)words++;
		}
		s->index[i] = s->slot[at];
	}
	return words;
}

static void put_index(struct buf *out, const uint16_t *index, uint32_t n, uint32_t words)
{
	unsigned width = words > 256 ? 2 : 1;
	char *to = buf_room(out, (size_t)n * width);
	if (!to)
		return;
	for (unsigned w = 0; w < width; w++)
		for (uint32_t i = 0; i < n; i++)
			*to++ = (char)(index[i] >> (8 * w));
	out->n += (size_t)n * width;
}

static void put_presence(const struct column_in *in, struct buf *out)
{
	if (in->n == in->all) {
		buf_char(out, PRESENT_ALL);
	} else if (in->n <= in->all / 16) {
		buf_char(out, PRESENT_LIST);
		put_varint(out, in->n);
		for (uint32_t i = 0, next = 0; i < in->n; i++) {
			put_varint(out, in->row[i] - next);
			next = in->row[i] + 1u;
		}
	} else {
		unsigned char bits[BATCH_ROWS / 8] = { 0 };
		for (uint32_t i = 0; i < in->n; i++)
			bits[in->row[i] / 8] |= (unsigned char)(1u << (in->row[i] % 8));
		buf_char(out, PRESENT_BITS);
		buf_add_mem(out, bits, (in->all + 7) / 8);
	}
}

/* How many distinct values still make a dictionary worth its indexes: a text
 * or an address saves more with each repeat than a small number does. */
static uint32_t words_most(enum cell_kind kind, uint32_t n)
{
	return n < 4 ? 1 : kind_is_number(kind) ? n / 4 : n / 2;
}

void column_write(struct column_scratch *s, const struct column_in *in, struct buf *out)
{
	put_presence(in, out);
	if (!in->n)
		return;
	uint32_t words = find_words(s, in, words_most(in->kind, in->n));
	if (words == 1) {
		buf_char(out, SHAPE_ONE);
		put_values(s, in->kind, out, in->value, 1);
	} else if (words) {
		buf_char(out, SHAPE_WORDS);
		put_varint(out, words);
		put_index(out, s->index, in->n, words);
		for (uint32_t i = 0; i < words; i++)
			s->pick[i] = in->value[s->first[i]];
		put_values(s, in->kind, out, s->pick, words);
	} else {
		buf_char(out, SHAPE_EACH);
		put_values(s, in->kind, out, in->value, in->n);
	}
}

/* --- reading --- */

static const int64_t *get_numbers(struct wire *w, uint32_t n, struct arena *a)
{
	uint8_t head = wire_u8(w);
	unsigned mode = head & 1, scale = head >> 1 & 7, width = head >> 4;
	uint64_t base = unzigzag(wire_varint(w));
	uint64_t step = mode == NUMBERS_FROM_LAST ? unzigzag(wire_varint(w)) : 0;
	uint32_t planes = mode == NUMBERS_FROM_LAST ? n - 1 : n;
	str bytes = wire_bytes(w, (size_t)planes * (width <= 8 ? width : 0));
	if (w->bad || scale >= COUNT_OF(scales) || width > 8 || !n)
		return NULL;
	uint64_t *v = ARENA_ARRAY(a, n, uint64_t), *to = v + (n - planes);
	for (unsigned p = 0; p < width; p++)
		for (uint32_t i = 0; i < planes; i++)
			to[i] |= (uint64_t)(unsigned char)bytes.p[(size_t)p * planes + i]
				 << (8 * p);
	if (mode == NUMBERS_FROM_LAST) {
		v[0] = base;
		for (uint32_t i = 1; i < n; i++)
			v[i] += v[i - 1] + step;
	} else {
		for (uint32_t i = 0; i < n; i++)
			v[i] += base;
	}
	if (scale)
		for (uint32_t i = 0; i < n; i++)
			v[i] *= (uint64_t)scales[scale];
	return (const int64_t *)v;
}

static bool get_family(struct wire *w, unsigned char *to, size_t stride, uint32_t n, size_t from,
		       const unsigned char *bits, bool want4)
{
	uint32_t k = 0;
	for (uint32_t i = 0; i < n; i++)
		k += !bits || (bits[i / 8] >> (i % 8) & 1) == want4;
	str bytes = wire_bytes(w, (size_t)k * (16 - from));
	if (w->bad)
		return false;
	uint32_t j = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (bits && (bits[i / 8] >> (i % 8) & 1) != want4)
			continue;
		unsigned char *one = to + i * stride;
		if (from)
			memcpy(one, mapped4, sizeof(mapped4));
		for (size_t at = from; at < 16; at++)
			one[at] = (unsigned char)bytes.p[(at - from) * k + j];
		j++;
	}
	return true;
}

static bool get_addresses(struct wire *w, unsigned char *to, size_t stride, uint32_t n)
{
	uint8_t family = wire_u8(w);
	if (family == ADDRESSES_4 || family == ADDRESSES_6)
		return get_family(w, to, stride, n, family == ADDRESSES_4 ? 12 : 0, NULL, false);
	str bits = wire_bytes(w, (n + 7) / 8);
	if (w->bad || family != ADDRESSES_BOTH)
		return false;
	const unsigned char *b = (const unsigned char *)bits.p;
	return get_family(w, to, stride, n, 12, b, true) &&
	       get_family(w, to, stride, n, 0, b, false);
}

static bool get_texts(struct wire *w, struct arena *a, struct column *c)
{
	const int64_t *sizes = get_numbers(w, c->values, a);
	if (!sizes)
		return false;
	uint32_t *at = ARENA_ARRAY(a, c->values + 1, uint32_t);
	uint64_t sum = 0;
	for (uint32_t i = 0; i < c->values; i++) {
		if (sizes[i] < 0 || (uint64_t)sizes[i] > wire_left(w) - sum)
			return false;
		sum += (uint64_t)sizes[i];
		at[i + 1] = (uint32_t)sum;
	}
	c->at = at;
	c->bytes = wire_bytes(w, (size_t)sum).p;
	return sum <= UINT32_MAX;
}

static bool get_values(struct wire *w, struct arena *a, struct column *c)
{
	switch (c->kind) {
	case CELL_INT:
	case CELL_FLOAT:
	case CELL_BOOL:
	case CELL_TIME:
		c->number = get_numbers(w, c->values, a);
		return c->number != NULL;
	case CELL_TEXT:
	case CELL_JSON:
		return get_texts(w, a, c);
	case CELL_NET: {
		str bits = wire_bytes(w, c->values);
		if (w->bad)
			return false;
		unsigned char *to = ARENA_ARRAY(a, (size_t)c->values * 17, unsigned char);
		for (uint32_t i = 0; i < c->values; i++)
			to[(size_t)i * 17 + 16] = (unsigned char)bits.p[i];
		c->fixed = to;
		return get_addresses(w, to, 17, c->values);
	}
	case CELL_IP: {
		unsigned char *to = ARENA_ARRAY(a, (size_t)c->values * 16, unsigned char);
		c->fixed = to;
		return get_addresses(w, to, 16, c->values);
	}
	case CELL_KINDS:
		break;
	}
	return false;
}

static bool get_list(struct wire *w, uint32_t all, uint16_t *row, uint32_t n)
{
	uint64_t next = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t gap = wire_varint(w);
		if (w->bad || gap >= all || next + gap >= all)
			return false;
		row[i] = (uint16_t)(next + gap);
		next += gap + 1;
	}
	return true;
}

static uint32_t count_bits(str bits)
{
	uint32_t n = 0;
	for (size_t i = 0; i < bits.n; i++)
		n += (uint32_t)__builtin_popcount((unsigned char)bits.p[i]);
	return n;
}

static bool get_bits(str bits, uint32_t all, uint16_t *row)
{
	uint32_t n = 0;
	for (uint32_t r = 0; r < 8 * (uint32_t)bits.n; r++) {
		if (!((unsigned char)bits.p[r / 8] >> (r % 8) & 1))
			continue;
		if (r >= all)
			return false;
		row[n++] = (uint16_t)r;
	}
	return true;
}

static bool get_presence(struct wire *w, uint32_t all, uint64_t *cells, struct arena *a,
			 struct column *c)
{
	uint8_t how = wire_u8(w);
	str bits = STR_NONE;
	uint64_t n = all;
	if (how == PRESENT_BITS) {
		bits = wire_bytes(w, (all + 7) / 8);
		n = count_bits(bits);
	} else if (how == PRESENT_LIST) {
		n = wire_varint(w);
	} else if (how != PRESENT_ALL) {
		return false;
	}
	if (w->bad || n > all || n > *cells)
		return false;
	*cells -= n;
	c->n = (uint32_t)n;
	if (how == PRESENT_ALL)
		return true;
	uint16_t *row = ARENA_ARRAY(a, c->n + 1, uint16_t);
	c->row = row;
	return how == PRESENT_BITS ? get_bits(bits, all, row) : get_list(w, all, row, c->n);
}

static bool get_index(struct wire *w, struct arena *a, struct column *c)
{
	unsigned width = c->values > 256 ? 2 : 1;
	str bytes = wire_bytes(w, (size_t)c->n * width);
	if (w->bad)
		return false;
	uint16_t *index = ARENA_ARRAY(a, c->n, uint16_t);
	uint32_t most = 0;
	for (uint32_t i = 0; i < c->n; i++) {
		index[i] = (unsigned char)bytes.p[i];
		if (width == 2)
			index[i] |= (uint16_t)((unsigned char)bytes.p[c->n + i] << 8);
		most = index[i] > most ? index[i] : most;
	}
	c->index = index;
	return most < c->values;
}

bool column_read(struct wire *w, enum cell_kind kind, uint32_t all, uint64_t *cells,
		 struct arena *a, struct column *out)
{
	*out = (struct column){ .kind = kind };
	if (!get_presence(w, all, cells, a, out))
		return false;
	if (!out->n)
		return true;
	uint8_t shape = wire_u8(w);
	out->values = out->n;
	if (shape == SHAPE_ONE) {
		out->values = 1;
	} else if (shape == SHAPE_WORDS) {
		uint64_t words = wire_varint(w);
		if (w->bad || words == 0 || words > out->n)
			return false;
		out->values = (uint32_t)words;
		if (!get_index(w, a, out))
			return false;
	} else if (shape != SHAPE_EACH) {
		return false;
	}
	return get_values(w, a, out) && !w->bad;
}

str column_bytes(const struct column *c, uint32_t v)
{
	if (c->at)
		return (str){ c->bytes + c->at[v], c->at[v + 1] - c->at[v] };
	size_t size = c->kind == CELL_NET ? 17 : 16;
	return str_mem(c->fixed + v * size, size);
}
