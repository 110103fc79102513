/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "intake/format_test.h"
#include "intake/range.h"

/* What the fields of a line become, beside classification; "" blank, "-" drop,
 * "!" and the reason when refused. */
static const struct {
	str line, want;
} items[] = {
#define IS(line, id, rest) { STR_INIT(line), STR_INIT("{\"" id "\"" rest "}") }
#define NO(line, what) { STR_INIT(line), STR_INIT(what) }
	IS("192.0.2.1", "ip", ",\"source.ip\":\"192.0.2.1\""),
	IS("  192.0.2.1\t\r", "ip", ",\"source.ip\":\"192.0.2.1\""),
	IS("192.0.2.1/32", "ip", ",\"source.ip\":\"192.0.2.1\""),
	IS("2001:db8::1", "ip", ",\"source.ip\":\"2001:db8::1\""),
	IS("192.0.2.77/24", "network", ",\"source.network\":\"192.0.2.0/24\""),
	IS("2001:db8::/32", "network", ",\"source.network\":\"2001:db8::/32\""),
	IS("192.0.2.1:8080", "ip", ",\"source.ip\":\"192.0.2.1\",\"source.port\":8080"),
	IS("[2001:db8::1]:443", "ip", ",\"source.ip\":\"2001:db8::1\",\"source.port\":443"),
	IS("[2001:db8::1]", "ip", ",\"source.ip\":\"2001:db8::1\""),
	IS("192.0.2.1\t10", "ip", ",\"source.ip\":\"192.0.2.1\",\"extra.count\":10"),
	IS("192.0.2.1, 7", "ip", ",\"source.ip\":\"192.0.2.1\",\"extra.count\":7"),
	IS("192.0.2.0/24 ; SBL1", "network",
	   ",\"event_description.text\":\"SBL1\",\"source.network\":\"192.0.2.0/24\""),
	IS("192.0.2.1 # seen: twice", "ip",
	   ",\"event_description.text\":\"seen: twice\",\"source.ip\":\"192.0.2.1\""),
	IS("192.0.2.1 // x", "ip",
	   ",\"event_description.text\":\"x\",\"source.ip\":\"192.0.2.1\""),
	IS("192[.]0[.]2[.]1", "ip", ",\"source.ip\":\"192.0.2.1\""),
	IS("Example.ORG", "domain", ",\"source.fqdn\":\"example.org\""),
	IS("*.example.org", "domain", ",\"source.fqdn\":\"example.org\""),
	IS("||example.org^", "domain", ",\"source.fqdn\":\"example.org\""),
	IS(".example.org", "domain", ",\"source.fqdn\":\"example.org\""),
	IS("a_b.example.org.", "domain", ",\"source.fqdn\":\"a_b.example.org\""),
	IS("m\xc3\xbcller.example", "domain", ",\"source.fqdn\":\"xn--mller-kva.example\""),
	IS("example.org:8443", "domain", ",\"source.fqdn\":\"example.org\",\"source.port\":8443"),
	IS("example.org/path/x.php", "domain",
	   ",\"source.fqdn\":\"example.org\",\"source.urlpath\":\"/path/x.php\""),
	IS("192.0.2.1/x.sh", "ip", ",\"source.ip\":\"192.0.2.1\",\"source.urlpath\":\"/x.sh\""),
	IS("192.0.2.1:81/x.sh", "ip",
	   ",\"source.ip\":\"192.0.2.1\",\"source.port\":81,\"source.urlpath\":\"/x.sh\""),
	IS("example.org/", "domain", ",\"source.fqdn\":\"example.org\""),
	IS("http://example.org/a#b", "url",
	   ",\"source.fqdn\":\"example.org\",\"source.url\":\"http://example.org/a#b\""),
	IS("hxxp://192.0.2.1:81/", "url",
	   ",\"source.ip\":\"192.0.2.1\",\"source.url\":\"http://192.0.2.1:81/\""),
	IS("http://www..example.com/x", "url", ",\"source.url\":\"http://www..example.com/x\""),
	IS("AS64500", "asn", ",\"source.asn\":64500"),
	IS("0.0.0.0 ads.example.org", "domain", ",\"source.fqdn\":\"ads.example.org\""),
	IS("127.0.0.1\tads.example.org # x", "domain",
	   ",\"event_description.text\":\"x\",\"source.fqdn\":\"ads.example.org\""),
	IS("192.0.2.8 - 192.0.2.15", "network", ",\"source.network\":\"192.0.2.8/29\""),
	IS("192.0.2.8-192.0.2.8", "ip", ",\"source.ip\":\"192.0.2.8\""),
	NO("", ""),
	NO("   ", ""),
	NO("# comment", ""),
	NO("; comment", ""),
	NO("! comment", ""),
	NO("// comment", ""),
	NO("[Adblock Plus 2.0]", ""),
	NO("127.0.0.1 localhost", "-"),
	NO("::1 localhost ip6-localhost ip6-loopback", "-"),
	NO("fe80::1%lo0 localhost", "-"),
	NO("255.255.255.255 broadcasthost", "-"),
	NO("0.0.0.0 0.0.0.0", "-"),
	NO("ff02::1 ip6-allnodes", "-"),
	NO("0.0.0.0", "!an address of the machine itself"),
	NO("127.0.0.1", "!an address of the machine itself"),
	NO("0.0.0.0/0", "!a network of everything"),
	NO("::/0", "!a network of everything"),
	NO("192.0.2.1:65536", "!source.port"),
	NO("192.0.2.300", "!neither"),
	NO("192.0.2", "!neither"),
	NO("192.0.2.0/33", "!neither"),
	NO("192.0.2.9 - 192.0.2.8", "!a range that is none"),
	NO("192.0.2.9 - 2001:db8::", "!a range that is none"),
	NO("2001:db8::1 - 2001:db8:ffff:ffff:ffff:ffff:ffff:fffe", "!a range of too many"),
	NO("localhost", "!neither"),
	NO("word", "!neither"),
	NO("someone@example.org", "!neither"),
	NO("two words", "!neither"),
	NO("/path.sh", "-"),
	NO("192.0.2.1 example.org", "!neither"),
	NO("http://", "!neither"),
	NO("<html>", "!neither"),
	NO("v1.0", "!neither"),
	NO("AS0", "!source.asn"),
	NO("]", "!neither"),
	NO("[", "!neither"),
	NO("[]", ""),
	NO("[:", "!neither"),
#undef IS
#undef NO
};

