/* SPDX-License-Identifier: Apache-2.0 */
#include "route/directory.h"

#include <stdlib.h>

#include "enrich/nets.h"
#include "route/directory_private.h"

/* All claims on one network, ASN, domain or country stand side by side: a run. */
struct claim {
	int64_t org;
	int64_t from_us, until_us;
	enum concern_role role;
	bool shared_address; /* says so itself */
	bool run_shared;     /* somebody of the run does, in his season: "shared " begins the reason */
	bool last;           /* of its run */
	char reason[64];
};

struct domain_slot {
	uint64_t hash;
	str name;     /* p NULL: free */
	uint32_t run;
};

enum { LETTERS = 26, NO_RUN = 0 }; /* claims begin at 1 */

struct directory {
	struct arena *arena;
	uint64_t version;
	struct org *orgs;       /* by name */
	uint32_t *by_id;        /* places in orgs, by id */
	size_t org_count;
	struct claim *claims;
	struct nets *nets;
	uint32_t *net_run;
	uint32_t *asn, *asn_run;
	size_t asn_count;
	struct domain_slot *domains;
	uint64_t domain_mask, domain_seed;
	uint32_t country_run[LETTERS * LETTERS];
};

/* A row with its value as a number, for sorting. */
struct sortable {
	const struct scope_row *row;
	struct net net;
	uint32_t asn;
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
		struct contact *contacts = ARENA_ARRAY(d->arena, from->contact_count + 1, struct contact);
		for (size_t c = 0; c < from->contact_count; c++)
			contacts[c] = (struct contact){
				.role = arena_str(d->arena, from->contacts[c].role),
				.email = arena_str(d->arena, from->contacts[c].email),
				.phone = arena_str(d->arena, from->contacts[c].phone),
				.name = arena_str(d->arena, from->contacts[c].name),
				.channel = arena_str(d->arena, from->contacts[c].channel),
				.hours = arena_str(d->arena, from->contacts[c].hours),
				.languages = arena_str(d->arena, from->contacts[c].languages),
				.order = from->contacts[c].order,
			};
		d->orgs[i] = (struct org){
			.id = from->id, .record = from->record, .former = from->former,
			.name = arena_str(d->arena, from->name),
			.kind = arena_str(d->arena, from->kind),
			.country = arena_str(d->arena, from->country),
			.sector = arena_str(d->arena, from->sector),
			.timezone = arena_str(d->arena, from->timezone),
			.contacts = contacts, .contact_count = from->contact_count,
		};
	}
	qsort(d->orgs, n, sizeof(*d->orgs), org_name_cmp);
	for (size_t i = 0; i < n; i++)
		d->by_id[i] = (uint32_t)i;
	qsort_r(d->by_id, n, sizeof(*d->by_id), org_id_cmp, d->orgs);
}

static int sortable_cmp(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;
	if (x->row->kind != y->row->kind)
		return (int)x->row->kind - (int)y->row->kind;
	int order = 0;
	if (x->row->kind == SCOPE_NET)
		order = nets_cmp(&x->net, &y->net);
	else if (x->row->kind == SCOPE_ASN)
		order = (x->asn > y->asn) - (x->asn < y->asn);
	else
		order = str_cmp(x->row->value, y->row->value);
	if (order)
		return order;
	if (x->row->role != y->row->role)
		return (int)x->row->role - (int)y->row->role;
	return (x->row->org > y->row->org) - (x->row->org < y->row->org);
}

static bool same_key(const struct sortable *a, const struct sortable *b)
{
	return a->row->kind == b->row->kind && nets_cmp(&a->net, &b->net) == 0 && a->asn == b->asn &&
	       (a->row->kind < SCOPE_DOMAIN || str_eq(a->row->value, b->row->value));
}

static bool sortable_of(const struct scope_row *row, struct sortable *out)
{
	*out = (struct sortable){ .row = row };
	switch (row->kind) {
	case SCOPE_NET:
		return net_parse(row->value, true, &out->net);
	case SCOPE_ASN:
		return str_to_u32(row->value, &out->asn) && out->asn != 0;
	case SCOPE_DOMAIN:
		return row->value.n != 0;
	case SCOPE_COUNTRY:
		return country_known(row->value);
	case SCOPE_KINDS:
		break;
	}
	return false;
}

