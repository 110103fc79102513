/* SPDX-License-Identifier: Apache-2.0 */
/* Reading records: list, search, show, history, export. */
#include "base/clock.h"
#include "base/csv.h"
#include "cli/record_private.h"

/* A view as people read it: its JSON, once more as a tree, with what no field holds. */
struct seen {
	struct buf json;
	struct json_object *o;
};

static enum rc see(const struct record_view *v, struct seen *s, struct err *err)
{
	*s = (struct seen){ .json = BUF_INIT(MIB(8)) };
	struct json_out j = json_out(&s->json);
	record_view_json(v, &j);
	return json_read(buf_str(&s->json), &s->o, err);
}

static void seen_end(struct seen *s)
{
	json_free(s->o);
	buf_free(&s->json);
}

/* What is left of it says when, by whom and why: 'show' and 'history' have that, lists do not. */
static bool is_erased(const struct seen *s)
{
	bool erased = false;
	return json_get_bool(s->o, "erased", &erased) && erased;
}

static str number_of(struct arena *a, struct json_object *o, const char *name)
{
	int64_t n = 0;
	(void)json_get_i64(o, name, &n);
	return arena_fmt(a, "%lld", (long long)n);
}

static str state_label(const struct record_call *k, str name)
{
	int s = type_state(k->type, name);
	return s < 0 ? name : str_of(words_in(k->type->states[s].label, k->language));
}

/* "organisation-1 Bank A" of a reference the viewer may see; else the id. */
static void named(const struct record_call *k, struct reader *r, str id, struct buf *out)
{
	struct arena *a = arena_new(KIB(4));
	struct record_view v;
	struct seen s = { .o = NULL };
	struct err err;
	if (read_record(r, k->types, &k->c->viewer, id, a, &v, &err) == RC_OK && see(&v, &s, &err) == RC_OK) {
		buf_add(out, json_get_str(s.o, "type"));
		buf_char(out, '-');
		buf_add(out, number_of(a, s.o, "number"));
		buf_char(out, ' ');
		buf_add(out, json_get_str(s.o, "title"));
	} else {
		buf_add(out, id);
	}
	seen_end(&s);
	record_view_end(&v);
	arena_free(a);
}

/* A field for people: choices by their label, references by their title. */
static void people_text(const struct record_call *k, struct reader *r, const struct record_view *v,
			const struct type_field *f, struct buf *out)
{
	struct buf b = BUF_INIT(MIB(4));
	record_view_text(v, f, &b);
	str rest = buf_str(&b), line;
	bool refers = f->kind == KIND_REFERENCE || f->kind == KIND_PERSON;
	if (f->kind != KIND_CHOICE && !refers) {
		buf_add(out, rest);
		buf_free(&b);
		return;
	}
	for (bool first = true; str_line(&rest, &line); first = false) {
		const char *label = NULL;
		for (size_t i = 0; i < f->choice_count; i++)
			if (str_eq(line, str_of(f->choices[i].name)))
				label = words_in(f->choices[i].label, k->language);
		buf_add(out, first ? STR("") : STR("\n"));
		if (refers)
			named(k, r, line, out);
		else
			buf_add(out, label ? str_of(label) : line);
	}
	buf_free(&b);
}

/* --- list and search --- */

struct listing {
	struct record_call *k;
	struct cli_table table;
	struct record_query q;
	struct buf cursor;
	struct arena *a;           /* of one row */
	struct reader *beside;     /* to look up what rows refer to */
	uint64_t limit, given;
	bool more;
	enum rc rc;
	struct err *err;
};

static void list_row(struct listing *l, const struct record_view *v, struct seen *s)
{
	struct cli *c = l->k->c;
	const struct type *t = l->k->type;
	arena_reset(l->a);
	str *row = ARENA_ARRAY(l->a, t->column_count + 4, str);
	size_t n = 0;
	row[n++] = number_of(l->a, s->o, "number");
	row[n++] = c->form == CLI_TEXT ? state_label(l->k, json_get_str(s->o, "state")) :
					 json_get_str(s->o, "state");
	struct buf b = BUF_INIT(MIB(1));
	for (size_t i = 0; i < t->column_count; i++) {
		buf_reset(&b);
		if (c->form == CLI_TEXT)
			people_text(l->k, l->beside, v, t->columns[i], &b);
		else
			record_view_text(v, t->columns[i], &b);
		row[n++] = arena_str(l->a, buf_str(&b));
	}
	buf_free(&b);
	row[n++] = json_get_str(s->o, "due");
	row[n++] = json_get_str(s->o, "changed");
	cli_row(&l->table, row);
}

