/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/figures.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/spill.h"
#include "intake/feeds.h"
#include "notify/answers.h"
#include "stats/survival.h"

_Static_assert(ANSWER_FIXED == 2, "route/lives.c reads claims by this number");

enum { SORT_MEMORY = 2 << 20, KEY_BYTES = 9, OTHERS = 0 };

struct group {
	struct figure_row row;
	uint64_t *source;         /* hashes of different ones, at most as many as are needed */
	uint64_t sources;
	size_t into;              /* itself, or OTHERS */
	uint64_t n[FIGURE_TIMES]; /* cases */
	struct survival now;      /* of the time that is being reckoned */
};

struct reckoning {
	const struct figures_query *q;
	struct arena *a;
	struct group *groups;     /* [OTHERS]: what has no room, or is too few to be shown */
	size_t count;
	uint32_t *slots;          /* place + 1, by hash of the key */
	struct spill *cases;
	uint64_t least;           /* sources a figure must have; 0: any */
	struct group all;
	bool cut;
};
enum { SLOTS = 4 * FIGURE_GROUPS_MOST };

/* --- which group --- */

static uint64_t hash_of(str s)
{
	static const struct key fixed = { { 0 } }; /* to tell apart, not to hide */
	return keyed_hash128_raw(&fixed, s).lo;
}

static str key_of(const struct reckoning *k, const struct finding *f, const struct life *l, char *to, size_t size)
{
	char at[40];
	int n = 0;
	switch (k->q->by) {
	case FIGURES_ORGANISATION:
		if (f->concerns.count > 0)
			n = snprintf(to, size, "%lld", (long long)f->concerns.list[0].org);
		break;
	case FIGURES_CLASS:
		n = snprintf(to, size, STR_FMT "%s" STR_FMT, STR_ARG(str_head(f->type, 60)), f->identifier.n ? "/" : "",
			     STR_ARG(str_head(f->identifier, 120)));
		break;
	case FIGURES_FEED:
		n = snprintf(to, size, "%lld", (long long)f->feed);
		break;
	case FIGURES_COUNTRY:
		n = snprintf(to, size, STR_FMT, STR_ARG(str_head(f->cc, 8)));
		break;
	case FIGURES_MONTH:
		n = snprintf(to, size, STR_FMT, STR_ARG(str_head(time_str(at, l->opened_us), 7)));
		break;
	case FIGURES_ALL:
	case FIGURES_BYS:
		break;
	}
	return str_mem(to, n > 0 && (size_t)n < size ? (size_t)n : 0);
}

static struct group *group_new(struct reckoning *k, str key)
{
	struct group *g = &k->groups[k->count];
	*g = (struct group){ .row.key = arena_str(k->a, key), .into = k->count };
	if (k->least)
		g->source = ARENA_ARRAY(k->a, k->least, uint64_t);
	k->count++;
	return g;
}

static struct group *group_of(struct reckoning *k, str key)
{
	size_t at = hash_of(key) & (SLOTS - 1);
	for (; k->slots[at]; at = (at + 1) & (SLOTS - 1))
		if (str_eq(k->groups[k->slots[at] - 1].row.key, key))
			return &k->groups[k->slots[at] - 1];
	if (k->count > FIGURE_GROUPS_MOST) {
		k->cut = true;
		return &k->groups[OTHERS];
	}
	k->slots[at] = (uint32_t)k->count + 1;
	return group_new(k, key);
}

static void add_source(const struct reckoning *k, struct group *g, uint64_t source)
{
	for (uint64_t i = 0; i < g->sources; i++)
		if (g->source[i] == source)
			return;
	if (g->sources < k->least)
		g->source[g->sources++] = source;
}

/* "ip 198.18.0.1 port 23": two ports of one address are one source. */
static void note_source(const struct reckoning *k, struct group *g, const struct finding *f)
{
	str rest = f->key;
	(void)str_cut(&rest, ' ');
	add_source(k, g, hash_of(str_cut(&rest, ' ')));
}

/* --- one life --- */

/* `ended` 0: censored at `upto`. */
static void add_case(struct reckoning *k, struct group *g, enum figure_time what, int64_t from_us, int64_t ended_us,
		     int64_t upto_us)
{
	int64_t end = ended_us ? ended_us : upto_us;
	uint64_t seconds = end > from_us ? (uint64_t)(end - from_us) / SECOND_US : 0;
	size_t place = g == &k->all ? 0 : (size_t)(g - k->groups);
	uint64_t low = seconds << 17 | (uint64_t)place << 1 | !ended_us;
	char key[KEY_BYTES] = { (char)what };
	if (low >> 17 != seconds)
		return; /* more than a million years */
	for (unsigned i = 0; i < 8; i++)
		key[1 + i] = (char)(low >> (56 - 8 * i));
	spill_add(k->cases, str_mem(key, sizeof(key)), STR(""));
	g->n[what]++;
}

