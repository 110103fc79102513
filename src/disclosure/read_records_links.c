/* SPDX-License-Identifier: Apache-2.0 */
/* What a record is linked to, and its files. A link is seen by who sees both ends. */
#include "disclosure/media.h"
#include "disclosure/read.h"
#include "disclosure/read_private.h"
#include "disclosure/read_records_private.h"

enum { LINKS_MAX = 2000 };

struct link_list {
	struct arena *a;
	struct record_link *list;
	size_t count, size;
};

static bool keep_link(void *ctx, const struct record_link *l)
{
	struct link_list *to = ctx;

	if (to->count == to->size) {
		struct record_link *grown = ARENA_ARRAY(to->a, to->size ? to->size * 2 : 32,
							struct record_link);
		if (to->count)
			memcpy(grown, to->list, to->count * sizeof(*grown));
		to->list = grown;
		to->size = to->size ? to->size * 2 : 32;
	}
	to->list[to->count++] = (struct record_link){
		.id = l->id, .from = arena_str(to->a, l->from), .to = arena_str(to->a, l->to),
		.kind = arena_str(to->a, l->kind), .author = arena_str(to->a, l->author),
		.why = arena_str(to->a, l->why), .at_us = l->at_us, .share = l->share,
	};
	return to->count < LINKS_MAX;
}

struct link_gate {
	struct reader *r;
	const struct types *t;
	const struct viewer *v;
	struct arena *a;
};

/* Of the record a link comes from: is the field seen that the link stands for? */
static bool field_seen(const struct record_view *from, const struct record_link *l)
{
	const struct type_field *f = type_find_field(from->record->type, l->kind);

	if (l->share == SHARE_OPEN && !f)
		return true;
	return f && !field_is_cut(from, f);
}

static bool is_seen(void *ctx, const struct event_view *e)
{
	(void)ctx;
	(void)e;
	return false;
}

/* Whether he sees it is told by *seen; what could not be read is not taken for unseen. */
static enum rc unseen(enum rc rc)
{
	return rc == RC_ABSENT || rc == RC_DENIED ? RC_OK : rc;
}

static enum rc see_record(const struct link_gate *g, const struct record_view *asked,
			  const struct record_link *l, struct link_view *out, bool *seen,
			  struct err *err)
{
	struct record_view other;

	*seen = false;
	enum rc rc = read_record(g->r, g->t, g->v, out->other, g->a, &other, err);
	if (rc != RC_OK)
		return unseen(rc);
	*seen = field_seen(out->outward ? asked : &other, l);
	if (*seen) {
		out->other_type = other.record->type_name;
		out->other_state = other.record->state_name;
		out->other_title = field_is_cut(&other, other.record->type->title) ? STR("") : other.record->title;
	}
	record_view_end(&other);
	return RC_OK;
}

static enum rc see_other(const struct link_gate *g, const struct record_view *asked,
			 const struct record_link *l, struct link_view *out, bool *seen,
			 struct err *err)
{
	struct finding f;
	str id = out->other;
	enum rc rc;

	out->other_title = out->other_state = STR("");
	if (str_starts(id, STR("finding--"))) {
		out->other_type = STR("finding");
		rc = read_finding(g->r, g->v, str_from(id, 9), g->a, &f, err);
		if (rc == RC_OK) {
			out->other_title = f.identifier.n ? f.identifier : f.type;
			out->other_state = str_of(finding_state_name(f.state));
		}
	} else if (str_starts(id, STR("event--"))) {
		out->other_type = STR("event");
		rc = read_event(g->r, g->v, str_from(id, 7), is_seen, NULL, err);
	} else if (str_starts(id, STR("report--"))) {
		out->other_type = STR("report");
		rc = need_right(g->v, RIGHT_READ, err);
	} else {
		return see_record(g, asked, l, out, seen, err);
	}
	*seen = rc == RC_OK;
	return unseen(rc);
}

enum rc read_record_links(struct reader *r, const struct types *t, const struct viewer *v, str id,
			  struct arena *a, link_view_each each, void *ctx, struct err *err)
{
	struct link_gate g = { r, t, v, a };
	struct link_list links = { .a = a };
	struct buf own = BUF_INIT(RECORD_ID_BYTES);
	struct record_view asked;
	bool ours = v->as.kind == RECIPIENT_STAFF;

