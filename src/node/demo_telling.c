/* SPDX-License-Identifier: Apache-2.0 */
/* No sender runs in a demonstration, so what a sender would do with a message in rehearsal is done
 * here: it ends as rehearsed, with its row of the ledger. */
#include "node/demo_telling.h"

#include "disclosure/change.h"
#include "node/pipeline.h"
#include "notify/answers.h"
#include "notify/inbox.h"
#include "notify/rehearsal.h"
#include "notify/teller.h"

enum { MESSAGES_MOST = 200, LOOKS_MOST = 6000, DUE_MOST = 500 };
#define LOOK_EVERY_US (SECOND_US / 20)

struct telling {
	struct node *n;
	struct arena *a;
	struct viewer lead;
	str organisation;          /* the live one */
	str desk;                  /* its account */
	struct uuid record;
};

/* --- who --- */

static enum rc lead_of(struct telling *k, struct conn *c, struct err *err)
{
	struct account account;
	enum rc rc = account_by_name(c, k->n->roles, STR("Lead A"), k->a, &account, err);
	if (rc == RC_OK)
		rc = account_viewer(c, k->n->roles, account.id, CHANNEL_SCREEN, &k->lead, err);
	return rc == RC_OK ? policies_apply(k->n->policies, &k->lead, err) : rc;
}

static enum rc desk_of(struct telling *k, struct conn *c, struct err *err)
{
	struct account account;
	enum rc rc = account_by_name(c, k->n->roles, STR(DEMO_DESK), k->a, &account, err);
	k->desk = rc == RC_OK ? arena_fmt(k->a, "account:%lld", (long long)account.id) : STR("");
	return rc == RC_ABSENT ? RC_OK : rc; /* it is made later */
}

static bool is_live(void *ctx, const struct record_view *v)
{
	struct telling *k = ctx;
	if (!str_eq(json_get_str(v->body, record_view_type(v)->title->name), STR(DEMO_LIVE)))
		return true;
	str type;
	k->organisation = record_view_id(v, k->a);
	(void)!record_id_parse(k->organisation, &type, &k->record);
	return false;
}

/* RC_ABSENT: a demonstration of before, without this organisation or this account. */
static enum rc begin(struct telling *k, struct node *n, struct err *err)
{
	struct reader *r = NULL;
	struct snapshot_ref *types = snapshot_hold(n->types);
	*k = (struct telling){ .n = n, .a = arena_new(KIB(64)), .organisation = STR("") };
	struct record_query q = { .type = types_meaning(snapshot_table(types), STR("organisation.contacts")),
					.with_body = true };
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc == RC_OK)
		rc = lead_of(k, reader_conn(r), err);
	if (rc == RC_OK)
		rc = desk_of(k, reader_conn(r), err);
	if (rc == RC_OK)
		rc = read_records(r, snapshot_table(types), &k->lead, &q, UINT64_MAX, k->a, is_live, k, err);
	if (r)
		store_read_end(r);
	snapshot_drop(n->types, types);
	return rc == RC_OK && k->organisation.n == 0 ? fail(err, RC_ABSENT, "there is no '%s'", DEMO_LIVE) : rc;
}

/* --- before --- */

static enum rc change(struct telling *k, const char *id, const char *fields, const char *to_state, const char *why,
		      struct err *err)
{
	struct change_errors errors = { .count = 0 };
	struct record_view view = { 0 };
	const struct change_request q = { .id = id ? str_of(id) : k->organisation,
					  .fields = fields ? str_of(fields) : STR_NONE,
					  .to_state = to_state ? str_of(to_state) : STR_NONE, .why = str_of(why) };
	enum rc rc = change_record(k->n->records, k->n->store, &k->lead, &q, k->a, &view, &errors, err);
	struct err more = *err;
	record_view_end(&view);
	return rc == RC_OK ? rc : fail(err, rc, "the demonstration's rules: %s",
				       errors.count ? errors.list[0].text : more.text);
}

static enum rc add_desk(struct tx *tx, void *ctx, struct err *err)
{
	struct telling *k = ctx;
	int64_t id;
	struct account_new a = { .name = STR(DEMO_DESK), .organisation = k->record, .unix_uid = -1 };
	enum rc rc = roles_parse(k->n->roles, STR("constituent"), &a.roles, err);
	return rc == RC_OK ? account_make(tx, k->n->journal, k->n->roles, &a, STR("node"), &id, err) : rc;
}

static enum rc make_rules(struct telling *k, struct err *err)
{
	const struct rehearsal_switch live = { .scope = REHEARSAL_ORGANISATION, .key = k->organisation, .live = true,
					       .why = STR("agreed by telephone; they read in the portal") };
	enum rc rc = store_write(k->n->store, add_desk, k, err);
	if (rc == RC_OK)
		rc = change(k, NULL, "{\"contacts\":[{\"role\":\"abuse\",\"email\":\"noc@empat.example\",\"phone\":\"+0 000 3002\","
				     "\"channel\":\"portal\"}]}", NULL, "they want to read it in the portal", err);
	if (rc == RC_OK)
		rc = rehearsal_set(k->n->notify, &k->lead, &live, err);
	if (rc == RC_OK) /* nobody who looks at a demonstration waits for five minutes */
		rc = change(k, "rule-1", "{\"pause\":\"PT1S\"}", "active", "its letters were read", err);
	return rc == RC_OK ? change(k, "rule-2", NULL, "active", "its letters were read", err) : rc;
}

