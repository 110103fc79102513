/* SPDX-License-Identifier: Apache-2.0 */
/* marks.h: markings that are data: national classifications, and the terms of sources.
 *
 * A classification is as strict as the TLP marking it maps to, and leaves only to the
 * kinds of recipients cleared for it. Licence terms say to whom what a source told us may
 * be passed on, and whom to name. Built in: marks.def; a node's own stand in
 * DIR/marks.json (docs/disclosure.md) and take the place of built-in ones of that name. */
#ifndef RONDA_DISCLOSURE_MARKS_H
#define RONDA_DISCLOSURE_MARKS_H

#include "base/json.h"
#include "event/fields.h"

enum recipient_kind {
	RECIPIENT_NONE, /* missing: always no */
	RECIPIENT_PUBLIC,     /* anyone */
	RECIPIENT_STAFF,      /* a person or token of this node's organisation */
	RECIPIENT_CONSTITUENT,/* the organisation the item is about */
	RECIPIENT_COMMUNITY,  /* a peer in the community, by machine or not */
	RECIPIENT_PARTNER,    /* another node, by machine */
	RECIPIENT_LOG,        /* logs, metrics, crash texts */
	RECIPIENT_KINDS
};
const char *recipient_name(enum recipient_kind k);

struct classification {
	const char *name;
	enum tlp tlp;        /* at least as strict as this */
	uint32_t cleared;    /* bit per recipient_kind */
	const char *words;
};
struct licence {
	const char *name;
	uint32_t to;         /* bit per recipient_kind: may be passed on to these */
	bool own;            /* may be told to the organisation whose asset it is about */
	const char *attribution; /* to be named when passed on; "" nobody */
	const char *words;
};
enum { MARKS_MAX = 64 };
struct marks {
	const struct classification *classifications; size_t classification_count;
	const struct licence *licences; size_t licence_count;
};
extern const struct marks marks_built_in;

/* NULL: there is none of that name. Case does not matter. */
const struct classification *marks_classification(const struct marks *m, str name);
const struct licence *marks_licence(const struct marks *m, str name);

/* Built-in ones and those of the file `text`; lives until marks_free. RC_INPUT names the mark
 * and what is wrong with it. */
MUST_CHECK enum rc marks_read(str text, const struct marks **out, struct err *err);
void marks_free(const struct marks *m); /* NULL and the built-in ones are fine */

#endif
