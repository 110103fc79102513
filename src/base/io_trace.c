/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/queue.h"

/* A file or directory of the recorded run. The kernel gives inode numbers out
 * again after an unlink, so each creation gets an id of its own. */
struct node_id {
	uint64_t ino;
	uint32_t id;
};

struct event {
	enum io_op op;
	uint32_t dir, file; /* ids */
	uint64_t at;        /* WRITE: offset, TRUNCATE: size, MARK: what */
	char *name, *to;
	char *bytes;
	size_t n;
};

struct io_trace {
	struct queue *turn; /* one item: who holds it may touch the rest */
	struct event *event;
	size_t events, event_room;
	struct node_id *node; /* by ino; last one counts */
	size_t nodes, node_room;
	uint32_t next_id;
	uint64_t calls, op_calls[IO_OPS], fail_at;
	bool fail_by_op; /* fail_at counts calls of fail_op only */
	int fail_code;
	enum io_op fail_op;
	bool fail_sticky, fail_done;
	uint64_t steps, fail_step;
	uint64_t free_bytes;
};

/* The one thing that is shared by all: tests switch it, the program never does. */
_Atomic(struct io_trace *) io_trace_on;

static struct io_trace *enter(void)
{
	struct io_trace *t = atomic_load(&io_trace_on);
	if (t)
		(void)queue_take(t->turn);
	return t;
}

static void leave(struct io_trace *t)
{
	(void)queue_put(t->turn, t);
}

static uint32_t id_of(struct io_trace *t, uint64_t ino)
{
	for (size_t i = t->nodes; i-- > 0;)
		if (t->node[i].ino == ino)
			return t->node[i].id;
	return 0; /* outside of the recorded directory */
}

static uint32_t new_id(struct io_trace *t, uint64_t ino)
{
	if (t->nodes == t->node_room) {
		t->node_room = t->node_room ? 2 * t->node_room : 64;
		t->node = x_grow(t->node, t->node_room, sizeof(*t->node));
	}
	t->node[t->nodes++] = (struct node_id){ .ino = ino, .id = ++t->next_id };
	return t->next_id;
}

static struct event *new_event(struct io_trace *t, enum io_op op)
{
	if (t->events == t->event_room) {
		t->event_room = t->event_room ? 2 * t->event_room : 256;
		t->event = x_grow(t->event, t->event_room, sizeof(*t->event));
	}
	struct event *e = &t->event[t->events++];
	*e = (struct event){ .op = op };
	return e;
}

int io_trace_fault(enum io_op op)
{
	struct io_trace *t = enter();
	if (!t)
		return 0;
	int code = 0;
	t->calls++;
	t->op_calls[op]++;
	bool now = t->fail_at && (t->fail_by_op ? op == t->fail_op && t->op_calls[op] == t->fail_at
						: t->calls == t->fail_at);
	if (now) {
		t->fail_done = true;
		t->fail_op = op;
	}
	if (now || (t->fail_done && t->fail_sticky && op == t->fail_op))
		code = t->fail_code;
	leave(t);
	return code;
}

bool io_trace_step(const char *statement)
{
	static const char *const apart[] = { "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE" };
	for (size_t i = 0; i < COUNT_OF(apart); i++)
		if (!strncmp(statement, apart[i], strlen(apart[i])))
			return true;
	struct io_trace *t = enter();
	if (!t)
		return true;
	bool now = ++t->steps == t->fail_step;
	t->fail_done |= now;
	leave(t);
	return !now;
}

