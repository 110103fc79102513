/* SPDX-License-Identifier: Apache-2.0 */
/* Many records from a file: what is taken, what is refused and in which words, and back again. */
#include "disclosure/records_world.h"

#include <stdlib.h>

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

static str password_of(struct world *w, uint64_t number)
{
	struct reader *r = begin(w);
	struct record kept = { 0 };
	struct json_object *body = NULL;
	const struct type *t = types_find(types_of(w), STR("organisation"));
	CHECK_RC(record_load_number(reader_conn(r), t, number, w->a, &kept, &err), RC_OK, err);
	CHECK_RC(json_read(kept.body, &body, &err), RC_OK, err);
	str s = arena_str(w->a, json_get_str(body, "file_password"));
	json_free(body);
	store_read_end(r);
	return s;
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
	/* so does what nobody is shown */
	for (size_t i = 0; i < 2; i++) {
		q.text = i ? STR("number,file_password\n1,imported of two\n") : STR("number,file_password\n1,ours of two\n");
		CHECK_RC(take(&w, &lead, q, &n, &told), RC_OK, err);
	}
	CHECK_STR(password_of(&w, 1), STR("imported of two"));
	CHECK_RC(bulk_undo(w.r, w.s, &lead, t, n.run, STR("wrong"), tell, &told, &n, &err), RC_OK, err);
	CHECK_STR(password_of(&w, 1), STR("ours of two"));
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

/* --- a type of a test's own, and a hook that gets in the way --- */

static const char kit[] =
	"{ \"type\": \"kit\", \"version\": 1, \"label\": { \"en\": \"Kit\" }, \"plural\": { \"en\": \"Kits\" },"
	" \"title\": \"name\", \"fields\": {"
	"  \"name\": { \"kind\": \"text\", \"share\": \"open\", \"required\": [\"*\"], \"label\": { \"en\": \"Name\" } },"
	"  \"tags\": { \"kind\": \"text\", \"list\": true, \"share\": \"open\", \"label\": { \"en\": \"Tags\" } },"
	"  \"body\": { \"kind\": \"text\", \"share\": \"open\", \"label\": { \"en\": \"Body\" } },"
	"  \"hush\": { \"kind\": \"text\", \"share\": \"open\", \"personal\": true, \"label\": { \"en\": \"Hush\" } } },"
	" \"states\": { \"new\": { \"label\": { \"en\": \"New\" } } },"
	" \"rights\": { \"read\": { \"lead\": \"all\" }, \"create\": { \"lead\": \"all\" }, \"edit\": { \"lead\": \"all\" },"
	"  \"import\": { \"lead\": \"all\" }, \"erase\": { \"lead\": \"all\" } },"
	" \"list\": { \"columns\": [\"name\"], \"filters\": [\"name\", \"tags\"] } }";

struct trip {
	unsigned at, calls;        /* fails from this call on; 0: never */
	unsigned until;            /* ... to this one; 0: for good */
	enum rc rc;
	bool slow;
};
static enum rc trips(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		     const struct record *now, struct err *e)
{
	struct trip *t = ctx;
	(void)tx, (void)r, (void)before, (void)now;
	int64_t since = clock_mono_us();
	while (t->slow && clock_mono_us() - since <= BULK_HOLD_US)
		;
	bool in_the_way = ++t->calls >= t->at && t->at && (!t->until || t->calls <= t->until);
	return in_the_way ? fail(e, t->rc, "something is in the way") : RC_OK;
}

static struct world kits_new(struct trip *trip)
{
	struct world w = world_new();
	struct types *t = NULL;
	CHECK_RC(types_with(types_of(&w), STR(kit), "types/kit.json", &t, &err), RC_OK, err);
	if (t) {
		snapshot_drop(w.types, w.held);
		snapshot_swap(w.types, t);
		w.held = snapshot_hold(w.types);
	}
	records_add_hook(w.r, &(struct record_hook){ .changed = trips, .ctx = trip });
	return w;
}

static enum rc take_kits(struct world *w, const struct viewer *v, struct bulk_request q, struct bulk_counts *out,
			 struct told *told)
{
	*told = (struct told){ .row = 0 };
	err = (struct err){ .rc = RC_OK };
	q.type = types_find(types_of(w), STR("kit"));
	return bulk_import(w->r, w->s, v, &q, tell, told, out, &err);
}

static str rows_of(struct world *w, const char *head, const char *before, const char *after, unsigned count)
{
	struct buf b = BUF_INIT(MIB(8));
	buf_add(&b, str_of(head));
	for (unsigned i = 0; i < count; i++)
		buf_fmt(&b, "%s%u%s", before, i, after);
	CHECK(!b.over);
	str s = arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return s;
}

static str repeated(struct world *w, const char *before, char what, size_t count, const char *after)
{
	struct buf b = BUF_INIT(MIB(8));
	buf_add(&b, str_of(before));
	for (size_t i = 0; i < count; i++)
		buf_char(&b, what);
	buf_add(&b, str_of(after));
	str s = arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return s;
}

TEST(edges_of_files)
{
	struct trip trip = { 0 };
	struct world w = kits_new(&trip);
	struct viewer lead = staff(LEAD | ANALYST, 1), low = lead;
	low.as.ceiling = TLP_AMBER;
	(void)take_kits(&w, &lead, (struct bulk_request){ .csv = true, .text = STR("name,hush\nfirst,h\n") },
			&(struct bulk_counts){ 0 }, &(struct told){ 0 });
	str cell = repeated(&w, "", '\t', MIB(1) - 1, "");
	struct buf wide_text = BUF_INIT(MIB(8));
	buf_add(&wide_text, STR("name,tags,body,hush\nx"));
	for (int i = 0; i < 3; i++) {
		buf_add(&wide_text, cell);
		buf_char(&wide_text, ',');
	}
	buf_char(&wide_text, '\n');
	str wide = buf_str(&wide_text);
	const struct {
		const char *what;
		str text, map, key;
		bool lines, low;
		enum rc rc;
		unsigned added, changed, same, refused;
		const char *words;
	} rows[] = {
		{ "a tab within", STR("name;\ttags\na;b\n"), .rc = RC_OK, .added = 1 },
		{ "more semicolons than tabs", STR("name\t;tags;hush\nb;b;c\n"), .rc = RC_OK, .added = 1 },
		{ "a quote that guards nothing", STR("name\n'quoted\n"), .rc = RC_OK, .added = 1 },
		{ "too many columns of a map", STR("name\nx\n"), .map = rows_of(&w, "", "c", "=,", 101), .rc = RC_LIMIT,
		  .words = "at most 100 columns" },
		{ "a key nothing is filtered by", STR("name\nx\n"), .key = STR("body"), .rc = RC_INPUT, .words = "cannot be a key" },
		{ "a list as key", STR("name\nx\n"), .key = STR("tags"), .rc = RC_INPUT, .words = "cannot be a key" },
		{ "in the state it is in", STR("number,state,hush\n1,new,i\n"), .rc = RC_OK, .changed = 1 },
		{ "marked as it is", STR("number,tlp,hush\n1,amber,j\n"), .rc = RC_OK, .changed = 1 },
		{ "what he could not see", STR("name,tlp\nr,RED\n"), .low = true, .rc = RC_INPUT, .refused = 1, .words = "could not see" },
		{ "a red one, for its key", STR("name,tlp\nhidden,RED\n"), .rc = RC_OK, .added = 1 },
		{ "no record for who may not see it", STR("name\nhidden\n"), .key = STR("name"), .low = true, .rc = RC_OK, .added = 1 },
		{ "a row that is too large", wide, .rc = RC_INPUT, .refused = 1, .words = "is too large" },
		{ "a line that is too large", repeated(&w, "{\"name\":[\"", '/', MIB(3), "\"]}\n"), .lines = true, .rc = RC_INPUT, .refused = 1,
		  .words = "" },
		{ "taken out, with what stands around inside", STR("{\"body\":{\"name\":\"x\",\"version\":3}}\n"), .lines = true, .rc = RC_INPUT,
		  .refused = 1, .words = "" },
		{ "a field of that name", STR("{\"name\":\"own body\",\"body\":\"text\"}\n"), .lines = true, .rc = RC_OK, .added = 1 },
		{ "a field of that name, no text", STR("{\"name\":\"own body\",\"body\":{\"name\":\"x\"}}\n"), .lines = true, .rc = RC_INPUT, .refused = 1 },
		{ "one field under two names", STR("{\"name\":\"a\",\"Name\":\"b\"}\n"), .lines = true, .key = STR("name"), .rc = RC_INPUT, .refused = 1 },
		{ "one field under two names, no key", STR("{\"name\":\"a\",\"Name\":\"b\"}\n"), .lines = true, .rc = RC_INPUT, .refused = 1 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bulk_counts n;
		struct told told;
		struct bulk_request q = { .csv = !rows[i].lines, .text = rows[i].text, .map = rows[i].map, .key = rows[i].key };
		enum rc rc = take_kits(&w, rows[i].low ? &low : &lead, q, &n, &told);
		const char *words = told.count ? told.words : err.text;
		CHECK_MSG(rc == rows[i].rc && n.added == rows[i].added && n.changed == rows[i].changed && n.same == rows[i].same &&
			  n.refused == rows[i].refused, "%s: %s (%s), %u added, %u changed", rows[i].what, rc_name(rc), words,
			  (unsigned)n.added, (unsigned)n.changed);
		CHECK_MSG(!rows[i].words || strstr(words, rows[i].words), "%s: %s", rows[i].what, words);
	}
	buf_free(&wide_text);
	char *large = x_alloc(BULK_FILE_MAX + 1);
	struct bulk_counts n;
	struct told told;
	struct bulk_request q = { .text = str_mem(large, BULK_FILE_MAX + 1) };
	CHECK_RC(take_kits(&w, &lead, q, &n, &told), RC_LIMIT, err);
	free(large);
	world_end(&w);
}

/* What stands around the fields in an export, named otherwise by a map. */
TEST(a_map_of_an_export)
{
	struct trip trip = { 0 };
	struct world w = kits_new(&trip);
	struct viewer lead = staff(LEAD | ANALYST, 1);
	const struct type *t = types_find(types_of(&w), STR("organisation"));
	struct bulk_counts n;
	struct told told = { 0 };
	struct bulk_request q = { .type = t, .map = STR("id=,number=name"),
				  .text = STR("{\"id\":\"organisation-7\",\"number\":3,\"body\":{\"name\":\"A\",\"kind\":\"vendor\"}}\n") };
	CHECK_RC(bulk_import(w.r, w.s, &lead, &q, tell, &told, &n, &err), RC_OK, err);
	CHECK_INT(n.added, 1);
	q = (struct bulk_request){ .type = t, .text = STR("{\"body\":{\"name\":\"B\",\"kind\":\"vendor\",\"version\":3}}\n") };
	told = (struct told){ .count = 0 };
	CHECK_RC(bulk_import(w.r, w.s, &lead, &q, tell, &told, &n, &err), RC_INPUT, err);
	CHECK_STR(str_of(told.words), STR("'version' is no field of 'organisation'")); /* inside, version is none */
	world_end(&w);
}

static enum rc spoil_rows(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "UPDATE import_row SET fields = '{ no JSON'"), e);
}

