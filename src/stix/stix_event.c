/* SPDX-License-Identifier: Apache-2.0 */
#include "stix/stix_event.h"

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/ip.h"
#include "stix/jcs.h"
#include "stix/stix_private.h"
#include "stix/stix_record.h"

enum { REFS_MAX = 24 };

/* One event on its way. */
struct making {
	struct stix_writer *w;
	const struct json_pair *pairs; /* of the event */
	size_t pair_count;
	str text;            /* the same, as it stands in the extension */
	char refs[REFS_MAX][STIX_ID_MAX];
	size_t ref_count;
	char first[STIX_TIME_MAX], modified[STIX_TIME_MAX]; /* the same, unless it is given again */
	enum tlp tlp;
	str origin, item;
	bool others; /* it came from another node */
};

/* --- what it says --- */

static const struct json_pair *find(const struct making *k, const char *name)
{
	const str want = str_of(name);
	for (size_t i = 0; i < k->pair_count; i++)
		if (str_eq(k->pairs[i].key, want))
			return &k->pairs[i];
	return NULL;
}

static str text_of(const struct making *k, const char *name)
{
	const struct json_pair *p = find(k, name);
	return p && p->kind == JSON_STRING ? p->value : STR_NONE;
}

static bool number_of(const struct making *k, const char *name, int64_t *out)
{
	const struct json_pair *p = find(k, name);
	return p && p->kind == JSON_NUMBER && str_to_i64(p->value, out);
}

static const struct side {
	const char *ip, *port, *asn, *as_name, *registry, *fqdn, *url;
} sides[] = {
	{ "source.ip", "source.port", "source.asn", "source.as_name", "source.registry", "source.fqdn", "source.url" },
	{ "destination.ip", "destination.port", "destination.asn", "destination.as_name", "destination.registry",
	  "destination.fqdn", "destination.url" },
};

/* --- observables --- */

static void add(struct buf *b, const char *z)
{
	buf_add(b, str_of(z));
}

static void add_member(struct buf *b, char before, const char *name, str json)
{
	buf_char(b, before);
	buf_char(b, '"');
	add(b, name);
	add(b, "\":");
	buf_add(b, json);
}

/* One at a time, in the writer's memory. What contributes to its id (stix_id.h) is told in the order of its names, as
 * canonical JSON sorts them. */
static void begin_observable(struct making *k, const char *type)
{
	buf_reset(&k->w->text);
	buf_reset(&k->w->canonical);
	add(&k->w->text, "{\"type\":\"");
	add(&k->w->text, type);
	add(&k->w->text, "\",\"spec_version\":\"2.1\"");
}

enum { ITS_ID = 1, NOT_ITS_ID = 0 };

static void put_member(struct making *k, int its_id, const char *name, str json)
{
	add_member(&k->w->text, ',', name, json);
	if (its_id == ITS_ID)
		add_member(&k->w->canonical, k->w->canonical.n ? ',' : '{', name, json);
}

static void put_text(struct making *k, int its_id, const char *name, str value)
{
	if (value.n == 0)
		return;
	buf_reset(&k->w->value);
	jcs_text(&k->w->value, value);
	put_member(k, its_id, name, buf_str(&k->w->value));
}

static void put_number(struct making *k, int its_id, const char *name, int64_t value)
{
	buf_reset(&k->w->value);
	buf_i64(&k->w->value, value);
	put_member(k, its_id, name, buf_str(&k->w->value));
}

/* Of those that are not empty. */
static void put_list(struct making *k, int its_id, const char *name, const str *list, size_t count)
{
	buf_reset(&k->w->value);
	for (size_t i = 0; i < count; i++) {
		if (list[i].n == 0)
			continue;
		buf_char(&k->w->value, k->w->value.n ? ',' : '[');
		jcs_text(&k->w->value, list[i]);
	}
	buf_char(&k->w->value, ']');
	put_member(k, its_id, name, buf_str(&k->w->value));
}

