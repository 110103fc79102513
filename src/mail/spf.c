/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/spf.h"

/* Section 4.6.4: ten terms that ask, two of them for nothing, ten hosts of an MX. */
enum { LOOKUPS_MOST = 10, VOID_MOST = 2, HOSTS_MOST = 10, DEPTH_MOST = 11 };

static const char *const names[] = {
	[SPF_NONE] = "none",	     [SPF_NEUTRAL] = "neutral",	    [SPF_PASS] = "pass",
	[SPF_FAIL] = "fail",	     [SPF_SOFTFAIL] = "softfail",   [SPF_TEMPERROR] = "temperror",
	[SPF_PERMERROR] = "permerror",
};

const char *spf_result_name(enum spf_result r)
{
	return names[r];
}

/* A record whose terms are gone through; another is included above it. */
struct frame {
	str domain, rest, redirect;
	enum spf_result if_included; /* what the term that included it says when this one passes */
};
struct judging {
	const struct dns_ask *ask;
	const struct ip *ip;
	struct arena *a;
	struct frame stack[DEPTH_MOST];
	size_t depth;
	unsigned lookups, voids;
	enum spf_result error; /* SPF_NONE: none */
	str words;
};

static void stop(struct judging *j, enum spf_result error, str words)
{
	if (j->error == SPF_NONE) {
		j->error = error;
		j->words = words;
	}
}

/* What a question came to: false when there is nothing to go through. */
static bool found(struct judging *j, enum rc rc, str what)
{
	if (rc == RC_ABSENT && ++j->voids > VOID_MOST)
		stop(j, SPF_PERMERROR, arena_fmt(j->a, "more than %d names in it have no record, the last is '" STR_FMT "'",
						 VOID_MOST, STR_ARG(what)));
	else if (rc != RC_OK && rc != RC_ABSENT)
		stop(j, SPF_TEMPERROR, arena_fmt(j->a, "'" STR_FMT "' could not be looked up", STR_ARG(what)));
	return rc == RC_OK;
}

static bool may_ask(struct judging *j)
{
	if (++j->lookups > LOOKUPS_MOST)
		stop(j, SPF_PERMERROR, arena_fmt(j->a, "it asks the DNS more than %d times", LOOKUPS_MOST));
	return j->error == SPF_NONE;
}

static bool is_name(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '%' || s.p[i] == '/')
			return false;
	return s.n > 0 && s.n < 254;
}

enum rc spf_addresses(const struct dns_ask *ask, str name, struct arena *a, struct ip out[DNS_ADDRESSES_MOST],
		      size_t *count_out)
{
	enum rc rc = dns_addresses(ask, arena_z(a, name), out, count_out, NULL);
	return rc == RC_OK && *count_out == 0 ? RC_ABSENT : rc;
}

/* The one record of a domain that begins with v=spf1 (section 4.5). */
static enum rc find_record(struct judging *j, str domain, str *out)
{
	str *list;
	size_t count, n = 0;
	enum rc rc = dns_txt(j->ask, arena_z(j->a, domain), j->a, &list, &count, NULL);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		str rest = list[i];
		if (!str_eq_nocase(str_cut(&rest, ' '), STR("v=spf1")))
			continue;
		*out = rest;
		n++;
	}
	if (n > 1)
		stop(j, SPF_PERMERROR, arena_fmt(j->a, "'" STR_FMT "' has %zu records", STR_ARG(domain), n));
	return rc == RC_OK && n == 0 ? RC_ABSENT : rc;
}

/* "example.org/24//64", "/24": name and prefix lengths (section 5.3). */
static bool read_target(struct judging *j, str text, str *name_out, unsigned *bits_out)
{
	uint32_t four = 32, six = 128;
	str name = str_head(text, str_index(text, '/')), rest = str_from(text, name.n);
	size_t both = str_find(rest, STR("//"));
	str v4 = str_head(rest, both), v6 = str_from(rest, both);
	if ((v4.n && !str_to_u32(str_from(v4, 1), &four)) || (v6.n && !str_to_u32(str_from(v6, 2), &six)) || four > 32 ||
	    six > 128)
		return false;
	*bits_out = ip_is4(j->ip) ? four + 96 : six;
	*name_out = name;
	return true;
}

