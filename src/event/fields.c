/* SPDX-License-Identifier: Apache-2.0 */
#include "event/fields.h"

static const struct field_row rows[] = {
#define FIELD(id, name, type, longest, personal) \
	[FIELD_##id] = { name, FT_##type, longest, FIELD_##personal },
#include "event/fields.def"
#undef FIELD
};

/* The same names as views: a search needs their lengths. */
static const str names[] = {
#define FIELD(id, name, type, longest, personal) [FIELD_##id] = STR_INIT(name),
#include "event/fields.def"
#undef FIELD
};

/* Rows up to here stand in the order of their names (a test holds it); later
 * ones were added at the end. */
enum { SORTED = FIELD_TLP + 1 };

const struct field_row *field_row(enum field f)
{
	return &rows[f];
}

bool field_find(str name, enum field *out)
{
	size_t low = 0, high = SORTED;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int c = str_cmp(name, names[mid]);
		if (c == 0) {
			*out = (enum field)mid;
			return true;
		}
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	for (size_t i = SORTED; i < FIELD_COUNT; i++) {
		if (str_eq(name, names[i])) {
			*out = (enum field)i;
			return true;
		}
	}
	return false;
}

static const char *const tlp_names[TLP_COUNT] = { "CLEAR", "GREEN", "AMBER", "AMBER+STRICT",
						  "RED" };

const char *tlp_name(enum tlp t)
{
	return t < TLP_COUNT ? tlp_names[t] : "?";
}

bool tlp_parse(str text, enum tlp *out)
{
	static const struct {
		str name;
		enum tlp tlp;
	} known[] = {
		{ STR_INIT("CLEAR"), TLP_CLEAR },
		{ STR_INIT("WHITE"), TLP_CLEAR },
		{ STR_INIT("GREEN"), TLP_GREEN },
		{ STR_INIT("AMBER"), TLP_AMBER },
		{ STR_INIT("YELLOW"), TLP_AMBER },
		{ STR_INIT("AMBER+STRICT"), TLP_AMBER_STRICT },
		{ STR_INIT("RED"), TLP_RED },
	};
	text = str_trim_all(text);
	if (str_starts_nocase(text, STR("TLP:")))
		text = str_trim(str_from(text, 4));
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (str_eq_nocase(text, known[i].name)) {
			*out = known[i].tlp;
			return true;
		}
	}
	return false;
}

struct pair {
	str from, to;
};

static const struct pair types[] = {
#define TYPE(type, taxonomy) { STR_INIT(type), STR_INIT(taxonomy) },
#define ALIAS(written, meant)
#define TAXONOMY_ALIAS(written, meant)
#include "event/taxonomy.def"
#undef TYPE
#undef ALIAS
};

static const struct pair aliases[] = {
#define TYPE(type, taxonomy)
#define ALIAS(written, meant) { STR_INIT(written), STR_INIT(meant) },
#include "event/taxonomy.def"
#undef ALIAS
#undef TAXONOMY_ALIAS
};

static const struct pair taxonomy_aliases[] = {
#define ALIAS(written, meant)
#define TAXONOMY_ALIAS(written, meant) { STR_INIT(written), STR_INIT(meant) },
#include "event/taxonomy.def"
#undef TYPE
#undef ALIAS
#undef TAXONOMY_ALIAS
};

static const struct pair *pair_find(const struct pair *list, size_t count, str text)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].from.n == text.n && str_eq_nocase(list[i].from, text))
			return &list[i];
	return NULL;
}

str type_canonical(str text)
{
	const struct pair *p = pair_find(types, COUNT_OF(types), text);
	if (p)
		return p->from;
	p = pair_find(aliases, COUNT_OF(aliases), text);
	return p ? p->to : STR_NONE;
}

str type_taxonomy(str type)
{
	const struct pair *p = pair_find(types, COUNT_OF(types), type);
	return p ? p->to : STR_NONE;
}

str taxonomy_canonical(str text)
{
	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (str_eq_nocase(types[i].to, text))
			return types[i].to;
	const struct pair *p = pair_find(taxonomy_aliases, COUNT_OF(taxonomy_aliases), text);
	return p ? p->to : STR_NONE;
}

int severity_rank(str text)
{
	static const str ranks[] = { STR_INIT("info"), STR_INIT("low"), STR_INIT("medium"),
				     STR_INIT("high"), STR_INIT("critical") };
	for (size_t i = 0; i < COUNT_OF(ranks); i++)
		if (str_eq_nocase(ranks[i], text))
			return (int)i;
	return -1;
}
