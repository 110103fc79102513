/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notify_private.h"

static struct outcome_of send(const struct sending *s)
{
	const struct posting p = { .purpose = "sms", .url = str_of(s->n->sms_url),
				   .mapping = str_of(s->n->sms_mapping) };
	return post_message(s, &p);
}

static str host(const struct notify *n, str number, struct arena *a)
{
	(void)number; /* one gateway, one pace */
	return post_host(n, str_of(n->sms_url), a);
}

static const char *lacks(const struct notify *n)
{
	return n->sms_url[0] ? NULL : "setting sms_url names no gateway";
}

const struct driver driver_sms = {
	.name = "sms",
	.help = "a short message through the HTTP gateway of setting sms_url",
	.channel = CHANNEL_WEBHOOK,
	.column = "phone",
	.pager = "pager_sms",
	.send = send,
	.host = host,
	.shorten = sms_fit,
	.lacks = lacks,
};
