/* SPDX-License-Identifier: Apache-2.0 */
/* Changing records: new, edit, move, link, unlink, erase. */
#include <json-c/json.h>

#include "cli/record_private.h"

struct writing {
	struct record_call *k;
	struct change_request q;
	struct buf fields;
	struct change_errors errors;
	struct record_view now;    /* what was made, or stands */
	struct record_view before; /* of an edit in a form */
};

static enum rc read_begin(struct record_call *k, struct reader **r, struct err *err)
{
	return store_read_begin(k->c->node->store, r, err);
}

/* A view's JSON as a tree; end with json_free. */
static struct json_object *tree_of(const struct record_view *v)
{
	struct buf b = BUF_INIT(MIB(8));
	struct json_out j = json_out(&b);
	struct json_object *o = NULL;
	if (v->record)
		record_view_json(v, &j);
	if (b.n == 0 || json_read(buf_str(&b), &o, NULL) != RC_OK)
		o = NULL;
	buf_free(&b);
	return o;
}

static void print_made(struct record_call *k, const struct record_view *v)
{
	struct buf b = BUF_INIT(MIB(8));
	struct json_out j = json_out(&b);
	struct json_object *o = tree_of(v);
	int64_t number = 0, version = 0;
	if (!o) {
		cli_printf(k->c, k->c->form == CLI_JSON ? "{}\n" : "done; you may not see it any more\n");
		return;
	}
	(void)json_get_i64(o, "number", &number);
	(void)json_get_i64(o, "version", &version);
	if (k->c->form == CLI_JSON) {
		record_view_json(v, &j);
		cli_print_json(k->c, &b);
	} else {
		cli_printf(k->c, "%s-%lld version %lld, " STR_FMT "\n", k->type->name, (long long)number,
			   (long long)version, STR_ARG(json_get_str(o, "state")));
	}
	json_free(o);
	buf_free(&b);
}

static void json_member(struct json_out *j, const char *name, struct json_object *v)
{
	json_key(j, str_of(name));
	json_raw(j, v ? str_of(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN)) : STR("null"));
}

/* Somebody changed it meanwhile: what you wanted beside what stands. */
static void print_conflict(struct writing *w)
{
	struct cli *c = w->k->c;
	struct json_object *yours = NULL, *stands = tree_of(&w->now);
	struct json_object *body = json_get(stands, "body");
	struct buf b = BUF_INIT(MIB(8)), mine = BUF_INIT(MIB(1)), theirs = BUF_INIT(MIB(1));
	int64_t version = 0;
	if (w->q.fields.n && json_read(w->q.fields, &yours, NULL) != RC_OK)
		yours = NULL;
	(void)json_get_i64(stands, "version", &version);
	if (c->form == CLI_JSON) {
		struct json_out j = json_out(&b);
		json_open(&j, '{');
		json_member(&j, "yours", yours);
		json_member(&j, "stands", stands);
		json_close(&j, '}');
		cli_print_json(c, &b);
	} else {
		cli_talk(c, "version %lld stands now:", (long long)version);
		for (size_t i = 0; i < w->k->type->field_count; i++) {
			const struct type_field *f = &w->k->type->fields[i];
			if (!yours || !json_object_object_get_ex(yours, f->name, NULL))
				continue;
			buf_reset(&mine);
			buf_reset(&theirs);
			kind_format(f, json_get(yours, f->name), &mine);
			kind_format(f, json_get(body, f->name), &theirs);
			cli_printf(c, "%s\n  yours:  " STR_FMT "\n  stands: " STR_FMT "\n", f->name,
				   STR_ARG(buf_str(&mine)), STR_ARG(buf_str(&theirs)));
		}
	}
	json_free(yours);
	json_free(stands);
	buf_free(&b);
	buf_free(&mine);
	buf_free(&theirs);
}

static int failed(struct writing *w, enum rc rc, struct err *err)
{
	if (rc == RC_CONFLICT)
		print_conflict(w);
	for (size_t i = 0; i < w->errors.count && (w->errors.count > 1 || rc != RC_INPUT); i++)
		cli_talk(w->k->c, "%s", w->errors.list[i].text);
	if (w->errors.count > 1)
		fail(err, rc, "%zu things are wrong", w->errors.count);
	return cli_fail(w->k->c, err);
}

static int ended(struct writing *w, int code)
{
	record_view_end(&w->now);
	record_view_end(&w->before);
	buf_free(&w->fields);
	return code;
}

