/* SPDX-License-Identifier: Apache-2.0 */
/* The list of warnings by mail: asked for, confirmed and ended without an account. A link alone changes
 * nothing (programs open every link): the button behind it does, or the mail program's own (RFC 8058). */
#include "notify/link.h"
#include "notify/subscribers.h"
#include "web/public.h"

static void show_ask(struct page *p, str email, str wrong, bool done)
{
	p->template = "subscribe";
	str language = public_frame(p);
	p->title = arena_z(p->a, public_word(language, "subscribe"));
	json_put_bool(&p->j, "asks", !done);
	json_put_bool(&p->j, "done", done);
	json_put_str(&p->j, "given_mail", email);
	json_put_str(&p->j, "wrong", wrong);
}

static enum rc list_on(struct page *p, struct err *err)
{
	enum rc rc = public_on(p, err);
	return rc == RC_OK && public_base(p).n == 0 ? fail(err, RC_ABSENT, "there is nothing here") : rc;
}

enum rc page_subscribe(struct page *p, struct err *err)
{
	enum rc rc = list_on(p, err);
	if (rc == RC_OK)
		show_ask(p, STR(""), STR(""), http_query(p->q, "done").n > 0);
	return rc;
}

enum rc page_subscribe_ask(struct page *p, struct err *err)
{
	str email = page_form(p, "mail"), language = outside_language(p, STR(""));
	struct err why = { 0 };
	enum rc rc = list_on(p, err);
	if (rc != RC_OK)
		return rc;
	email = email.p ? str_trim_all(email) : STR("");
	if (!public_enter(p, true)) {
		show_ask(p, email, public_word(language, "often"), false);
		p->ans->status = 429;
		answer_header(p->ans, "Retry-After", STR("600"));
		return RC_OK;
	}
	rc = subscriber_ask(p->w->n->notify, email, language, &why);
	if (rc == RC_INPUT) {
		show_ask(p, email, public_word(language, "e_mail"), false);
		p->ans->status = 400;
		return RC_OK;
	}
	if (rc != RC_OK)
		return fail(err, rc, "%s", why.text);
	page_go(p, arena_fmt(p->a, "/warnings/subscribe?lang=" STR_FMT "&done=1", STR_ARG(language)));
	return RC_OK;
}

/* --- the links of mails --- */

static void show_link(struct page *p, bool leave, bool found, bool done)
{
	p->template = "subscribe";
	str language = public_frame(p);
	p->title = arena_z(p->a, public_word(language, "warnings"));
	json_put_bool(&p->j, "link", true);
	json_put_bool(&p->j, "found", found);
	json_put_str(&p->j, "words", public_word(language, !found ? "no_token" : done ? (leave ? "left" : "confirmed") :
									   leave ? "leave" : "confirm"));
	json_put_bool(&p->j, "button", found && !done);
	json_put_str(&p->j, "button_words", public_word(language, leave ? "leave_go" : "confirm_go"));
	json_put_str(&p->j, "post_href", arena_fmt(p->a, "/warnings/list/" STR_FMT "?lang=" STR_FMT, STR_ARG(p->item),
						   STR_ARG(language)));
	p->ans->status = found ? 200 : 404;
}

static enum rc find(struct page *p, bool *leave, int64_t *id, bool *found_out, struct err *err)
{
	enum subscriber_state state;
	enum rc rc = list_on(p, err);
	if (rc == RC_OK)
		rc = page_reader(p, err);
	*found_out = rc == RC_OK && guard_open(p->w->receipts, &p->q->from) &&
		     link_list_parse(p->w->n->notify, p->item, leave, id);
	if (rc == RC_OK && !*found_out)
		guard_wrong(p->w->receipts, &p->q->from);
	*found_out = *found_out && subscriber_find(reader_conn(p->r), *id, &state, NULL) == RC_OK;
	return rc;
}

enum rc page_subscription(struct page *p, struct err *err)
{
	bool leave = false, found = false;
	int64_t id = 0;
	enum rc rc = find(p, &leave, &id, &found, err);
	if (rc == RC_OK)
		show_link(p, leave, found, false);
	return rc;
}

enum rc page_subscription_set(struct page *p, struct err *err)
{
	bool leave = false, found = false;
	int64_t id = 0;
	struct err why = { 0 };
	enum rc rc = find(p, &leave, &id, &found, err);
	if (rc != RC_OK)
		return rc;
	if (found)
		rc = leave ? subscriber_leave(p->w->n->notify, id, &why) : subscriber_confirm(p->w->n->notify, id, &why);
	if (rc != RC_OK && rc != RC_ABSENT)
		return fail(err, rc, "%s", why.text);
	show_link(p, leave, found && rc == RC_OK, true);
	return RC_OK;
}
