/* SPDX-License-Identifier: Apache-2.0 */
/* Reads all records and says what first is not as it was written. */
#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "record/record_private.h"

struct verifying {
	struct conn *c;
	const struct types *t;
	struct records_check *out;
	struct err *err;
	struct arena *a;
	bool strangers;      /* records of types not loaded here */
	uint64_t keys, links, texts; /* that there should be */
	/* the record looked at */
	int64_t row, version_id, number;
	struct header head;  /* of the version looked at */
	struct digest hash;  /* of the version before */
	uint64_t newest, seen; /* version its row names; the last one looked at */
	bool erased, ours, ended;
	str node;
};

static void bad(struct verifying *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void bad(struct verifying *v, const char *fmt, ...)
{
	struct records_check *out = v->out;
	if (out->words[0])
		return;
	struct buf b = BUF_INIT(400);
	char text[160];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (v->row) {
		record_id_format(&b, v->head.type, &v->head.id);
		buf_fmt(&b, " version %llu: ", (unsigned long long)v->head.version);
	}
	buf_add(&b, str_of(text));
	snprintf(out->words, sizeof(out->words), "%.*s", (int)b.n, b.p);
	out->first_bad_number = (uint64_t)v->number;
	buf_free(&b);
}

/* The same of what is made from the records. */
#define bad_made(v, ...) ((v)->out->made_differs |= !(v)->out->words[0], bad(v, __VA_ARGS__))

/* --- versions --- */

enum {
	COL_ROW, COL_UUID, COL_TYPE, COL_NUMBER, COL_ORIGIN, COL_NEWEST, COL_NEWEST_ID, COL_ERASED,
	COL_ID, COL_VERSION, COL_TYPE_VERSION, COL_ORGANISATION, COL_AUTHOR, COL_AT, COL_STATE,
	COL_COMMITMENT, COL_HASH, COL_SALT, COL_LABELS, COL_WHY, COL_BODY
};

/* False: not even that. */
static bool take_version(struct verifying *v, struct sql *q, struct digest *commitment,
			 struct digest *hash)
{
	v->head = (struct header){ .version = (uint64_t)sql_col_int(q, COL_VERSION),
				   .type = arena_str(v->a, sql_col_str(q, COL_TYPE)),
				   .origin = arena_str(v->a, sql_col_str(q, COL_ORIGIN)),
				   .author = arena_str(v->a, sql_col_str(q, COL_AUTHOR)),
				   .state = arena_str(v->a, sql_col_str(q, COL_STATE)),
				   .type_version = (uint32_t)sql_col_int(q, COL_TYPE_VERSION),
				   .at_us = sql_col_int(q, COL_AT) };
	bool own = sql_col_null(q, COL_ORGANISATION);
	return take_uuid(sql_col_blob(q, COL_UUID), &v->head.id) &&
	       (own || take_uuid(sql_col_blob(q, COL_ORGANISATION), &v->head.organisation)) &&
	       take_digest32(sql_col_blob(q, COL_COMMITMENT), commitment) &&
	       take_digest32(sql_col_blob(q, COL_HASH), hash);
}

static enum rc check_commitment(struct verifying *v, struct sql *q, const struct digest *want)
{
	bool gone = sql_col_null(q, COL_SALT);
	if (gone != sql_col_null(q, COL_BODY) || gone != sql_col_null(q, COL_WHY) ||
	    gone != sql_col_null(q, COL_LABELS)) {
		bad(v, "a part of it was erased alone");
		return RC_OK;
	}
	bool last = sql_col_int(q, COL_ID) == v->version_id;
	if (gone && (!v->erased || last))
		bad(v, "its body was erased and the record does not say so");
	if (gone)
		return RC_OK;
	if (v->erased && !last)
		bad(v, "its body is there though the record was erased");
	str body;
	struct err why;
	if (body_unpack(sql_col_blob(q, COL_BODY), v->a, &body, &why) != RC_OK) {
		bad(v, "its body is damaged");
		return RC_OK;
	}
	struct digest is = commitment_make(sql_col_blob(q, COL_SALT), sql_col_str(q, COL_LABELS),
					   sql_col_str(q, COL_WHY), body);
	if (memcmp(is.b, want->b, sizeof(is.b)) != 0)
		bad(v, "labels, reason or body were changed: they are not what it commits to");
	return RC_OK;
}

static enum rc check_journal(struct verifying *v, const struct digest *hash)
{
	struct buf object = BUF_INIT(200);
	record_id_format(&object, v->head.type, &v->head.id);
	buf_char(&object, '@');
	buf_u64(&object, v->head.version);
	struct sql *q = sql(v->c, "SELECT 1 FROM journal WHERE object = ? AND root = ? LIMIT 1");
	sql_str(q, 1, buf_str(&object));
	sql_blob(q, 2, digest_str(hash));
	if (!sql_row(q))
		bad(v, "the journal has no line with its hash");
	enum rc rc = sql_end(q, v->err);
	buf_free(&object);
	return rc;
}

static enum rc check_version(struct verifying *v, struct sql *q)
{
	struct digest commitment, stored;
	v->out->versions++;
	arena_reset(v->a);
	bool whole = take_version(v, q, &commitment, &stored);
	if (v->ours && v->head.version != v->seen + 1) {
		v->head.version = v->seen + 1;
		bad(v, "the version is missing");
		return RC_OK;
	}
	v->seen = v->head.version;
	if (!whole) {
		bad(v, "its row is damaged");
		return RC_OK;
	}
	struct digest hash = version_hash(&v->hash, &v->head, &commitment);
	if (memcmp(hash.b, stored.b, sizeof(hash.b)) != 0)
		bad(v, "it or the version before it was changed: its hash differs");
	v->hash = hash;
	enum rc rc = check_commitment(v, q, &commitment);
	return rc == RC_OK ? check_journal(v, &hash) : rc;
}

/* --- what is made from the newest version --- */

static enum rc check_index(struct verifying *v, const struct record *now, struct json_object *body)
{
	char text[2 * TYPE_NAME_MAX + 2];
	size_t n;
	struct index_key *keys = index_keys(now->type, body, v->a, &n);
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		struct sql *q = sql(v->c, "SELECT 1 FROM record_index i JOIN record_name n"
					  " ON n.id = i.field WHERE n.name = ? AND i.value = ?"
					  " AND i.record = ?");
		sql_str(q, 1, field_name(now->type, keys[i].field, text));
		if (keys[i].key.is_number)
			sql_int(q, 2, keys[i].key.number);
		else
			sql_str(q, 2, keys[i].key.text);
		sql_int(q, 3, v->row);
		if (!sql_row(q))
			bad_made(v, "the index lacks its '%s'", keys[i].field->name);
		rc = sql_end(q, v->err);
	}
	v->keys += n;
	return rc;
}

