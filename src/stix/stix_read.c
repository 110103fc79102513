/* SPDX-License-Identifier: Apache-2.0 */
#include "stix/stix_read.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "stix/stix_event.h"
#include "stix/stix_mark.h"
#include "stix/stix_private.h"
#include "stix/stix_read_private.h"
#include "stix/stix_record.h"
#include "stix/stix_scan.h"

enum { TYPE_MOST = 250, ITEM_MOST = 120, SHOWN_MOST = 200 };

/* --- members --- */

const struct json_pair *pair_find(const struct json_pair *p, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(p[i].key, str_of(key)))
			return &p[i];
	return NULL;
}

str pair_text(const struct json_pair *p, size_t count, const char *key)
{
	const struct json_pair *found = pair_find(p, count, key);
	return found && found->kind == JSON_STRING ? found->value : STR_NONE;
}

/* --- what is asked of every object --- */

/* Of STIX 2.1 section 6: observables, which have no version. */
static const char *const observables[] = {
	"artifact", "autonomous-system", "directory", "domain-name", "email-addr", "email-message", "file", "ipv4-addr",
	"ipv6-addr", "mac-addr", "mutex", "network-traffic", "process", "software", "url", "user-account",
	"windows-registry-key", "x509-certificate",
};
/* Sections 4, 5 and 7.1: made and changed at a time. */
static const char *const versioned[] = {
	"attack-pattern", "campaign", "course-of-action", "extension-definition", "grouping", "identity", "incident",
	"indicator", "infrastructure", "intrusion-set", "language-content", "location", "malware", "malware-analysis",
	"note", "observed-data", "opinion", "relationship", "report", "sighting", "threat-actor", "tool", "vulnerability",
};

static bool is_among(str type, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(type, str_of(list[i])))
			return true;
	return false;
}

static bool is_observable(str type)
{
	return is_among(type, observables, COUNT_OF(observables));
}

static bool is_type(str s)
{
	if (s.n < 3 || s.n > TYPE_MOST || str_find(s, STR("--")) < s.n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9' && i > 0) || (s.p[i] == '-' && i > 0)))
			return false;
	return s.p[s.n - 1] != '-';
}

static const char *check_id(str id, str type)
{
	struct uuid u;
	if (!str_starts(id, type) || !str_starts(str_from(id, type.n), STR("--")) || !uuid_parse(str_from(id, type.n + 2), &u))
		return "its id is not its type, '--' and a UUID";
	return NULL;
}

static const char *check_times(const struct json_pair *p, size_t count, struct stix_object *o)
{
	str created = pair_text(p, count, "created"), modified = pair_text(p, count, "modified");
	int64_t made = TIME_NONE, changed = TIME_NONE;
	if ((pair_find(p, count, "created") && !time_parse(created, false, &made)) ||
	    (pair_find(p, count, "modified") && !time_parse(modified, false, &changed)))
		return "'created' or 'modified' is no time";
	if (is_among(o->type, versioned, COUNT_OF(versioned)) && (made == TIME_NONE || changed == TIME_NONE))
		return "'created' or 'modified' is missing";
	if (str_eq(o->type, STR("marking-definition")) && made == TIME_NONE)
		return "'created' is missing";
	if (made != TIME_NONE && changed != TIME_NONE && changed < made)
		return "it was changed before it was made";
	o->version = changed != TIME_NONE ? modified : created;
	o->version_us = changed != TIME_NONE ? changed : made;
	return NULL;
}

/* The strictest of the marks; a part that is marked on its own: as strict as can be, as the parts are not told apart. */
static void read_marks(const struct json_pair *p, size_t count, struct stix_object *o)
{
	const struct json_pair *refs = pair_find(p, count, "object_marking_refs");
	bool strange = pair_find(p, count, "granular_markings") != NULL;
	enum tlp strictest = TLP_CLEAR;
	o->marked = refs || strange;
	if (refs) {
		struct scan_list l = scan_of(refs->kind == JSON_NEST ? refs->value : STR_NONE);
		size_t marks = 0;
		str one;
		while (scan_element(&l, &one)) {
			enum tlp t = TLP_RED;
			marks++;
			strange = strange || !stix_tlp_by_id(scan_plain(one), &t);
			strictest = t > strictest ? t : strictest;
		}
		strange = strange || l.bad || marks == 0;
	}
	o->tlp = !o->marked ? TLP_CLEAR : strange ? TLP_COUNT : strictest;
}

/* --- our extension --- */

static bool is_item(str s)
{
	if (s.n == 0 || s.n > ITEM_MOST || str_find(s, STR("--")) >= s.n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
		      s.p[i] == '-'))
			return false;
	return true;
}

