/* SPDX-License-Identifier: Apache-2.0 */
#include "privacy/register.h"

#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--language", 0, "TAG", "of the texts (default: English)" },
	{ .name = NULL },
};

static str joined(struct json_object *list, const char *member, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(64));
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *o = json_at(list, i);
		if (i)
			buf_add(&b, STR(", "));
		buf_add(&b, member ? json_get_str(o, member) : json_text(o));
	}
	str out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return out;
}

static void print_rows(struct cli *c, struct json_object *doc)
{
	static const struct cli_column columns[] = {
		{ .name = "type" }, { .name = "purpose" }, { .name = "basis" }, { .name = "personal" },
		{ .name = "read_by" }, { .name = "retention" }, { .name = "recipients" },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct json_object *rows = json_get(doc, "rows");
	for (size_t i = 0; i < json_count(rows); i++) {
		struct json_object *o = json_at(rows, i);
		str row[] = { json_get_str(o, "type"), json_get_str(o, "purpose"), json_get_str(o, "basis"),
			      joined(json_get(o, "personal"), NULL, c->a),
			      joined(json_get(o, "read_by"), NULL, c->a), json_get_str(o, "retention"),
			      joined(json_get(o, "recipients"), "recipient", c->a) };
		cli_row(&t, row);
	}
	cli_rows_end(c);
}

static int print_register(struct cli *c)
{
	struct reader *r = NULL;
	struct err err;
	struct buf b = BUF_INIT(MIB(4));
	struct json_out j = json_out(&b);
	struct json_object *doc = NULL;
	uint64_t count = 0;
	const char *language = cli_value(c, "--language");
	struct snapshot_ref *ref = snapshot_hold(c->node->types);
	const struct register_ask q = { .types = snapshot_table(ref), .roles = c->node->roles,
					.viewer = &c->viewer, .language = str_of(language ? language : "") };
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	json_open(&j, '{');
	if (rc == RC_OK)
		rc = privacy_register(r, &q, c->a, &j, &count, &err);
	json_close(&j, '}');
	if (r)
		store_read_end(r);
	snapshot_drop(c->node->types, ref);
	if (rc == RC_OK && c->form == CLI_JSON)
		cli_print_json(c, &b);
	else if (rc == RC_OK && (rc = json_read(buf_str(&b), &doc, &err)) == RC_OK)
		print_rows(c, doc);
	json_free(doc);
	buf_free(&b);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static int run(struct cli *c)
{
	if (c->argc == 1 && str_eq(str_of(c->argv[0]), STR("register")))
		return print_register(c);
	return cli_usage(c, "the word is register");
}

const struct cli_command cli_privacy = {
	.name = "privacy",
	.brief = "the register of processing: what is kept about persons, and why",
	.usage = "privacy register [--language TAG]",
	.text = "Each type of records, and what is kept beside them: purpose, legal basis, personal fields, who reads them, "
		"how long they are kept, and, for who may read the ledger, whom something went to. Made from the types: "
		"a file in DIR/types says it otherwise where the law does.",
	.example = "ronda privacy -d demo register",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
