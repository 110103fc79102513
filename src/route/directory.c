/* SPDX-License-Identifier: Apache-2.0 */
#include "route/directory.h"

#include <stdlib.h>

#include "enrich/nets.h"
#include "route/directory_private.h"

/* All claims on one network, ASN, domain or country stand side by side: a run. There can be a
 * million: what the claim is on stands once, and the reason is written when somebody asks. */
struct claim {
	uint32_t org;         /* place in org_ids */
	uint32_t season;      /* place in seasons; 0: always */
	uint8_t role;
	bool shared_address;  /* says so itself */
	bool run_shared;      /* somebody of the run does, in his season */
	bool last;            /* of its run */
};

struct season {
	int64_t from_us, until_us;
};

struct domain {
	uint32_t text, run;   /* text: offset of one byte of length and the name */
};

enum { LETTERS = 26, NO_RUN = 0 }; /* claims begin at 1 */

struct directory {
	struct arena *arena;
	uint64_t version;
	struct org *orgs;       /* by name */
	uint32_t *by_id;        /* places in orgs, by id */
	size_t org_count;
	int64_t *org_ids;       /* of whom there are claims */
	struct season *seasons;
	struct claim *claims;
	struct nets *nets;
	uint32_t *net_run;
	uint32_t *asn, *asn_run;
	size_t asn_count;
	struct domain *domains;
	uint32_t *slots;        /* hash of domains: place + 1; 0: free */
	const char *text;
	uint64_t slot_mask, seed;
	uint32_t country_run[LETTERS * LETTERS];
};

/* A row with its value as a number, for sorting. */
struct sortable {
	int64_t org;
	struct net net;         /* SCOPE_NET */
	uint8_t kind, role;
	bool shared_address;
	uint32_t value;         /* ASN; offset of the text of a name or country */
	uint32_t season;
};

struct directory_builder {
	struct sortable *rows;
	size_t count, room;
	struct season *seasons; /* from 1 */
	size_t season_count, season_room;
	struct buf text;        /* one byte of length and the bytes */
};

const char *role_name(enum concern_role r)
{
	static const char *const names[ROLE_COUNT] = {
		[ROLE_ASSET_HOLDER] = "asset holder", [ROLE_HOST] = "host",
		[ROLE_NETWORK] = "network", [ROLE_REGISTRAR] = "registrar",
		[ROLE_NATIONAL_CERT] = "national CERT",
	};
	return r < ROLE_COUNT ? names[r] : "";
}

static const char *const scope_names[SCOPE_KINDS] = { "net", "asn", "domain", "country" };

const char *scope_kind_name(enum scope_kind k)
{
	return scope_names[k];
}

bool scope_kind_parse(str text, enum scope_kind *out)
{
	for (size_t i = 0; i < SCOPE_KINDS; i++)
		if (str_eq(text, str_of(scope_names[i]))) {
			*out = (enum scope_kind)i;
			return true;
		}
	return false;
}

/* --- making it --- */

static int org_name_cmp(const void *a, const void *b)
{
	const struct org *x = a, *y = b;
	int order = str_cmp(x->name, y->name);
	return order ? order : (x->id > y->id) - (x->id < y->id);
}

static int org_id_cmp(const void *a, const void *b, void *ctx)
{
	const struct org *orgs = ctx;
	int64_t x = orgs[*(const uint32_t *)a].id, y = orgs[*(const uint32_t *)b].id;
	return (x > y) - (x < y);
}

static void copy_orgs(struct directory *d, const struct org *orgs, size_t n)
{
	d->orgs = ARENA_ARRAY(d->arena, n + 1, struct org);
	d->by_id = ARENA_ARRAY(d->arena, n + 1, uint32_t);
	d->org_count = n;
	for (size_t i = 0; i < n; i++) {
		const struct org *from = &orgs[i];
		d->orgs[i] = (struct org){
			.id = from->id, .record = from->record, .former = from->former,
			.name = arena_str(d->arena, from->name),
			.kind = arena_str(d->arena, from->kind),
			.country = arena_str(d->arena, from->country),
			.sector = arena_str(d->arena, from->sector),
			.timezone = arena_str(d->arena, from->timezone),
		};
	}
	qsort(d->orgs, n, sizeof(*d->orgs), org_name_cmp);
	for (size_t i = 0; i < n; i++)
		d->by_id[i] = (uint32_t)i;
	qsort_r(d->by_id, n, sizeof(*d->by_id), org_id_cmp, d->orgs);
}

