/* SPDX-License-Identifier: Apache-2.0 */
/* Abuse reports by mail (RFC 5965, 6591, 6692): a whole mail is one record. Of it count the part
 * message/feedback-report and the header of the mail that is complained about, which stands behind it. */
#include "event/normalise.h"
#include "intake/format.h"
#include "mail/mime_text.h"

enum { HEAD_LINES = 4000 };

static size_t frame(str window, bool last)
{
	return last ? window.n : 0;
}

/* The body of the next part of that type at or behind *at, to the line that ends it; false: none. */
static bool part_of(str mail, const char *const *types, size_t count, size_t *at, str *head, str *body)
{
	str rest = str_from(mail, *at), line, name = STR("Content-Type:");
	while (rest.n > 0) {
		str from = rest;
		if (!str_line(&rest, &line))
			break;
		if (!str_starts_nocase(line, name))
			continue;
		str type = str_trim(str_from(line, name.n));
		type = str_trim(str_head(type, str_index(type, ';')));
		bool found = false;
		for (size_t i = 0; i < count; i++)
			found |= str_eq_nocase(type, str_of(types[i]));
		if (!found)
			continue;
		while (rest.n > 0 && str_line(&rest, &line) && line.n > 0)
			;
		*head = str_head(from, from.n - rest.n);
		str begin = rest;
		while (rest.n > 0) {
			str before = rest;
			if (!str_line(&rest, &line))
				break;
			if (str_starts(line, STR("--")) && line.n > 2) {
				rest = before;
				break;
			}
		}
		*body = str_head(begin, begin.n - rest.n);
		*at = mail.n - rest.n;
		return true;
	}
	return false;
}

static int claims(const struct intake_sample *s)
{
	str head = s->head;
	for (size_t i = 0; i < head.n; i++) {
		size_t next = str_index(str_from(head, i), 'm') + i;
		if (next == head.n)
			break;
		i = next;
		if (str_starts_nocase(str_from(head, i), STR("message/feedback-report")))
			return str_find(head, STR("\nFrom:")) < head.n || str_starts_nocase(head, STR("From:")) ? 92 : 70;
	}
	return 0;
}

/* --- what kind of complaint --- */

static const struct {
	const char *said, *type, *identifier;
} kinds[] = {
	{ "abuse", "spam", "feedback-abuse" },
	{ "fraud", "phishing", "feedback-fraud" },
	{ "virus", "malware-distribution", "feedback-virus" },
	{ "auth-failure", "masquerade", "feedback-auth-failure" },
	{ "miscategorized", "spam", "feedback-miscategorized" },
	{ "other", "undetermined", "feedback-other" },
	{ "not-spam", NULL, NULL },     /* nobody is accused: dropped */
	{ "opt-out", NULL, NULL },
	{ "opt-out-list", NULL, NULL },
};

struct complaint {
	struct parse *p;
	bool ip, time, failed;
	struct err err;
};

static void set(struct complaint *c, enum field f, str value)
{
	if (!c->failed && value.n > 0 && event_set(c->p->batch, f, value, &c->err) != RC_OK)
		c->failed = true;
}

static void set_extra(struct complaint *c, const char *key, str value)
{
	if (!c->failed && value.n > 0 && event_set_extra(c->p->batch, str_of(key), value, &c->err) != RC_OK)
		c->failed = true;
}

/* What is wrong in a field nobody needs is left out: half of what is seen out there is. */
static bool try_set(struct complaint *c, enum field f, str value)
{
	return value.n > 0 && !batch_row_has(c->p->batch, f) && event_set(c->p->batch, f, value, NULL) == RC_OK &&
	       batch_row_has(c->p->batch, f);
}

static bool try_time(struct complaint *c, str value)
{
	struct buf iso = BUF_INIT(64);
	bool set_it = try_set(c, FIELD_TIME_SOURCE, mime_date(value, &iso) ? buf_str(&iso) : value);
	buf_free(&iso);
	return set_it;
}

/* "dns; mx.example.org", "<a@example.org>" */
static str bare(str v)
{
	size_t semicolon = str_index(v, ';');
	v = str_trim(semicolon < v.n ? str_from(v, semicolon + 1) : v);
	if (v.n > 1 && v.p[0] == '<' && v.p[v.n - 1] == '>')
		v = str_head(str_from(v, 1), v.n - 2);
	return v;
}

static const struct {
	const char *name, *key;
} extras[] = {
	{ "User-Agent", "user_agent" }, { "Reported-Domain", "reported_domain" }, { "Reported-URI", "reported_uri" },
	{ "Reporting-MTA", "reporting_mta" }, { "Auth-Failure", "auth_failure" }, { "Delivery-Result", "delivery_result" },
	{ "Identity-Alignment", "identity_alignment" }, { "DKIM-Domain", "dkim_domain" }, { "Version", "feedback_version" },
	{ "Authentication-Results", "authentication_results" },
};

