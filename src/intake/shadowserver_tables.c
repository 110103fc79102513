/* SPDX-License-Identifier: Apache-2.0 */
/* What the reports are, and what their columns mean: shadowserver_*.def. */
#include "intake/shadowserver_private.h"

enum { OLD_NAICS = 1, NO_CVE = 2 };

static const struct report {
	str name, type, identifier, application, transport, severity;
	unsigned flags;
} reports[] = {
#define REPORT(name, type, identifier, application, transport, severity, flags) \
	{ STR_INIT(name),                                                       \
	  STR_INIT(type),                                                       \
	  STR_INIT(identifier),                                                 \
	  STR_INIT(application),                                                \
	  STR_INIT(transport),                                                  \
	  STR_INIT(severity),                                                   \
	  flags },
#define RENAMED(before, now)
#include "intake/shadowserver_types.def"
#undef REPORT
#undef RENAMED
};

static const struct {
	str before, now;
} renamed[] = {
#define REPORT(name, type, identifier, application, transport, severity, flags)
#define RENAMED(before, now) { STR_INIT(before), STR_INIT(now) },
#include "intake/shadowserver_types.def"
#undef REPORT
#undef RENAMED
};

struct column {
	str report, column, field;
	enum ss_conversion conversion;
};
static const struct column columns[] = {
#define COLUMN(column, field, conversion) \
	{ STR_INIT(""), STR_INIT(column), STR_INIT(field), SS_##conversion },
#define SPECIAL(report, column, field, conversion)
#include "intake/shadowserver_columns.def"
#undef COLUMN
#undef SPECIAL
};
static const struct column special[] = {
#define COLUMN(column, field, conversion)
#define SPECIAL(report, column, field, conversion) \
	{ STR_INIT(report), STR_INIT(column), STR_INIT(field), SS_##conversion },
#include "intake/shadowserver_columns.def"
#undef COLUMN
#undef SPECIAL
};

enum {
#define USUAL(set, names) USUAL_##set,
#define HEADER(reports, set, names)
#include "intake/shadowserver_headers.def"
#undef USUAL
#undef HEADER
	USUAL_SETS
};
static const str usual[USUAL_SETS] = {
#define USUAL(set, names) [USUAL_##set] = STR_INIT(names),
#define HEADER(reports, set, names)
#include "intake/shadowserver_headers.def"
#undef USUAL
#undef HEADER
};
static const struct header {
	str reports, names;
	int set;
} headers[] = {
#define USUAL(set, names)
#define HEADER(reports, set, names) { STR_INIT(reports), STR_INIT(names), USUAL_##set },
#include "intake/shadowserver_headers.def"
#undef USUAL
#undef HEADER
};

static const struct report *report_find(str name)
{
	for (size_t i = 0; i < COUNT_OF(reports); i++)
		if (str_eq(reports[i].name, name))
			return &reports[i];
	return NULL;
}

str ss_report_name(str name)
{
	for (size_t i = 0; i < COUNT_OF(renamed); i++)
		if (str_eq(renamed[i].before, name))
			return renamed[i].now;
	return report_find(name) ? name : STR("");
}

size_t ss_report_count(void)
{
	return COUNT_OF(reports);
}

str ss_report_at(size_t i)
{
	return reports[i].name;
}

/* --- by columns --- */

static bool has_word(str words, str word)
{
	while (words.n)
		if (str_eq(str_cut(&words, ' '), word))
			return true;
	return false;
}

str ss_report_columns(str name, struct arena *a)
{
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		const struct header *h = &headers[i];
		if (has_word(h->reports, name))
			return str_trim(arena_fmt(a, STR_FMT " " STR_FMT, STR_ARG(usual[h->set]),
						  STR_ARG(h->names)));
	}
	return STR("");
}

static bool has_column(const struct ss_columns *c, str name)
{
	for (size_t i = 0; i < c->count; i++)
		if (str_eq(c->name[i], name))
			return true;
	return false;
}

static void count_words(const struct ss_columns *c, str words, size_t *here, size_t *all)
{
	while (words.n) {
		*here += has_column(c, str_cut(&words, ' '));
		++*all;
	}
}

/* How alike two sets of columns are, 0 to 1000. */
static size_t likeness(const struct ss_columns *c, const struct header *h)
{
	size_t here = 0, all = 0;
	count_words(c, usual[h->set], &here, &all);
	count_words(c, h->names, &here, &all);
	return 1000 * here / (c->count + all - here);
}

static bool says_the_same(const struct report *a, const struct report *b)
{
	return str_eq(a->type, b->type) && str_eq(a->identifier, b->identifier) &&
	       str_eq(a->application, b->application);
}

/* A wrong type is worse than none: reports that say other things must be clearly less alike. */
str ss_report_by_columns(const struct ss_columns *c)
{
	enum { ALIKE = 850, CLEARLY = 50 };
	size_t alike[COUNT_OF(headers)], best = ALIKE;
	const struct report *found = NULL;
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		alike[i] = likeness(c, &headers[i]);
		if (alike[i] > best)
			best = alike[i];
	}
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		if (alike[i] < ALIKE || alike[i] + CLEARLY < best)
			continue;
		for (str names = headers[i].reports; names.n;) {
			const struct report *r = report_find(str_cut(&names, ' '));
			if (found && r && !says_the_same(found, r))
				return STR("");
			if (!found || (r && r->name.n < found->name.n)) /* scan_ before scan6_ */
				found = r;
		}
	}
	return found ? found->name : STR("");
}

