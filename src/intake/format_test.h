/* SPDX-License-Identifier: Apache-2.0 */
/* format_test.h: runs one report through the driver and a format, for tests.
 *
 * Each batch goes through batch_copy_checked, as the node would take it, and
 * the counts are held to their equation. What came out stands in `events`, a
 * JSON line each, and the words of rejects in `words`, a line each. */
#ifndef RONDA_INTAKE_FORMAT_TEST_H
#define RONDA_INTAKE_FORMAT_TEST_H

#include "base/json.h"
#include "base/test.h"
#include "intake/parse.h"

struct format_run {
	str left; /* bytes of the report still to read */
	struct batch *copy;
	struct buf events, words;
	struct batch_counts sum;
	uint64_t accepted, events_made;
	struct intake_result result;
};

static inline long format_run_read(void *ctx, void *to, size_t n)
{
	struct format_run *r = ctx;
	n = n < r->left.n ? n : r->left.n;
	if (n)
		memcpy(to, r->left.p, n);
	r->left = str_from(r->left, n);
	return (long)n;
}

static inline void format_run_sum(struct format_run *r, const struct batch *b)
{
	for (uint32_t i = 0; i < b->c.rows; i++) {
		r->accepted += i == 0 || b->row[i].input != b->row[i - 1].input;
		if (r->events.n > KIB(64))
			continue; /* enough to compare with */
		struct json_out j = json_out(&r->events);
		batch_row_json(b, &b->row[i], &j);
		buf_char(&r->events, '\n');
	}
	for (uint32_t i = 0; i < b->c.rejects && r->words.n < KIB(64); i++) {
		buf_fmt(&r->words, "%" PRIu64 " %s: ", b->reject[i].input,
			reject_name((enum reject)b->reject[i].reason));
		buf_add_mem(&r->words, b->text + b->reject[i].words_at, b->reject[i].words_n);
		buf_char(&r->words, '\n');
	}
	r->events_made += b->c.rows;
	r->sum.inputs += b->c.inputs;
	r->sum.quarantined += b->c.quarantined;
	r->sum.dropped += b->c.dropped;
	r->sum.blank += b->c.blank;
}

static inline bool format_run_give(void *ctx, struct batch *b)
{
	struct format_run *r = ctx;
	struct err err = { 0 };
	/* The area begins with the rows. */
	CHECK_RC(batch_copy_checked(r->copy, b->row, &b->c, &err), RC_OK, err);
	format_run_sum(r, r->copy);
	return true;
}

static inline struct format_run *format_run_new(void)
{
	struct format_run *r = x_alloc(sizeof(*r));
	r->copy = batch_new();
	r->events = (struct buf)BUF_INIT(MIB(8));
	r->words = (struct buf)BUF_INIT(MIB(8));
	return r;
}

static inline void format_run_free(struct format_run *r)
{
	batch_free(r->copy);
	buf_free(&r->events);
	buf_free(&r->words);
	free(r);
}

/* `format`: a name, or "auto". Goes on where `input` records, up to `offset`, are done. */
static inline struct format_run *format_run_from(str format, str mapping, str report,
						 uint64_t offset, uint64_t input)
{
	struct format_run *r = format_run_new();
	struct batch *b = batch_new();
	struct intake_job job = { .format = format,
				  .hints = { .mapping = mapping },
				  .resume_offset = offset,
				  .resume_input = input };
	struct intake_io io = { .ctx = r, .read = format_run_read, .give = format_run_give };
	r->left = report;
	intake_parse(&job, &io, b, &r->result);
	CHECK_INT(r->sum.inputs,
		  r->accepted + r->sum.quarantined + r->sum.dropped + r->sum.blank);
	batch_free(b);
	return r;
}

static inline struct format_run *format_run(str format, str mapping, str report)
{
	return format_run_from(format, mapping, report, 0, 0);
}

/* A file of the shared samples, which are not part of the tree; STR_NONE when
 * they are not there. The memory is the caller's. */
static inline str format_sample(const char *name)
{
	char path[1024];
	const char *shared = getenv("RONDA_SHARED"), *source = getenv("RONDA_SOURCE");
	if (shared)
		snprintf(path, sizeof(path), "%s/data/samples/%s", shared, name);
	else
		snprintf(path, sizeof(path), "%s/../shared/data/samples/%s", source ? source : ".", name);
	FILE *f = fopen(path, "rbe");
	if (!f)
		return STR_NONE;
	struct buf b = BUF_INIT(MIB(64));
	char *room;
	size_t n = 1;
	while (n && (room = buf_room(&b, KIB(64)))) {
		n = fread(room, 1, KIB(64), f);
		b.n += n;
	}
	fclose(f);
	return (str){ b.p, b.n };
}

#endif
