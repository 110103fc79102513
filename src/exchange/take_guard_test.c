/* SPDX-License-Identifier: Apache-2.0 */
/* Each guard that a partner meets who forges, loosens, repeats or floods: one row or two that only it refuses. */
#include "exchange/take_desk.h"

#include "stix/stix_read.h"

static bool has(const struct buf *b, const char *part)
{
	return str_find(buf_str(b), str_of(part)) < b->n;
}

static int64_t count(struct desk *k, const char *act)
{
	struct reader *r;
	CHECK_RC(store_read_begin(k->w.s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), "SELECT coalesce(sum(count), 0) FROM journal WHERE act = ?");
	sql_str(q, 1, str_of(act));
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

static bool is_own(struct desk *k, const char *text)
{
	buf_reset(&k->lines);
	CHECK_RC(TAKE(k, event(k, NODE_C, GREEN, text)), RC_OK, err);
	return k->taken.successes == 1;
}

/* --- whose --- */

/* A partner that is no node has no origin: what names none is not his. */
static void test_no_node(void)
{
	struct desk k = desk_new();
	k.from.node = (struct uuid){ { 0 } };
	k.from.kind = PARTNER_TAXII;
	str text = event(&k, NODE_C, GREEN, "{\"source.ip\":\"192.0.2.7\"}");
	static const char member[] = "\"origin\":\"" NODE_C "\",";
	size_t at = str_find(text, STR(member));
	CHECK(at < text.n);
	text = arena_fmt(k.a, STR_FMT STR_FMT, STR_ARG(str_head(text, at)), STR_ARG(str_from(text, at + sizeof member - 1)));
	CHECK_RC(take(&k, envelope(&k, &text, 1)), RC_OK, err);
	CHECK_INT(k.taken.failure_count, 1);
	CHECK_INT(k.lines.n, 0);
	/* what a server has of a node is kept as any other: neither his nor a claim */
	text = event(&k, NODE_C, GREEN, "{\"source.ip\":\"192.0.2.7\"}");
	CHECK_RC(take_fetched(k.x, &k.from, envelope(&k, &text, 1), STR("test"), k.a, &k.taken, &err), RC_OK, err);
	CHECK_INT(k.taken.successes, 1);
	CHECK(!has(&k.lines, "origin_node"));
	desk_end(&k);
}

static void test_answers_of_others(void)
{
	struct desk k = desk_new();
	str text = arena_fmt(k.a, "{\"about\":\"x\",\"item\":\"" EVENT "\",\"origin\":\"" STR_FMT "\",\"what\":\"fixed\",\"words\":\"\"}",
			     STR_ARG(store_node_id(k.w.s)));
	CHECK_RC(TAKE(&k, object(&k, "opinion--33333333-0000-4000-8000-000000000001", "2026-11-22T09:00:00.000Z", GREEN, NODE_D, EVENT,
				 "answer", text)), RC_OK, err);
	CHECK_REFUSED(&k, "belongs to another node");
	CHECK_INT(count(&k, "exchange.refused"), 1);
	CHECK_INT(count(&k, "exchange.take"), 0);
	desk_end(&k);
}

/* --- how it is marked --- */

static void test_marks_of_events(void)
{
	static const struct { const char *mark, *text, *want; enum tlp of; } rows[] = {
		{ "marking-definition--99999999-0000-4000-8000-000000000001", "{\"a.b\":\"1\"}", "RED", TLP_CLEAR },
		{ NULL, "{\"a.b\":\"2\"}", "RED", TLP_RED },
		{ NULL, "{\"a.b\":\"3\"}", "GREEN", TLP_GREEN },
		{ GREEN, "{\"tlp\":\"PUCE\"}", "RED", TLP_CLEAR },
		{ GREEN, "{\"tlp\":7}", "RED", TLP_CLEAR },
		{ GREEN, "{\"tlp\":\"CLEAR\"}", "GREEN", TLP_CLEAR },
		{ GREEN, "{\"tlp\":\"AMBER\",\"tlp\":\"CLEAR\"}", "AMBER", TLP_CLEAR },
		{ RED, "{\"tlp\":\"AMBER\"}", "RED", TLP_CLEAR },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct desk k = desk_new();
		k.from.tlp = rows[i].of;
		CHECK_RC(TAKE(&k, event(&k, NODE_C, rows[i].mark, rows[i].text)), RC_OK, err);
		char want[40];
		snprintf(want, sizeof want, "\"tlp\":\"%s\"", rows[i].want);
		CHECK_MSG(k.taken.failure_count == 1 || has(&k.lines, want), "%zu: " STR_FMT, i, STR_ARG(buf_str(&k.lines)));
		desk_end(&k);
	}
}

/* --- what only we say, and what breaks a line --- */

static void test_members(void)
{
	struct desk k = desk_new();
	CHECK(is_own(&k, "{\"extra\":\"x\",\"ronda\":\"x\",\"feed\":1,\"__type\":\"x\",\"extra.origin_again\":\"x\",\"rtir_id\":7,"
			 "\"event_description.text\":\"a\\nb\",\"source.port\":23}"));
	CHECK_STR(buf_str(&k.lines), STR("{\"event_description.text\":\"a\\nb\",\"source.port\":23,\"tlp\":\"GREEN\",\"extra.origin_event\":\"" EVENT
					 "\",\"extra.origin_node\":\"" NODE_C "\"}\n"));
	/* nothing nests in an event: a line is a line */
	CHECK(!is_own(&k, "{\"extra\":{\"origin_node\":\"" NODE_D "\"}}"));
	CHECK(!is_own(&k, "{\"extra.list\":[1,\n2]}"));
	CHECK_INT(k.lines.n, 0);
	desk_end(&k);
}

static void test_sizes(void)
{
	struct desk k = desk_new();
	struct buf b = BUF_INIT(MIB(2));
	buf_add(&b, STR("{\"origin\":\"" NODE_C "\",\"events\":[{\"id\":\"0\",\"time.source\":\"2026-11-22T09:00:00+00:00\""));
	for (int i = 0; i < 3; i++) {
		buf_fmt(&b, "%s\"extra.n%d\":\"", ",", i);
		for (size_t from = b.n; b.n < from + KIB(400);)
			buf_add(&b, STR("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
		buf_char(&b, '"');
	}
	buf_add(&b, STR("}]}"));
	CHECK_RC(take(&k, buf_str(&b)), RC_OK, err);
	CHECK_REFUSED(&k, "too long");
	/* an item that says no event */
	CHECK_RC(TAKE(&k, object(&k, "observed-data--22222222-0000-4000-8000-000000000001", "2026-11-22T09:00:00.000Z", GREEN, NODE_C,
				 WARNING, "event", STR("{\"source.ip\":\"192.0.2.7\"}"))), RC_OK, err);
	CHECK_REFUSED(&k, "does not say which event");
	/* more than an envelope holds */
	buf_reset(&b);
	buf_add(&b, STR("{\"objects\":[0"));
	for (size_t i = 0; i < STIX_ENVELOPE_MOST; i++)
		buf_add(&b, STR(",0"));
	buf_add(&b, STR("]}"));
	CHECK_RC(take(&k, buf_str(&b)), RC_LIMIT, err);
	buf_free(&b);
	desk_end(&k);
}

/* --- once --- */

/* Given again though it was never taken back here: it stands, and its content is still compared. */
static void test_given_again(void)
{
	struct desk k = desk_new();
	CHECK(is_own(&k, "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"source.ip\":\"192.0.2.7\"}"));
	CHECK(k.lines.n > 0);
	CHECK(is_own(&k, "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"source.ip\":\"192.0.2.7\",\"ronda.again\":\"2026-11-22T11:00:00Z\"}"));
	CHECK_INT(k.lines.n, 0);
	CHECK(!is_own(&k, "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"source.ip\":\"192.0.2.8\",\"ronda.again\":\"2026-11-22T11:00:00Z\"}"));
	desk_end(&k);
}

static enum rc undone_job(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "INSERT INTO report (id, feed, state, received_us, digest, bytes, format, file_name, type,"
			   " parser_version, next_offset, next_input, inputs, accepted, events, repeats, quarantined, dropped, blank,"
			   " parse_us, words, exercise) VALUES (1, 1, 4, 1, x'00', 0, '', '', '', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 0)"), e);
}

/* A report that was undone here, as one that came by mistake, is no reason not to take it when it comes again. */
static void test_undone_here(void)
{
	static const char *const dated = "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"source.ip\":\"192.0.2.7\"}";
	struct desk k = desk_new();
	CHECK(is_own(&k, dated));
	CHECK(is_own(&k, dated));
	CHECK_INT(k.lines.n, 0);
	CHECK_RC(store_write(k.w.s, undone_job, NULL, &err), RC_OK, err);
	CHECK(is_own(&k, dated));
	CHECK(k.lines.n > 0);
	desk_end(&k);
}

/* --- taken back --- */

static str gone(struct desk *k, const char *origin, const char *version, const char *item)
{
	return object(k, "observed-data--22222222-0000-4000-8000-000000000001", version, NULL, origin, item, NULL, STR(""));
}

static void test_taken_back(void)
{
	static const char *const dated = "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"source.ip\":\"192.0.2.7\"}";
	struct desk k = desk_new();
	const struct uuid c = k.from.node, id = k.from.id;
	CHECK(is_own(&k, dated));
	/* a refused withdrawal takes nothing back, nor does another's of what is called the same */
	CHECK_RC(TAKE(&k, gone(&k, NODE_D, "2026-11-22T10:00:00.000Z", EVENT)), RC_OK, err);
	CHECK_REFUSED(&k, "belongs to another node");
	CHECK_INT(k.back.n, 0);
	CHECK(uuid_parse(STR(NODE_D), &k.from.node));
	k.from.id.b[1] = 2;
	CHECK_RC(TAKE(&k, gone(&k, NODE_D, "2026-11-22T10:00:00.000Z", EVENT)), RC_OK, err);
	CHECK_INT(k.taken.successes, 1);
	CHECK_INT(k.back.n, 0);
	k.from.node = c;
	k.from.id = id;
	CHECK_RC(TAKE(&k, gone(&k, NODE_C, "2026-11-22T10:00:00.000Z", "finding--0123456789abcdef0123456789abcdef")), RC_OK, err);
	CHECK_INT(k.taken.failure_count, 1);
	/* an older withdrawal that comes late does not make what was given before the newer one new */
	CHECK_RC(TAKE(&k, gone(&k, NODE_C, "2026-11-22T10:00:00.000Z", EVENT)), RC_OK, err);
	CHECK_STR(buf_str(&k.back), STR("1 " EVENT "; "));
	CHECK_RC(TAKE(&k, gone(&k, NODE_C, "2026-11-22T09:00:00.000Z", EVENT)), RC_OK, err);
	CHECK(is_own(&k, "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"source.ip\":\"192.0.2.7\",\"ronda.again\":\"2026-11-22T09:30:00Z\"}"));
	CHECK_INT(k.lines.n, 0);
	desk_end(&k);
}

/* The same withdrawal once more: what was given since stands. */
static void test_withdrawal_replayed(void)
{
	struct desk k = desk_new();
	str before = warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "Wrong", GREEN), after = warning(&k, 5, NODE_C, "{\"tlp\":\"GREEN\"}", "Right", GREEN);
	str back = object(&k, REPORT_ID, "2026-11-22T09:00:03.000Z", NULL, NODE_C, WARNING, NULL, STR(""));
	str told = event(&k, NODE_C, GREEN, "{\"time.source\":\"2026-11-22T08:00:00+00:00\"}");
	str again = event(&k, NODE_C, GREEN, "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"ronda.again\":\"2026-11-22T11:00:00Z\"}");
	CHECK_RC(TAKE(&k, before, told), RC_OK, err);
	CHECK_RC(TAKE(&k, back, gone(&k, NODE_C, "2026-11-22T10:00:00.000Z", EVENT)), RC_OK, err);
	CHECK_STR(buf_str(&k.back), STR("1 " EVENT "; "));
	CHECK_RC(TAKE(&k, after, again), RC_OK, err);
	CHECK_HELD(&k, "Right", TLP_GREEN, 5);
	CHECK_INT(k.reports, 2);
	buf_reset(&k.back);
	CHECK_RC(TAKE(&k, back, gone(&k, NODE_C, "2026-11-22T10:00:00.000Z", EVENT)), RC_OK, err);
	CHECK(k.taken.successes == 2 && k.taken.old == 2);
	CHECK_HELD(&k, "Right", TLP_GREEN, 5);
	CHECK_INT(k.back.n, 0);
	/* a later one takes both */
	CHECK_RC(TAKE(&k, object(&k, REPORT_ID, "2026-11-22T12:00:00.000Z", NULL, NODE_C, WARNING, NULL, STR("")),
		      gone(&k, NODE_C, "2026-11-22T12:00:00.000Z", EVENT)), RC_OK, err);
	enum tlp tlp;
	uint64_t version;
	CHECK_STR(held(&k, &tlp, &version), STR("erased"));
	CHECK_STR(buf_str(&k.back), STR("1 " EVENT "; 2 " EVENT "; "));
	desk_end(&k);
}

