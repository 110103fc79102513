/* SPDX-License-Identifier: Apache-2.0 */
#include "node/lookup.h"

#include <time.h>

#include "directory/import.h"
#include "event/normalise.h"
#include "http/fetch.h"
#include "route/fallback.h"

enum { ANSWER_MOST = 1 << 20, SITE_MOST = 64 << 10, ENTRIES_MOST = 64, PACE_TRIES = 60 };

struct looking {
	struct node *n;
	struct arena *a;
	const struct import_form *form;
	const char *purpose;
	str source, subject, url, actor, note_domain;
	struct fallback_entry list[ENTRIES_MOST];
	size_t count;
	int64_t until_us;
	struct lookup_done *done;
};

/* --- no host more than once a second --- */

struct pacing {
	str host;
	int64_t wait_us;
};

static enum rc take_turn(struct tx *tx, void *ctx, struct err *err)
{
	struct pacing *p = ctx;
	int64_t last = 0, now = clock_now_us();
	struct sql *q = sql(tx_conn(tx), "SELECT at_us FROM fallback_pace WHERE host = ?");
	sql_str(q, 1, p->host);
	if (sql_row(q))
		last = sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	/* a clock that was set back must not hold us up */
	p->wait_us = last > now || now - last >= SECOND_US ? 0 : last + SECOND_US - now;
	if (rc != RC_OK || p->wait_us)
		return rc;
	q = sql(tx_conn(tx), "INSERT INTO fallback_pace (host, at_us) VALUES (?1, ?2)"
			     " ON CONFLICT (host) DO UPDATE SET at_us = ?2");
	sql_str(q, 1, p->host);
	sql_int(q, 2, now);
	return sql_run(q, err);
}

static enum rc wait_turn(struct node *n, str host, struct err *err)
{
	struct pacing p = { .host = host };
	for (int i = 0; i < PACE_TRIES; i++) {
		enum rc rc = store_write(n->store, take_turn, &p, err);
		if (rc != RC_OK || p.wait_us == 0)
			return rc;
		struct timespec t = { .tv_sec = p.wait_us / SECOND_US, .tv_nsec = p.wait_us % SECOND_US * 1000 };
		nanosleep(&t, NULL);
	}
	return fail(err, RC_BUSY, "'" STR_FMT "' is asked by too many at once", STR_ARG(host));
}

/* --- one question --- */

static void keep(void *ctx, uint64_t row, const struct fallback_entry *e)
{
	struct looking *k = ctx;
	(void)row;
	if (k->count == ENTRIES_MOST)
		return;
	struct fallback_entry *to = &k->list[k->count++];
	*to = *e;
	to->email = arena_str(k->a, e->email);
	to->name = arena_str(k->a, e->name);
	to->domain = arena_str(k->a, e->domain);
}

static enum rc note(struct tx *tx, void *ctx, struct err *err)
{
	struct looking *k = ctx;
	enum rc rc = fallback_note(tx, k->source, k->subject, k->list, k->count, k->until_us, err);
	struct journal_act act = { .act = "contacts.lookup", .actor = k->actor, .object = k->source,
				   .count = k->count };
	return rc == RC_OK ? journal_add(tx, k->n->journal, &act, err) : rc;
}

static enum rc is_noted(struct looking *k, bool *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(k->n->store, &r, err);
	if (rc == RC_OK)
		rc = fallback_noted(reader_conn(r), k->source, k->subject, clock_now_us(), out, err);
	store_read_end(r);
	return rc;
}

static enum rc ask(struct looking *k, struct fetcher *f, str *body, struct err *err)
{
	struct fetch_request q = { .purpose = k->purpose, .url = k->url,
				   .limits = { .body_bytes = str_eq(k->source, STR("rdap")) ? ANSWER_MOST : SITE_MOST } };
	struct fetch_answer answer;
	str host;
	enum rc rc = url_host(k->url, &host) ? wait_turn(k->n, host, err) :
					       fail(err, RC_INPUT, "'" STR_FMT "' is no address", STR_ARG(k->url));
	if (rc == RC_OK)
		rc = fetch(f, &q, k->a, &answer, err);
	*body = STR("");
	if (rc != RC_OK || answer.status == 404 || answer.status == 410)
		return rc;
	if (answer.status != 200)
		return fail(err, RC_BUSY, "'" STR_FMT "' answers with status %d", STR_ARG(str_head(k->url, 120)),
			    answer.status);
	*body = answer.body;
	return RC_OK;
}

static enum rc read_answer(struct looking *k, str body, struct err *err)
{
	const struct import_sink to = { .ctx = k, .contact = keep };
	const struct import_input in = { .text = body, .map = STR(""), .subject = k->note_domain,
					 .seen_day = time_day(clock_now_us()),
					 .trust = (uint8_t)import_trust(k->source) };
	if (body.n == 0)
		return RC_OK;
	return k->form->read(&in, &to, k->a, err);
}

static enum rc look(struct looking *k, struct fetcher *f, bool again, struct err *err)
{
	bool noted = false;
	str body;
	enum rc rc = is_noted(k, &noted, err);
	if (rc != RC_OK || (noted && !again)) {
		k->done->still_good = noted;
		return rc;
	}
	rc = ask(k, f, &body, err);
	if (rc == RC_OK)
		rc = read_answer(k, body, err);
	if (rc != RC_OK)
		return rc;
	int days = k->count ? LOOKUP_KEPT_DAYS : LOOKUP_NOTHING_DAYS;
	k->until_us = clock_now_us() + days * DAY_US;
	k->done->entries = k->count;
	k->done->nothing = k->count == 0;
	if (k->count)
		(void)str_to_z(k->list[0].email, k->done->email, sizeof(k->done->email));
	rc = store_write(k->n->store, note, k, err);
	return rc == RC_OK ? node_contacts_reload(k->n, err) : rc;
}

