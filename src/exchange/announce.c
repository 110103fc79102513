/* SPDX-License-Identifier: Apache-2.0 */
/* Our next key: told to each partner whom we call, used when all know it. */
#include "exchange/courier_private.h"

struct told_key {
	struct uuid partner;
	int64_t made_us;
};

static enum rc note_told(struct tx *tx, void *ctx, struct err *err)
{
	const struct told_key *t = ctx;
	return line_set_told_key(tx, t->partner, t->made_us, err);
}

static enum rc needs_it(struct call *c, bool *out, struct err *err)
{
	struct reader *r = NULL;
	int64_t told = 0;
	*out = false;
	if (!c->own.rotating)
		return RC_OK;
	enum rc rc = store_read_begin(c->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = line_told_key(reader_conn(r), c->partner.id, &told, err);
	store_read_end(r);
	*out = told != c->own.next.made_us;
	return rc;
}

enum rc announce_run(struct exchange *x, struct peer *p, struct err *err)
{
	struct call c;
	bool needed = false;
	enum rc rc = call_begin(&c, x, p, err);
	if (rc != RC_OK)
		return rc;
	rc = needs_it(&c, &needed, err);
	if (rc == RC_OK && needed && c.partner.kind == PARTNER_NODE) {
		struct buf text = BUF_INIT(KIB(4)), signature = BUF_INIT(256);
		struct fetch_answer answer;
		int64_t took;
		keys_statement(&c.own, store_node_id(x->w.store), &text, &signature);
		const struct fetch_header headers[] = { { "Ronda-Signature", buf_str(&signature) } };
		const struct call_body body = { .bytes = &text, .type = "application/json", .headers = headers,
						.header_count = 1 };
		rc = call_ask(&c, STR("/key"), &body, &answer, &took, err);
		if (rc == RC_OK && answer.status != 200)
			rc = call_refused(&c, &answer, err);
		struct told_key t = { c.partner.id, c.own.next.made_us };
		if (rc == RC_OK)
			rc = store_write(x->w.store, note_told, &t, err);
		buf_free(&text);
		buf_free(&signature);
	}
	call_end(&c);
	return rc;
}

enum rc keys_asked(struct exchange *x, struct uuid partner, struct buf *text, struct buf *signature, struct err *err)
{
	struct arena *a = arena_new(KIB(8));
	struct own_keys k = { .rotating = false };
	struct reader *r = NULL;
	int64_t told = 0;
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc == RC_OK) {
		rc = keys_own(reader_conn(r), a, &k, err);
		if (rc == RC_OK)
			rc = line_told_key(reader_conn(r), partner, &told, err);
		store_read_end(r);
	}
	if (rc == RC_OK && !k.rotating)
		rc = fail(err, RC_ABSENT, "no other key is announced");
	if (rc == RC_OK)
		keys_statement(&k, store_node_id(x->w.store), text, signature);
	/* Told for good when he asks a second time: the first answer may have been lost. Until then with a minus. */
	int64_t made = k.next.made_us;
	struct told_key t = { partner, told == -made ? made : -made };
	keys_wipe(&k);
	arena_free(a);
	return rc != RC_OK || told == made ? rc : store_write(x->w.store, note_told, &t, err);
}

/* --- theirs, fetched --- */

struct fetched_key {
	struct exchange *x;
	struct partner_key *list;
	size_t count;
	str node, text, signature;
};

static enum rc take_key(struct tx *tx, void *ctx, struct err *err)
{
	struct fetched_key *k = ctx;
	enum rc rc = RC_DENIED;
	for (size_t i = 0; rc == RC_DENIED && i < k->count; i++)
		if (k->list[i].state == KEY_GOOD)
			rc = keys_announced(tx, k->x, &k->list[i], k->node, k->text, k->signature, err);
	return rc;
}

enum rc announce_fetch(struct call *c, struct err *err)
{
	struct fetch_answer answer;
	struct fetched_key k = { .x = c->x, .node = c->to };
	const struct call_body body = { .accept = "application/json" };
	struct reader *r = NULL;
	int64_t took;
	enum rc rc = call_ask(c, STR("/key"), &body, &answer, &took, err);
	if (rc != RC_OK || answer.status == 404)
		return rc;
	if (answer.status != 200)
		return call_refused(c, &answer, err);
	k.text = answer.body;
	k.signature = fetch_head_value(answer.head, "Ronda-Signature");
	rc = store_read_begin(c->x->w.store, &r, err);
	if (rc == RC_OK) {
		rc = partner_keys(reader_conn(r), c->partner.id, c->a, &k.list, &k.count, err);
		store_read_end(r);
	}
	return rc == RC_OK ? store_write(c->x->w.store, take_key, &k, err) : rc;
}

/* --- using it --- */

struct settling {
	struct exchange *x;
	struct conn *c;
	int64_t made_us;
	bool all;
	enum rc rc;
	struct err *err;
};

static bool look_told(void *ctx, const struct partner *p)
{
	struct settling *s = ctx;
	int64_t told = 0;
	if (p->kind != PARTNER_NODE)
		return true;
	s->rc = line_told_key(s->c, p->id, &told, s->err);
	s->all = s->all && told == s->made_us;
	return s->rc == RC_OK && s->all;
}

static enum rc switch_job(struct tx *tx, void *ctx, struct err *err)
{
	return keys_switch(tx, ctx, STR("node"), err);
}

enum rc announce_settle(struct exchange *x, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct reader *r = NULL;
	struct own_keys k = { .rotating = false };
	struct settling s = { .x = x, .all = true, .err = err };
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc == RC_OK) {
		s.c = reader_conn(r);
		rc = keys_own(s.c, a, &k, err);
		s.made_us = k.next.made_us;
		if (rc == RC_OK && k.rotating && k.switch_us > clock_now_us()) {
			rc = partners_list(x, s.c, true, a, look_told, &s, err);
			rc = rc == RC_OK ? s.rc : rc;
		}
		store_read_end(r);
	}
	bool now = rc == RC_OK && k.rotating && (s.all || k.switch_us <= clock_now_us());
	keys_wipe(&k);
	arena_free(a);
	if (!now)
		return rc;
	rc = store_write(x->w.store, switch_job, x, err);
	if (rc == RC_OK) {
		keys_tell(x);
		log_info(x->w.log, "the new key for partners is in use", L_Z("because", s.all ? "all know it" : "it was time"));
	}
	return rc == RC_ABSENT ? RC_OK : rc;
}
