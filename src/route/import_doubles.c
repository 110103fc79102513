/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "route/import_private.h"

/* A claim of the file (draft and claim set) or of the store. */
struct rival {
	const struct scope_row *row;
	struct draft *draft;
	struct draft_claim *claim;
	int64_t org; /* of the store */
	str name;
};

struct rivals {
	struct rival *list;
	size_t n, room;
};

static void rivals_add(struct rivals *r, struct rival one)
{
	if (r->n == r->room) {
		r->room = r->room ? r->room * 2 : 256;
		r->list = x_grow(r->list, r->room, sizeof(*r->list));
	}
	r->list[r->n++] = one;
}

static void rivals_of_file(struct rivals *r, struct import *im)
{
	for (struct draft *d = im->drafts; d; d = d->next)
		for (struct draft_claim *c = d->bad ? NULL : d->claims; c; c = c->next)
			if (c->row.kind != SCOPE_COUNTRY)
				rivals_add(r, (struct rival){ &c->row, d, c, 0, d->name });
}

/* What the file says anew no longer counts as the store says it. */
static enum rc rivals_of_store(struct rivals *r, struct import *im, struct conn *c, struct err *err)
{
	struct sql *q = sql(c, "SELECT o.id, o.name, o.folded, s.kind, s.value, s.role, "
			       "s.shared_address, s.from_us, s.until_us "
			       "FROM org_scope s JOIN org o ON o.id = s.org WHERE s.kind <> 'country'");
	while (sql_row(q)) {
		const struct draft *d = import_find(im, sql_col_str(q, 2));
		struct scope_row row = {
			.org = sql_col_int(q, 0), .role = (enum concern_role)sql_col_int(q, 5),
			.shared_address = sql_col_int(q, 6) != 0, .from_us = sql_col_int(q, 7),
			.until_us = sql_col_int(q, 8),
		};
		if ((d && !d->bad) || !scope_kind_parse(sql_col_str(q, 3), &row.kind))
			continue;
		row.value = arena_str(im->a, sql_col_str(q, 4));
		struct scope_row *kept = ARENA_NEW(im->a, struct scope_row);
		*kept = row;
		str name = arena_str(im->a, sql_col_str(q, 1));
		rivals_add(r, (struct rival){ kept, NULL, NULL, row.org, name });
	}
	return sql_end(q, err);
}

static int key_cmp(const struct scope_row *a, const struct scope_row *b)
{
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	int order = str_cmp(a->value, b->value);
	return order ? order : (int)a->role - (int)b->role;
}

static uint32_t line_of(const struct rival *r)
{
	return r->claim ? r->claim->line : 0; /* the store came first */
}

/* Equal seasons of one organisation: shared first, as that one stays. */
static int rival_cmp(const void *a, const void *b)
{
	const struct rival *x = a, *y = b;
	int order = key_cmp(x->row, y->row);
	if (order)
		return order;
	if (x->row->from_us != y->row->from_us)
		return x->row->from_us < y->row->from_us ? -1 : 1;
	if (x->row->shared_address != y->row->shared_address)
		return x->row->shared_address ? -1 : 1;
	return (int)line_of(x) - (int)line_of(y);
}

static int64_t season_end(const struct rival *r)
{
	return r->row->until_us ? r->row->until_us : INT64_MAX;
}

static bool one_org(const struct rival *a, const struct rival *b)
{
	return a->draft == b->draft && a->org == b->org;
}

static void say_double(struct import *im, const struct rival *a, const struct rival *b)
{
	const struct rival *later = line_of(a) > line_of(b) ? a : b, *first = later == a ? b : a;
	if (!later->draft) /* both stand in the store: not this file's doing */
		return;
	char where[32] = "in the store";
	if (first->claim)
		snprintf(where, sizeof(where), "in row %u", first->claim->line);
	import_error(im, later->claim->line, later->draft,
		     "%s '" STR_FMT "' is also claimed by '" STR_FMT "' %s",
		     scope_kind_name(later->row->kind), STR_ARG(later->row->value),
		     STR_ARG(first->name), where);
}

/* By season: `open` is the claim that lasts longest of those before. */
static void check_sorted(struct import *im, const struct rivals *r)
{
	const struct rival *open = NULL;
	for (size_t i = 0; i < r->n; i++) {
		const struct rival *now = &r->list[i];
		if (!open || key_cmp(open->row, now->row) != 0) {
			open = now;
			continue;
		}
		bool overlap = now->row->from_us < season_end(open);
		if (overlap && !one_org(open, now))
			say_double(im, open, now);
		else if (overlap && now->claim && season_end(now) <= season_end(open))
			now->claim->again = true;
		if (season_end(now) > season_end(open))
			open = now;
	}
}

enum rc import_doubles(struct import *im, struct conn *c, struct err *err)
{
	size_t bad, bad_before = SIZE_MAX;
	enum rc rc = RC_OK;
	/* A draft that falls out leaves what the store says of it in force: look again. */
	while (rc == RC_OK) {
		bad = 0;
		for (const struct draft *d = im->drafts; d; d = d->next)
			bad += d->bad;
		if (bad == bad_before)
			break;
		bad_before = bad;
		struct rivals r = { 0 };
		rivals_of_file(&r, im);
		rc = rivals_of_store(&r, im, c, err);
		if (rc == RC_OK && r.n) {
			qsort(r.list, r.n, sizeof(*r.list), rival_cmp);
			check_sorted(im, &r);
		}
		free(r.list);
	}
	return rc;
}
