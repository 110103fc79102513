/* SPDX-License-Identifier: Apache-2.0 */
/* Plans into tasks, and what another type of a test's own makes. */
#include "record/record_world.h"

#include "disclosure/make.h"

enum { VIEWER = 1 << 0, ANALYST = 1 << 1, LEAD = 1 << 3, NOON_DAY = 1795298400 };

static struct viewer staff(uint32_t roles, int account)
{
	struct viewer v = {
		.right = RIGHT_READ,
		.as = { .kind = RECIPIENT_STAFF, .ceiling = TLP_RED, .named = true, .personal_basis = true },
		.channel = CHANNEL_SCREEN, .account = account, .roles = roles,
		.policy = { .number = 1, .public_k = 5 },
	};
	snprintf(v.actor, sizeof(v.actor), "account:%d", account);
	return v;
}

static str put(struct world *w, const char *type, str id, const char *fields, const char *labels,
	       const char *state)
{
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct record_view view;
	struct change_errors errors;
	const struct change_request q = { .type = str_of(type), .id = id,
					  .fields = fields ? str_of(fields) : STR_NONE,
					  .labels = labels ? str_of(labels) : STR_NONE,
					  .to_state = state ? str_of(state) : STR_NONE };
	CHECK_RC(change_record(w->r, w->s, &lead, &q, w->a, &view, &errors, &err), RC_OK, err);
	str made = view.record ? record_view_id(&view, w->a) : STR("");
	record_view_end(&view);
	return made;
}

static str plan(struct world *w, const char *steps, const char *labels)
{
	str id = put(w, "plan", STR_NONE, arena_fmt(w->a, "{\"title\":\"When it burns\",\"steps\":%s}", steps).p,
		     labels, NULL);
	(void)put(w, "plan", id, NULL, NULL, "in-use");
	return id;
}

static str incident(struct world *w, const char *labels)
{
	return put(w, "incident", STR_NONE,
		   "{\"title\":\"t\",\"class\":\"fraud\",\"severity\":\"low\",\"summary\":\"s\"}", labels, NULL);
}

static enum rc make(struct world *w, const struct viewer *v, str origin, str parent, struct made *out)
{
	const struct make_request q = { .origin = origin, .parent = parent,
					.now_us = NOON_DAY * SECOND_US };
	err = (struct err){ 0 };
	return change_make(w->r, w->s, v, &q, w->a, out, &err);
}

static str shown(struct world *w, const struct viewer *v, str id)
{
	struct reader *r = NULL;
	struct record_view view;
	struct buf text = BUF_INIT(MIB(1));
	struct json_out j = json_out(&text);
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	if (read_record(r, snapshot_table(w->held), v, id, w->a, &view, &err) == RC_OK)
		record_view_json(&view, &j);
	str s = arena_str(w->a, buf_str(&text));
	record_view_end(&view);
	store_read_end(r);
	buf_free(&text);
	return s;
}

static void holds(str text, const char *part)
{
	CHECK_MSG(str_find(text, str_of(part)) < text.n, "no %s in " STR_FMT, part, STR_ARG(text));
}

