/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notify_private.h"

/* 3GPP TS 23.038 section 6.2.1: what the default alphabet has beside ASCII letters and digits. Its
 * table by rows, and that of the extension (6.2.1.1), whose characters take two septets. */
static const char alphabet[] =
	"@\xc2\xa3$\xc2\xa5\xc3\xa8\xc3\xa9\xc3\xb9\xc3\xac\xc3\xb2\xc3\x87\n\xc3\x98\xc3\xb8\r\xc3\x85\xc3\xa5"
	"\xce\x94_\xce\xa6\xce\x93\xce\x9b\xce\xa9\xce\xa0\xce\xa8\xce\xa3\xce\x98\xce\x9e\xc3\x86\xc3\xa6\xc3\x9f\xc3\x89"
	" !\"#\xc2\xa4%&'()*+,-./:;<=>?\xc2\xa1\xc3\x84\xc3\x96\xc3\x91\xc3\x9c\xc2\xa7\xc2\xbf\xc3\xa4\xc3\xb6\xc3\xb1\xc3\xbc\xc3\xa0";
static const char extension[] = "\f^{}\\[~]|\xe2\x82\xac";

static size_t character_bytes(unsigned char first)
{
	return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Septets it takes; 0: it is in neither table. */
static unsigned septets(str c)
{
	if (c.n == 1 && ((*c.p >= 'a' && *c.p <= 'z') || (*c.p >= 'A' && *c.p <= 'Z') ||
			 (*c.p >= '0' && *c.p <= '9')))
		return 1;
	str all = str_of(alphabet);
	if (str_find(all, c) < all.n)
		return 1;
	all = str_of(extension);
	return str_find(all, c) < all.n ? 2 : 0;
}

/* UTF-16 units: what lies beyond the first plane takes two. */
static unsigned units(str c)
{
	return c.n == 4 ? 2 : 1;
}

static str next_character(str *rest)
{
	size_t n = character_bytes((unsigned char)rest->p[0]);
	str c = str_head(*rest, n < rest->n ? n : rest->n);
	*rest = str_from(*rest, c.n);
	return c;
}

static bool all_gsm(str text)
{
	while (text.n > 0)
		if (septets(next_character(&text)) == 0)
			return false;
	return true;
}

static unsigned size_of(str text, bool gsm)
{
	unsigned n = 0;
	while (text.n > 0) {
		str c = next_character(&text);
		n += gsm ? septets(c) : units(c);
	}
	return n;
}

void sms_fit(str text, str tail, struct buf *out)
{
	text = str_trim_all(text);
	bool gsm = all_gsm(text) && all_gsm(tail);
	unsigned most = gsm ? SMS_SEPTETS : SMS_UCS2, room = size_of(tail, gsm), used = 0;
	room = room < most ? most - room : 0;
	bool blank = false;
	while (text.n > 0) {
		str c = next_character(&text);
		bool space = c.n == 1 && (*c.p == '\n' || *c.p == '\r' || *c.p == ' ' || *c.p == '\f');
		unsigned takes = space ? 1 : gsm ? septets(c) : units(c);
		if (space && blank)
			continue;
		if (used + takes > room)
			break;
		buf_add(out, space ? STR(" ") : c);
		blank = space;
		used += takes;
	}
	buf_add(out, tail);
}
