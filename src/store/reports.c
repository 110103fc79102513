/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reports.h"

#include <stdlib.h>

#include "base/arena.h"
#include "store/pack_private.h"

/* All columns but id, in one order for every statement below. */
#define COLUMNS                                                                              \
	"feed, state, received_us, digest, bytes, format, file_name, type, parser_version,"  \
	" next_offset, next_input, inputs, accepted, events, repeats, quarantined, dropped," \
	" blank, parse_us, words, exercise"

static void bind_progress(struct sql *q, int at, const struct report *r)
{
	sql_int(q, at++, r->state);
	sql_str(q, at++, str_of(r->format));
	sql_str(q, at++, str_of(r->type));
	sql_int(q, at++, r->parser_version);
	sql_int(q, at++, (int64_t)r->next_offset);
	sql_int(q, at++, (int64_t)r->next_input);
	sql_int(q, at++, (int64_t)r->counts.inputs);
	sql_int(q, at++, (int64_t)r->counts.accepted);
	sql_int(q, at++, (int64_t)r->counts.events);
	sql_int(q, at++, (int64_t)r->counts.repeats);
	sql_int(q, at++, (int64_t)r->counts.quarantined);
	sql_int(q, at++, (int64_t)r->counts.dropped);
	sql_int(q, at++, (int64_t)r->counts.blank);
	sql_int(q, at++, r->parse_us);
	sql_str(q, at++, str_of(r->words));
}

static enum rc insert(struct tx *tx, const struct report *r, str digest, struct err *err)
{
	struct sql *q =
		sql(tx_conn(tx),
		    "INSERT INTO report (state, format, type, parser_version, next_offset,"
		    " next_input, inputs, accepted, events, repeats, quarantined, dropped, blank,"
		    " parse_us, words, feed, received_us, digest, bytes, file_name, exercise, id)"
		    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
	bind_progress(q, 1, r);
	sql_int(q, 16, r->feed);
	sql_int(q, 17, r->received_us);
	sql_blob(q, 18, digest);
	sql_int(q, 19, (int64_t)r->bytes);
	sql_str(q, 20, str_of(r->file_name));
	sql_int(q, 21, r->exercise);
	sql_int(q, 22, r->id);
	return sql_run(q, err);
}

/* Numbers are given once: those of packed reports are not free again. */
enum rc report_add(struct tx *tx, struct report *r, struct err *err)
{
	struct sql *q = sql(tx_conn(tx),
			    "SELECT max(coalesce((SELECT max(id) FROM report), 0), coalesce((SELECT"
			    " last FROM report_block ORDER BY first DESC LIMIT 1), 0))");
	r->id = sql_row(q) ? sql_col_int(q, 0) + 1 : 0;
	enum rc rc = sql_end(q, err);
	return rc == RC_OK ? insert(tx, r, str_mem(r->digest.b, sizeof(r->digest.b)), err) : rc;
}

/* A packed report that changes has a plain row again, without a digest. */
static enum rc unpack(struct tx *tx, const struct report *r, struct err *err)
{
	struct report packed;
	bool found;
	enum rc rc = block_find(tx_conn(tx), r->id, &packed, &found, err);
	if (rc == RC_OK && !found)
		return fail(err, RC_ABSENT, "there is no report %lld", (long long)r->id);
	if (rc != RC_OK)
		return rc;
	packed.state = r->state;
	packed.parser_version = r->parser_version;
	packed.next_offset = r->next_offset;
	packed.next_input = r->next_input;
	packed.counts = r->counts;
	packed.parse_us = r->parse_us;
	memcpy(packed.format, r->format, sizeof(packed.format));
	memcpy(packed.type, r->type, sizeof(packed.type));
	memcpy(packed.words, r->words, sizeof(packed.words));
	return insert(tx, &packed, STR(""), err);
}

enum rc report_save(struct tx *tx, const struct report *r, struct err *err)
{
	struct sql *q =
		sql(tx_conn(tx),
		    "UPDATE report SET state = ?, format = ?, type = ?, parser_version = ?,"
		    " next_offset = ?, next_input = ?, inputs = ?, accepted = ?, events = ?,"
		    " repeats = ?, quarantined = ?, dropped = ?, blank = ?, parse_us = ?,"
		    " words = ? WHERE id = ?");
	bind_progress(q, 1, r);
	sql_int(q, 16, r->id);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) != 1)
		return unpack(tx, r, err);
	return rc;
}

