/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/seal.h"

#include <dlfcn.h>

#include "base/json.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "disclosure/seal_private.h"

static struct err err;

#define SECRET "a child of seven, met by name in 2025"
#define PASS_A "seven rivers run north"
#define PASS_B "eight rivers run south"

/* In place of the library's: the one that says there is no memory for a passphrase. */
static bool no_memory;
int crypto_pwhash(unsigned char *out, unsigned long long out_n, const char *pass, unsigned long long n,
		  const unsigned char *salt, unsigned long long passes, size_t memory, int alg)
{
	int (*real)(unsigned char *, unsigned long long, const char *, unsigned long long, const unsigned char *,
		    unsigned long long, size_t, int);
	*(void **)&real = dlsym(RTLD_NEXT, "crypto_pwhash");
	return no_memory ? -1 : real(out, out_n, pass, n, salt, passes, memory, alg);
}

struct house {
	struct test_dir dir;
	struct store *store;
	struct journal *journal;
	struct roles *roles;
	struct uuid record;
};

static struct house begin(void)
{
	struct house h = { .dir = test_dir_new(), .record = uuid_random() };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(h.dir.path, "Team", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(h.dir.path, NULL, NULL, &h.store, &err), RC_OK, err);
	CHECK_RC(journal_open(h.store, &h.journal, &err), RC_OK, err);
	CHECK_RC(roles_load(NULL, &h.roles, &err), RC_OK, err);
	return h;
}

static void end(struct house *h)
{
	roles_free(h->roles);
	journal_close(h->journal);
	store_close(h->store);
	test_dir_end(&h->dir);
}

struct job {
	struct house *h;
	enum { ACCOUNT, KEY, SEAL, NAMED, CHANGE, SHARE, RECOVER, FORGET, SPOIL, DISABLE,
	       SPOIL_SHORT, NO_OPEN, WEAK_OPEN, NO_SALT, NO_SECRET, NO_RECOVERY, LAST_NUMBER, MANY_HOLDERS,
	       MANY_KEYS } what;
	const char *name, *pass, *field, *json;
	str named[RECORD_NAMED_MAX + 2];
	size_t named_count;
	int64_t id;
	struct seal_ring *ring;
	struct seal_shares shares;
	str given[3];
	size_t given_count;
	struct buf *out;
	struct seal_pass made;
};

static enum rc run_job(struct tx *tx, void *ctx, struct err *e)
{
	struct job *j = ctx;
	struct journal *jl = j->h->journal;
	struct account_new n = { .name = str_of(j->name), .roles = 8, .unix_uid = -1 };
	str by = STR("test");
	const struct seal_pass *pass = &j->made;
	switch (j->what) {
	case ACCOUNT: return account_make(tx, jl, j->h->roles, &n, by, &j->id, e);
	case KEY: return seal_key_make(tx, jl, j->id, pass, &j->shares, by, e);
	case SEAL: return seal_field(tx, j->h->record, str_of(j->field), j->named, j->named_count,
				     str_of(j->json), j->out, e);
	case NAMED: return seal_named(tx, j->ring, j->h->record, j->named, j->named_count, e);
	case CHANGE: return seal_key_change(tx, jl, j->ring, pass, by, e);
	case SHARE: return seal_key_share(tx, jl, j->ring, &j->shares, by, e);
	case RECOVER: return seal_key_recover(tx, jl, j->id, j->given, j->given_count, pass, by, e);
	case FORGET: return seal_forget(tx, j->h->record, e);
	case DISABLE: return account_disable(tx, jl, j->id, true, by, e);
	/* what only a damaged or foreign store holds */
	case SPOIL: return sql_run(sql(tx_conn(tx), "UPDATE seal_wrap SET wrapped = zeroblob(80)"), e);
	case SPOIL_SHORT: return sql_run(sql(tx_conn(tx), "UPDATE seal_wrap SET wrapped = zeroblob(79)"), e);
	case NO_OPEN: return sql_run(sql(tx_conn(tx), "UPDATE seal_person SET public = x'01'"), e);
	case WEAK_OPEN: return sql_run(sql(tx_conn(tx), "UPDATE seal_person SET public = zeroblob(32)"), e);
	case NO_SALT: return sql_run(sql(tx_conn(tx), "UPDATE seal_person SET salt = x'01'"), e);
	case NO_SECRET: return sql_run(sql(tx_conn(tx), "UPDATE seal_person SET secret = x'01'"), e);
	case NO_RECOVERY: return sql_run(sql(tx_conn(tx), "UPDATE seal_person SET recovery = x'01'"), e);
	case LAST_NUMBER: return sql_run(sql(tx_conn(tx), "UPDATE seal_wrap SET number = 4095"), e);
	case MANY_HOLDERS:
		return sql_run(sql(tx_conn(tx), "WITH RECURSIVE n(i) AS (VALUES (1000) UNION ALL SELECT i + 1 FROM n"
					        " WHERE i < 1299) INSERT INTO seal_wrap (record, number, account, wrapped)"
					        " SELECT w.record, w.number, i, w.wrapped FROM n, seal_wrap w"), e);
	case MANY_KEYS:
		return sql_run(sql(tx_conn(tx), "WITH RECURSIVE n(i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n"
					        " WHERE i < 4200) INSERT INTO seal_wrap (record, number, account, wrapped)"
					        " SELECT w.record, i, w.account, w.wrapped FROM n, seal_wrap w"), e);
	}
	return RC_IO;
}

