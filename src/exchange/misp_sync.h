/* SPDX-License-Identifier: Apache-2.0 */
/* misp_sync.h: what others' MISP servers and feeds have comes in, and what they may have of ours goes there.
 *
 * A *source* is a feed of setting `misp_feeds`, or a partner of the kind MISP. Of each is kept which event was taken
 * at which `timestamp`: what is newer than that is fetched. Not one mark for all: events reach a MISP late and with old
 * times, and one that could not be had is asked for again at each look, never passed over. Events become reports: the
 * way of a report, marked by their tags (misp_event.h).
 *
 * A partner is asked with a key (`misp_keys_file`), over the one door. What goes to him is what told_partner() lets go,
 * as one MISP event a day, class and marking, kept anew as more comes. */
#ifndef RONDA_EXCHANGE_MISP_SYNC_H
#define RONDA_EXCHANGE_MISP_SYNC_H

#include "exchange/misp_event.h"
#include "exchange/partner.h"

struct misp_took {
	struct uuid uuid;
	int64_t report;        /* 0: nothing of it was an event */
	uint64_t events, accepted, repeats, quarantined, left_out, deleted;
	uint64_t taken_back;   /* events of ours that came of what is deleted there now */
	enum tlp tlp;
	str info;              /* in `a` */
};
/* One MISP event into the way of a report of `feed`, which there must be (RC_ABSENT says how to make it). RC_OK: on
 * disk, and what is deleted there is taken back here. `by_distribution`: of a server. */
MUST_CHECK enum rc misp_take(struct exchange *x, str feed, struct json_object *o, bool by_distribution, struct arena *a,
			     struct misp_took *out, struct err *err);

/* --- sources --- */

struct misp_source_state {
	str name;
	int64_t looked_us, fine_us;   /* last look; last that ended well. 0: never */
	uint64_t events;              /* MISP events taken ever */
	uint64_t waiting;             /* that could not be had: asked for again */
	str failure;                  /* "": the last look went well */
};
MUST_CHECK enum rc misp_sources(struct exchange *x, struct conn *c, struct arena *a, struct misp_source_state **out,
				size_t *count_out, struct err *err);
struct misp_looked { uint64_t taken, failed, left; };
/* One look at the feed of that name in `misp_feeds`, in the caller's thread. RC_BUSY, RC_DENIED, …: it could not be
 * looked at; what failed of single events is in *out. */
MUST_CHECK enum rc misp_look_feed(struct exchange *x, str name, struct misp_looked *out, struct err *err);
/* The same for a partner: fetches what is new of his, by `misp_tags`; and sends what he may have. */
MUST_CHECK enum rc misp_pull(struct exchange *x, const struct partner *p, struct misp_looked *out, struct err *err);
struct misp_sent { uint64_t events, objects, refused; };
MUST_CHECK enum rc misp_push(struct exchange *x, const struct partner *p, struct misp_sent *out, struct err *err);

/* --- asking --- */

struct misp_found {
	str event, info, type, category, value, tags, uuid;
	int64_t at_us;
	bool ids;
};
/* POST /attributes/restSearch: attributes with this value, in `a`. The other side learns what was asked. */
MUST_CHECK enum rc misp_search(struct exchange *x, const struct partner *p, str value, struct arena *a,
			       struct misp_found **out, size_t *count_out, struct err *err);
/* GET /servers/getVersion; in `a`. */
MUST_CHECK enum rc misp_version(struct exchange *x, const struct partner *p, struct arena *a, str *out, struct err *err);
/* POST /sightings/add for one attribute of his. */
enum misp_sighting { MISP_SEEN, MISP_FALSE_POSITIVE, MISP_EXPIRED };
MUST_CHECK enum rc misp_sight(struct exchange *x, const struct partner *p, str attribute_uuid, enum misp_sighting what,
			      struct err *err);

/* --- by itself --- */

/* exchange_start() and exchange_stop() call these: one thread looks at feeds and partners every `misp_every`. */
MUST_CHECK enum rc misp_start(struct exchange *x, struct err *err);
void misp_stop(struct exchange *x);

#endif
