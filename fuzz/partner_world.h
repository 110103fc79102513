/* SPDX-License-Identifier: Apache-2.0 */
/* partner_world.h: a node with one partner, made once, for targets that hand over what a partner sends. What is delivered
 * must be lines that are sound; the world is made anew now and then, so that it does not grow. */
#ifndef RONDA_FUZZ_PARTNER_WORLD_H
#define RONDA_FUZZ_PARTNER_WORLD_H

#include <sodium.h>

#include "disclosure/policy.h"
#include "exchange/exchange_world.h"
#include "exchange/line.h"
#include "exchange/offer.h"

#include "fuzz.h"

#define PARTNER_NODE_ID "cccccccc-0000-4000-8000-000000000001"
enum { PARTNER_WORLD_RUNS = 2000 };

static const struct setting_row partner_rows[] = {
#define SETTING(name, kind, fallback, least, most, brief) { #name, SETTING_##kind, fallback, least, most, brief },
#include "settings.def"
#undef SETTING
};
/* A quota would turn most of it away unread. */
#define PARTNER_SETTINGS "exchange = yes\nexchange_address = https://127.0.0.1:8421\n" \
	"exchange_quota_objects = 1000000\nexchange_quota_bytes = 1G\nexchange_quota_share = 6400\nmisp_keys_file = misp-keys\n"

struct partner_world {
	struct team team;
	struct policies *policies;
	struct settings *settings;
	struct partner from;
	struct digest pin;
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	int64_t reports;
	unsigned runs;
};

/* Whatever a partner said: each line is one flat object that is marked, says whose it is, and nothing that only we say. */
static inline enum rc partner_deliver(void *ctx, const struct exchange_delivery *d, struct exchange_delivered *out,
				      struct err *e)
{
	struct partner_world *w = ctx;
	struct arena *a = arena_new(KIB(16));
	str lines = d->lines;
	(void)e;
	while (lines.n > 0) {
		struct json_pair *p;
		size_t count;
		unsigned marks = 0, origins = 0;
		str line = str_cut(&lines, '\n');
		enum tlp tlp;
		MUST(json_flat(line, a, &p, &count, NULL) == RC_OK);
		for (size_t i = 0; i < count; i++) {
			MUST(!str_starts_nocase(p[i].key, STR("ronda.")) && !str_starts_nocase(p[i].key, STR("feed.")));
			MUST(!str_eq(p[i].key, STR("id")) && !str_eq(p[i].key, STR("__type")));
			marks += str_eq(p[i].key, STR("tlp")) && tlp_parse(p[i].value, &tlp);
			origins += str_eq(p[i].key, STR("extra.origin_event"));
			MUST(!str_eq(p[i].key, STR("extra.origin_node")) || str_eq(p[i].value, STR(PARTNER_NODE_ID)));
		}
		MUST(marks == 1 && origins == 1);
	}
	arena_free(a);
	*out = (struct exchange_delivered){ .report = ++w->reports, .accepted = 1 };
	return RC_OK;
}

static inline enum rc partner_take_back(void *ctx, int64_t report, const str *ids, size_t count, str why, uint64_t *out,
					struct err *e)
{
	const struct partner_world *w = ctx;
	(void)why;
	(void)e;
	MUST(report > 0 && report <= w->reports && count > 0 && ids[0].n > 0);
	*out = count;
	return RC_OK;
}

struct partner_pairing {
	struct partner_world *w;
	struct identity who;
};

static inline enum rc partner_pair_job(struct tx *tx, void *ctx, struct err *e)
{
	struct partner_pairing *p = ctx;
	return partner_key_add(tx, p->w->from.id, &p->who, KEY_GOOD, 0, e);
}

struct partner_making {
	struct partner_world *w;
	const char *fields;
	struct uuid id;
};

static inline enum rc partner_make_job(struct tx *tx, void *ctx, struct err *e)
{
	struct partner_making *m = ctx;
	struct world *t = &m->w->team.w;
	const struct type *type = types_find(snapshot_table(t->held), STR("partner"));
	struct record out;
	const struct record_change c = { .type = type, .to_state = type_state(type, STR("active")), .actor = STR("unix:0"),
					 .fields = str_of(m->fields) };
	enum rc rc = record_put(tx, t->r, &c, t->a, &out, NULL, 0, NULL, e);
	m->id = out.id;
	return rc;
}

static inline void partner_world_open(struct partner_world *w, const char *fields)
{
	const struct policy_sources sources = { .roles = STR("{}"), .public_k = 5 };
	struct partner_pairing p = { .w = w };
	struct reader *r;
	static const unsigned char seed[crypto_sign_SEEDBYTES] = { 7 };
	*w = (struct partner_world){ .reports = 0 };
	MUST(sodium_init() >= 0);
	team_new(&w->team);
	MUST(policies_open(w->team.w.s, w->team.w.r, &sources, &w->policies, &err) == RC_OK);
	MUST(settings_load(partner_rows, COUNT_OF(partner_rows), STR(PARTNER_SETTINGS), "t", NULL, NULL, 0, &w->settings, &err) == RC_OK);
	w->team.x.w.policies = w->policies;
	w->team.x.w.settings = w->settings;
	w->team.x.w.ctx = w;
	w->team.x.w.deliver = partner_deliver;
	w->team.x.w.take_back = partner_take_back;
	struct partner_making m = { .w = w, .fields = fields };
	MUST(store_write(w->team.w.s, partner_make_job, &m, &err) == RC_OK);
	MUST(store_read_begin(w->team.w.s, &r, &err) == RC_OK);
	struct buf text = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&text, STR("partner"), &m.id);
	MUST(partner_find(&w->team.x, reader_conn(r), buf_str(&text), w->team.w.a, &w->from, &err) == RC_OK);
	buf_free(&text);
	store_read_end(r);
	w->from.org = 7;
	crypto_sign_seed_keypair(p.who.sign, w->secret, seed);
	w->pin = p.who.pin = sha256(STR("a certificate"));
	MUST(store_write(w->team.w.s, partner_pair_job, &p, &err) == RC_OK);
}

static inline void partner_world_close(struct partner_world *w)
{
	offer_close(&w->team.x);
	policies_close(w->policies);
	settings_free(w->settings);
	world_end(&w->team.w);
}

/* The same one for many runs; *fresh: it was made now. */
static inline struct partner_world *partner_world_of(const char *fields, bool *fresh)
{
	static struct partner_world *w; /* a fuzzer calls again and again */
	if (w && ++w->runs > PARTNER_WORLD_RUNS) {
		partner_world_close(w);
		free(w);
		w = NULL;
	}
	*fresh = !w;
	if (!w) {
		w = x_alloc(sizeof *w);
		partner_world_open(w, fields);
	}
	return w;
}

static inline struct partner_world *partner_world(void)
{
	bool fresh;
	return partner_world_of("{\"name\":\"Team C\",\"kind\":\"node\",\"node\":\"" PARTNER_NODE_ID "\"}", &fresh);
}

#endif
