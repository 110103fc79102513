/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reports.h"

#include "base/arena.h"
#include "store/raw.h"

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

enum rc report_add(struct tx *tx, struct report *r, struct err *err)
{
	struct sql *q =
		sql(tx_conn(tx),
		    "INSERT INTO report (state, format, type, parser_version, next_offset,"
		    " next_input, inputs, accepted, events, repeats, quarantined, dropped, blank,"
		    " parse_us, words, feed, received_us, digest, bytes, file_name, exercise)"
		    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
	bind_progress(q, 1, r);
	sql_int(q, 16, r->feed);
	sql_int(q, 17, r->received_us);
	sql_blob(q, 18, str_mem(r->digest.b, sizeof(r->digest.b)));
	sql_int(q, 19, (int64_t)r->bytes);
	sql_str(q, 20, str_of(r->file_name));
	sql_int(q, 21, r->exercise);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK)
		r->id = sql_last_id(tx_conn(tx));
	return rc;
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
		return fail(err, RC_ABSENT, "there is no report %lld", (long long)r->id);
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
		return fail(err, RC_ABSENT, "there is no report %lld", (long long)id);
	return rc;
}

/* A report that was refused or undone does not count: its sender tries again,
 * perhaps saying the right format this time. */
enum rc report_find(struct conn *c, int64_t feed, const struct digest *digest, struct report *out,
		    bool *found_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, " COLUMNS " FROM report WHERE digest = ? AND feed = ?"
			       " AND state IN (1, 2) ORDER BY id DESC LIMIT 1");
	sql_blob(q, 1, str_mem(digest->b, sizeof(digest->b)));
	sql_int(q, 2, feed);
	*found_out = sql_row(q);
	if (*found_out)
		take_row(q, out);
	return sql_end(q, err);
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
