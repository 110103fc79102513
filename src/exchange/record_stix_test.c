/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/record_stix.h"

#include <json-c/json.h>

#include "base/test.h"
#include "disclosure/records_world.h"
#include "stix/stix_read.h"

#define NODE "6f2c1c0e-3f52-4f0e-9a55-6f5a0f7f9a01"

struct written {
	struct buf all;
	size_t carriers;
};

static bool keep(void *ctx, const struct stix_given *o)
{
	struct written *w = ctx;
	buf_add(&w->all, w->all.n ? STR(",") : STR("{\"objects\":["));
	buf_add(&w->all, o->json);
	w->carriers += o->part == STIX_CARRIER;
	return true;
}

/* What `v` is told of `id`, as an envelope; in the world's arena. */
static str envelope_of(struct world *w, const struct viewer *v, str id, str *body)
{
	struct reader *r = begin(w);
	struct record_view view;
	struct stix_record s;
	struct written out = { .all = BUF_INIT(MIB(4)) };
	struct stix_writer *writer = stix_writer_new(STR(NODE), STR("Team B"), keep, &out);
	CHECK_RC(read_record(r, types_of(w), v, id, w->a, &view, &err), RC_OK, err);
	CHECK_RC(record_stix(&view, types_of(w), STR(NODE), w->a, &s, &err), RC_OK, err);
	CHECK_RC(stix_write_record(writer, &s, &err), RC_OK, err);
	*body = arena_str(w->a, str_of(json_object_to_json_string_ext(view.body, JSON_C_TO_STRING_PLAIN |
									 JSON_C_TO_STRING_NOSLASHESCAPE)));
	record_stix_end(&s);
	record_view_end(&view);
	store_read_end(r);
	stix_writer_free(writer);
	buf_add(&out.all, STR("]}"));
	CHECK_INT(out.carriers, 1);
	str text = arena_str(w->a, buf_str(&out.all));
	buf_free(&out.all);
	return text;
}

/* The carrier of an envelope, read again. */
static struct stix_object *carrier(struct world *w, str envelope)
{
	struct stix_object *o;
	size_t count;
	CHECK_RC(stix_read(envelope, 100, w->a, &o, &count, &err), RC_OK, err);
	for (size_t i = 0; i < count; i++)
		CHECK_MSG(o[i].what != STIX_BAD && o[i].what != STIX_FOREIGN, STR_FMT ": " STR_FMT, STR_ARG(o[i].text), STR_ARG(o[i].words));
	for (size_t i = 0; i < count; i++)
		if (o[i].what == STIX_OUR_RECORD)
			return &o[i];
	CHECK_MSG(false, "no carrier: " STR_FMT, STR_ARG(envelope));
	return &o[0];
}

static struct uuid make_one(struct world *w, const char *type, const char *fields, const char *labels)
{
	struct viewer lead = staff(LEAD | ANALYST | DUTY | LIAISON, 1);
	struct record_view view;
	const struct change_request q = { .type = str_of(type), .fields = str_of(fields), .labels = str_of(labels) };
	CHECK_RC(change(w, &lead, &q, &view), RC_OK, err);
	struct uuid id = view.record ? view.record->id : (struct uuid){ { 0 } };
	record_view_end(&view);
	return id;
}

/* Every type that may be exchanged, but those that lead people only set up: what stands in its object. */
static const struct { const char *type, *fields; const char *const has[8]; } made[] = {
	{ "incident", "{\"title\":\"A \\\"b\\\"\",\"class\":\"fraud\",\"rsit_type\":\"phishing\",\"severity\":\"high\",\"summary\":\"what\"}",
	  { "\"type\":\"incident\"", "\"name\":\"A \\\"b\\\"\"", "\"description\":\"what\"", "\"labels\":[\"rsit:phishing\"]",
	    "\"extension_type\":\"property-extension\",\"determination\":\"suspected\",\"investigation_status\":\"new\",\"criticality\":75" } },
	{ "warning", "{\"title\":\"W\",\"urgency\":\"now\",\"summary\":\"s\",\"advice\":\"a\"}",
	  { "\"type\":\"report\"", "\"description\":\"s\\n\\na\"", "\"report_types\":[\"threat-report\"]", "\"published\":\"", "\"object_refs\":[\"identity--" } },
	{ "note", "{\"title\":\"N\",\"text_body\":\"t\",\"language\":\"id\"}",
	  { "\"type\":\"note\"", "\"abstract\":\"N\"", "\"content\":\"t\"", "\"lang\":\"id\"" } },
	{ "note", "{\"title\":\"N\"}", { "\"content\":\"N\"" } },
	{ "campaign", "{\"title\":\"C\",\"from\":\"2026-11-01\",\"until\":\"2026-11-20\"}",
	  { "\"type\":\"campaign\"", "\"first_seen\":\"2026-11-01T00:00:00.000Z\"", "\"last_seen\":\"2026-11-20T00:00:00.000Z\"" } },
	{ "plan", "{\"title\":\"P\",\"purpose\":\"p\"}", { "\"type\":\"course-of-action\"", "\"description\":\"p\"" } },
	{ "organisation", "{\"name\":\"O\",\"kind\":\"csirt\",\"sector\":\"finance\",\"website\":\"https://example.org/\"}",
	  { "\"type\":\"identity\"", "\"identity_class\":\"organization\"", "\"sectors\":[\"financial-services\"]", "\"roles\":[\"csirt\"]",
	    "\"contact_information\":\"https:\\/\\/example.org\\/\"" } },
	{ "organisation", "{\"name\":\"O\",\"kind\":\"other\",\"sector\":\"other\"}", { "\"name\":\"O\"" } },
};

