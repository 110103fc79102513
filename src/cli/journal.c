/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"
#include "disclosure/approval.h"

static const struct cli_option options[] = {
	{ "--limit", 'n', "N", "list: at most so many (default 50)" },
	{ "--before", 0, "N", "list: lines with a lower number than N: the next page" },
	{ "--actor", 0, "WHO", "list: only what WHO did, as 'unix:0' or 'token:3'" },
	{ "--act", 0, "ACT", "list: only this act, as 'intake' or 'hold.set'" },
	{ "--object", 0, "WHAT", "list: only what was done to WHAT, as 'report:12'" },
	{ "--from", 0, "TIME", "list: from this time on" },
	{ "--until", 0, "TIME", "list: before this time" },
	{ "--against", 0, "FILE", "verify: heads kept elsewhere, one a line, or one head itself" },
	{ "--reason", 0, "TEXT", "key: why; goes into the journal" },
	{ .name = NULL },
};

static const struct cli_column columns[] = {
	{ "number", COLUMN_NUMBER }, { "time", COLUMN_TIME }, { .name = "actor" },
	{ .name = "act" }, { .name = "object" }, { "count", COLUMN_NUMBER },
	{ "body", COLUMN_JSON }, { "erased", COLUMN_BOOL },
};

static enum rc take_number(struct cli *c, const char *option, uint64_t *to, struct err *err)
{
	const char *text = cli_value(c, option);
	if (text && !str_to_u64(str_of(text), to))
		return fail(err, RC_INPUT, "%s takes a number, not '%s'", option, text);
	return RC_OK;
}

static enum rc take_time(struct cli *c, const char *option, int64_t *to, struct err *err)
{
	const char *text = cli_value(c, option);
	if (text && !time_parse(str_of(text), true, to))
		return fail(err, RC_INPUT, "%s takes a time as 2026-01-31 or 2026-01-31T12:00:00Z, not '%s'",
			    option, text);
	return RC_OK;
}

static str number_text(struct cli *c, uint64_t n)
{
	return arena_fmt(c->a, "%llu", (unsigned long long)n);
}

static enum rc list(struct cli *c, struct reader *r, struct err *err)
{
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct journal_query q = { .actor = str_of(cli_value(c, "--actor")),
				   .act = str_of(cli_value(c, "--act")),
				   .object = str_of(cli_value(c, "--object")) };
	struct journal_line *lines = NULL;
	uint64_t limit = 50;
	size_t count = 0;
	enum rc rc = take_number(c, "--limit", &limit, err);
	if (rc == RC_OK)
		rc = take_number(c, "--before", &q.before, err);
	if (rc == RC_OK)
		rc = take_time(c, "--from", &q.from_us, err);
	if (rc == RC_OK)
		rc = take_time(c, "--until", &q.until_us, err);
	q.limit = limit;
	if (rc == RC_OK)
		rc = journal_find(reader_conn(r), &q, c->a, &lines, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		char at[40];
		str row[] = { number_text(c, lines[i].number), time_str(at, lines[i].at_us),
			      lines[i].actor, lines[i].act, lines[i].object,
			      number_text(c, lines[i].count), lines[i].body,
			      lines[i].erased ? STR("yes") : STR("no") };
		cli_row(&t, row);
	}
	return rc;
}

static str digest_text(struct cli *c, const struct digest *d)
{
	struct buf hex = BUF_INIT(2 * sizeof(d->b) + 1);
	hex_format(&hex, d->b, sizeof(d->b));
	str s = arena_str(c->a, buf_str(&hex));
	buf_free(&hex);
	return s;
}

