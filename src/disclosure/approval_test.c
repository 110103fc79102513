/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/approval.h"

#include "base/test.h"
#include "base/test_dir.h"

static struct err err;

struct house {
	struct test_dir dir;
	struct store *store;
	struct journal *journal;
	struct roles *roles;
	struct arena *a;
};

static struct house begin(void)
{
	struct house h = { .dir = test_dir_new(), .a = arena_new(KIB(16)) };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(h.dir.path, "Team", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(h.dir.path, NULL, NULL, &h.store, &err), RC_OK, err);
	CHECK_RC(journal_open(h.store, &h.journal, &err), RC_OK, err);
	CHECK_RC(roles_load(NULL, &h.roles, &err), RC_OK, err);
	return h;
}

static void end(struct house *h)
{
	arena_free(h->a);
	roles_free(h->roles);
	journal_close(h->journal);
	store_close(h->store);
	test_dir_end(&h->dir);
}

struct job {
	struct house *h;
	enum { LARGE, ACCOUNT, ASK, ANSWER, ROLES, NEW, OLD, DISABLE } what;
	const struct viewer *v;
	struct approval_ask ask;
	const char *name;
	uint32_t roles;
	int64_t id, shift_us;
	bool yes, go, no_roles;
};

static enum rc shift(struct tx *tx, int64_t us, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE approval SET asked_us = asked_us - ?, answered_us ="
					 " max(0, answered_us - ?)");
	sql_int(q, 1, us);
	sql_int(q, 2, us);
	return sql_run(q, e);
}

static enum rc run_job(struct tx *tx, void *ctx, struct err *e)
{
	struct job *j = ctx;
	struct journal *jl = j->h->journal;
	const struct roles *r = j->no_roles ? NULL : j->h->roles;
	struct account_new n = { .name = str_of(j->name), .roles = j->roles, .unix_uid = -1 };
	switch (j->what) {
	case LARGE: return team_size_set(tx, jl, TEAM_LARGE, STR("test"), e);
	case ACCOUNT: return account_make(tx, jl, r, &n, STR("test"), &j->id, e);
	case ASK: return approval_ask(tx, jl, r, j->v, &j->ask, &j->go, &j->id, e);
	case ANSWER: return approval_answer(tx, jl, r, j->v, j->id, j->yes, e);
	case ROLES: return approval_set_roles(tx, jl, r, j->v, j->id, j->roles, &j->go, &j->id, e);
	case NEW: return approval_make_account(tx, jl, r, j->v, &n, &j->go, &j->id, e);
	case DISABLE: return account_disable(tx, jl, j->id, true, STR("test"), e);
	case OLD: return shift(tx, j->shift_us, e);
	}
	return RC_IO;
}

static enum rc run(struct house *h, struct job *j)
{
	j->h = h;
	return store_write(h->store, run_job, j, &err);
}

static struct viewer person(struct house *h, const char *name, const char *roles)
{
	struct job j = { .what = ACCOUNT, .name = name };
	struct viewer v;
	struct reader *r = NULL;
	CHECK_RC(roles_parse(h->roles, str_of(roles), &j.roles, &err), RC_OK, err);
	CHECK_RC(run(h, &j), RC_OK, err);
	CHECK_RC(store_read_begin(h->store, &r, &err), RC_OK, err);
	CHECK_RC(account_viewer(reader_conn(r), h->roles, j.id, CHANNEL_SCREEN, &v, &err), RC_OK, err);
	store_read_end(r);
	return v;
}

static bool ask(struct house *h, const struct viewer *v, const char *what, int64_t *id)
{
	struct job j = { .what = ASK, .v = v, .ask = { .kind = APPROVAL_ERASE, .object = STR("note--1"),
						       .what = str_of(what), .why = STR("court order") } };
	CHECK_RC(run(h, &j), RC_OK, err);
	*id = j.id;
	return j.go;
}

static enum rc answer(struct house *h, const struct viewer *v, int64_t id, bool yes)
{
	struct job j = { .what = ANSWER, .v = v, .id = id, .yes = yes };
	return run(h, &j);
}

