/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>

#include "http/fetch_private.h"

/* The IPv4 address inside an IPv6 one, by the ways that carry it out (RFC 6052,
 * 3056, 5214, 4291 section 2.5.5.1); false when there is none. */
static bool inner_ip4(const struct ip *ip, struct ip *out)
{
	static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };
	static const uint8_t translated[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0 };
	static const uint8_t compatible[12] = { 0 };
	static const uint8_t isatap[4] = { 0, 0, 0x5e, 0xfe };
	const uint8_t *four = NULL, *b = ip->b;

	if (memcmp(b, nat64, 12) == 0 || memcmp(b, translated, 12) == 0 ||
	    memcmp(b, compatible, 12) == 0)
		four = b + 12;
	else if (b[0] == 0x20 && b[1] == 0x02)
		four = b + 2;
	else if ((b[8] & 0xfd) == isatap[0] && memcmp(b + 9, isatap + 1, 3) == 0)
		four = b + 12;
	if (!four)
		return false;
	*out = (struct ip){ { [10] = 0xff, [11] = 0xff } };
	memcpy(out->b + 12, four, 4);
	return true;
}

bool fetch_ip_is_public(const struct ip *ip)
{
	static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };
	static const uint8_t relay[3] = { 192, 88, 99 }; /* 6to4 anycast, RFC 7526 */
	struct ip inner;

	if (ip_is_special(ip))
		return false;
	if (ip_is4(ip))
		return memcmp(ip->b + 12, relay, sizeof(relay)) != 0;
	/* Global unicast is 2000::/3 (IANA); beyond it only NAT64 leads anywhere. */
	if ((ip->b[0] & 0xe0) != 0x20 && memcmp(ip->b, nat64, 12) != 0)
		return false;
	return !inner_ip4(ip, &inner) || fetch_ip_is_public(&inner);
}

/* A host name as DNS has it, in lower case. A last label that is a number would
 * be read as an IPv4 address by somebody. */
static bool is_name(str host)
{
	str rest = host, last = STR_NONE;

	while (rest.n) {
		last = str_cut(&rest, '.');
		if (last.n == 0 || last.n > 63 || last.p[0] == '-')
			return false;
		for (size_t i = 0; i < last.n; i++) {
			char c = last.p[i];
			if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
				return false;
		}
	}
	return last.n && !str_ends(host, STR(".")) && (last.p[0] < '0' || last.p[0] > '9');
}

static bool take_host(CURLU *u, struct fetch_target *t)
{
	char *z = NULL, *zone = NULL;
	bool ok = curl_url_get(u, CURLUPART_ZONEID, &zone, 0) != CURLUE_OK &&
		  curl_url_get(u, CURLUPART_HOST, &z, 0) == CURLUE_OK;
	str host = str_of(ok ? z : "");

	if (host.n > 1 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (str){ host.p + 1, host.n - 2 };
	ok = ok && str_to_z(host, t->host, sizeof(t->host));
	for (char *p = t->host; ok && *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
	host = str_of(t->host);
	t->literal = ok && ip_parse(host, &t->ip);
	ok = ok && (t->literal || is_name(host));
	curl_free(z);
	curl_free(zone);
	return ok;
}

static bool take_rest(CURLU *u, struct fetch_target *t)
{
	char *scheme = NULL, *port = NULL;
	uint32_t number = 0;
	bool ok = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		  curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		  str_to_u32(str_of(port), &number) && number > 0 && number < 65536;

	t->port = (uint16_t)number;
	t->tls = ok && str_eq(str_of(scheme), STR("https"));
	ok = ok && (t->tls || str_eq(str_of(scheme), STR("http"))) &&
	     curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
	     curl_url_get(u, CURLUPART_URL, &t->url, 0) == CURLUE_OK;
	curl_free(scheme);
	curl_free(port);
	return ok;
}

enum rc fetch_target_parse(str url, struct fetch_target *out, struct err *err)
{
	char z[FETCH_URL_MAX + 1];

	*out = (struct fetch_target){ 0 };
	if (url.n > FETCH_URL_MAX)
		return fail(err, RC_LIMIT, "URL: longer than %d bytes", FETCH_URL_MAX);
	if (!str_is_plain(url) || str_has(url, ' ') || str_has(url, '\\') ||
	    !str_to_z(url, z, sizeof(z)))
		return fail(err, RC_INPUT, "URL: '" STR_FMT "' is none", STR_ARG(url));
	CURLU *u = curl_url();
	if (!u)
		return fail(err, RC_LIMIT, "URL: out of memory");
	/* Both written out with "://": curl would take less for a URL, too. */
	bool ok = (str_starts_nocase(url, STR("https://")) || str_starts_nocase(url, STR("http://"))) &&
		  curl_url_set(u, CURLUPART_URL, z, CURLU_DISALLOW_USER) == CURLUE_OK &&
		  take_host(u, out) && take_rest(u, out);
	curl_url_cleanup(u);
	if (!ok) {
		fetch_target_free(out);
		return fail(err, RC_INPUT, "URL: '" STR_FMT "' is none we ask", STR_ARG(url));
	}
	return RC_OK;
}

void fetch_target_free(struct fetch_target *t)
{
	curl_free(t->url);
	t->url = NULL;
}

bool fetch_same_origin(const struct fetch_target *a, const struct fetch_target *b)
{
	return a->tls == b->tls && a->port == b->port && strcmp(a->host, b->host) == 0;
}