/* --- records --- */

static void test_inside_and_outside(void)
{
	struct desk k = desk_new();
	CHECK_RC(TAKE(&k, object(&k, REPORT_ID, "2026-11-22T09:00:01.000Z", GREEN, NODE_C, WARNING, "record",
				 record_text(&k, WARNING, "incident", 1, NODE_C, "{}", "x"))), RC_OK, err);
	CHECK_REFUSED(&k, "another type than its id says");
	static const char *const origins[] = { NODE_D, "", "nobody" };
	for (size_t i = 0; i < COUNT_OF(origins); i++) {
		CHECK_RC(TAKE(&k, object(&k, REPORT_ID, "2026-11-22T09:00:01.000Z", GREEN, NODE_C, WARNING, "record",
					 record_text(&k, WARNING, "warning", 1, origins[i], "{}", "x"))), RC_OK, err);
		CHECK_REFUSED(&k, "another node than yours");
	}
	for (int version = -1; version < 1; version++) {
		CHECK_RC(TAKE(&k, object(&k, REPORT_ID, "2026-11-22T09:00:01.000Z", GREEN, NODE_C, WARNING, "record",
					 record_text(&k, WARNING, "warning", version, NODE_C, "{}", "x"))), RC_OK, err);
		CHECK_REFUSED(&k, "lacks its version");
	}
	CHECK_HELD(&k, "absent", 0, 0);
	desk_end(&k);
}

