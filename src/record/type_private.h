/* SPDX-License-Identifier: Apache-2.0 */
/* type_private.h: how a type file is read: text -> tree with lines -> struct type.
 *
 * json-c tells no lines, so a type file is read into a tree of our own whose nodes know
 * theirs; scalars are judged by the strict scanner of base/json.h. */
#ifndef RONDA_RECORD_TYPE_PRIVATE_H
#define RONDA_RECORD_TYPE_PRIVATE_H

#include "record/type.h"

enum { TYPE_MEMBERS_MAX = 1000, TYPE_DEPTH_MAX = 16, TYPE_BLOCKS_MAX = 64, TYPE_WORDS_MAX = 24,
       TYPE_CHOICES_MAX = 500, TYPE_COLUMNS_MAX = 32, TYPE_LIST_MAX = 16, TYPE_MEANS_MAX = 64,
       TYPE_ESCALATIONS_MAX = 8, TYPE_CHOICE_NAME_MAX = 64,
       TYPE_LABEL_CHARS = 120, TYPE_HELP_CHARS = 1000 };

/* Built in, written by embed.c; names as "incident.json". */
struct type_file {
	const char *name, *p;
	size_t n;
};
extern const struct type_file type_files[];
extern const size_t type_file_count;

struct node {
	str key;                  /* "" in an array */
	str text;                 /* of a scalar; a string's is unescaped */
	enum json_kind kind;      /* JSON_NEST: has children */
	bool object;
	unsigned line;            /* from 1 */
	size_t count;
	struct node *first, *last, *next, *parent;
};
/* One JSON object and nothing behind it. Errors begin with "FILE:LINE: ". */
MUST_CHECK enum rc tree_read(str text, const char *file, struct arena *a, struct node **out,
			     struct err *err);
struct node *tree_get(const struct node *o, const char *key); /* NULL: absent */

/* One file being read. The first error stays. */
struct reading {
	struct arena *a;
	const char *file;
	const char *const *roles; /* ends with NULL */
	struct node *root;
	struct type *t;
	struct err *err;
};
MUST_CHECK enum rc type_read(struct reading *r, str text);
/* Rules that look at the whole type: reachable states, cycles of blocks, title. */
MUST_CHECK enum rc type_check(struct reading *r);

/* "FILE:LINE: sentence" */
enum rc type_refuse(const struct reading *r, const struct node *at, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* --- type_pieces.c: the small parts --- */

/* -1: none */
int type_index_in(str name, const char *const *names, size_t count);
/* A copy in r->a that ends with NUL. */
const char *type_z(struct reading *r, str s);
/* `n` is an object, and all its members are among `names`. */
MUST_CHECK enum rc type_only(struct reading *r, const struct node *n, const char *what,
	const char *const *names, size_t count);
MUST_CHECK enum rc type_flag(struct reading *r, const struct node *o, const char *name, bool *out);
MUST_CHECK enum rc type_whole(struct reading *r, const struct node *n, uint64_t least,
	uint64_t most, uint64_t *out);
bool type_is_name(str s, char joint);
/* {"en": "…", "id": "…"}; `beside`: one more member that may stand there. */
MUST_CHECK enum rc type_words_of(struct reading *r, const struct node *n, const char *what,
	size_t longest, const char *beside, const struct words **out);
MUST_CHECK enum rc type_label(struct reading *r, const struct node *o, const char *name,
	bool needed, size_t longest, const struct words **out);
/* ["open", "*"] as a bit per state. */
MUST_CHECK enum rc type_states_of(struct reading *r, const struct node *n, uint64_t *out);
/* Adds the bit of a role. */
MUST_CHECK enum rc type_role_of(struct reading *r, const struct node *at, str name, uint32_t *out);
MUST_CHECK enum rc type_duration(struct reading *r, const struct node *n, int64_t *out);

/* --- the members of a file, each into r->t (type_fields.c, type_flow.c, type_rights.c) --- */
MUST_CHECK enum rc type_fields(struct reading *r, const struct node *n, bool column,
	const struct type_field **out, size_t *count_out);
MUST_CHECK enum rc type_states(struct reading *r, const struct node *n);
MUST_CHECK enum rc type_clocks(struct reading *r, const struct node *n);
MUST_CHECK enum rc type_blocks(struct reading *r, const struct node *n);
MUST_CHECK enum rc type_rights(struct reading *r, const struct node *n);
MUST_CHECK enum rc type_list(struct reading *r, const struct node *n);
MUST_CHECK enum rc type_single(struct reading *r, const char *name, const struct type_field **out);
MUST_CHECK enum rc type_makes(struct reading *r, const struct node *n);
MUST_CHECK enum rc type_means(struct reading *r, const struct node *n);
MUST_CHECK enum rc type_offer(struct reading *r, const struct node *n);
MUST_CHECK enum rc type_stix(struct reading *r, const struct node *n); /* type_stix.c */
/* A field of the type by a name in the tree. */
MUST_CHECK enum rc type_field_named(struct reading *r, const struct node *n, str name,
	const struct type_field **out);

#endif
