/* SPDX-License-Identifier: Apache-2.0 */
/* subject.h: what is kept about a person, found and put together.
 *
 * A request is a record of a type that has the meanings "subject.identifiers",
 * "subject.searching" and "subject.reviewed". The search walks events, findings, records, the
 * ledger, quarantine, answers and the mail list as the searcher may see them, and keeps a list of what it found: ids
 * and which identifier, never content. It may be cut off and called again: it goes on. Sealed
 * fields cannot be searched; nobody but those named can open them.
 *
 * An address or a domain is looked up by index; for names, e-mail addresses and telephone numbers
 * every event is read. ASCII letters are compared without case. An address counts in the
 * days it was his only. */
#ifndef RONDA_PRIVACY_SUBJECT_H
#define RONDA_PRIVACY_SUBJECT_H

#include "disclosure/change.h"
#include "disclosure/read.h"
#include "disclosure/read_outbox.h"

struct subject_ask {
	struct store *s;
	struct records *records;
	const struct types *types;
	const struct roles *roles;
	const struct viewer *viewer;
	str id;                    /* of the request: "subject-3" */
	str language;              /* of the reply; "": English */
	bool (*go_on)(void *ctx, const char *part, uint64_t looked, uint64_t found); /* false: cut off; may be NULL */
	void *ctx;
};
struct subject_result {
	str id;                    /* "subject--…" */
	uint64_t looked, found;
	bool ended;                /* else it was cut off */
};
/* Moves the request to "searching" when it is not there yet. RC_DENIED: not his to do. */
MUST_CHECK enum rc subject_search(const struct subject_ask *q, struct arena *a,
				  struct subject_result *out, struct err *err);

enum subject_fate { SUBJECT_GIVEN, SUBJECT_CUT, SUBJECT_NEITHER };
struct subject_found {
	str object;                /* "event--HEX", "finding--HEX", "incident--…", "ledger:4", "quarantine:7",
				    * "answer:3", "subscriber:5" */
	str kind;                  /* "event", "finding", "record", "ledger", "quarantine", "answer", "subscriber" */
	unsigned identifier;       /* row of the request, from 0 */
	enum subject_fate fate;    /* NEITHER: kept for a case nobody may know of */
	str ground;                /* CUT: choice of "subject.exceptions" */
	bool erased;
};
/* What was found, with the exceptions the request names; for who may read it. */
MUST_CHECK enum rc subject_list(struct reader *r, const struct subject_ask *q, struct arena *a,
				struct subject_found **out, size_t *count_out, struct err *err);

enum { SUBJECT_PACK_MAX = 64 << 20 };
struct subject_pack {
	struct buf letter, objects, table; /* text, JSON, CSV: the caller's, born with a cap */
	uint64_t given, cut;
};
/* The reply. In a large team a second person must have reviewed the request first: RC_BUSY. Parts of
 * other persons are blackened; what was cut is counted with its ground; and in every reply
 * stands that we neither confirm nor deny what the law forbids to be told. */
MUST_CHECK enum rc subject_reply(struct reader *r, const struct subject_ask *q, bool large_team,
				 struct arena *a, struct subject_pack *out, struct err *err);
/* After an erasure: these are gone. Inside a job. */
MUST_CHECK enum rc subject_erased(struct tx *tx, const struct uuid *request, str object,
				  struct err *err);

#endif