/* Whose a record is is asked before how new it is: an old version of it is a claim all the same. */
static void test_old_version_of_anothers(void)
{
	struct desk k = desk_new();
	struct record r;
	struct uuid id;
	str type;
	CHECK(record_id_parse(STR(WARNING), &type, &id));
	const struct record_change ours = { .type = types_find(snapshot_table(k.w.held), STR("warning")), .new_id = id, .to_state = -1,
					   .actor = STR("account:1"), .labels = STR("{\"tlp\":\"GREEN\"}"),
					   .fields = STR("{\"title\":\"Ours\",\"urgency\":\"act\",\"summary\":\"x\",\"advice\":\"y\"}") };
	CHECK_RC(world_put(&k.w, &ours, &r), RC_OK, err);
	CHECK_RC(TAKE(&k, warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "Ours", GREEN)), RC_OK, err);
	CHECK_REFUSED(&k, "it is ours");
	CHECK_INT(count(&k, "exchange.refused"), 1);
	desk_end(&k);
	k = desk_new();
	CHECK_RC(TAKE(&k, warning(&k, 5, NODE_C, "{\"tlp\":\"GREEN\"}", "Team C's", GREEN)), RC_OK, err);
	CHECK(uuid_parse(STR(NODE_D), &k.from.node));
	CHECK_RC(TAKE(&k, warning(&k, 2, NODE_D, "{\"tlp\":\"GREEN\"}", "Team C's", GREEN)), RC_OK, err);
	CHECK_REFUSED(&k, "another node than yours");
	desk_end(&k);
}

