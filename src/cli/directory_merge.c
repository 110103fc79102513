/* SPDX-License-Identifier: Apache-2.0 */
/* ronda directory duplicates | merge KEEP OTHER | unmerge OTHER */
#include "cli/directory_private.h"
#include "directory/merge.h"
#include "route/directory_records.h"

/* "42" is a number of an organisation. */
static str id_of(struct cli *c, const char *word)
{
	uint64_t number;
	struct snapshot_ref *ref = snapshot_hold(c->node->types);
	const struct type *t = directory_type(snapshot_table(ref));
	str id = t && str_to_u64(str_of(word), &number) ?
			 arena_fmt(c->a, "%s-%llu", t->name, (unsigned long long)number) :
			 str_of(word);
	snapshot_drop(c->node->types, ref);
	return id;
}

static enum rc list_duplicates(struct cli_table *t, struct reader *r, struct err *err)
{
	struct cli *c = t->c;
	struct duplicate *list;
	size_t count;
	bool more;
	struct snapshot_ref *ref = snapshot_hold(c->node->types);
	enum rc rc = duplicates_find(r, snapshot_table(ref), &c->viewer, c->a, &list, &count, &more, err);
	for (size_t i = 0; rc == RC_OK && i < count && !c->broken; i++) {
		const struct duplicate *d = &list[i];
		str row[] = { arena_fmt(c->a, "%llu", (unsigned long long)d->a_number), d->a_name,
			      arena_fmt(c->a, "%llu", (unsigned long long)d->b_number), d->b_name,
			      arena_fmt(c->a, "%u", d->weight), d->why };
		cli_row(t, row);
	}
	if (rc == RC_OK && more)
		cli_talk(c, "there are more than %d", DUPLICATES_MOST);
	snapshot_drop(c->node->types, ref);
	return rc;
}

int directory_duplicates(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ "number", COLUMN_NUMBER }, { .name = "name" }, { "other_number", COLUMN_NUMBER },
		{ .name = "other_name" }, { "weight", COLUMN_NUMBER }, { .name = "why" },
	};
	if (c->argc != 1)
		return cli_usage(c, "duplicates takes nothing");
	return cli_list(c, columns, COUNT_OF(columns), list_duplicates);
}

static int print_done(struct cli *c, const struct merge_done *d, const char *what)
{
	struct buf b = BUF_INIT(KIB(2));
	struct json_out j = json_out(&b);
	if (c->form == CLI_JSON) {
		json_open(&j, '{');
		json_put_str(&j, "keep", d->keep);
		json_put_str(&j, "other", d->other);
		json_put_i64(&j, "links", (int64_t)d->links);
		json_put_i64(&j, "references", (int64_t)d->references);
		json_put_i64(&j, "left", (int64_t)d->left);
		json_close(&j, '}');
		cli_print_json(c, &b);
	} else {
		cli_printf(c, "%s: %zu links and %zu references moved, %zu stay\n", what, d->links, d->references, d->left);
	}
	buf_free(&b);
	return 0;
}

int directory_merge(struct cli *c)
{
	struct merge_done done;
	struct err err;
	const char *why = cli_value(c, "--why");
	if (c->argc != 3)
		return cli_usage(c, "merge KEEP OTHER --why TEXT");
	enum rc rc = organisations_merge(c->node->records, c->node->store, &c->viewer, id_of(c, c->argv[1]),
					 id_of(c, c->argv[2]), str_of(why ? why : ""), c->a, &done, &err);
	if (rc == RC_OK)
		rc = node_directory_reload(c->node, &err);
	return rc == RC_OK ? print_done(c, &done, "merged") : cli_fail(c, &err);
}

int directory_unmerge(struct cli *c)
{
	struct merge_done done;
	struct err err;
	const char *why = cli_value(c, "--why");
	if (c->argc != 2)
		return cli_usage(c, "unmerge OTHER: the one that was merged away");
	enum rc rc = organisations_unmerge(c->node->records, c->node->store, &c->viewer, id_of(c, c->argv[1]),
					   str_of(why ? why : ""), c->a, &done, &err);
	if (rc == RC_OK)
		rc = node_directory_reload(c->node, &err);
	return rc == RC_OK ? print_done(c, &done, "two again") : cli_fail(c, &err);
}
