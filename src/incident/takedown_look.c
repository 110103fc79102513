/* SPDX-License-Identifier: Apache-2.0 */
/* Is it still there? Looked at through the proxy an administrator named, never from here. */
#include <pthread.h>

#include <json-c/json.h>

#include "base/queue.h"
#include "event/normalise.h"
#include "incident/case.h"
#include "incident/takedown_private.h"

enum { LOOKS_KEPT = 500, PROOF_LOOKS = 10 };
#define WATCHED_US (30 * DAY_US) /* how long after it went down */

struct looker {
	pthread_t thread;
	struct gate *stop;
};

const char *look_outcome_name(enum look_outcome o)
{
	switch (o) {
	case LOOK_UP: return "up";
	case LOOK_GONE: return "gone";
	case LOOK_UNKNOWN: return "unknown";
	}
	return "unknown";
}

/* A whole domain is gone when its name is. What says 5xx may be the proxy: it proves nothing. */
enum look_outcome takedown_judge(int status, bool nxdomain, bool whole_domain)
{
	bool gone = status == 404 || status == 410 || status == 451;
	if (nxdomain)
		return LOOK_GONE;
	if (status <= 0 || status >= 500 || status == 407 || status == 429)
		return LOOK_UNKNOWN;
	return gone && !whole_domain ? LOOK_GONE : LOOK_UP;
}

/* --- one look --- */

struct looking {
	struct takedowns *t;
	struct takedown_type type;
	struct uuid record;
	str id, target, url;
	bool whole_domain;
	struct takedown_look look;
	struct arena *a;
};

static bool ask_dns(struct looking *k)
{
	const struct takedown_sight *sight = &k->t->w.sight;
	struct ip ips[TAKEDOWN_ADDRESSES_MOST], literal;
	size_t n = 0;
	char text[48];
	struct buf b = BUF_INIT(KIB(4));
	str host;
	k->look.dns = STR("");
	if (!url_host(k->url, &host) || ip_parse(host, &literal))
		return false;
	enum rc rc = sight->resolve(sight->ctx, host, ips, &n, NULL);
	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%s" STR_FMT, i ? " " : "", STR_ARG(ip_str(text, &ips[i])));
	k->look.dns = rc == RC_DENIED ? STR("") : rc == RC_ABSENT ? STR("NXDOMAIN") : rc != RC_OK ? STR("no answer") :
		      n == 0 ? STR("no address") : arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return rc == RC_ABSENT;
}

static enum rc look(struct looking *k, struct err *err)
{
	k->look = (struct takedown_look){ .at_us = clock_now_us(), .digest = STR(""), .head = STR(""), .dns = STR(""),
					  .words = STR("") };
	const struct takedown_sight *sight = &k->t->w.sight;
	bool nxdomain = ask_dns(k);
	enum rc rc = nxdomain ? RC_OK : sight->look(sight->ctx, k->url, k->a, &k->look, err);
	k->look.outcome = takedown_judge(k->look.status, nxdomain, k->whole_domain);
	return rc;
}

/* --- what follows --- */

static enum rc keep(struct tx *tx, const struct looking *k, struct err *err)
{
	const struct takedown_look *l = &k->look;
	str record = str_mem(k->record.b, sizeof k->record.b);
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO takedown_look (record, at_us, outcome, status, digest, bytes,"
					 " head, dns, words) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
	sql_blob(q, 1, record);
	sql_int(q, 2, l->at_us);
	sql_int(q, 3, l->outcome);
	sql_int(q, 4, l->status);
	sql_str(q, 5, l->digest);
	sql_int(q, 6, l->bytes);
	sql_str(q, 7, l->head);
	sql_str(q, 8, l->dns);
	sql_str(q, 9, l->words);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "DELETE FROM takedown_look WHERE record = ?1 AND at_us <= (SELECT at_us FROM takedown_look"
			     " WHERE record = ?1 ORDER BY at_us DESC LIMIT 1 OFFSET ?2)");
	sql_blob(q, 1, record);
	sql_int(q, 2, LOOKS_KEPT);
	return sql_run(q, err);
}

