/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void clean(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
}

enum rc fail(struct err *err, enum rc rc, const char *fmt, ...)
{
	if (!err)
		return rc;
	err->rc = rc;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	clean(err->text);
	return rc;
}

enum rc fail_errno(struct err *err, int code, const char *fmt, ...)
{
	/* A full disk or quota is a limit the operator can lift; the rest is the machine. */
	enum rc rc = code == ENOSPC || code == EDQUOT ? RC_LIMIT :
		     code == ENOENT                   ? RC_ABSENT :
		     code == EACCES || code == EPERM  ? RC_DENIED :
							RC_IO;
	if (!err)
		return rc;
	err->rc = rc;
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	size_t at = (size_t)n < sizeof(err->text) ? (size_t)n : sizeof(err->text) - 1;
	char words[128];
	snprintf(err->text + at, sizeof(err->text) - at, ": %s",
		 strerror_r(code, words, sizeof(words)));
	clean(err->text);
	return rc;
}

const char *rc_name(enum rc rc)
{
	switch (rc) {
	case RC_OK: return "ok";
	case RC_INPUT: return "input";
	case RC_LIMIT: return "limit";
	case RC_DENIED: return "denied";
	case RC_ABSENT: return "absent";
	case RC_CONFLICT: return "conflict";
	case RC_BUSY: return "busy";
	case RC_IO: return "io";
	}
	return "unknown";
}

int rc_exit_code(enum rc rc)
{
	switch (rc) {
	case RC_OK: return 0;
	case RC_INPUT: return 65;    /* sysexits: EX_DATAERR */
	case RC_ABSENT: return 66;   /* EX_NOINPUT */
	case RC_LIMIT: return 73;    /* EX_CANTCREAT */
	case RC_IO: return 74;       /* EX_IOERR */
	case RC_BUSY: return 75;     /* EX_TEMPFAIL */
	case RC_DENIED: return 77;   /* EX_NOPERM */
	case RC_CONFLICT: return 78; /* EX_CONFIG */
	}
	return 70; /* EX_SOFTWARE */
}

int rc_http_status(enum rc rc)
{
	switch (rc) {
	case RC_OK: return 200;
	case RC_INPUT: return 400;
	case RC_LIMIT: return 507;
	case RC_DENIED: return 403;
	case RC_ABSENT: return 404;
	case RC_CONFLICT: return 409;
	case RC_BUSY: return 503;
	case RC_IO: return 503;
	}
	return 500;
}
