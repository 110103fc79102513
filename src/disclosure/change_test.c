/* SPDX-License-Identifier: Apache-2.0 */
/* Records through the gate: what is changed by whom, sealed, linked, refused. */
#include "disclosure/records_world.h"

#include "disclosure/approval.h"
#include "disclosure/told.h"
#include "store/destroyed.h"

TEST(what_may_be_sent)
{
	struct world w = world_new();
	struct viewer a = person_of(house_a, 3), viewer = staff(VIEWER, 2), analyst = staff(ANALYST, 5),
		      lead = staff(LEAD, 1);
	struct uuid uuid = make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 1);
	str id = id_str(&w, "incident", &uuid);
	static const struct { int who; const char *fields, *state, *labels; enum rc want; } cases[] = {
		{ 'a', "{\"summary\":\"seen by us\"}", "", NULL, RC_OK },
		{ 'a', "{\"internal\":\"x\"}", "", NULL, RC_DENIED },     /* for the team */
		{ 'a', "{\"reporter\":null}", "", NULL, RC_DENIED },      /* for the named */
		{ 'a', "", "open", NULL, RC_DENIED },
		{ 'a', "", "nowhere", NULL, RC_INPUT },
		{ 'a', "{\"organisation\":\"organisation--0b020000-0000-0000-0000-000000000000\"}", "", NULL,
		  RC_DENIED },
		{ 'a', "{\"organisation\":null}", "", NULL, RC_DENIED },
		{ 'a', "{\"nonsense\":1}", "", NULL, RC_INPUT },
		{ 'a', "[]", "", NULL, RC_INPUT },
		{ 'a', "{\"title\":7}", "", NULL, RC_INPUT },
		{ 'v', "{\"summary\":\"x\"}", "", NULL, RC_DENIED },
		{ 's', "{\"victim\":\"x\"}", "", NULL, RC_DENIED },       /* sealed, and no key here */
		{ 's', "{\"summary\":\"x\"}", "", NULL, RC_OK },
		{ 's', "", "", "{\"tlp\":\"AMBER+STRICT\"}", RC_OK },     /* stricter */
		{ 's', "", "", "{\"tlp\":\"GREEN\"}", RC_DENIED },        /* looser: not an analyst's */
		{ 's', "", "", "{\"tlp\":\"AMBER+STRICT\",\"named\":[\"account:5\"]}", RC_DENIED },
		{ 's', "", "", "{\"tlp\":\"AMBER+STRICT\",\"held\":true}", RC_DENIED },
		{ 'l', "", "", "{\"tlp\":\"AMBER\",\"held\":true}", RC_OK },
		{ 's', "", "", "{\"tlp\":\"AMBER\"}", RC_DENIED },        /* lifts the hold */
		{ 'l', "", "", "{\"tlp\":\"AMBER\"}", RC_OK },
		{ 's', "", "open", NULL, RC_OK },
		{ 'a', "{\"summary\":\"too late\"}", "", NULL, RC_DENIED }, /* only while it is a report */
		{ 's', "", "abandoned", NULL, RC_DENIED },                /* the lead's */
		{ 's', "", "rejected", NULL, RC_DENIED },                 /* no such move */
		{ 'l', "", "abandoned", NULL, RC_INPUT },                 /* asks why */
	};

	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		const struct viewer *v = cases[n].who == 'a' ? &a : cases[n].who == 'v' ? &viewer :
					 cases[n].who == 's' ? &analyst : &lead;
		const struct change_request q = { .id = id, .fields = str_of(cases[n].fields),
						  .to_state = str_of(cases[n].state),
						  .labels = str_of(cases[n].labels) };
		enum rc rc = change(&w, v, &q, NULL);

		CHECK_MSG(rc == cases[n].want, "row %zu: %s (%s)", n, rc_name(rc), err.text);
	}
	/* all through, what he cannot see kept its value */
	CHECK(holds(shown(&w, &lead, id), "canary-team"));
	CHECK(holds(shown(&w, &lead, id), "\"state\":\"open\""));
	world_end(&w);
}

TEST(what_is_made)
{
	struct world w = world_new();
	struct viewer a = person_of(house_a, 3), viewer = staff(VIEWER, 2), lead = staff(LEAD, 1);
	struct record_view view;
	struct change_request q = { .type = STR("incident"), .as_text = true,
				    .fields = STR("{\"title\":\"Our mail is down\",\"class\":\"availability\","
						  "\"severity\":\"high\"}") };

	CHECK_RC(change(&w, &a, &q, &view), RC_OK, err);
	CHECK(view.record && uuid_equal(&view.record->organisation, &house_a));
	record_view_end(&view);
	CHECK_RC(change(&w, &viewer, &q, NULL), RC_DENIED, err);
	q.fields = STR("{\"title\":\"x\",\"class\":\"other\",\"severity\":\"low\","
		       "\"organisation\":\"organisation--0b020000-0000-0000-0000-000000000000\"}");
	CHECK_RC(change(&w, &a, &q, NULL), RC_DENIED, err);
	q.fields = STR("{\"title\":\"x\",\"class\":\"other\",\"severity\":\"low\",\"internal\":\"x\"}");
	CHECK_RC(change(&w, &a, &q, NULL), RC_DENIED, err);
	q.to_state = STR("open"); /* begins where the type says, but for imports and who may move it */
	q.fields = STR("{\"title\":\"x\",\"class\":\"other\",\"severity\":\"low\"}");
	CHECK_RC(change(&w, &a, &q, NULL), RC_DENIED, err);
	q.import = true;
	CHECK_RC(change(&w, &a, &q, NULL), RC_DENIED, err);
	CHECK_RC(change(&w, &lead, &q, NULL), RC_OK, err);
	/* RED names its author, or nobody would have it */
	q = (struct change_request){ .type = STR("incident"), .fields = q.fields,
				     .labels = STR("{\"tlp\":\"RED\",\"named\":[\"account:7\"]}") };
	CHECK_RC(change(&w, &lead, &q, &view), RC_OK, err);
	CHECK(view.record && view.record->labels.named_count == 2);
	record_view_end(&view);
	q.type = STR("nonsense");
	CHECK_RC(change(&w, &lead, &q, NULL), RC_ABSENT, err);
	q = (struct change_request){ .type = STR("incident"), .as_text = true,
				     .fields = STR("{\"title\":\"x\",\"happened\":\"yesterdayish\"}") };
	struct change_errors errors;
	CHECK_RC(change_record(w.r, w.s, &lead, &q, w.a, &view, &errors, &err), RC_INPUT, err);
	CHECK_INT(errors.count, 1);
	/* somebody changed it meanwhile: what stands is shown, as far as one may see it */
	struct uuid uuid = make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 1);
	q = (struct change_request){ .id = id_str(&w, "incident", &uuid), .based_on = 9,
				     .fields = STR("{\"summary\":\"late\"}") };
	CHECK_RC(change(&w, &a, &q, &view), RC_CONFLICT, err);
	CHECK(view.record && view.record->version == 1 && !json_get(view.body, "internal"));
	record_view_end(&view);
	world_end(&w);
}

