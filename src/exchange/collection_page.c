/* SPDX-License-Identifier: Apache-2.0 */
/* A page of a collection: from the cursor on, item by item, each asked of the check and made into STIX. */
#include "exchange/answer.h"
#include "exchange/exchange_private.h"
#include "exchange/page_private.h"
#include "exchange/withdraw.h"
#include "stix/stix_mark.h"

enum { LOOK_EVENTS = 1 << 18, LOOK_ENTRIES = 4096, /* of one page, when nothing of it may go */
       NAMES_AT_ONCE = 1024 };                     /* between two looks at the clock */

/* --- what becomes an object of the page --- */

static bool is_wanted(const struct page_query *q, const struct stix_given *o)
{
	str type = str_head(o->id, str_find(o->id, STR("--")));
	bool id = q->id_count == 0, of_type = q->type_count == 0;
	for (size_t i = 0; i < q->id_count && !id; i++)
		id = str_eq(q->ids[i], o->id);
	for (size_t i = 0; i < q->type_count && !of_type; i++)
		of_type = str_eq(q->types[i], type);
	return id && of_type && (!q->carriers || o->part == STIX_CARRIER);
}

static bool is_full(const struct paging *p, const struct stix_given *o, int64_t at_us)
{
	if (p->given == 0 || at_us == p->out->last_us) /* objects of one time are never parted */
		return false;
	return p->given >= p->limit || (p->q->bytes && p->bytes + o->json.n > p->q->bytes);
}

static bool stop(struct paging *p, int64_t before_us, bool more)
{
	p->stopped = true;
	p->out->more = more;
	p->out->upto_us = before_us > p->out->upto_us ? before_us : p->out->upto_us;
	return false;
}

/* What is asked for may be rare: nobody waits for it longer than he said. */
static bool is_late(const struct paging *p)
{
	return p->q->look_until_us && clock_mono_us() > p->q->look_until_us;
}

/* From the writer: each object of the item at hand. */
bool page_take(void *ctx, const struct stix_given *o)
{
	struct paging *p = ctx;
	bool frame = o->part == STIX_FRAME;
	if (frame != p->framing)
		return true;
	unsigned place = frame ? p->frame_at++ : o->at;
	int64_t at_us = p->base_us + (place < ENTRY_STEP ? place : ENTRY_STEP - 1);
	if (at_us <= p->q->after_us || !is_wanted(p->q, o))
		return true;
	if (p->q->until_us && at_us > p->q->until_us)
		return stop(p, p->q->until_us, false);
	int64_t before_us = p->flat ? p->base_us - 1 : at_us - 1;
	if (is_full(p, o, at_us))
		return stop(p, before_us, true);
	char added[STIX_TIME_MAX_TEXT];
	const struct page_object object = { .added_us = at_us, .id = o->id, .json = o->json, .tlp = o->tlp,
					    .carrier = o->part == STIX_CARRIER, .flat = p->flat,
					    .version = o->version.n ? o->version : page_time(at_us, added) };
	if (!p->each(p->ctx, &object))
		return stop(p, before_us, true);
	p->given++;
	p->bytes += o->json.n;
	p->out->first_us = p->out->first_us ? p->out->first_us : at_us;
	p->out->last_us = at_us;
	return true;
}

/* Of who writes: that he was stopped is no error; one item that cannot be written is left out and counted. */
enum rc page_written(struct paging *p, enum rc rc, struct err *err)
{
	if (rc == RC_CONFLICT && p->stopped)
		return RC_OK;
	if (rc == RC_INPUT || rc == RC_LIMIT) {
		if (rc == RC_LIMIT)
			log_warn(p->x->w.log, "an item is too large for a partner", L_Z("why", err->text));
		p->out->refused++;
		*err = (struct err){ 0 };
		return RC_OK;
	}
	return rc;
}

str page_time(int64_t us, char out[STIX_TIME_MAX_TEXT])
{
	char at[40];
	str s = time_str(at, us);
	size_t n = s.n - STR("+00:00").n;
	memcpy(out, s.p, n);
	out[n] = 'Z';
	out[n + 1] = '\0';
	return str_mem(out, n + 1);
}

