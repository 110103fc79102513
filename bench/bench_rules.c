/* SPDX-License-Identifier: Apache-2.0 */
/* bench-rules DIR FINDINGS RULES: makes a node with that many open findings of 500 organisations and that many
 * active rules of which the last fits, and holds each finding against all of them, as a dry run does. Prints
 * processor time of the reading alone, of reading and matching, and the most memory; fails when matching a
 * million against 200 rules took over ten seconds, or the node over 96 MiB. */
#include <sys/resource.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "disclosure/change.h"
#include "node/node.h"
#include "notify/rule.h"

enum { ORGANISATIONS = 500, ROWS_A_JOB = 20000, BOUND_S = 10, BOUND_MIB = 96 };

static struct err err;

static void must(enum rc rc)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "bench-rules: %s\n", err.text);
	exit(1);
}

static int64_t cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

static long memory_mib(void)
{
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss / 1024;
}

/* --- making it --- */

static str make(struct node *n, const struct viewer *v, const char *type, str fields, const char *to, struct arena *a)
{
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	const struct change_request q = { .type = str_of(type), .fields = fields };
	must(change_record(n->records, n->store, v, &q, a, &view, &errors, &err));
	str id = record_view_id(&view, a);
	record_view_end(&view);
	if (to) {
		const struct change_request move = { .id = id, .to_state = str_of(to), .why = STR("a bench") };
		must(change_record(n->records, n->store, v, &move, a, &view, &errors, &err));
		record_view_end(&view);
	}
	return id;
}

struct filling {
	uint64_t from, to;
};

static enum rc fill(struct tx *tx, void *ctx, struct err *e)
{
	const struct filling *f = ctx;
	enum rc rc = RC_OK;
	for (uint64_t i = f->from; rc == RC_OK && i < f->to; i++) {
		char key[80], concerns[80], raw[16];
		snprintf(key, sizeof key, "ip 10.%u.%u.%u port 53", (unsigned)(i >> 16 & 255), (unsigned)(i >> 8 & 255), (unsigned)(i & 255));
		snprintf(concerns, sizeof concerns, "%u 0 net 10.0.0.0/8", (unsigned)(i % ORGANISATIONS + 1));
		uint64_t h = (i + 1) * 0x9e3779b97f4a7c15u, g = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
		memcpy(raw, &g, 8);
		memcpy(raw + 8, &h, 8);
		struct sql *q = sql(tx_conn(tx), "INSERT INTO finding (id, state, first_seen, last_seen, feed, run, events, returns, tlp,"
						 " exercise, shared_address, asn, feeds, ip, cc, type, identifier, severity, key,"
						 " concerns, sides) VALUES (?1, 1, ?2, ?2, 1, 0, 1, 0, 2, 0, 0, 64500, 1, NULL, 'ID',"
						 " 'vulnerable-system', 'open-dns', 'high', ?3, ?4, x'')");
		sql_blob(q, 1, str_mem(raw, 16));
		sql_int(q, 2, (int64_t)(1790000000000000 + i));
		sql_str(q, 3, str_of(key));
		sql_str(q, 4, str_of(concerns));
		rc = sql_run(q, e);
	}
	return rc;
}

