/* SPDX-License-Identifier: Apache-2.0 */
/* ronda mail in FILE | status: a mail by hand, and how mails come in. */
#include "cli/record_private.h"
#include "node/mail_pick.h"

static void put_count(struct json_out *j, const char *name, int64_t n)
{
	json_put_i64(j, name, n);
}

static void print_status(struct cli *c, const struct inbound_counts *counts, const struct inbound_box *box, str name)
{
	char since[40];
	str when = box->since_us ? time_str(since, box->since_us) : STR("never");
	if (c->form == CLI_JSON) {
		struct buf b = BUF_INIT(KIB(8));
		struct json_out j = json_out(&b);
		json_open(&j, '{');
		json_put_str(&j, "mailbox", name);
		json_put_str(&j, "words", box->words);
		json_put_str(&j, "since", when);
		put_count(&j, "waiting", counts->waiting);
		put_count(&j, "in_mailbox", box->remain);
		for (int k = 1; k < INBOUND_KINDS; k++)
			put_count(&j, inbound_kind_name((enum inbound_kind)k), counts->of[k]);
		json_close(&j, '}');
		cli_print_json(c, &b);
		buf_free(&b);
		return;
	}
	cli_printf(c, "mailbox\t" STR_FMT "\n", STR_ARG(name.n ? name : STR("none: setting mail_in is empty")));
	if (name.n > 0)
		cli_printf(c, "state\t" STR_FMT " since " STR_FMT "\n", STR_ARG(box->words.n ? box->words : STR("it is read")),
			   STR_ARG(when));
	cli_printf(c, "waiting\t%lld\n", (long long)counts->waiting);
	if (name.n > 0)
		cli_printf(c, "still in the mailbox\t%lld\n", (long long)box->remain);
	for (int k = 1; k < INBOUND_KINDS; k++)
		cli_printf(c, "%s\t%lld\n", inbound_kind_name((enum inbound_kind)k), (long long)counts->of[k]);
}

static int status(struct record_call *k)
{
	struct node *n = k->c->node;
	struct inbound_counts counts;
	struct inbound_box box;
	struct reader *r = NULL;
	struct err err;
	str name = settings_text(n->settings, "mail_in");
	enum rc rc = store_read_begin(n->store, &r, &err);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	rc = inbound_count(reader_conn(r), &counts, &err);
	if (rc == RC_OK)
		rc = inbound_box_load(reader_conn(r), name, k->c->a, &box, &err);
	store_read_end(r);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	print_status(k->c, &counts, &box, name);
	return 0;
}

static void print_taken(struct cli *c, const struct inbound_row *row, str record, bool known)
{
	if (c->form == CLI_JSON) {
		struct buf b = BUF_INIT(KIB(8));
		struct json_out j = json_out(&b);
		json_open(&j, '{');
		put_count(&j, "mail", row->id);
		json_put_str(&j, "kind", str_of(inbound_kind_name(row->kind)));
		json_put_bool(&j, "known", known);
		json_put_str(&j, "record", record);
		put_count(&j, "reports", row->reports);
		json_put_str(&j, "words", row->words);
		json_close(&j, '}');
		cli_print_json(c, &b);
		buf_free(&b);
		return;
	}
	cli_printf(c, "mail %lld, %s%s%s" STR_FMT ": " STR_FMT "\n", (long long)row->id, inbound_kind_name(row->kind),
		   known ? ", known" : "", record.n ? ", " : "", STR_ARG(record), STR_ARG(row->words));
}

static int take(struct record_call *k, const char *path)
{
	struct buf bytes = BUF_INIT(MAIL_BYTES_MAX + KIB(64)), uuid = BUF_INIT(128);
	struct inbound_row row;
	struct err err;
	str record = STR("");
	bool known = false;
	enum rc rc = cli_read_file(k->c, path, MAIL_BYTES_MAX, &bytes, &err);
	if (rc == RC_OK)
		rc = mail_pick_take(k->c->node, buf_str(&bytes), k->c->a, &row, &record, &known, &err);
	if (rc == RC_OK && row.has_record) {
		record_id_format(&uuid, str_of(k->type->name), &row.record);
		record = arena_str(k->c->a, buf_str(&uuid));
	}
	buf_free(&bytes);
	buf_free(&uuid);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	print_taken(k->c, &row, record, known);
	return 0;
}

static int mail_in(struct record_call *k)
{
	if (k->argc != 1)
		return cli_usage(k->c, "in needs a FILE, - or 'status'");
	bool asks = strcmp(k->argv[0], "status") == 0;
	int code = cli_may(k->c, authz_ever(&k->c->viewer, asks ? ACTION_READ : ACTION_CREATE, k->type));
	if (code != 0)
		return code;
	return asks ? status(k) : take(k, k->argv[0]);
}

const struct cli_verb cli_verb_mail_in = {
	.type = "mail", .word = "in", .usage = "in FILE | - | status",
	.brief = "take one mail as if it had come, or show how mails come in", .run = mail_in,
	.helpers = true,
};

/* --- into an incident --- */

static int file(struct record_call *k)
{
	struct node *n = k->c->node;
	const struct meaning *incident = type_meaning(k->type, STR("mail.incident")), *filed = type_meaning(k->type, STR("mail.filed"));
	struct change_errors errors = { .count = 0 };
	struct record_view v = { 0 };
	struct buf fields = BUF_INIT(KIB(4));
	struct reader *r = NULL;
	struct err err;
	str id = STR("");
	if (k->argc != 2 || !incident || !filed)
		return cli_usage(k->c, "file needs the mail's ID and the incident's, or - for none");
	enum rc rc = store_read_begin(n->store, &r, &err);
	if (rc == RC_OK && strcmp(k->argv[1], "-") != 0)
		rc = record_resolve(k, r, incident->field, str_of(k->argv[1]), &id, &err);
	if (r)
		store_read_end(r);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	id = str_trim_all(id);
	struct json_out j = json_out(&fields);
	json_open(&j, '{');
	json_key(&j, str_of(incident->field->name));
	if (id.n > 0)
		json_str(&j, id);
	else
		json_null(&j);
	json_close(&j, '}');
	const struct change_request q = { .id = record_name(k, k->argv[0]), .fields = buf_str(&fields), .language = k->language,
					  .to_state = id.n > 0 ? str_of(k->type->states[filed->state].name) : STR_NONE };
	rc = change_record(n->records, n->store, &k->c->viewer, &q, k->c->a, &v, &errors, &err);
	record_view_end(&v);
	buf_free(&fields);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	cli_done(k->c, "filed", str_of(k->argv[0]));
	return 0;
}

const struct cli_verb cli_verb_mail_file = {
	.type = "mail", .word = "file", .usage = "file ID INCIDENT | -", .brief = "into an incident, or out of it", .run = file,
};
