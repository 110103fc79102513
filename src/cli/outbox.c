/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/read_outbox.h"

#include "cli/cli_private.h"
#include "notify/paper.h"

static const struct cli_option options[] = {
	{ "--state", 0, "STATE", "list: queued, taken, draining, sent, uncertain, withdrawn, refused, failed or rehearsed" },
	{ "--driver", 0, "NAME", "list, print: only of this sender (notice, webhook, chat, sms, mail, portal, print)" },
	{ "--to", 0, "RECIPIENT", "list: only to this one" },
	{ "--item", 0, "ID", "list: only about this, or what covers it" },
	{ "--before", 0, "ID", "list: go on behind this message" },
	{ "--limit", 'n', "N", "list: at most so many (default 50)" },
	{ "--why", 0, "TEXT", "again, withdraw: the reason; it goes into the journal" },
	{ "--words", 0, "TEXT", "print, posted: how it went; into the ledger" },
	{ "--ask", 0, NULL, "print: ask afterwards which of them were posted" },
	{ .name = NULL },
};

static const struct cli_column columns[] = {
	{ "id", COLUMN_NUMBER }, { .name = "state" }, { .name = "driver" }, { .name = "to" },
	{ .name = "item" }, { "item_version", COLUMN_NUMBER }, { .name = "template" }, { "policy", COLUMN_NUMBER },
	{ "tries", COLUMN_NUMBER }, { "made", COLUMN_TIME }, { "not_before", COLUMN_TIME }, { .name = "words" },
};

static void row(struct cli_table *t, const struct message *m)
{
	struct arena *a = t->c->a;
	char made[40], after[40];
	str values[] = { arena_fmt(a, "%lld", (long long)m->id), str_of(message_state_name(m->state)), m->driver,
			 m->recipient, m->item,
			 m->item_version ? arena_fmt(a, "%llu", (unsigned long long)m->item_version) : STR(""),
			 m->template, arena_fmt(a, "%llu", (unsigned long long)m->policy),
			 arena_fmt(a, "%u", m->tries), time_str(made, m->made_us),
			 m->not_before_us > 0 ? time_str(after, m->not_before_us) : STR(""), m->words };
	cli_row(t, values);
}

/* The state of that name; 0: any. False: there is none. */
static bool state_of(const char *name, enum message_state *out)
{
	*out = 0;
	for (int s = MESSAGE_QUEUED; name && s < MESSAGE_STATES; s++)
		if (strcmp(name, message_state_name((enum message_state)s)) == 0)
			*out = (enum message_state)s;
	return !name || *out != 0;
}

