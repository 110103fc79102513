/* SPDX-License-Identifier: Apache-2.0 */
#include "route/finding_block.h"

enum {
	VERSION = 1,
	TEXT_MOST = 1 << 20, /* of one block: long words make it shorter */
	PART_MOST = 1 << 26,
	CELLS_MOST = 64 * BLOCK_ROWS,
	SEEN_MOST = 10000,
	WORDS_MOST = 1024 /* of what is made anew: longer is stored */
};

/* Bits of the column of flags. */
enum { FLAG_TLP = 2, FLAG_EXERCISE = 5, FLAG_SHARED = 6, FLAG_KEY = 8, FLAG_SIDES = 10, FLAG_ID = 12, FLAG_CONFIDENCE = 14 };
/* How the words of the key stand: as they are, or made of address and port. */
enum { KEY_WORDS, KEY_IP, KEY_IP_PORT };
/* How the sides stand: as they are, or as the name of a source of which the row says the rest. */
enum { SIDES_BYTES, SIDES_NAME };

/* How the lower half of the id stands: as it is, or as what the key hashes to with this transport. */
enum { ID_BYTES, ID_TCP, ID_NONE, ID_UDP, ID_FORMS };
/* Which lower halves are stored. */
enum { LO_ALL, LO_NONE, LO_SOME };

/* --- what follows from other columns --- */

static void key_words(const struct ip *ip, bool with_port, uint32_t port, struct buf *out)
{
	char z[56];
	buf_reset(out);
	buf_add(out, STR("ip "));
	buf_add(out, ip_str(z, ip));
	if (with_port) {
		buf_add(out, STR(" port "));
		buf_u64(out, port);
	}
}

/* The key of an address, as its events have it; false: there is none. */
static bool derive_id(const struct key *secret, const struct finding_row *f, bool has_port, uint32_t port,
		      int form, struct buf *key, struct buf *words, struct hash128 *out)
{
	static const str transports[ID_FORMS] = { [ID_TCP] = STR_INIT("tcp"), [ID_NONE] = STR_INIT(""),
						  [ID_UDP] = STR_INIT("udp") };
	const struct finding_facts facts = {
		.type = f->type, .identifier = f->identifier, .malware = STR_INIT(""),
		.transport = transports[form], .ip = f->ip, .has_ip = f->has_ip, .exercise = f->exercise,
		.has_port = has_port, .port = port,
	};
	if (!finding_key(&facts, false, key, words))
		return false;
	*out = keyed_hash128_raw(secret, buf_str(key));
	return true;
}

static void source_only(const struct finding_row *f, str name, struct buf *out)
{
	struct side sides[SIDES] = { { .has_ip = f->has_ip, .ip = f->ip, .asn = f->asn,
				       .fqdn = name, .cc = f->cc } };
	buf_reset(out);
	sides_pack(sides, out);
}

static int key_form(const struct finding_row *f, uint32_t *port, struct buf *scratch)
{
	*port = 0;
	if (!f->has_ip || !str_starts(f->key, STR("ip ")))
		return KEY_WORDS;
	key_words(&f->ip, false, 0, scratch);
	if (!str_starts(f->key, buf_str(scratch)))
		return KEY_WORDS;
	str left = str_from(f->key, scratch->n);
	if (!left.n)
		return KEY_IP;
	if (!str_starts(left, STR(" port ")) || !str_to_u32(str_from(left, 6), port))
		return KEY_WORDS;
	key_words(&f->ip, true, *port, scratch);
	return str_eq(buf_str(scratch), f->key) ? KEY_IP_PORT : KEY_WORDS;
}

static int sides_form(const struct finding_row *f, str *name, struct buf *scratch)
{
	struct side sides[SIDES];
	*name = f->sides;
	if (!sides_unpack(f->sides, sides))
		return SIDES_BYTES;
	source_only(f, sides[0].fqdn, scratch);
	if (scratch->over || !str_eq(buf_str(scratch), f->sides))
		return SIDES_BYTES;
	*name = sides[0].fqdn.p ? sides[0].fqdn : STR("");
	return SIDES_NAME;
}

