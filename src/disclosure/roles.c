/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <json-c/json.h>

#include "base/io.h"
#include "disclosure/account.h"
#include "disclosure/roles_private.h"

enum { ROLE_NAME_MAX = 32, ROLE_WORDS_MAX = 16, ROLES_FILE_MAX = 64 * 1024 };

struct roles {
	struct arena *a;
	struct role role[ROLES_MAX];
	const char *names[ROLES_MAX + 1];
	size_t count;
};

/* --- reading one role --- */

struct reading {
	struct roles *r;
	const char *file, *role;
	struct role to;
	struct err *err;
};

static enum rc wrong(struct reading *d, const char *member, const char *words)
{
	return fail(d->err, RC_INPUT, "%s: %s: %s: %s", d->file, d->role, member, words);
}

static bool sound_name(str name)
{
	if (name.n == 0 || name.n > ROLE_NAME_MAX || name.p[0] < 'a' || name.p[0] > 'z')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return true;
}

static enum rc read_words(struct reading *d, const char *member, struct json_object *v,
			  const struct words **out)
{
	if (!json_object_is_type(v, json_type_object) || json_object_object_length(v) > ROLE_WORDS_MAX)
		return wrong(d, member, "must be an object of at most 16 languages");
	size_t n = 0;
	bool english = false;
	struct words *w = ARENA_ARRAY(d->r->a, (size_t)json_object_object_length(v) + 1, struct words);
	struct json_object_iterator at = json_object_iter_begin(v), end = json_object_iter_end(v);
	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		const char *language = json_object_iter_peek_name(&at);
		str s = json_text(json_object_iter_peek_value(&at));
		if (s.n == 0 || s.n > 400 || !str_is_plain(s))
			return wrong(d, member, "words must be 1 to 400 plain characters");
		w[n].language = arena_z(d->r->a, str_of(language));
		w[n++].text = arena_z(d->r->a, s);
		english = english || str_eq(str_of(language), STR("en"));
	}
	if (!english)
		return wrong(d, member, "English (\"en\") is missing");
	*out = w;
	return RC_OK;
}

static enum rc read_flag(struct reading *d, const char *member, struct json_object *v, bool *out)
{
	if (!json_object_is_type(v, json_type_boolean))
		return wrong(d, member, "must be true or false");
	*out = json_object_get_boolean(v);
	return RC_OK;
}

static enum rc read_right(struct reading *d, struct json_object *v)
{
	/* "signed-in" is the least a person has; "intake" is for sensors. */
	if (!right_parse(json_text(v), &d->to.right) || d->to.right == RIGHT_PUBLIC ||
	    d->to.right == RIGHT_INTAKE)
		return wrong(d, "right", "must be signed-in, read or operate");
	return RC_OK;
}

static enum rc read_member(struct reading *d, const char *name, struct json_object *v)
{
	const struct {
		const char *name;
		bool *to;
	} flags[] = {
		{ "personal_basis", &d->to.personal_basis }, { "reads_no_case", &d->to.reads_no_case },
		{ "reads_journal", &d->to.reads_journal }, { "manages_accounts", &d->to.manages_accounts },
		{ "approves", &d->to.approves }, { "breaks_glass", &d->to.breaks_glass },
		{ "opens_media", &d->to.opens_media }, { "second_factor", &d->to.second_factor }, { "outside", &d->to.outside },
	};
	str is = str_of(name);
	for (size_t i = 0; i < COUNT_OF(flags); i++)
		if (str_eq(is, str_of(flags[i].name)))
			return read_flag(d, name, v, flags[i].to);
	if (str_eq(is, STR("label")))
		return read_words(d, name, v, &d->to.label);
	if (str_eq(is, STR("help")))
		return read_words(d, name, v, &d->to.help);
	if (str_eq(is, STR("right")))
		return read_right(d, v);
	if (!str_eq(is, STR("ceiling")))
		return wrong(d, name, "there is no such member");
	return tlp_parse(json_text(v), &d->to.ceiling) ? RC_OK :
		       wrong(d, name, "must be CLEAR, GREEN, AMBER, AMBER+STRICT or RED");
}

