/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.h: the entries inside a packed report, as a stream.
 *
 * gzip (all its members are one entry), zip (stored and deflated entries, read
 * front to back: the directory at the end is not believed), zstd, or nothing at
 * all; seen by content. Limits: 100 x the packed size and 256 MiB of unpacked
 * bytes together, 1,000 entries. Names are text for hints, never paths. Packed
 * entries inside are not opened (unpack_is_packed tells them). One thread. */
#ifndef RONDA_INTAKE_UNPACK_H
#define RONDA_INTAKE_UNPACK_H

#include "base/str.h"

enum { UNPACK_RATIO_MAX = 100, UNPACK_ENTRIES_MAX = 1000 };
#define UNPACK_BYTES_MAX ((uint64_t)MIB(256))

struct unpack;

/* `read` as in struct intake_io. `packed_bytes`: of the whole report; 0: not
 * known, then what was read so far counts. */
struct unpack *unpack_new(long (*read)(void *ctx, void *to, size_t n), void *ctx,
			  uint64_t packed_bytes);
void unpack_free(struct unpack *u);

/* Begins the next entry. *name_out is "" when it has none, else valid until the
 * next call. RC_ABSENT: there are no more. RC_INPUT, RC_LIMIT: this entry cannot
 * be read, in words; call again for the one behind it. RC_IO: `read` said stop. */
MUST_CHECK enum rc unpack_entry(struct unpack *u, str *name_out, struct err *err);

/* Up to n bytes of the entry; *n_out 0: its end. Errors as above; the bytes
 * given before are good as far as they go. */
MUST_CHECK enum rc unpack_read(struct unpack *u, void *to, size_t n, size_t *n_out,
			       struct err *err);

/* "gzip", "zip", "zstd" or "", once unpack_entry was called. */
const char *unpack_packing(const struct unpack *u);
/* Do these bytes begin as one of the packings does? */
bool unpack_is_packed(str head);

#endif
