/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the directory's rows as the organisations' records say. */
#include "route/directory_records.h"

#include <stdlib.h>

#include "route/org_card.h"

static str uuid_bytes(const struct uuid *u)
{
	return str_mem(u->b, sizeof(u->b));
}

struct records *directory_engine(struct directory_records *d)
{
	return d->r;
}

/* 0: it has no row yet. */
static enum rc org_of_record(struct conn *c, const struct uuid *record, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM org WHERE record = ?");
	*out = 0;
	sql_blob(q, 1, uuid_bytes(record));
	if (sql_row(q))
		*out = sql_col_int(q, 0);
	return sql_end(q, err);
}

/* --- what changes --- */

struct stored_row {
	struct card_row row;
	int64_t id;
};
struct difference {
	const struct card_row **added;
	size_t added_count;
	int64_t *removed; /* ids */
	size_t removed_count;
};

static int stored_cmp(const void *a, const void *b)
{
	return card_row_cmp(&((const struct stored_row *)a)->row, &((const struct stored_row *)b)->row);
}

static enum rc stored_rows(struct conn *c, int64_t org, struct arena *a, struct stored_row **out,
			   size_t *count_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT count(*) FROM org_scope WHERE org = ?");
	size_t room = 0, n = 0;
	sql_int(q, 1, org);
	if (sql_row(q))
		room = (size_t)sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	*out = ARENA_ARRAY(a, room + 1, struct stored_row);
	*count_out = 0;
	if (rc != RC_OK)
		return rc;
	q = sql(c, "SELECT id, kind, value, role, shared_address, from_us, until_us FROM org_scope "
		   "WHERE org = ?");
	sql_int(q, 1, org);
	while (sql_row(q) && n < room) {
		struct stored_row *s = &(*out)[n];
		struct scope_row *r = &s->row.scope;
		*s = (struct stored_row){ .id = sql_col_int(q, 0) };
		*r = (struct scope_row){
			.org = org, .value = arena_str(a, sql_col_str(q, 2)),
			.role = (enum concern_role)sql_col_int(q, 3),
			.shared_address = sql_col_int(q, 4) != 0, .from_us = sql_col_int(q, 5),
			.until_us = sql_col_int(q, 6),
		};
		n += scope_kind_parse(sql_col_str(q, 1), &r->kind);
	}
	*count_out = n;
	if (n > 1)
		qsort(*out, n, sizeof(**out), stored_cmp);
	return sql_end(q, err);
}

/* Both are in order: one walk. What stays keeps its row. */
static enum rc differ(struct conn *c, int64_t org, const struct card *card, struct arena *a,
		      struct difference *out, struct err *err)
{
	struct stored_row *old;
	size_t n, i = 0, k = 0;
	enum rc rc = stored_rows(c, org, a, &old, &n, err);
	*out = (struct difference){ .added = ARENA_ARRAY(a, card->row_count + 1, const struct card_row *),
				    .removed = ARENA_ARRAY(a, n + 1, int64_t) };
	while (rc == RC_OK && (i < n || k < card->row_count)) {
		int order = i == n ? 1 : k == card->row_count ? -1 :
			    card_row_cmp(&old[i].row, &card->rows[k]);
		if (order < 0)
			out->removed[out->removed_count++] = old[i++].id;
		else if (order > 0)
			out->added[out->added_count++] = &card->rows[k++];
		else
			i++, k++;
	}
	return rc;
}

/* Who else holds this claim in this role at a time of its season? "" nobody. */
static enum rc rival(struct conn *c, int64_t org, const struct scope_row *r, char name[200],
		     struct err *err)
{
	struct sql *q = sql(c, "SELECT o.name, s.from_us, s.until_us FROM org_scope s JOIN org o "
			       "ON o.id = s.org WHERE s.kind = ? AND s.value = ? AND s.role = ? AND s.org <> ?");
	sql_str(q, 1, str_of(scope_kind_name(r->kind)));
	sql_str(q, 2, r->value);
	sql_int(q, 3, r->role);
	sql_int(q, 4, org);
	name[0] = 0;
	while (sql_row(q)) {
		int64_t from = sql_col_int(q, 1), until = sql_col_int(q, 2);
		if ((until && until <= r->from_us) || (r->until_us && r->until_us <= from))
			continue;
		snprintf(name, 200, STR_FMT, (int)(sql_col_str(q, 0).n > 150 ? 150 : sql_col_str(q, 0).n),
			 sql_col_str(q, 0).p);
		break;
	}
	return sql_end(q, err);
}

/* --- asked before it is written --- */

struct checking {
	const struct record *now;
	str language;
	struct body_error *errors;
	size_t most, count;
	struct err first;
};

static void say(void *ctx, const struct type_field *f, unsigned row, const char *words)
{
	struct checking *k = ctx;
	struct err e;
	fail(&e, RC_INPUT, "%s: row %u: %s", words_in(f->label, k->language), row, words);
	if (k->first.rc == RC_OK)
		k->first = e;
	if (k->count >= k->most)
		return;
	struct body_error *to = &k->errors[k->count++];
	*to = (struct body_error){ .field = f, .row = row };
	snprintf(to->text, sizeof(to->text), "%.*s", (int)sizeof(to->text) - 1, e.text);
}

