/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"
#include "exchange/finding_say.h"

static const struct cli_option options[] = {
	{ "--state", 0, "STATE", "open (with returned), gone or returned" },
	{ "--type", 0, "TYPE", "classification type" },
	{ "--severity", 0, "LEVEL", "info, low, medium, high or critical" },
	{ "--org", 0, "ID", "concerns this organisation" },
	{ "--ip", 0, "NET", "address or network" },
	{ "--limit", 'n', "N", "at most so many (default 50 as text, all as JSON and CSV)" },
	{ "--reason", 0, "TEXT", "with mark: why; it is kept" },
	{ "--what", 0, "WHAT", "with say: comment (default), question or opinion" },
	{ "--tlp", 0, "TLP", "with say: its marking, when it is stricter than the finding's" },
	{ .name = NULL },
};
static const struct cli_column columns[] = {
	{ .name = "id" }, { .name = "state" }, { .name = "severity" }, { .name = "type" },
	{ .name = "identifier" }, { .name = "key" }, { "first_seen", COLUMN_TIME },
	{ "last_seen", COLUMN_TIME }, { "events", COLUMN_NUMBER }, { .name = "responsible" },
	{ .name = "reason" }, { "told", COLUMN_TIME },
};

struct listing {
	struct cli *c;
	struct cli_table table;
	const struct directory *d;
};

static bool each(void *ctx, const struct finding *f)
{
	struct listing *l = ctx;
	if (l->c->form == CLI_JSON) {
		struct buf b = BUF_INIT(MIB(1));
		struct json_out j = json_out(&b);
		finding_json(f, l->d, &j);
		buf_char(&b, '\n');
		cli_print(l->c, buf_str(&b));
		buf_free(&b);
		return !l->c->broken;
	}
	char id[36], events[24], first[40], last[40], told[40];
	const struct match *m = f->concerns.count ? &f->concerns.list[0] : NULL;
	const struct org *o = m ? directory_org(l->d, m->org) : NULL;
	snprintf(id, sizeof(id), "%016llx%016llx", (unsigned long long)f->id.hi, (unsigned long long)f->id.lo);
	snprintf(events, sizeof(events), "%llu", (unsigned long long)f->events);
	str row[] = { str_of(id), str_of(finding_state_name(f->state)), f->severity, f->type, f->identifier,
		      f->key, time_str(first, f->first_seen_us), time_str(last, f->last_seen_us),
		      str_of(events), o ? o->name : STR("(nobody known)"), m ? str_of(m->reason) : STR(""),
		      f->told_us ? time_str(told, f->told_us) : STR("no") };
	cli_row(&l->table, row);
	return !l->c->broken;
}

struct marking {
	struct cli *c;
	struct hash128 id;
	enum finding_mark mark;
	bool back;             /* the mark is taken away */
	str reason;
};

static enum rc write_mark(struct tx *tx, void *ctx, struct err *err)
{
	struct marking *m = ctx;
	struct journal_act act = { .act = m->back ? "finding.unmark" : "finding.mark", .actor = str_of(m->c->viewer.actor),
				   .object = arena_fmt(m->c->a, "finding:%s", m->c->argv[1]), .count = 1 };
	enum rc rc = m->back ? findings_unmark(tx, m->id, m->mark, err) :
			       findings_mark(tx, m->id, m->mark, m->reason, str_of(m->c->viewer.actor), err);
	return rc == RC_OK ? journal_add(tx, m->c->node->journal, &act, err) : rc;
}

static int mark(struct cli *c, bool back)
{
	int code = cli_may(c, right_includes(c->viewer.right, RIGHT_OPERATE));
	if (code)
		return code;
	static const char *const names[] = { NULL, "told", "answered", "held" };
	struct marking m = { .c = c, .back = back, .reason = str_of(cli_value(c, "--reason")) };
	struct finding f;
	struct reader *r = NULL;
	struct err err;
	if (c->argc != 3)
		return cli_usage(c, "mark needs an ID and one of told, answered, held");
	for (int i = 1; i < (int)COUNT_OF(names); i++)
		if (str_eq(str_of(c->argv[2]), str_of(names[i])))
			m.mark = (enum finding_mark)i;
	if (!m.mark || (m.reason.n == 0 && !back))
		return cli_usage(c, "mark takes told, answered or held, and --reason");
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_finding(r, &c->viewer, str_of(c->argv[1]), c->a, &f, &err);
	if (r)
		store_read_end(r);
	if (rc == RC_OK) {
		m.id = f.id;
		rc = store_write(c->node->store, write_mark, &m, &err);
	}
	if (rc != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, back ? "no longer marked" : "marked", str_of(c->argv[1]));
	return 0;
}

