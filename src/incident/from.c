/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/from_private.h"

#include <json-c/json.h>

#include "disclosure/derive.h"
#include "incident/indicators.h"
#include "incident/severity.h"
#include "intake/feeds.h"

struct making {
	struct reader *r;
	const struct types *t;
	const struct directory *d;
	const struct viewer *v;
	const struct from_request *q;
	struct arena *a;
	struct case_type type;
	str links[FROM_MOST]; size_t link_count;
	const struct labels_of *marked[FROM_MOST]; size_t marked_count; /* of each source */
	str accepts[FROM_MOST]; size_t accept_count; /* statements that are thereby taken up */
	/* what is filled in */
	str title, summary, class, kind, organisation, how;
	int64_t first_us;
	struct buf indicators;     /* rows, JSON */
	struct json_out j;
	size_t indicator_count;
	struct err *err;
};

/* --- what it comes from --- */

static enum rc mark(struct making *k, struct labels_of labels)
{
	if (k->marked_count > 0 && k->marked[0]->exercise != labels.exercise)
		return fail(k->err, RC_INPUT, "what is of an exercise and what is real cannot be one incident");
	struct labels_of *kept = ARENA_NEW(k->a, struct labels_of);
	*kept = labels;
	k->marked[k->marked_count++] = kept;
	return RC_OK;
}

/* What is marked by its TLP alone: acting on it goes as far as that marking asks by itself. */
static struct labels_of marked_as(enum tlp tlp, bool exercise, str licence)
{
	return (struct labels_of){ .tlp = tlp, .exercise = exercise, .licence = licence, .classification = STR(""),
				   .pap = tlp >= TLP_RED ? PAP_RED : tlp >= TLP_AMBER ? PAP_AMBER :
					  tlp >= TLP_GREEN ? PAP_GREEN : PAP_CLEAR };
}

static bool is_choice(const struct type_field *f, str name)
{
	for (size_t i = 0; f && i < f->choice_count; i++)
		if (str_eq(name, str_of(f->choices[i].name)))
			return true;
	return false;
}

struct naming {
	struct making *k;
	str id;
};

static bool take_organisation(void *ctx, const struct record_view *v)
{
	struct naming *n = ctx;

	n->id = record_view_id(v, n->k->a);
	return false;
}

/* The record of an organisation of the directory: the one of that name. */
static enum rc organisation_named(struct making *k, str name, str *out)
{
	const struct type_field *f = k->type.type->organisation;
	const struct type *t = f && f->refers_to ? types_find(k->t, str_of(f->refers_to)) : NULL;
	struct record_query q = { .type = t };
	struct naming n = { .k = k, .id = STR("") };
	struct json_object *value = json_object_new_string_len(name.p, (int)name.n);

	*out = STR("");
	if (t && t->title && t->title->indexed && kind_key(t->title, value, k->a, &q.filters[0].key)) {
		q.filters[0].field = t->title;
		q.filters[0].compare = COMPARE_IS;
		q.filter_count = 1;
		struct err why = { 0 };
		enum rc rc = read_records(k->r, k->t, k->v, &q, 1, k->a, take_organisation, &n, &why);
		if (rc != RC_OK && rc != RC_DENIED) {
			json_free(value);
			return fail(k->err, rc, "%s", why.text);
		}
		*out = n.id;
	}
	json_free(value);
	return RC_OK;
}

static str capital(struct making *k, str text)
{
	char *z = arena_z(k->a, text);

	if (text.n && z[0] >= 'a' && z[0] <= 'z')
		z[0] = (char)(z[0] - 'a' + 'A');
	return str_mem(z, text.n);
}