static bool is_at(struct judging *j, str name, unsigned bits)
{
	struct ip ips[DNS_ADDRESSES_MOST];
	size_t count = 0;
	if (!found(j, spf_addresses(j->ask, name, j->a, ips, &count), name))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct net net = { ips[i], (uint8_t)bits };
		ip_mask(&net.ip, net.bits);
		if (ip_is4(&ips[i]) == ip_is4(j->ip) && net_has(&net, j->ip))
			return true;
	}
	return false;
}

static bool match_hosts(struct judging *j, str text, bool by_mx)
{
	struct dns_mx *list;
	size_t count = 0;
	unsigned bits;
	str name;
	if (text.n && text.p[0] == ':')
		text = str_from(text, 1);
	if (!read_target(j, text, &name, &bits)) {
		stop(j, SPF_PERMERROR, arena_fmt(j->a, "'" STR_FMT "' is no name with a length", STR_ARG(text)));
		return false;
	}
	name = name.n ? name : j->stack[j->depth - 1].domain;
	if (!may_ask(j) || !is_name(name))
		return false;
	if (!by_mx)
		return is_at(j, name, bits);
	if (!found(j, dns_mx(j->ask, arena_z(j->a, name), j->a, &list, &count, NULL), name))
		return false;
	for (size_t i = 0; i < count && i < HOSTS_MOST && j->error == SPF_NONE; i++)
		if (is_name(list[i].host) && is_at(j, list[i].host, bits))
			return true;
	return false;
}

static bool match_net(struct judging *j, str text)
{
	struct net net;
	if (!net_parse(text, false, &net)) {
		stop(j, SPF_PERMERROR, arena_fmt(j->a, "'" STR_FMT "' is no network", STR_ARG(text)));
		return false;
	}
	return ip_is4(&net.ip) == ip_is4(j->ip) && net_has(&net, j->ip);
}

static bool match_exists(struct judging *j, str name)
{
	struct ip ips[DNS_ADDRESSES_MOST];
	size_t count = 0;
	return may_ask(j) && is_name(name) &&
	       found(j, spf_addresses(j->ask, name, j->a, ips, &count), name);
}

/* The domain's record is gone through next. False: there is none, which is an error (section 5.2). */
static bool enter(struct judging *j, str domain, enum spf_result if_included, bool redirects)
{
	str record = STR("");
	if (!may_ask(j))
		return false;
	enum rc rc = is_name(domain) ? find_record(j, domain, &record) : RC_ABSENT;
	if (j->error == SPF_NONE && rc == RC_ABSENT)
		stop(j, SPF_PERMERROR, arena_fmt(j->a, "'" STR_FMT "' has no record of its own", STR_ARG(domain)));
	else if (rc != RC_OK)
		stop(j, SPF_TEMPERROR, arena_fmt(j->a, "'" STR_FMT "' could not be looked up", STR_ARG(domain)));
	if (j->error != SPF_NONE)
		return false;
	if (redirects)
		j->depth--;
	else if (j->depth == DEPTH_MOST) {
		stop(j, SPF_PERMERROR, STR("its includes are too deep"));
		return false;
	} else
		j->stack[j->depth - 1].if_included = if_included;
	struct frame *f = &j->stack[j->depth++];
	enum spf_result kept = redirects ? f->if_included : SPF_NEUTRAL;
	*f = (struct frame){ .domain = domain, .rest = record, .redirect = STR(""), .if_included = kept };
	return true;
}

