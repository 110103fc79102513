/* SPDX-License-Identifier: Apache-2.0 */
/* Records, lists, links and files at their edges: fields that are cut, bodies that are damaged, what is
 * of no type or state known here, and both ends of a link. Findings and events are those of doubles. */
#include "disclosure/records_world.h"

#include "disclosure/floor_test.h"
#include "disclosure/read_records_private.h"
#include "store/fault_test.h"
#include "store/sql.h"

#define ORG_A "organisation--0a010000-0000-0000-0000-000000000000"

static struct viewer lead_who_reads(void)
{
	struct viewer lead = staff(LEAD | ANALYST, 1);
	lead.right = RIGHT_READ;
	return lead;
}

/* One who is no person of any organisation we know, and may read all that is GREEN. */
static struct viewer guest(void)
{
	struct viewer v = staff(ANALYST, 8);
	v.as = (struct recipient){ .kind = RECIPIENT_COMMUNITY, .ceiling = TLP_GREEN, .named = true, .personal_basis = true };
	return v;
}

static str incident_of(struct world *w, const char *organisation, const char *labels, int n)
{
	struct uuid id = make(w, str_of(organisation), labels, n);
	return id_str(w, "incident", &id);
}

static str put_by(struct world *w, const struct viewer *v, const char *type, const char *fields)
{
	struct record_view view = { 0 };
	const struct change_request q = { .type = str_of(type), .fields = str_of(fields), .labels = STR("{\"tlp\":\"GREEN\"}") };
	CHECK_RC(change(w, v, &q, &view), RC_OK, err);
	str id = view.record ? record_view_id(&view, w->a) : STR("");
	record_view_end(&view);
	return id;
}

static str put_new(struct world *w, const char *type, const char *fields)
{
	struct viewer lead = staff(ANALYST | LEAD, 1);
	return put_by(w, &lead, type, fields);
}

/* A copy of another node's. */
static str foreign(struct world *w, const char *type, const char *fields)
{
	const struct record_change c = {
		.type = types_find(types_of(w), str_of(type)), .id = uuid_random(), .fields = str_of(fields),
		.to_state = -1, .labels = STR("{\"tlp\":\"GREEN\"}"), .actor = STR("node:x"), .type_name = str_of(type),
		.state_name = STR("kept"), .version = 1, .type_version = 1,
		.origin = STR("0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab"),
	};
	struct record out;
	CHECK_RC(world_put(w, &c, &out), RC_OK, err);
	return id_str(w, type, &c.id);
}

/* What a broken disk may leave: a body that is no JSON. */
static enum rc spoil_job(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE record_version SET body = '{' WHERE record ="
					 " (SELECT max(id) FROM record)");
	(void)ctx;
	return sql_run(q, e);
}

static bool count_view(void *ctx, const struct record_view *v)
{
	(void)v;
	++*(int *)ctx;
	return true;
}

static bool first_view(void *ctx, const struct record_view *v)
{
	(void)v;
	++*(int *)ctx;
	return false;
}

/* --- one record, and what was --- */

