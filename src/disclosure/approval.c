/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/approval.h"

#include "base/json.h"

static const char *const kinds[] = {
	[APPROVAL_EXPORT_RED] = "export",
	[APPROVAL_ERASE] = "erase",
	[APPROVAL_ROLES] = "roles",
	[APPROVAL_KEY] = "key",
};
static const char *const states[] = {
	[APPROVAL_OPEN] = "open", [APPROVAL_YES] = "approved", [APPROVAL_NO] = "refused",
	[APPROVAL_DONE] = "done", [APPROVAL_NOTICE] = "notice",
};

const char *approval_kind_name(enum approval_kind k)
{
	return (unsigned)k < COUNT_OF(kinds) ? kinds[k] : "none";
}

const char *approval_state_name(enum approval_state s)
{
	return (unsigned)s < COUNT_OF(states) ? states[s] : "none";
}

str approval_words(int64_t id, struct arena *a)
{
	return arena_fmt(a, "this needs a second person: it waits as approval %lld and can be done again once "
			    "somebody else has approved it", (long long)id);
}

/* --- journal --- */

static enum rc tell(struct tx *tx, struct journal *j, const char *act, int64_t id, str by,
		    const struct approval_ask *ask, struct err *err)
{
	char object[40];
	struct buf body = BUF_INIT(KIB(8));
	struct json_out out = json_out(&body);
	json_open(&out, '{');
	json_put_str(&out, "kind", str_of(approval_kind_name(ask->kind)));
	json_put_str(&out, "object", ask->object);
	json_put_str(&out, "what", ask->what);
	if (ask->why.n > 0)
		json_put_str(&out, "why", ask->why);
	json_close(&out, '}');
	snprintf(object, sizeof(object), "approval:%lld", (long long)id);
	struct journal_act line = { .act = act, .actor = by, .object = str_of(object), .count = 1,
				    .body = buf_str(&body) };
	enum rc rc = journal_add(tx, j, &line, err);
	buf_free(&body);
	return rc;
}

/* --- asking --- */

static enum rc insert(struct tx *tx, const struct approval_ask *ask, enum approval_state state, str by,
		      int64_t *id_out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO approval (kind, object, what, why, state, asked_by, asked_us,"
					 " answered_by, answered_us, done_us) VALUES (?, ?, ?, ?, ?, ?, ?, '', 0, 0)");
	sql_int(q, 1, ask->kind);
	sql_str(q, 2, ask->object);
	sql_str(q, 3, ask->what);
	sql_str(q, 4, ask->why.n > 0 ? ask->why : STR(""));
	sql_int(q, 5, state);
	sql_str(q, 6, by);
	sql_int(q, 7, tx_now_us(tx));
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK)
		*id_out = sql_last_id(tx_conn(tx));
	return rc;
}

/* The same act, asked by the same person, in this state and not over. */
static enum rc find(struct tx *tx, const struct approval_ask *ask, str by, enum approval_state state,
		    int64_t since_us, int64_t *id_out, struct err *err)
{
	*id_out = 0;
	struct sql *q = sql(tx_conn(tx), "SELECT id FROM approval WHERE kind = ? AND object = ? AND what = ?"
					 " AND asked_by = ? AND state = ? AND max(asked_us, answered_us) > ?"
					 " ORDER BY id DESC LIMIT 1");
	sql_int(q, 1, ask->kind);
	sql_str(q, 2, ask->object);
	sql_str(q, 3, ask->what);
	sql_str(q, 4, by);
	sql_int(q, 5, state);
	sql_int(q, 6, since_us);
	if (sql_row(q))
		*id_out = sql_col_int(q, 0);
	return sql_end(q, err);
}

static enum rc mark_done(struct tx *tx, int64_t id, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE approval SET state = 3, done_us = ? WHERE id = ?");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, id);
	return sql_run(q, err);
}

static bool approves(const struct roles *r, uint32_t roles)
{
	for (size_t i = 0; i < roles_count(r); i++)
		if (roles >> i & 1 && roles_at(r, i)->approves)
			return true;
	return false;
}

/* Disabled ones count: whoever disables all others does not become free to act alone. */
static enum rc anybody_else(struct tx *tx, const struct roles *r, const struct viewer *v, bool *out,
			    struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct account *all = NULL;
	size_t n = 0;
	enum rc rc = account_list(tx_conn(tx), r, a, &all, &n, err);
	*out = false;
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		*out = *out || (all[i].id != v->account && approves(r, all[i].roles));
	arena_free(a);
	return rc;
}

static enum rc needs_second(struct tx *tx, const struct roles *r, const struct viewer *v, bool *out,
			    struct err *err)
{
	enum team_size size;
	enum rc rc = team_size_get(tx_conn(tx), &size, err);
	*out = false;
	if (rc != RC_OK || size == TEAM_SMALL)
		return rc;
	if (!r)
		return fail(err, RC_DENIED, "it cannot be told here who may approve this");
	return anybody_else(tx, r, v, out, err);
}