/* --- writing --- */

struct block_writer {
	struct arena *a;
	uint32_t n;
	struct finding_row row[BLOCK_ROWS];
	struct column_scratch scratch;
	struct value value[BLOCK_ROWS];
	uint16_t at[BLOCK_ROWS];
	int64_t flags[BLOCK_ROWS];
	uint32_t port[BLOCK_ROWS];
	str name[BLOCK_ROWS];
	uint8_t id_form[BLOCK_ROWS];
	struct key key;
	int form, misses; /* the last that fitted, and how often none did */
	struct buf part, body, text, bytes;
	ZSTD_CCtx *pack;
};

struct block_writer *block_writer_new(const struct key *key)
{
	struct block_writer *w = x_alloc(sizeof(*w));
	w->key = *key;
	w->form = ID_TCP;
	w->bytes = w->text = (struct buf)BUF_INIT(WORDS_MOST);
	w->a = arena_new(KIB(128));
	w->scratch.seed = random_u64();
	w->part = w->body = (struct buf)BUF_INIT(PART_MOST);
	w->pack = ZSTD_createCCtx();
	return w;
}

void block_writer_free(struct block_writer *w)
{
	if (!w)
		return;
	arena_free(w->a);
	buf_free(&w->part);
	buf_free(&w->body);
	buf_free(&w->text);
	buf_free(&w->bytes);
	explicit_bzero(&w->key, sizeof(w->key));
	ZSTD_freeCCtx(w->pack);
	free(w);
}

uint32_t block_count(const struct block_writer *w)
{
	return w->n;
}

/* Neighbours share most words. */
static str kept(struct block_writer *w, str now, str last)
{
	return last.p && str_eq(now, last) ? last : arena_str(w->a, now);
}

static int id_form(struct block_writer *w, const struct finding_row *f, int key, uint32_t port)
{
	enum { MISSES = 16 }; /* in one block: then it is of another kind */
	if (f->id_form)
		return f->id_form;
	if (key == KEY_WORDS || f->shared_address || w->misses >= MISSES)
		return ID_BYTES;
	for (int i = 0; i < ID_FORMS - 1; i++) {
		struct hash128 id;
		int form = (w->form - 1 + i) % (ID_FORMS - 1) + 1;
		if (!derive_id(&w->key, f, key == KEY_IP_PORT, port, form, &w->bytes, &w->text, &id) ||
		    id_cmp(id, f->id) != 0 || !str_eq(buf_str(&w->text), f->key))
			continue;
		w->form = form;
		return form;
	}
	w->misses++;
	return ID_BYTES;
}

bool block_add(struct block_writer *w, const struct finding_row *f)
{
	static const struct finding_row none;
	if (w->n == BLOCK_ROWS || arena_bytes(w->a) > TEXT_MOST)
		return false;
	const struct finding_row *last = w->n ? &w->row[w->n - 1] : &none;
	struct finding_row *to = &w->row[w->n];
	*to = *f;
	to->cc = kept(w, f->cc, last->cc);
	to->type = kept(w, f->type, last->type);
	to->identifier = kept(w, f->identifier, last->identifier);
	to->severity = kept(w, f->severity, last->severity);
	to->concerns = kept(w, f->concerns, last->concerns);
	int key = key_form(f, &w->port[w->n], &w->text);
	to->key = key == KEY_WORDS ? arena_str(w->a, f->key) : STR("");
	int id = id_form(w, f, key, w->port[w->n]);
	w->id_form[w->n] = (uint8_t)id;
	str name;
	int sides = sides_form(f, &name, &w->text);
	w->name[w->n] = arena_str(w->a, name);
	if (f->seen_count) {
		to->seen = ARENA_ARRAY(w->a, f->seen_count, struct sighting);
		memcpy(to->seen, f->seen, f->seen_count * sizeof(*f->seen));
	}
	w->flags[w->n++] = (int64_t)f->state | (int64_t)f->tlp << FLAG_TLP |
			   (int64_t)f->exercise << FLAG_EXERCISE |
			   (int64_t)f->shared_address << FLAG_SHARED | (int64_t)key << FLAG_KEY |
			   (int64_t)sides << FLAG_SIDES | (int64_t)id << FLAG_ID |
			   (int64_t)f->confidence << FLAG_CONFIDENCE;
	return true;
}

