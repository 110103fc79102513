/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/imap.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "mail/mail_private.h"
#include "mail/oauth2.h"
#include "mail/parse.h"

enum { LINE_MOST = 1 << 20, UIDS_MOST = 1000, WAIT_MS = 60000 };

struct imap {
	CURL *curl;
	curl_socket_t socket;
	struct arena *a;
	struct buf in;       /* read, and not yet looked at from `at` on */
	size_t at;
	unsigned tag;
	bool moves;          /* the server knows MOVE */
	str user, password, token, host, folder, move_to;
	unsigned port;
	bool tls, loopback;
};

bool imap_is(str mail_in)
{
	return str_starts_nocase(mail_in, STR("imaps://")) || str_starts_nocase(mail_in, STR("imap://"));
}

/* --- settings --- */

static bool is_folder(str s)
{
	return s.n > 0 && s.n < 500 && str_is_plain(s) && !str_has(s, '"') && !str_has(s, '\\');
}

static enum rc read_address(struct imap *m, str text, struct err *err)
{
	str rest = text;
	uint32_t port = 0;
	m->tls = str_starts_nocase(text, STR("imaps://"));
	rest = str_from(rest, m->tls ? 8 : 7);
	str place = str_cut(&rest, '/');
	m->folder = rest.n ? rest : STR("INBOX");
	size_t at = place.n;
	while (at > 0 && place.p[at - 1] != '@')
		at--;
	m->user = at > 0 ? str_head(place, at - 1) : STR("");
	m->host = str_from(place, at);
	size_t colon = str_index(m->host, ':');
	if (colon < m->host.n) {
		if (!str_to_u32(str_from(m->host, colon + 1), &port) || port == 0 || port > 65535)
			return fail(err, RC_INPUT, "mail_in: '" STR_FMT "' has no port behind its ':'", STR_ARG(text));
		m->host = str_head(m->host, colon);
	}
	m->port = port ? port : m->tls ? 993 : 143;
	m->loopback = str_eq(m->host, STR("localhost")) || str_starts(m->host, STR("127."));
	bool plain = m->host.n > 0 && str_is_plain(m->host);
	for (size_t i = 0; i < m->host.n; i++)
		plain &= !strchr("/?#@[]\\\" ", m->host.p[i]);
	if (!plain || !str_is_plain(m->user) || m->user.n == 0)
		return fail(err, RC_INPUT, "mail_in: '" STR_FMT "' names no user and host, as imaps://user@mail.example.org/INBOX",
			    STR_ARG(text));
	if (!is_folder(m->folder))
		return fail(err, RC_INPUT, "mail_in: '" STR_FMT "' is no folder", STR_ARG(m->folder));
	return RC_OK;
}

static enum rc read_settings(struct imap *m, const struct settings *s, struct oauth2 *o, struct err *err)
{
	enum rc rc = read_address(m, settings_text(s, "mail_in"), err);
	m->move_to = settings_text(s, "mail_in_move");
	if (rc == RC_OK && m->move_to.n && !is_folder(m->move_to))
		rc = fail(err, RC_INPUT, "mail_in_move: '" STR_FMT "' is no folder", STR_ARG(m->move_to));
	if (rc == RC_OK && o)
		return oauth2_token(o, m->a, &m->token, err);
	if (rc == RC_OK)
		rc = mail_secret(s, "mail_in_password_file", m->a, &m->password, err);
	if (rc == RC_OK && m->password.n == 0)
		rc = fail(err, RC_INPUT, "mail_in: no password: mail_in_password_file is empty, and no mail_oauth2_token_url");
	return rc;
}

/* --- the connection --- */

