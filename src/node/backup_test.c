/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <sodium.h>

#include "base/io_trace.h"
#include "base/test_dir.h"
#include "node/backup.h"
#include "store/reports.h"
#include "store/rewrite.h"
#include "store/upkeep.h"

static struct err err;
#define CANARY "Canary-51ce-of-Someone"
#define PRIVATE_KEY "gnupg/private-keys-v1.d/00112233445566778899AABBCCDDEEFF00112233.key"

struct world {
	struct test_dir d, to;
	struct store *s;
	struct journal *j;
	char public[BACKUP_KEY_TEXT], secret[BACKUP_KEY_TEXT];
	struct backup_key pk, sk;
	struct buf bytes; /* the backup */
	size_t cut;       /* put refuses behind so many; 0: never */
	size_t at;        /* of get */
	void (*meanwhile)(struct world *w);
};

static int64_t deliver(struct world *w, size_t more, uint64_t seed)
{
	struct raw_intake *in;
	struct report r = { .feed = 1, .file_name = CANARY };
	bool known;
	char *p = x_alloc(more + 1);
	for (size_t i = 0; i < more; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		p[i] = (char)(seed >> 56);
	}
	CHECK_RC(raw_begin(w->s, &in, &err), RC_OK, err);
	CHECK_RC(raw_add(in, str_mem(p, more), &err), RC_OK, err);
	CHECK_RC(report_received(in, &r, &known, &err), RC_OK, err);
	free(p);
	return r.id;
}

static struct world opened(void)
{
	struct world w = { .d = test_dir_new(), .to = test_dir_new(), .bytes = BUF_INIT(MIB(64)) };
	CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
	CHECK_RC(journal_open(w.s, &w.j, &err), RC_OK, err);
	struct journal_act act = { .act = "init", .actor = STR("node"), .body = STR("\"" CANARY "\"") };
	CHECK_RC(journal_write(w.j, &act, &err), RC_OK, err);
	for (unsigned i = 1; i <= 5; i++)
		deliver(&w, i * i * 40000, i);
	backup_key_make(w.public, w.secret);
	CHECK_RC(backup_public_parse(str_of(w.public), &w.pk, &err), RC_OK, err);
	CHECK_RC(backup_secret_parse(str_of(w.secret), &w.sk, &err), RC_OK, err);
	return w;
}

static void ended(struct world *w)
{
	journal_close(w->j);
	store_close(w->s);
	buf_free(&w->bytes);
	test_dir_end(&w->d);
	test_dir_end(&w->to);
}