static int64_t sooner(int64_t us, int64_t or_us)
{
	return us && us < or_us ? us : or_us;
}

static void add_cases(struct reckoning *k, struct group *g, const struct finding *f, const struct life *l)
{
	int64_t now = k->q->now_us;
	bool told_while_open = l->told_us && (!l->gone_us || l->told_us <= l->gone_us);
	add_case(k, g, TIME_TO_TELL, l->opened_us, told_while_open ? l->told_us : 0, sooner(l->gone_us, now));
	if (l->told_us)
		add_case(k, g, TIME_TO_ACKNOWLEDGE, l->told_us, l->answered_us, sooner(l->fixed_us, now));
	if (f->shared_address)
		return;
	add_case(k, g, TIME_TO_FIX, l->opened_us, l->gone_us, now);
	if (l->told_us)
		add_case(k, g, TIME_TO_FIX_TOLD, l->told_us, l->fixed_us, now);
}

static void add_counts(struct figure_row *row, const struct finding *f, const struct life *l)
{
	row->counts[COUNT_FINDINGS]++;
	row->counts[COUNT_OPEN] += f->state != FINDING_GONE;
	row->counts[COUNT_TOLD] += l->told_us != 0;
	row->counts[COUNT_ANSWERED] += l->answered_us != 0;
	row->counts[COUNT_CLAIMED] += l->claimed_us != 0;
	row->counts[COUNT_GONE] += l->gone_us != 0;
	row->counts[COUNT_RETURNED] += l->returns > 0;
	row->counts[COUNT_RELAPSED] += l->relapsed;
}

static bool take_life(void *ctx, const struct finding *f, const struct life *l)
{
	struct reckoning *k = ctx;
	char text[200];
	if (l->opened_us < k->q->since_us || l->opened_us >= k->q->until_us)
		return true;
	struct group *g = group_of(k, key_of(k, f, l, text, sizeof(text)));
	if (k->least)
		note_source(k, g, f);
	add_counts(&g->row, f, l);
	add_cases(k, g, f, l);
	return true;
}

/* --- what may be shown --- */

static void into_others(struct reckoning *k, struct group *g)
{
	struct group *o = &k->groups[OTHERS];
	g->into = OTHERS;
	for (size_t i = 0; i < FIGURE_COUNTS; i++)
		o->row.counts[i] += g->row.counts[i];
	for (size_t i = 0; i < FIGURE_TIMES; i++)
		o->n[i] += g->n[i];
	for (uint64_t i = 0; i < g->sources; i++)
		add_source(k, o, g->source[i]);
	g->row.counts[COUNT_FINDINGS] = 0;
}

/* The smallest that stands by itself; NULL: none. */
static struct group *smallest(struct reckoning *k)
{
	struct group *least = NULL;
	for (size_t i = 1; i < k->count; i++) {
		struct group *g = &k->groups[i];
		if (g->into == i && g->row.counts[COUNT_FINDINGS] > 0 &&
		    (!least || g->row.counts[COUNT_FINDINGS] < least->row.counts[COUNT_FINDINGS]))
			least = g;
	}
	return least;
}

/* Groups of too few sources become one; and when that one is too small itself, the smallest of those
 * that could be shown goes into it, or it could be told from the sum. */
static void merge_small(struct reckoning *k, const struct viewer *v)
{
	struct group *o = &k->groups[OTHERS], *g;
	bool any = o->row.counts[COUNT_FINDINGS] > 0;
	for (size_t i = 1; i < k->count; i++) {
		if (!read_figure_shown(v, k->groups[i].sources)) {
			into_others(k, &k->groups[i]);
			any = true;
		}
	}
	while (any && !read_figure_shown(v, o->sources) && (g = smallest(k)))
		into_others(k, g);
}

static void hide_few(uint64_t *count, uint64_t least)
{
	if (*count > 0 && *count < least)
		*count = FIGURE_FEW;
}

static void hide_in_row(struct figure_row *row, uint64_t least)
{
	for (size_t i = 0; i < FIGURE_COUNTS; i++)
		hide_few(&row->counts[i], least);
	for (size_t i = 0; i < FIGURE_TIMES; i++) {
		struct figure_span *s = &row->times[i];
		if (s->n - s->censored < least) /* few ends: the median would be one of them */
			s->median_s = s->low_s = s->high_s = -1;
		hide_few(&s->n, least);
		hide_few(&s->censored, least);
	}
}

