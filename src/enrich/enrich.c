/* SPDX-License-Identifier: Apache-2.0 */
#include "enrich/enrich.h"

#include <libpsl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/hash.h"
#include "enrich/loc_cache.h"
#include "enrich/overlay.h"
#include "event/normalise.h"

struct enrich {
	struct loc_cache *loc;   /* NULL: without */
	struct overlay *overlay; /* NULL: none */
	const psl_ctx_t *psl;
	psl_ctx_t *psl_own;
	char *loc_path, *overlay_path;
};

static void open_networks(struct enrich *e, const struct enrich_sources *from, struct log *log)
{
	struct err err;
	if (!from->network_db)
		return;
	if (access(from->network_db, R_OK) != 0) {
		log_warn(log, "no network database: events get no ASN and country",
			 L_Z("path", from->network_db));
		return;
	}
	if (loc_cache_open(from->network_db, from->cache_dir, &e->loc, &err) != RC_OK)
		log_warn(log, "network database is not used", L_Z("path", from->network_db),
			 L_Z("why", err.text));
	else
		e->loc_path = x_strdup(from->network_db);
}

/* The distribution's list is newer than the one built into the library. */
static void open_suffixes(struct enrich *e, struct log *log)
{
	e->psl_own = psl_latest(NULL);
	e->psl = e->psl_own ? e->psl_own : psl_builtin();
	if (!e->psl)
		log_warn(log, "no public suffix list: names get no suffix");
}

enum rc enrich_open(const struct enrich_sources *from, struct log *log, struct enrich **out,
		    struct err *err)
{
	struct enrich *e = x_alloc(sizeof(*e));
	enum rc rc = RC_OK;
	open_networks(e, from, log);
	open_suffixes(e, log);
	if (from->overlay) {
		rc = overlay_open(from->overlay, &e->overlay, err);
		e->overlay_path = x_strdup(from->overlay);
	}
	if (rc == RC_OK)
		*out = e;
	else
		enrich_close(e);
	return rc;
}

void enrich_close(struct enrich *e)
{
	if (!e)
		return;
	loc_cache_close(e->loc);
	overlay_close(e->overlay);
	psl_free(e->psl_own);
	free(e->loc_path);
	free(e->overlay_path);
	free(e);
}

bool enrich_ip(const struct enrich *e, const struct ip *ip, struct net_facts *out)
{
	if (e->overlay && overlay_find(e->overlay, ip, out))
		return true;
	return e->loc && loc_cache_find(e->loc, ip, out);
}

str enrich_asn_name(const struct enrich *e, uint32_t asn, char name[128])
{
	str s = e->overlay ? overlay_asn_name(e->overlay, asn, name) : STR_NONE;
	return s.p || !e->loc ? s : loc_cache_asn_name(e->loc, asn, name);
}

/* --- names --- */

/* libpsl takes C strings; a name from an event may be long, never endless. */
enum { NAME_MAX_BYTES = 253 };

static str site_or_suffix(const struct enrich *e, str fqdn, bool suffix)
{
	char z[NAME_MAX_BYTES + 1];
	if (!e->psl || fqdn.n == 0 || fqdn.n > NAME_MAX_BYTES || !str_to_z(fqdn, z, sizeof(z)))
		return STR_NONE;
	const char *p = suffix ? psl_unregistrable_domain(e->psl, z) : psl_registrable_domain(e->psl, z);
	return p ? str_from(fqdn, (size_t)(p - z)) : STR_NONE;
}

str enrich_site(const struct enrich *e, str fqdn)
{
	return site_or_suffix(e, fqdn, false);
}

/* --- a batch --- */

/* Fields of one side. */
struct side_fields {
	enum field ip, asn, network, cc, fqdn, url, suffix;
};
static const struct side_fields sides[] = {
	{ FIELD_SOURCE_IP, FIELD_SOURCE_ASN, FIELD_SOURCE_NETWORK, FIELD_SOURCE_GEOLOCATION_CC,
	  FIELD_SOURCE_FQDN, FIELD_SOURCE_URL, FIELD_SOURCE_DOMAIN_SUFFIX },
	{ FIELD_DESTINATION_IP, FIELD_DESTINATION_ASN, FIELD_DESTINATION_NETWORK,
	  FIELD_DESTINATION_GEOLOCATION_CC, FIELD_DESTINATION_FQDN, FIELD_DESTINATION_URL,
	  FIELD_DESTINATION_DOMAIN_SUFFIX },
};

/* Which fields a row has, a bit each. */
struct seen {
	uint64_t has[(FIELD_COUNT + 63) / 64];
};

