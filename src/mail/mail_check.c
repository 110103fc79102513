/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_check.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "mail/letter.h"
#include "mail/mail_private.h"
#include "mail/spf.h"

enum { ASK_MS = 5000, ADDRESSES_MAX = 16, RSA_LEAST = 1024, RSA_GOOD = 2048 };

struct checking {
	const struct settings *s;
	struct smtp *m;
	struct dns_ask ask;
	struct arena *a;
	struct mail_checks *out;
	str domain;               /* of mail_from */
	struct ip ips[ADDRESSES_MAX];
	size_t ip_count;
};

const char *mail_verdict_name(enum mail_verdict v)
{
	static const char *const names[] = { "good", "weak", "bad", "unknown" };
	return names[v];
}

static void say(struct checking *k, const char *what, str of, enum mail_verdict verdict, str words)
{
	if (k->out->count < MAIL_CHECKS_MAX)
		k->out->list[k->out->count++] = (struct mail_checked){ what, of, verdict, words };
}

/* --- the domain --- */

static void check_mx(struct checking *k)
{
	struct dns_mx *list;
	struct ip ips[DNS_ADDRESSES_MOST];
	size_t count = 0, n = 0, led = 0;
	struct err err = { 0 };
	const char *domain = arena_z(k->a, k->domain);
	enum rc rc = dns_mx(&k->ask, domain, k->a, &list, &count, &err);
	if (rc == RC_ABSENT && spf_addresses(&k->ask, k->domain, k->a, ips, &n) == RC_OK) {
		say(k, "MX", k->domain, MAIL_WEAK, STR("no MX record: answers go to the domain's own address"));
		return;
	}
	if (rc != RC_OK) {
		say(k, "MX", k->domain, rc == RC_ABSENT ? MAIL_BAD : MAIL_UNKNOWN,
		    rc == RC_ABSENT ? STR("neither MX nor address: no answer can reach us, and many refuse such mail") :
				      arena_str(k->a, str_of(err.text)));
		return;
	}
	if (count == 1 && list[0].host.n == 0) {
		say(k, "MX", k->domain, MAIL_BAD, STR("a null MX: the domain says that it takes no mail"));
		return;
	}
	for (size_t i = 0; i < count; i++)
		led += list[i].host.n && spf_addresses(&k->ask, list[i].host, k->a, ips, &n) == RC_OK;
	say(k, "MX", k->domain, led == count ? MAIL_GOOD : led ? MAIL_WEAK : MAIL_BAD,
	    arena_fmt(k->a, "%zu of %zu hosts have an address, the first is '" STR_FMT "'", led, count, STR_ARG(list[0].host)));
}

/* The value of a tag of "v=DKIM1; k=rsa; p=…" (RFC 6376, section 3.2); "" when it is not there. */
static str tag_of(str record, str name)
{
	while (record.n > 0) {
		str value = str_cut(&record, ';'), key = str_trim(str_cut(&value, '='));
		if (str_eq(key, name))
			return str_trim(value);
	}
	return STR("");
}

