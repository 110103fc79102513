/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a column into the value of a field: one small function a conversion. */
#include <math.h>

#include "base/clock.h"
#include "event/normalise.h"
#include "intake/shadowserver_private.h"

enum { CVES_MAX = 64, CVE_LONGEST = 32, DIGITS_MAX = 64 };

static enum ss_outcome set_text(struct parse *p, const struct ss_step *s, str v)
{
	if (v.n == 0)
		return SS_NONE;
	if (s->field == FIELD_EXTRA) {
		batch_set_text(p->batch, FIELD_EXTRA, s->key, v);
		return SS_SET;
	}
	struct err err;
	if (event_set(p->batch, s->field, v, &err) != RC_OK)
		return SS_WRONG;
	return batch_row_has(p->batch, s->field) ? SS_SET : SS_NONE;
}

static bool says_none(str v)
{
	return v.n == 0 || (v.n == 1 && v.p[0] == '0') || str_eq(v, STR("unknown"));
}

/* A whole number too long for 64 bits stays a number: JSON has no limit. */
static enum ss_outcome set_long(struct parse *p, const struct ss_step *s, str digits)
{
	bool minus = digits.p[0] == '-';
	str rest = str_from(digits, minus);
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] < '0' || rest.p[i] > '9')
			return SS_WRONG;
	if (rest.n == 0 || rest.n > DIGITS_MAX || rest.p[0] == '0' || s->field != FIELD_EXTRA)
		return SS_WRONG;
	batch_set_json(p->batch, FIELD_EXTRA, s->key, digits);
	return SS_SET;
}

static enum ss_outcome set_whole(struct parse *p, const struct ss_step *s, str v, bool zero_counts)
{
	int64_t i;
	v = str_trim(v);
	if (v.n == 0)
		return SS_NONE;
	if (v.n > 1 && v.p[0] == '+' && v.p[1] != '-')
		v = str_from(v, 1);
	if (!str_to_i64(v, &i))
		return set_long(p, s, v);
	if (i == 0 && !zero_counts)
		return SS_NONE;
	if (s->field == FIELD_EXTRA) {
		batch_set_int(p->batch, FIELD_EXTRA, s->key, i);
		return SS_SET;
	}
	return set_text(p, s, v);
}

static enum ss_outcome set_float(struct parse *p, const struct ss_step *s, str v)
{
	double d;
	v = str_trim(v);
	if (v.n == 0)
		return SS_NONE;
	if (!str_to_double(v, &d) || !isfinite(d))
		return SS_WRONG;
	if (s->field != FIELD_EXTRA)
		return set_text(p, s, v);
	batch_set_float(p->batch, FIELD_EXTRA, s->key, d);
	return SS_SET;
}

static enum ss_outcome set_bool(struct parse *p, const struct ss_step *s, str v)
{
	static const str words[][2] = {
		{ STR_INIT("n"), STR_INIT("y") },
		{ STR_INIT("no"), STR_INIT("yes") },
		{ STR_INIT("false"), STR_INIT("true") },
		{ STR_INIT("0"), STR_INIT("1") },
		{ STR_INIT("disabled"), STR_INIT("enabled") },
	};
	if (v.n == 0)
		return SS_NONE;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		bool yes = str_eq_nocase(v, words[i][1]);
		if (!yes && !str_eq_nocase(v, words[i][0]))
			continue;
		if (s->field != FIELD_EXTRA)
			return set_text(p, s, yes ? STR("true") : STR("false"));
		batch_set_bool(p->batch, FIELD_EXTRA, s->key, yes);
		return SS_SET;
	}
	return SS_WRONG;
}

static enum ss_outcome set_ip(struct parse *p, const struct ss_step *s, str v)
{
	struct ip ip;
	if (v.n == 0 || str_eq(v, STR("0.0.0.0")))
		return SS_NONE;
	if (str_has(v, '/'))
		return SS_WRONG;
	if (s->field == FIELD_EXTRA)
		return ip_parse(str_trim(v), &ip) ? set_text(p, s, v) : SS_WRONG;
	if (!ip_parse(v, &ip))
		return set_text(p, s, v);
	batch_set_ip(p->batch, s->field, &ip);
	return SS_SET;
}

