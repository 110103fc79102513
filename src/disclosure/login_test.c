/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/login.h"

#include <dlfcn.h>
#include <errno.h>
#include <sodium.h>

#include "base/io_trace.h"
#include "base/json.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "disclosure/passkey_test.h"
#include "disclosure/passkeys.h"

static struct err err;

#define PASSWORD "kelapa muda di tepi jalan"
#define OTHER "pisang goreng tiap pagi"
#define WORDS "the name, the password or the code is wrong"

/* In place of the library's: the one that says there is no memory for a hash. */
static bool no_memory;
int crypto_pwhash_str_alg(char out[crypto_pwhash_STRBYTES], const char *password, unsigned long long n,
			  unsigned long long passes, size_t memory, int alg)
{
	int (*real)(char *, const char *, unsigned long long, unsigned long long, size_t, int);
	*(void **)&real = dlsym(RTLD_NEXT, "crypto_pwhash_str_alg");
	return no_memory ? -1 : real(out, password, n, passes, memory, alg);
}

struct house {
	struct test_dir dir;
	struct login l;
	struct roles *roles;
	struct ip from;
	struct arena *a;
};

static struct house begin(void)
{
	struct house h = { .dir = test_dir_new(), .a = arena_new(KIB(16)) };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(h.dir.path, "Team", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(h.dir.path, NULL, NULL, &h.l.store, &err), RC_OK, err);
	CHECK_RC(journal_open(h.l.store, &h.l.journal, &err), RC_OK, err);
	CHECK_RC(roles_load(NULL, &h.roles, &err), RC_OK, err);
	CHECK_RC(secrets_open(h.l.store, &h.l.secrets, &err), RC_OK, err);
	CHECK_RC(secrets_ready(h.l.secrets, &err), RC_OK, err);
	CHECK_RC(secrets_ready(h.l.secrets, &err), RC_OK, err);
	h.l.roles = h.roles;
	h.l.guard = guard_new();
	CHECK(ip_parse(STR("192.0.2.1"), &h.from));
	return h;
}

static void end(struct house *h)
{
	guard_free(h->l.guard);
	secrets_close(h->l.secrets);
	roles_free(h->roles);
	journal_close(h->l.journal);
	store_close(h->l.store);
	arena_free(h->a);
	test_dir_end(&h->dir);
}

/* Another address each time, so that only the name is counted; or the same with `same`. */
static void move_on(struct house *h)
{
	h->from.b[14]++;
	h->from.b[13] = (uint8_t)(h->from.b[13] + (h->from.b[14] == 0));
}

struct job {
	struct house *h;
	enum { MAKE, PASS, TOTP, CODES, INVITE, DISABLE, ENABLE, SUBJECT, KEY, UNKEY, ROLES,
	       ROLELESS, LONG_HASH, TOTP_SHORT, TOTP_LONG, MORE_CODES, LATE } what;
	const char *name;
	uint32_t roles;
	int64_t id;
	str hash, subject;
	const struct totp_secret *totp;
	struct recovery codes;
	char text[TOKEN_TEXT_BYTES];
	const struct passkey *passkey;
	str label;
	size_t text_size; /* 0: all */
};

static enum rc run_job(struct tx *tx, void *ctx, struct err *e)
{
	struct job *j = ctx;
	struct login *l = &j->h->l;
	struct account_new n = { .name = str_of(j->name), .roles = j->roles, .unix_uid = -1 };
	str by = STR("test");
	switch (j->what) {
	case MAKE: return account_make(tx, l->journal, l->roles, &n, by, &j->id, e);
	case PASS: return account_set_password(tx, l->journal, j->id, j->hash, by, e);
	case TOTP: return account_set_totp(tx, l->journal, l->secrets, j->id, j->totp, 0, by, e);
	case CODES: return account_new_codes(tx, l->journal, l->secrets, j->id, &j->codes, by, e);
	case INVITE: return account_invite(tx, l->journal, j->id, by, j->text,
					   j->text_size ? j->text_size : sizeof(j->text), e);
	case DISABLE: return account_disable(tx, l->journal, j->id, true, by, e);
	case ENABLE: return account_disable(tx, l->journal, j->id, false, by, e);
	case ROLES: return account_set_roles(tx, l->journal, l->roles, j->id, j->roles, by, e);
	case SUBJECT: return account_set_subject(tx, l->journal, j->id, STR("https://idp.example.org"), j->subject,
						 by, e);
	case KEY: return passkey_add(tx, l->journal, j->id, j->passkey, j->label.p ? j->label : STR("a key"), by, e);
	case UNKEY: return passkey_remove(tx, l->journal, j->id, j->hash, by, e);
	/* what only a damaged or foreign store holds */
	case ROLELESS: return sql_run(sql(tx_conn(tx), "UPDATE account SET roles = 'gone'"), e);
	case LONG_HASH: return sql_run(sql(tx_conn(tx), "UPDATE account_secret SET password = printf('%0200d', 1)"), e);
	case TOTP_SHORT: return sql_run(sql(tx_conn(tx), "UPDATE account_secret SET totp = zeroblob(40)"), e);
	case TOTP_LONG: return sql_run(sql(tx_conn(tx), "UPDATE account_secret SET totp = zeroblob(4000)"), e);
	case MORE_CODES:
		return sql_run(sql(tx_conn(tx), "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE"
					        " i < 30) INSERT INTO account_code (account, digest)"
					        " SELECT 1, CAST(printf('%.*c', i, '!') AS BLOB) FROM n UNION ALL SELECT 1, CAST("
					        "x'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff' || char(i + 64)"
					        " AS BLOB) FROM n"), e);
	/* as if another had used the key between look and write */
	case LATE:
		return sql_run(sql(tx_conn(tx), "CREATE TRIGGER late BEFORE UPDATE OF counter ON account_passkey"
					        " BEGIN SELECT RAISE(IGNORE); END"), e);
	}
	return RC_IO;
}

