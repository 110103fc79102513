/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/answers.h"

#include "notify/teller_private.h"
#include "notify/test_senders.h"
#include "record/clocks.h"
#include "record/erase.h"
#include "store/events.h"

extern const struct eraser eraser_answer;

/* --- findings: a feed that lists all there is --- */

enum { FEED = 1, FIRST_S = 1700000000 };

struct delivery {
	struct event_chunk *chunk;
	int64_t report;
};

static enum rc commit(struct tx *tx, void *ctx, struct err *e)
{
	struct delivery *d = ctx;
	uint64_t first;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO report (id, feed, state, received_us, digest, bytes, format, file_name,"
					 " type, parser_version, next_offset, next_input, inputs, accepted, events, repeats,"
					 " quarantined, dropped, blank, parse_us, words, exercise) VALUES (?1, ?2, 2, ?3,"
					 " x'00', 0, '', '', '', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 0)");
	sql_int(q, 1, d->report);
	sql_int(q, 2, FEED);
	sql_int(q, 3, tx_now_us(tx));
	enum rc rc = sql_run(q, e);
	return rc == RC_OK && d->chunk ? event_chunk_commit(tx, d->chunk, &first, e) : rc;
}

/* Report `n`: what answers on port 23 at these last bytes of 198.18.0.0/24 (0: nothing), `at` seconds on. */
static void deliver(struct senders *s, int64_t n, const unsigned *hosts, size_t count, int64_t at)
{
	struct batch *b = batch_new();
	struct delivery d = { .report = n };
	struct report r = { .id = n, .feed = FEED, .received_us = clock_now_us() };
	uint64_t did = 1;
	for (size_t i = 0; i < count; i++) {
		struct ip ip;
		CHECK(ip_parse(arena_fmt(s->w.a, "198.18.0.%u", hosts[i]), &ip));
		batch_row_begin(b, i + 1, 0, 0, 1);
		batch_set_ip(b, FIELD_SOURCE_IP, &ip);
		batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("vulnerable-system"));
		batch_set_int(b, FIELD_SOURCE_PORT, STR_NONE, 23);
		batch_set_time(b, FIELD_TIME_SOURCE, (FIRST_S + at) * SECOND_US);
		batch_set_int(b, FIELD_TLP, STR_NONE, TLP_GREEN);
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	}
	if (count)
		CHECK_RC(event_chunk_new(b, &r, NULL, &d.chunk, &err), RC_OK, err);
	CHECK_RC(store_write(s->w.s, commit, &d, &err), RC_OK, err);
	event_chunk_free(d.chunk);
	batch_free(b);
	while (did)
		CHECK_RC(findings_fold(s->w.s, NULL, 100000, &did, &err), RC_OK, err);
	CHECK_RC(findings_run_complete(s->w.s, FEED, n, &err), RC_OK, err);
}

struct collecting {
	struct senders *s;
	struct finding list[8];
	size_t count;
};

static bool collect(void *ctx, const struct finding *f)
{
	struct collecting *c = ctx;
	c->list[c->count] = *f;
	c->list[c->count].key = arena_str(c->s->w.a, f->key);
	return ++c->count < COUNT_OF(c->list);
}

/* By its last byte. */
static struct finding finding_of(struct senders *s, unsigned host)
{
	static const enum finding_state states[] = { FINDING_OPEN, FINDING_GONE, FINDING_RETURNED };
	struct collecting c = { .s = s };
	struct finding out = { .state = 0 };
	struct reader *r = begin(&s->w);
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		const struct finding_query q = { .state = states[i], .tlp_mask = 31 };
		CHECK_RC(findings_list(r, &q, collect, &c, &err), RC_OK, err);
	}
	str want = arena_fmt(s->w.a, "ip 198.18.0.%u ", host);
	for (size_t i = 0; i < c.count; i++)
		if (str_starts(c.list[i].key, want))
			CHECK_RC(findings_get(r, c.list[i].id, s->w.a, &out, &err), RC_OK, err);
	store_read_end(r);
	CHECK_MSG(out.state != 0, "no finding of host %u", host);
	return out;
}

