/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/directory_private.h"

#include "base/clock.h"
#include "directory/rfc2350.h"
#include "directory/succession.h"
#include "disclosure/change.h"
#include "route/directory_records.h"

static const struct cli_option options[] = {
	{ "--dry-run", 0, NULL, "say what would happen, change nothing" },
	{ "--partly", 0, NULL, "import the good rows although others are wrong" },
	{ "--from", 0, "DATE", "succeed: first day of the successor (default: today)" },
	{ "--back", 0, NULL, "succeed: take it back" },
	{ "--form", 0, "NAME", "what the file looks like ('directory forms'); guessed when not said" },
	{ "--map", 0, "MAP", "of a table: COLUMN=FIELD,COLUMN= (the latter is left out)" },
	{ "--source", 0, "NAME", "what its contacts are said to come from, as whois:apnic; the form's when not said" },
	{ "--seen", 0, "DATE", "the day its source says it of; the file's own when not said" },
	{ "--subject", 0, "DOMAIN", "whom a security.txt is about" },
	{ "--security-txt", 0, NULL, "refresh: ask the sites of these domains instead of the registries" },
	{ "--again", 0, NULL, "refresh: ask although what is noted is still good" },
	{ "--overwrite", 0, NULL, "names, site and the like are taken from the source although ours differ" },
	{ "--why", 0, "TEXT", "reason, kept with each change" },
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

/* "organisation--…", as every command takes it; "": none yet. */
static str record_of(struct cli *c, const struct org *o)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	struct snapshot_ref *ref = snapshot_hold(c->node->types);
	const struct type *t = directory_type(snapshot_table(ref));
	if (t && !uuid_is_zero(&o->record))
		record_id_format(&id, str_of(t->name), &o->record);
	snapshot_drop(c->node->types, ref);
	str out = arena_str(c->a, buf_str(&id));
	buf_free(&id);
	return out;
}

static int list(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ "id", COLUMN_NUMBER }, { .name = "name" }, { .name = "kind" },
		{ .name = "country" }, { .name = "sector" }, { .name = "email" }, { .name = "record" },
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
			      cli_first_email(c, o), record_of(c, o) };
		cli_row(&t, row);
	}
	snapshot_drop(c->node->directory, ref);
	return 0;
}

/* "42" is "organisation-42". */
static str org_name_of(struct cli *c, const char *text)
{
	uint64_t n;
	struct snapshot_ref *ref = snapshot_hold(c->node->types);
	const struct type *t = directory_type(snapshot_table(ref));
	str id = t && str_to_u64(str_of(text), &n) ?
		arena_fmt(c->a, "%s-%llu", t->name, (unsigned long long)n) : str_of(text);
	snapshot_drop(c->node->types, ref);
	return id;
}

