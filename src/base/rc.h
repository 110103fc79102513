/* SPDX-License-Identifier: Apache-2.0 */
/* rc.h: how a call says that it failed.
 *
 * A kind (enum rc) tells the program what to do next, a sentence (struct err)
 * tells people. The caller owns `err`; failing never allocates; a NULL err is
 * fine. Sentences read like git's: lower case, no full stop, what failed
 * first, the subject in single quotes. */
#ifndef RONDA_BASE_RC_H
#define RONDA_BASE_RC_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum rc {
	RC_OK,
	RC_INPUT,    /* what was given is wrong: refuse it and go on */
	RC_LIMIT,    /* over a limit or budget: ask for less, or later */
	RC_DENIED,   /* a rule forbids it */
	RC_ABSENT,   /* there is no such thing (or none you may see) */
	RC_CONFLICT, /* it changed meanwhile, or exists already: read again */
	RC_BUSY,     /* try later */
	RC_IO        /* the machine failed: tell the operator */
};

struct err {
	enum rc rc;
	char text[240];
};

/* Fills `err` (may be NULL) and returns `rc`, so callers write
 * `return fail(err, RC_INPUT, ...)`. Control characters in the finished
 * sentence become '?': outside bytes end up here. */
enum rc fail(struct err *err, enum rc rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As fail(), with ": " and the text of errno `code` behind the sentence. */
enum rc fail_errno(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* "input", "limit", ...: for --json and logs. */
const char *rc_name(enum rc rc);

/* 0 for RC_OK, else the exit code documented in ronda(1). */
int rc_exit_code(enum rc rc);

/* 200, 400, 507, ...: the one place where kinds become HTTP. */
int rc_http_status(enum rc rc);

#endif
