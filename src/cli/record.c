/* SPDX-License-Identifier: Apache-2.0 */
/* record.c: `ronda TYPE WORD …` for every type there is, made from the type alone.
 * Reading words are in record_read.c, changing ones in record_write.c. */
#include "cli/record_private.h"

static const struct cli_option options[] = {
	{ "--why", 0, "TEXT", "why it is changed; it is kept" },
	{ "--tlp", 0, "TLP", "new, edit: CLEAR, GREEN, AMBER, AMBER+STRICT or RED" },
	{ "--labels", 0, "JSON", "new, edit: all labels at once, as 'show --json' has them" },
	{ "--body", 0, "FILE", "new, edit: fields as a JSON object; - is standard input" },
	{ "--text", 0, NULL, "new, edit: print the form instead of changing anything" },
	{ "--form", 0, "FILE", "new, edit: take the form filled in; - is standard input" },
	{ "--based-on", 0, "N", "edit, move: refuse when a version after N stands" },
	{ "--sort", 0, "FIELD", "list: order by this field, -FIELD downwards" },
	{ "--after", 0, "CURSOR", "list, search: the page behind, as the one before said" },
	{ "--limit", 'n', "N", "list, search, history: at most so many (50 as text, else all)" },
	{ "--overdue", 0, NULL, "list: only what should have been done by now" },
	{ "--for", 0, "ID", "make: what the new ones are for" },
	{ "--dry-run", 0, NULL, "import: say what would happen, change nothing" },
	{ "--map", 0, "LIST", "import: COLUMN=FIELD,… ; COLUMN= leaves it out" },
	{ "--key", 0, "FIELD", "import: rows whose FIELD is there already change that one" },
	{ "--case-key", 0, NULL, "show, edit: open what is sealed to you; reads your case passphrase from standard input" },
	{ "--language", 0, "TAG", "of labels (default: $LANG)" },
	{ .name = NULL },
};

static const struct {
	str word;
	record_word run;
	str means; /* only of types of which something means this */
} words[] = {
	{ STR_INIT("list"), record_list_word, STR_INIT("") },
	{ STR_INIT("show"), record_show_word, STR_INIT("") },
	{ STR_INIT("new"), record_new_word, STR_INIT("") },
	{ STR_INIT("edit"), record_edit_word, STR_INIT("") },
	{ STR_INIT("move"), record_move_word, STR_INIT("") },
	{ STR_INIT("link"), record_link_word, STR_INIT("") },
	{ STR_INIT("unlink"), record_unlink_word, STR_INIT("") },
	{ STR_INIT("history"), record_history_word, STR_INIT("") },
	{ STR_INIT("search"), record_search_word, STR_INIT("") },
	{ STR_INIT("export"), record_export_word, STR_INIT("") },
	{ STR_INIT("import"), record_import_word, STR_INIT("") },
	{ STR_INIT("erase"), record_erase_word, STR_INIT("") },
	{ STR_INIT("make"), record_make_word, STR_INIT("") },
	{ STR_INIT("token"), record_token_word, STR_INIT("claim.token") },
	{ STR_INIT("check"), record_check_word, STR_INIT("claim.token") },
};

#define VERB(name) extern const struct cli_verb cli_verb_##name;
#include "verbs.def"
#undef VERB
const struct cli_verb *const cli_verbs[] = {
#define VERB(name) &cli_verb_##name,
#include "verbs.def"
#undef VERB
	NULL,
};
const size_t cli_verb_count = COUNT_OF(cli_verbs) - 1;

/* `ronda TYPE WORD`, or `ronda record TYPE WORD`. */
bool cli_verb_asks_helpers(const char *command, int argc, char **argv)
{
	bool as_record = strcmp(command, "record") == 0;
	if (argc < 1 + as_record)
		return false;
	const char *type = as_record ? argv[0] : command, *word = argv[as_record];
	for (size_t i = 0; i < cli_verb_count; i++)
		if (strcmp(cli_verbs[i]->type, type) == 0 && strcmp(cli_verbs[i]->word, word) == 0)
			return cli_verbs[i]->helpers;
	return false;
}

const struct type_field *record_field(const struct type *t, str name)
{
	const struct type_field *f = type_find_field(t, name);
	for (size_t i = 0; !f && i < t->field_count; i++)
		for (const struct words *w = t->fields[i].label; !f && w->language; w++)
			if (str_eq_nocase(name, str_of(w->text)))
				f = &t->fields[i];
	return f;
}

enum rc record_no_field(const struct record_call *k, str name, struct err *err)
{
	const struct type *t = k->type;
	return fail(err, RC_INPUT, "there is no field '" STR_FMT "' in '%s'%s", STR_ARG(str_head(name, 60)),
		    t->name, type_nearest(k->c->a, name, t->fields, t->field_count, sizeof(*t->fields)));
}

str record_name(const struct record_call *k, const char *text)
{
	uint64_t n = 0;
	if (str_to_u64(str_of(text), &n))
		return arena_fmt(k->c->a, "%s-%llu", k->type->name, (unsigned long long)n);
	return str_of(text);
}

str record_option(const struct record_call *k, const char *name)
{
	const char *value = cli_value(k->c, name);
	return value ? str_of(value) : STR("");
}

