/* SPDX-License-Identifier: Apache-2.0 */
/* codes.h: codes of countries, currencies and languages, as their standards list them. */
#ifndef RONDA_RECORD_CODES_H
#define RONDA_RECORD_CODES_H

#include "base/buf.h"

/* ISO 3166-1 alpha-2, upper case; also XK, which ISO leaves to its users and everybody uses. */
bool code_country(str cc);

/* Digits behind the point of an ISO 4217 currency, upper case; -1: there is none. */
int code_currency(str code);

/* A BCP 47 tag (RFC 5646 section 2.1: language, script, region, variants), written as its section
 * 2.1.1 says: "id", "zh-Hant-TW". False: not well-formed, or a language or region of two letters
 * that is none. */
bool code_language(str tag, struct buf *out);

#endif
