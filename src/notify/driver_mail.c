/* SPDX-License-Identifier: Apache-2.0 */
/* A letter, handed to a relay. What the relay's answer means:
 *
 *   2xx behind the mail            it has it
 *   4xx, not reached, cut before   it says that it has not: again, later
 *   5xx                            it does not want it: failed; of the recipient, the contact is
 *                                  passed over (bounce.h)
 *   no answer behind the mail      nobody knows: uncertain */
#include "mail/smtp.h"
#include "notify/bounce.h"
#include "notify/letter_of.h"
#include "notify/notify_private.h"
#include "notify/secure.h"

static enum rc begin(void *ctx, struct err *err)
{
	return notify_draining(ctx, err);
}

/* The return path: where notifications of failure go (RFC 5321, section 3.6.3). */
static str return_path(const struct notify *n, const struct letter *l)
{
	str name, address;
	return letter_mailbox(settings_text(n->w.settings, "mail_bounce"), &name, &address) ? address : l->from;
}

static struct outcome_of judge(const struct smtp_result *r)
{
	static const enum outcome by_end[] = {
		[SMTP_TAKEN] = OUTCOME_SENT, [SMTP_LATER] = OUTCOME_RETRY, [SMTP_REFUSED] = OUTCOME_FAILED,
		[SMTP_UNCERTAIN] = OUTCOME_UNCERTAIN,
	};
	return outcome_words(by_end[r->end], "", r->words);
}

/* --- a mailbox that there is not --- */

static bool is_dead(const struct smtp_result *r, str status)
{
	if (r->end != SMTP_REFUSED)
		return false;
	bool by_code = r->code == 550 || r->code == 551 || r->code == 553 || r->code == 556;
	return status.n ? bounce_is_of_address(status) : r->of_recipient && by_code;
}

struct refusing {
	const struct notify *n;
	struct bounce b;
	bool next;
};

static enum rc note(struct tx *tx, void *ctx, struct err *err)
{
	struct refusing *k = ctx;
	return bounce_note(tx, k->n, &k->b, &k->next, err);
}

/* The contact is passed over from now on, and the message goes to the next one at once. */
static struct outcome_of ask_next(const struct sending *s, str address, const struct smtp_result *r, str status)
{
	struct err why = { 0 };
	struct refusing k = { .n = s->n, .b = { .message = s->m->id, .address = address, .status = status,
						.permanent = true, .words = r->words } };
	enum rc rc = store_write(s->n->w.store, note, &k, &why);
	if (rc != RC_OK)
		log_error(s->n->w.log, "a refusal is not noted at the contact", L_INT("message", s->m->id),
			  L_Z("why", why.text));
	struct outcome_of o = outcome_words(rc == RC_OK && k.next ? OUTCOME_RETRY : OUTCOME_FAILED, "", r->words);
	o.retry_us = 1;
	return o;
}

/* --- one try --- */

struct made {
	struct letter letter;
	enum rc rc;
	struct err why;
};

static void *make(const struct sending *s, struct reader *r, const struct types *t)
{
	struct made *m = ARENA_NEW(s->a, struct made);
	m->rc = s->n->w.mail_writer ? RC_OK : fail(&m->why, RC_BUSY, "this process has no mail helper");
	if (m->rc == RC_OK)
		m->rc = letter_of(s, r, t, s->a, &m->letter, &m->why);
	return m;
}

static struct outcome_of send(const struct sending *s)
{
	struct made *m = s->made;
	const struct letter *l = &m->letter;
	struct smtp_result r;
	struct err why = m->why;
	struct secured sealed = { .words = STR("") };
	enum rc rc = m->rc == RC_OK ? secure_seal(s, l, s->a, &sealed, &why) : m->rc;
	if (rc != RC_OK)
		return outcome_words(rc == RC_BUSY || rc == RC_IO ? OUTCOME_RETRY :
				     rc == RC_DENIED ? OUTCOME_REFUSED : OUTCOME_FAILED, "",
				     arena_str(s->a, str_of(why.text)));
	const struct smtp_mail mail = { .from = return_path(s->n, l), .to = l->to, .bytes = sealed.bytes, .begin = begin,
					.ctx = (void *)s };
	smtp_send(s->n->smtp, &mail, s->a, &r);
	str status = bounce_status(r.words);
	bool dead = s->what->rehearsed_for.n == 0 && is_dead(&r, status);
	struct outcome_of o = dead ? ask_next(s, l->to, &r, status) : judge(&r);
	if (sealed.words.n > 0)
		o.words = arena_fmt(s->a, STR_FMT "; " STR_FMT, STR_ARG(sealed.words), STR_ARG(o.words));
	o.reference = arena_fmt(s->a, "<" STR_FMT ">", STR_ARG(l->message_id));
	return o;
}

/* The pace counts for where the mail goes in the end, whichever relay takes it. */
static str host(const struct notify *n, str address, struct arena *a)
{
	(void)n;
	str domain = arena_str(a, str_from(address, str_index(address, '@') + 1));
	for (size_t i = 0; i < domain.n; i++)
		if (domain.p[i] >= 'A' && domain.p[i] <= 'Z')
			((char *)domain.p)[i] |= 0x20;
	return domain;
}

static const char *lacks(const struct notify *n)
{
	str name, address;
	if (settings_text(n->w.settings, "mail_relays").n == 0)
		return "setting mail_relays names no relay";
	return letter_mailbox(settings_text(n->w.settings, "mail_from"), &name, &address) ? NULL :
		       "setting mail_from is no mail address";
}

static bool rests(const struct notify *n)
{
	return smtp_rests(n->smtp);
}

const struct driver driver_mail = {
	.name = "mail",
	.help = "a letter to the contact's e-mail address, by the relays of setting mail_relays",
	.channel = CHANNEL_MAIL,
	.column = "email",
	.pager = "email",
	.make = make,
	.send = send,
	.host = host,
	.lacks = lacks,
	.rests = rests,
};
