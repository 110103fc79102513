/* SPDX-License-Identifier: Apache-2.0 */
/* security.txt (RFC 9116): "Field: value" lines, perhaps inside an OpenPGP cleartext signature
 * (RFC 4880 section 7), which is not judged here: the file is believed as far as the server it
 * came from. Whom it is about is said by whoever asks, else by its Canonical lines. */
#include "base/clock.h"
#include "directory/import_private.h"
#include "event/normalise.h"

enum { CONTACTS_MOST = 8, DOMAINS_MOST = 64, LINES_MOST = 2000 };

struct statement {
	str emails[CONTACTS_MOST];
	size_t email_count, other_count; /* ways to write that are no mail */
	str domains[DOMAINS_MOST];
	size_t domain_count;
	int64_t expires_us;
	bool expires;
	uint64_t row;
};

static void add_domain(struct statement *s, str name, struct arena *a)
{
	str domain;
	if (!fqdn_normalise(name, a, &domain) || !str_has(domain, '.') || s->domain_count == DOMAINS_MOST)
		return;
	if (str_starts(domain, STR("www.")) && str_has(str_from(domain, 4), '.'))
		domain = str_from(domain, 4);
	for (size_t i = 0; i < s->domain_count; i++)
		if (str_eq(s->domains[i], domain))
			return;
	s->domains[s->domain_count++] = domain;
}

static void take_field(struct statement *s, str name, str value, bool canonical, struct arena *a)
{
	str host, email;
	if (str_eq_nocase(name, STR("Contact"))) {
		email = draft_email(a, value);
		if (email.n && s->email_count < CONTACTS_MOST)
			s->emails[s->email_count++] = email;
		else
			s->other_count++;
	} else if (str_eq_nocase(name, STR("Expires"))) {
		s->expires = time_parse(value, true, &s->expires_us);
	} else if (str_eq_nocase(name, STR("Canonical")) && canonical && url_host(value, &host)) {
		add_domain(s, host, a);
	}
}

static void take_lines(struct statement *s, const struct import_input *in, struct arena *a)
{
	enum { OUTSIDE, HEAD, INSIDE, PLAIN } where = OUTSIDE;
	str left = in->text, line;
	uint64_t row = 0;
	while (row < LINES_MOST && input_line(in, &left, &row, &line)) {
		line = str_trim_all(line);
		if (where == OUTSIDE && str_eq(line, STR("-----BEGIN PGP SIGNED MESSAGE-----"))) {
			where = HEAD;
			continue;
		}
		if (where == HEAD) { /* "Hash: …", up to an empty line */
			where = line.n ? HEAD : INSIDE;
			continue;
		}
		if (where == INSIDE && str_eq(line, STR("-----BEGIN PGP SIGNATURE-----")))
			return; /* what stands behind is signed by nobody */
		if (where == INSIDE && str_starts(line, STR("- ")))
			line = str_from(line, 2);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (where == OUTSIDE)
			where = PLAIN;
		size_t colon = str_index(line, ':');
		if (colon < line.n)
			take_field(s, str_trim(str_head(line, colon)), str_trim(str_from(line, colon + 1)),
				   in->subject.n == 0, a);
	}
}

static enum rc parse(const struct import_input *in, const struct import_sink *to, struct arena *a,
		    struct err *err)
{
	struct statement s = { .email_count = 0 };
	if (in->subject.n)
		add_domain(&s, in->subject, a);
	take_lines(&s, in, a);
	if (s.email_count == 0 && s.other_count == 0)
		return fail(err, RC_INPUT, "there is no line 'Contact:' in it");
	if (s.domain_count == 0)
		return fail(err, RC_INPUT, "it does not say whom it is about: name the domain");
	if (s.expires && in->seen_day && time_day(s.expires_us) < in->seen_day)
		return fail(err, RC_INPUT, "it has expired");
	if (s.email_count == 0 && to->told)
		to->told(to->ctx, 0, "names no mail address, only other ways to write");
	for (size_t i = 0; i < s.domain_count && s.email_count; i++) {
		struct fallback_entry e = { .kind = FALLBACK_DOMAIN, .domain = s.domains[i], .email = s.emails[0],
					    .name = STR(""), .trust = in->trust, .seen_day = in->seen_day };
		/* without the day it ends, which the standard asks for, it is believed less (section 2.5.5) */
		if (!s.expires)
			e.trust = (uint8_t)(in->trust * 2 / 3);
		if (to->contact)
			to->contact(to->ctx, 0, &e);
	}
	return RC_OK;
}

static bool claims(str head, str file_name)
{
	str s = head, line;
	if (str_ends(file_name, STR("security.txt")))
		return true;
	for (int i = 0; i < 200 && str_line(&s, &line); i++)
		if (str_starts_nocase(line, STR("Contact:")) && head.p[0] != '{')
			return true;
	return false;
}

const struct import_form import_form_securitytxt = {
	.name = "securitytxt",
	.brief = "a security.txt: whom a site wants to hear from",
	.source = "security.txt",
	.makes = IMPORT_CONTACTS,
	.single = true,
	.claims = claims,
	.read = parse,
};
