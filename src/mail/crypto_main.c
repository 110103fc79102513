/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-crypto: signs, encrypts, opens and verifies for the node: OpenPGP and S/MIME by GPGME. It runs
 * gpg, gpgsm and gpg-agent and nothing else, in a GNUPGHOME of its own, without network
 * (crypto_private.h says what its cage holds and what not). */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/hash.h"
#include "base/starter_private.h"
#include "mail/crypto_private.h"

#ifdef RONDA_SANITIZED
/* Looking for leaks needs a second process that may look into this one. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:symbolize=0";
}
#endif

static const struct {
	enum crypto_call what;
	size_t blocks;          /* with home and kind */
	enum rc (*answer)(struct helper_call *k, struct err *err);
} rows[] = {
	{ CRYPTO_IMPORT, 4, answer_import },	 { CRYPTO_LIST, 3, answer_list },
	{ CRYPTO_DELETE, 3, answer_delete },	 { CRYPTO_GENERATE, 4, answer_generate },
	{ CRYPTO_EXPORT, 3, answer_export },	 { CRYPTO_SIGN, 4, answer_sign },
	{ CRYPTO_ENCRYPT, 5, answer_encrypt },	 { CRYPTO_OPEN, 4, answer_open },
};

static enum rc lock_in(size_t area_bytes, struct err *err)
{
	(void)fcntl(HELPER_SOCKET, F_SETFD, FD_CLOEXEC); /* gpg does not speak to the node */
	/* GPGME asks gpgconf once where things are: here, before any byte from outside, as that is one
	 * program more than may be started afterwards. */
	gpgme_engine_info_t engines;
	if (!gpgme_check_version("1.18.0") || gpgme_get_engine_info(&engines) != 0)
		return fail(err, RC_IO, "GPGME is older than 1.18, or finds no gpg");
	return crypto_cage_enter(area_bytes, err);
}

static enum rc answer(struct helper_call *k, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (rows[i].what != (enum crypto_call)k->what || rows[i].blocks != k->count)
			continue;
		enum rc rc = crypto_home_enter(k->blocks[0], err);
		return rc == RC_OK ? rows[i].answer(k, err) : rc;
	}
	return fail(err, RC_INPUT, "ronda-crypto does not know question %u", k->what);
}

int main(void)
{
	prctl(PR_SET_NAME, "ronda-crypto");
	signal(SIGPIPE, SIG_IGN);
	if (hash_init(NULL) != RC_OK)
		return 3;
	return calls_serve(lock_in, answer);
}
