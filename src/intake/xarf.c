/* SPDX-License-Identifier: Apache-2.0 */
/* X-ARF: version 4 (JSON, flat, category and type), 1 to 3 (JSON, "Report"), 0.1 and 0.2 (fields
 * "Name: value", as in the part report.txt of a mail). A document is one record, and an event. */
#include <json-c/json.h>

#include "base/json.h"
#include "event/normalise.h"
#include "intake/format.h"
#include "mail/mime_text.h"

/* --- what it is about --- */

/* By category and type (v4), or the type alone, letters and digits in lower case. */
static const struct {
	const char *type, *class, *identifier;
} kinds[] = {
	/* version 4 */
	{ "ddos", "ddos", "ddos" }, { "infectedhost", "infected-system", "infected-host" },
	{ "loginattack", "brute-force", "login-attack" }, { "portscan", "scanner", "port-scan" },
	{ "reconnaissance", "scanner", "reconnaissance" }, { "scraping", "scanner", "scraping" },
	{ "sqlinjection", "exploit", "sql-injection" }, { "vulnerabilityscan", "scanner", "vulnerability-scan" },
	{ "brandinfringement", "masquerade", "brand-infringement" }, { "exposeddata", "data-leak", "exposed-data" },
	{ "fraud", "phishing", "fraud" }, { "malware", "malware-distribution", "malware" },
	{ "phishing", "phishing", "phishing" }, { "remotecompromise", "system-compromise", "remote-compromise" },
	{ "suspiciousregistration", "masquerade", "suspicious-registration" }, { "copyright", "copyright", "copyright" },
	{ "cyberlocker", "copyright", "cyberlocker" }, { "linksite", "copyright", "link-site" }, { "p2p", "copyright", "p2p" },
	{ "ugcplatform", "copyright", "ugc-platform" }, { "usenet", "copyright", "usenet" },
	{ "botnet", "infected-system", "botnet" }, { "compromisedserver", "system-compromise", "compromised-server" },
	{ "bulkmessaging", "spam", "bulk-messaging" }, { "spam", "spam", "spam" }, { "blocklist", "blacklist", "blocklist" },
	{ "threatintelligence", "other", "threat-intelligence" }, { "cve", "vulnerable-system", "cve" },
	{ "misconfiguration", "misconfiguration", "misconfiguration" },
	{ "openservice", "potentially-unwanted-accessible", "open-service" },
	/* version 3 and before */
	{ "dos", "dos", "dos" }, { "exploit", "exploit", "exploit" }, { "trademark", "masquerade", "trademark" },
	{ "harassment", "harmful-speech", "harassment" }, { "webcrawler", "scanner", "scraping" },
	{ "potentiallycompromisedaccount", "unprivileged-account-compromise", "compromised-account" },
	{ "childsexualabusematerial", NULL, NULL }, { "csam", NULL, NULL }, { "csem", NULL, NULL },
	{ "webhack", "exploit", "webhack" }, { "vulnerability", "vulnerable-system", "vulnerability" },
	{ "hacking", "exploit", "hacking" },
	/* 0.1, 0.2: by Report-Type, else by Category */
	{ "harvesting", "spam", "harvesting" }, { "regbot", "unauthorized-use-of-resources", "regbot" },
	{ "attack", "exploit", "attack" }, { "malwareattack", "malware-distribution", "malware" },
	{ "bruteforcelogin", "brute-force", "login-attack" }, { "bruteforce", "brute-force", "login-attack" },
	{ "rfiattack", "exploit", "rfi-attack" }, { "badbot", "scanner", "bad-bot" }, { "ipscan", "scanner", "port-scan" },
	{ "reportspam", "spam", "spam" }, { "info", "undetermined", "info" }, { "abuse", "undetermined", "abuse" },
	{ "auth", "brute-force", "login-attack" }, { "private", "undetermined", "private" },
};

struct report {
	struct parse *p;
	bool ip;
	struct err err;
	bool failed;
};

/* "login_attack", "LoginAttack" and "login-attack" are one. */
static size_t kind_of(str said)
{
	char low[48];
	size_t n = 0;
	for (size_t i = 0; i < said.n && n + 1 < sizeof low; i++) {
		char c = said.p[i];
		if (c >= 'A' && c <= 'Z')
			low[n++] = (char)(c - 'A' + 'a');
		else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			low[n++] = c;
	}
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (str_eq(str_mem(low, n), str_of(kinds[i].type)))
			return i;
	return COUNT_OF(kinds);
}

