/* SPDX-License-Identifier: Apache-2.0 */
/* Notices to "duty:now" and "duty:next" become notices, and pages, to the persons who have the watch at
 * that moment: they stay theirs until the hand-over. Whoever wants the watch told of something writes
 * one message, and need not know the roster. */
#include "duty/duty_private.h"

enum { AT_ONCE = 50 };

static const struct {
	str recipient;
	enum watch who;
} names[] = { { STR_INIT("duty:now"), WATCH_NOW }, { STR_INIT("duty:next"), WATCH_NEXT } };

struct passing {
	const struct message *list;
	size_t count;
	enum watch who;
	struct arena *a;
};

static str with_watch(const struct message *m, enum watch who, bool nobody, struct arena *a)
{
	struct json_object *o = NULL;
	struct buf b = BUF_INIT(OUTBOX_DETAILS_MAX);
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	if (json_read(m->details, &o, NULL) == RC_OK)
		json_put_members(&j, o, "watch");
	json_put_str(&j, "watch", str_of(watch_name(who)));
	if (nobody)
		json_put_bool(&j, "nobody", true);
	json_close(&j, '}');
	json_free(o);
	str s = b.over ? m->details : arena_str(a, buf_str(&b));
	buf_free(&b);
	return s;
}

static enum rc pass_one(struct tx *tx, const struct passing *k, const struct message *old, struct err *err)
{
	struct outcome_of o = { .outcome = OUTCOME_SENT, .policy = old->policy, .cut = STR(""), .reference = STR(""),
				.rule = "passed on to who has the watch", .words = STR("") };
	struct message m = *old;
	m.details = with_watch(old, k->who, false, k->a);
	m.maker = arena_fmt(k->a, STR_FMT ":watch", STR_ARG(old->maker));
	enum rc rc = outbox_take_one(tx, old->id, err);
	if (rc == RC_OK)
		rc = outbox_end_tx(tx, old->id, &o, err);
	return rc == RC_OK ? duty_tell(tx, k->who, m, arena_z(k->a, old->template),
				       with_watch(old, k->who, true, k->a), k->a, err) : rc;
}

static enum rc pass_all(struct tx *tx, void *ctx, struct err *err)
{
	const struct passing *k = ctx;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < k->count && rc == RC_OK; i++)
		rc = pass_one(tx, k, &k->list[i], err);
	return rc == RC_CONFLICT ? RC_OK : rc; /* withdrawn meanwhile: the rest comes with the next look */
}

enum rc pass_on_tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	enum rc rc = RC_OK;
	(void)ctx;
	*did_out = false;
	for (size_t i = 0; i < COUNT_OF(names) && rc == RC_OK; i++) {
		struct arena *a = arena_new(KIB(16));
		struct message *list = NULL;
		struct passing k = { .who = names[i].who, .a = a };
		struct reader *r = NULL;
		rc = store_read_begin(s, &r, err);
		if (rc == RC_OK)
			rc = outbox_waiting(reader_conn(r), "notice", names[i].recipient, 0, AT_ONCE, a, &list,
					    &k.count, err);
		store_read_end(r);
		k.list = list;
		if (rc == RC_OK && k.count > 0)
			rc = store_write(s, pass_all, &k, err);
		*did_out = *did_out || (rc == RC_OK && k.count > 0);
		arena_free(a);
	}
	return rc;
}
