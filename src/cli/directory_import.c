/* SPDX-License-Identifier: Apache-2.0 */
/* ronda directory import FILE... --form NAME | forms | contacts */
#include <malloc.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/directory_private.h"
#include "directory/import.h"

static void tell(void *ctx, uint64_t row, const char *words)
{
	struct cli *c = ctx;
	if (row)
		cli_talk(c, "row %llu: %s", (unsigned long long)row, words);
	else
		cli_talk(c, "%s", words);
}

static str value(struct cli *c, const char *option)
{
	const char *v = cli_value(c, option);
	return str_of(v ? v : "");
}

static void print_organisations(struct cli *c, const struct import_run *run, const struct import_outcome *o)
{
	const struct bulk_counts *n = &o->bulk;
	struct buf b = BUF_INIT(KIB(4));
	struct json_out j = json_out(&b);
	if (c->form == CLI_JSON) {
		json_open(&j, '{');
		json_put_str(&j, "form", str_of(run->form->name));
		json_put_bool(&j, "dry_run", run->dry_run);
		json_put_i64(&j, "run", n->run);
		json_put_i64(&j, "organisations", (int64_t)n->rows);
		json_put_i64(&j, "added", (int64_t)n->added);
		json_put_i64(&j, "changed", (int64_t)n->changed);
		json_put_i64(&j, "same", (int64_t)n->same);
		json_put_i64(&j, "refused", (int64_t)n->refused);
		json_put_i64(&j, "contacts", (int64_t)o->contacts);
		json_put_i64(&j, "claims", (int64_t)o->claims);
		json_put_i64(&j, "kept", (int64_t)o->kept);
		json_put_i64(&j, "told", (int64_t)o->told);
		json_close(&j, '}');
		cli_print_json(c, &b);
	} else {
		cli_printf(c, "%s%llu organisations: %llu added, %llu changed, %llu the same, %llu refused\n",
			   run->dry_run ? "would be: " : "", (unsigned long long)n->rows, (unsigned long long)n->added,
			   (unsigned long long)n->changed, (unsigned long long)n->same, (unsigned long long)n->refused);
		cli_printf(c, "%llu contacts, %llu claims; %llu values of ours differ and stay\n",
			   (unsigned long long)o->contacts, (unsigned long long)o->claims, (unsigned long long)o->kept);
		if (n->run)
			cli_printf(c, "run %lld: 'ronda organisation import undo %lld' takes it back\n", (long long)n->run,
				   (long long)n->run);
	}
	buf_free(&b);
}

static void print_contacts(struct cli *c, const struct import_run *run, const struct import_contacts_outcome *o)
{
	const struct fallback_counts *n = &o->counts;
	struct buf b = BUF_INIT(KIB(4));
	struct json_out j = json_out(&b);
	if (c->form == CLI_JSON) {
		json_open(&j, '{');
		json_put_str(&j, "form", str_of(run->form->name));
		json_put_str(&j, "source", run->source);
		json_put_bool(&j, "dry_run", run->dry_run);
		json_put_bool(&j, "same", o->same);
		json_put_i64(&j, "entries", (int64_t)n->entries);
		json_put_i64(&j, "contacts", (int64_t)n->contacts);
		json_put_i64(&j, "doubles", (int64_t)n->doubles);
		json_put_i64(&j, "told", (int64_t)o->told);
		json_close(&j, '}');
		cli_print_json(c, &b);
	} else {
		cli_printf(c, "%s%llu ranges and names with %llu contacts from '" STR_FMT "'%s\n",
			   run->dry_run ? "would be: " : "", (unsigned long long)n->entries, (unsigned long long)n->contacts,
			   STR_ARG(run->source), o->same ? ": the same stand already" : "");
	}
	buf_free(&b);
}

static enum rc organisations(struct cli *c, struct import_run *run, struct dir_file *f, struct err *err)
{
	struct buf text = BUF_INIT(IMPORT_TEXT_MAX);
	struct import_outcome o = { .told = 0 };
	enum rc rc = dir_file_all(f, IMPORT_TEXT_MAX, &text, err);
	run->in.text = buf_str(&text);
	if (rc == RC_OK) {
		rc = import_organisations(c->node->records, c->node->store, &c->viewer, run, tell, c, &o, err);
		if (rc == RC_OK || o.bulk.rows || o.told)
			print_organisations(c, run, &o);
	}
	buf_free(&text);
	return rc;
}

static enum rc contacts(struct cli *c, struct import_run *run, struct dir_file *f, struct err *err)
{
	struct buf text = BUF_INIT(IMPORT_TEXT_MAX);
	struct import_contacts_outcome o = { .told = 0 };
	enum rc rc = RC_OK;
	if (run->source.n == 0) {
		str whose = run->form->whose ? run->form->whose(dir_file_head(f, IMPORT_HEAD)) : STR("");
		char *name = whose.n ? arena_z(c->a, arena_fmt(c->a, "%s:" STR_FMT, run->form->source,
							       STR_ARG(str_head(whose, 20)))) : NULL;
		for (char *p = name; p && *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p + 32);
		run->source = str_of(name ? name : run->form->source);
	}
	if (run->form->by_line) {
		run->in.line = dir_file_line;
		run->in.ctx = f;
	} else {
		rc = dir_file_all(f, IMPORT_TEXT_MAX, &text, err);
		run->in.text = buf_str(&text);
	}
	if (rc == RC_OK)
		rc = import_contacts(c->node->store, c->node->journal, str_of(c->viewer.actor), run, tell, c, &o, err);
	if (rc == RC_OK)
		rc = dir_file_end(f, err);
	if (rc == RC_OK && !run->dry_run && !o.same)
		rc = node_contacts_reload(c->node, err);
	if (rc == RC_OK)
		print_contacts(c, run, &o);
	buf_free(&text);
	return rc;
}

