/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/hash.h"
#include "http/fetch_private.h"

const struct fetch_limits fetch_limits_default = {
	.body_bytes = MIB(1), .head_bytes = KIB(32), .total_ms = 30000, .connect_ms = 10000,
};

/* One request over all its redirects. */
struct way {
	const struct fetcher *f;
	const struct fetch_request *q;
	struct fetch_limits limits;
	int64_t deadline_us;
	struct fetch_target at;
	bool exempt;                    /* `at` may be any address */
	const struct fetch_rule *proxy; /* who is connected to instead; NULL: `at` itself */
	struct ip ips[FETCH_IPS_MAX];   /* where that may be reached: judged */
	size_t ip_count;
	size_t head_bytes;
	struct buf body, head;
	bool head_over, refused, cut;
	struct fetch_voucher voucher;   /* of a request with an authority */
	bool unvouched;                 /* it could not be set up */
	char reason[CURL_ERROR_SIZE];
};

enum rc fetch_new(const char *ca_file, struct fetcher **out, struct err *err)
{
	if (ca_file && ca_file[0] && access(ca_file, R_OK) != 0)
		return fail(err, RC_INPUT, "file of authorities '%s' cannot be read", ca_file);
	/* Counts its callers and is safe between threads (CURL_VERSION_THREADSAFE). */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return fail(err, RC_IO, "libcurl does not start");
	struct fetcher *f = x_alloc(sizeof(*f));
	f->ca_file = ca_file && ca_file[0] ? x_strdup(ca_file) : NULL;
	f->resolve = fetch_resolve;
	f->resolve_ctx = &f->stopping;
	*out = f;
	return RC_OK;
}

void fetch_stop(struct fetcher *f)
{
	atomic_store(&f->stopping, true);
}

void fetch_free(struct fetcher *f)
{
	if (!f)
		return;
	free(f->ca_file);
	free(f);
	curl_global_cleanup();
}

struct fetch_keep {
	CURL *c;
};

struct fetch_keep *fetch_keep_new(void)
{
	return x_alloc(sizeof(struct fetch_keep));
}

void fetch_keep_free(struct fetch_keep *k)
{
	if (k && k->c)
		curl_easy_cleanup(k->c);
	free(k);
}

static enum rc add_rule(struct fetcher *f, const char *purpose, str url, bool exempt, bool proxy,
			struct err *err)
{
	struct fetch_target t;

	if (f->rule_count == FETCH_RULES_MAX)
		return fail(err, RC_LIMIT, "fetch: more than %d rules", FETCH_RULES_MAX);
	enum rc rc = fetch_target_parse(url, &t, err);
	if (rc != RC_OK)
		return rc;
	struct fetch_rule *r = &f->rules[f->rule_count++];
	*r = (struct fetch_rule){ .purpose = purpose, .port = t.port, .tls = t.tls, .exempt = exempt,
				  .proxy = proxy };
	memcpy(r->host, t.host, sizeof(r->host));
	fetch_target_free(&t);
	return RC_OK;
}

enum rc fetch_allow(struct fetcher *f, const char *purpose, str host, struct err *err)
{
	struct buf url = BUF_INIT(KIB(1));

	if (host.n == 0 || str_has(host, '/') || str_has(host, '@') || str_has(host, '?') ||
	    str_has(host, '#'))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no host", STR_ARG(host));
	bool any = str_eq(host, STR("*"));
	buf_fmt(&url, "https://" STR_FMT "/", STR_ARG(any ? STR("any.invalid") : host));
	enum rc rc = url.over ? fail(err, RC_INPUT, "host is too long")
			      : add_rule(f, purpose, buf_str(&url), false, false, err);
	if (rc == RC_OK && any)
		memcpy(f->rules[f->rule_count - 1].host, "*", 2);
	buf_free(&url);
	return rc;
}

enum rc fetch_exempt(struct fetcher *f, const char *purpose, str origin, struct err *err)
{
	return add_rule(f, purpose, origin, true, false, err);
}

enum rc fetch_proxy(struct fetcher *f, const char *purpose, str origin, struct err *err)
{
	return add_rule(f, purpose, origin, true, true, err);
}

