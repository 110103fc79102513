/* SPDX-License-Identifier: Apache-2.0 */
/* ronda duty plan: shifts out of a pattern, as one run of imports that can be undone. */
#include "cli/duty_private.h"
#include "disclosure/bulk.h"

struct planning {
	struct duty_call *k;
	struct pattern p;
	str persons[PATTERN_PERSONS_MOST], names[PATTERN_PERSONS_MOST];
	enum shift_role role;
};

/* What the field of a shift that says who it is refers to. */
static bool may_have_shifts(const struct types *t, const struct type *of)
{
	const struct type *shift = types_meaning(t, STR("duty.person"));
	const struct meaning *m = shift ? type_meaning(shift, STR("duty.person")) : NULL;
	return m && m->field && (!m->field->refers_to || strcmp(m->field->refers_to, of->name) == 0);
}

/* An account's person, or a person as a reference is typed. */
static enum rc person_of(struct duty_call *k, str text, str *out, struct err *err)
{
	struct cli *c = k->c;
	struct account account;
	struct record_view view = { 0 };
	struct err why;
	enum rc rc = account_by_name(reader_conn(k->r), c->node->roles, text, c->a, &account, &why);
	if (rc == RC_OK && uuid_is_zero(&account.person))
		return fail(err, RC_INPUT, "account '" STR_FMT "' names no person: 'ronda account person' sets one",
			    STR_ARG(text));
	if (rc == RC_OK) {
		*out = duty_person_id(&account.person, c->a);
		return RC_OK;
	}
	rc = read_record(k->r, k->types, &c->viewer, text, c->a, &view, &why);
	bool fits = rc == RC_OK && may_have_shifts(k->types, record_view_type(&view));
	if (fits)
		*out = record_view_id(&view, c->a);
	record_view_end(&view);
	if (fits)
		return RC_OK;
	return fail(err, RC_ABSENT, "'" STR_FMT "' is no account and no person", STR_ARG(text));
}

static enum rc take_persons(struct planning *pl, const char *list, struct err *err)
{
	str rest = str_of(list);
	enum rc rc = RC_OK;
	while (rc == RC_OK && rest.n > 0) {
		str one = str_trim(str_cut(&rest, ','));
		struct uuid id;
		str type;
		if (one.n == 0)
			continue;
		if (pl->p.person_count == PATTERN_PERSONS_MOST)
			return fail(err, RC_LIMIT, "more than %d persons", PATTERN_PERSONS_MOST);
		rc = person_of(pl->k, one, &pl->persons[pl->p.person_count], err);
		if (rc == RC_OK && record_id_parse(pl->persons[pl->p.person_count], &type, &id)) {
			pl->names[pl->p.person_count] = duty_person_name(pl->k->r, pl->k->types, &pl->k->c->viewer,
									 &id, pl->k->c->a);
			pl->p.person_count++;
		}
	}
	return rc;
}

static bool take_turn(const char *text, enum turn *out)
{
	static const char *const names[] = { "shift", "day", "week" };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (enum turn)i;
			return true;
		}
	}
	return false;
}

static bool take_spans(struct planning *pl)
{
	static const char *const names[] = { "day", "night" };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *text = cli_value(pl->k->c, i == 0 ? "--day" : "--night");
		struct pattern_span *s = &pl->p.spans[pl->p.span_count];
		if (!text)
			continue;
		if (!pattern_span_parse(str_of(text), s))
			return false;
		s->name = names[i];
		pl->p.span_count++;
	}
	return pl->p.span_count > 0;
}

static const char *take_options(struct planning *pl)
{
	struct cli *c = pl->k->c;
	const char *from = cli_value(c, "--from"), *weeks = cli_value(c, "--weeks"), *days = cli_value(c, "--days");
	const char *role = cli_value(c, "--role"), *turn = cli_value(c, "--turn");
	uint32_t n = 4;
	pl->p.first_day = calendar_day(c->node->calendar, clock_now_us());
	if (from && !duty_day(from, &pl->p.first_day))
		return "--from takes a day, as 2026-12-01";
	if (weeks && (!str_to_u32(str_of(weeks), &n) || n == 0 || n > PATTERN_WEEKS_MOST))
		return "--weeks takes a number up to 53";
	pl->p.days = n * 7;
	if (days && (!str_to_u32(str_of(days), &pl->p.days) || pl->p.days == 0 || pl->p.days > PATTERN_WEEKS_MOST * 7))
		return "--days takes a number up to 371";
	if (role && !shift_role_parse(str_of(role), &pl->role))
		return "--role takes first, second or lead-on-call";
	if (turn && !take_turn(turn, &pl->p.turn))
		return "--turn takes shift, day or week";
	if (!take_spans(pl))
		return "give --day and --night, or one of them, as 08:00-20:00";
	return cli_value(c, "--persons") ? NULL : "give --persons, as \"Duty A,Duty B\"";
}

