/* SPDX-License-Identifier: Apache-2.0 */
/* type.h: what a record may be, as data.
 *
 * A type is one JSON file (src/record/types/NAME.json, built in; DIR/types/
 * NAME.json adds or, with a higher version, replaces): its fields, blocks,
 * states and moves, clocks, rights, list, retention. docs/types.md says how to
 * write one. From it alone a type has list, form, detail, history, search,
 * commands, API, import, export and rights; no code names a type.
 *
 * A file is checked whole when loaded and refused with its line and reason. A
 * `struct types` never changes once loaded: hold it by base/snapshot.h. All
 * that is reached from it lives as long as it does; strings end with NUL. */
#ifndef RONDA_RECORD_TYPE_H
#define RONDA_RECORD_TYPE_H

#include "base/arena.h"
#include "base/json.h"

enum { TYPES_MAX = 256, TYPE_FIELDS_MAX = 128, TYPE_STATES_MAX = 32, TYPE_CLOCKS_MAX = 8,
       TYPE_ROLES_MAX = 32, TYPE_NAME_MAX = 32, TYPE_FILE_MAX = 256 * 1024 };

/* What a value is; fields of a record body are (kind.h):
 * TEXT LONG   string                       MONEY    {"amount":"12.50","currency":"IDR"}
 * NUMBER      integer, or with `decimals`  FLAG     true
 * DATE        "2026-11-22"                 TIME     "2026-11-22T02:45:29Z"
 * DURATION    "PT4H" (ISO 8601)            COUNTRY  ISO 3166-1 alpha-2   LANGUAGE  BCP 47
 * CHOICE      one of `choices`             REFERENCE "type--uuid", PERSON a reference to a person
 * ADDRESS NETWORK ASN DOMAIN URL HASH      as text, canonical (event/normalise.h)
 * FILE        {"digest":"…","name":"…","bytes":n}    SECRET  never shown again once written
 * ROWS        a list of small objects with the fields of `rows` (no ROWS inside)
 * `list` makes an array of any kind but ROWS. */
enum kind {
	KIND_TEXT, KIND_LONG, KIND_NUMBER, KIND_MONEY, KIND_FLAG, KIND_DATE, KIND_TIME, KIND_DURATION,
	KIND_COUNTRY, KIND_LANGUAGE, KIND_CHOICE, KIND_REFERENCE, KIND_ADDRESS, KIND_NETWORK, KIND_ASN,
	KIND_DOMAIN, KIND_URL, KIND_HASH, KIND_PERSON, KIND_FILE, KIND_SECRET, KIND_ROWS, KINDS
};

/* Who may see a field of a record that he may see at all. */
enum share {
	SHARE_OPEN,   /* whoever may see the record */
	SHARE_PARTY,  /* the organisation it is about, partners under an agreement, and us */
	SHARE_TEAM,   /* our own organisation (when nothing is said) */
	SHARE_NAMED,  /* persons named in the record's labels */
	SHARE_SEALED  /* ciphertext for all but those who hold the case's key */
};

struct words { /* one sentence in several languages; `en` is always there */
	const char *language; /* "en", "id" */
	const char *text;
};
struct choice {
	const char *name;
	const struct words *label; /* ends with { NULL } */
	const char *opens;         /* block it opens, NULL: none */
};
struct type_field {
	const char *name;
	enum kind kind;
	const struct words *label, *help; /* end with { NULL } */
	enum share share;
	bool personal;             /* leaves only with a legal basis */
	bool members;              /* says which other team takes part: not for parties to whom an agreement hides it */
	bool list;
	uint32_t since;            /* version of the type that brought it */
	uint64_t required_in;      /* bit per state: must have a value there */
	uint64_t longest;          /* characters, entries of ROWS: at most; 0: by the kind */
	int64_t least, most;       /* NUMBER, in steps of its last decimal */
	bool has_range;
	unsigned decimals;         /* NUMBER: digits behind the point */
	const struct choice *choices; size_t choice_count;
	const char *refers_to;     /* REFERENCE, PERSON: type, NULL: any */
	const char *block;         /* shown and taken only while this block is open; NULL: always */
	const struct type_field *rows; size_t row_count; /* ROWS: its columns */
	bool indexed;              /* stands in list.columns, list.filters or list.sort */
	unsigned at;               /* its place in type->fields */
};
struct block {
	const char *name;
	const struct words *label;
};
struct move {
	unsigned to;               /* state */
	uint32_t roles;            /* bit per role: who may */
	const struct words *label; /* NULL: the state's */
	bool asks_why;             /* a reason must be given */
};
struct state {
	const char *name;
	const struct words *label;
	const struct move *moves; size_t move_count;
	bool closed;               /* nothing is due any more */
};
/* Whom a clock may tell instead of a role: who has the watch when the step is taken (duty/roster.h).
 * Nobody has it: the role behind it. */
