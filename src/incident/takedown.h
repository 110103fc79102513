/* SPDX-License-Identifier: Apache-2.0 */
/* takedown.h: one URL or domain that should go, and those who can take it down.
 *
 * A record of a type that means "takedown.asked" names the target and, as rows ("message.parties"), who
 * can do something: asset holder, host, network, registrar, content delivery network, platform, block
 * list. They are proposed from the directory, from the contacts of last resort and from
 * DIR/platforms.json; a registry is asked by RDAP where settings say which, unless the target is RED, held or of an
 * exercise. Nobody is told before a person says whom. Then each gets a message by the outbox,
 * again every so often while the target is up (`every`, setting takedown_repeat), thanks when it is
 * down, and another when it came back.
 *
 * Whether it is up is looked at through a proxy that an administrator names (settings takedown_check,
 * takedown_proxy), never from the node's own address: status, head, digest of the body and the answer of
 * DNS are kept as a row each, the body is not. "Down" is written after takedown_looks looks in a row that
 * found nothing, with these as proof; "came back" after as many that found something. What is of an
 * exercise, held, or of an incident about violence or abuse of children is never looked at.
 *
 * The table takedown_watch follows the records by a hook; what is due is done in the background. */
#ifndef RONDA_INCIDENT_TAKEDOWN_H
#define RONDA_INCIDENT_TAKEDOWN_H

#include "base/settings.h"
#include "base/snapshot.h"
#include "disclosure/change.h"
#include "disclosure/policy.h"
#include "enrich/enrich.h"
#include "notify/notify.h"

struct takedowns;
struct takedown_look;
enum { TAKEDOWN_ADDRESSES_MOST = 32 };
/* How names are looked up and targets looked at: the node's part (node/takedown_sight.h). */
struct takedown_sight {
	/* RC_INPUT: a setting that cannot be. */
	enum rc (*check)(void *ctx, struct err *err);
	/* Fills status, digest, bytes, head and words; no answer is RC_OK with status 0. */
	enum rc (*look)(void *ctx, str url, struct arena *a, struct takedown_look *out, struct err *err);
	/* RC_DENIED: no name server is set. RC_ABSENT: there is no such name (NXDOMAIN). */
	enum rc (*resolve)(void *ctx, str host, struct ip out[TAKEDOWN_ADDRESSES_MOST], size_t *count_out,
			   struct err *err);
	/* Asks a registry whom to write to about an address or a domain, unless it was asked lately: what it says is
	 * among the contacts of last resort then. RC_DENIED: settings do not say which. RC_BUSY: it was not reached. */
	enum rc (*ask_registry)(void *ctx, str what, str actor, struct err *err);
	void *ctx;
};
struct takedown_world {
	struct store *store;
	struct records *records;
	struct journal *journal;
	struct policies *policies;
	struct roles *roles;
	struct notify *notify;
	const struct settings *settings;
	struct log *log;
	const struct enrich *enrich;
	struct snapshot *directory, *contacts; /* struct directory, struct fallback; contacts may be NULL */
	struct takedown_sight sight;
};
/* Registers its hook and its background work. RC_INPUT: a setting that cannot be. */
MUST_CHECK enum rc takedowns_open(const struct takedown_world *w, struct takedowns **out, struct err *err);
void takedowns_close(struct takedowns *t); /* when nobody writes any more; NULL is fine */
/* The thread that looks, where setting takedown_check is on. */
MUST_CHECK enum rc takedowns_start(struct takedowns *t, struct err *err);
void takedowns_stop(struct takedowns *t); /* NULL is fine */

/* --- making --- */

struct takedown_new {
	str incident;              /* id; STR_NONE: of none. Its labels are taken over */
	str target;                /* URL or domain, defanged or not */
	str fields;                /* JSON object over what is filled in; STR_NONE */
	str language;
};
/* Proposes the parties, makes the record and links it with the incident: one job. *said_out (may be NULL): a
 * sentence when a registry was not asked who they are, "": it was. */
MUST_CHECK enum rc takedown_make(struct takedowns *t, const struct viewer *v, const struct takedown_new *q,
				 struct arena *a, str *id_out, str *said_out, struct change_errors *errors, struct err *err);
