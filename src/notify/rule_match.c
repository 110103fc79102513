/* SPDX-License-Identifier: Apache-2.0 */
#include "event/fields.h"
#include "notify/classes.h"
#include "notify/notify_private.h"
#include "notify/rule_private.h"

enum { ORGS_LEAST = 1 << 8 };

/* --- organisations --- */

struct rule_orgs {
	const struct notify *n;
	const struct rule_set *s;
	struct arena *a;
	struct rule_org **index; /* by number; NULL: free */
	size_t count, size;
};

struct rule_orgs *rule_orgs_new(const struct notify *n, const struct rule_set *s)
{
	struct rule_orgs *o = x_alloc(sizeof *o);
	*o = (struct rule_orgs){ .n = n, .s = s, .a = arena_new(KIB(16)), .size = ORGS_LEAST };
	o->index = x_array(o->size, sizeof(*o->index));
	return o;
}

void rule_orgs_free(struct rule_orgs *o)
{
	if (!o)
		return;
	free(o->index);
	arena_free(o->a);
	free(o);
}

static size_t slot_of(const struct rule_orgs *o, int64_t org)
{
	size_t at = (size_t)((uint64_t)org * 0x9e3779b97f4a7c15u >> 32) & (o->size - 1);
	while (o->index[at] && o->index[at]->org != org)
		at = (at + 1) & (o->size - 1);
	return at;
}

static void widen(struct rule_orgs *o)
{
	struct rule_org **old = o->index;
	size_t size = o->size;
	o->size *= 2;
	o->index = x_array(o->size, sizeof(*o->index));
	for (size_t i = 0; i < size; i++)
		if (old[i])
			o->index[slot_of(o, old[i]->org)] = old[i];
	free(old);
}

static enum rc load_row(struct rule_orgs *o, struct conn *c, struct rule_org *to, struct err *err)
{
	struct sql *q = sql(c, "SELECT record, kind, country, sector, timezone FROM org WHERE id = ? AND gone = 0");
	sql_int(q, 1, to->org);
	if (sql_row(q) && sql_col_blob(q, 0).n == sizeof to->record.b) {
		memcpy(to->record.b, sql_col_blob(q, 0).p, sizeof to->record.b);
		to->kind = rule_word(&o->s->words, sql_col_str(q, 1));
		to->country = rule_word(&o->s->words, sql_col_str(q, 2));
		to->sector = rule_word(&o->s->words, sql_col_str(q, 3));
		to->zone = arena_str(o->a, sql_col_str(q, 4));
		to->usable = true;
	}
	return sql_end(q, err);
}

static void load_languages(struct rule_orgs *o, const struct addressee *who, struct rule_org *to)
{
	const struct meaning *m = who->type ? type_meaning(who->type, STR("organisation.languages")) : NULL;
	struct json_object *list = m && m->field ? json_get(who->body, m->field->name) : NULL;
	for (size_t i = 0; i < json_count(list) && to->language_count < RULE_LANGUAGES_MAX; i++)
		to->languages[to->language_count++] = rule_word(&o->s->words, json_text(json_at(list, i)));
	if (to->language_count == 0)
		to->languages[to->language_count++] = rule_word(&o->s->words, STR("en"));
}

static str id_of(struct rule_orgs *o, const struct rule_org *to)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&id, STR("organisation"), &to->record);
	str s = arena_str(o->a, buf_str(&id));
	buf_free(&id);
	return s;
}

static enum rc load_org(struct rule_orgs *o, struct reader *r, const struct types *t, struct rule_org *to,
			struct err *err)
{
	struct addressee who = { 0 };
	enum rc rc = load_row(o, reader_conn(r), to, err);
	if (rc != RC_OK || !to->usable)
		return rc;
	struct arena *a = arena_new(KIB(4));
	rc = told_addressee_of(reader_conn(r), t, to->record, a, &who, err);
	/* Of a damaged record its findings fall due all the same: the message to it fails alone, until it is mended. */
	to->usable = (rc == RC_OK && !who.closed) || rc == RC_INPUT;
	to->exercise = who.exercise;
	if (to->usable || rc == RC_OK) {
		to->id = id_of(o, to);
		to->self = rule_word(&o->s->words, to->id);
		load_languages(o, &who, to);
	}
	json_free(who.body);
	arena_free(a);
	return rc == RC_ABSENT || rc == RC_INPUT ? RC_OK : rc;
}

