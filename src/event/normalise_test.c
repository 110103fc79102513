/* SPDX-License-Identifier: Apache-2.0 */
#include "event/normalise.h"

#include "base/clock.h"
#include "base/test.h"

/* What field `name` becomes from `text`: its value as text, "(none)", "(bad)". */
static const struct {
	str name, text, want;
} texts[] = {
#define ROW(name, text, want) { STR_INIT(name), STR_INIT(text), STR_INIT(want) },
	/* no value */
	ROW("comment", "", "(none)")
	ROW("comment", " - ", "(none)")
	ROW("comment", "N/A", "(none)")
	ROW("comment", "n/a", "n/a")
	ROW("source.ip", "-", "(none)")
	/* text */
	ROW("comment", "  two words\r\n", "two words")
	ROW("malware.name", "Mirai.A", "mirai.a")
	ROW("source.geolocation.cc", "tl", "TL")
	ROW("source.geolocation.cc", "TLS", "(bad)")
	ROW("source.geolocation.cc", "T", "(bad)")
	ROW("source.geolocation.cc", "T\xc3\x84", "(bad)")
	ROW("feed.code", "caf\xc3\xa9", "caf\xc3\xa9")
	ROW("protocol.transport", "UDP", "udp")
	ROW("protocol.transport", "twelve-bytes", "(bad)")
	ROW("protocol.transport", "t c p", "(bad)")
	ROW("misp.event_uuid", "0D7E6C1A-0000-4000-8000-0123456789AB",
	    "0d7e6c1a-0000-4000-8000-0123456789ab")
	ROW("misp.event_uuid", "0d7e6c1a", "(bad)")
	ROW("event_hash", "abcdef", "ABCDEF")
	/* addresses */
	ROW("source.ip", "192.0.2.1", "192.0.2.1")
	ROW("source.ip", "192.0.2.1/32", "192.0.2.1")
	ROW("source.ip", "192.0.2.0/24", "(bad)")
	ROW("source.ip", "192.0.2.01", "(bad)")
	ROW("source.ip", "192.0.2.256", "(bad)")
	ROW("source.ip", "0.0.0.0", "(bad)")
	ROW("source.ip", "0", "(bad)")
	ROW("source.ip", "3221225985", "192.0.2.1")
	ROW("source.ip", "4294967296", "(bad)")
	ROW("source.ip", "2001:DB8:0::1", "2001:db8::1")
	ROW("source.ip", "2001:db8::1/128", "2001:db8::1")
	ROW("source.ip", "2001:db8::1/64", "(bad)")
	ROW("source.ip", "fe80::1%eth0", "fe80::1")
	ROW("source.ip", "192.0.2.1%eth0", "(bad)")
	ROW("source.ip", "example.org", "(bad)")
	/* networks */
	ROW("source.network", "192.0.2.77/24", "192.0.2.0/24")
	ROW("source.network", "192.0.2.77", "192.0.2.77/32")
	ROW("source.network", "2001:db8::7/32", "2001:db8::/32")
	ROW("source.network", "192.0.2.0/33", "(bad)")
	/* host names */
	ROW("source.fqdn", "WWW.Example.ORG", "www.example.org")
	ROW("source.fqdn", ".example.org.", "example.org")
	ROW("source.fqdn", "localhost", "localhost")
	ROW("source.fqdn", "_dmarc.example.org", "_dmarc.example.org")
	ROW("source.fqdn", "m\xc3\xbcller.example", "xn--mller-kva.example")
	ROW("source.fqdn", "M\xc3\x9cLLER.Example", "xn--mller-kva.example")
	ROW("source.fqdn", "xn--mller-kva.example", "xn--mller-kva.example")
	ROW("source.fqdn", "192.0.2.1", "(bad)")
	ROW("source.fqdn", "999.0.2.1", "(bad)")
	ROW("source.fqdn", "a..example.org", "(bad)")
	ROW("source.fqdn", "http://example.org", "(bad)")
	ROW("source.fqdn", "example.org:80", "(bad)")
	ROW("source.fqdn", "exa mple.org", "(bad)")
	ROW("source.fqdn", ".", "(bad)")
	ROW("source.fqdn", "caf\xe9.example", "(bad)")
	ROW("source.fqdn",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example")
	ROW("source.fqdn",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", "(bad)")
	/* URLs */
	ROW("source.url", "http://Example.org/A?b#c", "http://Example.org/A?b#c")
	ROW("source.url", "hxxp://example.org/", "http://example.org/")
	ROW("source.url", "hXXps://example.org/", "https://example.org/")
	ROW("source.url", "https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443/")
	ROW("source.url", "ftp://user:pass@example.org", "ftp://user:pass@example.org")
	ROW("source.url", "file:///etc/passwd", "file://localhost/etc/passwd")
	ROW("source.url", "http:///path", "(bad)")
	ROW("source.url", "http://", "(bad)")
	ROW("source.url", "http://user@/", "(bad)")
	ROW("source.url", "http://:80/", "(bad)")
	ROW("source.url", "http://example.org:x/", "(bad)")
	ROW("source.url", "http://[2001:db8::1/", "(bad)")
	ROW("source.url", "http://exa mple.org/", "(bad)")
	ROW("source.url", "http://example.org/a\nb", "(bad)")
	ROW("source.url", "example.org/path", "(bad)")
	ROW("source.url", "javascript:alert(1)", "(bad)")
	/* times */
	ROW("time.source", "2026-11-22T02:45:29+00:00", "2026-11-22T02:45:29+00:00")
	ROW("time.source", "2026-11-22 02:45:29", "2026-11-22T02:45:29+00:00")
	ROW("time.source", "2026-11-22T02:45:29+09:00", "2026-11-21T17:45:29+00:00")
	ROW("time.source", "2026-11-22", "2026-11-22T00:00:00+00:00")
	ROW("time.source", "1700000000", "2023-11-14T22:13:20+00:00")
	ROW("time.source", "1700000000.5", "2023-11-14T22:13:20.500000+00:00")
	ROW("time.source", "1700000000123", "2023-11-14T22:13:20.123000+00:00")
	ROW("time.source", "1969-12-31", "(bad)")
	ROW("time.source", "2261-12-31 23:59:59-01:00", "(bad)")
	ROW("time.source", "yesterday", "(bad)")
	ROW("time.source", "12", "(bad)")
	/* numbers */
	ROW("source.asn", "64500", "64500")
	ROW("source.asn", "AS64500", "64500")
	ROW("source.asn", "as 4294967295", "4294967295")
	ROW("source.asn", "0", "(bad)")
	ROW("source.asn", "4294967296", "(bad)")
	ROW("source.asn", "-1", "(bad)")
	ROW("source.port", "65535", "65535")
	ROW("source.port", "65536", "(bad)")
	ROW("source.port", "-1", "(bad)")
	ROW("source.port", "80/tcp", "(bad)")
	ROW("rtir_id", "-9223372036854775808", "-9223372036854775808")
	ROW("rtir_id", "9223372036854775808", "(bad)")
	ROW("source.geolocation.latitude", "-8.55", "-8.55")
	ROW("source.geolocation.latitude", "nan", "(bad)")
	ROW("source.geolocation.latitude", "1e999", "(bad)")
	ROW("feed.accuracy", "100", "100.0")
	ROW("feed.accuracy", "100.1", "(bad)")
	ROW("source.tor_node", "TRUE", "true")
	ROW("source.tor_node", "0", "false")
	ROW("source.tor_node", "maybe", "(bad)")
	/* lists */
	ROW("source.registry", "ripe-ncc", "RIPE")
	ROW("source.registry", "RIPENCC", "RIPE")
	ROW("source.registry", "apnic", "APNIC")
	ROW("source.registry", "nic", "(bad)")
	ROW("tlp", "TLP:WHITE", "CLEAR")
	ROW("tlp", "amber+strict", "AMBER+STRICT")
	ROW("tlp", "for friends", "RED")
	ROW("classification.type", "Botnet Drone", "infected-system")
	ROW("classification.type", "nonsense", "(bad)")
	ROW("classification.taxonomy", "Malicious Code", "malicious-code")
	ROW("classification.taxonomy", "nonsense", "(bad)")
	ROW("severity", "HIGH", "high")
	ROW("severity", "worse", "(bad)")
	ROW("output", "{\"a\": [1]}", "{\"a\": [1]}")
	ROW("output", "{\"a\": [1}", "(bad)")
	ROW("raw", "aGVsbG8=", "aGVsbG8=")
	ROW("raw", "aGVsbG8", "(bad)")
	ROW("raw", "a=Vsb==", "(bad)")
	/* names */
	ROW("extra.tag", "  x ", "x")
	ROW("unheard of", "x", "x")
	ROW("extra.tag", "-", "(none)")
	/* ours: an extra field, never the field itself */
	ROW("ronda.concerns", "1 2 x", "1 2 x")
	ROW("ronda.time_assumed", "true", "true")
#undef ROW
};

static void become(struct batch *b, str name, str text, struct buf *out)
{
	struct err err = { 0 };
	buf_reset(out);
	batch_reset(b);
	batch_row_begin(b, 1, 0, 0, 1);
	enum rc rc = event_set_named(b, name, text, &err);
	if (rc != RC_OK) {
		CHECK_INT(rc, RC_INPUT);
		CHECK(err.text[0]);
		batch_row_cancel(b);
	} else {
		rc = batch_row_end(b, &err);
	}
	if (rc != RC_OK)
		buf_add(out, STR("(bad)"));
	else if (b->row[0].cells == 0)
		buf_add(out, STR("(none)"));
	else
		cell_format(b, b->cell, out);
}

TEST(values)
{
	struct batch *b = batch_new();
	struct buf got = BUF_INIT(KIB(4));
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		become(b, texts[i].name, texts[i].text, &got);
		CHECK_MSG(str_eq(buf_str(&got), texts[i].want), "%s '%s': '%s', want '%s'",
			  texts[i].name.p, texts[i].text.p, got.p, texts[i].want.p);
	}
	buf_free(&got);
	batch_free(b);
}

/* What a sender states under one of our names never is our field. */
TEST(our_fields_stay_ours)
{
	struct batch *b = batch_new();
	struct err err;
	batch_row_begin(b, 1, 0, 0, 1);
	CHECK_RC(event_set_named(b, STR("ronda.concerns"), STR("x"), &err), RC_OK, err);
	CHECK_RC(event_set(b, FIELD_RONDA_CONCERNS, STR("x"), &err), RC_INPUT, err);
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	CHECK(!batch_find(b, &b->row[0], FIELD_RONDA_CONCERNS));
	CHECK(batch_find_extra(b, &b->row[0], STR("ronda.concerns")));
	batch_free(b);
}

/* What is taken is stable: taking the stored form again gives the same. */
TEST(twice_is_once)
{
	struct batch *b = batch_new();
	struct buf first = BUF_INIT(KIB(4)), second = BUF_INIT(KIB(4));
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		become(b, texts[i].name, texts[i].text, &first);
		if (str_eq(texts[i].want, STR("(bad)")) || str_eq(texts[i].want, STR("(none)")))
			continue;
		become(b, texts[i].name, buf_str(&first), &second);
		CHECK_STR(buf_str(&second), buf_str(&first));
	}
	buf_free(&first);
	buf_free(&second);
	batch_free(b);
}

