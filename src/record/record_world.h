/* SPDX-License-Identifier: Apache-2.0 */
/* record_world.h: a store with the records engine and types of a test's own. */
#ifndef RONDA_RECORD_RECORD_WORLD_H
#define RONDA_RECORD_RECORD_WORLD_H

#include "base/test.h"

#include "base/arena.h"
#include "base/test_dir.h"
#include "record/record.h"

static struct err err;

static const char *const world_roles[] = { "viewer", "analyst", "duty", "lead", "liaison",
					   "protection", "auditor", "administrator",
					   "constituent", NULL };

/* A type that has a bit of everything. */
static const char world_case[] =
	"{ \"type\": \"case\", \"version\": 1, \"label\": { \"en\": \"Case\", \"id\": \"Kasus\" },"
	" \"plural\": { \"en\": \"Cases\", \"id\": \"Kasus\" }, \"title\": \"title\","
	" \"organisation\": \"body\", \"fields\": {"
	"  \"title\": { \"kind\": \"text\", \"max\": 300, \"share\": \"party\", \"required\": [\"*\"],"
	"   \"label\": { \"en\": \"Title\" } },"
	"  \"severity\": { \"kind\": \"choice\", \"share\": \"open\", \"label\": { \"en\": \"Severity\" },"
	"   \"choices\": { \"low\": { \"en\": \"Low\" }, \"high\": { \"en\": \"High\" },"
	"    \"theft\": { \"en\": \"Theft\", \"opens\": \"loss\" } } },"
	"  \"loss\": { \"kind\": \"number\", \"share\": \"team\", \"block\": \"loss\","
	"   \"label\": { \"en\": \"Loss\" } },"
	"  \"score\": { \"kind\": \"number\", \"share\": \"open\", \"label\": { \"en\": \"Score\" } },"
	"  \"tags\": { \"kind\": \"text\", \"list\": true, \"share\": \"open\","
	"   \"label\": { \"en\": \"Tags\" } },"
	"  \"body\": { \"kind\": \"reference\", \"to\": \"organisation\", \"share\": \"party\","
	"   \"label\": { \"en\": \"Concerned\" } },"
	"  \"also\": { \"kind\": \"reference\", \"list\": true, \"share\": \"team\","
	"   \"label\": { \"en\": \"Also\" } },"
	"  \"banner\": { \"kind\": \"text\", \"share\": \"open\", \"label\": { \"en\": \"Banner\" } },"
	"  \"remarks\": { \"kind\": \"long\", \"max\": 200000, \"share\": \"team\","
	"   \"label\": { \"en\": \"Remarks\" } },"
	"  \"contact\": { \"kind\": \"text\", \"share\": \"team\", \"personal\": true,"
	"   \"label\": { \"en\": \"Contact\" } },"
	"  \"whisper\": { \"kind\": \"text\", \"share\": \"named\", \"label\": { \"en\": \"Whisper\" } },"
	"  \"proof\": { \"kind\": \"file\", \"share\": \"team\", \"label\": { \"en\": \"Proof\" } },"
	"  \"outcome\": { \"kind\": \"text\", \"share\": \"party\", \"required\": [\"closed\"],"
	"   \"label\": { \"en\": \"Outcome\" } } },"
	" \"blocks\": { \"loss\": { \"en\": \"Loss\" } },"
	" \"states\": {"
	"  \"new\": { \"label\": { \"en\": \"New\" }, \"to\": { \"open\": { \"roles\": [\"analyst\"] } } },"
	"  \"open\": { \"label\": { \"en\": \"Open\" }, \"to\": {"
	"    \"closed\": { \"roles\": [\"lead\"] }, \"new\": { \"roles\": [\"lead\"], \"why\": true } } },"
	"  \"closed\": { \"label\": { \"en\": \"Closed\" }, \"closed\": true } },"
	" \"rights\": { \"read\": { \"analyst\": \"all\" } },"
	" \"list\": { \"columns\": [\"title\", \"severity\"],"
	"  \"filters\": [\"severity\", \"score\", \"tags\", \"body\"], \"sort\": \"-changed\" } }";

struct world {
	struct test_dir d;
	struct store *s;
	struct journal *j;
	struct snapshot *types;
	struct records *r;
	struct arena *a;
	const struct type *t; /* "case" */
	struct snapshot_ref *held;
};

static void world_free_types(void *table)
{
	types_free(table);
}

static inline struct types *world_types(const char *text)
{
	struct types *base = NULL, *t = NULL;
	CHECK_RC(types_load(NULL, world_roles, &base, &err), RC_OK, err);
	CHECK_RC(types_with(base, str_of(text), "types/case.json", &t, &err), RC_OK, err);
	types_free(base);
	return t;
}

/* Opens what is in `path`; false: said so. */
static inline bool world_open(struct world *w, const char *path)
{
	w->types = snapshot_new(world_free_types);
	struct types *t = world_types(world_case);
	if (t)
		snapshot_swap(w->types, t);
	w->held = snapshot_hold(w->types);
	w->t = t ? types_find(t, STR("case")) : NULL;
	w->a = arena_new(KIB(64));
	enum rc rc = store_open(path, NULL, NULL, &w->s, &err);
	if (rc == RC_OK)
		rc = journal_open(w->s, &w->j, &err);
	if (rc == RC_OK)
		rc = records_open(w->s, w->j, w->types, &w->r, &err);
	return rc == RC_OK && w->t;
}

static inline void world_close(struct world *w)
{
	records_close(w->r);
	journal_close(w->j);
	store_close(w->s);
	snapshot_drop(w->types, w->held);
	snapshot_free(w->types);
	arena_free(w->a);
	struct test_dir d = w->d;
	*w = (struct world){ .d = d };
}

static inline struct world world_new(void)
{
	struct world w = { .d = test_dir_new() };
	CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_MSG(world_open(&w, w.d.path), "%s", err.text);
	return w;
}

static inline void world_end(struct world *w)
{
	world_close(w);
	test_dir_end(&w->d);
}

struct world_put {
	struct records *r;
	const struct record_change *c;
	struct arena *a;
	struct record out;
	struct body_error errors[8];
	size_t error_count;
};

static inline enum rc world_put_job(struct tx *tx, void *ctx, struct err *e)
{
	struct world_put *p = ctx;
	return record_put(tx, p->r, p->c, p->a, &p->out, p->errors, COUNT_OF(p->errors),
			  &p->error_count, e);
}

static inline enum rc world_put(struct world *w, const struct record_change *c, struct record *out)
{
	struct world_put p = { .r = w->r, .c = c, .a = w->a };
	enum rc rc = store_write(w->s, world_put_job, &p, &err);
	*out = p.out;
	return rc;
}

/* A new case with these fields. */
static inline struct record world_case_new(struct world *w, const char *fields)
{
	struct record r;
	struct record_change c = { .type = w->t, .fields = str_of(fields), .to_state = -1,
				   .actor = STR("account:1") };
	CHECK_RC(world_put(w, &c, &r), RC_OK, err);
	return r;
}

#endif
