/* SPDX-License-Identifier: Apache-2.0 */
#include "web/page.h"

static const char *state_name(const struct quarantined *q)
{
	switch (q->state) {
	case QUARANTINE_OPEN: return "open";
	case QUARANTINE_RETRIED: return "retried";
	case QUARANTINE_DISCARDED: return "discarded";
	}
	return "";
}

static void put_record(struct page *p, const struct quarantined *q)
{
	json_open(&p->j, '{');
	json_put_i64(&p->j, "id", q->id);
	json_put_str(&p->j, "state", str_of(state_name(q)));
	json_put_str(&p->j, "reason", str_of(reject_name(q->reason)));
	json_put_str(&p->j, "words", q->words);
	json_put_str(&p->j, "feed", q->feed_name);
	json_put_str(&p->j, "file", q->file_name);
	json_put_i64(&p->j, "report", q->report);
	json_put_i64(&p->j, "input", (int64_t)q->input);
	json_put_i64(&p->j, "line", q->line);
	json_put_i64(&p->j, "offset", (int64_t)q->offset);
	json_put_i64(&p->j, "record_bytes", q->record_bytes);
	json_put_time(&p->j, "at", q->at_us);
	if (q->bytes.n > 0)
		json_put_str(&p->j, "bytes", q->bytes);
	json_close(&p->j, '}');
}

enum rc page_quarantine(struct page *p, struct err *err)
{
	struct quarantined *list = NULL;
	size_t n = 0, limit = page_limit(p, 50);
	int64_t before = 0;
	str text = http_query(p->q, "before");
	p->template = "quarantine";
	p->title = "Quarantine";
	if (text.n > 0 && (!str_to_i64(text, &before) || before <= 0))
		return fail(err, RC_INPUT, "'before' is no number of a record");
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = read_quarantine(p->r, &p->caller.viewer, before, limit, false, p->a, &list, &n, err);
	if (rc != RC_OK)
		return rc;
	page_rows(p);
	for (size_t i = 0; i < n; i++)
		put_record(p, &list[i]);
	page_rows_end(p);
	p->row_count = n;
	if (n == limit)
		page_next(p, "before", arena_fmt(p->a, "%lld", (long long)list[n - 1].id));
	return RC_OK;
}

enum rc page_quarantined(struct page *p, struct err *err)
{
	struct quarantined q;
	int64_t id;
	p->template = "quarantined";
	p->title = "Quarantined record";
	if (!str_to_i64(p->item, &id) || id <= 0)
		return fail(err, RC_ABSENT, "there is no such record");
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = read_quarantined(p->r, &p->caller.viewer, id, p->a, &q, err);
	if (rc != RC_OK)
		return rc;
	page_put_destroy(p, arena_fmt(p->a, "quarantine:%lld", (long long)id));
	json_key(&p->j, STR("record"));
	put_record(p, &q);
	return RC_OK;
}
