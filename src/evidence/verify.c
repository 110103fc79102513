/* SPDX-License-Identifier: Apache-2.0 */
/* Everything about exhibits once more: bytes, chain, journal, custody, authority, the folder. */
#include "evidence/evidence_private.h"

#include <stdarg.h>

enum { PIECE = 1 << 20, SENTENCE = 400 };

struct verifying {
	struct evidence *e;
	const struct viewer *v;
	struct reader *r;
	const struct types *types;
	evidence_say say;
	evidence_progress progress;
	void *ctx;
	struct evidence_check *out;
	struct arena *a;
	unsigned char *piece;
	uint64_t all;
	struct err *err;
	/* of the exhibit */
	struct uuid id;
	str name;
};

static str uuid_blob(const struct uuid *id)
{
	return str_mem(id->b, sizeof(id->b));
}

static void PRINTF_LIKE(2, 3) wrong(struct verifying *y, const char *fmt, ...)
{
	char text[SENTENCE];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	y->out->wrong++;
	if (y->say)
		y->say(y->ctx, text);
}

/* --- bytes --- */

static void check_item(struct verifying *y, const struct item *i)
{
	struct vault_out *o = NULL;
	struct err why = { 0 };
	struct digest is;
	unsigned char none[64];
	size_t got = 1;
	y->out->items++;
	if (i->state == ITEM_DESTROYED)
		return;
	enum rc rc = vault_out_new(y->e->vault, &i->stored, NULL, &o, &why);
	if (rc == RC_ABSENT) {
		wrong(y, STR_FMT " item %u: its file is missing", STR_ARG(y->name), i->n);
		return;
	}
	struct sums *sums = sums_new();
	while (rc == RC_OK && got) {
		rc = vault_out_read(o, y->piece, PIECE, &got, &why);
		if (rc == RC_OK)
			sums_add(sums, str_mem(y->piece, got));
		y->out->bytes += got;
		if (y->progress)
			y->progress(y->ctx, y->out->bytes, y->all);
	}
	sums_end(sums, &is, none);
	vault_out_end(o);
	if (rc != RC_OK)
		wrong(y, STR_FMT " item %u: its file cannot be read: %s", STR_ARG(y->name), i->n, why.text);
	else if (memcmp(is.b, i->stored.b, sizeof(is.b)) != 0)
		wrong(y, STR_FMT " item %u: its file is not what was put in", STR_ARG(y->name), i->n);
	else if (!i->key.n && (memcmp(i->stored.b, i->sha256.b, sizeof(is.b)) != 0 ||
			       memcmp(none, i->sha512, sizeof(none)) != 0))
		wrong(y, STR_FMT " item %u: its row in the database was changed", STR_ARG(y->name), i->n);
}

/* --- chain --- */

/* The journal has the digest of this line. */
static enum rc in_journal(struct verifying *y, const struct chain_line *l, bool *out)
{
	struct sql *q = sql(reader_conn(y->r), "SELECT 1 FROM journal WHERE object = ? AND act = '" CHAIN_ACT "'"
					       " AND count = ? AND root = ?");
	sql_str(q, 1, y->name);
	sql_int(q, 2, l->n);
	sql_blob(q, 3, str_mem(l->hash.b, sizeof(l->hash.b)));
	*out = sql_row(q);
	return sql_end(q, y->err);
}

static enum rc journal_lines(struct verifying *y, uint64_t *out)
{
	struct sql *q = sql(reader_conn(y->r), "SELECT count(*) FROM journal WHERE object = ? AND act = '" CHAIN_ACT "'");
	sql_str(q, 1, y->name);
	*out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, y->err);
}

