/* SPDX-License-Identifier: Apache-2.0 */
/* What of a source is asked for next. */
#include "exchange/exchange_world.h"

#include "exchange/misp_client.h"

#define UUID(n) "5d3b3b3e-9f1b-4a55-8f0e-00000000000" n

static str order_of(struct team *t, struct json_object *manifest)
{
	struct misp_listing *list = NULL;
	struct buf b = BUF_INIT(KIB(1));
	size_t count = 0;
	CHECK_RC(misp_news(&t->x, STR("s"), manifest, t->w.a, &list, &count, &err), RC_OK, err);
	for (size_t i = 0; i < count; i++)
		buf_fmt(&b, "%lld ", (long long)list[i].stamp);
	str text = arena_str(t->w.a, buf_str(&b));
	buf_free(&b);
	return text;
}

TEST(what_could_not_be_had_waits_behind_what_is_new)
{
	struct team t;
	struct json_object *o = NULL;
	struct misp_listing l = { .stamp = 10 };
	team_new(&t);
	CHECK_RC(json_read(STR("{\"" UUID("1") "\":{\"timestamp\":\"10\"},\"" UUID("2") "\":{\"timestamp\":30},\""
			       UUID("3") "\":{\"timestamp\":\"20\"},\"nobody\":{\"timestamp\":\"5\"},\"" UUID("4") "\":{}}"), &o, &err),
		 RC_OK, err);
	CHECK_STR(order_of(&t, o), STR("10 20 30 "));
	CHECK(uuid_parse(STR(UUID("1")), &l.uuid));
	CHECK_RC(misp_note_event(&t.x, STR("s"), &l, STR("404"), &err), RC_OK, err);
	CHECK_STR(order_of(&t, o), STR("20 30 10 "));
	CHECK(uuid_parse(STR(UUID("3")), &l.uuid));
	l.stamp = 20;
	CHECK_RC(misp_note_event(&t.x, STR("s"), &l, STR(""), &err), RC_OK, err);
	CHECK_STR(order_of(&t, o), STR("30 10 "));
	json_free(o);
	world_end(&t.w);
}

TEST_MAIN(TEST_RUN(what_could_not_be_had_waits_behind_what_is_new))
