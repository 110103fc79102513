/* SPDX-License-Identifier: Apache-2.0 */
/* A round with a partner's TAXII server: what it offers us, then what we fetch, then what we send. */
#include "exchange/courier_private.h"
#include "exchange/taxii_client.h"

static enum rc load(struct exchange *x, struct uuid id, struct arena *a, struct partner *out, struct err *err)
{
	struct buf name = BUF_INIT(RECORD_ID_BYTES);
	struct reader *r = NULL;
	record_id_format(&name, STR("partner"), &id);
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc == RC_OK) {
		rc = partner_find(x, reader_conn(r), buf_str(&name), a, out, err);
		store_read_end(r);
	}
	buf_free(&name);
	return rc;
}

static enum rc run(struct taxii_server *s, struct peer *p, struct err *err)
{
	struct taxii_offer *list;
	size_t count = 0;
	enum rc rc = taxii_offers(s, &list, &count, err);
	if (rc != RC_OK)
		return rc;
	/* each way by itself: where one is shut the other may be open */
	p->answered = true;
	if (s->partner.pull && p->in_due)
		p->in.rc = taxii_fetch(s, list, count, &p->in.err);
	p->in.wait_us = s->wait_us;
	s->wait_us = 0;
	return s->partner.push && p->out_due ? taxii_send(s, p, list, count, err) : RC_OK;
}

enum rc taxii_round(struct exchange *x, struct peer *p, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct taxii_server s;
	struct partner partner;
	p->in.err = (struct err){ 0 };
	p->in.paced = false;
	p->in.wait_us = 0;
	if (p->in_due)
		p->pull_us = clock_mono_us() + (x->w.settings ? settings_int(x->w.settings, "exchange_pull_every") : MINUTE_US);
	enum rc rc = load(x, p->id, a, &partner, err);
	if (rc == RC_OK && !partner.push && !partner.pull)
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is not called: its record has no address, or says that it calls us",
			  STR_ARG(partner.name));
	else if (rc == RC_OK) {
		int64_t begin = clock_mono_us();
		rc = taxii_server_open(x, &partner, &s, err);
		if (rc == RC_OK) {
			rc = run(&s, p, err);
			p->wait_us = p->out_due ? s.wait_us : p->wait_us;
			p->rtt_us = p->rtt_us ? p->rtt_us : clock_mono_us() - begin;
		}
		taxii_server_close(&s);
	}
	/* for the courier what is absent is a partner who is not ours to call any more */
	struct err why = *err;
	arena_free(a);
	if (rc == RC_ABSENT && partner.active)
		rc = fail(err, RC_INPUT, "%s", why.text);
	if (rc != RC_OK && !p->answered) { /* both ways */
		p->in.rc = rc;
		p->in.err = *err;
		p->in.wait_us = p->wait_us;
	}
	return rc;
}