/* A type whose rights are apart: who labels or holds does not edit. */
static const char visit[] =
	"{ \"type\": \"visit\", \"version\": 1, \"label\": { \"en\": \"Visit\" }, \"organisation\": \"whose\","
	" \"plural\": { \"en\": \"Visits\" }, \"title\": \"title\", \"fields\": {"
	"  \"title\": { \"kind\": \"text\", \"share\": \"open\", \"required\": [\"*\"], \"label\": { \"en\": \"Title\" } },"
	"  \"whose\": { \"kind\": \"reference\", \"to\": \"organisation\", \"share\": \"open\", \"label\": { \"en\": \"Whose\" } },"
	"  \"about\": { \"kind\": \"reference\", \"list\": true, \"share\": \"open\", \"label\": { \"en\": \"About\" } },"
	"  \"day\": { \"kind\": \"time\", \"share\": \"open\", \"label\": { \"en\": \"Day\" } },"
	"  \"one\": { \"kind\": \"text\", \"share\": \"sealed\", \"label\": { \"en\": \"One\" } },"
	"  \"two\": { \"kind\": \"text\", \"share\": \"sealed\", \"label\": { \"en\": \"Two\" } } },"
	" \"states\": { \"new\": { \"label\": { \"en\": \"New\" } } },"
	" \"rights\": { \"read\": { \"constituent\": \"own\", \"lead\": \"all\", \"duty\": \"all\", \"liaison\": \"all\" },"
	"  \"create\": { \"constituent\": \"own\", \"lead\": \"all\" }, \"edit\": { \"constituent\": \"own\", \"analyst\": \"all\" },"
	"  \"label\": { \"duty\": \"all\" }, \"hold\": { \"liaison\": \"all\" }, \"open_sealed\": { \"lead\": \"named\" } },"
	" \"list\": { \"columns\": [\"title\"] } }";

static void add_visits(struct world *w)
{
	struct types *t = NULL;
	CHECK_RC(types_with(types_of(w), STR(visit), "types/visit.json", &t, &err), RC_OK, err);
	if (!t)
		return;
	snapshot_drop(w->types, w->held);
	snapshot_swap(w->types, t);
	w->held = snapshot_hold(w->types);
}

TEST(who_labels_need_not_edit)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1), duty = staff(DUTY, 2), liaison = staff(LIAISON, 3), none = staff(VIEWER, 4);
	struct record_view view;
	add_visits(&w);
	lead.exercise = lead.as.exercise_member = true;
	struct change_request q = { .type = STR("visit"), .fields = STR("{\"title\":\"x\"}"), .labels = STR("{\"tlp\":\"GREEN\"}") };
	CHECK_RC(change(&w, &lead, &q, &view), RC_OK, err);
	str id = view.record ? id_str(&w, "visit", &view.record->id) : STR("");
	record_view_end(&view);
	const struct { const struct viewer *v; const char *labels; enum rc want; } rows[] = {
		{ &duty, "[]", RC_INPUT },
		{ &duty, "{\"tlp\":\"AMBER\"}", RC_OK },                      /* stricter */
		{ &duty, "{\"tlp\":\"AMBER\"}", RC_OK },                      /* as it is */
		{ &none, "{\"tlp\":\"AMBER\"}", RC_ABSENT },
		{ &duty, "{\"tlp\":\"GREEN\"}", RC_OK },                      /* looser */
		{ &duty, "{\"tlp\":\"GREEN\",\"held\":true}", RC_DENIED },    /* no hold of his */
		{ &liaison, "{\"tlp\":\"AMBER\"}", RC_DENIED },               /* only a hold is */
		{ &liaison, "{\"tlp\":\"CLEAR\",\"held\":true}", RC_DENIED }, /* nothing looser with it */
		{ &liaison, "{\"tlp\":\"GREEN\",\"held\":true}", RC_OK },
		{ &liaison, "{\"tlp\":\"GREEN\"}", RC_OK },
		{ &duty, "{\"tlp\":\"GREEN\",\"exercise\":true}", RC_DENIED },
	};
	for (size_t n = 0; n < COUNT_OF(rows); n++) {
		q = (struct change_request){ .id = id, .labels = str_of(rows[n].labels) };
		enum rc rc = change(&w, rows[n].v, &q, NULL);
		CHECK_MSG(rc == rows[n].want, "row %zu: %s (%s)", n, rc_name(rc), err.text);
	}
	CHECK(holds(shown(&w, &lead, id), "\"tlp\":\"GREEN\""));
	world_end(&w);
}