static void put_column(struct block_writer *w, enum cell_kind kind, uint32_t n)
{
	struct column_in in = { .kind = kind, .all = w->n, .n = n, .row = w->at, .value = w->value };
	column_write(&w->scratch, &in, &w->part);
}

#define PUT_NUMBERS(w, expression)                                          \
	do {                                                                \
		for (uint32_t i = 0; i < (w)->n; i++) {                     \
			const struct finding_row *f = &(w)->row[i];         \
			(void)f;                                            \
			(w)->value[i].i = (int64_t)(expression);            \
		}                                                           \
		put_column((w), CELL_INT, (w)->n);                          \
	} while (0)
#define PUT_TEXTS(w, expression)                                            \
	do {                                                                \
		for (uint32_t i = 0; i < (w)->n; i++) {                     \
			const struct finding_row *f = &(w)->row[i];         \
			(void)f;                                            \
			(w)->value[i].s = (expression);                     \
		}                                                           \
		put_column((w), CELL_TEXT, (w)->n);                         \
	} while (0)
/* Only of the rows where `condition` holds. */
#define PUT_SOME(w, kind, condition, member, expression)                    \
	do {                                                                \
		uint32_t some = 0;                                          \
		for (uint32_t i = 0; i < (w)->n; i++) {                     \
			const struct finding_row *f = &(w)->row[i];         \
			if (!(condition))                                   \
				continue;                                   \
			(w)->at[some] = (uint16_t)i;                        \
			(w)->value[some++].member = (expression);           \
		}                                                           \
		put_column((w), (kind), some);                              \
		for (uint32_t i = 0; i < some; i++)                         \
			(w)->at[i] = (uint16_t)i;                           \
	} while (0)

static uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static str seen_bytes(struct block_writer *w, const struct finding_row *f)
{
	struct buf b = BUF_INIT(MIB(1));
	buf_varint(&b, f->seen_count);
	for (uint32_t i = 0; i < f->seen_count; i++) {
		buf_varint(&b, zigzag(f->seen[i].feed));
		buf_varint(&b, zigzag(f->seen[i].first_us));
		buf_varint(&b, zigzag(f->seen[i].last_us));
		buf_varint(&b, zigzag(f->seen[i].run));
	}
	str out = arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return out;
}

/* A part: bytes stored, bytes unpacked; as they are when packing does not help. */
static void put_part(struct block_writer *w, struct buf *head)
{
	size_t most = ZSTD_compressBound(w->part.n);
	char *to = buf_room(&w->body, most);
	size_t n = to ? ZSTD_compressCCtx(w->pack, to, most, w->part.p, w->part.n, 1) : SIZE_MAX;
	bool packed = to && !ZSTD_isError(n) && n < w->part.n;
	if (packed)
		w->body.n += n;
	else
		buf_add(&w->body, buf_str(&w->part));
	buf_varint(head, packed ? n : w->part.n);
	buf_varint(head, w->part.n);
	buf_reset(&w->part);
}

static void put_ids(struct block_writer *w)
{
	uint32_t stored = 0;
	PUT_NUMBERS(w, f->id.hi);
	for (uint32_t i = 0; i < w->n; i++)
		stored += w->id_form[i] == ID_BYTES;
	buf_char(&w->part, stored == w->n ? LO_ALL : stored ? LO_SOME : LO_NONE);
	for (uint32_t i = 0; stored && stored < w->n && i < w->n; i += 8) {
		unsigned bits = 0;
		for (uint32_t k = 0; k < 8 && i + k < w->n; k++)
			bits |= (unsigned)(w->id_form[i + k] == ID_BYTES) << k;
		buf_char(&w->part, (char)bits);
	}
	for (uint32_t i = 0; i < w->n; i++)
		if (w->id_form[i] == ID_BYTES)
			buf_le64(&w->part, w->row[i].id.lo);
}