/* More than one lot; told of only so many that are wrong, and to nobody when nobody asks. */
TEST(many_rows)
{
	struct trip trip = { 0 };
	struct world w = kits_new(&trip);
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct bulk_counts n;
	struct told told;
	struct bulk_request q = { .csv = true, .key = STR("name"), .text = rows_of(&w, "name\n", "kit ", "\n", 150) };
	CHECK_RC(take_kits(&w, &lead, q, &n, &told), RC_OK, err);
	CHECK_INT(n.added, 150);
	const struct type *t = types_find(types_of(&w), STR("kit"));
	q = (struct bulk_request){ .type = t, .csv = true, .text = rows_of(&w, "name,tags\n", "", "\n", BULK_ERRORS_MAX + 5) };
	CHECK_RC(take_kits(&w, &lead, q, &n, &told), RC_INPUT, err);
	CHECK_INT(n.refused, BULK_ERRORS_MAX + 5);
	CHECK_INT(told.count, BULK_ERRORS_MAX);
	q.type = t;
	q.text = STR("name,tags\nx\n");
	CHECK_RC(bulk_import(w.r, w.s, &lead, &q, NULL, NULL, &n, &err), RC_INPUT, err);
	CHECK_INT(n.refused, 1);
	/* a row that names by number what one before it makes has no key of its own */
	q = (struct bulk_request){ .key = STR("name"), .text = STR("{\"name\":\"one\"}\n{\"id\":\"kit-151\",\"hush\":\"x\"}\n") };
	CHECK_RC(take_kits(&w, &lead, q, &n, &told), RC_OK, err);
	CHECK(n.added == 1 && n.changed == 1);
	/* rows past the limit are not even looked at */
	char *lines = x_alloc(2 * ((size_t)BULK_ROWS_MAX + 1));
	for (size_t i = 0; i <= BULK_ROWS_MAX; i++)
		memcpy(&lines[2 * i], "0\n", 2);
	q = (struct bulk_request){ .text = str_mem(lines, 2 * ((size_t)BULK_ROWS_MAX + 1)) };
	CHECK_RC(take_kits(&w, &lead, q, &n, &told), RC_LIMIT, err);
	CHECK(strstr(err.text, "more than 1000000 rows") && told.count == BULK_ERRORS_MAX);
	free(lines);
	world_end(&w);
}

