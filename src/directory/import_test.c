/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/records_world.h"

#include <json-c/json.h>

#include "base/clock.h"
#include "directory/import_private.h"
#include "route/directory_records.h"

static void say(void *ctx, uint64_t row, const char *words)
{
	size_t *count = ctx;
	if (count)
		(*count)++;
	if (!count)
		printf("# row %llu: %s\n", (unsigned long long)row, words);
}

struct ask {
	const char *form;
	str text;
	const char *seen;
	bool overwrite, dry;
};

static struct import_outcome import(struct world *w, const struct ask *q, enum rc want, size_t *told)
{
	struct viewer lead = staff(LEAD, 1);
	struct import_outcome out;
	struct import_run run = { .form = import_form_find(str_of(q->form)), .why = STR("test"), .language = STR(""),
				  .source = STR(""), .overwrite = q->overwrite, .dry_run = q->dry,
				  .in = { .text = q->text, .map = STR(""), .subject = STR(""),
					  .seen_day = draft_day(str_of(q->seen)) } };
	CHECK_RC(import_organisations(w->r, w->s, &lead, &run, say, told, &out, &err), want, err);
	return out;
}

static bool collect(void *ctx, const struct record_view *v)
{
	struct json_out *j = ctx;
	if (json_get_str(v->body, "name").n == 0)
		return true; /* erased */
	record_view_json(v, j);
	buf_char(j->b, '\n');
	j->comma = false;
	return true;
}

/* All organisations as their export has them, without when and by whom. */
static str all(struct world *w)
{
	struct viewer lead = staff(LEAD, 1);
	struct reader *r = begin(w);
	struct buf b = BUF_INIT(MIB(64));
	struct json_out j = json_out(&b);
	struct arena *a = arena_new(KIB(64));
	struct record_query q = { .type = types_find(types_of(w), STR("organisation")), .with_body = true,
				  .after = STR(""), .text = STR("") };
	CHECK_RC(read_records(r, types_of(w), &lead, &q, UINT64_MAX, a, collect, &j, &err), RC_OK, err);
	store_read_end(r);
	arena_free(a);
	str s = arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return s;
}