static bool each_listed(void *ctx, const struct record_view *v)
{
	struct listing *l = ctx;
	struct seen s;
	if (l->given == l->limit) {
		l->more = true;
		return false;
	}
	l->rc = see(v, &s, l->err);
	if (l->rc == RC_OK && is_erased(&s)) {
		seen_end(&s);
		return true;
	}
	if (l->rc == RC_OK && l->k->c->form == CLI_JSON)
		cli_print_json(l->k->c, &s.json);
	else if (l->rc == RC_OK)
		list_row(l, v, &s);
	seen_end(&s);
	if (++l->given == l->limit) {
		buf_reset(&l->cursor);
		record_view_cursor(&l->q, v, &l->cursor);
	}
	return l->rc == RC_OK && !l->k->c->broken;
}

static enum rc add_filter(struct record_call *k, struct reader *r, struct record_query *q,
			  const struct type_field *f, enum compare how, str text, struct err *err)
{
	struct buf b = BUF_INIT(MIB(1));
	struct json_out j = json_out(&b);
	struct json_object *o = NULL;
	struct record_filter *to = &q->filters[q->filter_count];
	if (q->filter_count == RECORD_FILTERS_MAX)
		return fail(err, RC_LIMIT, "more than %d filters", RECORD_FILTERS_MAX);
	*to = (struct record_filter){ .field = f, .compare = how };
	json_open(&j, '{');
	enum rc rc = how == COMPARE_BEGINS ? RC_OK : record_field_value(k, r, f, text, &j, err);
	if (how == COMPARE_BEGINS) { /* the beginning of a value is none itself */
		json_key(&j, str_of(f->name));
		json_str(&j, text);
	}
	json_close(&j, '}');
	if (rc == RC_OK)
		rc = json_read(buf_str(&b), &o, err);
	if (rc == RC_OK && !kind_key(f, json_get(o, f->name), k->c->a, &to->key))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' can be no value of '%s'", STR_ARG(text), f->name);
	q->filter_count += rc == RC_OK;
	json_free(o);
	buf_free(&b);
	return rc;
}

static enum rc add_condition(struct record_call *k, struct reader *r, struct record_query *q,
			     const char *text, struct err *err)
{
	str name, value;
	enum compare how;
	if (!record_condition(str_of(text), &name, &how, &value))
		return fail(err, RC_INPUT, "'%s' is no FIELD=VALUE", text);
	if (how == COMPARE_IS && str_eq(name, STR("text"))) {
		q->text = value;
		return RC_OK;
	}
	if (how == COMPARE_IS && str_eq(name, STR("state"))) {
		while (value.n) {
			str one = str_trim(str_cut(&value, ','));
			int s = type_state(k->type, one);
			for (size_t i = 0; s < 0 && i < k->type->state_count; i++)
				for (const struct words *w = k->type->states[i].label; w->language; w++)
					if (str_eq_nocase(one, str_of(w->text)))
						s = (int)i;
			if (s < 0)
				return fail(err, RC_INPUT, "there is no state '" STR_FMT "'", STR_ARG(one));
			q->states |= UINT64_C(1) << s;
		}
		return RC_OK;
	}
	const struct type_field *f = record_field(k->type, name);
	if (!f)
		return record_no_field(k, name, err);
	if (!f->indexed)
		return fail(err, RC_INPUT, "a list cannot be filtered by '%s'; 'text=' searches all", f->name);
	return add_filter(k, r, q, f, how, value, err);
}

static enum rc read_query(struct record_call *k, struct reader *r, struct listing *l, struct err *err)
{
	const char *limit = cli_value(k->c, "--limit"), *sort = cli_value(k->c, "--sort");
	struct record_query *q = &l->q;
	enum rc rc = RC_OK;
	*q = (struct record_query){ .type = k->type, .sort = k->type->sort,
				    .ascending = !k->type->descending,
				    .after = str_of(cli_value(k->c, "--after")) };
	l->limit = k->c->form == CLI_TEXT ? 50 : UINT64_MAX - 1;
	if (limit && (!str_to_u64(str_of(limit), &l->limit) || l->limit == 0 || l->limit == UINT64_MAX))
		return fail(err, RC_INPUT, "--limit takes a number from 1");
	if (sort) {
		str name = str_from(str_of(sort), sort[0] == '-');
		q->ascending = sort[0] != '-';
		q->sort = str_eq(name, STR("changed")) ? NULL : record_field(k->type, name);
		if (!str_eq(name, STR("changed")) && (!q->sort || !q->sort->indexed))
			return fail(err, RC_INPUT, "a list cannot be sorted by '" STR_FMT "'", STR_ARG(name));
	}
	if (cli_value(k->c, "--overdue")) {
		q->overdue = true;
		q->due_by_us = clock_now_us();
	}
	for (int i = 0; rc == RC_OK && i < k->argc; i++)
		rc = add_condition(k, r, q, k->argv[i], err);
	return rc;
}

