/* SPDX-License-Identifier: Apache-2.0 */
/* What the buttons of the tour with partners do, for real. Each waits a moment for what comes of it, so that the page
 * which follows can show it. */
#include <time.h>

#include "exchange/courier.h"
#include "incident/case.h"
#include "node/demo.h"
#include "web/tour.h"

enum { LINES_LATE = 20, LOOK_MS = 20, WAIT_MS = 6000, MEND_MS = 3000 };

struct step {
	struct page *p;
	struct tour_made made;
	struct tour_teams teams;
	const char *part;      /* of the page to come back to */
	int64_t begun_us;      /* of the clock that only grows */
	int64_t came_us;       /* not before that */
	str ip, id;            /* what is waited for */
	unsigned receipts;     /* of so many at least */
	bool withdrawn;        /* of its withdrawal */
};

/* True: it is there. */
typedef bool (*there_fn)(struct step *k, struct reader *r);

static bool wait_for(struct step *k, there_fn there, int most_ms)
{
	bool found = false;
	int64_t until = clock_mono_us() + (int64_t)most_ms * 1000;
	while (!found && clock_mono_us() < until) {
		struct reader *r = NULL;
		if (store_read_begin(k->p->w->n->store, &r, NULL) == RC_OK) {
			found = there(k, r);
			store_read_end(r);
		}
		if (!found)
			nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000L }, NULL);
	}
	return found;
}

/* --- what may be there --- */

static bool take_id(void *ctx, const struct event_view *e)
{
	struct step *k = ctx;
	if (e->received_us < k->came_us) /* one of before, about the same machine */
		return false;
	k->id = arena_fmt(k->p->a, "event--%s", e->id);
	return false;
}

static bool event_here(struct step *k, struct reader *r)
{
	struct filter_set set = { .query.limit = 1 };
	return filter_add(&set, STR("ip"), k->ip, k->p->a, NULL) == RC_OK &&
	       read_events(r, &k->p->caller.viewer, &set.query, take_id, k, NULL) == RC_OK && k->id.n > 0;
}

static bool finding_there(struct step *k, struct reader *r)
{
	struct json_object *o = NULL;
	(void)r;
	bool found = beside_ask(k->teams.far, arena_fmt(k->p->a, "/findings.json?limit=1&ip=" STR_FMT, STR_ARG(k->ip)), k->p->a,
				&o, NULL) == RC_OK && json_count(json_get(o, "rows")) > 0;
	json_free(o);
	return found;
}

/* All who were offered it and can answer said that they have it, as it stands. */
static bool receipts_here(struct step *k, struct reader *r)
{
	struct tour_way w;
	size_t asked = 0;
	if (tour_way(k->p, r, k->id, &w, NULL) != RC_OK || (k->withdrawn && !w.withdrawn))
		return false;
	for (size_t i = 0; i < w.party_count; i++) {
		const struct tour_party *t = &w.parties[i];
		int64_t since = w.withdrawn ? t->withdrawn_us : t->offered_us;
		bool answers = false;
		for (size_t n = 0; n < k->teams.count; n++)
			answers = answers || (k->teams.list[n].state == BESIDE_RUNS && str_eq(k->teams.list[n].name, t->name));
		if (answers && (!since || t->receipt_us < since))
			return false;
		asked += answers;
	}
	return asked >= k->receipts;
}

static bool refused_here(struct step *k, struct reader *r)
{
	struct tour_way w;
	size_t refused = 0;
	if (tour_way(k->p, r, k->id, &w, NULL) != RC_OK)
		return false;
	for (size_t i = 0; i < w.party_count; i++)
		refused += w.parties[i].refused;
	return refused + 1 >= k->teams.count;
}

static bool nothing_waits(struct step *k, struct reader *r)
{
	struct partner partner;
	struct partner_status s;
	return tour_partner(k->p, r, k->teams.far->name, &partner, NULL) == RC_OK &&
	       partner_status(k->p->w->n->exchange, r, &partner, clock_now_us(), k->p->a, &s, NULL) == RC_OK &&
	       s.backlog[0].items + s.backlog[1].items + s.backlog[2].items == 0;
}

/* --- what is done --- */

static enum rc change(struct step *k, struct change_request *q, struct err *err)
{
	struct page *p = k->p;
	struct record_view v = { 0 };
	struct change_errors errors = { .count = 0 };
	enum rc rc = change_record(p->w->n->records, p->w->n->store, &p->caller.viewer, q, p->a, &v, &errors, err);
	if (rc == RC_OK)
		k->id = record_view_id(&v, p->a);
	record_view_end(&v);
	return rc == RC_INPUT && errors.count > 0 ? fail(err, RC_INPUT, "%s", errors.list[0].text) : rc;
}

/* The warning's own way, by who walks the tour: written, approved, sent. */
static enum rc warn(struct step *k, const char *title, enum tlp tlp, struct err *err)
{
	struct page *p = k->p;
	const struct type *t = types_meaning(page_types(p), STR("warning.published"));
	if (!t)
		return fail(err, RC_ABSENT, "no type of warnings is loaded");
	struct change_request made = { .type = str_of(t->name), .id = STR_NONE, .fields = demo_warning_fields(title, p->a),
				       .to_state = STR_NONE, .why = STR("the tour"), .language = p->language,
				       .labels = arena_fmt(p->a, "{\"tlp\":\"%s\"}", tlp_name(tlp)) };
	enum rc rc = change(k, &made, err);
	static const char *const ways[] = { "approved", "sent" };
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(ways); i++) {
		struct change_request move = { .id = k->id, .fields = STR("{}"), .to_state = str_of(ways[i]), .labels = STR_NONE,
					       .why = STR("the tour"), .language = p->language };
		rc = change(k, &move, err);
	}
	return rc;
}

