/* SPDX-License-Identifier: Apache-2.0 */
/* Packed bytes of any kind: all entries are read to their end; the limits hold,
 * names are plain text, it ends, and the same comes out however it is read. The first byte chooses
 * the read size. */
#include <zlib.h>

#include "base/arena.h"
#include "fuzz.h"
#include "intake/unpack.h"

struct source {
	str left;
	size_t step;
};

static long read_some(void *ctx, void *to, size_t n)
{
	struct source *s = ctx;
	n = n < s->step ? n : s->step;
	n = n < s->left.n ? n : s->left.n;
	if (n)
		memcpy(to, s->left.p, n);
	s->left = str_from(s->left, n);
	return (long)n;
}

struct result {
	uint64_t total;
	uLong sum;
	unsigned entries, failed;
};

/* All entries to their end, by so many bytes: of the source at a time, and asked for at once. */
static struct result read_all(str bytes, size_t step, size_t asked)
{
	static char to[KIB(64)];
	struct source s = { bytes, step };
	struct result r = { .sum = crc32(0, NULL, 0) };
	uint64_t packed = bytes.n;
	struct unpack *u = unpack_new(read_some, &s, packed);
	struct err err = { 0 };
	str name;
	for (enum rc rc; (rc = unpack_entry(u, &name, &err)) != RC_ABSENT; r.entries++) {
		MUST(r.entries <= UNPACK_ENTRIES_MAX + 1 && r.failed <= UNPACK_ENTRIES_MAX + 1);
		if (rc != RC_OK) {
			MUST((rc == RC_INPUT || rc == RC_LIMIT) && err.text[0]);
			r.failed++;
			continue;
		}
		MUST(str_is_plain(name));
		size_t n = 1;
		while ((rc = unpack_read(u, to, asked, &n, &err)) == RC_OK && n) {
			r.total += n;
			r.sum = crc32(r.sum, (const Bytef *)to, (uInt)n);
		}
		MUST(rc == RC_OK || rc == RC_INPUT || rc == RC_LIMIT);
	}
	MUST(!unpack_packing(u)[0] || r.total <= UNPACK_RATIO_MAX * packed);
	unpack_free(u);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	str bytes = str_from(str_mem(data, size), 1);
	size_t step = size && data[0] ? data[0] : KIB(64);
	struct result some = read_all(bytes, step, KIB(64)), whole = read_all(bytes, KIB(64), 50000);
	MUST(some.total == whole.total && some.sum == whole.sum && some.entries == whole.entries && some.failed == whole.failed);
	return 0;
}
