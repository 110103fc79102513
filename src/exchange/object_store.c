/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/object_store.h"

#include "base/clock.h"
#include "disclosure/check.h"
#include "stix/jcs.h"

enum { TITLE_MOST = 200 };

static str uuid_bytes(const struct uuid *u)
{
	return str_mem(u->b, sizeof u->b);
}

/* --- keeping --- */

/* What names it in a list. */
static str title_of(const struct stix_object *o, struct arena *a)
{
	static const char *const by[] = { "name", "abstract", "value", "pattern", "content", "relationship_type", "opinion",
					  "description", "path", "account_login" };
	struct json_pair *p;
	size_t count;
	if (json_flat(o->text, a, &p, &count, NULL) != RC_OK)
		return STR("");
	for (size_t i = 0; i < COUNT_OF(by); i++)
		for (size_t k = 0; k < count; k++)
			if (str_eq(p[k].key, str_of(by[i])) && p[k].kind == JSON_STRING && p[k].value.n > 0) {
				str s = str_head(p[k].value, TITLE_MOST);
				while (s.n > 0 && !str_is_utf8(s)) /* cut within a character */
					s.n--;
				return s;
			}
	return STR("");
}

struct standing {
	int64_t id, tag;
	enum tlp tlp;
	bool found, same;
	bool any, revoked;         /* of the newest up to this version */
	int64_t version_us;
	bool shared;               /* the id is there, whoever sent it and in whatever version */
	int64_t alone;             /* the only row that has it; 0: none, or several */
};

/* Other bytes may say the same: some servers write an object anew each time. */
static bool says_the_same(str x, str y)
{
	struct buf a = BUF_INIT(MIB(8)), b = BUF_INIT(MIB(8));
	struct json_object *p = NULL, *q = NULL;
	bool same = str_eq(x, y);
	if (!same && json_read(x, &p, NULL) == RC_OK && json_read(y, &q, NULL) == RC_OK)
		same = jcs_write(p, &a, NULL) == RC_OK && jcs_write(q, &b, NULL) == RC_OK && str_eq(buf_str(&a), buf_str(&b));
	json_free(p);
	json_free(q);
	buf_free(&a);
	buf_free(&b);
	return same;
}

/* The version of his that is not later: this one, or of those before the newest. */
static enum rc look_in_run(struct conn *c, int64_t run, const struct object_from *from, const struct stix_object *o,
			   struct standing *s, struct err *err)
{
	struct sql *q = sql(c, "SELECT n.version_us, n.revoked, n.id, n.tlp, n.json FROM exchange_object_key k CROSS JOIN"
			       " exchange_object n WHERE k.run = ? AND k.tag = ? AND k.version_us <= ? AND n.id = k.object"
			       " AND n.stix_id = ? AND n.partner = ? ORDER BY k.version_us DESC LIMIT 1");
	sql_int(q, 1, run);
	sql_int(q, 2, s->tag);
	sql_int(q, 3, o->version_us);
	sql_str(q, 4, o->id);
	sql_blob(q, 5, uuid_bytes(&from->partner));
	if (sql_row(q) && (!s->any || sql_col_int(q, 0) > s->version_us)) {
		s->any = true;
		s->version_us = sql_col_int(q, 0);
		s->revoked = sql_col_int(q, 1) != 0;
		s->found = s->version_us == o->version_us;
		s->id = s->found ? sql_col_int(q, 2) : 0;
		s->tlp = (enum tlp)sql_col_int(q, 3);
		s->same = s->found && says_the_same(sql_col_str(q, 4), o->text);
	}
	return sql_end(q, err);
}

/* Of several rows each says that there are others (shared); so one is enough to know. */
static enum rc look_for_id(struct conn *c, int64_t run, const struct stix_object *o, struct standing *s, struct err *err)
{
	struct sql *q = sql(c, "SELECT n.id, n.shared FROM exchange_object_key k CROSS JOIN exchange_object n WHERE k.run = ?"
			       " AND k.tag = ? AND n.id = k.object AND n.stix_id = ? LIMIT 1");
	if (s->shared)
		return sql_end(q, err);
	sql_int(q, 1, run);
	sql_int(q, 2, s->tag);
	sql_str(q, 3, o->id);
	if (sql_row(q)) {
		s->shared = true;
		s->alone = sql_col_int(q, 1) ? 0 : sql_col_int(q, 0);
	}
	return sql_end(q, err);
}

static enum rc find_standing(struct conn *c, const struct object_from *from, const struct stix_object *o,
			     struct standing *out, struct err *err)
{
	*out = (struct standing){ .tag = object_tag(o->id) };
	struct object_runs at = object_runs(c, from->index, out->tag);
	enum rc rc = RC_OK;
	for (int64_t run; rc == RC_OK && object_runs_next(&at, &run);) {
		rc = look_in_run(c, run, from, o, out, err);
		if (rc == RC_OK)
			rc = look_for_id(c, run, o, out, err);
	}
	enum rc end = object_runs_end(&at, rc == RC_OK ? err : NULL);
	return rc == RC_OK ? end : rc;
}