uint64_t io_trace_ino(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

uint64_t io_trace_ino_of_path(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

void io_trace_data(enum io_op op, uint64_t ino, uint64_t at, str bytes)
{
	struct io_trace *t = enter();
	if (!t)
		return;
	uint32_t id = id_of(t, ino);
	if (id) {
		struct event *e = new_event(t, op);
		e->file = id;
		e->at = at;
		e->n = bytes.n;
		if (bytes.n) {
			e->bytes = x_alloc(bytes.n);
			memcpy(e->bytes, bytes.p, bytes.n);
		}
	}
	leave(t);
}

void io_trace_name(enum io_op op, uint64_t dir, const char *name, const char *to, uint64_t ino)
{
	struct io_trace *t = enter();
	if (!t)
		return;
	uint32_t dir_id = id_of(t, dir);
	if (dir_id) {
		uint32_t id = op == IO_OP_CREATE || op == IO_OP_MKDIR ? new_id(t, ino) : 0;
		struct event *e = new_event(t, op);
		e->dir = dir_id;
		e->file = id;
		e->name = x_strdup(name);
		e->to = to ? x_strdup(to) : NULL;
	}
	leave(t);
}

uint64_t io_trace_free_bytes(uint64_t real)
{
	struct io_trace *t = enter();
	if (!t)
		return real;
	uint64_t bytes = t->free_bytes == UINT64_MAX ? real : t->free_bytes;
	leave(t);
	return bytes;
}

/* --- for tests --- */

struct io_trace *io_trace_begin(const char *root)
{
	struct io_trace *t = x_alloc(sizeof(*t));
	t->turn = queue_new(1);
	t->free_bytes = UINT64_MAX;
	leave(t);
	(void)new_id(t, io_trace_ino_of_path(root));
	atomic_store(&io_trace_on, t);
	return t;
}

void io_trace_stop(struct io_trace *t)
{
	struct io_trace *on = t;
	atomic_compare_exchange_strong(&io_trace_on, &on, NULL);
}

void io_trace_free(struct io_trace *t)
{
	if (!t)
		return;
	io_trace_stop(t);
	for (size_t i = 0; i < t->events; i++) {
		free(t->event[i].name);
		free(t->event[i].to);
		free(t->event[i].bytes);
	}
	free(t->event);
	free(t->node);
	queue_free(t->turn);
	free(t);
}

void io_trace_fail(struct io_trace *t, uint64_t n, int code, bool sticky)
{
	(void)queue_take(t->turn);
	t->fail_at = n ? t->calls + n : 0;
	t->fail_by_op = false;
	t->fail_code = code;
	t->fail_sticky = sticky;
	t->fail_done = false;
	leave(t);
}

void io_trace_fail_step(struct io_trace *t, uint64_t n)
{
	(void)queue_take(t->turn);
	t->steps = 0;
	t->fail_step = n;
	t->fail_done = false;
	leave(t);
}

void io_trace_fail_op(struct io_trace *t, enum io_op op, uint64_t n, int code)
{
	(void)queue_take(t->turn);
	t->fail_at = t->op_calls[op] + n;
	t->fail_by_op = true;
	t->fail_op = op;
	t->fail_code = code;
	t->fail_sticky = false;
	t->fail_done = false;
	leave(t);
}

bool io_trace_failed(const struct io_trace *t)
{
	(void)queue_take(t->turn);
	bool done = t->fail_done;
	(void)queue_put(t->turn, t->turn);
	return done;
}

uint64_t io_trace_calls(const struct io_trace *t)
{
	return t->calls;
}

void io_trace_pretend_free(struct io_trace *t, uint64_t bytes)
{
	(void)queue_take(t->turn);
	t->free_bytes = bytes;
	leave(t);
}

size_t io_trace_events(const struct io_trace *t)
{
	return t->events;
}

void io_trace_mark(struct io_trace *t, uint64_t what)
{
	(void)queue_take(t->turn);
	new_event(t, IO_OP_MARK)->at = what;
	leave(t);
}

size_t io_trace_marks(const struct io_trace *t, size_t n, uint64_t *highest_out)
{
	size_t marks = 0;
	*highest_out = 0;
	for (size_t i = 0; i < n && i < t->events; i++) {
		if (t->event[i].op != IO_OP_MARK)
			continue;
		marks++;
		if (t->event[i].at > *highest_out)
			*highest_out = t->event[i].at;
	}
	return marks;
}

/* --- after the power cut --- */

/* What one event did in the rebuilt world. */
enum fate { LOST, WHOLE, PART };

struct dice {
	uint64_t state;
};

static uint64_t roll(struct dice *d, uint64_t sides)
{
	d->state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = d->state;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % sides;
}

static bool is_data(enum io_op op)
{
	return op == IO_OP_WRITE || op == IO_OP_TRUNCATE;
}

static bool is_name(enum io_op op)
{
	return op == IO_OP_CREATE || op == IO_OP_MKDIR || op == IO_OP_RENAME || op == IO_OP_UNLINK;
}

static enum fate fate_of(enum io_cut how, bool is_last_write, struct dice *dice)
{
	switch (how) {
	case IO_CUT_DROP:
		return LOST;
	case IO_CUT_KEEP:
		return WHOLE;
	case IO_CUT_TORN:
		return is_last_write ? PART : WHOLE;
	case IO_CUT_REORDER:
		return (enum fate[]){ LOST, WHOLE, WHOLE, PART }[roll(dice, 4)];
	case IO_CUTS:
		break;
	}
	return WHOLE;
}

/* Decides for each of the first n events what became of it: synced ones are
 * whole. Names of one directory are lost from some event on, as a journalling
 * file system would lose them; bytes in any order. */
static void decide(const struct io_trace *t, size_t n, enum io_cut how, struct dice *dice,
		   enum fate *fate)
{
	bool *synced = x_array(t->next_id + 1, sizeof(bool));
	bool *names_lost = x_array(t->next_id + 1, sizeof(bool));
	bool *kept = x_array(n + 1, sizeof(bool));
	size_t last = n;
	for (size_t i = n; i-- > 0;) {
		const struct event *e = &t->event[i];
		if (e->op == IO_OP_SYNC || e->op == IO_OP_DIRSYNC)
			synced[e->file] = true;
		if (is_data(e->op))
			kept[i] = synced[e->file];
		if (is_name(e->op))
			kept[i] = synced[e->dir];
		if (e->op == IO_OP_WRITE && last == n)
			last = i;
	}
	for (size_t i = 0; i < n; i++) {
		const struct event *e = &t->event[i];
		fate[i] = WHOLE;
		if (kept[i])
			continue;
		if (is_data(e->op))
			fate[i] = fate_of(how, i == last, dice);
		if (is_name(e->op)) {
			enum fate f = fate_of(how, false, dice);
			names_lost[e->dir] |= f == LOST;
			fate[i] = names_lost[e->dir] ? LOST : WHOLE;
		}
	}
	free(synced);
	free(names_lost);
	free(kept);
}

/* A name in the rebuilt directory tree. */
struct entry {
	uint32_t dir, file;
	bool is_dir;
	const char *name;
};

struct world {
	struct entry *entry;
	size_t entries, room;
};

static struct entry *find_entry(struct world *w, uint32_t dir, const char *name)
{
	for (size_t i = 0; i < w->entries; i++)
		if (w->entry[i].dir == dir && strcmp(w->entry[i].name, name) == 0)
			return &w->entry[i];
	return NULL;
}

static void drop_entry(struct world *w, uint32_t dir, const char *name)
{
	struct entry *e = find_entry(w, dir, name);
	if (e)
		*e = w->entry[--w->entries];
}

static void apply_name(struct world *w, const struct event *e)
{
	struct entry *old;
	switch (e->op) {
	case IO_OP_CREATE:
	case IO_OP_MKDIR:
		drop_entry(w, e->dir, e->name);
		if (w->entries == w->room) {
			w->room = w->room ? 2 * w->room : 64;
			w->entry = x_grow(w->entry, w->room, sizeof(*w->entry));
		}
		w->entry[w->entries++] = (struct entry){ .dir = e->dir,
							 .file = e->file,
							 .is_dir = e->op == IO_OP_MKDIR,
							 .name = e->name };
		break;
	case IO_OP_RENAME:
		drop_entry(w, e->dir, e->to);
		old = find_entry(w, e->dir, e->name);
		if (old)
			old->name = e->to;
		break;
	case IO_OP_UNLINK:
		drop_entry(w, e->dir, e->name);
		break;
	case IO_OP_OPEN:
	case IO_OP_READ:
	case IO_OP_WRITE:
	case IO_OP_TRUNCATE:
	case IO_OP_SYNC:
	case IO_OP_DIRSYNC:
	case IO_OP_MARK:
	case IO_OPS:
		break;
	}
}

static bool put_bytes(int fd, const struct event *e, enum fate fate, struct dice *dice)
{
	if (fate == LOST)
		return true;
	if (e->op == IO_OP_TRUNCATE)
		return ftruncate(fd, (off_t)e->at) == 0;
	size_t n = e->n;
	if (fate == PART && n)
		n = (size_t)roll(dice, n);
	return pwrite(fd, e->bytes, n, (off_t)e->at) == (ssize_t)n;
}

static enum rc make_file(const struct io_trace *t, size_t n, const enum fate *fate,
			 struct dice *dice, uint32_t file, const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(err, errno, "cannot make '%s'", path);
	bool ok = true;
	for (size_t i = 0; i < n && ok; i++)
		if (t->event[i].file == file && is_data(t->event[i].op))
			ok = put_bytes(fd, &t->event[i], fate[i], dice);
	close(fd);
	return ok ? RC_OK : fail_errno(err, errno, "cannot write '%s'", path);
}

/* Directories stand at most one below the root: one pass for each level. */
static enum rc make_dir_files(const struct io_trace *t, size_t n, const enum fate *fate,
			      struct dice *dice, struct world *w, uint32_t dir, const char *path,
			      struct err *err)
{
	char inside[600];
	enum rc rc = RC_OK;
	for (size_t i = 0; i < w->entries && rc == RC_OK; i++) {
		if (w->entry[i].dir != dir)
			continue;
		snprintf(inside, sizeof(inside), "%s/%s", path, w->entry[i].name);
		if (!w->entry[i].is_dir)
			rc = make_file(t, n, fate, dice, w->entry[i].file, inside, err);
		else if (mkdir(inside, 0700) != 0)
			rc = fail_errno(err, errno, "cannot make '%s'", inside);
	}
	return rc;
}

enum rc io_trace_rebuild(const struct io_trace *t, size_t n, enum io_cut how, uint64_t seed,
			 const char *path, struct err *err)
{
	struct dice dice = { .state = seed };
	struct world w = { 0 };
	if (n > t->events)
		n = t->events;
	enum fate *fate = x_array(n + 1, sizeof(*fate));
	decide(t, n, how, &dice, fate);
	for (size_t i = 0; i < n; i++)
		if (is_name(t->event[i].op) && fate[i] != LOST)
			apply_name(&w, &t->event[i]);
	enum rc rc = RC_OK;
	if (mkdir(path, 0700) != 0)
		rc = fail_errno(err, errno, "cannot make '%s'", path);
	if (rc == RC_OK)
		rc = make_dir_files(t, n, fate, &dice, &w, 1, path, err);
	for (size_t i = 0; i < w.entries && rc == RC_OK; i++) {
		char inside[600];
		if (!w.entry[i].is_dir || w.entry[i].dir != 1)
			continue;
		snprintf(inside, sizeof(inside), "%s/%s", path, w.entry[i].name);
		rc = make_dir_files(t, n, fate, &dice, &w, w.entry[i].file, inside, err);
	}
	free(fate);
	free(w.entry);
	return rc;
}
