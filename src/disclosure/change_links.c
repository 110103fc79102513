/* SPDX-License-Identifier: Apache-2.0 */
/* Links, erasure and files: the same gate for each. */
#include "disclosure/approval.h"
#include "disclosure/change_private.h"
#include "disclosure/read.h"
#include "disclosure/read_records_private.h"
#include "disclosure/seal.h"
#include "store/destroyed.h"
#include "store/held.h"

struct act {
	struct records *r;
	const struct viewer *v;
	str id, kind, to, why;
	int64_t link;
	int64_t *id_out;
	struct arena *a;
	const struct type *type;
	str bytes;
	struct digest *digest;
	int64_t waits; /* approval a second person must answer first; 0: none */
};

/* The record, seen by the viewer, and his to do `action` with. */
static enum rc reach_object(struct tx *tx, struct act *act, enum action action, struct record *out,
			    struct err *err)
{
	struct snapshot *types = records_types_snapshot(act->r);
	struct snapshot_ref *ref = snapshot_hold(types);
	struct labels l;
	struct decision d;

	enum rc rc = record_gate(tx_conn(tx), snapshot_table(ref), act->v, act->id, act->a, out, &l, &d,
				 err);
	if (rc == RC_OK) {
		struct object o = object_of(out, act->v);
		struct answer answer = authz(act->v, action, &o);
		if (!answer.yes)
			rc = fail(err, RC_DENIED, "%s", answer.rule);
	}
	snapshot_drop(types, ref);
	return rc;
}

static str id_text(const struct record *r, struct arena *a)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);

	record_id_format(&b, r->type_name, &r->id);
	str text = arena_str(a, buf_str(&b));
	buf_free(&b);
	return text;
}

/* The other end, in the same transaction; what is no record was looked at before the job. */
static enum rc reach_other(struct tx *tx, struct act *act, str *out, struct err *err)
{
	struct snapshot *types = records_types_snapshot(act->r);
	struct snapshot_ref *ref;
	struct record other;
	struct labels l;
	struct decision d;

	*out = act->to;
	if (str_starts(act->to, STR("finding--")) || str_starts(act->to, STR("event--")) ||
	    str_starts(act->to, STR("report--")))
		return RC_OK;
	ref = snapshot_hold(types);
	enum rc rc = record_gate(tx_conn(tx), snapshot_table(ref), act->v, act->to, act->a, &other, &l,
				 &d, err);
	if (rc == RC_OK)
		*out = id_text(&other, act->a);
	snapshot_drop(types, ref);
	return rc;
}

/* Links of a field's name go with the field. */
static enum rc kind_is_free(const struct record *r, str kind, struct err *err)
{
	if (type_find_field(r->type, kind))
		return fail(err, RC_INPUT, "links '" STR_FMT "' come from the field of that name",
			    STR_ARG(kind));
	return RC_OK;
}

static enum rc link_job(struct tx *tx, void *ctx, struct err *err)
{
	struct act *act = ctx;
	struct record from;
	str to;

	enum rc rc = reach_object(tx, act, ACTION_LINK, &from, err);
	if (rc == RC_OK)
		rc = reach_other(tx, act, &to, err);
	if (rc == RC_OK)
		rc = kind_is_free(&from, act->kind, err);
	return rc == RC_OK ? record_link(tx, act->r, id_text(&from, act->a), act->kind, to,
					 str_of(act->v->actor), act->why, act->id_out, err) : rc;
}

struct find_link {
	int64_t id;
	bool found;
	enum share share;
};

static bool is_link(void *ctx, const struct record_link *l)
{
	struct find_link *f = ctx;

	if (l->id == f->id) {
		f->found = true;
		f->share = l->share;
	}
	return !f->found;
}

static enum rc unlink_job(struct tx *tx, void *ctx, struct err *err)
{
	struct act *act = ctx;
	struct record from;
	struct find_link find = { .id = act->link };

	enum rc rc = reach_object(tx, act, ACTION_LINK, &from, err);
	if (rc == RC_OK)
		rc = record_links(tx_conn(tx), id_text(&from, act->a), 0, is_link, &find, err);
	if (rc == RC_OK && (!find.found || find.share != SHARE_OPEN))
		rc = fail(err, RC_ABSENT, "there is no such link");
	return rc == RC_OK ? record_unlink(tx, act->r, act->link, str_of(act->v->actor), act->why, err) :
			     rc;
}

/* Nobody erases alone: what is asked names the record and the reason, and a yes to it is one to
 * nothing else. */
static enum rc ask_second(struct tx *tx, struct act *act, const struct record *r, struct err *err)
{
	bool go = false;
	int64_t id = 0;
	str record = id_text(r, act->a);
	struct approval_ask ask = { .kind = APPROVAL_ERASE, .object = record, .why = str_head(act->why, 1000),
				    .what = arena_fmt(act->a, "erase " STR_FMT, STR_ARG(record)) };
	enum rc rc = approval_ask(tx, records_journal(act->r), act->v->all_roles, act->v, &ask, &go, &id, err);

	act->waits = rc == RC_OK && !go ? id : 0;
	return rc;
}

static enum rc erase_job(struct tx *tx, void *ctx, struct err *err)
{
	struct act *act = ctx;
	struct record r;

