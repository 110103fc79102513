/* SPDX-License-Identifier: Apache-2.0 */
/* What a TAXII server answers us, from discovery to status: a line "in", "out" or "in out", then its answers (answers.h).
 * Whatever it says: no request leaves its host, what is taken is lines that are sound, no record comes of it, no place lies
 * in the future of its own clock, and what went wrong has words. */
#include "exchange/courier_private.h"
#include "exchange/taxii_client.h"

#include "answers.h"
#include "shared_world.h"

#define SERVER "https://taxii.example.org"
#define SOON (6 * MINUTE_US)

static enum rc begin_job(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	enum rc rc = sql_run(sql(tx_conn(tx), "DELETE FROM taxii_place"), e);
	return rc == RC_OK ? sql_run(sql(tx_conn(tx), "DELETE FROM partner_cursor"), e) : rc;
}

static int64_t records(struct conn *c)
{
	struct sql *q = sql(c, "SELECT count(*) FROM record");
	MUST(sql_row(q));
	int64_t n = sql_col_int(q, 0);
	MUST(sql_end(q, &err) == RC_OK);
	return n;
}

static void check(struct partner_world *w)
{
	struct reader *r;
	MUST(store_read_begin(w->team.w.s, &r, &err) == RC_OK);
	struct sql *q = sql(reader_conn(r), "SELECT after FROM taxii_place");
	int64_t after, most = clock_now_us() + answers.ahead_us + SOON;
	while (sql_row(q)) {
		str text = sql_col_str(q, 0);
		MUST(text.n == 0 || time_parse(text, false, &after));
		MUST(text.n == 0 || after <= most);
	}
	MUST(sql_end(q, &err) == RC_OK);
	MUST(records(reader_conn(r)) == 3); /* partner, agreement, warning */
	store_read_end(r);
}

static void talk(struct partner_world *w, const struct partner *p, struct peer *peer)
{
	struct taxii_server s;
	struct taxii_offer *list;
	size_t count = 0;
	enum rc in = RC_OK, out = RC_OK, rc = taxii_server_open(&w->team.x, p, &s, &err);
	MUST(rc == RC_OK);
	rc = taxii_offers(&s, &list, &count, &err);
	if (rc == RC_OK && p->pull)
		in = taxii_fetch(&s, list, count, &err);
	MUST(in == RC_OK || err.text[0]);
	err.text[0] = 0;
	if (rc == RC_OK && p->push)
		out = taxii_send(&s, peer, list, count, &err);
	taxii_server_close(&s);
	MUST(out == RC_OK || err.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool fresh;
	struct partner_world *w = partner_world_of("{\"name\":\"Team C\",\"kind\":\"taxii\",\"address\":\"" SERVER "\",\"way\":\"both\","
						   "\"organisation\":\"" SHARED_HOUSE "\"}", &fresh);
	str text = str_mem(data, size), ways = str_cut(&text, '\n');
	if (fresh)
		shared_world_fill(w);
	MUST(store_write(w->team.w.s, begin_job, NULL, &err) == RC_OK);
	struct partner p = w->from;
	struct peer *peer = peer_new(p.id);
	p.pull = str_find(ways, STR("in")) < ways.n;
	p.push = str_find(ways, STR("out")) < ways.n;
	if (str_find(ways, STR("root")) < ways.n)
		p.address = STR(SERVER "/api");
	answers_begin(text, SERVER);
	talk(w, &p, peer);
	check(w);
	peer_free(peer);
	return 0;
}
