/* SPDX-License-Identifier: Apache-2.0 */
/* One mail, at one relay after the other. What libcurl is told and what comes back passes one of two
 * functions here: command() sees how far the conversation is, reply() what the relay says to it; from
 * the two follows what became of the mail. */
#include <curl/curl.h>

#include "base/clock.h"
#include "base/queue.h"
#include "mail/mail_private.h"
#include "mail/oauth2.h"
#include "mail/smtp.h"

enum { KEPT_MAX = 32, PATH_MAX_BYTES = 254, WORDS_MAX = 240, DOWN_DOUBLINGS = 5 };
#define DOWN_US (2 * SECOND_US) /* then 4 s, 8 s … a minute */
#define CONNECT_MS 15000

struct smtp {
	struct arena *a;
	struct relay relays[RELAYS_MAX];
	size_t relay_count;
	const char *ca_file, *lacks;
	long limit_ms;
	struct oauth2 *oauth2;
	struct queue *kept;  /* handles of libcurl with their connections, for whoever sends next */
};

enum stage { AT_START, AT_MAIL, AT_RCPT, AT_DATA, AT_BODY, BEHIND_BODY };

/* One mail at one relay. */
struct one {
	const struct smtp_mail *mail;
	struct relay *relay;
	enum stage stage;
	size_t sent;            /* bytes of the body that libcurl has */
	bool begun;             /* begin() was called */
	bool stopped;           /* and did not want it */
	struct err why;
	int code;               /* of the last reply; 0: none to the last command */
	bool replies;           /* the line before this was not a reply's last */
	bool quits;             /* what is said now ends a connection: no answer to this mail */
	char words[WORDS_MAX];  /* of the last reply, or libcurl's */
	char reason[CURL_ERROR_SIZE];
};

enum rc smtp_open(const struct settings *s, struct smtp **out, struct err *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return fail(err, RC_IO, "libcurl does not start");
	struct smtp *m = x_alloc(sizeof *m);
	m->a = arena_new(KIB(4));
	m->ca_file = arena_z(m->a, settings_text(s, "mail_ca_file"));
	m->limit_ms = (long)(settings_int(s, "mail_timeout") / 1000);
	m->kept = queue_new(KEPT_MAX);
	enum rc rc = relays_read(s, m->a, m->relays, &m->relay_count, err);
	if (rc == RC_OK)
		rc = oauth2_open(s, &m->oauth2, err);
	m->lacks = m->relay_count == 0 ? "setting mail_relays is empty" : NULL;
	if (rc == RC_OK)
		*out = m;
	else
		smtp_close(m);
	return rc;
}

void smtp_close(struct smtp *m)
{
	if (!m)
		return;
	for (CURL *c; (c = queue_take_for(m->kept, 0)) != NULL;)
		curl_easy_cleanup(c);
	queue_free(m->kept);
	oauth2_close(m->oauth2);
	arena_free(m->a);
	free(m);
	curl_global_cleanup();
}

const char *smtp_lacks(const struct smtp *m)
{
	return m->lacks;
}

bool smtp_rests(const struct smtp *m)
{
	int64_t now = clock_mono_us();
	for (size_t i = 0; i < m->relay_count; i++)
		if (atomic_load(&m->relays[i].down_us) <= now)
			return false;
	return true;
}

/* --- what passes --- */

static void say(struct one *o, str text, bool more)
{
	size_t at = more ? strlen(o->words) : 0;
	for (size_t i = 0; i < text.n && at + 1 < sizeof o->words; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c != '\r' && c != '\n')
			o->words[at++] = c >= ' ' && c < 0x7f ? (char)c : '?';
	}
	o->words[at] = '\0';
}