/* The looks it rests on, oldest first, one a paragraph. */
static enum rc proof_of(struct tx *tx, const struct looking *k, int64_t looks, str *out, struct err *err)
{
	struct buf b = BUF_INIT(KIB(16));
	str lines[PROOF_LOOKS];
	size_t n = 0;
	char at[40];
	struct sql *q = sql(tx_conn(tx), "SELECT at_us, outcome, status, digest, bytes, dns, words FROM takedown_look"
					 " WHERE record = ?1 AND outcome <> ?2 ORDER BY at_us DESC LIMIT ?3");
	sql_blob(q, 1, str_mem(k->record.b, sizeof k->record.b));
	sql_int(q, 2, LOOK_UNKNOWN);
	sql_int(q, 3, looks < PROOF_LOOKS ? looks : PROOF_LOOKS);
	while (n < PROOF_LOOKS && sql_row(q)) {
		str dns = sql_col_str(q, 5), words = sql_col_str(q, 6), digest = sql_col_str(q, 3);
		lines[n++] = arena_fmt(k->a, STR_FMT " %s, status %lld, %lld bytes%s" STR_FMT "%s" STR_FMT "%s" STR_FMT,
				       STR_ARG(time_str(at, sql_col_int(q, 0))),
				       look_outcome_name((enum look_outcome)sql_col_int(q, 1)), (long long)sql_col_int(q, 2),
				       (long long)sql_col_int(q, 4), digest.n ? ", SHA-256 " : "", STR_ARG(digest),
				       dns.n ? ", DNS " : "", STR_ARG(dns), words.n ? ", " : "", STR_ARG(words));
	}
	enum rc rc = sql_end(q, err);
	for (; n > 0; n--)
		buf_fmt(&b, STR_FMT "\n", STR_ARG(lines[n - 1]));
	*out = arena_str(k->a, str_trim_all(buf_str(&b)));
	buf_free(&b);
	return rc;
}

static enum rc move(struct tx *tx, const struct looking *k, int state, int64_t since_us, int64_t looks, const char *why,
		    struct err *err)
{
	struct record_view made = { 0 };
	struct change_errors errors = { .count = 0 };
	struct viewer v = viewer_node(k->t->w.roles, "takedown");
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);
	str proof;
	enum rc rc = policies_apply(k->t->w.policies, &v, err);
	if (rc == RC_OK)
		rc = proof_of(tx, k, looks, &proof, err);
	if (rc != RC_OK)
		return rc;
	json_open(&j, '{');
	json_put_str(&j, k->type.proof->name, proof);
	if (since_us) {
		json_put_time(&j, k->type.seen->name, since_us - since_us % SECOND_US);
	} else {
		json_key(&j, str_of(k->type.seen->name));
		json_null(&j);
	}
	json_close(&j, '}');
	const struct change_request q = { .id = k->id, .fields = buf_str(&b), .why = str_of(why),
					  .to_state = str_of(k->type.type->states[state].name) };
	rc = change_record_tx(tx, k->t->w.records, &v, &q, k->a, &made, &errors, err);
	if (rc == RC_INPUT && errors.count > 0)
		rc = fail(err, RC_INPUT, "%s", errors.list[0].text);
	record_view_end(&made);
	buf_free(&b);
	return rc;
}

/* Runs are counted through looks that say nothing: a proxy that fails proves neither. */
static void count(struct takedown_watch *w, const struct takedown_look *l)
{
	if (l->outcome == LOOK_GONE) {
		w->gone_us = w->gone_run++ == 0 ? l->at_us : w->gone_us;
		w->up_run = 0;
	} else if (l->outcome == LOOK_UP) {
		w->up_run++;
		w->gone_run = w->gone_us = 0;
	}
}

