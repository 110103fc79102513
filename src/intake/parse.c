/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/parse.h"

#include <stdatomic.h>

#include "intake/unpack.h"

/* A record of RECORD_MAX with its CR LF fits, and no more. */
#define WINDOW_MAX (RECORD_MAX + 2)
#define WINDOW_STEP KIB(256)
#define REJECT_HEAD KIB(64)

struct driver {
	const struct intake_job *job;
	const struct intake_io *io;
	struct batch *b;
	struct intake_result *out;
	struct unpack *u;

	char *window;         /* what stands at start..end is not parsed yet */
	size_t window_bytes;  /* grows to WINDOW_MAX for the rare record that is large */
	size_t start, end;
	uint64_t offset;      /* of window[start], all entries together */
	uint32_t line;        /* of window[start], in this entry */
	bool ended;           /* the entry has no more bytes than the window */
	struct err broken;    /* rc != RC_OK: why the entry ended too early */

	const struct intake_format *format;
	struct intake_hints hints;
	struct parse p;
	uint64_t inputs;      /* numbered so far */
	uint64_t records;     /* since the last give */
	uint64_t given;       /* next_offset of the last give, or of the run before */
	bool live;            /* past what an earlier run has done */
	bool claimed;         /* some entry has a format */
	bool unclaimed;       /* some entry has none */
	bool stopped;
};

static str window_of(const struct driver *d)
{
	return str_mem(d->window + d->start, d->end - d->start);
}

static void stop(struct driver *d, enum rc rc, const char *words)
{
	d->stopped = true;
	if (d->out->rc != RC_OK)
		return;
	d->out->rc = rc;
	(void)snprintf(d->out->words, sizeof(d->out->words), "%.*s",
		       (int)sizeof(d->out->words) - 1, words);
}

/* --- who watches from outside --- */

/* Relaxed: a watcher sees that the tick moves, and reads the rest when we are dead. */
static void tell(const struct driver *d, enum intake_stage stage)
{
	struct intake_progress *p = d->job->progress;
	if (!p)
		return;
	uint64_t tick = atomic_load_explicit(&p->tick, memory_order_relaxed);
	atomic_store_explicit(&p->stage, stage, memory_order_relaxed);
	atomic_store_explicit(&p->offset, d->offset, memory_order_relaxed);
	atomic_store_explicit(&p->input, d->inputs + 1, memory_order_relaxed);
	atomic_store_explicit(&p->tick, tick + 1, memory_order_relaxed);
}

static const struct intake_skip *skip_here(const struct driver *d)
{
	for (size_t i = 0; i < d->job->skips; i++)
		if (d->job->skip[i].offset == d->offset)
			return &d->job->skip[i];
	return NULL;
}

/* --- bytes --- */

static void read_failed(struct driver *d, const struct err *err)
{
	d->ended = true;
	if (err->rc == RC_IO)
		stop(d, RC_IO, err->text);
	else
		d->broken = *err;
}

/* More bytes into the window. What is there already is doubled at least, so that a record that
 * is framed again and again costs twice its length and not its square. */
static void fill(struct driver *d)
{
	size_t have = d->end - d->start;
	size_t target = have < WINDOW_STEP / 2 ? WINDOW_STEP : 2 * have;
	if (target > WINDOW_MAX)
		target = WINDOW_MAX;
	if (target > d->window_bytes) {
		d->window_bytes = target;
		d->window = x_grow(d->window, target, 1);
	}
	if (d->start) {
		memmove(d->window, d->window + d->start, have);
		d->start = 0;
		d->end = have;
	}
	while (!d->ended && d->end < target) {
		struct err err = { 0 };
		size_t n = 0;
		tell(d, STAGE_UNPACK);
		if (unpack_read(d->u, d->window + d->end, target - d->end, &n, &err) != RC_OK)
			read_failed(d, &err);
		else if (n == 0)
			d->ended = true;
		d->end += n;
		d->out->unpacked_bytes += n;
	}
}

