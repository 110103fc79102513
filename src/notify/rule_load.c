/* SPDX-License-Identifier: Apache-2.0 */
/* From records to the table of rules. */
#include <json-c/json.h>

#include "base/hash.h"
#include "event/fields.h"
#include "notify/notify_private.h"
#include "notify/rule_private.h"

enum { WORDS_MAX = 60000, INDEX_LEAST = 1 << 10, RANK_ELSE = 500, CAP_ELSE = 6, HOUR_ELSE = 8, TRUST_ELSE = 40 };
#define PAUSE_ELSE (2 * MINUTE_US)

/* --- words --- */

static size_t slot_of(const struct rule_dictionary *d, str word)
{
	uint64_t h = 1469598103934665603u; /* FNV-1a */
	for (size_t i = 0; i < word.n; i++)
		h = (h ^ (unsigned char)word.p[i]) * 1099511628211u;
	size_t at = (size_t)(h ^ h >> 32) & (d->index_size - 1);
	while (d->index[at] && !str_eq(d->words[d->index[at] - 1], word))
		at = (at + 1) & (d->index_size - 1);
	return at;
}

uint16_t rule_word(const struct rule_dictionary *d, str word)
{
	return word.n > 0 && d->index_size ? d->index[slot_of(d, word)] : 0;
}

static void widen(struct rule_dictionary *d)
{
	d->index_size = d->index_size ? 2 * d->index_size : INDEX_LEAST;
	free(d->index);
	d->index = x_array(d->index_size, sizeof *d->index);
	for (size_t i = 0; i < d->count; i++)
		d->index[slot_of(d, d->words[i])] = (uint16_t)(i + 1);
}

/* 0: there are too many. */
static uint16_t add_word(struct rule_set *s, str word)
{
	struct rule_dictionary *d = &s->words;
	uint16_t known = rule_word(d, word);
	if (known || word.n == 0 || d->count == WORDS_MAX)
		return known;
	if (2 * (d->count + 1) > d->index_size)
		widen(d);
	if (d->count == d->room) {
		d->room = d->room ? 2 * d->room : 64;
		d->words = x_grow(d->words, d->room, sizeof *d->words);
	}
	size_t at = slot_of(d, word);
	d->words[d->count++] = arena_str(s->a, word);
	d->index[at] = (uint16_t)d->count;
	return (uint16_t)d->count;
}

/* --- a record --- */

struct loading {
	struct rule_set *s;
	struct conn *c;
	struct uuid draft;
	const char *active;      /* meaning of the state */
	enum rc rc;
	struct err *err;
};

static struct json_object *value_of(const struct record_view *v, const char *meaning)
{
	const struct meaning *m = type_meaning(record_view_type(v), str_of(meaning));
	return m && m->field ? json_get(v->body, m->field->name) : NULL;
}

static str text_of(struct rule_set *s, const struct record_view *v, const char *meaning)
{
	str text = json_text(value_of(v, meaning));
	return arena_str(s->a, text.p ? text : STR(""));
}

static int64_t number_of(const struct record_view *v, const char *meaning, int64_t otherwise)
{
	struct json_object *o = value_of(v, meaning);
	return o && json_object_is_type(o, json_type_int) ? json_object_get_int64(o) : otherwise;
}

static bool flag_of(const struct record_view *v, const char *meaning)
{
	struct json_object *o = value_of(v, meaning);
	return o && json_object_get_boolean(o);
}

static int64_t duration_of(struct rule_set *s, const struct record_view *v, const char *meaning, int64_t otherwise)
{
	str text = text_of(s, v, meaning);
	int64_t us;
	return text.n > 0 && iso_duration_parse(text, &us) && us >= 0 ? us : otherwise;
}

static str type_word(str text)
{
	str canonical = type_canonical(text);
	return canonical.p ? canonical : text;
}

static struct rule_words words_of(struct loading *k, const struct record_view *v, const char *meaning, bool types)
{
	struct json_object *list = value_of(v, meaning);
	struct rule_words out = { .n = 0 };
	uint16_t *to = ARENA_ARRAY(k->s->a, json_count(list) + 1, uint16_t);
	for (size_t i = 0; i < json_count(list); i++) {
		str text = json_text(json_at(list, i));
		to[out.n] = add_word(k->s, types ? type_word(text) : text);
		if (to[out.n] == 0)
			k->rc = fail(k->err, RC_LIMIT, "the rules name too many things");
		out.n++;
	}
	out.list = to;
	return out;
}

static int place_of(str word, const char *const *names, size_t count, int otherwise)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(word, str_of(names[i])))
			return (int)i;
	return otherwise;
}

static bool is_active(const struct record_view *v, const char *meaning)
{
	const struct meaning *m = type_meaning(record_view_type(v), str_of(meaning));
	return m && !m->field && record_view_state(v) == (int)m->state;
}

