/* SPDX-License-Identifier: Apache-2.0 */
/* What a partner may say, and what he may not: each object judged alone, and what stands afterwards. */
#include "exchange/take_desk.h"

#include "exchange/take_private.h"
#include "intake/feeds.h"

/* --- events --- */

static void test_event(void)
{
	struct desk k = desk_new();
	CHECK_RC(TAKE(&k, event(&k, NODE_C, GREEN, "{\"id\":\"x\",\"source.ip\":\"192.0.2.7\",\"feed.name\":\"theirs\",\"tlp\":\"AMBER\","
			       "\"ronda.concerns\":\"all\",\"extra.origin_event\":\"forged\",\"extra.tag\":\"a\\nb\"}")),
		 RC_OK, err);
	CHECK(k.taken.objects == 1 && k.taken.successes == 1 && k.taken.report == 1);
	CHECK_STR(buf_str(&k.lines), STR("{\"source.ip\":\"192.0.2.7\",\"extra.tag\":\"a\\nb\",\"tlp\":\"AMBER\",\"extra.origin_event\":\"" EVENT
					 "\",\"extra.origin_node\":\"" NODE_C "\"}\n"));
	desk_end(&k);
	/* The mark of the object holds where it is stricter. */
	k = desk_new();
	CHECK_RC(TAKE(&k, event(&k, NODE_C, RED, "{\"source.ip\":\"192.0.2.8\",\"tlp\":\"CLEAR\"}")), RC_OK, err);
	CHECK(str_find(buf_str(&k.lines), STR("\"tlp\":\"RED\"")) < k.lines.n);
	desk_end(&k);
}

/* What is played never becomes real: by one who plays it is all played, by others it is refused. */
static void test_played(void)
{
	struct desk k = desk_new();
	static const char *const said[] = { "true", "\"yes\"", "1" };
	for (size_t i = 0; i < COUNT_OF(said); i++) {
		str text = arena_fmt(k.a, "{\"source.ip\":\"192.0.2.7\",\"exercise\":%s}", said[i]);
		CHECK_RC(TAKE(&k, event(&k, NODE_C, GREEN, arena_z(k.a, text))), RC_OK, err);
		CHECK_REFUSED(&k, "you take no part");
		CHECK(k.lines.n == 0);
	}
	CHECK_RC(TAKE(&k, event(&k, NODE_C, GREEN, "{\"source.ip\":\"192.0.2.7\",\"exercise\":false}")), RC_OK, err);
	CHECK(k.taken.successes == 1);
	desk_end(&k);
	k = desk_new();
	k.from.exercise = true;
	CHECK_RC(TAKE(&k, event(&k, NODE_C, GREEN, "{\"source.ip\":\"192.0.2.8\"}")), RC_OK, err);
	CHECK(str_find(buf_str(&k.lines), STR("\"exercise\":true")) < k.lines.n);
	desk_end(&k);
}

/* Withdrawn at once, of many reports: each is asked for what it has. */
static void test_many_withdrawn(void)
{
	struct desk k = desk_new();
	for (int i = 0; i < 3; i++)
		CHECK_RC(TAKE(&k, object(&k, "observed-data--22222222-0000-4000-8000-000000000001", "2026-11-22T09:00:00.000Z", GREEN, NODE_C,
					 arena_z(k.a, arena_fmt(k.a, "event--0000000000000000000000000000000%d", i)), "event",
					 STR("{\"source.ip\":\"192.0.2.7\"}"))), RC_OK, err);
	str all[3];
	for (int i = 0; i < 3; i++)
		all[i] = object(&k, "observed-data--22222222-0000-4000-8000-000000000001", "2026-11-22T10:00:00.000Z", NULL, NODE_C,
				arena_z(k.a, arena_fmt(k.a, "event--0000000000000000000000000000000%d", 2 * i)), NULL, STR(""));
	CHECK_RC(take(&k, envelope(&k, all, 3)), RC_OK, err);
	CHECK_STR(buf_str(&k.back), STR("1 event--00000000000000000000000000000000; 3 event--00000000000000000000000000000002; "));
	desk_end(&k);
}

