/* SPDX-License-Identifier: Apache-2.0 */
/* Search in what people wrote. The words of a record stand in record_text, a row for each
 * who may see them, so that a change to one costs no more than that; two FTS5 tables over
 * it find whole words, and parts of at least three letters.
 *
 * FTS5 writes its terms out at every savepoint, and each job is one: so jobs only note
 * which records they touched, and the words are brought up to date once a commit group,
 * in the same transaction. What is noted by a job that was undone does no harm. */
#include "base/json.h"
#include "record/record_private.h"

enum { COLUMN_MOST = 64 * 1024, QUERY_MOST = 200, QUERY_WORDS = 8, PART_LEAST = 3, TEND_PAGES = 64 };

/* --- what is looked at --- */

static bool is_words(enum kind k)
{
	switch (k) {
	case KIND_TEXT:
	case KIND_LONG:
	case KIND_ADDRESS:
	case KIND_NETWORK:
	case KIND_ASN:
	case KIND_DOMAIN:
	case KIND_URL:
	case KIND_HASH:
	case KIND_FILE:
		return true;
	case KIND_NUMBER:
	case KIND_MONEY:
	case KIND_FLAG:
	case KIND_DATE:
	case KIND_TIME:
	case KIND_DURATION:
	case KIND_COUNTRY:
	case KIND_LANGUAGE:
	case KIND_CHOICE:
	case KIND_REFERENCE:
	case KIND_PERSON:
	case KIND_SECRET:
	case KIND_ROWS:
	case KINDS:
		return false;
	}
	return false;
}

static bool add_words(void *ctx, const struct value *v)
{
	struct words_of *w = ctx;
	if (!is_words(v->field->kind) || v->share > SHARE_TEAM)
		return true;
	str text = v->field->kind == KIND_FILE ? json_get_str(v->json, "name") : json_text(v->json);
	struct buf *to = &w->of[v->personal	       ? WORDS_PERSONAL :
				v->share == SHARE_OPEN  ? WORDS_OPEN :
				v->share == SHARE_PARTY ? WORDS_PARTY :
							  WORDS_TEAM];
	if (!text.n || to->n >= to->cap)
		return true;
	if (to->n)
		buf_char(to, '\n');
	size_t room = to->cap - to->n;
	if (text.n > room) { /* its beginning, in whole letters */
		while (room > 0 && ((unsigned char)text.p[room] & 0xc0) == 0x80)
			room--;
		text = str_head(text, room);
	}
	buf_add(to, text);
	return true;
}

void words_collect(const struct type *t, struct json_object *body, struct words_of *out)
{
	for (int i = 0; i < WORDS_KINDS; i++)
		out->of[i] = (struct buf)BUF_INIT(COLUMN_MOST);
	if (t && body)
		values_each(t, body, add_words, out);
}

void words_free(struct words_of *w)
{
	for (int i = 0; i < WORDS_KINDS; i++)
		buf_free(&w->of[i]);
}

/* --- writing --- */

void search_touch(struct records *r, int64_t row)
{
	if (r->touched_count == r->touched_room) {
		r->touched_room = r->touched_room ? 2 * r->touched_room : 64;
		r->touched = x_grow(r->touched, r->touched_room, sizeof(*r->touched));
	}
	r->touched[r->touched_count++] = row;
}

/* *old_out is in `a`; STR_NONE: there is no such row. */
static enum rc read_words(struct conn *c, int64_t id, struct arena *a, str *old_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT words FROM record_text WHERE id = ?");
	sql_int(q, 1, id);
	*old_out = sql_row(q) ? arena_str(a, sql_col_str(q, 0)) : STR_NONE;
	return sql_end(q, err);
}

enum rc words_same(struct conn *c, int64_t row, const struct words_of *w, bool *same_out,
		   uint64_t *count_out, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	enum rc rc = RC_OK;
	*same_out = true;
	*count_out = 0;
	for (int i = 0; i < WORDS_KINDS && rc == RC_OK && *same_out; i++) {
		str old;
		rc = read_words(c, WORDS_KINDS * row + i, a, &old, err);
		*same_out = str_eq(old, buf_str(&w->of[i]));
		*count_out += old.p != NULL;
	}
	arena_free(a);
	return rc;
}

static enum rc put_words(struct sql *q, int64_t id, str words, struct err *err)
{
	sql_int(q, 1, id);
	sql_str(q, 2, words);
	return sql_run(q, err);
}

/* FTS5 takes terms out by being told the very text they came from. By values, not by a
 * select: a statement that may write several rows is a savepoint of its own. */
