/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/misp_client.h"

#include <sys/stat.h>

#include "base/io.h"
#include "exchange/misp_private.h"
#include "http/fetch.h"

enum { KEYS_BYTES = 64 << 10, EXEMPT_MOST = 60 };

/* --- the door --- */

/* "NAME=URL, URL": the URLs may be inside. */
static enum rc exempt_all(struct fetcher *door, str list, struct err *err)
{
	for (int i = 0; i < EXEMPT_MOST && list.n > 0; i++) {
		str one = str_trim(str_cut(&list, ','));
		size_t at = str_index(one, '=');
		str url = str_trim(at < one.n && at < str_find(one, STR("://")) ? str_from(one, at + 1) : one);
		enum rc rc = url.n > 0 ? fetch_exempt(door, "misp", url, err) : RC_OK;
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc open_door(struct exchange *x, struct arena *a, struct fetcher **out, struct err *err)
{
	enum rc rc = fetch_new(arena_z(a, settings_text(x->w.settings, "fetch_ca_file")), out, err);
	if (rc == RC_OK)
		rc = fetch_allow(*out, "misp", STR("*"), err);
	if (rc == RC_OK)
		rc = exempt_all(*out, settings_text(x->w.settings, "misp_feeds"), err);
	if (rc == RC_OK)
		rc = exempt_all(*out, settings_text(x->w.settings, "misp_hosts"), err);
	return rc;
}

/* Lines "NAME KEY"; a name with spaces stands before the last one. */
static enum rc key_of(struct exchange *x, str name, struct arena *a, str *out, struct err *err)
{
	str path = settings_text(x->w.settings, "misp_keys_file"), rest, line;
	struct buf text = BUF_INIT(KEYS_BYTES);
	struct io_dir *dir = NULL;
	*out = STR("");
	if (path.n == 0)
		return RC_OK;
	size_t cut = path.n;
	while (cut > 0 && path.p[cut - 1] != '/')
		cut--;
	enum rc rc = io_dir_open(cut > 0 ? arena_z(a, str_head(path, cut)) : x->w.dir, &dir, err);
	if (rc == RC_OK)
		rc = io_read_file(dir, arena_z(a, str_from(path, cut)), &text, err);
	io_dir_close(dir);
	rest = buf_str(&text);
	while (rc == RC_OK && str_line(&rest, &line)) {
		size_t at = line.n;
		line = str_trim(line);
		while (at > 0 && (at >= line.n || line.p[at] != ' '))
			at--;
		if (at > 0 && line.p[0] != '#' && str_eq(str_trim(str_head(line, at)), name))
			*out = arena_str(a, str_trim(str_from(line, at)));
	}
	buf_free(&text);
	return rc;
}

enum rc misp_server_open(struct exchange *x, str name, str address, bool must, struct misp_server *out, struct err *err)
{
	*out = (struct misp_server){ .a = arena_new(KIB(4)) };
	out->name = arena_str(out->a, name);
	while (str_ends(address, STR("/")))
		address.n--;
	out->base = arena_str(out->a, address);
	enum rc rc = address.n > 0 ? RC_OK : fail(err, RC_INPUT, "'" STR_FMT "' has no address", STR_ARG(name));
	if (rc == RC_OK)
		rc = key_of(x, name, out->a, &out->key, err);
	if (rc == RC_OK && must && out->key.n == 0)
		rc = fail(err, RC_INPUT, "there is no key for '" STR_FMT "' in misp_keys_file", STR_ARG(name));
	if (rc == RC_OK)
		rc = open_door(x, out->a, &out->door, err);
	if (rc != RC_OK)
		misp_server_close(out);
	return rc;
}

enum rc misp_partner_open(struct exchange *x, const struct partner *p, struct misp_server *out, struct err *err)
{
	*out = (struct misp_server){ .door = NULL };
	if (p->kind != PARTNER_MISP)
		return fail(err, RC_INPUT, "'" STR_FMT "' is no MISP", STR_ARG(p->name));
	if (!p->active)
		return fail(err, RC_DENIED, "'" STR_FMT "' is not in use: make the partner active first", STR_ARG(p->name));
	return misp_server_open(x, p->name, p->address, true, out, err);
}

void misp_server_close(struct misp_server *s)
{
	fetch_free(s->door);
	arena_free(s->a);
	*s = (struct misp_server){ .door = NULL };
}

/* --- a request --- */

/* What the server says in words, for people: MISP's "message", else "name". */
static str said(struct json_object *o)
{
	str words = json_get_str(o, "message");
	return words.n > 0 ? words : json_get_str(o, "name");
}

static enum rc judge(const struct misp_server *s, int status, struct json_object *o, struct err *err)
{
	str words = str_head(said(o), 120);
	enum rc rc = status == 401 || status == 403	       ? RC_DENIED :
		     status == 404		       ? RC_ABSENT :
		     status == 429 || status >= 500 ? RC_BUSY : RC_INPUT;
	if (status == 200 || status == 201)
		return RC_OK;
	return fail(err, rc, "'" STR_FMT "' answers %d%s" STR_FMT, STR_ARG(s->name), status, words.n ? ": " : "",
		    STR_ARG(str_is_plain(words) ? words : STR("")));
}

enum rc misp_ask(struct misp_server *s, str path, str body, struct arena *a, struct json_object **out, struct err *err)
{
	struct buf form = BUF_INIT(MISP_ANSWER_BYTES);
	struct fetch_answer answer;
	struct err why = { 0 };
	*out = NULL;
	if (body.p)
		buf_add(&form, body);
	const struct fetch_request q = {
		.purpose = "misp", .url = arena_fmt(a, STR_FMT STR_FMT, STR_ARG(s->base), STR_ARG(path)),
		.authorization = s->key.n > 0 ? s->key : STR_NONE, .accept = "application/json",
		.form = body.p ? &form : NULL, .form_type = body.p ? "application/json" : NULL,
		.limits = { .body_bytes = MISP_ANSWER_BYTES, .total_ms = 60000 },
	};
	enum rc rc = form.over ? fail(err, RC_LIMIT, "too much to send to '" STR_FMT "' at once", STR_ARG(s->name)) :
				 fetch(s->door, &q, a, &answer, err);
	buf_free(&form);
	if (rc != RC_OK)
		return rc;
	if (json_read(answer.body, out, &why) != RC_OK)
		*out = NULL;
	rc = judge(s, answer.status, *out, err);
	if (rc == RC_OK && !*out)
		rc = fail(err, RC_INPUT, "'" STR_FMT "' answers what is no JSON: %s", STR_ARG(s->name), why.text);
	if (rc != RC_OK) {
		json_free(*out);
		*out = NULL;
	}
	return rc;
}
