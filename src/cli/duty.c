/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "cli/duty_private.h"
#include "duty/handover.h"

enum { FAULTS_MOST = 500, DAYS_MOST = 366, CALENDAR_MAX = 16 << 20 };

static const struct cli_option options[] = {
	{ "--from", 0, "DATE", "plan, list, check, ical: the first day, in the node's time zone (today)" },
	{ "--weeks", 0, "N", "plan: so many weeks" },
	{ "--days", 0, "N", "plan, list, check, ical: so many days (28)" },
	{ "--persons", 0, "LIST", "plan: who, in this order: accounts or persons (person-3), by comma" },
	{ "--day", 0, "HOURS", "plan: the day's shift, as 08:00-20:00" },
	{ "--night", 0, "HOURS", "plan: the night's, as 20:00-08:00; one of both is enough" },
	{ "--role", 0, "ROLE", "plan, check: first, second or lead-on-call (first)" },
	{ "--turn", 0, "WHAT", "plan: the next person has the next shift, day or week (shift)" },
	{ "--dry-run", 0, NULL, "plan: say what would be, change nothing" },
	{ "--why", 0, "TEXT", "plan: kept with the run" },
	{ "--text", 0, "TEXT", "handover: what the next must know" },
	{ "--organisation", 0, "ID", "call: whom, when it is not the record's own" },
	{ "--result", 0, "WORD", "call: reached, no-answer, left-message or wrong-number; without it: whom, and what may be said" },
	{ "--phone", 0, "NUMBER", "call: which number" },
	{ "--contact", 0, "NAME", "call: spoken with" },
	{ "--as", 0, "ROLE", "call: the contact's role, as management" },
	{ "--in", 0, NULL, "call: they called us" },
	{ "--words", 0, "TEXT", "call: what was said" },
	{ .name = NULL },
};

bool duty_day(const char *text, int32_t *out)
{
	int64_t us;
	if (strlen(text) != 10 || !time_parse(str_of(text), true, &us))
		return false;
	*out = time_day(us);
	return true;
}

/* --from and --days as times. */
static bool span_of(struct duty_call *k, int64_t *from_us, int64_t *until_us)
{
	const struct calendar *c = k->c->node->calendar;
	const char *from = cli_value(k->c, "--from"), *days = cli_value(k->c, "--days");
	int32_t day = calendar_day(c, clock_now_us());
	uint32_t n = 28;
	if ((from && !duty_day(from, &day)) || (days && (!str_to_u32(str_of(days), &n) || n == 0 || n > DAYS_MOST)))
		return false;
	*from_us = calendar_at(c, day, 0);
	*until_us = calendar_at(c, day + (int32_t)n, 0);
	return true;
}

static int usage_span(struct duty_call *k)
{
	return cli_usage(k->c, "--from takes a day as 2026-12-01, --days a number up to 366");
}

/* --- who --- */

static const struct cli_column shift_columns[] = {
	{ .name = "shift" }, { .name = "role" }, { .name = "name" }, { .name = "person" },
	{ "from", COLUMN_TIME }, { "until", COLUMN_TIME }, { .name = "local" }, { "taken", COLUMN_BOOL },
};

static void shift_row(struct duty_call *k, struct cli_table *t, const struct shift *s)
{
	char from[40], until[40], local[40], ends[40];
	struct arena *a = k->c->a;
	str at = calendar_local(k->c->node->calendar, s->from_us, local);
	str to = calendar_local(k->c->node->calendar, s->until_us, ends);
	str row[] = { arena_fmt(a, "shift-%llu", (unsigned long long)s->number), str_of(shift_role_name(s->role)),
		      duty_person_name(k->r, k->types, &k->c->viewer, &s->person, a), duty_person_id(&s->person, a),
		      time_str(from, s->from_us), time_str(until, s->until_us),
		      arena_fmt(a, STR_FMT " to " STR_FMT, STR_ARG(at), STR_ARG(str_head(str_from(to, 11), 5))),
		      s->taken ? STR("yes") : STR("no") };
	cli_row(t, row);
}

