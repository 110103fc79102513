/* SPDX-License-Identifier: Apache-2.0 */
/* CSV: frames always move on and never past the window; what csv_split reads,
 * written by csv_field, is read the same again; the lenient splitter agrees with
 * the strict one on what both take. The first byte chooses the delimiter. */
#include "base/csv.h"
#include "fuzz.h"
#include "intake/shadowserver_private.h"

enum { MOST = 64 };

static void write_and_read(const str *fields, size_t n, struct arena *a)
{
	struct buf b = BUF_INIT(MIB(16));
	struct csv_out out = { .b = &b };
	struct err err;
	str again[MOST];
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		csv_field(&out, fields[i]);
	csv_end(&out);
	MUST(csv_split(buf_str(&b), ',', '"', a, again, MOST, &count, &err) == RC_OK && count == n);
	for (size_t i = 0; i < n; i++)
		MUST(str_eq(fields[i], again[i]));
	buf_free(&b);
}

static void compare_splitters(str record, const str *strict, size_t n, struct arena *a)
{
	str loose[MOST];
	size_t count = 0, longest = 0;
	MUST(ss_split(record, a, loose, MOST, &count, &longest));
	MUST(count == n);
	for (size_t i = 0; i < n; i++)
		MUST(str_eq(loose[i], strict[i]) && loose[i].n <= longest);
}

static void one_record(str record, char delimiter, struct arena *a)
{
	str fields[MOST];
	size_t n = 0, longest = 0;
	struct err err;
	if (record.n && record.p[record.n - 1] == '\n')
		record.n--;
	if (record.n && record.p[record.n - 1] == '\r')
		record.n--;
	enum rc rc = csv_split(record, delimiter, '"', a, fields, MOST, &n, &err);
	MUST(rc == RC_OK || rc == RC_INPUT || rc == RC_LIMIT);
	if (rc == RC_OK)
		write_and_read(fields, n, a);
	/* csv_split takes one more line end off, should there be one inside. */
	if (rc == RC_OK && delimiter == ',' && str_eq(record, str_trim_all(record)))
		compare_splitters(record, fields, n, a);
	else
		(void)ss_split(record, a, fields, MOST, &n, &longest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(KIB(16));
	char delimiter = ",;\t|"[size ? data[0] % 4 : 0];
	str rest = str_from(str_mem(data, size), 1);
	for (str left = rest; left.n;) {
		size_t n = csv_frame(left, '"', true);
		MUST(n > 0 && n <= left.n);
		one_record(str_head(left, n), delimiter, a);
		left = str_from(left, n);
		arena_reset(a);
	}
	for (str left = rest; left.n;) {
		size_t n = parse_frame_csv(left, delimiter, '"', true);
		size_t early = parse_frame_csv(left, delimiter, '"', false);
		MUST(n > 0 && n <= left.n && (early == 0 || early == n));
		one_record(str_head(left, n), delimiter, a);
		left = str_from(left, n);
		arena_reset(a);
	}
	arena_free(a);
	return 0;
}