/* The same id: once, whatever is cut from it on the way; with another content it is none of his business any more. */
static void test_event_once(void)
{
	static const struct { const char *text; bool taken, refused; } rows[] = {
		{ "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"source.ip\":\"192.0.2.7\",\"source.account\":\"x\"}", true, false },
		{ "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"source.ip\":\"192.0.2.7\"}", false, false },
		{ "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"source.ip\":\"192.0.2.8\"}", false, true },
		{ "{\"time.source\":\"2026-11-22T08:00:01+00:00\",\"source.ip\":\"192.0.2.7\"}", false, true },
	};
	struct desk k = desk_new();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		buf_reset(&k.lines);
		CHECK_RC(TAKE(&k, event(&k, NODE_C, GREEN, rows[i].text)), RC_OK, err);
		CHECK_INT(k.lines.n > 0, rows[i].taken);
		CHECK_INT(k.taken.failure_count, rows[i].refused);
		CHECK_INT(k.taken.old, !rows[i].taken && !rows[i].refused);
		if (rows[i].refused)
			CHECK_REFUSED(&k, "another content");
	}
	desk_end(&k);
	/* twice in one delivery */
	k = desk_new();
	CHECK_RC(TAKE(&k, event(&k, NODE_C, GREEN, rows[0].text), event(&k, NODE_C, GREEN, rows[0].text),
		      event(&k, NODE_C, GREEN, rows[2].text)), RC_OK, err);
	CHECK_INT(k.taken.successes, 2);
	CHECK_INT(k.taken.old, 1);
	CHECK_INT(k.taken.failure_count, 1);
	/* withdrawn, it does not come back by an old copy; given again later, it does, once */
	CHECK_RC(TAKE(&k, object(&k, "observed-data--22222222-0000-4000-8000-000000000001", "2026-11-22T10:00:00.000Z", NULL, NODE_C,
				 EVENT, NULL, STR(""))), RC_OK, err);
	static const struct { const char *again; bool taken; } later[] = {
		{ "", false }, { ",\"ronda.again\":\"2026-11-22T09:59:00Z\"", false },
		{ ",\"ronda.again\":\"2026-11-22T11:00:00Z\"", true }, { ",\"ronda.again\":\"2026-11-22T11:00:00Z\"", false },
	};
	for (size_t i = 0; i < COUNT_OF(later); i++) {
		str text = arena_fmt(k.a, "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"source.ip\":\"192.0.2.7\"%s}", later[i].again);
		buf_reset(&k.lines);
		CHECK_RC(TAKE(&k, event(&k, NODE_C, GREEN, arena_z(k.a, text))), RC_OK, err);
		CHECK_INT(k.lines.n > 0, later[i].taken);
		CHECK_INT(k.taken.failure_count, 0);
	}
	desk_end(&k);
	/* held back there and given again before he came: told, withdrawn and told again in one delivery, it is here once */
	k = desk_new();
	CHECK_RC(TAKE(&k, event(&k, NODE_C, GREEN, rows[0].text),
		      object(&k, "observed-data--22222222-0000-4000-8000-000000000001", "2026-11-22T10:00:00.000Z", NULL, NODE_C, EVENT,
			     NULL, STR("")),
		      event(&k, NODE_C, GREEN, "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"source.ip\":\"192.0.2.7\","
					       "\"ronda.again\":\"2026-11-22T11:00:00Z\"}")), RC_OK, err);
	CHECK_INT(k.taken.successes, 3);
	size_t lines = 0;
	for (size_t i = 0; i < k.lines.n; i++)
		lines += k.lines.p[i] == '\n';
	CHECK_INT(lines, 1);
	CHECK(str_find(buf_str(&k.lines), STR("extra.origin_again")) < k.lines.n);
	desk_end(&k);
}

/* In one delivery an hour hides no other content; told once more in another one, it is one event more of his, which goes with
 * the first. */