/* The record of a name that begins so. */
static enum rc find_tagged(struct checking *k, str name, const char *begins, str *out, struct err *err)
{
	str *list;
	size_t count = 0;
	enum rc rc = dns_txt(&k->ask, arena_z(k->a, name), k->a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (str_starts_nocase(list[i], str_of(begins))) {
			*out = list[i];
			return RC_OK;
		}
	return rc == RC_OK ? RC_ABSENT : rc;
}

static void check_dmarc(struct checking *k)
{
	struct err err = { 0 };
	str record = STR(""), domain = k->domain;
	enum rc rc = find_tagged(k, arena_fmt(k->a, "_dmarc." STR_FMT, STR_ARG(domain)), "v=DMARC1", &record, &err);
	/* Else the one above it speaks (section 6.6.3). */
	for (str above = domain; rc == RC_ABSENT && str_has(above, '.');) {
		(void)str_cut(&above, '.');
		if (!str_has(above, '.'))
			break;
		rc = find_tagged(k, arena_fmt(k->a, "_dmarc." STR_FMT, STR_ARG(above)), "v=DMARC1", &record, &err);
	}
	str policy = tag_of(record, STR("p")), reports = tag_of(record, STR("rua"));
	bool strict = str_eq_nocase(policy, STR("reject")) || str_eq_nocase(policy, STR("quarantine"));
	if (rc != RC_OK)
		say(k, "DMARC", k->domain, rc == RC_ABSENT ? MAIL_WEAK : MAIL_UNKNOWN,
		    rc == RC_ABSENT ? STR("no record: anybody may write in our name, and large mailboxes refuse bulk mail without one") :
				      arena_str(k->a, str_of(err.text)));
	else if (!strict && !str_eq_nocase(policy, STR("none")))
		say(k, "DMARC", k->domain, MAIL_BAD, STR("its p= is none of none, quarantine, reject"));
	else
		say(k, "DMARC", k->domain, strict ? MAIL_GOOD : MAIL_WEAK,
		    arena_fmt(k->a, "p=" STR_FMT "%s%s", STR_ARG(policy),
			      strict ? "" : ": what fails is taken all the same",
			      reports.n ? "" : "; nobody gets reports (rua=)"));
}

/* Bits of an RSA key in base64 of its DER; 0: it is none. */
static int key_bits(str text)
{
	unsigned char der[2048];
	size_t n = 0;
	if (sodium_base642bin(der, sizeof der, text.p ? text.p : "", text.n, " \t", &n, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return 0;
	const unsigned char *at = der;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)n);
	int bits = key ? EVP_PKEY_bits(key) : 0;
	EVP_PKEY_free(key);
	return bits;
}

static void check_dkim_key(struct checking *k, str selector)
{
	struct err err = { 0 };
	str record = STR(""), name = arena_fmt(k->a, STR_FMT "._domainkey." STR_FMT, STR_ARG(selector), STR_ARG(k->domain));
	str *list;
	size_t count = 0;
	enum rc rc = dns_txt(&k->ask, name.p, k->a, &list, &count, &err);
	if (rc == RC_OK)
		record = list[0];
	str key = tag_of(record, STR("p")), kind = tag_of(record, STR("k")), version = tag_of(record, STR("v"));
	bool ed = str_eq(kind, STR("ed25519"));
	int bits = ed ? 0 : key_bits(key);
	if (rc != RC_OK)
		say(k, "DKIM", name, rc == RC_ABSENT ? MAIL_BAD : MAIL_UNKNOWN,
		    rc == RC_ABSENT ? STR("there is no key: what the relay signs by it verifies nowhere") :
				      arena_str(k->a, str_of(err.text)));
	else if (count > 1 || (version.n && !str_eq(version, STR("DKIM1"))))
		say(k, "DKIM", name, MAIL_BAD, count > 1 ? STR("more than one record") : STR("its v= is not DKIM1"));
	else if (key.n == 0)
		say(k, "DKIM", name, MAIL_BAD, STR("the key is revoked, or its p= is missing"));
	else if (ed)
		say(k, "DKIM", name, MAIL_WEAK, STR("an Ed25519 key (RFC 8463), which many cannot check: one of RSA beside it"));
	else if (bits < RSA_LEAST)
		say(k, "DKIM", name, MAIL_BAD, bits ? arena_fmt(k->a, "an RSA key of %d bits counts for nothing (RFC 8301)", bits) :
						      STR("its p= is no key"));
	else
		say(k, "DKIM", name, bits < RSA_GOOD ? MAIL_WEAK : MAIL_GOOD, arena_fmt(k->a, "an RSA key of %d bits", bits));
}

static void check_dkim(struct checking *k)
{
	str rest = settings_text(k->s, "mail_dkim_selectors");
	if (rest.n == 0)
		say(k, "DKIM", k->domain, MAIL_UNKNOWN, STR("setting mail_dkim_selectors is empty: by which keys do the relays sign?"));
	while (rest.n > 0) {
		str one = str_trim(str_cut(&rest, ','));
		if (one.n > 0 && one.n < 64 && str_is_plain(one) && !str_has(one, ' '))
			check_dkim_key(k, one);
	}
}

/* --- the addresses --- */

static void check_spf(struct checking *k, const struct ip *ip, str text)
{
	str words, name, bounce;
	str domain = letter_mailbox(settings_text(k->s, "mail_bounce"), &name, &bounce) ?
			     str_from(bounce, str_index(bounce, '@') + 1) : k->domain;
	enum spf_result is = spf_check(&k->ask, domain, ip, k->a, &words);
	enum mail_verdict v = is == SPF_PASS ? MAIL_GOOD : is == SPF_TEMPERROR ? MAIL_UNKNOWN :
			      is == SPF_NEUTRAL || is == SPF_NONE || is == SPF_SOFTFAIL ? MAIL_WEAK : MAIL_BAD;
	say(k, "SPF", text, v, arena_fmt(k->a, "%s for '" STR_FMT "', " STR_FMT, spf_result_name(is), STR_ARG(domain),
					 STR_ARG(words)));
}

/* A name, and that name's address is this one: many servers ask for it before they listen. */
static void check_ptr(struct checking *k, const struct ip *ip, str text)
{
	str *names;
	struct ip ips[DNS_ADDRESSES_MOST];
	size_t count = 0, n = 0;
	struct err err = { 0 };
	enum rc rc = dns_names(&k->ask, ip, k->a, &names, &count, &err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		if (names[i].n == 0 || spf_addresses(&k->ask, names[i], k->a, ips, &n) != RC_OK)
			continue;
		for (size_t j = 0; j < n; j++)
			if (ip_cmp(&ips[j], ip) == 0) {
				say(k, "PTR", text, MAIL_GOOD, arena_fmt(k->a, "'" STR_FMT "', and back", STR_ARG(names[i])));
				return;
			}
	}
	if (rc == RC_OK)
		say(k, "PTR", text, MAIL_BAD, arena_fmt(k->a, "'" STR_FMT "', which does not lead back to it", STR_ARG(names[0])));
	else
		say(k, "PTR", text, rc == RC_ABSENT ? MAIL_BAD : MAIL_UNKNOWN,
		    rc == RC_ABSENT ? STR("no name: many servers do not listen to such") : arena_str(k->a, str_of(err.text)));
}

static void add_address(struct checking *k, const struct ip *ip)
{
	bool known = false;
	for (size_t i = 0; i < k->ip_count; i++)
		known = known || ip_cmp(&k->ips[i], ip) == 0;
	if (!known && k->ip_count < ADDRESSES_MAX)
		k->ips[k->ip_count++] = *ip;
}

static enum rc named_addresses(struct checking *k, str list, struct err *err)
{
	while (list.n > 0) {
		struct ip ip;
		str one = str_trim(str_cut(&list, ','));
		if (one.n == 0)
			continue;
		if (!ip_parse(one, &ip))
			return fail(err, RC_INPUT, "mail_addresses: '" STR_FMT "' is no address", STR_ARG(one));
		add_address(k, &ip);
	}
	return RC_OK;
}

static void relay_addresses(struct checking *k, const char *host)
{
	struct ip ip, ips[DNS_ADDRESSES_MOST];
	size_t count = 0;
	str bare = str_of(host);
	if (str_starts(bare, STR("[")) && str_ends(bare, STR("]")))
		bare = str_mem(bare.p + 1, bare.n - 2);
	if (ip_parse(bare, &ip)) {
		add_address(k, &ip);
		return;
	}
	if (spf_addresses(&k->ask, str_of(host), k->a, ips, &count) == RC_OK)
		for (size_t i = 0; i < count; i++)
			add_address(k, &ips[i]);
}

static enum rc find_addresses(struct checking *k, struct err *err)
{
	struct relay relays[RELAYS_MAX] = { 0 };
	size_t count = 0;
	str named = settings_text(k->s, "mail_addresses");
	if (named.n > 0)
		return named_addresses(k, named, err);
	enum rc rc = relays_read(k->s, k->a, relays, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		relay_addresses(k, relays[i].host);
	return rc;
}

static bool is_loopback(const struct ip *ip)
{
	struct net four, six;
	return net_parse(STR("127.0.0.0/8"), true, &four) && net_parse(STR("::1/128"), true, &six) &&
	       (net_has(&four, ip) || net_has(&six, ip));
}

static void check_addresses(struct checking *k)
{
	size_t outside = 0;
	for (size_t i = 0; i < k->ip_count; i++) {
		char text[48];
		str of = arena_str(k->a, ip_str(text, &k->ips[i]));
		if (is_loopback(&k->ips[i]))
			continue;
		outside++;
		check_spf(k, &k->ips[i], of);
		check_ptr(k, &k->ips[i], of);
	}
	if (outside == 0)
		say(k, "SPF", k->domain, MAIL_UNKNOWN, STR("from which address does the mail leave? Name it in setting mail_addresses"));
}

/* --- the relays --- */

static void check_relays(struct checking *k)
{
	for (size_t i = 0;; i++) {
		str relay, words;
		struct err err = { 0 };
		enum rc rc = smtp_try(k->m, i, k->a, &relay, &words, &err);
		if (rc == RC_ABSENT)
			return;
		say(k, "relay", relay, rc == RC_OK ? MAIL_GOOD : MAIL_BAD,
		    rc == RC_OK ? arena_fmt(k->a, "lets us in: " STR_FMT, STR_ARG(words)) : arena_str(k->a, str_of(err.text)));
	}
}

enum rc mail_check(const struct settings *s, struct smtp *m, struct arena *a, struct mail_checks *out, struct err *err)
{
	struct checking k = { .s = s, .m = m, .a = a, .out = out,
			      .ask = { .server = arena_z(a, settings_text(s, "dns_server")), .timeout_ms = ASK_MS } };
	str name, from;
	out->count = 0;
	if (!letter_mailbox(settings_text(s, "mail_from"), &name, &from))
		return fail(err, RC_INPUT, "setting mail_from is no mail address");
	k.domain = str_from(from, str_index(from, '@') + 1);
	enum rc rc = find_addresses(&k, err);
	if (rc != RC_OK)
		return rc;
	check_mx(&k);
	check_addresses(&k);
	check_dkim(&k);
	check_dmarc(&k);
	check_relays(&k);
	if (smtp_lacks(m))
		say(&k, "relay", STR(""), MAIL_BAD, str_of(smtp_lacks(m)));
	return RC_OK;
}
