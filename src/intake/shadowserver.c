/* SPDX-License-Identifier: Apache-2.0 */
/* The reports of the Shadowserver Foundation: CSV, the report's type in the name
 * of the file, the meaning of a column almost always in its name. What the type
 * and the header say is worked out once, into steps in the order in which a
 * batch wants its cells; a line then only runs through them.
 *
 * hints.mapping may hold the official schema file; without it our own tables
 * serve. A type that neither knows is read by its columns. */
#include "base/csv.h"
#include "event/normalise.h"
#include "intake/shadowserver_private.h"

enum { NAME_MAX_COLUMN = 128, CLAIM_COLUMNS = 256 };

struct state {
	bool have_schema, ready;
	struct ss_schema schema;
	str header; /* its bytes: a report may be several files, one behind the other */
	str *names, *fields;
	size_t columns;
	struct ss_step *steps;
	size_t count;
	bool needs_address; /* the columns have one that must say it */
	struct ss_beside beside;
	uint64_t *kept; /* by column: the input whose text was kept as extra.<column> */
};

/* --- the name of the file --- */

static bool is_date(str s)
{
	for (size_t i = 0; i < 11; i++) {
		bool dash = i == 4 || i == 7 || i == 10;
		if (i >= s.n || (dash ? s.p[i] != '-' : s.p[i] < '0' || s.p[i] > '9'))
			return false;
	}
	return true;
}

static bool is_word(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return s.n > 1 && s.n < 64;
}

/* "dir/2026-03-01-scan_dns-asn.csv" -> "scan_dns"; *dated: there was a date before it. */
static str type_in_name(str file, bool *dated)
{
	for (size_t i = file.n; i > 0; i--) {
		if (file.p[i - 1] == '/' || file.p[i - 1] == '\\') {
			file = str_from(file, i);
			break;
		}
	}
	*dated = is_date(file);
	str type = str_from(file, *dated ? 11 : 0);
	type = str_head(type, str_index(type, '-'));
	type = str_head(type, str_index(type, '.'));
	return is_word(type) ? type : STR("");
}

/* --- the header --- */

static int column_named(const struct ss_columns *c, str name)
{
	for (size_t i = 0; i < c->count; i++)
		if (str_eq(c->name[i], name))
			return (int)i;
	return -1;
}

static int either_column(const struct ss_columns *c, str first, str second)
{
	int i = column_named(c, first);
	return i >= 0 ? i : column_named(c, second);
}

static const struct ss_type *type_of_schema(const struct state *s, str name, bool sure,
					    const struct ss_columns *c)
{
	const struct ss_type *t = ss_schema_find(&s->schema, name);
	if (t || sure)
		return t;
	t = ss_schema_find(&s->schema, ss_report_by_columns(c));
	return t ? t : ss_schema_by_columns(&s->schema, c);
}

/* With the official schema: its rules, and every column it does not name as extra.<column>. */
static struct ss_type with_other_columns(const struct ss_type *t, const struct ss_columns *c,
					 struct arena *a)
{
	struct ss_type all = { .name = t->name };
	all.rules = ARENA_ARRAY(a, t->count + c->count, struct ss_rule);
	for (; all.count < t->count; all.count++)
		all.rules[all.count] = t->rules[all.count];
	for (size_t i = 0; i < c->count; i++) {
		bool named = false;
		for (size_t k = 0; !named && k < t->count; k++)
			named = str_eq(t->rules[k].column, c->name[i]);
		if (!named)
			all.rules[all.count++] = (struct ss_rule){
				.column = c->name[i],
				.field = arena_fmt(a, "extra." STR_FMT, STR_ARG(c->name[i])),
			};
	}
	return all;
}

