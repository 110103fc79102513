/* SPDX-License-Identifier: Apache-2.0 */
/* The node's side. Area: `question_bytes` for the question, then `answer_bytes` for the answer. */
#include "base/calls.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/calls_private.h"
#include "base/clock.h"
#include "base/queue.h"

enum { HELLO_MS = 10000, END_MS = 100 };
#define AREA_KEPT MIB(1) /* used pages above this go back after a question */

struct slot { /* one helper; whoever took it from the queue has it alone */
	struct child child;
	unsigned served;
};
struct calls {
	struct starter *starter;
	struct log *log;
	struct calls_options o;
	char *always;
	struct slot *slots;
	struct queue *free_slots;
};

struct calls *calls_new(struct starter *starter, struct log *log, const struct calls_options *o)
{
	struct calls *c = x_alloc(sizeof *c);
	c->starter = starter;
	c->log = log;
	c->o = *o;
	c->always = o->always ? x_strdup(o->always) : NULL;
	c->slots = x_array(o->most, sizeof(*c->slots));
	c->free_slots = queue_new(o->most);
	for (unsigned i = 0; i < o->most; i++) {
		c->slots[i].child = CHILD_NONE;
		(void)queue_put(c->free_slots, &c->slots[i]);
	}
	return c;
}

void calls_free(struct calls *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->o.most; i++)
		starter_end(c->starter, &c->slots[i].child);
	queue_free(c->free_slots);
	free(c->slots);
	free(c->always);
	free(c);
}

/* A packet of exactly this shape within the time, else RC_BUSY (late) or RC_INPUT (gone, nonsense). */
static enum rc hear(const struct child *k, int64_t until_us, struct calls_say *out)
{
	struct pollfd p = { .fd = k->socket, .events = POLLIN };
	for (;;) {
		int64_t left = (until_us - clock_mono_us()) / 1000;
		int ready = poll(&p, 1, left > 0 ? (int)left : 0);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0)
			return RC_BUSY;
		ssize_t n = ready > 0 ? recv(k->socket, out, sizeof *out, MSG_DONTWAIT) : -1;
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		return n == (ssize_t)sizeof *out ? RC_OK : RC_INPUT;
	}
}

/* A helper that is locked in and waits. */
static enum rc slot_ready(struct calls *c, struct slot *s, struct err *err)
{
	struct pollfd gone = { .fd = s->child.socket };
	if (s->child.socket >= 0 && (c->o.serves == 0 || s->served < c->o.serves) && poll(&gone, 1, 0) == 0)
		return RC_OK;
	starter_end(c->starter, &s->child);
	s->served = 0;
	struct calls_say hello = { 0 };
	enum rc rc = starter_spawn(c->starter, c->o.helper, c->o.question_bytes + c->o.answer_bytes + 1, &s->child, err);
	if (rc != RC_OK)
		return RC_BUSY;
	const struct calls_area sizes = { c->o.question_bytes, c->o.answer_bytes };
	if (send(s->child.socket, &sizes, sizeof sizes, MSG_NOSIGNAL) != (ssize_t)sizeof sizes ||
	    hear(&s->child, clock_mono_us() + HELLO_MS * INT64_C(1000), &hello) != RC_OK ||
	    hello.kind != CALLS_HELLO) {
		starter_end(c->starter, &s->child);
		return fail(err, RC_BUSY, "ronda-%s does not start", c->o.helper);
	}
	if (hello.rc != RC_OK) {
		starter_end(c->starter, &s->child);
		hello.words[sizeof hello.words - 1] = '\0';
		return fail(err, RC_BUSY, "ronda-%s cannot lock itself in: %s", c->o.helper, hello.words);
	}
	return RC_OK;
}

static bool put_block(const struct calls *c, const struct slot *s, str block, uint64_t *at)
{
	unsigned char *to = s->child.area;
	uint64_t n = block.n;
	if (n > c->o.question_bytes || *at + sizeof n > c->o.question_bytes - n)
		return false;
	memcpy(to + *at, &n, sizeof n);
	if (n > 0)
		memcpy(to + *at + sizeof n, block.p, n);
	*at += sizeof n + n;
	return true;
}

