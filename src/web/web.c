/* SPDX-License-Identifier: Apache-2.0 */
#include "web/page.h"

#include "web/dear.h"
#include "web/outside.h"
#include "web/public.h"

struct route {
	const char *method, *path;
	enum right right;
	page_fn run; /* NULL: an upload */
	bool takes_body;
};
static const struct route routes[] = {
#define ROUTE(method, path, right, handler) { #method, path, right, handler, false },
#define BODY(path, right, handler) { "POST", path, right, handler, true },
#define UPLOAD(path, right, handler) { "POST", path, right, NULL, false },
#define UNDER(path, handler)
#include "routes.def"
#undef ROUTE
#undef BODY
#undef UPLOAD
#undef UNDER
};

/* What signing in needs; tests of pages alone have a node without a store. */
static enum rc open_login(struct web *w, struct err *err)
{
	struct node *n = w->n;
	if (!n->secrets)
		return RC_OK;
	str url = settings_text(n->settings, "public_url");
	const char *ca = arena_z(w->a, settings_text(n->settings, "fetch_ca_file"));
	enum rc rc = secrets_ready(n->secrets, err);
	w->login = (struct login){ .store = n->store, .journal = n->journal, .roles = n->roles,
				   .secrets = n->secrets, .guard = w->guard };
	if (rc == RC_OK)
		rc = fetch_new(ca, &w->fetcher, err);
	if (rc == RC_OK)
		rc = oidc_open(n->settings, "/login/oidc", w->fetcher, &w->oidc, err);
	if (rc == RC_ABSENT)
		rc = RC_OK;
	uint32_t roles;
	if (rc == RC_OK)
		rc = login_group_roles(n->roles, settings_text(n->settings, "oidc_roles"), NULL, 0, &roles, err);
	/* An address without a name is fine for all but passkeys. */
	if (rc == RC_OK && url.n > 0 &&
	    passkey_site_of(url, store_node_name(n->store), w->a, &w->site, NULL) != RC_OK)
		w->site = (struct passkey_site){ .origin = STR("") };
	return rc;
}

enum rc web_new(struct node *n, struct web **out, struct err *err)
{
	struct web *w = x_alloc(sizeof *w);
	w->n = n;
	w->started_us = clock_mono_us();
	w->a = arena_new(KIB(1));
	w->sessions = sessions_new();
	w->guard = guard_new();
	w->links = guard_new();
	w->figures = dear_new(SECOND_US / 2, SECOND_US);
	public_open(w);
	enum rc rc = templates_new(&w->templates, err);
	if (rc == RC_OK)
		rc = open_login(w, err);
	if (rc != RC_OK)
		web_free(w);
	else
		*out = w;
	return rc;
}

void web_free(struct web *w)
{
	if (!w)
		return;
	templates_free(w->templates);
	sessions_free(w->sessions);
	guard_free(w->guard);
	guard_free(w->links);
	public_close(w);
	dear_free(w->figures);
	oidc_free(w->oidc);
	fetch_free(w->fetcher);
	arena_free(w->a);
	free(w);
}

void web_watch(struct web *w, const struct http *http)
{
	w->http = http;
}

/* --- finding the route --- */

/* Segment by segment: ":type" is the name of a type, "*" anything. */
static bool path_matches(struct page *p, const struct route *r)
{
	str pattern = str_from(str_of(r->path), 1), path = str_from(p->path, 1);
	str items[2] = { STR_NONE, STR_NONE };
	size_t n = 0;
	p->type = NULL;
	while (pattern.n > 0 || path.n > 0) {
		str want = str_cut(&pattern, '/'), have = str_cut(&path, '/');
		if (have.n == 0 || want.n == 0)
			return false;
		if (str_eq(want, STR(":type"))) {
			p->type = types_find(page_types(p), have);
			if (!p->type)
				return false;
		} else if (str_eq(want, STR("*"))) {
			items[n++] = have;
		} else if (!str_eq(want, have)) {
			return false;
		}
	}
	p->item = items[0];
	p->item2 = items[1];
	return !str_ends(p->path, STR("/")) || p->path.n == 1;
}

static const char *method_name(enum http_method m)
{
	switch (m) {
	case HTTP_GET:
	case HTTP_HEAD:
		return "GET"; /* the body is left out on the way */
	case HTTP_POST:
		return "POST";
	case HTTP_DELETE:
	case HTTP_OTHER:
		return "";
	}
	return "";
}

