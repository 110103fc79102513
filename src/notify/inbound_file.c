/* SPDX-License-Identifier: Apache-2.0 */
/* From a mail that is understood to a record, and what follows from it. */
#include <json-c/json.h>

#include "disclosure/change.h"
#include "disclosure/media.h"
#include "disclosure/policy.h"
#include "notify/answers.h"
#include "notify/bounce.h"
#include "notify/inbound_private.h"

enum { FILES_MOST = 100, LINE_MOST = 690 };

/* --- opening --- */

static enum rc read_raw(struct notify *n, int64_t id, struct arena *a, str *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = inbound_raw(reader_conn(r), id, a, out, err);
	store_read_end(r);
	return rc;
}

enum rc inbound_open(struct notify *n, int64_t id, struct arena *a, struct inbound *out, struct err *err)
{
	struct err why = { 0 };
	bool died = false;
	*out = (struct inbound){ .id = id, .recipient = STR(""), .organisation = STR(""), .incident = STR(""),
				 .previous = STR(""), .foreign = STR(""), .feed = STR("") };
	if (!n->w.mail_reader)
		return fail(err, RC_BUSY, "this command runs without the mail child");
	enum rc rc = read_raw(n, id, a, &out->raw, err);
	if (rc != RC_OK)
		return rc;
	rc = mail_parse(n->w.mail_reader, out->raw, a, &out->mail, &died, &why);
	if (rc == RC_INPUT || rc == RC_LIMIT) {
		out->mail = (struct mail){ .subject = STR("") };
		out->kind = INBOUND_UNREADABLE;
		out->words = arena_fmt(a, "it cannot be read: %s", why.text);
		return RC_OK;
	}
	if (rc != RC_OK)
		return fail(err, rc, "%s", why.text);
	struct reader *r = NULL;
	rc = store_read_begin(n->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	struct snapshot *types = records_types_snapshot(n->w.records);
	struct snapshot_ref *ref = snapshot_hold(types);
	rc = inbound_sort(n, r, snapshot_table(ref), a, out, err);
	snapshot_drop(types, ref);
	store_read_end(r);
	return rc;
}

/* --- the record --- */

struct filing {
	struct notify *n;
	const struct inbound *in;
	const struct type *type;
	const str *reports;
	size_t report_count;
	struct viewer v;
	struct arena *a;
	struct buf fields;
	str words, id, incident;
	bool with_raw;
	struct digest raw;
	struct digest file[FILES_MOST];
	size_t part[FILES_MOST], files;
};

static const struct type_field *field_of(const struct filing *f, const char *meaning)
{
	const struct meaning *m = type_meaning(f->type, str_of(meaning));
	return m ? m->field : NULL;
}

static void put(const struct filing *f, struct json_out *j, const char *meaning, str value)
{
	const struct type_field *field = field_of(f, meaning);
	if (field && value.n > 0)
		json_put_str(j, field->name, value);
}

static str cut(str s, size_t most, struct arena *a)
{
	if (s.n <= most)
		return s;
	while (most > 0 && ((unsigned char)s.p[most] & 0xc0) == 0x80)
		most--;
	return arena_str(a, str_head(s, most));
}

static str shown(const struct mail_address *m, struct arena *a)
{
	str name = cut(m->name, 300, a);
	if (m->name.n == 0)
		return m->address;
	return m->address.n == 0 ? name : arena_fmt(a, STR_FMT " <" STR_FMT ">", STR_ARG(name), STR_ARG(m->address));
}

static void put_list(const struct filing *f, struct json_out *j, const char *meaning, const struct mail_address *list,
		     size_t count)
{
	const struct type_field *field = field_of(f, meaning);
	if (!field || count == 0)
		return;
	json_key(j, str_of(field->name));
	json_open(j, '[');
	for (size_t i = 0; i < count; i++) {
		str text = shown(&list[i], f->a);
		if (text.n > 0)
			json_str(j, cut(text, LINE_MOST, f->a));
	}
	json_close(j, ']');
}

static void put_file_value(struct json_out *j, const struct digest *d, str name, size_t bytes)
{
	struct buf hex = BUF_INIT(80);
	hex_format(&hex, d->b, sizeof d->b);
	json_open(j, '{');
	json_put_str(j, "digest", buf_str(&hex));
	json_put_str(j, "name", name);
	json_put_i64(j, "bytes", (int64_t)bytes);
	json_close(j, '}');
	buf_free(&hex);
}

/* A name that a file of a record may have: no folders, no dot in front. */
static str file_name(const struct filing *f, size_t part)
{
	str name = f->in->mail.parts[part].name;
	if (name.n == 0)
		return arena_fmt(f->a, "part-%zu", part + 1);
	char *z = arena_z(f->a, cut(name, 200, f->a));
	for (char *c = z; *c; c++)
		if (*c == '/' || *c == '\\' || (c == z && *c == '.'))
			*c = '_';
	return str_of(z);
}

static void put_files(const struct filing *f, struct json_out *j)
{
	const struct type_field *files = field_of(f, "mail.files"), *raw = field_of(f, "mail.raw");
	if (raw && f->with_raw) {
		json_key(j, str_of(raw->name));
		put_file_value(j, &f->raw, arena_fmt(f->a, "mail-%lld.eml", (long long)f->in->id), f->in->raw.n);
	}
	if (!files || f->files == 0)
		return;
	json_key(j, str_of(files->name));
	json_open(j, '[');
	for (size_t i = 0; i < f->files; i++) {
		const struct mail_part *p = &f->in->mail.parts[f->part[i]];
		put_file_value(j, &f->file[i], file_name(f, f->part[i]), p->bytes.n);
	}
	json_close(j, ']');
}

static str ids_of(str ids, struct arena *a)
{
	return str_trim(cut(ids, 19000, a));
}

static bool is_of(str id, const struct type_field *f)
{
	return f && f->refers_to && str_starts(id, str_of(f->refers_to)) &&
	       str_starts(str_from(id, strlen(f->refers_to)), STR("--"));
}

static const char *signature_of(enum mail_seal s)
{
	bool is = s == MAIL_PGP_SIGNED || s == MAIL_SMIME_SIGNED || s == MAIL_SMIME_OPAQUE;
	return is ? "unknown" : "none";
}

static void make_fields(struct filing *f)
{
	const struct inbound *in = f->in;
	const struct mail *m = &in->mail;
	struct json_out j = json_out(&f->fields);
	const struct type_field *message = field_of(f, "mail.message"), *previous = field_of(f, "mail.previous"),
				*encrypted = field_of(f, "mail.encrypted"), *at = field_of(f, "mail.at");
	json_open(&j, '{');
	put(f, &j, "mail.subject", m->subject.n ? cut(m->subject, 480, f->a) :
		      in->kind == INBOUND_UNREADABLE ? STR("(a mail that cannot be read)") : STR("(no subject)"));
	put(f, &j, "mail.direction", STR("in"));
	put(f, &j, "mail.kind", str_of(inbound_kind_name(in->kind)));
	put(f, &j, "mail.from", cut(shown(&m->from, f->a), LINE_MOST, f->a));
	put_list(f, &j, "mail.to", m->to, m->to_count);
	put_list(f, &j, "mail.cc", m->cc, m->cc_count);
	if (at && m->date_us > 0)
		json_put_time(&j, at->name, m->date_us);
	put(f, &j, "mail.text", m->text.n ? m->text : STR_NONE);
	put(f, &j, "mail.words", cut(f->words, 3900, f->a));
	put(f, &j, "mail.message-id", m->message_id);
	put(f, &j, "mail.in-reply-to", cut(m->in_reply_to, 990, f->a));
	put(f, &j, "mail.references", ids_of(m->references, f->a));
	put(f, &j, "mail.signature", str_of(signature_of(m->seal)));
	if (encrypted)
		json_put_bool(&j, encrypted->name, m->seal == MAIL_PGP_ENCRYPTED || m->seal == MAIL_SMIME_ENCRYPTED);
	if (is_of(f->incident, field_of(f, "mail.incident")))
		put(f, &j, "mail.incident", f->incident);
	if (is_of(in->organisation, field_of(f, "mail.organisation")))
		put(f, &j, "mail.organisation", in->organisation);
	if (message && in->message > 0 && in->recipient.n > 0)
		json_put_i64(&j, message->name, in->message);
	if (previous && in->previous.n > 0)
		json_put_str(&j, previous->name, arena_fmt(f->a, "%s--" STR_FMT, f->type->name, STR_ARG(in->previous)));
	put_files(f, &j);
	json_close(&j, '}');
}

/* --- files --- */

static void say_also(struct filing *f, str words)
{
	f->words = f->words.n > 0 ? arena_fmt(f->a, STR_FMT "\n" STR_FMT, STR_ARG(f->words), STR_ARG(words)) : words;
}

/* What nobody may keep is left out, and said. */
static enum rc keep_file(struct filing *f, str bytes, str name, struct digest *out, bool *kept, struct err *err)
{
	struct err why = { 0 };
	*kept = false;
	enum rc rc = change_file(f->n->w.records, f->n->w.store, &f->v, f->type, bytes, out, &why);
	*kept = rc == RC_OK;
	if (rc == RC_OK || rc == RC_BUSY || rc == RC_IO)
		return rc == RC_OK ? rc : fail(err, rc, "%s", why.text);
	say_also(f, arena_fmt(f->a, "'" STR_FMT "' is not kept: %s", STR_ARG(str_head(name, 100)), why.text));
	return RC_OK;
}

static enum rc keep_files(struct filing *f, struct err *err)
{
	const struct mail *m = &f->in->mail;
	bool media = false, kept;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < m->part_count && rc == RC_OK; i++) {
		const struct mail_part *p = &m->parts[i];
		bool is_media = media_sniff(p->bytes) != MEDIA_NONE;
		media |= is_media;
		/* Of a report they are in intake. */
		if (p->bytes.n == 0 || (!is_media && (!p->attached || f->in->kind == INBOUND_REPORT)))
			continue;
		if (f->files == FILES_MOST || (p->nested && !is_media)) {
			continue;
		}
		rc = keep_file(f, p->bytes, p->name, &f->file[f->files], &kept, err);
		if (kept)
			f->part[f->files++] = i;
	}
	if (media) {
		/* It would be a second copy of what may have to be destroyed. */
		say_also(f, STR("it brought pictures or films: they stand as files of their own, and the mail as it came is not kept"));
		return rc;
	}
	if (rc == RC_OK && f->in->raw.n <= RECORD_FILE_MAX)
		rc = keep_file(f, f->in->raw, STR("the mail"), &f->raw, &f->with_raw, err);
	return rc;
}

