/* SPDX-License-Identifier: Apache-2.0 */
/* read_lives.h: the lives of findings, and counts of messages, for figures.
 *
 * Every call takes a viewer and passes the disclosure check with the purpose of statistics: what he
 * may not see, what a person holds back and what is of an exercise is in no figure. The public
 * (RIGHT_PUBLIC) gets the lives of TLP:CLEAR findings to make figures of, and may be shown a figure
 * only when read_figure_shown() says so. */
#ifndef RONDA_DISCLOSURE_READ_LIVES_H
#define RONDA_DISCLOSURE_READ_LIVES_H

#include "disclosure/read.h"
#include "record/ledger_counts.h"
#include "route/lives.h"

/* As lives_each(); `dir` and `memory` as there. RC_DENIED: no right to read. */
MUST_CHECK enum rc read_lives(struct reader *r, const struct viewer *v, const char *dir, size_t memory,
			      life_each each, void *ctx, struct err *err);
/* May he be shown a figure made from so many different sources? Our own people may always. */
bool read_figure_shown(const struct viewer *v, uint64_t sources);
/* From how many sources a figure may be shown to him; 0: from any. */
uint64_t read_figure_least(const struct viewer *v);
/* Of messages: how they ended, and who answers none; for who has the right to read. */
MUST_CHECK enum rc read_message_counts(struct reader *r, const struct viewer *v, int64_t since_us, int64_t until_us,
				       struct arena *a, struct ledger_count **out, size_t *count_out,
				       struct err *err);
MUST_CHECK enum rc read_silent(struct reader *r, const struct viewer *v, int64_t since_us, int64_t until_us,
			       uint64_t least, size_t limit, struct arena *a, struct ledger_silence **out,
			       size_t *count_out, struct err *err);

#endif
