/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <libloc/database.h>
#include <libloc/libloc.h>
#include <libloc/network.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "enrich/loc_private.h"

enum { IDENTITY_HEAD = 8192, NETS_MAX = 1 << 24, STACK_MAX = 130 };

struct place { /* an address, IPv4 as its mapped form */
	uint64_t hi, lo;
};
struct loc_net {
	struct place first;
	struct loc_fact fact;
};
struct loc_range {
	struct place first;
	struct loc_fact fact;
};

struct list {
	struct loc_net *net;
	struct loc_range *range;
	size_t nets, nets_room, ranges, ranges_room;
};

static const struct loc_fact gap = { .bits = LOC_GAP };
#define V4_FIRST ((struct place){ 0, UINT64_C(0xffff00000000) })

static int place_cmp(struct place a, struct place b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return (a.lo > b.lo) - (a.lo < b.lo);
}

static struct place last_of(const struct loc_net *n)
{
	unsigned bits = n->fact.bits;
	uint64_t hi = bits >= 64 ? 0 : UINT64_MAX >> bits;
	uint64_t lo = bits <= 64 ? UINT64_MAX : bits >= 128 ? 0 : UINT64_MAX >> (bits - 64);
	return (struct place){ n->first.hi | hi, n->first.lo | lo };
}

static struct place next_place(struct place p)
{
	p.lo++;
	p.hi += p.lo == 0;
	return p;
}

static int loc_net_cmp(const void *a, const void *b)
{
	const struct loc_net *x = a, *y = b;
	int order = place_cmp(x->first, y->first);
	return order ? order : (int)x->fact.bits - (int)y->fact.bits;
}

static bool letters(const char *cc)
{
	return cc && cc[0] >= 'A' && cc[0] <= 'Z' && cc[1] >= 'A' && cc[1] <= 'Z' && cc[2] == '\0';
}

static void add_net(struct list *l, struct loc_network *n)
{
	const struct in6_addr *first = loc_network_get_first_address(n);
	const char *cc = loc_network_get_country_code(n);
	unsigned bits = loc_network_prefix(n);
	struct loc_net one = { .fact.asn = loc_network_get_asn(n) };
	uint64_t half[2];
	memcpy(half, first->s6_addr, sizeof(half));
	one.first = (struct place){ be64toh(half[0]), be64toh(half[1]) };
	if (loc_network_address_family(n) == AF_INET)
		bits += 96;
	if (bits > 128)
		return;
	one.fact.bits = (uint8_t)bits;
	if (letters(cc))
		memcpy(one.fact.cc, cc, 2);
	if (l->nets == l->nets_room) {
		l->nets_room = l->nets_room ? l->nets_room * 2 : 4096;
		l->net = x_grow(l->net, l->nets_room, sizeof(*l->net));
	}
	l->net[l->nets++] = one;
}

/* A range that begins where the last one does takes its place. */
static void emit(struct list *l, struct place first, struct loc_fact fact)
{
	if (l->ranges && place_cmp(l->range[l->ranges - 1].first, first) == 0)
		l->ranges--;
	if (l->ranges == l->ranges_room) {
		l->ranges_room = l->ranges_room ? l->ranges_room * 2 : 4096;
		l->range = x_grow(l->range, l->ranges_room, sizeof(*l->range));
	}
	l->range[l->ranges++] = (struct loc_range){ first, fact };
}

static bool is4(const struct loc_net *n)
{
	return n->first.hi == 0 && n->first.lo >> 32 == 0xffff && n->fact.bits >= 96;
}

/* Networks lie inside each other; a stack of those that are still open turns
 * the sorted list of one family into ranges that don't. */
static void flatten(struct list *l, bool four)
{
	const struct loc_net *open[STACK_MAX];
	size_t depth = 0;
	const struct place last4 = { 0, UINT64_C(0xffffffffffff) };
	emit(l, four ? V4_FIRST : (struct place){ 0, 0 }, gap);
	for (size_t i = 0; i <= l->nets; i++) {
		const struct loc_net *n = i < l->nets ? &l->net[i] : NULL;
		if (n && is4(n) != four)
			continue;
		while (depth && (!n || place_cmp(last_of(open[depth - 1]), n->first) < 0)) {
			struct place behind = next_place(last_of(open[--depth]));
			bool inside = four ? place_cmp(behind, last4) <= 0 : behind.hi || behind.lo;
			if (inside)
				emit(l, behind, depth ? open[depth - 1]->fact : gap);
		}
		if (!n)
			break;
		emit(l, n->first, n->fact);
		if (depth && place_cmp(open[depth - 1]->first, n->first) == 0 &&
		    open[depth - 1]->fact.bits == n->fact.bits)
			open[depth - 1] = n; /* the same network again */
		else if (depth < STACK_MAX)
			open[depth++] = n;
	}
}