static uint64_t tasks(struct world *w)
{
	struct viewer lead = staff(LEAD, 1);
	struct reader *r = NULL;
	uint64_t n = 0;
	bool more;
	struct record_query q = { .type = types_find(snapshot_table(w->held), STR("task")) };
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(read_record_count(r, snapshot_table(w->held), &lead, &q, 1000, &n, &more, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

#define STEPS                                                                                  \
	"[{\"title\":\"Call\",\"role\":\"duty\",\"after\":\"PT4H\",\"help\":\"By phone\"},"      \
	"{\"title\":\"Write it down\",\"after\":\"P1D\"},{\"title\":\"Look again\"}]"

TEST(steps_become_tasks)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1);
	struct made made;
	str p = plan(&w, STEPS, NULL), i = incident(&w, NULL);
	CHECK_RC(make(&w, &lead, p, i, &made), RC_OK, err);
	CHECK_INT(made.count, 3);
	CHECK_INT(tasks(&w), 3);
	str first = made.count ? shown(&w, &lead, made.ids[0]) : STR("");
	holds(first, "\"title\":\"Call\"");
	holds(first, "\"role\":\"duty\"");
	holds(first, "\"help\":\"By phone\"");
	holds(first, "\"step\":1");
	holds(first, arena_fmt(w.a, "\"parent\":\"" STR_FMT "\"", STR_ARG(i)).p);
	holds(first, arena_fmt(w.a, "\"plan\":\"" STR_FMT "\"", STR_ARG(p)).p);
	char due[40];
	str text = time_str(due, (NOON_DAY + 4 * 3600) * SECOND_US);
	holds(first, arena_fmt(w.a, "\"due_by\":\"" STR_FMT, STR_ARG(str_head(text, 19))).p);
	holds(made.count == 3 ? shown(&w, &lead, made.ids[2]) : STR(""), "\"step\":3");
	/* once; for another record again */
	CHECK_RC(make(&w, &lead, p, i, &made), RC_CONFLICT, err);
	CHECK_STR(str_of(err.text), STR("made already: 'task-1' and 2 more"));
	CHECK_RC(make(&w, &lead, p, incident(&w, NULL), &made), RC_OK, err);
	CHECK_INT(tasks(&w), 6);
	CHECK_RC(make(&w, &lead, plan(&w, STEPS, NULL), i, &made), RC_OK, err);
	CHECK_INT(tasks(&w), 9);
	world_end(&w);
}

static bool note_offer(void *ctx, const struct record_view *v)
{
	struct buf *out = ctx;
	record_view_text(v, record_view_type(v)->title, out);
	buf_char(out, ' ');
	return true;
}

static str offers(struct world *w, const struct viewer *v, str id, size_t limit)
{
	struct reader *r = NULL;
	struct record_view view;
	struct buf out = BUF_INIT(KIB(4));
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(read_record(r, snapshot_table(w->held), v, id, w->a, &view, &err), RC_OK, err);
	CHECK_RC(make_offers(r, snapshot_table(w->held), &view, limit, w->a, note_offer, &out, &err), RC_OK, err);
	str s = arena_str(w->a, buf_str(&out));
	record_view_end(&view);
	store_read_end(r);
	buf_free(&out);
	return s;
}

static str plan_for(struct world *w, const char *title, const char *type, const char *state)
{
	str id = put(w, "plan", STR_NONE, arena_fmt(w->a, "{\"title\":\"%s\",\"for_type\":\"%s\",\"steps\":"
						    "[{\"title\":\"Call\"}]}", title, type).p, NULL, NULL);
	if (state)
		(void)put(w, "plan", id, NULL, NULL, state);
	return id;
}

/* A plan says for which records it is. */
TEST(plans_that_fit)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1), reader = staff(VIEWER, 2);
	struct made made;
	str i = incident(&w, NULL), any = plan_for(&w, "Any", "", "in-use"),
	    ours = plan_for(&w, "Ours", " Incident ", "in-use"), other = plan_for(&w, "Theirs", "warning", "in-use"),
	    draft = plan_for(&w, "Draft", "incident", NULL);

	CHECK_RC(make(&w, &lead, other, i, &made), RC_INPUT, err);
	holds(str_of(err.text), "is not for records of type 'incident'");
	CHECK_RC(make(&w, &lead, draft, i, &made), RC_INPUT, err);
	CHECK_INT(tasks(&w), 0);
	str s = offers(&w, &lead, i, 10);
	holds(s, "Any");
	holds(s, "Ours");
	CHECK_MSG(s.n == strlen("Any Ours "), STR_FMT, STR_ARG(s));
	CHECK_INT(offers(&w, &lead, i, 1).n > 5, 0);
	CHECK_STR(offers(&w, &lead, i, 0), STR(""));
	CHECK_STR(offers(&w, &reader, i, 10), STR("")); /* he makes no tasks */
	CHECK_STR(offers(&w, &lead, any, 10), STR("")); /* no plan for a plan */
	CHECK_RC(make(&w, &lead, any, i, &made), RC_OK, err);
	CHECK_RC(make(&w, &lead, ours, i, &made), RC_OK, err);
	CHECK_INT(tasks(&w), 2);
	world_end(&w);
}