/* Commands as libcurl sends them; never a login, nor what is secret. */
static int command(CURL *c, curl_infotype kind, char *p, size_t n, void *ctx)
{
	static const struct { const char *begins; enum stage stage; } commands[] = {
		{ "MAIL FROM", AT_MAIL }, { "RCPT TO", AT_RCPT }, { "DATA", AT_DATA },
	};
	struct one *o = ctx;
	(void)c;
	if (kind != CURLINFO_HEADER_OUT)
		return 0;
	o->quits = str_starts(str_mem(p, n), STR("QUIT"));
	if (o->quits)
		return 0;
	o->code = 0;
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (str_starts(str_mem(p, n), str_of(commands[i].begins)))
			o->stage = commands[i].stage;
	return 0;
}

/* A line of a reply: "250-SIZE", "250 OK" (RFC 5321, section 4.2). */
static size_t reply(char *p, size_t size, size_t n, void *ctx)
{
	struct one *o = ctx;
	str line = str_mem(p, size * n);
	uint32_t code = 0;
	if (o->quits || !str_to_u32(str_head(line, 3), &code) || code > 599)
		return size * n;
	say(o, o->replies ? str_from(line, 3) : line, o->replies);
	o->code = (int)code;
	o->replies = line.n > 3 && line.p[3] == '-';
	return size * n;
}

static size_t body(char *to, size_t size, size_t n, void *ctx)
{
	struct one *o = ctx;
	if (!o->begun) {
		o->begun = true;
		o->stage = AT_BODY;
		o->stopped = o->mail->begin && o->mail->begin(o->mail->ctx, &o->why) != RC_OK;
		if (o->stopped)
			return CURL_READFUNC_ABORT;
	}
	str rest = str_head(str_from(o->mail->bytes, o->sent), size * n);
	if (rest.n)
		memcpy(to, rest.p, rest.n);
	o->sent += rest.n;
	/* The last byte is with libcurl, which sends the final dot behind it: no longer ours to stop. */
	if (o->sent == o->mail->bytes.n) {
		o->stage = BEHIND_BODY;
		o->code = 0;
	}
	return rest.n;
}

/* --- judging --- */

static bool is_too_big(const struct one *o)
{
	return o->code == 552 || str_find(str_of(o->words), STR(" 5.3.4")) < strlen(o->words);
}

static enum smtp_end judge(const struct one *o, CURLcode code)
{
	int kind = o->code / 100;
	if (code == CURLE_OK)
		return SMTP_TAKEN;
	if (o->stopped)
		return SMTP_LATER;
	switch (o->stage) {
	case AT_START: /* not reached, no TLS, no login: the relay's trouble or ours, never the recipient's */
		return SMTP_LATER;
	case AT_MAIL:
		return kind == 5 && is_too_big(o) ? SMTP_REFUSED : SMTP_LATER;
	case AT_RCPT:
	case AT_DATA:
		return kind == 5 ? SMTP_REFUSED : SMTP_LATER;
	case AT_BODY: /* cut in the middle: without the final dot it has nothing */
		return SMTP_LATER;
	case BEHIND_BODY:
		return kind == 2 ? SMTP_TAKEN : kind == 5 ? SMTP_REFUSED : kind == 4 ? SMTP_LATER : SMTP_UNCERTAIN;
	}
	return SMTP_LATER;
}

static const char *at_words(enum stage s)
{
	static const char *const words[] = {
		[AT_START] = "at the start", [AT_MAIL] = "at the sender", [AT_RCPT] = "at the recipient",
		[AT_DATA] = "before the mail", [AT_BODY] = "in the middle of the mail",
		[BEHIND_BODY] = "behind the whole mail, without a word",
	};
	return words[s];
}

static void fill_words(struct one *o, CURLcode code)
{
	if (o->stopped)
		say(o, str_of(o->why.text), false);
	else if (o->code == 0 && code != CURLE_OK) {
		say(o, str_of(code == CURLE_OPERATION_TIMEDOUT ? "too slow" : o->reason[0] ? o->reason :
			      curl_easy_strerror(code)), false);
		say(o, STR(", "), true);
		say(o, str_of(at_words(o->stage)), true);
	}
}

/* --- asking --- */

