/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/told.h"

#include "disclosure/read_records_private.h"
#include "disclosure/told_private.h"

/* --- who --- */

enum rc told_account(struct reader *r, const struct roles *roles, struct policies *p, int64_t account,
		     enum channel channel, struct told_to *out, struct err *err)
{
	*out = (struct told_to){ .purpose = PURPOSE_HANDLING, .asks_roles = true };
	enum rc rc = account_viewer(reader_conn(r), roles, account, channel, &out->viewer, err);
	return rc == RC_OK ? policies_apply(p, &out->viewer, err) : rc;
}

enum rc told_outsider(struct policies *p, enum recipient_kind kind, enum tlp ceiling,
		      struct uuid organisation, bool exercise, enum channel channel, struct told_to *out,
		      struct err *err)
{
	*out = (struct told_to){ .purpose = PURPOSE_HANDLING, .feed = STR("") };
	out->viewer = viewer_public(channel);
	out->viewer.as = (struct recipient){ .kind = kind, .ceiling = ceiling, .exercise_member = exercise };
	out->viewer.organisation = organisation;
	out->viewer.exercise = exercise;
	return policies_apply(p, &out->viewer, err);
}

enum rc told_number_of(struct conn *c, struct uuid organisation, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM org WHERE record = ? AND gone = 0");
	sql_blob(q, 1, str_mem(organisation.b, sizeof organisation.b));
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc told_organisation(struct reader *r, struct policies *p, struct uuid organisation, bool exercise,
			  enum channel channel, struct told_to *out, struct err *err)
{
	enum rc rc = told_outsider(p, RECIPIENT_CONSTITUENT, TLP_AMBER_STRICT, organisation, exercise, channel, out,
				   err);
	return rc == RC_OK ? told_number_of(reader_conn(r), organisation, &out->org, err) : rc;
}

enum rc told_anybody(struct policies *p, enum channel channel, struct told_to *out, struct err *err)
{
	return told_outsider(p, RECIPIENT_PUBLIC, TLP_CLEAR, (struct uuid){ { 0 } }, false, channel, out, err);
}

/* --- what --- */

static enum rc gone(struct err *err)
{
	return fail(err, RC_ABSENT, "what it is about is not there any more");
}

static struct decision decide(const struct told_to *to, const struct labels *item)
{
	return may_disclose(item, &to->viewer.as, to->viewer.channel, to->purpose, &to->viewer.policy);
}

/* What is real goes to nobody who plays, as what is played goes to nobody real. */
static bool in_other_world(const struct told_to *to, const struct labels *item)
{
	return to->viewer.as.kind != RECIPIENT_STAFF && to->viewer.as.exercise_member && !item->exercise;
}

static enum rc refuse(struct told *out, const char *rule, struct err *err)
{
	out->rule = rule;
	return fail(err, RC_DENIED, "%s", rule);
}

static bool reads_it(const struct told_to *to, const struct record *r)
{
	struct object o = object_of(r, &to->viewer);
	return !to->asks_roles || authz(&to->viewer, ACTION_READ, &o).yes;
}

static void name_cut(struct told *out, struct arena *a)
{
	const struct type *t = record_view_type(&out->view);
	struct buf names = BUF_INIT(KIB(4));
	for (size_t i = 0; i < t->field_count; i++) {
		if (!(out->view.hidden[i / 64] >> i % 64 & 1))
			continue;
		buf_fmt(&names, "%s%s", names.n ? "," : "", t->fields[i].name);
	}
	out->cut = arena_str(a, buf_str(&names));
	buf_free(&names);
}

static enum rc tell_record(struct reader *r, const struct types *t, const struct told_to *to,
			   struct uuid id, uint64_t version, struct arena *a, struct told *out,
			   struct err *err)
{
	struct record now, *record = ARENA_NEW(a, struct record);
	enum rc rc = record_load(reader_conn(r), t, id, a, &now, err);
	if (rc == RC_OK && (now.erased || !now.type))
		rc = gone(err);
	*record = now;
	if (rc == RC_OK && version > 0 && version != now.version)
		rc = record_load_version(reader_conn(r), t, id, version, a, record, err);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? gone(err) : rc;
	struct labels labels = labels_for(record, &to->viewer), standing = labels_for(&now, &to->viewer);
	labels_strictest(&labels, &standing);
	labels.invited = (labels.invited || to->invited) && !labels.excluded;
	struct decision d = decide(to, &labels);
	if (d.verdict == DISCLOSE_NO)
		return refuse(out, d.rule, err);
	if (in_other_world(to, &labels))
		return refuse(out, "the recipient is one of an exercise", err);
	if (!reads_it(to, &now) || !reads_it(to, record))
		return refuse(out, "no role of the recipient reads it", err);
	out->rule = d.rule;
	out->tlp = labels.tlp;
	rc = record_view_make(&to->viewer, record, &labels, &d, &out->view, err);
	if (rc == RC_OK)
		name_cut(out, a);
	return rc;
}

bool told_concerns(const struct told_to *to, const struct finding *f)
{
	if (to->contacts)
		return told_last_resort_is(to, f);
	for (size_t i = 0; to->org && i < f->concerns.count; i++)
		if (f->concerns.list[i].org == to->org)
			return true;
	return false;
}

/* What names a person is cut in `f`. *rule_out: that decided. */
static bool may_tell(const struct told_to *to, struct finding *f, const struct labels *terms, const char **rule_out)
{
	struct labels labels = { .tlp = (unsigned)f->tlp < TLP_COUNT ? f->tlp : TLP_COUNT, .personal = true,
				 .exercise = f->exercise, .held = f->held_us != 0, .sources = 1,
				 .about_recipient = told_concerns(to, f) };
	labels.unlicensed = terms->unlicensed;
	labels.unlicensed_own = terms->unlicensed_own;
	struct decision d = decide(to, &labels);
	*rule_out = d.rule;
	if (d.verdict == DISCLOSE_NO)
		return false;
	if (to->contacts && !labels.about_recipient)
		*rule_out = "nobody names the recipient for what it is about";
	else if (in_other_world(to, &labels))
		*rule_out = "the recipient is one of an exercise";
	else if (to->asks_roles && !right_includes(to->viewer.right, RIGHT_READ))
		*rule_out = "no role of the recipient reads findings";
	else if (d.verdict == DISCLOSE_REDACT)
		f->mark_reason = STR(""); /* free words about people */
	return *rule_out == d.rule;
}

static enum rc tell_finding(struct reader *r, const struct told_to *to, str id, struct arena *a,
			    struct told *out, struct err *err)
{
	uint8_t b[16];
	struct hash128 hash = { 0, 0 };
	struct labels terms = { .unlicensed = 0 };
	if (!hex_parse(id, b, sizeof b))
		return gone(err);
	for (size_t i = 0; i < 8; i++) {
		hash.hi = hash.hi << 8 | b[i];
		hash.lo = hash.lo << 8 | b[8 + i];
	}
	enum rc rc = findings_get(r, hash, a, &out->finding, err);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? gone(err) : rc;
	if (to->contacts)
		rc = told_last_resort_terms(r, to, &out->finding, a, &terms, err);
	if (rc != RC_OK)
		return rc;
	if (!may_tell(to, &out->finding, &terms, &out->rule))
		return fail(err, RC_DENIED, "%s", out->rule);
	out->is_finding = true;
	out->tlp = (unsigned)out->finding.tlp < TLP_COUNT ? out->finding.tlp : TLP_COUNT;
	return RC_OK;
}

struct telling {
	const struct told_to *to;
	finding_each each;
	void *ctx;
	struct finding_query *q;
	size_t listed;
};

static bool tell_one(void *ctx, const struct finding *f)
{
	struct telling *k = ctx;
	struct finding copy = *f;
	const char *rule;

	k->listed++;
	k->q->after = f->id;
	k->q->after_last_seen_us = f->last_seen_us;

	if (!may_tell(k->to, &copy, &(const struct labels){ .unlicensed = 0 }, &rule))
		return true;
	return k->each(k->ctx, &copy);
}

enum rc told_findings(struct reader *r, const struct told_to *to, struct finding_query *q, finding_each each,
		      void *ctx, size_t *listed_out, struct err *err)
{
	struct finding_query asked = *q;
	struct telling k = { to, each, ctx, q, 0 };
	*listed_out = 0;
	if (to->org == 0)
		return RC_OK; /* not in the directory: nothing concerns it */
	asked.org = to->org;
	asked.tlp_mask = (1u << TLP_COUNT) - 1; /* whose it is decides as well: may_tell() */
	asked.exercise = to->viewer.exercise;
	enum rc rc = findings_list(r, &asked, tell_one, &k, err);
	*listed_out = k.listed;
	return rc;
}

enum rc told_item(struct reader *r, const struct types *t, const struct told_to *to, str item,
		  uint64_t version, struct arena *a, struct told *out, struct err *err)
{
	struct uuid id;
	str type, finding = STR("finding--");
	*out = (struct told){ .rule = "", .cut = STR("") };
	if (str_starts(item, finding))
		return tell_finding(r, to, str_from(item, finding.n), a, out, err);
	if (!record_id_parse(item, &type, &id))
		return refuse(out, "nothing is known of what it is about", err);
	return tell_record(r, t, to, id, version, a, out, err);
}

void told_end(struct told *t)
{
	record_view_end(&t->view);
}

/* --- where --- */

enum rc told_addressee_of(struct conn *c, const struct types *t, struct uuid id, struct arena *a,
			  struct addressee *out, struct err *err)
{
	struct record record;
	*out = (struct addressee){ 0 };
	enum rc rc = record_load(c, t, id, a, &record, err);
	if (rc == RC_OK && (record.erased || !record.type))
		rc = fail(err, RC_ABSENT, "the record of whom it is for is not there any more");
	if (rc == RC_OK)
		rc = json_read(record.body, &out->body, err);
	if (rc != RC_OK)
		return rc;
	out->type = record.type;
	out->id = record.id;
	out->version = record.version;
	out->title = record.title;
	out->exercise = record.labels.exercise;
	out->closed = record.state >= 0 && record.type->states[record.state].closed;
	out->organisation = record.organisation;
	return RC_OK;
}

enum rc told_addressee(struct conn *c, const struct types *t, str id, struct arena *a,
		       struct addressee *out, struct err *err)
{
	struct uuid uuid;
	str type;
	*out = (struct addressee){ 0 };
	if (!record_id_parse(id, &type, &uuid))
		return fail(err, RC_ABSENT, "'" STR_FMT "' is nobody", STR_ARG(id));
	enum rc rc = told_addressee_of(c, t, uuid, a, out, err);
	if (rc == RC_OK && !str_eq(type, str_of(out->type->name))) {
		json_free(out->body);
		*out = (struct addressee){ 0 };
		return fail(err, RC_ABSENT, "'" STR_FMT "' is nobody", STR_ARG(id));
	}
	return rc;
}

str addressee_id(const struct addressee *who, struct arena *a)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&id, str_of(who->type->name), &who->id);
	str text = arena_str(a, buf_str(&id));
	buf_free(&id);
	return text;
}

