/* SPDX-License-Identifier: Apache-2.0 */
/* ronda template from | preview | classes. */
#include "cli/record_private.h"
#include "notify/classes.h"
#include "notify/letters.h"
#include "notify/own_texts.h"

static int from(struct record_call *k)
{
	str id = STR("");
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "from needs CLASS.LANGUAGE");
	enum rc rc = own_text_new(k->c->node->notify, &k->c->viewer, str_of(k->argv[0]), k->c->a, &id, &err);
	return record_done(k, rc, id, &err);
}

const struct cli_verb cli_verb_template_from = {
	.type = "template",
	.word = "from",
	.usage = "from CLASS.LANGUAGE",
	.brief = "a draft that is a copy of the text built in, to be changed and put in force",
	.run = from,
};

static int preview(struct record_call *k)
{
	str subject = STR(""), text = STR("");
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "preview needs an ID");
	if (own_text_preview(k->c->node->notify, &k->c->viewer, record_name(k, k->argv[0]), k->c->a, &subject, &text,
			     &err) != RC_OK)
		return cli_fail(k->c, &err);
	static const struct cli_column columns[] = { { .name = "subject" }, { .name = "text" } };
	if (k->c->form == CLI_TEXT) {
		cli_printf(k->c, STR_FMT "\n\n" STR_FMT "\n", STR_ARG(subject), STR_ARG(text));
		return 0;
	}
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	str values[] = { subject, text };
	cli_row(&t, values);
	cli_rows_end(k->c);
	return 0;
}

const struct cli_verb cli_verb_template_preview = {
	.type = "template",
	.word = "preview",
	.usage = "preview ID",
	.brief = "how it reads, with findings that are made up",
	.run = preview,
};

static int classes(struct record_call *k)
{
	static const struct cli_column columns[] = { { .name = "class" }, { .name = "live" } };
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	if (k->argc != 0)
		return cli_usage(k->c, "classes takes nothing");
	for (size_t i = 0; class_at(i); i++) {
		str name = str_of(class_at(i));
		str values[] = { name, class_is_live(name) ? STR("live") : STR("") };
		cli_row(&t, values);
	}
	for (size_t i = 0; letter_class_at(i); i++) {
		str values[] = { str_of(letter_class_at(i)), STR("letter") };
		cli_row(&t, values);
	}
	cli_rows_end(k->c);
	return 0;
}

const struct cli_verb cli_verb_template_classes = {
	.type = "template",
	.word = "classes",
	.usage = "classes",
	.brief = "what findings are told as; of live ones the events hold what infects or cheats; and texts of letters",
	.run = classes,
};
