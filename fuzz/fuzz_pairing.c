/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that say to be invitations: as they come, and with these bytes behind a sum that is right. */
#include "exchange/pairing_private.h"

#include "fuzz.h"

static void look(str line, struct arena *a)
{
	struct invitation i;
	struct err err = { 0 };
	if (pairing_read(line, a, &i, &err) != RC_OK) {
		MUST(err.text[0]);
		return;
	}
	MUST(pairing_address_ok(i.address) && pairing_name_ok(i.name));
	struct buf again = BUF_INIT(2 * PAIRING_LINE_MAX);
	struct invitation same;
	pairing_write(&i, &again);
	MUST(again.n > PAIRING_LINE_MAX || pairing_read(buf_str(&again), a, &same, &err) == RC_OK);
	buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(KIB(16));
	struct buf line = BUF_INIT(MIB(1));
	str text = str_mem(data, size);
	look(text, a);
	buf_add(&line, STR("ronda1."));
	base64url_format(&line, text.p, text.n);
	buf_fmt(&line, ".%08x", crc32_of(text));
	if (!line.over)
		look(buf_str(&line), a);
	buf_free(&line);
	arena_free(a);
	return 0;
}
