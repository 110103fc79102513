/* SPDX-License-Identifier: Apache-2.0 */
/* What was written stays as it was written, or shows; and what is erased is gone. */
#include "record/record_world.h"

#include "base/json.h"
#include "record/erase.h"

static struct reader *reading(struct world *w)
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	return r;
}

static struct records_check verify(struct world *w)
{
	struct records_check k;
	struct reader *rd = reading(w);
	CHECK_RC(records_verify(reader_conn(rd), snapshot_table(w->held), &k, &err), RC_OK, err);
	store_read_end(rd);
	return k;
}

static enum rc run_sql(struct tx *tx, void *ctx, struct err *e)
{
	return sql_run(sql(tx_conn(tx), ctx), e);
}

static void edit(struct world *w, const struct record *r, const char *fields, const char *why)
{
	struct record next;
	struct record_change c = { .type = w->t, .id = r->id, .to_state = -1, .actor = STR("account:2"),
				   .fields = str_of(fields), .why = str_of(why) };
	CHECK_RC(world_put(w, &c, &next), RC_OK, err);
}

/* Two records; the second has three versions. */
static struct world with_two(void)
{
	struct world w = world_new();
	char fields[200];
	struct record one = world_case_new(&w, "{\"title\":\"A\",\"severity\":\"low\",\"tags\":[\"x\"]}");
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&id, one.type_name, &one.id);
	snprintf(fields, sizeof(fields), "{\"title\":\"B\",\"score\":7,\"also\":[\"%s\"]}", id.p);
	buf_free(&id);
	struct record two = world_case_new(&w, fields);
	edit(&w, &two, "{\"title\":\"BB\"}", "the first reason");
	edit(&w, &two, "{\"title\":\"BBB\"}", "the second reason");
	return w;
}

static const struct {
	const char *what, *change;
	uint64_t record, version; /* named as the first bad; 0: none in particular */
	bool made;                /* from the records: it can be made again */
} changes[] = {
	{ "a body", "UPDATE record_version SET body = '{\"title\":\"X\"}' WHERE id = 3", 2, 2, false },
	{ "a reason", "UPDATE record_version SET why = 'another' WHERE id = 3", 2, 2, false },
	{ "labels", "UPDATE record_version SET labels = '{\"tlp\":\"CLEAR\"}' WHERE id = 1", 1, 1, false },
	{ "a salt", "UPDATE record_version SET salt = randomblob(16) WHERE id = 2", 2, 1, false },
	{ "an author", "UPDATE record_version SET author = 'account:9' WHERE id = 3", 2, 2, false },
	{ "a time", "UPDATE record_version SET at_us = at_us + 1 WHERE id = 2", 2, 1, false },
	{ "a state", "UPDATE record_version SET state = (SELECT id FROM record_name WHERE name = 'case')"
		     " WHERE id = 1", 1, 1, false },
	{ "a hash", "UPDATE record_version SET hash = randomblob(32) WHERE id = 3", 2, 2, false },
	{ "a commitment", "UPDATE record_version SET commitment = randomblob(32) WHERE id = 4", 2, 3, false },
	{ "a hash of wrong size", "UPDATE record_version SET hash = x'00' WHERE id = 1", 1, 1, false },
	{ "the organisation", "UPDATE record_version SET organisation = randomblob(16) WHERE id = 1", 1, 1, false },
	{ "a version cut out", "DELETE FROM record_version WHERE id = 3", 2, 2, false },
	{ "the first cut", "DELETE FROM record_version WHERE id = 2", 2, 1, false },
	{ "the newest cut", "DELETE FROM record_version WHERE id = 4", 2, 3, false },
	{ "all cut", "DELETE FROM record_version WHERE record = 1", 1, 1, false },
	{ "two exchanged",
	  "UPDATE record_version SET version = CASE version WHEN 1 THEN 20 WHEN 2 THEN 1 ELSE version END"
	  " WHERE record = 2", 2, 1, false },
	{ "a version of its own",
	  "INSERT INTO record_version SELECT 9, record, 4, type_version, organisation, author, at_us,"
	  " state, commitment, hash, salt, labels, why, body FROM record_version WHERE id = 4", 2, 4, false },
	{ "the newest cut, and its row set back",
	  "UPDATE record SET version = 2, version_id = 3 WHERE id = 2", 2, 2, false },
	{ "a body erased alone", "UPDATE record_version SET body = NULL WHERE id = 3", 2, 2, false },
	{ "erased without saying so",
	  "UPDATE record_version SET body = NULL, salt = NULL, why = NULL, labels = NULL WHERE id = 3", 2, 2, false },
	{ "its number", "UPDATE record SET uuid = randomblob(16) WHERE id = 1", 0, 0, false },
	{ "its marking", "UPDATE record SET tlp = 0 WHERE id = 1", 1, 1, false },
	{ "its state", "UPDATE record SET state = 1 WHERE id = 1", 1, 1, false },
	{ "the whole record", "DELETE FROM record WHERE id = 1", 0, 0, false },
	{ "an index entry", "DELETE FROM record_index WHERE record = 2", 2, 3, true },
	{ "an index entry of nobody", "INSERT INTO record_index SELECT field, value, 99 FROM record_index LIMIT 1", 0, 0,
	  true },
	{ "an index entry more", "INSERT INTO record_index SELECT field, value || 'x', record FROM record_index"
				 " LIMIT 1", 0, 0, true },
	{ "a link of a field", "UPDATE record_link SET removed_us = 1", 2, 3, false },
	{ "words of search", "UPDATE record_text SET words = 'X' WHERE id = 5", 1, 1, true },
	{ "all words of search", "INSERT INTO record_text (id, words) VALUES (77, 'X')", 0, 0, true },
	{ "a record not searched", "DELETE FROM record_text WHERE id = 9", 2, 3, true },
	{ "a line of the journal",
	  "UPDATE journal SET root = randomblob(32) WHERE number = 2", 2, 1, false },
	{ "a line of the journal cut", "DELETE FROM journal WHERE number = 1", 1, 1, false },
};