static size_t lines(str text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

static void undo(struct world *w, int64_t run)
{
	struct viewer lead = staff(LEAD, 1);
	struct bulk_counts n;
	CHECK_RC(bulk_undo(w->r, w->s, &lead, types_find(types_of(w), STR("organisation")), run, STR(""), say, NULL, &n,
			   &err), RC_OK, err);
}

static const char table[] =
	"name,country,email,contact_role,asn,external\n"
	"Team A,ID,abuse@a.example.org,abuse,64500,csv:1\n"
	"Team A,ID,noc@a.example.org,operations,,csv:1\n"
	"Team B,TL,b@example.org,abuse,64501,csv:2\n";

TEST(came_and_came_again)
{
	struct world w = world_new();
	const struct ask first = { "csv", str_of(table), "2026-01-01", false, false };
	struct import_outcome out = import(&w, &first, RC_OK, NULL);
	CHECK_INT(out.bulk.added, 2);
	CHECK_INT(out.contacts, 3);
	CHECK_INT(out.claims, 2);
	CHECK(out.bulk.run > 0);
	str once = all(&w);
	CHECK_INT(lines(once), 2);
	CHECK(holds(once, "\"email\":\"noc@a.example.org\",\"source\":\"csv\",\"seen\":\"2026-01-01\",\"trust\":80") ||
	      holds(once, "noc@a.example.org"));
	int64_t run = out.bulk.run;
	out = import(&w, &first, RC_OK, NULL);
	CHECK_INT(out.bulk.same, 2);
	CHECK_INT(out.bulk.added + out.bulk.changed, 0);
	CHECK_INT(out.bulk.run, 0);
	CHECK_STR(all(&w), once);
	/* a week later nothing moves; a season later the day does */
	out = import(&w, &(struct ask){ "csv", str_of(table), "2026-01-08", false, false }, RC_OK, NULL);
	CHECK_INT(out.bulk.same, 2);
	out = import(&w, &(struct ask){ "csv", str_of(table), "2026-04-01", false, true }, RC_OK, NULL);
	CHECK_INT(out.bulk.changed, 2);
	CHECK_STR(all(&w), once); /* dry */
	undo(&w, run);
	CHECK_STR(all(&w), STR(""));
	world_end(&w);
}

/* The body of the one organisation with this word in it. */
static struct json_object *body_with(struct world *w, const char *word, str *id)
{
	str text = all(w), line;
	struct json_object *o = NULL;
	while (str_line(&text, &line))
		if (holds(line, word) && json_read(line, &o, &err) == RC_OK)
			break;
	*id = arena_str(w->a, json_get_str(o, "id"));
	return o;
}

static str cell(struct json_object *o, size_t row, const char *name)
{
	str s = json_get_str(json_at(json_get(json_get(o, "body"), "contacts"), row), name);
	return s.p ? s : STR("");
}

TEST(trust_decides)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1);
	str id;
	static const char by_hand[] =
		"{\"name\":\"Team A\",\"kind\":\"csirt\",\"country\":\"ID\",\"contacts\":["
		"{\"role\":\"abuse\",\"name\":\"Desk\",\"email\":\"abuse@a.example.org\",\"order\":1},"
		"{\"role\":\"security\",\"email\":\"old@a.example.org\",\"source\":\"diodb\",\"trust\":35,\"confirmed\":\"2026-01-02\"}]}";
	const struct change_request make = { .type = STR("organisation"), .fields = str_of(by_hand) };
	CHECK_RC(change(&w, &lead, &make, NULL), RC_OK, err);
	static const char teams[] =
		"[{\"short_name\":\"Team A\",\"official_name\":\"Team A of Example\",\"country\":{\"code\":\"ID\"},\"constituency\":{},"
		"\"emails\":[{\"address\":\"abuse@a.example.org\"},{\"address\":\"old@a.example.org\"},{\"address\":\"new@a.example.org\"}]}]";
	struct import_outcome out = import(&w, &(struct ask){ "ti", str_of(teams), "2026-02-01", false, false }, RC_OK, NULL);
	CHECK_INT(out.bulk.changed, 1);
	struct json_object *o = body_with(&w, "Team A", &id);
	CHECK_INT(json_count(json_get(json_get(o, "body"), "contacts")), 3);
	CHECK_STR(cell(o, 0, "name"), STR("Desk"));       /* a person's: not touched */
	CHECK_STR(cell(o, 0, "source"), STR(""));
	CHECK_STR(cell(o, 1, "source"), STR("ti"));       /* trusted less than it: taken over */
	CHECK_STR(cell(o, 1, "confirmed"), STR("2026-01-02"));
	CHECK_STR(cell(o, 2, "email"), STR("new@a.example.org"));
	json_free(o);
	/* a source that is trusted less does not take them back */
	static const char programme[] =
		"[{\"program_name\":\"Team A\",\"policy_url\":\"https://a.example.org/\",\"contact_email\":\"old@a.example.org\"}]";
	out = import(&w, &(struct ask){ "diodb", str_of(programme), "2026-02-01", false, false }, RC_OK, NULL);
	CHECK_INT(out.kept, 1); /* kind: csirt stays */
	o = body_with(&w, "Team A", &id);
	CHECK_STR(cell(o, 1, "source"), STR("ti"));
	CHECK_STR(json_get_str(json_get(o, "body"), "website"), STR("https://a.example.org/"));
	json_free(o);
	/* what its own source no longer says goes, unless it answered once */
	static const char fewer[] =
		"[{\"short_name\":\"Team A\",\"official_name\":\"Team A of Example\",\"country\":{\"code\":\"ID\"},\"constituency\":{},"
		"\"emails\":[]}]";
	out = import(&w, &(struct ask){ "ti", str_of(fewer), "2026-02-01", false, false }, RC_OK, NULL);
	o = body_with(&w, "Team A", &id);
	CHECK_INT(json_count(json_get(json_get(o, "body"), "contacts")), 2);
	CHECK_STR(cell(o, 1, "email"), STR("old@a.example.org"));
	json_free(o);
	world_end(&w);
}