	enum rc rc = reach_object(tx, act, ACTION_ERASE, &r, err);
	if (rc == RC_OK) /* before anybody is asked for nothing */
		rc = held_check(tx_conn(tx), id_text(&r, act->a), err);
	if (rc == RC_OK)
		rc = ask_second(tx, act, &r, err);
	if (rc != RC_OK || act->waits) /* the asking stays */
		return rc;
	rc = record_erase(tx, act->r, r.id, str_of(act->v->actor), act->why, err);
	return rc == RC_OK ? seal_forget(tx, r.id, err) : rc;
}

static enum rc file_job(struct tx *tx, void *ctx, struct err *err)
{
	struct act *act = ctx;

	return file_put(tx, act->r, str_of(act->v->actor), act->bytes, act->digest, err);
}

static enum rc run(struct act *act, struct store *s, store_job_fn job, struct err *err)
{
	struct err why = { 0 };

	act->a = arena_new(KIB(16));
	enum rc rc = store_write(s, job, act, &why);
	if (rc == RC_DENIED || rc == RC_ABSENT)
		change_refused(act->r, s, act->v, act->id, str_of(why.text));
	arena_free(act->a);
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}

static bool is_seen(void *ctx, const struct event_view *e)
{
	(void)ctx;
	(void)e;
	return false;
}

/* Findings, events and reports are read before: they do not go away within the moment. */
static enum rc see_end(struct store *s, const struct viewer *v, str to, struct err *err)
{
	struct reader *r = NULL;
	struct finding f;

	bool finding = str_starts(to, STR("finding--")), event = str_starts(to, STR("event--"));
	if (str_starts(to, STR("report--")) && !right_includes(v->right, RIGHT_READ))
		return no_such_record(err);
	if (!finding && !event)
		return RC_OK;
	enum rc rc = store_read_begin(s, &r, err);
	struct arena *a = arena_new(KIB(4));
	if (rc == RC_OK && finding)
		rc = read_finding(r, v, str_from(to, 9), a, &f, err);
	else if (rc == RC_OK)
		rc = read_event(r, v, str_from(to, 7), is_seen, NULL, err);
	arena_free(a);
	if (r)
		store_read_end(r);
	return rc;
}

enum rc change_link(struct records *r, struct store *s, const struct viewer *v, str from, str kind,
		    str to, str why, int64_t *id_out, struct err *err)
{
	struct act act = { .r = r, .v = v, .id = from, .kind = kind, .to = to, .why = why,
			   .id_out = id_out };

	enum rc rc = see_end(s, v, to, err);
	return rc == RC_OK ? run(&act, s, link_job, err) : rc;
}

enum rc change_unlink(struct records *r, struct store *s, const struct viewer *v, str from, int64_t id,
		      str why, struct err *err)
{
	struct act act = { .r = r, .v = v, .id = from, .link = id, .why = why };

	return run(&act, s, unlink_job, err);
}

enum rc change_link_tx(struct tx *tx, struct records *r, const struct viewer *v, str from, str kind,
		       str to, str why, struct arena *a, int64_t *id_out, struct err *err)
{
	struct act act = { .r = r, .v = v, .id = from, .kind = kind, .to = to, .why = why,
			   .id_out = id_out, .a = a };

	return link_job(tx, &act, err);
}

enum rc change_unlink_tx(struct tx *tx, struct records *r, const struct viewer *v, str from, int64_t id,
			 str why, struct arena *a, struct err *err)
{
	struct act act = { .r = r, .v = v, .id = from, .link = id, .why = why, .a = a };

	return unlink_job(tx, &act, err);
}

enum rc change_erase(struct records *r, struct store *s, const struct viewer *v, str id, str why,
		     struct err *err)
{
	struct act act = { .r = r, .v = v, .id = id, .why = why };

	if (!str_trim_all(why).n)
		return fail(err, RC_INPUT, "to erase a record a reason must be given");
	struct arena *a = arena_new(KIB(1));
	enum rc rc = run(&act, s, erase_job, err);
	if (rc == RC_OK && act.waits)
		rc = fail(err, RC_BUSY, STR_FMT, STR_ARG(approval_words(act.waits, a)));
	arena_free(a);
	return rc;
}

enum rc change_erase_tx(struct tx *tx, struct records *r, const struct viewer *v, str id, str why,
			struct arena *a, struct err *err)
{
	struct act act = { .r = r, .v = v, .id = id, .why = why, .a = a };

	if (!str_trim_all(why).n)
		return fail(err, RC_INPUT, "to erase a record a reason must be given");
	return erase_job(tx, &act, err);
}

static enum rc count_again(struct tx *tx, void *ctx, struct err *err)
{
	return destroyed_again(tx, ctx, err);
}

enum rc change_file(struct records *r, struct store *s, const struct viewer *v, const struct type *t,
		    str bytes, struct digest *out, struct err *err)
{
	struct act act = { .r = r, .v = v, .type = t, .bytes = bytes, .digest = out };

	if (!authz_ever(v, ACTION_CREATE, t) && !authz_ever(v, ACTION_EDIT, t))
		return fail(err, RC_DENIED, "no role of yours writes records of type '%s'", t->name);
	*out = (struct digest){ { 0 } };
	enum rc rc = run(&act, s, file_job, err);
	/* what was destroyed before is not kept; that it came is counted in a job of its own */
	if (rc == RC_DENIED)
		(void)!store_write(s, count_again, out, NULL);
	return rc;
}
