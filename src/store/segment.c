/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_private.h"

#include "base/arena.h"

/* docs/format.md describes both heads to the byte. */
static const char file_magic[8] = { 'R', 'O', 'N', 'D', 'A', 'S', 'E', 'G' };
static const char frame_magic[4] = { 'r', 'f', 'r', 'm' };
enum { FORMAT_VERSION = 1, OPEN_FILES = 8 };

/* A file the writer appends to. */
struct open_segment {
	enum segment which;
	int32_t day;
	uint32_t number;
	struct io_file *file;
	uint64_t end;        /* where the next frame goes */
	uint64_t saved;      /* how far main.db names it */
	uint64_t job_mark;   /* `end` before the job under way */
	uint64_t group_mark; /* `end` before the group, or behind what must stay */
	bool fresh;          /* made, its name not yet synced */
	uint64_t used;
};

struct segments {
	struct store *s;
	struct open_segment *open;
	size_t n, room;
	uint64_t uses;
	struct buf frame;
};

/* --- names --- */

struct io_dir *segment_dir(struct store *s, enum segment which)
{
	return which == SEGMENT_RAW    ? s->raw :
	       which == SEGMENT_EVENTS ? s->events :
					 s->findings;
}

const char *segment_file_name(int32_t day, uint32_t number, char text[SEGMENT_NAME])
{
	char date[16];
	time_day_str(date, (int64_t)day * DAY_US);
	if (number == 0)
		snprintf(text, SEGMENT_NAME, "%s.seg", date);
	else
		snprintf(text, SEGMENT_NAME, "%s.%u.seg", date, (unsigned)number);
	return text;
}

bool segment_parse_name(const char *name, int32_t *day_out, uint32_t *number_out)
{
	str left = str_of(name);
	if (!str_ends(left, STR(".seg")))
		return false;
	left.n -= 4;
	str date = str_cut(&left, '.');
	int64_t us;
	uint32_t number = 0;
	char again[SEGMENT_NAME];
	if (date.n != 10 || !time_parse(date, true, &us))
		return false;
	if (left.n && !str_to_u32(left, &number))
		return false;
	*day_out = time_day(us);
	*number_out = number;
	/* only the one way we write it ourselves */
	return strcmp(segment_file_name(*day_out, number, again), name) == 0;
}

/* --- frames --- */

void frame_build(struct buf *out, enum segment which, str payload)
{
	buf_reset(out);
	buf_add_mem(out, frame_magic, sizeof(frame_magic));
	buf_char(out, FORMAT_VERSION);
	buf_char(out, (char)(which + 1));
	buf_le16(out, 0);
	buf_le32(out, (uint32_t)payload.n);
	buf_le32(out, crc32_more(crc32_of(buf_str(out)), payload));
	buf_add(out, payload);
}

static enum rc frame_check(str frame, enum segment which, struct err *err)
{
	struct wire w = wire_of(frame);
	str magic = wire_bytes(&w, sizeof(frame_magic));
	uint8_t version = wire_u8(&w), kind = wire_u8(&w);
	(void)wire_le16(&w);
	uint32_t n = wire_le32(&w), crc = wire_le32(&w);
	if (w.bad || !str_eq(magic, str_mem(frame_magic, sizeof(frame_magic))))
		return fail(err, RC_INPUT, "no frame stands here");
	if (version != FORMAT_VERSION)
		return fail(err, RC_INPUT, "the frame has unknown version %u", version);
	if (kind != which + 1 || n != frame.n - FRAME_HEAD)
		return fail(err, RC_INPUT, "the frame is another than main.db says");
	if (crc32_more(crc32_of(str_head(frame, 12)), str_from(frame, FRAME_HEAD)) != crc)
		return fail(err, RC_INPUT, "the checksum of the frame is wrong");
	return RC_OK;
}

enum rc frame_size(struct io_file *f, uint64_t at, uint32_t *out, struct err *err)
{
	char head[FRAME_HEAD];
	enum rc rc = io_read_at(f, at, head, sizeof(head), err);
	struct wire w = wire_of(str_mem(head, sizeof(head)));
	*out = 0;
	if (rc != RC_OK)
		return rc;
	if (!str_eq(wire_bytes(&w, 4), str_mem(frame_magic, 4)))
		return fail(err, RC_INPUT, "no frame stands here");
	(void)wire_le32(&w);
	uint32_t n = wire_le32(&w);
	if (n > FRAME_MAX)
		return fail(err, RC_INPUT, "a frame cannot have %u bytes", (unsigned)n);
	*out = n + FRAME_HEAD;
	return RC_OK;
}

