/* SPDX-License-Identifier: Apache-2.0 */
/* What was answered, for us: at the finding, and as a list of what one of us is to take note of. Who may not see
 * the organisation that answered, or what its message was about, sees no answer of it. */
#include "disclosure/media.h"
#include "notify/answers.h"
#include "web/records.h"

enum { LIST_SHOWN = 50, AT_FINDING = 50, FINDINGS_SHOWN = 20, COUNTED = 100 };

static bool sees(struct page *p, str id)
{
	struct uuid uuid;
	str type;
	struct record_view v = { 0 };
	if (!record_id_parse(id, &type, &uuid))
		return true; /* a finding, or nothing */
	bool yes = read_record(p->r, page_types(p), &p->caller.viewer, id, p->a, &v, NULL) == RC_OK;
	record_view_end(&v);
	return yes;
}

static str organisation_of(const struct answer_row *row)
{
	str rest = row->recipient;
	return str_cut(&rest, '/');
}

/* A rule is told by, it is not what is told of: only what stands for itself is asked about. */
static bool may_see(struct page *p, const struct answer_row *row)
{
	const struct viewer *v = &p->caller.viewer;
	bool ours = uuid_is_zero(&v->organisation) && right_includes(v->right, RIGHT_READ);
	return ours && sees(p, organisation_of(row)) && (row->findings > 0 || sees(p, row->item));
}

static void put_row(struct page *p, const struct answer_row *row)
{
	json_put_i64(&p->j, "id", row->id);
	json_put_time(&p->j, "at", row->at_us);
	json_put_str(&p->j, "kind", str_of(answer_kind_name(row->kind)));
	json_put_str(&p->j, "words", row->words);
	json_put_str(&p->j, "by", row->by);
	json_put_str(&p->j, "channel", row->channel);
	json_put_i64(&p->j, "message", row->message);
	json_put_i64(&p->j, "findings", (int64_t)row->findings);
	put_reference(p, "organisation", organisation_of(row));
	if (row->findings == 0 && id_href(p, row->item).p) {
		json_put_str(&p->j, "item", row->item);
		json_put_str(&p->j, "item_href", id_href(p, row->item));
	}
	if (row->has_file) {
		json_put_str(&p->j, "file_name", row->file_name.n ? row->file_name : STR("file"));
		json_put_str(&p->j, "file_href", arena_fmt(p->a, "/answers/%lld/file", (long long)row->id));
	}
	if (row->seen_us > 0) {
		json_put_time(&p->j, "seen", row->seen_us);
		json_put_str(&p->j, "seen_by", row->seen_by);
	}
	json_put_bool(&p->j, "waits", row->seen_us == 0 && row->kind >= ANSWER_NOT_OURS);
}

/* --- at a finding --- */

