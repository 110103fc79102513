/* SPDX-License-Identifier: Apache-2.0 */
/* Records that name in rows whom they are for (a type that means "message.parties": those who can take
 * something down): an organisation that a person of ours chose there ("tell": "yes") is invited to it. So is the
 * one that a letter ("mail.recipient") was written to. */
#include <json-c/json.h>

#include "notify/notify_private.h"

enum rc parties_invite(struct reader *r, const struct types *t, str item, str organisation, bool *out, struct err *err)
{
	struct addressee who = { 0 };
	struct arena *a = arena_new(KIB(16));
	struct err why = { 0 };
	*out = false;
	enum rc rc = told_addressee(reader_conn(r), t, item, a, &who, &why);
	const struct meaning *m = rc == RC_OK ? type_meaning(who.type, STR("message.parties")) : NULL;
	struct json_object *rows = m && m->field ? json_get(who.body, m->field->name) : NULL;
	for (size_t i = 0; i < json_count(rows) && !*out; i++)
		*out = str_eq(json_get_str(json_at(rows, i), "organisation"), organisation) &&
		       str_eq(json_get_str(json_at(rows, i), "tell"), STR("yes"));
	const struct meaning *to = rc == RC_OK ? type_meaning(who.type, STR("mail.recipient")) : NULL;
	str letter = to && to->field ? json_get_str(who.body, to->field->name) : STR_NONE;
	*out = *out || (letter.n > 0 && str_eq(str_head(letter, str_index(letter, '/')), organisation));
	json_free(who.body);
	arena_free(a);
	return rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", why.text);
}
