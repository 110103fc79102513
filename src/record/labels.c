/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "record/record.h"

enum { LABELS_BYTES = 64 * 1024, TEXT_MOST = 400 };

static const char *const pap_names[PAP_COUNT] = { "CLEAR", "GREEN", "AMBER", "RED" };

/* Without one: what is marked for few is not to be acted on before all eyes. */
static const enum pap pap_usual[TLP_COUNT + 1] = {
	[TLP_CLEAR] = PAP_CLEAR, [TLP_GREEN] = PAP_GREEN, [TLP_AMBER] = PAP_AMBER,
	[TLP_AMBER_STRICT] = PAP_AMBER, [TLP_RED] = PAP_RED, [TLP_COUNT] = PAP_RED,
};

static bool pap_parse(str text, enum pap *out)
{
	if (str_starts_nocase(text, STR("PAP:")))
		text = str_from(text, 4);
	if (str_eq_nocase(text, STR("WHITE")))
		text = STR("CLEAR"); /* as it was called before 2022 */
	for (int i = 0; i < PAP_COUNT; i++)
		if (str_eq_nocase(text, str_of(pap_names[i]))) {
			*out = (enum pap)i;
			return true;
		}
	return false;
}

/* What is read, and what of it cannot be understood. */
struct reading {
	struct arena *a;
	struct labels_of *out;
	str tlp, pap;               /* text as given when not understood */
	struct json_pair *unknown;  /* in the order of their names */
	size_t unknown_count;
	struct err *err;
};

static enum rc wrong(struct reading *r, str name, const char *what)
{
	return fail(r->err, RC_INPUT, "labels: '" STR_FMT "' is %s", STR_ARG(name), what);
}

static enum rc take_text(struct reading *r, const struct json_pair *p, str *out)
{
	if (p->kind == JSON_NULL)
		return RC_OK;
	if (p->kind != JSON_STRING || !str_is_plain(p->value))
		return wrong(r, p->key, "no line of text");
	if (p->value.n > TEXT_MOST)
		return fail(r->err, RC_LIMIT, "labels: '" STR_FMT "' is longer than %d bytes",
			    STR_ARG(p->key), TEXT_MOST);
	*out = arena_str(r->a, p->value);
	return RC_OK;
}

static enum rc take_flag(struct reading *r, const struct json_pair *p, bool *out)
{
	if (p->kind != JSON_TRUE && p->kind != JSON_FALSE && p->kind != JSON_NULL)
		return wrong(r, p->key, "neither true nor false");
	*out = p->kind == JSON_TRUE;
	return RC_OK;
}

static enum rc take_tlp(struct reading *r, const struct json_pair *p)
{
	str text = STR_NONE;
	enum rc rc = take_text(r, p, &text);
	if (rc != RC_OK || !text.p)
		return rc;
	if (!tlp_parse(text, &r->out->tlp)) {
		r->out->tlp = TLP_COUNT;
		r->tlp = text;
	}
	return RC_OK;
}

static enum rc take_pap(struct reading *r, const struct json_pair *p)
{
	str text = STR_NONE;
	enum rc rc = take_text(r, p, &text);
	if (rc != RC_OK || !text.p)
		return rc;
	r->pap = text;
	if (pap_parse(text, &r->out->pap))
		r->pap = str_of(pap_names[r->out->pap]);
	else
		r->out->pap = PAP_COUNT;
	return RC_OK;
}

/* A list of lines of text, at most `most`. */
static enum rc take_list(struct reading *r, const struct json_pair *p, size_t most, str **out,
			 size_t *count_out)
{
	struct json_object *list = NULL;
	*count_out = 0;
	if (p->kind == JSON_NULL)
		return RC_OK;
	if (p->kind != JSON_NEST || json_read(p->value, &list, NULL) != RC_OK || p->value.p[0] != '[') {
		json_free(list);
		return wrong(r, p->key, "no list");
	}
	size_t n = json_count(list);
	enum rc rc = RC_OK;
	if (n > most)
		rc = fail(r->err, RC_LIMIT, "labels: '" STR_FMT "' has more than %zu entries",
			  STR_ARG(p->key), most);
	else
		*out = ARENA_ARRAY(r->a, n + 1, str);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		str text = json_text(json_at(list, i));
		if (!text.n || text.n > TEXT_MOST || !str_is_plain(text))
			rc = wrong(r, p->key, "no list of short lines of text");
		else
			(*out)[(*count_out)++] = arena_str(r->a, text);
	}
	json_free(list);
	return rc;
}

static enum rc take_audience(struct reading *r, const struct json_pair *p)
{
	str *list, type;
	size_t n;
	enum rc rc = take_list(r, p, RECORD_AUDIENCE_MAX, &list, &n);
	if (rc != RC_OK || !n)
		return rc;
	struct uuid *ids = ARENA_ARRAY(r->a, n, struct uuid);
	for (size_t i = 0; i < n; i++)
		if (!record_id_parse(list[i], &type, &ids[i]) || !str_eq(type, STR("organisation")))
			return fail(r->err, RC_INPUT,
				    "labels: '" STR_FMT "' in 'audience' is no organisation--UUID",
				    STR_ARG(list[i]));
	r->out->audience = ids;
	r->out->audience_count = n;
	return RC_OK;
}

