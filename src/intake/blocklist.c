/* SPDX-License-Identifier: Apache-2.0 */
/* Block lists: one item a line, an address, network, range, name, URL or AS
 * number; hosts files; "address count". Behind '#', ';' or '//' stands a
 * comment. Which kind an item is, its own text says. */
#include "event/normalise.h"
#include "intake/blocklist_item.h"
#include "intake/format.h"
#include "intake/range.h"

struct state {
	bool started; /* a line that is no comment was seen: no header comes any more */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* --- lines --- */

static bool is_comment(str line)
{
	char c = line.p[0];
	return c == '#' || c == ';' || c == '!' || str_starts(line, STR("//")) ||
	       (c == '[' && line.p[line.n - 1] == ']' && !str_has(line, ':'));
}

/* A path alone, as trails of requests have it, says nothing of anybody. */
static bool is_path(str line)
{
	return line.n > 1 && line.p[0] == '/' && !str_has(line, ' ') && !str_has(line, '\t');
}

/* Takes "  # note", "; note", " // note" off the end of a line. '#' and '//'
 * stand in URLs too: there they begin a comment only behind white space. */
static str take_note(str *line)
{
	for (size_t i = 1; i < line->n; i++) {
		char c = line->p[i];
		bool spaced = is_space(line->p[i - 1]);
		bool slashes = c == '/' && i + 1 < line->n && line->p[i + 1] == '/';
		if ((c == ';' && (spaced || i + 1 == line->n || is_space(line->p[i + 1]))) ||
		    (spaced && (c == '#' || slashes))) {
			str note = str_trim(str_from(*line, i + (slashes ? 2 : 1)));
			*line = str_trim(str_head(*line, i));
			return note;
		}
	}
	return STR_NONE;
}

static bool is_header(str line)
{
	static const str words[] = {
		STR_INIT("ip"),         STR_INIT("ips"),       STR_INIT("ip address"),
		STR_INIT("ip_address"), STR_INIT("ipaddress"), STR_INIT("address"),
		STR_INIT("addresses"),  STR_INIT("host"),      STR_INIT("hosts"),
		STR_INIT("hostname"),   STR_INIT("domain"),    STR_INIT("domains"),
		STR_INIT("fqdn"),       STR_INIT("url"),       STR_INIT("urls"),
		STR_INIT("network"),    STR_INIT("cidr"),      STR_INIT("indicator"),
		STR_INIT("ioc"),        STR_INIT("asn"),
	};
	if (line.n >= 2 && line.p[0] == '"' && line.p[line.n - 1] == '"')
		line = str_head(str_from(line, 1), line.n - 2);
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq_nocase(words[i], line))
			return true;
	return false;
}

/* --- hosts files --- */

/* Addresses under which hosts files hide names. */
static bool is_sink(const struct ip *ip)
{
	static const struct ip mapped0 = {{[10] = 0xff, [11] = 0xff}};
	static const struct ip six[2] = {{{0}}, {{[15] = 1}}};
	return ip_cmp(ip, &mapped0) == 0 || (ip_is4(ip) && ip->b[12] == 127) ||
	       ip_cmp(ip, &six[0]) == 0 || ip_cmp(ip, &six[1]) == 0;
}

/* Names every hosts file has for the machine itself. */
static bool is_boilerplate(str name)
{
	static const str names[] = {
		STR_INIT("localhost"),
		STR_INIT("localhost.localdomain"),
		STR_INIT("local"),
		STR_INIT("broadcasthost"),
		STR_INIT("localhost4"),
		STR_INIT("localhost6"),
		STR_INIT("localhost4.localdomain4"),
		STR_INIT("localhost6.localdomain6"),
		STR_INIT("0.0.0.0"),
	};
	if (str_starts_nocase(name, STR("ip6-")))
		return true;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_eq_nocase(names[i], name))
			return true;
	return false;
}

