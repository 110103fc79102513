/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_private.h"

enum rc proxies_parse(const char *text, struct proxies *out, struct err *err)
{
	*out = (struct proxies){ 0 };
	str rest = str_of(text ? text : "");
	while (rest.n > 0) {
		str one = str_trim(str_cut(&rest, ','));
		if (one.n == 0)
			continue;
		struct net net;
		if (!net_parse(one, true, &net)) {
			free(out->list);
			*out = (struct proxies){ 0 };
			return fail(err, RC_INPUT, "trusted_proxies: '" STR_FMT "' is no network",
				    STR_ARG(one));
		}
		out->list = x_grow(out->list, out->count + 1, sizeof *out->list);
		out->list[out->count++] = net;
	}
	return RC_OK;
}

bool proxies_trust(const struct proxies *p, const struct ip *ip)
{
	for (size_t i = 0; i < p->count; i++) {
		if (net_has(&p->list[i], ip))
			return true;
	}
	return false;
}

/* Takes the last element off a comma separated list; false when there is none. */
static bool last_element(str *list, str *out)
{
	if (list->n == 0)
		return false;
	size_t at = list->n;
	while (at > 0 && list->p[at - 1] != ',')
		at--;
	*out = str_trim(str_from(*list, at));
	list->n = at > 0 ? at - 1 : 0;
	return true;
}

/* "192.0.2.1", "192.0.2.1:4711", "[2001:db8::1]:4711" */
static bool parse_forwarded(str text, struct ip *out)
{
	if (str_starts(text, STR("["))) {
		size_t end = str_index(text, ']');
		return end < text.n && ip_parse((str){ text.p + 1, end - 1 }, out);
	}
	size_t colon = str_index(text, ':');
	if (colon < text.n && !str_has(str_from(text, colon + 1), ':'))
		text = str_head(text, colon);
	return ip_parse(text, out);
}

struct ip proxies_client(const struct proxies *p, const struct ip *peer,
			 const struct pairs *headers, bool *secure)
{
	struct ip client = *peer;
	bool proto = false;
	/* several headers of the name are one list, in order: walk it from its end */
	for (size_t i = headers->count; i-- > 0;) {
		const struct pair *h = &headers->list[i];
		if (!proto && str_eq_nocase(h->name, STR("x-forwarded-proto"))) {
			*secure = str_eq_nocase(str_trim(h->value), STR("https"));
			proto = true; /* the last one is the nearest proxy's */
		}
		if (!str_eq_nocase(h->name, STR("x-forwarded-for")))
			continue;
		str list = h->value, one;
		while (proxies_trust(p, &client) && last_element(&list, &one)) {
			struct ip ip;
			if (!parse_forwarded(one, &ip))
				return client; /* nothing left of nonsense is believed */
			client = ip;
		}
	}
	return client;
}
