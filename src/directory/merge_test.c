/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/records_world.h"

#include <json-c/json.h>

#include "directory/merge.h"
#include "disclosure/told.h"
#include "route/directory_records.h"

struct desk {
	struct world w;
	struct directory_records *d;
	struct viewer lead;
};

static struct desk desk_new(void)
{
	struct desk p = { .w = world_new(), .lead = staff(LEAD | LIAISON | DUTY | ANALYST, 1) };
	CHECK_RC(directory_records_open(p.w.s, p.w.r, &p.d, &err), RC_OK, err);
	return p;
}

static void desk_end(struct desk *p)
{
	directory_records_close(p->d);
	world_end(&p->w);
}

static str add(struct desk *p, const char *type, const char *fields)
{
	struct record_view v;
	const struct change_request q = { .type = str_of(type), .fields = str_of(fields) };
	CHECK_RC(change(&p->w, &p->lead, &q, &v), RC_OK, err);
	str id = v.record ? record_view_id(&v, p->w.a) : STR("");
	record_view_end(&v);
	return id;
}

/* Its body, as JSON. */
static str body(struct desk *p, str id)
{
	struct reader *r = begin(&p->w);
	struct record_view v = { 0 };
	CHECK_RC(read_record(r, types_of(&p->w), &p->lead, id, p->w.a, &v, &err), RC_OK, err);
	str s = v.body ? arena_str(p->w.a, str_of(json_object_to_json_string_ext(v.body, JSON_C_TO_STRING_PLAIN))) : STR("");
	record_view_end(&v);
	store_read_end(r);
	return s;
}

static bool links_of(void *ctx, const struct link_view *l)
{
	struct buf *b = ctx;
	buf_fmt(b, "%s" STR_FMT " " STR_FMT "\n", l->outward ? "" : "< ", STR_ARG(l->kind), STR_ARG(l->other));
	return true;
}

static int by_line(const void *x, const void *y)
{
	return str_cmp(*(const str *)x, *(const str *)y);
}

/* In order, whatever order they were made in. */
static str links(struct desk *p, str id)
{
	struct reader *r = begin(&p->w);
	struct buf b = BUF_INIT(KIB(64)), sorted = BUF_INIT(KIB(64));
	str lines[50], rest;
	size_t n = 0;
	CHECK_RC(read_record_links(r, types_of(&p->w), &p->lead, id, p->w.a, links_of, &b, &err), RC_OK, err);
	store_read_end(r);
	for (rest = buf_str(&b); n < COUNT_OF(lines) && str_line(&rest, &lines[n]);)
		n++;
	qsort(lines, n, sizeof(*lines), by_line);
	for (size_t i = 0; i < n; i++) {
		buf_add(&sorted, lines[i]);
		buf_char(&sorted, '\n');
	}
	str s = arena_str(p->w.a, buf_str(&sorted));
	buf_free(&b);
	buf_free(&sorted);
	return s;
}

static void link_them(struct desk *p, str from, const char *kind, str to)
{
	int64_t id;
	CHECK_RC(change_link(p->w.r, p->w.s, &p->lead, from, str_of(kind), to, STR("because"), &id, &err), RC_OK, err);
}

static const char first[] =
	"{\"name\":\"Team A\",\"kind\":\"csirt\",\"country\":\"ID\",\"contacts\":[{\"role\":\"abuse\",\"email\":\"abuse@a.example.org\"}],"
	"\"constituency\":[{\"kind\":\"asn\",\"value\":\"AS64500\",\"role\":\"holder\"}],\"external\":[\"ti:Team A\"]}";
static const char second[] =
	"{\"name\":\"Team-A of Example\",\"kind\":\"csirt\",\"country\":\"ID\",\"website\":\"https://a.example.org/\",\"contacts\":["
	"{\"role\":\"abuse\",\"email\":\"Abuse@a.example.org\"},{\"role\":\"security\",\"phone\":\"+62 21 5550100\"}],"
	"\"constituency\":[{\"kind\":\"network\",\"value\":\"192.0.2.0/24\",\"role\":\"holder\"}],\"external\":[\"first:a\"]}";