static str many(struct world *w, const char *before, const char *each, size_t count, const char *after)
{
	struct buf b = BUF_INIT(MIB(4));
	buf_add(&b, str_of(before));
	for (size_t i = 0; i < count; i++)
		buf_fmt(&b, "%s%s", i ? "," : "", each);
	buf_add(&b, str_of(after));
	CHECK(!b.over);
	str s = arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return s;
}

TEST(what_is_sent_wrong)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1), a = person_of(house_a, 3);
	add_visits(&w);
	struct uuid uuid = make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 1);
	str incident = id_str(&w, "incident", &uuid), ours = id_str(&w, "organisation", &house_a);
	str ours_quoted = arena_fmt(w.a, "\"" STR_FMT "\"", STR_ARG(ours));
	const struct {
		const char *what;
		const struct viewer *v;
		struct change_request q;
		enum rc want;
		const char *words;
	} rows[] = {
		{ "no JSON", &lead, { .type = STR("visit"), .fields = STR("{") }, RC_INPUT, "" },
		{ "nothing at all", &lead, { .type = STR("visit") }, RC_INPUT, "" },
		{ "labels that are none", &lead, { .type = STR("visit"), .fields = STR("{\"title\":\"x\"}"), .labels = STR("[]") }, RC_INPUT, "" },
		{ "too much", &lead, { .type = STR("visit"), .fields = many(&w, "[", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", 40000, "]") },
		  RC_LIMIT, "over 1048576 bytes" },
		{ "too much when it is read", &lead, { .type = STR("visit"), .as_text = true,
		  .fields = many(&w, "{\"title\":\"x\",\"strange\":[", "\"//////////////////////////////\"", 30000, "]}") }, RC_LIMIT, "over 1048576 bytes" },
		{ "a stranger in a form", &lead, { .type = STR("visit"), .as_text = true, .fields = STR("{\"title\":\"x\",\"strange\":\"y\"}") },
		  RC_INPUT, "a field is not known" },
		{ "what is no text in a form", &lead, { .type = STR("visit"), .as_text = true, .fields = STR("{\"title\":\"x\",\"day\":7}") }, RC_INPUT, "" },
		{ "a name too many", &lead, { .type = STR("visit"), .fields = STR("{\"title\":\"x\"}"),
		  .labels = many(&w, "{\"tlp\":\"RED\",\"named\":[", "\"account:9\"", RECORD_NAMED_MAX, "]}") }, RC_LIMIT, "more than 64 persons" },
		{ "to the state it is in", &a, { .id = incident, .to_state = STR("report"), .as_text = true }, RC_OK, "" },
		{ "no id", &a, { .type = STR("visit"), .fields = STR("{\"title\":\"x\",\"about\":[\"nonsense\"]}") }, RC_INPUT, "" },
		{ "about his own organisation", &a, { .type = STR("visit"),
		  .fields = many(&w, "{\"title\":\"x\",\"about\":[", ours_quoted.p, 1, "]}") }, RC_OK, "" },
		{ "about what he sees", &a, { .type = STR("visit"),
		  .fields = many(&w, "{\"title\":\"x\",\"about\":[", arena_fmt(w.a, "\"" STR_FMT "\"", STR_ARG(incident)).p, 1, "]}") }, RC_OK, "" },
		{ "about more than one may say", &a, { .type = STR("visit"),
		  .fields = many(&w, "{\"title\":\"x\",\"about\":[", ours_quoted.p, KIND_LIST_MOST + 1, "]}") }, RC_INPUT, "" },
		{ "one of a list is not his to see", &a, { .type = STR("visit"),
		  .fields = STR("{\"title\":\"x\",\"about\":[\"incident--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ff\",\"nonsense\"]}") },
		  RC_INPUT, "there is no such record to refer to" },
	};
	for (size_t n = 0; n < COUNT_OF(rows); n++) {
		enum rc rc = change(&w, rows[n].v, &rows[n].q, NULL);
		CHECK_MSG(rc == rows[n].want && (rc == RC_OK || strstr(err.text, rows[n].words)), "%s: %s (%s)",
			  rows[n].what, rc_name(rc), err.text);
	}
	/* the list of what is wrong ends; without one the words are said all the same */
	struct record_view view;
	struct change_errors errors = { .count = COUNT_OF(errors.list) };
	struct change_request q = { .type = STR("visit"), .as_text = true, .fields = STR("{\"title\":\"x\",\"day\":\"soon\"}") };
	CHECK_RC(change_record(w.r, w.s, &lead, &q, w.a, &view, NULL, &err), RC_INPUT, err);
	CHECK(err.text[0]);
	CHECK_RC(change_record(w.r, w.s, &lead, &q, w.a, &view, &errors, &err), RC_INPUT, err);
	CHECK_INT(errors.count, 1);
	struct buf type = BUF_INIT(KIB(16)), sent = BUF_INIT(KIB(4));
	struct types *t = NULL;
	buf_add(&type, STR("{ \"type\": \"survey\", \"version\": 1, \"label\": { \"en\": \"Survey\" }, \"title\": \"title\","
			   " \"plural\": { \"en\": \"Surveys\" }, \"states\": { \"new\": { \"label\": { \"en\": \"New\" } } },"
			   " \"rights\": { \"read\": { \"lead\": \"all\" }, \"create\": { \"lead\": \"all\" } },"
			   " \"list\": { \"columns\": [\"title\"] }, \"fields\": {"
			   " \"title\": { \"kind\": \"text\", \"required\": [\"*\"], \"label\": { \"en\": \"Title\" } }"));
	buf_add(&sent, STR("{\"title\":\"x\""));
	for (size_t i = 0; i < COUNT_OF(errors.list) + 3; i++) {
		buf_fmt(&type, ", \"day%zu\": { \"kind\": \"time\", \"label\": { \"en\": \"Day\" } }", i);
		buf_fmt(&sent, ",\"day%zu\":\"soon\"", i);
	}
	buf_add(&type, STR(" } }"));
	buf_add(&sent, STR("}"));
	CHECK_RC(types_with(types_of(&w), buf_str(&type), "types/survey.json", &t, &err), RC_OK, err);
	if (t)
		snapshot_swap(w.types, t);
	q = (struct change_request){ .type = STR("survey"), .as_text = true, .fields = buf_str(&sent) };
	CHECK_RC(change_record(w.r, w.s, &lead, &q, w.a, &view, &errors, &err), RC_INPUT, err);
	CHECK_INT(errors.count, COUNT_OF(errors.list));
	buf_free(&type);
	buf_free(&sent);
	world_end(&w);
}

