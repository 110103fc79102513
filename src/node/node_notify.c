/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node_notify.h"

#include "notify/answers.h"
#include "notify/letter_state.h"
#include "notify/own_texts.h"
#include "notify/round.h"
#include "notify/subscribers.h"
#include "notify/teller.h"

#define RESOLVER(name) extern const struct resolver resolver_##name;
#include "resolvers.def"
#undef RESOLVER
static const struct resolver *const resolvers[] = {
#define RESOLVER(name) &resolver_##name,
#include "resolvers.def"
#undef RESOLVER
};

enum rc node_notify_open(struct node *n, struct err *err)
{
	const struct notify_world w = {
		.store = n->store, .records = n->records, .roles = n->roles, .policies = n->policies,
		.calendar = n->calendar, .settings = n->settings, .log = n->log, .resolvers = resolvers,
		.resolver_count = COUNT_OF(resolvers), .mail_writer = n->mail_writer,
		.mail_reader = n->mail_reader, .crypto = n->crypto, .contacts = n->contacts,
	};
	enum rc rc = notify_open(&w, &n->notify, err);
	if (rc == RC_OK) {
		rounds_open(n->notify);
		own_texts_open(n->notify);
		letter_state_open(n->notify);
		teller_open(n->notify);
		answers_open(n->notify);
		subscribers_open(n->notify);
	}
	return rc;
}

void node_notify_close(struct node *n)
{
	notify_close(n->notify);
	n->notify = NULL;
}