static int list(struct cli *c)
{
	const char *most = cli_value(c, "--limit"), *before = cli_value(c, "--before");
	struct outbox_query q = { .driver = cli_value(c, "--driver"), .recipient = str_of(cli_value(c, "--to")),
				  .item = str_of(cli_value(c, "--item")), .limit = 50 };
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct message *all = NULL;
	size_t count = 0;
	uint64_t limit = 50;
	struct reader *r = NULL;
	struct err err = { 0 };
	if (!state_of(cli_value(c, "--state"), &q.state))
		return cli_usage(c, "--state: there is no such state");
	if (most && (!str_to_u64(str_of(most), &limit) || limit > 1000))
		return cli_usage(c, "--limit takes a number up to 1000");
	if (before && !str_to_i64(str_of(before), &q.before))
		return cli_usage(c, "--before takes the number of a message");
	q.limit = limit;
	struct snapshot_ref *types = snapshot_hold(c->node->types);
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_outbox(r, snapshot_table(types), &c->viewer, &q, c->a, &all, &count, &err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		row(&t, &all[i]);
	if (r)
		store_read_end(r);
	snapshot_drop(c->node->types, types);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static void print_message(struct cli *c, const struct message *m, const struct cover *covers, size_t count)
{
	struct buf b = BUF_INIT(MIB(8));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_i64(&j, "id", m->id);
	json_put_str(&j, "state", str_of(message_state_name(m->state)));
	json_put_str(&j, "driver", m->driver);
	json_put_str(&j, "to", m->recipient);
	json_put_str(&j, "item", m->item);
	json_put_i64(&j, "item_version", (int64_t)m->item_version);
	json_put_str(&j, "template", m->template);
	json_key(&j, STR("details"));
	json_raw(&j, m->details.n ? m->details : STR("{}"));
	json_put_i64(&j, "policy", (int64_t)m->policy);
	json_put_str(&j, "maker", m->maker);
	json_put_time(&j, "made", m->made_us);
	json_put_i64(&j, "tries", m->tries);
	json_put_str(&j, "words", m->words);
	json_key(&j, STR("covers"));
	json_open(&j, '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&j, '{');
		json_put_str(&j, "item", covers[i].item);
		json_put_i64(&j, "version", (int64_t)covers[i].version);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	cli_print_json(c, &b);
	buf_free(&b);
}

static int show(struct cli *c, int64_t id)
{
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct message m;
	struct cover *covers = NULL;
	size_t count = 0;
	struct reader *r = NULL;
	struct err err = { 0 };
	struct snapshot_ref *types = snapshot_hold(c->node->types);
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_message(r, snapshot_table(types), &c->viewer, id, c->a, &m, &covers, &count, &err);
	if (rc == RC_OK && c->form == CLI_JSON)
		print_message(c, &m, covers, count);
	else if (rc == RC_OK)
		row(&t, &m);
	if (r)
		store_read_end(r);
	snapshot_drop(c->node->types, types);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

/* --- on paper --- */

struct printing {
	struct cli *c;
	int64_t ids[1000];
	size_t count, refused;
};

/* A form feed behind each, so that each is a page. */
static bool print_page(void *ctx, const struct paper *p)
{
	struct printing *k = ctx;
	struct cli *c = k->c;
	if (p->words.n > 0) {
		k->refused++;
		cli_talk(c, "message %lld to " STR_FMT " is not printed: " STR_FMT, (long long)p->id, STR_ARG(p->recipient),
			 STR_ARG(p->words));
		return true;
	}
	if (k->count < COUNT_OF(k->ids))
		k->ids[k->count++] = p->id;
	cli_printf(c, "Message %lld\n" STR_FMT "\n", (long long)p->id, STR_ARG(p->name));
	if (p->address.n > 0)
		cli_printf(c, STR_FMT "\n", STR_ARG(p->address));
	cli_printf(c, "\n" STR_FMT "\n\n", STR_ARG(p->subject));
	cli_print(c, p->text);
	cli_print(c, STR("\n\f"));
	return !c->broken;
}

static int confirm(struct cli *c, int64_t id)
{
	const char *words = cli_value(c, "--words");
	struct err err = { 0 };
	if (paper_posted(c->node->notify, &c->viewer, id, str_of(words ? words : ""), &err) != RC_OK)
		return cli_fail(c, &err);
	return 0;
}

static str answer_line(struct cli *c)
{
	struct buf b = BUF_INIT(KIB(64));
	char one;
	while (cli_read(c, c->in, &one, 1) == 1 && one != '\n')
		buf_char(&b, one);
	str line = arena_str(c->a, str_trim_all(buf_str(&b)));
	buf_free(&b);
	return line;
}

static int ask(struct printing *k)
{
	struct cli *c = k->c;
	int code = 0;
	if (k->count == 0 || !cli_flush(c))
		return 0;
	cli_talk(c, "which of these were posted? numbers, 'all', or nothing");
	str line = answer_line(c);
	bool all = str_eq(line, STR("all"));
	for (size_t i = 0; all && code == 0 && i < k->count; i++)
		code = confirm(c, k->ids[i]);
	while (!all && code == 0 && line.n > 0) {
		int64_t id;
		str one = str_cut(&line, ' ');
		if (one.n > 0 && !str_to_i64(one, &id))
			return cli_usage(c, "that is no number of a message");
		if (one.n > 0)
			code = confirm(c, id);
	}
	return code;
}

static int print_all(struct cli *c)
{
	struct printing k = { .c = c };
	struct err err = { 0 };
	if (c->argc != 1)
		return cli_usage(c, "print takes no number: it prints what waits");
	if (paper_print(c->node->notify, &c->viewer, cli_value(c, "--driver"), c->a, print_page, &k, &err) != RC_OK)
		return cli_fail(c, &err);
	if (cli_value(c, "--ask"))
		return ask(&k);
	if (k.count > 0)
		cli_talk(c, "%zu printed; 'ronda outbox posted NUMBER...' says which were posted", k.count);
	return 0;
}

static int posted(struct cli *c)
{
	int code = c->argc > 1 ? 0 : cli_usage(c, "posted needs the numbers of messages");
	for (int i = 1; code == 0 && i < c->argc; i++) {
		int64_t id;
		if (!str_to_i64(str_of(c->argv[i]), &id))
			return cli_usage(c, "posted needs the numbers of messages");
		code = confirm(c, id);
	}
	return code;
}

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	bool again = str_eq(word, STR("again"));
	struct err err = { 0 };
	int64_t id = 0;
	if (c->argc <= 1 && str_eq(word, STR("list")))
		return list(c);
	if (str_eq(word, STR("print")))
		return print_all(c);
	if (str_eq(word, STR("posted")))
		return posted(c);
	if (c->argc != 2 || !str_to_i64(str_of(c->argv[1]), &id))
		return cli_usage(c, "list, or show, again or withdraw with the number of a message");
	if (str_eq(word, STR("show")))
		return show(c, id);
	if (!again && !str_eq(word, STR("withdraw")))
		return cli_usage(c, "list, show ID, again ID or withdraw ID");
	if (change_message(c->node->records, c->node->store, &c->viewer, id, again, str_of(cli_value(c, "--why")),
			   &err) != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, again ? "queued" : "withdrawn", str_of(c->argv[1]));
	return 0;
}

const struct cli_command cli_outbox = {
	.name = "outbox",
	.brief = "messages to be sent, and how they fare",
	.usage = "outbox list | show ID | again ID --why TEXT | withdraw ID --why TEXT | print [--ask] | posted ID...",
	.text = "A message is uncertain when its sender cannot know whether it arrived: it is sent again only by 'again'. "
		"'withdraw' stops one that no sender has begun to send. 'print' writes what waits for a person, or for a "
		"driver that is not here, as pages (a form feed behind each); 'posted' says that it went. What a message is about is left out when "
		"you may not see it.",
	.example = "ronda outbox -d demo list",
	.options = options,
	.needs_node = true,
	.run = run,
};
