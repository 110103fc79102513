/* SPDX-License-Identifier: Apache-2.0 */
/* Making a package: who may have it, the files, the manifests, the signature, the ledger. */
#include "evidence/package_private.h"

#include "record/outbox.h"

enum { PIECE = 1 << 20, EXHIBITS_MOST = 500, FILES_BESIDE = 16, NAME_KEPT = 80, TEXT_MOST = 1000 };
#define DOCUMENT_MAX MIB(32)
#define MANIFEST_MAX MIB(64)

struct packing {
	struct evidence *e;
	const struct package_request *q;
	const struct package_sink *to;
	struct package_made *made;
	struct court c;
	struct viewer v;           /* on the channel export */
	struct buf manifest256, manifest512, tagmanifest, custody;
	uint64_t payload_bytes, payload_files, all;
	unsigned char *piece;
	struct err *err;
	/* of the exhibit a line is written for */
	const struct court_exhibit *x;
};

/* --- names --- */

str court_text(const struct court *c, const struct court_exhibit *x, const char *meaning)
{
	const struct type_field *f = meant(x->t, meaning);
	struct buf b = BUF_INIT(KIB(64));
	if (f)
		record_view_text(&x->view, f, &b);
	str s = arena_str(c->a, buf_str(&b));
	buf_free(&b);
	return s;
}

static str account_name(const struct court *c, int64_t id)
{
	str s = STR("");
	struct sql *q = sql(reader_conn(c->r), "SELECT display FROM account WHERE id = ?");
	sql_int(q, 1, id);
	if (sql_row(q))
		s = arena_str(c->a, sql_col_str(q, 0));
	return sql_end(q, NULL) == RC_OK ? s : STR("");
}

str court_name(const struct court *c, str actor)
{
	str head = STR("account:"), name = STR(""), type;
	struct uuid uuid;
	int64_t id;
	if (str_starts(actor, head) && str_to_i64(str_from(actor, head.n), &id)) {
		name = account_name(c, id);
	} else if (record_id_parse(actor, &type, &uuid)) {
		struct record_view v = { 0 };
		struct buf b = BUF_INIT(KIB(8));
		if (read_record(c->r, c->types, c->v, actor, c->a, &v, NULL) == RC_OK && record_view_type(&v))
			record_view_text(&v, record_view_type(&v)->title, &b);
		name = arena_str(c->a, buf_str(&b));
		record_view_end(&v);
		buf_free(&b);
	}
	return name.n ? arena_fmt(c->a, STR_FMT " (" STR_FMT ")", STR_ARG(name), STR_ARG(actor)) : actor;
}