static void make_all(struct node *n, uint64_t findings, uint64_t rules)
{
	struct viewer v;
	struct arena *a = arena_new(KIB(64));
	must(node_viewer_unix(n, (uint32_t)getuid(), &v, &err));
	for (unsigned i = 0; i < ORGANISATIONS; i++, arena_reset(a))
		(void)make(n, &v, "organisation", arena_fmt(a, "{\"name\":\"House %u\",\"kind\":\"constituent\",\"country\":\"ID\"}", i), NULL, a);
	/* Each looks at several things before it does not fit; the last one fits. */
	for (uint64_t i = 0; i < rules; i++, arena_reset(a))
		(void)make(n, &v, "rule",
			   arena_fmt(a, "{\"title\":\"Rule %llu\",\"rank\":%llu,\"pace\":\"daily\",\"types\":[\"spam\",\"vulnerable-system\"],"
					"\"identifiers\":[\"open-ntp\",\"open-%s\"],\"severity\":\"medium\",\"kinds\":[\"provider\",\"%s\"]}",
				     (unsigned long long)i, (unsigned long long)(i + 1 < rules ? i + 1 : 999), "dns",
				     i + 1 < rules ? "host" : "constituent"), "active", a);
	for (uint64_t i = 0; i < findings; i += ROWS_A_JOB) {
		struct filling f = { i, i + ROWS_A_JOB < findings ? i + ROWS_A_JOB : findings };
		must(store_write(n->store, fill, &f, &err));
	}
	bool did = true;
	while (did)
		must(findings_tend(n->store, NULL, &did, &err));
	arena_free(a);
}

/* --- measuring --- */

struct matching {
	struct rule_set *set;
	struct rule_orgs *orgs;
	struct reader *r;
	const struct types *types;
	uint64_t n, told;
	bool match;
};

static bool each(void *ctx, const struct finding *f)
{
	struct matching *k = ctx;
	struct rule_match list[CONCERNS_MAX];
	size_t count = 0, usable = 0;
	k->n++;
	if (k->match)
		must(rules_match(k->set, k->orgs, k->r, k->types, f, 0, list, &count, &usable, &err));
	k->told += count;
	return true;
}

static int64_t pass(struct node *n, const struct viewer *v, struct matching *k, bool match)
{
	struct finding_query q = { .limit = 0 };
	int64_t from = cpu_us();
	k->match = match;
	k->n = k->told = 0;
	must(store_read_begin(n->store, &k->r, &err));
	must(rules_load(n->notify, k->r, k->types, (struct uuid){ { 0 } }, &k->set, &err));
	k->orgs = rule_orgs_new(n->notify, k->set);
	must(read_findings(k->r, v, &q, each, k, &err));
	store_read_end(k->r);
	printf("%s: %llu findings, %zu rules, %llu told: %.2f s\n", match ? "read and matched" : "read", (unsigned long long)k->n,
	       rules_count(k->set), (unsigned long long)k->told, (double)(cpu_us() - from) / 1e6);
	rule_orgs_free(k->orgs);
	rules_free(k->set);
	return cpu_us() - from;
}

int main(int argc, char **argv)
{
	uint64_t findings = 0, rules = 0;
	struct node *n = NULL;
	struct viewer v;
	char secret[128];
	if (argc != 4 || !str_to_u64(str_of(argv[2]), &findings) || !str_to_u64(str_of(argv[3]), &rules) || rules == 0) {
		fprintf(stderr, "usage: bench-rules DIR FINDINGS RULES\n");
		return 64;
	}
	const struct node_founder founder = { TEAM_SMALL, "bench", (uint32_t)getuid() };
	must(hash_init(&err));
	if (access(argv[1], F_OK) != 0) {
		must(node_create_for(argv[1], "Team B", "ID", &founder, secret, sizeof secret, &err));
		must(node_open(argv[1], &(struct node_options){ 0 }, &n, &err));
		make_all(n, findings, rules);
		node_close(n);
		printf("made; again without it for the memory of measuring alone\n");
	}
	must(node_open(argv[1], &(struct node_options){ 0 }, &n, &err));
	must(node_viewer_unix(n, (uint32_t)getuid(), &v, &err));
	struct snapshot_ref *types = snapshot_hold(n->types);
	struct matching k = { .types = snapshot_table(types) };
	int64_t plain = pass(n, &v, &k, false), both = pass(n, &v, &k, true);
	printf("matching alone %.2f s, most memory %ld MiB\n", (double)(both - plain) / 1e6, memory_mib());
	snapshot_drop(n->types, types);
	node_close(n);
	return both > BOUND_S * SECOND_US;
}