static bool means_organisation(const struct record *now)
{
	return now->type && meant_field(now->type, "organisation.claims") &&
	       meant_field(now->type, "organisation.name");
}

static enum rc check_rivals(struct conn *c, struct checking *k, const struct card *card,
			    int64_t adopt, struct arena *a, struct err *err)
{
	const struct type_field *f = meant_field(k->now->type, "organisation.claims");
	struct difference d;
	int64_t org;
	enum rc rc = org_of_record(c, &k->now->id, &org, err);
	org = org ? org : adopt;
	if (rc == RC_OK)
		rc = differ(c, org, card, a, &d, err);
	for (size_t i = 0; rc == RC_OK && i < d.added_count; i++) {
		const struct scope_row *r = &d.added[i]->scope;
		char name[200], words[500];
		if (r->kind == SCOPE_COUNTRY)
			continue;
		rc = rival(c, org, r, name, err);
		if (rc != RC_OK || !name[0])
			continue;
		snprintf(words, sizeof(words), "%s '" STR_FMT "' is also claimed by '%s'",
			 scope_kind_name(r->kind), STR_ARG(r->value), name);
		say(k, f, d.added[i]->row, words);
	}
	return rc;
}

/* Nothing that routes has changed: most edits. */
static bool claims_equal(const struct record *before, const struct record *now)
{
	struct json_object *old = NULL, *new = NULL;
	bool same = false;
	if (!before || before->erased || before->state != now->state ||
	    before->labels.exercise != now->labels.exercise)
		return false;
	if (json_read(before->body, &old, NULL) == RC_OK && json_read(now->body, &new, NULL) == RC_OK)
		same = json_object_equal(meant_value(now->type, old, "organisation.claims"),
					 meant_value(now->type, new, "organisation.claims")) &&
		       json_object_equal(meant_value(now->type, old, "organisation.kind"),
					 meant_value(now->type, new, "organisation.kind"));
	json_free(old);
	json_free(new);
	return same;
}

static enum rc check(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		     const struct record *now, str language, struct body_error *errors, size_t most,
		     size_t *count_out, struct err *err)
{
	struct directory_records *d = ctx;
	struct checking k = { .now = now, .language = language, .errors = errors, .most = most };
	struct card card;
	(void)r;
	*count_out = 0;
	if (!means_organisation(now) || d->lenient || claims_equal(before, now))
		return RC_OK;
	struct arena *a = arena_new(KIB(16));
	enum rc rc = card_read(now, a, say, &k, &card, err);
	if (rc == RC_OK && !d->moving)
		rc = check_rivals(tx_conn(tx), &k, &card, d->adopt, a, err);
	arena_free(a);
	*count_out = k.count;
	if (rc == RC_OK && k.first.rc != RC_OK)
		rc = fail(err, RC_INPUT, "%s", k.first.text);
	return rc;
}

/* --- written --- */

/* When the last of its claims ends, if all do and another takes its place; 0 else. What is past
 * when it is written was meant so. */
static int64_t former_at(const struct card *card, int64_t now_us)
{
	int64_t last = 0;
	if (!card->succeeded || card->gone != ORG_ACTIVE)
		return 0;
	for (size_t i = 0; i < card->row_count; i++) {
		if (!card->rows[i].scope.until_us)
			return 0;
		last = card->rows[i].scope.until_us > last ? card->rows[i].scope.until_us : last;
	}
	return last > now_us ? last : 0;
}

static enum rc write_org(struct tx *tx, int64_t *org, const struct record *now, const struct card *card,
			 struct err *err)
{
	struct conn *c = tx_conn(tx);
	struct sql *q = *org ? sql(c, "UPDATE org SET name = ?, folded = ?, kind = ?, country = ?, "
				      "sector = ?, timezone = ?, changed_us = ?, gone = ?, record = ?, "
				      "former_us = ? WHERE id = ?") :
			       sql(c, "INSERT INTO org (name, folded, kind, country, sector, timezone, "
				      "changed_us, gone, record, former_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	const str texts[] = { card->name, card->folded, card->kind, card->country, card->sector,
			      card->timezone };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		sql_str(q, (int)i + 1, texts[i]);
	sql_int(q, 7, tx_now_us(tx));
	sql_int(q, 8, card->gone);
	sql_blob(q, 9, uuid_bytes(&now->id));
	sql_int(q, 10, former_at(card, tx_now_us(tx)));
	if (*org)
		sql_int(q, 11, *org);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && *org == 0)
		*org = sql_last_id(c);
	return rc;
}