/* --- the times --- */

struct tie { /* the cases of one time, of all */
	int64_t seconds;
	uint64_t ended, censored;
};

static void end_group(struct group *g, enum figure_time what)
{
	g->row.times[what] = (struct figure_span){ .n = g->n[what], .censored = g->n[what] - g->now.events,
						   .median_s = g->now.median, .low_s = g->now.low,
						   .high_s = g->now.high };
}

static void begin_time(struct reckoning *k, enum figure_time what)
{
	k->all.n[what] = 0;
	for (size_t i = 0; i < k->count; i++) {
		struct group *g = &k->groups[i];
		if (g->into == i)
			k->all.n[what] += g->n[what];
		survival_begin(&g->now, g->n[what]);
	}
	survival_begin(&k->all.now, k->all.n[what]);
}

static void end_time(struct reckoning *k, enum figure_time what, struct tie *all)
{
	survival_at(&k->all.now, all->seconds, all->ended, all->censored);
	*all = (struct tie){ .seconds = -1 };
	for (size_t i = 0; i < k->count; i++)
		end_group(&k->groups[i], what);
	end_group(&k->all, what);
}

/* Of one time and one group: those that ended, then those censored. Others come in pieces, of one
 * time, which is the same to the estimate as long as the ends come first: so they are kept until
 * the time is over. */
static enum rc reckon_times(struct reckoning *k, struct err *err)
{
	struct tie all = { .seconds = -1 }, others = { .seconds = -1 };
	struct group *o = &k->groups[OTHERS];
	str key, value;
	int what = -1;
	enum rc rc = spill_sort(k->cases, err);
	bool more = rc == RC_OK && spill_next(k->cases, &key, &value);
	for (size_t t = 0; t < FIGURE_TIMES; t++)
		begin_time(k, (enum figure_time)t), end_time(k, (enum figure_time)t, &all);
	while (more) {
		uint64_t low = 0;
		for (unsigned i = 0; i < 8; i++)
			low = low << 8 | (uint8_t)key.p[1 + i];
		int64_t seconds = (int64_t)(low >> 17);
		if (key.p[0] != what || seconds != all.seconds) {
			survival_at(&o->now, others.seconds, others.ended, others.censored);
			others = (struct tie){ .seconds = seconds };
			if (key.p[0] == what)
				survival_at(&k->all.now, all.seconds, all.ended, all.censored);
			else if (what >= 0)
				end_time(k, (enum figure_time)what, &all);
			if (key.p[0] != what)
				begin_time(k, (enum figure_time)key.p[0]);
			what = key.p[0];
			all = (struct tie){ .seconds = seconds };
		}
		struct group *g = &k->groups[low >> 1 & 0xffff];
		uint64_t ended = 0, censored = 0, mine = low >> 1;
		for (; more; more = spill_next(k->cases, &key, &value)) {
			uint64_t next = 0;
			for (unsigned i = 0; i < 8; i++)
				next = next << 8 | (uint8_t)key.p[1 + i];
			if (key.p[0] != what || next >> 1 != mine)
				break;
			next & 1 ? censored++ : ended++;
		}
		all.ended += ended;
		all.censored += censored;
		if (g->into == OTHERS) {
			others.ended += ended;
			others.censored += censored;
		} else {
			survival_at(&g->now, seconds, ended, censored);
		}
	}
	survival_at(&o->now, others.seconds, others.ended, others.censored);
	if (what >= 0)
		end_time(k, (enum figure_time)what, &all);
	return rc == RC_OK ? spill_ok(k->cases, err) : rc;
}

/* --- names and order --- */

static enum rc name_rows(struct reckoning *k, struct reader *r, struct figures *out, struct err *err)
{
	struct feed *feeds = NULL;
	size_t n = 0;
	enum rc rc = k->q->by == FIGURES_FEED ? feed_list(reader_conn(r), k->a, &feeds, &n, err) : RC_OK;
	for (size_t i = 0; rc == RC_OK && i < out->count; i++) {
		struct figure_row *row = &out->rows[i];
		int64_t number = 0;
		if (row->name.n > 0)
			continue; /* (others) */
		row->name = row->key;
		if (k->q->by == FIGURES_ORGANISATION && k->q->directory && str_to_i64(row->key, &number)) {
			const struct org *o = directory_org(k->q->directory, number);
			row->name = o ? arena_str(k->a, o->name) : row->key;
		}
		for (size_t j = 0; k->q->by == FIGURES_FEED && j < n && str_to_i64(row->key, &number); j++)
			if (feeds[j].id == number)
				row->name = feeds[j].name;
	}
	return rc;
}

