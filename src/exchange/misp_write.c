/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/misp_event.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/hash.h"
#include "stix/stix_id.h"

/* Of the template, as misp-objects has it. */
#define TEMPLATE "intelmq_event"
#define TEMPLATE_UUID "491ac7d2-25a1-4078-8246-b04a132d003d"
#define TEMPLATE_VERSION "1"

enum use { TEXT, VALUE, IDS };
static const struct misp_field {
	const char *field, *type, *category;
	enum use use;
} fields[] = {
#define MISP_FIELD(field, type, category, use) { field, type, category, use },
#include "exchange/misp_fields.def"
#undef MISP_FIELD
};

/* Classes that accuse the source itself, so that a machine may act on it. */
static const char *const accusing[] = { "c2-server", "phishing", "malware-distribution", "malware-configuration",
					"dga-domain", "scanner", "brute-force", "exploit", "blacklist" };

struct seen {
	struct uuid uuid;
	struct hash128 same;       /* of all its values */
	str values[COUNT_OF(fields)]; /* p == NULL: it has none */
	int64_t first_us, last_us, received_us;
	uint64_t count;
};
struct misp_writer {
	struct misp_maker m;
	struct misp_group g;
	struct arena *a;
	struct seen **list;
	size_t count, room;
	uint32_t *table;           /* place in the list + 1, by `same` */
	size_t table_room;
	struct uuid *withdrawn;
	size_t withdrawn_count, withdrawn_room;
	bool accuses;
};

/* --- ids --- */

void misp_maker_of(str node_id, str node_name, struct misp_maker *out)
{
	/* a name space of our own: version 5 of "ronda MISP" under RFC 4122's name space of URLs */
	static const struct uuid urls = { { 0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0,
					    0x4f, 0xd4, 0x30, 0xc8 } };
	const struct uuid ours = uuid_version5(&urls, STR("ronda MISP"));
	struct uuid node;
	*out = (struct misp_maker){ .space = uuid_version5(&ours, node_id) };
	out->org = uuid_parse(node_id, &node) ? node : uuid_version5(&out->space, STR("organisation"));
	if (node_name.n >= sizeof(out->name))
		node_name.n = sizeof(out->name) - 1;
	(void)str_to_z(node_name, out->name, sizeof(out->name));
}

struct uuid misp_group_uuid(const struct misp_maker *m, const struct misp_group *g)
{
	char name[512];
	snprintf(name, sizeof(name), "group %d " STR_FMT " %s %u " STR_FMT, (int)g->day, STR_ARG(str_head(g->type, 100)),
		 tlp_name(g->tlp), (unsigned)g->part, STR_ARG(str_head(g->to, 100)));
	return uuid_version5(&m->space, str_of(name));
}

static struct uuid event_uuid(const struct misp_writer *w, str event_id)
{
	char name[256];
	snprintf(name, sizeof(name), "event " STR_FMT " " STR_FMT, STR_ARG(str_head(event_id, 60)),
		 STR_ARG(str_head(w->g.to, 100)));
	return uuid_version5(&w->m.space, str_of(name));
}

/* --- what is said of a group --- */

static void put_uuid(struct json_out *j, const char *key, const struct uuid *u)
{
	struct buf text = BUF_INIT(UUID_TEXT_BYTES + 1);
	uuid_format(&text, u);
	json_put_str(j, key, buf_str(&text));
	buf_free(&text);
}

/* MISP's JSON has its numbers as text. */
static void put_number(struct json_out *j, const char *key, int64_t v)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)v);
	json_put_str(j, key, str_of(text));
}

static void put_tag(struct json_out *j, const char *name, const char *colour)
{
	json_open(j, '{');
	json_put_str(j, "name", str_of(name));
	json_put_str(j, "colour", str_of(colour));
	json_close(j, '}');
}

static void put_tags(const struct misp_group *g, struct json_out *j)
{
	static const struct { const char *name, *colour; } tlp[TLP_COUNT] = {
		{ "tlp:clear", "#ffffff" }, { "tlp:green", "#33ff00" }, { "tlp:amber", "#ffc000" },
		{ "tlp:amber+strict", "#ffc000" }, { "tlp:red", "#ff2b2b" },
	};
	char rsit[256];
	str taxonomy = type_taxonomy(g->type);
	json_key(j, STR("Tag"));
	json_open(j, '[');
	put_tag(j, tlp[g->tlp].name, tlp[g->tlp].colour);
	if (taxonomy.n > 0) {
		snprintf(rsit, sizeof(rsit), "rsit:" STR_FMT "=\"" STR_FMT "\"", STR_ARG(taxonomy), STR_ARG(g->type));
		put_tag(j, rsit, "#0a78e6");
	}
	json_close(j, ']');
}

