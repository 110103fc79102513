/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender is told for whom, at each try: recipients of every kind, what stands and what stood,
 * and each statement failing once. The table of findings is a double. */
#include "disclosure/records_world.h"

#include "disclosure/told.h"
#include "store/fault_test.h"
#include "store/sql.h"

#define FINDING(n) "finding--0000000000000001000000000000000" n

static const struct finding findings[] = {
	{ .id = { 1, 1 }, .tlp = TLP_GREEN, .mark_reason = STR_INIT("said by a person"),
	  .concerns = { .count = 2, .list = { { .org = 7 }, { .org = 4 } } } },
	{ .id = { 1, 2 }, .tlp = TLP_AMBER, .concerns = { .count = 1, .list = { { .org = 4 } } } },
	{ .id = { 1, 3 }, .tlp = TLP_COUNT },
	{ .id = { 1, 4 }, .tlp = TLP_GREEN, .exercise = true },
	{ .id = { 1, 5 }, .tlp = TLP_GREEN, .held_us = 5 },
	{ .id = { 1, 6 }, .tlp = TLP_RED, .concerns = { .count = 1, .list = { { .org = 4 } } } },
};

enum rc findings_get(struct reader *r, struct hash128 id, struct arena *a, struct finding *out, struct err *e)
{
	(void)r, (void)a;
	for (size_t i = 0; i < COUNT_OF(findings); i++)
		if (findings[i].id.hi == id.hi && findings[i].id.lo == id.lo) {
			*out = findings[i];
			return RC_OK;
		}
	return fail(e, id.hi == 9 ? RC_IO : RC_ABSENT, "findings: nothing");
}

enum rc findings_list(struct reader *r, const struct finding_query *q, finding_each each, void *ctx,
		      struct err *e)
{
	(void)r, (void)e;
	for (size_t i = 0; i < COUNT_OF(findings); i++)
		for (size_t k = 0; k < findings[i].concerns.count; k++)
			if (findings[i].concerns.list[k].org == q->org && !each(ctx, &findings[i]))
				return RC_OK;
	return RC_OK;
}

enum rc findings_feeds(struct reader *r, struct hash128 id, struct arena *a, struct finding_feed **out,
		       size_t *count_out, struct err *e)
{
	(void)r, (void)id, (void)a, (void)e;
	*out = NULL;
	*count_out = 0;
	return RC_OK;
}

const char *finding_state_name(enum finding_state s)
{
	(void)s;
	return "open";
}

/* --- accounts, organisations, policies --- */

struct desk {
	struct world w;
	struct roles *roles;
	struct policies *p;
	int64_t lead, admin, person, off, bare; /* accounts */
	struct uuid who;                        /* the person of `lead`, and of `off` before */
	str incident, other, red;
	struct fault f;
};

struct hire {
	struct desk *d;
	struct account_new n;
	bool disable;
	int64_t id;
};

static enum rc hire_job(struct tx *tx, void *ctx, struct err *e)
{
	struct hire *h = ctx;
	enum rc rc = account_make(tx, h->d->w.j, h->d->roles, &h->n, STR("test"), &h->id, e);
	if (rc == RC_OK && h->disable)
		rc = account_disable(tx, h->d->w.j, h->id, true, STR("test"), e);
	return rc;
}

static int64_t hire(struct desk *d, const char *name, uint32_t roles, struct uuid organisation,
		    struct uuid person, bool disable)
{
	struct hire h = { .d = d, .disable = disable,
			  .n = { .name = str_of(name), .roles = roles, .organisation = organisation,
				 .person = person, .unix_uid = -1 } };
	CHECK_RC(store_write(d->w.s, hire_job, &h, &err), RC_OK, err);
	return h.id;
}

/* Roles are kept by name: that of this one is none any more. */
static enum rc bare_job(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE account SET roles = 'clerk' WHERE id = ?");
	sql_int(q, 1, *(int64_t *)ctx);
	return sql_run(q, e);
}