static enum rc set_shared(struct tx *tx, int64_t id, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE exchange_object SET shared = 1 WHERE id = ?");
	sql_int(q, 1, id);
	return sql_run(q, err);
}

static enum rc add(struct tx *tx, const struct object_from *from, const struct stix_object *o, const struct standing *s,
		   int64_t *id_out, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct sql *q = sql(tx_conn(tx), "INSERT INTO exchange_object (partner, stix_id, type, version, version_us, tlp, marked,"
					 " revoked, exercise, at_us, events, title, words, json, tag,"
					 " shared) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	sql_blob(q, 1, uuid_bytes(&from->partner));
	sql_str(q, 2, o->id);
	sql_str(q, 3, o->type);
	sql_str(q, 4, o->version);
	sql_int(q, 5, o->version_us);
	sql_int(q, 6, o->marked ? o->tlp : from->tlp);
	sql_int(q, 7, o->marked);
	sql_int(q, 8, o->revoked);
	sql_int(q, 9, from->exercise);
	sql_int(q, 10, from->now_us);
	sql_int(q, 11, (int64_t)o->event_count);
	sql_str(q, 12, title_of(o, a));
	sql_str(q, 13, o->words);
	sql_str(q, 14, o->text);
	sql_int(q, 15, s->tag);
	sql_int(q, 16, s->shared);
	enum rc rc = sql_run(q, err);
	arena_free(a);
	if (rc != RC_OK)
		return rc;
	*id_out = sql_last_id(tx_conn(tx));
	if (s->alone && (rc = set_shared(tx, s->alone, err)) != RC_OK)
		return rc;
	return object_index_put(tx, *id_out, s->tag, o->version_us, err);
}

/* Of an observable what came last, under the stricter of both markings. */
static enum rc replace(struct tx *tx, const struct object_from *from, const struct stix_object *o, const struct standing *s,
		       struct err *err)
{
	const enum tlp tlp = o->marked ? o->tlp : from->tlp;
	struct sql *q = sql(tx_conn(tx), "UPDATE exchange_object SET json = ?, tlp = ?, at_us = ?, events = ?, words = ?"
					 " WHERE id = ?");
	sql_str(q, 1, o->text);
	sql_int(q, 2, tlp > s->tlp ? tlp : s->tlp);
	sql_int(q, 3, from->now_us);
	sql_int(q, 4, (int64_t)o->event_count);
	sql_str(q, 5, o->words);
	sql_int(q, 6, s->id);
	return sql_run(q, err);
}

enum rc object_keep(struct tx *tx, const struct object_from *from, const struct stix_object *o, int64_t *id_out, bool *new_out,
		    struct err *err)
{
	struct standing s;
	enum rc rc = find_standing(tx_conn(tx), from, o, &s, err);
	*new_out = false;
	*id_out = s.id;
	if (rc != RC_OK || s.same)
		return rc;
	if (s.found && o->version_us != TIME_NONE)
		return fail(err, RC_CONFLICT, "another object came under this id and version before");
	if (s.found)
		return replace(tx, from, o, &s, err);
	if (s.revoked)
		return fail(err, RC_CONFLICT, "its maker withdrew it before: no version may follow");
	*new_out = true;
	return add(tx, from, o, &s, id_out, err);
}

enum rc object_drop(struct tx *tx, int64_t id, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT tag, version_us FROM exchange_object WHERE id = ?");
	sql_int(q, 1, id);
	const bool found = sql_row(q);
	const int64_t tag = found ? sql_col_int(q, 0) : 0, version_us = found ? sql_col_int(q, 1) : 0;
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && found)
		rc = object_index_drop(tx, id, tag, version_us, err);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "DELETE FROM exchange_object WHERE id = ?");
	sql_int(q, 1, id);
	return sql_run(q, err);
}

/* --- who may have it --- */

/* Observables and objects that are about persons. */
static bool is_personal(str type)
{
	static const char *const types[] = { "email-addr", "email-message", "identity", "user-account" };
	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (str_eq(type, str_of(types[i])))
			return true;
	return false;
}

static bool may_have(const struct kept_object *o, const struct viewer *v, enum purpose purpose)
{
	const struct labels item = { .tlp = o->tlp, .personal = is_personal(o->type), .exercise = o->exercise, .foreign = true,
				     .sources = 1 };
	return may_disclose(&item, &v->as, v->channel, purpose, &v->policy).verdict == DISCLOSE_YES;
}

/* --- reading --- */

#define COLUMNS                                                                                              \
	"SELECT o.id, o.partner, o.stix_id, o.type, o.version, o.title, o.version_us, o.at_us, o.tlp, o.marked, o.revoked," \
	" o.exercise, o.events, o.words"
/* Newer ones of the same maker hide it. */
#define NEWEST                                                                                               \
	" AND NOT (o.shared AND EXISTS (SELECT 1 FROM " OBJECT_KEYS " WHERE " OBJECT_KEY("o.tag")                     \
	" AND k.version_us > o.version_us AND n.stix_id = o.stix_id AND n.partner = o.partner))"