/* --- what it answers --- */

static const struct {
	enum answer_kind kind;
	const char *words[6]; /* at the beginning of the first line, in either language */
} said[] = {
	{ ANSWER_FIXED, { "fixed", "done", "solved", "resolved", "sudah diperbaiki", "selesai" } },
	{ ANSWER_WORKING, { "working", "in progress", "we are working", "sedang", "diproses", "dikerjakan" } },
	{ ANSWER_NOT_OURS, { "not ours", "not our", "bukan milik", "bukan kami", "wrong recipient", "salah alamat" } },
	{ ANSWER_FALSE, { "false positive", "false alarm", "false", "salah deteksi", "keliru", "tidak benar" } },
};

static bool begins_word(str line, str word)
{
	return str_starts_nocase(line, word) &&
	       (line.n == word.n || !((line.p[word.n] | 0x20) >= 'a' && (line.p[word.n] | 0x20) <= 'z'));
}

static enum answer_kind kind_said(str text)
{
	str line;
	while (str_line(&text, &line)) {
		line = str_trim_all(line);
		if (line.n == 0)
			continue;
		for (size_t i = 0; i < COUNT_OF(said); i++)
			for (size_t k = 0; k < COUNT_OF(said[i].words); k++)
				if (begins_word(line, str_of(said[i].words[k])))
					return said[i].kind;
		break;
	}
	return ANSWER_QUESTION;
}

