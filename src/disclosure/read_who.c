/* SPDX-License-Identifier: Apache-2.0 */
/* The directory for output. */
#include "disclosure/read_private.h"

enum rc read_who(const struct viewer *v, const struct directory *d, const struct enrich *e, str text,
		 int64_t now_us, struct who *out, struct err *err)
{
	enum rc rc = need_right(v, RIGHT_READ, err);

	return rc == RC_OK ? route_who(d, e, text, now_us, out, err) : rc;
}

enum rc read_contacts(struct reader *r, const struct viewer *v, const struct org *o, struct arena *a,
		      struct contact **out, size_t *count_out, struct err *err)
{
	*out = NULL;
	*count_out = 0;
	if (!o || !right_includes(v->right, RIGHT_READ) || viewer_cuts_personal(v))
		return RC_OK;
	return directory_org_contacts(reader_conn(r), o->id, a, out, count_out, err);
}

size_t read_last_resort(const struct viewer *v, const struct directory *d, const struct fallback *f,
			int64_t now_us, struct who *w, struct fallback_hit out[FALLBACK_HITS_MAX])
{
	const struct who_asked *asked = &w->asked;
	const struct fallback_ask ask = { .ip = asked->has_ip ? &asked->ip : NULL, .asn = asked->asn,
					  .fqdn = str_of(asked->fqdn) };
	char cc[3];

	if (!right_includes(v->right, RIGHT_READ))
		return 0;
	if (d && !w->facts.cc[0] && ask.ip && fallback_country(f, ask.ip, cc))
		route_who_country(d, cc, now_us, w);
	return viewer_cuts_personal(v) ? 0 : fallback_find(f, &ask, out);
}