static enum rc spoil_bodies(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "UPDATE record_version SET body = '{ no JSON'"), e);
}

static enum rc in_the_way(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			  const struct record *now, struct err *e)
{
	(void)tx, (void)r, (void)before, (void)now;
	return *(bool *)ctx ? fail(e, RC_CONFLICT, "something else is in the way") : RC_OK;
}

/* A conflict shows what stands; there may be nothing that can be shown. */
TEST(conflicts_that_show_nothing)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1);
	struct record_view view;
	bool stop = false;
	records_add_hook(w.r, &(struct record_hook){ .changed = in_the_way, .ctx = &stop });
	struct uuid uuid = make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 1);
	struct change_request q = { .id = id_str(&w, "incident", &uuid), .fields = STR("{\"summary\":\"x\"}") };
	CHECK_RC(store_write(w.s, spoil_bodies, NULL, &err), RC_OK, err);
	q.based_on = 9;
	CHECK_RC(change(&w, &lead, &q, &view), RC_CONFLICT, err);
	CHECK(!view.record && !view.body);
	record_view_end(&view);
	uuid = make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 2);
	q = (struct change_request){ .id = id_str(&w, "incident", &uuid), .fields = STR("{\"summary\":\"x\"}") };
	stop = true;
	CHECK_RC(change(&w, &lead, &q, &view), RC_CONFLICT, err);
	CHECK_STR(str_of(err.text), STR("something else is in the way"));
	record_view_end(&view);
	/* of a new one nothing stands */
	q = (struct change_request){ .type = STR("incident"), .fields = STR("{\"title\":\"x\",\"class\":\"other\",\"severity\":\"low\"}") };
	CHECK_RC(change(&w, &lead, &q, &view), RC_CONFLICT, err);
	CHECK(!view.record);
	world_end(&w);
}

/* A person of another organisation cannot find out by naming what is there. */
TEST(references_tell_nothing)
{
	struct world w = world_new();
	struct viewer a = person_of(house_a, 3);
	struct uuid uuid = make(&w, id_str(&w, "organisation", &house_b), "{\"tlp\":\"AMBER\"}", 1);
	char words[2][240];
	const str ids[] = { id_str(&w, "incident", &uuid),
			    STR("incident--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ff") };
	struct types *t = NULL;
	static const char ticket[] =
		"{ \"type\": \"ticket\", \"version\": 1, \"label\": { \"en\": \"Ticket\" },"
		" \"plural\": { \"en\": \"Tickets\" }, \"title\": \"title\", \"fields\": {"
		"  \"title\": { \"kind\": \"text\", \"share\": \"open\", \"required\": [\"*\"],"
		"   \"label\": { \"en\": \"Title\" } },"
		"  \"about\": { \"kind\": \"reference\", \"share\": \"open\", \"label\": { \"en\": \"About\" } },"
		"  \"word\": { \"kind\": \"secret\", \"share\": \"open\", \"label\": { \"en\": \"Word\" } } },"
		" \"states\": { \"new\": { \"label\": { \"en\": \"New\" } } },"
		" \"rights\": { \"read\": { \"constituent\": \"own\", \"lead\": \"all\" },"
		"  \"create\": { \"constituent\": \"own\" }, \"edit\": { \"constituent\": \"own\" } },"
		" \"list\": { \"columns\": [\"title\"] } }";

	CHECK_RC(types_with(types_of(&w), STR(ticket), "types/ticket.json", &t, &err), RC_OK, err);
	if (!t) {
		world_end(&w);
		return;
	}
	snapshot_drop(w.types, w.held);
	snapshot_swap(w.types, t);
	w.held = snapshot_hold(w.types);
	for (int n = 0; n < 2; n++) {
		const struct change_request q = {
			.type = STR("ticket"),
			.fields = arena_fmt(w.a, "{\"title\":\"x\",\"about\":\"" STR_FMT "\"}", STR_ARG(ids[n])),
		};
		CHECK_RC(change(&w, &a, &q, NULL), RC_INPUT, err);
		memcpy(words[n], err.text, sizeof(words[n]));
	}
	CHECK_STR(str_of(words[0]), str_of(words[1]));
	/* a secret is written and never shown again, to nobody */
	struct record_view view;
	const struct change_request q = { .type = STR("ticket"),
					  .fields = STR("{\"title\":\"x\",\"word\":\"canary-secret\"}") };
	CHECK_RC(change(&w, &a, &q, &view), RC_OK, err);
	str id = view.record ? id_str(&w, "ticket", &view.record->id) : STR("");
	record_view_end(&view);
	struct viewer lead = staff(LEAD, 1);
	CHECK(holds(shown(&w, &lead, id), "\"title\":\"x\""));
	CHECK(!holds(shown(&w, &lead, id), "canary-secret") && !holds(shown(&w, &a, id), "canary-secret"));
	world_end(&w);
}