enum rc rule_orgs_get(struct rule_orgs *o, struct reader *r, const struct types *t, int64_t org,
		      const struct rule_org **out, struct err *err)
{
	size_t at = slot_of(o, org);
	enum rc rc = RC_OK;
	if (!o->index[at]) {
		if (2 * (o->count + 1) > o->size) {
			widen(o);
			at = slot_of(o, org);
		}
		struct rule_org *to = ARENA_NEW(o->a, struct rule_org);
		*to = (struct rule_org){ .org = org, .id = STR(""), .zone = STR("") };
		rc = load_org(o, r, t, to, err);
		if (rc != RC_OK)
			return rc;
		o->index[at] = to;
		o->count++;
	}
	*out = o->index[at];
	return rc;
}

/* --- fitting --- */

struct rule_key rule_key_of(const struct rule_set *s, const struct finding *f)
{
	return (struct rule_key){
		.type = rule_word(&s->words, f->type), .identifier = rule_word(&s->words, f->identifier),
		.feed = f->feed >= 0 && (size_t)f->feed < s->feed_count ? s->feeds[f->feed] : 0,
		.severity = severity_rank(f->severity), .confidence = f->confidence - 1, .exercise = f->exercise,
	};
}

static bool has(const struct rule_words *w, uint16_t word)
{
	if (w->n == 0)
		return true;
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i] == word)
			return true;
	return false;
}

static bool reads(const struct rule_words *w, const struct rule_org *o)
{
	bool yes = w->n == 0;
	for (size_t i = 0; !yes && i < o->language_count; i++)
		yes = has(w, o->languages[i]);
	return yes;
}

const char rule_unsure[] = "not sure enough";
const char rule_unstated[] = "it does not say how sure it is";

static const char *confidence_misfits(const struct rule *r, const struct rule_key *k)
{
	return k->confidence < 0 ? (r->stated ? rule_unstated : NULL) : k->confidence < r->confidence ? rule_unsure : NULL;
}

static const char *what_misfits(const struct rule *r, const struct rule_key *k, int64_t at_us)
{
	return !has(&r->types, k->type)		      ? "another type" :
	       !has(&r->identifiers, k->identifier)   ? "another identifier" :
	       k->severity < r->severity	      ? "less severe" :
	       !has(&r->feeds, k->feed)		      ? "another feed" :
	       r->exercise != k->exercise	      ? (k->exercise ? "of an exercise" : "the rule is of an exercise") :
	       at_us && r->active_us && at_us < r->active_us ? "it was there before the rule was active" :
	       confidence_misfits(r, k);
}

const char *rule_misfit(const struct rule *r, const struct rule_key *k, const struct rule_org *o, bool nearest,
			int64_t at_us)
{
	const char *why = what_misfits(r, k, at_us);
	return why			       ? why :
	       o->last_resort && !r->last_resort ? "it tells no contact of last resort" :
	       o->last_resort && (int64_t)o->trust < r->last_resort_trust ? "a contact of last resort that is trusted less" :
	       !nearest && !r->all_concerned   ? "not the nearest of those concerned" :
	       !has(&r->organisations, o->self) ? "another organisation" :
	       !has(&r->kinds, o->kind)	       ? "another kind of organisation" :
	       !has(&r->countries, o->country) ? "an organisation of another country" :
	       !has(&r->sectors, o->sector)    ? "an organisation of another sector" :
	       !reads(&r->languages, o)	       ? "an organisation that reads another language" : NULL;
}