/* --- each kind of entry --- */

/* *out: may this kind of thing go, and under which agreement. */
enum rc page_flow(struct paging *p, str flow, struct told_to *to, bool *out, struct err *err)
{
	*to = *p->to;
	*out = true;
	if (p->c->kind != COLLECTION_OUT)
		return RC_OK;
	return told_partner_flow(p->x->w.policies, to->viewer.organisation, flow, to, out, err);
}

struct event_writing {
	struct paging *p;
	struct buf text;
	bool named;                /* by its number: base_us is its time */
	const char *again;         /* given again, at this time; NULL: not */
	enum rc rc;
	struct err *err;
};

/* What comes from a third node has another origin: STIX says which. */
static bool is_flat(const struct paging *p, const struct event_view *e)
{
	struct buf origin = BUF_INIT(64);
	bool flat = p->q->flat && !event_view_value(e, STR("extra.origin_node"), &origin);
	buf_free(&origin);
	return flat;
}

/* Its time is that of the last object it could become, and before it is before its first: one page as STIX and the next one
 * flat, or the other way, give each event once. */
static enum rc give_flat(struct paging *p, const struct event_view *e, str text)
{
	char id[64];
	snprintf(id, sizeof id, "event--%s", e->id);
	const struct stix_given g = { .json = text, .id = str_of(id), .version = STR(""), .part = STIX_CARRIER,
				      .at = ENTRY_STEP - 1 };
	p->flat = true;
	(void)page_take(p, &g);
	p->flat = false;
	return RC_OK;
}

static bool write_event(void *ctx, const struct event_view *e, uint64_t seq)
{
	struct event_writing *k = ctx;
	struct paging *p = k->p;
	struct json_out j = json_out(&k->text);
	if (!k->named)
		p->base_us = p->e.added_us + (int64_t)(seq - p->e.first) * ENTRY_STEP;
	buf_reset(&k->text);
	event_view_flat(e, &j);
	if (k->again) { /* one more member of the object */
		k->text.n--;
		buf_fmt(&k->text, ",\"ronda.again\":\"%s\"}", k->again);
	}
	k->rc = is_flat(p, e) ? give_flat(p, e, buf_str(&k->text)) :
				page_written(p, stix_write_flat(p->writer, buf_str(&k->text), k->err), k->err);
	if (k->rc == RC_OK && !p->stopped && is_late(p))
		(void)stop(p, p->base_us + ENTRY_STEP - 1, true);
	return k->rc == RC_OK && !p->stopped;
}

/* Those alone that are asked for by name. */
static enum rc named_events(struct paging *p, const struct told_to *to, uint64_t first, struct event_writing *k,
			    struct err *err)
{
	uint64_t refused = 0;
	enum rc rc = RC_OK;
	for (uint64_t seq = first; rc == RC_OK && seq <= p->e.last && !p->stopped; seq++) {
		if (page_names(p, seq)) {
			rc = told_event_range(p->r, to, seq, seq, write_event, k, &refused, err);
			p->out->refused += refused;
			rc = rc == RC_INPUT ? RC_OK : rc; /* as all of them */
		}
		if ((seq - first) % NAMES_AT_ONCE == NAMES_AT_ONCE - 1 && !p->stopped && is_late(p))
			(void)stop(p, p->e.added_us + (int64_t)(seq + 1 - p->e.first) * ENTRY_STEP - 1, true);
	}
	return rc;
}