/* What manifest and event say alike. */
static void put_head(const struct misp_maker *m, const struct misp_group *g, struct json_out *j)
{
	char info[400], day[16], part[24] = "";
	if (g->part > 1)
		snprintf(part, sizeof(part), ", part %u", (unsigned)g->part);
	str date = time_day_str(day, g->day * DAY_US);
	snprintf(info, sizeof(info), STR_FMT " " STR_FMT " TLP:%s%s (%s)", STR_ARG(str_head(g->type, 100)),
		 STR_ARG(date), tlp_name(g->tlp), part, m->name[0] ? m->name : "ronda");
	json_put_str(j, "info", str_of(info));
	json_put_str(j, "date", date);
	json_put_str(j, "analysis", STR("2"));        /* completed */
	json_put_str(j, "threat_level_id", STR("4")); /* undefined: nobody has judged the day as a whole */
	put_number(j, "timestamp", g->stamp);
	json_key(j, STR("Orgc"));
	json_open(j, '{');
	put_uuid(j, "uuid", &m->org);
	json_put_str(j, "name", str_of(m->name[0] ? m->name : "ronda"));
	json_close(j, '}');
	put_tags(g, j);
}

void misp_manifest_put(const struct misp_maker *m, const struct misp_group *g, struct json_out *j)
{
	struct buf key = BUF_INIT(UUID_TEXT_BYTES + 1);
	const struct uuid u = misp_group_uuid(m, g);
	uuid_format(&key, &u);
	json_key(j, buf_str(&key));
	json_open(j, '{');
	put_head(m, g, j);
	json_close(j, '}');
	buf_free(&key);
}

/* --- collecting --- */

struct misp_writer *misp_writer_new(const struct misp_maker *m, const struct misp_group *g)
{
	struct misp_writer *w = x_alloc(sizeof(*w));
	w->m = *m;
	w->g = *g;
	w->a = arena_new(KIB(64));
	w->g.type = arena_str(w->a, g->type);
	w->g.to = arena_str(w->a, g->to);
	for (size_t i = 0; i < COUNT_OF(accusing); i++)
		w->accuses = w->accuses || str_eq(g->type, str_of(accusing[i]));
	return w;
}

void misp_writer_free(struct misp_writer *w)
{
	if (!w)
		return;
	arena_free(w->a);
	free(w->list);
	free(w->table);
	free(w->withdrawn);
	free(w);
}

size_t misp_writer_objects(const struct misp_writer *w)
{
	return w->count;
}

/* Where an object with this content is in the table, or would be. */
static size_t place_of(const struct misp_writer *w, struct hash128 same)
{
	size_t at = same.lo & (w->table_room - 1);
	while (w->table[at] && (w->list[w->table[at] - 1]->same.lo != same.lo || w->list[w->table[at] - 1]->same.hi != same.hi))
		at = (at + 1) & (w->table_room - 1);
	return at;
}

static void make_room(struct misp_writer *w)
{
	if (w->count == w->room) {
		w->room = w->room ? 2 * w->room : 64;
		w->list = x_grow(w->list, w->room, sizeof(struct seen *));
	}
	if (2 * (w->count + 1) < w->table_room)
		return;
	free(w->table);
	w->table_room = w->table_room ? 2 * w->table_room : 256;
	w->table = x_array(w->table_room, sizeof(*w->table));
	for (size_t i = 0; i < w->count; i++)
		w->table[place_of(w, w->list[i]->same)] = (uint32_t)i + 1;
}

/* A value as text, in the arena: numbers and flags as JSON writes them. */
static str value_of(struct misp_writer *w, const struct misp_field *f, struct json_object *event)
{
	str text = json_get_str(event, f->field);
	int64_t number;
	bool flag;
	if (text.p)
		return text.n > 0 ? arena_str(w->a, text) : STR_NONE;
	if (json_get_i64(event, f->field, &number))
		return strcmp(f->type, "AS") == 0 ? arena_fmt(w->a, "AS%lld", (long long)number) :
						    arena_fmt(w->a, "%lld", (long long)number);
	if (json_get_bool(event, f->field, &flag))
		return flag ? STR("1") : STR("0");
	return STR_NONE;
}