static void put_list(struct block_writer *w)
{
	PUT_NUMBERS(w, w->flags[i]);
	PUT_NUMBERS(w, f->last_us);
	PUT_TEXTS(w, f->type);
	PUT_TEXTS(w, f->severity);
	PUT_TEXTS(w, f->concerns);
	PUT_SOME(w, CELL_IP, f->has_ip, s, str_mem(f->ip.b, 16));
}

static void put_rest(struct block_writer *w)
{
	PUT_NUMBERS(w, (uint64_t)f->last_us - (uint64_t)f->first_us);
	PUT_NUMBERS(w, f->feed);
	PUT_NUMBERS(w, f->run);
	PUT_NUMBERS(w, f->events);
	PUT_NUMBERS(w, f->returns);
	PUT_NUMBERS(w, f->asn);
	PUT_TEXTS(w, f->cc);
	PUT_TEXTS(w, f->identifier);
	PUT_NUMBERS(w, w->port[i]);
	PUT_TEXTS(w, f->key);
	PUT_TEXTS(w, w->name[i]);
	PUT_NUMBERS(w, f->feeds);
	PUT_SOME(w, CELL_TEXT, f->seen_count > 0, s, seen_bytes(w, f));
}

/* --- zones --- */

void zone_tag_add(uint64_t tags[2], enum zone_tag kind, str text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) + kind;
	for (size_t i = 0; i < text.n; i++)
		h = (h ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	tags[0] |= UINT64_C(1) << (h & 63);
	tags[1] |= UINT64_C(1) << (h >> 6 & 63);
}

static void tag_orgs(uint64_t tags[2], str concerns)
{
	while (concerns.n) {
		str one = str_cut(&concerns, '|');
		zone_tag_add(tags, ZONE_ORG, str_cut(&one, ' '));
	}
}

static void zone_of(const struct block_writer *w, struct zone *z)
{
	str type = STR_NONE, severity = STR_NONE, concerns = STR_NONE;
	*z = (struct zone){ .first = w->row[0].id, .last = w->row[w->n - 1].id, .rows = w->n,
			    .oldest_us = INT64_MAX, .newest_us = INT64_MIN };
	for (uint32_t i = 0; i < w->n; i++) {
		const struct finding_row *f = &w->row[i];
		z->oldest_us = f->last_us < z->oldest_us ? f->last_us : z->oldest_us;
		z->newest_us = f->last_us > z->newest_us ? f->last_us : z->newest_us;
		z->states |= (uint8_t)(1u << f->state);
		z->tlps |= (uint8_t)(1u << f->tlp);
		z->exercises |= (uint8_t)(1u << f->exercise);
		/* neighbours with the same words share their bytes: see kept() */
		if (f->type.p != type.p)
			zone_tag_add(z->tags, ZONE_TYPE, type = f->type);
		if (f->severity.p != severity.p)
			zone_tag_add(z->tags, ZONE_SEVERITY, severity = f->severity);
		if (f->concerns.p != concerns.p)
			tag_orgs(z->tags, concerns = f->concerns);
	}
}

void block_finish(struct block_writer *w, struct buf *out, struct zone *z)
{
	struct buf ids = BUF_INIT(MIB(1));
	zone_of(w, z);
	for (uint32_t i = 0; i < w->n; i++)
		w->at[i] = (uint16_t)i;
	put_ids(w);
	buf_add(&ids, buf_str(&w->part));
	buf_reset(&w->part);
	buf_add(out, STR("FB"));
	buf_char(out, VERSION);
	buf_varint(out, w->n);
	buf_varint(out, ids.n);
	buf_reset(&w->body);
	put_list(w);
	put_part(w, out);
	put_rest(w);
	put_part(w, out);
	buf_add(out, buf_str(&ids));
	buf_add(out, buf_str(&w->body));
	out->over |= w->body.over || w->part.over;
	buf_free(&ids);
	arena_reset(w->a);
	w->n = 0;
	w->misses = 0;
}