/* "ip 198.18.0.1 port 23 transport tcp": each word behind its name. */
static void indicators_of_key(struct making *k, str key)
{
	while (key.n > 0 && k->indicator_count < INDICATORS_MOST) {
		str name = str_cut(&key, ' '), value = str_cut(&key, ' ');
		bool net = str_eq(name, STR("ip")) || str_eq(name, STR("net")) || str_eq(name, STR("network"));
		if (net)
			k->indicator_count += indicator_put(indicator_column(k->type.indicators, KIND_NETWORK, KIND_ADDRESS), value, &k->j);
		else if (str_eq(name, STR("domain")))
			k->indicator_count += indicator_put(indicator_column(k->type.indicators, KIND_DOMAIN, KIND_DOMAIN), value, &k->j);
		else if (str_eq(name, STR("url")))
			k->indicator_count += indicator_put(indicator_column(k->type.indicators, KIND_URL, KIND_URL), value, &k->j);
	}
}

static enum rc add_finding(struct making *k, str id)
{
	struct finding f;
	struct labels_of labels;

	enum rc rc = read_finding(k->r, k->v, str_from(id, STR("finding--").n), k->a, &f, k->err);
	if (rc == RC_OK)
		rc = derive_from_finding(k->r, k->v, id, k->a, &labels, k->err);
	if (rc == RC_OK)
		rc = mark(k, labels);
	if (rc != RC_OK)
		return rc;
	indicators_of_key(k, f.key);
	if (!k->title.n)
		k->title = arena_fmt(k->a, STR_FMT "%s" STR_FMT ": " STR_FMT, STR_ARG(capital(k, f.type)),
				     f.identifier.n ? " " : "", STR_ARG(f.identifier), STR_ARG(f.key));
	if (!k->class.n && is_choice(k->type.class, type_taxonomy(f.type)))
		k->class = type_taxonomy(f.type);
	if (!k->kind.n && is_choice(k->type.kind, f.type))
		k->kind = arena_str(k->a, f.type);
	if (!k->first_us || f.first_seen_us < k->first_us)
		k->first_us = f.first_seen_us;
	for (size_t i = 0; rc == RC_OK && !k->organisation.n && i < f.concerns.count; i++) {
		const struct org *o = k->d ? directory_org(k->d, f.concerns.list[i].org) : NULL;
		if (o)
			rc = organisation_named(k, o->name, &k->organisation);
	}
	k->how = STR("feed");
	k->links[k->link_count++] = arena_str(k->a, id);
	return rc;
}

/* --- an event --- */

struct taken_event {
	struct making *k;
	enum rc rc;
	bool seen;
};

static str event_text(struct making *k, const struct event_view *e, const char *name)
{
	struct buf b = BUF_INIT(KIB(16));

	(void)event_view_value(e, str_of(name), &b);
	str text = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return text;
}

/* The terms of the feed it came by; of one that is not ours none are known. */
static enum rc licence_of_feed(struct making *k, str name, str *out)
{
	struct feed feed;

	*out = STR("");
	enum rc rc = name.n ? feed_by_name(reader_conn(k->r), name, k->a, &feed, k->err) : RC_ABSENT;
	if (rc == RC_OK)
		*out = feed.licence;
	return rc == RC_ABSENT ? RC_OK : rc;
}

static bool take_event(void *ctx, const struct event_view *e)
{
	struct taken_event *t = ctx;
	struct making *k = t->k;
	const struct type_field *f = k->type.indicators;
	str type = event_text(k, e, "classification.type"), ip = event_text(k, e, "source.ip");
	str fqdn = event_text(k, e, "source.fqdn"), url = event_text(k, e, "source.url");
	int64_t at_us;
	str licence;
	enum tlp tlp;

	t->seen = true;
	t->rc = licence_of_feed(k, event_text(k, e, "feed.name"), &licence);
	if (t->rc == RC_OK)
		t->rc = mark(k, marked_as(tlp_parse(event_text(k, e, "tlp"), &tlp) ? tlp : TLP_RED,
					  str_eq(event_text(k, e, "exercise"), STR("true")), licence));
	k->indicator_count += ip.n && indicator_put(indicator_column(f, KIND_NETWORK, KIND_ADDRESS), ip, &k->j);
	k->indicator_count += fqdn.n && indicator_put(indicator_column(f, KIND_DOMAIN, KIND_DOMAIN), fqdn, &k->j);
	k->indicator_count += url.n && indicator_put(indicator_column(f, KIND_URL, KIND_URL), url, &k->j);
	if (!k->title.n)
		k->title = arena_fmt(k->a, STR_FMT ": " STR_FMT, STR_ARG(capital(k, type)), STR_ARG(ip.n ? ip : fqdn.n ? fqdn : url));
	if (!k->class.n && is_choice(k->type.class, type_taxonomy(type)))
		k->class = type_taxonomy(type);
	if (!k->kind.n && is_choice(k->type.kind, type))
		k->kind = type;
	if (time_parse(event_text(k, e, "time.source"), true, &at_us) && (!k->first_us || at_us < k->first_us))
		k->first_us = at_us;
	return false;
}