static enum rc put_question(const struct calls *c, struct slot *s, const str *blocks, size_t count,
			    uint64_t *bytes_out, struct err *err)
{
	bool fits = !c->always || put_block(c, s, str_of(c->always), bytes_out);
	for (size_t i = 0; fits && i < count; i++)
		fits = put_block(c, s, blocks[i], bytes_out);
	return fits ? RC_OK : fail(err, RC_LIMIT, "too long for ronda-%s: at most %zu MiB", c->o.helper,
				   c->o.question_bytes >> 20);
}

static enum rc take_answer(const struct calls *c, const struct slot *s, uint64_t bytes, struct arena *a,
			   str **out, size_t *count_out, struct err *err)
{
	if (bytes > c->o.answer_bytes)
		return fail(err, RC_INPUT, "ronda-%s says nonsense", c->o.helper);
	str all = arena_str(a, str_mem((const char *)s->child.area + c->o.question_bytes, bytes));
	str *list = arena_alloc(a, CALLS_BLOCKS_MAX * sizeof *list);
	if (!calls_split(all, list, count_out))
		return fail(err, RC_INPUT, "ronda-%s says nonsense", c->o.helper);
	*out = list;
	return RC_OK;
}

static enum rc ask(struct calls *c, struct slot *s, uint32_t what, const str *blocks, size_t count,
		   struct arena *a, str **out, size_t *count_out, bool *broken, struct err *err)
{
	struct calls_say q = { .kind = CALLS_QUESTION, .what = what }, say = { 0 };
	enum rc rc = slot_ready(c, s, err);
	if (rc == RC_OK)
		rc = put_question(c, s, blocks, count, &q.bytes, err);
	if (rc != RC_OK)
		return rc;
	s->served++;
	*broken = true;
	if (send(s->child.socket, &q, sizeof q, MSG_NOSIGNAL) != (ssize_t)sizeof q)
		return fail(err, RC_INPUT, "ronda-%s ended", c->o.helper);
	rc = hear(&s->child, clock_mono_us() + c->o.limit_ms * 1000, &say);
	if (rc != RC_OK)
		return fail(err, RC_INPUT, rc == RC_BUSY ? "ronda-%s took longer than it may" :
							   "ronda-%s died of it", c->o.helper);
	if (say.kind != CALLS_ANSWER || say.rc < RC_OK || say.rc > RC_IO)
		return fail(err, RC_INPUT, "ronda-%s says nonsense", c->o.helper);
	say.words[sizeof say.words - 1] = '\0';
	rc = say.rc == RC_OK ? take_answer(c, s, say.bytes, a, out, count_out, err) :
			       fail(err, (enum rc)say.rc, "%s", say.words);
	*broken = say.rc == RC_OK && rc != RC_OK;
	if (q.bytes > AREA_KEPT || say.bytes > AREA_KEPT)
		(void)madvise(s->child.area, s->child.area_bytes, MADV_REMOVE);
	return rc;
}

enum rc calls_ask(struct calls *c, uint32_t what, const str *blocks, size_t count, struct arena *a,
		  str **blocks_out, size_t *count_out, bool *died_out, struct err *err)
{
	bool broken = false;
	if (died_out)
		*died_out = false;
	*blocks_out = NULL;
	*count_out = 0;
	if (count + (c->always != NULL) > CALLS_BLOCKS_MAX)
		return fail(err, RC_LIMIT, "too many blocks");
	struct slot *s = queue_take(c->free_slots);
	enum rc rc = ask(c, s, what, blocks, count, a, blocks_out, count_out, &broken, err);
	if (broken) {
		struct child_end end = starter_end_wait(c->starter, &s->child, END_MS);
		if (end.known && end.signal)
			log_warn(c->log, "a helper was ended", L_Z("helper", c->o.helper), L_INT("signal", end.signal));
		if (died_out)
			*died_out = true;
	}
	(void)queue_put(c->free_slots, s);
	return rc;
}
