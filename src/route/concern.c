/* SPDX-License-Identifier: Apache-2.0 */
#include "route/concern.h"

#include "event/normalise.h"

enum { SIDE_SOURCE = 1, SIDE_DESTINATION = 2, SIDE_BOTH = 3, SIDES = 2, GATHER_MAX = 96 };

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

/* What one side of an event says about where it is. */
struct side {
	struct ip ip;
	struct net net;
	bool has_ip, has_net;
	uint32_t asn;
	str fqdn, url, account, cc;
};

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

static str name_of(const struct side *s)
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
	str name = name_of(s);
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

/* Gives what was gathered since `from` its place in the order of the row. */
static void rank(struct gathered *g, size_t from, const struct concern_row *row, size_t side)
{
	uint8_t place[ROLE_COUNT];
	for (size_t i = 0; i < ROLE_COUNT; i++)
		place[row->order[i]] = (uint8_t)(side * ROLE_COUNT + i);
	for (size_t i = from; i < g->n; i++)
		g->place[i] = place[g->list[i].role];
}

/* Each organisation once, at its best place; what is equal stays in the order
 * it was found, the most specific first. */
static void settle(const struct gathered *g, struct concerns *out)
{
	out->count = 0;
	for (uint8_t p = 0; p < SIDES * ROLE_COUNT; p++) {
		for (size_t i = 0; i < g->n && out->count < CONCERNS_MAX; i++) {
			size_t k = 0;
			if (g->place[i] != p)
				continue;
			while (k < out->count && out->list[k].org != g->list[i].org)
				k++;
			if (k == out->count)
				out->list[out->count++] = g->list[i];
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

void route_row(const struct directory *d, const struct batch *b, const struct row *r,
	       int64_t now_us, struct concerns *out)
{
	struct side sides[SIDES] = { 0 };
	struct gathered g;
	str type = STR_NONE;
	const struct concern_row *row = row_sides(b, r, sides, &type, NULL);
	concerns_of(d, row, sides, now_us, &g, out);
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

/* --- a question --- */

static void who_ask(const struct directory *d, const struct side *s, int64_t now_us, struct who *out)
{
	struct side sides[SIDES] = { *s };
	struct gathered g;
	concerns_of(d, &concern_rows[DEFAULT_ROW], sides, now_us, &g, &out->concerns);
}

static void side_of_facts(struct side *s, const struct enrich *e, const struct ip *ip, struct who *out)
{
	if (!e || !enrich_ip(e, ip, &out->facts))
		return;
	s->asn = out->facts.asn;
	s->cc = str_of(out->facts.cc);
}

static void who_kind(struct who *out, const char *kind)
{
	snprintf(out->kind, sizeof(out->kind), "%s", kind);
}

/* Pasted text hides what it names: 203[.]0[.]113[.]7, hxxp://, example(.)org. */
static str refang(struct arena *a, str text)
{
	static const struct { str from, to; } pairs[] = {
		{ STR_INIT("[.]"), STR_INIT(".") }, { STR_INIT("(.)"), STR_INIT(".") },
		{ STR_INIT("{.}"), STR_INIT(".") }, { STR_INIT("[dot]"), STR_INIT(".") },
		{ STR_INIT("[:]"), STR_INIT(":") }, { STR_INIT("[://]"), STR_INIT("://") },
		{ STR_INIT("hxxp"), STR_INIT("http") }, { STR_INIT("[at]"), STR_INIT("@") },
		{ STR_INIT("[@]"), STR_INIT("@") },
	};
	char *to = arena_alloc(a, text.n + 1);
	size_t n = 0;
	while (text.n) {
		size_t k = 0;
		while (k < COUNT_OF(pairs) && !str_starts_nocase(text, pairs[k].from))
			k++;
		str piece = k < COUNT_OF(pairs) ? pairs[k].to : str_head(text, 1);
		memcpy(to + n, piece.p, piece.n); /* never longer than what it stands for */
		n += piece.n;
		text = str_from(text, k < COUNT_OF(pairs) ? pairs[k].from.n : 1);
	}
	return str_mem(to, n);
}

/* Quotes, brackets and the punctuation of a sentence around it. */
static str peel(str s)
{
	s = str_trim_all(s);
	while (s.n && strchr("<\"'`", s.p[0]))
		s = str_from(s, 1);
	while (s.n && strchr(">\"'`,;.", s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool who_asn(str text, struct side *s)
{
	return str_starts_nocase(text, STR("AS")) && str_to_u32(str_trim(str_from(text, 2)), &s->asn) &&
	       s->asn;
}

/* "[2001:db8::1]", "[2001:db8::1]:443", "192.0.2.1:443" and bare addresses. */
static bool who_ip(str text, struct ip *out)
{
	if (text.n && text.p[0] == '[')
		text = str_head(str_from(text, 1), str_index(text, ']') - 1);
	if (ip_parse(text, out))
		return true;
	size_t colon = str_index(text, ':');
	return colon < text.n && ip_parse(str_head(text, colon), out);
}

static enum rc who_host(const struct directory *d, const struct enrich *e, str host, const char *kind,
			struct arena *a, int64_t now_us, struct who *out)
{
	struct side s = { 0 };
	if (who_ip(host, &s.ip)) {
		s.has_ip = true;
		who_kind(out, str_eq(str_of(kind), STR("domain")) ? "ip" : kind);
		side_of_facts(&s, e, &s.ip, out);
	} else if (fqdn_normalise(host, a, &s.fqdn) && str_has(s.fqdn, '.')) {
		who_kind(out, kind);
	} else {
		return RC_INPUT;
	}
	who_ask(d, &s, now_us, out);
	return RC_OK;
}

static enum rc who_in(const struct directory *d, const struct enrich *e, str text, struct arena *a,
		      int64_t now_us, struct who *out)
{
	struct side s = { 0 };
	str url, host;
	text = refang(a, peel(text));
	if (who_asn(text, &s)) {
		who_kind(out, "asn");
		out->facts.asn = s.asn;
		who_ask(d, &s, now_us, out);
		return RC_OK;
	}
	if (str_has(text, '/') && net_parse(text, false, &s.net)) {
		s.has_net = true;
		who_kind(out, "net");
		side_of_facts(&s, e, &s.net.ip, out);
		who_ask(d, &s, now_us, out);
		return RC_OK;
	}
	if (str_find(text, STR("://")) == text.n) {
		text = str_has(text, '@') ? str_from(text, str_index(text, '@') + 1) : text;
		size_t slash = str_index(text, '/');
		if (slash == text.n)
			return who_host(d, e, text, "domain", a, now_us, out);
		uint32_t bits;
		struct ip ip;
		if (ip_parse(str_head(text, slash), &ip) && str_to_u32(str_from(text, slash + 1), &bits))
			return RC_INPUT; /* a network with too many bits, no URL */
		text = arena_fmt(a, "http://" STR_FMT, STR_ARG(text));
	}
	if (!url_normalise(text, a, &url) || !url_host(url, &host))
		return RC_INPUT;
	return who_host(d, e, host, "url", a, now_us, out);
}

enum rc route_who(const struct directory *d, const struct enrich *e, str text, int64_t now_us,
		  struct who *out, struct err *err)
{
	enum { WHO_TEXT_MAX = 4096 };
	*out = (struct who){ 0 };
	if (text.n > WHO_TEXT_MAX)
		return fail(err, RC_INPUT, "who: over %d bytes", WHO_TEXT_MAX);
	struct arena *a = arena_new(KIB(16));
	enum rc rc = who_in(d, e, text, a, now_us, out);
	arena_free(a);
	if (rc == RC_OK)
		return RC_OK;
	*out = (struct who){ 0 };
	return fail(err, rc, "'" STR_FMT "' is no address, network, name, URL or AS number",
		    (int)(text.n > 120 ? 120 : text.n), text.p ? text.p : "");
}