static const struct fetch_rule *find_proxy(const struct fetcher *f, const char *purpose)
{
	for (size_t i = 0; i < f->rule_count; i++)
		if (f->rules[i].proxy && strcmp(f->rules[i].purpose, purpose) == 0)
			return &f->rules[i];
	return NULL;
}

static const struct fetch_rule *find_rule(const struct fetcher *f, const char *purpose,
					  const struct fetch_target *t, bool exempt)
{
	for (size_t i = 0; i < f->rule_count; i++) {
		const struct fetch_rule *r = &f->rules[i];
		bool host = strcmp(r->host, t->host) == 0 || (!r->exempt && strcmp(r->host, "*") == 0);
		if (!r->proxy && r->exempt == exempt && host && r->port == t->port && r->tls == t->tls &&
		    strcmp(r->purpose, purpose) == 0)
			return r;
	}
	return NULL;
}

bool fetch_url_is_safe(const struct fetcher *f, const char *purpose, str url)
{
	struct fetch_target t;

	if (fetch_target_parse(url, &t, NULL) != RC_OK)
		return false;
	bool safe = t.tls || find_rule(f, purpose, &t, true);
	fetch_target_free(&t);
	return safe;
}

static int64_t left_ms(const struct way *w)
{
	int64_t left = (w->deadline_us - clock_mono_us()) / 1000;
	return left > 0 ? left : 0;
}

/* Whether `at` may be asked, and its addresses: all of them are judged, one that
 * is not public condemns the name. */
static enum rc resolve(struct way *w, const char *host, struct err *err)
{
	int64_t most = left_ms(w) < w->limits.connect_ms ? left_ms(w) : w->limits.connect_ms;

	return w->f->resolve(w->f->resolve_ctx, host, most, w->ips, &w->ip_count, err);
}

/* The proxy may stand anywhere; it must not be led into networks that are nobody's to see. */
static enum rc judge_by_proxy(struct way *w, struct err *err)
{
	const struct fetch_target *t = &w->at;
	char text[48];

	if (!w->exempt && t->literal && !fetch_ip_is_public(&t->ip))
		return fail(err, RC_DENIED, "'" STR_FMT "' is not public", STR_ARG(ip_str(text, &t->ip)));
	if (!w->exempt && !t->literal && !strchr(t->host, '.'))
		return fail(err, RC_DENIED, "host '%s' is none of the public", t->host);
	w->ip_count = 1;
	return ip_parse(str_of(w->proxy->host), &w->ips[0]) ? RC_OK : resolve(w, w->proxy->host, err);
}

static enum rc judge(struct way *w, struct err *err)
{
	const struct fetch_target *t = &w->at;

	if (w->proxy)
		return judge_by_proxy(w, err);
	if (w->q->pinned && !t->tls)
		return fail(err, RC_INPUT, "'%s' is asked by https alone", t->host);
	if (!w->exempt && !find_rule(w->f, w->q->purpose, t, false))
		return fail(err, RC_DENIED, "'%s://%s:%u' is not on the list for %s",
			    t->tls ? "https" : "http", t->host, t->port, w->q->purpose);
	if (t->literal) {
		w->ips[0] = t->ip;
		w->ip_count = 1;
	} else {
		enum rc rc = resolve(w, t->host, err);
		if (rc != RC_OK)
			return rc;
	}
	for (size_t i = 0; i < w->ip_count && !w->exempt; i++)
		if (!fetch_ip_is_public(&w->ips[i])) {
			char text[48];
			return fail(err, RC_DENIED, "host '%s' is at '" STR_FMT "', which is not public",
				    t->host, STR_ARG(ip_str(text, &w->ips[i])));
		}
	return RC_OK;
}

static bool from_sockaddr(const struct sockaddr *sa, struct ip *ip, uint16_t *port)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, sa, sizeof(in));
		*ip = (struct ip){ { [10] = 0xff, [11] = 0xff } };
		memcpy(ip->b + 12, &in.sin_addr, 4);
		*port = ntohs(in.sin_port);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, sa, sizeof(in6));
		memcpy(ip->b, &in6.sin6_addr, 16);
		*port = ntohs(in6.sin6_port);
		return true;
	}
	return false;
}