enum rc frame_read(struct io_file *f, enum segment which, const struct place *at, struct buf *out,
		   struct err *err)
{
	if (at->bytes < FRAME_HEAD || at->bytes > FRAME_MAX + FRAME_HEAD)
		return fail(err, RC_INPUT, "a frame cannot have %u bytes", (unsigned)at->bytes);
	char *to = buf_room(out, at->bytes);
	if (!to)
		return fail(err, RC_LIMIT, "a frame of %u bytes is over the limit here",
			    (unsigned)at->bytes);
	enum rc rc = io_read_at(f, at->offset, to, at->bytes, err);
	if (rc == RC_OK)
		rc = frame_check(str_mem(to, at->bytes), which, err);
	if (rc != RC_OK)
		return rc;
	size_t n = at->bytes - FRAME_HEAD;
	memmove(to, to + FRAME_HEAD, n);
	to[n] = '\0';
	out->n += n;
	return RC_OK;
}

/* --- the writer's files --- */

struct segments *segments_new(struct store *s)
{
	struct segments *g = x_alloc(sizeof(*g));
	g->s = s;
	g->frame = (struct buf)BUF_INIT(FRAME_MAX + FRAME_HEAD + 1);
	return g;
}

void segments_free(struct segments *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++)
		io_close(g->open[i].file);
	free(g->open);
	buf_free(&g->frame);
	free(g);
}

static bool is_dirty(const struct open_segment *o)
{
	return o->fresh || o->end > o->saved;
}

static struct open_segment *find_open(struct segments *g, enum segment which, int32_t day)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->open[i].which == which && g->open[i].day == day)
			return &g->open[i];
	return NULL;
}

static void close_at(struct segments *g, size_t i)
{
	io_close(g->open[i].file);
	g->open[i] = g->open[--g->n];
}

bool segments_close(struct segments *g, enum segment which, int32_t day, uint32_t number)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct open_segment *o = &g->open[i];
		if (o->which != which || o->day != day || o->number != number)
			continue;
		if (is_dirty(o))
			return false;
		close_at(g, i);
		return true;
	}
	return true;
}

/* Room for one more; the one longest unused goes, unless it waits for a sync. */
static struct open_segment *new_open(struct segments *g)
{
	size_t oldest = g->n;
	for (size_t i = 0; i < g->n; i++)
		if (!is_dirty(&g->open[i]) &&
		    (oldest == g->n || g->open[i].used < g->open[oldest].used))
			oldest = i;
	if (g->n >= OPEN_FILES && oldest < g->n)
		close_at(g, oldest);
	if (g->n == g->room) {
		g->room = g->room ? 2 * g->room : OPEN_FILES;
		g->open = x_grow(g->open, g->room, sizeof(*g->open));
	}
	return &g->open[g->n];
}

void segment_build_head(struct buf *out, enum segment which, int32_t day)
{
	buf_add_mem(out, file_magic, sizeof(file_magic));
	buf_le16(out, FORMAT_VERSION);
	buf_le16(out, (uint16_t)(which + 1));
	buf_le32(out, (uint32_t)day);
}

enum rc segment_check_head(struct io_file *f, enum segment which, int32_t day, struct err *err)
{
	char is[SEGMENT_HEAD];
	struct buf head = BUF_INIT(64);
	segment_build_head(&head, which, day);
	enum rc rc = io_read_at(f, 0, is, sizeof(is), err);
	if (rc == RC_OK && !str_eq(str_mem(is, sizeof(is)), buf_str(&head)))
		rc = fail(err, RC_INPUT, "the file does not begin as a segment of that day");
	buf_free(&head);
	return rc;
}

/* A new file, or one left over that nothing names. */
static enum rc make_file(struct open_segment *o, struct io_dir *dir, const char *name,
			 struct err *err)
{
	struct buf head = BUF_INIT(64);
	segment_build_head(&head, o->which, o->day);
	enum rc rc = io_open(dir, name, IO_WRITE | IO_CREATE, &o->file, err);
	if (rc == RC_OK) {
		rc = io_truncate(o->file, 0, err);
		if (rc == RC_OK)
			rc = io_write_at(o->file, 0, buf_str(&head), err);
		if (rc != RC_OK)
			io_close(o->file);
	}
	buf_free(&head);
	o->fresh = true;
	o->end = SEGMENT_HEAD;
	return rc;
}