static str take_word(str *s)
{
	size_t n = 0;
	while (n < s->n && !is_space(s->p[n]))
		n++;
	str word = str_head(*s, n);
	*s = str_trim(str_from(*s, n));
	return word;
}

struct hosts_line {
	str names; /* words behind the address */
	bool sink;
};

static bool is_hosts_line(str line, struct hosts_line *out)
{
	struct ip ip;
	str rest = line, address = take_word(&rest);
	if (rest.n == 0 || !ip_parse(str_head(address, str_index(address, '%')), &ip))
		return false;
	out->sink = is_sink(&ip);
	out->names = rest;
	for (str names = rest; names.n;) {
		str name = take_word(&names);
		if (!is_boilerplate(name) && (!out->sink || !item_is_name(name)))
			return false;
	}
	return true;
}

/* --- events --- */

static enum rc set_port(struct batch *b, const struct item *it, struct err *err)
{
	return it->port.n ? event_set(b, FIELD_SOURCE_PORT, it->port, err) : RC_OK;
}

static enum rc set_ip(struct batch *b, const struct ip *ip, struct err *err)
{
	if (is_sink(ip))
		return fail(err, RC_INPUT, "an address of the machine itself");
	batch_set_ip(b, FIELD_SOURCE_IP, ip);
	return RC_OK;
}

static enum rc set_url(struct batch *b, const struct item *it, struct err *err)
{
	struct ip ip;
	str host;
	enum rc rc = event_set(b, FIELD_SOURCE_URL, it->text, err);
	if (rc != RC_OK || !url_host(it->text, &host))
		return rc;
	/* Whom it concerns follows from the host. What is no name stays in the URL only. */
	if (ip_parse(host, &ip))
		return set_ip(b, &ip, err);
	rc = event_set(b, FIELD_SOURCE_FQDN, host, NULL);
	return rc == RC_INPUT ? RC_OK : rc;
}

static enum rc set_item(struct batch *b, const struct item *it, struct err *err)
{
	switch (it->kind) {
	case ITEM_IP:
		return set_ip(b, &it->ip, err) == RC_OK ? set_port(b, it, err) : RC_INPUT;
	case ITEM_NAME: {
		enum rc rc = event_set(b, FIELD_SOURCE_FQDN, it->text, err);
		return rc == RC_OK ? set_port(b, it, err) : rc;
	}
	case ITEM_URL:
		return set_url(b, it, err);
	case ITEM_ASN:
		return event_set(b, FIELD_SOURCE_ASN, it->text, err);
	case ITEM_NET:
	case ITEM_RANGE:
		if (it->net.bits == 0 || (ip_is4(&it->net.ip) && it->net.bits <= 96))
			return fail(err, RC_INPUT, "a network of everything");
		batch_set_net(b, FIELD_SOURCE_NETWORK, &it->net);
		return RC_OK;
	case ITEM_NONE:
		break;
	}
	return fail(err, RC_INPUT, "no item");
}

static bool one_event(struct parse *p, const struct item *it)
{
	static const str identifiers[] = {
		[ITEM_NONE] = STR_INIT(""),
		[ITEM_IP] = STR_INIT("blacklisted-ip"),
		[ITEM_NET] = STR_INIT("blacklisted-network"),
		[ITEM_RANGE] = STR_INIT("blacklisted-network"),
		[ITEM_NAME] = STR_INIT("blacklisted-domain"),
		[ITEM_URL] = STR_INIT("blacklisted-url"),
		[ITEM_ASN] = STR_INIT("blacklisted-asn"),
	};
	struct batch *b = p->batch;
	struct err err = {0};
	int64_t count;
	parse_event(p);
	batch_set_text(b, FIELD_CLASSIFICATION_IDENTIFIER, STR_NONE, identifiers[it->kind]);
	batch_set_text(b, FIELD_CLASSIFICATION_TAXONOMY, STR_NONE, STR("other"));
	batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("blacklist"));
	if (set_item(b, it, &err) != RC_OK) {
		parse_reject(p, REJECT_FIELD, "%s", err.text);
		return false;
	}
	if (it->path.n)
		batch_set_text(b, FIELD_SOURCE_URLPATH, STR_NONE, it->path);
	if (it->note.n)
		batch_set_text(b, FIELD_EVENT_DESCRIPTION_TEXT, STR_NONE, it->note);
	if (str_to_i64(it->count, &count))
		batch_set_int(b, FIELD_EXTRA, STR("count"), count);
	return parse_event_end(p);
}

