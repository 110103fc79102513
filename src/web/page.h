/* SPDX-License-Identifier: Apache-2.0 */
/* page.h: what a page handler gets and does.
 *
 *   enum rc page_feeds(struct page *p, struct err *err)
 *   {
 *           p->template = "feeds";
 *           page_rows(p);                 // "rows":[
 *           ... json_open(&p->j, '{') ... json_close(&p->j, '}') ...
 *           page_rows_end(p);             // ]
 *           return RC_OK;
 *   }
 *
 * A handler adds members to one JSON object, open when it is called, and
 * returns; web.c closes it and makes the form that was asked for. A failure
 * becomes an error answer by its kind (rc_http_status). */
#ifndef RONDA_WEB_PAGE_H
#define RONDA_WEB_PAGE_H

#include <stdatomic.h>

#include "base/json.h"
#include "disclosure/login.h"
#include "disclosure/passkeys.h"
#include "disclosure/seal.h"
#include "http/oidc.h"
#include "web/document.h"
#include "web/session.h"
#include "web/web.h"

struct web {
	struct node *n;
	const struct http *http; /* NULL until web_watch() */
	struct templates *templates;
	struct sessions *sessions;
	struct access_guard *guard;
	struct access_guard *links; /* of answers: wrong ones close no other door */
	struct access_guard *told, *receipts; /* of the public pages (public.h) */
	_Atomic uint64_t told_hour; /* how much all together told us in this hour */
	struct snapshot *kept;      /* what the public pages show, for some seconds */
	struct login login;
	struct fetcher *fetcher;
	struct oidc *oidc;         /* NULL: no provider is set */
	struct passkey_site site;  /* origin "": public_url does not allow passkeys */
	struct arena *a;           /* its texts */
	int64_t started_us;
	_Atomic uint64_t reports, refused_reports, inputs;
	_Atomic size_t bodies; /* bytes of those being collected */
	struct dear *figures;  /* at most one is reckoned at a time (dear.h) */
	atomic_bool events_of_link; /* a table of them is being made: one at a time (page_answer.c) */
};

enum form { FORM_HTML, FORM_JSON, FORM_CSV };

/* Who asks. */
struct caller {
	struct viewer viewer;
	bool known;             /* not the public */
	bool by_session;
	struct session session; /* its ring is let go by caller_end() */
	char name[256];         /* of the account, as pages show it; "" of a token */
	char feed[64];          /* a token bound to a feed; "" else */
	bool too_often;         /* tried too often: not even looked at */
};

struct page {
	struct web *w;
	const struct http_request *q;
	struct http_answer *ans;
	struct arena *a;
	struct caller caller;
	enum form form;
	str path;               /* without suffix */
	str item, item2;        /* what the first and second '*' of the route took */
	const struct type *type; /* what its ':type' took */
	str body;               /* of a BODY route: JSON, when it is no form */
	struct http_part *parts; /* of a BODY route: a multipart form */
	size_t part_count;
	str language;           /* "id", "en": of Accept-Language, or English */
	bool framed;            /* the document has the words of outside.h */
	struct buf doc;
	struct json_out j;
	const char *template;   /* NULL: the handler has written the answer itself */
	const char *title;
	const char *const *columns; /* of CSV; NULL: what there is */
	uint64_t row_count;
	struct reader *r;       /* page_reader() */
	struct snapshot_ref *directory, *types;
};
typedef enum rc (*page_fn)(struct page *p, struct err *err);

#define ROUTE(method, path, right, handler) enum rc handler(struct page *p, struct err *err);
#define BODY(path, right, handler) enum rc handler(struct page *p, struct err *err);
#define UPLOAD(path, right, handler)
#define UNDER(path, handler)
#include "routes.def"
#undef ROUTE
#undef BODY
#undef UPLOAD
#undef UNDER

/* One snapshot of the store for the whole page; ended by web.c. */
MUST_CHECK enum rc page_reader(struct page *p, struct err *err);
const struct directory *page_directory(struct page *p); /* may be NULL */
const struct types *page_types(struct page *p);