/* "<a@b>", as it stands in the command. Nothing but an address gets there. */
static struct curl_slist *recipient(const struct smtp_mail *mail, struct arena *a)
{
	return curl_slist_append(NULL, arena_fmt(a, "<" STR_FMT ">", STR_ARG(mail->to)).p);
}

static void set_up(const struct smtp *m, CURL *c, struct one *o, str token)
{
	const struct relay *r = o->relay;
	curl_easy_setopt(c, CURLOPT_URL, r->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USE_SSL, r->plain ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	if (m->ca_file[0]) {
		curl_easy_setopt(c, CURLOPT_CAINFO, m->ca_file);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	}
	if (r->user[0])
		curl_easy_setopt(c, CURLOPT_USERNAME, r->user);
	if (token.n)
		curl_easy_setopt(c, CURLOPT_XOAUTH2_BEARER, token.p);
	else if (r->user[0])
		curl_easy_setopt(c, CURLOPT_PASSWORD, r->password);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, m->limit_ms < CONNECT_MS ? m->limit_ms : (long)CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, m->limit_ms);
	curl_easy_setopt(c, CURLOPT_SERVER_RESPONSE_TIMEOUT, m->limit_ms / 1000 + 1);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, reply);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, o);
	curl_easy_setopt(c, CURLOPT_VERBOSE, 1L); /* for command(), which alone gets it */
	curl_easy_setopt(c, CURLOPT_DEBUGFUNCTION, command);
	curl_easy_setopt(c, CURLOPT_DEBUGDATA, o);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, o->reason);
}

static void set_mail(CURL *c, struct one *o, struct curl_slist *to, struct arena *a)
{
	if (o->mail->from.n) /* without it libcurl says <>, the null return path */
		curl_easy_setopt(c, CURLOPT_MAIL_FROM, arena_fmt(a, "<" STR_FMT ">", STR_ARG(o->mail->from)).p);
	curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	/* Said in MAIL FROM where the relay has a limit (RFC 1870): too long a mail is refused before it goes. */
	curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)o->mail->bytes.n);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, body);
	curl_easy_setopt(c, CURLOPT_READDATA, o);
}

/* A connection that the relay had closed meanwhile says nothing of the mail: once more, on a new one. */
static CURLcode perform(CURL *c, struct one *o)
{
	long connects = 1;
	CURLcode code = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_NUM_CONNECTS, &connects);
	bool was_421 = o->code == 421 && o->stage < AT_BODY;
	if (code == CURLE_OK || o->begun || connects > 0 || (o->code != 0 && !was_421) || code == CURLE_OPERATION_TIMEDOUT)
		return code;
	o->stage = AT_START;
	o->code = 0;
	o->replies = false;
	o->reason[0] = '\0';
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	return curl_easy_perform(c);
}

static CURLcode talk(struct smtp *m, struct one *o, str token, struct arena *a)
{
	CURL *c = queue_take_for(m->kept, 0);
	struct curl_slist *to = recipient(o->mail, a);
	c = c ? c : curl_easy_init();
	if (!c || !to) {
		curl_slist_free_all(to);
		return CURLE_OUT_OF_MEMORY;
	}
	set_up(m, c, o, token);
	set_mail(c, o, to, a);
	CURLcode code = perform(c, o);
	curl_slist_free_all(to);
	curl_easy_reset(c); /* keeps its connection, and nothing of this mail */
	if (!queue_try_put(m->kept, c))
		curl_easy_cleanup(c);
	return code;
}

static void note_state(struct relay *r, bool down)
{
	if (!down) {
		atomic_store(&r->fails, 0);
		atomic_store(&r->down_us, 0);
		return;
	}
	unsigned fails = atomic_fetch_add(&r->fails, 1);
	atomic_store(&r->down_us, clock_mono_us() + (DOWN_US << (fails < DOWN_DOUBLINGS ? fails : DOWN_DOUBLINGS)));
}

