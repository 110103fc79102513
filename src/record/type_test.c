/* SPDX-License-Identifier: Apache-2.0 */
#include "record/type.h"

#include <dirent.h>
#include <fcntl.h>

#include "base/test.h"
#include "base/test_dir.h"

static struct err err;
static const char *const roles[] = { "viewer", "analyst", "duty", "lead", "liaison", "auditor",
				     "constituent", "protection", "administrator", NULL };

TEST(built_in)
{
	struct types *t = NULL;
	CHECK_RC(types_load(NULL, roles, &t, &err), RC_OK, err);
	if (!t)
		return;
	const struct type *w = types_find(t, STR("warning"));
	CHECK(w && w->built_in && w->exchange && w->state_count == 4 && w->clock_count == 3);
	CHECK(!types_find(t, STR("approval")) && !types_find(t, STR("")));
	for (size_t i = 1; i < types_count(t); i++)
		CHECK(strcmp(types_at(t, i - 1)->name, types_at(t, i)->name) < 0);
	CHECK(!types_at(t, types_count(t)));
	/* every file of the folder is built in */
	char path[512];
	const char *source = getenv("RONDA_SOURCE");
	snprintf(path, sizeof(path), "%s/src/record/types", source ? source : ".");
	DIR *d = opendir(path);
	CHECK(d);
	for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
		str name = str_of(e->d_name);
		if (str_ends(name, STR(".json")))
			CHECK_MSG(types_find(t, str_head(name, name.n - 5)), "%s: set up the build again",
				  e->d_name);
	}
	if (d)
		closedir(d);
	types_free(t);
}

/* Every text a person reads is there in Indonesian too. */
static void has_indonesian(const char *type, const char *what, const struct words *w)
{
	for (; w && w->language; w++)
		if (strcmp(w->language, "id") == 0)
			return;
	CHECK_MSG(false, "%s: %s has no Indonesian text", type, what);
}

static void fields_translated(const char *type, const struct type_field *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		has_indonesian(type, f[i].name, f[i].label);
		if (f[i].help->language)
			has_indonesian(type, f[i].name, f[i].help);
		for (size_t c = 0; c < f[i].choice_count; c++)
			if (f[i].choices[c].name[0] >= 'a') /* codes need none */
				has_indonesian(type, f[i].choices[c].name, f[i].choices[c].label);
	}
}

TEST(translated)
{
	struct types *all = NULL;
	CHECK_RC(types_load(NULL, roles, &all, &err), RC_OK, err);
	for (size_t i = 0; all && i < types_count(all); i++) {
		const struct type *t = types_at(all, i);
		has_indonesian(t->name, "label", t->label);
		has_indonesian(t->name, "plural", t->plural);
		has_indonesian(t->name, "help", t->help);
		fields_translated(t->name, t->fields, t->field_count);
		for (size_t f = 0; f < t->field_count; f++)
			fields_translated(t->name, t->fields[f].rows, t->fields[f].row_count);
		for (size_t s = 0; s < t->state_count; s++) {
			has_indonesian(t->name, t->states[s].name, t->states[s].label);
			for (size_t m = 0; m < t->states[s].move_count; m++)
				if (t->states[s].moves[m].label)
					has_indonesian(t->name, "a move", t->states[s].moves[m].label);
		}
		for (size_t c = 0; c < t->clock_count; c++)
			has_indonesian(t->name, t->clocks[c].name, t->clocks[c].label);
	}
	types_free(all);
}


/* --- what is refused --- */