enum rc told_account_of(struct reader *r, const struct roles *roles, struct uuid person, struct arena *a,
			int64_t *account_out, struct err *err)
{
	struct account *list = NULL;
	size_t count = 0;
	*account_out = 0;
	enum rc rc = account_list(reader_conn(r), roles, a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count && *account_out == 0; i++)
		if (!uuid_is_zero(&person) && uuid_equal(&list[i].person, &person) && !list[i].disabled &&
		    list[i].roles != 0)
			*account_out = list[i].id;
	return rc;
}

static struct json_object *rows_meant(const struct addressee *who, const char *meaning)
{
	const struct meaning *m = type_meaning(who->type, str_of(meaning));
	return m ? json_get(who->body, m->field->name) : NULL;
}

enum rc told_own(struct conn *c, const struct types *t, const struct told_to *to, struct arena *a,
		 struct told_own *out, struct err *err)
{
	*out = (struct told_own){ .claims = NULL };
	if (uuid_is_zero(&to->viewer.organisation))
		return fail(err, RC_ABSENT, "the recipient is of no organisation");
	enum rc rc = told_addressee_of(c, t, to->viewer.organisation, a, &out->who, err);
	if (rc != RC_OK)
		return rc;
	out->claims = rows_meant(&out->who, "organisation.claims");
	out->contacts = rows_meant(&out->who, "organisation.contacts");
	return RC_OK;
}
