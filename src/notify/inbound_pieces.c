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

size_t inbound_pieces(const struct mail *m, str raw, struct inbound_piece *out)
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
	return n;
}
