/* SPDX-License-Identifier: Apache-2.0 */
/* A change laid over the body it was made from. Bodies are flat objects whose members are
 * copied as they stand: what nobody here understands passes through untouched. */
#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "record/record_private.h"

void body_error_add(struct body_errors *e, const struct type_field *f, const char *fmt, ...)
{
	if (e->list && e->count < e->most) {
		struct body_error *to = &e->list[e->count];
		*to = (struct body_error){ .field = f };
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(to->text, sizeof(to->text), fmt, ap);
		va_end(ap);
	}
	e->count++;
}

struct members {
	struct json_pair *list;
	size_t n;
};

static enum rc members_read(str json, const char *what, struct arena *a, struct members *out,
			    struct err *err)
{
	struct err why;
	*out = (struct members){ 0 };
	enum rc rc = json.n ? json_flat(json, a, &out->list, &out->n, &why) : RC_OK;
	return rc == RC_OK ? rc : fail(err, rc, "%s: %s", what, why.text);
}

static const struct json_pair *member(const struct members *m, str name)
{
	for (size_t i = 0; i < m->n; i++)
		if (str_eq(m->list[i].key, name))
			return &m->list[i];
	return NULL;
}

static void put_member(struct json_out *j, const struct json_pair *p)
{
	static const char *const words[] = { [JSON_NULL] = "null", [JSON_FALSE] = "false",
					     [JSON_TRUE] = "true" };
	json_key(j, p->key);
	if (p->kind == JSON_STRING)
		json_str(j, p->value);
	else
		json_raw(j, p->kind <= JSON_TRUE ? str_of(words[p->kind]) : p->value);
}

static void put_all(struct json_out *j, const struct members *base, const struct members *over,
		    const bool *closed)
{
	json_open(j, '{');
	for (size_t i = 0; i < base->n; i++)
		if (!member(over, base->list[i].key) && !(closed && closed[i]))
			put_member(j, &base->list[i]);
	for (size_t i = 0; i < over->n; i++)
		if (over->list[i].kind != JSON_NULL)
			put_member(j, &over->list[i]);
	json_close(j, '}');
}

static enum rc put_tree(const struct members *base, const struct members *over, const bool *closed,
			struct json_object **out, struct err *err)
{
	struct buf b = BUF_INIT(3 * RECORD_BODY_MAX);
	struct json_out j = json_out(&b);
	put_all(&j, base, over, closed);
	enum rc rc = b.over ? fail(err, RC_LIMIT, "the record is over %zu bytes", RECORD_BODY_MAX) :
			      json_read(buf_str(&b), out, err);
	buf_free(&b);
	return rc;
}

/* Members of the base whose block is closed by what was laid over it. */
static bool find_closed(const struct type *t, const struct members *base,
			const struct members *over, struct json_object *body, bool *closed)
{
	bool any = false;
	for (size_t i = 0; i < base->n; i++) {
		const struct type_field *f = type_find_field(t, base->list[i].key);
		closed[i] = f && f->block && !member(over, base->list[i].key) &&
			    !field_open(t, f, body);
		any |= closed[i];
	}
	return any;
}

enum rc body_merge(const struct type *t, str base, str fields, struct arena *a,
		   struct json_object **out, bool *strangers_out, struct body_errors *errors,
		   struct err *err)
{
	struct members under, over;
	*strangers_out = false;
	enum rc rc = members_read(base, "the record as it stands", a, &under, err);
	if (rc == RC_OK)
		rc = members_read(fields, "fields", a, &over, err);
	if (rc != RC_OK)
		return rc;
	size_t before = errors->count;
	for (size_t i = 0; i < over.n; i++)
		if (!type_find_field(t, over.list[i].key))
			body_error_add(errors, NULL, "'" STR_FMT "' is no field of '%s'",
				       STR_ARG(str_head(over.list[i].key, 60)), t->name);
	if (errors->count != before)
		return fail(err, RC_INPUT, "a field is not known");
	for (size_t i = 0; i < under.n; i++)
		*strangers_out |= !type_find_field(t, under.list[i].key);
	rc = put_tree(&under, &over, NULL, out, err);
	if (rc != RC_OK || !fields.n)
		return rc;
	bool *closed = ARENA_ARRAY(a, under.n + 1, bool);
	if (find_closed(t, &under, &over, *out, closed)) {
		json_free(*out);
		*out = NULL;
		rc = put_tree(&under, &over, closed, out, err);
	}
	return rc;
}

bool body_same(str one, str other)
{
	if (str_eq(one, other))
		return true;
	struct arena *a = arena_new(KIB(16));
	struct members x, y;
	bool same = members_read(one, "", a, &x, NULL) == RC_OK &&
		    members_read(other, "", a, &y, NULL) == RC_OK && x.n == y.n;
	for (size_t i = 0; same && i < x.n; i++) {
		const struct json_pair *p = member(&y, x.list[i].key);
		same = p && p->kind == x.list[i].kind && str_eq(p->value, x.list[i].value);
	}
	arena_free(a);
	return same;
}
