/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/evidence?exhibit=3&name=FILE&media=TYPE, the item as the body: streamed into the store, 201 with
 * number and digests once it is on disk. `exhibit` as a record is named: "evidence-3" or its id. */
#include "evidence/evidence.h"
#include "web/page.h"

struct upload {
	struct web *w;
	struct adding *in;
};

uint64_t api_evidence_most(const struct web *w)
{
	return (uint64_t)settings_int(w->n->settings, "evidence_item_max");
}

static enum rc give(void *ctx, str bytes, struct err *err)
{
	struct upload *u = ctx;
	return evidence_add(u->in, bytes, err);
}

static void give_up(void *ctx)
{
	struct upload *u = ctx;
	evidence_add_abort(u->in);
}

static bool admitted(struct web *w, const struct http_request *q, struct caller *c, struct http_answer *a)
{
	identify(w, q, c);
	caller_end(c); /* sealing needs no key of who puts in */
	if (c->too_often)
		api_words(a, 429, "busy", "too many wrong tries from this address; wait ten minutes");
	else if (!c->known || c->by_session) /* a cookie alone must not send anything */
		api_words(a, 401, "denied", "send a token: Authorization: Bearer ...");
	else if (!right_includes(c->viewer.right, RIGHT_SIGNED_IN))
		api_words(a, 403, "denied", "this token does not have the right for this");
	return a->status == 0;
}

/* A number alone is that of the type that has items. */
static str exhibit_of(struct web *w, const struct http_request *q)
{
	str id = http_query(q, "exhibit");
	uint64_t number;
	if (!str_to_u64(id, &number))
		return id;
	struct snapshot_ref *ref = snapshot_hold(w->n->types);
	const struct type *exhibit = types_meaning(snapshot_table(ref), STR("evidence.items"));
	if (exhibit)
		id = arena_fmt(q->a, "%s-%llu", exhibit->name, (unsigned long long)number);
	snapshot_drop(w->n->types, ref);
	return id;
}

void api_evidence_begin(struct web *w, const struct http_request *q, struct http_upload *u,
			struct http_answer *a)
{
	struct caller c;
	struct err err = { 0 };
	if (q->method != HTTP_POST || !admitted(w, q, &c, a))
		return;
	struct item_new item = { .exhibit = exhibit_of(w, q),
				 .name = http_query(q, "name"), .media = http_query(q, "media"),
				 .sealed = str_eq(http_query(q, "sealed"), STR("yes")) };
	struct upload *up = ARENA_NEW(q->a, struct upload);
	up->w = w;
	if (evidence_add_begin(w->n->evidence, &c.viewer, &item, &up->in, &err) != RC_OK) {
		api_words(a, rc_http_status(err.rc), rc_name(err.rc), err.text);
		return;
	}
	*u = (struct http_upload){ .ctx = up, .give = give, .abort = give_up };
}

void api_evidence_end(struct web *w, const struct http_request *q, struct http_upload *u,
		      struct http_answer *a)
{
	struct upload *up = u->ctx;
	struct item item;
	struct err err = { 0 };
	(void)w;
	if (u->failed.rc != RC_OK) {
		evidence_add_abort(up->in);
		api_words(a, rc_http_status(u->failed.rc), rc_name(u->failed.rc), u->failed.text);
		return;
	}
	if (evidence_add_end(up->in, q->a, &item, &err) != RC_OK) {
		api_words(a, rc_http_status(err.rc), rc_name(err.rc), err.text);
		return;
	}
	a->status = 201;
	a->type = "application/json";
	a->body = (struct buf)BUF_INIT(KIB(4));
	struct json_out j = json_out(&a->body);
	item_json(&item, &j);
	buf_char(&a->body, '\n');
}
