/* SPDX-License-Identifier: Apache-2.0 */
/* finding_key.h: what of an event makes its finding, by findings.def. */
#ifndef RONDA_ROUTE_FINDING_KEY_H
#define RONDA_ROUTE_FINDING_KEY_H

#include "base/hash.h"
#include "event/batch.h"

/* What the key and the finding are made of; views into the batch. */
struct finding_facts {
	str type, identifier, severity, cc, fqdn, url, account, malware, transport;
	struct ip ip;
	struct net net;
	bool has_ip, has_net, has_port, has_destination, exercise;
	uint32_t asn, port;
	enum tlp tlp;    /* RED when the event has none */
	uint8_t confidence; /* feed.accuracy + 1, cut to a whole number; 0: not stated */
	int64_t time_us; /* time.source; TIME_NONE */
};
void finding_facts_of(const struct batch *b, const struct row *r, struct finding_facts *out);

/* Writes the key's bytes, of which the id is the keyed hash, and its words for
 * people ("ip 198.18.0.1 port 23"; no personal data). With `per_event` time and
 * source port belong to it: behind a shared address each event stands alone.
 * False: an event that makes no finding. */
bool finding_key(const struct finding_facts *f, bool per_event, struct buf *key, struct buf *words);

#endif
