/* SPDX-License-Identifier: Apache-2.0 */
/* xarf.h: one event as a report by X-ARF version 4 (xarf.org): for programs of abuse desks. */
#ifndef RONDA_NOTIFY_XARF_H
#define RONDA_NOTIFY_XARF_H

#include "base/json.h"

struct xarf_sender {
	str name, address;   /* of us: an organisation and its mail address */
	str node;            /* the same event of this node has the same report_id */
};
/* `event` is one flat object of JSON by IntelMQ's names (digest.def); it becomes the evidence too. False: it
 * names no source or no time, or is no object. */
bool xarf_write(const struct xarf_sender *us, str event, struct buf *out);

#endif