TEST(all_or_nothing)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1), reader = staff(VIEWER, 2), nobody = staff(0, 3);
	struct made made;
	str p = plan(&w, STEPS, NULL), i = incident(&w, NULL);
	str draft = put(&w, "plan", STR_NONE, "{\"title\":\"d\",\"steps\":" STEPS "}", NULL, NULL);
	str far = plan(&w, "[{\"title\":\"a\"},{\"title\":\"b\",\"after\":\"P300Y\"}]", NULL);
	const struct {
		const struct viewer *v;
		str origin, parent;
		enum rc rc;
		const char *words;
	} cases[] = {
		{ &reader, p, i, RC_DENIED, "" },
		{ &nobody, p, i, RC_ABSENT, "there is no such record" },
		{ &lead, draft, i, RC_INPUT, "while it is 'draft'" },
		{ &lead, i, i, RC_INPUT, "nothing is made of" },
		{ &lead, p, STR(""), RC_INPUT, "say what they are for" },
		{ &lead, p, STR("incident-4711"), RC_ABSENT, "there is no such record" },
		{ &lead, STR("plan-4711"), i, RC_ABSENT, "there is no such record" },
		{ &lead, far, i, RC_INPUT, "" },
	};
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		enum rc rc = make(&w, cases[k].v, cases[k].origin, cases[k].parent, &made);
		CHECK_MSG(rc == cases[k].rc, "case %zu: %s (%s)", k, rc_name(rc), err.text);
		CHECK_MSG(strstr(err.text, cases[k].words), "case %zu: %s", k, err.text);
		CHECK(made.count == 0);
		CHECK_INT(tasks(&w), 0);
	}
	world_end(&w);
}

TEST(the_stricter_labels)
{
	static const struct {
		const char *plan, *incident, *want;
	} rows[] = {
		{ "{\"tlp\":\"GREEN\"}", "{\"tlp\":\"AMBER+STRICT\"}", "\"tlp\":\"AMBER+STRICT\"" },
		{ "{\"tlp\":\"RED\",\"named\":[\"account:1\",\"account:5\"]}",
		  "{\"tlp\":\"RED\",\"named\":[\"account:1\",\"account:6\"]}", "\"named\":[\"account:1\"]" },
		{ "{\"tlp\":\"GREEN\",\"pap\":\"RED\"}", "{\"tlp\":\"CLEAR\",\"pap\":\"CLEAR\"}", "\"pap\":\"RED\"" },
		{ "{\"tlp\":\"GREEN\",\"named\":[\"account:7\"]}", "{\"tlp\":\"RED\",\"named\":[\"account:1\"]}",
		  "\"named\":[\"account:1\"]" },
	};
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct made made;
		str p = plan(&w, STEPS, rows[i].plan), k = incident(&w, rows[i].incident);
		CHECK_RC(make(&w, &lead, p, k, &made), RC_OK, err);
		if (made.count)
			holds(shown(&w, &lead, made.ids[0]), rows[i].want);
	}
	world_end(&w);
}

TEST(a_button)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1), reader = staff(VIEWER, 2);
	const struct {
		str id;
		const struct viewer *v;
		bool possible;
	} cases[] = {
		{ plan(&w, STEPS, NULL), &lead, true },
		{ plan(&w, STEPS, NULL), &reader, false },
		{ put(&w, "plan", STR_NONE, "{\"title\":\"d\",\"steps\":" STEPS "}", NULL, NULL), &lead, false },
		{ incident(&w, NULL), &lead, false },
	};
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct record_view view;
		CHECK_RC(read_record(r, snapshot_table(w.held), cases[i].v, cases[i].id, w.a, &view, &err), RC_OK,
			 err);
		CHECK_MSG(make_possible(snapshot_table(w.held), &view) == cases[i].possible, "case %zu", i);
		record_view_end(&view);
	}
	store_read_end(r);
	world_end(&w);
}