/* The version of the custody entry that the line was made from still has that hash. */
static enum rc check_custody_record(struct verifying *y, struct json_object *o, unsigned n)
{
	struct uuid id;
	str type;
	int64_t version = 0;
	unsigned char want[32];
	bool same = false;
	if (!record_id_parse(json_get_str(o, "custody"), &type, &id) || !json_get_i64(o, "version", &version) ||
	    !hex_parse(json_get_str(o, "version_hash"), want, sizeof(want))) {
		wrong(y, STR_FMT " chain line %u: names no custody entry", STR_ARG(y->name), n);
		return RC_OK;
	}
	struct sql *q = sql(reader_conn(y->r), "SELECT v.hash FROM record_version v JOIN record r ON r.id = v.record"
					       " WHERE r.uuid = ? AND v.version = ?");
	sql_blob(q, 1, uuid_blob(&id));
	sql_int(q, 2, version);
	bool found = sql_row(q);
	same = found && str_eq(sql_col_blob(q, 0), str_mem(want, sizeof(want)));
	enum rc rc = sql_end(q, y->err);
	if (rc == RC_OK && !same)
		wrong(y, STR_FMT " chain line %u: its custody entry %s", STR_ARG(y->name), n,
		      found ? "was changed" : "is not there");
	return rc;
}

struct walk {
	struct digest previous;
	struct json_object *custody; /* the newest one */
	int64_t first_us;            /* when the first one was given */
	bool erased;                 /* a line without words went before */
};

static enum rc check_custody(struct verifying *y, struct walk *w, struct json_object *o, unsigned n)
{
	char words[160];
	custody_gap(w->custody, o, words, sizeof(words));
	if (words[0] && !w->erased)
		wrong(y, STR_FMT " chain line %u: %s", STR_ARG(y->name), n, words);
	if (!w->custody && !time_parse(json_get_str(o, "given_at"), true, &w->first_us))
		w->first_us = TIME_NONE;
	json_free(w->custody);
	w->custody = json_object_get(o);
	w->erased = false;
	return check_custody_record(y, o, n);
}

static enum rc check_line(struct verifying *y, const struct chain_line *l, unsigned expected, struct walk *w)
{
	char previous[VAULT_NAME];
	struct json_object *o = NULL;
	bool known = false;
	y->out->lines++;
	if (l->n != expected)
		wrong(y, STR_FMT " chain: line %u is missing", STR_ARG(y->name), expected);
	enum rc rc = in_journal(y, l, &known);
	if (rc == RC_OK && !known)
		wrong(y, STR_FMT " chain line %u: the journal knows no such line", STR_ARG(y->name), l->n);
	struct digest before = w->previous, is = sha256(l->line);
	w->previous = l->hash;
	if (!l->line.n) { /* erased with its custody entry */
		w->erased = true;
		return rc;
	}
	if (memcmp(is.b, l->hash.b, sizeof(is.b)) != 0)
		wrong(y, STR_FMT " chain line %u: its words were changed", STR_ARG(y->name), l->n);
	if (rc == RC_OK && json_read(l->line, &o, NULL) != RC_OK) {
		wrong(y, STR_FMT " chain line %u: is no JSON", STR_ARG(y->name), l->n);
		return RC_OK;
	}
	vault_name(&before, previous);
	if (rc == RC_OK && l->n == expected && !str_eq(json_get_str(o, "previous"), str_of(previous)))
		wrong(y, STR_FMT " chain line %u: does not follow the one before", STR_ARG(y->name), l->n);
	if (rc == RC_OK && str_eq(l->what, STR("custody")))
		rc = check_custody(y, w, o, l->n);
	json_free(o);
	return rc;
}

static enum rc check_chain(struct verifying *y, struct walk *w)
{
	struct chain_line *line;
	size_t n;
	uint64_t known = 0;
	enum rc rc = chain_of(reader_conn(y->r), &y->id, y->a, &line, &n, y->err);
	unsigned expected = 1;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		rc = check_line(y, &line[i], expected, w);
		expected = line[i].n + 1;
	}
	if (rc == RC_OK)
		rc = journal_lines(y, &known);
	if (rc == RC_OK && known != n)
		wrong(y, STR_FMT " chain: has %zu lines, the journal knows %llu", STR_ARG(y->name), n,
		      (unsigned long long)known);
	return rc;
}

/* --- the record, as far as the viewer may see it --- */