static str text_at(const char *text, uint32_t at)
{
	return str_mem(text + at + 1, (uint8_t)text[at]);
}

/* What two claims are on; 0: the same. */
static int key_cmp(const struct sortable *x, const struct sortable *y, const char *text)
{
	if (x->kind != y->kind)
		return (int)x->kind - (int)y->kind;
	if (x->kind == SCOPE_NET)
		return nets_cmp(&x->net, &y->net);
	if (x->kind == SCOPE_ASN)
		return (x->value > y->value) - (x->value < y->value);
	return str_cmp(text_at(text, x->value), text_at(text, y->value));
}

static int sortable_cmp(const void *a, const void *b, void *text)
{
	const struct sortable *x = a, *y = b;
	int order = key_cmp(x, y, text);
	if (order)
		return order;
	if (x->role != y->role)
		return (int)x->role - (int)y->role;
	return (x->org > y->org) - (x->org < y->org);
}

static bool sortable_of(struct directory_builder *b, const struct scope_row *row, struct sortable *out)
{
	*out = (struct sortable){ .org = row->org, .kind = (uint8_t)row->kind, .role = (uint8_t)row->role,
				  .shared_address = row->shared_address };
	switch (row->kind) {
	case SCOPE_NET:
		return net_parse(row->value, true, &out->net);
	case SCOPE_ASN:
		return str_to_u32(row->value, &out->value) && out->value != 0;
	case SCOPE_DOMAIN:
	case SCOPE_COUNTRY:
		out->value = (uint32_t)b->text.n;
		if (row->kind == SCOPE_COUNTRY ? !country_known(row->value) :
						 row->value.n == 0 || row->value.n > UINT8_MAX)
			return false;
		buf_char(&b->text, (char)(uint8_t)row->value.n);
		buf_add(&b->text, row->value);
		return !b->text.over;
	case SCOPE_KINDS:
		break;
	}
	return false;
}

/* A name longer than fits keeps its end, which says most. */
static void reason_write(char reason[64], const char *head, str value)
{
	size_t room = 63 - strlen(head);
	bool cut = value.n > room;
	if (cut)
		value = str_from(value, value.n - (room - 2));
	snprintf(reason, 64, "%s%s" STR_FMT, head, cut ? ".." : "", STR_ARG(value));
}

static uint64_t hash_more(uint64_t h, char c)
{
	return (h ^ (uint8_t)c) * UINT64_C(0x100000001b3);
}

