/* SPDX-License-Identifier: Apache-2.0 */
/* The log of hashes in main.db, and the tag files it becomes. */
#include <stdlib.h>

#include "base/clock.h"
#include "store/repeats_private.h"

enum { NAME = 40, SLICES = 64 };

static const char *file_name(int64_t id, char text[NAME])
{
	snprintf(text, NAME, "%lld.tags", (long long)id);
	return text;
}

/* --- the log --- */

/* class, then for each row: hour less the one before, tag, check. */
void log_body(struct buf *out, uint32_t class, const struct repeat_key *keys, uint32_t n)
{
	uint32_t hour = 0;
	buf_le32(out, class);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t step = (uint32_t)keys[i].part - hour;
		buf_varint(out, step << 1 ^ (0 - (step >> 31)));
		buf_le64(out, keys[i].tag);
		buf_le16(out, keys[i].check);
		hour = (uint32_t)keys[i].part;
	}
}

static bool log_keys(str body, uint32_t rows, struct repeat_key *keys)
{
	struct wire w = wire_of(body);
	uint64_t class = wire_le32(&w);
	uint32_t hour = 0;
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t step = (uint32_t)wire_varint(&w);
		hour += step >> 1 ^ (0 - (step & 1));
		keys[i].part = class << 32 | hour;
		keys[i].tag = wire_le64(&w);
		keys[i].check = wire_le16(&w);
	}
	return !w.bad && !wire_left(&w);
}

enum rc log_read(struct conn *c, size_t most_rows,
		 void (*each)(void *ctx, const struct log_row *row, const struct repeat_key *keys),
		 void *ctx, struct err *err)
{
	struct repeat_key *keys = x_array(BATCH_ROWS, sizeof(*keys));
	size_t rows = 0;
	bool sound = true;
	struct sql *q = sql(c, "SELECT first_seq, rows, report, at_us, body FROM repeat_log"
			       " ORDER BY first_seq");
	while (rows < most_rows && sound && sql_row(q)) {
		struct log_row row = { .first_seq = (uint64_t)sql_col_int(q, 0),
				       .rows = (uint32_t)sql_col_int(q, 1),
				       .report = sql_col_int(q, 2),
				       .at_us = sql_col_int(q, 3) };
		sound = row.rows <= BATCH_ROWS && log_keys(sql_col_blob(q, 4), row.rows, keys);
		if (sound)
			each(ctx, &row, keys);
		rows += row.rows;
	}
	free(keys);
	enum rc rc = sql_end(q, err);
	if (!rc && !sound)
		rc = fail(err, RC_INPUT, "the log of repeats is damaged");
	return rc;
}

/* --- the list --- */

static struct tag_file *list_add(struct repeats *p, const struct tag_file *f)
{
	if (p->files == p->file_room) {
		p->file_room = p->file_room ? 2 * p->file_room : 16;
		p->file = x_grow(p->file, p->file_room, sizeof(*p->file));
	}
	p->file[p->files] = *f;
	return &p->file[p->files++];
}

struct strays {
	struct repeats *p;
	int64_t *id; /* named by no row */
	size_t n, room;
};

static bool stray(void *ctx, const char *name)
{
	struct strays *s = ctx;
	int64_t id;
	str text = str_of(name);
	if (!str_ends(text, STR(".tags")) || !str_to_i64(str_head(text, text.n - 5), &id))
		return true;
	for (size_t i = 0; i < s->p->files; i++)
		if (s->p->file[i].id == id)
			return true;
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 8;
		s->id = x_grow(s->id, s->room, sizeof(*s->id));
	}
	s->id[s->n++] = id;
	return true;
}

/* Files that were written and never named, or no longer are. */
static enum rc remove_strays(struct repeats *p, struct err *err)
{
	struct strays s = { .p = p };
	char name[NAME];
	enum rc rc = io_dir_each(p->dir, stray, &s, err);
	for (size_t i = 0; i < s.n && !rc; i++)
		rc = io_unlink(p->dir, file_name(s.id[i], name), err);
	free(s.id);
	return rc;
}

