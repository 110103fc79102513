/* SPDX-License-Identifier: Apache-2.0 */
/* What a partner may ask our TAXII server for, and what he may not: another's collections and answers, a place he is not at,
 * bodies that are none. */
#include "exchange/take_desk.h"

#include "exchange/taxii.h"

static const struct setting_row setting_rows[] = {
#define SETTING(name, kind, fallback, least, most, brief) { #name, SETTING_##kind, fallback, least, most, brief },
#include "settings.def"
#undef SETTING
};

struct server {
	struct desk k;
	struct settings *settings;
	struct partner d;          /* another one */
	struct json_object *json;  /* of the last answer */
	int status;
};

static void server_open(struct server *s)
{
	*s = (struct server){ .k = desk_new() };
	CHECK_RC(settings_load(setting_rows, COUNT_OF(setting_rows), STR_NONE, "t", NULL, NULL, 0, &s->settings, &err), RC_OK, err);
	s->k.x->w.settings = s->settings;
	s->d = s->k.from;
	s->d.id.b[1] = 2;
	s->d.name = STR("Team D");
	CHECK(uuid_parse(STR(NODE_D), &s->d.node));
}

static void server_close(struct server *s)
{
	json_free(s->json);
	settings_free(s->settings);
	desk_end(&s->k);
}

/* --- asking --- */

static int ask(struct server *s, const struct taxii_request *q)
{
	struct taxii_answer out;
	s->k.x->w.ctx = &s->k;
	taxii_answer(s->k.x, q, s->k.a, &out);
	json_free(s->json);
	s->json = NULL;
	if (out.body.n)
		CHECK_RC(json_read(buf_str(&out.body), &s->json, &err), RC_OK, err);
	buf_free(&out.body);
	return s->status = out.status;
}

static struct taxii_request request(const struct partner *who, enum taxii_method method, str path)
{
	return (struct taxii_request){ .method = method, .path = path, .who = TAXII_PARTNER, .partner = who };
}

#define INBOX "exchange/collections/inbox/objects/"

static struct taxii_request post_of(struct server *s, const struct partner *who, const char *after, const char *upto)
{
	struct taxii_request q = request(who, TAXII_POST, STR(INBOX));
	str one = event(&s->k, who == &s->d ? NODE_D : NODE_C, GREEN, "{\"source.ip\":\"192.0.2.7\"}");
	q.body = envelope(&s->k, &one, 1);
	q.content_type = STR(TAXII_TYPE);
	if (after) {
		q.lane = STR("bulk");
		q.after = str_of(after);
		q.upto = str_of(upto);
	}
	return q;
}

/* The id of his collection that he may read, or write. */
static str id_of(struct server *s, const struct partner *who, const char *may)
{
	const struct taxii_request q = request(who, TAXII_GET, STR("exchange/collections/"));
	CHECK_INT(ask(s, &q), 200);
	struct json_object *list = json_get(s->json, "collections");
	CHECK_INT(json_count(list), 2);
	for (size_t i = 0; i < json_count(list); i++) {
		bool is = false;
		if (json_get_bool(json_at(list, i), may, &is) && is)
			return arena_str(s->k.a, json_get_str(json_at(list, i), "id"));
	}
	return STR("");
}

/* --- where a push stands --- */

static void test_place(void)
{
	static const struct { const char *after, *upto; int status; } rows[] = {
		{ "0", "100", 202 }, { "0", "100", 409 }, { "100", "50", 400 }, { "-1", "50", 400 }, { "100", "x", 400 },
		{ "", "200", 400 }, { "50", "200", 409 }, { "200", "300", 409 }, { "100", "200", 202 },
	};
	struct server s;
	server_open(&s);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct taxii_request q = post_of(&s, &s.k.from, rows[i].after, rows[i].upto);
		CHECK_MSG(ask(&s, &q) == rows[i].status, "%zu: %d", i, s.status);
	}
	struct taxii_request q = post_of(&s, &s.k.from, "200", "300");
	q.lane = STR("none");
	CHECK_INT(ask(&s, &q), 400);
	q.lane = STR_NONE;
	CHECK_INT(ask(&s, &q), 400);
	server_close(&s);
}

