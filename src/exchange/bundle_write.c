/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>
#include <zstd.h>

#include "disclosure/told_partner.h"
#include "exchange/bundle_private.h"

struct writing {
	struct exchange *x;
	const struct partner *p;
	struct reader *r;
	struct arena *a;
	struct own_keys own;
	struct identity to;
	str to_node;
	bundle_give give;
	void *ctx;
	struct bundle_sum *sum;
	struct buf plain, sealed;
	size_t objects;
};

struct signed_head bundle_head(str from, str to, const char *what, enum lane lane, int64_t after_us, int64_t upto_us)
{
	return (struct signed_head){ .from = from, .to = to, .what = str_of(what), .lane = str_of(lane_name(lane)),
				     .after_us = after_us, .upto_us = upto_us };
}

static enum rc give_line(struct writing *w, str line, const struct signed_head *h, str bytes, struct err *err)
{
	struct buf text = BUF_INIT(2 * BUNDLE_LINE_MAX);
	buf_add(&text, line);
	buf_char(&text, '\n');
	signature_make(w->own.now.secret, h, bytes, &text);
	buf_char(&text, '\n');
	enum rc rc = w->give(w->ctx, buf_str(&text), err);
	w->sum->bytes += text.n;
	buf_free(&text);
	return rc;
}

static enum rc write_head(struct writing *w, struct err *err)
{
	struct buf line = BUF_INIT(BUNDLE_LINE_MAX);
	struct json_out j = json_out(&line);
	enum rc rc = w->give(w->ctx, STR(BUNDLE_BEGIN), err);
	json_open(&j, '{');
	json_put_str(&j, "from", store_node_id(w->x->w.store));
	json_put_str(&j, "to", w->to_node);
	json_put_i64(&j, "made_us", clock_now_us());
	json_key(&j, STR("receipt"));
	json_open(&j, '{');
	for (int lane = 0; rc == RC_OK && lane < LANE_COUNT; lane++) {
		int64_t at = 0;
		rc = take_upto(reader_conn(w->r), w->p->id, (enum lane)lane, &at, err);
		json_put_i64(&j, lane_name((enum lane)lane), at);
	}
	json_close(&j, '}');
	json_close(&j, '}');
	const struct signed_head h = bundle_head(store_node_id(w->x->w.store), w->to_node, "bundle", LANE_BULK, 0, 0);
	if (rc == RC_OK)
		rc = give_line(w, buf_str(&line), &h, buf_str(&line), err);
	buf_free(&line);
	return rc;
}

static bool add_object(void *ctx, const struct page_object *o)
{
	struct writing *w = ctx;
	if (w->objects)
		buf_char(&w->plain, ',');
	buf_add(&w->plain, o->json);
	w->objects++;
	return true;
}

static enum rc seal(struct writing *w, struct err *err)
{
	unsigned char key[crypto_box_PUBLICKEYBYTES];
	size_t most = ZSTD_compressBound(w->plain.n);
	struct buf packed = BUF_INIT(most + 1);
	char *to = buf_room(&packed, most);
	size_t n = to ? ZSTD_compress(to, most, w->plain.p, w->plain.n, 3) : 0;
	if (!to || ZSTD_isError(n) || crypto_sign_ed25519_pk_to_curve25519(key, w->to.sign) != 0) {
		buf_free(&packed);
		return fail(err, RC_IO, "a batch could not be sealed to '" STR_FMT "'", STR_ARG(w->p->name));
	}
	w->sealed = (struct buf)BUF_INIT(n + crypto_box_SEALBYTES + 1);
	char *box = buf_room(&w->sealed, n + crypto_box_SEALBYTES);
	if (box)
		crypto_box_seal((unsigned char *)box, (const unsigned char *)to, n, key);
	w->sealed.n = box ? n + crypto_box_SEALBYTES : 0;
	buf_free(&packed);
	return RC_OK;
}

static enum rc give_batch(struct writing *w, enum lane lane, int64_t after_us, int64_t upto_us, struct err *err)
{
	struct buf line = BUF_INIT(BUNDLE_LINE_MAX);
	struct json_out j = json_out(&line);
	enum rc rc = seal(w, err);
	json_open(&j, '{');
	json_put_str(&j, "lane", str_of(lane_name(lane)));
	json_put_i64(&j, "after", after_us);
	json_put_i64(&j, "upto", upto_us);
	json_put_i64(&j, "objects", (int64_t)w->objects);
	json_put_i64(&j, "bytes", (int64_t)w->sealed.n);
	json_close(&j, '}');
	const struct signed_head h = bundle_head(store_node_id(w->x->w.store), w->to_node, "bundle", lane, after_us, upto_us);
	if (rc == RC_OK)
		rc = give_line(w, buf_str(&line), &h, buf_str(&w->sealed), err);
	if (rc == RC_OK)
		rc = w->give(w->ctx, buf_str(&w->sealed), err);
	w->sum->batches++;
	w->sum->objects += w->objects;
	w->sum->bytes += w->sealed.n;
	buf_free(&w->sealed);
	buf_free(&line);
	return rc;
}