/* One line with all that is known of it, and who erased its body. */
static enum rc show(struct cli *c, struct reader *r, struct err *err)
{
	static const struct cli_column all[] = {
		{ "number", COLUMN_NUMBER }, { "time", COLUMN_TIME }, { .name = "actor" },
		{ .name = "act" }, { .name = "object" }, { "count", COLUMN_NUMBER },
		{ .name = "root" }, { .name = "hash" }, { "body", COLUMN_JSON },
		{ "erased", COLUMN_BOOL }, { "erased_at", COLUMN_TIME }, { .name = "erased_by" },
		{ "erased_why", COLUMN_JSON }, { "erased_in", COLUMN_NUMBER },
	};
	struct cli_table t = cli_table(c, all, COUNT_OF(all));
	struct journal_line l, by = { 0 };
	uint64_t number;
	char at[40], erased_at[40];
	if (c->argc != 2 || !str_to_u64(str_of(c->argv[1]), &number))
		return fail(err, RC_INPUT, "'journal show' takes the number of a line");
	enum rc rc = journal_get(reader_conn(r), number, c->a, &l, err);
	if (rc != RC_OK)
		return rc;
	rc = l.erased ? journal_erased_by(reader_conn(r), &l, c->a, &by, err) : RC_OK;
	if (rc != RC_OK && rc != RC_ABSENT) /* that no line says so is verify's to tell */
		return rc;
	str row[] = { number_text(c, l.number), time_str(at, l.at_us), l.actor, l.act, l.object,
		      number_text(c, l.count), digest_text(c, &l.root), digest_text(c, &l.hash),
		      l.body, l.erased ? STR("yes") : STR("no"),
		      by.number ? time_str(erased_at, by.at_us) : STR(""), by.actor, by.body,
		      by.number ? number_text(c, by.number) : STR("") };
	cli_row(&t, row);
	return RC_OK;
}

static enum rc verify(struct cli *c, struct reader *r, bool *sound, struct err *err)
{
	struct buf kept = BUF_INIT(0);
	struct journal_check check = { 0 };
	enum rc rc = cli_kept_heads(c, cli_value(c, "--against"), &kept, err);
	if (rc == RC_OK)
		rc = journal_verify(reader_conn(r), buf_str(&kept), &check, err);
	buf_free(&kept);
	if (rc != RC_OK)
		return rc;
	*sound = check.first_bad == 0;
	if (c->form == CLI_JSON) {
		struct json_out j = json_out(c->pending);
		json_open(&j, '{');
		json_put_i64(&j, "lines", (int64_t)check.lines);
		json_put_i64(&j, "first_bad", (int64_t)check.first_bad);
		json_put_i64(&j, "heads", (int64_t)check.heads);
		json_put_str(&j, "words", str_of(check.words));
		json_close(&j, '}');
		cli_print(c, STR("\n"));
	} else if (*sound && cli_value(c, "--against")) {
		cli_printf(c, "%llu lines, sound; %llu heads kept elsewhere agree\n",
			   (unsigned long long)check.lines, (unsigned long long)check.heads);
	} else if (*sound) {
		cli_printf(c, "%llu lines, sound\n", (unsigned long long)check.lines);
	} else {
		cli_printf(c, "line %llu is bad: %s\n", (unsigned long long)check.first_bad, check.words);
	}
	return RC_OK;
}

static enum rc head(struct cli *c, struct reader *r, struct err *err)
{
	struct buf text = BUF_INIT(256);
	enum rc rc = journal_head(reader_conn(r), &text, err);
	if (rc == RC_OK && c->form == CLI_JSON) {
		struct json_out j = json_out(c->pending);
		json_open(&j, '{');
		json_put_str(&j, "head", buf_str(&text));
		json_put_str(&j, "node", store_node_id(c->node->store));
		json_close(&j, '}');
		cli_print(c, STR("\n"));
	} else if (rc == RC_OK) {
		cli_printf(c, STR_FMT "\n", STR_ARG(buf_str(&text)));
	}
	buf_free(&text);
	return rc;
}

struct witnessing {
	struct cli *c;
	struct buf line;
};

static enum rc witness_job(struct tx *tx, void *ctx, struct err *err)
{
	struct witnessing *w = ctx;
	return journal_witness(tx, w->c->node->journal, str_of(w->c->argv[1]), str_of(w->c->argv[2]),
			       str_of(w->c->viewer.actor), &w->line, err);
}

