/* SPDX-License-Identifier: Apache-2.0 */
/* What a partner's MISP may have of our events: those that concern its organisation, as the agreement lets them go. */
#include <stdlib.h>

#include "disclosure/told_partner.h"
#include "exchange/misp_client.h"
#include "exchange/misp_private.h"
#include "exchange/misp_sync.h"
#include "record/outbox.h"
#include "store/sql.h"

enum { EVENTS_AT_ONCE = 5000, GROUPS_MOST = 400, PUSH_BYTES = 60 << 20 };

struct pushing {
	struct exchange *x;
	const struct partner *p;
	struct arena *a;
	str to;                    /* text of his record's id: part of the ids */
	struct { struct misp_group g; struct misp_writer *w; } list[GROUPS_MOST];
	size_t count;
	uint64_t last, given;      /* number of the last event; how many went in */
	uint64_t left_out;         /* too large for a MISP event */
	bool full;
	struct buf line;
};

/* Distribution at his place: CLEAR all, GREEN his community, else his organisation alone. */
static int distribution_of(enum tlp t)
{
	return t == TLP_CLEAR ? 3 : t == TLP_GREEN ? 1 : 0;
}

static struct misp_writer *writer_of(struct pushing *k, int32_t day, str type, enum tlp tlp)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->list[i].g.day == day && k->list[i].g.tlp == tlp && str_eq(k->list[i].g.type, type))
			return k->list[i].w;
	if (k->count == GROUPS_MOST)
		return NULL;
	k->list[k->count].g = (struct misp_group){ .day = day, .type = arena_str(k->a, type), .tlp = tlp, .part = 1,
						   .stamp = clock_now_us() / SECOND_US, .to = k->to,
						   .distribution = distribution_of(tlp) };
	k->list[k->count].w = misp_writer_new(&k->x->misp->maker, &k->list[k->count].g);
	return k->list[k->count++].w;
}

static bool add(void *ctx, const struct event_view *e, uint64_t seq)
{
	struct pushing *k = ctx;
	struct json_object *o = NULL;
	struct err why = { 0 };
	enum tlp tlp = TLP_RED;
	buf_reset(&k->line);
	struct json_out j = json_out(&k->line);
	event_view_json(e, &j);
	if (k->line.over || json_read(buf_str(&k->line), &o, NULL) != RC_OK) {
		k->left_out++;
		k->last = seq;
		return true;
	}
	if (!tlp_parse(json_get_str(o, "tlp"), &tlp))
		tlp = TLP_RED;
	str type = json_get_str(o, "classification.type");
	struct misp_writer *w = tlp < TLP_RED && type.n > 0 ? writer_of(k, time_day(e->received_us), type, tlp) : NULL;
	enum rc rc = w ? misp_add(w, o, e->received_us, &why) : RC_OK;
	json_free(o);
	k->full = (!w && tlp < TLP_RED && type.n > 0) || rc == RC_LIMIT;
	if (k->full)
		return false;
	k->given += w && rc == RC_OK;
	k->last = seq;
	return true;
}

/* --- what was sent --- */

struct sent {
	struct uuid partner, event;
	uint64_t seq, objects, policy;
};

static enum rc write_cursor(struct tx *tx, void *ctx, struct err *err)
{
	const struct sent *s = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO misp_push (partner, seq) VALUES (?1, ?2)"
					 " ON CONFLICT (partner) DO UPDATE SET seq = ?2");
	sql_blob(q, 1, str_mem(s->partner.b, sizeof(s->partner.b)));
	sql_int(q, 2, (int64_t)s->seq);
	return sql_run(q, err);
}

/* What left the house stands in the ledger: he has it. */
static enum rc put_ledger(struct tx *tx, const struct sent *s, struct err *err)
{
	struct buf who = BUF_INIT(80), item = BUF_INIT(80);
	buf_add(&who, STR("partner--"));
	uuid_format(&who, &s->partner);
	buf_add(&item, STR("misp:"));
	uuid_format(&item, &s->event);
	const struct ledger_row row = { .at_us = tx_now_us(tx), .kind = LEDGER_RECEIPT, .driver = STR("misp"),
					.recipient = buf_str(&who), .item = buf_str(&item), .policy = s->policy,
					.purpose = PURPOSE_HANDLING, .rule = STR(""), .cut = STR(""), .reference = STR(""),
					.words = STR(""), .covers = s->objects };
	enum rc rc = ledger_add(tx, &row, NULL, err);
	buf_free(&who);
	buf_free(&item);
	return rc;
}

