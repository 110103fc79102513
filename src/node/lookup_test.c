/* SPDX-License-Identifier: Apache-2.0 */
#include "node/lookup.h"

#include "base/test.h"
#include "base/test_dir.h"
#include "http/client_test.h"
#include "route/fallback.h"

static struct err err;

/* A registry and a mirror of security.txt, on loopback. */
struct registry {
	atomic_int asked;
	_Atomic int64_t first_us, last_us; /* of the last two questions */
	atomic_int status;
};

static void add_header(struct http_answer *a, const char *name, const char *value)
{
	a->headers[a->header_count].name = name;
	a->headers[a->header_count++].value = str_of(value);
}

static void serve(void *ctx, const struct http_request *q, struct http_answer *a)
{
	struct registry *r = ctx;
	atomic_fetch_add(&r->asked, 1);
	atomic_store(&r->first_us, atomic_load(&r->last_us));
	atomic_store(&r->last_us, clock_mono_us());
	a->status = 200;
	a->type = "application/rdap+json";
	a->body = (struct buf)BUF_INIT(KIB(64));
	if (atomic_load(&r->status))
		a->status = atomic_load(&r->status);
	else if (str_eq(q->path, STR("/rdap/autnum/64500")))
		buf_add(&a->body, STR("{\"objectClassName\":\"autnum\",\"startAutnum\":64500,\"endAutnum\":64500,\"entities\":"
				      "[{\"roles\":[\"abuse\"],\"vcardArray\":[\"vcard\",[[\"version\",{},\"text\",\"4.0\"],"
				      "[\"email\",{},\"text\",\"abuse@example.org\"]]]}]}"));
	else if (str_eq(q->path, STR("/rdap/autnum/64501"))) {
		a->status = 302;
		add_header(a, "Location", "/rdap/autnum/64500");
	} else if (str_eq(q->path, STR("/rdap/autnum/64502"))) {
		a->status = 302;
		add_header(a, "Location", "https://elsewhere.example.org/rdap");
	} else if (str_eq(q->path, STR("/rdap/autnum/64503")))
		buf_add(&a->body, STR("<html>sorry</html>"));
	else if (str_eq(q->path, STR("/sites/example.org/.well-known/security.txt")))
		buf_add(&a->body, STR("Contact: mailto:security@example.org\nExpires: 2099-01-01T00:00:00Z\n"));
	else
		a->status = 404;
}

struct scene {
	struct test_dir d;
	struct registry r;
	struct http *http;
	struct node *n;
	char path[300], rdap[100], sites[100];
	const char *sets[2];
};

static void scene_open(struct scene *s, bool on)
{
	struct node_options o = { .overrides = s->sets, .override_count = on ? 2 : 0 };
	CHECK_RC(node_open(s->path, &o, &s->n, &err), RC_OK, err);
}

static void scene_new(struct scene *s, bool on)
{
	struct http_handlers h = { .ctx = &s->r, .answer = serve };
	char secret[128];
	s->d = test_dir_new();
	snprintf(s->path, sizeof(s->path), "%s/n", s->d.path);
	s->http = test_server(&http_limits_default, &h, NULL);
	snprintf(s->rdap, sizeof(s->rdap), "rdap_url=http://127.0.0.1:%u/rdap", http_port(s->http));
	snprintf(s->sites, sizeof(s->sites), "security_txt=http://127.0.0.1:%u/sites", http_port(s->http));
	s->sets[0] = s->rdap;
	s->sets[1] = s->sites;
	CHECK_RC(node_create(s->path, "Team B", "ID", secret, sizeof(secret), &err), RC_OK, err);
	scene_open(s, on);
}

static void scene_end(struct scene *s)
{
	node_close(s->n);
	http_stop(s->http);
	test_dir_end(&s->d);
}

static size_t found(struct scene *s, uint32_t asn, const char *fqdn, struct fallback_hit hits[FALLBACK_HITS_MAX])
{
	struct snapshot_ref *ref = node_contacts(s->n);
	struct fallback_ask ask = { .asn = asn, .fqdn = str_of(fqdn) };
	size_t n = fallback_find(snapshot_table(ref), &ask, hits);
	snapshot_drop(s->n->contacts, ref);
	return n;
}

TEST(off_until_said)
{
	struct scene s = { .n = NULL };
	struct lookup_done d;
	scene_new(&s, false);
	CHECK_RC(lookup_rdap(s.n, STR("AS64500"), false, STR("account:1"), &d, &err), RC_DENIED, err);
	CHECK_RC(lookup_site(s.n, STR("example.org"), false, STR("account:1"), &d, &err), RC_DENIED, err);
	CHECK_INT(atomic_load(&s.r.asked), 0);
	scene_end(&s);
}

