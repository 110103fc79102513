/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-mail: writes and reads mails for the node, locked in: no file, no network, no key, no exec.
 * GMime stands here and nowhere else. */
#include <sys/prctl.h>

#include "base/cage.h"
#include "base/calls.h"
#include "base/hash.h"
#include "mail/compose.h"
#include "mail/mail_calls.h"
#include "mail/mime_private.h"

#define OWN_MEMORY MIB(96)

#ifdef RONDA_SANITIZED
/* Looking for leaks needs a second process, and symbols need files. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:symbolize=0";
}
#endif

static enum rc lock_in(size_t area_bytes, struct err *err)
{
	struct cage cage = { .memory_bytes = area_bytes + OWN_MEMORY, .refuse_files = true };
	mime_prepare();
	return cage_enter(&cage, err);
}

static enum rc answer(struct helper_call *k, struct err *err)
{
	switch (k->what) {
	case MAIL_COMPOSE:
		return compose_answer(k, err);
	case MAIL_PARSE:
		return mime_read(k, err);
	}
	return fail(err, RC_INPUT, "ronda-mail does not know question %u", k->what);
}

int main(void)
{
	prctl(PR_SET_NAME, "ronda-mail");
	if (hash_init(NULL) != RC_OK)
		return 3;
	compose_warm_up();
	return calls_serve(lock_in, answer);
}
