/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of one source become an image: sorted, each contact and text once.
 *
 * There may be millions, so nothing is looked up in memory: what belongs together is brought together
 * by sorting (base/spill.h). Texts and contacts have the order in which they came first. */
#include <endian.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/spill.h"
#include "route/fallback_private.h"

enum { TEXT_DOMAIN, TEXT_EMAIL, TEXT_NAME, TEXTS_OF_ONE = 4, CONTACT_BYTES = sizeof(struct fallback_contact),
       PIECE_BYTES = 64 << 10 };

/* An entry between the two walks; the domain's text stands behind it. */
struct entry_row {
	uint8_t kind, trust;
	char country[2];
	int32_t seen_day;
	struct ip first, last;    /* AS numbers and IPv4: in the last four bytes */
};
struct fallback_builder {
	char *dir;
	size_t memory, count;
	struct spill *entries;    /* place: struct entry_row */
	struct spill *texts;      /* text, number: where each text stands (place * TEXTS_OF_ONE + which) */
};

/* Big-endian: in the order of numbers. */
static void put_be(char *to, uint64_t n, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (char)(uint8_t)(n >> 8 * (bytes - 1 - i));
}

static uint64_t be_at(const char *p, size_t bytes)
{
	uint64_t n = 0;
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | (uint8_t)p[i];
	return n;
}

static uint32_t u32_at(const char *p)
{
	uint32_t n;
	memcpy(&n, p, sizeof(n));
	return n;
}

struct fallback_builder *fallback_builder_new(const char *dir, size_t memory)
{
	struct fallback_builder *b = x_alloc(sizeof(*b));
	b->dir = dir ? x_strdup(dir) : NULL;
	b->memory = memory ? memory : SPILL_MEMORY;
	b->entries = spill_new(dir, b->memory);
	b->texts = spill_new(dir, b->memory);
	return b;
}

