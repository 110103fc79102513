/* SPDX-License-Identifier: Apache-2.0 */
/* What was answered, and what became of it. */
#include "notify/answers.h"

#include "notify/teller_private.h"

enum { ROWS_MAX = 1000, CLAIMS_A_LOOK = 64 };
#define LOOK_EVERY (MINUTE_US / 2)

#define COLUMNS                                                                                           \
	"a.id, a.message, a.kind, a.at_us, a.channel, a.by, a.words, a.recipient, a.item, a.findings, a.file," \
	" a.file_name, a.seen_us, a.seen_by"

static void take_row(struct sql *q, struct arena *a, struct answer_row *out)
{
	*out = (struct answer_row){
		.id = sql_col_int(q, 0), .message = sql_col_int(q, 1), .kind = (enum answer_kind)sql_col_int(q, 2),
		.at_us = sql_col_int(q, 3), .channel = arena_str(a, sql_col_str(q, 4)),
		.by = arena_str(a, sql_col_str(q, 5)), .words = arena_str(a, sql_col_str(q, 6)),
		.recipient = arena_str(a, sql_col_str(q, 7)), .item = arena_str(a, sql_col_str(q, 8)),
		.findings = (uint64_t)sql_col_int(q, 9), .file_name = arena_str(a, sql_col_str(q, 11)),
		.seen_us = sql_col_int(q, 12), .seen_by = arena_str(a, sql_col_str(q, 13)),
	};
	str file = sql_col_blob(q, 10);
	out->has_file = file.n == sizeof out->file.b;
	if (out->has_file)
		memcpy(out->file.b, file.p, file.n);
}

static enum rc take_rows(struct sql *q, size_t most, bool claims, struct arena *a, struct answer_row **out,
			 size_t *count_out, struct err *err)
{
	struct answer_row *list = ARENA_ARRAY(a, most + 1, struct answer_row);
	size_t n = 0;
	while (n < most && sql_row(q)) {
		take_row(q, a, &list[n]);
		if (claims) {
			list[n].claim = (enum claim)sql_col_int(q, 14);
			list[n].claim_us = sql_col_int(q, 15);
		}
		n++;
	}
	*out = list;
	*count_out = n;
	return sql_end(q, err);
}

static size_t at_most(size_t limit)
{
	return limit < ROWS_MAX ? limit : ROWS_MAX;
}

static void bytes_of(struct hash128 id, char out[16])
{
	for (size_t i = 0; i < 8; i++) {
		out[i] = (char)(id.hi >> (56 - 8 * i));
		out[8 + i] = (char)(id.lo >> (56 - 8 * i));
	}
}

enum rc answers_of_finding(struct conn *c, struct hash128 id, size_t limit, struct arena *a, struct answer_row **out,
			   size_t *count_out, struct err *err)
{
	char raw[16];
	struct sql *q = sql(c, "SELECT " COLUMNS ", f.claim, f.claim_us FROM answer_finding f JOIN answer a"
			       " ON a.id = f.answer WHERE f.finding = ?1 ORDER BY f.answer DESC LIMIT ?2");
	bytes_of(id, raw);
	sql_blob(q, 1, str_mem(raw, sizeof raw));
	sql_int(q, 2, (int64_t)at_most(limit));
	return take_rows(q, at_most(limit), true, a, out, count_out, err);
}

enum rc answers_of_message(struct conn *c, int64_t message, size_t limit, struct arena *a, struct answer_row **out,
			   size_t *count_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT " COLUMNS " FROM answer a WHERE a.message = ?1 ORDER BY a.id DESC LIMIT ?2");
	sql_int(q, 1, message);
	sql_int(q, 2, (int64_t)at_most(limit));
	return take_rows(q, at_most(limit), false, a, out, count_out, err);
}

enum rc answers_list(struct conn *c, const struct answer_query *l, struct arena *a, struct answer_row **out,
		     size_t *count_out, struct err *err)
{
	struct sql *q = l->organisation.n > 0 ?
		sql(c, "SELECT " COLUMNS " FROM answer a WHERE a.id < ?1 AND a.organisation = ?2"
		       " AND (?3 = 0 OR a.seen_us IS NULL) ORDER BY a.id DESC LIMIT ?4") : l->waiting ?
		sql(c, "SELECT " COLUMNS " FROM answer a WHERE a.id < ?1 AND a.seen_us IS NULL AND ?2 = '' AND ?3 = 1"
		       " ORDER BY a.id DESC LIMIT ?4") :
		sql(c, "SELECT " COLUMNS " FROM answer a WHERE a.id < ?1 AND ?2 = '' AND ?3 = 0 ORDER BY a.id DESC LIMIT ?4");
	sql_int(q, 1, l->before > 0 ? l->before : INT64_MAX);
	sql_str(q, 2, l->organisation.n > 0 ? l->organisation : STR(""));
	sql_int(q, 3, l->waiting);
	sql_int(q, 4, (int64_t)at_most(l->limit));
	return take_rows(q, at_most(l->limit), false, a, out, count_out, err);
}

