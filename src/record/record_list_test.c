/* SPDX-License-Identifier: Apache-2.0 */
#include "record/record_world.h"

/* What a list gives, as the first letters of titles, in its order. */
struct seen {
	struct buf text;
	size_t most, n;
	struct buf cursor;
	const struct record_query *q;
};

static bool see(void *ctx, const struct record *r)
{
	struct seen *s = ctx;
	buf_add(&s->text, str_head(r->title, 1));
	buf_reset(&s->cursor);
	record_cursor(s->q, r, &s->cursor);
	return ++s->n < s->most;
}

static enum rc list_some(struct world *w, struct record_query *q, size_t most, struct seen *s)
{
	struct reader *rd;
	CHECK_RC(store_read_begin(w->s, &rd, &err), RC_OK, err);
	s->q = q;
	s->most = most;
	s->n = 0;
	enum rc rc = record_list(reader_conn(rd), snapshot_table(w->held), q, see, s, &err);
	store_read_end(rd);
	return rc;
}

/* By pages of `page`, each behind the last. */
static str list_pages(struct world *w, struct record_query q, size_t page)
{
	struct seen s = { .text = BUF_INIT(KIB(64)), .cursor = BUF_INIT(KIB(4)) };
	for (int i = 0; i < 100; i++) {
		CHECK_RC(list_some(w, &q, page, &s), RC_OK, err);
		if (s.n < page)
			break;
		q.after = arena_str(w->a, buf_str(&s.cursor));
	}
	str text = arena_str(w->a, buf_str(&s.text));
	buf_free(&s.text);
	buf_free(&s.cursor);
	return text;
}

static struct record_query all_of(struct world *w)
{
	return (struct record_query){ .type = w->t, .tlp_mask = 0x3f, .exercise = true,
				      .text_share = SHARE_TEAM };
}

static const struct type_field *field(struct world *w, const char *name)
{
	return type_find_field(w->t, str_of(name));
}

static void check_pages(struct world *w, const struct record_query *q, const char *want,
			const char *what)
{
	for (size_t page = 1; page <= 4; page++) {
		str got = list_pages(w, *q, page);
		CHECK_MSG(str_eq(got, str_of(want)), "%s by %zu: '" STR_FMT "', want '%s'", what, page,
			  STR_ARG(got), want);
	}
}

static struct world with_eight(void)
{
	static const char *const fields[] = {
		"{\"title\":\"A\",\"severity\":\"low\",\"score\":5,\"tags\":[\"x\",\"y\"]}",
		"{\"title\":\"B\",\"severity\":\"high\",\"score\":-3,\"tags\":[\"x\"]}",
		"{\"title\":\"C\",\"severity\":\"low\",\"score\":5}",
		"{\"title\":\"D\"}",
		"{\"title\":\"E\",\"severity\":\"high\",\"score\":12,\"tags\":[\"xylophone\"]}",
		"{\"title\":\"F\",\"score\":0}",
		"{\"title\":\"G\",\"severity\":\"low\"}",
		"{\"title\":\"H\",\"severity\":\"high\",\"score\":5,\"tags\":[\"y\"]}",
	};
	struct world w = world_new();
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		(void)world_case_new(&w, fields[i]);
	return w;
}

TEST(orders_and_pages)
{
	struct world w = with_eight();
	struct record_query q = all_of(&w);
	check_pages(&w, &q, "HGFEDCBA", "newest first");
	q.ascending = true;
	check_pages(&w, &q, "ABCDEFGH", "oldest first");
	q.sort = field(&w, "score");
	check_pages(&w, &q, "BFACHEGD", "by score, those without last");
	q.ascending = false;
	check_pages(&w, &q, "EHCAFBGD", "by score, highest first");
	q.sort = field(&w, "severity");
	check_pages(&w, &q, "GCAHEBFD", "by severity, backwards");
	q = all_of(&w);
	q.type = NULL;
	check_pages(&w, &q, "HGFEDCBA", "of all types");
	q = all_of(&w);
	q.type = types_find(snapshot_table(w.held), STR("note"));
	check_pages(&w, &q, "", "of another type");
	world_end(&w);
}