/* A field of the form that came, of either kind; STR_NONE: none. */
str page_form(const struct page *p, const char *name);
void page_form_each(const struct page *p, void (*each)(void *ctx, str name, str value), void *ctx);

void page_rows(struct page *p);
void page_rows_end(struct page *p);

/* "limit" of the query: 1..1000; else `fallback`, for JSON and CSV 1000. */
uint64_t page_limit(const struct page *p, uint64_t fallback);

/* "/events?type=scanner&before=...": this page's address with one name of the
 * query set anew (value STR_NONE: taken away). In p->a. */
str page_url_with(struct page *p, const char *name, str value);
/* path?name=value, escaped */
str page_link(struct page *p, const char *path, const char *name, str value);
str url_escape(struct arena *a, str text);
/* The next page: "next" for programs, "next_url" for people. */
void page_next(struct page *p, const char *name, str cursor);
/* Who did something, for people: member NAME_name beside "account:3", for our own people; nothing where
 * there is no such account. Programs have the id. */
void page_put_actor_name(struct page *p, const char *name, str actor);
/* "w":{NAME:words}: what a template says, in the reader's language; nothing for programs. */
struct page_word {
	const char *name, *en, *id;
};
void page_put_words(struct page *p, const struct page_word *list, size_t count);
/* The query as it was given, for forms: "query":{"type":"..."}. */
void page_query(struct page *p, const char *const *names);

/* The filters of the query, for events and counts; and their names for forms. */
MUST_CHECK enum rc page_filters(struct page *p, struct filter_set *set, struct err *err);
extern const char *const page_filter_names[];
/* Its report did not come when it was due. */

/* identify.c */
void identify(struct web *w, const struct http_request *q, struct caller *out);
/* The same for programs that speak a protocol of their own: a token alone, by Bearer or as the password of Basic,
 * whatever the method; never a cookie. */
void identify_program(struct web *w, const struct http_request *q, struct caller *out);
void caller_end(struct caller *c);
/* A POST of a browser that is ours: token of the session, Origin, Sec-Fetch-Site. */
bool same_origin(const struct http_request *q);
const char *cookie_name(const struct http_request *q);

/* --- signing in (page_login.c) --- */

/* A path of ours to go to afterwards: "/" when `next` is none. */
str page_next_path(str next);
/* 303 to an address of ours, as a form's answer. */
void page_go(struct page *p, str where);
/* "name=value" with the flags of our cookies; lax: comes along when a provider sends the browser back. */
void page_cookie(struct page *p, const char *name, const char *value, bool lax, int64_t seconds);
/* Ends the session there was and opens the account's; this request goes on in it. */
void page_open_session(struct page *p, const struct login_result *in);
/* After a step: into the session, or the page that asks for the second factor. */
MUST_CHECK enum rc page_login_next(struct page *p, const struct login_result *in, str next,
				   struct err *err);
/* The account of this session; RC_ABSENT: it is a token's. */
MUST_CHECK enum rc page_own_account(struct page *p, struct account *out, struct err *err);
/* Members "passkey_options" and "passkey_ticket" for a form of passkey.js, when passkeys are possible
 * here. `account` 0: to sign in, else to register one. */
MUST_CHECK enum rc page_passkey_form(struct page *p, int64_t account, struct err *err);
/* The challenge of such a form; false: used, too old, or another account's. */
bool page_passkey_challenge(struct page *p, int64_t account, struct passkey_challenge *out);
/* Member `name`: approvals and notices, newest first (page_approvals.c). */
MUST_CHECK enum rc page_put_approvals(struct page *p, const char *name, bool waiting, struct err *err);
/* "due": how many records that he may see are due, "notices": how many wait for him; "due_more",
 * "notices_more": there are more than were counted (page_notices.c). */
