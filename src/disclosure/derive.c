/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/derive.h"

#include "base/json.h"
#include "intake/feeds.h"

struct deriving {
	const struct labels_of *const *list;
	size_t count;
	const struct marks *marks;
	struct err *err;
};

/* A PAP that is not understood is as TLP:RED, to check.h too. */
static bool is_red(const struct labels_of *l)
{
	return l->tlp >= TLP_RED || l->pap >= PAP_COUNT;
}

/* Does it reach people by name alone? A classification may ask for that too. */
static bool by_name(const struct deriving *d, const struct labels_of *l)
{
	struct labels is = { .tlp = is_red(l) ? TLP_RED : l->tlp };

	labels_classify(&is, d->marks, l->classification);
	labels_license(&is, d->marks, l->licence);
	return is.tlp >= TLP_RED;
}

/* The one text that those have who have one. */
static enum rc one_of(const struct deriving *d, str (*text_of)(const struct labels_of *), const char *what,
		      str *out)
{
	*out = STR("");
	for (size_t i = 0; i < d->count; i++) {
		str text = text_of(d->list[i]);
		if (out->n > 0 && text.n > 0 && !str_eq(*out, text))
			return fail(d->err, RC_INPUT, "nothing can be both '" STR_FMT "' and '" STR_FMT "' (%s)",
				    STR_ARG(*out), STR_ARG(text), what);
		*out = text.n > 0 ? text : *out;
	}
	return RC_OK;
}

static str classification_of(const struct labels_of *l)
{
	return l->classification;
}

static str licence_of(const struct labels_of *l)
{
	return l->licence;
}

static bool in_audience(const struct labels_of *l, const struct uuid *id)
{
	for (size_t i = 0; i < l->audience_count; i++)
		if (uuid_equal(&l->audience[i], id))
			return true;
	return l->audience_count == 0;
}

static bool in_all_audiences(const struct deriving *d, const struct uuid *id)
{
	for (size_t i = 0; i < d->count; i++)
		if (!in_audience(d->list[i], id))
			return false;
	return true;
}

static enum rc put_audience(const struct deriving *d, struct json_out *j)
{
	const struct labels_of *from = NULL;
	size_t count = 0;

	for (size_t i = 0; i < d->count && !from; i++)
		from = d->list[i]->audience_count > 0 ? d->list[i] : NULL;
	if (!from)
		return RC_OK;
	json_key(j, STR("audience"));
	json_open(j, '[');
	for (size_t i = 0; i < from->audience_count; i++) {
		struct buf id = BUF_INIT(RECORD_ID_BYTES);
		record_id_format(&id, STR("organisation"), &from->audience[i]);
		if (in_all_audiences(d, &from->audience[i])) {
			json_str(j, buf_str(&id));
			count++;
		}
		buf_free(&id);
	}
	json_close(j, ']');
	return count ? RC_OK : fail(d->err, RC_INPUT, "nobody is in the audience of both records");
}

static bool is_named(const struct deriving *d, const struct labels_of *l, str name)
{
	for (size_t i = 0; i < l->named_count; i++)
		if (str_eq(l->named[i], name))
			return true;
	return !by_name(d, l); /* it is not by name that this one is reached */
}

/* Of those that reach people by name, whom all of them name. */
static void put_named(const struct deriving *d, struct json_out *j)
{
	const struct labels_of *from = NULL;

	for (size_t i = 0; i < d->count && !from; i++)
		from = by_name(d, d->list[i]) ? d->list[i] : NULL;
	if (!from)
		return;
	json_key(j, STR("named"));
	json_open(j, '[');
	for (size_t i = 0; i < from->named_count; i++) {
		bool all = true;
		for (size_t k = 0; k < d->count; k++)
			all = all && is_named(d, d->list[k], from->named[i]);
		if (all)
			json_str(j, from->named[i]);
	}
	json_close(j, ']');
}