static enum rc connect_to(struct imap *m, const struct settings *s, struct err *err)
{
	str ca = settings_text(s, "mail_ca_file");
	char words[CURL_ERROR_SIZE] = "";
	CURL *c = m->curl;
	curl_easy_setopt(c, CURLOPT_URL,
			 arena_fmt(m->a, "%s://" STR_FMT ":%u/", m->tls ? "imaps" : "imap", STR_ARG(m->host), m->port).p);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, words);
	curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "imap,imaps");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, 20000L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)WAIT_MS);
	curl_easy_setopt(c, CURLOPT_USERNAME, arena_z(m->a, m->user));
	if (m->token.n)
		curl_easy_setopt(c, CURLOPT_XOAUTH2_BEARER, arena_z(m->a, m->token));
	else
		curl_easy_setopt(c, CURLOPT_PASSWORD, arena_z(m->a, m->password));
	if (ca.n)
		curl_easy_setopt(c, CURLOPT_CAINFO, arena_z(m->a, ca));
	CURLcode code = curl_easy_perform(c);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, NULL);
	if (code == CURLE_LOGIN_DENIED)
		return fail(err, RC_DENIED, "'" STR_FMT "' does not let '" STR_FMT "' in", STR_ARG(m->host), STR_ARG(m->user));
	if (code == CURLE_USE_SSL_FAILED || code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR)
		return fail(err, RC_DENIED, "'" STR_FMT "': TLS failed: %s", STR_ARG(m->host), words[0] ? words : curl_easy_strerror(code));
	if (code != CURLE_OK)
		return fail(err, RC_BUSY, "'" STR_FMT "' is not reached: %s", STR_ARG(m->host),
			    words[0] ? words : curl_easy_strerror(code));
	if (curl_easy_getinfo(c, CURLINFO_ACTIVESOCKET, &m->socket) != CURLE_OK || m->socket == CURL_SOCKET_BAD)
		return fail(err, RC_BUSY, "'" STR_FMT "' closed the connection", STR_ARG(m->host));
	return RC_OK;
}

static enum rc gone(const struct imap *m, struct err *err)
{
	return fail(err, RC_BUSY, "'" STR_FMT "' broke off", STR_ARG(m->host));
}

static bool wait_for(const struct imap *m, short events)
{
	struct pollfd p = { .fd = m->socket, .events = events };
	return poll(&p, 1, WAIT_MS) > 0;
}

static enum rc send_all(struct imap *m, str text, struct err *err)
{
	while (text.n > 0) {
		size_t sent = 0;
		CURLcode code = curl_easy_send(m->curl, text.p, text.n, &sent);
		if ((code != CURLE_OK && code != CURLE_AGAIN) || (code == CURLE_AGAIN && !wait_for(m, POLLOUT)))
			return gone(m, err);
		text = str_from(text, sent);
	}
	return RC_OK;
}

static enum rc more(struct imap *m, struct err *err)
{
	if (m->at > 0 && m->at == m->in.n) {
		buf_reset(&m->in);
		m->at = 0;
	}
	for (;;) {
		size_t got = 0;
		char *room = buf_room(&m->in, KIB(32));
		if (!room)
			return fail(err, RC_LIMIT, "'" STR_FMT "' says too much at once", STR_ARG(m->host));
		CURLcode code = curl_easy_recv(m->curl, room, KIB(32), &got);
		if (code == CURLE_OK && got > 0) {
			m->in.n += got;
			return RC_OK;
		}
		if (code != CURLE_AGAIN || !wait_for(m, POLLIN))
			return gone(m, err);
	}
}

/* The next line without its end; lives until the next call. */
static enum rc line_of(struct imap *m, str *out, struct err *err)
{
	for (;;) {
		str rest = str_from(buf_str(&m->in), m->at);
		size_t n = str_index(rest, '\n');
		if (n < rest.n) {
			*out = str_trim_all(str_head(rest, n));
			m->at += n + 1;
			return RC_OK;
		}
		if (rest.n > LINE_MOST)
			return fail(err, RC_LIMIT, "'" STR_FMT "' sends a line without end", STR_ARG(m->host));
		enum rc rc = more(m, err);
		if (rc != RC_OK)
			return rc;
	}
}

/* Exactly n bytes into *out; of more than `most` the rest is read and left out. */
static enum rc bytes_of(struct imap *m, uint64_t n, size_t most, struct buf *out, struct err *err)
{
	while (n > 0) {
		str rest = str_from(buf_str(&m->in), m->at);
		if (rest.n == 0) {
			enum rc rc = more(m, err);
			if (rc != RC_OK)
				return rc;
			continue;
		}
		str part = str_head(rest, n < rest.n ? (size_t)n : rest.n);
		buf_add(out, str_head(part, out->n < most ? most - out->n : 0));
		m->at += part.n;
		n -= part.n;
	}
	return RC_OK;
}

