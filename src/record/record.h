/* SPDX-License-Identifier: Apache-2.0 */
/* record.h: everything people write, decide and agree: typed, versioned, linked.
 *
 * A record is {id, type, version, origin node, organisation, author, created,
 * changed, labels, state, body}. A change is a new version that holds the hash
 * of the one before; nothing is overwritten. hash[v] = BLAKE2b(hash[v-1] ||
 * header || commitment), the commitment is BLAKE2b over salt, labels, reason and body:
 * these stand apart, so that erasing them leaves the chain valid (docs/format.md has it
 * to the byte). Each change is one journal line that names the record and the version's
 * hash.
 *
 * Record, version, links, index, search text, clocks and journal line are
 * written in one job: all or nothing. This header serves the floors below
 * disclosure/; cli, web and the duties read through disclosure/read_records.h
 * and change through disclosure/change.h. */
#ifndef RONDA_RECORD_RECORD_H
#define RONDA_RECORD_RECORD_H

#include "base/snapshot.h"
#include "base/uuid.h"
#include "event/fields.h"
#include "record/journal.h"
#include "record/kind.h"

struct eraser;

enum { RECORD_ID_BYTES = TYPE_NAME_MAX + 2 + 36 + 1 }; /* "incident--8-4-4-4-12" and NUL */
#define RECORD_BODY_MAX MIB(1)
#define RECORD_FILE_MAX MIB(16)

/* "type--uuid"; the type need not be known. */
bool record_id_parse(str text, str *type_out, struct uuid *out);
void record_id_format(struct buf *out, str type, const struct uuid *id);

enum { RECORD_NAMED_MAX = 64, RECORD_AUDIENCE_MAX = 64 };
/* Labels of a record. In JSON: {"tlp":"AMBER","pap":"GREEN","classification":"…",
 * "audience":["organisation--…"],"named":["account:3"],"licence":"…","exercise":true,"held":true}.
 * Without "tlp": AMBER; without "pap": as strict as the TLP, which is not written. A TLP or PAP that is not
 * understood, or a member that is not: TLP_COUNT (as RED) or PAP_COUNT, its text is kept. */
enum pap { PAP_CLEAR, PAP_GREEN, PAP_AMBER, PAP_RED, PAP_COUNT };
struct labels_of {
	enum tlp tlp;
	enum pap pap;
	str classification;        /* of classifications.json; "" none */
	str licence;
	bool exercise, held;
	const struct uuid *audience; size_t audience_count; /* organisations; none: by the rules alone */
	const str *named; size_t named_count;               /* actors; RED and SHARE_NAMED reach these */
	str json;                  /* as kept, canonical */
};
MUST_CHECK enum rc labels_parse(str json, struct arena *a, struct labels_of *out, struct err *err);

struct record {
	const struct type *type;   /* NULL: of a type not loaded here; kept and passed on */
	str type_name;
	struct uuid id;
	uint64_t number;           /* of its type on this node, from 1: what people say; 0: a copy */
	uint64_t version;
	uint32_t type_version;     /* it was written under */
	str origin;                /* uuid of the node it belongs to; ours: store_node_id */
	struct uuid organisation;  /* whose it is; zero: the node's own */
	str author;                /* of this version: "account:3" */
	int64_t created_us, changed_us;
	int state;                 /* -1: a state not known here; its name in state_name */
	str state_name;
	struct labels_of labels;
	str body;                  /* JSON object, canonical; "" when erased */
	str why;                   /* reason given for this version */
	str title;
	int64_t due_us;            /* soonest clock running; TIME_NONE */
	struct digest hash;
	bool erased;
	bool sealed;               /* has sealed fields */
	struct kind_key sort_key;  /* from a list ordered by a field, for record_cursor: its value, */
	bool has_sort_key;         /* if it has one */
};
/* A copy that its origin took back: erased, by one who is a record of ours (a partner), not an account. */
bool record_is_withdrawn(const struct record *r);

/* The engine of one open node; ties store, journal and types. Registers itself with
 * store_before_commit() and store_add_tend(): nobody tends any more when it is closed. */
struct records;
MUST_CHECK enum rc records_open(struct store *s, struct journal *j, struct snapshot *types,
				struct records **out, struct err *err);
void records_close(struct records *r);
/* A held table; end with snapshot_drop(records_types_snapshot(r), ref). */
struct snapshot *records_types_snapshot(struct records *r);
struct journal *records_journal(struct records *r);
/* Makes index and search text again for types whose definition is not that they were made
 * by: at opening, and for whoever swaps the types. In small jobs; may be called any time. */