/* The last word before any packet leaves: only an address that judge() saw. */
static curl_socket_t open_socket(void *ctx, curlsocktype kind, struct curl_sockaddr *to)
{
	struct way *w = ctx;
	struct ip ip;
	uint16_t port;

	bool known = kind == CURLSOCKTYPE_IPCXN && from_sockaddr(&to->addr, &ip, &port) &&
		     port == (w->proxy ? w->proxy->port : w->at.port);
	size_t i = 0;
	while (known && i < w->ip_count && ip_cmp(&w->ips[i], &ip) != 0)
		i++;
	if (!known || i == w->ip_count || (!w->exempt && !w->proxy && !fetch_ip_is_public(&ip))) {
		w->refused = true;
		return CURL_SOCKET_BAD;
	}
	if (w->f->divert) {
		struct sockaddr_in in = { .sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		in.sin_port = htons(w->f->divert(w->f->divert_ctx, &ip, port));
		memcpy(&to->addr, &in, sizeof(in));
		to->family = AF_INET;
		to->addrlen = sizeof(in);
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Called about once a second, also while nothing moves. */
static int look_whether_to_stop(void *ctx, curl_off_t down_most, curl_off_t down, curl_off_t up_most, curl_off_t up)
{
	const struct way *w = ctx;
	(void)down_most;
	(void)down;
	(void)up_most;
	(void)up;
	return atomic_load(&w->f->stopping);
}

static size_t take_head(char *p, size_t size, size_t n, void *ctx)
{
	struct way *w = ctx;
	if (w->q->look || w->q->pinned || w->q->talk)
		buf_add_mem(&w->head, p, size * n);
	w->head_bytes += size * n;
	w->head_over = w->head_bytes > w->limits.head_bytes;
	return w->head_over ? 0 : size * n;
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
	struct way *w = ctx;
	size_t room = w->limits.body_bytes - w->body.n;
	w->cut = w->q->look && size * n > room;
	buf_add_mem(&w->body, p, w->cut ? room : size * n);
	if (w->cut)
		return 0;
	return w->body.over ? 0 : size * n;
}

/* What libcurl said, as the kind the caller acts by. */
static enum rc judge_end(struct way *w, CURLcode code, struct err *err)
{
	const char *host = w->at.host;

	if (code == CURLE_OK || (w->cut && code == CURLE_WRITE_ERROR))
		return RC_OK;
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return fail(err, RC_BUSY, "host '%s' was not waited for: we are stopping", host);
	if (w->body.over)
		return fail(err, RC_LIMIT, "answer of '%s' is over %zu bytes", host, w->limits.body_bytes);
	if (w->head_over)
		return fail(err, RC_LIMIT, "head of the answer of '%s' is over %zu bytes", host,
			    w->limits.head_bytes);
	if (w->refused)
		return fail(err, RC_DENIED, "host '%s' moved to an address that was not looked at", host);
	if (w->voucher.why)
		return fail(err, RC_DENIED, "TLS of '%s' is not trusted: %s", host, w->voucher.why);
	/* whose key is pinned was not asked yet: what broke is the line */
	if (code == CURLE_SSL_CONNECT_ERROR && w->q->pinned)
		return fail(err, RC_BUSY, "host '%s' ended the connection while TLS began: %s", host, w->reason);
	switch ((int)code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_CERTPROBLEM:
		return fail(err, RC_DENIED, "TLS of '%s' is not trusted: %s", host, w->reason);
	case CURLE_OPERATION_TIMEDOUT:
		return fail(err, RC_BUSY, "host '%s' is too slow", host);
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
	case CURLE_SSL_CACERT_BADFILE:
		return fail(err, RC_IO, "host '%s' could not be asked: %s", host, w->reason);
	default:
		return fail(err, RC_BUSY, "host '%s' was not reached: %s", host,
			    w->reason[0] ? w->reason : curl_easy_strerror(code));
	}
}

static struct curl_slist *append(struct curl_slist *list, const char *fmt, str value)
{
	struct buf line = BUF_INIT(KIB(16));

	buf_fmt(&line, "%s", fmt);
	buf_add(&line, value);
	/* A value with a line end would be a header of its own. */
	struct curl_slist *more = line.over || !str_is_plain(buf_str(&line))
					  ? NULL : curl_slist_append(list, line.p);
	buf_free(&line);
	return more ? more : list;
}

/* "host:port:address,address": libcurl asks nobody else. */
static struct curl_slist *pin(const struct way *w)
{
	struct buf line = BUF_INIT(KIB(4));
	char text[48];

	buf_fmt(&line, "%s:%u:", w->proxy ? w->proxy->host : w->at.host, w->proxy ? w->proxy->port : w->at.port);
	for (size_t i = 0; i < w->ip_count; i++)
		buf_fmt(&line, "%s" STR_FMT, i ? "," : "", STR_ARG(ip_str(text, &w->ips[i])));
	struct curl_slist *list = curl_slist_append(NULL, line.p);
	buf_free(&line);
	return list;
}

/* Also no exception of the environment. A name of the proxy is what it is pinned to. */
static void set_proxy(struct way *w, CURL *c)
{
	char url[FETCH_HOST_MAX + 32];
	bool bracket = w->proxy && strchr(w->proxy->host, ':');

	url[0] = '\0';
	if (w->proxy)
		snprintf(url, sizeof(url), "%s://%s%s%s:%u", w->proxy->tls ? "https" : "http", bracket ? "[" : "",
			 w->proxy->host, bracket ? "]" : "", w->proxy->port);
	curl_easy_setopt(c, CURLOPT_PROXY, url);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "");
	curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(c, CURLOPT_PROXYHEADER, NULL);
	curl_easy_setopt(c, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
}

/* What we prove to be. */
static void set_cert(str cert, str key, CURL *c)
{
	struct curl_blob cert_blob = { (void *)(uintptr_t)cert.p, cert.n, CURL_BLOB_COPY };
	struct curl_blob key_blob = { (void *)(uintptr_t)key.p, key.n, CURL_BLOB_COPY };
	if (cert.n == 0)
		return;
	curl_easy_setopt(c, CURLOPT_SSLCERTTYPE, "PEM");
	curl_easy_setopt(c, CURLOPT_SSLCERT_BLOB, &cert_blob);
	curl_easy_setopt(c, CURLOPT_SSLKEYTYPE, "PEM");
	curl_easy_setopt(c, CURLOPT_SSLKEY_BLOB, &key_blob);
}

/* Any certificate, if only it is of one of these keys: libcurl looks before it says a word. */
static void set_pins(const struct fetch_pinned *pinned, CURL *c)
{
	struct buf pins = BUF_INIT(FETCH_PINS_MAX * 64);
	for (size_t i = 0; i < pinned->pin_count; i++) {
		char text[sodium_base64_ENCODED_LEN(sizeof(pinned->pins->b), sodium_base64_VARIANT_ORIGINAL)];
		sodium_bin2base64(text, sizeof(text), pinned->pins[i].b, sizeof(pinned->pins[i].b),
				  sodium_base64_VARIANT_ORIGINAL);
		buf_fmt(&pins, "%ssha256//%s", i ? ";" : "", text);
	}
	curl_easy_setopt(c, CURLOPT_PINNEDPUBLICKEY, pins.p);
	buf_free(&pins);
}

static void set_pinned(struct way *w, CURL *c)
{
	const struct fetch_pinned *pinned = w->q->pinned;
	w->voucher = (struct fetch_voucher){ .pinned = pinned };
	if (pinned->authority.n)
		w->unvouched = !fetch_vouch(&w->voucher, c);
	else
		set_pins(pinned, c);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	set_cert(pinned->cert, pinned->key, c);
}

static void set_up(struct way *w, CURL *c, struct curl_slist *headers, struct curl_slist *pins)
{
	const struct fetcher *f = w->f;
	int64_t left = left_ms(w) > 0 ? left_ms(w) : 1; /* 0 would be no limit */
	int64_t connect = left < w->limits.connect_ms ? left : w->limits.connect_ms;

	curl_easy_setopt(c, CURLOPT_URL, w->at.url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, w->at.tls ? "https" : "http");
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bool trusted = !(w->q->look && w->proxy);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, trusted ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, trusted ? 2L : 0L);
	if (w->q->pinned)
		set_pinned(w, c);
	else
		set_cert(w->q->cert, w->q->key, c);
	if (f->ca_file) {
		curl_easy_setopt(c, CURLOPT_CAINFO, f->ca_file);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	}
	set_proxy(w, c);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)left);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
	curl_easy_setopt(c, CURLOPT_USERAGENT, w->q->agent ? w->q->agent : "ronda");
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	if (w->proxy || !w->at.literal)
		curl_easy_setopt(c, CURLOPT_RESOLVE, pins);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, w);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_head);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, w);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, w);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, w->reason);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_whether_to_stop);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, w);
	if (w->q->form) {
		str form = buf_str(w->q->form);
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, form.p);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)form.n);
	}
}