/* --- links, files --- */

struct linked {
	int count;
	str title, author;
};

static bool note_link(void *ctx, const struct link_view *l)
{
	struct linked *to = ctx;

	to->count++;
	to->title = l->other_title;
	to->author = l->author;
	return true;
}

TEST(links_need_both_ends)
{
	struct world w = world_new();
	struct viewer a = person_of(house_a, 3), lead = staff(LEAD, 1);
	struct uuid ua = make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 1),
		    ub = make(&w, id_str(&w, "organisation", &house_b), "{\"tlp\":\"AMBER\"}", 2),
		    uc = make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 3);
	str ida = id_str(&w, "incident", &ua), idb = id_str(&w, "incident", &ub),
	    idc = id_str(&w, "incident", &uc);
	int64_t first = 0, second = 0;
	struct linked seen = { 0 };
	struct reader *r;

	CHECK_RC(change_link(w.r, w.s, &lead, ida, STR("related"), idb, STR("same"), &first, &err), RC_OK, err);
	CHECK_RC(change_link(w.r, w.s, &lead, ida, STR("part-of"), idc, STR("same"), &second, &err), RC_OK, err);
	CHECK_RC(change_link(w.r, w.s, &lead, ida, STR("organisation"), idc, STR(""), &second, &err), RC_INPUT,
		 err);
	CHECK_RC(change_link(w.r, w.s, &a, ida, STR("related"), idc, STR(""), &second, &err), RC_DENIED, err);
	r = begin(&w);
	CHECK_RC(read_record_links(r, types_of(&w), &lead, ida, w.a, note_link, &seen, &err), RC_OK, err);
	CHECK_INT(seen.count, 2); /* the organisation is no record here */
	CHECK_STR(seen.author, STR("account:1"));
	seen = (struct linked){ 0 };
	CHECK_RC(read_record_links(r, types_of(&w), &a, ida, w.a, note_link, &seen, &err), RC_OK, err);
	CHECK_INT(seen.count, 1);
	CHECK_STR(seen.title, STR("canary title 3"));
	CHECK_STR(seen.author, STR(""));
	store_read_end(r);
	CHECK_RC(change_unlink(w.r, w.s, &lead, idb, first + 999, STR(""), &err), RC_ABSENT, err);
	CHECK_RC(change_unlink(w.r, w.s, &lead, idb, first, STR(""), &err), RC_OK, err);
	CHECK_RC(change_erase(w.r, w.s, &lead, idc, STR(" "), &err), RC_INPUT, err);
	CHECK_RC(change_erase(w.r, w.s, &lead, idc, STR("asked for"), &err), RC_OK, err);
	CHECK(!holds(shown(&w, &lead, idc), "canary"));
	world_end(&w);
}

struct in_job {
	struct world *w;
	struct viewer lead;
	str from, to;
	int64_t id;
};
static enum rc link_and_back(struct tx *tx, void *ctx, struct err *e)
{
	struct in_job *k = ctx;
	int64_t gone;
	enum rc rc = change_link_tx(tx, k->w->r, &k->lead, k->from, STR("related"), k->to, STR("w"), k->w->a, &k->id, e);
	if (rc == RC_OK)
		rc = change_link_tx(tx, k->w->r, &k->lead, k->from, STR("part-of"), k->to, STR("w"), k->w->a, &gone, e);
	return rc == RC_OK ? change_unlink_tx(tx, k->w->r, &k->lead, k->from, gone, STR("not so"), k->w->a, e) : rc;
}
static enum rc lowest_link(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "SELECT min(id) FROM record_link");
	*(int64_t *)ctx = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, e);
}
static enum rc erase_without_reason(struct tx *tx, void *ctx, struct err *e)
{
	struct in_job *k = ctx;
	return change_erase_tx(tx, k->w->r, &k->lead, k->from, STR(" "), k->w->a, e);
}

