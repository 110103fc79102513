/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/misp_event.h"

enum { LINE_MAX = 64 << 10, LINE_FIELDS = 40, TEXT_MOST = 2000, TAGS_MOST = 200 };

struct line_field { str name, value; };
struct line { /* one event being made */
	struct line_field list[LINE_FIELDS];
	size_t count;
	str uuid;      /* of attribute or object */
	int64_t seen_us, stamp;
	enum tlp tlp;
	bool has_tlp, ids, any;
};
struct reading {
	const struct misp_marking *mark;
	struct arena *a;
	misp_line give;
	void *ctx;
	struct misp_heard *out;
	str uuid_text, type, date;
	bool has_tlp;      /* the event is tagged */
	enum tlp least;    /* of tag and distribution */
	size_t attributes, deleted_room;
	struct buf text;
	bool stopped;
	bool giving;       /* the first pass only counts, so that nothing is given of what is refused */
};

/* --- tags --- */

bool misp_tags_tlp(struct json_object *tags, enum tlp *out)
{
	bool any = false;
	for (size_t i = 0; i < json_count(tags) && i < TAGS_MOST; i++) {
		str name = str_trim(json_get_str(json_at(tags, i), "name"));
		enum tlp t = TLP_RED;
		if (!str_starts_nocase(name, STR("tlp:")))
			continue;
		if (!tlp_parse(name, &t))
			t = TLP_RED;
		*out = any && *out > t ? *out : t;
		any = true;
	}
	/* more tags than anybody reads: one of them may be a marking */
	if (json_count(tags) > TAGS_MOST) {
		*out = TLP_RED;
		any = true;
	}
	return any;
}

/* rsit:malicious-code="infected-system" */
static str tags_type(struct json_object *tags)
{
	for (size_t i = 0; i < json_count(tags) && i < TAGS_MOST; i++) {
		str name = json_get_str(json_at(tags, i), "name");
		if (!str_starts_nocase(name, STR("rsit:")))
			continue;
		(void)str_cut(&name, '"');
		str type = type_canonical(str_cut(&name, '"'));
		if (type.n > 0)
			return type;
	}
	return STR_NONE;
}

/* --- what an attribute says --- */

/* Values may be text, numbers or flags: MISP writes all as text, others do not. */
static str text_of(struct reading *r, struct json_object *o, const char *key)
{
	int64_t number;
	str s = json_get_str(o, key);
	if (s.p)
		return s;
	return json_get_i64(o, key, &number) ? arena_fmt(r->a, "%lld", (long long)number) : STR_NONE;
}

static int64_t number_of(struct reading *r, struct json_object *o, const char *key)
{
	int64_t v = 0;
	str s = text_of(r, o, key);
	return s.p && str_to_i64(s, &v) && v > 0 && v < INT64_MAX / SECOND_US ? v : 0;
}

static bool flag_of(struct json_object *o, const char *key)
{
	bool v = false;
	int64_t n = 0;
	str s = json_get_str(o, key);
	return (json_get_bool(o, key, &v) && v) || (json_get_i64(o, key, &n) && n != 0) || str_eq(s, STR("1")) ||
	       str_eq(s, STR("true"));
}

static bool has_field(const struct line *l, str name)
{
	for (size_t i = 0; i < l->count; i++)
		if (str_eq(l->list[i].name, name))
			return true;
	return false;
}

/* False: the line has one of that name, with another value. */
static bool set(struct line *l, str name, str value)
{
	for (size_t i = 0; i < l->count; i++)
		if (str_eq(l->list[i].name, name))
			return str_eq(l->list[i].value, value);
	if (l->count < LINE_FIELDS && value.n > 0)
		l->list[l->count++] = (struct line_field){ name, str_head(value, TEXT_MOST) };
	return true;
}

/* Types of MISP, what their parts are; NULL: nothing of ours. In objects "dst" is the destination when there is
 * a source too, alone it is what is bad: our source. */