static bool count_one(void *ctx, const struct record *r)
{
	(void)r;
	++*(int *)ctx;
	return true;
}

static int found(struct world *w, const char *text)
{
	int n = 0;
	struct reader *rd = reading(w);
	const struct record_query q = { .text = str_of(text), .tlp_mask = UINT32_MAX, .text_share = SHARE_TEAM };
	CHECK_RC(record_list(reader_conn(rd), snapshot_table(w->held), &q, count_one, &n, &err), RC_OK, err);
	store_read_end(rd);
	return n;
}

TEST(every_change_shows)
{
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		struct world w = with_two();
		struct records_check k = verify(&w);
		CHECK_MSG(!k.words[0] && k.records == 2 && k.versions == 4, "%s", k.words);
		CHECK_RC(store_write(w.s, run_sql, (void *)(uintptr_t)changes[i].change, &err), RC_OK, err);
		k = verify(&w);
		char want[40];
		snprintf(want, sizeof(want), " version %d: ", (int)changes[i].version);
		CHECK_MSG(k.words[0], "%s does not show", changes[i].what);
		CHECK_MSG(!changes[i].record || (k.first_bad_number == changes[i].record &&
						 strstr(k.words, want)),
			  "%s: record %d, %s", changes[i].what, (int)k.first_bad_number, k.words);
		CHECK_MSG(k.made_differs == changes[i].made, "%s", changes[i].what);
		if (changes[i].made) { /* made again it is sound, and found */
			CHECK_RC(records_rebuild(w.r, &err), RC_OK, err);
			k = verify(&w);
			CHECK_MSG(!k.words[0] && !k.made_differs, "%s: %s", changes[i].what, k.words);
			CHECK_INT(found(&w, "BBB"), 1);
			CHECK_INT(found(&w, "X"), 1); /* a tag */
		}
		world_end(&w);
	}
}