static enum rc take_labels(struct writing *w, struct err *err)
{
	struct record_call *k = w->k;
	const char *tlp = cli_value(k->c, "--tlp"), *labels = cli_value(k->c, "--labels");
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);
	if (tlp && labels)
		return fail(err, RC_INPUT, "--tlp and --labels both say how it is marked");
	if (!tlp) {
		w->q.labels = labels ? str_of(labels) : STR_NONE;
		return RC_OK;
	}
	/* the other labels stay */
	struct json_object *o = tree_of(&w->before), *was = json_get(o, "labels");
	json_open(&j, '{');
	json_put_str(&j, "tlp", str_of(tlp));
	if (was) {
		json_object_object_foreach(was, name, value)
			if (strcmp(name, "tlp") != 0)
				json_member(&j, name, value);
	}
	json_close(&j, '}');
	w->q.labels = arena_str(k->c->a, buf_str(&b));
	json_free(o);
	buf_free(&b);
	return RC_OK;
}

/* Members of a JSON object into one that is open. */
static enum rc copy_members(str text, struct json_out *j, struct err *err)
{
	struct json_object *o = NULL;
	enum rc rc = json_read(text, &o, err);
	if (rc == RC_OK && !json_object_is_type(o, json_type_object))
		rc = fail(err, RC_INPUT, "fields must be one JSON object");
	if (rc == RC_OK) {
		struct json_object *body = json_get(o, "body"); /* as 'show --json' gives it */
		struct json_object *from = json_object_is_type(body, json_type_object) ? body : o;
		json_object_object_foreach(from, name, value)
			json_member(j, name, value);
	}
	json_free(o);
	return rc;
}

static enum rc from_form(struct writing *w, struct reader *r, struct json_out *j, struct err *err)
{
	struct record_call *k = w->k;
	const char *file = cli_value(k->c, "--form");
	struct buf text = BUF_INIT(MIB(4)), changed = BUF_INIT(MIB(4));
	struct json_object *o = tree_of(&w->before);
	enum rc rc = RC_OK;
	if (file) {
		rc = cli_read_file(k->c, file, MIB(4), &text, err);
	} else {
		record_form_write(k, json_get(o, "body"), &text);
		rc = record_form_edit(k, &text, err);
	}
	if (rc == RC_OK)
		rc = record_form_read(k, r, buf_str(&text), json_get(o, "body"), &changed, err);
	if (rc == RC_OK)
		rc = copy_members(buf_str(&changed), j, err);
	json_free(o);
	buf_free(&text);
	buf_free(&changed);
	return rc;
}

static bool wants_editor(const struct record_call *k)
{
	return k->argc == 0 && !cli_value(k->c, "--body") && !cli_value(k->c, "--form") &&
	       !cli_value(k->c, "--tlp") && !cli_value(k->c, "--labels");
}

static enum rc collect(struct writing *w, struct reader *r, struct err *err)
{
	struct record_call *k = w->k;
	const char *body = cli_value(k->c, "--body");
	struct json_out j = json_out(&w->fields);
	enum rc rc = RC_OK;
	json_open(&j, '{');
	if (body) {
		struct buf text = BUF_INIT(RECORD_BODY_MAX);
		rc = cli_read_file(k->c, body, RECORD_BODY_MAX, &text, err);
		if (rc == RC_OK)
			rc = copy_members(buf_str(&text), &j, err);
		buf_free(&text);
	}
	if (rc == RC_OK && (cli_value(k->c, "--form") || wants_editor(k)))
		rc = from_form(w, r, &j, err);
	if (rc == RC_OK)
		rc = record_arguments(k, r, &j, err);
	json_close(&j, '}');
	w->q.fields = buf_str(&w->fields);
	return rc == RC_OK ? take_labels(w, err) : rc;
}

static void print_form(struct record_call *k, const struct record_view *v)
{
	struct buf text = BUF_INIT(MIB(8));
	struct json_object *o = tree_of(v);
	record_form_write(k, json_get(o, "body"), &text);
	cli_print(k->c, buf_str(&text));
	json_free(o);
	buf_free(&text);
}

static enum rc based_on(struct writing *w, struct err *err)
{
	const char *text = cli_value(w->k->c, "--based-on");
	int64_t version = 0;
	struct json_object *o = tree_of(&w->before);
	/* a form was made from a version: what came since must not be lost */
	if (json_get_i64(o, "version", &version))
		w->q.based_on = (uint64_t)version;
	json_free(o);
	if (text && !str_to_u64(str_of(text), &w->q.based_on))
		return fail(err, RC_INPUT, "--based-on takes the number of a version");
	return RC_OK;
}

