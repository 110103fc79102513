/* SPDX-License-Identifier: Apache-2.0 */
/* authz.h: may this actor do this to this object? One function, for one and many.
 *
 * Pure and table driven: the type's grants (record/type.h) and the roles the actor
 * holds, default NO. It says who may *do*; check.h says what may *leave*. To read,
 * both must agree. Who changes a thing must be able to read it: change.h loads it so.
 * 100 % of branches are tested against an independent statement. */
#ifndef RONDA_DISCLOSURE_AUTHZ_H
#define RONDA_DISCLOSURE_AUTHZ_H

#include "disclosure/access.h"
#include "record/record.h"

struct object {
	const struct type *type;   /* NULL: of a type not known here; nobody may do anything */
	int state;                 /* -1: not known here: read by REACH_ALL only, nothing else */
	struct uuid organisation;  /* zero: the node's own */
	bool names_actor;          /* assignee, author or named in labels */
	bool ours;                 /* origin is this node: else only ACTION_READ, _LINK, _EXPORT, _HOLD */
	bool held;                 /* under hold: no erasing */
	int to_state;              /* ACTION_MOVE */
};
struct answer {
	bool yes;
	const char *rule;          /* static sentence */
};
/* REACH_ALL of a person of another organisation means his own organisation's. */
struct answer authz(const struct viewer *actor, enum action action, const struct object *o);
/* What authz needs of a record (with its body: the assignee stands in it). */
struct object object_of(const struct record *r, const struct viewer *actor);
/* True when some state and reach would allow it: shows or hides a button or a menu. */
bool authz_ever(const struct viewer *actor, enum action action, const struct type *t);

/* What check.h needs of a record as this viewer stands to it: markings, whether it is about
 * his organisation, whether he is in its audience or named in it. */
struct labels labels_for(const struct record *r, const struct viewer *v);

#endif
