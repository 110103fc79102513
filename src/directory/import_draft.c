/* SPDX-License-Identifier: Apache-2.0 */
/* Values of other people's directories as our type takes them. */
#include <stdarg.h>
#include <json-c/json.h>

#include "base/clock.h"
#include "base/ip.h"
#include "directory/import_private.h"
#include "event/normalise.h"
#include "record/codes.h"

void draft_begin(struct drafting *w, const struct import_sink *to, struct arena *a, uint64_t row)
{
	str none = STR("");
	*w = (struct drafting){ .to = to, .a = a };
	w->d = (struct draft){ .row = row, .external = none, .name = none, .kind = none, .country = none,
			       .sector = none, .timezone = none, .website = none, .established = none,
			       .address = none, .languages = none, .remarks = none };
}

void draft_told(struct drafting *w, const char *fmt, ...)
{
	char words[240];
	va_list args;
	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	for (char *p = words; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	if (w->to->told)
		w->to->told(w->to->ctx, w->d.row, words);
}

void draft_end(struct drafting *w)
{
	if (w->d.name.n == 0) {
		draft_told(w, "has no name");
		return;
	}
	if (w->to->organisation)
		w->to->organisation(w->to->ctx, &w->d);
}

/* Bytes of the character that begins here; 1 for what is none. */
static size_t character(str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	return n <= s.n ? n : 1;
}

/* Marks that turn the direction of text, and what ends a line in Unicode. */
static bool hidden(str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	return s.n >= 3 && p[0] == 0xe2 &&
	       ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

str draft_clean(struct arena *a, str text, size_t most)
{
	static const char *const nothing[] = { "-", "--", "N/A", "n/a", "none", "null", "." };
	text = str_head(str_trim_all(text), 4 * most + 64);
	char *to = arena_alloc(a, text.n + 1);
	size_t n = 0, count = 0;
	bool space = false;
	for (str s = text; s.n && count < most;) {
		size_t bytes = character(s);
		unsigned char c = (unsigned char)s.p[0];
		bool blank = c <= 0x20 || c == 0x7f || hidden(s) || (c >= 0x80 && !str_is_utf8(str_head(s, bytes))) ||
			     (c == 0xc2 && bytes == 2 && (unsigned char)s.p[1] < 0xa0);
		if (!blank) {
			if (space && n && count + 1 < most) {
				to[n++] = ' ';
				count++;
			}
			memcpy(to + n, s.p, bytes);
			n += bytes;
			count++;
		}
		space = blank;
		s = str_from(s, bytes);
	}
	str out = str_mem(to, n);
	for (size_t i = 0; i < COUNT_OF(nothing); i++)
		if (str_eq(out, str_of(nothing[i])))
			return STR("");
	return out;
}

void draft_name(struct drafting *w, str name)
{
	struct draft *d = &w->d;
	name = draft_clean(w->a, name, 200);
	if (name.n == 0 || str_eq(name, d->name))
		return;
	if (d->name.n == 0) {
		d->name = name;
		return;
	}
	for (size_t i = 0; i < d->name_count; i++)
		if (str_eq(d->names[i], name))
			return;
	if (d->name_count < DRAFT_NAMES_MAX)
		d->names[d->name_count++] = name;
}

/* Words that other directories have for ours: the first that stands in the text. */
struct word {
	const char *theirs, *ours;
};
static str choice_of(const struct word *words, size_t count, str text)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k + strlen(words[i].theirs) <= text.n; k++)
			if (str_starts_nocase(str_from(text, k), str_of(words[i].theirs)))
				return str_of(words[i].ours);
	return STR("");
}

void draft_kind(struct drafting *w, str word)
{
	static const struct word kinds[] = {
		{ "csirt", "csirt" }, { "cert", "csirt" }, { "soc", "csirt" }, { "isac", "csirt" },
		{ "constituent", "constituent" }, { "provider", "provider" }, { "isp", "provider" },
		{ "hosting", "provider" }, { "regulator", "regulator" }, { "agency", "agency" },
		{ "ministry", "agency" }, { "government", "agency" }, { "vendor", "vendor" },
		{ "psirt", "vendor" }, { "other", "other" },
	};
	word = str_trim_all(word);
	if (word.n == 0)
		return;
	w->d.kind = choice_of(kinds, COUNT_OF(kinds), str_head(word, 200));
	if (w->d.kind.n == 0)
		draft_told(w, "'" STR_FMT "' is no kind of organisation we know: 'other' is taken", STR_ARG(str_head(word, 60)));
	if (w->d.kind.n == 0)
		w->d.kind = STR("other");
}

