/* SPDX-License-Identifier: Apache-2.0 */
/* contacts.h: people outside who were written to by their address alone, without a record: contacts of last
 * resort (recipient "contact:ADDRESS", last_resort.h) and those of correspondence ("address:ADDRESS").
 *
 * Such a person is named "contact:HEX", HEX being a keyed hash of the address (ASCII letters without case): a list
 * of what was found and the journal say by it whom they mean and not who he is. To erase "contact:HEX" puts HEX
 * where the address stood, in outbox, ledger, rules' messages and answers: that somebody was told, when and what,
 * stays, and that it was always the same. What waits for him is refused. The hash stays in tell_contact too, so that
 * no rule writes to a contact of last resort that was erased, whatever a registry says. */
#ifndef RONDA_NOTIFY_CONTACTS_H
#define RONDA_NOTIFY_CONTACTS_H

#include "notify/notify.h"

/* Of an address: a UUID of form 8 (RFC 9562, section 5.8), which no record has. */
struct uuid contact_id(const struct key *node_secret, str email);
/* "contact:HEX" of it, in `a`. */
str contact_object(const struct key *node_secret, str email, struct arena *a);

struct contact_row {
	str object, email;
	str recipient;             /* as it stands in the ledger: where to go on behind */
	uint64_t messages;
	int64_t first_us;          /* of these; 0: none was made */
	bool last_resort;
};
/* Those with an address behind a recipient ("": from the first), in order; one with both kinds of recipient twice.
 * The caller has asked who may read it. */
MUST_CHECK enum rc contacts_list(struct conn *c, const struct key *node_secret, str after, size_t limit, struct arena *a,
				 struct contact_row **out, size_t *count_out, struct err *err);
/* By its "contact:HEX": its first recipient, what went to all of them. RC_ABSENT: there is none, or no more. */
MUST_CHECK enum rc contact_find(struct conn *c, const struct key *node_secret, str object, struct arena *a,
				struct contact_row *out, struct err *err);

#endif
