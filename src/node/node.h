/* SPDX-License-Identifier: Apache-2.0 */
/* node.h: the running program: opens everything in order, ties the floors.
 *
 * `struct node` is what main makes; everything gets it or less. Several nodes
 * may live in one process (tests). node_open takes DIR's lock; a CLI that
 * finds DIR locked speaks to the running node over DIR/sock instead
 * (node/control.h), with the same rights and the same check. */
#ifndef RONDA_NODE_NODE_H
#define RONDA_NODE_NODE_H

#include <stdatomic.h>

#include "base/calls.h"
#include "base/queue.h"
#include "base/settings.h"
#include "base/snapshot.h"
#include "disclosure/account.h"
#include "disclosure/policy.h"
#include "disclosure/read.h"
#include "disclosure/secrets.h"
#include "intake/child.h"
#include "intake/feeds.h"
#include "record/erase.h"
#include "record/record.h"
#include "store/repeats.h"

struct exchange;
struct notify;
struct pipeline;

struct node {
	char *dir;
	struct settings *settings;      /* swapped on SIGHUP by the owner thread only */
	struct log *log;
	struct starter *starter;
	struct store *store;
	struct journal *journal;
	struct secrets *secrets;        /* disclosure/secrets.h */
	struct roles *roles;            /* roles.json and DIR/roles.json; as long as the node */
	struct erase *erase;            /* what is being erased */
	int64_t retention_us;           /* when the background last found nothing to end */
	int64_t forget_us;              /* the same of old days (forget.h) */
	atomic_bool destroying;         /* one thread at a time works at it (destroy.h) */
	struct repeats *repeats;
	struct enrich *enrich;
	struct snapshot *directory;     /* of struct directory */
	struct directory_records *organisations; /* the records it is made of */
	struct snapshot *contacts;      /* of last resort: struct fallback */
	struct snapshot *types;         /* of struct types: built in, and DIR/types */
	struct calendar *calendar;      /* business hours and holidays */
	struct records *records;
	struct takedowns *takedowns;    /* incident/takedown.h */
	struct duty *duty;              /* who has the watch */
	struct evidence *evidence;
	struct parser_pool *parsers;
	struct calls *mail_writer, *mail_reader, *crypto; /* helpers of mail; NULL without a starter */
	struct pipeline *pipeline;      /* pipeline.h */
	const struct marks *marks;      /* DIR/marks.json over the built-in ones */
	struct policies *policies;      /* agreements in force and all else: disclosure/policy.h */
	struct notify *notify;          /* notify/notify.h; its senders run while the node serves */
	const char *const *overrides;   /* of node_options, the caller's; read again on SIGHUP */
	size_t override_count;
	struct exchange *exchange;      /* exchange/exchange.h; its courier runs while the node serves */
	bool demo;                      /* every page says DEMONSTRATION */
	const char *beside;             /* of a demonstration: who started it with others (beside.h); NULL: nobody */
};

struct node_options {
	const char *const *overrides; /* "name=value"; they outlive the node */
	size_t override_count;
	bool parsers;   /* start the starter: commands that read only leave it out */
};
MUST_CHECK enum rc node_create(const char *dir, const char *name, const char *country,
			       char *secret_out, size_t secret_size, struct err *err);
/* The same with the first account, all or nothing: of the Unix user who makes the node. In a small
 * team it has every role inside but the auditor's, in a large one the administrator's. */
struct node_founder {
	enum team_size team;
	const char *account; /* its name */
	uint32_t uid;
};
MUST_CHECK enum rc node_create_for(const char *dir, const char *name, const char *country,
				   const struct node_founder *founder, char *secret_out,
				   size_t secret_size, struct err *err);
MUST_CHECK enum rc node_open(const char *dir, const struct node_options *o, struct node **out,
			     struct err *err);
void node_close(struct node *n);

/* Who asks on the command line: the rights of the Unix user's account. The directory's owner and
 * root are let in without one, or with one that is disabled, and operate then as ever; RC_DENIED:
 * another without one. */
MUST_CHECK enum rc node_viewer_unix(struct node *n, uint32_t uid, struct viewer *out, struct err *err);
/* Opens DIR/sock to other Unix users when some have an account, else closes it; whom it answers
 * is decided at each call all the same. Call it after accounts changed. */
void node_socket_mode(struct node *n);

/* A held directory table; end with snapshot_drop(n->directory, ref). */
struct snapshot_ref *node_directory(struct node *n);
/* Builds and swaps the table now: for who asks right after he changed it. A thread does it within
 * a moment of any commit that changed an organisation (DIRECTORY_EVERY_US). */
MUST_CHECK enum rc node_directory_reload(struct node *n, struct err *err);
/* The same when the rows are newer than the table. */
MUST_CHECK enum rc node_directory_follow(struct node *n, struct err *err);

/* Held contacts of last resort; end with snapshot_drop(n->contacts, ref). NULL: there are none. */
struct snapshot_ref *node_contacts(struct node *n);
/* After they changed. */
MUST_CHECK enum rc node_contacts_reload(struct node *n, struct err *err);

#endif
