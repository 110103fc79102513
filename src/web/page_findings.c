/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/read_outbox.h"
#include "notify/answers.h"
#include "web/records.h"

enum { TOLD_SHOWN = 100 };

static enum rc parse_state(str text, enum finding_state *out, struct err *err)
{
	static const enum finding_state states[] = { FINDING_OPEN, FINDING_GONE, FINDING_RETURNED };
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		if (str_eq(text, str_of(finding_state_name(states[i])))) {
			*out = states[i];
			return RC_OK;
		}
	}
	return fail(err, RC_INPUT, "'" STR_FMT "' is no state of a finding", STR_ARG(text));
}

/* "ID:LAST_SEEN_US" of the last one seen. */
static enum rc parse_cursor(str text, struct finding_query *q, struct err *err)
{
	uint8_t b[16];
	str id = str_cut(&text, ':');
	if (!hex_parse(id, b, sizeof b) || !str_to_i64(text, &q->after_last_seen_us))
		return fail(err, RC_INPUT, "'after' is no place in this list");
	q->after = (struct hash128){ 0 };
	for (size_t i = 0; i < 8; i++) {
		q->after.hi = q->after.hi << 8 | b[i];
		q->after.lo = q->after.lo << 8 | b[i + 8];
	}
	return RC_OK;
}

static enum rc parse_query(struct page *p, struct finding_query *q, struct err *err)
{
	str state = http_query(p->q, "state"), type = http_query(p->q, "type");
	str org = http_query(p->q, "org"), ip = http_query(p->q, "ip");
	str severity = http_query(p->q, "severity"), after = http_query(p->q, "after");
	enum rc rc = RC_OK;
	if (state.n > 0)
		rc = parse_state(state, &q->state, err);
	if (type.n > 0)
		q->type = type_canonical(type).p ? arena_z(p->a, type_canonical(type)) : arena_z(p->a, type);
	if (severity.n > 0)
		q->severity = arena_z(p->a, severity);
	if (rc == RC_OK && severity.n > 0 && severity_rank(severity) < 0)
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no severity", STR_ARG(severity));
	if (rc == RC_OK && org.n > 0 && !str_to_i64(org, &q->org))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no number of an organisation", STR_ARG(org));
	q->has_net = ip.n > 0;
	if (rc == RC_OK && ip.n > 0 && !net_parse(str_trim(ip), false, &q->net))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no address or network", STR_ARG(ip));
	if (rc == RC_OK && after.n > 0)
		rc = parse_cursor(after, q, err);
	return rc;
}

struct listing {
	struct page *p;
	const struct directory *d;
	struct hash128 last;
	int64_t last_seen_us;
};

static bool put_finding(void *ctx, const struct finding *f)
{
	struct listing *l = ctx;
	finding_json(f, l->d, &l->p->j);
	l->p->row_count++;
	l->last = f->id;
	l->last_seen_us = f->last_seen_us;
	return !l->p->doc.over;
}

enum rc page_findings(struct page *p, struct err *err)
{
	static const char *const names[] = { "state", "type", "severity", "ip", "org", NULL };
	struct finding_query q = { .limit = page_limit(p, 50) };
	p->template = "findings";
	p->title = "Findings";
	enum rc rc = parse_query(p, &q, err);
	if (rc == RC_OK)
		rc = page_reader(p, err);
	if (rc != RC_OK)
		return rc;
	struct listing l = { .p = p, .d = page_directory(p) };
	page_query(p, names);
	put_question_words(p, "findings", NULL);
	page_rows(p);
	rc = read_findings(p->r, &p->caller.viewer, &q, put_finding, &l, err);
	page_rows_end(p);
	if (rc == RC_OK && p->row_count == q.limit)
		page_next(p, "after",
			  arena_fmt(p->a, "%016llx%016llx:%lld", (unsigned long long)l.last.hi,
				    (unsigned long long)l.last.lo, (long long)l.last_seen_us));
	return rc;
}

