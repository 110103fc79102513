/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/child.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/queue.h"
#include "intake/child_private.h"
#include "intake/watch.h"
#include "intake/wire.h"

enum {
	HELLO_MS = 10000,
	DEATHS_MOST = 20,         /* a report that kills so many is refused */
	BREACHES_MOST = 2,
	BACK_OFF_MS = 50,         /* longest wait before a new child */
	EARNED_A_RECORD_US = 1000 /* of CPU, on top of watch.h's allowance */
};
#define AREA_KEPT MIB(1) /* used pages of the area above this go back after a report */

struct slot { /* one child; whoever took it from the queue has it alone */
	struct child child;
	struct parser_area *area; /* NULL: no child */
	char feed[256];
};

struct parser_pool {
	struct starter *starter;
	struct log *log;
	const char *helper;
	unsigned most;
	struct slot *slots;
	struct queue *free_slots;
	atomic_flag told_landlock;
};

enum outcome { RUN_ON, RUN_DONE, RUN_CRASH, RUN_TIMEOUT, RUN_BREACH, RUN_STOPPED };

struct place {
	uint32_t stage;
	uint64_t offset;
};

struct run { /* one report */
	struct parser_pool *pool;
	struct slot *slot;
	struct intake_job job;    /* with what was skipped and done so far */
	const struct parser_io *io;
	struct intake_result *out;
	struct err *err;
	struct err breach;
	struct watch watch;
	str mapping;              /* not sent yet */
	uint64_t sent, freed;     /* slots of the area */
	bool ended;
	size_t used;              /* most bytes of a batch in the area */
	struct intake_skip skip[INTAKE_SKIPS];
	unsigned deaths, breaches;
	struct place died_at;
	unsigned died_here;
	char packet[PARSER_MESSAGE_MAX];
	unsigned char piece[PARSER_SLOT_BYTES];
};

/* --- the pool --- */

enum rc parser_pool_of(struct starter *starter, struct log *log, unsigned most, const char *helper,
		       struct parser_pool **out, struct err *err)
{
	if (most == 0)
		return fail(err, RC_INPUT, "a pool needs at least one parser");
	struct parser_pool *p = x_alloc(sizeof(*p));
	p->starter = starter;
	p->log = log;
	p->helper = helper;
	p->most = most;
	p->slots = x_array(most, sizeof(*p->slots));
	p->free_slots = queue_new(most);
	atomic_flag_clear(&p->told_landlock);
	for (unsigned i = 0; i < most; i++) {
		p->slots[i].child = CHILD_NONE;
		(void)queue_put(p->free_slots, &p->slots[i]);
	}
	*out = p;
	return RC_OK;
}

enum rc parser_pool_new(struct starter *starter, struct log *log, unsigned most,
			struct parser_pool **out, struct err *err)
{
	return parser_pool_of(starter, log, most, "parser", out, err);
}

static struct child_end slot_end(struct parser_pool *p, struct slot *s, int wait_ms)
{
	s->area = NULL;
	s->feed[0] = '\0';
	return starter_end_wait(p->starter, &s->child, wait_ms);
}

void parser_pool_free(struct parser_pool *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->most; i++)
		(void)slot_end(p, &p->slots[i], 0);
	queue_free(p->free_slots);
	free(p->slots);
	free(p);
}

pid_t parser_pool_pid(const struct parser_pool *p, unsigned i)
{
	return i < p->most && p->slots[i].area ? p->slots[i].child.pid : 0;
}

static bool serves(const struct slot *s, str feed)
{
	return s->area && str_eq(str_of(s->feed), feed);
}

/* A free slot, waiting for one; if it can be the one whose child has this feed already. */
static struct slot *slot_take(struct parser_pool *p, str feed)
{
	for (unsigned i = 0; i < p->most; i++) {
		struct slot *s = queue_take_for(p->free_slots, 0);
		if (!s)
			break;
		if (serves(s, feed))
			return s;
		(void)queue_put(p->free_slots, s);
	}
	return queue_take(p->free_slots);
}

