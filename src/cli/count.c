/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--by", 'b', "LIST", "up to four of: day, type, taxonomy, cc, asn, organisation, feed, identifier, "
			       "severity, tlp (default: type)" },
	{ .name = NULL },
};

static const struct { const char *name; enum count_by by; } keys[] = {
	{ "day", BY_DAY },   { "type", BY_TYPE }, { "taxonomy", BY_TAXONOMY }, { "cc", BY_CC },
	{ "asn", BY_ASN },   { "organisation", BY_ORG }, { "org", BY_ORG }, { "feed", BY_FEED },
	{ "identifier", BY_IDENTIFIER }, { "severity", BY_SEVERITY }, { "tlp", BY_TLP },
};

static bool read_keys(str list, enum count_by *by, const char **names, size_t *count)
{
	while (list.n) {
		str one = str_trim(str_cut(&list, ','));
		size_t i = 0;
		while (i < COUNT_OF(keys) && !str_eq(one, str_of(keys[i].name)))
			i++;
		if (i == COUNT_OF(keys) || *count == 4)
			return false;
		names[*count] = keys[i].name;
		by[(*count)++] = keys[i].by;
	}
	return *count > 0;
}

static void as_json(struct cli *c, const struct count_row *rows, size_t count,
		    const char *const *names, size_t key_count)
{
	cli_print(c, STR("["));
	for (size_t i = 0; i < count; i++) {
		struct buf b = BUF_INIT(MIB(4));
		struct json_out j = json_out(&b);
		json_open(&j, '{');
		for (size_t k = 0; k < key_count; k++)
			json_put_str(&j, names[k], rows[i].key[k]);
		json_put_i64(&j, "count", (int64_t)rows[i].count);
		json_close(&j, '}');
		cli_print(c, i ? STR(",\n") : STR("\n"));
		cli_print(c, buf_str(&b));
		buf_free(&b);
	}
	cli_print(c, STR("\n]\n"));
}

/* Readers know organisations by name, the store by number. */
static void name_organisations(struct cli *c, const enum count_by *by, size_t key_count,
			       struct count_row *rows, size_t count)
{
	struct snapshot_ref *ref = node_directory(c->node);
	const struct directory *d = snapshot_table(ref);
	for (size_t k = 0; k < key_count; k++) {
		for (size_t i = 0; by[k] == BY_ORG && i < count; i++) {
			int64_t id = 0;
			const struct org *o =
				str_to_i64(rows[i].key[k], &id) ? directory_org(d, id) : NULL;
			if (o)
				rows[i].key[k] = arena_str(c->a, o->name);
		}
	}
	snapshot_drop(c->node->directory, ref);
}

static int run(struct cli *c)
{
	const char *by_text = cli_value(c, "--by"), *names[4] = { NULL };
	enum count_by by[4];
	size_t key_count = 0, count = 0;
	struct filter_set f = { .query = { 0 } };
	struct count_row *rows = NULL;
	struct reader *r = NULL;
	struct err err;
	if (!read_keys(str_of(by_text ? by_text : "type"), by, names, &key_count))
		return cli_usage(c, "--by takes up to four of day, type, taxonomy, cc, asn, organisation, feed, "
				    "identifier, severity, tlp");
	int code = cli_filters(c, &f);
	if (code)
		return code;
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_counts(r, &c->viewer, &f.query, by, key_count, c->a, &rows, &count, &err);
	/* Over a damaged chunk the rest is counted, shown, and the damage told behind it. */
	bool shown = rc == RC_OK || (rc == RC_INPUT && rows);
	if (shown)
		name_organisations(c, by, key_count, rows, count);
	if (shown && c->form == CLI_JSON)
		as_json(c, rows, count, names, key_count);
	struct cli_column columns[5] = { { NULL, COLUMN_TEXT } };
	for (size_t k = 0; k < key_count; k++)
		columns[k].name = names[k];
	columns[key_count] = (struct cli_column){ "count", COLUMN_NUMBER };
	struct cli_table t = cli_table(c, columns, key_count + 1);
	for (size_t i = 0; shown && c->form != CLI_JSON && i < count; i++) {
		char number[24];
		str row[5];
		for (size_t k = 0; k < key_count; k++)
			row[k] = rows[i].key[k].n ? rows[i].key[k] : STR("-");
		snprintf(number, sizeof(number), "%llu", (unsigned long long)rows[i].count);
		row[key_count] = str_of(number);
		cli_row(&t, row);
	}
	if (r)
		store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

const struct cli_command cli_count = {
	.name = "count",
	.brief = "count events by day, type, country, ...",
	.usage = "count [options] [NAME=VALUE...]",
	.text = "Filters as in 'ronda events'. Only what you may see is counted. With --json an array of objects "
		"with the keys asked for and \"count\".",
	.example = "ronda count -d demo --by day,type,cc",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_READ,
	.run = run,
};