static struct ss_type choose_type(struct parse *p, const struct state *s,
				  const struct ss_columns *c)
{
	bool dated = false;
	str written = type_in_name(p->hints->file_name, &dated);
	str name = ss_report_name(written);
	if (s->have_schema) {
		const struct ss_type *t = ss_schema_find(&s->schema, written);
		if (!t)
			t = type_of_schema(s, name, dated && !name.n, c);
		if (t)
			return with_other_columns(t, c, p->report);
	}
	if (!name.n && !dated)
		name = ss_report_by_columns(c);
	p->unknown_type = !name.n;
	return ss_tables_type(name.n ? name : dated ? written : STR(""), c, p->report);
}

/* --- steps --- */

static bool place_target(str field, struct ss_step *s)
{
	enum field f;
	s->field = FIELD_EXTRA;
	if (str_starts(field, STR("extra.")))
		s->key = str_from(field, 6);
	else if (field_find(field, &f) && field_row(f)->class != FIELD_OURS)
		s->field = (uint8_t)f;
	else
		s->key = field; /* a field that we do not have */
	return s->field != FIELD_EXTRA || s->key.n;
}

/* Constants of the taxonomy are put into our words once, not once a line. */
static void ready_constant(struct ss_step *s)
{
	switch (s->field) {
	case FIELD_CLASSIFICATION_TAXONOMY:
		s->value = taxonomy_canonical(s->value);
		break;
	case FIELD_CLASSIFICATION_TYPE:
		s->value = type_canonical(s->value);
		break;
	case FIELD_CLASSIFICATION_IDENTIFIER:
	case FIELD_EXTRA:
		break;
	default:
		return;
	}
	s->ready = s->value.n > 0;
}

static int by_target(const struct ss_step *a, const struct ss_step *b)
{
	if (a->field != b->field)
		return a->field < b->field ? -1 : 1;
	return a->field == FIELD_EXTRA ? str_cmp(a->key, b->key) : 0;
}

/* Among rules for one target the later wins, and constants win over columns. */
static int rank(const struct ss_step *s)
{
	return s->conversion == SS_CONSTANT ? 2 : s->conversion == SS_DEFAULT ? 0 : 1;
}

static void insert_step(struct state *s, struct ss_step step)
{
	size_t at = s->count;
	while (at > 0) {
		int order = by_target(&step, &s->steps[at - 1]);
		if (order > 0 || (order == 0 && rank(&step) < rank(&s->steps[at - 1])))
			break;
		s->steps[at] = s->steps[at - 1];
		at--;
	}
	s->steps[at] = step;
	s->count++;
}

static bool other_step_fills(const struct state *s, const struct ss_step *step)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct ss_step *x = &s->steps[i];
		if (x->field == FIELD_EXTRA && str_eq(x->key, step->column_name) && x != step)
			return true;
	}
	return false;
}

static bool is_address_column(const struct ss_step *s)
{
	return s->field == FIELD_SOURCE_IP && s->required;
}

static void make_steps(struct parse *p, struct state *s, const struct ss_type *t,
		       const struct ss_columns *c)
{
	s->steps = ARENA_ARRAY(p->report, t->count, struct ss_step);
	for (size_t i = 0; i < t->count; i++) {
		const struct ss_rule *r = &t->rules[i];
		int column = r->column.n ? column_named(c, r->column) : 0;
		struct ss_step step = { .conversion = (uint8_t)r->conversion,
					.required = r->required,
					.value = r->value,
					.column = (uint16_t)column,
					.column_name = r->column };
		if (column < 0 || !place_target(r->field, &step))
			continue;
		if (!r->column.n)
			ready_constant(&step);
		insert_step(s, step);
	}
	for (size_t i = 0; i < s->count; i++) {
		struct ss_step *step = &s->steps[i];
		step->also = i > 0 && by_target(&s->steps[i - 1], step) == 0;
		step->keep = step->column_name.n && !other_step_fills(s, step);
		s->needs_address |= is_address_column(step);
	}
	s->beside = (struct ss_beside){
		.host = either_column(c, STR("cc_dns"), STR("http_host")),
		.path = either_column(c, STR("url"), STR("http_url")),
		.application = column_named(c, STR("application")),
		.detail = column_named(c, STR("detail")),
	};
}

