/* SPDX-License-Identifier: Apache-2.0 */
/* A type file: refused with its line, or loaded so that everything in it can be looked up. */
#include "fuzz.h"
#include "record/type.h"

static const char *const roles[] = { "viewer", "analyst", "duty", "lead", "liaison", "auditor",
				     "constituent", "protection", NULL };

static void walk(const struct type *t)
{
	MUST(t->title && t->state_count > 0 && t->field_count > 0);
	for (size_t i = 0; i < t->field_count; i++) {
		const struct type_field *f = &t->fields[i];
		MUST(type_find_field(t, str_of(f->name)) == f && f->at == i && f->kind < KINDS);
		MUST(words_in(f->label, STR("en"))[0]);
		MUST(f->required_in >> t->state_count == 0);
	}
	for (unsigned s = 0; s < t->state_count; s++)
		for (size_t m = 0; m < t->states[s].move_count; m++)
			MUST(t->states[s].moves[m].to < t->state_count);
	for (size_t i = 0; i < t->clock_count; i++)
		MUST(t->clocks[i].start_in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct types *base; /* loaded once: what is built in does not change */
	struct types *t = NULL;
	struct err err = { 0 };
	if (!base)
		MUST(types_load(NULL, roles, &base, &err) == RC_OK);
	if (types_with(base, str_mem(data, size), "types/x.json", &t, &err) == RC_OK) {
		const struct type *x = types_find(t, STR("x"));
		MUST(x && !x->built_in);
		walk(x);
		types_free(t);
	} else {
		MUST(str_starts(str_of(err.text), STR("types/x.json:")));
	}
	return 0;
}
