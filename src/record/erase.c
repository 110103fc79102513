/* SPDX-License-Identifier: Apache-2.0 */
#include "record/erase.h"

#include <stdatomic.h>

#include "base/arena.h"
#include "base/json.h"
#include "store/rewrite.h"

enum { WHY_MAX = 1000 };

struct erase {
	struct store *s;
	struct journal *j;
	const struct eraser *const *eraser;
	size_t erasers;
	atomic_bool working; /* the background and who waits share one state on disk */
};

/* --- listing --- */

const char *erase_step_name(enum erase_step step)
{
	static const char *const names[ERASE_STEPS] = { "remove", "tidy", "files", "log",
							"unlink" };
	return step < ERASE_STEPS ? names[step] : "";
}

#define COLUMNS "id, object, why, asked_by, asked_us, ended_us, step, words, at"

static void take_row(struct sql *q, struct arena *a, struct erasing *out)
{
	int64_t step = sql_col_int(q, 6);
	*out = (struct erasing){ .id = sql_col_int(q, 0),
				 .object = arena_str(a, sql_col_str(q, 1)),
				 .why = arena_str(a, sql_col_str(q, 2)),
				 .by = arena_str(a, sql_col_str(q, 3)),
				 .asked_us = sql_col_int(q, 4),
				 .ended_us = sql_col_int(q, 5),
				 .step = step >= 0 && step < ERASE_STEPS ? (enum erase_step)step
									 : ERASE_REMOVE,
				 .words = arena_str(a, sql_col_str(q, 7)),
				 .at = (uint64_t)sql_col_int(q, 8) };
}

static enum rc take_rows(struct sql *q, struct arena *a, struct erasing **out, size_t *count_out,
			 struct err *err)
{
	size_t room = 0, n = 0;
	struct erasing *list = NULL;
	while (sql_row(q)) {
		if (n == room) {
			room = room ? 2 * room : 16;
			list = x_grow(list, room, sizeof(*list));
		}
		take_row(q, a, &list[n++]);
	}
	*out = ARENA_ARRAY(a, n + 1, struct erasing);
	if (n)
		memcpy(*out, list, n * sizeof(*list));
	free(list);
	*count_out = n;
	return sql_end(q, err);
}

enum rc erase_list(struct conn *c, bool all, struct arena *a, struct erasing **out,
		   size_t *count_out, struct err *err)
{
	struct sql *q = all ? sql(c, "SELECT " COLUMNS " FROM erasing ORDER BY id DESC")
			    : sql(c, "SELECT " COLUMNS " FROM erasing WHERE ended_us = 0"
				     " ORDER BY id DESC");
	return take_rows(q, a, out, count_out, err);
}

enum rc erase_get(struct conn *c, int64_t id, struct arena *a, struct erasing *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT " COLUMNS " FROM erasing WHERE id = ?");
	sql_int(q, 1, id);
	bool found = sql_row(q);
	if (found)
		take_row(q, a, out);
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? fail(err, RC_ABSENT, "no erasure has number %lld", (long long)id)
				     : rc;
}

/* --- beginning --- */

static enum rc find_eraser(const struct erase *x, str object, const struct eraser **out,
			   str *id_out, struct err *err)
{
	str id = object, kind = str_cut(&id, ':');
	for (size_t i = 0; i < x->erasers; i++) {
		if (!x->eraser[i]->kind || !str_eq(kind, str_of(x->eraser[i]->kind)))
			continue;
		*out = x->eraser[i];
		*id_out = id;
		return RC_OK;
	}
	return fail(err, RC_INPUT, "'" STR_FMT "' cannot be erased: it is named as 'report:12'",
		    STR_ARG(str_head(object, 100)));
}

static enum rc not_begun(struct conn *c, str object, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM erasing WHERE ended_us = 0 AND object = ?");
	sql_str(q, 1, object);
	int64_t id = sql_row(q) ? sql_col_int(q, 0) : 0;
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && id)
		return fail(err, RC_CONFLICT, "'" STR_FMT "' is being erased already, as number %lld",
			    STR_ARG(object), (long long)id);
	return rc;
}

enum rc erase_check(struct erase *x, struct conn *c, str object, struct err *err)
{
	const struct eraser *own = NULL;
	str id;
	enum rc rc = find_eraser(x, object, &own, &id, err);
	return rc == RC_OK && own->check ? own->check(c, id, err) : rc;
}

static enum rc write_line(struct tx *tx, struct erase *x, const char *act, const struct erasing *e,
			  uint64_t count, struct err *err)
{
	struct buf body = BUF_INIT(KIB(16));
	struct json_out json = json_out(&body);
	json_open(&json, '{');
	json_put_i64(&json, "erasing", e->id);
	json_put_str(&json, "why", e->why);
	json_close(&json, '}');
	struct journal_act line = { .act = act,
				    .actor = e->by,
				    .object = e->object,
				    .count = count,
				    .body = buf_str(&body) };
	enum rc rc = journal_add(tx, x->j, &line, err);
	buf_free(&body);
	return rc;
}

