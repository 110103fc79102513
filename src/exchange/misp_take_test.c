/* SPDX-License-Identifier: Apache-2.0 */
/* MISP events into the way of a report, and what is deleted there: taken back from the reports of that event and source alone. */
#include "exchange/take_desk.h"

#include "exchange/misp_sync.h"
#include "intake/feeds.h"

#define ONE "5d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a11"
#define OTHER "5d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a12"
#define ATTRIBUTE "6d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a11"

static enum rc feed_job(struct tx *tx, void *ctx, struct err *e)
{
	struct desk *k = ctx;
	enum rc rc = RC_OK;
	static const char *const names[] = { "circl", "other" };
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(names); i++) {
		int64_t id;
		const struct feed f = { .name = str_of(names[i]), .provider = STR("MISP"), .tlp = TLP_AMBER, .on = true, .format = STR("auto") };
		rc = feed_add(tx, k->w.j, &f, STR("unix:0"), &id, e);
	}
	return rc;
}

static enum rc take_event_of(struct desk *k, const char *feed, const char *uuid, bool deleted, struct misp_took *out)
{
	struct json_object *o = NULL;
	str text = arena_fmt(k->a, "{\"Event\":{\"uuid\":\"%s\",\"info\":\"i\",\"date\":\"2026-11-20\",\"timestamp\":\"1795314600\","
			     "\"Attribute\":[{\"uuid\":\"" ATTRIBUTE "\",\"type\":\"ip-dst\",\"value\":\"192.0.2.1\",\"timestamp\":\"1795314000\"%s}]}}",
			     uuid, deleted ? ",\"deleted\":true" : "");
	CHECK_RC(json_read(text, &o, &err), RC_OK, err);
	k->x->w.ctx = k;
	enum rc rc = misp_take(k->x, str_of(feed), o, false, k->a, out, &err);
	json_free(o);
	return rc;
}

static void test_deleted_there(void)
{
	struct desk k = desk_new();
	struct misp_took took;
	CHECK_RC(store_write(k.w.s, feed_job, &k, &err), RC_OK, err);
	CHECK_RC(take_event_of(&k, "nobody", ONE, false, &took), RC_ABSENT, err);
	CHECK_RC(take_event_of(&k, "circl", ONE, false, &took), RC_OK, err);
	CHECK_INT(took.report, 1);
	CHECK_RC(take_event_of(&k, "circl", OTHER, false, &took), RC_OK, err);
	CHECK_RC(take_event_of(&k, "other", ONE, false, &took), RC_OK, err);
	CHECK_INT(k.reports, 3);
	CHECK_INT(k.back.n, 0);
	CHECK_RC(take_event_of(&k, "circl", ONE, true, &took), RC_OK, err);
	CHECK_STR(buf_str(&k.back), STR("1 " ATTRIBUTE "; "));
	CHECK(took.deleted == 1 && took.events == 0 && took.report == 0);
	buf_reset(&k.back);
	CHECK_RC(take_event_of(&k, "other", ONE, true, &took), RC_OK, err);
	CHECK_STR(buf_str(&k.back), STR("3 " ATTRIBUTE "; "));
	/* what a case keeps is said, and stays */
	k.kept = ATTRIBUTE;
	buf_reset(&k.back);
	CHECK_RC(take_event_of(&k, "circl", OTHER, true, &took), RC_OK, err);
	CHECK(k.back.n == 0 && took.taken_back == 0);
	desk_end(&k);
}

TEST_MAIN(TEST_RUN(deleted_there))