TEST(links_within_a_job)
{
	struct world w = world_new();
	struct linked seen = { 0 };
	struct uuid one = make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 1),
		    two = make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 2);
	struct in_job k = { .w = &w, .lead = staff(LEAD, 1), .from = id_str(&w, "incident", &one), .to = id_str(&w, "incident", &two) };
	int64_t of_field = 0;
	CHECK_RC(store_write(w.s, link_and_back, &k, &err), RC_OK, err);
	struct reader *r = begin(&w);
	CHECK_RC(read_record_links(r, types_of(&w), &k.lead, k.from, w.a, note_link, &seen, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(seen.count, 1);
	/* the link of a field goes with the field */
	CHECK_RC(store_write(w.s, lowest_link, &of_field, &err), RC_OK, err);
	CHECK(of_field > 0 && of_field < k.id);
	CHECK_RC(change_unlink(w.r, w.s, &k.lead, k.from, of_field, STR(""), &err), RC_ABSENT, err);
	CHECK_RC(store_write(w.s, erase_without_reason, &k, &err), RC_INPUT, err);
	world_end(&w);
}

struct team {
	struct world *w;
	struct roles *roles;
	int64_t id;
	int64_t approval;
	struct viewer other;
};
static enum rc large_team(struct tx *tx, void *ctx, struct err *e)
{
	struct team *k = ctx;
	enum rc rc = team_size_set(tx, k->w->j, TEAM_LARGE, STR("test"), e);
	for (int i = 0; rc == RC_OK && i < 2; i++) {
		const struct account_new n = { .name = str_of(i ? "person two" : "person one"), .unix_uid = -1,
					       .roles = UINT32_C(1) << roles_find(k->roles, STR("lead")) };
		rc = account_make(tx, k->w->j, k->roles, &n, STR("test"), &k->id, e);
	}
	return rc;
}
static enum rc say_yes(struct tx *tx, void *ctx, struct err *e)
{
	struct team *k = ctx;
	return approval_answer(tx, k->w->j, k->roles, &k->other, 1, true, e);
}

TEST(nobody_erases_alone)
{
	struct world w = world_new();
	struct team k = { .w = &w, .other = staff(LEAD, 2) };
	struct viewer lead = staff(LEAD, 1);
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(roles_load(NULL, &k.roles, &err), RC_OK, err);
	lead.all_roles = k.other.all_roles = k.roles;
	lead.roles = k.other.roles = UINT32_C(1) << roles_find(k.roles, STR("lead"));
	struct uuid uuid = make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 1);
	str id = id_str(&w, "incident", &uuid);
	CHECK_RC(store_write(w.s, large_team, &k, &err), RC_OK, err);
	CHECK_RC(change_erase(w.r, w.s, &lead, id, STR("asked for"), &err), RC_BUSY, err);
	CHECK(strstr(err.text, "second person") && holds(shown(&w, &lead, id), "canary"));
	CHECK_RC(store_write(w.s, say_yes, &k, &err), RC_OK, err);
	CHECK_RC(change_erase(w.r, w.s, &lead, id, STR("asked for"), &err), RC_OK, err);
	CHECK(!holds(shown(&w, &lead, id), "canary"));
	roles_free(k.roles);
	world_end(&w);
}

static enum rc destroy(struct tx *tx, void *ctx, struct err *e)
{
	return destroyed_add(tx, ctx, 14, STR("destruction--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab"), e);
}

TEST(what_was_destroyed_stays_away)
{
	struct world w = world_new();
	struct viewer analyst = staff(ANALYST, 1);
	struct digest gone = sha256(STR("canary-gone-14")), d;
	struct destroyed *list;
	size_t n = 0;
	add_visits(&w);
	const struct type *t = types_find(types_of(&w), STR("visit"));
	CHECK_RC(store_write(w.s, destroy, &gone, &err), RC_OK, err);
	/* who edits, and makes none, may put files in */
	CHECK_RC(change_file(w.r, w.s, &analyst, t, STR("another"), &d, &err), RC_OK, err);
	CHECK_RC(change_file(w.r, w.s, &analyst, t, STR("canary-gone-14"), &d, &err), RC_DENIED, err);
	struct reader *r = begin(&w);
	CHECK_RC(destroyed_list(reader_conn(r), STR(""), 10, w.a, &list, &n, &err), RC_OK, err);
	CHECK(n == 1 && list[0].seen == 1);
	store_read_end(r);
	world_end(&w);
}

TEST(files_go_with_their_field)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1), none = staff(VIEWER, 2);
	const struct type *t = types_find(types_of(&w), STR("note"));
	struct digest d;
	struct buf hex = BUF_INIT(100), bytes = BUF_INIT(KIB(1));
	struct record_view view;
	str name = STR("");

	CHECK_RC(change_file(w.r, w.s, &none, t, STR("canary-file"), &d, &err), RC_DENIED, err);
	CHECK_RC(change_file(w.r, w.s, &lead, t, STR("canary-file"), &d, &err), RC_OK, err);
	hex_format(&hex, d.b, sizeof(d.b));
	const struct change_request q = {
		.type = STR("note"), .fields = arena_fmt(w.a, "{\"title\":\"x\",\"files\":[{\"digest\":\"%s\",\"name\":"
							 "\"a.txt\",\"bytes\":11}]}", hex.p),
	};
	CHECK_RC(change(&w, &lead, &q, &view), RC_OK, err);
	str id = view.record ? id_str(&w, "note", &view.record->id) : STR("");
	record_view_end(&view);
	struct reader *r = begin(&w);
	CHECK_RC(read_record(r, types_of(&w), &none, id, w.a, &view, &err), RC_OK, err);
	CHECK_RC(read_record_file(r, &view, STR("files"), hex.p, &bytes, &name, w.a, &err),
		 RC_OK, err);
	CHECK_STR(buf_str(&bytes), STR("canary-file"));
	CHECK_STR(name, STR("a.txt"));
	CHECK_RC(read_record_file(r, &view, STR("title"), hex.p, &bytes, &name, w.a, &err),
		 RC_ABSENT, err);
	hex.p[0] = hex.p[0] == '0' ? '1' : '0';
	CHECK_RC(read_record_file(r, &view, STR("files"), hex.p, &bytes, &name, w.a, &err),
		 RC_ABSENT, err);
	record_view_end(&view);
	store_read_end(r);
	buf_free(&hex);
	buf_free(&bytes);
	world_end(&w);
}

/* --- sealed --- */

struct keys {
	struct world *w;
	struct roles *roles;
	int64_t id;
};

#define PASSPHRASE "seven rivers run north"

