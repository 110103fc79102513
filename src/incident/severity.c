/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/severity.h"

struct row {
	const char *name;
	int64_t from;
	unsigned points;
	const char *en, *id;
};

#define CLASS(name, points, en, id)
#define TYPE(name, points, en, id)
#define CHOICE(member, name, points, en, id)
#define CRITICAL(points, en, id)
#define PEOPLE(from, points, en, id)
#define LOSS(name, from, points)
#define LEVEL(name, from, id)

static const struct row classes[] = {
#undef CLASS
#define CLASS(name, points, en, id) { name, 0, points, en, id },
#include "incident/severity.def"
#undef CLASS
#define CLASS(name, points, en, id)
};
static const struct row types[] = {
#undef TYPE
#define TYPE(name, points, en, id) { name, 0, points, en, id },
#include "incident/severity.def"
#undef TYPE
#define TYPE(name, points, en, id)
};
enum member { member_spread, member_active };
static const struct choice_row {
	enum member member;
	struct row row;
} choices[] = {
#undef CHOICE
#define CHOICE(member, name, points, en, id) { member_##member, { name, 0, points, en, id } },
#include "incident/severity.def"
#undef CHOICE
#define CHOICE(member, name, points, en, id)
};
static const struct row critical[] = {
#undef CRITICAL
#define CRITICAL(points, en, id) { "", 0, points, en, id },
#include "incident/severity.def"
#undef CRITICAL
#define CRITICAL(points, en, id)
};
static const struct row people[] = {
#undef PEOPLE
#define PEOPLE(from, points, en, id) { "", from, points, en, id },
#include "incident/severity.def"
#undef PEOPLE
#define PEOPLE(from, points, en, id)
};
static const struct row losses[] = {
#undef LOSS
#define LOSS(name, from, points) { name, from, points, "a loss from " name " " #from, "kerugian mulai " name " " #from },
#include "incident/severity.def"
#undef LOSS
#define LOSS(name, from, points)
};
static const struct row levels[] = {
#undef LEVEL
#define LEVEL(name, from, id) { name, from, 0, name, id },
#include "incident/severity.def"
};

/* --- counting --- */

struct counting {
	unsigned points;
	struct buf words;
	str language;
};

static void count(struct counting *c, const struct row *r)
{
	if (!r)
		return;
	c->points += r->points;
	buf_fmt(&c->words, "%s%s %u", c->words.n ? ", " : "", say(c->language, r->en, r->id), r->points);
}

static const struct row *named(const struct row *rows, size_t n, str name)
{
	for (size_t i = 0; i < n && name.n; i++)
		if (str_eq(name, str_of(rows[i].name)))
			return &rows[i];
	return NULL;
}

static const struct row *chosen(enum member member, str name)
{
	for (size_t i = 0; i < COUNT_OF(choices) && name.n; i++)
		if (choices[i].member == member && str_eq(name, str_of(choices[i].row.name)))
			return &choices[i].row;
	return NULL;
}

static const struct row *reached(const struct row *rows, size_t n, str name, int64_t value)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(name, str_of(rows[i].name)) && value >= rows[i].from)
			return &rows[i];
	return NULL;
}

void severity_propose(const struct severity_facts *f, str language, struct arena *a,
		      struct severity *out)
{
	struct counting c = { .words = BUF_INIT(KIB(2)), .language = language };
	const struct row *kind = named(types, COUNT_OF(types), f->type);

	count(&c, kind ? kind : named(classes, COUNT_OF(classes), f->class));
	count(&c, f->critical ? critical : NULL);
	count(&c, reached(people, COUNT_OF(people), STR(""), f->people));
	count(&c, chosen(member_spread, f->spread));
	count(&c, reached(losses, COUNT_OF(losses), f->currency, f->loss));
	count(&c, chosen(member_active, f->active));
	const struct row *level = &levels[COUNT_OF(levels) - 1];
	for (size_t i = COUNT_OF(levels); i-- > 0;)
		if ((int64_t)c.points >= levels[i].from)
			level = &levels[i];
	out->level = level->name;
	out->points = c.points;
	out->reason = arena_fmt(a, "%s, %u %s: " STR_FMT, say(language, level->en, level->id), c.points,
				say(language, c.points == 1 ? "point" : "points", "poin"),
				STR_ARG(c.words.n ? buf_str(&c.words) :
						    str_of(say(language, "nothing is known that counts",
							       "belum ada yang diperhitungkan"))));
	buf_free(&c.words);
}

/* --- from records --- */

static str text_of(struct json_object *body, const struct type_field *f)
{
	return f ? json_get_str(body, f->name) : STR("");
}

/* It is concerned when the part of the form for it is open, whatever choice opened that; or, outside of parts,
 * when the field has a value. */
static bool has_critical(const struct case_type *t, struct json_object *body)
{
	const struct type_field *f = t->critical;

	return f && (f->block ? field_open(t->type, f, body) : json_get(body, f->name) != NULL);
}

void severity_of_body(const struct case_type *t, struct json_object *body, str language, struct arena *a,
		      struct severity *out)
{
	struct severity_facts f = { .class = text_of(body, t->class), .type = text_of(body, t->kind),
				    .spread = text_of(body, t->spread), .active = text_of(body, t->active),
				    .critical = has_critical(t, body), .currency = STR("") };
	struct json_object *loss = t->loss ? json_get(body, t->loss->name) : NULL;

	if (t->people)
		(void)json_get_i64(body, t->people->name, &f.people);
	if (loss) {
		str amount = json_get_str(loss, "amount");
		f.currency = json_get_str(loss, "currency");
		if (!str_to_i64(str_cut(&amount, '.'), &f.loss))
			f.currency = STR("");
	}
	severity_propose(&f, language, a, out);
}

bool severity_of_view(const struct record_view *v, str language, struct arena *a, struct severity *out)
{
	struct case_type t;

	if (!record_view_type(v) || !case_type_of(record_view_type(v), &t))
		return false;
	severity_of_body(&t, v->body, language, a, out);
	return true;
}