TEST(one_record)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads(), token = staff(LEAD, 0), a = person_of(house_a, 3);
	str id = incident_of(&w, "", "{\"tlp\":\"GREEN\"}", 1), uuid = str_from(id, 10);
	struct record_view view;
	int n = 0;

	CHECK(!shown(&w, &lead, arena_fmt(w.a, "note--" STR_FMT, STR_ARG(uuid))).p); /* another type's name */
	CHECK(!shown(&w, &lead, STR("incident-x")).p && !shown(&w, &lead, STR("-1")).p && !shown(&w, &lead, STR("")).p);
	CHECK(!shown(&w, &token, STR("incident-99")).p);
	CHECK(shown(&w, &token, id).p != NULL);
	/* given to an organisation: what stood before was not theirs */
	const struct change_request give = { .id = id, .fields = STR("{\"organisation\":\"" ORG_A "\"}") };
	CHECK_RC(change(&w, &lead, &give, NULL), RC_OK, err);
	struct reader *r = begin(&w);
	CHECK_RC(read_record_version(r, types_of(&w), &a, id, 2, w.a, &view, &err), RC_OK, err);
	record_view_end(&view);
	CHECK_RC(read_record_version(r, types_of(&w), &a, id, 1, w.a, &view, &err), RC_ABSENT, err);
	CHECK_RC(read_record_history(r, types_of(&w), &a, id, 0, 9, w.a, count_view, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	n = 0;
	CHECK_RC(read_record_history(r, types_of(&w), &lead, id, 0, 9, w.a, first_view, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	n = 0;
	CHECK_RC(read_record_history(r, types_of(&w), &lead, id, 0, 1, w.a, count_view, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	store_read_end(r);
	world_end(&w);
}

TEST(damaged)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads();
	str id = incident_of(&w, "", "{\"tlp\":\"GREEN\"}", 1);
	struct record_query q = { .type = types_find(types_of(&w), STR("incident")) };
	struct record_view view;
	uint64_t count = 9;
	bool more;
	int n = 0;

	CHECK_RC(store_write(w.s, spoil_job, NULL, &err), RC_OK, err);
	struct reader *r = begin(&w);
	CHECK_RC(read_record(r, types_of(&w), &lead, id, w.a, &view, &err), RC_INPUT, err);
	CHECK(!view.body);
	CHECK_RC(read_record_version(r, types_of(&w), &lead, id, 1, w.a, &view, &err), RC_INPUT, err);
	CHECK_RC(read_record_history(r, types_of(&w), &lead, id, 0, 9, w.a, count_view, &n, &err), RC_INPUT, err);
	CHECK_RC(read_records(r, types_of(&w), &lead, &q, 9, w.a, count_view, &n, &err), RC_INPUT, err);
	CHECK_RC(read_record_count(r, types_of(&w), &lead, &q, 9, &count, &more, &err), RC_INPUT, err);
	CHECK_INT(n, 0);
	CHECK_INT(count, 0);
	store_read_end(r);
	world_end(&w);
}

/* --- fields --- */

TEST(hidden_fields)
{
	static const struct {
		enum share share;
		bool personal;
		unsigned cut;
		enum recipient_kind kind;
		bool opened, hidden;
	} cases[] = {
		{ SHARE_OPEN, false, CUT_PERSONAL | CUT_SEALED, RECIPIENT_STAFF, false, false },
		{ SHARE_OPEN, true, CUT_PERSONAL, RECIPIENT_STAFF, false, true },
		{ SHARE_OPEN, true, CUT_SEALED, RECIPIENT_STAFF, false, false },
		{ SHARE_PARTY, false, 0, RECIPIENT_PUBLIC, false, true },
		{ SHARE_SEALED, false, 0, RECIPIENT_STAFF, false, true },
		{ SHARE_SEALED, false, 0, RECIPIENT_STAFF, true, false },
		{ SHARE_SEALED, false, CUT_SEALED, RECIPIENT_STAFF, true, true },
		{ SHARE_SEALED, false, 0, RECIPIENT_CONSTITUENT, true, true },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct type_field f = { .share = cases[i].share, .personal = cases[i].personal };
		const struct recipient to = { .kind = cases[i].kind, .opened = cases[i].opened };
		const struct labels l = { .tlp = TLP_CLEAR };
		CHECK_MSG(field_is_hidden(&f, &l, cases[i].cut, &to) == cases[i].hidden, "row %zu", i);
	}
	/* who takes part: only from those to whom an agreement hides it */
	for (int i = 0; i < 4; i++) {
		const struct type_field f = { .share = SHARE_OPEN, .members = i & 1 };
		const struct recipient to = { .kind = RECIPIENT_PARTNER, .members_hidden = i & 2 };
		const struct labels l = { .tlp = TLP_CLEAR };
		CHECK_MSG(field_is_hidden(&f, &l, 0, &to) == (i == 3), "row %d", i);
	}
}

static str as_json(struct world *w, const struct record_view *v)
{
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);
	record_view_json(v, &j);
	str text = arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return text;
}

TEST(as_others_are_shown_it)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads(), outside = guest();
	const struct type *t = types_find(types_of(&w), STR("incident"));
	struct record r = { .type = t, .type_name = STR("incident"), .title = STR("canary title"), .due_us = SECOND_US, .number = 7,
			    .state_name = STR("report"), .author = STR("account:1"), .why = STR("why") };
	struct record_view view = { .record = &r, .viewer = &outside };
	CHECK_RC(json_read(STR("{}"), &view.body, &err), RC_OK, err);
	r.labels = (struct labels_of){ .tlp = TLP_COUNT, .pap = PAP_COUNT, .classification = STR("SECRET"),
				       .licence = STR("internal"), .exercise = true, .json = STR("") };
	str s = as_json(&w, &view);
	CHECK(holds(s, "\"tlp\":\"RED\"") && holds(s, "\"pap\":\"RED\"") && holds(s, "\"classification\":\"SECRET\""));
	CHECK_MSG(holds(s, "\"licence\":\"internal\"") && holds(s, "\"exercise\":true") && holds(s, "\"due\":\"1970-01-01T"),
		  STR_FMT, STR_ARG(s));
	CHECK(holds(s, "canary title") && !holds(s, "account:1") && !holds(s, "\"why\""));
	r.labels = (struct labels_of){ .tlp = TLP_GREEN, .pap = PAP_AMBER, .json = STR("") };
	r.due_us = TIME_NONE;
	view.cut[t->title->at / 64] |= UINT64_C(1) << t->title->at % 64;
	s = as_json(&w, &view);
	CHECK(holds(s, "\"tlp\":\"GREEN\"") && holds(s, "\"pap\":\"AMBER\"") && !holds(s, "classification\":\"SECRET"));
	CHECK(!holds(s, "\"licence\"") && !holds(s, "\"exercise\"") && !holds(s, "\"due\"") && !holds(s, "canary title"));
	view.viewer = &lead;
	s = as_json(&w, &view);
	CHECK(holds(s, "\"labels\":{}") && holds(s, "account:1")); /* of labels that were never written */
	CHECK_INT(record_view_number(&view), 7);
	CHECK(record_view_labels(&view) == &r.labels);
	r.state = type_state(t, STR("report"));
	CHECK(record_view_may(&view, ACTION_MOVE, type_state(t, STR("open"))));
	CHECK(!record_view_may(&view, ACTION_MOVE, type_state(t, STR("resolved"))));
	CHECK(record_view_may(&view, ACTION_EDIT, -1));
	json_free(view.body);
	world_end(&w);
}

/* --- under seal --- */

#define PASSPHRASE "seven rivers run north"

struct keys {
	struct world *w;
	struct roles *roles;
	int64_t id;
};

static enum rc key_job(struct tx *tx, void *ctx, struct err *e)
{
	struct keys *k = ctx;
	struct seal_shares shares = { .count = 2 };
	const struct account_new n = { .name = STR("person"), .roles = LEAD, .unix_uid = -1 };
	struct seal_pass pass;
	enum rc rc = account_make(tx, k->w->j, k->roles, &n, STR("test"), &k->id, e);
	if (rc == RC_OK)
		rc = seal_pass_make(STR(PASSPHRASE), &pass, e);
	return rc == RC_OK ? seal_key_make(tx, k->w->j, k->id, &pass, &shares, STR("test"), e) : rc;
}

/* The body as it is given, '%' in it a value sealed of `json`. */
struct sealing {
	struct uuid id;
	const char *json, *body;
	struct arena *a;
};

static enum rc seal_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct sealing *k = ctx;
	struct buf sealed = BUF_INIT(KIB(64));
	const str named[] = { STR("account:1") };
	enum rc rc = seal_field(tx, k->id, STR("victim"), named, 1, str_of(k->json), &sealed, e);
	str before = str_of(k->body), after = before;
	before = str_cut(&after, '%');
	str body = arena_fmt(k->a, STR_FMT STR_FMT STR_FMT, STR_ARG(before), STR_ARG(buf_str(&sealed)), STR_ARG(after));
	buf_free(&sealed);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE record_version SET body = ?2 WHERE record = (SELECT id FROM record WHERE uuid = ?1)");
	sql_blob(q, 1, str_mem(k->id.b, sizeof(k->id.b)));
	sql_blob(q, 2, body);
	return sql_run(q, e);
}

TEST(sealed_values)
{
	static const struct { const char *what, *json, *body; bool basis, named, opens; } cases[] = {
		{ "sealed", "\"canary victim\"", "{\"title\":\"x\",\"victim\":%}", true, true, true },
		{ "without a basis", "\"canary victim\"", "{\"title\":\"x\",\"victim\":%}", false, true, false },
		{ "no value", "\"canary victim\"", "{\"title\":\"x\",\"summary\":%}", true, true, false },
		{ "not sealed at all", "\"canary victim\"", "{\"title\":\"x\",\"victim\":\"canary victim\",\"summary\":%}", true, true, false },
		{ "of another field", "\"canary victim\"", "{\"title\":\"x\",\"victim\":{\"sealed\":\"AAAA\"},\"summary\":%}", true, true, false },
		{ "no JSON inside", "canary victim", "{\"title\":\"x\",\"victim\":%}", true, true, false },
		{ "nothing inside", "null", "{\"title\":\"x\",\"victim\":%}", true, true, false },
	};
	struct world w = world_new();
	struct keys k = { .w = &w };
	struct seal_ring *ring = NULL;
	struct viewer lead = lead_who_reads();
	CHECK_RC(roles_load(NULL, &k.roles, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, key_job, &k, &err), RC_OK, err);
	CHECK_INT(k.id, 1);
	struct reader *r = begin(&w);
	CHECK_RC(seal_key_open(reader_conn(r), k.id, STR(PASSPHRASE), &ring, &err), RC_OK, err);
	store_read_end(r);
	lead.seal = ring;
	struct record_view view;
	const struct change_request q = { .type = STR("incident"), .fields = STR("{\"title\":\"x\",\"class\":\"other\","
										"\"severity\":\"low\",\"victim\":\"first\"}") };
	CHECK_RC(change(&w, &lead, &q, &view), RC_OK, err);
	struct sealing sealing = { .id = view.record->id, .a = w.a };
	str id = record_view_id(&view, w.a);
	record_view_end(&view);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		sealing.json = cases[i].json;
		sealing.body = cases[i].body;
		CHECK_RC(store_write(w.s, seal_job, &sealing, &err), RC_OK, err);
		lead.as.personal_basis = cases[i].basis;
		r = begin(&w);
		CHECK_RC(read_record(r, types_of(&w), &lead, id, w.a, &view, &err), RC_OK, err);
		const struct type_field *victim = type_find_field(record_view_type(&view), STR("victim"));
		struct buf text = BUF_INIT(KIB(4));
		record_view_text(&view, victim, &text);
		CHECK_MSG(str_eq(buf_str(&text), cases[i].opens ? STR("canary victim") : STR("")), "%s: " STR_FMT, cases[i].what,
			  STR_ARG(buf_str(&text)));
		CHECK_MSG(record_view_cuts(&view, victim) == !cases[i].opens, "%s", cases[i].what);
		buf_free(&text);
		record_view_end(&view);
		store_read_end(r);
	}
	/* one that is not about a person needs no basis */
	lead.as.personal_basis = false;
	const struct change_request paper = { .type = STR("evidence"),
		.fields = STR("{\"title\":\"disk\",\"exhibit\":\"X1\",\"seal\":\"canary seal\"}") };
	CHECK_RC(change(&w, &lead, &paper, &view), RC_OK, err);
	str exhibit = view.record ? record_view_id(&view, w.a) : STR("");
	record_view_end(&view);
	CHECK(holds(shown(&w, &lead, exhibit), "canary seal"));
	lead.seal = NULL;
	CHECK(shown(&w, &lead, exhibit).p && !holds(shown(&w, &lead, exhibit), "canary seal"));
	seal_ring_drop(ring);
	roles_free(k.roles);
	world_end(&w);
}

