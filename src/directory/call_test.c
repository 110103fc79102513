/* SPDX-License-Identifier: Apache-2.0 */
#include "directory/call.h"

#include "base/clock.h"
#include "base/test.h"

#define WORK "Mon-Fri 08:00-12:00, 13:00-17:00"
#define S(x) STR_INIT(x)

static const struct contact desk = { .role = S("abuse"), .email = S("desk@x.example"), .phone = S("+000-1"),
				     .hours = S(WORK), .channel = S("mail") };
static const struct contact boss = { .role = S("management"), .phone = S("+000-2"), .hours = S("Mon-Sat 07:00-22:00") };
static const struct contact night = { .role = S("point24"), .phone = S("+000-3"), .email = S("n@x.example") };
static const struct contact odd = { .role = S("security"), .email = S("s@x.example"), .hours = S("when the cock crows") };
static const struct contact mute = { .role = S("point24"), .name = S("Nobody") };
static const struct contact first = { .role = S("legal"), .email = S("l@x.example"), .order = 1 };

static const struct {
	const char *what, *now, *zone;
	const struct contact *list[4];
	const struct contact *want;
	enum open_now open;
	const char *channel, *opens;
} calls[] = {
	/* 2026-11-23 is a Monday */
	{ "by day the 24-hour contact comes before the desk", "2026-11-23T03:00:00Z", "Asia/Jakarta", { &desk, &night },
	  &night, OPEN_NOW, "phone", "2026-11-23T03:00:00Z" },
	{ "the desk, by its own channel", "2026-11-23T03:00:00Z", "Asia/Jakarta", { &boss, &desk }, &desk, OPEN_NOW, "mail",
	  "2026-11-23T03:00:00Z" },
	{ "in the lunch hour who is there", "2026-11-23T05:30:00Z", "Asia/Jakarta", { &desk, &boss }, &boss, OPEN_NOW, "phone",
	  "2026-11-23T05:30:00Z" },
	{ "at night who is there soonest", "2026-11-22T20:00:00Z", "Asia/Jakarta", { &desk, &boss }, &boss, OPEN_LATER, "phone",
	  "2026-11-23T00:00:00Z" },
	{ "hours nobody can read: before who is away", "2026-11-22T20:00:00Z", "Asia/Jakarta", { &desk, &odd }, &odd,
	  OPEN_UNKNOWN, "mail", NULL },
	{ "but after who is there", "2026-11-23T03:00:00Z", "Asia/Jakarta", { &odd, &desk }, &desk, OPEN_NOW, "mail",
	  "2026-11-23T03:00:00Z" },
	{ "who cannot be reached is nobody", "2026-11-23T03:00:00Z", "Asia/Jakarta", { &mute, &boss }, &boss, OPEN_NOW, "phone",
	  "2026-11-23T03:00:00Z" },
	{ "nobody at all", "2026-11-23T03:00:00Z", "Asia/Jakarta", { &mute }, NULL, OPEN_NOW, "", NULL },
	{ "the order given wins over the role", "2026-11-23T03:00:00Z", "Asia/Jakarta", { &night, &first }, &first, OPEN_NOW,
	  "mail", "2026-11-23T03:00:00Z" },
	{ "but not over being there", "2026-11-22T20:00:00Z", "", { &desk, &night, &first }, &first, OPEN_NOW, "mail",
	  "2026-11-22T20:00:00Z" },
	{ "no zone: the node's", "2026-11-23T03:00:00Z", "", { &desk }, &desk, OPEN_NOW, "mail", "2026-11-23T03:00:00Z" },
	{ "a zone there is not: the node's", "2026-11-23T03:00:00Z", "Mars/Olympus", { &desk }, &desk, OPEN_NOW, "mail",
	  "2026-11-23T03:00:00Z" },
	{ "summer time: 09:00 in Berlin is 07:00 UTC", "2026-07-06T07:00:00Z", "Europe/Berlin", { &desk }, &desk, OPEN_NOW, "mail",
	  "2026-07-06T07:00:00Z" },
	{ "winter time: 06:59 UTC is still before eight", "2026-11-23T06:59:00Z", "Europe/Berlin", { &desk }, &desk, OPEN_LATER,
	  "mail", "2026-11-23T07:00:00Z" },
};

TEST(whom_to_call)
{
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		struct contact list[4];
		size_t n = 0;
		int64_t now = 0, opens = TIME_NONE;
		struct call got = { 0 };
		for (; n < 4 && calls[i].list[n]; n++)
			list[n] = *calls[i].list[n];
		CHECK(time_parse(str_of(calls[i].now), false, &now));
		CHECK(!calls[i].opens || time_parse(str_of(calls[i].opens), false, &opens));
		bool any = call_first(list, n, str_of(calls[i].zone), STR("Asia/Jakarta"), now, &got);
		CHECK_MSG(any == (calls[i].want != NULL), "%s", calls[i].what);
		if (!any || !calls[i].want)
			continue;
		CHECK_MSG(str_eq(got.contact->role, calls[i].want->role), "%s: " STR_FMT, calls[i].what,
			  STR_ARG(got.contact->role));
		CHECK_MSG(got.open == calls[i].open, "%s: %s", calls[i].what, open_now_name(got.open));
		CHECK_MSG(strcmp(got.channel, calls[i].channel) == 0 && got.reach.n, "%s: %s", calls[i].what, got.channel);
		CHECK_MSG(got.opens_us == opens, "%s: opens %lld, want %lld", calls[i].what, (long long)got.opens_us,
			  (long long)opens);
	}
}

TEST(time_there)
{
	char text[40];
	int64_t now = 0;
	CHECK(time_parse(STR("2026-11-22T02:45:00Z"), false, &now));
	CHECK_STR(local_time(STR("Asia/Jakarta"), STR("UTC"), now, text), STR("2026-11-22 09:45 +07:00"));
	CHECK_STR(local_time(STR(""), STR("Asia/Yangon"), now, text), STR("2026-11-22 09:15 +06:30"));
}

TEST_MAIN(TEST_RUN(whom_to_call), TEST_RUN(time_there))