static enum rc run(struct looking *k, str allow, str exempt, bool again, struct err *err)
{
	struct fetcher *f = NULL;
	enum rc rc = fetch_new(arena_z(k->a, settings_text(k->n->settings, "fetch_ca_file")), &f, err);
	while (rc == RC_OK && str_trim(allow).n) {
		str one = str_trim(str_cut(&allow, ','));
		if (one.n)
			rc = fetch_allow(f, k->purpose, one, err);
	}
	if (rc == RC_OK && exempt.n)
		rc = fetch_exempt(f, k->purpose, exempt, err);
	if (rc == RC_OK)
		rc = look(k, f, again, err);
	fetch_free(f);
	return rc;
}

/* --- registries --- */

/* "ip/192.0.2.1", "autnum/64500", "domain/example.org" (RFC 9082 section 3.1). */
static bool rdap_path(str what, struct arena *a, str *subject, str *path)
{
	struct ip ip;
	uint32_t asn;
	char text[48];
	if (ip_parse(what, &ip)) {
		*subject = arena_str(a, ip_str(text, &ip));
		*path = arena_fmt(a, "ip/" STR_FMT, STR_ARG(*subject));
		return !ip_is_special(&ip);
	}
	if (str_starts_nocase(what, STR("AS")) && str_to_u32(str_from(what, 2), &asn) && asn) {
		*subject = arena_fmt(a, "AS%u", asn);
		*path = arena_fmt(a, "autnum/%u", asn);
		return true;
	}
	if (!fqdn_normalise(what, a, subject) || !str_has(*subject, '.'))
		return false;
	*path = arena_fmt(a, "domain/" STR_FMT, STR_ARG(*subject));
	return true;
}

enum rc lookup_rdap(struct node *n, str what, bool again, str actor, struct lookup_done *out, struct err *err)
{
	struct looking k = { .n = n, .a = arena_new(KIB(64)), .form = import_form_find(STR("rdap")), .purpose = "rdap",
			     .source = STR("rdap"), .actor = actor, .note_domain = STR(""), .done = out };
	str base = settings_text(n->settings, "rdap_url"), path = STR("");
	*out = (struct lookup_done){ .entries = 0 };
	enum rc rc = RC_OK;
	if (base.n == 0 || n->demo)
		rc = fail(err, RC_DENIED, "registries are not asked here: set rdap_url");
	else if (!rdap_path(str_trim_all(what), k.a, &k.subject, &path))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no address, AS number or domain that a registry would know",
			  STR_ARG(str_head(what, 80)));
	if (rc == RC_OK) {
		bool slash = base.p[base.n - 1] == '/';
		k.url = arena_fmt(k.a, STR_FMT "%s" STR_FMT, STR_ARG(base), slash ? "" : "/", STR_ARG(path));
		rc = run(&k, settings_text(n->settings, "rdap_hosts"), base, again, err);
	}
	arena_free(k.a);
	return rc;
}

/* --- sites --- */

enum rc lookup_site(struct node *n, str domain, bool again, str actor, struct lookup_done *out, struct err *err)
{
	struct looking k = { .n = n, .a = arena_new(KIB(64)), .form = import_form_find(STR("securitytxt")),
			     .purpose = "security.txt", .source = STR("security.txt"), .actor = actor, .done = out };
	str how = settings_text(n->settings, "security_txt");
	bool mirror = str_find(how, STR("://")) < how.n;
	*out = (struct lookup_done){ .entries = 0 };
	enum rc rc = RC_OK;
	if (!(mirror || str_eq(how, STR("yes"))) || n->demo)
		rc = fail(err, RC_DENIED, "sites are not asked here: set security_txt");
	else if (!fqdn_normalise(str_trim_all(domain), k.a, &k.subject) || !str_has(k.subject, '.'))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no domain", STR_ARG(str_head(domain, 80)));
	if (rc == RC_OK) {
		k.note_domain = k.subject;
		k.url = mirror ? arena_fmt(k.a, STR_FMT "/" STR_FMT "/.well-known/security.txt", STR_ARG(how), STR_ARG(k.subject)) :
				 arena_fmt(k.a, "https://" STR_FMT "/.well-known/security.txt", STR_ARG(k.subject));
		rc = run(&k, mirror ? STR("") : STR("*"), mirror ? how : STR(""), again, err);
	}
	arena_free(k.a);
	return rc;
}

enum rc lookup_stale(struct node *n, struct arena *a, bool (*each)(void *ctx, str source, str subject), void *ctx,
		     struct err *err)
{
	struct reader *r = NULL;
	struct { str source, subject; } *list = arena_array(a, LOOKUP_STALE_MOST, sizeof(*list));
	size_t count = 0;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT DISTINCT source, subject FROM fallback_look WHERE until_us <= ?1"
					    " AND source IN ('rdap', 'security.txt') ORDER BY until_us LIMIT ?2");
	sql_int(q, 1, clock_now_us());
	sql_int(q, 2, LOOKUP_STALE_MOST);
	while (count < LOOKUP_STALE_MOST && sql_row(q)) {
		list[count].source = arena_str(a, sql_col_str(q, 0));
		list[count++].subject = arena_str(a, sql_col_str(q, 1));
	}
	rc = sql_end(q, err);
	store_read_end(r);
	for (size_t i = 0; rc == RC_OK && i < count && each(ctx, list[i].source, list[i].subject); i++)
		;
	return rc;
}
