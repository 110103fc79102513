/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_private.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* The library's side. Its first call for a request comes when the head is read,
 * then one for each piece of a body, then a last one. A response queued in the
 * first call closes the connection (the library's rule: fit for refusals); all
 * others are queued in the last call. While a worker runs, the connection is
 * suspended, and the same call comes again when it resumes. */

enum { POOL_EXTRA = 32 << 10 }; /* for what the library keeps of a head */

const struct http_limits http_limits_default = {
	.line_bytes = 8 << 10,
	.head_bytes = 32 << 10,
	.headers = HEADERS_ROOM,
	.form_bytes = 64 << 10,
	.body_bytes = UINT64_C(64) << 20,
	.head_us = 10 * SECOND_US,
	.idle_us = 30 * SECOND_US,
	.body_window_us = 30 * SECOND_US,
	.body_rate = 500,
	.connections = 1024,
	.per_address = 64,
	.threads = 8,
};

/* --- connections --- */

static struct ip ip_of(const struct sockaddr *at)
{
	struct ip ip = { { 0 } };
	if (at->sa_family == AF_INET) {
		ip.b[10] = ip.b[11] = 0xff;
		memcpy(ip.b + 12, &((const struct sockaddr_in *)at)->sin_addr, 4);
	} else if (at->sa_family == AF_INET6) {
		memcpy(ip.b, &((const struct sockaddr_in6 *)at)->sin6_addr, 16);
	}
	return ip;
}

static void on_connection(void *cls, struct MHD_Connection *c, void **socket_context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http *h = cls;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*socket_context)
			links_close(h->links, *socket_context);
		*socket_context = NULL;
		return;
	}
	int fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	struct ip peer = ip_of(
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
	struct link *k = links_open(h->links, fd, &peer, proxies_trust(&h->proxies, &peer));
	*socket_context = k;
	if (!k) {
		atomic_fetch_add(&h->refused, 1);
		(void)shutdown(fd, SHUT_RDWR);
	} else if (h->identities) {
		identities_ask(h->identities, c);
	}
}

/* --- requests --- */

static void *on_target(void *cls, const char *target, struct MHD_Connection *c)
{
	return http_exchange_new(cls, c, str_of(target ? target : ""));
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
				 size_t name_n, const char *value, size_t value_n)
{
	struct head *head = cls;
	(void)kind;
	if (head->headers.count == HEADERS_ROOM) {
		head->too_many = true;
		return MHD_NO;
	}
	head->headers.list[head->headers.count++] =
		(struct pair){ { name, name_n }, { value, value_n } };
	return MHD_YES;
}

