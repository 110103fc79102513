/* SPDX-License-Identifier: Apache-2.0 */
/* Which events a page has to look at when somebody asks for ids or types. The observed-data, the indicator and the sighting of
 * an event have ids that follow from its number alone: those of a whole entry are made and compared, a microsecond each, and
 * no event is read but the one that is asked for. The id of an address or a name follows from what events say: for that each
 * is read. */
#include "exchange/exchange_private.h"
#include "exchange/page_private.h"
#include "disclosure/read.h"

static bool asks_type(const struct page_query *q)
{
	bool any = q->type_count == 0;
	for (size_t i = 0; i < q->type_count && !any; i++)
		any = stix_event_makes(q->types[i]) != STIX_MAKES_NOT || (q->flat && str_eq(q->types[i], STR("event")));
	return any;
}

static void take_id(struct paging *p, str id)
{
	struct page_named *n = &p->named;
	const size_t at = str_find(id, STR("--"));
	const str type = str_head(id, at), rest = str_from(id, at + 2 < id.n ? at + 2 : id.n);
	if (p->q->flat && str_eq(type, STR("event"))) {
		n->seq_count += event_id_parse(store_secret(p->x->w.store), rest, &n->seqs[n->seq_count]);
		return;
	}
	switch (stix_event_makes(type)) {
	case STIX_MAKES_NOT:
		return;
	case STIX_MAKES_OF_VALUE:
		n->which = PAGE_EVENTS_ALL;
		return;
	case STIX_MAKES_OF_ID:
		n->uuid_count += uuid_parse(rest, &n->uuids[n->uuid_count]);
		return;
	}
}

void page_named_read(struct paging *p, struct arena *a)
{
	const struct page_query *q = p->q;
	struct page_named *n = &p->named;
	*n = (struct page_named){ .which = asks_type(q) ? PAGE_EVENTS_ALL : PAGE_EVENTS_NONE };
	if (n->which == PAGE_EVENTS_NONE || q->id_count == 0)
		return;
	n->which = PAGE_EVENTS_NONE;
	n->uuids = ARENA_ARRAY(a, q->id_count, struct uuid);
	n->seqs = ARENA_ARRAY(a, q->id_count, uint64_t);
	for (size_t i = 0; i < q->id_count; i++)
		take_id(p, q->ids[i]);
	if (n->which == PAGE_EVENTS_NONE && n->uuid_count + n->seq_count > 0)
		n->which = PAGE_EVENTS_NAMED;
}

bool page_names(struct paging *p, uint64_t seq)
{
	const struct page_named *n = &p->named;
	char text[40];
	if (n->which != PAGE_EVENTS_NAMED)
		return n->which == PAGE_EVENTS_ALL;
	for (size_t i = 0; i < n->seq_count; i++)
		if (n->seqs[i] == seq)
			return true;
	if (n->uuid_count == 0)
		return false;
	const struct uuid u = stix_event_uuid(p->writer, event_id(store_secret(p->x->w.store), seq, text));
	for (size_t i = 0; i < n->uuid_count; i++)
		if (uuid_equal(&n->uuids[i], &u))
			return true;
	return false;
}