static enum rc run(struct house *h, struct job *j)
{
	j->h = h;
	return store_write(h->l.store, run_job, j, &err);
}

static struct account account(struct house *h, int64_t id)
{
	struct account a = { .id = 0 };
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(h->l.store, &r, &err), RC_OK, err);
	CHECK_RC(account_by_id(reader_conn(r), h->roles, id, h->a, &a, &err), RC_OK, err);
	store_read_end(r);
	return a;
}

/* An account with a password; its id. */
static int64_t person(struct house *h, const char *name, const char *roles)
{
	char hash[PASSWORD_HASH_SIZE];
	struct job j = { .what = MAKE, .name = name };
	CHECK_RC(roles_parse(h->roles, str_of(roles), &j.roles, &err), RC_OK, err);
	CHECK_RC(run(h, &j), RC_OK, err);
	struct account a = account(h, j.id);
	CHECK_RC(secrets_new_password(h->l.secrets, &a, STR(PASSWORD), hash, &err), RC_OK, err);
	j.what = PASS;
	j.hash = str_of(hash);
	CHECK_RC(run(h, &j), RC_OK, err);
	return j.id;
}

static enum rc try_it(struct house *h, const char *name, const char *password, struct login_result *out)
{
	return login_password(&h->l, str_of(name), str_of(password), &h->from, out, &err);
}

static void kept_hash(struct house *h, int64_t id, char out[PASSWORD_HASH_SIZE])
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(h->l.store, &r, &err), RC_OK, err);
	CHECK_RC(account_password(reader_conn(r), id, out, &err), RC_OK, err);
	store_read_end(r);
}

TEST(name_and_password)
{
	struct house h = begin();
	struct login_result in;
	int64_t id = person(&h, "Viewer A", "viewer"), lead = person(&h, "Lead A", "lead");
	CHECK_RC(try_it(&h, "vIEWER a", PASSWORD, &in), RC_OK, err);
	CHECK_INT(in.next, LOGIN_IN);
	CHECK_INT(in.account, id);
	CHECK_INT(in.secrets, account(&h, id).secrets);
	CHECK(account(&h, id).last_seen_us > 0 && account(&h, id).has_password);
	/* a role that asks for a second factor, and none is there */
	CHECK_RC(try_it(&h, "Lead A", PASSWORD, &in), RC_OK, err);
	CHECK_INT(in.next, LOGIN_ENROLS);
	CHECK_INT(in.account, lead);
	/* one sentence for all that is wrong */
	struct job no_password = { .what = MAKE, .name = "Blank A", .roles = 1 }, off = { .what = DISABLE, .id = id };
	CHECK_RC(run(&h, &no_password), RC_OK, err);
	CHECK_RC(run(&h, &off), RC_OK, err);
	static const struct {
		const char *what, *name, *password;
	} wrong[] = {
		{ "wrong password", "Lead A", OTHER }, { "unknown", "Nobody", PASSWORD }, { "no name", "", PASSWORD },
		{ "no password kept", "Blank A", "" }, { "disabled", "Viewer A", PASSWORD },
		{ "not a name", "a\nb", PASSWORD }, { "nothing", "Lead A", "" },
	};
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		move_on(&h);
		enum rc rc = try_it(&h, wrong[i].name, wrong[i].password, &in);
		CHECK_MSG(rc == RC_DENIED && str_eq(str_of(err.text), STR(WORDS)) && in.account == 0, "%s: %s",
			  wrong[i].what, err.text);
	}
	end(&h);
}