static void read_head(struct http_exchange *x, const char *url, const char *method,
		      const char *version)
{
	struct head *head = &x->head;
	head->method = method;
	head->uri = url;
	head->version = version;
	head->headers.list = ARENA_ARRAY(x->q.a, HEADERS_ROOM, struct pair);
	if (x->h->identities && !x->link->pin_known) {
		x->link->has_pin = identities_pin(x->c, &x->link->pin);
		if (x->link->has_pin && x->h->authorities)
			authorities_judge(x->h->authorities, x->c, &x->link->voucher);
		x->link->pin_known = true;
	}
	x->q.pin = x->link->has_pin ? &x->link->pin : NULL;
	if (x->q.pin && x->h->authorities) {
		const char *name = voucher_name(&x->link->voucher, clock_now_us(), &x->q.unvouched);
		x->q.vouched = name ? arena_str(x->q.a, str_of(name)) : STR_NONE;
	}
	(void)MHD_get_connection_values_n(x->c, MHD_HEADER_KIND, on_header, head);
	head->head_bytes =
		MHD_get_connection_info(x->c, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
}

/* Is the rest of a refused body worth reading, so that its sender sees the answer? Who waits for
 * "100 Continue" sends none; of a chunked one nobody knows the end. */
static bool reads_refused(const struct http_exchange *x)
{
	return x->head.length > 0 && x->head.length <= REFUSED_BYTES && !x->head.chunked &&
	       !http_header(&x->q, "expect").p;
}

static enum MHD_Result refuse(struct http_exchange *x, int status, const char *words)
{
	respond_words(x, status, words);
	if (status == 429 || status == 503) {
		x->ans.headers[0].name = "Retry-After";
		x->ans.headers[0].value = STR("5");
		x->ans.header_count = 1;
	} else if (status == 405) {
		x->ans.headers[0].name = "Allow";
		x->ans.headers[0].value = STR("GET, HEAD, POST");
		x->ans.header_count = 1;
	}
	x->step = STEP_DONE;
	return respond(x);
}

static enum MHD_Result first_call(struct http_exchange *x)
{
	const char *words = NULL;
	int status = http_exchange_open(x, &words);
	if (status == 413 && reads_refused(x)) {
		respond_words(x, status, words);
		link_body(x->h->links, x->link, true);
		x->step = STEP_DRAIN;
		return MHD_YES;
	}
	if (status)
		return refuse(x, status, words);
	if (x->step == STEP_BEGIN)
		http_exchange_submit(x, JOB_BEGIN);
	else if (x->step == STEP_FORM)
		link_body(x->h->links, x->link, true);
	return MHD_YES;
}

/* upload_begin has run. */
static enum MHD_Result after_begin(struct http_exchange *x)
{
	link_body(x->h->links, x->link, true);
	if (x->taking) {
		x->step = STEP_UPLOAD;
		return MHD_YES;
	}
	x->close = x->close || x->head.chunked || x->head.length > 0;
	if (reads_refused(x)) {
		x->step = STEP_DRAIN;
		return MHD_YES;
	}
	x->step = STEP_DONE;
	return respond(x);
}

static void keep_piece(struct http_exchange *x, str piece)
{
	x->received += piece.n;
	atomic_store(&x->link->body_bytes, x->received);
	if (x->step == STEP_DRAIN || x->over || x->u.failed.rc != RC_OK)
		return;
	if (x->received > x->most)
		x->over = true;
	else
		buf_add(&x->body, piece);
}

static enum MHD_Result take_piece(struct http_exchange *x, str piece)
{
	const struct http_limits *l = &x->h->o.limits;
	if (atomic_load(&x->link->stage) == LINK_WORK)
		link_body(x->h->links, x->link, false);
	keep_piece(x, piece);
	uint64_t most = x->step == STEP_UPLOAD ? x->most : l->form_bytes;
	if (x->step != STEP_DRAIN && x->received > most + DRAIN_BYTES)
		return MHD_NO;
	if (x->step == STEP_UPLOAD && x->body.n >= PIECE_BYTES)
		http_exchange_submit(x, JOB_GIVE);
	return MHD_YES;
}

/* All has been read, or a worker has answered. */
static enum MHD_Result last_call(struct http_exchange *x)
{
	if (x->step == STEP_DONE || x->step == STEP_DRAIN) {
		x->step = STEP_DONE;
		return respond(x);
	}
	if (x->over)
		return x->close ? MHD_NO : refuse(x, 413, "the body is too large");
	if (x->step == STEP_FORM && !pairs_parse(buf_str(&x->body), x->q.a, &x->form))
		return refuse(x, 400, "the form is malformed");
	http_exchange_submit(x, x->step == STEP_UPLOAD ? JOB_END : JOB_ANSWER);
	return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *c, const char *url,
				 const char *method, const char *version, const char *body,
				 size_t *body_n, void **context)
{
	(void)cls;
	struct http_exchange *x = *context;
	if (!x)
		return MHD_NO;
	if (!x->link) {
		x->link = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
		if (!x->link)
			return MHD_NO;
	}
	/* The library goes on with the body it has read, also while suspended: later. (To ask
	 * whether a worker is done would not do: it may be, and not have resumed yet.) */
	if (MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_SUSPENDED)->suspended)
		return MHD_YES;
	if (x->step == STEP_HEAD) {
		read_head(x, url, method, version);
		return first_call(x);
	}
	if (x->step == STEP_BEGIN)
		return x->over ? MHD_NO : after_begin(x);
	if (*body_n > 0) {
		str piece = { body, *body_n };
		*body_n = 0;
		return take_piece(x, piece);
	}
	return last_call(x);
}

static void on_completed(void *cls, struct MHD_Connection *c, void **context,
			 enum MHD_RequestTerminationCode how)
{
	(void)how;
	struct http *h = cls;
	struct http_exchange *x = *context;
	if (!x)
		return;
	*context = NULL;
	struct link *k = x->link;
	if (!k)
		k = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	http_exchange_finish(x);
	if (k)
		link_idle(h->links, k);
}

/* --- start and stop --- */

static PRINTF_LIKE(2, 0) void on_library_words(void *cls, const char *fmt, va_list ap)
{
	char words[200];
	struct http *h = cls;
	if (vsnprintf(words, sizeof words, fmt, ap) < 0)
		return;
	log_debug(h->log, "the HTTP library says", L_STR("words", str_trim_all(str_of(words))));
}