static const char visit[] =
	"{\n"
	"  \"type\": \"visit\", \"version\": 2,\n"
	"  \"label\": { \"en\": \"Visit\" }, \"plural\": { \"en\": \"Visits\" }, \"title\": \"name\",\n"
	"  \"fields\": {\n"
	"    \"name\": { \"kind\": \"text\", \"required\": [\"*\"], \"label\": { \"en\": \"Name\" } },\n"
	"    \"day\": { \"kind\": \"date\", \"label\": { \"en\": \"Day\" } },\n"
	"    \"how\": { \"kind\": \"choice\", \"label\": { \"en\": \"How\" },\n"
	"      \"choices\": { \"plane\": { \"en\": \"Plane\", \"opens\": \"flight\" }, \"foot\": { \"en\": \"On foot\" } } },\n"
	"    \"seat\": { \"kind\": \"text\", \"block\": \"flight\", \"label\": { \"en\": \"Seat\" } },\n"
	"    \"cost\": { \"kind\": \"number\", \"decimals\": 2, \"min\": 0, \"label\": { \"en\": \"Cost\" } },\n"
	"    \"stops\": { \"kind\": \"rows\", \"label\": { \"en\": \"Stops\" }, \"rows\": {\n"
	"      \"where\": { \"kind\": \"text\", \"label\": { \"en\": \"Where\" } } } }\n"
	"  },\n"
	"  \"blocks\": { \"flight\": { \"en\": \"Flight\" } },\n"
	"  \"states\": {\n"
	"    \"planned\": { \"label\": { \"en\": \"Planned\" }, \"to\": { \"over\": { \"roles\": [\"lead\"] } } },\n"
	"    \"over\": { \"label\": { \"en\": \"Over\" }, \"closed\": true }\n"
	"  },\n"
	"  \"clocks\": { \"prepare\": { \"label\": { \"en\": \"Prepare\" }, \"start\": [\"planned\"], \"due\": \"PT4H\" } },\n"
	"  \"rights\": { \"read\": { \"viewer\": \"all\" } },\n"
	"  \"list\": { \"columns\": [\"name\", \"day\"], \"sort\": \"day\" }\n"
	"}\n";

