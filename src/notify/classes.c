/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/classes.h"

static const struct { const char *name; bool live; } classes[] = {
#define LIVE true
#define CALM false
#define CLASS(name, how) { name, how },
#define MAP(type, word, class)
#include "notify/classes.def"
#undef CLASS
#undef MAP
#undef LIVE
#undef CALM
};
static const struct { const char *type, *word, *class; } maps[] = {
#define CLASS(name, how)
#define MAP(type, word, class) { type, word, class },
#include "notify/classes.def"
#undef CLASS
#undef MAP
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool begins_a_word(str text, str word)
{
	for (size_t i = 0; i + word.n <= text.n; i++)
		if ((i == 0 || !is_letter(text.p[i - 1])) && str_starts_nocase(str_from(text, i), word))
			return true;
	return word.n == 0;
}

const char *class_of(str type, str identifier)
{
	for (size_t i = 0; i < COUNT_OF(maps); i++)
		if ((!maps[i].type[0] || str_eq(type, str_of(maps[i].type))) &&
		    begins_a_word(identifier, str_of(maps[i].word)))
			return maps[i].class;
	return "other";
}

const char *class_at(size_t i)
{
	return i < COUNT_OF(classes) ? classes[i].name : NULL;
}

bool class_is(str name)
{
	for (size_t i = 0; i < COUNT_OF(classes); i++)
		if (str_eq(name, str_of(classes[i].name)))
			return true;
	return false;
}

bool class_is_live(str name)
{
	for (size_t i = 0; i < COUNT_OF(classes); i++)
		if (str_eq(name, str_of(classes[i].name)))
			return classes[i].live;
	return false;
}

str class_of_template(str template)
{
	str head = STR("tell.");
	return str_starts(template, head) ? str_from(template, head.n) : STR("");
}
