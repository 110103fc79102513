/* SPDX-License-Identifier: Apache-2.0 */
/* record_private.h: what the files of the commands on records share. */
#ifndef RONDA_CLI_RECORD_PRIVATE_H
#define RONDA_CLI_RECORD_PRIVATE_H

#include "cli/cli_private.h"
#include "disclosure/change.h"

/* One call on one type; `c->argv` of it begins behind the word ("list", "show"). */
struct record_call {
	struct cli *c;
	const struct types *types; /* held while the call runs */
	const struct type *type;
	str language;              /* of labels and sentences; "" English */
	int argc;
	char **argv;
};
typedef int (*record_word)(struct record_call *rc);

int record_list_word(struct record_call *k);
int record_search_word(struct record_call *k);
int record_show_word(struct record_call *k);
int record_history_word(struct record_call *k);
int record_export_word(struct record_call *k);
int record_new_word(struct record_call *k);
int record_edit_word(struct record_call *k);
int record_move_word(struct record_call *k);
int record_link_word(struct record_call *k);
int record_unlink_word(struct record_call *k);
int record_erase_word(struct record_call *k);
int record_import_word(struct record_call *k);
int record_make_word(struct record_call *k);
int record_token_word(struct record_call *k); /* of a claim */
int record_check_word(struct record_call *k);

/* A field by its name, or its label in any language; NULL: none. */
const struct type_field *record_field(const struct type *t, str name);
/* "there is no field 'gests' in 'visit' (do you mean 'guests'?)" */
enum rc record_no_field(const struct record_call *k, str name, struct err *err);
/* "42" is "TYPE-42"; whatever else stays. */
str record_name(const struct record_call *k, const char *text);
/* The value of an option; "": it was not given. */
str record_option(const struct record_call *k, const char *name);
/* What a word that makes a record says: its id, or why not. */
int record_done(struct record_call *k, enum rc rc, str id, const struct err *err);
/* A word with one ID, that shows what is about it: `put` prints, in one view of the store. */
typedef enum rc (*record_put_about)(struct record_call *k, struct reader *r, str id, struct err *err);
int record_about(struct record_call *k, record_put_about put);
/* Names like "incident-42" in a reference become ids; what is none stays for kind_parse to
 * refuse. */
MUST_CHECK enum rc record_resolve(struct record_call *k, struct reader *r, const struct type_field *f,
				  str text, str *out, struct err *err);
/* "NAME=VALUE" arguments into members of an object that is open in `j`. */
MUST_CHECK enum rc record_arguments(struct record_call *k, struct reader *r, struct json_out *j,
				    struct err *err);
MUST_CHECK enum rc record_field_value(struct record_call *k, struct reader *r,
				      const struct type_field *f, str text, struct json_out *j,
				      struct err *err);

/* record_form.c: a record as lines "name: value" for an editor, and back. */
void record_form_write(struct record_call *k, struct json_object *body, struct buf *out);
/* Values that differ from `body` (NULL: of a new one) as a JSON object. */
MUST_CHECK enum rc record_form_read(struct record_call *k, struct reader *r, str text,
				    struct json_object *body, struct buf *out, struct err *err);
/* Opens the caller's editor on `text`; RC_CONFLICT: nothing was changed in it. */
MUST_CHECK enum rc record_form_edit(struct record_call *k, struct buf *text, struct err *err);

#endif
