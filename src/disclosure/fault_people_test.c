/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and what they prove themselves by, approvals, keys, tokens: each statement of each call
 * fails once. */
#include "record/record_world.h"

#include "disclosure/approval.h"
#include "disclosure/passkey_test.h"
#include "disclosure/passkeys.h"
#include "disclosure/seal.h"
#include "store/fault_test.h"

#define PASSWORD "kelapa muda di tepi jalan"
#define ISSUER "https://idp.example.org"

/* What all acts share. */
struct office {
	struct world w;
	struct fault f;
	struct login l;
	struct roles *roles;
	struct journal *j;
	struct ip from;
	int64_t lead, other, id;
	char hash[PASSWORD_HASH_SIZE], text[TOKEN_TEXT_BYTES], invitation[TOKEN_TEXT_BYTES];
	struct recovery codes;
	struct totp_secret totp;
	struct seal_pass pass;
	struct seal_shares shares;
	struct seal_ring *ring;
	struct uuid record;
	struct buf sealed;
	struct passkey passkey;
	struct viewer v, second;
	struct login_result in;
	int64_t step;
	bool go;
};

static struct office office_new(void)
{
	struct office o = { .w = world_new(), .totp = totp_secret_new(), .record = uuid_random(),
			    .sealed = BUF_INIT(KIB(64)) };
	CHECK_RC(hash_init(&err), RC_OK, err);
	o.f = fault_begin(o.w.d.path);
	o.j = o.w.j;
	CHECK_RC(roles_load(NULL, &o.roles, &err), RC_OK, err);
	o.l = (struct login){ .store = o.w.s, .journal = o.j, .roles = o.roles, .guard = guard_new() };
	CHECK_RC(secrets_open(o.w.s, &o.l.secrets, &err), RC_OK, err);
	CHECK_RC(secrets_ready(o.l.secrets, &err), RC_OK, err);
	CHECK(ip_parse(STR("192.0.2.1"), &o.from));
	return o;
}

static void office_end(struct office *o)
{
	fault_end(&o->f);
	guard_free(o->l.guard);
	secrets_close(o->l.secrets);
	roles_free(o->roles);
	buf_free(&o->sealed);
	world_end(&o->w);
}

/* --- jobs of the writer --- */

static const str by = STR_INIT("test");
static const str named[] = { STR_INIT("account:1"), STR_INIT("account:2") };
typedef enum rc (*work)(struct tx *tx, struct office *o, struct err *e);

#define WORK(name) static enum rc name(struct tx *tx, struct office *o, struct err *e)

WORK(make)
{
	struct account_new n = { .name = STR("Lead A"), .roles = 1 << 3, .unix_uid = -1 };
	return account_make(tx, o->j, o->roles, &n, by, &o->lead, e);
}
WORK(make_other)
{
	struct account_new n = { .name = STR("Duty B"), .roles = 1 << 2, .unix_uid = 1000 };
	return account_make(tx, o->j, o->roles, &n, by, &o->other, e);
}
WORK(set_roles) { return account_set_roles(tx, o->j, o->roles, o->other, 1 << 3, by, e); }
WORK(set_unix) { return account_set_unix(tx, o->j, o->other, 1001, by, e); }
WORK(set_person) { return account_set_person(tx, o->j, o->other, uuid_random(), by, e); }
WORK(set_subject)
{
	return account_set_subject(tx, o->j, o->other, STR(ISSUER), STR("duty-b"), by, e);
}
WORK(disable) { return account_disable(tx, o->j, o->other, true, by, e); }
WORK(enable) { return account_disable(tx, o->j, o->other, false, by, e); }
WORK(large) { return team_size_set(tx, o->j, TEAM_LARGE, by, e); }
WORK(set_password) { return account_set_password(tx, o->j, o->lead, str_of(o->hash), by, e); }
WORK(set_totp) { return account_set_totp(tx, o->j, o->l.secrets, o->lead, &o->totp, 0, by, e); }
WORK(new_codes) { return account_new_codes(tx, o->j, o->l.secrets, o->lead, &o->codes, by, e); }
WORK(use_code)
{
	return account_use_code(tx, o->j, o->l.secrets, o->lead, str_of(o->codes.codes[0]), e);
}
WORK(use_time)
{
	char code[7];
	CHECK(totp_code(&o->totp, totp_step(tx_now_us(tx)), code));
	return account_use_code(tx, o->j, o->l.secrets, o->lead, str_of(code), e);
}
WORK(no_totp) { return account_set_totp(tx, o->j, o->l.secrets, o->lead, NULL, 0, by, e); }
WORK(invite)
{
	return account_invite(tx, o->j, o->other, by, o->invitation, sizeof(o->invitation), e);
}
WORK(uninvite) { return account_invite_end(tx, o->other, e); }
WORK(key_add) { return passkey_add(tx, o->j, o->lead, &o->passkey, STR("a key"), by, e); }
WORK(key_remove) { return passkey_remove(tx, o->j, o->lead, STR("3031323334353637"), by, e); }

