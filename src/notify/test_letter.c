/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/test_letter.h"

#include "mail/letter.h"
#include "mail/smtp.h"
#include "notify/notify_private.h"
#include "notify/rehearsal.h"

static bool is_of(const struct notify *n, const char *setting, str address)
{
	str name, own;
	return letter_mailbox(settings_text(n->w.settings, setting), &name, &own) && str_eq_nocase(own, address);
}

static enum rc may_go(const struct notify *n, str address, struct err *err)
{
	struct reader *r = NULL;
	const struct uuid nobody = { 0 };
	bool live = false;
	int64_t since = 0;
	if (is_of(n, "mail_from", address) || is_of(n, "mail_rehearsal", address) || is_of(n, "mail_bounce", address))
		return RC_OK;
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = rehearsal_since(reader_conn(r), nobody, STR("mail.test"), &live, &since, err);
	store_read_end(r);
	if (rc == RC_OK && !live)
		rc = fail(err, RC_DENIED, "the node is in rehearsal: it writes to its own addresses only");
	return rc;
}

static enum rc write_letter(const struct notify *n, str address, struct arena *a, struct letter *l, str *bytes,
			    struct err *err)
{
	static const struct letter_header headers[] = { { "Auto-Submitted", STR_INIT("auto-generated") } };
	unsigned char random[12];
	struct buf id = BUF_INIT(128);
	*l = (struct letter){ .date_us = clock_now_us(), .to = address, .headers = headers, .header_count = COUNT_OF(headers) };
	if (!letter_mailbox(settings_text(n->w.settings, "mail_from"), &l->from_name, &l->from))
		return fail(err, RC_CONFLICT, "setting mail_from is no mail address");
	if (!letter_address_ok(address))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no mail address", STR_ARG(address));
	if (!n->w.mail_writer)
		return fail(err, RC_BUSY, "this process has no mail helper");
	random_bytes(random, sizeof random);
	buf_add(&id, STR("test."));
	hex_format(&id, random, sizeof random);
	buf_char(&id, '@');
	buf_add(&id, str_from(l->from, str_index(l->from, '@') + 1));
	l->message_id = arena_str(a, buf_str(&id));
	buf_free(&id);
	l->subject = arena_fmt(a, "Test of the mail of " STR_FMT, STR_ARG(store_node_name(n->w.store)));
	l->text = arena_fmt(a, "This letter is a test. It says that " STR_FMT " can send mail to this address.\n"
			       "Nothing needs to be done.\n\n"
			       "Surat ini adalah uji coba. Artinya, " STR_FMT " dapat mengirim surel ke alamat ini.\n"
			       "Anda tidak perlu melakukan apa pun.\n",
			    STR_ARG(store_node_name(n->w.store)), STR_ARG(store_node_name(n->w.store)));
	return letter_write(n->w.mail_writer, l, a, bytes, err);
}

static enum rc write_ledger(struct tx *tx, void *ctx, struct err *err)
{
	return ledger_add(tx, ctx, NULL, err);
}

static enum rc hand_over(const struct notify *n, struct smtp *m, const struct letter *l, str bytes, struct arena *a,
			 str *words_out, struct err *err)
{
	static const struct { enum ledger_kind kind; enum rc rc; } ends[] = {
		[SMTP_TAKEN] = { LEDGER_SENT, RC_OK }, [SMTP_LATER] = { LEDGER_FAILED, RC_BUSY },
		[SMTP_REFUSED] = { LEDGER_FAILED, RC_ABSENT }, [SMTP_UNCERTAIN] = { LEDGER_UNCERTAIN, RC_BUSY },
	};
	struct smtp_result r;
	str name, bounce;
	bool own = letter_mailbox(settings_text(n->w.settings, "mail_bounce"), &name, &bounce);
	const struct smtp_mail mail = { .from = own ? bounce : l->from, .to = l->to, .bytes = bytes };
	smtp_send(m, &mail, a, &r);
	*words_out = r.words;
	struct ledger_row row = { .kind = ends[r.end].kind, .driver = STR("mail"), .recipient = l->to, .item = STR(""),
				  .policy = policies_number(n->w.policies), .rule = STR("a test letter"),
				  .reference = arena_fmt(a, "<" STR_FMT ">", STR_ARG(l->message_id)), .words = r.words };
	enum rc rc = store_write(n->w.store, write_ledger, &row, err);
	if (rc == RC_OK && ends[r.end].rc != RC_OK)
		rc = fail(err, ends[r.end].rc, STR_FMT, STR_ARG(r.words));
	return rc;
}

enum rc test_letter_send(const struct notify *n, str address, struct arena *a, str *words_out, struct err *err)
{
	struct letter l;
	struct smtp *m = NULL;
	str bytes = STR("");
	*words_out = STR("");
	enum rc rc = may_go(n, address, err);
	if (rc == RC_OK)
		rc = write_letter(n, address, a, &l, &bytes, err);
	if (rc == RC_OK)
		rc = smtp_open(n->w.settings, &m, err);
	if (rc == RC_OK && smtp_lacks(m))
		rc = fail(err, RC_CONFLICT, "%s", smtp_lacks(m));
	if (rc == RC_OK)
		rc = hand_over(n, m, &l, bytes, a, words_out, err);
	smtp_close(m);
	return rc;
}
