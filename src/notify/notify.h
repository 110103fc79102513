/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h: what is to be told goes out of the house here.
 *
 * Whatever a CERT tells somebody is a row of the outbox first (record/outbox.h): whom, about which
 * item, by which template. The senders take the rows, a driver for each way of sending. At each try
 * they look up anew where the recipient is reached, ask the disclosure check anew what he may be
 * told, render the text in his language, send it, and write how it ended with its row of the ledger.
 *
 *   row -> resolver: who, where -> told.h: may he -> template: text -> rehearsal.h: is he live
 *       -> driver: send -> ledger
 *
 * One row adds a driver (drivers.def), a way to find somebody (resolvers.def, also from a floor
 * above: "duty:now"), a text (templates.def). At most one message a second goes to one host; what
 * is urgent goes first. Threads: one that hands out, some that send (sender.c). */
#ifndef RONDA_NOTIFY_NOTIFY_H
#define RONDA_NOTIFY_NOTIFY_H

#include "base/calls.h"
#include "base/settings.h"
#include "disclosure/told.h"
#include "record/calendar.h"
#include "record/outbox.h"

struct notify;
struct driver;
struct resolver;

/* What the senders of one node work with; all of it outlives them. */
struct notify_world {
	struct store *store;
	struct records *records;
	struct roles *roles;
	struct policies *policies;
	struct calendar *calendar;
	const struct settings *settings;
	struct log *log;
	const struct resolver *const *resolvers;
	size_t resolver_count;
	struct snapshot *contacts; /* of last resort: struct fallback (route/fallback.h); NULL: none */
	struct calls *mail_writer, *mail_reader, *crypto; /* NULL: this process starts no helpers */
};

/* Compiles templates and mappings. RC_INPUT names what is wrong in one of the node's own. */
MUST_CHECK enum rc notify_open(const struct notify_world *w, struct notify **out, struct err *err);
void notify_close(struct notify *n); /* stopped; NULL is fine */
/* Starts the senders, if setting send_messages is on: reads the file of destinations. */
MUST_CHECK enum rc notify_start(struct notify *n, struct err *err);
/* What is being sent is finished (a server that hangs: at most its time limit); the rest is queued
 * again. */
void notify_stop(struct notify *n);
/* Are the file of destinations and DIR/mappings sound? Opens no store. */
MUST_CHECK enum rc notify_check(struct io_dir *dir, const struct settings *s, struct err *err);
/* For verify: what is wrong with the rows of messages, answers and mails; `words_out` takes 200 bytes, "": nothing. */
MUST_CHECK enum rc notify_verify(struct conn *c, char *words_out, struct err *err);
const struct notify_world *notify_world_of(const struct notify *n);
/* "": they run; else why nothing is sent by itself. */
const char *notify_idle(const struct notify *n);

/* --- who, and where --- */

struct resolving {
	const struct notify *n;
	struct reader *r;
	const struct types *types;
	const struct driver *driver;
	enum lane lane;
	int64_t now_us;
	struct arena *a;
};
struct reached {
	struct told_to to;
	str address;          /* as the driver takes it; "" for one that needs none */
	str name;             /* of who reads it, for the envelope */
	str languages;        /* by space, in the order they like; "": English */
	bool ours;            /* a person of ours: gets a link */
	str record;           /* id of the record it was found in; "" */
	str key;              /* fingerprint of the key that mail is encrypted to; "": none is known */
	bool key_needed;      /* mail only encrypted, whatever it says */
	int64_t retry_us;     /* RC_BUSY: how long to wait; 0: the growing pause */
};
/* A way to find who a recipient is and where he is reached by this driver. RC_ABSENT: never, as
 * things stand (no such person, no such address): the message fails with these words. RC_BUSY: not
 * now (nobody on duty, office closed): it is tried again. */
struct resolver {
	const char *name;     /* "duty" */
	const char *help;     /* which recipients it takes: "duty:now, duty:next" */
	bool (*takes)(str recipient);
	enum rc (*find)(const struct resolving *k, str recipient, struct reached *out, struct err *err);
};
/* By the table; also for a resolver that goes on with whom it found ("person--UUID"). */
MUST_CHECK enum rc notify_resolve(const struct resolving *k, str recipient, struct reached *out,
				  struct err *err);

/* --- what --- */

