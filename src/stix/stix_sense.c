/* SPDX-License-Identifier: Apache-2.0 */
/* Events out of what others say: of an indicator what its pattern matches, of observed-data what was observed. */
#include <stdio.h>

#include "base/clock.h"
#include "base/ip.h"
#include "stix/stix_pattern.h"
#include "stix/stix_read_private.h"
#include "stix/stix_scan.h"

enum { SEEN_MOST = 64, NAME_MOST = 500, EVENT_MOST = 16 * 1024, VALUE_MOST = 4096 };

/* --- observables --- */

static str kept(struct arena *a, str s)
{
	return s.n > 0 && s.n <= VALUE_MOST ? arena_str(a, s) : STR_NONE;
}

static str whole_number(const struct json_pair *p, size_t count, const char *key, struct arena *a)
{
	const struct json_pair *n = pair_find(p, count, key);
	uint64_t v;
	return n && n->kind == JSON_NUMBER && str_to_u64(n->value, &v) && v <= UINT32_MAX ? kept(a, n->value) : STR_NONE;
}

static void read_hashes(const struct json_pair *p, size_t count, struct thing *t, struct arena *scratch, struct arena *a)
{
	const struct json_pair *hashes = pair_find(p, count, "hashes");
	struct json_pair *list;
	size_t many;
	if (!hashes || hashes->kind != JSON_NEST || json_flat(hashes->value, scratch, &list, &many, NULL) != RC_OK)
		return;
	const struct { const char *name; size_t digits; str *to; } by[] = {
		{ "MD5", 32, &t->md5 }, { "SHA-1", 40, &t->sha1 }, { "SHA-256", 64, &t->sha256 },
	};
	for (size_t i = 0; i < COUNT_OF(by); i++) {
		str v = pair_text(list, many, by[i].name);
		if (v.n == by[i].digits)
			*by[i].to = kept(a, v);
	}
	if (t->md5.n || t->sha1.n || t->sha256.n)
		t->kind = THING_FILE;
}

static void read_traffic(const struct json_pair *p, size_t count, struct thing *t, struct arena *a)
{
	static const char *const transports[] = { "tcp", "udp", "icmp", "icmp6", "sctp" };
	static const char *const below[] = { "ipv4", "ipv6", "ethernet" };
	const struct json_pair *protocols = pair_find(p, count, "protocols");
	struct scan_list l = scan_of(protocols && protocols->kind == JSON_NEST ? protocols->value : STR_NONE);
	str one;
	t->from = kept(a, pair_text(p, count, "src_ref"));
	t->to = kept(a, pair_text(p, count, "dst_ref"));
	t->from_port = whole_number(p, count, "src_port", a);
	t->to_port = whole_number(p, count, "dst_port", a);
	while (scan_element(&l, &one)) {
		bool transport = false, skip = false;
		one = scan_plain(one);
		for (size_t i = 0; i < COUNT_OF(transports); i++)
			transport = transport || str_eq_nocase(one, str_of(transports[i]));
		for (size_t i = 0; i < COUNT_OF(below); i++)
			skip = skip || str_eq_nocase(one, str_of(below[i]));
		str *to = transport ? &t->transport : &t->application;
		if (!skip && !to->p && one.n <= 100)
			*to = kept(a, one);
	}
	if (t->from.n || t->to.n)
		t->kind = THING_TRAFFIC;
}

struct thing thing_of(str type, const struct json_pair *p, size_t count, struct arena *scratch, struct arena *a)
{
	static const struct { const char *type, *member; enum thing_kind kind; } by[] = {
		{ "ipv4-addr", "value", THING_ADDRESS },  { "ipv6-addr", "value", THING_ADDRESS },
		{ "domain-name", "value", THING_NAME },	  { "url", "value", THING_URL },
		{ "email-addr", "value", THING_ACCOUNT }, { "user-account", "account_login", THING_ACCOUNT },
	};
	struct thing t = { .kind = THING_NONE };
	for (size_t i = 0; i < COUNT_OF(by); i++)
		if (str_eq(type, str_of(by[i].type)) && (t.value = kept(a, pair_text(p, count, by[i].member))).n > 0)
			t.kind = by[i].kind;
	if (str_eq(type, STR("autonomous-system")) && (t.value = whole_number(p, count, "number", a)).n > 0)
		t.kind = THING_ASN;
	if (str_eq(type, STR("file")))
		read_hashes(p, count, &t, scratch, a);
	if (str_eq(type, STR("network-traffic")))
		read_traffic(p, count, &t, a);
	return t;
}

