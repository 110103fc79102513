/* SPDX-License-Identifier: Apache-2.0 */
/* The gate at its edges: findings, events and reports at the other end of a link, explanations of
 * them, labels that become looser, emergencies, messages about what is not there. The table of
 * findings is a double that has one. */
#include "disclosure/records_world.h"

#include "disclosure/break_glass.h"
#include "disclosure/change_private.h"
#include "disclosure/explain.h"
#include "disclosure/policy.h"
#include "disclosure/read.h"
#include "event/normalise.h"
#include "intake/feeds.h"
#include "store/fault_test.h"
#include "store/upkeep.h"

#define FINDING "finding--00000000000000010000000000000001"
#define NO_FINDING "finding--00000000000000010000000000000002"

static enum tlp finding_tlp = TLP_GREEN;
static str finding_words = STR_INIT("");
static int64_t feeds_of[2];
static size_t feed_count;

enum rc findings_get(struct reader *r, struct hash128 id, struct arena *a, struct finding *out, struct err *e)
{
	(void)r;
	(void)a;
	if (id.hi != 1 || id.lo != 1)
		return fail(e, RC_ABSENT, "there is none");
	*out = (struct finding){ .id = { 1, 1 }, .tlp = finding_tlp, .type = STR("scanner"), .key = STR("k"),
				 .identifier = finding_words, .mark_reason = STR("a person said so") };
	return RC_OK;
}

enum rc findings_list(struct reader *r, const struct finding_query *q, finding_each each, void *ctx,
		      struct err *e)
{
	(void)r, (void)q, (void)each, (void)ctx, (void)e;
	return RC_OK;
}

enum rc findings_feeds(struct reader *r, struct hash128 id, struct arena *a, struct finding_feed **out,
		       size_t *count_out, struct err *e)
{
	(void)r, (void)id, (void)e;
	*out = ARENA_ARRAY(a, 2, struct finding_feed);
	for (size_t i = 0; i < feed_count; i++)
		(*out)[i].feed = feeds_of[i];
	*count_out = feed_count;
	return RC_OK;
}

const char *finding_state_name(enum finding_state s)
{
	(void)s;
	return "open";
}

/* --- a store with an event and two feeds --- */

static enum rc keep(struct tx *tx, void *ctx, struct err *e)
{
	uint64_t first;
	return event_chunk_commit(tx, ctx, &first, e);
}

static void add_event_of(struct world *w, const char *tlp, const char *feed, bool exercise)
{
	static const char *const set[][2] = { { "classification.type", "scanner" },
					      { "source.ip", "192.0.2.1" },
					      { "time.source", "2026-03-01T12:00:00Z" } };
	struct batch *b = batch_new();
	struct report rep = { .id = 1, .received_us = clock_now_us() };
	uint64_t halves[1];
	struct event_chunk *c = NULL;

	batch_row_begin(b, 1, 0, 0, 1);
	for (size_t i = 0; i < COUNT_OF(set); i++)
		CHECK_RC(event_set_named(b, str_of(set[i][0]), str_of(set[i][1]), &err), RC_OK, err);
	if (tlp)
		CHECK_RC(event_set_named(b, STR("tlp"), str_of(tlp), &err), RC_OK, err);
	if (feed)
		CHECK_RC(event_set_named(b, STR("feed.name"), str_of(feed), &err), RC_OK, err);
	if (exercise)
		CHECK_RC(event_set_named(b, STR("exercise"), STR("true"), &err), RC_OK, err);
	event_complete_class(b);
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	CHECK_RC(event_chunk_new(b, &rep, halves, &c, &err), RC_OK, err);
	CHECK_RC(store_write(w->s, keep, c, &err), RC_OK, err);
	event_chunk_free(c);
	batch_free(b);
}

static void add_event(struct world *w, const char *tlp, const char *feed)
{
	add_event_of(w, tlp, feed, false);
}

static bool note_id(void *ctx, const struct event_view *e)
{
	snprintf(ctx, 48, "event--%s", e->id);
	return true;
}

