/* SPDX-License-Identifier: Apache-2.0 */
/* log.h: a log line is a fixed sentence plus typed fields.
 *
 *   log_warn(log, "peer refused bundle", L_STR("peer", id), L_INT("status", 403));
 *
 * Lines go to stderr as "time level sentence key=value ..." or, when the
 * process was started by systemd with a journal socket, to journald with one
 * journal field each. Outside bytes may stand in fields only: they are escaped
 * (quotes, backslash, control characters, invalid UTF-8) and cut at 256 bytes.
 * Personal data is not logged above debug. Secrets have no L_ macro.
 * Threads may share a log. */
#ifndef RONDA_BASE_LOG_H
#define RONDA_BASE_LOG_H

#include "base/str.h"

struct log;
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_kind { LOG_KIND_STR, LOG_KIND_INT, LOG_KIND_UINT };
struct log_field {
	const char *key;
	enum log_kind kind;
	union {
		str s;
		int64_t i;
		uint64_t u;
	};
};
#define L_STR(k, v) ((struct log_field){ .key = (k), .kind = LOG_KIND_STR, .s = (v) })
#define L_Z(k, v) ((struct log_field){ .key = (k), .kind = LOG_KIND_STR, .s = str_of(v) })
#define L_INT(k, v) ((struct log_field){ .key = (k), .kind = LOG_KIND_INT, .i = (v) })
#define L_UINT(k, v) ((struct log_field){ .key = (k), .kind = LOG_KIND_UINT, .u = (v) })

/* To stderr or journald; NULL as a log is allowed everywhere and silent. */
struct log *log_new(enum log_level least);
void log_free(struct log *log);
void log_set_level(struct log *log, enum log_level least);
bool log_level_parse(str name, enum log_level *out);
void log_write(struct log *log, enum log_level level, const char *sentence,
	       const struct log_field *fields, size_t n);

#define LOG_AT(log, level, sentence, ...)                                               \
	log_write((log), (level), (sentence), (const struct log_field[]){ __VA_ARGS__ },        \
		  sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))
/* log_info(log, "sentence", fields...): an empty field is put behind the last,
 * so that a sentence may stand alone. */
#define LOG_END ((struct log_field){ .key = NULL, .kind = LOG_KIND_INT, .i = 0 })
#define log_debug(log, ...) LOG_AT(log, LOG_LEVEL_DEBUG, __VA_ARGS__, LOG_END)
#define log_info(log, ...) LOG_AT(log, LOG_LEVEL_INFO, __VA_ARGS__, LOG_END)
#define log_warn(log, ...) LOG_AT(log, LOG_LEVEL_WARN, __VA_ARGS__, LOG_END)
#define log_error(log, ...) LOG_AT(log, LOG_LEVEL_ERROR, __VA_ARGS__, LOG_END)

#endif
