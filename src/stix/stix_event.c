/* SPDX-License-Identifier: Apache-2.0 */
#include "stix/stix_event.h"

#include <json-c/json.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/ip.h"
#include "stix/stix_id.h"
#include "stix/stix_mark.h"

enum { REFS_MAX = 24, OBJECT_MAX = 2 << 20, SEEN_FIRST = 1024, SEEN_MOST = 1 << 20, TIME_MAX = 32 };
#define EPOCH "2022-01-01T00:00:00.000Z"

/* Name space of what ronda makes; made once, at random. */
static const struct uuid ours = { { 0x7d, 0x0b, 0x52, 0x6e, 0x19, 0xc4, 0x4a, 0x8f, 0xb3, 0x60, 0x2a, 0x91, 0x5e,
				    0xd4, 0x77, 0x08 } };

struct stix_writer {
	stix_give give;
	void *ctx;
	char *name_text;
	struct uuid space; /* of this node */
	char identity[STIX_ID_MAX];
	struct hash128 *seen; /* open addressing; zero: free */
	size_t seen_room, seen_count;
	bool stopped;
};

/* One event on its way. */
struct making {
	struct stix_writer *w;
	struct json_object *e;
	char refs[REFS_MAX][STIX_ID_MAX];
	size_t ref_count;
	char first[TIME_MAX];
	enum tlp tlp;
};

/* --- writing each once --- */

static size_t place_of(const struct stix_writer *w, struct hash128 h)
{
	size_t at = (size_t)h.lo & (w->seen_room - 1);
	while ((w->seen[at].hi || w->seen[at].lo) && (w->seen[at].hi != h.hi || w->seen[at].lo != h.lo))
		at = (at + 1) & (w->seen_room - 1);
	return at;
}

/* True the first time. Twice the same object does no harm, so the set is emptied before it grows
 * without end. */
static bool is_new(struct stix_writer *w, const char *id)
{
	static const struct key none = { { 0 } };
	const struct hash128 h = keyed_hash128(&none, "stix seen", str_of(id));
	if (2 * w->seen_count >= w->seen_room) {
		struct hash128 *old = w->seen;
		size_t room = w->seen_room;
		w->seen_room = room >= SEEN_MOST ? SEEN_FIRST : room ? 2 * room : SEEN_FIRST;
		w->seen = x_array(w->seen_room, sizeof *w->seen);
		w->seen_count = 0;
		for (size_t i = 0; room < SEEN_MOST && i < room; i++)
			if (old[i].hi || old[i].lo) {
				w->seen[place_of(w, old[i])] = old[i];
				w->seen_count++;
			}
		free(old);
	}
	size_t at = place_of(w, h);
	if (w->seen[at].hi || w->seen[at].lo)
		return false;
	w->seen[at] = h;
	w->seen_count++;
	return true;
}

static void give_text(struct stix_writer *w, const struct buf *b)
{
	if (!w->stopped && !b->over)
		w->stopped = !w->give(w->ctx, buf_str(b));
}

/* --- observables --- */

static str text_of(const struct making *k, const char *side, const char *name)
{
	char field[64];
	snprintf(field, sizeof field, "%s.%s", side, name);
	return json_get_str(k->e, field);
}

static bool number_of(const struct making *k, const char *side, const char *name, int64_t *out)
{
	char field[64];
	snprintf(field, sizeof field, "%s.%s", side, name);
	return json_get_i64(k->e, field, out);
}

static void add_text(struct json_object *o, const char *name, str value)
{
	if (value.n > 0)
		json_object_object_add(o, name, json_object_new_string_len(value.p, (int)value.n));
}

static struct json_object *observable(const char *type)
{
	struct json_object *o = json_object_new_object();
	add_text(o, "type", str_of(type));
	add_text(o, "spec_version", STR("2.1"));
	return o;
}

/* Its id, its mark, and out with it; takes `o`. NULL: it has no id. The mark belongs to the first who
 * told: an address by itself is no secret, so what differs between events is not part of it. */