enum watch { WATCH_NONE, WATCH_NOW, WATCH_NEXT, WATCH_LEAD };
enum watch watch_parse(str name);  /* "on-duty", "next-on-duty", "lead-on-duty"; else WATCH_NONE */
const char *watch_name(enum watch w);
const char *watch_role(enum watch w); /* "duty", "lead": told when nobody has the watch */

struct escalation {
	int64_t after_us;          /* after it was due */
	const char *to;            /* role or watch told then */
};
struct clock_rule {
	const char *name;
	const struct words *label;
	uint64_t start_in, stop_in, pause_in; /* bit per state */
	const char *start_at;      /* a TIME or DATE field it counts from; NULL: entering the state */
	int64_t due_us;            /* after start; < 0: before (warnings ahead of a date) */
	bool business;             /* counts business hours of the node's calendar only */
	bool call_notes;           /* a call about the record that reached somebody stops its ladder */
	const char *tell;          /* role or watch told when it is due and nobody is assigned; NULL: nobody */
	const struct escalation *ladder; size_t ladder_count; /* in order of time */
};

/* Rows of this type become records of another: the steps of a plan become tasks. */
struct made_column {
	const char *column, *field; /* of `from`; of the other type */
};
struct makes {
	const char *type;
	const struct type_field *from;
	uint64_t states;           /* bit per state in which it may be done */
	const char *parent, *origin, *number; /* fields there: what it is for, this record, the row; NULL: none */
	const char *due, *after;   /* TIME there, DURATION column it is counted by; NULL: none */
	const struct type_field *of_type; /* TEXT: the type of record they may be for, empty any; NULL: any */
	const struct made_column *copy; size_t copy_count;
};

/* What people do with records; rights are given on these. */
enum action {
	ACTION_READ, ACTION_CREATE, ACTION_EDIT, ACTION_MOVE, ACTION_LINK, ACTION_LABEL, ACTION_EXPORT,
	ACTION_IMPORT, ACTION_HOLD, ACTION_ERASE, ACTION_OPEN_SEALED, ACTIONS
};
const char *action_name(enum action a);
enum reach { REACH_NONE, REACH_NAMED, REACH_OWN, REACH_ALL }; /* records naming me; of my organisation; any */
struct grant {
	enum action action;
	uint32_t roles;
	uint64_t states;           /* bit per state it holds in */
	enum reach reach;
};

/* What a field or state of the type means to code that knows no type: "means" in the file. A
 * floor above says which words it looks for ("agreement.party": disclosure/policy.h). */
struct meaning {
	const char *name;          /* "agreement.party" */
	const struct type_field *field; /* NULL: it is a state */
	unsigned state;
};

/* What object of STIX 2.1 a record becomes for readers that know no types of ours (stix/stix_record.h): "stix" in
 * the file. */
