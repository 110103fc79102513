/* SPDX-License-Identifier: Apache-2.0 */
/* read.h: the only way to read an item for output.
 *
 * Every call takes a viewer and passes the disclosure check: rows the viewer
 * may not see do not exist (not in counts, not in paging, not in errors), and
 * personal fields are cut where there is no basis. cli/, web/ and every duty
 * read through this header and no other; a build check greps the includes. */
#ifndef RONDA_DISCLOSURE_READ_H
#define RONDA_DISCLOSURE_READ_H

#include "disclosure/access.h"
#include "route/findings.h"
#include "store/quarantine.h"
#include "store/upkeep.h"

struct event_view {
	char id[40];
	int64_t received_us;
	const struct event_row *row;  /* cells already cut: ask only through event_view_json/value */
	uint8_t hidden[64];           /* private: bit per cell that was cut, see read.c */
};
typedef bool (*event_view_each)(void *ctx, const struct event_view *e);
/* One flat JSON object with IntelMQ's names, plus "id", "ronda.concerns" as a list. */
void event_view_json(const struct event_view *e, struct json_out *j);
/* The value of a named field as text; false when it has none or it was cut. */
bool event_view_value(const struct event_view *e, str name, struct buf *out);

/* tlp_mask and exercise of `q` are set from the viewer. */
MUST_CHECK enum rc read_events(struct reader *r, const struct viewer *v, struct event_query *q,
			       event_view_each each, void *ctx, struct err *err);
MUST_CHECK enum rc read_event(struct reader *r, const struct viewer *v, str id, event_view_each each,
			      void *ctx, struct err *err); /* RC_ABSENT also when forbidden */
MUST_CHECK enum rc read_counts(struct reader *r, const struct viewer *v, struct event_query *q,
			       const enum count_by *by, size_t by_count, struct arena *a,
			       struct count_row **rows_out, size_t *count_out, struct err *err);
MUST_CHECK enum rc read_findings(struct reader *r, const struct viewer *v, struct finding_query *q,
				 finding_each each, void *ctx, struct err *err);
MUST_CHECK enum rc read_finding(struct reader *r, const struct viewer *v, str id, struct arena *a,
				struct finding *out, struct err *err);
void finding_json(const struct finding *f, const struct directory *d, struct json_out *j);
MUST_CHECK enum rc read_quarantine(struct reader *r, const struct viewer *v, int64_t before,
				   size_t limit, bool with_bytes, struct arena *a,
				   struct quarantined **out, size_t *count_out, struct err *err);
MUST_CHECK enum rc read_quarantined(struct reader *r, const struct viewer *v, int64_t id,
				    struct arena *a, struct quarantined *out, struct err *err);
/* RC_DENIED without the right READ. Contacts are cut without a personal basis. */
MUST_CHECK enum rc read_who(const struct viewer *v, const struct directory *d, const struct enrich *e,
			    str text, int64_t now_us, struct who *out, struct err *err);

/* Text filters of commands and URLs, from one table: "type=scanner",
 * "ip=198.18.0.0/15", "asn=", "cc=", "org=", "feed=", "from=", "until=",
 * "identifier=", "severity=", "fqdn=", "tlp=", "extra.NAME=" and any field name.
 * RC_INPUT names what is not understood. */
struct filter_set {
	struct event_query query;
	struct event_filter list[16];
};
MUST_CHECK enum rc filter_add(struct filter_set *f, str name, str value, struct arena *a,
			      struct err *err);
extern const struct filter_help { const char *name, *brief; } filter_help[];

#endif