TEST(classes_are_completed)
{
	static const struct {
		const char *type, *taxonomy;
		str want_type, want_taxonomy;
	} rows[] = {
		{ NULL, NULL, STR_INIT("undetermined"), STR_INIT("other") },
		{ "phishing", NULL, STR_INIT("phishing"), STR_INIT("fraud") },
		{ "phishing", "other", STR_INIT("phishing"), STR_INIT("other") },
		{ NULL, "vulnerable", STR_INIT(""), STR_INIT("vulnerable") },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct batch *b = batch_new();
		struct err err;
		batch_row_begin(b, 1, 0, 0, 1);
		CHECK_RC(event_set(b, FIELD_CLASSIFICATION_TYPE, str_of(rows[i].type), &err), RC_OK,
			 err);
		CHECK_RC(event_set(b, FIELD_CLASSIFICATION_TAXONOMY, str_of(rows[i].taxonomy), &err),
			 RC_OK, err);
		event_complete_class(b);
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
		const struct cell *type = batch_find(b, b->row, FIELD_CLASSIFICATION_TYPE);
		const struct cell *taxonomy = batch_find(b, b->row, FIELD_CLASSIFICATION_TAXONOMY);
		CHECK_STR(type ? cell_text(b, type) : STR_NONE, rows[i].want_type);
		CHECK_STR(taxonomy ? cell_text(b, taxonomy) : STR_NONE, rows[i].want_taxonomy);
		batch_free(b);
	}
}

