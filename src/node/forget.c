/* SPDX-License-Identifier: Apache-2.0 */
#include "node/forget.h"

#include "node/pipeline.h"
#include "route/findings.h"

static enum rc write_line(struct node *n, int32_t day, str actor, uint64_t events, struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	char at[40];
	const struct journal_act act = {
		.act = "forget", .actor = actor, .count = events,
		.object = arena_fmt(a, "before:" STR_FMT, STR_ARG(str_head(time_str(at, (int64_t)day * DAY_US), 10))),
	};
	enum rc rc = journal_write(n->journal, &act, err);
	arena_free(a);
	return rc;
}

static enum rc forget(struct node *n, int32_t day, str actor, struct forget_result *out, struct err *err)
{
	enum rc rc = findings_before_forget(n->store, day, err);
	if (rc == RC_OK)
		rc = store_forget(n->store, day, false, out, err);
	return rc == RC_OK ? write_line(n, day, actor, out->events, err) : rc;
}

enum rc node_forget(struct node *n, int32_t day, bool dry, str actor, struct forget_result *out,
		    struct err *err)
{
	if (dry)
		return store_forget(n->store, day, true, out, err);
	enum rc rc = pipeline_settle(n->pipeline, err);
	return rc == RC_OK ? forget(n, day, actor, out, err) : rc;
}

/* Background work. Events that are not folded yet: it looks again the next time. */
static enum rc end_days(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct node *n = ctx;
	int64_t keep_us = settings_int(n->settings, "keep_events"), now_us = clock_now_us();
	struct forget_result had = { 0 };
	*did_out = false;
	if (keep_us == 0 || store_read_only(s) || (now_us >= n->forget_us && now_us < n->forget_us + HOUR_US))
		return RC_OK;
	int32_t day = time_day(now_us - keep_us);
	enum rc rc = store_forget(s, day, true, &had, err);
	if (rc == RC_OK && (had.events > 0 || had.raw_bytes > 0))
		rc = forget(n, day, STR("retention"), &had, err);
	if (rc == RC_BUSY)
		return RC_OK;
	n->forget_us = now_us;
	return rc;
}

void node_forget_open(struct node *n)
{
	store_add_tend(n->store, end_days, n);
}