static enum rc hear_hello(struct parser_pool *p, const struct child *c, struct err *err)
{
	char packet[PARSER_MESSAGE_MAX];
	struct message m;
	struct pollfd poll_for = { .fd = c->socket, .events = POLLIN };
	int ready;
	do
		ready = poll(&poll_for, 1, HELLO_MS);
	while (ready < 0 && errno == EINTR);
	if (ready <= 0 || message_take(c->socket, packet, &m, NULL) != RC_OK ||
	    m.kind != MESSAGE_HELLO)
		return fail(err, RC_BUSY, "the parser does not start");
	if (!m.hello.caged)
		return fail(err, RC_BUSY, "the parser cannot lock itself in: %s", m.hello.words);
	if (!m.hello.landlock && !atomic_flag_test_and_set(&p->told_landlock))
		log_warn(p->log, "this kernel has no Landlock: parsers are held by seccomp alone");
	return RC_OK;
}

/* A caged child that has met no other feed. */
static enum rc slot_ready(struct parser_pool *p, struct slot *s, str feed, struct err *err)
{
	struct pollfd gone = { .fd = s->child.socket };
	if (serves(s, feed) && poll(&gone, 1, 0) == 0)
		return RC_OK;
	(void)slot_end(p, s, 0);
	struct child c = CHILD_NONE;
	struct err why = { 0 };
	if (starter_spawn(p->starter, p->helper, parser_area_bytes(), &c, &why) != RC_OK)
		return fail(err, RC_BUSY, "%s", why.text);
	enum rc rc = hear_hello(p, &c, err);
	if (rc != RC_OK) {
		starter_end(p->starter, &c);
		return rc;
	}
	s->child = c;
	s->area = c.area;
	(void)str_to_z(feed, s->feed, sizeof(s->feed));
	return RC_OK;
}

/* Pages of big batches and of the input go back to the system; the child is idle now. */
static void slot_trim(struct slot *s, size_t used)
{
	if (used > AREA_KEPT)
		(void)madvise(s->child.area, s->child.area_bytes, MADV_REMOVE);
}

/* --- to the child --- */

static enum outcome say(struct run *r, const struct message *m)
{
	return message_send(r->slot->child.socket, m) ? RUN_ON : RUN_CRASH;
}

/* The next bytes into a slot: first the mapping's, then the report's. <0: stop. `read` gets
 * memory of our own: what it unpacks to it may also read again. */
static long fill_slot(struct run *r, unsigned char *to)
{
	if (r->mapping.n) {
		str head = str_head(r->mapping, PARSER_SLOT_BYTES);
		memcpy(to, head.p, head.n);
		r->mapping = str_from(r->mapping, head.n);
		return (long)head.n;
	}
	long n = r->io->read(r->io->ctx, r->piece, sizeof(r->piece));
	if (n > 0 && n <= PARSER_SLOT_BYTES)
		memcpy(to, r->piece, (size_t)n);
	return n;
}

/* Never blocks on the child: its socket holds far more packets than there are slots. */
static enum outcome feed_slots(struct run *r)
{
	enum outcome o = RUN_ON;
	while (o == RUN_ON && !r->ended && r->sent - r->freed < PARSER_SLOTS) {
		long n = fill_slot(r, r->slot->area->slot[r->sent % PARSER_SLOTS]);
		if (n < 0 || n > PARSER_SLOT_BYTES) {
			(void)fail(r->err, RC_IO, "the bytes of the report cannot be read");
			return RUN_STOPPED;
		}
		if (n == 0) {
			r->ended = true;
			o = say(r, &(struct message){ .kind = MESSAGE_END });
		} else {
			r->sent++;
			o = say(r, &(struct message){ .kind = MESSAGE_DATA,
						      .data_bytes = (uint32_t)n });
		}
	}
	return o;
}

static enum outcome begin(struct run *r)
{
	struct message m = { .kind = MESSAGE_JOB };
	m.job.job = r->job;
	m.job.mapping_bytes = (uint32_t)r->job.hints.mapping.n;
	r->mapping = r->job.hints.mapping;
	r->sent = r->freed = 0;
	r->ended = false;
	atomic_store_explicit(&r->slot->area->progress.stage, STAGE_IDLE, memory_order_relaxed);
	watch_begin(&r->watch, r->slot->child.pid, &r->slot->area->progress);
	return say(r, &m);
}

/* --- from the child --- */

static enum outcome breach(struct run *r, const char *words)
{
	(void)fail(&r->breach, RC_INPUT, "%s", words);
	return RUN_BREACH;
}

