/* SPDX-License-Identifier: Apache-2.0 */
/* "duty:now" and "duty:next": who has the watch when the message is sent. */
#include "duty/duty.h"
#include "notify/notify.h"

static bool takes(str recipient)
{
	return str_eq(recipient, STR("duty:now")) || str_eq(recipient, STR("duty:next"));
}

/* The first of them who is reached by this driver; is nobody, it is tried again. */
static enum rc find(const struct resolving *k, str recipient, struct reached *out, struct err *err)
{
	str *list = NULL;
	size_t count = 0;
	bool is_duty;
	struct err why = { 0 };
	enum rc rc = duty_recipients(reader_conn(k->r), recipient, k->a, &is_duty, &list, &count, err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < count; i++) {
		rc = notify_resolve(k, list[i], out, &why);
		if (rc != RC_ABSENT && rc != RC_DENIED)
			return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
	}
	return fail(err, RC_BUSY, "nobody on duty has an address for %s", k->driver->name);
}

const struct resolver resolver_duty = {
	.name = "duty",
	.help = "duty:now: the first on duty when it is sent; duty:next: who is called when he does not answer",
	.takes = takes,
	.find = find,
};