static str id_of(struct senders *s, unsigned host)
{
	struct finding f = finding_of(s, host);
	return arena_fmt(s->w.a, "finding--%016llx%016llx", (unsigned long long)f.id.hi, (unsigned long long)f.id.lo);
}

/* --- a message that was sent --- */

struct telling {
	struct senders *s;
	str recipient, item;
	struct cover covers[4];
	size_t count;
	enum outcome outcome;
	bool waits;
	int64_t id;
};

static enum rc tell(struct tx *tx, void *ctx, struct err *e)
{
	struct telling *k = ctx;
	const struct message m = { .lane = LANE_BULK, .driver = STR("print"), .recipient = k->recipient, .item = k->item,
				   .template = STR("round.notify"), .details = STR("{}"), .purpose = 1, .policy = 1,
				   .maker = STR("test"), .made_at = ++k->s->made };
	const struct outcome_of o = { .outcome = k->outcome, .policy = 1, .rule = "test", .words = STR("so") };
	enum rc rc = outbox_put(tx, &m, k->covers, k->count, &k->id, e);
	if (rc == RC_OK && !k->waits)
		rc = outbox_take_one(tx, k->id, e);
	return rc == RC_OK && !k->waits ? outbox_end_tx(tx, k->id, &o, e) : rc;
}

static int64_t told(struct senders *s, str recipient, str item, size_t hosts)
{
	struct telling k = { .s = s, .recipient = recipient, .item = item, .outcome = OUTCOME_SENT };
	for (unsigned i = 0; i < hosts; i++)
		k.covers[k.count++] = (struct cover){ id_of(s, i + 1), 1 };
	CHECK_RC(store_write(s->w.s, tell, &k, &err), RC_OK, err);
	return k.id;
}

struct answering {
	struct notify *n;
	const struct answer_new *q;
	int64_t id;
};

static enum rc answer_job(struct tx *tx, void *ctx, struct err *e)
{
	struct answering *k = ctx;
	return answer_put(tx, k->n, k->q, &k->id, e);
}

static enum rc answer(struct senders *s, const struct answer_new *q, int64_t *id_out)
{
	struct answering k = { .n = s->n, .q = q };
	enum rc rc = store_write(s->w.s, answer_job, &k, &err);
	if (id_out)
		*id_out = k.id;
	return rc;
}

static size_t answers_at(struct senders *s, unsigned host, struct answer_row **out)
{
	size_t count = 0;
	struct finding f = finding_of(s, host);
	struct reader *r = begin(&s->w);
	CHECK_RC(answers_of_finding(reader_conn(r), f.id, 100, s->w.a, out, &count, &err), RC_OK, err);
	store_read_end(r);
	return count;
}