static const struct {
	const char *from, *to; /* one change of `visit` */
	const char *why;       /* NULL: taken */
} changes[] = {
	{ "Visit", "Visit", NULL },
	/* the text */
	{ "{\n", "[", "types/visit.json:1: a type is one JSON object" },
	{ "\"version\": 2,", "\"version\": 2", "3: neither comma nor end of brackets" },
	{ "\"sort\": \"day\" }\n", "\"sort\": \"day\" ", "22: brackets are not closed" },
	{ "\"sort\": \"day\" }", "\"sort\": \"day\" },", "22: a name in double quotes must stand here" },
	{ "\"day\" }\n}\n", "\"day\" }\n}\n]", "23: bytes behind the object" },
	{ "\"Seat\"", "\"Se\\u0000at\"", "9: a control character in a string" },
	{ "\"Seat\"", "\"Se\nat\"", "9: JSON: " },
	{ "\"version\": 2", "\"version\": 02", "2: JSON: a number with a leading zero" },
	{ "\"day\": {", "\"name\": {", "6: 'name' stands there twice, first on line 5" },
	{ "\"Visits\"", "\"Vis\xff\"", "1: no valid UTF-8" },
	{ "\"fields\"", "\"x\": [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]], \"fields\"", "4: nested deeper than 16" },
	/* members */
	{ "\"plural\"", "\"plurals\"", "3: 'plurals' is no member of a type (do you mean 'plural'?)" },
	{ "\"title\": \"name\"", "\"exchange\": true", "1: 'title' is missing" },
	{ "\"visit\"", "\"Visit\"", "2: a type is named" },
	{ "\"visit\"", "\"visit-2\"", "2: a type is named" },
	{ "\"visit\"", "\"visit--x\"", "2: a type is named" },
	{ "\"visit\"", "\"journey\"", "2: type 'journey' belongs into a file 'journey.json'" },
	{ "\"version\": 2", "\"version\": 0", "2: 'version' must be a whole number from 1" },
	{ "\"version\": 2", "\"version\": \"2\"", "2: 'version' must be a whole number" },
	{ "{ \"en\": \"Visit\" }", "\"Visit\"", "3: 'label' needs a text for each language" },
	{ "{ \"en\": \"Visit\" }", "{ \"id\": \"Kunjungan\" }", "3: 'label' has no text in English ('en')" },
	{ "{ \"en\": \"Visit\" }", "{ \"en\": \"  \" }", "3: 'label' in 'en' must be a text" },
	{ "{ \"en\": \"Visit\" }", "{ \"en\": \"V\", \"english\": \"V\" }", "3: 'english' is no language" },
	{ "{ \"en\": \"Visit\" }", "{ \"en\": \"V\", \"zh-Hant\": \"V\" }", NULL },
	/* fields */
	{ "\"kind\": \"date\"", "\"kind\": \"dat\"", "6: there is no kind 'dat' (do you mean 'date'?)" },
	{ "\"kind\": \"date\",", "", "6: field 'day' has no 'kind'" },
	{ "\"day\": {", "\"Day\": {", "6: 'Day' is no name for a field" },
	{ "\"day\": {", "\"day_\": {", "6: 'day_' is no name for a field" },
	{ "\"day\": {", "\"state\": {", "6: every record has 'state' already" },
	{ "\"kind\": \"date\"", "\"kind\": \"date\", \"max\": 3", "6: a field of kind 'date' has no 'max'" },
	{ "\"kind\": \"date\"", "\"kind\": \"date\", \"min\": 3", "6: only a number has 'min'" },
	{ "\"kind\": \"date\"", "\"kind\": \"date\", \"to\": \"visit\"", "6: only kind 'reference' has 'to'" },
	{ "\"kind\": \"date\"", "\"kind\": \"date\", \"shared\": 1", "6: 'shared' is no member of a field (do you mean 'share'?)" },
	{ "\"kind\": \"date\"", "\"kind\": \"date\", \"share\": \"all\"", "6: 'share' must be" },
	{ "\"kind\": \"date\"", "\"kind\": \"date\", \"list\": 1", "6: 'list' must be true or false" },
	{ "\"kind\": \"date\"", "\"kind\": \"date\", \"since\": 3", "6: 'since' must be a whole number from 1 to 2" },
	{ "\"kind\": \"date\"", "\"kind\": \"date\", \"since\": 2", NULL },
	{ "\"kind\": \"date\"", "\"kind\": \"date\", \"required\": [\"plannd\"]", "6: there is no state 'plannd' (do you mean 'planned'?)" },
	{ "\"kind\": \"date\"", "\"kind\": \"date\", \"required\": \"*\"", "6: 'required' must be a list of states" },
	{ "\"kind\": \"date\"", "\"kind\": \"reference\", \"to\": \"organization\"", "6: there is no type 'organization' (do you mean 'organisation'?)" },
	{ "\"kind\": \"date\"", "\"kind\": \"flag\", \"list\": true", "6: there are no lists of kind 'flag'" },
	{ "\"kind\": \"date\"", "\"kind\": \"choice\"", "6: field 'day' needs 'choices'" },
	{ "\"kind\": \"date\"", "\"kind\": \"rows\"", "6: field 'day' needs 'rows'" },
	{ "\"decimals\": 2", "\"decimals\": 9", NULL },
	{ "\"decimals\": 2", "\"decimals\": 10", "10: 'decimals' must be a whole number from 0 to 9" },
	{ "\"min\": 0", "\"min\": 0.125", "10: 'min' must be a number of at most 2 decimals" },
	{ "\"min\": 0", "\"min\": 2, \"max\": 1.99", "10: 'min' is more than 'max'" },
	{ "\"min\": 0", "\"min\": 2, \"max\": 2.00", NULL },
	{ "\"kind\": \"text\", \"required\"", "\"kind\": \"text\", \"max\": 2000, \"required\"", NULL },
	{ "\"kind\": \"text\", \"required\"", "\"kind\": \"text\", \"max\": 2001, \"required\"", "5: 'max' must be a whole number from 1 to 2000" },
	{ "\"kind\": \"text\", \"required\"", "\"kind\": \"text\", \"max\": 0, \"required\"", "5: 'max' must be" },
	{ "\"where\": { \"kind\": \"text\"", "\"where\": { \"kind\": \"rows\"", "12: 'rows' cannot stand inside rows" },
	{ "\"where\": { \"kind\": \"text\"", "\"where\": { \"kind\": \"text\", \"share\": \"open\"", "12: 'share' is no member of a column" },
	/* title, blocks */
	{ "\"title\": \"name\"", "\"title\": \"name\", \"means\": { \"a.b-c\": \"day\", \"a.d\": \"state:planned\" }", NULL },
	{ "\"title\": \"name\"", "\"title\": \"name\", \"means\": { \"a.b\": \"dy\" }", "3: there is no field 'dy'" },
	{ "\"title\": \"name\"", "\"title\": \"name\", \"means\": { \"a.b\": \"state:x\" }", "3: there is no state 'x'" },
	{ "\"title\": \"name\"", "\"title\": \"name\", \"means\": { \"ab\": \"day\" }", "3: 'ab' is no meaning" },
	{ "\"title\": \"name\"", "\"title\": \"name\", \"means\": [\"day\"]", "3: 'means' must be an object" },
	{ "\"title\": \"name\"", "\"title\": \"nam\"", "3: there is no field 'nam' (do you mean 'name'?)" },
	{ "\"title\": \"name\"", "\"title\": \"day\"", "3: the title must be a text, field 'day' is none" },
	{ "\"title\": \"name\"", "\"title\": \"seat\"", "3: the title must always be there: field 'seat' stands in a block" },
	{ "\"required\": [\"*\"], ", "", "3: the title must be required" },
	{ "\"opens\": \"flight\"", "\"opens\": \"fligth\"", "8: there is no block 'fligth' (do you mean 'flight'?)" },
	{ ", \"opens\": \"flight\"", "", "14: no choice opens block 'flight'" },
	{ "\"kind\": \"choice\", ", "\"kind\": \"choice\", \"block\": \"flight\", ", "14: block 'flight' is opened only by fields inside it (a cycle)" },
	{ "\"block\": \"flight\"", "\"block\": \"fly\"", "9: there is no block 'fly'" },
	/* states, clocks */
	{ "\"over\": { \"roles\"", "\"ovr\": { \"roles\"", "16: there is no state 'ovr' (do you mean 'over'?)" },
	{ "\"to\": { \"over\": { \"roles\": [\"lead\"] } }", "\"to\": {}", "17: no move leads to state 'over'" },
	{ "\"to\": { \"over\"", "\"to\": { \"planned\"", "16: state 'planned' moves to itself" },
	{ "[\"lead\"]", "[\"leader\"]", "16: there is no role 'leader' (do you mean 'lead'?)" },
	{ "[\"lead\"]", "[]", "16: a move needs 'roles'" },
	{ "\"start\": [\"planned\"],", "", "19: clock 'prepare' starts nowhere" },
	{ "\"start\": [\"planned\"]", "\"start\": []", "19: clock 'prepare' starts nowhere" },
	{ "\"start\": [\"planned\"]", "\"start_at\": \"day\"", NULL },
	{ "\"start\": [\"planned\"]", "\"start_at\": \"name\"", "19: a clock counts from one date or time, field 'name' is none" },
	{ "\"start\": [\"planned\"]", "\"start_at\": \"dy\"", "19: there is no field 'dy' (do you mean 'day'?)" },
	{ "\"start\": [\"planned\"]", "\"start\": [\"over\"], \"stop\": [\"over\"]", "19: clock 'prepare' starts, stops or pauses in one and the same state" },
	{ "\"PT4H\"", "\"4h\"", "19: '4h' is no duration" },
	{ "\"PT4H\"", "\"-PT4H\"", "19: 'due' must be after the start" },
	{ "\"PT4H\"", "\"PT4H\", \"escalate\": [\"PT2H\"]", "19: a step of 'escalate' must be an object" },
	{ "\"PT4H\"", "\"PT4H\", \"escalate\": [{ \"after\": \"PT2H\" }]", "19: a step of 'escalate' needs" },
	{ "\"PT4H\"", "\"PT4H\", \"tell\": \"dutty\"", "19: there is no role 'dutty' (do you mean 'duty'?)" },
	{ "\"PT4H\"", "\"PT4H\", \"escalate\": [{ \"after\": \"PT2H\", \"to\": \"duty\" },"
		    " { \"after\": \"PT1H\", \"to\": \"lead\" }]", "19: steps of 'escalate' must rise" },
	{ ", \"due\": \"PT4H\"", "", "19: clock 'prepare' needs 'due'" },
	/* rights, list */
	{ "\"read\": {", "\"reed\": {", "20: 'reed' is no member of 'rights' (do you mean 'read'?)" },
	{ "\"read\": {", "\"edit\": {", "20: nobody may read it" },
	{ "\"viewer\": \"all\"", "\"viewers\": \"all\"", "20: there is no role 'viewers' (do you mean 'viewer'?)" },
	{ "\"viewer\": \"all\"", "\"viewer\": \"some\"", "20: how far a right reaches" },
	{ "\"viewer\": \"all\"", "\"viewer\": { \"reach\": \"own\", \"states\": [\"over\"] }", NULL },
	{ "\"viewer\": \"all\"", "\"viewer\": { \"states\": [\"over\"] }", "20: 'reach' is missing" },
	{ "\"name\", \"day\"]", "\"name\", \"days\"]", "21: there is no field 'days' (do you mean 'day'?)" },
	{ "\"name\", \"day\"]", "\"name\", \"stops\"]", "21: field 'stops' cannot stand in a list: rows" },
	{ "\"sort\": \"day\"", "\"sort\": \"-day\"", NULL },
	{ "\"sort\": \"day\"", "\"sort\": \"-changed\"", NULL },
	/* STIX */
#define STIX(text) { "\"title\": \"name\"", "\"title\": \"name\", \"stix\": " text
	STIX("{ \"object\": \"report\", \"name\": \"name\", \"description\": [\"name\"] }"), NULL },
	STIX("{ \"object\": \"note\", \"members\": { \"extensions/extension-definition--1/a_b\": { \"state\": { \"planned\": 1 }, \"otherwise\": true, \"list\": true } } }"), NULL },
	STIX("{ \"object\": \"note\", \"members\": { \"valid_from\": { \"field\": \"day\" } } }"), NULL },
	STIX("{ \"name\": \"name\" }"), "3: 'object' must name an object" },
	STIX("{ \"object\": \"opinion\" }"), "3: 'object' must name an object" },
	STIX("{ \"object\": \"note\", \"name\": \"day\" }"), "3: 'day' is no text" },
	STIX("{ \"object\": \"note\", \"description\": \"name\" }"), "3: 'description' must be a list" },
	STIX("{ \"object\": \"note\", \"description\": [\"nam\"] }"), "3: there is no field 'nam' (do you mean 'name'?)" },
	STIX("{ \"object\": \"note\", \"refs\": [\"name\"] }"), "3: 'name' is no reference" },
	STIX("{ \"object\": \"note\", \"members\": [] }"), "3: 'members' must be an object" },
	STIX("{ \"object\": \"note\", \"members\": { \"id\": { \"value\": \"x\" } } }"), "3: 'id' is no member that a type may set" },
	STIX("{ \"object\": \"note\", \"members\": { \"a_b/\": { \"value\": \"x\" } } }"), "3: 'a_b/' is no member" },
	STIX("{ \"object\": \"note\", \"members\": { \"lang\": { } } }"), "3: one of 'field', 'state' and 'value'" },
	STIX("{ \"object\": \"note\", \"members\": { \"lang\": { \"field\": \"day\", \"value\": 1 } } }"), "3: one of 'field'" },
	STIX("{ \"object\": \"note\", \"members\": { \"lang\": { \"field\": \"stops\" } } }"), "3: 'stops' cannot stand in a STIX object" },
	STIX("{ \"object\": \"note\", \"members\": { \"lang\": { \"field\": \"day\", \"map\": { \"a\": 1 } } } }"), "3: 'map' goes with a field that is a choice" },
	STIX("{ \"object\": \"note\", \"members\": { \"lang\": { \"state\": { \"gone\": 1 } } } }"), "3: there is no state 'gone'" },
	STIX("{ \"object\": \"note\", \"members\": { \"lang\": { \"value\": [] } } }"), "3: this must be a text" },
	STIX("{ \"object\": \"note\", \"members\": { \"lang\": { \"value\": 1, \"prefix\": \"x\" } } }"), "3: 'prefix' is a text before a field's" },
	STIX("{ \"object\": \"note\", \"member\": {} }"), "3: 'member' is no member of 'stix'" },