/* The line of the events without what every event here has. */
static void shorten(str event, struct buf *out)
{
	static const str head = STR_INIT("{\"classification.identifier\":\"blacklisted-");
	static const str class = STR_INIT(",\"classification.taxonomy\":\"other\","
					  "\"classification.type\":\"blacklist\"");
	size_t at = str_find(event, class);
	CHECK(str_starts(event, head) && at < event.n);
	buf_add(out, STR("{\""));
	buf_add(out, str_from(str_head(event, at), head.n));
	buf_add(out, str_from(event, at + class.n));
}

TEST(lines)
{
	for (size_t i = 0; i < COUNT_OF(items); i++) {
		struct format_run *r = format_run(STR("blocklist"), STR_NONE, items[i].line);
		struct buf got = BUF_INIT(KIB(64));
		if (r->sum.quarantined) {
			str words = buf_str(&r->words);
			buf_add(&got, STR("!"));
			buf_add(&got, str_from(words, str_find(words, STR(": ")) + 2));
			got.n = got.n < items[i].want.n ? got.n : items[i].want.n;
		} else if (r->events_made) {
			shorten(str_trim_all(buf_str(&r->events)), &got);
		} else {
			buf_add(&got, r->sum.dropped ? STR("-") : STR(""));
		}
		CHECK_MSG(str_eq(buf_str(&got), items[i].want), "'%s' gives '%.*s'", items[i].line.p,
			  STR_ARG(buf_str(&got)));
		buf_free(&got);
		format_run_free(r);
	}
}

