/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/secure.h"

#include "notify/letter_of.h"
#include "notify/notify_private.h"

/* Markings from which on mail is encrypted or is not sent. Our own people are told by the same relay
 * that carries their mail anyway; of others the strictest markings leave the house only sealed. */
static const struct { bool ours; enum tlp from; } needed[] = {
	{ false, TLP_AMBER_STRICT },
	{ true, TLP_RED },
};

bool secure_needed(enum tlp tlp, bool ours)
{
	for (size_t i = 0; i < COUNT_OF(needed); i++)
		if (needed[i].ours == ours)
			return tlp >= needed[i].from;
	return true;
}

/* --- which keys --- */

static const struct { enum crypto_kind kind; const char *setting; } own_keys[] = {
	{ CRYPTO_OPENPGP, "mail_sign" },
	{ CRYPTO_SMIME, "mail_sign_smime" },
};

static str own_key(const struct notify *n, enum crypto_kind kind, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(1));
	for (size_t i = 0; i < COUNT_OF(own_keys); i++) {
		str text = own_keys[i].kind == kind ? settings_text(n->w.settings, own_keys[i].setting) : STR("");
		for (size_t j = 0; j < text.n; j++)
			if (text.p[j] != ' ')
				buf_char(&b, text.p[j]);
	}
	str key = arena_str(a, buf_str(&b));
	buf_free(&b);
	return key;
}

/* Of either kind. RC_ABSENT: none that may be used, in words. */
static enum rc find_key(const struct notify *n, str fingerprint, struct arena *a, enum crypto_kind *kind_out,
			struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(own_keys); i++) {
		struct crypto_key *keys = NULL;
		size_t count = 0;
		*kind_out = own_keys[i].kind;
		struct err why = { 0 };
		enum rc rc = crypto_list(n->w.crypto, *kind_out, fingerprint, a, &keys, &count, &why);
		if (rc == RC_INPUT) /* what stands there is no fingerprint */
			return fail(err, RC_ABSENT, "key '" STR_FMT "' of the contact is no fingerprint",
				    STR_ARG(fingerprint));
		if (rc != RC_OK)
			return fail(err, RC_BUSY, "%s", why.text);
		if (count > 0 && keys[0].words.n > 0)
			return fail(err, RC_ABSENT, "key '" STR_FMT "' is " STR_FMT, STR_ARG(fingerprint),
				    STR_ARG(keys[0].words));
		if (count > 0)
			return keys[0].can_encrypt ? RC_OK :
						     fail(err, RC_ABSENT, "key '" STR_FMT "' is not for encrypting",
							  STR_ARG(fingerprint));
	}
	return fail(err, RC_ABSENT, "key '" STR_FMT "' is not in the key ring (ronda key import)", STR_ARG(fingerprint));
}

enum rc secure_plan(const struct notify *n, const struct reached *who, enum tlp tlp, struct arena *a,
		    struct secure_plan *out, struct err *err)
{
	struct err why = { 0 };
	*out = (struct secure_plan){ .kind = CRYPTO_OPENPGP, .key = STR(""), .sign = STR(""), .words = STR("") };
	out->needed = who->key_needed || secure_needed(tlp, who->ours);
	enum rc rc = who->key.n == 0 ? fail(&why, RC_ABSENT, "the contact has no key") :
		     find_key(n, who->key, a, &out->kind, &why);
	if (rc != RC_OK && rc != RC_ABSENT)
		return fail(err, rc, "%s", why.text);
	if (rc == RC_OK)
		out->key = who->key;
	else
		out->kind = own_key(n, CRYPTO_OPENPGP, a).n > 0 ? CRYPTO_OPENPGP : CRYPTO_SMIME;
	if (rc != RC_OK && out->needed)
		out->words = arena_fmt(a, "must be encrypted (%s), and cannot be: %s",
				       who->key_needed ? "the contact takes no other mail" : "its marking asks for it",
				       why.text);
	else if (rc != RC_OK && who->key.n > 0)
		out->words = arena_fmt(a, "not encrypted: %s", why.text);
	out->sign = own_key(n, out->kind, a);
	out->how = rc == RC_OK ? SECURE_ENCRYPTED : out->needed ? SECURE_REFUSED :
		   out->sign.n > 0 ? SECURE_SIGNED : SECURE_CLEAR;
	return RC_OK;
}

/* --- making it --- */

static const struct { const char *language, *hidden, *subject; } words[] = {
	{ "en", "Encrypted message", "Subject" },
	{ "id", "Pesan terenkripsi", "Perihal" },
};

static size_t language_of(const struct sending *s)
{
	str language = json_get_str(s->what->data, "language");
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(language, str_of(words[i].language)))
			return i;
	return 0;
}