static enum rc org_job(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO org (id, record, name, folded, kind, country, sector,"
					 " timezone, changed_us) VALUES (4, ?, 'A', 'a', '', '', '', '', 0)");
	sql_blob(q, 1, str_mem(house_a.b, sizeof(house_a.b)));
	return sql_run(q, e);
}

enum { ADMINISTRATOR = 1 << 7 };

static struct desk desk_new(void)
{
	struct desk d = { .w = world_new(), .who = { { 0xc, 3 } } };
	const struct policy_sources from = { .roles = STR("roles"), .public_k = 5 };
	const struct uuid none = { { 0 } };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(roles_load(NULL, &d.roles, &err), RC_OK, err);
	CHECK_RC(policies_open(d.w.s, d.w.r, &from, &d.p, &err), RC_OK, err);
	CHECK_RC(store_write(d.w.s, org_job, NULL, &err), RC_OK, err);
	d.off = hire(&d, "away", LEAD, none, d.who, true);
	d.bare = hire(&d, "bare", LEAD, none, d.who, false);
	CHECK_RC(store_write(d.w.s, bare_job, &d.bare, &err), RC_OK, err);
	d.lead = hire(&d, "lead", LEAD, none, d.who, false);
	d.admin = hire(&d, "admin", ADMINISTRATOR, none, none, false);
	d.person = hire(&d, "person", CONSTITUENT, house_a, none, false);
	struct uuid id = make(&d.w, id_str(&d.w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 1);
	d.incident = id_str(&d.w, "incident", &id);
	id = make(&d.w, STR(""), "{\"tlp\":\"GREEN\"}", 2);
	d.other = id_str(&d.w, "incident", &id);
	id = make(&d.w, STR(""), "{\"tlp\":\"RED\"}", 3);
	d.red = id_str(&d.w, "incident", &id);
	d.f = fault_begin(d.w.d.path);
	return d;
}

static void desk_end(struct desk *d)
{
	fault_end(&d->f);
	struct policies *p = d->p;
	roles_free(d->roles);
	world_end(&d->w);
	policies_close(p);
}

/* 'L'ead, administrator 'M', 'P'erson of house a with an account; organisations 'a', 'b', the same in
 * an exercise 'A'; anybody '*'. */
static enum rc recipient(struct desk *d, struct reader *r, char who, struct told_to *to, struct err *e)
{
	switch (who) {
	case 'L':
		return told_account(r, d->roles, d->p, d->lead, CHANNEL_MAIL, to, e);
	case 'M':
		return told_account(r, d->roles, d->p, d->admin, CHANNEL_MAIL, to, e);
	case 'P':
		return told_account(r, d->roles, d->p, d->person, CHANNEL_MAIL, to, e);
	case 'a':
	case 'A':
		return told_organisation(r, d->p, house_a, who == 'A', CHANNEL_MAIL, to, e);
	case 'b':
		return told_organisation(r, d->p, house_b, false, CHANNEL_MAIL, to, e);
	}
	return told_anybody(d->p, CHANNEL_MAIL, to, e);
}

static enum rc tell(struct desk *d, char who, bool invited, str item, uint64_t version, struct told *out)
{
	struct reader *r = begin(&d->w);
	struct told_to to;
	CHECK_RC(recipient(d, r, who, &to, &err), RC_OK, err);
	to.invited = invited;
	err = (struct err){ 0 };
	enum rc rc = told_item(r, types_of(&d->w), &to, item, version, d->w.a, out, &err);
	store_read_end(r);
	return rc;
}

TEST(recipients)
{
	struct desk d = desk_new();
	struct reader *r = begin(&d.w);
	struct told_to to;
	CHECK_RC(told_account(r, d.roles, d.p, d.lead, CHANNEL_MAIL, &to, &err), RC_OK, err);
	CHECK(to.asks_roles && to.viewer.channel == CHANNEL_MAIL && to.viewer.policy.number > 0);
	CHECK_RC(told_account(r, d.roles, d.p, d.off, CHANNEL_MAIL, &to, &err), RC_DENIED, err);
	CHECK_RC(told_account(r, d.roles, d.p, d.bare, CHANNEL_MAIL, &to, &err), RC_DENIED, err);
	CHECK_RC(told_account(r, d.roles, d.p, 999, CHANNEL_MAIL, &to, &err), RC_ABSENT, err);
	CHECK_RC(told_organisation(r, d.p, house_a, true, CHANNEL_MAIL, &to, &err), RC_OK, err);
	CHECK_INT(to.org, 4);
	CHECK(!to.asks_roles && to.viewer.exercise && to.viewer.as.exercise_member);
	CHECK_RC(told_organisation(r, d.p, house_b, false, CHANNEL_MAIL, &to, &err), RC_OK, err);
	CHECK_INT(to.org, 0); /* not in the directory */
	CHECK_RC(told_anybody(d.p, CHANNEL_MAIL, &to, &err), RC_OK, err);
	CHECK(to.viewer.as.kind == RECIPIENT_PUBLIC && to.viewer.as.ceiling == TLP_CLEAR);
	store_read_end(r);
	desk_end(&d);
}

static enum rc copy_job(struct tx *tx, void *ctx, struct err *e)
{
	struct world_put *p = ctx;
	return record_put(tx, p->r, p->c, p->a, &p->out, NULL, 0, &p->error_count, e);
}

/* A copy of another node's: of a type or a state not known here. */
static str foreign(struct world *w, const char *type, const char *state)
{
	const struct record_change c = {
		.type = types_find(types_of(w), str_of(type)), .fields = STR("{\"title\":\"theirs\"}"), .to_state = -1,
		.labels = STR("{\"tlp\":\"GREEN\"}"), .actor = STR("node:x"), .type_name = str_of(type),
		.state_name = str_of(state), .new_id = uuid_random(), .version = 1, .type_version = 1,
		.origin = STR("0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab"),
	};
	struct record_change with = c;
	with.id = with.new_id;
	struct world_put p = { .r = w->r, .c = &with, .a = w->a };
	CHECK_RC(store_write(w->s, copy_job, &p, &err), RC_OK, err);
	return id_str(w, type, &with.id);
}

/* What a broken disk may leave: a body that is no JSON. */
static enum rc spoil_job(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE record_version SET body = ?2 WHERE record ="
					 " (SELECT id FROM record WHERE uuid = ?1)");
	sql_blob(q, 1, str_mem(((struct uuid *)ctx)->b, 16));
	sql_blob(q, 2, STR("{"));
	return sql_run(q, e);
}

