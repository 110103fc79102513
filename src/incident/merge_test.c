/* SPDX-License-Identifier: Apache-2.0 */
/* Merging, taking it back, splitting, handing over; and the same done to many. */
#include "incident/case_world.h"

#include "incident/act.h"
#include "incident/merge.h"

static int links_of(struct world *w, const struct viewer *v, str id, const char *kind);

struct counted {
	str kind;
	int n;
};

static bool count_link(void *ctx, const struct link_view *l)
{
	struct counted *c = ctx;
	c->n += str_eq(l->kind, c->kind);
	return true;
}

static int links_of(struct world *w, const struct viewer *v, str id, const char *kind)
{
	struct reader *r = begin(w);
	struct counted c = { .kind = str_of(kind) };
	CHECK_RC(read_record_links(r, types_of(w), v, id, w->a, count_link, &c, &err), RC_OK, err);
	store_read_end(r);
	return c.n;
}

static void link_to(struct world *w, const struct viewer *v, str from, const char *kind, str to)
{
	int64_t id;
	CHECK_RC(change_link(w->r, w->s, v, from, str_of(kind), to, STR(""), &id, &err), RC_OK, err);
}

#define ROW_A "{\"address\":\"192.0.2.1/32\"}"
#define ROW_B "{\"address\":\"192.0.2.2/32\"}"

TEST(merge_and_back)
{
	struct world w = cases_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct merged m;
	str keep = incident(&w, "keep", ROW_A, "", NULL), other = incident(&w, "other", ROW_A "," ROW_B, "", NULL);
	str note = put_new(&w, &lead, "note", "{\"title\":\"n\"}", NULL);
	str task = put_new(&w, &lead, "task", arena_fmt(w.a, "{\"title\":\"t\",\"parent\":\"" STR_FMT "\"}", STR_ARG(other)).p, NULL);
	CHECK(note.n && task.n);
	link_to(&w, &lead, other, "related", note);
	link_to(&w, &lead, note, "answers", other);
	CHECK_RC(move(&w, &lead, other, "open"), RC_OK, err);
	CHECK_RC(case_merge(w.r, w.s, &lead, keep, other, STR("the same"), w.a, &m, &err), RC_OK, err);
	CHECK_INT(m.indicators, 1);
	CHECK_INT(m.links, 2);
	CHECK(holds(shown(&w, &lead, keep), "192.0.2.2"));
	CHECK(holds(shown(&w, &lead, other), "\"state\":\"merged\""));
	CHECK_INT(links_of(&w, &lead, keep, "related"), 1);
	CHECK_INT(links_of(&w, &lead, keep, "answers"), 1);
	CHECK_INT(links_of(&w, &lead, keep, "duplicate-of"), 1);
	CHECK_INT(links_of(&w, &lead, keep, "parent"), 0); /* a task stays with what it names */
	CHECK_RC(case_merge(w.r, w.s, &lead, keep, other, STR("again"), w.a, &m, &err), RC_INPUT, err);
	CHECK_RC(case_unmerge(w.r, w.s, &lead, other, STR(""), w.a, &m, &err), RC_INPUT, err);
	/* what somebody added since stays */
	CHECK_RC(change(&w, &lead, &(struct change_request){ .id = keep, .fields = STR("{\"indicators\":[" ROW_A "," ROW_B
			",{\"domain\":\"late.example.org\"}],\"severity\":\"high\"}") }, NULL), RC_OK, err);
	CHECK_RC(case_unmerge(w.r, w.s, &lead, other, STR("not the same"), w.a, &m, &err), RC_OK, err);
	CHECK_INT(m.indicators, 1);
	CHECK_INT(m.links, 3);
	str now = shown(&w, &lead, keep);
	CHECK(!holds(now, "192.0.2.2") && holds(now, "192.0.2.1") && holds(now, "late.example.org") && holds(now, "\"high\""));
	CHECK(holds(shown(&w, &lead, other), "\"state\":\"open\""));
	CHECK_INT(links_of(&w, &lead, keep, "related") + links_of(&w, &lead, keep, "duplicate-of"), 0);
	CHECK_INT(links_of(&w, &lead, other, "related"), 1);
	CHECK_RC(case_unmerge(w.r, w.s, &lead, other, STR("again"), w.a, &m, &err), RC_INPUT, err);
	/* and once more */
	CHECK_RC(case_merge(w.r, w.s, &lead, keep, other, STR("after all"), w.a, &m, &err), RC_OK, err);
	CHECK_RC(case_unmerge(w.r, w.s, &lead, other, STR("no"), w.a, &m, &err), RC_OK, err);
	CHECK(!holds(shown(&w, &lead, keep), "192.0.2.2"));
	world_end(&w);
}