static enum rc witness(struct cli *c, struct err *err)
{
	struct witnessing w = { .c = c, .line = BUF_INIT(KIB(2)) };
	if (c->argc != 3)
		return fail(err, RC_INPUT, "'journal witness' takes the id of a node and its head");
	enum rc rc = store_write(c->node->store, witness_job, &w, err);
	if (rc == RC_OK)
		cli_done(c, "witness", buf_str(&w.line));
	if (rc == RC_OK && c->form != CLI_JSON)
		cli_printf(c, STR_FMT "\n", STR_ARG(buf_str(&w.line)));
	buf_free(&w.line);
	return rc;
}

struct new_key {
	struct cli *c;
	int64_t approval;
	bool waits;
};

/* Who holds the key can write another history: in a large team two persons change it. */
static enum rc new_key_job(struct tx *tx, void *ctx, struct err *err)
{
	struct new_key *k = ctx;
	struct node *n = k->c->node;
	str why = str_of(cli_value(k->c, "--reason"));
	const struct approval_ask ask = { .kind = APPROVAL_KEY, .object = STR("node"), .why = why,
					  .what = STR("another key that signs the journal") };
	bool go = false;
	if (!str_trim_all(why).n)
		return fail(err, RC_INPUT, "another key needs --reason TEXT");
	enum rc rc = approval_ask(tx, n->journal, n->roles, &k->c->viewer, &ask, &go, &k->approval, err);
	k->waits = rc == RC_OK && !go;
	return rc == RC_OK && go ? journal_new_key(tx, n->journal, why, str_of(k->c->viewer.actor), err) : rc;
}

static int new_key(struct cli *c)
{
	struct new_key k = { .c = c };
	struct err err = { 0 };
	int code = cli_may(c, right_includes(c->viewer.right, RIGHT_OPERATE));
	if (code)
		return code;
	enum rc rc = store_write(c->node->store, new_key_job, &k, &err);
	if (rc == RC_OK && k.waits)
		rc = fail(&err, RC_BUSY, STR_FMT, STR_ARG(approval_words(k.approval, c->a)));
	if (rc != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "changed", STR("the key of the journal"));
	return 0;
}

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	struct reader *r = NULL;
	struct err err;
	bool sound = true;
	int code = cli_may(c, viewer_reads_journal(&c->viewer, c->node->roles));
	if (code)
		return code;
	if (str_eq(word, STR("witness")))
		return witness(c, &err) == RC_OK ? 0 : cli_fail(c, &err);
	if (str_eq(word, STR("key")))
		return new_key(c);
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK && str_eq(word, STR("list")))
		rc = list(c, r, &err);
	else if (rc == RC_OK && str_eq(word, STR("show")))
		rc = show(c, r, &err);
	else if (rc == RC_OK && str_eq(word, STR("verify")))
		rc = verify(c, r, &sound, &err);
	else if (rc == RC_OK && str_eq(word, STR("head")))
		rc = head(c, r, &err);
	else if (rc == RC_OK)
		rc = fail(&err, RC_INPUT,
			  "there is no 'journal " STR_FMT "': list, show, verify, head, witness or key",
			  STR_ARG(word));
	store_read_end(r);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	return sound ? 0 : rc_exit_code(RC_IO);
}

const struct cli_command cli_journal = {
	.name = "journal",
	.brief = "who did what, in a chain nobody can edit",
	.usage = "journal list [options] | show N | verify [--against FILE] | head | witness NODE HEAD | key --reason TEXT",
	.text = "list shows the newest lines first; with --object the history of one thing. verify names the "
		"first bad line. Keep the output of head elsewhere, a line a day: verify --against that file "
		"then also shows a tail that was cut off. witness signs the head of another node, for its file. "
		"key makes another key to sign with; in a large team a second person approves it first.",
	.example = "ronda journal -d demo verify",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
