/* SPDX-License-Identifier: Apache-2.0 */
/* Findings that are held back are few; an event's finding is looked for among them. */
#include <stdlib.h>

#include "route/findings_private.h"

struct findings_held {
	struct key key;
	struct finding_event e;
	struct hash128 *list; /* by id */
	size_t n, room;
};

static int by_id(const void *a, const void *b)
{
	return id_cmp(*(const struct hash128 *)a, *(const struct hash128 *)b);
}

enum rc findings_held_load(struct reader *r, struct findings_held **out, struct err *err)
{
	struct findings_held *h = x_alloc(sizeof *h);
	*h = (struct findings_held){ .key = finding_key_derive(store_secret(reader_store(r))), .e = FINDING_EVENT_INIT };
	/* the constant, not a parameter: an index has these rows alone */
	struct sql *q = sql(reader_conn(r), "SELECT id FROM finding_mark WHERE mark = 3 ORDER BY id");
	_Static_assert(MARK_HELD == 3, "as the statement says");
	while (sql_row(q)) {
		if (h->n == h->room) {
			h->room = h->room ? 2 * h->room : 16;
			h->list = x_grow(h->list, h->room, sizeof *h->list);
		}
		h->list[h->n++] = id_of_bytes(sql_col_blob(q, 0));
	}
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK) {
		findings_held_free(h);
		h = NULL;
	}
	*out = h;
	return rc;
}

bool findings_held_has(struct findings_held *h, const struct event_row *e)
{
	return h->n && finding_id_of(&h->key, e->batch, e->row, e->received_us, &h->e) &&
	       bsearch(&h->e.id, h->list, h->n, sizeof *h->list, by_id);
}

void findings_held_free(struct findings_held *h)
{
	if (!h)
		return;
	finding_event_free(&h->e);
	free(h->list);
	free(h);
}
