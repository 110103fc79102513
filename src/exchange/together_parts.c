/* SPDX-License-Identifier: Apache-2.0 */
/* Each team's part in one item: since when it has it, what it said last, and how long it has been silent. */
#include "base/json.h"
#include "exchange/collection.h"
#include "exchange/courier.h"
#include "exchange/exchange_private.h"
#include "exchange/handover_private.h"

enum { PARTS_MOST = 1000 };

struct parting {
	struct exchange *x;
	struct reader *r;
	const struct types *types;
	struct arena *a;
	struct shared_item item;
	struct together_part *list;
	size_t count;
	int64_t due_us;
	str handler;               /* organisation; "" we */
};

static str partner_text(const struct uuid *id, struct arena *a)
{
	return together_record_id(&(const struct record){ .type_name = STR("partner"), .id = *id }, a);
}

/* --- an item of ours --- */

struct held_by {
	struct uuid partner;
	int64_t first_us, last_us;
	enum lane lane;
};

static enum rc list_held(struct parting *k, struct held_by *list, size_t *count, struct err *err)
{
	struct sql *q = sql(reader_conn(k->r), "SELECT c.partner, min(e.added_us), max(e.added_us), e.lane FROM record_version v"
					       " JOIN collection_entry e ON e.kind = ? AND e.first = v.id"
					       " JOIN collection c ON c.id = e.collection WHERE v.record = ? AND c.kind = ?"
					       " GROUP BY c.partner ORDER BY 2 LIMIT ?");
	sql_int(q, 1, ENTRY_RECORD);
	sql_int(q, 2, k->item.row);
	sql_int(q, 3, COLLECTION_OUT);
	sql_int(q, 4, PARTS_MOST);
	while (sql_row(q)) {
		struct held_by *h = &list[*count];
		if (sql_col_blob(q, 0).n != sizeof h->partner.b)
			continue;
		memcpy(h->partner.b, sql_col_blob(q, 0).p, sizeof h->partner.b);
		h->first_us = sql_col_int(q, 1);
		h->last_us = sql_col_int(q, 2);
		h->lane = (enum lane)sql_col_int(q, 3);
		(*count)++;
	}
	return sql_end(q, err);
}

static enum rc withdrawn_at(struct parting *k, const struct held_by *h, int64_t *out, struct err *err)
{
	struct sql *q = sql(reader_conn(k->r), "SELECT max(w.at_us) FROM exchange_withdrawn w JOIN collection c ON c.id = w.collection"
					       " WHERE w.item = ? AND c.kind = ? AND c.partner = ?");
	sql_str(q, 1, k->item.item);
	sql_int(q, 2, COLLECTION_OUT);
	sql_blob(q, 3, str_mem(h->partner.b, sizeof h->partner.b));
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	if (*out < h->last_us) /* offered again since */
		*out = 0;
	return sql_end(q, err);
}

static enum rc add_part(struct parting *k, const struct held_by *h, struct err *err)
{
	struct together_part *part = &k->list[k->count];
	struct receipt receipt;
	struct partner p;
	struct err none = { 0 };
	enum rc rc = partner_find(k->x, reader_conn(k->r), partner_text(&h->partner, k->a), k->a, &p, &none);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", none.text); /* erased since */
	*part = (struct together_part){ .team = p.name, .partner = partner_text(&h->partner, k->a), .since_us = h->first_us,
					.last_what = STR(""), .last_text = STR("") };
	struct buf org = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&org, STR("organisation"), &p.organisation);
	part->handles = k->handler.n && str_eq(k->handler, buf_str(&org));
	buf_free(&org);
	rc = receipt_of(reader_conn(k->r), p.id, h->lane, h->first_us, k->a, &receipt, &none);
	part->receipt_us = rc == RC_OK ? receipt.at_us : 0;
	if (rc != RC_OK && rc != RC_ABSENT)
		return fail(err, rc, "%s", none.text);
	k->count++;
	return withdrawn_at(k, h, &part->withdrawn_us, err);
}

/* --- an item of another team's: what we know of who has it --- */