static void set(struct report *r, enum field f, str value)
{
	if (!r->failed && value.n > 0 && !batch_row_has(r->p->batch, f) && event_set(r->p->batch, f, value, &r->err) != RC_OK)
		r->failed = true;
}

static void set_extra(struct report *r, const char *key, str value)
{
	if (!r->failed && value.n > 0 && event_set_extra(r->p->batch, str_of(key), value, &r->err) != RC_OK)
		r->failed = true;
}

/* What a report is about: an address, a name or a URL, whatever it is said to be. */
static void set_source(struct report *r, str value)
{
	struct ip ip;
	str host;
	value = str_trim_all(value);
	if (value.n == 0)
		return;
	if (ip_parse(value, &ip)) {
		set(r, FIELD_SOURCE_IP, value);
	} else if (str_find(value, STR("://")) < value.n) {
		set(r, FIELD_SOURCE_URL, value);
		if (!url_host(value, &host))
			return;
		if (ip_parse(host, &ip))
			set(r, FIELD_SOURCE_IP, host);
		else
			set(r, FIELD_SOURCE_FQDN, host);
	} else if (str_has(value, '@')) {
		set(r, FIELD_SOURCE_ACCOUNT, value);
	} else {
		set(r, FIELD_SOURCE_FQDN, value);
	}
}

/* --- JSON --- */

/* A string, or a number as text. */
static str text_of(struct report *r, struct json_object *o, const char *key)
{
	struct json_object *v = json_get(o, key);
	if (json_object_is_type(v, json_type_int))
		return arena_fmt(r->p->record, "%lld", (long long)json_object_get_int64(v));
	return json_text(v).n ? json_text(v) : STR("");
}

static const struct {
	const char *key;
	enum field field;
} v4_fields[] = {
	{ "source_port", FIELD_SOURCE_PORT }, { "destination_ip", FIELD_DESTINATION_IP },
	{ "destination_port", FIELD_DESTINATION_PORT }, { "timestamp", FIELD_TIME_SOURCE },
	{ "malware_family", FIELD_MALWARE_NAME }, { "domain", FIELD_SOURCE_FQDN }, { "asn", FIELD_SOURCE_ASN },
	{ "target_url", FIELD_DESTINATION_URL },
}, v3_fields[] = {
	{ "SourcePort", FIELD_SOURCE_PORT }, { "DestinationIp", FIELD_DESTINATION_IP },
	{ "DestinationPort", FIELD_DESTINATION_PORT }, { "Date", FIELD_TIME_SOURCE }, { "MalwareName", FIELD_MALWARE_NAME },
	{ "BotnetName", FIELD_MALWARE_NAME }, { "RpzDomain", FIELD_DESTINATION_FQDN },
	{ "TransportProtocol", FIELD_PROTOCOL_TRANSPORT }, { "SmtpMailFromAddress", FIELD_SOURCE_ACCOUNT },
};
static const char *const v4_extras[] = { "report_id", "evidence_source", "service", "service_version", "cve_id", "attack_vector",
					 "c2_server", "scan_type", "first_seen", "last_seen", "risk_level", "threat_type",
					 "p2p_protocol", "misconfiguration_type", "compromise_type", "infection_type",
					 "fraud_type", "target_brand", "affected_brand", "work_title", "rights_holder", "file_hash" };
static const char *const v3_extras[] = { "ReportClass", "ReportSubType", "ServiceName", "ServiceVersion", "FirstSeen", "CVE",
					 "FileName", "FileHash", "InfringedMaterial", "TrademarkedMaterial", "HarassmentType",
					 "DNSResolver" };

/* "tcp" and "udp" are how, "smtp" is what. */
static void set_protocol(struct report *r, str value)
{
	bool transport = str_eq_nocase(value, STR("tcp")) || str_eq_nocase(value, STR("udp")) || str_eq_nocase(value, STR("icmp"));
	set(r, transport ? FIELD_PROTOCOL_TRANSPORT : FIELD_PROTOCOL_APPLICATION, value);
}