static enum rc run(struct house *h, struct job *j)
{
	j->h = h;
	if (j->pass) {
		enum rc rc = seal_pass_make(str_of(j->pass), &j->made, &err);
		if (rc != RC_OK)
			return rc;
	}
	return store_write(h->store, run_job, j, &err);
}

static int64_t person(struct house *h, const char *name, const char *pass, struct seal_shares *shares)
{
	struct job j = { .what = ACCOUNT, .name = name };
	CHECK_RC(run(h, &j), RC_OK, err);
	if (!pass)
		return j.id;
	j.what = KEY;
	j.pass = pass;
	j.shares.count = 3;
	CHECK_RC(run(h, &j), RC_OK, err);
	if (shares)
		*shares = j.shares;
	return j.id;
}

static enum rc open_key(struct house *h, int64_t id, const char *pass, struct seal_ring **out)
{
	struct reader *r = NULL;
	*out = NULL;
	CHECK_RC(store_read_begin(h->store, &r, &err), RC_OK, err);
	enum rc rc = seal_key_open(reader_conn(r), id, str_of(pass), out, &err);
	store_read_end(r);
	return rc;
}

static enum rc read_it(struct house *h, const struct seal_ring *ring, const char *field,
		       const struct buf *sealed, struct buf *out)
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(h->store, &r, &err), RC_OK, err);
	buf_reset(out);
	enum rc rc = open_field(reader_conn(r), ring, h->record, str_of(field), buf_str(sealed), out, &err);
	store_read_end(r);
	return rc;
}

static enum rc seal(struct house *h, str one, str two, struct buf *out)
{
	struct job j = { .what = SEAL, .field = "victim", .json = "\"" SECRET "\"", .named = { one, two },
			 .named_count = two.n ? 2 : 1, .out = out };
	buf_reset(out);
	return run(h, &j);
}