static enum rc make_key(struct tx *tx, void *ctx, struct err *e)
{
	struct keys *k = ctx;
	struct seal_shares shares = { .count = 2 };
	char name[20];

	snprintf(name, sizeof(name), "person %d", (int)k->id);
	const struct account_new n = { .name = str_of(name), .roles = 1 << 3, .unix_uid = -1 };
	struct seal_pass pass;
	enum rc rc = account_make(tx, k->w->j, k->roles, &n, STR("test"), &k->id, e);
	if (rc == RC_OK)
		rc = seal_pass_make(STR(PASSPHRASE), &pass, e);
	return rc == RC_OK ? seal_key_make(tx, k->w->j, k->id, &pass, &shares, STR("test"), e) : rc;
}

static struct seal_ring *open_ring(struct world *w, struct roles *roles, int want)
{
	struct keys k = { w, roles, want };
	struct seal_ring *ring = NULL;

	CHECK_RC(store_write(w->s, make_key, &k, &err), RC_OK, err);
	CHECK_INT(k.id, want);
	struct reader *r = begin(w);
	CHECK_RC(seal_key_open(reader_conn(r), k.id, STR(PASSPHRASE), &ring, &err), RC_OK, err);
	store_read_end(r);
	return ring;
}

static bool look_for_victim(void *ctx, const struct record_view *v)
{
	*(bool *)ctx |= json_get(v->body, "victim") != NULL;
	return true;
}

TEST(sealed_opens_for_the_named_with_their_passphrase)
{
	struct world w = world_new();
	struct roles *roles = NULL;
	struct record_view view;
	bool listed = false;

	CHECK_RC(roles_load(NULL, &roles, &err), RC_OK, err);
	struct seal_ring *ring = open_ring(&w, roles, 1), *other = open_ring(&w, roles, 2);
	struct viewer lead = staff(LEAD, 1), second = staff(LEAD, 2), analyst = staff(ANALYST, 5);
	const struct change_request q = {
		.type = STR("incident"), .fields = STR("{\"title\":\"x\",\"class\":\"other\",\"severity\":\"low\","
						       "\"victim\":\"canary-sealed\"}"),
	};
	CHECK_RC(change(&w, &lead, &q, &view), RC_OK, err);
	CHECK(view.record && view.record->sealed);
	CHECK(view.record && !holds(view.record->body, "canary-sealed"));
	str id = view.record ? id_str(&w, "incident", &view.record->id) : STR("");
	record_view_end(&view);
	CHECK(!holds(shown(&w, &lead, id), "canary-sealed")); /* no passphrase was given */
	lead.seal = ring;
	second.seal = other;
	CHECK(holds(shown(&w, &lead, id), "canary-sealed"));
	CHECK(shown(&w, &second, id).p && !holds(shown(&w, &second, id), "canary-sealed"));
	lead.channel = CHANNEL_EXPORT;
	CHECK(shown(&w, &lead, id).p && !holds(shown(&w, &lead, id), "canary-sealed"));
	lead.channel = CHANNEL_SCREEN;
	struct reader *r = begin(&w);
	struct record_query all = { .type = types_find(types_of(&w), STR("incident")) };
	CHECK_RC(read_records(r, types_of(&w), &lead, &all, 9, w.a, look_for_victim, &listed, &err), RC_OK, err);
	CHECK(!listed);
	store_read_end(r);
	/* who edits may put in what he cannot read */
	const struct change_request more = { .id = id, .fields = STR("{\"victim\":\"canary-again\"}") };
	CHECK_RC(change(&w, &analyst, &more, NULL), RC_OK, err);
	CHECK(!holds(shown(&w, &analyst, id), "canary-again"));
	CHECK(holds(shown(&w, &lead, id), "canary-again"));
	/* named later: the keys are handed on by one who has them */
	const struct change_request name = { .id = id, .labels = STR("{\"tlp\":\"AMBER\",\"named\":"
								     "[\"account:1\",\"account:2\"]}") };
	CHECK_RC(change(&w, &second, &name, NULL), RC_DENIED, err);
	CHECK_RC(change(&w, &lead, &name, NULL), RC_OK, err);
	CHECK(holds(shown(&w, &second, id), "canary-again"));
	CHECK_RC(change_erase(w.r, w.s, &lead, id, STR("asked for"), &err), RC_OK, err);
	CHECK(!holds(shown(&w, &lead, id), "canary"));
	/* more than one, from the beginning; what is no value is not sealed */
	add_visits(&w);
	struct change_request two = { .type = STR("visit"),
				      .fields = STR("{\"title\":\"x\",\"one\":\"canary-one\",\"two\":\"canary-two\"}") };
	CHECK_RC(change(&w, &lead, &two, &view), RC_OK, err);
	CHECK(view.record && view.record->sealed && !holds(view.record->body, "canary"));
	id = view.record ? id_str(&w, "visit", &view.record->id) : STR("");
	record_view_end(&view);
	CHECK(holds(shown(&w, &lead, id), "canary-one") && holds(shown(&w, &lead, id), "canary-two"));
	two.fields = STR("{\"title\":\"x\",\"one\":7}");
	CHECK_RC(change(&w, &lead, &two, NULL), RC_INPUT, err);
	seal_ring_drop(ring);
	seal_ring_drop(other);
	roles_free(roles);
	world_end(&w);
}

/* --- refusals --- */

static void count_lines(struct world *w, uint64_t *lines, uint64_t *sum)
{
	struct reader *r = begin(w);
	struct journal_line *list;
	size_t n = 0;

	*lines = *sum = 0;
	CHECK_RC(journal_list(reader_conn(r), 0, 1000, w->a, &list, &n, &err), RC_OK, err);
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].act, STR("refusal"))) {
			++*lines;
			*sum += list[i].count;
			CHECK_STR(list[i].actor, STR("account:2"));
		}
	store_read_end(r);
}

