/* SPDX-License-Identifier: Apache-2.0 */
#include "route/fallback.h"

#include <endian.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "route/fallback_private.h"

struct fallback {
	struct fallback_part parts[2 * FALLBACK_SOURCES_MAX];
	size_t count;
};

/* --- one image --- */

str fallback_text(const struct fallback_part *part, uint32_t at)
{
	if (at >= part->text_bytes)
		return STR("");
	size_t n = part->text[at];
	return n < part->text_bytes - at ? str_mem(part->text + at + 1, n) : STR("");
}

bool fallback_attach(struct fallback_part *part, const void *p, size_t n)
{
	const struct fallback_head *h = p;
	if (n < sizeof(*h) || le32toh(h->magic) != FALLBACK_MAGIC || le32toh(h->version) != FALLBACK_VERSION ||
	    h->source[FALLBACK_SOURCE_MAX] != '\0')
		return false;
	part->head = h;
	part->v4_count = le32toh(h->v4_count);
	part->v6_count = le32toh(h->v6_count);
	part->asn_count = le32toh(h->asn_count);
	part->domain_count = le32toh(h->domain_count);
	part->contact_count = le32toh(h->contact_count);
	part->text_bytes = le32toh(h->text_bytes);
	uint64_t v4 = sizeof(*h), v6 = v4 + (uint64_t)part->v4_count * sizeof(*part->v4);
	uint64_t asn = v6 + (uint64_t)part->v6_count * sizeof(*part->v6);
	uint64_t domain = asn + (uint64_t)part->asn_count * sizeof(*part->asn);
	uint64_t contact = domain + (uint64_t)part->domain_count * sizeof(*part->domain);
	uint64_t text = contact + (uint64_t)part->contact_count * sizeof(*part->contact);
	if (text + part->text_bytes != n ||
	    crc32_of(str_mem((const char *)p + sizeof(*h), n - sizeof(*h))) != le32toh(h->crc))
		return false;
	const uint8_t *bytes = p;
	part->v4 = (const struct fallback_range4 *)(bytes + v4);
	part->v6 = (const struct fallback_range6 *)(bytes + v6);
	part->asn = (const struct fallback_range4 *)(bytes + asn);
	part->domain = (const struct fallback_domain *)(bytes + domain);
	part->contact = (const struct fallback_contact *)(bytes + contact);
	part->text = bytes + text;
	return true;
}

/* Places of the ranges that hold the key, the smallest first. */
struct held {
	uint32_t contact;
	uint32_t place;
};
static size_t holders4(const struct fallback_range4 *list, uint32_t count, uint32_t key, struct held *out,
		       size_t most)
{
	uint32_t low = 0, high = count;
	size_t n = 0;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (le32toh(list[mid].first) <= key)
			low = mid + 1;
		else
			high = mid;
	}
	/* `around` always goes back: a damaged one ends the walk */
	for (uint32_t at = low, steps = 0; at && n < most && steps <= FALLBACK_DEPTH_MAX; steps++) {
		const struct fallback_range4 *r = &list[at - 1];
		if (le32toh(r->last) >= key)
			out[n++] = (struct held){ le32toh(r->contact), at - 1 };
		uint32_t around = le32toh(r->around);
		at = around < at ? around : 0;
	}
	return n;
}

