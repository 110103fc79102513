/* SPDX-License-Identifier: Apache-2.0 */
#include "directory/call.h"
#include "route/directory_records.h"
#include "web/page.h"

/* Whom addresses, names, URLs and AS numbers concern, and why: one asked in the
 * address, or many pasted into a form (64 KiB of it), grouped by organisation. */

enum { LINES_MOST = 10000, ROWS_MOST = 20000 };

struct answered {
	str asked, kind, cc;
	uint32_t asn;
	int64_t org;      /* 0: nobody known */
	struct match why;
	struct fallback_hit *last; /* of last resort: with the first answer about a line */
	size_t last_count;
	size_t place;     /* of the line: keeps the order inside an organisation */
};
struct asking {
	struct page *p;
	const struct directory *d;
	struct snapshot_ref *contacts;
	struct answered *list;
	size_t count, room, lines, refused;
	bool cut;
};

static void add_answer(struct asking *w, struct answered one)
{
	if (w->count == ROWS_MOST) {
		w->cut = true;
		return;
	}
	if (w->count == w->room) {
		w->room = w->room ? w->room * 2 : 64;
		w->list = x_grow(w->list, w->room, sizeof *w->list);
	}
	one.place = w->count;
	w->list[w->count++] = one;
}

static enum rc ask(struct asking *w, str line, struct err *err)
{
	struct who who;
	struct arena *a = w->p->a;
	struct answered one = { .asked = arena_str(a, line) };
	enum rc rc = read_who(&w->p->caller.viewer, w->d, w->p->w->n->enrich, line, clock_now_us(), &who,
			      err);
	if (rc == RC_INPUT) {
		one.kind = STR("?");
		w->refused++;
		add_answer(w, one);
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	struct fallback_hit hits[FALLBACK_HITS_MAX];
	one.last_count = read_last_resort(&w->p->caller.viewer, w->d, snapshot_table(w->contacts), clock_now_us(),
					  &who, hits);
	one.last = ARENA_ARRAY(a, one.last_count + 1, struct fallback_hit);
	memcpy(one.last, hits, one.last_count * sizeof(hits[0]));
	one.kind = arena_str(a, str_of(who.kind));
	one.asn = who.facts.asn;
	one.cc = arena_str(a, str_of(who.facts.cc));
	for (size_t i = 0; i < who.concerns.count; i++) {
		one.why = who.concerns.list[i];
		one.org = one.why.org;
		add_answer(w, one);
		one.last_count = 0;
	}
	if (who.concerns.count == 0)
		add_answer(w, one);
	return RC_OK;
}

static enum rc ask_all(struct asking *w, str text, struct err *err)
{
	str line;
	while (str_line(&text, &line)) {
		line = str_trim_all(line);
		if (line.n == 0)
			continue;
		if (++w->lines > LINES_MOST)
			return fail(err, RC_INPUT, "more than %d lines at once", LINES_MOST);
		enum rc rc = ask(w, str_head(line, 2048), err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* Organisations together, nobody last, else as asked. */
static int by_org(const void *a, const void *b)
{
	const struct answered *x = a, *y = b;
	if (x->org != y->org)
		return !x->org ? 1 : !y->org ? -1 : x->org < y->org ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static str org_name(const struct asking *w, int64_t id)
{
	const struct org *o = w->d && id ? directory_org(w->d, id) : NULL;
	return o ? o->name : STR("");
}

static void put_answer(struct asking *w, const struct answered *one)
{
	struct json_out *j = &w->p->j;
	json_open(j, '{');
	json_put_str(j, "asked", one->asked);
	json_put_str(j, "kind", one->kind);
	if (one->asn)
		json_put_i64(j, "asn", one->asn);
	json_put_str(j, "cc", one->cc);
	json_put_str(j, "organisation", org_name(w, one->org));
	json_put_str(j, "role", one->org ? str_of(role_name(one->why.role)) : STR(""));
	json_put_str(j, "reason", str_of(one->why.reason));
	json_put_bool(j, "shared_address", one->why.shared_address);
	if (w->p->form != FORM_CSV)
		last_resort_json(one->last, one->last_count, clock_now_us(), &w->p->j);
	json_close(j, '}');
}

static void put_contacts(struct asking *w, const struct contact *c, size_t n)
{
	struct json_out *j = &w->p->j;
	json_key(j, STR("contacts"));
	json_open(j, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(j, '{');
		json_put_str(j, "role", c[i].role);
		json_put_str(j, "email", c[i].email);
		json_put_str(j, "phone", c[i].phone);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* The page of its record. */
static void put_card_href(struct asking *w, int64_t id)
{
	const struct org *o = w->d && id ? directory_org(w->d, id) : NULL;
	const struct type *t = directory_type(page_types(w->p));
	struct buf text = BUF_INIT(RECORD_ID_BYTES);
	if (!o || !t || uuid_is_zero(&o->record))
		return;
	record_id_format(&text, str_of(t->name), &o->record);
	json_put_str(&w->p->j, "href", arena_fmt(w->p->a, "/%s/%s", t->name, text.p));
	buf_free(&text);
}

/* Whom to call first there now. */
static void put_call(struct asking *w, const struct org *o, const struct contact *c, size_t n)
{
	str zone = settings_text(w->p->w->n->settings, "timezone");
	struct json_out *j = &w->p->j;
	struct call call;
	char local[40];
	if (!n || !call_first(c, n, o->timezone, zone, clock_now_us(), &call))
		return;
	json_key(j, STR("call"));
	json_open(j, '{');
	json_put_str(j, "role", call.contact->role);
	json_put_str(j, "name", call.contact->name);
	json_put_str(j, "channel", str_of(call.channel));
	json_put_str(j, "reach", call.reach);
	json_put_str(j, "now", str_of(open_now_name(call.open)));
	json_put_str(j, "local_time", local_time(o->timezone, zone, clock_now_us(), local));
	json_close(j, '}');
}

static enum rc put_groups(struct asking *w, struct err *err)
{
	struct arena *a = arena_new(KIB(16)); /* of one group */
	struct json_out *j = &w->p->j;
	enum rc rc = page_reader(w->p, err);
	json_key(j, STR("groups"));
	json_open(j, '[');
	for (size_t i = 0; rc == RC_OK && i < w->count;) {
		int64_t org = w->list[i].org;
		const struct org *o = org ? directory_org(w->d, org) : NULL;
		struct contact *contacts;
		size_t n;
		size_t first = i;
		rc = read_contacts(w->p->r, &w->p->caller.viewer, o, a, &contacts, &n, err);
		json_open(j, '{');
		json_put_str(j, "organisation", org_name(w, org));
		put_card_href(w, org);
		put_contacts(w, contacts, n);
		put_call(w, o, contacts, n);
		json_key(j, STR("asked"));
		json_open(j, '[');
		for (; i < w->count && w->list[i].org == org; i++)
			put_answer(w, &w->list[i]);
		json_close(j, ']');
		json_put_i64(j, "count", (int64_t)(i - first));
		json_close(j, '}');
		arena_reset(a);
	}
	json_close(j, ']');
	arena_free(a);
	return rc;
}

static void put_rows(struct asking *w)
{
	page_rows(w->p);
	for (size_t i = 0; i < w->count; i++)
		put_answer(w, &w->list[i]);
	page_rows_end(w->p);
}

enum rc page_who(struct page *p, struct err *err)
{
	str text = p->q->method == HTTP_POST ? http_form(p->q, "q") : http_query(p->q, "q");
	struct asking w = { .p = p, .d = page_directory(p), .contacts = node_contacts(p->w->n) };
	p->template = "who";
	p->title = "Who is concerned";
	enum rc rc = w.d ? ask_all(&w, text, err) : fail(err, RC_ABSENT, "there is no directory yet");
	if (rc == RC_OK) {
		if (w.count > 1)
			qsort(w.list, w.count, sizeof *w.list, by_org);
		json_put_str(&p->j, "q", str_head(text, KIB(64)));
		json_put_i64(&p->j, "lines", (int64_t)w.lines);
		json_put_i64(&p->j, "refused", (int64_t)w.refused);
		json_put_bool(&p->j, "cut", w.cut);
		if (p->form == FORM_HTML)
			rc = put_groups(&w, err);
		else
			put_rows(&w);
		p->row_count = w.count;
	}
	free(w.list);
	snapshot_drop(p->w->n->contacts, w.contacts);
	return rc;
}
