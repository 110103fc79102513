/* SPDX-License-Identifier: Apache-2.0 */
#include "record/record_world.h"

#include "disclosure/break_glass.h"
#include "disclosure/break_glass_private.h"
#include "disclosure/change.h"

static struct viewer person(const struct roles *r, const char *roles, int account)
{
	struct viewer v = {
		.right = RIGHT_READ,
		.as = { .kind = RECIPIENT_STAFF, .ceiling = TLP_AMBER, .named = true },
		.channel = CHANNEL_SCREEN, .account = account, .policy = { .number = 1, .public_k = 5 },
	};
	snprintf(v.actor, sizeof(v.actor), "account:%d", account);
	CHECK_RC(roles_parse(r, str_of(roles), &v.roles, &err), RC_OK, err);
	return v;
}

static enum rc look(struct world *w, const struct viewer *v, str id)
{
	struct reader *r = NULL;
	struct record_view view;
	struct err e = { 0 };

	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	enum rc rc = read_record(r, snapshot_table(w->held), v, id, w->a, &view, &e);
	if (rc == RC_OK) /* all of it but what is sealed */
		CHECK(json_get(view.body, "summary") && json_get(view.body, "reporter"));
	record_view_end(&view);
	store_read_end(r);
	return rc;
}

static str make_red(struct world *w, const struct viewer *by, const char *labels)
{
	struct record_view view;
	struct buf text = BUF_INIT(RECORD_ID_BYTES);
	const struct change_request q = {
		.type = STR("incident"), .labels = str_of(labels),
		.fields = STR("{\"title\":\"x\",\"class\":\"other\",\"severity\":\"low\",\"summary\":\"canary\","
			      "\"reporter\":\"person--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab\"}"),
	};

	CHECK_RC(change_record(w->r, w->s, by, &q, w->a, &view, NULL, &err), RC_OK, err);
	if (view.record)
		record_id_format(&text, STR("incident"), &view.record->id);
	record_view_end(&view);
	str s = arena_str(w->a, buf_str(&text));
	buf_free(&text);
	return s;
}

static bool count(void *ctx, const struct record_view *v)
{
	(void)v;
	++*(int *)ctx;
	return true;
}

TEST(one_record_one_person_one_hour)
{
	struct world w = world_new();
	struct roles *roles = NULL;
	int64_t id = 0, until = 0;
	int listed = 0;

	CHECK_RC(roles_load(NULL, &roles, &err), RC_OK, err);
	struct viewer lead = person(roles, "lead", 1), duty = person(roles, "duty", 2),
		      analyst = person(roles, "analyst", 3), second = person(roles, "duty", 4);
	lead.as.ceiling = TLP_RED;
	lead.as.personal_basis = true;
	str one = make_red(&w, &lead, "{\"tlp\":\"RED\"}"), two = make_red(&w, &lead, "{\"tlp\":\"RED\"}");
	str top = STR("incident-3"); /* its own author does not see it */
	make_red(&w, &lead, "{\"tlp\":\"RED\",\"classification\":\"TOP SECRET\"}");

	CHECK_INT(look(&w, &duty, one), RC_ABSENT);
	CHECK_RC(break_glass(w.r, w.s, roles, &analyst, one, STR("a plant is on fire"), &id, &until, &err),
		 RC_DENIED, err);
	CHECK_RC(break_glass(w.r, w.s, roles, &duty, one, STR(" fire "), &id, &until, &err), RC_INPUT, err);
	CHECK_RC(break_glass(w.r, w.s, roles, &duty, one, STR("a plant is on fire \xff"), &id, &until, &err), RC_INPUT,
		 err);
	static char endless[BREAK_GLASS_REASON_MOST + 1];
	memset(endless, 'x', sizeof(endless));
	CHECK_RC(break_glass(w.r, w.s, roles, &duty, one, str_mem(endless, sizeof(endless)), &id, &until, &err), RC_INPUT,
		 err);
	CHECK_RC(break_glass(w.r, w.s, roles, &duty, STR("incident-99"), STR("a plant is on fire"), &id, &until,
			     &err), RC_ABSENT, err);
	CHECK_RC(break_glass(w.r, w.s, roles, &duty, STR("incident-1"), STR("a plant is on fire"), &id, &until,
			     &err), RC_OK, err);
	CHECK(until > clock_now_us());
	CHECK_INT(look(&w, &duty, one), RC_OK);
	CHECK_INT(look(&w, &duty, STR("incident-1")), RC_OK);
	CHECK_INT(look(&w, &duty, two), RC_ABSENT);
	CHECK_INT(look(&w, &second, one), RC_ABSENT);
	/* not to change, not in lists, not taken away */
	struct record_view view;
	const struct change_request q = { .id = one, .fields = STR("{\"summary\":\"mine\"}") };
	CHECK_RC(change_record(w.r, w.s, &duty, &q, w.a, &view, NULL, &err), RC_ABSENT, err);
	struct reader *r = NULL;
	struct record_query all = { .type = types_find(snapshot_table(w.held), STR("incident")) };
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(read_records(r, snapshot_table(w.held), &duty, &all, 9, w.a, count, &listed, &err), RC_OK, err);
	CHECK_INT(listed, 0);
	store_read_end(r);
	duty.channel = CHANNEL_EXPORT;
	CHECK_INT(look(&w, &duty, one), RC_ABSENT);
	duty.channel = CHANNEL_SCREEN;
	/* what nobody is cleared for stays shut */
	CHECK_RC(break_glass(w.r, w.s, roles, &duty, top, STR("a plant is on fire"), &id, &until, &err), RC_OK,
		 err);
	CHECK_INT(look(&w, &duty, top), RC_ABSENT);
	if (clock_move(BREAK_GLASS_US + SECOND_US))
		CHECK_INT(look(&w, &duty, one), RC_ABSENT);
	roles_free(roles);
	world_end(&w);
}

