/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

#include "disclosure/change.h"
#include "route/directory_records.h"

static const struct cli_option options[] = {
	{ "--dry-run", 0, NULL, "say what would happen, change nothing" },
	{ "--partly", 0, NULL, "import the good rows although others are wrong" },
	{ .name = NULL },
};

struct importing {
	struct cli *c;
	str text;
	bool dry, partly;
	struct import_result result;
};

/* Through the gate, as any change of a record. */
static enum rc put_as_caller(struct tx *tx, void *ctx, const struct type *t, const struct uuid *id,
			     str fields, struct arena *a, struct err *err)
{
	const struct importing *i = ctx;
	struct record_view made;
	struct change_errors errors;
	struct buf text = BUF_INIT(RECORD_ID_BYTES);
	struct change_request q = { .type = str_of(t->name), .fields = fields, .import = true,
				    .why = STR("directory import") };
	record_id_format(&text, q.type, id);
	if (!uuid_is_zero(id))
		q.id = arena_str(a, buf_str(&text));
	buf_free(&text);
	enum rc rc = change_record_tx(tx, i->c->node->records, &i->c->viewer, &q, a, &made, &errors, err);
	record_view_end(&made);
	return rc;
}

static enum rc write_import(struct tx *tx, void *ctx, struct err *err)
{
	struct importing *i = ctx;
	struct directory_system sys = { i->c->node->records, str_of(i->c->viewer.actor),
					STR("directory import") };
	/* The directory's owner without an account has no roles over records, but owns the node. */
	bool owner = !i->c->viewer.account && !i->c->viewer.roles;
	struct directory_writer w = owner ? (struct directory_writer){ directory_put_as_system, &sys } :
					    (struct directory_writer){ put_as_caller, i };
	enum rc rc = directory_import(tx, i->c->node->organisations, &w, i->text, i->dry, i->partly, i->c->a,
				      &i->result, err);
	if (rc != RC_OK || i->dry)
		return rc;
	struct journal_act act = { .act = "import", .actor = str_of(i->c->viewer.actor),
				   .object = STR("directory"), .root = sha256(i->text),
				   .count = i->result.added + i->result.changed };
	return journal_add(tx, i->c->node->journal, &act, err);
}

static void show(struct cli *c, const struct importing *i)
{
	const struct import_result *r = &i->result;
	for (size_t k = 0; k < r->error_count; k++)
		cli_talk(c, "row %u: %s", r->errors[k].row, r->errors[k].words);
	cli_printf(c, c->form == CLI_JSON ?
			      "{\"dry_run\":%s,\"added\":%u,\"changed\":%u,\"same\":%u,\"refused\":%u}\n" :
			      "%s%u added, %u changed, %u the same, %u refused\n",
		   c->form == CLI_JSON ? (i->dry ? "true" : "false") : (i->dry ? "would be: " : ""),
		   r->added, r->changed, r->same, r->refused);
}

static int import(struct cli *c)
{
	struct importing i = { .c = c, .dry = cli_value(c, "--dry-run") != NULL,
			       .partly = cli_value(c, "--partly") != NULL };
	struct buf text = BUF_INIT(MIB(64));
	struct err err;
	if (c->argc != 2)
		return cli_usage(c, "import needs one FILE.json or FILE.csv");
	enum rc rc = cli_read_file(c, c->argv[1], MIB(64), &text, &err);
	if (rc == RC_OK) {
		i.text = buf_str(&text);
		rc = store_write(c->node->store, write_import, &i, &err);
		if (rc == RC_DENIED || rc == RC_ABSENT)
			change_refused(c->node->records, c->node->store, &c->viewer, STR("directory"),
				       str_of(err.text));
		else
			show(c, &i);
	}
	if (rc == RC_OK && !i.dry)
		rc = node_directory_reload(c->node, &err);
	buf_free(&text);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	return i.result.refused ? rc_exit_code(RC_INPUT) : 0;
}

static int list(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ "id", COLUMN_NUMBER }, { .name = "name" }, { .name = "kind" },
		{ .name = "country" }, { .name = "sector" }, { .name = "email" },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct snapshot_ref *ref = node_directory(c->node);
	const struct directory *d = snapshot_table(ref);
	for (size_t i = 0; i < directory_size(d); i++) {
		const struct org *o = directory_at(d, i);
		char id[24];
		if (o->former)
			continue;
		snprintf(id, sizeof(id), "%lld", (long long)o->id);
		str row[] = { str_of(id), o->name, o->kind, o->country, o->sector,
			      cli_first_email(c, o) };
		cli_row(&t, row);
	}
	snapshot_drop(c->node->directory, ref);
	return 0;
}

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	if (str_eq(word, STR("import")))
		return import(c);
	if (str_eq(word, STR("list")))
		return list(c);
	return cli_usage(c, "import FILE or list");
}

const struct cli_command cli_directory = {
	.name = "directory",
	.brief = "who is concerned with which ASN, network, domain, country",
	.usage = "directory import FILE.json|FILE.csv [--dry-run] [--partly] | list",
	.text = "Errors are named by row: a bad CIDR, a network two organisations claim, an unknown country. With errors "
		"nothing is imported unless --partly. An organisation is known by its name and keeps its number.",
	.example = "ronda directory -d demo import organisations.csv --dry-run",
	.options = options,
	.needs_node = true,
	.run = run,
};