static const struct { const char *type, *first, *second; } types[] = {
	{ "ip-src", "source.ip", NULL }, { "ip-dst", "source.ip", NULL },
	{ "ip-src|port", "source.ip", "source.port" }, { "ip-dst|port", "source.ip", "source.port" },
	{ "domain", "source.fqdn", NULL }, { "hostname", "source.fqdn", NULL },
	{ "domain|ip", "source.fqdn", "source.ip" }, { "hostname|port", "source.fqdn", "source.port" },
	{ "url", "source.url", NULL }, { "AS", "source.asn", NULL },
	{ "md5", "malware.hash.md5", NULL }, { "sha1", "malware.hash.sha1", NULL },
	{ "sha256", "malware.hash.sha256", NULL }, { "filename|md5", NULL, "malware.hash.md5" },
	{ "filename|sha1", NULL, "malware.hash.sha1" }, { "filename|sha256", NULL, "malware.hash.sha256" },
	{ "malware-sample", NULL, "malware.hash.md5" }, { "malware-type", "malware.name", NULL },
	{ "vulnerability", "product.vulnerabilities", NULL },
};

/* Relations of objects that say more than the type: of the templates ip-port, network-connection, url, domain-ip. */
static const struct { const char *relation, *field; } relations[] = {
	{ "ip-dst", "destination.ip" }, { "dst-port", "destination.port" }, { "src-port", "source.port" },
	{ "ip-src", "source.ip" }, { "protocol", "protocol.transport" }, { "layer4-protocol", "protocol.transport" },
	{ "layer7-protocol", "protocol.application" }, { "country-code", "source.geolocation.cc" },
	{ "text", "event_description.text" },
};

static str field_of_relation(str relation, bool has_source)
{
	enum field f;
	if (field_find(relation, &f)) /* the template intelmq_event, ours and IntelMQ's own */
		return field_row(f)->class == FIELD_OURS || f == FIELD_RAW || f == FIELD_TLP ? STR_NONE : relation;
	for (size_t i = 0; i < COUNT_OF(relations); i++)
		if (str_eq(relation, str_of(relations[i].relation)))
			return !has_source && str_eq(relation, STR("ip-dst"))	? STR("source.ip") :
			       !has_source && str_eq(relation, STR("dst-port")) ? STR("source.port") :
										   str_of(relations[i].field);
	return STR_NONE;
}

enum said { SAID_NOTHING, SAID, SAID_ANOTHER };

/* Into the line; SAID_ANOTHER: it has such a field already, so this is a line of its own. */
static enum said say(struct line *l, str type, str value, str field)
{
	if (field.n > 0)
		return set(l, field, value) ? SAID : SAID_ANOTHER;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (!str_eq(type, str_of(types[i].type)))
			continue;
		str rest = value, first = types[i].second ? str_cut(&rest, '|') : value;
		if (types[i].first && has_field(l, str_of(types[i].first)) && !set(l, str_of(types[i].first), first))
			return SAID_ANOTHER;
		if (types[i].first)
			(void)set(l, str_of(types[i].first), first);
		if (types[i].second)
			(void)set(l, str_of(types[i].second), rest);
		return SAID;
	}
	return SAID_NOTHING;
}

/* --- a line --- */

static void put_class(struct reading *r, struct line *l)
{
	static const char *const hosts[] = { "source.ip", "source.fqdn", "source.url", "source.asn" };
	bool host = false;
	if (has_field(l, STR("classification.type")))
		return;
	for (size_t i = 0; i < COUNT_OF(hosts); i++)
		host = host || has_field(l, str_of(hosts[i]));
	/* without a word of the taxonomy all that is known is that somebody blocks it, or what kind of thing it is */
	(void)set(l, STR("classification.type"), r->type.n > 0 ? r->type : !host ? STR("malware") :
						 l->ids		 ? STR("blacklist") : STR("undetermined"));
}

static void give_line(struct reading *r, struct line *l)
{
	char at[40];
	enum tlp tlp = r->least;
	if (!l->any || l->count == 0 || r->stopped)
		return;
	r->out->events++;
	if (!r->giving)
		return;
	put_class(r, l);
	if (l->has_tlp && l->tlp > tlp)
		tlp = l->tlp;
	if (!l->has_tlp && !r->has_tlp && r->mark->missing > tlp)
		tlp = r->mark->missing;
	if (!has_field(l, STR("event_description.text")))
		(void)set(l, STR("event_description.text"), r->out->info);
	int64_t seen_us = l->seen_us ? l->seen_us : l->stamp * SECOND_US;
	buf_reset(&r->text);
	struct json_out j = json_out(&r->text);
	json_open(&j, '{');
	for (size_t i = 0; i < l->count; i++)
		if (!str_eq(l->list[i].name, STR("time.source")))
			json_put_str(&j, arena_z(r->a, l->list[i].name), l->list[i].value);
	json_put_str(&j, "time.source", seen_us ? time_str(at, seen_us) : r->date);
	json_put_str(&j, "tlp", str_of(tlp_name(tlp)));
	json_put_str(&j, "misp.event_uuid", r->uuid_text);
	if (l->uuid.n > 0) {
		json_put_str(&j, "misp.attribute_uuid", l->uuid);
		json_put_str(&j, "extra.origin_event", l->uuid);
	}
	json_close(&j, '}');
	if (r->text.over) { /* longer than a line may be: it is counted, not given */
		r->out->events--;
		r->out->left_out++;
		return;
	}
	r->stopped = !r->give(r->ctx, buf_str(&r->text));
}