/* Members a newer partner wrote are for our own people; a value under seal that none of ours sealed stays cut. */
TEST(members_not_known_here)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads(), outside = guest();
	str id = foreign(&w, "note", "{\"title\":\"theirs\",\"mood\":\"canary mood\",\"language\":\"en\"}");
	CHECK(holds(shown(&w, &lead, id), "canary mood"));
	str s = shown(&w, &outside, id);
	CHECK(s.p && !holds(s, "canary mood"));
	world_end(&w);
}

/* --- lists --- */

static int listed(struct world *w, const struct viewer *v, struct record_query *q, enum rc want)
{
	struct reader *r = begin(w);
	int n = 0;
	uint64_t count = 0;
	bool more;
	struct record_query again = *q;
	CHECK_RC(read_records(r, types_of(w), v, q, 99, w->a, count_view, &n, &err), want, err);
	CHECK_RC(read_record_count(r, types_of(w), v, &again, 99, &count, &more, &err), want, err);
	CHECK_INT(count, n);
	store_read_end(r);
	return n;
}

TEST(lists_tell_nothing_of_what_is_cut)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads(), outside = guest(), without = lead, plays = lead;
	const struct type *incident = types_find(types_of(&w), STR("incident")), *person = types_find(types_of(&w), STR("person"));
	const struct type_field *class = type_find_field(incident, STR("class")), *title = type_find_field(incident, STR("title")),
				*severity = type_find_field(incident, STR("severity")), *name = type_find_field(person, STR("name")),
				*reporter = type_find_field(incident, STR("reporter")), *victim = type_find_field(incident, STR("victim"));
	struct type_field secret = *title;
	struct record_query q;

	(void)incident_of(&w, ORG_A, "{\"tlp\":\"GREEN\"}", 1);
	(void)put_new(&w, "person", "{\"name\":\"canary name\"}");
	secret.kind = KIND_SECRET;
	/* what the party alone sees finds nothing for others, and puts nothing in its place */
	q = (struct record_query){ .type = incident, .filters = { { .field = class, .key = { .text = STR("fraud") } } }, .filter_count = 1 };
	CHECK_INT(listed(&w, &outside, &q, RC_OK), 1);
	q = (struct record_query){ .type = incident, .filters = { { .field = severity, .key = { .text = STR("low") } } }, .filter_count = 1 };
	CHECK_INT(listed(&w, &outside, &q, RC_OK), 0);
	CHECK_INT(listed(&w, &lead, &q, RC_OK), 1);
	q = (struct record_query){ .type = incident, .sort = severity };
	CHECK_INT(listed(&w, &outside, &q, RC_OK), 0);
	CHECK_INT(listed(&w, &lead, &q, RC_OK), 1);
	CHECK(q.sort == severity);
	q = (struct record_query){ .type = incident, .text = STR("canary") };
	CHECK_INT(listed(&w, &outside, &q, RC_OK), 0);
	CHECK_INT(listed(&w, &lead, &q, RC_OK), 1);
	/* who never sees a field does not ask by it */
	without.as.personal_basis = false;
	const struct { const struct viewer *v; const struct type *t; const struct type_field *f; bool may; } fields[] = {
		{ &lead, person, name, true }, { &without, person, name, false }, { &lead, incident, reporter, false },
		{ &lead, incident, victim, false }, { &lead, incident, &secret, false },
	};
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		q = (struct record_query){ .type = fields[i].t, .sort = fields[i].f, .ascending = true };
		CHECK_INT(listed(&w, fields[i].v, &q, RC_OK), 1);
		CHECK_MSG((q.sort != NULL) == fields[i].may && q.ascending == fields[i].may, "row %zu", i);
		if (fields[i].may)
			continue;
		q = (struct record_query){ .type = fields[i].t, .filters = { { .field = fields[i].f } }, .filter_count = 1 };
		CHECK_INT(listed(&w, fields[i].v, &q, RC_DENIED), 0);
	}
	/* of a team that plays, but not signed in to it */
	plays.exercise = true;
	q = (struct record_query){ .type = incident };
	CHECK_INT(listed(&w, &plays, &q, RC_OK), 1);
	CHECK(!q.exercise);
	plays.as.exercise_member = true;
	CHECK_INT(listed(&w, &plays, &q, RC_OK), 1);
	CHECK(q.exercise);
	(void)incident_of(&w, ORG_A, "{\"tlp\":\"GREEN\"}", 2);
	struct reader *r = begin(&w);
	int n = 0;
	CHECK_RC(read_records(r, types_of(&w), &lead, &q, 0, w.a, count_view, &n, &err), RC_OK, err);
	CHECK_INT(n, 0);
	CHECK_RC(read_records(r, types_of(&w), &lead, &q, 9, w.a, first_view, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	store_read_end(r);
	world_end(&w);
}

/* Narrowed to his own organisation only where nothing else can be his. */
TEST(whose_lists)
{
	struct world w = world_new();
	struct viewer a = person_of(house_a, 3);
	struct type by_name = *types_find(types_of(&w), STR("incident")), of_nobody = by_name;
	struct grant grants[] = { { .action = ACTION_READ, .roles = CONSTITUENT, .reach = REACH_OWN, .states = UINT64_MAX },
				  { .action = ACTION_EXPORT, .roles = CONSTITUENT, .reach = REACH_NAMED, .states = UINT64_MAX },
				  { .action = ACTION_READ, .roles = LEAD, .reach = REACH_NAMED, .states = UINT64_MAX },
				  { .action = ACTION_READ, .roles = CONSTITUENT, .reach = REACH_NAMED, .states = UINT64_MAX } };
	(void)incident_of(&w, ORG_A, "{\"tlp\":\"GREEN\"}", 1);
	(void)incident_of(&w, "", "{\"tlp\":\"GREEN\"}", 2);
	of_nobody.organisation = NULL;
	by_name.grants = grants;
	for (size_t i = 2; i < COUNT_OF(grants); i++) {
		by_name.grant_count = i + 1;
		struct record_query q = { .type = &by_name };
		CHECK_INT(listed(&w, &a, &q, RC_OK), 1);
		CHECK_MSG(uuid_is_zero(&q.only_organisation) == (i == 3), "%zu grants", i + 1);
	}
	struct record_query q = { .type = &of_nobody };
	CHECK_INT(listed(&w, &a, &q, RC_OK), 1);
	CHECK(uuid_is_zero(&q.only_organisation));
	q = (struct record_query){ .text = STR("") }; /* of all types */
	CHECK_INT(listed(&w, &a, &q, RC_OK), 1);
	CHECK(uuid_is_zero(&q.only_organisation));
	q = (struct record_query){ .type = types_find(types_of(&w), STR("incident")), .only_organisation = house_b };
	CHECK_INT(listed(&w, &a, &q, RC_OK), 0);
	world_end(&w);
}

/* --- links --- */

struct linking {
	struct world *w;
	str from, to;
	const char *kind;
	int share; /* of the field it stands for, as the table has it; -1: by hand */
};

static enum rc link_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct linking *k = ctx;
	int64_t id;
	enum rc rc = record_link(tx, k->w->r, k->from, str_of(k->kind), k->to, STR("account:1"), STR("canary why"), &id, e);
	if (rc != RC_OK || k->share < 0)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE record_link SET share = 1 + ?2 WHERE id = ?1");
	sql_int(q, 1, id);
	sql_int(q, 2, k->share);
	return sql_run(q, e);
}

