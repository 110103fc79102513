/* SPDX-License-Identifier: Apache-2.0 */
/* One value: from JSON and from text as people type it, into its one form. */
#include <json-c/json.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/uuid.h"
#include "event/normalise.h"
#include "record/codes.h"
#include "record/kind_private.h"

#define BRIEF(s) STR_ARG(text_brief((s), 60))

static enum rc no(struct err *why, str s, const char *what)
{
	return fail(why, RC_INPUT, "'" STR_FMT "' is no %s", BRIEF(s), what);
}

/* Marks that turn the direction of the text behind them (Unicode 9 annex 9, explicit
 * formatting): a name with one reads as another. */
static bool turns_text(str s)
{
	for (size_t i = 0; i + 2 < s.n; i++) {
		const unsigned char *p = (const unsigned char *)s.p + i;
		if (p[0] == 0xe2 && ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) ||
				     (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
			return true;
	}
	return false;
}

static enum rc text_size(const struct type_field *f, str s, struct err *why)
{
	size_t n = s.n <= f->longest ? s.n : text_characters(s);
	if (n > f->longest)
		return fail(why, RC_LIMIT, "%zu characters, at most %llu are taken", n,
			    (unsigned long long)f->longest);
	return RC_OK;
}

static enum rc put_text(const struct type_field *f, str s, struct buf *out, struct err *why)
{
	if (!str_is_utf8(s) || !str_is_plain(s))
		return fail(why, RC_INPUT, "has a line end, a control character or no valid UTF-8");
	if (turns_text(s))
		return fail(why, RC_INPUT, "has an invisible mark that turns the direction of text");
	buf_add(out, s);
	return text_size(f, s, why);
}

static enum rc put_long(const struct type_field *f, str s, struct buf *out, struct err *why)
{
	if (s.n > 4 * (size_t)KIND_LONG_MOST)
		return fail(why, RC_LIMIT, "longer than %llu characters", (unsigned long long)f->longest);
	if (!str_is_utf8(s))
		return fail(why, RC_INPUT, "is no valid UTF-8");
	size_t from = out->n;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool crlf = c == '\r' && i + 1 < s.n && s.p[i + 1] == '\n';
		if (crlf)
			continue;
		if (((unsigned char)c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			return fail(why, RC_INPUT, "has a control character");
		buf_char(out, c);
	}
	return text_size(f, str_from(buf_str(out), from), why);
}

static enum rc put_time(str s, struct buf *out, struct err *why)
{
	int64_t us = 0;
	char text[40];
	if (!time_parse(s, true, &us))
		return no(why, s, "time, say 2026-11-22T02:45:29Z or 2026-11-22 09:45 +07:00");
	str t = time_str(text, us);
	buf_add(out, str_head(t, t.n - 6)); /* "+00:00" */
	buf_char(out, 'Z');
	return RC_OK;
}

static enum rc put_choice(const struct type_field *f, str s, struct buf *out, struct err *why)
{
	struct buf names = BUF_INIT(KIB(64));
	for (size_t i = 0; i < f->choice_count; i++) {
		if (str_eq(s, str_of(f->choices[i].name))) {
			buf_add(out, s);
			buf_free(&names);
			return RC_OK;
		}
		buf_fmt(&names, "%s%s", i ? ", " : "", f->choices[i].name);
	}
	enum rc rc = fail(why, RC_INPUT, "'" STR_FMT "' is none of " STR_FMT, BRIEF(s),
			  STR_ARG(buf_str(&names)));
	buf_free(&names);
	return rc;
}

static enum rc put_reference(const struct type_field *f, str s, struct buf *out, struct err *why)
{
	size_t at = str_find(s, STR("--"));
	struct uuid id;
	str type = str_head(s, at);
	if (at == s.n || type.n == 0 || type.n > TYPE_NAME_MAX || !uuid_parse(str_from(s, at + 2), &id))
		return no(why, s, "reference, say TYPE--UUID");
	for (size_t i = 0; i < type.n; i++)
		if (!((type.p[i] >= 'a' && type.p[i] <= 'z') || type.p[i] == '-' ||
		      (i && type.p[i] >= '0' && type.p[i] <= '9')))
			return no(why, s, "reference, say TYPE--UUID");
	if (f->refers_to && !str_eq(type, str_of(f->refers_to)))
		return fail(why, RC_INPUT, "'" STR_FMT "' must refer to a record of type '%s'", BRIEF(s),
			    f->refers_to);
	buf_add(out, type);
	buf_add(out, STR("--"));
	uuid_format(out, &id);
	return RC_OK;
}

static enum rc put_network(str s, struct buf *out, struct err *why)
{
	struct net net;
	char text[56];
	if (net_parse(s, true, &net)) {
		net_format(out, &net);
		return RC_OK;
	}
	if (net_parse(s, false, &net))
		return fail(why, RC_INPUT, "'" STR_FMT "' has bits behind its prefix, the network is " STR_FMT,
			    BRIEF(s), STR_ARG(net_str(text, &net)));
	return no(why, s, "address or network");
}

/* MD5, SHA-1, SHA-224, -256, -384, -512 by their length; "sha256:" before it is left out. */
static enum rc put_hash(str s, struct buf *out, struct err *why)
{
	static const unsigned char lengths[] = { 32, 40, 56, 64, 96, 128 };
	uint8_t bytes[64];
	if (str_has(s, ':'))
		str_cut(&s, ':');
	for (size_t i = 0; i < COUNT_OF(lengths); i++)
		if (s.n == lengths[i] && hex_parse(s, bytes, s.n / 2)) {
			hex_format(out, bytes, s.n / 2);
			return RC_OK;
		}
	return no(why, s, "digest: hex digits as of MD5, SHA-1, SHA-256 or SHA-512");
}

static enum rc put_asn(str s, struct buf *out, struct err *why)
{
	uint32_t asn = 0;
	str digits = str_starts_nocase(s, STR("AS")) ? str_from(s, 2) : s;
	if (!str_to_u32(digits, &asn) || asn == 0)
		return no(why, s, "AS number, say AS64500");
	buf_fmt(out, "AS%u", asn);
	return RC_OK;
}

static enum rc put_name(const struct type_field *f, str s, struct buf *out, struct err *why)
{
	struct arena *a = arena_new(KIB(1));
	str normal = STR_NONE;
	bool url = f->kind == KIND_URL;
	bool ok = s.n <= (url ? (size_t)KIND_URL_MOST : 1000) &&
		  (url ? url_normalise(s, a, &normal) : fqdn_normalise(s, a, &normal)) &&
		  str_is_utf8(normal);
	if (ok)
		buf_add(out, normal);
	arena_free(a);
	return ok ? RC_OK : no(why, s, url ? "URL with a host" : "domain name");
}

static enum rc put_code(const struct type_field *f, str s, struct buf *out, struct err *why)
{
	char cc[2] = { 0 };
	if (f->kind == KIND_LANGUAGE) {
		struct buf tag = BUF_INIT(64);
		bool ok = code_language(s, &tag);
		if (ok)
			buf_add(out, buf_str(&tag));
		buf_free(&tag);
		return ok ? RC_OK : no(why, s, "language, say id, en or zh-Hant");
	}
	for (size_t i = 0; i < 2 && s.n == 2; i++)
		cc[i] = (char)(s.p[i] >= 'a' && s.p[i] <= 'z' ? s.p[i] - 32 : s.p[i]);
	if (!code_country(str_mem(cc, s.n == 2 ? 2 : 0)))
		return no(why, s, "country of ISO 3166-1, say ID");
	buf_add(out, str_mem(cc, 2));
	return RC_OK;
}

/* The one form of a value that JSON has as a string; `s` is trimmed and not empty. */
static enum rc put_string(const struct type_field *f, str s, struct buf *out, struct err *why)
{
	int64_t v = 0;
	struct ip ip;
	switch (f->kind) {
	case KIND_TEXT: return put_text(f, s, out, why);
	case KIND_SECRET:
		return put_text(&(struct type_field){ .longest = KIND_TEXT_MOST }, s, out, why);
	case KIND_LONG: return put_long(f, s, out, why);
	case KIND_DATE:
		if (!date_parse(s, &v))
			return no(why, s, "date, say 2026-11-22");
		buf_add(out, s);
		return RC_OK;
	case KIND_TIME: return put_time(s, out, why);
	case KIND_DURATION:
		if (!iso_duration_parse(s, &v))
			return no(why, s, "duration, say PT4H or P3D");
		iso_duration_format(out, v);
		return RC_OK;
	case KIND_COUNTRY:
	case KIND_LANGUAGE: return put_code(f, s, out, why);
	case KIND_CHOICE: return put_choice(f, s, out, why);
	case KIND_REFERENCE:
	case KIND_PERSON: return put_reference(f, s, out, why);
	case KIND_ADDRESS:
		if (!ip_parse(s, &ip))
			return no(why, s, "address, say 192.0.2.7 or 2001:db8::7");
		ip_format(out, &ip);
		return RC_OK;
	case KIND_NETWORK: return put_network(s, out, why);
	case KIND_ASN: return put_asn(s, out, why);
	case KIND_DOMAIN:
	case KIND_URL: return put_name(f, s, out, why);
	case KIND_HASH: return put_hash(s, out, why);
	case KIND_NUMBER:
	case KIND_MONEY:
	case KIND_FLAG:
	case KIND_FILE:
	case KIND_ROWS:
	case KINDS: break;
	}
	return fail(why, RC_INPUT, "is no %s", kind_name(f->kind));
}

static enum rc put_number(const struct type_field *f, str s, struct json_out *out, struct err *why)
{
	int64_t v = 0;
	struct buf b = BUF_INIT(64), bound = BUF_INIT(64);
	if (!decimal_parse(s, f->decimals, &v))
		return f->decimals ? fail(why, RC_INPUT, "'" STR_FMT "' is no number of at most %u decimals",
					  BRIEF(s), f->decimals) :
				     no(why, s, "whole number");
	if (v < f->least || v > f->most) {
		bool low = v < f->least;
		decimal_format(&bound, low ? f->least : f->most, f->decimals, false);
		enum rc rc = fail(why, RC_INPUT, "'" STR_FMT "' is %s than " STR_FMT, BRIEF(s),
				  low ? "less" : "more", STR_ARG(buf_str(&bound)));
		buf_free(&bound);
		return rc;
	}
	decimal_format(&b, v, f->decimals, false);
	json_raw(out, buf_str(&b));
	buf_free(&b);
	return RC_OK;
}

static enum rc put_money(str amount, str currency, struct json_out *out, struct err *why)
{
	int digits = code_currency(currency);
	int64_t v = 0;
	struct buf b = BUF_INIT(64);
	if (digits < 0)
		return no(why, currency, "currency of ISO 4217, say IDR");
	if (!decimal_parse(amount, (unsigned)digits, &v))
		return fail(why, RC_INPUT, "'" STR_FMT "' is no amount of " STR_FMT " with at most %d decimals",
			    BRIEF(amount), BRIEF(currency), digits);
	decimal_format(&b, v, (unsigned)digits, true);
	json_open(out, '{');
	json_put_str(out, "amount", buf_str(&b));
	json_put_str(out, "currency", currency);
	json_close(out, '}');
	buf_free(&b);
	return RC_OK;
}

static enum rc check_file(struct json_object *v, struct json_out *out, struct err *why)
{
	str digest = json_get_str(v, "digest"), name = json_get_str(v, "name");
	int64_t bytes = -1;
	uint8_t d[32];
	struct buf hex = BUF_INIT(80);
	if (json_object_object_length(v) != 3 || !hex_parse(digest, d, sizeof(d)) ||
	    !json_get_i64(v, "bytes", &bytes) || bytes < 0)
		return fail(why, RC_INPUT, "a file is {\"digest\": SHA-256, \"name\": text, \"bytes\": number}");
	if (bytes > (int64_t)KIND_FILE_MOST)
		return fail(why, RC_LIMIT, "a file may have 16 MiB, this has %lld bytes", (long long)bytes);
	if (name.n == 0 || text_characters(name) > KIND_FILE_NAME_MOST || !str_is_plain(name) ||
	    turns_text(name) || str_has(name, '/') || str_has(name, '\\') || name.p[0] == '.')
		return fail(why, RC_INPUT, "'" STR_FMT "' is no name for a file: no folders, no dot in front",
			    BRIEF(name));
	hex_format(&hex, d, sizeof(d));
	json_open(out, '{');
	json_put_str(out, "digest", buf_str(&hex));
	json_put_str(out, "name", name);
	json_put_i64(out, "bytes", bytes);
	json_close(out, '}');
	buf_free(&hex);
	return RC_OK;
}

static enum rc check_string(const struct type_field *f, str s, struct json_out *out, struct err *why)
{
	struct buf b = BUF_INIT(MIB(1));
	str trimmed = f->kind == KIND_SECRET ? s : str_trim_all(s);
	enum rc rc = RC_OK;
	if (trimmed.n == 0) {
		json_null(out);
		return RC_OK;
	}
	rc = put_string(f, trimmed, &b, why);
	if (rc == RC_OK)
		json_str(out, buf_str(&b));
	buf_free(&b);
	return rc;
}

enum rc value_check(const struct type_field *f, struct json_object *v, struct json_out *out,
		    struct err *why)
{
	switch (f->kind) {
	case KIND_NUMBER:
		if (!json_object_is_type(v, json_type_int) && !json_object_is_type(v, json_type_double))
			return fail(why, RC_INPUT, "must be a number");
		return put_number(f, str_of(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN)), out,
				  why);
	case KIND_FLAG:
		if (!json_object_is_type(v, json_type_boolean))
			return fail(why, RC_INPUT, "must be true or false");
		json_flag(out, json_object_get_boolean(v));
		return RC_OK;
	case KIND_MONEY:
		if (!json_object_is_type(v, json_type_object) || json_object_object_length(v) != 2)
			return fail(why, RC_INPUT, "money is {\"amount\": \"12.50\", \"currency\": \"IDR\"}");
		return put_money(json_get_str(v, "amount"), json_get_str(v, "currency"), out, why);
	case KIND_FILE:
		if (!json_object_is_type(v, json_type_object))
			return fail(why, RC_INPUT, "must be a file");
		return check_file(v, out, why);
	default:
		if (!json_object_is_type(v, json_type_string))
			return fail(why, RC_INPUT, "must be a text");
		return check_string(f, json_text(v), out, why);
	}
}

/* --- as people type --- */

/* "192.0.2[.]7", "hxxp" and kin: written so that nobody clicks. */
static str unfang(str s, struct buf *b)
{
	for (size_t i = 0; i < s.n; i++) {
		bool boxed = i + 2 < s.n && ((s.p[i] == '[' && s.p[i + 2] == ']') ||
					     (s.p[i] == '(' && s.p[i + 2] == ')'));
		if (boxed && (s.p[i + 1] == '.' || s.p[i + 1] == ':'))
			i++;
		buf_char(b, s.p[i]);
		if (boxed && (s.p[i] == '.' || s.p[i] == ':'))
			i++;
	}
	return buf_str(b);
}

/* "1.234.567,50", "1,234,567.50", "1 234": the last mark with one or two digits behind it is the
 * point. One mark with three digits behind it may be either: refused. */
static enum rc plain_number(str s, struct buf *out, struct err *why)
{
	size_t last = s.n, marks = 0;
	bool mixed = false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '.' && s.p[i] != ',')
			continue;
		mixed = mixed || (marks && s.p[i] != s.p[last]);
		last = i;
		marks++;
	}
	if (marks == 1 && s.n - last == 4 && last > 0 && last <= 3 && s.p[0] != '0')
		return fail(why, RC_INPUT, "'" STR_FMT "' may mean two numbers: write it without a mark for "
			    "thousands, or with all decimals", BRIEF(s));
	bool point = marks == 1 || mixed;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == ' ' || ((c == '.' || c == ',') && !(point && i == last)))
			continue;
		buf_char(out, c == ',' ? '.' : c);
	}
	return RC_OK;
}