static enum spf_result qualifier(str *term)
{
	static const struct { char sign; enum spf_result is; } signs[] = {
		{ '+', SPF_PASS }, { '-', SPF_FAIL }, { '~', SPF_SOFTFAIL }, { '?', SPF_NEUTRAL },
	};
	for (size_t i = 0; term->n && i < COUNT_OF(signs); i++)
		if (term->p[0] == signs[i].sign) {
			*term = str_from(*term, 1);
			return signs[i].is;
		}
	return SPF_PASS;
}

/* One term. True: it decides, with *out. */
static bool judge_term(struct judging *j, str term, enum spf_result *out)
{
	struct frame *f = &j->stack[j->depth - 1];
	str whole = term;
	if (str_starts_nocase(term, STR("redirect="))) {
		f->redirect = str_from(term, 9);
		return false;
	}
	enum spf_result is = qualifier(&term);
	bool matches = false;
	if (str_eq_nocase(term, STR("all")))
		matches = true;
	else if (str_starts_nocase(term, STR("include:")))
		(void)enter(j, str_from(term, 8), is, false);
	else if (str_starts_nocase(term, STR("ip4:")) || str_starts_nocase(term, STR("ip6:")))
		matches = match_net(j, str_from(term, 4));
	else if (str_starts_nocase(term, STR("exists:")))
		matches = match_exists(j, str_from(term, 7));
	else if (str_eq_nocase(term, STR("a")) || str_starts_nocase(term, STR("a:")) || str_starts_nocase(term, STR("a/")))
		matches = match_hosts(j, str_from(term, 1), false);
	else if (str_eq_nocase(term, STR("mx")) || str_starts_nocase(term, STR("mx:")) || str_starts_nocase(term, STR("mx/")))
		matches = match_hosts(j, str_from(term, 2), true);
	else if (!str_starts_nocase(term, STR("ptr")) && !str_has(term, '='))
		stop(j, SPF_PERMERROR, arena_fmt(j->a, "'" STR_FMT "' is no term", STR_ARG(whole)));
	if (matches && j->error == SPF_NONE)
		j->words = arena_fmt(j->a, "by '" STR_FMT "' of '" STR_FMT "'", STR_ARG(whole), STR_ARG(f->domain));
	*out = is;
	return matches && j->error == SPF_NONE;
}

/* The record on top has said `is`. True: that is the end of it. */
static bool leave(struct judging *j, enum spf_result *is)
{
	for (;;) {
		if (--j->depth == 0)
			return true;
		if (*is != SPF_PASS) /* an include that does not pass matches nothing */
			return false;
		*is = j->stack[j->depth - 1].if_included;
	}
}

enum spf_result spf_check(const struct dns_ask *ask, str domain, const struct ip *ip, struct arena *a, str *words_out)
{
	struct judging j = { .ask = ask, .ip = ip, .a = a, .words = STR("by no term") };
	enum spf_result is = SPF_NEUTRAL;
	str record = STR("");
	enum rc rc = find_record(&j, domain, &record);
	*words_out = STR("there is no record that begins with v=spf1");
	if (j.error == SPF_NONE && rc != RC_OK)
		return rc == RC_ABSENT ? SPF_NONE : SPF_TEMPERROR;
	j.stack[j.depth++] = (struct frame){ .domain = domain, .rest = record, .redirect = STR("") };
	while (j.error == SPF_NONE) {
		struct frame *f = &j.stack[j.depth - 1];
		str term = str_cut(&f->rest, ' ');
		bool decided = term.n > 0 && judge_term(&j, term, &is);
		if (!decided && f == &j.stack[j.depth - 1] && f->rest.n == 0) {
			if (f->redirect.n > 0) { /* section 6.1 */
				(void)enter(&j, f->redirect, SPF_NEUTRAL, true);
				continue;
			}
			is = SPF_NEUTRAL;
			decided = true;
		}
		if (decided && leave(&j, &is))
			break;
	}
	*words_out = j.words;
	return j.error != SPF_NONE ? j.error : is;
}
