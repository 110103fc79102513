/* SPDX-License-Identifier: Apache-2.0 */
/* round_private.h: what the files of rounds share. */
#ifndef RONDA_NOTIFY_ROUND_PRIVATE_H
#define RONDA_NOTIFY_ROUND_PRIVATE_H

#include "disclosure/change.h"
#include "notify/notify_private.h"
#include "notify/round.h"

/* A round as its record says it. */
struct plan {
	struct uuid uuid;
	str id, title, question, saved, role;
	uint64_t version;
	const struct type *type;
	bool notifies, exercise, draft, started;
	int64_t due_us, every_us;      /* 0: none */
	str *organisations;            /* ids, in the arena */
	size_t organisation_count;
};
/* As `v` may see it. RC_ABSENT also when it is no round. */
MUST_CHECK enum rc round_plan_read(struct reader *r, const struct types *t, const struct viewer *v, str id,
			     struct arena *a, struct plan *out, struct err *err);
int64_t round_plan_time(const struct type *t, struct json_object *body, const char *meaning);

struct member {
	struct uuid organisation;
	int64_t place;
	str id, title, recipient;
	struct buf covers;             /* ids by space */
	size_t cover_count;
};
struct member_list {
	struct member *list;
	size_t count, room;
	struct arena *a;
	int64_t *index;                /* by hash of the organisation; -1: free */
	size_t index_size;
};
/* Whoever the plan is for, as `v` may see them. End with round_list_free(). */
MUST_CHECK enum rc round_list_collect(struct reader *r, const struct types *t, const struct viewer *v,
				const struct plan *p, struct arena *a, struct member_list *out,
				struct err *err);
void round_list_free(struct member_list *l);

/* The message to one of them; all but the driver. In `a`. */
struct message round_message(const struct plan *p, str recipient, int64_t place, uint64_t policy,
			      struct arena *a);
struct cover *round_covers(str text, struct arena *a, size_t *count_out);

/* --- rows --- */

struct round_row {
	struct uuid round;
	uint64_t version;
	bool notifies, made, counted;
	str by;
	int64_t started_us, closed_us, due_us, next_us; /* 0: not */
};
MUST_CHECK enum rc round_row_load(struct conn *c, struct uuid round, struct arena *a, bool *found_out,
			    struct round_row *out, struct err *err);
MUST_CHECK enum rc round_row_save(struct tx *tx, const struct round_row *row, struct err *err);
struct member_row {
	struct uuid organisation;
	int64_t place, message, answered_us, silent_us;
	str recipient, covers, driver, answered_by, words, noted_by;
};
MUST_CHECK enum rc round_member_load(struct conn *c, struct uuid round, struct uuid organisation, struct arena *a,
			       bool *found_out, struct member_row *out, struct err *err);
/* Of a round behind `after`; `open`: only those without a message, or an answer to it. */
enum members { MEMBERS_ALL, MEMBERS_UNMADE, MEMBERS_SILENT };
MUST_CHECK enum rc round_members_load(struct conn *c, struct uuid round, enum members which, int64_t after,
				size_t most, struct arena *a, struct member_row **out, size_t *count_out,
				struct err *err);
str uuid_bytes(const struct uuid *id);

/* The node itself, for what it notes of contacts. */
MUST_CHECK enum rc node_viewer(const struct notify *n, struct viewer *out, struct err *err);
/* Sets `confirmed` and `unanswered` of the contact that `recipient` was reached by. An organisation
 * without that column, or gone: nothing. */
MUST_CHECK enum rc contact_mark(struct tx *tx, struct notify *n, str recipient, int contact, bool answered,
				int64_t at_us, str why, struct arena *a, struct err *err);

/* The organisation that `m` went to has answered it, by itself: as round_note_answer(), without asking
 * for a right. Of a message of no round: nothing. */
MUST_CHECK enum rc round_answered(struct tx *tx, struct notify *n, const struct message *m, str words, str by,
				  struct arena *a, struct err *err);

#endif
