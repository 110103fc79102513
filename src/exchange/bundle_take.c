/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>
#include <zstd.h>

#include "exchange/bundle_private.h"

struct taking {
	struct exchange *x;
	bundle_read read;
	void *ctx;
	struct arena *a;           /* of the whole; `b` of a batch */
	struct arena *b;
	struct partner from;
	struct partner_key *keys;
	size_t key_count;
	str from_node;
	struct bundle_sum *sum;
	char ahead[BUNDLE_LINE_MAX];
	size_t at, have;
};

/* --- bytes --- */

static enum rc cut_off(struct err *err)
{
	return fail(err, RC_INPUT, "the bundle is cut off or damaged: what stood before was taken; ask for it again");
}

static enum rc get(struct taking *t, char *to, size_t n, struct err *err)
{
	while (n > 0) {
		if (t->at == t->have) {
			long got = t->read(t->ctx, t->ahead, sizeof t->ahead);
			if (got <= 0)
				return cut_off(err);
			t->at = 0;
			t->have = (size_t)got;
		}
		size_t some = t->have - t->at < n ? t->have - t->at : n;
		memcpy(to, t->ahead + t->at, some);
		t->at += some;
		to += some;
		n -= some;
		t->sum->bytes += some;
	}
	return RC_OK;
}

static enum rc get_line(struct taking *t, struct arena *a, str *out, struct err *err)
{
	char line[BUNDLE_LINE_MAX];
	size_t n = 0;
	for (;;) {
		enum rc rc = get(t, &line[n], 1, err);
		if (rc != RC_OK)
			return rc;
		if (line[n] == '\n')
			break;
		if (++n == sizeof line)
			return cut_off(err);
	}
	*out = arena_str(a, str_mem(line, n));
	return RC_OK;
}

/* --- who it is from --- */

struct node_look {
	str node;
	struct partner *out;
	bool found;
};

static bool is_node(void *ctx, const struct partner *p)
{
	struct node_look *l = ctx;
	struct buf text = BUF_INIT(64);
	uuid_format(&text, &p->node);
	l->found = p->kind == PARTNER_NODE && str_eq(buf_str(&text), l->node);
	if (l->found)
		*l->out = *p;
	buf_free(&text);
	return !l->found;
}

static enum rc find_sender(struct taking *t, struct err *err)
{
	struct node_look l = { .node = t->from_node, .out = &t->from };
	struct reader *r = NULL;
	enum rc rc = store_read_begin(t->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = partners_list(t->x, reader_conn(r), true, t->a, is_node, &l, err);
	if (rc == RC_OK && !l.found)
		rc = fail(err, RC_DENIED, "the bundle is from a node that is no active partner");
	if (rc == RC_OK)
		rc = partner_keys(reader_conn(r), t->from.id, t->a, &t->keys, &t->key_count, err);
	store_read_end(r);
	return rc;
}

static bool is_good(struct taking *t, const struct signed_head *h, str bytes, str signature)
{
	int64_t now = clock_now_us();
	for (size_t i = 0; i < t->key_count; i++)
		if (t->keys[i].state == KEY_GOOD && (t->keys[i].until_us == 0 || t->keys[i].until_us > now) &&
		    signature_good(t->keys[i].who.sign, h, bytes, signature))
			return true;
	return false;
}

/* --- receipts in its head --- */

struct receipts {
	struct exchange *x;
	struct uuid partner;
	int64_t upto_us[LANE_COUNT];
};

/* Only forward: a bundle that comes late says what was. Not beyond what was offered: nobody has that, and it would keep all that comes
 * later from him. */
static enum rc receipts_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct receipts *k = ctx;
	struct arena *a = arena_new(KIB(4));
	struct collection col;
	enum rc rc = collection_of_partner(tx_conn(tx), COLLECTION_OUT, k->partner, a, &col, err);
	if (rc == RC_ABSENT) { /* nothing was offered yet */
		col.last_us = 0;
		rc = RC_OK;
	}
	arena_free(a);
	for (int lane = 0; rc == RC_OK && lane < LANE_COUNT; lane++) {
		int64_t upto = k->upto_us[lane] < col.last_us ? k->upto_us[lane] : col.last_us;
		struct sent_batch b = { .partner = k->partner, .lane = (enum lane)lane, .upto_us = upto,
					.id = STR("by bundle"), .words = STR("") };
		rc = line_cursor(tx_conn(tx), k->partner, b.lane, &b.after_us, err);
		if (rc == RC_OK && b.upto_us > b.after_us)
			rc = line_sent(tx, &b, err);
	}
	return rc;
}

