/* SPDX-License-Identifier: Apache-2.0 */
/* One type file, in the order its members need each other. What needs the whole type is in
 * type_check.c, what needs other types in type_load.c. */
#include "record/type_private.h"

enum rc type_read(struct reading *r, str text)
{
	static const char *const members[] = { "type", "version", "label", "plural", "help", "title",
					       "organisation", "assignee", "retention", "exchange", "fields",
					       "blocks", "states", "clocks", "rights", "list", "means",
					       "makes", "purpose", "basis", "stix", "offer" };
	static const char *const needed[] = { "type", "version", "label", "plural", "title", "fields",
					      "states", "rights" };
	struct type *t = r->t = ARENA_NEW(r->a, struct type);
	uint64_t version = 0;
	t->descending = true;
	t->text = arena_str(r->a, text);
	enum rc rc = tree_read(t->text, r->file, r->a, &r->root, r->err);
	if (rc == RC_OK)
		rc = type_only(r, r->root, "a type", members, COUNT_OF(members));
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(needed); i++)
		if (!tree_get(r->root, needed[i]))
			return type_refuse(r, NULL, "'%s' is missing", needed[i]);
	if (rc != RC_OK)
		return rc;
	const struct node *n = tree_get(r->root, "type");
	if (n->kind != JSON_STRING || !type_name_ok(n->text))
		return type_refuse(r, n, "a type is named in letters a-z, digits and -, at most %d, and a "
				   "letter behind each -", TYPE_NAME_MAX);
	t->name = type_z(r, n->text);
	if ((rc = type_whole(r, tree_get(r->root, "version"), 1, UINT32_MAX, &version)) != RC_OK)
		return rc;
	t->version = (uint32_t)version;
	if ((rc = type_label(r, r->root, "label", true, TYPE_LABEL_CHARS, &t->label)) != RC_OK ||
	    (rc = type_label(r, r->root, "plural", true, TYPE_LABEL_CHARS, &t->plural)) != RC_OK ||
	    (rc = type_label(r, r->root, "help", false, TYPE_HELP_CHARS, &t->help)) != RC_OK ||
	    (rc = type_label(r, r->root, "purpose", false, TYPE_HELP_CHARS, &t->purpose)) != RC_OK ||
	    (rc = type_label(r, r->root, "basis", false, TYPE_HELP_CHARS, &t->basis)) != RC_OK ||
	    (rc = type_flag(r, r->root, "exchange", &t->exchange)) != RC_OK ||
	    (rc = type_states(r, tree_get(r->root, "states"))) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "blocks")) && (rc = type_blocks(r, n)) != RC_OK)
		return rc;
	if ((rc = type_fields(r, tree_get(r->root, "fields"), false, &t->fields, &t->field_count)) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "clocks")) && (rc = type_clocks(r, n)) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "retention")) && (rc = type_duration(r, n, &t->retention_us)) != RC_OK)
		return rc;
	if ((rc = type_rights(r, tree_get(r->root, "rights"))) != RC_OK ||
	    (rc = type_single(r, "title", &t->title)) != RC_OK ||
	    (rc = type_single(r, "organisation", &t->organisation)) != RC_OK ||
	    (rc = type_single(r, "assignee", &t->assignee)) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "list")) && (rc = type_list(r, n)) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "makes")) && (rc = type_makes(r, n)) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "means")) && (rc = type_means(r, n)) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "stix")) && (rc = type_stix(r, n)) != RC_OK)
		return rc;
	if ((n = tree_get(r->root, "offer")) && (rc = type_offer(r, n)) != RC_OK)
		return rc;
	return type_check(r);
}
