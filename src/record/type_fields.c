/* SPDX-License-Identifier: Apache-2.0 */
/* "fields" of a type file. */
#include "record/type_private.h"

#include "record/kind_private.h"

/* Choices may be codes of others: "AMBER+STRICT", "CVSS:3.1". */
static bool is_choice_name(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!word && !(i && strchr("-_+.:", c)))
			return false;
	}
	return s.n > 0 && s.n <= TYPE_CHOICE_NAME_MAX;
}

static enum rc choices(struct reading *r, const struct node *n, struct type_field *f, bool column)
{
	if (n->kind != JSON_NEST || !n->object || n->count == 0)
		return type_refuse(r, n, "'choices' must name at least one");
	if (n->count > TYPE_CHOICES_MAX)
		return type_refuse(r, n, "more than %d choices", TYPE_CHOICES_MAX);
	struct choice *list = ARENA_ARRAY(r->a, n->count, struct choice);
	for (const struct node *m = n->first; m; m = m->next) {
		struct choice *c = &list[f->choice_count++];
		if (!is_choice_name(m->key))
			return type_refuse(r, m, "'" STR_FMT "' is no name for a choice", STR_ARG(m->key));
		enum rc rc = type_words_of(r, m, "a choice", TYPE_LABEL_CHARS, "opens", &c->label);
		if (rc != RC_OK)
			return rc;
		c->name = type_z(r, m->key);
		const struct node *opens = tree_get(m, "opens");
		if (opens && (opens->kind != JSON_STRING || column))
			return type_refuse(r, opens, column ? "a choice in rows opens no block" :
							      "'opens' must name a block");
		c->opens = opens ? type_z(r, opens->text) : NULL;
	}
	f->choices = list;
	return RC_OK;
}

/* What "max" of a kind may be; 0: it has none. */
static uint64_t longest_of(enum kind k, uint64_t *most_out)
{
	*most_out = k == KIND_TEXT ? KIND_TEXT_MOST :
		    k == KIND_LONG ? KIND_LONG_MOST :
		    k == KIND_ROWS ? KIND_ROWS_MOST :
				     0;
	return k == KIND_TEXT ? KIND_TEXT_USUAL :
	       k == KIND_LONG ? KIND_LONG_USUAL :
	       k == KIND_ROWS ? KIND_ROWS_USUAL :
				0;
}

static enum rc limits(struct reading *r, const struct node *n, struct type_field *f)
{
	const struct node *min = tree_get(n, "min"), *max = tree_get(n, "max"),
			  *decimals = tree_get(n, "decimals");
	uint64_t most = 0, v = 0;
	enum rc rc = RC_OK;
	f->longest = longest_of(f->kind, &most);
	if (f->kind == KIND_NUMBER) {
		if (decimals && (rc = type_whole(r, decimals, 0, KIND_DECIMALS_MOST, &v)) != RC_OK)
			return rc;
		f->decimals = (unsigned)v;
		f->least = -KIND_NUMBER_MOST;
		f->most = KIND_NUMBER_MOST;
		f->has_range = min || max;
		if (min && (min->kind != JSON_NUMBER || !decimal_parse(min->text, f->decimals, &f->least)))
			return type_refuse(r, min, "'min' must be a number of at most %u decimals", f->decimals);
		if (max && (max->kind != JSON_NUMBER || !decimal_parse(max->text, f->decimals, &f->most)))
			return type_refuse(r, max, "'max' must be a number of at most %u decimals", f->decimals);
		if (f->least > f->most)
			return type_refuse(r, min ? min : max, "'min' is more than 'max'");
		return RC_OK;
	}
	if (min || decimals)
		return type_refuse(r, min ? min : decimals, "only a number has '%s'",
				   min ? "min" : "decimals");
	if (max && most == 0)
		return type_refuse(r, max, "a field of kind '%s' has no 'max'", kind_name(f->kind));
	return max ? type_whole(r, max, 1, most, &f->longest) : RC_OK;
}

static enum rc kind_of(struct reading *r, const struct node *n, struct type_field *f)
{
	const struct node *kind = tree_get(n, "kind");
	const char *names[KINDS];
	for (unsigned k = 0; k < KINDS; k++)
		names[k] = kind_name((enum kind)k);
	if (!kind)
		return type_refuse(r, n, "field '%s' has no 'kind'", f->name);
	int k = kind->kind == JSON_STRING ? type_index_in(kind->text, names, KINDS) : -1;
	if (k < 0)
		return type_refuse(r, kind, "there is no kind '" STR_FMT "'%s", STR_ARG(kind->text),
				   type_nearest(r->a, kind->text, names, COUNT_OF(names), sizeof(*names)));
	f->kind = (enum kind)k;
	return RC_OK;
}

static enum rc share_of(struct reading *r, const struct node *n, struct type_field *f)
{
	const struct node *share = tree_get(n, "share");
	f->share = SHARE_TEAM;
	if (!share)
		return RC_OK;
	for (unsigned s = SHARE_OPEN; s <= SHARE_SEALED; s++)
		if (share->kind == JSON_STRING && str_eq(share->text, str_of(share_name((enum share)s)))) {
			f->share = (enum share)s;
			return RC_OK;
		}
	return type_refuse(r, share, "'share' must be open, party, team, named or sealed");
}

