/* SPDX-License-Identifier: Apache-2.0 */
/* The portal: what is theirs. */
#include "web/portal.h"

enum { HOME_FINDINGS = 20, HOME_MESSAGES = 10, FINDINGS_SHOWN = 50, COUNT_MOST = 1000, ANSWERS_MOST = 50 };

str portal_word(const struct portal *k, const char *name)
{
	return outside_word(k->language, name);
}

/* --- who --- */

static enum rc who(struct page *p, struct portal *k, struct err *err)
{
	const struct viewer *v = &p->caller.viewer;
	struct addressee a = { 0 };
	if (!settings_bool(p->w->n->settings, "portal"))
		return fail(err, RC_ABSENT, "there is nothing here");
	if (v->as.kind != RECIPIENT_CONSTITUENT || uuid_is_zero(&v->organisation))
		return fail(err, RC_DENIED, "the portal is for people of the organisations we serve");
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = told_organisation(p->r, p->w->n->policies, v->organisation, false, v->channel, &k->to, err);
	k->to.viewer = *v; /* his own ceiling, not his organisation's */
	if (rc == RC_OK)
		rc = told_addressee_of(reader_conn(p->r), page_types(p), v->organisation, p->a, &a, err);
	if (rc == RC_OK && a.closed)
		rc = fail(err, RC_DENIED, "your organisation is not in use here any more");
	if (rc == RC_OK) {
		k->organisation = addressee_id(&a, p->a);
		k->title = a.title;
	}
	json_free(a.body);
	return rc == RC_ABSENT ? fail(err, RC_DENIED, "your organisation is not known here any more") : rc;
}

enum rc portal_enter(struct page *p, struct portal *k, const char *at, struct err *err)
{
	*k = (struct portal){ .title = STR("") };
	enum rc rc = who(p, k, err);
	if (rc != RC_OK)
		return rc;
	str chosen = http_query(p->q, "lang"), kept = http_cookie(p->q, "lang");
	k->language = outside_language(p, kept.n > 0 && kept.n < 8 ? kept : STR(""));
	if (chosen.n > 0 && p->q->method != HTTP_POST)
		page_cookie(p, "lang", arena_z(p->a, k->language), false, 365 * DAY_US / SECOND_US);
	outside_put_frame(p, k->language);
	json_put_bool(&p->j, "portal", true);
	json_put_bool(&p->j, arena_fmt(p->a, "at_%s", at).p, true);
	json_put_str(&p->j, "organisation", k->organisation);
	json_put_str(&p->j, "organisation_name", k->title);
	return RC_OK;
}

/* --- findings --- */

enum rc portal_put_own_answers(struct page *p, const struct portal *k, struct answer_row *list, size_t count)
{
	size_t own = 0;
	for (size_t i = 0; i < count; i++) {
		str rest = list[i].recipient;
		if (str_eq(str_cut(&rest, '/'), k->organisation))
			list[own++] = list[i];
	}
	outside_put_answers(p, k->language, list, own);
	return RC_OK;
}

/* What they claim, not what others do whom it concerns too. */
static void put_claim(struct page *p, const struct portal *k, const struct finding *f, struct answer_row *list,
		      size_t count)
{
	size_t own = 0;
	struct answer_row *mine = ARENA_ARRAY(p->a, count + 1, struct answer_row);
	for (size_t i = 0; i < count; i++) {
		str rest = list[i].recipient;
		if (str_eq(str_cut(&rest, '/'), k->organisation))
			mine[own++] = list[i];
	}
	enum claim claim = answer_outcome(f, mine, own);
	json_put_str(&p->j, "claim", str_of(claim_name(claim)));
	if (claim != CLAIM_NONE)
		json_put_str(&p->j, "claim_label",
			     portal_word(k, arena_fmt(p->a, "p_claim_%s", claim_name(claim)).p));
	if (own > 0) {
		json_put_str(&p->j, "answered", str_of(answer_kind_name(mine[0].kind)));
		json_put_time(&p->j, "answered_at", mine[0].at_us);
	}
}

static str severity_words(struct page *p, const struct portal *k, str severity)
{
	str words = portal_word(k, severity.n ? arena_fmt(p->a, "sev_" STR_FMT, STR_ARG(severity)).p : "sev_none");
	return words.n ? words : severity;
}