static void link_up(struct world *w, str from, const char *kind, str to, int share)
{
	struct linking k = { w, from, to, kind, share };
	CHECK_RC(store_write(w->s, link_job, &k, &err), RC_OK, err);
}

struct linked {
	unsigned n, most;
	str title;
	bool why;
};

static bool note_link(void *ctx, const struct link_view *l)
{
	struct linked *k = ctx;
	k->title = l->other_title;
	k->why = k->why || l->why.n || l->author.n;
	return ++k->n < k->most;
}

static struct linked links_of(struct world *w, const struct viewer *v, str id, unsigned most)
{
	struct linked k = { .most = most };
	struct reader *r = begin(w);
	CHECK_RC(read_record_links(r, types_of(w), v, id, w->a, note_link, &k, &err), RC_OK, err);
	k.title = arena_str(w->a, k.title);
	store_read_end(r);
	return k;
}

TEST(links_of_fields)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads(), a = person_of(house_a, 3), without = lead;
	str one = incident_of(&w, ORG_A, "{\"tlp\":\"GREEN\"}", 1), two = incident_of(&w, ORG_A, "{\"tlp\":\"GREEN\"}", 2),
	    person = put_new(&w, "person", "{\"name\":\"canary name\"}");

	link_up(&w, one, "related", two, -1);
	CHECK_INT(links_of(&w, &a, one, 9).n, 1);
	CHECK(!links_of(&w, &a, one, 9).why && links_of(&w, &lead, one, 9).why);
	link_up(&w, one, "assignee", two, SHARE_TEAM); /* of a field that is not theirs */
	CHECK_INT(links_of(&w, &a, one, 9).n, 1);
	CHECK_INT(links_of(&w, &a, two, 9).n, 1);
	CHECK_INT(links_of(&w, &lead, one, 9).n, 2);
	link_up(&w, one, "was-a-field", two, SHARE_TEAM); /* of one that the type has no more */
	CHECK_INT(links_of(&w, &lead, one, 9).n, 2);
	link_up(&w, one, "class", two, SHARE_OPEN);
	CHECK_INT(links_of(&w, &a, one, 9).n, 2);
	CHECK_INT(links_of(&w, &lead, one, 2).n, 2); /* enough */
	/* the name at the other end is personal */
	link_up(&w, two, "seen-by", person, -1);
	CHECK_INT(links_of(&w, &lead, person, 9).n, 1);
	CHECK(holds(links_of(&w, &lead, two, 1).title, "canary name"));
	without.as.personal_basis = false;
	CHECK_STR(links_of(&w, &without, two, 1).title, STR(""));
	world_end(&w);
}