/* What is behind the glass is for the team's own eyes, and only where we know what kind of thing it is. */
TEST(whom_the_glass_lets_through)
{
	struct world w = world_new();
	struct roles *roles = NULL;
	CHECK_RC(roles_load(NULL, &roles, &err), RC_OK, err);
	struct record known = world_case_new(&w, "{\"title\":\"x\"}"), strange = known;
	strange.type = NULL;
	static const struct {
		const char *what;
		enum channel channel;
		enum recipient_kind kind;
		bool known, passes;
	} rows[] = {
		{ "screen", CHANNEL_SCREEN, RECIPIENT_STAFF, true, true },
		{ "command line", CHANNEL_CLI, RECIPIENT_STAFF, true, true },
		{ "export", CHANNEL_EXPORT, RECIPIENT_STAFF, true, false },
		{ "a constituent", CHANNEL_SCREEN, RECIPIENT_CONSTITUENT, true, false },
		{ "a type that is gone", CHANNEL_SCREEN, RECIPIENT_STAFF, false, false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct viewer v = person(roles, "duty", 2), wide;
		struct labels labels;
		struct decision d;
		v.channel = rows[i].channel;
		v.as.kind = rows[i].kind;
		CHECK_MSG(glass_passes(&v, rows[i].known ? &known : &strange, &wide, &labels, &d) == rows[i].passes, "%s",
			  rows[i].what);
	}
	roles_free(roles);
	world_end(&w);
}

TEST(another_person_reviews)
{
	struct world w = world_new();
	struct roles *roles = NULL;
	int64_t id = 0, until = 0;
	struct glass *list = NULL;
	size_t n = 0;
	struct reader *r = NULL;

	CHECK_RC(roles_load(NULL, &roles, &err), RC_OK, err);
	struct viewer lead = person(roles, "lead", 1), other = person(roles, "lead", 2),
		      analyst = person(roles, "analyst", 3);
	lead.as.ceiling = TLP_RED;
	lead.as.personal_basis = true;
	str one = make_red(&w, &lead, "{\"tlp\":\"RED\"}");
	CHECK_RC(break_glass(w.r, w.s, roles, &lead, one, STR("a plant is on fire"), &id, &until, &err), RC_OK,
		 err);
	CHECK_RC(break_glass_review(w.r, w.s, roles, &lead, id, STR("it was right"), &err), RC_DENIED, err);
	CHECK_RC(break_glass_review(w.r, w.s, roles, &analyst, id, STR("it was right"), &err), RC_DENIED, err);
	CHECK_RC(break_glass_review(w.r, w.s, roles, &other, id, STR(""), &err), RC_INPUT, err);
	CHECK_RC(break_glass_review(w.r, w.s, roles, &other, 99, STR("it was right"), &err), RC_ABSENT, err);
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(break_glass_list(reader_conn(r), roles, &analyst, true, 9, w.a, &list, &n, &err), RC_DENIED,
		 err);
	CHECK_RC(break_glass_list(reader_conn(r), roles, &other, true, 9, w.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	store_read_end(r);
	CHECK_RC(break_glass_review(w.r, w.s, roles, &other, id, STR("it was right"), &err), RC_OK, err);
	CHECK_RC(break_glass_review(w.r, w.s, roles, &other, id, STR("it was right"), &err), RC_CONFLICT, err);
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(break_glass_list(reader_conn(r), roles, &other, true, 9, w.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 0);
	CHECK_RC(break_glass_list(reader_conn(r), roles, &other, false, 9, w.a, &list, &n, &err), RC_OK, err);
	CHECK(n == 1 && str_eq(list[0].reviewed_by, STR("account:2")));
	struct journal_line *lines;
	CHECK_RC(journal_list(reader_conn(r), 0, 100, w.a, &lines, &n, &err), RC_OK, err);
	int found = 0;
	for (size_t i = 0; i < n; i++)
		found += str_starts(lines[i].act, STR("break-glass"));
	CHECK_INT(found, 2);
	store_read_end(r);
	roles_free(roles);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(one_record_one_person_one_hour), TEST_RUN(whom_the_glass_lets_through),
	  TEST_RUN(another_person_reviews))
