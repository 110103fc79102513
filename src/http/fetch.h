/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.h: the one door through which the program asks other servers (on
 * libcurl); knows no CERT word.
 *
 * Who may be asked is said beforehand, by purpose ("oidc", "feed"): a purpose
 * without a row is refused. Only https, TLS 1.2 or later, GET and form POST. A
 * name is resolved once and that very address is connected to; addresses that
 * are not globally reachable (RFC 6890), and the forms that hide one (mapped,
 * NAT64, 6to4, ...), are refused, so a name that changes its answer gains
 * nothing. An exemption is what an administrator named in a setting: one
 * scheme, host and port for one purpose; that may be loopback and plain http.
 * Nothing that came out of a feed, a record or an answer may become a rule.
 * Redirects of a GET are followed here, at most FETCH_REDIRECTS_MAX, each
 * judged like a first request; one that leaves its origin reaches no exempt
 * host and takes no authorization along. No cookies, no proxy of the
 * environment, no other protocol, no unpacking.
 *
 * A request that names the key its server must prove to hold (struct fetch_pinned) needs no rule and
 * goes wherever its URL says, by TLS 1.3: before that proof nothing is said, so nothing but the holder
 * learns or does anything. No authority is asked then, and no redirect is followed.
 *
 * A purpose may have a proxy that an administrator named: then nothing of it is asked from here. The
 * node connects to the proxy alone and looks no name up; what the proxy reaches is not for us to
 * judge, but addresses that are not public, and names without a dot, are refused before it is asked. */
#ifndef RONDA_HTTP_FETCH_H
#define RONDA_HTTP_FETCH_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/json.h"

enum { FETCH_REDIRECTS_MAX = 5, FETCH_URL_MAX = 4096, FETCH_RULES_MAX = 64 };

struct fetcher;

/* `ca_file`: PEM of the authorities trusted instead of the system's; NULL or
 * "" for the system's. RC_INPUT: it cannot be read. */
MUST_CHECK enum rc fetch_new(const char *ca_file, struct fetcher **out, struct err *err);
/* For good: requests under way end within a second or two, later ones at once: RC_BUSY. Any thread. */
void fetch_stop(struct fetcher *f);
void fetch_free(struct fetcher *f); /* no request under way; NULL is fine */

/* Rules; all of them before the first request. `purpose` is a static string.
 * Allows "host" (port 443), "host:port" or "*" (any host, port 443), over
 * https, at public addresses only. */
MUST_CHECK enum rc fetch_allow(struct fetcher *f, const char *purpose, str host, struct err *err);
/* Exempts an origin, "https://idp.example.org:8443" or "http://127.0.0.1:9000"
 * (a path behind it is ignored): from a setting only. */
MUST_CHECK enum rc fetch_exempt(struct fetcher *f, const char *purpose, str origin,
				struct err *err);
/* All requests of `purpose` go by this proxy, "http://proxy.example.org:3128", to any host and port,
 * also in plain http: from a setting only. */
MUST_CHECK enum rc fetch_proxy(struct fetcher *f, const char *purpose, str origin, struct err *err);
/* True when `url` is https, or plain http that fetch_exempt() named for this
 * purpose: for addresses given to a browser. */
bool fetch_url_is_safe(const struct fetcher *f, const char *purpose, str url);

struct fetch_limits {
	size_t body_bytes, head_bytes;  /* one byte more: RC_LIMIT */
	int64_t total_ms, connect_ms;   /* over all redirects; name and handshake of each */
};
extern const struct fetch_limits fetch_limits_default; /* 1 MiB, 32 KiB, 30 s, 10 s */

