/* SPDX-License-Identifier: Apache-2.0 */
/* In the child: text of any charset into UTF-8. */
#include <errno.h>
/* The header of alloca() names what base/banned.h forbids: it is left out. */
#define __G_ALLOCA_H__
#include <gmime/gmime.h>
#include <iconv.h>

#include "mail/mime_child.h"

/* Converters are files that the C library loads; once locked in, none can be. What is loaded here
 * stays loaded; a charset that is not among these is read as Windows' Latin. */
void mime_prepare(void)
{
	static const char *const charsets[] = {
		"US-ASCII", "UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-7", "ISO-8859-1", "ISO-8859-2",
		"ISO-8859-3", "ISO-8859-4", "ISO-8859-5", "ISO-8859-6", "ISO-8859-7", "ISO-8859-8", "ISO-8859-9",
		"ISO-8859-10", "ISO-8859-11", "ISO-8859-13", "ISO-8859-14", "ISO-8859-15", "ISO-8859-16", "WINDOWS-1250",
		"WINDOWS-1251", "WINDOWS-1252", "WINDOWS-1253", "WINDOWS-1254", "WINDOWS-1255", "WINDOWS-1256",
		"WINDOWS-1257", "WINDOWS-1258", "KOI8-R", "KOI8-U", "TIS-620", "CP874", "MACINTOSH", "GB2312", "GBK",
		"GB18030", "BIG5", "BIG5-HKSCS", "EUC-JP", "SHIFT_JIS", "CP932", "ISO-2022-JP", "ISO-2022-JP-2",
		"EUC-KR", "CP949", "ISO-2022-KR", "EUC-TW", "TCVN", "VISCII", "IBM437", "IBM850", "IBM852", "IBM866",
	};
	g_mime_init();
	for (size_t i = 0; i < COUNT_OF(charsets); i++) {
		char in[4] = "a", out[16], *from = in, *to = out;
		size_t in_left = 1, out_left = sizeof out;
		iconv_t cd = iconv_open("UTF-8", charsets[i]);
		/* Left open: so that it stays. */
		if (cd != (iconv_t)-1)
			(void)iconv(cd, &from, &in_left, &to, &out_left);
	}
}

static bool convert(iconv_t cd, str bytes, size_t most, struct buf *out)
{
	char *from = (char *)bytes.p;
	size_t left = bytes.n;
	while (left > 0 && out->n < most && !out->over) {
		char *to = buf_room(out, 4096);
		size_t room = 4096;
		if (!to)
			break;
		size_t got = iconv(cd, &from, &left, &to, &room);
		out->n += 4096 - room;
		if (got != (size_t)-1 || errno == E2BIG)
			continue;
		buf_add(out, STR("\xef\xbf\xbd"));
		from++;
		left--;
		(void)iconv(cd, NULL, NULL, NULL, NULL);
	}
	return left == 0;
}

void mime_decode_text(str bytes, const char *charset, size_t most, struct buf *out)
{
	if (!charset || !*charset || g_ascii_strcasecmp(charset, "utf-8") == 0 || g_ascii_strcasecmp(charset, "us-ascii") == 0) {
		if (str_is_utf8(bytes)) {
			buf_add(out, str_head(bytes, most));
			return;
		}
		charset = "windows-1252";
	}
	iconv_t cd = iconv_open("UTF-8", g_mime_charset_iconv_name(charset));
	if (cd == (iconv_t)-1 && str_is_utf8(bytes)) {
		buf_add(out, str_head(bytes, most));
		return;
	}
	if (cd == (iconv_t)-1)
		cd = iconv_open("UTF-8", "windows-1252");
	if (cd == (iconv_t)-1)
		return;
	(void)convert(cd, bytes, most, out);
	iconv_close(cd);
}