static int succeed(struct cli *c)
{
	struct succession_done done;
	struct err err;
	const char *day = cli_value(c, "--from"), *why = cli_value(c, "--why");
	if (c->argc != 3)
		return cli_usage(c, "succeed needs two organisations: the old one, and who takes its place");
	struct succession q = { .from = org_name_of(c, c->argv[1]), .to = org_name_of(c, c->argv[2]),
				.day = day ? str_of(day) : STR_NONE, .why = str_of(why ? why : ""),
				.back = cli_value(c, "--back") != NULL, .now_us = clock_now_us() };
	enum rc rc = directory_succeed(c->node->records, c->node->store, &c->viewer, &q, c->a, &done, &err);
	if (rc == RC_OK)
		rc = node_directory_reload(c->node, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	if (c->form == CLI_JSON)
		cli_printf(c, "{\"moved\":%zu,\"former\":%s}\n", done.moved, done.former ? "true" : "false");
	else
		cli_printf(c, "%zu claims moved%s\n", done.moved,
			   q.back ? " back" : done.former ? "; the old one is former" :
				    "; the old one is former from that day on");
	return 0;
}

/* The organisation of that name; STR_NONE: none. */
static str org_of_name(struct cli *c, const struct directory *d, str name)
{
	for (size_t i = 0; i < directory_size(d); i++) {
		const struct org *o = directory_at(d, i);
		if (str_eq_nocase(o->name, name) && !uuid_is_zero(&o->record) && !o->former)
			return record_of(c, o);
	}
	return STR_NONE;
}

static int rfc2350(struct cli *c)
{
	struct buf text = BUF_INIT(MIB(1));
	struct record_view v = { 0 };
	struct reader *r = NULL;
	struct err err;
	if (c->argc > 2)
		return cli_usage(c, "rfc2350 takes one organisation, or none for our own");
	struct snapshot_ref *types = snapshot_hold(c->node->types), *table = node_directory(c->node);
	str own = store_node_name(c->node->store);
	str id = c->argc == 2 ? org_name_of(c, c->argv[1]) : org_of_name(c, snapshot_table(table), own);
	enum rc rc = id.n ? store_read_begin(c->node->store, &r, &err) :
			    fail(&err, RC_ABSENT, "there is no organisation named '" STR_FMT "' as this node is",
				 STR_ARG(own));
	if (rc == RC_OK)
		rc = read_record(r, snapshot_table(types), &c->viewer, id, c->a, &v, &err);
	if (rc == RC_OK)
		rc = rfc2350_write(&v, clock_now_us(), &text, &err);
	if (rc == RC_OK)
		cli_printf(c, STR_FMT, STR_ARG(buf_str(&text)));
	record_view_end(&v);
	if (r)
		store_read_end(r);
	snapshot_drop(c->node->directory, table);
	snapshot_drop(c->node->types, types);
	buf_free(&text);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static int import_any(struct cli *c)
{
	int code;
	return directory_import_form(c, &code) ? code : import(c);
}

static const struct {
	const char *word;
	int (*run)(struct cli *c);
} words[] = {
	{ "import", import_any }, { "forms", directory_forms }, { "contacts", directory_contacts },
	{ "refresh", directory_refresh }, { "duplicates", directory_duplicates }, { "merge", directory_merge },
	{ "unmerge", directory_unmerge }, { "list", list }, { "succeed", succeed }, { "rfc2350", rfc2350 },
};

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(word, str_of(words[i].word)))
			return words[i].run(c);
	return cli_usage(c, "import FILE, forms, contacts, refresh [WHAT...], duplicates, merge KEEP OTHER, unmerge OTHER, list,"
			    " succeed OLD NEW, or rfc2350 [ORGANISATION]");
}

const struct cli_command cli_directory = {
	.name = "directory",
	.brief = "who is concerned with which ASN, network, domain, country",
	.usage = "directory import FILE... [--form NAME] [--dry-run] | forms | contacts [list | undo SOURCE] |"
		 " refresh [WHAT... [--security-txt] [--again]] | duplicates | merge KEEP OTHER --why TEXT | unmerge OTHER | list |"
		 " succeed OLD NEW --from DATE --why TEXT | succeed OLD NEW --back"
		 " | rfc2350 [ORGANISATION]",
	.text = "Errors are named by row: a bad CIDR, a network two organisations claim, an unknown country. With errors "
		"nothing is imported unless --partly. An organisation is known by its name and keeps its number.\n\n"
		"Other people's directories are understood too ('forms'): teams as FIRST, Trusted Introducer or a Cerebrate "
		"list them become organisations, or refresh those that stand; an import is tried first and can be undone. "
		"What registries and sites publish (whois dumps, statistics, RDAP answers, security.txt) are contacts of "
		"last resort: a table a source, replaced whole, packed with gzip or not.\n\n"
		"refresh: asks the registry by RDAP about an address, AS number or domain, or a site for its security.txt, and "
		"without WHAT about all that was asked before and is no longer good; at most once a second a host, and only "
		"when settings rdap_url and security_txt say so.\n\n"
		"duplicates: which organisations could be one, and why; merge unites them in KEEP and leaves OTHER former, "
		"unmerge puts both back as they were.\n\n"
		"succeed: from that day on what OLD claimed is NEW's, and OLD is former; --back undoes it. rfc2350: its description "
		"in the outline of RFC 2350, from its record; without a name our own.",
	.example = "ronda directory -d demo import organisations.csv --dry-run",
	.options = options,
	.needs_node = true,
	.run = run,
};
