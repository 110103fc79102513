/* SPDX-License-Identifier: Apache-2.0 */
/* http_private.h: between the files of http/, for nobody else.
 *
 * A request is a struct http_exchange. Three kinds of threads touch it, one at
 * a time: the library's (moves bytes), then, while the connection is suspended,
 * one of our workers (runs the handler), then the library's again. The deadline
 * thread sees only struct link. */
#ifndef RONDA_HTTP_HTTP_PRIVATE_H
#define RONDA_HTTP_HTTP_PRIVATE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/queue.h"
#include "http/http.h"
#include "http/vouch.h"

enum {
	HEADERS_ROOM = 100,
	PAIRS_MAX = 1000,
	EVENT_THREADS = 2,
	PIECE_BYTES = 64 << 10, /* given to an upload at once */
	DRAIN_BYTES = 256 << 10, /* read of a body past its limit */
	/* a refused body that says its length is read to its end up to here: who is still sending when
	 * the connection closes gets a reset, which many clients (curl) take for the answer */
	REFUSED_BYTES = 32 << 20
};

struct pair {
	str name, value;
};
struct pairs {
	struct pair *list;
	size_t count;
};

/* --- limits.c: connections, by address and in all, and their deadlines --- */

enum link_stage {
	LINK_FREE,
	LINK_IDLE, /* nothing of a request has come */
	LINK_HEAD, /* its first byte has */
	LINK_BODY,
	LINK_WORK, /* it is our turn: no deadline */
	LINK_SEND
};
/* What our authorities say of a client. */
struct voucher {
	const char *why;         /* they do not vouch; NULL: they do */
	char name[URN_UUID_BYTES + 1];
	int64_t until_us;
};

struct link {
	int fd;
	struct ip peer;
	bool trusted;            /* the peer is a proxy of ours */
	bool has_forwarded;      /* a request of `forwarded` is under way */
	struct ip forwarded;
	_Atomic int stage;
	_Atomic int64_t deadline_us;   /* monotonic */
	_Atomic uint64_t body_bytes;   /* come so far, of this body */
	_Atomic uint64_t window_base;  /* body_bytes when the window began */
	_Atomic uint64_t received_base;/* bytes the kernel had received when idle began */
	bool pin_known, has_pin;       /* looked for with the first request */
	struct digest pin;
	struct voucher voucher;        /* of a listener with authorities */
};
struct links;
struct links *links_new(const struct http_limits *limits);
void links_free(struct links *l); /* ends the deadline thread */
/* NULL: over a limit, the caller shuts the connection. */
struct link *links_open(struct links *l, int fd, const struct ip *peer, bool trusted);
void links_close(struct links *l, struct link *k); /* before the socket is closed */
unsigned links_count(struct links *l);
/* A request of `from` begins behind a proxy; false: too many of it. */
bool links_forwarded(struct links *l, struct link *k, const struct ip *from);
void link_idle(struct links *l, struct link *k);
void link_body(struct links *l, struct link *k, bool fresh);
void link_work(struct link *k);
void link_send(struct links *l, struct link *k, uint64_t bytes);

/* --- framing.c: is this head what it seems to be? --- */

struct head {
	const char *method, *uri, *version; /* as the library gave them, where they stand */
	str target;                         /* of the request line, before decoding */
	size_t head_bytes;
	struct pairs headers;
	bool too_many;                      /* headers */
	/* out */
	bool chunked;
	bool has_length;
	uint64_t length;
};
/* 0 when the head is sound, else the status of the refusal and a sentence. */
int framing_check(struct head *head, const struct http_limits *limits, const char **words_out);

/* --- target.c: what the request line and forms say --- */

/* False: not of a form we take. `host` of an absolute target or STR_NONE. */
bool target_parse(str target, struct arena *a, str *path_out, str *query_out, str *host_out);
/* "a=b&c=d"; false: bad escapes, or more than PAIRS_MAX. */
bool pairs_parse(str text, struct arena *a, struct pairs *out);
str pairs_find(const struct pairs *p, str name);

/* --- proxies.c --- */

