/* SPDX-License-Identifier: Apache-2.0 */
/* A handful of rules to begin with (docs/telling.md lists them). */
#include "disclosure/change.h"
#include "notify/notify_private.h"
#include "notify/teller.h"

static const struct { const char *title, *fields; } defaults[] = {
	{ "Compromised systems, at once",
	  "\"rank\":100,\"types\":[\"system-compromise\",\"application-compromise\",\"privileged-account-compromise\","
	  "\"unprivileged-account-compromise\",\"c2-server\",\"malware-distribution\",\"phishing\"],\"pace\":\"once\","
	  "\"pause\":\"PT5M\",\"repeat\":\"P3D\",\"contact\":\"abuse\",\"escalate_after\":3" },
	{ "Infected systems, each day",
	  "\"rank\":200,\"types\":[\"infected-system\",\"ddos\",\"brute-force\",\"exploit\"],\"pace\":\"daily\",\"repeat\":\"P7D\","
	  "\"contact\":\"abuse\",\"escalate_after\":4" },
	{ "Leaked data and accounts, at once",
	  "\"rank\":300,\"types\":[\"data-leak\",\"data-loss\"],\"pace\":\"once\",\"pause\":\"PT15M\",\"contact\":\"security\"" },
	{ "Vulnerable systems, grave, each day",
	  "\"rank\":400,\"types\":[\"vulnerable-system\"],\"severity\":\"high\",\"pace\":\"daily\",\"repeat\":\"P7D\","
	  "\"contact\":\"abuse\",\"escalate_after\":4" },
	{ "Open and weak services, each week",
	  "\"rank\":900,\"types\":[\"vulnerable-system\",\"potentially-unwanted-accessible\",\"ddos-amplifier\",\"weak-crypto\","
	  "\"information-disclosure\"],\"pace\":\"weekly\",\"weekday\":\"mon\",\"repeat\":\"P28D\",\"contact\":\"abuse\"" },
};

struct known {
	bool there[COUNT_OF(defaults)];
};

static bool each_rule(void *ctx, const struct record_view *v)
{
	struct known *k = ctx;
	str title = json_get_str(v->body, record_view_type(v)->title->name);
	for (size_t i = 0; i < COUNT_OF(defaults); i++)
		k->there[i] = k->there[i] || str_eq(title, str_of(defaults[i].title));
	return true;
}

static enum rc find_known(struct notify *n, const struct types *t, const struct viewer *v, struct arena *a,
			  struct known *out, const struct type **type_out, struct err *err)
{
	struct reader *r = NULL;
	struct record_query q = { .type = types_meaning(t, STR("rule.pace")), .with_body = true };
	*type_out = q.type;
	if (!q.type)
		return fail(err, RC_ABSENT, "there is no type of rules here");
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc == RC_OK)
		rc = read_records(r, t, v, &q, UINT64_MAX, a, each_rule, out, err);
	if (r)
		store_read_end(r);
	return rc;
}

enum rc rules_make_defaults(struct notify *n, const struct viewer *v, struct arena *a, size_t *count_out,
			    struct err *err)
{
	struct known known = { { false } };
	const struct type *type = NULL;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	*count_out = 0;
	enum rc rc = find_known(n, snapshot_table(types), v, a, &known, &type, err);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(defaults); i++) {
		struct record_view view = { 0 };
		struct change_errors errors = { .count = 0 };
		const struct change_request q = {
			.type = str_of(type->name),
			.fields = arena_fmt(a, "{\"title\":\"%s\",%s}", defaults[i].title, defaults[i].fields),
		};
		if (known.there[i])
			continue;
		rc = change_record(n->w.records, n->w.store, v, &q, a, &view, &errors, err);
		record_view_end(&view);
		*count_out += rc == RC_OK;
	}
	snapshot_drop(records_types_snapshot(n->w.records), types);
	return rc;
}