static void test_event_of_another_hour(void)
{
	static const char first[] = "{\"time.source\":\"2026-11-22T08:00:00+00:00\",\"source.ip\":\"192.0.2.7\"}",
			  other[] = "{\"time.source\":\"2026-11-22T10:00:00+00:00\",\"source.ip\":\"192.0.2.7\"}";
	struct desk k = desk_new();
	CHECK_RC(TAKE(&k, event(&k, NODE_C, GREEN, first), event(&k, NODE_C, GREEN, other)), RC_OK, err);
	CHECK_INT(k.taken.failure_count, 1);
	CHECK(str_find(k.taken.failures[0].words, STR("another content")) < k.taken.failures[0].words.n);
	CHECK_RC(TAKE(&k, event(&k, NODE_C, GREEN, other)), RC_OK, err);
	CHECK(k.taken.failure_count == 0 && k.taken.old == 0);
	CHECK_RC(TAKE(&k, object(&k, "observed-data--22222222-0000-4000-8000-000000000001", "2026-11-22T11:00:00.000Z", NULL, NODE_C,
				 EVENT, NULL, STR(""))), RC_OK, err);
	CHECK_STR(buf_str(&k.back), STR("1 " EVENT "; 2 " EVENT "; "));
	desk_end(&k);
}

static void test_forged(void)
{
	static const struct { const char *origin, *words; } rows[] = {
		{ NODE_D, "belongs to another node" },
		{ "us", "is ours" },
		{ "us, and so his record says", "is ours" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct desk k = desk_new();
		const char *origin = strncmp(rows[i].origin, "us", 2) ? rows[i].origin : arena_z(k.a, store_node_id(k.w.s));
		if (strlen(rows[i].origin) > 2 && strncmp(rows[i].origin, "us", 2) == 0)
			CHECK(uuid_parse(store_node_id(k.w.s), &k.from.node));
		str all[] = { event(&k, origin, GREEN, "{\"source.ip\":\"192.0.2.7\"}"),
			      warning(&k, 1, origin, "{\"tlp\":\"GREEN\"}", "Forged", GREEN),
			      object(&k, REPORT_ID, "2026-11-22T09:00:00.000Z", GREEN, origin, WARNING, NULL, STR("")) };
		for (size_t n = 0; n < COUNT_OF(all); n++) {
			CHECK_RC(take(&k, envelope(&k, &all[n], 1)), RC_OK, err);
			CHECK(k.taken.failure_count == 1);
			str words = k.taken.failure_count ? k.taken.failures[0].words : STR("");
			CHECK_MSG(str_find(words, str_of(rows[i].words)) < words.n, STR_FMT, STR_ARG(words));
		}
		CHECK(k.lines.n == 0 && k.back.n == 0);
		CHECK_HELD(&k, "absent", 0, 0);
		desk_end(&k);
	}
}

/* Rows of what is long past go as fast as they come. */
static enum rc note_once(struct tx *tx, void *ctx, struct err *e)
{
	return take_once_note(tx, ctx, 1200, 1, e);
}

static void test_once_is_forgotten(void)
{
	struct desk k = desk_new();
	struct take_once *list = ARENA_ARRAY(k.a, 1200, struct take_once);
	struct reader *r;
	for (size_t i = 0; i < 1200; i++)
		list[i] = (struct take_once){ .hour = 1, .tag = i };
	CHECK_RC(store_write(k.w.s, note_once, list, &err), RC_OK, err);
	CHECK_RC(store_read_begin(k.w.s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), "SELECT count(*) FROM taken_once");
	CHECK(sql_row(q) && sql_col_int(q, 0) == 0);
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	desk_end(&k);
}

/* --- records --- */

static void test_record(void)
{
	struct desk k = desk_new();
	CHECK_RC(TAKE(&k, warning(&k, 2, NODE_C, "{\"tlp\":\"GREEN\"}", "Second", GREEN)), RC_OK, err);
	CHECK_MSG(k.taken.successes == 1, STR_FMT, STR_ARG(k.taken.failure_count ? k.taken.failures[0].words : STR("")));
	CHECK_HELD(&k, "Second", TLP_GREEN, 2);
	/* Again, and what came before it: no news. The same version with other words is none. */
	CHECK_RC(TAKE(&k, warning(&k, 2, NODE_C, "{\"tlp\":\"GREEN\"}", "Second", GREEN),
		      warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "First", GREEN)), RC_OK, err);
	CHECK_INT(k.taken.successes, 2);
	CHECK_INT(k.taken.old, 2);
	CHECK_RC(TAKE(&k, warning(&k, 2, NODE_C, "{\"tlp\":\"GREEN\"}", "Other words", GREEN)), RC_OK, err);
	CHECK_REFUSED(&k, "another content");
	CHECK_HELD(&k, "Second", TLP_GREEN, 2);
	/* A mark never becomes looser here; the object's own counts, too. */
	CHECK_RC(TAKE(&k, warning(&k, 3, NODE_C, "{\"tlp\":\"AMBER\"}", "Third", GREEN)), RC_OK, err);
	CHECK_HELD(&k, "Third", TLP_AMBER, 3);
	CHECK_RC(TAKE(&k, warning(&k, 4, NODE_C, "{\"tlp\":\"CLEAR\"}", "Fourth", GREEN)), RC_OK, err);
	CHECK_HELD(&k, "Fourth", TLP_AMBER, 4);
	CHECK_RC(TAKE(&k, warning(&k, 5, NODE_C, "{\"tlp\":\"CLEAR\"}", "Fifth", RED)), RC_OK, err);
	CHECK_HELD(&k, "Fifth", TLP_RED, 5);
	desk_end(&k);
}