static size_t waiting(struct house *h, struct approval **list)
{
	struct reader *r = NULL;
	size_t n = 0;
	CHECK_RC(store_read_begin(h->store, &r, &err), RC_OK, err);
	CHECK_RC(approval_list(reader_conn(r), true, clock_now_us(), 50, h->a, list, &n, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

static void make_large(struct house *h)
{
	struct job j = { .what = LARGE };
	CHECK_RC(run(h, &j), RC_OK, err);
}

TEST(a_small_team_sees_it_the_next_morning)
{
	struct house h = begin();
	struct approval *list = NULL;
	int64_t id;
	struct viewer a = person(&h, "Lead A", "lead");
	person(&h, "Lead B", "lead");
	CHECK(ask(&h, &a, "erase note 1", &id));
	CHECK_INT(waiting(&h, &list), 1);
	CHECK_INT(list[0].state, APPROVAL_NOTICE);
	CHECK_STR(list[0].what, STR("erase note 1"));
	CHECK_STR(list[0].asked_by, STR("account:1"));
	CHECK_RC(answer(&h, &a, id, true), RC_DENIED, err);
	struct job old = { .what = OLD, .shift_us = 8 * DAY_US };
	CHECK_RC(run(&h, &old), RC_OK, err);
	CHECK_INT(waiting(&h, &list), 0);
	end(&h);
}

TEST(a_large_team_needs_two)
{
	struct house h = begin();
	struct approval *list = NULL;
	int64_t id, again, other;
	make_large(&h);
	struct viewer a = person(&h, "Lead A", "lead"), b = person(&h, "Lead B", "lead"),
		      c = person(&h, "Analyst A", "analyst");
	CHECK(!ask(&h, &a, "erase note 1", &id));
	CHECK(!ask(&h, &a, "erase note 1", &again)); /* still the same one */
	CHECK_INT(again, id);
	CHECK_INT(waiting(&h, &list), 1);
	CHECK_RC(answer(&h, &a, id, true), RC_DENIED, err);
	CHECK_STR(str_of(err.text), STR("you asked for this yourself: another person must answer"));
	CHECK_RC(answer(&h, &c, id, true), RC_DENIED, err);
	CHECK_RC(answer(&h, &b, 99, true), RC_ABSENT, err);
	CHECK_RC(answer(&h, &b, id, true), RC_OK, err);
	CHECK_RC(answer(&h, &b, id, false), RC_CONFLICT, err);
	CHECK(!ask(&h, &a, "erase note 2", &other)); /* a yes to one thing is none to another */
	CHECK(!ask(&h, &b, "erase note 1", &other)); /* nor to another person */
	CHECK(ask(&h, &a, "erase note 1", &again));
	CHECK_INT(again, id);
	CHECK(!ask(&h, &a, "erase note 1", &again)); /* once */
	CHECK(again != id);
	/* no */
	CHECK_RC(answer(&h, &b, again, false), RC_OK, err);
	CHECK(!ask(&h, &a, "erase note 1", &other));
	/* over */
	CHECK_RC(answer(&h, &b, other, true), RC_OK, err);
	struct job old = { .what = OLD, .shift_us = DAY_US };
	CHECK_RC(run(&h, &old), RC_OK, err);
	CHECK(!ask(&h, &a, "erase note 1", &again));
	old.shift_us = 8 * DAY_US;
	CHECK_RC(run(&h, &old), RC_OK, err);
	CHECK_RC(answer(&h, &b, again, true), RC_CONFLICT, err);

	struct journal_line *lines = NULL;
	size_t n = 0, asked = 0, approved = 0, done = 0;
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(h.store, &r, &err), RC_OK, err);
	CHECK_RC(journal_list(reader_conn(r), 0, 100, h.a, &lines, &n, &err), RC_OK, err);
	store_read_end(r);
	for (size_t i = 0; i < n; i++) {
		asked += str_eq(lines[i].act, STR("approval.ask")) && str_eq(lines[i].actor, STR("account:1"));
		approved += str_eq(lines[i].act, STR("approval.approve")) && str_eq(lines[i].actor, STR("account:2"));
		done += str_eq(lines[i].act, STR("approval.done")) && str_eq(lines[i].actor, STR("account:1"));
	}
	CHECK_INT(asked, 5);
	CHECK_INT(approved, 2);
	CHECK_INT(done, 1);
	end(&h);
}

static size_t listed(struct house *h, bool only_waiting, size_t limit, struct approval **list)
{
	struct reader *r = NULL;
	size_t n = 0;
	CHECK_RC(store_read_begin(h->store, &r, &err), RC_OK, err);
	CHECK_RC(approval_list(reader_conn(r), only_waiting, clock_now_us(), limit, h->a, list, &n, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

/* Newest first; who looks for what waits does not see what was answered, used up or left too long. */
TEST(what_the_list_shows)
{
	struct house h = begin();
	struct approval *list = NULL;
	int64_t open, yes, no, done, id;
	make_large(&h);
	struct viewer a = person(&h, "Lead A", "lead"), b = person(&h, "Lead B", "lead");
	CHECK(!ask(&h, &a, "one", &open) && !ask(&h, &a, "two", &yes) && !ask(&h, &a, "three", &no) &&
	      !ask(&h, &a, "four", &done));
	CHECK_STR(approval_words(open, h.a), STR("this needs a second person: it waits as approval 1 and can be"
						 " done again once somebody else has approved it"));
	CHECK_RC(answer(&h, &b, yes, true), RC_OK, err);
	CHECK_RC(answer(&h, &b, no, false), RC_OK, err);
	CHECK_RC(answer(&h, &b, done, true), RC_OK, err);
	CHECK(ask(&h, &a, "four", &id));
	CHECK_INT(listed(&h, false, 50, &list), 4);
	CHECK(list[0].state == APPROVAL_DONE && list[1].state == APPROVAL_NO && list[2].state == APPROVAL_YES &&
	      list[3].state == APPROVAL_OPEN && !list[2].over);
	CHECK_INT(listed(&h, false, 3, &list), 3);
	CHECK_INT(list[2].id, yes);
	CHECK_INT(listed(&h, true, 50, &list), 2);
	CHECK_INT(list[0].id, yes);
	CHECK_INT(list[1].id, open);
	struct job old = { .what = OLD, .shift_us = APPROVAL_YES_US + SECOND_US };
	CHECK_RC(run(&h, &old), RC_OK, err);
	CHECK_INT(listed(&h, true, 50, &list), 1); /* the yes was left too long */
	CHECK_INT(list[0].id, open);
	CHECK_INT(listed(&h, false, 50, &list), 4);
	CHECK(list[2].over && !list[3].over);
	old.shift_us = 31 * DAY_US;
	CHECK_RC(run(&h, &old), RC_OK, err);
	CHECK_INT(listed(&h, true, 50, &list), 0);
	CHECK(!ask(&h, &a, "five", &id));
	CHECK_INT(listed(&h, true, 50, &list), 1);
	CHECK_INT(listed(&h, false, 50, &list), 5);
	end(&h);
}

TEST(nobody_else_to_ask)
{
	struct house h = begin();
	struct approval *list = NULL;
	int64_t id;
	make_large(&h);
	struct viewer a = person(&h, "Administrator A", "administrator");
	CHECK(ask(&h, &a, "erase note 1", &id)); /* the first person of a new node */
	CHECK_INT(waiting(&h, &list), 1);
	CHECK_INT(list[0].state, APPROVAL_NOTICE);
	struct viewer b = person(&h, "Lead B", "lead");
	CHECK(!ask(&h, &a, "erase note 2", &id));
	struct job off = { .what = DISABLE, .id = b.account };
	CHECK_RC(run(&h, &off), RC_OK, err);
	CHECK(!ask(&h, &a, "erase note 3", &id)); /* to disable the other does not help */
	struct viewer owner = viewer_owner(0), api = viewer_owner(0);
	api.channel = CHANNEL_API;
	CHECK(viewer_approves(&owner, h.roles) && !viewer_approves(&api, h.roles));
	end(&h);
}

TEST(roles_rise_by_two)
{
	struct house h = begin();
	make_large(&h);
	struct viewer a = person(&h, "Administrator A", "administrator"), b = person(&h, "Lead B", "lead"),
		      c = person(&h, "Analyst A", "analyst");
	struct job up = { .what = ROLES, .v = &a, .id = c.account, .roles = c.roles | b.roles };
	CHECK_RC(run(&h, &up), RC_OK, err);
	CHECK(!up.go);
	CHECK_RC(answer(&h, &b, up.id, true), RC_OK, err);
	up.id = c.account;
	up.roles = c.roles | b.roles | a.roles; /* more than was approved */
	CHECK_RC(run(&h, &up), RC_OK, err);
	CHECK(!up.go);
	up.id = c.account;
	up.roles = c.roles | b.roles;
	CHECK_RC(run(&h, &up), RC_OK, err);
	CHECK(up.go);
	/* to lose roles needs nobody, but for one who approves */
	struct job down = { .what = ROLES, .v = &a, .id = b.account, .roles = c.roles };
	CHECK_RC(run(&h, &down), RC_OK, err);
	CHECK(!down.go);
	/* a role less that approves, and none more */
	struct viewer e = person(&h, "Lead E", "lead analyst");
	down.id = e.account;
	CHECK_RC(run(&h, &down), RC_OK, err);
	CHECK(!down.go);
	struct viewer d = person(&h, "Duty A", "duty analyst");
	down.id = d.account;
	CHECK_RC(run(&h, &down), RC_OK, err);
	CHECK(down.go);
	struct job fresh = { .what = NEW, .v = &a, .name = "Lead C", .roles = b.roles };
	CHECK_RC(run(&h, &fresh), RC_OK, err);
	CHECK(!fresh.go);
	CHECK_RC(answer(&h, &b, fresh.id, true), RC_OK, err);
	fresh.name = "Lead D";
	CHECK_RC(run(&h, &fresh), RC_OK, err);
	CHECK(!fresh.go);
	fresh.name = "lead c";
	CHECK_RC(run(&h, &fresh), RC_OK, err);
	CHECK(fresh.go);
	fresh.name = "a\nb"; /* nobody is asked about what cannot be */
	CHECK_RC(run(&h, &fresh), RC_INPUT, err);
	CHECK(!fresh.go);
	end(&h);
}

TEST(what_is_asked_must_be_said)
{
	struct house h = begin();
	static char big[KIB(2) + 1];
	memset(big, 'x', sizeof(big));
	struct viewer a = person(&h, "Lead A", "lead");
	const struct approval_ask bad[] = {
		{ .kind = APPROVAL_KINDS, .object = STR("x"), .what = STR("y") },
		{ .kind = APPROVAL_KEY, .object = STR(""), .what = STR("y") },
		{ .kind = APPROVAL_KEY, .object = STR("x"), .what = STR("") },
		{ .kind = APPROVAL_KEY, .object = STR("x"), .what = str_mem(big, sizeof(big)) },
		{ .kind = APPROVAL_KEY, .object = STR("x"), .what = STR("y"), .why = str_mem(big, sizeof(big)) },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct job j = { .what = ASK, .v = &a, .ask = bad[i] };
		CHECK_MSG(run(&h, &j) == RC_INPUT && !j.go, "case %zu", i);
	}
	/* without roles nobody can say who approves: not in a large team */
	struct approval_ask good = { .kind = APPROVAL_KEY, .object = STR("x"), .what = STR("y") };
	struct job large = { .what = LARGE }, none = { .what = ASK, .v = &a, .ask = good, .no_roles = true };
	CHECK_RC(run(&h, &none), RC_OK, err);
	CHECK_RC(run(&h, &large), RC_OK, err);
	CHECK_RC(run(&h, &none), RC_DENIED, err);
	/* the owner on the command line approves; on a screen, with another right or account he does not */
	struct viewer owner = viewer_owner(0), screen = owner, reads = owner, somebody = owner;
	screen.channel = CHANNEL_SCREEN;
	reads.right = RIGHT_READ;
	somebody.account = 9;
	CHECK(viewer_approves(&owner, h.roles) && !viewer_approves(&screen, h.roles));
	CHECK(!viewer_approves(&reads, h.roles) && !viewer_approves(&somebody, h.roles));
	CHECK_STR(str_of(approval_kind_name(APPROVAL_KINDS)), STR("none"));
	CHECK_STR(str_of(approval_state_name(APPROVAL_STATES)), STR("none"));
	end(&h);
}

TEST_MAIN(TEST_RUN(a_small_team_sees_it_the_next_morning), TEST_RUN(a_large_team_needs_two),
	  TEST_RUN(what_the_list_shows), TEST_RUN(nobody_else_to_ask), TEST_RUN(roles_rise_by_two), TEST_RUN(what_is_asked_must_be_said))
