/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts of last resort: who they are, and what is theirs. */
#include "disclosure/told_private.h"

#include "event/normalise.h"
#include "intake/feeds.h"

enum rc told_last_resort(struct policies *p, struct snapshot *contacts, str email, enum tlp ceiling,
			 enum channel channel, struct told_to *out, struct err *err)
{
	enum rc rc = told_outsider(p, RECIPIENT_COMMUNITY, ceiling, (struct uuid){ { 0 } }, false, channel, out, err);

	out->contacts = contacts;
	out->email = email;
	return rc;
}

/* The second word of its key, as findings.def has them. */
static bool take_subject(const struct finding *f, struct ip *ip, struct fallback_ask *ask)
{
	str rest = f->key, kind = str_cut(&rest, ' '), subject = str_cut(&rest, ' '), host = subject;
	struct net net;

	*ask = (struct fallback_ask){ .asn = f->asn, .fqdn = STR("") };
	if (str_eq(kind, STR("url")) && !url_host(subject, &host))
		return false;
	if (str_eq(kind, STR("net")) && net_parse(subject, false, &net)) {
		*ip = net.ip;
		ask->ip = ip;
	} else if ((str_eq(kind, STR("ip")) || str_eq(kind, STR("url"))) && ip_parse(host, ip)) {
		ask->ip = ip;
	} else if (str_eq(kind, STR("domain")) || str_eq(kind, STR("url"))) {
		ask->fqdn = host;
	}
	return ask->ip || ask->fqdn.n || str_eq(kind, STR("asn"));
}

size_t told_last_resort_of(const struct fallback *f, const struct finding *finding,
			   struct fallback_hit out[FALLBACK_HITS_MAX])
{
	struct fallback_ask ask;
	struct ip ip;

	return !finding->exercise && take_subject(finding, &ip, &ask) ? fallback_find(f, &ask, out) : 0;
}

enum rc told_last_resort_terms(struct reader *r, const struct told_to *to, const struct finding *f, struct arena *a,
			       struct labels *into, struct err *err)
{
	const struct marks *m = policy_marks(&to->viewer.policy);
	struct finding_feed *list;
	size_t n = 0;
	enum rc rc = findings_feeds(r, f->id, a, &list, &n, err);

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		struct feed feed;

		rc = feed_by_id(reader_conn(r), list[i].feed, a, &feed, err);
		labels_license(into, m, rc == RC_OK ? feed.licence : STR("?"));
		rc = rc == RC_ABSENT ? RC_OK : rc;
	}
	return rc;
}

bool told_last_resort_is(const struct told_to *to, const struct finding *finding)
{
	struct fallback_hit hits[FALLBACK_HITS_MAX];
	struct snapshot_ref *held = snapshot_hold(to->contacts);
	size_t n = told_last_resort_of(snapshot_table(held), finding, hits);
	bool is = false;

	for (size_t i = 0; i < n && !is; i++)
		is = str_eq_nocase(hits[i].email, to->email);
	snapshot_drop(to->contacts, held);
	return is;
}