static enum rc page_events(struct paging *p, struct err *err)
{
	struct event_writing k = { .p = p, .text = BUF_INIT(MIB(8)), .err = err };
	struct told_to to;
	bool flows;
	uint64_t first = p->e.first, last = p->e.last, refused = 0;
	enum rc rc = page_flow(p, STR("findings"), &to, &flows, err);
	if (rc != RC_OK || p->named.which == PAGE_EVENTS_NONE)
		return rc;
	if (!flows) {
		p->out->refused += p->e.count;
		return RC_OK;
	}
	if (p->q->after_us >= p->e.added_us) /* an event whose last object was not given is looked at again */
		first += (uint64_t)(p->q->after_us + 1 - p->e.added_us) / ENTRY_STEP;
	p->looked += last - first + 1;
	rc = p->named.which == PAGE_EVENTS_NAMED ? named_events(p, &to, first, &k, err) :
						   told_event_range(p->r, &to, first, last, write_event, &k, &refused, err);
	buf_free(&k.text);
	p->out->refused += refused;
	if (rc == RC_INPUT) /* damaged ones are for `verify` to tell; the others were given */
		rc = RC_OK;
	return rc != RC_OK ? rc : k.rc;
}

/* One after the other, as they may be given now. */
static enum rc page_again(struct paging *p, struct err *err)
{
	char text[STIX_TIME_MAX_TEXT];
	struct told_to to;
	uint64_t *seqs;
	size_t count = 0;
	bool flows;
	enum rc rc = page_flow(p, STR("findings"), &to, &flows, err);
	if (rc == RC_OK && flows)
		rc = withdrawn_seqs(p->r, (int64_t)p->e.first, p->a, &seqs, &count, err);
	if (rc == RC_OK && !flows)
		p->out->refused += p->e.count;
	(void)page_time(p->e.added_us, text);
	for (size_t i = 0; rc == RC_OK && i < count && !p->stopped; i++) {
		struct event_writing k = { .p = p, .text = BUF_INIT(MIB(8)), .named = true, .err = err,
					   .again = p->e.kind == ENTRY_AGAIN ? text : NULL };
		uint64_t refused = 0;
		p->base_us = p->e.added_us + (int64_t)i * ENTRY_STEP;
		if (p->base_us + ENTRY_STEP - 1 <= p->q->after_us || !page_names(p, seqs[i]))
			continue;
		rc = told_event(p->r, &to, seqs[i], write_event, &k, &refused, err);
		buf_free(&k.text);
		p->out->refused += refused;
		p->looked++;
		rc = rc != RC_OK && rc != RC_INPUT ? rc : k.rc;
	}
	return rc == RC_ABSENT ? RC_OK : rc;
}

static enum rc page_answer(struct paging *p, struct err *err)
{
	struct stix_answer answer;
	struct told_to to = *p->to;
	bool flows = true;
	enum rc rc = partner_answer_read(reader_conn(p->r), (int64_t)p->e.first, p->a, &answer, err);
	if (rc == RC_OK && answer.words.n) /* people's words go as what they are about; what became of it is told in any case */
		rc = page_flow(p, STR("findings"), &to, &flows, err);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? RC_OK : rc;
	const struct labels item = { .tlp = answer.tlp, .sources = 1, .about_recipient = true,
				     .exercise = to.viewer.exercise };
	if (!flows || may_disclose(&item, &to.viewer.as, to.viewer.channel, to.purpose, &to.viewer.policy).verdict == DISCLOSE_NO) {
		p->out->refused++;
		return RC_OK;
	}
	return page_written(p, stix_write_answer(p->writer, &answer, err), err);
}

/* That it is withdrawn is told to whoever had it; why, when the check lets words of ours go: people may be named in them. */
static str why_told(const struct paging *p, const struct withdrawn *w)
{
	const struct labels item = { .tlp = w->tlp, .sources = 1, .personal = true, .exercise = p->to->viewer.exercise };
	return w->why.n && may_disclose(&item, &p->to->viewer.as, p->to->viewer.channel, p->to->purpose,
					&p->to->viewer.policy).verdict == DISCLOSE_YES ? w->why : STR("");
}

