/* SPDX-License-Identifier: Apache-2.0 */
#include "route/concern_private.h"

#include "event/normalise.h"

enum { SIDE_SOURCE = 1, SIDE_DESTINATION = 2, SIDE_BOTH = 3, GATHER_MAX = 96 };

/* As they are written in concern.def. */
enum {
	PLACE_HOLDER = ROLE_ASSET_HOLDER, PLACE_HOST = ROLE_HOST, PLACE_NETWORK = ROLE_NETWORK,
	PLACE_REGISTRAR = ROLE_REGISTRAR, PLACE_CERT = ROLE_NATIONAL_CERT
};

static const struct concern_row {
	const char *type;
	unsigned sides;
	uint8_t order[ROLE_COUNT];
} concern_rows[] = {
#define CONCERN(type, side, a, b, c, d, e)                                                 \
	{ type, SIDE_##side, { PLACE_##a, PLACE_##b, PLACE_##c, PLACE_##d, PLACE_##e } },
#include "route/concern.def"
#undef CONCERN
};
enum { DEFAULT_ROW = COUNT_OF(concern_rows) - 1 };

/* Matches of all kinds, with their place in the order. */
struct gathered {
	struct match list[GATHER_MAX];
	uint8_t place[GATHER_MAX];
	size_t n;
};

static const struct concern_row *row_of_type(str type)
{
	for (size_t i = 0; i < DEFAULT_ROW; i++)
		if (str_eq(type, str_of(concern_rows[i].type)))
			return &concern_rows[i];
	return &concern_rows[DEFAULT_ROW];
}

str side_name(const struct side *s)
{
	str host;
	if (s->fqdn.n)
		return s->fqdn;
	if (s->url.n && url_host(s->url, &host))
		return host; /* an address written out matches no domain */
	if (str_has(s->account, '@')) {
		size_t at = s->account.n;
		while (s->account.p[at - 1] != '@')
			at--;
		return str_from(s->account, at);
	}
	return STR_NONE;
}

static void gather(const struct directory *d, const struct side *s, int64_t now_us,
		   struct gathered *g)
{
	str name = side_name(s);
#define ROOM g->list + g->n, GATHER_MAX - g->n
	if (s->has_ip)
		g->n += directory_match_ip(d, &s->ip, now_us, ROOM);
	else if (s->has_net)
		g->n += directory_match_net(d, &s->net, now_us, ROOM);
	if (name.n)
		g->n += directory_match_domain(d, name, now_us, ROOM);
	if (s->asn)
		g->n += directory_match_asn(d, s->asn, now_us, ROOM);
	if (s->cc.n)
		g->n += directory_match_country(d, s->cc, now_us, ROOM);
#undef ROOM
}

/* Shared addresses matter where the trouble comes from, not where it goes. */
static void forget_shared(struct gathered *g, size_t from)
{
	static const char shared[] = "shared ";
	for (size_t i = from; i < g->n; i++) {
		struct match *m = &g->list[i];
		if (m->shared_address)
			memmove(m->reason, m->reason + sizeof(shared) - 1,
				sizeof(m->reason) - (sizeof(shared) - 1));
		m->shared_address = false;
	}
}

/* Gives what was gathered since `from` its place in the order of the row. */
static void rank(struct gathered *g, size_t from, const struct concern_row *row, size_t side)
{
	uint8_t place[ROLE_COUNT];
	for (size_t i = 0; i < ROLE_COUNT; i++)
		place[row->order[i]] = (uint8_t)(side * ROLE_COUNT + i);
	for (size_t i = from; i < g->n; i++)
		g->place[i] = place[g->list[i].role];
}

/* The findings read from the reasons that an address is shared: it must not get
 * lost because its holder has a better reason. */
static void keep_shared(struct match *m, const struct match *shared)
{
	enum concern_role role = m->role;
	*m = *shared;
	m->role = role;
}

/* Each organisation once, at its best place; what is equal stays in the order
 * it was found, the most specific first. */
static void settle(const struct gathered *g, struct concerns *out)
{
	out->count = 0;
	for (uint8_t p = 0; p < SIDES * ROLE_COUNT; p++) {
		for (size_t i = 0; i < g->n; i++) {
			size_t k = 0;
			if (g->place[i] != p)
				continue;
			while (k < out->count && out->list[k].org != g->list[i].org)
				k++;
			if (k == out->count && k < CONCERNS_MAX)
				out->list[out->count++] = g->list[i];
			else if (k < out->count && g->list[i].shared_address && !out->list[k].shared_address)
				keep_shared(&out->list[k], &g->list[i]);
		}
	}
}

/* --- an event --- */

enum part { PART_NONE, PART_IP, PART_NET, PART_FQDN, PART_URL, PART_ACCOUNT, PART_ASN, PART_CC };

/* Which part of which side a field is: one look per cell of a row. */
static const struct {
	uint8_t part, side;
} parts[FIELD_COUNT] = {
	[FIELD_SOURCE_IP] = { PART_IP, 0 },
	[FIELD_SOURCE_NETWORK] = { PART_NET, 0 },
	[FIELD_SOURCE_FQDN] = { PART_FQDN, 0 },
	[FIELD_SOURCE_URL] = { PART_URL, 0 },
	[FIELD_SOURCE_ACCOUNT] = { PART_ACCOUNT, 0 },
	[FIELD_SOURCE_ASN] = { PART_ASN, 0 },
	[FIELD_SOURCE_GEOLOCATION_CC] = { PART_CC, 0 },
	[FIELD_DESTINATION_IP] = { PART_IP, 1 },
	[FIELD_DESTINATION_NETWORK] = { PART_NET, 1 },
	[FIELD_DESTINATION_FQDN] = { PART_FQDN, 1 },
	[FIELD_DESTINATION_URL] = { PART_URL, 1 },
	[FIELD_DESTINATION_ACCOUNT] = { PART_ACCOUNT, 1 },
	[FIELD_DESTINATION_ASN] = { PART_ASN, 1 },
	[FIELD_DESTINATION_GEOLOCATION_CC] = { PART_CC, 1 },
};

static void side_put(struct side *s, enum part part, const struct batch *b, const struct cell *c)
{
	switch (part) {
	case PART_NONE: break;
	case PART_IP: s->has_ip = cell_ip(b, c, &s->ip); break;
	case PART_NET: s->has_net = cell_net(b, c, &s->net); break;
	case PART_FQDN: s->fqdn = cell_text(b, c); break;
	case PART_URL: s->url = cell_text(b, c); break;
	case PART_ACCOUNT: s->account = cell_text(b, c); break;
	case PART_ASN:
		if (c->kind == CELL_INT && c->i > 0 && c->i <= UINT32_MAX)
			s->asn = (uint32_t)c->i;
		break;
	case PART_CC: s->cc = cell_text(b, c); break;
	}
}

/* Reads what a row says of both sides; returns its row of the table. A run of
 * events has mostly one type: *memo keeps the last one asked for. */
static const struct concern_row *row_sides(const struct batch *b, const struct row *r,
					   struct side sides[SIDES], str *memo,
					   const struct concern_row *memo_row)
{
	const struct cell *cells = b->cell + r->first_cell;
	const struct concern_row *found = &concern_rows[DEFAULT_ROW];
	for (uint32_t i = 0; i < r->cells && cells[i].field < FIELD_COUNT; i++) {
		const struct cell *c = &cells[i];
		if (c->field == FIELD_CLASSIFICATION_TYPE) {
			str type = cell_text(b, c);
			found = memo_row && str_eq(type, *memo) ? memo_row : row_of_type(type);
			*memo = type;
		} else if (parts[c->field].part != PART_NONE) {
			side_put(&sides[parts[c->field].side], (enum part)parts[c->field].part, b, c);
		}
	}
	return found;
}

static void concerns_of(const struct directory *d, const struct concern_row *row,
			const struct side sides[SIDES], int64_t now_us, struct gathered *g,
			struct concerns *out)
{
	g->n = 0;
	for (size_t side = 0; side < SIDES; side++) {
		size_t from = g->n;
		if (!(row->sides & 1u << side))
			continue;
		gather(d, &sides[side], now_us, g);
		rank(g, from, row, side);
		if (side > 0)
			forget_shared(g, from);
	}
	settle(g, out);
}

void concerns_format(const struct concerns *list, struct buf *out)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct match *m = &list->list[i];
		if (i)
			buf_char(out, '|');
		buf_i64(out, m->org);
		buf_char(out, ' ');
		buf_u64(out, m->role);
		buf_char(out, ' ');
		buf_add(out, str_of(m->reason));
	}
}

