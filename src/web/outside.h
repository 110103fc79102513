/* SPDX-License-Identifier: Apache-2.0 */
/* outside.h: what pages for people who are not of our team share: their words in two languages, and
 * the form by which they answer (notify/answers.h). */
#ifndef RONDA_WEB_OUTSIDE_H
#define RONDA_WEB_OUTSIDE_H

#include "notify/answers.h"
#include "web/page.h"

/* "en" or "id": what the address says, else the first of `theirs` (by space) there is, else the browser's. */
str outside_language(struct page *p, str theirs);
/* "lang", "w":{words}, "languages":[{"code","name","href","current"}]. */
void outside_put_frame(struct page *p, str language);
str outside_word(str language, const char *name);
/* For a page of ours that people from outside meet too (signing in, the account, an error) or any page that is shown to
 * one of theirs: the frame in the language he chose, title and template as they are for him. Once a document. */
void outside_dress(struct page *p);
/* Before the handler: one of theirs reads labels of types in the language that he chose. */
void outside_choose_language(struct page *p);
/* What an error of this kind ("denied") means, for who reads another language than that of its words; else "". */
str outside_error_words(struct page *p, const char *kind);
/* "kinds":[{"name","label","chosen"}]; `about_findings`: else it is about something else. */
void outside_put_kinds(struct page *p, str language, bool about_findings, str chosen);
/* "answers":[{"at","kind","label","words","by","findings","file_name"}] */
void outside_put_answers(struct page *p, str language, const struct answer_row *list, size_t count);
/* "covers":[…] of a rendering, at most `limit`, "cover_count", "covers_more". */
void outside_put_covers(struct page *p, str language, struct json_object *data, size_t limit);

/* The form that came, or JSON of a program: {"kind":…,"words":…,"by":…,"key":…,"findings":[…]}. What is
 * wrong with it, in their language: RC_INPUT. */
MUST_CHECK enum rc outside_take_answer(struct page *p, str language, struct answer_new *out, struct err *err);
/* In one job. *id_out: of the answer. */
MUST_CHECK enum rc outside_give(struct page *p, const struct answer_new *q, int64_t *id_out, struct err *err);
/* "nonce": of a form, so that it counts once. */
void outside_put_nonce(struct page *p);

#endif