static str spoilt(struct world *w, const char *labels)
{
	struct uuid id = make(w, STR(""), labels, 9);
	CHECK_RC(store_write(w->s, spoil_job, &id, &err), RC_OK, err);
	return id_str(w, "incident", &id);
}

TEST(records)
{
	struct desk d = desk_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	str drill, theirs = foreign(&d.w, "thing", "s"), listed, excluded, erased, moved, torn;
	const struct record_change play = { .type = types_find(types_of(&d.w), STR("incident")), .to_state = -1,
		.labels = STR("{\"tlp\":\"GREEN\",\"exercise\":true}"), .actor = STR("account:1"),
		.fields = STR("{\"title\":\"played\",\"class\":\"fraud\",\"severity\":\"low\"}") };
	struct record played;
	CHECK_RC(world_put(&d.w, &play, &played), RC_OK, err);
	drill = id_str(&d.w, "incident", &played.id);
	struct uuid id = make(&d.w, STR(""), "{\"tlp\":\"AMBER\",\"audience\":[\"organisation--0a010000-0000-0000-0000-000000000000\"]}", 5);
	listed = id_str(&d.w, "incident", &id);
	id = make(&d.w, STR(""), "{\"tlp\":\"AMBER\",\"audience\":[\"organisation--0b020000-0000-0000-0000-000000000000\"]}", 5);
	excluded = id_str(&d.w, "incident", &id);
	id = make(&d.w, STR(""), "{\"tlp\":\"GREEN\"}", 6);
	erased = id_str(&d.w, "incident", &id);
	CHECK_RC(change_erase(d.w.r, d.w.s, &lead, erased, STR("asked for"), &err), RC_OK, err);
	id = make(&d.w, STR(""), "{\"tlp\":\"GREEN\"}", 7);
	moved = id_str(&d.w, "incident", &id);
	const struct change_request give = { .id = moved,
		.fields = STR("{\"organisation\":\"organisation--0a010000-0000-0000-0000-000000000000\"}") };
	CHECK_RC(change(&d.w, &lead, &give, NULL), RC_OK, err);
	torn = spoilt(&d.w, "{\"tlp\":\"GREEN\"}");
	/* was AMBER+STRICT, is AMBER: what stood stays as strict as it was */
	id = make(&d.w, STR(""), "{\"tlp\":\"RED\"}", 8);
	str lowered = id_str(&d.w, "incident", &id);
	CHECK_RC(change(&d.w, &lead, &(struct change_request){ .id = lowered, .labels = STR("{\"tlp\":\"GREEN\"}") }, NULL),
		 RC_OK, err);
	const struct {
		const char *what;
		char who;
		bool invited;
		str item;
		uint64_t version;
		enum rc rc;
		const char *rule;
	} cases[] = {
		{ "about its own", 'a', false, d.incident, 0, RC_OK, "personal fields are cut: no legal basis is set" },
		{ "the version that stands", 'a', false, d.incident, 1, RC_OK, "personal fields are cut: no legal basis is set" },
		{ "a version that is not there", 'a', false, d.incident, 7, RC_ABSENT, "" },
		{ "another's", 'b', false, d.incident, 0, RC_DENIED, NULL },
		{ "made for a list he is on", 'b', true, d.incident, 0, RC_OK, "personal fields are cut: no legal basis is set" },
		{ "audience", 'a', false, listed, 0, RC_OK, "personal fields are cut: no legal basis is set" },
		{ "an audience of others", 'a', true, excluded, 0, RC_DENIED, "made for others" },
		{ "anybody", '*', false, d.other, 0, RC_DENIED, NULL },
		{ "staff", 'L', false, d.incident, 0, RC_OK, "inside our own organisation" },
		{ "red by mail", 'L', false, d.red, 0, RC_DENIED, NULL },
		{ "who runs the node reads no case", 'M', false, d.other, 0, RC_DENIED, "no role of the recipient reads it" },
		{ "a person of the organisation", 'P', false, moved, 0, RC_OK, NULL },
		{ "what stood was not theirs", 'P', false, moved, 1, RC_DENIED, "no role of the recipient reads it" },
		{ "as strict as it was", 'b', false, lowered, 1, RC_DENIED, NULL },
		{ "as it stands", 'b', false, lowered, 0, RC_OK, NULL },
		{ "a drill, to one who plays", 'A', false, drill, 0, RC_OK, NULL },
		{ "a drill, to one who does not", 'a', false, drill, 0, RC_DENIED, NULL },
		{ "what is real, to one who plays", 'A', false, d.incident, 0, RC_DENIED, "the recipient is one of an exercise" },
		{ "erased", 'L', false, erased, 0, RC_ABSENT, "" },
		{ "of a type nobody knows", 'L', false, theirs, 0, RC_ABSENT, "" },
		{ "never was", 'L', false, STR_INIT("incident--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ff"), 0, RC_ABSENT, "" },
		{ "no item", 'L', false, STR_INIT("report--1"), 0, RC_DENIED, "nothing is known of what it is about" },
		{ "damaged", 'L', false, torn, 0, RC_INPUT, NULL },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct told t;
		enum rc rc = tell(&d, cases[i].who, cases[i].invited, cases[i].item, cases[i].version, &t);
		CHECK_MSG(rc == cases[i].rc, "%s: %s (%s)", cases[i].what, rc_name(rc), err.text);
		if (cases[i].rule)
			CHECK_MSG(strcmp(t.rule, cases[i].rule) == 0, "%s: %s", cases[i].what, t.rule);
		CHECK_MSG(rc == RC_OK || (!t.view.body && !t.cut.n), "%s: something of it is told", cases[i].what);
		if (rc == RC_DENIED)
			CHECK_MSG(strcmp(err.text, t.rule) == 0, "%s: %s", cases[i].what, err.text);
		CHECK(!t.is_finding);
		told_end(&t);
	}
	struct told t;
	CHECK_RC(tell(&d, 'a', false, d.incident, 0, &t), RC_OK, err);
	CHECK_STR(t.cut, STR("internal,loss_method"));
	CHECK(json_get(t.view.body, "summary") && !json_get(t.view.body, "internal"));
	told_end(&t);
	desk_end(&d);
}

