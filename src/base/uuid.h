/* SPDX-License-Identifier: Apache-2.0 */
/* uuid.h: identifiers of 128 bits (RFC 4122; version 4 is made here). */
#ifndef RONDA_BASE_UUID_H
#define RONDA_BASE_UUID_H

#include "base/buf.h"

enum { UUID_TEXT_BYTES = 36 };
struct uuid {
	uint8_t b[16];
};
struct uuid uuid_random(void);
bool uuid_is_zero(const struct uuid *u);
bool uuid_equal(const struct uuid *a, const struct uuid *b);
/* 8-4-4-4-12 lower-case hex digits */
void uuid_format(struct buf *out, const struct uuid *u);
/* Exactly that form, either case; leaves *out alone when it is not. */
bool uuid_parse(str text, struct uuid *out);

#endif