/* Of the newest event. */
static void newest_event(struct world *w, char out[48])
{
	struct viewer owner = viewer_owner(0);
	owner.exercise = owner.as.exercise_member = true;
	struct event_query q = { .limit = 1 };
	struct reader *r = begin(w);
	CHECK_RC(read_events(r, &owner, &q, note_id, out, &err), RC_OK, err);
	store_read_end(r);
}

struct new_feed {
	struct journal *j;
	struct feed feed;
	int64_t id;
};
static enum rc put_feed(struct tx *tx, void *ctx, struct err *e)
{
	struct new_feed *n = ctx;
	return feed_add(tx, n->j, &n->feed, STR("test"), &n->id, e);
}
static int64_t add_feed(struct world *w, const char *name, const char *licence)
{
	struct new_feed n = { .j = w->j, .feed = { .name = str_of(name), .licence = str_of(licence),
						   .tlp = TLP_GREEN, .on = true, .format = STR("auto") } };
	CHECK_RC(store_write(w->s, put_feed, &n, &err), RC_OK, err);
	return n.id;
}

static struct viewer lead_of(void)
{
	struct viewer lead = staff(LEAD | ANALYST, 1);
	lead.right = RIGHT_READ;
	return lead;
}

/* --- links to what is no record --- */

struct linked {
	unsigned count;
	char types[200];
};
static bool note_link(void *ctx, const struct link_view *l)
{
	struct linked *n = ctx;
	n->count++;
	size_t at = strlen(n->types);
	snprintf(n->types + at, sizeof(n->types) - at, STR_FMT " ", STR_ARG(l->other_type));
	return n->count < 50;
}
static struct linked links_of(struct world *w, const struct viewer *v, str id)
{
	struct linked n = { .count = 0 };
	struct reader *r = begin(w);
	CHECK_RC(read_record_links(r, types_of(w), v, id, w->a, note_link, &n, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

TEST(links)
{
	struct world w = world_new();
	struct viewer lead = lead_of(), plain = lead;
	struct uuid one = make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 1), two = make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 2);
	str from = id_str(&w, "incident", &one), other = id_str(&w, "incident", &two);
	char event[48] = "";
	int64_t id = 0, keep_id = 0;

	add_event(&w, "GREEN", NULL);
	newest_event(&w, event);
	const struct { const char *to; enum rc lead, plain; } ends[] = {
		{ FINDING, RC_OK, RC_DENIED }, { NO_FINDING, RC_ABSENT, RC_DENIED },
		{ event, RC_OK, RC_DENIED }, { "event--zz", RC_ABSENT, RC_DENIED }, { "report--1", RC_OK, RC_ABSENT },
		{ "incident-2", RC_OK, RC_OK }, { "incident-99", RC_ABSENT, RC_ABSENT },
	};
	plain.right = RIGHT_PUBLIC; /* sees records, no findings */
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		enum rc rc = change_link(w.r, w.s, &plain, from, STR("seen"), str_of(ends[i].to), STR(""), &id, &err);
		CHECK_MSG(rc == ends[i].plain, "%s for one who sees no findings: %s", ends[i].to, rc_name(rc));
		rc = change_link(w.r, w.s, &lead, from, STR("about"), str_of(ends[i].to), STR("w"), &id, &err);
		CHECK_MSG(rc == ends[i].lead, "%s: %s (%s)", ends[i].to, rc_name(rc), err.text);
		if (rc == RC_OK)
			keep_id = id;
	}
	struct linked n = links_of(&w, &lead, from);
	CHECK_MSG(n.count == 5, "%u: %s", n.count, n.types);
	CHECK(strstr(n.types, "finding") && strstr(n.types, "event") && strstr(n.types, "report"));
	n = links_of(&w, &plain, from);
	CHECK_MSG(n.count == 2 && strstr(n.types, "incident incident"), "%u: %s", n.count, n.types);
	CHECK_INT(links_of(&w, &lead, other).count, 2); /* from the other end */
	finding_words = STR("open-telnet");
	CHECK_INT(links_of(&w, &lead, from).count, 5);
	/* no field's name, no foreign link, no link twice taken away */
	CHECK_RC(change_link(w.r, w.s, &lead, from, STR("organisation"), other, STR(""), &id, &err), RC_INPUT, err);
	CHECK_RC(change_unlink(w.r, w.s, &lead, from, 9999, STR(""), &err), RC_ABSENT, err);
	CHECK_RC(change_unlink(w.r, w.s, &lead, from, keep_id, STR("no"), &err), RC_OK, err);
	CHECK_RC(change_unlink(w.r, w.s, &lead, from, keep_id, STR("no"), &err), RC_ABSENT, err);
	CHECK_RC(change_erase(w.r, w.s, &lead, from, STR(" \n"), &err), RC_INPUT, err);
	/* forty links: the list grows */
	for (int i = 0; i < 40; i++)
		CHECK_RC(change_link(w.r, w.s, &lead, other, arena_fmt(w.a, "kind%d", i), STR("report--7"), STR(""), &id,
				     &err), RC_OK, err);
	CHECK(links_of(&w, &lead, other).count >= 40);
	world_end(&w);
}

