/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

#include <stdlib.h>

#include "base/clock.h"
#include "directory/call.h"

enum { ASKED_MAX = 10000 };

struct answer {
	str asked;
	struct who who;
	struct fallback_hit *last; /* of last resort */
	size_t last_count;
};

/* "range 192.0.2.0-192.0.2.255 in whois:apnic of 2026-01-01" */
static str last_reason(struct cli *c, const struct fallback_hit *h)
{
	char day[16];
	return arena_fmt(c->a, "%s in " STR_FMT " of " STR_FMT, h->reason, STR_ARG(h->source),
			 STR_ARG(time_day_str(day, (int64_t)h->seen_day * DAY_US)));
}

/* Of one organisation, with whom to call first there now; `a` is theirs. */
struct reached {
	struct arena *a;
	struct contact *list;
	size_t count;
	struct call call;
	bool may_call;
};

static struct reached reach(struct cli *c, const struct org *o)
{
	struct reached w = { .a = arena_new(KIB(4)) };
	struct reader *r = NULL;
	struct err err;
	enum rc rc = o ? store_read_begin(c->node->store, &r, &err) : RC_OK;
	if (rc == RC_OK)
		rc = read_contacts(r, &c->viewer, o, w.a, &w.list, &w.count, &err);
	if (r)
		store_read_end(r);
	if (rc != RC_OK)
		cli_talk(c, "the contacts of '" STR_FMT "' cannot be read: %s", STR_ARG(o->name), err.text);
	w.may_call = w.count && call_first(w.list, w.count, o->timezone,
					   settings_text(c->node->settings, "timezone"), clock_now_us(),
					   &w.call);
	return w;
}

