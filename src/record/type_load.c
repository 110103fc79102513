/* SPDX-License-Identifier: Apache-2.0 */
/* All types of a node: those built in, then those of its folder; what refers
 * from one to another is checked when all are there. */
#include "base/io.h"
#include "record/type_private.h"

struct loaded {
	struct type *type;
	const char *file;  /* for errors: "types/incident.json" */
	struct node *root;
};
struct types {
	struct arena *a;
	const char *const *roles;
	struct loaded list[TYPES_MAX];
	const struct type *sorted[TYPES_MAX];
	size_t count;
};

static struct types *types_new(const char *const *roles)
{
	struct types *t = x_alloc(sizeof(*t));
	size_t n = 0;
	while (roles[n])
		n++;
	t->a = arena_new(KIB(64));
	const char **copy = ARENA_ARRAY(t->a, n + 1, const char *);
	for (size_t i = 0; i < n; i++)
		copy[i] = arena_z(t->a, str_of(roles[i]));
	t->roles = copy;
	return t;
}

void types_free(struct types *t)
{
	if (!t)
		return;
	arena_free(t->a);
	free(t);
}

/* A file of the folder may replace what is built in, when it is newer. */
static enum rc place(struct types *t, const struct reading *r, bool built_in)
{
	size_t at = 0;
	while (at < t->count && !str_eq(str_of(t->list[at].type->name), str_of(r->t->name)))
		at++;
	if (at == TYPES_MAX)
		return fail(r->err, RC_LIMIT, "%s:1: more than %d types", r->file, TYPES_MAX);
	if (at < t->count && r->t->version <= t->list[at].type->version)
		return type_refuse(r, tree_get(r->root, "version"),
				   "there is '%s' of version %u already: what replaces it needs a higher one",
				   r->t->name, t->list[at].type->version);
	r->t->built_in = built_in;
	t->list[at] = (struct loaded){ .type = r->t, .file = r->file, .root = r->root };
	t->count += at == t->count;
	return RC_OK;
}

static enum rc add(struct types *t, str text, const char *file, bool built_in, struct err *err)
{
	struct reading r = { .a = t->a, .file = arena_z(t->a, str_of(file)), .roles = t->roles,
			     .err = err };
	enum rc rc = type_read(&r, text);
	if (rc != RC_OK)
		return rc;
	str name = str_of(r.file);
	for (size_t at; (at = str_index(name, '/')) < name.n;)
		name = str_from(name, at + 1);
	if (!str_eq(name, arena_fmt(t->a, "%s.json", r.t->name)))
		return type_refuse(&r, tree_get(r.root, "type"), "type '%s' belongs into a file '%s.json'",
				   r.t->name, r.t->name);
	return place(t, &r, built_in);
}

static int by_name(const void *a, const void *b)
{
	const struct type *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

static enum rc reference(const struct types *t, const struct loaded *l, const struct type_field *f,
			 const struct node *n, struct err *err)
{
	struct reading r = { .a = t->a, .file = l->file, .err = err };
	if (!f->refers_to || types_find(t, str_of(f->refers_to)))
		return RC_OK;
	const struct node *to = tree_get(n, "to");
	const char *names[TYPES_MAX];
	for (size_t i = 0; i < t->count; i++)
		names[i] = t->sorted[i]->name;
	return type_refuse(&r, to ? to : n, "there is no type '%s'%s", f->refers_to,
			   type_nearest(t->a, str_of(f->refers_to), names, t->count, sizeof(*names)));
}

static enum rc made_field(const struct reading *r, const struct type *to, const struct node *at,
			  const char *name)
{
	if (!name || type_find_field(to, str_of(name)))
		return RC_OK;
	return type_refuse(r, at, "type '%s' has no field '%s'%s", to->name, name,
			   type_nearest(r->a, str_of(name), to->fields, to->field_count,
					sizeof(*to->fields)));
}

/* The type that is made, and its fields, are there. */
static enum rc makes(const struct types *t, const struct loaded *l, struct err *err)
{
	const struct makes *m = l->type->makes;
	struct reading r = { .a = t->a, .file = l->file, .err = err };
	const struct node *n = tree_get(l->root, "makes");
	const struct type *to = m ? types_find(t, str_of(m->type)) : NULL;
	if (!m)
		return RC_OK;
	if (!to)
		return type_refuse(&r, tree_get(n, "type"), "there is no type '%s'", m->type);
	const char *names[] = { m->parent, m->origin, m->number, m->due };
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(names); i++)
		rc = made_field(&r, to, n, names[i]);
	for (size_t i = 0; rc == RC_OK && i < m->copy_count; i++)
		rc = made_field(&r, to, tree_get(tree_get(n, "copy"), m->copy[i].column), m->copy[i].field);
	return rc;
}

