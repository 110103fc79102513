/* SPDX-License-Identifier: Apache-2.0 */
/* The directory for output. */
#include "disclosure/read_private.h"

enum rc read_who(const struct viewer *v, const struct directory *d, const struct enrich *e, str text,
		 int64_t now_us, struct who *out, struct err *err)
{
	enum rc rc = need_right(v, RIGHT_READ, err);

	return rc == RC_OK ? route_who(d, e, text, now_us, out, err) : rc;
}

const struct contact *read_contacts(const struct viewer *v, const struct org *o, size_t *count_out)
{
	bool may = o && right_includes(v->right, RIGHT_READ) && !viewer_cuts_personal(v);

	*count_out = may ? o->contact_count : 0;
	return may ? o->contacts : NULL;
}
