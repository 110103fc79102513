/* SPDX-License-Identifier: Apache-2.0 */
#include "privacy/beside.h"

#include "base/json.h"
#include "exchange/object_store.h"
#include "notify/answers.h"
#include "notify/contacts.h"
#include "notify/round.h"
#include "notify/subscribers.h"

enum { PAGE = 1000, OBJECTS_PAGE = 200, OBJECTS_BYTES = 4 << 20 };

/* --- what they share --- */

static enum rc may_read_ledger(struct reader *r, const struct subject_ask *q, struct arena *a, struct err *err)
{
	struct ledger_row *rows = NULL;
	size_t n = 0;
	const struct ledger_query one = { .recipient = STR(""), .item = STR(""), .limit = 1 };
	return read_ledger(r, q->types, q->roles, q->viewer, &one, a, &rows, &n, err);
}

static int64_t number_of(str place)
{
	int64_t n = 0;
	return str_to_i64(place, &n) ? n : 0;
}

static str behind(str object)
{
	(void)str_cut(&object, ':');
	return object;
}

static struct beside_row row_of(const char *kind, int64_t id, str text, struct arena *a)
{
	str place = arena_fmt(a, "%lld", (long long)id);
	return (struct beside_row){ .object = arena_fmt(a, "%s:" STR_FMT, kind, STR_ARG(place)), .text = text, .place = place };
}

static enum rc no_such(str object, struct err *err)
{
	return fail(err, RC_ABSENT, "there is no '" STR_FMT "'", STR_ARG(str_head(object, 60)));
}

/* --- answers --- */

static enum rc list_answers(struct reader *r, const struct subject_ask *q, str after, struct arena *a,
			    struct beside_row **out, size_t *count_out, struct err *err)
{
	struct answer_row *rows = NULL;
	const struct answer_query ask = { .organisation = STR(""), .before = number_of(after), .limit = PAGE };
	enum rc rc = may_read_ledger(r, q, a, err);
	if (rc == RC_OK)
		rc = answers_list(reader_conn(r), &ask, a, &rows, count_out, err);
	struct beside_row *list = *out = ARENA_ARRAY(a, PAGE, struct beside_row);
	for (size_t i = 0; rc == RC_OK && i < *count_out; i++) {
		str text = arena_fmt(a, STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(rows[i].by), STR_ARG(rows[i].words),
				     STR_ARG(rows[i].file_name));
		list[i] = row_of("answer", rows[i].id, text, a);
	}
	return rc;
}

static enum rc put_answer(struct reader *r, const struct subject_ask *q, str object, bool whole, struct arena *a,
			  struct json_out *j, struct err *err)
{
	struct answer_row *row = NULL;
	size_t n = 0;
	int64_t id = number_of(behind(object));
	const struct answer_query ask = { .organisation = STR(""), .before = id + 1, .limit = 1 };
	(void)q;
	enum rc rc = answers_list(reader_conn(r), &ask, a, &row, &n, err);
	if (rc != RC_OK || n == 0 || row[0].id != id)
		return rc != RC_OK ? rc : no_such(object, err);
	json_open(j, '{');
	json_put_time(j, "at", row[0].at_us);
	json_put_str(j, "answer", str_of(answer_kind_name(row[0].kind)));
	json_put_str(j, "channel", row[0].channel);
	if (whole) { /* who wrote it, and what */
		json_put_str(j, "by", row[0].by);
		json_put_str(j, "words", row[0].words);
		json_put_str(j, "file_name", row[0].file_name);
	}
	json_close(j, '}');
	return RC_OK;
}

/* --- the mail list --- */

static enum rc list_subscribers(struct reader *r, const struct subject_ask *q, str after, struct arena *a,
				struct beside_row **out, size_t *count_out, struct err *err)
{
	struct subscriber_row *rows = NULL;
	enum rc rc = may_read_ledger(r, q, a, err);
	if (rc == RC_OK)
		rc = subscribers_list(reader_conn(r), number_of(after), PAGE, a, &rows, count_out, err);
	struct beside_row *list = *out = ARENA_ARRAY(a, PAGE, struct beside_row);
	for (size_t i = 0; rc == RC_OK && i < *count_out; i++)
		list[i] = row_of("subscriber", rows[i].id, rows[i].email, a);
	return rc;
}

static enum rc put_subscriber(struct reader *r, const struct subject_ask *q, str object, bool whole, struct arena *a,
			      struct json_out *j, struct err *err)
{
	struct subscriber_row *row = NULL;
	size_t n = 0;
	int64_t id = number_of(behind(object));
	(void)q;
	(void)whole;
	enum rc rc = subscribers_list(reader_conn(r), id - 1, 1, a, &row, &n, err);
	if (rc != RC_OK || n == 0 || row[0].id != id)
		return rc != RC_OK ? rc : no_such(object, err);
	json_open(j, '{');
	json_put_str(j, "email", row[0].email);
	json_put_str(j, "language", row[0].language);
	json_put_time(j, "asked", row[0].asked_us);
	json_put_bool(j, "confirmed", row[0].state == SUBSCRIBER_CONFIRMED);
	json_close(j, '}');
	return RC_OK;
}

/* --- those without a record --- */

