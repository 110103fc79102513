/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of a column to the value of a field, as the mapping says. */
#include "base/clock.h"
#include "intake/csv_mapping.h"

enum rc csv_target_set(const struct csv_target *t, struct batch *b, str text, struct err *err)
{
	/* A column fills what no earlier one filled. */
	if (t->field == FIELD_EXTRA)
		return batch_row_has_extra(b, t->key) ? RC_OK
						      : event_set_extra(b, t->key, text, err);
	return batch_row_has(b, t->field) ? RC_OK : event_set(b, t->field, text, err);
}

/* One of the mapping's formats, whole; without a zone it is UTC. */
static bool time_by_format(const struct csv_mapping *m, str text, int64_t *us_out)
{
	char z[128];
	if (!str_to_z(str_trim(text), z, sizeof(z)))
		return false;
	for (size_t i = 0; i < m->time_formats; i++) {
		struct tm tm = {.tm_mday = 1, .tm_year = 70};
		const char *end = strptime(z, m->time_format[i], &tm);
		if (!end || *end)
			continue;
		long zone = tm.tm_gmtoff;
		time_t t = timegm(&tm);
		if (t - zone < 0 || t > INT64_C(9214646400))
			return false;
		*us_out = (int64_t)(t - zone) * SECOND_US;
		return true;
	}
	return false;
}

/* Ticks of 100 ns since 1601, as Windows counts. */
static bool time_by_ticks(str text, int64_t *us_out)
{
	const uint64_t to_1970 = UINT64_C(11644473600) * 10000000;
	uint64_t v;
	if (!str_to_u64(str_trim(text), &v) || v < to_1970 || v > INT64_MAX)
		return false;
	*us_out = (int64_t)((v - to_1970) / 10);
	return true;
}

static bool time_by_count(str text, int64_t unit_us, int64_t *us_out)
{
	uint64_t v;
	if (!str_to_u64(str_trim(text), &v) || v > (uint64_t)(INT64_MAX / unit_us))
		return false;
	*us_out = (int64_t)v * unit_us;
	return true;
}

static bool convert_time(const struct csv_mapping *m, unsigned convert, str text, int64_t *us)
{
	return (convert & CONVERT_TIME && time_by_format(m, text, us)) ||
	       (convert & CONVERT_EPOCH && time_by_count(text, SECOND_US, us)) ||
	       (convert & CONVERT_EPOCH_MS && time_by_count(text, 1000, us)) ||
	       (convert & CONVERT_FILETIME && time_by_ticks(text, us));
}

/* "family: x;" is x; "http://host:80/" and "host:80" are host. */
static str convert_text(unsigned convert, str text, struct arena *a)
{
	str host;
	text = str_trim_all(text);
	if (convert & CONVERT_LABEL) {
		size_t colon = str_index(text, ':');
		if (colon < text.n)
			text = str_trim(str_from(text, colon + 1));
		text = str_trim(str_head(text, str_index(text, ';')));
	}
	if (convert & CONVERT_HOST) {
		size_t colon = str_index(text, ':');
		if (url_host(text, &host))
			text = host;
		else if (!str_has(str_from(text, colon + 1), ':')) /* or an IPv6 address */
			text = str_head(text, colon);
	}
	if (convert & (CONVERT_LOWER | CONVERT_UPPER)) {
		char *p = arena_z(a, text), from = convert & CONVERT_LOWER ? 'A' : 'a';
		for (size_t i = 0; i < text.n; i++)
			if (p[i] >= from && p[i] <= from + 25)
				p[i] ^= 0x20;
		text.p = p;
	}
	return text;
}

static bool means_none(unsigned convert, str text)
{
	return (convert & CONVERT_ZERO_NONE && str_eq(text, STR("0"))) ||
	       (convert & CONVERT_UNKNOWN_NONE &&
		(str_eq_nocase(text, STR("unknown")) || str_eq_nocase(text, STR("null")) ||
		 str_eq_nocase(text, STR("none")) || str_eq_nocase(text, STR("na"))));
}

static bool is_time(const struct csv_target *t)
{
	return t->field != FIELD_EXTRA && field_row(t->field)->type == FT_TIME;
}

enum rc csv_column_set(const struct csv_mapping *m, const struct csv_column *c, struct batch *b,
		       str text, struct arena *a, struct err *err)
{
	const unsigned any_time =
		CONVERT_TIME | CONVERT_EPOCH | CONVERT_EPOCH_MS | CONVERT_FILETIME;
	enum rc rc = RC_OK;
	int64_t us;
	text = convert_text(c->convert, text, a);
	if (text.n == 0 || means_none(c->convert, text))
		return RC_OK;
	for (size_t i = 0; i < c->targets; i++) {
		const struct csv_target *t = &c->target[i];
		if (is_time(t) && c->convert & any_time && !batch_row_has(b, t->field) &&
		    convert_time(m, c->convert, text, &us)) {
			batch_set_time(b, t->field, us);
			return RC_OK;
		}
		rc = csv_target_set(t, b, text, err);
		if (rc == RC_OK)
			return RC_OK;
	}
	if (rc != RC_OK && c->convert & CONVERT_OPTIONAL)
		return event_set_extra(b, c->name, text, err);
	return rc;
}