/* Its id, its mark, and out with it. NULL: it is too large, or one too many. The mark belongs to the first who
 * told: an address by itself is no secret, so what differs between events is not part of it. */
static const char *end_observable(struct making *k, const char *type)
{
	struct stix_writer *w = k->w;
	buf_char(&w->canonical, '}');
	if (k->ref_count == REFS_MAX || w->canonical.over || k->w->value.over)
		return NULL;
	char *ref = k->refs[k->ref_count++];
	stix_canonical_id(w->namer, type, buf_str(&w->canonical), ref);
	/* of a stricter event it is another object to its readers: told again */
	if (!stix_is_new(w, ref, (unsigned)k->tlp + 1)) {
		w->at++;
		return ref;
	}
	add(&w->text, ",\"id\":\"");
	add(&w->text, ref);
	add(&w->text, "\",\"object_marking_refs\":[\"");
	add(&w->text, stix_tlp_id(k->tlp));
	add(&w->text, "\"]}");
	stix_out(w, &w->text, ref, "", k->tlp, STIX_PART);
	return ref;
}

static const char *put_value(struct making *k, const char *type, str value)
{
	if (value.n == 0)
		return NULL;
	begin_observable(k, type);
	put_text(k, ITS_ID, "value", value);
	return end_observable(k, type);
}

static const char *put_asn(struct making *k, const struct side *side)
{
	int64_t asn;
	if (!number_of(k, side->asn, &asn))
		return NULL;
	begin_observable(k, "autonomous-system");
	put_number(k, ITS_ID, "number", asn);
	put_text(k, NOT_ITS_ID, "name", text_of(k, side->as_name));
	put_text(k, NOT_ITS_ID, "rir", text_of(k, side->registry));
	return end_observable(k, "autonomous-system");
}

static const char *put_address(struct making *k, const struct side *side, const char *asn)
{
	struct ip ip;
	str text = text_of(k, side->ip);
	if (text.n == 0 || !ip_parse(text, &ip))
		return NULL;
	const char *type = str_has(text, ':') ? "ipv6-addr" : "ipv4-addr";
	const str belongs = str_of(asn);
	begin_observable(k, type);
	put_text(k, ITS_ID, "value", text);
	if (asn)
		put_list(k, NOT_ITS_ID, "belongs_to_refs", &belongs, 1);
	return end_observable(k, type);
}

/* Of several digests the first contributes to the id. */
static void put_file(struct making *k)
{
	static const struct { const char *field, *name; size_t digits; } digests[] = {
		{ "malware.hash.md5", "MD5", 32 }, { "malware.hash.sha1", "SHA-1", 40 },
		{ "malware.hash.sha256", "SHA-256", 64 },
	};
	struct buf all = BUF_INIT(KIB(1)), first = BUF_INIT(KIB(1));
	for (size_t i = 0; i < COUNT_OF(digests); i++) {
		str v = text_of(k, digests[i].field);
		unsigned char bytes[32];
		if (v.n != digests[i].digits || !hex_parse(v, bytes, v.n / 2))
			continue;
		buf_fmt(&all, "%c\"%s\":\"" STR_FMT "\"", all.n ? ',' : '{', digests[i].name, STR_ARG(v));
		if (first.n == 0)
			buf_fmt(&first, "{\"hashes\":{\"%s\":\"" STR_FMT "\"}", digests[i].name, STR_ARG(v));
	}
	if (all.n > 0) {
		buf_char(&all, '}');
		begin_observable(k, "file");
		put_member(k, NOT_ITS_ID, "hashes", buf_str(&all));
		buf_add(&k->w->canonical, buf_str(&first));
		(void)end_observable(k, "file");
	}
	buf_free(&all);
	buf_free(&first);
}

