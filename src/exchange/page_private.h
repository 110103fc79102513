/* SPDX-License-Identifier: Apache-2.0 */
/* page_private.h: between the files that make a page of a collection. */
#ifndef RONDA_EXCHANGE_PAGE_PRIVATE_H
#define RONDA_EXCHANGE_PAGE_PRIVATE_H

#include "disclosure/told_partner.h"
#include "exchange/collection.h"
#include "stix/stix_event.h"

/* Which events can become what is asked for by id and type. */
struct page_named {
	enum { PAGE_EVENTS_ALL, PAGE_EVENTS_NAMED, PAGE_EVENTS_NONE } which;
	struct uuid *uuids;        /* of NAMED: of objects named after them ... */
	uint64_t *seqs;            /* ... and their numbers */
	size_t uuid_count, seq_count;
};

struct paging {
	struct exchange *x;
	struct reader *r;
	const struct collection *c;
	const struct told_to *to;
	const struct page_query *q;
	page_each each;
	void *ctx;
	struct page_end *out;
	size_t limit, given, bytes;
	uint64_t looked;           /* numbers of events */
	struct page_named named;
	struct stix_writer *writer;
	struct arena *a;           /* of one entry */
	struct entry e;            /* at hand */
	int64_t base_us;           /* of the item at hand */
	bool framing, stopped, flat;
	unsigned frame_at;
};

enum { STIX_TIME_MAX_TEXT = 40 };
/* "2026-11-22T02:45:29.123456Z" */
str page_time(int64_t us, char out[STIX_TIME_MAX_TEXT]);
/* Each object of the item at hand, from its writer: a stix_give of the paging. */
bool page_take(void *paging, const struct stix_given *o);
/* Of who writes: that he was stopped is no error; an item that cannot be written is counted as refused. */
MUST_CHECK enum rc page_written(struct paging *p, enum rc rc, struct err *err);
/* *out: may this kind of thing go; then `to` is under the agreement that says so. */
MUST_CHECK enum rc page_flow(struct paging *p, str flow, struct told_to *to, bool *out, struct err *err);
/* From the query; its lists live in `a`. */
void page_named_read(struct paging *p, struct arena *a);
/* Is the event of this number to be looked at? */
bool page_names(struct paging *p, uint64_t seq);
MUST_CHECK enum rc paging_record(struct paging *p, struct err *err);
MUST_CHECK enum rc page_foreign(struct paging *p, struct err *err);

#endif
