/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate is shown with our key: one of an authority, if the settings name a file that has it and it holds
 * now, else the one we made ourselves. */
#include "exchange/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "exchange/exchange_private.h"
#include "http/vouch.h"

enum { FILE_CERTS_MAX = 32, CHAIN_MAX = 8, SOON_DAYS = 14 };
#define FILE_BYTES_MAX KIB(256)

struct certs {
	X509 *list[FILE_CERTS_MAX];
	size_t count;
};

static const char *read_certs(str pem, struct certs *out)
{
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *cert;
	while (b && out->count < FILE_CERTS_MAX && (cert = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL)
		out->list[out->count++] = cert;
	BIO_free(b);
	bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; /* how OpenSSL says it */
	ERR_clear_error();
	return out->count == FILE_CERTS_MAX ? "it has too many certificates" :
	       !end			    ? "a certificate in it cannot be read" :
	       out->count == 0		    ? "there is no certificate in it" : NULL;
}

/* --- of one certificate --- */

static int64_t us_of(const ASN1_TIME *t)
{
	struct tm tm;
	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) * SECOND_US : 0;
}

static int64_t begin_us(const X509 *cert)
{
	return us_of(X509_get0_notBefore(cert));
}

static int64_t end_us(const X509 *cert)
{
	return us_of(X509_get0_notAfter(cert));
}

static bool is_valid(const X509 *cert, int64_t now_us)
{
	return begin_us(cert) <= now_us && now_us < end_us(cert);
}

static bool signed_by(X509 *cert, X509 *by)
{
	bool is = X509_check_issued(by, cert) == X509_V_OK && X509_verify(cert, X509_get0_pubkey(by)) == 1;
	ERR_clear_error();
	return is;
}

static bool is_of(X509 *cert, const struct identity *who)
{
	struct digest pin;
	return vouch_pin(cert, &pin) && memcmp(&pin, &who->pin, sizeof pin) == 0;
}

/* Of several the one that holds now and longest. */
static X509 *find_ours(const struct certs *f, const struct identity *who, int64_t now_us)
{
	X509 *best = NULL;
	for (size_t i = 0; i < f->count; i++) {
		X509 *c = f->list[i];
		if (!is_of(c, who))
			continue;
		bool better = !best || (is_valid(c, now_us) && (!is_valid(best, now_us) || end_us(c) > end_us(best)));
		best = better ? c : best;
	}
	return best;
}

static X509 *find_signer(const struct certs *f, X509 *cert)
{
	if (X509_check_issued(cert, cert) == X509_V_OK)
		return NULL; /* it ends here */
	for (size_t i = 0; i < f->count; i++)
		if (f->list[i] != cert && signed_by(cert, f->list[i]))
			return f->list[i];
	return NULL;
}

/* --- of the chain --- */

static str why_not_now(X509 *cert, size_t place, int64_t now_us, struct arena *a)
{
	char text[40];
	const char *which = place ? "who signed it" : "it";
	return begin_us(cert) > now_us ?
		       arena_fmt(a, "%s is not valid before " STR_FMT, which, STR_ARG(time_str(text, begin_us(cert)))) :
		       arena_fmt(a, "%s has expired, " STR_FMT, which, STR_ARG(time_str(text, end_us(cert))));
}

/* As the library that we call others with judges what it is to show. */
static bool is_strong(X509 *const *chain, size_t count)
{
	SSL_CTX *s = SSL_CTX_new(TLS_client_method());
	bool good = s && SSL_CTX_use_certificate(s, chain[0]) == 1;
	for (size_t i = 1; good && i < count; i++)
		good = SSL_CTX_add1_chain_cert(s, chain[i]) == 1;
	SSL_CTX_free(s);
	ERR_clear_error();
	return good;
}

static str write_chain(X509 *const *chain, size_t count, struct arena *a)
{
	BIO *b = BIO_new(BIO_s_mem());
	bool good = b != NULL;
	for (size_t i = 0; good && i < count; i++)
		good = PEM_write_bio_X509(b, chain[i]) == 1;
	char *p = NULL;
	long n = good ? BIO_get_mem_data(b, &p) : 0;
	str text = arena_str(a, str_mem(p, n > 0 ? (size_t)n : 0));
	BIO_free(b);
	return text;
}

/* What partners who know the key never look at, and those who ask the authority do. */
static const char *minded(X509 *cert, str node)
{
	const char *why = vouch_names(cert, node);
	if (!why && X509_check_purpose(cert, X509_PURPOSE_SSL_CLIENT, 0) != 1)
		why = "its certificate is not for clients of TLS";
	if (!why && X509_check_purpose(cert, X509_PURPOSE_SSL_SERVER, 0) != 1)
		why = "its certificate is not for servers of TLS";
	return why;
}

