/* SPDX-License-Identifier: Apache-2.0 */
/* One function a type of field, each from trimmed text to a cell. What it does
 * not understand it refuses; a marking it does not understand becomes RED. */
#include <math.h>

#include "base/clock.h"
#include "base/json.h"
#include "event/batch_private.h"
#include "event/normalise_private.h"

static enum rc bad(struct err *err, enum field f, str text, const char *what)
{
	str head = str_head(text, 80);
	return fail(err, RC_INPUT, "%s: '" STR_FMT "' is %s", field_row(f)->name, STR_ARG(head),
		    what);
}

static bool all_digits(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* The rarer writings of an address: %zone, /32, /128, an IPv4 address as one number. */
static bool ip_other(str text, struct ip *ip)
{
	uint32_t v;
	if (all_digits(text) && str_to_u32(text, &v)) {
		const uint8_t b[16] = { [10] = 0xff, [11] = 0xff,
					[12] = (uint8_t)(v >> 24), [13] = (uint8_t)(v >> 16),
					[14] = (uint8_t)(v >> 8), [15] = (uint8_t)v };
		memcpy(ip->b, b, sizeof(b));
		return true;
	}
	bool six = str_has(text, ':');
	str whole = six ? STR("/128") : STR("/32");
	if (str_ends(text, whole))
		text.n -= whole.n;
	return ip_parse(six ? str_head(text, str_index(text, '%')) : text, ip);
}

static enum rc set_ip(struct batch *b, enum field f, str text, struct err *err)
{
	static const uint8_t none[16] = { [10] = 0xff, [11] = 0xff };
	struct ip ip;
	if ((!ip_parse(text, &ip) && !ip_other(text, &ip)) || memcmp(ip.b, none, 16) == 0)
		return bad(err, f, text, "no address");
	batch_set_ip(b, f, &ip);
	return RC_OK;
}

static enum rc set_net(struct batch *b, enum field f, str text, struct err *err)
{
	struct net net;
	if (!net_parse(text, false, &net))
		return bad(err, f, text, "no network");
	batch_set_net(b, f, &net);
	return RC_OK;
}

static enum rc set_fqdn(struct batch *b, enum field f, str text, struct err *err)
{
	char name[FQDN_SIZE];
	size_t n = fqdn_put(text, name);
	if (n == 0)
		return bad(err, f, text, "no host name");
	batch_set_text(b, f, STR_NONE, str_mem(name, n));
	return RC_OK;
}

static enum rc set_url(struct batch *b, enum field f, str text, struct err *err)
{
	size_t mend = 0, n;
	str path;
	if (url_file(text, &path)) {
		struct buf whole = BUF_INIT(KIB(65));
		buf_add(&whole, STR("file://localhost"));
		buf_add(&whole, path);
		batch_set_text(b, f, STR_NONE, buf_str(&whole));
		buf_free(&whole);
		return RC_OK;
	}
	if (!url_check(text, &mend))
		return bad(err, f, text, "no URL with a host");
	batch_set_text(b, f, STR_NONE, text);
	unsigned char *p = batch_newest_text(b, &n);
	if (p && mend)
		memcpy(p, "http", mend);
	return RC_OK;
}

/* Seconds or milliseconds since 1970, as machines write them. */
static bool epoch(str text, int64_t *us_out)
{
	str whole = str_head(text, str_index(text, '.'));
	double fraction = 0;
	uint64_t v;
	if (!all_digits(whole) || !str_to_u64(whole, &v))
		return false;
	if (whole.n == 13 && text.n == 13) {
		*us_out = (int64_t)v * 1000;
		return true;
	}
	if (whole.n < 9 || whole.n > 10)
		return false;
	if (whole.n < text.n) {
		str digits = str_from(text, whole.n + 1);
		if (!all_digits(digits) || digits.n > 9 ||
		    !str_to_double(str_from(text, whole.n), &fraction))
			return false;
	}
	*us_out = (int64_t)v * SECOND_US + (int64_t)(fraction * 1e6);
	return true;
}

static enum rc set_time(struct batch *b, enum field f, str text, struct err *err)
{
	int64_t us;
	if ((!time_parse(text, true, &us) && !epoch(text, &us)) || us < 0 || us >= BATCH_TIME_END)
		return bad(err, f, text, "no time");
	batch_set_time(b, f, us);
	return RC_OK;
}

static enum rc set_asn(struct batch *b, enum field f, str text, struct err *err)
{
	uint32_t asn;
	str digits = str_starts_nocase(text, STR("AS")) ? str_trim(str_from(text, 2)) : text;
	if (!str_to_u32(digits, &asn) || asn == 0)
		return bad(err, f, text, "no AS number");
	batch_set_int(b, f, STR_NONE, asn);
	return RC_OK;
}

static enum rc set_int(struct batch *b, enum field f, str text, struct err *err)
{
	int64_t v;
	bool port = f == FIELD_SOURCE_PORT || f == FIELD_DESTINATION_PORT;
	if (!str_to_i64(text, &v))
		return bad(err, f, text, "no whole number");
	if (port && (v < 0 || v > UINT16_MAX))
		return bad(err, f, text, "no port");
	batch_set_int(b, f, STR_NONE, v);
	return RC_OK;
}

static enum rc set_float(struct batch *b, enum field f, str text, struct err *err)
{
	double v;
	bool accuracy = field_row(f)->type == FT_ACCURACY;
	if (!str_to_double(text, &v) || !isfinite(v))
		return bad(err, f, text, "no number");
	if (accuracy && (v < 0 || v > 100))
		return bad(err, f, text, "no accuracy of 0 to 100");
	batch_set_float(b, f, STR_NONE, v);
	return RC_OK;
}

static enum rc set_bool(struct batch *b, enum field f, str text, struct err *err)
{
	static const str yes[] = { STR_INIT("true"), STR_INIT("1"), STR_INIT("yes") };
	static const str no[] = { STR_INIT("false"), STR_INIT("0"), STR_INIT("no") };
	for (size_t i = 0; i < COUNT_OF(yes); i++) {
		bool is = str_eq_nocase(text, yes[i]);
		if (is || str_eq_nocase(text, no[i])) {
			batch_set_bool(b, f, STR_NONE, is);
			return RC_OK;
		}
	}
	return bad(err, f, text, "neither true nor false");
}

static enum rc set_registry(struct batch *b, enum field f, str text, struct err *err)
{
	static const str known[][2] = {
		{ STR_INIT("AFRINIC"), STR_INIT("AFRINIC") }, { STR_INIT("APNIC"), STR_INIT("APNIC") },
		{ STR_INIT("ARIN"), STR_INIT("ARIN") },	      { STR_INIT("LACNIC"), STR_INIT("LACNIC") },
		{ STR_INIT("RIPE"), STR_INIT("RIPE") },	      { STR_INIT("RIPENCC"), STR_INIT("RIPE") },
		{ STR_INIT("RIPE-NCC"), STR_INIT("RIPE") },
	};
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (str_eq_nocase(text, known[i][0])) {
			batch_set_text(b, f, STR_NONE, known[i][1]);
			return RC_OK;
		}
	}
	return bad(err, f, text, "no registry");
}

