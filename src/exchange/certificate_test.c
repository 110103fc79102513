/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/exchange_world.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "exchange/certificate.h"
#include "http/vouch.h"

#define NODE "aaaaaaaa-0000-4000-8000-000000000001"
#define URN(node) "URI:" URN_UUID node

struct made {
	EVP_PKEY *key;
	X509 *cert;
};

/* Signed by `by`, or by itself; good from this day on to that one, counted from now. */
static struct made make(const char *name, const struct made *by, EVP_PKEY *key, const char *alt, long from_days, long to_days)
{
	struct made m = { key ? key : EVP_EC_gen("P-256"), X509_new() };
	X509_NAME *subject = X509_get_subject_name(m.cert);
	static long serial;
	CHECK(X509_set_version(m.cert, 2) && ASN1_INTEGER_set(X509_get_serialNumber(m.cert), ++serial));
	CHECK(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0));
	CHECK(X509_set_issuer_name(m.cert, by ? X509_get_subject_name(by->cert) : subject));
	CHECK(X509_gmtime_adj(X509_getm_notBefore(m.cert), from_days * 86400) && X509_gmtime_adj(X509_getm_notAfter(m.cert), to_days * 86400));
	CHECK(X509_set_pubkey(m.cert, m.key));
	X509_EXTENSION *e = alt ? X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt) :
				  X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	CHECK(e && X509_add_ext(m.cert, e, -1));
	X509_EXTENSION_free(e);
	CHECK(X509_sign(m.cert, by ? by->key : m.key, EVP_sha256()));
	return m;
}

static void drop(struct made *m, bool key)
{
	X509_free(m->cert);
	if (key)
		EVP_PKEY_free(m->key);
}

static void put(struct buf *out, const struct made *m)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	CHECK(PEM_write_bio_X509(b, m->cert));
	long n = BIO_get_mem_data(b, &p);
	buf_add_mem(out, p, (size_t)n);
	BIO_free(b);
}

static size_t certs_in(str pem)
{
	static const str head = STR_INIT("-----BEGIN CERTIFICATE-----");
	size_t count = 0, at;
	while ((at = str_find(pem, head)) < pem.n) {
		count++;
		pem = str_from(pem, at + head.n);
	}
	return count;
}