static void range_events(struct parse *p, struct item *it)
{
	struct net nets[INPUT_ROWS_MAX];
	size_t n = 0;
	if (!range_nets(&it->ip, &it->last, nets, COUNT_OF(nets), &n)) {
		parse_reject(p, n ? REJECT_LIMIT : REJECT_FIELD, "%s",
			     n ? "a range of too many networks" : "a range that is none");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		it->kind = nets[i].bits == 128 ? ITEM_IP : ITEM_RANGE;
		it->net = nets[i];
		it->ip = nets[i].ip;
		if (!one_event(p, it))
			return;
	}
}

static void hosts_events(struct parse *p, const struct hosts_line *hosts, str note)
{
	struct item it = {.kind = ITEM_NAME, .note = note};
	size_t made = 0;
	for (str names = hosts->names; names.n;) {
		it.text = take_word(&names);
		if (is_boilerplate(it.text))
			continue;
		if (!one_event(p, &it))
			return;
		made++;
	}
	if (made == 0)
		parse_drop(p);
}

static void record(struct parse *p)
{
	struct state *s = p->state;
	struct hosts_line hosts;
	struct item it;
	str line = str_trim_all(p->bytes);
	if (line.n == 0 || is_comment(line)) {
		parse_blank(p);
		return;
	}
	p->header = !s->started && is_header(line);
	s->started = true;
	if (p->header)
		return;
	str note = take_note(&line);
	if (item_parse(line, p->record, &it)) {
		it.note = note;
		if (it.kind == ITEM_RANGE)
			range_events(p, &it);
		else
			one_event(p, &it);
	} else if (is_hosts_line(line, &hosts)) {
		hosts_events(p, &hosts, note);
	} else if (is_path(line)) {
		parse_drop(p);
	} else {
		parse_reject(p, REJECT_SYNTAX, "neither address, network, name nor URL");
	}
}

static enum rc begin(struct parse *p, struct err *err)
{
	(void)err;
	p->state = ARENA_NEW(p->report, struct state);
	return RC_OK;
}

static bool wants_header(const struct parse *p)
{
	return !((const struct state *)p->state)->started;
}

/* Low: whoever knows the bytes better goes first. */
static int claims(const struct intake_sample *s)
{
	size_t lines = 0, items = 0, comments = 0;
	struct arena *a = arena_new(KIB(4));
	str rest = s->head, line;
	while (lines < 500 && str_line(&rest, &line)) {
		struct item it;
		struct hosts_line hosts;
		if (rest.n == 0 && !s->whole && lines)
			break; /* cut off */
		line = str_trim_all(line);
		if (line.n == 0 || is_comment(line) || is_path(line)) {
			comments += line.n > 0;
			continue;
		}
		if (lines++ == 0 && is_header(line)) {
			items++;
			continue;
		}
		take_note(&line);
		items += item_parse(line, a, &it) || is_hosts_line(line, &hosts);
		arena_reset(a);
	}
	arena_free(a);
	if (lines == 0) /* an empty list, or a long head of comments */
		return comments ? 10 : 0;
	return items * 10 >= lines * 9 ? 50 : items * 2 > lines ? 30 : 0;
}

const struct intake_format intake_blocklist = {
	.name = "blocklist",
	.brief = "addresses, networks, domains and URLs, one a line; hosts files",
	.claims = claims,
	.open = begin,
	.record = record,
	.wants_header = wants_header,
};