static enum rc set_last_refusal(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE refusal SET at_us = ?");
	sql_int(q, 1, *(int64_t *)ctx);
	return sql_run(q, e);
}

TEST(refusals_are_counted)
{
	struct world w = world_new();
	struct viewer viewer = staff(VIEWER, 2);
	struct uuid uuid = make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 1);
	const struct change_request q = { .id = id_str(&w, "incident", &uuid),
					  .fields = STR("{\"summary\":\"x\"}") };
	uint64_t lines, sum;
	int64_t from = clock_mono_us();

	for (int i = 0; i < 8; i++)
		CHECK_RC(change(&w, &viewer, &q, NULL), RC_DENIED, err);
	uint64_t seconds = (uint64_t)((clock_mono_us() - from) / SECOND_US);
	count_lines(&w, &lines, &sum);
	CHECK(lines >= 1 && lines <= seconds + 2 && sum >= 1 && sum <= 8);
	/* a second later, and when the clock went back: a line that counts all since the last */
	static const int64_t ago[] = { 2 * SECOND_US, -HOUR_US };
	for (size_t i = 0; i < COUNT_OF(ago); i++) {
		int64_t last = clock_now_us() - ago[i];
		CHECK_RC(store_write(w.s, set_last_refusal, &last, &err), RC_OK, err);
		CHECK_RC(change(&w, &viewer, &q, NULL), RC_DENIED, err);
		count_lines(&w, &lines, &sum);
		CHECK_INT(sum, 9 + i); /* none is forgotten */
	}
	world_end(&w);
}

/* What stands in the record, which no view has. */
static str password_of(struct world *w, str id)
{
	struct reader *r = begin(w);
	struct addressee who = { 0 };
	CHECK_RC(told_addressee(reader_conn(r), types_of(w), id, w->a, &who, &err), RC_OK, err);
	str s = arena_str(w->a, json_get_str(who.body, "file_password"));
	json_free(who.body);
	store_read_end(r);
	return s;
}

static str house_with(struct world *w, const struct viewer *v, const char *fields)
{
	struct record_view view;
	const struct change_request q = { .type = STR("organisation"), .fields = str_of(fields) };
	CHECK_RC(change(w, v, &q, &view), RC_OK, err);
	str id = record_view_id(&view, w->a);
	record_view_end(&view);
	return id;
}

TEST(secrets_go_unseen)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1);
	str with = house_with(&w, &lead, "{\"name\":\"A\",\"kind\":\"vendor\",\"file_password\":\"canary of two\"}");
	str other = house_with(&w, &lead, "{\"name\":\"B\",\"kind\":\"vendor\",\"file_password\":\"another of two\"}");
	str none = house_with(&w, &lead, "{\"name\":\"C\",\"kind\":\"vendor\"}");
	str bare = house_with(&w, &lead, "{\"name\":\"D\",\"kind\":\"vendor\"}");
	struct uuid uuid = make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 1);
	str absent = STR("organisation--00000000-0000-4000-8000-000000000000");
	const struct {
		const char *what;
		str to, of;
		uint64_t version;
		const char *fields;
		enum rc rc;
		const char *password;  /* that `to` has then */
	} cases[] = {
		{ "it has one: that stays", with, other, 0, "", RC_OK, "canary of two" },
		{ "neither has", bare, none, 0, "", RC_OK, "" },
		{ "it lacks one", none, with, 0, "{\"remarks\":\"x\"}", RC_OK, "canary of two" },
		{ "as it was: without", none, none, 1, "", RC_OK, "" },
		{ "as it was: with", none, none, 2, "", RC_OK, "canary of two" },
		{ "a version that is not", none, none, 9, "", RC_ABSENT, "canary of two" },
		{ "nobody", bare, absent, 0, "", RC_ABSENT, "" },
		{ "another type", bare, id_str(&w, "incident", &uuid), 0, "", RC_INPUT, "" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct change_request q = { .id = cases[i].to, .fields = str_of(cases[i].fields),
						  .secrets_of = cases[i].of, .secrets_version = cases[i].version };
		enum rc rc = change(&w, &lead, &q, NULL);
		CHECK_MSG(rc == cases[i].rc, "%s: %s (%s)", cases[i].what, rc_name(rc), err.text);
		CHECK_STR(password_of(&w, cases[i].to), str_of(cases[i].password));
		CHECK(!holds(shown(&w, &lead, cases[i].to), " of two"));
	}
	/* a new one has nothing to take it into */
	struct change_request q = { .type = STR("organisation"), .fields = STR("{\"name\":\"E\",\"kind\":\"vendor\"}"),
				    .secrets_of = with };
	CHECK_RC(change(&w, &lead, &q, NULL), RC_OK, err);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(secrets_go_unseen), TEST_RUN(what_may_be_sent), TEST_RUN(what_is_made), TEST_RUN(who_labels_need_not_edit),
	  TEST_RUN(what_is_sent_wrong), TEST_RUN(conflicts_that_show_nothing), TEST_RUN(references_tell_nothing),
	  TEST_RUN(links_need_both_ends), TEST_RUN(links_within_a_job), TEST_RUN(nobody_erases_alone),
	  TEST_RUN(what_was_destroyed_stays_away), TEST_RUN(files_go_with_their_field),
	  TEST_RUN(sealed_opens_for_the_named_with_their_passphrase), TEST_RUN(refusals_are_counted))