/* Jobs give the writer up when they have held it long enough. */
TEST(slow_machines)
{
	struct trip trip = { .slow = true };
	struct world w = kits_new(&trip);
	struct viewer lead = staff(LEAD | ANALYST, 1);
	const struct type *t = types_find(types_of(&w), STR("kit"));
	struct bulk_counts n;
	struct told told;
	struct bulk_request q = { .csv = true, .text = rows_of(&w, "name\n", "kit ", "\n", 3) };
	CHECK_RC(take_kits(&w, &lead, q, &n, &told), RC_OK, err);
	CHECK(n.added == 3 && trip.calls >= 6);
	q.text = STR("number,hush\n1,a\n2,a\n3,a\n");
	CHECK_RC(take_kits(&w, &lead, q, &n, &told), RC_OK, err);
	CHECK_INT(n.changed, 3);
	CHECK_RC(bulk_undo(w.r, w.s, &lead, t, n.run, STR("wrong"), tell, &told, &n, &err), RC_OK, err);
	CHECK_INT(n.changed, 3);
	CHECK(!holds(shown(&w, &lead, STR("kit-2")), "hush"));
	/* many bytes to lay aside */
	trip.slow = false;
	str row = repeated(&w, "\"large%u", ' ', KIB(700), "\"\n");
	struct buf b = BUF_INIT(BULK_FILE_MAX);
	buf_add(&b, STR("name\n"));
	for (unsigned i = 0; i < 40; i++)
		buf_add(&b, row);
	q.text = buf_str(&b);
	CHECK_RC(take_kits(&w, &lead, q, &n, &told), RC_OK, err);
	CHECK_INT(n.added, 40);
	buf_free(&b);
	world_end(&w);
}