static enum rc put_answer(struct tx *tx, struct filing *f, struct err *err)
{
	const struct mail *m = &f->in->mail;
	struct err why = { 0 };
	const struct answer_new q = {
		.message = f->in->message, .kind = kind_said(m->text), .words = cut(m->text, ANSWER_WORDS_MAX - 10, f->a),
		.findings = STR(""), .by = cut(shown(&m->from, f->a), ANSWER_BY_MAX, f->a), .channel = STR("mail"),
		.key = arena_fmt(f->a, "mail:%lld", (long long)f->in->id), .file = STR(""), .file_name = STR(""),
	};
	enum rc rc = answer_put(tx, f->n, &q, NULL, &why);
	if (rc == RC_IO || rc == RC_BUSY)
		return fail(err, rc, "%s", why.text);
	if (rc != RC_OK) /* it stands as a mail all the same */
		log_info(f->n->w.log, "a mail is no answer that can be kept", L_INT("mail", f->in->id), L_Z("why", why.text));
	return RC_OK;
}

/* "rfc822; user@example.org" */
static str recipient_of(str value)
{
	size_t at = str_index(value, ';');
	value = str_trim(at < value.n ? str_from(value, at + 1) : value);
	return str_starts(value, STR("<")) && str_ends(value, STR(">")) ? str_head(str_from(value, 1), value.n - 2) : value;
}