TEST(findings_told)
{
	static const struct {
		const char *what;
		char who;
		const char *item;
		enum rc rc;
		bool reason;
	} cases[] = {
		{ "with a basis", 'L', FINDING("1"), RC_OK, true },
		{ "free words are cut", 'a', FINDING("1"), RC_OK, false },
		{ "about its own", 'a', FINDING("2"), RC_OK, false },
		{ "not in the directory", 'b', FINDING("2"), RC_DENIED, false },
		{ "no marking that is known", 'L', FINDING("3"), RC_DENIED, false },
		{ "a drill, to one who plays", 'A', FINDING("4"), RC_OK, false },
		{ "what is real, to one who plays", 'A', FINDING("1"), RC_DENIED, false },
		{ "held", 'a', FINDING("5"), RC_DENIED, false },
		{ "a role that reads no findings", 'P', FINDING("1"), RC_DENIED, false },
		{ "never was", 'L', FINDING("9"), RC_ABSENT, false },
		{ "no id", 'L', "finding--zz", RC_ABSENT, false },
		{ "cannot be read", 'L', "finding--00000000000000090000000000000001", RC_IO, false },
	};
	struct desk d = desk_new();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct told t;
		enum rc rc = tell(&d, cases[i].who, false, str_of(cases[i].item), 0, &t);
		CHECK_MSG(rc == cases[i].rc, "%s: %s (%s)", cases[i].what, rc_name(rc), err.text);
		CHECK_MSG(t.is_finding == (rc == RC_OK), "%s", cases[i].what);
		if (rc == RC_OK)
			CHECK_MSG((t.finding.mark_reason.n > 0) == cases[i].reason, "%s", cases[i].what);
		if (rc == RC_DENIED)
			CHECK_MSG(t.rule[0] && strcmp(err.text, t.rule) == 0, "%s: %s", cases[i].what, t.rule);
		told_end(&t);
	}
	desk_end(&d);
}

