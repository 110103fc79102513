/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/marks.h"

#include <json-c/json.h>
#include <stdlib.h>

static const char *const recipient_names[] = {
	[RECIPIENT_NONE] = "nobody",
	[RECIPIENT_PUBLIC] = "public",
	[RECIPIENT_STAFF] = "staff",
	[RECIPIENT_CONSTITUENT] = "constituent",
	[RECIPIENT_COMMUNITY] = "community",
	[RECIPIENT_PARTNER] = "partner",
	[RECIPIENT_LOG] = "log",
};

const char *recipient_name(enum recipient_kind k)
{
	return (unsigned)k < COUNT_OF(recipient_names) ? recipient_names[k] : "nobody";
}

/* The words of marks.def. */
enum {
	PUBLIC = 1 << RECIPIENT_PUBLIC,
	STAFF = 1 << RECIPIENT_STAFF,
	CONSTITUENT = 1 << RECIPIENT_CONSTITUENT,
	COMMUNITY = 1 << RECIPIENT_COMMUNITY,
	PARTNER = 1 << RECIPIENT_PARTNER,
	EVERYBODY = PUBLIC | STAFF | CONSTITUENT | COMMUNITY | PARTNER | 1 << RECIPIENT_LOG
};

static const struct classification classifications[] = {
#define CLASSIFICATION(name, tlp, cleared, words) { name, tlp, cleared, words },
#define LICENCE(name, to, own, attribution, words)
#include "disclosure/marks.def"
#undef CLASSIFICATION
#undef LICENCE
};
static const struct licence licences[] = {
#define CLASSIFICATION(name, tlp, cleared, words)
#define LICENCE(name, to, own, attribution, words) { name, to, own, attribution, words },
#include "disclosure/marks.def"
#undef CLASSIFICATION
#undef LICENCE
};

const struct marks marks_built_in = { classifications, COUNT_OF(classifications), licences,
				      COUNT_OF(licences) };

const struct classification *marks_classification(const struct marks *m, str name)
{
	for (size_t i = 0; i < m->classification_count; i++)
		if (str_eq_nocase(name, str_of(m->classifications[i].name)))
			return &m->classifications[i];
	return NULL;
}

const struct licence *marks_licence(const struct marks *m, str name)
{
	for (size_t i = 0; i < m->licence_count; i++)
		if (str_eq_nocase(name, str_of(m->licences[i].name)))
			return &m->licences[i];
	return NULL;
}

/* --- a node's own --- */

/* Built as the built-in ones and grown; its strings stand in an arena of its own. */
struct own_marks {
	struct marks marks; /* first: marks_free is given this */
	struct arena *a;
	struct classification classifications[MARKS_MAX];
	struct licence licences[MARKS_MAX];
};

static bool find_recipient(str name, uint32_t *bit)
{
	for (int k = RECIPIENT_NONE + 1; k < RECIPIENT_KINDS; k++)
		if (str_eq(name, str_of(recipient_names[k]))) {
			*bit = 1u << k;
			return true;
		}
	return false;
}

static enum rc read_recipients(struct json_object *row, str name, uint32_t *out, struct err *err)
{
	struct json_object *to = json_get(row, "to");

	if (!to || (json_count(to) == 0 && !json_object_is_type(to, json_type_array)))
		return fail(err, RC_INPUT, "'" STR_FMT "': 'to' must be a list of recipients",
			    STR_ARG(name));
	*out = 0;
	for (size_t i = 0; i < json_count(to); i++) {
		str word = json_text(json_at(to, i));
		uint32_t bit = 0;

		if (!find_recipient(word, &bit))
			return fail(err, RC_INPUT, "'" STR_FMT "': there is no recipient '" STR_FMT "'",
				    STR_ARG(name), STR_ARG(word));
		*out |= bit;
	}
	return RC_OK;
}

static const char *own_text(struct own_marks *o, struct json_object *row, const char *key)
{
	str s = json_get_str(row, key);
	return s.p ? arena_z(o->a, s) : "";
}

