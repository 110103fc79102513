/* SPDX-License-Identifier: Apache-2.0 */
/* One record: as it stands, its history, its links, its files. */
#include "disclosure/make.h"
#include "web/records.h"

enum rc load_record(struct page *p, struct record_view *v, struct err *err)
{
	enum rc rc = page_reader(p, err);
	uint64_t number;
	str id = str_to_u64(p->item, &number) ?
			 arena_fmt(p->a, "%s-%llu", p->type->name, (unsigned long long)number) :
			 p->item;
	if (rc == RC_OK)
		rc = read_record(p->r, page_types(p), &p->caller.viewer, id, p->a, v, err);
	if (rc == RC_OK && record_view_type(v) != p->type)
		rc = fail(err, RC_ABSENT, "there is nothing here");
	return rc;
}

/* To note a call about it, and whom to ask next, where its type has somebody to call. */
static void put_duty_links(struct page *p, const struct record_view *v)
{
	const struct type *t = record_view_type(v);
	str id = record_view_id(v, p->a);
	if (p->caller.viewer.as.kind != RECIPIENT_STAFF || type_meaning(t, STR("call.result")))
		return;
	if (t->organisation || type_meaning(t, STR("organisation.contacts")))
		json_put_str(&p->j, "call_href", page_link(p, "/duty/call", "about", id));
	if (t->organisation && type_meaning(t, STR("duty.waits")))
		json_put_str(&p->j, "ladder_href", page_link(p, "/duty/ladder", "about", id));
}

static void put_record_members(struct page *p, const struct record_view *v)
{
	const struct type *t = record_view_type(v);
	int state = record_view_state(v);
	put_members(p, v);
	if (record_view_state(v) >= 0 && record_view_author(v).n > 0 && record_is_withdrawn(v->record))
		json_put_bool(&p->j, "withdrawn", true); /* by its origin */
	if (p->form != FORM_HTML)
		return;
	page_put_actor_name(p, "author", record_view_author(v));
	json_put_str(&p->j, "type_label", str_of(words_in(t->label, p->language)));
	json_put_str(&p->j, "list_href", arena_fmt(p->a, "/%s", t->name));
	json_put_str(&p->j, "href", record_href(p, v, ""));
	json_put_str(&p->j, "self_id", record_view_id(v, p->a));
	json_put_str(&p->j, "history_href", record_href(p, v, "/history"));
	json_put_str(&p->j, "edit_href",
		     record_view_may(v, ACTION_EDIT, -1) ? record_href(p, v, "/edit") : STR(""));
	json_put_str(&p->j, "link_href",
		     record_view_may(v, ACTION_LINK, -1) ? record_href(p, v, "/link") : STR(""));
	/* Asked for when something sealed is to be opened first: the template shows it beside what is cut. */
	if (p->caller.session.account && !p->caller.session.ring &&
	    record_view_may(v, ACTION_OPEN_SEALED, -1))
		json_put_str(&p->j, "case_key_href", page_link(p, "/case-key", "next", record_href(p, v, "")));
	json_put_str(&p->j, "hold_href",
		     record_view_may(v, ACTION_HOLD, -1) ? record_href(p, v, "/hold") : STR(""));
	json_put_str(&p->j, "erase_href",
		     record_view_may(v, ACTION_ERASE, -1) ? record_href(p, v, "/erase") : STR(""));
	if (right_includes(p->caller.viewer.right, RIGHT_READ))
		json_put_str(&p->j, "explain_href", page_link(p, "/explain", "item", record_view_id(v, p->a)));
	json_put_str(&p->j, "unlink_href", record_href(p, v, "/unlink"));
	json_put_str(&p->j, "make_href", make_possible(page_types(p), v) ? record_href(p, v, "/make") : STR(""));
	put_duty_links(p, v);
	json_put_bool(&p->j, "make_for", t && t->makes && t->makes->parent);
	if (t && type_meaning(t, STR("case.source")))
		json_put_str(&p->j, "from_source", record_view_id(v, p->a));
	json_put_str(&p->j, "state_label",
		     state >= 0 ? str_of(words_in(t->states[state].label, p->language)) : STR(""));
}

void put_record(struct page *p, const struct record_view *v)
{
	json_key(&p->j, STR("record"));
	json_open(&p->j, '{');
	put_record_members(p, v);
	json_close(&p->j, '}');
}

