/* SPDX-License-Identifier: Apache-2.0 */
/* normalise.h: text of a report into the typed value of a field.
 *
 * The rules are IntelMQ's (so that the same input gives the same event): text
 * trimmed, "", "-" and "N/A" mean no value; addresses lose /32, /128 and
 * %zone; host names lose dots at the ends, become lower case and IDNA; URLs
 * must have a host, hxxp is mended; times are UTC; ASN 1..4294967295 with or
 * without "AS"; TLP 2.0 (TLP 1 mapped). Pure functions. */
#ifndef RONDA_EVENT_NORMALISE_H
#define RONDA_EVENT_NORMALISE_H

#include "event/batch.h"

/* Sets field `f` of the open row of `b` from text. RC_OK also when the text
 * means "no value" (nothing is set then). RC_INPUT: wrong for this field.
 * To the linker it has another name: libunbound looks for libevent's. */
#define event_set event_set_field
MUST_CHECK enum rc event_set(struct batch *b, enum field f, str text, struct err *err);

/* Sets extra.<key> from text by the same rules: trimmed, nothing for "no value". */
MUST_CHECK enum rc event_set_extra(struct batch *b, str key, str text, struct err *err);

/* Sets "source.ip", "extra.tag", ... by name. An unknown name is put into
 * extra.<name>, as IntelMQ's users know it from unmapped columns. */
MUST_CHECK enum rc event_set_named(struct batch *b, str name, str text, struct err *err);

/* Fills classification.taxonomy from type, and type "undetermined" when
 * neither is there. Call before batch_row_end(). */
void event_complete_class(struct batch *b);

/* Pieces, each usable alone; results in `a`. */
bool fqdn_normalise(str text, struct arena *a, str *out);
bool url_normalise(str text, struct arena *a, str *out);
bool url_host(str url, str *host_out); /* a view into url, without port and brackets */
/* As nobody can click it: hxxp, [.]; also of a domain or an address. */
void url_defang(struct buf *out, str url);

#endif