static enum rc follow(struct tx *tx, void *ctx, struct err *err)
{
	struct looking *k = ctx;
	struct takedown_watch w;
	bool found;
	int64_t every = settings_int(k->t->w.settings, "takedown_every"), looks = settings_int(k->t->w.settings, "takedown_looks");
	enum rc rc = takedown_watch_load(tx_conn(tx), k->record, k->a, &found, &w, err);
	if (rc != RC_OK || !found)
		return rc;
	count(&w, &k->look);
	bool watched = w.open || (w.down && tx_now_us(tx) - w.down_us < WATCHED_US);
	w.look_us = watched && !w.quiet ? tx_now_us(tx) + every : 0;
	rc = keep(tx, k, err);
	if (rc == RC_OK)
		rc = takedown_watch_save(tx, &w, err);
	/* The hook reads the row anew, and says when the next look is. */
	if (rc == RC_OK && w.open && w.gone_run >= looks)
		rc = move(tx, k, k->type.down, w.gone_us, w.gone_run, "looks in a row found nothing", err);
	else if (rc == RC_OK && w.down && w.up_run >= looks)
		rc = move(tx, k, k->type.relapsed, 0, w.up_run, "looks in a row found it again", err);
	return rc;
}

/* --- may it be looked at --- */

static enum rc may_look(const struct takedowns *t, struct reader *r, const struct types *types, const struct viewer *node,
			struct json_object *body, const struct takedown_type *type, struct arena *a, struct err *err)
{
	struct record_view incident = { 0 };
	struct case_type c;
	str id = type->incident ? json_get_str(body, type->incident->name) : STR_NONE;
	if (!settings_bool(t->w.settings, "takedown_check"))
		return fail(err, RC_DENIED, "setting takedown_check is off");
	if (settings_bool(t->w.settings, "demo"))
		return fail(err, RC_DENIED, "this is a demonstration");
	if (id.n == 0)
		return RC_OK;
	/* What cannot be known is not looked at. */
	enum rc rc = read_record(r, types, node, id, a, &incident, err);
	if (rc == RC_OK && case_type_of(record_view_type(&incident), &c) && c.kind &&
	    str_eq(json_text(case_value(&incident, c.kind)), STR("violence")))
		rc = fail(err, RC_DENIED, "what is about violence or abuse of children is never looked at");
	record_view_end(&incident);
	return rc;
}

static enum rc begin(struct looking *k, str id, const struct viewer *v, struct err *err)
{
	struct record_view view = { 0 };
	struct reader *r = NULL;
	struct takedown_watch w;
	bool found = false;
	str type;
	struct viewer node = viewer_node(k->t->w.roles, "takedown");
	struct snapshot *types = records_types_snapshot(k->t->w.records);
	struct snapshot_ref *held = snapshot_hold(types);
	enum rc rc = store_read_begin(k->t->w.store, &r, err);
	if (rc == RC_OK)
		rc = policies_apply(k->t->w.policies, &node, err);
	if (rc == RC_OK)
		rc = read_record(r, snapshot_table(held), v ? v : &node, id, k->a, &view, err);
	if (rc == RC_OK && !takedown_type_of(record_view_type(&view), &k->type))
		rc = fail(err, RC_ABSENT, "'" STR_FMT "' is no takedown", STR_ARG(str_head(id, 80)));
	if (rc == RC_OK && v && !record_view_may(&view, ACTION_EDIT, -1))
		rc = fail(err, RC_DENIED, "none of your roles may have it looked at");
	if (rc == RC_OK)
		rc = may_look(k->t, r, snapshot_table(held), &node, view.body, &k->type, k->a, err);
	if (rc == RC_OK) {
		k->id = record_view_id(&view, k->a);
		k->target = arena_str(k->a, takedown_target(&k->type, view.body));
		(void)record_id_parse(k->id, &type, &k->record);
		rc = takedown_watch_load(reader_conn(r), k->record, k->a, &found, &w, err);
	}
	if (rc == RC_OK && found && w.quiet)
		rc = fail(err, RC_DENIED, "what is held or of an exercise is not looked at");
	record_view_end(&view);
	if (r)
		store_read_end(r);
	snapshot_drop(types, held);
	if (rc != RC_OK)
		return rc;
	k->whole_domain = str_find(k->target, STR("://")) == k->target.n;
	k->url = k->whole_domain ? arena_fmt(k->a, "http://" STR_FMT "/", STR_ARG(k->target)) : k->target;
	return RC_OK;
}