static enum ss_outcome set_net(struct parse *p, const struct ss_step *s, str v)
{
	return str_has(v, '/') ? set_text(p, s, v) : SS_NONE;
}

/* "Wed, 10 Feb 2010 00:00:00 GMT" (RFC 9110), as the servers that are scanned say it. */
static bool http_date(str v, int64_t *us_out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char iso[24];
	str_cut(&v, ' ');
	str day = str_cut(&v, ' '), month = str_cut(&v, ' '), year = str_cut(&v, ' ');
	str time = str_cut(&v, ' ');
	if (day.n != 2 || month.n != 3 || year.n != 4 || time.n != 8 || !str_eq(v, STR("GMT")))
		return false;
	size_t at = str_find(STR(months), month);
	if (at % 3 != 0 || at >= sizeof(months) - 1)
		return false;
	(void)snprintf(iso, sizeof(iso), STR_FMT "-%02zu-" STR_FMT "T" STR_FMT "Z", STR_ARG(year),
		       at / 3 + 1, STR_ARG(day), STR_ARG(time));
	return time_parse(str_of(iso), false, us_out);
}

static enum ss_outcome set_date(struct parse *p, const struct ss_step *s, str v)
{
	int64_t us;
	char text[40];
	v = str_trim(v);
	if (v.n == 0)
		return SS_NONE;
	if (!time_parse(v, true, &us) && !http_date(v, &us))
		return SS_WRONG;
	return set_text(p, s, time_str(text, us));
}

/* --- CVE numbers --- */

static size_t digits_at(str s, size_t at)
{
	size_t n = 0;
	while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
		n++;
	return n;
}

/* Length of "cve-2021-44228" at `at`, or 0. */
static size_t cve_at(str s, size_t at)
{
	if (!str_starts_nocase(str_from(s, at), STR("cve-")))
		return 0;
	size_t year = digits_at(s, at + 4);
	if (year != 4 || at + 8 >= s.n || s.p[at + 8] != '-')
		return 0;
	size_t number = digits_at(s, at + 9);
	return number && number <= CVE_LONGEST - 10 ? 9 + number : 0;
}

/* Puts `cve` where it belongs among those that are sorted already. */
static size_t insert_sorted(str *cves, size_t n, str cve)
{
	size_t at = n;
	while (at > 0 && str_cmp(cve, cves[at - 1]) < 0)
		at--;
	if (at > 0 && str_eq(cve, cves[at - 1]))
		return n;
	memmove(cves + at + 1, cves + at, (n - at) * sizeof(*cves));
	cves[at] = cve;
	return n + 1;
}

static enum ss_outcome set_cves(struct parse *p, const struct ss_step *s, str v)
{
	str cves[CVES_MAX + 1];
	size_t count = 0, n = 0;
	for (size_t i = 0; i + 8 < v.n && count < CVES_MAX; i += n ? n : 1) {
		n = (v.p[i] | 0x20) == 'c' ? cve_at(v, i) : 0;
		if (n)
			count = insert_sorted(cves, count, str_head(str_from(v, i), n));
	}
	if (count == 0)
		return SS_NONE;
	char *text = arena_alloc(p->record, count * (CVE_LONGEST + 1)), *to = text;
	for (size_t i = 0; i < count; i++) {
		if (i)
			*to++ = ';';
		memcpy(to, "CVE", 3);
		memcpy(to + 3, cves[i].p + 3, cves[i].n - 3);
		to += cves[i].n;
	}
	return set_text(p, s, str_mem(text, (size_t)(to - text)));
}

/* --- several columns --- */

/* The path of "GET /path HTTP/1.1" or of a whole URL. */
static str only_path(str v)
{
	v = str_from(v, str_index(v, '/'));
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == ' ' || (v.p[i] >= '\t' && v.p[i] <= '\r'))
			return str_head(v, i);
	return v;
}

