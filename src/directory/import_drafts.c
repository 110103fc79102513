/* SPDX-License-Identifier: Apache-2.0 */
/* Drafts of one import, those of one organisation as one; and names as they are compared. */
#include <stdlib.h>

#include "directory/import_private.h"
#include "event/normalise.h"

str import_fold(struct arena *a, str name)
{
	char *to = arena_alloc(a, name.n + 1);
	size_t n = 0;
	bool gap = false;
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		bool letter = c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter) {
			gap = true;
			continue;
		}
		if (gap && n)
			to[n++] = ' ';
		gap = false;
		to[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : (char)c;
	}
	return str_mem(to, n);
}

str import_host(struct arena *a, str url)
{
	str host, name;
	if (!url_host(url, &host) || !fqdn_normalise(host, a, &name) || !str_has(name, '.'))
		return STR("");
	if (str_starts(name, STR("www.")) && str_has(str_from(name, 4), '.'))
		name = str_from(name, 4);
	return name;
}

static uint64_t hash_of(str s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

/* What one organisation of a file is known by: its id there, else its name. */
static str key_of(struct arena *a, const struct draft *d)
{
	return d->external.n ? d->external :
			       arena_fmt(a, "name " STR_FMT, STR_ARG(import_fold(a, d->name)));
}

/* slots: place + 1 */
static void widen(struct drafts *w)
{
	size_t mask = w->slots ? w->mask * 2 + 1 : 1023;
	uint64_t *wider = x_array(mask + 1, sizeof(*wider));
	for (size_t i = 0; i < w->count; i++) {
		size_t at = hash_of(key_of(w->a, w->list[i])) & mask;
		while (wider[at])
			at = (at + 1) & mask;
		wider[at] = i + 1;
	}
	free(w->slots);
	w->slots = wider;
	w->mask = mask;
}

static void tell(struct drafts *w, uint64_t row, const char *words)
{
	w->out->told++;
	if (w->tell && w->out->told <= BULK_ERRORS_MAX)
		w->tell(w->ctx, row, words);
}

static void fill(str *to, str from)
{
	if (to->n == 0)
		*to = from;
}

/* The later row of an organisation adds to the first. */
static void add_to(struct drafts *w, struct draft *d, const struct draft *more)
{
	const struct import_sink nobody = { .ctx = NULL };
	struct drafting both = { .to = &nobody, .a = w->a, .d = *d };
	bool full = false;
	fill(&both.d.kind, more->kind);
	fill(&both.d.country, more->country);
	fill(&both.d.sector, more->sector);
	fill(&both.d.timezone, more->timezone);
	fill(&both.d.website, more->website);
	fill(&both.d.established, more->established);
	fill(&both.d.address, more->address);
	fill(&both.d.languages, more->languages);
	fill(&both.d.remarks, more->remarks);
	draft_name(&both, more->name);
	for (size_t i = 0; i < more->name_count; i++)
		draft_name(&both, more->names[i]);
	for (size_t i = 0; i < more->contact_count; i++) {
		full |= both.d.contact_count == DRAFT_CONTACTS_MAX;
		draft_contact(&both, &more->contacts[i]);
	}
	for (size_t i = 0; i < more->claim_count; i++)
		draft_claim(&both, more->claims[i].kind.p, more->claims[i].value, more->claims[i].role.p);
	if (more->seen_day > both.d.seen_day)
		both.d.seen_day = more->seen_day;
	both.d.partly &= more->partly;
	*d = both.d;
	if (full)
		tell(w, more->row, "its organisation has 50 contacts already: this one is left out");
}

void drafts_add(void *ctx, const struct draft *d)
{
	struct drafts *w = ctx;
	str key = key_of(w->a, d);
	if ((w->count + 1) * 2 > w->mask)
		widen(w);
	size_t at = hash_of(key) & w->mask;
	for (; w->slots[at]; at = (at + 1) & w->mask)
		if (str_eq(key_of(w->a, w->list[w->slots[at] - 1]), key)) {
			add_to(w, w->list[w->slots[at] - 1], d);
			return;
		}
	if (w->count == IMPORT_DRAFTS_MAX) {
		w->over = true;
		return;
	}
	if (w->count == w->room) {
		w->room = w->room ? 2 * w->room : 256;
		w->list = x_grow(w->list, w->room, sizeof(*w->list));
	}
	struct draft *copy = ARENA_NEW(w->a, struct draft);
	*copy = *d;
	w->list[w->count] = copy;
	w->slots[at] = ++w->count;
}

void drafts_end(struct drafts *w)
{
	free(w->list);
	free(w->slots);
}