static enum rc take_named(struct reading *r, const struct json_pair *p)
{
	str *list;
	size_t n;
	enum rc rc = take_list(r, p, RECORD_NAMED_MAX, &list, &n);
	if (rc == RC_OK && n) {
		r->out->named = list;
		r->out->named_count = n;
	}
	return rc;
}

/* A member of a later ronda, or a mistyped one: nobody knows what it forbids. */
static void take_unknown(struct reading *r, const struct json_pair *p)
{
	size_t at = r->unknown_count++;
	for (; at > 0 && str_cmp(p->key, r->unknown[at - 1].key) < 0; at--)
		r->unknown[at] = r->unknown[at - 1];
	r->unknown[at] = *p;
}

static enum rc take(struct reading *r, const struct json_pair *p)
{
	struct labels_of *l = r->out;
	if (str_eq(p->key, STR("tlp")))
		return take_tlp(r, p);
	if (str_eq(p->key, STR("pap")))
		return take_pap(r, p);
	if (str_eq(p->key, STR("classification")))
		return take_text(r, p, &l->classification);
	if (str_eq(p->key, STR("licence")))
		return take_text(r, p, &l->licence);
	if (str_eq(p->key, STR("exercise")))
		return take_flag(r, p, &l->exercise);
	if (str_eq(p->key, STR("held")))
		return take_flag(r, p, &l->held);
	if (str_eq(p->key, STR("audience")))
		return take_audience(r, p);
	if (str_eq(p->key, STR("named")))
		return take_named(r, p);
	take_unknown(r, p);
	return RC_OK;
}

static void put_text(struct json_out *j, const char *name, str text)
{
	if (text.n)
		json_put_str(j, name, text);
}

/* STR_NONE: longer than what is read again. */
static str canonical(struct reading *r)
{
	struct labels_of *l = r->out;
	struct buf b = BUF_INIT(LABELS_BYTES), id = BUF_INIT(RECORD_ID_BYTES);
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "tlp", r->tlp.p ? r->tlp : str_of(tlp_name(l->tlp)));
	if (r->pap.p) /* also an empty one: it is there, and not understood */
		json_put_str(&j, "pap", r->pap);
	put_text(&j, "classification", l->classification);
	if (l->audience_count) {
		json_key(&j, STR("audience"));
		json_open(&j, '[');
		for (size_t i = 0; i < l->audience_count; i++) {
			buf_reset(&id);
			record_id_format(&id, STR("organisation"), &l->audience[i]);
			json_str(&j, buf_str(&id));
		}
		json_close(&j, ']');
	}
	if (l->named_count) {
		json_key(&j, STR("named"));
		json_open(&j, '[');
		for (size_t i = 0; i < l->named_count; i++)
			json_str(&j, l->named[i]);
		json_close(&j, ']');
	}
	put_text(&j, "licence", l->licence);
	if (l->exercise)
		json_put_bool(&j, "exercise", true);
	if (l->held)
		json_put_bool(&j, "held", true);
	for (size_t i = 0; i < r->unknown_count; i++) {
		static const char *const words[] = { [JSON_NULL] = "null", [JSON_FALSE] = "false",
						     [JSON_TRUE] = "true" };
		const struct json_pair *p = &r->unknown[i];
		json_key(&j, p->key);
		if (p->kind == JSON_STRING)
			json_str(&j, p->value);
		else
			json_raw(&j, p->kind <= JSON_TRUE ? str_of(words[p->kind]) : p->value);
	}
	json_close(&j, '}');
	str text = b.over ? STR_NONE : arena_str(r->a, buf_str(&b));
	buf_free(&b);
	buf_free(&id);
	return text;
}

enum rc labels_parse(str json, struct arena *a, struct labels_of *out, struct err *err)
{
	struct reading r = { .a = a, .out = out, .err = err };
	struct json_pair *pairs = NULL;
	size_t n = 0;
	*out = (struct labels_of){ .tlp = TLP_AMBER, .pap = PAP_AMBER, .classification = STR(""),
				   .licence = STR("") };
	if (json.n > LABELS_BYTES)
		return fail(err, RC_LIMIT, "labels are longer than %d bytes", LABELS_BYTES);
	struct err why = { 0 };
	enum rc rc = json.n ? json_flat(json, a, &pairs, &n, &why) : RC_OK;
	if (rc != RC_OK)
		return fail(err, rc, "labels: %s", why.text);
	r.unknown = ARENA_ARRAY(a, n + 1, struct json_pair);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = take(&r, &pairs[i]);
	if (rc != RC_OK)
		return rc;
	out->json = canonical(&r);
	if (!out->json.p) /* what is escaped when written is up to six times as long */
		return fail(err, RC_LIMIT, "labels are longer than %d bytes when they are written", LABELS_BYTES);
	if (r.unknown_count)
		out->tlp = TLP_COUNT;
	if (!r.pap.p)
		out->pap = pap_usual[out->tlp];
	return RC_OK;
}
