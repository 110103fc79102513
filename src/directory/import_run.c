/* SPDX-License-Identifier: Apache-2.0 */
/* An import from its first byte to the run of disclosure/bulk.h, or to a table of contacts. */
#include <stdlib.h>

#include "base/clock.h"
#include "directory/import_private.h"
#include "route/directory_records.h"

/* --- organisations --- */

struct told {
	bulk_tell tell;
	void *ctx;
	const uint64_t *rows;      /* of the file, by line of what bulk.h is given */
	size_t count;
};

static void tell_line(void *ctx, uint64_t line, const char *words)
{
	const struct told *t = ctx;
	if (t->tell)
		t->tell(t->ctx, line && line <= t->count ? t->rows[line - 1] : line, words);
}

static void draft_is_told(void *ctx, uint64_t row, const char *words)
{
	struct drafts *w = ctx;
	w->out->told++;
	if (w->tell && w->out->told <= BULK_ERRORS_MAX)
		w->tell(w->ctx, row, words);
}

static int by_host(const void *x, const void *y)
{
	const struct draft *const *a = x, *const *b = y;
	return str_cmp((*a)->host, (*b)->host);
}

/* Sites that several drafts name are somebody else's (a platform for reports): nobody is known by them. */
static void own_websites(struct drafts *w)
{
	struct draft **list = x_array(w->count + 1, sizeof(*list));
	for (size_t i = 0; i < w->count; i++) {
		list[i] = w->list[i];
		list[i]->host = import_host(w->a, list[i]->website);
	}
	qsort(list, w->count, sizeof(*list), by_host);
	for (size_t i = 0; i < w->count; i++)
		list[i]->website_is_own = list[i]->host.n &&
					  !(i && str_eq(list[i - 1]->host, list[i]->host)) &&
					  !(i + 1 < w->count && str_eq(list[i + 1]->host, list[i]->host));
	free(list);
}

/* What somebody else answers for already is left out, and told. */
static void drop_rivals(struct drafts *w, struct known_all *known, const struct known *k, struct draft *d)
{
	size_t n = 0;
	for (size_t i = 0; i < d->claim_count; i++) {
		str rival = known_rival(known, k, d, &d->claims[i]);
		char words[240];
		if (rival.n == 0) {
			d->claims[n++] = d->claims[i];
			continue;
		}
		snprintf(words, sizeof(words), STR_FMT " '" STR_FMT "' is left out: '" STR_FMT "' answers for it",
			 STR_ARG(d->claims[i].kind), STR_ARG(str_head(d->claims[i].value, 80)), STR_ARG(str_head(rival, 80)));
		draft_is_told(w, d->row, words);
	}
	d->claim_count = n;
}

struct lines {
	struct buf text;
	uint64_t *rows;
	size_t count, room;
};

static enum rc write_lines(struct drafts *w, struct known_all *known, str source, struct lines *l, struct err *err)
{
	struct buf one = BUF_INIT(MIB(4));
	int32_t today = w->run->in.seen_day ? w->run->in.seen_day : time_day(clock_now_us());
	uint64_t refused = 0;
	for (size_t i = 0; i < w->count; i++) {
		const struct known *k = NULL;
		struct err why = { 0 };
		bool changes = false;
		buf_reset(&one);
		struct json_out j = json_out(&one);
		json_open(&j, '{');
		enum rc rc = known_find(known, w->list[i], &k, &why);
		if (rc == RC_OK && k) {
			json_put_str(&j, "id", k->id);
			json_key(&j, STR("version"));
			json_u64(&j, k->version);
		}
		if (rc == RC_OK)
			drop_rivals(w, known, k, w->list[i]);
		if (rc == RC_OK)
			rc = join_fields(k, w->list[i], w->run, source, today, &j, &changes, w->out, &why);
		json_close(&j, '}');
		if (rc == RC_OK && one.over)
			rc = fail(&why, RC_LIMIT, "is too large");
		w->out->contacts += w->list[i]->contact_count;
		w->out->claims += w->list[i]->claim_count;
		if (rc != RC_OK) {
			refused++;
			draft_is_told(w, w->list[i]->row, why.text);
			continue;
		}
		if (!changes) {
			w->out->bulk.rows++;
			w->out->bulk.same++;
			continue;
		}
		if (l->count == l->room) {
			l->room = l->room ? 2 * l->room : 256;
			l->rows = x_grow(l->rows, l->room, sizeof(*l->rows));
		}
		l->rows[l->count++] = w->list[i]->row;
		buf_add(&l->text, buf_str(&one));
		buf_char(&l->text, '\n');
	}
	buf_free(&one);
	if (l->text.over)
		return fail(err, RC_LIMIT, "the organisations are over %zu MiB: take them in parts", BULK_FILE_MAX >> 20);
	w->out->bulk.refused = refused;
	return refused ? fail(err, RC_INPUT, "%llu organisations are refused; nothing is changed",
			      (unsigned long long)refused) :
			 RC_OK;
}

