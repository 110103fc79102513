/* SPDX-License-Identifier: Apache-2.0 */
/* crypto_private.h: the pieces of ronda-crypto.
 *
 * The cage, honestly. It can: start gpg, gpgsm, gpg-agent and no other program (Landlock), read the
 * system's libraries and its GNUPGHOME, write there alone, speak over Unix sockets to its agent. It
 * cannot: open an IP socket (no dirmngr either), open any other file, gain privileges, map other
 * processes' memory, make namespaces, use more memory, file size and processor time than its limits.
 * The three programs are in the same cage, as they are started behind it.
 *
 * It does not keep a gpg that has been taken over from reading the private keys in the GNUPGHOME, from
 * connecting to a Unix socket by its path that the node's user may open (DIR/sock lets no helper in: node/control.c), or, where the kernel has
 * Landlock below version 6, from sending SIGHUP to the user's other processes. Where there is no
 * Landlock at all, programs and files are those of the Unix user; sockets stay forbidden. */
#ifndef RONDA_MAIL_CRYPTO_PRIVATE_H
#define RONDA_MAIL_CRYPTO_PRIVATE_H

#include <gpgme.h>

#include "mail/crypto_calls.h"

#define GPG "/usr/bin/gpg"
#define GPGSM "/usr/bin/gpgsm"
#define GPG_AGENT "/usr/bin/gpg-agent"
enum { HOME_MOST = 90, OPEN_MOST = 64 << 20 };

/* --- crypto_cage.c --- */

/* System calls and limits: before the first byte of a question. */
MUST_CHECK enum rc crypto_cage_enter(size_t area_bytes, struct err *err);
/* Files: when the home is known, before any byte of the question's other blocks is looked at. */
MUST_CHECK enum rc crypto_cage_files(const char *home, struct err *err);

/* --- crypto_home.c --- */

/* Made (0700) with its files of options at the first question; another home than that is refused. */
MUST_CHECK enum rc crypto_home_enter(str home, struct err *err);
const char *crypto_home(void);
/* The agent runs: a child that the kernel ends with us. */
MUST_CHECK enum rc crypto_agent(struct err *err);
/* gpgsm --import of a file with an empty password; what it says of it (--status-fd) as a string. */
MUST_CHECK enum rc crypto_run_gpgsm_import(str bytes, char *said, size_t size, struct err *err);
/* A root certificate is believed in from now on. */
MUST_CHECK enum rc crypto_trust(const char *fingerprint, struct err *err);

/* --- crypto_keys.c --- */

MUST_CHECK enum rc crypto_context(enum crypto_kind kind, gpgme_ctx_t *out, struct err *err);
enum rc crypto_fail(struct err *err, gpgme_error_t e, const char *what);
/* "": it may be used for that. */
const char *crypto_key_words(gpgme_key_t k);
MUST_CHECK enum rc answer_import(struct helper_call *k, struct err *err);
MUST_CHECK enum rc answer_list(struct helper_call *k, struct err *err);
MUST_CHECK enum rc answer_delete(struct helper_call *k, struct err *err);
MUST_CHECK enum rc answer_generate(struct helper_call *k, struct err *err);
MUST_CHECK enum rc answer_export(struct helper_call *k, struct err *err);

/* --- crypto_seal.c, crypto_open.c --- */

MUST_CHECK enum rc answer_sign(struct helper_call *k, struct err *err);
MUST_CHECK enum rc answer_encrypt(struct helper_call *k, struct err *err);
MUST_CHECK enum rc answer_open(struct helper_call *k, struct err *err);

/* What GPGME writes, up to a limit. End with crypto_sink_end(). */
struct crypto_sink {
	struct buf b;
	gpgme_data_t data;
};
MUST_CHECK enum rc crypto_sink_begin(struct crypto_sink *s, struct err *err);
void crypto_sink_end(struct crypto_sink *s);
MUST_CHECK enum rc crypto_source(str bytes, gpgme_data_t *out, struct err *err);

static inline enum crypto_kind crypto_kind_of(const struct helper_call *k)
{
	return k->blocks[1].n == 1 && k->blocks[1].p[0] == CRYPTO_SMIME ? CRYPTO_SMIME : CRYPTO_OPENPGP;
}

#endif