static enum rc set_tlp(struct batch *b, enum field f, str text)
{
	enum tlp tlp;
	if (!tlp_parse(text, &tlp))
		tlp = TLP_RED; /* there is a marking, we do not know it: the strictest */
	batch_set_int(b, f, STR_NONE, tlp);
	return RC_OK;
}

static enum rc set_severity(struct batch *b, enum field f, str text, struct err *err)
{
	static const str names[] = { STR_INIT("info"), STR_INIT("low"), STR_INIT("medium"),
				     STR_INIT("high"), STR_INIT("critical") };
	int rank = severity_rank(text);
	if (rank < 0)
		return bad(err, f, text, "no severity");
	batch_set_text(b, f, STR_NONE, names[rank]);
	return RC_OK;
}

/* Values of a fixed list: what it is in our words, or empty. */
static enum rc set_word(struct batch *b, enum field f, str word, str text, struct err *err)
{
	if (word.n == 0)
		return bad(err, f, text, "not in the taxonomy");
	batch_set_text(b, f, STR_NONE, word);
	return RC_OK;
}

static bool is_base64(str s)
{
	size_t n = s.n;
	while (n && s.n - n < 2 && s.p[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		char c = s.p[i];
		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/'))
			return false;
	}
	return s.n % 4 == 0;
}

static enum rc set_json(struct batch *b, enum field f, str text, struct err *err)
{
	struct json_object *o;
	enum rc rc = json_read(text, &o, err);
	if (rc != RC_OK)
		return RC_INPUT;
	json_free(o);
	batch_set_json(b, f, STR_NONE, text);
	return RC_OK;
}

static void newest_to_case(struct batch *b, char from, char to)
{
	size_t n;
	unsigned char *p = batch_newest_text(b, &n);
	for (size_t i = 0; p && i < n; i++)
		if (p[i] >= from && p[i] <= from + 25)
			p[i] = (unsigned char)(p[i] - from + to);
}

/* "8-4-4-4-12" of letters and digits. */
static bool is_uuid(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? c != '-' :
			   !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
			return false;
	}
	return s.n == 36;
}

static bool is_alnum_or(str s, const char *also)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) &&
		    (c == '\0' || !strchr(also, c)))
			return false;
	}
	return true;
}