static enum rc wait_for_second(struct tx *tx, struct journal *j, const struct approval_ask *ask, str by,
			       bool *go, int64_t *id, struct err *err)
{
	enum rc rc = find(tx, ask, by, APPROVAL_YES, tx_now_us(tx) - APPROVAL_YES_US, id, err);
	if (rc == RC_OK && *id > 0) {
		*go = true;
		rc = mark_done(tx, *id, err);
		return rc == RC_OK ? tell(tx, j, "approval.done", *id, by, ask, err) : rc;
	}
	if (rc == RC_OK) /* asked again: it waits already */
		rc = find(tx, ask, by, APPROVAL_OPEN, tx_now_us(tx) - APPROVAL_OPEN_US, id, err);
	if (rc != RC_OK || *id > 0)
		return rc;
	rc = insert(tx, ask, APPROVAL_OPEN, by, id, err);
	return rc == RC_OK ? tell(tx, j, "approval.ask", *id, by, ask, err) : rc;
}

enum rc approval_ask(struct tx *tx, struct journal *j, const struct roles *r, const struct viewer *v,
		     const struct approval_ask *ask, bool *go_out, int64_t *id_out, struct err *err)
{
	bool second = false;
	str by = str_of(v->actor);
	*go_out = false;
	*id_out = 0;
	if ((unsigned)ask->kind >= APPROVAL_KINDS || ask->object.n == 0 || ask->what.n == 0 ||
	    ask->what.n > KIB(2) || ask->why.n > KIB(2))
		return fail(err, RC_INPUT, "what is to be approved must be said, in at most 2,048 bytes");
	enum rc rc = needs_second(tx, r, v, &second, err);
	if (rc != RC_OK)
		return rc;
	if (second)
		return wait_for_second(tx, j, ask, by, go_out, id_out, err);
	*go_out = true;
	rc = insert(tx, ask, APPROVAL_NOTICE, by, id_out, err);
	return rc == RC_OK ? tell(tx, j, "approval.notice", *id_out, by, ask, err) : rc;
}

/* --- answering --- */

bool viewer_approves(const struct viewer *v, const struct roles *r)
{
	return (v->account == 0 && v->channel == CHANNEL_CLI && v->right == RIGHT_OPERATE) ||
	       approves(r, v->roles);
}

#define APPROVAL_COLUMNS \
	"SELECT id, kind, object, what, why, state, asked_by, asked_us, answered_by, answered_us, done_us" \
	" FROM approval "

static struct approval take(struct sql *q, int64_t now_us, struct arena *a)
{
	struct approval p = {
		.id = sql_col_int(q, 0),
		.kind = (enum approval_kind)sql_col_int(q, 1),
		.object = arena_str(a, sql_col_str(q, 2)),
		.what = arena_str(a, sql_col_str(q, 3)),
		.why = arena_str(a, sql_col_str(q, 4)),
		.state = (enum approval_state)sql_col_int(q, 5),
		.asked_by = arena_str(a, sql_col_str(q, 6)),
		.asked_us = sql_col_int(q, 7),
		.answered_by = arena_str(a, sql_col_str(q, 8)),
		.answered_us = sql_col_int(q, 9),
		.done_us = sql_col_int(q, 10),
	};
	p.over = (p.state == APPROVAL_OPEN && now_us - p.asked_us > APPROVAL_OPEN_US) ||
		 (p.state == APPROVAL_YES && now_us - p.answered_us > APPROVAL_YES_US) ||
		 (p.state == APPROVAL_NOTICE && now_us - p.asked_us > APPROVAL_NOTICE_US);
	return p;
}

static enum rc load(struct tx *tx, int64_t id, struct arena *a, struct approval *out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), APPROVAL_COLUMNS "WHERE id = ?");
	sql_int(q, 1, id);
	bool found = sql_row(q);
	if (found)
		*out = take(q, tx_now_us(tx), a);
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? fail(err, RC_ABSENT, "there is no approval %lld", (long long)id) : rc;
}

static enum rc may_answer(const struct roles *r, const struct viewer *v, const struct approval *p,
			  struct err *err)
{
	if (!viewer_approves(v, r))
		return fail(err, RC_DENIED, "no role of yours approves what others ask");
	if (str_eq(p->asked_by, str_of(v->actor)))
		return fail(err, RC_DENIED, "you asked for this yourself: another person must answer");
	if (p->state != APPROVAL_OPEN || p->over)
		return fail(err, RC_CONFLICT, "approval %lld is %s%s already", (long long)p->id,
			    p->over ? "over, " : "", approval_state_name(p->state));
	return RC_OK;
}