static enum rc active_since(struct conn *c, struct uuid rule, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT active_us FROM tell_rule WHERE rule = ?");
	sql_blob(q, 1, str_mem(rule.b, sizeof rule.b));
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

static void take_steps(struct loading *k, const struct record_view *v, struct rule *r)
{
	struct json_object *list = value_of(v, "rule.escalate-to");
	r->escalate_after = number_of(v, "rule.escalate-after", 0);
	for (size_t i = 0; i < json_count(list) && r->step_count < RULE_STEPS_MAX; i++)
		r->steps[r->step_count++] = arena_str(k->s->a, json_text(json_at(list, i)));
	if (r->step_count == 0) {
		r->steps[r->step_count++] = STR("management");
		r->steps[r->step_count++] = STR("regulator");
	}
}

static bool each_rule(void *ctx, const struct record_view *v)
{
	static const char *const paces[] = { "once", "hourly", "daily", "weekly" };
	static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	struct loading *k = ctx;
	struct rule_set *s = k->s;
	struct rule r = { .record = record_view_id(v, s->a) };
	str type;
	bool active = is_active(v, "rule.active");
	if (!record_id_parse(r.record, &type, &r.id))
		return true;
	if (active)
		k->rc = active_since(k->c, r.id, &r.active_us, k->err);
	if (k->rc != RC_OK || (r.active_us == 0 && !uuid_equal(&r.id, &k->draft)))
		return k->rc == RC_OK;
	r.title = arena_str(s->a, json_text(json_get(v->body, record_view_type(v)->title->name)));
	r.number = record_view_number(v);
	r.version = record_view_version(v);
	r.exercise = v->record->labels.exercise;
	r.rank = number_of(v, "rule.rank", RANK_ELSE);
	r.types = words_of(k, v, "rule.types", true);
	r.identifiers = words_of(k, v, "rule.identifiers", false);
	r.feeds = words_of(k, v, "rule.feeds", false);
	r.severity = severity_rank(text_of(s, v, "rule.severity"));
	r.confidence = (int)number_of(v, "rule.min-confidence", 0);
	r.stated = flag_of(v, "rule.confidence-stated");
	s->asks_confidence = s->asks_confidence || r.confidence > 0 || r.stated;
	r.all_concerned = str_eq(text_of(s, v, "rule.concerned"), STR("all"));
	r.organisations = words_of(k, v, "rule.organisations", false);
	r.kinds = words_of(k, v, "rule.kinds", false);
	r.countries = words_of(k, v, "rule.countries", false);
	r.sectors = words_of(k, v, "rule.sectors", false);
	r.languages = words_of(k, v, "rule.languages", false);
	r.contact = text_of(s, v, "rule.contact");
	r.pace = (enum rule_pace)place_of(text_of(s, v, "rule.pace"), paces, COUNT_OF(paces), PACE_DAILY);
	r.pause_us = duration_of(s, v, "rule.pause", PAUSE_ELSE);
	r.repeat_us = duration_of(s, v, "rule.repeat", 0);
	r.hour = (int)number_of(v, "rule.hour", HOUR_ELSE);
	r.weekday = place_of(text_of(s, v, "rule.weekday"), days, COUNT_OF(days), 0);
	r.quiet_from = (int)number_of(v, "rule.quiet-from", -1);
	r.quiet_until = (int)number_of(v, "rule.quiet-until", -1);
	r.cap = number_of(v, "rule.cap", CAP_ELSE);
	r.gone = flag_of(v, "rule.gone");
	r.last_resort = flag_of(v, "rule.last-resort");
	s->asks_last_resort = s->asks_last_resort || r.last_resort;
	r.last_resort_trust = number_of(v, "rule.last-resort-trust", TRUST_ELSE);
	r.by = text_of(s, v, "rule.by");
	r.class = text_of(s, v, "rule.class");
	take_steps(k, v, &r);
	if (s->count == RULES_MAX)
		k->rc = fail(k->err, RC_LIMIT, "more than %d rules are active", RULES_MAX);
	if (k->rc == RC_OK) {
		s->rules = x_grow(s->rules, s->count + 1, sizeof *s->rules);
		s->rules[s->count++] = r;
	}
	return k->rc == RC_OK;
}

static bool parse_finding(str text, struct hash128 *out)
{
	uint8_t b[16];
	*out = (struct hash128){ 0, 0 };
	if (!str_starts(text, STR("finding--")) || !hex_parse(str_from(text, STR("finding--").n), b, sizeof b))
		return false;
	for (size_t i = 0; i < 8; i++) {
		out->hi = out->hi << 8 | b[i];
		out->lo = out->lo << 8 | b[8 + i];
	}
	return true;
}

static bool each_inhibition(void *ctx, const struct record_view *v)
{
	struct loading *k = ctx;
	struct rule_set *s = k->s;
	struct inhibition i = { .record = record_view_id(v, s->a), .reason = text_of(s, v, "inhibition.reason") };
	str text, type;
	if (!is_active(v, "inhibition.active"))
		return true;
	i.title = arena_str(s->a, json_text(json_get(v->body, record_view_type(v)->title->name)));
	if (!time_parse(text_of(s, v, "inhibition.until"), true, &i.until_us))
		i.until_us = 0;
	text = text_of(s, v, "inhibition.organisation");
	if (text.n > 0)
		(void)!record_id_parse(text, &type, &i.organisation);
	text = text_of(s, v, "inhibition.type");
	i.type = text.n > 0 ? add_word(s, type_word(text)) : 0;
	i.identifier = add_word(s, text_of(s, v, "inhibition.identifier"));
	text = text_of(s, v, "inhibition.network");
	i.has_net = text.n > 0 && net_parse(text, false, &i.net);
	text = text_of(s, v, "inhibition.finding");
	i.has_finding = text.n > 0;
	if (text.n > 0)
		(void)!parse_finding(text, &i.finding);
	if (s->inhibition_count == INHIBITIONS_MAX)
		k->rc = fail(k->err, RC_LIMIT, "more than %d inhibitions are active", INHIBITIONS_MAX);
	if (k->rc == RC_OK) {
		s->inhibitions = x_grow(s->inhibitions, s->inhibition_count + 1, sizeof *s->inhibitions);
		s->inhibitions[s->inhibition_count++] = i;
	}
	return k->rc == RC_OK;
}

/* --- feeds by number --- */

static enum rc load_feeds(struct rule_set *s, struct conn *c, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, name FROM feed ORDER BY id");
	while (sql_row(q)) {
		int64_t id = sql_col_int(q, 0);
		uint16_t word = rule_word(&s->words, sql_col_str(q, 1));
		if (!word || id < 0 || id > UINT16_MAX)
			continue;
		if ((size_t)id >= s->feed_count) {
			s->feeds = x_grow(s->feeds, (size_t)id + 1, sizeof *s->feeds);
			memset(s->feeds + s->feed_count, 0, ((size_t)id + 1 - s->feed_count) * sizeof *s->feeds);
			s->feed_count = (size_t)id + 1;
		}
		s->feeds[id] = word;
	}
	return sql_end(q, err);
}

static int by_rank(const void *x, const void *y)
{
	const struct rule *a = x, *b = y;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

enum rc rules_load(const struct notify *n, struct reader *r, const struct types *t, struct uuid draft,
		   struct rule_set **out, struct err *err)
{
	struct rule_set *s = x_alloc(sizeof *s);
	struct viewer v = viewer_node(n->w.roles, "teller");
	struct arena *a = arena_new(KIB(16));
	struct loading k = { .s = s, .c = reader_conn(r), .draft = draft, .rc = RC_OK, .err = err };
	struct record_query rules = { .type = types_meaning(t, STR("rule.pace")), .with_body = true };
	struct record_query inhibitions = { .type = types_meaning(t, STR("inhibition.until")), .with_body = true };
	s->a = arena_new(KIB(16));
	v.exercise = true;
	enum rc rc = policies_apply(n->w.policies, &v, err);
	if (rc == RC_OK && rules.type)
		rc = read_records(r, t, &v, &rules, UINT64_MAX, a, each_rule, &k, err);
	rc = rc == RC_OK ? k.rc : rc;
	if (rc == RC_OK && inhibitions.type)
		rc = read_records(r, t, &v, &inhibitions, UINT64_MAX, a, each_inhibition, &k, err);
	rc = rc == RC_OK ? k.rc : rc;
	if (rc == RC_OK)
		rc = load_feeds(s, reader_conn(r), err);
	if (s->count)
		qsort(s->rules, s->count, sizeof *s->rules, by_rank);
	arena_free(a);
	if (rc == RC_OK)
		*out = s;
	else
		rules_free(s);
	return rc;
}

void rules_free(struct rule_set *s)
{
	if (!s)
		return;
	free(s->words.words);
	free(s->words.index);
	free(s->rules);
	free(s->inhibitions);
	free(s->feeds);
	arena_free(s->a);
	free(s);
}

size_t rules_count(const struct rule_set *s)
{
	return s->count;
}

const struct rule *rules_at(const struct rule_set *s, size_t i)
{
	return &s->rules[i];
}

const struct rule *rules_find(const struct rule_set *s, struct uuid id)
{
	for (size_t i = 0; i < s->count; i++)
		if (uuid_equal(&s->rules[i].id, &id))
			return &s->rules[i];
	return NULL;
}
