/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/csv_mapping.h"

struct reader {
	struct csv_mapping *m;
	struct arena *a;
	struct err *err;
	size_t line;
};

static enum rc wrong(struct reader *r, const char *what, str text)
{
	str head = str_head(text, 80);
	return fail(r->err, RC_INPUT, "mapping, line %zu: %s '" STR_FMT "'", r->line, what,
		    STR_ARG(head));
}

static str take_word(str *s)
{
	size_t n = 0;
	while (n < s->n && s->p[n] != ' ' && s->p[n] != '\t' && s->p[n] != '|')
		n++;
	str word = str_head(*s, n);
	*s = str_trim(str_from(*s, n));
	return word;
}

/* What stands before `mark`, which goes too; false when there is no mark. */
static bool take_until(str *s, str mark, str *out)
{
	size_t at = str_find(*s, mark);
	if (at == s->n)
		return false;
	*out = str_trim(str_head(*s, at));
	*s = str_trim(str_from(*s, at + mark.n));
	return true;
}

static enum rc one_char(struct reader *r, str text, char *out)
{
	static const struct {
		str name;
		char c;
	} names[] = {
		{STR_INIT("tab"), '\t'},      {STR_INIT("space"), ' '}, {STR_INIT("pipe"), '|'},
		{STR_INIT("semicolon"), ';'}, {STR_INIT("comma"), ','}, {STR_INIT("none"), '\0'},
		{STR_INIT("\\t"), '\t'},
	};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (str_eq_nocase(names[i].name, text)) {
			*out = names[i].c;
			return RC_OK;
		}
	}
	if (text.n != 1 || (unsigned char)text.p[0] >= 0x80)
		return wrong(r, "one character is needed, not", text);
	*out = text.p[0];
	return RC_OK;
}

static enum rc yes_or_no(struct reader *r, str text, str yes, str no, bool *out)
{
	*out = str_eq_nocase(text, yes);
	return *out || str_eq_nocase(text, no) ? RC_OK : wrong(r, "not understood:", text);
}

static enum rc read_target(struct reader *r, str name, struct csv_target *out)
{
	*out = (struct csv_target){.field = FIELD_EXTRA};
	if (field_find(name, &out->field) && field_row(out->field)->class != FIELD_OURS)
		return RC_OK;
	out->field = FIELD_EXTRA;
	if (!str_starts(name, STR("extra.")) || name.n == 6 || name.n > 6 + EXTRA_KEY_MAX ||
	    !str_is_plain(name))
		return wrong(r, "no field is named", name);
	out->key = arena_str(r->a, str_from(name, 6));
	return RC_OK;
}

/* A column is named by its number when its name is one. */
static size_t number_of(str name)
{
	uint32_t n;
	return str_to_u32(name, &n) && n <= 1000 ? n : 0;
}

static enum rc read_conversion(struct reader *r, str word, unsigned *out)
{
	static const struct {
		str name;
		enum csv_convert bit;
	} words[] = {
		{STR_INIT("lower"), CONVERT_LOWER},
		{STR_INIT("upper"), CONVERT_UPPER},
		{STR_INIT("time"), CONVERT_TIME},
		{STR_INIT("epoch"), CONVERT_EPOCH},
		{STR_INIT("epoch-ms"), CONVERT_EPOCH_MS},
		{STR_INIT("filetime"), CONVERT_FILETIME},
		{STR_INIT("zero-none"), CONVERT_ZERO_NONE},
		{STR_INIT("unknown-none"), CONVERT_UNKNOWN_NONE},
		{STR_INIT("label"), CONVERT_LABEL},
		{STR_INIT("host"), CONVERT_HOST},
		{STR_INIT("optional"), CONVERT_OPTIONAL},
	};
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (str_eq(words[i].name, word)) {
			*out |= words[i].bit;
			return RC_OK;
		}
	}
	return wrong(r, "no conversion is named", word);
}