MUST_CHECK enum rc records_reindex(struct records *r, struct err *err);
/* Lets go of index and search, and makes both again from what stands: for when records_verify()
 * says that they differ. Holds the writer while it empties them. Cut off, the next opening goes on. */
MUST_CHECK enum rc records_rebuild(struct records *r, struct err *err);

/* What else happens when a record changes: clocks, templates, live tables. Called in the
 * job, after the version was made; an error undoes the change. Registered once, before
 * anything is written; at most 32, called in that order. */
struct record_hook {
	const char *type;          /* NULL: all */
	/* `before` is NULL for a new one; `now` of an erased one has no body. */
	enum rc (*changed)(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			   const struct record *now, struct err *err);
	void *ctx;
	/* May be NULL. Asked before anything of the change is written, of our own records; not of
	 * an erasure. RC_INPUT: what is wrong stands in `errors` (sentences at fields, up to `most`)
	 * and in `err`; `language` of the labels in them. */
	enum rc (*check)(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			 const struct record *now, str language, struct body_error *errors,
			 size_t most, size_t *count_out, struct err *err);
};
void records_add_hook(struct records *r, const struct record_hook *hook); /* copied */

/* --- changing, inside a job --- */

struct record_change {
	const struct type *type;
	struct uuid id;            /* zero: a new one */
	uint64_t based_on;         /* version it was edited from; 0: a new one, or whatever stands */
	str fields;                /* JSON object: members to set, null takes away; STR_NONE: none.
				    * With `origin`: the whole body */
	int to_state;              /* -1: stays; of a new one: the state it starts in */
	str labels;                /* whole labels; STR_NONE: as before (new: TLP:AMBER) */
	str why;
	str language;              /* of the sentences in `errors`; STR_NONE: English */
	str actor;                 /* who does it */
	struct uuid organisation;  /* of a new one when its type has no such field */
	struct uuid new_id;        /* for imports: its id, when not zero */
	/* Copies of what belongs to another node, by the exchange alone; STR_NONE: ours. Then
	 * `id` need not be here yet, `version` is its number there, and members, a type (NULL)
	 * and a state that are not known here are kept as given. An older version than ours is
	 * RC_CONFLICT, the same one changes nothing. */
	str origin;                /* uuid of that node */
	uint64_t version;
	uint32_t type_version;
	str type_name, state_name; /* when type is NULL, to_state -1 */
	bool again;                /* also when it was erased here: its origin withdrew it, and gives it again */
	str act;                   /* of the journal line: STR_NONE "record.create", ".edit", ".move" */
};
/* RC_CONFLICT: changed meanwhile; *out is then the version that stands, so that both
 * can be shown. RC_INPUT: `errors` (may be NULL) has all of them. RC_ABSENT. A change that
 * changes nothing is RC_OK and makes no version. Rights are the caller's business. */
MUST_CHECK enum rc record_put(struct tx *tx, struct records *r, const struct record_change *c,
			      struct arena *a, struct record *out, struct body_error *errors,
			      size_t most, size_t *error_count, struct err *err);

/* When the next thing is due of a record; no new version. TIME_NONE: nothing is. */
MUST_CHECK enum rc record_set_due(struct tx *tx, struct uuid id, int64_t due_us, struct err *err);

/* References of a record to others (fields up to SHARE_TEAM) are links of the field's name,
 * made and taken away with the value. Others are made here.
 * Ends are record ids or "finding--HEX", "event--HEX", "report--N". Both ways visible. A second
 * one of the same kind is RC_OK and nothing new. */
struct record_link {
	int64_t id;
	str from, to;              /* ids as text */
	str kind;                  /* "related", "part-of", "duplicate-of", "answers", or a field's name */
	str author, why;
	int64_t at_us, removed_us; /* 0: stands */
	enum share share;          /* of the field it stands for: who may see it; else SHARE_OPEN */
};
MUST_CHECK enum rc record_link(struct tx *tx, struct records *r, str from, str kind, str to,
			       str actor, str why, int64_t *id_out, struct err *err);
MUST_CHECK enum rc record_unlink(struct tx *tx, struct records *r, int64_t id, str actor, str why,
				 struct err *err);

/* Destroys bodies, labels, reasons and salts of all versions, index, search text, and files
 * nothing else names; the chain stays, and a last version without a body (what, when, by whom,
 * why). RC_DENIED: under hold. In the same job call erase_begin() for "record:" and the id: it
 * sees to it that nothing is left on the disk. */
