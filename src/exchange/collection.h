/* SPDX-License-Identifier: Apache-2.0 */
/* collection.h: what one partner, or anybody, may read from us, in the order it was offered.
 *
 * A collection is a list of entries; an entry names items of ours: a run of events by their numbers, a version of a
 * record, an answer, an object of somebody else's that we keep. It stands at a time, `added_us`, which is
 * TAXII 2.1's date_added (sections 3.4, 5.4): strictly increasing within the collection in the order of
 * commits, also when the clock steps back (max(now, last + 1)). An entry of events takes ENTRY_STEP
 * microseconds for each event number from its first to its last, so that each object of each event has a time of its
 * own that follows from its number: a page is found from a cursor alone, and costs the same however much stands
 * before it.
 *
 * Reading (collection_page) asks the disclosure check for each item as it stands now, and makes the
 * STIX from it: what may not go any more is not there. A withdrawn item is an entry of its own
 * (ENTRY_WITHDRAWN), which says no more than its id and that it is revoked. While no agreement at all is in
 * force with a partner, his collection gives nothing and his cursor stands still: what waits flows when there is one
 * again. What the agreement does not let flow, or the check keeps back, is passed over. */
#ifndef RONDA_EXCHANGE_COLLECTION_H
#define RONDA_EXCHANGE_COLLECTION_H

#include "exchange/partner.h"
#include "record/outbox.h" /* enum lane */

enum collection_kind {
	COLLECTION_OUT = 1, /* what one partner gets from us */
	COLLECTION_IN,      /* where one partner posts to us; we read what came by it */
	COLLECTION_PUBLIC,  /* what anybody gets */
};
struct collection {
	int64_t id;
	struct uuid uuid;          /* the id in TAXII */
	enum collection_kind kind;
	struct uuid partner;       /* of OUT and IN */
	str alias, title;          /* "for-telecom-c" */
	int64_t last_us;           /* date_added handed out last */
};
/* Of a partner, made when it is not there; partner zero: the public one. Inside a job. */
MUST_CHECK enum rc collection_of(struct tx *tx, enum collection_kind kind, struct uuid partner, str title,
				 struct arena *a, struct collection *out, struct err *err);
/* By uuid or alias. RC_ABSENT. */
MUST_CHECK enum rc collection_find(struct conn *c, str id, struct arena *a, struct collection *out,
				   struct err *err);
/* Without making one. RC_ABSENT. */
MUST_CHECK enum rc collection_of_partner(struct conn *c, enum collection_kind kind, struct uuid partner,
					 struct arena *a, struct collection *out, struct err *err);
typedef bool (*collection_each)(void *ctx, const struct collection *c);
MUST_CHECK enum rc collections_list(struct conn *c, collection_each each, void *ctx, struct err *err);

enum entry_kind {
	ENTRY_EVENTS = 1,   /* first..last: event numbers; of those the ones that concern the partner */
	ENTRY_RECORD,       /* first: id of record_version */
	ENTRY_ANSWER,       /* first: id of the ledger row, or of what answers.h keeps */
	ENTRY_OBJECT,       /* first: id of exchange_object */
	ENTRY_WITHDRAWN,    /* first: id of exchange_withdrawn (withdraw.h); count: how many items */
	ENTRY_AGAIN = 7,    /* first: id of exchange_withdrawn: events that are given again; count: how many */
	ENTRY_LATER = 8,    /* the same of events he was never offered: that they concern him was found later */
	ENTRY_FRAME = 6,    /* what other objects refer to: who we are, our extension, the marks. Each collection begins
	                     * with one */
};
enum { ENTRY_STEP = 16,    /* most objects that one item becomes with a time of their own: microseconds it takes */
       ENTRY_EVENTS_MOST = 1 << 16 }; /* numbers from first to last */
struct entry {
	int64_t added_us;
	enum entry_kind kind;
	enum lane lane;
	uint64_t first, last;
	uint64_t count;            /* items in it when it was offered */
};
/* Inside a job: stands behind all others of the collection; *added_out: its time. */
MUST_CHECK enum rc entry_put(struct tx *tx, int64_t collection, const struct entry *e, int64_t *added_out,
			     struct err *err);

/* How many microseconds an entry takes from its time on. */
int64_t entry_span_us(const struct entry *e);
/* The entry that holds or is the first behind a cursor; lane -1: of any. */
MUST_CHECK enum rc entry_after(struct conn *c, int64_t collection, int lane, int64_t after_us, struct entry *out,
			       bool *found, struct err *err);

/* --- reading --- */

struct page_object {
	int64_t added_us;
	str id;                    /* "observed-data--…" */
	str version;               /* `modified`, else `created`, else the time it was added */
	str json;
	enum tlp tlp;
	bool carrier;              /* holds an item of ours whole; else it is there for other readers */
	bool flat;                 /* no STIX: an event alone, `id` is its own ("event--…") */
};
struct page_query {
	int64_t after_us;          /* strictly later; 0: from the begin */
	int64_t until_us;          /* not later; 0: no end */
	size_t limit;              /* objects; 0: COLLECTION_PAGE */
	size_t bytes;              /* stop after so many; 0: no bound. At least one object is given */
	int64_t look_until_us;     /* monotonic: no more is looked at then, and `more` said; 0: no bound. One item is looked at
	                            * in any case */
	int lane;                  /* enum lane; -1: all, in the order of their time */
	bool carriers;             /* only objects that hold an item whole: for another ronda */
	bool flat;                 /* with `carriers`: our events as flat JSON (IntelMQ's names), not as STIX */
	/* match[id], match[type], match[version]: taxii.c filters by itself what is not here */
	const str *ids; size_t id_count;
	const str *types; size_t type_count;
};
enum { COLLECTION_PAGE = 100, COLLECTION_PAGE_MOST = 1000 };
struct page_end {
	bool more;
	int64_t first_us, last_us; /* of what was given; 0: nothing */
	int64_t upto_us;           /* looked through up to here, given or not: the next cursor */
	uint64_t refused;          /* items the check kept back */
	bool stopped;              /* no agreement is in force: nothing was looked at */
};
/* False stops: it is given again with the next page. */
typedef bool (*page_each)(void *ctx, const struct page_object *o);
/* `to`: who reads (told_partner(), told_anybody()). */
MUST_CHECK enum rc collection_page(struct exchange *x, struct reader *r, const struct collection *c,
				   const struct told_to *to, const struct page_query *q, page_each each,
				   void *ctx, struct page_end *out, struct err *err);
/* Entries and items behind a cursor, in one lane or all (-1). */
struct backlog { uint64_t entries, items; int64_t oldest_us; };
MUST_CHECK enum rc collection_backlog(struct conn *c, int64_t collection, int lane, int64_t after_us,
				      struct backlog *out, struct err *err);
/* Items of entries that whoever stood at `after_us` has passed at `upto_us`: costs as many as these are, not as many as wait. */
MUST_CHECK enum rc collection_between(struct conn *c, int64_t collection, int lane, int64_t after_us, int64_t upto_us,
				      uint64_t *items_out, struct err *err);

#endif