TEST(links_to_what_is_no_record)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads(), outside = guest();
	str green = incident_of(&w, ORG_A, "{\"tlp\":\"GREEN\"}", 1), amber = incident_of(&w, ORG_A, "{\"tlp\":\"AMBER\"}", 2);
	static const char finding[] = "finding--00000000000000010000000000000001", event[] = "event--x", report[] = "report--1";
	static const char *const ends[] = { finding, event, report };

	outside.right = RIGHT_READ;
	below = (struct below){ .events = batch_new(), .finding_count = 1,
				.findings = { { .id = { 1, 1 }, .tlp = TLP_GREEN, .type = STR("scanner") } } };
	batch_row_begin(below.events, 1, 0, 0, 1);
	batch_set_int(below.events, FIELD_TLP, STR_NONE, TLP_GREEN);
	CHECK_RC(batch_row_end(below.events, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		link_up(&w, green, "about", str_of(ends[i]), -1);
		link_up(&w, amber, "about", str_of(ends[i]), -1);
		link_up(&w, amber, "assignee", str_of(ends[i]), SHARE_NAMED);
	}
	struct viewer none = lead;
	none.right = RIGHT_PUBLIC;
	const struct { const struct viewer *v; const char *end; enum rc rc; unsigned most, n; bool why; } cases[] = {
		{ &lead, finding, RC_OK, 9, 3, true }, { &lead, event, RC_OK, 9, 3, true }, { &lead, report, RC_OK, 9, 3, true },
		{ &lead, report, RC_OK, 1, 1, true }, { &outside, finding, RC_OK, 9, 1, false },
		{ &none, finding, RC_ABSENT, 9, 0, false }, { &none, report, RC_ABSENT, 9, 0, false },
		{ &lead, "finding--00000000000000010000000000000002", RC_ABSENT, 9, 0, false },
		{ &lead, "incident-1", RC_INPUT, 9, 0, false }, { &lead, "", RC_INPUT, 9, 0, false },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct linked k = { .most = cases[i].most };
		struct reader *r = begin(&w);
		enum rc rc = read_links_to(r, types_of(&w), cases[i].v, str_of(cases[i].end), w.a, note_link, &k, &err);
		CHECK_MSG(rc == cases[i].rc && k.n == cases[i].n && k.why == cases[i].why, "row %zu: %s, %u", i, rc_name(rc), k.n);
		store_read_end(r);
	}
	/* what cannot be read is not taken for unseen */
	struct linked k = { .most = 9 };
	struct reader *r = begin(&w);
	below.findings_rc = RC_IO;
	CHECK_RC(read_links_to(r, types_of(&w), &lead, str_of(finding), w.a, note_link, &k, &err), RC_IO, err);
	CHECK_RC(read_record_links(r, types_of(&w), &lead, green, w.a, note_link, &k, &err), RC_IO, err);
	store_read_end(r);
	batch_free(below.events);
	below = (struct below){ .events = NULL };
	world_end(&w);
}