/* --- explanations of what is no record --- */

TEST(explanations)
{
	struct world w = world_new();
	struct viewer lead = lead_of();
	char event[48] = "", bare[48] = "", strange[48] = "", drill[48] = "", drilled[48] = "";
	struct explanation e;
	struct uuid whose;

	feeds_of[0] = add_feed(&w, "open", "CC-BY-4.0");
	feeds_of[1] = add_feed(&w, "closed", "internal");
	add_event(&w, "GREEN", "open");
	newest_event(&w, event);
	add_event(&w, NULL, NULL);
	newest_event(&w, bare);
	add_event(&w, "GREEN", "elsewhere");
	newest_event(&w, strange);
	add_event_of(&w, "GREEN", "open", true);
	newest_event(&w, drill);
	struct new_feed n = { .j = w.j, .feed = { .name = STR("drill"), .licence = STR(""), .tlp = TLP_GREEN, .on = true,
						  .exercise = true, .format = STR("auto") } };
	CHECK_RC(store_write(w.s, put_feed, &n, &err), RC_OK, err);
	add_event(&w, "GREEN", "drill");
	newest_event(&w, drilled);
	struct uuid one = make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 1);
	struct reader *r = begin(&w);
	const struct types *t = types_of(&w);

	struct explain_ask ask = { .item = STR(FINDING), .by = CHANNEL_SYNC, .purpose = PURPOSE_HANDLING,
				   .to = { .kind = RECIPIENT_PARTNER, .ceiling = TLP_RED, .agreement = true,
					   .agreed = TLP_RED, .agreed_pap = PAP_RED },
				   .policy = lead.policy };
	finding_tlp = TLP_GREEN;
	feed_count = 1;
	CHECK_RC(explain_item(r, t, &lead, &ask, w.a, &e, &err), RC_OK, err);
	CHECK_MSG(e.told, "%s", e.decision.rule);
	CHECK(e.attribution.n > 0 && e.cut_count == 1);
	ask.to.personal_basis = true;
	CHECK_RC(explain_item(r, t, &lead, &ask, w.a, &e, &err), RC_OK, err);
	CHECK(e.told && e.cut_count == 0);
	feed_count = 2; /* one of its sources forbids it */
	CHECK_RC(explain_item(r, t, &lead, &ask, w.a, &e, &err), RC_OK, err);
	CHECK(!e.told);
	feeds_of[1] = 999;
	CHECK_RC(explain_item(r, t, &lead, &ask, w.a, &e, &err), RC_ABSENT, err);
	ask.item = STR(NO_FINDING);
	CHECK_RC(explain_item(r, t, &lead, &ask, w.a, &e, &err), RC_ABSENT, err);

	ask.item = str_of(event);
	CHECK_RC(explain_item(r, t, &lead, &ask, w.a, &e, &err), RC_OK, err);
	CHECK_MSG(e.told, "%s", e.decision.rule);
	CHECK(e.cut_count == 0 && e.attribution.n > 0);
	ask.to.personal_basis = false;
	CHECK_RC(explain_item(r, t, &lead, &ask, w.a, &e, &err), RC_OK, err);
	CHECK_INT(e.cut_count, 1);
	ask.item = str_of(strange); /* of a feed that is not ours */
	CHECK_RC(explain_item(r, t, &lead, &ask, w.a, &e, &err), RC_OK, err);
	ask.item = str_of(bare); /* no marking: as RED */
	CHECK_RC(explain_item(r, t, &lead, &ask, w.a, &e, &err), RC_OK, err);
	CHECK(!e.told);
	/* of an exercise: by its own word, or by its feed's */
	struct viewer player = lead;
	player.exercise = player.as.exercise_member = true;
	const char *const played[] = { drill, drilled };
	for (size_t i = 0; i < COUNT_OF(played); i++) {
		ask.item = str_of(played[i]);
		CHECK_RC(explain_item(r, t, &player, &ask, w.a, &e, &err), RC_OK, err);
		CHECK_MSG(e.labels.exercise && !e.told, "%zu: %s", i, e.decision.rule);
	}

	CHECK_RC(explain_whose(r, t, &lead, id_str(&w, "organisation", &house_a), w.a, &whose, &err), RC_OK, err);
	CHECK(uuid_equal(&whose, &house_a));
	CHECK_RC(explain_whose(r, t, &lead, STR("incident-1"), w.a, &whose, &err), RC_OK, err);
	CHECK(uuid_equal(&whose, &one));
	CHECK_RC(explain_whose(r, t, &lead, STR("incident-7"), w.a, &whose, &err), RC_ABSENT, err);
	store_read_end(r);
	world_end(&w);
}