/* --- whose --- */

static void test_anothers(void)
{
	static const char *const below[] = { "", "objects/", "manifest/", "objects/x--1/", "objects/x--1/versions/" };
	struct server s;
	server_open(&s);
	str out = id_of(&s, &s.k.from, "can_read"), in = id_of(&s, &s.k.from, "can_write");
	CHECK(out.n > 0 && in.n > 0 && !str_eq(out, in));
	CHECK(!str_eq(id_of(&s, &s.d, "can_read"), out));
	for (size_t i = 0; i < COUNT_OF(below); i++)
		for (int which = 0; which < 2; which++) {
			str path = arena_fmt(s.k.a, "exchange/collections/" STR_FMT "/%s", STR_ARG(which ? in : out), below[i]);
			const struct taxii_request q = request(&s.d, TAXII_GET, path);
			CHECK_MSG(ask(&s, &q) == 404, STR_FMT ": %d", STR_ARG(path), s.status);
		}
	/* nothing is put into another's, nor into one's own that others fill */
	struct taxii_request q = post_of(&s, &s.d, NULL, NULL);
	q.path = arena_fmt(s.k.a, "exchange/collections/" STR_FMT "/objects/", STR_ARG(in));
	CHECK_INT(ask(&s, &q), 404);
	q.path = STR("exchange/collections/outbox/objects/");
	CHECK_INT(ask(&s, &q), 403);
	CHECK_INT(s.k.lines.n, 0);
	/* ... and nothing is taken out of them */
	q = request(&s.d, TAXII_DELETE, STR("exchange/collections/outbox/objects/x--1/"));
	CHECK_INT(ask(&s, &q), 403);
	/* what became of a push is for who pushed */
	q = post_of(&s, &s.k.from, NULL, NULL);
	CHECK_INT(ask(&s, &q), 202);
	str path = arena_fmt(s.k.a, "exchange/status/" STR_FMT "/", STR_ARG(json_get_str(s.json, "id")));
	q = request(&s.k.from, TAXII_GET, path);
	CHECK_INT(ask(&s, &q), 200);
	q = request(&s.d, TAXII_GET, path);
	CHECK_INT(ask(&s, &q), 404);
	server_close(&s);
}

/* --- what is no body --- */

static void test_bodies(void)
{
	static const struct { enum partner_kind kind; const char *type; int status; } rows[] = {
		{ PARTNER_NODE, TAXII_TYPE, 202 }, { PARTNER_NODE, TAXII_FLAT_TYPE, 202 }, { PARTNER_NODE, "application/json", 415 },
		{ PARTNER_NODE, NULL, 415 },	   { PARTNER_TAXII, TAXII_TYPE, 202 },	   { PARTNER_TAXII, TAXII_FLAT_TYPE, 415 },
	};
	struct server s;
	server_open(&s);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct taxii_request q = post_of(&s, &s.k.from, NULL, NULL);
		q.content_type = rows[i].type ? str_of(rows[i].type) : STR_NONE;
		s.k.from.kind = rows[i].kind;
		CHECK_MSG(ask(&s, &q) == rows[i].status, "%zu: %d", i, s.status);
	}
	s.k.from.kind = PARTNER_NODE;
	struct taxii_request q = post_of(&s, &s.k.from, NULL, NULL);
	const str good = q.body;
	struct buf large = BUF_INIT(TAXII_BODY_MAX + 2);
	buf_add(&large, good);
	while (large.n <= TAXII_BODY_MAX)
		buf_char(&large, ' ');
	q.body = buf_str(&large);
	CHECK_INT(ask(&s, &q), 413);
	q.body = str_head(q.body, TAXII_BODY_MAX);
	CHECK_INT(ask(&s, &q), 202);
	q.body = STR("{\"objects\":[]}");
	CHECK_INT(ask(&s, &q), 422);
	q.body = good;
	q.content_encoding = STR("zstd");
	CHECK_INT(ask(&s, &q), 400);
	q.content_encoding = STR("br");
	CHECK_INT(ask(&s, &q), 415);
	buf_free(&large);
	server_close(&s);
}

TEST_MAIN(TEST_RUN(place), TEST_RUN(anothers), TEST_RUN(bodies))