/* A whole record taken out with all that hangs on it: the journal still names it. */
TEST(a_record_cut_out_whole_shows)
{
	static const char *const cuts[] = {
		"DELETE FROM record_version WHERE record = 1", "DELETE FROM record_index WHERE record = 1",
		"DELETE FROM record_text WHERE id / 4 = 1", "DELETE FROM record_link",
		"DELETE FROM record WHERE id = 1",
	};
	struct world w = world_new();
	(void)world_case_new(&w, "{\"title\":\"A\"}");
	(void)world_case_new(&w, "{\"title\":\"B\"}");
	for (size_t i = 0; i < COUNT_OF(cuts); i++)
		CHECK_RC(store_write(w.s, run_sql, (void *)(uintptr_t)cuts[i], &err), RC_OK, err);
	struct records_check k = verify(&w);
	CHECK_MSG(strstr(k.words, "journal line 1 names it"), "%s", k.words);
	world_end(&w);
}

/* --- erasing --- */

struct erasing_one {
	struct world *w;
	struct uuid id;
	struct erase *x;
};

static enum rc erase_job(struct tx *tx, void *ctx, struct err *e)
{
	struct erasing_one *o = ctx;
	int64_t number;
	enum rc rc = record_erase(tx, o->w->r, o->id, STR("account:7"), STR("asked by its author"), e);
	if (rc != RC_OK || !o->x)
		return rc;
	struct buf object = BUF_INIT(100);
	buf_add(&object, STR("record:"));
	record_id_format(&object, STR("case"), &o->id);
	rc = erase_begin(tx, o->x, buf_str(&object), STR("asked by its author"), STR("account:7"), &number,
			 e);
	buf_free(&object);
	return rc;
}

/* Whether the bytes stand anywhere in a file of the store. */
static bool on_disk(struct world *w, const char *name, const char *word)
{
	char path[512];
	bool found = false;
	FILE *f = fopen(test_dir_in(&w->d, path, name), "rb");
	char *all = x_alloc(MIB(16));
	size_t n = f ? fread(all, 1, MIB(16), f) : 0;
	found = n && memmem(all, n, word, strlen(word));
	if (f)
		fclose(f);
	free(all);
	return found;
}

TEST(erased_is_gone_and_the_chain_holds)
{
	static const struct eraser *const erasers[] = { &eraser_journal, &eraser_record };
	static const char *const words[] = { "Zqxwvu", "zqxwvu", "Kjhgfd", "kjhgfd", "Ytrewq" };
	struct world w = with_two();
	struct record r = world_case_new(&w, "{\"title\":\"Zqxwvu\",\"tags\":[\"Kjhgfd\"],\"severity\":\"low\"}");
	edit(&w, &r, "{\"remarks\":\"Zqxwvu Kjhgfd\"}", "Ytrewq");
	struct erasing_one one = { .w = &w, .id = r.id };
	CHECK_RC(erase_open(w.s, w.j, erasers, COUNT_OF(erasers), &one.x, &err), RC_OK, err);
	CHECK(on_disk(&w, "main.db-wal", "Zqxwvu") || on_disk(&w, "main.db", "Zqxwvu"));
	CHECK_RC(store_write(w.s, erase_job, &one, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, erase_job, &one, &err), RC_CONFLICT, err);
	bool did = true;
	int steps = 0;
	while (did && steps++ < 1000)
		CHECK_RC(erase_work(one.x, &did, &err), RC_OK, err);
	struct reader *rd = reading(&w);
	struct erasing *list;
	size_t n;
	CHECK_RC(erase_list(reader_conn(rd), true, w.a, &list, &n, &err), RC_OK, err);
	CHECK(n == 1 && list[0].ended_us);
	struct record got;
	CHECK_RC(record_load(reader_conn(rd), snapshot_table(w.held), r.id, w.a, &got, &err), RC_OK, err);
	CHECK(got.erased && got.body.n == 0 && got.title.n == 0 && got.version == 3);
	CHECK_STR(got.why, STR("asked by its author"));
	CHECK_STR(got.author, STR("account:7"));
	CHECK_RC(record_load_version(reader_conn(rd), snapshot_table(w.held), r.id, 1, w.a, &got, &err),
		 RC_OK, err);
	CHECK(got.body.n == 0 && got.labels.tlp == TLP_COUNT);
	struct journal_check jk;
	CHECK_RC(journal_verify(reader_conn(rd), STR_NONE, &jk, &err), RC_OK, err);
	CHECK_MSG(jk.first_bad == 0, "%s", jk.words);
	store_read_end(rd);
	struct records_check k = verify(&w);
	CHECK_MSG(!k.words[0], "%s", k.words);
	erase_close(one.x);
	struct world again = { .d = w.d };
	world_close(&w); /* nothing is kept back in memory */
	for (size_t i = 0; i < COUNT_OF(words); i++)
		CHECK_MSG(!on_disk(&w, "main.db", words[i]) && !on_disk(&w, "main.db-wal", words[i]),
			  "'%s' is on the disk", words[i]);
	CHECK(world_open(&again, again.d.path));
	CHECK_MSG(!verify(&again).words[0], "%s", verify(&again).words);
	world_end(&again);
}