/* Asks `at` once. `next_out` gets the place a redirect names, or STR_NONE. */
static enum rc ask(struct way *w, bool with_authorization, struct arena *a,
		   struct fetch_answer *out, str *next_out, struct err *err)
{
	CURL *c = w->q->keep && w->q->keep->c ? w->q->keep->c : curl_easy_init();
	if (c && w->q->keep) {
		w->q->keep->c = c;
		curl_easy_reset(c); /* connections stay */
	}
	if (!c)
		return fail(err, RC_IO, "libcurl does not start");
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
	headers = append(headers, "Accept: ", str_of(w->q->accept ? w->q->accept : "*/*"));
	if (with_authorization && w->q->authorization.n)
		headers = append(headers, "Authorization: ", w->q->authorization);
	if (w->q->form && w->q->form_type)
		headers = append(headers, "Content-Type: ", str_of(w->q->form_type));
	for (size_t i = 0; (w->q->form || w->q->pinned || w->q->talk) && i < w->q->header_count; i++)
		headers = append(headers, arena_fmt(a, "%s: ", w->q->headers[i].name).p, w->q->headers[i].value);
	struct curl_slist *pins = pin(w);
	set_up(w, c, headers, pins);
	buf_reset(&w->body);
	buf_reset(&w->head);
	w->cut = false;
	w->head_bytes = 0;
	w->reason[0] = '\0';
	enum rc rc = judge_end(w, w->unvouched ? CURLE_FAILED_INIT : curl_easy_perform(c), err);
	long status = 0, sent = 0;
	curl_easy_getinfo(c, CURLINFO_REQUEST_SIZE, &sent);
	if (w->q->begun_out && sent > 0)
		*w->q->begun_out = true;
	char *type = NULL, *next = NULL;
	if (rc == RC_OK) {
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
		curl_easy_getinfo(c, CURLINFO_REDIRECT_URL, &next);
		out->status = (int)status;
		out->type = arena_str(a, str_of(type ? type : ""));
		str to = arena_str(a, str_of(next ? next : ""));
		out->location = to;
		*next_out = to.n && !w->q->form && !w->q->look && !w->q->pinned ? to : STR_NONE;
	}
	curl_slist_free_all(headers);
	curl_slist_free_all(pins);
	if (!w->q->keep)
		curl_easy_cleanup(c);
	return rc;
}

