/* SPDX-License-Identifier: Apache-2.0 */
/* What was looked up one by one: rows, and at each load an image a source. */
#include "base/clock.h"
#include "route/fallback_private.h"

enum { SAID_NOTHING = -1 };
/* An answer that should have been asked for again is still better than none, for so long. */
#define STALE_US (180 * DAY_US)

static enum rc add_row(struct conn *c, str source, str subject, const struct fallback_entry *e,
		       int64_t until_us, struct err *err)
{
	static const struct fallback_entry nothing = { .domain = STR_INIT(""), .email = STR_INIT(""),
						       .name = STR_INIT("") };
	const struct fallback_entry *of = e ? e : &nothing;
	struct sql *q = sql(c, "INSERT INTO fallback_look (source, subject, kind, first, last, asn_first, asn_last,"
			       " domain, email, name, country, trust, seen_day, until_us)"
			       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");
	sql_str(q, 1, source);
	sql_str(q, 2, subject);
	sql_int(q, 3, e ? (int64_t)e->kind : SAID_NOTHING);
	sql_blob(q, 4, str_mem(of->first.b, 16));
	sql_blob(q, 5, str_mem(of->last.b, 16));
	sql_int(q, 6, of->asn_first);
	sql_int(q, 7, of->asn_last);
	sql_str(q, 8, of->domain.p ? of->domain : STR(""));
	sql_str(q, 9, of->email.p ? of->email : STR(""));
	sql_str(q, 10, of->name.p ? of->name : STR(""));
	sql_str(q, 11, str_of(of->country));
	sql_int(q, 12, of->trust);
	sql_int(q, 13, of->seen_day);
	sql_int(q, 14, until_us);
	return sql_run(q, err);
}

enum rc fallback_note(struct tx *tx, str source, str subject, const struct fallback_entry *list,
		      size_t count, int64_t until_us, struct err *err)
{
	struct conn *c = tx_conn(tx);
	if (source.n == 0 || source.n > FALLBACK_SOURCE_MAX || !str_is_plain(source) ||
	    !str_is_plain(subject))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no name for a source", STR_ARG(str_head(source, 80)));
	struct sql *q = sql(c, "DELETE FROM fallback_look WHERE source = ?1 AND subject = ?2");
	sql_str(q, 1, source);
	sql_str(q, 2, subject);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK) { /* nobody is told of these any more */
		q = sql(c, "DELETE FROM fallback_look WHERE until_us < ?");
		sql_int(q, 1, tx_now_us(tx) - STALE_US);
		rc = sql_run(q, err);
	}
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = add_row(c, source, subject, &list[i], until_us, err);
	if (rc == RC_OK && count == 0)
		rc = add_row(c, source, subject, NULL, until_us, err);
	return rc;
}

enum rc fallback_noted(struct conn *c, str source, str subject, int64_t now_us, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM fallback_look WHERE source = ?1 AND subject = ?2 AND until_us > ?3");
	sql_str(q, 1, source);
	sql_str(q, 2, subject);
	sql_int(q, 3, now_us);
	*out = sql_row(q);
	return sql_end(q, err);
}

struct packing {
	struct fallback_builder *b;
	char source[FALLBACK_SOURCE_MAX + 1];
};

static enum rc pack_end(struct packing *p, enum rc (*each)(void *, struct buf *, struct err *), void *ctx,
			struct err *err)
{
	struct buf image = BUF_INIT(FALLBACK_IMAGE_MAX);
	struct fallback_counts counts;
	if (!p->b)
		return RC_OK;
	enum rc rc = fallback_build(p->b, str_of(p->source), &image, &counts, err);
	if (rc == RC_OK)
		rc = each(ctx, &image, err);
	buf_free(&image);
	fallback_builder_free(p->b);
	p->b = NULL;
	return rc;
}

static void entry_of_row(struct sql *q, struct fallback_entry *e)
{
	str first = sql_col_blob(q, 2), last = sql_col_blob(q, 3), cc = sql_col_str(q, 9);
	*e = (struct fallback_entry){ .kind = (enum fallback_kind)sql_col_int(q, 1),
				      .asn_first = (uint32_t)sql_col_int(q, 4), .asn_last = (uint32_t)sql_col_int(q, 5),
				      .domain = sql_col_str(q, 6), .email = sql_col_str(q, 7),
				      .name = sql_col_str(q, 8), .trust = (uint8_t)sql_col_int(q, 10),
				      .seen_day = (int32_t)sql_col_int(q, 11) };
	if (first.n == 16 && last.n == 16) {
		memcpy(e->first.b, first.p, 16);
		memcpy(e->last.b, last.p, 16);
	}
	if (cc.n == 2)
		memcpy(e->country, cc.p, 2);
}

enum rc fallback_live(struct conn *c, enum rc (*each)(void *ctx, struct buf *image, struct err *err),
		      void *ctx, struct err *err)
{
	struct packing p = { .b = NULL };
	enum rc rc = RC_OK;
	struct sql *q = sql(c, "SELECT source, kind, first, last, asn_first, asn_last, domain, email, name, country,"
			       " trust, seen_day FROM fallback_look WHERE kind >= 0 AND until_us > ?"
			       " ORDER BY source, id");
	sql_int(q, 1, clock_now_us() - STALE_US);
	while (rc == RC_OK && sql_row(q)) {
		str source = sql_col_str(q, 0);
		struct fallback_entry e;
		if (p.b && !str_eq(source, str_of(p.source)))
			rc = pack_end(&p, each, ctx, err);
		if (rc == RC_OK && !p.b) {
			p.b = fallback_builder_new(NULL, 0);
			(void)str_to_z(source, p.source, sizeof(p.source));
		}
		entry_of_row(q, &e);
		if (rc == RC_OK && fallback_add(p.b, &e, NULL) == RC_LIMIT)
			break;
	}
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	if (rc == RC_OK)
		rc = end;
	if (rc == RC_OK)
		rc = pack_end(&p, each, ctx, err);
	fallback_builder_free(p.b);
	return rc;
}