/* Without any marking it is marked as all that comes from him; and what says too much of itself is refused by itself,
 * nothing that stands here of it becoming looser. */
static void test_record_marked_by_default(void)
{
	struct desk k = desk_new();
	k.from.tlp = TLP_AMBER_STRICT;
	CHECK_RC(TAKE(&k, warning(&k, 1, NODE_C, "{}", "First", NULL)), RC_OK, err);
	CHECK_HELD(&k, "First", TLP_AMBER_STRICT, 1);
	struct buf b = BUF_INIT(MIB(1));
	buf_add(&b, STR("{\"tlp\":\"CLEAR\",\"x\":\""));
	for (size_t i = 0; i < KIB(70); i++)
		buf_char(&b, 'x');
	buf_add(&b, STR("\"}"));
	CHECK_RC(TAKE(&k, warning(&k, 2, NODE_C, arena_z(k.a, buf_str(&b)), "Second", GREEN), event(&k, NODE_C, GREEN, "{\"source.ip\":\"192.0.2.7\"}")),
		 RC_OK, err);
	CHECK_INT(k.taken.failure_count, 1);
	CHECK_HELD(&k, "First", TLP_AMBER_STRICT, 1);
	/* what the record's own limits refuse holds up nothing else */
	str long_one = arena_fmt(k.a, "{\"tlp\":\"GREEN\",\"licence\":\"" STR_FMT "\"}", STR_ARG(str_mem(b.p + 30, 2000)));
	CHECK_RC(TAKE(&k, warning(&k, 3, NODE_C, arena_z(k.a, long_one), "Third", GREEN)), RC_OK, err);
	CHECK_REFUSED(&k, "longer than");
	CHECK_HELD(&k, "First", TLP_AMBER_STRICT, 1);
	buf_free(&b);
	desk_end(&k);
}