static enum rc write_pushed(struct tx *tx, void *ctx, struct err *err)
{
	const struct sent *s = ctx;
	enum rc rc = put_ledger(tx, s, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO misp_pushed (partner, uuid, at_us) VALUES (?1, ?2, ?3)");
	sql_blob(q, 1, str_mem(s->partner.b, sizeof(s->partner.b)));
	sql_blob(q, 2, str_mem(s->event.b, sizeof(s->event.b)));
	sql_int(q, 3, tx_now_us(tx));
	return sql_run(q, err);
}

static enum rc was_pushed(struct exchange *x, const struct sent *s, bool *out, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT 1 FROM misp_pushed WHERE partner = ?1 AND uuid = ?2");
	sql_blob(q, 1, str_mem(s->partner.b, sizeof(s->partner.b)));
	sql_blob(q, 2, str_mem(s->event.b, sizeof(s->event.b)));
	*out = sql_row(q);
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

/* To /events/edit when he has it, to /events/add when he has not; the other when he says otherwise. An edit adds
 * objects and keeps those he has. */
static enum rc send_event(struct exchange *x, struct misp_server *s, const struct sent *one, str body, struct arena *a,
			  struct err *err)
{
	struct json_object *o = NULL;
	struct buf edit = BUF_INIT(128);
	bool has = false;
	buf_add(&edit, STR("/events/edit/"));
	uuid_format(&edit, &one->event);
	enum rc rc = was_pushed(x, one, &has, err);
	if (rc == RC_OK) {
		struct err why = { 0 };
		rc = misp_ask(s, has ? buf_str(&edit) : STR("/events/add"), body, a, &o, &why);
		json_free(o);
		/* gone there, or there already: an add of what is there is refused as input */
		if (has ? rc == RC_ABSENT : rc == RC_INPUT || rc == RC_DENIED) {
			rc = misp_ask(s, has ? STR("/events/add") : buf_str(&edit), body, a, &o, err);
			json_free(o);
		} else if (rc != RC_OK) {
			rc = fail(err, rc, "%s", why.text);
		}
	}
	buf_free(&edit);
	return rc == RC_OK ? store_write(x->w.store, write_pushed, (void *)(uintptr_t)one, err) : rc;
}

static enum rc send_all(struct pushing *k, struct misp_server *s, struct misp_sent *out, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < k->count; i++) {
		struct buf body = BUF_INIT(PUSH_BYTES);
		const struct sent one = { .partner = k->p->id, .event = misp_group_uuid(&k->x->misp->maker, &k->list[i].g),
					  .objects = misp_writer_objects(k->list[i].w),
					  .policy = policies_number(k->x->w.policies) };
		rc = misp_finish(k->list[i].w, &body, err);
		if (rc == RC_OK)
			rc = send_event(k->x, s, &one, buf_str(&body), k->a, err);
		if (rc == RC_OK) {
			out->events++;
			out->objects += misp_writer_objects(k->list[i].w);
		}
		buf_free(&body);
	}
	return rc;
}

/* --- a stretch of events --- */

/* Who is new is sent what comes from now on: what was before is not poured out by itself. */
static enum rc read_cursor(struct conn *c, struct uuid partner, uint64_t head, uint64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT seq FROM misp_push WHERE partner = ?");
	sql_blob(q, 1, str_mem(partner.b, sizeof(partner.b)));
	*out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : head;
	return sql_end(q, err);
}

/* Reads what may go; the writer is not held up while it is sent. */
static enum rc collect(struct pushing *k, uint64_t *upto, uint64_t *refused, struct err *err)
{
	struct told_to to;
	struct reader *r;
	uint64_t from = 0, head = 0;
	bool flows = false;
	enum rc rc = store_read_begin(k->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = events_last_seq(r, &head, err);
	if (rc == RC_OK)
		rc = read_cursor(reader_conn(r), k->p->id, head, &from, err);
	*upto = head > from + EVENTS_AT_ONCE ? from + EVENTS_AT_ONCE : head;
	if (rc == RC_OK && uuid_is_zero(&k->p->organisation))
		rc = fail(err, RC_DENIED, "'" STR_FMT "' names no organisation, so nothing flows", STR_ARG(k->p->name));
	if (rc == RC_OK)
		rc = told_partner(r, k->x->w.policies, k->p->organisation, partner_feed(k->p, k->a), k->p->exercise, &to, err);
	if (rc == RC_OK)
		rc = told_partner_flow(k->x->w.policies, k->p->organisation, STR("findings"), &to, &flows, err);
	if (rc == RC_OK && !flows)
		rc = fail(err, RC_DENIED, "no agreement in force lets findings flow to '" STR_FMT "'", STR_ARG(k->p->name));
	if (rc == RC_OK && from < head)
		rc = told_event_range(r, &to, from + 1, *upto, add, k, refused, err);
	if (k->full)
		*upto = k->last;
	store_read_end(r);
	return rc;
}

static enum rc push_some(struct exchange *x, const struct partner *p, struct misp_server *s, struct misp_sent *out,
			 bool *more, struct err *err)
{
	struct pushing *k = x_alloc(sizeof(*k));
	struct buf id = BUF_INIT(UUID_TEXT_BYTES + 1);
	uint64_t upto = 0, refused = 0;
	*k = (struct pushing){ .x = x, .p = p, .a = arena_new(KIB(16)), .line = BUF_INIT(MIB(16)) };
	uuid_format(&id, &p->id);
	k->to = arena_str(k->a, buf_str(&id));
	buf_free(&id);
	enum rc rc = collect(k, &upto, &refused, err);
	if (rc == RC_OK)
		rc = send_all(k, s, out, err);
	out->refused += refused + k->left_out;
	struct sent done = { .partner = p->id, .seq = upto };
	if (rc == RC_OK)
		rc = store_write(x->w.store, write_cursor, &done, err);
	struct reader *r;
	uint64_t head = upto;
	if (rc == RC_OK && store_read_begin(x->w.store, &r, NULL) == RC_OK) {
		rc = events_last_seq(r, &head, err);
		store_read_end(r);
	}
	*more = rc == RC_OK && upto < head && (k->last > 0 || !k->full);
	for (size_t i = 0; i < k->count; i++)
		misp_writer_free(k->list[i].w);
	buf_free(&k->line);
	arena_free(k->a);
	free(k);
	return rc;
}

enum rc misp_push(struct exchange *x, const struct partner *p, struct misp_sent *out, struct err *err)
{
	struct misp_server s;
	bool more = true;
	*out = (struct misp_sent){ 0 };
	enum rc rc = misp_partner_open(x, p, &s, err);
	while (rc == RC_OK && more && !misp_stopping(x))
		rc = push_some(x, p, &s, out, &more, err);
	if (s.door)
		misp_server_close(&s);
	return rc;
}
