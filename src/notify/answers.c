/* SPDX-License-Identifier: Apache-2.0 */
/* An answer arrives: one job keeps it and does what follows from it. */
#include "notify/answers.h"

#include "disclosure/media.h"
#include "notify/round_private.h"
#include "notify/teller_private.h"
#include "record/clocks.h"

enum { KEY_MAX = 200, FILE_NAME_MAX = 120, NOTICE_WORDS = 400, LEDGER_WORDS = 2200, NAMED_MAX = 1000 };
#define FINDING_HEAD "finding--"

static const char *const kind_names[] = {
	[ANSWER_WORKING] = "working", [ANSWER_FIXED] = "fixed",	      [ANSWER_NOT_OURS] = "not-ours",
	[ANSWER_FALSE] = "false",     [ANSWER_QUESTION] = "question",
};

const char *answer_kind_name(enum answer_kind k)
{
	return (unsigned)k < COUNT_OF(kind_names) && kind_names[k] ? kind_names[k] : "";
}

bool answer_kind_parse(str text, enum answer_kind *out)
{
	for (size_t i = ANSWER_WORKING; i < COUNT_OF(kind_names); i++)
		if (str_eq(text, str_of(kind_names[i]))) {
			*out = (enum answer_kind)i;
			return true;
		}
	return false;
}

const char *claim_name(enum claim c)
{
	static const char *const names[] = { "", "waits", "came-back", "confirmed" };
	return (unsigned)c < COUNT_OF(names) ? names[c] : "";
}

struct putting {
	struct tx *tx;
	struct notify *n;
	const struct answer_new *q;
	struct message m;
	int64_t id;
	bool all;                  /* that it covers: their count alone, and its own finding in the list */
	struct hash128 *findings;
	size_t listed, finding_count;
	struct arena *a;
	struct err *err;
};

static str given(str s)
{
	return s.p ? s : STR("");
}

/* --- is it one? --- */

static bool is_prose(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\n' && s.p[i] != '\t')
			return false;
	return str_is_utf8(s);
}

static bool is_line(str s, size_t most)
{
	return s.n <= most && (s.n == 0 || str_is_plain(s));
}

static bool is_channel(str s)
{
	static const char *const channels[] = { "link", "portal", "mail", "person" };
	for (size_t i = 0; i < COUNT_OF(channels); i++)
		if (str_eq(s, str_of(channels[i])))
			return true;
	return false;
}

static enum rc check(const struct answer_new *q, struct err *err)
{
	if (answer_kind_name(q->kind)[0] == '\0' || !is_channel(q->channel))
		return fail(err, RC_INPUT, "say what the answer is");
	if (given(q->words).n > ANSWER_WORDS_MAX || !is_prose(given(q->words)))
		return fail(err, RC_INPUT, "words are plain text of at most %d bytes", ANSWER_WORDS_MAX);
	if (!is_line(given(q->by), ANSWER_BY_MAX))
		return fail(err, RC_INPUT, "who answers is plain text of one line");
	if (q->kind == ANSWER_QUESTION && given(q->words).n == 0)
		return fail(err, RC_INPUT, "a question needs words");
	if (q->key.n == 0 || !is_line(q->key, KEY_MAX))
		return fail(err, RC_INPUT, "an answer needs a key of one line");
	if (q->file.n > ANSWER_FILE_MAX)
		return fail(err, RC_LIMIT, "the file is over %d KiB", ANSWER_FILE_MAX / 1024);
	if (q->at_us > clock_now_us() + HOUR_US)
		return fail(err, RC_INPUT, "an answer is not of the future");
	return RC_OK;
}

static enum rc check_message(struct putting *k)
{
	switch (k->m.state) {
	case MESSAGE_SENT:
	case MESSAGE_UNCERTAIN:
		return RC_OK;
	case MESSAGE_TAKEN:
	case MESSAGE_DRAINING:
		return fail(k->err, RC_BUSY, "message %lld is being sent at this moment: try again in a minute",
			    (long long)k->m.id);
	case MESSAGE_QUEUED:
	case MESSAGE_WITHDRAWN:
	case MESSAGE_REFUSED:
	case MESSAGE_FAILED:
	case MESSAGE_REHEARSED:
		break;
	}
	return fail(k->err, RC_CONFLICT, "message %lld is %s: nothing can answer it", (long long)k->m.id,
		    message_state_name(k->m.state));
}

/* *id_out 0: not here yet. */
static enum rc find_known(struct putting *k, int64_t *id_out)
{
	struct sql *q = sql(tx_conn(k->tx), "SELECT id FROM answer WHERE message = ? AND key = ?");
	sql_int(q, 1, k->m.id);
	sql_str(q, 2, k->q->key);
	*id_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, k->err);
}

