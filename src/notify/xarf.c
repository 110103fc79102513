/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/xarf.h"

#include "base/hash.h"
#include "base/uuid.h"

enum need { NEED_NOTHING, NEED_PORT, NEED_URL, NEED_CVE };
static const struct row { const char *type, *category, *xarf; enum need need; const char *member, *value; } rows[] = {
#define XARF(type, category, xarf, need, member, value) { type, category, xarf, NEED_##need, member, value },
#include "notify/xarf.def"
#undef XARF
};

/* "CVE-2021-44228" somewhere in the text, upper case in `out`; false: none. */
static bool find_cve(str text, char out[32])
{
	for (size_t i = 0; i + 13 <= text.n; i++) {
		str at = str_from(text, i);
		size_t n = 9;
		if (!str_starts_nocase(at, STR("cve-")) || at.p[8] != '-')
			continue;
		while (n < at.n && n < 24 && at.p[n] >= '0' && at.p[n] <= '9')
			n++;
		bool year = true;
		for (size_t k = 4; k < 8; k++)
			year = year && at.p[k] >= '0' && at.p[k] <= '9';
		if (!year || n < 13)
			continue;
		snprintf(out, 32, "CVE-" STR_FMT, STR_ARG(str_head(str_from(at, 4), n - 4)));
		return true;
	}
	return false;
}

static bool cve_of(struct json_object *e, char out[32])
{
	return find_cve(json_get_str(e, "product.vulnerabilities"), out) ||
	       find_cve(json_get_str(e, "classification.identifier"), out);
}

static int64_t port_of(struct json_object *e, const char *name)
{
	int64_t port = 0;
	return json_get_i64(e, name, &port) && port >= 1 && port <= 65535 ? port : 0;
}

static str first_of(struct json_object *e, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		str s = json_get_str(e, names[i]);
		if (s.n > 0)
			return s;
	}
	return STR("");
}

static bool fits(const struct row *row, struct json_object *e)
{
	char cve[32];
	if (row->type[0] && !str_eq(json_get_str(e, "classification.type"), str_of(row->type)))
		return false;
	switch (row->need) {
	case NEED_NOTHING:
		return true;
	case NEED_PORT:
		return port_of(e, "source.port") > 0;
	case NEED_URL:
		return json_get_str(e, "source.url").n > 0;
	case NEED_CVE:
		return port_of(e, "source.port") > 0 && cve_of(e, cve);
	}
	return false;
}

static const struct row *row_of(struct json_object *e)
{
	const struct row *row = rows;
	while (!fits(row, e)) /* the last fits all */
		row++;
	return row;
}

static void put_party(struct json_out *j, const char *key, const struct xarf_sender *us)
{
	json_key(j, str_of(key));
	json_open(j, '{');
	json_put_str(j, "org", str_head(us->name, 200));
	json_put_str(j, "contact", us->address);
	json_put_str(j, "domain", str_from(us->address, str_index(us->address, '@') + 1));
	json_close(j, '}');
}

/* Version 4 by its bits; the same for the same event, so that who gets it twice sees it. */
static void put_id(struct json_out *j, const struct xarf_sender *us, struct json_object *e)
{
	struct buf all = BUF_INIT(KIB(1)), text = BUF_INIT(64);
	struct uuid id;
	buf_fmt(&all, STR_FMT " " STR_FMT, STR_ARG(us->node), STR_ARG(json_get_str(e, "id")));
	const struct digest d = sha256(buf_str(&all));
	memcpy(id.b, &d, sizeof id.b);
	id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x40);
	id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
	uuid_format(&text, &id);
	json_put_str(j, "report_id", buf_str(&text));
	buf_free(&all);
	buf_free(&text);
}

