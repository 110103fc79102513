/* SPDX-License-Identifier: Apache-2.0 */
/* Records through the gate: each statement of each call fails once. */
#include "disclosure/records_world.h"

#include "disclosure/break_glass.h"
#include "disclosure/bulk.h"
#include "disclosure/explain.h"
#include "disclosure/make.h"
#include "disclosure/notices.h"
#include "disclosure/policy.h"
#include "disclosure/read_outbox.h"
#include "record/clocks.h"
#include "record/erase.h"
#include "store/fault_test.h"

struct desk {
	struct world w;
	struct fault f;
	struct roles *roles;
	struct viewer lead, other;
	struct viewer person;
	str incident, second, plan, note;
	int64_t link, glass, notice, message, run;
	bool csv;
};

static struct desk desk_new(void)
{
	struct desk d = { .w = world_new(), .lead = staff(LEAD | ANALYST | DUTY | AUDITOR, 1) };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(roles_load(NULL, &d.roles, &err), RC_OK, err);
	d.lead.right = RIGHT_OPERATE;
	d.lead.all_roles = d.roles;
	d.other = d.lead;
	d.other.account = 2;
	snprintf(d.other.actor, sizeof(d.other.actor), "account:2");
	d.person = person_of(house_a, 3);
	d.f = fault_begin(d.w.d.path);
	return d;
}

static void desk_end(struct desk *d)
{
	fault_end(&d->f);
	roles_free(d->roles);
	world_end(&d->w);
}

/* --- changing --- */

static enum rc put(struct desk *d, const struct change_request *q, str *id_out, struct err *e)
{
	struct record_view view;
	struct change_errors errors;
	enum rc rc = change_record(d->w.r, d->w.s, &d->lead, q, d->w.a, &view, &errors, e);
	if (rc == RC_OK && id_out)
		*id_out = record_view_id(&view, d->w.a);
	record_view_end(&view);
	return rc;
}

#define CALL(name) static enum rc name(void *ctx, struct err *e)

CALL(new_incident)
{
	struct desk *d = ctx;
	const struct change_request q = {
		.type = STR("incident"), .labels = STR("{\"tlp\":\"AMBER\"}"),
		.fields = STR("{\"title\":\"mail is down\",\"class\":\"availability\",\"severity\":\"low\","
			      "\"organisation\":\"organisation--0a010000-0000-0000-0000-000000000000\"}"),
	};
	return put(d, &q, &d->incident, e);
}
CALL(new_red)
{
	struct desk *d = ctx;
	const struct change_request q = {
		.type = STR("incident"), .labels = STR("{\"tlp\":\"RED\"}"),
		.fields = STR("{\"title\":\"web is down\",\"class\":\"availability\",\"severity\":\"low\"}"),
	};
	return put(d, &q, &d->second, e);
}
CALL(edit)
{
	struct desk *d = ctx;
	const struct change_request q = { .id = d->incident, .to_state = STR("open"), .as_text = true,
					  .fields = STR("{\"summary\":\"seen\"}"), .why = STR("so") };
	return put(d, &q, NULL, e);
}
CALL(label)
{
	struct desk *d = ctx;
	const struct change_request q = { .id = d->incident,
					  .labels = STR("{\"tlp\":\"AMBER+STRICT\",\"held\":true}") };
	return put(d, &q, NULL, e);
}
CALL(unlabel)
{
	struct desk *d = ctx;
	const struct change_request q = { .id = d->incident, .labels = STR("{\"tlp\":\"AMBER\"}") };
	return put(d, &q, NULL, e);
}
CALL(new_note)
{
	struct desk *d = ctx;
	const struct change_request q = { .type = STR("note"), .as_text = true,
					  .fields = arena_fmt(d->w.a, "{\"text_body\":\"x\",\"title\":\"n\"}") };
	return put(d, &q, &d->note, e);
}
CALL(conflict)
{
	struct desk *d = ctx;
	const struct change_request q = { .id = d->incident, .based_on = 1, .fields = STR("{\"summary\":\"late\"}") };
	enum rc rc = put(d, &q, NULL, e);
	return rc == RC_CONFLICT ? RC_OK : rc;
}
CALL(link_them)
{
	struct desk *d = ctx;
	return change_link(d->w.r, d->w.s, &d->lead, d->incident, STR("related"), d->second, STR("same"),
			   &d->link, e);
}
/* What is refused counts; that it cannot be written makes it no less refused. */
CALL(link_absent)
{
	struct desk *d = ctx;
	int64_t id;
	enum rc rc = change_link(d->w.r, d->w.s, &d->lead, d->incident, STR("seen"), STR("event--zz"), STR(""), &id, e);
	return rc == RC_ABSENT ? RC_OK : rc;
}
CALL(denied)
{
	struct desk *d = ctx;
	struct record_view view;
	struct viewer reader = staff(VIEWER, 4);
	const struct change_request q = { .id = d->incident, .fields = STR("{\"summary\":\"x\"}") };
	enum rc rc = change_record(d->w.r, d->w.s, &reader, &q, d->w.a, &view, NULL, e);
	record_view_end(&view);
	return rc == RC_DENIED ? RC_OK : rc;
}
CALL(unlink_them)
{
	struct desk *d = ctx;
	return change_unlink(d->w.r, d->w.s, &d->lead, d->incident, d->link, STR("not so"), e);
}
CALL(new_plan)
{
	struct desk *d = ctx;
	const struct change_request q = {
		.type = STR("plan"), .fields = STR("{\"title\":\"When it burns\",\"steps\":[{\"title\":\"call\","
						   "\"after\":\"PT1H\"},{\"title\":\"write\"}]}"),
	};
	return put(d, &q, &d->plan, e);
}
CALL(plan_in_use)
{
	struct desk *d = ctx;
	const struct change_request q = { .id = d->plan, .to_state = STR("in-use") };
	return put(d, &q, NULL, e);
}
CALL(make_tasks)
{
	struct desk *d = ctx;
	struct made made;
	const struct make_request q = { .origin = d->plan, .parent = d->incident, .now_us = clock_now_us() };
	return change_make(d->w.r, d->w.s, &d->lead, &q, d->w.a, &made, e);
}
CALL(make_again)
{
	enum rc rc = make_tasks(ctx, e);
	return rc == RC_CONFLICT ? RC_OK : rc;
}
CALL(keep_file)
{
	struct desk *d = ctx;
	struct digest digest;
	return change_file(d->w.r, d->w.s, &d->lead, types_find(types_of(&d->w), STR("note")), STR("bytes"), &digest, e);
}
CALL(erase)
{
	struct desk *d = ctx;
	return change_erase(d->w.r, d->w.s, &d->lead, d->second, STR("asked for"), e);
}