#undef STIX
	{ "\"label\": { \"en\": \"Visit\" }", "\"assignee\": \"name\", \"label\": { \"en\": \"Visit\" }", "3: 'assignee' must be one person" },
	{ "\"label\": { \"en\": \"Visit\" }", "\"organisation\": \"name\", \"label\": { \"en\": \"Visit\" }", "3: 'organisation' must be one reference" },
	{ "\"label\": { \"en\": \"Visit\" }", "\"retention\": \"-P1D\", \"label\": { \"en\": \"Visit\" }", "3: 'retention' cannot be negative" },
};

static enum rc load_text(const struct types *base, str text, const char *file, struct types **out)
{
	*out = NULL;
	err = (struct err){ 0 };
	return types_with(base, text, file, out, &err);
}

TEST(refused)
{
	struct types *base = NULL, *t = NULL;
	CHECK_RC(types_load(NULL, roles, &base, &err), RC_OK, err);
	for (size_t i = 0; base && i < COUNT_OF(changes); i++) {
		struct buf b = BUF_INIT(KIB(64));
		str text = str_of(visit);
		size_t at = str_find(text, str_of(changes[i].from));
		CHECK_MSG(at < text.n, "'%s' is not in the text", changes[i].from);
		buf_add(&b, str_head(text, at));
		buf_add(&b, str_of(changes[i].to));
		buf_add(&b, str_from(text, at + strlen(changes[i].from)));
		enum rc rc = load_text(base, buf_str(&b), "types/visit.json", &t);
		if (changes[i].why)
			CHECK_MSG(rc != RC_OK && strstr(err.text, changes[i].why) &&
					  str_starts(str_of(err.text), STR("types/visit.json:")),
				  "'%s' -> '%s': got '%s', want '%s'", changes[i].from, changes[i].to,
				  rc == RC_OK ? "(taken)" : err.text, changes[i].why);
		else
			CHECK_MSG(rc == RC_OK, "'%s' -> '%s': %s", changes[i].from, changes[i].to, err.text);
		types_free(t);
		buf_free(&b);
	}
	types_free(base);
}