/* What a name of somebody else's may be in a manifest and on any disk. */
static void plain_name(str name, char out[NAME_KEPT + 1])
{
	size_t n = 0;
	for (size_t i = 0; i < name.n && n < NAME_KEPT; i++) {
		char c = name.p[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
		out[n++] = ok ? c : '_';
	}
	out[n] = '\0';
}

/* --- files --- */

static void note(struct packing *p, const char *path, const struct digest *sha256, const unsigned char sha512[64])
{
	bool payload = str_starts(str_of(path), STR("data/"));
	struct buf *m = payload ? &p->manifest256 : &p->tagmanifest;
	hex_format(m, sha256->b, sizeof(sha256->b));
	buf_fmt(m, "  %s\n", path);
	if (!payload)
		return;
	hex_format(&p->manifest512, sha512, 64);
	buf_fmt(&p->manifest512, "  %s\n", path);
	p->payload_files++;
}

static void to_hex(char out[65], const struct digest *d)
{
	vault_name(d, out);
}

/* `listed`: in a manifest; what stands in signatures/ is in none. */
static enum rc put_file(struct packing *p, const char *path, str bytes, bool listed)
{
	struct digest d256;
	unsigned char d512[64];
	enum rc rc = p->to->begin(p->to->ctx, path, bytes.n, p->err);
	if (rc == RC_OK)
		rc = p->to->bytes(p->to->ctx, bytes, p->err);
	if (rc == RC_OK)
		rc = p->to->end(p->to->ctx, p->err);
	if (rc != RC_OK)
		return rc;
	struct sums *s = sums_new();
	sums_add(s, bytes);
	sums_end(s, &d256, d512);
	if (listed)
		note(p, path, &d256, d512);
	if (listed && str_starts(str_of(path), STR("data/")))
		p->payload_bytes += bytes.n;
	p->made->files++;
	p->made->bytes += bytes.n;
	return RC_OK;
}

static enum rc put_document(struct packing *p, const char *path, struct buf *b)
{
	enum rc rc = b->over ? fail(p->err, RC_LIMIT, "'%s' would be too long: make several packages", path) :
			       put_file(p, path, buf_str(b), true);
	buf_free(b);
	return rc;
}

static enum rc put_item(struct packing *p, const struct court_exhibit *x, const struct court_item *i)
{
	struct item_reading *in = NULL;
	size_t got = 1;
	enum rc rc = item_open(p->e, reader_conn(p->c.r), p->c.v, &x->view.record->id, &i->item, &in, p->err);
	if (rc == RC_OK)
		rc = p->to->begin(p->to->ctx, i->path, i->item.bytes, p->err);
	/* evidence_read() compares with both digests at the end */
	while (rc == RC_OK && got) {
		rc = evidence_read(in, p->piece, PIECE, &got, p->err);
		if (rc == RC_OK && got)
			rc = p->to->bytes(p->to->ctx, str_mem(p->piece, got), p->err);
		p->made->bytes += got;
		if (p->q->progress)
			p->q->progress(p->q->progress_ctx, p->made->bytes, p->all);
	}
	evidence_read_end(in);
	if (rc == RC_OK)
		rc = p->to->end(p->to->ctx, p->err);
	if (rc != RC_OK)
		return rc;
	note(p, i->path, &i->item.sha256, i->item.sha512);
	p->payload_bytes += i->item.bytes;
	p->made->files++;
	p->made->items++;
	return RC_OK;
}

static enum rc put_items(struct packing *p)
{
	enum rc rc = RC_OK;
	for (size_t x = 0; rc == RC_OK && x < p->c.count; x++)
		for (size_t i = 0; rc == RC_OK && i < p->c.exhibit[x].item_count; i++)
			if (!p->c.exhibit[x].item[i].withheld.n)
				rc = put_item(p, &p->c.exhibit[x], &p->c.exhibit[x].item[i]);
	return rc;
}

static enum rc put_documents(struct packing *p)
{
	static const struct {
		const char *path, *language;
		bool html;
	} reports[] = { { "data/custody.en.html", "en", true }, { "data/custody.en.txt", "en", false },
			{ "data/custody.id.html", "id", true }, { "data/custody.id.txt", "id", false } };
	struct buf b = BUF_INIT(DOCUMENT_MAX);
	for (size_t x = 0; x < p->c.count; x++)
		for (size_t i = 0; i < p->c.exhibit[x].line_count; i++)
			buf_fmt(&b, "%s\n", arena_z(p->c.a, p->c.exhibit[x].line[i].line));
	enum rc rc = put_document(p, "data/custody.jsonl", &b);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(reports); i++) {
		b = (struct buf)BUF_INIT(DOCUMENT_MAX);
		report_write(&p->c, reports[i].language, reports[i].html, &b);
		rc = put_document(p, reports[i].path, &b);
	}
	if (rc == RC_OK) {
		b = (struct buf)BUF_INIT(DOCUMENT_MAX);
		case_write(&p->c, &b);
		rc = put_document(p, "data/case.jsonld", &b);
	}
	if (rc == RC_OK) {
		b = (struct buf)BUF_INIT(DOCUMENT_MAX);
		readme_write(&p->c, &b);
		rc = put_document(p, "data/README.txt", &b);
	}
	return rc;
}

static void put_info(struct buf *b, const char *label, str value)
{
	buf_fmt(b, "%s: ", label);
	for (size_t i = 0; i < value.n; i++)
		buf_char(b, value.p[i] == '\n' || value.p[i] == '\r' ? ' ' : value.p[i]);
	buf_char(b, '\n');
}