/* --- files --- */

#define GIF "GIF89a\1\2 picture"

static enum rc person_job(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO account (id, name, folded, display, roles, organisation, person, disabled,"
					 " secrets, made_us, last_seen_us) VALUES (?1, ?2, ?2, '', 'lead', ?3, x'', 0, 0, 0, 0)");
	const int64_t *id = ctx;
	sql_int(q, 1, *id);
	sql_str(q, 2, *id == 3 ? STR("outside") : STR("inside"));
	static const struct uuid none = { { 0 } };
	const struct uuid *whose = *id == 3 ? &house_a : &none;
	sql_blob(q, 3, str_mem(whose->b, sizeof(whose->b)));
	return sql_run(q, e);
}

static enum rc file_of(struct world *w, const struct viewer *v, str id, const char *field, const char *digest, str *bytes)
{
	struct reader *r = begin(w);
	struct record_view view;
	struct buf b = BUF_INIT(KIB(64));
	str name = STR("");
	buf_add(&b, STR("before "));
	CHECK_RC(read_record(r, types_of(w), v, id, w->a, &view, &err), RC_OK, err);
	enum rc rc = read_record_file(r, &view, str_of(field), digest, &b, &name, w->a, &err);
	*bytes = arena_str(w->a, str_from(buf_str(&b), 7));
	CHECK_MSG(rc != RC_OK || str_eq(name, STR("x.gif")), "no name");
	buf_free(&b);
	record_view_end(&view);
	store_read_end(r);
	return rc;
}