static enum rc check_record(struct verifying *y, struct walk *w)
{
	struct record_view view = { 0 };
	struct json_object *body = NULL;
	struct err why = { 0 };
	enum rc rc = read_record(y->r, y->types, y->v, y->name, y->a, &view, &why);
	const struct type *t = rc == RC_OK ? record_view_type(&view) : NULL;
	int state = rc == RC_OK ? record_view_state(&view) : -1;
	if (rc == RC_OK && is_exhibit(t) && view.record->body.n && whole_body(&view, &body, y->err) == RC_OK) {
		if (items_match(reader_conn(y->r), t, &y->id, body, &why) != RC_OK)
			wrong(y, STR_FMT ": %s", STR_ARG(y->name), why.text);
		bool out = state_means(t, state, "evidence.released") || state_means(t, state, "evidence.destroyed");
		bool begun = !state_means(t, state, "evidence.collected-state");
		if (!out && in_force(t, body, clock_now_us(), &why) != RC_OK)
			wrong(y, STR_FMT ": %s", STR_ARG(y->name), why.text);
		if (begun && !out && !w->custody && !w->erased)
			wrong(y, STR_FMT ": nobody is named who has it", STR_ARG(y->name));
		int64_t collected = meant_time(t, body, "evidence.collected"), first = w->first_us;
		if (w->custody && collected != TIME_NONE && first != TIME_NONE && first > collected)
			wrong(y, STR_FMT ": custody has a gap: it was collected before anybody is named who had it",
			      STR_ARG(y->name));
	}
	json_free(body);
	record_view_end(&view);
	return rc == RC_OK || rc == RC_ABSENT || rc == RC_DENIED ? RC_OK : fail(y->err, rc, "%s", why.text);
}

static enum rc check_exhibit(struct verifying *y)
{
	struct item *item;
	size_t n;
	struct walk w = { 0 };
	y->out->exhibits++;
	enum rc rc = items_of(reader_conn(y->r), &y->id, y->a, &item, &n, y->err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		check_item(y, &item[i]);
	if (rc == RC_OK)
		rc = check_chain(y, &w);
	if (rc == RC_OK)
		rc = check_record(y, &w);
	json_free(w.custody);
	arena_reset(y->a);
	return rc;
}

/* --- which --- */

/* Exhibits are what has items, a chain, or lines of one in the journal. */
static enum rc list_exhibits(struct verifying *y, struct arena *a, str **out, size_t *count_out)
{
	size_t n = 0;
	str *list = NULL;
	struct sql *q = sql(reader_conn(y->r),
			    "SELECT DISTINCT object FROM journal WHERE act = '" CHAIN_ACT "' AND object NOT IN"
			    " (SELECT substr(object, 8) FROM erasing) ORDER BY number");
	while (sql_row(q)) {
		list = x_grow(list, n + 1, sizeof(*list));
		list[n++] = arena_str(a, sql_col_str(q, 0));
	}
	*out = ARENA_ARRAY(a, n + 1, str);
	if (n)
		memcpy(*out, list, n * sizeof(*list));
	free(list);
	*count_out = n;
	return sql_end(q, y->err);
}

/* Rows whose exhibit the journal does not know. */
static enum rc check_strays(struct verifying *y, const str *known, size_t count)
{
	struct sql *q = sql(reader_conn(y->r), "SELECT evidence FROM evidence_item UNION SELECT evidence FROM evidence_chain");
	while (sql_row(q)) {
		struct uuid id = { 0 };
		str type, blob = sql_col_blob(q, 0);
		bool found = false;
		if (blob.n == sizeof(id.b))
			memcpy(id.b, blob.p, sizeof(id.b));
		for (size_t i = 0; !found && i < count; i++) {
			struct uuid other;
			found = record_id_parse(known[i], &type, &other) && uuid_equal(&id, &other);
		}
		if (!found)
			wrong(y, "rows of an exhibit that the journal does not know");
	}
	return sql_end(q, y->err);
}

struct folder {
	struct verifying *y;
	enum rc rc;
};

static bool check_name(void *ctx, const char *name)
{
	struct folder *f = ctx;
	struct verifying *y = f->y;
	struct digest d;
	bool named = false;
	if (hex_parse(str_of(name), d.b, sizeof(d.b))) {
		struct sql *q = sql(reader_conn(y->r), "SELECT 1 FROM evidence_item WHERE stored = ?1 AND state <> 3"
						       " UNION SELECT 1 FROM evidence_adding WHERE stored = ?1"
						       " UNION SELECT 1 FROM evidence_gone WHERE stored = ?1");
		sql_blob(q, 1, str_mem(d.b, sizeof(d.b)));
		named = sql_row(q);
		f->rc = sql_end(q, y->err);
	}
	if (f->rc == RC_OK && !named)
		wrong(y, "the folder of evidence holds '%.80s', which no item names", name);
	return f->rc == RC_OK;
}

static enum rc check_all(struct verifying *y)
{
	str *id;
	size_t n;
	struct arena *a = arena_new(KIB(16));
	struct folder f = { .y = y };
	enum rc rc = list_exhibits(y, a, &id, &n);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		str type;
		if (!record_id_parse(id[i], &type, &y->id))
			continue;
		y->name = id[i];
		rc = check_exhibit(y);
	}
	if (rc == RC_OK)
		rc = check_strays(y, id, n);
	if (rc == RC_OK)
		rc = vault_each(y->e->vault, check_name, &f, y->err);
	arena_free(a);
	return rc == RC_OK ? f.rc : rc;
}