/* Everything the directory holds has none of these bytes. */
static bool on_disk(struct house *h, const char *needle)
{
	static const char *const files[] = { "main.db", "main.db-wal" };
	struct io_dir *d = NULL;
	bool found = false;
	CHECK_RC(io_dir_open(h->dir.path, &d, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct buf b = BUF_INIT(MIB(64));
		CHECK_RC(io_read_file(d, files[i], &b, &err), RC_OK, err);
		found = found || str_find(buf_str(&b), str_of(needle)) < b.n;
		buf_free(&b);
	}
	io_dir_close(d);
	return found;
}

TEST(only_who_is_named_reads)
{
	struct house h = begin();
	struct buf sealed = BUF_INIT(KIB(4)), out = BUF_INIT(KIB(4));
	struct seal_ring *a = NULL, *b = NULL;
	int64_t id_a = person(&h, "Officer A", PASS_A, NULL), id_b = person(&h, "Officer B", PASS_B, NULL);
	CHECK_INT(id_a, 1);
	CHECK_RC(seal(&h, STR("account:1"), STR(""), &sealed), RC_OK, err);
	CHECK(str_starts(buf_str(&sealed), STR("{\"sealed\":\"")));
	struct json_object *o = NULL;
	CHECK_RC(json_read(buf_str(&sealed), &o, &err), RC_OK, err);
	CHECK(seal_is_sealed(o) && !seal_is_sealed(json_get(o, "sealed")) && !seal_is_sealed(NULL));
	json_free(o);
	static const char *const others[] = { "{\"sealed\":\"\"}", "{\"sealed\":\"AQ\",\"more\":1}", "{\"seal\":\"AQ\"}" };
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		CHECK_RC(json_read(str_of(others[i]), &o, &err), RC_OK, err);
		CHECK_MSG(!seal_is_sealed(o), "%s", others[i]);
		json_free(o);
	}
	CHECK_RC(open_key(&h, id_a, PASS_A, &a), RC_OK, err);
	CHECK_RC(open_key(&h, id_b, PASS_B, &b), RC_OK, err);
	CHECK_INT(seal_ring_account(a), id_a);
	CHECK_RC(read_it(&h, a, "victim", &sealed, &out), RC_OK, err);
	CHECK_STR(buf_str(&out), STR("\"" SECRET "\""));
	CHECK_RC(read_it(&h, NULL, "victim", &sealed, &out), RC_DENIED, err);
	CHECK_RC(read_it(&h, b, "victim", &sealed, &out), RC_DENIED, err);
	CHECK(out.n == 0);
	/* bound to its field and record */
	CHECK_RC(read_it(&h, a, "summary", &sealed, &out), RC_INPUT, err);
	CHECK(out.n == 0);
	struct uuid other = h.record;
	h.record = uuid_random();
	CHECK_RC(read_it(&h, a, "victim", &sealed, &out), RC_DENIED, err);
	h.record = other;
	/* the same words twice are different bytes */
	struct buf again = BUF_INIT(KIB(4));
	CHECK_RC(seal(&h, STR("account:1"), STR(""), &again), RC_OK, err);
	CHECK(!str_eq(buf_str(&again), buf_str(&sealed)));
	CHECK_RC(read_it(&h, a, "victim", &sealed, &out), RC_OK, err); /* the older one still opens */
	/* a dump holds neither the words nor what opens them */
	CHECK(!on_disk(&h, SECRET) && !on_disk(&h, PASS_A) && !on_disk(&h, PASS_B));
	CHECK(!on_disk(&h, "child of seven"));
	CHECK(on_disk(&h, "Officer A")); /* the search finds what is there */
	/* nobody to seal to */
	person(&h, "Officer C", NULL, NULL);
	CHECK_RC(seal(&h, STR("account:3"), STR(""), &again), RC_DENIED, err);
	CHECK_RC(seal(&h, STR("unix:0"), STR("account:x"), &again), RC_DENIED, err);
	CHECK_RC(seal(&h, STR("account:0"), STR("account:-1"), &again), RC_DENIED, err);
	/* no more than may be named are asked for; one who is named twice has one key */
	struct job crowd = { .what = SEAL, .field = "victim", .json = "7", .out = &again,
			     .named_count = RECORD_NAMED_MAX + 2 };
	for (size_t i = 0; i < crowd.named_count; i++)
		crowd.named[i] = STR("account:1");
	buf_reset(&again);
	CHECK_RC(run(&h, &crowd), RC_OK, err);
	CHECK_RC(read_it(&h, a, "victim", &again, &out), RC_OK, err);
	CHECK_STR(buf_str(&out), STR("7"));
	buf_reset(&again);
	/* what a reader has no room for is not given in part */
	struct buf tight = BUF_INIT(8);
	CHECK_RC(read_it(&h, a, "victim", &sealed, &tight), RC_LIMIT, err);
	CHECK(tight.n == 0);
	buf_free(&tight);
	/* longer than a record may be */
	char *text = x_alloc(RECORD_BODY_MAX + 2);
	memset(text, '1', RECORD_BODY_MAX + 1);
	crowd.json = text;
	CHECK_RC(run(&h, &crowd), RC_LIMIT, err);
	CHECK(again.n == 0);
	struct buf endless = BUF_INIT(MIB(4));
	buf_add(&endless, STR("{\"sealed\":\""));
	for (int i = 0; i < 3; i++)
		buf_add(&endless, str_of(text));
	buf_add(&endless, STR("\"}"));
	CHECK_RC(read_it(&h, a, "victim", &endless, &out), RC_INPUT, err);
	buf_free(&endless);
	free(text);
	CHECK(again.n == 0);
	seal_ring_drop(a);
	seal_ring_drop(b);
	buf_free(&again);
	buf_free(&sealed);
	buf_free(&out);
	end(&h);
}

