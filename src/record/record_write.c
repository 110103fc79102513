/* SPDX-License-Identifier: Apache-2.0 */
/* record_put: a change from what was asked to what is kept. */
#include "base/json.h"
#include "record/record_private.h"

enum { TITLE_MOST = 200 };

/* A change under way. */
struct putting {
	struct tx *tx;
	struct records *r;
	const struct record_change *c;
	struct arena *a;
	struct body_errors *errors;
	struct err *err;
	bool fresh, copy;
	int64_t row;                     /* 0: not there yet */
	struct record old, now;
	struct json_object *old_body, *body;
};

/* --- what was asked --- */

static enum rc check_sizes(const struct putting *p)
{
	const struct record_change *c = p->c;
	if (c->fields.n > RECORD_BODY_MAX)
		return fail(p->err, RC_LIMIT, "the record is over %zu bytes", RECORD_BODY_MAX);
	if (c->why.n > RECORD_WHY_MAX)
		return fail(p->err, RC_LIMIT, "the reason is longer than %d bytes", RECORD_WHY_MAX);
	if (!str_is_utf8(c->why))
		return fail(p->err, RC_INPUT, "the reason is not UTF-8 text");
	if (c->actor.n == 0 || c->actor.n > 200)
		return fail(p->err, RC_INPUT, "a change needs an author of at most 200 bytes");
	return RC_OK;
}

static enum rc check_copy(const struct putting *p)
{
	const struct record_change *c = p->c;
	struct uuid node, id = c->id;
	str type;
	if (!uuid_parse(c->origin, &node))
		return fail(p->err, RC_INPUT, "'" STR_FMT "' is no node", STR_ARG(c->origin));
	if (str_eq_nocase(c->origin, str_of(p->r->origin)))
		return fail(p->err, RC_DENIED, "a record of this node cannot come from another");
	if (uuid_is_zero(&id))
		return fail(p->err, RC_INPUT, "a copy needs the id it has at its origin");
	if (c->version == 0 || c->version > RECORD_VERSION_MAX)
		return fail(p->err, RC_INPUT, "a copy needs the version it has at its origin");
	if (c->type)
		return RC_OK;
	str text = arena_fmt(p->a, STR_FMT "--00000000-0000-4000-8000-000000000000",
			     STR_ARG(c->type_name));
	if (!record_id_parse(text, &type, &id))
		return fail(p->err, RC_INPUT, "a copy needs the type it has at its origin");
	return RC_OK;
}

/* What it is changed from, if it is there. */
static enum rc find_old(struct putting *p)
{
	const struct record_change *c = p->c;
	const struct uuid *id = uuid_is_zero(&c->id) ? &c->new_id : &c->id;
	struct conn *db = tx_conn(p->tx);
	enum rc rc = uuid_is_zero(id) ? RC_OK : row_find(db, id, &p->row, p->err);
	if (rc != RC_OK)
		return rc;
	p->fresh = p->row == 0;
	if (p->fresh)
		return uuid_is_zero(&c->id) || p->copy ?
			       RC_OK :
			       fail(p->err, RC_ABSENT, "there is no such record");
	struct snapshot_ref *ref = snapshot_hold(p->r->types);
	rc = row_load(db, snapshot_table(ref), p->row, true, p->a, &p->old, p->err);
	snapshot_drop(p->r->types, ref);
	if (rc != RC_OK)
		return rc;
	/* the caller's definition holds: its table lives as long as the call */
	str type = c->type ? str_of(c->type->name) : c->type_name;
	p->old.type = c->type;
	p->old.state = c->type ? type_state(c->type, p->old.state_name) : -1;
	if (!str_eq(p->old.type_name, type))
		return p->copy ? fail(p->err, RC_CONFLICT, "the record is of another type here") :
				 fail(p->err, RC_ABSENT, "there is no such record");
	if (uuid_is_zero(&c->id))
		return fail(p->err, RC_CONFLICT, "there is a record with this id already");
	return RC_OK;
}