MUST_CHECK enum rc page_put_due(struct page *p, struct err *err);
/* "telling" of the tour, for our own people who read rules. */
MUST_CHECK enum rc page_put_tour_telling(struct page *p, struct err *err);
/* "telling": whom the rules told of this finding ("finding--HEX"), or why not (page_rule.c). */
MUST_CHECK enum rc page_put_telling(struct page *p, str finding, struct err *err);
/* "destroy_href": the form that destroys and refers it, for who may (page_privacy.c). */
void page_put_destroy(struct page *p, str object);
/* "cases":{"waiting","in_work","list_href","may_make"}: incidents, as many as he may see, "200+" when there are more;
 * for who may see them at all (page_triage.c). */
MUST_CHECK enum rc page_put_cases(struct page *p, struct err *err);
/* "answers":[…] of a finding, "claim"; and "told":[…], to whom, for who operates the node (page_answers.c). */
MUST_CHECK enum rc page_put_answers(struct page *p, const struct finding *f, struct err *err);
/* "answers_waiting", at most 100 counted, "answers_more". */
MUST_CHECK enum rc page_put_answers_waiting(struct page *p, struct err *err);
/* "qr": path data of an SVG of "qr_size" modules (ISO/IEC 18004, libqrencode). */
void page_qr(struct page *p, str text);

/* Adds a header to an answer; `value` must live as long as the request. */
void answer_header(struct http_answer *a, const char *name, str value);
/* An answer that says what is wrong, in the form asked for. */
void answer_error(struct page *p, int status, const char *kind, const char *words);

/* bodies.c: POSTs whose body is JSON or a multipart form, collected whole. */
enum { BODY_MAX = 20 << 20, BODY_JSON_MAX = 5 << 18, BODIES_BYTES = 4 * BODY_MAX,
       BODY_PUBLIC_MAX = 5 << 18 /* of who has not signed in */ };
void body_begin(struct web *w, const struct http_request *q, struct http_upload *u,
		struct http_answer *a);
void body_end(struct web *w, const struct http_request *q, struct http_upload *u,
	      struct http_answer *a);
/* Answers a request; `body` was collected, or is STR_NONE. */
void answer_request(struct web *w, const struct http_request *q, str body, struct http_answer *a);
/* Before the body: is this a route that takes one, and may this caller? Answers when not. */
bool body_admitted(struct web *w, const struct http_request *q, bool *public_out, struct http_answer *a);
/* Before the body too: an address below /a/ whose token opens nothing takes none (page_answer.c). */
bool answer_body_wanted(struct web *w, const struct http_request *q);

/* api_reports.c */
void api_reports_begin(struct web *w, const struct http_request *q, struct http_upload *u,
		       struct http_answer *a);
void api_reports_end(struct web *w, const struct http_request *q, struct http_upload *u,
		     struct http_answer *a);
uint64_t api_reports_most(const struct web *w);
void api_intelmq_push_begin(struct web *w, const struct http_request *q, struct http_upload *u, struct http_answer *a);
void api_intelmq_push_end(struct web *w, const struct http_request *q, struct http_upload *u, struct http_answer *a);
uint64_t api_intelmq_push_most(const struct web *w);
/* api_evidence.c */
void api_evidence_begin(struct web *w, const struct http_request *q, struct http_upload *u,
			struct http_answer *a);
void api_evidence_end(struct web *w, const struct http_request *q, struct http_upload *u,
		      struct http_answer *a);
uint64_t api_evidence_most(const struct web *w);
/* page_taxii.c */
void taxii_page_answer(struct web *w, const struct http_request *q, struct http_answer *a);
void taxii_page_begin(struct web *w, const struct http_request *q, struct http_upload *u, struct http_answer *a);
void taxii_page_end(struct web *w, const struct http_request *q, struct http_upload *u, struct http_answer *a);
uint64_t taxii_page_most(const struct web *w);
/* As programs are answered: {"error":{"kind":…,"words":…}} */
void api_words(struct http_answer *a, int status, const char *kind, const char *words);

#endif