static uint64_t hash_end(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

/* Backwards, so that one pass over a name gives the hash of each suffix. */
static uint64_t hash_name(uint64_t seed, str name)
{
	uint64_t h = seed;
	for (size_t i = name.n; i > 0; i--)
		h = hash_more(h, name.p[i - 1]);
	return hash_end(h);
}

static void domains_size(struct directory *d, size_t names)
{
	uint64_t slots = 16;
	while (slots < names * 2)
		slots *= 2;
	d->slot_mask = slots - 1;
	d->seed = random_u64();
	d->slots = ARENA_ARRAY(d->arena, slots, uint32_t);
	d->domains = ARENA_ARRAY(d->arena, names + 1, struct domain);
}

static void domain_put(struct directory *d, size_t place, uint32_t text, uint32_t run)
{
	uint64_t at = hash_name(d->seed, text_at(d->text, text)) & d->slot_mask;
	while (d->slots[at])
		at = (at + 1) & d->slot_mask;
	d->slots[at] = (uint32_t)place + 1;
	d->domains[place] = (struct domain){ text, run };
}

static size_t country_place(str cc)
{
	return (size_t)(cc.p[0] - 'A') * LETTERS + (size_t)(cc.p[1] - 'A');
}

static int id_cmp(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Those that have claims, each once: claims name them by their place. */
static size_t take_ids(struct directory *d, const struct sortable *list, size_t n)
{
	int64_t *ids = x_array(n + 1, sizeof(*ids));
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		ids[i] = list[i].org;
	qsort(ids, n, sizeof(*ids), id_cmp);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || ids[i] != ids[i - 1])
			ids[count++] = ids[i];
	d->org_ids = ARENA_ARRAY(d->arena, count + 1, int64_t);
	memcpy(d->org_ids, ids, count * sizeof(*ids));
	free(ids);
	return count;
}

static uint32_t id_place(const struct directory *d, size_t count, int64_t id)
{
	size_t low = 0;
	while (count > 1) {
		size_t half = count / 2;
		if (d->org_ids[low + half] <= id)
			low += half;
		count -= half;
	}
	return (uint32_t)low;
}

/* When one claim in season says that a network is of shared addresses, it is for all; does one ever? */
static bool shared_run(const struct sortable *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].shared_address)
			return true;
	return false;
}

static void make_runs(struct directory *d, const struct sortable *list, size_t n)
{
	size_t ids = take_ids(d, list, n), places[SCOPE_KINDS] = { 0 };
	for (size_t i = 0; i < n; i++)
		places[list[i].kind]++;
	struct net *nets = x_array(places[SCOPE_NET] + 1, sizeof(*nets));
	size_t net_count = 0, names = 0;
	d->claims = ARENA_ARRAY(d->arena, n + 1, struct claim);
	d->net_run = ARENA_ARRAY(d->arena, places[SCOPE_NET] + 1, uint32_t);
	d->asn = ARENA_ARRAY(d->arena, places[SCOPE_ASN] + 1, uint32_t);
	d->asn_run = ARENA_ARRAY(d->arena, places[SCOPE_ASN] + 1, uint32_t);
	domains_size(d, places[SCOPE_DOMAIN]);
	for (size_t i = 0, end; i < n; i = end) {
		uint32_t run = (uint32_t)i + 1;
		for (end = i + 1; end < n && key_cmp(&list[i], &list[end], d->text) == 0;)
			end++;
		bool shared = list[i].kind == SCOPE_NET && shared_run(&list[i], end - i);
		for (size_t k = i; k < end; k++)
			d->claims[k + 1] = (struct claim){
				.org = id_place(d, ids, list[k].org), .season = list[k].season,
				.role = list[k].role, .shared_address = list[k].shared_address,
				.run_shared = shared, .last = k + 1 == end,
			};
		if (list[i].kind == SCOPE_NET) {
			d->net_run[net_count] = run;
			nets[net_count++] = list[i].net;
		} else if (list[i].kind == SCOPE_ASN) {
			d->asn_run[d->asn_count] = run;
			d->asn[d->asn_count++] = list[i].value;
		} else if (list[i].kind == SCOPE_DOMAIN) {
			domain_put(d, names++, list[i].value, run);
		} else {
			d->country_run[country_place(text_at(d->text, list[i].value))] = run;
		}
	}
	d->nets = nets_new(nets, net_count);
	free(nets);
}

struct directory_builder *directory_builder_new(void)
{
	struct directory_builder *b = x_alloc(sizeof(*b));
	b->text = (struct buf)BUF_INIT(MIB(1024));
	b->seasons = x_grow(NULL, 1, sizeof(*b->seasons));
	b->seasons[0] = (struct season){ 0, INT64_MAX };
	b->season_count = b->season_room = 1;
	return b;
}

void directory_builder_free(struct directory_builder *b)
{
	if (!b)
		return;
	free(b->rows);
	free(b->seasons);
	buf_free(&b->text);
	free(b);
}