static bool has(const struct seen *s, enum field f)
{
	return s->has[f / 64] >> (f % 64) & 1;
}

static void look(const struct batch *b, const struct row *r, struct seen *s)
{
	const struct cell *c = b->cell + r->first_cell, *end = c + r->cells;
	for (; c < end && c->field < FIELD_COUNT; c++)
		s->has[c->field / 64] |= UINT64_C(1) << (c->field % 64);
}

static enum rc add_text(struct batch *b, uint32_t row, enum field f, str text)
{
	const struct cell cell = { .field = (uint8_t)f, .kind = CELL_TEXT };
	return batch_amend(b, row, &cell, text);
}

static enum rc add_facts(const struct enrich *e, struct batch *b, uint32_t row,
			 const struct side_fields *f, const struct seen *s)
{
	struct ip ip;
	struct net_facts facts;
	enum rc rc = RC_OK;
	if (has(s, f->asn) && has(s, f->network) && has(s, f->cc))
		return RC_OK;
	if (!cell_ip(b, batch_find(b, &b->row[row], f->ip), &ip) || !enrich_ip(e, &ip, &facts))
		return RC_OK;
	if (!has(s, f->asn) && facts.asn) {
		const struct cell cell = { .field = (uint8_t)f->asn, .kind = CELL_INT, .i = facts.asn };
		rc = batch_amend(b, row, &cell, STR_NONE);
	}
	if (rc == RC_OK && !has(s, f->network)) {
		unsigned char raw[17];
		const struct cell cell = { .field = (uint8_t)f->network, .kind = CELL_NET };
		memcpy(raw, facts.net.ip.b, 16);
		raw[16] = facts.net.bits;
		rc = batch_amend(b, row, &cell, str_mem(raw, sizeof(raw)));
	}
	if (rc == RC_OK && !has(s, f->cc) && facts.cc[0])
		rc = add_text(b, row, f->cc, str_mem(facts.cc, 2));
	return rc;
}

/* The name out of the URL when that is all there is. */
static enum rc add_fqdn(struct batch *b, uint32_t row, const struct side_fields *f)
{
	str host;
	struct ip ip;
	const struct cell *c = batch_find(b, &b->row[row], f->url);
	if (!c || !url_host(cell_text(b, c), &host) || host.n > NAME_MAX_BYTES || ip_parse(host, &ip))
		return RC_OK;
	return add_text(b, row, f->fqdn, host);
}

static enum rc add_suffix(const struct enrich *e, struct batch *b, uint32_t row,
			  const struct side_fields *f)
{
	const struct cell *c = batch_find(b, &b->row[row], f->fqdn);
	str suffix = c ? site_or_suffix(e, cell_text(b, c), true) : STR_NONE;
	return suffix.n ? add_text(b, row, f->suffix, suffix) : RC_OK;
}

static enum rc enrich_row(const struct enrich *e, struct batch *b, uint32_t row)
{
	struct seen s = { { 0 } };
	enum rc rc = RC_OK;
	look(b, &b->row[row], &s);
	for (size_t i = 0; i < COUNT_OF(sides) && rc == RC_OK; i++) {
		const struct side_fields *f = &sides[i];
		bool name = has(&s, f->fqdn);
		if (has(&s, f->ip))
			rc = add_facts(e, b, row, f, &s);
		if (rc == RC_OK && !name && has(&s, f->url)) {
			rc = add_fqdn(b, row, f);
			name = true;
		}
		if (rc == RC_OK && name && !has(&s, f->suffix))
			rc = add_suffix(e, b, row, f);
	}
	return rc;
}

enum rc enrich_batch(const struct enrich *e, struct batch *b, struct err *err)
{
	for (uint32_t i = 0; i < b->c.rows; i++) {
		enum rc rc = enrich_row(e, b, i);
		if (rc != RC_OK)
			return fail(err, rc, "batch: no room for what is known of its networks");
	}
	return RC_OK;
}

void enrich_describe(const struct enrich *e, struct buf *out)
{
	if (e->loc) {
		buf_fmt(out, "networks: %s, ", e->loc_path);
		loc_cache_describe(e->loc, out);
		buf_char(out, '\n');
	}
	if (e->overlay)
		buf_fmt(out, "overlay: %s, %zu networks\n", e->overlay_path, overlay_size(e->overlay));
	if (e->psl)
		buf_fmt(out, "public suffixes: %s\n",
			e->psl_own && psl_dist_filename() ? psl_dist_filename() : "built into libpsl");
}