/* A name longer than fits keeps its end, which says most. */
static void reason_write(char reason[64], const struct scope_row *row, bool shared)
{
	const char *head = shared ? "shared net " :
			   row->kind == SCOPE_ASN ? "asn AS" :
			   row->kind == SCOPE_NET ? "net " :
			   row->kind == SCOPE_DOMAIN ? "domain " : "country ";
	str value = row->value;
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
	d->domain_mask = slots - 1;
	d->domain_seed = random_u64();
	d->domains = ARENA_ARRAY(d->arena, slots, struct domain_slot);
}

static void domain_put(struct directory *d, str name, uint32_t run)
{
	uint64_t hash = hash_name(d->domain_seed, name), at = hash & d->domain_mask;
	while (d->domains[at].name.p)
		at = (at + 1) & d->domain_mask;
	d->domains[at] = (struct domain_slot){ hash, arena_str(d->arena, name), run };
}

static size_t country_place(str cc)
{
	return (size_t)(cc.p[0] - 'A') * LETTERS + (size_t)(cc.p[1] - 'A');
}

/* When one claim in season says that a network is of shared addresses, it is for all; does one ever? */
static bool shared_run(const struct sortable *list, size_t n, size_t i)
{
	bool shared = false;
	while (i > 0 && same_key(&list[i - 1], &list[i]))
		i--;
	do
		shared |= list[i].row->shared_address;
	while (i + 1 < n && same_key(&list[i], &list[i + 1]) && (i++, true));
	return shared;
}

static void make_runs(struct directory *d, const struct sortable *list, size_t n)
{
	struct net *nets = x_array(n + 1, sizeof(*nets));
	size_t net_count = 0, names = 0;
	d->claims = ARENA_ARRAY(d->arena, n + 1, struct claim);
	d->net_run = ARENA_ARRAY(d->arena, n + 1, uint32_t);
	d->asn = ARENA_ARRAY(d->arena, n + 1, uint32_t);
	d->asn_run = ARENA_ARRAY(d->arena, n + 1, uint32_t);
	for (size_t i = 0; i < n; i++)
		names += list[i].row->kind == SCOPE_DOMAIN;
	domains_size(d, names);
	for (size_t i = 0; i < n; i++) {
		const struct scope_row *row = list[i].row;
		uint32_t run = (uint32_t)i + 1;
		bool shared = row->kind == SCOPE_NET && shared_run(list, n, i);
		d->claims[run] = (struct claim){
			.org = row->org, .role = row->role, .shared_address = row->shared_address,
			.run_shared = shared,
			.from_us = row->from_us, .until_us = row->until_us ? row->until_us : INT64_MAX,
			.last = i + 1 == n || !same_key(&list[i], &list[i + 1]),
		};
		reason_write(d->claims[run].reason, row, shared);
		if (i > 0 && same_key(&list[i - 1], &list[i]))
			continue;
		if (row->kind == SCOPE_NET) {
			d->net_run[net_count] = run;
			nets[net_count++] = list[i].net;
		} else if (row->kind == SCOPE_ASN) {
			d->asn_run[d->asn_count] = run;
			d->asn[d->asn_count++] = list[i].asn;
		} else if (row->kind == SCOPE_DOMAIN) {
			domain_put(d, row->value, run);
		} else {
			d->country_run[country_place(row->value)] = run;
		}
	}
	d->nets = nets_new(nets, net_count);
	free(nets);
}