static size_t holders6(const struct fallback_range6 *list, uint32_t count, const struct ip *key,
		       struct held *out, size_t most)
{
	uint32_t low = 0, high = count;
	size_t n = 0;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (memcmp(list[mid].first, key->b, 16) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (uint32_t at = low, steps = 0; at && n < most && steps <= FALLBACK_DEPTH_MAX; steps++) {
		const struct fallback_range6 *r = &list[at - 1];
		if (memcmp(r->last, key->b, 16) >= 0)
			out[n++] = (struct held){ le32toh(r->contact), at - 1 };
		uint32_t around = le32toh(r->around);
		at = around < at ? around : 0;
	}
	return n;
}

static bool domain_at(const struct fallback_part *p, str name, struct held *out)
{
	uint32_t low = 0, high = p->domain_count;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = str_cmp(fallback_text(p, le32toh(p->domain[mid].text)), name);
		if (c == 0) {
			*out = (struct held){ le32toh(p->domain[mid].contact), mid };
			return true;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* --- the table --- */

void fallback_free(struct fallback *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++) {
		if (f->parts[i].mapped)
			munmap(f->parts[i].mapped, f->parts[i].mapped_bytes);
		buf_free(&f->parts[i].own);
	}
	free(f);
}

uint64_t fallback_entries(const struct fallback *f)
{
	uint64_t n = 0;
	for (size_t i = 0; f && i < f->count; i++)
		n += (uint64_t)f->parts[i].v4_count + f->parts[i].v6_count + f->parts[i].asn_count +
		     f->parts[i].domain_count;
	return n;
}

struct asking {
	struct fallback_hit *out;
	size_t count;
};

/* In its place by trust; of one address the first one found, unless this is trusted more. */
static void take(struct asking *a, const struct fallback_part *p, uint32_t contact, const char *reason)
{
	if (contact >= p->contact_count)
		return;
	const struct fallback_contact *c = &p->contact[contact];
	struct fallback_hit hit = { .source = str_of(p->head->source), .email = fallback_text(p, le32toh(c->email)),
				    .name = fallback_text(p, le32toh(c->name)), .trust = c->trust,
				    .country = { c->country[0], c->country[1], '\0' },
				    .seen_day = (int32_t)le32toh((uint32_t)c->seen_day) };
	snprintf(hit.reason, sizeof(hit.reason), "%s", reason);
	if (hit.email.n == 0)
		return;
	size_t at = a->count;
	for (size_t i = 0; i < a->count; i++)
		if (str_eq_nocase(a->out[i].email, hit.email)) {
			if (a->out[i].trust >= hit.trust)
				return;
			memmove(&a->out[i], &a->out[i + 1], (a->count - i - 1) * sizeof(*a->out));
			a->count--;
			break;
		}
	at = a->count;
	while (at > 0 && a->out[at - 1].trust < hit.trust)
		at--;
	if (at == FALLBACK_HITS_MAX)
		return;
	if (a->count < FALLBACK_HITS_MAX)
		a->count++;
	memmove(&a->out[at + 1], &a->out[at], (a->count - at - 1) * sizeof(*a->out));
	a->out[at] = hit;
}

static void reason_net(const struct fallback_part *p, bool four, uint32_t place, char out[64])
{
	struct ip first, last;
	char from[48], to[48];
	if (four) {
		uint32_t n = htobe32(le32toh(p->v4[place].first)), m = htobe32(le32toh(p->v4[place].last));
		first = last = (struct ip){ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } };
		memcpy(first.b + 12, &n, 4);
		memcpy(last.b + 12, &m, 4);
	} else {
		memcpy(first.b, p->v6[place].first, 16);
		memcpy(last.b, p->v6[place].last, 16);
	}
	snprintf(out, 64, "range " STR_FMT "-" STR_FMT, STR_ARG(ip_str(from, &first)), STR_ARG(ip_str(to, &last)));
}

enum { HOLDERS = 4 }; /* of one source: the smallest range, and some around it */

static size_t holders_ip(const struct fallback_part *p, const struct ip *ip, struct held *out, size_t most)
{
	if (!ip_is4(ip))
		return holders6(p->v6, p->v6_count, ip, out, most);
	uint32_t key;
	memcpy(&key, ip->b + 12, 4);
	return holders4(p->v4, p->v4_count, be32toh(key), out, most);
}

static void ask_part(struct asking *a, const struct fallback_part *p, const struct fallback_ask *ask)
{
	struct held held[HOLDERS];
	char reason[64];
	size_t n;
	for (str name = ask->fqdn; name.n;) {
		if (domain_at(p, name, &held[0])) {
			snprintf(reason, sizeof(reason), "domain " STR_FMT, STR_ARG(str_head(name, 56)));
			take(a, p, held[0].contact, reason);
			break;
		}
		(void)str_cut(&name, '.');
	}
	n = ask->ip ? holders_ip(p, ask->ip, held, 1) : 0;
	for (size_t i = 0; i < n; i++) {
		reason_net(p, ip_is4(ask->ip), held[i].place, reason);
		take(a, p, held[i].contact, reason);
	}
	n = ask->asn ? holders4(p->asn, p->asn_count, ask->asn, held, 1) : 0;
	for (size_t i = 0; i < n; i++) {
		snprintf(reason, sizeof(reason), "AS%u", ask->asn);
		take(a, p, held[i].contact, reason);
	}
}

size_t fallback_find(const struct fallback *f, const struct fallback_ask *ask,
		     struct fallback_hit out[FALLBACK_HITS_MAX])
{
	struct asking a = { .out = out };
	for (size_t i = 0; f && i < f->count; i++)
		ask_part(&a, &f->parts[i], ask);
	return a.count;
}

size_t fallback_ask_part(const struct fallback_part *p, const struct fallback_ask *ask,
			 struct fallback_hit out[FALLBACK_HITS_MAX])
{
	struct asking a = { .out = out };
	ask_part(&a, p, ask);
	return a.count;
}

bool fallback_part_country(const struct fallback_part *p, const struct ip *ip, char cc[3])
{
	struct held held[HOLDERS];
	size_t n = holders_ip(p, ip, held, HOLDERS);
	for (size_t k = 0; k < n; k++) {
		const struct fallback_contact *c = &p->contact[held[k].contact];
		if (held[k].contact >= p->contact_count || !c->country[0])
			continue;
		memcpy(cc, c->country, 2);
		cc[2] = '\0';
		return true;
	}
	return false;
}

bool fallback_country(const struct fallback *f, const struct ip *ip, char cc[3])
{
	for (size_t i = 0; f && i < f->count; i++)
		if (fallback_part_country(&f->parts[i], ip, cc))
			return true;
	return false;
}

/* --- opening --- */

struct opening {
	struct conn *c;
	struct io_dir *dir;
	struct fallback *f;
	int64_t load;
	uint64_t bytes;
	struct digest digest;
};

static bool map_part(struct io_dir *dir, const char *name, uint64_t want, struct fallback_part *part)
{
	struct io_file *file = NULL;
	uint64_t bytes = 0;
	void *p = MAP_FAILED;
	if (!dir || io_open(dir, name, IO_READ, &file, NULL) != RC_OK)
		return false;
	if (io_size(file, &bytes, NULL) == RC_OK && bytes == want && bytes <= FALLBACK_IMAGE_MAX)
		p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, io_fd(file), 0);
	io_close(file);
	if (p == MAP_FAILED)
		return false;
	if (!fallback_attach(part, p, bytes)) {
		munmap(p, bytes);
		return false;
	}
	part->mapped = p;
	part->mapped_bytes = bytes;
	return true;
}

