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
#include "route/fallback.h"
#include "route/findings.h"
#include "store/quarantine.h"
#include "store/upkeep.h"

struct event_view {
	char id[40];
	int64_t received_us;
	const struct event_row *row;  /* private: ask only through event_view_json/value */
	bool cut_personal;            /* private: personal cells do not exist */
};
typedef bool (*event_view_each)(void *ctx, const struct event_view *e);
/* One flat JSON object with IntelMQ's names, plus "id"; "ronda.concerns" is a list of
 * {organisation_id, organisation, role, reason}, the name only with a directory. */
void event_view_json(const struct event_view *e, struct json_out *j);
void event_view_json_named(const struct event_view *e, const struct directory *d, struct json_out *j);
/* The same without what is ours alone ("ronda.…") and without values of several: for other nodes. */
void event_view_flat(const struct event_view *e, struct json_out *j);
/* The value of a named field ("id" too) as text; false when it has none or it was cut. */
bool event_view_value(const struct event_view *e, str name, struct buf *out);

/* tlp_mask and exercise of `q` are set from the viewer. RC_DENIED: no right to
 * read, or a filter by a personal field without a basis (a hit would tell). */
MUST_CHECK enum rc read_events(struct reader *r, const struct viewer *v, struct event_query *q,
			       event_view_each each, void *ctx, struct err *err);
MUST_CHECK enum rc read_event(struct reader *r, const struct viewer *v, str id, event_view_each each,
			      void *ctx, struct err *err); /* RC_ABSENT also when forbidden */
/* Needs no right: the public (RIGHT_PUBLIC) gets CLEAR events of groups made from
 * at least policy.public_k different sources; it may group and filter only by day,
 * type, taxonomy, country, identifier and severity (RC_DENIED else), and from
 * and until are widened to whole days. Exercises are never counted. */
MUST_CHECK enum rc read_counts(struct reader *r, const struct viewer *v, struct event_query *q,
			       const enum count_by *by, size_t by_count, struct arena *a,
			       struct count_row **rows_out, size_t *count_out, struct err *err);
/* As read_events; the reason of a mark, free words, is cut without a basis. */
MUST_CHECK enum rc read_findings(struct reader *r, const struct viewer *v, struct finding_query *q,
				 finding_each each, void *ctx, struct err *err);
MUST_CHECK enum rc read_finding(struct reader *r, const struct viewer *v, str id, struct arena *a,
				struct finding *out, struct err *err);
void finding_json(const struct finding *f, const struct directory *d, struct json_out *j);
/* Place, reason and file of a record for the right READ; its bytes and the
 * sentence about them, which may quote it, only for OPERATE and with a basis
 * for personal fields, as raw text may hold anything. Marked as its feed. */
MUST_CHECK enum rc read_quarantine(struct reader *r, const struct viewer *v, int64_t before,
				   size_t limit, bool with_bytes, struct arena *a,
				   struct quarantined **out, size_t *count_out, struct err *err);
MUST_CHECK enum rc read_quarantined(struct reader *r, const struct viewer *v, int64_t id,
				    struct arena *a, struct quarantined *out, struct err *err);
/* RC_DENIED without the right READ. Contacts are cut without a personal basis. */
MUST_CHECK enum rc read_who(const struct viewer *v, const struct directory *d, const struct enrich *e,
			    str text, int64_t now_us, struct who *out, struct err *err);
/* Contacts of last resort for what read_who() was asked, most trusted first; none for whom personal
 * data are cut. Where nothing told a country, what a registry said of it is added to *w. `f` may
 * be NULL. */
size_t read_last_resort(const struct viewer *v, const struct directory *d, const struct fallback *f,
			int64_t now_us, struct who *w, struct fallback_hit out[FALLBACK_HITS_MAX]);
/* Member "last_resort":[{"email","name","source","seen","days_old","trust","reason"}]. */
void last_resort_json(const struct fallback_hit *list, size_t count, int64_t now_us, struct json_out *j);
/* The contacts of an organisation, in `a`: none without the right READ and a personal basis, and of
 * none (`o` NULL). */
MUST_CHECK enum rc read_contacts(struct reader *r, const struct viewer *v, const struct org *o,
				 struct arena *a, struct contact **out, size_t *count_out,
				 struct err *err);

/* Text filters of commands and URLs, from one table: "type=scanner",
 * "ip=198.18.0.0/15", "asn=", "cc=", "org=", "feed=", "from=", "until=",
 * "identifier=", "severity=", "fqdn=", "tlp=", "extra.NAME=" and any field name.
 * Text ending in "*" means what begins so; a host name beginning with "." what
 * ends so. Times are RFC 3339, a date, or "2d" (ago); until is exclusive.
 * RC_INPUT names what is not understood. */
struct filter_set {
	struct event_query query;
	struct event_filter list[16];
};
MUST_CHECK enum rc filter_add(struct filter_set *f, str name, str value, struct arena *a,
			      struct err *err);
/* Ends with { NULL }. */
extern const struct filter_help { const char *name, *brief; } filter_help[];

#endif
