/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notify_private.h"

static struct outcome_of send(const struct sending *s)
{
	const struct posting p = { .purpose = "webhook", .url = s->what->who.address, .mapping = STR("webhook"),
				   .sign = true };
	return post_message(s, &p);
}

const struct driver driver_webhook = {
	.name = "webhook",
	.help = "POST of JSON to the contact's URL; signed where destinations_file has a secret for it",
	.channel = CHANNEL_WEBHOOK,
	.column = "webhook",
	.pager = "pager_webhook",
	.send = send,
	.host = post_host,
};