/* Sends a command; each untagged line is given to `each`. RC_DENIED: NO; RC_BUSY: BAD or gone. */
typedef enum rc (*line_each)(struct imap *m, void *ctx, str line, struct err *err);
static enum rc command(struct imap *m, str text, line_each each, void *ctx, struct err *err)
{
	char tag[16];
	str line;
	snprintf(tag, sizeof tag, "R%u ", ++m->tag);
	enum rc rc = send_all(m, arena_fmt(m->a, "%s" STR_FMT "\r\n", tag, STR_ARG(text)), err);
	while (rc == RC_OK) {
		rc = line_of(m, &line, err);
		if (rc != RC_OK)
			break;
		if (str_starts(line, str_of(tag))) {
			str says = str_from(line, strlen(tag));
			if (str_starts_nocase(says, STR("OK")))
				return RC_OK;
			return fail(err, str_starts_nocase(says, STR("NO")) ? RC_DENIED : RC_BUSY, "'" STR_FMT "' says: " STR_FMT,
				    STR_ARG(m->host), STR_ARG(str_head(says, 120)));
		}
		if (str_starts(line, STR("* ")) && each)
			rc = each(m, ctx, str_from(line, 2), err);
	}
	return rc;
}

/* --- the mailbox --- */

static enum rc see_select(struct imap *m, void *ctx, str line, struct err *err)
{
	str mark = STR("[UIDVALIDITY ");
	size_t at = str_find(line, mark);
	(void)m;
	(void)err;
	if (at < line.n) {
		str number = str_from(line, at + mark.n);
		(void)str_to_u32(str_head(number, str_index(number, ']')), ctx);
	}
	return RC_OK;
}

static enum rc see_capability(struct imap *m, void *ctx, str line, struct err *err)
{
	(void)ctx;
	(void)err;
	while (line.n > 0)
		m->moves |= str_eq_nocase(str_cut(&line, ' '), STR("MOVE"));
	return RC_OK;
}

struct uids {
	uint32_t list[UIDS_MOST], after;
	size_t count, most, all; /* all: also those that are not kept */
};

/* Not in order, says the standard: the least ones are kept. */
static enum rc see_search(struct imap *m, void *ctx, str line, struct err *err)
{
	struct uids *u = ctx;
	(void)m;
	(void)err;
	if (!str_eq_nocase(str_cut(&line, ' '), STR("SEARCH")))
		return RC_OK;
	while (line.n > 0) {
		uint32_t uid;
		if (!str_to_u32(str_trim(str_cut(&line, ' ')), &uid) || uid <= u->after)
			continue;
		u->all++;
		size_t at = u->count;
		while (at > 0 && u->list[at - 1] > uid)
			at--;
		if ((at > 0 && u->list[at - 1] == uid) || at == u->most)
			continue;
		if (u->count == u->most)
			u->count--;
		memmove(&u->list[at + 1], &u->list[at], (u->count - at) * sizeof *u->list);
		u->list[at] = uid;
		u->count++;
	}
	return RC_OK;
}

struct fetching {
	struct buf bytes;
	bool got;
};

/* "12 FETCH (UID 7 BODY[] {1234}", the bytes, and what closes it on the line behind. */
static enum rc see_fetch(struct imap *m, void *ctx, str line, struct err *err)
{
	struct fetching *f = ctx;
	size_t brace = line.n;
	uint64_t n;
	str rest;
	while (brace > 0 && line.p[brace - 1] != '{')
		brace--;
	if (brace == 0 || !str_ends(line, STR("}")) || str_find(line, STR("BODY[")) == line.n ||
	    !str_to_u64(str_head(str_from(line, brace), line.n - brace - 1), &n))
		return RC_OK;
	buf_reset(&f->bytes);
	enum rc rc = bytes_of(m, n, MAIL_BYTES_MAX + 1, &f->bytes, err);
	f->got = rc == RC_OK;
	return rc == RC_OK ? line_of(m, &rest, err) : rc;
}