/* Strings live until the next row. */
static struct kept_object row_of(struct sql *q)
{
	struct kept_object o = {
		.id = sql_col_int(q, 0), .stix_id = sql_col_str(q, 2), .type = sql_col_str(q, 3), .version = sql_col_str(q, 4),
		.title = sql_col_str(q, 5), .version_us = sql_col_int(q, 6), .at_us = sql_col_int(q, 7),
		.tlp = (enum tlp)sql_col_int(q, 8), .marked = sql_col_int(q, 9) != 0, .revoked = sql_col_int(q, 10) != 0,
		.exercise = sql_col_int(q, 11) != 0, .events = (uint64_t)sql_col_int(q, 12), .words = sql_col_str(q, 13),
		.json = STR(""),
	};
	str partner = sql_col_blob(q, 1);
	if (partner.n == sizeof o.partner.b)
		memcpy(o.partner.b, partner.p, partner.n);
	return o;
}

static void copy_row(struct sql *q, struct arena *a, struct kept_object *o)
{
	o->stix_id = arena_str(a, o->stix_id);
	o->type = arena_str(a, o->type);
	o->version = arena_str(a, o->version);
	o->title = arena_str(a, o->title);
	o->words = arena_str(a, o->words);
	o->json = arena_str(a, sql_col_str(q, 14));
}

enum rc objects_list(struct reader *r, const struct viewer *v, const struct object_query *f, object_each each, void *ctx,
		     bool *more_out, struct err *err)
{
	struct sql *q = sql(reader_conn(r), COLUMNS " FROM exchange_object o WHERE (?1 = '' OR o.type = ?1)"
			    " AND (?2 IS NULL OR o.partner = ?2) AND o.id < ?3" NEWEST " ORDER BY o.id DESC");
	size_t given = 0;
	sql_str(q, 1, f->type.p ? f->type : STR(""));
	sql_blob(q, 2, uuid_is_zero(&f->partner) ? STR_NONE : uuid_bytes(&f->partner));
	sql_int(q, 3, f->before > 0 ? f->before : INT64_MAX);
	*more_out = false;
	while (sql_row(q)) {
		const struct kept_object o = row_of(q);
		if (!may_have(&o, v, PURPOSE_HANDLING))
			continue;
		if (given++ == f->limit) {
			*more_out = true;
			break;
		}
		if (!each(ctx, &o))
			break;
	}
	return sql_end(q, err);
}

enum rc object_find(struct reader *r, const struct viewer *v, str what, struct arena *a, struct kept_object *out,
		    struct err *err)
{
	struct sql *q = sql(reader_conn(r), COLUMNS ", o.json FROM exchange_object o WHERE (o.id IN (SELECT n.id FROM " OBJECT_KEYS
			    " WHERE " OBJECT_KEY("?3") " AND n.stix_id = ?1)" NEWEST ") OR o.id = ?2 ORDER BY o.at_us DESC, o.id DESC");
	int64_t id = 0;
	bool found = false;
	(void)str_to_i64(what, &id);
	sql_str(q, 1, what);
	sql_int(q, 2, id);
	sql_int(q, 3, object_tag(what));
	while (!found && sql_row(q)) {
		*out = row_of(q);
		found = may_have(out, v, PURPOSE_HANDLING);
		if (found)
			copy_row(q, a, out);
	}
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? fail(err, RC_ABSENT, "there is no object '" STR_FMT "'", STR_ARG(str_head(what, 100))) : rc;
}

enum rc object_told(struct reader *r, const struct told_to *to, struct uuid partner, int64_t id, struct arena *a,
		    struct kept_object *out, struct err *err)
{
	struct sql *q = sql(reader_conn(r), COLUMNS ", o.json, CASE WHEN o.shared THEN (SELECT max(n.tlp) FROM " OBJECT_KEYS " WHERE " OBJECT_KEY("o.tag")
			    " AND k.version_us = o.version_us AND n.stix_id = o.stix_id) ELSE o.tlp END, CASE WHEN o.shared"
			    " THEN EXISTS (SELECT 1 FROM " OBJECT_KEYS " WHERE " OBJECT_KEY("o.tag") " AND k.version_us > o.version_us"
			    " AND n.stix_id = o.stix_id AND n.partner = o.partner AND n.revoked) ELSE 0 END FROM exchange_object o WHERE o.id = ?");
	sql_int(q, 1, id);
	bool found = sql_row(q), may = false;
	if (found) {
		*out = row_of(q);
		out->tlp = (enum tlp)sql_col_int(q, 15); /* of several who sent the same the strictest word counts */
		may = !uuid_equal(&out->partner, &partner) && sql_col_int(q, 16) == 0 && may_have(out, &to->viewer, to->purpose);
		copy_row(q, a, out);
	}
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !found)
		return fail(err, RC_ABSENT, "there is no object %lld", (long long)id);
	return rc == RC_OK && !may ? fail(err, RC_DENIED, "the object may not go to him") : rc;
}
