/* SPDX-License-Identifier: Apache-2.0 */
/* What a request of a person can do beside what every record can. */
#include "privacy/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/record_private.h"
#include "node/purge.h"

struct calling {
	struct cli *c;
	struct snapshot_ref *types;
	struct subject_ask ask;
	struct record_call call;
};

static bool go_on(void *ctx, const char *part, uint64_t looked, uint64_t found)
{
	struct cli *c = ctx;
	if (c->progress)
		cli_talk(c, "%s: %llu looked at, %llu found", part, (unsigned long long)looked,
			 (unsigned long long)found);
	return !cli_abandoned(c);
}

static void begin(struct calling *k, struct cli *c)
{
	const char *language = cli_value(c, "--language");
	*k = (struct calling){ .c = c, .types = snapshot_hold(c->node->types) };
	const struct types *t = snapshot_table(k->types);
	k->call = (struct record_call){ .c = c, .types = t, .type = types_find(t, str_of(c->command->name)) };
	k->ask = node_subject_ask(c->node, t, &c->viewer,
				  k->call.type ? record_name(&k->call, c->argv[1]) : STR(""));
	k->ask.language = str_of(language ? language : "");
	k->ask.go_on = go_on;
	k->ask.ctx = c;
}

static int search(struct calling *k)
{
	struct subject_result result;
	struct err err;
	if (subject_search(&k->ask, k->c->a, &result, &err) != RC_OK)
		return cli_fail(k->c, &err);
	if (k->c->form == CLI_JSON)
		cli_printf(k->c, "{\"id\":\"" STR_FMT "\",\"looked\":%llu,\"found\":%llu,\"ended\":%s}\n",
			   STR_ARG(result.id), (unsigned long long)result.looked,
			   (unsigned long long)result.found, result.ended ? "true" : "false");
	else
		cli_printf(k->c, "%llu looked at, %llu found%s\n", (unsigned long long)result.looked,
			   (unsigned long long)result.found, result.ended ? "" : "; cut off: search again to go on");
	return 0;
}

static const char *fate_name(enum subject_fate f)
{
	return f == SUBJECT_GIVEN ? "given" : f == SUBJECT_CUT ? "cut" : "neither";
}

static int list_found(struct calling *k)
{
	static const struct cli_column columns[] = { { .name = "object" }, { .name = "kind" },
						     { "identifier", COLUMN_NUMBER }, { .name = "fate" },
						     { .name = "ground" }, { "erased", COLUMN_BOOL } };
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	struct subject_found *list = NULL;
	size_t n = 0;
	struct reader *r = NULL;
	struct err err;
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = subject_list(r, &k->ask, k->c->a, &list, &n, &err);
	if (r)
		store_read_end(r);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		char number[16];
		snprintf(number, sizeof(number), "%u", list[i].identifier + 1);
		str row[] = { list[i].object, list[i].kind, str_of(number), str_of(fate_name(list[i].fate)),
			      list[i].ground, list[i].erased ? STR("yes") : STR("no") };
		cli_row(&t, row);
	}
	cli_rows_end(k->c);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

/* --- the pack --- */