static bool note_told(void *ctx, const struct finding *f)
{
	struct buf *b = ctx;
	buf_fmt(b, "%llu%s ", (unsigned long long)f->id.lo, f->mark_reason.n ? "!" : "");
	return b->n < 20;
}

/* Of the list: its own, as far as it may be told of them. */
TEST(findings_listed)
{
	static const struct {
		const char *what;
		char who;
		const char *told;
		bool more; /* were looked at than are told */
	} cases[] = {
		{ "its own, without free words, nothing RED", 'a', "1 2 ", true },
		{ "who is not in the directory", 'b', "", false },
		{ "what is real, to one who plays", 'A', "", false },
		{ "one of ours has none of its own", 'L', "", false },
	};
	struct desk d = desk_new();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct told_to to;
		struct finding_query q = { .state = FINDING_OPEN };
		struct buf b = BUF_INIT(100);
		struct reader *r = begin(&d.w);
		CHECK_RC(recipient(&d, r, cases[i].who, &to, &err), RC_OK, err);
		size_t listed = 99;
		CHECK_RC(told_findings(r, &to, &q, note_told, &b, &listed, &err), RC_OK, err);
		CHECK_MSG(cases[i].more ? listed > 2 : b.n > 0 || listed != 99, "%s: %zu", cases[i].what, listed);
		CHECK_MSG((q.after.lo > 0) == (listed > 0), "%s: stands where it began", cases[i].what);
		CHECK_MSG(str_eq(buf_str(&b), str_of(cases[i].told)), "%s: " STR_FMT, cases[i].what, STR_ARG(buf_str(&b)));
		store_read_end(r);
		buf_free(&b);
	}
	desk_end(&d);
}