static struct cli_column *list_columns(struct record_call *k)
{
	const struct type *t = k->type;
	struct cli_column *c = ARENA_ARRAY(k->c->a, t->column_count + 4, struct cli_column);
	size_t n = 0;
	c[n++] = (struct cli_column){ "number", COLUMN_NUMBER };
	c[n++] = (struct cli_column){ .name = "state" };
	for (size_t i = 0; i < t->column_count; i++)
		c[n++].name = k->c->form == CLI_TEXT ? words_in(t->columns[i]->label, k->language) :
						       t->columns[i]->name;
	c[n++] = (struct cli_column){ "due", COLUMN_TIME };
	c[n++] = (struct cli_column){ "changed", COLUMN_TIME };
	return c;
}

static int listed(struct record_call *k, str text)
{
	struct reader *r = NULL;
	struct err err = { 0 };
	struct listing l = { .k = k, .cursor = BUF_INIT(KIB(4)), .a = arena_new(KIB(16)), .err = &err };
	l.table = cli_table(k->c, list_columns(k), k->type->column_count + 4);
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = store_read_begin(k->c->node->store, &l.beside, &err);
	if (rc == RC_OK)
		rc = read_query(k, r, &l, &err);
	if (text.n)
		l.q.text = text;
	if (rc == RC_OK)
		rc = read_records(r, k->types, &k->c->viewer, &l.q, UINT64_MAX, k->c->a, each_listed, &l,
				  &err);
	store_read_end(l.beside);
	store_read_end(r);
	if (rc == RC_OK)
		rc = l.rc;
	if (rc == RC_OK && l.more) {
		cli_rows_end(k->c);
		cli_flush(k->c);
		cli_talk(k->c, "there are more: --after " STR_FMT, STR_ARG(buf_str(&l.cursor)));
	}
	buf_free(&l.cursor);
	arena_free(l.a);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

int record_list_word(struct record_call *k)
{
	return listed(k, STR(""));
}

int record_search_word(struct record_call *k)
{
	struct buf b = BUF_INIT(KIB(4));
	if (k->argc == 0)
		return cli_usage(k->c, "search needs words");
	for (int i = 0; i < k->argc; i++) {
		buf_add(&b, i ? STR(" ") : STR(""));
		buf_add(&b, str_of(k->argv[i]));
	}
	str text = arena_str(k->c->a, buf_str(&b));
	buf_free(&b);
	k->argc = 0;
	return listed(k, text);
}

/* --- show --- */

/* Text for a terminal: no control but line ends, lines behind the first set in. */
static void print_value(struct cli *c, str v)
{
	for (size_t from = 0, i = 0; i <= v.n; i++) {
		bool line = i < v.n && v.p[i] == '\n';
		if (i < v.n && !line && (unsigned char)v.p[i] >= 0x20 && v.p[i] != 0x7f &&
		    !((unsigned char)v.p[i] == 0xc2 && i + 1 < v.n && (unsigned char)v.p[i + 1] < 0xa0))
			continue;
		cli_print(c, str_mem(v.p + from, i - from));
		if (i < v.n)
			cli_print(c, line ? STR("\n    ") : STR("?"));
		from = i + 1 + (i < v.n && (unsigned char)v.p[i] == 0xc2);
		i = from - 1;
	}
	cli_print(c, STR("\n"));
}

static void print_line(struct cli *c, const char *label, str v)
{
	if (v.n == 0)
		return;
	cli_printf(c, "%s: ", label);
	print_value(c, v);
}

static void print_fields(struct record_call *k, struct reader *r, const struct record_view *v)
{
	struct buf b = BUF_INIT(MIB(4));
	for (size_t i = 0; i < k->type->field_count; i++) {
		const struct type_field *f = &k->type->fields[i];
		buf_reset(&b);
		if (f->kind == KIND_ROWS)
			buf_char(&b, '\n');
		people_text(k, r, v, f, &b);
		print_line(k->c, words_in(f->label, k->language),
			   f->kind == KIND_ROWS && b.n == 1 ? STR("") : buf_str(&b));
	}
	buf_free(&b);
}

static bool each_link(void *ctx, const struct link_view *l)
{
	struct cli *c = ctx;
	cli_printf(c, "link %lld: %s" STR_FMT " " STR_FMT " ", (long long)l->id, l->outward ? "" : "<- ",
		   STR_ARG(l->kind), STR_ARG(l->other));
	print_value(c, l->other_title);
	return !c->broken;
}

static void print_record(struct record_call *k, struct reader *r, const struct record_view *v,
			 struct json_object *o)
{
	struct cli *c = k->c;
	struct json_object *cut = json_get(o, "cut");
	cli_printf(c, "%s-" STR_FMT " ", k->type->name, STR_ARG(number_of(c->a, o, "number")));
	print_value(c, json_get_str(o, "title"));
	print_line(c, "id", json_get_str(o, "id"));
	bool erased = false, withdrawn = record_view_author(v).n > 0 && record_is_withdrawn(v->record);
	if (json_get_bool(o, "erased", &erased) && erased)
		cli_printf(c, "%s: nothing but this is left of it\n", withdrawn ? "withdrawn by its origin" : "erased");
	print_line(c, "state", state_label(k, json_get_str(o, "state")));
	print_line(c, "version", number_of(c->a, o, "version"));
	print_line(c, "changed", json_get_str(o, "changed"));
	print_line(c, "by", json_get_str(o, "author"));
	print_line(c, "why", json_get_str(o, "why"));
	print_line(c, "TLP", json_get_str(json_get(o, "labels"), "tlp"));
	print_line(c, "due", json_get_str(o, "due"));
	cli_print(c, STR("\n"));
	print_fields(k, r, v);
	for (size_t i = 0; i < json_count(cut); i++)
		print_line(c, "there is more you may not see", json_text(json_at(cut, i)));
}

static enum rc load(struct record_call *k, struct reader *r, str id, const char *version,
		    struct record_view *v, struct err *err)
{
	uint64_t n = 0;
	if (!version)
		return read_record(r, k->types, &k->c->viewer, id, k->c->a, v, err);
	if (!str_to_u64(str_of(version), &n) || n == 0)
		return fail(err, RC_INPUT, "'%s' is no number of a version", version);
	return read_record_version(r, k->types, &k->c->viewer, id, n, k->c->a, v, err);
}

int record_show_word(struct record_call *k)
{
	struct record_view v = { 0 };
	struct seen s = { .o = NULL };
	struct reader *r = NULL;
	struct err err;
	if (k->argc < 1 || k->argc > 2)
		return cli_usage(k->c, "show needs an ID, and may have the number of a version");
	str id = record_name(k, k->argv[0]);
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = load(k, r, id, k->argc == 2 ? k->argv[1] : NULL, &v, &err);
	if (rc == RC_OK)
		rc = see(&v, &s, &err);
	if (rc == RC_OK && !str_eq(json_get_str(s.o, "type"), str_of(k->type->name)))
		rc = fail(&err, RC_INPUT, "'" STR_FMT "' is no %s", STR_ARG(id), k->type->name);
	if (rc == RC_OK && k->c->form == CLI_JSON) {
		cli_print_json(k->c, &s.json);
	} else if (rc == RC_OK) {
		print_record(k, r, &v, s.o);
		rc = read_record_links(r, k->types, &k->c->viewer, id, k->c->a, each_link, k->c, &err);
	}
	seen_end(&s);
	record_view_end(&v);
	store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

/* --- history --- */

struct history {
	struct record_call *k;
	struct cli_table table;
	enum rc rc;
	struct err *err;
};

static bool each_version(void *ctx, const struct record_view *v)
{
	struct history *h = ctx;
	struct cli *c = h->k->c;
	struct seen s;
	h->rc = see(v, &s, h->err);
	if (h->rc == RC_OK && c->form == CLI_JSON) {
		cli_print_json(c, &s.json);
	} else if (h->rc == RC_OK) {
		str row[] = { number_of(c->a, s.o, "version"), json_get_str(s.o, "changed"),
			      json_get_str(s.o, "author"), json_get_str(s.o, "state"),
			      json_get_str(s.o, "title"), json_get_str(s.o, "why") };
		cli_row(&h->table, row);
	}
	seen_end(&s);
	return h->rc == RC_OK && !c->broken;
}

int record_history_word(struct record_call *k)
{
	static const struct cli_column columns[] = {
		{ "version", COLUMN_NUMBER }, { "changed", COLUMN_TIME }, { .name = "author" },
		{ .name = "state" }, { .name = "title" }, { .name = "why" },
	};
	const char *limit = cli_value(k->c, "--limit");
	uint64_t most = k->c->form == CLI_TEXT ? 50 : UINT64_MAX;
	struct reader *r = NULL;
	struct err err;
	struct history h = { .k = k, .err = &err, .table = cli_table(k->c, columns, COUNT_OF(columns)) };
	if (k->argc != 1)
		return cli_usage(k->c, "history needs an ID");
	if (limit && !str_to_u64(str_of(limit), &most))
		return cli_usage(k->c, "--limit takes a number");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_record_history(r, k->types, &k->c->viewer, record_name(k, k->argv[0]), INT64_MAX,
					 most, k->c->a, each_version, &h, &err);
	store_read_end(r);
	if (rc == RC_OK)
		rc = h.rc;
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

/* --- export --- */

struct exporting {
	struct record_call *k;
	struct buf row, cell;
	struct arena *a;           /* of one row */
	uint64_t count, limit;
	enum rc rc;
	struct err *err;
};

static void csv_header(struct exporting *x)
{
	static const char *const heads[] = { "id", "number", "version", "state", "changed", "tlp" };
	struct csv_out out = { .b = &x->row, .guard = true };
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		csv_field(&out, str_of(heads[i]));
	for (size_t i = 0; i < x->k->type->field_count; i++)
		csv_field(&out, str_of(x->k->type->fields[i].name));
	csv_end(&out);
	cli_print(x->k->c, buf_str(&x->row));
}

static void csv_record(struct exporting *x, const struct record_view *v, struct json_object *o)
{
	struct csv_out out = { .b = &x->row, .guard = true };
	buf_reset(&x->row);
	arena_reset(x->a);
	csv_field(&out, json_get_str(o, "id"));
	csv_field(&out, number_of(x->a, o, "number"));
	csv_field(&out, number_of(x->a, o, "version"));
	csv_field(&out, json_get_str(o, "state"));
	csv_field(&out, json_get_str(o, "changed"));
	csv_field(&out, json_get_str(json_get(o, "labels"), "tlp"));
	for (size_t i = 0; i < x->k->type->field_count; i++) {
		buf_reset(&x->cell);
		record_view_text(v, &x->k->type->fields[i], &x->cell);
		csv_field(&out, buf_str(&x->cell));
	}
	csv_end(&out);
	cli_print(x->k->c, buf_str(&x->row));
}

static bool each_exported(void *ctx, const struct record_view *v)
{
	struct exporting *x = ctx;
	struct seen s;
	x->rc = see(v, &s, x->err);
	if (x->rc == RC_OK && (is_erased(&s) || x->count == x->limit)) {
		bool enough = x->count == x->limit;
		seen_end(&s);
		return !enough;
	}
	if (x->rc == RC_OK && x->k->c->form == CLI_CSV)
		csv_record(x, v, s.o);
	else if (x->rc == RC_OK)
		cli_print_json(x->k->c, &s.json);
	seen_end(&s);
	x->count++;
	return x->rc == RC_OK && !x->k->c->broken && !cli_abandoned(x->k->c);
}

/* Rows leave as they are read; the journal has the act, also of an export that broke off. */
int record_export_word(struct record_call *k)
{
	struct cli *c = k->c;
	struct viewer out = c->viewer;
	struct reader *r = NULL;
	struct err err = { 0 };
	struct listing l = { .k = k };
	struct exporting x = { .k = k, .row = BUF_INIT(MIB(16)), .cell = BUF_INIT(MIB(4)),
			       .a = arena_new(KIB(16)), .err = &err };
	out.channel = CHANNEL_EXPORT;
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_query(k, r, &l, &err);
	if (rc == RC_OK && !authz_ever(&out, ACTION_EXPORT, k->type)) {
		rc = fail(&err, RC_DENIED, "no role of yours takes records of type '%s' out", k->type->name);
		change_refused(c->node->records, c->node->store, &out, str_of(k->type->name), str_of(err.text));
	}
	x.limit = cli_value(c, "--limit") ? l.limit : UINT64_MAX;
	if (rc == RC_OK && c->form == CLI_CSV)
		csv_header(&x);
	if (rc == RC_OK)
		rc = read_records(r, k->types, &out, &l.q, UINT64_MAX, c->a, each_exported, &x, &err);
	store_read_end(r);
	if (rc == RC_OK)
		rc = x.rc;
	if (x.count) {
		struct err again;
		struct journal_act act = { .act = "record.export", .actor = str_of(out.actor),
					   .object = str_of(k->type->name), .count = x.count };
		enum rc told = journal_write(c->node->journal, &act, rc == RC_OK ? &err : &again);
		rc = rc == RC_OK ? told : rc;
	}
	arena_free(x.a);
	buf_free(&x.row);
	buf_free(&x.cell);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}