/* --- reading --- */

/* The lower halves that are stored, and whose they are. */
static bool take_lo(struct block *b, struct wire *w)
{
	uint8_t how = wire_u8(w);
	uint32_t stored = how == LO_ALL ? b->rows : 0;
	if (how == LO_SOME) {
		str bits = wire_bytes(w, (b->rows + 7) / 8);
		uint16_t *at = ARENA_ARRAY(b->a, b->rows, uint16_t);
		for (uint32_t i = 0; !w->bad && i < b->rows; i++)
			at[i] = (unsigned char)bits.p[i / 8] >> i % 8 & 1 ? (uint16_t)stored++ : UINT16_MAX;
		b->lo_at = at;
	}
	b->lo_count = stored;
	b->lo = wire_bytes(w, 8 * (size_t)stored).p;
	return how <= LO_SOME && !w->bad && wire_left(w) == 0;
}

bool block_open(struct block *b, str payload, const struct key *key, struct arena *a)
{
	uint64_t cells = CELLS_MOST;
	str bytes = arena_str(a, payload);
	struct wire w = wire_of(bytes);
	*b = (struct block){ .a = a, .secret = key };
	if (!str_eq(wire_bytes(&w, 2), STR("FB")) || wire_u8(&w) != VERSION)
		return false;
	uint64_t rows = wire_varint(&w), ids = wire_varint(&w);
	uint64_t list = wire_varint(&w), list_raw = wire_varint(&w);
	uint64_t rest = wire_varint(&w), rest_raw = wire_varint(&w);
	if (w.bad || rows == 0 || rows > BLOCK_ROWS || list_raw > PART_MOST || rest_raw > PART_MOST)
		return false;
	struct wire part = wire_of(wire_bytes(&w, ids < wire_left(&w) ? (size_t)ids : wire_left(&w)));
	b->rows = (uint32_t)rows;
	if (!column_read(&part, CELL_INT, b->rows, &cells, a, &b->hi) || b->hi.n != b->rows)
		return false;
	if (!take_lo(b, &part))
		return false;
	b->list = wire_bytes(&w, list < wire_left(&w) ? (size_t)list : wire_left(&w));
	b->rest = wire_bytes(&w, rest < wire_left(&w) ? (size_t)rest : wire_left(&w));
	b->list_bytes = list_raw;
	b->rest_bytes = rest_raw;
	return !w.bad && wire_left(&w) == 0 && b->list.n == list &&
	       b->rest.n == rest;
}

static bool unpack_part(struct block *b, str stored, uint64_t bytes, ZSTD_DCtx *unpack, str *out)
{
	if (stored.n == bytes) {
		*out = stored;
		return true;
	}
	if (ZSTD_getFrameContentSize(stored.p, stored.n) != bytes)
		return false;
	char *to = arena_alloc(b->a, (size_t)bytes + 1);
	size_t n = ZSTD_decompressDCtx(unpack, to, (size_t)bytes, stored.p, stored.n);
	*out = str_mem(to, (size_t)bytes);
	return !ZSTD_isError(n) && n == bytes;
}

static bool take(struct block *b, struct wire *w, enum cell_kind kind, bool all, struct column *out)
{
	uint64_t cells = CELLS_MOST;
	return column_read(w, kind, b->rows, &cells, b->a, out) && (!all || out->n == b->rows);
}

bool block_need_list(struct block *b, ZSTD_DCtx *unpack)
{
	str bytes;
	if (b->has_list)
		return true;
	if (!unpack_part(b, b->list, b->list_bytes, unpack, &bytes))
		return false;
	struct wire w = wire_of(bytes);
	b->has_list = take(b, &w, CELL_INT, true, &b->flags) && take(b, &w, CELL_INT, true, &b->last) &&
		      take(b, &w, CELL_TEXT, true, &b->type) &&
		      take(b, &w, CELL_TEXT, true, &b->severity) &&
		      take(b, &w, CELL_TEXT, true, &b->concerns) && !w.bad;
	b->ip_bytes = w;
	return b->has_list;
}

