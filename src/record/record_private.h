/* SPDX-License-Identifier: Apache-2.0 */
/* record_private.h: what the files of the records engine share; not for callers. */
#ifndef RONDA_RECORD_RECORD_PRIVATE_H
#define RONDA_RECORD_RECORD_PRIVATE_H

#include <stdatomic.h>
#include <zstd.h>

#include "record/record.h"

enum { RECORD_HOOKS = 32, RECORD_SALT = 16, RECORD_WHY_MAX = 4000, RECORD_VERSION_MAX = INT32_MAX };

struct records {
	struct store *s;
	struct journal *j;
	struct snapshot *types;
	char origin[40]; /* ours */
	struct erase *erase; /* finishes on the disk what record_erase began; NULL: nobody does */
	struct record_hook hook[RECORD_HOOKS];
	size_t hooks;
	/* the writer thread's alone */
	ZSTD_CCtx *pack;
	int64_t *touched; /* records whose words are to be looked at before the commit */
	size_t touched_count, touched_room;
	/* anybody's */
	atomic_bool merge_wanted;
};

static inline str uuid_str(const struct uuid *u)
{
	return str_mem(u->b, sizeof(u->b));
}
static inline str digest_str(const struct digest *d)
{
	return str_mem(d->b, sizeof(d->b));
}
bool take_uuid(str blob, struct uuid *out);
bool take_digest32(str blob, struct digest *out);

/* --- record_names.c --- */

/* 0: no such name yet. */
MUST_CHECK enum rc name_find(struct conn *c, str name, int64_t *out, struct err *err);
/* Makes it when there is none; in a job. */
MUST_CHECK enum rc name_make(struct conn *c, str name, int64_t *out, struct err *err);
/* "incident.severity" */
str field_name(const struct type *t, const struct type_field *f, char text[2 * TYPE_NAME_MAX + 2]);

/* --- record_walk.c --- */

/* One value in a body: of a field, an entry of its list, or a column of its rows. */
struct value {
	const struct type_field *field; /* the column, inside rows */
	const struct type_field *top;   /* the field of the type */
	enum share share;               /* the stricter of both */
	bool personal;
	struct json_object *json;       /* not null */
};
/* False: enough. */
typedef bool (*value_each)(void *ctx, const struct value *v);
void values_each(const struct type *t, struct json_object *body, value_each each, void *ctx);
/* Of one field of the type. */
void field_values(const struct type_field *f, struct json_object *body, value_each each, void *ctx);

/* --- record_body.c --- */

/* `fields` laid over `base` (both JSON objects; "" is {}); what stands in a block that closes
 * by it falls away. *strangers_out: the base has members this definition does not know.
 * RC_INPUT: unknown names in `fields`, told in `errors`. Free *out with json_free. */
