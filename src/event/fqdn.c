/* SPDX-License-Identifier: Apache-2.0 */
/* Host names in one form: lower case, A-labels, no dots at the ends. */
#include <idn2.h>

#include "event/normalise_private.h"

enum { LABEL_MAX = 63 };

/* What a byte becomes; 0: it may not be in a name. '_' is in real names. */
static inline char name_byte(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
		return (char)c;
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : '\0';
}

/* Labels of 1..63 bytes; the last is no number, or it would be an address. */
static size_t ascii_name(str text, char out[FQDN_SIZE])
{
	size_t label = 0, digits = 0;
	if (text.n == 0 || text.n > FQDN_MAX)
		return 0;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == '.') {
			if (label == 0 || label > LABEL_MAX)
				return 0;
			label = digits = 0;
			out[i] = '.';
			continue;
		}
		out[i] = name_byte(c);
		if (!out[i])
			return 0;
		label++;
		digits += c >= '0' && c <= '9';
	}
	return label == 0 || label > LABEL_MAX || digits == label ? 0 : text.n;
}

static bool is_ascii(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

static size_t idna_name(str text, char out[FQDN_SIZE])
{
	char z[1024];
	uint8_t *ascii = NULL;
	if (!str_is_utf8(text) || !str_to_z(text, z, sizeof(z)))
		return 0;
	/* UTS 46 as browsers and registries use it; NFC is the library's work. */
	if (idn2_lookup_u8((const uint8_t *)z, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
	    IDN2_OK)
		return 0;
	size_t n = ascii_name(str_of((const char *)ascii), out);
	idn2_free(ascii);
	return n;
}

size_t fqdn_put(str text, char out[FQDN_SIZE])
{
	while (text.n && text.p[0] == '.')
		text = str_from(text, 1);
	while (text.n && text.p[text.n - 1] == '.')
		text.n--;
	size_t n = ascii_name(text, out);
	if (n == 0 && text.n && !is_ascii(text))
		n = idna_name(text, out);
	return n;
}

bool fqdn_normalise(str text, struct arena *a, str *out)
{
	char name[FQDN_SIZE];
	size_t n = fqdn_put(str_trim_all(text), name);
	if (n == 0)
		return false;
	*out = arena_str(a, str_mem(name, n));
	return true;
}
