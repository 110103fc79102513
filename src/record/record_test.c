/* SPDX-License-Identifier: Apache-2.0 */
#include "record/record_world.h"

#include "base/json.h"

static const struct types *types(struct world *w)
{
	return snapshot_table(w->held);
}

static struct reader *reading(struct world *w)
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	return r;
}

static struct record load(struct world *w, struct uuid id)
{
	struct record r = { 0 };
	struct reader *rd = reading(w);
	CHECK_RC(record_load(reader_conn(rd), types(w), id, w->a, &r, &err), RC_OK, err);
	store_read_end(rd);
	return r;
}

/* --- labels --- */

static const struct {
	const char *what;
	str json;
	enum rc rc;
	enum tlp tlp;
	enum pap pap;
	const char *canonical;
} label_cases[] = {
	{ "nothing", STR_INIT(""), RC_OK, TLP_AMBER, PAP_AMBER, "{\"tlp\":\"AMBER\"}" },
	{ "empty", STR_INIT("{}"), RC_OK, TLP_AMBER, PAP_AMBER, "{\"tlp\":\"AMBER\"}" },
	{ "order", STR_INIT("{\"held\":true,\"pap\":\"pap:green\",\"tlp\":\"TLP:green\"}"), RC_OK,
	  TLP_GREEN, PAP_GREEN, "{\"tlp\":\"GREEN\",\"pap\":\"GREEN\",\"held\":true}" },
	{ "false is nothing", STR_INIT("{\"tlp\":\"CLEAR\",\"exercise\":false}"), RC_OK, TLP_CLEAR,
	  PAP_CLEAR, "{\"tlp\":\"CLEAR\"}" },
	{ "unknown marking", STR_INIT("{\"tlp\":\"PURPLE\"}"), RC_OK, TLP_COUNT, PAP_RED,
	  "{\"tlp\":\"PURPLE\"}" },
	{ "an empty permission is not understood, and stays so",
	  STR_INIT("{\"tlp\":\"CLEAR\",\"pap\":\"\"}"), RC_OK, TLP_CLEAR, PAP_COUNT,
	  "{\"tlp\":\"CLEAR\",\"pap\":\"\"}" },
	{ "unknown permission", STR_INIT("{\"pap\":\"MAUVE\"}"), RC_OK, TLP_AMBER, PAP_COUNT,
	  "{\"tlp\":\"AMBER\",\"pap\":\"MAUVE\"}" },
	{ "unknown member", STR_INIT("{\"zz\":[1, 2],\"tpl\":\"RED\",\"tlp\":\"GREEN\"}"), RC_OK,
	  TLP_COUNT, PAP_RED, "{\"tlp\":\"GREEN\",\"tpl\":\"RED\",\"zz\":[1, 2]}" },
	{ "named", STR_INIT("{\"tlp\":\"RED\",\"named\":[\"account:3\",\"account:9\"]}"), RC_OK,
	  TLP_RED, PAP_RED, "{\"tlp\":\"RED\",\"named\":[\"account:3\",\"account:9\"]}" },
	{ "audience",
	  STR_INIT("{\"audience\":[\"organisation--0FB7E6AE-5B0C-4D3F-9A5E-0123456789AB\"]}"), RC_OK,
	  TLP_AMBER, PAP_AMBER,
	  "{\"tlp\":\"AMBER\",\"audience\":[\"organisation--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab\"]}" },
	{ "audience of people", STR_INIT("{\"audience\":[\"account:3\"]}"), RC_INPUT, 0, 0, NULL },
	{ "no object", STR_INIT("[]"), RC_INPUT, 0, 0, NULL },
	{ "no text", STR_INIT("{\"tlp\":3}"), RC_INPUT, 0, 0, NULL },
	{ "no flag", STR_INIT("{\"held\":\"yes\"}"), RC_INPUT, 0, 0, NULL },
	{ "no list", STR_INIT("{\"named\":\"account:3\"}"), RC_INPUT, 0, 0, NULL },
	{ "an object as list", STR_INIT("{\"named\":{\"a\":1}}"), RC_INPUT, 0, 0, NULL },
	{ "twice", STR_INIT("{\"tlp\":\"CLEAR\",\"tlp\":\"RED\"}"), RC_INPUT, 0, 0, NULL },
};