enum rc files_load(struct repeats *p, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(p->store, &r, err);
	if (rc)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT id, first_seq, last_seq, first_us, last_us"
					    " FROM repeat_file ORDER BY id");
	while (sql_row(q))
		list_add(p, &(struct tag_file){ .id = sql_col_int(q, 0),
						.first_seq = (uint64_t)sql_col_int(q, 1),
						.last_seq = (uint64_t)sql_col_int(q, 2),
						.first_us = sql_col_int(q, 3),
						.last_us = sql_col_int(q, 4) });
	rc = sql_end(q, err);
	store_read_end(r);
	if (!rc && !store_read_only(p->store))
		rc = remove_strays(p, err);
	return rc;
}

static void file_let_go(struct repeats *p, struct tag_file *f)
{
	if (!f->open)
		return;
	p->cached -= repeat_file_memory(f->open);
	repeat_file_close(f->open);
	f->open = NULL;
}

void files_free(struct repeats *p)
{
	for (size_t i = 0; i < p->files; i++)
		file_let_go(p, &p->file[i]);
	free(p->file);
	p->file = NULL;
	p->files = 0;
}

/* --- asking --- */

/* Damage and absence mean that the file forgot; other errors are the caller's. */
static enum rc forgives(struct tag_file *f, enum rc rc)
{
	if (rc != RC_INPUT && rc != RC_ABSENT)
		return rc;
	f->broken = true;
	return RC_OK;
}

static void cache_shrink(struct repeats *p, const struct tag_file *but)
{
	while (p->cached > p->cache_bytes) {
		struct tag_file *oldest = NULL;
		for (size_t i = 0; i < p->files; i++) {
			struct tag_file *f = &p->file[i];
			if (f->open && f != but && (!oldest || f->used < oldest->used))
				oldest = f;
		}
		if (!oldest)
			return;
		file_let_go(p, oldest);
	}
}

static enum rc file_hold(struct repeats *p, struct tag_file *f, struct err *err)
{
	char name[NAME];
	f->used = ++p->clock;
	if (f->open || f->broken)
		return RC_OK;
	enum rc rc = repeat_file_open(p->dir, file_name(f->id, name), &f->open, err);
	if (rc)
		return forgives(f, rc);
	p->cached += repeat_file_memory(f->open);
	cache_shrink(p, f);
	return RC_OK;
}

static enum rc file_sum(struct repeats *p, struct tag_file *f, struct err *err)
{
	char name[NAME];
	if (f->summed || f->broken)
		return RC_OK;
	enum rc rc = repeat_file_parts(p->dir, file_name(f->id, name), &f->parts, err);
	f->summed = rc == RC_OK;
	return forgives(f, rc);
}

/* Keys of one part follow each other. */
static enum rc ask_part(struct repeats *p, struct tag_file *f, const struct file_query *q, size_t n,
			bool (*counts)(void *ctx, uint32_t report), void *ctx, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n && !rc && !f->broken; i++) {
		if (*q[i].found)
			continue;
		if (!f->open)
			rc = file_hold(p, f, err);
		if (rc || f->broken || !repeat_file_may_have(f->open, q[i].key))
			continue;
		rc = repeat_file_has(f->open, q[i].key, counts, ctx, q[i].found, err);
		rc = forgives(f, rc);
	}
	return rc;
}

static enum rc ask_file(struct repeats *p, struct tag_file *f, const struct file_query *q, size_t n,
			bool (*counts)(void *ctx, uint32_t report), void *ctx, struct err *err)
{
	enum rc rc = file_sum(p, f, err);
	f->used = ++p->clock;
	for (size_t from = 0; from < n && !rc && !f->broken;) {
		size_t to = from;
		while (to < n && q[to].key->part == q[from].key->part)
			to++;
		if (repeat_parts_may_have(&f->parts, q[from].key->part))
			rc = ask_part(p, f, q + from, to - from, counts, ctx, err);
		from = to;
	}
	return rc;
}

enum rc files_ask(struct repeats *p, struct file_query *q, size_t n, int64_t now_us,
		  bool (*counts)(void *ctx, uint32_t report), void *ctx, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = p->files; i-- > 0 && !rc;) {
		struct tag_file *f = &p->file[i];
		if (f->last_us + p->window_us >= now_us && f->first_seq < p->from_seq)
			rc = ask_file(p, f, q, n, counts, ctx, err);
	}
	return rc;
}

/* --- merging --- */

struct merge {
	struct repeats *p;
	struct repeat_entry *entry;
	size_t n, room;
	struct tag_file file;
	uint32_t log_rows;
	uint64_t bytes;
};