/* Due counted in business time, without anything they are for. */
static const char audit[] =
	"{ \"type\": \"audit\", \"version\": 1, \"label\": { \"en\": \"Audit\" },"
	" \"plural\": { \"en\": \"Audits\" }, \"title\": \"title\", \"fields\": {"
	"  \"title\": { \"kind\": \"text\", \"max\": 100, \"required\": [\"*\"],"
	"   \"label\": { \"en\": \"Title\" } },"
	"  \"of\": { \"kind\": \"reference\", \"label\": { \"en\": \"Of\" } },"
	"  \"by\": { \"kind\": \"time\", \"label\": { \"en\": \"By\" } },"
	"  \"points\": { \"kind\": \"rows\", \"max\": 9, \"label\": { \"en\": \"Points\" }, \"rows\": {"
	"   \"what\": { \"kind\": \"text\", \"label\": { \"en\": \"What\" } },"
	"   \"after\": { \"kind\": \"duration\", \"label\": { \"en\": \"After\" } } } } },"
	" \"states\": { \"open\": { \"label\": { \"en\": \"Open\" } } },"
	" \"clocks\": { \"by\": { \"label\": { \"en\": \"By\" }, \"start_at\": \"by\", \"start\": [\"open\"],"
	"  \"due\": \"PT0S\", \"business\": true } },"
	" \"makes\": { \"type\": \"audit\", \"from\": \"points\", \"origin\": \"of\", \"due\": \"by\","
	"  \"after\": \"after\", \"copy\": { \"what\": \"title\" } },"
	" \"rights\": { \"read\": { \"lead\": \"all\" }, \"create\": { \"lead\": \"all\" } },"
	" \"list\": { \"columns\": [\"title\"], \"filters\": [\"by\"] } }";

TEST(business_time)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1);
	struct types *t = NULL;
	struct calendar *c = NULL;
	struct made made;
	int64_t friday = TIME_NONE;
	CHECK_RC(types_with(snapshot_table(w.held), str_of(audit), "types/audit.json", &t, &err), RC_OK, err);
	if (t)
		snapshot_swap(w.types, t);
	CHECK_RC(calendar_new(STR("UTC"), STR("Mon-Fri 08:00-17:00"), STR_NONE, &c, &err), RC_OK, err);
	CHECK(time_parse(STR("2026-11-20T16:00:00Z"), false, &friday));
	str id = put(&w, "audit", STR_NONE,
		     "{\"title\":\"t\",\"points\":[{\"what\":\"one\",\"after\":\"P1DT2H\"}]}", NULL, NULL);
	const struct make_request q = { .origin = id, .calendar = c, .now_us = friday };
	CHECK_RC(change_make(w.r, w.s, &lead, &q, w.a, &made, &err), RC_OK, err);
	snapshot_drop(w.types, w.held);
	w.held = snapshot_hold(w.types);
	if (made.count)
		holds(shown(&w, &lead, made.ids[0]), "\"by\":\"2026-11-24T09:00:00");
	CHECK_RC(change_make(w.r, w.s, &lead, &q, w.a, &made, &err), RC_CONFLICT, err);
	calendar_free(c);
	world_end(&w);
}

/* --- types of a test's own --- */