/* The newest file of that day; *bytes_out < 0: none that may be used. */
static enum rc newest(struct conn *c, enum segment which, int32_t day, uint32_t *number_out,
		      int64_t *bytes_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT number, bytes FROM segment WHERE kind = ? AND day = ?"
			       " ORDER BY number DESC LIMIT 1");
	sql_int(q, 1, which);
	sql_int(q, 2, day);
	*number_out = 0;
	*bytes_out = -1;
	if (sql_row(q)) {
		*bytes_out = sql_col_int(q, 1);
		*number_out = (uint32_t)sql_col_int(q, 0) + (*bytes_out < 0);
	}
	return sql_end(q, err);
}

static enum rc open_number(struct segments *g, enum segment which, int32_t day, uint32_t number,
			   int64_t bytes, struct open_segment **out, struct err *err)
{
	char name[SEGMENT_NAME];
	segment_file_name(day, number, name);
	struct open_segment *o = new_open(g);
	*o = (struct open_segment){ .which = which, .day = day, .number = number };
	enum rc rc;
	if (bytes < 0) {
		rc = make_file(o, segment_dir(g->s, which), name, err);
	} else {
		rc = io_open(segment_dir(g->s, which), name, IO_WRITE, &o->file, err);
		o->end = o->saved = (uint64_t)bytes;
	}
	if (rc != RC_OK)
		return rc;
	o->job_mark = o->group_mark = o->end;
	g->n++;
	*out = o;
	return RC_OK;
}

static enum rc segment_of_day(struct segments *g, struct conn *c, enum segment which, int32_t day,
			      struct open_segment **out, struct err *err)
{
	*out = find_open(g, which, day);
	if (*out)
		return RC_OK;
	uint32_t number;
	int64_t bytes;
	enum rc rc = newest(c, which, day, &number, &bytes, err);
	if (rc == RC_OK)
		rc = open_number(g, which, day, number, bytes, out, err);
	return rc;
}

enum rc segments_start_new(struct segments *g, struct conn *c, enum segment which, int32_t day,
			   struct err *err)
{
	uint32_t number;
	int64_t bytes;
	struct open_segment *o = find_open(g, which, day);
	if (o && is_dirty(o))
		return fail(err, RC_BUSY, "a report of that day is coming in: forget it later");
	enum rc rc = newest(c, which, day, &number, &bytes, err);
	if (rc != RC_OK)
		return rc;
	if (bytes >= 0)
		number++;
	if (o && o->number >= number)
		number = o->number + 1;
	if (o)
		close_at(g, (size_t)(o - g->open));
	return open_number(g, which, day, number, -1, &o, err);
}

enum rc segments_append(struct segments *g, struct conn *c, enum segment which, int32_t day,
			str payload, struct place *out, struct err *err)
{
	if (payload.n > FRAME_MAX)
		return fail(err, RC_LIMIT, "a frame of %zu bytes is over the limit", payload.n);
	struct open_segment *o;
	enum rc rc = segment_of_day(g, c, which, day, &o, err);
	if (rc != RC_OK)
		return rc;
	frame_build(&g->frame, which, payload);
	rc = io_write_at(o->file, o->end, buf_str(&g->frame), err);
	if (rc != RC_OK)
		return rc;
	*out = (struct place){
		.day = day, .number = o->number, .offset = o->end, .bytes = (uint32_t)g->frame.n
	};
	o->end += g->frame.n;
	o->used = ++g->uses;
	if (g->frame.size > MIB(1))
		buf_free(&g->frame);
	return RC_OK;
}

/* --- jobs and groups --- */

void segments_mark(struct segments *g)
{
	for (size_t i = 0; i < g->n; i++)
		g->open[i].job_mark = g->open[i].end;
}

void segments_back(struct segments *g)
{
	for (size_t i = 0; i < g->n; i++)
		g->open[i].end = g->open[i].job_mark;
}

void segments_group_mark(struct segments *g)
{
	for (size_t i = 0; i < g->n; i++)
		g->open[i].group_mark = g->open[i].end;
}

void segments_group_back(struct segments *g)
{
	for (size_t i = 0; i < g->n; i++)
		g->open[i].end = g->open[i].group_mark;
}