void fallback_builder_free(struct fallback_builder *b)
{
	if (!b)
		return;
	spill_free(b->entries);
	spill_free(b->texts);
	free(b->dir);
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

static void text_put(struct fallback_builder *b, unsigned which, str s)
{
	char key[1 + FALLBACK_TEXT_MAX + 8];
	s = cut_text(s);
	if (s.n == 0)
		return;
	key[0] = (char)(uint8_t)s.n;
	memcpy(key + 1, s.p, s.n);
	put_be(key + 1 + s.n, (uint64_t)b->count * TEXTS_OF_ONE + which, 8);
	spill_add(b->texts, str_mem(key, 1 + s.n + 8), STR(""));
}

static void entry_put(struct fallback_builder *b, const struct fallback_entry *e, const struct ip *first,
		      const struct ip *last, str domain)
{
	struct entry_row row = { .kind = (uint8_t)e->kind, .trust = e->trust, .seen_day = e->seen_day,
				 .country = { e->country[0], e->country[0] ? e->country[1] : '\0' },
				 .first = *first, .last = *last };
	char key[4], value[sizeof(row) + FALLBACK_TEXT_MAX];
	put_be(key, b->count, sizeof(key));
	memcpy(value, &row, sizeof(row));
	memcpy(value + sizeof(row), domain.p, domain.n);
	spill_add(b->entries, str_mem(key, sizeof(key)), str_mem(value, sizeof(row) + domain.n));
	text_put(b, TEXT_DOMAIN, domain);
	text_put(b, TEXT_EMAIL, e->email);
	text_put(b, TEXT_NAME, e->name);
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
	switch (e->kind) {
	case FALLBACK_NET:
		if (ip_cmp(&e->first, &e->last) > 0 || ip_is4(&e->first) != ip_is4(&e->last))
			return fail(err, RC_INPUT, "is no range of addresses");
		entry_put(b, e, &e->first, &e->last, STR(""));
		break;
	case FALLBACK_ASN: {
		struct ip first = ip_of_number(e->asn_first), last = ip_of_number(e->asn_last);
		if (e->asn_first == 0 || e->asn_first > e->asn_last)
			return fail(err, RC_INPUT, "is no range of AS numbers");
		entry_put(b, e, &first, &last, STR(""));
		break;
	}
	case FALLBACK_DOMAIN:
		if (!name_fits(e->domain))
			return fail(err, RC_INPUT, "'" STR_FMT "' is no name of a domain", STR_ARG(str_head(e->domain, 80)));
		entry_put(b, e, &(struct ip){ { 0 } }, &(struct ip){ { 0 } }, e->domain);
		break;
	}
	b->count++;
	return RC_OK;
}

/* --- each text and contact once --- */

struct building {
	struct fallback_builder *b;
	struct spool *text, *contact, *out;
	uint32_t contact_count;
	struct fallback_counts *counts;
};

static struct spill *fresh(const struct building *w)
{
	return spill_new(w->b->dir, w->b->memory);
}

/* Rows are `what` and who has it, in order: *out tells each who had it first. `carry`: the value goes
 * along, before `what` of the first. */
static enum rc group(const struct building *w, struct spill *in, size_t who_bytes, struct spill **out,
		     struct err *err)
{
	char last[1 + FALLBACK_TEXT_MAX], first[8], key[16], value[512];
	size_t last_n = SIZE_MAX;
	str k, v;
	enum rc rc = spill_sort(in, err);
	*out = fresh(w);
	while (rc == RC_OK && spill_next(in, &k, &v)) {
		size_t n = k.n - who_bytes;
		bool new = n != last_n || memcmp(last, k.p, n) != 0;
		if (new) {
			memcpy(last, k.p, n);
			last_n = n;
			memcpy(first, k.p + n, who_bytes);
		}
		memcpy(key, first, who_bytes);
		memcpy(key + who_bytes, k.p + n, who_bytes);
		memcpy(value, v.p, v.n);
		if (new)
			memcpy(value + v.n, k.p, n);
		spill_add(*out, str_mem(key, 2 * who_bytes), str_mem(value, v.n + (new ? n : 0)));
	}
	return rc == RC_OK ? spill_ok(in, err) : rc;
}

/* Where each text stands: *out by the number of who has it. */
static enum rc place_texts(struct building *w, struct spill **out, struct err *err)
{
	struct spill *firsts = NULL;
	uint32_t at = 0;
	str k, v;
	enum rc rc = group(w, w->b->texts, 8, &firsts, err);
	spill_free(w->b->texts);
	w->b->texts = NULL;
	spool_add(w->text, str_mem("", 1)); /* offset 0 is "" */
	*out = fresh(w);
	if (rc == RC_OK)
		rc = spill_sort(firsts, err);
	while (rc == RC_OK && spill_next(firsts, &k, &v)) {
		if (v.n) {
			at = (uint32_t)spool_bytes(w->text);
			spool_add(w->text, v);
		}
		if (spool_bytes(w->text) > FALLBACK_IMAGE_MAX / 2)
			rc = fail(err, RC_LIMIT, "the texts are over %zu MiB", FALLBACK_IMAGE_MAX / 2 >> 20);
		spill_add(*out, str_from(k, 8), str_mem(&at, sizeof(at)));
	}
	if (rc == RC_OK)
		rc = spill_ok(firsts, err);
	spill_free(firsts);
	while (spool_bytes(w->text) % 4)
		spool_add(w->text, str_mem("", 1));
	return rc == RC_OK ? spill_sort(*out, err) : rc;
}

/* The contact of each entry, before its place. */
static enum rc read_contacts(struct building *w, struct spill *texts, struct spill *out, struct err *err)
{
	str k, v, tk, tv;
	bool there = spill_next(texts, &tk, &tv);
	enum rc rc = spill_sort(w->b->entries, err);
	while (rc == RC_OK && spill_next(w->b->entries, &k, &v)) {
		uint64_t place = be_at(k.p, 4);
		uint32_t at[TEXTS_OF_ONE] = { 0 };
		struct entry_row row;
		char key[CONTACT_BYTES + 4];
		memcpy(&row, v.p, sizeof(row));
		while (there && be_at(tk.p, 8) / TEXTS_OF_ONE == place) {
			at[be_at(tk.p, 8) % TEXTS_OF_ONE] = u32_at(tv.p);
			there = spill_next(texts, &tk, &tv);
		}
		struct fallback_contact c = { .email = htole32(at[TEXT_EMAIL]), .name = htole32(at[TEXT_NAME]),
					      .seen_day = (int32_t)htole32((uint32_t)row.seen_day),
					      .country = { row.country[0], row.country[1] }, .trust = row.trust };
		memcpy(key, &c, sizeof(c));
		memcpy(key + sizeof(c), k.p, 4);
		spill_add(out, str_mem(key, sizeof(key)), str_mem(&at[TEXT_DOMAIN], 4));
	}
	if (rc == RC_OK)
		rc = spill_ok(texts, err);
	return rc == RC_OK ? spill_ok(w->b->entries, err) : rc;
}

/* *out: by place, the number of its contact and the text of its domain. */
static enum rc place_contacts(struct building *w, struct spill **out, struct err *err)
{
	struct spill *texts = NULL, *contacts = fresh(w), *firsts = NULL;
	str k, v;
	*out = fresh(w);
	enum rc rc = place_texts(w, &texts, err);
	if (rc == RC_OK)
		rc = read_contacts(w, texts, contacts, err);
	spill_free(texts);
	if (rc == RC_OK)
		rc = group(w, contacts, 4, &firsts, err);
	spill_free(contacts);
	if (rc == RC_OK)
		rc = spill_sort(firsts, err);
	while (rc == RC_OK && spill_next(firsts, &k, &v)) {
		if (v.n > 4) {
			spool_add(w->contact, str_from(v, 4));
			w->contact_count++;
		}
		uint32_t told[2] = { w->contact_count - 1, u32_at(v.p) };
		spill_add(*out, str_from(k, 4), str_mem(told, sizeof(told)));
	}
	if (rc == RC_OK)
		rc = spill_ok(firsts, err);
	spill_free(firsts);
	return rc == RC_OK ? spill_sort(*out, err) : rc;
}

/* --- sorted, and what of one place stays --- */

enum part { PART_V4, PART_V6, PART_ASN, PART_DOMAIN, PARTS };

/* The key is first, last from behind (the larger before the smaller), place; of names name, NUL, place. */
static enum rc part_rows(struct building *w, struct spill *parts[PARTS], struct err *err)
{
	struct spill *contacts = NULL;
	str k, v, ck, cv;
	enum rc rc = place_contacts(w, &contacts, err);
	if (rc == RC_OK)
		rc = spill_sort(w->b->entries, err);
	while (rc == RC_OK && spill_next(w->b->entries, &k, &v)) {
		struct entry_row row;
		char key[FALLBACK_TEXT_MAX + 1 + 4];
		size_t n = v.n - sizeof(row);
		if (!spill_next(contacts, &ck, &cv))
			break;
		memcpy(&row, v.p, sizeof(row));
		if (row.kind == FALLBACK_DOMAIN) {
			memcpy(key, v.p + sizeof(row), n);
			key[n++] = '\0';
		} else {
			n = sizeof(row.first.b) + sizeof(row.last.b);
			memcpy(key, row.first.b, sizeof(row.first.b));
			for (size_t i = 0; i < sizeof(row.last.b); i++)
				key[sizeof(row.first.b) + i] = (char)~row.last.b[i];
		}
		memcpy(key + n, k.p, 4);
		spill_add(parts[row.kind == FALLBACK_DOMAIN ? PART_DOMAIN :
				row.kind == FALLBACK_ASN    ? PART_ASN :
				ip_is4(&row.first)	    ? PART_V4 : PART_V6],
			  str_mem(key, n + 4), cv);
	}
	if (rc == RC_OK)
		rc = spill_ok(contacts, err);
	spill_free(contacts);
	return rc == RC_OK ? spill_ok(w->b->entries, err) : rc;
}

/* What stands around a range: those before it that had not ended. */
struct settling {
	struct { struct ip last; uint32_t place; } open[FALLBACK_DEPTH_MAX];
	size_t depth;
	uint32_t count;
};

static void settle(struct building *w, struct settling *s, enum part part, const char *key, str told)
{
	struct ip first, last;
	struct buf row = BUF_INIT(64);
	memcpy(first.b, key, sizeof(first.b));
	for (size_t i = 0; i < sizeof(last.b); i++)
		last.b[i] = (uint8_t)~key[sizeof(first.b) + i];
	while (s->depth && ip_cmp(&s->open[s->depth - 1].last, &first) < 0)
		s->depth--;
	if (s->depth == FALLBACK_DEPTH_MAX) {
		w->counts->too_deep++;
		return;
	}
	if (part == PART_V6) {
		buf_add_mem(&row, first.b, 16);
		buf_add_mem(&row, last.b, 16);
	} else {
		buf_le32(&row, (uint32_t)be_at((const char *)first.b + 12, 4));
		buf_le32(&row, (uint32_t)be_at((const char *)last.b + 12, 4));
	}
	buf_le32(&row, u32_at(told.p));
	buf_le32(&row, s->depth ? s->open[s->depth - 1].place + 1 : 0);
	spool_add(w->out, buf_str(&row));
	buf_free(&row);
	s->open[s->depth].last = last;
	s->open[s->depth++].place = s->count++;
}

static void settle_name(struct building *w, struct settling *s, str told)
{
	struct fallback_domain d = { htole32(u32_at(told.p + 4)), htole32(u32_at(told.p)) };
	spool_add(w->out, str_mem(&d, sizeof(d)));
	s->count++;
}

/* Of equal ranges or names the last one told. */
static enum rc write_part(struct building *w, struct spill *rows, enum part part, uint32_t *count_out,
			  struct err *err)
{
	struct settling *s = x_alloc(sizeof(*s));
	char key[FALLBACK_TEXT_MAX + 8], value[8];
	size_t n = 0;
	str k, v;
	bool more = true;
	enum rc rc = spill_sort(rows, err);
	while (rc == RC_OK && more) {
		more = spill_next(rows, &k, &v);
		bool same = more && n && k.n == n && memcmp(key, k.p, n - 4) == 0;
		w->counts->doubles += same;
		if (n && !same && part == PART_DOMAIN)
			settle_name(w, s, str_mem(value, sizeof(value)));
		else if (n && !same)
			settle(w, s, part, key, str_mem(value, sizeof(value)));
		if (!more)
			break;
		n = k.n;
		memcpy(key, k.p, n);
		memcpy(value, v.p, sizeof(value));
	}
	*count_out = s->count;
	free(s);
	return rc == RC_OK ? spill_ok(rows, err) : rc;
}

/* --- writing --- */

static enum rc sum_of(struct spool *image, uint64_t from, uint32_t *crc, struct err *err)
{
	char *piece = x_alloc(PIECE_BYTES);
	enum rc rc = RC_OK;
	*crc = crc32_of(STR(""));
	for (uint64_t at = from, all = spool_bytes(image); rc == RC_OK && at < all;) {
		size_t n = all - at < PIECE_BYTES ? (size_t)(all - at) : PIECE_BYTES;
		rc = spool_read(image, at, piece, n, err);
		*crc = crc32_more(*crc, str_mem(piece, n));
		at += n;
	}
	free(piece);
	return rc;
}

static enum rc write_image(struct building *w, struct fallback_head *head, struct spool *image,
			   struct err *err)
{
	struct spill *parts[PARTS];
	uint32_t counts[PARTS] = { 0 }, crc = 0;
	for (size_t i = 0; i < PARTS; i++)
		parts[i] = fresh(w);
	enum rc rc = part_rows(w, parts, err);
	for (size_t i = 0; i < PARTS; i++) {
		if (rc == RC_OK)
			rc = write_part(w, parts[i], (enum part)i, &counts[i], err);
		spill_free(parts[i]);
	}
	if (rc != RC_OK)
		return rc;
	w->counts->entries = (uint64_t)counts[PART_V4] + counts[PART_V6] + counts[PART_ASN] + counts[PART_DOMAIN];
	w->counts->contacts = w->contact_count;
	head->v4_count = htole32(counts[PART_V4]);
	head->v6_count = htole32(counts[PART_V6]);
	head->asn_count = htole32(counts[PART_ASN]);
	head->domain_count = htole32(counts[PART_DOMAIN]);
	head->contact_count = htole32(w->contact_count);
	head->text_bytes = htole32((uint32_t)spool_bytes(w->text));
	spool_append(w->out, w->contact);
	spool_append(w->out, w->text);
	rc = sum_of(w->out, 0, &crc, err);
	head->crc = htole32(crc);
	if (rc == RC_OK && sizeof(*head) + spool_bytes(w->out) > FALLBACK_IMAGE_MAX)
		rc = fail(err, RC_LIMIT, "the contacts of '%s' are over %zu MiB", head->source,
			  FALLBACK_IMAGE_MAX >> 20);
	spool_add(image, str_mem(head, sizeof(*head)));
	spool_append(image, w->out);
	return rc;
}

enum rc fallback_build_spool(struct fallback_builder *b, str source, struct spool **out,
			     struct fallback_counts *counts, struct err *err)
{
	struct fallback_head head = { .magic = htole32(FALLBACK_MAGIC), .version = htole32(FALLBACK_VERSION) };
	*counts = (struct fallback_counts){ 0 };
	*out = NULL;
	if (source.n == 0 || !str_is_plain(source) || !str_to_z(source, head.source, sizeof(head.source)))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no name for a source", STR_ARG(str_head(source, 80)));
	size_t held = b->memory < KIB(256) ? b->memory : KIB(256);
	struct building w = { .b = b, .text = spool_new(b->dir, held), .contact = spool_new(b->dir, held),
			      .out = spool_new(b->dir, held), .counts = counts };
	struct spool *image = spool_new(b->dir, held);
	enum rc rc = write_image(&w, &head, image, err);
	spool_free(w.text);
	spool_free(w.contact);
	spool_free(w.out);
	if (rc == RC_OK)
		*out = image;
	else
		spool_free(image);
	return rc;
}

enum rc fallback_build(struct fallback_builder *b, str source, struct buf *out,
		       struct fallback_counts *counts, struct err *err)
{
	struct spool *image = NULL;
	enum rc rc = fallback_build_spool(b, source, &image, counts, err);
	if (rc != RC_OK)
		return rc;
	size_t n = (size_t)spool_bytes(image);
	char *to = buf_room(out, n);
	rc = to ? spool_read(image, 0, to, n, err) : fail(err, RC_LIMIT, "the contacts are over %zu MiB", out->cap >> 20);
	if (rc == RC_OK)
		out->n += n;
	spool_free(image);
	return rc;
}
