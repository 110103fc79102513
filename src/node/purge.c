/* SPDX-License-Identifier: Apache-2.0 */
#include "node/purge.h"

struct purging {
	struct node *n;
	const struct subject_ask *q;
	struct arena *a;
	struct uuid request;
	str id;
	str *objects;
	size_t count;
	struct purge_result *out;
};

struct subject_ask node_subject_ask(struct node *n, const struct types *t, const struct viewer *v, str id)
{
	return (struct subject_ask){ .s = n->store, .records = n->records, .types = t, .roles = n->roles,
				     .viewer = v, .id = id, .language = STR("") };
}

/* The request as it stands: may he erase for it, and was it reviewed? */
static enum rc may_purge(struct purging *p, struct reader *r, struct err *err)
{
	struct record_view v = { 0 };
	str type;
	enum rc rc = read_record(r, p->q->types, p->q->viewer, p->q->id, p->a, &v, err);
	const struct meaning *m = rc == RC_OK ? type_meaning(record_view_type(&v), STR("subject.reviewed")) : NULL;
	if (rc == RC_OK && !m)
		rc = fail(err, RC_INPUT, "this is no request of a person");
	if (rc == RC_OK && record_view_state(&v) != (int)m->state)
		rc = fail(err, RC_CONFLICT, "what was found must be reviewed first");
	if (rc == RC_OK && !record_view_may(&v, ACTION_ERASE, -1))
		rc = fail(err, RC_DENIED, "none of your roles may erase for it");
	if (rc == RC_OK) {
		p->id = record_view_id(&v, p->a);
		if (!record_id_parse(p->id, &type, &p->request))
			rc = fail(err, RC_ABSENT, "there is no such request");
	}
	record_view_end(&v);
	return rc;
}

/* Given items only: what the law keeps, and what is not about him, stays. Who was told stays written. */
static enum rc choose(struct purging *p, struct reader *r, struct err *err)
{
	struct subject_found *list = NULL;
	size_t n = 0;
	enum rc rc = subject_list(r, p->q, p->a, &list, &n, err);
	p->objects = ARENA_ARRAY(p->a, n + 1, str);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		bool ledger = str_eq(list[i].kind, STR("ledger"));
		if (list[i].fate == SUBJECT_GIVEN && !list[i].erased && !ledger)
			p->objects[p->count++] = list[i].object;
		else if (list[i].fate == SUBJECT_CUT || ledger)
			p->out->excepted++;
	}
	return rc;
}

static enum rc mark(struct tx *tx, void *ctx, struct err *err)
{
	const struct purging *p = ctx;
	const struct erase_result *done = &p->out->erased;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < done->erased && rc == RC_OK; i++)
		rc = subject_erased(tx, &p->request, done->objects[i], err);
	struct journal_act act = { .act = "subject.erase", .actor = str_of(p->q->viewer->actor), .object = p->id,
				   .count = done->erased };
	return rc == RC_OK ? journal_add(tx, p->n->journal, &act, err) : rc;
}

enum rc node_purge(struct node *n, const struct subject_ask *q, struct arena *a,
		   struct purge_result *out, struct err *err)
{
	struct purging p = { .n = n, .q = q, .a = a, .out = out };
	struct reader *r = NULL;
	*out = (struct purge_result){ .excepted = 0 };
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc == RC_OK)
		rc = may_purge(&p, r, err);
	if (rc == RC_OK)
		rc = choose(&p, r, err);
	if (r)
		store_read_end(r);
	return rc == RC_OK ? node_erase_found(n, q->viewer, p.request, p.objects, p.count, mark, &p, true, a,
					      &out->erased, err) : rc;
}

enum rc node_subject_reply(struct node *n, const struct subject_ask *q, struct arena *a,
			   struct subject_pack *out, struct err *err)
{
	enum team_size size = TEAM_SMALL;
	struct reader *r = NULL;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc == RC_OK)
		rc = team_size_get(reader_conn(r), &size, err);
	if (rc == RC_OK)
		rc = subject_reply(r, q, size == TEAM_LARGE, a, out, err);
	if (r)
		store_read_end(r);
	struct journal_act act = { .act = "export", .actor = str_of(q->viewer->actor), .object = q->id,
				   .count = out->given };
	return rc == RC_OK ? journal_write(n->journal, &act, err) : rc;
}
