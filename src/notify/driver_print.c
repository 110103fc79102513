/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notify.h"

/* Goes by letter: mail is the nearest of the channels that the check knows. */
const struct driver driver_print = {
	.name = "print",
	.help = "paper: 'ronda outbox print' makes the pages and asks what was posted",
	.channel = CHANNEL_MAIL,
};