static bool put_linked(void *ctx, const struct link_view *l)
{
	struct page *p = ctx;
	json_open(&p->j, '{');
	json_put_str(&p->j, "kind", l->kind);
	json_put_str(&p->j, "other", l->other);
	json_put_str(&p->j, "other_title", l->other_title.n > 0 ? l->other_title : l->other);
	json_put_str(&p->j, "other_state", l->other_state);
	json_put_time(&p->j, "at", l->at_us);
	json_put_str(&p->j, "href", id_href(p, l->other));
	json_close(&p->j, '}');
	return !p->doc.over;
}

/* Whom registries and sites name for what a finding is about: the second word of its key. */
static void put_last_resort(struct page *p, const struct finding *f)
{
	struct fallback_hit hits[FALLBACK_HITS_MAX];
	struct snapshot_ref *contacts = node_contacts(p->w->n);
	const struct viewer *v = &p->caller.viewer;
	const struct directory *d = page_directory(p);
	struct who who;
	size_t n = 0;
	str rest = f->key, head = str_cut(&rest, ' '), subject = str_cut(&rest, ' ');
	bool asks = d && !str_eq(head, STR("account")) && subject.n;
	if (asks && read_who(v, d, p->w->n->enrich, subject, clock_now_us(), &who, NULL) == RC_OK) {
		if (!who.asked.asn)
			who.asked.asn = f->asn;
		n = read_last_resort(v, d, snapshot_table(contacts), clock_now_us(), &who, hits);
	}
	last_resort_json(hits, n, clock_now_us(), &p->j);
	snapshot_drop(p->w->n->contacts, contacts);
}

/* Whom it was told, when, under which rule and by which message: for who may read the ledger. */
static enum rc put_told(struct page *p, str item, struct err *err)
{
	const struct ledger_query q = { .item = item, .limit = TOLD_SHOWN };
	struct ledger_row *list = NULL;
	size_t n = 0;
	enum rc rc = read_ledger(p->r, page_types(p), p->w->n->roles, &p->caller.viewer, &q, p->a, &list, &n, err);
	json_put_bool(&p->j, "ledger_shown", rc == RC_OK);
	json_key(&p->j, STR("ledger"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		const struct ledger_row *l = &list[i];
		str to = l->recipient, organisation = str_cut(&to, '/');
		json_open(&p->j, '{');
		json_put_i64(&p->j, "id", l->id);
		json_put_time(&p->j, "at", l->at_us);
		json_put_str(&p->j, "kind", str_of(ledger_kind_name(l->kind)));
		json_put_str(&p->j, "driver", l->driver);
		json_put_str(&p->j, "to", l->recipient);
		put_reference(p, "to_ref", organisation);
		json_put_str(&p->j, "item", l->item);
		if (!str_eq(l->item, item) && l->item.n > 0)
			put_reference(p, "rule_ref", l->item);
		if (l->message)
			json_put_i64(&p->j, "message", l->message);
		json_put_str(&p->j, "rule", l->rule);
		json_put_i64(&p->j, "policy", (int64_t)l->policy);
		json_put_str(&p->j, "reference", l->reference);
		json_put_str(&p->j, "words", l->words);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	return rc == RC_DENIED ? RC_OK : rc;
}

enum rc page_finding(struct page *p, struct err *err)
{
	struct finding f;
	p->template = "finding";
	p->title = "Finding";
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = read_finding(p->r, &p->caller.viewer, p->item, p->a, &f, err);
	if (rc != RC_OK)
		return rc;
	page_put_destroy(p, arena_fmt(p->a, "finding--" STR_FMT, STR_ARG(p->item)));
	json_key(&p->j, STR("finding"));
	finding_json(&f, page_directory(p), &p->j);
	put_last_resort(p, &f);
	json_key(&p->j, STR("linked"));
	json_open(&p->j, '[');
	rc = read_links_to(p->r, page_types(p), &p->caller.viewer, arena_fmt(p->a, "finding--" STR_FMT, STR_ARG(p->item)),
			   p->a, put_linked, p, err);
	json_close(&p->j, ']');
	if (rc == RC_OK)
		rc = page_put_answers(p, &f, err);
	if (rc == RC_OK)
		rc = page_put_telling(p, arena_fmt(p->a, "finding--" STR_FMT, STR_ARG(p->item)), err);
	return rc == RC_OK ? put_told(p, arena_fmt(p->a, "finding--" STR_FMT, STR_ARG(p->item)), err) : rc;
}