WORK(ask)
{
	const struct approval_ask a = { .kind = APPROVAL_KEY, .object = STR("node"),
					.what = STR("another key"), .why = STR("lost") };
	return approval_ask(tx, o->j, o->roles, &o->v, &a, &o->go, &o->id, e);
}
WORK(answer) { return approval_answer(tx, o->j, o->roles, &o->second, o->id, true, e); }
WORK(ask_account)
{
	struct account_new n = { .name = STR("Lead C"), .roles = 1 << 3, .unix_uid = -1 };
	return approval_make_account(tx, o->j, o->roles, &o->v, &n, &o->go, &o->id, e);
}
WORK(ask_roles)
{
	return approval_set_roles(tx, o->j, o->roles, &o->v, o->other, 1 << 3 | 1 << 2, &o->go, &o->id, e);
}

WORK(seal_key)
{
	o->shares.count = 3;
	return seal_key_make(tx, o->j, o->lead, &o->pass, &o->shares, by, e);
}
WORK(seal_key_other)
{
	struct seal_shares shares = { .count = 2 };
	return seal_key_make(tx, o->j, o->other, &o->pass, &shares, by, e);
}
WORK(seal_change) { return seal_key_change(tx, o->j, o->ring, &o->pass, by, e); }
WORK(seal_share)
{
	o->shares.count = 3;
	return seal_key_share(tx, o->j, o->ring, &o->shares, by, e);
}
WORK(seal_recover)
{
	const str two[] = { str_of(o->shares.text[0]), str_of(o->shares.text[2]) };
	return seal_key_recover(tx, o->j, o->lead, two, 2, &o->pass, by, e);
}
WORK(seal_one)
{
	buf_reset(&o->sealed);
	return seal_field(tx, o->record, STR("victim"), named, 1, STR("\"a name\""), &o->sealed, e);
}
WORK(seal_for_two) { return seal_named(tx, o->ring, o->record, named, 2, e); }
WORK(seal_for_one) { return seal_named(tx, o->ring, o->record, named, 1, e); }
WORK(unseal) { return seal_forget(tx, o->record, e); }

WORK(token)
{
	const struct token_new t = { .label = STR("a tool"), .right = RIGHT_READ, .ceiling = TLP_GREEN,
				     .expires_us = tx_now_us(tx) + DAY_US, .account = o->lead };
	return token_make(tx, o->j, &t, by, o->text, sizeof(o->text), &o->id, e);
}
WORK(token_end) { return token_revoke(tx, o->j, o->id, by, e); }

struct job {
	struct office *o;
	work work;
};
static enum rc run_work(struct tx *tx, void *ctx, struct err *e)
{
	struct job *j = ctx;
	return j->work(tx, j->o, e);
}
static enum rc as_job(void *ctx, struct err *e)
{
	return store_write(((struct job *)ctx)->o->w.s, run_work, ctx, e);
}

/* --- looks, and calls that write by themselves --- */

typedef enum rc (*look)(struct conn *c, struct office *o, struct err *e);
#define LOOK(name) static enum rc name(struct conn *c, struct office *o, struct err *e)

