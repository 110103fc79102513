/* SPDX-License-Identifier: Apache-2.0 */
#include <libgen.h>

#include "base/clock.h"
#include "route/findings_private.h"

enum { TELLER_NAME_MAX = 60, TELL_PAGE = 500 };

static enum rc teller_cursor(const char *teller, char name[80], struct err *err)
{
	str s = str_of(teller);
	if (s.n == 0 || s.n > TELLER_NAME_MAX || !str_is_plain(s))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no name of a teller", STR_ARG(s));
	snprintf(name, 80, "teller:%s", teller);
	return RC_OK;
}

struct page {
	struct transition_row *list;
	size_t n, most;
	uint64_t behind;
};

static bool take(void *ctx, const struct transition_row *t)
{
	struct page *p = ctx;
	if (t->seq > p->behind && p->n < p->most)
		p->list[p->n++] = *t;
	return p->n < p->most;
}

/* The rows before a pack; all when there is none. */
static enum rc take_rows(struct conn *c, struct page *p, uint64_t before, struct err *err)
{
	struct sql *q = sql(c, "SELECT seq, at_us, finding, what, tlp, exercise FROM transition "
			       "WHERE seq > ? AND seq < ? ORDER BY seq LIMIT ?");
	sql_int(q, 1, (int64_t)p->behind);
	sql_int(q, 2, before > INT64_MAX ? INT64_MAX : (int64_t)before);
	sql_int(q, 3, (int64_t)(p->most - p->n));
	while (p->n < p->most && sql_row(q)) {
		const struct transition_row t = {
			.seq = (uint64_t)sql_col_int(q, 0), .at_us = sql_col_int(q, 1),
			.finding = id_of_bytes(sql_col_blob(q, 2)),
			.what = (enum transition)sql_col_int(q, 3), .tlp = (enum tlp)sql_col_int(q, 4),
			.exercise = sql_col_int(q, 5) != 0,
		};
		take(p, &t);
	}
	return sql_end(q, err);
}

/* The next pack that is not told whole, after the rows before it. */
static enum rc take_pack(struct conn *c, struct page *p, bool *more, struct err *err)
{
	struct sql *q = sql(c, "SELECT first_seq, last_seq, body FROM transition_pack WHERE last_seq > ? "
			       "ORDER BY last_seq LIMIT 1");
	sql_int(q, 1, (int64_t)p->behind);
	*more = sql_row(q);
	if (!*more) {
		enum rc end = sql_end(q, err);
		return end == RC_OK ? take_rows(c, p, UINT64_MAX, err) : end;
	}
	uint64_t first = (uint64_t)sql_col_int(q, 0), last = (uint64_t)sql_col_int(q, 1);
	enum rc rc = take_rows(c, p, first, err);
	bool sound = rc != RC_OK || p->n == p->most || pack_read(sql_col_blob(q, 2), first, take, p);
	p->behind = last;
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	rc = rc == RC_OK ? end : rc;
	return rc == RC_OK && !sound ? fail(err, RC_INPUT, "packed transitions are damaged") : rc;
}

enum rc transitions_read(struct conn *c, const char *teller, size_t most, struct arena *a,
			 struct transition_row **out, size_t *count_out, struct err *err)
{
	char name[80];
	int64_t told;
	bool more = true;
	*count_out = 0;
	enum rc rc = teller_cursor(teller, name, err);
	if (rc == RC_OK)
		rc = cursor_get(c, str_of(name), &told, err);
	if (rc != RC_OK)
		return rc;
	most = most > TELL_PAGE * 100 ? TELL_PAGE * 100 : most;
	struct page p = { .list = ARENA_ARRAY(a, most + 1, struct transition_row), .most = most,
			  .behind = (uint64_t)told };
	while (rc == RC_OK && more && p.n < most)
		rc = take_pack(c, &p, &more, err);
	*out = p.list;
	*count_out = p.n;
	return rc;
}

enum rc transitions_told(struct tx *tx, const char *teller, uint64_t seq, struct err *err)
{
	char name[80];
	int64_t told;
	enum rc rc = teller_cursor(teller, name, err);
	if (rc == RC_OK)
		rc = cursor_get(tx_conn(tx), str_of(name), &told, err);
	if (rc == RC_OK && (int64_t)seq > told)
		rc = cursor_set(tx_conn(tx), str_of(name), (int64_t)seq, err);
	return rc;
}