static void merge_row(void *ctx, const struct log_row *row, const struct repeat_key *keys)
{
	struct merge *m = ctx;
	if (!m->log_rows) {
		m->file.first_seq = row->first_seq;
		m->file.first_us = m->file.last_us = row->at_us;
	}
	m->file.last_seq = row->first_seq + row->rows - 1;
	if (row->at_us > m->file.last_us)
		m->file.last_us = row->at_us;
	if (row->at_us < m->file.first_us)
		m->file.first_us = row->at_us;
	m->log_rows++;
	if (m->n + row->rows > m->room) {
		size_t most = m->p->merge_rows + BATCH_ROWS; /* one row of the log more than asked */
		m->room = 4 * m->room + BATCH_ROWS < most ? 4 * m->room + BATCH_ROWS : most;
		m->entry = x_grow(m->entry, m->room, sizeof(*m->entry));
	}
	for (uint32_t i = 0; i < row->rows; i++)
		m->entry[m->n++] = (struct repeat_entry){ .key = keys[i],
							  .report = (uint32_t)row->report };
}

static enum rc next_id(struct conn *c, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT max(id) FROM repeat_file");
	*out = (sql_row(q) ? sql_col_int(q, 0) : 0) + 1;
	return sql_end(q, err);
}

static enum rc merge_job(struct tx *tx, void *ctx, struct err *err)
{
	struct merge *m = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO repeat_file (id, first_seq, last_seq,"
					 " first_us, last_us, entries, bytes)"
					 " VALUES (?, ?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, m->file.id);
	sql_int(q, 2, (int64_t)m->file.first_seq);
	sql_int(q, 3, (int64_t)m->file.last_seq);
	sql_int(q, 4, m->file.first_us);
	sql_int(q, 5, m->file.last_us);
	sql_int(q, 6, (int64_t)m->n);
	sql_int(q, 7, (int64_t)m->bytes);
	enum rc rc = sql_run(q, err);
	if (rc)
		return rc;
	q = sql(tx_conn(tx), "DELETE FROM repeat_log WHERE first_seq <= ?");
	sql_int(q, 1, (int64_t)m->file.last_seq);
	return sql_run(q, err);
}

static enum rc merge_read(struct merge *m, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(m->p->store, &r, err);
	if (rc)
		return rc;
	rc = log_read(reader_conn(r), m->p->merge_rows, merge_row, m, err);
	if (!rc)
		rc = next_id(reader_conn(r), &m->file.id, err);
	store_read_end(r);
	return rc;
}

static enum rc merge_log(struct repeats *p, bool *did_out, struct err *err)
{
	struct merge m = { .p = p };
	char name[NAME];
	enum rc rc = merge_read(&m, err);
	*did_out = false;
	if (!rc && m.n) {
		rc = repeat_file_write(p->dir, file_name(m.file.id, name), m.entry, m.n,
				       &m.file.parts, &m.bytes, err);
		m.file.summed = true;
		if (!rc)
			rc = store_write(p->store, merge_job, &m, err);
		if (!rc) {
			turn_take(p->turn);
			list_add(p, &m.file);
			p->merged_seq = m.file.last_seq;
			turn_give(p->turn);
			*did_out = true;
		}
	}
	free(m.entry);
	return rc;
}

enum rc files_merge(struct repeats *p, bool *did_out, struct err *err)
{
	turn_take(p->merge);
	enum rc rc = merge_log(p, did_out, err);
	turn_give(p->merge);
	return rc;
}

/* --- tending --- */

static enum rc forget_job(struct tx *tx, void *ctx, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM repeat_file WHERE id = ?");
	sql_int(q, 1, *(const int64_t *)ctx);
	return sql_run(q, err);
}

/* Takes one file that is past the window off the list; 0: none is. */
static int64_t take_old(struct repeats *p, int64_t now_us)
{
	int64_t id = 0;
	turn_take(p->turn);
	for (size_t i = 0; i < p->files && !id; i++) {
		if (p->file[i].last_us + p->window_us >= now_us)
			continue;
		id = p->file[i].id;
		file_let_go(p, &p->file[i]);
		p->files--;
		memmove(&p->file[i], &p->file[i + 1], (p->files - i) * sizeof(*p->file));
	}
	turn_give(p->turn);
	return id;
}

/* The row first: what it no longer names is removed at the next start if not now. */
static enum rc forget_old(struct repeats *p, bool *did_out, struct err *err)
{
	char name[NAME];
	int64_t id = take_old(p, clock_now_us());
	*did_out = id != 0;
	if (!id)
		return RC_OK;
	enum rc rc = store_write(p->store, forget_job, &id, err);
	return rc ? rc : io_unlink(p->dir, file_name(id, name), err);
}

static enum rc merge_due(struct repeats *p, bool *due_out, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(p->store, &r, err);
	if (rc)
		return rc;
	/* sequence numbers have no gaps: so the ends of the log say how long it is */
	struct sql *q = sql(reader_conn(r), "SELECT a.first_seq, a.at_us, z.first_seq + z.rows FROM"
					    " (SELECT first_seq, at_us FROM repeat_log"
					    "  ORDER BY first_seq LIMIT 1) a,"
					    " (SELECT first_seq, rows FROM repeat_log"
					    "  ORDER BY first_seq DESC LIMIT 1) z");
	*due_out = false;
	if (sql_row(q))
		*due_out = sql_col_int(q, 2) - sql_col_int(q, 0) >= (int64_t)p->merge_rows ||
			   sql_col_int(q, 1) + p->window_us / SLICES < clock_now_us();
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

enum rc repeats_tend(struct store *s, void *repeats, bool *did_out, struct err *err)
{
	struct repeats *p = repeats;
	bool due;
	(void)s;
	*did_out = false;
	if (store_read_only(p->store))
		return RC_OK;
	enum rc rc = forget_old(p, did_out, err);
	if (rc || *did_out)
		return rc;
	rc = merge_due(p, &due, err);
	return rc || !due ? rc : files_merge(p, did_out, err);
}

/* --- for verify --- */

struct counted {
	uint64_t n;
	struct repeat_key before;
	bool sorted;
};

static void count_entry(void *ctx, const struct repeat_entry *e)
{
	struct counted *k = ctx;
	k->sorted = k->sorted && (!k->n || repeat_key_cmp(&k->before, &e->key) <= 0);
	k->before = e->key;
	k->n++;
}

static enum rc check_file(struct io_dir *d, const char *name, uint64_t entries, struct err *err)
{
	struct counted k = { .sorted = true };
	struct repeat_file *f = NULL;
	enum rc rc = repeat_file_open(d, name, &f, err);
	if (rc == RC_OK)
		rc = repeat_file_each(f, count_entry, &k, err);
	if (rc == RC_OK && (!k.sorted || k.n != entries))
		rc = fail(err, RC_INPUT, "it holds %llu hashes, main.db says %llu",
			  (unsigned long long)k.n, (unsigned long long)entries);
	repeat_file_close(f);
	return rc;
}

/* Past its window a file goes, its row first: then that is no damage. */
static bool is_named(struct store *s, int64_t id)
{
	struct reader *r;
	if (store_read_begin(s, &r, NULL) != RC_OK)
		return true;
	struct sql *q = sql(reader_conn(r), "SELECT 1 FROM repeat_file WHERE id = ?");
	sql_int(q, 1, id);
	bool named = sql_row(q);
	enum rc rc = sql_end(q, NULL);
	store_read_end(r);
	return rc != RC_OK || named;
}

enum rc repeat_files_check(struct store *s, struct conn *c,
			   void (*say)(void *ctx, const char *words), void *ctx, struct err *err)
{
	struct io_dir *d;
	char name[NAME], words[400];
	struct sql *q = sql(c, "SELECT id, entries FROM repeat_file ORDER BY id");
	enum rc rc = RC_OK;
	while (sql_row(q)) {
		struct err why;
		file_name(sql_col_int(q, 0), name);
		rc = io_dir_sub(store_dir(s), "repeats", false, &d, &why);
		if (rc == RC_OK) {
			rc = check_file(d, name, (uint64_t)sql_col_int(q, 1), &why);
			io_dir_close(d);
		}
		if (rc == RC_OK || (rc == RC_ABSENT && !is_named(s, sql_col_int(q, 0))))
			continue;
		snprintf(words, sizeof(words), "repeats/%s: %s; no event is lost: repeats of that "
			 "time count as new until its window has passed", name, why.text);
		say(ctx, words);
	}
	return sql_end(q, err);
}