/* NULL: none; *known_out: there is one for another method, `allow` names it. */
static const struct route *find_route(struct page *p, const char **allow)
{
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		if (!path_matches(p, &routes[i]))
			continue;
		if (str_eq(str_of(routes[i].method), str_of(method_name(p->q->method))))
			return &routes[i];
		*allow = *allow ? "GET, HEAD, POST" :
			 str_eq(str_of(routes[i].method), STR("GET")) ? "GET, HEAD" : "POST";
	}
	return NULL;
}

/* The suffix wins over Accept; programs that say nothing get JSON. */
static void pick_form(struct page *p)
{
	str accept = http_header(p->q, "accept");
	p->path = p->q->path;
	p->form = http_header(p->q, "authorization").p ? FORM_JSON : FORM_HTML;
	if (str_find(accept, STR("text/html")) < accept.n)
		p->form = FORM_HTML;
	else if (str_find(accept, STR("application/json")) < accept.n)
		p->form = FORM_JSON;
	else if (str_find(accept, STR("text/csv")) < accept.n)
		p->form = FORM_CSV;
	if (str_ends(p->path, STR(".json"))) {
		p->form = FORM_JSON;
		p->path.n -= 5;
	} else if (str_ends(p->path, STR(".csv")) && p->path.n > 4) {
		p->form = FORM_CSV;
		p->path.n -= 4;
	}
}

/* --- the answer --- */

static void put_links(struct page *p)
{
	struct page other = *p;
	other.path = arena_fmt(p->a, STR_FMT ".json", STR_ARG(p->path));
	json_put_str(&p->j, "json_href", page_url_with(&other, "limit", STR_NONE));
	other.path = arena_fmt(p->a, STR_FMT ".csv", STR_ARG(p->path));
	json_put_str(&p->j, "csv_href", page_url_with(&other, "limit", STR_NONE));
}

/* Is there a page of partners, and for him? */
static bool reads_partners(struct page *p)
{
	const struct type *t = p->caller.by_session && p->w->n->types ? types_meaning(page_types(p), STR("partner.node")) : NULL;
	return t && authz_ever(&p->caller.viewer, ACTION_READ, t);
}

/* What every page shows around its own. */
static void put_frame(struct page *p)
{
	static const char *const places[] = { "triage", "records", "events", "findings", "count", "figures", "who", "quarantine",
					      "feeds", "tour", "duty", "partners" };
	const struct node *n = p->w->n;
	str first = str_from(p->path, 1);
	outside_dress(p);
	json_key(&p->j, STR("frame"));
	json_open(&p->j, '{');
	json_put_str(&p->j, "title", str_of(p->title ? p->title : "ronda"));
	json_put_str(&p->j, "node", n->store ? store_node_name(n->store) : STR(""));
	json_put_bool(&p->j, "demo", n->demo);
	json_put_str(&p->j, "style", str_of(templates_style_tag(p->w->templates)));
	json_put_bool(&p->j, "signed_in", p->caller.by_session);
	json_put_str(&p->j, "csrf", str_of(p->caller.session.csrf));
	json_put_str(&p->j, "actor", str_of(p->caller.viewer.actor));
	if (p->caller.name[0])
		json_put_str(&p->j, "account", str_of(p->caller.name));
	json_put_bool(&p->j, "outside", p->caller.viewer.as.kind == RECIPIENT_CONSTITUENT);
	json_put_bool(&p->j, "enrols", p->caller.session.enrols);
	json_put_str(&p->j, "right", str_of(right_name(p->caller.viewer.right)));
	json_put_bool(&p->j, "at_home", first.n == 0);
	json_put_bool(&p->j, "may_partners", reads_partners(p));
	first = p->type || str_eq(p->path, STR("/search")) ? STR("records") : str_cut(&first, '/');
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		if (str_eq(first, str_of(places[i])))
			json_put_bool(&p->j, places[i], true);
	}
	put_links(p);
	json_close(&p->j, '}');
}