/* --- from libloc --- */

static enum rc read_networks(struct loc_database *db, struct list *l, struct err *err)
{
	struct loc_database_enumerator *e;
	struct loc_network *n = NULL;
	if (loc_database_enumerator_new(&e, db, LOC_DB_ENUMERATE_NETWORKS, 0) != 0)
		return fail(err, RC_IO, "network database: cannot be listed");
	int r;
	while ((r = loc_database_enumerator_next_network(e, &n)) == 0 && n && l->nets < NETS_MAX) {
		add_net(l, n);
		loc_network_unref(n);
		n = NULL;
	}
	loc_database_enumerator_unref(e);
	if (r != 0)
		return fail(err, RC_INPUT, "network database: damaged after %zu networks", l->nets);
	bool sorted = true;
	for (size_t i = 1; i < l->nets && sorted; i++)
		sorted = loc_net_cmp(&l->net[i - 1], &l->net[i]) <= 0;
	if (!sorted)
		qsort(l->net, l->nets, sizeof(*l->net), loc_net_cmp);
	return RC_OK;
}

/* Names come sorted by number; one out of order is left out. */
static enum rc read_names(struct loc_database *db, struct buf *asn, struct buf *at, struct buf *names,
			  struct err *err)
{
	struct loc_database_enumerator *e;
	struct loc_as *as = NULL;
	if (loc_database_enumerator_new(&e, db, LOC_DB_ENUMERATE_ASES, 0) != 0)
		return fail(err, RC_IO, "network database: cannot be listed");
	uint32_t last = 0;
	while (loc_database_enumerator_next_as(e, &as) == 0 && as) {
		uint32_t number = loc_as_get_number(as);
		str name = str_of(loc_as_get_name(as));
		if (number > last && str_is_plain(name)) {
			uint32_t place = (uint32_t)names->n;
			buf_add_mem(asn, &number, 4);
			buf_add_mem(at, &place, 4);
			buf_add(names, str_head(name, 100));
			last = number;
		}
		loc_as_unref(as);
		as = NULL;
	}
	loc_database_enumerator_unref(e);
	uint32_t end = (uint32_t)names->n;
	buf_add_mem(at, &end, 4);
	return RC_OK;
}

/* --- the image --- */

struct loc_layout loc_layout(const struct loc_head *h)
{
	struct loc_layout l;
	size_t at = sizeof(*h);
#define SECTION(name, bytes) (l.name = at, at += ((bytes) + 7) & ~(size_t)7)
	SECTION(start6, (size_t)h->v6 * sizeof(struct loc_start6));
	SECTION(fact6, (size_t)h->v6 * sizeof(struct loc_fact));
	SECTION(fact4, (size_t)h->v4 * sizeof(struct loc_fact));
	SECTION(start4, (size_t)h->v4 * 4);
	SECTION(index4, (LOC_INDEX + 1) * 4);
	SECTION(index6, (LOC_INDEX + 1) * 4);
	SECTION(asn, (size_t)h->asns * 4);
	SECTION(name_at, ((size_t)h->asns + 1) * 4);
	SECTION(names, h->names_bytes);
#undef SECTION
	l.end = at;
	return l;
}

/* index[k]: how many ranges begin before bucket k, so that those of bucket k
 * lie between index[k] and index[k + 1]. */
static void index_count(uint32_t *index, size_t bucket)
{
	index[bucket + 1]++;
}
static void index_sum(uint32_t *index, uint32_t before)
{
	index[0] = before;
	for (size_t k = 1; k <= LOC_INDEX; k++)
		index[k] += index[k - 1];
}

static void put4(unsigned char *p, const struct loc_layout *at, const struct loc_range *r, size_t n)
{
	uint32_t *start = (uint32_t *)(p + at->start4), *index = (uint32_t *)(p + at->index4);
	struct loc_fact *fact = (struct loc_fact *)(p + at->fact4);
	for (size_t i = 0; i < n; i++) {
		start[i] = (uint32_t)r[i].first.lo;
		fact[i] = r[i].fact;
		index_count(index, start[i] >> 16);
	}
	index_sum(index, 0);
}