static void put_traffic(struct making *k, const char *from, const char *to)
{
	const str protocols[] = { text_of(k, "protocol.transport"), text_of(k, "protocol.application") };
	int64_t port;
	if ((!from && !to) || (protocols[0].n == 0 && protocols[1].n == 0))
		return;
	begin_observable(k, "network-traffic");
	if (number_of(k, "destination.port", &port) && port >= 0 && port <= 65535)
		put_number(k, ITS_ID, "dst_port", port);
	put_text(k, ITS_ID, "dst_ref", str_of(to));
	put_list(k, ITS_ID, "protocols", protocols, COUNT_OF(protocols));
	if (number_of(k, "source.port", &port) && port >= 0 && port <= 65535)
		put_number(k, ITS_ID, "src_port", port);
	put_text(k, ITS_ID, "src_ref", str_of(from));
	(void)end_observable(k, "network-traffic");
}

/* Neither address, name, URL nor digest: by what else it names; in the end by its own text. */
static void put_other(struct making *k)
{
	static const struct { const char *field, *type, *member; } by[] = {
		{ "source.network", "ipv4-addr", "value" },	 { "source.account", "user-account", "account_login" },
		{ "destination.network", "ipv4-addr", "value" }, { "destination.account", "user-account", "account_login" },
		{ "source.reverse_dns", "domain-name", "value" },
	};
	for (size_t i = 0; i < COUNT_OF(by) && k->ref_count == 0; i++) {
		str v = text_of(k, by[i].field);
		if (v.n == 0)
			continue;
		const char *type = i % 2 == 0 && str_has(v, ':') ? "ipv6-addr" : by[i].type;
		begin_observable(k, type);
		put_text(k, ITS_ID, by[i].member, v);
		(void)end_observable(k, type);
	}
	if (k->ref_count > 0)
		return;
	unsigned char *code = x_alloc(k->text.n / 3 * 4 + 5);
	int n = EVP_EncodeBlock(code, (const unsigned char *)k->text.p, (int)k->text.n);
	begin_observable(k, "artifact");
	put_text(k, NOT_ITS_ID, "mime_type", STR("application/json"));
	put_text(k, ITS_ID, "payload_bin", str_mem(code, n > 0 ? (size_t)n : 0));
	free(code);
	(void)end_observable(k, "artifact");
}

static void put_observables(struct making *k)
{
	const char *address[2] = { NULL, NULL };
	for (size_t i = 0; i < 2; i++) {
		const char *asn = put_asn(k, &sides[i]);
		address[i] = put_address(k, &sides[i], asn);
		(void)put_value(k, "domain-name", text_of(k, sides[i].fqdn));
		(void)put_value(k, "url", text_of(k, sides[i].url));
	}
	put_file(k);
	put_traffic(k, address[0], address[1]);
	if (k->ref_count == 0)
		put_other(k);
}

/* --- what ties them together --- */

static void put_labels(struct json_out *j, const struct making *k)
{
	str type = text_of(k, "classification.type"), identifier = text_of(k, "classification.identifier");
	if (type.n == 0)
		return;
	json_key(j, STR("labels"));
	json_open(j, '[');
	char label[160];
	const str known = str_head(type, 150);
	memcpy(label, "rsit:", 5);
	memcpy(label + 5, known.p, known.n);
	json_str(j, str_mem(label, 5 + known.n));
	if (identifier.n)
		json_str(j, identifier);
	json_close(j, ']');
}

static void put_observed(struct making *k, str event_id, char id[STIX_ID_MAX])
{
	struct buf *b = &k->w->text;
	buf_reset(b);
	stix_namer_id(k->w->namer, &k->w->space, "observed-data", event_id, id);
	struct json_out j = stix_begin(k->w, b, "observed-data", id, k->first, k->modified, k->tlp);
	put_labels(&j, k);
	json_put_str(&j, "first_observed", str_of(k->first));
	json_put_str(&j, "last_observed", str_of(k->first));
	json_put_i64(&j, "number_observed", 1);
	json_key(&j, STR("object_refs"));
	json_open(&j, '[');
	for (size_t i = 0; i < k->ref_count; i++) {
		bool twice = false;
		for (size_t n = 0; n < i; n++)
			twice = twice || strcmp(k->refs[n], k->refs[i]) == 0;
		if (!twice)
			json_str(&j, str_of(k->refs[i]));
	}
	json_close(&j, ']');
	stix_put_extension(&j, k->others ? NULL : "event", k->text, k->origin, k->item);
	json_close(&j, '}');
	stix_out(k->w, b, id, k->modified, k->tlp, k->others ? STIX_PART : STIX_CARRIER);
}

