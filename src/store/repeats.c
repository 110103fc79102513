/* SPDX-License-Identifier: Apache-2.0 */
#include "store/repeats_private.h"

#include <stdlib.h>

#include "base/clock.h"

enum {
	HEADS = 1 << 15,       /* of the map of what is under way */
	AHEAD = 16,            /* rows between a prefetch and its use */
	MERGE_ROWS = 1 << 18,  /* of the log make a tag file */
	WAIT_US = 3000000      /* longest wait for another report's batch */
};

/* How a batch under way ended, for those that repeat its rows. Shared. */
struct outcome {
	atomic_uint holders;
	atomic_int end;             /* 0 under way, 1 stored, -1 not stored */
	atomic_uint_fast64_t seq;   /* first_seq, once its job ran */
	int64_t serial;
	int64_t report;
	struct gate *with_writer;   /* opens when its job ran, or it ended */
};

struct pending {
	struct pending *next;
	struct hash128 hash;
	struct repeat_key key;
	struct repeats_ticket *of;
};

struct repeats_ticket {
	struct repeats *p;
	uint32_t class;
	struct outcome *outcome;
	struct pending *pending; /* rows that are no repeats */
	uint32_t rows;
	struct outcome **waits;  /* whose rows this one repeats */
	size_t wait_count, wait_room;
	int64_t at_us;           /* of the commit */
};

void turn_take(struct queue *q)
{
	(void)!queue_take(q);
}

void turn_give(struct queue *q)
{
	static char token;
	(void)!queue_put(q, &token);
}

static struct queue *turn_new(void)
{
	struct queue *q = queue_new(1);
	turn_give(q);
	return q;
}

/* --- opening --- */

struct refill {
	struct repeats *p;
	uint64_t first;
};

static void refill_row(void *ctx, const struct log_row *row, const struct repeat_key *keys)
{
	struct refill *r = ctx;
	if (!r->first)
		r->first = row->first_seq;
	for (uint32_t i = 0; i < row->rows; i++) {
		if (!repeat_table_room(r->p->table)) {
			uint64_t drops = repeat_table_drops(r->p->table);
			repeat_table_rotate(r->p->table);
			if (drops >= r->first)
				r->first = drops + 1;
		}
		repeat_table_add(r->p->table, &keys[i], (uint32_t)row->report, row->first_seq + i,
				 row->at_us);
	}
}

/* A log longer than the table (memory was cut since) goes into files first. */
static enum rc shorten_log(struct repeats *p, struct err *err)
{
	bool did = true;
	for (;;) {
		struct reader *r;
		int64_t rows = 0;
		enum rc rc = store_read_begin(p->store, &r, err);
		if (rc)
			return rc;
		struct sql *q = sql(reader_conn(r), "SELECT total(rows) FROM repeat_log");
		if (sql_row(q))
			rows = (int64_t)sql_col_real(q, 0);
		rc = sql_end(q, err);
		store_read_end(r);
		if (rc || !did || (uint64_t)rows <= repeat_table_capacity(p->table))
			return rc;
		rc = files_merge(p, &did, err);
		if (rc)
			return rc;
	}
}

static enum rc refill(struct repeats *p, struct err *err)
{
	struct refill fill = { .p = p };
	struct reader *r;
	uint64_t last = 0;
	enum rc rc = shorten_log(p, err);
	if (!rc)
		rc = store_read_begin(p->store, &r, err);
	if (rc)
		return rc;
	rc = log_read(reader_conn(r), SIZE_MAX, refill_row, &fill, err);
	if (!rc)
		rc = events_last_seq(r, &last, err);
	store_read_end(r);
	p->from_seq = fill.first ? fill.first : last + 1;
	p->merged_seq = p->from_seq - 1;
	return rc;
}

enum rc repeats_open(struct store *s, size_t memory_bytes, int64_t window_us,
		     struct repeats **out, struct err *err)
{
	struct repeats *p = x_alloc(sizeof(*p));
	*p = (struct repeats){ .store = s, .window_us = window_us > 0 ? window_us : 1,
			       .cache_bytes = memory_bytes / 4 };
	p->turn = turn_new();
	p->merge = turn_new();
	p->table = repeat_table_new(memory_bytes - p->cache_bytes, p->window_us);
	p->head = x_array(HEADS, sizeof(struct pending *));
	p->serial = random_u64() >> 2;
	size_t half = repeat_table_capacity(p->table) / 2;
	p->merge_rows = half < MERGE_ROWS ? half : MERGE_ROWS;
	enum rc rc = io_dir_sub(store_dir(s), "repeats", !store_read_only(s), &p->dir, err);
	if (rc == RC_OK)
		rc = files_load(p, err);
	if (rc == RC_OK)
		rc = refill(p, err);
	if (rc) {
		repeats_close(p);
		return rc;
	}
	store_add_tend(s, repeats_tend, p);
	*out = p;
	return RC_OK;
}