/* What we wrote ourselves fits; what was damaged on the disk is cut. */
static void take_text(str s, char *to, size_t size)
{
	if (!str_to_z(s, to, size))
		(void)str_to_z(str_head(s, size - 1), to, size);
}

static void take_row(struct sql *q, struct report *r)
{
	*r = (struct report){
		.id = sql_col_int(q, 0),
		.feed = sql_col_int(q, 1),
		.state = (enum report_state)sql_col_int(q, 2),
		.received_us = sql_col_int(q, 3),
		.bytes = (uint64_t)sql_col_int(q, 5),
		.parser_version = (uint32_t)sql_col_int(q, 9),
		.next_offset = (uint64_t)sql_col_int(q, 10),
		.next_input = (uint64_t)sql_col_int(q, 11),
		.counts =
			{
				.inputs = (uint64_t)sql_col_int(q, 12),
				.accepted = (uint64_t)sql_col_int(q, 13),
				.events = (uint64_t)sql_col_int(q, 14),
				.repeats = (uint64_t)sql_col_int(q, 15),
				.quarantined = (uint64_t)sql_col_int(q, 16),
				.dropped = (uint64_t)sql_col_int(q, 17),
				.blank = (uint64_t)sql_col_int(q, 18),
			},
		.parse_us = sql_col_int(q, 19),
		.exercise = sql_col_int(q, 21) != 0,
	};
	str digest = sql_col_blob(q, 4);
	if (digest.n == sizeof(r->digest.b))
		memcpy(r->digest.b, digest.p, digest.n);
	take_text(sql_col_str(q, 6), r->format, sizeof(r->format));
	take_text(sql_col_str(q, 7), r->file_name, sizeof(r->file_name));
	take_text(sql_col_str(q, 8), r->type, sizeof(r->type));
	take_text(sql_col_str(q, 20), r->words, sizeof(r->words));
}

enum rc report_load(struct conn *c, int64_t id, struct report *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, " COLUMNS " FROM report WHERE id = ?");
	sql_int(q, 1, id);
	bool found = sql_row(q);
	if (found)
		take_row(q, out);
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !found)
		rc = block_find(c, id, out, &found, err);
	if (rc == RC_OK && !found)
		return fail(err, RC_ABSENT, "there is no report %lld", (long long)id);
	return rc;
}

static bool counts(const struct report *r)
{
	return r->state == REPORT_PARSING || r->state == REPORT_DONE;
}

static enum rc find_packed(struct conn *c, const struct key *secret, const struct report *want,
			   struct report *out, bool *found_out, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct report_mark mark = report_mark_of(secret, want);
	int64_t *id = NULL;
	size_t n = 0;
	enum rc rc = index_find(c, &mark, a, &id, &n, err);
	for (size_t i = 0; i < n && rc == RC_OK && !*found_out; i++) {
		rc = report_load(c, id[i], out, err);
		*found_out = rc == RC_OK && counts(out) && out->feed == want->feed &&
			     out->bytes == want->bytes;
	}
	arena_free(a);
	return rc;
}

/* A report that was refused or undone does not count: its sender tries again,
 * perhaps saying the right format this time. */
enum rc report_find(struct conn *c, const struct key *secret, const struct report *want,
		    struct report *out, bool *found_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, " COLUMNS " FROM report WHERE digest = ? AND feed = ?"
			       " AND state IN (1, 2) ORDER BY id DESC LIMIT 1");
	sql_blob(q, 1, str_mem(want->digest.b, sizeof(want->digest.b)));
	sql_int(q, 2, want->feed);
	*found_out = sql_row(q);
	if (*found_out)
		take_row(q, out);
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !*found_out ? find_packed(c, secret, want, out, found_out, err) : rc;
}

