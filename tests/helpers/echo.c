/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-echo: answers calls by their number: 1 the blocks back, 2 how many it served; or dies (3), is
 * silent (4), says no (5), lies about the length (6), answers too long (7). */
#include <unistd.h>

#include "base/cage.h"
#include "base/calls_private.h"
#include "base/starter_private.h"

static unsigned served;

static enum rc lock_in(size_t area_bytes, struct err *err)
{
	struct cage cage = { .memory_bytes = area_bytes + MIB(64) };
	return cage_enter(&cage, err);
}

static enum rc answer(struct helper_call *k, struct err *err)
{
	char text[16];
	struct calls_say lie = { .kind = CALLS_ANSWER, .bytes = UINT64_MAX };
	served++;
	switch (k->what) {
	case 1:
		for (size_t i = 0; i < k->count; i++)
			calls_put(&k->answer, k->blocks[i]);
		return RC_OK;
	case 2:
		calls_put(&k->answer, str_mem(text, (size_t)snprintf(text, sizeof text, "%u", served)));
		return RC_OK;
	case 3:
		abort();
	case 4:
		for (char c;;)
			if (read(HELPER_SOCKET, &c, 1) <= 0)
				_exit(0);
	case 6:
		if (write(HELPER_SOCKET, &lie, sizeof lie) < 0)
			_exit(0);
		return RC_OK;
	case 7:
		while (!k->answer.over)
			calls_put(&k->answer, STR("0123456789"));
		return RC_OK;
	default:
		return fail(err, RC_DENIED, "no to %u", k->what);
	}
}

int main(void)
{
	return calls_serve(lock_in, answer);
}