/* Follows from the first target to the answer. */
static enum rc walk(struct way *w, struct arena *a, struct fetch_answer *out, struct err *err)
{
	bool authorized = true;

	for (;;) {
		str next = STR_NONE;
		struct fetch_target to;
		enum rc rc = atomic_load(&w->f->stopping) ? fail(err, RC_BUSY, "we are stopping") : judge(w, err);
		if (rc == RC_OK)
			rc = ask(w, authorized, a, out, &next, err);
		if (rc != RC_OK || !next.n)
			return rc;
		if (++out->redirects > FETCH_REDIRECTS_MAX)
			return fail(err, RC_LIMIT, "'%s' sends on more than %d times", w->at.host,
				    FETCH_REDIRECTS_MAX);
		rc = fetch_target_parse(next, &to, err);
		if (rc != RC_OK)
			return rc;
		if (w->q->talk && !fetch_same_origin(&w->at, &to)) {
			rc = fail(err, RC_DENIED, "'%s' sends on to another server, '%s'", w->at.host, to.host);
			fetch_target_free(&to);
			return rc;
		}
		if (!fetch_same_origin(&w->at, &to)) {
			authorized = false;
			w->exempt = false; /* an answer names no exemption */
		}
		fetch_target_free(&w->at);
		w->at = to;
	}
}