static void put_extras(struct report *r, struct json_object *o, const char *const *names, size_t count)
{
	char key[40];
	for (size_t i = 0; i < count; i++) {
		size_t n = 0;
		for (const char *c = names[i]; *c && n + 2 < sizeof key; c++) {
			bool high = *c >= 'A' && *c <= 'Z', before = c > names[i] && c[-1] >= 'a' && c[-1] <= 'z';
			if (high && before)
				key[n++] = '_';
			key[n++] = high ? (char)(*c - 'A' + 'a') : *c;
		}
		key[n] = '\0';
		set_extra(r, key, text_of(r, o, names[i]));
	}
}

static void read_v4(struct report *r, struct json_object *o)
{
	set_source(r, text_of(r, o, "source_identifier"));
	for (size_t i = 0; i < COUNT_OF(v4_fields); i++)
		set(r, v4_fields[i].field, text_of(r, o, v4_fields[i].key));
	str url = text_of(r, o, "url");
	set(r, FIELD_SOURCE_URL, url.n ? url : text_of(r, o, "infringing_url"));
	set_protocol(r, text_of(r, o, "protocol"));
	set_extra(r, "category", text_of(r, o, "category"));
	put_extras(r, o, v4_extras, COUNT_OF(v4_extras));
	set_extra(r, "reporter", json_get_str(json_get(o, "reporter"), "org"));
}

static void read_v3(struct report *r, struct json_object *o, struct json_object *report)
{
	struct json_object *source = json_get(report, "Source"), *more = json_get(report, "AdditionalInfo");
	set_source(r, text_of(r, report, "SourceIp"));
	set_source(r, text_of(r, source, "IP"));
	str url = text_of(r, report, "SourceUrl");
	set_source(r, url.n ? url : text_of(r, report, "InfringingUrl"));
	set_source(r, text_of(r, source, "URL"));
	for (size_t i = 0; i < COUNT_OF(v3_fields); i++)
		set(r, v3_fields[i].field, text_of(r, report, v3_fields[i].key));
	set(r, FIELD_SOURCE_PORT, text_of(r, source, "Port"));
	set_protocol(r, text_of(r, more, "Protocol"));
	set(r, FIELD_DESTINATION_IP, text_of(r, more, "DestinationIP"));
	set(r, FIELD_DESTINATION_PORT, text_of(r, more, "DestinationPort"));
	set(r, FIELD_MALWARE_NAME, text_of(r, more, "MalwareFamily"));
	set_extra(r, "c2_server", text_of(r, more, "C2Server"));
	put_extras(r, report, v3_extras, COUNT_OF(v3_extras));
	set_extra(r, "reporter", json_get_str(json_get(o, "ReporterInfo"), "ReporterOrg"));
}

/* --- ending --- */

static void end(struct report *r, size_t kind)
{
	struct batch *b = r->p->batch;
	if (r->failed) {
		parse_reject(r->p, REJECT_FIELD, "%s", r->err.text);
		return;
	}
	if (!batch_row_has(b, FIELD_SOURCE_IP) && !batch_row_has(b, FIELD_SOURCE_FQDN) && !batch_row_has(b, FIELD_SOURCE_URL) &&
	    !batch_row_has(b, FIELD_SOURCE_ASN) && !batch_row_has(b, FIELD_DESTINATION_IP)) {
		parse_reject(r->p, REJECT_FIELD, "it names neither an address, a domain nor a URL");
		return;
	}
	set(r, FIELD_CLASSIFICATION_TYPE, str_of(kinds[kind].class));
	batch_set_text(b, FIELD_CLASSIFICATION_IDENTIFIER, STR_NONE, str_of(kinds[kind].identifier));
	event_complete_class(b);
	(void)parse_event_end(r->p);
}

static bool may_go_on(struct report *r, str said, size_t *kind)
{
	*kind = kind_of(said);
	if (*kind == COUNT_OF(kinds)) {
		parse_reject(r->p, REJECT_FIELD, "no type, or one that is not known: '" STR_FMT "'", STR_ARG(str_head(said, 40)));
		return false;
	}
	/* Such addresses stand nowhere but where that duty keeps them. */
	if (!kinds[*kind].class) {
		parse_drop(r->p);
		return false;
	}
	return true;
}