static void raise_open_files(unsigned connections)
{
	struct rlimit limit;
	rlim_t needed = (rlim_t)connections + 256;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
		return;
	limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void start_workers(struct http *h)
{
	unsigned n = h->o.limits.threads ? h->o.limits.threads : 1;
	h->threads = x_array(n * 2, sizeof *h->threads);
	for (unsigned i = 0; i < n * 2; i++) {
		if (pthread_create(&h->threads[h->thread_count], NULL, http_exchange_worker,
				   i % 2 ? h->uploads : h->answers) == 0)
			h->thread_count++;
	}
}

static void stop_workers(struct http *h)
{
	queue_close(h->answers);
	queue_close(h->uploads);
	for (size_t i = 0; i < h->thread_count; i++)
		pthread_join(h->threads[i], NULL);
}

static enum rc start_daemon(struct http *h, int fd, const char *cert, const char *key,
			    struct err *err)
{
	const struct http_limits *l = &h->o.limits;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
			 MHD_USE_ERROR_LOG | (cert ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{ cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, (void *)cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(h->identities ?
				"NORMAL:-VERS-ALL:+VERS-TLS1.3" : "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2") },
		{ MHD_OPTION_END, 0, NULL },
	};
	/* The library's own count is only a stop behind ours; each of its threads may take all. */
	h->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_access, h,
		MHD_OPTION_EXTERNAL_LOGGER, on_library_words, h,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_THREAD_POOL_SIZE, (unsigned)EVENT_THREADS,
		MHD_OPTION_CONNECTION_LIMIT, (l->connections + 64) * EVENT_THREADS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, l->line_bytes + l->head_bytes * 2 + POOL_EXTRA,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(l->idle_us / SECOND_US + 1),
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, h,
		MHD_OPTION_ARRAY, tls,
		MHD_OPTION_END);
	return h->daemon ? RC_OK : fail(err, RC_IO, "the listener did not start (certificate and key?)");
}

static void free_http(struct http *h)
{
	if (h->answers)
		stop_workers(h);
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	queue_free(h->answers);
	queue_free(h->uploads);
	links_free(h->links);
	identities_free(h->identities);
	authorities_free(h->authorities);
	free(h->threads);
	free(h->proxies.list);
	free(h);
}

static enum rc take_identity(struct http *h, const struct http_options *o, struct buf *cert, struct buf *key,
			     struct err *err)
{
	h->identities = identities_new();
	buf_add(cert, o->identity_cert);
	buf_add(key, o->identity_key);
	enum rc rc = identities_set(h->identities, o->identity_cert, o->identity_key, err);
	return rc == RC_OK && o->identity_authorities.n ? authorities_new(o->identity_authorities, &h->authorities, err) : rc;
}

enum rc http_start(const struct http_options *o, const struct http_handlers *handlers,
		   struct log *log, struct http **out, struct err *err)
{
	struct http *h = x_alloc(sizeof *h);
	struct buf cert = BUF_INIT(MIB(1)), key = BUF_INIT(MIB(1));
	int fd = -1;
	h->o = *o;
	h->handlers = *handlers;
	h->log = log;
	bool files = o->tls_cert && *o->tls_cert, tls = files || o->identity_cert.n;
	h->tls = tls;
	if (o->limits.headers > HEADERS_ROOM)
		h->o.limits.headers = HEADERS_ROOM;
	enum rc rc = files != (o->tls_key && *o->tls_key) ?
			     fail(err, RC_INPUT, "tls_cert and tls_key belong together") :
			     proxies_parse(o->trusted_proxies, &h->proxies, err);
	if (rc == RC_OK && files)
		rc = pem_read(o->tls_cert, &cert, err);
	if (rc == RC_OK && files)
		rc = pem_read(o->tls_key, &key, err);
	if (rc == RC_OK && o->identity_cert.n)
		rc = take_identity(h, o, &cert, &key, err);
	if (rc == RC_OK)
		rc = listen_open(o->listen, 511, &fd, &h->port, err);
	if (rc == RC_OK) {
		raise_open_files(o->limits.connections);
		h->links = links_new(&h->o.limits);
		/* a connection is in a queue at most once, finished ones may stand behind it */
		h->answers = queue_new(o->limits.connections + 64);
		h->uploads = queue_new((size_t)o->limits.connections * 2 + 64);
		start_workers(h);
		rc = start_daemon(h, fd, tls ? cert.p : NULL, key.p, err);
		if (rc != RC_OK)
			close(fd);
	}
	if (key.p)
		explicit_bzero(key.p, key.n);
	buf_free(&cert);
	buf_free(&key);
	if (rc != RC_OK) {
		free_http(h);
		return rc;
	}
	*out = h;
	return RC_OK;
}

uint16_t http_port(const struct http *h)
{
	return h->port;
}

enum rc http_identity(struct http *h, str cert, str key, struct err *err)
{
	return h->identities ? identities_set(h->identities, cert, key, err) :
			       fail(err, RC_INPUT, "this listener asks nobody for a certificate");
}

void http_stats(const struct http *h, struct http_stats *out)
{
	*out = (struct http_stats){ .requests = atomic_load(&h->requests),
				    .refused = atomic_load(&h->refused),
				    .connections = links_count(h->links) };
	for (size_t i = 0; i < COUNT_OF(out->by_status); i++)
		out->by_status[i] = atomic_load(&h->by_status[i]);
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	MHD_socket fd = MHD_quiesce_daemon(h->daemon);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
	int64_t until = clock_mono_us() + 10 * SECOND_US;
	while (atomic_load(&h->under_way) > 0 && clock_mono_us() < until)
		usleep(5000);
	free_http(h);
}