LOOK(list)
{
	struct account *list = NULL;
	size_t n;
	return account_list(c, o->roles, o->w.a, &list, &n, e);
}
LOOK(by_name)
{
	struct account a;
	return account_by_name(c, o->roles, STR("LEAD A"), o->w.a, &a, e);
}
LOOK(any_unix)
{
	bool any;
	(void)o;
	return account_any_unix(c, 5, &any, e);
}
LOOK(size)
{
	enum team_size size;
	(void)o;
	return team_size_get(c, &size, e);
}
LOOK(viewer)
{
	return account_viewer(c, o->roles, o->lead, CHANNEL_SCREEN, &o->v, e);
}
LOOK(viewer_second)
{
	return account_viewer(c, o->roles, o->other, CHANNEL_SCREEN, &o->second, e);
}
LOOK(viewer_unix)
{
	struct viewer v;
	return account_viewer_unix(c, o->roles, 1001, &v, e);
}
LOOK(viewer_token)
{
	struct viewer v = o->v;
	v.account = o->lead;
	snprintf(v.actor, sizeof(v.actor), "token:%lld", (long long)o->id);
	return account_token_viewer(c, o->roles, &v, e);
}
LOOK(approvals)
{
	struct approval *list = NULL;
	size_t n;
	return approval_list(c, true, clock_now_us(), 10, o->w.a, &list, &n, e);
}
LOOK(passkeys)
{
	struct passkey_row *list = NULL;
	size_t n;
	return passkeys_list(c, o->lead, o->w.a, &list, &n, e);
}
LOOK(tokens)
{
	struct token *list = NULL;
	size_t n;
	return token_list(c, o->w.a, &list, &n, e);
}
LOOK(password)
{
	char hash[PASSWORD_HASH_SIZE];
	return account_password(c, o->lead, hash, e);
}
LOOK(invited)
{
	return account_invited(c, o->w.s, str_of(o->invitation), clock_now_us(), &o->id, e);
}
LOOK(seal_has)
{
	bool has;
	return seal_key_has(c, o->lead, &has, e);
}
LOOK(seal_open)
{
	seal_ring_drop(o->ring);
	o->ring = NULL;
	return seal_key_open(c, o->lead, STR(PASSWORD), &o->ring, e);
}
LOOK(unsealed)
{
	struct buf out = BUF_INIT(KIB(4));
	enum rc rc = open_field(c, o->ring, o->record, STR("victim"), buf_str(&o->sealed), &out, e);
	buf_free(&out);
	return rc;
}

struct view {
	struct office *o;
	look look;
};
static enum rc as_look(void *ctx, struct err *e)
{
	struct view *v = ctx;
	struct reader *r = NULL;
	enum rc rc = store_read_begin(v->o->w.s, &r, e);
	if (rc == RC_OK)
		rc = v->look(reader_conn(r), v->o, e);
	store_read_end(r);
	return rc;
}

/* Each from an address of its own: what fails is no wrong try, but here it is told so often. */
static void move_on(struct office *o)
{
	o->from.b[14]++;
}

static enum rc sign_in(void *ctx, struct err *e)
{
	struct office *o = ctx;
	move_on(o);
	return login_password(&o->l, STR("Lead A"), STR(PASSWORD), &o->from, &o->in, e);
}
static enum rc sign_in_second(void *ctx, struct err *e)
{
	struct office *o = ctx;
	struct login_result in;
	move_on(o);
	return login_second(&o->l, o->lead, o->in.secrets, str_of(o->codes.codes[1]), &o->from, &in, e);
}
static enum rc sign_in_subject(void *ctx, struct err *e)
{
	struct office *o = ctx;
	move_on(o);
	return login_subject(&o->l, STR(ISSUER), STR("duty-b"), STR("duty b"), 1 << 2, &o->from, &o->in, e);
}
static enum rc sign_in_new(void *ctx, struct err *e)
{
	struct office *o = ctx;
	move_on(o);
	return login_subject(&o->l, STR(ISSUER), STR("new"), STR("New One"), 1 << 1, &o->from, &o->in, e);
}
static enum rc welcome(void *ctx, struct err *e)
{
	struct office *o = ctx;
	move_on(o);
	return login_welcome(&o->l, str_of(o->invitation), STR("pisang goreng tiap pagi"), &o->from, &o->in, e);
}
static enum rc use_token(void *ctx, struct err *e)
{
	struct office *o = ctx;
	struct viewer v;
	return token_check(o->w.s, str_of(o->text), &o->from, CHANNEL_API, &v, NULL, e);
}
static enum rc token_still(void *ctx, struct err *e)
{
	struct office *o = ctx;
	struct viewer v;
	return token_again(o->w.s, o->id, &o->from, CHANNEL_SCREEN, &v, e);
}
static enum rc setup(void *ctx, struct err *e)
{
	struct office *o = ctx;
	return setup_secret_make(o->w.s, o->text, sizeof(o->text), e);
}
static enum rc setup_use(void *ctx, struct err *e)
{
	struct office *o = ctx;
	char token_text[TOKEN_TEXT_BYTES];
	return setup_secret_use(o->w.s, o->j, str_of(o->text), &o->from, token_text, sizeof(token_text), e);
}

static unsigned each(struct office *o, const char *what, work w)
{
	struct job j = { o, w };
	return fault_each(&o->f, what, as_job, &j);
}
static unsigned look_each(struct office *o, const char *what, look l)
{
	struct view v = { o, l };
	return fault_each(&o->f, what, as_look, &v);
}
#define EACH(act) CHECK(each(&o, #act, act) > 0)
#define LOOK_EACH(act) CHECK(look_each(&o, #act, act) > 0)
#define CALL_EACH(act) CHECK(fault_each(&o.f, #act, act, &o) > 0)