TEST(what_is_shown)
{
	struct arena *a = arena_new(KIB(16));
	struct made root = make("root", NULL, NULL, NULL, -10, 100), mid = make("mid", &root, NULL, NULL, -10, 50),
		    old_mid = make("old mid", &root, NULL, NULL, -10, -1);
	struct made good = make("node", &mid, NULL, URN(NODE), -1, 30), over = make("node", &mid, good.key, URN(NODE), -9, -2),
		    early = make("node", &mid, good.key, URN(NODE), 2, 9), longer = make("node", &mid, good.key, URN(NODE), -1, 40),
		    straight = make("node", &root, good.key, URN(NODE), -1, 30), other = make("node", &mid, NULL, URN(NODE), -1, 30),
		    under_old = make("node", &old_mid, good.key, URN(NODE), -9, 30),
		    host = make("node", &mid, good.key, "DNS:watch.example.org", -1, 30),
		    wrong = make("node", &mid, good.key, URN("bbbbbbbb-0000-4000-8000-000000000002"), -1, 30);
	struct made weak = make("node", &root, good.key, URN(NODE), -1, 30);
	CHECK(X509_sign(weak.cert, root.key, EVP_sha1()));
	const struct {
		const char *what;
		const struct made *in[4];
		size_t shown;
		int days;          /* until it ends */
		const char *why;
	} cases[] = {
		{ "signed by the authority itself", { &straight }, 1, 30, "" },
		{ "with who signed it", { &good, &mid }, 2, 30, "" },
		{ "with all of the chain", { &good, &mid, &root }, 3, 30, "" },
		{ "in any order", { &root, &mid, &good }, 3, 30, "" },
		{ "the intermediate ends first", { &longer, &mid }, 2, 40, "" },
		{ "of two the one that lasts", { &good, &longer, &mid }, 2, 40, "" },
		{ "not the one that has run out", { &over, &good, &mid }, 2, 30, "" },
		{ "beside one of another key", { &other, &good, &mid }, 2, 30, "" },
		{ "without who signed it", { &good }, 1, 30, "" },
		{ "of another key", { &other, &mid }, 0, 0, "of another key" },
		{ "run out", { &over, &mid }, 0, 0, "has expired" },
		{ "not yet", { &early, &mid }, 0, 0, "not valid before" },
		{ "who signed it has run out", { &under_old, &old_mid }, 0, 0, "who signed it has expired" },
		{ "signed by what is weak", { &weak }, 0, 0, "too weak" },
		{ "nothing but a host", { &host, &mid }, 2, 30, "names no node" },
		{ "another node", { &wrong, &mid }, 2, 30, "names another node" },
	};
	struct own_keys k = { .rotating = false };
	CHECK(vouch_pin(good.cert, &k.now.who.pin));
	int64_t now = clock_now_us();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf file = BUF_INIT(KIB(64));
		struct certificate c;
		buf_add(&file, STR("a line of words\n"));
		for (size_t n = 0; n < COUNT_OF(cases[i].in) && cases[i].in[n]; n++)
			put(&file, cases[i].in[n]);
		certificate_judge(buf_str(&file), &k, STR(URN_UUID NODE), now, a, &c);
		CHECK_MSG(certs_in(c.chain) == cases[i].shown, "%s: %zu", cases[i].what, certs_in(c.chain));
		CHECK_MSG(str_find(c.why, str_of(cases[i].why)) < c.why.n || (c.why.n == 0 && !*cases[i].why), "%s: " STR_FMT, cases[i].what,
			  STR_ARG(c.why));
		int64_t off = c.until_us - now - cases[i].days * DAY_US;
		CHECK_MSG(cases[i].shown == 0 || (off > -HOUR_US && off < HOUR_US), "%s: until", cases[i].what);
		buf_reset(&file);
		put(&file, &good); /* ours stands first, whatever the order was */
		CHECK_MSG(cases[i].days != 30 || cases[i].shown < 2 || *cases[i].why || str_starts(c.chain, buf_str(&file)), "%s: first", cases[i].what);
		buf_free(&file);
	}
	/* the next key's, while that is announced */
	struct buf file = BUF_INIT(KIB(64));
	struct certificate c;
	put(&file, &other);
	k.rotating = true;
	CHECK(vouch_pin(other.cert, &k.next.who.pin));
	certificate_judge(buf_str(&file), &k, STR(URN_UUID NODE), now, a, &c);
	CHECK(c.chain.n == 0 && str_find(c.why, STR("announced")) < c.why.n);
	buf_free(&file);
	struct made *all[] = { &over, &early, &longer, &straight, &under_old, &host, &wrong, &weak };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		drop(all[i], false);
	drop(&good, true);
	drop(&other, true);
	drop(&old_mid, true);
	drop(&mid, true);
	drop(&root, true);
	arena_free(a);
}