static enum rc check_often(struct putting *k)
{
	struct sql *q = sql(tx_conn(k->tx), "SELECT count(*) FROM answer WHERE message = ?");
	sql_int(q, 1, k->m.id);
	int64_t count = sql_row(q) ? sql_col_int(q, 0) : 0;
	enum rc rc = sql_end(q, k->err);
	return rc != RC_OK || count < ANSWERS_A_MESSAGE ? rc :
		       fail(k->err, RC_LIMIT, "message %lld was answered often enough", (long long)k->m.id);
}

/* --- which findings --- */

static bool parse_finding(str id, struct arena *a, struct hash128 *out)
{
	return tell_finding_parse(str_starts(id, STR(FINDING_HEAD)) ? id : arena_fmt(a, FINDING_HEAD STR_FMT, STR_ARG(id)), out);
}

static bool listed(const struct putting *k, struct hash128 one)
{
	for (size_t i = 0; i < k->listed; i++)
		if (k->findings[i].hi == one.hi && k->findings[i].lo == one.lo)
			return true;
	return false;
}

static enum rc told_of(struct putting *k, struct hash128 one, bool *out)
{
	char id[48];
	str item = tell_finding_id(one, id);
	struct sql *q = sql(tx_conn(k->tx), "SELECT 1 FROM outbox_cover WHERE message = ? AND item = ?");
	sql_int(q, 1, k->m.id);
	sql_str(q, 2, item);
	*out = sql_row(q) || str_eq(item, given(k->m.item));
	return sql_end(q, k->err);
}

static size_t words_in_list(str s)
{
	size_t n = 0;
	while (s.n > 0)
		n += str_cut(&s, ' ').n > 0;
	return n;
}

static enum rc some_of(struct putting *k)
{
	str rest = k->q->findings;
	enum rc rc = RC_OK;
	if (words_in_list(rest) > NAMED_MAX)
		return fail(k->err, RC_LIMIT, "name at most %d findings, or none: then all are meant", NAMED_MAX);
	k->findings = ARENA_ARRAY(k->a, words_in_list(rest) + 1, struct hash128);
	while (rc == RC_OK && rest.n > 0) {
		struct hash128 one;
		bool told = false;
		str word = str_cut(&rest, ' ');
		if (word.n == 0)
			continue;
		if (parse_finding(word, k->a, &one))
			rc = told_of(k, one, &told);
		if (rc == RC_OK && !told)
			return fail(k->err, RC_INPUT, "'" STR_FMT "' is nothing that message %lld told of",
				    STR_ARG(str_head(word, 60)), (long long)k->m.id);
		if (rc == RC_OK && !listed(k, one))
			k->findings[k->listed++] = one;
	}
	k->finding_count = k->listed;
	return rc;
}

static enum rc all_of(struct putting *k)
{
	k->findings = ARENA_ARRAY(k->a, 1, struct hash128);
	k->all = true;
	struct sql *q = sql(tx_conn(k->tx), "SELECT count(*), coalesce(sum(item = ?2), 0) FROM outbox_cover WHERE message = ?1"
					    " AND item >= 'finding--' AND item < 'finding-.'");
	sql_int(q, 1, k->m.id);
	sql_str(q, 2, given(k->m.item));
	bool own = tell_finding_parse(given(k->m.item), &k->findings[0]);
	if (sql_row(q)) {
		k->listed = own && sql_col_int(q, 1) == 0;
		k->finding_count = (size_t)sql_col_int(q, 0) + k->listed;
	}
	return sql_end(q, k->err);
}

static enum rc take_findings(struct putting *k)
{
	return words_in_list(given(k->q->findings)) > 0 ? some_of(k) : all_of(k);
}

/* --- rows --- */

static bool asks_us(enum answer_kind kind)
{
	return kind == ANSWER_NOT_OURS || kind == ANSWER_FALSE || kind == ANSWER_QUESTION;
}

static str head_of(str s)
{
	return str_cut(&s, '/');
}

static enum rc put_file(struct putting *k, struct digest *out)
{
	return k->q->file.n == 0 ? RC_OK :
				   media_take(k->tx, k->n->w.records, k->q->file, out, k->err);
}

