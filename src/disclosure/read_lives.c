/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/read_lives.h"

#include "disclosure/read_private.h"

static bool is_public(const struct viewer *v)
{
	return v->as.kind == RECIPIENT_PUBLIC;
}

uint64_t read_figure_least(const struct viewer *v)
{
	if (!is_public(v))
		return 0;
	return v->policy.public_k > PUBLIC_K_LEAST ? v->policy.public_k : PUBLIC_K_LEAST;
}

bool read_figure_shown(const struct viewer *v, uint64_t sources)
{
	struct labels item = { .tlp = TLP_CLEAR, .sources = sources };

	return viewer_verdict(v, &item, PURPOSE_STATISTICS) == DISCLOSE_YES;
}

struct gate {
	const struct viewer *v;
	uint64_t sources;
	life_each each;
	void *ctx;
};

static bool pass(void *ctx, const struct finding *f, const struct life *l)
{
	const struct gate *g = ctx;
	/* One of many: whether they are enough is asked of the figure. */
	struct labels item = { .tlp = f->tlp, .exercise = f->exercise, .held = f->held_us != 0,
			       .sources = g->sources };

	if (viewer_verdict(g->v, &item, PURPOSE_STATISTICS) == DISCLOSE_NO)
		return true;
	return g->each(g->ctx, f, l);
}

enum rc read_lives(struct reader *r, const struct viewer *v, const char *dir, size_t memory, life_each each,
		   void *ctx, struct err *err)
{
	uint64_t least = read_figure_least(v);
	struct gate g = { .v = v, .sources = least ? least : 1, .each = each, .ctx = ctx };
	const struct lives_query q = {
		.tlp_mask = disclosure_tlp_mask(&v->as, v->channel, PURPOSE_STATISTICS, &v->policy),
		.dir = dir, .memory = memory };

	enum rc rc = is_public(v) ? RC_OK : need_right(v, RIGHT_READ, err);
	return rc == RC_OK ? lives_each(r, &q, pass, &g, err) : rc;
}

enum rc read_message_counts(struct reader *r, const struct viewer *v, int64_t since_us, int64_t until_us,
			    struct arena *a, struct ledger_count **out, size_t *count_out, struct err *err)
{
	*out = NULL;
	*count_out = 0;
	enum rc rc = need_right(v, RIGHT_READ, err);
	return rc == RC_OK ? ledger_counts(reader_conn(r), since_us, until_us, a, out, count_out, err) : rc;
}

enum rc read_silent(struct reader *r, const struct viewer *v, int64_t since_us, int64_t until_us, uint64_t least,
		    size_t limit, struct arena *a, struct ledger_silence **out, size_t *count_out,
		    struct err *err)
{
	*out = NULL;
	*count_out = 0;
	enum rc rc = need_right(v, RIGHT_READ, err);
	return rc == RC_OK ? ledger_silent(reader_conn(r), since_us, until_us, least, limit, a, out, count_out, err) : rc;
}
