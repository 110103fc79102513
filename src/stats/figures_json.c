/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as programs and templates see them, and their names. */
#include "base/clock.h"
#include "stats/figures.h"

static const char *const by_names[FIGURES_BYS] = {
	[FIGURES_ALL] = "all",		 [FIGURES_ORGANISATION] = "organisation", [FIGURES_CLASS] = "class",
	[FIGURES_FEED] = "feed",	 [FIGURES_COUNTRY] = "country",		  [FIGURES_MONTH] = "month",
};
static const char *const time_names[FIGURE_TIMES] = {
	[TIME_TO_TELL] = "time_to_tell",
	[TIME_TO_ACKNOWLEDGE] = "time_to_acknowledge",
	[TIME_TO_FIX] = "time_to_fix",
	[TIME_TO_FIX_TOLD] = "time_to_fix_told",
};
static const char *const count_names[FIGURE_COUNTS] = {
	[COUNT_FINDINGS] = "findings",	 [COUNT_OPEN] = "open",	       [COUNT_TOLD] = "told",
	[COUNT_ANSWERED] = "answered",	 [COUNT_CLAIMED] = "claimed_fixed", [COUNT_GONE] = "gone",
	[COUNT_RETURNED] = "returned",	 [COUNT_RELAPSED] = "relapsed",
};

const char *figure_by_name(enum figure_by by)
{
	return by_names[by];
}

const char *figure_time_name(enum figure_time t)
{
	return time_names[t];
}

const char *figure_count_name(enum figure_count c)
{
	return count_names[c];
}

bool figure_by_parse(str text, enum figure_by *out)
{
	for (size_t i = 0; i < FIGURES_BYS; i++) {
		if (str_eq(text, str_of(by_names[i]))) {
			*out = (enum figure_by)i;
			return true;
		}
	}
	return false;
}

bool figure_time_parse(str text, int64_t now_us, int64_t *us_out)
{
	char month[16];
	int64_t ago;
	if (text.n == 7 && text.p[4] == '-') {
		snprintf(month, sizeof(month), STR_FMT "-01", STR_ARG(text));
		return time_parse(str_of(month), true, us_out);
	}
	if (!duration_parse(text, &ago))
		return time_parse(text, true, us_out) && *us_out >= 0;
	*us_out = ago < now_us ? now_us - ago : 0;
	return true;
}

str figure_words(struct arena *a, int64_t s)
{
	if (s < 0)
		return STR("not reached");
	if (s < 60)
		return arena_fmt(a, "%lld s", (long long)s);
	if (s < 3600)
		return arena_fmt(a, "%lld min", (long long)(s / 60));
	if (s < 86400)
		return arena_fmt(a, "%lld h %lld min", (long long)(s / 3600), (long long)(s % 3600 / 60));
	return arena_fmt(a, "%lld d %lld h", (long long)(s / 86400), (long long)(s % 86400 / 3600));
}

static void put_count(struct json_out *j, const char *name, uint64_t v)
{
	json_key(j, str_of(name));
	if (v == FIGURE_FEW)
		json_null(j);
	else
		json_u64(j, v);
}

static void put_seconds(struct json_out *j, const char *name, int64_t v)
{
	json_key(j, str_of(name));
	if (v < 0)
		json_null(j);
	else
		json_i64(j, v);
}

static void put_members(const struct figure_row *row, struct json_out *j)
{
	for (size_t i = 0; i < FIGURE_COUNTS; i++)
		put_count(j, count_names[i], row->counts[i]);
	for (size_t i = 0; i < FIGURE_TIMES; i++) {
		const struct figure_span *s = &row->times[i];
		json_key(j, str_of(time_names[i]));
		json_open(j, '{');
		put_count(j, "n", s->n);
		put_count(j, "censored", s->censored);
		put_seconds(j, "median", s->median_s);
		put_seconds(j, "low", s->low_s);
		put_seconds(j, "high", s->high_s);
		json_close(j, '}');
	}
}

void figure_row_json(const struct figure_row *row, struct json_out *j)
{
	json_open(j, '{');
	json_put_str(j, "key", row->key);
	json_put_str(j, "name", row->name);
	put_members(row, j);
	json_close(j, '}');
}

str figure_organisation(const struct directory *d, str organisation)
{
	struct uuid id;
	if (!d || !uuid_parse(str_from(organisation, STR("organisation--").n), &id))
		return organisation;
	for (size_t i = 0; i < directory_size(d); i++)
		if (uuid_equal(&directory_at(d, i)->record, &id))
			return directory_at(d, i)->name;
	return organisation;
}

static void put_silent(const struct figures *f, const struct directory *d, struct json_out *j)
{
	json_key(j, STR("silent"));
	json_open(j, '[');
	for (size_t i = 0; i < f->silent_count; i++) {
		const struct ledger_silence *s = &f->silent[i];
		json_open(j, '{');
		json_put_str(j, "organisation", s->recipient);
		json_put_str(j, "name", figure_organisation(d, s->recipient));
		json_put_i64(j, "told", (int64_t)s->told);
		json_put_time(j, "first", s->first_us);
		json_put_time(j, "last", s->last_us);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void figures_json(const struct figures *f, const struct directory *d, struct json_out *j)
{
	json_put_str(j, "by", str_of(by_names[f->by]));
	json_put_bool(j, "public", f->public);
	if (f->since_us)
		json_put_time(j, "since", f->since_us);
	if (f->until_us)
		json_put_time(j, "until", f->until_us);
	json_put_time(j, "now", f->now_us);
	json_put_bool(j, "cut", f->cut);
	json_key(j, STR("all"));
	figure_row_json(&f->all, j);
	json_key(j, STR("messages"));
	json_open(j, '[');
	for (size_t i = 0; i < f->message_count; i++) {
		json_open(j, '{');
		json_put_str(j, "driver", f->messages[i].driver);
		json_put_str(j, "kind", str_of(ledger_kind_name(f->messages[i].kind)));
		json_put_i64(j, "messages", (int64_t)f->messages[i].rows);
		json_close(j, '}');
	}
	json_close(j, ']');
	put_silent(f, d, j);
}
