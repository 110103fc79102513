/* SPDX-License-Identifier: Apache-2.0 */
/* normalise_private.h: pieces of normalise.c in files of their own. */
#ifndef RONDA_EVENT_NORMALISE_PRIVATE_H
#define RONDA_EVENT_NORMALISE_PRIVATE_H

#include "event/normalise.h"

enum { FQDN_MAX = 253, FQDN_SIZE = 256 };

/* The name in its one form, into `out`; its length, or 0 when it is none. */
size_t fqdn_put(str text, char out[FQDN_SIZE]);

/* A URL with a host and without control characters. The first *mend_out bytes
 * become "http" (4), or none do (0). */
bool url_check(str url, size_t *mend_out);
/* "file:///path": a file URL without a host; gives its path. */
bool url_file(str url, str *path_out);

#endif
