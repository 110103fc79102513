/* SPDX-License-Identifier: Apache-2.0 */
/* Records in quarantine for output. */
#include "disclosure/media.h"
#include "disclosure/read_private.h"

#include "intake/feeds.h"

/* With bytes a record may hold 64 KiB. */
enum { PAGE_LEAST = 16, PAGE_MOST = 1000, PAGE_MOST_BYTES = 100 };

struct quarantine_gate {
	const struct viewer *v;
	struct reader *r;
	const struct feed *feeds;
	size_t feed_count;
	struct report report; /* the one looked at last: records of one report follow each other */
	enum rc rc;           /* whether they could be looked at */
	struct err *err;
};

static enum rc gate_begin(struct quarantine_gate *g, struct reader *r, const struct viewer *v,
			  struct arena *a, struct err *err)
{
	struct feed *feeds = NULL;

	*g = (struct quarantine_gate){ .v = v, .r = r, .err = err };
	enum rc rc = need_right(v, RIGHT_READ, err);
	if (rc == RC_OK)
		rc = feed_list(reader_conn(r), a, &feeds, &g->feed_count, err);
	g->feeds = feeds;
	return rc;
}

static bool report_is_drill(struct quarantine_gate *g, int64_t id)
{
	if (g->report.id == id)
		return g->report.exercise;
	enum rc rc = report_load(reader_conn(g->r), id, &g->report, g->err);
	if (rc != RC_OK)
		g->report = (struct report){ .id = id };
	if (rc != RC_ABSENT) /* forgotten before its records: then its feed says it */
		g->rc = rc;
	return g->report.exercise;
}

/* Raw text may hold anything; of a feed we do not know, the worst. */
static enum verdict record_verdict(struct quarantine_gate *g, const struct quarantined *q)
{
	struct labels item = { .tlp = TLP_COUNT, .personal = true, .sources = 1,
			       .exercise = report_is_drill(g, q->report) };

	for (size_t i = 0; i < g->feed_count; i++) {
		if (g->feeds[i].id == q->feed) {
			item.tlp = g->feeds[i].tlp;
			item.exercise = item.exercise || g->feeds[i].exercise;
		}
	}
	return viewer_verdict(g->v, &item, PURPOSE_HANDLING);
}

/* False: does not exist. The sentence may quote the record. */
static bool record_passes(struct quarantine_gate *g, struct quarantined *q)
{
	enum verdict verdict = record_verdict(g, q);

	if (verdict == DISCLOSE_NO || g->rc != RC_OK)
		return false;
	if (verdict == DISCLOSE_REDACT || !right_includes(g->v->right, RIGHT_OPERATE)) {
		q->bytes = STR_NONE;
		q->words = STR("");
	} else if (!media_may_have(g->v, q->bytes)) {
		q->bytes = STR_NONE;
		q->words = STR("a picture or a film: it is not shown");
	}
	return true;
}

enum rc read_quarantine(struct reader *r, const struct viewer *v, int64_t before, size_t limit,
			bool with_bytes, struct arena *a, struct quarantined **out, size_t *count_out,
			struct err *err)
{
	bool bytes = with_bytes && right_includes(v->right, RIGHT_OPERATE);
	size_t most = bytes ? PAGE_MOST_BYTES : PAGE_MOST, n = 0;
	struct quarantine_gate g;
	bool more = true;

	if (limit > 0 && limit < most)
		most = limit;
	*out = ARENA_ARRAY(a, most, struct quarantined);
	*count_out = 0;
	enum rc rc = gate_begin(&g, r, v, a, err);
	/* Until the page is full: what is left out must not make it shorter. */
	while (rc == RC_OK && more && n < most) {
		struct quarantined *page;
		size_t got = 0, ask = most - n > PAGE_LEAST ? most - n : PAGE_LEAST;

		rc = quarantine_list(reader_conn(r), before, ask, bytes, a, &page, &got, err);
		for (size_t i = 0; rc == RC_OK && i < got && n < most; i++) {
			before = page[i].id;
			if (record_passes(&g, &page[i]))
				(*out)[n++] = page[i];
			rc = g.rc;
		}
		more = got == ask;
	}
	*count_out = rc == RC_OK ? n : 0;
	return rc;
}

enum rc read_quarantined(struct reader *r, const struct viewer *v, int64_t id, struct arena *a,
			 struct quarantined *out, struct err *err)
{
	struct quarantine_gate g;

	enum rc rc = gate_begin(&g, r, v, a, err);
	if (rc != RC_OK)
		return rc;
	rc = quarantine_get(reader_conn(r), id, a, out, err);
	if (rc == RC_OK && record_passes(&g, out))
		return RC_OK;
	if (rc == RC_OK)
		rc = g.rc;
	*out = (struct quarantined){ 0 };
	if (rc != RC_OK && rc != RC_ABSENT)
		return rc;
	return fail(err, RC_ABSENT, "there is no such record in quarantine");
}