struct body_errors {
	struct body_error *list; /* may be NULL */
	size_t most, count;
};
void body_error_add(struct body_errors *e, const struct type_field *f, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
MUST_CHECK enum rc body_merge(const struct type *t, str base, str fields, struct arena *a,
			      struct json_object **out, bool *strangers_out,
			      struct body_errors *errors, struct err *err);
/* The same members with the same values, in any order. */
bool body_same(str one, str other);

/* --- record_chain.c --- */

struct header { /* what a version's hash covers besides its commitment */
	struct uuid id, organisation;
	uint64_t version;
	str type, origin, author, state;
	uint32_t type_version;
	int64_t at_us;
};
struct digest commitment_make(str salt, str labels, str why, str body);
struct digest version_hash(const struct digest *before, const struct header *h,
			   const struct digest *commitment);

/* --- record_read.c --- */

/* A record as it stands, with its row. */
MUST_CHECK enum rc row_load(struct conn *c, const struct types *t, int64_t row, bool with_body,
			    struct arena *a, struct record *out, struct err *err);
/* 0: no such record. */
MUST_CHECK enum rc row_find(struct conn *c, const struct uuid *id, int64_t *row_out,
			    struct err *err);
/* What a body column holds, as text in `a`. RC_IO: damaged. */
MUST_CHECK enum rc body_unpack(str stored, struct arena *a, str *out, struct err *err);

/* --- record_index.c --- */

/* Takes away what `before` had and `after` has not, and adds the rest. Either may be NULL. */
MUST_CHECK enum rc index_change(struct conn *c, const struct type *t, int64_t row,
				struct json_object *before, struct json_object *after,
				struct arena *a, struct err *err);
struct index_key {
	const struct type_field *field;
	struct kind_key key;
};
/* What stands in the index for a body, each once, in the order of fields and keys. */
struct index_key *index_keys(const struct type *t, struct json_object *body, struct arena *a,
			     size_t *count_out);

/* --- record_search.c --- */

enum { WORDS_OPEN, WORDS_PARTY, WORDS_TEAM, WORDS_PERSONAL, WORDS_KINDS };
struct words_of { /* by who may see them */
	struct buf of[WORDS_KINDS];
};
void words_collect(const struct type *t, struct json_object *body, struct words_of *out);
void words_free(struct words_of *w);
/* Whether the words kept for the row are these; *count_out: rows that they take. */
MUST_CHECK enum rc words_same(struct conn *c, int64_t row, const struct words_of *w, bool *same_out,
			      uint64_t *count_out, struct err *err);
/* The words of that record are looked at again before the commit. */
void search_touch(struct records *r, int64_t row);
/* Registered with store_before_commit: brings the words of what was touched up to date. */
MUST_CHECK enum rc search_update(struct tx *tx, void *ctx, struct err *err);
/* Merges up to so many pages of each index where a level has several segments; when negative,
 * until one segment is left at all. *more_out: it did something. */
MUST_CHECK enum rc words_merge(struct conn *c, int pages, bool *more_out, struct err *err);
/* Background: what many small commits left is merged, so that search stays quick. */
MUST_CHECK enum rc search_tend(struct store *s, void *ctx, bool *did_out, struct err *err);
struct id_set;
/* Rows in which all words of the query are. */
MUST_CHECK enum rc search_find(struct conn *c, const struct record_query *q, struct id_set *out,
			       struct err *err);

/* --- record_set.c: rows of records, a bit each --- */

struct id_set {
	uint64_t *bits;
	size_t words;
};
struct id_set id_set_new(int64_t highest);
void id_set_free(struct id_set *s);
void id_set_add(struct id_set *s, int64_t id); /* beyond the highest: left out */
bool id_set_has(const struct id_set *s, int64_t id);
size_t id_set_count(const struct id_set *s);
void id_set_and(struct id_set *s, const struct id_set *other);
void id_set_or(struct id_set *s, const struct id_set *other);
/* The next one from `id` on; -1: none. */
int64_t id_set_next(const struct id_set *s, int64_t id);

/* --- record_links.c --- */

/* Brings the links of reference fields up to date with the body. Either may be NULL. */
MUST_CHECK enum rc links_change(struct tx *tx, struct records *r, const struct record *now,
				struct json_object *before, struct json_object *after,
				struct arena *a, struct err *err);
/* How many links the reference fields of a body make, and the first field without. */
MUST_CHECK enum rc links_check(struct conn *c, const struct record *now, struct json_object *body,
			       struct arena *a, uint64_t *count_out, str *missing_out,
			       struct err *err);
/* Links of fields fall away, reasons of the others. */
MUST_CHECK enum rc links_erase(struct tx *tx, struct records *r, const struct record *now,
			       struct err *err);

/* --- record_files.c --- */

/* Notes that the record names its files. RC_INPUT: one is not here, or not his to name. */
MUST_CHECK enum rc files_change(struct tx *tx, int64_t row, const struct type *t,
				struct json_object *body, str actor, bool copy,
				struct body_errors *errors, struct err *err);
MUST_CHECK enum rc files_erase(struct tx *tx, int64_t row, struct err *err);
/* At start: bytes no record ever named, a day old. */
MUST_CHECK enum rc files_tidy(struct store *s, struct err *err);

/* --- record_version.c --- */

/* The row of a new record; its number is filled in. */
MUST_CHECK enum rc row_add(struct tx *tx, struct record *now, int64_t *row_out, struct err *err);
/* Adds version `now->version` (hash, commitment and row are filled in), its journal line, and
 * calls the hooks. `row`: of the record, which is there. */
MUST_CHECK enum rc version_add(struct tx *tx, struct records *r, int64_t row,
			       const struct digest *before, struct record *now, struct err *err);
MUST_CHECK enum rc change_told(struct tx *tx, struct records *r, const char *act,
			       const struct record *before, const struct record *now,
			       struct err *err);

#endif