TEST(what_cannot_be_erased)
{
	struct world w = with_two();
	struct record next;
	struct record r = world_case_new(&w, "{\"title\":\"H\"}");
	struct record_change c = { .type = w.t, .id = r.id, .to_state = -1, .actor = STR("account:1"),
				   .labels = STR("{\"held\":true}") };
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	struct erasing_one one = { .w = &w, .id = r.id };
	CHECK_RC(store_write(w.s, erase_job, &one, &err), RC_DENIED, err);
	one.id = uuid_random();
	CHECK_RC(store_write(w.s, erase_job, &one, &err), RC_ABSENT, err);
	c.labels = STR("{}");
	CHECK_RC(world_put(&w, &c, &next), RC_OK, err);
	one.id = r.id;
	CHECK_RC(store_write(w.s, erase_job, &one, &err), RC_OK, err);
	CHECK_RC(world_put(&w, &c, &next), RC_ABSENT, err); /* nor changed afterwards */
	CHECK_MSG(!verify(&w).words[0], "%s", verify(&w).words);
	world_end(&w);
}

/* --- files --- */

struct filing {
	struct world *w;
	str bytes;
	const char *actor;
	struct digest d;
};

static enum rc file_job(struct tx *tx, void *ctx, struct err *e)
{
	struct filing *f = ctx;
	return file_put(tx, f->w->r, str_of(f->actor), f->bytes, &f->d, e);
}

static enum rc put_with_file(struct world *w, const struct digest *d, const char *actor,
			     struct record *out)
{
	struct buf b = BUF_INIT(KIB(1));
	buf_add(&b, STR("{\"title\":\"A\",\"proof\":{\"digest\":\""));
	hex_format(&b, d->b, 32);
	buf_add(&b, STR("\",\"name\":\"a.txt\",\"bytes\":5}}"));
	struct record_change c = { .type = w->t, .to_state = -1, .actor = str_of(actor),
				   .fields = arena_str(w->a, buf_str(&b)) };
	buf_free(&b);
	return world_put(w, &c, out);
}

TEST(files)
{
	struct world w = world_new();
	struct record r, other;
	struct filing f = { .w = &w, .bytes = STR("hello"), .actor = "account:1" };
	CHECK_RC(store_write(w.s, file_job, &f, &err), RC_OK, err);
	/* knowing the digest is not enough */
	CHECK_RC(put_with_file(&w, &f.d, "account:2", &other), RC_INPUT, err);
	CHECK_RC(put_with_file(&w, &f.d, "account:1", &r), RC_OK, err);
	edit(&w, &r, "{\"title\":\"B\"}", ""); /* by another: it named it before */
	struct reader *rd = reading(&w);
	struct buf got = BUF_INIT(KIB(1));
	CHECK_RC(file_read(rd, &f.d, &got, &err), RC_OK, err);
	CHECK_STR(buf_str(&got), STR("hello"));
	store_read_end(rd);
	struct erasing_one one = { .w = &w, .id = r.id };
	CHECK_RC(store_write(w.s, erase_job, &one, &err), RC_OK, err);
	rd = reading(&w);
	CHECK_RC(file_read(rd, &f.d, &got, &err), RC_ABSENT, err);
	store_read_end(rd);
	buf_free(&got);
	char *big = x_alloc(RECORD_FILE_MAX + 1);
	f.bytes = str_mem(big, RECORD_FILE_MAX + 1);
	CHECK_RC(store_write(w.s, file_job, &f, &err), RC_LIMIT, err);
	free(big);
	world_end(&w);
}

/* --- copies of what belongs to others --- */