enum rc portal_put_finding(struct page *p, const struct portal *k, const struct finding *f, struct err *err)
{
	struct answer_row *list = NULL;
	size_t count = 0;
	const char *state = finding_state_name(f->state);
	str id = arena_fmt(p->a, "%016llx%016llx", (unsigned long long)f->id.hi, (unsigned long long)f->id.lo);
	enum rc rc = answers_of_finding(reader_conn(p->r), f->id, ANSWERS_MOST, p->a, &list, &count, err);
	json_put_str(&p->j, "id", id);
	json_put_str(&p->j, "key", f->key);
	json_put_str(&p->j, "type", f->type);
	json_put_str(&p->j, "identifier", f->identifier);
	json_put_str(&p->j, "severity", f->severity);
	if (p->form == FORM_HTML)
		json_put_str(&p->j, "severity_label", severity_words(p, k, f->severity));
	json_put_str(&p->j, "state", str_of(state));
	json_put_str(&p->j, "state_label", portal_word(k, state));
	json_put_time(&p->j, "first_seen", f->first_seen_us);
	json_put_time(&p->j, "last_seen", f->last_seen_us);
	json_put_i64(&p->j, "events", (int64_t)f->events);
	json_put_i64(&p->j, "returns", (int64_t)f->returns);
	json_put_bool(&p->j, "shared_address", f->shared_address);
	json_put_bool(&p->j, "exercise", f->exercise);
	json_put_str(&p->j, "tlp", str_of(tlp_name(f->tlp)));
	json_put_str(&p->j, "href", arena_fmt(p->a, "/portal/findings/" STR_FMT, STR_ARG(id)));
	if (rc == RC_OK)
		put_claim(p, k, f, list, count);
	return rc;
}

struct listing {
	struct page *p;
	const struct portal *k;
	size_t count, listed; /* listed: looked at, shown or not */
	bool counts; /* only */
	enum rc rc;
	struct err *err;
};

static bool put_one(void *ctx, const struct finding *f)
{
	struct listing *l = ctx;
	l->count++;
	if (l->counts)
		return true;
	json_open(&l->p->j, '{');
	l->rc = portal_put_finding(l->p, l->k, f, l->err);
	json_close(&l->p->j, '}');
	return l->rc == RC_OK && !l->p->doc.over;
}

static enum rc list_findings(struct page *p, const struct portal *k, struct finding_query *q, const char *name,
			     struct listing *l, struct err *err)
{
	*l = (struct listing){ .p = p, .k = k, .counts = !name, .rc = RC_OK, .err = err };
	if (name) {
		json_key(&p->j, str_of(name));
		json_open(&p->j, '[');
	}
	enum rc rc = told_findings(p->r, &k->to, q, put_one, l, &l->listed, err);
	if (name)
		json_close(&p->j, ']');
	return rc == RC_OK ? l->rc : rc;
}

/* All there are, a thousand at a time. */
static enum rc list_all(struct page *p, const struct portal *k, struct finding_query *q, const char *name,
			struct listing *l, struct err *err)
{
	enum rc rc = RC_OK;
	*l = (struct listing){ .p = p, .k = k, .rc = RC_OK, .err = err };
	json_key(&p->j, str_of(name));
	json_open(&p->j, '[');
	do {
		rc = told_findings(p->r, &k->to, q, put_one, l, &l->listed, err);
	} while (rc == RC_OK && l->rc == RC_OK && !p->doc.over && l->listed == q->limit);
	json_close(&p->j, ']');
	return rc == RC_OK ? l->rc : rc;
}

static bool parse_cursor(str text, struct finding_query *q)
{
	uint8_t b[16];
	str id = str_cut(&text, ':');
	if (!hex_parse(id, b, sizeof b) || !str_to_i64(text, &q->after_last_seen_us))
		return false;
	for (size_t i = 0; i < 8; i++) {
		q->after.hi = q->after.hi << 8 | b[i];
		q->after.lo = q->after.lo << 8 | b[i + 8];
	}
	return true;
}

static enum rc parse_state(str text, enum finding_state *out, struct err *err)
{
	static const enum finding_state states[] = { FINDING_OPEN, FINDING_GONE, FINDING_RETURNED };
	for (size_t i = 0; i < COUNT_OF(states); i++)
		if (str_eq(text, str_of(finding_state_name(states[i])))) {
			*out = states[i];
			return RC_OK;
		}
	return text.n == 0 ? RC_OK : fail(err, RC_INPUT, "'" STR_FMT "' is no state of a finding", STR_ARG(str_head(text, 40)));
}

enum rc page_portal_findings(struct page *p, struct err *err)
{
	static const char *const columns[] = { "id", "key", "type", "identifier", "severity", "state", "first_seen",
					       "last_seen", "events", "returns", "answered", "answered_at", "claim", NULL };
	struct portal k;
	struct listing l;
	struct finding_query q = { .limit = page_limit(p, FINDINGS_SHOWN) };
	str after = http_query(p->q, "after");
	p->template = "portal_findings";
	p->columns = columns;
	enum rc rc = portal_enter(p, &k, "findings", err);
	if (rc == RC_OK)
		rc = parse_state(http_query(p->q, "state"), &q.state, err);
	if (rc == RC_OK && after.n > 0 && !parse_cursor(after, &q))
		rc = fail(err, RC_INPUT, "'after' is no place in this list");
	if (rc != RC_OK)
		return rc;
	p->title = arena_z(p->a, portal_word(&k, "p_findings"));
	bool all = p->form == FORM_CSV && http_query(p->q, "limit").n == 0; /* a table has no next page */
	rc = all ? list_all(p, &k, &q, "rows", &l, err) : list_findings(p, &k, &q, "rows", &l, err);
	p->row_count = l.count;
	if (rc == RC_OK && !all && l.listed > 0 && l.listed == q.limit)
		page_next(p, "after", arena_fmt(p->a, "%016llx%016llx:%lld", (unsigned long long)q.after.hi,
						(unsigned long long)q.after.lo, (long long)q.after_last_seen_us));
	return rc;
}