enum rc report_unfinished(struct conn *c, struct arena *a, int64_t **ids_out, size_t *count_out,
			  struct err *err)
{
	size_t room = 0;
	int64_t *ids = NULL;
	*count_out = 0;
	struct sql *q = sql(c, "SELECT id FROM report WHERE state = 1 ORDER BY id");
	while (sql_row(q)) {
		if (*count_out == room) {
			room = room ? 2 * room : 64;
			ids = x_grow(ids, room, sizeof(*ids));
		}
		ids[(*count_out)++] = sql_col_int(q, 0);
	}
	*ids_out = ARENA_ARRAY(a, *count_out + 1, int64_t);
	if (*count_out)
		memcpy(*ids_out, ids, *count_out * sizeof(*ids));
	free(ids);
	return sql_end(q, err);
}

/* --- for pack.c --- */

/* Small ones (their bytes are in the tail) that nothing will change but an undo. */
#define TO_PACK                                                                              \
	" FROM report WHERE id >= ? AND id <= ? AND state IN (2, 3) AND quarantined = 0"     \
	" AND length(digest) = 32 AND feed NOT IN (SELECT id FROM feed WHERE complete <> 0)" \
	" AND id IN (SELECT report FROM raw_tail)"

enum rc report_each_to_pack(struct conn *c, int64_t first, int64_t last,
			    bool (*each)(void *ctx, const struct report *r), void *ctx,
			    struct err *err)
{
	struct report r;
	bool on = true;
	struct sql *q = sql(c, "SELECT id, " COLUMNS TO_PACK " ORDER BY id");
	sql_int(q, 1, first);
	sql_int(q, 2, last);
	while (on && sql_row(q)) {
		take_row(q, &r);
		on = each(ctx, &r);
	}
	return sql_end(q, err);
}

enum rc report_drop_packed(struct tx *tx, int64_t first, int64_t last, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE" TO_PACK);
	sql_int(q, 1, first);
	sql_int(q, 2, last);
	return sql_run(q, err);
}

/* --- for those who count or hash many --- */

enum rc reports_told(struct conn *c, int64_t *id_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT value FROM node WHERE key = 'reports.told'");
	*id_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc reports_tell(struct tx *tx, int64_t id, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO node (key, value) VALUES ('reports.told', ?1)"
					 " ON CONFLICT (key) DO UPDATE SET value = max(value, ?1)");
	sql_int(q, 1, id);
	return sql_run(q, err);
}

struct marks {
	int64_t first, last;
	struct report_mark *m;
	size_t n, room, most;
	bool over;
};

static bool add_mark(void *ctx, const struct report_mark *m)
{
	struct marks *k = ctx;
	if (m->id < k->first || m->id > k->last)
		return true;
	k->over = k->n == k->most;
	if (k->over)
		return false;
	if (k->n == k->room) {
		k->room = k->room ? 2 * k->room : PACK_REPORTS;
		k->m = x_grow(k->m, k->room, sizeof(*k->m));
	}
	k->m[k->n++] = *m;
	return true;
}

static int by_id(const void *a, const void *b)
{
	const struct report_mark *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

enum rc reports_marks(struct store *s, struct conn *c, int64_t first, int64_t last, size_t most,
		      struct report_mark **out, size_t *count_out, struct err *err)
{
	struct marks k = { .first = first, .last = last, .most = most };
	/* one that was packed before it changed has its mark in the index */
	struct sql *q = sql(c, "SELECT id, feed, digest FROM report WHERE id >= ? AND id <= ?"
			       " AND state IN (2, 4) AND length(digest) = 32 ORDER BY id");
	bool on = true;
	sql_int(q, 1, first);
	sql_int(q, 2, last);
	while (on && sql_row(q)) {
		struct report r = { .id = sql_col_int(q, 0), .feed = sql_col_int(q, 1) };
		memcpy(r.digest.b, sql_col_blob(q, 2).p, sizeof(r.digest.b));
		struct report_mark m = report_mark_of(store_secret(s), &r);
		on = add_mark(&k, &m);
	}
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && on)
		rc = index_each(c, first, last, add_mark, &k, err);
	if (rc == RC_OK && k.over)
		rc = fail(err, RC_LIMIT, "more than %zu reports at once", most);
	if (k.n)
		qsort(k.m, k.n, sizeof(*k.m), by_id);
	*out = k.m;
	*count_out = k.n;
	return rc;
}
