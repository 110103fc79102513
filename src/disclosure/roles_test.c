/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/account.h"

#include <unistd.h>

#include "base/io.h"
#include "base/test.h"
#include "base/test_dir.h"

static struct err err;

static const char *write_roles(const struct test_dir *d, const char *text, char path[512])
{
	struct io_dir *dir = NULL;
	CHECK_RC(io_dir_open(d->path, &dir, &err), RC_OK, err);
	CHECK_RC(io_replace_file(dir, "roles.json", str_of(text), &err), RC_OK, err);
	io_dir_close(dir);
	return test_dir_in(d, path, "roles.json");
}

TEST(the_built_in_roles_in_order)
{
	static const char *const want[] = { "viewer", "analyst", "duty", "lead", "liaison", "protection",
					    "auditor", "administrator", "constituent" };
	struct roles *r = NULL;
	CHECK_RC(roles_load(NULL, &r, &err), RC_OK, err);
	CHECK_INT(roles_count(r), COUNT_OF(want));
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		CHECK_STR(str_of(roles_names(r)[i]), str_of(want[i]));
		CHECK_INT(roles_find(r, str_of(want[i])), i);
		CHECK(roles_at(r, i)->label && roles_at(r, i)->help);
	}
	CHECK(roles_names(r)[COUNT_OF(want)] == NULL && roles_at(r, COUNT_OF(want)) == NULL);
	CHECK_INT(roles_find(r, STR("Lead")), -1);
	CHECK(roles_at(r, 7)->reads_no_case && roles_at(r, 7)->manages_accounts && roles_at(r, 7)->second_factor);
	CHECK(roles_at(r, 8)->outside);
	CHECK_INT(roles_at(r, 8)->right, RIGHT_SIGNED_IN);
	for (size_t i = 0; i < roles_count(r); i++)
		CHECK(roles_at(r, i)->manages_accounts == (i == 7));
	roles_free(r);
	roles_free(NULL);
}

TEST(names_to_bits_and_back)
{
	struct roles *r = NULL;
	uint32_t bits = 7;
	struct buf b = BUF_INIT(KIB(1));
	CHECK_RC(roles_load(NULL, &r, &err), RC_OK, err);
	CHECK_RC(roles_parse(r, STR("lead, analyst"), &bits, &err), RC_OK, err);
	CHECK_INT(bits, 1 << 3 | 1 << 1);
	roles_format(r, bits, &b);
	CHECK_STR(buf_str(&b), STR("analyst lead"));
	CHECK_RC(roles_parse(r, STR(""), &bits, &err), RC_OK, err);
	CHECK_INT(bits, 0);
	bits = 5;
	CHECK_RC(roles_parse(r, STR("lead boss"), &bits, &err), RC_INPUT, err);
	CHECK_STR(str_of(err.text), STR("there is no role 'boss'"));
	CHECK_INT(bits, 5);
	CHECK(roles_second_factor(r, 1 << 7 | 1) && !roles_second_factor(r, 1 | 2));
	buf_free(&b);
	roles_free(r);
}

TEST(a_file_of_the_node_adds_and_replaces)
{
	struct test_dir d = test_dir_new();
	struct roles *r = NULL;
	char path[512];
	CHECK_RC(roles_load(test_dir_in(&d, path, "roles.json"), &r, &err), RC_OK, err); /* none */
	roles_free(r);
	r = NULL;
	write_roles(&d, "{\"viewer\":{\"label\":{\"en\":\"Guest\"},\"help\":{\"en\":\"Looks.\"},\"right\":\"read\","
		        "\"ceiling\":\"GREEN\"},"
		        "\"press\":{\"label\":{\"en\":\"Press\"},\"help\":{\"en\":\"Writes.\"}}}", path);
	CHECK_RC(roles_load(path, &r, &err), RC_OK, err);
	CHECK_INT(roles_count(r), 10);
	CHECK_INT(roles_find(r, STR("viewer")), 0);
	CHECK_INT(roles_at(r, 0)->ceiling, TLP_GREEN);
	CHECK_INT(roles_find(r, STR("press")), 9);
	CHECK_INT(roles_at(r, 9)->right, RIGHT_SIGNED_IN); /* the least, when nothing is said */
	CHECK_INT(roles_at(r, 9)->ceiling, TLP_CLEAR);
	roles_free(r);
	test_dir_end(&d);
}

