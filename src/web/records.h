/* SPDX-License-Identifier: Apache-2.0 */
/* records.h: pages of records, made from their type; what page_record*.c share.
 *
 * No page names a type: label, list, form, moves and links come from record/type.h, and what is
 * shown or changed passes disclosure/read_records.h and change.h. */
#ifndef RONDA_WEB_RECORDS_H
#define RONDA_WEB_RECORDS_H

#include "disclosure/change.h"
#include "web/page.h"

/* "type":{"name","label","plural","help","list_href","new_href" when he may make one} */
void put_type(struct page *p, const struct type *t);
/* "/incident/incident--…", "/incident/incident--…/edit" */
str record_href(struct page *p, const struct record_view *v, const char *behind);
/* The address of any id a reference may hold; STR_NONE: it has no page. */
str id_href(struct page *p, str id);
/* Title, and address, of what a reference names; its id when the viewer may not see it. */
void put_reference(struct page *p, const char *key, str id);
/* The members of record_view_json, into the object that is open. */
void put_members(struct page *p, const struct record_view *v);
/* What leaves the house as a table: one row of it, each of the fields as text, and its columns. */
void put_flat_row(struct page *p, const struct record_view *v, const struct type_field *const *fields,
		  size_t count);
const char *const *flat_columns(struct page *p, const struct type_field *const *fields, size_t count);

/* The choice of TLP markings as "markings":[{"name","selected"}]; `chosen` "" none. */
void put_markings(struct page *p, str chosen);

/* --- page_record.c --- */

/* The record the address names, by id or number. Another type's is not there. */
MUST_CHECK enum rc load_record(struct page *p, struct record_view *v, struct err *err);

/* "record":{…}, "moves":[…], "links":[…] of its page, and its title. */
void put_record(struct page *p, const struct record_view *v);
void put_moves(struct page *p, const struct record_view *v);
MUST_CHECK enum rc put_links(struct page *p, const struct record_view *v, struct err *err);
/* "parts": pages of its own (parts.def) of a record, or of the list of a type when `v` is NULL. */
void put_parts(struct page *p, const struct type *t, const struct record_view *v);
const char *record_title(struct page *p, const struct record_view *v);

/* --- page_case.c --- */

/* Is it of a type that is worked as a case (incident/case.h)? Then what its page has besides: "case", "clocks",
 * "similar", "responsibles" (indicators, with whom each concerns), "part_…", "timeline", and the template "case". */
bool is_case(const struct record_view *v);
MUST_CHECK enum rc put_case(struct page *p, const struct record_view *v, struct err *err);

/* "members": what is part of it, with state and organisation, when its type means "campaign.members". */
MUST_CHECK enum rc put_members_of(struct page *p, const struct record_view *v, struct err *err);

/* --- page_timeline.c --- */

/* "NAME":[…] entries, "NAME_next": the cursor behind them, "NAME_cut". */
enum timeline_part { TIMELINE_ALL, TIMELINE_MESSAGES, TIMELINE_DISCLOSED };
MUST_CHECK enum rc put_timeline(struct page *p, const char *name, enum timeline_part part, str id, str after,
				size_t limit, size_t *count_out, struct err *err);
/* "question":{…}: a form that saves the filter of this list, for who may; `over`: "findings", "events", or a
 * type's name with `t`. */
void put_question_words(struct page *p, const char *over, const struct type *t);
/* "w":{…}: the words of hand-made pages in the reader's language. */
void put_words(struct page *p);

/* --- page_organisation.c --- */

/* Member "card" of a record whose type means "organisation.claims"; nothing of others. */
MUST_CHECK enum rc put_organisation(struct page *p, const struct record_view *v, struct err *err);
/* "round" and "members", of a record that is one (page_round.c). */
MUST_CHECK enum rc put_round(struct page *p, const struct record_view *v, struct err *err);

/* "takedown", of a record that is one; "takedowns", of an incident's (page_takedown.c). */
MUST_CHECK enum rc put_takedown(struct page *p, const struct record_view *v, struct err *err);

/* --- record_fields.c --- */

/* "fields":[{label, text | long | link | list | rows …}] of what has a value. */
void put_fields(struct page *p, const struct record_view *v);

/* --- record_form.c --- */

/* "groups" of a form: what is asked for, filled with `v` (NULL: a new one), then with the form
 * that came, if one did, and with what is wrong. */
void put_form(struct page *p, const struct type *t, const struct record_view *v,
	      const struct change_errors *errors);
/* The form that came as JSON of fields, in p->a; files are kept on the way. What cannot be read
 * is told in `errors`: RC_INPUT. */
MUST_CHECK enum rc take_form(struct page *p, const struct type *t, const struct record_view *v,
			     str *fields_out, str *labels_out, struct change_errors *errors,
			     struct err *err);
/* The labels asked for, as JSON: those of `before` with what the form sets; STR_NONE: no change. */
MUST_CHECK enum rc take_labels(struct page *p, str before, str *out, struct err *err);

/* --- page_triage.c --- */

enum { CHOSEN_MOST = 1000 };
struct chosen { /* one more than may be: who acts on them refuses that */
	const char *name;
	str ids[CHOSEN_MOST + 1];
	size_t count;
};
void chosen_add(struct chosen *c, str id);
/* Of a program's body the list `plural`, of a form (`o` NULL) each `name`. */
void take_chosen(struct page *p, struct json_object *o, const char *name, const char *plural, struct chosen *c);

/* --- page_record_edit.c --- */

/* A program's body: these members and no others. *out is to be freed whatever comes. */
MUST_CHECK enum rc take_members(struct page *p, const char *const *known, size_t n,
				struct json_object **out, struct err *err);
/* One of them, or of the form when `o` is NULL; without blanks around it. */
str member(const struct page *p, struct json_object *o, const char *name);

#endif