enum rc misp_add(struct misp_writer *w, struct json_object *event, int64_t received_us, struct err *err)
{
	static const struct key none = { { 0 } };
	struct seen one = { .received_us = received_us, .count = 1 };
	struct buf all = BUF_INIT(MIB(4));
	str id = json_get_str(event, "id");
	if (id.n == 0 || !time_parse(json_get_str(event, "time.source"), true, &one.first_us))
		return fail(err, RC_INPUT, "an event without id or time");
	one.last_us = one.first_us;
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		one.values[i] = value_of(w, &fields[i], event);
		buf_varint(&all, one.values[i].n);
		buf_add(&all, one.values[i]);
	}
	one.same = keyed_hash128(&none, "misp same", buf_str(&all));
	buf_free(&all);
	if (w->table_room > 0) {
		size_t at = place_of(w, one.same);
		if (w->table[at]) { /* seen before */
			struct seen *old = w->list[w->table[at] - 1];
			old->first_us = one.first_us < old->first_us ? one.first_us : old->first_us;
			old->last_us = one.last_us > old->last_us ? one.last_us : old->last_us;
			old->received_us = received_us > old->received_us ? received_us : old->received_us;
			old->count++;
			return RC_OK;
		}
	}
	if (w->count == MISP_OBJECTS_MAX)
		return fail(err, RC_LIMIT, "more than %d different events in one MISP event", MISP_OBJECTS_MAX);
	make_room(w);
	one.uuid = event_uuid(w, id);
	struct seen *kept = ARENA_NEW(w->a, struct seen);
	*kept = one;
	w->list[w->count++] = kept;
	w->table[place_of(w, one.same)] = (uint32_t)w->count;
	return RC_OK;
}

void misp_add_withdrawn(struct misp_writer *w, str event_id)
{
	if (w->withdrawn_count == w->withdrawn_room) {
		w->withdrawn_room = w->withdrawn_room ? 2 * w->withdrawn_room : 16;
		w->withdrawn = x_grow(w->withdrawn, w->withdrawn_room, sizeof(*w->withdrawn));
	}
	w->withdrawn[w->withdrawn_count++] = event_uuid(w, event_id);
}

/* --- the event --- */

/* "2026-11-22T02:45:29.000000+00:00" */
static void put_time(struct json_out *j, const char *key, int64_t us)
{
	char text[40], whole[48];
	str s = time_str(text, us);
	if (!str_has(s, '.')) {
		snprintf(whole, sizeof(whole), STR_FMT ".000000+00:00", STR_ARG(str_head(s, str_find(s, STR("+00:00")))));
		s = str_of(whole);
	}
	json_put_str(j, key, s);
}

static void put_attribute(const struct misp_writer *w, const struct seen *o, size_t field, struct json_out *j)
{
	const struct misp_field *f = &fields[field];
	const struct uuid u = uuid_version5(&o->uuid, str_of(f->field));
	json_open(j, '{');
	put_uuid(j, "uuid", &u);
	json_put_str(j, "object_relation", str_of(f->field));
	json_put_str(j, "type", str_of(f->type));
	json_put_str(j, "category", str_of(f->category));
	json_put_str(j, "value", o->values[field]);
	json_put_bool(j, "to_ids", f->use == IDS && w->accuses);
	json_put_bool(j, "disable_correlation", f->use == TEXT);
	json_put_bool(j, "deleted", false);
	json_put_str(j, "comment", STR(""));
	put_number(j, "timestamp", o->received_us / SECOND_US);
	json_close(j, '}');
}

static void put_object_head(const struct uuid *u, int64_t stamp, bool deleted, struct json_out *j)
{
	put_uuid(j, "uuid", u);
	json_put_str(j, "name", STR(TEMPLATE));
	json_put_str(j, "meta-category", STR("network"));
	json_put_str(j, "description", STR("IntelMQ Event"));
	json_put_str(j, "template_uuid", STR(TEMPLATE_UUID));
	json_put_str(j, "template_version", STR(TEMPLATE_VERSION));
	put_number(j, "timestamp", stamp);
	json_put_bool(j, "deleted", deleted);
}

