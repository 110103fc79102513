/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/opened.h"

#include "notify/notify_private.h"

struct opening {
	const struct notify *n;
	struct mail *mail;
	struct arena *a;
	struct opened *out;
};

static const struct {
	enum mail_seal seal;
	enum crypto_kind kind;
	bool encrypted, detached;
} seals[] = {
	{ MAIL_PGP_SIGNED, CRYPTO_OPENPGP, false, true },	{ MAIL_PGP_ENCRYPTED, CRYPTO_OPENPGP, true, false },
	{ MAIL_PGP_INLINE, CRYPTO_OPENPGP, false, false },	{ MAIL_SMIME_SIGNED, CRYPTO_SMIME, false, true },
	{ MAIL_SMIME_ENCRYPTED, CRYPTO_SMIME, true, false },	{ MAIL_SMIME_OPAQUE, CRYPTO_SMIME, false, false },
};

static void say_also(struct opening *o, str words)
{
	o->out->words = o->out->words.n ? arena_fmt(o->a, STR_FMT "\n" STR_FMT, STR_ARG(o->out->words), STR_ARG(words)) : words;
}

/* Does the key name the address it came from? */
static enum rc is_senders(const struct opening *o, enum crypto_kind kind, bool *out, struct err *err)
{
	struct crypto_key *keys = NULL;
	size_t count = 0;
	enum rc rc = crypto_list(o->n->w.crypto, kind, o->out->fingerprint, o->a, &keys, &count, err);
	*out = false;
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		str list = keys[i].addresses;
		while (list.n > 0 && !*out)
			*out = str_eq_nocase(str_cut(&list, ' '), o->mail->from.address);
	}
	return rc;
}

static enum rc judge(struct opening *o, enum crypto_kind kind, const struct crypto_opened *c, struct err *err)
{
	bool senders = false;
	enum rc rc = RC_OK;
	o->out->fingerprint = c->fingerprint;
	o->out->signer = c->signer;
	switch (c->verdict) {
	case CRYPTO_UNSIGNED:
		return RC_OK;
	case CRYPTO_GOOD:
		rc = is_senders(o, kind, &senders, err);
		o->out->signature = senders ? "good" : "unknown";
		if (rc == RC_OK && !senders)
			say_also(o, arena_fmt(o->a, "it is signed by '" STR_FMT "', whose key does not name the sender",
					      STR_ARG(c->signer)));
		break;
	case CRYPTO_BAD:
		o->out->signature = "bad";
		say_also(o, STR("its signature does not fit: it was changed on its way, or forged"));
		break;
	case CRYPTO_UNKNOWN_KEY:
		o->out->signature = "unknown";
		say_also(o, arena_fmt(o->a, "it is signed by key '" STR_FMT "', which is not in the key ring",
				      STR_ARG(c->fingerprint)));
		break;
	case CRYPTO_EXPIRED_KEY:
		o->out->signature = "unknown";
		say_also(o, arena_fmt(o->a, "it is signed by key '" STR_FMT "', which has expired or was revoked",
				      STR_ARG(c->fingerprint)));
		break;
	}
	return rc;
}

/* What was inside takes the place of what was outside; who wrote it, to whom and when stays as outside. */
static enum rc look_inside(struct opening *o, bool inline_text, str bytes, struct err *err)
{
	struct mail inside;
	struct err why = { 0 };
	struct buf whole = BUF_INIT(MAIL_BYTES_MAX);
	if (inline_text)
		buf_add(&whole, STR("Content-Type: text/plain; charset=utf-8\r\n\r\n"));
	buf_add(&whole, bytes);
	enum rc rc = whole.over ? fail(&why, RC_LIMIT, "it is too long") :
				  mail_parse(o->n->w.mail_reader, buf_str(&whole), o->a, &inside, NULL, &why);
	buf_free(&whole);
	if (rc == RC_BUSY || rc == RC_IO)
		return fail(err, rc, "%s", why.text);
	o->mail->seal = MAIL_PLAIN;
	if (rc != RC_OK) {
		say_also(o, arena_fmt(o->a, "what was inside cannot be read: %s", why.text));
		return RC_OK;
	}
	struct mail *m = o->mail;
	m->text = inside.text;
	m->text_cut = inside.text_cut;
	m->text_was_html = inside.text_was_html;
	m->parts = inside.parts;
	m->part_count = inside.part_count;
	m->parts_cut = inside.parts_cut;
	m->seal = inside.seal;
	m->entity = inside.entity;
	m->sealed = inside.sealed;
	m->is_dsn = inside.is_dsn;
	m->is_feedback = inside.is_feedback;
	m->fields = inside.fields;
	m->field_count = inside.field_count;
	if (inside.subject.n > 0)
		m->subject = inside.subject;
	return RC_OK;
}

/* *more_out: there was something inside, which may be sealed itself. */
static enum rc open_layer(struct opening *o, bool *more_out, struct err *err)
{
	struct crypto_opened c = { .verdict = CRYPTO_UNSIGNED };
	struct err why = { 0 };
	size_t at = 0;
	*more_out = false;
	while (at < COUNT_OF(seals) && seals[at].seal != o->mail->seal)
		at++;
	if (at == COUNT_OF(seals))
		return RC_OK;
	bool is_inline = o->mail->seal == MAIL_PGP_INLINE;
	o->out->encrypted = o->out->encrypted || seals[at].encrypted;
	if (strcmp(o->out->signature, "none") == 0 && !seals[at].encrypted)
		o->out->signature = "unknown"; /* until it is known better */
	str bytes = seals[at].detached || (is_inline && o->mail->entity.n > 0) ? o->mail->entity : o->mail->sealed;
	enum rc rc = crypto_open(o->n->w.crypto, seals[at].kind, bytes, seals[at].detached ? o->mail->sealed : STR(""), o->a,
				 &c, &why);
	if (rc == RC_BUSY || rc == RC_IO)
		return fail(err, rc, "%s", why.text);
	if (rc != RC_OK) {
		say_also(o, arena_fmt(o->a, "it cannot be opened: %s", why.text));
		return RC_OK;
	}
	o->out->encrypted = o->out->encrypted || c.was_encrypted;
	if (is_inline && c.verdict == CRYPTO_UNSIGNED)
		o->out->signature = "none";
	rc = judge(o, seals[at].kind, &c, err);
	if (rc != RC_OK || seals[at].detached)
		return rc;
	*more_out = true;
	return look_inside(o, is_inline, c.bytes, err);
}

enum rc opened_mail(const struct notify *n, struct mail *mail, struct arena *a, struct opened *out, struct err *err)
{
	struct opening o = { n, mail, a, out };
	bool more = true;
	enum rc rc = RC_OK;
	*out = (struct opened){ .signature = "none", .fingerprint = STR(""), .signer = STR(""), .words = STR("") };
	for (int i = 0; rc == RC_OK && more && i < OPENED_LAYERS; i++)
		rc = open_layer(&o, &more, err);
	return rc;
}