TEST(labels)
{
	struct arena *a = arena_new(KIB(4));
	for (size_t i = 0; i < COUNT_OF(label_cases); i++) {
		struct labels_of l, again;
		enum rc rc = labels_parse(label_cases[i].json, a, &l, &err);
		CHECK_MSG(rc == label_cases[i].rc, "%s: %s", label_cases[i].what, err.text);
		if (rc != RC_OK || label_cases[i].rc != RC_OK)
			continue;
		CHECK_MSG(l.tlp == label_cases[i].tlp && l.pap == label_cases[i].pap, "%s: %d %d",
			  label_cases[i].what, (int)l.tlp, (int)l.pap);
		CHECK_STR(l.json, str_of(label_cases[i].canonical));
		CHECK_RC(labels_parse(l.json, a, &again, &err), RC_OK, err);
		CHECK_STR(again.json, l.json);
		CHECK(again.tlp == l.tlp);
	}
	struct labels_of l;
	struct buf many = BUF_INIT(MIB(1));
	buf_add(&many, STR("{\"named\":[\"a\""));
	for (int i = 0; i < RECORD_NAMED_MAX; i++)
		buf_add(&many, STR(",\"b\""));
	buf_add(&many, STR("]}"));
	CHECK_RC(labels_parse(buf_str(&many), a, &l, &err), RC_LIMIT, err);
	/* short as it came, and six times as long as it would be written */
	buf_reset(&many);
	buf_add(&many, STR("{\"x"));
	for (int i = 0; i < 20000; i++)
		buf_char(&many, '\x7f');
	buf_add(&many, STR("\":1}"));
	CHECK_RC(labels_parse(buf_str(&many), a, &l, &err), RC_LIMIT, err);
	buf_free(&many);
	arena_free(a);
}

/* --- ids --- */

static const struct {
	const char *text;
	bool ok;
} id_cases[] = {
	{ "incident--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab", true },
	{ "x-1--0FB7E6AE-5b0c-4d3f-9a5e-0123456789ab", true },
	{ "incident-0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab", false },
	{ "--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab", false },
	{ "Incident--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab", false },
	{ "../x--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab", false },
	{ "incident--0fb7e6ae-5b0c-4d3f-9a5e-0123456789abc", false },
	{ "incident--", false },
	{ "abcdefghijklmnopqrstuvwxyzabcdefgh--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab", false },
	{ "", false },
};

TEST(ids)
{
	for (size_t i = 0; i < COUNT_OF(id_cases); i++) {
		str type;
		struct uuid id;
		CHECK_MSG(record_id_parse(str_of(id_cases[i].text), &type, &id) == id_cases[i].ok, "%s",
			  id_cases[i].text);
	}
}

/* --- changing --- */

