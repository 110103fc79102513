/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/access.h"

#include <errno.h>

#include "base/io_trace.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "intake/feeds.h"

static struct err err;

struct house {
	struct test_dir dir;
	struct store *store;
	struct journal *journal;
	struct arena *a;
};

static void open_house(struct house *h)
{
	CHECK_RC(store_open(h->dir.path, NULL, NULL, &h->store, &err), RC_OK, err);
	CHECK_RC(journal_open(h->store, &h->journal, &err), RC_OK, err);
}

static struct house begin(void)
{
	struct house h = { .dir = test_dir_new(), .a = arena_new(KIB(16)) };

	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(h.dir.path, "Team", "ID", &err), RC_OK, err);
	open_house(&h);
	return h;
}

static void end(struct house *h)
{
	journal_close(h->journal);
	store_close(h->store);
	arena_free(h->a);
	test_dir_end(&h->dir);
}

struct job {
	struct journal *journal;
	enum { MAKE, REVOKE, FEED, SPOIL } what;
	struct token_new t;
	char text[TOKEN_TEXT_BYTES];
	size_t text_size;
	int64_t id;
	struct spoil {
		int64_t access, ceiling;
		const char *address, *feed;
		bool opens;
	} spoil;
};

static enum rc run_job(struct tx *tx, void *ctx, struct err *e)
{
	struct job *job = ctx;
	struct feed feed = { .name = STR("local"), .tlp = TLP_AMBER, .on = true };
	struct sql *q;

	switch (job->what) {
	case MAKE:
		return token_make(tx, job->journal, &job->t, STR("unix:7"), job->text,
				  job->text_size ? job->text_size : sizeof(job->text), &job->id, e);
	case REVOKE:
		return token_revoke(tx, job->journal, job->id, STR("unix:7"), e);
	case FEED:
		return feed_add(tx, job->journal, &feed, STR("node"), &job->id, e);
	case SPOIL: /* what only a damaged or foreign store holds */
		q = sql(tx_conn(tx), "UPDATE token SET access = ?, ceiling = ?, address = ?, feed = ?");
		sql_int(q, 1, job->spoil.access);
		sql_int(q, 2, job->spoil.ceiling);
		sql_str(q, 3, str_of(job->spoil.address));
		sql_str(q, 4, str_of(job->spoil.feed));
		return sql_run(q, e);
	}
	return RC_IO;
}

static enum rc do_job(struct house *h, struct job *job)
{
	job->journal = h->journal;
	return store_write(h->store, run_job, job, &err);
}

static struct token_new plain(enum right right)
{
	return (struct token_new){ .label = STR("a colleague"), .right = right, .ceiling = TLP_AMBER,
				   .expires_us = clock_now_us() + DAY_US };
}

static struct ip address(const char *text)
{
	struct ip ip = { { 0 } };

	CHECK(ip_parse(str_of(text), &ip));
	return ip;
}

static enum rc check_text(struct house *h, str text, const char *from, struct viewer *v)
{
	struct ip ip = address(from);

	return token_check(h->store, text, &ip, CHANNEL_API, v, NULL, &err);
}

/* --- rights and viewers --- */

TEST(rights)
{
	static const bool want[5][5] = {
		/* has          needs: public read   intake operate signed-in */
		/* public    */      { true, false, false, false, false },
		/* read      */      { true, true,  false, false, true },
		/* intake    */      { true, false, true,  false, false },
		/* operate   */      { true, true,  true,  true,  true },
		/* signed-in */      { true, false, false, false, true },
	};
	enum right r;

	for (int has = -1; has <= 5; has++)
		for (int needs = -1; needs <= 5; needs++) {
			bool inside = has >= 0 && has < 5 && needs >= 0 && needs < 5;

			CHECK_MSG(right_includes((enum right)has, (enum right)needs) ==
				  (inside && want[has][needs]), "%d needs %d", has, needs);
		}
	for (int i = 0; i < 5; i++) {
		r = RIGHT_PUBLIC;
		CHECK(right_parse(str_of(right_name((enum right)i)), &r));
		CHECK_INT(r, i);
	}
	CHECK(!right_parse(STR("admin"), &r) && !right_parse(STR(""), &r));
	CHECK_STR(str_of(right_name((enum right)9)), STR("none"));
}