TEST(known_again)
{
	struct world w = world_new();
	const struct ask first = { "csv", str_of(table), "2026-01-01", false, false };
	import(&w, &first, RC_OK, NULL);
	/* another name and country, the same id elsewhere */
	struct import_outcome out = import(&w, &(struct ask){ "csv",
			STR("name,country,external,website\nTeam A renamed,ID,csv:1,https://www.a.example.org/\n"), "2026-01-01",
			false, false }, RC_OK, NULL);
	CHECK_INT(out.bulk.added, 0);
	CHECK_INT(out.bulk.changed, 1);
	/* by its name, folded; by its site */
	out = import(&w, &(struct ask){ "csv", STR("name,country,sector\nTEAM-A,ID,government\n"), "2026-01-01", false, false },
		     RC_OK, NULL);
	CHECK_INT(out.bulk.added, 0);
	out = import(&w, &(struct ask){ "csv", STR("name,website\nWhoever,a.example.org\n"), "2026-01-01", false, false },
		     RC_OK, NULL);
	CHECK_INT(out.bulk.added, 0);
	/* the name alone does not do in another country */
	out = import(&w, &(struct ask){ "csv", STR("name,country\nTeam A,MY\n"), "2026-01-01", false, false }, RC_OK, NULL);
	CHECK_INT(out.bulk.added, 1);
	size_t told = 0;
	out = import(&w, &(struct ask){ "csv", STR("name\nTeam A\n"), "2026-01-01", false, false }, RC_INPUT, &told);
	CHECK_INT(out.bulk.refused, 1);
	CHECK_INT(told, 1);
	CHECK_INT(lines(all(&w)), 3);
	world_end(&w);
}

/* What another answers for already is left out, not the whole file refused. */
TEST(one_claim_one_organisation)
{
	struct world w = world_new();
	struct directory_records *d = NULL;
	size_t told = 0;
	CHECK_RC(directory_records_open(w.s, w.r, &d, &err), RC_OK, err);
	import(&w, &(struct ask){ "csv", STR("name,asn,network,domain\nA,64500,192.0.2.0/24,a.example.org\n"), "2026-01-01", false,
				  false }, RC_OK, NULL);
	struct import_outcome out = import(&w, &(struct ask){ "csv",
			STR("name,asn,network,domain\nB,AS64500,192.0.2.0/25,A.example.org\nC,64501,192.0.2.0/25,\nA,64500,,\n"),
			"2026-01-01", false, false }, RC_OK, &told);
	CHECK_INT(out.bulk.added, 2);
	CHECK_INT(told, 3); /* number and domain of B are A's, the network of C is B's */
	CHECK_INT(out.bulk.changed, 1);
	str text = all(&w);
	CHECK(holds(text, "192.0.2.0\\/25") || holds(text, "192.0.2.0/25"));
	/* A's table no longer names its network: it is free now */
	out = import(&w, &(struct ask){ "csv", STR("name,network\nB,192.0.2.0/24\n"), "2026-01-01", false, false }, RC_OK, NULL);
	CHECK_INT(out.bulk.changed, 1);
	directory_records_close(d);
	world_end(&w);
}

TEST(nothing_of_a_bad_file)
{
	struct world w = world_new();
	struct viewer viewer = staff(VIEWER, 1);
	struct import_outcome out;
	struct import_run run = { .form = import_form_find(STR("csv")), .why = STR(""), .language = STR(""),
				  .source = STR(""), .in = { .text = str_of(table), .map = STR(""), .subject = STR("") } };
	CHECK_RC(import_organisations(w.r, w.s, &viewer, &run, say, NULL, &out, &err), RC_DENIED, err);
	size_t told = 0;
	import(&w, &(struct ask){ "csv", STR("name,key_until,timezone\nA,tomorrow,x\n"), "2026-01-01", false, false }, RC_OK, &told);
	CHECK_INT(told, 1);
	import(&w, &(struct ask){ "ti", STR("{"), "2026-01-01", false, false }, RC_INPUT, NULL);
	import(&w, &(struct ask){ "ti", STR("[]"), "2026-01-01", false, false }, RC_INPUT, NULL);
	CHECK_INT(lines(all(&w)), 1);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(came_and_came_again), TEST_RUN(trust_decides), TEST_RUN(known_again), TEST_RUN(one_claim_one_organisation),
	  TEST_RUN(nothing_of_a_bad_file))