static enum rc take_head(struct taking *t, struct err *err)
{
	struct json_object *o = NULL;
	str line, signature;
	char begin[sizeof BUNDLE_BEGIN - 1];
	enum rc rc = get(t, begin, sizeof begin, err);
	if (rc != RC_OK || memcmp(begin, BUNDLE_BEGIN, sizeof begin) != 0)
		return fail(err, RC_INPUT, "that is no bundle of a node");
	rc = get_line(t, t->a, &line, err);
	if (rc == RC_OK)
		rc = get_line(t, t->a, &signature, err);
	if (rc == RC_OK)
		rc = json_read(line, &o, err);
	if (rc != RC_OK)
		return rc;
	struct receipts k = { .x = t->x };
	str to = arena_str(t->a, json_get_str(o, "to"));
	t->from_node = arena_str(t->a, json_get_str(o, "from"));
	for (int lane = 0; lane < LANE_COUNT; lane++)
		(void)json_get_i64(json_get(o, "receipt"), lane_name((enum lane)lane), &k.upto_us[lane]);
	json_free(o);
	if (!str_eq(to, store_node_id(t->x->w.store)))
		return fail(err, RC_DENIED, "the bundle is for another node");
	rc = find_sender(t, err);
	const struct signed_head h = bundle_head(t->from_node, to, "bundle", LANE_BULK, 0, 0);
	if (rc == RC_OK && !is_good(t, &h, line, signature))
		rc = fail(err, RC_DENIED, "the bundle is not signed by a key of '" STR_FMT "' that is good", STR_ARG(t->from.name));
	k.partner = t->from.id;
	return rc == RC_OK ? store_write(t->x->w.store, receipts_job, &k, err) : rc;
}

/* --- a batch --- */

struct part {
	enum lane lane;
	int64_t after_us, upto_us, bytes, at_us;
	struct uuid partner;
	uint64_t objects;
};

static bool read_part(str line, struct part *p)
{
	struct json_object *o = NULL;
	int lane = 0;
	if (json_read(line, &o, NULL) != RC_OK)
		return false;
	while (lane < LANE_COUNT && !str_eq(json_get_str(o, "lane"), str_of(lane_name((enum lane)lane))))
		lane++;
	bool good = lane < LANE_COUNT && json_get_i64(o, "after", &p->after_us) && json_get_i64(o, "upto", &p->upto_us) &&
		    json_get_i64(o, "bytes", &p->bytes) && p->bytes > 0 && p->bytes <= BUNDLE_PART_MAX && p->after_us >= 0 &&
		    p->upto_us > p->after_us;
	p->lane = (enum lane)lane;
	json_free(o);
	return good;
}

static bool open_with(const unsigned char secret[64], const uint8_t sign[32], str sealed, unsigned char *out)
{
	unsigned char pk[crypto_box_PUBLICKEYBYTES], sk[crypto_box_SECRETKEYBYTES];
	bool good = crypto_sign_ed25519_pk_to_curve25519(pk, sign) == 0 &&
		    crypto_sign_ed25519_sk_to_curve25519(sk, secret) == 0 &&
		    crypto_box_seal_open(out, (const unsigned char *)sealed.p, sealed.n, pk, sk) == 0;
	explicit_bzero(sk, sizeof sk);
	return good;
}

static enum rc unseal(struct taking *t, str sealed, str *out, struct err *err)
{
	struct own_keys own = { .rotating = false };
	struct reader *r = NULL;
	if (sealed.n <= crypto_box_SEALBYTES)
		return cut_off(err);
	size_t n = sealed.n - crypto_box_SEALBYTES;
	unsigned char *packed = arena_alloc(t->b, n);
	enum rc rc = store_read_begin(t->x->w.store, &r, err);
	if (rc == RC_OK) {
		rc = keys_own(reader_conn(r), t->b, &own, err);
		store_read_end(r);
	}
	if (rc == RC_OK && !open_with(own.now.secret, own.now.who.sign, sealed, packed) &&
	    !(own.rotating && open_with(own.next.secret, own.next.who.sign, sealed, packed)))
		rc = fail(err, RC_DENIED, "the bundle is sealed to a key that is not ours any more: ask for it again");
	keys_wipe(&own);
	unsigned long long plain = rc == RC_OK ? ZSTD_getFrameContentSize(packed, n) : 0;
	if (rc == RC_OK && (plain == ZSTD_CONTENTSIZE_ERROR || plain == ZSTD_CONTENTSIZE_UNKNOWN || plain == 0 ||
			    plain > BUNDLE_PART_MAX))
		rc = cut_off(err);
	if (rc != RC_OK)
		return rc;
	char *text = arena_alloc(t->b, (size_t)plain + 1);
	size_t got = ZSTD_decompress(text, (size_t)plain, packed, n);
	*out = str_mem(text, (size_t)plain);
	return ZSTD_isError(got) || got != plain ? cut_off(err) : RC_OK;
}

