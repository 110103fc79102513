/* SPDX-License-Identifier: Apache-2.0 */
/* rule.h: which findings are told to whom by themselves, when.
 *
 * A rule is a record of the type that means "rule.pace", an inhibition one that means
 * "inhibition.until". The active ones are made into one table: what they name (types, identifiers,
 * countries, …) becomes small numbers, so that a finding is held against a rule in some comparisons.
 * The table is read and never changed; who made it frees it.
 *
 * Of the organisations a finding concerns the nearest that can be told counts (in the order of its
 * concerns), and all for rules that say so. For each of them the first rule that fits tells, by rank,
 * then by number. A rule tells of what opens or comes back while it is active, not of what was open
 * before. */
#ifndef RONDA_NOTIFY_RULE_H
#define RONDA_NOTIFY_RULE_H

#include "notify/notify.h"

enum rule_pace { PACE_ONCE, PACE_HOURLY, PACE_DAILY, PACE_WEEKLY };
enum { RULE_LANGUAGES_MAX = 8, RULES_MAX = 2000, INHIBITIONS_MAX = 5000, RULE_STEPS_MAX = 6, RULE_PERIOD_BYTES = 24 };

/* Numbers of words that rules name; none: any. */
struct rule_words {
	const uint16_t *list;
	size_t n;
};
struct rule {
	struct uuid id;
	str record, title;           /* "rule--UUID" */
	uint64_t number, version;
	int64_t rank, active_us;     /* active_us: since when; 0: it is a draft (dry run) */
	bool exercise;
	/* what */
	struct rule_words types, identifiers, feeds;
	int severity;                /* least; -1: any */
	int confidence;              /* least, 0..100; 0: any */
	bool stated;                 /* only what states how sure it is */
	/* who */
	bool all_concerned;
	bool last_resort;            /* when nobody is known: whom registries name (last_resort.h) */
	int64_t last_resort_trust;   /* least, 0..100 */
	struct rule_words organisations, kinds, countries, sectors, languages;
	str contact;                 /* "abuse"; "": the first */
	/* when */
	enum rule_pace pace;
	int64_t pause_us, repeat_us; /* repeat 0: once */
	int hour, weekday;           /* weekday 0: Monday */
	int quiet_from, quiet_until; /* hours; -1: never */
	int64_t cap;                 /* messages an hour to one recipient */
	bool gone;
	/* how */
	str by, class;               /* "": as the contact says; by the classification */
	int64_t escalate_after;      /* 0: never */
	str steps[RULE_STEPS_MAX];   /* roles, or "regulator" */
	size_t step_count;
};
struct inhibition {
	str record, title, reason;
	int64_t until_us;
	struct uuid organisation;    /* zero: any */
	uint16_t type, identifier;   /* 0: any */
	bool has_net, has_finding;
	struct net net;
	struct hash128 finding;
};
struct rule_set;

/* Active rules and inhibitions as they stand, and, when it is not zero, the rule `draft` besides. */
MUST_CHECK enum rc rules_load(const struct notify *n, struct reader *r, const struct types *t,
			      struct uuid draft, struct rule_set **out, struct err *err);
void rules_free(struct rule_set *s); /* NULL is fine */
size_t rules_count(const struct rule_set *s);
const struct rule *rules_at(const struct rule_set *s, size_t i); /* in the order they count */
const struct rule *rules_find(const struct rule_set *s, struct uuid id); /* NULL: not among them */

/* --- fitting --- */

/* An organisation as rules see it. Kept by rule_orgs. */
struct rule_org {
	int64_t org;                 /* number in the directory */
	struct uuid record;
	str id, zone;                /* "organisation--UUID"; zone "": the node's */
	bool usable, exercise;       /* usable: there is a record of it, in use */
	uint16_t self, kind, country, sector;
	uint16_t languages[RULE_LANGUAGES_MAX]; /* it reads; English when it says none */
	size_t language_count;
	bool last_resort;            /* no organisation: id "contact:ADDRESS", org 0 */
	unsigned trust;              /* of its source, then */
};
/* Organisations met so far: one look-up each. Of one thread, for one reader and one table at a time. */
struct rule_orgs;
struct rule_orgs *rule_orgs_new(const struct notify *n, const struct rule_set *s);
void rule_orgs_free(struct rule_orgs *o);
MUST_CHECK enum rc rule_orgs_get(struct rule_orgs *o, struct reader *r, const struct types *t, int64_t org,
				 const struct rule_org **out, struct err *err);

struct rule_key {
	uint16_t type, identifier, feed;
	int severity;
	int confidence;              /* -1: not stated */
	bool exercise;
};
struct rule_key rule_key_of(const struct rule_set *s, const struct finding *f);
/* NULL: it fits; else why not. `at_us`: when it opened or came back; 0: whenever. */
const char *rule_misfit(const struct rule *r, const struct rule_key *k, const struct rule_org *o, bool nearest,
			int64_t at_us);
/* The two that say that it is not sure enough. */
extern const char rule_unsure[], rule_unstated[];
/* Does any rule look at such findings, whoever they concern? */
bool rules_want(const struct rule_set *s, const struct rule_key *k, int64_t at_us);

struct rule_match {
	const struct rule_org *org;
	const struct rule *rule;
};
/* Whom this finding is told to. *usable_out: how many of those concerned can be told at all. */
MUST_CHECK enum rc rules_match(const struct rule_set *s, struct rule_orgs *o, struct reader *r,
			       const struct types *t, const struct finding *f, int64_t at_us,
			       struct rule_match out[CONCERNS_MAX], size_t *count_out, size_t *usable_out,
			       struct err *err);
/* The same if nothing were unsure: does a rule fit only that asks for more confidence? */
MUST_CHECK enum rc rules_match_sure(const struct rule_set *s, struct rule_orgs *o, struct reader *r,
				    const struct types *t, const struct finding *f, int64_t at_us, bool *out,
				    struct err *err);
/* The inhibition that stops it at this time; NULL: none. */
const struct inhibition *rules_inhibit(const struct rule_set *s, const struct finding *f, struct uuid organisation,
				       int64_t now_us);
/* Class of text (classes.def): the rule's own when there is one of that name, else by type and identifier. */
str rule_class_of(const struct rule *r, const struct finding *f);

/* --- time, in the recipient's zone --- */

/* When what happened at `at_us` is to be told. */
int64_t rule_next(const struct rule *r, const struct calendar *c, int64_t at_us);
/* When the quiet hours end that `at_us` lies in; `at_us`: it lies in none. */
int64_t rule_quiet_end(const struct rule *r, const struct calendar *c, int64_t at_us);
/* "2026-11-22" of a daily rule, "2026-11-22T13", "2026-W47", "2026-11-22T13:05:09Z". */
str rule_period(const struct rule *r, const struct calendar *c, int64_t at_us, char text[RULE_PERIOD_BYTES]);

#endif
