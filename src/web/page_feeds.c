/* SPDX-License-Identifier: Apache-2.0 */
#include "web/page.h"

static void put_feed(struct page *p, const struct feed *f, int64_t now_us)
{
	struct buf period = BUF_INIT(64);
	duration_format(&period, f->period_us);
	json_open(&p->j, '{');
	json_put_str(&p->j, "name", f->name);
	json_put_str(&p->j, "provider", f->provider);
	json_put_str(&p->j, "tlp", str_of(tlp_name(f->tlp)));
	if (f->has_accuracy)
		json_put_i64(&p->j, "accuracy", f->accuracy);
	json_put_bool(&p->j, "on", f->on);
	json_put_bool(&p->j, "exercise", f->exercise);
	json_put_str(&p->j, "format", f->format);
	json_put_bool(&p->j, "complete", f->complete);
	json_put_str(&p->j, "period", f->period_us > 0 ? buf_str(&period) : STR(""));
	if (f->last_report_us > 0)
		json_put_time(&p->j, "last_report", f->last_report_us);
	json_put_bool(&p->j, "overdue", feed_overdue(f, now_us));
	json_put_str(&p->j, "licence", f->licence);
	json_put_str(&p->j, "href", page_link(p, "/events", "feed", f->name));
	json_close(&p->j, '}');
	buf_free(&period);
}

enum rc page_feeds(struct page *p, struct err *err)
{
	struct feed *list = NULL;
	size_t n = 0;
	p->template = "feeds";
	p->title = "Feeds";
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = feed_list(reader_conn(p->r), p->a, &list, &n, err);
	if (rc != RC_OK)
		return rc;
	page_rows(p);
	for (size_t i = 0; i < n; i++)
		put_feed(p, &list[i], clock_now_us());
	page_rows_end(p);
	p->row_count = n;
	return RC_OK;
}