enum rc directory_builder_row(struct directory_builder *b, const struct scope_row *row, struct err *err)
{
	if (b->count == b->room) {
		b->room = b->room ? b->room + b->room / 2 : 64;
		b->rows = x_grow(b->rows, b->room, sizeof(*b->rows));
	}
	struct sortable *to = &b->rows[b->count];
	if (!sortable_of(b, row, to))
		return fail(err, RC_INPUT, "directory: %s '" STR_FMT "' of organisation %lld is damaged",
			    scope_names[row->kind], STR_ARG(str_head(row->value, 100)), (long long)row->org);
	if (row->from_us || row->until_us) {
		if (b->season_count == b->season_room) {
			b->season_room *= 2;
			b->seasons = x_grow(b->seasons, b->season_room, sizeof(*b->seasons));
		}
		to->season = (uint32_t)b->season_count;
		b->seasons[b->season_count++] = (struct season){ row->from_us,
								 row->until_us ? row->until_us : INT64_MAX };
	}
	b->count++;
	return RC_OK;
}

struct directory *directory_builder_end(struct directory_builder *b, const struct org *orgs,
					size_t org_count, uint64_t version)
{
	struct directory *d = x_alloc(sizeof(*d));
	d->arena = arena_new(KIB(64));
	d->version = version;
	d->text = arena_str(d->arena, buf_str(&b->text)).p;
	d->seasons = ARENA_ARRAY(d->arena, b->season_count, struct season);
	memcpy(d->seasons, b->seasons, b->season_count * sizeof(*d->seasons));
	copy_orgs(d, orgs, org_count);
	if (b->count)
		qsort_r(b->rows, b->count, sizeof(*b->rows), sortable_cmp, b->text.p);
	make_runs(d, b->rows, b->count);
	return d;
}

enum rc directory_make(const struct org *orgs, size_t org_count, const struct scope_row *rows,
		       size_t row_count, uint64_t version, struct directory **out, struct err *err)
{
	struct directory_builder *b = directory_builder_new();
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < row_count; i++)
		rc = directory_builder_row(b, &rows[i], err);
	if (rc == RC_OK)
		*out = directory_builder_end(b, orgs, org_count, version);
	directory_builder_free(b);
	return rc;
}

void directory_free(struct directory *d)
{
	if (!d)
		return;
	nets_free(d->nets);
	arena_free(d->arena);
	free(d);
}

/* --- asking it --- */

uint64_t directory_version(const struct directory *d)
{
	return d->version;
}

size_t directory_size(const struct directory *d)
{
	return d->org_count;
}

const struct org *directory_at(const struct directory *d, size_t i)
{
	return &d->orgs[i];
}

