/* SPDX-License-Identifier: Apache-2.0 */
#include "event/fields.h"

#include "base/test.h"

TEST(every_field_is_found_by_its_name)
{
	for (int f = 0; f < FIELD_COUNT; f++) {
		enum field found = FIELD_EXTRA;
		str name = str_of(field_row((enum field)f)->name);
		CHECK_MSG(field_find(name, &found), "'" STR_FMT "' is not found", STR_ARG(name));
		CHECK_INT(found, f);
	}
	enum field f = FIELD_EXTRA;
	CHECK(!field_find(STR("source"), &f));
	CHECK(!field_find(STR("source.ipv6"), &f));
	CHECK(!field_find(STR(""), &f));
	CHECK(!field_find(STR("SOURCE.IP"), &f));
	CHECK_INT(f, FIELD_EXTRA);
}

TEST(rows_say_what_fields_are)
{
	CHECK_INT(field_row(FIELD_SOURCE_IP)->type, FT_IP);
	CHECK_INT(field_row(FIELD_SOURCE_ACCOUNT)->class, FIELD_PERSONAL);
	CHECK_INT(field_row(FIELD_RONDA_CONCERNS)->class, FIELD_OURS);
	CHECK_INT(field_row(FIELD_TIME_SOURCE)->class, FIELD_PLAIN);
	/* Places are stored: a row in the middle would change old segments. */
	CHECK_INT(FIELD_CLASSIFICATION_IDENTIFIER, 0);
	CHECK_INT(FIELD_SOURCE_IP, 66);
	CHECK_INT(FIELD_TLP, 79);
	CHECK_INT(FIELD_RONDA_TIME_ASSUMED, 88);
}

TEST(tlp_texts)
{
	static const struct {
		str text;
		bool ok;
		enum tlp tlp;
	} cases[] = {
		{ STR_INIT("CLEAR"), true, TLP_CLEAR },
		{ STR_INIT("WHITE"), true, TLP_CLEAR },
		{ STR_INIT("tlp:green"), true, TLP_GREEN },
		{ STR_INIT("TLP: Amber"), true, TLP_AMBER },
		{ STR_INIT("yellow"), true, TLP_AMBER },
		{ STR_INIT(" TLP:AMBER+STRICT "), true, TLP_AMBER_STRICT },
		{ STR_INIT("red"), true, TLP_RED },
		{ STR_INIT(""), false, TLP_COUNT },
		{ STR_INIT("TLP:"), false, TLP_COUNT },
		{ STR_INIT("BLUE"), false, TLP_COUNT },
		{ STR_INIT("AMBER STRICT"), false, TLP_COUNT },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		enum tlp t = TLP_COUNT;
		CHECK_MSG(tlp_parse(cases[i].text, &t) == cases[i].ok && t == cases[i].tlp,
			  "'" STR_FMT "' gives %d", STR_ARG(cases[i].text), (int)t);
	}
	CHECK_STR(str_of(tlp_name(TLP_AMBER_STRICT)), STR("AMBER+STRICT"));
	for (int t = 0; t < TLP_COUNT; t++) {
		enum tlp back = TLP_COUNT;
		CHECK(tlp_parse(str_of(tlp_name((enum tlp)t)), &back));
		CHECK_INT(back, t);
	}
}

TEST(types_and_aliases)
{
	static const struct {
		str text, type, taxonomy;
	} cases[] = {
		{ STR_INIT("phishing"), STR_INIT("phishing"), STR_INIT("fraud") },
		{ STR_INIT("C&C"), STR_INIT("c2-server"), STR_INIT("malicious-code") },
		{ STR_INIT("Botnet Drone"), STR_INIT("infected-system"), STR_INIT("malicious-code") },
		{ STR_INIT("blocklist"), STR_INIT("blacklist"), STR_INIT("other") },
		{ STR_INIT("Unauthorised-Information-Access"),
		  STR_INIT("unauthorised-information-access"),
		  STR_INIT("information-content-security") },
		{ STR_INIT("backdoor"), STR_INIT("system-compromise"), STR_INIT("intrusions") },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		str type = type_canonical(cases[i].text);
		CHECK_STR(type, cases[i].type);
		CHECK_STR(type_taxonomy(type), cases[i].taxonomy);
	}
	CHECK_INT(type_canonical(STR("gone fishing")).n, 0);
	CHECK_INT(type_canonical(STR("")).n, 0);
	CHECK_INT(type_taxonomy(STR("nothing")).n, 0);
}

TEST(every_alias_has_a_meaning)
{
	static const str meant[] = {
#define TYPE(type, taxonomy)
#define ALIAS(written, meant) STR_INIT(meant),
#define TAXONOMY_ALIAS(written, meant)
#include "event/taxonomy.def"
#undef TYPE
#undef ALIAS
#undef TAXONOMY_ALIAS
	};
	for (size_t i = 0; i < COUNT_OF(meant); i++)
		CHECK_STR(type_canonical(meant[i]), meant[i]);
}

TEST(taxonomies)
{
	CHECK_STR(taxonomy_canonical(STR("Malicious Code")), STR("malicious-code"));
	CHECK_STR(taxonomy_canonical(STR("OTHER")), STR("other"));
	CHECK_STR(taxonomy_canonical(STR("intrusion-attempts")), STR("intrusion-attempts"));
	CHECK_INT(taxonomy_canonical(STR("phishing")).n, 0);
}

TEST(severities)
{
	CHECK_INT(severity_rank(STR("info")), 0);
	CHECK_INT(severity_rank(STR("Critical")), 4);
	CHECK_INT(severity_rank(STR("")), -1);
	CHECK_INT(severity_rank(STR("urgent")), -1);
}

TEST_MAIN(TEST_RUN(every_field_is_found_by_its_name), TEST_RUN(rows_say_what_fields_are),
	  TEST_RUN(tlp_texts), TEST_RUN(types_and_aliases), TEST_RUN(every_alias_has_a_meaning),
	  TEST_RUN(taxonomies), TEST_RUN(severities))