static void put_object(const struct misp_writer *w, const struct seen *o, struct json_out *j)
{
	char comment[64] = "";
	json_open(j, '{');
	put_object_head(&o->uuid, o->received_us / SECOND_US, false, j);
	if (o->count > 1)
		snprintf(comment, sizeof(comment), "seen %llu times", (unsigned long long)o->count);
	json_put_str(j, "comment", str_of(comment));
	put_time(j, "first_seen", o->first_us);
	put_time(j, "last_seen", o->last_us);
	json_key(j, STR("Attribute"));
	json_open(j, '[');
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (o->values[i].p)
			put_attribute(w, o, i, j);
	json_close(j, ']');
	json_key(j, STR("ObjectReference"));
	json_open(j, '[');
	json_close(j, ']');
	json_close(j, '}');
}

static bool is_live(const struct misp_writer *w, const struct uuid *u)
{
	for (size_t i = 0; i < w->count; i++)
		if (uuid_equal(&w->list[i]->uuid, u))
			return true;
	return false;
}

static void put_withdrawn(const struct misp_writer *w, struct json_out *j)
{
	for (size_t i = 0; i < w->withdrawn_count; i++) {
		if (is_live(w, &w->withdrawn[i]))
			continue;
		json_open(j, '{');
		put_object_head(&w->withdrawn[i], w->g.stamp, true, j);
		json_put_str(j, "comment", STR("withdrawn"));
		json_key(j, STR("Attribute"));
		json_open(j, '[');
		json_close(j, ']');
		json_close(j, '}');
	}
}

/* A server that pulls drops an event in which nothing lives. */
static void put_nothing_left(const struct misp_writer *w, const struct uuid *event, struct json_out *j)
{
	const struct uuid u = uuid_version5(event, STR("nothing left"));
	json_open(j, '{');
	put_uuid(j, "uuid", &u);
	json_put_str(j, "type", STR("comment"));
	json_put_str(j, "category", STR("Other"));
	json_put_str(j, "value", STR("Nothing of this is left: what was here was withdrawn by who told it."));
	json_put_bool(j, "to_ids", false);
	json_put_bool(j, "disable_correlation", true);
	json_put_bool(j, "deleted", false);
	json_put_str(j, "comment", STR(""));
	put_number(j, "timestamp", w->g.stamp);
	json_close(j, '}');
}

enum rc misp_finish(struct misp_writer *w, struct buf *out, struct err *err)
{
	struct json_out j = json_out(out);
	const struct uuid u = misp_group_uuid(&w->m, &w->g);
	json_open(&j, '{');
	json_key(&j, STR("Event"));
	json_open(&j, '{');
	put_uuid(&j, "uuid", &u);
	put_head(&w->m, &w->g, &j);
	put_number(&j, "publish_timestamp", w->g.stamp);
	json_put_bool(&j, "published", true);
	json_put_str(&j, "extends_uuid", STR(""));
	if (w->g.distribution >= 0)
		put_number(&j, "distribution", w->g.distribution);
	json_key(&j, STR("Attribute"));
	json_open(&j, '[');
	if (w->count == 0)
		put_nothing_left(w, &u, &j);
	json_close(&j, ']');
	json_key(&j, STR("Object"));
	json_open(&j, '[');
	for (size_t i = 0; i < w->count; i++)
		put_object(w, w->list[i], &j);
	put_withdrawn(w, &j);
	json_close(&j, ']');
	json_key(&j, STR("EventReport"));
	json_open(&j, '[');
	json_close(&j, ']');
	json_close(&j, '}');
	json_close(&j, '}');
	return out->over ? fail(err, RC_LIMIT, "the MISP event is too large") : RC_OK;
}

/* MD5 names values in a feed's hashes.csv; it protects nothing. */
static enum rc put_md5(str value, struct buf *out, struct err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (EVP_Digest(value.p, value.n, sum, &n, EVP_md5(), NULL) != 1 || n != 16)
		return fail(err, RC_IO, "the library has no MD5, which hashes.csv is made of");
	hex_format(out, sum, n);
	return RC_OK;
}

enum rc misp_finish_hashes(struct misp_writer *w, struct buf *out, struct err *err)
{
	const struct uuid u = misp_group_uuid(&w->m, &w->g);
	for (size_t i = 0; i < w->count; i++)
		for (size_t f = 0; f < COUNT_OF(fields); f++) {
			if (!w->list[i]->values[f].p || fields[f].use == TEXT)
				continue;
			enum rc rc = put_md5(w->list[i]->values[f], out, err);
			if (rc != RC_OK)
				return rc;
			buf_char(out, ',');
			uuid_format(out, &u);
			buf_char(out, '\n');
		}
	return out->over ? fail(err, RC_LIMIT, "the list of digests is too large") : RC_OK;
}
