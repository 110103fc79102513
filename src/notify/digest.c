/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/digest.h"

#include <json-c/json.h>

#include "base/csv.h"
#include "notify/classes.h"
#include "notify/sealed_zip.h"
#include "notify/notify_private.h"
#include "notify/xarf.h"

enum { EVENTS_OF_ONE = 20, VALUE_MAX = 64 << 10, EVENT_MAX = 1 << 20, XARF_MOST = LETTER_PARTS_MAX - 2 };

static const char *const columns[] = {
#define COLUMN(name) name,
#include "notify/digest.def"
#undef COLUMN
};

struct digesting {
	const struct sending *s;
	struct xarf_sender us;
	size_t findings;
	bool *seen;                /* a finding: an event of it is in */
	struct buf csv, line, event, report;
	size_t events_max, xarf_max, bytes, bytes_max;
	struct arena *a;
	struct letter_part *reports;
	size_t report_count;
	struct digest_files *out;
};

/* --- one event --- */

static bool is_column(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		if (strcmp(name, columns[i]) == 0)
			return true;
	return false;
}

static void put_line(struct buf *line, const struct event_view *e)
{
	struct csv_out c = { .b = line, .guard = true };
	struct buf value = BUF_INIT(VALUE_MAX);
	buf_reset(line);
	for (size_t i = 0; i < COUNT_OF(columns); i++) {
		buf_reset(&value);
		if (!event_view_value(e, str_of(columns[i]), &value))
			buf_reset(&value);
		csv_field(&c, buf_str(&value));
	}
	csv_end(&c);
	buf_free(&value);
}

