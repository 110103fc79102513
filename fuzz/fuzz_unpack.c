/* SPDX-License-Identifier: Apache-2.0 */
/* Packed bytes of any kind: all entries are read to their end; the limits hold,
 * names are plain text, and it ends. The first byte chooses the read size. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char to[KIB(64)];
	struct source s = { str_from(str_mem(data, size), 1), size && data[0] ? data[0] : KIB(64) };
	uint64_t total = 0, packed = s.left.n;
	unsigned entries = 0, failed = 0;
	struct unpack *u = unpack_new(read_some, &s, packed);
	struct err err = { 0 };
	str name;
	for (enum rc rc; (rc = unpack_entry(u, &name, &err)) != RC_ABSENT; entries++) {
		MUST(entries <= UNPACK_ENTRIES_MAX + 1 && failed <= UNPACK_ENTRIES_MAX + 1);
		if (rc != RC_OK) {
			MUST((rc == RC_INPUT || rc == RC_LIMIT) && err.text[0]);
			failed++;
			continue;
		}
		MUST(str_is_plain(name));
		size_t n = 1;
		while ((rc = unpack_read(u, to, sizeof(to), &n, &err)) == RC_OK && n)
			total += n;
		MUST(rc == RC_OK || rc == RC_INPUT || rc == RC_LIMIT);
	}
	MUST(!unpack_packing(u)[0] || total <= UNPACK_RATIO_MAX * packed);
	unpack_free(u);
	return 0;
}
