/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-parser: parses one feed's reports for the node, locked in.
 *
 * It owns nothing but a socket (handle 3) and the area it shares with the node
 * (handle 4, closed once mapped). What it says, the node checks. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/cage.h"
#include "base/hash.h"
#include "base/starter_private.h"
#include "intake/wire.h"

/* Beside the shared area: window, arenas, json-c's trees of one record. */
#define OWN_MEMORY MIB(96)

struct parser {
	struct parser_area *area;
	struct batch batch;
	char packet[PARSER_MESSAGE_MAX];
	uint32_t waiting[PARSER_SLOTS]; /* bytes in slots we were told of and have not begun */
	uint64_t told, begun;           /* counts of slots; `begun` - 1 is being read */
	uint32_t at, bytes;             /* in the slot being read */
	bool ended, go, stop;
};

/* Next message of the node; its end is ours. */
static void hear(struct parser *p, struct message *m)
{
	if (message_take(HELPER_SOCKET, p->packet, m, NULL) != RC_OK)
		_exit(0);
}

static void say(const struct message *m)
{
	if (!message_send(HELPER_SOCKET, m))
		_exit(0);
}

static void listen_once(struct parser *p)
{
	struct message m;
	hear(p, &m);
	if (m.kind == MESSAGE_DATA && p->told - p->begun < PARSER_SLOTS)
		p->waiting[p->told++ % PARSER_SLOTS] = m.data_bytes;
	else if (m.kind == MESSAGE_END)
		p->ended = true;
	else if (m.kind == MESSAGE_GO || m.kind == MESSAGE_STOP) {
		p->go = true;
		p->stop = m.kind == MESSAGE_STOP;
	} else
		_exit(2);
}

static bool next_slot(struct parser *p)
{
	if (p->begun && p->bytes)
		say(&(struct message){ .kind = MESSAGE_NEED });
	p->at = p->bytes = 0;
	while (p->begun == p->told && !p->ended)
		listen_once(p);
	if (p->begun == p->told)
		return false;
	p->bytes = p->waiting[p->begun++ % PARSER_SLOTS];
	return true;
}

static long read_bytes(void *ctx, void *to, size_t n)
{
	struct parser *p = ctx;
	if (p->stop)
		return -1;
	if (p->at == p->bytes && !next_slot(p))
		return 0;
	size_t left = p->bytes - p->at, most = n < left ? n : left;
	memcpy(to, p->area->slot[(p->begun - 1) % PARSER_SLOTS] + p->at, most);
	p->at += (uint32_t)most;
	return (long)most;
}

static bool give_batch(void *ctx, struct batch *b)
{
	struct parser *p = ctx;
	p->go = false;
	say(&(struct message){ .kind = MESSAGE_BATCH, .counts = b->c });
	while (!p->go)
		listen_once(p);
	return !p->stop;
}

/* The mapping comes first in the stream of bytes; the caller frees it. */
static char *take_mapping(struct parser *p, uint32_t bytes)
{
	char *mapping = x_alloc((size_t)bytes + 1);
	for (uint32_t at = 0; at < bytes;) {
		long n = read_bytes(p, mapping + at, bytes - at);
		if (n <= 0)
			_exit(2);
		at += (uint32_t)n;
	}
	return mapping;
}

/* The strs of a job point into the packet, which the next message takes. */
static struct intake_job keep(const struct intake_job *job, struct arena *a)
{
	struct intake_job mine = *job;
	mine.format = arena_str(a, job->format);
	mine.hints.file_name = arena_str(a, job->hints.file_name);
	mine.hints.feed = arena_str(a, job->hints.feed);
	return mine;
}

static void one_job(struct parser *p, const struct message *m, struct arena *a)
{
	struct intake_job job = keep(&m->job.job, a);
	p->told = p->begun = 0;
	p->at = p->bytes = 0;
	p->ended = p->stop = false;
	char *mapping = NULL;
	if (m->job.mapping_bytes) {
		mapping = take_mapping(p, m->job.mapping_bytes);
		job.hints.mapping = str_mem(mapping, m->job.mapping_bytes);
	}
	job.progress = &p->area->progress;
	struct intake_io io = { .ctx = p, .read = read_bytes, .give = give_batch };
	struct message result = { .kind = MESSAGE_RESULT };
	batch_reset(&p->batch);
	intake_parse(&job, &io, &p->batch, &result.result);
	free(mapping);
	say(&result);
}

static bool map_area(struct parser *p)
{
	struct stat st;
	if (fstat(HELPER_AREA, &st) != 0 || (size_t)st.st_size != parser_area_bytes())
		return false;
	void *area = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  HELPER_AREA, 0);
	close(HELPER_AREA);
	if (area == MAP_FAILED)
		return false;
	p->area = area;
	return true;
}

static void lock_in(struct message *hello)
{
	struct cage cage = { .memory_bytes = parser_area_bytes() + OWN_MEMORY };
	struct err err = { 0 };
	*hello = (struct message){ .kind = MESSAGE_HELLO };
	hello->hello.caged = cage_enter(&cage, &err) == RC_OK;
	hello->hello.landlock = cage.landlock;
	snprintf(hello->hello.words, sizeof(hello->hello.words), "%.*s",
		 (int)sizeof(hello->hello.words) - 1, err.text);
}

#ifdef RONDA_SANITIZED
/* Looking for leaks needs a second process, and symbols need files. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:symbolize=0";
}
#endif

int main(void)
{
	struct parser *p = x_alloc(sizeof(*p));
	prctl(PR_SET_NAME, "ronda-parser");
	if (hash_init(NULL) != RC_OK || !map_area(p))
		return 3;
	/* Even timegm() looks for the time zone's file once: now, not in the cage. */
	tzset();
	batch_attach(&p->batch, p->area->batch);
	struct arena *a = arena_new(KIB(4));
	struct message m;
	lock_in(&m);
	say(&m);
	if (!m.hello.caged)
		_exit(4);
	for (;;) {
		hear(p, &m);
		/* What was on its way when a report ended before its bytes did. */
		if (m.kind == MESSAGE_DATA || m.kind == MESSAGE_END)
			continue;
		if (m.kind != MESSAGE_JOB)
			_exit(2);
		one_job(p, &m, a);
		arena_reset(a);
	}
}
