/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/proposal.h"

#include "notify/notify_private.h"

static bool is_prose(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\n' && s.p[i] != '\t')
			return false;
	return str_is_utf8(s);
}

static enum rc check_waiting(struct conn *c, str maker, struct err *err)
{
	struct sql *q = sql(c, "SELECT count(*) FROM outbox WHERE maker = ? AND state = 1");
	sql_str(q, 1, maker);
	int64_t count = sql_row(q) ? sql_col_int(q, 0) : 0;
	enum rc rc = sql_end(q, err);
	return rc != RC_OK || count < PROPOSALS_WAITING ? rc :
		       fail(err, RC_LIMIT, "%d proposals of yours wait already", PROPOSALS_WAITING);
}

static str details_of(str by, str words, struct arena *a)
{
	struct buf b = BUF_INIT(OUTBOX_DETAILS_MAX);
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "words", arena_fmt(a, "they propose a change of what we know of them (" STR_FMT "): " STR_FMT,
					    STR_ARG(by), STR_ARG(words)));
	json_close(&j, '}');
	str s = arena_str(a, buf_str(&b));
	buf_free(&b);
	return s;
}

static enum rc put(struct tx *tx, struct notify *n, str organisation, str by, str words, str key, struct arena *a,
		   struct err *err)
{
	struct digest d = sha256(key);
	struct message m = { .lane = LANE_BULK, .driver = STR("notice"), .recipient = STR("role:duty"), .item = organisation,
			     .template = STR("organisation.proposal"), .details = details_of(by, words, a),
			     .purpose = PURPOSE_HANDLING, .policy = policies_number(n->w.policies),
			     .maker = arena_fmt(a, "proposal:" STR_FMT, STR_ARG(organisation)) };
	for (size_t i = 0; i < 7; i++)
		m.made_at = m.made_at << 8 | d.b[i];
	const struct journal_act act = { .act = "organisation.proposal", .actor = by, .object = organisation, .count = 1 };
	enum rc rc = check_waiting(tx_conn(tx), m.maker, err);
	if (rc == RC_OK)
		rc = outbox_put(tx, &m, NULL, 0, NULL, err);
	return rc == RC_OK ? journal_add(tx, records_journal(n->w.records), &act, err) : rc;
}

enum rc proposal_put(struct tx *tx, struct notify *n, str organisation, str by, str words, str key, struct err *err)
{
	if (words.n == 0 || words.n > PROPOSAL_WORDS_MAX || !is_prose(words))
		return fail(err, RC_INPUT, "say what is to be changed, in plain text of at most %d bytes", PROPOSAL_WORDS_MAX);
	if (key.n == 0)
		return fail(err, RC_INPUT, "a proposal needs a key");
	struct arena *a = arena_new(KIB(8));
	enum rc rc = put(tx, n, organisation, by, words, key, a, err);
	arena_free(a);
	return rc;
}