static const char *put_observable(struct making *k, struct json_object *o)
{
	char id[STIX_ID_MAX];
	if (k->ref_count == REFS_MAX || stix_observable_id(o, id, NULL) != RC_OK) {
		json_free(o);
		return NULL;
	}
	char *ref = k->refs[k->ref_count++];
	memcpy(ref, id, sizeof id);
	add_text(o, "id", str_of(id));
	struct json_object *marks = json_object_new_array();
	json_object_array_add(marks, json_object_new_string(stix_tlp_id(k->tlp)));
	json_object_object_add(o, "object_marking_refs", marks);
	/* of a stricter event it is another object to its readers: told again */
	char seen[STIX_ID_MAX + 8];
	snprintf(seen, sizeof seen, "%s %d", id, (int)k->tlp);
	if (is_new(k->w, seen)) {
		struct buf b = BUF_INIT(OBJECT_MAX);
		buf_add(&b, str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
		give_text(k->w, &b);
		buf_free(&b);
	}
	json_free(o);
	return ref;
}

static const char *put_value(struct making *k, const char *type, str value)
{
	if (value.n == 0)
		return NULL;
	struct json_object *o = observable(type);
	add_text(o, "value", value);
	return put_observable(k, o);
}

static const char *put_asn(struct making *k, const char *side)
{
	int64_t asn;
	if (!number_of(k, side, "asn", &asn))
		return NULL;
	struct json_object *o = observable("autonomous-system");
	json_object_object_add(o, "number", json_object_new_int64(asn));
	add_text(o, "name", text_of(k, side, "as_name"));
	add_text(o, "rir", text_of(k, side, "registry"));
	return put_observable(k, o);
}

static const char *put_address(struct making *k, const char *side, const char *asn)
{
	struct ip ip;
	str text = text_of(k, side, "ip");
	if (text.n == 0 || !ip_parse(text, &ip))
		return NULL;
	struct json_object *o = observable(str_has(text, ':') ? "ipv6-addr" : "ipv4-addr");
	add_text(o, "value", text);
	if (asn) {
		struct json_object *list = json_object_new_array();
		json_object_array_add(list, json_object_new_string(asn));
		json_object_object_add(o, "belongs_to_refs", list);
	}
	return put_observable(k, o);
}

static void put_file(struct making *k)
{
	static const struct { const char *field, *name; size_t digits; } digests[] = {
		{ "malware.hash.md5", "MD5", 32 }, { "malware.hash.sha1", "SHA-1", 40 },
		{ "malware.hash.sha256", "SHA-256", 64 },
	};
	struct json_object *hashes = json_object_new_object();
	for (size_t i = 0; i < COUNT_OF(digests); i++) {
		str v = json_get_str(k->e, digests[i].field);
		unsigned char bytes[32];
		if (v.n == digests[i].digits && hex_parse(v, bytes, v.n / 2))
			add_text(hashes, digests[i].name, v);
	}
	if (json_object_object_length(hashes) == 0) {
		json_free(hashes);
		return;
	}
	struct json_object *o = observable("file");
	json_object_object_add(o, "hashes", hashes);
	(void)put_observable(k, o);
}

static void put_traffic(struct making *k, const char *from, const char *to)
{
	static const struct { const char *side, *name; } ports[] = { { "source", "src_port" }, { "destination", "dst_port" } };
	str transport = json_get_str(k->e, "protocol.transport"), application = json_get_str(k->e, "protocol.application");
	int64_t port;
	if ((!from && !to) || (transport.n == 0 && application.n == 0))
		return;
	struct json_object *o = observable("network-traffic"), *list = json_object_new_array();
	add_text(o, "src_ref", str_of(from));
	add_text(o, "dst_ref", str_of(to));
	for (size_t i = 0; i < COUNT_OF(ports); i++)
		if (number_of(k, ports[i].side, "port", &port) && port >= 0 && port <= 65535)
			json_object_object_add(o, ports[i].name, json_object_new_int64(port));
	if (transport.n)
		json_object_array_add(list, json_object_new_string_len(transport.p, (int)transport.n));
	if (application.n)
		json_object_array_add(list, json_object_new_string_len(application.p, (int)application.n));
	json_object_object_add(o, "protocols", list);
	(void)put_observable(k, o);
}

static void put_observables(struct making *k)
{
	static const char *const sides[] = { "source", "destination" };
	const char *address[2] = { NULL, NULL };
	for (size_t i = 0; i < 2; i++) {
		const char *asn = put_asn(k, sides[i]);
		address[i] = put_address(k, sides[i], asn);
		(void)put_value(k, "domain-name", text_of(k, sides[i], "fqdn"));
		(void)put_value(k, "url", text_of(k, sides[i], "url"));
	}
	put_file(k);
	put_traffic(k, address[0], address[1]);
}

/* --- what ties them together --- */

/* STIX wants at least three digits of a second. */
static bool stix_time(str text, char out[TIME_MAX])
{
	int64_t us;
	char at[40];
	if (!time_parse(text, true, &us))
		return false;
	str s = time_str(at, us);
	bool whole = !str_has(s, '.');
	snprintf(out, TIME_MAX, STR_FMT "%s", STR_ARG(str_head(s, str_find(s, STR("+00:00")))), whole ? ".000Z" : "Z");
	return true;
}

static struct json_out object_begin(struct buf *b, const char *type, const char *id, const struct making *k)
{
	struct json_out j = json_out(b);
	json_open(&j, '{');
	json_put_str(&j, "type", str_of(type));
	json_put_str(&j, "spec_version", STR("2.1"));
	json_put_str(&j, "id", str_of(id));
	json_put_str(&j, "created_by_ref", str_of(k->w->identity));
	json_put_str(&j, "created", str_of(k->first));
	json_put_str(&j, "modified", str_of(k->first));
	json_key(&j, STR("object_marking_refs"));
	json_open(&j, '[');
	json_str(&j, str_of(stix_tlp_id(k->tlp)));
	json_close(&j, ']');
	return j;
}

static void put_labels(struct json_out *j, const struct making *k)
{
	str type = json_get_str(k->e, "classification.type"), identifier = json_get_str(k->e, "classification.identifier");
	char label[200];
	if (type.n == 0)
		return;
	json_key(j, STR("labels"));
	json_open(j, '[');
	snprintf(label, sizeof label, "rsit:" STR_FMT, STR_ARG(str_head(type, 150)));
	json_str(j, str_of(label));
	if (identifier.n)
		json_str(j, identifier);
	json_close(j, ']');
}

static void put_observed(struct making *k, str event_id, char id[STIX_ID_MAX])
{
	struct buf b = BUF_INIT(OBJECT_MAX);
	stix_named_id(&k->w->space, "observed-data", event_id, id);
	struct json_out j = object_begin(&b, "observed-data", id, k);
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
	json_key(&j, STR("extensions"));
	json_open(&j, '{');
	json_key(&j, STR(STIX_EXTENSION));
	json_open(&j, '{');
	json_put_str(&j, "extension_type", STR("property-extension"));
	json_put_str(&j, "event", str_of(json_object_to_json_string_ext(k->e, JSON_C_TO_STRING_PLAIN |
									JSON_C_TO_STRING_NOSLASHESCAPE)));
	json_close(&j, '}');
	json_close(&j, '}');
	json_close(&j, '}');
	give_text(k->w, &b);
	buf_free(&b);
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
		str v = json_get_str(k->e, by[i].field);
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
	str type = json_get_str(k->e, "classification.type");
	char id[STIX_ID_MAX], sighting[STIX_ID_MAX];
	struct buf pattern = BUF_INIT(KIB(64)), b = BUF_INIT(OBJECT_MAX);
	for (size_t i = 0; i < COUNT_OF(accusing); i++)
		if (str_eq(type, str_of(accusing[i].type)))
			what = accusing[i].indicator;
	if (what && put_pattern(k, &pattern) && !pattern.over) {
		stix_named_id(&k->w->space, "indicator", event_id, id);
		struct json_out j = object_begin(&b, "indicator", id, k);
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
		json_close(&j, '}');
		give_text(k->w, &b);
		buf_reset(&b);
		stix_named_id(&k->w->space, "sighting", event_id, sighting);
		j = object_begin(&b, "sighting", sighting, k);
		json_put_str(&j, "sighting_of_ref", str_of(id));
		json_key(&j, STR("observed_data_refs"));
		json_open(&j, '[');
		json_str(&j, str_of(observed));
		json_close(&j, ']');
		json_put_str(&j, "first_seen", str_of(k->first));
		json_put_i64(&j, "count", 1);
		json_close(&j, '}');
		give_text(k->w, &b);
	}
	buf_free(&pattern);
	buf_free(&b);
}

/* --- once at the start --- */

static void put_frame(struct stix_writer *w)
{
	char project[STIX_ID_MAX];
	struct buf b = BUF_INIT(KIB(64));
	stix_named_id(&ours, "identity", STR("ronda"), project);
	struct json_out j = json_out(&b);
	const struct { const char *id, *name, *class; } who[] = {
		{ project, "ronda", "system" }, { w->identity, w->name_text, "organization" },
	};
	for (size_t i = 0; i < COUNT_OF(who); i++) {
		buf_reset(&b);
		j = json_out(&b);
		json_open(&j, '{');
		json_put_str(&j, "type", STR("identity"));
		json_put_str(&j, "spec_version", STR("2.1"));
		json_put_str(&j, "id", str_of(who[i].id));
		json_put_str(&j, "created", STR(EPOCH));
		json_put_str(&j, "modified", STR(EPOCH));
		json_put_str(&j, "name", str_of(who[i].name));
		json_put_str(&j, "identity_class", str_of(who[i].class));
		json_close(&j, '}');
		give_text(w, &b);
	}
	buf_reset(&b);
	j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "type", STR("extension-definition"));
	json_put_str(&j, "spec_version", STR("2.1"));
	json_put_str(&j, "id", STR(STIX_EXTENSION));
	json_put_str(&j, "created_by_ref", str_of(project));
	json_put_str(&j, "created", STR(EPOCH));
	json_put_str(&j, "modified", STR(EPOCH));
	json_put_str(&j, "name", STR("ronda event"));
	json_put_str(&j, "description", STR("The event whole: member 'event' is its JSON text, flat, with the field names of IntelMQ."));
	json_put_str(&j, "schema", STR("docs/stix.md of ronda"));
	json_put_str(&j, "version", STR("1.0.0"));
	json_key(&j, STR("extension_types"));
	json_open(&j, '[');
	json_str(&j, STR("property-extension"));
	json_close(&j, ']');
	json_close(&j, '}');
	give_text(w, &b);
	buf_free(&b);
}

