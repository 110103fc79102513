/* SPDX-License-Identifier: Apache-2.0 */
/* Indicators by value, and what is similar: with the reason, and only for who may see it. */
#include "incident/case_world.h"

#include "incident/from.h"
#include "incident/similar.h"

static size_t similar(struct world *w, const struct viewer *v, str id, struct similar **out)
{
	struct reader *r = begin(w);
	size_t n = 0;
	CHECK_RC(similar_cases(r, types_of(w), v, id, STR("en"), w->a, out, &n, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

static bool says(const struct similar *s, const char *words)
{
	for (size_t i = 0; i < s->reason_count; i++)
		if (str_find(s->reasons[i], str_of(words)) < s->reasons[i].n)
			return true;
	return false;
}

static const struct {
	const char *what, *mine, *theirs, *reason; /* reason NULL: not similar */
} pairs[] = {
	{ "the same address", "{\"address\":\"192.0.2.7\"}", "{\"address\":\"192.0.2.7\"}", "same address 192.0.2.7" },
	{ "an address in a network", "{\"address\":\"192.0.2.7\"}", "{\"address\":\"192.0.2.0/24\"}", "192.0.2.7 and 192.0.2.0/24" },
	{ "a network around an address", "{\"address\":\"192.0.2.0/24\"}", "{\"address\":\"192.0.2.7\"}", "192.0.2.0/24 and 192.0.2.7" },
	{ "a network in a wider one that begins with it", "{\"address\":\"192.0.2.0/28\"}", "{\"address\":\"192.0.2.0/24\"}", "192.0.2.0/28 and 192.0.2.0/24" },
	{ "neighbours", "{\"address\":\"192.0.2.7\"}", "{\"address\":\"192.0.2.8\"}", NULL },
	{ "networks side by side", "{\"address\":\"192.0.2.0/25\"}", "{\"address\":\"192.0.2.128/25\"}", NULL },
	{ "IPv6 however written", "{\"address\":\"2001:db8::7\"}", "{\"address\":\"2001:0db8:0:0::7\"}", "same address 2001:db8::7" },
	{ "IPv6 in a /48", "{\"address\":\"2001:db8::7\"}", "{\"address\":\"2001:db8::/48\"}", "2001:db8::7 and 2001:db8::/48" },
	{ "the same domain", "{\"domain\":\"bank.example.org\"}", "{\"domain\":\"BANK.example.org\"}", "same domain bank.example.org" },
	{ "another domain", "{\"domain\":\"bank.example.org\"}", "{\"domain\":\"example.org\"}", NULL },
	{ "the same URL", "{\"url\":\"http://a.example.org/x\"}", "{\"url\":\"http://a.example.org/x\"}", "same URL http://a.example.org/x" },
	{ "URLs of one host", "{\"url\":\"http://a.example.org/x\"}", "{\"url\":\"http://a.example.org/y\"}", "same domain a.example.org" },
	{ "a URL's host as address", "{\"url\":\"http://192.0.2.7/x\"}", "{\"address\":\"192.0.2.7\"}", "same address 192.0.2.7" },
	{ "the same digest", "{\"digest\":\"d41d8cd98f00b204e9800998ecf8427e\"}", "{\"digest\":\"d41d8cd98f00b204e9800998ecf8427e\"}", "same digest" },
	{ "a note is none", "{\"domain\":\"a.example.org\",\"note\":\"seen\"}", "{\"domain\":\"b.example.org\",\"note\":\"seen\"}", NULL },
};

TEST(by_indicator)
{
	struct viewer lead = staff(LEAD | ANALYST, 1);
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		struct world w = cases_new();
		struct similar *list;
		str mine = incident(&w, "aaa", pairs[i].mine, "", NULL);
		str other = incident(&w, "bbb", pairs[i].theirs, "", NULL);
		CHECK_MSG(mine.n && other.n, "%s: %s", pairs[i].what, err.text);
		size_t n = similar(&w, &lead, mine, &list);
		CHECK_MSG(n == (pairs[i].reason ? 1 : 0), "%s: %zu", pairs[i].what, n);
		if (n && pairs[i].reason)
			CHECK_MSG(str_eq(list[0].id, other) && says(&list[0], pairs[i].reason), "%s: " STR_FMT,
				  pairs[i].what, STR_ARG(list[0].reasons[0]));
		world_end(&w);
	}
}

TEST(what_stands_is_looked_at)
{
	struct world w = cases_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct similar *list;
	str a = incident(&w, "aaa", "{\"domain\":\"one.example.org\"}", "", NULL);
	str b = incident(&w, "bbb", "{\"domain\":\"one.example.org\"},{\"domain\":\"two.example.org\"}", "", NULL);
	CHECK_INT(similar(&w, &lead, a, &list), 1);
	CHECK_RC(change(&w, &lead, &(struct change_request){ .id = b,
			.fields = STR("{\"indicators\":[{\"domain\":\"two.example.org\"}]}") }, NULL), RC_OK, err);
	CHECK_INT(similar(&w, &lead, a, &list), 0);
	CHECK_RC(change(&w, &lead, &(struct change_request){ .id = b, .fields = STR("{\"severity\":\"high\"}") }, NULL), RC_OK, err);
	str c = put_new(&w, &lead, "campaign", "{\"title\":\"Waves\",\"indicators\":[{\"domain\":\"one.example.org\"}]}", NULL);
	CHECK_INT(similar(&w, &lead, a, &list), 1);
	CHECK(list && str_eq(list[0].id, c));
	CHECK_RC(change_erase(w.r, w.s, &lead, c, STR("asked to"), &err), RC_OK, err);
	CHECK_INT(similar(&w, &lead, a, &list), 0);
	world_end(&w);
}

TEST(best_first)
{
	struct world w = cases_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct similar *list;
	str org = put_new(&w, &lead, "organisation", "{\"name\":\"Bank Satu\",\"kind\":\"constituent\"}", NULL);
	const char *of = arena_fmt(w.a, ",\"organisation\":\"" STR_FMT "\"", STR_ARG(org)).p;
	str a = incident(&w, "Phishing page of the bank", "{\"address\":\"192.0.2.7\"}", of, NULL);
	str same = incident(&w, "zzz", "{\"address\":\"192.0.2.7\"}", of, NULL);
	str net = incident(&w, "yyy", "{\"address\":\"192.0.2.0/24\"}", "", NULL);
	str org_only = incident(&w, "xxx", "", of, NULL);
	str title = incident(&w, "Another phishing page", "", "", NULL);
	(void)incident(&w, "Nothing of it", "{\"address\":\"198.18.0.1\"}", "", NULL);
	size_t n = similar(&w, &lead, a, &list);
	CHECK_INT(n, 4);
	if (n == 4) {
		CHECK_STR(list[0].id, same);
		CHECK(says(&list[0], "same organisation and class, 0 days apart") && says(&list[0], "same address"));
		CHECK_STR(list[1].id, net);
		CHECK_STR(list[2].id, org_only);
		CHECK_STR(list[3].id, title);
		CHECK(says(&list[3], "title also has 'Phishing', 'page'"));
	}
	world_end(&w);
}

/* What may not be seen is not similar, and no reason tells of it. */
TEST(only_what_may_be_seen)
{
	struct world w = cases_new();
	struct viewer lead = staff(LEAD | ANALYST, 1), viewer = staff(VIEWER, 2);
	struct similar *list;
	viewer.as.named = false;
	str a = put_new(&w, &lead, "organisation", "{\"name\":\"Bank Satu\",\"kind\":\"constituent\"}", NULL);
	str b = put_new(&w, &lead, "organisation", "{\"name\":\"Bank Dua\",\"kind\":\"constituent\"}", NULL);
	struct uuid ua = { { 0 } };
	str type;
	CHECK(record_id_parse(a, &type, &ua));
	struct viewer person = person_of(ua, 3);
	const char *of_a = arena_fmt(w.a, ",\"organisation\":\"" STR_FMT "\"", STR_ARG(a)).p;
	const char *of_b = arena_fmt(w.a, ",\"organisation\":\"" STR_FMT "\"", STR_ARG(b)).p;
	str mine = incident(&w, "Phishing page of Satu", "{\"address\":\"192.0.2.7\"}", of_a, NULL);
	(void)incident(&w, "Phishing page of Dua", "{\"address\":\"192.0.2.7\"}", of_b, NULL);
	(void)incident(&w, "Phishing page of us", "{\"address\":\"192.0.2.7\"}", "", NULL);
	str red = incident(&w, "Phishing page in red", "{\"address\":\"192.0.2.7\"}", of_a, "{\"tlp\":\"RED\",\"named\":[\"account:1\"]}");
	CHECK_INT(similar(&w, &lead, mine, &list), 3);
	CHECK_INT(similar(&w, &person, mine, &list), 0);
	size_t n = similar(&w, &viewer, mine, &list);
	CHECK_INT(n, 2);
	for (size_t i = 0; i < n; i++)
		CHECK(!str_eq(list[i].id, red));
	struct reader *r = begin(&w);
	CHECK_RC(similar_cases(r, types_of(&w), &person, red, STR("en"), w.a, &list, &n, &err), RC_ABSENT, err);
	store_read_end(r);
	world_end(&w);
}

static const struct {
	const char *what, *text, *rows;
} texts[] = {
	{ "addresses, one a line", "192.0.2.1\n192.0.2.2\n", "{\"address\":\"192.0.2.1/32\"},{\"address\":\"192.0.2.2/32\"}" },
	{ "defanged in prose", "We saw hxxp://bad[.]example[.]org/x and 192[.]0[.]2[.]9, today.",
	  "{\"url\":\"http://bad.example.org/x\"},{\"address\":\"192.0.2.9/32\"}" },
	{ "a domain alone on its line", "bad.example.org\n", "{\"domain\":\"bad.example.org\"}" },
	{ "a domain in prose is prose", "the site e.g.example works", "" },
	{ "a mail address is none", "abuse@example.org", "" },
	{ "a digest", "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	  "{\"digest\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}" },
	{ "a time is none", "at 12:30 on 2026-11-20", "" },
	{ "nothing", "", "" },
};

TEST(in_a_text)
{
	struct world w = cases_new();
	struct case_type t;
	CHECK(case_type_find(types_of(&w), &t));
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct buf b = BUF_INIT(KIB(64));
		struct json_out j = json_out(&b);
		size_t n = 0;
		json_open(&j, '[');
		indicators_in_text(t.indicators, str_of(texts[i].text), &j, &n);
		json_close(&j, ']');
		str want = arena_fmt(w.a, "[%s]", texts[i].rows);
		CHECK_MSG(str_eq(buf_str(&b), want), "%s: " STR_FMT, texts[i].what, STR_ARG(buf_str(&b)));
		buf_free(&b);
	}
	world_end(&w);
}

TEST_MAIN(TEST_RUN(by_indicator), TEST_RUN(what_stands_is_looked_at), TEST_RUN(best_first),
	  TEST_RUN(only_what_may_be_seen), TEST_RUN(in_a_text))