static int now_word(struct duty_call *k)
{
	const struct shift *on[ROSTER_ON_MOST];
	struct cli_table t = cli_table(k->c, shift_columns, COUNT_OF(shift_columns));
	struct roster r;
	struct err err;
	int64_t now = clock_now_us();
	if (roster_load(reader_conn(k->r), now, now + 1, k->c->a, &r, &err) != RC_OK)
		return cli_fail(k->c, &err);
	size_t n = roster_on(&r, now, on, ROSTER_ON_MOST);
	for (size_t i = 0; i < n; i++)
		shift_row(k, &t, on[i]);
	if (n == 0)
		cli_talk(k->c, "nobody is on duty: what is due is told to the role duty");
	return 0;
}

static int next_word(struct duty_call *k)
{
	struct cli_table t = cli_table(k->c, shift_columns, COUNT_OF(shift_columns));
	struct roster r;
	struct err err;
	int64_t now = clock_now_us();
	size_t n = 0;
	if (roster_load(reader_conn(k->r), now, now + DAYS_MOST * DAY_US, k->c->a, &r, &err) != RC_OK)
		return cli_fail(k->c, &err);
	for (int role = 0; role < SHIFT_ROLES; role++) {
		const struct shift *s = roster_following(&r, (enum shift_role)role, now);
		if (s)
			shift_row(k, &t, s);
		n += s != NULL;
	}
	if (n == 0)
		cli_talk(k->c, "no shift is planned");
	return 0;
}

static int list_word(struct duty_call *k)
{
	struct cli_table t = cli_table(k->c, shift_columns, COUNT_OF(shift_columns));
	struct roster r;
	struct err err;
	int64_t from, until;
	if (!span_of(k, &from, &until))
		return usage_span(k);
	if (roster_load(reader_conn(k->r), from, until, k->c->a, &r, &err) != RC_OK)
		return cli_fail(k->c, &err);
	for (size_t i = 0; i < r.count; i++)
		shift_row(k, &t, &r.shifts[i]);
	return 0;
}

static int check_word(struct duty_call *k)
{
	static const struct cli_column columns[] = {
		{ .name = "what" }, { .name = "role" }, { "from", COLUMN_TIME }, { "until", COLUMN_TIME },
		{ .name = "local" }, { .name = "shifts" },
	};
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	struct roster_fault faults[FAULTS_MOST];
	const char *role_text = cli_value(k->c, "--role");
	enum shift_role role = SHIFT_FIRST;
	bool more = false;
	struct roster r;
	struct err err;
	int64_t from, until;
	if (!span_of(k, &from, &until))
		return usage_span(k);
	if (role_text && !shift_role_parse(str_of(role_text), &role))
		return cli_usage(k->c, "--role takes first, second or lead-on-call");
	if (roster_load(reader_conn(k->r), from, until, k->c->a, &r, &err) != RC_OK)
		return cli_fail(k->c, &err);
	size_t n = roster_check(&r, role, from, until, faults, FAULTS_MOST, &more);
	for (size_t i = 0; i < n; i++) {
		const struct roster_fault *f = &faults[i];
		char a[40], b[40], local[40];
		str row[] = { f->overlap ? STR("overlap") : STR("gap"), str_of(shift_role_name(f->role)),
			      time_str(a, f->from_us), time_str(b, f->until_us),
			      calendar_local(k->c->node->calendar, f->from_us, local),
			      f->overlap ? arena_fmt(k->c->a, "shift-%llu shift-%llu", (unsigned long long)f->first,
						     (unsigned long long)f->second) : STR("") };
		cli_row(&t, row);
	}
	if (more)
		cli_talk(k->c, "there are more: give fewer --days");
	return 0;
}