/* --- one event --- */

struct sensing {
	struct envelope *e;
	struct stix_object *o;
	str class, time, words;
	const char *benign;      /* why nothing is made of it; NULL: events are */
	uint64_t times;          /* it was seen */
	str *events;
	size_t count, room;
};

/* Terms of an event, each once. */
struct terms {
	struct stix_term t[16];
	size_t count;
};

static bool has_field(const struct terms *t, const char *field)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->t[i].field, field) == 0)
			return true;
	return false;
}

static bool add(struct terms *t, const char *field, str value, bool number)
{
	if (value.n == 0)
		return true;
	if (t->count == COUNT_OF(t->t) || has_field(t, field))
		return false;
	t->t[t->count++] = (struct stix_term){ field, value, number };
	return true;
}

static const char *address_field(str value, bool source)
{
	return str_has(value, '/') ? source ? "source.network" : "destination.network" :
				     source ? "source.ip" : "destination.ip";
}

static void put_event(struct sensing *s, const struct terms *t)
{
	struct buf b = BUF_INIT(EVENT_MOST);
	struct json_out j = json_out(&b);
	if (s->e->events == STIX_ENVELOPE_MOST) {
		s->o->words = STR("more events than are read of one delivery");
		return;
	}
	json_open(&j, '{');
	json_put_str(&j, "time.source", s->time);
	json_put_str(&j, "classification.type", s->class);
	for (size_t i = 0; i < t->count; i++) {
		json_key(&j, str_of(t->t[i].field));
		if (t->t[i].number)
			json_raw(&j, t->t[i].value);
		else
			json_str(&j, t->t[i].value);
	}
	if (s->words.n > 0)
		json_put_str(&j, "event_description.text", s->words);
	if (s->times > 1)
		json_put_i64(&j, "extra.count", (int64_t)s->times);
	json_put_str(&j, "extra.stix_id", s->o->id);
	if (s->o->marked)
		json_put_str(&j, "tlp", str_of(tlp_name(s->o->tlp < TLP_COUNT ? s->o->tlp : TLP_RED)));
	json_close(&j, '}');
	if (b.over) {
		s->o->words = STR("what it says is longer than an event may be");
	} else {
		if (s->count == s->room) {
			str *wider = ARENA_ARRAY(s->e->a, s->room ? 2 * s->room : 4, str);
			if (s->count)
				memcpy(wider, s->events, s->count * sizeof *wider);
			s->events = wider;
			s->room = s->room ? 2 * s->room : 4;
		}
		s->events[s->count++] = arena_str(s->e->a, buf_str(&b));
		s->e->events++;
	}
	buf_free(&b);
}

/* --- indicators --- */

/* Words of the open vocabulary for what an indicator means. */
static const struct { const char *said, *class; } meanings[] = {
	{ "anonymization", "proxy" }, { "compromised", "system-compromise" }, { "unknown", "undetermined" },
};

static void find_class(struct sensing *s, const struct json_pair *p, size_t count, const char *otherwise)
{
	const struct json_pair *labels = pair_find(p, count, "labels"), *types = pair_find(p, count, "indicator_types");
	struct scan_list l = scan_of(labels && labels->kind == JSON_NEST ? labels->value : STR_NONE);
	str one;
	s->class = STR_NONE;
	while (scan_element(&l, &one)) {
		one = scan_plain(one);
		if (str_starts_nocase(one, STR("rsit:")) && !s->class.p)
			s->class = type_canonical(str_from(one, 5));
	}
	l = scan_of(types && types->kind == JSON_NEST ? types->value : STR_NONE);
	while (scan_element(&l, &one)) {
		one = scan_plain(one);
		if (str_eq(one, STR("benign")))
			s->benign = "it says that this is benign";
		for (size_t i = 0; i < COUNT_OF(meanings) && !s->class.p; i++)
			if (str_eq(one, str_of(meanings[i].said)))
				s->class = str_of(meanings[i].class);
	}
	if (!s->class.p)
		s->class = str_of(otherwise);
}