/* "source.ip | source.fqdn lower optional" */
static enum rc read_targets(struct reader *r, str text, struct csv_column *c)
{
	if (str_eq(text, STR("-")))
		return RC_OK;
	for (bool more = true; more;) {
		str name = take_word(&text);
		if (c->targets == CSV_TARGETS)
			return wrong(r, "too many fields for one column:", name);
		enum rc rc = read_target(r, name, &c->target[c->targets++]);
		if (rc != RC_OK)
			return rc;
		more = text.n && text.p[0] == '|';
		if (more)
			text = str_trim(str_from(text, 1));
	}
	while (text.n) {
		enum rc rc = read_conversion(r, take_word(&text), &c->convert);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc read_column(struct reader *r, str text)
{
	struct csv_column *c = &r->m->column[r->m->columns];
	str name;
	if (!take_until(&text, STR("->"), &name) || name.n == 0 || text.n == 0)
		return wrong(r, "a column is written 'column NAME -> FIELD', not", text);
	c->name = arena_str(r->a, name);
	c->number = number_of(name);
	r->m->columns++;
	return read_targets(r, text, c);
}

/* A value that can never be taken is an error of the mapping, not of each record. */
static enum rc try_value(struct reader *r, const struct csv_rule *rule)
{
	struct batch *b = batch_new();
	struct err err = {0};
	batch_row_begin(b, 1, 0, 0, 1);
	enum rc rc = csv_target_set(&rule->target, b, rule->set, &err);
	if (rc == RC_OK && !batch_row_begun(b))
		rc = fail(&err, RC_INPUT, "no value");
	if (rc == RC_OK)
		rc = batch_row_end(b, &err);
	batch_row_cancel(b);
	batch_free(b);
	return rc == RC_OK ? RC_OK : wrong(r, err.text, rule->set);
}

static enum rc read_set(struct reader *r, str text, struct csv_rule *rule)
{
	str name;
	if (!take_until(&text, STR("="), &name))
		return wrong(r, "a value is written 'set FIELD = VALUE', not", text);
	enum rc rc = read_target(r, name, &rule->target);
	if (rc != RC_OK)
		return rc;
	rule->set = arena_str(r->a, text);
	r->m->rules++;
	return try_value(r, rule);
}

static enum rc read_when(struct reader *r, str text)
{
	struct csv_rule *rule = &r->m->rule[r->m->rules];
	str condition;
	if (!take_until(&text, STR(" set "), &condition) ||
	    !take_until(&condition, STR("="), &rule->column) || rule->column.n == 0)
		return wrong(r, "a rule is written 'when COLUMN = VALUE set FIELD = VALUE', not",
			     text);
	rule->column = arena_str(r->a, rule->column);
	rule->number = number_of(rule->column);
	rule->value = arena_str(r->a, condition);
	return read_set(r, text, rule);
}

/* Only what states a date or a clock: no seconds of the local zone, no locale. */
static enum rc read_time_format(struct reader *r, str text)
{
	struct csv_mapping *m = r->m;
	if (m->time_formats == CSV_TIME_FORMATS || text.n == 0 || text.n > 60)
		return wrong(r, "too long or too many time formats:", text);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '%' &&
		    (++i == text.n || !strchr("aAbBdeHIjmMnpSTtyYzDFR%", text.p[i])))
			return wrong(r, "a time format that is not understood:", text);
	m->time_format[m->time_formats++] = arena_z(r->a, text);
	return RC_OK;
}

static enum rc read_line(struct reader *r, str line)
{
	struct csv_mapping *m = r->m;
	str word = take_word(&line);
	bool extra;
	if (str_eq(word, STR("delimiter")))
		return one_char(r, line, &m->delimiter);
	if (str_eq(word, STR("quote")))
		return one_char(r, line, &m->quote);
	if (str_eq(word, STR("header")))
		return yes_or_no(r, line, STR("yes"), STR("no"), &m->header);
	if (str_eq(word, STR("comment"))) {
		m->comment = arena_str(r->a, line);
		return RC_OK;
	}
	if (str_eq(word, STR("column")))
		return read_column(r, line);
	if (str_eq(word, STR("set")))
		return read_set(r, line, &m->rule[m->rules]);
	if (str_eq(word, STR("when")))
		return read_when(r, line);
	if (str_eq(word, STR("time-format")))
		return read_time_format(r, line);
	if (str_eq(word, STR("rest"))) {
		enum rc rc = yes_or_no(r, line, STR("extra"), STR("drop"), &extra);
		m->drop_rest = !extra;
		return rc;
	}
	return wrong(r, "not understood:", word);
}

bool csv_mapping_is(str text)
{
	text = str_trim_all(text);
	return text.n > 0 && text.p[0] != '{' && text.p[0] != '[';
}

enum rc csv_mapping_read(str text, struct arena *a, struct csv_mapping *out, struct err *err)
{
	struct reader r = {.m = out, .a = a, .err = err};
	size_t lines = 1;
	str line;
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	*out = (struct csv_mapping){.delimiter = ',', .quote = '"', .header = true};
	if (lines > MAPPING_LINES || !str_is_utf8(text) || str_has(text, '\0'))
		return fail(err, RC_INPUT, "mapping: no text of at most %d lines", MAPPING_LINES);
	out->column = ARENA_ARRAY(a, lines, struct csv_column);
	out->rule = ARENA_ARRAY(a, lines, struct csv_rule);
	while (str_line(&text, &line)) {
		r.line++;
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		enum rc rc = read_line(&r, line);
		if (rc != RC_OK)
			return rc;
	}
	if (!out->delimiter || out->delimiter == out->quote)
		return fail(err, RC_INPUT, "mapping: delimiter and quote are the same, or none");
	if (out->columns == 0)
		return fail(err, RC_INPUT, "mapping: no line says what a column means");
	return RC_OK;
}