static enum rc add_origin(struct parting *k, struct err *err)
{
	struct partner from;
	struct err none = { 0 };
	struct together_part *part = &k->list[k->count];
	enum rc rc = partner_by_node(k->x, reader_conn(k->r), false, k->item.r.origin, k->a, &from, &none);
	const bool is = rc == RC_OK;
	*part = (struct together_part){ .team = is ? from.name : STR("?"), .partner = is ? partner_text(&from.id, k->a) : STR(""),
					.origin = true, .since_us = k->item.r.created_us, .last_what = STR(""), .last_text = STR("") };
	k->count++;
	return is || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", none.text);
}

/* --- what they said --- */

static struct together_part *part_of(struct parting *k, str team)
{
	for (size_t i = 0; i < k->count; i++)
		if (str_eq(k->list[i].team, team))
			return &k->list[i];
	return NULL;
}

static void note_word(struct parting *k, const struct together_word *w)
{
	struct together_part *part = part_of(k, w->team);
	if (!part && !k->item.ours && !str_eq(w->team, STR("?")) && k->count < PARTS_MOST) {
		part = &k->list[k->count++]; /* its origin says that it takes part */
		*part = (struct together_part){ .team = w->team, .partner = STR(""), .since_us = w->at_us };
	}
	if (!part)
		return;
	part->words++;
	part->last_us = w->at_us;
	part->last_what = w->what;
	part->last_text = w->text.n ? w->text : w->title;
}

/* Whoever should say something and has not: from when he had it. */
static void set_clocks(struct parting *k)
{
	for (size_t i = 0; i < k->count; i++) {
		struct together_part *part = &k->list[i];
		bool asked = k->item.ours ? part->partner.n > 0 : part->us;
		if (!asked || part->withdrawn_us || part->words)
			continue;
		part->silent = true;
		part->due_us = (part->receipt_us ? part->receipt_us : part->since_us) + k->due_us;
	}
}

static enum rc put_words(struct parting *k, const struct viewer *v, struct err *err)
{
	struct together_word *words = NULL;
	size_t count = 0;
	enum rc rc = together_read(k->x, k->r, k->types, v, k->item.item, k->a, &words, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		note_word(k, &words[i]);
	return rc;
}

static str handler_of(const struct parting *k, const struct record_view *v)
{
	struct handover_type h;
	if (!handover_type_of(record_view_type(v), &h) || record_view_cuts(v, h.by))
		return STR("");
	str by = json_get_str(v->body, h.by->name);
	return by.n ? arena_str(k->a, by) : STR("");
}

enum rc together_parts(struct exchange *x, struct reader *r, const struct types *t, const struct viewer *v, str about,
		       struct arena *a, struct together_part **out, size_t *count_out, struct err *err)
{
	struct parting k = { .x = x, .r = r, .types = t, .a = a, .list = ARENA_ARRAY(a, PARTS_MOST + 2, struct together_part),
			     .due_us = x->w.settings ? settings_int(x->w.settings, "partner_answer_due") : DAY_US };
	struct held_by *held = ARENA_ARRAY(a, PARTS_MOST, struct held_by);
	struct record_view item = { 0 };
	size_t count = 0;
	*out = k.list;
	*count_out = 0;
	enum rc rc = read_record(r, t, v, about, a, &item, err);
	if (rc == RC_OK && v->as.kind != RECIPIENT_STAFF)
		rc = fail(err, RC_DENIED, "who else has it is for our own people");
	if (rc == RC_OK)
		rc = shared_load(reader_conn(r), t, store_node_id(x->w.store), record_view_id(&item, a), a, &k.item, err);
	if (rc == RC_OK)
		k.handler = handler_of(&k, &item);
	record_view_end(&item);
	if (rc != RC_OK)
		return rc;
	k.list[k.count++] = (struct together_part){ .team = STR(""), .partner = STR(""), .us = true, .origin = k.item.ours,
						    .since_us = k.item.r.created_us, .handles = k.item.ours && k.handler.n == 0,
						    .last_what = STR(""), .last_text = STR("") };
	if (k.item.ours)
		rc = list_held(&k, held, &count, err);
	else
		rc = add_origin(&k, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = add_part(&k, &held[i], err);
	if (rc == RC_OK)
		rc = put_words(&k, v, err);
	set_clocks(&k);
	*count_out = k.count;
	return rc;
}