bool rules_want(const struct rule_set *s, const struct rule_key *k, int64_t at_us)
{
	for (size_t i = 0; i < s->count; i++)
		if (!what_misfits(&s->rules[i], k, at_us))
			return true;
	return false;
}

static bool known_before(const struct rule_match *list, size_t n, const struct rule_org *o)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].org == o)
			return true;
	return false;
}

enum rc rules_match(const struct rule_set *s, struct rule_orgs *o, struct reader *r, const struct types *t,
		    const struct finding *f, int64_t at_us, struct rule_match out[CONCERNS_MAX], size_t *count_out,
		    size_t *usable_out, struct err *err)
{
	struct rule_key k = rule_key_of(s, f);
	int64_t nearest = 0;
	*count_out = 0;
	*usable_out = 0;
	for (size_t i = 0; i < f->concerns.count; i++) {
		const struct rule_org *org = NULL;
		enum rc rc = rule_orgs_get(o, r, t, f->concerns.list[i].org, &org, err);
		if (rc != RC_OK)
			return rc;
		if (!org->usable || org->exercise != f->exercise || known_before(out, *count_out, org))
			continue;
		nearest = ++*usable_out == 1 ? org->org : nearest;
		for (size_t n = 0; n < s->count; n++) {
			if (rule_misfit(&s->rules[n], &k, org, org->org == nearest, at_us))
				continue;
			out[(*count_out)++] = (struct rule_match){ org, &s->rules[n] };
			break;
		}
	}
	return RC_OK;
}

enum rc rules_match_sure(const struct rule_set *s, struct rule_orgs *o, struct reader *r, const struct types *t,
			 const struct finding *f, int64_t at_us, bool *out, struct err *err)
{
	struct rule_match list[CONCERNS_MAX];
	struct finding sure = *f;
	size_t count = 0, usable = 0;
	*out = false;
	if (!s->asks_confidence)
		return RC_OK;
	sure.confidence = CONFIDENCE_MOST + 1;
	enum rc rc = rules_match(s, o, r, t, &sure, at_us, list, &count, &usable, err);
	*out = rc == RC_OK && count > 0;
	return rc;
}

/* --- inhibitions --- */

/* The address in "ip 198.18.0.1 port 23". */
static bool address_of(const struct finding *f, struct ip *out)
{
	str rest = f->key;
	return str_eq(str_cut(&rest, ' '), STR("ip")) && ip_parse(str_cut(&rest, ' '), out);
}

static bool lies_in(const struct net *n, const struct ip *ip)
{
	struct ip last = net_last(n);
	return memcmp(ip->b, n->ip.b, sizeof ip->b) >= 0 && memcmp(ip->b, last.b, sizeof ip->b) <= 0;
}

const struct inhibition *rules_inhibit(const struct rule_set *s, const struct finding *f, struct uuid organisation,
				       int64_t now_us)
{
	struct ip ip;
	if (s->inhibition_count == 0)
		return NULL;
	bool has_ip = address_of(f, &ip);
	uint16_t type = rule_word(&s->words, f->type), identifier = rule_word(&s->words, f->identifier);
	for (size_t n = 0; n < s->inhibition_count; n++) {
		const struct inhibition *i = &s->inhibitions[n];
		bool fits = i->until_us > now_us && (uuid_is_zero(&i->organisation) || uuid_equal(&i->organisation, &organisation)) &&
			    (!i->type || i->type == type) && (!i->identifier || i->identifier == identifier) &&
			    (!i->has_net || (has_ip && lies_in(&i->net, &ip))) &&
			    (!i->has_finding || (i->finding.hi == f->id.hi && i->finding.lo == f->id.lo));
		if (fits)
			return i;
	}
	return NULL;
}

/* --- class of text --- */

str rule_class_of(const struct rule *r, const struct finding *f)
{
	return class_is(r->class) ? r->class : str_of(class_of(f->type, f->identifier));
}