static enum rc take_out(struct conn *c, int64_t id, str words, struct err *err)
{
	enum rc rc = put_words(sql(c, "INSERT INTO record_words (record_words, rowid, words)"
				      " VALUES ('delete', ?, ?)"),
			       id, words, err);
	if (rc == RC_OK)
		rc = put_words(sql(c, "INSERT INTO record_parts (record_parts, rowid, words)"
				      " VALUES ('delete', ?, ?)"),
			       id, words, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(c, "DELETE FROM record_text WHERE id = ?");
	sql_int(q, 1, id);
	return sql_run(q, err);
}

static enum rc put_in(struct conn *c, int64_t id, str words, struct err *err)
{
	enum rc rc = put_words(sql(c, "INSERT INTO record_text (id, words) VALUES (?, ?)"), id, words,
			       err);
	if (rc == RC_OK)
		rc = put_words(sql(c, "INSERT INTO record_words (rowid, words) VALUES (?, ?)"), id, words,
			       err);
	if (rc == RC_OK)
		rc = put_words(sql(c, "INSERT INTO record_parts (rowid, words) VALUES (?, ?)"), id, words,
			       err);
	return rc;
}

static enum rc update_words(struct conn *c, int64_t id, str words, struct arena *a, struct err *err)
{
	str old;
	enum rc rc = read_words(c, id, a, &old, err);
	if (rc != RC_OK || str_eq(old, words))
		return rc;
	if (old.p)
		rc = take_out(c, id, old, err);
	return rc == RC_OK && words.n ? put_in(c, id, words, err) : rc;
}

static enum rc update_row(struct conn *c, const struct types *t, int64_t row, struct arena *a,
			  struct err *err)
{
	struct record now;
	struct json_object *body = NULL;
	struct words_of w;
	enum rc rc = row_load(c, t, row, true, a, &now, err);
	if (rc == RC_ABSENT) /* its job was undone */
		return RC_OK;
	if (rc == RC_OK && now.body.n)
		rc = json_read(now.body, &body, err);
	if (rc != RC_OK)
		return rc;
	words_collect(now.type, body, &w);
	for (int i = 0; i < WORDS_KINDS && rc == RC_OK; i++)
		rc = update_words(c, WORDS_KINDS * row + i, buf_str(&w.of[i]), a, err);
	words_free(&w);
	json_free(body);
	return rc;
}

static int by_row(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
	return a < b ? -1 : a > b;
}

enum rc search_update(struct tx *tx, void *ctx, struct err *err)
{
	struct records *r = ctx;
	enum rc rc = RC_OK;
	if (!r->touched_count)
		return RC_OK;
	qsort(r->touched, r->touched_count, sizeof(*r->touched), by_row);
	struct arena *a = arena_new(KIB(32));
	struct snapshot_ref *ref = snapshot_hold(r->types);
	for (size_t i = 0; i < r->touched_count && rc == RC_OK; i++) {
		arena_reset(a);
		if (i == 0 || r->touched[i] != r->touched[i - 1])
			rc = update_row(tx_conn(tx), snapshot_table(ref), r->touched[i], a, err);
	}
	snapshot_drop(r->types, ref);
	arena_free(a);
	r->touched_count = 0;
	atomic_store(&r->merge_wanted, true);
	return rc;
}

static enum rc merge(struct conn *c, const char *literal, int pages, bool *more, struct err *err)
{
	int64_t changes[2] = { 0 };
	enum rc rc = RC_OK;
	for (int i = 0; i < 2 && rc == RC_OK; i++) {
		struct sql *q = sql(c, "SELECT total_changes()");
		if (sql_row(q))
			changes[i] = sql_col_int(q, 0);
		rc = sql_end(q, err);
		if (rc == RC_OK && i == 0) {
			q = sql(c, literal);
			sql_int(q, 1, pages);
			rc = sql_run(q, err);
		}
	}
	/* one change is the command's own */
	*more |= changes[1] - changes[0] >= 2;
	return rc;
}

enum rc words_merge(struct conn *c, int pages, bool *more_out, struct err *err)
{
	*more_out = false;
	enum rc rc = merge(c, "INSERT INTO record_words (record_words, rank) VALUES ('merge', ?)", pages,
			   more_out, err);
	return rc == RC_OK ? merge(c, "INSERT INTO record_parts (record_parts, rank) VALUES ('merge', ?)",
				   pages, more_out, err) :
			     rc;
}

static enum rc merge_some(struct tx *tx, void *ctx, struct err *err)
{
	return words_merge(tx_conn(tx), TEND_PAGES, ctx, err);
}

enum rc search_tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct records *r = ctx;
	*did_out = false;
	if (store_read_only(s) || !atomic_exchange(&r->merge_wanted, false))
		return RC_OK;
	enum rc rc = store_write(s, merge_some, did_out, err);
	if (rc == RC_OK && *did_out)
		atomic_store(&r->merge_wanted, true);
	return rc;
}

