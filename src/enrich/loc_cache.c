/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/io.h"
#include "enrich/loc_private.h"

#define IMAGE_MAX MIB(512)

struct loc_cache {
	void *mapped;       /* of the file, or NULL */
	size_t mapped_bytes;
	struct buf own;     /* private memory, when there is no file */
	const struct loc_head *head;
	const struct loc_start6 *start6;
	const struct loc_fact *fact6, *fact4;
	const uint32_t *start4, *index4, *index6, *asn, *name_at;
	const char *names;
};

/* Points into an image that is whole: sizes and sum agree, and it is of the
 * database asked for. */
static bool attach(struct loc_cache *c, const unsigned char *p, size_t n, const struct digest *of)
{
	const struct loc_head *h = (const struct loc_head *)p;
	if (n < sizeof(*h) || h->magic != LOC_MAGIC || h->version != LOC_VERSION || h->v4 == 0 ||
	    h->v6 == 0 || memcmp(&h->of, of, sizeof(*of)) != 0)
		return false;
	struct loc_layout l = loc_layout(h);
	if (l.end != n || crc32_of(str_mem(p + sizeof(*h), n - sizeof(*h))) != h->crc)
		return false;
	c->head = h;
	c->start6 = (const struct loc_start6 *)(p + l.start6);
	c->fact6 = (const struct loc_fact *)(p + l.fact6);
	c->fact4 = (const struct loc_fact *)(p + l.fact4);
	c->start4 = (const uint32_t *)(p + l.start4);
	c->index4 = (const uint32_t *)(p + l.index4);
	c->index6 = (const uint32_t *)(p + l.index6);
	c->asn = (const uint32_t *)(p + l.asn);
	c->name_at = (const uint32_t *)(p + l.name_at);
	c->names = (const char *)p + l.names;
	return true;
}

static bool map_file(struct loc_cache *c, struct io_dir *dir, const char *name, const struct digest *of)
{
	struct io_file *f;
	uint64_t bytes = 0;
	if (io_open(dir, name, IO_READ, &f, NULL) != RC_OK)
		return false;
	void *p = MAP_FAILED;
	if (io_size(f, &bytes, NULL) == RC_OK && bytes >= sizeof(struct loc_head) && bytes <= IMAGE_MAX)
		p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, io_fd(f), 0);
	io_close(f);
	if (p == MAP_FAILED)
		return false;
	if (!attach(c, p, bytes, of)) {
		munmap(p, bytes);
		return false;
	}
	c->mapped = p;
	c->mapped_bytes = bytes;
	/* Its sum has touched every page: those that are asked for come back, from memory. */
	(void)madvise(p, bytes, MADV_DONTNEED);
	return true;
}

static void name_of(const struct digest *of, struct buf *out)
{
	buf_add(out, STR("networks-"));
	hex_format(out, of->b, 12);
	buf_add(out, STR(".cache"));
}

/* Caches of older databases: whoever still maps one keeps its pages. */
struct pruning {
	struct io_dir *dir;
	const char *keep;
};
static bool prune_one(void *ctx, const char *name)
{
	struct pruning *p = ctx;
	str s = str_of(name);
	enum rc rc = RC_OK;
	if (str_starts(s, STR("networks-")) && str_ends(s, STR(".cache")) && strcmp(name, p->keep) != 0)
		rc = io_unlink(p->dir, name, NULL);
	return rc == RC_OK;
}
static void prune(struct io_dir *dir, const char *keep)
{
	struct pruning p = { dir, keep };
	/* One that stays only takes room. */
	if (io_dir_each(dir, prune_one, &p, NULL) != RC_OK)
		return;
}

/* Makes the image, and a file of it where that can be written. */
static enum rc make(struct loc_cache *c, const char *database, struct io_dir *dir, const char *name,
		    const struct digest *of, struct err *err)
{
	c->own = (struct buf)BUF_INIT(IMAGE_MAX);
	enum rc rc = loc_build(database, of, &c->own, err);
	if (rc != RC_OK)
		return rc;
	if (dir && io_replace_file(dir, name, buf_str(&c->own), NULL) == RC_OK &&
	    map_file(c, dir, name, of)) {
		buf_free(&c->own);
		prune(dir, name);
		return RC_OK;
	}
	if (!attach(c, (const unsigned char *)c->own.p, c->own.n, of))
		return fail(err, RC_INPUT, "network database: '%s' cannot be used", database);
	return RC_OK;
}