static enum rc put_row(struct putting *k)
{
	struct digest file;
	enum rc rc = put_file(k, &file);
	if (rc != RC_OK)
		return rc;
	str name = given(k->q->file_name);
	struct sql *q = sql(tx_conn(k->tx), "INSERT INTO answer (message, kind, at_us, channel, by, words, organisation,"
					    " recipient, item, findings, file, file_name, key, seen_us, seen_by)"
					    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')");
	sql_int(q, 1, k->m.id);
	sql_int(q, 2, k->q->kind);
	sql_int(q, 3, k->q->at_us > 0 ? k->q->at_us : tx_now_us(k->tx));
	sql_str(q, 4, k->q->channel);
	sql_str(q, 5, given(k->q->by));
	sql_str(q, 6, given(k->q->words));
	sql_str(q, 7, head_of(k->m.recipient));
	sql_str(q, 8, k->m.recipient);
	sql_str(q, 9, given(k->m.item));
	sql_int(q, 10, (int64_t)k->finding_count);
	if (k->q->file.n > 0)
		sql_blob(q, 11, str_mem(file.b, sizeof file.b));
	else
		sql_null(q, 11);
	sql_str(q, 12, is_line(name, FILE_NAME_MAX) ? name : STR("file"));
	sql_str(q, 13, k->q->key);
	if (asks_us(k->q->kind))
		sql_null(q, 14);
	else
		sql_int(q, 14, 0);
	rc = sql_run(q, k->err);
	k->id = sql_last_id(tx_conn(k->tx));
	return rc;
}

/* What was named, and the first of all that is covered; the background does the others. */
static enum rc put_findings(struct putting *k)
{
	const struct answer_about w = { .answer = k->id, .message = k->m.id, .kind = k->q->kind, .channel = k->q->channel };
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < k->listed; i++)
		rc = answer_note_finding(k->tx, &w, k->findings[i], k->a, k->err);
	return rc == RC_OK && k->all ? answer_note_covers(k->tx, &w, STR(""), k->a, k->err) : rc;
}

static enum rc put_ledger(struct putting *k)
{
	struct buf words = BUF_INIT(LEDGER_WORDS);
	str said = given(k->q->words);
	buf_fmt(&words, "%s%s" STR_FMT, answer_kind_name(k->q->kind), said.n ? ": " : "", STR_ARG(said));
	enum rc rc = ledger_receipt(k->tx, k->m.id, LEDGER_ANSWER, arena_fmt(k->a, "answer:%lld", (long long)k->id),
				    buf_str(&words), k->err);
	buf_free(&words);
	return rc;
}

static enum rc put_journal(struct putting *k)
{
	struct buf body = BUF_INIT(KIB(1));
	struct json_out j = json_out(&body);
	json_open(&j, '{');
	json_put_str(&j, "kind", str_of(answer_kind_name(k->q->kind)));
	json_put_str(&j, "channel", k->q->channel);
	json_put_i64(&j, "answer", k->id);
	json_close(&j, '}');
	struct journal_act act = { .act = "answer", .actor = STR("recipient"), .count = k->finding_count,
				   .object = arena_fmt(k->a, "outbox:%lld", (long long)k->m.id), .body = buf_str(&body) };
	enum rc rc = journal_add(k->tx, records_journal(k->n->w.records), &act, k->err);
	buf_free(&body);
	return rc;
}

/* --- what follows --- */

/* About findings: at the organisation that answered; else at what the message was about. */
static str notice_item(const struct putting *k)
{
	struct uuid id;
	str type, who = head_of(k->m.recipient);
	bool is_record = record_id_parse(k->m.item, &type, &id);
	return k->finding_count == 0 && is_record ? k->m.item :
	       record_id_parse(who, &type, &id) ? who : is_record ? k->m.item : STR("");
}

/* At most `n` bytes, and no half of a character at the end. */
static str whole_head(str s, size_t n)
{
	size_t end = s.n < n ? s.n : n;
	while (end > 0 && end < s.n && ((unsigned char)s.p[end] & 0xc0) == 0x80)
		end--;
	return str_head(s, end);
}

static str notice_details(const struct putting *k)
{
	static const char *const said[] = { [ANSWER_NOT_OURS] = "they say it is not theirs: look whom it concerns",
					    [ANSWER_FALSE] = "they say it is a false report",
					    [ANSWER_QUESTION] = "they ask" };
	struct buf b = BUF_INIT(OUTBOX_DETAILS_MAX);
	struct json_out j = json_out(&b);
	str words = given(k->q->words);
	json_open(&j, '{');
	json_put_str(&j, "words",
		     arena_fmt(k->a, "%s%s" STR_FMT " (answer %lld to message %lld)", said[k->q->kind],
			       words.n ? ": " : "", STR_ARG(whole_head(words, NOTICE_WORDS)), (long long)k->id,
			       (long long)k->m.id));
	json_put_i64(&j, "answer", k->id);
	json_close(&j, '}');
	str details = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return details;
}

