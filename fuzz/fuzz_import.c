/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of other people's directories (FUZZ_FORM): whatever the bytes, drafts hold plain text
 * of the size their type takes, claims are canonical, contacts can be packed, and what is packed
 * answers without reading beyond itself. */
#include "base/ip.h"
#include "directory/import.h"
#include "fuzz.h"
#include "route/fallback_private.h"

#define TEXT_OF(name) #name
#define NAME_OF(name) TEXT_OF(name)

struct seen {
	struct fallback_builder *b;
	struct fallback_entry last;
	size_t contacts;
};

static void must_be_text(str s, size_t most)
{
	MUST(s.n <= 4 * most && str_is_plain(s));
}

static void draft(void *ctx, const struct draft *d)
{
	struct net net;
	uint32_t asn;
	(void)ctx;
	MUST(d->name.n > 0);
	must_be_text(d->name, 200);
	must_be_text(d->address, 500);
	must_be_text(d->remarks, 2000);
	must_be_text(d->external, 200);
	MUST(d->country.n == 0 || d->country.n == 2);
	MUST(d->contact_count <= DRAFT_CONTACTS_MAX && d->claim_count <= DRAFT_CLAIMS_MAX);
	for (size_t i = 0; i < d->name_count; i++)
		must_be_text(d->names[i], 200);
	for (size_t i = 0; i < d->contact_count; i++) {
		const struct draft_contact *c = &d->contacts[i];
		must_be_text(c->email, 254);
		must_be_text(c->phone, 40);
		must_be_text(c->name, 100);
		must_be_text(c->hours, 100);
		MUST(c->email.n || c->phone.n || c->webhook.n);
		MUST(c->email.n == 0 || str_has(c->email, '@'));
	}
	for (size_t i = 0; i < d->claim_count; i++) {
		const struct draft_claim *c = &d->claims[i];
		must_be_text(c->value, 260);
		if (str_eq(c->kind, STR("network")))
			MUST(net_parse(c->value, true, &net));
		else if (str_eq(c->kind, STR("asn")))
			MUST(str_to_u32(str_from(c->value, 2), &asn) && asn);
		else
			MUST(c->value.n > 0);
	}
}

static void contact(void *ctx, uint64_t row, const struct fallback_entry *e)
{
	struct seen *s = ctx;
	struct err err;
	(void)row;
	MUST(e->email.n || e->country[0]);
	MUST(e->email.n <= 254 && str_is_plain(e->email) && str_is_plain(e->name));
	enum rc rc = fallback_add(s->b, e, &err);
	MUST(rc == RC_OK || rc == RC_INPUT || rc == RC_LIMIT);
	if (rc == RC_OK) {
		s->last = *e;
		s->contacts++;
	}
}

static void told(void *ctx, uint64_t row, const char *words)
{
	(void)ctx;
	(void)row;
	MUST(words[0]);
}

static void pack(struct seen *s)
{
	struct buf image = BUF_INIT(FALLBACK_IMAGE_MAX);
	struct fallback_counts n;
	struct fallback_part part = { .head = NULL };
	struct err err;
	MUST(fallback_build(s->b, STR("fuzz"), &image, &n, &err) == RC_OK);
	MUST(fallback_attach(&part, image.p, image.n));
	MUST(n.entries + n.doubles + n.too_deep == s->contacts);
	buf_free(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(KIB(64));
	struct seen s = { .b = fallback_builder_new(NULL, 0) };
	const struct import_form *f = import_form_find(STR(NAME_OF(FUZZ_FORM)));
	const struct import_sink to = { &s, draft, contact, told };
	const struct import_input in = { .text = str_mem(data, size), .map = STR("Nama=name,Surel=email,No="),
					 .subject = size % 2 ? STR("") : STR("example.org"), .seen_day = 20000,
					 .trust = 50 };
	struct err err = { 0 };
	MUST(f != NULL);
	(void)(f->claims && f->claims(in.text, STR("x.csv")));
	if (f->whose)
		(void)f->whose(in.text);
	enum rc rc = f->read(&in, &to, a, &err);
	MUST(rc == RC_OK || rc == RC_INPUT || rc == RC_LIMIT);
	MUST(rc == RC_OK || err.text[0]);
	pack(&s);
	fallback_builder_free(s.b);
	arena_free(a);
	return 0;
}