#define PARTNER "5f1b1c7e-90b3-4a57-8a55-aaaaaaaaaaaa"

TEST(copies)
{
	struct world w = world_new();
	struct record r;
	struct record_change c = { .type = w.t, .id = uuid_random(), .origin = STR(PARTNER), .version = 3,
				   .type_version = 9, .to_state = 1, .actor = STR("node:" PARTNER),
				   .fields = STR("{\"title\":\"A\",\"newer\":{\"x\":[1,2]},\"severity\":\"mild\"}") };
	CHECK_RC(world_put(&w, &c, &r), RC_OK, err);
	CHECK_INT(r.version, 3);
	CHECK_INT(r.number, 0);
	CHECK_STR(r.body, c.fields);
	CHECK_RC(world_put(&w, &c, &r), RC_OK, err); /* again: nothing new */
	c.version = 7;
	c.fields = STR("{\"newer\":5,\"title\":\"B\"}");
	CHECK_RC(world_put(&w, &c, &r), RC_OK, err);
	CHECK_STR(r.title, STR("B"));
	CHECK_STR(r.body, STR("{\"title\":\"B\",\"newer\":5}"));
	c.version = 5;
	CHECK_RC(world_put(&w, &c, &r), RC_CONFLICT, err);
	CHECK_INT(r.version, 7);
	/* nobody here changes it, no other node does */
	struct record_change local = { .type = w.t, .id = c.id, .to_state = -1, .actor = STR("account:1"),
				       .fields = STR("{\"title\":\"C\"}") };
	CHECK_RC(world_put(&w, &local, &r), RC_DENIED, err);
	c.version = 8;
	c.origin = STR("5f1b1c7e-90b3-4a57-8a55-bbbbbbbbbbbb");
	CHECK_RC(world_put(&w, &c, &r), RC_DENIED, err);
	/* what claims to be ours */
	struct record own = world_case_new(&w, "{\"title\":\"Z\"}");
	c.id = own.id;
	c.origin = STR(PARTNER);
	CHECK_RC(world_put(&w, &c, &r), RC_DENIED, err);
	c.id = uuid_random();
	c.origin = store_node_id(w.s);
	CHECK_RC(world_put(&w, &c, &r), RC_DENIED, err);
	/* a type and a state never heard of */
	struct record_change strange = { .id = uuid_random(), .origin = STR(PARTNER), .version = 1,
					 .type_name = STR("satellite"), .type_version = 2, .to_state = -1,
					 .state_name = STR("orbiting"), .actor = STR("node:" PARTNER),
					 .fields = STR("{\"height\":500}") };
	CHECK_RC(world_put(&w, &strange, &r), RC_OK, err);
	struct reader *rd = reading(&w);
	CHECK_RC(record_load(reader_conn(rd), snapshot_table(w.held), strange.id, w.a, &r, &err), RC_OK, err);
	CHECK(!r.type && r.state == -1);
	CHECK_STR(r.type_name, STR("satellite"));
	CHECK_STR(r.state_name, STR("orbiting"));
	CHECK_STR(r.body, strange.fields);
	store_read_end(rd);
	strange.id = uuid_random();
	strange.type_name = STR("../../x");
	CHECK_RC(world_put(&w, &strange, &r), RC_INPUT, err);
	CHECK_MSG(!verify(&w).words[0], "%s", verify(&w).words);
	world_end(&w);
}

/* --- a type defined anew --- */

