/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/case.h"

static const struct type_field *field_of(const struct type *t, const char *meaning)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));

	return m ? m->field : NULL;
}

static int state_of(const struct type *t, const char *meaning)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));

	return m && !m->field ? (int)m->state : -1;
}

bool case_type_of(const struct type *t, struct case_type *out)
{
	*out = (struct case_type){
		.type = t,
		.class = field_of(t, "case.class"), .kind = field_of(t, "case.type"),
		.severity = field_of(t, "case.severity"), .severity_why = field_of(t, "case.severity-why"),
		.summary = field_of(t, "case.summary"), .indicators = field_of(t, "case.indicators"),
		.happened = field_of(t, "case.happened"), .spread = field_of(t, "case.spread"),
		.active = field_of(t, "case.active"), .people = field_of(t, "case.people"),
		.critical = field_of(t, "case.critical"), .loss = field_of(t, "case.loss"),
		.handover = field_of(t, "case.handover"), .handover_note = field_of(t, "case.handover-note"),
		.how = field_of(t, "case.how"),
		.report = state_of(t, "case.report"), .triage = state_of(t, "case.triage"),
		.open = state_of(t, "case.open"), .rejected = state_of(t, "case.rejected"),
		.merged = state_of(t, "case.merged"),
	};
	return out->class && out->severity && out->report >= 0 && out->open >= 0;
}

bool case_type_find(const struct types *t, struct case_type *out)
{
	for (size_t i = 0; i < types_count(t); i++)
		if (case_type_of(types_at(t, i), out))
			return true;
	*out = (struct case_type){ 0 };
	return false;
}

struct json_object *case_value(const struct record_view *v, const struct type_field *f)
{
	return f && !record_view_cuts(v, f) ? json_get(v->body, f->name) : NULL;
}

str case_name(const struct record_view *v, struct arena *a)
{
	const struct type *t = record_view_type(v);
	struct buf title = BUF_INIT(KIB(8));

	if (t && t->title && !record_view_cuts(v, t->title))
		record_view_text(v, t->title, &title);
	str id = record_view_number(v) ? arena_fmt(a, "%s-%llu", t ? t->name : "record",
						   (unsigned long long)record_view_number(v)) :
					 record_view_id(v, a);
	str name = arena_fmt(a, STR_FMT "%s" STR_FMT, STR_ARG(id), title.n ? " " : "",
			     STR_ARG(buf_str(&title)));
	buf_free(&title);
	return name;
}

const char *say(str language, const char *english, const char *indonesian)
{
	bool is_id = str_eq_nocase(language, STR("id")) || str_starts_nocase(language, STR("id-")) ||
		     str_starts_nocase(language, STR("id_"));

	return is_id ? indonesian : english;
}
