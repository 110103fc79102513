/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h: the events behind what a message covers, as files of a letter.
 *
 * events.csv (RFC 4180; nothing in it runs in a spreadsheet) and one report by X-ARF for each finding,
 * up to the limits of settings. Each event was asked of the disclosure check for this recipient. What
 * infects or cheats who opens it goes in a zip with the recipient's password, where one is set
 * (meaning organisation.file-password). */
#ifndef RONDA_NOTIFY_DIGEST_H
#define RONDA_NOTIFY_DIGEST_H

#include "mail/letter.h"
#include "notify/notify.h"

struct digest_files {
	struct letter_part *parts; /* in the arena */
	size_t count;
	size_t findings, events;   /* in them */
	size_t left;               /* findings that have none in them */
	bool cut;                  /* a limit was reached */
	bool sealed;               /* in a zip with the recipient's password */
};
/* Nothing when `s` covers no findings. */
MUST_CHECK enum rc digest_of(const struct sending *s, struct reader *r, const struct types *t, str from,
			     struct arena *a, struct digest_files *out, struct err *err);
/* The same events as one table (RFC 4180) for a page, with its names in front: of these findings, for the recipient
 * of `what` by this template. *cut_out: `out` is full. RC_DENIED: what infects or cheats who opens it goes in no
 * plain file. */
MUST_CHECK enum rc digest_table(const struct rendering *what, str template, struct reader *r, const struct types *t,
				const str *findings, size_t count, struct arena *a, struct buf *out,
				uint64_t *events_out, bool *cut_out, struct err *err);
/* The newest of them, at most `most`, as objects into an array that is open: for people to look at first. *more_out:
 * there are more. RC_DENIED as above. */
MUST_CHECK enum rc digest_list(const struct rendering *what, str template, struct reader *r, const struct types *t,
			       const str *findings, size_t count, size_t most, struct arena *a, struct json_out *j,
			       bool *more_out, struct err *err);

#endif