enum rc answer_findings(struct conn *c, int64_t id, size_t limit, struct arena *a, str **out, size_t *count_out,
			struct err *err)
{
	struct sql *q = sql(c, "SELECT finding FROM answer_finding WHERE answer = ?1 ORDER BY finding LIMIT ?2");
	str *list = ARENA_ARRAY(a, limit + 1, str);
	size_t n = 0;
	sql_int(q, 1, id);
	sql_int(q, 2, (int64_t)limit);
	while (n < limit && sql_row(q)) {
		struct buf hex = BUF_INIT(40);
		str raw = sql_col_blob(q, 0);
		hex_format(&hex, raw.p, raw.n);
		list[n++] = arena_str(a, buf_str(&hex));
		buf_free(&hex);
	}
	*out = list;
	*count_out = n;
	return sql_end(q, err);
}

/* --- claims --- */

static enum claim judge(const struct finding *f, int64_t claimed_us)
{
	if (f->state == FINDING_GONE)
		return CLAIM_CONFIRMED;
	return f->last_seen_us > claimed_us ? CLAIM_CAME_BACK : CLAIM_WAITS;
}

enum claim answer_outcome(const struct finding *f, const struct answer_row *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].kind == ANSWER_FIXED)
			return judge(f, list[i].at_us);
	return CLAIM_NONE;
}

struct look {
	struct notify *n;
	struct {
		char finding[16];
		int64_t answer, at_us;
		enum claim claim;
	} list[CLAIMS_A_LOOK];
	size_t count, told;
};

static enum rc load(struct look *k, struct conn *c, struct err *err)
{
	struct sql *q = sql(c, "SELECT f.finding, f.answer, a.at_us FROM answer_finding f JOIN answer a ON a.id = f.answer"
			       " WHERE f.claim = 1 AND (f.finding, f.answer) > (?1, ?2)"
			       " ORDER BY f.finding, f.answer LIMIT ?3");
	sql_blob(q, 1, str_mem(k->n->claims.finding, k->n->claims.answer ? 16 : 0));
	sql_int(q, 2, k->n->claims.answer);
	sql_int(q, 3, CLAIMS_A_LOOK);
	while (k->count < CLAIMS_A_LOOK && sql_row(q)) {
		str raw = sql_col_blob(q, 0);
		memcpy(k->list[k->count].finding, raw.p, raw.n < 16 ? raw.n : 16);
		k->list[k->count].answer = sql_col_int(q, 1);
		k->list[k->count++].at_us = sql_col_int(q, 2);
	}
	return sql_end(q, err);
}

static str finding_hex(const char raw[16], struct arena *a)
{
	struct buf hex = BUF_INIT(40);
	hex_format(&hex, raw, 16);
	str text = arena_str(a, buf_str(&hex));
	buf_free(&hex);
	return text;
}

static enum rc judge_all(struct look *k, struct reader *r, struct arena *a, struct err *err)
{
	struct viewer v = viewer_node(k->n->w.roles, "answers");
	enum rc rc = policies_apply(k->n->w.policies, &v, err);
	for (size_t i = 0; rc == RC_OK && i < k->count; i++) {
		struct finding f;
		rc = read_finding(r, &v, finding_hex(k->list[i].finding, a), a, &f, err);
		/* Forgotten: nothing will ever tell. */
		k->list[i].claim = rc == RC_OK ? judge(&f, k->list[i].at_us) : CLAIM_NONE;
		k->told += rc == RC_ABSENT || k->list[i].claim != CLAIM_WAITS;
		rc = rc == RC_ABSENT ? RC_OK : rc;
	}
	return rc;
}

static enum rc note(struct tx *tx, void *ctx, struct err *err)
{
	const struct look *k = ctx;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < k->count; i++) {
		if (k->list[i].claim == CLAIM_WAITS)
			continue;
		struct sql *q = sql(tx_conn(tx), "UPDATE answer_finding SET claim = ?, claim_us = ? WHERE finding = ?"
						 " AND answer = ?");
		sql_int(q, 1, k->list[i].claim);
		sql_int(q, 2, tx_now_us(tx));
		sql_blob(q, 3, str_mem(k->list[i].finding, 16));
		sql_int(q, 4, k->list[i].answer);
		rc = sql_run(q, err);
	}
	return rc;
}

/* Claims that wait, some at a time; all of them every so often. */
static enum rc tend_claims(struct store *s, struct notify *n, bool *did_out, struct err *err)
{
	struct look k = { .n = n };
	struct reader *r = NULL;
	*did_out = false;
	if (clock_mono_us() < n->claims.next_us)
		return RC_OK;
	struct arena *a = arena_new(KIB(16));
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK)
		rc = load(&k, reader_conn(r), err);
	if (rc == RC_OK && k.count > 0)
		rc = judge_all(&k, r, a, err);
	if (r)
		store_read_end(r);
	if (rc == RC_OK && k.told > 0)
		rc = store_write(s, note, &k, err);
	bool more = k.count == CLAIMS_A_LOOK;
	n->claims.answer = more ? k.list[k.count - 1].answer : 0;
	if (more)
		memcpy(n->claims.finding, k.list[k.count - 1].finding, 16);
	else
		n->claims.next_us = clock_mono_us() + LOOK_EVERY;
	*did_out = rc == RC_OK && more;
	arena_free(a);
	return rc;
}

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	bool did = false;
	enum rc rc = answers_follow(s, &did, err);
	if (rc == RC_OK)
		rc = tend_claims(s, ctx, did_out, err);
	*did_out |= did;
	return rc;
}

void answers_open(struct notify *n)
{
	store_add_tend(n->w.store, tend, n);
}