static struct labels_of labels_held(struct desk *k)
{
	struct record r = { .title = STR("") };
	struct reader *reader;
	struct uuid id;
	str type;
	CHECK(record_id_parse(STR(WARNING), &type, &id));
	CHECK_RC(store_read_begin(k->w.s, &reader, &err), RC_OK, err);
	CHECK_RC(record_load(reader_conn(reader), snapshot_table(k->w.held), id, k->a, &r, &err), RC_OK, err);
	store_read_end(reader);
	return r.labels;
}

static void test_marks_of_records(void)
{
	static const struct { const char *labels, *mark; enum tlp want; } rows[] = {
		{ "{\"tlp\":\"PUCE\"}", GREEN, TLP_RED }, { "{\"tlp\":7}", GREEN, TLP_RED }, { "{}", GREEN, TLP_AMBER },
		{ "{\"tlp\":\"CLEAR\"}", NULL, TLP_CLEAR }, { "[]", GREEN, TLP_AMBER },
		{ "{\"tlp\":\"CLEAR\"}", "marking-definition--99999999-0000-4000-8000-000000000001", TLP_RED },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct desk k = desk_new();
		CHECK_RC(TAKE(&k, warning(&k, 1, NODE_C, rows[i].labels, "x", rows[i].mark)), RC_OK, err);
		CHECK_INT(k.taken.successes, 1);
		CHECK_INT(labels_held(&k).tlp, rows[i].want);
		desk_end(&k);
	}
	/* what names our own people and cases is not his to say */
	struct desk k = desk_new();
	CHECK_RC(TAKE(&k, warning(&k, 1, NODE_C, "{\"tlp\":\"RED\",\"named\":[\"account:1\"],\"held\":true}", "x", RED)), RC_OK, err);
	CHECK(labels_held(&k).named_count == 0 && !labels_held(&k).held);
	desk_end(&k);
}