TEST(what_is_not_merged)
{
	struct world w = cases_new();
	struct viewer lead = staff(LEAD | ANALYST, 1), viewer = staff(VIEWER, 2), analyst = staff(ANALYST, 3);
	struct merged m;
	str a = incident(&w, "a", ROW_A, "", NULL), b = incident(&w, "b", ROW_B, "", NULL);
	str red = incident(&w, "r", ROW_B, "", "{\"tlp\":\"RED\",\"named\":[\"account:1\"]}");
	str note = put_new(&w, &lead, "note", "{\"title\":\"n\"}", NULL);
	lead.exercise = lead.as.exercise_member = true;
	str drill = put_new(&w, &lead, "incident", "{\"title\":\"d\",\"class\":\"fraud\",\"severity\":\"low\"}",
			    "{\"tlp\":\"AMBER\",\"exercise\":true}");
	const struct {
		const char *what;
		const struct viewer *v;
		str keep, other, why;
		enum rc rc;
	} refused[] = {
		{ "without a reason", &lead, a, b, STR(" "), RC_INPUT },
		{ "with itself", &lead, a, a, STR("x"), RC_INPUT },
		{ "with a note", &lead, a, note, STR("x"), RC_INPUT },
		{ "an exercise into a real one", &lead, a, drill, STR("x"), RC_INPUT },
		{ "by who only reads", &viewer, a, b, STR("x"), RC_DENIED },
		{ "one that is not there", &lead, a, STR("incident-99"), STR("x"), RC_ABSENT },
		{ "one he may not see", &analyst, a, red, STR("x"), RC_ABSENT },
		{ "into one he may not see", &analyst, red, a, STR("x"), RC_ABSENT },
	};
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		enum rc rc = case_merge(w.r, w.s, refused[i].v, refused[i].keep, refused[i].other, refused[i].why, w.a, &m, &err);
		CHECK_MSG(rc == refused[i].rc, "%s: %s", refused[i].what, rc_name(rc));
	}
	CHECK(holds(shown(&w, &lead, b), "\"version\":1"));
	CHECK(holds(shown(&w, &lead, a), "\"version\":1"));
	/* of an exercise from the beginning or never */
	CHECK_RC(change(&w, &lead, &(struct change_request){ .id = drill, .labels = STR("{\"tlp\":\"AMBER\"}") }, NULL), RC_DENIED, err);
	CHECK_RC(change(&w, &lead, &(struct change_request){ .id = a, .labels = STR("{\"tlp\":\"AMBER\",\"exercise\":true}") }, NULL),
		 RC_DENIED, err);
	world_end(&w);
}

TEST(one_becomes_two)
{
	struct world w = cases_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	str id, made, a = incident(&w, "a", ROW_A "," ROW_B, "", "{\"tlp\":\"AMBER+STRICT\"}");
	str note = put_new(&w, &lead, "note", "{\"title\":\"n\"}", NULL);
	int64_t link = 0;
	CHECK_RC(change_link(w.r, w.s, &lead, a, STR("related"), note, STR(""), &link, &err), RC_OK, err);
	CHECK_RC(move(&w, &lead, a, "open"), RC_OK, err);
	const str rows[] = { STR("192.0.2.2") }, none[] = { STR("192.0.2.9") };
	struct split_request q = { .id = a, .title = STR("second"), .why = STR("two things"), .links = &link, .indicators = rows };
	CHECK_RC(case_split(w.r, w.s, &lead, &q, w.a, &id, &err), RC_INPUT, err);
	q.indicators = none;
	q.indicator_count = 1;
	CHECK_RC(case_split(w.r, w.s, &lead, &q, w.a, &id, &err), RC_INPUT, err);
	q.indicators = rows;
	q.link_count = 1;
	CHECK_RC(case_split(w.r, w.s, &lead, &q, w.a, &made, &err), RC_OK, err);
	str first = shown(&w, &lead, a), second = shown(&w, &lead, made);
	CHECK(holds(first, "192.0.2.1") && !holds(first, "192.0.2.2"));
	CHECK(holds(second, "192.0.2.2") && !holds(second, "192.0.2.1"));
	CHECK(holds(second, "\"tlp\":\"AMBER+STRICT\"") && holds(second, "\"state\":\"open\"") && holds(second, "\"class\":\"fraud\""));
	CHECK_INT(links_of(&w, &lead, a, "related"), 0);
	CHECK_INT(links_of(&w, &lead, made, "related"), 1);
	CHECK_INT(links_of(&w, &lead, made, "split-from"), 1);
	CHECK_RC(case_split(w.r, w.s, &lead, &q, w.a, &made, &err), RC_INPUT, err); /* gone from there */
	world_end(&w);
}