static enum rc add_event(struct making *k, str id)
{
	struct taken_event t = { .k = k };

	enum rc rc = read_event(k->r, k->v, str_from(id, STR("event--").n), take_event, &t, k->err);
	if (rc == RC_OK && !t.seen)
		rc = fail(k->err, RC_ABSENT, "there is no such event");
	if (rc == RC_OK)
		rc = t.rc;
	k->how = STR("feed");
	if (rc == RC_OK)
		k->links[k->link_count++] = arena_str(k->a, id);
	return rc;
}

static enum rc add_quarantined(struct making *k, str id)
{
	struct quarantined q;
	int64_t number = 0;
	str licence;

	if (!str_to_i64(str_from(id, STR("quarantine--").n), &number))
		return fail(k->err, RC_ABSENT, "there is no such record");
	enum rc rc = read_quarantined(k->r, k->v, number, k->a, &q, k->err);
	if (rc != RC_OK)
		return rc;
	rc = licence_of_feed(k, q.feed_name, &licence);
	if (rc == RC_OK)
		rc = mark(k, marked_as(TLP_AMBER, false, licence));
	if (rc != RC_OK)
		return rc;
	if (!k->title.n)
		k->title = arena_fmt(k->a, "Report of " STR_FMT ", input %llu", STR_ARG(q.feed_name),
				     (unsigned long long)q.input);
	if (q.bytes.n && str_is_utf8(q.bytes)) {
		k->summary = k->summary.n ? k->summary : str_head(q.bytes, 4000);
		if (k->type.indicators)
			indicators_in_text(k->type.indicators, q.bytes, &k->j, &k->indicator_count);
	}
	k->how = STR("feed");
	k->links[k->link_count++] = arena_fmt(k->a, "report--%lld", (long long)q.report);
	return rc;
}

static str text_of(struct making *k, const struct record_view *v, const struct type_field *f)
{
	struct buf b = BUF_INIT(KIB(256));

	if (f && !record_view_cuts(v, f))
		record_view_text(v, f, &b);
	str text = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return text;
}

static const struct type_field *long_field(const struct type *t)
{
	const struct meaning *m = type_meaning(t, STR("case.source"));

	if (m && m->field)
		return m->field;
	for (size_t i = 0; i < t->field_count; i++)
		if (t->fields[i].kind == KIND_LONG && t->fields[i].share < SHARE_NAMED)
			return &t->fields[i];
	return NULL;
}

static enum rc add_record(struct making *k, str id)
{
	struct record_view v = { 0 };

	enum rc rc = read_record(k->r, k->t, k->v, id, k->a, &v, k->err);
	const struct type *t = rc == RC_OK ? record_view_type(&v) : NULL;
	if (rc == RC_OK)
		rc = mark(k, *record_view_labels(&v));
	if (rc == RC_OK && t) {
		str text = text_of(k, &v, long_field(t));
		k->title = k->title.n ? k->title : text_of(k, &v, t->title);
		k->summary = k->summary.n ? k->summary : str_head(text, 20000);
		if (k->type.indicators)
			indicators_in_text(k->type.indicators, text, &k->j, &k->indicator_count);
		k->links[k->link_count++] = record_view_id(&v, k->a);
		const struct meaning *waits = type_meaning(t, STR("statement.received"));
		if (waits && !waits->field && (int)waits->state == record_view_state(&v))
			k->accepts[k->accept_count++] = record_view_id(&v, k->a);
	}
	record_view_end(&v);
	return rc;
}

