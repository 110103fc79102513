/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <json-c/json.h>
#include <sodium.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/queue.h"
#include "http/fetch.h"
#include "mail/mail_private.h"
#include "mail/oauth2.h"

enum { TOKEN_MAX = 16 << 10 };
#define LEFT_US MINUTE_US          /* a token that ends sooner is not given out */
#define UNSAID_US (5 * MINUTE_US)  /* how long one lasts whose end is not said */

/* What changes: in the hands of one thread at a time, and in the queue otherwise. */
struct tokens {
	char *access;
	int64_t until_us;          /* monotonic */
};
struct oauth2 {
	struct arena *a;
	struct fetcher *fetcher;
	str url, id, secret, scope, refresh_file;
	struct tokens tokens;
	struct queue *turn;
};

static void forget(struct tokens *t)
{
	if (t->access)
		sodium_memzero(t->access, strlen(t->access));
	free(t->access);
	*t = (struct tokens){ .access = NULL };
}

enum rc oauth2_open(const struct settings *s, struct oauth2 **out, struct err *err)
{
	struct err why = { 0 };
	str url = settings_text(s, "mail_oauth2_token_url");
	*out = NULL;
	if (url.n == 0)
		return RC_OK;
	struct oauth2 *o = x_alloc(sizeof *o);
	o->a = arena_new(KIB(4));
	o->url = arena_str(o->a, url);
	o->id = arena_str(o->a, settings_text(s, "mail_oauth2_client_id"));
	o->scope = arena_str(o->a, settings_text(s, "mail_oauth2_scope"));
	o->refresh_file = arena_str(o->a, settings_text(s, "mail_oauth2_refresh_token_file"));
	o->turn = queue_new(1);
	(void)queue_put(o->turn, &o->tokens);
	enum rc rc = o->id.n ? RC_OK : fail(err, RC_INPUT, "mail_oauth2_client_id is not set");
	if (rc == RC_OK)
		rc = mail_secret(s, "mail_oauth2_client_secret_file", o->a, &o->secret, err);
	if (rc == RC_OK)
		rc = fetch_new(arena_z(o->a, settings_text(s, "fetch_ca_file")), &o->fetcher, err);
	if (rc == RC_OK && fetch_exempt(o->fetcher, "mail_oauth2", o->url, &why) != RC_OK)
		rc = fail(err, why.rc, "mail_oauth2_token_url: %s", why.text);
	if (rc == RC_OK)
		*out = o;
	else
		oauth2_close(o);
	return rc;
}

void oauth2_close(struct oauth2 *o)
{
	if (!o)
		return;
	forget(&o->tokens);
	fetch_free(o->fetcher);
	queue_free(o->turn);
	arena_free(o->a);
	free(o);
}

/* --- the refresh token's file --- */

static enum rc refresh_read(const struct oauth2 *o, struct arena *a, str *out, struct err *err)
{
	return mail_secret_file("mail_oauth2_refresh_token_file", o->refresh_file, a, out, err);
}

static enum rc refresh_write(const struct oauth2 *o, str token, struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	struct io_dir *dir = NULL;
	char *path = arena_z(a, o->refresh_file), *name = strrchr(path, '/');
	const char *folder = ".";
	if (name) {
		folder = name == path ? "/" : path;
		*name++ = '\0';
	} else {
		name = path;
	}
	enum rc rc = io_dir_open(folder, &dir, err);
	if (rc == RC_OK)
		rc = io_replace_file(dir, name, token, err);
	io_dir_close(dir);
	arena_free(a);
	return rc;
}

/* --- asking --- */