TEST(hosts_of_urls)
{
	static const struct {
		str url, host;
	} rows[] = {
		{ STR_INIT("http://example.org"), STR_INIT("example.org") },
		{ STR_INIT("http://example.org:80/a@b"), STR_INIT("example.org") },
		{ STR_INIT("http://a@b@example.org?x"), STR_INIT("example.org") },
		{ STR_INIT("https://[2001:db8::1]/"), STR_INIT("2001:db8::1") },
		{ STR_INIT("https://192.0.2.1#x"), STR_INIT("192.0.2.1") },
		{ STR_INIT("mailto:someone@example.org"), STR_INIT("") },
		{ STR_INIT("://example.org"), STR_INIT("") },
		{ STR_INIT(""), STR_INIT("") },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str host = STR_NONE;
		CHECK_INT(url_host(rows[i].url, &host), rows[i].host.n > 0);
		CHECK_STR(host, rows[i].host);
	}
}

TEST(names_and_urls_into_an_arena)
{
	struct arena *a = arena_new(KIB(1));
	str out = STR_NONE;
	CHECK(fqdn_normalise(STR(" Example.ORG. "), a, &out));
	CHECK_STR(out, STR("example.org"));
	CHECK(url_normalise(STR(" hxxps://example.org/x "), a, &out));
	CHECK_STR(out, STR("https://example.org/x"));
	CHECK(url_normalise(STR("FILE:///tmp/x"), a, &out));
	CHECK_STR(out, STR("file://localhost/tmp/x"));
	CHECK(!fqdn_normalise(STR("a/b"), a, &out));
	CHECK(!url_normalise(STR("nothing"), a, &out));
	arena_free(a);
}

