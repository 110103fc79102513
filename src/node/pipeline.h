/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.h: the way of a report: raw kept, parsed in a child, copied and
 * checked, repeats taken out, enriched, routed, labelled, committed, folded.
 *
 * intake_begin / intake_bytes / intake_end is one delivery; intake_end returns
 * when every batch is on disk: only then may the sender be told. Threads may
 * deliver side by side. */
#ifndef RONDA_NODE_PIPELINE_H
#define RONDA_NODE_PIPELINE_H

#include "base/json.h"
#include "node/node.h"

struct pipeline;
MUST_CHECK enum rc pipeline_new(struct node *n, struct pipeline **out, struct err *err);
void pipeline_free(struct pipeline *p); /* waits for deliveries under way */
/* Deliveries under way end with RC_BUSY after the batch they are at; what is on disk stays, and
 * pipeline_resume() or the same bytes again go on from there. */
void pipeline_stop(struct pipeline *p);

struct delivery {
	str feed;       /* "" = local */
	str format;     /* "" or "auto" = the feed's, else by content */
	str file_name;
	str mapping;    /* bytes; STR_NONE: the feed's */
	str actor;      /* for the journal */
};
struct intake;
MUST_CHECK enum rc intake_begin(struct pipeline *p, const struct delivery *d, struct intake **out,
				struct err *err);
MUST_CHECK enum rc intake_bytes(struct intake *in, str bytes, struct err *err);
void intake_abort(struct intake *in);

struct intake_summary {
	int64_t report;
	bool known;              /* these bytes came before: the first summary */
	struct report_counts counts;
	double seconds, findings_seconds; /* findings_seconds: until the fold had seen all; <0 not waited */
	char format[32], type[64];
	bool unknown_type;
};
/* Ends `in`. `wait_findings`: also until folded. RC_INPUT: the report as a whole
 * was refused (kept raw, state refused). `progress` may be NULL. */
MUST_CHECK enum rc intake_end(struct intake *in, bool wait_findings,
			      void (*progress)(void *ctx, const struct report_counts *now), void *ctx,
			      struct intake_summary *out, struct err *err);
void intake_summary_json(const struct intake_summary *s, struct json_out *j);

/* Reports that were under way when the node last stopped: finishes them. */
MUST_CHECK enum rc pipeline_resume(struct pipeline *p, uint64_t *count_out, struct err *err);
/* Parses quarantined records again (id 0: all open ones). */
MUST_CHECK enum rc pipeline_retry(struct pipeline *p, int64_t id, str actor, uint64_t *tried_out,
				  uint64_t *mended_out, struct err *err);
/* Takes all events of one report back, as if it had never come. `why` may be "": it stands in the journal, and partners
 * who had events of it are told it where they may be. */
enum { UNDO_WHY_MAX = 2000 };
MUST_CHECK enum rc pipeline_undo(struct pipeline *p, int64_t report, str actor, str why,
				 uint64_t *events_out, struct err *err);
/* Waits until the findings have seen every committed event. */
MUST_CHECK enum rc pipeline_settle(struct pipeline *p, struct err *err);

#endif