void concerns_of_sides(const struct directory *d, str type, const struct side sides[SIDES],
		       int64_t now_us, struct concerns *out)
{
	struct gathered g;
	concerns_of(d, row_of_type(type), sides, now_us, &g, out);
}

void sides_of_row(const struct batch *b, const struct row *r, struct side sides[SIDES])
{
	str type = STR_NONE;
	(void)row_sides(b, r, sides, &type, NULL);
}

enum rc route_batch(const struct directory *d, struct batch *b, int64_t now_us, struct err *err)
{
	struct buf text = BUF_INIT(KIB(4));
	const struct concern_row *row = NULL;
	str type = STR_NONE;
	enum rc rc = RC_OK;
	/* Out here, as the compiler clears what is declared in a loop each time. */
	struct gathered g;
	struct concerns list;
	for (uint32_t i = 0; i < b->c.rows && rc == RC_OK; i++) {
		struct side sides[SIDES] = { 0 };
		row = row_sides(b, &b->row[i], sides, &type, row);
		concerns_of(d, row, sides, now_us, &g, &list);
		if (list.count == 0)
			continue;
		buf_reset(&text);
		concerns_format(&list, &text);
		const struct cell cell = { .field = FIELD_RONDA_CONCERNS, .kind = CELL_TEXT };
		rc = batch_amend(b, i, &cell, buf_str(&text));
	}
	buf_free(&text);
	return rc == RC_OK ? rc : fail(err, rc, "batch: no room to note whom an event concerns");
}

/* --- and back --- */

static bool match_parse(str text, struct match *m)
{
	int64_t role;
	str org = str_cut(&text, ' '), number = str_cut(&text, ' ');
	*m = (struct match){ 0 };
	if (!str_to_i64(org, &m->org) || !str_to_i64(number, &role) || role < 0 || role >= ROLE_COUNT ||
	    !str_to_z(text, m->reason, sizeof(m->reason)))
		return false;
	m->role = (enum concern_role)role;
	m->shared_address = str_starts(text, STR("shared "));
	return text.n > 0;
}

bool concerns_parse(str text, struct concerns *out)
{
	out->count = 0;
	while (text.n) {
		if (out->count == CONCERNS_MAX || !match_parse(str_cut(&text, '|'), &out->list[out->count]))
			return false;
		out->count++;
	}
	return true;
}