static enum rc moved_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct part *p = ctx;
	enum rc rc = line_received(tx, p->partner, p->objects, (uint64_t)p->bytes, err);
	return rc == RC_OK ? take_moved(tx, p->partner, p->lane, p->at_us, p->upto_us, err) : rc;
}

static enum rc our_place(struct taking *t, struct part *p, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(t->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = take_upto(reader_conn(r), t->from.id, p->lane, &p->at_us, err);
	store_read_end(r);
	return rc;
}

static enum rc take_batch(struct taking *t, struct part *p, str sealed, struct err *err)
{
	struct taken taken;
	str plain;
	enum rc rc = our_place(t, p, err);
	if (rc == RC_OK && p->upto_us <= p->at_us) {
		t->sum->known++;
		return RC_OK;
	}
	if (rc == RC_OK && p->after_us > p->at_us)
		return fail(err, RC_CONFLICT, "a bundle before this one is missing: ask '" STR_FMT "' for another one, made now",
			    STR_ARG(t->from.name));
	if (rc == RC_OK)
		rc = unseal(t, sealed, &plain, err);
	str name = arena_fmt(t->b, "bundle-%s-%lld", lane_name(p->lane), (long long)p->upto_us);
	if (rc == RC_OK)
		rc = take_envelope(t->x, &t->from, plain, name, t->b, &taken, err);
	if (rc != RC_OK)
		return rc;
	p->partner = t->from.id;
	p->objects = taken.objects;
	t->sum->batches++;
	t->sum->objects += taken.objects;
	t->sum->failures += taken.failure_count;
	return store_write(t->x->w.store, moved_job, p, err);
}

static enum rc next_batch(struct taking *t, bool *end, struct err *err)
{
	struct part p = { .bytes = 0 };
	str line, signature;
	enum rc rc = get_line(t, t->b, &line, err);
	*end = rc == RC_OK && str_eq(line, STR("end"));
	if (rc != RC_OK || *end)
		return rc;
	rc = get_line(t, t->b, &signature, err);
	if (rc == RC_OK && !read_part(line, &p))
		rc = cut_off(err);
	if (rc != RC_OK)
		return rc;
	str sealed = { arena_alloc(t->b, (size_t)p.bytes), (size_t)p.bytes };
	rc = get(t, (char *)(uintptr_t)sealed.p, sealed.n, err);
	const struct signed_head h = bundle_head(t->from_node, store_node_id(t->x->w.store), "bundle", p.lane, p.after_us,
						 p.upto_us);
	if (rc == RC_OK && !is_good(t, &h, sealed, signature))
		rc = fail(err, RC_DENIED, "a part of the bundle is not signed by '" STR_FMT "', or was changed on the way",
			  STR_ARG(t->from.name));
	return rc == RC_OK ? take_batch(t, &p, sealed, err) : rc;
}

enum rc bundle_take(struct exchange *x, bundle_read read, void *ctx, struct arena *a, struct bundle_sum *out,
		    struct err *err)
{
	struct taking *t = ARENA_NEW(a, struct taking);
	bool end = false;
	*t = (struct taking){ .x = x, .read = read, .ctx = ctx, .a = a, .b = arena_new(KIB(64)), .sum = out };
	*out = (struct bundle_sum){ .partner = STR("") };
	enum rc rc = take_head(t, err);
	out->partner = t->from.name.p ? t->from.name : STR("");
	while (rc == RC_OK && !end) {
		arena_reset(t->b);
		rc = next_batch(t, &end, err);
	}
	arena_free(t->b);
	return rc;
}