static void write_file(const struct world *w, const char *name, const char *text)
{
	char path[512];
	int fd = open(test_dir_in(&w->d, path, name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static bool put(void *ctx, str s)
{
	struct world *w = ctx;
	void (*meanwhile)(struct world *) = w->meanwhile;
	w->meanwhile = NULL;
	if (meanwhile)
		meanwhile(w);
	buf_add(&w->bytes, s);
	return !w->cut || w->bytes.n < w->cut;
}

static long get(void *ctx, void *to, size_t n)
{
	struct world *w = ctx;
	size_t left = w->bytes.n - w->at;
	if (n > left)
		n = left;
	if (n > 1000)
		n = 1000; /* as pipes do: in pieces */
	if (n)
		memcpy(to, w->bytes.p + w->at, n);
	w->at += n;
	return (long)n;
}

static enum rc back_up(struct world *w)
{
	struct backup_summary sum;
	buf_reset(&w->bytes);
	return backup_write(w->s, w->j, &w->pk, STR("unix:7"), put, NULL, w, &sum, &err);
}

static enum rc restore(struct world *w, const struct backup_key *key, const char *name,
		       struct backup_summary *sum)
{
	char path[512];
	w->at = 0;
	return backup_read(key, name ? test_dir_in(&w->to, path, name) : NULL, get, NULL, w, sum, &err);
}

static int64_t number(struct store *s, const char *literal)
{
	struct reader *r;
	CHECK_RC(store_read_begin(s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), literal);
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

static void say(void *ctx, const char *sentence)
{
	(void)ctx;
	printf("# %s\n", sentence);
}

/* Opens what was restored: sound, and with so many reports. */
static void check_restored(struct world *w, const char *name, int64_t reports)
{
	char path[512];
	struct store *s;
	struct reader *r;
	struct verify_result v;
	struct journal_check k;
	CHECK_RC(store_open(test_dir_in(&w->to, path, name), NULL, NULL, &s, &err), RC_OK, err);
	CHECK_RC(store_verify(s, say, NULL, NULL, &v, &err), RC_OK, err);
	CHECK_INT(v.damaged, 0);
	CHECK_INT(v.reports, reports);
	CHECK_RC(store_read_begin(s, &r, &err), RC_OK, err);
	CHECK_RC(journal_verify(reader_conn(r), STR_NONE, &k, &err), RC_OK, err);
	CHECK_MSG(k.first_bad == 0, "%s", k.words);
	store_read_end(r);
	CHECK_STR(store_node_id(s), store_node_id(w->s));
	CHECK(memcmp(store_secret(s), store_secret(w->s), sizeof(struct key)) == 0);
	store_close(s);
}

static bool is_absent(struct world *w, const char *name)
{
	char path[512];
	return access(test_dir_in(&w->to, path, name), F_OK) != 0;
}

TEST(there_and_back)
{
	struct world w = opened();
	struct backup_summary sum;
	char types[512], mappings[512], path[512];
	write_file(&w, "ronda.conf", "demo = no\n");
	write_file(&w, "account.key", CANARY);
	write_file(&w, "networks-12.cache", "made again");
	CHECK_INT(mkdir(test_dir_in(&w.d, types, "types"), 0700), 0);
	write_file(&w, "types/visit.json", "{}");
	CHECK_INT(mkdir(test_dir_in(&w.d, mappings, "mappings"), 0700), 0);
	write_file(&w, "mappings/own.json.mustache", "{}");
	CHECK_INT(mkdir(test_dir_in(&w.d, path, "gnupg"), 0700), 0);
	CHECK_INT(mkdir(test_dir_in(&w.d, path, "gnupg/private-keys-v1.d"), 0700), 0);
	write_file(&w, "gnupg/pubring.kbx", CANARY);
	write_file(&w, "gnupg/pubring.kbx~", "the one before");
	write_file(&w, "gnupg/gpg.conf", "made again");
	write_file(&w, PRIVATE_KEY, CANARY);
	CHECK_RC(back_up(&w), RC_OK, err);
	CHECK(!memmem(w.bytes.p, w.bytes.n, CANARY, strlen(CANARY)));
	CHECK(!memmem(w.bytes.p, w.bytes.n, "Team B", 6));
	CHECK(!memmem(w.bytes.p, w.bytes.n, "SQLite", 6));
	CHECK(!memmem(w.bytes.p, w.bytes.n, "rfrm", 4));
	/* only checked */
	CHECK_RC(restore(&w, &w.sk, NULL, &sum), RC_OK, err);
	CHECK_STR(str_of(sum.name), STR("Team B"));
	CHECK_INT(sum.files, 8);
	CHECK_RC(restore(&w, &w.sk, "new", &sum), RC_OK, err);
	CHECK(!is_absent(&w, "new/ronda.conf") && !is_absent(&w, "new/account.key"));
	CHECK(!is_absent(&w, "new/mappings/own.json.mustache"));
	CHECK(!is_absent(&w, "new/gnupg/pubring.kbx") && !is_absent(&w, "new/" PRIVATE_KEY));
	CHECK(is_absent(&w, "new/gnupg/pubring.kbx~") && is_absent(&w, "new/gnupg/gpg.conf"));
	CHECK(!is_absent(&w, "new/types/visit.json") && is_absent(&w, "new/networks-12.cache"));
	check_restored(&w, "new", 5);
	CHECK_RC(restore(&w, &w.sk, "new", &sum), RC_CONFLICT, err); /* it is not empty */
	check_restored(&w, "new", 5);
	CHECK_INT(number(w.s, "SELECT count(*) FROM journal WHERE act = 'backup.done'"), 1);
	/* nothing of it stays beside main.db */
	CHECK(access(test_dir_in(&w.d, path, "backup.db"), F_OK) != 0);
	ended(&w);
}

static void go_on(struct world *w)
{
	for (unsigned i = 0; i < 20; i++)
		deliver(w, 30000 + i, 100 + i);
	/* days cannot be forgotten under it, a second backup not begin */
	struct forget_result f;
	CHECK_RC(store_forget(w->s, time_day(clock_now_us()) + 1, false, &f, &err), RC_BUSY, err);
	CHECK(!store_take_files(w->s));
}

TEST(the_store_goes_on_meanwhile)
{
	struct world w = opened();
	struct backup_summary sum;
	w.meanwhile = go_on;
	CHECK_RC(back_up(&w), RC_OK, err);
	CHECK_INT(number(w.s, "SELECT count(*) FROM report"), 25);
	CHECK_RC(restore(&w, &w.sk, "new", &sum), RC_OK, err);
	check_restored(&w, "new", 5); /* one moment, not a mixture */
	CHECK_RC(back_up(&w), RC_OK, err);
	CHECK_RC(restore(&w, &w.sk, "later", &sum), RC_OK, err);
	check_restored(&w, "later", 25);
	/* forgetting is possible again */
	CHECK(store_take_files(w.s));
	store_give_files(w.s);
	ended(&w);
}

TEST(a_writer_that_goes_away)
{
	struct world w = opened();
	w.cut = 100000;
	CHECK_RC(back_up(&w), RC_IO, err);
	CHECK_INT(number(w.s, "SELECT count(*) FROM journal WHERE act = 'backup'"), 1);
	CHECK_INT(number(w.s, "SELECT count(*) FROM journal WHERE act = 'backup.failed'"), 1);
	w.cut = 0;
	CHECK_RC(back_up(&w), RC_OK, err);
	ended(&w);
}

TEST(another_key)
{
	struct world w = opened();
	struct backup_summary sum;
	char public[BACKUP_KEY_TEXT], secret[BACKUP_KEY_TEXT];
	struct backup_key other;
	backup_key_make(public, secret);
	CHECK_RC(backup_secret_parse(str_of(secret), &other, &err), RC_OK, err);
	CHECK_RC(back_up(&w), RC_OK, err);
	CHECK_RC(restore(&w, &other, "new", &sum), RC_DENIED, err);
	CHECK(strstr(err.text, w.public) != NULL);
	CHECK(is_absent(&w, "new"));
	/* the public key alone, written over: the sealed key does not open */
	CHECK_RC(backup_public_parse(str_of(public), &w.pk, &err), RC_OK, err);
	memcpy(w.bytes.p + 12, w.pk.b, 32);
	CHECK_RC(restore(&w, &other, "new", &sum), RC_INPUT, err);
	ended(&w);
}

TEST(every_flipped_byte_and_every_cut)
{
	struct world w = opened();
	struct backup_summary sum;
	CHECK_RC(back_up(&w), RC_OK, err);
	size_t all = w.bytes.n, tried = 0;
	/* all of the head and the first message's begin, then here and there */
	for (size_t i = 0; i < all && test_failures < 10; i += i < 300 ? 1 : 19997, tried++) {
		w.bytes.p[i] ^= 0x10;
		enum rc rc = restore(&w, &w.sk, "new", &sum);
		CHECK_MSG(rc != RC_OK && rc != RC_IO, "byte %zu: %s", i, rc_name(rc));
		CHECK_MSG(is_absent(&w, "new"), "byte %zu leaves something", i);
		w.bytes.p[i] ^= 0x10;
	}
	for (size_t n = 0; n < all && test_failures < 10; n += n < 300 ? 1 : 19997, tried++) {
		w.bytes.n = n;
		CHECK_MSG(restore(&w, &w.sk, "new", &sum) == RC_INPUT, "cut at %zu", n);
		CHECK_MSG(is_absent(&w, "new"), "cut at %zu leaves something", n);
	}
	w.bytes.n = all;
	buf_char(&w.bytes, 'x');
	CHECK_RC(restore(&w, &w.sk, "new", &sum), RC_INPUT, err);
	CHECK(strstr(err.text, "follow") != NULL);
	w.bytes.n = all;
	CHECK_RC(restore(&w, &w.sk, "new", &sum), RC_OK, err);
	check_restored(&w, "new", 5);
	printf("# %zu refused\n", tried + 1);
	ended(&w);
}

/* Whoever knows the public key can make something that decrypts: it is still not
 * written where it wants, and takes no memory it asks for. */
static void forge(struct world *w, str listing, uint32_t listing_bytes, str rest)
{
	unsigned char key[32], head[148] = "RONDABAK\1", sealed[2048];
	unsigned long long n;
	crypto_secretstream_xchacha20poly1305_state stream;
	struct buf plain = BUF_INIT(1024);
	memcpy(head + 12, w->pk.b, 32);
	crypto_secretstream_xchacha20poly1305_keygen(key);
	CHECK(crypto_box_seal(head + 44, key, sizeof(key), w->pk.b) == 0);
	crypto_secretstream_xchacha20poly1305_init_push(&stream, head + 124, key);
	buf_le32(&plain, listing_bytes);
	buf_add(&plain, listing);
	buf_add(&plain, rest);
	crypto_secretstream_xchacha20poly1305_push(&stream, sealed, &n, (unsigned char *)plain.p, plain.n,
						   head, sizeof(head),
						   crypto_secretstream_xchacha20poly1305_TAG_FINAL);
	buf_reset(&w->bytes);
	buf_add_mem(&w->bytes, head, sizeof(head));
	buf_le32(&w->bytes, (uint32_t)n);
	buf_add_mem(&w->bytes, sealed, (size_t)n);
	buf_free(&plain);
}

TEST(forged_ones)
{
	struct world w = opened();
	struct backup_summary sum;
#define DB "{\"name\":\"main.db\",\"bytes\":0}"
	static const char *const listings[] = {
		"",
		"[]",
		"{}",
		"{\"files\":[]}",
		"{\"files\":[1]}",
		"{\"files\":[{\"name\":\"raw/2026-11-22.seg\",\"bytes\":0}]}",
		"{\"files\":[" DB ",{\"name\":\"../x\",\"bytes\":0}]}",
		"{\"files\":[" DB ",{\"name\":\"/etc/passwd\",\"bytes\":0}]}",
		"{\"files\":[" DB ",{\"name\":\"raw/../x\",\"bytes\":0}]}",
		"{\"files\":[" DB ",{\"name\":\"raw/x.seg\",\"bytes\":0}]}",
		"{\"files\":[" DB ",{\"name\":\"repeats/01.tags\",\"bytes\":0}]}",
		"{\"files\":[" DB ",{\"name\":\"repeats/-1.tags\",\"bytes\":0}]}",
		"{\"files\":[" DB ",{\"name\":\"lock\",\"bytes\":0}]}",
		"{\"files\":[" DB ",{\"name\":\".bashrc\",\"bytes\":0}]}",
		"{\"files\":[" DB ",{\"name\":\"types/../x.json\",\"bytes\":0}]}",
		"{\"files\":[" DB ",{\"name\":\"types/x\",\"bytes\":0}]}",
		"{\"files\":[" DB ",{\"name\":\"main.db-wal\",\"bytes\":0}]}",
		"{\"files\":[" DB ",{\"name\":\"raw/2026-11-22.seg\",\"bytes\":-1}]}",
		"{\"files\":[" DB ",{\"name\":\"raw/2026-11-22.seg\",\"bytes\":9223372036854775807}]}",
		"{\"files\":[{\"name\":\"main.db\",\"bytes\":1}]}",
		"{\"files\":[" DB "," DB "]}",
		"{\"files\":[" DB "]} more",
	};
	/* SHA-256 of nothing, which is what DB promises */
	struct digest empty = sha256(STR(""));
	str rest = str_mem(empty.b, sizeof(empty.b));
	for (size_t i = 0; i < COUNT_OF(listings); i++) {
		str l = str_of(listings[i]);
		forge(&w, l, (uint32_t)l.n, rest);
		enum rc rc = restore(&w, &w.sk, "new", &sum);
		CHECK_MSG(rc != RC_OK && rc != RC_IO, "%s: %s", listings[i], rc_name(rc));
		CHECK_MSG(is_absent(&w, "new"), "%s leaves something", listings[i]);
	}
	static const uint32_t lengths[] = { 0, 5, 100000, MIB(16), UINT32_MAX };
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		forge(&w, STR("{\"files\":[" DB "]}"), lengths[i], rest);
		CHECK(restore(&w, &w.sk, "new", &sum) != RC_OK);
	}
	/* and this is how it would be right */
	str l = STR("{\"name\":\"\\u001b[31m\",\"files\":[" DB "]}");
	forge(&w, l, (uint32_t)l.n, rest);
	CHECK_RC(restore(&w, &w.sk, "new", &sum), RC_OK, err);
	CHECK_STR(str_of(sum.name), STR("")); /* nothing that moves a terminal */
	forge(&w, l, (uint32_t)l.n, STR("nothing of the sort, but as long."));
	CHECK_RC(restore(&w, &w.sk, "other", &sum), RC_INPUT, err);
	ended(&w);
}

TEST(no_room_and_what_is_left_over)
{
	struct world w = opened();
	char path[512];
	journal_close(w.j);
	store_close(w.s);
	/* as a kill in the middle leaves it */
	int fd = open(test_dir_in(&w.d, path, "backup.db"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, "half", 4) == 4);
	close(fd);
	CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
	CHECK_RC(journal_open(w.s, &w.j, &err), RC_OK, err);
	CHECK(access(path, F_OK) != 0);
	struct test_dir empty = test_dir_new();
	struct io_trace *t = io_trace_begin(empty.path);
	io_trace_pretend_free(t, MIB(64) + 4096);
	CHECK_RC(back_up(&w), RC_LIMIT, err);
	CHECK(strstr(err.text, "main.db") != NULL);
	CHECK_INT(w.bytes.n, 0);
	io_trace_pretend_free(t, UINT64_MAX);
	/* the copy cannot be written */
	for (uint64_t n = 1; n < 40; n += 3) {
		io_trace_fail(t, n, ENOSPC, false);
		(void)!back_up(&w);
		io_trace_fail(t, 0, 0, false);
		CHECK_MSG(access(path, F_OK) != 0, "call %llu leaves a copy", (unsigned long long)n);
		CHECK(store_take_files(w.s));
		store_give_files(w.s);
	}
	CHECK_RC(back_up(&w), RC_OK, err);
	io_trace_stop(t);
	io_trace_free(t);
	test_dir_end(&empty);
	ended(&w);
}

TEST(keys_as_text)
{
	char public[BACKUP_KEY_TEXT], secret[BACKUP_KEY_TEXT], text[200];
	struct backup_key key;
	backup_key_make(public, secret);
	snprintf(text, sizeof(text), "# words\r\n\n  %s \r\nmore\n", secret);
	CHECK_RC(backup_secret_parse(str_of(text), &key, &err), RC_OK, err);
	CHECK_RC(backup_public_parse(str_of(public), &key, &err), RC_OK, err);
	CHECK_RC(backup_public_parse(str_of(secret), &key, &err), RC_INPUT, err);
	CHECK(!strstr(err.text, secret) && strstr(err.text, "secret"));
	CHECK_RC(backup_secret_parse(str_of(public), &key, &err), RC_INPUT, err);
	static const char *const wrong[] = { "", "rbp1", "#", "rbs1zz", "\n\n" };
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		CHECK_RC(backup_public_parse(str_of(wrong[i]), &key, &err), RC_INPUT, err);
		CHECK_RC(backup_secret_parse(str_of(wrong[i]), &key, &err), RC_INPUT, err);
	}
	for (size_t i = 4; public[i]; i++) { /* one letter mistyped */
		char was = public[i];
		public[i] = was == '0' ? '1' : '0';
		CHECK_RC(backup_public_parse(str_of(public), &key, &err), RC_INPUT, err);
		public[i] = was;
	}
}

TEST_MAIN(TEST_RUN(there_and_back), TEST_RUN(the_store_goes_on_meanwhile),
	  TEST_RUN(a_writer_that_goes_away), TEST_RUN(another_key),
	  TEST_RUN(every_flipped_byte_and_every_cut), TEST_RUN(forged_ones),
	  TEST_RUN(no_room_and_what_is_left_over), TEST_RUN(keys_as_text))