static enum rc read_pieces(struct opening *o, struct buf *out, struct err *err)
{
	struct sql *q = sql(o->c, "SELECT bytes FROM fallback_piece WHERE load = ? ORDER BY at");
	sql_int(q, 1, o->load);
	while (sql_row(q))
		buf_add(out, sql_col_blob(q, 0));
	enum rc rc = sql_end(q, err);
	struct digest d = sha256(buf_str(out));
	if (rc == RC_OK && (out->n != o->bytes || memcmp(d.b, o->digest.b, sizeof(d.b)) != 0))
		rc = fail(err, RC_INPUT, "contacts of last resort: table %lld is damaged", (long long)o->load);
	return rc;
}

/* The pieces one behind the other into a file that takes its name when all are there. RC_INPUT: they
 * are not what was put in. */
static enum rc write_pieces(struct opening *o, const char *name, struct err *err)
{
	struct io_file *file = NULL;
	char part[64];
	uint64_t at = 0;
	struct sha256 *h = sha256_new();
	snprintf(part, sizeof(part), "contacts-%016llx.part", (unsigned long long)random_u64());
	enum rc rc = io_open(o->dir, part, IO_WRITE | IO_CREATE | IO_FRESH, &file, err);
	struct sql *q = sql(o->c, "SELECT bytes FROM fallback_piece WHERE load = ? ORDER BY at");
	sql_int(q, 1, o->load);
	while (rc == RC_OK && sql_row(q)) {
		str piece = sql_col_blob(q, 0);
		sha256_add(h, piece);
		rc = io_write_at(file, at, piece, err);
		at += piece.n;
	}
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	struct digest d = sha256_end(h);
	if (rc == RC_OK)
		rc = end;
	if (rc == RC_OK && (at != o->bytes || memcmp(d.b, o->digest.b, sizeof(d.b)) != 0))
		rc = fail(err, RC_INPUT, "contacts of last resort: table %lld is damaged", (long long)o->load);
	if (rc == RC_OK)
		rc = io_sync(file, err);
	if (file)
		io_close(file);
	if (rc == RC_OK)
		rc = io_rename(o->dir, part, name, err);
	else if (file)
		(void)!io_unlink(o->dir, part, NULL);
	return rc == RC_OK ? io_dir_sync(o->dir, err) : rc;
}