/* --- that it is bad --- */

/* Classes whose source is the bad thing itself, not somebody it happened to; and what an indicator
 * calls them (open vocabulary of STIX). */
static const struct { const char *type, *indicator; } accusing[] = {
	{ "c2-server", "malicious-activity" }, { "dga-domain", "malicious-activity" },
	{ "malware-configuration", "malicious-activity" }, { "malware-distribution", "malicious-activity" },
	{ "phishing", "malicious-activity" }, { "scanner", "anomalous-activity" },
	{ "brute-force", "malicious-activity" }, { "tor", "anonymization" }, { "proxy", "anonymization" },
};

/* In single quotes, as patterns have them. */
static void put_quoted(struct buf *b, str value)
{
	buf_char(b, '\'');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\'' || value.p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, value.p[i]);
	}
	buf_char(b, '\'');
}

static bool put_pattern(const struct making *k, struct buf *b)
{
	static const struct { const char *field, *path; } by[] = {
		{ "source.url", "url:value" }, { "source.fqdn", "domain-name:value" }, { "source.ip", "ipv4-addr:value" },
	};
	for (size_t i = 0; i < COUNT_OF(by); i++) {
		str v = text_of(k, by[i].field);
		if (v.n == 0)
			continue;
		buf_fmt(b, "[%s = ", i == 2 && str_has(v, ':') ? "ipv6-addr:value" : by[i].path);
		put_quoted(b, v);
		buf_char(b, ']');
		return true;
	}
	return false;
}

static void put_indicator(struct making *k, str event_id, const char *observed)
{
	const char *what = NULL;
	str type = text_of(k, "classification.type");
	char id[STIX_ID_MAX], sighting[STIX_ID_MAX];
	struct buf pattern = BUF_INIT(KIB(64)), *b = &k->w->text;
	for (size_t i = 0; i < COUNT_OF(accusing); i++)
		if (str_eq(type, str_of(accusing[i].type)))
			what = accusing[i].indicator;
	if (what && put_pattern(k, &pattern) && !pattern.over) {
		stix_namer_id(k->w->namer, &k->w->space, "indicator", event_id, id);
		buf_reset(b);
		struct json_out j = stix_begin(k->w, b, "indicator", id, k->first, k->first, k->tlp);
		put_labels(&j, k);
		json_put_str(&j, "name", type);
		json_key(&j, STR("indicator_types"));
		json_open(&j, '[');
		json_str(&j, str_of(what));
		json_close(&j, ']');
		json_put_str(&j, "pattern", buf_str(&pattern));
		json_put_str(&j, "pattern_type", STR("stix"));
		json_put_str(&j, "pattern_version", STR("2.1"));
		json_put_str(&j, "valid_from", str_of(k->first));
		stix_put_extension(&j, NULL, STR_NONE, k->origin, k->item);
		json_close(&j, '}');
		stix_out(k->w, b, id, k->first, k->tlp, STIX_PART);
		buf_reset(b);
		stix_namer_id(k->w->namer, &k->w->space, "sighting", event_id, sighting);
		j = stix_begin(k->w, b, "sighting", sighting, k->first, k->first, k->tlp);
		json_put_str(&j, "sighting_of_ref", str_of(id));
		json_key(&j, STR("observed_data_refs"));
		json_open(&j, '[');
		json_str(&j, str_of(observed));
		json_close(&j, ']');
		json_put_str(&j, "first_seen", str_of(k->first));
		json_put_i64(&j, "count", 1);
		stix_put_extension(&j, NULL, STR_NONE, k->origin, k->item);
		json_close(&j, '}');
		stix_out(k->w, b, sighting, k->first, k->tlp, STIX_PART);
	}
	buf_free(&pattern);
}

/* --- one event --- */