static enum rc parse_money(str s, struct json_out *out, struct err *why)
{
	char code[3];
	str amount = s, currency = STR_NONE;
	for (int end = 0; end < 2 && s.n > 3; end++) {
		str part = end ? str_from(s, s.n - 3) : str_head(s, 3);
		bool all = true;
		for (size_t i = 0; i < 3; i++) {
			code[i] = (char)(part.p[i] >= 'a' && part.p[i] <= 'z' ? part.p[i] - 32 : part.p[i]);
			all = all && code[i] >= 'A' && code[i] <= 'Z';
		}
		if (all) {
			currency = str_mem(code, 3);
			amount = str_trim(end ? str_head(s, s.n - 3) : str_from(s, 3));
			break;
		}
	}
	if (currency.n == 0)
		return no(why, s, "amount with its currency, say IDR 12.50");
	struct buf b = BUF_INIT(200);
	enum rc rc = plain_number(amount, &b, why);
	if (rc == RC_OK)
		rc = put_money(buf_str(&b), currency, out, why);
	buf_free(&b);
	return rc;
}

static enum rc parse_flag(str s, struct json_out *out, struct err *why)
{
	static const struct { str word; bool yes; } words[] = {
		{ STR_INIT("yes"), true },  { STR_INIT("no"), false },	  { STR_INIT("true"), true },
		{ STR_INIT("false"), false }, { STR_INIT("ya"), true },	  { STR_INIT("tidak"), false },
		{ STR_INIT("on"), true },   { STR_INIT("off"), false },	  { STR_INIT("1"), true },
		{ STR_INIT("0"), false },   { STR_INIT("y"), true },	  { STR_INIT("n"), false },
	};
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq_nocase(s, words[i].word)) {
			json_flag(out, words[i].yes);
			return RC_OK;
		}
	return fail(why, RC_INPUT, "'" STR_FMT "' is neither yes nor no", BRIEF(s));
}

