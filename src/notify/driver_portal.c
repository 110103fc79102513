/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notify.h"

static const char *lacks(const struct notify *n)
{
	return settings_bool(notify_world_of(n)->settings, "portal") ? NULL : "setting portal is off";
}

/* Nobody sends it anywhere: it waits until one of theirs opens it (web/page_portal.c). */
const struct driver driver_portal = {
	.name = "portal",
	.help = "the portal: it waits there until one of the organisation's people reads it",
	.channel = CHANNEL_SCREEN,
	.lacks = lacks,
};
