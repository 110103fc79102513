/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#endif

#include "base/arena.h"
#include "base/clock.h"

enum { FIELD_CUT = 256, LINE_CAP = 8192 };

struct log {
	_Atomic int least;
	bool journal;
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

/* systemd names the device and inode of the stream it gave us (JOURNAL_STREAM):
 * only when stderr is still that one do lines go to the journal. */
static bool stderr_is_journal(void)
{
#ifdef HAVE_SYSTEMD
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char mine[64];
	if (!stream || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(mine, sizeof(mine), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	return str_eq(str_of(mine), str_of(stream));
#else
	return false;
#endif
}

struct log *log_new(enum log_level least)
{
	struct log *log = x_alloc(sizeof(*log));
	atomic_store(&log->least, (int)least);
	log->journal = stderr_is_journal();
	return log;
}

void log_free(struct log *log)
{
	free(log);
}

void log_set_level(struct log *log, enum log_level least)
{
	if (log)
		atomic_store(&log->least, (int)least);
}

bool log_level_parse(str name, enum log_level *out)
{
	for (size_t i = 0; i < COUNT_OF(level_names); i++) {
		if (str_eq(name, str_of(level_names[i]))) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void put_value(struct buf *b, const struct log_field *f)
{
	switch (f->kind) {
	case LOG_KIND_INT: buf_i64(b, f->i); return;
	case LOG_KIND_UINT: buf_u64(b, f->u); return;
	case LOG_KIND_STR: break;
	}
	str s = str_head(f->s, FIELD_CUT);
	bool valid = str_is_utf8(s);
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '"' || c == '\\')
			buf_fmt(b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !valid))
			buf_fmt(b, "\\x%02x", c);
		else
			buf_char(b, (char)c);
	}
	buf_char(b, '"');
}

#ifdef HAVE_SYSTEMD
enum { JOURNAL_FIELDS = 16 };

static void to_journal(enum log_level level, const char *sentence, const struct log_field *fields,
		       size_t n)
{
	static const int priority[] = { 7, 6, 4, 3 };
	struct buf parts[JOURNAL_FIELDS + 2];
	struct iovec io[JOURNAL_FIELDS + 2];
	if (n > JOURNAL_FIELDS)
		n = JOURNAL_FIELDS;
	for (size_t i = 0; i < n + 2; i++)
		parts[i] = (struct buf)BUF_INIT(LINE_CAP);
	buf_fmt(&parts[0], "PRIORITY=%d", priority[level]);
	buf_fmt(&parts[1], "MESSAGE=%s", sentence);
	for (size_t i = 0; i < n; i++) {
		buf_char(&parts[1], ' ');
		buf_add(&parts[1], str_of(fields[i].key));
		buf_char(&parts[1], '=');
		put_value(&parts[1], &fields[i]);
		buf_add(&parts[i + 2], STR("RONDA_"));
		for (const char *p = fields[i].key; *p; p++)
			buf_char(&parts[i + 2], *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p);
		buf_char(&parts[i + 2], '=');
		put_value(&parts[i + 2], &fields[i]);
	}
	for (size_t i = 0; i < n + 2; i++)
		io[i] = (struct iovec){ .iov_base = parts[i].p, .iov_len = parts[i].n };
	sd_journal_sendv(io, (int)(n + 2));
	for (size_t i = 0; i < n + 2; i++)
		buf_free(&parts[i]);
}
#endif

void log_write(struct log *log, enum log_level level, const char *sentence,
	       const struct log_field *fields, size_t n)
{
	if (!log || (int)level < atomic_load(&log->least))
		return;
	/* The macros always pass one empty field behind the last. */
	while (n && !fields[n - 1].key)
		n--;
#ifdef HAVE_SYSTEMD
	if (log->journal) {
		to_journal(level, sentence, fields, n);
		return;
	}
#endif
	struct buf line = BUF_INIT(LINE_CAP);
	time_format(&line, clock_now_us());
	buf_fmt(&line, " %s %s", level_names[level], sentence);
	for (size_t i = 0; i < n; i++) {
		buf_fmt(&line, " %s=", fields[i].key);
		put_value(&line, &fields[i]);
	}
	buf_char(&line, '\n');
	/* One write, so that lines of threads do not mix. A log that cannot be
	 * written has nowhere to say so. */
	ssize_t written = write(STDERR_FILENO, line.p, line.n);
	(void)written;
	buf_free(&line);
}