TEST(from_hand_to_hand)
{
	struct world w = cases_new();
	struct viewer lead = staff(LEAD | ANALYST, 1), next = staff(ANALYST, 2);
	str type, a = incident(&w, "a", ROW_A, "", NULL);
	str person = put_new(&w, &lead, "person", "{\"name\":\"Analyst\"}", NULL);
	CHECK(record_id_parse(person, &type, &next.person));
	CHECK_RC(case_hand_over(w.r, w.s, &lead, a, person, STR(" "), w.a, &err), RC_INPUT, err);
	CHECK_RC(case_confirm(w.r, w.s, &next, a, w.a, &err), RC_INPUT, err);
	CHECK_RC(case_hand_over(w.r, w.s, &lead, a, person, STR("call the bank at nine"), w.a, &err), RC_OK, err);
	str now = shown(&w, &next, a);
	CHECK(holds(now, "call the bank at nine") && holds(now, "\"handover\":\"given\""));
	CHECK_RC(case_confirm(w.r, w.s, &lead, a, w.a, &err), RC_DENIED, err);
	CHECK_RC(case_confirm(w.r, w.s, &next, a, w.a, &err), RC_OK, err);
	CHECK(holds(shown(&w, &lead, a), "\"handover\":\"confirmed\""));
	CHECK_RC(case_confirm(w.r, w.s, &next, a, w.a, &err), RC_INPUT, err);
	world_end(&w);
}

TEST(many_at_once)
{
	struct world w = cases_new();
	struct viewer lead = staff(LEAD | ANALYST, 1), viewer = staff(VIEWER, 2);
	str person = put_new(&w, &lead, "person", "{\"name\":\"Analyst\"}", NULL);
	str ids[3];
	size_t done = 9;
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		ids[i] = incident(&w, "a", ROW_A, "", NULL);
	struct case_act q = { .ids = ids, .count = 3, .to_state = STR("open"), .person = person, .dry_run = true };
	CHECK_RC(case_act(w.r, w.s, &lead, &q, &done, &err), RC_OK, err);
	CHECK_INT(done, 3);
	CHECK(holds(shown(&w, &lead, ids[0]), "\"version\":1"));
	q.dry_run = false;
	CHECK_RC(case_act(w.r, w.s, &viewer, &q, &done, &err), RC_DENIED, err);
	CHECK_RC(case_act(w.r, w.s, &lead, &q, &done, &err), RC_OK, err);
	CHECK(holds(shown(&w, &lead, ids[2]), "\"state\":\"open\"") && holds(shown(&w, &lead, ids[2]), "\"assignee\""));
	/* one that cannot: none is */
	ids[1] = incident(&w, "b", ROW_A, "", NULL);
	q = (struct case_act){ .ids = ids, .count = 3, .to_state = STR("waiting"), .why = STR("asked") };
	CHECK_RC(case_act(w.r, w.s, &lead, &q, &done, &err), RC_DENIED, err);
	CHECK_INT(done, 0);
	CHECK(holds(shown(&w, &lead, ids[0]), "\"state\":\"open\""));
	q = (struct case_act){ .ids = ids, .count = 2, .link_kind = STR("part-of"), .link_to = ids[2], .why = STR("one wave") };
	CHECK_RC(case_act(w.r, w.s, &lead, &q, &done, &err), RC_OK, err);
	CHECK_INT(links_of(&w, &lead, ids[2], "part-of"), 2);
	q = (struct case_act){ .ids = ids, .count = 2 };
	CHECK_RC(case_act(w.r, w.s, &lead, &q, &done, &err), RC_INPUT, err);
	q = (struct case_act){ .ids = ids, .count = 0, .to_state = STR("open") };
	CHECK_RC(case_act(w.r, w.s, &lead, &q, &done, &err), RC_INPUT, err);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(merge_and_back), TEST_RUN(what_is_not_merged), TEST_RUN(one_becomes_two),
	  TEST_RUN(from_hand_to_hand), TEST_RUN(many_at_once))
