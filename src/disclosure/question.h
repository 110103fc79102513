/* SPDX-License-Identifier: Apache-2.0 */
/* question.h: a list kept as words, asked again whenever it is needed.
 *
 * A record whose type means "question.over" and "question.words" holds one: what it is asked of
 * ("findings", "events", or the name of a type) and the words of its filter as the lists take them,
 * space between, a value with spaces in double quotes:
 *
 *   findings   state= type= severity= ip= org=
 *   events     as filter_add() (read.h)
 *   records    FIELD=VALUE FIELD>=VALUE FIELD<=VALUE FIELD^=BEGINNING state=A,B text=WORDS overdue=yes
 *
 * Who asks gets what he may see, whoever wrote it down. */
#ifndef RONDA_DISCLOSURE_QUESTION_H
#define RONDA_DISCLOSURE_QUESTION_H

#include "disclosure/read.h"
#include "disclosure/read_records.h"

enum question_of { QUESTION_FINDINGS, QUESTION_EVENTS, QUESTION_RECORDS };
struct question {
	enum question_of of;
	const struct type *type;   /* of records */
	str over, words;           /* as written down */
	struct finding_query findings;
	struct filter_set *events;
	struct record_query records;
};
/* RC_INPUT: what it is over, or the word that is not understood. Texts in `a`. */
MUST_CHECK enum rc question_parse(struct reader *r, const struct types *t, const struct viewer *v, str over,
				  str words, str language, struct arena *a, struct question *out,
				  struct err *err);
/* Of a record that holds one, as the viewer sees it. RC_INPUT: it holds none. */
MUST_CHECK enum rc question_of_view(struct reader *r, const struct types *t, const struct record_view *v,
				    str language, struct arena *a, struct question *out, struct err *err);

struct question_item {
	str id;                    /* "finding--…", "event--…", "incident--…" */
	str title, state;
	int64_t at_us;             /* last seen, happened, changed */
	const struct finding *finding;   /* one of these three; they live until `each` returns */
	const struct event_view *event;
	const struct record_view *record;
};
typedef bool (*question_each)(void *ctx, const struct question_item *i); /* false: enough */
/* Newest first (records as their list is ordered), at most `limit`; *more_out: there are more. */
MUST_CHECK enum rc question_ask(struct reader *r, const struct types *t, const struct viewer *v,
				struct question *q, size_t limit, struct arena *a, question_each each,
				void *ctx, bool *more_out, struct err *err);
/* Words of a query as a list's address has them: each NAME=VALUE is added, quoted where it must be. */
void question_add_word(struct buf *words, str name, str value);

#endif
