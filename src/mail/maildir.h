/* SPDX-License-Identifier: Apache-2.0 */
/* maildir.h: mails that another program delivers into a folder (Maildir: new/, cur/, tmp/). */
#ifndef RONDA_MAIL_MAILDIR_H
#define RONDA_MAIL_MAILDIR_H

#include "base/str.h"

/* Takes one mail. RC_OK: it is on disk; RC_INPUT, RC_LIMIT: it will never be taken. In both cases it
 * is then marked as seen. Anything else: it stays as it is, and nothing more is taken now. Of a mail
 * longer than MAIL_BYTES_MAX come the first bytes, one more than that. */
typedef enum rc (*mail_take)(void *ctx, str bytes, struct err *err);

/* Every mail of new/ that is a file, oldest name first, at most `most`; what is taken moves to cur/.
 * *left_out: those behind them. RC_ABSENT: no such Maildir. Whatever `take` said that ended it. */
MUST_CHECK enum rc maildir_each(str path, size_t most, mail_take take, void *ctx, size_t *count_out, size_t *left_out,
				struct err *err);

#endif