/* Adds to its rows who is not among them; *added_out: how many; *said_out as above. */
MUST_CHECK enum rc takedown_propose(struct takedowns *t, const struct viewer *v, str id, struct arena *a,
				    size_t *added_out, str *said_out, struct err *err);

/* --- asking --- */

enum { TAKEDOWN_PARTIES_MOST = 50 };
/* One of its rows. `key` names it as long as role and address stand. */
struct takedown_party {
	str key, role, organisation, name, email, form, language, found, tell, answer, answered, words;
};
struct takedown_line {
	struct takedown_party party;
	str recipient, driver;     /* driver "": it has no contact */
	bool told;                 /* something is said; else `words` say why not */
	str language, subject, text, address, words;
};
typedef bool (*takedown_each)(void *ctx, const struct takedown_line *l);
struct takedown_ask {
	str id;
	const str *parties; size_t party_count; /* keys or roles; none: all that are proposed or asked */
	bool dry_run;              /* says who would be told what, exactly; changes nothing */
};
/* *count_out: how many messages. Each party is given to `each` (NULL: to nobody). RC_INPUT: nobody of
 * that name. RC_CONFLICT: it is in a state in which nobody is asked. */
MUST_CHECK enum rc takedown_ask(struct takedowns *t, const struct viewer *v, const struct takedown_ask *q,
				struct arena *a, takedown_each each, void *ctx, size_t *count_out,
				struct err *err);
/* What a party said: "acknowledged", "done", "refused". The first moves the record on; after the
 * second it is looked at at once. */
MUST_CHECK enum rc takedown_answer(struct takedowns *t, const struct viewer *v, str id, str party, str answer,
				   str words, struct arena *a, struct err *err);

/* --- looking --- */

enum look_outcome { LOOK_UP = 1, LOOK_GONE, LOOK_UNKNOWN };
const char *look_outcome_name(enum look_outcome o); /* "up", "gone", "unknown" */
struct takedown_look {
	int64_t at_us;
	enum look_outcome outcome;
	int status;                /* 0: there was no answer */
	str digest;                /* SHA-256 of the body as far as it was read, hex; "" */
	int64_t bytes;
	str head, dns, words;      /* at most 4 KiB each; plain. dns: addresses, "NXDOMAIN", "" not asked */
};
/* What an answer means. Pure. */
enum look_outcome takedown_judge(int status, bool nxdomain, bool whole_domain);
/* Now, by hand: the same way and with the same consequences. RC_DENIED: it is switched off, or this one
 * is never looked at. */
MUST_CHECK enum rc takedown_look_now(struct takedowns *t, const struct viewer *v, str id, struct arena *a,
				     struct takedown_look *out, struct err *err);

/* --- reading --- */

struct takedown_asked {
	str key, template, state, words; /* of the message as it stands; words: of its last try */
	int64_t at_us, message, sent_us;
	str answer;                /* of the ledger; "" */
};
struct takedown_status {
	str target;                /* defanged */
	struct takedown_party parties[TAKEDOWN_PARTIES_MOST];
	size_t party_count;
	struct takedown_asked *asked; size_t asked_count; /* oldest first */
	struct takedown_look *looks; size_t look_count;   /* newest first, at most 100 */
	int64_t asked_us, down_us, next_ask_us, next_look_us; /* 0: not */
	int64_t gone_run, up_run, rounds, relapses;
	const char *next_step;     /* static sentence, English; "" */
	bool open;
};
/* For our own people: others get RC_ABSENT. */
MUST_CHECK enum rc takedown_read(struct takedowns *t, struct reader *r, const struct types *types,
				 const struct viewer *v, str id, struct arena *a, struct takedown_status *out,
				 struct err *err);
struct takedown_open {
	str id, name;
	const char *state;
	int64_t asked_us, hours, rounds, relapses; /* hours: since it was asked; until it went down */
	str last;                  /* last look: "up 200", "gone 404"; "" */
	bool open;
};
struct takedown_board {
	struct takedown_open *list; size_t count; /* open ones first, longest open first; at most 1,000 */
	size_t open, down;
	int64_t median_hours;      /* from asked to down, of those that are down; -1: none */
};
MUST_CHECK enum rc takedown_board_read(struct reader *r, const struct types *types, const struct viewer *v,
				       struct arena *a, struct takedown_board *out, struct err *err);
/* Is it of a type that is a takedown? */
bool takedown_is(const struct type *t);

#endif