/* Names become keys of extra: what is no name gets one. */
static bool clean_names(struct parse *p, struct state *s)
{
	struct ss_columns c = { s->names, 0 };
	for (size_t i = 0; i < s->columns; i++, c.count++) {
		str name = str_trim(s->names[i]);
		if (!name.n || name.n > NAME_MAX_COLUMN || !str_is_plain(name))
			name = arena_fmt(p->report, "column_%zu", i + 1);
		if (column_named(&c, name) >= 0) {
			parse_reject(p, REJECT_SYNTAX, "column '" STR_FMT "' is there twice",
				     STR_ARG(name));
			return false;
		}
		s->names[i] = name;
	}
	return true;
}

static void read_header(struct parse *p, struct state *s)
{
	struct err err = { 0 };
	str *found = ARENA_ARRAY(p->record, CSV_COLUMNS_MAX, str);
	enum rc rc =
		csv_split(p->bytes, ',', '"', p->record, found, CSV_COLUMNS_MAX, &s->columns, &err);
	if (rc != RC_OK) {
		parse_reject(p, rc == RC_LIMIT ? REJECT_LIMIT : REJECT_SYNTAX, "%s", err.text);
		return;
	}
	s->names = ARENA_ARRAY(p->report, s->columns, str);
	for (size_t i = 0; i < s->columns; i++)
		s->names[i] = arena_str(p->report, found[i]);
	struct ss_columns c = { s->names, s->columns };
	if (column_named(&c, STR("timestamp")) < 0) {
		parse_reject(p, REJECT_SYNTAX,
			     "no header of a Shadowserver report: no 'timestamp'");
		return;
	}
	if (!clean_names(p, s))
		return;
	struct ss_type t = choose_type(p, s, &c);
	make_steps(p, s, &t, &c);
	s->header = arena_str(p->report, p->bytes);
	s->fields = ARENA_ARRAY(p->report, s->columns + 1, str);
	s->kept = ARENA_ARRAY(p->report, s->columns, uint64_t);
	(void)snprintf(p->type, sizeof(p->type), STR_FMT, STR_ARG(str_head(t.name, 63)));
	p->header = s->ready = true;
}

/* --- a line --- */

/* What did not convert: a required value costs the line, another stays as it is written. */
static bool went_wrong(struct parse *p, struct state *s, const struct ss_step *step)
{
	str v = s->fields[step->column];
	if (is_address_column(step) && str_has(v, '/'))
		return true; /* a network, not an address: another step takes it */
	if (step->required && step->column_name.n) {
		batch_row_cancel(p->batch);
		parse_reject(p, REJECT_FIELD, "'" STR_FMT "' is no value for column '" STR_FMT "'",
			     STR_ARG(str_head(v, 80)), STR_ARG(step->column_name));
		return false;
	}
	if (step->keep && v.n && s->kept[step->column] != p->input) {
		s->kept[step->column] = p->input;
		batch_set_text(p->batch, FIELD_EXTRA, step->column_name, v);
	}
	return true;
}

static bool run_steps(struct parse *p, struct state *s)
{
	bool done = false; /* this target has its value */
	for (size_t i = 0; i < s->count; i++) {
		const struct ss_step *step = &s->steps[i];
		if (step->also && done)
			continue;
		enum ss_outcome o = ss_convert(p, step, s->fields, &s->beside);
		done = o == SS_SET;
		if (o == SS_WRONG && !went_wrong(p, s, step))
			return false;
	}
	return true;
}

/* Where there is a column for the address and it is empty, something else must say whom it is
 * about. */
static bool says_whom(struct parse *p, const struct state *s)
{
	static const enum field any[] = { FIELD_SOURCE_IP,          FIELD_SOURCE_NETWORK,
					  FIELD_SOURCE_FQDN,        FIELD_SOURCE_URL,
					  FIELD_SOURCE_REVERSE_DNS, FIELD_SOURCE_ASN,
					  FIELD_SOURCE_ACCOUNT };
	bool said = !s->needs_address;
	for (size_t i = 0; !said && i < COUNT_OF(any); i++)
		said = batch_row_has(p->batch, any[i]);
	return said;
}