/* RC_CONFLICT when it is not what the caller thinks. */
static enum rc check_old(struct putting *p)
{
	const struct record_change *c = p->c;
	if (p->fresh)
		return RC_OK;
	if (p->old.erased && !(p->copy && c->again))
		return fail(p->err, p->copy ? RC_CONFLICT : RC_ABSENT, "the record was erased");
	if (p->copy && !str_eq_nocase(p->old.origin, c->origin))
		return fail(p->err, RC_DENIED, "the record belongs to another node");
	if (!p->copy && !str_eq(p->old.origin, str_of(p->r->origin)))
		return fail(p->err, RC_DENIED, "the record belongs to another node: answer it instead");
	if (p->copy && c->version < p->old.version)
		return fail(p->err, RC_CONFLICT, "there is a newer version here: %llu",
			    (unsigned long long)p->old.version);
	if (!p->copy && c->based_on && c->based_on != p->old.version)
		return fail(p->err, RC_CONFLICT, "it was changed meanwhile: version %llu stands",
			    (unsigned long long)p->old.version);
	if (!p->copy && p->old.version >= RECORD_VERSION_MAX)
		return fail(p->err, RC_LIMIT, "the record has too many versions");
	return RC_OK;
}

static enum rc decide_state(struct putting *p)
{
	const struct record_change *c = p->c;
	const struct type *t = c->type;
	if (p->copy && (!t || c->to_state < 0)) {
		if (!c->state_name.n || c->state_name.n > TYPE_NAME_MAX)
			return fail(p->err, RC_INPUT, "a copy needs the state it is in");
		p->now.state_name = c->state_name;
		p->now.state = t ? type_state(t, c->state_name) : -1;
		return RC_OK;
	}
	if (!p->fresh && p->old.state < 0 && !p->copy)
		return fail(p->err, RC_CONFLICT, "its state '" STR_FMT "' is not known here",
			    STR_ARG(p->old.state_name));
	int to = c->to_state >= 0 ? c->to_state : p->fresh ? 0 : p->old.state;
	if ((size_t)to >= t->state_count)
		return fail(p->err, RC_INPUT, "'%s' has no such state", t->name);
	p->now.state = to;
	p->now.state_name = str_of(t->states[to].name);
	if (p->fresh || p->copy || to == p->old.state)
		return RC_OK;
	const struct move *m = type_move(t, (unsigned)p->old.state, (unsigned)to);
	if (!m)
		return fail(p->err, RC_INPUT, "it cannot go from '" STR_FMT "' to '%s'",
			    STR_ARG(p->old.state_name), t->states[to].name);
	if (m->asks_why && !str_trim_all(c->why).n)
		return fail(p->err, RC_INPUT, "to go to '%s' a reason must be given",
			    t->states[to].name);
	return RC_OK;
}

static enum rc make_labels(struct putting *p)
{
	if (p->c->labels.p || p->fresh)
		return labels_parse(p->c->labels, p->a, &p->now.labels, p->err);
	p->now.labels = p->old.labels;
	return RC_OK;
}

/* A copy whose body is not as this definition wants it is kept as it came when its origin
 * has a newer one, or when the state is not known here. */
static bool may_keep_raw(const struct putting *p)
{
	return p->copy && (!p->c->type || p->now.state < 0 || p->c->type_version > p->c->type->version);
}