/* A name alone is looked for where the program stands; a folder that is not there has no roles. */
TEST(where_the_file_is)
{
	struct test_dir d = test_dir_new();
	struct roles *r = NULL;
	char path[512], was[4096];
	struct buf big = BUF_INIT(KIB(80));
	CHECK(getcwd(was, sizeof(was)) != NULL);
	write_roles(&d, "{\"press_office\":{\"label\":{\"en\":\"x\"},\"help\":{\"en\":\"x\"}}}", path);
	CHECK_INT(chdir(d.path), 0);
	CHECK_RC(roles_load("roles.json", &r, &err), RC_OK, err);
	CHECK_INT(chdir(was), 0);
	CHECK_INT(roles_find(r, STR("press_office")), 9);
	roles_free(r);
	r = NULL;
	CHECK_RC(roles_load(test_dir_in(&d, path, "absent/roles.json"), &r, &err), RC_OK, err);
	CHECK_INT(roles_count(r), 9);
	roles_free(r);
	r = NULL;
	/* one that cannot be read is not one that is absent */
	for (size_t i = 0; i < KIB(70); i++)
		buf_char(&big, ' ');
	write_roles(&d, big.p, path);
	CHECK_RC(roles_load(path, &r, &err), RC_LIMIT, err);
	CHECK(!r);
	buf_free(&big);
	test_dir_end(&d);
}