static enum ss_outcome set_url(struct parse *p, const struct ss_step *s, str v, const str *fields,
			       const struct ss_beside *b)
{
	str host = b->host >= 0 ? fields[b->host] : STR("");
	str path = b->path >= 0 ? fields[b->path] : STR("");
	if (!host.n || !path.n)
		return set_text(p, s, v);
	str scheme = b->application >= 0 ? fields[b->application] : STR("");
	if (!str_eq(scheme, STR("https")))
		scheme = STR("http");
	path = only_path(path);
	size_t n = scheme.n + 3 + host.n + path.n;
	char *url = arena_alloc(p->record, n), *to = url;
	const str parts[] = { scheme, STR("://"), host, path };
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (parts[i].n)
			memcpy(to, parts[i].p, parts[i].n);
		to += parts[i].n;
	}
	return set_text(p, s, str_mem(url, n));
}

static bool is_base64(str v)
{
	size_t n = v.n;
	while (n && v.n - n < 2 && v.p[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		char c = v.p[i], low = (char)(c | 0x20);
		if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/'))
			return false;
	}
	return v.n % 4 == 0;
}

static enum ss_outcome set_base64(struct parse *p, const struct ss_step *s, str v)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	if (v.n == 0 || is_base64(v))
		return set_text(p, s, v);
	size_t n = (v.n + 2) / 3 * 4;
	char *text = arena_alloc(p->record, n), *to = text;
	for (size_t i = 0; i < v.n; i += 3) {
		uint32_t bits = 0;
		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (i + k < v.n ? (unsigned char)v.p[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			*to++ = i + k > v.n ? '=' : letters[bits >> (18 - 6 * k) & 63];
	}
	return set_text(p, s, str_mem(text, n));
}

static enum ss_outcome set_by_webshell(struct parse *p, const struct ss_step *s, str tags,
				       str shell, str else_)
{
	return set_text(p, s, str_find(tags, STR("webshell")) < tags.n ? shell : else_);
}

static enum ss_outcome set_constant(struct parse *p, const struct ss_step *s)
{
	if (!s->ready)
		return set_text(p, s, s->value);
	batch_set_text(p->batch, s->field, s->key, s->value);
	return SS_SET;
}

enum ss_outcome ss_convert(struct parse *p, const struct ss_step *s, const str *fields,
			   const struct ss_beside *b)
{
	enum ss_conversion how = s->conversion;
	str v = how < SS_CONSTANT ? fields[s->column] : STR("");
	switch (how) {
	case SS_PLAIN:
		return set_text(p, s, v);
	case SS_TEXT:
		return says_none(v) ? SS_NONE : set_text(p, s, v);
	case SS_INT:
		return set_whole(p, s, v, true);
	case SS_COUNT:
		return set_whole(p, s, v, false);
	case SS_FLOAT:
		return set_float(p, s, v);
	case SS_BOOL:
		return set_bool(p, s, v);
	case SS_TIME:
	case SS_FQDN:
		return set_text(p, s, v);
	case SS_IP:
		return set_ip(p, s, v);
	case SS_NET:
		return set_net(p, s, v);
	case SS_URL:
		return set_url(p, s, v, fields, b);
	case SS_DATE:
	case SS_DATE_UTC:
		return set_date(p, s, v);
	case SS_CVE:
		return set_cves(p, s, v);
	case SS_CATEGORY:
		v = says_none(v) && b->detail >= 0 ? fields[b->detail] : v;
		return says_none(v) ? SS_NONE : set_text(p, s, v);
	case SS_BASE64:
		return set_base64(p, s, v);
	case SS_EXCHANGE_TAXONOMY:
		return set_by_webshell(p, s, v, STR("intrusions"), STR("vulnerable"));
	case SS_EXCHANGE_TYPE:
		return set_by_webshell(p, s, v, STR("system-compromise"), STR("vulnerable-system"));
	case SS_EXCHANGE_IDENTIFIER:
		return set_by_webshell(p, s, v, STR("exchange-server-webshell"),
				       STR("vulnerable-exchange-server"));
	case SS_CONSTANT:
	case SS_DEFAULT:
		return set_constant(p, s);
	}
	return SS_NONE;
}