/* What digest.def names of it. */
static bool put_event(struct digesting *d, const struct event_view *e)
{
	struct buf whole = BUF_INIT(EVENT_MAX);
	struct json_out j = json_out(&whole), kept = json_out(&d->event);
	struct json_object *o = NULL;
	event_view_json(e, &j);
	bool ok = !whole.over && json_read(buf_str(&whole), &o, NULL) == RC_OK && o;
	buf_reset(&d->event);
	json_open(&kept, '{');
	if (ok) {
		json_object_object_foreach(o, key, value) {
			if (is_column(key)) {
				json_key(&kept, str_of(key));
				json_raw(&kept, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
			}
		}
	}
	json_close(&kept, '}');
	json_free(o);
	buf_free(&whole);
	return ok && !d->event.over;
}

static void put_report(struct digesting *d, const struct event_view *e)
{
	struct digest_files *o = d->out;
	if (d->report_count >= d->xarf_max || !put_event(d, e))
		return;
	buf_reset(&d->report);
	if (!xarf_write(&d->us, buf_str(&d->event), &d->report))
		return;
	if (d->bytes + d->report.n > d->bytes_max) {
		o->cut = true;
		return;
	}
	d->bytes += d->report.n;
	d->report_count++;
	d->reports[d->report_count - 1] = (struct letter_part){
		.type = STR("application/json"), .bytes = arena_str(d->a, buf_str(&d->report)),
		.name = arena_fmt(d->a, "xarf-%zu.json", d->report_count) };
}

static bool take(void *ctx, const struct event_view *e, size_t place)
{
	struct digesting *d = ctx;
	struct digest_files *o = d->out;
	if (o->events >= d->events_max) {
		o->cut = true;
		return false;
	}
	put_line(&d->line, e);
	if (d->line.over || d->bytes + d->line.n > d->bytes_max) {
		o->cut = true;
		return false;
	}
	d->bytes += d->line.n;
	buf_add(&d->csv, buf_str(&d->line));
	o->events++;
	if (!d->seen[place]) {
		d->seen[place] = true;
		o->findings++;
		put_report(d, e);
	}
	return true;
}

/* --- all of them --- */

static void put_names(struct buf *csv)
{
	struct csv_out c = { .b = csv };
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		csv_field(&c, str_of(columns[i]));
	csv_end(&c);
}

/* RC_ABSENT: none is set. */
static enum rc password_of(const struct sending *s, struct reader *r, const struct types *t, struct arena *a,
			   str *out, struct err *err)
{
	struct addressee who;
	*out = STR("");
	if (s->what->who.record.n == 0)
		return RC_OK;
	enum rc rc = told_addressee(reader_conn(r), t, s->what->who.record, a, &who, err);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? RC_OK : rc;
	const struct meaning *m = type_meaning(who.type, STR("organisation.file-password"));
	if (m && m->field)
		*out = arena_str(a, json_get_str(who.body, m->field->name));
	json_free(who.body);
	return RC_OK;
}

static enum rc put_files(struct digesting *d, str password, struct err *err)
{
	struct digest_files *o = d->out;
	o->parts = ARENA_ARRAY(d->a, d->report_count + 1, struct letter_part);
	o->parts[o->count++] = (struct letter_part){ STR("text/csv; charset=utf-8"), STR("events.csv"),
						     arena_str(d->a, buf_str(&d->csv)) };
	for (size_t i = 0; i < d->report_count; i++)
		o->parts[o->count++] = d->reports[i];
	if (password.n == 0)
		return RC_OK;
	str bytes;
	enum rc rc = sealed_zip(o->parts, o->count, password, d->a, &bytes, err);
	if (rc == RC_OK) {
		o->parts[0] = (struct letter_part){ STR("application/zip"), STR("events.zip"), bytes };
		o->count = 1;
		o->sealed = true;
	}
	return rc;
}

static size_t most(const struct sending *s, const char *setting, size_t cap)
{
	int64_t n = settings_int(s->n->w.settings, setting);
	return n < 0 ? 0 : (size_t)n > cap ? cap : (size_t)n;
}

enum rc digest_of(const struct sending *s, struct reader *r, const struct types *t, str from, struct arena *a,
		  struct digest_files *out, struct err *err)
{
	struct json_object *covers = json_get(s->what->data, "covers");
	struct digesting d = { .s = s, .us = { store_node_name(s->n->w.store), from, store_node_id(s->n->w.store) },
			       .findings = json_count(covers), .csv = BUF_INIT(LETTER_BYTES_MAX),
			       .line = BUF_INIT(EVENT_MAX), .event = BUF_INIT(EVENT_MAX), .report = BUF_INIT(2 * EVENT_MAX),
			       .events_max = most(s, "mail_events_max", SIZE_MAX),
			       .xarf_max = most(s, "mail_xarf_max", XARF_MOST),
			       .bytes_max = most(s, "mail_attach_max", LETTER_BYTES_MAX / 2), .a = a, .out = out };
	str *ids = ARENA_ARRAY(a, d.findings + 1, str), password = STR("");
	*out = (struct digest_files){ .count = 0 };
	d.seen = ARENA_ARRAY(a, d.findings + 1, bool);
	d.reports = ARENA_ARRAY(a, XARF_MOST, struct letter_part);
	for (size_t i = 0; i < d.findings; i++)
		ids[i] = arena_fmt(a, "finding--" STR_FMT, STR_ARG(json_get_str(json_at(covers, i), "id")));
	put_names(&d.csv);
	enum rc rc = d.findings == 0 || d.events_max == 0 ? RC_OK :
		     told_events(r, t, &s->what->who.to, ids, d.findings, EVENTS_OF_ONE, a, take, &d, err);
	if (rc == RC_OK && class_is_live(class_of_template(s->m->template)))
		rc = password_of(s, r, t, a, &password, err);
	if (rc == RC_OK && out->events > 0)
		rc = put_files(&d, password, err);
	out->left = d.findings - out->findings;
	buf_free(&d.csv);
	buf_free(&d.line);
	buf_free(&d.event);
	buf_free(&d.report);
	return rc;
}

/* --- for a page --- */

struct tabling {
	struct buf *out, line;
	uint64_t events;
	bool cut;
};

static bool put_row(void *ctx, const struct event_view *e, size_t place)
{
	struct tabling *k = ctx;
	(void)place;
	put_line(&k->line, e);
	k->cut = k->cut || k->line.over || k->out->n + k->line.n > k->out->cap;
	if (k->cut)
		return false;
	buf_add(k->out, buf_str(&k->line));
	k->events++;
	return true;
}

enum rc digest_table(const struct rendering *what, str template, struct reader *r, const struct types *t,
		     const str *findings, size_t count, struct arena *a, struct buf *out, uint64_t *events_out,
		     bool *cut_out, struct err *err)
{
	struct tabling k = { .out = out, .line = BUF_INIT(EVENT_MAX) };
	enum rc rc = RC_OK;
	if (class_is_live(class_of_template(template)))
		return fail(err, RC_DENIED, "events of this kind go in a zip with a password: ask us");
	put_names(out);
	for (size_t at = 0; rc == RC_OK && !k.cut && at < count; at += TOLD_EVENTS_FINDINGS_MAX) {
		size_t n = count - at < TOLD_EVENTS_FINDINGS_MAX ? count - at : TOLD_EVENTS_FINDINGS_MAX;
		rc = told_events(r, t, &what->who.to, findings + at, n, EVENTS_OF_ONE, a, put_row, &k, err);
	}
	*events_out = k.events;
	*cut_out = k.cut;
	buf_free(&k.line);
	return rc;
}

struct listing {
	struct json_out *j;
	size_t most, count;
	bool more;
};

static bool put_shown(void *ctx, const struct event_view *e, size_t place)
{
	static const char *const shown[] = { "time.source", "source.ip", "source.port", "destination.ip", "destination.port",
					     "protocol.transport", "classification.identifier", "malware.name" };
	struct listing *k = ctx;
	struct buf value = BUF_INIT(VALUE_MAX);
	(void)place;
	k->more = k->count == k->most;
	if (k->more)
		return false;
	k->count++;
	json_open(k->j, '{');
	for (size_t i = 0; i < COUNT_OF(shown); i++) {
		buf_reset(&value);
		if (is_column(shown[i]) && event_view_value(e, str_of(shown[i]), &value) && value.n > 0)
			json_put_str(k->j, shown[i], buf_str(&value));
	}
	json_close(k->j, '}');
	buf_free(&value);
	return true;
}

enum rc digest_list(const struct rendering *what, str template, struct reader *r, const struct types *t,
		    const str *findings, size_t count, size_t most, struct arena *a, struct json_out *j, bool *more_out,
		    struct err *err)
{
	struct listing k = { .j = j, .most = most };
	if (class_is_live(class_of_template(template)))
		return fail(err, RC_DENIED, "events of this kind go in a zip with a password: ask us");
	size_t n = count < most ? count : most; /* each has one at least */
	enum rc rc = told_events(r, t, &what->who.to, findings, n, most, a, put_shown, &k, err);
	*more_out = k.more || count > n;
	return rc;
}