static enum rc read_role(struct reading *d, struct json_object *o)
{
	if (!sound_name(str_of(d->role)))
		return fail(d->err, RC_INPUT, "%s: '%s' is no name of a role: small letters, digits and '_'",
			    d->file, d->role);
	if (!json_object_is_type(o, json_type_object))
		return fail(d->err, RC_INPUT, "%s: %s: must be an object", d->file, d->role);
	d->to = (struct role){ .right = RIGHT_SIGNED_IN, .ceiling = TLP_CLEAR };
	enum rc rc = RC_OK;
	struct json_object_iterator at = json_object_iter_begin(o), end = json_object_iter_end(o);
	for (; rc == RC_OK && !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
		rc = read_member(d, json_object_iter_peek_name(&at), json_object_iter_peek_value(&at));
	if (rc == RC_OK && !d->to.label)
		rc = wrong(d, "label", "is missing");
	if (rc == RC_OK && !d->to.help)
		rc = wrong(d, "help", "is missing");
	if (rc == RC_OK && d->to.outside && (d->to.right != RIGHT_SIGNED_IN || d->to.manages_accounts ||
					     d->to.reads_journal || d->to.approves || d->to.breaks_glass ||
					     d->to.opens_media))
		rc = wrong(d, "outside", "a role outside has the right signed-in and no more");
	return rc;
}

static enum rc keep(struct reading *d)
{
	struct roles *r = d->r;
	int at = roles_find(r, str_of(d->role));
	if (at < 0 && r->count == ROLES_MAX)
		return fail(d->err, RC_LIMIT, "%s: more than %d roles", d->file, ROLES_MAX);
	if (at < 0)
		at = (int)r->count++;
	d->to.name = arena_z(r->a, str_of(d->role));
	r->role[at] = d->to;
	r->names[at] = d->to.name;
	return RC_OK;
}

static enum rc read_roles(struct roles *r, const char *file, struct json_object *all, struct err *err)
{
	enum rc rc = RC_OK;
	struct json_object_iterator at = json_object_iter_begin(all), end = json_object_iter_end(all);
	for (; rc == RC_OK && !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		struct reading d = { .r = r, .file = file, .role = json_object_iter_peek_name(&at), .err = err };
		rc = read_role(&d, json_object_iter_peek_value(&at));
		if (rc == RC_OK)
			rc = keep(&d);
	}
	return rc;
}

static enum rc read_file(struct roles *r, const char *file, str text, struct err *err)
{
	struct json_object *all = NULL;
	struct err why = { 0 };
	enum rc rc = json_read(text, &all, &why);
	if (rc != RC_OK)
		return fail(err, rc, "%s: %s", file, why.text);
	if (!json_object_is_type(all, json_type_object))
		rc = fail(err, RC_INPUT, "%s: must be an object of roles", file);
	else
		rc = read_roles(r, file, all, err);
	json_free(all);
	return rc;
}

/* --- loading --- */

/* `path` is the operator's, not from outside. */
static enum rc read_dir_file(struct roles *r, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct arena *a = arena_new(KIB(1));
	const char *folder = slash ? arena_z(a, str_mem(path, (size_t)(slash - path) + 1)) : ".";
	const char *name = slash ? slash + 1 : path;
	struct io_dir *d = NULL;
	struct buf text = BUF_INIT(ROLES_FILE_MAX);
	enum rc rc = io_dir_open(folder, &d, err);
	if (rc == RC_OK)
		rc = io_read_file(d, name, &text, err);
	if (rc == RC_OK)
		rc = read_file(r, name, buf_str(&text), err);
	else if (rc == RC_ABSENT)
		rc = RC_OK;
	buf_free(&text);
	io_dir_close(d);
	arena_free(a);
	return rc;
}

enum rc roles_load(const char *dir_file, struct roles **out, struct err *err)
{
	struct roles *r = x_alloc(sizeof(*r));
	enum rc rc = RC_OK;
	r->a = arena_new(KIB(8));
	for (size_t i = 0; i < roles_file_count; i++) {
		rc = read_file(r, roles_files[i].name, str_mem(roles_files[i].p, roles_files[i].n), err);
		assert(rc == RC_OK); /* built in */
	}
	if (dir_file)
		rc = read_dir_file(r, dir_file, err);
	if (rc != RC_OK)
		roles_free(r);
	else
		*out = r;
	return rc;
}

void roles_free(struct roles *r)
{
	if (!r)
		return;
	arena_free(r->a);
	free(r);
}

/* --- asking --- */

const char *const *roles_names(const struct roles *r)
{
	return r->names;
}

size_t roles_count(const struct roles *r)
{
	return r->count;
}

const struct role *roles_at(const struct roles *r, size_t bit)
{
	return bit < r->count ? &r->role[bit] : NULL;
}

int roles_find(const struct roles *r, str name)
{
	for (size_t i = 0; i < r->count; i++)
		if (str_eq(name, str_of(r->names[i])))
			return (int)i;
	return -1;
}

enum rc roles_parse(const struct roles *r, str text, uint32_t *out, struct err *err)
{
	uint32_t roles = 0;
	while (text.n > 0) {
		size_t n = 0;
		while (n < text.n && text.p[n] != ' ' && text.p[n] != ',')
			n++;
		str name = str_head(text, n);
		text = str_from(text, n + 1);
		int bit = roles_find(r, name);
		if (name.n > 0 && bit < 0)
			return fail(err, RC_INPUT, "there is no role '" STR_FMT "'", STR_ARG(name));
		if (name.n > 0)
			roles |= UINT32_C(1) << bit;
	}
	*out = roles;
	return RC_OK;
}

void roles_format(const struct roles *r, uint32_t roles, struct buf *out)
{
	const char *between = "";
	for (size_t i = 0; i < r->count; i++) {
		if (!(roles >> i & 1))
			continue;
		buf_add(out, str_of(between));
		buf_add(out, str_of(r->names[i]));
		between = " ";
	}
}

static bool any(const struct roles *r, uint32_t roles, size_t flag)
{
	for (size_t i = 0; i < r->count; i++)
		if (roles >> i & 1 && *(const bool *)((const char *)&r->role[i] + flag))
			return true;
	return false;
}

bool roles_second_factor(const struct roles *r, uint32_t roles)
{
	return any(r, roles, offsetof(struct role, second_factor));
}

/* The directory's owner on the command line holds the files themselves. */
static bool is_owner(const struct viewer *v)
{
	return v->account == 0 && v->channel == CHANNEL_CLI && v->right == RIGHT_OPERATE;
}

bool viewer_manages_accounts(const struct viewer *v, const struct roles *r)
{
	return is_owner(v) || any(r, v->roles, offsetof(struct role, manages_accounts));
}

bool viewer_reads_journal(const struct viewer *v, const struct roles *r)
{
	return is_owner(v) || any(r, v->roles, offsetof(struct role, reads_journal));
}
