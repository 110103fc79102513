/* SPDX-License-Identifier: Apache-2.0 */
/* Items and custody of an exhibit: what is kept, what happened to it, putting in, reading, packing. */
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "evidence/evidence.h"
#include "evidence/package.h"
#include "node/stamp.h"
#include "web/records.h"

/* So much is read again while a browser waits. */
#define CHECK_BYTES_MOST (UINT64_C(2) << 30)

/* The exhibit the address names; of another type there are no such pages. */
static enum rc load_exhibit(struct page *p, struct record_view *v, struct err *err)
{
	if (!type_meaning(p->type, STR("evidence.items")))
		return fail(err, RC_ABSENT, "there is nothing here");
	return load_record(p, v, err);
}

/* --- the page --- */

static void put_items(struct page *p, const struct record_view *v, const struct item *item, size_t n, bool may)
{
	char behind[40];
	json_key(&p->j, STR("items"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(&p->j, '{');
		json_key(&p->j, STR("item"));
		item_json(&item[i], &p->j);
		snprintf(behind, sizeof(behind), "/items/%u", item[i].n);
		if (may && item[i].state != ITEM_DESTROYED)
			json_put_str(&p->j, "get_href", record_href(p, v, behind));
		if (p->form == FORM_HTML)
			json_put_str(&p->j, "csrf", str_of(p->caller.session.csrf));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

/* Who a line names, as a page shows it. */
static void put_side(struct page *p, struct json_object *line, const char *key)
{
	struct json_object *o = json_get(line, key);
	str person = json_get_str(o, "person");
	if (!o)
		return;
	if (person.n)
		put_reference(p, key, person);
	else
		json_put_str(&p->j, arena_fmt(p->a, "%s_name", key).p, json_get_str(o, "name"));
}

static void put_line(struct page *p, const struct chain_line *l)
{
	struct json_object *o = NULL;
	struct buf hex = BUF_INIT(80);
	static const char *const plain[] = { "by", "why", "purpose", "place", "storage", "shipping", "given_at",
					     "received_at", "from", "to", "for", "package", "derived", "how" };
	if (!l->line.n || json_read(l->line, &o, NULL) != RC_OK)
		o = NULL;
	hex_format(&hex, l->hash.b, sizeof(l->hash.b));
	json_open(&p->j, '{');
	json_put_i64(&p->j, "n", l->n);
	json_put_time(&p->j, "at", l->at_us);
	json_put_str(&p->j, "what", l->what);
	json_put_str(&p->j, "hash", buf_str(&hex));
	json_put_bool(&p->j, "erased", l->line.n == 0);
	for (size_t i = 0; i < COUNT_OF(plain); i++)
		if (json_get_str(o, plain[i]).n)
			json_put_str(&p->j, plain[i], json_get_str(o, plain[i]));
	str name = json_get_str(json_get(o, "item"), "name");
	if (name.n)
		json_put_str(&p->j, "item", name);
	put_side(p, o, "giver");
	put_side(p, o, "receiver");
	json_close(&p->j, '}');
	json_free(o);
	buf_free(&hex);
}

/* "held": who has it now, since when and where. */
static void put_holder(struct page *p, const struct chain_line *line, size_t n)
{
	struct json_object *o = NULL;
	while (n > 0 && !str_eq(line[n - 1].what, STR("custody")))
		n--;
	if (n == 0 || !line[n - 1].line.n || json_read(line[n - 1].line, &o, NULL) != RC_OK)
		return;
	json_key(&p->j, STR("held"));
	json_open(&p->j, '{');
	put_side(p, o, "receiver");
	json_put_str(&p->j, "since", json_get_str(o, "received_at"));
	json_put_str(&p->j, "place", json_get_str(o, "place"));
	json_put_str(&p->j, "storage", json_get_str(o, "storage"));
	json_close(&p->j, '}');
	json_free(o);
}

static enum rc put_chain(struct page *p, const struct record_view *v, struct err *err)
{
	struct chain_line *line;
	size_t n = 0;
	enum rc rc = evidence_chain(reader_conn(p->r), v, p->a, &line, &n, err);
	json_key(&p->j, STR("chain"));
	json_open(&p->j, '[');
	for (size_t i = n; rc == RC_OK && i-- > 0;) /* the newest first */
		put_line(p, &line[i]);
	json_close(&p->j, ']');
	if (rc == RC_OK)
		put_holder(p, line, n);
	return rc;
}

/* Where a custody entry is made: of the type that means one. */
static str custody_href(struct page *p)
{
	const struct types *types = page_types(p);
	for (size_t i = 0; i < types_count(types); i++) {
		const struct type *t = types_at(types, i);
		if (type_meaning(t, STR("custody.evidence")) && authz_ever(&p->caller.viewer, ACTION_CREATE, t))
			return arena_fmt(p->a, "/%s/new", t->name);
	}
	return STR("");
}

static void put_hrefs(struct page *p, const struct record_view *v, bool may)
{
	struct buf b = BUF_INIT(KIB(8));
	struct err why = { 0 };
	record_view_text(v, record_view_type(v)->title, &b);
	p->title = arena_fmt(p->a, "Items and custody: " STR_FMT, STR_ARG(buf_str(&b))).p;
	json_put_str(&p->j, "exhibit_title", buf_str(&b));
	json_put_str(&p->j, "exhibit_href", record_href(p, v, ""));
	json_put_str(&p->j, "custody_href", custody_href(p));
	json_put_str(&p->j, "check_href", record_href(p, v, "/check"));
	json_put_str(&p->j, "add_href", may ? record_href(p, v, "/items") : STR(""));
	json_put_str(&p->j, "package_href",
		     record_view_may(v, ACTION_EXPORT, -1) ? record_href(p, v, "/package") : STR(""));
	json_put_str(&p->j, "blocked",
		     evidence_in_force(v, clock_now_us(), &why) == RC_OK ? STR("") : str_of(why.text));
	buf_free(&b);
}

static enum rc show(struct page *p, const struct record_view *v, struct err *err)
{
	struct item *item;
	size_t n = 0;
	bool may = record_view_may(v, ACTION_EDIT, -1);
	p->template = "evidence";
	put_hrefs(p, v, may);
	enum rc rc = evidence_items(reader_conn(p->r), v, p->a, &item, &n, err);
	if (rc == RC_OK)
		put_items(p, v, item, n, may);
	return rc == RC_OK ? put_chain(p, v, err) : rc;
}

enum rc page_evidence(struct page *p, struct err *err)
{
	struct record_view v = { 0 };
	enum rc rc = load_exhibit(p, &v, err);
	if (rc == RC_OK)
		rc = show(p, &v, err);
	record_view_end(&v);
	return rc;
}

/* --- checking --- */

struct found {
	struct page *p;
	unsigned n;
};

static void say(void *ctx, const char *sentence)
{
	struct found *f = ctx;
	if (f->n++ < 200)
		json_str(&f->p->j, str_of(sentence));
}

static enum rc small_enough(struct page *p, const struct record_view *v, struct err *err)
{
	struct item *item;
	size_t n = 0;
	uint64_t bytes = 0;
	enum rc rc = evidence_items(reader_conn(p->r), v, p->a, &item, &n, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		bytes += item[i].stored_bytes;
	if (rc == RC_OK && bytes > CHECK_BYTES_MOST)
		rc = fail(err, RC_LIMIT, "this is too much to read while you wait: 'ronda evidence verify' does it on the command line");
	return rc;
}

enum rc page_evidence_check(struct page *p, struct err *err)
{
	struct record_view v = { 0 };
	struct evidence_check check = { 0 };
	struct found f = { .p = p };
	enum rc rc = load_exhibit(p, &v, err);
	if (rc == RC_OK)
		rc = small_enough(p, &v, err);
	if (rc == RC_OK) {
		json_key(&p->j, STR("wrong"));
		json_open(&p->j, '[');
		rc = evidence_verify(p->w->n->evidence, &p->caller.viewer, record_view_id(&v, p->a), false, say, NULL, &f,
				     &check, err);
		json_close(&p->j, ']');
		json_put_bool(&p->j, "checked", true);
		json_put_bool(&p->j, "sound", check.wrong == 0);
		json_put_i64(&p->j, "checked_items", (int64_t)check.items);
		json_put_i64(&p->j, "checked_lines", (int64_t)check.lines);
	}
	if (rc == RC_OK)
		rc = show(p, &v, err);
	record_view_end(&v);
	return rc;
}

/* --- putting in --- */

static const struct http_part *file_of(const struct page *p)
{
	for (size_t i = 0; i < p->part_count; i++)
		if (str_eq(p->parts[i].name, STR("file")) && p->parts[i].file_name.n)
			return &p->parts[i];
	return NULL;
}

enum rc page_evidence_add(struct page *p, struct err *err)
{
	struct record_view v = { 0 };
	struct item item;
	struct adding *x = NULL;
	const struct http_part *file = file_of(p);
	enum rc rc = load_exhibit(p, &v, err);
	if (rc == RC_OK && !file)
		rc = fail(err, RC_INPUT, "choose a file");
	str href = rc == RC_OK ? record_href(p, &v, "/items") : STR("");
	struct item_new q = { .name = file ? file->file_name : STR(""), .media = page_form(p, "media"),
			      .sealed = str_eq(page_form(p, "sealed"), STR("yes")) };
	if (rc == RC_OK)
		q.exhibit = record_view_id(&v, p->a);
	record_view_end(&v);
	if (rc == RC_OK)
		rc = evidence_add_begin(p->w->n->evidence, &p->caller.viewer, &q, &x, err);
	if (rc != RC_OK)
		return rc;
	rc = evidence_add(x, file->value, err);
	if (rc != RC_OK) {
		evidence_add_abort(x);
		return rc;
	}
	rc = evidence_add_end(x, p->a, &item, err);
	if (rc == RC_OK)
		page_go(p, href);
	return rc;
}

/* --- an item's bytes --- */

static long stream_item(void *ctx, char *to, size_t n)
{
	size_t got = 0;
	enum rc rc = evidence_read(ctx, to, n, &got, NULL);
	return rc == RC_OK ? (long)got : -1;
}

static void stream_item_end(void *ctx)
{
	evidence_read_end(ctx);
}

enum rc page_evidence_get(struct page *p, struct err *err)
{
	struct record_view v = { 0 };
	struct item item;
	struct item_reading *x = NULL;
	uint32_t n = 0;
	enum rc rc = load_exhibit(p, &v, err);
	if (rc == RC_OK && !str_to_u32(p->item2, &n))
		rc = fail(err, RC_ABSENT, "there is nothing here");
	if (rc == RC_OK)
		rc = evidence_read_begin(p->w->n->evidence, &p->caller.viewer, record_view_id(&v, p->a), n,
					 page_form(p, "why"), p->a, &item, &x, err);
	record_view_end(&v);
	if (rc != RC_OK)
		return rc;
	p->template = NULL;
	p->ans->status = 200;
	p->ans->type = "application/octet-stream";
	answer_header(p->ans, "Content-Disposition",
		      arena_fmt(p->a, "attachment; filename*=UTF-8''" STR_FMT, STR_ARG(url_escape(p->a, item.name))));
	p->ans->stream = stream_item;
	p->ans->stream_end = stream_item_end;
	p->ans->stream_ctx = x;
	return RC_OK;
}

/* --- a package --- */

/* One thread packs into a socket, the answer reads from it: nothing is kept on the way. */
struct packing {
	struct node *n;
	struct viewer v;
	struct seal_ring *ring;
	struct arena *a;
	str id;
	struct package_request q;
	struct package_tar tar;
	struct buf key, cert, tsa;
	int to, from;              /* ends of the socket */
	pthread_t thread;
	bool running, begun;
	enum rc rc;
	struct err err;
	char first;                /* the first byte, which says that all was allowed */
};

static enum rc send_bytes(void *ctx, str s, struct err *err)
{
	struct packing *k = ctx;
	while (s.n) {
		ssize_t n = send(k->to, s.p, s.n, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_errno(err, errno, "nobody waits for the package any more");
		s = str_from(s, (size_t)n);
	}
	return RC_OK;
}

static void *pack(void *ctx)
{
	struct packing *k = ctx;
	struct package_made made;
	struct package_sink sink = package_tar_sink(&k->tar);
	k->rc = evidence_package(k->n->evidence, &k->v, &k->q, &sink, k->a, &made, &k->err);
	if (k->rc == RC_OK)
		k->rc = package_tar_end(&k->tar, &k->err);
	shutdown(k->to, SHUT_WR);
	return NULL;
}

static void packing_free(void *ctx)
{
	struct packing *k = ctx;
	if (k->from >= 0)
		close(k->from); /* the thread then ends */
	if (k->running)
		pthread_join(k->thread, NULL);
	if (k->to >= 0)
		close(k->to);
	if (k->key.p)
		explicit_bzero(k->key.p, k->key.n);
	buf_free(&k->key);
	buf_free(&k->cert);
	buf_free(&k->tsa);
	seal_ring_drop(k->ring);
	arena_free(k->a);
	free(k);
}

static long stream_package(void *ctx, char *to, size_t n)
{
	struct packing *k = ctx;
	if (k->begun && n) {
		k->begun = false;
		*to = k->first;
		return 1;
	}
	ssize_t got;
	do
		got = recv(k->from, to, n, 0);
	while (got < 0 && errno == EINTR);
	if (got != 0)
		return got;
	pthread_join(k->thread, NULL);
	k->running = false;
	return k->rc == RC_OK ? 0 : -1;
}

static enum rc start_packing(struct packing *k, struct err *err)
{
	int ends[2];
	k->to = k->from = -1;
	enum rc rc = node_signer(k->n, &k->key, &k->cert, &k->tsa, err);
	if (rc == RC_OK && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		rc = fail_errno(err, errno, "no socket for a package");
	if (rc != RC_OK)
		return rc;
	k->from = ends[0];
	k->to = ends[1];
	k->q.key_pem = buf_str(&k->key);
	k->q.cert_pem = buf_str(&k->cert);
	k->q.tsa_pem = buf_str(&k->tsa);
	k->q.stamp = settings_text(k->n->settings, "evidence_tsa").n ? node_stamp : NULL;
	k->q.stamp_ctx = k->n;
	k->q.stamp_may_fail = true;
	k->q.exhibits = &k->id;
	k->q.exhibit_count = 1;
	k->running = pthread_create(&k->thread, NULL, pack, k) == 0;
	if (!k->running)
		return fail(err, RC_BUSY, "no thread for a package: try again");
	k->begun = recv(k->from, &k->first, 1, 0) == 1;
	if (k->begun)
		return RC_OK;
	pthread_join(k->thread, NULL);
	k->running = false;
	return fail(err, k->rc == RC_OK ? RC_IO : k->rc, "%s", k->err.text);
}

enum rc page_evidence_package(struct page *p, struct err *err)
{
	struct record_view v = { 0 };
	enum rc rc = load_exhibit(p, &v, err);
	if (rc != RC_OK)
		return rc;
	struct packing *k = x_alloc(sizeof(*k));
	k->n = p->w->n;
	k->v = p->caller.viewer;
	k->v.seal = k->ring = seal_ring_hold(p->caller.viewer.seal);
	k->a = arena_new(KIB(64));
	k->id = arena_str(k->a, record_view_id(&v, p->a));
	record_view_end(&v);
	k->q.recipient = arena_str(k->a, page_form(p, "for"));
	k->q.why = arena_str(k->a, page_form(p, "why"));
	k->tar = (struct package_tar){ .put = send_bytes, .ctx = k, .folder = "package", .now_us = clock_now_us() };
	rc = start_packing(k, err);
	if (rc != RC_OK) {
		packing_free(k);
		return rc;
	}
	p->template = NULL;
	p->ans->status = 200;
	p->ans->type = "application/x-tar";
	answer_header(p->ans, "Content-Disposition", STR("attachment; filename=\"package.tar\""));
	p->ans->stream = stream_package;
	p->ans->stream_end = packing_free;
	p->ans->stream_ctx = k;
	return RC_OK;
}
