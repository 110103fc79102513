/* SPDX-License-Identifier: Apache-2.0 */
/* bundle_private.h: between the files of bundles. */
#ifndef RONDA_EXCHANGE_BUNDLE_PRIVATE_H
#define RONDA_EXCHANGE_BUNDLE_PRIVATE_H

#include "exchange/bundle.h"
#include "exchange/exchange_private.h"
#include "exchange/line.h"
#include "exchange/take.h"

enum { BUNDLE_LINE_MAX = 4096, BUNDLE_PLAIN = 4 << 20 /* of a batch, about */, BUNDLE_PART_MAX = 64 << 20 };

/* What the head's line and each batch's line are signed over: the line itself, and a batch's sealed bytes. */
struct signed_head bundle_head(str from, str to, const char *what, enum lane lane, int64_t after_us, int64_t upto_us);

#endif
