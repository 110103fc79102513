/* SPDX-License-Identifier: Apache-2.0 */
/* signin: a page that signs people in and keeps nothing, for the scenarios of
 * oidc.sh and passkeys.sh. It stands on the listener, the fetcher and the
 * sign-in parts alone.
 *
 *   ronda-signin SCRIPT name=value...   settings of settings.def; `listen` and
 *                                       `public_url` must be among them
 *
 * Prints its address, serves until its standard input ends. */
#include <stdio.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/settings.h"
#include "disclosure/passkey.h"
#include "http/http.h"
#include "http/oidc.h"
#include "node/node_settings.h"

enum { FLOWS = 64 };

struct app {
	struct settings *settings;
	struct fetcher *fetcher;
	struct oidc *oidc;
	struct passkey_site site;
	struct arena *a;        /* for what is kept */
	str script;
	/* One thread answers (see main), so nothing here is shared. */
	struct oidc_flow flows[FLOWS];
	size_t flow_count;
	struct passkey_challenge challenge;
	bool challenged;
	struct passkey kept;
};

static void set_header(struct http_answer *out, const char *name, str value)
{
	out->headers[out->header_count].name = name;
	out->headers[out->header_count++].value = value;
}

static void say(struct http_answer *out, enum rc rc, const struct err *err, struct json_out *j)
{
	out->status = rc_http_status(rc);
	if (rc != RC_OK) {
		json_put_str(j, "error", str_of(rc_name(rc)));
		json_put_str(j, "words", str_of(err->text));
	}
}

static void oidc_there(struct app *p, const struct http_request *q, struct http_answer *out)
{
	struct err err = { 0 };
	struct json_out j = json_out(&out->body);
	str url;

	json_open(&j, '{');
	enum rc rc = p->oidc ? oidc_begin(p->oidc, &p->flows[p->flow_count % FLOWS], &url, q->a, &err)
			     : fail(&err, RC_ABSENT, "no provider");
	say(out, rc, &err, &j);
	json_close(&j, '}');
	if (rc != RC_OK)
		return;
	out->status = 303;
	set_header(out, "Location", url);
	set_header(out, "Set-Cookie", arena_fmt(q->a, "flow=%zu; Path=/; HttpOnly; SameSite=Lax",
						p->flow_count++ % FLOWS));
}

static void oidc_back(struct app *p, const struct http_request *q, struct http_answer *out)
{
	struct err err = { 0 };
	struct json_out j = json_out(&out->body);
	struct oidc_back back = { http_query(q, "state"), http_query(q, "code"), http_query(q, "iss"),
				  http_query(q, "error") };
	struct oidc_claims *claims = ARENA_NEW(q->a, struct oidc_claims);
	struct oidc_flow flow = { 0 };
	uint64_t n = FLOWS;

	if (str_to_u64(http_cookie(q, "flow"), &n) && n < FLOWS) {
		flow = p->flows[n];
		p->flows[n] = (struct oidc_flow){ 0 }; /* one try */
	}
	enum rc rc = oidc_finish(p->oidc, &flow, &back, q->a, claims, &err);
	json_open(&j, '{');
	say(out, rc, &err, &j);
	json_put_str(&j, "issuer", claims->issuer);
	json_put_str(&j, "subject", claims->subject);
	json_put_str(&j, "name", claims->name);
	json_put_str(&j, "email", claims->email);
	json_put_bool(&j, "email_verified", claims->email_verified);
	json_key(&j, STR("groups"));
	json_open(&j, '[');
	for (size_t i = 0; i < claims->group_count; i++)
		json_str(&j, claims->groups[i]);
	json_close(&j, ']');
	json_close(&j, '}');
}

static void put_attribute(struct buf *b, str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (strchr("&<>\"'", s.p[i]))
			buf_fmt(b, "&#%d;", s.p[i]);
		else
			buf_char(b, s.p[i]);
}

static void passkey_page(struct app *p, const struct http_request *q, struct http_answer *out)
{
	static const struct passkey_user user = { STR_INIT("handle"), STR_INIT("b@example.org"),
						  STR_INIT("B & \"Co\"") };
	size_t have = p->kept.id.n ? 1 : 0;

	passkey_challenge_new(&p->challenge);
	p->challenged = true;
	out->type = "text/html; charset=utf-8";
	set_header(out, "Content-Security-Policy",
		   STR("default-src 'none'; script-src 'self'; form-action 'self'"));
	static const char *const kinds[] = { "create", "get", "find" };
	buf_fmt(&out->body, "<!doctype html><title>passkeys</title><script src=\"/passkey.js\" defer></script>");
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const char *verb = i == 0 ? "create" : "get";
		buf_fmt(&out->body, "<form hidden method=\"post\" action=\"/passkey/%s\" id=\"%s\" data-passkey=\"%s\""
				    " data-options=\"", verb, kinds[i], verb);
		put_attribute(&out->body,
			      i == 0 ? passkey_create_options(&p->site, &p->challenge, &user, NULL, 0, q->a)
				     : passkey_get_options(&p->site, &p->challenge, &p->kept, i == 1 ? have : 0,
							   q->a));
		buf_fmt(&out->body, "\"><input type=\"hidden\" name=\"passkey\"><button>%s</button>"
				    "<output role=\"alert\"></output></form>", kinds[i]);
	}
}