static void put_row(const struct planning *pl, const struct planned *s, struct json_out *j)
{
	char day[16], from[40], until[40];
	struct arena *a = pl->k->c->a;
	str date = time_day_str(day, (int64_t)s->day * DAY_US);
	json_open(j, '{');
	json_put_str(j, "title", arena_fmt(a, STR_FMT " %s, %s", STR_ARG(date), s->name, shift_role_name(pl->role)));
	json_put_str(j, "person", pl->persons[s->person]);
	json_put_str(j, "role", str_of(shift_role_name(pl->role)));
	json_put_str(j, "from", time_str(from, s->from_us));
	json_put_str(j, "until", time_str(until, s->until_us));
	json_put_str(j, "zone", settings_text(pl->k->c->node->settings, "timezone"));
	json_close(j, '}');
}

static void tell(void *ctx, uint64_t row, const char *words)
{
	cli_talk(ctx, "shift %llu: %s", (unsigned long long)row, words);
}

static void print_plan(const struct planning *pl)
{
	static const struct cli_column columns[] = { { .name = "what" }, { .name = "name" },
						     { "from", COLUMN_TIME }, { "until", COLUMN_TIME },
						     { .name = "local" } };
	struct cli_table t = cli_table(pl->k->c, columns, COUNT_OF(columns));
	struct planned s;
	for (size_t i = 0; pattern_at(&pl->p, i, &s); i++) {
		char from[40], until[40], local[40];
		str row[] = { str_of(s.name), pl->names[s.person], time_str(from, s.from_us),
			      time_str(until, s.until_us), calendar_local(pl->p.calendar, s.from_us, local) };
		cli_row(&t, row);
	}
}

int duty_plan_word(struct duty_call *k)
{
	struct cli *c = k->c;
	struct planning pl = { .k = k, .p = { .calendar = c->node->calendar } };
	const char *wrong = take_options(&pl);
	struct buf text = BUF_INIT(BULK_FILE_MAX);
	struct bulk_counts n = { 0 };
	struct planned s;
	struct err err;
	if (wrong)
		return cli_usage(c, wrong);
	enum rc rc = take_persons(&pl, cli_value(c, "--persons"), &err);
	if (rc == RC_OK && pl.p.person_count == 0)
		return cli_usage(c, "--persons names nobody");
	for (size_t i = 0; rc == RC_OK && pattern_at(&pl.p, i, &s); i++) {
		struct json_out j = json_out(&text);
		put_row(&pl, &s, &j);
		buf_char(&text, '\n');
	}
	struct bulk_request q = { .type = types_meaning(k->types, STR("duty.person")), .text = buf_str(&text), .map = STR(""),
				  .key = STR(""), .tlp = STR(""), .language = STR(""),
				  .why = str_of(cli_value(c, "--why") ? cli_value(c, "--why") : "duty plan"),
				  .dry_run = cli_value(c, "--dry-run") != NULL };
	if (rc == RC_OK)
		rc = bulk_import(c->node->records, c->node->store, &c->viewer, &q, tell, c, &n, &err);
	buf_free(&text);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	if (q.dry_run) {
		print_plan(&pl);
		return 0;
	}
	if (c->form == CLI_JSON)
		cli_printf(c, "{\"run\":%lld,\"added\":%llu}\n", (long long)n.run, (unsigned long long)n.added);
	else
		cli_printf(c, "%llu shifts added\nrun %lld; to take it back: ronda shift import undo %lld\n",
			   (unsigned long long)n.added, (long long)n.run, (long long)n.run);
	return 0;
}