static int ical_word(struct duty_call *k)
{
	struct buf b = BUF_INIT(CALENDAR_MAX);
	struct err err;
	int64_t from, until;
	if (!span_of(k, &from, &until))
		return usage_span(k);
	enum rc rc = duty_calendar(k->r, k->types, &k->c->viewer, store_node_id(k->c->node->store), from,
				   until, k->c->a, &b, &err);
	if (rc == RC_OK)
		cli_print(k->c, buf_str(&b));
	buf_free(&b);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

/* --- board, ladder --- */

static void board_rows(struct duty_call *k, const struct board *b)
{
	static const struct cli_column columns[] = { { .name = "part" }, { "count", COLUMN_NUMBER },
						     { "more", COLUMN_BOOL }, { .name = "first" } };
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	for (size_t i = 0; i < b->on_count; i++) {
		str who = duty_person_name(k->r, k->types, &k->c->viewer, &b->on[i]->person, k->c->a);
		cli_talk(k->c, "%s on duty: " STR_FMT, shift_role_name(b->on[i]->role), STR_ARG(who));
	}
	if (b->on_count == 0)
		cli_talk(k->c, "nobody is on duty");
	for (int i = 0; i < BOARD_KINDS; i++) {
		const struct board_part *p = &b->parts[i];
		str row[] = { str_of(p->kind), arena_fmt(k->c->a, "%llu", (unsigned long long)p->count),
			      p->more ? STR("yes") : STR("no"), p->item_count > 0 ? p->items[0].name : STR("") };
		cli_row(&t, row);
	}
}

static int board_word(struct duty_call *k)
{
	struct board b;
	struct err err;
	struct cli *c = k->c;
	if (board_read(k->r, k->types, c->node->roles, &c->viewer, clock_now_us(), c->a, &b, &err) != RC_OK)
		return cli_fail(c, &err);
	if (c->form != CLI_JSON) {
		board_rows(k, &b);
		return 0;
	}
	struct buf out = BUF_INIT(MIB(8));
	struct json_out j = json_out(&out);
	json_open(&j, '{');
	duty_put_board(&j, k->r, k->types, &c->viewer, &b, c->a);
	json_close(&j, '}');
	cli_print_json(c, &out);
	buf_free(&out);
	return 0;
}

static void ladder_rows(struct duty_call *k, const struct ladder *l)
{
	static const struct cli_column columns[] = {
		{ "at", COLUMN_TIME }, { .name = "what" }, { .name = "how" }, { .name = "organisation" },
		{ .name = "role" }, { .name = "words" },
	};
	static const char *const what[] = { "told", "tried", "answered", "asked" };
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	char due[40];
	for (size_t i = 0; i < l->ask.event_count; i++) {
		const struct ladder_event *e = &l->ask.events[i];
		char at[40];
		str row[] = { time_str(at, e->at_us), str_of(what[e->what]), e->how, e->organisation, e->role,
			      e->words };
		cli_row(&t, row);
	}
	if (l->next.finished) {
		cli_talk(k->c, "no further step: %s", l->next.why);
		return;
	}
	const struct ladder_contact *to = l->next.rungs[l->next.rung];
	str at = l->next.by_person ? STR("asked for, not yet done") :
		 l->waits ? time_str(due, l->next.due_us) : STR("when it waits");
	cli_talk(k->c, "next: %s (" STR_FMT ", " STR_FMT "), " STR_FMT ": %s", ladder_rung_name(l->next.rung),
		 STR_ARG(to->organisation_name), STR_ARG(to->role), STR_ARG(at), l->next.why);
}

static int ladder_word(struct duty_call *k)
{
	struct ladder l;
	struct err err;
	struct cli *c = k->c;
	if (k->argc != 1)
		return cli_usage(c, "ladder takes a record, as incident-42");
	if (ladder_read(k->r, k->types, &c->viewer, str_of(k->argv[0]), c->node->calendar,
			settings_int(c->node->settings, "ladder_pause"), c->a, &l, &err) != RC_OK)
		return cli_fail(c, &err);
	if (c->form != CLI_JSON) {
		ladder_rows(k, &l);
		return 0;
	}
	struct buf out = BUF_INIT(MIB(8));
	struct json_out j = json_out(&out);
	json_open(&j, '{');
	duty_put_ladder(&j, &l);
	json_close(&j, '}');
	cli_print_json(c, &out);
	buf_free(&out);
	return 0;
}

/* --- hand-over --- */

static int handover_word(struct duty_call *k)
{
	struct node *n = k->c->node;
	str id;
	struct err err;
	if (handover_write(n->records, n->store, n->roles, k->types, &k->c->viewer,
			   str_of(cli_value(k->c, "--text")), k->c->a, &id, &err) != RC_OK)
		return cli_fail(k->c, &err);
	if (k->c->form == CLI_JSON)
		cli_done(k->c, "written", arena_fmt(k->c->a, "\"" STR_FMT "\"", STR_ARG(id)));
	else
		cli_printf(k->c, STR_FMT "\n", STR_ARG(id));
	return 0;
}

static int take_word(struct duty_call *k)
{
	struct node *n = k->c->node;
	uint64_t number = 0;
	struct err err;
	if (duty_take(n->records, n->store, k->types, &k->c->viewer, k->c->a, &number, &err) != RC_OK)
		return cli_fail(k->c, &err);
	cli_done(k->c, "taken", arena_fmt(k->c->a, "%llu", (unsigned long long)number));
	return 0;
}

static int sign_word(struct duty_call *k)
{
	struct node *n = k->c->node;
	uint64_t number;
	struct err err;
	if (k->argc != 1)
		return cli_usage(k->c, "sign takes a hand-over, as handover-3");
	str id = str_of(k->argv[0]);
	if (str_to_u64(id, &number))
		id = arena_fmt(k->c->a, "handover-%llu", (unsigned long long)number);
	if (handover_sign(n->records, n->store, k->types, &k->c->viewer, id, k->c->a, &err) != RC_OK)
		return cli_fail(k->c, &err);
	cli_done(k->c, "signed", arena_fmt(k->c->a, "\"" STR_FMT "\"", STR_ARG(id)));
	return 0;
}

static const struct {
	str word;
	duty_word run;
	bool alone; /* takes no arguments */
} words[] = {
	{ STR_INIT("now"), now_word, true },	 { STR_INIT("next"), next_word, true },
	{ STR_INIT("list"), list_word, true },	 { STR_INIT("check"), check_word, true },
	{ STR_INIT("ical"), ical_word, true },	 { STR_INIT("plan"), duty_plan_word, true },
	{ STR_INIT("board"), board_word, true }, { STR_INIT("ladder"), ladder_word, false },
	{ STR_INIT("take"), take_word, true },	 { STR_INIT("call"), duty_call_word, false },
	{ STR_INIT("handover"), handover_word, true }, { STR_INIT("sign"), sign_word, false },
};

static int run(struct cli *c)
{
	struct duty_call k = { .c = c, .argc = c->argc, .argv = c->argv };
	str word = c->argc ? str_of(c->argv[0]) : STR("now");
	struct err err;
	int code = -1;
	k.argc -= c->argc > 0;
	k.argv += c->argc > 0;
	struct snapshot_ref *ref = snapshot_hold(c->node->types);
	k.types = snapshot_table(ref);
	enum rc rc = duty_may_see(k.types, &c->viewer, &err);
	if (rc == RC_OK)
		rc = store_read_begin(c->node->store, &k.r, &err);
	for (size_t i = 0; i < COUNT_OF(words) && rc == RC_OK && code < 0; i++)
		if (str_eq(word, words[i].word) && !(words[i].alone && k.argc > 0))
			code = words[i].run(&k);
	store_read_end(k.r);
	if (rc != RC_OK)
		code = cli_fail(c, &err);
	else if (code < 0)
		code = cli_usage(c, arena_fmt(c->a, "'" STR_FMT "' is no word of it", STR_ARG(word)).p);
	cli_rows_end(c);
	snapshot_drop(c->node->types, ref);
	return code;
}

const struct cli_command cli_duty = {
	.name = "duty",
	.brief = "who has the watch: roster, board, hand-over, ladders",
	.usage = "duty now | next | take | list | check | ical | board | plan --persons LIST --day HOURS --night HOURS"
		 " | call RECORD [--result WORD] | handover [--text TEXT] | sign HANDOVER | ladder RECORD",
	.text = "Shifts are records ('ronda shift'); 'plan' makes many of them out of a pattern, 'check' finds gaps and "
		"overlaps, 'ronda shift import undo RUN' takes a plan back. 'take' says that you are there. 'handover' writes what is open down for the "
		"next shift, who takes over signs it. 'ladder' tells whom to ask next when an organisation does not "
		"answer, and everything that was said to it. docs/duty.md has the whole of it.",
	.example = "ronda duty board -d demo",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