/* Members that only some kinds have. */
static enum rc of_kind(struct reading *r, const struct node *n, struct type_field *f, bool column)
{
	static const struct { const char *name; enum kind kind; bool needed; } members[] = {
		{ "choices", KIND_CHOICE, true }, { "to", KIND_REFERENCE, false }, { "rows", KIND_ROWS, true },
	};
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		const struct node *m = tree_get(n, members[i].name);
		if (m && f->kind != members[i].kind)
			return type_refuse(r, m, "only kind '%s' has '%s'", kind_name(members[i].kind),
					   members[i].name);
		if (!m && members[i].needed && f->kind == members[i].kind)
			return type_refuse(r, n, "field '%s' needs '%s'", f->name, members[i].name);
	}
	const struct node *to = tree_get(n, "to");
	if (to && to->kind != JSON_STRING)
		return type_refuse(r, to, "'to' must name a type");
	f->refers_to = to ? type_z(r, to->text) : f->kind == KIND_PERSON ? kind_name(KIND_PERSON) : NULL;
	if (f->kind == KIND_CHOICE)
		return choices(r, tree_get(n, "choices"), f, column);
	return RC_OK;
}

static enum rc field(struct reading *r, const struct node *n, struct type_field *f, bool column)
{
	static const char *const members[] = { "kind", "label", "help", "max", "min", "decimals", "choices",
					       "to", "required", "rows", "share", "personal", "members", "list",
					       "since", "block" };
	enum { COLUMN_MEMBERS = 9 };
	const struct node *m;
	enum rc rc = type_only(r, n, column ? "a column" : "a field", members,
			  column ? COLUMN_MEMBERS : COUNT_OF(members));
	if (rc == RC_OK)
		rc = kind_of(r, n, f);
	if (rc == RC_OK && column && (f->kind == KIND_ROWS || f->kind == KIND_FILE || f->kind == KIND_SECRET))
		return type_refuse(r, n, "'%s' cannot stand inside rows", kind_name(f->kind));
	if (rc == RC_OK)
		rc = type_label(r, n, "label", true, TYPE_LABEL_CHARS, &f->label);
	if (rc == RC_OK)
		rc = type_label(r, n, "help", false, TYPE_HELP_CHARS, &f->help);
	if (rc == RC_OK)
		rc = limits(r, n, f);
	if (rc == RC_OK)
		rc = of_kind(r, n, f, column);
	if (rc == RC_OK && (m = tree_get(n, "required")))
		rc = type_states_of(r, m, &f->required_in);
	f->since = 1;
	if (rc != RC_OK || column)
		return rc;
	if ((rc = share_of(r, n, f)) != RC_OK || (rc = type_flag(r, n, "personal", &f->personal)) != RC_OK ||
	    (rc = type_flag(r, n, "members", &f->members)) != RC_OK || (rc = type_flag(r, n, "list", &f->list)) != RC_OK)
		return rc;
	if (f->list && (f->kind == KIND_ROWS || f->kind == KIND_LONG || f->kind == KIND_FLAG ||
			f->kind == KIND_SECRET))
		return type_refuse(r, tree_get(n, "list"), "there are no lists of kind '%s'",
				   kind_name(f->kind));
	if ((m = tree_get(n, "since"))) {
		uint64_t since = 1;
		if ((rc = type_whole(r, m, 1, r->t->version, &since)) != RC_OK)
			return rc;
		f->since = (uint32_t)since;
	}
	if ((m = tree_get(n, "block"))) {
		if (m->kind != JSON_STRING)
			return type_refuse(r, m, "'block' must name a block");
		f->block = type_z(r, m->text);
	}
	if (f->kind == KIND_ROWS)
		return type_fields(r, tree_get(n, "rows"), true, &f->rows, &f->row_count);
	return RC_OK;
}

/* Names that mean something else wherever a field's name stands. */
static const char *const reserved[] = { "id", "type", "number", "version", "state", "author", "created",
					"changed", "labels", "due", "text", "why", "origin", "after",
					"links", "tlp" };

/* A type's fields, or the columns of one: these have no rows, so this goes two deep. */
enum rc type_fields(struct reading *r, const struct node *n, bool column,
		      const struct type_field **out, size_t *count_out)
{
	size_t most = column ? TYPE_COLUMNS_MAX : TYPE_FIELDS_MAX;
	if (n->kind != JSON_NEST || !n->object || n->count == 0)
		return type_refuse(r, n, "'" STR_FMT "' must name at least one field", STR_ARG(n->key));
	if (n->count > most)
		return type_refuse(r, n, "more than %zu fields", most);
	struct type_field *list = ARENA_ARRAY(r->a, n->count, struct type_field);
	size_t count = 0;
	for (const struct node *m = n->first; m; m = m->next) {
		struct type_field *f = &list[count];
		if (!type_is_name(m->key, '_'))
			return type_refuse(r, m, "'" STR_FMT "' is no name for a field: letters a-z, digits and _, "
					   "at most %d", STR_ARG(m->key), TYPE_NAME_MAX);
		if (!column && type_index_in(m->key, reserved, COUNT_OF(reserved)) >= 0)
			return type_refuse(r, m, "every record has '" STR_FMT "' already", STR_ARG(m->key));
		f->name = type_z(r, m->key);
		f->at = (unsigned)count++;
		enum rc rc = field(r, m, f, column);
		if (rc != RC_OK)
			return rc;
	}
	*out = list;
	*count_out = count;
	return RC_OK;
}
