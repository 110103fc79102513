/* SPDX-License-Identifier: Apache-2.0 */
/* ronda partner knows: who of the partners has seen a value; asked once, then the answers are shown. */
#include "cli/record_private.h"
#include "exchange/together.h"
#include "exchange/who_knows.h"

struct finding_asked {
	struct record_call *k;
	str value, id;
};

static bool is_asked(void *ctx, const struct record_view *v)
{
	struct finding_asked *f = ctx;
	struct buf b = BUF_INIT(KIB(4));
	const struct meaning *m = type_meaning(record_view_type(v), STR("inquiry.value"));
	const struct meaning *asked = type_meaning(record_view_type(v), STR("inquiry.asked"));
	if (record_view_number(v) == 0 || !asked || record_view_state(v) != (int)asked->state)
		return true;
	record_view_text(v, m->field, &b);
	if (str_eq_nocase(buf_str(&b), f->value))
		f->id = record_view_id(v, f->k->c->a);
	buf_free(&b);
	return f->id.n == 0;
}

/* A question of ours about this value that stands. */
static enum rc find_asked(struct record_call *k, struct reader *r, str value, str *out, struct err *err)
{
	struct record_query q = { .type = types_meaning(k->types, STR("inquiry.value")), .with_body = true };
	struct finding_asked f = { .k = k, .value = value, .id = STR("") };
	enum rc rc = q.type ? read_records(r, k->types, &k->c->viewer, &q, 10000, k->c->a, is_asked, &f, err) : RC_OK;
	*out = f.id;
	return rc;
}

static str time_or_none(struct record_call *k, int64_t us)
{
	char text[40];
	return us ? arena_str(k->c->a, time_str(text, us)) : STR("");
}

static enum rc show(struct record_call *k, struct reader *r, str id, struct err *err)
{
	static const struct cli_column columns[] = {
		{ .name = "team" }, { "asked", COLUMN_TIME }, { "answered", COLUMN_TIME }, { "count", COLUMN_NUMBER },
		{ "first", COLUMN_TIME }, { "last", COLUMN_TIME }, { .name = "tlp" }, { .name = "words" },
	};
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	struct together_part *parts = NULL;
	struct together_word *words = NULL;
	size_t part_count = 0, count = 0;
	struct exchange *x = k->c->node->exchange;
	enum rc rc = together_parts(x, r, k->types, &k->c->viewer, id, k->c->a, &parts, &part_count, err);
	if (rc == RC_OK)
		rc = together_read(x, r, k->types, &k->c->viewer, id, k->c->a, &words, &count, err);
	for (size_t i = 0; rc == RC_OK && i < part_count; i++) {
		const struct together_word *w = NULL;
		for (size_t n = 0; n < count && !w; n++)
			if (str_eq(words[n].what, STR("knows")) && str_eq(words[n].team, parts[i].team))
				w = &words[n];
		if (parts[i].us)
			continue;
		str row[] = { parts[i].team, time_or_none(k, parts[i].since_us), w ? time_or_none(k, w->at_us) : STR(""),
			      w && w->has_count ? arena_fmt(k->c->a, "%llu", (unsigned long long)w->count) : STR(""),
			      w ? time_or_none(k, w->first_us) : STR(""), w ? time_or_none(k, w->last_us) : STR(""),
			      w && w->tlp < TLP_COUNT ? str_of(tlp_name(w->tlp)) : STR(""), w ? w->title : STR("") };
		cli_row(&t, row);
	}
	return rc;
}

static int knows(struct record_call *k)
{
	struct err err = { 0 };
	struct reader *r = NULL;
	str id = STR(""), value = k->argc == 1 ? str_of(k->argv[0]) : STR("");
	const char *to = cli_value(k->c, "--to"), *tlp = cli_value(k->c, "--tlp"), *why = cli_value(k->c, "--why");
	if (k->argc != 1)
		return cli_usage(k->c, "knows needs one address, domain, digest or name of a malware");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK && !cli_value(k->c, "--again"))
		rc = find_asked(k, r, value, &id, &err);
	if (rc == RC_OK && id.n)
		rc = show(k, r, id, &err);
	if (r)
		store_read_end(r);
	if (rc != RC_OK || id.n)
		return rc == RC_OK ? 0 : cli_fail(k->c, &err);
	rc = who_knows_ask(k->c->node->exchange, &k->c->viewer, value, str_of(to ? to : ""), str_of(tlp ? tlp : ""),
			   str_of(why ? why : ""), k->c->a, &id, &err);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	(void)record_done(k, RC_OK, id, &err);
	cli_talk(k->c, "asked; the same command shows the answers");
	return 0;
}

static const struct cli_option knows_options[] = {
	{ "--to", 0, "PARTNER", "knows: ask this one alone" },
	{ "--again", 0, NULL, "knows: ask anew, though it was asked" },
	{ .name = NULL },
};
const struct cli_verb cli_verb_partner_knows = {
	.type = "partner",
	.word = "knows",
	.usage = "knows VALUE [--to PARTNER] [--why TEXT] [--tlp TLP] [--again]",
	.brief = "ask partners whether they have seen an address, domain, digest or malware; the same again shows what they answered",
	.options = knows_options,
	.run = knows,
};