/* Every prefix of a good file is refused, with a line. */
TEST(cut_off)
{
	struct types *base = NULL, *t = NULL;
	CHECK_RC(types_load(NULL, roles, &base, &err), RC_OK, err);
	for (size_t n = 0; base && n + 2 < sizeof(visit); n += 7) {
		enum rc rc = load_text(base, str_mem(visit, n), "types/visit.json", &t);
		CHECK_MSG(rc != RC_OK && strstr(err.text, "visit.json:"), "%zu bytes: %s", n, err.text);
		types_free(t);
	}
	types_free(base);
}

TEST(looked_up)
{
	struct types *base = NULL, *all = NULL;
	CHECK_RC(types_load(NULL, roles, &base, &err), RC_OK, err);
	CHECK_RC(load_text(base, str_of(visit), "types/visit.json", &all), RC_OK, err);
	const struct type *t = all ? types_find(all, STR("visit")) : NULL;
	CHECK(t && !types_find(base, STR("visit")));
	if (t) {
		const struct type_field *cost = type_find_field(t, STR("cost")), *day = t->sort;
		CHECK(cost && cost->decimals == 2 && cost->least == 0 && cost->has_range && !cost->indexed);
		CHECK(day && day->indexed && !t->descending && strcmp(day->name, "day") == 0);
		CHECK(!type_find_field(t, STR("costs")) && cost->share == SHARE_TEAM && cost->at == 4);
		CHECK_INT(type_state(t, STR("over")), 1);
		CHECK_INT(type_state(t, STR("ove")), -1);
		CHECK(type_move(t, 0, 1) && !type_move(t, 1, 0) && !type_move(t, 9, 0));
		CHECK_INT(type_move(t, 0, 1)->roles, 1 << 3);
		CHECK_INT(t->clocks[0].stop_in, 2); /* closed states, when nothing is said */
		CHECK_INT(t->clocks[0].due_us, INT64_C(4) * 3600 * 1000000);
		CHECK_STR(t->text, str_of(visit));
	}
	const struct type *incident = base ? types_find(base, STR("incident")) : NULL;
	if (incident) {
		CHECK_STR(str_of(words_in(incident->label, STR("id"))), STR("Insiden"));
		CHECK_STR(str_of(words_in(incident->label, STR("id-ID"))), STR("Insiden"));
		CHECK_STR(str_of(words_in(incident->label, STR("th"))), STR("Incident"));
		CHECK_STR(str_of(words_in(NULL, STR("th"))), STR(""));
		/* roles of one reach and the same states are one grant */
		CHECK(incident->grant_count < 20);
	}
	types_free(all);
	types_free(base);
}

