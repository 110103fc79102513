/* SPDX-License-Identifier: Apache-2.0 */
/* Answers `ronda who`: reads what a person pasted, then asks as for an event. */
#include "event/normalise.h"
#include "route/concern_private.h"

static void who_ask(const struct directory *d, const struct side *s, int64_t now_us, struct who *out)
{
	struct side sides[SIDES] = { *s };
	struct who_asked *asked = &out->asked;
	str name = side_name(s);
	asked->has_ip = s->has_ip || s->has_net;
	asked->ip = s->has_ip ? s->ip : s->net.ip;
	asked->asn = s->asn;
	if (!str_to_z(name, asked->fqdn, sizeof(asked->fqdn)))
		asked->fqdn[0] = '\0';
	concerns_of_sides(d, STR_NONE, sides, now_us, &out->concerns);
}

void route_who_country(const struct directory *d, const char cc[3], int64_t now_us, struct who *w)
{
	struct side s = { .ip = w->asked.ip, .has_ip = w->asked.has_ip, .asn = w->asked.asn,
			  .fqdn = str_of(w->asked.fqdn), .cc = str_of(cc) };
	if (w->facts.cc[0] || !s.has_ip)
		return;
	memcpy(w->facts.cc, cc, sizeof(w->facts.cc));
	who_ask(d, &s, now_us, w);
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
