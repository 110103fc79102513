/* SPDX-License-Identifier: Apache-2.0 */
#include "record/type.h"

#include <dirent.h>
#include <fcntl.h>

#include "base/test.h"
#include "base/test_dir.h"

static struct err err;
static const char *const roles[] = { "viewer", "analyst", "duty", "lead", "liaison", "auditor",
				     "constituent", "protection", "administrator", NULL };

TEST(built_in)
{
	struct types *t = NULL;
	CHECK_RC(types_load(NULL, roles, &t, &err), RC_OK, err);
	if (!t)
		return;
	const struct type *w = types_find(t, STR("warning"));
	CHECK(w && w->built_in && w->exchange && w->state_count == 4 && w->clock_count == 3);
	CHECK(!types_find(t, STR("approval")) && !types_find(t, STR("")));
	for (size_t i = 1; i < types_count(t); i++)
		CHECK(strcmp(types_at(t, i - 1)->name, types_at(t, i)->name) < 0);
	CHECK(!types_at(t, types_count(t)));
	/* every file of the folder is built in */
	char path[512];
	const char *source = getenv("RONDA_SOURCE");
	snprintf(path, sizeof(path), "%s/src/record/types", source ? source : ".");
	DIR *d = opendir(path);
	CHECK(d);
	for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
		str name = str_of(e->d_name);
		if (str_ends(name, STR(".json")))
			CHECK_MSG(types_find(t, str_head(name, name.n - 5)), "%s: set up the build again",
				  e->d_name);
	}
	if (d)
		closedir(d);
	types_free(t);
}

/* Every text a person reads is there in Indonesian too. */
static void has_indonesian(const char *type, const char *what, const struct words *w)
{
	for (; w && w->language; w++)
		if (strcmp(w->language, "id") == 0)
			return;
	CHECK_MSG(false, "%s: %s has no Indonesian text", type, what);
}

static void fields_translated(const char *type, const struct type_field *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		has_indonesian(type, f[i].name, f[i].label);
		if (f[i].help->language)
			has_indonesian(type, f[i].name, f[i].help);
		for (size_t c = 0; c < f[i].choice_count; c++)
			if (f[i].choices[c].name[0] >= 'a') /* codes need none */
				has_indonesian(type, f[i].choices[c].name, f[i].choices[c].label);
	}
}

TEST(translated)
{
	struct types *all = NULL;
	CHECK_RC(types_load(NULL, roles, &all, &err), RC_OK, err);
	for (size_t i = 0; all && i < types_count(all); i++) {
		const struct type *t = types_at(all, i);
		has_indonesian(t->name, "label", t->label);
		has_indonesian(t->name, "plural", t->plural);
		has_indonesian(t->name, "help", t->help);
		fields_translated(t->name, t->fields, t->field_count);
		for (size_t f = 0; f < t->field_count; f++)
			fields_translated(t->name, t->fields[f].rows, t->fields[f].row_count);
		for (size_t s = 0; s < t->state_count; s++) {
			has_indonesian(t->name, t->states[s].name, t->states[s].label);
			for (size_t m = 0; m < t->states[s].move_count; m++)
				if (t->states[s].moves[m].label)
					has_indonesian(t->name, "a move", t->states[s].moves[m].label);
		}
		for (size_t c = 0; c < t->clock_count; c++)
			has_indonesian(t->name, t->clocks[c].name, t->clocks[c].label);
	}
	types_free(all);
}

TEST_MAIN(TEST_RUN(built_in), TEST_RUN(translated))