static void put6(unsigned char *p, const struct loc_layout *at, const struct loc_range *r, size_t n)
{
	struct loc_start6 *start = (struct loc_start6 *)(p + at->start6);
	uint32_t *index = (uint32_t *)(p + at->index6), before = 0, bucket;
	struct loc_fact *fact = (struct loc_fact *)(p + at->fact6);
	for (size_t i = 0; i < n; i++) {
		start[i] = (struct loc_start6){ r[i].first.hi, r[i].first.lo };
		fact[i] = r[i].fact;
		if (loc_index6(start[i].hi, &bucket))
			index_count(index, bucket);
		else if (start[i].hi >> 61 == 0)
			before++;
	}
	index_sum(index, before);
}

static enum rc write_image(struct loc_head *h, const struct list *four, const struct list *six,
			   const struct buf *asn, const struct buf *at, const struct buf *names,
			   struct buf *image, struct err *err)
{
	struct loc_layout l = loc_layout(h);
	char *room = buf_room(image, l.end);
	if (!room)
		return fail(err, RC_LIMIT, "network database: larger than we take");
	unsigned char *p = (unsigned char *)room;
	memset(p, 0, l.end);
	put4(p, &l, four->range, four->ranges);
	put6(p, &l, six->range, six->ranges);
	if (asn->n)
		memcpy(p + l.asn, asn->p, asn->n);
	memcpy(p + l.name_at, at->p, at->n);
	if (names->n)
		memcpy(p + l.names, names->p, names->n);
	h->crc = crc32_of(str_mem(p + sizeof(*h), l.end - sizeof(*h)));
	memcpy(p, h, sizeof(*h));
	image->n += l.end;
	return RC_OK;
}

static void list_free(struct list *l)
{
	free(l->net);
	free(l->range);
}

static enum rc build_from(struct loc_database *db, const struct digest *identity, struct buf *image,
			  struct err *err)
{
	struct list four = { 0 }, six = { 0 };
	struct buf asn = BUF_INIT(MIB(64)), at = BUF_INIT(MIB(64)), names = BUF_INIT(MIB(128));
	enum rc rc = read_networks(db, &four, err);
	if (rc == RC_OK)
		rc = read_names(db, &asn, &at, &names, err);
	if (rc == RC_OK) {
		flatten(&four, true);
		six.net = four.net;
		six.nets = four.nets;
		flatten(&six, false);
		six.net = NULL;
		struct loc_head h = {
			.magic = LOC_MAGIC, .version = LOC_VERSION, .of = *identity,
			.made_s = loc_database_created_at(db), .v4 = (uint32_t)four.ranges,
			.v6 = (uint32_t)six.ranges, .asns = (uint32_t)(asn.n / 4),
			.names_bytes = (uint32_t)names.n,
		};
		rc = asn.over || at.over || names.over ?
			     fail(err, RC_LIMIT, "network database: too many names") :
			     write_image(&h, &four, &six, &asn, &at, &names, image, err);
	}
	list_free(&four);
	list_free(&six);
	buf_free(&asn);
	buf_free(&at);
	buf_free(&names);
	return rc;
}

enum rc loc_build(const char *database, const struct digest *identity, struct buf *image, struct err *err)
{
	struct loc_ctx *ctx = NULL;
	struct loc_database *db = NULL;
	enum rc rc;
	FILE *f = fopen(database, "re");
	if (!f)
		return fail_errno(err, errno, "network database: cannot open '%s'", database);
	if (loc_new(&ctx) != 0 || loc_database_new(ctx, &db, f) != 0)
		rc = fail(err, RC_INPUT, "'%s' is no network database", database);
	else
		rc = build_from(db, identity, image, err);
	if (db)
		loc_database_unref(db);
	if (ctx)
		loc_unref(ctx);
	fclose(f);
	return rc;
}

enum rc loc_identity(const char *database, struct digest *out, struct err *err)
{
	unsigned char head[IDENTITY_HEAD] = { 0 };
	struct stat st;
	struct buf all = BUF_INIT(KIB(16));
	FILE *f = fopen(database, "re");
	if (!f)
		return fail_errno(err, errno, "network database: cannot open '%s'", database);
	size_t n = fread(head, 1, sizeof(head), f);
	bool ok = !ferror(f) && fstat(fileno(f), &st) == 0;
	fclose(f);
	if (!ok)
		return fail(err, RC_IO, "network database: cannot read '%s'", database);
	buf_le32(&all, LOC_VERSION);
	buf_le64(&all, (uint64_t)st.st_size);
	buf_le64(&all, (uint64_t)st.st_mtim.tv_sec);
	buf_le64(&all, (uint64_t)st.st_mtim.tv_nsec);
	buf_add_mem(&all, head, n);
	*out = sha256(buf_str(&all));
	buf_free(&all);
	return RC_OK;
}