static enum rc list_contacts(struct reader *r, const struct subject_ask *q, str after, struct arena *a,
			     struct beside_row **out, size_t *count_out, struct err *err)
{
	struct contact_row *rows = NULL;
	enum rc rc = may_read_ledger(r, q, a, err);
	if (rc == RC_OK)
		rc = contacts_list(reader_conn(r), store_secret(q->s), after, PAGE, a, &rows, count_out, err);
	struct beside_row *list = *out = ARENA_ARRAY(a, PAGE, struct beside_row);
	for (size_t i = 0; rc == RC_OK && i < *count_out; i++)
		list[i] = (struct beside_row){ .object = rows[i].object, .text = rows[i].email, .place = rows[i].recipient };
	return rc;
}

static enum rc put_contact(struct reader *r, const struct subject_ask *q, str object, bool whole, struct arena *a,
			   struct json_out *j, struct err *err)
{
	struct contact_row row;
	(void)whole;
	enum rc rc = contact_find(reader_conn(r), store_secret(q->s), object, a, &row, err);
	if (rc != RC_OK)
		return rc;
	json_open(j, '{');
	json_put_str(j, "email", row.email);
	json_put_bool(j, "last_resort", row.last_resort);
	json_put_i64(j, "messages", (int64_t)row.messages);
	if (row.first_us)
		json_put_time(j, "first", row.first_us);
	json_close(j, '}');
	return RC_OK;
}

/* --- STIX objects of partners: each version, as the viewer may read it --- */

static enum rc read_object(struct reader *r, const struct subject_ask *q, int64_t id, struct arena *a,
			   struct kept_object *out, struct err *err)
{
	return object_find(r, q->viewer, arena_fmt(a, "%lld", (long long)id), a, out, err);
}

static enum rc list_objects(struct reader *r, const struct subject_ask *q, str after, struct arena *a,
			    struct beside_row **out, size_t *count_out, struct err *err)
{
	int64_t *ids = ARENA_ARRAY(a, OBJECTS_PAGE, int64_t);
	enum rc rc = objects_after(reader_conn(r), number_of(after), OBJECTS_PAGE, ids, count_out, err);
	struct beside_row *list = *out = ARENA_ARRAY(a, OBJECTS_PAGE, struct beside_row);
	size_t bytes = 0;
	for (size_t i = 0; rc == RC_OK && i < *count_out; i++) {
		struct kept_object o = { .json = STR("") };
		rc = read_object(r, q, ids[i], a, &o, err);
		if (rc == RC_ABSENT)
			rc = RC_OK;
		list[i] = row_of("object", ids[i], o.json, a);
		bytes += o.json.n;
		if (bytes > OBJECTS_BYTES) /* enough at once */
			*count_out = i + 1;
	}
	return rc;
}

static enum rc put_object(struct reader *r, const struct subject_ask *q, str object, bool whole, struct arena *a,
			  struct json_out *j, struct err *err)
{
	struct kept_object o;
	enum rc rc = read_object(r, q, number_of(behind(object)), a, &o, err);
	if (rc != RC_OK)
		return rc;
	json_open(j, '{');
	json_put_str(j, "id", o.stix_id);
	json_put_str(j, "type", o.type);
	json_put_time(j, "at", o.at_us);
	if (whole) {
		json_key(j, STR("object"));
		json_raw(j, o.json);
	}
	json_close(j, '}');
	return RC_OK;
}

/* --- answers to rounds, as they were noted --- */

static enum rc list_round_words(struct reader *r, const struct subject_ask *q, str after, struct arena *a,
				struct beside_row **out, size_t *count_out, struct err *err)
{
	struct round_words *rows = NULL;
	enum rc rc = may_read_ledger(r, q, a, err);
	if (rc == RC_OK)
		rc = round_words_list(reader_conn(r), after, PAGE, a, &rows, count_out, err);
	struct beside_row *list = *out = ARENA_ARRAY(a, PAGE, struct beside_row);
	for (size_t i = 0; rc == RC_OK && i < *count_out; i++)
		list[i] = (struct beside_row){
			.object = arena_fmt(a, "round-answer:" STR_FMT, STR_ARG(rows[i].id)),
			.text = arena_fmt(a, STR_FMT " " STR_FMT, STR_ARG(rows[i].by), STR_ARG(rows[i].words)),
			.place = rows[i].id,
		};
	return rc;
}

static enum rc put_round_words(struct reader *r, const struct subject_ask *q, str object, bool whole, struct arena *a,
			       struct json_out *j, struct err *err)
{
	struct round_words row;
	(void)q;
	enum rc rc = round_words_find(reader_conn(r), behind(object), a, &row, err);
	if (rc != RC_OK)
		return rc;
	json_open(j, '{');
	json_put_time(j, "at", row.at_us);
	if (whole) {
		json_put_str(j, "by", row.by);
		json_put_str(j, "words", row.words);
	}
	json_close(j, '}');
	return RC_OK;
}

/* --- all of them --- */

static const struct beside besides[] = {
	{ "answer", "answers", list_answers, put_answer },
	{ "subscriber", "mail list", list_subscribers, put_subscriber },
	{ "contact", "contacts without a record", list_contacts, put_contact },
	{ "object", "objects of partners", list_objects, put_object },
	{ "round-answer", "answers to rounds", list_round_words, put_round_words },
};

const struct beside *beside_at(size_t i)
{
	return i < COUNT_OF(besides) ? &besides[i] : NULL;
}

const struct beside *beside_of(str kind)
{
	for (size_t i = 0; i < COUNT_OF(besides); i++)
		if (str_eq(kind, str_of(besides[i].kind)))
			return &besides[i];
	return NULL;
}