/* One recipient of a delivery status: RFC 3464 section 2.3. */
static enum rc put_bounce(struct tx *tx, struct filing *f, const struct mail_field *list, size_t count, struct err *err)
{
	struct bounce b = { .message = f->in->message, .address = STR(""), .status = STR(""), .words = STR("") };
	struct err why = { 0 };
	str action = STR("");
	for (size_t i = 0; i < count; i++) {
		str name = list[i].name, value = list[i].value;
		if (str_eq_nocase(name, STR("Action")))
			action = str_trim(value);
		else if (str_eq_nocase(name, STR("Original-Recipient")) || (str_eq_nocase(name, STR("Final-Recipient")) && !b.address.n))
			b.address = recipient_of(value);
		else if (str_eq_nocase(name, STR("Status")))
			b.status = bounce_status(value);
		else if (str_eq_nocase(name, STR("Diagnostic-Code")))
			b.words = cut(value, 300, f->a);
	}
	b.permanent = str_eq_nocase(action, STR("failed"));
	if (!b.permanent && !str_eq_nocase(action, STR("delayed")))
		return RC_OK;
	enum rc rc = bounce_note(tx, f->n, &b, NULL, &why);
	if (rc == RC_IO || rc == RC_BUSY)
		return fail(err, rc, "%s", why.text);
	if (rc != RC_OK)
		log_info(f->n->w.log, "a delivery status changes nothing", L_INT("mail", f->in->id), L_Z("why", why.text));
	return RC_OK;
}

static enum rc put_bounces(struct tx *tx, struct filing *f, struct err *err)
{
	const struct mail *m = &f->in->mail;
	enum rc rc = RC_OK;
	for (size_t i = 0, from = 0; i <= m->field_count && rc == RC_OK; i++)
		if (i == m->field_count || m->fields[i].name.n == 0) {
			rc = put_bounce(tx, f, m->fields + from, i - from, err);
			from = i + 1;
		}
	return rc;
}

static enum rc learn_tag(struct tx *tx, const struct inbound *in, struct err *err)
{
	if (in->foreign.n == 0 || in->organisation.n == 0 || in->message == 0)
		return RC_OK;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO mail_foreign (organisation, ours, theirs, at_us) VALUES (?, ?, ?, ?)"
					 " ON CONFLICT (organisation, ours) DO UPDATE SET theirs = excluded.theirs,"
					 " at_us = excluded.at_us");
	sql_str(q, 1, in->organisation);
	sql_int(q, 2, in->message);
	sql_str(q, 3, in->foreign);
	sql_int(q, 4, tx_now_us(tx));
	return sql_run(q, err);
}

/* --- the job --- */

static str state_at_first(const struct filing *f)
{
	enum inbound_kind k = f->in->kind;
	bool for_people = k == INBOUND_ANSWER || k == INBOUND_MESSAGE || k == INBOUND_UNREADABLE ||
			  (k == INBOUND_REPORT && f->report_count == 0) || (k == INBOUND_BOUNCE && !f->in->by_token);
	const struct meaning *m = type_meaning(f->type, for_people ? STR("mail.unread") : STR("mail.filed"));
	return m && !m->field ? str_of(f->type->states[m->state].name) : STR_NONE;
}

static enum rc link_reports(struct tx *tx, struct filing *f, struct err *err)
{
	enum rc rc = RC_OK;
	int64_t link;
	for (size_t i = 0; i < f->report_count && rc == RC_OK; i++)
		rc = change_link_tx(tx, f->n->w.records, &f->v, f->id, STR("brought"), f->reports[i], STR(""), f->a, &link, err);
	return rc;
}