static enum rc make_body(struct putting *p)
{
	const struct record_change *c = p->c;
	struct buf text = BUF_INIT(RECORD_BODY_MAX);
	size_t bad = 0;
	bool strangers = true;
	struct body_errors *e = p->errors;
	enum rc rc;
	if (p->copy)
		rc = json_read(c->fields.n ? c->fields : STR("{}"), &p->body, p->err);
	else
		rc = body_merge(c->type, p->fresh ? STR("") : p->old.body, c->fields, p->a, &p->body,
				&strangers, e, p->err);
	if (rc != RC_OK)
		return rc;
	p->now.body = STR_NONE;
	if (c->type && p->now.state >= 0) {
		struct err why;
		/* Of a copy something may have been cut on its way here: what a state asks for is its origin's business. */
		rc = body_check(c->type, p->copy ? BODY_ANY_STATE : (unsigned)p->now.state, p->body, strangers,
				c->language, &text,
				may_keep_raw(p) || !e->list ? NULL : e->list + e->count,
				e->list && e->count < e->most ? e->most - e->count : 0, &bad, &why);
		if (text.over && rc == RC_OK)
			rc = fail(&why, RC_LIMIT, "the record is over %zu bytes", RECORD_BODY_MAX);
		if (rc == RC_OK)
			p->now.body = arena_str(p->a, buf_str(&text));
		else if (rc == RC_INPUT && may_keep_raw(p))
			rc = RC_OK;
		else
			e->count += bad;
		if (rc != RC_OK)
			(void)fail(p->err, rc, "%s", why.text);
	}
	buf_free(&text);
	if (rc == RC_OK && !p->now.body.p) {
		/* as it came; only that it is one flat object is sure */
		struct json_pair *pairs;
		size_t n;
		rc = json_flat(c->fields.n ? c->fields : STR("{}"), p->a, &pairs, &n, p->err);
		p->now.body = arena_str(p->a, c->fields.n ? c->fields : STR("{}"));
	}
	if (rc != RC_OK)
		return rc;
	json_free(p->body);
	p->body = NULL;
	return json_read(p->now.body, &p->body, p->err);
}

/* --- what a row says of the body --- */

static bool note_sealed(void *ctx, const struct value *v)
{
	*(bool *)ctx |= v->share == SHARE_SEALED;
	return !*(bool *)ctx;
}

/* At most TITLE_MOST bytes, never through the middle of a letter. */
static str cut_title(str s)
{
	if (s.n <= TITLE_MOST)
		return s;
	size_t n = TITLE_MOST;
	while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return str_head(s, n);
}

static void read_body(struct putting *p)
{
	const struct type *t = p->c->type;
	struct record *now = &p->now;
	now->organisation = p->fresh ? p->c->organisation : p->old.organisation;
	now->title = STR("");
	if (!t)
		return;
	if (t->organisation) {
		str type, value = json_get_str(p->body, t->organisation->name);
		now->organisation = (struct uuid){ { 0 } };
		if (value.n && !record_id_parse(value, &type, &now->organisation))
			now->organisation = (struct uuid){ { 0 } };
		if (!value.n)
			now->organisation = p->c->organisation;
	}
	struct json_object *title = t->title ? json_get(p->body, t->title->name) : NULL;
	struct buf b = BUF_INIT(RECORD_BODY_MAX);
	if (title)
		kind_format(t->title, title, &b);
	now->title = arena_str(p->a, cut_title(buf_str(&b)));
	buf_free(&b);
	values_each(t, p->body, note_sealed, &now->sealed);
}

/* --- what others say of it --- */

static enum rc ask_hooks(struct putting *p)
{
	const struct record *before = p->fresh ? NULL : &p->old;
	struct body_errors *e = p->errors;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < p->r->hooks && rc == RC_OK && !p->copy; i++) {
		const struct record_hook *h = &p->r->hook[i];
		size_t bad = 0, room = e->list && e->count < e->most ? e->most - e->count : 0;
		if (!h->check || (h->type && !str_eq(str_of(h->type), p->now.type_name)))
			continue;
		rc = h->check(p->tx, p->r, h->ctx, before, &p->now, p->c->language,
			      room ? e->list + e->count : NULL, room, &bad, p->err);
		e->count += bad;
	}
	return rc;
}

/* --- what is kept --- */

static bool unchanged(const struct putting *p)
{
	if (p->fresh)
		return false;
	if (p->copy)
		return p->c->version == p->old.version;
	return str_eq(p->now.state_name, p->old.state_name) &&
	       str_eq(p->now.labels.json, p->old.labels.json) && body_same(p->now.body, p->old.body);
}