bool block_need_ip(struct block *b)
{
	if (!b->has_ip)
		b->has_ip = take(b, &b->ip_bytes, CELL_IP, false, &b->ip) && !b->ip_bytes.bad &&
			    wire_left(&b->ip_bytes) == 0;
	return b->has_ip;
}

bool block_need_rest(struct block *b, ZSTD_DCtx *unpack)
{
	str bytes;
	if (b->has_rest)
		return true;
	if (!block_need_list(b, unpack) || !block_need_ip(b) || !unpack_part(b, b->rest, b->rest_bytes, unpack, &bytes))
		return false;
	struct wire w = wire_of(bytes);
	struct column *const numbers[] = { &b->age, &b->feed, &b->run, &b->events, &b->returns, &b->asn };
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (!take(b, &w, CELL_INT, true, numbers[i]))
			return false;
	b->has_rest = take(b, &w, CELL_TEXT, true, &b->cc) &&
		      take(b, &w, CELL_TEXT, true, &b->identifier) &&
		      take(b, &w, CELL_INT, true, &b->port) && take(b, &w, CELL_TEXT, true, &b->key) &&
		      take(b, &w, CELL_TEXT, true, &b->sides) && take(b, &w, CELL_INT, true, &b->feeds) &&
		      take(b, &w, CELL_TEXT, false, &b->seen) && !w.bad && wire_left(&w) == 0;
	return b->has_rest;
}

static int64_t number(const struct column *c, uint32_t i)
{
	return c->number[column_value(c, i)];
}

uint64_t block_hi(const struct block *b, uint32_t i)
{
	return (uint64_t)number(&b->hi, i);
}

uint32_t block_seek(const struct block *b, uint64_t hi)
{
	uint32_t from = 0, upto = b->rows;
	while (from < upto) {
		uint32_t mid = (from + upto) / 2;
		if (block_hi(b, mid) < hi)
			from = mid + 1;
		else
			upto = mid;
	}
	return from;
}

str block_text(const struct column *c, uint32_t i)
{
	return column_bytes(c, column_value(c, i));
}

/* Where row i stands in a column that not all rows have. */
static bool place_of(const struct column *c, uint32_t i, uint32_t *out)
{
	uint32_t from = 0, upto = c->n;
	if (!c->row) {
		*out = i;
		return i < c->n;
	}
	while (from < upto) {
		uint32_t mid = (from + upto) / 2;
		if (c->row[mid] < i)
			from = mid + 1;
		else
			upto = mid;
	}
	*out = from;
	return from < c->n && c->row[from] == i;
}

bool block_ip(const struct block *b, uint32_t i, struct ip *out)
{
	uint32_t at;
	if (!place_of(&b->ip, i, &at))
		return false;
	memcpy(out->b, block_text(&b->ip, at).p, 16);
	return true;
}

struct block_facts block_facts(const struct block *b, uint32_t i)
{
	int64_t flags = number(&b->flags, i);
	unsigned tlp = flags >> FLAG_TLP & 7;
	return (struct block_facts){ .state = (enum finding_state)(flags & 3),
				     .tlp = tlp < TLP_COUNT ? (enum tlp)tlp : TLP_RED,
				     .exercise = flags >> FLAG_EXERCISE & 1,
				     .last_us = number(&b->last, i) };
}