TEST(viewers)
{
	struct viewer owner = viewer_owner(1000), anyone = viewer_public(CHANNEL_SCREEN);

	CHECK_INT(owner.right, RIGHT_OPERATE);
	CHECK_INT(owner.as.kind, RECIPIENT_STAFF);
	CHECK(owner.as.named && owner.as.personal_basis && owner.exercise && owner.as.exercise_member);
	CHECK_INT(owner.channel, CHANNEL_CLI);
	CHECK_STR(str_of(owner.actor), STR("unix:1000"));
	CHECK_INT(anyone.right, RIGHT_PUBLIC);
	CHECK_INT(anyone.as.kind, RECIPIENT_PUBLIC);
	CHECK_INT(anyone.as.ceiling, TLP_CLEAR);
	CHECK_INT(anyone.channel, CHANNEL_SCREEN);
	CHECK(!anyone.as.named && !anyone.as.personal_basis && !anyone.exercise);
}

TEST(nobody_grants_more_than_he_has)
{
	struct viewer v = viewer_owner(0);
	struct token_new t = plain(RIGHT_OPERATE);

	t.ceiling = TLP_RED;
	t.personal_basis = true;
	CHECK(viewer_may_grant(&v, &t));
	v.as.ceiling = TLP_AMBER;
	CHECK(!viewer_may_grant(&v, &t));
	t.ceiling = TLP_AMBER;
	CHECK(viewer_may_grant(&v, &t));
	v.as.personal_basis = false;
	CHECK(!viewer_may_grant(&v, &t));
	t.personal_basis = false;
	CHECK(viewer_may_grant(&v, &t));
	t.right = (enum right)9;
	CHECK(!viewer_may_grant(&v, &t));
	t.right = RIGHT_READ;
	v.right = RIGHT_READ;
	CHECK(!viewer_may_grant(&v, &t));
}

/* --- making --- */

TEST(only_sound_scopes)
{
	static char long_label[101];
	static const struct {
		const char *what;
		str label;
		enum right right;
		int ceiling;
		int64_t life_us;
		const char *address, *feed;
		enum rc rc;
	} cases[] = {
		{ "plain", STR_INIT("x"), RIGHT_READ, TLP_AMBER, DAY_US, "", "", RC_OK },
		{ "a year", STR_INIT("x"), RIGHT_OPERATE, TLP_RED, 365 * DAY_US, "", "", RC_OK },
		{ "longer", STR_INIT("x"), RIGHT_READ, TLP_AMBER, 368 * DAY_US, "", "", RC_INPUT },
		{ "endless", STR_INIT("x"), RIGHT_READ, TLP_AMBER, INT64_MAX / 2, "", "", RC_INPUT },
		{ "over already", STR_INIT("x"), RIGHT_READ, TLP_AMBER, -MINUTE_US, "", "", RC_INPUT },
		{ "no label", STR_INIT(""), RIGHT_READ, TLP_AMBER, DAY_US, "", "", RC_INPUT },
		{ "long label", { long_label, 101 }, RIGHT_READ, TLP_AMBER, DAY_US, "", "", RC_INPUT },
		{ "line end", STR_INIT("a\nb"), RIGHT_READ, TLP_AMBER, DAY_US, "", "", RC_INPUT },
		{ "public", STR_INIT("x"), RIGHT_PUBLIC, TLP_CLEAR, DAY_US, "", "", RC_INPUT },
		{ "wild right", STR_INIT("x"), (enum right)7, TLP_CLEAR, DAY_US, "", "", RC_INPUT },
		{ "no ceiling", STR_INIT("x"), RIGHT_READ, TLP_COUNT, DAY_US, "", "", RC_INPUT },
		{ "wild ceiling", STR_INIT("x"), RIGHT_READ, -1, DAY_US, "", "", RC_INPUT },
		{ "network", STR_INIT("x"), RIGHT_READ, TLP_AMBER, DAY_US, "192.0.2.0/24", "", RC_OK },
		{ "no network", STR_INIT("x"), RIGHT_READ, TLP_AMBER, DAY_US, "192.0.2/24", "", RC_INPUT },
		{ "feed", STR_INIT("x"), RIGHT_INTAKE, TLP_CLEAR, DAY_US, "", "local", RC_OK },
		{ "feed to read", STR_INIT("x"), RIGHT_READ, TLP_CLEAR, DAY_US, "", "local", RC_INPUT },
		{ "feed to operate", STR_INIT("x"), RIGHT_OPERATE, TLP_CLEAR, DAY_US, "", "local", RC_INPUT },
		{ "unknown feed", STR_INIT("x"), RIGHT_INTAKE, TLP_CLEAR, DAY_US, "", "none", RC_ABSENT },
	};
	struct house h = begin();
	struct job feed = { .what = FEED };

	memset(long_label, 'a', sizeof(long_label));
	CHECK_RC(do_job(&h, &feed), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct job job = { .what = MAKE, .t = {
			.label = cases[i].label, .right = cases[i].right,
			.ceiling = (enum tlp)cases[i].ceiling,
			.expires_us = clock_now_us() + cases[i].life_us,
			.address = str_of(cases[i].address), .feed = str_of(cases[i].feed) } };
		enum rc rc = do_job(&h, &job);

		CHECK_MSG(rc == cases[i].rc, "%s: %s", cases[i].what, rc_name(rc));
		CHECK((rc == RC_OK) == (job.text[0] != '\0'));
	}
	struct job tight = { .what = MAKE, .t = plain(RIGHT_READ), .text_size = 20 };
	CHECK_RC(do_job(&h, &tight), RC_LIMIT, err);
	end(&h);
}