static enum rc file_job(struct tx *tx, void *ctx, struct err *err)
{
	struct filing *f = ctx;
	struct change_errors errors = { .count = 0 };
	struct record_view v = { 0 };
	struct uuid uuid;
	str type;
	const struct change_request q = { .type = str_of(f->type->name), .fields = buf_str(&f->fields), .import = true,
					  .to_state = state_at_first(f), .why = STR("came by mail") };
	enum rc rc = change_record_tx(tx, f->n->w.records, &f->v, &q, f->a, &v, &errors, err);
	if (rc != RC_OK) {
		if (errors.count > 0)
			rc = fail(err, rc, "%s: %s", errors.list[0].field ? errors.list[0].field->name : "", errors.list[0].text);
		record_view_end(&v);
		return rc;
	}
	f->id = record_view_id(&v, f->a);
	record_view_end(&v);
	if (!record_id_parse(f->id, &type, &uuid))
		return fail(err, RC_IO, "a record without an id");
	rc = link_reports(tx, f, err);
	if (rc == RC_OK && f->in->kind == INBOUND_ANSWER)
		rc = put_answer(tx, f, err);
	if (rc == RC_OK && f->in->kind == INBOUND_BOUNCE && f->in->by_token)
		rc = put_bounces(tx, f, err);
	if (rc == RC_OK && (f->in->kind == INBOUND_ANSWER || f->in->kind == INBOUND_AUTOMATIC))
		rc = learn_tag(tx, f->in, err);
	if (rc == RC_OK)
		rc = inbound_receipt(tx, f->n, f->in, f->id, policies_number(f->n->w.policies), f->a, err);
	return rc == RC_OK ? inbound_done(tx, f->in, &uuid, f->report_count, f->words, err) : rc;
}

static enum rc loop_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct filing *f = ctx;
	return inbound_done(tx, f->in, NULL, 0, f->words, err);
}

/* What the mail before it belongs to. */
static enum rc find_incident(struct filing *f, const struct types *t, str *out, struct err *err)
{
	const struct type_field *incident = field_of(f, "mail.incident");
	struct record_view v = { 0 };
	struct reader *r = NULL;
	*out = f->in->incident;
	if (!incident || f->in->previous.n == 0 || is_of(*out, incident))
		return RC_OK;
	enum rc rc = store_read_begin(f->n->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	str id = arena_fmt(f->a, "%s--" STR_FMT, f->type->name, STR_ARG(f->in->previous));
	rc = read_record(r, t, &f->v, id, f->a, &v, err);
	if (rc == RC_OK) {
		str found = json_get_str(v.body, incident->name);
		*out = found.n ? arena_str(f->a, found) : STR("");
	}
	record_view_end(&v);
	store_read_end(r);
	return rc == RC_ABSENT || rc == RC_DENIED ? RC_OK : rc;
}

static enum rc file_record(struct filing *f, const struct types *t, struct err *err)
{
	f->v = viewer_node(f->n->w.roles, "mail");
	enum rc rc = policies_apply(f->n->w.policies, &f->v, err);
	if (rc == RC_OK)
		rc = find_incident(f, t, &f->incident, err);
	if (rc == RC_OK)
		rc = keep_files(f, err);
	if (rc != RC_OK)
		return rc;
	make_fields(f);
	return store_write(f->n->w.store, file_job, f, err);
}

enum rc inbound_file(struct notify *n, const struct inbound *in, const str *reports, size_t report_count, str words,
		     struct arena *a, str *record_out, struct err *err)
{
	struct filing *f = ARENA_NEW(a, struct filing);
	struct snapshot *types = records_types_snapshot(n->w.records);
	struct snapshot_ref *ref = snapshot_hold(types);
	*f = (struct filing){ .n = n, .in = in, .reports = reports, .report_count = report_count, .a = a,
			      .type = types_meaning(snapshot_table(ref), STR("mail.kind")), .words = in->words,
			      .fields = BUF_INIT(RECORD_BODY_MAX), .id = STR("") };
	enum rc rc;
	if (words.n > 0)
		say_also(f, words);
	if (in->mail.parts_cut)
		say_also(f, STR("it has more parts than are looked at"));
	if (in->mail.text_cut)
		say_also(f, STR("its text is cut"));
	if (in->kind == INBOUND_LOOP)
		rc = store_write(n->w.store, loop_job, f, err);
	else if (!f->type)
		rc = fail(err, RC_ABSENT, "no type of records means 'mail.kind'");
	else
		rc = file_record(f, snapshot_table(ref), err);
	*record_out = f->id;
	buf_free(&f->fields);
	snapshot_drop(types, ref);
	return rc;
}
