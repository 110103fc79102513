/* SPDX-License-Identifier: Apache-2.0 */
/* The case passphrase: asked when a sealed record is first opened in a session. */
#include "web/page.h"

/* Who still owes a second factor makes and opens no case key. */
static enum rc own_account(struct page *p, struct account *out, struct err *err)
{
	if (p->caller.session.enrols)
		return fail(err, RC_DENIED, "add a second factor to your account first");
	return page_own_account(p, out, err);
}

enum rc page_case_key(struct page *p, struct err *err)
{
	struct account a;
	bool has = false;
	p->template = "case_key";
	p->title = "Case passphrase";
	enum rc rc = own_account(p, &a, err);
	if (rc == RC_OK)
		rc = seal_key_has(reader_conn(p->r), a.id, &has, err);
	json_put_bool(&p->j, "has_key", has);
	json_put_bool(&p->j, "open", p->caller.session.ring != NULL);
	json_put_str(&p->j, "next", page_next_path(http_query(p->q, "next")));
	return rc;
}

/* Rights rise with the key: the session gets a new id. */
static enum rc keep_ring(struct page *p, struct seal_ring *ring, struct err *err)
{
	char id[SESSION_TEXT_BYTES];
	if (!sessions_renew(p->w->sessions, http_cookie(p->q, cookie_name(p->q)), ring, clock_mono_us(), id))
		return fail(err, RC_DENIED, "the session is over: sign in again");
	page_cookie(p, cookie_name(p->q), id, false, SESSION_LIFE_US / SECOND_US);
	explicit_bzero(id, sizeof id);
	return RC_OK;
}

/* Tries are counted beside those of the password, by a name no account can have. */
static enum rc open_ring(struct page *p, const struct account *a, str passphrase, struct seal_ring **out,
			 struct err *err)
{
	char name[48];
	snprintf(name, sizeof name, "\ncase:%lld", (long long)a->id);
	if (!guard_enter(p->w->guard, &p->q->from))
		return fail(err, RC_BUSY, "too many wrong tries; wait ten minutes");
	if (!guard_enter_name(p->w->guard, str_of(name)))
		return fail(err, RC_BUSY, "too many wrong tries; wait ten minutes");
	enum rc rc = seal_key_open(reader_conn(p->r), a->id, passphrase, out, err);
	guard_leave_name(p->w->guard, str_of(name), rc != RC_DENIED);
	guard_leave(p->w->guard, &p->q->from, rc != RC_DENIED);
	return rc;
}

struct change {
	struct page *p;
	struct account account;
	struct seal_pass passphrase;
	struct seal_ring *ring;
	struct seal_shares shares;
};

static enum rc write_key(struct tx *tx, void *ctx, struct err *err)
{
	struct change *c = ctx;
	return seal_key_make(tx, c->p->w->n->journal, c->account.id, &c->passphrase, &c->shares,
			     str_of(c->p->caller.viewer.actor), err);
}

static enum rc write_passphrase(struct tx *tx, void *ctx, struct err *err)
{
	struct change *c = ctx;
	return seal_key_change(tx, c->p->w->n->journal, c->ring, &c->passphrase,
			       str_of(c->p->caller.viewer.actor), err);
}

static void show_shares(struct page *p, struct seal_shares *s)
{
	p->template = "shares";
	p->title = "Shares of your case key";
	p->form = FORM_HTML;
	json_key(&p->j, STR("shares"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < s->count; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "share", str_of(s->text[i]));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	explicit_bzero(s->text, sizeof s->text);
}

static enum rc check_twice(struct page *p, struct err *err)
{
	return str_eq(http_form(p->q, "new"), http_form(p->q, "again")) ? RC_OK :
		       fail(err, RC_INPUT, "the two passphrases are not the same");
}

static enum rc open_key(struct change *c, struct err *err)
{
	struct page *p = c->p;
	struct seal_ring *ring = NULL;
	enum rc rc = open_ring(p, &c->account, http_form(p->q, "passphrase"), &ring, err);
	if (rc == RC_OK)
		rc = keep_ring(p, ring, err);
	if (rc == RC_OK)
		page_go(p, page_next_path(http_form(p->q, "next")));
	return rc;
}

static enum rc make_key(struct change *c, struct err *err)
{
	struct page *p = c->p;
	uint64_t count = 3;
	str wanted = http_form(p->q, "shares");
	if (wanted.n > 0 && !str_to_u64(wanted, &count))
		return fail(err, RC_INPUT, "the number of shares is no number");
	c->shares.count = (size_t)count;
	enum rc rc = check_twice(p, err);
	if (rc == RC_OK)
		rc = seal_pass_make(http_form(p->q, "new"), &c->passphrase, err);
	if (rc == RC_OK)
		rc = store_write(p->w->n->store, write_key, c, err);
	seal_pass_wipe(&c->passphrase);
	if (rc == RC_OK)
		show_shares(p, &c->shares);
	return rc;
}

static enum rc change_passphrase(struct change *c, struct err *err)
{
	struct page *p = c->p;
	enum rc rc = check_twice(p, err);
	if (rc == RC_OK)
		rc = open_ring(p, &c->account, http_form(p->q, "passphrase"), &c->ring, err);
	if (rc == RC_OK)
		rc = seal_pass_make(http_form(p->q, "new"), &c->passphrase, err);
	if (rc == RC_OK)
		rc = store_write(p->w->n->store, write_passphrase, c, err);
	seal_pass_wipe(&c->passphrase);
	seal_ring_drop(c->ring);
	if (rc == RC_OK)
		page_go(p, STR("/account"));
	return rc;
}

enum rc page_case_key_change(struct page *p, struct err *err)
{
	static const struct {
		const char *word;
		enum rc (*run)(struct change *c, struct err *err);
	} steps[] = { { "open", open_key }, { "new", make_key }, { "change", change_passphrase } };
	struct change *c = ARENA_NEW(p->a, struct change);
	c->p = p;
	enum rc rc = own_account(p, &c->account, err);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(steps); i++)
		if (str_eq(p->item, str_of(steps[i].word)))
			return steps[i].run(c, err);
	return rc == RC_OK ? fail(err, RC_ABSENT, "there is nothing here") : rc;
}