static void passkey_done(struct app *p, const struct http_request *q, struct http_answer *out)
{
	struct err err = { 0 };
	struct json_out j = json_out(&out->body);
	struct passkey made = { 0 };
	struct passkey_answer answer = { 0 };
	enum rc rc = p->challenged ? RC_OK : fail(&err, RC_DENIED, "no challenge");
	bool create = str_eq(q->path, STR("/passkey/create"));
	uint32_t count = 0;
	str json = http_form(q, "passkey");

	p->challenged = false;
	if (rc == RC_OK && create)
		rc = passkey_register(&p->site, &p->challenge, json, q->a, &made, &err);
	else if (rc == RC_OK)
		rc = passkey_answer_read(json, q->a, &answer, &err);
	if (rc == RC_OK && !create)
		rc = passkey_check(&p->site, &p->challenge, &answer, &p->kept, &count, NULL, &err);
	if (rc == RC_OK && create) {
		p->kept = made;
		p->kept.id = arena_str(p->a, made.id);
		p->kept.key = arena_str(p->a, made.key);
		p->kept.user = STR("handle");
	} else if (rc == RC_OK) {
		p->kept.count = count;
	}
	json_open(&j, '{');
	say(out, rc, &err, &j);
	json_put_i64(&j, "alg", made.alg);
	json_put_i64(&j, "count", create ? made.count : count);
	json_put_str(&j, "user", answer.user);
	json_close(&j, '}');
}

static void answer(void *ctx, const struct http_request *q, struct http_answer *out)
{
	struct app *p = ctx;

	out->status = 200;
	out->type = "application/json";
	out->body = (struct buf)BUF_INIT(MIB(1));
	if (str_eq(q->path, STR("/oidc")))
		oidc_there(p, q, out);
	else if (str_eq(q->path, STR("/oidc/back")) && p->oidc)
		oidc_back(p, q, out);
	else if (str_eq(q->path, STR("/passkey")))
		passkey_page(p, q, out);
	else if (str_eq(q->path, STR("/passkey.js"))) {
		out->type = "text/javascript; charset=utf-8";
		buf_add(&out->body, p->script);
	} else if (str_starts(q->path, STR("/passkey/")) && q->method == HTTP_POST)
		passkey_done(p, q, out);
	else
		out->status = 404;
}

static str read_file(const char *path, struct arena *a)
{
	char text[KIB(16)];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text), f) : 0;

	if (f)
		(void)fclose(f);
	return arena_str(a, str_mem(text, n));
}

static enum rc set_up(struct app *p, int argc, char **argv, struct err *err)
{
	enum rc rc = hash_init(err);

	if (rc == RC_OK)
		rc = settings_load(node_setting_rows, node_setting_count, STR_NONE, "none", NULL,
				   (const char *const *)argv + 2, (size_t)(argc - 2), &p->settings, err);
	if (rc == RC_OK)
		rc = passkey_site_of(settings_text(p->settings, "public_url"), STR("Team B"), p->a, &p->site,
				     err);
	if (rc == RC_OK)
		rc = fetch_new(arena_z(p->a, settings_text(p->settings, "fetch_ca_file")), &p->fetcher, err);
	if (rc == RC_OK) {
		rc = oidc_open(p->settings, "/oidc/back", p->fetcher, &p->oidc, err);
		rc = rc == RC_ABSENT ? RC_OK : rc;
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct app p = { .a = arena_new(KIB(64)) };
	struct err err = { 0 };
	struct http *http = NULL;
	struct http_handlers handlers = { .ctx = &p, .answer = answer };

	if (argc < 3)
		return 2;
	p.script = read_file(argv[1], p.a);
	enum rc rc = set_up(&p, argc, argv, &err);
	if (rc == RC_OK) {
		struct http_options o = { .listen = arena_z(p.a, settings_text(p.settings, "listen")),
					  .trusted_proxies = "", .limits = http_limits_default };
		o.limits.threads = 1;
		rc = http_start(&o, &handlers, NULL, &http, &err);
	}
	if (rc != RC_OK) {
		fprintf(stderr, "%s\n", err.text);
		return rc_exit_code(rc);
	}
	printf("http://localhost:%u\n", http_port(http));
	(void)fflush(stdout);
	while (getchar() != EOF)
		continue;
	http_stop(http);
	oidc_free(p.oidc);
	fetch_free(p.fetcher);
	settings_free(p.settings);
	arena_free(p.a);
	return 0;
}
