/* SPDX-License-Identifier: Apache-2.0 */
/* Records for output: the gate, one record, its versions. Lists: read_records_list.c. */
#include "disclosure/break_glass_private.h"
#include "disclosure/read_records_private.h"

enum rc no_such_record(struct err *err)
{
	return fail(err, RC_ABSENT, "there is no such record");
}

/* Taking records away asks for more than reading them. */
static bool may_take(const struct viewer *v, const struct record *r)
{
	struct object o = object_of(r, v);

	return authz(v, ACTION_READ, &o).yes &&
	       (v->channel != CHANNEL_EXPORT || authz(v, ACTION_EXPORT, &o).yes);
}

bool record_passes(const struct viewer *v, const struct record *r, struct labels *labels_out,
		   struct decision *decision_out)
{
	*labels_out = labels_for(r, v);
	*decision_out = may_disclose(labels_out, &v->as, v->channel, PURPOSE_HANDLING, &v->policy);
	return may_take(v, r) && decision_out->verdict != DISCLOSE_NO;
}

/* "incident--UUID", or "incident-42". */
static enum rc load_any(struct conn *c, const struct types *t, str id, struct arena *a,
			struct record *out, struct err *err)
{
	str type;
	struct uuid uuid;
	size_t dash = id.n;
	uint64_t number = 0;

	if (record_id_parse(id, &type, &uuid)) {
		enum rc rc = record_load(c, t, uuid, a, out, err);
		return rc == RC_OK && !str_eq(type, out->type_name) ? no_such_record(err) : rc;
	}
	while (dash > 0 && id.p[dash - 1] != '-')
		dash--;
	const struct type *known = dash > 1 ? types_find(t, str_head(id, dash - 1)) : NULL;
	if (!known || !str_to_u64(str_from(id, dash), &number))
		return no_such_record(err);
	return record_load_number(c, known, number, a, out, err);
}

enum rc record_gate(struct conn *c, const struct types *t, const struct viewer *v, str id,
		    struct arena *a, struct record *out, struct labels *labels_out,
		    struct decision *decision_out, struct err *err)
{
	enum rc rc = load_any(c, t, id, a, out, err);

	if (rc == RC_OK && record_passes(v, out, labels_out, decision_out))
		return RC_OK;
	*out = (struct record){ 0 };
	return rc == RC_OK || rc == RC_ABSENT ? no_such_record(err) : rc;
}

/* In an emergency: the record that a viewer broke the glass for, and for an hour. */
static enum rc behind_glass(struct conn *c, const struct types *t, const struct viewer **v, str id,
			    struct arena *a, struct record *out, struct labels *labels_out,
			    struct decision *decision_out, struct err *err)
{
	struct viewer *wide = ARENA_NEW(a, struct viewer);
	bool broken = false;

	enum rc rc = load_any(c, t, id, a, out, err);
	if (rc == RC_OK)
		rc = glass_is_broken(c, *v, out, &broken, err);
	if (rc == RC_OK && broken && glass_passes(*v, out, wide, labels_out, decision_out)) {
		*v = wide;
		return RC_OK;
	}
	*out = (struct record){ 0 };
	return rc == RC_OK || rc == RC_ABSENT ? no_such_record(err) : rc;
}

enum rc read_record(struct reader *r, const struct types *t, const struct viewer *v, str id,
		    struct arena *a, struct record_view *out, struct err *err)
{
	struct record *record = ARENA_NEW(a, struct record);
	struct labels labels;
	struct decision decision;

	*out = (struct record_view){ 0 };
	enum rc rc = record_gate(reader_conn(r), t, v, id, a, record, &labels, &decision, err);
	if (rc == RC_ABSENT && v->account)
		rc = behind_glass(reader_conn(r), t, &v, id, a, record, &labels, &decision, err);
	if (rc == RC_OK)
		rc = record_view_make(v, record, &labels, &decision, out, err);
	if (rc == RC_OK)
		record_view_open(reader_conn(r), out);
	return rc;
}

/* --- versions --- */

/* A version is as strict as it was written and as the record is now: what was raised to RED is
 * RED in all its versions, what was lowered is so from then on. */
static bool version_passes(const struct viewer *v, const struct record *version,
			   const struct labels *now, struct labels *labels_out,
			   struct decision *decision_out)
{
	*labels_out = labels_for(version, v);
	labels_strictest(labels_out, now);
	*decision_out = may_disclose(labels_out, &v->as, v->channel, PURPOSE_HANDLING, &v->policy);
	return may_take(v, version) && decision_out->verdict != DISCLOSE_NO;
}

enum rc read_record_version(struct reader *r, const struct types *t, const struct viewer *v, str id,
			    uint64_t version, struct arena *a, struct record_view *out,
			    struct err *err)
{
	struct record now, *record = ARENA_NEW(a, struct record);
	struct labels labels, both;
	struct decision decision;

	*out = (struct record_view){ 0 };
	enum rc rc = record_gate(reader_conn(r), t, v, id, a, &now, &labels, &decision, err);
	if (rc == RC_OK)
		rc = record_load_version(reader_conn(r), t, now.id, version, a, record, err);
	if (rc == RC_OK && version_passes(v, record, &labels, &both, &decision)) {
		rc = record_view_make(v, record, &both, &decision, out, err);
		if (rc == RC_OK)
			record_view_open(reader_conn(r), out);
		return rc;
	}
	return rc == RC_OK || rc == RC_ABSENT ? no_such_record(err) : rc;
}

struct history_gate {
	const struct viewer *v;
	const struct labels *now;
	record_view_each each;
	void *ctx;
	uint64_t left;
	enum rc rc;
	struct err *err;
};

static bool pass_version(void *ctx, const struct record *r)
{
	struct history_gate *g = ctx;
	struct record_view view;
	struct labels labels;
	struct decision decision;

	if (!version_passes(g->v, r, g->now, &labels, &decision))
		return true;
	g->rc = record_view_make(g->v, r, &labels, &decision, &view, g->err);
	bool more = g->rc == RC_OK && g->each(g->ctx, &view) && --g->left > 0;
	record_view_end(&view);
	return more;
}

enum rc read_record_history(struct reader *r, const struct types *t, const struct viewer *v, str id,
			    uint64_t before, uint64_t limit, struct arena *a, record_view_each each,
			    void *ctx, struct err *err)
{
	struct record now;
	struct labels labels;
	struct decision decision;

	enum rc rc = record_gate(reader_conn(r), t, v, id, a, &now, &labels, &decision, err);
	if (rc != RC_OK || limit == 0)
		return rc;
	struct history_gate g = { v, &labels, each, ctx, limit, RC_OK, err };
	rc = record_history(reader_conn(r), t, now.id, before, pass_version, &g, err);
	return rc == RC_OK ? g.rc : rc;
}