enum rc takedown_look_now(struct takedowns *t, const struct viewer *v, str id, struct arena *a,
			  struct takedown_look *out, struct err *err)
{
	struct looking k = { .t = t, .a = a };
	enum rc rc = begin(&k, id, v, err);
	if (rc == RC_OK)
		rc = look(&k, err);
	if (rc == RC_OK)
		rc = store_write(t->w.store, follow, &k, err);
	*out = k.look;
	return rc;
}

/* --- by itself --- */

static enum rc find_due(struct takedowns *t, struct arena *a, str *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(t->w.store, &r, err);
	*out = STR("");
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT item FROM takedown_watch WHERE look_us > 0 AND look_us <= ?"
					    " ORDER BY look_us LIMIT 1");
	sql_int(q, 1, clock_now_us());
	if (sql_row(q))
		*out = arena_str(a, sql_col_str(q, 0));
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

/* It could not be looked at: not again before its time, whatever the reason. */
struct later {
	struct takedowns *t;
	str id;
	struct arena *a;
};
static enum rc put_off(struct tx *tx, void *ctx, struct err *err)
{
	struct later *l = ctx;
	struct uuid record;
	str type;
	if (!record_id_parse(l->id, &type, &record))
		return RC_OK;
	struct sql *q = sql(tx_conn(tx), "UPDATE takedown_watch SET look_us = ? WHERE record = ? AND look_us > 0");
	sql_int(q, 1, tx_now_us(tx) + settings_int(l->t->w.settings, "takedown_every"));
	sql_blob(q, 2, str_mem(record.b, sizeof record.b));
	return sql_run(q, err);
}

static bool look_one(struct takedowns *t, struct arena *a)
{
	struct looking k = { .t = t, .a = a };
	struct err err = { 0 };
	str id;
	if (find_due(t, a, &id, &err) != RC_OK || id.n == 0)
		return false;
	enum rc rc = begin(&k, id, NULL, &err);
	if (rc == RC_OK)
		rc = look(&k, &err);
	if (rc == RC_OK)
		rc = store_write(t->w.store, follow, &k, &err);
	if (rc == RC_OK)
		return true;
	struct later l = { .t = t, .id = id, .a = a };
	if (rc != RC_DENIED)
		log_warn(t->w.log, "a takedown could not be looked at", L_Z("why", err.text));
	return store_write(t->w.store, put_off, &l, NULL) == RC_OK;
}

static void *run(void *ctx)
{
	struct takedowns *t = ctx;
	struct arena *a = arena_new(KIB(64));
	while (!gate_wait_for(t->looker->stop, SECOND_US)) { /* at most one look a second */
		(void)look_one(t, a);
		arena_reset(a);
	}
	arena_free(a);
	return NULL;
}

enum rc takedowns_start(struct takedowns *t, struct err *err)
{
	if (!settings_bool(t->w.settings, "takedown_check") || settings_bool(t->w.settings, "demo") ||
	    store_read_only(t->w.store))
		return RC_OK;
	enum rc rc = t->w.sight.check(t->w.sight.ctx, err);
	if (rc != RC_OK)
		return rc;
	struct looker *l = x_alloc(sizeof *l);
	l->stop = gate_new();
	t->looker = l;
	if (pthread_create(&l->thread, NULL, run, t) == 0)
		return RC_OK;
	gate_free(l->stop);
	free(l);
	t->looker = NULL;
	return fail(err, RC_IO, "the thread that looks at takedowns does not start");
}

void takedowns_stop(struct takedowns *t)
{
	struct looker *l = t ? t->looker : NULL;
	if (!l)
		return;
	gate_open(l->stop);
	(void)pthread_join(l->thread, NULL);
	gate_free(l->stop);
	free(l);
	t->looker = NULL;
}
