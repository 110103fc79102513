/* SPDX-License-Identifier: Apache-2.0 */
/* The ladder by itself: when the pause is over the next one is asked, once. What is decided is decided
 * before the job (it reads records); the row of the step makes it happen once. */
#include "duty/duty_private.h"
#include "duty/ladder.h"

enum { AT_ONCE = 8 };
#define LOOK_AGAIN HOUR_US /* at a record that could not be looked at */

/* --- records that wait --- */

static enum rc drop(struct conn *c, const struct uuid *id, struct err *err)
{
	struct sql *q = sql(c, "DELETE FROM duty_ladder WHERE record = ?");
	sql_blob(q, 1, duty_id_bytes(id));
	return sql_run(q, err);
}

static enum rc drop_steps(struct conn *c, const struct uuid *id, struct err *err)
{
	struct sql *q = sql(c, "DELETE FROM duty_step WHERE record = ?");
	sql_blob(q, 1, duty_id_bytes(id));
	return sql_run(q, err);
}

/* Somebody has called about it. */
static enum rc look_again(struct tx *tx, const struct uuid *record, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE duty_ladder SET next_us = ? WHERE record = ?");
	sql_int(q, 1, tx_now_us(tx));
	sql_blob(q, 2, duty_id_bytes(record));
	return sql_run(q, err);
}

enum rc ladder_changed(struct tx *tx, struct duty *d, const struct record *before,
		       const struct record *now, struct json_object *body, struct err *err)
{
	int waits = duty_state(now->type, "duty.waits");
	struct uuid about;
	if (duty_reference(now->type, body, "call.about", &about))
		return look_again(tx, &about, err);
	struct buf item = BUF_INIT(RECORD_ID_BYTES);
	(void)d;
	if (waits < 0 || !now->type->organisation)
		return RC_OK;
	/* Of a drill nobody outside hears; what is held goes to nobody. */
	if (now->erased) {
		enum rc rc = drop_steps(tx_conn(tx), &now->id, err);
		return rc == RC_OK ? drop(tx_conn(tx), &now->id, err) : rc;
	}
	if (now->state != waits || now->labels.exercise || now->labels.held)
		return before && before->state == waits ? drop(tx_conn(tx), &now->id, err) : RC_OK;
	record_id_format(&item, now->type_name, &now->id);
	struct sql *q = sql(tx_conn(tx), "INSERT INTO duty_ladder (record, item, since_us, next_us)"
					 " VALUES (?1, ?2, ?3, ?3)"
					 " ON CONFLICT (record) DO UPDATE SET next_us = excluded.next_us");
	sql_blob(q, 1, duty_id_bytes(&now->id));
	sql_str(q, 2, buf_str(&item));
	sql_int(q, 3, tx_now_us(tx));
	enum rc rc = sql_run(q, err);
	buf_free(&item);
	return rc;
}

/* --- one step --- */

struct waiting {
	struct uuid record;
	str item;
	int64_t since_us;
};
struct step {
	struct duty *d;
	const struct waiting *w;
	struct ladder l;
	bool known;                /* the record could be read */
	struct arena *a;
};

static enum rc set_next(struct conn *c, const struct waiting *w, int64_t next_us, struct err *err)
{
	struct sql *q = sql(c, "UPDATE duty_ladder SET next_us = ? WHERE record = ? AND since_us = ?");
	if (next_us == TIME_NONE)
		sql_null(q, 1);
	else
		sql_int(q, 1, next_us);
	sql_blob(q, 2, duty_id_bytes(&w->record));
	sql_int(q, 3, w->since_us);
	return sql_run(q, err);
}

/* NULL: one of us is to ask: who has no channel that a sender serves is called, and above the step that
 * the setting ladder_sends names a person decides. */
static const char *driver_of(const struct step *k, const struct ladder_contact *c)
{
	static const struct {
		str channel;
		const char *driver;
	} drivers[] = {
		{ STR_INIT("mail"), "mail" }, { STR_INIT("webhook"), "webhook" }, { STR_INIT("sms"), "sms" },
		{ STR_INIT("chat"), "chat" }, { STR_INIT("portal"), "portal" },	  { STR_INIT("letter"), "print" },
	};
	if (k->l.next.by_person || (int)k->l.next.rung > k->d->n.ladder_sends)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(drivers); i++)
		if (str_eq(c->channel, drivers[i].channel))
			return drivers[i].driver;
	return c->channel.n == 0 && c->email.n > 0 ? "mail" : NULL;
}

/* *taken_out: no, it was taken before, or the record has moved on. */
static enum rc save_step(struct tx *tx, const struct step *k, const struct ladder_contact *to, bool *taken_out,
			 struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO duty_step (record, since_us, step, at_us,"
					 " organisation, contact, channel) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7"
					 " FROM duty_ladder WHERE record = ?1 AND since_us = ?2");
	sql_blob(q, 1, duty_id_bytes(&k->w->record));
	sql_int(q, 2, k->w->since_us);
	sql_int(q, 3, k->l.next.by_person ? (int)k->l.next.rung + RUNGS : (int)k->l.next.rung);
	sql_int(q, 4, tx_now_us(tx));
	sql_str(q, 5, to->organisation);
	sql_str(q, 6, to->role);
	sql_str(q, 7, driver_of(k, to) ? to->channel : STR("person"));
	enum rc rc = sql_run(q, err);
	*taken_out = rc == RC_OK && sql_changes(tx_conn(tx)) > 0;
	return rc;
}

static enum watch watch_of(const struct step *k)
{
	return k->l.next.by_person ? WATCH_LEAD : WATCH_NOW;
}

