/* SPDX-License-Identifier: Apache-2.0 */
/* What a file says, checked value by value and gathered by organisation. */
#include <stdarg.h>

#include "base/clock.h"
#include "route/import_private.h"

void import_error(struct import *im, uint32_t line, struct draft *d, const char *fmt, ...)
{
	struct import_result *r = im->result;
	struct err words;
	va_list args;
	va_start(args, fmt);
	char text[sizeof(words.text)];
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fail(&words, RC_INPUT, "%s", text); /* takes the control characters out */
	if (d)
		d->bad = true;
	if (r->error_count == IMPORT_ERRORS_MAX)
		return;
	if (r->error_count == im->error_room) {
		size_t room = im->error_room ? im->error_room * 2 : 16;
		struct import_row_error *wider = ARENA_ARRAY(im->a, room, struct import_row_error);
		if (r->error_count)
			memcpy(wider, r->errors, r->error_count * sizeof(*wider));
		r->errors = wider;
		im->error_room = room;
	}
	struct import_row_error *e = &r->errors[r->error_count++];
	e->row = line;
	snprintf(e->words, sizeof(e->words), "%.*s", (int)sizeof(e->words) - 1, words.text);
}

/* Open addressing in twice as many slots as a file may hold organisations. */
static struct draft **find_slot(struct import *im, str folded)
{
	size_t size = (size_t)IMPORT_ORGS_MAX * 2;
	uint64_t h = im->seed;
	for (size_t i = 0; i < folded.n; i++)
		h = (h ^ (uint8_t)folded.p[i]) * UINT64_C(0x100000001b3);
	size_t at = (size_t)((h ^ h >> 29) % size);
	while (im->slots[at] && !str_eq(im->slots[at]->folded, folded))
		at = (at + 1) % size;
	return &im->slots[at];
}

struct draft *import_find(struct import *im, str folded)
{
	return *find_slot(im, folded);
}

static bool good_name(str s, size_t most)
{
	return s.n > 0 && s.n <= most && str_is_plain(s);
}

static struct draft *new_draft(struct import *im, str name, str folded, str kind, str country)
{
	struct draft *d = ARENA_NEW(im->a, struct draft);
	*d = (struct draft){
		.name = arena_str(im->a, name), .folded = folded, .kind = arena_str(im->a, kind),
		.country = arena_str(im->a, country), .sector = STR(""), .timezone = STR(""),
		.line = im->line,
	};
	d->contacts_end = &d->contacts;
	d->claims_end = &d->claims;
	*im->drafts_end = d;
	im->drafts_end = &d->next;
	im->draft_count++;
	return d;
}

void import_begin(struct import *im, uint32_t line, str name, str kind, str country)
{
	im->line = line;
	im->now = NULL;
	im->from_us = im->until_us = 0;
	name = str_trim_all(name);
	kind = kind.n ? kind : STR("constituent");
	if (!good_name(name, IMPORT_NAME_MAX)) {
		import_error(im, line, NULL, name.n ? "the name is over %d bytes or not plain text" :
						      "there is no name", IMPORT_NAME_MAX);
		im->result->refused++;
		return;
	}
	str folded = org_fold(im->a, name);
	struct draft **slot = find_slot(im, folded);
	country = country_upper(im->a, country);
	if (!*slot) {
		*slot = new_draft(im, name, folded, kind, country);
	} else if (!str_eq((*slot)->kind, kind) || !str_eq((*slot)->country, country)) {
		import_error(im, line, *slot, "'" STR_FMT "' stands in row %u with another kind or country",
			     STR_ARG(name), (*slot)->line);
	}
	im->now = *slot;
	if (!org_kind_known(kind))
		import_error(im, line, im->now, "'" STR_FMT "' is no kind of organisation", STR_ARG(kind));
	if (country.n && !country_known(country))
		import_error(im, line, im->now, "there is no country '" STR_FMT "'", STR_ARG(country));
}