/* What attributes and objects have alike. */
static void say_head(struct reading *r, struct line *l, struct json_object *o)
{
	struct uuid u;
	enum tlp t = TLP_RED;
	int64_t us, stamp = number_of(r, o, "timestamp");
	str uuid = json_get_str(o, "uuid"), seen = json_get_str(o, "first_seen");
	if (l->uuid.n == 0 && uuid_parse(uuid, &u))
		l->uuid = uuid;
	if (!l->seen_us && seen.n > 0 && time_parse(seen, true, &us))
		l->seen_us = us;
	if (!l->stamp)
		l->stamp = stamp;
	if (misp_tags_tlp(json_get(o, "Tag"), &t)) {
		l->tlp = l->has_tlp && l->tlp > t ? l->tlp : t;
		l->has_tlp = true;
	}
	l->ids = l->ids || flag_of(o, "to_ids");
}

/* The second pass notes which: then their number is known. */
static void note_deleted(struct reading *r, struct json_object *o)
{
	struct uuid u;
	str uuid = json_get_str(o, "uuid");
	if (r->giving && uuid_parse(uuid, &u) && r->out->deleted_id_count < r->deleted_room)
		r->out->deleted_ids[r->out->deleted_id_count++] = arena_str(r->a, uuid);
}

static bool counts(struct reading *r, struct json_object *o)
{
	r->attributes++;
	if (!flag_of(o, "deleted"))
		return true;
	r->out->deleted++;
	note_deleted(r, o);
	return false;
}

static void read_attribute(struct reading *r, struct json_object *o)
{
	struct line l = { .any = true };
	if (!counts(r, o))
		return;
	say_head(r, &l, o);
	if (say(&l, json_get_str(o, "type"), text_of(r, o, "value"), STR_NONE) == SAID_NOTHING) {
		r->out->left_out++;
		return;
	}
	str type = tags_type(json_get(o, "Tag"));
	if (type.n > 0)
		(void)set(&l, STR("classification.type"), type);
	if (json_get_str(o, "comment").n > 0)
		(void)set(&l, STR("comment"), json_get_str(o, "comment"));
	give_line(r, &l);
}

static bool has_source(struct json_object *list)
{
	for (size_t i = 0; i < json_count(list); i++) {
		str relation = json_get_str(json_at(list, i), "object_relation");
		if (str_eq(relation, STR("ip-src")) || str_eq(relation, STR("source.ip")) || str_eq(relation, STR("src-port")))
			return true;
	}
	return false;
}

static void read_object(struct reading *r, struct json_object *o)
{
	struct json_object *list = json_get(o, "Attribute");
	struct line l = { .any = false };
	bool sourced = has_source(list);
	if (flag_of(o, "deleted")) {
		r->out->deleted++;
		r->attributes += json_count(list) + 1;
		note_deleted(r, o);
		for (size_t i = 0; i < json_count(list); i++)
			note_deleted(r, json_at(list, i));
		return;
	}
	say_head(r, &l, o);
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *at = json_at(list, i);
		str type = json_get_str(at, "type"), value = text_of(r, at, "value");
		str field = field_of_relation(json_get_str(at, "object_relation"), sourced);
		if (!counts(r, at))
			continue;
		struct line own = { .any = true };
		switch (say(&l, type, value, field)) {
		case SAID:
			say_head(r, &l, at);
			l.any = true;
			break;
		case SAID_ANOTHER: /* a second address: an event of its own */
			say_head(r, &own, at);
			own.seen_us = own.seen_us ? own.seen_us : l.seen_us;
			if (say(&own, type, value, field) == SAID)
				give_line(r, &own);
			break;
		case SAID_NOTHING:
			r->out->left_out++;
			break;
		}
	}
	if (l.count > 0)
		give_line(r, &l);
}