enum rc demo_rules(struct node *n, struct err *err)
{
	struct telling k;
	size_t made = 0;
	enum rc rc = begin(&k, n, err);
	if (rc == RC_OK)
		rc = rules_make_defaults(n->notify, &k.lead, k.a, &made, err);
	if (rc == RC_OK && made > 0)
		rc = make_rules(&k, err);
	arena_free(k.a);
	return rc == RC_ABSENT ? RC_OK : rc;
}

/* --- until it is told --- */

/* Every transition was looked at, and no message is due within a minute. */
static enum rc look(struct telling *k, bool *done_out, struct err *err)
{
	struct reader *r = NULL;
	struct transition_row *left = NULL;
	struct tell_due *due = NULL;
	size_t left_count = 0, due_count = 0;
	struct arena *a = arena_new(KIB(16));
	struct snapshot_ref *types = snapshot_hold(k->n->types);
	enum rc rc = store_read_begin(k->n->store, &r, err);
	if (rc == RC_OK)
		rc = told_transitions(reader_conn(r), "rules", 1, a, &left, &left_count, err);
	if (rc == RC_OK)
		rc = teller_due(k->n->notify, r, snapshot_table(types), &k->lead, DUE_MOST, a, &due, &due_count, err);
	*done_out = rc == RC_OK && left_count == 0 && (due_count == 0 || due[0].next_us > clock_now_us() + MINUTE_US);
	if (r)
		store_read_end(r);
	snapshot_drop(k->n->types, types);
	arena_free(a);
	return rc;
}

static enum rc wait(struct telling *k, struct err *err)
{
	struct gate *tick = gate_new();
	bool done = false;
	enum rc rc = RC_OK;
	for (unsigned i = 0; rc == RC_OK && !done && i < LOOKS_MOST; i++) {
		rc = pipeline_settle(k->n->pipeline, err); /* RC_BUSY: the node is ending */
		if (rc == RC_OK)
			rc = look(k, &done, err);
		if (rc == RC_OK && !done)
			gate_wait_for(tick, LOOK_EVERY_US);
	}
	gate_free(tick);
	return rc == RC_OK && !done ? fail(err, RC_BUSY, "the rules have not told yet") : rc;
}

/* --- what went out, and what came back --- */

static enum rc rehearsed(struct tx *tx, const struct telling *k, int64_t id, struct err *err)
{
	const struct outcome_of o = { .outcome = OUTCOME_REHEARSED, .policy = policies_number(k->n->policies), .rule = "",
				      .cut = STR(""), .reference = STR(""),
				      .words = STR("in rehearsal: it went to nobody") };
	enum rc rc = outbox_take_one(tx, id, err);
	return rc == RC_OK ? outbox_end_tx(tx, id, &o, err) : rc;
}

static enum rc answer(struct tx *tx, struct telling *k, int64_t message, struct err *err)
{
	struct cover *covers = NULL;
	size_t count = 0;
	enum rc rc = outbox_covers(tx_conn(tx), message, k->a, &covers, &count, err);
	if (rc != RC_OK || count == 0)
		return rc;
	const struct answer_new fixed = { .message = message, .kind = ANSWER_FIXED, .findings = covers[0].item,
					  .words = STR("The plug-in is gone and the page is clean. We changed the passwords."),
					  .by = STR("Network desk"), .channel = STR("link"), .key = STR("demonstration 1"),
					  .file = STR(""), .file_name = STR("") };
	struct answer_new asks = fixed;
	asks.kind = ANSWER_QUESTION;
	asks.findings = STR("");
	asks.words = STR("Since when is it seen? We would like to look into our own logs.");
	asks.channel = STR("portal");
	asks.by = STR(DEMO_DESK);
	asks.key = STR("demonstration 2");
	rc = answer_put(tx, k->n->notify, &fixed, NULL, err);
	return rc == RC_OK ? answer_put(tx, k->n->notify, &asks, NULL, err) : rc;
}

static enum rc end_messages(struct tx *tx, void *ctx, struct err *err)
{
	struct telling *k = ctx;
	const struct outbox_query q = { .state = MESSAGE_QUEUED, .recipient = STR(""), .item = STR(""),
					.limit = MESSAGES_MOST };
	struct message *list = NULL;
	size_t count = 0;
	bool answered = false;
	enum rc rc = outbox_list(tx_conn(tx), &q, k->a, &list, &count, err);
	for (size_t i = count; rc == RC_OK && i-- > 0;) { /* oldest first */
		bool outside = str_starts(list[i].recipient, STR("organisation--")) ||
			       str_starts(list[i].recipient, STR("party:"));
		if (!outside)
			continue;
		if (!str_starts(list[i].recipient, k->organisation)) {
			rc = rehearsed(tx, k, list[i].id, err);
			continue;
		}
		rc = inbox_read(tx, k->organisation, list[i].id, k->desk, policies_number(k->n->policies),
				"opened by one of the organisation's people", err);
		if (rc == RC_OK && !answered)
			rc = answer(tx, k, list[i].id, err);
		answered = true;
	}
	return rc;
}

enum rc demo_told(struct node *n, struct err *err)
{
	struct telling k;
	enum rc rc = begin(&k, n, err);
	if (rc == RC_OK)
		rc = wait(&k, err);
	if (rc == RC_OK)
		rc = store_write(n->store, end_messages, &k, err);
	arena_free(k.a);
	return rc == RC_ABSENT ? RC_OK : rc;
}