TEST(own_record)
{
	struct desk d = desk_new();
	struct viewer lead = staff(LEAD | ANALYST | LIAISON | DUTY, 1);
	struct record_view view;
	struct told_to to;
	struct told_own own;
	const struct change_request q = { .type = STR("organisation"), .labels = STR("{\"tlp\":\"GREEN\"}"),
		.fields = STR("{\"name\":\"House\",\"kind\":\"constituent\",\"constituency\":[{\"kind\":\"network\",\"value\":\"198.18.0.0/24\"}],\"contacts\":[{\"role\":\"abuse\",\"email\":\"a@example.org\"}]}") };
	CHECK_RC(change(&d.w, &lead, &q, &view), RC_OK, err);
	str id = record_view_id(&view, d.w.a), type;
	record_view_end(&view);
	struct reader *r = begin(&d.w);
	CHECK_RC(recipient(&d, r, 'a', &to, &err), RC_OK, err);
	CHECK(record_id_parse(id, &type, &to.viewer.organisation));
	CHECK_RC(told_own(reader_conn(r), types_of(&d.w), &to, d.w.a, &own, &err), RC_OK, err);
	CHECK_INT(json_count(own.claims), 1);
	CHECK_INT(json_count(own.contacts), 1);
	CHECK_STR(own.who.title, STR("House"));
	json_free(own.who.body);
	/* a record that answers for nothing, one that is not there, nobody's */
	CHECK(record_id_parse(d.incident, &type, &to.viewer.organisation));
	CHECK_RC(told_own(reader_conn(r), types_of(&d.w), &to, d.w.a, &own, &err), RC_OK, err);
	CHECK(!own.claims && !own.contacts);
	json_free(own.who.body);
	to.viewer.organisation = house_b;
	CHECK_RC(told_own(reader_conn(r), types_of(&d.w), &to, d.w.a, &own, &err), RC_ABSENT, err);
	to.viewer.organisation = (struct uuid){ { 0 } };
	CHECK_RC(told_own(reader_conn(r), types_of(&d.w), &to, d.w.a, &own, &err), RC_ABSENT, err);
	store_read_end(r);
	desk_end(&d);
}

