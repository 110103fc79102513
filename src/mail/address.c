/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/address.h"

enum { LOCAL_MAX = 64, LABEL_MAX = 63 };

static bool is_local_char(unsigned char c)
{
	static const char signs[] = "!#$%&'*+-/=?^_`{|}~.";
	return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c != '\0' && str_has(STR(signs), (char)c));
}

/* No dot at either end, and no two side by side. */
static bool dots_are_right(str s)
{
	return s.n > 0 && s.p[0] != '.' && s.p[s.n - 1] != '.' && str_find(s, STR("..")) == s.n;
}

static bool is_domain(str s)
{
	if (!dots_are_right(s))
		return false;
	while (s.n > 0) {
		str label = str_cut(&s, '.');
		if (label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++) {
			unsigned char c = (unsigned char)label.p[i];
			if (c < 0x80 && c != '-' && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
				return false;
		}
	}
	return true;
}

bool address_is(str s)
{
	size_t at = str_index(s, '@');
	str local = str_head(s, at), domain = at < s.n ? str_from(s, at + 1) : STR("");
	if (s.n > ADDRESS_MAX || local.n > LOCAL_MAX || !dots_are_right(local) || !is_domain(domain) || !str_is_plain(s))
		return false;
	for (size_t i = 0; i < local.n; i++)
		if (!is_local_char((unsigned char)local.p[i]))
			return false;
	return true;
}

bool address_split(str s, str *name_out, str *address_out)
{
	str rest = str_trim(s), name = STR("");
	if (str_ends(rest, STR(">")) && str_has(rest, '<')) {
		rest.n--;
		name = str_trim(str_cut(&rest, '<'));
		if (name.n >= 2 && name.p[0] == '"' && name.p[name.n - 1] == '"')
			name = str_mem(name.p + 1, name.n - 2);
	}
	*name_out = name;
	*address_out = rest;
	return address_is(rest) && (name.n == 0 || str_is_plain(name));
}

str address_domain(str address)
{
	size_t at = str_index(address, '@');
	return at < address.n ? str_from(address, at + 1) : STR("");
}
