/* SPDX-License-Identifier: Apache-2.0 */
/* mail_private.h: what the files of this folder share. */
#ifndef RONDA_MAIL_MAIL_PRIVATE_H
#define RONDA_MAIL_MAIL_PRIVATE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/rc.h"
#include "base/settings.h"

/* A secret stands in a file of its own, that nobody else may read. `path` "": *out is "". The
 * setting's name is for the words. */
MUST_CHECK enum rc mail_secret_file(const char *setting, str path, struct arena *a, str *out, struct err *err);
MUST_CHECK enum rc mail_secret(const struct settings *s, const char *setting, struct arena *a, str *out,
			       struct err *err);

/* --- relay.c --- */

enum { RELAYS_MAX = 8 };
struct relay {
	const char *url;         /* as libcurl takes it, with the name we greet by */
	const char *name;        /* "mail.example.org:587", for people */
	const char *host, *user, *password; /* user, password "": does not sign in */
	unsigned port;
	bool tls;                /* from the first byte */
	bool plain;              /* on loopback without login: no TLS */
	_Atomic int64_t down_us; /* monotonic: not asked before */
	atomic_uint fails;       /* one after the other */
};
/* mail_relays and mail_password_file. RC_INPUT names what is wrong. */
MUST_CHECK enum rc relays_read(const struct settings *s, struct arena *a, struct relay *list, size_t *count_out,
			       struct err *err);

#endif