/* Three rows: tried in calls 1 to 3 of the hook, applied in 4 to 6, put back after. */
TEST(what_gets_in_the_way)
{
	static const struct { const char *what; struct trip trip; enum rc rc; const char *words; unsigned refused; } rows[] = {
		{ "the disk, while trying", { .at = 2, .rc = RC_IO }, RC_IO, "something is in the way", 0 },
		{ "a store that ends, while trying", { .at = 2, .rc = RC_BUSY }, RC_BUSY, "something is in the way", 0 },
		{ "the disk, while applying", { .at = 5, .rc = RC_IO }, RC_IO, "something is in the way", 0 },
		{ "the space, while applying", { .at = 5, .rc = RC_LIMIT }, RC_LIMIT, "something is in the way", 0 },
		{ "somebody, while applying", { .at = 6, .until = 6, .rc = RC_CONFLICT }, RC_CONFLICT, "all was put back", 1 },
		{ "somebody, for good", { .at = 70, .rc = RC_CONFLICT }, RC_CONFLICT, "could not be put back", 1 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct trip trip = { 0 };
		struct world w = kits_new(&trip);
		struct viewer lead = staff(LEAD | ANALYST, 1);
		struct bulk_counts n;
		struct told told;
		unsigned count = rows[i].trip.at == 70 ? 66 : 3; /* the first lot of 64 stands */
		CHECK_RC(take_kits(&w, &lead, (struct bulk_request){ .csv = true, .text = rows_of(&w, "name\n", "kit ", "\n", count) },
				   &n, &told), RC_OK, err);
		trip = rows[i].trip;
		if (count > 3)
			trip.at = 2 * count; /* the last row, when it is applied */
		struct buf b = BUF_INIT(KIB(8));
		buf_add(&b, STR("number,hush\n"));
		for (unsigned k = 1; k <= count; k++)
			buf_fmt(&b, "%u,a\n", k);
		enum rc rc = take_kits(&w, &lead, (struct bulk_request){ .csv = true, .text = buf_str(&b) }, &n, &told);
		CHECK_MSG(rc == rows[i].rc && strstr(err.text, rows[i].words) && n.refused == rows[i].refused, "%s: %s (%s)",
			  rows[i].what, rc_name(rc), err.text);
		if (rows[i].refused)
			CHECK(told.count >= 1 && n.changed == 0);
		if (rows[i].trip.until)
			CHECK(!holds(shown(&w, &lead, STR("kit-1")), "hush"));
		buf_free(&b);
		world_end(&w);
	}
}

/* What he may not see of it is not put back, and not taken away. */
TEST(undone_by_another)
{
	struct trip trip = { 0 };
	struct world w = kits_new(&trip);
	struct viewer lead = staff(LEAD | ANALYST, 1), other = staff(LEAD | ANALYST, 2);
	const struct type *t = types_find(types_of(&w), STR("kit"));
	struct bulk_counts n;
	struct told told;
	other.as.personal_basis = false;
	CHECK_RC(take_kits(&w, &lead, (struct bulk_request){ .csv = true, .text = STR("name,hush\na,canary-before\n") }, &n, &told),
		 RC_OK, err);
	CHECK_RC(take_kits(&w, &lead, (struct bulk_request){ .csv = true, .text = STR("number,hush,body\n1,canary-after,b\n") }, &n,
			   &told), RC_OK, err);
	int64_t run = n.run;
	trip = (struct trip){ .at = 1, .rc = RC_IO };
	CHECK_RC(bulk_undo(w.r, w.s, &other, t, run, STR("wrong"), tell, &told, &n, &err), RC_IO, err);
	trip.at = 0;
	CHECK_RC(bulk_undo(w.r, w.s, &other, t, run, STR("wrong"), tell, &told, &n, &err), RC_OK, err);
	str now = shown(&w, &lead, STR("kit-1"));
	CHECK(holds(now, "canary-after") && !holds(now, "\"body\":\"b\""));
	world_end(&w);
}

struct changed_run {
	int64_t run;
	int state;
	bool no_record;
};
static enum rc change_run(struct tx *tx, void *ctx, struct err *e)
{
	struct changed_run *c = ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE import_run SET state = ?2 WHERE id = ?1");
	sql_int(q, 1, c->run);
	sql_int(q, 2, c->state);
	enum rc rc = sql_run(q, e);
	if (rc != RC_OK || !c->no_record)
		return rc;
	q = sql(tx_conn(tx), "UPDATE import_row SET record = x'00' WHERE run = ?");
	sql_int(q, 1, c->run);
	return sql_run(q, e);
}

/* A run that was cut off, and rows laid aside that cannot be read any more: all is put back. */
TEST(rows_that_are_spoiled)
{
	static const char *const keys[] = { "name", "" };
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct trip trip = { .at = 4, .rc = RC_IO };
		struct world w = kits_new(&trip);
		struct viewer lead = staff(LEAD | ANALYST, 1);
		const struct type *t = types_find(types_of(&w), STR("kit"));
		struct bulk_counts n;
		struct told told;
		CHECK_RC(take_kits(&w, &lead, (struct bulk_request){ .csv = true, .key = str_of(keys[i]), .text = STR("name\na\nb\n") }, &n,
				   &told), RC_IO, err);
		trip.at = 0;
		CHECK(n.run > 0);
		CHECK_RC(store_write(w.s, spoil_rows, NULL, &err), RC_OK, err);
		told = (struct told){ .count = 0 };
		CHECK_RC(bulk_resume(w.r, w.s, &lead, t, n.run, tell, &told, &n, &err), RC_CONFLICT, err);
		CHECK(told.count == 1 && strstr(err.text, "all was put back"));
		world_end(&w);
	}
}