	enum rc rc = read_record(r, t, v, id, a, &asked, err);
	if (rc != RC_OK)
		return rc;
	record_id_format(&own, asked.record->type_name, &asked.record->id);
	rc = record_links(reader_conn(r), buf_str(&own), 0, keep_link, &links, err);
	for (size_t i = 0; rc == RC_OK && i < links.count; i++) {
		const struct record_link *l = &links.list[i];
		bool outward = str_eq(l->from, buf_str(&own));
		struct link_view view = { .id = l->id, .at_us = l->at_us, .kind = l->kind,
					  .author = ours ? l->author : STR(""),
					  .why = ours ? l->why : STR(""), .outward = outward,
					  .other = outward ? l->to : l->from };

		bool seen;

		rc = see_other(&g, &asked, l, &view, &seen, err);
		if (rc == RC_OK && seen && !each(ctx, &view))
			break;
	}
	buf_free(&own);
	record_view_end(&asked);
	return rc;
}

enum rc read_links_to(struct reader *r, const struct types *t, const struct viewer *v, str end,
		      struct arena *a, link_view_each each, void *ctx, struct err *err)
{
	struct link_gate g = { r, t, v, a };
	struct link_list links = { .a = a };
	struct link_view known = { .other = end };
	bool ours = v->as.kind == RECIPIENT_STAFF;

	if (!str_starts(end, STR("finding--")) && !str_starts(end, STR("event--")) &&
	    !str_starts(end, STR("report--")))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no finding, event or report",
			    STR_ARG(str_head(end, 100)));
	bool seen;
	enum rc rc = see_other(&g, NULL, NULL, &known, &seen, err);
	if (rc == RC_OK && !seen)
		rc = fail(err, RC_ABSENT, "there is nothing of that name");
	if (rc == RC_OK)
		rc = record_links(reader_conn(r), end, 0, keep_link, &links, err);
	for (size_t i = 0; rc == RC_OK && i < links.count; i++) {
		const struct record_link *l = &links.list[i];
		struct link_view view = { .id = l->id, .at_us = l->at_us, .kind = l->kind,
					  .author = ours ? l->author : STR(""),
					  .why = ours ? l->why : STR(""), .other = l->from };

		rc = see_record(&g, NULL, l, &view, &seen, err);
		if (rc == RC_OK && seen && !each(ctx, &view))
			break;
	}
	return rc;
}

/* --- files --- */

static bool is_file(struct json_object *value, const char *digest_hex)
{
	return str_eq(json_get_str(value, "digest"), str_of(digest_hex));
}

/* The value of a FILE field, or of its list, that has this digest. */
static struct json_object *find_file(struct json_object *value, const char *digest_hex)
{
	if (is_file(value, digest_hex))
		return value;
	for (size_t i = 0; i < json_count(value); i++)
		if (is_file(json_at(value, i), digest_hex))
			return json_at(value, i);
	return NULL;
}

/* What another node or a person outside began; our own people know what they put there. */
static enum rc is_from_outside(struct conn *c, const struct record *r, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT v.author, a.organisation FROM record_version v LEFT JOIN account a"
			       " ON v.author = 'account:' || a.id WHERE v.record = (SELECT id FROM record"
			       " WHERE uuid = ?) ORDER BY v.version LIMIT 1");
	static const struct uuid none = { { 0 } };

	sql_blob(q, 1, str_mem(r->id.b, sizeof(r->id.b)));
	*out = r->number == 0; /* a copy */
	if (sql_row(q)) {
		str organisation = sql_col_blob(q, 1);

		*out |= organisation.n == sizeof(none.b) && memcmp(organisation.p, none.b, sizeof(none.b)) != 0;
	}
	return sql_end(q, err);
}

enum rc read_record_file(struct reader *r, const struct record_view *v, str field,
			 const char *digest_hex, struct buf *out, str *name_out, struct arena *a,
			 struct err *err)
{
	struct digest digest;
	const struct type_field *f = type_find_field(v->record->type, field);
	struct json_object *file = f && f->kind == KIND_FILE && !field_is_cut(v, f) ?
		find_file(json_get(v->body, f->name), digest_hex) : NULL;

	if (!hex_parse(str_of(digest_hex), digest.b, sizeof(digest.b)) || !file)
		return fail(err, RC_ABSENT, "there is no such file");
	*name_out = arena_str(a, json_get_str(file, "name"));
	size_t before = out->n;
	bool outside = true;
	enum rc rc = is_from_outside(reader_conn(r), v->record, &outside, err);
	if (rc == RC_OK)
		rc = file_read(r, &digest, out, err);
	if (rc == RC_OK && outside && !media_may_have(v->viewer, str_from(buf_str(out), before))) {
		explicit_bzero(out->p + before, out->n - before);
		out->n = before;
		return fail(err, RC_DENIED, "a picture or a film from outside is not handed out");
	}
	return rc;
}
