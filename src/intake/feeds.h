/* SPDX-License-Identifier: Apache-2.0 */
/* feeds.h: where reports come from, and what is true of all that a feed says.
 *
 * A feed's defaults (marking, personal, exercise, how often, whether one report
 * is a complete run) are set when it is switched on. `init` makes "local"
 * (TLP:AMBER). A feed is switched off, never removed: its events name it. */
#ifndef RONDA_INTAKE_FEEDS_H
#define RONDA_INTAKE_FEEDS_H

#include "event/fields.h"
#include "record/journal.h"

struct feed {
	int64_t id;
	str name;        /* [a-z0-9][a-z0-9_.-]{0,62} */
	str provider, url, licence;
	enum tlp tlp;    /* of events that carry no marking */
	bool has_accuracy;
	int accuracy;    /* 0..100: feed.accuracy of events that state none */
	bool on, exercise;
	str format;      /* "auto" or a name */
	str mapping;     /* bytes of the mapping file, or "" */
	str folder;      /* watched folder, or "" */
	int64_t period_us; /* how often a report is due; 0: no rhythm */
	bool complete;   /* one report is all there is now: what is missing is gone */
	int64_t made_us, last_report_us;
};
/* RC_INPUT names what is wrong (a marking must be given: TLP_COUNT is none);
 * RC_CONFLICT: the name is taken, also by a feed that is off. */
MUST_CHECK enum rc feed_add(struct tx *tx, struct journal *j, const struct feed *f, str by,
			    int64_t *id_out, struct err *err);
MUST_CHECK enum rc feed_off(struct tx *tx, struct journal *j, str name, str by, struct err *err);
MUST_CHECK enum rc feed_on(struct tx *tx, struct journal *j, str name, str by, struct err *err);
/* How sure it is from now on; `accuracy` -1: it says nothing of that. RC_INPUT: not within -1..100. */
MUST_CHECK enum rc feed_set_accuracy(struct tx *tx, struct journal *j, str name, int accuracy, str by,
				     struct err *err);
MUST_CHECK enum rc feed_by_name(struct conn *c, str name, struct arena *a, struct feed *out, struct err *err);
MUST_CHECK enum rc feed_by_id(struct conn *c, int64_t id, struct arena *a, struct feed *out, struct err *err);
MUST_CHECK enum rc feed_list(struct conn *c, struct arena *a, struct feed **out, size_t *count_out,
			     struct err *err);

/* Inside the job that ends a report: when the feed last delivered. */
MUST_CHECK enum rc feed_reported(struct tx *tx, int64_t feed, int64_t at_us, struct err *err);

/* A feed that is on, has a rhythm, and has been silent for half a period more. */
bool feed_overdue(const struct feed *f, int64_t now_us);

#endif
