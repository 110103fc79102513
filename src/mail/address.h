/* SPDX-License-Identifier: Apache-2.0 */
/* address.h: mail addresses as they stand in settings and records (RFC 5321, section 4.1.2, without
 * quoted local parts, source routes and address literals; RFC 6531: any UTF-8 in both halves). */
#ifndef RONDA_MAIL_ADDRESS_H
#define RONDA_MAIL_ADDRESS_H

#include "base/str.h"

enum { ADDRESS_MAX = 254 };
bool address_is(str s);
/* "CERT of X <cert@example.org>" or "cert@example.org": views into `s`. *name_out may be "". False:
 * there is no address in it. */
bool address_split(str s, str *name_out, str *address_out);
/* What stands behind the '@'; "" of what is no address. */
str address_domain(str address);

#endif
