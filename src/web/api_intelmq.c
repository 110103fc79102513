/* SPDX-License-Identifier: Apache-2.0 */
/* GET /intelmq/lookup: whom an address or a name concerns, as IntelMQ's expert for tuency asks it, so that an IntelMQ
 * tells by our directory and rules. docs/intelmq.md has the contract. */
#include "notify/rule.h"
#include "web/page.h"

enum { EMAILS_MOST = 50 };

struct lookup {
	struct page *p;
	struct rule_set *rules;
	struct rule_orgs *orgs;
	struct finding like;       /* what would be told */
	const struct rule *rule;   /* the first that fits; NULL: none */
	bool suppress;
};

/* --- what it would be told by --- */

static enum rc feed_number(struct lookup *k, str name, int64_t *out, struct err *err)
{
	struct feed f;
	enum rc rc = feed_by_name(reader_conn(k->p->r), name, k->p->a, &f, err);
	*out = rc == RC_OK ? f.id : 0;
	return rc == RC_ABSENT || rc == RC_INPUT ? RC_OK : rc;
}

static enum rc load(struct lookup *k, struct err *err)
{
	const struct http_request *q = k->p->q;
	str type = type_canonical(http_query(q, "classification_type"));
	const struct notify *n = k->p->w->n->notify;
	k->like = (struct finding){ .state = FINDING_OPEN, .tlp = TLP_AMBER, .type = type.n ? type : STR("undetermined"),
				    .identifier = http_query(q, "classification_identifier"), .severity = STR(""),
				    .key = STR(""), .cc = STR(""), .mark_reason = STR("") };
	if (!k->like.identifier.p)
		k->like.identifier = STR("");
	enum rc rc = feed_number(k, http_query(q, "feed_name"), &k->like.feed, err);
	if (rc == RC_OK && n)
		rc = rules_load(n, k->p->r, page_types(k->p), (struct uuid){ { 0 } }, &k->rules, err);
	if (rc == RC_OK && n)
		k->orgs = rule_orgs_new(n, k->rules);
	return rc;
}

/* The first rule that fits decides on the pace; an inhibition of whom it is told to, that it is not. */
static enum rc ask_rules(struct lookup *k, const struct concerns *who, struct err *err)
{
	struct rule_match match[CONCERNS_MAX];
	size_t count = 0, usable = 0;
	if (!k->rules || who->count == 0)
		return RC_OK;
	k->like.concerns = *who;
	enum rc rc = rules_match(k->rules, k->orgs, k->p->r, page_types(k->p), &k->like, clock_now_us(), match, &count, &usable,
				 err);
	if (rc == RC_OK && count > 0 && !k->rule)
		k->rule = match[0].rule;
	const struct rule_org *first = NULL;
	if (rc == RC_OK)
		rc = rule_orgs_get(k->orgs, k->p->r, page_types(k->p), who->list[0].org, &first, err);
	if (rc == RC_OK && first && rules_inhibit(k->rules, &k->like, first->record, clock_now_us()))
		k->suppress = true;
	return rc;
}

/* --- whom it concerns --- */

static void put_emails(struct json_out *j, const struct contact *list, size_t count)
{
	bool abuse = false;
	size_t given = 0;
	for (size_t i = 0; i < count; i++)
		abuse = abuse || (str_eq(list[i].role, STR("abuse")) && list[i].email.n > 0);
	json_key(j, STR("contacts"));
	json_open(j, '[');
	for (size_t i = 0; i < count && given < EMAILS_MOST; i++) {
		if (list[i].email.n == 0 || (abuse && !str_eq(list[i].role, STR("abuse"))))
			continue;
		json_open(j, '{');
		json_put_str(j, "email", list[i].email);
		json_close(j, '}');
		given++;
		if (!abuse)
			break; /* without a desk for it: the first who can be written to */
	}
	json_close(j, ']');
}

/* The nearest organisation that is concerned. */
static enum rc put_destinations(struct lookup *k, const char *name, str asked, struct err *err)
{
	const struct directory *d = page_directory(k->p);
	struct json_out *j = &k->p->j;
	struct contact *contacts = NULL;
	size_t count = 0;
	struct who who;
	enum rc rc = read_who(&k->p->caller.viewer, d, k->p->w->n->enrich, asked, clock_now_us(), &who, err);
	if (rc != RC_OK)
		return rc;
	const struct org *o = d && who.concerns.count > 0 ? directory_org(d, who.concerns.list[0].org) : NULL;
	rc = ask_rules(k, &who.concerns, err);
	if (rc == RC_OK)
		rc = read_contacts(k->p->r, &k->p->caller.viewer, o, k->p->a, &contacts, &count, err);
	json_key(j, str_of(name));
	json_open(j, '{');
	json_key(j, STR("destinations"));
	json_open(j, '[');
	if (o) {
		json_open(j, '{');
		json_put_str(j, "source", STR("portal"));
		json_put_str(j, "name", o->name);
		put_emails(j, contacts, count);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
	return rc;
}

static void put_interval(struct lookup *k)
{
	static const struct { const char *unit; } pace[] = {
		[PACE_ONCE] = { "immediate" }, [PACE_HOURLY] = { "hours" }, [PACE_DAILY] = { "days" }, [PACE_WEEKLY] = { "weeks" },
	};
	struct json_out *j = &k->p->j;
	json_put_bool(j, "suppress", k->suppress);
	json_key(j, STR("interval"));
	json_open(j, '{');
	json_put_str(j, "unit", str_of(pace[k->rule ? k->rule->pace : PACE_ONCE].unit));
	json_put_i64(j, "length", 1);
	json_close(j, '}');
}

enum rc page_intelmq_lookup(struct page *p, struct err *err)
{
	struct lookup k = { .p = p };
	str ip = http_query(p->q, "ip"), domain = http_query(p->q, "domain");
	p->form = FORM_JSON;
	p->template = "error";
	if (ip.n == 0 && domain.n == 0)
		return fail(err, RC_INPUT, "what is looked up: ip=ADDRESS, domain=NAME or both");
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = load(&k, err);
	if (rc == RC_OK && ip.n > 0)
		rc = put_destinations(&k, "ip", ip, err);
	if (rc == RC_OK && domain.n > 0)
		rc = put_destinations(&k, "domain", domain, err);
	if (rc == RC_OK)
		put_interval(&k);
	rule_orgs_free(k.orgs);
	rules_free(k.rules);
	return rc;
}
