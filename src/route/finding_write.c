/* SPDX-License-Identifier: Apache-2.0 */
#include "route/finding_write.h"

#include <stdlib.h>

enum { TRIES = 50 };

enum rc writing_begin(struct writing *w, struct store *s, const struct view *v, bool many,
		      struct err *err)
{
	*w = (struct writing){ .s = s, .folded = v->folded, .disturbed = v->disturbed, .fold_upto = -1,
			       .hides = view_has_layers(v) };
	enum rc rc = many ? layer_begin(s, &w->layer, err) : RC_OK;
	w->a = arena_new(KIB(16));
	return rc;
}

static void tell(struct writing *w, const struct finding_row *f, enum transition what)
{
	if (!what)
		return;
	if (w->tolds == w->told_room) {
		w->told_room = w->told_room ? 2 * w->told_room : 256;
		w->told = x_grow(w->told, w->told_room, sizeof(*w->told));
	}
	w->told[w->tolds++] = (struct told){ f->id, (uint8_t)what, (uint8_t)f->tlp, f->exercise };
}

static void keep(struct writing *w, const struct finding_row *f, const struct found *was)
{
	if (w->n == w->room) {
		w->room = w->room ? 2 * w->room : 64;
		w->list = x_grow(w->list, w->room, sizeof(*w->list));
	}
	struct written *one = &w->list[w->n++];
	*one = (struct written){ .row = *f };
	if (!w->layer)
		finding_row_own(&one->row, w->a);
	if (!was)
		return;
	one->in_db = was->in_db;
	one->notes = was->notes;
	if (was->notes) {
		one->note = ARENA_ARRAY(w->a, was->notes, struct sighting);
		memcpy(one->note, was->note, was->notes * sizeof(*was->note));
	}
}

enum rc writing_put(struct writing *w, const struct finding_row *f, const struct found *was,
		    enum transition what, struct err *err)
{
	tell(w, f, what);
	if (!w->layer || (was && (was->in_db || was->notes)))
		keep(w, f, was);
	struct finding_row now = *f;
	now.id_form = 0; /* it may have changed */
	return w->layer ? layer_add(w->layer, &now, err) : RC_OK;
}

enum rc writing_drop(struct writing *w, const struct finding_row *f, const struct found *was,
		     enum transition what, struct err *err)
{
	const struct finding_row none = {
		.id = f->id, .state = FINDING_NO_MORE, .last_us = f->last_us,
		.first_us = f->first_us, .tlp = f->tlp, .feeds = 1, .cc = STR_INIT(""), .type = STR_INIT(""),
		.identifier = STR_INIT(""), .severity = STR_INIT(""), .key = STR_INIT(""),
		.concerns = STR_INIT(""), .sides = STR_INIT(""),
	};
	tell(w, f, what);
	return writing_put(w, &none, was, 0, err);
}

/* --- the job --- */

static enum rc still_as_read(const struct writing *w, struct conn *c, struct err *err)
{
	int64_t folded, disturbed;
	enum rc rc = cursor_get(c, STR("fold"), &folded, err);
	if (rc == RC_OK)
		rc = cursor_get(c, STR("findings"), &disturbed, err);
	if (rc == RC_OK && (folded != w->folded || disturbed != w->disturbed))
		return fail(err, RC_CONFLICT, "findings changed meanwhile");
	return rc;
}

/* As a row with rows for its feeds; in a layer both are one. */
static enum rc write_row(const struct writing *w, struct conn *c, const struct written *one,
			 struct err *err)
{
	const struct finding_row *f = &one->row;
	enum rc rc = RC_OK;
	for (uint32_t i = 0; i < one->notes && rc == RC_OK; i++)
		rc = sighting_absorbed(c, f->id, &one->note[i], err);
	bool gone = w->layer || (f->state == FINDING_NO_MORE && !w->hides);
	if (rc == RC_OK && gone)
		return one->in_db ? finding_row_delete(c, f->id, err) : RC_OK;
	if (rc == RC_OK)
		rc = finding_row_put(c, f, err);
	for (uint32_t i = 0; i < f->seen_count && rc == RC_OK; i++)
		rc = sighting_add(c, f->id, &f->seen[i], err);
	return rc;
}