static enum rc add_row(struct tx *tx, str object, str why, str by, int64_t *id_out,
		       struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO erasing (object, why, asked_by, asked_us, step,"
					 " ended_us, words) VALUES (?, ?, ?, ?, 0, 0, '')");
	sql_str(q, 1, object);
	sql_str(q, 2, why);
	sql_str(q, 3, by);
	sql_int(q, 4, tx_now_us(tx));
	enum rc rc = sql_run(q, err);
	*id_out = sql_last_id(tx_conn(tx));
	return rc;
}

enum rc erase_begin(struct tx *tx, struct erase *x, str object, str why, str by, int64_t *id_out,
		    struct err *err)
{
	const struct eraser *own = NULL;
	str id;
	if (!why.n || why.n > WHY_MAX || !str_is_plain(why))
		return fail(err, RC_INPUT, "an erasure needs a reason, as plain text of one line");
	enum rc rc = find_eraser(x, object, &own, &id, err);
	if (rc == RC_OK)
		rc = not_begun(tx_conn(tx), object, err);
	if (rc == RC_OK && own->check)
		rc = own->check(tx_conn(tx), id, err);
	if (rc != RC_OK)
		return rc;
	rc = add_row(tx, object, why, by, id_out, err);
	struct erasing e = { .id = *id_out, .object = object, .why = why, .by = by };
	return rc == RC_OK ? write_line(tx, x, "erase", &e, 0, err) : rc;
}

enum rc erase_file(struct tx *tx, const struct erasing *e, enum segment which, int32_t day,
		   uint32_t number, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO erasing_file (erasing, kind, day, number)"
					 " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING");
	sql_int(q, 1, e->id);
	sql_int(q, 2, which);
	sql_int(q, 3, day);
	sql_int(q, 4, number);
	return sql_run(q, err);
}

enum rc erase_at(struct tx *tx, const struct erasing *e, uint64_t at, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE erasing SET at = ? WHERE id = ?");
	sql_int(q, 1, (int64_t)at);
	sql_int(q, 2, e->id);
	return sql_run(q, err);
}

/* --- the steps --- */

struct step {
	struct erase *x;
	const struct erasing *e;
	struct place file[256]; /* bytes: kind */
	size_t files;
	str words;
};

static enum rc run_job(struct erase *x, store_job_fn fn, struct step *st, struct err *err)
{
	struct store_job job = { .fn = fn, .ctx = st, .use_reserve = true };
	store_submit(x->s, &job);
	return store_wait(x->s, &job, err);
}

static enum rc go_on(struct tx *tx, const struct erasing *e, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE erasing SET step = ?, words = '' WHERE id = ?");
	sql_int(q, 1, e->step + 1);
	sql_int(q, 2, e->id);
	return sql_run(q, err);
}

static enum rc next_step(struct tx *tx, void *ctx, struct err *err)
{
	return go_on(tx, ((struct step *)ctx)->e, err);
}

/* The erasers in turn; the step is done when none has more. */
static enum rc call_erasers(struct tx *tx, void *ctx, struct err *err)
{
	struct step *st = ctx;
	bool more = false;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < st->x->erasers && rc == RC_OK && !more; i++) {
		const struct eraser *r = st->x->eraser[i];
		enum rc (*call)(struct tx *, const struct erasing *, bool *, struct err *) =
			st->e->step == ERASE_REMOVE ? r->remove : r->tidy;
		if (call)
			rc = call(tx, st->e, &more, err);
	}
	return rc == RC_OK && !more ? go_on(tx, st->e, err) : rc;
}

