/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node_records.h"

#include "base/arena.h"
#include "duty/duty.h"
#include "evidence/evidence.h"
#include "incident/indicators.h"
#include "node/destroy.h"
#include "node/forget.h"
#include "node/holds.h"
#include "node/indicators_once.h"
#include "node/statements.h"
#include "notify/notify.h"
#include "record/clocks.h"
#include "record/erase.h"
#include "record/retention.h"
#include "route/directory_records.h"

enum { HOLIDAYS_MAX = 256 << 10, STEPS_AT_ONCE = 100 };
#define RETENTION_EVERY_US (10 * SECOND_US)

#define ERASER(name) extern const struct eraser eraser_##name;
#include "erasers.def"
#undef ERASER
static const struct eraser *const erasers[] = {
#define ERASER(name) &eraser_##name,
#include "erasers.def"
#undef ERASER
};

static void free_types(void *table)
{
	types_free(table);
}

static enum rc open_types(struct node *n, struct err *err)
{
	struct types *t = NULL;
	struct arena *a = arena_new(KIB(1));
	enum rc rc = types_load(arena_fmt(a, "%s/types", n->dir).p, roles_names(n->roles), &t, err);
	arena_free(a);
	n->types = snapshot_new(free_types);
	if (rc == RC_OK)
		snapshot_swap(n->types, t);
	return rc;
}

static enum rc read_calendar(struct io_dir *d, const struct settings *s, struct calendar **out,
			     struct err *err)
{
	struct buf holidays = BUF_INIT(HOLIDAYS_MAX);
	enum rc rc = io_read_file(d, "holidays.txt", &holidays, err);
	if (rc == RC_OK || rc == RC_ABSENT)
		rc = calendar_new(settings_text(s, "timezone"), settings_text(s, "business_hours"),
				  buf_str(&holidays), out, err);
	buf_free(&holidays);
	return rc;
}

static enum rc check_marks(struct io_dir *d, struct err *err)
{
	struct buf text = BUF_INIT(KIB(256));
	struct err why = { 0 };
	const struct marks *m = NULL;
	enum rc rc = io_read_file(d, "marks.json", &text, err);
	if (rc == RC_OK && marks_read(buf_str(&text), &m, &why) != RC_OK)
		rc = fail(err, why.rc, "marks.json: %s", why.text);
	marks_free(m);
	buf_free(&text);
	return rc == RC_ABSENT ? RC_OK : rc;
}

enum rc node_records_check(const char *dir, const struct settings *s, struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	struct roles *roles = NULL;
	struct types *types = NULL;
	struct calendar *calendar = NULL;
	struct io_dir *d = NULL;
	enum rc rc = roles_load(arena_fmt(a, "%s/roles.json", dir).p, &roles, err);
	if (rc == RC_OK)
		rc = types_load(arena_fmt(a, "%s/types", dir).p, roles_names(roles), &types, err);
	if (rc == RC_OK)
		rc = io_dir_open(dir, &d, err);
	if (rc == RC_OK)
		rc = read_calendar(d, s, &calendar, err);
	if (rc == RC_OK)
		rc = check_marks(d, err);
	if (rc == RC_OK)
		rc = node_files_check(d, err);
	if (rc == RC_OK)
		rc = notify_check(d, s, err);
	calendar_free(calendar);
	io_dir_close(d);
	types_free(types);
	roles_free(roles);
	arena_free(a);
	return rc;
}

static enum rc follow_clocks(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			     const struct record *now, struct err *err)
{
	const struct node *n = ctx;
	(void)r;
	(void)before;
	return clocks_follow(tx, n->calendar, now, err);
}

/* Background work: the steps that are due. */
static enum rc tick(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct node *n = ctx;
	size_t did = 0;
	struct snapshot_ref *types = snapshot_hold(n->types);
	struct clock_watch watch = duty_watch(n->duty);
	enum rc rc = clocks_tick(s, snapshot_table(types), n->calendar, &watch, policies_number(n->policies),
				 STEPS_AT_ONCE, &did, err);
	snapshot_drop(n->types, types);
	*did_out = did > 0;
	return rc;
}

static enum rc open_evidence(struct node *n, struct err *err)
{
	struct evidence_options o = {
		.reserve_bytes = (uint64_t)settings_int(n->settings, "reserve"),
		.item_bytes_max = (uint64_t)settings_int(n->settings, "evidence_item_max"),
		.check_rate = (uint64_t)settings_int(n->settings, "evidence_check_rate"),
		.check_every_us = settings_int(n->settings, "evidence_check_every"),
		.policies = &n->policies,
	};
	return evidence_open(n->store, n->journal, n->records, &o, &n->evidence, err);
}

/* Background work, now and then: what was kept long enough. */
static enum rc end_retention(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct node *n = ctx;
	int64_t now_us = clock_now_us();
	*did_out = false;
	if (store_read_only(s) || (now_us >= n->retention_us && now_us < n->retention_us + RETENTION_EVERY_US))
		return RC_OK;
	struct snapshot_ref *types = snapshot_hold(n->types);
	enum rc rc = retention_tick(s, n->records, snapshot_table(types), now_us, did_out, err);
	snapshot_drop(n->types, types);
	if (!*did_out)
		n->retention_us = now_us;
	return rc;
}

enum rc node_records_open(struct node *n, struct err *err)
{
	enum rc rc = open_types(n, err);
	if (rc == RC_OK)
		rc = read_calendar(store_dir(n->store), n->settings, &n->calendar, err);
	if (rc == RC_OK)
		rc = records_open(n->store, n->journal, n->types, &n->records, err);
	if (rc != RC_OK)
		return rc;
	records_add_hook(n->records, &(struct record_hook){ .changed = follow_clocks, .ctx = n });
	rc = directory_records_open(n->store, n->records, &n->organisations, err);
	if (rc != RC_OK)
		return rc;
	records_add_hook(n->records, &(struct record_hook){ .changed = indicators_follow });
	records_add_hook(n->records, &(struct record_hook){ .changed = statements_follow, .ctx = n });
	store_add_tend(n->store, tick, n);
	store_add_tend(n->store, indicators_once, n->records);
	rc = open_evidence(n, err);
	if (rc != RC_OK)
		return rc;
	rc = erase_open(n->store, n->journal, erasers, COUNT_OF(erasers), &n->erase, err);
	if (rc == RC_OK)
		records_erase_by(n->records, n->erase);
	store_add_tend(n->store, end_retention, n);
	node_forget_open(n);
	node_holds_open(n);
	if (rc == RC_OK)
		node_destroy_open(n);
	if (rc == RC_OK && !store_read_only(n->store))
		rc = outbox_recover(n->store, err);
	return rc;
}

void node_records_close(struct node *n)
{
	directory_records_close(n->organisations);
	evidence_close(n->evidence);
	records_close(n->records);
	calendar_free(n->calendar);
	if (n->types)
		snapshot_free(n->types);
}