enum rc page_put_answers(struct page *p, const struct finding *f, struct err *err)
{
	struct answer_row *list = NULL;
	size_t count = 0;
	enum rc rc = answers_of_finding(reader_conn(p->r), f->id, AT_FINDING, p->a, &list, &count, err);
	if (rc != RC_OK)
		return rc;
	enum claim claim = answer_outcome(f, list, count);
	json_put_str(&p->j, "claim", str_of(claim_name(claim)));
	json_put_bool(&p->j, "claim_came_back", claim == CLAIM_CAME_BACK);
	json_put_bool(&p->j, "claim_confirmed", claim == CLAIM_CONFIRMED);
	json_put_bool(&p->j, "claim_waits", claim == CLAIM_WAITS);
	json_key(&p->j, STR("answers"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < count; i++) {
		if (!may_see(p, &list[i]))
			continue;
		json_open(&p->j, '{');
		put_row(p, &list[i]);
		if (list[i].claim_us > 0) {
			json_put_str(&p->j, "claim", str_of(claim_name(list[i].claim)));
			json_put_time(&p->j, "claim_at", list[i].claim_us);
		}
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	return RC_OK;
}

/* --- the list --- */

static enum rc put_findings(struct page *p, const struct answer_row *row, struct err *err)
{
	str *ids = NULL;
	size_t count = 0;
	enum rc rc = answer_findings(reader_conn(p->r), row->id, FINDINGS_SHOWN, p->a, &ids, &count, err);
	json_key(&p->j, STR("finding_list"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		struct finding f;
		struct err why = { 0 };
		enum rc got = read_finding(p->r, &p->caller.viewer, ids[i], p->a, &f, &why);
		if (got != RC_OK)
			continue;
		json_open(&p->j, '{');
		json_put_str(&p->j, "id", ids[i]);
		json_put_str(&p->j, "key", f.key);
		json_put_str(&p->j, "href", arena_fmt(p->a, "/findings/" STR_FMT, STR_ARG(ids[i])));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	return rc;
}

enum rc page_answers(struct page *p, struct err *err)
{
	static const char *const columns[] = { "id", "at", "kind", "words", "by", "channel", "message", "findings",
					       "organisation", "file_name", "seen", "seen_by", NULL };
	struct answer_query q = { .limit = page_limit(p, LIST_SHOWN), .waiting = !str_eq(http_query(p->q, "all"), STR("1")) };
	struct answer_row *list = NULL;
	size_t count = 0;
	str before = http_query(p->q, "before");
	p->template = "answers";
	p->title = "Answers";
	p->columns = columns;
	if (before.n > 0 && !str_to_i64(before, &q.before))
		return fail(err, RC_INPUT, "'before' is no number of an answer");
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = answers_list(reader_conn(p->r), &q, p->a, &list, &count, err);
	if (rc != RC_OK)
		return rc;
	json_put_bool(&p->j, "waiting", q.waiting);
	page_rows(p);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		if (!may_see(p, &list[i]))
			continue;
		json_open(&p->j, '{');
		put_row(p, &list[i]);
		rc = put_findings(p, &list[i], err);
		if (p->form == FORM_HTML)
			json_put_str(&p->j, "csrf", str_of(p->caller.session.csrf));
		json_close(&p->j, '}');
		p->row_count++;
	}
	page_rows_end(p);
	if (rc == RC_OK && count == q.limit && count > 0)
		page_next(p, "before", arena_fmt(p->a, "%lld", (long long)list[count - 1].id));
	return rc;
}

enum rc page_put_answers_waiting(struct page *p, struct err *err)
{
	const struct answer_query q = { .limit = COUNTED, .waiting = true };
	struct answer_row *list = NULL;
	size_t count = 0;
	int64_t seen = 0;
	enum rc rc = answers_list(reader_conn(p->r), &q, p->a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		seen += may_see(p, &list[i]);
	json_put_i64(&p->j, "answers_waiting", seen);
	json_put_bool(&p->j, "answers_more", count == COUNTED);
	return rc;
}

static enum rc find(struct page *p, struct answer_row *out, struct err *err)
{
	int64_t id = 0;
	struct answer_row *list = NULL;
	size_t count = 0;
	enum rc rc = page_reader(p, err);
	bool number = str_to_i64(p->item, &id) && id > 0 && id < INT64_MAX;
	const struct answer_query q = { .before = id + 1, .limit = 1 };
	if (rc == RC_OK && number)
		rc = answers_list(reader_conn(p->r), &q, p->a, &list, &count, err);
	if (rc != RC_OK)
		return rc;
	if (count == 0 || list[0].id != id || !may_see(p, &list[0]))
		return fail(err, RC_ABSENT, "there is no such answer");
	*out = list[0];
	return RC_OK;
}

struct seeing {
	struct page *p;
	int64_t id;
};

static enum rc see(struct tx *tx, void *ctx, struct err *err)
{
	struct seeing *k = ctx;
	return answer_seen(tx, k->p->w->n->notify, k->id, str_of(k->p->caller.viewer.actor), err);
}

enum rc page_answer_seen(struct page *p, struct err *err)
{
	struct answer_row row;
	enum rc rc = find(p, &row, err);
	struct seeing k = { .p = p, .id = rc == RC_OK ? row.id : 0 };
	if (rc == RC_OK && !right_includes(p->caller.viewer.right, RIGHT_OPERATE))
		rc = fail(err, RC_DENIED, "answers are seen to by who operates this node");
	if (rc == RC_OK)
		rc = store_write(p->w->n->store, see, &k, err);
	if (rc == RC_OK)
		page_go(p, STR("/answers"));
	return rc;
}

/* Of people outside: pictures and films only for whom media.h lets have them. */
enum rc page_answer_file(struct page *p, struct err *err)
{
	struct answer_row row;
	p->ans->body = (struct buf)BUF_INIT(MIB(2));
	enum rc rc = find(p, &row, err);
	if (rc == RC_OK && !row.has_file)
		rc = fail(err, RC_ABSENT, "this answer has no file");
	if (rc == RC_OK)
		rc = media_give(p->r, &p->caller.viewer, &row.file, &p->ans->body, err);
	if (rc != RC_OK)
		return rc;
	p->template = NULL;
	p->ans->status = 200;
	p->ans->type = "application/octet-stream";
	answer_header(p->ans, "Content-Disposition",
		      arena_fmt(p->a, "attachment; filename*=UTF-8''" STR_FMT, STR_ARG(url_escape(p->a, row.file_name))));
	return RC_OK;
}