TEST(filters)
{
	struct world w = with_eight();
	const struct {
		const char *what, *field;
		enum compare compare;
		struct kind_key key;
		const char *want, *want_by_score;
	} cases[] = {
		{ "is", "severity", COMPARE_IS, { .text = STR("high") }, "HEB", "BHE" },
		{ "is none", "severity", COMPARE_IS, { .text = STR("none") }, "", "" },
		{ "at least", "score", COMPARE_LEAST, { .is_number = true, .number = 5 }, "HECA", "ACHE" },
		{ "at most", "score", COMPARE_MOST, { .is_number = true, .number = 0 }, "FB", "BF" },
		{ "number is", "score", COMPARE_IS, { .is_number = true, .number = 5 }, "HCA", "ACH" },
		{ "of a list", "tags", COMPARE_IS, { .text = STR("x") }, "BA", "BA" },
		{ "begins", "tags", COMPARE_BEGINS, { .text = STR("x") }, "EBA", "BAE" },
		{ "text at least", "severity", COMPARE_LEAST, { .text = STR("i") }, "GCA", "ACG" },
		{ "text at most", "severity", COMPARE_MOST, { .text = STR("i") }, "HEB", "BHE" },
		{ "hostile", "severity", COMPARE_IS, { .text = STR("' OR 1=1 --") }, "", "" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct record_query q = all_of(&w);
		q.filters[0] = (struct record_filter){ field(&w, cases[i].field), cases[i].compare,
						       cases[i].key };
		q.filter_count = 1;
		check_pages(&w, &q, cases[i].want, cases[i].what);
		q.sort = field(&w, "score");
		q.ascending = true;
		check_pages(&w, &q, cases[i].want_by_score, cases[i].what);
	}
	struct record_query q = all_of(&w);
	q.filters[0] = (struct record_filter){ field(&w, "severity"), COMPARE_IS,
					       { .text = STR("high") } };
	q.filters[1] = (struct record_filter){ field(&w, "tags"), COMPARE_BEGINS, { .text = STR("x") } };
	q.filter_count = 2;
	check_pages(&w, &q, "EB", "both");
	world_end(&w);
}

TEST(state_marking_organisation_and_due)
{
	struct world w = world_new();
	struct record r[4], next;
	for (int i = 0; i < 4; i++) {
		char fields[200];
		snprintf(fields, sizeof(fields), "{\"title\":\"%c\",\"score\":%d%s}", 'A' + i, i,
			 i == 2 ? ",\"body\":\"organisation--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab\"" : "");
		r[i] = world_case_new(&w, fields);
	}
	struct record_change c = { .type = w.t, .id = r[1].id, .to_state = 1, .actor = STR("account:1"),
				   .labels = STR("{\"tlp\":\"RED\"}") };
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	c = (struct record_change){ .type = w.t, .id = r[3].id, .to_state = -1, .actor = STR("account:1"),
				    .labels = STR("{\"tlp\":\"GREEN\",\"exercise\":true}") };
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	struct record_query q = all_of(&w);
	for (int sorted = 0; sorted < 2; sorted++) {
		q = all_of(&w);
		q.sort = sorted ? field(&w, "score") : NULL;
		q.states = 1 << 1;
		check_pages(&w, &q, "B", "open");
		q.states = 1 | 1 << 2;
		check_pages(&w, &q, sorted ? "DCA" : "DCA", "new or closed");
		q.states = 0;
		q.tlp_mask = 1 << TLP_AMBER;
		check_pages(&w, &q, "CA", "amber");
		q = all_of(&w);
		q.sort = sorted ? field(&w, "score") : NULL;
		q.exercise = false;
		check_pages(&w, &q, sorted ? "CBA" : "BCA", "no exercise");
		q.exercise = true;
		(void)uuid_parse(STR("0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab"), &q.only_organisation);
		check_pages(&w, &q, "C", "of one organisation");
	}
	world_end(&w);
}

/* --- search --- */

static const struct {
	const char *text, *open, *party, *team, *personal; /* what is found, by who looks */
} searches[] = {
	{ "banner", "A", "AB", "AB", "AB" },
	{ "BAN", "A", "AB", "AB", "AB" },
	{ "b", "A", "AB", "AB", "AB" },     /* beginnings of words */
	{ "anne", "A", "AB", "AB", "AB" },  /* parts of words */
	{ "phishing", "", "B", "B", "B" },
	{ "phishing banner", "", "B", "B", "B" },
	{ "phishing secret", "", "", "", "" },
	{ "secret", "", "", "C", "C" },
	{ "cafe", "", "", "C", "C" },       /* without its accent */
	{ "192.0.2.7", "", "", "C", "C" },
	{ "halonen", "", "", "", "C" },     /* personal: only with a basis */
	{ "whispered", "", "", "", "" },    /* named: never */
	{ "ขโมย", "", "D", "D", "D" },
	{ "ໂຈມຕີ", "", "D", "D", "D" },
	{ "တိုက်", "", "D", "D", "D" },
	{ "វាយ", "", "D", "D", "D" },
	{ "x\" OR party:banner", "", "", "", "" }, /* words, whatever is in them */
	{ "ban*", "A", "AB", "AB", "AB" },
	{ "{team}:secret", "", "", "", "" },
	{ "  ", "DCBA", "DCBA", "DCBA", "DCBA" },
};

static struct world with_words(void)
{
	struct world w = world_new();
	(void)world_case_new(&w, "{\"title\":\"A\",\"banner\":\"A banner\"}");
	(void)world_case_new(&w, "{\"title\":\"B phishing, banner\"}");
	(void)world_case_new(&w, "{\"title\":\"C\",\"remarks\":\"The secret caf\xc3\xa9 at 192.0.2.7\","
				 "\"contact\":\"Ms Halonen\",\"whisper\":\"whispered\"}");
	(void)world_case_new(&w, "{\"title\":\"D การขโมยข้อมูล ການໂຈມຕີທາງໄຊເບີ ဆိုက်ဘာတိုက်ခိုက်မှု ការវាយប្រហារ\"}");
	return w;
}

TEST(search)
{
	struct world w = with_words();
	for (size_t i = 0; i < COUNT_OF(searches); i++) {
		struct record_query q = all_of(&w);
		q.text = str_of(searches[i].text);
		q.text_share = SHARE_OPEN;
		q.text_personal = true; /* of no use to those */
		q.ascending = false;
		const char *open = strcmp(searches[i].open, "AB") == 0 ? "BA" : searches[i].open;
		check_pages(&w, &q, open, searches[i].text);
		const char *const want[] = { searches[i].party, searches[i].team, searches[i].personal };
		for (int k = 0; k < 3; k++) {
			q.text_share = k == 0 ? SHARE_PARTY : k == 1 ? SHARE_TEAM : SHARE_SEALED;
			q.text_personal = k == 2;
			check_pages(&w, &q, strcmp(want[k], "AB") == 0 ? "BA" : want[k], searches[i].text);
		}
	}
	/* what changes is found as it is now */
	struct record r = world_case_new(&w, "{\"title\":\"Ephemeral\"}"), next;
	struct record_change c = { .type = w.t, .id = r.id, .to_state = -1, .actor = STR("account:1"),
				   .fields = STR("{\"title\":\"Eternal\"}") };
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	struct record_query q = all_of(&w);
	q.text = STR("phemer");
	check_pages(&w, &q, "", "the old word");
	q.text = STR("etern");
	check_pages(&w, &q, "E", "the new word");
	world_end(&w);
}

static int64_t segments(struct world *w)
{
	struct reader *rd;
	CHECK_RC(store_read_begin(w->s, &rd, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(rd), "SELECT count(DISTINCT segid) FROM record_parts_idx");
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(rd);
	return n;
}

TEST(small_commits_are_merged)
{
	struct world w = world_new();
	char fields[80];
	for (int i = 0; i < 12; i++) { /* each a commit of its own */
		snprintf(fields, sizeof(fields), "{\"title\":\"wort%d gemeinsam\"}", i);
		(void)world_case_new(&w, fields);
	}
	CHECK(segments(&w) >= 12);
	bool did = true;
	for (int i = 0; did && i < 100; i++)
		CHECK_RC(store_tend(w.s, &did, &err), RC_OK, err);
	CHECK(!did && segments(&w) < 4);
	struct record_query q = all_of(&w);
	q.text = STR("wort7");
	check_pages(&w, &q, "w", "one");
	q.text = STR("einsam");
	check_pages(&w, &q, "wwwwwwwwwwww", "all");
	world_end(&w);
}

static const struct {
	const char *what;
	str text, after;
	const char *sort;
} refused[] = {
	{ "two letters of Thai", STR_INIT("ขโ"), STR_INIT(""), NULL },
	{ "a stop", STR_INIT("."), STR_INIT(""), NULL },
	{ "ten words", STR_INIT("a b c d e f g h i j"), STR_INIT(""), NULL },
	{ "not UTF-8", STR_INIT("\xff\xfe"), STR_INIT(""), NULL },
	{ "a NUL", STR_INIT("a\0b"), STR_INIT(""), NULL },
	{ "no cursor", STR_INIT(""), STR_INIT("x"), NULL },
	{ "a cursor of nothing",
	  STR_INIT(""), STR_INIT("c.1.0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab"), NULL },
	{ "SQL as a cursor", STR_INIT(""), STR_INIT("c.1.' OR 1=1"), NULL },
	{ "a field without an index", STR_INIT(""), STR_INIT(""), "remarks" },
	{ "a list", STR_INIT(""), STR_INIT(""), "tags" },
};

TEST(refused_in_words)
{
	struct world w = with_words();
	struct seen s = { .text = BUF_INIT(KIB(1)), .cursor = BUF_INIT(KIB(1)) };
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct record_query q = all_of(&w);
		q.text = refused[i].text;
		q.after = refused[i].after;
		q.sort = refused[i].sort ? field(&w, refused[i].sort) : NULL;
		enum rc rc = list_some(&w, &q, 10, &s);
		CHECK_MSG(rc == RC_INPUT && err.text[0], "%s: %s", refused[i].what, rc_name(rc));
	}
	CHECK_INT(s.text.n, 0);
	/* a cursor of one order in another */
	struct record_query q = all_of(&w);
	CHECK_RC(list_some(&w, &q, 1, &s), RC_OK, err);
	q.after = buf_str(&s.cursor);
	q.sort = field(&w, "score");
	struct seen other = { .text = BUF_INIT(KIB(1)), .cursor = BUF_INIT(KIB(1)) };
	CHECK_RC(list_some(&w, &q, 1, &other), RC_INPUT, err);
	buf_free(&s.text);
	buf_free(&s.cursor);
	buf_free(&other.text);
	buf_free(&other.cursor);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(orders_and_pages), TEST_RUN(filters), TEST_RUN(state_marking_organisation_and_due),
	  TEST_RUN(search),
	  TEST_RUN(small_commits_are_merged), TEST_RUN(refused_in_words))
