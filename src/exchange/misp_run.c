/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that asks MISP feeds and partners' servers, one after another. */
#include <stdlib.h>

#include "exchange/misp_private.h"
#include "exchange/misp_sync.h"

enum { PARTNERS_MOST = 200 };
#define FIRST_LOOK_US (2 * SECOND_US)

/* Until a look brings nothing more, but not for ever: others wait. */
static void look_feed(struct misp *m, str name)
{
	struct misp_looked l = { .left = 1 };
	for (int i = 0; i < 20 && l.left > 0 && !queue_closed(m->stop); i++) {
		struct err err = { 0 };
		if (misp_look_feed(m->x, name, &l, &err) != RC_OK) {
			log_warn(m->x->w.log, "a MISP feed waits", L_STR("feed", name), L_Z("why", err.text));
			return;
		}
		if (l.taken == 0)
			return;
	}
}

static void look_feeds(struct misp *m)
{
	str list = settings_text(m->x->w.settings, "misp_feeds");
	while (list.n > 0 && !queue_closed(m->stop)) {
		str one = str_trim(str_cut(&list, ',')), name = str_trim(str_cut(&one, '='));
		if (name.n > 0)
			look_feed(m, name);
	}
}

struct found { struct partner list[PARTNERS_MOST]; size_t count; };

static bool keep(void *ctx, const struct partner *p)
{
	struct found *f = ctx;
	if (p->kind == PARTNER_MISP && f->count < PARTNERS_MOST)
		f->list[f->count++] = *p;
	return true;
}

static enum rc partners_of(struct misp *m, struct arena *a, struct found *out, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(m->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = partners_list(m->x, reader_conn(r), true, a, keep, out, err);
	store_read_end(r);
	return rc;
}

static void look_partners(struct misp *m)
{
	struct arena *a = arena_new(KIB(16));
	struct found *f = x_alloc(sizeof(*f));
	struct err err = { 0 };
	if (partners_of(m, a, f, &err) != RC_OK)
		log_warn(m->x->w.log, "the partners cannot be read", L_Z("why", err.text));
	for (size_t i = 0; i < f->count && !queue_closed(m->stop); i++) {
		const struct partner *p = &f->list[i];
		struct misp_looked l;
		if (p->pull && misp_pull(m->x, p, &l, &err) != RC_OK)
			log_warn(m->x->w.log, "a partner's MISP waits", L_STR("partner", p->name), L_Z("why", err.text));
		struct misp_sent sent;
		enum rc rc = p->push ? misp_push(m->x, p, &sent, &err) : RC_OK;
		if (rc != RC_OK && rc != RC_DENIED) /* without an agreement nothing is to go */
			log_warn(m->x->w.log, "a partner's MISP is not written to", L_STR("partner", p->name),
				 L_Z("why", err.text));
	}
	free(f);
	arena_free(a);
}

static void *run(void *arg)
{
	struct misp *m = arg;
	queue_take_for(m->stop, FIRST_LOOK_US);
	while (!queue_closed(m->stop)) {
		look_feeds(m);
		if (settings_bool(m->x->w.settings, "exchange"))
			look_partners(m);
		queue_take_for(m->stop, settings_int(m->x->w.settings, "misp_every"));
	}
	return NULL;
}

bool misp_stopping(const struct exchange *x)
{
	return x->misp && x->misp->stop && queue_closed(x->misp->stop);
}

enum rc misp_start(struct exchange *x, struct err *err)
{
	struct misp *m = x->misp;
	if (settings_text(x->w.settings, "misp_feeds").n == 0 && !settings_bool(x->w.settings, "exchange"))
		return RC_OK;
	m->stop = queue_new(1);
	if (pthread_create(&m->thread, NULL, run, m) == 0)
		return RC_OK;
	queue_free(m->stop);
	m->stop = NULL;
	return fail(err, RC_LIMIT, "cannot start the thread that asks MISP");
}

void misp_stop(struct exchange *x)
{
	struct misp *m = x->misp;
	if (!m || !m->stop)
		return;
	queue_close(m->stop);
	pthread_join(m->thread, NULL);
	queue_free(m->stop);
	m->stop = NULL;
}