TEST(addressees)
{
	struct desk d = desk_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct uuid gone = make(&d.w, STR(""), "{\"tlp\":\"GREEN\"}", 6), closed = make(&d.w, STR(""), "{\"tlp\":\"GREEN\"}", 7);
	str erased = id_str(&d.w, "incident", &gone), shut = id_str(&d.w, "incident", &closed);
	CHECK_RC(change_erase(d.w.r, d.w.s, &lead, erased, STR("asked for"), &err), RC_OK, err);
	const struct change_request reject = { .id = shut, .to_state = STR("rejected"), .why = STR("nothing"),
					       .fields = STR("{\"outcome\":\"nothing\"}") };
	CHECK_RC(change(&d.w, &lead, &reject, NULL), RC_OK, err);
	const struct { const char *what; str id; enum rc rc; bool closed; } cases[] = {
		{ "one", d.incident, RC_OK, false },
		{ "closed", shut, RC_OK, true },
		{ "in a state nobody knows", foreign(&d.w, "incident", "elsewhere"), RC_OK, false },
		{ "of a type nobody knows", foreign(&d.w, "thing", "s"), RC_ABSENT, false },
		{ "erased", erased, RC_ABSENT, false },
		{ "by another type's name", arena_fmt(d.w.a, "person" STR_FMT, STR_ARG(str_from(d.incident, 8))), RC_ABSENT, false },
		{ "never was", STR_INIT("incident--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ff"), RC_ABSENT, false },
		{ "no id", STR_INIT("somebody"), RC_ABSENT, false },
		{ "damaged", spoilt(&d.w, "{\"tlp\":\"GREEN\"}"), RC_INPUT, false },
	};
	struct reader *r = begin(&d.w);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct addressee who;
		enum rc rc = told_addressee(reader_conn(r), types_of(&d.w), cases[i].id, d.w.a, &who, &err);
		CHECK_MSG(rc == cases[i].rc, "%s: %s (%s)", cases[i].what, rc_name(rc), err.text);
		CHECK_MSG((who.body != NULL) == (rc == RC_OK), "%s", cases[i].what);
		CHECK_MSG(who.closed == cases[i].closed, "%s", cases[i].what);
		if (rc == RC_OK)
			CHECK_STR(addressee_id(&who, d.w.a), cases[i].id);
		json_free(who.body);
	}
	int64_t account = 0;
	/* neither the one that was disabled nor the one without roles, though they name the same person */
	CHECK_RC(told_account_of(r, d.roles, d.who, d.w.a, &account, &err), RC_OK, err);
	CHECK_INT(account, d.lead);
	CHECK_RC(told_account_of(r, d.roles, house_b, d.w.a, &account, &err), RC_OK, err);
	CHECK_INT(account, 0);
	CHECK_RC(told_account_of(r, d.roles, (struct uuid){ { 0 } }, d.w.a, &account, &err), RC_OK, err);
	CHECK_INT(account, 0);
	store_read_end(r);
	desk_end(&d);
}

/* --- each statement fails once --- */

struct look {
	struct desk *d;
	char who;
	uint64_t version;
};

static enum rc read_and_tell(void *ctx, struct err *e)
{
	const struct look *k = ctx;
	struct reader *r = NULL;
	struct told_to to;
	struct told t = { .rule = "" };
	struct addressee who = { 0 };
	int64_t account;
	enum rc rc = store_read_begin(k->d->w.s, &r, e);
	if (rc == RC_OK)
		rc = recipient(k->d, r, k->who, &to, e);
	if (rc == RC_OK)
		rc = told_item(r, types_of(&k->d->w), &to, k->d->incident, k->version, k->d->w.a, &t, e);
	told_end(&t);
	if (rc == RC_OK)
		rc = told_addressee(reader_conn(r), types_of(&k->d->w), k->d->incident, k->d->w.a, &who, e);
	json_free(who.body);
	if (rc == RC_OK)
		rc = told_account_of(r, k->d->roles, k->d->who, k->d->w.a, &account, e);
	store_read_end(r);
	return rc;
}

TEST(faults)
{
	struct desk d = desk_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	const struct change_request edit = { .id = d.incident, .fields = STR("{\"severity\":\"high\"}") };
	CHECK_RC(change(&d.w, &lead, &edit, NULL), RC_OK, err);
	static const char who[] = "LPa";
	for (size_t i = 0; who[i]; i++) {
		struct look k = { &d, who[i], 1 };
		CHECK(fault_each(&d.f, "told", read_and_tell, &k) > 0);
	}
	desk_end(&d);
}

TEST_MAIN(TEST_RUN(recipients), TEST_RUN(records), TEST_RUN(findings_told), TEST_RUN(findings_listed),
	  TEST_RUN(own_record), TEST_RUN(addressees), TEST_RUN(faults))