TEST(a_token_says_what_its_bearer_may)
{
	static const struct {
		enum right right;
		enum tlp ceiling;
		bool basis;
	} cases[] = {
		{ RIGHT_READ, TLP_GREEN, false }, { RIGHT_READ, TLP_RED, true },
		{ RIGHT_INTAKE, TLP_CLEAR, false }, { RIGHT_OPERATE, TLP_AMBER_STRICT, true },
	};
	struct house h = begin();

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct viewer v, again;
		char actor[32];
		struct job job = { .what = MAKE, .t = plain(cases[i].right) };

		job.t.ceiling = cases[i].ceiling;
		job.t.personal_basis = cases[i].basis;
		CHECK_RC(do_job(&h, &job), RC_OK, err);
		CHECK(str_starts(str_of(job.text), STR("ronda_")));
		CHECK_INT(strlen(job.text), 6 + 43);
		CHECK_RC(check_text(&h, str_of(job.text), "192.0.2.1", &v), RC_OK, err);
		CHECK_INT(v.right, cases[i].right);
		CHECK_INT(v.as.kind, RECIPIENT_STAFF);
		CHECK_INT(v.as.ceiling, cases[i].ceiling);
		CHECK_INT(v.as.named, cases[i].ceiling == TLP_RED);
		CHECK_INT(v.as.personal_basis, cases[i].basis);
		CHECK_INT(v.exercise, cases[i].right == RIGHT_OPERATE);
		CHECK_INT(v.channel, CHANNEL_API);
		snprintf(actor, sizeof(actor), "token:%lld", (long long)job.id);
		CHECK_STR(str_of(v.actor), str_of(actor));
		CHECK_RC(token_again(h.store, job.id, NULL, CHANNEL_SCREEN, &again, &err), RC_OK, err);
		CHECK_INT(again.channel, CHANNEL_SCREEN);
		CHECK_INT(again.as.ceiling, cases[i].ceiling);
	}
	end(&h);
}

/* --- refusing --- */