static enum rc gather(struct making *k)
{
	enum rc rc = RC_OK;

	if (k->q->source_count == 0 || k->q->source_count > FROM_MOST)
		return fail(k->err, RC_INPUT, "say from what it is made: 1 to %d things", FROM_MOST);
	k->j = json_out(&k->indicators);
	json_open(&k->j, '[');
	for (size_t i = 0; rc == RC_OK && i < k->q->source_count; i++) {
		str id = k->q->sources[i];
		rc = str_starts(id, STR("finding--"))    ? add_finding(k, id) :
		     str_starts(id, STR("event--"))      ? add_event(k, id) :
		     str_starts(id, STR("quarantine--")) ? add_quarantined(k, id) : add_record(k, id);
	}
	json_close(&k->j, ']');
	if (rc == RC_OK && k->q->source_count > 1)
		k->title = arena_fmt(k->a, STR_FMT " (+%zu)", STR_ARG(str_head(k->title, 180)), k->q->source_count - 1);
	return rc;
}

/* --- the fields --- */

static void put_text(struct json_out *j, const struct type_field *f, str value)
{
	if (f && value.n)
		json_put_str(j, f->name, value);
}

/* What was filled in, under what the person says. */
static enum rc fields_of(struct making *k, struct json_object **out)
{
	struct buf text = BUF_INIT(RECORD_BODY_MAX);
	struct json_out j = json_out(&text);
	const struct type *t = k->type.type;
	struct json_object *over = NULL;
	enum rc rc;

	*out = NULL;
	json_open(&j, '{');
	put_text(&j, t->title, str_head(k->title, 200));
	put_text(&j, k->type.class, k->class.n ? k->class : STR("other"));
	put_text(&j, k->type.kind, k->kind);
	put_text(&j, t->organisation, k->organisation);
	put_text(&j, k->type.summary, k->summary);
	if (is_choice(k->type.how, k->how))
		put_text(&j, k->type.how, k->how);
	if (k->type.happened && k->first_us)
		json_put_time(&j, k->type.happened->name, k->first_us - k->first_us % SECOND_US);
	if (k->type.indicators && k->indicator_count) {
		json_key(&j, str_of(k->type.indicators->name));
		json_raw(&j, buf_str(&k->indicators));
	}
	json_close(&j, '}');
	rc = json_read(buf_str(&text), out, k->err);
	if (rc == RC_OK && k->q->fields.n)
		rc = json_read(k->q->fields, &over, k->err);
	if (rc == RC_OK && over) {
		json_object_object_foreach(over, name, value)
			json_object_object_add(*out, name, json_object_get(value));
	}
	json_free(over);
	buf_free(&text);
	return rc;
}

/* The proposal stands until somebody sets another. */
static void put_severity(struct making *k, struct json_object *fields)
{
	struct severity s;

	if (json_get(fields, k->type.severity->name))
		return;
	severity_of_body(&k->type, fields, k->q->language, k->a, &s);
	if (is_choice(k->type.severity, str_of(s.level)))
		json_object_object_add(fields, k->type.severity->name, json_object_new_string(s.level));
}

static enum rc labels_of_sources(struct making *k, str *out)
{
	*out = k->marked[0]->json;
	if (k->marked_count == 1 && out->n) /* of one record: whom it names too, as they are */
		return RC_OK;
	return derive_labels(k->marked, k->marked_count, policy_marks(&k->v->policy), k->a, out, k->err);
}

/* --- in one job --- */

struct job {
	struct making *k;
	struct records *r;
	const struct change_request *q;
	str id;
	struct change_errors *errors;
};

