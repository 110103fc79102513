/* SPDX-License-Identifier: Apache-2.0 */
#include "stix/stix_event.h"

#include <json-c/json.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/ip.h"
#include "stix/stix_private.h"
#include "stix/stix_record.h"

enum { REFS_MAX = 24 };

/* One event on its way. */
struct making {
	struct stix_writer *w;
	struct json_object *e;
	char refs[REFS_MAX][STIX_ID_MAX];
	size_t ref_count;
	char first[STIX_TIME_MAX], modified[STIX_TIME_MAX]; /* the same, unless it is given again */
	enum tlp tlp;
	str origin, item;
	bool others; /* it came from another node */
};

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
	if (stix_is_new(k->w, seen)) {
		struct buf b = BUF_INIT(STIX_OBJECT_MAX);
		buf_add(&b, str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
		stix_out(k->w, &b, id, "", k->tlp, STIX_PART);
		buf_free(&b);
	} else {
		k->w->at++;
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

/* Neither address, name, URL nor digest: by what else it names; in the end by its own text. */
static void put_other(struct making *k)
{
	static const struct { const char *field, *type, *member; } by[] = {
		{ "source.network", "ipv4-addr", "value" },	 { "source.account", "user-account", "account_login" },
		{ "destination.network", "ipv4-addr", "value" }, { "destination.account", "user-account", "account_login" },
		{ "source.reverse_dns", "domain-name", "value" },
	};
	for (size_t i = 0; i < COUNT_OF(by) && k->ref_count == 0; i++) {
		str v = json_get_str(k->e, by[i].field);
		if (v.n == 0)
			continue;
		struct json_object *o = observable(i % 2 == 0 && str_has(v, ':') ? "ipv6-addr" : by[i].type);
		add_text(o, by[i].member, v);
		(void)put_observable(k, o);
	}
	if (k->ref_count > 0)
		return;
	str text = str_of(json_object_to_json_string_ext(k->e, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	unsigned char *code = x_alloc(text.n / 3 * 4 + 5);
	int n = EVP_EncodeBlock(code, (const unsigned char *)text.p, (int)text.n);
	struct json_object *o = observable("artifact");
	add_text(o, "mime_type", STR("application/json"));
	add_text(o, "payload_bin", str_mem(code, n > 0 ? (size_t)n : 0));
	free(code);
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
	if (k->ref_count == 0)
		put_other(k);
}

/* --- what ties them together --- */

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
	struct buf b = BUF_INIT(STIX_OBJECT_MAX);
	stix_named_id(&k->w->space, "observed-data", event_id, id);
	struct json_out j = stix_begin(k->w, &b, "observed-data", id, k->first, k->modified, k->tlp);
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
	/* whom it concerns each node says by its own directory; and a reader takes flat events alone */
	struct buf text = BUF_INIT(STIX_OBJECT_MAX);
	struct json_out whole = json_out(&text);
	json_open(&whole, '{');
	json_put_members(&whole, k->e, "ronda.concerns");
	json_close(&whole, '}');
	stix_put_extension(&j, k->others ? NULL : "event", buf_str(&text), k->origin, k->item);
	buf_free(&text);
	json_close(&j, '}');
	stix_out(k->w, &b, id, k->modified, k->tlp, k->others ? STIX_PART : STIX_CARRIER);
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
	struct buf pattern = BUF_INIT(KIB(64)), b = BUF_INIT(STIX_OBJECT_MAX);
	for (size_t i = 0; i < COUNT_OF(accusing); i++)
		if (str_eq(type, str_of(accusing[i].type)))
			what = accusing[i].indicator;
	if (what && put_pattern(k, &pattern) && !pattern.over) {
		stix_named_id(&k->w->space, "indicator", event_id, id);
		struct json_out j = stix_begin(k->w, &b, "indicator", id, k->first, k->first, k->tlp);
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
		stix_out(k->w, &b, id, k->first, k->tlp, STIX_PART);
		buf_reset(&b);
		stix_named_id(&k->w->space, "sighting", event_id, sighting);
		j = stix_begin(k->w, &b, "sighting", sighting, k->first, k->first, k->tlp);
		json_put_str(&j, "sighting_of_ref", str_of(id));
		json_key(&j, STR("observed_data_refs"));
		json_open(&j, '[');
		json_str(&j, str_of(observed));
		json_close(&j, ']');
		json_put_str(&j, "first_seen", str_of(k->first));
		json_put_i64(&j, "count", 1);
		stix_put_extension(&j, NULL, STR_NONE, k->origin, k->item);
		json_close(&j, '}');
		stix_out(k->w, &b, sighting, k->first, k->tlp, STIX_PART);
	}
	buf_free(&pattern);
	buf_free(&b);
}

/* --- one event --- */

/* Who it comes from first. Told on, it keeps its origin and is nobody's carrier: a ronda has it from there, and what goes
 * round among three never comes back as something new. */
static void find_origin(struct making *k, str id, char item[96])
{
	struct uuid u;
	str node = json_get_str(k->e, "extra.origin_node"), event = json_get_str(k->e, "extra.origin_event");
	bool other = uuid_parse(node, &u) && event.n > 0 && event.n <= 64;
	k->others = other;
	k->origin = other ? node : str_of(k->w->node_text);
	snprintf(item, 96, "event--" STR_FMT, STR_ARG(str_head(other ? event : id, 64)));
	k->item = str_of(item);
}

enum rc stix_write_event(struct stix_writer *w, struct json_object *event, struct err *err)
{
	struct making k = { .w = w, .e = event, .tlp = TLP_RED };
	char observed[STIX_ID_MAX], item[96];
	int64_t us, again_us;
	str id = json_get_str(event, "id"), tlp = json_get_str(event, "tlp");
	if (id.n == 0 || !time_parse(json_get_str(event, "time.source"), true, &us))
		return fail(err, RC_INPUT, "an event without id or time");
	(void)tlp_parse(tlp, &k.tlp); /* not understood: stays RED */
	stix_time(us, k.first);
	if (!time_parse(json_get_str(event, "ronda.again"), false, &again_us) || again_us < us)
		again_us = us;
	stix_time(again_us, k.modified);
	find_origin(&k, id, item);
	stix_put_mark(w, k.tlp);
	w->at = 0;
	put_observables(&k);
	put_observed(&k, id, observed);
	put_indicator(&k, id, observed);
	return stix_end(w, err);
}

void stix_event_object_id(str node_id, str event_id, char out[STIX_ID_MAX])
{
	const struct uuid space = stix_space(node_id);
	stix_named_id(&space, "observed-data", event_id, out);
}
