/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle on a medium: the bytes as they are; and, where they begin with '!', what a partner who means ill would
 * sign: a line "lane after upto mode" for each batch, mode p: the next lines up to a "." are packed and sealed, r: they are sealed as they
 * are, u: nothing is sealed. Places only move forward; what is refused has words. */
#include <zstd.h>

#include "exchange/bundle_private.h"
#include "exchange/taxii_private.h"

#include "partner_world.h"

enum { SOME = 1000 };

struct medium {
	str text;
};

static long read_some(void *ctx, void *to, size_t n)
{
	struct medium *m = ctx;
	n = n < m->text.n ? n : m->text.n;
	n = n < SOME ? n : SOME;
	memcpy(to, m->text.p, n);
	m->text = str_from(m->text, n);
	return (long)n;
}

static void add_signed(struct partner_world *w, struct buf *out, str line, const struct signed_head *h, str bytes)
{
	buf_add(out, line);
	buf_char(out, '\n');
	signature_make(w->secret, h, bytes, out);
	buf_char(out, '\n');
}

static str body_of(str *text, char mode, struct arena *a)
{
	const char *begin = text->p;
	size_t n = 0;
	while (text->n > 0) {
		str line = str_cut(text, '\n');
		if (str_eq(line, STR(".")))
			break;
		n = (size_t)(line.p + line.n - begin);
	}
	str plain = str_mem(begin, n);
	if (mode != 'p')
		return plain;
	size_t most = ZSTD_compressBound(n);
	char *to = arena_alloc(a, most + 1);
	return str_mem(to, ZSTD_compress(to, most, plain.p, plain.n, 1));
}

static void add_batch(struct partner_world *w, struct buf *out, str line, str *text, const struct own_keys *own, struct arena *a)
{
	unsigned char key[crypto_box_PUBLICKEYBYTES];
	enum lane lane = LANE_BULK;
	int64_t after = 0, upto = 0;
	(void)lane_of_name(str_cut(&line, ' '), &lane);
	(void)str_to_i64(str_cut(&line, ' '), &after);
	(void)str_to_i64(str_cut(&line, ' '), &upto);
	char mode = line.n ? line.p[0] : 'p';
	str body = body_of(text, mode, a);
	size_t n = body.n + (mode == 'u' ? 0 : crypto_box_SEALBYTES);
	unsigned char *box = arena_alloc(a, n + 1);
	if (mode == 'u')
		memcpy(box, body.p, body.n);
	else
		MUST(crypto_sign_ed25519_pk_to_curve25519(key, own->now.who.sign) == 0 &&
		     crypto_box_seal(box, (const unsigned char *)body.p, body.n, key) == 0);
	str sealed = str_mem(box, n);
	const struct signed_head h = bundle_head(STR(PARTNER_NODE_ID), store_node_id(w->team.w.s), "bundle", lane, after, upto);
	add_signed(w, out, arena_fmt(a, "{\"lane\":\"%s\",\"after\":%lld,\"upto\":%lld,\"objects\":1,\"bytes\":%zu}", lane_name(lane),
				     (long long)after, (long long)upto, n), &h, sealed);
	buf_add(out, sealed);
}

static void made(struct partner_world *w, str text, struct buf *out, struct arena *a)
{
	struct own_keys own;
	struct reader *r;
	MUST(store_read_begin(w->team.w.s, &r, NULL) == RC_OK && keys_own(reader_conn(r), a, &own, NULL) == RC_OK);
	store_read_end(r);
	buf_add(out, STR(BUNDLE_BEGIN));
	str receipt = str_cut(&text, '\n');
	str head = arena_fmt(a, "{\"from\":\"" PARTNER_NODE_ID "\",\"to\":\"" STR_FMT "\",\"made_us\":1,\"receipt\":" STR_FMT "}",
			     STR_ARG(store_node_id(w->team.w.s)), STR_ARG(receipt));
	const struct signed_head h = bundle_head(STR(PARTNER_NODE_ID), store_node_id(w->team.w.s), "bundle", LANE_BULK, 0, 0);
	add_signed(w, out, head, &h, head);
	while (text.n > 0) {
		str line = str_cut(&text, '\n');
		add_batch(w, out, line, &text, &own, a);
	}
	buf_add(out, STR("end\n"));
	keys_wipe(&own);
}

static void places(struct partner_world *w, int64_t in[LANE_COUNT], int64_t out[LANE_COUNT])
{
	struct reader *r;
	MUST(store_read_begin(w->team.w.s, &r, NULL) == RC_OK);
	for (int lane = 0; lane < LANE_COUNT; lane++)
		MUST(take_upto(reader_conn(r), w->from.id, (enum lane)lane, &in[lane], NULL) == RC_OK &&
		     line_cursor(reader_conn(r), w->from.id, (enum lane)lane, &out[lane], NULL) == RC_OK);
	store_read_end(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct partner_world *w = partner_world();
	struct arena *a = arena_new(KIB(16));
	struct buf text = BUF_INIT(MIB(4));
	struct medium m = { str_mem(data, size) };
	struct bundle_sum sum;
	int64_t in[2][LANE_COUNT], out[2][LANE_COUNT];
	err.text[0] = 0;
	if (size && data[0] == '!') {
		made(w, str_from(m.text, 1), &text, a);
		m.text = buf_str(&text);
	}
	places(w, in[0], out[0]);
	enum rc rc = bundle_take(&w->team.x, read_some, &m, a, &sum, &err);
	places(w, in[1], out[1]);
	MUST(rc == RC_OK || err.text[0]);
	for (int lane = 0; lane < LANE_COUNT; lane++)
		MUST(in[1][lane] >= in[0][lane] && out[1][lane] == 0); /* nothing was offered: nobody has anything of us */
	buf_free(&text);
	arena_free(a);
	return 0;
}