static enum rc put_all(const struct deriving *d, struct json_out *j)
{
	static const char *const pap_names[] = { "CLEAR", "GREEN", "AMBER", "RED", "RED" };
	enum tlp tlp = TLP_CLEAR;
	enum pap pap = PAP_CLEAR;
	bool exercise = false, held = false;
	str classification, licence;

	for (size_t i = 0; i < d->count; i++) {
		const struct labels_of *l = d->list[i];
		tlp = is_red(l) ? TLP_RED : l->tlp > tlp ? l->tlp : tlp;
		pap = l->pap > pap ? l->pap : pap;
		exercise = exercise || l->exercise;
		held = held || l->held;
	}
	enum rc rc = one_of(d, classification_of, "classification", &classification);
	if (rc == RC_OK)
		rc = one_of(d, licence_of, "licence", &licence);
	if (rc != RC_OK)
		return rc;
	/* what is not understood is RED for good */
	json_put_str(j, "tlp", str_of(tlp >= TLP_RED ? "RED" : tlp_name(tlp)));
	json_put_str(j, "pap", str_of(pap_names[pap < PAP_COUNT ? pap : PAP_COUNT]));
	if (classification.n)
		json_put_str(j, "classification", classification);
	if (licence.n)
		json_put_str(j, "licence", licence);
	if (exercise)
		json_put_bool(j, "exercise", true);
	if (held)
		json_put_bool(j, "held", true);
	rc = put_audience(d, j);
	put_named(d, j);
	return rc;
}

enum rc derive_labels(const struct labels_of *const *sources, size_t count, const struct marks *m,
		      struct arena *a, str *labels_out, struct err *err)
{
	const struct deriving d = { sources, count, m ? m : &marks_built_in, err };
	struct buf text = BUF_INIT(KIB(64));
	struct json_out j = json_out(&text);

	json_open(&j, '{');
	enum rc rc = count > 0 ? put_all(&d, &j) : RC_OK;
	json_close(&j, '}');
	*labels_out = arena_str(a, buf_str(&text));
	buf_free(&text);
	return rc;
}

/* --- findings --- */

enum rc derive_from_finding(struct reader *r, const struct viewer *v, str id, struct arena *a,
			    struct labels_of *out, struct err *err)
{
	struct finding f;
	struct finding_feed *feeds = NULL;
	size_t count = 0;
	str text = STR("{}");

	enum rc rc = str_starts(id, STR("finding--")) ? read_finding(r, v, str_from(id, 9), a, &f, err) :
						       fail(err, RC_ABSENT, "there is no such finding");
	if (rc == RC_OK)
		rc = findings_feeds(r, f.id, a, &feeds, &count, err);
	if (rc != RC_OK)
		return rc;
	struct labels_of own = { .tlp = f.tlp, .pap = PAP_CLEAR, .exercise = f.exercise, .held = f.held_us != 0,
				 .classification = STR(""), .licence = STR("") };
	struct labels_of *terms = ARENA_ARRAY(a, count + 1, struct labels_of);
	const struct labels_of **list = ARENA_ARRAY(a, count + 1, const struct labels_of *);
	list[0] = &own;
	for (size_t i = 0; i < count; i++) {
		struct feed feed;
		rc = feed_by_id(reader_conn(r), feeds[i].feed, a, &feed, err);
		if (rc != RC_OK)
			return rc;
		/* it narrows nothing but by its terms */
		terms[i] = (struct labels_of){ .tlp = TLP_CLEAR, .pap = PAP_CLEAR, .classification = STR(""),
					       .licence = feed.licence };
		list[i + 1] = &terms[i];
	}
	/* as acting on it goes: what its marking asks for by itself */
	own.pap = f.tlp >= TLP_RED ? PAP_RED : f.tlp >= TLP_AMBER ? PAP_AMBER : f.tlp >= TLP_GREEN ? PAP_GREEN : PAP_CLEAR;
	rc = derive_labels(list, count + 1, policy_marks(&v->policy), a, &text, err);
	return rc == RC_OK ? labels_parse(text, a, out, err) : rc;
}
