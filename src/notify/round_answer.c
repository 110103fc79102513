/* SPDX-License-Identifier: Apache-2.0 */
/* An answer: entered by hand or by a program, or given by the organisation itself. */
#include "notify/round_private.h"

enum { BY_MAX = 200 };

struct noting {
	struct notify *n;
	const struct viewer *v;
	const struct round_answer *q;
	struct plan p;
	struct uuid organisation;
	str organisation_id;
	int contact;
	struct arena *a;
};

static bool is_prose(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\n' && s.p[i] != '\t')
			return false;
	return str_is_utf8(s);
}

static enum rc check(const struct noting *k, struct err *err)
{
	const struct round_answer *q = k->q;
	if (q->words.n > ROUND_WORDS_MAX || !is_prose(q->words))
		return fail(err, RC_INPUT, "words are plain text of at most %d bytes", ROUND_WORDS_MAX);
	if (q->by.n > BY_MAX || (q->by.n > 0 && !str_is_plain(q->by)))
		return fail(err, RC_INPUT, "who answered is plain text of one line");
	if (q->at_us > clock_now_us() + HOUR_US)
		return fail(err, RC_INPUT, "an answer is not of the future");
	return RC_OK;
}

/* What waits needs not be sent any more; what went out has its answer in the ledger. */
static enum rc note_message(struct tx *tx, const struct noting *k, const struct member_row *m, struct err *err)
{
	struct message message;
	struct journal *j = records_journal(k->n->w.records);
	str actor = str_of(k->v->actor);
	if (m->message == 0)
		return RC_OK;
	enum rc rc = outbox_load(tx_conn(tx), m->message, k->a, &message, err);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? RC_OK : rc;
	struct digest d = sha256(k->q->words);
	struct buf reference = BUF_INIT(128);
	buf_add(&reference, STR("answer:"));
	hex_format(&reference, d.b, 8);
	if (message.state == MESSAGE_SENT || message.state == MESSAGE_UNCERTAIN)
		rc = ledger_receipt(tx, m->message, LEDGER_ANSWER, arena_str(k->a, buf_str(&reference)), k->q->words, err);
	else if (message.state == MESSAGE_QUEUED)
		rc = outbox_withdraw(tx, j, m->message, actor, STR("they have answered already"), err);
	buf_free(&reference);
	return rc;
}

/* What is kept and journalled of it, whoever noted it. */
struct noted {
	struct uuid round, organisation;
	str round_id, organisation_id, words, by, actor;
	int64_t answered_us;
};

static enum rc save(struct tx *tx, const struct noted *k, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE round_member SET answered_us = ?, answered_by = ?, words = ?, noted_by = ?"
					 " WHERE round = ? AND organisation = ?");
	sql_int(q, 1, k->answered_us);
	sql_str(q, 2, k->by.p ? k->by : STR(""));
	sql_str(q, 3, k->words.p ? k->words : STR(""));
	sql_str(q, 4, k->actor);
	sql_blob(q, 5, uuid_bytes(&k->round));
	sql_blob(q, 6, uuid_bytes(&k->organisation));
	return sql_run(q, err);
}

static enum rc write_journal(struct tx *tx, struct notify *n, const struct noted *k, struct err *err)
{
	struct buf body = BUF_INIT(KIB(4));
	struct json_out j = json_out(&body);
	json_open(&j, '{');
	json_put_str(&j, "organisation", k->organisation_id);
	json_close(&j, '}');
	struct journal_act act = { .act = "round.answer", .actor = k->actor, .object = k->round_id,
				   .body = buf_str(&body) };
	enum rc rc = journal_add(tx, records_journal(n->w.records), &act, err);
	buf_free(&body);
	return rc;
}

static enum rc note(struct tx *tx, void *ctx, struct err *err)
{
	struct noting *k = ctx;
	struct member_row m;
	bool found;
	enum rc rc = round_member_load(tx_conn(tx), k->p.uuid, k->organisation, k->a, &found, &m, err);
	if (rc == RC_OK && !found)
		return fail(err, RC_ABSENT, "it is not on the list of this round");
	bool first = m.answered_us == 0;
	str words = k->q->words.p ? k->q->words : STR("");
	if (rc != RC_OK || (!first && str_eq(m.words, words)))
		return rc;
	if (first)
		m.answered_us = k->q->at_us > 0 ? k->q->at_us : tx_now_us(tx);
	const struct noted noted = { .round = k->p.uuid, .organisation = k->organisation, .round_id = k->p.id,
				     .organisation_id = k->organisation_id, .words = words, .by = k->q->by,
				     .actor = str_of(k->v->actor), .answered_us = m.answered_us };
	rc = save(tx, &noted, err);
	if (rc == RC_OK)
		rc = note_message(tx, k, &m, err);
	if (rc == RC_OK)
		rc = write_journal(tx, k->n, &noted, err);
	if (rc == RC_OK && first && !k->p.notifies)
		rc = contact_mark(tx, k->n, m.recipient, k->contact, true, m.answered_us,
				  arena_fmt(k->a, "answered '" STR_FMT "'", STR_ARG(str_head(k->p.title, 150))), k->a, err);
	return rc;
}