static enum rc open_part(struct opening *o, struct err *err)
{
	struct fallback_part *part = &o->f->parts[o->f->count];
	struct buf name = BUF_INIT(64), bytes = BUF_INIT(FALLBACK_IMAGE_MAX);
	buf_add(&name, STR("contacts-"));
	hex_format(&name, o->digest.b, 12);
	buf_add(&name, STR(".cache"));
	bool mapped = map_part(o->dir, name.p, o->bytes, part);
	enum rc rc = RC_OK;
	if (!mapped && o->dir) {
		rc = write_pieces(o, name.p, err);
		mapped = rc == RC_OK && map_part(o->dir, name.p, o->bytes, part);
		rc = rc == RC_INPUT ? rc : RC_OK; /* a disk that takes nothing: memory */
	}
	if (!mapped && rc == RC_OK) {
		rc = read_pieces(o, &bytes, err);
		if (rc == RC_OK && fallback_attach(part, bytes.p, bytes.n)) {
			part->own = bytes;
			bytes = (struct buf)BUF_INIT(0);
		} else if (rc == RC_OK) {
			rc = fail(err, RC_INPUT, "contacts of last resort: table %lld is damaged", (long long)o->load);
		}
	}
	o->f->count += rc == RC_OK;
	buf_free(&bytes);
	buf_free(&name);
	return rc;
}

static enum rc open_live(void *ctx, struct buf *image, struct err *err)
{
	struct opening *o = ctx;
	struct fallback_part *part = &o->f->parts[o->f->count];
	if (o->f->count == COUNT_OF(o->f->parts))
		return RC_OK;
	if (!fallback_attach(part, image->p, image->n))
		return fail(err, RC_INPUT, "contacts of last resort: what was looked up is damaged");
	part->own = *image;
	*image = (struct buf)BUF_INIT(0);
	o->f->count++;
	return RC_OK;
}

/* Files of tables that are no longer: whoever still maps one keeps its pages. */
static bool prune_one(void *ctx, const char *name)
{
	struct opening *o = ctx;
	struct sql *q;
	uint8_t head[12];
	bool there = false;
	str s = str_of(name);
	if (str_starts(s, STR("contacts-")) && str_ends(s, STR(".part"))) /* cut while it was written */
		return io_unlink(o->dir, name, NULL) == RC_OK;
	if (!str_starts(s, STR("contacts-")) || !str_ends(s, STR(".cache")) || s.n != 9 + 24 + 6 ||
	    !hex_parse(str_head(str_from(s, 9), 24), head, sizeof(head)))
		return true;
	q = sql(o->c, "SELECT 1 FROM fallback_load WHERE state = 1 AND substr(digest, 1, 12) = ?");
	sql_blob(q, 1, str_mem(head, sizeof(head)));
	there = sql_row(q);
	if (sql_end(q, NULL) != RC_OK || there)
		return true;
	return io_unlink(o->dir, name, NULL) == RC_OK;
}

enum rc fallback_open(struct conn *c, const char *cache_dir, struct fallback **out, struct err *err)
{
	struct opening o = { .c = c, .f = x_alloc(sizeof(*o.f)) };
	struct { int64_t id; uint64_t bytes; struct digest d; } list[FALLBACK_SOURCES_MAX];
	size_t n = 0;
	if (cache_dir && io_dir_open(cache_dir, &o.dir, NULL) != RC_OK)
		o.dir = NULL;
	struct sql *q = sql(c, "SELECT id, bytes, digest FROM fallback_load WHERE state = 1 ORDER BY source");
	while (n < COUNT_OF(list) && sql_row(q)) {
		str d = sql_col_blob(q, 2);
		list[n].id = sql_col_int(q, 0);
		list[n].bytes = (uint64_t)sql_col_int(q, 1);
		list[n].d = (struct digest){ { 0 } };
		if (d.n == sizeof(list[n].d.b))
			memcpy(list[n].d.b, d.p, d.n);
		n++;
	}
	enum rc rc = sql_end(q, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		o.load = list[i].id;
		o.bytes = list[i].bytes;
		o.digest = list[i].d;
		rc = open_part(&o, err);
	}
	if (rc == RC_OK)
		rc = fallback_live(c, open_live, &o, err);
	if (rc == RC_OK && o.dir && io_dir_each(o.dir, prune_one, &o, NULL) != RC_OK)
		rc = RC_OK; /* one that stays only takes room */
	if (o.dir)
		io_dir_close(o.dir);
	if (rc != RC_OK) {
		fallback_free(o.f);
		return rc;
	}
	*out = o.f;
	return RC_OK;
}