TEST(what_is_no_chain)
{
	static const struct {
		const char *what;
		str file;
		const char *why;
	} cases[] = {
		{ "nothing", STR_INIT(""), "no certificate in it" },
		{ "words", STR_INIT("a certificate\n"), "no certificate in it" },
		{ "no base64", STR_INIT("-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n"), "cannot be read" },
		{ "no DER", STR_INIT("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "cannot be read" },
		{ "cut off", STR_INIT("-----BEGIN CERTIFICATE-----\nAAAA\n"), "cannot be read" },
	};
	struct arena *a = arena_new(KIB(16));
	struct own_keys k = { .rotating = false };
	struct certificate c;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		certificate_judge(cases[i].file, &k, STR(URN_UUID NODE), clock_now_us(), a, &c);
		CHECK_MSG(c.chain.n == 0 && str_find(c.why, str_of(cases[i].why)) < c.why.n, "%s: " STR_FMT, cases[i].what, STR_ARG(c.why));
	}
	struct made m = make("root", NULL, NULL, NULL, -1, 1);
	struct buf many = BUF_INIT(MIB(1));
	for (int i = 0; i < 40; i++)
		put(&many, &m);
	certificate_judge(buf_str(&many), &k, STR(URN_UUID NODE), clock_now_us(), a, &c);
	CHECK(c.chain.n == 0 && str_find(c.why, STR("too many")) < c.why.n);
	buf_free(&many);
	drop(&m, true);
	arena_free(a);
}

#define ADDRESS(value) { "exchange_address", SETTING_TEXT, value, "", "", "" }

static struct settings *settings_of(const struct setting_row *row)
{
	struct settings *s = NULL;
	CHECK_RC(settings_load(row, 1, STR_NONE, "t", NULL, NULL, 0, &s, &err), RC_OK, err);
	return s;
}

TEST(what_is_asked_for)
{
	static const struct {
		struct setting_row address;
		const char *host;  /* as OpenSSL prints it; NULL: no address of ours */
	} cases[] = {
		{ ADDRESS("https://watch.example.org:8421"), "DNS:watch.example.org" },
		{ ADDRESS("https://watch.example.org/"), "DNS:watch.example.org" },
		{ ADDRESS("https://192.0.2.1:8421"), "IP Address:192.0.2.1" },
		{ ADDRESS("https://[2001:db8::1]:8421"), "IP Address:2001:DB8:0:0:0:0:0:1" },
		{ ADDRESS(""), NULL },
		{ ADDRESS("http://watch.example.org"), NULL },
	};
	struct team t;
	struct own_keys k;
	struct reader *r = NULL;
	team_new(&t);
	CHECK_RC(store_read_begin(t.w.s, &r, &err), RC_OK, err);
	CHECK_RC(keys_own(reader_conn(r), t.w.a, &k, &err), RC_OK, err);
	store_read_end(r);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf pem = BUF_INIT(KIB(16)), want = BUF_INIT(KIB(1));
		struct settings *s = settings_of(&cases[i].address);
		str address = settings_text(s, "exchange_address");
		t.x.w.settings = s;
		CHECK_RC(certificate_request(&t.x, &k.now, &pem, &err), RC_OK, err);
		BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n), *text = BIO_new(BIO_s_mem());
		X509_REQ *q = PEM_read_bio_X509_REQ(b, NULL, NULL, NULL);
		CHECK(q && X509_REQ_verify(q, X509_REQ_get0_pubkey(q)) == 1);
		CHECK(q && X509_REQ_print(text, q) == 1);
		char *p = NULL;
		long n = BIO_get_mem_data(text, &p);
		buf_fmt(&want, "URI:urn:uuid:" STR_FMT, STR_ARG(store_node_id(t.w.s)));
		if (cases[i].host)
			buf_fmt(&want, ", URI:" STR_FMT ", %s", STR_ARG(str_head(address, address.n - str_ends(address, STR("/")))), cases[i].host);
		buf_char(&want, '\n');
		CHECK_MSG(str_find(str_mem(p, (size_t)n), buf_str(&want)) < (size_t)n, STR_FMT ": " STR_FMT, STR_ARG(address), (int)n, p);
		/* the key is the one whose pin partners have */
		unsigned char *der = NULL;
		int bytes = i2d_PUBKEY(X509_REQ_get0_pubkey(q), &der);
		struct digest pin = sha256(str_mem(der, (size_t)bytes));
		CHECK(memcmp(&pin, &k.now.who.pin, sizeof pin) == 0);
		OPENSSL_free(der);
		X509_REQ_free(q);
		BIO_free(b);
		BIO_free(text);
		buf_free(&pem);
		buf_free(&want);
		settings_free(s);
		t.x.w.settings = NULL;
	}
	keys_wipe(&k);
	world_end(&t.w);
}

TEST_MAIN(TEST_RUN(what_is_shown), TEST_RUN(what_is_no_chain), TEST_RUN(what_is_asked_for))
