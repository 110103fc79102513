/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/inbox.h"

#include "notify/notify_private.h"
#include "notify/rehearsal.h"

enum { ROWS_MAX = 1000 };

/* "organisation--X", and "organisation--X/abuse": '0' stands behind '/'. */
static str behind(str organisation, struct arena *a)
{
	return arena_fmt(a, STR_FMT "0", STR_ARG(organisation));
}

static bool is_to(const struct message *m, str organisation)
{
	str rest = m->recipient;
	return organisation.n > 0 && str_eq(str_cut(&rest, '/'), organisation);
}

bool inbox_unread(const struct message *m)
{
	return m->state == MESSAGE_QUEUED && str_eq(m->driver, STR("portal"));
}

static bool is_there(const struct message *m, str organisation)
{
	bool out = m->state == MESSAGE_SENT || m->state == MESSAGE_UNCERTAIN || inbox_unread(m);
	bool of_one = str_starts(m->template, STR("portal.")); /* lets one person in: not the others' to read */
	return out && !of_one && is_to(m, organisation);
}

/* What waits in the portal would be told by being opened: not in rehearsal. */
static enum rc is_live(struct reader *r, const struct told_to *to, const struct message *m, bool *out, struct err *err)
{
	*out = true;
	return inbox_unread(m) ? rehearsal_of(r, to, m->recipient, m->template, out, err) : RC_OK;
}

enum rc inbox_list(struct reader *r, const struct told_to *to, str organisation, bool unread, int64_t before,
		   size_t limit, struct arena *a, struct message **out, size_t *count_out, struct err *err)
{
	struct conn *c = reader_conn(r);
	size_t most = limit < ROWS_MAX ? limit : ROWS_MAX, n = 0, kept = 0;
	int64_t *ids = ARENA_ARRAY(a, most + 1, int64_t);
	struct message *list = ARENA_ARRAY(a, most + 1, struct message);
	struct sql *q = sql(c, "SELECT id FROM outbox WHERE (recipient = ?1 OR (recipient > ?1 || '/' AND recipient < ?2))"
			       " AND id < ?3 AND ((state IN (4, 5) AND ?4 = 0) OR (state = 1 AND driver = 'portal'))"
			       " AND template NOT LIKE 'portal.%'"
			       " ORDER BY id DESC LIMIT ?5");
	sql_str(q, 1, organisation);
	sql_str(q, 2, behind(organisation, a));
	sql_int(q, 3, before > 0 ? before : INT64_MAX);
	sql_int(q, 4, unread);
	sql_int(q, 5, (int64_t)most);
	while (n < most && sql_row(q))
		ids[n++] = sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		bool live = false;
		rc = outbox_load(c, ids[i], a, &list[kept], err);
		if (rc == RC_OK)
			rc = is_live(r, to, &list[kept], &live, err);
		if (rc == RC_OK && live && is_there(&list[kept], organisation))
			kept++;
	}
	*out = list;
	*count_out = kept;
	return rc;
}

static enum rc load(struct conn *c, str organisation, int64_t id, struct arena *a, struct message *out,
		    struct err *err)
{
	enum rc rc = outbox_load(c, id, a, out, NULL);
	if (rc != RC_OK && rc != RC_ABSENT)
		return fail(err, rc, "the message cannot be read");
	return rc == RC_OK && is_there(out, organisation) ? RC_OK : fail(err, RC_ABSENT, "there is no such message");
}

enum rc inbox_load(struct reader *r, const struct told_to *to, str organisation, int64_t id, struct arena *a,
		   struct message *out, struct err *err)
{
	bool live = false;
	enum rc rc = load(reader_conn(r), organisation, id, a, out, err);
	if (rc == RC_OK)
		rc = is_live(r, to, out, &live, err);
	return rc != RC_OK || live ? rc : fail(err, RC_ABSENT, "there is no such message");
}

enum rc inbox_about(struct conn *c, str organisation, str finding, int64_t *message_out, struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	struct sql *q = sql(c, "SELECT max(o.id) FROM outbox o WHERE o.id IN (SELECT message FROM outbox_cover WHERE item = ?1)"
			       " AND (o.recipient = ?2 OR (o.recipient > ?2 || '/' AND o.recipient < ?3))"
			       " AND o.state IN (4, 5)");
	sql_str(q, 1, finding);
	sql_str(q, 2, organisation);
	sql_str(q, 3, behind(organisation, a));
	*message_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	enum rc rc = sql_end(q, err);
	arena_free(a);
	return rc;
}

enum rc inbox_fit(struct notify *n, const struct message *m, struct err *err)
{
	struct err why = { 0 };
	struct arena *a = arena_new(KIB(16));
	enum rc rc = inbox_unread(m) ? teller_fit_waiting(n, m->id, a, &why) : RC_OK;
	arena_free(a);
	if (rc == RC_DENIED)
		return fail(err, RC_ABSENT, "there is no such message any more: nothing of it is to be told");
	return rc == RC_OK ? rc : fail(err, rc, "%s", why.text);
}

static enum rc end(struct tx *tx, const struct message *m, str by, uint64_t policy, const char *rule,
		   struct arena *a, struct err *err)
{
	struct cover *covers = NULL;
	size_t count = 0;
	const struct outcome_of o = { .outcome = OUTCOME_SENT, .policy = policy, .rule = rule, .cut = STR(""),
				      .reference = arena_fmt(a, "portal:" STR_FMT, STR_ARG(by)),
				      .words = arena_fmt(a, "opened in the portal by " STR_FMT, STR_ARG(by)) };
	enum rc rc = outbox_covers(tx_conn(tx), m->id, a, &covers, &count, err);
	if (rc == RC_OK)
		rc = outbox_take_one(tx, m->id, err);
	if (rc == RC_OK)
		rc = outbox_end_tx(tx, m->id, &o, err);
	const struct ledger_row row = { .message = m->id, .kind = LEDGER_SHOWN, .driver = m->driver,
					.recipient = m->recipient, .item = m->item, .item_version = m->item_version,
					.policy = policy, .purpose = m->purpose, .rule = str_of(rule),
					.reference = o.reference, .words = o.words, .covers = count };
	return rc == RC_OK ? ledger_add(tx, &row, NULL, err) : rc;
}

enum rc inbox_read(struct tx *tx, str organisation, int64_t id, str by, uint64_t policy, const char *rule,
		   struct err *err)
{
	struct message m;
	struct arena *a = arena_new(KIB(4));
	enum rc rc = load(tx_conn(tx), organisation, id, a, &m, err);
	if (rc == RC_OK && inbox_unread(&m))
		rc = end(tx, &m, by, policy, rule, a, err);
	arena_free(a);
	return rc;
}