const struct org *directory_org(const struct directory *d, int64_t id)
{
	size_t low = 0, high = d->org_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct org *o = &d->orgs[d->by_id[mid]];
		if (o->id == id)
			return o;
		if (o->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static bool in_season(const struct directory *d, const struct claim *c, int64_t at_us)
{
	const struct season *s = &d->seasons[c->season];
	return at_us >= s->from_us && at_us < s->until_us;
}

/* Does somebody in season say that the addresses of this network are shared? */
static bool shared_now(const struct directory *d, const struct claim *c, int64_t at_us)
{
	if (!c->run_shared)
		return false;
	for (;; c++) {
		if (c->shared_address && in_season(d, c, at_us))
			return true;
		if (c->last)
			return false;
	}
}

/* Adds the claims of a run that are in season; returns how many there are now. */
static size_t take(const struct directory *d, uint32_t run, int64_t at_us, bool shared, const char *head,
		   str value, struct match *out, size_t most, size_t n)
{
	size_t first = n;
	if (run == NO_RUN)
		return n;
	for (const struct claim *c = &d->claims[run];; c++) {
		if (n < most && in_season(d, c, at_us)) {
			out[n] = (struct match){ .org = d->org_ids[c->org], .role = (enum concern_role)c->role,
						 .shared_address = shared };
			if (n == first)
				reason_write(out[n].reason, head, value);
			else
				memcpy(out[n].reason, out[first].reason, sizeof(out[n].reason));
			n++;
		}
		if (c->last)
			return n;
	}
}

/* Where a smaller network is claimed, whether this one is shared says nothing about the address. */
static size_t match_around(const struct directory *d, size_t place, int64_t at_us,
			   struct match *out, size_t most)
{
	size_t n = 0;
	for (; place != NETS_NONE && n < most; place = nets_around(d->nets, place)) {
		char text[56];
		struct net net = nets_at(d->nets, place);
		bool shared = n == 0 && shared_now(d, &d->claims[d->net_run[place]], at_us);
		n = take(d, d->net_run[place], at_us, shared, shared ? "shared net " : "net ",
			 net_str(text, &net), out, most, n);
	}
	return n;
}

size_t directory_match_ip(const struct directory *d, const struct ip *ip, int64_t at_us,
			  struct match *out, size_t most)
{
	return match_around(d, nets_find(d->nets, ip), at_us, out, most);
}

size_t directory_match_net(const struct directory *d, const struct net *net, int64_t at_us,
			   struct match *out, size_t most)
{
	return match_around(d, nets_find_net(d->nets, net), at_us, out, most);
}

size_t directory_match_asn(const struct directory *d, uint32_t asn, int64_t at_us,
			   struct match *out, size_t most)
{
	size_t low = 0, high = d->asn_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (d->asn[mid] == asn) {
			char text[16];
			snprintf(text, sizeof(text), "%u", asn);
			return take(d, d->asn_run[mid], at_us, false, "asn AS", str_of(text), out, most, 0);
		}
		if (d->asn[mid] < asn)
			low = mid + 1;
		else
			high = mid;
	}
	return 0;
}

static const struct domain *domain_find(const struct directory *d, uint64_t hash, str name)
{
	for (uint64_t at = hash & d->slot_mask; d->slots[at]; at = (at + 1) & d->slot_mask) {
		const struct domain *one = &d->domains[d->slots[at] - 1];
		if (str_eq(text_at(d->text, one->text), name))
			return one;
	}
	return NULL;
}

size_t directory_match_domain(const struct directory *d, str fqdn, int64_t at_us,
			      struct match *out, size_t most)
{
	const struct domain *list[128]; /* a name of 253 bytes has at most 127 labels */
	size_t found = 0, n = 0;
	uint64_t h = d->seed;
	for (size_t i = fqdn.n; i > 0 && found < COUNT_OF(list); i--) {
		h = hash_more(h, fqdn.p[i - 1]);
		if (i == 1 || fqdn.p[i - 2] == '.') {
			const struct domain *one = domain_find(d, hash_end(h), str_from(fqdn, i - 1));
			if (one)
				list[found++] = one;
		}
	}
	while (found > 0 && n < most) {
		const struct domain *one = list[--found];
		n = take(d, one->run, at_us, false, "domain ", text_at(d->text, one->text), out, most, n);
	}
	return n;
}

size_t directory_match_country(const struct directory *d, str cc, int64_t at_us,
			       struct match *out, size_t most)
{
	if (cc.n != 2 || cc.p[0] < 'A' || cc.p[0] > 'Z' || cc.p[1] < 'A' || cc.p[1] > 'Z')
		return 0;
	return take(d, d->country_run[country_place(cc)], at_us, false, "country ", cc, out, most, 0);
}

/* The smallest network that anybody claims now decides: a customer's network
 * inside a carrier's shared range is its own. */
bool directory_shared_address(const struct directory *d, const struct ip *ip, int64_t at_us)
{
	for (size_t i = nets_find(d->nets, ip); i != NETS_NONE; i = nets_around(d->nets, i)) {
		bool claimed = false, shared = false;
		const struct claim *c = &d->claims[d->net_run[i]];
		for (;; c++) {
			if (in_season(d, c, at_us)) {
				claimed = true;
				shared |= c->shared_address;
			}
			if (c->last)
				break;
		}
		if (claimed)
			return shared;
	}
	return false;
}