struct stix_value {
	const char *from;          /* choice or state */
	str to;                    /* JSON */
};
struct stix_member {
	const char *path;          /* "labels", "extensions/ID/member" */
	const struct type_field *field; /* its value; NULL: of the state, or always the same */
	bool state;
	const struct stix_value *map; size_t map_count;
	str otherwise;             /* JSON; STR_NONE: then the member is left out */
	const char *prefix;        /* before a text; NULL: none */
	bool list;                 /* written as a list, also of one */
};
struct type_stix {
	const char *object;        /* "report" */
	const struct type_field *name; /* NULL: the title */
	const struct type_field *const *description; size_t description_count; /* texts, one behind the other */
	const struct type_field *const *refs; size_t ref_count; /* references */
	const struct stix_member *members; size_t member_count;
};

struct type {
	const char *name;          /* "incident": of ids, URLs and commands */
	uint32_t version;
	const struct words *label, *plural, *help;
	const struct type_field *fields; size_t field_count;
	const struct block *blocks; size_t block_count;
	const struct state *states; size_t state_count; /* [0] is where a new one starts */
	const struct clock_rule *clocks; size_t clock_count;
	const struct grant *grants; size_t grant_count;
	const struct type_field *title; /* names it in lists and links */
	const struct type_field *organisation; /* whose it is, REFERENCE; NULL: the node's own */
	const struct type_field *assignee;     /* PERSON; NULL: none */
	const struct type_field *const *columns; size_t column_count;
	const struct type_field *const *filters; size_t filter_count;
	const struct type_field *sort; bool descending; /* NULL: by changed, newest first */
	const struct makes *makes; /* NULL: nothing is made of it */
	const struct meaning *means; size_t mean_count;
	const struct type_stix *stix; /* NULL: a note that says its title */
	const struct words *purpose, *basis; /* why such records are kept, on what legal ground; NULL: not said */
	int64_t retention_us;      /* after closing; 0: until erased */
	bool exchange;             /* may go to partners */
	const char *offer_flow;    /* what an agreement must let flow for that; NULL: they are not offered */
	const struct type_field *offer_about; /* in place of a flow: offered as what this field names, to those who
				    * have that, or to whom it comes from (exchange/together.h); NULL: not so */
	uint64_t offer_in, offer_not_in; /* bit per state: offered from there on; withdrawn there */
	bool offer_public;         /* to anybody too, when it is marked so */
	bool built_in;
	str text;                  /* the file, as it was read */
};

struct types;
/* Built-in types, then the files of `dir_types` (a folder; NULL: none). `roles`:
 * names of all roles there are, in order of their bits, ends with NULL. Refused
 * whole: "types/incident.json:31: …". Free with types_free. */
MUST_CHECK enum rc types_load(const char *dir_types, const char *const *roles, struct types **out,
			      struct err *err);
/* One more, for tests and `ronda check`: adds or replaces in a copy. */
MUST_CHECK enum rc types_with(const struct types *t, str text, const char *file_name,
			      struct types **out, struct err *err);
void types_free(struct types *t); /* NULL is fine */
/* A name a type may have; whether one is built in. Without loading any. */
bool type_name_ok(str name);
bool type_is_built_in(str name);
size_t types_count(const struct types *t);
const struct type *types_at(const struct types *t, size_t i); /* by name */
const struct type *types_find(const struct types *t, str name); /* NULL: none */
/* The first by name that means this: "duty.person" (struct meaning); NULL: none. */
const struct type *types_meaning(const struct types *t, str meaning);

const struct type_field *type_find_field(const struct type *t, str name); /* NULL: none */
const struct meaning *type_meaning(const struct type *t, str name); /* NULL: nothing means that */
int type_state(const struct type *t, str name);                 /* -1: none */
const struct move *type_move(const struct type *t, unsigned from, unsigned to); /* NULL: forbidden */
/* In `language`, else English. */
const char *words_in(const struct words *w, str language);
/* " (do you mean 'x'?)" for the name among `names` (stride bytes apart, each begins with a
 * const char *) nearest to `got`; "" when none is near. */
const char *type_nearest(struct arena *a, str got, const void *names, size_t count, size_t stride);
const char *kind_name(enum kind k);
const char *share_name(enum share s);

#endif