/* Text in a text: an object, and of an event a flat one. */
static bool is_object(str text, bool flat, struct arena *scratch)
{
	struct json_pair *p;
	size_t count;
	if (json_flat(text, scratch, &p, &count, NULL) != RC_OK)
		return false;
	for (size_t i = 0; flat && i < count; i++)
		if (p[i].kind == JSON_NEST)
			return false;
	return true;
}

static const char *read_ours(const struct json_pair *p, size_t count, struct envelope *e, struct stix_object *o)
{
	static const struct { const char *member; enum stix_what what; } by[] = {
		{ "event", STIX_OUR_EVENT }, { "record", STIX_OUR_RECORD }, { "answer", STIX_OUR_ANSWER },
	};
	struct uuid node;
	size_t members = 0;
	o->what = STIX_HELPER;
	o->origin = arena_str(e->a, pair_text(p, count, "origin"));
	o->item = arena_str(e->a, pair_text(p, count, "item"));
	for (size_t i = 0; i < COUNT_OF(by); i++) {
		if (!pair_find(p, count, by[i].member))
			continue;
		str text = pair_text(p, count, by[i].member);
		members++;
		if (!is_object(text, by[i].what == STIX_OUR_EVENT, e->scratch))
			return "the item in our extension is no JSON object";
		o->what = by[i].what;
		o->text = arena_str(e->a, text);
	}
	if (members > 1)
		return "our extension holds more than one item";
	if (pair_find(p, count, "origin") && !uuid_parse(o->origin, &node))
		return "'origin' in our extension is no node";
	if ((o->revoked || members || pair_find(p, count, "item")) && !is_item(o->item) &&
	    !(o->what == STIX_OUR_EVENT && !pair_find(p, count, "item")))
		return "'item' in our extension is no item";
	if (o->revoked && members == 0) {
		o->what = STIX_WITHDRAWN;
		o->why = arena_str(e->a, str_head(pair_text(p, count, "why"), STIX_WHY_MOST));
		while (!str_is_utf8(o->why)) /* cut within a letter */
			o->why.n--;
	}
	return NULL;
}

static const char *read_extensions(const struct json_pair *p, size_t count, struct envelope *e, struct stix_object *o)
{
	const struct json_pair *all = pair_find(p, count, "extensions"), *ours;
	struct json_pair *list, *members;
	size_t many, some;
	if (!all || all->kind != JSON_NEST || str_find(all->value, STR(STIX_EXTENSION)) >= all->value.n)
		return NULL;
	if (json_flat(all->value, e->scratch, &list, &many, NULL) != RC_OK)
		return "'extensions' is no object";
	if (!(ours = pair_find(list, many, STIX_EXTENSION)))
		return NULL;
	if (ours->kind != JSON_NEST || json_flat(ours->value, e->scratch, &members, &some, NULL) != RC_OK)
		return "our extension is no object";
	return read_ours(members, some, e, o);
}

/* --- one object --- */

static str shown(struct arena *a, str s)
{
	s = str_head(s, SHOWN_MOST);
	return str_is_plain(s) ? arena_str(a, s) : STR("");
}

static const char *judge(struct envelope *e, size_t at, struct err *err)
{
	struct stix_object *o = &e->o[at];
	struct json_pair *p;
	size_t count;
	bool revoked_is_flag = true;
	if (json_flat(e->slices[at], e->scratch, &p, &count, err) != RC_OK)
		return err->text;
	str type = pair_text(p, count, "type"), id = pair_text(p, count, "id");
	const struct json_pair *version = pair_find(p, count, "spec_version"), *revoked = pair_find(p, count, "revoked");
	o->type = shown(e->a, type);
	o->id = shown(e->a, id);
	if (revoked) {
		o->revoked = revoked->kind == JSON_TRUE;
		revoked_is_flag = o->revoked || revoked->kind == JSON_FALSE;
	}
	if (!is_type(type))
		return "it has no type";
	const char *why = check_id(id, type);
	if (why)
		return why;
	o->type = arena_str(e->a, type); /* whole */
	o->id = arena_str(e->a, id);
	if (version && !(version->kind == JSON_STRING &&
			 (str_eq(version->value, STR("2.1")) || str_eq(version->value, STR("2.0")))))
		return "its 'spec_version' is not 2.1";
	if (!revoked_is_flag)
		return "'revoked' is neither true nor false";
	if ((why = check_times(p, count, o)) != NULL)
		return why;
	o->version = o->version_us == TIME_NONE ? STR("") : arena_str(e->a, o->version);
	o->what = STIX_FOREIGN;
	o->text = e->slices[at];
	read_marks(p, count, o);
	if (is_observable(type))
		e->things[at] = thing_of(type, p, count, e->scratch, e->a);
	return read_extensions(p, count, e, o);
}

/* --- our events without STIX around them --- */

