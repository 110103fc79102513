/* SPDX-License-Identifier: Apache-2.0 */
/* demo.h: a demonstration node: everything in it is made up.
 *
 * Eleven teams of South-East Asia ("Team A" to "Team K") on 198.18.0.0/15 and
 * 2001:db8::/32 (RFC 2544, RFC 3849), AS numbers of RFC 5398, names under
 * .example; the node is Team B's. Nothing leaves the machine. The same seed
 * gives the same reports. */
#ifndef RONDA_NODE_DEMO_H
#define RONDA_NODE_DEMO_H

#include "node/pipeline.h"

/* Makes DIR with a node for the demonstration: its settings, networks,
 * directory and feeds; no reports yet. */
MUST_CHECK enum rc demo_create(const char *dir, const char *listen, struct err *err);

/* One of several teams beside each other, each with a node of its own that exchanges with the others
 * (`ronda demo region`). All have the same directory; organisation number N + 1 is team N. */
enum { DEMO_TEAMS_MOST = 193, DEMO_TEAM_NAME = 24, DEMO_TOUR_TEAMS_MOST = 11 };
struct demo_team {
	unsigned number, teams;      /* 0 is Team A; of so many */
	const char *listen;          /* "127.0.0.1:8420" */
	const char *exchange_listen; /* of the partners' listener; NULL: it has none */
	const char *network_cache;   /* directory of the table of networks that several teams share; NULL: each its own */
};
void demo_team_name(unsigned number, char out[DEMO_TEAM_NAME]);
MUST_CHECK enum rc demo_create_team(const char *dir, const struct demo_team *t, struct err *err);
/* Made-up events (IntelMQ's names, one JSON object a line) about machines of all teams but `from`. */
void demo_team_lines(unsigned from, unsigned teams, uint64_t seed, unsigned lines, int64_t at_us, struct buf *out);

/* Delivers yesterday's and today's first reports. */
MUST_CHECK enum rc demo_fill(struct node *n, struct err *err);
/* One more small report, the number-th since the start. */
MUST_CHECK enum rc demo_tick(struct node *n, unsigned number, struct err *err);

/* One report that comes in now, of so many machines infected in the country of team number `team` (0 is Team A); the address of
 * the first. RC_ABSENT: that team has no country here. */
enum { DEMO_IP = 48 };
MUST_CHECK enum rc demo_partner_report(struct node *n, unsigned team, unsigned lines, char ip_out[DEMO_IP], struct err *err);
/* What a made-up warning says, as JSON of its fields. `title`: letters and blanks. In `a`. */
str demo_warning_fields(const char *title, struct arena *a);

/* Writes one made-up Shadowserver report: `type` is scan_telnet, scan_rdp,
 * event4_sinkhole or compromised_website; `seed` chooses its lines; hosts
 * number `first` to `first + lines - 1` of the made-up machines are in it. */
MUST_CHECK enum rc demo_report(const char *type, uint64_t seed, unsigned first, unsigned lines,
			       int64_t at_us, struct buf *out, struct err *err);

#endif