TEST(create_edit_move)
{
	struct world w = world_new();
	struct record one = world_case_new(&w, "{\"title\":\"A\",\"severity\":\"low\",\"tags\":[\"x\"]}");
	CHECK_INT(one.version, 1);
	CHECK_INT(one.number, 1);
	CHECK_STR(one.state_name, STR("new"));
	CHECK_STR(one.title, STR("A"));
	CHECK_STR(one.origin, store_node_id(w.s));
	CHECK_STR(one.labels.json, STR("{\"tlp\":\"AMBER\"}"));
	struct record got = load(&w, one.id), next;
	CHECK_STR(got.body, one.body);
	CHECK(memcmp(got.hash.b, one.hash.b, 32) == 0);
	CHECK(got.type == w.t && got.state == 0 && !got.erased && !got.sealed);

	struct record_change c = { .type = w.t, .id = one.id, .based_on = 1, .to_state = -1,
				   .fields = STR("{\"title\":\"B\",\"tags\":null}"),
				   .actor = STR("account:2"), .why = STR("because") };
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	CHECK_INT(next.version, 2);
	CHECK_STR(next.body, STR("{\"title\":\"B\",\"severity\":\"low\"}"));
	CHECK_STR(next.author, STR("account:2"));
	CHECK(next.created_us == one.created_us);
	/* the same again changes nothing, also in another order */
	c.based_on = 2;
	c.fields = STR("{\"severity\":\"low\",\"title\":\"B\"}");
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	CHECK_INT(next.version, 2);
	/* from an old version: what stands is given, nothing is lost */
	c.based_on = 1;
	c.fields = STR("{\"title\":\"C\"}");
	CHECK_RC(world_put(&w, &c, &next), RC_CONFLICT, err);
	CHECK_INT(next.version, 2);
	CHECK_STR(next.title, STR("B"));
	/* moves */
	c = (struct record_change){ .type = w.t, .id = one.id, .to_state = 2, .actor = STR("account:2") };
	CHECK_RC(world_put(&w, &c, &next), RC_INPUT, err);
	CHECK_STR(str_of(err.text), STR("it cannot go from 'new' to 'closed'"));
	c.to_state = 1;
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	CHECK_INT(next.version, 3);
	CHECK_STR(next.state_name, STR("open"));
	c.to_state = 2; /* an outcome is required there */
	CHECK_RC(world_put(&w, &c, &next), RC_INPUT, err);
	c.fields = STR("{\"outcome\":\"done\"}");
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	CHECK_STR(next.state_name, STR("closed"));
	c.to_state = 77;
	CHECK_RC(world_put(&w, &c, &next), RC_INPUT, err);
	struct record two = world_case_new(&w, "{\"title\":\"Z\"}");
	CHECK_INT(two.number, 2);
	struct reader *rd = reading(&w);
	CHECK_RC(record_load_number(reader_conn(rd), w.t, 2, w.a, &got, &err), RC_OK, err);
	CHECK(uuid_equal(&got.id, &two.id));
	CHECK_RC(record_load_number(reader_conn(rd), w.t, 3, w.a, &got, &err), RC_ABSENT, err);
	CHECK_RC(record_load_version(reader_conn(rd), types(&w), one.id, 2, w.a, &got, &err), RC_OK, err);
	CHECK_STR(got.title, STR("B"));
	CHECK_STR(got.why, STR("because"));
	CHECK_RC(record_load_version(reader_conn(rd), types(&w), one.id, 9, w.a, &got, &err), RC_ABSENT,
		 err);
	store_read_end(rd);
	world_end(&w);
}

TEST(a_reason_when_it_is_asked_for)
{
	struct world w = world_new();
	struct record one = world_case_new(&w, "{\"title\":\"A\"}"), next;
	struct record_change c = { .type = w.t, .id = one.id, .to_state = 1, .actor = STR("account:2") };
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	c.to_state = 0;
	c.why = STR("  ");
	CHECK_RC(world_put(&w, &c, &next), RC_INPUT, err);
	c.why = STR("not ours");
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	world_end(&w);
}

static const struct {
	const char *what;
	const char *fields;
	enum rc rc;
} bad_bodies[] = {
	{ "no title", "{}", RC_INPUT },
	{ "unknown name", "{\"title\":\"A\",\"x\":1}", RC_INPUT },
	{ "hostile name", "{\"title\":\"A\",\"'; DROP TABLE record; --\":1}", RC_INPUT },
	{ "wrong kind", "{\"title\":7}", RC_INPUT },
	{ "unknown choice", "{\"title\":\"A\",\"severity\":\"mild\"}", RC_INPUT },
	{ "closed block", "{\"title\":\"A\",\"severity\":\"low\",\"loss\":5}", RC_INPUT },
	{ "no object", "[1]", RC_INPUT },
	{ "no JSON", "{\"title\":", RC_INPUT },
	{ "a name twice", "{\"title\":\"A\",\"title\":\"B\"}", RC_INPUT },
	{ "not UTF-8", "{\"title\":\"\xff\"}", RC_INPUT },
	{ "a file that is not here",
	  "{\"title\":\"A\",\"proof\":{\"digest\":"
	  "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
	  "\"name\":\"a.txt\",\"bytes\":0}}",
	  RC_INPUT },
};

static int64_t count_rows(struct world *w, const char *literal)
{
	struct reader *rd = reading(w);
	struct sql *q = sql(reader_conn(rd), literal);
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(rd);
	return n;
}

