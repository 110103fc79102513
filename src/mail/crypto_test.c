/* SPDX-License-Identifier: Apache-2.0 */
/* Against the real gpg and gpgsm: what ronda-crypto makes is read by a plain gpg with keys of its own
 * and by openssl, and the other way round. */
#include "mail/crypto.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/test.h"
#include "base/test_dir.h"

struct world {
	struct test_dir d;
	struct starter *starter;
	struct log *log;
	struct calls *crypto;
	struct arena *a;
	char home[512], other[512];
	struct err err;
};

static struct world world_open(void)
{
	struct world w = { .d = test_dir_new(), .a = arena_new(KIB(16)) };
	test_dir_in(&w.d, w.home, "gnupg");
	test_dir_in(&w.d, w.other, "o");
	const struct calls_options o = { .helper = "crypto", .most = 1, .question_bytes = MIB(64),
					 .answer_bytes = MIB(64), .limit_ms = 30000, .always = w.home };
	CHECK_RC(starter_new(&w.starter, &w.err), RC_OK, w.err);
	w.log = log_new(LOG_LEVEL_ERROR);
	w.crypto = calls_new(w.starter, w.log, &o);
	CHECK(mkdir(w.other, 0700) == 0);
	return w;
}

/* A shell line in the test's directory, `G` standing for gpg with the other's keys; its output. */
static str shell(struct world *w, const char *line, int *code_out)
{
	char command[4096], text[32768];
	snprintf(command, sizeof command,
		 "cd %s && G='gpg --batch -q --no-tty --homedir %s --trust-model always' && (%s) 2>&1", w->d.path, w->other,
		 line);
	char said[512];
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		int fd = open(test_dir_in(&w->d, said, "said"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
		char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, command, NULL };
		if (fd >= 0 && dup2(fd, 1) >= 0 && dup2(fd, 2) >= 0)
			execv("/bin/sh", argv);
		_exit(127);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	*code_out = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	FILE *f = fopen(test_dir_in(&w->d, said, "said"), "r");
	size_t n = f ? fread(text, 1, sizeof text, f) : 0;
	if (f)
		fclose(f);
	return arena_str(w->a, str_mem(text, n));
}

static bool does(struct world *w, const char *line)
{
	int code;
	str said = shell(w, line, &code);
	if (code != 0)
		printf("# %s: " STR_FMT "\n", line, STR_ARG(said));
	return code == 0;
}

static void world_close(struct world *w)
{
	int code;
	(void)shell(w, "gpgconf --homedir $PWD/o --kill all", &code);
	calls_free(w->crypto);
	starter_free(w->starter);
	log_free(w->log);
	arena_free(w->a);
	test_dir_end(&w->d);
}

static void write_file(struct world *w, const char *name, str bytes)
{
	char path[512];
	FILE *f = fopen(test_dir_in(&w->d, path, name), "w");
	CHECK(f && fwrite(bytes.p, 1, bytes.n, f) == bytes.n);
	if (f)
		fclose(f);
}

static str read_file(struct world *w, const char *name)
{
	char path[512];
	static char text[65536];
	FILE *f = fopen(test_dir_in(&w->d, path, name), "r");
	size_t n = f ? fread(text, 1, sizeof text, f) : 0;
	CHECK(f != NULL);
	if (f)
		fclose(f);
	return arena_str(w->a, str_mem(text, n));
}

static str generate(struct world *w)
{
	str key = STR("");
	CHECK_RC(crypto_generate(w->crypto, STR("CERT Example"), STR("cert@example.org"), clock_now_us() + 400 * DAY_US,
				 w->a, &key, &w->err), RC_OK, w->err);
	return key;
}

/* A key of somebody else, made by a plain gpg; here it is public only. */
static str import_other(struct world *w, const char *name, const char *more)
{
	struct crypto_key *keys = NULL;
	size_t count = 0;
	char line[1024];
	snprintf(line, sizeof line, "$G --passphrase '' --quick-gen-key '%s <%s@example.net>' %s && "
		 "$G --export --armor %s@example.net > %s.asc", name, name, more, name, name);
	CHECK(does(w, line));
	snprintf(line, sizeof line, "%s.asc", name);
	CHECK_RC(crypto_import(w->crypto, CRYPTO_OPENPGP, read_file(w, line), STR(""), w->a, &keys, &count, &w->err), RC_OK,
		 w->err);
	CHECK_INT(count, 1);
	return count ? keys[0].fingerprint : STR("");
}

static const str entity = STR_INIT("Content-Type: text/plain; charset=utf-8\r\n\r\nHalo.\r\n");

TEST(a_key_is_made_listed_exported_deleted)
{
	struct world w = world_open();
	struct crypto_key *keys = NULL;
	size_t count = 0;
	str fpr = generate(&w), text = STR("");
	CHECK_INT(fpr.n, 40);
	const str asked[] = { STR(""), fpr, STR("cert@example.org") };
	for (size_t i = 0; i < COUNT_OF(asked); i++) {
		CHECK_RC(crypto_list(w.crypto, CRYPTO_OPENPGP, asked[i], w.a, &keys, &count, &w.err), RC_OK, w.err);
		CHECK_INT(count, 1);
		CHECK_STR(keys[0].fingerprint, fpr);
		CHECK_STR(keys[0].addresses, STR("cert@example.org"));
		CHECK_STR(keys[0].words, STR(""));
		CHECK(keys[0].can_sign && keys[0].can_encrypt && keys[0].has_secret);
		CHECK(keys[0].expires_us > clock_now_us() + 399 * DAY_US);
	}
	CHECK_RC(crypto_list(w.crypto, CRYPTO_OPENPGP, STR("ert@example.org"), w.a, &keys, &count, &w.err), RC_OK, w.err);
	CHECK_INT(count, 0);
	CHECK_INT(crypto_list(w.crypto, CRYPTO_OPENPGP, STR("--options=/etc/passwd"), w.a, &keys, &count, &w.err), RC_INPUT);
	CHECK_RC(crypto_export(w.crypto, CRYPTO_OPENPGP, fpr, w.a, &text, &w.err), RC_OK, w.err);
	CHECK(str_starts(text, STR("-----BEGIN PGP PUBLIC KEY BLOCK-----")));
	CHECK(str_find(text, STR("PRIVATE")) == text.n);
	CHECK_RC(crypto_delete(w.crypto, CRYPTO_OPENPGP, fpr, &w.err), RC_OK, w.err);
	CHECK_INT(crypto_delete(w.crypto, CRYPTO_OPENPGP, fpr, &w.err), RC_ABSENT);
	CHECK_INT(crypto_export(w.crypto, CRYPTO_OPENPGP, fpr, w.a, &text, &w.err), RC_ABSENT);
	world_close(&w);
}

TEST(a_signature_verifies_with_plain_gpg)
{
	struct world w = world_open();
	str fpr = generate(&w), sig = STR(""), micalg = STR(""), key = STR("");
	CHECK_RC(crypto_signature(w.crypto, CRYPTO_OPENPGP, fpr, entity, w.a, &sig, &micalg, &w.err), RC_OK, w.err);
	CHECK(str_starts(micalg, STR("pgp-sha")));
	CHECK_RC(crypto_export(w.crypto, CRYPTO_OPENPGP, fpr, w.a, &key, &w.err), RC_OK, w.err);
	write_file(&w, "entity", entity);
	write_file(&w, "sig", sig);
	write_file(&w, "key", key);
	CHECK(does(&w, "$G --import key && $G --verify sig entity"));
	CHECK(does(&w, "echo more >> entity; ! $G --verify sig entity"));
	CHECK_INT(crypto_signature(w.crypto, CRYPTO_OPENPGP, STR("0000000000000000000000000000000000000000"), entity, w.a, &sig,
			      &micalg, &w.err), RC_ABSENT);
	world_close(&w);
}

TEST(what_is_encrypted_is_for_them_alone)
{
	struct world w = world_open();
	str own = generate(&w), sealed = STR("");
	str a = import_other(&w, "ani", "future-default default 1y"), b = import_other(&w, "budi", "future-default default 1y");
	str keys = arena_fmt(w.a, STR_FMT " " STR_FMT, STR_ARG(a), STR_ARG(b)), pub = STR("");
	CHECK_RC(crypto_encrypt(w.crypto, CRYPTO_OPENPGP, keys, own, entity, w.a, &sealed, &w.err), RC_OK, w.err);
	CHECK(str_starts(sealed, STR("-----BEGIN PGP MESSAGE-----")));
	CHECK(str_find(sealed, STR("Halo")) == sealed.n);
	CHECK_RC(crypto_export(w.crypto, CRYPTO_OPENPGP, own, w.a, &pub, &w.err), RC_OK, w.err);
	write_file(&w, "sealed", sealed);
	write_file(&w, "pub", pub);
	write_file(&w, "entity", entity);
	CHECK(does(&w, "$G --import pub && $G -d -o plain sealed && cmp plain entity"));
	CHECK(does(&w, "$G --status-fd 1 -d -o /dev/null --yes sealed | grep -q GOODSIG"));
	/* It was not encrypted to us. */
	struct crypto_opened o = { 0 };
	CHECK(crypto_open(w.crypto, CRYPTO_OPENPGP, sealed, STR(""), w.a, &o, &w.err) != RC_OK);
	world_close(&w);
}

/* All of them, or nobody. */
TEST(keys_that_may_not_be_used_are_refused_in_words)
{
	struct world w = world_open();
	str good = import_other(&w, "ani", "future-default default 1y");
	str signs_only = import_other(&w, "cici", "ed25519 sign 1y"), out = STR("");
	str dead = import_other(&w, "dedi", "future-default default seconds=2");
	CHECK(does(&w, "F=$($G --list-keys --with-colons ani@example.net | awk -F: '/^fpr/{print $10; exit}'); "
		       "sed 's/^:---/---/' o/openpgp-revocs.d/$F.rev > rev; $G --import rev; "
		       "$G --export --armor ani@example.net > ani.asc; sleep 3"));
	struct { str keys; const char *words; } rows[] = {
		{ STR(""), "no key" },
		{ STR("0000000000000000000000000000000000000000"), "there is no key" },
		{ signs_only, "not for encrypting" },
		{ dead, "expired" },
		{ arena_fmt(w.a, STR_FMT " " STR_FMT, STR_ARG(good), STR_ARG(dead)), "expired" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CHECK_INT(crypto_encrypt(w.crypto, CRYPTO_OPENPGP, rows[i].keys, STR(""), entity, w.a, &out, &w.err),
			  RC_ABSENT);
		CHECK(strstr(w.err.text, rows[i].words) != NULL);
		CHECK_INT(out.n, 0);
	}
	CHECK_RC(crypto_encrypt(w.crypto, CRYPTO_OPENPGP, good, STR(""), entity, w.a, &out, &w.err), RC_OK, w.err);
	struct crypto_key *keys = NULL;
	size_t count = 0;
	CHECK_RC(crypto_import(w.crypto, CRYPTO_OPENPGP, read_file(&w, "ani.asc"), STR(""), w.a, &keys, &count, &w.err), RC_OK, w.err);
	CHECK(count == 1 && str_eq(keys[0].words, STR("revoked")) && !keys[0].can_encrypt);
	CHECK_INT(crypto_encrypt(w.crypto, CRYPTO_OPENPGP, good, STR(""), entity, w.a, &out, &w.err), RC_ABSENT);
	CHECK(strstr(w.err.text, "revoked") != NULL);
	CHECK_INT(crypto_import(w.crypto, CRYPTO_OPENPGP, STR("no key at all"), STR(""), w.a, &keys, &count, &w.err), RC_INPUT);
	world_close(&w);
}

TEST(what_comes_in_is_opened_and_judged)
{
	struct world w = world_open();
	str own = generate(&w), pub = STR("");
	str ani = import_other(&w, "ani", "future-default default 1y");
	CHECK_RC(crypto_export(w.crypto, CRYPTO_OPENPGP, own, w.a, &pub, &w.err), RC_OK, w.err);
	write_file(&w, "pub", pub);
	write_file(&w, "entity", entity);
	CHECK(does(&w, "$G --import pub && $G --armor -u ani@example.net -r cert@example.org -se -o both entity && "
		       "$G --armor -u ani@example.net -r cert@example.org -e -o hidden entity && "
		       "$G --armor -u ani@example.net -b -o sig entity && "
		       "$G --passphrase '' --quick-gen-key 'eka <eka@example.net>' future-default default 1y && "
		       "$G --armor -u eka@example.net -b -o unknown entity && $G --armor -u ani@example.net -s -o inside entity"));
	str damaged = read_file(&w, "both");
	((char *)damaged.p)[damaged.n / 2] ^= 1;
	const struct {
		const char *file, *sig;
		bool encrypted;
		enum crypto_verdict verdict;
	} rows[] = {
		{ "both", NULL, true, CRYPTO_GOOD },	  { "hidden", NULL, true, CRYPTO_UNSIGNED },
		{ "entity", "sig", false, CRYPTO_GOOD },  { "entity", "unknown", false, CRYPTO_UNKNOWN_KEY },
		{ "both", "sig", false, CRYPTO_BAD },	  { "entity", "both", false, CRYPTO_BAD },
		{ "inside", NULL, false, CRYPTO_GOOD },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct crypto_opened o = { 0 };
		CHECK_RC(crypto_open(w.crypto, CRYPTO_OPENPGP, read_file(&w, rows[i].file),
				     rows[i].sig ? read_file(&w, rows[i].sig) : STR(""), w.a, &o, &w.err), RC_OK, w.err);
		if (!rows[i].sig)
			CHECK_STR(o.bytes, entity);
		CHECK_INT(o.was_encrypted, rows[i].encrypted);
		CHECK_INT(o.verdict, rows[i].verdict);
		if (o.verdict == CRYPTO_GOOD) {
			CHECK_STR(o.fingerprint, ani);
			CHECK_STR(o.signer, STR("ani <ani@example.net>"));
			CHECK(o.signed_us > 0);
		}
	}
	struct crypto_opened o = { 0 };
	CHECK(crypto_open(w.crypto, CRYPTO_OPENPGP, damaged, STR(""), w.a, &o, &w.err) != RC_OK);
	CHECK(crypto_open(w.crypto, CRYPTO_OPENPGP, STR("nothing"), STR(""), w.a, &o, &w.err) != RC_OK);
	world_close(&w);
}

/* --- S/MIME --- */

static const char *const make_certificates =
	"cat > ca.cnf <<X\n[req]\ndistinguished_name=d\nprompt=no\n[d]\nCN=Example CA\n[ca]\n"
	"basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
	"[ee]\nkeyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=emailProtection\n"
	"subjectAltName=email:$M\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nX\n";

/* A root and two people under it: cert (ours, with its private key) and ani. */
static bool certificates(struct world *w)
{
	char line[4096];
	snprintf(line, sizeof line, "%s%s", "M=x@example.org; ", make_certificates);
	if (!does(w, line) ||
	    !does(w, "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -config ca.cnf -extensions ca -set_serial 1"))
		return false;
	static const char *const people[] = { "cert@example.org", "ani@example.net" };
	for (size_t i = 0; i < COUNT_OF(people); i++) {
		snprintf(line, sizeof line, "M=%s; N=%c; %s openssl req -newkey rsa:2048 -nodes -keyout $N.key -out $N.csr "
			 "-subj /CN=$N -config ca.cnf && openssl x509 -req -in $N.csr -CA ca.pem -CAkey ca.key -days 20 "
			 "-set_serial 1%zu -extfile ca.cnf -extensions ee -out $N.pem && openssl pkcs12 -export -in $N.pem -inkey "
			 "$N.key -out $N.p12 -passout pass: -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1",
			 people[i], people[i][0], make_certificates, i);
		if (!does(w, line))
			return false;
	}
	return true;
}

/* gpgsm names its issuers behind it. */
static str import_smime_by(struct world *w, const char *file, str password)
{
	struct crypto_key *keys = NULL;
	size_t count = 0;
	CHECK_RC(crypto_import(w->crypto, CRYPTO_SMIME, read_file(w, file), password, w->a, &keys, &count, &w->err), RC_OK, w->err);
	CHECK(count >= 1);
	return count ? keys[0].fingerprint : STR("");
}

static str import_smime(struct world *w, const char *file)
{
	return import_smime_by(w, file, STR(""));
}

/* With a salt from which gpgsm derives a wrong key, whatever the certificate is: found by trying. */
static str with_salt(struct world *w, const char *name, const unsigned char *salt, int salt_n)
{
	const int pbe = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
	str cert_pem = read_file(w, "c.pem"), key_pem = read_file(w, "c.key");
	BIO *c = BIO_new_mem_buf(cert_pem.p, (int)cert_pem.n), *k = BIO_new_mem_buf(key_pem.p, (int)key_pem.n);
	X509 *cert = PEM_read_bio_X509(c, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(k, NULL, NULL, NULL);
	STACK_OF(PKCS12_SAFEBAG) *certs = NULL, *keys = NULL;
	STACK_OF(PKCS7) *safes = sk_PKCS7_new_null();
	CHECK(cert && key && PKCS12_add_cert(&certs, cert) && PKCS12_add_key(&keys, key, 0, 2048, pbe, ""));
	CHECK(sk_PKCS7_push(safes, PKCS12_pack_p7encdata(pbe, "", 0, (unsigned char *)(uintptr_t)salt, salt_n, 2048, certs)) > 0);
	CHECK(PKCS12_add_safe(&safes, keys, -1, 0, NULL) == 1);
	PKCS12 *all = PKCS12_add_safes(safes, 0);
	unsigned char *der = NULL;
	CHECK(PKCS12_set_mac(all, "", 0, NULL, 0, 2048, EVP_sha1()) == 1);
	int n = i2d_PKCS12(all, &der);
	str bytes = arena_str(w->a, str_mem(der, n > 0 ? (size_t)n : 0));
	write_file(w, name, bytes);
	OPENSSL_free(der);
	PKCS12_free(all);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	sk_PKCS12_SAFEBAG_pop_free(certs, PKCS12_SAFEBAG_free);
	sk_PKCS12_SAFEBAG_pop_free(keys, PKCS12_SAFEBAG_free);
	EVP_PKEY_free(key);
	X509_free(cert);
	BIO_free(c);
	BIO_free(k);
	return bytes;
}

TEST(a_salt_that_gpgsm_gets_wrong)
{
	static const unsigned char salt[8] = { 0, 0, 0, 0, 0, 0, 0, 198 };
	struct world w = world_open();
	CHECK(certificates(&w));
	(void)with_salt(&w, "s.p12", salt, sizeof salt);
	CHECK(does(&w, "openssl pkcs12 -in s.p12 -passin pass: -nodes -legacy -out /dev/null"));
	(void)import_smime(&w, "ca.pem");
	(void)import_smime(&w, "s.p12");
	world_close(&w);
}

/* As openssl 3 writes it (PBES2, AES-256), and as older programs do. */
TEST(a_certificate_with_a_password)
{
	static const struct { const char *what, *options; } rows[] = {
		{ "as of now", "" },
		{ "as before", "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct world w = world_open();
		struct crypto_key *keys = NULL;
		size_t count = 0;
		char line[512];
		int before = test_failures;
		CHECK(certificates(&w));
		(void)import_smime(&w, "ca.pem");
		snprintf(line, sizeof line, "openssl pkcs12 -export -in c.pem -inkey c.key -out s.p12 -passout 'pass:it is Näh' %s",
			 rows[i].options);
		CHECK(does(&w, line));
		CHECK_INT(crypto_import(w.crypto, CRYPTO_SMIME, read_file(&w, "s.p12"), STR("another"), w.a, &keys, &count,
					&w.err), RC_INPUT);
		CHECK_INT(crypto_import(w.crypto, CRYPTO_SMIME, read_file(&w, "ca.pem"), STR("any"), w.a, &keys, &count,
					&w.err), RC_INPUT);
		str own = import_smime_by(&w, "s.p12", STR("it is Näh")), sig = STR(""), micalg = STR("");
		write_file(&w, "entity", entity);
		CHECK_RC(crypto_signature(w.crypto, CRYPTO_SMIME, own, entity, w.a, &sig, &micalg, &w.err), RC_OK, w.err);
		write_file(&w, "sig", sig);
		CHECK(does(&w, "openssl cms -verify -binary -inform DER -in sig -content entity -CAfile ca.pem -out /dev/null"));
		if (test_failures > before)
			printf("# in: %s\n", rows[i].what);
		world_close(&w);
	}
}

TEST(smime_both_ways)
{
	struct world w = world_open();
	CHECK(certificates(&w));
	(void)import_smime(&w, "ca.pem");
	str own = import_smime(&w, "c.p12"), ani = import_smime(&w, "a.pem");
	str sig = STR(""), micalg = STR(""), sealed = STR("");
	write_file(&w, "entity", entity);
	CHECK_RC(crypto_signature(w.crypto, CRYPTO_SMIME, own, entity, w.a, &sig, &micalg, &w.err), RC_OK, w.err);
	CHECK_STR(micalg, STR("sha-256"));
	write_file(&w, "sig", sig);
	CHECK(does(&w, "openssl cms -verify -binary -inform DER -in sig -content entity -CAfile ca.pem -out /dev/null"));
	CHECK(does(&w, "echo x >> entity; ! openssl cms -verify -binary -inform DER -in sig -content entity -CAfile ca.pem -out /dev/null"));
	CHECK_RC(crypto_encrypt(w.crypto, CRYPTO_SMIME, ani, STR(""), entity, w.a, &sealed, &w.err), RC_OK, w.err);
	write_file(&w, "entity", entity);
	write_file(&w, "sealed", sealed);
	CHECK(does(&w, "openssl cms -decrypt -inform DER -in sealed -recip a.pem -inkey a.key -binary -out plain && cmp plain entity"));
	CHECK_RC(crypto_encrypt(w.crypto, CRYPTO_SMIME, ani, own, entity, w.a, &sealed, &w.err), RC_OK, w.err);
	write_file(&w, "sealed", sealed);
	CHECK(does(&w, "openssl cms -decrypt -inform DER -in sealed -recip a.pem -inkey a.key -binary -out inner && "
		       "openssl cms -verify -in inner -CAfile ca.pem -binary -out plain && cmp plain entity"));
	/* In. */
	CHECK(does(&w, "openssl cms -encrypt -binary -outform DER -aes256 -in entity -out tous c.pem && "
		       "openssl cms -sign -binary -outform DER -in entity -signer a.pem -inkey a.key -out theirs && "
		       "openssl cms -sign -binary -outform DER -nodetach -in entity -signer a.pem -inkey a.key -out whole && "
		       "openssl req -x509 -newkey rsa:2048 -nodes -keyout f.key -out f.pem -days 9 -subj /CN=a && "
		       "openssl cms -sign -binary -outform DER -in entity -signer f.pem -inkey f.key -out forged"));
	const struct {
		const char *file, *sig;
		bool encrypted;
		enum crypto_verdict verdict;
	} rows[] = {
		{ "tous", NULL, true, CRYPTO_UNSIGNED }, { "entity", "theirs", false, CRYPTO_GOOD },
		{ "whole", NULL, false, CRYPTO_GOOD },	 { "entity", "forged", false, CRYPTO_UNKNOWN_KEY },
		{ "plain.changed", "theirs", false, CRYPTO_BAD },
	};
	write_file(&w, "plain.changed", STR("something else"));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct crypto_opened o = { 0 };
		CHECK_RC(crypto_open(w.crypto, CRYPTO_SMIME, read_file(&w, rows[i].file),
				     rows[i].sig ? read_file(&w, rows[i].sig) : STR(""), w.a, &o, &w.err), RC_OK, w.err);
		if (!rows[i].sig)
			CHECK_STR(o.bytes, entity);
		CHECK_INT(o.was_encrypted, rows[i].encrypted);
		if ((int)o.verdict != (int)rows[i].verdict)
			printf("# row %zu: verdict %d\n", i, (int)o.verdict);
		CHECK_INT(o.verdict, rows[i].verdict);
	}
	world_close(&w);
}

/* --- the process --- */

static int count_processes(struct world *w, const char *what)
{
	char line[1024];
	int code;
	snprintf(line, sizeof line, "{ n=0; for p in /proc/[0-9]*; do tr '\\0' '\\n' < $p/environ | "
		 "grep -qx 'GNUPGHOME=%s' && grep -qa '%s' $p/cmdline && n=$((n+1)); done; } 2>/dev/null; echo $n", w->home, what);
	str said = str_trim_all(shell(w, line, &code));
	uint64_t n = 99;
	(void)str_to_u64(said, &n);
	return (int)n;
}

static pid_t pid_of(struct world *w, const char *what)
{
	char line[1024];
	int code;
	snprintf(line, sizeof line, "for p in /proc/[0-9]*; do tr '\\0' '\\n' < $p/environ | grep -qx 'GNUPGHOME=%s' && "
		 "grep -qa '%s' $p/cmdline && echo ${p#/proc/}; done 2>/dev/null", w->home, what);
	uint64_t pid = 0;
	(void)str_to_u64(str_trim_all(shell(w, line, &code)), &pid);
	return (pid_t)pid;
}

TEST(no_agent_is_left)
{
	struct world w = world_open();
	(void)generate(&w);
	CHECK_INT(count_processes(&w, "gpg-agent"), 1);
	CHECK(starter_is_above(w.starter, pid_of(&w, "gpg-agent"))); /* DIR/sock is shut to it */
	calls_free(w.crypto);
	w.crypto = NULL;
	for (int i = 0; i < 100 && count_processes(&w, "gpg") > 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	CHECK_INT(count_processes(&w, "gpg"), 0);
	world_close(&w);
}

TEST(the_home_is_ours_alone)
{
	struct world w = world_open();
	struct crypto_key *keys;
	size_t count;
	CHECK(mkdir(w.home, 0755) == 0 && chmod(w.home, 0755) == 0);
	CHECK_INT(crypto_list(w.crypto, CRYPTO_OPENPGP, STR(""), w.a, &keys, &count, &w.err), RC_DENIED);
	CHECK(chmod(w.home, 0700) == 0);
	CHECK_RC(crypto_list(w.crypto, CRYPTO_OPENPGP, STR(""), w.a, &keys, &count, &w.err), RC_OK, w.err);
	CHECK_INT(count, 0);
	world_close(&w);
}

TEST_MAIN(TEST_RUN(a_key_is_made_listed_exported_deleted), TEST_RUN(a_signature_verifies_with_plain_gpg),
	  TEST_RUN(what_is_encrypted_is_for_them_alone),
	  TEST_RUN(keys_that_may_not_be_used_are_refused_in_words), TEST_RUN(what_comes_in_is_opened_and_judged),
	  TEST_RUN(smime_both_ways), TEST_RUN(a_salt_that_gpgsm_gets_wrong), TEST_RUN(a_certificate_with_a_password), TEST_RUN(no_agent_is_left), TEST_RUN(the_home_is_ours_alone))