static enum rc write_file(int dir, const char *name, const struct buf *b, struct err *err)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t at = 0;
	if (fd < 0)
		return fail_errno(err, errno, "cannot write '%s'", name);
	while (at < b->n) {
		ssize_t n = write(fd, b->p + at, b->n - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	int code = at < b->n ? errno : 0;
	if (close(fd) != 0 && !code)
		code = errno;
	return code ? fail_errno(err, code, "cannot write '%s'", name) : RC_OK;
}

static enum rc write_pack(struct cli *c, const char *path, const struct subject_pack *p, struct err *err)
{
	if (c->foreign)
		return fail(err, RC_DENIED, "files are written for the node's own user only: use --json");
	if (mkdirat(c->dir_fd, path, 0700) != 0)
		return fail_errno(err, errno, "cannot make '%s'", path);
	int dir = openat(c->dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return fail_errno(err, errno, "cannot open '%s'", path);
	enum rc rc = write_file(dir, "letter.txt", &p->letter, err);
	if (rc == RC_OK)
		rc = write_file(dir, "objects.json", &p->objects, err);
	if (rc == RC_OK)
		rc = write_file(dir, "table.csv", &p->table, err);
	close(dir);
	return rc;
}

static int pack(struct calling *k)
{
	struct subject_pack p = { .letter = BUF_INIT(SUBJECT_PACK_MAX), .objects = BUF_INIT(SUBJECT_PACK_MAX),
				  .table = BUF_INIT(SUBJECT_PACK_MAX) };
	const char *to = cli_value(k->c, "--output");
	struct err err;
	enum rc rc = node_subject_reply(k->c->node, &k->ask, k->c->a, &p, &err);
	if (rc == RC_OK && to)
		rc = write_pack(k->c, to, &p, &err);
	if (rc == RC_OK && !to)
		cli_write(k->c, k->c->out, buf_str(k->c->form == CLI_JSON ? &p.objects :
						   k->c->form == CLI_CSV  ? &p.table :
									    &p.letter));
	if (rc == RC_OK && to)
		cli_printf(k->c, "%llu given, %llu not given: %s\n", (unsigned long long)p.given,
			   (unsigned long long)p.cut, to);
	buf_free(&p.letter);
	buf_free(&p.objects);
	buf_free(&p.table);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

static int purge(struct calling *k)
{
	struct cli *c = k->c;
	struct purge_result p;
	const struct erase_result *done = &p.erased;
	struct err err;
	if (node_purge(c->node, &k->ask, c->a, &p, &err) != RC_OK)
		return cli_fail(c, &err);
	if (c->form == CLI_JSON)
		cli_printf(c, "{\"erased\":%zu,\"kept\":%zu,\"ended\":%s}\n", done->erased,
			   done->kept + p.excepted, done->ended ? "true" : "false");
	else
		cli_printf(c, "%zu erased, %zu kept%s\n", done->erased, done->kept + p.excepted,
			   done->ended ? "" : "; it goes on by itself: ronda erase list");
	for (size_t i = 0; i < done->kept && c->form == CLI_TEXT; i++)
		cli_printf(c, "kept " STR_FMT "\n", STR_ARG(done->why[i]));
	if (p.excepted && c->form == CLI_TEXT)
		cli_printf(c, "kept %zu: exceptions of the request, and the ledger\n", p.excepted);
	return 0;
}

static int run(struct cli *c)
{
	static const struct {
		const char *word;
		int (*run)(struct calling *k);
	} words[] = { { "search", search }, { "found", list_found }, { "pack", pack }, { "purge", purge } };
	for (size_t i = 0; c->argc == 2 && i < COUNT_OF(words); i++) {
		struct calling k;
		uint64_t number;
		bool named = str_to_u64(str_of(c->argv[1]), &number) ||
			     str_starts(str_of(c->argv[1]), arena_fmt(c->a, "%s-", c->command->name));
		if (!str_eq(str_of(c->argv[0]), str_of(words[i].word)) || !named)
			continue;
		begin(&k, c);
		int code = words[i].run(&k);
		snapshot_drop(c->node->types, k.types);
		return code;
	}
	return cli_record.run(c);
}

static const struct cli_option options[] = {
	{ "--output", 'o', "DIR", "pack: a folder that is made for letter.txt, objects.json and table.csv" },
	{ "--why", 0, "TEXT", "why it is changed; it is kept" },
	{ "--tlp", 0, "TLP", "new, edit: CLEAR, GREEN, AMBER, AMBER+STRICT or RED" },
	{ "--labels", 0, "JSON", "new, edit: all labels at once, as 'show --json' has them" },
	{ "--body", 0, "FILE", "new, edit: fields as a JSON object; - is standard input" },
	{ "--text", 0, NULL, "new, edit: print the form instead of changing anything" },
	{ "--form", 0, "FILE", "new, edit: take the form filled in; - is standard input" },
	{ "--based-on", 0, "N", "edit, move: refuse when a version after N stands" },
	{ "--sort", 0, "FIELD", "list: order by this field, -FIELD downwards" },
	{ "--after", 0, "CURSOR", "list: the page behind, as the one before said" },
	{ "--limit", 'n', "N", "list, history: at most so many" },
	{ "--overdue", 0, NULL, "list: only what should have been done by now" },
	{ "--language", 0, "TAG", "of labels and of the reply (default: $LANG)" },
	{ .name = NULL },
};

const struct cli_command cli_subject = {
	.name = "subject",
	.brief = "requests of persons: what is kept about me, and erase it",
	.usage = "subject search ID | found ID | pack ID [-o DIR] | purge ID | list | show ID | new | edit ID | move ID STATE …",
	.text = "A request names what to look for: addresses, e-mail addresses, domains, names, telephone numbers. search walks "
		"events, findings, records, ledger and quarantine; cut off it goes on when called again. found lists what it "
		"found. pack makes the reply: a letter, all items as JSON, a table; other persons' data is blackened, exceptions of "
		"the request are cut. In a large team a second person moves it to 'reviewed' first. purge erases what "
		"was found, but for what is held, excepted, or in the ledger, and says what stays. All other words are those of every "
		"record: 'ronda help record'.",
	.example = "ronda subject -d demo list",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