/* RFC 4648 section 4 */
static void put_base64(struct buf *out, str s)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < s.n; i += 3) {
		unsigned v = (unsigned)(unsigned char)s.p[i] << 16;
		v |= i + 1 < s.n ? (unsigned)(unsigned char)s.p[i + 1] << 8 : 0;
		v |= i + 2 < s.n ? (unsigned char)s.p[i + 2] : 0;
		buf_char(out, letters[v >> 18]);
		buf_char(out, letters[v >> 12 & 63]);
		buf_char(out, i + 1 < s.n ? letters[v >> 6 & 63] : '=');
		buf_char(out, i + 2 < s.n ? letters[v & 63] : '=');
	}
}

static void put_evidence(struct json_out *j, str event)
{
	struct buf payload = BUF_INIT(MIB(2));
	put_base64(&payload, event);
	json_key(j, STR("evidence"));
	json_open(j, '[');
	json_open(j, '{');
	json_put_str(j, "content_type", STR("application/json"));
	json_put_str(j, "description", STR("the event, by IntelMQ's names"));
	json_put_str(j, "payload", buf_str(&payload));
	json_put_i64(j, "size", (int64_t)event.n);
	json_close(j, '}');
	json_close(j, ']');
	buf_free(&payload);
}

static void put_own(struct json_out *j, const struct row *row, struct json_object *e)
{
	static const char *const called[] = { "classification.identifier", "malware.name", "protocol.application",
					      "product.name", "classification.type" };
	static const char *const protocols[] = { "tcp", "udp", "icmp" };
	str category = str_of(row->category), transport = json_get_str(e, "protocol.transport"), url = json_get_str(e, "source.url");
	str ip = json_get_str(e, "destination.ip");
	char cve[32];
	if (row->member[0])
		json_put_str(j, row->member,
			     row->value[0] ? str_of(row->value) : first_of(e, called, COUNT_OF(called)));
	if (str_eq(category, STR("connection"))) {
		str protocol = str_of(protocols[0]);
		for (size_t i = 0; i < COUNT_OF(protocols); i++)
			if (str_eq(transport, str_of(protocols[i])))
				protocol = transport;
		json_put_str(j, "protocol", protocol);
		json_put_str(j, "first_seen", json_get_str(e, "time.source"));
		if (ip.n > 0)
			json_put_str(j, "destination_ip", ip);
		if (port_of(e, "destination.port"))
			json_put_i64(j, "destination_port", port_of(e, "destination.port"));
	}
	if (str_eq(category, STR("content")) && url.n > 0)
		json_put_str(j, "url", url);
	if (row->need == NEED_CVE && cve_of(e, cve))
		json_put_str(j, "cve_id", str_of(cve));
	if (str_eq(category, STR("vulnerability")) && port_of(e, "source.port"))
		json_put_i64(j, "service_port", port_of(e, "source.port"));
}

static bool put_report(const struct xarf_sender *us, struct json_object *e, str event, struct buf *out)
{
	static const char *const sources[] = { "source.ip", "source.fqdn", "source.url", "source.network" };
	str source = first_of(e, sources, COUNT_OF(sources)), time = json_get_str(e, "time.source");
	const struct row *row = row_of(e);
	struct json_out j = json_out(out);
	if (source.n == 0 || time.n == 0)
		return false;
	json_open(&j, '{');
	json_put_str(&j, "xarf_version", STR("4.2.0"));
	put_id(&j, us, e);
	json_put_str(&j, "timestamp", time);
	put_party(&j, "reporter", us);
	put_party(&j, "sender", us);
	json_put_str(&j, "source_identifier", source);
	if (port_of(e, "source.port"))
		json_put_i64(&j, "source_port", port_of(e, "source.port"));
	json_put_str(&j, "category", str_of(row->category));
	json_put_str(&j, "type", str_of(row->xarf));
	put_own(&j, row, e);
	put_evidence(&j, event);
	json_close(&j, '}');
	return !out->over;
}

bool xarf_write(const struct xarf_sender *us, str event, struct buf *out)
{
	struct json_object *e = NULL;
	if (json_read(event, &e, NULL) != RC_OK)
		return false;
	bool written = put_report(us, e, event, out);
	json_free(e);
	return written;
}