/* Making a table of items leave the house is an act: one line for all of it. */
static enum rc journal_export(struct page *p, struct err *err)
{
	struct journal_act act = { .act = "export", .actor = str_of(p->caller.viewer.actor),
				   .object = p->path, .count = p->row_count };
	return p->w->n->journal ? journal_write(p->w->n->journal, &act, err) : RC_OK;
}

/* "events.csv": of the route, never of the item asked for. */
static str file_name(struct page *p)
{
	str rest = str_from(p->path, 1), first = str_cut(&rest, '/');
	return arena_fmt(p->a, "attachment; filename=\"" STR_FMT ".csv\"",
			 STR_ARG(first.n > 0 ? first : STR("board")));
}

static enum rc write_form(struct page *p, struct err *err)
{
	struct http_answer *a = p->ans;
	a->body = (struct buf)BUF_INIT(PAGE_MAX);
	switch (p->form) {
	case FORM_JSON:
		a->type = "application/json";
		buf_add(&a->body, buf_str(&p->doc));
		buf_char(&a->body, '\n');
		return a->body.over ? fail(err, RC_LIMIT, "the answer is too large") : RC_OK;
	case FORM_CSV:
		a->type = "text/csv; charset=utf-8; header=present";
		answer_header(a, "Content-Disposition", file_name(p));
		return document_csv(buf_str(&p->doc), p->columns,
				    !str_eq(http_query(p->q, "guard"), STR("no")), &a->body, err);
	case FORM_HTML:
		a->type = "text/html; charset=utf-8";
		return document_html(p->w->templates, p->template, buf_str(&p->doc), &a->body, err);
	}
	return RC_OK;
}

static void begin_document(struct page *p)
{
	buf_reset(&p->doc);
	p->framed = false;
	p->j = json_out(&p->doc);
	json_open(&p->j, '{');
}

void answer_error(struct page *p, int status, const char *kind, const char *words)
{
	struct err err;
	char code[16];
	snprintf(code, sizeof code, "%d", status);
	begin_document(p);
	p->title = "Not possible";
	p->template = "error";
	if (p->form == FORM_CSV)
		p->form = FORM_JSON;
	json_key(&p->j, STR("error"));
	json_open(&p->j, '{');
	json_put_str(&p->j, "kind", str_of(kind));
	json_put_str(&p->j, "words", str_of(words));
	json_put_str(&p->j, "status", str_of(code));
	json_put_str(&p->j, "said", outside_error_words(p, kind));
	json_close(&p->j, '}');
	if (p->form == FORM_HTML)
		put_frame(p);
	json_close(&p->j, '}');
	buf_free(&p->ans->body);
	p->ans->header_count = 0;
	p->ans->status = status;
	if (write_form(p, &err) != RC_OK)
		p->ans->status = 500;
	if (status == 503 || status == 507 || status == 429)
		answer_header(p->ans, "Retry-After", status == 429 ? STR("600") : STR("30"));
}

static void refuse_stranger(struct page *p)
{
	bool calendar = str_ends(p->path, STR(".ics")); /* who asks has no browser to sign in with */
	if (p->caller.too_often) {
		answer_error(p, 429, "busy", "too many wrong tries from this address; wait ten minutes");
	} else if (p->form == FORM_HTML && p->q->method != HTTP_POST && !calendar) {
		p->ans->status = 303;
		answer_header(p->ans, "Location",
			      page_link(p, "/login", "next", page_url_with(p, "", STR_NONE)));
	} else {
		answer_error(p, 401, "denied", "sign in, or send a token");
		answer_header(p->ans, "WWW-Authenticate",
			      calendar ? STR("Basic realm=\"ronda\"") : STR("Bearer"));
	}
}

/* Who must add a second factor is led to where he can; a person we serve, to what is theirs. */
static void refuse_known(struct page *p)
{
	if (p->caller.session.enrols && p->form == FORM_HTML && p->q->method != HTTP_POST) {
		page_go(p, STR("/account"));
		return;
	}
	bool portal = p->w->n->settings && settings_bool(p->w->n->settings, "portal") &&
		      p->caller.viewer.as.kind == RECIPIENT_CONSTITUENT;
	if (portal && p->form == FORM_HTML && str_eq(p->path, STR("/"))) {
		page_go(p, STR("/portal"));
		return;
	}
	answer_error(p, 403, "denied", p->caller.name[0] ? "your roles do not have the right for this" :
							   "your token does not have the right for this");
}