static enum rc write_contacts(struct conn *c, int64_t org, const struct card *card, struct err *err)
{
	struct sql *q = sql(c, "DELETE FROM org_contact WHERE org = ?");
	sql_int(q, 1, org);
	enum rc rc = sql_run(q, err);
	for (size_t i = 0; rc == RC_OK && i < card->contact_count; i++) {
		const struct contact *o = &card->contacts[i];
		q = sql(c, "INSERT INTO org_contact (org, at, role, email, phone, name, channel, hours, "
			   "languages, place) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
		const str texts[] = { o->role, o->email, o->phone, o->name, o->channel, o->hours,
				      o->languages };
		sql_int(q, 1, org);
		sql_int(q, 2, (int64_t)i);
		for (size_t k = 0; k < COUNT_OF(texts); k++)
			sql_str(q, (int)k + 3, texts[k]);
		sql_int(q, 10, o->order);
		rc = sql_run(q, err);
	}
	return rc;
}

static enum rc add_claim(struct conn *c, int64_t org, const struct scope_row *r, struct err *err)
{
	struct sql *q = sql(c, "INSERT INTO org_scope (org, kind, value, role, shared_address, from_us, "
			       "until_us) VALUES (?, ?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, org);
	sql_str(q, 2, str_of(scope_kind_name(r->kind)));
	sql_str(q, 3, r->value);
	sql_int(q, 4, r->role);
	sql_int(q, 5, r->shared_address);
	sql_int(q, 6, r->from_us);
	sql_int(q, 7, r->until_us);
	return sql_run(q, err);
}

static enum rc write_claims(const struct directory_records *d, struct conn *c, int64_t org,
			    const struct card *card, struct arena *a, struct err *err)
{
	struct difference x;
	enum rc rc = differ(c, org, card, a, &x, err);
	for (size_t i = 0; rc == RC_OK && i < x.removed_count; i++) {
		struct sql *q = sql(c, "DELETE FROM org_scope WHERE id = ?");
		sql_int(q, 1, x.removed[i]);
		rc = sql_run(q, err);
	}
	for (size_t i = 0; rc == RC_OK && i < x.added_count; i++) {
		const struct scope_row *r = &x.added[i]->scope;
		char name[200] = "";
		if (d->lenient && r->kind != SCOPE_COUNTRY)
			rc = rival(c, org, r, name, err);
		if (rc == RC_OK && !name[0])
			rc = add_claim(c, org, r, err);
	}
	return rc;
}

static enum rc changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		       const struct record *now, struct err *err)
{
	struct directory_records *d = ctx;
	struct conn *c = tx_conn(tx);
	struct card card;
	int64_t org;
	(void)r;
	if (now->number == 0 || !means_organisation(now)) /* a copy of another node's routes nothing */
		return RC_OK;
	struct arena *a = arena_new(KIB(16));
	enum rc rc = org_of_record(c, &now->id, &org, err);
	if (org == 0)
		org = d->adopt;
	d->adopt = 0;
	if (rc == RC_OK)
		rc = card_read(now, a, NULL, NULL, &card, err);
	bool same = rc == RC_OK && org && claims_equal(before, now);
	if (rc == RC_OK)
		rc = write_org(tx, &org, now, &card, err);
	if (rc == RC_OK)
		rc = write_contacts(c, org, &card, err);
	if (rc == RC_OK && !same)
		rc = write_claims(d, c, org, &card, a, err);
	arena_free(a);
	d->touched = true;
	return rc;
}

enum rc directory_project(struct tx *tx, struct directory_records *d, const struct record *now,
			  struct err *err)
{
	return changed(tx, d->r, d, NULL, now, err);
}

/* One number for all that a commit changed. */
static enum rc raise_version(struct tx *tx, void *ctx, struct err *err)
{
	struct directory_records *d = ctx;
	if (!d->touched)
		return RC_OK;
	d->touched = false;
	return sql_run(sql(tx_conn(tx), "INSERT INTO cursor (name, seq) VALUES ('directory', 1) "
					"ON CONFLICT (name) DO UPDATE SET seq = seq + 1"), err);
}

enum rc directory_records_open(struct store *s, struct records *r, struct directory_records **out,
			       struct err *err)
{
	struct directory_records *d = x_alloc(sizeof(*d));
	(void)err;
	d->s = s;
	d->r = r;
	records_add_hook(r, &(struct record_hook){ .changed = changed, .check = check, .ctx = d });
	records_add_hook(r, &(struct record_hook){ .changed = claim_changed, .ctx = d });
	store_before_commit(s, raise_version, d);
	store_add_tend(s, former_tend, d);
	*out = d;
	return RC_OK;
}

void directory_records_close(struct directory_records *d)
{
	if (!d)
		return;
	store_no_before_commit(d->s, raise_version, d);
	free(d);
}

enum rc directory_put_as_system(struct tx *tx, void *ctx, const struct type *t, const struct uuid *id,
				str fields, struct arena *a, struct err *err)
{
	const struct directory_system *sys = ctx;
	struct record made;
	struct record_change c = { .type = t, .id = *id, .fields = fields, .to_state = -1,
				   .actor = sys->actor, .why = sys->why };
	return record_put(tx, sys->records, &c, a, &made, NULL, 0, NULL, err);
}
