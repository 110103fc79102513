/* SPDX-License-Identifier: Apache-2.0 */
/* Where one custody entry fits behind another. */
#include "base/test.h"

#include "evidence/evidence_private.h"

static struct err err;

#define A "\"receiver\":{\"name\":\"A\"}"
static const char first[] = "{" A ",\"given_at\":\"2026-11-20T02:00:00Z\",\"received_at\":\"2026-11-20T02:00:00Z\"}";

static const struct {
	const char *what, *before, *now, *words; /* words: "" it fits; else what is said */
} entries[] = {
	{ "the first", NULL, first, "" },
	{ "no times", NULL, "{" A "}", "does not say when" },
	{ "no time of receiving", NULL, "{" A ",\"given_at\":\"2026-11-20T02:00:00Z\"}", "does not say when" },
	{ "received before it was given", NULL,
	  "{\"given_at\":\"2026-11-20T02:00:00Z\",\"received_at\":\"2026-11-20T01:59:59Z\"}", "overlaps" },
	{ "received later, nobody carried it", NULL,
	  "{\"given_at\":\"2026-11-20T02:00:00Z\",\"received_at\":\"2026-11-20T02:00:01Z\"}", "gap" },
	{ "received later, carried", NULL,
	  "{\"given_at\":\"2026-11-20T02:00:00Z\",\"received_at\":\"2026-11-21T02:00:01Z\",\"shipping\":\"C 7\"}", "" },
	{ "the same moment in another zone", NULL,
	  "{\"given_at\":\"2026-11-20T09:00:00+07:00\",\"received_at\":\"2026-11-20T02:00:00Z\"}", "" },
	{ "from who had it", first,
	  "{\"giver\":{\"name\":\"A\"},\"given_at\":\"2026-11-20T03:00:00Z\",\"received_at\":\"2026-11-20T03:00:00Z\"}", "" },
	{ "at the very moment", first,
	  "{\"giver\":{\"name\":\"A\"},\"given_at\":\"2026-11-20T02:00:00Z\",\"received_at\":\"2026-11-20T02:00:00Z\"}", "" },
	{ "a second too early", first,
	  "{\"giver\":{\"name\":\"A\"},\"given_at\":\"2026-11-20T01:59:59Z\",\"received_at\":\"2026-11-20T01:59:59Z\"}",
	  "overlaps" },
	{ "from somebody else", first,
	  "{\"giver\":{\"name\":\"B\"},\"given_at\":\"2026-11-20T03:00:00Z\",\"received_at\":\"2026-11-20T03:00:00Z\"}", "gap" },
	{ "from nobody", first, "{\"given_at\":\"2026-11-20T03:00:00Z\",\"received_at\":\"2026-11-20T03:00:00Z\"}", "gap" },
	{ "a person and a name are not the same", first,
	  "{\"giver\":{\"person\":\"A2\",\"name\":\"A\"},\"given_at\":\"2026-11-20T03:00:00Z\",\"received_at\":"
	  "\"2026-11-20T03:00:00Z\"}",
	  "gap" },
};

TEST(gaps_and_overlaps)
{
	for (size_t i = 0; i < COUNT_OF(entries); i++) {
		struct json_object *before = NULL, *now = NULL;
		char words[160];
		if (entries[i].before)
			CHECK_RC(json_read(str_of(entries[i].before), &before, &err), RC_OK, err);
		CHECK_RC(json_read(str_of(entries[i].now), &now, &err), RC_OK, err);
		custody_gap(before, now, words, sizeof(words));
		CHECK_MSG(entries[i].words[0] ? strstr(words, entries[i].words) != NULL : !words[0], "%s: '%s'",
			  entries[i].what, words);
		json_free(before);
		json_free(now);
	}
}

TEST_MAIN(TEST_RUN(gaps_and_overlaps))