void repeats_close(struct repeats *p)
{
	if (!p)
		return;
	files_free(p);
	if (p->dir)
		io_dir_close(p->dir);
	repeat_table_free(p->table);
	queue_free(p->turn);
	queue_free(p->merge);
	free(p->head);
	free(p);
}

/* --- keys --- */

static int32_t hour_of(const struct batch *b, const struct row *r)
{
	const struct cell *c = batch_find(b, r, FIELD_TIME_SOURCE);
	return c && c->kind == CELL_TIME ? (int32_t)(c->i / HOUR_US) : 0;
}

/* The tag is bound to class and hour: the table need not hold them. */
static struct repeat_key key_of(uint32_t class, int32_t hour, const struct hash128 *h)
{
	struct repeat_key k = { .part = (uint64_t)class << 32 | (uint32_t)hour,
				.check = (uint16_t)h->lo };
	uint64_t bind = k.part;
	bind ^= bind >> 32;
	bind *= UINT64_C(0xd6e8feb86659fd93);
	bind ^= bind >> 32;
	bind *= UINT64_C(0xd6e8feb86659fd93);
	k.tag = h->hi ^ bind;
	k.tag += k.tag == 0;
	return k;
}

/* --- under way --- */

static struct pending **pending_head(struct repeats *p, const struct hash128 *h)
{
	return &p->head[h->hi % HEADS];
}

static struct pending *pending_find(struct repeats *p, uint32_t class, const struct hash128 *h)
{
	for (struct pending *at = *pending_head(p, h); at; at = at->next)
		if (at->hash.hi == h->hi && at->hash.lo == h->lo && at->of->class == class)
			return at;
	return NULL;
}

static void outcome_let_go(struct outcome *o)
{
	if (atomic_fetch_sub(&o->holders, 1) != 1)
		return;
	gate_free(o->with_writer);
	free(o);
}

static void wait_on(struct repeats_ticket *t, struct outcome *o)
{
	for (size_t i = 0; i < t->wait_count; i++)
		if (t->waits[i] == o)
			return;
	if (t->wait_count == t->wait_room) {
		t->wait_room = t->wait_room ? 2 * t->wait_room : 4;
		t->waits = x_grow(t->waits, t->wait_room, sizeof(struct outcome *));
	}
	atomic_fetch_add(&o->holders, 1);
	t->waits[t->wait_count++] = o;
}

/* --- room --- */

/* Room for n entries. What rotating drops must stand in tag files first; so when
 * the background is behind, whoever fills the table does its work. */
static void make_room(struct repeats *p, size_t n)
{
	while (repeat_table_room(p->table) < n || repeat_table_stale(p->table, clock_now_us())) {
		uint64_t drops = repeat_table_drops(p->table);
		if (drops > p->merged_seq) {
			bool did = false;
			turn_give(p->turn);
			enum rc rc = files_merge(p, &did, NULL);
			turn_take(p->turn);
			if ((rc || !did) && drops > p->merged_seq)
				return; /* the disk is in trouble: nothing can be added now */
			continue;
		}
		repeat_table_rotate(p->table);
		if (drops >= p->from_seq)
			p->from_seq = drops + 1;
	}
}

/* --- probing --- */

/* Reports that were undone, asked for at the first hit. */
struct undone {
	struct repeats *p;
	bool loaded;
	enum rc rc;
	struct err err;
	uint32_t *report;
	size_t n, room;
};

static void undone_load(struct undone *u)
{
	struct reader *r;
	u->loaded = true;
	u->rc = store_read_begin(u->p->store, &r, &u->err);
	if (u->rc)
		return;
	struct sql *q = sql(reader_conn(r), "SELECT id FROM report WHERE state = 4");
	while (sql_row(q)) {
		if (u->n == u->room) {
			u->room = u->room ? 2 * u->room : 16;
			u->report = x_grow(u->report, u->room, sizeof(*u->report));
		}
		u->report[u->n++] = (uint32_t)sql_col_int(q, 0);
	}
	u->rc = sql_end(q, &u->err);
	store_read_end(r);
}

