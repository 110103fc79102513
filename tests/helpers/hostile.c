/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-hostile: a parser that an attacker has taken over. What it does wrong is
 * named by the job's format; everything else is the parser as it ships. */
#include <stdatomic.h>

#include "base/ip.h"
#include "base/starter_private.h"
#include "intake/wire.h"

static void one_row(struct batch *b, uint64_t input)
{
	struct ip ip;
	(void)ip_parse(STR("192.0.2.1"), &ip);
	batch_row_begin(b, input, 0, 10, 1);
	batch_set_ip(b, FIELD_SOURCE_IP, &ip);
	if (batch_row_end(b, NULL) != RC_OK)
		_exit(1);
	b->c.inputs++;
	b->c.next_input = input;
	b->c.next_offset = 10;
}

static void lie_counts(struct batch *b)
{
	b->c.cells = 0x40000000;
}

static void lie_rows(struct batch *b)
{
	b->c.rows = 0xffffffff;
}

static void lie_offset(struct batch *b)
{
	b->cell[0].at = UINT64_MAX - 3;
}

static void lie_kind(struct batch *b)
{
	b->cell[0].kind = 200;
}

static void lie_field(struct batch *b)
{
	b->cell[0].field = 255;
}

static void lie_place(struct batch *b)
{
	b->row[0].input = UINT64_MAX;
}

static void lie_inputs(struct batch *b)
{
	b->c.inputs = 7;
}

static void lie_progress(struct batch *b)
{
	b->c.next_input = 1000;
}

static const struct lie {
	const char *name;
	void (*tell)(struct batch *b);
} lies[] = {
	{ "counts", lie_counts }, { "rows", lie_rows },	    { "offset", lie_offset },
	{ "kind", lie_kind },	  { "field", lie_field },   { "place", lie_place },
	{ "inputs", lie_inputs }, { "progress", lie_progress },
};

/* Changes the batch while the node reads it, for as long as it may. */
static void keep_changing(const struct intake_io *io, struct batch *b)
{
	const struct message m = { .kind = MESSAGE_BATCH, .counts = b->c };
	(void)io;
	(void)message_send(HELPER_SOCKET, &m);
	for (uint64_t i = 0;; i++) {
		((volatile struct cell *)b->cell)->at = i * 0x9e3779b97f4a7c15;
		((volatile struct cell *)b->cell)->n = (uint32_t)i;
		((volatile struct row *)b->row)->cells = (uint32_t)i & 3;
	}
}

static void flood(enum message_kind kind)
{
	for (;;)
		if (!message_send(HELPER_SOCKET, &(struct message){ .kind = kind }))
			_exit(1);
}

/* Always busy and always "getting on". */
static void pretend(struct intake_progress *p)
{
	for (;;)
		atomic_fetch_add(&p->tick, 1);
}

static void bad_result(struct intake_result *out, str how)
{
	memset(out->words, 'x', sizeof(out->words) - 1);
	if (str_eq(how, STR("result-words")))
		memcpy(out->words, "\x1b[2J\xff\n", 6);
	if (str_eq(how, STR("result-format")))
		memcpy(out->format, "../etc", 7);
	if (str_eq(how, STR("result-stopped")))
		out->rc = RC_IO;
}

void intake_parse(const struct intake_job *job, const struct intake_io *io, struct batch *b,
		  struct intake_result *out)
{
	*out = (struct intake_result){ .rc = RC_OK };
	str how = job->format;
	one_row(b, job->resume_input + 1);
	for (size_t i = 0; i < COUNT_OF(lies); i++)
		if (str_eq(how, str_of(lies[i].name))) {
			lies[i].tell(b);
			(void)io->give(io->ctx, b);
			return;
		}
	if (str_eq(how, STR("change")))
		keep_changing(io, b);
	if (str_eq(how, STR("need")))
		flood(MESSAGE_NEED);
	if (str_eq(how, STR("junk")))
		flood((enum message_kind)99);
	if (str_eq(how, STR("hello")))
		flood(MESSAGE_HELLO);
	if (str_eq(how, STR("pretend")))
		pretend(job->progress);
	if (str_eq(how, STR("leave")))
		_exit(0);
	if (str_starts(how, STR("result")))
		bad_result(out, how);
	else
		(void)io->give(io->ctx, b);
}