/* --- many --- */

static void tell(void *ctx, uint64_t row, const char *words)
{
	(void)ctx;
	(void)row;
	(void)words;
}
CALL(import)
{
	struct desk *d = ctx;
	struct bulk_counts counts;
	const struct bulk_request q = {
		.type = types_find(types_of(&d->w), STR("organisation")), .csv = true, .key = STR("name"),
		.text = STR("name,kind,country\nBank X,constituent,ID\nBank Y,constituent,ID\n"), .why = STR("list"),
	};
	enum rc rc = bulk_import(d->w.r, d->w.s, &d->lead, &q, tell, NULL, &counts, e);
	d->run = counts.run;
	return rc;
}
CALL(import_lines)
{
	struct desk *d = ctx;
	struct bulk_counts counts;
	const struct bulk_request q = {
		.type = types_find(types_of(&d->w), STR("organisation")), .key = STR("name"),
		.text = STR("{\"name\":\"Bank X\",\"kind\":\"constituent\",\"country\":\"MY\"}\n"
			    "{\"name\":\"Bank Z\",\"kind\":\"constituent\"}\n"),
	};
	enum rc rc = bulk_import(d->w.r, d->w.s, &d->lead, &q, tell, NULL, &counts, e);
	d->run = counts.run;
	return rc;
}
CALL(import_more)
{
	struct desk *d = ctx;
	struct bulk_counts counts;
	const struct bulk_request q = {
		.type = types_find(types_of(&d->w), STR("organisation")), .key = STR("name"),
		.text = STR("{\"name\":\"Bank X\",\"country\":\"SG\"}\n"),
	};
	enum rc rc = bulk_import(d->w.r, d->w.s, &d->lead, &q, tell, NULL, &counts, e);
	d->run = counts.run;
	return rc;
}
static enum rc as_if_not_undone(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE import_run SET state = 3 WHERE id = ?");
	sql_int(q, 1, *(int64_t *)ctx);
	return sql_run(q, e);
}
CALL(undo)
{
	struct desk *d = ctx;
	struct bulk_counts counts;
	return bulk_undo(d->w.r, d->w.s, &d->lead, types_find(types_of(&d->w), STR("organisation")), d->run,
			 STR("wrong list"), tell, NULL, &counts, e);
}
static bool run_each(void *ctx, const struct bulk_run *run)
{
	(void)ctx;
	(void)run;
	return true;
}

/* --- reading --- */