TEST(bad_input_changes_nothing)
{
	struct world w = world_new();
	struct record r;
	for (size_t i = 0; i < COUNT_OF(bad_bodies); i++) {
		struct record_change c = { .type = w.t, .fields = str_of(bad_bodies[i].fields),
					   .to_state = -1, .actor = STR("account:1") };
		enum rc rc = world_put(&w, &c, &r);
		CHECK_MSG(rc == bad_bodies[i].rc, "%s: %s %s", bad_bodies[i].what, rc_name(rc), err.text);
	}
	/* a note of 10 MB */
	char *big = x_alloc(MIB(10) + 40);
	memset(big, 'x', MIB(10) + 30);
	memcpy(big, "{\"title\":\"A\",\"remarks\":\"", 24);
	memcpy(big + MIB(10), "\"}", 3);
	struct record_change c = { .type = w.t, .fields = str_of(big), .to_state = -1,
				   .actor = STR("account:1") };
	CHECK_RC(world_put(&w, &c, &r), RC_LIMIT, err);
	memcpy(big + 200100, "\"}", 3);
	c.fields = str_of(big);
	enum rc rc = world_put(&w, &c, &r);
	CHECK_MSG(rc == RC_INPUT || rc == RC_LIMIT, "%s", rc_name(rc));
	free(big);
	c.fields = STR("{\"title\":\"A\"}");
	c.id = uuid_random();
	CHECK_RC(world_put(&w, &c, &r), RC_ABSENT, err);
	/* the id of a record of another type */
	struct record one = world_case_new(&w, "{\"title\":\"A\"}");
	c.id = one.id;
	c.type = types_find(types(&w), STR("note"));
	CHECK_RC(world_put(&w, &c, &r), RC_ABSENT, err);
	CHECK_INT(count_rows(&w, "SELECT count(*) FROM record"), 1);
	CHECK_INT(count_rows(&w, "SELECT count(*) FROM record_version"), 1);
	CHECK_INT(count_rows(&w, "SELECT count(*) FROM record_text"), 1);
	CHECK_INT(count_rows(&w, "SELECT count(*) FROM journal WHERE object LIKE 'case--%@1'"), 1);
	CHECK_INT(count_rows(&w, "SELECT count(*) FROM journal"), 1);
	world_end(&w);
}

TEST(a_block_that_closes_takes_its_values)
{
	struct world w = world_new();
	struct record one = world_case_new(&w, "{\"title\":\"A\",\"severity\":\"theft\",\"loss\":5}"), next;
	struct record_change c = { .type = w.t, .id = one.id, .to_state = -1, .actor = STR("account:1"),
				   .fields = STR("{\"severity\":\"low\"}") };
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	CHECK_STR(next.body, STR("{\"title\":\"A\",\"severity\":\"low\"}"));
	c.fields = STR("{\"loss\":6}");
	CHECK_RC(world_put(&w, &c, &next), RC_INPUT, err);
	world_end(&w);
}

/* --- links --- */

struct linking {
	struct records *r;
	str from, kind, to;
	int64_t id;
};

static enum rc link_job(struct tx *tx, void *ctx, struct err *e)
{
	struct linking *l = ctx;
	return record_link(tx, l->r, l->from, l->kind, l->to, STR("account:1"), STR("why"), &l->id, e);
}

static enum rc unlink_job(struct tx *tx, void *ctx, struct err *e)
{
	struct linking *l = ctx;
	return record_unlink(tx, l->r, l->id, STR("account:1"), STR("no"), e);
}

struct seen_links {
	struct arena *a;
	struct buf text;
};

static bool see_link(void *ctx, const struct record_link *l)
{
	struct seen_links *s = ctx;
	buf_fmt(&s->text, STR_FMT ">" STR_FMT ">" STR_FMT "\n", STR_ARG(str_head(l->from, 12)),
		STR_ARG(l->kind), STR_ARG(str_head(l->to, 12)));
	return true;
}

static str id_text(struct world *w, const struct record *r)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&b, r->type_name, &r->id);
	str text = arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return text;
}