static enum rc put_tags(struct packing *p)
{
	char day[16];
	struct buf b = BUF_INIT(KIB(64));
	enum rc rc = put_file(p, "manifest-sha256.txt", buf_str(&p->manifest256), true);
	if (rc == RC_OK)
		rc = put_file(p, "manifest-sha512.txt", buf_str(&p->manifest512), true);
	if (rc == RC_OK)
		rc = put_file(p, "bagit.txt", STR("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"), true);
	put_info(&b, "Source-Organization", p->c.node);
	put_info(&b, "External-Identifier", p->c.package);
	put_info(&b, "External-Description", p->c.why);
	put_info(&b, "Contact-Name", p->c.actor);
	put_info(&b, "Bagging-Date", time_day_str(day, p->c.now_us));
	put_info(&b, "Payload-Oxum", arena_fmt(p->c.a, "%llu.%llu", (unsigned long long)p->payload_bytes,
					       (unsigned long long)p->payload_files));
	put_info(&b, "Bag-Software-Agent", STR("ronda " RONDA_VERSION));
	if (rc == RC_OK)
		rc = put_file(p, "bag-info.txt", buf_str(&b), true);
	buf_free(&b);
	return rc == RC_OK ? put_file(p, "tagmanifest-sha256.txt", buf_str(&p->tagmanifest), false) : rc;
}

/* --- signature, stamp, cover --- */

static enum rc put_stamp(struct packing *p, str tagmanifest)
{
	struct buf query = BUF_INIT(KIB(64)), answer = BUF_INIT(MIB(1));
	struct err why = { 0 };
	enum rc rc = package_stamp_query(tagmanifest, &query, p->err);
	if (rc == RC_OK)
		rc = put_file(p, "signatures/tagmanifest.tsq", buf_str(&query), false);
	if (rc != RC_OK)
		goto out;
	enum rc stamped = p->q->stamp ? p->q->stamp(p->q->stamp_ctx, buf_str(&query), &answer, &why) :
					fail(&why, RC_ABSENT, "no time-stamp authority is set");
	if (stamped == RC_OK)
		stamped = package_stamp_check(buf_str(&query), buf_str(&answer), p->q->tsa_pem, &why);
	if (stamped != RC_OK && p->q->stamp && !p->q->stamp_may_fail) {
		rc = fail(p->err, stamped, "%s", why.text);
	} else if (stamped != RC_OK) {
		snprintf(p->made->unstamped, sizeof(p->made->unstamped), "%s", why.text);
	} else {
		struct digest d = sha256(buf_str(&answer));
		to_hex(p->made->token, &d);
		rc = put_file(p, "signatures/tagmanifest.tsr", buf_str(&answer), false);
		if (rc == RC_OK && p->q->tsa_pem.n)
			rc = put_file(p, "signatures/tsa.pem", p->q->tsa_pem, false);
	}
out:
	buf_free(&query);
	buf_free(&answer);
	return rc;
}

static enum rc put_signatures(struct packing *p)
{
	str tagmanifest = buf_str(&p->tagmanifest);
	struct buf p7s = BUF_INIT(MIB(1)), cover = BUF_INIT(KIB(16));
	struct digest d = sha256(tagmanifest);
	to_hex(p->made->tagmanifest, &d);
	enum rc rc = package_sign(p->q->key_pem, p->q->cert_pem, tagmanifest, &p7s, p->err);
	if (rc == RC_OK) {
		d = sha256(buf_str(&p7s));
		to_hex(p->made->signature, &d);
		rc = put_file(p, "signatures/tagmanifest.p7s", buf_str(&p7s), false);
	}
	if (rc == RC_OK)
		rc = put_file(p, "signatures/signer.pem", p->q->cert_pem, false);
	if (rc == RC_OK)
		rc = put_stamp(p, tagmanifest);
	if (rc == RC_OK) {
		package_cover(p->made, STR("tagmanifest-sha256.txt"), &cover);
		rc = put_file(p, "signatures/cover.txt", buf_str(&cover), false);
	}
	buf_free(&p7s);
	buf_free(&cover);
	return rc;
}

/* --- who may have it --- */

