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

void last_resort_json(const struct fallback_hit *list, size_t count, int64_t now_us, struct json_out *j)
{
	char day[16];

	json_key(j, STR("last_resort"));
	json_open(j, '[');
	for (size_t i = 0; i < count; i++) {
		const struct fallback_hit *h = &list[i];

		json_open(j, '{');
		json_put_str(j, "email", h->email);
		json_put_str(j, "name", h->name);
		json_put_str(j, "source", h->source);
		json_put_str(j, "seen", time_day_str(day, (int64_t)h->seen_day * DAY_US));
		json_put_i64(j, "days_old", time_day(now_us) - h->seen_day);
		json_put_i64(j, "trust", h->trust);
		json_put_str(j, "reason", str_of(h->reason));
		json_close(j, '}');
	}
	json_close(j, ']');
}
