/* SPDX-License-Identifier: Apache-2.0 */
/* The portal: coming in by a link that was sent. To open it signs nobody in; the button does, once. */
#include "notify/sign_in.h"
#include "web/outside.h"

struct work {
	struct page *p;
	str text;
	int64_t account;
};

static enum rc begin(struct page *p, const char *title, str *language_out, struct err *err)
{
	if (!settings_bool(p->w->n->settings, "portal") || !p->w->n->notify)
		return fail(err, RC_ABSENT, "there is nothing here");
	*language_out = outside_language(p, STR(""));
	p->template = "portal_sign_in";
	p->path = STR("/portal/sign-in"); /* the rest is a secret */
	p->title = arena_z(p->a, outside_word(*language_out, title));
	outside_put_frame(p, *language_out);
	answer_header(p->ans, "X-Robots-Tag", STR("noindex, nofollow"));
	return RC_OK;
}

static enum rc too_often(struct page *p)
{
	p->ans->status = 429;
	answer_header(p->ans, "Retry-After", STR("600"));
	json_put_bool(&p->j, "often", true);
	return RC_OK;
}

enum rc page_portal_sign_in(struct page *p, struct err *err)
{
	str language;
	enum rc rc = begin(p, "s_title", &language, err);
	json_put_bool(&p->j, "asks", true);
	return rc;
}

static enum rc ask(struct tx *tx, void *ctx, struct err *err)
{
	struct work *k = ctx;
	return sign_in_ask(tx, k->p->w->n->notify, k->text, err);
}

/* Each question counts as a wrong try: nobody asks for many, or learns names by asking. */
enum rc page_portal_ask(struct page *p, struct err *err)
{
	str language, name = str_trim_all(http_form(p->q, "name"));
	struct work k = { .p = p, .text = name.p ? name : STR("") };
	enum rc rc = begin(p, "s_title", &language, err);
	if (rc != RC_OK)
		return rc;
	if (!guard_open(p->w->links, &p->q->from))
		return too_often(p);
	guard_wrong(p->w->links, &p->q->from);
	json_put_bool(&p->j, "asked", true);
	return store_write(p->w->n->store, ask, &k, err);
}

enum rc page_portal_come_in(struct page *p, struct err *err)
{
	str language, token = p->item;
	enum rc rc = begin(p, "s_title", &language, err);
	json_put_str(&p->j, "post_href", arena_fmt(p->a, "/portal/sign-in/" STR_FMT, STR_ARG(url_escape(p->a, token))));
	json_put_bool(&p->j, "opened", true);
	return rc;
}

static enum rc take(struct tx *tx, void *ctx, struct err *err)
{
	struct work *k = ctx;
	return sign_in_take(tx, k->p->w->n->notify, k->text, &k->account, err);
}

static enum rc come_in(struct page *p, int64_t account, struct err *err)
{
	struct login_result in;
	struct account who;
	enum rc rc = login_account(&p->w->login, account, "mail link", &p->q->from, &in, err);
	if (rc == RC_OK)
		rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = account_by_id(reader_conn(p->r), p->w->n->roles, account, p->a, &who, err);
	if (rc != RC_OK)
		return rc;
	bool fresh = !who.has_password && who.passkeys == 0;
	if (who.has_totp) /* a link is but one factor */
		in.next = LOGIN_SECOND;
	return page_login_next(p, &in, fresh ? STR("/account") : STR("/portal"), err);
}

enum rc page_portal_came_in(struct page *p, struct err *err)
{
	str language;
	struct work k = { .p = p, .text = p->item };
	enum rc rc = begin(p, "s_title", &language, err);
	if (rc != RC_OK)
		return rc;
	if (!guard_open(p->w->links, &p->q->from))
		return too_often(p);
	rc = store_write(p->w->n->store, take, &k, err);
	if (rc == RC_OK)
		return come_in(p, k.account, err);
	if (rc != RC_DENIED)
		return rc;
	guard_wrong(p->w->links, &p->q->from);
	p->ans->status = 403;
	json_put_bool(&p->j, "refused", true);
	json_put_bool(&p->j, "asks", true);
	return RC_OK;
}