int record_done(struct record_call *k, enum rc rc, str id, const struct err *err)
{
	if (rc != RC_OK)
		return cli_fail(k->c, err);
	cli_done(k->c, "id", id);
	if (k->c->form == CLI_TEXT)
		cli_printf(k->c, STR_FMT "\n", STR_ARG(id));
	return 0;
}

int record_about(struct record_call *k, record_put_about put)
{
	struct reader *r = NULL;
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "it needs an ID");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = put(k, r, record_name(k, k->argv[0]), &err);
	if (r)
		store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

enum rc record_resolve(struct record_call *k, struct reader *r, const struct type_field *f, str text,
		       str *out, struct err *err)
{
	return read_references(r, k->types, &k->c->viewer, f, text, k->language, k->c->a, out, err);
}

enum rc record_field_value(struct record_call *k, struct reader *r, const struct type_field *f,
			   str text, struct json_out *j, struct err *err)
{
	struct buf b = BUF_INIT(MIB(4));
	struct json_out one = json_out(&b);
	str value = STR_NONE;
	enum rc rc = record_resolve(k, r, f, text, &value, err);
	if (rc == RC_OK)
		rc = kind_parse(f, value, k->language, &one, err);
	if (rc == RC_OK) {
		json_key(j, str_of(f->name));
		json_raw(j, buf_str(&b));
	}
	buf_free(&b);
	return rc;
}

enum rc record_arguments(struct record_call *k, struct reader *r, struct json_out *j, struct err *err)
{
	enum rc rc = RC_OK;
	for (int i = 0; rc == RC_OK && i < k->argc; i++) {
		str value = str_of(k->argv[i]), name = str_cut(&value, '=');
		const struct type_field *f = record_field(k->type, name);
		if (name.n == strlen(k->argv[i]))
			return fail(err, RC_INPUT, "'%s' is no FIELD=VALUE", k->argv[i]);
		if (!f)
			return record_no_field(k, name, err);
		rc = record_field_value(k, r, f, value, j, err);
	}
	return rc;
}

static int run_word(struct record_call *k)
{
	str word = k->argc ? str_of(k->argv[0]) : STR("list");
	k->argc -= k->argc > 0;
	k->argv += word.p == STR("list").p ? 0 : 1;
	/* A type's own word may stand before one that all have, and go on to it. */
	for (size_t i = 0; i < cli_verb_count; i++)
		if (str_eq(word, str_of(cli_verbs[i]->word)) && strcmp(k->type->name, cli_verbs[i]->type) == 0)
			return cli_verbs[i]->run(k);
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(word, words[i].word) &&
		    (!words[i].means.n || type_meaning(k->type, words[i].means)))
			return words[i].run(k);
	return cli_usage(k->c, arena_fmt(k->c->a, "there is no word '" STR_FMT "'", STR_ARG(word)).p);
}

static int run(struct cli *c)
{
	struct record_call k = { .c = c, .argc = c->argc, .argv = c->argv };
	bool named = c->command != &cli_record; /* ronda incident list, not ronda record incident list */
	const char *language = cli_value(c, "--language");
	struct err err;
	if (!named && c->argc == 0)
		return cli_usage(c, "give a type: 'ronda help' lists them");
	str name = str_of(named ? c->command->name : c->argv[0]);
	k.language = str_of(language ? language : "");
	if (cli_value(c, "--case-key") && cli_open_case_key(c, &err) != RC_OK)
		return cli_fail(c, &err);
	if (!named) {
		k.argc--;
		k.argv++;
	}
	struct snapshot_ref *ref = snapshot_hold(c->node->types);
	k.types = snapshot_table(ref);
	k.type = types_find(k.types, name);
	int code;
	if (k.type) {
		code = run_word(&k);
	} else {
		(void)fail(&err, RC_ABSENT, "there is no type '" STR_FMT "'; 'ronda help' lists them",
			   STR_ARG(name));
		code = cli_fail(c, &err);
	}
	cli_rows_end(c);
	snapshot_drop(c->node->types, ref);
	return code;
}

const struct cli_command cli_record = {
	.name = "record",
	.brief = "what people write: 'ronda TYPE …' does the same as 'ronda record TYPE …'",
	.usage = "record TYPE list | show ID | new | edit ID | move ID STATE | link ID KIND OTHER | unlink ID LINK"
		 " | history ID | search TEXT | export | import FILE | erase ID | make ID --for ID",
	.text = "ID is a number, TYPE-NUMBER or TYPE--UUID. list takes FIELD=VALUE, FIELD>=VALUE, FIELD<=VALUE, "
		"FIELD^=BEGINNING, state=STATE and text=WORDS; new and edit take FIELD=VALUE, an empty value takes it "
		"away. On a terminal 'edit ID' alone opens $EDITOR. make turns the rows of a record into records, as a plan's "
		"steps into tasks. import takes JSON lines or CSV (a column is a field's "
		"name or label), all of it or nothing, and prints a number: 'import undo NUMBER' puts back what stood "
		"before, 'import list' shows the runs. Of a claim: 'token ID' says what its DNS must have, 'check ID' "
		"looks whether it has. 'ronda help TYPE' shows a type's fields and states.",
	.example = "ronda record -d demo incident list",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