void draft_sector(struct drafting *w, str word)
{
	static const struct word sectors[] = {
		{ "gov", "government" },     { "public", "government" },   { "energy", "energy" },
		{ "electric", "energy" },    { "oil", "energy" },	   { "transport", "transport" },
		{ "aviation", "transport" }, { "maritime", "transport" },  { "financ", "finance" },
		{ "bank", "finance" },	     { "insur", "finance" },	   { "health", "health" },
		{ "hospital", "health" },    { "water", "water" },	   { "telecom", "telecom" },
		{ "internet service", "telecom" }, { "isp", "telecom" },   { "food", "food" },
		{ "agricul", "food" },	     { "defence", "defence" },	   { "defense", "defence" },
		{ "military", "defence" },   { "educat", "education" },	   { "research", "education" },
		{ "academ", "education" },   { "universit", "education" }, { "industr", "industry" },
		{ "manufact", "industry" },  { "other", "other" },
	};
	str found = choice_of(sectors, COUNT_OF(sectors), str_head(str_trim_all(word), 300));
	if (w->d.sector.n == 0)
		w->d.sector = found;
}

/* English names as other lists write them, where a code does not stand. */
static const struct word countries[] = {
#define COUNTRY(code, name) { name, code },
#include "directory/countries.def"
#undef COUNTRY
};

static str country_code(struct arena *a, str text)
{
	text = str_trim_all(text);
	if (text.n == 2) {
		char up[2];
		for (int i = 0; i < 2; i++)
			up[i] = text.p[i] >= 'a' && text.p[i] <= 'z' ? (char)(text.p[i] - 32) : text.p[i];
		if (str_eq(str_mem(up, 2), STR("UK")))
			return STR("GB");
		if (code_country(str_mem(up, 2)))
			return arena_str(a, str_mem(up, 2));
	}
	for (size_t i = 0; i < COUNT_OF(countries); i++)
		if (str_eq_nocase(text, str_of(countries[i].theirs)))
			return str_of(countries[i].ours);
	return STR("");
}

void draft_country(struct drafting *w, str text)
{
	text = draft_clean(w->a, text, 100);
	if (text.n == 0)
		return;
	w->d.country = country_code(w->a, text);
	if (w->d.country.n == 0)
		draft_told(w, "there is no country '" STR_FMT "'", STR_ARG(str_head(text, 60)));
}

void draft_website(struct drafting *w, str text)
{
	str url, host;
	text = draft_clean(w->a, text, 500);
	if (text.n == 0 || w->d.website.n)
		return;
	if (str_find(text, STR("://")) == text.n)
		text = arena_fmt(w->a, "https://" STR_FMT, STR_ARG(text));
	if ((str_starts_nocase(text, STR("http://")) || str_starts_nocase(text, STR("https://"))) &&
	    url_normalise(text, w->a, &url) && url_host(url, &host))
		w->d.website = url;
	else
		draft_told(w, "'" STR_FMT "' is no address of a web site", STR_ARG(str_head(text, 80)));
}

void draft_date(struct drafting *w, str text, str *out)
{
	int64_t us;
	uint32_t year;
	char day[16];
	text = draft_clean(w->a, text, 40);
	if (text.n == 0)
		return;
	if (text.n == 4 && str_to_u32(text, &year) && year >= 1970 && year < 2200)
		text = arena_fmt(w->a, "%u-01-01", year);
	if (time_parse(text, true, &us))
		*out = arena_str(w->a, time_day_str(day, us));
	else
		draft_told(w, "'" STR_FMT "' is no date", STR_ARG(text));
}

int32_t draft_day(str text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t us;
	char iso[16];
	text = str_trim_all(text);
	if (time_parse(text, true, &us))
		return time_day(us);
	size_t comma = str_index(text, ','); /* RFC 9110 section 5.6.7: "Thu, 29 Aug 2019 21:31:54 GMT" */
	str rest = comma < text.n ? str_trim(str_from(text, comma + 1)) : STR("");
	if (rest.n < 11 || rest.p[2] != ' ' || rest.p[6] != ' ')
		return 0;
	for (int m = 0; m < 12; m++)
		if (memcmp(rest.p + 3, months + 3 * m, 3) == 0) {
			snprintf(iso, sizeof(iso), "%.4s-%02d-%.2s", rest.p + 7, m + 1, rest.p);
			return time_parse(str_of(iso), true, &us) ? time_day(us) : 0;
		}
	return 0;
}