static enum rc taken(struct imap *m, uint32_t uid, struct err *err)
{
	if (m->move_to.n && m->moves)
		return command(m, arena_fmt(m->a, "UID MOVE %u \"" STR_FMT "\"", uid, STR_ARG(m->move_to)), NULL, NULL, err);
	enum rc rc = m->move_to.n ? command(m, arena_fmt(m->a, "UID COPY %u \"" STR_FMT "\"", uid, STR_ARG(m->move_to)),
					    NULL, NULL, err) : RC_OK;
	if (rc == RC_OK)
		rc = command(m, arena_fmt(m->a, "UID STORE %u +FLAGS.SILENT (\\Seen%s)", uid, m->move_to.n ? " \\Deleted" : ""),
			     NULL, NULL, err);
	return rc;
}

static enum rc one(struct imap *m, uint32_t uid, struct fetching *f, mail_take take, void *ctx, struct err *err)
{
	f->got = false;
	enum rc rc = command(m, arena_fmt(m->a, "UID FETCH %u BODY.PEEK[]", uid), see_fetch, f, err);
	if (rc != RC_OK || !f->got)
		return rc; /* gone meanwhile */
	rc = take(ctx, buf_str(&f->bytes), err);
	return rc == RC_OK || rc == RC_INPUT || rc == RC_LIMIT ? taken(m, uid, err) : rc;
}

static enum rc read_box(struct imap *m, size_t most, struct imap_at *at, mail_take take, void *ctx, size_t *count_out,
			size_t *left_out, struct err *err)
{
	struct fetching f = { .bytes = BUF_INIT(MAIL_BYTES_MAX + KIB(64)) };
	struct uids *u = ARENA_NEW(m->a, struct uids);
	uint32_t validity = 0;
	enum rc rc = command(m, STR("CAPABILITY"), see_capability, NULL, err);
	if (rc == RC_OK)
		rc = command(m, arena_fmt(m->a, "SELECT \"" STR_FMT "\"", STR_ARG(m->folder)), see_select, &validity, err);
	if (rc == RC_OK && validity == 0)
		rc = fail(err, RC_BUSY, "'" STR_FMT "' says no UIDVALIDITY", STR_ARG(m->host));
	if (rc == RC_OK && validity != at->validity)
		*at = (struct imap_at){ .validity = validity };
	u->after = at->uid;
	u->most = most < UIDS_MOST ? most : UIDS_MOST;
	if (rc == RC_OK)
		rc = command(m, arena_fmt(m->a, "UID SEARCH UID %u:*", at->uid + 1), see_search, u, err);
	*left_out = u->all - u->count;
	for (size_t i = 0; i < u->count && rc == RC_OK; i++) {
		rc = one(m, u->list[i], &f, take, ctx, err);
		if (rc == RC_OK) {
			at->uid = u->list[i];
			++*count_out;
		}
	}
	buf_free(&f.bytes);
	if (rc == RC_OK)
		rc = command(m, STR("LOGOUT"), NULL, NULL, NULL) == RC_OK ? RC_OK : RC_OK;
	return rc;
}

enum rc imap_each(const struct settings *s, size_t most, struct imap_at *at, mail_take take, void *ctx,
		  size_t *count_out, size_t *left_out, struct err *err)
{
	struct imap m = { .a = arena_new(KIB(64)), .in = BUF_INIT(LINE_MOST + KIB(128)), .curl = x_made(curl_easy_init()) };
	struct oauth2 *o = NULL;
	*count_out = *left_out = 0;
	enum rc rc = oauth2_open(s, &o, err);
	if (rc == RC_OK)
		rc = read_settings(&m, s, o, err);
	if (rc == RC_OK)
		rc = connect_to(&m, s, err);
	if (rc == RC_DENIED && m.token.n)
		oauth2_refused(o, m.token);
	if (rc == RC_OK)
		rc = read_box(&m, most, at, take, ctx, count_out, left_out, err);
	curl_easy_cleanup(m.curl);
	oauth2_close(o);
	buf_free(&m.in);
	arena_free(m.a);
	return rc;
}