/* --- the event --- */

static void read_all(struct reading *r, struct json_object *event)
{
	struct json_object *attributes = json_get(event, "Attribute"), *objects = json_get(event, "Object");
	r->out->events = r->out->left_out = r->out->deleted = r->attributes = 0;
	for (size_t i = 0; i < json_count(attributes) && r->attributes <= MISP_ATTRIBUTES_MAX; i++)
		read_attribute(r, json_at(attributes, i));
	for (size_t i = 0; i < json_count(objects) && r->attributes <= MISP_ATTRIBUTES_MAX; i++)
		read_object(r, json_at(objects, i));
}

/* Distribution of MISP: 0 this organisation only, 1 this community, 2 connected communities, 3 all, 4 a
 * sharing group, 5 as the event. Levels only ever make it stricter. */
static enum tlp by_distribution(struct reading *r, struct json_object *event)
{
	static const enum tlp least[] = { TLP_AMBER_STRICT, TLP_AMBER, TLP_GREEN, TLP_CLEAR, TLP_AMBER_STRICT };
	int64_t n = -1;
	str text = text_of(r, event, "distribution");
	if (!text.p)
		return TLP_CLEAR;
	return str_to_i64(text, &n) && n >= 0 && n < (int64_t)COUNT_OF(least) ? least[n] : TLP_RED;
}

/* {"response":[{"Event":…}]}, {"response":{"Event":…}}, {"Event":…}, or the event. */
static struct json_object *unwrap(struct json_object *o)
{
	struct json_object *in = json_get(o, "response");
	if (in)
		o = json_count(in) > 0 ? json_at(in, 0) : in;
	in = json_get(o, "Event");
	return in ? in : o;
}

enum rc misp_read_event(struct json_object *o, const struct misp_marking *mark, struct arena *a, misp_line give,
			void *ctx, struct misp_heard *out, struct err *err)
{
	struct reading r = { .mark = mark, .a = a, .give = give, .ctx = ctx, .out = out, .text = BUF_INIT(LINE_MAX) };
	struct json_object *event = unwrap(o), *org = json_get(event, "Orgc");
	*out = (struct misp_heard){ .tlp = TLP_RED };
	r.uuid_text = json_get_str(event, "uuid");
	if (!uuid_parse(r.uuid_text, &out->uuid))
		return fail(err, RC_INPUT, "a MISP event has no uuid");
	out->stamp = number_of(&r, event, "timestamp");
	out->info = arena_str(a, str_head(json_get_str(event, "info"), TEXT_MOST));
	out->org = arena_str(a, str_head(json_get_str(org, "name"), 255));
	r.date = json_get_str(event, "date");
	int64_t us;
	if (!time_parse(r.date, true, &us))
		return fail(err, RC_INPUT, "MISP event '" STR_FMT "' has no date", STR_ARG(r.uuid_text));
	r.type = tags_type(json_get(event, "Tag"));
	r.least = TLP_CLEAR;
	r.has_tlp = misp_tags_tlp(json_get(event, "Tag"), &r.least);
	if (!r.has_tlp)
		r.least = TLP_CLEAR;
	enum tlp by = mark->by_distribution ? by_distribution(&r, event) : TLP_CLEAR;
	r.least = by > r.least ? by : r.least;
	out->tlp = !r.has_tlp && mark->missing > r.least ? mark->missing : r.least;
	read_all(&r, event);
	enum rc rc = RC_OK;
	if (r.attributes > MISP_ATTRIBUTES_MAX)
		rc = fail(err, RC_LIMIT, "MISP event '" STR_FMT "' has more than %d attributes", STR_ARG(r.uuid_text),
			  MISP_ATTRIBUTES_MAX);
	if (rc == RC_OK) {
		r.giving = true;
		r.deleted_room = out->deleted > 0 ? r.attributes : 0; /* objects count as one more */
		out->deleted_ids = ARENA_ARRAY(a, r.deleted_room + 1, str);
		read_all(&r, event);
		if (r.stopped)
			rc = fail(err, RC_CONFLICT, "nobody takes it any more");
	}
	buf_free(&r.text);
	return rc;
}