void draft_external(struct drafting *w, const char *source, str id)
{
	id = draft_clean(w->a, id, 150);
	if (id.n)
		w->d.external = arena_fmt(w->a, "%s:" STR_FMT, source, STR_ARG(id));
}

/* --- contacts --- */

bool draft_is_email(str s)
{
	size_t at = str_index(s, '@');
	if (s.n > 254 || at == 0 || at + 1 >= s.n || !str_is_plain(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (strchr(" <>()[]\\,;:\"", s.p[i]) || (i != at && s.p[i] == '@'))
			return false;
	str host = str_from(s, at + 1);
	return str_has(host, '.') && host.p[0] != '.' && host.p[host.n - 1] != '.';
}

str draft_email(struct arena *a, str text)
{
	text = str_trim_all(str_head(text, 600));
	size_t open = str_index(text, '<');
	if (open < text.n)
		text = str_head(str_from(text, open + 1), str_index(str_from(text, open + 1), '>'));
	if (str_starts_nocase(text, STR("mailto:")))
		text = str_from(text, 7);
	text = str_head(text, str_index(text, '?'));
	if (!draft_is_email(text))
		return STR("");
	char *to = arena_z(a, text);
	for (size_t i = str_index(text, '@'); i < text.n; i++)
		if (to[i] >= 'A' && to[i] <= 'Z')
			to[i] = (char)(to[i] + 32);
	return str_mem(to, text.n);
}

static str clean_phone(struct arena *a, str text)
{
	text = draft_clean(a, text, 40);
	size_t digits = 0;
	for (size_t i = 0; i < text.n; i++)
		digits += text.p[i] >= '0' && text.p[i] <= '9';
	return digits >= 3 && !str_has(text, '@') ? text : STR("");
}

static bool same_contact(const struct draft_contact *x, const struct draft_contact *y)
{
	return str_eq(x->role, y->role) && str_eq_nocase(x->email, y->email) && str_eq(x->phone, y->phone) &&
	       str_eq(x->webhook, y->webhook);
}

void draft_contact(struct drafting *w, const struct draft_contact *c)
{
	static const char *const roles[] = { "point24", "abuse", "security", "operations", "management",
					     "legal", "press" };
	struct draft *d = &w->d;
	struct draft_contact n = { .role = STR("security") };
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (str_eq_nocase(str_trim_all(c->role), str_of(roles[i])))
			n.role = str_of(roles[i]);
	n.name = draft_clean(w->a, c->name, 100);
	n.email = draft_email(w->a, c->email);
	n.phone = clean_phone(w->a, c->phone);
	n.webhook = draft_clean(w->a, c->webhook, 500);
	n.hours = draft_clean(w->a, c->hours, 100);
	n.languages = draft_clean(w->a, c->languages, 60);
	n.key = draft_clean(w->a, c->key, 80);
	n.key_until = c->key_until.p ? c->key_until : STR("");
	if (str_trim_all(c->email).n && n.email.n == 0)
		draft_told(w, "'" STR_FMT "' is no mail address", STR_ARG(str_head(c->email, 80)));
	if (n.email.n == 0 && n.phone.n == 0 && n.webhook.n == 0)
		return;
	for (size_t i = 0; i < d->contact_count; i++)
		if (same_contact(&d->contacts[i], &n))
			return;
	if (d->contact_count == DRAFT_CONTACTS_MAX) {
		draft_told(w, "has more than %d contacts: the others are left out", DRAFT_CONTACTS_MAX);
		return;
	}
	if (d->contact_count == d->contact_room) {
		size_t room = d->contact_room ? 2 * d->contact_room : 4;
		struct draft_contact *wider = ARENA_ARRAY(w->a, room, struct draft_contact);
		if (d->contact_count)
			memcpy(wider, d->contacts, d->contact_count * sizeof(*wider));
		d->contacts = wider;
		d->contact_room = room;
	}
	d->contacts[d->contact_count++] = n;
}

/* --- what it answers for --- */

static bool claim_value(struct drafting *w, str kind, str role, str text, str *out)
{
	char canonical[56];
	struct net net;
	uint32_t asn;
	if (str_eq(kind, STR("network"))) {
		if (!net_parse(text, true, &net))
			return false;
		*out = arena_str(w->a, net_str(canonical, &net));
		return net.bits >= (ip_is4(&net.ip) ? 104 : 16); /* larger is no organisation's */
	}
	if (str_eq(kind, STR("asn"))) {
		str digits = str_starts_nocase(text, STR("AS")) ? str_from(text, 2) : text;
		if (!str_to_u32(str_trim(digits), &asn) || asn == 0)
			return false;
		*out = arena_fmt(w->a, "AS%u", asn);
		return true;
	}
	if (str_eq(kind, STR("country"))) {
		*out = country_code(w->a, text);
		return out->n != 0;
	}
	if (str_starts(text, STR("*.")))
		text = str_from(text, 2);
	bool top = str_eq(role, STR("national")) || str_eq(role, STR("registrar"));
	return fqdn_normalise(text, w->a, out) && (top || str_has(*out, '.'));
}

void draft_claim(struct drafting *w, const char *kind, str value, const char *role)
{
	struct draft *d = &w->d;
	struct draft_claim c = { .kind = str_of(kind), .role = str_of(role ? role : "") };
	value = draft_clean(w->a, value, 260);
	if (value.n == 0)
		return;
	if (!claim_value(w, c.kind, c.role, value, &c.value)) {
		draft_told(w, "'" STR_FMT "' is no %s, or too large for one organisation: left out",
			   STR_ARG(str_head(value, 80)), kind);
		return;
	}
	for (size_t i = d->claim_count < 64 ? 0 : d->claim_count - 64; i < d->claim_count; i++)
		if (str_eq(d->claims[i].kind, c.kind) && str_eq(d->claims[i].value, c.value) &&
		    str_eq(d->claims[i].role, c.role))
			return;
	if (d->claim_count == DRAFT_CLAIMS_MAX) {
		draft_told(w, "answers for more than %d things: the others are left out", DRAFT_CLAIMS_MAX);
		return;
	}
	if (d->claim_count == d->claim_room) {
		size_t room = d->claim_room ? 2 * d->claim_room : 8;
		struct draft_claim *wider = ARENA_ARRAY(w->a, room, struct draft_claim);
		if (d->claim_count)
			memcpy(wider, d->claims, d->claim_count * sizeof(*wider));
		d->claims = wider;
		d->claim_room = room;
	}
	d->claims[d->claim_count++] = c;
}

void draft_claims(struct drafting *w, const char *kind, str values, const char *role)
{
	for (size_t i = 0, from = 0; i <= values.n; i++)
		if (i == values.n || strchr(",; |\t\r\n", values.p[i])) {
			if (i > from)
				draft_claim(w, kind, str_head(str_from(values, from), i - from), role);
			from = i + 1;
		}
}

/* --- inputs --- */

bool input_line(const struct import_input *in, str *left, uint64_t *row, str *line)
{
	bool more = in->line ? in->line(in->ctx, line) : str_line(left, line);
	if (more)
		(*row)++;
	*line = str_head(*line, IMPORT_LINE_MAX);
	return more;
}

enum rc input_rows(const struct import_input *in, const char *inside, struct json_object **root,
		   struct json_object **rows, struct err *err)
{
	enum rc rc = json_read(in->text, root, err);
	if (rc != RC_OK)
		return rc;
	*rows = json_object_is_type(*root, json_type_array) ? *root : inside ? json_get(*root, inside) : NULL;
	if (!*rows || !json_object_is_type(*rows, json_type_array)) {
		json_free(*root);
		*root = NULL;
		return fail(err, RC_INPUT, "the document is no list of rows%s%s", inside ? ", and has none as " : "",
			    inside ? inside : "");
	}
	return RC_OK;
}

enum rc draft_rows(const struct import_input *in, const char *inside, const struct import_sink *to,
		   struct arena *a, void (*fill)(struct drafting *w, struct json_object *row), struct err *err)
{
	struct json_object *root, *rows;
	enum rc rc = input_rows(in, inside, &root, &rows, err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < json_count(rows); i++) {
		struct drafting w;
		draft_begin(&w, to, a, i + 1);
		fill(&w, json_at(rows, i));
		draft_end(&w);
	}
	json_free(root);
	return RC_OK;
}

str json_word(struct json_object *o, const char *key, struct arena *a)
{
	struct json_object *v = json_get(o, key);
	if (v && json_object_is_type(v, json_type_string))
		return json_text(v);
	if (v && json_object_is_type(v, json_type_int))
		return arena_fmt(a, "%lld", (long long)json_object_get_int64(v));
	return STR("");
}

bool head_has(str head, const char *const *words, size_t count)
{
	str s = str_trim_all(head);
	if (s.n == 0 || (s.p[0] != '[' && s.p[0] != '{'))
		return false;
	for (size_t i = 0; i < count; i++)
		if (str_find(s, str_of(words[i])) == s.n)
			return false;
	return true;
}