static size_t ledger_answers(struct senders *s, str recipient)
{
	struct ledger_row *list = NULL;
	size_t count = 0, n = 0;
	struct reader *r = begin(&s->w);
	const struct ledger_query q = { .recipient = recipient, .limit = 100 };
	CHECK_RC(ledger_list(reader_conn(r), &q, s->w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	for (size_t i = 0; i < count; i++)
		n += list[i].kind == LEDGER_ANSWER;
	return n;
}

static size_t notices(struct senders *s)
{
	struct message *list = NULL;
	size_t count = 0;
	struct reader *r = begin(&s->w);
	CHECK_RC(outbox_waiting(reader_conn(r), "notice", STR("role:duty"), 0, 100, s->w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	return count;
}

static const unsigned three[] = { 1, 2, 3 };

TEST(an_answer_is_kept_once_with_all_that_follows)
{
	struct senders s = { .made = 0 };
	struct answer_row *list = NULL;
	int64_t one = 0, again = 0;
	begin_senders(&s, NULL);
	deliver(&s, 1, three, 3, 0);
	str who = organisation(&s, "/ok", GREEN), desk = arena_fmt(s.w.a, STR_FMT "/abuse", STR_ARG(who));
	int64_t message = told(&s, desk, STR(""), 2);
	const struct answer_new all = { .message = message, .kind = ANSWER_WORKING, .words = STR("canary-words"),
					.by = STR("canary-name"), .channel = STR("link"), .key = STR("k1") };
	CHECK_RC(answer(&s, &all, &one), RC_OK, err);
	CHECK_RC(answer(&s, &all, &again), RC_OK, err);
	CHECK(one > 0);
	CHECK_INT(again, one);
	CHECK_INT(ledger_answers(&s, desk), 1);
	CHECK_STR(last_row(&s, desk).words, STR("working: canary-words"));
	for (unsigned host = 1; host <= 3; host++) {
		struct finding f = finding_of(&s, host);
		CHECK_MSG((f.answered_us > 0) == (host < 3), "host %u", host);
		CHECK_INT(answers_at(&s, host, &list), host < 3);
		CHECK(!holds(f.mark_reason, "canary"));
	}
	CHECK_INT(notices(&s), 0);
	/* some of them, and something for us to look at */
	const struct answer_new some = { .message = message, .kind = ANSWER_NOT_OURS, .findings = id_of(&s, 2),
					 .channel = STR("mail"), .key = STR("k2"), .file = STR("GIF89a"), .file_name = STR("a.gif") };
	CHECK_RC(answer(&s, &some, &one), RC_OK, err);
	CHECK_INT(answers_at(&s, 1, &list), 1);
	CHECK_INT(answers_at(&s, 2, &list), 2);
	CHECK(list[0].kind == ANSWER_NOT_OURS && list[0].has_file && list[0].seen_us == 0 && list[0].findings == 1);
	CHECK_INT(notices(&s), 1);
	/* who reads them */
	size_t count = 0, ids = 0;
	str *findings = NULL;
	struct reader *r = begin(&s.w);
	const struct answer_query waiting = { .waiting = true, .limit = 10 }, theirs = { .organisation = who, .limit = 10 },
				  both = { .organisation = who, .waiting = true, .limit = 10 }, every = { .limit = 10 },
				  before = { .limit = 10, .before = one }, nobody = { .organisation = STR("organisation--x"), .limit = 10 };
	const struct { const struct answer_query *q; size_t count; } queries[] = {
		{ &waiting, 1 }, { &theirs, 2 }, { &both, 1 }, { &every, 2 }, { &before, 1 }, { &nobody, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(queries); i++) {
		CHECK_RC(answers_list(reader_conn(r), queries[i].q, s.w.a, &list, &count, &err), RC_OK, err);
		CHECK_MSG(count == queries[i].count, "query %zu: %zu", i, count);
	}
	CHECK_RC(answers_of_message(reader_conn(r), message, 10, s.w.a, &list, &count, &err), RC_OK, err);
	CHECK_INT(count, 2);
	CHECK_RC(answer_findings(reader_conn(r), one, 10, s.w.a, &findings, &ids, &err), RC_OK, err);
	CHECK_INT(ids, 1);
	CHECK_STR(findings[0], str_from(some.findings, 9));
	store_read_end(r);
	end_senders(&s);
}

TEST(what_is_no_answer)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	deliver(&s, 1, three, 3, 0);
	str who = organisation(&s, "/ok", GREEN);
	int64_t good = told(&s, who, STR(""), 2);
	struct telling waits = { .s = &s, .recipient = who, .item = STR(""), .waits = true },
		       failed = { .s = &s, .recipient = who, .item = STR(""), .outcome = OUTCOME_FAILED },
		       uncertain = { .s = &s, .recipient = who, .item = STR(""), .outcome = OUTCOME_UNCERTAIN };
	CHECK_RC(store_write(s.w.s, tell, &waits, &err), RC_OK, err);
	CHECK_RC(store_write(s.w.s, tell, &failed, &err), RC_OK, err);
	CHECK_RC(store_write(s.w.s, tell, &uncertain, &err), RC_OK, err);
	char *big = arena_alloc(s.w.a, ANSWER_FILE_MAX + 1);
	memset(big, 'x', ANSWER_FILE_MAX + 1);
	str link = STR("link"), k = STR("k");
	const struct { const char *what; struct answer_new q; enum rc rc; } rows[] = {
		{ "no such message", { .message = 999, .kind = ANSWER_FIXED, .channel = link, .key = k }, RC_ABSENT },
		{ "one that waits", { .message = waits.id, .kind = ANSWER_FIXED, .channel = link, .key = k }, RC_CONFLICT },
		{ "one that failed", { .message = failed.id, .kind = ANSWER_FIXED, .channel = link, .key = k }, RC_CONFLICT },
		{ "one of which nobody knows", { .message = uncertain.id, .kind = ANSWER_FIXED, .channel = link, .key = k }, RC_OK },
		{ "no kind", { .message = good, .kind = 0, .channel = link, .key = k }, RC_INPUT },
		{ "a kind there is not", { .message = good, .kind = 9, .channel = link, .key = k }, RC_INPUT },
		{ "a way there is not", { .message = good, .kind = ANSWER_FIXED, .channel = STR("pigeon"), .key = k }, RC_INPUT },
		{ "without a key", { .message = good, .kind = ANSWER_FIXED, .channel = link }, RC_INPUT },
		{ "a question of no words", { .message = good, .kind = ANSWER_QUESTION, .channel = link, .key = k }, RC_INPUT },
		{ "control characters", { .message = good, .kind = ANSWER_FIXED, .channel = link, .key = k, .words = STR("a\033b") }, RC_INPUT },
		{ "a name of two lines", { .message = good, .kind = ANSWER_FIXED, .channel = link, .key = k, .by = STR("a\nb") }, RC_INPUT },
		{ "too many words", { .message = good, .kind = ANSWER_FIXED, .channel = link, .key = k, .words = str_mem(big, ANSWER_WORDS_MAX + 1) }, RC_INPUT },
		{ "too large a file", { .message = good, .kind = ANSWER_FIXED, .channel = link, .key = k, .file = str_mem(big, ANSWER_FILE_MAX + 1) }, RC_LIMIT },
		{ "of the future", { .message = good, .kind = ANSWER_FIXED, .channel = link, .key = k, .at_us = clock_now_us() + DAY_US }, RC_INPUT },
		{ "another's finding", { .message = good, .kind = ANSWER_FIXED, .channel = link, .key = k, .findings = id_of(&s, 3) }, RC_INPUT },
		{ "no finding", { .message = good, .kind = ANSWER_FIXED, .channel = link, .key = k, .findings = STR("zz") }, RC_INPUT },
		{ "one of its own, twice", { .message = good, .kind = ANSWER_FIXED, .channel = link, .key = k,
		  .findings = arena_fmt(s.w.a, STR_FMT " " STR_FMT, STR_ARG(id_of(&s, 1)), STR_ARG(id_of(&s, 1))) }, RC_OK },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum rc rc = answer(&s, &rows[i].q, NULL);
		CHECK_MSG(rc == rows[i].rc, "%s: %s (%s)", rows[i].what, rc_name(rc), rc ? err.text : "");
	}
	for (int i = 0; i <= ANSWERS_A_MESSAGE; i++) {
		const struct answer_new q = { .message = good, .kind = ANSWER_WORKING, .channel = link,
					      .key = arena_fmt(s.w.a, "often %d", i) };
		CHECK_RC(answer(&s, &q, NULL), i < ANSWERS_A_MESSAGE - 1 ? RC_OK : RC_LIMIT, err);
	}
	enum answer_kind kind;
	CHECK(answer_kind_parse(STR("not-ours"), &kind) && kind == ANSWER_NOT_OURS && !answer_kind_parse(STR(""), &kind));
	CHECK(answer_kind_name(0)[0] == '\0' && answer_kind_name(99)[0] == '\0');
	end_senders(&s);
}

/* --- a claim --- */

static void tend_now(struct senders *s)
{
	bool did = true;
	s->n->claims.next_us = 0;
	for (int i = 0; did && i < 100; i++)
		CHECK_RC(store_tend(s->w.s, &did, &err), RC_OK, err);
}

static void check_claim(struct senders *s, unsigned host, enum claim noted, enum claim now)
{
	struct answer_row *list = NULL;
	struct finding f = finding_of(s, host);
	size_t count = answers_at(s, host, &list);
	CHECK_INT(answer_outcome(&f, list, count), now);
	CHECK_INT(count ? list[0].claim : CLAIM_NONE, noted);
	CHECK((count && list[0].claim_us > 0) == (noted > CLAIM_WAITS));
}

TEST(fixed_is_held_against_what_is_seen)
{
	struct senders s = { .made = 0 };
	const unsigned one[] = { 1 }, two[] = { 1, 2 };
	begin_senders(&s, NULL);
	answers_open(s.n);
	deliver(&s, 1, two, 2, 0);
	str who = organisation(&s, "/ok", GREEN);
	int64_t message = told(&s, who, STR(""), 2);
	const struct answer_new fixed = { .message = message, .kind = ANSWER_FIXED, .channel = STR("link"), .key = STR("k"),
					  .at_us = (FIRST_S + 100) * SECOND_US };
	CHECK_RC(answer(&s, &fixed, NULL), RC_OK, err);
	tend_now(&s);
	check_claim(&s, 1, CLAIM_WAITS, CLAIM_WAITS);
	/* the next run: one is there again, the other is not */
	deliver(&s, 2, one, 1, 200);
	tend_now(&s);
	check_claim(&s, 1, CLAIM_CAME_BACK, CLAIM_CAME_BACK);
	check_claim(&s, 2, CLAIM_CONFIRMED, CLAIM_CONFIRMED);
	/* gone at last; the other is back: what was noted first stays */
	const unsigned other[] = { 2 };
	deliver(&s, 3, other, 1, 300);
	tend_now(&s);
	check_claim(&s, 1, CLAIM_CAME_BACK, CLAIM_CONFIRMED);
	check_claim(&s, 2, CLAIM_CONFIRMED, CLAIM_CAME_BACK);
	CHECK_STR(str_of(claim_name(CLAIM_CAME_BACK)), STR("came-back"));
	end_senders(&s);
}

/* --- a large one --- */

enum { LARGE = 1100, A_JOB_MOST = 300 };

static str made_id(struct arena *a, int n)
{
	return arena_fmt(a, "finding--%016x%016x", 0xf0u, (unsigned)n);
}

static enum rc tell_large(struct tx *tx, void *ctx, struct err *e)
{
	struct telling *k = ctx;
	struct cover *covers = ARENA_ARRAY(k->s->w.a, LARGE, struct cover);
	const struct message m = { .lane = LANE_BULK, .driver = STR("print"), .recipient = k->recipient, .item = k->item,
				   .template = STR("round.notify"), .details = STR("{}"), .purpose = 1, .policy = 1,
				   .maker = STR("test"), .made_at = ++k->s->made };
	const struct outcome_of o = { .outcome = OUTCOME_SENT, .policy = 1, .rule = "test", .words = STR("so") };
	for (unsigned i = 0; i < LARGE; i++) /* two are there, the others were forgotten */
		covers[i] = (struct cover){ i < 2 ? k->covers[i].item : made_id(k->s->w.a, (int)i), 1 };
	enum rc rc = outbox_put(tx, &m, covers, LARGE, &k->id, e);
	if (rc == RC_OK)
		rc = outbox_take_one(tx, k->id, e);
	return rc == RC_OK ? outbox_end_tx(tx, k->id, &o, e) : rc;
}

static int64_t count_of(struct senders *s, const char *what)
{
	struct reader *r = begin(&s->w);
	struct sql *q = sql(reader_conn(r), what);
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

static str mark_of(struct senders *s, unsigned host)
{
	char raw[16];
	struct reader *r = begin(&s->w);
	struct sql *q = sql(reader_conn(r), "SELECT by FROM finding_mark WHERE id = ?");
	sql_blob(q, 1, tell_finding_raw(finding_of(s, host).id, raw));
	str by = sql_row(q) ? arena_str(s->w.a, sql_col_str(q, 0)) : STR("");
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return by;
}

/* A job that was cut off before its end left nothing. */
static enum rc cut_off(struct tx *tx, void *ctx, struct err *e)
{
	const struct answer_about w = { .answer = *(int64_t *)ctx, .message = 1, .kind = ANSWER_QUESTION, .channel = STR("link") };
	struct arena *a = arena_new(KIB(4));
	enum rc rc = answer_note_covers(tx, &w, STR(""), a, e);
	arena_free(a);
	return rc == RC_OK ? fail(e, RC_IO, "cut off") : rc;
}

TEST(a_large_answer_is_followed_some_at_a_time)
{
	struct senders s = { .made = 0 };
	const unsigned two[] = { 1, 2 };
	bool did = true;
	begin_senders(&s, NULL);
	deliver(&s, 1, two, 2, 0);
	struct telling k = { .s = &s, .recipient = organisation(&s, "/ok", GREEN), .item = STR("") };
	k.covers[0].item = id_of(&s, 1);
	k.covers[1].item = id_of(&s, 2);
	CHECK_RC(store_write(s.w.s, tell_large, &k, &err), RC_OK, err);
	int64_t first = 0, again = 0, second = 0, had = 0;
	const struct answer_new asks = { .message = k.id, .kind = ANSWER_QUESTION, .words = STR("all?"), .channel = STR("link"),
					 .key = STR("k1") };
	CHECK_RC(answer(&s, &asks, &first), RC_OK, err);
	CHECK_INT(count_of(&s, "SELECT findings FROM answer"), LARGE);
	CHECK_INT(count_of(&s, "SELECT count FROM journal WHERE act = 'answer'"), LARGE);
	had = count_of(&s, "SELECT count(*) FROM answer_finding");
	CHECK_MSG(had > 0 && had <= A_JOB_MOST, "%lld at once", (long long)had);
	/* what was said since about one of them stands, whatever the first answer's turn */
	const struct answer_new fixed = { .message = k.id, .kind = ANSWER_FIXED, .channel = STR("link"), .key = STR("k2"),
					  .findings = id_of(&s, 2) };
	CHECK_RC(answer(&s, &fixed, &second), RC_OK, err);
	for (int i = 0; did && i < 100; i++) {
		CHECK_RC(store_write(s.w.s, cut_off, &first, &err), RC_IO, err);
		CHECK_RC(answers_follow(s.w.s, &did, &err), RC_OK, err);
		CHECK_RC(answer(&s, &asks, &again), RC_OK, err); /* sent twice: nothing begins anew */
		int64_t has = count_of(&s, "SELECT count(*) FROM answer_finding");
		CHECK_MSG(has - had <= A_JOB_MOST, "%lld in a job", (long long)(has - had));
		had = has;
	}
	CHECK_INT(again, first);
	CHECK_INT(had, LARGE + 1);
	CHECK_INT(count_of(&s, "SELECT count(*) FROM answer_finding WHERE answer = 1"), LARGE);
	CHECK_INT(count_of(&s, "SELECT count(*) FROM answer_follow"), 0);
	CHECK_STR(mark_of(&s, 1), STR("answer:1"));
	CHECK_STR(mark_of(&s, 2), STR("answer:2"));
	end_senders(&s);
}

/* --- about other things --- */

static size_t rounds_answered(struct senders *s, str id)
{
	struct round_progress p = { .members = 0 };
	struct viewer v = staff(LEAD | ANALYST | LIAISON | DUTY, 1);
	struct reader *r = begin(&s->w);
	CHECK_RC(round_read_progress(s->n, r, types_of(&s->w), &v, id, s->w.a, &p, &err), RC_OK, err);
	store_read_end(r);
	return p.answered;
}

TEST(an_answer_to_a_round_confirms_the_contact)
{
	struct senders s = { .made = 0 };
	struct viewer lead = staff(LEAD | ANALYST | LIAISON | DUTY, 1);
	char due[40];
	size_t count = 0;
	bool did = true;
	begin_senders(&s, NULL);
	rounds_open(s.n);
	str who = organisation(&s, "/ok", GREEN);
	str id = make_record(&s, "round", "{}",
			     arena_fmt(s.w.a, "{\"title\":\"Autumn\",\"kind\":\"contact\",\"answer_by\":\"" STR_FMT
					      "\",\"organisations\":[\"" STR_FMT "\"]}",
				       STR_ARG(time_str(due, clock_now_us() + HOUR_US)), STR_ARG(who)));
	CHECK_RC(round_start(s.n, &lead, id, s.w.a, &count, &err), RC_OK, err);
	for (int i = 0; did && i < 100; i++)
		CHECK_RC(store_tend(s.w.s, &did, &err), RC_OK, err);
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	struct message *list = NULL;
	struct reader *r = begin(&s.w);
	const struct outbox_query q = { .item = id, .limit = 5 };
	CHECK_RC(outbox_list(reader_conn(r), &q, s.w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(count, 1);
	CHECK(count == 1 && comes_to(&s, list[0].id, MESSAGE_SENT));
	CHECK_INT(rounds_answered(&s, id), 0);
	const struct answer_new a = { .message = count ? list[0].id : 0, .kind = ANSWER_WORKING, .words = STR("still here"),
				      .channel = STR("link"), .key = STR("k") };
	CHECK_RC(answer(&s, &a, NULL), RC_OK, err);
	CHECK_INT(rounds_answered(&s, id), 1);
	CHECK_MSG(holds(shown(&s.w, &lead, who), "\"confirmed\""), "the contact is not confirmed");
	end_senders(&s);
}

struct ringing {
	struct senders *s;
	struct uuid id;
};

/* Its clocks, as the node follows them. */
static enum rc ring(struct tx *tx, void *ctx, struct err *e)
{
	struct ringing *k = ctx;
	struct record now;
	struct calendar *calendar = NULL;
	enum rc rc = calendar_new(STR("UTC"), STR("Mon-Fri 08:00-17:00"), STR_NONE, &calendar, e);
	if (rc == RC_OK)
		rc = record_load(tx_conn(tx), types_of(&k->s->w), k->id, k->s->w.a, &now, e);
	if (rc == RC_OK)
		rc = clocks_follow(tx, calendar, &now, e);
	calendar_free(calendar);
	return rc;
}

/* As after a call that reached somebody. */
TEST(a_clock_that_waits_for_word_is_noted)
{
	struct senders s = { .made = 0 };
	struct ringing k = { .s = &s };
	struct record_clock *list = NULL;
	char due[40];
	size_t count = 0;
	str type;
	begin_senders(&s, NULL);
	str who = organisation(&s, "/ok", GREEN);
	str what = make_record(&s, "task", "{}", arena_fmt(s.w.a, "{\"title\":\"ask them\",\"due_by\":\"" STR_FMT "\"}",
							   STR_ARG(time_str(due, clock_now_us() + HOUR_US))));
	CHECK(record_id_parse(what, &type, &k.id));
	CHECK_RC(store_write(s.w.s, ring, &k, &err), RC_OK, err);
	int64_t message = told(&s, who, what, 0);
	const struct answer_new a = { .message = message, .kind = ANSWER_WORKING, .channel = STR("mail"), .key = STR("k") };
	CHECK_RC(answer(&s, &a, NULL), RC_OK, err);
	struct reader *r = begin(&s.w);
	CHECK_RC(clocks_of(reader_conn(r), k.id, s.w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(count, 1);
	CHECK_STR(count ? list[0].noted_by : STR(""), STR("recipient"));
	end_senders(&s);
}

struct removing {
	str object;
};

static enum rc remove_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct erasing what = { .object = ((struct removing *)ctx)->object };
	bool more = true;
	enum rc rc = eraser_answer.remove(tx, &what, &more, e);
	CHECK(!more);
	return rc;
}

static size_t rows_with(struct senders *s, str word)
{
	struct reader *r = begin(&s->w);
	struct sql *q = sql(reader_conn(r), "SELECT (SELECT count(*) FROM answer WHERE words LIKE ?1 OR by LIKE ?1)"
					    " + (SELECT count(*) FROM ledger WHERE words LIKE ?1)"
					    " + (SELECT count(*) FROM outbox WHERE details LIKE ?1)"
					    " + (SELECT count(*) FROM record_file WHERE CAST(bytes AS TEXT) LIKE ?1)");
	sql_str(q, 1, word);
	size_t n = sql_row(q) ? (size_t)sql_col_int(q, 0) : 0;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

TEST(words_are_erased_and_the_answer_stays)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	str who = organisation(&s, "/ok", GREEN), what = incident(&s, "{}", who);
	int64_t message = told(&s, who, what, 0), one = 0, two = 0;
	const struct answer_new first = { .message = message, .kind = ANSWER_QUESTION, .words = STR("canary-one"), .by = STR("canary-one"),
					  .channel = STR("link"), .key = STR("k1"), .file = STR("canary-one"), .file_name = STR("canary-one") },
				second = { .message = message, .kind = ANSWER_WORKING, .words = STR("canary-two"), .channel = STR("link"), .key = STR("k2") };
	CHECK_RC(answer(&s, &first, &one), RC_OK, err);
	CHECK_RC(answer(&s, &second, &two), RC_OK, err);
	CHECK_INT(rows_with(&s, STR("%canary-one%")), 4);
	struct reader *r = begin(&s.w);
	CHECK_RC(eraser_answer.check(reader_conn(r), arena_fmt(s.w.a, "%lld", (long long)one), &err), RC_OK, err);
	CHECK_RC(eraser_answer.check(reader_conn(r), STR("99"), &err), RC_ABSENT, err);
	CHECK_RC(eraser_answer.check(reader_conn(r), STR("x"), &err), RC_ABSENT, err);
	store_read_end(r);
	struct removing q = { arena_fmt(s.w.a, "answer:%lld", (long long)one) }, other = { STR("report:1") };
	CHECK_RC(store_write(s.w.s, remove_job, &other, &err), RC_OK, err);
	CHECK_INT(rows_with(&s, STR("%canary-one%")), 4);
	CHECK_RC(store_write(s.w.s, remove_job, &q, &err), RC_OK, err);
	CHECK_RC(store_write(s.w.s, remove_job, &q, &err), RC_OK, err);
	CHECK_INT(rows_with(&s, STR("%canary-one%")), 0);
	CHECK_INT(rows_with(&s, STR("%canary-two%")), 2);
	CHECK_INT(ledger_answers(&s, who), 2);
	end_senders(&s);
}

static enum rc see_job(struct tx *tx, void *ctx, struct err *e)
{
	struct answering *k = ctx;
	return answer_seen(tx, k->n, k->id, STR("account:3"), e);
}

TEST(one_of_us_sees_to_it_once)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	str who = organisation(&s, "/ok", GREEN), what = incident(&s, "{}", who);
	int64_t message = told(&s, who, what, 0);
	const struct answer_new ask = { .message = message, .kind = ANSWER_QUESTION, .words = STR("what is it?"),
					.channel = STR("portal"), .key = STR("k") };
	struct answering k = { .n = s.n, .id = 0 };
	CHECK_RC(answer(&s, &ask, &k.id), RC_OK, err);
	CHECK_INT(notices(&s), 1);
	CHECK_RC(store_write(s.w.s, see_job, &k, &err), RC_OK, err);
	CHECK_RC(store_write(s.w.s, see_job, &k, &err), RC_CONFLICT, err);
	end_senders(&s);
}

TEST_MAIN(TEST_RUN(an_answer_is_kept_once_with_all_that_follows), TEST_RUN(what_is_no_answer),
	  TEST_RUN(fixed_is_held_against_what_is_seen),
	  TEST_RUN(a_large_answer_is_followed_some_at_a_time), TEST_RUN(an_answer_to_a_round_confirms_the_contact),
	  TEST_RUN(a_clock_that_waits_for_word_is_noted),
	  TEST_RUN(words_are_erased_and_the_answer_stays), TEST_RUN(one_of_us_sees_to_it_once))
