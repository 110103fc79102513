/* SPDX-License-Identifier: Apache-2.0 */
/* The duty board, the roster for calendars, hand-overs, and the ladder of one record. */
#include "duty/handover.h"
#include "duty/show.h"
#include "web/records.h"

enum { CALENDAR_MAX = 16 << 20 };
#define CALENDAR_BACK (30 * DAY_US)
#define CALENDAR_AHEAD (366 * DAY_US)

/* There is a shift of his to be taken, for the button. */
static bool may_take(const struct board *b, const struct viewer *v)
{
	for (size_t i = 0; i < b->on_count; i++)
		if (!uuid_is_zero(&v->person) && uuid_equal(&b->on[i]->person, &v->person) && !b->on[i]->taken)
			return true;
	return false;
}

enum rc page_duty(struct page *p, struct err *err)
{
	struct board *b = ARENA_NEW(p->a, struct board);
	int64_t now_us = clock_now_us();
	char local[40];
	p->template = "duty";
	p->title = "Duty";
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = duty_may_see(page_types(p), &p->caller.viewer, err);
	if (rc == RC_OK)
		rc = board_read(p->r, page_types(p), p->w->n->roles, &p->caller.viewer, now_us, p->a, b, err);
	if (rc != RC_OK)
		return rc;
	json_put_time(&p->j, "now", now_us);
	json_put_str(&p->j, "local", calendar_local(p->w->n->calendar, now_us, local));
	json_put_bool(&p->j, "may_take", may_take(b, &p->caller.viewer));
	duty_put_board(&p->j, p->r, page_types(p), &p->caller.viewer, b, p->a);
	return RC_OK;
}

enum rc page_duty_calendar(struct page *p, struct err *err)
{
	int64_t now_us = clock_now_us();
	p->template = "error"; /* for a refusal */
	enum rc rc = page_reader(p, err);
	struct buf b = BUF_INIT(CALENDAR_MAX);
	if (rc == RC_OK)
		rc = duty_calendar(p->r, page_types(p), &p->caller.viewer, store_node_id(p->w->n->store),
				   now_us - CALENDAR_BACK, now_us + CALENDAR_AHEAD, p->a, &b, err);
	if (rc != RC_OK) {
		buf_free(&b);
		return rc;
	}
	p->template = NULL;
	p->ans->status = 200;
	p->ans->type = "text/calendar; charset=utf-8";
	p->ans->body = b;
	return RC_OK;
}

enum rc page_duty_take(struct page *p, struct err *err)
{
	struct node *n = p->w->n;
	uint64_t number;
	enum rc rc = duty_take(n->records, n->store, page_types(p), &p->caller.viewer, p->a, &number, err);
	if (rc == RC_OK)
		page_go(p, STR("/duty"));
	return rc;
}

enum rc page_duty_handover(struct page *p, struct err *err)
{
	struct node *n = p->w->n;
	str id;
	enum rc rc = handover_write(n->records, n->store, n->roles, page_types(p), &p->caller.viewer,
				    page_form(p, "text"), p->a, &id, err);
	if (rc == RC_OK)
		page_go(p, arena_fmt(p->a, STR_FMT "/edit", STR_ARG(id_href(p, id))));
	return rc;
}

enum rc page_duty_sign(struct page *p, struct err *err)
{
	struct node *n = p->w->n;
	enum rc rc = handover_sign(n->records, n->store, page_types(p), &p->caller.viewer, p->item, p->a, err);
	if (rc == RC_OK)
		page_go(p, STR("/duty"));
	return rc;
}

enum rc page_duty_ladder(struct page *p, struct err *err)
{
	struct ladder *l = ARENA_NEW(p->a, struct ladder);
	struct node *n = p->w->n;
	str about = http_query(p->q, "about");
	p->template = "duty_ladder";
	p->title = "Ladder";
	if (about.n == 0)
		return fail(err, RC_INPUT, "say which record: about=incident-42");
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = ladder_read(p->r, page_types(p), &p->caller.viewer, about, n->calendar,
				 settings_int(n->settings, "ladder_pause"), p->a, l, err);
	if (rc != RC_OK)
		return rc;
	duty_put_ladder(&p->j, l);
	json_put_str(&p->j, "href", id_href(p, l->item));
	json_put_str(&p->j, "call_href", page_link(p, "/duty/call", "about", l->item));
	return RC_OK;
}
