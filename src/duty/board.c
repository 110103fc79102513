/* SPDX-License-Identifier: Apache-2.0 */
#include "duty/board.h"

#include "disclosure/notices.h"
#include "disclosure/read_outbox.h"
#include "duty/duty_private.h"
#include "intake/feeds.h"

static const char *const kind_names[BOARD_KINDS] = {
	[BOARD_OVERDUE] = "overdue",   [BOARD_DUE_SOON] = "soon",   [BOARD_UNASSIGNED] = "unassigned",
	[BOARD_TRIAGE] = "triage",     [BOARD_WAITING] = "waiting", [BOARD_TO_SIGN] = "sign",
	[BOARD_ROUNDS] = "rounds",     [BOARD_NOTICES] = "notices", [BOARD_UNCERTAIN] = "uncertain",
	[BOARD_FAILED] = "failed",     [BOARD_FEEDS] = "feeds",
};

const char *board_kind_name(enum board_kind k)
{
	return kind_names[k];
}

struct reading {
	struct reader *r;
	const struct types *t;
	const struct viewer *v;
	int64_t now_us;
	struct arena *a;
	struct board *b;
};
struct collecting {
	struct reading *k;
	struct board_part *part;
	bool unassigned_only;
	int64_t after_us;          /* only what is due after; TIME_NONE: any */
};

static struct board_item *add(struct reading *k, struct board_part *p)
{
	static struct board_item *const none = NULL;
	if (!p->items)
		p->items = ARENA_ARRAY(k->a, BOARD_SHOWN, struct board_item);
	p->count++;
	if (p->item_count == BOARD_SHOWN)
		return none;
	struct board_item *i = &p->items[p->item_count++];
	*i = (struct board_item){ .kind = p->kind, .id = STR(""), .name = STR(""), .title = STR(""),
				  .state = STR(""), .due_us = TIME_NONE, .at_us = TIME_NONE,
				  .person = STR("") };
	return i;
}

static void take_members(struct reading *k, struct json_object *o, struct board_item *i)
{
	int64_t number = 0;
	str type = json_get_str(o, "type");
	i->id = arena_str(k->a, json_get_str(o, "id"));
	(void)json_get_i64(o, "number", &number);
	i->name = number ? arena_fmt(k->a, STR_FMT "-%lld", STR_ARG(type), (long long)number) : i->id;
	i->title = arena_str(k->a, json_get_str(o, "title"));
	i->state = arena_str(k->a, json_get_str(o, "state"));
	if (!time_parse(json_get_str(o, "due"), true, &i->due_us))
		i->due_us = TIME_NONE;
	if (!time_parse(json_get_str(o, "changed"), true, &i->at_us))
		i->at_us = TIME_NONE;
}

static bool each(void *ctx, const struct record_view *v)
{
	struct collecting *c = ctx;
	struct buf text = BUF_INIT(MIB(8)), who = BUF_INIT(KIB(4));
	struct json_out j = json_out(&text);
	struct json_object *o = NULL;
	const struct type *t = record_view_type(v);
	int64_t due_us = TIME_NONE;
	if (t && t->assignee)
		record_view_text(v, t->assignee, &who);
	record_view_json(v, &j);
	if (json_read(buf_str(&text), &o, NULL) == RC_OK && !(c->unassigned_only && who.n > 0) &&
	    !(c->after_us != TIME_NONE && time_parse(json_get_str(o, "due"), true, &due_us) &&
	      due_us <= c->after_us)) {
		struct board_item *i = add(c->k, c->part);
		if (i) {
			take_members(c->k, o, i);
			i->person = arena_str(c->k->a, buf_str(&who));
		}
	}
	json_free(o);
	buf_free(&text);
	buf_free(&who);
	return true;
}

static enum rc list(struct reading *k, enum board_kind kind, struct record_query *q, bool unassigned_only,
		    int64_t after_us, struct err *err)
{
	struct collecting c = { k, &k->b->parts[kind], unassigned_only, after_us };
	struct err why = { 0 };
	uint64_t before = c.part->count;
	enum rc rc = read_records(k->r, k->t, k->v, q, BOARD_MOST, k->a, each, &c, &why);
	c.part->more = c.part->more || c.part->count - before >= BOARD_MOST;
	return rc == RC_OK || rc == RC_DENIED ? RC_OK : fail(err, rc, "%s", why.text);
}

/* Of every type in which that means something. */
static enum rc list_meaning(struct reading *k, enum board_kind kind, const char *const *meanings,
			    size_t count, bool unassigned_only, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < types_count(k->t) && rc == RC_OK; i++) {
		const struct type *t = types_at(k->t, i);
		uint64_t states = 0;
		for (size_t m = 0; m < count; m++) {
			int state = duty_state(t, meanings[m]);
			states |= state >= 0 ? UINT64_C(1) << state : 0;
		}
		struct record_query q = { .type = t, .states = states };
		if (states != 0 && !(unassigned_only && !t->assignee))
			rc = list(k, kind, &q, unassigned_only, TIME_NONE, err);
	}
	return rc;
}

static enum rc read_due(struct reading *k, struct err *err)
{
	struct record_query over = { .overdue = true, .due_by_us = k->now_us };
	struct record_query soon = { .overdue = true, .due_by_us = k->now_us + BOARD_SOON };
	enum rc rc = list(k, BOARD_OVERDUE, &over, false, TIME_NONE, err);
	return rc == RC_OK ? list(k, BOARD_DUE_SOON, &soon, false, k->now_us, err) : rc;
}