struct rendering {
	struct reached who;
	const char *rule;     /* of the check that decided */
	str cut;              /* fields that were cut, by comma */
	size_t left_out;      /* things it covers that may not be told */
	bool bare;            /* says nothing of the item, which may not be told by this way */
	enum tlp tlp;         /* strictest of what it tells; TLP_COUNT: not understood */
	str subject, text;    /* text: lines; both plain */
	str link;             /* "" for who has no page here */
	str rehearsed_for;    /* whom it is for, when it goes to our own address instead; "": it is no rehearsal */
	struct json_object *data; /* what templates and mappings see; json_free() */
};
/* What a message says to its recipient as things stand; nothing is sent or written. RC_DENIED: the
 * check refuses (out->rule). RC_ABSENT, RC_BUSY: as a resolver, or what it is about is gone. */
MUST_CHECK enum rc notify_render(const struct notify *n, struct reader *r, const struct types *t,
				 const struct message *m, struct arena *a, struct rendering *out,
				 struct err *err);
/* The same before the message is in the outbox. */
struct render_as {
	const struct cover *covers;
	size_t cover_count;
	bool invited;         /* the recipient stands on the list that the item is made for */
	bool no_names;        /* for somebody who looks at it and may not see persons: no name, no address */
	str languages;        /* instead of theirs; "": theirs */
	const struct viewer *reader; /* one of theirs who signed in: at his own ceiling; NULL: whoever gets it */
	bool shown;           /* on a page of ours: no link by which it is answered, or anybody comes in */
};
MUST_CHECK enum rc notify_render_as(const struct notify *n, struct reader *r, const struct types *t,
				    const struct message *m, const struct render_as *as, struct arena *a,
				    struct rendering *out, struct err *err);
/* What a message says, for a page that shows it to who has it already: whatever the hour, by `driver` ("print":
 * whoever has the link, "portal": one of theirs who signed in, `reader`), in `language` ("": as they like). */
MUST_CHECK enum rc notify_render_shown(const struct notify *n, struct reader *r, const struct types *t,
				       const struct message *m, const char *driver, const struct viewer *reader,
				       str language, struct arena *a, struct rendering *out, struct err *err);
/* By which driver an organisation is best told: as the contact says that comes first for `role` ("":
 * any), else by what it has. *contact_out: that row's place, from 0; -1: it has none. RC_ABSENT: no
 * such organisation, or not in use. */
MUST_CHECK enum rc notify_choose(const struct notify *n, struct reader *r, const struct types *t,
				 str recipient, struct arena *a, const char **driver_out,
				 int *contact_out, struct err *err);

/* --- drivers --- */

/* One try of one message. */
struct sending {
	const struct notify *n;
	const struct message *m;
	const struct rendering *what;
	struct arena *a;
	void *made;            /* by the driver's make(); NULL: it has none */
};
struct driver {
	const char *name, *help;
	enum channel channel;  /* for the check */
	const char *column;    /* of a contact: where its address stands; NULL: it needs none */
	const char *pager;     /* field of a person: the same; NULL: none */
	/* What send() needs of the store, in s->a: read in the view in which the message was rendered, which ends before
	 * a server is spoken to. What goes wrong is kept for send() to tell. NULL: nothing is needed. */
	void *(*make)(const struct sending *s, struct reader *r, const struct types *t);
	/* NULL: waits for a person, who prints it. Blocks; calls notify_draining() just before the last
	 * byte that may make a difference goes out, and gives up when that is not RC_OK. */
	struct outcome_of (*send)(const struct sending *s);
	/* Whom the pace counts for ("hooks.example.org"); NULL: the driver as a whole. */
	str (*host)(const struct notify *n, str address, struct arena *a);
	/* As much of subject and text as it can carry, `tail` at the end; NULL: all. */
	void (*shorten)(str text, str tail, struct buf *out);
	/* Why it cannot send as the node is set up; NULL: it can, or needs nothing. */
	const char *(*lacks)(const struct notify *n);
	/* Does it rest for a moment, so that nothing is to be taken for it? Only while senders run; NULL: never. */
	bool (*rests)(const struct notify *n);
};
const struct driver *driver_find(str name); /* NULL: none of that name */
const struct driver *driver_at(size_t i);   /* NULL behind the last */
MUST_CHECK enum rc notify_draining(const struct sending *s, struct err *err);

#endif
