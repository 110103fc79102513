/* SPDX-License-Identifier: Apache-2.0 */
#include "enrich/overlay.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "enrich/nets.h"

enum { LINES_MAX = 1000000 };
#define OVERLAY_MAX MIB(64)

struct line {
	struct net_facts facts;
	str name;
	uint32_t number;
};

struct overlay {
	struct arena *arena;
	struct line *lines; /* sorted by network */
	size_t n, room;
	struct nets *nets;
};

/* Takes the next word off *s; empty at the end. */
static str word(str *s)
{
	size_t i = 0;
	*s = str_trim(*s);
	while (i < s->n && s->p[i] != ' ' && s->p[i] != '\t')
		i++;
	str w = str_head(*s, i);
	*s = str_trim(str_from(*s, i));
	return w;
}

static bool is_cc(str s)
{
	return s.n == 2 && s.p[0] >= 'A' && s.p[0] <= 'Z' && s.p[1] >= 'A' && s.p[1] <= 'Z';
}

static enum rc parse_line(str text, uint32_t number, struct line *out, struct err *err)
{
	str net = word(&text), asn = word(&text), cc = word(&text);
	*out = (struct line){ .number = number, .name = text };
	if (!net_parse(net, true, &out->facts.net))
		return fail(err, RC_INPUT, "overlay: line %u: '" STR_FMT "' is no network", number,
			    STR_ARG(net));
	if (str_starts_nocase(asn, STR("AS")))
		asn = str_from(asn, 2);
	if (asn.n && !str_eq(asn, STR("-")) && !str_to_u32(asn, &out->facts.asn))
		return fail(err, RC_INPUT, "overlay: line %u: '" STR_FMT "' is no AS number", number,
			    STR_ARG(asn));
	if (cc.n && !str_eq(cc, STR("-")) && !is_cc(cc))
		return fail(err, RC_INPUT, "overlay: line %u: '" STR_FMT "' is no country code", number,
			    STR_ARG(cc));
	if (is_cc(cc))
		memcpy(out->facts.cc, cc.p, 2);
	if (!str_is_plain(text))
		return fail(err, RC_INPUT, "overlay: line %u: the name is not plain text", number);
	return RC_OK;
}

static void add(struct overlay *o, const struct line *line)
{
	if (o->n == o->room) {
		o->room = o->room ? o->room * 2 : 64;
		o->lines = x_grow(o->lines, o->room, sizeof(*o->lines));
	}
	o->lines[o->n] = *line;
	o->lines[o->n++].name = arena_str(o->arena, line->name);
}

static int line_cmp(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = nets_cmp(&x->facts.net, &y->facts.net);
	return order ? order : (x->number > y->number) - (x->number < y->number);
}

static enum rc index_lines(struct overlay *o, struct err *err)
{
	struct net *nets = x_array(o->n + 1, sizeof(*nets));
	enum rc rc = RC_OK;
	if (o->n)
		qsort(o->lines, o->n, sizeof(*o->lines), line_cmp);
	for (size_t i = 0; i < o->n && rc == RC_OK; i++) {
		nets[i] = o->lines[i].facts.net;
		if (i > 0 && nets_cmp(&nets[i - 1], &nets[i]) == 0)
			rc = fail(err, RC_INPUT, "overlay: line %u: its network stands in line %u too",
				  o->lines[i].number, o->lines[i - 1].number);
	}
	if (rc == RC_OK)
		o->nets = nets_new(nets, o->n);
	free(nets);
	return rc;
}

enum rc overlay_parse(str text, struct overlay **out, struct err *err)
{
	struct overlay *o = x_alloc(sizeof(*o));
	enum rc rc = RC_OK;
	uint32_t number = 0;
	o->arena = arena_new(KIB(16));
	for (str l; rc == RC_OK && str_line(&text, &l);) {
		struct line one;
		number++;
		l = str_trim_all(str_head(l, str_index(l, '#')));
		if (l.n == 0)
			continue;
		rc = o->n == LINES_MAX ? fail(err, RC_LIMIT, "overlay: more than %d lines", LINES_MAX) :
					 parse_line(l, number, &one, err);
		if (rc == RC_OK)
			add(o, &one);
	}
	if (rc == RC_OK)
		rc = index_lines(o, err);
	if (rc == RC_OK)
		*out = o;
	else
		overlay_close(o);
	return rc;
}

enum rc overlay_open(const char *path, struct overlay **out, struct err *err)
{
	struct buf text = BUF_INIT(OVERLAY_MAX);
	char piece[16384];
	FILE *f = fopen(path, "re");
	if (!f)
		return fail_errno(err, errno, "overlay: cannot open '%s'", path);
	for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
		buf_add_mem(&text, piece, n);
	bool failed = ferror(f) != 0;
	fclose(f);
	enum rc rc = failed ? fail(err, RC_IO, "overlay: cannot read '%s'", path) :
		     text.over ? fail(err, RC_LIMIT, "overlay: over %zu MiB", OVERLAY_MAX >> 20) :
				 overlay_parse(buf_str(&text), out, err);
	buf_free(&text);
	return rc;
}

void overlay_close(struct overlay *o)
{
	if (!o)
		return;
	nets_free(o->nets);
	free(o->lines);
	arena_free(o->arena);
	free(o);
}

bool overlay_find(const struct overlay *o, const struct ip *ip, struct net_facts *out)
{
	size_t at = nets_find(o->nets, ip);
	if (at == NETS_NONE)
		return false;
	*out = o->lines[at].facts;
	return true;
}

/* Asked for by people, one at a time. */
str overlay_asn_name(const struct overlay *o, uint32_t asn, char name[128])
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->lines[i].facts.asn != asn || o->lines[i].name.n == 0)
			continue;
		int n = snprintf(name, 128, "AS%u %.*s", asn,
				 o->lines[i].name.n > 100 ? 100 : (int)o->lines[i].name.n,
				 o->lines[i].name.p);
		return str_mem(name, n < 128 ? (size_t)n : 127);
	}
	return STR_NONE;
}

size_t overlay_size(const struct overlay *o)
{
	return o->n;
}
