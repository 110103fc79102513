/* SPDX-License-Identifier: Apache-2.0 */
/* Images in main.db: written piece by piece beside what stands, put in force in one step, and
 * what they replace kept for a way back, then removed piece by piece. */
#include <endian.h>
#include <stdlib.h>

#include "base/arena.h"
#include "route/fallback_private.h"

enum { PIECE_BYTES = 256 << 10, REMOVED_AT_ONCE = 4 };
enum load_state { LOAD_COMING, LOAD_IN_FORCE, LOAD_BEFORE, LOAD_GOING };

struct replacing {
	struct journal *j;
	struct spool *image;
	char piece[PIECE_BYTES];
	str source, actor;
	struct digest digest;
	uint64_t entries, contacts;
	int64_t load;
	size_t at;
	bool same, more;
};

static enum rc look(struct tx *tx, void *ctx, struct err *err)
{
	struct replacing *r = ctx;
	struct conn *c = tx_conn(tx);
	int64_t count = 0;
	bool known = false;
	struct sql *q = sql(c, "SELECT source, digest FROM fallback_load WHERE state = 1");
	while (sql_row(q)) {
		bool ours = str_eq(sql_col_str(q, 0), r->source);
		known |= ours;
		r->same |= ours && str_eq(sql_col_blob(q, 1), str_mem(r->digest.b, sizeof(r->digest.b)));
		count++;
	}
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || r->same)
		return rc;
	if (!known && count >= FALLBACK_SOURCES_MAX)
		return fail(err, RC_LIMIT, "there are %d sources of contacts already", FALLBACK_SOURCES_MAX);
	/* what an import that was cut off left */
	q = sql(c, "UPDATE fallback_load SET state = 3 WHERE state = 0");
	rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(c, "INSERT INTO fallback_load (source, digest, bytes, entries, contacts, at_us, state)"
		   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)");
	sql_str(q, 1, r->source);
	sql_blob(q, 2, str_mem(r->digest.b, sizeof(r->digest.b)));
	sql_int(q, 3, (int64_t)spool_bytes(r->image));
	sql_int(q, 4, (int64_t)r->entries);
	sql_int(q, 5, (int64_t)r->contacts);
	sql_int(q, 6, tx_now_us(tx));
	rc = sql_run(q, err);
	r->load = sql_last_id(c);
	return rc;
}

static enum rc put_piece(struct tx *tx, void *ctx, struct err *err)
{
	struct replacing *r = ctx;
	uint64_t left = spool_bytes(r->image) - r->at;
	size_t n = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
	enum rc rc = spool_read(r->image, r->at, r->piece, n, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO fallback_piece (load, at, bytes) VALUES (?1, ?2, ?3)");
	sql_int(q, 1, r->load);
	sql_int(q, 2, (int64_t)r->at);
	sql_blob(q, 3, str_mem(r->piece, n));
	return sql_run(q, err);
}

static enum rc set_state(struct conn *c, str source, enum load_state from, enum load_state to, struct err *err)
{
	struct sql *q = sql(c, "UPDATE fallback_load SET state = ?3 WHERE source = ?1 AND state = ?2");
	sql_str(q, 1, source);
	sql_int(q, 2, from);
	sql_int(q, 3, to);
	return sql_run(q, err);
}

static enum rc enforce(struct tx *tx, void *ctx, struct err *err)
{
	struct replacing *r = ctx;
	struct conn *c = tx_conn(tx);
	enum rc rc = set_state(c, r->source, LOAD_BEFORE, LOAD_GOING, err);
	if (rc == RC_OK)
		rc = set_state(c, r->source, LOAD_IN_FORCE, LOAD_BEFORE, err);
	struct sql *q = NULL;
	if (rc == RC_OK) {
		q = sql(c, "UPDATE fallback_load SET state = 1 WHERE id = ?");
		sql_int(q, 1, r->load);
		rc = sql_run(q, err);
	}
	struct journal_act act = { .act = "contacts.import", .actor = r->actor, .object = r->source,
				   .count = r->entries, .root = r->digest };
	return rc == RC_OK ? journal_add(tx, r->j, &act, err) : rc;
}

static enum rc remove_some(struct tx *tx, void *ctx, struct err *err)
{
	struct replacing *r = ctx;
	struct conn *c = tx_conn(tx);
	struct sql *q = sql(c, "DELETE FROM fallback_piece WHERE id IN (SELECT id FROM fallback_piece WHERE load IN"
			       " (SELECT id FROM fallback_load WHERE state = 3) LIMIT ?)");
	sql_int(q, 1, REMOVED_AT_ONCE);
	enum rc rc = sql_run(q, err);
	r->more = sql_changes(c) > 0;
	if (rc != RC_OK || r->more)
		return rc;
	q = sql(c, "DELETE FROM fallback_load WHERE state = 3");
	return sql_run(q, err);
}

static enum rc remove_going(struct store *s, struct replacing *r, struct err *err)
{
	enum rc rc = RC_OK;
	r->more = true;
	while (rc == RC_OK && r->more)
		rc = store_write(s, remove_some, r, err);
	return rc;
}

/* Its head and its digest; RC_INPUT: it is none. */
static enum rc look_through(struct replacing *r, struct fallback_head *head, struct err *err)
{
	uint64_t all = spool_bytes(r->image);
	struct sha256 *h = sha256_new();
	uint32_t crc = crc32_of(STR(""));
	enum rc rc = all < sizeof(*head) ? RC_INPUT : spool_read(r->image, 0, head, sizeof(*head), err);
	for (uint64_t at = 0; rc == RC_OK && at < all;) {
		size_t n = all - at < PIECE_BYTES ? (size_t)(all - at) : PIECE_BYTES;
		rc = spool_read(r->image, at, r->piece, n, err);
		sha256_add(h, str_mem(r->piece, n));
		crc = crc32_more(crc, str_from(str_mem(r->piece, n), at ? 0 : sizeof(*head)));
		at += n;
	}
	r->digest = sha256_end(h);
	if (rc == RC_INPUT || (rc == RC_OK && (le32toh(head->magic) != FALLBACK_MAGIC || le32toh(head->crc) != crc ||
					       head->source[FALLBACK_SOURCE_MAX] != '\0')))
		return fail(err, RC_INPUT, "the table of contacts is damaged");
	return rc;
}

/* Megabytes went through the writer's page cache, and nobody asks for those pages soon. */
static enum rc forget_pages(struct tx *tx, void *ctx, struct err *err)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "PRAGMA shrink_memory"), err);
}