TEST(there_and_back)
{
	struct world w = world_new();
	const struct viewer lead = staff(LEAD | ANALYST, 1);
	for (size_t i = 0; i < COUNT_OF(made); i++) {
		str body, id = id_str(&w, made[i].type, &(struct uuid){ { 0 } });
		const struct uuid u = make_one(&w, made[i].type, made[i].fields, "{\"tlp\":\"GREEN\"}");
		id = id_str(&w, made[i].type, &u);
		str envelope = envelope_of(&w, &lead, id, &body);
		const struct stix_object *o = carrier(&w, envelope);
		CHECK_STR(o->item, id);
		CHECK_STR(o->id, record_stix_id(types_of(&w), id, w.a));
		CHECK_INT(o->tlp, TLP_GREEN);
		/* byte for byte what he may see, and from where */
		str want = arena_fmt(w.a, "\"body\":" STR_FMT "}", STR_ARG(body));
		CHECK_MSG(str_ends(o->text, want), STR_FMT " ends not in " STR_FMT, STR_ARG(o->text), STR_ARG(want));
		CHECK(str_starts(o->text, arena_fmt(w.a, "{\"id\":\"" STR_FMT "\",\"type\":\"%s\",\"type_version\":", STR_ARG(id), made[i].type)));
		CHECK(holds(o->text, "\"version\":1,\"origin\":\"" NODE "\""));
		for (size_t k = 0; k < COUNT_OF(made[i].has) && made[i].has[k]; k++)
			CHECK_MSG(holds(envelope, made[i].has[k]), "%s: no %s in " STR_FMT, made[i].type, made[i].has[k], STR_ARG(envelope));
		CHECK(!holds(envelope, ":[]")); /* STIX has no empty lists */
		CHECK(!holds(envelope, ":null"));
	}
	world_end(&w);
}

/* A type without a word about STIX; what may not be seen is nowhere. */
TEST(what_is_cut_is_nowhere)
{
	struct world w = world_new();
	str organisation = id_str(&w, "organisation", &house_a), body;
	const struct uuid u = make(&w, organisation, "{\"tlp\":\"AMBER+STRICT\"}", 7);
	str id = id_str(&w, "incident", &u);
	const struct viewer them = person_of(house_a, 5);
	str envelope = envelope_of(&w, &them, id, &body);
	CHECK(holds(envelope, "canary title 7") && holds(envelope, "canary-party"));
	CHECK(!holds(envelope, "canary-team") && !holds(envelope, "canary-block"));
	CHECK(holds(envelope, "\"relationship_type\":\"related-to\"") && holds(envelope, "\"target_ref\":\"identity--"));
	CHECK_INT(carrier(&w, envelope)->tlp, TLP_AMBER_STRICT);
	CHECK_STR(record_stix_id(types_of(&w), STR("stranger--1"), w.a), STR("note--1"));
	world_end(&w);
}

TEST(all_types_that_may_go)
{
	struct world w = world_new();
	for (size_t i = 0; i < types_count(types_of(&w)); i++) {
		const struct type *t = types_at(types_of(&w), i);
		CHECK_MSG(!t->stix || t->exchange, "%s is a STIX object and may not go", t->name);
	}
	for (size_t i = 0; i < COUNT_OF(made); i++)
		CHECK_MSG(types_find(types_of(&w), str_of(made[i].type))->exchange, "%s", made[i].type);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(there_and_back), TEST_RUN(what_is_cut_is_nowhere), TEST_RUN(all_types_that_may_go))
