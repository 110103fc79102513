/* SPDX-License-Identifier: Apache-2.0 */
/* ronda incident letter | note | thread: correspondence on a case. */
#include "cli/record_private.h"
#include "incident/thread.h"

enum { FILE_MOST = THREAD_TEXT_MAX };

/* The text: --text, or the file of --body ("-": standard input). */
static enum rc text_of(struct record_call *k, struct buf *file, str *out, struct err *err)
{
	const char *path = cli_value(k->c, "--body");
	*out = record_option(k, "--words");
	if (!path)
		return RC_OK;
	enum rc rc = cli_read_file(k->c, path, FILE_MOST, file, err);
	*out = buf_str(file);
	return rc;
}

static const char *const secure_words[] = { [SECURE_CLEAR] = "in clear", [SECURE_SIGNED] = "signed",
					    [SECURE_ENCRYPTED] = "encrypted", [SECURE_REFUSED] = "refused" };

static void print_plan(struct record_call *k, const struct thread_plan *p)
{
	static const struct cli_column columns[] = {
		{ .name = "to" }, { .name = "name" }, { .name = "address" }, { .name = "subject" }, { .name = "tlp" }, { .name = "mail" },
		{ "may", COLUMN_BOOL }, { "live", COLUMN_BOOL }, { .name = "words" },
	};
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	str row[] = { p->recipient, p->name, p->address, p->subject, str_of(tlp_name(p->tlp)),
		      str_of(secure_words[p->secure.how]), p->may ? STR("yes") : STR("no"), p->live ? STR("yes") : STR("no"),
		      p->secure.words.n > 0 && p->may ? p->secure.words : p->words };
	cli_row(&t, row);
	if (p->tlp < p->case_tlp)
		cli_talk(k->c, "the letter is marked %s, what it is about %s: look at what you quote", tlp_name(p->tlp),
			 tlp_name(p->case_tlp));
}

static int letter(struct record_call *k)
{
	struct buf file = BUF_INIT(FILE_MOST);
	struct err err = { 0 };
	struct thread_plan p;
	str text, id = STR("");
	int64_t message = 0;
	const struct notify *n = k->c->node->notify;
	if (k->argc != 1)
		return cli_usage(k->c, "letter needs an ID");
	enum rc rc = text_of(k, &file, &text, &err);
	struct thread_letter q = { .about = record_name(k, k->argv[0]), .to = record_option(k, "--to"), .text = text,
					 .subject = record_option(k, "--subject"), .tlp = record_option(k, "--tlp"),
					 .answers = record_option(k, "--answers") };
	/* A text is there to be changed: it is printed, and goes out as --body. */
	bool dry = cli_value(k->c, "--dry-run") || cli_value(k->c, "--template");
	if (rc == RC_OK && cli_value(k->c, "--template"))
		rc = text.n > 0 ? fail(&err, RC_INPUT, "--template and a text of your own exclude each other") :
				  thread_begin(n, &k->c->viewer, record_option(k, "--template"), STR(""), &q, k->c->a, &err);
	if (rc == RC_OK)
		rc = dry ? thread_plan(n, &k->c->viewer, &q, k->c->a, &p, &err) :
			   thread_send(n, &k->c->viewer, &q, k->c->a, &id, &message, &err);
	buf_free(&file);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	if (dry) {
		print_plan(k, &p);
		if (cli_value(k->c, "--template") && k->c->form == CLI_TEXT)
			cli_printf(k->c, "\n" STR_FMT "\n", STR_ARG(q.text));
		return 0;
	}
	(void)record_done(k, RC_OK, id, &err);
	cli_talk(k->c, "message %lld is queued", (long long)message);
	return 0;
}

static const struct cli_option letter_options[] = {
	{ "--to", 0, "WHOM", "letter: organisation-7, organisation-7/abuse, person-2, or an address" },
	{ "--subject", 0, "TEXT", "letter: its subject" },
	{ "--words", 0, "TEXT", "letter, remark: its text, instead of --body FILE" },
	{ "--template", 0, "TEXT", "letter: print this text, as letter-request.id, to begin with; nothing is sent" },
	{ "--answers", 0, "MAIL", "letter: the mail it answers, mail-3: whom to and subject follow" },
	{ .name = NULL },
};
const struct cli_verb cli_verb_incident_letter = {
	.type = "incident", .word = "letter",
	.usage = "letter ID --to WHOM | --answers MAIL [--subject TEXT] [--tlp TLP] --words TEXT | --body FILE | --template TEXT [--dry-run]",
	.brief = "write to somebody about it; --dry-run says exactly whom it would reach, and how",
	.options = letter_options, .helpers = true, .run = letter,
};

static int note(struct record_call *k)
{
	struct buf file = BUF_INIT(FILE_MOST);
	struct err err = { 0 };
	str text, id = STR("");
	if (k->argc != 1)
		return cli_usage(k->c, "remark needs an ID");
	enum rc rc = text_of(k, &file, &text, &err);
	if (rc == RC_OK)
		rc = thread_note(k->c->node->notify, &k->c->viewer, record_name(k, k->argv[0]), text, record_option(k, "--tlp"), k->c->a,
				 &id, &err);
	buf_free(&file);
	return record_done(k, rc, id, &err);
}

const struct cli_verb cli_verb_incident_remark = {
	.type = "incident", .word = "remark", .usage = "remark ID --words TEXT | --body FILE",
	.brief = "an internal note in its thread: nobody outside is told", .options = letter_options, .run = note,
};

static enum rc put_thread(struct record_call *k, struct reader *r, str id, struct err *err)
{
	static const struct cli_column columns[] = {
		{ .name = "party" }, { .name = "direction" }, { "at", COLUMN_TIME }, { .name = "id" }, { .name = "from" }, { .name = "to" },
		{ .name = "subject" }, { .name = "state" }, { .name = "signature" }, { "encrypted", COLUMN_BOOL }, { .name = "text" },
	};
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	struct thread_entry *list = NULL;
	size_t count = 0;
	enum rc rc = thread_read(k->c->node->notify, r, k->types, &k->c->viewer, id, k->c->a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		char at[40];
		const struct thread_entry *e = &list[i];
		str text = e->text, line = str_cut(&text, '\n');
		str row[] = { e->party, e->note ? STR("note") : e->outward ? STR("out") : STR("in"), time_str(at, e->at_us),
			      e->number, e->from, e->to, e->subject, e->state, e->signature, e->encrypted ? STR("yes") : STR("no"),
			      k->c->form == CLI_JSON ? e->text : line };
		cli_row(&t, row);
	}
	return rc;
}

static int thread(struct record_call *k)
{
	return record_about(k, put_thread);
}

const struct cli_verb cli_verb_incident_thread = {
	.type = "incident", .word = "thread", .usage = "thread ID",
	.brief = "its correspondence: mails in and out by party, and internal notes", .run = thread,
};