TEST(refused_without_a_word)
{
	struct house h = begin();
	struct job net = { .what = MAKE, .t = plain(RIGHT_OPERATE) };
	struct job gone = { .what = MAKE, .t = plain(RIGHT_OPERATE) };
	struct job fine = { .what = MAKE, .t = plain(RIGHT_OPERATE) };
	struct viewer v;
	char changed[TOKEN_TEXT_BYTES];

	/* Before the first token there is nothing to compare with. */
	CHECK_RC(check_text(&h, STR("ronda_x"), "192.0.2.1", &v), RC_DENIED, err);
	net.t.address = STR("192.0.2.128/25");
	CHECK_RC(do_job(&h, &net), RC_OK, err);
	CHECK_RC(do_job(&h, &gone), RC_OK, err);
	CHECK_RC(do_job(&h, &fine), RC_OK, err);
	gone.what = REVOKE;
	CHECK_RC(do_job(&h, &gone), RC_OK, err);
	CHECK_RC(do_job(&h, &gone), RC_ABSENT, err);
	memcpy(changed, fine.text, sizeof(changed));
	changed[20] = changed[20] == 'A' ? 'B' : 'A';

	CHECK_RC(check_text(&h, str_of(net.text), "192.0.2.200", &v), RC_OK, err);
	CHECK_RC(check_text(&h, str_of(fine.text), "192.0.2.1", &v), RC_OK, err);
	struct err words[8] = { 0 };
	const struct { str text; const char *from; } tries[] = {
		{ str_of(net.text), "192.0.2.1" }, { str_of(gone.text), "192.0.2.200" },
		{ STR("ronda_"), "192.0.2.1" },    { STR(""), "192.0.2.1" },
		{ STR_NONE, "192.0.2.1" },         { str_of(changed), "192.0.2.1" },
		{ str_head(str_of(fine.text), 48), "192.0.2.1" },
	};
	for (size_t i = 0; i < COUNT_OF(tries); i++) {
		struct ip ip = address(tries[i].from);
		char feed[64] = "x";

		v.right = RIGHT_OPERATE;
		CHECK_RC(token_check(h.store, tries[i].text, &ip, CHANNEL_API, &v, feed, &words[i]),
			 RC_DENIED, words[i]);
		CHECK_STR(str_of(words[i].text), str_of(words[0].text));
		CHECK_INT(v.right, RIGHT_PUBLIC);
		CHECK_INT(v.as.kind, RECIPIENT_NONE);
		CHECK_STR(str_of(feed), STR(""));
	}
	/* Bound to a network: not without an address. */
	CHECK_RC(token_check(h.store, str_of(net.text), NULL, CHANNEL_API, &v, NULL, &err), RC_DENIED, err);
	CHECK_RC(token_check(h.store, str_of(fine.text), NULL, CHANNEL_API, &v, NULL, &err), RC_OK, err);
	CHECK_RC(token_again(h.store, gone.id, NULL, CHANNEL_API, &v, &err), RC_DENIED, err);
	CHECK_RC(token_again(h.store, 99, NULL, CHANNEL_API, &v, &err), RC_DENIED, err);
	end(&h);
}

TEST(expired)
{
	struct house h = begin();
	struct job job = { .what = MAKE, .t = plain(RIGHT_READ) };
	struct viewer v;

	CHECK_RC(do_job(&h, &job), RC_OK, err);
	CHECK_RC(check_text(&h, str_of(job.text), "192.0.2.1", &v), RC_OK, err);
	if (clock_move(2 * DAY_US)) {
		CHECK_RC(check_text(&h, str_of(job.text), "192.0.2.1", &v), RC_DENIED, err);
		CHECK(clock_move(-2 * DAY_US));
	}
	CHECK_RC(check_text(&h, str_of(job.text), "192.0.2.1", &v), RC_OK, err);
	end(&h);
}

TEST(a_row_we_did_not_write_opens_nothing)
{
	static const char long_text[] =
		"a text that is longer than any network or name of a feed can be written in any way";
	static const struct spoil spoils[] = {
		{ RIGHT_READ, TLP_CLEAR, "", "", true },     { RIGHT_OPERATE, TLP_RED, "", "", true },
		{ RIGHT_OPERATE + 1, TLP_CLEAR, "", "", false }, { RIGHT_PUBLIC, TLP_CLEAR, "", "", false },
		{ -1, TLP_CLEAR, "", "", false },            { RIGHT_READ, -1, "", "", false },
		{ RIGHT_READ, TLP_COUNT, "", "", false },    { RIGHT_READ, TLP_CLEAR, "x", "", false },
		{ RIGHT_READ, TLP_CLEAR, long_text, "", false }, { RIGHT_READ, TLP_CLEAR, "", long_text, false },
	};
	struct house h = begin();
	struct job job = { .what = MAKE, .t = plain(RIGHT_OPERATE) };
	struct viewer v;

	CHECK_RC(do_job(&h, &job), RC_OK, err);
	job.what = SPOIL;
	for (size_t i = 0; i < COUNT_OF(spoils); i++) {
		job.spoil = spoils[i];
		CHECK_RC(do_job(&h, &job), RC_OK, err);
		enum rc rc = check_text(&h, str_of(job.text), "192.0.2.1", &v);
		CHECK_MSG(rc == (spoils[i].opens ? RC_OK : RC_DENIED), "row %zu: %s", i, rc_name(rc));
	}
	end(&h);
}

/* --- what is kept --- */