/* Some of its files; `left`: only those that are not rewritten yet. */
static enum rc list_files(struct step *st, bool left, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(st->x->s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q =
		left ? sql(reader_conn(r), "SELECT kind, day, number FROM erasing_file JOIN segment"
					   " USING (kind, day, number) WHERE erasing = ?"
					   " AND bytes >= 0 LIMIT ?")
		     : sql(reader_conn(r), "SELECT kind, day, number FROM erasing_file"
					   " WHERE erasing = ? LIMIT ?");
	sql_int(q, 1, st->e->id);
	sql_int(q, 2, (int64_t)COUNT_OF(st->file));
	while (sql_row(q))
		st->file[st->files++] = (struct place){ .bytes = (uint32_t)sql_col_int(q, 0),
							.day = (int32_t)sql_col_int(q, 1),
							.number = (uint32_t)sql_col_int(q, 2) };
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

static enum segment kind_of(const struct place *file)
{
	return file->bytes == SEGMENT_RAW ? SEGMENT_RAW : SEGMENT_EVENTS;
}

static enum rc rewrite_files(struct step *st, struct err *err)
{
	struct store *s = st->x->s;
	if (!store_take_files(s))
		return fail(err, RC_BUSY, "waits for a backup, or for days being forgotten");
	enum rc rc = list_files(st, true, err);
	for (size_t i = 0; i < st->files && rc == RC_OK; i++)
		rc = store_rewrite_segment(s, kind_of(&st->file[i]), st->file[i].day,
					   st->file[i].number, err);
	store_give_files(s);
	return rc == RC_OK && !st->files ? run_job(st->x, next_step, st, err) : rc;
}

static enum rc fold_log(struct step *st, struct err *err)
{
	bool done = false;
	enum rc rc = store_fold(st->x->s, &done, err);
	if (rc == RC_OK && !done)
		return fail(err, RC_BUSY, "waits for a reader that began before");
	return rc == RC_OK ? run_job(st->x, next_step, st, err) : rc;
}

static enum rc forget_files(struct tx *tx, const struct step *st, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < st->files && rc == RC_OK; i++) {
		struct sql *q = sql(tx_conn(tx), "DELETE FROM erasing_file WHERE erasing = ?"
						 " AND kind = ? AND day = ? AND number = ?");
		sql_int(q, 1, st->e->id);
		sql_int(q, 2, st->file[i].bytes);
		sql_int(q, 3, st->file[i].day);
		sql_int(q, 4, st->file[i].number);
		rc = sql_run(q, err);
	}
	return rc;
}

static enum rc end_it(struct tx *tx, void *ctx, struct err *err)
{
	struct step *st = ctx;
	enum rc rc = forget_files(tx, st, err);
	if (rc != RC_OK || st->files == COUNT_OF(st->file)) /* there may be more of them */
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE erasing SET ended_us = ?, words = '' WHERE id = ?");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, st->e->id);
	rc = sql_run(q, err);
	return rc == RC_OK ? write_line(tx, st->x, "erase.done", st->e, st->files, err) : rc;
}

static enum rc remove_files(struct step *st, struct err *err)
{
	enum rc rc = list_files(st, false, err);
	for (size_t i = 0; i < st->files && rc == RC_OK; i++)
		rc = store_remove_segment(st->x->s, kind_of(&st->file[i]), st->file[i].day,
					  st->file[i].number, err);
	return rc == RC_OK ? run_job(st->x, end_it, st, err) : rc;
}

static enum rc do_step(struct step *st, struct err *err)
{
	switch (st->e->step) {
	case ERASE_FILES:
		return rewrite_files(st, err);
	case ERASE_LOG:
		return fold_log(st, err);
	case ERASE_UNLINK:
		return remove_files(st, err);
	default:
		return run_job(st->x, call_erasers, st, err);
	}
}

/* --- the process --- */

static enum rc note_words(struct tx *tx, void *ctx, struct err *err)
{
	struct step *st = ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE erasing SET words = ? WHERE id = ?");
	sql_str(q, 1, st->words);
	sql_int(q, 2, st->e->id);
	return sql_run(q, err);
}

/* What it waits for is listed; other erasures go on meanwhile. */
static enum rc work_one(struct erase *x, const struct erasing *e, bool *did_out, struct err *err)
{
	struct step *st = x_alloc(sizeof(*st));
	struct err why = { 0 };
	st->x = x;
	st->e = e;
	enum rc rc = do_step(st, &why);
	*did_out = rc == RC_OK;
	if (rc != RC_OK && !store_read_only(x->s)) {
		st->words = str_of(why.text);
		rc = str_eq(st->words, e->words) ? RC_OK : run_job(x, note_words, st, err);
	} else if (rc != RC_OK && err) {
		*err = why;
	}
	free(st);
	return rc;
}

enum rc erase_work(struct erase *x, bool *did_out, struct err *err)
{
	*did_out = false;
	if (store_read_only(x->s) || atomic_exchange(&x->working, true))
		return RC_OK;
	struct arena *a = arena_new(KIB(4));
	struct erasing *list = NULL;
	struct reader *r;
	size_t n = 0;
	enum rc rc = store_read_begin(x->s, &r, err);
	if (rc == RC_OK) {
		rc = erase_list(reader_conn(r), false, a, &list, &n, err);
		store_read_end(r);
	}
	for (size_t i = n; i-- > 0 && rc == RC_OK && !*did_out;) /* the oldest first */
		rc = work_one(x, &list[i], did_out, err);
	arena_free(a);
	atomic_store(&x->working, false);
	return rc;
}

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	(void)s;
	return erase_work(ctx, did_out, err);
}

enum rc erase_open(struct store *s, struct journal *j, const struct eraser *const *erasers,
		   size_t count, struct erase **out, struct err *err)
{
	(void)err;
	struct erase *x = x_alloc(sizeof(*x));
	x->s = s;
	x->j = j;
	x->eraser = erasers;
	x->erasers = count;
	store_add_tend(s, tend, x);
	*out = x;
	return RC_OK;
}

void erase_close(struct erase *x)
{
	free(x);
}
