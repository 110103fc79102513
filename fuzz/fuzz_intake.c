/* SPDX-License-Identifier: Apache-2.0 */
/* One report through the driver and the format FUZZ_FORMAT. The first byte's low
 * bits say what comes before the report: 1 a line with the file's name, 2 a
 * mapping up to a NUL. 4: once more, read in small pieces and given one record at
 * a time, which must count the same. Every batch must pass the node's check. */
#include "base/hash.h"
#include "fuzz.h"
#include "intake/parse.h"

#define NAME_OF(x) #x
#define NAME(x) NAME_OF(x)

enum { HAS_NAME = 1, HAS_MAPPING = 2, TWICE = 4, SMALL_READ = 61 };

struct run {
	str left;
	size_t step;
	struct batch *copy;
	struct batch_counts sum;
	uint64_t accepted, rows, cells;
};

static long read_some(void *ctx, void *to, size_t n)
{
	struct run *r = ctx;
	n = n < r->step ? n : r->step;
	n = n < r->left.n ? n : r->left.n;
	if (n)
		memcpy(to, r->left.p, n);
	r->left = str_from(r->left, n);
	return (long)n;
}

static bool give(void *ctx, struct batch *b)
{
	struct run *r = ctx;
	struct err err = { 0 };
	MUST(b->c.next_offset >= r->sum.next_offset && b->c.next_input >= r->sum.next_input);
	MUST(b->c.next_input == r->sum.next_input + b->c.inputs);
	enum rc rc = batch_copy_checked(r->copy, b->row, &b->c, &err);
	if (rc != RC_OK)
		fprintf(stderr, "%s\n", err.text);
	MUST(rc == RC_OK);
	for (uint32_t i = 0; i < b->c.rows; i++) {
		r->accepted += i == 0 || b->row[i].input != b->row[i - 1].input;
		r->cells += b->row[i].cells;
	}
	r->rows += b->c.rows;
	r->sum.inputs += b->c.inputs;
	r->sum.quarantined += b->c.quarantined;
	r->sum.dropped += b->c.dropped;
	r->sum.blank += b->c.blank;
	r->sum.next_offset = b->c.next_offset;
	r->sum.next_input = b->c.next_input;
	return true;
}

static void run_one(struct run *r, struct batch *b, struct intake_job job, str report)
{
	struct intake_io io = { r, read_some, give };
	struct intake_result result;
	r->left = report;
	intake_parse(&job, &io, b, &result);
	MUST(result.rc == RC_OK || result.rc == RC_INPUT);
	MUST(r->sum.inputs == r->accepted + r->sum.quarantined + r->sum.dropped + r->sum.blank);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct batch *b, *copy; /* made once: 20 MiB each */
	struct err err;
	if (!b) {
		MUST(hash_init(&err) == RC_OK);
		b = batch_new();
		copy = batch_new();
	}
	str rest = str_mem(data, size);
	unsigned flags = size ? data[0] : 0;
	rest = str_from(rest, 1);
	struct intake_job job = { .format = STR(NAME(FUZZ_FORMAT)) };
	if (flags & HAS_NAME)
		job.hints.file_name = str_cut(&rest, '\n');
	if (flags & HAS_MAPPING)
		job.hints.mapping = str_cut(&rest, '\0');
	job.packed_bytes = rest.n;
	struct run once = { .step = SIZE_MAX, .copy = copy };
	run_one(&once, b, job, rest);
	if (flags & TWICE && rest.n < KIB(16)) {
		struct run again = { .step = SMALL_READ, .copy = copy };
		job.records_a_batch = 1;
		run_one(&again, b, job, rest);
		MUST(once.sum.inputs == again.sum.inputs && once.rows == again.rows &&
		     once.cells == again.cells && once.sum.quarantined == again.sum.quarantined &&
		     once.sum.next_offset == again.sum.next_offset);
	}
	return 0;
}