TEST(one_line_many_events)
{
	struct format_run *r = format_run(STR("blocklist"), STR_NONE,
					  STR("192.0.2.1 - 192.0.2.6\n"
					      "0.0.0.0 a.example.org b.example.org localhost\n"
					      "0.0.0.0 - 255.255.255.255\n"));
	CHECK_INT(r->events_made, 4 + 2);
	CHECK_INT(r->accepted, 2);
	CHECK_STR(buf_str(&r->words), STR("3 field: a network of everything\n"));
	format_run_free(r);
}

TEST(first_line_may_name_the_column)
{
	struct format_run *r = format_run(STR("auto"), STR_NONE,
					  STR("# list\n\"IP Address\"\n192.0.2.1\nIP Address\n"));
	CHECK_STR(str_of(r->result.format), STR("blocklist"));
	CHECK_INT(r->sum.inputs, 3);
	CHECK_INT(r->accepted, 1);
	CHECK_INT(r->sum.quarantined, 1);
	format_run_free(r);
	/* Resumed behind the first address: the header is not looked for again. */
	r = format_run_from(STR("blocklist"), STR_NONE, STR("ip\n192.0.2.1\nip\n192.0.2.2\n"), 13, 1);
	CHECK_INT(r->sum.inputs, 2);
	CHECK_STR(buf_str(&r->words), STR("2 syntax: neither address, network, name nor URL\n"));
	format_run_free(r);
}

TEST(ranges_become_networks)
{
	static const struct {
		const char *first, *last;
		size_t most, count;
		bool ok;
		const char *at_first, *at_last;
	} rows[] = {
		{ "192.0.2.0", "192.0.2.255", 64, 1, true, "192.0.2.0/24", "192.0.2.0/24" },
		{ "192.0.2.1", "192.0.2.254", 64, 14, true, "192.0.2.1/32", "192.0.2.254/32" },
		{ "0.0.0.1", "255.255.255.254", 64, 62, true, "0.0.0.1/32", "255.255.255.254/32" },
		{ "0.0.0.1", "255.255.255.254", 61, 61, false, "0.0.0.1/32", "255.255.255.252/31" },
		{ "0.0.0.0", "255.255.255.255", 64, 1, true, "0.0.0.0/0", "0.0.0.0/0" },
		{ "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 4, 1, true, "::/0", "::/0" },
		{ "8000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 4, 1, true, "8000::/1",
		  "8000::/1" },
		{ "2001:db8::1", "2001:db8::1", 4, 1, true, "2001:db8::1/128", "2001:db8::1/128" },
		{ "192.0.2.2", "192.0.2.1", 4, 0, false, NULL, NULL },
		{ "192.0.2.2", "2001:db8::", 4, 0, false, NULL, NULL },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ip first, last;
		struct net nets[64];
		size_t n = 99;
		char text[56];
		CHECK(ip_parse(str_of(rows[i].first), &first) && ip_parse(str_of(rows[i].last), &last));
		CHECK_INT(range_nets(&first, &last, nets, rows[i].most, &n), rows[i].ok);
		CHECK_INT(n, rows[i].count);
		if (n == 0 || n > 64)
			continue;
		CHECK_STR(net_str(text, &nets[0]), str_of(rows[i].at_first));
		CHECK_STR(net_str(text, &nets[n - 1]), str_of(rows[i].at_last));
	}
}

TEST(claims_lists_only)
{
	static const struct {
		str head;
		bool ours;
	} rows[] = {
		{ STR_INIT("192.0.2.1\n192.0.2.2\n"), true },
		{ STR_INIT("# x\n0.0.0.0 a.example.org\n127.0.0.1 localhost\n"), true },
		{ STR_INIT("# nothing today\n"), true },
		{ STR_INIT("192.0.2.1\n192.0.2.2\nbad\n"), true },
		{ STR_INIT("192.0.2.1\nbad\nworse\n"), false },
		{ STR_INIT("timestamp,ip\n2026-11-22,192.0.2.1\n"), false },
		{ STR_INIT("{\"source.ip\":\"192.0.2.1\"}\n"), false },
		{ STR_INIT("Dear colleagues,\n\nplease see below.\n"), false },
		{ STR_INIT("\n\n"), false },
	};
	const struct intake_format *f = intake_format_find(STR("blocklist"));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct intake_hints hints = { 0 };
		int sure = f->claims(&(struct intake_sample){ rows[i].head, true, &hints });
		CHECK_MSG((sure > 0) == rows[i].ours && sure <= 60, "row %zu: %d", i, sure);
	}
}