struct proxies {
	struct net *list;
	size_t count;
};
MUST_CHECK enum rc proxies_parse(const char *text, struct proxies *out, struct err *err);
bool proxies_trust(const struct proxies *p, const struct ip *ip);
/* The client: the rightmost forwarded address that is no proxy of ours. */
struct ip proxies_client(const struct proxies *p, const struct ip *peer,
			 const struct pairs *headers, bool *secure);

/* --- listen.c --- */

MUST_CHECK enum rc listen_open(const char *address, int backlog, int *fd_out, uint16_t *port_out,
			       struct err *err);
MUST_CHECK enum rc pem_read(const char *path, struct buf *out, struct err *err);

/* --- identity.c --- */

enum { IDENTITIES_MAX = 64 };
struct identities;
struct identities *identities_new(void);
void identities_free(struct identities *i); /* no connection is left; NULL is fine */
MUST_CHECK enum rc identities_set(struct identities *i, str cert, str key, struct err *err);
/* A connection begins: it shows what is in use now, and asks the client for his. */
void identities_ask(struct identities *i, struct MHD_Connection *c);
/* After the handshake. False: the client showed none. */
bool identities_pin(struct MHD_Connection *c, struct digest *out);

/* --- vouch.c: whom authorities vouch for --- */

struct authorities;
/* RC_INPUT: no certificate in it. */
MUST_CHECK enum rc authorities_new(str pem, struct authorities **out, struct err *err);
void authorities_free(struct authorities *a); /* NULL is fine */
/* After the handshake of a client that showed a certificate. */
void authorities_judge(struct authorities *a, struct MHD_Connection *c, struct voucher *out);
/* NULL: for nobody, and why; for a connection that lives longer than its certificate too. */
const char *voucher_name(const struct voucher *v, int64_t now_us, const char **why_out);

/* --- compress.c --- */

/* Packs the body of an answer that is text, when the client takes it. */
void compress_answer(const struct http_request *q, struct http_answer *a);

/* --- http.c, exchange.c, respond.c --- */

enum step {
	STEP_HEAD,   /* the head was read: look at it */
	STEP_BEGIN,  /* upload_begin has run */
	STEP_FORM,   /* collecting a form */
	STEP_UPLOAD, /* the body goes to give */
	STEP_DRAIN,  /* the answer stands; the rest of the body is thrown away */
	STEP_READY,  /* all was read: run the handler */
	STEP_DONE    /* the handler has answered */
};
enum job { JOB_BEGIN, JOB_GIVE, JOB_END, JOB_ANSWER, JOB_STREAM, JOB_FINISH };

struct http_exchange {
	struct http *h;
	struct link *link;
	struct MHD_Connection *c;
	struct http_request q;
	struct http_upload u;
	struct http_answer ans;
	struct head head;
	struct pairs query, form;
	struct buf body;        /* a form, or what waits for give */
	uint64_t received;
	uint64_t most; /* of the body */
	enum step step;
	enum job job;
	bool taking;            /* the handler holds an upload: give or abort it */
	bool close, over;
	char *piece;            /* of a stream */
	long piece_n, piece_at;
};

struct http {
	struct http_handlers handlers;
	struct http_options o;
	struct proxies proxies;
	struct log *log;
	struct MHD_Daemon *daemon;
	struct links *links;
	struct identities *identities; /* NULL: clients are not asked */
	struct authorities *authorities; /* NULL: none is asked */
	struct queue *answers, *uploads; /* of struct http_exchange */
	pthread_t *threads;
	size_t thread_count;
	uint16_t port;
	bool tls;
	atomic_uint under_way;
	_Atomic uint64_t requests, refused, by_status[6];
};

struct http_exchange *http_exchange_new(struct http *h, struct MHD_Connection *c, str target);
void http_exchange_finish(struct http_exchange *x); /* the request is over, one way or another */
/* Gives the exchange to a worker and suspends the connection. */
void http_exchange_submit(struct http_exchange *x, enum job job);
void *http_exchange_worker(void *queue);

/* Looks at the head; fills q; says what comes next in x->step. 0, or a refusal. */
int http_exchange_open(struct http_exchange *x, const char **words_out);

enum MHD_Result respond(struct http_exchange *x);
/* Replaces whatever answer there is by a sentence, and closes. */
void respond_words(struct http_exchange *x, int status, const char *words);

#endif