TEST(bad_files_are_refused_whole)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "", "roles.json: JSON: nothing there" },
		{ "{", "roles.json: JSON: " },
		{ "[]", "roles.json: must be an object of roles" },
		{ "{\"Boss\":{}}", "roles.json: 'Boss' is no name of a role" },
		{ "{\"a b\":{}}", "roles.json: 'a b' is no name" },
		{ "{\"\":{}}",
		  "is no name of a role" },
		{ "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":{}}",
		  "is no name of a role" },
		{ "{\"1a\":{}}",
		  "is no name of a role" },
		{ "{\"~\":{}}",
		  "is no name of a role" },
		{ "{\"a~\":{}}",
		  "is no name of a role" },
		{ "{\"aB\":{}}",
		  "is no name of a role" },
		{ "{\"a:\":{}}",
		  "is no name of a role" },
		{ "{\"boss\":{\"label\":{\"en\":\"\"}}}",
		  "label: words must be" },
		{ "{\"boss\":{\"label\":{\"en\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxx\"}}}",
		  "label: words must be" },
		{ "{\"boss\":{\"right\":\"public\"}}",
		  "right" },
		{ "{\"boss\":{\"right\":\"intake\"}}",
		  "right" },
		{ "{\"boss\":{\"label\":{\"en\":\"x\"},\"help\":{\"en\":\"x\"},\"outside\":true,\"ma"
		  "nages_accounts\":true}}",
		  "a role outside has" },
		{ "{\"boss\":{\"label\":{\"en\":\"x\"},\"help\":{\"en\":\"x\"},\"outside\":true,\"re"
		  "ads_journal\":true}}",
		  "a role outside has" },
		{ "{\"boss\":{\"label\":{\"en\":\"x\"},\"help\":{\"en\":\"x\"},\"outside\":true,\"ap"
		  "proves\":true}}",
		  "a role outside has" },
		{ "{\"boss\":{\"label\":{\"en\":\"x\"},\"help\":{\"en\":\"x\"},\"outside\":true,\"br"
		  "eaks_glass\":true}}",
		  "a role outside has" },
		{ "{\"boss\":{\"label\":{\"en\":\"x\"},\"help\":{\"en\":\"x\"},\"outside\":true,\"op"
		  "ens_media\":true}}",
		  "a role outside has" },
		{ "{\"boss\":{\"label\":{\"en\":\"x\"},\"help\":{\"en\":\"x\"},\"outside\":true,\"ri"
		  "ght\":\"read\"}}",
		  "a role outside has" },
		{ "{\"boss\":{\"label\":{\"la\":\"x\",\"lb\":\"x\",\"lc\":\"x\",\"ld\":\"x\",\"le\":"
		  "\"x\",\"lf\":\"x\",\"lg\":\"x\",\"lh\":\"x\",\"li\":\"x\",\"lj\":\"x\",\"lk\":\"x"
		  "\",\"ll\":\"x\",\"lm\":\"x\",\"ln\":\"x\",\"lo\":\"x\",\"lp\":\"x\",\"lq\":\"x\"}"
		  "}}",
		  "at most 16 languages" },
		{ "{\"boss\":3}", "roles.json: boss: must be an object" },
		{ "{\"boss\":{}}", "roles.json: boss: label: is missing" },
		{ "{\"boss\":{\"label\":{\"id\":\"x\"}}}", "roles.json: boss: label: English" },
		{ "{\"boss\":{\"label\":{\"en\":\"a\\nb\"}}}", "roles.json: boss: label: words must be" },
		{ "{\"boss\":{\"label\":\"x\"}}", "roles.json: boss: label: must be an object" },
		{ "{\"boss\":{\"label\":{\"en\":\"x\"}}}", "roles.json: boss: help: is missing" },
		{ "{\"boss\":{\"right\":\"intake\"}}", "roles.json: boss: right: must be" },
		{ "{\"boss\":{\"right\":\"root\"}}", "roles.json: boss: right: must be" },
		{ "{\"boss\":{\"ceiling\":\"BLACK\"}}", "roles.json: boss: ceiling: must be" },
		{ "{\"boss\":{\"outside\":1}}", "roles.json: boss: outside: must be true or false" },
		{ "{\"boss\":{\"power\":true}}", "roles.json: boss: power: there is no such member" },
		{ "{\"boss\":{\"label\":{\"en\":\"x\"},\"help\":{\"en\":\"x\"},\"outside\":true,\"right\":\"operate\"}}",
		  "roles.json: boss: outside: a role outside has" },
	};
	struct test_dir d = test_dir_new();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char path[512];
		struct roles *r = NULL;
		write_roles(&d, cases[i].text, path);
		enum rc rc = roles_load(path, &r, &err);
		CHECK_MSG(rc == RC_INPUT && !r && str_starts(str_of(err.text), STR("roles.json: ")) &&
				  strstr(err.text, cases[i].words),
			  "%s: %s (%s)", cases[i].text, rc_name(rc), err.text);
	}
	test_dir_end(&d);
}

TEST(no_more_roles_than_bits)
{
	struct test_dir d = test_dir_new();
	struct buf b = BUF_INIT(KIB(8));
	struct roles *r = NULL;
	char path[512];
	buf_char(&b, '{');
	for (int i = 0; i < 24; i++)
		buf_fmt(&b, "%s\"r%d\":{\"label\":{\"en\":\"x\"},\"help\":{\"en\":\"x\"}}", i ? "," : "", i);
	buf_char(&b, '}');
	write_roles(&d, b.p, path);
	CHECK_RC(roles_load(path, &r, &err), RC_LIMIT, err);
	CHECK_STR(str_of(err.text), STR("roles.json: more than 32 roles"));
	buf_free(&b);
	test_dir_end(&d);
}

TEST_MAIN(TEST_RUN(the_built_in_roles_in_order), TEST_RUN(names_to_bits_and_back),
	  TEST_RUN(a_file_of_the_node_adds_and_replaces), TEST_RUN(where_the_file_is),
	  TEST_RUN(bad_files_are_refused_whole),
	  TEST_RUN(no_more_roles_than_bits))