/* `makes` of "job", whose rows become "part"s; `more`: clocks of "part". */
static void add_jobs(struct world *w, const char *makes, const char *state, const char *clocks, const char *read_part)
{
	struct types *t = NULL, *both = NULL;
	int version = types_find(snapshot_table(w->held), STR("job")) ? 2 : 1;
	str part = arena_fmt(w->a,
		"{ \"type\": \"part\", \"version\": %d, \"label\": { \"en\": \"Part\" }, \"plural\": { \"en\": \"Parts\" },"
		" \"title\": \"name\", \"fields\": {"
		"  \"a\": { \"kind\": \"long\", \"max\": 200000, \"label\": { \"en\": \"A\" } },"
		"  \"name\": { \"kind\": \"text\", \"required\": [\"*\"], \"label\": { \"en\": \"Name\" } },"
		"  \"b\": { \"kind\": \"long\", \"max\": 200000, \"label\": { \"en\": \"B\" } },"
		"  \"c\": { \"kind\": \"long\", \"max\": 200000, \"label\": { \"en\": \"C\" } },"
		"  \"of\": { \"kind\": \"reference\", \"list\": true, \"label\": { \"en\": \"Of\" } },"
		"  \"for\": { \"kind\": \"reference\", \"label\": { \"en\": \"For\" } },"
		"  \"case\": { \"kind\": \"reference\", \"to\": \"incident\", \"label\": { \"en\": \"Case\" } },"
		"  \"note\": { \"kind\": \"reference\", \"to\": \"note\", \"label\": { \"en\": \"Note\" } },"
		"  \"by\": { \"kind\": \"time\", \"label\": { \"en\": \"By\" } },"
		"  \"then\": { \"kind\": \"time\", \"label\": { \"en\": \"Then\" } } },"
		" \"states\": { \"open\": { \"label\": { \"en\": \"Open\" } } }, %s"
		" \"rights\": { \"read\": { \"%s\": \"all\" }, \"create\": { \"lead\": \"all\" }, \"edit\": { \"lead\": \"all\" },"
		"  \"label\": { \"lead\": \"all\" }, \"erase\": { \"lead\": \"all\" } }, \"list\": { \"columns\": [\"name\"] } }", version, clocks, read_part);
	str job = arena_fmt(w->a,
		"{ \"type\": \"job\", \"version\": %d, \"label\": { \"en\": \"Job\" }, \"plural\": { \"en\": \"Jobs\" },"
		" \"title\": \"title\", \"fields\": {"
		"  \"title\": { \"kind\": \"text\", \"share\": \"open\", \"required\": [\"*\"], \"label\": { \"en\": \"Title\" } },"
		"  \"kind\": { \"kind\": \"text\", \"personal\": true, \"label\": { \"en\": \"Kind\" } },"
		"  \"hush\": { \"kind\": \"rows\", \"personal\": true, \"label\": { \"en\": \"Hush\" }, \"rows\": {"
		"   \"x\": { \"kind\": \"text\", \"label\": { \"en\": \"X\" } } } },"
		"  \"points\": { \"kind\": \"rows\", \"max\": 9, \"label\": { \"en\": \"Points\" }, \"rows\": {"
		"   \"x\": { \"kind\": \"text\", \"label\": { \"en\": \"X\" } },"
		"   \"a\": { \"kind\": \"long\", \"max\": 200000, \"label\": { \"en\": \"A\" } },"
		"   \"b\": { \"kind\": \"long\", \"max\": 200000, \"label\": { \"en\": \"B\" } },"
		"   \"c\": { \"kind\": \"long\", \"max\": 200000, \"label\": { \"en\": \"C\" } },"
		"   \"after\": { \"kind\": \"duration\", \"label\": { \"en\": \"After\" } } } } },"
		" \"states\": { \"%s\": { \"label\": { \"en\": \"State\" } } }, \"makes\": { \"type\": \"part\", %s },"
		" \"rights\": { \"read\": { \"lead\": \"all\" }, \"create\": { \"lead\": \"all\" } },"
		" \"list\": { \"columns\": [\"title\"] } }", version, state, makes);
	CHECK_RC(types_with(snapshot_table(w->held), part, "types/part.json", &t, &err), RC_OK, err);
	if (t)
		CHECK_RC(types_with(t, job, "types/job.json", &both, &err), RC_OK, err);
	types_free(t);
	if (!both)
		return;
	snapshot_drop(w->types, w->held);
	snapshot_swap(w->types, both);
	w->held = snapshot_hold(w->types);
}

#define POINTS "\"from\": \"points\", \"copy\": { \"x\": \"name\", \"a\": \"a\", \"b\": \"b\", \"c\": \"c\" }"
#define JOB "{\"title\":\"t\",\"points\":[{\"x\":\"one\",\"after\":\"P1D\"}]}"

static enum rc spoil(struct tx *tx, void *ctx, struct err *e)
{
	const char *was = ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE record_version SET body = replace(body, ?, 'soon!')");
	sql_str(q, 1, str_of(was));
	return sql_run(q, e);
}