/* What somebody told us is being worked from now on. */
static enum rc accept_statement(struct tx *tx, struct job *job, str id, struct err *err)
{
	struct making *k = job->k;
	struct record_view moved = { 0 };
	str type = str_head(id, str_find(id, STR("--")));
	const struct type *t = types_find(k->t, type);
	const struct meaning *m = t ? type_meaning(t, STR("statement.accepted")) : NULL;
	if (!m || m->field)
		return RC_OK;
	const struct change_request move = { .id = id, .why = k->q->why, .language = k->q->language,
					     .to_state = str_of(t->states[m->state].name) };
	enum rc rc = change_record_tx(tx, job->r, k->v, &move, k->a, &moved, job->errors, err);
	record_view_end(&moved);
	return rc;
}

static enum rc put_all(struct tx *tx, void *ctx, struct err *err)
{
	struct job *job = ctx;
	struct making *k = job->k;
	struct record_view made = { 0 };

	enum rc rc = change_record_tx(tx, job->r, k->v, job->q, k->a, &made, job->errors, err);
	if (rc == RC_OK && !made.record)
		rc = fail(err, RC_DENIED, "you could not see what you make");
	if (rc == RC_OK)
		job->id = record_view_id(&made, k->a);
	record_view_end(&made);
	for (size_t i = 0; rc == RC_OK && i < k->link_count; i++) {
		int64_t link;
		rc = change_link_tx(tx, job->r, k->v, job->id, STR("related"), k->links[i], k->q->why, k->a,
				    &link, err);
	}
	for (size_t i = 0; rc == RC_OK && i < k->accept_count; i++)
		rc = accept_statement(tx, job, k->accepts[i], err);
	if (rc == RC_OK && k->q->open) {
		const struct change_request move = { .id = job->id, .why = k->q->why, .language = k->q->language,
			.to_state = str_of(k->type.type->states[k->type.open].name) };
		rc = change_record_tx(tx, job->r, k->v, &move, k->a, &made, job->errors, err);
		record_view_end(&made);
	}
	return rc;
}

enum rc case_from(struct records *r, struct store *s, const struct types *t, const struct directory *d,
		  const struct viewer *v, const struct from_request *q, struct arena *a, str *id_out,
		  struct change_errors *errors, struct err *err)
{
	struct making *k = ARENA_NEW(a, struct making);
	struct json_object *fields = NULL;
	struct err why = { 0 };
	str labels = STR("");

	*k = (struct making){ .t = t, .d = d, .v = v, .q = q, .a = a, .err = &why,
			      .indicators = BUF_INIT(RECORD_BODY_MAX), .title = STR(""), .summary = STR(""),
			      .class = STR(""), .kind = STR(""), .organisation = STR(""), .how = STR("") };
	*id_out = STR("");
	if (!case_type_find(t, &k->type))
		return fail(err, RC_ABSENT, "there is no type for incidents");
	enum rc rc = store_read_begin(s, &k->r, &why);
	if (rc == RC_OK)
		rc = gather(k);
	if (rc == RC_OK)
		rc = fields_of(k, &fields);
	if (rc == RC_OK)
		put_severity(k, fields);
	if (rc == RC_OK)
		rc = labels_of_sources(k, &labels);
	if (k->r)
		store_read_end(k->r);
	if (rc == RC_OK) {
		const struct change_request change = {
			.type = str_of(k->type.type->name), .labels = labels, .why = q->why,
			.language = q->language,
			.fields = str_of(json_object_to_json_string_ext(fields, JSON_C_TO_STRING_PLAIN)),
		};
		struct job job = { .k = k, .r = r, .q = &change, .errors = errors };
		rc = store_write(s, put_all, &job, &why);
		*id_out = rc == RC_OK ? job.id : STR("");
	}
	if (rc == RC_DENIED)
		change_refused(r, s, v, str_of(k->type.type->name), str_of(why.text));
	json_free(fields);
	buf_free(&k->indicators);
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}
