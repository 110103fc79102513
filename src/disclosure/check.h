/* SPDX-License-Identifier: Apache-2.0 */
/* check.h: may this leave, to this recipient, by this channel, for this
 * purpose, under this policy?
 *
 * Pure, table driven (check.def), default NO. Every output passes it: screens,
 * searches, counts, exports, mail, feeds, partners, logs. An item is described
 * by its label set, never by its content. A marking that was not understood
 * counts as RED; a missing recipient and any value outside its enum give NO.
 * TLP 2.0 is FIRST's standard; PAP (permissible actions protocol) is MISP's
 * taxonomy of that name. docs/disclosure.md shows the table. */
#ifndef RONDA_DISCLOSURE_CHECK_H
#define RONDA_DISCLOSURE_CHECK_H

#include "disclosure/marks.h"
#include "record/record.h"

enum channel { CHANNEL_NONE, CHANNEL_SCREEN, CHANNEL_API, CHANNEL_CLI, CHANNEL_EXPORT, CHANNEL_MAIL,
	       CHANNEL_WEBHOOK, CHANNEL_FEED, CHANNEL_SYNC, CHANNEL_LOG, CHANNELS };
enum purpose {
	PURPOSE_NONE,
	PURPOSE_HANDLING,   /* to read, work, warn, pass on by hand */
	PURPOSE_STATISTICS, /* counts */
	PURPOSE_OPERATION,  /* running the node */
	PURPOSE_LOOKUP,     /* asking a third party about it: PAP:AMBER at most */
	PURPOSE_ACTION,     /* what can be noticed (block, scan, contact): PAP:GREEN at most */
	PURPOSES
};
const char *purpose_name(enum purpose p);
const char *channel_name(enum channel c);

/* One item as one recipient stands to it. All zero but sources: an event. */
struct labels {
	enum tlp tlp;       /* TLP_COUNT: a marking that was not understood: as RED */
	enum pap pap;       /* PAP_COUNT: not understood: as PAP:RED and TLP:RED */
	uint32_t uncleared; /* bit per recipient_kind its classification keeps out: labels_classify() */
	uint32_t unlicensed;/* ... the terms of its source keep out: labels_license(); */
	bool unlicensed_own;/* even of its own assets */
	bool personal;      /* the item has personal fields */
	bool sealed;        /* ... or sealed ones */
	bool exercise;      /* made in a drill */
	bool about_recipient; /* the recipient's own asset */
	bool held;          /* a person stopped it: only our own people see it, to handle it */
	bool foreign;       /* its source is somebody else: TLP:AMBER and up are not ours to widen */
	bool excluded;      /* made for some organisations, of which the recipient's is none */
	bool invited;       /* ... of which it is one */
	bool for_named, names_recipient; /* RED reaches the persons it names; this is one */
	uint64_t sources;   /* for counts: how many sources it was made from; 1 for an item */
};
/* Adds what a national classification and the terms of a source ask for; "" nothing. One that
 * is not understood: as TLP:RED, for our own people alone; passed on to nobody. */
void labels_classify(struct labels *into, const struct marks *m, str name);
void labels_license(struct labels *into, const struct marks *m, str name);
/* What is made from both carries the strictest of each label: whoever may not have one of them
 * may not have it. */
void labels_strictest(struct labels *into, const struct labels *other);

struct recipient {
	enum recipient_kind kind;
	enum tlp ceiling;     /* token scope: never more than this */
	bool named;           /* one named person (RED may reach only these) */
	bool personal_basis;  /* a legal basis for personal fields is set for this recipient */
	bool exercise_member; /* takes part in the drill */
	bool agreement;       /* an agreement with this recipient is in force ... */
	enum tlp agreed;      /* ... for markings up to these */
	enum pap agreed_pap;
	bool members_hidden;  /* by one of the agreements: not told which others take part (check.h itself does not ask) */
	bool opened;          /* holds the key of this item's sealed fields, in this session */
};

enum { PUBLIC_K_LEAST = 5 };
struct policy {
	uint64_t number; /* the snapshot's number: goes into the ledger */
	uint64_t public_k; /* public counts from this many sources; below PUBLIC_K_LEAST it is that */
	const struct marks *marks; /* lives as long as the node; NULL: the built-in ones */
};
const struct marks *policy_marks(const struct policy *p); /* NULL is fine */

enum verdict { DISCLOSE_NO, DISCLOSE_REDACT, DISCLOSE_YES };
enum { CUT_PERSONAL = 1, CUT_SEALED = 2 };
struct decision {
	enum verdict verdict;
	unsigned cut;     /* DISCLOSE_REDACT: which fields */
	const char *rule; /* static sentence: which rule decided */
};

struct decision may_disclose(const struct labels *item, const struct recipient *to,
			     enum channel channel, enum purpose purpose,
			     const struct policy *policy);

/* Does a field shared so reach this recipient, once the item does? Personal is another matter. */
bool share_reaches(enum share share, const struct labels *item, const struct recipient *to);

/* The TLP markings this recipient may see on this channel at all, as a bit mask
 * for queries: made from may_disclose itself, so the two cannot differ. */
uint32_t disclosure_tlp_mask(const struct recipient *to, enum channel channel, enum purpose purpose,
			     const struct policy *policy);

#endif