static enum rc load_finding(struct page *p, const struct portal *k, struct told *t, struct err *err)
{
	enum rc rc = told_item(p->r, page_types(p), &k->to, arena_fmt(p->a, "finding--" STR_FMT, STR_ARG(p->item)), 0, p->a,
			       t, NULL);
	bool theirs = false;
	for (size_t i = 0; rc == RC_OK && i < t->finding.concerns.count; i++)
		theirs = theirs || (k->to.org && t->finding.concerns.list[i].org == k->to.org);
	if (rc != RC_OK && rc != RC_DENIED && rc != RC_ABSENT)
		return fail(err, rc, "the finding cannot be read");
	return theirs ? RC_OK : fail(err, RC_ABSENT, "there is no such finding"); /* GREEN of others is not theirs */
}

enum rc page_portal_finding(struct page *p, struct err *err)
{
	struct portal k;
	struct told t = { .rule = "" };
	struct answer_row *list = NULL;
	size_t count = 0;
	int64_t message = 0;
	p->template = "portal_finding";
	enum rc rc = portal_enter(p, &k, "findings", err);
	if (rc == RC_OK)
		rc = load_finding(p, &k, &t, err);
	if (rc != RC_OK)
		return rc;
	p->title = arena_z(p->a, t.finding.key);
	json_key(&p->j, STR("finding"));
	json_open(&p->j, '{');
	rc = portal_put_finding(p, &k, &t.finding, err);
	json_close(&p->j, '}');
	if (rc == RC_OK)
		rc = answers_of_finding(reader_conn(p->r), t.finding.id, ANSWERS_MOST, p->a, &list, &count, err);
	if (rc == RC_OK)
		rc = portal_put_own_answers(p, &k, list, count);
	if (rc == RC_OK)
		rc = inbox_about(reader_conn(p->r), k.organisation, arena_fmt(p->a, "finding--" STR_FMT, STR_ARG(p->item)),
				 &message, err);
	if (rc == RC_OK && message > 0) {
		json_put_str(&p->j, "message_href", arena_fmt(p->a, "/portal/messages/%lld", (long long)message));
		json_put_str(&p->j, "post_href", arena_fmt(p->a, "/portal/messages/%lld?finding=" STR_FMT, (long long)message,
							   STR_ARG(p->item)));
		outside_put_nonce(p);
		outside_put_kinds(p, k.language, true, STR(""));
	}
	told_end(&t);
	return rc;
}

/* --- the first page --- */

enum rc page_portal(struct page *p, struct err *err)
{
	struct portal k;
	struct listing l;
	struct finding_query count = { .limit = COUNT_MOST }, newest = { .limit = HOME_FINDINGS };
	size_t messages = 0, unread = 0;
	int64_t last;
	struct message *waiting = NULL;
	p->template = "portal";
	enum rc rc = portal_enter(p, &k, "home", err);
	if (rc != RC_OK)
		return rc;
	p->title = arena_z(p->a, k.title);
	rc = list_findings(p, &k, &count, NULL, &l, err);
	json_put_i64(&p->j, "findings_open", (int64_t)l.count);
	json_put_bool(&p->j, "findings_more", l.count == COUNT_MOST);
	if (rc == RC_OK)
		rc = inbox_list(p->r, &k.to, k.organisation, true, 0, COUNT_MOST, p->a, &waiting, &unread, err);
	json_put_i64(&p->j, "unread", (int64_t)unread);
	if (rc == RC_OK)
		rc = portal_put_messages(p, &k, false, 0, HOME_MESSAGES, &messages, &last, err);
	return rc == RC_OK ? list_findings(p, &k, &newest, "findings", &l, err) : rc;
}

/* All of it, to take along. */
enum rc page_portal_export(struct page *p, struct err *err)
{
	struct portal k;
	struct listing l;
	struct finding_query open = { .limit = COUNT_MOST }, gone = { .state = FINDING_GONE, .limit = COUNT_MOST };
	struct answer_row *list = NULL;
	size_t count = 0, messages = 0;
	int64_t last;
	p->form = FORM_JSON;
	p->template = "portal";
	enum rc rc = portal_enter(p, &k, "home", err);
	if (rc == RC_OK)
		rc = list_all(p, &k, &open, "open", &l, err);
	if (rc == RC_OK)
		rc = list_all(p, &k, &gone, "gone", &l, err);
	if (rc == RC_OK)
		rc = portal_put_messages(p, &k, false, 0, COUNT_MOST, &messages, &last, err);
	json_put_bool(&p->j, "messages_more", messages == COUNT_MOST);
	const struct answer_query q = { .organisation = k.organisation, .limit = COUNT_MOST };
	if (rc == RC_OK)
		rc = answers_list(reader_conn(p->r), &q, p->a, &list, &count, err);
	if (rc == RC_OK)
		outside_put_answers(p, k.language, list, count);
	json_put_bool(&p->j, "answers_more", count == COUNT_MOST);
	return rc;
}