/* So many infected machines in the far team's country; one of them is the step's event. */
static enum rc deliver(struct step *k, unsigned lines, struct err *err)
{
	char ip[DEMO_IP];
	k->came_us = clock_now_us();
	enum rc rc = demo_partner_report(k->p->w->n, k->teams.far->number - 1, lines, ip, err);
	if (rc != RC_OK)
		return rc;
	k->ip = arena_fmt(k->p->a, "%s", ip);
	k->id = STR("");
	return wait_for(k, event_here, WAIT_MS) ? RC_OK : fail(err, RC_BUSY, "the report is taken, but not to be seen yet");
}

static enum rc do_report(struct step *k, struct err *err)
{
	k->part = "report";
	enum rc rc = deliver(k, 1, err);
	if (rc != RC_OK)
		return rc;
	k->made.event = k->id;
	k->made.seen = STR("");
	if (k->teams.far->state == BESIDE_RUNS && wait_for(k, finding_there, WAIT_MS))
		k->made.seen = arena_fmt(k->p->a, "%lld", (long long)((clock_mono_us() - k->begun_us) / 1000));
	k->receipts = 1;
	(void)wait_for(k, receipts_here, WAIT_MS);
	return RC_OK;
}

static enum rc do_keep(struct step *k, struct err *err)
{
	k->part = "kept";
	enum rc rc = warn(k, "Not for partners", TLP_AMBER_STRICT, err);
	if (rc != RC_OK)
		return rc;
	k->made.kept = k->id;
	(void)wait_for(k, refused_here, WAIT_MS);
	return RC_OK;
}

static enum rc do_send(struct step *k, struct err *err)
{
	k->part = "sent";
	enum rc rc = warn(k, "Patch the mail server", TLP_GREEN, err);
	if (rc != RC_OK)
		return rc;
	k->made.sent = k->id;
	k->receipts = 1;
	(void)wait_for(k, receipts_here, WAIT_MS);
	return RC_OK;
}

static enum rc do_withdraw(struct step *k, struct err *err)
{
	struct change_request q = { .id = k->made.sent, .fields = STR("{\"withdrawn_because\":\"It was none, it was the tour\"}"),
				    .to_state = STR("withdrawn"), .labels = STR_NONE, .why = STR("the tour"),
				    .language = k->p->language };
	k->part = "sent";
	k->withdrawn = true;
	k->receipts = 1;
	enum rc rc = change(k, &q, err);
	if (rc == RC_OK)
		(void)wait_for(k, receipts_here, WAIT_MS);
	return rc;
}

static enum rc do_cut(struct step *k, struct err *err)
{
	k->part = "cable";
	enum rc rc = beside_cut(k->p->w->n, k->teams.far->number, true, err);
	if (rc == RC_OK)
		rc = deliver(k, LINES_LATE, err);
	if (rc == RC_OK) {
		k->made.line = k->id;
		rc = warn(k, "Written while the cable was cut", TLP_GREEN, err);
	}
	if (rc == RC_OK)
		k->made.queued = k->id;
	return rc;
}

/* After failures the courier pauses ever longer: nobody at the tour waits for that. */
static bool push_now(struct step *k)
{
	struct node *n = k->p->w->n;
	struct reader *r = NULL;
	struct partner partner;
	struct line_state line;
	enum rc rc = store_read_begin(n->store, &r, NULL);
	if (rc == RC_OK) {
		rc = tour_partner(k->p, r, k->teams.far->name, &partner, NULL);
		store_read_end(r);
	}
	if (rc == RC_OK)
		rc = courier_once(n->exchange, &partner, k->p->a, &line, NULL);
	return rc == RC_OK && wait_for(k, nothing_waits, MEND_MS);
}

static enum rc do_mend(struct step *k, struct err *err)
{
	k->part = "cable";
	enum rc rc = beside_cut(k->p->w->n, k->teams.far->number, false, err);
	if (rc == RC_OK && !wait_for(k, nothing_waits, MEND_MS))
		(void)push_now(k);
	return rc;
}

static const struct {
	const char *word;
	enum rc (*run)(struct step *k, struct err *err);
} steps[] = {
	{ "report", do_report }, { "keep", do_keep }, { "send", do_send }, { "withdraw", do_withdraw },
	{ "cut", do_cut }, { "mend", do_mend },
};

enum rc page_tour_step(struct page *p, struct err *err)
{
	struct step k = { .p = p, .begun_us = clock_mono_us(), .part = "" };
	size_t at = 0;
	while (at < COUNT_OF(steps) && !str_eq(p->item, str_of(steps[at].word)))
		at++;
	if (at == COUNT_OF(steps))
		return fail(err, RC_ABSENT, "there is nothing here");
	for (size_t i = 0; i < TOUR_MADE; i++) {
		str value = page_form(p, tour_names[i]);
		*tour_made_at(&k.made, i) = value.n > 0 ? value : STR("");
	}
	enum rc rc = tour_teams(p, &k.teams, err);
	if (rc == RC_OK)
		rc = steps[at].run(&k, err);
	if (rc == RC_OK)
		page_go(p, tour_href(p, &k.made, k.part));
	return rc;
}