/* What a batch alone cannot show: does it go on where the last one ended? */
static bool follows(const struct run *r, const struct batch *b)
{
	const struct intake_job *j = &r->job;
	if (b->c.next_offset < j->resume_offset || b->c.next_input < j->resume_input ||
	    b->c.inputs != b->c.next_input - j->resume_input)
		return false;
	if (b->c.rows && (b->row[0].input <= j->resume_input ||
			  b->row[0].raw_offset < j->resume_offset ||
			  b->row[b->c.rows - 1].input > b->c.next_input ||
			  b->row[b->c.rows - 1].raw_offset > b->c.next_offset))
		return false;
	return !b->c.rejects || (b->reject[0].input > j->resume_input &&
				 b->reject[b->c.rejects - 1].input <= b->c.next_input);
}

static enum outcome stopped(struct run *r)
{
	(void)fail(r->err, RC_IO, "the events of the report cannot be taken");
	return RUN_STOPPED;
}

static enum outcome take_batch(struct run *r, const struct batch_counts *counts)
{
	struct batch *copy = r->io->room(r->io->ctx);
	if (!copy)
		return stopped(r);
	struct err err = { 0 };
	if (batch_copy_checked(copy, r->slot->area->batch, counts, &err) != RC_OK)
		return breach(r, err.text);
	if (!follows(r, copy)) {
		batch_reset(copy);
		return breach(r, "a batch that does not follow the last one");
	}
	size_t used = counts->text + counts->cells * sizeof(struct cell);
	r->used = used > r->used ? used : r->used;
	/* The child may go on: what it writes now is the next batch. */
	enum outcome o = say(r, &(struct message){ .kind = MESSAGE_GO });
	watch_sign(&r->watch, (int64_t)copy->c.inputs * EARNED_A_RECORD_US);
	uint64_t next_offset = copy->c.next_offset, next_input = copy->c.next_input;
	if (!r->io->give(r->io->ctx, copy))
		return stopped(r);
	r->job.resume_offset = next_offset;
	r->job.resume_input = next_input;
	return o;
}

static enum outcome take_need(struct run *r)
{
	if (r->freed == r->sent)
		return breach(r, "more asked for than was there");
	r->freed++;
	watch_sign(&r->watch, 0);
	return RUN_ON;
}

static enum outcome take_result(struct run *r, const struct intake_result *result)
{
	/* RC_IO is what a child says that was told to stop: we never do. */
	if (result->rc == RC_IO)
		return breach(r, "stopped without being told");
	*r->out = *result;
	return RUN_DONE;
}

static enum outcome take_message(struct run *r)
{
	struct message m;
	struct err err = { 0 };
	enum rc rc = message_take(r->slot->child.socket, r->packet, &m, &err);
	if (rc == RC_ABSENT)
		return RUN_CRASH;
	if (rc != RC_OK)
		return breach(r, err.text);
	switch (m.kind) {
	case MESSAGE_NEED: return take_need(r);
	case MESSAGE_BATCH: return take_batch(r, &m.counts);
	case MESSAGE_RESULT: return take_result(r, &m.result);
	case MESSAGE_HELLO:
	case MESSAGE_JOB:
	case MESSAGE_DATA:
	case MESSAGE_END:
	case MESSAGE_GO:
	case MESSAGE_STOP: break;
	}
	return breach(r, "a message that is not the child's to send");
}

/* One child, from the job to its result or its end. */
static enum outcome converse(struct run *r)
{
	enum outcome o = begin(r);
	while (o == RUN_ON) {
		o = feed_slots(r);
		struct pollfd p = { .fd = r->slot->child.socket, .events = POLLIN };
		if (o == RUN_ON && poll(&p, 1, WATCH_TICK_MS) > 0)
			o = take_message(r);
		if (o == RUN_ON && watch_over(&r->watch))
			o = RUN_TIMEOUT;
	}
	return o;
}

/* --- when a child did not come to the end --- */

static void refuse(struct run *r, const char *why, const char *rule)
{
	*r->out = (struct intake_result){ .rc = RC_INPUT };
	(void)snprintf(r->out->words, sizeof(r->out->words), "the parser %s%.*s", why,
		       (int)sizeof(r->out->words) - 40, rule);
}