enum rc loc_cache_open(const char *database, const char *cache_dir, struct loc_cache **out,
		       struct err *err)
{
	struct digest of;
	struct io_dir *dir = NULL;
	struct buf name = BUF_INIT(64);
	enum rc rc = loc_identity(database, &of, err);
	if (rc != RC_OK)
		return rc;
	struct loc_cache *c = x_alloc(sizeof(*c));
	name_of(&of, &name);
	/* Without a place for the file it is only slower to start. */
	if (cache_dir && io_dir_open(cache_dir, &dir, NULL) != RC_OK)
		dir = NULL;
	if (!dir || !map_file(c, dir, name.p, &of))
		rc = make(c, database, dir, name.p, &of, err);
	if (dir)
		io_dir_close(dir);
	buf_free(&name);
	if (rc != RC_OK) {
		loc_cache_close(c);
		return rc;
	}
	*out = c;
	return RC_OK;
}

void loc_cache_close(struct loc_cache *c)
{
	if (!c)
		return;
	if (c->mapped)
		munmap(c->mapped, c->mapped_bytes);
	buf_free(&c->own);
	free(c);
}

static bool give(const struct loc_fact *f, const struct ip *ip, struct net_facts *out)
{
	if (f->bits == LOC_GAP)
		return false;
	out->net.ip = *ip;
	out->net.bits = f->bits;
	ip_mask(&out->net.ip, f->bits);
	out->asn = f->asn;
	memcpy(out->cc, f->cc, 2);
	out->cc[2] = '\0';
	return true;
}

/* Both searches give the last range that begins at the address or before;
 * range 0 begins before all. Without branches: the guess would be wrong half
 * the time. */
static uint32_t search4(const struct loc_cache *c, uint32_t a)
{
	uint32_t low = c->index4[a >> 16], n = c->index4[(a >> 16) + 1] - low;
	while (n) {
		uint32_t half = n / 2;
		bool right = c->start4[low + half] <= a;
		low = right ? low + half + 1 : low;
		n = right ? n - half - 1 : half;
	}
	return low - 1;
}

static uint32_t search6(const struct loc_cache *c, uint64_t hi, uint64_t lo)
{
	uint32_t bucket, low = 0, n = c->head->v6;
	if (loc_index6(hi, &bucket)) {
		low = c->index6[bucket];
		n = c->index6[bucket + 1] - low;
	}
	while (n) {
		uint32_t half = n / 2;
		const struct loc_start6 *mid = &c->start6[low + half];
		bool right = mid->hi < hi || (mid->hi == hi && mid->lo <= lo);
		low = right ? low + half + 1 : low;
		n = right ? n - half - 1 : half;
	}
	return low - 1;
}

bool loc_cache_find(const struct loc_cache *c, const struct ip *ip, struct net_facts *out)
{
	if (ip_is4(ip)) {
		uint32_t a;
		memcpy(&a, ip->b + 12, 4);
		return give(&c->fact4[search4(c, be32toh(a))], ip, out);
	}
	uint64_t half[2];
	memcpy(half, ip->b, sizeof(half));
	return give(&c->fact6[search6(c, be64toh(half[0]), be64toh(half[1]))], ip, out);
}

str loc_cache_asn_name(const struct loc_cache *c, uint32_t asn, char name[128])
{
	uint32_t low = 0, high = c->head->asns;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (c->asn[mid] < asn)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == c->head->asns || c->asn[low] != asn)
		return STR_NONE;
	int n = snprintf(name, 128, "AS%u %.*s", asn, (int)(c->name_at[low + 1] - c->name_at[low]),
			 c->names + c->name_at[low]);
	return str_mem(name, n < 128 ? (size_t)n : 127);
}

void loc_cache_describe(const struct loc_cache *c, struct buf *out)
{
	char day[16];
	buf_add(out, STR("digest "));
	hex_format(out, c->head->of.b, 12);
	buf_fmt(out, ", made " STR_FMT ", %u ranges of IPv4, %u of IPv6, %u names",
		STR_ARG(time_day_str(day, c->head->made_s * SECOND_US)), c->head->v4, c->head->v6,
		c->head->asns);
}