static bool view_each(void *ctx, const struct record_view *v)
{
	(void)v;
	++*(unsigned *)ctx;
	return true;
}
static bool any_link(void *ctx, const struct link_view *l)
{
	(void)ctx;
	(void)l;
	return true;
}

#define READ(name) static enum rc name(struct reader *r, struct desk *d, struct err *e)
READ(one)
{
	struct record_view view;
	enum rc rc = read_record(r, types_of(&d->w), &d->lead, d->incident, d->w.a, &view, e);
	record_view_end(&view);
	return rc;
}
READ(of_number)
{
	struct record_view view;
	enum rc rc = read_record(r, types_of(&d->w), &d->lead, STR("incident-1"), d->w.a, &view, e);
	record_view_end(&view);
	return rc;
}
READ(version)
{
	struct record_view view;
	enum rc rc = read_record_version(r, types_of(&d->w), &d->lead, d->incident, 1, d->w.a, &view, e);
	record_view_end(&view);
	return rc;
}
READ(list)
{
	unsigned n = 0;
	struct record_query q = { .type = types_find(types_of(&d->w), STR("incident")) };
	return read_records(r, types_of(&d->w), &d->lead, &q, 10, d->w.a, view_each, &n, e);
}
READ(search)
{
	unsigned n = 0;
	struct record_query q = { .text = STR("down") };
	return read_records(r, types_of(&d->w), &d->lead, &q, 10, d->w.a, view_each, &n, e);
}
READ(count)
{
	uint64_t n;
	bool more;
	struct record_query q = { .type = types_find(types_of(&d->w), STR("incident")) };
	return read_record_count(r, types_of(&d->w), &d->lead, &q, 10, &n, &more, e);
}
READ(history)
{
	unsigned n = 0;
	return read_record_history(r, types_of(&d->w), &d->lead, d->incident, 0, 10, d->w.a, view_each, &n, e);
}
READ(links)
{
	return read_record_links(r, types_of(&d->w), &d->lead, d->incident, d->w.a, any_link, NULL, e);
}
READ(references)
{
	const struct type *t = types_find(types_of(&d->w), STR("task"));
	str out;
	return read_references(r, types_of(&d->w), &d->lead, type_find_field(t, STR("parent")),
			       STR("incident-1"), STR("en"), d->w.a, &out, e);
}
READ(explain)
{
	struct explanation x;
	const struct explain_ask ask = { .item = d->incident, .account = &d->person, .by = CHANNEL_SCREEN,
					 .organisation = house_a, .purpose = PURPOSE_HANDLING,
					 .policy = d->lead.policy };
	return explain_item(r, types_of(&d->w), &d->lead, &ask, d->w.a, &x, e);
}
READ(glasses)
{
	struct glass *list;
	size_t n;
	return break_glass_list(reader_conn(r), d->roles, &d->lead, true, 10, d->w.a, &list, &n, e);
}
READ(through_glass)
{
	struct record_view view;
	struct viewer v = d->other;
	enum rc rc = read_record(r, types_of(&d->w), &v, d->second, d->w.a, &view, e);
	record_view_end(&view);
	return rc;
}
READ(notices)
{
	struct notice *list;
	size_t n;
	enum rc rc = read_notices(r, types_of(&d->w), d->roles, &d->lead, 0, 10, d->w.a, &list, &n, e);
	if (rc == RC_OK && n)
		d->notice = list[0].id;
	return rc;
}
READ(outbox)
{
	const struct outbox_query q = { .recipient = STR(""), .item = d->incident, .limit = 10 };
	struct message *list;
	size_t n;
	enum rc rc = read_outbox(r, types_of(&d->w), &d->lead, &q, d->w.a, &list, &n, e);
	if (rc == RC_OK && n)
		d->message = list[0].id;
	return rc;
}
READ(message)
{
	struct message m;
	struct cover *covers;
	size_t n;
	return read_message(r, types_of(&d->w), &d->lead, d->message, d->w.a, &m, &covers, &n, e);
}
READ(ledger)
{
	const struct ledger_query q = { .item = d->incident, .limit = 10 };
	struct ledger_row *list;
	size_t n;
	return read_ledger(r, types_of(&d->w), d->roles, &d->lead, &q, d->w.a, &list, &n, e);
}
READ(offers)
{
	struct record_view view;
	unsigned n = 0;
	enum rc rc = read_record(r, types_of(&d->w), &d->lead, d->incident, d->w.a, &view, e);
	if (rc == RC_OK)
		rc = make_offers(r, types_of(&d->w), &view, 10, d->w.a, view_each, &n, e);
	record_view_end(&view);
	return rc;
}
READ(runs)
{
	return bulk_runs(r, &d->lead, types_find(types_of(&d->w), STR("organisation")), run_each, NULL, e);
}