static void test_record_of_another(void)
{
	struct desk k = desk_new();
	CHECK_RC(TAKE(&k, warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "Team C's", GREEN)), RC_OK, err);
	CHECK(uuid_parse(STR(NODE_D), &k.from.node));
	CHECK_RC(TAKE(&k, warning(&k, 9, NODE_D, "{\"tlp\":\"CLEAR\"}", "Taken over", GREEN)), RC_OK, err);
	CHECK_REFUSED(&k, "belongs to another node");
	CHECK_HELD(&k, "Team C's", TLP_GREEN, 1);
	/* nor taken back */
	CHECK_RC(TAKE(&k, object(&k, REPORT_ID, "2026-11-22T09:00:09.000Z", GREEN, NODE_D, WARNING, NULL, STR(""))), RC_OK, err);
	CHECK_REFUSED(&k, "not yours to withdraw");
	CHECK_HELD(&k, "Team C's", TLP_GREEN, 1);
	/* The origin inside is another than outside; another item than the id says; a type that stays at home. */
	CHECK_RC(TAKE(&k, object(&k, REPORT_ID, "2026-11-22T09:00:09.000Z", GREEN, NODE_D, WARNING, "record",
				 record_text(&k, WARNING, "warning", 9, NODE_C, "{}", "x"))), RC_OK, err);
	CHECK_REFUSED(&k, "another node than yours");
	CHECK_RC(TAKE(&k, object(&k, REPORT_ID, "2026-11-22T09:00:09.000Z", GREEN, NODE_D, "warning--99999999-0000-4000-8000-000000000001",
				 "record", record_text(&k, WARNING, "warning", 9, NODE_D, "{}", "x"))), RC_OK, err);
	CHECK_REFUSED(&k, "the record inside is not");
	CHECK_RC(TAKE(&k, object(&k, REPORT_ID, "2026-11-22T09:00:09.000Z", GREEN, NODE_D, "agreement--99999999-0000-4000-8000-000000000001",
				 "record", record_text(&k, "agreement--99999999-0000-4000-8000-000000000001", "agreement", 1, NODE_D, "{}", "x"))),
		 RC_OK, err);
	CHECK_REFUSED(&k, "are not exchanged");
	desk_end(&k);
}

/* --- taken back --- */

static void test_withdrawn(void)
{
	struct desk k = desk_new();
	CHECK_RC(TAKE(&k, event(&k, NODE_C, GREEN, "{\"source.ip\":\"192.0.2.7\"}"),
		      warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "Wrong", GREEN)), RC_OK, err);
	CHECK(k.taken.successes == 2);
	str all[] = { object(&k, "observed-data--22222222-0000-4000-8000-000000000001", "2026-11-22T10:00:00.000Z", NULL, NODE_C, EVENT,
			     NULL, STR("")),
		      object(&k, REPORT_ID, "2026-11-22T10:00:00.000Z", NULL, NODE_C, WARNING, NULL, STR("")) };
	CHECK_RC(take(&k, envelope(&k, all, 2)), RC_OK, err);
	CHECK_MSG(k.taken.successes == 2, STR_FMT, STR_ARG(k.taken.failure_count ? k.taken.failures[0].words : STR("")));
	CHECK_STR(buf_str(&k.back), STR("1 " EVENT "; "));
	enum tlp tlp;
	uint64_t version;
	CHECK_STR(held(&k, &tlp, &version), STR("erased"));
	/* It does not come again by an old copy on its way. */
	CHECK_RC(TAKE(&k, warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "Wrong", GREEN)), RC_OK, err);
	CHECK_STR(held(&k, &tlp, &version), STR("erased"));
	/* A later version it may give again. */
	CHECK_RC(TAKE(&k, warning(&k, 3, NODE_C, "{\"tlp\":\"GREEN\"}", "Right", GREEN)), RC_OK, err);
	CHECK_HELD(&k, "Right", TLP_GREEN, 3);
	desk_end(&k);
}

