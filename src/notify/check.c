/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the senders, tested without a node. */
#include "notify/notify_private.h"

enum rc notify_check(struct io_dir *dir, const struct settings *s, struct err *err)
{
	struct destinations *d = NULL;
	struct texts *t = NULL;
	enum rc rc = destinations_open(settings_text(s, "destinations_file"), &d, err);
	destinations_close(d);
	if (rc == RC_OK)
		rc = texts_open(dir, &t, err);
	texts_close(t);
	return rc;
}