/* However it is written and wherever it comes from: at most ten reach the check. */
TEST(a_thousand_guesses)
{
	static const char *const names[] = { "Lead A", "LEAD A", "lead a", " Lead A ", "ＬＥＡＤ A" };
	struct house h = begin();
	struct login_result in;
	size_t checked = 0, late = 0;
	char guess[40];
	person(&h, "Lead A", "lead");
	for (int i = 0; i < 1000; i++) {
		snprintf(guess, sizeof(guess), "guess number %d of many", i);
		move_on(&h);
		enum rc rc = try_it(&h, names[i % 5], guess, &in);
		CHECK(rc == RC_DENIED || rc == RC_BUSY);
		checked += rc == RC_DENIED;
		clock_move(SECOND_US * (i % 2 ? 3600 : -3600)); /* the wall clock does not matter */
	}
	CHECK_INT(checked, GUARD_TRIES);
	CHECK_RC(try_it(&h, "Lead A", PASSWORD, &in), RC_BUSY, err); /* now not even the right one */
	/* one address, many names */
	checked = 0;
	for (int i = 0; i < 300; i++) {
		snprintf(guess, sizeof(guess), "name %d", i);
		h.from.b[10] = 0;
		enum rc rc = login_password(&h.l, str_of(guess), STR("some password"), &h.from, &in, &err);
		checked += rc == RC_DENIED;
		late += rc == RC_BUSY;
	}
	CHECK_INT(checked, GUARD_TRIES);
	CHECK_INT(late, 290);
	end(&h);
}