/* --- what is looser --- */

TEST(looser)
{
#define A "\"audience\":[\"organisation--0a010000-0000-0000-0000-000000000000\"]"
#define AB "\"audience\":[\"organisation--0a010000-0000-0000-0000-000000000000\"," \
	   "\"organisation--0b020000-0000-0000-0000-000000000000\"]"
	static const struct { const char *before, *now; bool looser; } cases[] = {
		{ "{\"tlp\":\"AMBER\"}", "{\"tlp\":\"AMBER\"}", false },
		{ "{\"tlp\":\"AMBER\"}", "{\"tlp\":\"RED\"}", false },
		{ "{\"tlp\":\"AMBER\"}", "{\"tlp\":\"GREEN\"}", true },
		{ "{\"tlp\":\"AMBER\",\"pap\":\"RED\"}", "{\"tlp\":\"AMBER\",\"pap\":\"GREEN\"}", true },
		{ "{\"tlp\":\"PUCE\"}", "{\"tlp\":\"PUCE\"}", false },
		{ "{\"tlp\":\"PUCE\"}", "{\"tlp\":\"RED\"}", true },
		{ "{\"tlp\":\"AMBER\",\"pap\":\"PUCE\"}", "{\"tlp\":\"AMBER\",\"pap\":\"RED\"}", true },
		{ "{\"tlp\":\"GREEN\"}", "{\"tlp\":\"GREEN\",\"classification\":\"SECRET\"}", false },
		{ "{\"tlp\":\"GREEN\",\"classification\":\"SECRET\"}", "{\"tlp\":\"GREEN\"}", true },
		{ "{\"tlp\":\"GREEN\"}", "{\"tlp\":\"GREEN\",\"licence\":\"internal\"}", false },
		{ "{\"tlp\":\"GREEN\",\"licence\":\"internal\"}", "{\"tlp\":\"GREEN\"}", true },
		{ "{\"tlp\":\"GREEN\",\"licence\":\"no such\"}", "{\"tlp\":\"GREEN\",\"licence\":\"CC-BY-4.0\"}", true },
		{ "{\"tlp\":\"GREEN\",\"classification\":\"SECRET\"}", "{\"tlp\":\"RED\"}", true },
		{ "{\"tlp\":\"GREEN\",\"licence\":\"internal\"}", "{\"tlp\":\"GREEN\",\"licence\":\"own-assets\"}", true },
		{ "{\"tlp\":\"GREEN\",\"licence\":\"own-assets\"}", "{\"tlp\":\"GREEN\",\"licence\":\"internal\"}", false },
		{ "{\"tlp\":\"GREEN\",\"licence\":\"internal\"}", "{\"tlp\":\"AMBER\",\"licence\":\"internal\"}", false },
		{ "{\"tlp\":\"AMBER\"}", "{\"tlp\":\"AMBER\"," A "}", true },
		{ "{\"tlp\":\"AMBER\"," A "}", "{\"tlp\":\"AMBER\"," A "}", false },
		{ "{\"tlp\":\"AMBER\"," A "}", "{\"tlp\":\"AMBER\"," AB "}", true },
		{ "{\"tlp\":\"AMBER\"," AB "}", "{\"tlp\":\"AMBER\"," A "}", false },
		{ "{\"tlp\":\"AMBER\"," A "}", "{\"tlp\":\"AMBER\"}", true },
		{ "{\"tlp\":\"RED\",\"named\":[\"account:1\"]}", "{\"tlp\":\"RED\",\"named\":[\"account:2\"]}", true },
		{ "{\"tlp\":\"RED\",\"named\":[\"account:1\",\"account:2\"]}", "{\"tlp\":\"RED\",\"named\":[\"account:2\"]}", false },
		{ "{\"tlp\":\"AMBER\",\"exercise\":true}", "{\"tlp\":\"AMBER\"}", true },
	};
	struct arena *a = arena_new(KIB(4));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct labels_of before, now;
		CHECK_RC(labels_parse(str_of(cases[i].before), a, &before, &err), RC_OK, err);
		CHECK_RC(labels_parse(str_of(cases[i].now), a, &now, &err), RC_OK, err);
		CHECK_MSG(labels_are_looser(&before, &now, &marks_built_in) == cases[i].looser, "row %zu", i);
	}
	static const struct { const char *json, *want; enum rc rc; } names[] = {
		{ "", "{\"named\":[\"account:1\"]}", RC_OK },
		{ "{\"tlp\":\"RED\",\"named\":[\"account:1\"]}", "{\"tlp\":\"RED\",\"named\":[\"account:1\"]}", RC_OK },
		{ "{\"named\":[\"account:2\"]}", "{\"named\":[\"account:2\",\"account:1\"]}", RC_OK },
		{ "[]", "[]", RC_OK }, /* labels_parse says what is wrong */
		{ "{\"named\":7}", "{\"named\":7}", RC_OK },
		{ "{", "", RC_INPUT },
	};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		str out = STR("");
		enum rc rc = labels_with_name(str_of(names[i].json), STR("account:1"), a, &out, &err);
		CHECK_MSG(rc == names[i].rc && str_eq(out, str_of(names[i].want)), "%s: " STR_FMT, names[i].json,
			  STR_ARG(out));
	}
	struct buf many = BUF_INIT(KIB(8));
	str out;
	buf_add(&many, STR("{\"named\":["));
	for (int i = 0; i < RECORD_NAMED_MAX; i++)
		buf_fmt(&many, "%s\"account:%d\"", i ? "," : "", i + 2);
	buf_add(&many, STR("]}"));
	CHECK_RC(labels_with_name(buf_str(&many), STR("account:1"), a, &out, &err), RC_LIMIT, err);
	buf_free(&many);
	arena_free(a);
}