void import_plain(struct import *im, str sector, str zone)
{
	if (!im->now)
		return;
	if ((sector.n && !good_name(sector, IMPORT_NAME_MAX)) ||
	    (zone.n && !good_name(zone, IMPORT_NAME_MAX))) {
		import_error(im, im->line, im->now, "sector or time zone is too long or not plain text");
		return;
	}
	if (sector.n)
		im->now->sector = arena_str(im->a, sector);
	if (zone.n)
		im->now->timezone = arena_str(im->a, zone);
}

/* A bare date as the end of a season means that day and all of it. */
static bool season_time(str text, bool end, int64_t *out)
{
	int64_t us;
	if (text.n == 0)
		return true;
	if (!time_parse(text, true, &us))
		return false;
	*out = end && text.n == 10 ? us + DAY_US : us;
	return true;
}

void import_season(struct import *im, str from, str until)
{
	if (!im->now)
		return;
	if (!season_time(from, false, &im->from_us) || !season_time(until, true, &im->until_us))
		import_error(im, im->line, im->now, "'" STR_FMT "' is no date",
			     STR_ARG(from.n && !season_time(from, false, &im->from_us) ? from : until));
	else if (im->until_us && im->until_us <= im->from_us)
		import_error(im, im->line, im->now, "the season ends before it begins");
}

void import_claim(struct import *im, enum scope_kind kind, str text, bool shared_address)
{
	struct draft *d = im->now;
	struct err why;
	if (!d || !org_kind_known(d->kind))
		return;
	struct scope_row row = { .kind = kind, .shared_address = shared_address, .from_us = im->from_us,
				 .until_us = im->until_us };
	if (!scope_usual_role(d->kind, kind, shared_address, &row.role)) {
		import_error(im, im->line, d, "an organisation of kind '" STR_FMT "' has no %s of its own",
			     STR_ARG(d->kind), scope_kind_name(kind));
		return;
	}
	if (++im->claim_count > IMPORT_CLAIMS_MAX) {
		import_error(im, im->line, d, "more than %d claims in one file", IMPORT_CLAIMS_MAX);
		return;
	}
	if (++d->claim_count > IMPORT_CLAIMS_OF_ONE) {
		import_error(im, im->line, d, "more than %d claims of one organisation", IMPORT_CLAIMS_OF_ONE);
		return;
	}
	if (scope_value(kind, text, row.role, im->a, &row.value, &why) != RC_OK) {
		import_error(im, im->line, d, "%s", why.text);
		return;
	}
	struct draft_claim *c = ARENA_NEW(im->a, struct draft_claim);
	*c = (struct draft_claim){ .row = row, .line = im->line };
	*d->claims_end = c;
	d->claims_end = &c->next;
}

static bool good_email(str s)
{
	size_t at = str_index(s, '@');
	return s.n <= IMPORT_NAME_MAX && at > 0 && at + 1 < s.n && !str_has(str_from(s, at + 1), '@') &&
	       !str_has(s, ' ') && str_is_plain(s);
}

void import_contact(struct import *im, str role, str email, str phone)
{
	struct draft *d = im->now;
	if (!d)
		return;
	if (email.n && !good_email(email)) {
		import_error(im, im->line, d, "'" STR_FMT "' is no mail address", STR_ARG(email));
		return;
	}
	if ((role.n && !good_name(role, IMPORT_NAME_MAX)) || (phone.n && !good_name(phone, IMPORT_NAME_MAX))) {
		import_error(im, im->line, d, "role or phone of a contact is too long or not plain text");
		return;
	}
	if (++d->contact_count > IMPORT_CONTACTS_OF_ONE) {
		import_error(im, im->line, d, "more than %d contacts of one organisation",
			     IMPORT_CONTACTS_OF_ONE);
		return;
	}
	struct draft_contact *c = ARENA_NEW(im->a, struct draft_contact);
	c->c = (struct contact){ .role = arena_str(im->a, role), .email = arena_str(im->a, email),
				 .phone = arena_str(im->a, phone) };
	*d->contacts_end = c;
	d->contacts_end = &c->next;
}

void import_end(struct import *im, bool countries_said)
{
	struct draft *d = im->now;
	enum concern_role role;
	if (d && !countries_said && d->country.n && scope_usual_role(d->kind, SCOPE_COUNTRY, false, &role))
		import_claim(im, SCOPE_COUNTRY, d->country, false);
}