/* What a case keeps here stays, and is said so of that event alone. */
static void test_withdrawn_and_kept(void)
{
	static const char *const ids[] = { "event--0123456789abcdef0123456789abcde1", "event--0123456789abcdef0123456789abcde2" };
	static const char *const stix[] = { "observed-data--22222222-0000-4000-8000-000000000001",
					    "observed-data--22222222-0000-4000-8000-000000000002" };
	struct desk k = desk_new();
	str both[2], gone[3];
	for (size_t i = 0; i < 2; i++) {
		both[i] = object(&k, stix[i], "2026-11-22T09:00:00.000Z", GREEN, NODE_C, ids[i], "event",
				 arena_fmt(k.a, "{\"source.ip\":\"192.0.2.%zu\"}", i + 1));
		gone[i] = object(&k, stix[i], "2026-11-22T10:00:00.000Z", NULL, NODE_C, ids[i], NULL, STR(""));
	}
	gone[2] = warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "Good", GREEN);
	CHECK_RC(take(&k, envelope(&k, both, 2)), RC_OK, err);
	k.kept = ids[0];
	CHECK_RC(take(&k, envelope(&k, gone, 3)), RC_OK, err);
	CHECK_MSG(k.taken.successes == 2 && k.taken.failure_count == 1, "%llu taken", (unsigned long long)k.taken.successes);
	if (k.taken.failure_count == 1) {
		CHECK_STR(k.taken.failures[0].id, str_of(stix[0]));
		CHECK(str_find(k.taken.failures[0].words, STR("kept here for a case")) < k.taken.failures[0].words.n);
	}
	CHECK_STR(buf_str(&k.back), STR("1 event--0123456789abcdef0123456789abcde2; "));
	CHECK_HELD(&k, "Good", TLP_GREEN, 1);
	desk_end(&k);
}

/* Killed between the report and the note of what it has: a withdrawal looks into that report, before and after others came. */
static enum rc put_reports(struct tx *tx, void *ctx, struct err *e)
{
	struct desk *k = ctx;
	const struct feed f = { .name = partner_feed(&k->from, k->a), .provider = k->from.name, .tlp = TLP_AMBER, .on = true,
				.format = STR("intelmq") };
	int64_t feed = 0;
	enum rc rc = feed_add(tx, k->w.j, &f, STR("node"), &feed, e);
	for (int64_t id = 1; rc == RC_OK && id <= 3; id++) {
		struct sql *q = sql(tx_conn(tx), "INSERT INTO report (id, feed, state, received_us, digest, bytes, format, file_name, type,"
						 " parser_version, next_offset, next_input, inputs, accepted, events, repeats, quarantined,"
						 " dropped, blank, parse_us, words, exercise) VALUES (?1, ?2, 2, ?3, zeroblob(32), 1, 'intelmq',"
						 " 'x', 'intelmq', 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, '', 0)");
		sql_int(q, 1, id);
		sql_int(q, 2, feed);
		sql_int(q, 3, tx_now_us(tx));
		rc = sql_run(q, e);
	}
	return rc;
}

static enum rc drop_report(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM report WHERE id > 1");
	return sql_run(q, e);
}

static void test_withdrawn_of_the_killed(void)
{
	struct desk k = desk_new();
	str gone = object(&k, "observed-data--22222222-0000-4000-8000-000000000001", "2026-11-22T10:00:00.000Z", NULL, NODE_C, EVENT, NULL,
			  STR(""));
	k.x->w.ctx = &k;
	CHECK_RC(store_write(k.w.s, put_reports, &k, &err), RC_OK, err);
	CHECK_RC(store_write(k.w.s, drop_report, &k, &err), RC_OK, err);
	CHECK_RC(take(&k, envelope(&k, &gone, 1)), RC_OK, err);
	CHECK_STR(buf_str(&k.back), STR("1 " EVENT "; "));
	desk_end(&k);
	k = desk_new();
	k.x->w.ctx = &k;
	gone = object(&k, "observed-data--22222222-0000-4000-8000-000000000001", "2026-11-22T10:00:00.000Z", NULL, NODE_C, EVENT, NULL,
		      STR(""));
	k.reports = 2; /* two came to nothing that is known */
	CHECK_RC(store_write(k.w.s, put_reports, &k, &err), RC_OK, err);
	CHECK_RC(TAKE(&k, object(&k, "observed-data--22222222-0000-4000-8000-000000000002", "2026-11-22T09:00:00.000Z", GREEN, NODE_C,
				 "event--00000000000000000000000000000009", "event", STR("{\"source.ip\":\"192.0.2.7\"}"))), RC_OK, err);
	CHECK_RC(take(&k, envelope(&k, &gone, 1)), RC_OK, err);
	CHECK_STR(buf_str(&k.back), STR("1 " EVENT "; 2 " EVENT "; "));
	desk_end(&k);
}