static enum rc load_known(struct records *r, struct store *s, const struct viewer *v, struct known_all **out,
			  struct err *err)
{
	struct reader *rd = NULL;
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(r));
	enum rc rc = store_read_begin(s, &rd, err);
	if (rc == RC_OK)
		rc = known_load(rd, snapshot_table(ref), v, out, err);
	store_read_end(rd);
	snapshot_drop(records_types_snapshot(r), ref);
	return rc;
}

static enum rc apply(struct records *r, struct store *s, const struct viewer *v, const struct import_run *run,
		     const struct lines *l, bulk_tell tell, void *ctx, struct import_outcome *out, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(r));
	struct told t = { tell, ctx, l->rows, l->count };
	char why[80];
	snprintf(why, sizeof(why), "import of a directory (%s)", run->form->name);
	struct bulk_request q = { .type = directory_type(snapshot_table(ref)),
				  .text = buf_str(&l->text), .map = STR(""), .key = STR(""), .why = run->why.n ? run->why : str_of(why),
				  .language = run->language, .tlp = STR(""), .dry_run = run->dry_run };
	struct bulk_counts n = { 0 };
	enum rc rc = bulk_import(r, s, v, &q, tell_line, &t, &n, err);
	out->bulk.run = n.run;
	out->bulk.rows += n.rows;
	out->bulk.added = n.added;
	out->bulk.changed = n.changed;
	out->bulk.same += n.same;
	out->bulk.refused += n.refused;
	snapshot_drop(records_types_snapshot(r), ref);
	return rc;
}

enum rc import_organisations(struct records *r, struct store *s, const struct viewer *v,
			     const struct import_run *run, bulk_tell tell, void *ctx, struct import_outcome *out,
			     struct err *err)
{
	struct drafts w = { .a = arena_new(KIB(256)), .run = run, .tell = tell, .ctx = ctx, .out = out };
	struct import_sink sink = { .ctx = &w, .organisation = drafts_add, .told = draft_is_told };
	struct lines l = { .text = BUF_INIT(BULK_FILE_MAX) };
	struct known_all *known = NULL;
	str source = run->source.n ? run->source : str_of(run->form->source);
	*out = (struct import_outcome){ .bulk = { .run = 0 } };
	enum rc rc = run->form->makes == IMPORT_ORGANISATIONS && source.n <= 40 && str_is_plain(source) ?
			     RC_OK :
			     fail(err, RC_INPUT, "form '%s' brings no organisations", run->form->name);
	if (rc == RC_OK)
		rc = run->form->read(&run->in, &sink, w.a, err);
	if (rc == RC_OK && w.over)
		rc = fail(err, RC_LIMIT, "more than %d organisations in one file", IMPORT_DRAFTS_MAX);
	if (rc == RC_OK && w.count == 0)
		rc = fail(err, RC_INPUT, "no organisation was found in it");
	if (rc == RC_OK) {
		own_websites(&w);
		rc = load_known(r, s, v, &known, err);
	}
	if (rc == RC_OK)
		rc = write_lines(&w, known, source, &l, err);
	if (rc == RC_OK && l.count)
		rc = apply(r, s, v, run, &l, tell, ctx, out, err);
	known_free(known);
	drafts_end(&w);
	buf_free(&l.text);
	free(l.rows);
	arena_free(w.a);
	return rc;
}

/* --- contacts of last resort --- */

enum { SINGLE_MOST = 10000, NOTED_DAYS = 90 };

struct collecting {
	struct fallback_builder *b;
	struct arena *a;           /* of `list` */
	struct fallback_entry *list; /* of a form that is single: what it said */
	size_t count, room;
	bool single;
	struct import_contacts_outcome *out;
	bulk_tell tell;
	void *ctx;
	enum rc rc;
	struct err err;
};

static void tell_contact(void *ctx, uint64_t row, const char *words)
{
	struct collecting *c = ctx;
	c->out->told++;
	if (c->tell && c->out->told <= BULK_ERRORS_MAX)
		c->tell(c->ctx, row, words);
}