TEST(passphrases)
{
	struct house h = begin();
	struct seal_ring *r = NULL;
	bool has = true;
	struct reader *rd = NULL;
	int64_t id = person(&h, "Officer A", NULL, NULL);
	CHECK_RC(store_read_begin(h.store, &rd, &err), RC_OK, err);
	CHECK_RC(seal_key_has(reader_conn(rd), id, &has, &err), RC_OK, err);
	store_read_end(rd);
	CHECK(!has);
	CHECK_RC(open_key(&h, id, PASS_A, &r), RC_ABSENT, err);
	struct job j = { .what = KEY, .id = id, .pass = "too short", .shares = { .count = 3 } };
	CHECK_RC(run(&h, &j), RC_INPUT, err);
	j.pass = PASS_A;
	j.shares.count = 1;
	CHECK_RC(run(&h, &j), RC_INPUT, err);
	j.shares.count = 17;
	CHECK_RC(run(&h, &j), RC_INPUT, err);
	j.shares.count = 2;
	CHECK_RC(run(&h, &j), RC_OK, err);
	CHECK_RC(run(&h, &j), RC_CONFLICT, err);
	CHECK_RC(open_key(&h, id, PASS_B, &r), RC_DENIED, err);
	CHECK_RC(open_key(&h, id, "", &r), RC_DENIED, err);
	CHECK_RC(open_key(&h, id, PASS_A, &r), RC_OK, err);
	/* long ones: taken, refused, and never tried */
	static char long_pass[SEAL_PASSPHRASE_MOST + 2];
	memset(long_pass, 'x', SEAL_PASSPHRASE_MOST + 1);
	struct seal_pass made;
	static const struct seal_pass wiped;
	CHECK_RC(seal_pass_make(str_of(long_pass), &made, &err), RC_INPUT, err);
	CHECK_RC(seal_pass_make(str_of(long_pass + 1), &made, &err), RC_OK, err);
	CHECK(memcmp(&made, &wiped, sizeof(made)) != 0);
	seal_pass_wipe(&made);
	CHECK(memcmp(&made, &wiped, sizeof(made)) == 0);
	struct seal_ring *none = NULL;
	CHECK_RC(open_key(&h, id, long_pass, &none), RC_DENIED, err);
	no_memory = true; /* that is no wrong passphrase */
	CHECK_RC(open_key(&h, id, PASS_A, &none), RC_LIMIT, err);
	CHECK_RC(seal_pass_make(STR(PASS_A), &made, &err), RC_LIMIT, err);
	no_memory = false;
	CHECK(!none);
	struct job few = { .what = SHARE, .ring = r, .shares = { .count = 1 } };
	CHECK_RC(run(&h, &few), RC_INPUT, err);
	/* shorter than any box is */
	unsigned char out[SEAL_KEY], key[SEAL_KEY] = "";
	CHECK(!seal_unbox(key, STR(""), STR("short"), out));
	struct job change = { .what = CHANGE, .ring = r, .pass = PASS_B };
	CHECK_RC(run(&h, &change), RC_OK, err);
	struct seal_ring *same = seal_ring_hold(r);
	CHECK(same == r && seal_ring_hold(NULL) == NULL && seal_ring_account(NULL) == 0);
	seal_ring_drop(same);
	seal_ring_drop(r);
	seal_ring_drop(NULL);
	CHECK_RC(open_key(&h, id, PASS_A, &r), RC_DENIED, err);
	CHECK_RC(open_key(&h, id, PASS_B, &r), RC_OK, err);
	seal_ring_drop(r);
	end(&h);
}

