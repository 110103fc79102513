/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/classes.h"

#include "base/test.h"
#include "event/normalise.h"
#include "notify/assets.h"

static const struct { const char *type, *identifier, *class; } table[] = {
	{ "ddos-amplifier", "dns-open-resolver", "open-dns" },
	{ "vulnerable-system", "dns-open-resolver", "open-dns" },
	{ "ddos-amplifier", "open-mdns", "amplifier" },
	{ "vulnerable-system", "ntp-monitor", "open-ntp" },
	{ "vulnerable-system", "NTP-version", "open-ntp" },
	{ "potentially-unwanted-accessible", "open-telnet", "open-telnet" },
	{ "vulnerable-system", "cve-2019-0708-rdp", "vulnerable" },
	{ "vulnerable-system", "open-mongodb", "open-database" },
	{ "vulnerable-system", "accessible-mysql", "open-database" },
	{ "information-disclosure", "accessible-ics", "open-service" },
	{ "potentially-unwanted-accessible", "accessible-ics", "exposed-ics" },
	{ "vulnerable-system", "open-metrics", "open-service" },
	{ "vulnerable-system", "ssl-poodle", "weak-tls" },
	{ "vulnerable-system", "", "vulnerable" },
	{ "infected-system", "ntp", "infected-system" },
	{ "blacklist", "", "blocklisted" },
	{ "no-such-type", "anything", "other" },
	{ "", "", "other" },
};

TEST(finds_the_class)
{
	for (size_t i = 0; i < COUNT_OF(table); i++)
		CHECK_MSG(strcmp(class_of(str_of(table[i].type), str_of(table[i].identifier)), table[i].class) == 0,
			  "%s %s: got %s", table[i].type, table[i].identifier,
			  class_of(str_of(table[i].type), str_of(table[i].identifier)));
}

static bool has_text(const char *class, const char *language)
{
	char name[128];
	snprintf(name, sizeof name, "%s.%s.mustache", class, language);
	for (size_t i = 0; i < notify_asset_count; i++)
		if (strcmp(notify_assets[i].name, name) == 0)
			return notify_assets[i].n > 200;
	return false;
}

/* Every type of the taxonomy, by whatever name, has texts in both languages. */
TEST(each_type_has_a_text)
{
	static const char *const types[] = {
#define TYPE(type, taxonomy) type,
#define ALIAS(written, meant)
#define TAXONOMY_ALIAS(written, meant)
#include "event/taxonomy.def"
	};
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		const char *class = class_of(str_of(types[i]), STR(""));
		CHECK_MSG(class_is(str_of(class)), "%s: '%s' is no class", types[i], class);
		CHECK_MSG(has_text(class, "en") && has_text(class, "id"), "%s: no texts of '%s'", types[i], class);
	}
	for (size_t i = 0; class_at(i); i++)
		CHECK_MSG(has_text(class_at(i), "en") && has_text(class_at(i), "id"), "no texts of '%s'", class_at(i));
}

/* A row that no finding can reach is a mistake. */
TEST(each_class_is_reached)
{
	static const struct { const char *type, *word, *class; } rows[] = {
#define CLASS(name, how)
#define MAP(type, word, class) { type, word, class },
#include "notify/classes.def"
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CHECK_MSG(class_is(str_of(rows[i].class)), "row %zu: '%s' is no class", i, rows[i].class);
		CHECK_MSG(strcmp(class_of(str_of(rows[i].type), str_of(rows[i].word)), rows[i].class) == 0,
			  "row %zu (%s, %s) is never reached", i, rows[i].type, rows[i].word);
	}
	for (size_t i = 0; class_at(i); i++) {
		bool used = false;
		for (size_t j = 0; j < COUNT_OF(rows); j++)
			used = used || strcmp(rows[j].class, class_at(i)) == 0;
		CHECK_MSG(used, "nothing is told as '%s'", class_at(i));
	}
}

TEST(knows_live_ones)
{
	CHECK(class_is_live(STR("phishing")));
	CHECK(!class_is_live(STR("open-dns")));
	CHECK(!class_is_live(STR("no such")));
	CHECK_STR(class_of_template(STR("tell.open-dns")), STR("open-dns"));
	CHECK_STR(class_of_template(STR("round.check")), STR(""));
}

TEST_MAIN(TEST_RUN(finds_the_class), TEST_RUN(each_type_has_a_text), TEST_RUN(each_class_is_reached),
	  TEST_RUN(knows_live_ones))