/* Traffic to somewhere, and nothing of whence: the far end is what is bad, and that an event calls its source. */
static const char *as_source(const char *field)
{
	static const struct { const char *from, *to; } by[] = {
		{ "destination.ip", "source.ip" }, { "destination.network", "source.network" }, { "destination.port", "source.port" },
	};
	for (size_t i = 0; i < COUNT_OF(by); i++)
		if (strcmp(field, by[i].from) == 0)
			return by[i].to;
	return field;
}

static void put_match(struct sensing *s, const struct stix_match *m)
{
	struct terms t = { .count = 0 };
	bool source = false;
	for (size_t i = 0; i < m->count; i++)
		source = source || str_starts(str_of(m->terms[i].field), STR("source."));
	for (size_t i = 0; i < m->count; i++)
		(void)add(&t, source ? m->terms[i].field : as_source(m->terms[i].field), m->terms[i].value, m->terms[i].number);
	put_event(s, &t);
}

static void sense_indicator(struct sensing *s, const struct json_pair *p, size_t count)
{
	str type = pair_text(p, count, "pattern_type"), pattern = pair_text(p, count, "pattern");
	struct stix_match *m;
	size_t matches;
	bool whole;
	struct err err;
	s->time = pair_text(p, count, "valid_from");
	s->words = str_head(pair_text(p, count, "name"), NAME_MOST);
	while (s->words.n > 0 && !str_is_utf8(s->words)) /* cut within a character */
		s->words.n--;
	find_class(s, p, count, "blacklist");
	if (s->benign) {
		s->o->words = str_of(s->benign);
	} else if (type.n > 0 && !str_eq(type, STR("stix"))) {
		s->o->words = STR("patterns of its type are not matched here");
	} else if (stix_pattern_read(pattern, s->e->scratch, &m, &matches, &whole, &err) != RC_OK) {
		s->o->words = arena_str(s->e->a, str_of(err.text));
	} else {
		if (!whole)
			s->o->words = STR("part of its pattern is not matched here");
		for (size_t i = 0; i < matches; i++)
			put_match(s, &m[i]);
	}
}

/* --- observed-data --- */

struct seen {
	str name;                  /* id, or key of the old form */
	const struct thing *t;
	bool used;                 /* an end of traffic */
};

static struct seen *seen_find(struct seen *list, size_t count, str name)
{
	for (size_t i = 0; i < count && name.n > 0; i++)
		if (str_eq(list[i].name, name))
			return &list[i];
	return NULL;
}

static bool add_thing(struct terms *t, const struct thing *x, bool source)
{
	switch (x->kind) {
	case THING_ADDRESS: return add(t, address_field(x->value, source), x->value, false);
	case THING_NAME: return add(t, source ? "source.fqdn" : "destination.fqdn", x->value, false);
	case THING_URL: return add(t, source ? "source.url" : "destination.url", x->value, false);
	case THING_ACCOUNT: return add(t, source ? "source.account" : "destination.account", x->value, false);
	case THING_ASN: return add(t, source ? "source.asn" : "destination.asn", x->value, true);
	case THING_FILE:
		return (!has_field(t, "malware.hash.md5") && !has_field(t, "malware.hash.sha1") &&
			!has_field(t, "malware.hash.sha256")) &&
		       add(t, "malware.hash.md5", x->md5, false) && add(t, "malware.hash.sha1", x->sha1, false) &&
		       add(t, "malware.hash.sha256", x->sha256, false);
	case THING_NONE:
	case THING_TRAFFIC: return true;
	}
	return true;
}

static bool add_traffic(struct sensing *s, struct seen *list, size_t count, const struct thing *x, struct terms *t)
{
	const str ends[] = { x->from, x->to };
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		struct seen *end = seen_find(list, count, ends[i]);
		size_t at = end || ends[i].n == 0 ? SIZE_MAX : envelope_find(s->e, ends[i]);
		if (end)
			end->used = true;
		if (end || at != SIZE_MAX)
			(void)add_thing(t, end ? end->t : &s->e->things[at], i == 0);
	}
	return add(t, "source.port", x->from_port, true) && add(t, "destination.port", x->to_port, true) &&
	       add(t, "protocol.transport", x->transport, false) && add(t, "protocol.application", x->application, false);
}