void put_moves(struct page *p, const struct record_view *v)
{
	const struct type *t = record_view_type(v);
	int state = record_view_state(v);
	/* merging moves more than the state: its own form does (page_case.c) */
	const struct meaning *merged = t ? type_meaning(t, STR("case.merged")) : NULL;
	/* starting one makes its list first (page_round.c) */
	const struct meaning *started = t ? type_meaning(t, STR("round.started")) : NULL;
	json_key(&p->j, STR("moves"));
	json_open(&p->j, '[');
	for (size_t i = 0; state >= 0 && i < t->states[state].move_count; i++) {
		const struct move *m = &t->states[state].moves[i];
		if (!record_view_may(v, ACTION_MOVE, (int)m->to) ||
		    (merged && (m->to == merged->state || state == (int)merged->state)) ||
		    (started && m->to == started->state))
			continue;
		json_open(&p->j, '{');
		json_put_str(&p->j, "state", str_of(t->states[m->to].name));
		json_put_str(&p->j, "label", str_of(words_in(m->label ? m->label : t->states[m->to].label,
							     p->language)));
		json_put_bool(&p->j, "asks_why", m->asks_why);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

void put_parts(struct page *p, const struct type *t, const struct record_view *v)
{
	static const struct {
		const char *means, *behind, *label;
		bool of_list;
	} parts[] = {
#define PART(means, behind, label) { means, behind, label, false },
#define LIST(means, behind, label) { means, behind, label, true },
#define MORE(put)
#include "parts.def"
#undef PART
#undef LIST
#undef MORE
	};
	json_key(&p->j, STR("parts"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (parts[i].of_list != !v || !type_meaning(t, str_of(parts[i].means)))
			continue;
		json_open(&p->j, '{');
		json_put_str(&p->j, "label", str_of(parts[i].label));
		json_put_str(&p->j, "href", v ? record_href(p, v, parts[i].behind) :
						arena_fmt(p->a, "/%s%s", t->name, parts[i].behind));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

static bool put_link(void *ctx, const struct link_view *l)
{
	struct page *p = ctx;
	json_open(&p->j, '{');
	json_put_i64(&p->j, "id", l->id);
	json_put_str(&p->j, "kind", l->kind);
	json_put_bool(&p->j, "outward", l->outward);
	json_put_str(&p->j, "other", l->other);
	json_put_str(&p->j, "other_title", l->other_title.n > 0 ? l->other_title : l->other);
	json_put_str(&p->j, "other_state", l->other_state);
	json_put_str(&p->j, "why", l->why);
	json_put_str(&p->j, "author", l->author);
	json_put_time(&p->j, "at", l->at_us);
	str href = id_href(p, l->other);
	if (href.n > 0)
		json_put_str(&p->j, "href", href);
	json_close(&p->j, '}');
	return !p->doc.over;
}

enum rc put_links(struct page *p, const struct record_view *v, struct err *err)
{
	json_key(&p->j, STR("links"));
	json_open(&p->j, '[');
	enum rc rc = read_record_links(p->r, page_types(p), &p->caller.viewer, record_view_id(v, p->a),
				       p->a, put_link, p, err);
	json_close(&p->j, ']');
	return rc;
}

static bool put_offer(void *ctx, const struct record_view *v)
{
	struct page *p = ctx;
	struct buf title = BUF_INIT(KIB(8));
	record_view_text(v, record_view_type(v)->title, &title);
	json_open(&p->j, '{');
	json_put_str(&p->j, "title", title.n > 0 ? buf_str(&title) : record_view_id(v, p->a));
	json_put_str(&p->j, "type_label", str_of(words_in(record_view_type(v)->label, p->language)));
	json_put_str(&p->j, "href", record_href(p, v, ""));
	json_put_str(&p->j, "make_href", record_href(p, v, "/make"));
	json_close(&p->j, '}');
	buf_free(&title);
	return !p->doc.over;
}

/* What may be made for this one: the plans that fit. */
static enum rc put_offers(struct page *p, const struct record_view *v, struct err *err)
{
	enum { OFFERS = 20 };
	if (p->form != FORM_HTML)
		return RC_OK;
	json_key(&p->j, STR("offers"));
	json_open(&p->j, '[');
	enum rc rc = make_offers(p->r, page_types(p), v, OFFERS, p->a, put_offer, p, err);
	json_close(&p->j, ']');
	return rc;
}

/* What hand-made code adds, by what the type means. */
static enum rc put_more(struct page *p, const struct record_view *v, struct err *err)
{
	static enum rc (*const more[])(struct page *, const struct record_view *, struct err *) = {
#define PART(means, behind, label)
#define LIST(means, behind, label)
#define MORE(put) put,
#include "parts.def"
#undef PART
#undef LIST
#undef MORE
	};
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(more); i++)
		rc = more[i](p, v, err);
	return rc;
}

const char *record_title(struct page *p, const struct record_view *v)
{
	struct buf b = BUF_INIT(KIB(8));
	record_view_text(v, record_view_type(v)->title, &b);
	const char *title = arena_z(p->a, b.n > 0 ? buf_str(&b) : record_view_id(v, p->a));
	buf_free(&b);
	return title;
}

/* As a table: one row of all its fields. */
static enum rc put_table(struct page *p, const struct record_view *v, struct err *err)
{
	const struct type *t = record_view_type(v);
	const struct type_field **fields = ARENA_ARRAY(p->a, t->field_count, const struct type_field *);
	for (size_t i = 0; i < t->field_count; i++)
		fields[i] = &t->fields[i];
	if (!record_view_may(v, ACTION_EXPORT, -1))
		return fail(err, RC_DENIED, "none of your roles may export this");
	p->columns = flat_columns(p, fields, t->field_count);
	page_rows(p);
	put_flat_row(p, v, fields, t->field_count);
	page_rows_end(p);
	p->row_count = 1;
	return RC_OK;
}

enum rc page_record(struct page *p, struct err *err)
{
	struct record_view v = { 0 };
	p->template = "record";
	enum rc rc = load_record(p, &v, err);
	if (rc == RC_OK && p->form == FORM_CSV) {
		rc = put_table(p, &v, err);
	} else if (rc == RC_OK) {
		p->title = record_title(p, &v);
		put_type(p, p->type);
		page_put_destroy(p, record_view_id(&v, p->a));
		put_record(p, &v);
		put_fields(p, &v);
		put_moves(p, &v);
		if (record_view_in_emergency(&v, &p->caller.viewer)) {
			record_view_end(&v);
			return RC_OK;
		}
		put_parts(p, p->type, &v);
		rc = put_more(p, &v, err);
	}
	record_view_end(&v);
	return rc;
}

/* --- history --- */

static bool put_version(void *ctx, const struct record_view *v)
{
	struct page *p = ctx;
	char behind[48];
	if (p->form == FORM_CSV) {
		put_flat_row(p, v, NULL, 0);
		p->row_count++;
		return !p->doc.over;
	}
	snprintf(behind, sizeof behind, "/history/%llu", (unsigned long long)record_view_version(v));
	json_open(&p->j, '{');
	put_record_members(p, v);
	json_put_str(&p->j, "version_href", record_href(p, v, behind));
	json_close(&p->j, '}');
	p->row_count++;
	return !p->doc.over;
}

enum rc page_record_history(struct page *p, struct err *err)
{
	static const char *const columns[] = { "version", "changed", "author", "state", "title", "why", NULL };
	struct record_view v = { 0 };
	uint64_t before = 0, limit = page_limit(p, 50);
	str text = http_query(p->q, "before");
	p->template = "record_history";
	p->columns = columns;
	if (text.n > 0 && !str_to_u64(text, &before))
		return fail(err, RC_INPUT, "'before' is no number of a version");
	enum rc rc = load_record(p, &v, err);
	if (rc == RC_OK && p->form == FORM_CSV && !record_view_may(&v, ACTION_EXPORT, -1))
		rc = fail(err, RC_DENIED, "none of your roles may export this");
	if (rc == RC_OK) {
		p->title = arena_fmt(p->a, "History: %s", record_title(p, &v)).p;
		put_type(p, p->type);
		put_record(p, &v);
		page_rows(p);
		rc = read_record_history(p->r, page_types(p), &p->caller.viewer, record_view_id(&v, p->a),
					 before, limit, p->a, put_version, p, err);
		page_rows_end(p);
	}
	record_view_end(&v);
	return rc;
}

/* As it stood in the version that `text` names. */
static enum rc load_version(struct page *p, str text, struct record_view *v, struct err *err)
{
	struct record_view now = { 0 };
	uint64_t version;
	if (!str_to_u64(text, &version))
		return fail(err, RC_ABSENT, "there is nothing here");
	enum rc rc = load_record(p, &now, err);
	if (rc == RC_OK)
		rc = read_record_version(p->r, page_types(p), &p->caller.viewer,
					 record_view_id(&now, p->a), version, p->a, v, err);
	record_view_end(&now);
	return rc;
}

enum rc page_record_version(struct page *p, struct err *err)
{
	struct record_view v = { 0 };
	p->template = "record_version";
	enum rc rc = load_version(p, p->item2, &v, err);
	if (rc == RC_OK && p->form == FORM_CSV) {
		rc = put_table(p, &v, err);
	} else if (rc == RC_OK) {
		p->title = arena_fmt(p->a, "Version " STR_FMT ": %s", STR_ARG(p->item2), record_title(p, &v)).p;
		put_type(p, p->type);
		put_record(p, &v);
		put_fields(p, &v);
	}
	record_view_end(&v);
	return rc;
}

/* --- files: downloads, never shown --- */

enum rc page_record_file(struct page *p, struct err *err)
{
	str name = STR_NONE, field = http_query(p->q, "field"), version = http_query(p->q, "version");
	struct record_view v = { 0 };
	char digest[65];
	if (!str_to_z(p->item2, digest, sizeof digest))
		return fail(err, RC_ABSENT, "there is nothing here");
	p->ans->body = (struct buf)BUF_INIT(MIB(17));
	enum rc rc = version.n > 0 ? load_version(p, version, &v, err) : load_record(p, &v, err);
	if (rc == RC_OK)
		rc = read_record_file(p->r, &v, field, digest, &p->ans->body, &name, p->a, err);
	record_view_end(&v);
	if (rc != RC_OK)
		return rc;
	p->template = NULL;
	p->ans->status = 200;
	p->ans->type = "application/octet-stream";
	answer_header(p->ans, "Content-Disposition",
		      arena_fmt(p->a, "attachment; filename*=UTF-8''" STR_FMT,
				STR_ARG(url_escape(p->a, name))));
	return RC_OK;
}