static enum rc find(struct noting *k, struct reader *r, const struct types *t, str id, struct err *err)
{
	struct record_view round = { 0 }, organisation = { 0 };
	struct member_row m;
	const char *driver;
	bool found = false;
	str type;
	enum rc rc = round_plan_read(r, t, k->v, id, k->a, &k->p, err);
	if (rc == RC_OK)
		rc = read_record(r, t, k->v, k->p.id, k->a, &round, err);
	if (rc == RC_OK && !record_view_may(&round, ACTION_EDIT, -1))
		rc = fail(err, k->p.started ? RC_DENIED : RC_CONFLICT,
			  k->p.started ? "none of your roles may note answers of this round" : "this round is not open");
	if (rc == RC_OK && !k->p.started)
		rc = fail(err, RC_CONFLICT, "this round is not open");
	if (rc == RC_OK)
		rc = read_record(r, t, k->v, k->q->organisation, k->a, &organisation, err);
	if (rc == RC_OK) {
		k->organisation_id = record_view_id(&organisation, k->a);
		(void)record_id_parse(k->organisation_id, &type, &k->organisation);
		rc = round_member_load(reader_conn(r), k->p.uuid, k->organisation, k->a, &found, &m, err);
	}
	if (rc == RC_OK && !found)
		rc = fail(err, RC_ABSENT, "it is not on the list of this round");
	if (rc == RC_OK && notify_choose(k->n, r, t, m.recipient, k->a, &driver, &k->contact, NULL) != RC_OK)
		k->contact = -1;
	record_view_end(&round);
	record_view_end(&organisation);
	return rc;
}

enum rc round_note_answer(struct notify *n, const struct viewer *v, str id, const struct round_answer *q,
			  struct arena *a, struct err *err)
{
	struct noting k = { .n = n, .v = v, .q = q, .contact = -1, .a = a };
	struct reader *r = NULL;
	struct err why = { 0 };
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	enum rc rc = check(&k, &why);
	if (rc == RC_OK)
		rc = store_read_begin(n->w.store, &r, &why);
	if (rc == RC_OK)
		rc = find(&k, r, snapshot_table(types), id, &why);
	if (r)
		store_read_end(r);
	if (rc == RC_OK)
		rc = store_write(n->w.store, note, &k, &why);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	if (rc == RC_DENIED)
		change_refused(n->w.records, n->w.store, v, id, str_of(why.text));
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}

/* --- by themselves --- */

static bool take_uuid(str bytes, struct uuid *out)
{
	if (bytes.n == sizeof out->b)
		memcpy(out->b, bytes.p, bytes.n);
	return bytes.n == sizeof out->b;
}

/* Which round, and who on its list, this message is to. */
static enum rc find_member(struct conn *c, int64_t message, bool *found_out, struct uuid *round, struct uuid *organisation,
			   struct err *err)
{
	struct sql *q = sql(c, "SELECT round, organisation FROM round_member WHERE message = ?1 AND message > 0");
	sql_int(q, 1, message);
	*found_out = sql_row(q) && take_uuid(sql_col_blob(q, 0), round) && take_uuid(sql_col_blob(q, 1), organisation);
	return sql_end(q, err);
}

/* They work at the contact they were asked about: at once, and the words say when. */
static enum rc confirm_contact(struct tx *tx, struct notify *n, const struct member_row *m, str title, int64_t at_us,
			       struct arena *a, struct err *err)
{
	int contact = -1;
	const char *driver;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	if (choose_contact(tx_conn(tx), snapshot_table(types), m->recipient, a, &driver, &contact, NULL) != RC_OK)
		contact = -1;
	snapshot_drop(records_types_snapshot(n->w.records), types);
	return contact_mark(tx, n, m->recipient, contact, true, at_us,
			    arena_fmt(a, "answered '" STR_FMT "'", STR_ARG(str_head(title, 150))), a, err);
}

enum rc round_answered(struct tx *tx, struct notify *n, const struct message *m, str words, str by, struct arena *a,
		       struct err *err)
{
	struct noted k = { .round_id = m->item, .words = words, .by = by, .actor = STR("recipient") };
	struct member_row row;
	struct round_row round;
	struct addressee about = { 0 };
	bool found = false;
	str rest = m->recipient;
	k.organisation_id = str_cut(&rest, '/');
	enum rc rc = find_member(tx_conn(tx), m->id, &found, &k.round, &k.organisation, err);
	if (rc == RC_OK && found)
		rc = round_member_load(tx_conn(tx), k.round, k.organisation, a, &found, &row, err);
	if (rc != RC_OK || !found)
		return rc;
	bool first = row.answered_us == 0;
	k.answered_us = first ? tx_now_us(tx) : row.answered_us;
	rc = save(tx, &k, err);
	if (rc == RC_OK)
		rc = write_journal(tx, n, &k, err);
	if (rc == RC_OK)
		rc = round_row_load(tx_conn(tx), k.round, a, &found, &round, err);
	if (rc != RC_OK || !first || !found || round.notifies)
		return rc;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	rc = told_addressee_of(tx_conn(tx), snapshot_table(types), k.round, a, &about, err);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	if (rc == RC_OK)
		rc = confirm_contact(tx, n, &row, about.title, k.answered_us, a, err);
	json_free(about.body);
	return rc == RC_ABSENT ? RC_OK : rc;
}