static enum rc may_go_out(struct packing *p, const struct court_exhibit *x)
{
	if (!record_view_may(&x->view, ACTION_EXPORT, -1))
		return fail(p->err, RC_DENIED, "none of your roles may hand out '" STR_FMT "'", STR_ARG(x->id));
	for (size_t i = 0; i < x->t->field_count; i++)
		if (x->t->fields[i].personal && record_view_cuts(&x->view, &x->t->fields[i]))
			return fail(p->err, RC_DENIED, "'" STR_FMT "' has personal fields that may not leave by you", STR_ARG(x->id));
	return in_force(x->t, x->body, p->c.now_us, p->err);
}

static str withheld_why(const struct packing *p, const struct court_exhibit *x, unsigned n)
{
	for (size_t i = 0; i < p->q->withheld_count; i++) {
		const struct withheld *w = &p->q->withheld[i];
		str number = arena_fmt(p->c.a, STR_FMT "-%llu", STR_ARG(x->view.record->type_name),
				       (unsigned long long)x->view.record->number);
		if (w->item == n && (str_eq(w->exhibit, x->id) || str_eq(w->exhibit, number)))
			return w->why;
	}
	return STR("");
}

static enum rc load_items(struct packing *p, struct court_exhibit *x)
{
	struct item *item;
	size_t n = 0;
	enum rc rc = evidence_items(reader_conn(p->c.r), &x->view, p->c.a, &item, &n, p->err);
	if (rc != RC_OK)
		return rc;
	x->item = ARENA_ARRAY(p->c.a, n + 1, struct court_item);
	x->item_count = n;
	for (size_t i = 0; i < n; i++) {
		char name[NAME_KEPT + 1];
		struct court_item *t = &x->item[i];
		t->item = item[i];
		plain_name(item[i].name, name);
		snprintf(t->path, sizeof(t->path), "data/items/%.40s-%llu/%04u-%s", x->t->name,
			 (unsigned long long)x->view.record->number, item[i].n, name);
		t->withheld = withheld_why(p, x, item[i].n);
		if (item[i].state == ITEM_DESTROYED && !t->withheld.n)
			t->withheld = STR("destroyed");
		p->made->withheld += t->withheld.n > 0;
		p->all += t->withheld.n ? 0 : item[i].bytes;
	}
	return RC_OK;
}

static enum rc load_exhibit(struct packing *p, str id)
{
	struct court_exhibit *x = &p->c.exhibit[p->c.count];
	for (size_t i = 0; i < p->c.count; i++)
		if (str_eq(p->c.exhibit[i].id, id))
			return RC_OK;
	/* who may see it but not hand it out is told so */
	struct record_view seen = { 0 };
	enum rc rc = read_record(p->c.r, p->c.types, p->c.v, id, p->c.a, &seen, p->err);
	if (rc == RC_OK && !record_view_may(&seen, ACTION_EXPORT, -1))
		rc = fail(p->err, RC_DENIED, "none of your roles may hand out '" STR_FMT "'", STR_ARG(id));
	record_view_end(&seen);
	if (rc == RC_OK)
		rc = read_record(p->c.r, p->c.types, &p->v, id, p->c.a, &x->view, p->err);
	if (rc != RC_OK)
		return rc;
	p->c.count++; /* its view is ended with the others */
	x->t = record_view_type(&x->view);
	x->id = record_view_id(&x->view, p->c.a);
	for (size_t i = 0; i + 1 < p->c.count; i++)
		if (str_eq(p->c.exhibit[i].id, x->id)) {
			record_view_end(&x->view);
			p->c.count--;
			return RC_OK;
		}
	rc = whole_body(&x->view, &x->body, p->err);
	if (rc == RC_OK)
		rc = may_go_out(p, x);
	return rc == RC_OK ? load_items(p, x) : rc;
}

struct gathering {
	struct packing *p;
	str *ids;
	size_t n;
};

static bool gather(void *ctx, const struct link_view *l)
{
	struct gathering *g = ctx;
	const struct type *t = types_find(g->p->c.types, l->other_type);
	const struct type_field *f = meant(t, "evidence.case");
	if (!l->outward && is_exhibit(t) && f && str_eq(l->kind, str_of(f->name)) && g->n < EXHIBITS_MOST)
		g->ids[g->n++] = arena_str(g->p->c.a, l->other);
	return g->n < EXHIBITS_MOST;
}

