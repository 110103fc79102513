/* SPDX-License-Identifier: Apache-2.0 */
/* An envelope between rondas, TAXII_FLAT_TYPE: events without STIX around them beside objects. In it $NODE is the partner's
 * node id and $US ours. Whatever it says: lines that are sound come of it (partner_world.h), none of an origin that is not
 * his, and the same again has no effect. */
#include "exchange/taxii_private.h"

#include "partner_world.h"

static str filled(struct partner_world *w, str text, struct buf *out)
{
	while (text.n > 0) {
		bool his = str_starts(text, STR("$NODE")), ours = str_starts(text, STR("$US"));
		if (his || ours)
			buf_add(out, his ? STR(PARTNER_NODE_ID) : store_node_id(w->team.w.s));
		else
			buf_char(out, text.p[0]);
		text = str_from(text, his ? 5 : ours ? 3 : 1);
	}
	return buf_str(out);
}

/* *taken: of how many. */
static int post(struct partner_world *w, str body, struct arena *a, int64_t *taken)
{
	const struct taxii_request q = { .method = TAXII_POST, .path = STR("exchange/collections/inbox/objects/"),
					 .content_type = STR(TAXII_FLAT_TYPE), .accept = STR(TAXII_TYPE), .body = body,
					 .who = TAXII_PARTNER, .partner = &w->from };
	struct taxii_answer out;
	struct json_object *o = NULL;
	int64_t total = 0, bad = 0;
	*taken = 0;
	taxii_answer(&w->team.x, &q, a, &out);
	MUST(json_read(buf_str(&out.body), &o, NULL) == RC_OK);
	if (out.status == 202)
		MUST(json_get_i64(o, "total_count", &total) && json_get_i64(o, "success_count", taken) &&
		     json_get_i64(o, "failure_count", &bad) && total > 0 && *taken + bad == total);
	else
		MUST(out.status >= 400 && json_get_str(o, "title").n > 0);
	json_free(o);
	buf_free(&out.body);
	return out.status;
}

static int64_t remembered(struct partner_world *w, const char *which)
{
	struct reader *r;
	MUST(store_read_begin(w->team.w.s, &r, &err) == RC_OK);
	struct sql *q = which[0] == 'o' ? sql(reader_conn(r), "SELECT count(*) FROM taken_once") :
					  sql(reader_conn(r), "SELECT coalesce(sum(version), 0) FROM record");
	MUST(sql_row(q));
	int64_t n = sql_col_int(q, 0);
	MUST(sql_end(q, &err) == RC_OK);
	store_read_end(r);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct partner_world *w = partner_world();
	struct arena *a = arena_new(KIB(16));
	struct buf text = BUF_INIT(MIB(4));
	str body = filled(w, str_mem(data, size), &text);
	int64_t first, again;
	int status = post(w, body, a, &first);
	int64_t reports = w->reports, once = remembered(w, "once"), versions = remembered(w, "versions");
	/* twice is as good as once: what was taken is taken, nothing is told again */
	MUST(post(w, body, a, &again) == status && again >= first); /* of what was withdrawn meanwhile no content is compared */
	MUST(remembered(w, "once") == once && remembered(w, "versions") == versions);
	MUST(w->reports == reports || str_find(body, STR("\"objects\"")) < body.n); /* of foreign objects the report's repeat filter knows it */
	buf_free(&text);
	arena_free(a);
	return 0;
}