static enum rc write_answer(struct tx *tx, int64_t id, bool yes, str by, struct err *err)
{
	struct sql *q = sql(tx_conn(tx),
			    "UPDATE approval SET state = ?, answered_by = ?, answered_us = ? WHERE id = ?");
	sql_int(q, 1, yes ? APPROVAL_YES : APPROVAL_NO);
	sql_str(q, 2, by);
	sql_int(q, 3, tx_now_us(tx));
	sql_int(q, 4, id);
	return sql_run(q, err);
}

enum rc approval_answer(struct tx *tx, struct journal *j, const struct roles *r, const struct viewer *v,
			int64_t id, bool yes, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct approval p = { .id = 0 };
	str by = str_of(v->actor);
	enum rc rc = load(tx, id, a, &p, err);
	if (rc == RC_OK)
		rc = may_answer(r, v, &p, err);
	if (rc == RC_OK)
		rc = write_answer(tx, id, yes, by, err);
	if (rc == RC_OK) {
		struct approval_ask ask = { .kind = p.kind, .object = p.object, .what = p.what, .why = p.why };
		rc = tell(tx, j, yes ? "approval.approve" : "approval.refuse", id, by, &ask, err);
	}
	arena_free(a);
	return rc;
}

enum rc approval_list(struct conn *c, bool waiting, int64_t now_us, size_t limit, struct arena *a,
		      struct approval **out, size_t *count_out, struct err *err)
{
	size_t n = 0;
	struct approval *list = ARENA_ARRAY(a, limit + 1, struct approval);
	struct sql *q = sql(c, APPROVAL_COLUMNS "ORDER BY id DESC");
	while (n < limit && sql_row(q)) {
		struct approval p = take(q, now_us, a);
		bool shown = !p.over && (p.state == APPROVAL_OPEN || p.state == APPROVAL_YES ||
					 p.state == APPROVAL_NOTICE);
		if (shown || !waiting)
			list[n++] = p;
		else if (now_us - p.asked_us > 30 * DAY_US)
			break; /* nothing older waits */
	}
	*out = list;
	*count_out = n;
	return sql_end(q, err);
}

/* --- accounts --- */

static str roles_words(struct arena *a, const struct roles *r, str name, uint32_t old, uint32_t fresh)
{
	struct buf before = BUF_INIT(KIB(2)), after = BUF_INIT(KIB(2));
	roles_format(r, old, &before);
	roles_format(r, fresh, &after);
	str words = old ? arena_fmt(a, "roles of '" STR_FMT "': '" STR_FMT "' instead of '" STR_FMT "'",
				    STR_ARG(name), STR_ARG(buf_str(&after)), STR_ARG(buf_str(&before))) :
			  arena_fmt(a, "new account '" STR_FMT "': '" STR_FMT "'", STR_ARG(name),
				    STR_ARG(buf_str(&after)));
	buf_free(&before);
	buf_free(&after);
	return words;
}

enum rc approval_make_account(struct tx *tx, struct journal *j, const struct roles *r,
			      const struct viewer *v, const struct account_new *n, bool *go_out,
			      int64_t *id_out, struct err *err)
{
	struct arena *a = arena_new(KIB(8));
	struct buf folded = BUF_INIT(KIB(1));
	int64_t account = 0;
	enum rc rc = account_fold(n->name, &folded, err);
	struct approval_ask ask = { .kind = APPROVAL_ROLES, .object = STR("accounts"),
				    .what = roles_words(a, r, buf_str(&folded), 0, n->roles) };
	*go_out = false;
	if (rc == RC_OK)
		rc = approval_ask(tx, j, r, v, &ask, go_out, id_out, err);
	if (rc == RC_OK && *go_out)
		rc = account_make(tx, j, r, n, str_of(v->actor), &account, err);
	buf_free(&folded);
	arena_free(a);
	return rc;
}

enum rc approval_set_roles(struct tx *tx, struct journal *j, const struct roles *r,
			   const struct viewer *v, int64_t account, uint32_t roles, bool *go_out,
			   int64_t *id_out, struct err *err)
{
	struct arena *a = arena_new(KIB(8));
	struct account old;
	*go_out = true;
	*id_out = 0;
	enum rc rc = account_by_id(tx_conn(tx), r, account, a, &old, err);
	bool rises = rc == RC_OK && (roles & ~old.roles) != 0;
	bool fewer = rc == RC_OK && approves(r, old.roles) && !approves(r, roles);
	if (rises || fewer) {
		struct approval_ask ask = { .kind = APPROVAL_ROLES,
					    .object = arena_fmt(a, "account:%lld", (long long)account),
					    .what = roles_words(a, r, old.name, old.roles, roles) };
		rc = approval_ask(tx, j, r, v, &ask, go_out, id_out, err);
	}
	if (rc == RC_OK && *go_out)
		rc = account_set_roles(tx, j, r, account, roles, str_of(v->actor), err);
	arena_free(a);
	return rc;
}