/* Thirty fields as a scan report has them; printed, so that a slow change shows. */
TEST(speed)
{
	static const str line[][2] = {
		{ STR_INIT("time.source"), STR_INIT("2026-11-22 02:45:29") },
		{ STR_INIT("source.ip"), STR_INIT("192.0.2.133") },
		{ STR_INIT("protocol.transport"), STR_INIT("tcp") },
		{ STR_INIT("source.port"), STR_INIT("8443") },
		{ STR_INIT("source.reverse_dns"), STR_INIT("host-133.customers.example.org") },
		{ STR_INIT("extra.tag"), STR_INIT("http,iot") },
		{ STR_INIT("source.asn"), STR_INIT("64500") },
		{ STR_INIT("source.geolocation.cc"), STR_INIT("TL") },
		{ STR_INIT("source.geolocation.region"), STR_INIT("Dili") },
		{ STR_INIT("source.geolocation.city"), STR_INIT("Dili") },
		{ STR_INIT("extra.source.naics"), STR_INIT("517311") },
		{ STR_INIT("extra.hostname_source"), STR_INIT("ptr") },
		{ STR_INIT("extra.http"), STR_INIT("HTTP/1.1") },
		{ STR_INIT("extra.http_code"), STR_INIT("200") },
		{ STR_INIT("extra.http_reason"), STR_INIT("OK") },
		{ STR_INIT("extra.content_type"), STR_INIT("text/html; charset=utf-8") },
		{ STR_INIT("extra.server"), STR_INIT("nginx/1.18.0 (Ubuntu)") },
		{ STR_INIT("extra.date"), STR_INIT("Sun, 22 Nov 2026 02:45:29 GMT") },
		{ STR_INIT("extra.content_length"), STR_INIT("10671") },
		{ STR_INIT("extra.connection"), STR_INIT("keep-alive") },
		{ STR_INIT("extra.transfer_encoding"), STR_INIT("chunked") },
		{ STR_INIT("extra.set_cookie"), STR_INIT("session=0123456789abcdef; path=/") },
		{ STR_INIT("extra.source.sector"), STR_INIT("Communications") },
		{ STR_INIT("extra.www_authenticate"), STR_INIT("") },
		{ STR_INIT("severity"), STR_INIT("medium") },
		{ STR_INIT("classification.type"), STR_INIT("vulnerable-system") },
		{ STR_INIT("classification.identifier"), STR_INIT("accessible-http") },
		{ STR_INIT("product.vendor"), STR_INIT("nginx") },
		{ STR_INIT("product.version"), STR_INIT("1.18.0") },
		{ STR_INIT("source.url"), STR_INIT("https://192.0.2.133:8443/") },
	};
	enum field field[COUNT_OF(line)];
	str key[COUNT_OF(line)];
	for (size_t i = 0; i < COUNT_OF(line); i++) {
		field[i] = FIELD_EXTRA;
		key[i] = str_from(line[i][0], 6);
		field_find(line[i][0], &field[i]);
	}
	struct batch *b = batch_new();
	struct err err;
	uint64_t events = 0;
	int64_t start = clock_mono_us(), spent = 0;
	while (spent < SECOND_US / 4) {
		for (uint64_t n = 1; !batch_full(b); n++, events++) {
			batch_row_begin(b, n, n, 0, 1);
			for (size_t i = 0; i < COUNT_OF(line); i++) {
				if (field[i] != FIELD_EXTRA)
					CHECK(event_set(b, field[i], line[i][1], &err) == RC_OK);
				else if (line[i][1].n)
					batch_set_text(b, FIELD_EXTRA, key[i], line[i][1]);
			}
			event_complete_class(b);
			CHECK(batch_row_end(b, &err) == RC_OK);
		}
		batch_reset(b);
		spent = clock_mono_us() - start;
	}
	printf("# %.2f us for an event of %zu fields\n", (double)spent / (double)events,
	       COUNT_OF(line));
	batch_free(b);
}

TEST_MAIN(TEST_RUN(values), TEST_RUN(our_fields_stay_ours), TEST_RUN(twice_is_once),
	  TEST_RUN(classes_are_completed), TEST_RUN(hosts_of_urls),
	  TEST_RUN(names_and_urls_into_an_arena), TEST_RUN(speed))