static enum rc grow_old(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE report SET received_us = 1 WHERE id = 1");
	enum rc rc = sql_run(q, e);
	q = sql(tx_conn(tx), "INSERT INTO tail (first_seq, rows, report, day, tlp_set, exercise, body) VALUES (1, 1, 2, 20000, 1, 0, x'')");
	return rc == RC_OK ? sql_run(q, e) : rc;
}

/* What no event is left of is not looked into for ever. */
static void test_origins_are_forgotten(void)
{
	struct desk k = desk_new();
	struct reader *r;
	k.x->w.ctx = &k;
	CHECK_RC(store_write(k.w.s, put_reports, &k, &err), RC_OK, err);
	CHECK_RC(store_write(k.w.s, grow_old, &k, &err), RC_OK, err);
	for (int i = 0; i < 2; i++)
		CHECK_RC(TAKE(&k, object(&k, "observed-data--22222222-0000-4000-8000-000000000001", "2026-11-22T09:00:00.000Z", GREEN, NODE_C,
					 arena_z(k.a, arena_fmt(k.a, "event--0000000000000000000000000000000%d", i)), "event",
					 STR("{\"source.ip\":\"192.0.2.7\"}"))), RC_OK, err);
	CHECK_RC(store_read_begin(k.w.s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), "SELECT count(*), min(report) FROM taken_events");
	CHECK(sql_row(q) && sql_col_int(q, 0) == 1 && sql_col_int(q, 1) == 2);
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	desk_end(&k);
}

/* What was withdrawn before it came does not come; a later version may. */
static void test_withdrawn_before(void)
{
	struct desk k = desk_new();
	CHECK_RC(TAKE(&k, object(&k, REPORT_ID, "2026-11-22T09:00:02.000Z", NULL, NODE_C, WARNING, NULL, STR("")),
		      warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "Wrong", GREEN)), RC_OK, err);
	CHECK_INT(k.taken.successes, 2);
	CHECK_INT(k.taken.old, 1);
	CHECK_HELD(&k, "absent", 0, 0);
	CHECK_RC(TAKE(&k, warning(&k, 2, NODE_C, "{\"tlp\":\"GREEN\"}", "Wrong", GREEN)), RC_OK, err);
	CHECK_HELD(&k, "absent", 0, 0);
	CHECK_RC(TAKE(&k, warning(&k, 3, NODE_C, "{\"tlp\":\"GREEN\"}", "Right", GREEN)), RC_OK, err);
	CHECK_HELD(&k, "Right", TLP_GREEN, 3);
	desk_end(&k);
}

/* Nobody speaks in our name, also when he stands in the directory under it. */
static void test_under_our_name(void)
{
	struct desk k = desk_new();
	const char *us = arena_z(k.a, store_node_id(k.w.s));
	CHECK(uuid_parse(str_of(us), &k.from.node));
	CHECK_RC(TAKE(&k, event(&k, us, GREEN, "{\"source.ip\":\"192.0.2.7\"}")), RC_OK, err);
	CHECK_REFUSED(&k, "is ours");
	CHECK_RC(TAKE(&k, object(&k, REPORT_ID, "2026-11-22T09:00:02.000Z", NULL, us, WARNING, NULL, STR(""))), RC_OK, err);
	CHECK_REFUSED(&k, "is ours");
	CHECK(k.lines.n == 0);
	desk_end(&k);
}

/* --- answers, and what is none --- */

/* An item and words about it may come together. */
static void test_words_with_their_item(void)
{
	struct desk k = desk_new();
	static const char id[] = "contribution--11111111-0000-4000-8000-000000000002";
	str words = arena_fmt(k.a, "{\"id\":\"%s\",\"type\":\"contribution\",\"type_version\":2,\"version\":1,\"origin\":\"" NODE_C "\","
			      "\"state\":\"said\",\"labels\":{\"tlp\":\"GREEN\"},\"body\":{\"title\":\"x\",\"about\":\"" WARNING "\","
			      "\"what\":\"comment\"}}", id);
	str note = object(&k, "note--11111111-0000-4000-8000-000000000002", "2026-11-22T09:00:02.000Z", GREEN, NODE_C, id, "record", words);
	CHECK_RC(take(&k, envelope(&k, &note, 1)), RC_OK, err);
	CHECK_REFUSED(&k, "about nothing that you were told");
	CHECK_RC(TAKE(&k, warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "Theirs", GREEN), note), RC_OK, err);
	CHECK_MSG(k.taken.successes == 2, STR_FMT, STR_ARG(k.taken.failure_count ? k.taken.failures[0].words : STR("")));
	desk_end(&k);
}

