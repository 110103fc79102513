/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/blocklist_item.h"

#include "event/normalise.h"

static bool digits_only(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static bool take_port(str text, str *host, str *port)
{
	size_t colon = str_index(text, ':');
	*host = str_head(text, colon);
	*port = str_from(text, colon + 1);
	return colon < text.n && digits_only(*port) && port->n <= 5;
}

bool item_is_name(str text)
{
	size_t dot = text.n;
	while (text.n && text.p[text.n - 1] == '.')
		text.n--;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '.')
			dot = i;
		else if (strchr("/\\:@,;|\"'<>()[]{}=?&%$!*+ \t", text.p[i]))
			return false;
	}
	str top = str_from(text, dot + 1);
	if (dot == 0 || dot >= text.n || top.n < 2)
		return false;
	bool puny = str_starts_nocase(top, STR("xn--"));
	for (size_t i = 0; i < top.n && !puny; i++)
		if (top.p[i] == '_' || top.p[i] == '-' || (top.p[i] >= '0' && top.p[i] <= '9'))
			return false;
	return text.n <= 1000;
}

static bool range_item(str text, struct item *it)
{
	size_t dash = str_index(text, '-');
	if (dash == text.n || !ip_parse(str_trim(str_head(text, dash)), &it->ip) ||
	    !ip_parse(str_trim(str_from(text, dash + 1)), &it->last))
		return false;
	it->kind = ITEM_RANGE;
	return true;
}

static bool address_item(str text, struct item *it)
{
	str host;
	if (ip_parse(text, &it->ip)) {
		it->kind = ITEM_IP;
	} else if (str_has(text, '/') && net_parse(text, false, &it->net)) {
		it->kind = it->net.bits == 128 ? ITEM_IP : ITEM_NET;
		it->ip = it->net.ip;
	} else if (text.n && text.p[0] == '[') {
		size_t end = str_index(text, ']');
		str port = str_from(text, end + 2);
		if (end + 1 < text.n && (text.p[end + 1] != ':' || !digits_only(port)))
			return false;
		if (!ip_parse(str_head(str_from(text, 1), end - 1), &it->ip))
			return false;
		it->port = port;
		it->kind = ITEM_IP;
	} else if (take_port(text, &host, &it->port) && ip_parse(host, &it->ip)) {
		it->kind = ITEM_IP;
	} else {
		it->port = STR_NONE;
		return false;
	}
	return true;
}

static bool asn_item(str text, struct item *it)
{
	if (!str_starts_nocase(text, STR("AS")) || !digits_only(str_from(text, 2)) || text.n > 12)
		return false;
	it->kind = ITEM_ASN;
	it->text = text;
	return true;
}

/* "name", "*.name", ".name", "||name^", "name:port", "name/path", "1.2.3.4/path". */
static bool name_item(str text, struct item *it)
{
	if (str_starts(text, STR("||")))
		text = str_from(text, 2);
	if (text.n && text.p[text.n - 1] == '^')
		text.n--;
	if (str_starts(text, STR("*.")))
		text = str_from(text, 2);
	size_t slash = str_index(text, '/');
	str host = str_head(text, slash), bare;
	it->path = slash < text.n ? str_from(text, slash) : STR_NONE;
	if (it->path.n == 1)
		it->path = STR_NONE;
	if (it->path.n && address_item(host, it)) /* "192.0.2.0/33" is a typing error */
		return !digits_only(str_from(it->path, 1));
	if (take_port(host, &bare, &it->port))
		host = bare;
	else
		it->port = STR_NONE;
	if (!item_is_name(host))
		return false;
	it->kind = ITEM_NAME;
	it->text = host;
	return true;
}

static bool url_item(str text, struct item *it)
{
	str host;
	if (!url_host(text, &host))
		return false;
	it->kind = ITEM_URL;
	it->text = text;
	return true;
}

/* "192[.]0[.]2[.]1" is how people keep others from clicking. */
static str without_fangs(str text, struct arena *a)
{
	if (str_find(text, STR("[.]")) == text.n && str_find(text, STR("[:]")) == text.n)
		return text;
	char *to = arena_z(a, text);
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) {
		str rest = str_from(text, i);
		bool fang = str_starts(rest, STR("[.]")) || str_starts(rest, STR("[:]"));
		to[n++] = text.p[i + fang];
		i += fang ? 2 : 0;
	}
	return str_mem(to, n);
}

static bool one_item(str text, struct item *it)
{
	if (str_find(text, STR("://")) < text.n)
		return url_item(text, it);
	return address_item(text, it) || asn_item(text, it) || name_item(text, it);
}

bool item_parse(str line, struct arena *a, struct item *it)
{
	*it = (struct item){0};
	line = without_fangs(line, a);
	if (one_item(line, it) || range_item(line, it))
		return true;
	for (size_t i = line.n; i > 1; i--) {
		if (!strchr(" \t,;|", line.p[i - 1]) || !line.p[i - 1])
			continue;
		str head = str_trim(str_head(line, i - 1)), count = str_trim(str_from(line, i));
		if (count.n == 0)
			continue;
		while (head.n && strchr(",;|", head.p[head.n - 1]))
			head = str_trim(str_head(head, head.n - 1));
		if (!digits_only(count) || count.n > 18)
			return false;
		it->count = count;
		return one_item(head, it) || range_item(head, it);
	}
	return false;
}