static bool file_has(const char *path, str needle)
{
	struct buf text = BUF_INIT(MIB(64));
	FILE *f = fopen(path, "rb");
	char block[4096];
	size_t n;

	while (f && (n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add_mem(&text, block, n);
	if (f)
		fclose(f);
	bool has = str_find(buf_str(&text), needle) < text.n;
	buf_free(&text);
	return has;
}

TEST(the_store_holds_no_token)
{
	static const char *const files[] = { "main.db", "main.db-wal" };
	struct house h = begin();
	struct job job = { .what = MAKE, .t = plain(RIGHT_READ) };
	char path[512], secret[TOKEN_TEXT_BYTES];
	bool label = false;

	CHECK_RC(do_job(&h, &job), RC_OK, err);
	CHECK_RC(setup_secret_make(h.store, secret, sizeof(secret), &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		const char *file = test_dir_in(&h.dir, path, files[i]);

		label |= file_has(file, STR("a colleague"));
		CHECK(!file_has(file, str_from(str_of(job.text), 6)));
		CHECK(!file_has(file, str_from(str_of(secret), 12)));
	}
	CHECK(label); /* else we looked in the wrong place */
	end(&h);
}

static int64_t last_used(struct house *h, size_t at)
{
	struct reader *r;
	struct token *list;
	size_t n;

	CHECK_RC(store_read_begin(h->store, &r, &err), RC_OK, err);
	CHECK_RC(token_list(reader_conn(r), h->a, &list, &n, &err), RC_OK, err);
	store_read_end(r);
	CHECK(at < n);
	return at < n ? list[at].last_used_us : -1;
}

TEST(use_is_noted_once_a_minute)
{
	struct house h = begin();
	struct job job = { .what = MAKE, .t = plain(RIGHT_READ) };
	struct viewer v;

	CHECK_RC(do_job(&h, &job), RC_OK, err);
	CHECK_INT(last_used(&h, 0), 0);
	CHECK_RC(check_text(&h, str_of(job.text), "192.0.2.1", &v), RC_OK, err);
	int64_t first = last_used(&h, 0);
	CHECK(first > 0);
	for (int i = 0; i < 50; i++)
		CHECK_RC(check_text(&h, str_of(job.text), "192.0.2.1", &v), RC_OK, err);
	CHECK_INT(last_used(&h, 0), first);
	if (clock_move(2 * MINUTE_US)) {
		CHECK_RC(check_text(&h, str_of(job.text), "192.0.2.1", &v), RC_OK, err);
		CHECK(last_used(&h, 0) > first + MINUTE_US);
		CHECK(clock_move(-2 * MINUTE_US));
	}
	end(&h);
}

/* A store that can no longer be written lets in whom it knows, and notes nothing. */
TEST(a_read_only_store_is_read)
{
	struct house h = begin();
	struct job job = { .what = MAKE, .t = plain(RIGHT_READ) }, more = job;
	struct test_dir empty = test_dir_new();
	struct viewer v;

	CHECK_RC(do_job(&h, &job), RC_OK, err);
	struct io_trace *t = io_trace_begin(empty.path);
	io_trace_fail_op(t, IO_OP_SYNC, 1, EIO);
	CHECK_RC(do_job(&h, &more), RC_IO, err);
	CHECK(io_trace_failed(t) && store_read_only(h.store));
	CHECK_RC(check_text(&h, str_of(job.text), "192.0.2.1", &v), RC_OK, err);
	CHECK_INT(v.right, RIGHT_READ);
	CHECK_INT(last_used(&h, 0), 0);
	io_trace_free(t);
	test_dir_end(&empty);
	end(&h);
}

TEST(listed_and_written_down)
{
	struct house h = begin();
	struct reader *r;
	struct token *list;
	struct journal_line *lines;
	size_t n;

	for (int i = 0; i < 20; i++) {
		struct job job = { .what = MAKE, .t = plain(RIGHT_READ) };
		job.t.address = STR("192.0.2.77/24");
		CHECK_RC(do_job(&h, &job), RC_OK, err);
	}
	struct job third = { .what = REVOKE, .id = 3 };
	CHECK_RC(do_job(&h, &third), RC_OK, err);
	CHECK_RC(store_read_begin(h.store, &r, &err), RC_OK, err);
	CHECK_RC(token_list(reader_conn(r), h.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 20);
	if (n == 20) {
		CHECK_STR(list[0].label, STR("a colleague"));
		CHECK_STR(list[0].address, STR("192.0.2.0/24"));
		CHECK_INT(list[0].revoked_us, 0);
		CHECK(list[2].revoked_us > 0);
		CHECK_INT(list[19].right, RIGHT_READ);
	}
	CHECK_RC(journal_list(reader_conn(r), 0, 100, h.a, &lines, &n, &err), RC_OK, err);
	CHECK_INT(n, 21);
	if (n == 21) {
		CHECK_STR(lines[0].act, STR("token.revoke"));
		CHECK_STR(lines[0].object, STR("token:3"));
		CHECK_STR(lines[1].act, STR("token.make"));
		CHECK_STR(lines[1].actor, STR("unix:7"));
	}
	store_read_end(r);
	end(&h);
}

TEST(a_feed_token_names_its_feed)
{
	struct house h = begin();
	struct job feed = { .what = FEED };
	struct job job = { .what = MAKE, .t = plain(RIGHT_INTAKE) };
	struct viewer v;
	char name[64] = "x";

	CHECK_RC(do_job(&h, &feed), RC_OK, err);
	job.t.feed = STR("local");
	CHECK_RC(do_job(&h, &job), RC_OK, err);
	CHECK_RC(token_check(h.store, str_of(job.text), NULL, CHANNEL_API, &v, name, &err), RC_OK, err);
	CHECK_STR(str_of(name), STR("local"));
	end(&h);
}

/* --- the set-up secret --- */

TEST(the_set_up_secret_works_once)
{
	struct house h = begin();
	struct ip from = address("192.0.2.1");
	char old[TOKEN_TEXT_BYTES], secret[TOKEN_TEXT_BYTES], token[TOKEN_TEXT_BYTES] = "";
	struct viewer v;

	CHECK_RC(setup_secret_use(h.store, h.journal, STR(""), &from, token, sizeof(token), &err), RC_DENIED, err);
	CHECK_RC(setup_secret_make(h.store, old, sizeof(old), &err), RC_OK, err);
	CHECK_RC(setup_secret_make(h.store, secret, sizeof(secret), &err), RC_OK, err);
	CHECK(str_starts(str_of(secret), STR("ronda_")));
	CHECK_RC(setup_secret_use(h.store, h.journal, str_of(old), &from, token, sizeof(token), &err),
		 RC_DENIED, err);
	CHECK_RC(setup_secret_use(h.store, h.journal, STR("x"), NULL, token, sizeof(token), &err),
		 RC_DENIED, err);
	CHECK_STR(str_of(token), STR(""));
	/* It is no token, and a token is no set-up secret. */
	CHECK_RC(check_text(&h, str_of(secret), "192.0.2.1", &v), RC_DENIED, err);
	CHECK_RC(setup_secret_use(h.store, h.journal, str_of(secret), &from, token, sizeof(token), &err),
		 RC_OK, err);
	CHECK_RC(check_text(&h, str_of(token), "192.0.2.1", &v), RC_OK, err);
	CHECK_INT(v.right, RIGHT_OPERATE);
	CHECK_RC(setup_secret_use(h.store, h.journal, str_of(token), &from, old, sizeof(old), &err),
		 RC_DENIED, err);
	CHECK_RC(setup_secret_use(h.store, h.journal, str_of(secret), &from, old, sizeof(old), &err),
		 RC_DENIED, err);
	end(&h);
}

TEST(a_failed_set_up_keeps_the_secret)
{
	struct house h = begin();
	char secret[TOKEN_TEXT_BYTES], tight[8], token[TOKEN_TEXT_BYTES];

	CHECK_RC(setup_secret_make(h.store, tight, sizeof(tight), &err), RC_LIMIT, err);
	CHECK_RC(setup_secret_make(h.store, secret, sizeof(secret), &err), RC_OK, err);
	CHECK_RC(setup_secret_use(h.store, h.journal, str_of(secret), NULL, tight, sizeof(tight), &err),
		 RC_LIMIT, err);
	CHECK_RC(setup_secret_use(h.store, h.journal, str_of(secret), NULL, token, sizeof(token), &err),
		 RC_OK, err);
	end(&h);
}

TEST_MAIN(TEST_RUN(rights), TEST_RUN(viewers), TEST_RUN(nobody_grants_more_than_he_has),
	  TEST_RUN(only_sound_scopes), TEST_RUN(a_token_says_what_its_bearer_may),
	  TEST_RUN(refused_without_a_word), TEST_RUN(expired),
	  TEST_RUN(a_row_we_did_not_write_opens_nothing), TEST_RUN(the_store_holds_no_token),
	  TEST_RUN(use_is_noted_once_a_minute), TEST_RUN(a_read_only_store_is_read),
	  TEST_RUN(listed_and_written_down),
	  TEST_RUN(a_feed_token_names_its_feed), TEST_RUN(the_set_up_secret_works_once),
	  TEST_RUN(a_failed_set_up_keeps_the_secret))