/* What is played stays played, what is real stays real. */
static void test_played_records(void)
{
	struct desk k = desk_new();
	k.from.exercise = true;
	CHECK_RC(TAKE(&k, warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\",\"exercise\":false}", "x", GREEN)), RC_OK, err);
	CHECK(labels_held(&k).exercise);
	k.from.exercise = false;
	CHECK_RC(TAKE(&k, warning(&k, 2, NODE_C, "{\"tlp\":\"GREEN\",\"exercise\":false}", "x", GREEN)), RC_OK, err);
	CHECK(labels_held(&k).exercise);
	desk_end(&k);
	k = desk_new();
	CHECK_RC(TAKE(&k, warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "x", GREEN)), RC_OK, err);
	CHECK_RC(TAKE(&k, warning(&k, 2, NODE_C, "{\"tlp\":\"GREEN\",\"exercise\":true}", "x", GREEN)), RC_OK, err);
	CHECK(!labels_held(&k).exercise);
	desk_end(&k);
}

static enum rc erase_job(struct tx *tx, void *ctx, struct err *e)
{
	struct desk *k = ctx;
	struct uuid id;
	str type;
	CHECK(record_id_parse(STR(WARNING), &type, &id));
	return record_erase(tx, k->w.r, id, STR("account:1"), STR("asked for"), e);
}

/* What we erased ourselves does not come back, in no version. */
static void test_erased_here(void)
{
	struct desk k = desk_new();
	CHECK_RC(TAKE(&k, warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "x", GREEN)), RC_OK, err);
	CHECK_RC(store_write(k.w.s, erase_job, &k, &err), RC_OK, err);
	CHECK_RC(TAKE(&k, warning(&k, 7, NODE_C, "{\"tlp\":\"GREEN\"}", "x", GREEN)), RC_OK, err);
	CHECK_REFUSED(&k, "was erased");
	enum tlp tlp;
	uint64_t version;
	CHECK_STR(held(&k, &tlp, &version), STR("erased"));
	desk_end(&k);
	/* nor when its origin had taken it back once before, and given it again */
	k = desk_new();
	CHECK_RC(TAKE(&k, warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "x", GREEN),
		      object(&k, REPORT_ID, "2026-11-22T09:00:03.000Z", NULL, NODE_C, WARNING, NULL, STR("")),
		      warning(&k, 5, NODE_C, "{\"tlp\":\"GREEN\"}", "Again", GREEN)), RC_OK, err);
	CHECK_HELD(&k, "Again", TLP_GREEN, 5);
	CHECK_RC(store_write(k.w.s, erase_job, &k, &err), RC_OK, err);
	CHECK_RC(TAKE(&k, warning(&k, 7, NODE_C, "{\"tlp\":\"GREEN\"}", "x", GREEN)), RC_OK, err);
	CHECK_REFUSED(&k, "was erased");
	desk_end(&k);
}

TEST_MAIN(TEST_RUN(no_node), TEST_RUN(answers_of_others), TEST_RUN(marks_of_events), TEST_RUN(members), TEST_RUN(sizes),
	  TEST_RUN(given_again), TEST_RUN(undone_here), TEST_RUN(taken_back), TEST_RUN(withdrawal_replayed), TEST_RUN(inside_and_outside), TEST_RUN(old_version_of_anothers), TEST_RUN(marks_of_records),
	  TEST_RUN(played_records), TEST_RUN(erased_here))