static void journal_refusal(struct page *p)
{
	struct journal_act act = { .act = "refusal", .actor = str_of(p->caller.viewer.actor),
				   .object = p->path };
	struct err err;
	if (p->w->n->journal && journal_write(p->w->n->journal, &act, &err) != RC_OK)
		log_error(p->w->n->log, "a refusal could not be journalled", L_Z("why", err.text));
}

/* May this caller run this route, in this way? Answers when not. */
static bool admitted(struct page *p, const struct route *r)
{
	if (!right_includes(p->caller.viewer.right, r->right)) {
		if (!p->caller.known) {
			refuse_stranger(p);
		} else {
			journal_refusal(p);
			refuse_known(p);
		}
		return false;
	}
	if (p->q->method != HTTP_POST)
		return true;
	bool ours = same_origin(p->q);
	if (p->caller.by_session)
		ours = ours && str_eq_secret(page_form(p, "csrf"), str_of(p->caller.session.csrf));
	if (!ours)
		answer_error(p, 403, "denied", "this form was not made here, or is too old: load the page again");
	return ours;
}

static void finish(struct page *p, enum rc rc, const struct err *err)
{
	struct err why = *err;
	if (rc == RC_OK && !p->template) /* the handler has answered */
		return;
	if (rc == RC_OK) {
		if (p->form == FORM_HTML)
			put_frame(p);
		json_close(&p->j, '}');
		if (p->ans->status == 0)
			p->ans->status = 200;
		if (p->form == FORM_CSV)
			rc = journal_export(p, &why);
		if (rc == RC_OK)
			rc = p->doc.over ? fail(&why, RC_LIMIT, "the answer is too large") :
					   write_form(p, &why);
	}
	if (rc == RC_OK)
		return;
	if (rc == RC_IO)
		log_error(p->w->n->log, "a page failed", L_STR("path", p->path), L_Z("why", why.text));
	answer_error(p, rc_http_status(rc), rc_name(rc), why.text);
}

/* "id-ID,id;q=0.9,en;q=0.8" -> "id" */
static str first_language(const struct http_request *q)
{
	str list = http_header(q, "accept-language"), first = str_trim(str_cut(&list, ','));
	size_t n = str_index(first, ';');
	n = str_index(str_head(first, n), '-') < n ? str_index(first, '-') : n;
	return n > 0 && n <= 8 ? str_head(first, n) : STR("en");
}

static struct page page_begin(struct web *w, const struct http_request *q, struct http_answer *a)
{
	struct page p = { .w = w, .q = q, .ans = a, .a = q->a, .doc = BUF_INIT(PAGE_MAX),
			  .language = first_language(q) };
	pick_form(&p);
	return p;
}

static void page_end(struct page *p)
{
	caller_end(&p->caller);
	if (p->r)
		store_read_end(p->r);
	if (p->directory)
		snapshot_drop(p->w->n->directory, p->directory);
	if (p->types)
		snapshot_drop(p->w->n->types, p->types);
	buf_free(&p->doc);
}

static const struct route *route_of(struct page *p)
{
	const char *allow = NULL;
	const struct route *r = find_route(p, &allow);
	if (r && r->run)
		return r;
	answer_error(p, allow || r ? 405 : 404, "absent",
		     allow || r ? "this address is not asked in this way" : "there is nothing here");
	if (allow)
		answer_header(p->ans, "Allow", str_of(allow));
	return NULL;
}

static bool is_multipart(const struct http_request *q)
{
	return str_starts_nocase(http_header(q, "content-type"), STR("multipart/form-data"));
}

static enum rc take_body(struct page *p, str body, struct err *err)
{
	if (is_multipart(p->q))
		return http_parts(p->q, body, p->a, &p->parts, &p->part_count, err);
	p->body = body;
	return RC_OK;
}

void answer_request(struct web *w, const struct http_request *q, str body, struct http_answer *a)
{
	struct page p = page_begin(w, q, a);
	struct err err = { 0 };
	const struct route *r = route_of(&p);
	if (r) {
		enum rc rc = body.p ? take_body(&p, body, &err) : RC_OK;
		identify(w, q, &p.caller);
		outside_choose_language(&p);
		if (admitted(&p, r)) {
			begin_document(&p);
			finish(&p, rc == RC_OK ? r->run(&p, &err) : rc, &err);
		}
	}
	page_end(&p);
}

