/* SPDX-License-Identifier: Apache-2.0 */
/* Any CSV, by a mapping file (csv_mapping.h). Without one only CSV whose header
 * speaks IntelMQ's names is understood. */
#include "base/csv.h"

#include "intake/csv_mapping.h"
#include "intake/format.h"

struct state {
	struct csv_mapping m;
	const struct csv_column **by_index; /* what each column of this report is; NULL: none */
	size_t count;                       /* columns the header has; 0: not seen */
	size_t least;                       /* columns a record needs */
	str *fields;                        /* of the record now: CSV_COLUMNS_MAX */
	bool mapped;  /* the header has one the mapping names, or none is needed */
	bool by_name; /* no mapping: names of the header are fields */
};

/* --- framing --- */

static bool is_delimiter(char c)
{
	return c == ',' || c == ';' || c == '\t' || c == '|' || c == '\n' || c == '\r';
}

/* As parse_frame_csv, for any usual delimiter: which it is stands in the mapping,
 * and framing sees none. A quote opens at the start of a field only. */
static size_t frame_quoted(str w)
{
	for (size_t i = 0; i < w.n;) {
		if (w.p[i] == '"') {
			size_t end = i + 1;
			for (; end < w.n; end += 2) {
				end += str_index(str_from(w, end), '"');
				if (end + 1 >= w.n || w.p[end + 1] != '"')
					break;
			}
			if (end >= w.n)
				return 0;
			i = end + 1;
		}
		while (i < w.n && !is_delimiter(w.p[i]))
			i++;
		if (i < w.n && w.p[i++] == '\n')
			return i;
	}
	return 0;
}

static size_t frame(str window, bool last)
{
	size_t line = str_index(window, '\n');
	if (line == window.n)
		return last ? window.n : 0;
	size_t quotes = 0;
	for (size_t i = 0; i < line; i++)
		quotes += window.p[i] == '"';
	if (quotes % 2 == 0)
		return line + 1;
	size_t n = frame_quoted(window);
	if (n || !last)
		return n;
	for (size_t i = line; i < window.n; i++)
		quotes += window.p[i] == '"';
	return quotes % 2 == 0 ? window.n : line + 1;
}

/* --- headers --- */

static str plain_name(str name)
{
	return str_trim_all(name);
}

static const struct csv_column *column_named(const struct csv_mapping *m, str name, size_t number)
{
	for (size_t i = 0; i < m->columns; i++) {
		const struct csv_column *c = &m->column[i];
		if (c->number ? c->number == number : str_eq_nocase(c->name, name))
			return c;
	}
	return NULL;
}

/* A column nobody named: its own name is a field, or it is an extra one. */
static const struct csv_column *column_rest(struct parse *p, str name)
{
	struct csv_column *c = ARENA_NEW(p->report, struct csv_column);
	enum field f;
	if (name.n == 0 || name.n > EXTRA_KEY_MAX || !str_is_plain(name))
		return NULL;
	c->name = arena_str(p->report, name);
	c->targets = 1;
	c->target[0] = (struct csv_target){FIELD_EXTRA, c->name};
	if (field_find(name, &f) && field_row(f)->class != FIELD_OURS)
		c->target[0] = (struct csv_target){f, STR_NONE};
	else if (str_starts(name, STR("extra.")) && name.n > 6)
		c->target[0].key = str_from(c->name, 6);
	return c;
}

static void place_rules(struct state *s, const str *names, size_t count)
{
	for (size_t r = 0; r < s->m.rules; r++) {
		struct csv_rule *rule = &s->m.rule[r];
		rule->index = SIZE_MAX;
		if (rule->number)
			rule->index = rule->number - 1;
		for (size_t i = 0; !rule->number && i < count; i++)
			if (str_eq_nocase(plain_name(names[i]), rule->column))
				rule->index = i;
	}
}

static void place_columns(struct parse *p, const str *names, size_t count)
{
	struct state *s = p->state;
	s->count = count;
	s->least = count;
	s->by_index =
		(const struct csv_column **)ARENA_ARRAY(p->report, count, struct csv_column *);
	for (size_t i = 0; i < count; i++) {
		str name = plain_name(names[i]);
		const struct csv_column *c = column_named(&s->m, name, i + 1);
		s->mapped |= c != NULL;
		for (size_t before = 0; !c && before < i; before++)
			if (str_eq(plain_name(names[before]),
				   name)) /* twice: kept with its number */
				name = arena_fmt(p->report, STR_FMT ".%zu", STR_ARG(name), i + 1);
		if (!c && !s->m.drop_rest)
			c = column_rest(p, name);
		s->by_index[i] = c;
	}
	s->mapped |= s->by_name;
	place_rules(s, names, count);
}

/* Without a header columns have numbers only. */
static void place_numbers(struct parse *p)
{
	struct state *s = p->state;
	for (size_t i = 0; i < s->m.columns; i++)
		s->count = s->m.column[i].number > s->count ? s->m.column[i].number : s->count;
	s->by_index =
		(const struct csv_column **)ARENA_ARRAY(p->report, s->count, struct csv_column *);
	for (size_t i = 0; i < s->count; i++)
		s->by_index[i] = column_named(&s->m, STR_NONE, i + 1);
	s->mapped = true;
	s->least = s->count;
	place_rules(s, NULL, 0);
}

/* --- claims --- */

static const char delimiters[] = ",;\t|";

