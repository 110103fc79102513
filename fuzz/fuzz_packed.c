/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that come packed: the first byte says how and up to how much. What is unpacked stays within the bound and the
 * ratio, and is what the library makes of it at once. */
#include "exchange/taxii_private.h"

#include <zlib.h>
#include <zstd.h>

#include "fuzz.h"

enum { ALL_MOST = 4 << 20, RATIO = 100, STEP_MOST = 64 << 10 };

static void check_zstd(str from, str got)
{
	struct buf again = BUF_INIT(ALL_MOST + 1);
	char *to = buf_room(&again, got.n + 1);
	size_t n = ZSTD_decompress(to, got.n + 1, from.p, from.n);
	MUST(!ZSTD_isError(n) && n == got.n && memcmp(to, got.p, n) == 0);
	buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const encodings[] = { "gzip", "zstd", "x-gzip", "GZIP", " zstd ", "identity", "", "br" };
	static const size_t bounds[] = { 1, 1000, KIB(64), ALL_MOST };
	struct buf out;
	struct err err = { 0 };
	str text = str_mem(data, size);
	uint8_t how = size ? data[0] : 0;
	str from = str_from(text, 1);
	size_t most = bounds[how / 8 % COUNT_OF(bounds)];
	str encoding = str_of(encodings[how % 8]);
	enum rc rc = taxii_unpack(encoding, from, most, &out, &err);
	MUST(rc == RC_OK || err.text[0]);
	MUST(out.size <= most + 2 * STEP_MOST);
	if (rc == RC_OK) {
		MUST(how % 8 < 5);
		MUST(out.n <= most && out.n <= from.n * RATIO + 2 * STEP_MOST);
		if (how % 8 == 1 || how % 8 == 4)
			check_zstd(from, buf_str(&out));
	}
	buf_free(&out);
	return 0;
}
