/* SPDX-License-Identifier: Apache-2.0 */
/* Many records from a file: what is taken, what is refused and in which words, and back again. */
#include "disclosure/records_world.h"

#include "disclosure/bulk.h"

struct told {
	uint64_t row;
	char words[240];
	unsigned count;
};

static void tell(void *ctx, uint64_t row, const char *words)
{
	struct told *t = ctx;
	if (t->count++ == 0) {
		t->row = row;
		snprintf(t->words, sizeof(t->words), "%s", words);
	}
}

static enum rc take(struct world *w, const struct viewer *v, struct bulk_request q, struct bulk_counts *out,
		    struct told *told)
{
	*told = (struct told){ .row = 0 };
	err = (struct err){ .rc = RC_OK };
	q.type = types_find(types_of(w), STR("organisation"));
	return bulk_import(w->r, w->s, v, &q, tell, told, out, &err);
}

#define BANKS "name,kind,country\nBank X,constituent,ID\nBank Y,constituent,MY\n"

TEST(files)
{
	/* `words`: of the first row refused, or of the whole. Run one after the other on one store. */
	static const struct {
		const char *what, *text, *map, *key;
		bool lines;
		enum rc rc;
		unsigned added, changed, same, refused;
		const char *words;
	} cases[] = {
		{ .what = "empty", .text = " \n\n", .rc = RC_INPUT, .words = "the file is empty" },
		{ .what = "not UTF-8", .text = "name\n\xff\xfe\n", .rc = RC_INPUT, .words = "no valid UTF-8" },
		{ .what = "a column nobody knows", .text = "name,colour\nx,red\n", .rc = RC_INPUT,
		  .words = "column 'colour' is no field" },
		{ .what = "a column twice", .text = "name,Name\nx,y\n", .rc = RC_INPUT, .words = "stands there twice" },
		{ .what = "no map", .text = BANKS, .map = "name", .rc = RC_INPUT, .words = "a map is COLUMN=FIELD" },
		{ .what = "a map of nothing", .text = BANKS, .map = "=name", .rc = RC_INPUT,
		  .words = "a map is COLUMN=FIELD" },
		{ .what = "a map to nothing known", .text = BANKS, .map = "name=colour", .rc = RC_INPUT,
		  .words = "there is no field 'colour'" },
		{ .what = "no such key", .text = BANKS, .key = "colour", .rc = RC_INPUT, .words = "cannot be a key" },
		{ .what = "a list as key", .text = BANKS, .key = "other_names", .rc = RC_INPUT,
		  .words = "cannot be a key" },
		{ .what = "good", .text = BANKS, .rc = RC_OK, .added = 2 },
		{ .what = "semicolons, a byte order mark, a blank line, a comma inside",
		  .text = "\xef\xbb\xbfname;kind;other_names\n\"Bank; Z\";constituent;a,b\n\n", .rc = RC_OK, .added = 1 },
		{ .what = "tabs, and a map that leaves out", .text = "Name of it\tkind\tour number\nBank T\tprovider\t7\n",
		  .map = "Name of it=name, our number=", .rc = RC_OK, .added = 1 },
		{ .what = "a label as column, and guarded cells", .text = "Name,kind\n'=Bank,constituent\n",
		  .rc = RC_OK, .added = 1 },
		{ .what = "columns nobody needs", .text = "name,kind,changed,due\nBank U,vendor,x,y\n", .rc = RC_OK,
		  .added = 1 },
		{ .what = "too few cells", .text = "name,kind\nBank V\n", .rc = RC_INPUT, .refused = 1,
		  .words = "1 columns, the header has 2" },
		{ .what = "an open quote", .text = "name,kind\n\"Bank V,vendor\n", .rc = RC_INPUT, .refused = 1 },
		{ .what = "no such choice", .text = "name,kind\nBank V,castle\n", .rc = RC_INPUT, .refused = 1 },
		{ .what = "two wrong things", .text = "name,kind,country\n,castle,Atlantis\n", .rc = RC_INPUT,
		  .refused = 1, .words = "more)" },
		{ .what = "a marking", .text = "name,kind,tlp\nBank V,vendor,GREEN\n", .rc = RC_OK, .added = 1 },
		{ .what = "its marking is not changed here", .text = "number,tlp\n7,RED\n", .rc = RC_INPUT,
		  .refused = 1, .words = "is marked TLP:" },
		{ .what = "nor its state", .text = "number,state\n7,nowhere\n", .rc = RC_INPUT, .refused = 1,
		  .words = "is in state" },
		{ .what = "a state that is none", .text = "name,kind,state\nBank W,vendor,nowhere\n", .rc = RC_INPUT,
		  .refused = 1 },
		{ .what = "by number", .text = "number,country\n7,TH\n", .rc = RC_OK, .changed = 1 },
		{ .what = "the same again", .text = "number,country\n7,TH\n", .rc = RC_OK, .same = 1 },
		{ .what = "of a version that is past", .text = "number,version,country\n7,1,VN\n", .rc = RC_INPUT,
		  .refused = 1 },
		{ .what = "of no version", .text = "number,version,country\n7,x,VN\n", .rc = RC_INPUT, .refused = 1,
		  .words = "is no number of a version" },
		{ .what = "as id", .text = "id,country\norganisation-7,LA\n", .rc = RC_OK, .changed = 1 },
		{ .what = "as bare number in id", .text = "id,number,country\n7,9,KH\n", .rc = RC_OK, .changed = 1 },
		{ .what = "nobody there", .text = "number,country\n999,TH\n", .rc = RC_INPUT, .refused = 1,
		  .words = "no such record" },
		{ .what = "of another type", .text = "id,country\nincident-1,TH\n", .rc = RC_INPUT, .refused = 1,
		  .words = "is no organisation" },
		{ .what = "by key", .text = "name,kind,country\nBank X,constituent,SG\nBank N,vendor,SG\n",
		  .key = "name", .rc = RC_OK, .added = 1, .changed = 1 },
		{ .what = "without the key", .text = "name,kind\n,vendor\n", .key = "name", .rc = RC_INPUT,
		  .refused = 1, .words = "which is the key" },
		{ .what = "the key column is not there", .text = "kind\nvendor\n", .key = "name", .rc = RC_INPUT,
		  .refused = 1, .words = "which is the key" },
		{ .what = "one record twice", .text = "number,country\n7,TH\n7,VN\n", .rc = RC_INPUT, .refused = 1 },
		{ .what = "one new key twice", .text = "name,kind\nBank M,vendor\nBank M,vendor\n", .key = "name",
		  .rc = RC_INPUT, .refused = 1 },
		{ .what = "two of one name, made without a key", .text = "name,kind\nTwin,vendor\nTwin,vendor\n",
		  .rc = RC_OK, .added = 2 },
		{ .what = "which one?", .text = "name,kind\nTwin,vendor\n", .key = "name", .rc = RC_INPUT, .refused = 1,
		  .words = "several records" },
		{ .what = "lines", .lines = true, .rc = RC_OK, .added = 2,
		  .text = "{\"name\":\"Line A\",\"kind\":\"vendor\",\"other_names\":[\"a\"]}\n\n"
			  "{\"name\":\"Line B\",\"kind\":\"vendor\",\"country\":null,\"due\":\"x\"}" },
		{ .what = "lines by number and key", .lines = true, .key = "name", .rc = RC_OK, .changed = 2,
		  .text = "{\"number\":7,\"country\":\"ID\"}\n{\"name\":\"Line A\",\"country\":\"ID\"}\n" },
		{ .what = "a key that is no text", .lines = true, .key = "name", .rc = RC_INPUT, .refused = 1,
		  .text = "{\"name\":7,\"kind\":\"vendor\"}\n" },
		{ .what = "a member nobody knows", .lines = true, .rc = RC_INPUT, .refused = 1,
		  .text = "{\"name\":\"Line C\",\"kind\":\"vendor\",\"colour\":1}\n" },
		{ .what = "a version that is a list", .lines = true, .rc = RC_INPUT, .refused = 1,
		  .text = "{\"number\":7,\"version\":\"x\"}\n" },
		{ .what = "no object", .lines = true, .rc = RC_INPUT, .refused = 1, .text = "[1]\n",
		  .words = "one JSON object a line" },
		{ .what = "no JSON", .lines = true, .rc = RC_INPUT, .refused = 1, .text = "{\n" },
		{ .what = "as it was taken out", .lines = true, .rc = RC_OK, .added = 1,
		  .text = "{\"labels\":{\"tlp\":\"GREEN\"},\"body\":{\"name\":\"Line D\",\"kind\":\"vendor\"},"
			  "\"changed\":\"x\"}\n" },
		{ .what = "as it was taken out, with a wrong head", .lines = true, .rc = RC_INPUT, .refused = 1,
		  .text = "{\"version\":\"x\",\"body\":{\"name\":\"Line E\",\"kind\":\"vendor\"}}\n" },
	};
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);

	(void)make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 1);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct bulk_counts n;
		struct told told;
		struct bulk_request q = { .csv = !cases[i].lines, .text = str_of(cases[i].text),
					  .map = str_of(cases[i].map), .key = str_of(cases[i].key) };
		q.dry_run = true; /* says the same, and keeps nothing */
		enum rc dry = take(&w, &lead, q, &n, &told);
		CHECK_MSG(dry == cases[i].rc && n.run == 0, "%s, tried: %s (%s)", cases[i].what, rc_name(dry), err.text);
		q.dry_run = false;
		enum rc rc = take(&w, &lead, q, &n, &told);
		CHECK_MSG(rc == cases[i].rc, "%s: %s (%s; row %u: %s)", cases[i].what, rc_name(rc), err.text,
			  (unsigned)told.row, told.words);
		CHECK_MSG(n.added == cases[i].added && n.changed == cases[i].changed && n.same == cases[i].same &&
			  n.refused == cases[i].refused && told.count == cases[i].refused,
			  "%s: %u added, %u changed, %u same, %u refused", cases[i].what, (unsigned)n.added,
			  (unsigned)n.changed, (unsigned)n.same, (unsigned)n.refused);
		const char *words = told.count ? told.words : err.text;
		CHECK_MSG(!cases[i].words || strstr(words, cases[i].words), "%s: '%s'", cases[i].what, words);
	}
	world_end(&w);
}

