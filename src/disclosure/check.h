/* SPDX-License-Identifier: Apache-2.0 */
/* check.h: may this leave, to this recipient, by this channel, for this
 * purpose, under this policy?
 *
 * Pure, table driven (check.def), default NO. Every output passes it: screens,
 * searches, counts, exports, mail, feeds, partners, logs. An item is described
 * by its label set, never by its content. A marking that was not understood
 * counts as RED; a missing recipient and any value outside its enum give NO.
 * TLP 2.0 is FIRST's standard. docs/disclosure.md shows the table. */
#ifndef RONDA_DISCLOSURE_CHECK_H
#define RONDA_DISCLOSURE_CHECK_H

#include "event/fields.h"

enum recipient_kind {
	RECIPIENT_NONE, /* missing: always no */
	RECIPIENT_PUBLIC,     /* anyone */
	RECIPIENT_STAFF,      /* a person or token of this node's organisation */
	RECIPIENT_CONSTITUENT,/* the organisation the item is about */
	RECIPIENT_COMMUNITY,  /* a peer in the community, by machine or not */
	RECIPIENT_PARTNER,    /* another node, by machine */
	RECIPIENT_LOG,        /* logs, metrics, crash texts */
	RECIPIENT_KINDS
};
enum channel { CHANNEL_NONE, CHANNEL_SCREEN, CHANNEL_API, CHANNEL_CLI, CHANNEL_EXPORT, CHANNEL_MAIL,
	       CHANNEL_WEBHOOK, CHANNEL_FEED, CHANNEL_SYNC, CHANNEL_LOG, CHANNELS };
enum purpose { PURPOSE_NONE, PURPOSE_HANDLING, PURPOSE_STATISTICS, PURPOSE_OPERATION, PURPOSES };

struct labels {
	enum tlp tlp;       /* TLP_COUNT: a marking that was not understood: as RED */
	bool personal;      /* the item has personal fields */
	bool exercise;      /* made in a drill */
	bool about_recipient; /* the recipient's own asset */
	bool held;          /* a person stopped it: only our own people see it, to handle it */
	uint64_t sources;   /* for counts: how many sources it was made from; 1 for an item */
};

struct recipient {
	enum recipient_kind kind;
	enum tlp ceiling;     /* token scope: never more than this */
	bool named;           /* one named person (RED may reach only these) */
	bool personal_basis;  /* a legal basis for personal fields is set for this recipient */
	bool exercise_member; /* takes part in the drill */
};

enum { PUBLIC_K_LEAST = 5 };
struct policy {
	uint64_t number; /* the snapshot's number: goes into the ledger */
	uint64_t public_k; /* public counts from this many sources; below PUBLIC_K_LEAST it is that */
};

enum verdict { DISCLOSE_NO, DISCLOSE_REDACT, DISCLOSE_YES };
struct decision {
	enum verdict verdict;
	const char *rule; /* static sentence: which rule decided */
};

struct decision may_disclose(const struct labels *item, const struct recipient *to,
			     enum channel channel, enum purpose purpose,
			     const struct policy *policy);

/* The TLP markings this recipient may see on this channel at all, as a bit mask
 * for queries: made from may_disclose itself, so the two cannot differ. */
uint32_t disclosure_tlp_mask(const struct recipient *to, enum channel channel, enum purpose purpose,
			     const struct policy *policy);

#endif
