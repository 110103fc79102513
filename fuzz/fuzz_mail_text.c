/* SPDX-License-Identifier: Apache-2.0 */
/* What strangers write as text, HTML and header fields. Whatever comes, what is kept is UTF-8 without
 * control characters, and every field that is found has a name. */
#include "fuzz.h"
#include "mail/mime_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	str in = str_mem(data, size), name, value, rest = in;
	struct buf html = BUF_INIT(MIB(8)), clean = BUF_INIT(MIB(8)), scratch = BUF_INIT(KIB(64));
	mime_html_text(in, &html);
	(void)mime_clean(buf_str(&html), true, KIB(64), &clean);
	MUST(str_is_utf8(buf_str(&clean)) && clean.n <= KIB(64));
	for (size_t i = 0; i < clean.n; i++)
		MUST((unsigned char)clean.p[i] >= ' ' || clean.p[i] == '\n');
	buf_reset(&clean);
	(void)mime_clean(in, false, 100, &clean);
	MUST(str_is_plain(buf_str(&clean)) && clean.n <= 100);
	buf_reset(&scratch);
	if (mime_date(in, &scratch))
		MUST(scratch.n == 25);
	while (rest.n > 0) {
		size_t before = rest.n;
		if (mime_field_next(&rest, &scratch, &name, &value))
			MUST(name.n > 0 && name.n <= 80 && value.n <= KIB(64));
		MUST(rest.n < before);
	}
	buf_free(&html);
	buf_free(&clean);
	buf_free(&scratch);
	return 0;
}