TEST(one_of_two_and_back)
{
	struct desk p = desk_new();
	struct merge_done done;
	str a = add(&p, "organisation", first), b = add(&p, "organisation", second);
	str who = add(&p, "person", arena_fmt(p.w.a, "{\"name\":\"Person A\",\"organisation\":\"" STR_FMT "\"}", STR_ARG(b)).p);
	str note = add(&p, "note", "{\"title\":\"T\"}");
	link_them(&p, note, "related", b);
	link_them(&p, b, "related", note);
	link_them(&p, note, "related", a);
	str before_a = body(&p, a), before_b = body(&p, b), before_who = body(&p, who);
	str links_a = links(&p, a), links_b = links(&p, b), links_note = links(&p, note);
	CHECK_RC(organisations_merge(p.w.r, p.w.s, &p.lead, a, b, STR(""), p.w.a, &done, &err), RC_INPUT, err);
	CHECK_RC(organisations_merge(p.w.r, p.w.s, &p.lead, a, a, STR("x"), p.w.a, &done, &err), RC_INPUT, err);
	CHECK_RC(organisations_merge(p.w.r, p.w.s, &p.lead, a, note, STR("x"), p.w.a, &done, &err), RC_INPUT, err);
	CHECK_STR(body(&p, b), before_b);

	CHECK_RC(organisations_merge(p.w.r, p.w.s, &p.lead, a, b, STR("the same team"), p.w.a, &done, &err), RC_OK, err);
	CHECK_INT(done.links, 2);
	CHECK_INT(done.references, 1);
	CHECK_INT(done.left, 0);
	str now = body(&p, a);
	CHECK(holds(now, "\"name\":\"Team A\"") && holds(now, "Team-A of Example") && holds(now, "first:a") &&
	      holds(now, "ti:Team A") && holds(now, "192.0.2.0") && holds(now, "AS64500") && holds(now, "+62 21 5550100"));
	CHECK(!holds(now, "Abuse@a.example.org")); /* the same desk */
	CHECK(holds(body(&p, who), a.p));
	CHECK(holds(body(&p, b), a.p)); /* its successor */
	CHECK(holds(links(&p, b), "duplicate-of"));
	CHECK(holds(links(&p, a), "related"));
	CHECK(!holds(links(&p, b), "related"));
	/* merged once */
	CHECK_RC(organisations_merge(p.w.r, p.w.s, &p.lead, a, b, STR("again"), p.w.a, &done, &err), RC_INPUT, err);

	CHECK_RC(organisations_unmerge(p.w.r, p.w.s, &p.lead, a, STR(""), p.w.a, &done, &err), RC_ABSENT, err);
	CHECK_RC(organisations_unmerge(p.w.r, p.w.s, &p.lead, b, STR("two after all"), p.w.a, &done, &err), RC_OK, err);
	CHECK_STR(body(&p, a), before_a);
	CHECK_STR(body(&p, b), before_b);
	CHECK_STR(body(&p, who), before_who);
	CHECK_STR(links(&p, a), links_a);
	CHECK_STR(links(&p, b), links_b);
	CHECK_STR(links(&p, note), links_note);
	CHECK_RC(organisations_unmerge(p.w.r, p.w.s, &p.lead, b, STR("again"), p.w.a, &done, &err), RC_ABSENT, err);
	desk_end(&p);
}

static str password_of(struct desk *p, str id)
{
	struct reader *r = begin(&p->w);
	struct addressee who = { 0 };
	CHECK_RC(told_addressee(reader_conn(r), types_of(&p->w), id, p->w.a, &who, &err), RC_OK, err);
	str s = arena_str(p->w.a, json_get_str(who.body, "file_password"));
	json_free(who.body);
	store_read_end(r);
	return s;
}