enum rc directory_make(const struct org *orgs, size_t org_count, const struct scope_row *rows,
		       size_t row_count, uint64_t version, struct directory **out, struct err *err)
{
	struct sortable *list = x_array(row_count + 1, sizeof(*list));
	for (size_t i = 0; i < row_count; i++)
		if (!sortable_of(&rows[i], &list[i])) {
			free(list);
			return fail(err, RC_INPUT, "directory: %s '" STR_FMT "' of organisation %lld is damaged",
				    scope_names[rows[i].kind], STR_ARG(rows[i].value),
				    (long long)rows[i].org);
		}
	qsort(list, row_count, sizeof(*list), sortable_cmp);
	struct directory *d = x_alloc(sizeof(*d));
	d->arena = arena_new(KIB(64));
	d->version = version;
	copy_orgs(d, orgs, org_count);
	make_runs(d, list, row_count);
	free(list);
	*out = d;
	return RC_OK;
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

static bool in_season(const struct claim *c, int64_t at_us)
{
	return at_us >= c->from_us && at_us < c->until_us;
}

/* A claim as it is told; `shared`: of the network, now. */
static void tell(const struct claim *c, bool shared, struct match *out)
{
	static const char word[] = "shared ";
	*out = (struct match){ .org = c->org, .role = c->role, .shared_address = shared };
	size_t skip = c->run_shared && !shared ? sizeof(word) - 1 : 0;
	memcpy(out->reason, c->reason + skip, sizeof(c->reason) - skip);
}

/* Does somebody in season say that the addresses of this network are shared? */
static bool shared_now(const struct claim *c, int64_t at_us)
{
	if (!c->run_shared)
		return false;
	for (;; c++) {
		if (c->shared_address && in_season(c, at_us))
			return true;
		if (c->last)
			return false;
	}
}

/* Adds the claims of a run that are in season; returns how many there are now. Where a smaller network
 * is claimed, whether this one is shared says nothing about the address. */
static size_t take(const struct directory *d, uint32_t run, int64_t at_us, struct match *out,
		   size_t most, size_t n)
{
	if (run == NO_RUN)
		return n;
	bool shared = n == 0 && shared_now(&d->claims[run], at_us);
	for (const struct claim *c = &d->claims[run];; c++) {
		if (n < most && in_season(c, at_us))
			tell(c, shared, &out[n++]);
		if (c->last)
			return n;
	}
}

static size_t match_around(const struct directory *d, size_t place, int64_t at_us,
			   struct match *out, size_t most)
{
	size_t n = 0;
	for (; place != NETS_NONE && n < most; place = nets_around(d->nets, place))
		n = take(d, d->net_run[place], at_us, out, most, n);
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
		if (d->asn[mid] == asn)
			return take(d, d->asn_run[mid], at_us, out, most, 0);
		if (d->asn[mid] < asn)
			low = mid + 1;
		else
			high = mid;
	}
	return 0;
}

static uint32_t domain_run(const struct directory *d, uint64_t hash, str name)
{
	for (uint64_t at = hash & d->domain_mask; d->domains[at].name.p; at = (at + 1) & d->domain_mask)
		if (d->domains[at].hash == hash && str_eq(d->domains[at].name, name))
			return d->domains[at].run;
	return NO_RUN;
}

size_t directory_match_domain(const struct directory *d, str fqdn, int64_t at_us,
			      struct match *out, size_t most)
{
	uint32_t runs[128]; /* a name of 253 bytes has at most 127 labels */
	size_t found = 0, n = 0;
	uint64_t h = d->domain_seed;
	for (size_t i = fqdn.n; i > 0 && found < COUNT_OF(runs); i--) {
		h = hash_more(h, fqdn.p[i - 1]);
		if (i == 1 || fqdn.p[i - 2] == '.') {
			uint32_t run = domain_run(d, hash_end(h), str_from(fqdn, i - 1));
			if (run != NO_RUN)
				runs[found++] = run;
		}
	}
	while (found > 0 && n < most)
		n = take(d, runs[--found], at_us, out, most, n);
	return n;
}

size_t directory_match_country(const struct directory *d, str cc, int64_t at_us,
			       struct match *out, size_t most)
{
	if (cc.n != 2 || cc.p[0] < 'A' || cc.p[0] > 'Z' || cc.p[1] < 'A' || cc.p[1] > 'Z')
		return 0;
	return take(d, d->country_run[country_place(cc)], at_us, out, most, 0);
}

/* The smallest network that anybody claims now decides: a customer's network
 * inside a carrier's shared range is its own. */
bool directory_shared_address(const struct directory *d, const struct ip *ip, int64_t at_us)
{
	for (size_t i = nets_find(d->nets, ip); i != NETS_NONE; i = nets_around(d->nets, i)) {
		bool claimed = false, shared = false;
		const struct claim *c = &d->claims[d->net_run[i]];
		for (;; c++) {
			if (in_season(c, at_us)) {
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
