/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_private.h"

#include <zlib.h>

/* Text is packed when the client takes gzip: links of 64 kbit/s are what some
 * desks have. (A secret beside text from outside in one packed page can be
 * guessed by who makes a browser ask many times and watches the length; our
 * cookies are SameSite=Strict, so such requests carry no session.) */

enum { LEAST_BYTES = 1024, GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8, LEVEL = 5 };

static bool is_text(const char *type)
{
	str t = str_of(type ? type : "");
	return str_starts(t, STR("text/")) || str_starts(t, STR("application/json")) ||
	       str_starts(t, STR("application/taxii+json"));
}

/* "gzip" is in the list and not switched off by a weight of nothing. */
static bool takes_gzip(const struct http_request *q)
{
	str list = http_header(q, "accept-encoding");
	while (list.n > 0) {
		str weight = str_trim(str_cut(&list, ','));
		str name = str_trim(str_cut(&weight, ';'));
		weight = str_trim(weight);
		if (!str_eq_nocase(name, STR("gzip")))
			continue;
		for (size_t i = 2; i < weight.n; i++) {
			if (weight.p[i] >= '1' && weight.p[i] <= '9')
				return true;
		}
		return weight.n == 0;
	}
	return false;
}

static bool pack(str from, struct buf *to)
{
	z_stream z = { 0 };
	if (deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	char *room = buf_room(to, from.n); /* no smaller: then it stays as it is */
	z.next_in = (Bytef *)(uintptr_t)from.p;
	z.avail_in = (uInt)from.n;
	z.next_out = (Bytef *)room;
	z.avail_out = (uInt)from.n;
	bool good = room && deflate(&z, Z_FINISH) == Z_STREAM_END;
	to->n = good ? z.total_out : 0;
	deflateEnd(&z);
	return good;
}

void compress_answer(const struct http_request *q, struct http_answer *a)
{
	if (a->stream || a->body.over || a->body.n < LEAST_BYTES || a->body.n > UINT32_MAX ||
	    a->header_count + 2 > COUNT_OF(a->headers) || !is_text(a->type))
		return;
	a->headers[a->header_count].name = "Vary";
	a->headers[a->header_count++].value = STR("Accept, Accept-Encoding");
	struct buf packed = BUF_INIT(a->body.n);
	if (!takes_gzip(q) || !pack(buf_str(&a->body), &packed)) {
		buf_free(&packed);
		return;
	}
	buf_free(&a->body);
	a->body = packed;
	a->headers[a->header_count].name = "Content-Encoding";
	a->headers[a->header_count++].value = STR("gzip");
}