/* The second death at one place: that record is not tried again. False: nothing can be skipped. */
static bool skip_record(struct run *r, enum outcome o)
{
	const struct place *p = &r->died_at;
	if ((p->stage != STAGE_FRAME && p->stage != STAGE_RECORD) || r->job.skips == INTAKE_SKIPS)
		return false;
	for (size_t i = 0; i < r->job.skips; i++)
		if (r->skip[i].offset == p->offset)
			return false;
	r->skip[r->job.skips++] = (struct intake_skip){
		.offset = p->offset,
		.reason = o == RUN_TIMEOUT ? REJECT_TIMEOUT : REJECT_CRASH,
		.line = p->stage == STAGE_FRAME,
	};
	r->died_here = 0;
	return true;
}

/* False: the report is refused. */
static bool judge(struct run *r, enum outcome o, struct place now)
{
	r->deaths++;
	r->breaches += o == RUN_BREACH;
	bool same = now.stage == r->died_at.stage && now.offset == r->died_at.offset;
	r->died_here = same ? r->died_here + 1 : 1;
	r->died_at = now;
	if (r->breaches >= BREACHES_MOST) {
		refuse(r, "broke its rules: ", r->breach.text);
		return false;
	}
	if (o != RUN_BREACH && r->died_here >= 2 && !skip_record(r, o)) {
		refuse(r, o == RUN_TIMEOUT ? "took too long" : "died", ", twice at one place");
		return false;
	}
	if (r->deaths >= DEATHS_MOST)
		refuse(r, "died too often", "");
	return r->deaths < DEATHS_MOST;
}

static const char *word_of(enum outcome o)
{
	return o == RUN_TIMEOUT ? "timeout" : o == RUN_BREACH ? "breach" : "crash";
}

static struct place bury(struct run *r, enum outcome o)
{
	const struct intake_progress *p = &r->slot->area->progress;
	struct place at = { atomic_load(&p->stage), atomic_load(&p->offset) };
	/* One that died has said so to the starter, or will at once. */
	struct child_end end = slot_end(r->pool, r->slot, o == RUN_CRASH ? 1000 : 0);
	log_warn(r->pool->log, "parser child ended", L_Z("why", word_of(o)),
		 L_STR("feed", r->job.hints.feed), L_INT("signal", end.signal),
		 L_INT("exit", end.code), L_UINT("stage", at.stage), L_UINT("offset", at.offset),
		 L_Z("rule", o == RUN_BREACH ? r->breach.text : ""));
	return at;
}

static enum rc start_again(struct run *r)
{
	if (!r->io->rewind(r->io->ctx))
		return fail(r->err, RC_IO, "the bytes of the report cannot be read again");
	int wait = 1 << (r->deaths < 8 ? r->deaths : 8);
	poll(NULL, 0, wait < BACK_OFF_MS ? wait : BACK_OFF_MS);
	return RC_OK;
}

/* Children one after the other, until one comes to the end. */
static enum rc run_report(struct run *r)
{
	for (;;) {
		enum rc rc = slot_ready(r->pool, r->slot, r->job.hints.feed, r->err);
		if (rc != RC_OK)
			return rc;
		enum outcome o = converse(r);
		if (o == RUN_DONE) {
			slot_trim(r->slot, r->used);
			return RC_OK;
		}
		if (o == RUN_STOPPED) {
			(void)slot_end(r->pool, r->slot, 0);
			return RC_IO;
		}
		if (!judge(r, o, bury(r, o)))
			return RC_OK;
		rc = start_again(r);
		if (rc != RC_OK)
			return rc;
	}
}

static enum rc check_job(const struct intake_job *job, struct err *err)
{
	if (job->format.n > 64 || job->hints.feed.n > 255 || job->hints.file_name.n > 4096)
		return fail(err, RC_LIMIT, "a name of the report is too long");
	if (job->hints.mapping.n > PARSER_MAPPING_MAX)
		return fail(err, RC_LIMIT, "the mapping is larger than 4 MiB");
	return RC_OK;
}

enum rc parser_run(struct parser_pool *p, const struct intake_job *job, const struct parser_io *io,
		   struct intake_result *out, struct err *err)
{
	enum rc rc = check_job(job, err);
	if (rc != RC_OK)
		return rc;
	struct run *r = x_alloc(sizeof(*r));
	r->pool = p;
	r->job = *job;
	r->job.skip = r->skip;
	r->job.skips = 0;
	r->job.progress = NULL;
	r->io = io;
	r->out = out;
	r->err = err;
	*out = (struct intake_result){ 0 };
	r->slot = slot_take(p, job->hints.feed);
	rc = run_report(r);
	(void)queue_put(p->free_slots, r->slot);
	free(r);
	return rc;
}
