/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notify_private.h"

static struct outcome_of send(const struct sending *s)
{
	const struct posting p = { .purpose = "webhook", .url = s->what->who.address, .mapping = STR("mattermost") };
	return post_message(s, &p);
}

const struct driver driver_chat = {
	.name = "chat",
	.help = "a room of a chat server by its incoming webhook: {\"text\":…}, or the mapping of the destination",
	.channel = CHANNEL_WEBHOOK,
	.column = "webhook",
	.pager = "pager_webhook",
	.send = send,
	.host = post_host,
};