TEST(read_under_a_newer_definition)
{
	struct world w = world_new();
	struct record r = world_case_new(&w, "{\"title\":\"A\",\"banner\":\"flag\"}"), next;
	/* version 2 has a field more, and `banner` among its filters */
	char *text = x_strdup(world_case);
	char *version = strstr(text, "\"version\": 1");
	version[11] = '2';
	struct buf b = BUF_INIT(KIB(64));
	char *filters = strstr(text, "[\"severity\", \"score\"");
	buf_add(&b, str_mem(text, (size_t)(filters - text)));
	buf_add(&b, STR("[\"banner\", "));
	buf_add(&b, str_of(filters + 1));
	char *fields = strstr(b.p, "\"outcome\"");
	struct buf c = BUF_INIT(KIB(64));
	buf_add(&c, str_mem(b.p, (size_t)(fields - b.p)));
	buf_add(&c, STR("\"extra\": { \"kind\": \"text\", \"since\": 2, \"label\": { \"en\": \"Extra\" } }, "));
	buf_add(&c, str_of(fields));
	struct types *t = world_types(c.p);
	CHECK(t);
	if (t) {
		struct snapshot_ref *old = w.held;
		snapshot_swap(w.types, t);
		w.held = snapshot_hold(w.types);
		w.t = types_find(t, STR("case"));
		CHECK_RC(records_reindex(w.r, &err), RC_OK, err);
		snapshot_drop(w.types, old);
		struct reader *rd = reading(&w);
		struct record got;
		CHECK_RC(record_load(reader_conn(rd), t, r.id, w.a, &got, &err), RC_OK, err);
		CHECK_STR(got.body, r.body);
		CHECK_INT(got.type_version, 1);
		store_read_end(rd);
		CHECK_MSG(!verify(&w).words[0], "%s", verify(&w).words);
		edit(&w, &r, "{\"extra\":\"more\"}", "");
		rd = reading(&w);
		CHECK_RC(record_load(reader_conn(rd), t, r.id, w.a, &next, &err), RC_OK, err);
		CHECK_INT(next.type_version, 2);
		store_read_end(rd);
		CHECK_MSG(!verify(&w).words[0], "%s", verify(&w).words);
	}
	buf_free(&b);
	buf_free(&c);
	free(text);
	world_end(&w);
}

/* --- hooks --- */

struct heard {
	struct buf text;
	bool refuse;
};

static enum rc hear(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		    const struct record *now, struct err *e)
{
	struct heard *h = ctx;
	(void)tx;
	(void)r;
	if (h->refuse)
		return fail(e, RC_DENIED, "not now");
	buf_fmt(&h->text, "%d>%d ", before ? (int)before->version : 0, (int)now->version);
	return RC_OK;
}

static enum rc due_job(struct tx *tx, void *ctx, struct err *e)
{
	return record_set_due(tx, *(struct uuid *)ctx, 1000, e);
}

TEST(hooks_and_due)
{
	struct world w = world_new();
	struct heard mine = { .text = BUF_INIT(KIB(1)) }, others = { .text = BUF_INIT(KIB(1)) };
	records_add_hook(w.r, &(struct record_hook){ .type = "case", .changed = hear, .ctx = &mine });
	records_add_hook(w.r, &(struct record_hook){ .type = "note", .changed = hear, .ctx = &others });
	struct record r = world_case_new(&w, "{\"title\":\"A\"}"), next;
	edit(&w, &r, "{\"title\":\"B\"}", "");
	edit(&w, &r, "{\"title\":\"B\"}", ""); /* nothing changed: nothing to hear */
	CHECK_STR(buf_str(&mine.text), STR("0>1 1>2 "));
	CHECK_INT(others.text.n, 0);
	mine.refuse = true;
	struct record_change c = { .type = w.t, .id = r.id, .to_state = -1, .actor = STR("account:1"),
				   .fields = STR("{\"title\":\"C\"}") };
	CHECK_RC(world_put(&w, &c, &next), RC_DENIED, err);
	mine.refuse = false;
	CHECK_RC(store_write(w.s, due_job, &r.id, &err), RC_OK, err);
	struct reader *rd = reading(&w);
	CHECK_RC(record_load(reader_conn(rd), snapshot_table(w.held), r.id, w.a, &next, &err), RC_OK, err);
	CHECK_STR(next.title, STR("B"));
	CHECK_INT(next.due_us, 1000);
	store_read_end(rd);
	CHECK_MSG(!verify(&w).words[0], "%s", verify(&w).words);
	buf_free(&mine.text);
	buf_free(&others.text);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(every_change_shows), TEST_RUN(a_record_cut_out_whole_shows),
	  TEST_RUN(erased_is_gone_and_the_chain_holds), TEST_RUN(what_cannot_be_erased), TEST_RUN(files),
	  TEST_RUN(copies), TEST_RUN(read_under_a_newer_definition), TEST_RUN(hooks_and_due))