struct taking {
	struct world *w;
	const struct viewer *v;
	str id;
	const char *digest;
};

static enum rc take_file(void *ctx, struct err *e)
{
	const struct taking *k = ctx;
	struct reader *r = NULL;
	struct record_view view = { 0 };
	struct buf b = BUF_INIT(KIB(64));
	str name;
	enum rc rc = store_read_begin(k->w->s, &r, e);
	if (rc == RC_OK)
		rc = read_record(r, types_of(k->w), k->v, k->id, k->w->a, &view, e);
	if (rc == RC_OK)
		rc = read_record_file(r, &view, STR("files"), k->digest, &b, &name, k->w->a, e);
	CHECK((b.n > 0) == (rc == RC_OK));
	buf_free(&b);
	record_view_end(&view);
	store_read_end(r);
	return rc;
}

static enum rc links_to_report(void *ctx, struct err *e)
{
	const struct taking *k = ctx;
	struct reader *r = NULL;
	struct linked n = { .most = 9 };
	enum rc rc = store_read_begin(k->w->s, &r, e);
	if (rc == RC_OK)
		rc = read_links_to(r, types_of(k->w), k->v, STR("report--1"), k->w->a, note_link, &n, e);
	store_read_end(r);
	return rc;
}

TEST(files)
{
	struct world w = world_new();
	struct viewer lead = lead_who_reads(), person = lead, outside = guest();
	struct roles *roles = NULL;
	struct digest gif, text;
	char hex[2][65];
	int64_t ids[] = { 1, 3 };
	str bytes;

	CHECK_RC(roles_load(NULL, &roles, &err), RC_OK, err);
	lead.all_roles = roles;
	person.account = 3;
	snprintf(person.actor, sizeof(person.actor), "account:3");
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		CHECK_RC(store_write(w.s, person_job, &ids[i], &err), RC_OK, err);
	const struct type *note = types_find(types_of(&w), STR("note"));
	CHECK_RC(change_file(w.r, w.s, &lead, note, STR(GIF), &gif, &err), RC_OK, err);
	CHECK_RC(change_file(w.r, w.s, &lead, note, STR("plain words"), &text, &err), RC_OK, err);
	/* whoever names a file sent it */
	CHECK_RC(change_file(w.r, w.s, &person, note, STR(GIF), &gif, &err), RC_OK, err);
	CHECK_RC(change_file(w.r, w.s, &person, note, STR("plain words"), &text, &err), RC_OK, err);
	for (size_t i = 0; i < sizeof(gif.b); i++) {
		snprintf(hex[0] + 2 * i, 3, "%02x", gif.b[i]);
		snprintf(hex[1] + 2 * i, 3, "%02x", text.b[i]);
	}
	str fields = arena_fmt(w.a, "{\"title\":\"n\",\"files\":[{\"digest\":\"%s\",\"name\":\"x.gif\",\"bytes\":%zu},"
				    "{\"digest\":\"%s\",\"name\":\"x.gif\",\"bytes\":11}]}", hex[0], strlen(GIF), hex[1]);
	str one_file = arena_fmt(w.a, "{\"title\":\"c\",\"proof\":{\"digest\":\"%s\",\"name\":\"x.gif\",\"bytes\":11}}", hex[1]);
	str by_us = put_by(&w, &lead, "note", fields.p), by_them = put_by(&w, &person, "note", fields.p);
	struct record proof = world_case_new(&w, one_file.p);
	str with_one = id_str(&w, "case", &proof.id);
	str copy = foreign(&w, "note", fields.p);
	const struct { const char *what; const struct viewer *v; str id; const char *field, *digest; enum rc rc; } cases[] = {
		{ "a picture of ours", &lead, by_us, "files", hex[0], RC_OK },
		{ "words of ours", &lead, by_us, "files", hex[1], RC_OK },
		{ "another field", &lead, by_us, "title", hex[1], RC_ABSENT },
		{ "no such field", &lead, by_us, "nothing", hex[1], RC_ABSENT },
		{ "no such file", &lead, by_us, "files", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", RC_ABSENT },
		{ "a field that is cut", &outside, by_us, "files", hex[1], RC_ABSENT },
		{ "one that is no list", &lead, with_one, "proof", hex[1], RC_OK },
		{ "a picture from outside", &lead, by_them, "files", hex[0], RC_DENIED },
		{ "words from outside", &lead, by_them, "files", hex[1], RC_OK },
		{ "a picture in a copy", &lead, copy, "files", hex[0], RC_DENIED },
		{ "a digest that is none", &lead, by_us, "files", "zz", RC_ABSENT },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		enum rc rc = file_of(&w, cases[i].v, cases[i].id, cases[i].field, cases[i].digest, &bytes);
		CHECK_MSG(rc == cases[i].rc, "%s: %s (%s)", cases[i].what, rc_name(rc), err.text);
		CHECK_MSG((bytes.n > 0) == (rc == RC_OK), "%s", cases[i].what);
	}
	struct taking taking = { &w, &lead, by_us, hex[1] };
	link_up(&w, by_us, "about", STR("report--1"), -1);
	struct fault f = fault_begin(w.d.path);
	CHECK(fault_each(&f, "file", take_file, &taking) > 0);
	CHECK(fault_each(&f, "links to", links_to_report, &taking) > 0);
	fault_end(&f);
	roles_free(roles);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(one_record), TEST_RUN(damaged), TEST_RUN(hidden_fields), TEST_RUN(as_others_are_shown_it),
	  TEST_RUN(members_not_known_here), TEST_RUN(sealed_values),
	  TEST_RUN(lists_tell_nothing_of_what_is_cut), TEST_RUN(whose_lists),
	  TEST_RUN(links_of_fields), TEST_RUN(links_to_what_is_no_record), TEST_RUN(files))