static int most_first(const void *x, const void *y)
{
	const struct figure_row *a = x, *b = y;
	if (a->counts[COUNT_FINDINGS] != b->counts[COUNT_FINDINGS])
		return a->counts[COUNT_FINDINGS] < b->counts[COUNT_FINDINGS] ? 1 : -1;
	return str_cmp(a->key, b->key);
}

static int by_key(const void *x, const void *y)
{
	const struct figure_row *a = x, *b = y;
	return str_cmp(a->key, b->key);
}

static void take_rows(struct reckoning *k, const struct viewer *v, struct figures *out)
{
	out->rows = ARENA_ARRAY(k->a, k->count + 1, struct figure_row);
	out->all = k->all.row;
	for (size_t i = 0; i < k->count; i++) {
		struct group *g = &k->groups[i];
		if (g->into == i)
			for (size_t c = 0; c < FIGURE_COUNTS; c++)
				out->all.counts[c] += g->row.counts[c];
		if (g->into != i || g->row.counts[COUNT_FINDINGS] == 0 ||
		    (i == OTHERS && k->least && !read_figure_shown(v, g->sources)))
			continue;
		out->rows[out->count] = g->row;
		if (i == OTHERS)
			out->rows[out->count].name = STR("(others)");
		out->count++;
	}
	out->all.key = out->all.name = STR("");
	if (out->count > 1)
		qsort(out->rows, out->count, sizeof(*out->rows), k->q->by == FIGURES_MONTH ? by_key : most_first);
	for (size_t i = 0; i < out->count && k->least; i++)
		hide_in_row(&out->rows[i], k->least);
	if (k->least)
		hide_in_row(&out->all, k->least);
	if (k->least && !out->count) /* too few in all */
		out->all = (struct figure_row){ .key = STR(""), .name = STR("") };
}

/* --- all of it --- */

static bool is_month(int64_t us)
{
	char at[16];
	return us % DAY_US == 0 && str_ends(time_day_str(at, us), STR("-01"));
}

static enum rc reckon(struct reckoning *k, struct reader *r, const struct viewer *v, struct figures *out,
		      struct err *err)
{
	enum rc rc = read_lives(r, v, k->q->dir, SORT_MEMORY, take_life, k, err);
	if (rc == RC_OK && k->least)
		merge_small(k, v);
	if (rc == RC_OK)
		rc = reckon_times(k, err);
	if (rc != RC_OK)
		return rc;
	take_rows(k, v, out);
	out->cut = k->cut;
	return name_rows(k, r, out, err);
}

enum rc figures_read(struct reader *r, const struct viewer *v, const struct figures_query *q, struct arena *a,
		     struct figures *out, struct err *err)
{
	struct figures_query whole = *q;
	struct reckoning k = { .q = &whole, .a = a, .least = read_figure_least(v) };
	uint64_t least = q->silent_least ? q->silent_least : FIGURE_SILENT_LEAST;
	whole.until_us = q->until_us ? q->until_us : INT64_MAX;
	*out = (struct figures){ .by = q->by, .since_us = q->since_us, .until_us = q->until_us, .now_us = q->now_us,
				 .public = k.least > 0 };
	if (k.least && (q->by == FIGURES_ORGANISATION || q->by == FIGURES_FEED))
		return fail(err, RC_DENIED, "figures by organisation or feed are not for the public");
	if (k.least && (!is_month(q->since_us) || !is_month(q->until_us)))
		return fail(err, RC_DENIED, "figures for the public are of whole months");
	k.groups = x_array(FIGURE_GROUPS_MOST + 2, sizeof(*k.groups));
	k.slots = x_array(SLOTS, sizeof(*k.slots));
	k.cases = spill_new(q->dir, SORT_MEMORY);
	(void)group_new(&k, STR(""));
	enum rc rc = reckon(&k, r, v, out, err);
	spill_free(k.cases);
	free(k.slots);
	free(k.groups);
	if (rc == RC_OK && !out->public)
		rc = read_message_counts(r, v, whole.since_us, whole.until_us, a, &out->messages, &out->message_count,
					 err);
	if (rc == RC_OK && !out->public)
		rc = read_silent(r, v, whole.since_us, whole.until_us, least, FIGURE_SILENT_MOST, a, &out->silent,
				 &out->silent_count, err);
	return rc;
}