static bool count_stale(void *ctx, str source, str subject)
{
	(void)source;
	(void)subject;
	(*(size_t *)ctx)++;
	return true;
}

TEST(asked_noted_and_not_again)
{
	struct scene s = { .n = NULL };
	struct lookup_done d;
	struct fallback_hit hits[FALLBACK_HITS_MAX];
	scene_new(&s, true);
	CHECK_RC(lookup_rdap(s.n, STR("as64500"), false, STR("account:1"), &d, &err), RC_OK, err);
	CHECK_INT(d.entries, 1);
	CHECK_STR(str_of(d.email), STR("abuse@example.org"));
	CHECK_INT(found(&s, 64500, "", hits), 1);
	CHECK_STR(hits[0].source, STR("rdap"));
	CHECK_INT(hits[0].seen_day, time_day(clock_now_us()));
	CHECK_RC(lookup_rdap(s.n, STR("AS64500"), false, STR("account:1"), &d, &err), RC_OK, err);
	CHECK(d.still_good);
	CHECK_INT(atomic_load(&s.r.asked), 1);
	/* asked all the same: not within the same second */
	CHECK_RC(lookup_rdap(s.n, STR("AS64500"), true, STR("account:1"), &d, &err), RC_OK, err);
	CHECK_INT(atomic_load(&s.r.asked), 2);
	CHECK(atomic_load(&s.r.last_us) - atomic_load(&s.r.first_us) >= SECOND_US * 9 / 10);
	CHECK_RC(lookup_site(s.n, STR("Example.ORG"), false, STR("account:1"), &d, &err), RC_OK, err);
	CHECK_INT(found(&s, 0, "www.example.org", hits), 1);
	CHECK_STR(hits[0].email, STR("security@example.org"));
	/* there is none: that is noted too */
	CHECK_RC(lookup_site(s.n, STR("none.example.org"), false, STR("account:1"), &d, &err), RC_OK, err);
	CHECK(d.nothing);
	int asked = atomic_load(&s.r.asked);
	CHECK_RC(lookup_site(s.n, STR("none.example.org"), false, STR("account:1"), &d, &err), RC_OK, err);
	CHECK(d.still_good);
	CHECK_INT(atomic_load(&s.r.asked), asked);
	/* kept over a restart */
	node_close(s.n);
	scene_open(&s, true);
	CHECK_INT(found(&s, 64500, "www.example.org", hits), 2);
	struct arena *a = arena_new(KIB(4));
	size_t stale = 0;
	CHECK_RC(lookup_stale(s.n, a, count_stale, &stale, &err), RC_OK, err);
	CHECK_INT(stale, 0);
	if (clock_move(40 * DAY_US)) {
		CHECK_RC(lookup_stale(s.n, a, count_stale, &stale, &err), RC_OK, err);
		CHECK_INT(stale, 3);
		CHECK(clock_move(-40 * DAY_US));
	}
	arena_free(a);
	scene_end(&s);
}

TEST(answers_that_are_none)
{
	struct scene s = { .n = NULL };
	struct lookup_done d;
	struct fallback_hit hits[FALLBACK_HITS_MAX];
	scene_new(&s, true);
	CHECK_RC(lookup_rdap(s.n, STR("192.0.2.1"), false, STR("account:1"), &d, &err), RC_INPUT, err);
	CHECK_RC(lookup_rdap(s.n, STR("10.0.0.1"), false, STR("account:1"), &d, &err), RC_INPUT, err);
	CHECK_RC(lookup_rdap(s.n, STR("localhost"), false, STR("account:1"), &d, &err), RC_INPUT, err);
	CHECK_INT(atomic_load(&s.r.asked), 0);
	CHECK_RC(lookup_rdap(s.n, STR("AS64501"), false, STR("account:1"), &d, &err), RC_OK, err); /* redirected */
	CHECK_INT(found(&s, 64500, "", hits), 1);
	CHECK_RC(lookup_rdap(s.n, STR("AS64502"), false, STR("account:1"), &d, &err), RC_DENIED, err);
	CHECK_RC(lookup_rdap(s.n, STR("AS64503"), false, STR("account:1"), &d, &err), RC_INPUT, err);
	atomic_store(&s.r.status, 429);
	CHECK_RC(lookup_rdap(s.n, STR("AS64504"), false, STR("account:1"), &d, &err), RC_BUSY, err);
	atomic_store(&s.r.status, 0);
	CHECK_RC(lookup_rdap(s.n, STR("AS64504"), false, STR("account:1"), &d, &err), RC_OK, err);
	CHECK(d.nothing && !d.still_good); /* what failed was not noted */
	scene_end(&s);
}

TEST_MAIN(TEST_RUN(off_until_said), TEST_RUN(asked_noted_and_not_again), TEST_RUN(answers_that_are_none))