TEST(two_shares_recover_and_one_does_not)
{
	struct house h = begin();
	struct seal_shares s, other;
	struct seal_ring *r = NULL;
	struct buf sealed = BUF_INIT(KIB(4)), out = BUF_INIT(KIB(4));
	int64_t id = person(&h, "Officer A", PASS_A, &s);
	person(&h, "Officer B", PASS_A, &other);
	CHECK_RC(seal(&h, STR("account:1"), STR(""), &sealed), RC_OK, err);
	str s0 = str_of(s.text[0]), s1 = str_of(s.text[1]), s2 = str_of(s.text[2]), o0 = str_of(other.text[0]);
	char bent[SEAL_SHARE_BYTES];
	memcpy(bent, s.text[1], sizeof(bent));
	bent[30] = bent[30] == 'A' ? 'B' : 'A';
	const struct {
		const char *what;
		str given[3];
		size_t count;
		enum rc rc;
	} cases[] = {
		{ "none", { s0 }, 0, RC_DENIED },
		{ "one", { s0 }, 1, RC_DENIED },
		{ "one twice", { s0, s0 }, 2, RC_DENIED },
		{ "one and nothing", { s0, STR("") }, 2, RC_DENIED },
		{ "one and another's", { s0, o0 }, 2, RC_DENIED },
		{ "one and a bent one", { s0, str_of(bent) }, 2, RC_DENIED },
		{ "one and words", { s0, STR("ronda_share_") }, 2, RC_DENIED },
		{ "one and signs", { s0, STR("ronda_share_!?") }, 2, RC_DENIED },
		{ "one and the number nought", { s0, STR("ronda_share_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
							"AAAAAAAAAAA") }, 2, RC_DENIED },
		{ "first and second", { s0, s1 }, 2, RC_OK },
		{ "third and first", { s2, s0 }, 2, RC_OK },
		{ "second and third", { s1, s2 }, 2, RC_OK },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct job j = { .what = RECOVER, .id = id, .pass = PASS_B, .given_count = cases[i].count };
		memcpy(j.given, cases[i].given, sizeof(j.given));
		enum rc rc = run(&h, &j);
		CHECK_MSG(rc == cases[i].rc, "%s: %s", cases[i].what, rc_name(rc));
		CHECK_MSG((open_key(&h, id, PASS_B, &r) == RC_OK) == (i >= 9), "%s", cases[i].what);
		seal_ring_drop(r);
	}
	CHECK_RC(open_key(&h, id, PASS_A, &r), RC_DENIED, err);
	CHECK_RC(open_key(&h, id, PASS_B, &r), RC_OK, err);
	CHECK_RC(read_it(&h, r, "victim", &sealed, &out), RC_OK, err);
	CHECK_STR(buf_str(&out), STR("\"" SECRET "\""));
	/* new shares: the old ones open nothing, nor does one of each */
	struct job again = { .what = SHARE, .ring = r, .shares = { .count = 2 } };
	CHECK_RC(run(&h, &again), RC_OK, err);
	struct job old = { .what = RECOVER, .id = id, .pass = PASS_A, .given = { s0, s1 }, .given_count = 2 };
	CHECK_RC(run(&h, &old), RC_DENIED, err);
	old.given[1] = str_of(again.shares.text[1]);
	CHECK_RC(run(&h, &old), RC_DENIED, err);
	old.given[0] = str_of(again.shares.text[0]);
	CHECK_RC(run(&h, &old), RC_OK, err);
	old.given[0] = old.given[1] = STR("");
	old.id = 99;
	CHECK_RC(run(&h, &old), RC_ABSENT, err);
	CHECK(!on_disk(&h, s.text[0]) && !on_disk(&h, again.shares.text[1]) && !on_disk(&h, "ronda_share_"));
	seal_ring_drop(r);
	buf_free(&sealed);
	buf_free(&out);
	end(&h);
}

static enum rc set_named(struct house *h, const struct seal_ring *ring, str one, str two)
{
	struct job j = { .what = NAMED, .ring = (struct seal_ring *)ring, .named = { one, two }, .named_count = 2 };
	return run(h, &j);
}