static enum rc check_one(struct verifying *y, str exhibit)
{
	struct record_view view = { 0 };
	struct arena *a = arena_new(KIB(16));
	enum rc rc = read_record(y->r, y->types, y->v, exhibit, a, &view, y->err);
	if (rc == RC_OK && !is_exhibit(record_view_type(&view)))
		rc = fail(y->err, RC_INPUT, "'" STR_FMT "' is no exhibit", STR_ARG(str_head(exhibit, 60)));
	if (rc == RC_OK) {
		y->id = view.record->id;
		y->name = record_view_id(&view, a);
	}
	record_view_end(&view);
	if (rc == RC_OK)
		rc = check_exhibit(y);
	arena_free(a);
	return rc;
}

static enum rc sum_bytes(struct verifying *y)
{
	struct sql *q = sql(reader_conn(y->r), "SELECT coalesce(sum(stored_bytes), 0) FROM evidence_item WHERE state <> 3");
	y->all = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, y->err);
}

/* The chains stand on the journal and on the records' own chains: these first. */
static enum rc check_ground(struct verifying *y)
{
	struct journal_check j = { 0 };
	struct records_check k = { 0 };
	enum rc rc = journal_verify(reader_conn(y->r), STR_NONE, &j, y->err);
	if (rc == RC_OK && j.first_bad)
		wrong(y, "journal line %llu: %s", (unsigned long long)j.first_bad, j.words);
	if (rc == RC_OK)
		rc = records_verify(reader_conn(y->r), y->types, &k, y->err);
	if (rc == RC_OK && k.words[0])
		wrong(y, "%s", k.words);
	return rc;
}

enum rc evidence_verify(struct evidence *e, const struct viewer *v, str exhibit, bool ground, evidence_say say,
			evidence_progress progress, void *ctx, struct evidence_check *out, struct err *err)
{
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(e->r));
	struct verifying y = { .e = e, .v = v, .types = snapshot_table(types), .say = say, .progress = progress,
			       .ctx = ctx, .out = out, .a = arena_new(KIB(64)), .err = err,
			       .piece = x_alloc(PIECE) };
	*out = (struct evidence_check){ 0 };
	enum rc rc = e->vault ? store_read_begin(e->s, &y.r, err) :
				fail(err, RC_BUSY, "the store is read-only: evidence is not open");
	if (rc == RC_OK)
		rc = sum_bytes(&y);
	if (rc == RC_OK && ground)
		rc = check_ground(&y);
	if (rc == RC_OK)
		rc = exhibit.p ? check_one(&y, exhibit) : check_all(&y);
	if (y.r)
		store_read_end(y.r);
	snapshot_drop(records_types_snapshot(e->r), types);
	arena_free(y.a);
	free(y.piece);
	return rc;
}
