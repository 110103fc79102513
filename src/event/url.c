/* SPDX-License-Identifier: Apache-2.0 */
/* URLs: scheme, host, whatever follows. The text stays as it came but for
 * "hxxp", which people write so that nobody clicks. */
#include "event/normalise_private.h"

enum { URL_MAX = 64 << 10, HOST_MAX = 255, SCHEME_MAX = 32 };

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Bytes of "scheme" before "://"; 0 when there is none. */
static size_t scheme_length(str url)
{
	size_t n = 0;
	while (n < url.n && n < SCHEME_MAX &&
	       (is_alpha(url.p[n]) ||
		(n && ((url.p[n] >= '0' && url.p[n] <= '9') || url.p[n] == '+' || url.p[n] == '-' ||
		       url.p[n] == '.'))))
		n++;
	return n && str_starts(str_from(url, n), STR("://")) ? n : 0;
}

/* "user@host:port" of a URL. */
static str authority(str url, size_t scheme)
{
	str rest = str_from(url, scheme + 3);
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] == '/' || rest.p[i] == '?' || rest.p[i] == '#')
			return str_head(rest, i);
	return rest;
}

static bool port_is_digits(str port)
{
	for (size_t i = 0; i < port.n; i++)
		if (port.p[i] < '0' || port.p[i] > '9')
			return false;
	return port.n <= 5;
}

/* Bytes that end or confuse a host wherever it is shown or split. */
static bool host_is_clean(str host)
{
	for (size_t i = 0; i < host.n; i++) {
		unsigned char c = (unsigned char)host.p[i];
		if (c <= 0x20 || c == 0x7f || strchr("\"<>\\^`{|}@", c))
			return false;
	}
	return host.n > 0 && host.n <= HOST_MAX;
}

static bool host_of(str url, size_t scheme, str *host_out)
{
	str host = authority(url, scheme);
	for (size_t i = host.n; i > 0; i--) {
		if (host.p[i - 1] == '@') {
			host = str_from(host, i);
			break;
		}
	}
	str port = STR_NONE;
	if (host.n && host.p[0] == '[') {
		size_t end = str_index(host, ']');
		struct ip ip;
		if (end == host.n || !ip_parse(str_head(str_from(host, 1), end - 1), &ip))
			return false;
		port = str_from(host, end + 1);
		host = str_head(str_from(host, 1), end - 1);
		if (port.n && port.p[0] != ':')
			return false;
	} else {
		size_t colon = str_index(host, ':');
		port = str_from(host, colon);
		host = str_head(host, colon);
	}
	if (!port_is_digits(str_from(port, 1)) || !host_is_clean(host))
		return false;
	*host_out = host;
	return true;
}

bool url_host(str url, str *host_out)
{
	size_t scheme = scheme_length(url);
	return scheme && host_of(url, scheme, host_out);
}

bool url_check(str url, size_t *mend_out)
{
	size_t scheme = scheme_length(url);
	str host, head = str_head(url, scheme);
	if (scheme == 0 || url.n > URL_MAX)
		return false;
	for (size_t i = 0; i < url.n; i++)
		if ((unsigned char)url.p[i] < 0x20 || url.p[i] == 0x7f)
			return false;
	*mend_out = str_eq_nocase(head, STR("hxxp")) || str_eq_nocase(head, STR("hxxps")) ? 4 : 0;
	return host_of(url, scheme, &host);
}

bool url_file(str url, str *path_out)
{
	if (!str_starts_nocase(url, STR("file:///")))
		return false;
	*path_out = str_from(url, 7);
	return str_is_plain(url) && url.n <= URL_MAX;
}

bool url_normalise(str text, struct arena *a, str *out)
{
	size_t mend = 0;
	str path;
	text = str_trim_all(text);
	if (url_file(text, &path)) {
		*out = arena_fmt(a, "file://localhost%.*s", (int)path.n, path.p);
		return true;
	}
	if (!url_check(text, &mend))
		return false;
	char *p = arena_z(a, text);
	if (mend)
		memcpy(p, "http", mend);
	*out = str_mem(p, text.n);
	return true;
}