static bool counts(void *ctx, uint32_t report)
{
	struct undone *u = ctx;
	if (!u->loaded)
		undone_load(u);
	for (size_t i = 0; i < u->n; i++)
		if (u->report[i] == report)
			return false;
	return true;
}

struct probe {
	struct repeats *p;
	const struct batch *b;
	const struct hash128 *hash;
	bool *is_repeat;
	int64_t now_us;
	struct undone undone;
	struct repeat_key key[BATCH_ROWS];
	struct file_query ask[BATCH_ROWS];
};

static void ask_memory(struct probe *a)
{
	uint32_t n = a->b->c.rows;
	for (uint32_t i = 0; i < n; i++) {
		if (i == 0)
			for (uint32_t k = 0; k < AHEAD && k < n; k++)
				repeat_table_prefetch(a->p->table, &a->key[k]);
		if (i + AHEAD < n)
			repeat_table_prefetch(a->p->table, &a->key[i + AHEAD]);
		a->is_repeat[i] = repeat_table_has(a->p->table, &a->key[i], a->now_us, counts,
						   &a->undone);
	}
}

static int by_key(const void *x, const void *y)
{
	const struct file_query *a = x, *b = y;
	return repeat_key_cmp(a->key, b->key);
}

static enum rc ask_files(struct probe *a, struct err *err)
{
	size_t n = 0;
	for (uint32_t i = 0; i < a->b->c.rows; i++)
		if (!a->is_repeat[i])
			a->ask[n++] = (struct file_query){ &a->key[i], &a->is_repeat[i] };
	if (!n || !a->p->files)
		return RC_OK;
	qsort(a->ask, n, sizeof(a->ask[0]), by_key);
	return files_ask(a->p, a->ask, n, a->now_us, counts, &a->undone, err);
}

/* What is neither in memory nor in files may be under way; else it is now. */
static void ask_pending(struct probe *a, struct repeats_ticket *t)
{
	for (uint32_t i = 0; i < a->b->c.rows; i++) {
		if (a->is_repeat[i])
			continue;
		struct pending *have = pending_find(a->p, t->class, &a->hash[i]);
		if (have) {
			a->is_repeat[i] = true;
			if (have->of != t)
				wait_on(t, have->of->outcome);
			continue;
		}
		struct pending **head = pending_head(a->p, &a->hash[i]);
		struct pending *mine = &t->pending[t->rows++];
		*mine = (struct pending){ .next = *head, .hash = a->hash[i], .key = a->key[i],
					  .of = t };
		*head = mine;
	}
}

/* Batches of one report go to the writer in their order. Another report's batch
 * must have gone there before this one does; it never waits for this one. */
static void wait_for_others(const struct repeats_ticket *t)
{
	int64_t until = clock_mono_us() + WAIT_US;
	for (size_t i = 0; i < t->wait_count; i++) {
		int64_t left = until - clock_mono_us();
		if (t->waits[i]->report != t->outcome->report)
			gate_wait_for(t->waits[i]->with_writer, left > 0 ? left : 0);
	}
}

static struct repeats_ticket *ticket_new(struct repeats *p, uint32_t class, int64_t report,
					 uint32_t rows)
{
	struct repeats_ticket *t = x_alloc(sizeof(*t));
	t->p = p;
	t->class = class;
	t->pending = x_array(rows, sizeof(*t->pending));
	t->outcome = x_alloc(sizeof(*t->outcome));
	t->outcome->report = report;
	t->outcome->with_writer = gate_new();
	atomic_init(&t->outcome->holders, 1);
	return t;
}

enum rc repeats_probe(struct repeats *p, uint32_t report_class, int64_t report,
		      const struct batch *b, const struct hash128 *hashes, bool *is_repeat,
		      struct repeats_ticket **out, struct err *err)
{
	struct repeats_ticket *t = ticket_new(p, report_class, report, b->c.rows);
	struct probe *a = x_alloc(sizeof(*a));
	a->p = a->undone.p = p;
	a->b = b;
	a->hash = hashes;
	a->is_repeat = is_repeat;
	a->now_us = clock_now_us();
	for (uint32_t i = 0; i < b->c.rows; i++)
		a->key[i] = key_of(report_class, hour_of(b, &b->row[i]), &hashes[i]);
	turn_take(p->turn);
	make_room(p, 0);
	t->outcome->serial = (int64_t)++p->serial;
	ask_memory(a);
	enum rc rc = ask_files(a, err);
	if (!rc && a->undone.rc) {
		rc = a->undone.rc;
		if (err)
			*err = a->undone.err;
	}
	if (!rc)
		ask_pending(a, t);
	turn_give(p->turn);
	free(a->undone.report);
	free(a);
	if (rc) {
		repeats_end(t, false);
		return rc;
	}
	wait_for_others(t);
	*out = t;
	return RC_OK;
}