/* Who it comes from first. Told on, it keeps its origin and is nobody's carrier: a ronda has it from there, and what goes
 * round among three never comes back as something new. */
static void find_origin(struct making *k, str id, char item[96])
{
	struct uuid u;
	str node = text_of(k, "extra.origin_node"), event = text_of(k, "extra.origin_event");
	bool other = uuid_parse(node, &u) && event.n > 0 && event.n <= 64;
	k->others = other;
	k->origin = other ? node : str_of(k->w->node_text);
	const str own = str_head(other ? event : id, 64);
	memcpy(item, "event--", 7);
	memcpy(item + 7, own.p, own.n);
	k->item = str_mem(item, 7 + own.n);
}

static enum rc write_event(struct making *k, struct err *err)
{
	struct stix_writer *w = k->w;
	char observed[STIX_ID_MAX], item[96];
	int64_t us, again_us;
	str id = text_of(k, "id"), tlp = text_of(k, "tlp");
	if (id.n == 0 || !time_parse(text_of(k, "time.source"), true, &us))
		return fail(err, RC_INPUT, "an event without id or time");
	(void)tlp_parse(tlp, &k->tlp); /* not understood: stays RED */
	stix_time(us, k->first);
	if (!time_parse(text_of(k, "ronda.again"), false, &again_us) || again_us < us)
		again_us = us;
	stix_time(again_us, k->modified);
	find_origin(k, id, item);
	stix_put_mark(w, k->tlp);
	w->at = 0;
	put_observables(k);
	put_observed(k, id, observed);
	put_indicator(k, id, observed);
	return stix_end(w, err);
}

enum rc stix_write_flat(struct stix_writer *w, str event, struct err *err)
{
	struct making k = { .w = w, .text = event, .tlp = TLP_RED };
	struct json_pair *pairs = NULL;
	arena_reset(w->a);
	enum rc rc = json_flat(event, w->a, &pairs, &k.pair_count, err);
	k.pairs = pairs;
	return rc == RC_OK ? write_event(&k, err) : rc;
}

/* Whom it concerns each node says by its own directory; and a reader takes flat events alone. */
enum rc stix_write_event(struct stix_writer *w, struct json_object *event, struct err *err)
{
	struct buf text = BUF_INIT(STIX_OBJECT_MAX);
	struct json_out whole = json_out(&text);
	json_open(&whole, '{');
	json_put_members(&whole, event, "ronda.concerns");
	json_close(&whole, '}');
	enum rc rc = stix_write_flat(w, buf_str(&text), err);
	buf_free(&text);
	return rc;
}

enum stix_makes stix_event_makes(str type)
{
	static const struct { const char *type; enum stix_makes how; } made[] = {
		{ "artifact", STIX_MAKES_OF_VALUE },	    { "autonomous-system", STIX_MAKES_OF_VALUE },
		{ "domain-name", STIX_MAKES_OF_VALUE },	    { "file", STIX_MAKES_OF_VALUE },
		{ "indicator", STIX_MAKES_OF_ID },	    { "ipv4-addr", STIX_MAKES_OF_VALUE },
		{ "ipv6-addr", STIX_MAKES_OF_VALUE },	    { "network-traffic", STIX_MAKES_OF_VALUE },
		{ "observed-data", STIX_MAKES_OF_ID },	    { "sighting", STIX_MAKES_OF_ID },
		{ "url", STIX_MAKES_OF_VALUE },		    { "user-account", STIX_MAKES_OF_VALUE },
	};
	for (size_t i = 0; i < COUNT_OF(made); i++)
		if (str_eq(type, str_of(made[i].type)))
			return made[i].how;
	return STIX_MAKES_NOT;
}

struct uuid stix_event_uuid(struct stix_writer *w, str event_id)
{
	return stix_namer_uuid(w->namer, &w->space, event_id);
}

void stix_event_object_id(str node_id, str event_id, char out[STIX_ID_MAX])
{
	const struct uuid space = stix_space(node_id);
	stix_named_id(&space, "observed-data", event_id, out);
}