static void take_contact(void *ctx, uint64_t row, const struct fallback_entry *e)
{
	struct collecting *c = ctx;
	struct err why = { 0 };
	if (c->single && c->count < SINGLE_MOST) {
		if (c->count == c->room) {
			c->room = c->room ? 2 * c->room : 16;
			c->list = x_grow(c->list, c->room, sizeof(*c->list));
		}
		struct fallback_entry *n = &c->list[c->count++];
		*n = *e;
		n->email = arena_str(c->a, e->email);
		n->name = arena_str(c->a, e->name);
		n->domain = arena_str(c->a, e->domain);
	}
	enum rc rc = c->rc == RC_OK ? fallback_add(c->b, e, &why) : RC_OK;
	if (rc == RC_LIMIT) {
		c->rc = rc;
		c->err = why;
	} else if (rc != RC_OK) {
		tell_contact(c, row, why.text);
	}
}

struct noting {
	const struct collecting *c;
	struct journal *j;
	str source, actor;
	size_t from, to;
};

/* What a note is about, as text: a later one about the same takes its place. */
static str subject_of(struct arena *a, const struct fallback_entry *e)
{
	char from[48], to[48];
	switch (e->kind) {
	case FALLBACK_NET:
		return arena_fmt(a, STR_FMT "-" STR_FMT, STR_ARG(ip_str(from, &e->first)), STR_ARG(ip_str(to, &e->last)));
	case FALLBACK_ASN: return arena_fmt(a, "AS%u-AS%u", e->asn_first, e->asn_last);
	case FALLBACK_DOMAIN: return e->domain;
	}
	return STR("");
}

static enum rc note_some(struct tx *tx, void *ctx, struct err *err)
{
	const struct noting *n = ctx;
	enum rc rc = RC_OK;
	for (size_t i = n->from; rc == RC_OK && i < n->to; i++) {
		const struct fallback_entry *e = &n->c->list[i];
		rc = fallback_note(tx, n->source, subject_of(n->c->a, e), e, 1, tx_now_us(tx) + NOTED_DAYS * DAY_US, err);
	}
	struct journal_act act = { .act = "contacts.note", .actor = n->actor, .object = n->source,
				   .count = n->to - n->from };
	return rc == RC_OK ? journal_add(tx, n->j, &act, err) : rc;
}

static enum rc note_all(struct store *s, struct noting *n, struct err *err)
{
	enum rc rc = RC_OK;
	for (n->from = 0; rc == RC_OK && n->from < n->c->count; n->from = n->to) {
		n->to = n->from + 200 < n->c->count ? n->from + 200 : n->c->count;
		rc = store_write(s, note_some, n, err);
	}
	return rc;
}

enum rc import_contacts(struct store *s, struct journal *j, str actor, const struct import_run *run,
			bulk_tell tell, void *ctx, struct import_contacts_outcome *out, struct err *err)
{
	struct arena *a = arena_new(KIB(256));
	struct collecting c = { .b = fallback_builder_new(run->in.dir, run->in.memory), .a = arena_new(KIB(4)), .out = out, .tell = tell,
				.ctx = ctx, .single = run->form->single };
	struct import_sink sink = { .ctx = &c, .contact = take_contact, .told = tell_contact };
	struct spool *image = NULL;
	str source = run->source.n ? run->source : str_of(run->form->source);
	struct import_input in = run->in;
	*out = (struct import_contacts_outcome){ .told = 0 };
	in.trust = (uint8_t)import_trust(source);
	if (!in.seen_day)
		in.seen_day = time_day(clock_now_us());
	enum rc rc = run->form->makes == IMPORT_CONTACTS ?
			     RC_OK :
			     fail(err, RC_INPUT, "form '%s' brings no contacts of last resort", run->form->name);
	if (rc == RC_OK)
		rc = run->form->read(&in, &sink, a, err);
	arena_free(a); /* all text is in the builder now */
	if (rc == RC_OK && c.rc != RC_OK)
		rc = fail(err, c.rc, "%s", c.err.text);
	if (rc == RC_OK)
		rc = fallback_build_spool(c.b, source, &image, &out->counts, err);
	fallback_builder_free(c.b);
	if (rc == RC_OK && out->counts.entries == 0)
		rc = fail(err, RC_INPUT, "no contact was found in it");
	if (rc == RC_OK && c.single && !run->dry_run)
		rc = note_all(s, &(struct noting){ .c = &c, .j = j, .source = source, .actor = actor }, err);
	else if (rc == RC_OK && !run->dry_run)
		rc = fallback_replace(s, j, image, actor, &out->same, err);
	spool_free(image);
	arena_free(c.a);
	free(c.list);
	return rc;
}