static str links_of(struct world *w, str id)
{
	struct seen_links s = { .text = BUF_INIT(KIB(64)) };
	struct reader *rd = reading(w);
	CHECK_RC(record_links(reader_conn(rd), id, 0, see_link, &s, &err), RC_OK, err);
	store_read_end(rd);
	str text = arena_str(w->a, buf_str(&s.text));
	buf_free(&s.text);
	return text;
}

TEST(links_go_both_ways)
{
	struct world w = world_new();
	struct record one = world_case_new(&w, "{\"title\":\"A\"}");
	str a = id_text(&w, &one);
	char fields[200];
	snprintf(fields, sizeof(fields), "{\"title\":\"B\",\"also\":[\"" STR_FMT "\"]}", STR_ARG(a));
	struct record two = world_case_new(&w, fields), next;
	str b = id_text(&w, &two);
	str ab = arena_fmt(w.a, STR_FMT ">also>" STR_FMT "\n", STR_ARG(str_head(b, 12)),
			   STR_ARG(str_head(a, 12)));
	CHECK_STR(links_of(&w, a), ab);
	CHECK_STR(links_of(&w, b), ab);
	struct linking l = { .r = w.r, .from = a, .kind = STR("related"), .to = b };
	CHECK_RC(store_write(w.s, link_job, &l, &err), RC_OK, err);
	int64_t first = l.id;
	CHECK_RC(store_write(w.s, link_job, &l, &err), RC_OK, err);
	CHECK_INT(l.id, first);
	struct linking f = { .r = w.r, .from = a, .kind = STR("part-of"), .to = STR("finding--00ff") };
	CHECK_RC(store_write(w.s, link_job, &f, &err), RC_OK, err);
	CHECK_STR(links_of(&w, STR("finding--00ff")),
		  arena_fmt(w.a, STR_FMT ">part-of>finding--00f\n", STR_ARG(str_head(a, 12))));
	CHECK_STR(str_head(links_of(&w, a), 12), str_head(a, 12)); /* newest first */
	CHECK_RC(store_write(w.s, unlink_job, &l, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, unlink_job, &l, &err), RC_ABSENT, err);
	CHECK_STR(links_of(&w, b), ab);
	/* and the field's goes with its value */
	struct record_change c = { .type = w.t, .id = two.id, .to_state = -1, .actor = STR("account:1"),
				   .fields = STR("{\"also\":null}") };
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	CHECK_STR(links_of(&w, b), STR(""));
	static const struct {
		const char *from, *kind, *to;
		enum rc rc;
	} bad[] = {
		{ NULL, "related", NULL, RC_INPUT }, /* to itself */
		{ NULL, "Related to", "finding--1", RC_INPUT },
		{ NULL, "", "finding--1", RC_INPUT },
		{ NULL, "related", "finding--../x", RC_INPUT },
		{ NULL, "related", "elsewhere", RC_INPUT },
		{ "finding--1", "related", NULL, RC_INPUT },
		{ NULL, "related", "case--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab", RC_ABSENT },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct linking x = { .r = w.r, .from = bad[i].from ? str_of(bad[i].from) : a,
				     .kind = str_of(bad[i].kind),
				     .to = bad[i].to ? str_of(bad[i].to) : a };
		CHECK_RC(store_write(w.s, link_job, &x, &err), bad[i].rc, err);
	}
	/* the id of a record under another type's name */
	struct linking x = { .r = w.r, .from = a, .kind = STR("related"),
			     .to = arena_fmt(w.a, "note" STR_FMT, STR_ARG(str_from(b, 4))) };
	CHECK_RC(store_write(w.s, link_job, &x, &err), RC_ABSENT, err);
	CHECK_INT(count_rows(&w, "SELECT count(*) FROM journal WHERE act = 'record.link'"), 2);
	CHECK_INT(count_rows(&w, "SELECT count(*) FROM journal WHERE act = 'record.unlink'"), 1);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(labels), TEST_RUN(ids), TEST_RUN(create_edit_move),
	  TEST_RUN(a_reason_when_it_is_asked_for), TEST_RUN(bad_input_changes_nothing),
	  TEST_RUN(a_block_that_closes_takes_its_values), TEST_RUN(links_go_both_ways))