TEST(persons_come_and_go)
{
	struct house h = begin();
	struct buf sealed = BUF_INIT(KIB(4)), later = BUF_INIT(KIB(4)), out = BUF_INIT(KIB(4));
	struct seal_ring *a = NULL, *b = NULL;
	int64_t id_a = person(&h, "Officer A", PASS_A, NULL), id_b = person(&h, "Officer B", PASS_B, NULL);
	str an = STR("account:1"), bn = STR("account:2"), none = STR("");
	CHECK_RC(open_key(&h, id_a, PASS_A, &a), RC_OK, err);
	CHECK_RC(open_key(&h, id_b, PASS_B, &b), RC_OK, err);
	CHECK_RC(set_named(&h, NULL, an, none), RC_OK, err); /* nothing is sealed yet */
	CHECK_RC(seal(&h, an, none, &sealed), RC_OK, err);
	/* to add one asks for an open key of one who has it */
	CHECK_RC(set_named(&h, NULL, an, bn), RC_DENIED, err);
	CHECK_RC(set_named(&h, b, an, bn), RC_DENIED, err);
	CHECK_RC(read_it(&h, b, "victim", &sealed, &out), RC_DENIED, err);
	CHECK_RC(set_named(&h, a, an, bn), RC_OK, err);
	CHECK_RC(read_it(&h, b, "victim", &sealed, &out), RC_OK, err);
	CHECK_STR(buf_str(&out), STR("\"" SECRET "\""));
	/* to take one away does not */
	CHECK_RC(set_named(&h, NULL, none, none), RC_DENIED, err); /* but the last one stays */
	CHECK_RC(set_named(&h, NULL, none, bn), RC_OK, err);
	CHECK_RC(read_it(&h, a, "victim", &sealed, &out), RC_DENIED, err);
	CHECK_RC(read_it(&h, b, "victim", &sealed, &out), RC_OK, err);
	CHECK_RC(seal(&h, bn, none, &later), RC_OK, err);
	CHECK_RC(read_it(&h, a, "victim", &later, &out), RC_DENIED, err);
	CHECK_RC(read_it(&h, b, "victim", &later, &out), RC_OK, err);
	/* who is gone from the team gets nothing new */
	struct job gone = { .what = DISABLE, .id = id_b };
	CHECK_RC(run(&h, &gone), RC_OK, err);
	CHECK_RC(seal(&h, bn, none, &out), RC_DENIED, err);
	/* damage and erasure */
	struct job spoil = { .what = SPOIL };
	CHECK_RC(run(&h, &spoil), RC_OK, err);
	CHECK_RC(read_it(&h, b, "victim", &later, &out), RC_INPUT, err);
	struct job forget = { .what = FORGET };
	CHECK_RC(run(&h, &forget), RC_OK, err);
	CHECK_RC(read_it(&h, b, "victim", &sealed, &out), RC_DENIED, err);
	seal_ring_drop(a);
	seal_ring_drop(b);
	buf_free(&sealed);
	buf_free(&later);
	buf_free(&out);
	end(&h);
}