static enum smtp_end at_relay(struct smtp *m, struct one *o, struct arena *a)
{
	str token = STR("");
	CURLcode code = CURLE_OK;
	bool signs_in = m->oauth2 && o->relay->user[0];
	if (signs_in && oauth2_token(m->oauth2, a, &token, &o->why) != RC_OK) {
		say(o, str_of(o->why.text), false);
		note_state(o->relay, true);
		return SMTP_LATER;
	}
	code = talk(m, o, token, a);
	if (code == CURLE_LOGIN_DENIED && signs_in)
		oauth2_refused(m->oauth2, token);
	fill_words(o, code);
	/* One that does not come as far as a mail, or hangs, lets the next have its turn for a while. */
	note_state(o->relay, code != CURLE_OK && (o->stage == AT_START || code == CURLE_OPERATION_TIMEDOUT));
	return judge(o, code);
}

/* Fit to stand between < and > of a command; of UTF-8 too, for relays that take it (RFC 6531). */
static bool is_path(str s)
{
	size_t at = str_index(s, '@');
	return s.n <= PATH_MAX_BYTES && at > 0 && at + 1 < s.n && str_is_plain(s) && !str_has(s, ' ') &&
	       !str_has(s, '<') && !str_has(s, '>');
}

void smtp_send(struct smtp *m, const struct smtp_mail *mail, struct arena *a, struct smtp_result *out)
{
	*out = (struct smtp_result){ .end = SMTP_LATER, .words = STR("no relay is to be asked now"), .relay = STR("") };
	if (!is_path(mail->to) || (mail->from.n && !is_path(mail->from))) {
		out->end = SMTP_REFUSED;
		out->words = arena_fmt(a, "'" STR_FMT "' is no address", STR_ARG(is_path(mail->to) ? mail->from : mail->to));
		return;
	}
	if (m->lacks)
		out->words = str_of(m->lacks);
	for (size_t i = 0; i < m->relay_count; i++) {
		struct one o = { .mail = mail, .relay = &m->relays[i], .words = "" };
		if (atomic_load(&m->relays[i].down_us) > clock_mono_us())
			continue;
		out->end = at_relay(m, &o, a);
		out->code = o.code;
		out->of_recipient = out->end == SMTP_REFUSED && o.stage == AT_RCPT;
		out->words = arena_fmt(a, "%s: %s", o.relay->name, o.words);
		out->relay = str_of(o.relay->name);
		if (out->end != SMTP_LATER || o.begun)
			return;
	}
}

enum rc smtp_try(struct smtp *m, size_t i, struct arena *a, str *relay_out, str *words_out, struct err *err)
{
	struct one o = { .mail = NULL, .words = "" };
	str token = STR("");
	if (i >= m->relay_count)
		return RC_ABSENT;
	o.relay = &m->relays[i];
	*relay_out = arena_str(a, str_of(o.relay->name)); /* outlives the relays */
	*words_out = STR("");
	if (m->oauth2 && o.relay->user[0]) {
		enum rc rc = oauth2_token(m->oauth2, a, &token, err);
		if (rc != RC_OK)
			return rc;
	}
	CURL *c = curl_easy_init();
	if (!c)
		return fail(err, RC_IO, "libcurl does not start");
	set_up(m, c, &o, token);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "NOOP");
	curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	CURLcode code = curl_easy_perform(c);
	curl_easy_cleanup(c);
	fill_words(&o, code);
	*words_out = arena_str(a, str_of(o.words));
	if (code == CURLE_OK)
		return RC_OK;
	bool denied = code == CURLE_LOGIN_DENIED || code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_USE_SSL_FAILED ||
		      code == CURLE_SSL_CONNECT_ERROR;
	return fail(err, denied ? RC_DENIED : RC_BUSY, "%s: %s", o.relay->name,
		    code == CURLE_LOGIN_DENIED || o.code ? o.words : o.reason[0] ? o.reason : curl_easy_strerror(code));
}
