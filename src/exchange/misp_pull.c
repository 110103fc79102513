/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/misp_client.h"
#include "exchange/misp_private.h"
#include "exchange/misp_sync.h"

enum { AT_ONCE = 500, FAILURES_MOST = 20 };

/* One event of a source: "/%s.json" of a feed, "/events/view/%s/…" of a server. */
struct pulling {
	struct exchange *x;
	struct misp_server *s;
	str source, feed;
	const char *before, *behind;
	bool by_distribution;
	struct misp_looked *out;
};

static enum rc take_one(struct pulling *k, const struct misp_listing *l, struct arena *a, struct err *err)
{
	struct buf path = BUF_INIT(512);
	struct json_object *o = NULL;
	struct misp_took took;
	buf_add(&path, str_of(k->before));
	uuid_format(&path, &l->uuid);
	buf_add(&path, str_of(k->behind));
	enum rc rc = misp_ask(k->s, buf_str(&path), STR_NONE, a, &o, err);
	buf_free(&path);
	if (rc == RC_OK)
		rc = misp_take(k->x, k->feed, o, k->by_distribution, a, &took, err);
	if (rc == RC_OK && !uuid_equal(&took.uuid, &l->uuid))
		log_warn(k->x->w.log, "a MISP event has another uuid than its list says", L_STR("source", k->source));
	json_free(o);
	return rc;
}

/* Each by itself: one that cannot be had stands in nobody's way, and is asked for again. */
static enum rc take_all(struct pulling *k, const struct misp_listing *list, size_t count, struct err *err)
{
	struct arena *a = arena_new(KIB(64));
	enum rc rc = RC_OK;
	size_t in_a_row = 0, i;
	for (i = 0; rc == RC_OK && i < count && i < AT_ONCE && in_a_row < FAILURES_MOST && !misp_stopping(k->x); i++) {
		struct err why = { 0 };
		bool fine = take_one(k, &list[i], a, &why) == RC_OK;
		rc = misp_note_event(k->x, k->source, &list[i], fine ? STR("") : str_of(why.text), err);
		k->out->taken += fine;
		k->out->failed += !fine;
		in_a_row = fine ? 0 : in_a_row + 1;
		if (!fine)
			log_warn(k->x->w.log, "a MISP event waits", L_STR("source", k->source), L_Z("why", why.text));
		arena_reset(a);
	}
	k->out->left = count - i;
	arena_free(a);
	return rc;
}

static enum rc pull_from(struct pulling *k, str list_path, str body, struct err *err)
{
	struct arena *a = arena_new(KIB(64));
	struct json_object *o = NULL;
	struct misp_listing *list = NULL;
	size_t count = 0;
	enum rc rc = misp_ask(k->s, list_path, body, a, &o, err);
	if (rc == RC_OK)
		rc = misp_news(k->x, k->source, o, a, &list, &count, err);
	json_free(o);
	if (rc == RC_OK)
		rc = take_all(k, list, count, err);
	arena_free(a);
	return rc;
}

/* Writes down how it went, also when it did not. */
static enum rc end_look(struct exchange *x, str source, enum rc rc, const struct misp_looked *out, struct err *err)
{
	char words[80] = "";
	struct err note = { 0 };
	if (rc == RC_OK && out->failed > 0)
		snprintf(words, sizeof(words), "%llu events could not be taken; they are asked for again",
			 (unsigned long long)out->failed);
	if (misp_note_look(x, source, out->taken, rc != RC_OK ? str_of(err->text) : str_of(words), &note) != RC_OK)
		log_warn(x->w.log, "what a look at MISP brought is not noted", L_Z("why", note.text));
	return rc;
}

/* --- feeds --- */

static enum rc url_of(struct exchange *x, str name, str *out, struct err *err)
{
	str list = settings_text(x->w.settings, "misp_feeds");
	while (list.n > 0) {
		str one = str_trim(str_cut(&list, ',')), key = str_cut(&one, '=');
		if (str_eq(str_trim(key), name) && one.n > 0) {
			*out = str_trim(one);
			return RC_OK;
		}
	}
	return fail(err, RC_ABSENT, "misp_feeds names no feed '" STR_FMT "'", STR_ARG(name));
}

enum rc misp_look_feed(struct exchange *x, str name, struct misp_looked *out, struct err *err)
{
	struct misp_server s;
	str url;
	*out = (struct misp_looked){ 0 };
	enum rc rc = url_of(x, name, &url, err);
	if (rc != RC_OK)
		return rc;
	if (str_ends(url, STR("/manifest.json")))
		url.n -= strlen("/manifest.json");
	rc = misp_server_open(x, name, url, false, &s, err);
	if (rc == RC_OK) {
		struct pulling k = { .x = x, .s = &s, .source = name, .feed = name, .before = "/", .behind = ".json", .out = out };
		rc = pull_from(&k, STR("/manifest.json"), STR_NONE, err);
		misp_server_close(&s);
	}
	return end_look(x, name, rc, out, err);
}

/* --- servers --- */

/* The feed of a partner, made when it is not there: what has no marking is AMBER. */
static enum rc have_feed(struct exchange *x, const struct partner *p, str feed, struct err *err)
{
	struct exchange_delivered none;
	const struct exchange_delivery d = { .feed = feed, .provider = p->name, .lines = STR(""), .name = STR("misp"),
					     .tlp = TLP_AMBER, .exercise = p->exercise };
	return x->w.deliver(x->w.ctx, &d, &none, err);
}

/* {"minimal":1,"published":1,"tag":"a|b"}: the rules of a pull, as servers send them to each other. */
static void put_rules(struct exchange *x, struct buf *out)
{
	struct json_out j = json_out(out);
	str tags = settings_text(x->w.settings, "misp_tags");
	json_open(&j, '{');
	json_put_i64(&j, "minimal", 1);
	json_put_i64(&j, "published", 1);
	if (tags.n > 0) {
		struct buf joined = BUF_INIT(KIB(4));
		while (tags.n > 0) {
			str one = str_trim(str_cut(&tags, ','));
			if (joined.n > 0)
				buf_char(&joined, '|');
			buf_add(&joined, one);
		}
		json_put_str(&j, "tag", buf_str(&joined));
		buf_free(&joined);
	}
	json_close(&j, '}');
}

enum rc misp_pull(struct exchange *x, const struct partner *p, struct misp_looked *out, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct buf rules = BUF_INIT(KIB(8));
	struct misp_server s;
	str feed = partner_feed(p, a);
	*out = (struct misp_looked){ 0 };
	enum rc rc = misp_partner_open(x, p, &s, err);
	if (rc == RC_OK) {
		struct pulling k = { .x = x, .s = &s, .source = feed, .feed = feed, .before = "/events/view/",
				     .behind = "/deleted%5B%5D:0/deleted%5B%5D:1/excludeGalaxy:1/includeEventCorrelations:0"
					       "/includeFeedCorrelations:0/includeWarninglistHits:0",
				     .by_distribution = true, .out = out };
		put_rules(x, &rules);
		rc = have_feed(x, p, feed, err);
		if (rc == RC_OK)
			rc = pull_from(&k, STR("/events/index"), buf_str(&rules), err);
		misp_server_close(&s);
	}
	rc = end_look(x, feed, rc, out, err);
	buf_free(&rules);
	arena_free(a);
	return rc;
}
