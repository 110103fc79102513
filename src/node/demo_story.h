/* SPDX-License-Identifier: Apache-2.0 */
/* demo_story.h: a finding that became an incident and was worked to its end, for the demonstration's
 * tour; and what a desk has besides: reports that wait, an incident in work, a plan, a round. */
#ifndef RONDA_NODE_DEMO_STORY_H
#define RONDA_NODE_DEMO_STORY_H

#include "node/node.h"

/* Once findings are there; nothing when it was told before. */
MUST_CHECK enum rc demo_story(struct node *n, struct err *err);

#endif