/* Of the columns of this line, how many are fields of ours. */
static size_t known_columns(str line, char delimiter, struct arena *a, size_t *count_out)
{
	str *fields = ARENA_ARRAY(a, CSV_COLUMNS_MAX, str);
	size_t known = 0;
	enum field f;
	*count_out = 0;
	if (csv_split(line, delimiter, '"', a, fields, CSV_COLUMNS_MAX, count_out, NULL) != RC_OK)
		return 0;
	for (size_t i = 0; i < *count_out; i++) {
		str name = plain_name(fields[i]);
		known += field_find(name, &f) || str_starts(name, STR("extra."));
	}
	return known;
}

/* The delimiter by which at least two names, and half of all, are fields; 0 else. */
static char header_delimiter(str line, struct arena *a)
{
	for (size_t i = 0; delimiters[i]; i++) {
		size_t count, known = known_columns(line, delimiters[i], a, &count);
		if (known >= 2 && 2 * known >= count)
			return delimiters[i];
	}
	return '\0';
}

static int claims(const struct intake_sample *s)
{
	str rest = s->head, line = STR_NONE;
	if (s->hints && csv_mapping_is(s->hints->mapping))
		return 90;
	while (str_line(&rest, &line) && str_trim(line).n == 0)
		;
	if (line.n == 0 || line.n > KIB(32) || !str_has(line, '.'))
		return 0;
	struct arena *a = arena_new(KIB(32));
	int sure = header_delimiter(line, a) ? 80 : 0;
	arena_free(a);
	return sure;
}

/* --- records --- */

static enum rc begin(struct parse *p, struct err *err)
{
	struct state *s = p->state = ARENA_NEW(p->report, struct state);
	s->fields = ARENA_ARRAY(p->report, CSV_COLUMNS_MAX, str);
	s->by_name = !csv_mapping_is(p->hints->mapping);
	if (s->by_name) {
		s->m = (struct csv_mapping){.delimiter = '\0', .quote = '"', .header = true};
		return RC_OK;
	}
	enum rc rc = csv_mapping_read(p->hints->mapping, p->report, &s->m, err);
	if (rc == RC_OK && !s->m.header)
		place_numbers(p);
	return rc;
}

static bool split(struct parse *p, size_t *count)
{
	const struct state *s = p->state;
	struct err err = {0};
	enum rc rc = csv_split(p->bytes, s->m.delimiter, s->m.quote, p->record, s->fields,
			       CSV_COLUMNS_MAX, count, &err);
	if (rc != RC_OK)
		parse_reject(p, rc == RC_LIMIT ? REJECT_LIMIT : REJECT_SYNTAX, "%s", err.text);
	return rc == RC_OK;
}

static enum rc apply_rules(struct parse *p, const str *fields, size_t count, struct err *err)
{
	const struct state *s = p->state;
	enum rc rc = RC_OK;
	/* First those with a condition, then those that always hold. */
	for (int always = 0; always < 2; always++) {
		for (size_t i = 0; rc == RC_OK && i < s->m.rules; i++) {
			const struct csv_rule *rule = &s->m.rule[i];
			const struct csv_target *t = &rule->target;
			bool matches =
				rule->column.n
					? rule->index < count &&
						  str_eq_nocase(str_trim_all(fields[rule->index]),
								rule->value)
					: true;
			if ((rule->column.n == 0) != always || !matches)
				continue;
			rc = csv_target_set(t, p->batch, rule->set, err);
		}
	}
	return rc;
}

static void make_event(struct parse *p, const str *fields, size_t count)
{
	const struct state *s = p->state;
	struct err err = {0};
	enum rc rc = RC_OK;
	parse_event(p);
	for (size_t i = 0; rc == RC_OK && i < count && i < s->count; i++)
		if (s->by_index[i])
			rc = csv_column_set(&s->m, s->by_index[i], p->batch, fields[i], p->record,
					    &err);
	if (rc == RC_OK && !batch_row_begun(p->batch))
		rc = fail(&err, RC_INPUT, "no column has a value");
	if (rc == RC_OK)
		rc = apply_rules(p, fields, count, &err);
	if (rc != RC_OK) {
		parse_reject(p, REJECT_FIELD, "%s", err.text);
		return;
	}
	event_complete_class(p->batch);
	(void)parse_event_end(p);
}

static void read_header(struct parse *p)
{
	struct state *s = p->state;
	size_t count;
	if (s->by_name && !s->m.delimiter) {
		s->m.delimiter = header_delimiter(p->bytes, p->record);
		s->m.delimiter = s->m.delimiter ? s->m.delimiter : ',';
	}
	if (!split(p, &count)) {
		s->count = 1; /* a broken header is a lost report: no record may pass for one */
		return;
	}
	place_columns(p, s->fields, count);
	p->header = true;
}

static void record(struct parse *p)
{
	struct state *s = p->state;
	str line = str_trim_all(p->bytes);
	size_t count;
	if (line.n == 0 || (s->m.comment.n && str_starts(line, s->m.comment))) {
		parse_blank(p);
		return;
	}
	if (s->m.header && s->count == 0) {
		read_header(p);
		return;
	}
	if (!split(p, &count))
		return;
	bool fits = s->m.header ? count == s->count : count >= s->least;
	if (!s->mapped)
		parse_reject(p, REJECT_FIELD, "the header has none of the columns of the mapping");
	else if (!fits)
		parse_reject(p, REJECT_SYNTAX, "%zu columns where %zu are due", count, s->least);
	else
		make_event(p, s->fields, count);
}

static bool wants_header(const struct parse *p)
{
	const struct state *s = p->state;
	return s->m.header && s->count == 0;
}

const struct intake_format intake_csv = {
	.name = "csv",
	.brief = "any CSV, by a mapping file, or with IntelMQ's names in its header",
	.claims = claims,
	.frame = frame,
	.open = begin,
	.record = record,
	.wants_header = wants_header,
};