/* --- rules --- */

/* The rows of `table` that speak of this column; their number. */
static size_t rows_of(const struct column *table, size_t count, str report, str column,
		      const struct column **first)
{
	size_t n = 0;
	for (size_t i = 0; i < count; i++) {
		if (!str_eq(table[i].column, column) || !str_eq(table[i].report, report))
			continue;
		if (n++ == 0)
			*first = &table[i];
	}
	return n;
}

static str field_of(const struct column *row, unsigned flags, struct arena *a)
{
	if (str_eq(row->field, STR("extra")))
		return arena_fmt(a, "extra." STR_FMT, STR_ARG(row->column));
	if (flags & OLD_NAICS && row->report.n == 0) {
		if (str_eq(row->field, STR("extra.source.naics")) &&
		    str_eq(row->column, STR("naics")))
			return STR("extra.naics");
		if (str_eq(row->field, STR("extra.source.sector")) &&
		    str_eq(row->column, STR("sector")))
			return STR("extra.sector");
	}
	return row->field;
}

static bool is_required(const struct ss_rule *r)
{
	static const str names[][2] = {
		{ STR_INIT("time.source"), STR_INIT("timestamp") },
		{ STR_INIT("source.ip"), STR_INIT("ip") },
		{ STR_INIT("source.ip"), STR_INIT("src_ip") },
		{ STR_INIT("source.port"), STR_INIT("port") },
		{ STR_INIT("source.port"), STR_INIT("src_port") },
	};
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_eq(r->field, names[i][0]) && str_eq(r->column, names[i][1]))
			return true;
	return false;
}

static void add_rule(struct ss_type *t, struct ss_rule r)
{
	r.required = is_required(&r);
	t->rules[t->count++] = r;
}

static void add_column(struct ss_type *t, str column, unsigned flags, struct arena *a)
{
	const struct column *row = NULL;
	size_t n = rows_of(special, COUNT_OF(special), t->name, column, &row);
	if (n == 0)
		n = rows_of(columns, COUNT_OF(columns), STR(""), column, &row);
	for (size_t i = 0; i < n; i++, row++)
		if (row->conversion != SS_CVE || !(flags & NO_CVE))
			add_rule(t, (struct ss_rule){ column, field_of(row, flags, a),
						      row->conversion, STR(""), false });
	if (n == 0)
		add_rule(t,
			 (struct ss_rule){ column, arena_fmt(a, "extra." STR_FMT, STR_ARG(column)),
					   SS_TEXT, STR(""), false });
}

static void add_value(struct ss_type *t, const char *field, str value, enum ss_conversion how)
{
	if (value.n)
		add_rule(t, (struct ss_rule){ STR(""), str_of(field), how, value, false });
}

struct ss_type ss_tables_type(str name, const struct ss_columns *c, struct arena *a)
{
	enum { TARGETS_MAX = 8, VALUES_MAX = 8 }; /* fields of one column; constants of a report */
	const struct report *r = report_find(name);
	struct ss_type t = { .name = name };
	t.rules = ARENA_ARRAY(a, c->count * TARGETS_MAX + VALUES_MAX, struct ss_rule);
	for (size_t i = 0; i < c->count; i++)
		add_column(&t, c->name[i], r ? r->flags : 0, a);
	if (r) {
		add_value(&t, "classification.taxonomy", type_taxonomy(r->type), SS_CONSTANT);
		add_value(&t, "classification.type", r->type, SS_CONSTANT);
		add_value(&t, "classification.identifier", r->identifier, SS_CONSTANT);
		add_value(&t, "protocol.application", r->application, SS_CONSTANT);
		add_value(&t, "protocol.transport", r->transport, SS_CONSTANT);
		add_value(&t, "severity", r->severity, SS_DEFAULT);
	} else {
		add_value(&t, "classification.taxonomy", STR("other"), SS_CONSTANT);
		add_value(&t, "classification.type", STR("undetermined"), SS_CONSTANT);
		add_value(&t, "classification.identifier", name, SS_CONSTANT);
	}
	return t;
}