TEST(passwords_go_unseen)
{
	/* of both, then of the one kept when they are one; "" none */
	static const char *const cases[][3] = {
		{ "ours of two", "theirs of two", "ours of two" }, { "ours of two", "", "ours of two" },
		{ "", "theirs of two", "theirs of two" }, { "", "", "" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct desk p = desk_new();
		struct merge_done done;
		str id[2];
		for (size_t k = 0; k < 2; k++) {
			bool has = cases[i][k][0];
			id[k] = add(&p, "organisation", arena_fmt(p.w.a, "{\"name\":\"Team %zu\",\"kind\":\"csirt\"%s%s%s}", k,
				has ? ",\"file_password\":\"" : "", cases[i][k], has ? "\"" : "").p);
		}
		CHECK_RC(organisations_merge(p.w.r, p.w.s, &p.lead, id[0], id[1], STR("one"), p.w.a, &done, &err), RC_OK, err);
		CHECK_STR(password_of(&p, id[0]), str_of(cases[i][2]));
		CHECK(!holds(body(&p, id[0]), " of two") && !holds(body(&p, id[1]), " of two"));
		CHECK_RC(organisations_unmerge(p.w.r, p.w.s, &p.lead, id[1], STR("two"), p.w.a, &done, &err), RC_OK, err);
		for (size_t k = 0; k < 2; k++)
			CHECK_STR(password_of(&p, id[k]), str_of(cases[i][k]));
		desk_end(&p);
	}
}

TEST(changed_since)
{
	struct desk p = desk_new();
	struct merge_done done;
	str a = add(&p, "organisation", first), b = add(&p, "organisation", second);
	CHECK_RC(organisations_merge(p.w.r, p.w.s, &p.lead, a, b, STR("the same"), p.w.a, &done, &err), RC_OK, err);
	const struct change_request q = { .id = a, .fields = STR("{\"remarks\":\"later\"}") };
	CHECK_RC(change(&p.w, &p.lead, &q, NULL), RC_OK, err);
	str now = body(&p, a);
	CHECK_RC(organisations_unmerge(p.w.r, p.w.s, &p.lead, b, STR(""), p.w.a, &done, &err), RC_CONFLICT, err);
	CHECK_STR(body(&p, a), now);
	desk_end(&p);
}

TEST(not_everybodys)
{
	struct desk p = desk_new();
	struct merge_done done;
	struct viewer viewer = staff(VIEWER, 2);
	str a = add(&p, "organisation", first), b = add(&p, "organisation", second);
	CHECK_RC(organisations_merge(p.w.r, p.w.s, &viewer, a, b, STR("x"), p.w.a, &done, &err), RC_DENIED, err);
	CHECK(!holds(body(&p, a), "first:a"));
	viewer.as.personal_basis = false; /* sees no contacts: would lose them */
	viewer.roles = LEAD;
	CHECK_RC(organisations_merge(p.w.r, p.w.s, &viewer, a, b, STR("x"), p.w.a, &done, &err), RC_DENIED, err);
	desk_end(&p);
}

TEST(duplicates_have_reasons)
{
	struct desk p = desk_new();
	struct duplicate *list;
	size_t n;
	bool more;
	struct reader *r;
	static const char *const orgs[] = {
		"{\"name\":\"PT Bank Kelapa\",\"kind\":\"constituent\",\"country\":\"ID\",\"website\":\"https://www.kelapa.example.org/\"}",
		"{\"name\":\"Bank Kelapa (Persero) Tbk\",\"kind\":\"constituent\",\"country\":\"ID\"}",
		"{\"name\":\"Somebody else\",\"kind\":\"vendor\",\"website\":\"https://kelapa.example.org/x\",\"external\":[\"ti:K\"]}",
		"{\"name\":\"Universitas Pantai\",\"kind\":\"constituent\"}",
		"{\"name\":\"Universitas Pantia\",\"kind\":\"constituent\"}",
		"{\"name\":\"Branch 12\",\"kind\":\"other\"}",
		"{\"name\":\"Branch 13\",\"kind\":\"other\"}",
		"{\"name\":\"Bank Kelapa\",\"kind\":\"constituent\",\"country\":\"MY\"}",
		"{\"name\":\"K\",\"kind\":\"csirt\",\"external\":[\"ti:K\"]}",
	};
	for (size_t i = 0; i < COUNT_OF(orgs); i++)
		add(&p, "organisation", orgs[i]);
	r = begin(&p.w);
	CHECK_RC(duplicates_find(r, types_of(&p.w), &p.lead, p.w.a, &list, &n, &more, &err), RC_OK, err);
	store_read_end(r);
	struct buf b = BUF_INIT(KIB(16));
	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%llu %llu " STR_FMT "\n", (unsigned long long)list[i].a_number,
			(unsigned long long)list[i].b_number, STR_ARG(list[i].why));
	CHECK_STR(buf_str(&b), STR("3 9 same id elsewhere 'ti:K'\n1 3 same web site 'kelapa.example.org'\n"
				   "1 2 nearly the same name\n4 5 nearly the same name\n"));
	CHECK(!more);
	buf_free(&b);
	desk_end(&p);
}

TEST_MAIN(TEST_RUN(one_of_two_and_back), TEST_RUN(passwords_go_unseen), TEST_RUN(changed_since), TEST_RUN(not_everybodys),
	  TEST_RUN(duplicates_have_reasons))