static void consume(struct driver *d, size_t n)
{
	d->start += n;
	d->offset += n;
}

/* The rest of the entry, unread. */
static void drain(struct driver *d)
{
	consume(d, d->end - d->start);
	while (!d->ended) {
		fill(d);
		consume(d, d->end - d->start);
	}
}

static void count_lines(struct driver *d, str bytes)
{
	uint64_t lines = d->line;
	for (str rest = bytes; rest.n; lines++) {
		const char *at = memchr(rest.p, '\n', rest.n);
		if (!at)
			break;
		rest = str_from(rest, (size_t)(at + 1 - rest.p));
	}
	d->line = lines < UINT32_MAX ? (uint32_t)lines : UINT32_MAX;
}

/* --- batches --- */

static void give(struct driver *d)
{
	d->b->c.next_offset = d->offset;
	d->b->c.next_input = d->inputs;
	if (!d->io->give(d->io->ctx, d->b))
		stop(d, RC_IO, "nobody takes the events any more");
	batch_reset(d->b);
	d->records = 0;
	d->given = d->offset;
}

/* Before a record: is there room for all that it may become? */
static void make_room(struct driver *d)
{
	uint32_t most = d->job->records_a_batch;
	if (batch_full(d->b) || (most && d->records >= most))
		give(d);
}

/* --- records --- */

static bool done_before(const struct driver *d, size_t bytes)
{
	if (d->live)
		return false;
	if (d->offset < d->job->resume_offset)
		return true;
	/* What takes no bytes (an entry that cannot be opened) is known by its number. */
	return bytes == 0 && d->inputs < d->job->resume_input;
}

static void go_live(struct driver *d)
{
	if (!d->live)
		d->inputs = d->job->resume_input;
	d->live = true;
}

static void begin_record(struct driver *d, str bytes, bool unended)
{
	d->p.unended = unended;
	d->p.bytes = bytes;
	d->p.offset = d->offset;
	d->p.line = d->line;
	d->p.input = d->inputs + 1;
	d->p.header = d->p.told = false;
}

/* An input that is quarantined without asking a format: takes `n` bytes of the window, of which
 * `bytes` are shown. */
static void reject_unread(struct driver *d, enum reject reason, str bytes, size_t n,
			  const char *words)
{
	if (!done_before(d, n)) {
		go_live(d);
		make_room(d);
		if (d->stopped)
			return;
		begin_record(d, bytes, false);
		d->b->c.inputs++;
		parse_reject(&d->p, reason, "%s", words);
		d->records++;
	}
	d->inputs++;
	consume(d, n);
}

static void check_text(struct parse *p)
{
	if (p->bytes.n > RECORD_MAX)
		parse_reject(p, REJECT_LIMIT, "the record is longer than 4 MiB");
	else if (!str_is_utf8(p->bytes))
		parse_reject(p, REJECT_TEXT, "the record is no UTF-8 text");
	else if (p->bytes.n && memchr(p->bytes.p, 0, p->bytes.n))
		parse_reject(p, REJECT_TEXT, "the record has a NUL inside");
}

static void live_record(struct driver *d, str bytes, bool unended)
{
	go_live(d);
	make_room(d);
	if (d->stopped)
		return;
	struct batch *b = d->b;
	begin_record(d, bytes, unended);
	uint32_t rows = b->c.rows;
	check_text(&d->p);
	if (!d->p.told)
		d->format->record(&d->p);
	if (d->p.header)
		return;
	d->inputs++;
	d->records++;
	b->c.inputs++;
	if (!d->p.told && b->c.rows == rows)
		parse_reject(&d->p, REJECT_SYNTAX, "the format made nothing of it");
}

/* What an earlier run has done: only a header is looked at again. */
static void past_record(struct driver *d, str bytes, bool unended)
{
	begin_record(d, bytes, unended);
	if (d->format->wants_header && d->format->wants_header(&d->p)) {
		check_text(&d->p);
		if (!d->p.told)
			d->format->record(&d->p);
		batch_reset(d->b);
	}
	d->inputs += !d->p.header;
}

