/* SPDX-License-Identifier: Apache-2.0 */
#include "directory/import.h"

#include "directory/import_private.h"

static const struct import_form *const forms[] = {
#define FORM(name) &import_form_##name,
#include "directory/forms.def"
#undef FORM
};
static const struct {
	const char *name;
	unsigned trust;
} sources[] = {
#define SOURCE(name, trust) { name, trust },
#include "directory/sources.def"
#undef SOURCE
};
enum { TRUST_UNKNOWN = 30 };

const struct import_form *import_form_at(size_t i)
{
	return i < COUNT_OF(forms) ? forms[i] : NULL;
}

const struct import_form *import_form_find(str name)
{
	for (size_t i = 0; i < COUNT_OF(forms); i++)
		if (str_eq_nocase(name, str_of(forms[i]->name)))
			return forms[i];
	return NULL;
}

const struct import_form *import_form_guess(str head, str file_name)
{
	for (size_t i = 0; i < COUNT_OF(forms); i++)
		if (forms[i]->claims && forms[i]->claims(str_head(head, IMPORT_HEAD), file_name))
			return forms[i];
	return NULL;
}

unsigned import_trust(str source)
{
	source = str_head(source, str_index(source, ':'));
	for (size_t i = 0; i < COUNT_OF(sources); i++)
		if (str_eq(source, str_of(sources[i].name)))
			return sources[i].trust;
	return TRUST_UNKNOWN;
}
