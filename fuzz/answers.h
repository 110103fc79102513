/* SPDX-License-Identifier: Apache-2.0 */
/* answers.h: a server that answers what the input has it answer, in the place of the network: programs with this are linked
 * with --wrap=fetch (and nanosleep: nobody waits). Each answer: a line "STATUS TYPE", lines "name: value" of the head, an
 * empty one, the body up to a line "." alone. A status below 100 is a call that fails; so does each behind the last, unless
 * its line is "again": then they begin anew. */
#ifndef RONDA_FUZZ_ANSWERS_H
#define RONDA_FUZZ_ANSWERS_H

#include <time.h>

#include "exchange/taxii.h"
#include "http/fetch.h"

#include "fuzz.h"

enum { ANSWERS_MOST = 40 /* requests of one run */ };

/* fetch() is given no place for these. */
static struct answers {
	str all, left;
	const char *origin;        /* where requests may go */
	unsigned asked;
	int64_t ahead_us;          /* the most that a clock of his was before ours */
} answers;

static inline void answers_begin(str text, const char *origin)
{
	answers = (struct answers){ text, text, origin, 0, 0 };
}

static inline str answers_body(void)
{
	const char *begin = answers.left.p;
	size_t n = 0;
	while (answers.left.n > 0) {
		str line = str_cut(&answers.left, '\n');
		if (str_eq(line, STR(".")))
			break;
		n = (size_t)(line.p + line.n - begin);
	}
	return str_mem(begin, n);
}

static inline str answers_type(str word)
{
	static const struct { const char *word, *type; } known[] = {
		{ "taxii", TAXII_TYPE }, { "flat", TAXII_FLAT_TYPE }, { "json", "application/json" },
	};
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (str_eq(word, str_of(known[i].word)))
			return str_of(known[i].type);
	return word;
}

static inline bool answers_next(struct fetch_answer *out, int64_t *status)
{
	str line = str_cut(&answers.left, '\n');
	if (str_eq(line, STR("again"))) {
		answers.left = answers.all;
		line = str_cut(&answers.left, '\n');
	}
	if (++answers.asked > ANSWERS_MOST || !str_to_i64(str_cut(&line, ' '), status) || *status < 0 || *status > 599)
		return false;
	out->type = answers_type(line);
	const char *begin = answers.left.p;
	for (out->head = str_mem(begin, 0); answers.left.n > 0;) {
		line = str_cut(&answers.left, '\n');
		if (line.n == 0)
			break;
		out->head.n = (size_t)(line.p + line.n - begin);
	}
	out->body = answers_body();
	return true;
}

enum rc __wrap_fetch(struct fetcher *f, const struct fetch_request *q, struct arena *a, struct fetch_answer *out,
		     struct err *err);
enum rc __wrap_fetch(struct fetcher *f, const struct fetch_request *q, struct arena *a, struct fetch_answer *out,
		     struct err *err)
{
	static const enum rc failing[] = { RC_BUSY, RC_DENIED, RC_LIMIT, RC_ABSENT, RC_INPUT, RC_IO };
	int64_t status = 0;
	(void)f;
	(void)a;
	*out = (struct fetch_answer){ .status = 0 };
	/* whatever was answered before: our authorization goes nowhere else, and nothing slips into the head */
	str origin = str_of(answers.origin);
	MUST(str_eq_nocase(str_head(q->url, origin.n), origin) && (q->url.n == origin.n || q->url.p[origin.n] == '/'));
	for (size_t i = 0; i < q->url.n; i++)
		MUST((unsigned char)q->url.p[i] > ' ' && q->url.p[i] != 0x7f);
	for (size_t i = 0; i < q->header_count; i++)
		MUST(str_is_plain(q->headers[i].value));
	if (!answers_next(out, &status) || status < 100)
		return fail(err, failing[(size_t)status % COUNT_OF(failing)], "it is not reached");
	out->status = (int)status;
	out->url = q->url;
	str date = fetch_head_value(out->head, "Date");
	int64_t theirs, now = clock_now_us();
	if (date.p && fetch_date(date, &theirs) && theirs - now > answers.ahead_us)
		answers.ahead_us = theirs - now;
	return RC_OK;
}

int __wrap_nanosleep(const struct timespec *want, struct timespec *left);
int __wrap_nanosleep(const struct timespec *want, struct timespec *left)
{
	(void)want;
	(void)left;
	return 0;
}

#endif
