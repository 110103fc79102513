/* SPDX-License-Identifier: Apache-2.0 */
/* rule_private.h: the table of rules as the files that make and ask it share it. */
#ifndef RONDA_NOTIFY_RULE_PRIVATE_H
#define RONDA_NOTIFY_RULE_PRIVATE_H

#include "notify/rule.h"

/* Words that rules name, by number from 1; 0: a word that none names. */
struct rule_dictionary {
	str *words;
	size_t count, room;
	uint16_t *index;         /* by hash; 0: free */
	size_t index_size;
};
uint16_t rule_word(const struct rule_dictionary *d, str word);

struct rule_set {
	struct arena *a;
	struct rule_dictionary words;
	struct rule *rules;
	size_t count;
	struct inhibition *inhibitions;
	size_t inhibition_count;
	uint16_t *feeds;         /* word of its name, by number of the feed */
	size_t feed_count;
	bool asks_confidence, asks_last_resort; /* a rule of it does */
};

#endif