TEST(what_is_made_by_other_types)
{
	enum { DAY_ONE = 1 };
	static const struct {
		const char *what, *makes, *clocks, *job; /* clocks of what is made */
		bool parent, calendar, twice;
		int64_t now_us;
		const char *spoil;
		enum rc rc;
		const char *words;
	} rows[] = {
		{ .what = "for a record, of any type", .makes = POINTS ", \"parent\": \"for\"", .parent = true, .rc = RC_OK },
		{ .what = "once, though it does not say of what", .makes = POINTS ", \"parent\": \"for\"", .parent = true, .twice = true,
		  .rc = RC_CONFLICT, .words = "made already: 'part-1'" },
		{ .what = "once, said in a list", .makes = POINTS ", \"parent\": \"for\", \"origin\": \"of\"", .parent = true, .twice = true,
		  .rc = RC_CONFLICT, .words = "made already: 'part-1'" },
		{ .what = "once, of itself", .makes = POINTS ", \"origin\": \"of\"", .twice = true, .rc = RC_CONFLICT, .words = "made already" },
		{ .what = "as often as one likes", .makes = POINTS, .twice = true, .rc = RC_OK },
		{ .what = "for another record that it is not for", .makes = POINTS, .parent = true, .rc = RC_INPUT,
		  .words = "is for no other record" },
		{ .what = "without rows", .makes = POINTS, .job = "{\"title\":\"t\"}", .rc = RC_INPUT, .words = "has no points" },
		{ .what = "due, without a calendar", .makes = POINTS ", \"due\": \"by\", \"after\": \"after\"",
		  .clocks = "\"clocks\": { \"by\": { \"label\": { \"en\": \"By\" }, \"start_at\": \"by\", \"start\": [\"open\"],"
			    " \"due\": \"PT0S\", \"business\": true } },", .now_us = DAY_ONE, .rc = RC_OK },
		{ .what = "due, and clocks that are of something else", .makes = POINTS ", \"due\": \"by\", \"after\": \"after\"",
		  .clocks = "\"clocks\": { \"a\": { \"label\": { \"en\": \"A\" }, \"start\": [\"open\"], \"due\": \"PT1H\","
			    " \"business\": true }, \"b\": { \"label\": { \"en\": \"B\" }, \"start_at\": \"then\", \"start\": [\"open\"],"
			    " \"due\": \"PT0S\", \"business\": true } },", .calendar = true, .now_us = DAY_ONE, .rc = RC_OK },
		{ .what = "due before time began", .makes = POINTS ", \"due\": \"by\", \"after\": \"after\"", .now_us = -2 * DAY_US,
		  .rc = RC_INPUT, .words = "leads to no day" },
		{ .what = "due after time ends", .makes = POINTS ", \"due\": \"by\", \"after\": \"after\"", .now_us = INT64_MAX - 5,
		  .rc = RC_INPUT, .words = "leads to no day" },
		{ .what = "due when nobody can read it", .makes = POINTS ", \"due\": \"by\", \"after\": \"after\"", .spoil = "P1D",
		  .rc = RC_INPUT, .words = "is no duration" },
		{ .what = "of a body nobody can read", .makes = POINTS, .spoil = "{", .rc = RC_INPUT, .words = "" },
		{ .what = "for a record, of a body nobody can read", .makes = POINTS ", \"parent\": \"for\"", .parent = true, .spoil = "{",
		  .rc = RC_INPUT, .words = "" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct world w = world_new();
		struct viewer lead = staff(LEAD, 1);
		struct calendar *c = NULL;
		struct made made;
		CHECK_RC(calendar_new(STR("UTC"), STR("Mon-Fri 08:00-17:00"), STR_NONE, &c, &err), RC_OK, err);
		add_jobs(&w, rows[i].makes, "open", rows[i].clocks ? rows[i].clocks : "", "lead");
		str job = put(&w, "job", STR_NONE, rows[i].job ? rows[i].job : JOB, NULL, NULL);
		const struct make_request q = { .origin = job, .parent = rows[i].parent ? incident(&w, NULL) : STR(""),
						.now_us = rows[i].now_us, .calendar = rows[i].calendar ? c : NULL };
		if (rows[i].spoil)
			CHECK_RC(store_write(w.s, spoil, (void *)(uintptr_t)rows[i].spoil, &err), RC_OK, err);
		err = (struct err){ 0 };
		enum rc rc = change_make(w.r, w.s, &lead, &q, w.a, &made, &err);
		if (rows[i].twice) {
			CHECK_RC(rc, RC_OK, err);
			rc = change_make(w.r, w.s, &lead, &q, w.a, &made, &err);
		}
		CHECK_MSG(rc == rows[i].rc && (rc == RC_OK ? made.count == 1 : made.count == 0), "%s: %s (%s)", rows[i].what, rc_name(rc),
			  err.text);
		CHECK_MSG(rc == RC_OK || (rows[i].words && strstr(err.text, rows[i].words)), "%s: %s", rows[i].what, err.text);
		calendar_free(c);
		world_end(&w);
	}
}

#define FOR_OF POINTS ", \"parent\": \"for\", \"origin\": \"of\""

/* What was made, and then changed, hidden, spoiled or erased. */
TEST(made_already)
{
	enum { LINKED, MOVED, HIDDEN, SPOILED, ERASED, HOWS };
	static const struct { enum rc rc; const char *words; } want[HOWS] = {
		[LINKED] = { RC_OK, "" }, [MOVED] = { RC_CONFLICT, "made already: 'part-1' and 1 more" },
		[HIDDEN] = { RC_CONFLICT, "made already" }, [SPOILED] = { RC_OK, "" }, [ERASED] = { RC_OK, "" },
	};
	for (int how = 0; how < HOWS; how++) {
		struct world w = world_new();
		struct viewer lead = staff(LEAD | ANALYST, 1), other = staff(LEAD | ANALYST, 2);
		struct made made;
		int64_t link;
		add_jobs(&w, FOR_OF, "open", "", "lead");
		str job = put(&w, "job", STR_NONE, "{\"title\":\"t\",\"points\":[{\"x\":\"one\"},{\"x\":\"two\"}]}", NULL, NULL);
		str case_id = incident(&w, NULL), elsewhere = incident(&w, NULL);
		if (how == LINKED) { /* links by hand are nothing made */
			str note = put(&w, "note", STR_NONE, "{\"title\":\"n\"}", NULL, NULL);
			CHECK_RC(change_link(w.r, w.s, &lead, note, STR("for"), case_id, STR(""), &link, &err), RC_OK, err);
			CHECK_RC(change_link(w.r, w.s, &lead, note, STR("related"), case_id, STR(""), &link, &err), RC_OK, err);
		} else {
			CHECK_RC(make(&w, &lead, job, case_id, &made), RC_OK, err);
			CHECK_INT(made.count, 2);
		}
		if (how == MOVED) {
			(void)put(&w, "part", made.ids[0], arena_fmt(w.a, "{\"for\":\"" STR_FMT "\"}", STR_ARG(elsewhere)).p, NULL, NULL);
			(void)put(&w, "part", made.ids[0], arena_fmt(w.a, "{\"for\":\"" STR_FMT "\"}", STR_ARG(case_id)).p, NULL, NULL);
		}
		for (size_t i = 0; how == HIDDEN && i < made.count; i++)
			(void)put(&w, "part", made.ids[i], NULL, "{\"tlp\":\"RED\",\"named\":[\"account:1\"]}", NULL);
		if (how == SPOILED)
			CHECK_RC(store_write(w.s, spoil, (void *)(uintptr_t)"\"name\"", &err), RC_OK, err);
		for (size_t i = 0; how == ERASED && i < made.count; i++)
			CHECK_RC(change_erase(w.r, w.s, &lead, made.ids[i], STR("asked for"), &err), RC_OK, err);
		enum rc rc = make(&w, &other, job, case_id, &made);
		CHECK_MSG(rc == want[how].rc && (rc == RC_OK || str_eq(str_of(err.text), str_of(want[how].words))), "%d: %s (%s)", how,
			  rc_name(rc), err.text);
		world_end(&w);
	}
}

static enum rc no_room(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		       const struct record *now, struct err *e)
{
	(void)tx, (void)r, (void)ctx, (void)before;
	return str_eq(now->type_name, STR("part")) ? fail(e, RC_LIMIT, "there is no room") : RC_OK;
}

TEST(what_cannot_be_made)
{
	struct viewer lead = staff(LEAD, 1), bare = lead;
	struct made made;
	bare.as.personal_basis = false;
	/* its state is not known any more */
	struct world w = world_new();
	add_jobs(&w, POINTS, "open", "", "lead");
	str job = put(&w, "job", STR_NONE, JOB, NULL, NULL);
	add_jobs(&w, POINTS, "begun", "", "lead");
	CHECK_RC(make(&w, &lead, job, STR(""), &made), RC_INPUT, err);
	holds(str_of(err.text), "while it is 'open'");
	world_end(&w);
	/* who makes could not see it; a row has no room */
	w = world_new();
	add_jobs(&w, POINTS ", \"origin\": \"of\"", "open", "", "auditor");
	job = put(&w, "job", STR_NONE, JOB, NULL, NULL);
	CHECK_RC(make(&w, &lead, job, STR(""), &made), RC_DENIED, err);
	holds(str_of(err.text), "could not see what you make");
	records_add_hook(w.r, &(struct record_hook){ .changed = no_room });
	CHECK_RC(make(&w, &lead, job, STR(""), &made), RC_LIMIT, err);
	CHECK_STR(str_of(err.text), STR("row 1: there is no room"));
	struct buf large = BUF_INIT(MIB(2));
	/* as large as a record may be: what says of what it is made is too much */
	size_t around = strlen("{\"points\":[{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"x\":\"one\"}],\"title\":\"t\"}") + 8;
	size_t slashes = (RECORD_BODY_MAX - around) / 2; /* each is written as two bytes */
	buf_add(&large, STR("{\"title\":\"t\",\"points\":[{\"x\":\"one\""));
	for (size_t column = 0; column < 3; column++) {
		buf_fmt(&large, ",\"%c\":\"", "abc"[column]);
		for (size_t i = column * slashes / 3; i < (column + 1) * slashes / 3; i++)
			buf_char(&large, '/');
		buf_char(&large, '"');
	}
	buf_add(&large, STR("}]}"));
	buf_char(&large, '\0');
	CHECK(!large.over);
	job = put(&w, "job", STR_NONE, large.p, NULL, NULL);
	buf_free(&large);
	CHECK_RC(make(&w, &lead, job, STR(""), &made), RC_LIMIT, err);
	holds(str_of(err.text), "row 1 is too large");
	world_end(&w);
	/* of rows he may not see */
	w = world_new();
	add_jobs(&w, "\"from\": \"hush\", \"copy\": { \"x\": \"name\" }", "open", "", "lead");
	job = put(&w, "job", STR_NONE, "{\"title\":\"t\",\"hush\":[{\"x\":\"one\"}]}", NULL, NULL);
	str empty = put(&w, "job", STR_NONE, "{\"title\":\"t\"}", NULL, NULL);
	CHECK_RC(make(&w, &bare, job, STR(""), &made), RC_DENIED, err);
	holds(str_of(err.text), "you may not see 'hush'");
	const struct { str id; const struct viewer *v; bool possible; } rows[] = { { job, &lead, true }, { job, &bare, false }, { empty, &lead, false } };
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct record_view view;
		CHECK_RC(read_record(r, snapshot_table(w.held), rows[i].v, rows[i].id, w.a, &view, &err), RC_OK, err);
		CHECK_MSG(make_possible(snapshot_table(w.held), &view) == rows[i].possible, "row %zu", i);
		record_view_end(&view);
	}
	store_read_end(r);
	world_end(&w);
}

