/* SPDX-License-Identifier: Apache-2.0 */
#include "directory/call.h"

#include "record/calendar.h"

#define ALWAYS "Mon-Sun 00:00-24:00"

static const char *const roles[] = { "point24", "abuse", "security", "operations", "", "management",
				     "legal", "press" };
enum { ROLE_UNSAID = 4, ORDER_UNSAID = 100 };

const char *open_now_name(enum open_now o)
{
	switch (o) {
	case OPEN_NOW:
		return "open";
	case OPEN_UNKNOWN:
		return "unknown";
	case OPEN_LATER:
		return "closed";
	}
	return "";
}

/* NULL: the hours cannot be read. */
static struct calendar *calendar_of(str hours, str zone, str usual_zone)
{
	const str zones[] = { zone, usual_zone, STR("UTC") };
	struct calendar *c = NULL;
	for (size_t i = 0; i < COUNT_OF(zones); i++)
		if (zones[i].n && calendar_new(zones[i], hours, STR_NONE, &c, NULL) == RC_OK)
			return c;
	return NULL;
}

enum open_now hours_open(str hours, str zone, str usual_zone, int64_t now_us, int64_t *opens_us)
{
	*opens_us = now_us;
	if (!str_trim_all(hours).n)
		return OPEN_NOW;
	*opens_us = TIME_NONE;
	struct calendar *c = calendar_of(hours, zone, usual_zone);
	if (!c)
		return OPEN_UNKNOWN;
	bool open = calendar_is_open(c, now_us);
	int64_t begun = open ? now_us : calendar_add_open(c, now_us, SECOND_US);
	if (begun != TIME_NONE)
		*opens_us = open ? now_us : begun - SECOND_US;
	calendar_free(c);
	return open ? OPEN_NOW : OPEN_LATER;
}

str local_time(str zone, str usual_zone, int64_t now_us, char text[40])
{
	struct calendar *c = calendar_of(STR(ALWAYS), zone, usual_zone);
	str out = c ? calendar_local(c, now_us, text) : STR("");
	calendar_free(c);
	return out;
}

static size_t role_place(str role)
{
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (str_eq(role, str_of(roles[i])))
			return i;
	return ROLE_UNSAID;
}

/* What it says itself, when that can be: else by telephone, else by mail. */
static bool reach_by(const struct contact *c, struct call *out)
{
	static const struct {
		const char *channel;
		bool phone;
	} known[] = { { "phone", true }, { "sms", true }, { "mail", false } };
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		out->channel = known[i].channel;
		out->reach = known[i].phone ? c->phone : c->email;
		if (str_eq(c->channel, str_of(known[i].channel)) && out->reach.n)
			return true;
	}
	out->channel = c->phone.n ? "phone" : "mail";
	out->reach = c->phone.n ? c->phone : c->email;
	return out->reach.n > 0;
}

/* Is `a` to be called before `b`? Both are in the order of the record otherwise. */
static bool before(const struct call *a, const struct call *b)
{
	int64_t x = a->contact->order ? a->contact->order : ORDER_UNSAID;
	int64_t y = b->contact->order ? b->contact->order : ORDER_UNSAID;
	size_t i = role_place(a->contact->role), k = role_place(b->contact->role);
	if (a->open != b->open)
		return a->open < b->open;
	if (a->open == OPEN_LATER && a->opens_us != b->opens_us)
		return a->opens_us != TIME_NONE && (b->opens_us == TIME_NONE || a->opens_us < b->opens_us);
	return x != y ? x < y : i < k;
}

bool call_first(const struct contact *list, size_t count, str zone, str usual_zone, int64_t now_us,
		struct call *out)
{
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		struct call one = { .contact = &list[i] };
		if (!reach_by(&list[i], &one))
			continue;
		one.open = hours_open(list[i].hours, zone, usual_zone, now_us, &one.opens_us);
		if (!any || before(&one, out))
			*out = one;
		any = true;
	}
	return any;
}