/* An exhibit, or what exhibits are of. */
static enum rc load_named(struct packing *p, str id)
{
	struct record_view view = { 0 };
	struct gathering g = { .p = p, .ids = ARENA_ARRAY(p->c.a, EXHIBITS_MOST, str) };
	enum rc rc = read_record(p->c.r, p->c.types, p->c.v, id, p->c.a, &view, p->err);
	if (rc != RC_OK)
		return rc;
	if (is_exhibit(record_view_type(&view)))
		g.ids[g.n++] = record_view_id(&view, p->c.a);
	else
		rc = read_record_links(p->c.r, p->c.types, p->c.v, record_view_id(&view, p->c.a), p->c.a, gather, &g, p->err);
	record_view_end(&view);
	if (rc == RC_OK && !g.n)
		rc = fail(p->err, RC_ABSENT, "'" STR_FMT "' has no exhibits", STR_ARG(str_head(id, 60)));
	if (rc == RC_OK && p->c.count + g.n > EXHIBITS_MOST)
		rc = fail(p->err, RC_LIMIT, "a package has at most %d exhibits", EXHIBITS_MOST);
	for (size_t i = 0; rc == RC_OK && i < g.n; i++)
		rc = load_exhibit(p, g.ids[i]);
	return rc;
}

/* --- chain and ledger --- */

static enum rc chain_package(struct tx *tx, struct packing *p, const char *what)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < p->c.count; i++) {
		const struct court_exhibit *x = &p->c.exhibit[i];
		struct buf b = BUF_INIT(KIB(64));
		struct json_out j = json_out(&b);
		json_open(&j, '{');
		json_put_str(&j, "package", p->c.package);
		json_put_str(&j, "for", p->c.recipient);
		json_put_str(&j, "why", p->c.why);
		if (p->made->tagmanifest[0])
			json_put_str(&j, "tagmanifest_sha256", str_of(p->made->tagmanifest));
		json_key(&j, STR("withheld"));
		json_open(&j, '[');
		for (size_t k = 0; k < x->item_count; k++)
			if (x->item[k].withheld.n)
				json_i64(&j, x->item[k].item.n);
		json_close(&j, ']');
		json_close(&j, '}');
		struct chain_new q = { .id = x->id, .exhibit = x->view.record->id, .what = what,
				       .by = str_of(p->c.v->actor), .members = buf_str(&b) };
		rc = chain_add(tx, p->e->j, &q, p->err);
		buf_free(&b);
	}
	return rc;
}

static enum rc begin_job(struct tx *tx, void *ctx, struct err *err)
{
	(void)err;
	return chain_package(tx, ctx, "packing");
}

static enum rc end_job(struct tx *tx, void *ctx, struct err *err)
{
	struct packing *p = ctx;
	enum rc rc = chain_package(tx, p, "packaged");
	for (size_t i = 0; rc == RC_OK && i < p->c.count; i++) {
		const struct record_view *v = &p->c.exhibit[i].view;
		struct labels l = labels_for(v->record, &p->v);
		struct decision d = may_disclose(&l, &p->v.as, CHANNEL_EXPORT, PURPOSE_HANDLING, &p->v.policy);
		struct ledger_row row = { .kind = LEDGER_SENT, .driver = STR("package"), .recipient = p->c.recipient,
					  .item = p->c.exhibit[i].id, .item_version = record_view_version(v),
					  .policy = p->v.policy.number, .purpose = PURPOSE_HANDLING,
					  .rule = str_of(d.rule), .cut = STR(""), .words = p->c.why,
					  .reference = str_of(p->made->tagmanifest), .covers = p->c.exhibit[i].item_count };
		rc = ledger_add(tx, &row, NULL, err);
	}
	return rc;
}

