/* SPDX-License-Identifier: Apache-2.0 */
/* takedown_private.h: what the files of takedowns share. */
#ifndef RONDA_INCIDENT_TAKEDOWN_PRIVATE_H
#define RONDA_INCIDENT_TAKEDOWN_PRIVATE_H

#include "incident/takedown.h"

struct looker;

struct takedowns {
	struct takedown_world w;
	struct looker *looker;     /* the thread; NULL: none runs */
};

struct takedown_type {
	const struct type *type;
	const struct type_field *url, *domain, *kind, *incident, *every, *proof, *seen, *parties;
	int draft, asked, acknowledged, down, refused, given_up, relapsed;
};
/* False: it is none. */
bool takedown_type_of(const struct type *t, struct takedown_type *out);
bool takedown_type_find(const struct types *t, struct takedown_type *out);
/* Asked and not over. */
bool takedown_is_open(const struct takedown_type *t, int state);
/* The URL, else the domain, of a body; "". */
str takedown_target(const struct takedown_type *t, struct json_object *body);
str takedown_defanged(str target, struct arena *a);

/* --- takedown_party.c --- */

/* Rows of a body; at most `most`. Views into it, keys in `a`. */
size_t takedown_parties(struct json_object *rows, struct arena *a, struct takedown_party *out, size_t most);
/* "organisation--…/abuse", or "party:takedown--…/KEY". */
str takedown_recipient(struct reader *r, const struct takedowns *t, const struct types *types, str id,
		       const struct takedown_party *p, struct arena *a, const char **driver_out);
struct message takedown_message(const struct takedowns *t, str id, const char *template,
				const struct takedown_party *p, str recipient, const char *driver, int64_t round,
				struct arena *a);

/* --- takedown_find.c --- */

struct takedown_found {
	size_t added;
	str said;                  /* why a registry was not asked, or did not answer; "" */
};
/* New rows for a target, beside those it has: JSON array members into `rows`, each {"role":…,"tell":"proposed",…}.
 * `quiet`: nobody outside is to hear of it, so no registry is asked. */
MUST_CHECK enum rc takedown_find(struct takedowns *t, const struct viewer *v, str target, str kind, bool quiet,
				 struct json_object *rows, struct arena *a, struct takedown_found *out, struct err *err);
/* May nobody outside hear of what is marked so, before a person says whom? */
bool takedown_is_quiet(const struct labels_of *labels);

/* --- takedown_tend.c --- */

struct takedown_watch {
	struct uuid record;
	str item;
	bool open, down, quiet;    /* quiet: of an exercise or held: nothing goes out, nobody looks */
	int64_t asked_us, down_us, ask_us, look_us, gone_run, gone_us, up_run, rounds, relapses;
	bool thank, back;
};
MUST_CHECK enum rc takedown_watch_load(struct conn *c, struct uuid record, struct arena *a, bool *found_out,
				       struct takedown_watch *out, struct err *err);
MUST_CHECK enum rc takedown_watch_save(struct tx *tx, const struct takedown_watch *w, struct err *err);
/* A message to this party: into the outbox, as the next of those it got, and written down beside it. */
MUST_CHECK enum rc takedown_put_ask(struct tx *tx, str id, str key, struct message *m, struct err *err);
/* For records_add_hook(), ctx struct takedowns. */
MUST_CHECK enum rc takedown_changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
				    const struct record *now, struct err *err);
MUST_CHECK enum rc takedown_tend(struct store *s, void *ctx, bool *did_out, struct err *err);

#endif
