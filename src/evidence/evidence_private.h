/* SPDX-License-Identifier: Apache-2.0 */
/* evidence_private.h: what the files of evidence/ share. */
#ifndef RONDA_EVIDENCE_EVIDENCE_PRIVATE_H
#define RONDA_EVIDENCE_EVIDENCE_PRIVATE_H

#include <json-c/json.h>

#include "base/json.h"
#include "evidence/evidence.h"
#include "evidence/vault.h"

#define CHAIN_LINE_MAX KIB(64)
#define CHAIN_ACT "evidence.chain" /* the journal's line for one of a chain: object is the exhibit */

struct checking; /* check.c: the item being read again */
struct evidence {
	struct store *s;
	struct journal *j;
	struct records *r;
	struct vault *vault;
	struct evidence_options o;
	struct checking *checking;
};

/* --- what a record says, by meaning --- */

const struct type_field *meant(const struct type *t, const char *name); /* NULL: none */
/* Of a text, choice, reference, date or time; STR_NONE: none. */
str meant_text(const struct type *t, struct json_object *body, const char *name);
/* TIME_NONE: none. */
int64_t meant_time(const struct type *t, struct json_object *body, const char *name);
bool state_means(const struct type *t, int state, const char *name);
bool is_exhibit(const struct type *t); /* NULL is fine */
bool is_custody(const struct type *t);
/* "evidence--UUID" */
str id_text(struct arena *a, str type, const struct uuid *id);
/* The whole body of what a view shows: rules look at what the viewer may not see too. End with json_free. */
MUST_CHECK enum rc whole_body(const struct record_view *v, struct json_object **out, struct err *err);
MUST_CHECK enum rc in_force(const struct type *t, struct json_object *body, int64_t now_us, struct err *err);

/* --- rows (item.c) --- */

MUST_CHECK enum rc items_of(struct conn *c, const struct uuid *exhibit, struct arena *a, struct item **out,
			    size_t *count_out, struct err *err);
/* The value of the record's field, made from the rows. */
void items_json(const struct item *item, size_t count, struct json_out *j);
/* In the hook: the record names what the rows have, neither more nor less. */
MUST_CHECK enum rc items_match(struct conn *c, const struct type *t, const struct uuid *exhibit,
			       struct json_object *body, struct err *err);
/* Inside a job: the files of an exhibit are no longer kept. */
MUST_CHECK enum rc items_destroy(struct tx *tx, const struct uuid *exhibit, struct err *err);
void item_take_digest(struct sql *q, int column, struct digest *out); /* as it was: no digest stands there */
void item_put_hex(struct json_out *j, const char *key, const void *p, size_t n);
/* A job (`ctx`: its digest): the file that nobody names is removed. */
MUST_CHECK enum rc item_forget_gone(struct tx *tx, void *ctx, struct err *err);
/* Removes files nobody names. Safe at any time after the job that listed them. */
MUST_CHECK enum rc items_sweep(struct evidence *e, struct err *err);

/* What the viewer may do this to now, and whose authority is in force. End r and view in any case. */
MUST_CHECK enum rc exhibit_open(struct evidence *e, const struct viewer *v, str id, enum action action,
				struct arena *a, struct reader **r, struct record_view *view, struct err *err);
/* Without asking: who calls has asked, and notes it. */
MUST_CHECK enum rc item_open(struct evidence *e, struct conn *c, const struct viewer *v,
			     const struct uuid *exhibit, const struct item *i, struct item_reading **out,
			     struct err *err);

/* --- the chain (chain.c) --- */

struct chain_new {
	str id;                    /* "evidence--…" */
	struct uuid exhibit, custody; /* custody zero: none */
	const char *what;
	str by;
	str members;               /* further members, ',"name":value,…' as an object "{…}"; "" none */
};
MUST_CHECK enum rc chain_add(struct tx *tx, struct journal *j, const struct chain_new *q, struct err *err);
MUST_CHECK enum rc chain_of(struct conn *c, const struct uuid *exhibit, struct arena *a,
			    struct chain_line **out, size_t *count_out, struct err *err);
/* The newest line "custody"; *found false: none. */
MUST_CHECK enum rc chain_last_custody(struct conn *c, const struct uuid *exhibit, struct arena *a,
				      str *line_out, bool *found, struct err *err);

/* --- hooks (custody.c) --- */

enum rc evidence_changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			 const struct record *now, struct err *err);
/* Where two entries do not fit: words; "" when they do. `before` NULL: `now` is the first. */
void custody_gap(struct json_object *before, struct json_object *now, char *words, size_t size);

/* --- background (check.c) --- */
enum rc evidence_tend(struct store *s, void *ctx, bool *did_out, struct err *err);
void checking_free(struct checking *c);

#endif