static enum rc page_withdrawn(struct paging *p, struct err *err)
{
	struct withdrawn *list;
	size_t count;
	enum rc rc = withdrawn_read(p->r, (int64_t)p->e.first, p->a, &list, &count, err);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? RC_OK : rc;
	for (size_t i = 0; rc == RC_OK && i < count && !p->stopped; i++) {
		p->base_us = p->e.added_us + (int64_t)i * ENTRY_STEP;
		const struct stix_withdrawn gone = { .id = list[i].object, .item = list[i].item, .at_us = list[i].at_us,
						     .why = why_told(p, &list[i]), .tlp = list[i].tlp };
		rc = page_written(p, stix_write_withdrawn(p->writer, &gone, err), err);
	}
	return rc;
}

/* All marks, and what each writer says of itself. */
static enum rc page_frame(struct paging *p)
{
	p->framing = true;
	p->frame_at = 0;
	struct stix_writer *w = stix_writer_new(store_node_id(p->x->w.store), store_node_name(p->x->w.store), page_take, p);
	stix_writer_free(w);
	for (enum tlp t = TLP_CLEAR; t < TLP_COUNT && !p->stopped; t++) {
		struct buf b = BUF_INIT(KIB(4));
		struct json_out j = json_out(&b);
		stix_tlp_json(t, &j);
		const struct stix_given mark = { .json = buf_str(&b), .id = str_of(stix_tlp_id(t)), .version = STR(""),
						 .tlp = TLP_CLEAR, .part = STIX_FRAME };
		(void)page_take(p, &mark);
		buf_free(&b);
	}
	p->framing = false;
	return RC_OK;
}

static enum rc page_entry(struct paging *p, struct err *err)
{
	p->base_us = p->e.added_us;
	switch (p->e.kind) {
	case ENTRY_EVENTS:
		return page_events(p, err);
	case ENTRY_RECORD:
		return paging_record(p, err);
	case ENTRY_ANSWER:
		return page_answer(p, err);
	case ENTRY_WITHDRAWN:
		return page_withdrawn(p, err);
	case ENTRY_AGAIN:
	case ENTRY_LATER:
		return page_again(p, err);
	case ENTRY_FRAME:
		return p->q->carriers ? RC_OK : page_frame(p);
	case ENTRY_OBJECT:
		return page_foreign(p, err);
	}
	return RC_OK;
}

/* --- the page --- */

static enum rc page_all(struct paging *p, struct err *err)
{
	unsigned entries = 0;
	bool found;
	for (;;) {
		enum rc rc = entry_after(reader_conn(p->r), p->c->id, p->q->lane, p->out->upto_us, &p->e, &found, err);
		if (rc != RC_OK || !found)
			return rc;
		if (p->q->until_us && p->e.added_us > p->q->until_us)
			return RC_OK;
		if (p->looked >= LOOK_EVENTS || ++entries > LOOK_ENTRIES || (entries > 1 && is_late(p))) {
			p->out->more = true;
			return RC_OK;
		}
		arena_reset(p->a);
		rc = page_entry(p, err);
		if (rc != RC_OK || p->stopped)
			return rc;
		p->out->upto_us = p->e.added_us + entry_span_us(&p->e) - 1;
	}
}

enum rc collection_page(struct exchange *x, struct reader *r, const struct collection *c, const struct told_to *to,
			const struct page_query *q, page_each each, void *ctx, struct page_end *out, struct err *err)
{
	struct err local = { 0 };
	*out = (struct page_end){ .upto_us = q->after_us };
	if (c->kind == COLLECTION_OUT && !to->viewer.as.agreement) {
		out->stopped = true;
		return RC_OK;
	}
	struct paging p = { .x = x, .r = r, .c = c, .to = to, .q = q, .each = each, .ctx = ctx, .out = out,
			    .limit = q->limit == 0 ? COLLECTION_PAGE : q->limit < COLLECTION_PAGE_MOST ?
				     q->limit : COLLECTION_PAGE_MOST, .a = arena_new(KIB(16)) };
	struct arena *asked = arena_new(KIB(4));
	page_named_read(&p, asked);
	p.writer = stix_writer_new(store_node_id(x->w.store), store_node_name(x->w.store), page_take, &p);
	enum rc rc = page_all(&p, &local);
	stix_writer_free(p.writer);
	arena_free(p.a);
	arena_free(asked);
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", local.text);
}