/* --- the teller that writes lines to a file --- */

struct file_teller {
	struct io_file *file;
	uint64_t bytes, last; /* size, and number of the last whole line */
	struct buf text;
	uint64_t upto;
};

/* What stands in the file already was told, whatever the cursor says: a crash
 * between the file's sync and the commit doubles no line. */
static enum rc read_end(struct file_teller *t, struct err *err)
{
	char tail[4096];
	enum rc rc = io_size(t->file, &t->bytes, err);
	if (rc != RC_OK || t->bytes == 0)
		return rc;
	uint64_t n = t->bytes < sizeof(tail) ? t->bytes : sizeof(tail);
	rc = io_read_at(t->file, t->bytes - n, tail, n, err);
	if (rc != RC_OK)
		return rc;
	str s = str_mem(tail, n);
	while (s.n && s.p[s.n - 1] != '\n') /* a line the machine died in */
		s.n--;
	t->bytes -= n - s.n;
	size_t from = s.n ? s.n - 1 : 0;
	while (from > 0 && s.p[from - 1] != '\n')
		from--;
	str line = str_from(s, from);
	return str_to_u64(str_cut(&line, ' '), &t->last) || s.n == 0 ?
		       RC_OK :
		       fail(err, RC_INPUT, "the file of transitions ends with something else");
}

static void add_line(struct buf *b, const struct transition_row *t)
{
	char id[16], at[40];
	id_bytes(t->finding, id);
	buf_u64(b, t->seq);
	buf_char(b, ' ');
	buf_add(b, time_str(at, t->at_us));
	buf_fmt(b, " %s ", transition_name(t->what));
	hex_format(b, id, sizeof(id));
	buf_fmt(b, " TLP:%s%s\n", tlp_name(t->tlp), t->exercise ? " exercise" : "");
}

static enum rc tell(struct tx *tx, void *ctx, struct err *err)
{
	struct file_teller *t = ctx;
	return transitions_told(tx, "file", t->upto, err);
}

static enum rc tell_page(struct store *s, struct file_teller *t, struct arena *a, size_t *n,
			 struct err *err)
{
	struct transition_row *rows;
	struct reader *r;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = transitions_read(reader_conn(r), "file", TELL_PAGE, a, &rows, n, err);
	store_read_end(r);
	if (rc != RC_OK || *n == 0)
		return rc;
	buf_reset(&t->text);
	for (size_t i = 0; i < *n; i++)
		if (rows[i].seq > t->last)
			add_line(&t->text, &rows[i]);
	t->upto = rows[*n - 1].seq;
	rc = io_write_at(t->file, t->bytes, buf_str(&t->text), err);
	if (rc == RC_OK)
		rc = io_sync(t->file, err);
	t->bytes += t->text.n;
	return rc == RC_OK ? store_write(s, tell, t, err) : rc;
}

static enum rc open_file(const char *path, struct io_dir **dir, struct io_file **file, struct err *err)
{
	char *head = x_strdup(path), *tail = x_strdup(path);
	enum rc rc = io_dir_open(dirname(head), dir, err);
	if (rc == RC_OK)
		rc = io_open(*dir, basename(tail), IO_WRITE | IO_CREATE, file, err);
	if (rc == RC_OK)
		rc = io_dir_sync(*dir, err);
	free(head);
	free(tail);
	return rc;
}

enum rc transitions_tell_file(struct store *s, const char *path, uint64_t *told_out, struct err *err)
{
	struct file_teller t = { .text = BUF_INIT(MIB(1)) };
	struct io_dir *dir = NULL;
	struct arena *a = arena_new(KIB(64));
	size_t n = 1;
	*told_out = 0;
	enum rc rc = open_file(path, &dir, &t.file, err);
	if (rc == RC_OK)
		rc = read_end(&t, err);
	while (rc == RC_OK && n > 0) {
		arena_reset(a);
		rc = tell_page(s, &t, a, &n, err);
		*told_out += rc == RC_OK ? n : 0;
	}
	if (t.file)
		io_close(t.file);
	if (dir)
		io_dir_close(dir);
	buf_free(&t.text);
	arena_free(a);
	return rc;
}