TEST(one_time_codes)
{
	struct house h = begin();
	struct login_result in;
	char code[7], next[7];
	int64_t id = person(&h, "Lead A", "lead"), secrets;
	struct totp_secret totp = totp_secret_new();
	struct job j = { .what = TOTP, .id = id, .totp = &totp };
	CHECK_RC(run(&h, &j), RC_OK, err);
	CHECK(account(&h, id).has_totp);
	CHECK_RC(try_it(&h, "Lead A", PASSWORD, &in), RC_OK, err);
	CHECK_INT(in.next, LOGIN_SECOND);
	secrets = in.secrets;
	int64_t now = clock_now_us(), step = totp_step(now);
	CHECK(totp_code(&totp, step, code) && totp_code(&totp, step + 1, next));
	CHECK_RC(login_second(&h.l, id, secrets - 1, str_of(code), &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_second(&h.l, 99, secrets, str_of(code), &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_second(&h.l, id, secrets, str_of(code), &h.from, &in, &err), RC_OK, err);
	CHECK_INT(in.next, LOGIN_IN);
	CHECK_INT(in.account, id);
	/* the same code twice, then the step after it */
	CHECK_RC(login_second(&h.l, id, secrets, str_of(code), &h.from, &in, &err), RC_DENIED, err);
	CHECK_INT(in.account, 0);
	CHECK_RC(login_second(&h.l, id, secrets, str_of(next), &h.from, &in, &err), RC_OK, err);
	CHECK_RC(login_second(&h.l, id, secrets, str_of(code), &h.from, &in, &err), RC_DENIED, err);
	/* guesses */
	size_t checked = 0;
	for (int i = 0; i < 1000; i++) {
		char guess[8];
		snprintf(guess, sizeof(guess), "%06d", i);
		move_on(&h);
		checked += login_second(&h.l, id, secrets, str_of(guess), &h.from, &in, &err) != RC_BUSY;
	}
	CHECK(checked <= GUARD_TRIES);
	end(&h);
}

TEST(recovery_codes_work_once)
{
	struct house h = begin();
	struct login_result in;
	int64_t id = person(&h, "Lead A", "lead"), other = person(&h, "Lead B", "lead");
	struct job j = { .what = CODES, .id = id };
	CHECK_RC(run(&h, &j), RC_OK, err);
	int64_t secrets = account(&h, id).secrets;
	CHECK_INT(account(&h, id).codes_left, RECOVERY_CODES);
	CHECK_RC(login_second(&h.l, id, secrets, str_of(j.codes.codes[3]), &h.from, &in, &err), RC_OK, err);
	CHECK_INT(account(&h, id).codes_left, RECOVERY_CODES - 1);
	CHECK_RC(login_second(&h.l, id, secrets, str_of(j.codes.codes[3]), &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_second(&h.l, other, account(&h, other).secrets, str_of(j.codes.codes[4]), &h.from, &in,
			      &err), RC_DENIED, err);
	char old[RECOVERY_CODE_SIZE];
	memcpy(old, j.codes.codes[5], sizeof(old));
	CHECK_RC(run(&h, &j), RC_OK, err); /* new ones */
	secrets = account(&h, id).secrets;
	CHECK_RC(login_second(&h.l, id, secrets, str_of(old), &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_second(&h.l, id, secrets, str_of(j.codes.codes[5]), &h.from, &in, &err), RC_OK, err);
	end(&h);
}

TEST(invitations)
{
	struct house h = begin();
	struct login_result in;
	char first[TOKEN_TEXT_BYTES];
	struct job j = { .what = MAKE, .name = "Analyst A", .roles = 2 };
	CHECK_RC(run(&h, &j), RC_OK, err);
	j.what = INVITE;
	CHECK_RC(run(&h, &j), RC_OK, err);
	memcpy(first, j.text, sizeof(first));
	CHECK_RC(run(&h, &j), RC_OK, err);
	CHECK_RC(login_welcome(&h.l, str_of(first), STR(PASSWORD), &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_welcome(&h.l, STR(""), STR(PASSWORD), &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_welcome(&h.l, str_of(j.text), STR("short"), &h.from, &in, &err), RC_INPUT, err);
	CHECK_RC(login_welcome(&h.l, str_of(j.text), STR("Analyst A Analyst A"), &h.from, &in, &err), RC_INPUT, err);
	CHECK_RC(login_welcome(&h.l, str_of(j.text), STR(PASSWORD), &h.from, &in, &err), RC_OK, err);
	CHECK_INT(in.next, LOGIN_IN);
	CHECK_INT(in.account, j.id);
	CHECK_RC(login_welcome(&h.l, str_of(j.text), STR(OTHER), &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(try_it(&h, "Analyst A", PASSWORD, &in), RC_OK, err);
	/* over after three days, and with the account */
	CHECK_RC(run(&h, &j), RC_OK, err);
	struct job off = { .what = DISABLE, .id = j.id }, on = { .what = ENABLE, .id = j.id };
	CHECK_RC(run(&h, &off), RC_OK, err);
	CHECK_RC(login_welcome(&h.l, str_of(j.text), STR(OTHER), &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(run(&h, &on), RC_OK, err);
	if (clock_move(INVITE_US)) {
		CHECK_RC(login_welcome(&h.l, str_of(j.text), STR(OTHER), &h.from, &in, &err), RC_DENIED, err);
		clock_move(-INVITE_US);
	}
	CHECK_RC(login_welcome(&h.l, str_of(j.text), STR(OTHER), &h.from, &in, &err), RC_OK, err);
	end(&h);
}

TEST(who_the_provider_says)
{
	struct house h = begin();
	struct login_result in;
	str issuer = STR("https://idp.example.org"), none = STR("");
	int64_t lead = person(&h, "siti", "lead");
	CHECK_RC(login_subject(&h.l, issuer, STR("1"), STR("budi"), 0, &h.from, &in, &err), RC_DENIED, err);
	/* an account is never taken over by its name */
	CHECK_RC(login_subject(&h.l, issuer, STR("2"), STR("Siti"), 2, &h.from, &in, &err), RC_DENIED, err);
	struct job link = { .what = SUBJECT, .id = lead, .subject = STR("2") };
	CHECK_RC(run(&h, &link), RC_OK, err);
	CHECK_RC(login_subject(&h.l, issuer, STR("2"), STR("whoever"), 0, &h.from, &in, &err), RC_OK, err);
	CHECK_INT(in.account, lead);
	CHECK_RC(login_subject(&h.l, STR("https://other.example.org"), STR("2"), STR("x"), 0, &h.from, &in, &err),
		 RC_DENIED, err);
	/* groups make an account, and its roles follow them */
	CHECK_RC(login_subject(&h.l, issuer, STR("1"), STR("budi"), 2, &h.from, &in, &err), RC_OK, err);
	int64_t budi = in.account;
	CHECK_INT(account(&h, budi).roles, 2);
	CHECK_STR(account(&h, budi).subject, STR("https://idp.example.org 1"));
	CHECK_RC(login_subject(&h.l, issuer, STR("1"), STR("budi2"), 4, &h.from, &in, &err), RC_OK, err);
	CHECK_INT(in.account, budi);
	CHECK_INT(account(&h, budi).roles, 4);
	CHECK_INT(in.secrets, account(&h, budi).secrets);
	link.id = budi;
	CHECK_RC(run(&h, &link), RC_CONFLICT, err);
	struct job off = { .what = DISABLE, .id = budi };
	CHECK_RC(run(&h, &off), RC_OK, err);
	CHECK_RC(login_subject(&h.l, issuer, STR("1"), STR("budi"), 4, &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_subject(&h.l, issuer, none, STR("budi"), 4, &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_subject(&h.l, issuer, STR(""), STR("budi"), 4, &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_subject(&h.l, none, STR("1"), STR("budi"), 4, &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_subject(&h.l, STR("a\n"), STR("1"), STR("budi"), 4, &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_subject(&h.l, issuer, STR("1\n"), STR("budi"), 4, &h.from, &in, &err), RC_DENIED, err);
	static char endless[KIB(2) + 1];
	memset(endless, '1', sizeof(endless));
	CHECK_RC(login_subject(&h.l, issuer, str_mem(endless, sizeof(endless)), STR("budi"), 4, &h.from, &in, &err),
		 RC_DENIED, err);
	CHECK_RC(login_subject(&h.l, STR("a b"), STR("1"), STR("budi"), 4, &h.from, &in, &err), RC_DENIED, err);

	static const struct {
		const char *map;
		enum rc rc;
		uint32_t roles;
	} maps[] = {
		{ "", RC_OK, 0 },
		{ "duty=duty, leads=lead administrator", RC_OK, 1 << 2 | 1 << 3 | 1 << 7 },
		{ "others=lead", RC_OK, 0 },
		{ "duty=boss", RC_INPUT, 0 },
		{ "duty", RC_INPUT, 0 },
		{ "=lead", RC_INPUT, 0 },
		{ "duty=duty,", RC_OK, 1 << 2 },
		{ " , duty=duty", RC_OK, 1 << 2 },
	};
	const str groups[] = { STR("duty"), STR("leads") };
	for (size_t i = 0; i < COUNT_OF(maps); i++) {
		uint32_t roles = 0;
		enum rc rc = login_group_roles(h.roles, str_of(maps[i].map), groups, 2, &roles, &err);
		CHECK_MSG(rc == maps[i].rc && roles == maps[i].roles, "%s: %s", maps[i].map, rc_name(rc));
	}
	end(&h);
}

static const struct passkey_site site = { .origin = STR_INIT("https://ronda.example.org"),
					  .rp_id = STR_INIT("ronda.example.org"), .name = STR_INIT("Team") };

TEST(the_store_holds_no_secret)
{
	static const char *const files[] = { "main.db", "main.db-wal" };
	struct house h = begin();
	struct io_dir *d = NULL;
	int64_t id = person(&h, "Lead A", "lead");
	struct totp_secret totp = totp_secret_new();
	struct job t = { .what = TOTP, .id = id, .totp = &totp }, c = { .what = CODES, .id = id },
		   i = { .what = INVITE, .id = id };
	CHECK_RC(run(&h, &t), RC_OK, err);
	CHECK_RC(run(&h, &c), RC_OK, err);
	CHECK_RC(run(&h, &i), RC_OK, err);
	struct buf base32 = BUF_INIT(KIB(1));
	totp_secret_format(&base32, &totp);
	const str secret[] = { STR(PASSWORD), str_mem(totp.b, totp.n), buf_str(&base32), str_of(i.text),
			       str_of(c.codes.codes[0]), str_mem(secrets_key(h.l.secrets)->b, 32) };
	bool named = false;
	CHECK_RC(io_dir_open(h.dir.path, &d, &err), RC_OK, err);
	for (size_t f = 0; f < COUNT_OF(files); f++) {
		struct buf b = BUF_INIT(MIB(64));
		CHECK_RC(io_read_file(d, files[f], &b, &err), RC_OK, err);
		for (size_t s = 0; s < COUNT_OF(secret); s++)
			CHECK_MSG(str_find(buf_str(&b), secret[s]) == b.n, "secret %zu in %s", s, files[f]);
		named = named || str_find(buf_str(&b), STR("Lead A")) < b.n;
		buf_free(&b);
	}
	CHECK(named); /* the search finds what is there */
	io_dir_close(d);
	buf_free(&base32);
	/* another key (a dump restored elsewhere) opens nothing */
	struct secrets *mine = h.l.secrets, *strange = NULL;
	CHECK_RC(io_dir_open(h.dir.path, &d, &err), RC_OK, err);
	CHECK_RC(io_unlink(d, "account.key", &err), RC_OK, err);
	CHECK_RC(secrets_open(h.l.store, &strange, &err), RC_OK, err);
	h.l.secrets = strange;
	char code[7];
	struct login_result in;
	CHECK(totp_code(&totp, totp_step(clock_now_us()), code));
	int64_t secrets = account(&h, id).secrets;
	CHECK_RC(login_second(&h.l, id, secrets, str_of(code), &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_second(&h.l, id, secrets, str_of(c.codes.codes[0]), &h.from, &in, &err), RC_DENIED, err);
	h.l.secrets = mine;
	CHECK_RC(login_second(&h.l, id, secrets, str_of(code), &h.from, &in, &err), RC_OK, err);
	secrets_close(strange);
	CHECK_RC(io_replace_file(d, "account.key", STR("short"), &err), RC_OK, err);
	strange = NULL;
	CHECK_RC(secrets_open(h.l.store, &strange, &err), RC_INPUT, err);
	char long_key[2000] = "";
	CHECK_RC(io_replace_file(d, "account.key", str_mem(long_key, sizeof(long_key)), &err), RC_OK, err);
	CHECK_RC(secrets_open(h.l.store, &strange, &err), RC_LIMIT, err);
	CHECK(!strange);
	secrets_close(strange);
	io_dir_close(d);
	end(&h);
}

TEST(the_key_beside_the_store)
{
	struct house h = begin();
	struct test_dir empty = test_dir_new();
	struct io_dir *d = NULL;
	struct secrets *again = NULL, *lost = NULL, *mine = h.l.secrets;
	struct totp_secret totp = totp_secret_new();
	int64_t id = person(&h, "Lead A", "lead");
	/* the same one each time */
	CHECK_RC(secrets_open(h.l.store, &again, &err), RC_OK, err);
	CHECK(memcmp(secrets_key(again), secrets_key(mine), sizeof(struct key)) == 0);
	secrets_close(again);
	/* it could not be kept: the node runs, but takes in nothing that only this key would open */
	CHECK_RC(io_dir_open(h.dir.path, &d, &err), RC_OK, err);
	CHECK_RC(io_unlink(d, "account.key", &err), RC_OK, err);
	io_dir_close(d);
	struct io_trace *t = io_trace_begin(empty.path);
	io_trace_fail_op(t, IO_OP_WRITE, 1, ENOSPC);
	CHECK_RC(secrets_open(h.l.store, &lost, &err), RC_OK, err);
	CHECK(io_trace_failed(t));
	io_trace_free(t);
	CHECK_RC(secrets_ready(lost, &err), RC_OK, err);
	h.l.secrets = lost;
	struct job o = { .what = TOTP, .id = id, .totp = &totp }, c = { .what = CODES, .id = id };
	CHECK_RC(run(&h, &o), RC_LIMIT, err);
	CHECK_RC(run(&h, &c), RC_LIMIT, err);
	CHECK(!account(&h, id).has_totp && account(&h, id).codes_left == 0);
	struct login_result in;
	CHECK_RC(try_it(&h, "Lead A", PASSWORD, &in), RC_OK, err);
	h.l.secrets = mine;
	secrets_close(lost);
	test_dir_end(&empty);
	end(&h);
}

TEST(rows_we_did_not_write)
{
	struct house h = begin();
	struct login_result in;
	char code[7];
	int64_t id = person(&h, "Lead A", "lead");
	struct totp_secret totp = totp_secret_new();
	struct job j = { .what = TOTP, .id = id, .totp = &totp };
	CHECK_RC(run(&h, &j), RC_OK, err);
	j.what = CODES;
	CHECK_RC(run(&h, &j), RC_OK, err);
	int64_t secrets = account(&h, id).secrets;
	for (int what = TOTP_SHORT; what <= TOTP_LONG; what++) {
		struct job hurt = { .what = what };
		CHECK_RC(run(&h, &hurt), RC_OK, err);
		CHECK(totp_code(&totp, totp_step(clock_now_us()), code));
		CHECK_RC(login_second(&h.l, id, secrets, str_of(code), &h.from, &in, &err), RC_DENIED, err);
	}
	/* digests of thirty lengths before ours, none the right one, and more of the right one behind them */
	struct job more = { .what = MORE_CODES }, hash = { .what = LONG_HASH };
	CHECK_RC(run(&h, &more), RC_OK, err);
	size_t right = 0;
	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		move_on(&h);
		right += login_second(&h.l, id, secrets, str_of(j.codes.codes[i]), &h.from, &in, &err) == RC_OK;
	}
	CHECK_INT(right, RECOVERY_CODES);
	CHECK_RC(run(&h, &hash), RC_OK, err);
	CHECK_RC(try_it(&h, "Lead A", PASSWORD, &in), RC_DENIED, err);
	/* nobody there; a text that does not fit is not given in part */
	struct job nobody = { .what = SUBJECT, .id = 99, .subject = STR("9") };
	CHECK_RC(run(&h, &nobody), RC_ABSENT, err);
	struct job tight = { .what = INVITE, .id = id, .text_size = 8 };
	CHECK_RC(run(&h, &tight), RC_LIMIT, err);
	CHECK(tight.text[0] == '\0');
	end(&h);
}

/* The second factor is asked for whichever it is, and after an invitation, too. */
TEST(each_second_factor_is_asked)
{
	struct house h = begin();
	struct login_result in;
	struct passkey key = { .id = STR("12345678"), .key = STR("key"), .alg = -7 };
	int64_t a = person(&h, "Lead A", "lead"), b = person(&h, "Lead B", "lead");
	struct job codes = { .what = CODES, .id = a }, keys = { .what = KEY, .id = b, .passkey = &key, .label = STR(" ") },
		   invite = { .what = INVITE, .id = a };
	CHECK_RC(run(&h, &codes), RC_OK, err);
	CHECK_RC(run(&h, &keys), RC_OK, err);
	CHECK_RC(try_it(&h, "Lead A", PASSWORD, &in), RC_OK, err);
	CHECK_INT(in.next, LOGIN_SECOND);
	CHECK_RC(try_it(&h, "Lead B", PASSWORD, &in), RC_OK, err);
	CHECK_INT(in.next, LOGIN_SECOND);
	CHECK_RC(run(&h, &invite), RC_OK, err);
	int64_t seen = account(&h, a).last_seen_us;
	CHECK_RC(login_welcome(&h.l, str_of(invite.text), STR(OTHER), &h.from, &in, &err), RC_OK, err);
	CHECK_INT(in.next, LOGIN_SECOND);
	CHECK_INT(account(&h, a).last_seen_us, seen); /* he is not in */
	/* disabled between password and code */
	struct job off = { .what = DISABLE, .id = a };
	CHECK_RC(run(&h, &off), RC_OK, err);
	CHECK_RC(login_second(&h.l, a, account(&h, a).secrets, str_of(codes.codes.codes[0]), &h.from, &in, &err),
		 RC_DENIED, err);
	CHECK_INT(account(&h, a).codes_left, RECOVERY_CODES);
	end(&h);
}

/* An account without a role that there is opens by no door; nor does one that is not there. */
TEST(nobody_without_a_role)
{
	struct house h = begin();
	struct login_result in;
	str issuer = STR("https://idp.example.org");
	int64_t id = person(&h, "Viewer A", "viewer");
	struct job link = { .what = SUBJECT, .id = id, .subject = STR("1") }, gone = { .what = ROLELESS };
	CHECK_RC(run(&h, &link), RC_OK, err);
	CHECK_RC(login_account(&h.l, id, "passkey", NULL, &in, &err), RC_OK, err);
	CHECK_INT(in.account, id);
	CHECK_RC(run(&h, &gone), RC_OK, err);
	CHECK_RC(try_it(&h, "Viewer A", PASSWORD, &in), RC_DENIED, err);
	CHECK_RC(login_account(&h.l, id, "passkey", &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_account(&h.l, 99, "passkey", &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_subject(&h.l, issuer, STR("1"), STR("x"), 0, &h.from, &in, &err), RC_DENIED, err);
	CHECK_INT(in.account, 0);
	/* the link is taken off */
	link.subject = STR("");
	CHECK_RC(run(&h, &link), RC_OK, err);
	CHECK_STR(account(&h, id).subject, STR(""));
	end(&h);
}

/* An address that guesses invitations or answers for passkeys is stopped like one that guesses names. */
TEST(guessing_at_other_doors)
{
	struct house h = begin();
	struct login_result in;
	struct passkey_challenge c;
	passkey_challenge_new(&c);
	for (int i = 0; i < GUARD_TRIES; i++)
		CHECK_RC(login_welcome(&h.l, STR("ronda_invite_x"), STR(PASSWORD), &h.from, &in, &err), RC_DENIED, err);
	CHECK_RC(login_welcome(&h.l, STR("ronda_invite_x"), STR(PASSWORD), &h.from, &in, &err), RC_BUSY, err);
	CHECK_RC(login_passkey(&h.l, &site, &c, STR("{}"), &h.from, &in, &err), RC_BUSY, err);
	move_on(&h);
	CHECK_RC(login_passkey(&h.l, &site, &c, STR("{}"), &h.from, &in, &err), RC_DENIED, err);
	end(&h);
}

/* The costs of a hash went up since it was made: it is made anew, once, when its owner comes in. */
TEST(an_old_hash_is_made_anew)
{
	struct house h = begin();
	struct login_result in;
	char old[PASSWORD_HASH_SIZE], kept[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];
	int64_t id = person(&h, "Viewer A", "viewer");
	CHECK_INT(crypto_pwhash_str(old, PASSWORD, sizeof(PASSWORD) - 1, crypto_pwhash_OPSLIMIT_MIN,
				    crypto_pwhash_MEMLIMIT_MIN), 0);
	struct job j = { .what = PASS, .id = id, .hash = str_of(old) };
	CHECK_RC(run(&h, &j), RC_OK, err);
	CHECK_RC(try_it(&h, "Viewer A", OTHER, &in), RC_DENIED, err);
	kept_hash(&h, id, kept);
	CHECK_STR(str_of(kept), str_of(old));
	/* no memory for it now: he is in all the same, and the next time does it */
	no_memory = true;
	CHECK_RC(try_it(&h, "Viewer A", PASSWORD, &in), RC_OK, err);
	no_memory = false;
	CHECK_INT(in.account, id);
	kept_hash(&h, id, kept);
	CHECK_STR(str_of(kept), str_of(old));
	CHECK_RC(try_it(&h, "Viewer A", PASSWORD, &in), RC_OK, err);
	kept_hash(&h, id, kept);
	CHECK(!str_eq(str_of(kept), str_of(old)));
	CHECK_RC(try_it(&h, "Viewer A", PASSWORD, &in), RC_OK, err);
	kept_hash(&h, id, again);
	CHECK_STR(str_of(again), str_of(kept));
	end(&h);
}

TEST(passkeys)
{
	struct house h = begin();
	struct login_result in;
	struct passkey_challenge c;
	struct passkey kept;
	struct device d = device_new(-7);
	int64_t id = person(&h, "Lead A", "lead"), other = person(&h, "Lead B", "lead");
	passkey_challenge_new(&c);
	CHECK_RC(passkey_register(&site, &c, device_register(&d, &c, h.a), h.a, &kept, &err), RC_OK, err);
	struct job j = { .what = KEY, .id = id, .passkey = &kept };
	CHECK_RC(run(&h, &j), RC_OK, err);
	CHECK_INT(account(&h, id).passkeys, 1);
	j.id = other;
	CHECK_RC(run(&h, &j), RC_CONFLICT, err);
	str user = passkey_handle(h.l.store, id, h.a);
	passkey_challenge_new(&c);
	d.count++;
	str json = device_answer(&d, &c, user, h.a);
	CHECK_RC(login_passkey(&h.l, &site, &c, json, &h.from, &in, &err), RC_OK, err);
	CHECK_INT(in.account, id);
	CHECK_INT(in.next, LOGIN_IN);
	CHECK_RC(login_passkey(&h.l, &site, &c, json, &h.from, &in, &err), RC_DENIED, err); /* counter */
	struct passkey_challenge fresh;
	passkey_challenge_new(&fresh);
	d.count++;
	CHECK_RC(login_passkey(&h.l, &site, &fresh, device_answer(&d, &c, user, h.a), &h.from, &in, &err),
		 RC_DENIED, err);
	CHECK_RC(login_passkey(&h.l, &site, &c, STR("{}"), &h.from, &in, &err), RC_DENIED, err);
	str not_his = passkey_handle(h.l.store, other, h.a);
	CHECK_RC(login_passkey(&h.l, &site, &c, device_answer(&d, &c, not_his, h.a), &h.from, &in, &err),
		 RC_DENIED, err);
	/* disabled; then the passkey is gone */
	struct job off = { .what = DISABLE, .id = id }, on = { .what = ENABLE, .id = id };
	CHECK_RC(run(&h, &off), RC_OK, err);
	d.count++;
	CHECK_RC(login_passkey(&h.l, &site, &c, device_answer(&d, &c, user, h.a), &h.from, &in, &err), RC_DENIED,
		 err);
	CHECK_RC(run(&h, &on), RC_OK, err);
	struct passkey_row *rows = NULL;
	size_t n = 0;
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(h.l.store, &r, &err), RC_OK, err);
	CHECK_RC(passkeys_list(reader_conn(r), id, h.a, &rows, &n, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(n, 1);
	CHECK_STR(rows[0].label, STR("a key"));
	struct job gone = { .what = UNKEY, .id = id, .hash = str_of(rows[0].id_hex) };
	CHECK_RC(run(&h, &gone), RC_OK, err);
	CHECK_RC(run(&h, &gone), RC_ABSENT, err);
	move_on(&h);
	d.count++;
	CHECK_RC(login_passkey(&h.l, &site, &c, device_answer(&d, &c, user, h.a), &h.from, &in, &err), RC_DENIED,
		 err);
	/* used by another between look and write */
	j.id = id;
	CHECK_RC(run(&h, &j), RC_OK, err);
	struct job late = { .what = LATE };
	CHECK_RC(run(&h, &late), RC_OK, err);
	move_on(&h);
	d.count++;
	CHECK_RC(login_passkey(&h.l, &site, &c, device_answer(&d, &c, user, h.a), &h.from, &in, &err), RC_DENIED,
		 err);
	CHECK_STR(str_of(err.text), STR("this passkey was used meanwhile"));
	CHECK_INT(in.account, 0);
	/* names that cannot be; one that is not said; and no more than there is room for */
	struct passkey many = kept;
	char key_id[16], long_label[PASSKEY_LABEL_MAX + 1];
	memset(long_label, 'x', sizeof(long_label));
	j.passkey = &many;
	many.id = STR("other id");
	j.label = str_mem(long_label, sizeof(long_label));
	CHECK_RC(run(&h, &j), RC_INPUT, err);
	j.label = STR("a\nb");
	CHECK_RC(run(&h, &j), RC_INPUT, err);
	j.label = STR(" ");
	for (int i = 1; i < PASSKEYS_OF_ONE; i++) {
		many.id = str_mem(key_id, (size_t)snprintf(key_id, sizeof(key_id), "number %d", i));
		CHECK_RC(run(&h, &j), RC_OK, err);
	}
	many.id = STR("one more");
	CHECK_RC(run(&h, &j), RC_LIMIT, err);
	CHECK_RC(store_read_begin(h.l.store, &r, &err), RC_OK, err);
	CHECK_RC(passkeys_list(reader_conn(r), id, h.a, &rows, &n, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(n, PASSKEYS_OF_ONE);
	CHECK_STR(rows[PASSKEYS_OF_ONE - 1].label, STR("passkey"));
	EVP_PKEY_free(d.key);
	end(&h);
}

TEST_MAIN(TEST_RUN(name_and_password), TEST_RUN(a_thousand_guesses), TEST_RUN(one_time_codes),
	  TEST_RUN(recovery_codes_work_once), TEST_RUN(invitations), TEST_RUN(who_the_provider_says),
	  TEST_RUN(the_store_holds_no_secret), TEST_RUN(the_key_beside_the_store),
	  TEST_RUN(rows_we_did_not_write), TEST_RUN(each_second_factor_is_asked), TEST_RUN(nobody_without_a_role),
	  TEST_RUN(guessing_at_other_doors), TEST_RUN(an_old_hash_is_made_anew), TEST_RUN(passkeys))
