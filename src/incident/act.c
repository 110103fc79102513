/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/act.h"

#include <json-c/json.h>

#include "disclosure/read.h"

struct acting {
	struct records *r;
	const struct viewer *v;
	const struct case_act *q;
	struct arena *a;
	size_t done;
	bool tried;                /* all went well, and it was only to be tried */
};

static enum rc put_one(struct acting *k, struct tx *tx, str id, struct err *err)
{
	struct record_view out = { 0 };
	struct change_errors errors = { .count = 0 };
	struct change_request q = { .id = id, .to_state = k->q->to_state, .why = k->q->why,
				    .language = k->q->language };
	enum rc rc = RC_OK;

	if (k->q->person.n) {
		/* the field of the assignee is the type's to name: asked of the record as it stands */
		struct snapshot *types = records_types_snapshot(k->r);
		struct snapshot_ref *held = snapshot_hold(types);
		str type = str_head(id, str_find(id, STR("--")));
		const struct type *t = types_find(snapshot_table(held), type);
		if (!t || !t->assignee)
			rc = fail(err, RC_INPUT, "it has no assignee");
		else
			q.fields = arena_fmt(k->a, "{\"%s\":\"" STR_FMT "\"}", t->assignee->name,
					     STR_ARG(k->q->person));
		snapshot_drop(types, held);
	}
	if (rc == RC_OK && (q.fields.n || q.to_state.n))
		rc = change_record_tx(tx, k->r, k->v, &q, k->a, &out, &errors, err);
	record_view_end(&out);
	return rc;
}

static enum rc link_one(struct acting *k, struct tx *tx, str id, struct err *err)
{
	int64_t link;

	return k->q->link_to.n ? change_link_tx(tx, k->r, k->v, id, k->q->link_kind, k->q->link_to, k->q->why, k->a,
						&link, err) :
				 RC_OK;
}

static enum rc act_job(struct tx *tx, void *ctx, struct err *err)
{
	struct acting *k = ctx;
	struct err why = { 0 };
	enum rc rc = RC_OK;

	k->done = 0;
	for (size_t i = 0; rc == RC_OK && i < k->q->count; i++) {
		rc = link_one(k, tx, k->q->ids[i], &why);
		if (rc == RC_OK)
			rc = put_one(k, tx, k->q->ids[i], &why);
		if (rc != RC_OK)
			return fail(err, rc, "nothing was changed: " STR_FMT ": %s",
				    STR_ARG(str_head(k->q->ids[i], 80)), why.text);
		k->done++;
	}
	k->tried = k->q->dry_run;
	return k->tried ? fail(err, RC_CONFLICT, "only tried") : RC_OK;
}

static enum rc bounds(size_t count, struct err *err)
{
	if (count == 0)
		return fail(err, RC_INPUT, "nothing was chosen");
	return count > ACT_MOST ? fail(err, RC_INPUT, "at most %d at once", ACT_MOST) : RC_OK;
}

static bool plain_id(str id)
{
	struct uuid uuid;
	str type;

	return record_id_parse(id, &type, &uuid);
}

enum rc case_act(struct records *r, struct store *s, const struct viewer *v, const struct case_act *q,
		 size_t *done_out, struct err *err)
{
	struct acting k = { .r = r, .v = v, .q = q };
	struct err why = { 0 };

	*done_out = 0;
	enum rc rc = bounds(q->count, err);
	if (rc == RC_OK && !q->to_state.n && !q->person.n && !q->link_to.n)
		rc = fail(err, RC_INPUT, "say what is to be done with them");
	if (rc == RC_OK && q->person.n && !plain_id(q->person))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no person", STR_ARG(str_head(q->person, 80)));
	if (rc != RC_OK)
		return rc;
	k.a = arena_new(KIB(64));
	rc = store_write(s, act_job, &k, &why);
	if (k.tried)
		rc = RC_OK;
	*done_out = rc == RC_OK ? k.done : 0;
	if (rc == RC_DENIED || rc == RC_ABSENT)
		change_refused(r, s, v, q->ids[k.done], str_of(why.text));
	arena_free(k.a);
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}

/* --- findings --- */

struct marking {
	struct records *r;
	const struct viewer *v;
	const struct hash128 *ids;
	const str *names;
	size_t count;
	enum finding_mark mark;
	str why;
	struct arena *a;
};

static enum rc mark_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct marking *k = ctx;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < k->count; i++) {
		const struct journal_act act = { .act = "finding.mark", .actor = str_of(k->v->actor), .count = 1,
			.object = arena_fmt(k->a, "finding:" STR_FMT, STR_ARG(k->names[i])) };
		rc = findings_mark(tx, k->ids[i], k->mark, k->why, str_of(k->v->actor), err);
		if (rc == RC_OK)
			rc = journal_add(tx, records_journal(k->r), &act, err);
	}
	return rc;
}

static bool mark_parse(str text, enum finding_mark *out)
{
	static const struct {
		const char *name;
		enum finding_mark mark;
	} marks[] = { { "told", MARK_TOLD }, { "answered", MARK_ANSWERED }, { "held", MARK_HELD } };

	for (size_t i = 0; i < COUNT_OF(marks); i++)
		if (str_eq(text, str_of(marks[i].name))) {
			*out = marks[i].mark;
			return true;
		}
	return false;
}

static enum rc see_all(struct store *s, const struct viewer *v, const str *ids, size_t count, struct arena *a,
		       struct hash128 *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(s, &r, err);

	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		struct finding f;
		rc = read_finding(r, v, ids[i], a, &f, err);
		out[i] = f.id;
	}
	if (r)
		store_read_end(r);
	return rc;
}

enum rc findings_act(struct records *r, struct store *s, const struct viewer *v, const str *ids, size_t count,
		     str mark, str why, bool dry_run, size_t *done_out, struct err *err)
{
	struct marking k = { .r = r, .v = v, .names = ids, .count = count, .why = why };

	*done_out = 0;
	enum rc rc = bounds(count, err);
	if (rc == RC_OK && !right_includes(v->right, RIGHT_OPERATE)) {
		change_refused(r, s, v, STR("findings"), STR("findings are marked by who operates this node"));
		rc = fail(err, RC_DENIED, "findings are marked by who operates this node");
	}
	if (rc == RC_OK && (!mark_parse(mark, &k.mark) || !str_trim_all(why).n))
		rc = fail(err, RC_INPUT, "a mark is told, answered or held, with a reason");
	if (rc != RC_OK)
		return rc;
	k.a = arena_new(KIB(16));
	struct hash128 *list = ARENA_ARRAY(k.a, count, struct hash128);
	rc = see_all(s, v, ids, count, k.a, list, err);
	k.ids = list;
	if (rc == RC_OK && !dry_run)
		rc = store_write(s, mark_job, &k, err);
	arena_free(k.a);
	*done_out = rc == RC_OK ? count : 0;
	return rc;
}