static enum rc read_work(struct reading *k, struct err *err)
{
	static const char *const work[] = { "duty.triage", "case.triage", "duty.work" };
	static const char *const triage[] = { "duty.triage", "case.triage" };
	static const char *const waits[] = { "duty.waits" }, *const sign[] = { "handover.written" };
	static const char *const rounds[] = { "round.started" };
	enum rc rc = list_meaning(k, BOARD_UNASSIGNED, work, COUNT_OF(work), true, err);
	if (rc == RC_OK)
		rc = list_meaning(k, BOARD_TRIAGE, triage, COUNT_OF(triage), false, err);
	if (rc == RC_OK)
		rc = list_meaning(k, BOARD_WAITING, waits, COUNT_OF(waits), false, err);
	if (rc == RC_OK)
		rc = list_meaning(k, BOARD_TO_SIGN, sign, COUNT_OF(sign), false, err);
	if (rc == RC_OK)
		rc = list_meaning(k, BOARD_ROUNDS, rounds, COUNT_OF(rounds), false, err);
	return rc;
}

static enum rc read_own_notices(struct reading *k, const struct roles *roles, struct err *err)
{
	struct notice *all = NULL;
	size_t count = 0;
	struct board_part *p = &k->b->parts[BOARD_NOTICES];
	enum rc rc = read_notices(k->r, k->t, roles, k->v, 0, BOARD_MOST, k->a, &all, &count, err);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		struct board_item *item = add(k, p);
		if (!item)
			continue;
		item->id = all[i].item;
		item->name = arena_fmt(k->a, "%lld", (long long)all[i].id);
		item->title = all[i].title;
		item->due_us = all[i].due_us;
		item->at_us = all[i].made_us;
		item->person = all[i].to;
	}
	p->more = count >= BOARD_MOST;
	return rc;
}

/* Those who do not operate the node see none: that is no fault. */
static enum rc read_messages(struct reading *k, enum board_kind kind, enum message_state state,
			     struct err *err)
{
	struct outbox_query q = { .state = state, .limit = BOARD_MOST, .recipient = STR(""), .item = STR("") };
	struct message *all = NULL;
	size_t count = 0;
	struct err why = { 0 };
	struct board_part *p = &k->b->parts[kind];
	enum rc rc = read_outbox(k->r, k->t, k->v, &q, k->a, &all, &count, &why);
	if (rc == RC_DENIED)
		return RC_OK;
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		struct board_item *item = add(k, p);
		if (!item)
			continue;
		item->id = all[i].item;
		item->name = arena_fmt(k->a, "%lld", (long long)all[i].id);
		item->title = all[i].words;
		item->at_us = all[i].made_us;
		item->person = all[i].recipient;
	}
	p->more = count >= BOARD_MOST;
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}

static enum rc read_feeds(struct reading *k, struct err *err)
{
	struct feed *all = NULL;
	size_t count = 0;
	if (!right_includes(k->v->right, RIGHT_READ))
		return RC_OK;
	enum rc rc = feed_list(reader_conn(k->r), k->a, &all, &count, err);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		struct board_item *item = feed_overdue(&all[i], k->now_us) ? add(k, &k->b->parts[BOARD_FEEDS]) : NULL;
		if (!item)
			continue;
		item->name = item->title = all[i].name;
		item->at_us = all[i].last_report_us;
	}
	return rc;
}

/* Until when there is a first on duty without a gap. */
static int64_t covered_until(const struct roster *r, int64_t now_us)
{
	int64_t until = now_us;
	for (size_t i = 0; i < r->count; i++) {
		const struct shift *s = &r->shifts[i];
		if (s->role == SHIFT_FIRST && s->from_us <= until && s->until_us > until)
			until = s->until_us;
	}
	return until > now_us ? until : TIME_NONE;
}

static enum rc read_roster(struct reading *k, struct err *err)
{
	struct board *b = k->b;
	enum rc rc = roster_load(reader_conn(k->r), k->now_us - DAY_US, k->now_us + ROSTER_AHEAD, k->a,
				 &b->roster, err);
	if (rc != RC_OK)
		return rc;
	b->on_count = roster_on(&b->roster, k->now_us, b->on, ROSTER_ON_MOST);
	for (int role = 0; role < SHIFT_ROLES; role++)
		b->next[role] = roster_following(&b->roster, (enum shift_role)role, k->now_us);
	b->covered_until_us = covered_until(&b->roster, k->now_us);
	return RC_OK;
}

enum rc board_read(struct reader *r, const struct types *t, const struct roles *roles,
		   const struct viewer *v, int64_t now_us, struct arena *a, struct board *out,
		   struct err *err)
{
	*out = (struct board){ .covered_until_us = TIME_NONE };
	struct reading k = { r, t, v, now_us, a, out };
	for (int kind = 0; kind < BOARD_KINDS; kind++)
		out->parts[kind].kind = kind_names[kind];
	enum rc rc = read_roster(&k, err);
	if (rc == RC_OK)
		rc = read_due(&k, err);
	if (rc == RC_OK)
		rc = read_work(&k, err);
	if (rc == RC_OK)
		rc = read_own_notices(&k, roles, err);
	if (rc == RC_OK)
		rc = read_messages(&k, BOARD_UNCERTAIN, MESSAGE_UNCERTAIN, err);
	if (rc == RC_OK)
		rc = read_messages(&k, BOARD_FAILED, MESSAGE_FAILED, err);
	return rc == RC_OK ? read_feeds(&k, err) : rc;
}