static void write_type(const char *folder, const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	CHECK(f && fputs(text, f) >= 0);
	if (f)
		fclose(f);
}

TEST(folder)
{
	struct test_dir d = test_dir_new();
	struct types *t = NULL;
	char none[512], note[sizeof(visit)];
	CHECK_RC(types_load(test_dir_in(&d, none, "absent"), roles, &t, &err), RC_OK, err);
	types_free(t);
	write_type(d.path, "visit.json", visit);
	write_type(d.path, "visit.json~", "not read");
	write_type(d.path, ".visit.json", "not read");
	CHECK_RC(types_load(d.path, roles, &t, &err), RC_OK, err);
	CHECK(types_find(t, STR("visit")) && !types_find(t, STR("visit"))->built_in);
	types_free(t);
	/* a built-in type is replaced by a newer one, never by as old a one */
	for (int version = 4; version <= 5; version++) {
		snprintf(note, sizeof(note),
			 "{ \"type\": \"note\",\n\"version\": %d" STR_FMT, version,
			 STR_ARG(str_from(str_of(visit), str_find(str_of(visit), STR(",\n  \"label")))));
		write_type(d.path, "note.json", note);
		enum rc rc = types_load(d.path, roles, &t, &err);
		CHECK_RC(rc, version == 4 ? RC_INPUT : RC_OK, err);
		if (rc == RC_OK) {
			CHECK_INT(types_find(t, STR("note"))->version, 5);
			types_free(t);
		} else {
			CHECK_STR(str_head(str_of(err.text), 19), STR("types/note.json:2: "));
		}
	}
	write_type(d.path, "zoo.json", "{\n\n!");
	CHECK_RC(types_load(d.path, roles, &t, &err), RC_INPUT, err);
	CHECK_STR(str_of(err.text), STR("types/zoo.json:3: a name in double quotes must stand here"));
	test_dir_end(&d);
}