/* --- finding --- */

/* Letters, and whether one is of a script that puts no spaces between words. */
static void look_at(str word, size_t *letters_out, bool *no_spaces_out, bool *any_out)
{
	*letters_out = 0;
	*no_spaces_out = *any_out = false;
	for (size_t i = 0; i < word.n;) {
		unsigned char c = (unsigned char)word.p[i];
		size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		uint32_t u = n == 1 ? c : c & (0xffu >> (n + 1));
		for (size_t k = 1; k < n && i + k < word.n; k++)
			u = u << 6 | ((unsigned char)word.p[i + k] & 0x3f);
		/* Thai, Lao; Burmese; Khmer; Han, kana and what is near; their additions */
		*no_spaces_out |= (u >= 0x0e00 && u <= 0x0eff) || (u >= 0x1000 && u <= 0x109f) ||
				  (u >= 0x1780 && u <= 0x17ff) || (u >= 0x2e80 && u <= 0xa4cf) ||
				  (u >= 0xa9e0 && u <= 0xa9ff) || (u >= 0xaa60 && u <= 0xaa7f) ||
				  (u >= 0x20000 && u <= 0x3ffff);
		*any_out |= u >= 0x80 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
		++*letters_out;
		i += n;
	}
}

/* "word" — a string to FTS5, whatever is in it. */
static void add_term(struct buf *b, str word, bool beginning)
{
	buf_char(b, '"');
	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] == '"')
			buf_char(b, '"');
		buf_char(b, word.p[i]);
	}
	buf_add(b, beginning ? STR("\" *") : STR("\""));
}

/* Words of others are not even counted. */
static bool may_see(const struct record_query *q, int64_t kind)
{
	switch (kind) {
	case WORDS_OPEN:
		return true;
	case WORDS_PARTY:
		return q->text_share >= SHARE_PARTY;
	case WORDS_TEAM:
		return q->text_share >= SHARE_TEAM;
	default:
		return q->text_share >= SHARE_TEAM && q->text_personal;
	}
}

static enum rc add_rows(struct sql *s, const struct record_query *q, str term, struct id_set *to,
			struct err *err)
{
	sql_str(s, 1, term);
	while (sql_row(s)) {
		int64_t id = sql_col_int(s, 0);
		if (may_see(q, id % WORDS_KINDS))
			id_set_add(to, id / WORDS_KINDS);
	}
	return sql_end(s, err);
}

static enum rc find_word(struct conn *c, const struct record_query *q, str word, struct id_set *out,
			 struct err *err)
{
	struct buf term = BUF_INIT(KIB(2));
	size_t letters;
	bool no_spaces, any;
	enum rc rc = RC_OK;
	look_at(word, &letters, &no_spaces, &any);
	if (letters < PART_LEAST && (no_spaces || !any))
		return fail(err, RC_INPUT, "'" STR_FMT "' is too short to be searched for: at least %d letters",
			    STR_ARG(word), PART_LEAST);
	if (!no_spaces) {
		add_term(&term, word, true);
		rc = add_rows(sql(c, "SELECT rowid FROM record_words WHERE record_words MATCH ?"),
			      q, buf_str(&term), out, err);
	}
	if (rc == RC_OK && letters >= PART_LEAST) {
		buf_reset(&term);
		add_term(&term, word, false);
		rc = add_rows(sql(c, "SELECT rowid FROM record_parts WHERE record_parts MATCH ?"),
			      q, buf_str(&term), out, err);
	}
	buf_free(&term);
	return rc;
}

enum rc search_find(struct conn *c, const struct record_query *q, struct id_set *out,
		    struct err *err)
{
	str rest = str_trim_all(q->text);
	if (rest.n > QUERY_MOST || !str_is_utf8(rest) || memchr(rest.p, 0, rest.n))
		return fail(err, RC_INPUT, "a search is text of at most %d bytes", QUERY_MOST);
	struct id_set all = { .bits = x_array(out->words, sizeof(uint64_t)), .words = out->words };
	enum rc rc = RC_OK;
	unsigned words = 0;
	while (rest.n && rc == RC_OK) {
		str word = str_cut(&rest, ' ');
		if (!word.n)
			continue;
		if (words == QUERY_WORDS) {
			rc = fail(err, RC_INPUT, "a search is at most %d words", QUERY_WORDS);
			break;
		}
		memset(all.bits, 0, all.words * sizeof(uint64_t));
		rc = find_word(c, q, word, &all, err);
		if (words++)
			id_set_and(out, &all);
		else
			id_set_or(out, &all);
	}
	id_set_free(&all);
	return rc;
}
