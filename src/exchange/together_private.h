/* SPDX-License-Identifier: Apache-2.0 */
/* together_private.h: a contribution as code reads it, and what it is about. */
#ifndef RONDA_EXCHANGE_TOGETHER_PRIVATE_H
#define RONDA_EXCHANGE_TOGETHER_PRIVATE_H

#include "exchange/together.h"
#include "record/record.h"

/* What is said, as the type's choices have it. */
struct together_kind {
	str what;
	bool words;                /* people's words: also for those who may not know who else is there */
	bool waits;                /* it wants an answer */
	bool alone;                /* between two teams, never passed on */
};
const struct together_kind *together_kind_of(str what); /* NULL: none of these */

/* Contributions about an item, newest first; false ends it. */
MUST_CHECK enum rc together_each(struct conn *c, const struct types *t, str about, record_each each, void *ctx, struct err *err);
/* "contribution--…" */
str together_record_id(const struct record *r, struct arena *a);
/* The field of a type by what it means; NULL. */
const struct type_field *together_field(const struct type *t, const char *meaning);

/* Does the type mean a contribution? */
bool together_type(const struct type *t);
/* The one that does; NULL: none is loaded. */
const struct type *together_type_find(const struct types *t);

struct word {
	str about, what, text, title, reply_to, said_by;
	bool others, alone;
	struct uuid from;          /* partner whose words these are, passed on; zero: our own */
	int64_t until_us;          /* 0: none */
};
/* What a record of such a type says; its members in `a`. RC_INPUT: it cannot be read. */
MUST_CHECK enum rc word_read(const struct record *r, struct arena *a, struct word *out, struct err *err);
/* The same of the one with this id. RC_ABSENT. */
MUST_CHECK enum rc word_load(struct conn *c, const struct types *t, str id, struct arena *a, struct word *out,
			     struct err *err);
/* -1: the type has no state that means "contribution.NAME" */
int word_state(const struct type *t, const char *meaning);

/* The item that a contribution is about. */
struct shared_item {
	bool known;                /* it is here, or was */
	bool ours;
	int64_t row;               /* of table record */
	str item;
	struct record r;           /* whole; no body when it was erased */
};
/* `us`: our node id. What is unknown is no error. */
MUST_CHECK enum rc shared_load(struct conn *c, const struct types *t, str us, str about, struct arena *a,
				struct shared_item *out, struct err *err);
/* Since when a partner has it: the first entry of his collection that names it; 0: he never got it. */
MUST_CHECK enum rc shared_offered(struct conn *c, int64_t row, struct uuid partner, int64_t *since_us_out, struct err *err);

/* The id under which its origin `node` passes on a contribution of another team: both can make it. */
struct uuid together_passed_id(str node, str original);
/* Inside the job that took it (`said`: the copy) from a partner about an item of ours: made, changed or withdrawn with it. */
MUST_CHECK enum rc together_pass_on(struct tx *tx, struct exchange *x, const struct partner *from, const struct record *said,
				  struct arena *a, struct err *err);
/* Inside the job that erased the copy: what we passed on of it is withdrawn. */
MUST_CHECK enum rc together_take_back(struct tx *tx, struct exchange *x, const struct types *t, str original, str actor,
				    struct arena *a, struct err *err);

#endif
