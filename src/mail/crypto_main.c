/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-crypto: signs, encrypts, opens and verifies for the node: OpenPGP and S/MIME by GPGME. It runs
 * gpg, gpgsm and gpg-agent and nothing else, in a GNUPGHOME of its own, without network. */
#include <sys/prctl.h>

#include "base/cage.h"
#include "base/calls.h"
#include "base/hash.h"

static enum rc lock_in(size_t area_bytes, struct err *err)
{
	struct cage cage = { .memory_bytes = area_bytes + MIB(96) };
	return cage_enter(&cage, err);
}

static enum rc answer(struct helper_call *k, struct err *err)
{
	return fail(err, RC_INPUT, "ronda-crypto does not know question %u", k->what);
}

int main(void)
{
	prctl(PR_SET_NAME, "ronda-crypto");
	if (hash_init(NULL) != RC_OK)
		return 3;
	return calls_serve(lock_in, answer);
}