static bool newest(void *ctx, const struct bulk_run *run)
{
	*(str *)ctx = run->state; /* a static name */
	return false;
}

TEST(and_back)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1), analyst = staff(ANALYST, 2);
	const struct type *t = types_find(types_of(&w), STR("organisation"));
	struct bulk_counts n;
	struct told told;
	str state = STR("");
	struct bulk_request q = { .csv = true, .text = STR(BANKS), .tlp = STR("GREEN"), .why = STR("list"),
				  .language = STR("id") };

	CHECK_RC(take(&w, &analyst, q, &n, &told), RC_DENIED, err);
	CHECK_RC(bulk_undo(w.r, w.s, &analyst, t, 1, STR(""), tell, &told, &n, &err), RC_DENIED, err);
	CHECK_RC(bulk_resume(w.r, w.s, &analyst, t, 1, tell, &told, &n, &err), RC_DENIED, err);
	CHECK_RC(bulk_resume(w.r, w.s, &lead, t, 1, tell, &told, &n, &err), RC_ABSENT, err);
	CHECK_RC(take(&w, &lead, q, &n, &told), RC_OK, err);
	int64_t first = n.run;
	CHECK_RC(bulk_resume(w.r, w.s, &lead, t, first, tell, &told, &n, &err), RC_INPUT, err); /* it is done */
	q.text = STR("number,country,remarks\n1,SG,see example.org\n2,SG,\n");
	CHECK_RC(take(&w, &lead, q, &n, &told), RC_OK, err);
	CHECK_INT(n.changed, 2);
	int64_t second = n.run;
	/* the first stays: its records changed since */
	told = (struct told){ .count = 0 };
	CHECK_RC(bulk_undo(w.r, w.s, &lead, t, first, STR("wrong"), tell, &told, &n, &err), RC_CONFLICT, err);
	CHECK_INT(told.count, 2);
	CHECK_RC(bulk_undo(w.r, w.s, &lead, t, first, STR("wrong"), NULL, NULL, &n, &err), RC_CONFLICT, err);
	/* fields come back as they were, also those that were not there */
	CHECK_RC(bulk_undo(w.r, w.s, &lead, t, second, STR(""), tell, &told, &n, &err), RC_OK, err);
	CHECK_INT(n.changed, 2);
	str now = shown(&w, &lead, STR("organisation-1"));
	CHECK(holds(now, "\"country\":\"ID\"") && !holds(now, "example.org") && holds(now, "\"tlp\":\"GREEN\""));
	CHECK_RC(bulk_undo(w.r, w.s, &lead, t, second, STR(""), tell, &told, &n, &err), RC_CONFLICT, err);
	struct reader *r = begin(&w);
	CHECK_RC(bulk_runs(r, &lead, t, newest, &state, &err), RC_OK, err);
	CHECK_STR(state, STR("undone"));
	CHECK_RC(bulk_runs(r, &analyst, t, newest, &state, &err), RC_DENIED, err);
	store_read_end(r);
	/* what one added and nobody touched is erased with it */
	q.text = STR("name,kind\nBank Q,vendor\n");
	CHECK_RC(take(&w, &lead, q, &n, &told), RC_OK, err);
	CHECK_RC(bulk_undo(w.r, w.s, &lead, t, n.run, STR("wrong"), tell, &told, &n, &err), RC_OK, err);
	CHECK_INT(n.added, 1);
	world_end(&w);
}

/* Cut off while it was applied: it goes on where it stood. */
static enum rc cut_off(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE import_run SET state = 1 WHERE id = ?");
	sql_int(q, 1, *(int64_t *)ctx);
	return sql_run(q, e);
}

TEST(goes_on)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	const struct type *t = types_find(types_of(&w), STR("organisation"));
	struct bulk_counts n;
	struct told told;
	struct bulk_request q = { .csv = true, .text = STR(BANKS), .key = STR("name") };
	str state = STR("");

	CHECK_RC(take(&w, &lead, q, &n, &told), RC_OK, err);
	int64_t run = n.run;
	CHECK_RC(store_write(w.s, cut_off, &run, &err), RC_OK, err);
	struct reader *r = begin(&w);
	CHECK_RC(bulk_runs(r, &lead, t, newest, &state, &err), RC_OK, err);
	store_read_end(r);
	CHECK_STR(state, STR("applying"));
	CHECK_RC(bulk_resume(w.r, w.s, &lead, t, run, tell, &told, &n, &err), RC_OK, err);
	CHECK_INT(n.rows, 2);
	CHECK_INT(n.added, 0);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(files), TEST_RUN(and_back), TEST_RUN(goes_on))