static void test_answer_to_nothing(void)
{
	struct desk k = desk_new();
	str text = arena_fmt(k.a, "{\"about\":\"x\",\"item\":\"" EVENT "\",\"origin\":\"" STR_FMT "\",\"what\":\"fixed\",\"words\":\"\"}",
			     STR_ARG(store_node_id(k.w.s)));
	CHECK_RC(TAKE(&k, object(&k, "opinion--33333333-0000-4000-8000-000000000001", "2026-11-22T09:00:00.000Z", GREEN, NODE_C, EVENT,
				 "answer", text)), RC_OK, err);
	CHECK_REFUSED(&k, "nothing that you were told");
	desk_end(&k);
}

static void test_each_alone(void)
{
	struct desk k = desk_new();
	CHECK_RC(TAKE(&k, STR("{\"type\":\"nonsense\"}"), event(&k, NODE_C, GREEN, "{\"source.ip\":\"192.0.2.7\"}"),
		      STR("7"), warning(&k, 1, NODE_C, "{\"tlp\":\"GREEN\"}", "Good", GREEN)), RC_OK, err);
	CHECK(k.taken.objects == 4 && k.taken.successes == 2 && k.taken.failure_count == 2);
	CHECK_HELD(&k, "Good", TLP_GREEN, 1);
	CHECK_RC(take(&k, STR("nonsense")), RC_INPUT, err);
	CHECK_RC(take(&k, STR("[]")), RC_INPUT, err);
	CHECK_RC(take(&k, STR("{}")), RC_OK, err);
	CHECK(k.taken.objects == 0);
	desk_end(&k);
}

static enum rc move(struct tx *tx, void *ctx, struct err *e)
{
	const int64_t *v = ctx;
	return take_moved(tx, (struct uuid){ { 0xc, 1 } }, LANE_BULK, v[0], v[1], e);
}

static void test_upto(void)
{
	struct desk k = desk_new();
	struct reader *r;
	int64_t at = -1, first[] = { 0, 50 }, again[] = { 0, 50 }, next[] = { 50, 60 };
	CHECK_RC(store_write(k.w.s, move, first, &err), RC_OK, err);
	CHECK_RC(store_write(k.w.s, move, again, &err), RC_CONFLICT, err);
	CHECK_RC(store_write(k.w.s, move, next, &err), RC_OK, err);
	CHECK_RC(store_read_begin(k.w.s, &r, &err), RC_OK, err);
	CHECK_RC(take_upto(reader_conn(r), k.from.id, LANE_BULK, &at, &err), RC_OK, err);
	CHECK(at == 60);
	CHECK_RC(take_upto(reader_conn(r), k.from.id, LANE_WARNING, &at, &err), RC_OK, err);
	CHECK(at == 0);
	store_read_end(r);
	desk_end(&k);
}

TEST_MAIN(TEST_RUN(event), TEST_RUN(event_once), TEST_RUN(event_of_another_hour), TEST_RUN(played), TEST_RUN(many_withdrawn), TEST_RUN(forged), TEST_RUN(record), TEST_RUN(record_marked_by_default), TEST_RUN(once_is_forgotten), TEST_RUN(record_of_another), TEST_RUN(withdrawn), TEST_RUN(withdrawn_and_kept), TEST_RUN(withdrawn_of_the_killed), TEST_RUN(origins_are_forgotten), TEST_RUN(withdrawn_before), TEST_RUN(under_our_name), TEST_RUN(words_with_their_item),
	  TEST_RUN(answer_to_nothing), TEST_RUN(each_alone), TEST_RUN(upto))
