/* SPDX-License-Identifier: Apache-2.0 */
/* tour.h: the part of the tour about partners: what page_tour_partners.c shows and page_tour_steps.c does. Only in a
 * demonstration that was started with other teams beside it (node/beside.h). */
#ifndef RONDA_WEB_TOUR_H
#define RONDA_WEB_TOUR_H

#include "exchange/status.h"
#include "exchange/trace.h"
#include "node/beside.h"
#include "web/records.h"

/* What the steps made: carried from page to page in the address, so that the page shows it again after a restart. */
struct tour_made {
	str event;    /* one about another team's network */
	str seen;     /* milliseconds after which it was a finding there, as it was looked for; "" it was not */
	str kept;     /* record that was marked above what is agreed */
	str sent;     /* record that went to all, and was withdrawn perhaps */
	str line;     /* event that came in while a team was cut off */
	str queued;   /* record that was sent then */
};
/* The same with the names of the address. */
enum { TOUR_MADE = 6 };
extern const char *const tour_names[TOUR_MADE];
str *tour_made_at(struct tour_made *m, size_t i);
/* "w":{…}: the words of these pages and of /partners in the reader's language. */
void put_tour_words(struct page *p);
/* "/tour/partners?event=…#part" */
str tour_href(struct page *p, const struct tour_made *m, const char *part);

/* Whom the steps are about: the node itself, the first beside it, the last that was started; and who was not. */
struct tour_teams {
	struct beside_team *list;
	size_t count;
	const struct beside_team *self, *near, *far, *off; /* NULL: none */
};
/* RC_ABSENT: none is beside us; RC_BUSY: who started us does not answer. */
MUST_CHECK enum rc tour_teams(struct page *p, struct tour_teams *out, struct err *err);
/* The partner with a team's name; RC_ABSENT: none. */
MUST_CHECK enum rc tour_partner(struct page *p, struct reader *r, str name, struct partner *out, struct err *err);

/* How an item stands with each it was offered to. */
struct tour_party {
	str name;
	int64_t offered_us, withdrawn_us, receipt_us; /* receipt_us: of the last of them; 0 none */
	bool refused;
};
enum { TOUR_PARTIES = BESIDE_MOST };
struct tour_way {
	struct trace_step *steps;
	size_t count;
	struct tour_party parties[TOUR_PARTIES];
	size_t party_count;
	int64_t begun_us;    /* when it was received or made */
	bool withdrawn;
};
MUST_CHECK enum rc tour_way(struct page *p, struct reader *r, str id, struct tour_way *out, struct err *err);

#endif