static void read_json(struct report *r)
{
	struct json_object *o = NULL, *report;
	size_t kind;
	if (json_read(r->p->bytes, &o, &r->err) != RC_OK) {
		parse_reject(r->p, REJECT_SYNTAX, "%s", r->err.text);
		return;
	}
	bool v4 = json_get_str(o, "xarf_version").n > 0;
	report = v4 ? o : json_get(o, "Report");
	if (!report)
		parse_reject(r->p, REJECT_SYNTAX, "neither 'xarf_version' nor 'Report'");
	else if (may_go_on(r, text_of(r, report, v4 ? "type" : "ReportType"), &kind)) {
		parse_event(r->p);
		if (v4)
			read_v4(r, o);
		else
			read_v3(r, o, report);
		end(r, kind);
	}
	json_free(o);
}

/* --- fields --- */

struct old {
	str type, category, service, source, date, port, id, from, url, destination;
};

static void read_old(struct report *r)
{
	struct buf scratch = BUF_INIT(KIB(64)), iso = BUF_INIT(64);
	struct old old = { .type = STR("") };
	const struct { const char *name; str *to; } names[] = {
		{ "Report-Type", &old.type }, { "Category", &old.category }, { "Service", &old.service }, { "Source", &old.source },
		{ "Date", &old.date }, { "Port", &old.port }, { "Report-ID", &old.id }, { "Reported-From", &old.from },
		{ "Destination", &old.destination },
	};
	str rest = r->p->bytes, name, value;
	size_t kind;
	while (rest.n > 0 && (rest.p[0] == '\n' || rest.p[0] == '\r' || str_starts(rest, STR("---")))) {
		str line;
		(void)str_line(&rest, &line);
	}
	while (mime_field_next(&rest, &scratch, &name, &value))
		for (size_t i = 0; i < COUNT_OF(names); i++)
			if (str_eq_nocase(name, str_of(names[i].name)) && names[i].to->n == 0)
				*names[i].to = arena_str(r->p->record, value);
	buf_free(&scratch);
	str said = old.type.n > 0 && kind_of(old.type) < COUNT_OF(kinds) ? old.type : old.category.n ? old.category : old.type;
	if (!may_go_on(r, said, &kind))
		return;
	parse_event(r->p);
	set_source(r, old.source);
	set(r, FIELD_TIME_SOURCE, mime_date(old.date, &iso) ? buf_str(&iso) : old.date);
	/* Of the service that was misused, not of who did it. */
	set(r, FIELD_DESTINATION_PORT, old.port);
	set_extra(r, "service", old.service);
	set_extra(r, "report_id", old.id);
	set_extra(r, "report_type", old.type);
	set_extra(r, "reporter", old.from);
	end(r, kind);
	buf_free(&iso);
}

static str begin_of(str s)
{
	while (s.n > 0 && strchr(" \t\r\n", s.p[0]) && s.p[0])
		s = str_from(s, 1);
	return s;
}

static void record(struct parse *p)
{
	struct report r = { .p = p };
	str text = begin_of(p->bytes);
	if (text.n == 0)
		parse_blank(p);
	else if (text.p[0] == '{')
		read_json(&r);
	else
		read_old(&r);
}

/* One document; or one a line, each a whole object. */
static size_t frame(str window, bool last)
{
	size_t end = str_index(window, '\n');
	if (end < window.n && window.p[0] == '{') {
		str line = str_trim_all(str_head(window, end));
		if (line.n > 2 && line.p[line.n - 1] == '}' && str_find(line, STR("\"xarf_version\"")) < line.n)
			return end + 1;
	}
	return last ? window.n : 0;
}

static int claims(const struct intake_sample *s)
{
	str head = begin_of(s->head);
	if (head.n > 0 && head.p[0] == '{')
		return str_find(head, STR("\"xarf_version\"")) < head.n ? 96 :
		       str_find(head, STR("\"ReporterInfo\"")) < head.n && str_find(head, STR("\"Report\"")) < head.n ? 93 : 0;
	head = str_head(head, 4096);
	return str_find(head, STR("Reported-From:")) < head.n && str_find(head, STR("\nSource:")) < head.n &&
			       str_find(head, STR("\nContent-Type:")) == head.n ? 90 : 0;
}

const struct intake_format intake_xarf = {
	.name = "xarf",
	.brief = "X-ARF abuse reports: JSON of versions 1 to 4, fields of 0.1 and 0.2",
	.claims = claims,
	.frame = frame,
	.record = record,
};