/* Sorts, and looks up every type a field refers to. */
static enum rc finish(struct types *t, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < t->count; i++)
		t->sorted[i] = t->list[i].type;
	qsort(t->sorted, t->count, sizeof(*t->sorted), by_name);
	for (size_t i = 0; rc == RC_OK && i < t->count; i++) {
		const struct loaded *l = &t->list[i];
		for (size_t k = 0; rc == RC_OK && k < l->type->field_count; k++) {
			const struct type_field *f = &l->type->fields[k];
			const struct node *n = tree_get(tree_get(l->root, "fields"), f->name);
			rc = reference(t, l, f, n, err);
			for (size_t c = 0; rc == RC_OK && c < f->row_count; c++)
				rc = reference(t, l, &f->rows[c],
					       tree_get(tree_get(n, "rows"), f->rows[c].name), err);
		}
		if (rc == RC_OK)
			rc = makes(t, l, err);
	}
	return rc;
}

struct names {
	struct arena *a;
	const char *list[TYPES_MAX];
	size_t count;
	bool over;
};

static bool note_name(void *ctx, const char *name)
{
	struct names *n = ctx;
	if (name[0] == '.' || !str_ends(str_of(name), STR(".json")))
		return true;
	n->over = n->count == TYPES_MAX;
	if (!n->over)
		n->list[n->count++] = arena_z(n->a, str_of(name));
	return !n->over;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum rc read_one(struct types *t, struct io_dir *d, const char *name, struct err *err)
{
	struct buf b = BUF_INIT(TYPE_FILE_MAX);
	enum rc rc = io_read_file(d, name, &b, err);
	if (rc == RC_OK)
		rc = add(t, buf_str(&b), arena_fmt(t->a, "types/%s", name).p, false, err);
	buf_free(&b);
	return rc;
}

static enum rc read_folder(struct types *t, const char *path, struct err *err)
{
	struct names n = { .a = t->a };
	struct io_dir *d = NULL;
	enum rc rc = io_dir_open(path, &d, err);
	if (rc == RC_ABSENT)
		return RC_OK; /* most nodes have none */
	if (rc == RC_OK)
		rc = io_dir_each(d, note_name, &n, err);
	if (rc == RC_OK && n.over)
		rc = fail(err, RC_LIMIT, "'%s' has more than %d types", path, TYPES_MAX);
	qsort(n.list, n.count, sizeof(*n.list), by_text); /* the same error on every machine */
	for (size_t i = 0; rc == RC_OK && i < n.count; i++)
		rc = read_one(t, d, n.list[i], err);
	io_dir_close(d);
	return rc;
}

enum rc types_load(const char *dir_types, const char *const *roles, struct types **out,
		   struct err *err)
{
	struct types *t = types_new(roles);
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < type_file_count; i++)
		rc = add(t, str_mem(type_files[i].p, type_files[i].n),
			 arena_fmt(t->a, "types/%s", type_files[i].name).p, true, err);
	if (rc == RC_OK && dir_types)
		rc = read_folder(t, dir_types, err);
	if (rc == RC_OK)
		rc = finish(t, err);
	if (rc != RC_OK) {
		types_free(t);
		return rc;
	}
	*out = t;
	return RC_OK;
}

enum rc types_with(const struct types *old, str text, const char *file_name, struct types **out,
		   struct err *err)
{
	struct types *t = types_new(old->roles);
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < old->count; i++)
		rc = add(t, old->list[i].type->text, old->list[i].file, old->list[i].type->built_in, err);
	if (rc == RC_OK)
		rc = add(t, text, file_name, false, err);
	if (rc == RC_OK)
		rc = finish(t, err);
	if (rc != RC_OK) {
		types_free(t);
		return rc;
	}
	*out = t;
	return RC_OK;
}

bool type_is_built_in(str name)
{
	for (size_t i = 0; i < type_file_count; i++) {
		str file = str_of(type_files[i].name);
		if (str_eq(str_head(file, file.n - STR(".json").n), name))
			return true;
	}
	return false;
}

size_t types_count(const struct types *t)
{
	return t->count;
}

const struct type *types_at(const struct types *t, size_t i)
{
	return i < t->count ? t->sorted[i] : NULL;
}

const struct type *types_meaning(const struct types *t, str meaning)
{
	for (size_t i = 0; i < types_count(t); i++)
		if (type_meaning(types_at(t, i), meaning))
			return types_at(t, i);
	return NULL;
}

const struct type *types_find(const struct types *t, str name)
{
	size_t from = 0, to = t->count;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int c = str_cmp(name, str_of(t->sorted[mid]->name));
		if (c == 0)
			return t->sorted[mid];
		if (c < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return NULL;
}