/* A key of ours that is missing is for an administrator to put right; the mail waits. */
static enum rc own_fault(enum rc rc, struct err *err)
{
	char text[sizeof err->text];
	if (rc == RC_OK || rc == RC_LIMIT)
		return rc;
	memcpy(text, err->text, sizeof text);
	return fail(err, RC_BUSY, "%.200s", text);
}

static enum rc seal_signed(const struct sending *s, const struct letter *l, const struct secure_plan *p,
			   struct arena *a, str *out, struct err *err)
{
	str entity, signature, micalg;
	struct calls *mail = s->n->w.mail_writer;
	enum rc rc = letter_entity(mail, l, a, &entity, err);
	if (rc == RC_OK)
		rc = own_fault(crypto_signature(s->n->w.crypto, p->kind, p->sign, entity, a, &signature, &micalg, err), err);
	if (rc == RC_OK)
		rc = letter_wrap(mail, l, p->kind == CRYPTO_SMIME ? LETTER_SMIME_SIGNED : LETTER_PGP_SIGNED, entity,
				 signature, micalg, a, out, err);
	return rc;
}

static enum rc seal_encrypted(const struct sending *s, const struct letter *l, const struct secure_plan *p,
			      struct arena *a, str *out, struct err *err)
{
	str entity, sealed;
	size_t at = language_of(s);
	struct calls *mail = s->n->w.mail_writer;
	struct letter inside = *l, outside = *l;
	inside.text = arena_fmt(a, "%s: " STR_FMT "\n\n", words[at].subject, STR_ARG(l->subject));
	struct buf text = BUF_INIT(LETTER_BYTES_MAX);
	buf_add(&text, inside.text);
	buf_add(&text, l->text);
	inside.text = arena_str(a, buf_str(&text));
	buf_free(&text);
	outside.subject = arena_fmt(a, STR_FMT " %s", STR_ARG(letter_tag(s->n, s->m->id, a)), words[at].hidden);
	enum rc rc = letter_entity(mail, &inside, a, &entity, err);
	if (rc == RC_OK)
		rc = own_fault(crypto_encrypt(s->n->w.crypto, p->kind, p->key, p->sign, entity, a, &sealed, err), err);
	if (rc == RC_OK)
		rc = letter_wrap(mail, &outside, p->kind == CRYPTO_SMIME ? LETTER_SMIME_ENCRYPTED : LETTER_PGP_ENCRYPTED,
				 STR(""), sealed, STR(""), a, out, err);
	return rc;
}

/* In rehearsal it comes to ourselves: sealed to our own key, once the true recipient's would have done. */
static enum rc turn_to_ourselves(const struct sending *s, struct secure_plan *p, struct arena *a, struct err *err)
{
	if (s->what->rehearsed_for.n == 0 || p->how != SECURE_ENCRYPTED)
		return RC_OK;
	p->key = own_key(s->n, p->kind, a);
	if (p->key.n > 0)
		return RC_OK;
	if (p->needed)
		return fail(err, RC_DENIED, "must be encrypted, and we have no key of our own to rehearse it with");
	p->how = SECURE_CLEAR;
	return RC_OK;
}

enum rc secure_seal(const struct sending *s, const struct letter *l, struct arena *a, struct secured *out,
		    struct err *err)
{
	struct secure_plan p;
	*out = (struct secured){ .bytes = STR(""), .words = STR("") };
	enum rc rc = secure_plan(s->n, &s->what->who, s->what->tlp, a, &p, err);
	if (rc == RC_OK && p.how == SECURE_REFUSED)
		rc = fail(err, RC_DENIED, STR_FMT, STR_ARG(p.words));
	if (rc == RC_OK)
		rc = turn_to_ourselves(s, &p, a, err);
	if (rc != RC_OK)
		return rc;
	switch (p.how) {
	case SECURE_ENCRYPTED:
		rc = seal_encrypted(s, l, &p, a, &out->bytes, err);
		out->words = p.sign.n > 0 ? STR("signed and encrypted") : STR("encrypted");
		break;
	case SECURE_SIGNED:
		rc = seal_signed(s, l, &p, a, &out->bytes, err);
		out->words = p.words.n > 0 ? p.words : STR("signed");
		break;
	case SECURE_CLEAR:
		rc = letter_write(s->n->w.mail_writer, l, a, &out->bytes, err);
		out->words = p.words;
		break;
	case SECURE_REFUSED:
		break;
	}
	out->is_encrypted = rc == RC_OK && p.how == SECURE_ENCRYPTED;
	out->is_signed = rc == RC_OK && p.how != SECURE_CLEAR && p.sign.n > 0;
	return rc;
}