/* To the partner from whom it came. */
static int say_words(struct cli *c)
{
	const char *what = cli_value(c, "--what"), *tlp = cli_value(c, "--tlp");
	int code = cli_may(c, right_includes(c->viewer.right, RIGHT_OPERATE));
	struct err err = { 0 };
	size_t count = 0;
	if (code)
		return code;
	if (c->argc != 3)
		return cli_usage(c, "say needs an ID and a text");
	const struct finding_say q = { .finding = str_of(c->argv[1]), .text = str_of(c->argv[2]), .what = str_of(what ? what : ""),
				       .tlp = str_of(tlp ? tlp : "") };
	if (finding_say(c->node->exchange, &c->viewer, &q, c->a, &count, &err) != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "said to", arena_fmt(c->a, "%zu", count));
	cli_talk(c, "it goes to %zu partner%s", count, count == 1 ? "" : "s");
	return 0;
}

static const char *read_query(struct cli *c, struct finding_query *q)
{
	const char *state = cli_value(c, "--state"), *limit = cli_value(c, "--limit");
	const char *org = cli_value(c, "--org"), *ip = cli_value(c, "--ip");
	if (state && str_eq(str_of(state), STR("gone")))
		q->state = FINDING_GONE;
	else if (state && str_eq(str_of(state), STR("returned")))
		q->state = FINDING_RETURNED;
	else if (state && !str_eq(str_of(state), STR("open")))
		return "--state takes open, gone or returned";
	q->type = cli_value(c, "--type");
	q->severity = cli_value(c, "--severity");
	q->limit = c->form == CLI_TEXT ? 50 : 0;
	if (limit && !str_to_u64(str_of(limit), &q->limit))
		return "--limit takes a number";
	if (org && !str_to_i64(str_of(org), &q->org))
		return "--org takes the number of an organisation ('ronda directory list')";
	q->has_net = ip != NULL;
	if (ip && !net_parse(str_of(ip), false, &q->net))
		return "--ip takes an address or a network";
	return NULL;
}

static int run(struct cli *c)
{
	struct finding_query q = { 0 };
	struct err err;
	if (c->argc && str_eq(str_of(c->argv[0]), STR("mark")))
		return mark(c, false);
	if (c->argc && str_eq(str_of(c->argv[0]), STR("unmark")))
		return mark(c, true);
	if (c->argc && str_eq(str_of(c->argv[0]), STR("say")))
		return say_words(c);
	if (c->argc)
		return cli_usage(c, "findings are chosen by options; the only words are 'mark', 'unmark' and 'say'");
	const char *wrong = read_query(c, &q);
	if (wrong)
		return cli_usage(c, wrong);
	struct snapshot_ref *ref = node_directory(c->node);
	struct listing l = { .c = c, .table = cli_table(c, columns, COUNT_OF(columns)), .d = snapshot_table(ref) };
	struct reader *r = NULL;
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_findings(r, &c->viewer, &q, each, &l, &err);
	if (r)
		store_read_end(r);
	snapshot_drop(c->node->directory, ref);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

const struct cli_command cli_findings = {
	.name = "findings",
	.brief = "what is wrong, since when, and whom it concerns",
	.usage = "findings [options] | findings mark|unmark ID told|answered|held --reason TEXT | findings say ID TEXT",
	.text = "A finding is the life of one problem: all events with one key. It opens, goes when a complete run of "
		"its feed no longer has it, and may return. Marks say what people did. What is held goes to nobody, and is recalled from partners who have it; "
		"unmarked, they are given it again. "
		"What is said of one that came from a partner goes to his node, and stands there with his finding.",
	.example = "ronda findings -d demo --severity critical",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_READ,
	.run = run,
};