static enum rc write_all(struct tx *tx, void *ctx, struct err *err)
{
	struct writing *w = ctx;
	struct conn *c = tx_conn(tx);
	enum rc rc = still_as_read(w, c, err);
	for (size_t i = 0; i < w->n && rc == RC_OK; i++)
		rc = write_row(w, c, &w->list[i], err);
	if (rc == RC_OK && w->layer && layer_rows(w->layer))
		rc = layer_name(tx, w->layer, 0, err);
	if (rc == RC_OK)
		rc = transitions_add(tx, w->told, w->tolds, err);
	if (rc == RC_OK && w->fold_upto >= 0)
		rc = cursor_set(c, STR("fold"), w->fold_upto, err);
	if (rc == RC_OK && w->raises && (w->n || w->layer))
		rc = findings_disturbed(tx, err);
	return rc == RC_OK && w->also ? w->also(tx, w->ctx, err) : rc;
}

enum rc writing_commit(struct writing *w, struct err *err)
{
	bool any = w->layer && layer_rows(w->layer);
	enum rc rc = any ? layer_finish(w->layer, err) : RC_OK;
	if (rc != RC_OK)
		return rc;
	if (any || w->n || w->tolds || w->fold_upto >= 0 || w->also)
		rc = store_write(w->s, write_all, w, err);
	layer_end(w->layer, any ? rc : RC_CONFLICT);
	w->layer = NULL;
	return rc;
}

void writing_end(struct writing *w)
{
	layer_end(w->layer, RC_CONFLICT); /* never handed to a job */
	arena_free(w->a);
	free(w->list);
	free(w->told);
	*w = (struct writing){ 0 };
}

/* --- a few findings, read and written again --- */

struct asking {
	const struct hash128 *ids;
	size_t n;
	change_fn fn;
	store_job_fn also;
	void *ctx;
};

static enum rc ask_all(const struct asking *q, struct view *v, struct writing *w, struct arena *a,
		       struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < q->n && rc == RC_OK; i++) {
		struct found f;
		enum transition what = 0;
		if (w->layer)
			arena_reset(a);
		rc = view_find(v, q->ids[i], a, &f, err);
		bool is_there = rc == RC_OK;
		if (rc != RC_OK && rc != RC_ABSENT)
			return rc;
		struct found was = f;
		enum change change = q->fn(q->ctx, i, &f, is_there, a, &what);
		was.notes = f.notes;
		rc = change == CHANGE_PUT  ? writing_put(w, &f.row, &was, what, err) :
		     change == CHANGE_DROP ? writing_drop(w, &f.row, &was, what, err) :
					     RC_OK;
	}
	return rc;
}

static enum rc change_once(struct store *s, const struct asking *q, struct err *err)
{
	struct reader *r;
	struct view v;
	struct writing w = { 0 };
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct arena *a = arena_new(KIB(64));
	rc = view_begin(&v, r, NULL, q->n > 64, err);
	if (rc == RC_OK) {
		rc = writing_begin(&w, s, &v, q->n > WRITE_FEW, err);
		w.raises = true;
		w.also = q->also;
		w.ctx = q->ctx;
		if (rc == RC_OK)
			rc = ask_all(q, &v, &w, a, err);
		view_end(&v);
	}
	store_read_end(r);
	if (rc == RC_OK)
		rc = writing_commit(&w, err);
	writing_end(&w);
	arena_free(a);
	return rc;
}

enum rc findings_change(struct store *s, const struct hash128 *ids, size_t n, change_fn fn,
			store_job_fn also, void *ctx, struct err *err)
{
	const struct asking q = { .ids = ids, .n = n, .fn = fn, .also = also, .ctx = ctx };
	enum rc rc = RC_CONFLICT;
	for (unsigned i = 0; i < TRIES && rc == RC_CONFLICT; i++)
		rc = change_once(s, &q, err);
	return rc == RC_CONFLICT ? fail(err, RC_BUSY, "the findings change too fast") : rc;
}