bool directory_import_form(struct cli *c, int *code_out)
{
	str name = value(c, "--form");
	struct err err = { 0 };
	struct import_run run = { .source = value(c, "--source"), .why = value(c, "--why"), .language = STR(""),
				  .overwrite = cli_value(c, "--overwrite") != NULL,
				  .dry_run = cli_value(c, "--dry-run") != NULL,
				  .in = { .map = value(c, "--map"), .dir = c->node->dir, .subject = value(c, "--subject") } };
	if (name.n == 0 && run.in.map.n)
		name = STR("csv");
	run.form = name.n ? import_form_find(name) : NULL;
	if (name.n && !run.form) {
		*code_out = cli_usage(c, "there is no such form; 'ronda directory forms' lists them");
		return true;
	}
	if (c->argc < 2)
		return false;
	/* stdin can be read once: without a form it is for the plain importer */
	if (!run.form && str_eq(str_of(c->argv[1]), STR("-")))
		return false;
	struct dir_file *f = dir_file_new(c, c->argv + 1, (size_t)c->argc - 1);
	if (!run.form) {
		run.form = import_form_guess(dir_file_head(f, IMPORT_HEAD), str_of(c->argv[1]));
		bool plain = !run.form || str_eq(str_of(run.form->name), STR("csv"));
		if (plain && (c->argc == 2 || dir_file_end(f, &err) != RC_OK)) {
			dir_file_free(f);
			return false;
		}
		if (plain) {
			*code_out = cli_usage(c, "these files are of no form that is known; say which with --form");
			dir_file_free(f);
			return true;
		}
	}
	str seen = value(c, "--seen");
	int64_t us;
	enum rc rc = RC_OK;
	(void)dir_file_head(f, 1); /* opens it */
	run.in.seen_day = dir_file_day(f);
	if (seen.n && !time_parse(seen, true, &us))
		rc = fail(&err, RC_INPUT, "--seen is a date, say 2026-11-22");
	else if (seen.n)
		run.in.seen_day = time_day(us);
	if (rc == RC_OK)
		rc = run.form->makes == IMPORT_ORGANISATIONS ? organisations(c, &run, f, &err) :
							       contacts(c, &run, f, &err);
	dir_file_free(f);
	malloc_trim(0); /* a serving node does it for us, and goes on */
	*code_out = rc == RC_OK ? 0 : cli_fail(c, &err);
	return true;
}

int directory_forms(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ .name = "form" }, { .name = "brings" }, { .name = "source" }, { "trust", COLUMN_NUMBER }, { .name = "what" },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	const struct import_form *f;
	for (size_t i = 0; (f = import_form_at(i)); i++) {
		str row[] = { str_of(f->name), f->makes == IMPORT_ORGANISATIONS ? STR("organisations") : STR("contacts"),
			      str_of(f->source), arena_fmt(c->a, "%u", import_trust(str_of(f->source))), str_of(f->brief) };
		cli_row(&t, row);
	}
	return 0;
}

/* --- contacts of last resort --- */

struct source_list {
	struct cli *c;
	struct cli_table *t;
};

static bool each_source(void *ctx, const struct fallback_source *s)
{
	struct source_list *l = ctx;
	char at[40];
	struct buf hex = BUF_INIT(80);
	hex_format(&hex, s->digest.b, sizeof(s->digest.b));
	str row[] = { s->name, arena_fmt(l->c->a, "%llu", (unsigned long long)s->entries),
		      arena_fmt(l->c->a, "%llu", (unsigned long long)s->contacts),
		      arena_fmt(l->c->a, "%llu", (unsigned long long)s->bytes), time_str(at, s->at_us),
		      arena_str(l->c->a, buf_str(&hex)) };
	cli_row(l->t, row);
	buf_free(&hex);
	return !l->c->broken;
}

static enum rc list_sources(struct cli_table *t, struct reader *r, struct err *err)
{
	struct source_list l = { t->c, t };
	return fallback_sources(reader_conn(r), each_source, &l, err);
}

int directory_contacts(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ .name = "source" }, { "entries", COLUMN_NUMBER }, { "contacts", COLUMN_NUMBER },
		{ "bytes", COLUMN_NUMBER }, { "taken", COLUMN_TIME }, { .name = "digest" },
	};
	struct err err;
	str word = c->argc > 1 ? str_of(c->argv[1]) : STR("list");
	if (c->argc <= 2 && str_eq(word, STR("list")))
		return cli_list(c, columns, COUNT_OF(columns), list_sources);
	if (c->argc != 3 || !str_eq(word, STR("undo")))
		return cli_usage(c, "contacts list, or contacts undo SOURCE");
	enum rc rc = fallback_undo(c->node->store, c->node->journal, str_of(c->argv[2]), str_of(c->viewer.actor), &err);
	if (rc == RC_OK)
		rc = node_contacts_reload(c->node, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "source", str_of(c->argv[2]));
	return 0;
}