/* One event when nothing stands there twice; else one of each traffic and of each thing that is no part of it. */
static void put_seen(struct sensing *s, struct seen *list, size_t count)
{
	struct terms one = { .count = 0 };
	bool once = true;
	size_t traffic = 0;
	for (size_t i = 0; i < count; i++)
		if (list[i].t->kind == THING_TRAFFIC) {
			struct terms t = { .count = 0 };
			(void)add_traffic(s, list, count, list[i].t, ++traffic == 1 ? &one : &t);
		}
	for (size_t i = 0; i < count; i++)
		if (!list[i].used)
			once = add_thing(&one, list[i].t, true) && once;
	if (once && traffic <= 1) {
		if (one.count > 0)
			put_event(s, &one);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct terms t = { .count = 0 };
		if (list[i].t->kind == THING_TRAFFIC)
			(void)add_traffic(s, list, count, list[i].t, &t);
		else if (!list[i].used && list[i].t->kind != THING_ASN)
			(void)add_thing(&t, list[i].t, true);
		if (t.count > 0)
			put_event(s, &t);
	}
}

static void sense_observed(struct sensing *s, const struct json_pair *p, size_t count)
{
	const struct json_pair *refs = pair_find(p, count, "object_refs"), *old = pair_find(p, count, "objects");
	const struct json_pair *times = pair_find(p, count, "number_observed");
	struct seen *list = ARENA_ARRAY(s->e->scratch, SEEN_MOST, struct seen);
	size_t n = 0, missing = 0, over = 0;
	str one, key;
	if (times && times->kind == JSON_NUMBER)
		(void)str_to_u64(times->value, &s->times);
	s->times = s->times < 1000000000 ? s->times : 0;
	s->time = pair_text(p, count, "last_observed");
	find_class(s, p, count, "undetermined");
	struct scan_list l = scan_of(refs && refs->kind == JSON_NEST ? refs->value : STR_NONE);
	while (scan_element(&l, &one)) {
		size_t at = envelope_find(s->e, scan_plain(one));
		if (at == SIZE_MAX)
			missing++;
		else if (n == SEEN_MOST)
			over++;
		else if (s->e->things[at].kind != THING_NONE && !seen_find(list, n, s->e->o[at].id))
			list[n++] = (struct seen){ .name = s->e->o[at].id, .t = &s->e->things[at] };
	}
	l = scan_of(old && old->kind == JSON_NEST ? old->value : STR_NONE); /* as it was until 2.1 */
	while (!refs && scan_member(&l, &key, &one)) {
		struct json_pair *members;
		size_t many;
		if (n == SEEN_MOST) {
			over++;
		} else if (json_flat(one, s->e->scratch, &members, &many, NULL) == RC_OK) {
			struct thing *t = ARENA_NEW(s->e->scratch, struct thing);
			*t = thing_of(pair_text(members, many, "type"), members, many, s->e->scratch, s->e->scratch);
			if (t->kind != THING_NONE)
				list[n++] = (struct seen){ .name = key, .t = t };
		}
	}
	if (over)
		s->o->words = arena_fmt(s->e->a, "%zu of what was observed are more than are read", over);
	else if (missing)
		s->o->words = arena_fmt(s->e->a, "%zu of what was observed are not in this delivery", missing);
	put_seen(s, list, n);
}

void envelope_sense(struct envelope *e, size_t at)
{
	struct sensing s = { .e = e, .o = &e->o[at] };
	struct json_pair *p;
	size_t count;
	int64_t us;
	bool indicator = str_eq(s.o->type, STR("indicator"));
	if ((!indicator && !str_eq(s.o->type, STR("observed-data"))) ||
	    json_flat(e->slices[at], e->scratch, &p, &count, NULL) != RC_OK)
		return;
	s.time = pair_text(p, count, indicator ? "valid_from" : "last_observed");
	if (!time_parse(s.time, false, &us)) {
		s.o->words = STR("it says no time at which this was so");
		return;
	}
	if (indicator)
		sense_indicator(&s, p, count);
	else
		sense_observed(&s, p, count);
	s.o->events = s.events;
	s.o->event_count = s.count;
}