enum rc segments_save(struct segments *g, struct conn *c, struct err *err)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct open_segment *o = &g->open[i];
		if (!is_dirty(o))
			continue;
		struct sql *q =
			sql(c, "INSERT INTO segment (kind, day, number, bytes) VALUES (?, ?, ?, ?)"
			       " ON CONFLICT DO UPDATE SET bytes = excluded.bytes");
		sql_int(q, 1, o->which);
		sql_int(q, 2, o->day);
		sql_int(q, 3, o->number);
		sql_int(q, 4, (int64_t)o->end);
		enum rc rc = sql_run(q, err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

enum rc segments_sync(struct segments *g, struct err *err)
{
	bool names[SEGMENT_KINDS] = { false };
	enum rc rc = RC_OK;
	for (size_t i = 0; i < g->n && rc == RC_OK; i++) {
		if (!is_dirty(&g->open[i]))
			continue;
		rc = io_sync(g->open[i].file, err);
		names[g->open[i].which] |= g->open[i].fresh;
	}
	for (unsigned k = 0; k < SEGMENT_KINDS && rc == RC_OK; k++)
		if (names[k])
			rc = io_dir_sync(segment_dir(g->s, (enum segment)k), err);
	return rc;
}

void segments_named(struct segments *g)
{
	for (size_t i = 0; i < g->n; i++) {
		g->open[i].saved = g->open[i].end;
		g->open[i].fresh = false;
	}
}

bool segments_dirty(const struct segments *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (is_dirty(&g->open[i]))
			return true;
	return false;
}

/* --- at start --- */

struct trim {
	struct arena *a;
	char **name;
	size_t n, room;
};

static bool collect(void *ctx, const char *name)
{
	struct trim *t = ctx;
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 256;
		t->name = x_grow(t->name, t->room, sizeof(*t->name));
	}
	t->name[t->n++] = arena_z(t->a, str_of(name));
	return true;
}

/* How far main.db names the file; -1: not at all. */
static enum rc named_bytes(struct conn *c, enum segment which, int32_t day, uint32_t number,
			   int64_t *out, struct err *err)
{
	struct sql *q =
		sql(c, "SELECT bytes FROM segment WHERE kind = ? AND day = ? AND number = ?");
	sql_int(q, 1, which);
	sql_int(q, 2, day);
	sql_int(q, 3, number);
	*out = sql_row(q) ? sql_col_int(q, 0) : -1;
	return sql_end(q, err);
}

static enum rc trim_file(struct store *s, struct io_dir *dir, const char *name, uint64_t bytes,
			 struct err *err)
{
	struct io_file *f;
	uint64_t size = 0;
	enum rc rc = io_open(dir, name, IO_WRITE, &f, err);
	if (rc != RC_OK)
		return rc;
	rc = io_size(f, &size, err);
	if (rc == RC_OK && size > bytes)
		rc = io_truncate(f, bytes, err);
	else if (rc == RC_OK && size < bytes)
		log_error(s->log, "a segment is shorter than main.db says, run ronda verify",
			  L_Z("file", name), L_UINT("bytes", size), L_UINT("named", bytes));
	io_close(f);
	return rc;
}

static enum rc trim_kind(struct store *s, struct conn *c, enum segment which, struct trim *t,
			 struct err *err)
{
	struct io_dir *dir = segment_dir(s, which);
	enum rc rc = io_dir_each(dir, collect, t, err);
	for (size_t i = 0; i < t->n && rc == RC_OK; i++) {
		int32_t day;
		uint32_t number;
		int64_t bytes;
		if (!segment_parse_name(t->name[i], &day, &number))
			continue; /* not ours: repeats keeps files of its own, people leave notes */
		rc = named_bytes(c, which, day, number, &bytes, err);
		if (rc == RC_OK && bytes < 0)
			rc = io_unlink(dir, t->name[i], err);
		else if (rc == RC_OK)
			rc = trim_file(s, dir, t->name[i], (uint64_t)bytes, err);
	}
	return rc;
}

/* At a start nobody reads an old view: numbers of old days need not be kept. */
static enum rc forget_numbers(struct conn *c, struct err *err)
{
	struct sql *q = sql(c, "DELETE FROM segment WHERE bytes < 0 AND day < ?");
	sql_int(q, 1, time_day(clock_now_us()) - 1);
	return sql_run(q, err);
}

enum rc segments_trim(struct store *s, struct conn *c, struct err *err)
{
	enum rc rc = forget_numbers(c, err);
	for (unsigned k = 0; k < SEGMENT_KINDS && rc == RC_OK; k++) {
		struct trim t = { .a = arena_new(KIB(16)) };
		rc = trim_kind(s, c, (enum segment)k, &t, err);
		free(t.name);
		arena_free(t.a);
	}
	return rc;
}
