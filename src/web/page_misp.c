/* SPDX-License-Identifier: Apache-2.0 */
/* Our events as a MISP feed: /misp-feed/manifest.json, hashes.csv and UUID.json. Readers ask with If-None-Match. */
#include "exchange/misp_feed.h"
#include "web/page.h"

enum { EVENT_BYTES = 64 << 20, MANIFEST_BYTES = 64 << 20 };

/* Who reads: a token or a person of ours as himself, anybody else as the public where the setting says so. */
static enum rc reader_of(struct page *p, struct viewer *v, struct err *err)
{
	struct exchange *x = p->w->n->exchange;
	bool token = right_includes(p->caller.viewer.right, RIGHT_READ);
	enum rc rc = x ? misp_feed_open_to(x, token, err) : fail(err, RC_ABSENT, "this node has no MISP feed");
	if (rc != RC_OK || !token)
		return rc == RC_OK ? misp_public(x, v, err) : rc;
	*v = p->caller.viewer;
	v->channel = CHANNEL_FEED; /* a machine takes it and gives it on */
	return RC_OK;
}

/* Strong: over the very bytes (RFC 9110 section 8.8.3). */
static str tag_of(struct page *p, str bytes)
{
	const struct digest d = sha256(bytes);
	struct buf hex = BUF_INIT(80);
	buf_char(&hex, '"');
	hex_format(&hex, d.b, 16);
	buf_char(&hex, '"');
	str tag = arena_str(p->a, buf_str(&hex));
	buf_free(&hex);
	return tag;
}

/* Answers with what was made; takes `b`. */
static enum rc give(struct page *p, struct buf *b, const char *type)
{
	str tag = tag_of(p, buf_str(b));
	p->template = NULL;
	answer_header(p->ans, "ETag", tag);
	answer_header(p->ans, "Cache-Control", STR("private, no-cache"));
	p->ans->type = type;
	if (http_has_tag(p->q, tag)) {
		p->ans->status = 304;
		buf_free(b);
		return RC_OK;
	}
	p->ans->status = 200;
	p->ans->body = *b;
	return RC_OK;
}

enum rc page_misp_manifest(struct page *p, struct err *err)
{
	struct buf b = BUF_INIT(MANIFEST_BYTES);
	struct viewer v;
	enum rc rc = reader_of(p, &v, err);
	if (rc == RC_OK)
		rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = misp_manifest(p->w->n->exchange, p->r, &v, &b, err);
	if (rc == RC_OK)
		return give(p, &b, "application/json");
	buf_free(&b);
	return rc;
}

enum rc page_misp_hashes(struct page *p, struct err *err)
{
	struct buf b = BUF_INIT(MISP_HASHES_BYTES);
	struct viewer v;
	enum rc rc = reader_of(p, &v, err);
	if (rc == RC_OK)
		rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = misp_hashes(p->w->n->exchange, p->r, &v, &b, err);
	if (rc == RC_OK)
		return give(p, &b, "text/csv; charset=utf-8");
	buf_free(&b);
	return rc;
}

enum rc page_misp_event(struct page *p, struct err *err)
{
	struct buf b = BUF_INIT(EVENT_BYTES);
	struct viewer v;
	enum rc rc = reader_of(p, &v, err);
	if (rc == RC_OK)
		rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = misp_released(p->w->n->exchange, p->r, &v, p->item, &b, err);
	if (rc == RC_OK)
		return give(p, &b, "application/json");
	buf_free(&b);
	return rc;
}