static bool is_event_id(str s)
{
	bool good = s.n > 0 && s.n <= 64;
	for (size_t i = 0; good && i < s.n; i++)
		good = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
		       s.p[i] == '-';
	return good;
}

static const char *judge_flat(struct envelope *e, size_t at, str origin, struct err *err)
{
	struct stix_object *o = &e->o[at];
	struct json_pair *p;
	size_t count;
	struct uuid node;
	char id[STIX_ID_MAX];
	if (json_flat(e->slices[at], e->scratch, &p, &count, err) != RC_OK)
		return err->text;
	for (size_t i = 0; i < count; i++)
		if (p[i].kind == JSON_NEST)
			return "an event is flat: nothing nests in it";
	str event = pair_text(p, count, "id"), time = pair_text(p, count, "time.source");
	if (!uuid_parse(origin, &node))
		return "'origin' of the envelope is no node";
	if (!is_event_id(event))
		return "it does not say which event it is";
	stix_named_id(&e->space, "observed-data", event, id);
	o->id = arena_str(e->a, str_of(id));
	if (!time_parse(time, true, &o->version_us))
		return "the event has no time";
	o->type = STR("observed-data");
	o->version = arena_str(e->a, time);
	o->origin = origin;
	o->item = arena_fmt(e->a, "event--" STR_FMT, STR_ARG(event));
	o->marked = pair_find(p, count, "tlp") != NULL;
	if (o->marked && !tlp_parse(pair_text(p, count, "tlp"), &o->tlp))
		o->tlp = TLP_COUNT;
	o->what = STIX_OUR_EVENT;
	return NULL;
}

/* `origin`: of an event without STIX; STR_NONE: it is an object. */
static void read_one(struct envelope *e, size_t at, str origin)
{
	struct err err = { .rc = RC_OK };
	struct stix_object *o = &e->o[at];
	*o = (struct stix_object){ .what = STIX_BAD, .id = STR(""), .type = STR(""), .version = STR(""), .tlp = TLP_COUNT,
				   .version_us = TIME_NONE, .origin = STR(""), .item = STR(""), .text = e->slices[at],
				   .words = STR("") };
	const char *why = origin.p ? judge_flat(e, at, origin, &err) : judge(e, at, &err);
	if (why) {
		o->what = STIX_BAD;
		o->text = e->slices[at];
		o->words = arena_str(e->a, str_of(why));
	}
	arena_reset(e->scratch);
}

/* --- all of them together --- */

struct named { str id; uint32_t at; };

static int by_id(const void *x, const void *y)
{
	const struct named *a = x, *b = y;
	int c = str_cmp(a->id, b->id);
	return c ? c : (a->at > b->at) - (a->at < b->at);
}

static void make_index(struct envelope *e)
{
	struct named *list = x_array(e->count + 1, sizeof *list);
	for (size_t i = 0; i < e->count; i++)
		list[i] = (struct named){ e->o[i].id, (uint32_t)i };
	qsort(list, e->count, sizeof *list, by_id);
	e->by_id = ARENA_ARRAY(e->a, e->count + 1, uint32_t);
	for (size_t i = 0; i < e->count; i++)
		e->by_id[i] = list[i].at;
	free(list);
}