static void take_field(struct complaint *c, str name, str value, uint64_t *seen)
{
	int64_t incidents;
	if (str_eq_nocase(name, STR("Source-IP"))) {
		c->ip |= try_set(c, FIELD_SOURCE_IP, value);
	} else if (str_eq_nocase(name, STR("Source-Port"))) {
		(void)try_set(c, FIELD_SOURCE_PORT, value);
	} else if (str_eq_nocase(name, STR("Arrival-Date")) || (str_eq_nocase(name, STR("Received-Date")) && !c->time)) {
		c->time |= try_time(c, value);
	} else if (str_eq_nocase(name, STR("Original-Mail-From"))) {
		(void)try_set(c, FIELD_SOURCE_ACCOUNT, bare(value));
	} else if (str_eq_nocase(name, STR("Original-Rcpt-To"))) {
		(void)try_set(c, FIELD_DESTINATION_ACCOUNT, bare(value));
	} else if (str_eq_nocase(name, STR("Incidents"))) {
		if (str_to_i64(value, &incidents) && incidents > 0)
			batch_set_int(c->p->batch, FIELD_EXTRA, STR("incidents"), incidents);
	}
	for (size_t i = 0; i < COUNT_OF(extras); i++)
		if (str_eq_nocase(name, str_of(extras[i].name)) && !(*seen >> i & 1)) {
			*seen |= UINT64_C(1) << i;
			set_extra(c, extras[i].key, str_eq(str_of(extras[i].key), STR("reporting_mta")) ? bare(value) : value);
		}
}

/* The address in brackets of a Received line: who handed it over. */
static str received_from(str value)
{
	for (size_t i = 0; i < value.n; i++) {
		struct ip ip;
		if (value.p[i] != '[')
			continue;
		str inner = str_from(value, i + 1);
		inner = str_head(inner, str_index(inner, ']'));
		if (str_starts_nocase(inner, STR("IPv6:")))
			inner = str_from(inner, 5);
		if (ip_parse(inner, &ip))
			return inner;
	}
	return STR("");
}

/* The header of the mail that is complained about fills what the report does not say. */
static void take_original(struct complaint *c, str block)
{
	struct buf scratch = BUF_INIT(KIB(64));
	str name, value;
	bool received = false, id = false;
	for (int i = 0; i < HEAD_LINES && mime_field_next(&block, &scratch, &name, &value); i++) {
		if (str_eq_nocase(name, STR("Received")) && !received) {
			received = true;
			if (!c->ip && (c->ip = try_set(c, FIELD_SOURCE_IP, received_from(value))))
				set_extra(c, "source_from", STR("received"));
		} else if (str_eq_nocase(name, STR("Message-ID")) && !id) {
			id = true;
			set_extra(c, "original_message_id", bare(value));
		} else if (str_eq_nocase(name, STR("Date")) && !c->time) {
			c->time = try_time(c, value);
		}
	}
	buf_free(&scratch);
}

static str value_of(str block, const char *want, struct arena *a)
{
	struct buf scratch = BUF_INIT(KIB(64));
	str name, value, found = STR("");
	while (found.n == 0 && mime_field_next(&block, &scratch, &name, &value))
		if (str_eq_nocase(name, str_of(want)))
			found = arena_str(a, value);
	buf_free(&scratch);
	return found;
}

static void take_all(struct complaint *c, str report, str original, size_t kind)
{
	struct buf scratch = BUF_INIT(KIB(64));
	struct batch *b = c->p->batch;
	str name, value;
	uint64_t seen = 0;
	set(c, FIELD_CLASSIFICATION_TYPE, str_of(kinds[kind].type));
	batch_set_text(b, FIELD_CLASSIFICATION_IDENTIFIER, STR_NONE, str_of(kinds[kind].identifier));
	event_complete_class(b);
	set_extra(c, "feedback_type", str_of(kinds[kind].said));
	while (mime_field_next(&report, &scratch, &name, &value))
		take_field(c, name, value, &seen);
	take_original(c, original);
	buf_free(&scratch);
}

static void record(struct parse *p)
{
	static const char *const report_types[] = { "message/feedback-report" };
	static const char *const original_types[] = { "message/rfc822", "text/rfc822-headers", "message/rfc822-headers" };
	str head, report, original = STR("");
	size_t at = 0, kind = 0;
	if (str_trim_all(p->bytes).n == 0) {
		parse_blank(p);
		return;
	}
	if (!part_of(p->bytes, report_types, 1, &at, &head, &report)) {
		parse_reject(p, REJECT_SYNTAX, "no part of it is a feedback report");
		return;
	}
	if (str_eq_nocase(value_of(head, "Content-Transfer-Encoding", p->record), STR("base64"))) {
		parse_reject(p, REJECT_SYNTAX, "the feedback report is base64, which RFC 5965 does not allow");
		return;
	}
	str said = value_of(report, "Feedback-Type", p->record);
	while (kind < COUNT_OF(kinds) && !str_eq_nocase(said, str_of(kinds[kind].said)))
		kind++;
	if (kind == COUNT_OF(kinds)) {
		parse_reject(p, REJECT_FIELD, "no Feedback-Type, or one that is not known: '" STR_FMT "'",
			     STR_ARG(str_head(said, 40)));
		return;
	}
	if (!kinds[kind].type) {
		parse_drop(p);
		return;
	}
	(void)part_of(p->bytes, original_types, COUNT_OF(original_types), &at, &head, &original);
	struct complaint c = { .p = p };
	parse_event(p);
	take_all(&c, report, original, kind);
	if (c.failed)
		parse_reject(p, REJECT_FIELD, "%s", c.err.text);
	else if (!c.ip && !batch_row_has(p->batch, FIELD_SOURCE_FQDN) && !batch_row_has(p->batch, FIELD_SOURCE_URL) &&
		 !try_set(&c, FIELD_SOURCE_FQDN, value_of(report, "Reported-Domain", p->record)))
		parse_reject(p, REJECT_FIELD, "it names neither an address nor a domain");
	else
		(void)parse_event_end(p);
}

const struct intake_format intake_arf = {
	.name = "arf",
	.brief = "abuse reports by mail (RFC 5965), one mail a report",
	.claims = claims,
	.frame = frame,
	.record = record,
};