bool body_admitted(struct web *w, const struct http_request *q, bool *public_out, struct http_answer *a)
{
	struct page p = page_begin(w, q, a);
	const struct route *r = route_of(&p);
	*public_out = r && r->right == RIGHT_PUBLIC;
	if (r && !r->takes_body) {
		answer_error(&p, 403, "denied", "this address takes forms");
	} else if (r) {
		identify(w, q, &p.caller);
		if (!right_includes(p.caller.viewer.right, r->right))
			(void)admitted(&p, r); /* says why not */
		else if (p.caller.by_session && !is_multipart(q)) /* no form: carries no token of the session */
			answer_error(&p, 403, "denied", "programs send a token: Authorization: Bearer ...");
	}
	page_end(&p);
	return a->status == 0;
}

/* --- uploads --- */

static const struct upload_route {
	str path;
	void (*begin)(struct web *w, const struct http_request *q, struct http_upload *u, struct http_answer *a);
	void (*end)(struct web *w, const struct http_request *q, struct http_upload *u, struct http_answer *a);
	uint64_t (*most)(const struct web *w);
} uploads[] = {
#define ROUTE(method, path, right, handler)
#define BODY(path, right, handler)
#define UPLOAD(path, right, handler) { STR_INIT(path), handler##_begin, handler##_end, handler##_most },
#define UNDER(path, handler)
#include "routes.def"
#undef ROUTE
#undef BODY
#undef UPLOAD
#undef UNDER
};

/* What has a shape of its own: all methods, by the calls of whoever speaks it. */
static const struct under_route {
	struct upload_route upload;
	void (*answer)(struct web *w, const struct http_request *q, struct http_answer *a);
} unders[] = {
#define ROUTE(method, path, right, handler)
#define BODY(path, right, handler)
#define UPLOAD(path, right, handler)
#define UNDER(path, handler) { { STR_INIT(path), handler##_begin, handler##_end, handler##_most }, handler##_answer },
#include "routes.def"
#undef ROUTE
#undef BODY
#undef UPLOAD
#undef UNDER
};

static const struct under_route *under_of(const struct http_request *q)
{
	for (size_t i = 0; i < COUNT_OF(unders); i++)
		if (str_starts(q->path, unders[i].upload.path))
			return &unders[i];
	return NULL;
}

static const struct upload_route *upload_of(const struct http_request *q)
{
	for (size_t i = 0; i < COUNT_OF(uploads); i++)
		if (str_eq(q->path, uploads[i].path))
			return &uploads[i];
	const struct under_route *under = under_of(q);
	return under ? &under->upload : NULL;
}

static bool takes_body(void *ctx, const struct http_request *q)
{
	(void)ctx;
	return upload_of(q) != NULL;
}

static uint64_t body_most(void *ctx, const struct http_request *q)
{
	const struct upload_route *u = upload_of(q);
	return u ? u->most(ctx) : BODY_MAX;
}

static void upload_begin(void *ctx, const struct http_request *q, struct http_upload *u,
			 struct http_answer *a)
{
	const struct upload_route *to = upload_of(q);
	(to ? to->begin : body_begin)(ctx, q, u, a);
}

static void upload_end(void *ctx, const struct http_request *q, struct http_upload *u,
		       struct http_answer *a)
{
	const struct upload_route *to = upload_of(q);
	(to ? to->end : body_end)(ctx, q, u, a);
}

static void answer(void *ctx, const struct http_request *q, struct http_answer *a)
{
	const struct under_route *under = under_of(q);
	if (under)
		under->answer(ctx, q, a);
	else
		answer_request(ctx, q, STR_NONE, a);
}

struct http_handlers web_handlers(struct web *w)
{
	return (struct http_handlers){ .ctx = w, .answer = answer, .takes_body = takes_body, .body_most = body_most,
				       .upload_begin = upload_begin, .upload_end = upload_end };
}

/* For tests: every address there is. */
size_t web_route_count(void)
{
	return COUNT_OF(routes);
}

void web_route(size_t i, const char **method, const char **path, enum right *right)
{
	*method = routes[i].method;
	*path = routes[i].path;
	*right = routes[i].right;
}