size_t envelope_find(const struct envelope *e, str id)
{
	size_t from = 0, to = e->count;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (str_cmp(e->o[e->by_id[mid]].id, id) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from < e->count && str_eq(e->o[e->by_id[from]].id, id) ? e->by_id[from] : SIZE_MAX;
}

/* May be there for another object's sake alone. */
static bool is_side(const struct stix_object *o)
{
	return o->what == STIX_FOREIGN && (is_observable(o->type) || str_eq(o->type, STR("identity")) ||
					   str_eq(o->type, STR("marking-definition")) ||
					   str_eq(o->type, STR("extension-definition")));
}

/* What one of ours names, and what that names in turn, needs no keeping: we have it in the item. */
static void find_helpers(struct envelope *e)
{
	uint32_t *work = x_array(e->count + 1, sizeof *work);
	size_t left = 0;
	enum tlp t;
	for (size_t i = 0; i < e->objects; i++) {
		struct stix_object *o = &e->o[i];
		if (o->what == STIX_FOREIGN && (stix_tlp_by_id(o->id, &t) || str_eq(o->id, STR(STIX_EXTENSION))))
			o->what = STIX_HELPER;
		if (o->what != STIX_BAD && o->what != STIX_FOREIGN)
			work[left++] = (uint32_t)i;
	}
	while (left > 0) {
		str text = e->slices[work[--left]], one;
		while (scan_string(&text, &one)) {
			size_t at = str_find(one, STR("--")) < one.n ? envelope_find(e, one) : SIZE_MAX;
			if (at != SIZE_MAX && is_side(&e->o[at])) {
				e->o[at].what = STIX_HELPER;
				work[left++] = (uint32_t)at;
			}
		}
	}
	free(work);
}

/* What is read of an envelope or a bundle; p NULL: it is not there. */
struct members {
	str objects, events, origin;
};

static enum rc find_members(str text, struct members *out, struct err *err)
{
	struct scan_list l = scan_of(text);
	str key, value, type = STR_NONE;
	*out = (struct members){ STR_NONE, STR_NONE, STR_NONE };
	while (scan_member(&l, &key, &value)) {
		str *to = str_eq(key, STR("objects")) ? &out->objects : str_eq(key, STR("events")) ? &out->events :
			  str_eq(key, STR("origin")) ? &out->origin : str_eq(key, STR("type")) ? &type : NULL;
		if (to && to->p && to != &type)
			return fail(err, RC_INPUT, "'" STR_FMT "' stands there twice", STR_ARG(key));
		if (to)
			*to = value;
	}
	if (l.bad || str_trim_all(scan_rest(&l)).n > 0)
		return fail(err, RC_INPUT, "this is neither a TAXII envelope nor a STIX bundle");
	if (type.p && !str_eq(type, STR("\"bundle\"")))
		return fail(err, RC_INPUT, "this is one object, not an envelope or bundle of such");
	return RC_OK;
}

static enum rc count_elements(str list, const char *name, size_t most, struct envelope *e, struct err *err)
{
	struct scan_list l = scan_of(list);
	str one;
	while (list.p && scan_element(&l, &one))
		if (e->count++ == most)
			return fail(err, RC_LIMIT, "there are more than %zu objects", most);
	return l.bad ? fail(err, RC_INPUT, "'%s' is no list, or cut off behind %zu", name, e->count) : RC_OK;
}

static enum rc cut(const struct members *m, size_t most, struct envelope *e, struct err *err)
{
	enum rc rc = count_elements(m->objects, "objects", most, e, err);
	e->objects = e->count;
	if (rc == RC_OK)
		rc = count_elements(m->events, "events", most, e, err);
	if (rc != RC_OK)
		return rc;
	e->o = ARENA_ARRAY(e->a, e->count + 1, struct stix_object);
	e->things = ARENA_ARRAY(e->a, e->count + 1, struct thing);
	e->slices = ARENA_ARRAY(e->a, e->count + 1, str);
	struct scan_list objects = scan_of(m->objects), events = scan_of(m->events);
	for (size_t i = 0; i < e->count && scan_element(i < e->objects ? &objects : &events, &e->slices[i]); i++)
		;
	return RC_OK;
}

static void disbelieve(struct stix_object *o, str slice, str us)
{
	if (o->what == STIX_BAD || o->what == STIX_FOREIGN)
		return;
	o->what = str_eq_nocase(o->origin, us) ? STIX_HELPER : STIX_FOREIGN;
	o->text = slice;
}

/* `us` with p NULL: what is said in our extension counts. */
static enum rc read_all(str envelope, size_t most, str us, struct arena *a, struct stix_object **out, size_t *count_out,
			struct err *err)
{
	struct envelope e = { .a = a };
	struct members m;
	enum rc rc = find_members(envelope, &m, err);
	str origin = scan_plain(m.origin);
	if (!origin.p || us.p)
		m.events = STR_NONE; /* somebody else's member of that name */
	if (rc == RC_OK)
		rc = cut(&m, most < STIX_ENVELOPE_MOST ? most : STIX_ENVELOPE_MOST, &e, err);
	if (rc != RC_OK)
		return rc;
	e.space = stix_space(origin);
	e.scratch = arena_new(KIB(64));
	for (size_t i = 0; i < e.count; i++) {
		read_one(&e, i, i < e.objects ? STR_NONE : origin);
		if (us.p)
			disbelieve(&e.o[i], e.slices[i], us);
	}
	make_index(&e);
	find_helpers(&e);
	for (size_t i = 0; i < e.count; i++)
		if (e.o[i].what == STIX_FOREIGN && !e.o[i].revoked) {
			envelope_sense(&e, i);
			arena_reset(e.scratch);
		}
	arena_free(e.scratch);
	*out = e.o;
	*count_out = e.count;
	return RC_OK;
}

enum rc stix_read(str envelope, size_t most, struct arena *a, struct stix_object **out, size_t *count_out,
		  struct err *err)
{
	return read_all(envelope, most, STR_NONE, a, out, count_out, err);
}

enum rc stix_read_foreign(str envelope, size_t most, str us, struct arena *a, struct stix_object **out,
			  size_t *count_out, struct err *err)
{
	return read_all(envelope, most, us, a, out, count_out, err);
}
