/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/paper.h"

#include "disclosure/change.h"
#include "disclosure/read_outbox.h"
#include "notify/notify_private.h"
#include "notify/rehearsal.h"

enum { PAPERS_MOST = 1000, WORDS_MAX = 500 };

static bool for_paper(const struct notify *n, const struct message *m, const char *driver)
{
	const struct driver *d = driver_find(m->driver);
	if (driver)
		return str_eq(m->driver, str_of(driver));
	/* A notice is read in the program. */
	return !str_eq(m->driver, STR("notice")) && (!d || !d->send || (d->lacks && d->lacks(n)));
}

static bool sees_all(const struct cover *covers, size_t count, const struct message *m, bool had_item)
{
	bool all = m->item.n > 0 || !had_item;
	for (size_t i = 0; i < count; i++)
		all = all && covers[i].item.n > 0;
	return all;
}

static enum rc make_page(struct notify *n, const struct types *t, const struct viewer *v, int64_t id, struct arena *a,
			 struct paper *p, struct err *err)
{
	struct reader *r = NULL;
	struct message m, seen;
	struct cover *covers = NULL;
	size_t count = 0;
	struct rendering what = { .data = NULL };
	struct err why = { 0 };
	bool live = true;
	enum rc fits = teller_fit_waiting(n, id, a, &why), rc = store_read_begin(n->w.store, &r, err);
	if (rc == RC_OK)
		rc = outbox_load(reader_conn(r), id, a, &m, err);
	if (rc != RC_OK) {
		if (r)
			store_read_end(r);
		return rc;
	}
	*p = (struct paper){ .id = id, .driver = m.driver, .recipient = m.recipient, .name = STR(""), .address = STR(""),
			     .subject = STR(""), .text = STR(""), .words = STR("") };
	rc = fits;
	if (rc == RC_OK && m.state != MESSAGE_QUEUED)
		rc = fail(&why, RC_CONFLICT, "it is %s by now", message_state_name(m.state));
	if (rc == RC_OK)
		rc = read_message(r, t, v, id, a, &seen, &covers, &count, &why);
	if (rc == RC_OK && !sees_all(covers, count, &seen, m.item.n > 0))
		rc = fail(&why, RC_DENIED, "you may not see what it is about");
	if (rc == RC_OK)
		rc = notify_render(n, r, t, &m, a, &what, &why);
	if (rc == RC_OK)
		rc = rehearsal_live(r, &what, &m, &live, &why);
	if (rc == RC_OK && !live) /* printed all the same, so that one sees what would be: to nobody's address */
		rehearsal_address(&what, STR("(in rehearsal: not to be posted)"), a);
	p->name = what.who.name;
	p->address = what.who.address;
	p->subject = what.subject;
	p->text = what.text;
	if (rc != RC_OK)
		p->words = arena_str(a, str_of(why.text));
	json_free(what.data);
	store_read_end(r);
	return RC_OK;
}

enum rc paper_print(struct notify *n, const struct viewer *v, const char *driver, struct arena *a, paper_each each,
		    void *ctx, struct err *err)
{
	struct message *list = NULL;
	size_t count = 0;
	struct reader *r = NULL;
	const struct outbox_query q = { .driver = driver, .state = MESSAGE_QUEUED, .limit = PAPERS_MOST };
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	enum rc rc = v->as.personal_basis ? store_read_begin(n->w.store, &r, err) :
					    fail(err, RC_DENIED, "names and addresses of persons are not for you");
	if (rc == RC_OK)
		rc = read_outbox(r, snapshot_table(types), v, &q, a, &list, &count, err);
	if (r)
		store_read_end(r); /* each page sees what was left of its message */
	struct arena *page = arena_new(KIB(64));
	bool more = true;
	for (size_t i = count; rc == RC_OK && more && i-- > 0;) {
		struct paper p;
		if (!for_paper(n, &list[i], driver))
			continue;
		rc = make_page(n, snapshot_table(types), v, list[i].id, page, &p, err);
		more = rc == RC_OK && each(ctx, &p);
		arena_reset(page);
	}
	arena_free(page);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	return rc;
}

/* --- posted --- */

struct posting_act {
	struct notify *n;
	const struct viewer *v;
	int64_t id;
	str words;
	struct outcome_of o;
};

static enum rc end_it(struct tx *tx, void *ctx, struct err *err)
{
	struct posting_act *k = ctx;
	char object[40];
	snprintf(object, sizeof object, "message:%lld", (long long)k->id);
	const struct journal_act act = { .act = "outbox.posted", .actor = str_of(k->v->actor), .object = str_of(object) };
	enum rc rc = outbox_take_one(tx, k->id, err);
	if (rc == RC_OK)
		rc = outbox_end_tx(tx, k->id, &k->o, err);
	return rc == RC_OK ? journal_add(tx, records_journal(k->n->w.records), &act, err) : rc;
}

/* What the check says now goes into the ledger, also when it would not let it go any more: it has gone. */
static enum rc judge(struct posting_act *k, struct arena *a, struct err *err)
{
	struct message m;
	struct reader *r = NULL;
	struct rendering what = { .rule = "" };
	struct err why = { 0 };
	bool live = true;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(k->n->w.records));
	enum rc rc = store_read_begin(k->n->w.store, &r, err);
	if (rc == RC_OK)
		rc = outbox_load(reader_conn(r), k->id, a, &m, err);
	if (rc == RC_OK && str_eq(m.driver, STR("notice")))
		rc = fail(err, RC_INPUT, "a notice is not posted: 'ronda notice note'");
	if (rc == RC_OK) {
		bool refused = notify_render(k->n, r, snapshot_table(types), &m, a, &what, &why) != RC_OK;
		if (!refused)
			rc = rehearsal_live(r, &what, &m, &live, err);
		k->o = (struct outcome_of){ .outcome = OUTCOME_SENT, .cut = what.cut, .reference = STR("paper"),
					    .rule = refused ? "posted by hand; the check would not let it go now" : what.rule,
					    .policy = policies_number(k->n->w.policies) };
		k->o.words = arena_fmt(a, "%s by %s%s" STR_FMT, live ? "posted" : "in rehearsal: put away", k->v->actor,
				       k->words.n ? ": " : "", STR_ARG(k->words));
		k->o.outcome = live ? OUTCOME_SENT : OUTCOME_REHEARSED;
	}
	json_free(what.data);
	if (r)
		store_read_end(r);
	snapshot_drop(records_types_snapshot(k->n->w.records), types);
	return rc;
}

enum rc paper_posted(struct notify *n, const struct viewer *v, int64_t id, str words, struct err *err)
{
	struct posting_act k = { .n = n, .v = v, .id = id, .words = words };
	char what[40];
	snprintf(what, sizeof what, "message:%lld", (long long)id);
	if (!right_includes(v->right, RIGHT_OPERATE) || v->reads_only) {
		change_refused(n->w.records, n->w.store, v, str_of(what), STR("the outbox is for who operates this node"));
		return fail(err, RC_DENIED, "the outbox is for who operates this node");
	}
	if (words.n > WORDS_MAX || (words.n > 0 && !str_is_plain(words)))
		return fail(err, RC_INPUT, "how it was posted is plain text of one line, at most %d bytes", WORDS_MAX);
	struct arena *a = arena_new(KIB(64));
	enum rc rc = judge(&k, a, err);
	if (rc == RC_OK)
		rc = store_write(n->w.store, end_it, &k, err);
	arena_free(a);
	return rc;
}