static bool first_only(void *ctx, const struct record_view *v)
{
	(void)v;
	++*(int *)ctx;
	return false;
}

TEST(offers_of_other_types)
{
	static const struct { const char *makes; bool bare, viewer; int offered; } rows[] = {
		{ POINTS, false, false, 0 },                           /* for nothing */
		{ POINTS ", \"parent\": \"for\"", false, false, 1 },   /* for anything; asked for one only */
		{ POINTS ", \"parent\": \"case\"", false, false, 1 },
		{ POINTS ", \"parent\": \"note\"", false, false, 0 },
		{ POINTS ", \"parent\": \"by\"", false, false, 0 },    /* no reference */
		{ POINTS ", \"parent\": \"for\", \"for\": \"kind\"", false, false, 1 },
		{ POINTS ", \"parent\": \"for\", \"for\": \"kind\"", true, false, 0 }, /* he cannot see what it is for */
		{ POINTS ", \"parent\": \"for\"", false, true, 0 },    /* reads no jobs */
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct world w = world_new();
		struct viewer v = staff(rows[i].viewer ? VIEWER : LEAD, 1);
		struct reader *r = NULL;
		struct record_view view;
		int n = 0;
		v.as.personal_basis = !rows[i].bare;
		add_jobs(&w, rows[i].makes, "open", "", "lead");
		(void)put(&w, "job", STR_NONE, JOB, NULL, NULL);
		(void)put(&w, "job", STR_NONE, JOB, NULL, NULL);
		str id = incident(&w, NULL);
		CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
		CHECK_RC(read_record(r, snapshot_table(w.held), &v, id, w.a, &view, &err), RC_OK, err);
		CHECK_RC(make_offers(r, snapshot_table(w.held), &view, 10, w.a, first_only, &n, &err), RC_OK, err);
		CHECK_MSG(n == rows[i].offered, "row %zu: %d", i, n);
		record_view_end(&view);
		store_read_end(r);
		world_end(&w);
	}
}

TEST_MAIN(TEST_RUN(steps_become_tasks), TEST_RUN(plans_that_fit), TEST_RUN(all_or_nothing), TEST_RUN(the_stricter_labels),
	  TEST_RUN(a_button), TEST_RUN(business_time), TEST_RUN(what_is_made_by_other_types),
	  TEST_RUN(made_already), TEST_RUN(what_cannot_be_made), TEST_RUN(offers_of_other_types))
