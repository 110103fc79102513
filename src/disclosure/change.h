/* SPDX-License-Identifier: Apache-2.0 */
/* change.h: how people and programs change records: rights first, then the engine.
 *
 * The object is loaded by (id, viewer) in the same transaction that changes it: what the
 * viewer may not see is RC_ABSENT, what he may see but not do is RC_DENIED with the rule.
 * A field the viewer cannot see keeps its value; to send it is RC_DENIED. Clients choose no
 * id, origin, author or time. What somebody of another organisation makes is that
 * organisation's. Labels become only stricter unless ACTION_LABEL is granted; a hold is set and
 * lifted by ACTION_HOLD; whether it is of an exercise is said when it is made and stays. Refusals stand in the journal, for each actor at most one line a second
 * that counts them. */
#ifndef RONDA_DISCLOSURE_CHANGE_H
#define RONDA_DISCLOSURE_CHANGE_H

#include "disclosure/read_records.h"

struct change_errors {
	struct body_error list[32];
	size_t count;
};
struct change_request {
	str type;                  /* of a new one */
	str id;                    /* STR_NONE: new; else as read_record takes it */
	uint64_t based_on;         /* 0: whatever stands (command line), else RC_CONFLICT when it moved on */
	str fields;                /* JSON object; values as kind.h's kind_check takes them */
	bool as_text;              /* members are strings as kind_parse takes them (forms, CSV) */
	str to_state;              /* name; STR_NONE: stays */
	str labels;                /* JSON; STR_NONE: as before. Looser than before asks for ACTION_LABEL */
	str why;
	str language;              /* of the sentences in change_errors; "": English */
	bool import;               /* one of many: asks for ACTION_IMPORT too, and may say in which
				    * state a new one starts */
	str secrets_of;            /* id of a record of the same type, or its own; STR_NONE: none. Its secret
				    * fields, which nobody is shown, come from there: of another one what this
				    * one lacks, of itself as they were in secrets_version */
	uint64_t secrets_version;
};
/* *out, to be ended with record_view_end: the version made, or with RC_CONFLICT the one that stands, as the viewer may see it. */
MUST_CHECK enum rc change_record(struct records *r, struct store *s, const struct viewer *v,
				 const struct change_request *q, struct arena *a,
				 struct record_view *out, struct change_errors *errors,
				 struct err *err);
/* Inside a job, for many at once (bulk, import): the same check for each. A refusal is then the
 * caller's to write, when the job is over: change_refused(). */
MUST_CHECK enum rc change_record_tx(struct tx *tx, struct records *r, const struct viewer *v,
				    const struct change_request *q, struct arena *a,
				    struct record_view *out, struct change_errors *errors,
				    struct err *err);
void change_refused(struct records *r, struct store *s, const struct viewer *v, str what, str rule);
MUST_CHECK enum rc change_link(struct records *r, struct store *s, const struct viewer *v, str from,
			       str kind, str to, str why, int64_t *id_out, struct err *err);
MUST_CHECK enum rc change_unlink(struct records *r, struct store *s, const struct viewer *v, str from,
				 int64_t id, str why, struct err *err);
/* In a large team a second person must approve first (approval.h): RC_BUSY then, with words that
 * name the approval; do it again when it is given. */
MUST_CHECK enum rc change_erase(struct records *r, struct store *s, const struct viewer *v, str id,
				str why, struct err *err);
/* Inside a job, as part of something larger (merging); a refusal is the caller's to write. An end
 * that is no record is one this viewer was shown before (read_record_links). */
MUST_CHECK enum rc change_link_tx(struct tx *tx, struct records *r, const struct viewer *v, str from,
				  str kind, str to, str why, struct arena *a, int64_t *id_out,
				  struct err *err);
MUST_CHECK enum rc change_unlink_tx(struct tx *tx, struct records *r, const struct viewer *v, str from,
				    int64_t id, str why, struct arena *a, struct err *err);
/* Inside a job; a refusal is the caller's to write. */
MUST_CHECK enum rc change_erase_tx(struct tx *tx, struct records *r, const struct viewer *v, str id,
				   str why, struct arena *a, struct err *err);
/* Keeps the bytes for a FILE field of a change that follows. */
MUST_CHECK enum rc change_file(struct records *r, struct store *s, const struct viewer *v,
			       const struct type *t, str bytes, struct digest *out, struct err *err);

#endif
