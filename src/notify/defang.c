/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/defang.h"

/* Words of a finding's key (route/finding_key.h) whose values nobody can open. */
static bool is_calm(str word)
{
	static const char *const calm[] = { "ip", "network", "port", "asn", "net", "at" };
	for (size_t i = 0; i < COUNT_OF(calm); i++)
		if (str_eq(word, str_of(calm[i])))
			return true;
	return false;
}

static void put_value(str value, struct buf *out)
{
	size_t colon = str_find(value, STR("://"));
	if (colon < value.n) {
		str scheme = str_head(value, colon);
		if (str_starts_nocase(scheme, STR("http")))
			buf_fmt(out, "hxxp%s", scheme.n > 4 ? "s" : "");
		else
			buf_fmt(out, STR_FMT, STR_ARG(scheme));
		buf_add(out, STR("://"));
		value = str_from(value, colon + 3);
	}
	/* the dots of the host; a path's hurt nobody once the host is no host */
	bool host = true;
	for (size_t i = 0; i < value.n; i++) {
		host = host && value.p[i] != '/';
		if (value.p[i] == '.' && host)
			buf_add(out, STR("[.]"));
		else if (value.p[i] == '@' && host)
			buf_add(out, STR("[@]"));
		else
			buf_char(out, value.p[i]);
	}
}

void defang_key(str key, struct buf *out)
{
	bool calm = false;
	for (bool first = true; key.n > 0; first = false) {
		str word = str_cut(&key, ' ');
		if (!first)
			buf_char(out, ' ');
		if (calm)
			buf_add(out, word);
		else
			put_value(word, out);
		calm = is_calm(word);
	}
}