TEST(rows_we_did_not_write)
{
	struct house h = begin();
	struct buf sealed = BUF_INIT(KIB(4)), out = BUF_INIT(KIB(4));
	struct seal_ring *a = NULL, *c = NULL;
	int64_t id = person(&h, "Officer A", PASS_A, NULL);
	person(&h, "Officer B", PASS_B, NULL);
	int64_t id_c = person(&h, "Officer C", PASS_B, NULL);
	str an = STR("account:1"), none = STR("");
	CHECK_RC(open_key(&h, id, PASS_A, &a), RC_OK, err);
	CHECK_RC(open_key(&h, id_c, PASS_B, &c), RC_OK, err);
	CHECK_RC(seal(&h, an, none, &sealed), RC_OK, err);
	/* two at once, with one key */
	struct job three = { .what = NAMED, .ring = a, .named = { an, STR("account:2"), STR("account:3") },
			     .named_count = 3 };
	CHECK_RC(run(&h, &three), RC_OK, err);
	CHECK_RC(read_it(&h, c, "victim", &sealed, &out), RC_OK, err);
	/* as many holders as no record has; then as many keys */
	struct job hurt = { .what = MANY_HOLDERS };
	struct job forget = { .what = FORGET };
	CHECK_RC(run(&h, &forget), RC_OK, err);
	CHECK_RC(seal(&h, an, none, &sealed), RC_OK, err);
	CHECK_RC(run(&h, &hurt), RC_OK, err);
	CHECK_RC(set_named(&h, a, an, none), RC_LIMIT, err);
	CHECK_RC(run(&h, &forget), RC_OK, err);
	CHECK_RC(seal(&h, an, none, &sealed), RC_OK, err);
	hurt.what = MANY_KEYS;
	CHECK_RC(run(&h, &hurt), RC_OK, err);
	CHECK_RC(set_named(&h, a, an, none), RC_OK, err);
	CHECK_RC(read_it(&h, a, "victim", &sealed, &out), RC_OK, err);
	/* the last key there can be */
	CHECK_RC(run(&h, &forget), RC_OK, err);
	CHECK_RC(seal(&h, an, none, &sealed), RC_OK, err);
	hurt.what = LAST_NUMBER;
	CHECK_RC(run(&h, &hurt), RC_OK, err);
	CHECK_RC(seal(&h, an, none, &sealed), RC_OK, err);
	CHECK_RC(seal(&h, an, none, &sealed), RC_LIMIT, err);
	hurt.what = SPOIL_SHORT;
	CHECK_RC(run(&h, &forget), RC_OK, err);
	CHECK_RC(seal(&h, an, none, &sealed), RC_OK, err);
	CHECK_RC(run(&h, &hurt), RC_OK, err);
	CHECK_RC(read_it(&h, a, "victim", &sealed, &out), RC_INPUT, err);
	/* keys of persons */
	hurt.what = WEAK_OPEN;
	CHECK_RC(run(&h, &hurt), RC_OK, err);
	CHECK_RC(seal(&h, an, none, &sealed), RC_INPUT, err);
	struct seal_ring *no = NULL;
	static const struct { int what; enum rc open, seal; } hurts[] = {
		{ NO_RECOVERY, RC_INPUT, RC_INPUT }, { NO_SECRET, RC_INPUT, RC_INPUT }, { NO_SALT, RC_INPUT, RC_INPUT },
		{ NO_OPEN, RC_INPUT, RC_DENIED },
	};
	for (size_t i = 0; i < COUNT_OF(hurts); i++) {
		hurt.what = hurts[i].what;
		CHECK_RC(run(&h, &hurt), RC_OK, err);
		CHECK_RC(open_key(&h, id, PASS_A, &no), hurts[i].open, err);
		CHECK(!no);
		CHECK_RC(seal(&h, an, none, &sealed), hurts[i].seal, err);
	}
	seal_ring_drop(a);
	seal_ring_drop(c);
	buf_free(&sealed);
	buf_free(&out);
	end(&h);
}

TEST(hostile_values)
{
	static const char *const bad[] = {
		"", "null", "{}", "{\"sealed\":\"\"}", "{\"sealed\":7}", "{\"sealed\":\"AQ\"}", "{\"sealed\":\"!!\"}",
		"{\"sealed\":\"AQEAAAA\"}", "[\"sealed\"]",
		"{\"sealed\":\"AgEAAABiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJi\"}",
	};
	struct house h = begin();
	struct buf out = BUF_INIT(KIB(4)), sealed = BUF_INIT(KIB(4));
	struct seal_ring *a = NULL;
	int64_t id = person(&h, "Officer A", PASS_A, NULL);
	CHECK_RC(open_key(&h, id, PASS_A, &a), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct buf b = BUF_INIT(KIB(4));
		buf_add(&b, str_of(bad[i]));
		CHECK_MSG(read_it(&h, a, "victim", &b, &out) == RC_INPUT, "%s", bad[i]);
		buf_free(&b);
	}
	/* each byte of a good one counts */
	CHECK_RC(seal(&h, STR("account:1"), STR(""), &sealed), RC_OK, err);
	for (size_t i = 11; i < sealed.n - 2; i++) {
		char was = sealed.p[i];
		sealed.p[i] = was == 'A' ? 'Q' : 'A';
		enum rc rc = read_it(&h, a, "victim", &sealed, &out);
		CHECK_MSG(rc == RC_INPUT || rc == RC_DENIED, "byte %zu: %s", i, rc_name(rc));
		sealed.p[i] = was;
	}
	CHECK_RC(read_it(&h, a, "victim", &sealed, &out), RC_OK, err);
	seal_ring_drop(a);
	buf_free(&sealed);
	buf_free(&out);
	end(&h);
}

TEST_MAIN(TEST_RUN(only_who_is_named_reads), TEST_RUN(passphrases),
	  TEST_RUN(two_shares_recover_and_one_does_not), TEST_RUN(persons_come_and_go),
	  TEST_RUN(rows_we_did_not_write),
	  TEST_RUN(hostile_values))