static enum rc write_lane(struct writing *w, const struct collection *c, const struct told_to *to, enum lane lane,
			  struct err *err)
{
	int64_t after = 0, from;
	enum rc rc = line_cursor(reader_conn(w->r), w->p->id, lane, &after, err);
	struct page_end end = { .more = true };
	for (from = after; rc == RC_OK && end.more;) {
		const struct page_query q = { .after_us = from, .limit = COLLECTION_PAGE_MOST, .lane = (int)lane,
					      .carriers = true, .bytes = BUNDLE_PLAIN };
		w->objects = 0;
		buf_reset(&w->plain);
		buf_add(&w->plain, STR("{\"objects\":["));
		rc = collection_page(w->x, w->r, c, to, &q, add_object, w, &end, err);
		buf_add(&w->plain, STR("]}"));
		if (rc == RC_OK && w->plain.over)
			rc = fail(err, RC_LIMIT, "one batch is over %d MiB", BUNDLE_PART_MAX >> 20);
		if (rc == RC_OK && w->objects) {
			rc = give_batch(w, lane, after, end.upto_us, err);
			after = end.upto_us;
		}
		if (rc == RC_OK && end.more && end.upto_us <= from)
			rc = fail(err, RC_IO, "what is offered does not come to an end");
		from = end.upto_us;
	}
	return rc;
}

static enum rc write_all(struct writing *w, struct err *err)
{
	struct collection c;
	struct told_to to;
	enum rc rc = write_head(w, err);
	if (rc != RC_OK)
		return rc;
	rc = collection_of_partner(reader_conn(w->r), COLLECTION_OUT, w->p->id, w->a, &c, err);
	bool any = rc == RC_OK;
	if (any)
		rc = told_partner(w->r, w->x->w.policies, w->p->organisation, partner_feed(w->p, w->a), w->p->exercise, &to, err);
	for (int lane = 0; any && rc == RC_OK && lane < LANE_COUNT; lane++)
		rc = write_lane(w, &c, &to, (enum lane)lane, err);
	rc = rc == RC_ABSENT && !any ? RC_OK : rc;
	return rc == RC_OK ? w->give(w->ctx, STR("end\n"), err) : rc;
}

static enum rc key_of(struct writing *w, struct err *err)
{
	struct partner_key *list;
	size_t count = 0;
	int64_t now = clock_now_us();
	enum rc rc = partner_keys(reader_conn(w->r), w->p->id, w->a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (list[i].state == KEY_GOOD && (list[i].until_us == 0 || list[i].until_us > now)) {
			w->to = list[i].who;
			return RC_OK;
		}
	return rc == RC_OK ? fail(err, RC_ABSENT, "'" STR_FMT "' has no key that is good", STR_ARG(w->p->name)) : rc;
}

enum rc bundle_write(struct exchange *x, const struct partner *p, bundle_give give, void *ctx, struct bundle_sum *out,
		     struct err *err)
{
	struct writing w = { .x = x, .p = p, .a = arena_new(KIB(32)), .give = give, .ctx = ctx, .sum = out,
			     .plain = BUF_INIT(BUNDLE_PART_MAX) };
	struct buf node = BUF_INIT(64);
	*out = (struct bundle_sum){ .partner = p->name };
	uuid_format(&node, &p->node);
	w.to_node = buf_str(&node);
	enum rc rc = p->active ? store_read_begin(x->w.store, &w.r, err) :
				 fail(err, RC_DENIED, "partner '" STR_FMT "' is not active", STR_ARG(p->name));
	if (rc == RC_OK) {
		rc = keys_own(reader_conn(w.r), w.a, &w.own, err);
		if (rc == RC_OK)
			rc = key_of(&w, err);
		if (rc == RC_OK)
			rc = write_all(&w, err);
		store_read_end(w.r);
	}
	keys_wipe(&w.own);
	buf_free(&node);
	buf_free(&w.plain);
	arena_free(w.a);
	return rc;
}
