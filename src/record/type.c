/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in types that are loaded. */
#include "record/type.h"

const char *kind_name(enum kind k)
{
	static const char *const names[KINDS] = {
		[KIND_TEXT] = "text", [KIND_LONG] = "long", [KIND_NUMBER] = "number",
		[KIND_MONEY] = "money", [KIND_FLAG] = "flag", [KIND_DATE] = "date",
		[KIND_TIME] = "time", [KIND_DURATION] = "duration", [KIND_COUNTRY] = "country",
		[KIND_LANGUAGE] = "language", [KIND_CHOICE] = "choice",
		[KIND_REFERENCE] = "reference", [KIND_ADDRESS] = "address",
		[KIND_NETWORK] = "network", [KIND_ASN] = "asn", [KIND_DOMAIN] = "domain",
		[KIND_URL] = "url", [KIND_HASH] = "hash", [KIND_PERSON] = "person",
		[KIND_FILE] = "file", [KIND_SECRET] = "secret", [KIND_ROWS] = "rows",
	};
	return k < KINDS ? names[k] : "";
}

const char *share_name(enum share s)
{
	switch (s) {
	case SHARE_OPEN: return "open";
	case SHARE_PARTY: return "party";
	case SHARE_TEAM: return "team";
	case SHARE_NAMED: return "named";
	case SHARE_SEALED: return "sealed";
	}
	return "";
}

const char *action_name(enum action a)
{
	static const char *const names[ACTIONS] = {
		[ACTION_READ] = "read", [ACTION_CREATE] = "create", [ACTION_EDIT] = "edit",
		[ACTION_MOVE] = "move", [ACTION_LINK] = "link", [ACTION_LABEL] = "label",
		[ACTION_EXPORT] = "export", [ACTION_IMPORT] = "import", [ACTION_HOLD] = "hold",
		[ACTION_ERASE] = "erase", [ACTION_OPEN_SEALED] = "open_sealed",
	};
	return a < ACTIONS ? names[a] : "";
}

const struct type_field *type_find_field(const struct type *t, str name)
{
	for (size_t i = 0; i < t->field_count; i++)
		if (str_eq(str_of(t->fields[i].name), name))
			return &t->fields[i];
	return NULL;
}

const struct meaning *type_meaning(const struct type *t, str name)
{
	for (size_t i = 0; i < t->mean_count; i++)
		if (str_eq(str_of(t->means[i].name), name))
			return &t->means[i];
	return NULL;
}

int type_state(const struct type *t, str name)
{
	for (size_t i = 0; i < t->state_count; i++)
		if (str_eq(str_of(t->states[i].name), name))
			return (int)i;
	return -1;
}

const struct move *type_move(const struct type *t, unsigned from, unsigned to)
{
	if (from >= t->state_count)
		return NULL;
	const struct state *s = &t->states[from];
	for (size_t i = 0; i < s->move_count; i++)
		if (s->moves[i].to == to)
			return &s->moves[i];
	return NULL;
}

const char *words_in(const struct words *w, str language)
{
	const char *english = "";
	str primary = str_head(language, str_index(language, '-'));
	const char *near = NULL;
	for (; w && w->language; w++) {
		str l = str_of(w->language);
		if (str_eq_nocase(l, language))
			return w->text;
		if (str_eq_nocase(l, primary))
			near = w->text;
		if (str_eq(l, STR("en")))
			english = w->text;
	}
	return near ? near : english;
}