static void fill_in(struct putting *p)
{
	const struct record_change *c = p->c;
	struct record *now = &p->now;
	now->type = c->type;
	now->type_name = c->type ? str_of(c->type->name) : c->type_name;
	now->type_version = p->copy && c->type_version ? c->type_version : c->type ? c->type->version : 0;
	now->id = p->copy || !p->fresh ? c->id : uuid_is_zero(&c->new_id) ? uuid_random() : c->new_id;
	now->number = p->old.number;
	now->version = p->copy ? c->version : p->old.version + 1;
	now->origin = p->copy ? c->origin : str_of(p->r->origin);
	now->author = c->actor;
	now->changed_us = tx_now_us(p->tx);
	now->created_us = p->fresh ? now->changed_us : p->old.created_us;
	now->due_us = p->fresh ? TIME_NONE : p->old.due_us;
	now->why = c->why.p ? c->why : STR("");
}

static enum rc keep(struct putting *p)
{
	struct record *now = &p->now;
	const struct type *t = p->c->type;
	struct conn *c = tx_conn(p->tx);
	enum rc rc = p->fresh ? row_add(p->tx, now, &p->row, p->err) : RC_OK;
	if (rc == RC_OK)
		rc = version_add(p->tx, p->r, p->row, &p->old.hash, now, p->err);
	if (rc == RC_OK && t)
		rc = index_change(c, t, p->row, p->old_body, p->body, p->a, p->err);
	if (rc == RC_OK && t)
		rc = links_change(p->tx, p->r, now, p->old_body, p->body, p->a, p->err);
	if (rc == RC_OK && t)
		rc = files_change(p->tx, p->row, t, p->body, now->author, p->copy, p->errors, p->err);
	if (rc != RC_OK)
		return rc;
	search_touch(p->r, p->row);
	const char *act = p->fresh				      ? "record.create" :
			  str_eq(now->state_name, p->old.state_name) ? "record.edit" :
								       "record.move";
	if (p->c->act.n)
		act = arena_z(p->a, p->c->act);
	return change_told(p->tx, p->r, act, p->fresh ? NULL : &p->old, now, p->err);
}

static enum rc put(struct putting *p)
{
	enum rc rc = check_sizes(p);
	if (rc == RC_OK && p->copy)
		rc = check_copy(p);
	if (rc == RC_OK)
		rc = find_old(p);
	if (rc == RC_OK)
		rc = check_old(p);
	if (rc != RC_OK)
		return rc;
	fill_in(p);
	rc = decide_state(p);
	if (rc == RC_OK)
		rc = make_labels(p);
	if (rc == RC_OK)
		rc = make_body(p);
	if (rc != RC_OK)
		return rc;
	if (unchanged(p)) {
		p->now = p->old;
		return RC_OK;
	}
	read_body(p);
	if (!p->fresh && p->old.body.n)
		rc = json_read(p->old.body, &p->old_body, p->err);
	if (rc == RC_OK)
		rc = ask_hooks(p);
	return rc == RC_OK ? keep(p) : rc;
}

enum rc record_put(struct tx *tx, struct records *r, const struct record_change *c, struct arena *a,
		   struct record *out, struct body_error *errors, size_t most, size_t *error_count,
		   struct err *err)
{
	struct body_errors e = { .list = errors, .most = most };
	struct putting p = { .tx = tx, .r = r, .c = c, .a = a, .errors = &e, .err = err,
			     .copy = c->origin.n > 0 };
	enum rc rc = put(&p);
	json_free(p.body);
	json_free(p.old_body);
	*out = rc == RC_CONFLICT ? p.old : p.now;
	/* strings of the caller may end before what we give back */
	out->author = arena_str(a, out->author);
	out->why = arena_str(a, out->why);
	out->origin = arena_str(a, out->origin);
	out->type_name = arena_str(a, out->type_name);
	out->state_name = arena_str(a, out->state_name);
	if (error_count)
		*error_count = e.count < most ? e.count : most;
	return rc;
}