/* A marking that is not known here says nothing against a row's. */
TEST(a_strange_marking)
{
	struct trip trip = { 0 };
	struct world w = kits_new(&trip);
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct bulk_counts n;
	struct told told;
	const struct change_request q = { .type = STR("kit"), .fields = STR("{\"name\":\"x\"}"), .labels = STR("{\"tlp\":\"PUCE\"}") };
	CHECK_RC(change(&w, &lead, &q, NULL), RC_OK, err);
	CHECK_RC(take_kits(&w, &lead, (struct bulk_request){ .csv = true, .text = STR("number,tlp,hush\n1,RED,k\n") }, &n, &told), RC_OK,
		 err);
	CHECK_INT(n.changed, 1);
	CHECK(holds(shown(&w, &lead, STR("kit-1")), "PUCE")); /* it keeps its own */
	world_end(&w);
}

TEST(states_of_runs)
{
	static const struct { int state; const char *name; } rows[] = {
		{ 0, "not begun" }, { 1, "applying" }, { 2, "done" }, { 3, "partly undone" }, { 4, "undone" }, { 99, "" },
	};
	struct trip trip = { 0 };
	struct world w = kits_new(&trip);
	struct viewer lead = staff(LEAD | ANALYST, 1);
	const struct type *t = types_find(types_of(&w), STR("kit"));
	struct bulk_counts n;
	struct told told;
	CHECK_RC(take_kits(&w, &lead, (struct bulk_request){ .csv = true, .text = STR("name\na\n") }, &n, &told), RC_OK, err);
	struct changed_run c = { .run = n.run };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str state = STR("?");
		c.state = rows[i].state;
		CHECK_RC(store_write(w.s, change_run, &c, &err), RC_OK, err);
		struct reader *r = begin(&w);
		CHECK_RC(bulk_runs(r, &lead, t, newest, &state, &err), RC_OK, err);
		store_read_end(r);
		CHECK_STR(state, str_of(rows[i].name));
	}
	/* a row that does not say which record it was is told, and stays */
	c = (struct changed_run){ .run = n.run, .state = 2, .no_record = true };
	CHECK_RC(store_write(w.s, change_run, &c, &err), RC_OK, err);
	told = (struct told){ .count = 0 };
	CHECK_RC(bulk_undo(w.r, w.s, &lead, t, n.run, STR(""), tell, &told, &n, &err), RC_CONFLICT, err);
	CHECK(told.count == 1 && n.refused == 1);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(files), TEST_RUN(and_back), TEST_RUN(goes_on), TEST_RUN(edges_of_files),
	  TEST_RUN(a_map_of_an_export), TEST_RUN(many_rows), TEST_RUN(slow_machines), TEST_RUN(what_gets_in_the_way),
	  TEST_RUN(undone_by_another), TEST_RUN(rows_that_are_spoiled), TEST_RUN(a_strange_marking), TEST_RUN(states_of_runs))