static enum rc read_classification(struct own_marks *o, str name, struct json_object *row,
				   struct err *err)
{
	struct classification c = { .name = arena_z(o->a, name), .words = own_text(o, row, "words") };
	size_t at = 0;

	if (!tlp_parse(json_get_str(row, "tlp"), &c.tlp))
		return fail(err, RC_INPUT, "'" STR_FMT "': 'tlp' must be a TLP marking", STR_ARG(name));
	enum rc rc = read_recipients(row, name, &c.cleared, err);
	if (rc != RC_OK)
		return rc;
	while (at < o->marks.classification_count &&
	       !str_eq_nocase(name, str_of(o->classifications[at].name)))
		at++;
	if (at == MARKS_MAX)
		return fail(err, RC_LIMIT, "more than %d classifications", MARKS_MAX);
	o->classifications[at] = c;
	o->marks.classification_count += at == o->marks.classification_count;
	return RC_OK;
}

static enum rc read_licence(struct own_marks *o, str name, struct json_object *row, struct err *err)
{
	struct licence l = { .name = arena_z(o->a, name), .words = own_text(o, row, "words"),
			     .attribution = own_text(o, row, "attribution") };
	size_t at = 0;

	if (!json_get_bool(row, "own", &l.own))
		return fail(err, RC_INPUT, "'" STR_FMT "': 'own' must be true or false", STR_ARG(name));
	enum rc rc = read_recipients(row, name, &l.to, err);
	if (rc != RC_OK)
		return rc;
	while (at < o->marks.licence_count && !str_eq_nocase(name, str_of(o->licences[at].name)))
		at++;
	if (at == MARKS_MAX)
		return fail(err, RC_LIMIT, "more than %d licences", MARKS_MAX);
	o->licences[at] = l;
	o->marks.licence_count += at == o->marks.licence_count;
	return RC_OK;
}

typedef enum rc (*read_row)(struct own_marks *o, str name, struct json_object *row, struct err *err);

static enum rc read_table(struct own_marks *o, struct json_object *table, read_row read,
			  struct err *err)
{
	enum rc rc = RC_OK;

	if (!table)
		return RC_OK;
	if (!json_object_is_type(table, json_type_object))
		return fail(err, RC_INPUT, "a table of marks must be an object, a member for each mark");
	json_object_object_foreach(table, key, row) {
		str name = str_of(key);

		if (name.n == 0 || name.n > 64 || !str_is_plain(name))
			return fail(err, RC_INPUT, "the name of a mark has 1 to 64 plain characters");
		if ((rc = read(o, name, row, err)) != RC_OK)
			return rc;
	}
	return rc;
}

enum rc marks_read(str text, const struct marks **out, struct err *err)
{
	struct json_object *file = NULL;
	struct own_marks *o = x_alloc(sizeof(*o));

	*out = NULL;
	o->a = arena_new(KIB(4));
	memcpy(o->classifications, classifications, sizeof(classifications));
	memcpy(o->licences, licences, sizeof(licences));
	o->marks = (struct marks){ o->classifications, COUNT_OF(classifications), o->licences,
				   COUNT_OF(licences) };
	enum rc rc = json_read(text, &file, err);
	if (rc == RC_OK && !json_object_is_type(file, json_type_object))
		rc = fail(err, RC_INPUT, "marks must be a JSON object");
	if (rc == RC_OK)
		rc = read_table(o, json_get(file, "classifications"), read_classification, err);
	if (rc == RC_OK)
		rc = read_table(o, json_get(file, "licences"), read_licence, err);
	json_free(file);
	if (rc == RC_OK)
		*out = &o->marks;
	else
		marks_free(&o->marks);
	return rc;
}

void marks_free(const struct marks *m)
{
	if (!m || m == &marks_built_in)
		return;
	struct own_marks *o = (struct own_marks *)(uintptr_t)m;
	arena_free(o->a);
	free(o);
}