/* Somebody of ours is to look at it; nothing is routed anew by itself. */
static enum rc put_notice(struct putting *k)
{
	struct message m = { .lane = LANE_INCIDENT, .driver = STR("notice"), .recipient = STR("role:duty"),
			     .item = notice_item(k), .template = STR("answer.arrived"), .purpose = PURPOSE_HANDLING,
			     .policy = policies_number(k->n->w.policies), .maker = STR("answers"),
			     .made_at = (uint64_t)k->id };
	if (!asks_us(k->q->kind) || m.item.n == 0)
		return RC_OK;
	m.details = notice_details(k);
	return outbox_put(k->tx, &m, NULL, 0, NULL, k->err);
}

static bool call_notes(const struct type *t, str rule)
{
	for (size_t i = 0; t && i < t->clock_count; i++)
		if (str_eq(rule, str_of(t->clocks[i].name)))
			return t->clocks[i].call_notes;
	return false;
}

/* They were heard: as a call that reached them, an answer stops the ladders of those clocks. */
static enum rc note_clocks(struct putting *k, const struct types *t)
{
	struct uuid id;
	str type;
	struct record_clock *list = NULL;
	size_t count = 0;
	if (!record_id_parse(k->m.item, &type, &id) || !types_find(t, type))
		return RC_OK;
	enum rc rc = clocks_of(tx_conn(k->tx), id, k->a, &list, &count, k->err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct clock_state *s = &list[i].state;
		if (call_notes(types_find(t, type), list[i].rule) && s->started_us != TIME_NONE &&
		    s->stopped_us == TIME_NONE && list[i].noted_by.n == 0)
			rc = clock_noted(k->tx, records_journal(k->n->w.records), id, list[i].rule, STR("recipient"),
					 arena_fmt(k->a, "answered: answer %lld", (long long)k->id), k->err);
	}
	return rc;
}

static enum rc follow(struct putting *k)
{
	struct snapshot *types = records_types_snapshot(k->n->w.records);
	struct snapshot_ref *held = snapshot_hold(types);
	enum rc rc = note_clocks(k, snapshot_table(held));
	snapshot_drop(types, held);
	if (rc == RC_OK)
		rc = round_answered(k->tx, k->n, &k->m, k->q->words, k->q->by, k->a, k->err);
	return rc == RC_OK ? put_notice(k) : rc;
}

static enum rc put(struct putting *k)
{
	int64_t known = 0;
	enum rc rc = outbox_load(tx_conn(k->tx), k->q->message, k->a, &k->m, k->err);
	if (rc == RC_OK)
		rc = find_known(k, &known);
	k->id = known;
	if (rc != RC_OK || known)
		return rc;
	rc = check_message(k);
	if (rc == RC_OK)
		rc = check_often(k);
	if (rc == RC_OK)
		rc = take_findings(k);
	if (rc == RC_OK)
		rc = put_row(k);
	if (rc == RC_OK)
		rc = put_ledger(k);
	if (rc == RC_OK)
		rc = put_findings(k);
	if (rc == RC_OK)
		rc = put_journal(k);
	return rc == RC_OK ? follow(k) : rc;
}

enum rc answer_put(struct tx *tx, struct notify *n, const struct answer_new *q, int64_t *id_out, struct err *err)
{
	struct putting k = { .tx = tx, .n = n, .q = q, .err = err };
	enum rc rc = check(q, err);
	if (rc != RC_OK)
		return rc;
	k.a = arena_new(KIB(16));
	rc = put(&k);
	arena_free(k.a);
	if (id_out)
		*id_out = k.id;
	return rc;
}

/* --- one of us has seen to it --- */

enum rc answer_seen(struct tx *tx, struct notify *n, int64_t id, str by, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE answer SET seen_us = ?, seen_by = ? WHERE id = ? AND seen_us IS NULL");
	sql_int(q, 1, tx_now_us(tx));
	sql_str(q, 2, by);
	sql_int(q, 3, id);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	if (sql_changes(tx_conn(tx)) == 0)
		return fail(err, RC_CONFLICT, "answer %lld needs nothing of us, or somebody has dealt with it", (long long)id);
	struct buf object = BUF_INIT(40);
	buf_fmt(&object, "answer:%lld", (long long)id);
	struct journal_act act = { .act = "answer.seen", .actor = by, .object = buf_str(&object) };
	rc = journal_add(tx, records_journal(n->w.records), &act, err);
	buf_free(&object);
	return rc;
}
