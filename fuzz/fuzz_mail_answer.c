/* SPDX-License-Identifier: Apache-2.0 */
/* What a mail child that lies answers: blocks with a length of two bytes before each. Whatever comes,
 * what is taken is text without control characters and within its limits. */
#include "base/arena.h"
#include "fuzz.h"
#include "mail/parse.h"

static void see_address(const struct mail_address *a)
{
	MUST(str_is_plain(a->name) && str_is_plain(a->address));
	MUST(a->address.n == 0 || (str_has(a->address, '@') && !str_has(a->address, ' ')));
}

static void see(const struct mail *m)
{
	MUST(str_is_utf8(m->text) && m->text.n <= MAIL_TEXT_MAX + 16);
	MUST(str_is_plain(m->subject) && str_is_plain(m->message_id) && str_is_plain(m->references) && str_is_plain(m->loop));
	MUST(m->to_count <= MAIL_ADDRESSES_MAX && m->part_count <= MAIL_PARTS_MAX && m->field_count <= MAIL_FIELDS_MAX + 1);
	see_address(&m->from);
	for (size_t i = 0; i < m->to_count; i++)
		see_address(&m->to[i]);
	for (size_t i = 0; i < m->part_count; i++)
		MUST(str_is_plain(m->parts[i].name) && str_is_plain(m->parts[i].type) && m->parts[i].depth <= MAIL_NEST_MAX + 1);
	for (size_t i = 0; i < m->field_count; i++)
		MUST(str_is_plain(m->fields[i].name) && str_is_plain(m->fields[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(KIB(16));
	str blocks[CALLS_BLOCKS_MAX];
	size_t count = 0;
	struct wire w = wire_of(str_mem(data, size));
	struct mail m;
	struct err err;
	while (count < CALLS_BLOCKS_MAX && wire_left(&w) > 0 && !w.bad) {
		size_t n = wire_le16(&w);
		blocks[count++] = wire_bytes(&w, n < wire_left(&w) ? n : wire_left(&w));
	}
	if (mail_parse_answer(blocks, count, a, &m, &err) == RC_OK)
		see(&m);
	arena_free(a);
	return 0;
}