TEST(accounts)
{
	struct office o = office_new();
	struct account a = { .id = 1, .name = STR("Lead A") };
	EACH(make);
	EACH(make_other);
	EACH(set_roles);
	EACH(set_unix);
	EACH(set_person);
	EACH(set_subject);
	EACH(disable);
	EACH(enable);
	LOOK_EACH(list);
	LOOK_EACH(by_name);
	LOOK_EACH(any_unix);
	LOOK_EACH(size);
	LOOK_EACH(viewer);
	LOOK_EACH(viewer_unix);
	CHECK_RC(secrets_new_password(o.l.secrets, &a, STR(PASSWORD), o.hash, &err), RC_OK, err);
	EACH(set_password);
	LOOK_EACH(password);
	CALL_EACH(sign_in);
	EACH(set_totp);
	EACH(new_codes);
	EACH(use_code);
	EACH(use_time);
	CHECK_RC(sign_in(&o, &err), RC_OK, err);
	CALL_EACH(sign_in_second);
	EACH(no_totp);
	CALL_EACH(sign_in_subject);
	CALL_EACH(sign_in_new);
	EACH(invite);
	LOOK_EACH(invited);
	CALL_EACH(welcome);
	EACH(invite);
	EACH(uninvite);
	office_end(&o);
}

static const struct passkey_site site = { .origin = STR_INIT("https://ronda.example.org"),
					  .rp_id = STR_INIT("ronda.example.org"),
					  .name = STR_INIT("ronda") };

struct showing {
	struct office *o;
	struct device d;
	struct passkey_challenge c;
};
static enum rc sign_in_key(void *ctx, struct err *e)
{
	struct showing *s = ctx;
	s->d.count++;
	move_on(s->o);
	return login_passkey(&s->o->l, &site, &s->c,
			     device_answer(&s->d, &s->c, passkey_handle(s->o->w.s, s->o->lead, s->o->w.a), s->o->w.a),
			     &s->o->from, &s->o->in, e);
}

TEST(keys_and_tokens)
{
	struct office o = office_new();
	struct showing s = { .o = &o, .d = device_new(-7) };
	EACH(make);
	passkey_challenge_new(&s.c);
	CHECK_RC(passkey_register(&site, &s.c, device_register(&s.d, &s.c, o.w.a), o.w.a, &o.passkey, &err),
		 RC_OK, err);
	EACH(key_add);
	LOOK_EACH(passkeys);
	/* the use of the key is kept before the session is: the counter may have moved */
	o.f.forgives_change = true;
	CHECK(fault_each(&o.f, "sign_in_key", sign_in_key, &s) > 0);
	o.f.forgives_change = false;
	EACH(key_remove);
	EVP_PKEY_free(s.d.key);

	LOOK_EACH(viewer);
	EACH(token);
	LOOK_EACH(tokens);
	LOOK_EACH(viewer_token);
	o.f.forgives = true; /* when it was last used */
	CALL_EACH(use_token);
	CALL_EACH(token_still);
	o.f.forgives = false;
	EACH(token_end);
	CALL_EACH(setup);
	CALL_EACH(setup_use);
	office_end(&o);
}

TEST(two_persons)
{
	struct office o = office_new();
	EACH(make);
	EACH(make_other);
	LOOK_EACH(viewer);
	LOOK_EACH(viewer_second);
	EACH(ask); /* a small team: done, and a notice */
	CHECK(o.go);
	EACH(set_roles);
	LOOK_EACH(viewer_second);
	EACH(large);
	EACH(ask);
	CHECK(!o.go);
	LOOK_EACH(approvals);
	EACH(answer);
	EACH(ask);
	CHECK(o.go);
	EACH(ask_account);
	EACH(answer);
	EACH(ask_account);
	CHECK(o.go);
	EACH(ask_roles);
	EACH(answer);
	EACH(ask_roles);
	CHECK(o.go);
	office_end(&o);
}

TEST(sealed_fields)
{
	struct office o = office_new();
	EACH(make);
	EACH(make_other);
	CHECK_RC(seal_pass_make(STR(PASSWORD), &o.pass, &err), RC_OK, err);
	EACH(seal_key);
	EACH(seal_key_other);
	LOOK_EACH(seal_has);
	LOOK_EACH(seal_open);
	EACH(seal_change);
	EACH(seal_share);
	EACH(seal_one);
	LOOK_EACH(unsealed);
	EACH(seal_for_two);
	EACH(seal_for_one);
	EACH(seal_recover);
	LOOK_EACH(seal_open);
	EACH(unseal);
	seal_ring_drop(o.ring);
	office_end(&o);
}

TEST_MAIN(TEST_RUN(accounts), TEST_RUN(keys_and_tokens), TEST_RUN(two_persons), TEST_RUN(sealed_fields))