static int write_fields(struct record_call *k, str id)
{
	struct writing w = { .k = k, .fields = BUF_INIT(MIB(4)) };
	struct cli *c = k->c;
	struct reader *r = NULL;
	struct err err = { 0 };
	bool needs_old = id.p && (cli_value(c, "--text") || cli_value(c, "--form") || cli_value(c, "--tlp") ||
				  wants_editor(k));
	w.q = (struct change_request){ .type = str_of(k->type->name), .id = id, .language = k->language,
				       .why = str_of(cli_value(c, "--why")) };
	enum rc rc = read_begin(k, &r, &err);
	if (rc == RC_OK && needs_old)
		rc = read_record(r, k->types, &c->viewer, id, c->a, &w.before, &err);
	if (rc == RC_OK && cli_value(c, "--text")) {
		print_form(k, &w.before);
		store_read_end(r);
		return ended(&w, 0);
	}
	if (rc == RC_OK)
		rc = collect(&w, r, &err);
	store_read_end(r);
	if (rc == RC_OK && id.p)
		rc = based_on(&w, &err);
	if (rc == RC_OK)
		rc = change_record(c->node->records, c->node->store, &c->viewer, &w.q, c->a, &w.now, &w.errors,
				   &err);
	if (rc == RC_OK)
		print_made(k, &w.now);
	return ended(&w, rc == RC_OK ? 0 : failed(&w, rc, &err));
}

int record_new_word(struct record_call *k)
{
	return write_fields(k, STR_NONE);
}

int record_edit_word(struct record_call *k)
{
	if (k->argc == 0)
		return cli_usage(k->c, "edit needs an ID");
	str id = record_name(k, k->argv[0]);
	k->argc--;
	k->argv++;
	return write_fields(k, id);
}

/* A state by its name or label in any language. */
static str state_name(const struct type *t, str text)
{
	for (size_t i = 0; i < t->state_count; i++)
		for (const struct words *w = t->states[i].label; w->language; w++)
			if (type_state(t, text) < 0 && str_eq_nocase(text, str_of(w->text)))
				return str_of(t->states[i].name);
	return text;
}

int record_move_word(struct record_call *k)
{
	struct writing w = { .k = k, .fields = BUF_INIT(KIB(1)) };
	struct cli *c = k->c;
	struct err err = { 0 };
	if (k->argc != 2)
		return cli_usage(c, "move needs an ID and a STATE");
	w.q = (struct change_request){ .id = record_name(k, k->argv[0]), .language = k->language,
				       .to_state = state_name(k->type, str_of(k->argv[1])),
				       .why = str_of(cli_value(c, "--why")) };
	enum rc rc = based_on(&w, &err);
	if (rc == RC_OK)
		rc = change_record(c->node->records, c->node->store, &c->viewer, &w.q, c->a, &w.now, &w.errors,
				   &err);
	if (rc == RC_OK)
		print_made(k, &w.now);
	return ended(&w, rc == RC_OK ? 0 : failed(&w, rc, &err));
}

int record_link_word(struct record_call *k)
{
	struct cli *c = k->c;
	struct err err;
	int64_t id = 0;
	if (k->argc != 3)
		return cli_usage(c, "link needs an ID, a kind as 'related', and what it is linked to");
	enum rc rc = change_link(c->node->records, c->node->store, &c->viewer, record_name(k, k->argv[0]),
				 str_of(k->argv[1]), str_of(k->argv[2]), str_of(cli_value(c, "--why")), &id, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	if (c->form == CLI_JSON)
		cli_printf(c, "{\"link\":%lld}\n", (long long)id);
	else
		cli_printf(c, "link %lld\n", (long long)id);
	return 0;
}

int record_unlink_word(struct record_call *k)
{
	struct cli *c = k->c;
	struct err err;
	int64_t id = 0;
	if (k->argc != 2 || !str_to_i64(str_of(k->argv[1]), &id))
		return cli_usage(c, "unlink needs an ID and the number of a link, as 'show' has it");
	enum rc rc = change_unlink(c->node->records, c->node->store, &c->viewer, record_name(k, k->argv[0]),
				   id, str_of(cli_value(c, "--why")), &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "unlinked", str_of(k->argv[1]));
	return 0;
}

int record_erase_word(struct record_call *k)
{
	struct cli *c = k->c;
	struct err err;
	str why = str_trim_all(str_of(cli_value(c, "--why")));
	if (k->argc != 1 || why.n == 0)
		return cli_usage(c, "erase needs an ID and --why; nothing of it can be had back");
	str id = record_name(k, k->argv[0]);
	enum rc rc = change_erase(c->node->records, c->node->store, &c->viewer, id, why, &err);
	/* What must wait (a backup, a view) the background goes on with: `ronda erase list`. */
	for (bool did = true; rc == RC_OK && did && !cli_abandoned(c);)
		rc = erase_work(c->node->erase, &did, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "erased", id);
	return 0;
}
