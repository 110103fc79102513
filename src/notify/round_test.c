/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/test_senders.h"

/* Background work until there is none. */
static void tend_all(struct senders *s)
{
	bool did = true;
	for (int i = 0; did && i < 1000; i++)
		CHECK_RC(store_tend(s->w.s, &did, &err), RC_OK, err);
}

static struct viewer liaison(void)
{
	struct viewer v = staff(LEAD | ANALYST | LIAISON | DUTY, 1);
	v.exercise = v.as.exercise_member = true;
	return v;
}

static str round_new(struct senders *s, const char *labels, const char *more, int64_t due_us)
{
	char due[40];
	str at = time_str(due, due_us - due_us % SECOND_US);
	return make_record(s, "round", labels, arena_fmt(s->w.a, "{\"title\":\"Autumn\",\"kind\":\"contact\",\"answer_by\":\"" STR_FMT
							     "\"%s}", STR_ARG(at), more));
}

static enum rc start(struct senders *s, str id, size_t *count_out)
{
	struct viewer v = liaison();
	return round_start(s->n, &v, id, s->w.a, count_out, &err);
}

static struct round_progress progress(struct senders *s, str id)
{
	struct round_progress p = { .members = 0 };
	struct viewer v = liaison();
	struct reader *r = begin(&s->w);
	CHECK_RC(round_read_progress(s->n, r, types_of(&s->w), &v, id, s->w.a, &p, &err), RC_OK, err);
	store_read_end(r);
	return p;
}