struct fetch_header {
	const char *name;
	str value;                  /* plain, of one line; may be secret */
};
/* Servers known by their keys, who know us by ours. */
struct fetch_pinned {
	const struct digest *pins;  /* SHA-256 of a SubjectPublicKeyInfo (RFC 7469 section 2.4): his is one of */
	size_t pin_count;           /* these; at least one, at most FETCH_PINS_MAX */
	str cert, key;              /* PEM: what we prove to be; "" nothing. The key is secret */
	/* Another key will do too, but none of `refused`, if a certificate says so that is valid now, comes from one of
	 * `authority` (PEM, never the system's) and whose subjectAltName has `name` ("urn:uuid:…") as its only URI of
	 * that kind. n 0: only those keys, none being RC_DENIED. */
	str authority, name;
	const struct digest *refused;
	size_t refused_count;
};
enum { FETCH_PINS_MAX = 16 };
/* Connections that stay open between requests to one server, for one thread at a time. */
struct fetch_keep;
struct fetch_keep *fetch_keep_new(void);
void fetch_keep_free(struct fetch_keep *k); /* NULL is fine */

struct fetch_request {
	const char *purpose;
	str url;
	str authorization;          /* value of that header, or STR_NONE; secret */
	const char *accept;         /* "application/json"; NULL: anything */
	const struct buf *form;     /* not NULL: POST of this (fetch_form) */
	const char *form_type;      /* what `form` is; NULL: application/x-www-form-urlencoded */
	const struct fetch_header *headers; /* more of a POST, of what is pinned, of a talk; a line end: RC_INPUT */
	size_t header_count;
	struct fetch_limits limits; /* a member 0: its default */
	const char *agent;          /* User-Agent; NULL: "ronda" */
	bool look;                  /* what it says is looked at, not used: a redirect is the answer, a
				     * body that is too long is cut, `head` is kept, and by a proxy
				     * no certificate is asked for */
	const struct fetch_pinned *pinned;  /* NULL: who the server is, authorities say */
	struct fetch_keep *keep;    /* NULL: a connection for this request alone */
	/* A server whose protocol we speak: `headers` go with a GET too, `head` is kept, and a redirect that
	 * leaves its origin is RC_DENIED. */
	bool talk;
	str cert, key;              /* PEM: what we prove to be to a server that authorities know; n 0: nothing.
				     * The key is secret */
	bool *begun_out;            /* may be NULL. Also on failure: bytes of the request may have
				     * reached the other side, so nobody knows what it did */
};

struct fetch_answer {
	int status;
	str type, body;             /* in the arena */
	str url;                    /* where the answer came from */
	unsigned redirects;
	str head, location;         /* of a look, a talk, or pinned: lines of the head as they came; where it sends on */
	bool cut;                   /* of a look: there was more of the body */
};

/* RC_OK: there is an answer, of whatever status. Else nothing in *out:
 * RC_INPUT no URL of ours or a redirect that is none; RC_DENIED no rule allows
 * it, the address is not public, or TLS was not trusted; RC_LIMIT too long or
 * too many redirects; RC_ABSENT no such name; RC_BUSY not reached or too slow;
 * RC_IO the machine. Blocks; threads may share a fetcher. */
MUST_CHECK enum rc fetch(struct fetcher *f, const struct fetch_request *q, struct arena *a,
			 struct fetch_answer *out, struct err *err);

/* As fetch(), and the body is JSON by its type (or "...+json") of status 200;
 * else RC_INPUT. End *json_out with json_free(). */
MUST_CHECK enum rc fetch_json(struct fetcher *f, const struct fetch_request *q, struct arena *a,
			      struct json_object **json_out, struct err *err);

/* Of a head as it came; STR_NONE: there is none of that name. */
str fetch_head_value(str head, const char *name);

/* A date of HTTP (RFC 9110 section 5.6.7), as UTC microseconds. */
bool fetch_date(str text, int64_t *us_out);

/* name=value of application/x-www-form-urlencoded, with '&' before all but the
 * first; also fit for the query of a URL. */
void fetch_form(struct buf *form, const char *name, str value);

/* Whether a first or redirected request without exemption may connect here. */
bool fetch_ip_is_public(const struct ip *ip);

#endif