/* HTTP Basic with both halves form-encoded (RFC 6749, section 2.3.1). */
static str basic(const struct oauth2 *o, struct arena *a)
{
	struct buf pair = BUF_INIT(KIB(16));
	percent_format(&pair, o->id);
	buf_char(&pair, ':');
	percent_format(&pair, o->secret);
	size_t room = sodium_base64_ENCODED_LEN(pair.n, sodium_base64_VARIANT_ORIGINAL);
	char *to = arena_alloc(a, room);
	sodium_bin2base64(to, room, (const unsigned char *)pair.p, pair.n, sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(pair.p, pair.n);
	buf_free(&pair);
	return arena_fmt(a, "Basic %s", to);
}

static enum rc keep(struct oauth2 *o, struct tokens *t, struct json_object *answer, str had, struct err *err)
{
	str token = json_get_str(answer, "access_token"), refresh = json_get_str(answer, "refresh_token");
	str kind = json_get_str(answer, "token_type");
	int64_t seconds = 0;
	if (token.n == 0 || token.n > TOKEN_MAX || !str_is_plain(token) || !str_eq_nocase(kind, STR("bearer")))
		return fail(err, RC_DENIED, "'" STR_FMT "' gives no bearer token", STR_ARG(o->url));
	bool said = json_get_i64(answer, "expires_in", &seconds) && seconds > 0 && seconds < 366 * 86400;
	enum rc rc = RC_OK;
	if (o->refresh_file.n && refresh.n && refresh.n <= TOKEN_MAX && !str_eq(refresh, had))
		rc = refresh_write(o, refresh, err);
	if (rc != RC_OK)
		return rc;
	t->access = x_alloc(token.n + 1);
	(void)str_to_z(token, t->access, token.n + 1);
	t->until_us = clock_mono_us() + (said ? seconds * SECOND_US : UNSAID_US);
	return RC_OK;
}

/* What the server says, which is words for people (section 5.2). */
static enum rc refused(const struct oauth2 *o, const struct fetch_answer *answer, struct err *err)
{
	struct json_object *said = NULL;
	str code = STR("");
	if (json_read(answer->body, &said, NULL) == RC_OK)
		code = json_get_str(said, "error");
	bool later = answer->status == 429 || answer->status >= 500;
	enum rc rc = fail(err, later ? RC_BUSY : RC_DENIED, "'" STR_FMT "' gives no token: status %d, '" STR_FMT "'",
			  STR_ARG(o->url), answer->status,
			  STR_ARG(code.n && code.n < 60 && str_is_plain(code) ? code : STR("no reason")));
	json_free(said);
	return rc;
}

static enum rc ask(struct oauth2 *o, struct tokens *t, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct buf form = BUF_INIT(KIB(64));
	struct fetch_answer answer = { 0 };
	struct json_object *said = NULL;
	str refresh = STR("");
	enum rc rc = o->refresh_file.n ? refresh_read(o, a, &refresh, err) : RC_OK;
	fetch_form(&form, "grant_type", o->refresh_file.n ? STR("refresh_token") : STR("client_credentials"));
	if (refresh.n)
		fetch_form(&form, "refresh_token", refresh);
	if (o->scope.n)
		fetch_form(&form, "scope", o->scope);
	if (o->secret.n == 0)
		fetch_form(&form, "client_id", o->id);
	const struct fetch_request q = {
		.purpose = "mail_oauth2", .url = o->url, .accept = "application/json", .form = &form,
		.authorization = o->secret.n ? basic(o, a) : STR_NONE, .limits = { .body_bytes = KIB(64) },
	};
	if (rc == RC_OK)
		rc = fetch(o->fetcher, &q, a, &answer, err);
	if (rc == RC_OK && answer.status != 200)
		rc = refused(o, &answer, err);
	if (rc == RC_OK && json_read(answer.body, &said, NULL) != RC_OK)
		rc = fail(err, RC_DENIED, "'" STR_FMT "' gives no token: its answer is no JSON", STR_ARG(o->url));
	if (rc == RC_OK)
		rc = keep(o, t, said, refresh, err);
	json_free(said);
	if (form.p)
		sodium_memzero(form.p, form.n);
	buf_free(&form);
	arena_free(a);
	return rc;
}

enum rc oauth2_token(struct oauth2 *o, struct arena *a, str *out, struct err *err)
{
	struct tokens *t = queue_take(o->turn);
	enum rc rc = RC_OK;
	if (t->access && t->until_us - clock_mono_us() < LEFT_US)
		forget(t);
	if (!t->access)
		rc = ask(o, t, err);
	if (rc == RC_OK)
		*out = arena_str(a, str_of(t->access));
	(void)queue_put(o->turn, t);
	return rc;
}

void oauth2_refused(struct oauth2 *o, str token)
{
	struct tokens *t = queue_take(o->turn);
	if (t->access && str_eq(str_of(t->access), token))
		forget(t);
	(void)queue_put(o->turn, t);
}