struct stix_writer *stix_writer_new(str node_id, str node_name, stix_give give, void *ctx)
{
	struct stix_writer *w = x_alloc(sizeof *w);
	w->give = give;
	w->ctx = ctx;
	w->name_text = x_alloc(node_name.n + 1);
	(void)str_to_z(node_name, w->name_text, node_name.n + 1);
	w->space = uuid_version5(&ours, node_id);
	stix_named_id(&w->space, "identity", STR("node"), w->identity);
	put_frame(w);
	return w;
}

void stix_writer_free(struct stix_writer *w)
{
	if (!w)
		return;
	free(w->seen);
	free(w->name_text);
	free(w);
}

enum rc stix_write_event(struct stix_writer *w, struct json_object *event, struct err *err)
{
	struct making k = { .w = w, .e = event, .tlp = TLP_RED };
	char observed[STIX_ID_MAX];
	str id = json_get_str(event, "id"), tlp = json_get_str(event, "tlp");
	if (id.n == 0 || !stix_time(json_get_str(event, "time.source"), k.first))
		return fail(err, RC_INPUT, "an event without id or time");
	(void)tlp_parse(tlp, &k.tlp); /* not understood: stays RED */
	char mark[8];
	snprintf(mark, sizeof mark, "tlp %d", (int)k.tlp);
	if (is_new(w, mark)) {
		struct buf b = BUF_INIT(KIB(4));
		struct json_out j = json_out(&b);
		stix_tlp_json(k.tlp, &j);
		give_text(w, &b);
		buf_free(&b);
	}
	put_observables(&k);
	if (k.ref_count > 0) { /* what names nothing that STIX knows has nothing to tie */
		put_observed(&k, id, observed);
		put_indicator(&k, id, observed);
	}
	return w->stopped ? fail(err, RC_CONFLICT, "nobody takes it any more") : RC_OK;
}
