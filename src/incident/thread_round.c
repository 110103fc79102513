/* SPDX-License-Identifier: Apache-2.0 */
/* One text to all that a case concerns: a draft of a notification round, with them on its list. */
#include <json-c/json.h>

#include "incident/thread_private.h"

enum { PARTIES_MOST = 200 };

struct parties {
	const struct types *types;
	struct arena *a;
	str list[PARTIES_MOST];
	size_t count;
};

static void add(struct parties *k, str id)
{
	struct uuid uuid;
	str type;
	const struct type *t = record_id_parse(id, &type, &uuid) ? types_find(k->types, type) : NULL;
	if (!t || !type_meaning(t, STR("organisation.contacts")) || k->count == PARTIES_MOST)
		return;
	for (size_t i = 0; i < k->count; i++)
		if (str_eq(k->list[i], id))
			return;
	k->list[k->count++] = arena_str(k->a, id);
}

/* Its references are links too. */
static bool take_link(void *ctx, const struct link_view *l)
{
	add(ctx, l->other);
	return true;
}

static bool take_mail(void *ctx, const struct record_view *v)
{
	struct parties *k = ctx;
	add(k, thread_value(v, "mail.organisation", k->a));
	return true;
}

static enum rc find(struct parties *k, struct reader *r, const struct viewer *v, str id, struct err *err)
{
	struct record_query q = { .type = types_meaning(k->types, STR("mail.recipient")), .with_body = true };
	const struct type_field *f = q.type ? thread_field(q.type, "mail.incident") : NULL;
	enum rc rc = read_record_links(r, k->types, v, id, k->a, take_link, k, err);
	struct json_object *value = json_object_new_string_len(id.p, (int)id.n);
	q.filters[0] = (struct record_filter){ .field = f, .compare = COMPARE_IS };
	q.filter_count = 1;
	if (rc == RC_OK && f && kind_key(f, value, k->a, &q.filters[0].key))
		rc = read_records(r, k->types, v, &q, THREAD_LIST_MAX, k->a, take_mail, k, err);
	json_free(value);
	return rc == RC_DENIED ? RC_OK : rc;
}

static void put(struct json_out *j, const struct type *t, const char *meaning, str value)
{
	const struct type_field *f = thread_field(t, meaning);
	if (f && value.n > 0)
		json_put_str(j, f->name, value);
}

static void make_fields(const struct parties *k, const struct type *t, const struct thread_letter *q, str title,
			struct buf *out)
{
	struct json_out j = json_out(out);
	const struct type_field *list = thread_field(t, "round.organisations"), *texts = thread_field(t, "message.texts");
	json_open(&j, '{');
	json_put_str(&j, t->title->name, title);
	put(&j, t, "round.kind", STR("notification"));
	if (list) {
		json_key(&j, str_of(list->name));
		json_open(&j, '[');
		for (size_t i = 0; i < k->count; i++)
			json_str(&j, k->list[i]);
		json_close(&j, ']');
	}
	if (texts && q->text.n > 0) {
		json_key(&j, str_of(texts->name));
		json_open(&j, '[');
		json_open(&j, '{');
		json_put_str(&j, "language", STR("en"));
		json_put_str(&j, "subject", q->subject.n > 0 ? q->subject : title);
		json_put_str(&j, "text", q->text);
		json_close(&j, '}');
		json_close(&j, ']');
	}
	json_close(&j, '}');
}

struct making {
	const struct notify_world *w;
	const struct viewer *v;
	struct change_request q;
	struct arena *a;
	str about, id;
};

static enum rc make(struct tx *tx, void *ctx, struct err *err)
{
	struct making *m = ctx;
	struct change_errors errors = { .count = 0 };
	struct record_view view = { 0 };
	int64_t link;
	enum rc rc = change_record_tx(tx, m->w->records, m->v, &m->q, m->a, &view, &errors, err);
	if (rc == RC_OK)
		m->id = record_view_id(&view, m->a);
	else if (errors.count > 0)
		rc = fail(err, rc, "%s: %s", errors.list[0].field ? errors.list[0].field->name : "the round", errors.list[0].text);
	record_view_end(&view);
	return rc == RC_OK ? change_link_tx(tx, m->w->records, m->v, m->id, STR("about"), m->about, STR(""), m->a, &link, err) : rc;
}

enum rc thread_round(const struct notify *n, const struct viewer *v, const struct thread_letter *q, struct arena *a,
		     str *id_out, struct err *err)
{
	struct making m = { .w = notify_world_of(n), .v = v, .a = a };
	struct snapshot *types = records_types_snapshot(m.w->records);
	struct snapshot_ref *ref = snapshot_hold(types);
	struct parties k = { .types = snapshot_table(ref), .a = a };
	const struct type *t = types_meaning(k.types, STR("round.kind"));
	struct reader *r = NULL;
	struct record_view view = { 0 };
	struct buf fields = BUF_INIT(KIB(256)), title = BUF_INIT(KIB(4));
	enum tlp tlp = TLP_GREEN;
	enum rc rc = q->tlp.n > 0 && !tlp_parse(q->tlp, &tlp) ?
			     fail(err, RC_INPUT, "'" STR_FMT "' is no marking", STR_ARG(str_head(q->tlp, 40))) :
		     t ? store_read_begin(m.w->store, &r, err) : fail(err, RC_ABSENT, "no type of records means 'round.kind'");
	if (rc == RC_OK)
		rc = read_record(r, k.types, v, q->about, a, &view, err);
	if (rc == RC_OK) {
		m.about = record_view_id(&view, a);
		record_view_text(&view, record_view_type(&view)->title, &title);
		m.q = (struct change_request){ .type = str_of(t->name), .why = STR("to all whom the case concerns"),
					       .labels = arena_fmt(a, "{\"tlp\":\"%s\"%s}", tlp_name(tlp),
							   record_view_labels(&view)->exercise ? ",\"exercise\":true" : "") };
		rc = find(&k, r, v, m.about, err);
	}
	record_view_end(&view);
	if (r)
		store_read_end(r);
	if (rc == RC_OK) {
		make_fields(&k, t, q, buf_str(&title), &fields);
		m.q.fields = buf_str(&fields);
		rc = store_write(m.w->store, make, &m, err);
	}
	*id_out = m.id;
	buf_free(&fields);
	buf_free(&title);
	snapshot_drop(types, ref);
	return rc;
}