static str without_line_end(str s)
{
	if (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

/* It killed parsers before: nobody reads it again. */
static void deadly_record(struct driver *d, const struct intake_skip *skip, str whole)
{
	reject_unread(d, (enum reject)skip->reason, without_line_end(whole), whole.n,
		      skip->reason == REJECT_TIMEOUT ? "the record took too long, twice" :
						       "the parser died of the record, twice");
	if (!d->stopped)
		count_lines(d, whole);
}

static void one_record(struct driver *d, size_t n)
{
	str whole = str_head(window_of(d), n), bytes = without_line_end(whole);
	const struct intake_skip *skip = skip_here(d);
	if (skip) {
		deadly_record(d, skip, whole);
		return;
	}
	tell(d, STAGE_RECORD);
	bool unended = bytes.n == whole.n;
	if (done_before(d, n))
		past_record(d, bytes, unended);
	else
		live_record(d, bytes, unended);
	if (d->stopped)
		return;
	count_lines(d, whole);
	consume(d, n);
	arena_reset(d->p.record);
}

/* The window is full and holds no whole record. Its first line pays for that, and the feed goes
 * on behind it. */
static void too_long(struct driver *d)
{
	static const char words[] = "no end of the record within 4 MiB";
	str w = window_of(d);
	size_t line = str_index(w, '\n');
	if (line < w.n) {
		reject_unread(d, REJECT_LIMIT, without_line_end(str_head(w, line)), line + 1, words);
		d->line += d->line < UINT32_MAX;
		return;
	}
	/* Not even a line: quarantine its head, and pass over the rest. */
	uint64_t from = d->offset;
	reject_unread(d, REJECT_LIMIT, str_head(w, REJECT_HEAD), w.n, words);
	bool found = false;
	while (!d->stopped && !found && !(d->ended && d->start == d->end)) {
		if (d->start == d->end)
			fill(d);
		w = window_of(d);
		line = str_index(w, '\n');
		found = line < w.n;
		consume(d, found ? line + 1 : w.n);
	}
	d->line += d->line < UINT32_MAX;
	uint64_t bytes = d->offset - from;
	struct rejected *r = d->b->c.rejects ? &d->b->reject[d->b->c.rejects - 1] : NULL;
	if (r && r->input == d->inputs)
		r->raw_bytes = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

/* 0: no whole record in `w`. */
static size_t frame(const struct driver *d, str w, bool last)
{
	const struct intake_skip *skip = skip_here(d);
	if (d->format->frame && !(skip && skip->line))
		return d->format->frame(w, last);
	size_t line = str_index(w, '\n');
	return line < w.n ? line + 1 : last ? w.n : 0;
}

/* Length of the next whole record, 0 at the end of the entry; reads on as needed. */
static size_t next_record(struct driver *d)
{
	while (!d->stopped) {
		str w = window_of(d);
		bool last = d->ended && d->broken.rc == RC_OK;
		tell(d, STAGE_FRAME);
		size_t n = w.n ? frame(d, w, last) : 0;
		if (n)
			return n < w.n ? n : w.n;
		if (d->ended)
			return last ? w.n : 0;
		if (w.n >= WINDOW_MAX)
			too_long(d);
		else
			fill(d);
	}
	return 0;
}

/* --- entries --- */

static bool choose_format(struct driver *d)
{
	if (d->job->format.n && !str_eq(d->job->format, STR("auto"))) {
		d->format = intake_format_find(d->job->format);
		if (!d->format)
			stop(d, RC_INPUT, "there is no such format");
		return d->format;
	}
	struct intake_sample s = { .head = str_head(window_of(d), KIB(64)), .hints = &d->hints };
	s.whole = d->ended && s.head.n == d->end - d->start;
	d->format = intake_format_guess(&s);
	d->unclaimed |= !d->format;
	return d->format;
}

static bool open_entry(struct driver *d, str name)
{
	arena_reset(d->p.report);
	arena_reset(d->p.record);
	d->hints = d->job->hints;
	if (name.n)
		d->hints.file_name = arena_str(d->p.report, name);
	d->p.state = NULL;
	d->line = 1;
	d->start = d->end = 0;
	d->ended = false;
	d->broken = (struct err){ 0 };
	fill(d);
	if (str_starts(window_of(d), STR("\xef\xbb\xbf")))
		consume(d, 3);
	return !d->stopped && d->start < d->end;
}

static void refuse_entry(struct driver *d, enum reject reason, const char *words)
{
	size_t n = d->end - d->start;
	reject_unread(d, reason, str_head(window_of(d), REJECT_HEAD), n, words);
	drain(d);
}

static void say_format(struct driver *d)
{
	d->claimed = true;
	if (!d->out->format[0])
		(void)snprintf(d->out->format, sizeof(d->out->format), "%s", d->format->name);
	struct err err = { 0 };
	if (d->format->open && d->format->open(&d->p, &err) != RC_OK)
		stop(d, RC_INPUT, err.text);
}

static void say_type(struct driver *d)
{
	d->out->unknown_type |= d->p.unknown_type;
	if (!d->out->type[0])
		memcpy(d->out->type, d->p.type, sizeof(d->out->type));
	d->p.unknown_type = false;
	d->p.type[0] = '\0';
}

static void parse_entry(struct driver *d)
{
	if (unpack_packing(d->u)[0] && unpack_is_packed(window_of(d))) {
		refuse_entry(d, REJECT_PACKING, "packed twice: what is inside was not opened");
		d->claimed = true;
	} else if (!choose_format(d)) {
		if (!d->stopped)
			refuse_entry(d, REJECT_FORMAT, "no format claims these bytes");
	} else {
		say_format(d);
		for (size_t n; !d->stopped && (n = next_record(d)) > 0;)
			one_record(d, n);
		say_type(d);
	}
}

/* The packing gave up: what was cut off at the end is one input, with the reason. */
static void broken_entry(struct driver *d)
{
	size_t n = d->end - d->start;
	reject_unread(d, REJECT_PACKING, window_of(d), n, d->broken.text);
	d->claimed = true;
}

static void parse_report(struct driver *d)
{
	while (!d->stopped) {
		str name = STR_NONE;
		struct err err = { 0 };
		enum rc rc = unpack_entry(d->u, &name, &err);
		if (rc == RC_ABSENT)
			break;
		if (rc != RC_OK) {
			d->start = d->end = 0;
			read_failed(d, &err);
		} else {
			d->out->entries++;
			if (open_entry(d, name))
				parse_entry(d);
		}
		if (!d->stopped && d->broken.rc != RC_OK)
			broken_entry(d);
	}
	if ((d->b->c.inputs || d->offset > d->given) && d->out->rc != RC_IO)
		give(d);
	if (d->unclaimed && !d->claimed)
		stop(d, RC_INPUT, "no format claims these bytes");
}

static long read_packed(void *ctx, void *to, size_t n)
{
	struct driver *d = ctx;
	return d->io->read(d->io->ctx, to, n);
}

void intake_parse(const struct intake_job *job, const struct intake_io *io, struct batch *b,
		  struct intake_result *out)
{
	*out = (struct intake_result){ .rc = RC_OK };
	struct driver d = { .job = job, .io = io, .b = b, .out = out, .given = job->resume_offset };
	d.window_bytes = WINDOW_STEP;
	d.window = x_alloc(d.window_bytes);
	d.u = unpack_new(read_packed, &d, job->packed_bytes);
	d.p = (struct parse){ .batch = b, .hints = &d.hints };
	d.p.report = arena_new(KIB(64));
	d.p.record = arena_new(KIB(64));
	batch_reset(b);
	parse_report(&d);
	(void)snprintf(out->packing, sizeof(out->packing), "%s", unpack_packing(d.u));
	arena_free(d.p.report);
	arena_free(d.p.record);
	unpack_free(d.u);
	free(d.window);
}