static enum rc check_text(struct verifying *v, const struct record *now, struct json_object *body)
{
	struct words_of w;
	bool same;
	uint64_t n;
	words_collect(now->type, body, &w);
	enum rc rc = words_same(v->c, v->row, &w, &same, &n, v->err);
	if (rc == RC_OK && !same)
		bad_made(v, "search has other words than it");
	v->texts += n;
	words_free(&w);
	return rc;
}

static enum rc check_row(struct verifying *v)
{
	struct sql *q = sql(v->c, "SELECT r.organisation IS v.organisation AND r.state = v.state"
				  " AND r.changed_us = v.at_us AND r.version = v.version,"
				  " r.tlp, r.exercise, r.title, r.sealed FROM record r"
				  " JOIN record_version v ON v.id = r.version_id WHERE r.id = ?");
	struct record now;
	struct json_object *body = NULL;
	sql_int(q, 1, v->row);
	bool found = sql_row(q), same = found && sql_col_int(q, 0);
	int64_t tlp = found ? sql_col_int(q, 1) : 0, exercise = found ? sql_col_int(q, 2) : 0;
	enum rc rc = sql_end(q, v->err);
	if (rc == RC_OK && !same) {
		bad(v, "the record's row is not that of its newest version");
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = row_load(v->c, v->t, v->row, true, v->a, &now, v->err);
	if (rc == RC_OK && (tlp != (int64_t)now.labels.tlp || exercise != now.labels.exercise))
		bad(v, "the record's row has other markings than its newest version");
	if (rc == RC_OK && now.body.n && json_read(now.body, &body, NULL) != RC_OK)
		bad(v, "its body is no JSON");
	if (rc != RC_OK || v->out->words[0]) {
		json_free(body);
		return rc;
	}
	v->strangers |= !now.type;
	if (now.type && body) {
		str missing;
		uint64_t links;
		rc = check_index(v, &now, body);
		if (rc == RC_OK)
			rc = links_check(v->c, &now, body, v->a, &links, &missing, v->err);
		if (rc == RC_OK && missing.p)
			bad(v, "the link of its field '" STR_FMT "' is missing", STR_ARG(missing));
		v->links += rc == RC_OK ? links : 0;
		if (rc == RC_OK)
			rc = check_text(v, &now, body);
	}
	json_free(body);
	return rc;
}

static enum rc end_record(struct verifying *v)
{
	if (!v->row || v->out->words[0])
		return RC_OK;
	if (v->seen != v->newest) {
		v->head.version = v->newest;
		bad(v, "the newest version is missing");
		return RC_OK;
	}
	return check_row(v);
}

static void begin_record(struct verifying *v, struct sql *q)
{
	v->out->records++;
	v->row = sql_col_int(q, COL_ROW);
	v->number = sql_col_int(q, COL_NUMBER);
	v->newest = (uint64_t)sql_col_int(q, COL_NEWEST);
	v->version_id = sql_col_int(q, COL_NEWEST_ID);
	v->erased = sql_col_int(q, COL_ERASED);
	v->ours = sql_col_int(q, COL_NUMBER) > 0;
	v->seen = 0;
	v->hash = (struct digest){ { 0 } };
	arena_reset(v->a);
	v->head = (struct header){ .type = arena_str(v->a, sql_col_str(q, COL_TYPE)) };
	(void)take_uuid(sql_col_blob(q, COL_UUID), &v->head.id);
}

static enum rc check_records(struct verifying *v)
{
	struct sql *q = sql(v->c, "SELECT r.id, r.uuid, t.name, r.number, o.name, r.version,"
				  " r.version_id, r.erased, v.id, v.version, v.type_version,"
				  " v.organisation, v.author, v.at_us, s.name, v.commitment, v.hash,"
				  " v.salt, v.labels, v.why, v.body FROM record r"
				  " LEFT JOIN record_version v ON v.record = r.id"
				  " LEFT JOIN record_name t ON t.id = r.type"
				  " LEFT JOIN record_name o ON o.id = r.origin"
				  " LEFT JOIN record_name s ON s.id = v.state"
				  " ORDER BY r.id, v.version");
	enum rc rc = RC_OK;
	while (rc == RC_OK && !v->out->words[0] && sql_row(q)) {
		if (sql_col_int(q, COL_ROW) != v->row) {
			rc = end_record(v);
			if (rc != RC_OK || v->out->words[0])
				break;
			begin_record(v, q);
		}
		if (!sql_col_null(q, COL_ID))
			rc = check_version(v, q);
	}
	enum rc ended = sql_end(q, v->err);
	if (rc == RC_OK && ended == RC_OK)
		rc = end_record(v);
	return ended == RC_OK ? rc : ended;
}

/* --- what there should not be --- */

static enum rc check_count(struct verifying *v, const char *literal, uint64_t want, const char *words,
			   bool made)
{
	struct sql *q = sql(v->c, literal);
	uint64_t n = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	enum rc rc = sql_end(q, v->err);
	if (rc == RC_OK && n != want) {
		v->out->made_differs |= made && !v->out->words[0];
		bad(v, "%s: %llu, there should be %llu", words, (unsigned long long)n,
		    (unsigned long long)want);
	}
	return rc;
}

/* Every line that names a version is about one that is there. */
static enum rc check_lines(struct verifying *v)
{
	struct sql *q = sql(v->c, "SELECT object, root, number FROM journal WHERE root <> zeroblob(32)"
				  " AND object LIKE '%--%@%' ORDER BY number");
	enum rc rc = RC_OK;
	while (rc == RC_OK && !v->out->words[0] && sql_row(q)) {
		str version = sql_col_str(q, 0), id = str_cut(&version, '@'), type;
		struct uuid uuid;
		uint64_t n;
		if (!record_id_parse(id, &type, &uuid) || !str_to_u64(version, &n))
			continue;
		struct sql *look = sql(v->c, "SELECT 1 FROM record r JOIN record_version v"
					     " ON v.record = r.id WHERE r.uuid = ? AND v.version = ?"
					     " AND v.hash = ?");
		sql_blob(look, 1, uuid_str(&uuid));
		sql_int(look, 2, (int64_t)n);
		sql_blob(look, 3, sql_col_blob(q, 1));
		if (!sql_row(look))
			bad(v, STR_FMT " version %llu: journal line %lld names it and it is not there",
			    STR_ARG(id), (unsigned long long)n, (long long)sql_col_int(q, 2));
		rc = sql_end(look, v->err);
	}
	enum rc ended = sql_end(q, v->err);
	return rc == RC_OK ? ended : rc;
}

static enum rc check_rest(struct verifying *v)
{
	v->row = 0;
	v->number = 0;
	enum rc rc = check_lines(v);
	if (rc == RC_OK)
		rc = check_count(v, "SELECT count(*) FROM record_version WHERE record NOT IN"
				    " (SELECT id FROM record)",
				 0, "versions of no record", false);
	if (rc == RC_OK)
		rc = check_count(v, "SELECT count(*) FROM record_index WHERE record NOT IN"
				    " (SELECT id FROM record WHERE erased = 0)",
				 0, "index entries of no record", true);
	if (rc != RC_OK || v->strangers)
		return rc;
	rc = check_count(v, "SELECT count(*) FROM record_index", v->keys, "index entries", true);
	if (rc == RC_OK)
		rc = check_count(v, "SELECT count(*) FROM record_link WHERE share > 0"
				    " AND removed_us = 0",
				 v->links, "links of fields", false);
	if (rc == RC_OK)
		rc = check_count(v, "SELECT count(*) FROM record_text", v->texts, "texts in search", true);
	return rc;
}

enum rc records_verify(struct conn *c, const struct types *t, struct records_check *out,
		       struct err *err)
{
	struct verifying v = { .c = c, .t = t, .out = out, .err = err, .a = arena_new(KIB(32)) };
	*out = (struct records_check){ 0 };
	enum rc rc = check_records(&v);
	if (rc == RC_OK && !out->words[0])
		rc = check_rest(&v);
	arena_free(v.a);
	return rc;
}