static void judge(const struct certs *f, const struct own_keys *k, str node, int64_t now_us, struct arena *a,
		  struct certificate *out)
{
	X509 *chain[CHAIN_MAX] = { find_ours(f, &k->now.who, now_us) };
	size_t count = 0;
	if (!chain[0]) {
		bool next = k->rotating && find_ours(f, &k->next.who, now_us);
		out->why = next ? STR("it is of the key that is announced, and shown once that is used") :
				  STR("it is of another key: ask for one of the key in use ('ronda partner request')");
		return;
	}
	for (X509 *at = chain[0]; at; at = find_signer(f, at)) {
		if (count == CHAIN_MAX) {
			out->why = STR("its chain is too long");
			return;
		}
		if (!is_valid(at, now_us)) {
			out->why = why_not_now(at, count, now_us, a);
			return;
		}
		chain[count++] = at;
		int64_t end = end_us(at);
		out->until_us = count == 1 || end < out->until_us ? end : out->until_us;
	}
	if (!is_strong(chain, count)) {
		out->why = STR("a key or signature of it is too weak");
		return;
	}
	out->chain = write_chain(chain, count, a);
	out->why = str_of(minded(chain[0], node));
}

void certificate_judge(str file, const struct own_keys *k, str node, int64_t now_us, struct arena *a,
		       struct certificate *out)
{
	struct certs f = { .count = 0 };
	const char *why = read_certs(file, &f);
	*out = (struct certificate){ .set = true, .chain = STR(""), .why = str_of(why) };
	if (!why)
		judge(&f, k, node, now_us, a, out);
	while (f.count > 0)
		X509_free(f.list[--f.count]);
}

/* --- of the setting --- */

void certificate_look(struct exchange *x, const struct own_keys *k, struct arena *a, struct certificate *out)
{
	str name = x->w.settings ? settings_text(x->w.settings, "exchange_certificate") : STR("");
	*out = (struct certificate){ .set = name.n > 0, .chain = STR(""), .why = STR("") };
	if (!out->set)
		return;
	struct buf file = BUF_INIT(FILE_BYTES_MAX);
	const char *why = exchange_read_file(name, &file);
	if (why)
		out->why = str_of(why);
	else
		certificate_judge(buf_str(&file), k, arena_fmt(a, URN_UUID STR_FMT, STR_ARG(store_node_id(x->w.store))),
				  clock_now_us(), a, out);
	buf_free(&file);
}

void certificate_use(struct exchange *x, struct own_keys *k, struct arena *a)
{
	struct certificate c;
	certificate_look(x, k, a, &c);
	if (c.chain.n)
		k->now.cert = c.chain;
}

static void say(struct exchange *x, const struct certificate *c, bool soon)
{
	char text[40];
	str until = time_str(text, c->until_us);
	if (c->chain.n == 0)
		log_warn(x->w.log, "exchange_certificate is not shown to partners, but the one the node made itself",
			 L_STR("why", c->why));
	else if (c->why.n)
		log_warn(x->w.log, "partners are shown exchange_certificate, but not all will take it", L_STR("why", c->why),
			 L_STR("until", until));
	else if (soon)
		log_warn(x->w.log, "exchange_certificate ends soon: ask for the next one ('ronda partner request')",
			 L_STR("until", until));
	else
		log_info(x->w.log, "partners are shown exchange_certificate", L_STR("until", until));
}

void certificate_tend(struct exchange *x)
{
	struct arena *a = arena_new(KIB(16));
	struct own_keys k = { .rotating = false };
	struct certificate c = { .set = false };
	struct reader *r = NULL;
	if (x->w.settings && settings_text(x->w.settings, "exchange_certificate").n && store_read_begin(x->w.store, &r, NULL) == RC_OK) {
		if (keys_own(reader_conn(r), a, &k, NULL) == RC_OK)
			certificate_look(x, &k, a, &c);
		store_read_end(r);
	}
	if (c.set) {
		bool soon = c.until_us - clock_now_us() < SOON_DAYS * DAY_US;
		struct digest shown = sha256(c.chain), said = sha256(arena_fmt(a, "%d" STR_FMT STR_FMT, soon, STR_ARG(c.why), STR_ARG(c.chain)));
		if (memcmp(&said, &x->certificate_said, sizeof said) != 0)
			say(x, &c, soon);
		if (memcmp(&shown, &x->certificate_shown, sizeof shown) != 0)
			keys_tell(x);
		x->certificate_said = said;
		x->certificate_shown = shown;
	}
	keys_wipe(&k);
	arena_free(a);
}