typedef enum rc (*look)(struct reader *r, struct desk *d, struct err *e);
struct view {
	struct desk *d;
	look look;
};
static enum rc as_look(void *ctx, struct err *e)
{
	struct view *v = ctx;
	struct reader *r = NULL;
	enum rc rc = store_read_begin(v->d->w.s, &r, e);
	if (rc == RC_OK)
		rc = v->look(r, v->d, e);
	store_read_end(r);
	return rc;
}

CALL(smash)
{
	struct desk *d = ctx;
	int64_t until;
	return break_glass(d->w.r, d->w.s, d->roles, &d->other, d->second, STR("nobody named is here"), &d->glass,
			   &until, e);
}
CALL(review)
{
	struct desk *d = ctx;
	return break_glass_review(d->w.r, d->w.s, d->roles, &d->lead, d->glass, STR("that was right to do"), e);
}

static enum rc put_message(struct tx *tx, void *ctx, struct err *e)
{
	struct desk *d = ctx;
	struct message m = { .lane = LANE_INCIDENT, .driver = STR("notice"), .recipient = STR("account:1"),
			     .item = d->incident, .item_version = 1, .template = STR("clock.due"),
			     .details = STR("{\"clock\":\"due\"}"), .maker = STR("test"),
			     .made_at = (uint64_t)clock_now_us() };
	return outbox_put(tx, &m, NULL, 0, &d->message, e);
}
CALL(take_note)
{
	struct desk *d = ctx;
	return notice_take(d->w.r, d->w.s, d->roles, &d->lead, d->notice, STR("seen"), e);
}
CALL(withdraw)
{
	struct desk *d = ctx;
	return change_message(d->w.r, d->w.s, &d->lead, d->message, false, STR("not now"), e);
}

#define EACH(call) CHECK(fault_each(&d.f, #call, call, &d) > 0)
#define LOOK(act)                                                       \
	do {                                                            \
		struct view v_ = { &d, act };                           \
		CHECK(fault_each(&d.f, #act, as_look, &v_) > 0);        \
	} while (0)

TEST(records)
{
	struct desk d = desk_new();
	EACH(new_incident);
	EACH(new_red);
	EACH(edit);
	EACH(label);
	EACH(unlabel);
	EACH(conflict);
	EACH(new_note);
	EACH(link_them);
	EACH(link_absent);
	d.f.forgives = d.f.forgives_change = true;
	EACH(denied);
	d.f.forgives = d.f.forgives_change = false;
	LOOK(one);
	LOOK(of_number);
	LOOK(version);
	LOOK(list);
	LOOK(search);
	LOOK(count);
	LOOK(history);
	LOOK(links);
	LOOK(references);
	LOOK(explain);
	EACH(unlink_them);
	EACH(new_plan);
	EACH(plan_in_use);
	EACH(make_tasks);
	EACH(make_again);
	LOOK(offers);
	EACH(keep_file);
	EACH(smash);
	LOOK(glasses);
	LOOK(through_glass);
	EACH(review);
	EACH(erase);
	desk_end(&d);
}

TEST(messages)
{
	struct desk d = desk_new();
	EACH(new_incident);
	CHECK_RC(store_write(d.w.s, put_message, &d, &err), RC_OK, err);
	LOOK(notices);
	LOOK(outbox);
	LOOK(message);
	EACH(take_note);
	LOOK(ledger);
	CHECK_RC(store_write(d.w.s, put_message, &d, &err), RC_OK, err);
	EACH(withdraw);
	desk_end(&d);
}

TEST(many)
{
	struct desk d = desk_new();
	/* a run has several jobs: rows laid aside, then applied in lots */
	d.f.forgives_change = true;
	EACH(import);
	EACH(import_lines);
	LOOK(runs);
	EACH(undo);
	CHECK_RC(import_more(&d, &err), RC_OK, err);
	EACH(undo); /* what was changed is put back */
	for (unsigned n = 1; n < 100; n++) { /* rows are all undone: the end of it fails */
		struct err e = { 0 };
		CHECK_RC(store_write(d.w.s, as_if_not_undone, &d.run, &err), RC_OK, err);
		io_trace_fail_step(d.f.trace, n);
		enum rc rc = undo(&d, &e);
		bool failed = io_trace_failed(d.f.trace);
		io_trace_fail_step(d.f.trace, 0);
		CHECK_MSG(failed == (rc != RC_OK), "step %u: %s", n, e.text);
		if (!failed)
			break;
	}
	desk_end(&d);
}

TEST_MAIN(TEST_RUN(records), TEST_RUN(messages), TEST_RUN(many))
