/* SPDX-License-Identifier: Apache-2.0 */
/* beside.h: the other teams of a demonstration, as the node of one of them knows them.
 *
 * Whoever started the nodes of several teams on this machine (`ronda demo --teams`) listens on a socket, to processes of
 * the same user alone: it says who stands beside, where they serve and by which token they are read, and cuts one off or
 * mends it when asked. What a team has, its own node says, by its own pages (JSON). A real node knows nobody here. */
#ifndef RONDA_NODE_BESIDE_H
#define RONDA_NODE_BESIDE_H

#include "base/json.h"
#include "node/node.h"

enum beside_state { BESIDE_RUNS, BESIDE_CUT /* off: it stands still until it is mended */, BESIDE_OFF /* not started */ };
enum { BESIDE_MOST = 16, BESIDE_LINE_MOST = 16384 };
struct beside_team {
	unsigned number;       /* 1 is Team A */
	str name, address;     /* "Team C", "http://127.0.0.3:8424" */
	str token;             /* secret; "" of one that does not run */
	enum beside_state state;
	bool self;
};
/* Says whether this node is one of several: without asking. */
bool beside_any(const struct node *n);
/* At most BESIDE_MOST, in order. RC_ABSENT: nobody is beside this node; RC_BUSY: who started it does not answer. In `a`. */
MUST_CHECK enum rc beside_teams(const struct node *n, struct arena *a, struct beside_team **out, size_t *count_out,
				struct err *err);
/* Cuts a team off, or mends it; nothing when it is so already. */
MUST_CHECK enum rc beside_cut(const struct node *n, unsigned number, bool cut, struct err *err);
/* GET of a page of that team's node, as JSON; end *out with json_free(). RC_BUSY: it does not answer within a second. */
MUST_CHECK enum rc beside_ask(const struct beside_team *t, str path, struct arena *a, struct json_object **out,
			      struct err *err);
/* A link that signs a browser in with that team, once. In `a`. */
MUST_CHECK enum rc beside_link(const struct beside_team *t, struct arena *a, str *out, struct err *err);

/* The names of states on that socket. */
const char *beside_state_name(enum beside_state s);

#endif
