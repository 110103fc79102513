/* SPDX-License-Identifier: Apache-2.0 */
/* What of a mail may be a report. Which format it is, the parser child sees by content. */
#include "notify/inbound.h"

static bool ends(str name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		str end = str_of(list[i]);
		if (name.n > end.n && str_eq_nocase(str_from(name, name.n - end.n), end))
			return true;
	}
	return false;
}

static bool is_one_of(str type, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(type, str_of(list[i])))
			return true;
	return false;
}

/* X-ARF before version 3 is a text part named report.txt or without a name, by its keys. */
static bool is_old_xarf(const struct mail_part *p)
{
	str head = str_head(p->bytes, 8192);
	return (str_starts(p->type, STR("text/")) || str_eq(p->type, STR("application/x-yaml"))) &&
	       str_find(head, STR("Reported-From:")) < head.n && str_find(head, STR("Source:")) < head.n;
}

static bool is_xarf(const struct mail_part *p)
{
	str head = str_head(p->bytes, 65536);
	bool json = str_starts(str_trim_all(head), STR("{"));
	return json && (str_find(head, STR("\"xarf_version\"")) < head.n || str_find(head, STR("\"ReporterInfo\"")) < head.n);
}

static bool is_report(const struct mail_part *p)
{
	static const char *const types[] = { "text/csv", "application/csv", "application/zip", "application/gzip",
					     "application/x-gzip", "application/x-zip-compressed", "application/json",
					     "application/zstd", "text/tab-separated-values" };
	static const char *const names[] = { ".csv", ".csv.gz", ".zip", ".gz", ".json", ".jsonl", ".ndjson", ".zst", ".tsv" };
	return p->attached && (is_one_of(p->type, types, COUNT_OF(types)) || ends(p->name, names, COUNT_OF(names)));
}

bool inbound_is_named(str list, str from)
{
	str domain = str_from(from, str_index(from, '@') + 1);
	while (list.n > 0 && from.n > 0) {
		str who = str_trim(str_cut(&list, ','));
		if (str_eq(who, STR("*")) || (who.n > 0 && (str_eq_nocase(who, from) || str_eq_nocase(who, domain))))
			return true;
	}
	return false;
}

/* Up to the line that begins a signature (RFC 3676, section 4.3). */
static str without_signature(str text)
{
	str rest = text, line;
	while (rest.n > 0) {
		size_t at = text.n - rest.n;
		if (!str_line(&rest, &line))
			break;
		if (str_eq(line, STR("-- ")))
			return str_head(text, at);
	}
	return text;
}

/* Its bytes where it is text as it came: the text that is shown may be cut. */
static bool body_piece(const struct mail *m, struct inbound_piece *out)
{
	str text = m->text;
	for (size_t i = 0; i < m->part_count && !m->text_was_html; i++) {
		const struct mail_part *p = &m->parts[i];
		if (str_eq(p->type, STR("text/plain")) && !p->attached && !p->nested && p->bytes.n > 0) {
			text = p->bytes;
			break;
		}
	}
	*out = (struct inbound_piece){ .part = INBOUND_BODY, .format = "auto", .name = STR(""), .bytes = without_signature(text) };
	return str_trim_all(out->bytes).n > 0;
}

size_t inbound_pieces(const struct mail *m, str raw, bool body, struct inbound_piece *out)
{
	size_t n = 0;
	if (m->is_feedback) {
		out[n++] = (struct inbound_piece){ .part = INBOUND_WHOLE, .format = "arf", .name = STR("report.eml"), .bytes = raw };
		return n;
	}
	for (size_t i = 0; i < m->part_count && n < INBOUND_REPORTS_MAX; i++) {
		const struct mail_part *p = &m->parts[i];
		bool xarf = is_xarf(p) || is_old_xarf(p);
		if (p->bytes.n == 0 || p->nested || (!xarf && !is_report(p)))
			continue;
		out[n++] = (struct inbound_piece){ .part = (int)i, .format = xarf ? "xarf" : "auto", .name = p->name,
						   .bytes = p->bytes };
	}
	return n == 0 && body && body_piece(m, out) ? 1 : n;
}

/* --- links --- */

/* Up to where a URL ends in a text. */
static str url_at(str text)
{
	size_t n = 0;
	while (n < text.n && (unsigned char)text.p[n] > ' ' && (unsigned char)text.p[n] < 0x7f && !strchr("<>\"'`{}|\\^", text.p[n]))
		n++;
	while (n > 0 && strchr(".,;:!?)]", text.p[n - 1]))
		n--;
	return str_head(text, n);
}

static bool is_at(str url, str host)
{
	str origin = str_find(host, STR("://")) < host.n ? host : STR("");
	str rest = origin.n ? url : str_starts_nocase(url, STR("https://")) ? str_from(url, 8) : STR("");
	str want = origin.n ? origin : host;
	/* Behind the host stands a path: "https://dl.example.org.evil.example" and "https://dl.example.org@evil" are others. */
	return want.n > 0 && str_starts_nocase(rest, want) && rest.n > want.n + 1 && rest.p[want.n] == '/';
}

size_t inbound_links(const struct mail *m, str hosts, str *out)
{
	size_t n = 0;
	for (size_t i = 0; i < m->text.n && n < INBOUND_LINKS_MAX; i++) {
		str rest = str_from(m->text, i), list = hosts;
		if (!str_starts_nocase(rest, STR("http")))
			continue;
		str url = url_at(rest);
		bool fits = false, again = false;
		while (list.n > 0)
			fits |= is_at(url, str_trim(str_cut(&list, ',')));
		for (size_t k = 0; k < n; k++)
			again |= str_eq(out[k], url);
		if (fits && !again)
			out[n++] = url;
		i += url.n > 0 ? url.n - 1 : 0;
	}
	return n;
}