MUST_CHECK enum rc record_erase(struct tx *tx, struct records *r, struct uuid id, str actor, str why,
				struct err *err);
/* Who does that, once, before anything is erased: then each record_erase() lists its own. */
struct erase;
void records_erase_by(struct records *r, struct erase *x);
extern const struct eraser eraser_record; /* for erase_open(): "record:incident--…" */

/* --- reading --- */

MUST_CHECK enum rc record_load(struct conn *c, const struct types *t, struct uuid id, struct arena *a,
			       struct record *out, struct err *err);
MUST_CHECK enum rc record_load_number(struct conn *c, const struct type *t, uint64_t number,
				      struct arena *a, struct record *out, struct err *err);
MUST_CHECK enum rc record_load_version(struct conn *c, const struct types *t, struct uuid id,
				       uint64_t version, struct arena *a, struct record *out,
				       struct err *err);
typedef bool (*record_each)(void *ctx, const struct record *r); /* false: enough */
/* Versions, newest first. */
MUST_CHECK enum rc record_history(struct conn *c, const struct types *t, struct uuid id,
				  uint64_t before, record_each each, void *ctx, struct err *err);
typedef bool (*link_each)(void *ctx, const struct record_link *l);
/* Links from and to `id` (as text), newest first, those that stand. */
MUST_CHECK enum rc record_links(struct conn *c, str id, int64_t before, link_each each, void *ctx,
				struct err *err);

enum compare { COMPARE_IS, COMPARE_LEAST, COMPARE_MOST, COMPARE_BEGINS };
struct record_filter {
	const struct type_field *field; /* indexed */
	enum compare compare;
	struct kind_key key;
};
enum { RECORD_FILTERS_MAX = 8 };
struct record_query {
	const struct type *type;   /* NULL: all */
	uint64_t states;           /* bit per state; 0: any */
	struct record_filter filters[RECORD_FILTERS_MAX]; size_t filter_count;
	const struct type_field *sort;  /* NULL: by changed */
	bool ascending;
	str text;                  /* full-text search; "": none */
	enum share text_share;     /* words of fields up to this share are looked at */
	bool text_personal;        /* ... and of personal ones, when text_share is SHARE_TEAM or more */
	str after;                 /* cursor given by record_cursor; "": from the start */
	bool overdue;              /* only what is due by due_by_us */
	int64_t due_by_us;
	/* what the asker may see at all; the caller checks each row again */
	uint32_t tlp_mask;         /* bit per enum tlp; bit TLP_COUNT: not understood */
	bool exercise;
	struct uuid only_organisation; /* zero: any */
	bool with_body;            /* else body is "" */
};
/* A condition as people type it, "NAME>=VALUE", taken apart: =, >=, <= or ^= (begins so); false: it is none. */
bool record_condition(str text, str *name, enum compare *how, str *value);
/* In order, until `each` says enough; what it is given lives until it returns. Search: each
 * word of `text` must be there, as the beginning of a word or, from three letters on and in
 * scripts without spaces (Thai, Khmer, Lao, Burmese), anywhere. Never looked at: fields that
 * are named, sealed, secret. RC_INPUT: a cursor, sort or search that cannot be. */
MUST_CHECK enum rc record_list(struct conn *c, const struct types *t, const struct record_query *q,
			       record_each each, void *ctx, struct err *err);
/* Continues behind `r` in the order of `q`. */
void record_cursor(const struct record_query *q, const struct record *r, struct buf *out);

struct records_check {
	uint64_t records, versions, first_bad_number;
	char words[200]; /* "incident--… version 3: …"; "" when sound */
	bool made_differs; /* what is wrong is made from the records: records_rebuild() */
};
/* Recomputes chains, and compares index, links and journal with them; for verify. */
MUST_CHECK enum rc records_verify(struct conn *c, const struct types *t, struct records_check *out,
				  struct err *err);

/* --- files of FILE fields: by SHA-256, at most RECORD_FILE_MAX each --- */
/* `actor` may then name them in a record; a record may keep what it named before; nobody
 * else gets at them by knowing a digest. Bytes no record names are gone a day later. RC_DENIED:
 * these bytes were destroyed (store/destroyed.h); *out is their digest, to count them by. */
MUST_CHECK enum rc file_put(struct tx *tx, struct records *r, str actor, str bytes,
			    struct digest *out, struct err *err);
MUST_CHECK enum rc file_read(struct reader *rd, const struct digest *d, struct buf *out,
			     struct err *err);

#endif
