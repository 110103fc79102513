/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/exchange_world.h"

#include "exchange/quota.h"

/* A partner with so many objects and bytes a second. */
static struct partner with_quota(struct uuid id, uint64_t objects, uint64_t bytes)
{
	return (struct partner){ .id = id, .name = STR("Team C"), .active = true, .quota_objects = objects, .quota_bytes = bytes };
}

static struct quota_state state(struct team *t, struct uuid id, int64_t now_us)
{
	struct reader *r = NULL;
	struct quota_state s = { 0 };
	CHECK_RC(store_read_begin(t->w.s, &r, &err), RC_OK, err);
	CHECK_RC(quota_state(reader_conn(r), id, now_us, &s, &err), RC_OK, err);
	store_read_end(r);
	return s;
}

TEST(who_is_over_it_waits_and_others_do_not)
{
	struct team t;
	const char *why = "";
	struct digest pin = { { 7 } }, other = { { 8 } };
	team_new(&t);
	t.x.quotas = quotas_new();
	struct partner c = with_quota(team_partner(&t, "Team C", "", NULL, true), 10, 1000000);
	struct partner e = with_quota(team_partner(&t, "Team E", "", NULL, true), 10, 1000000);
	CHECK_INT(quota_ask(&t.x, &c, false, &why), 0);
	CHECK_INT(quota_ask_pin(&t.x, &pin, false, &why), 0); /* not known yet */
	/* ten seconds of ten a second are let in at once; one envelope may be as large as it is */
	quota_spend(&t.x, &c, &pin, &(struct quota_cost){ .objects = 100 });
	CHECK_INT(quota_ask(&t.x, &c, false, &why), 0);
	quota_spend(&t.x, &c, &pin, &(struct quota_cost){ .objects = 50 });
	int64_t wait = quota_ask(&t.x, &c, false, &why);
	CHECK_MSG(wait > 3 * SECOND_US && wait <= 5 * SECOND_US, "%lld", (long long)wait);
	CHECK(strstr(why, "objects"));
	CHECK(quota_ask_pin(&t.x, &pin, false, &why) > 0);
	CHECK_INT(quota_ask_pin(&t.x, &other, false, &why), 0);
	CHECK(quota_wait(&t.x, &c) > 0);
	/* what is urgent may draw on as much again */
	CHECK_INT(quota_ask(&t.x, &c, true, &why), 0);
	quota_spend(&t.x, &c, &pin, &(struct quota_cost){ .objects = 100 });
	CHECK(quota_ask(&t.x, &c, true, &why) > 0);
	/* another one's is his own */
	CHECK_INT(quota_ask(&t.x, &e, false, &why), 0);
	CHECK_INT(quota_wait(&t.x, &e), 0);
	quota_spend(&t.x, &e, NULL, &(struct quota_cost){ .bytes = 12000000 });
	wait = quota_ask(&t.x, &e, false, &why);
	CHECK_MSG(wait > SECOND_US && wait <= 2 * SECOND_US, "%lld", (long long)wait);
	CHECK(strstr(why, "bytes"));
	/* however much: a day at most, and no overflow */
	quota_spend(&t.x, &e, NULL, &(struct quota_cost){ .objects = UINT64_MAX, .bytes = UINT64_MAX });
	CHECK(quota_wait(&t.x, &e) <= 2 * DAY_US);
	/* the first refusal is written at once, the next ones some time later */
	struct quota_state s = state(&t, c.id, clock_now_us());
	CHECK_INT(s.refused, 1);
	CHECK(s.refused_us > 0);
	CHECK(quota_words(&t.x, &c, &s, clock_now_us(), t.w.a).n > 0);
	CHECK_STR(quota_words(&t.x, &c, &s, clock_now_us() + 2 * HOUR_US, t.w.a), STR(""));
	quotas_free(t.x.quotas);
	world_end(&t.w);
}

TEST(without_meters_nobody_is_counted)
{
	struct team t;
	const char *why = "";
	struct digest pin = { { 7 } };
	team_new(&t);
	struct partner c = with_quota((struct uuid){ { 3 } }, 1, 1);
	quota_spend(&t.x, &c, &pin, &(struct quota_cost){ .objects = 1000 });
	CHECK_INT(quota_ask(&t.x, &c, false, &why), 0);
	CHECK_INT(quota_ask_pin(&t.x, &pin, false, &why), 0);
	CHECK_INT(quota_wait(&t.x, &c), 0);
	quotas_free(NULL);
	world_end(&t.w);
}