static int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static bool take_seen(const struct block *b, uint32_t i, struct arena *a, struct finding_row *f)
{
	uint32_t at;
	if (!place_of(&b->seen, i, &at))
		return true;
	struct wire w = wire_of(block_text(&b->seen, at));
	uint64_t n = wire_varint(&w);
	if (w.bad || n > SEEN_MOST || n > wire_left(&w))
		return false;
	f->seen = ARENA_ARRAY(a, (size_t)n + 1, struct sighting);
	f->seen_count = (uint32_t)n;
	for (uint64_t k = 0; k < n; k++) {
		struct sighting *s = &f->seen[k];
		s->feed = unzigzag(wire_varint(&w));
		s->first_us = unzigzag(wire_varint(&w));
		s->last_us = unzigzag(wire_varint(&w));
		s->run = unzigzag(wire_varint(&w));
	}
	return !w.bad && wire_left(&w) == 0;
}

/* The stored half; false: this row has none. */
static bool stored_lo(const struct block *b, uint32_t i, uint64_t *out)
{
	uint32_t at = b->lo_at ? b->lo_at[i] : i;
	if (at >= b->lo_count)
		return false;
	struct wire w = wire_of(str_mem(b->lo + 8 * (size_t)at, 8));
	*out = wire_le64(&w);
	return true;
}

/* What follows from the other columns: words of the key, lower half of the id. */
static bool fill_in(const struct block *b, int64_t flags, uint32_t port, struct arena *a,
		    struct finding_row *f)
{
	char text_room[WORDS_MOST + 1], bytes_room[WORDS_MOST + 1];
	struct buf text = { .p = text_room, .size = sizeof(text_room), .cap = WORDS_MOST };
	struct buf bytes = { .p = bytes_room, .size = sizeof(bytes_room), .cap = WORDS_MOST };
	int key = flags >> FLAG_KEY & 3, id = flags >> FLAG_ID & 3;
	struct hash128 hash = { 0, 0 };
	bool sound = true;
	if (id != ID_BYTES)
		sound = derive_id(b->secret, f, key == KEY_IP_PORT, port, id, &bytes, &text, &hash) &&
			hash.hi == f->id.hi;
	else if (key != KEY_WORDS)
		key_words(&f->ip, key == KEY_IP_PORT, port, &text);
	if (key != KEY_WORDS)
		f->key = arena_str(a, buf_str(&text));
	if (id != ID_BYTES)
		f->id.lo = hash.lo;
	f->id_form = (uint8_t)id;
	if (flags >> FLAG_SIDES & 1) {
		source_only(f, f->sides, &text);
		f->sides = arena_str(a, buf_str(&text));
	}
	return sound && !text.over;
}

bool block_row(const struct block *b, uint32_t i, struct arena *a, struct finding_row *f)
{
	struct block_facts facts = block_facts(b, i);
	int64_t flags = number(&b->flags, i);
	unsigned confidence = flags >> FLAG_CONFIDENCE & 127;
	*f = (struct finding_row){
		.id = { .hi = block_hi(b, i) }, .state = facts.state, .last_us = facts.last_us,
		.first_us = (int64_t)((uint64_t)facts.last_us - (uint64_t)number(&b->age, i)),
		.feed = number(&b->feed, i), .run = number(&b->run, i),
		.events = (uint64_t)number(&b->events, i), .returns = (uint64_t)number(&b->returns, i),
		.tlp = facts.tlp, .exercise = facts.exercise, .shared_address = flags >> FLAG_SHARED & 1,
		.asn = (uint32_t)number(&b->asn, i), .feeds = (uint32_t)number(&b->feeds, i),
		.cc = block_text(&b->cc, i), .type = block_text(&b->type, i),
		.identifier = block_text(&b->identifier, i), .severity = block_text(&b->severity, i),
		.key = block_text(&b->key, i), .concerns = block_text(&b->concerns, i),
		.sides = block_text(&b->sides, i),
		.confidence = confidence <= CONFIDENCE_MOST + 1 ? (uint8_t)confidence : 0,
	};
	f->has_ip = block_ip(b, i, &f->ip);
	bool has_lo = stored_lo(b, i, &f->id.lo);
	return has_lo == ((flags >> FLAG_ID & 3) == ID_BYTES) &&
	       fill_in(b, flags, (uint32_t)number(&b->port, i), a, f) && take_seen(b, i, a, f);
}