uint32_t repeats_new_rows(const struct repeats_ticket *t)
{
	return t->rows;
}

/* --- committing --- */

/* What this batch repeats must be on disk, or in this very transaction. */
static enum rc check_stored(struct tx *tx, const struct outcome *o, struct err *err)
{
	if (atomic_load(&o->end) > 0)
		return RC_OK;
	bool stored = false;
	struct sql *q = sql(tx_conn(tx), "SELECT ticket FROM repeat_log WHERE first_seq = ?");
	sql_int(q, 1, (int64_t)atomic_load(&o->seq));
	if (sql_row(q))
		stored = sql_col_int(q, 0) == o->serial;
	enum rc rc = sql_end(q, err);
	if (!rc && !stored)
		rc = fail(err, RC_CONFLICT, "what a batch repeats was not stored");
	return rc;
}

static enum rc log_add(struct tx *tx, const struct repeats_ticket *t, uint64_t first_seq,
		       struct err *err)
{
	struct buf body = BUF_INIT(MIB(1));
	struct repeat_key *keys = x_array(t->rows, sizeof(*keys));
	for (uint32_t i = 0; i < t->rows; i++)
		keys[i] = t->pending[i].key;
	log_body(&body, t->class, keys, t->rows);
	struct sql *q = sql(tx_conn(tx), "INSERT INTO repeat_log (first_seq, rows, report, ticket,"
					 " at_us, body) VALUES (?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, (int64_t)first_seq);
	sql_int(q, 2, t->rows);
	sql_int(q, 3, t->outcome->report);
	sql_int(q, 4, t->outcome->serial);
	sql_int(q, 5, t->at_us);
	sql_blob(q, 6, buf_str(&body));
	enum rc rc = sql_run(q, err);
	free(keys);
	buf_free(&body);
	return rc;
}

enum rc repeats_commit(struct tx *tx, struct repeats_ticket *t, uint64_t first_seq, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < t->wait_count && !rc; i++)
		rc = check_stored(tx, t->waits[i], err);
	t->at_us = tx_now_us(tx);
	if (!rc && t->rows)
		rc = log_add(tx, t, first_seq, err);
	atomic_store(&t->outcome->seq, first_seq);
	gate_open(t->outcome->with_writer);
	return rc;
}

/* --- ending --- */

static void pending_remove(struct repeats_ticket *t)
{
	for (uint32_t i = 0; i < t->rows; i++) {
		struct pending **at = pending_head(t->p, &t->pending[i].hash);
		while (*at != &t->pending[i])
			at = &(*at)->next;
		*at = t->pending[i].next;
	}
}

static void remember(struct repeats_ticket *t)
{
	struct repeats *p = t->p;
	uint64_t first = atomic_load(&t->outcome->seq);
	make_room(p, t->rows);
	if (repeat_table_room(p->table) < t->rows) {
		/* they stand in the log; files that come of it must then be asked */
		if (p->from_seq <= first + t->rows)
			p->from_seq = first + t->rows;
		return;
	}
	for (uint32_t i = 0; i < t->rows; i++)
		repeat_table_add(p->table, &t->pending[i].key, (uint32_t)t->outcome->report,
				 first + i, t->at_us);
}

void repeats_end(struct repeats_ticket *t, bool committed)
{
	if (!t)
		return;
	turn_take(t->p->turn);
	if (committed && t->rows)
		remember(t);
	atomic_store(&t->outcome->end, committed ? 1 : -1);
	pending_remove(t);
	turn_give(t->p->turn);
	gate_open(t->outcome->with_writer);
	for (size_t i = 0; i < t->wait_count; i++)
		outcome_let_go(t->waits[i]);
	outcome_let_go(t->outcome);
	free(t->waits);
	free(t->pending);
	free(t);
}