struct day { struct uuid id; uint64_t bytes; };

static enum rc note_day(struct tx *tx, void *ctx, struct err *e)
{
	const struct day *d = ctx;
	return quota_note_day(tx, d->id, d->bytes, e);
}

TEST(a_day_has_so_many_bytes)
{
	struct team t;
	struct reader *r = NULL;
	int64_t wait = -1;
	team_new(&t);
	struct partner p = with_quota(team_partner(&t, "Team C", "", NULL, true), 0, 0);
	struct day d = { p.id, 600 };
	int64_t now = clock_now_us();
	p.line_day = 1000;
	CHECK_RC(store_write(t.w.s, note_day, &d, &err), RC_OK, err);
	CHECK_INT(state(&t, p.id, now).day_bytes, 600);
	CHECK_RC(store_read_begin(t.w.s, &r, &err), RC_OK, err);
	CHECK_RC(quota_line(reader_conn(r), &p, now, &wait, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(wait, 0);
	CHECK_RC(store_write(t.w.s, note_day, &d, &err), RC_OK, err);
	struct quota_state s = state(&t, p.id, now);
	CHECK_INT(s.day_bytes, 1200);
	CHECK(quota_words(&t.x, &p, &s, now, t.w.a).n > 0);
	CHECK_RC(store_read_begin(t.w.s, &r, &err), RC_OK, err);
	CHECK_RC(quota_line(reader_conn(r), &p, now, &wait, &err), RC_OK, err);
	CHECK(wait > 0 && wait <= DAY_US);
	/* of the next day nothing is used */
	CHECK_RC(quota_line(reader_conn(r), &p, now + DAY_US, &wait, &err), RC_OK, err);
	CHECK_INT(wait, 0);
	/* no limit said: none */
	p.line_day = 0;
	CHECK_RC(quota_line(reader_conn(r), &p, now, &wait, &err), RC_OK, err);
	CHECK_INT(wait, 0);
	store_read_end(r);
	CHECK_INT(state(&t, p.id, now + DAY_US).day_bytes, 0);
	world_end(&t.w);
}

static const struct setting_row share_rows[] = {
	{ "exchange_quota_objects", SETTING_INT, "1000000", "1", "1000000000", "" },
	{ "exchange_quota_bytes", SETTING_INT, "1000000000", "1", "1000000000", "" },
	{ "exchange_quota_share", SETTING_INT, "50", "1", "6400", "" },
};

/* Who sends little that costs much is counted by what it costs. */
TEST(a_share_of_the_processor)
{
	struct team t;
	struct settings *settings = NULL;
	const char *why = "";
	team_new(&t);
	CHECK_RC(settings_load(share_rows, COUNT_OF(share_rows), STR_NONE, "t", NULL, NULL, 0, &settings, &err), RC_OK, err);
	t.x.w.settings = settings;
	t.x.quotas = quotas_new();
	struct partner c = with_quota(team_partner(&t, "Team C", "", NULL, true), 0, 0);
	/* half of one: five seconds are ten of his */
	quota_spend(&t.x, &c, NULL, &(struct quota_cost){ .objects = 1, .cpu_us = 5 * SECOND_US });
	CHECK_INT(quota_ask(&t.x, &c, false, &why), 0);
	quota_spend(&t.x, &c, NULL, &(struct quota_cost){ .objects = 1, .cpu_us = 4 * SECOND_US });
	int64_t wait = quota_ask(&t.x, &c, false, &why);
	CHECK_MSG(wait > 6 * SECOND_US && wait <= 8 * SECOND_US, "%lld", (long long)wait);
	CHECK(strstr(why, "too busy"));
	quotas_free(t.x.quotas);
	settings_free(settings);
	world_end(&t.w);
}

TEST_MAIN(TEST_RUN(who_is_over_it_waits_and_others_do_not), TEST_RUN(without_meters_nobody_is_counted),
	  TEST_RUN(a_day_has_so_many_bytes), TEST_RUN(a_share_of_the_processor))
