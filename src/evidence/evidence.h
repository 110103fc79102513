/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.h: the bytes of exhibits, and who had them.
 *
 * An exhibit is a record of a type that means "evidence.items"; a custody entry one that means
 * "custody.evidence". Bytes stand in DIR/evidence under the SHA-256 of the file itself, hashed once
 * while they are copied, synced before a row names them, never changed, mode 0400; with a case's key
 * they are ciphertext. What happens to an exhibit is a line of its chain: JSON, bound to the line
 * before by its SHA-256, with the digest in the journal. docs/evidence.md has it to the byte.
 *
 * Custody passes by a custody entry that giver and receiver confirm with accounts of their own; what
 * would leave a gap or an overlap is refused. Behind the last day of its authority nothing of an
 * exhibit is read or handed out. Every call takes a viewer and asks rights and disclosure check. */
#ifndef RONDA_EVIDENCE_EVIDENCE_H
#define RONDA_EVIDENCE_EVIDENCE_H

#include "disclosure/change.h"

struct policies;
struct evidence; /* a node has one */
struct evidence_options {
	uint64_t reserve_bytes;    /* kept free on the disk */
	uint64_t item_bytes_max;
	uint64_t check_rate;       /* bytes a second that are read again in the background */
	int64_t check_every_us;    /* each item so often */
	struct policies *const *policies; /* the node's, once it has them */
};
/* Makes DIR/evidence, removes what a crash left half done there, registers hook and tend. */
MUST_CHECK enum rc evidence_open(struct store *s, struct journal *j, struct records *r,
				 const struct evidence_options *o, struct evidence **out, struct err *err);
void evidence_close(struct evidence *e); /* NULL is fine */
extern const struct eraser eraser_evidence;

/* --- items --- */

enum item_state { ITEM_GOOD, ITEM_DIFFERS, ITEM_MISSING, ITEM_DESTROYED };
const char *item_state_name(enum item_state s);
struct item {
	int64_t id;
	unsigned n;                /* in its exhibit, from 1 */
	str name, media;
	uint64_t bytes, stored_bytes;
	struct digest sha256, stored; /* of what was given; of the file: differ when it is sealed */
	unsigned char sha512[64];
	str key;                   /* {"sealed":…}; "" when it is not sealed */
	int64_t added_us, checked_us;
	enum item_state state;
};
/* Of an exhibit the viewer may see. */
MUST_CHECK enum rc evidence_items(struct conn *c, const struct record_view *exhibit, struct arena *a,
				  struct item **out, size_t *count_out, struct err *err);
/* {"number":…,"name":…,"media":…,"bytes":…,"sha256":…,"sha512":…,"sealed":…,"state":…,"added":…,"checked":…} */
void item_json(const struct item *i, struct json_out *j);
/* RC_DENIED, with the rule, behind the last day of its authority. */
MUST_CHECK enum rc evidence_in_force(const struct record_view *exhibit, int64_t now_us, struct err *err);

struct item_new {
	str exhibit;               /* as read_record takes it */
	str name, media;           /* media "": application/octet-stream */
	bool sealed;               /* encrypted to the persons named in the exhibit */
};
struct adding; /* one at a time in a thread; about 2 MiB */
/* RC_DENIED: no right, or authority over. */
MUST_CHECK enum rc evidence_add_begin(struct evidence *e, const struct viewer *v,
				      const struct item_new *q, struct adding **out, struct err *err);
/* RC_LIMIT: larger than may be, or the disk is full. */
MUST_CHECK enum rc evidence_add(struct adding *x, str bytes, struct err *err);
uint64_t evidence_added_bytes(const struct adding *x);
/* On disk and named by a new version of the exhibit, or nothing of it is. Ends x in any case. */
MUST_CHECK enum rc evidence_add_end(struct adding *x, struct arena *a, struct item *out, struct err *err);
void evidence_add_abort(struct adding *x); /* NULL is fine */

/* Bytes of item `n` for work on a copy: asks for ACTION_EDIT and a reason, which goes into the chain
 * before the first byte. Sealed ones ask for the viewer's case key. */
struct item_reading;
MUST_CHECK enum rc evidence_read_begin(struct evidence *e, const struct viewer *v, str exhibit,
				       unsigned n, str why, struct arena *a, struct item *item_out,
				       struct item_reading **out, struct err *err);
/* The next bytes, at most `n`; *got 0 at the end. RC_INPUT: what was read is not what was put in; it
 * shows at the last byte, so what was read is worth nothing until then. */
MUST_CHECK enum rc evidence_read(struct item_reading *x, void *to, size_t n, size_t *got, struct err *err);
void evidence_read_end(struct item_reading *x); /* NULL is fine */

/* A new exhibit made from another: its case, labels and authority; state as a new one. `fields`: JSON
 * object of further members ("" none). */
MUST_CHECK enum rc evidence_derive(struct evidence *e, const struct viewer *v, str exhibit, str how,
				   str title, str number, struct arena *a, str *id_out, struct err *err);

/* --- the chain --- */

struct chain_line {
	unsigned n;
	int64_t at_us;
	str what;                  /* "item.added", "item.read", "custody", "state", "packaged", "derived" */
	struct digest hash;        /* SHA-256 of `line` */
	str line;                  /* JSON; "" when it was erased */
};
/* Without a basis for personal fields names and words of people are cut out of `line`. */
MUST_CHECK enum rc evidence_chain(struct conn *c, const struct record_view *exhibit, struct arena *a,
				  struct chain_line **out, size_t *count_out, struct err *err);

/* --- checking --- */

struct evidence_check {
	uint64_t exhibits, items, bytes, lines, wrong;
};
typedef void (*evidence_say)(void *ctx, const char *sentence);
typedef void (*evidence_progress)(void *ctx, uint64_t done, uint64_t all);
/* Reads all bytes again and recomputes every chain; says each thing that is wrong in one sentence.
 * `exhibit` STR_NONE: everything, and what lies in the folder besides. What the viewer may not see is
 * checked too, but for authority and rows of its record. `ground`: first the journal and the records,
 * on which the chains stand; false when the caller has verified them. */
MUST_CHECK enum rc evidence_verify(struct evidence *e, const struct viewer *v, str exhibit, bool ground,
				   evidence_say say, evidence_progress progress, void *ctx,
				   struct evidence_check *out, struct err *err);

#endif