/* `n` members "aN": BODY in place of the mark @. */
static str repeated(struct arena *a, const char *around, const char *body, unsigned n)
{
	struct buf b = BUF_INIT(MIB(2));
	str text = str_of(around);
	buf_add(&b, str_cut(&text, '@'));
	for (unsigned i = 0; i < n; i++)
		buf_fmt(&b, "%s\"a%u\": %s", i ? ", " : "", i, body);
	buf_add(&b, text);
	str s = arena_str(a, buf_str(&b));
	buf_free(&b);
	return s;
}

#define HEAD "{ \"type\": \"x\", \"version\": 1, \"label\": { \"en\": \"X\" }, \"plural\": { \"en\": \"X\" }, " \
	     "\"title\": \"t\", \"rights\": { \"read\": { \"viewer\": \"all\" } }, "
#define TITLE "\"t\": { \"kind\": \"text\", \"required\": [\"*\"], \"label\": { \"en\": \"T\" } }"
#define STATE "\"states\": { \"s\": { \"label\": { \"en\": \"S\" } } }"

TEST(limits)
{
	static const struct { const char *what, *around, *body; unsigned most; } rows[] = {
		{ "fields", HEAD STATE ", \"fields\": { " TITLE ", @ } }",
		  "{ \"kind\": \"flag\", \"label\": { \"en\": \"F\" } }", TYPE_FIELDS_MAX - 1 },
		{ "states", HEAD "\"fields\": { " TITLE " }, \"states\": { @ } }", NULL, TYPE_STATES_MAX },
		{ "clocks", HEAD STATE ", \"fields\": { " TITLE " }, \"clocks\": { @ } }",
		  "{ \"label\": { \"en\": \"C\" }, \"start\": [\"s\"], \"due\": \"PT1H\" }", TYPE_CLOCKS_MAX },
		{ "choices", HEAD STATE ", \"fields\": { " TITLE ", \"c\": { \"kind\": \"choice\", "
		  "\"label\": { \"en\": \"C\" }, \"choices\": { @ } } } }", "{ \"en\": \"c\" }", 500 },
		{ "columns", HEAD STATE ", \"fields\": { " TITLE ", \"c\": { \"kind\": \"rows\", "
		  "\"label\": { \"en\": \"C\" }, \"rows\": { @ } } } }",
		  "{ \"kind\": \"flag\", \"label\": { \"en\": \"F\" } }", 32 },
	};
	struct types *base = NULL, *t = NULL;
	struct arena *a = arena_new(KIB(64));
	CHECK_RC(types_load(NULL, roles, &base, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (int over = -1; over <= 1; over++) {
			unsigned n = rows[i].most + (unsigned)over;
			/* each state leads to the next, and the last to the first */
			struct buf state = BUF_INIT(KIB(32));
			str text;
			if (rows[i].body) {
				text = repeated(a, rows[i].around, rows[i].body, n);
			} else {
				for (unsigned s = 0; s < n; s++)
					buf_fmt(&state, "%s\"a%u\": { \"label\": { \"en\": \"S\" }, \"to\": { \"a%u\": "
						"{ \"roles\": [\"lead\"] } } }", s ? ", " : "", s, (s + 1) % n);
				str around = str_of(rows[i].around), head = str_cut(&around, '@');
				text = arena_fmt(a, STR_FMT STR_FMT STR_FMT, STR_ARG(head),
						 STR_ARG(buf_str(&state)), STR_ARG(around));
			}
			enum rc rc = load_text(base, text, "types/x.json", &t);
			CHECK_MSG((rc == RC_OK) == (over <= 0), "%u %s: %s", n, rows[i].what, err.text);
			types_free(t);
			buf_free(&state);
		}
	}
	/* names of 31, 32 and 33 letters */
	for (unsigned n = 31; n <= 33; n++) {
		char name[40] = { 0 };
		memset(name, 'f', n);
		str text = arena_fmt(a, HEAD STATE ", \"fields\": { " TITLE ", \"%s\": { \"kind\": \"flag\", "
					 "\"label\": { \"en\": \"F\" } } } }", name);
		CHECK_INT(load_text(base, text, "types/x.json", &t) == RC_OK, n <= TYPE_NAME_MAX);
		types_free(t);
	}
	/* a file of the greatest length, and one byte more */
	for (size_t over = 0; over <= 1; over++) {
		char *big = arena_alloc(a, TYPE_FILE_MAX + 1);
		memset(big, ' ', TYPE_FILE_MAX + 1);
		memcpy(big, visit, sizeof(visit) - 1);
		enum rc rc = load_text(base, str_mem(big, TYPE_FILE_MAX + over), "types/visit.json", &t);
		CHECK_RC(rc, over ? RC_LIMIT : RC_OK, err);
		types_free(t);
	}
	/* 255 and 256 types are fine, one more is not */
	struct types *many = base;
	for (unsigned i = 0; many && types_count(many) <= TYPES_MAX; i++) {
		struct buf text = BUF_INIT(KIB(4));
		buf_fmt(&text, "%s%s, \"fields\": { %s } }", HEAD, STATE, TITLE);
		str head = str_head(buf_str(&text), 11), tail = str_from(buf_str(&text), 12);
		str named = arena_fmt(a, STR_FMT "q%c%c" STR_FMT, STR_ARG(head), (char)('a' + i / 26),
				      (char)('a' + i % 26), STR_ARG(tail));
		str file = arena_fmt(a, "types/q%c%c.json", (char)('a' + i / 26), (char)('a' + i % 26));
		bool full = types_count(many) == TYPES_MAX;
		enum rc rc = load_text(many, named, file.p, &t);
		CHECK_RC(rc, full ? RC_LIMIT : RC_OK, err);
		buf_free(&text);
		if (rc != RC_OK)
			break;
		types_free(many);
		many = t;
		arena_reset(a);
	}
	types_free(many);
	arena_free(a);
}

TEST_MAIN(TEST_RUN(built_in), TEST_RUN(translated), TEST_RUN(refused), TEST_RUN(cut_off),
	  TEST_RUN(looked_up), TEST_RUN(folder), TEST_RUN(limits))