enum rc fallback_replace(struct store *s, struct journal *j, struct spool *image, str actor,
			 bool *same_out, struct err *err)
{
	struct fallback_head head;
	struct replacing *r = x_alloc(sizeof(*r));
	*same_out = false;
	*r = (struct replacing){ .j = j, .image = image, .actor = actor };
	enum rc rc = look_through(r, &head, err);
	if (rc == RC_OK) {
		r->source = str_of(head.source);
		r->contacts = le32toh(head.contact_count);
		r->entries = (uint64_t)le32toh(head.v4_count) + le32toh(head.v6_count) + le32toh(head.asn_count) +
			     le32toh(head.domain_count);
		rc = store_write(s, look, r, err);
	}
	*same_out = r->same;
	if (rc == RC_OK && !r->same) {
		rc = remove_going(s, r, err);
		for (r->at = 0; rc == RC_OK && r->at < spool_bytes(image); r->at += PIECE_BYTES)
			rc = store_write(s, put_piece, r, err);
		if (rc == RC_OK)
			rc = store_write(s, enforce, r, err);
		if (rc == RC_OK)
			rc = remove_going(s, r, err);
		if (rc == RC_OK)
			rc = store_write(s, forget_pages, NULL, err);
	}
	free(r);
	return rc;
}

static enum rc step_back(struct tx *tx, void *ctx, struct err *err)
{
	struct replacing *r = ctx;
	struct conn *c = tx_conn(tx);
	bool there = false;
	struct sql *q = sql(c, "SELECT 1 FROM fallback_load WHERE source = ? AND state = 1");
	sql_str(q, 1, r->source);
	there = sql_row(q);
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !there)
		rc = fail(err, RC_ABSENT, "there are no contacts of source '" STR_FMT "'", STR_ARG(r->source));
	if (rc == RC_OK)
		rc = set_state(c, r->source, LOAD_IN_FORCE, LOAD_GOING, err);
	if (rc == RC_OK)
		rc = set_state(c, r->source, LOAD_BEFORE, LOAD_IN_FORCE, err);
	struct journal_act act = { .act = "contacts.undo", .actor = r->actor, .object = r->source };
	return rc == RC_OK ? journal_add(tx, r->j, &act, err) : rc;
}

enum rc fallback_undo(struct store *s, struct journal *j, str source, str actor, struct err *err)
{
	struct replacing *r = x_alloc(sizeof(*r));
	*r = (struct replacing){ .j = j, .source = source, .actor = actor };
	enum rc rc = store_write(s, step_back, r, err);
	if (rc == RC_OK)
		rc = remove_going(s, r, err);
	free(r);
	return rc;
}

enum rc fallback_sources(struct conn *c, fallback_source_each each, void *ctx, struct err *err)
{
	struct sql *q = sql(c, "SELECT source, entries, contacts, bytes, at_us, digest FROM fallback_load"
			       " WHERE state = 1 ORDER BY source");
	while (sql_row(q)) {
		struct fallback_source s = { .name = sql_col_str(q, 0), .entries = (uint64_t)sql_col_int(q, 1),
					     .contacts = (uint64_t)sql_col_int(q, 2),
					     .bytes = (uint64_t)sql_col_int(q, 3), .at_us = sql_col_int(q, 4) };
		str d = sql_col_blob(q, 5);
		if (d.n == sizeof(s.digest.b))
			memcpy(s.digest.b, d.p, d.n);
		if (!each(ctx, &s))
			break;
	}
	return sql_end(q, err);
}