/* The chain as it stands with the line that says that this is packed. */
static enum rc load_chains(struct packing *p)
{
	struct reader *r;
	enum rc rc = store_read_begin(p->e->s, &r, p->err);
	for (size_t i = 0; rc == RC_OK && i < p->c.count; i++)
		rc = chain_of(reader_conn(r), &p->c.exhibit[i].view.record->id, p->c.a, &p->c.exhibit[i].line,
			      &p->c.exhibit[i].line_count, p->err);
	if (r)
		store_read_end(r);
	return rc;
}

/* --- the whole --- */

static enum rc make(struct packing *p)
{
	enum rc rc = package_fingerprint(p->q->cert_pem, p->c.fingerprint, p->err);
	memcpy(p->made->fingerprint, p->c.fingerprint, sizeof(p->c.fingerprint));
	for (size_t i = 0; rc == RC_OK && i < p->q->exhibit_count; i++)
		rc = load_named(p, p->q->exhibits[i]);
	p->made->exhibits = p->c.count;
	if (rc == RC_OK)
		rc = store_write(p->e->s, begin_job, p, p->err);
	if (rc == RC_OK)
		rc = load_chains(p);
	if (rc == RC_OK)
		rc = put_items(p);
	if (rc == RC_OK)
		rc = put_documents(p);
	if (rc == RC_OK)
		rc = put_tags(p);
	if (rc == RC_OK)
		rc = put_signatures(p);
	return rc == RC_OK ? store_write(p->e->s, end_job, p, p->err) : rc;
}

static enum rc check_request(const struct package_request *q, struct err *err)
{
	if (!q->recipient.n || q->recipient.n > TEXT_MOST || !str_is_plain(q->recipient))
		return fail(err, RC_INPUT, "say for whom the package is, on one line (--for)");
	if (!q->why.n || q->why.n > TEXT_MOST || !str_is_plain(q->why))
		return fail(err, RC_INPUT, "say why it is handed out, on one line (--why)");
	if (!q->key_pem.n || !q->cert_pem.n)
		return fail(err, RC_ABSENT, "there is no signing key: 'ronda evidence key' makes one, or set evidence_key and evidence_cert");
	for (size_t i = 0; i < q->withheld_count; i++)
		if (!q->withheld[i].why.n || !str_is_plain(q->withheld[i].why))
			return fail(err, RC_INPUT, "say why item %u is withheld", q->withheld[i].item);
	return RC_OK;
}

enum rc evidence_package(struct evidence *e, const struct viewer *v, const struct package_request *q,
			 const struct package_sink *to, struct arena *a, struct package_made *out, struct err *err)
{
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(e->r));
	struct uuid id = uuid_random();
	struct buf name = BUF_INIT(64);
	struct packing *p = x_alloc(sizeof(*p));
	*out = (struct package_made){ 0 };
	p->e = e;
	p->q = q;
	p->to = to;
	p->made = out;
	p->v = *v;
	p->v.channel = CHANNEL_EXPORT;
	p->err = err;
	p->piece = x_alloc(PIECE);
	p->manifest256 = p->manifest512 = p->tagmanifest = (struct buf)BUF_INIT(MANIFEST_MAX);
	uuid_format(&name, &id);
	p->c = (struct court){ .types = snapshot_table(types), .v = v, .a = a, .node = store_node_name(e->s),
			       .package = arena_str(a, buf_str(&name)), .now_us = clock_now_us(),
			       .recipient = q->recipient, .why = q->why,
			       .exhibit = x_array(EXHIBITS_MOST + 1, sizeof(*p->c.exhibit)) };
	enum rc rc = check_request(q, err);
	if (rc == RC_OK)
		rc = store_read_begin(e->s, &p->c.r, err);
	if (rc == RC_OK) {
		p->c.actor = court_name(&p->c, str_of(v->actor));
		rc = make(p);
	}
	for (size_t i = 0; i < p->c.count; i++) {
		json_free(p->c.exhibit[i].body);
		record_view_end(&p->c.exhibit[i].view);
	}
	if (p->c.r)
		store_read_end(p->c.r);
	snapshot_drop(records_types_snapshot(e->r), types);
	buf_free(&p->manifest256);
	buf_free(&p->manifest512);
	buf_free(&p->tagmanifest);
	buf_free(&name);
	free(p->c.exhibit);
	free(p->piece);
	free(p);
	return rc;
}
