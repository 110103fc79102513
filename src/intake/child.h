/* SPDX-License-Identifier: Apache-2.0 */
/* child.h: the node's side of a parser child (ronda-parser).
 *
 * A child gets one report at a time over its socket: job, bytes, end; it writes
 * batches into the shared area and says so; the node copies, checks, and says
 * go on. A child serves one feed, and is replaced before the next feed, after
 * it broke a rule, or when it took longer than a record may (100 ms of its own
 * CPU per record, watched here). The record that killed a child twice is
 * skipped and quarantined (REJECT_CRASH, REJECT_TIMEOUT); a report that kills 20
 * is refused, as is one whose child breaks a rule twice. */
#ifndef RONDA_INTAKE_CHILD_H
#define RONDA_INTAKE_CHILD_H

#include "base/log.h"
#include "base/starter.h"
#include "intake/parse.h"

struct parser_pool;

MUST_CHECK enum rc parser_pool_new(struct starter *starter, struct log *log, unsigned most,
				   struct parser_pool **out, struct err *err);
void parser_pool_free(struct parser_pool *p);

/* As intake_parse, but inside a child. `room` gives the batch the next checked
 * copy goes into (it may wait); the child is told to go on as soon as the copy
 * is made, so it parses while `give` works on that same batch. `read` may be
 * called again from the start of the report when a child died (`rewind` is
 * then called first). A copy that fails its check is not given, and room is
 * asked for again. The calling thread calls all four, and waits for a free child.
 *
 * RC_OK: `out` says how it went, also when the report is refused (out->rc).
 * RC_BUSY: no child could be started. RC_IO: one of the four said stop.
 * RC_LIMIT: a name or mapping of the job is too large. job->skip and
 * job->progress are not read. */
struct parser_io {
	void *ctx;
	long (*read)(void *ctx, void *to, size_t n);
	bool (*rewind)(void *ctx);
	struct batch *(*room)(void *ctx); /* NULL: stop */
	bool (*give)(void *ctx, struct batch *b); /* b is what room gave; false: stop */
};
MUST_CHECK enum rc parser_run(struct parser_pool *p, const struct intake_job *job,
			      const struct parser_io *io, struct intake_result *out, struct err *err);

#endif