/* The few text fields that have a form. */
static bool has_its_form(enum field f, str text)
{
	switch (f) {
	case FIELD_SOURCE_GEOLOCATION_CC:
	case FIELD_DESTINATION_GEOLOCATION_CC:
	case FIELD_SOURCE_GEOLOCATION_CYMRU_CC:
	case FIELD_SOURCE_GEOLOCATION_GEOIP_CC:
		return text.n == 2 && is_alnum_or(text, "");
	case FIELD_MISP_EVENT_UUID:
	case FIELD_MISP_ATTRIBUTE_UUID:
		return is_uuid(text);
	case FIELD_EVENT_HASH:
		return is_alnum_or(text, "./");
	case FIELD_PROTOCOL_TRANSPORT:
		return is_alnum_or(text, "+-./");
	default:
		return true;
	}
}

static bool too_long(const struct field_row *row, str text)
{
	size_t n = 0;
	if (!row->longest || text.n <= row->longest)
		return false;
	for (size_t i = 0; i < text.n; i++)
		n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return n > row->longest;
}

static enum rc set_string(struct batch *b, enum field f, str text, struct err *err)
{
	const struct field_row *row = field_row(f);
	if (too_long(row, text))
		return bad(err, f, text, "too long");
	if (!has_its_form(f, text))
		return bad(err, f, text, "not of its form");
	batch_set_text(b, f, STR_NONE, text);
	if (row->type == FT_LOWER)
		newest_to_case(b, 'A', 'a');
	else if (row->type == FT_UPPER)
		newest_to_case(b, 'a', 'A');
	return RC_OK;
}

/* "", "-" and "N/A" mean that there is no value. */
static bool no_value(str text)
{
	return text.n == 0 || (text.n == 1 && text.p[0] == '-') ||
	       (text.n == 3 && memcmp(text.p, "N/A", 3) == 0);
}

enum rc event_set(struct batch *b, enum field f, str text, struct err *err)
{
	text = str_trim_all(text);
	if (no_value(text))
		return RC_OK;
	switch (field_row(f)->type) {
	case FT_TEXT:
	case FT_LOWER:
	case FT_UPPER: return set_string(b, f, text, err);
	case FT_IP: return set_ip(b, f, text, err);
	case FT_NET: return set_net(b, f, text, err);
	case FT_FQDN: return set_fqdn(b, f, text, err);
	case FT_URL: return set_url(b, f, text, err);
	case FT_TIME: return set_time(b, f, text, err);
	case FT_ASN: return set_asn(b, f, text, err);
	case FT_INT: return set_int(b, f, text, err);
	case FT_ACCURACY:
	case FT_FLOAT: return set_float(b, f, text, err);
	case FT_BOOL: return set_bool(b, f, text, err);
	case FT_REGISTRY: return set_registry(b, f, text, err);
	case FT_TLP: return set_tlp(b, f, text);
	case FT_TAXONOMY: return set_word(b, f, taxonomy_canonical(text), text, err);
	case FT_TYPE: return set_word(b, f, type_canonical(text), text, err);
	case FT_SEVERITY: return set_severity(b, f, text, err);
	case FT_JSON: return set_json(b, f, text, err);
	case FT_BASE64:
		if (!is_base64(text))
			return bad(err, f, text, "no base64");
		batch_set_text(b, f, STR_NONE, text);
		return RC_OK;
	case FT_CONCERNS: break;
	}
	return bad(err, f, text, "not for a report to say");
}

enum rc event_set_extra(struct batch *b, str key, str text, struct err *err)
{
	if (key.n == 0 || key.n > EXTRA_KEY_MAX)
		return fail(err, RC_INPUT, "the name of an extra field has 1 to %d bytes",
			    EXTRA_KEY_MAX);
	text = str_trim_all(text);
	if (!no_value(text))
		batch_set_text(b, FIELD_EXTRA, key, text);
	return RC_OK;
}

enum rc event_set_named(struct batch *b, str name, str text, struct err *err)
{
	enum field f;
	if (field_find(name, &f) && field_row(f)->class != FIELD_OURS)
		return event_set(b, f, text, err);
	if (str_starts(name, STR("extra.")))
		name = str_from(name, 6);
	return event_set_extra(b, name, text, err);
}

void event_complete_class(struct batch *b)
{
	bool type = batch_row_has(b, FIELD_CLASSIFICATION_TYPE);
	if (batch_row_has(b, FIELD_CLASSIFICATION_TAXONOMY))
		return;
	str taxonomy = STR("other");
	if (type) {
		taxonomy = type_taxonomy(batch_open_text(b, FIELD_CLASSIFICATION_TYPE));
		if (taxonomy.n == 0)
			return;
	} else {
		batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("undetermined"));
	}
	batch_set_text(b, FIELD_CLASSIFICATION_TAXONOMY, STR_NONE, taxonomy);
}

void url_defang(struct buf *out, str url)
{
	if (str_starts_nocase(url, STR("http"))) {
		buf_add(out, STR("hxxp"));
		url = str_from(url, 4);
	}
	for (size_t i = 0; i < url.n; i++) {
		if (url.p[i] == '.')
			buf_add(out, STR("[.]"));
		else
			buf_char(out, url.p[i]);
	}
}