static struct fetch_limits limits_of(const struct fetch_request *q)
{
	struct fetch_limits l = q->limits, d = fetch_limits_default;

	l.body_bytes = l.body_bytes ? l.body_bytes : d.body_bytes;
	l.head_bytes = l.head_bytes ? l.head_bytes : d.head_bytes;
	l.total_ms = l.total_ms > 0 ? l.total_ms : d.total_ms;
	l.connect_ms = l.connect_ms > 0 ? l.connect_ms : d.connect_ms;
	return l;
}

enum rc fetch(struct fetcher *f, const struct fetch_request *q, struct arena *a,
	      struct fetch_answer *out, struct err *err)
{
	struct way w = { .f = f, .q = q, .limits = limits_of(q) };

	*out = (struct fetch_answer){ 0 };
	if (q->begun_out)
		*q->begun_out = false;
	for (size_t i = 0; i < q->header_count; i++)
		if (!str_is_plain(q->headers[i].value))
			return fail(err, RC_INPUT, "header '%s' is no plain text of one line", q->headers[i].name);
	if (q->agent && !str_is_plain(str_of(q->agent)))
		return fail(err, RC_INPUT, "what we call ourselves is no plain text of one line");
	if (q->pinned && ((q->pinned->pin_count == 0 && q->pinned->authority.n == 0) || q->pinned->pin_count > FETCH_PINS_MAX))
		return fail(err, RC_DENIED, "the key of the server is not known");
	w.deadline_us = clock_mono_us() + w.limits.total_ms * 1000;
	w.body = (struct buf)BUF_INIT(w.limits.body_bytes);
	w.head = (struct buf)BUF_INIT(w.limits.head_bytes);
	w.proxy = find_proxy(f, q->purpose);
	enum rc rc = fetch_target_parse(q->url, &w.at, err);
	if (rc == RC_OK) {
		w.exempt = q->pinned || find_rule(f, q->purpose, &w.at, true) != NULL;
		rc = walk(&w, a, out, err);
	}
	if (rc == RC_OK) {
		out->url = arena_str(a, str_of(w.at.url));
		out->body = arena_str(a, buf_str(&w.body));
		out->head = arena_str(a, buf_str(&w.head));
		out->cut = w.cut;
	} else {
		*out = (struct fetch_answer){ 0 };
	}
	fetch_target_free(&w.at);
	buf_free(&w.body);
	buf_free(&w.head);
	return rc;
}

enum rc fetch_json(struct fetcher *f, const struct fetch_request *q, struct arena *a,
		   struct json_object **json_out, struct err *err)
{
	struct fetch_answer answer;
	enum rc rc = fetch(f, q, a, &answer, err);

	if (rc != RC_OK)
		return rc;
	str type = answer.type;
	str media = str_trim(str_cut(&type, ';'));
	if (answer.status != 200)
		return fail(err, RC_INPUT, "'" STR_FMT "' answers with status %d", STR_ARG(answer.url),
			    answer.status);
	if (!str_eq_nocase(media, STR("application/json")) && !str_ends(media, STR("+json")))
		return fail(err, RC_INPUT, "'" STR_FMT "' answers with '" STR_FMT "', not JSON",
			    STR_ARG(answer.url), STR_ARG(media));
	return json_read(answer.body, json_out, err);
}

str fetch_head_value(str head, const char *name)
{
	str line, found = STR_NONE;
	while (str_line(&head, &line)) {
		str key = str_cut(&line, ':');
		if (str_eq_nocase(key, str_of(name)))
			found = str_trim(line);
	}
	return found;
}

bool fetch_date(str text, int64_t *us_out)
{
	char z[64];
	enum { YEAR_10000_DAYS = 2932897 };
	time_t at = str_to_z(text, z, sizeof(z)) ? curl_getdate(z, NULL) : -1;
	bool good = at >= 0 && at < (int64_t)YEAR_10000_DAYS * (DAY_US / SECOND_US); /* curl takes years of any length */
	if (good)
		*us_out = (int64_t)at * SECOND_US;
	return good;
}

void fetch_form(struct buf *form, const char *name, str value)
{
	if (form->n)
		buf_char(form, '&');
	percent_format(form, str_of(name));
	buf_char(form, '=');
	percent_format(form, value);
}