/* Real lists: nearly every line becomes an event; what must not is counted. */
TEST(samples)
{
	static const struct {
		const char *name;
		uint64_t accepted, quarantined, dropped;
	} files[] = {
		{ "blocklists/bitwire-inbound-ipv6.txt", 1117, 0, 0 },
		{ "blocklists/bitwire-inbound-networks.txt.gz", 213288, 0, 0 },
		{ "blocklists/blp-basic-hosts.txt.gz", 76036, 0, 0 },
		{ "blocklists/blp-phishing-domains.txt.gz", 190193, 22, 0 },
		{ "blocklists/c2-tracker-all.txt", 2347, 0, 0 },
		{ "blocklists/ipsum.txt.gz", 120430, 0, 0 },
		{ "blocklists/maltrail-elf_mirai.txt.gz", 17187, 0, 37611 },
		{ "blocklists/openphish-feed.txt", 300, 0, 0 },
		{ "blocklists/prod_aa_data-shield_ipv4_blocklist.txt.gz", 30000, 0, 0 },
		{ "feeds/intelmq/blocklistde/imap.txt", 6, 0, 0 },
		{ "feeds/intelmq/spamhaus/drop.txt", 2, 0, 0 },
		{ "feeds/intelmq/spamhaus/asndrop.txt", 2, 0, 0 },
		{ "feeds/intelmq/malwarepatrol/getfile", 2, 0, 0 },
		{ "feeds/intelmq/openphish/feed.txt", 2, 0, 0 },
		{ "feeds/n6/dan_tv-01.txt", 4, 0, 0 },
		{ "feeds/n6/greensnow_co-01.txt", 7, 1, 0 },
		{ "feeds/n6/malwarepatrol-01.txt", 4, 0, 0 },
		{ "feeds/n6/openphish-01.txt", 3, 1, 0 },
		{ "feeds/n6/sblam-01.txt", 6, 1, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		str text = format_sample(files[i].name);
		if (!text.p) {
			printf("# SKIP %s is not here\n", files[i].name);
			continue;
		}
		int64_t start = clock_mono_us();
		struct format_run *r = format_run(STR("auto"), STR_NONE, text);
		CHECK_MSG(str_eq(str_of(r->result.format), STR("blocklist")), "%s: '%s' %s", files[i].name,
			  r->result.format, r->result.words);
		CHECK_MSG(r->accepted == files[i].accepted && r->sum.dropped == files[i].dropped &&
				  r->sum.quarantined == files[i].quarantined,
			  "%s: %" PRIu64 " taken, %" PRIu64 " dropped, %" PRIu64 " refused: %.300s",
			  files[i].name, r->accepted, r->sum.dropped, r->sum.quarantined,
			  buf_str(&r->words).p);
		if (r->accepted > 10000)
			printf("# %s: %.2f us a line\n", files[i].name,
			       (double)(clock_mono_us() - start) / (double)r->sum.inputs);
		format_run_free(r);
		free((void *)(uintptr_t)text.p);
	}
}

TEST_MAIN(TEST_RUN(lines), TEST_RUN(one_line_many_events),
	  TEST_RUN(first_line_may_name_the_column), TEST_RUN(ranges_become_networks),
	  TEST_RUN(claims_lists_only), TEST_RUN(samples))