static size_t stale(struct senders *s)
{
	struct round_stale *list = NULL;
	size_t count = 0;
	struct viewer v = liaison();
	struct reader *r = begin(&s->w);
	CHECK_RC(round_read_stale(s->n, r, types_of(&s->w), &v, 100, s->w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	return count;
}

static enum rc answer(struct senders *s, const struct viewer *v, str id, str who, const char *words)
{
	const struct round_answer q = { .organisation = who, .words = str_of(words) };
	return round_note_answer(s->n, v, id, &q, s->w.a, &err);
}

static str shown_to_lead(struct senders *s, str id)
{
	struct viewer v = liaison();
	return shown(&s->w, &v, id);
}

/* --- who is on the list --- */

struct seen_lines {
	size_t count, told;
	char names[2000];
};

static bool see_line(void *ctx, const struct round_line *l)
{
	struct seen_lines *s = ctx;
	size_t n = strlen(s->names);
	s->count++;
	s->told += l->told;
	snprintf(s->names + n, sizeof s->names - n, STR_FMT ";", STR_ARG(l->title));
	return true;
}

TEST(who_is_on_the_list)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	rounds_open(s.n);
	str one = organisation(&s, "/ok", GREEN), two = organisation(&s, "/ok", GREEN);
	organisation(&s, "/ok", "{\"tlp\":\"GREEN\",\"exercise\":true}");
	make_record(&s, "organisation", GREEN, STR("{\"name\":\"Far\",\"kind\":\"provider\",\"country\":\"TL\",\"other_names\":[\"F\",\"Far Net\"]}"));
	(void)two;
	const struct { const char *what, *labels; str more; enum rc rc; size_t count; } rows[] = {
		{ "by a field", "{}", STR(",\"question\":\"kind=constituent\""), RC_OK, 2 },
		{ "by two", "{}", STR(",\"question\":\"kind=provider country=TL\""), RC_OK, 1 },
		{ "one of a list, with a space", "{}", STR(",\"question\":\"other_names=\\\"Far Net\\\"\""), RC_OK, 1 },
		{ "by name", "{}", arena_fmt(s.w.a, ",\"organisations\":[\"" STR_FMT "\"]", STR_ARG(one)), RC_OK, 1 },
		{ "both, and nobody twice", "{}", arena_fmt(s.w.a, ",\"question\":\"kind=constituent\",\"organisations\":[\"" STR_FMT "\"]",
							    STR_ARG(one)), RC_OK, 2 },
		{ "of an exercise: those of it", "{\"exercise\":true}", STR(",\"question\":\"kind=constituent\""), RC_OK, 1 },
		{ "nobody", "{}", STR(",\"question\":\"kind=agency\""), RC_INPUT, 0 },
		{ "nothing asked", "{}", STR(""), RC_INPUT, 0 },
		{ "a field that is none", "{}", STR(",\"question\":\"colour=red\""), RC_INPUT, 0 },
		{ "rows are no field to ask by", "{}", STR(",\"question\":\"contacts=x\""), RC_INPUT, 0 },
		{ "no NAME=VALUE", "{}", STR(",\"question\":\"constituent\""), RC_INPUT, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct seen_lines seen = { .count = 0 };
		struct viewer v = liaison();
		size_t count = 0;
		str id = round_new(&s, rows[i].labels, rows[i].more.p, clock_now_us() + HOUR_US);
		enum rc rc = round_dry_run(s.n, &v, id, 100, s.w.a, see_line, &seen, &count, &err);
		CHECK_MSG(rc == rows[i].rc && count == rows[i].count && seen.count == count, "%s: %s %zu (%s)", rows[i].what,
			  rc_name(rc), count, rc == RC_OK ? seen.names : err.text);
	}
	struct viewer stranger = person_of(house_a, 9);
	size_t count;
	str id = round_new(&s, "{}", ",\"question\":\"kind=constituent\"", clock_now_us() + HOUR_US);
	CHECK_RC(round_dry_run(s.n, &stranger, id, 100, s.w.a, see_line, &(struct seen_lines){ 0 }, &count, &err), RC_ABSENT, err);
	end_senders(&s);
}

/* --- its life --- */

TEST(a_round_from_start_to_end)
{
	struct senders s = { .made = 0 };
	struct viewer v = liaison(), viewer = staff(VIEWER, 2);
	size_t count = 0;
	begin_senders(&s, NULL);
	rounds_open(s.n);
	str one = organisation(&s, "/ok", GREEN), two = organisation(&s, "/ok", GREEN), other = organisation(&s, "/ok", GREEN);
	str more = arena_fmt(s.w.a, ",\"every\":\"PT1H\",\"organisations\":[\"" STR_FMT "\",\"" STR_FMT "\"]", STR_ARG(one), STR_ARG(two));
	str id = round_new(&s, "{}", more.p, clock_now_us() + 2 * SECOND_US);
	/* it is started in one way alone, by whom it may */
	const struct change_request move = { .id = id, .to_state = STR("started") };
	CHECK_RC(change(&s.w, &v, &move, NULL), RC_INPUT, err);
	CHECK_RC(round_start(s.n, &viewer, id, s.w.a, &count, &err), RC_DENIED, err);
	CHECK_RC(start(&s, id, &count), RC_OK, err);
	CHECK_INT(count, 2);
	CHECK_RC(start(&s, id, &count), RC_CONFLICT, err);
	tend_all(&s);
	CHECK_INT(progress(&s, id).made, 2);
	CHECK_INT(progress(&s, id).waiting, 2);
	tend_all(&s);
	CHECK_INT(progress(&s, id).made, 2);
	/* two are sent; the list is an invitation, though the round is AMBER */
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	for (int i = 0; i < 3000 && progress(&s, id).sent < 2; i++)
		usleep(10000);
	CHECK_INT(progress(&s, id).sent, 2);
	notify_stop(s.n);
	CHECK(strstr(s.hook.last, "contact check") || strstr(s.hook.last, "pemeriksaan"));
	/* one answers, once, whatever is entered how often */
	CHECK_RC(answer(&s, &viewer, id, one, "here"), RC_DENIED, err);
	CHECK_RC(answer(&s, &v, id, one, "here"), RC_OK, err);
	CHECK_RC(answer(&s, &v, id, one, "here"), RC_OK, err);
	CHECK_RC(answer(&s, &v, id, one, "still here"), RC_OK, err);
	CHECK_RC(answer(&s, &v, id, other, "me too"), RC_ABSENT, err);
	CHECK_RC(answer(&s, &v, id, one, "a\033[31m"), RC_INPUT, err);
	CHECK_INT(progress(&s, id).answered, 1);
	CHECK(progress(&s, id).median_us >= 0 && progress(&s, id).median_us < MINUTE_US);
	CHECK(holds(shown_to_lead(&s, one), "\"confirmed\":") && !holds(shown_to_lead(&s, two), "\"confirmed\":"));
	/* the other is silent, which counts once */
	usleep(2300000);
	tend_all(&s);
	tend_all(&s);
	CHECK_INT(progress(&s, id).silent, 1);
	CHECK_INT(stale(&s), 1);
	CHECK(holds(shown_to_lead(&s, two), "\"unanswered\":1") && !holds(shown_to_lead(&s, one), "\"unanswered\":1"));
	CHECK_RC(answer(&s, &v, id, two, "late"), RC_OK, err);
	CHECK_INT(stale(&s), 0);
	CHECK(holds(shown_to_lead(&s, two), "\"unanswered\":0"));
	/* over */
	const struct change_request close = { .id = id, .to_state = STR("closed") };
	CHECK_RC(change(&s.w, &v, &close, NULL), RC_OK, err);
	CHECK_RC(answer(&s, &v, id, two, "very late"), RC_CONFLICT, err);
	/* erased: nothing of the answers is left */
	CHECK_RC(change_erase(s.w.r, s.w.s, &v, id, STR("a test"), &err), RC_OK, err);
	struct reader *r = begin(&s.w);
	struct sql *q = sql(reader_conn(r), "SELECT count(*) FROM round_member");
	CHECK(sql_row(q));
	CHECK_INT(sql_col_int(q, 0), 0);
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	end_senders(&s);
}

static bool keep_text(void *ctx, const struct round_line *l)
{
	(void)str_to_z(str_head(l->text, 3999), ctx, 4000);
	return true;
}

/* Who looks at it without a basis for persons sees no name of one, and what was sent has it. */
TEST(names_are_not_for_everybody)
{
	struct senders s = { .made = 0 };
	struct viewer v = liaison();
	size_t count = 0;
	char with[4000] = "", without[4000] = "";
	begin_senders(&s, NULL);
	rounds_open(s.n);
	make_record(&s, "organisation", GREEN,
		    STR("{\"name\":\"House\",\"kind\":\"constituent\",\"contacts\":[{\"name\":\"canary person\","
			"\"webhook\":\"https://hooks.example.org/x\"}]}"));
	str id = round_new(&s, "{}", ",\"question\":\"kind=constituent\"", clock_now_us() + HOUR_US);
	CHECK_RC(round_dry_run(s.n, &v, id, 10, s.w.a, keep_text, with, &count, &err), RC_OK, err);
	v.as.personal_basis = false;
	CHECK_RC(round_dry_run(s.n, &v, id, 10, s.w.a, keep_text, without, &count, &err), RC_OK, err);
	CHECK(strstr(with, "canary person") && !strstr(without, "canary person"));
	CHECK(strstr(without, "routine check"));
	end_senders(&s);
}

static bool count_view(void *ctx, const struct record_view *v)
{
	(void)v;
	++*(size_t *)ctx;
	return true;
}

static size_t rounds_in(struct senders *s, const char *state)
{
	size_t count = 0;
	struct viewer v = liaison();
	const struct type *t = types_find(types_of(&s->w), STR("round"));
	struct record_query q = { .type = t, .states = UINT64_C(1) << type_state(t, str_of(state)) };
	struct reader *r = begin(&s->w);
	CHECK_RC(read_records(r, types_of(&s->w), &v, &q, 100, s->w.a, count_view, &count, &err), RC_OK, err);
	store_read_end(r);
	return count;
}

TEST(the_next_makes_itself)
{
	struct senders s = { .made = 0 };
	size_t count = 0;
	begin_senders(&s, NULL);
	rounds_open(s.n);
	organisation(&s, "/ok", GREEN);
	str id = round_new(&s, "{}", ",\"every\":\"PT1S\",\"question\":\"kind=constituent\"", clock_now_us() + HOUR_US);
	CHECK_RC(start(&s, id, &count), RC_OK, err);
	tend_all(&s);
	CHECK_INT(rounds_in(&s, "started"), 1);
	usleep(1100000);
	bool did;
	for (int i = 0; i < 6; i++)
		CHECK_RC(store_tend(s.w.s, &did, &err), RC_OK, err);
	CHECK_INT(rounds_in(&s, "started"), 2);
	CHECK(progress(&s, id).next_us == 0);
	end_senders(&s);
}

/* A notification whose list was made of nothing any more says so, and is no reason to try for ever. */
TEST(what_cannot_follow)
{
	struct senders s = { .made = 0 };
	size_t count = 0;
	struct viewer v = liaison();
	begin_senders(&s, NULL);
	rounds_open(s.n);
	str one = organisation(&s, "/ok", GREEN);
	str id = round_new(&s, "{}", ",\"every\":\"PT1S\",\"question\":\"kind=constituent\"", clock_now_us() + HOUR_US);
	CHECK_RC(start(&s, id, &count), RC_OK, err);
	tend_all(&s);
	const struct change_request former = { .id = one, .to_state = STR("former"), .why = STR("gone") };
	CHECK_RC(change(&s.w, &v, &former, NULL), RC_OK, err);
	usleep(1100000);
	tend_all(&s);
	CHECK_INT(rounds_in(&s, "started"), 1);
	CHECK_INT(rounds_in(&s, "draft"), 1);
	tend_all(&s);
	CHECK_INT(rounds_in(&s, "draft"), 1);
	end_senders(&s);
}

TEST_MAIN(TEST_RUN(who_is_on_the_list), TEST_RUN(a_round_from_start_to_end), TEST_RUN(names_are_not_for_everybody),
	  TEST_RUN(the_next_makes_itself),
	  TEST_RUN(what_cannot_follow))