static void json_contacts(const struct reached *w, struct json_out *j)
{
	json_key(j, STR("contacts"));
	json_open(j, '[');
	for (size_t i = 0; i < w->count; i++) {
		json_open(j, '{');
		json_put_str(j, "role", w->list[i].role);
		json_put_str(j, "email", w->list[i].email);
		json_put_str(j, "phone", w->list[i].phone);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* "phone +000-1 (abuse, open)" */
static str call_words(struct cli *c, const struct reached *w)
{
	const struct call *call = &w->call;
	if (!w->may_call)
		return STR("");
	str who = call->contact->name.n ? call->contact->name : call->contact->role;
	return arena_fmt(c->a, "%s " STR_FMT " (" STR_FMT "%s%s)", call->channel, STR_ARG(call->reach),
			 STR_ARG(who), who.n ? ", " : "", open_now_name(call->open));
}

static void json_call(struct cli *c, const struct org *o, const struct reached *w, struct json_out *j)
{
	const struct call *call = &w->call;
	char local[40];
	if (!w->may_call)
		return;
	json_key(j, STR("call"));
	json_open(j, '{');
	json_put_str(j, "role", call->contact->role);
	json_put_str(j, "name", call->contact->name);
	json_put_str(j, "channel", str_of(call->channel));
	json_put_str(j, "reach", call->reach);
	json_put_str(j, "now", str_of(open_now_name(call->open)));
	if (call->open == OPEN_LATER && call->opens_us != TIME_NONE)
		json_put_time(j, "opens", call->opens_us);
	json_put_str(j, "local_time", local_time(o->timezone, settings_text(c->node->settings, "timezone"),
						 clock_now_us(), local));
	json_close(j, '}');
}

static void json_answer(struct cli *c, const struct directory *d, const struct answer *a)
{
	struct buf b = BUF_INIT(MIB(8));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "asked", a->asked);
	json_put_str(&j, "kind", str_of(a->who.kind));
	if (a->who.facts.asn)
		json_put_i64(&j, "asn", a->who.facts.asn);
	if (a->who.facts.cc[0])
		json_put_str(&j, "cc", str_of(a->who.facts.cc));
	json_key(&j, STR("concerns"));
	json_open(&j, '[');
	for (size_t i = 0; i < a->who.concerns.count; i++) {
		const struct match *m = &a->who.concerns.list[i];
		const struct org *o = directory_org(d, m->org);
		json_open(&j, '{');
		json_put_i64(&j, "organisation_id", m->org);
		json_put_str(&j, "organisation", o ? o->name : STR(""));
		json_put_str(&j, "role", str_of(role_name(m->role)));
		json_put_str(&j, "reason", str_of(m->reason));
		struct reached w = reach(c, o);
		json_contacts(&w, &j);
		json_call(c, o, &w, &j);
		arena_free(w.a);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	last_resort_json(a->last, a->last_count, clock_now_us(), &j);
	json_close(&j, '}');
	cli_print_json(c, &b);
	buf_free(&b);
}

static str first_email(struct cli *c, const struct reached *w)
{
	return w->count ? arena_str(c->a, w->list[0].email) : STR("");
}

str cli_first_email(struct cli *c, const struct org *o)
{
	struct reached w = reach(c, o);
	str email = first_email(c, &w);
	arena_free(w.a);
	return email;
}

static void csv_or_text(struct cli_table *t, const struct directory *d, const struct answer *a)
{
	char asn[16] = "";
	if (a->who.facts.asn)
		snprintf(asn, sizeof(asn), "AS%u", a->who.facts.asn);
	for (size_t i = 0; i < a->who.concerns.count || i == 0; i++) {
		bool none = a->who.concerns.count == 0;
		const struct match *m = &a->who.concerns.list[i];
		const struct org *o = none ? NULL : directory_org(d, m->org);
		struct reached w = reach(t->c, o);
		str row[] = { a->asked, o ? o->name : STR("(nobody known)"),
			      none ? STR("") : str_of(role_name(m->role)),
			      none ? STR("") : str_of(m->reason),
			      first_email(t->c, &w), str_of(asn), str_of(a->who.facts.cc),
			      call_words(t->c, &w) };
		cli_row(t, row);
		arena_free(w.a);
	}
	for (size_t i = 0; i < a->last_count; i++) {
		const struct fallback_hit *h = &a->last[i];
		str row[] = { a->asked, h->name, STR("last resort"), last_reason(t->c, h), h->email, str_of(asn),
			      str_of(a->who.facts.cc), STR("") };
		cli_row(t, row);
	}
}

/* Many answers, grouped by who must act first: one paragraph an organisation. */
static int by_first_org(const void *x, const void *y)
{
	const struct answer *a = x, *b = y;
	int64_t i = a->who.concerns.count ? a->who.concerns.list[0].org : INT64_MAX;
	int64_t k = b->who.concerns.count ? b->who.concerns.list[0].org : INT64_MAX;
	return i != k ? (i > k) - (i < k) : str_cmp(a->asked, b->asked);
}

static void grouped(struct cli *c, const struct directory *d, struct answer *list, size_t count)
{
	int64_t last = -1;
	qsort(list, count, sizeof(*list), by_first_org);
	for (size_t i = 0; i < count; i++) {
		const struct concerns *cs = &list[i].who.concerns;
		int64_t org = cs->count ? cs->list[0].org : 0;
		if (org != last) {
			const struct org *o = directory_org(d, org);
			struct reached w = reach(c, o);
			str call = call_words(c, &w);
			cli_printf(c, "%s" STR_FMT " <" STR_FMT ">%s" STR_FMT "\n", last < 0 ? "" : "\n",
				   STR_ARG(o ? o->name : STR("(nobody known)")),
				   STR_ARG(first_email(c, &w)), call.n ? "  now: " : "", STR_ARG(call));
			arena_free(w.a);
			last = org;
		}
		str words = cs->count || list[i].last_count == 0 ? STR("") :
			arena_fmt(c->a, "last resort <" STR_FMT "> " STR_FMT, STR_ARG(list[i].last[0].email),
				  STR_ARG(last_reason(c, &list[i].last[0])));
		cli_printf(c, "  " STR_FMT "\t" STR_FMT "\n", STR_ARG(list[i].asked),
			   STR_ARG(cs->count ? str_of(cs->list[0].reason) : words));
	}
}

static enum rc collect(struct cli *c, struct answer *list, size_t *count, struct err *err)
{
	for (int i = 0; i < c->argc; i++) {
		if (!str_eq(str_of(c->argv[i]), STR("-"))) {
			if (*count < ASKED_MAX)
				list[(*count)++].asked = str_of(c->argv[i]);
			continue;
		}
		struct buf text = BUF_INIT(MIB(8));
		enum rc rc = cli_read_file(c, "-", MIB(8), &text, err);
		str rest = arena_str(c->a, buf_str(&text)), line;
		buf_free(&text);
		if (rc != RC_OK)
			return rc;
		while (str_line(&rest, &line)) {
			line = str_trim(line);
			if (line.n == 0)
				continue;
			if (*count == ASKED_MAX)
				return fail(err, RC_LIMIT, "more than %d at once; cut the list", ASKED_MAX);
			list[(*count)++].asked = line;
		}
	}
	return RC_OK;
}

static int run(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ .name = "asked" }, { .name = "organisation" }, { .name = "role" },
		{ .name = "reason" }, { .name = "email" }, { .name = "asn" }, { .name = "cc" },
		{ .name = "call" },
	};
	struct answer *list = ARENA_ARRAY(c->a, ASKED_MAX, struct answer);
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	size_t count = 0, good = 0;
	struct err err;
	int code = 0;
	if (c->argc == 0)
		return cli_usage(c, "whom shall I look up? an address, network, name, URL, AS number, or '-'");
	if (collect(c, list, &count, &err) != RC_OK)
		return cli_fail(c, &err);
	struct snapshot_ref *ref = node_directory(c->node), *contacts = node_contacts(c->node);
	const struct directory *d = snapshot_table(ref);
	for (size_t i = 0; i < count; i++) {
		struct fallback_hit hits[FALLBACK_HITS_MAX];
		if (read_who(&c->viewer, d, c->node->enrich, list[i].asked, clock_now_us(), &list[i].who,
			     &err) != RC_OK) {
			cli_talk(c, "ronda who: %s", err.text);
			code = rc_exit_code(err.rc);
			continue;
		}
		list[i].last_count = read_last_resort(&c->viewer, d, snapshot_table(contacts), clock_now_us(),
						      &list[i].who, hits);
		list[i].last = ARENA_ARRAY(c->a, list[i].last_count + 1, struct fallback_hit);
		memcpy(list[i].last, hits, list[i].last_count * sizeof(hits[0]));
		list[good++] = list[i];
	}
	if (c->form == CLI_TEXT && count > 1)
		grouped(c, d, list, good);
	for (size_t i = 0; i < good && !(c->form == CLI_TEXT && count > 1); i++) {
		if (c->form == CLI_JSON)
			json_answer(c, d, &list[i]);
		else
			csv_or_text(&t, d, &list[i]);
	}
	snapshot_drop(c->node->directory, ref);
	snapshot_drop(c->node->contacts, contacts);
	return code;
}

const struct cli_command cli_who = {
	.name = "who",
	.brief = "whom an address, network, name, URL or AS number concerns, and why",
	.usage = "who [options] WHAT... | -",
	.text = "Each organisation is named with its role (asset holder, host, network, registrar, national CERT) "
		"and the reason it was found, and whom to call there first now: who is at work comes first, then the order "
		"and role of its contacts. Behind them stand contacts of last resort, which registries and sites "
		"publish (see 'ronda directory'), with their source and its day. "
		"'-' reads up to 10,000 lines and groups them by who must act first. "
		"Defanged forms such as 203[.]0[.]113[.]7 and hxxp:// are understood.",
	.example = "ronda who -d demo 203.0.113.7 example.org AS64500",
	.needs_node = true,
	.needs = CLI_NEEDS_READ,
	.run = run,
};