/* Nothing of the item: words go into pages as they are. */
static str asked_words(const struct step *k)
{
	return arena_fmt(k->a, "%sask the %s: %s", k->l.next.by_person ? "not done yet: " : "",
			 ladder_rung_name(k->l.next.rung), k->l.next.why);
}

static str details_of(const struct step *k, const struct ladder_contact *to, bool nobody)
{
	struct buf b = BUF_INIT(OUTBOX_DETAILS_MAX);
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "ladder", str_of(ladder_rung_name(k->l.next.rung)));
	json_put_str(&j, "organisation", to->organisation);
	json_put_str(&j, "contact", to->role);
	json_put_str(&j, "watch", str_of(watch_name(watch_of(k))));
	json_put_str(&j, "words", asked_words(k));
	if (nobody)
		json_put_bool(&j, "nobody", true);
	json_close(&j, '}');
	str s = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return s;
}

static enum rc put_message(struct tx *tx, const struct step *k, const struct ladder_contact *to, struct err *err)
{
	const char *driver = driver_of(k, to);
	struct message m = { .lane = LANE_INCIDENT, .item = k->w->item, .template = STR("ladder.step"),
			     .details = details_of(k, to, false), .purpose = PURPOSE_HANDLING,
			     .policy = policies_number(k->d->n.policies),
			     .maker = arena_fmt(k->a, "ladder:" STR_FMT ":%s", STR_ARG(k->w->item),
						ladder_rung_name(k->l.next.rung)),
			     .made_at = (uint64_t)k->w->since_us };
	if (!driver) /* first who is on duty; nobody has done it: the lead on call */
		return duty_tell(tx, watch_of(k), m, "ladder.call", details_of(k, to, true), k->a, err);
	m.driver = str_of(driver);
	m.recipient = to->role.n > 0 ? arena_fmt(k->a, STR_FMT "/" STR_FMT, STR_ARG(to->organisation),
						 STR_ARG(to->role)) : to->organisation;
	return outbox_put(tx, &m, NULL, 0, NULL, err);
}

static enum rc take_step(struct tx *tx, const struct step *k, struct err *err)
{
	const struct ladder_contact *to = k->l.next.rungs[k->l.next.rung];
	bool taken = false;
	enum rc rc = save_step(tx, k, to, &taken, err);
	if (rc == RC_OK && taken)
		rc = put_message(tx, k, to, err);
	/* The next look finds the step that was just taken, and when the one behind it is due. */
	return rc == RC_OK ? set_next(tx_conn(tx), k->w, tx_now_us(tx), err) : rc;
}

static enum rc follow(struct tx *tx, void *ctx, struct err *err)
{
	const struct step *k = ctx;
	const struct ladder_next *n = &k->l.next;
	if (!k->known)
		return set_next(tx_conn(tx), k->w, tx_now_us(tx) + LOOK_AGAIN, err);
	if (!k->l.waits || n->finished || n->due_us == TIME_NONE)
		return set_next(tx_conn(tx), k->w, TIME_NONE, err);
	return n->due_us <= tx_now_us(tx) ? take_step(tx, k, err) : set_next(tx_conn(tx), k->w, n->due_us, err);
}

/* --- those whose time has come --- */

static enum rc find_due(struct reader *r, struct arena *a, struct waiting *out, size_t *count_out,
			struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT record, item, since_us FROM duty_ladder WHERE next_us <= ?"
					    " ORDER BY next_us LIMIT ?");
	*count_out = 0;
	sql_int(q, 1, clock_now_us());
	sql_int(q, 2, AT_ONCE);
	while (sql_row(q) && *count_out < AT_ONCE) {
		str id = sql_col_blob(q, 0);
		struct waiting *w = &out[*count_out];
		*w = (struct waiting){ .item = arena_str(a, sql_col_str(q, 1)), .since_us = sql_col_int(q, 2) };
		if (id.n != sizeof w->record.b)
			continue;
		memcpy(w->record.b, id.p, id.n);
		(*count_out)++;
	}
	return sql_end(q, err);
}

static enum rc look(struct duty *d, struct reader *r, const struct waiting *list, size_t count,
		    struct step *steps, struct arena *a, struct err *err)
{
	struct snapshot *types = records_types_snapshot(d->n.records);
	struct snapshot_ref *ref = snapshot_hold(types);
	struct viewer v = viewer_node(d->n.roles, "ladder");
	enum rc rc = policies_apply(d->n.policies, &v, err);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		struct err why = { 0 };
		steps[i] = (struct step){ .d = d, .w = &list[i], .a = a };
		rc = ladder_read(r, snapshot_table(ref), &v, list[i].item, d->n.calendar,
				 d->n.ladder_pause_us, a, &steps[i].l, &why);
		steps[i].known = rc == RC_OK;
		rc = rc == RC_IO || rc == RC_BUSY ? fail(err, rc, "%s", why.text) : RC_OK;
	}
	snapshot_drop(types, ref);
	return rc;
}

enum rc ladder_tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct duty *d = ctx;
	struct waiting list[AT_ONCE];
	struct step steps[AT_ONCE];
	size_t count = 0;
	struct reader *r = NULL;
	struct arena *a = arena_new(KIB(64));
	*did_out = false;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK)
		rc = find_due(r, a, list, &count, err);
	if (rc == RC_OK && count > 0)
		rc = look(d, r, list, count, steps, a, err);
	store_read_end(r);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		rc = store_write(s, follow, &steps[i], err);
		*did_out = true;
	}
	arena_free(a);
	return rc;
}