static bool is_whole(struct parse *p, const struct state *s)
{
	bool when = batch_row_has(p->batch, FIELD_TIME_SOURCE);
	if (when && says_whom(p, s))
		return true;
	batch_row_cancel(p->batch);
	parse_reject(p, REJECT_FIELD, when ? "nothing that says whom it concerns" : "no time");
	return false;
}

/* A line may be shorter than the header, as their older reports are; but not the last one of a
 * report that was cut off, whose last value may be half an address. */
static bool fits_header(struct parse *p, struct state *s, size_t n)
{
	if (n == s->columns || (n < s->columns && !p->unended)) {
		for (; n < s->columns; n++)
			s->fields[n] = STR("");
		return true;
	}
	parse_reject(p, REJECT_SYNTAX, "%zu columns where the header has %zu", n, s->columns);
	return false;
}

static void read_line(struct parse *p, struct state *s)
{
	size_t n = 0, longest = 0;
	bool closed = ss_split(p->bytes, p->record, s->fields, s->columns, &n, &longest);
	if (longest > CSV_FIELD_MAX)
		parse_reject(p, REJECT_LIMIT, "a column is longer than 1 MiB");
	else if (!closed)
		parse_reject(p, REJECT_SYNTAX, "a quote is not closed");
	else if (fits_header(p, s, n)) {
		parse_event(p);
		if (run_steps(p, s) && is_whole(p, s))
			(void)parse_event_end(p);
	}
}

static void record(struct parse *p)
{
	struct state *s = p->state;
	if (str_trim(p->bytes).n == 0)
		parse_blank(p);
	else if (!s->ready)
		read_header(p, s);
	else if (str_eq(p->bytes, s->header))
		p->header = true;
	else
		read_line(p, s);
}

static bool wants_header(const struct parse *p)
{
	return !((const struct state *)p->state)->ready;
}

static enum rc open_report(struct parse *p, struct err *err)
{
	struct state *s = p->state = ARENA_NEW(p->report, struct state);
	if (!str_trim_all(p->hints->mapping).n)
		return RC_OK;
	s->have_schema = true;
	return ss_schema_read(p->hints->mapping, p->report, &s->schema, err);
}

static size_t frame(str window, bool last)
{
	return parse_frame_csv(window, ',', '"', last);
}

/* --- whose bytes are these? --- */

static int claims(const struct intake_sample *sample)
{
	str names[CLAIM_COLUMNS], mapping = str_trim_all(sample->hints->mapping);
	struct ss_columns c = { names, 0 };
	str head = str_trim_all(sample->head); /* blank lines before the header */
	str line = str_trim_all(str_head(head, str_index(head, '\n')));
	while (line.n && c.count < CLAIM_COLUMNS) {
		str name = str_cut(&line, ',');
		if (name.n > 1 && name.p[0] == '"' && name.p[name.n - 1] == '"')
			name = str_head(str_from(name, 1), name.n - 2);
		names[c.count++] = name;
	}
	if (column_named(&c, STR("timestamp")) < 0 || (mapping.n && mapping.p[0] != '{'))
		return 0;
	bool dated = false;
	if (ss_report_name(type_in_name(sample->hints->file_name, &dated)).n)
		return 95;
	bool address = either_column(&c, STR("ip"), STR("src_ip")) >= 0;
	bool place = either_column(&c, STR("asn"), STR("src_asn")) >= 0 &&
		     either_column(&c, STR("geo"), STR("src_geo")) >= 0;
	if ((address && place) || ss_report_by_columns(&c).n)
		return 85;
	return address ? 60 : 0;
}

const struct intake_format intake_shadowserver = {
	.name = "shadowserver",
	.brief = "CSV reports of the Shadowserver Foundation",
	.claims = claims,
	.frame = frame,
	.open = open_report,
	.record = record,
	.wants_header = wants_header,
};