/* --- emergencies --- */

TEST(glass)
{
	struct world w = world_new();
	struct roles *roles = NULL;
	struct viewer lead = staff(LEAD, 1), duty = staff(DUTY, 2), none = staff(VIEWER, 3), v;
	struct uuid one = make(&w, STR(""), "{\"tlp\":\"RED\"}", 1);
	str id = id_str(&w, "incident", &one);
	int64_t glass_id = 0, until;
	struct glass *list;
	size_t n;

	CHECK_RC(roles_load(NULL, &roles, &err), RC_OK, err);
	const struct { const char *what, *item; int who; const char *reason; enum rc rc; } cases[] = {
		{ "no reason", id.p, 'd', "x", RC_INPUT },
		{ "not UTF-8", id.p, 'd', "because \xff\xfe of it", RC_INPUT },
		{ "no role", id.p, 'n', "because of it all", RC_DENIED },
		{ "a token that reads", id.p, 'r', "because of it all", RC_DENIED },
		{ "nobody's account", id.p, 'a', "because of it all", RC_DENIED },
		{ "somebody else's person", id.p, 'o', "because of it all", RC_DENIED },
		{ "a constituent", id.p, 'c', "because of it all", RC_DENIED },
		{ "no such record", "incident--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ff", 'd', "because of it all", RC_ABSENT },
		{ "no number", "incident-x", 'd', "because of it all", RC_ABSENT },
		{ "no number there", "incident-99", 'd', "because of it all", RC_ABSENT },
		{ "no type", "thing-1", 'd', "because of it all", RC_ABSENT },
		{ "nothing", "", 'd', "because of it all", RC_ABSENT },
		{ "by number", "incident-1", 'd', "because of it all", RC_OK },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		v = cases[i].who == 'n' ? none : duty;
		v.reads_only = cases[i].who == 'r';
		v.account = cases[i].who == 'a' ? 0 : v.account;
		v.organisation = cases[i].who == 'o' ? house_a : v.organisation;
		v.as.kind = cases[i].who == 'c' ? RECIPIENT_CONSTITUENT : v.as.kind;
		enum rc rc = break_glass(w.r, w.s, roles, &v, str_of(cases[i].item), str_of(cases[i].reason),
					 &glass_id, &until, &err);
		CHECK_MSG(rc == cases[i].rc, "%s: %s (%s)", cases[i].what, rc_name(rc), err.text);
	}
	/* on the screen and the command line, nowhere else */
	static const struct { enum channel by; bool seen; } ways[] = {
		{ CHANNEL_SCREEN, true }, { CHANNEL_CLI, true }, { CHANNEL_API, false }, { CHANNEL_EXPORT, false },
	};
	duty.as.ceiling = TLP_AMBER;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		duty.channel = ways[i].by;
		CHECK_MSG((shown(&w, &duty, id).p != NULL) == ways[i].seen, "way %zu", i);
	}
	duty.channel = CHANNEL_SCREEN;
	struct reader *r = begin(&w);
	struct record_view view;
	CHECK_RC(read_record(r, types_of(&w), &duty, id, w.a, &view, &err), RC_OK, err);
	CHECK(record_view_in_emergency(&view, &duty));
	record_view_end(&view);
	CHECK_RC(read_record(r, types_of(&w), &lead, id, w.a, &view, &err), RC_OK, err);
	CHECK(!record_view_in_emergency(&view, &lead));
	record_view_end(&view);
	CHECK_RC(break_glass_list(reader_conn(r), roles, &none, false, 10, w.a, &list, &n, &err), RC_DENIED, err);
	v = staff(AUDITOR, 5);
	CHECK_RC(break_glass_list(reader_conn(r), roles, &v, false, 5000, w.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	CHECK_RC(break_glass_list(reader_conn(r), roles, &duty, true, 0, w.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 0);
	store_read_end(r);
	CHECK_RC(break_glass_review(w.r, w.s, roles, &none, glass_id, STR("that was well done"), &err), RC_DENIED, err);
	CHECK_RC(break_glass_review(w.r, w.s, roles, &lead, 99, STR("that was well done"), &err), RC_ABSENT, err);
	CHECK_RC(break_glass_review(w.r, w.s, roles, &lead, glass_id, STR("that was well done"), &err), RC_OK, err);
	roles_free(roles);
	world_end(&w);
}

/* --- whose a record is, by its assignee --- */

TEST(assignees)
{
	struct world w = world_new();
	struct viewer v = staff(ANALYST, 7), nobody = v;
	const struct type *task = types_find(types_of(&w), STR("task")), *note = types_find(types_of(&w), STR("note"));
	v.person = (struct uuid){ { 0xc, 3 } };
#define ME "person--0c030000-0000-0000-0000-000000000000"
	const struct { const char *what; const struct type *t; const char *body; const struct viewer *v; bool names; } cases[] = {
		{ "his", task, "{\"assignee\":\"" ME "\"}", &v, true },
		{ "another's", task, "{\"assignee\":\"person--0d030000-0000-0000-0000-000000000000\"}", &v, false },
		{ "only said of him", task, "{\"parent\":\"" ME "\"}", &v, false },
		{ "no JSON", task, "{\"assignee\":\"" ME, &v, false },
		{ "a type without", note, "{\"assignee\":\"" ME "\"}", &v, false },
		{ "no type", NULL, "{\"assignee\":\"" ME "\"}", &v, false },
		{ "an account without a person", task, "{\"assignee\":\"" ME "\"}", &nobody, false },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct record r = { .type = cases[i].t, .type_name = STR("x"), .body = str_of(cases[i].body),
					  .author = STR("account:1"), .number = 1 };
		CHECK_MSG(object_of(&r, cases[i].v).names_actor == cases[i].names, "%s", cases[i].what);
	}
	world_end(&w);
}

/* --- the node's own eyes --- */

TEST(the_node_reads)
{
	struct roles *roles = NULL;
	CHECK_RC(roles_load(NULL, &roles, &err), RC_OK, err);
	struct viewer v = viewer_node(roles, "exports");
	CHECK_STR(str_of(v.actor), STR("node:exports"));
	CHECK(v.account == 0 && v.as.kind == RECIPIENT_STAFF && v.all_roles == roles);
	for (size_t i = 0; i < roles_count(roles); i++)
		CHECK_INT(v.roles >> i & 1, !roles_at(roles, i)->outside && !roles_at(roles, i)->reads_no_case);
	roles_free(roles);
}

/* --- the policy, when statements fail and when rows are strange --- */

struct policed {
	struct world *w;
	struct policies *p;
};
static enum rc ask_policy(void *ctx, struct err *e)
{
	struct policed *k = ctx;
	struct viewer v = person_of(house_a, 3);
	return policies_apply(k->p, &v, e);
}
static enum rc agree(void *ctx, struct err *e)
{
	struct policed *k = ctx;
	struct viewer lead = staff(LEAD, 1);
	struct record_view view;
	struct change_errors errors;
	const struct change_request q = {
		.type = STR("agreement"), .to_state = STR("in-force"), .import = true,
		.fields = STR("{\"title\":\"x\",\"kind\":\"treaty\",\"from\":\"2020-01-01\",\"tlp_ceiling\":\"AMBER\",\"flows\":[\"findings\"],"
			      "\"parties\":[\"organisation--0a010000-0000-0000-0000-000000000000\"]}"),
	};
	enum rc rc = change_record(k->w->r, k->w->s, &lead, &q, k->w->a, &view, &errors, e);
	record_view_end(&view);
	return rc;
}
static enum rc open_policy(void *ctx, struct err *e)
{
	struct policed *k = ctx;
	const struct policy_sources from = { .roles = STR("roles"), .public_k = 5 };
	return policies_open(k->w->s, k->w->r, &from, &k->p, e);
}

static enum rc strange_row(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO policy (number, next_us, at_us, digest, body)"
					 " SELECT max(number) + 1, 9000000000000000000, 1, x'00', ? FROM policy");
	sql_str(q, 1, str_of(ctx));
	return sql_run(q, e);
}

TEST(policy)
{
	struct world w = world_new();
	struct policed k = { .w = &w };
	struct fault f = fault_begin(w.d.path);
	struct arena *a = arena_new(KIB(4));
	struct policy_row row;

	CHECK_RC(open_policy(&k, &err), RC_OK, err);
	CHECK(fault_each(&f, "agree", agree, &k) > 0);
	CHECK(fault_each(&f, "ask", ask_policy, &k) > 0);
	fault_end(&f);
	struct reader *r = begin(&w);
	CHECK_RC(policy_kept(reader_conn(r), 1, a, &row, &err), RC_OK, err);
	CHECK_RC(policy_kept(reader_conn(r), UINT64_MAX, a, &row, &err), RC_ABSENT, err);
	store_read_end(r);
	CHECK(policies_number(k.p) >= 2);
	/* of a row nobody here wrote so: what cannot be read allows nothing */
	static const struct { const char *body; bool agreement; enum tlp agreed; } rows[] = {
		{ "{}", false, TLP_CLEAR },
		{ "{\"agreements\":[{\"parties\":[\"x\",\"organisation--0a010000-0000-0000-0000-000000000000\"],"
		  "\"tlp\":\"PUCE\",\"from_us\":0,\"until_us\":9000000000000000000}]}", true, TLP_CLEAR },
		{ "{\"agreements\":[{\"parties\":[\"organisation--0a010000-0000-0000-0000-000000000000\"],"
		  "\"tlp\":\"RED\",\"until_us\":9000000000000000000}]}", false, TLP_CLEAR },
		{ "{\"agreements\":[{\"parties\":[\"organisation--0a010000-0000-0000-0000-000000000000\"],"
		  "\"tlp\":\"RED\",\"from_us\":0}]}", false, TLP_CLEAR },
		{ "{\"agreements\":[{\"parties\":[\"organisation--0a010000-0000-0000-0000-000000000000\"],"
		  "\"tlp\":\"GREEN\",\"from_us\":0,\"until_us\":9000000000000000000},"
		  "{\"parties\":[\"organisation--0a010000-0000-0000-0000-000000000000\"],"
		  "\"tlp\":\"GREEN\",\"personal\":true,\"from_us\":0,\"until_us\":9000000000000000000},"
		  "{\"parties\":[\"organisation--0a010000-0000-0000-0000-000000000000\"],"
		  "\"tlp\":\"CLEAR\",\"from_us\":0,\"until_us\":9000000000000000000},"
		  "{\"parties\":[\"organisation--0a010000-0000-0000-0000-000000000000\"],"
		  "\"tlp\":\"AMBER\",\"from_us\":0,\"until_us\":5}]}", true, TLP_GREEN },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct recipient to = { .kind = RECIPIENT_PARTNER, .ceiling = TLP_RED };
		struct policy policy;
		CHECK_RC(store_write(w.s, strange_row, (void *)(uintptr_t)rows[i].body, &err), RC_OK, err);
		CHECK_RC(policies_recipient(k.p, house_a, &to, &policy, a, NULL, &err), RC_OK, err);
		CHECK_MSG(to.agreement == rows[i].agreement && (!to.agreement || to.agreed == rows[i].agreed), "row %zu", i);
	}
	CHECK_RC(store_write(w.s, strange_row, (void *)(uintptr_t)"no JSON", &err), RC_OK, err);
	struct viewer v = person_of(house_a, 3);
	CHECK_RC(policies_apply(k.p, &v, &err), RC_INPUT, err);
	CHECK(policies_number(k.p) > 0); /* the last one known */
	policies_close(NULL);
	arena_free(a);
	records_close(w.r); /* its hook is the policies' */
	w.r = NULL;
	policies_close(k.p);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(links), TEST_RUN(explanations), TEST_RUN(looser), TEST_RUN(glass), TEST_RUN(assignees), TEST_RUN(the_node_reads),
	  TEST_RUN(policy))