static enum rc parse_choice(const struct type_field *f, str s, struct json_out *out, struct err *why)
{
	for (size_t i = 0; i < f->choice_count; i++) {
		bool same = str_eq_nocase(s, str_of(f->choices[i].name));
		for (const struct words *w = f->choices[i].label; !same && w->language; w++)
			same = str_eq_nocase(s, str_of(w->text));
		if (same)
			return check_string(f, str_of(f->choices[i].name), out, why);
	}
	return check_string(f, s, out, why);
}

static enum rc parse_json(const struct type_field *f, str s, struct json_out *out, struct err *why)
{
	struct json_object *v = NULL;
	if (s.n > KIB(4) || json_read(s, &v, NULL) != RC_OK)
		return no(why, s, kind_name(f->kind));
	enum rc rc = value_check(f, v, out, why);
	json_free(v);
	return rc;
}

enum rc value_parse(const struct type_field *f, str text, str language, struct json_out *out,
		    struct err *why)
{
	str s = str_trim_all(text);
	struct buf b = BUF_INIT(MIB(1));
	enum rc rc = RC_OK;
	int64_t us = 0;
	(void)language;
	switch (f->kind) {
	case KIND_NUMBER:
		if ((rc = plain_number(str_head(s, 100), &b, why)) == RC_OK)
			rc = put_number(f, buf_str(&b), out, why);
		break;
	case KIND_MONEY: rc = parse_money(str_head(s, 100), out, why); break;
	case KIND_FLAG: rc = parse_flag(s, out, why); break;
	case KIND_CHOICE: rc = parse_choice(f, s, out, why); break;
	case KIND_FILE: rc = parse_json(f, s, out, why); break;
	case KIND_DURATION:
		if (s.n && s.p[0] >= '0' && s.p[0] <= '9' && duration_parse(s, &us) &&
		    us <= 365000 * DAY_US) {
			iso_duration_format(&b, us);
			s = buf_str(&b);
		}
		rc = check_string(f, s, out, why);
		break;
	case KIND_ADDRESS:
	case KIND_NETWORK:
	case KIND_DOMAIN:
	case KIND_URL: rc = check_string(f, unfang(str_head(s, MIB(1)), &b), out, why); break;
	default: rc = check_string(f, f->kind == KIND_SECRET ? text : s, out, why);
	}
	buf_free(&b);
	return rc;
}
