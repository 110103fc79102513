/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/indicators.h"

#include "base/ip.h"
#include "event/normalise.h"

/* --- of a body --- */

struct found {
	struct arena *a;
	struct indicator *list;
	size_t n, room;
};

static void add(struct found *f, struct indicator i)
{
	for (size_t k = 0; k < f->n; k++)
		if (f->list[k].kind == i.kind && str_eq(f->list[k].text, i.text)) {
			f->list[k].from_url = f->list[k].from_url && i.from_url;
			return;
		}
	if (f->n == INDICATORS_MOST)
		return;
	if (f->n == f->room) {
		struct indicator *more = ARENA_ARRAY(f->a, f->room ? 2 * f->room : 16, struct indicator);
		if (f->n)
			memcpy(more, f->list, f->n * sizeof(*more));
		f->list = more;
		f->room = f->room ? 2 * f->room : 16;
	}
	i.text = arena_str(f->a, i.text);
	f->list[f->n++] = i;
}

static void add_net(struct found *f, str text, bool from_url)
{
	struct indicator i = { .kind = INDICATOR_NET, .text = text, .from_url = from_url };
	char canonical[56];

	if (!net_parse(text, false, &i.net))
		return;
	if (i.net.bits == 128) {
		char one[48];
		i.text = ip_str(one, &i.net.ip);
		add(f, i);
		return;
	}
	i.text = net_str(canonical, &i.net);
	add(f, i);
}

static void add_url(struct found *f, str text)
{
	struct ip ip;
	str host;

	add(f, (struct indicator){ .kind = INDICATOR_URL, .text = text });
	if (!url_host(text, &host) || !host.n)
		return;
	if (ip_parse(host, &ip))
		add_net(f, host, true);
	else
		add(f, (struct indicator){ .kind = INDICATOR_DOMAIN, .text = host, .from_url = true });
}

static void add_value(struct found *f, const struct type_field *column, struct json_object *value)
{
	str text = json_text(value);

	if (!text.n)
		return;
	if (column->kind == KIND_ADDRESS || column->kind == KIND_NETWORK)
		add_net(f, text, false);
	else if (column->kind == KIND_DOMAIN)
		add(f, (struct indicator){ .kind = INDICATOR_DOMAIN, .text = text });
	else if (column->kind == KIND_URL)
		add_url(f, text);
	else if (column->kind == KIND_HASH)
		add(f, (struct indicator){ .kind = INDICATOR_DIGEST, .text = text });
}

size_t indicators_of(const struct type_field *f, struct json_object *body, struct arena *a,
		     struct indicator **out)
{
	struct found found = { .a = a };
	struct json_object *rows = f && f->kind == KIND_ROWS ? json_get(body, f->name) : NULL;

	for (size_t i = 0; i < json_count(rows); i++)
		for (size_t c = 0; c < f->row_count; c++)
			add_value(&found, &f->rows[c], json_get(json_at(rows, i), f->rows[c].name));
	*out = found.list;
	return found.n;
}

/* --- the table --- */

/* Networks sort so that what one holds stands together; all else by its text. */
static str key_of(const struct indicator *i, char net[17])
{
	if (i->kind != INDICATOR_NET)
		return i->text;
	memcpy(net, i->net.ip.b, 16);
	net[16] = (char)i->net.bits;
	return str_mem(net, 17);
}

static enum rc forget(struct tx *tx, const struct uuid *id, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM indicator WHERE record = ?");

	sql_blob(q, 1, str_mem(id->b, sizeof(id->b)));
	return sql_run(q, err);
}

static enum rc remember(struct tx *tx, const struct record *r, const struct indicator *i, struct err *err)
{
	char net[17];
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO indicator (kind, value, record, type, text)"
					 " VALUES (?, ?, ?, ?, ?)");

	sql_int(q, 1, i->kind);
	sql_blob(q, 2, key_of(i, net));
	sql_blob(q, 3, str_mem(r->id.b, sizeof(r->id.b)));
	sql_str(q, 4, r->type_name);
	sql_str(q, 5, i->text);
	return sql_run(q, err);
}

static const struct type_field *field_of(const struct record *r)
{
	const struct meaning *m = r->type ? type_meaning(r->type, STR("case.indicators")) : NULL;

	return m && m->field && m->field->share < SHARE_NAMED ? m->field : NULL;
}

/* The text of the field: a version that leaves it as it was costs nothing. */
static str part_of(const struct record *r, const struct type_field *f, struct json_object **body,
		   struct arena *a)
{
	struct buf text = BUF_INIT(RECORD_BODY_MAX);
	struct json_out j = json_out(&text);

	*body = NULL;
	if (!r || !r->body.n || json_read(r->body, body, NULL) != RC_OK)
		return STR("");
	struct json_object *rows = json_get(*body, f->name);
	json_open(&j, '[');
	for (size_t i = 0; i < json_count(rows); i++) {
		json_open(&j, '{');
		json_put_members(&j, json_at(rows, i), NULL);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	str out = arena_str(a, buf_str(&text));
	buf_free(&text);
	return out;
}

enum rc indicators_follow(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			  const struct record *now, struct err *err)
{
	const struct type_field *f = field_of(now);
	struct json_object *was = NULL, *is = NULL;
	struct indicator *list = NULL;
	enum rc rc = RC_OK;
	(void)r;
	(void)ctx;

	if (!f)
		return RC_OK;
	struct arena *a = arena_new(KIB(8));
	str a_was = part_of(before, f, &was, a), a_is = part_of(now, f, &is, a);
	if (before && !now->erased && str_eq(a_was, a_is))
		goto out;
	if (before)
		rc = forget(tx, &now->id, err);
	size_t n = rc == RC_OK && is ? indicators_of(f, is, a, &list) : 0;
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = remember(tx, now, &list[i], err);
out:
	json_free(was);
	json_free(is);
	arena_free(a);
	return rc;
}

/* --- looking up --- */

struct asking {
	struct conn *c;
	size_t left;
	indicator_each each;
	void *ctx;
};

static enum rc give(struct asking *k, struct sql *q, struct err *err)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES);

	while (k->left > 0 && sql_row(q)) {
		str blob = sql_col_blob(q, 0);
		struct uuid uuid;
		if (blob.n != sizeof(uuid.b))
			continue;
		memcpy(uuid.b, blob.p, sizeof(uuid.b));
		buf_reset(&id);
		record_id_format(&id, sql_col_str(q, 1), &uuid);
		k->left = k->each(k->ctx, buf_str(&id), sql_col_str(q, 2)) ? k->left - 1 : 0;
	}
	buf_free(&id);
	return sql_end(q, err);
}

static enum rc same(struct asking *k, enum indicator_kind kind, str key, struct err *err)
{
	struct sql *q = sql(k->c, "SELECT record, type, text FROM indicator WHERE kind = ? AND value = ? LIMIT ?");

	sql_int(q, 1, kind);
	sql_blob(q, 2, key);
	sql_int(q, 3, (int64_t)k->left);
	return give(k, q, err);
}

/* What begins within the network: it is in it, or (from the same address on) around it. */
static enum rc within(struct asking *k, const struct net *net, struct err *err)
{
	char first[17], last[17];
	struct ip end = net_last(net);
	struct sql *q = sql(k->c, "SELECT record, type, text FROM indicator WHERE kind = ? AND value BETWEEN ? AND ?"
				  " LIMIT ?");

	memcpy(first, net->ip.b, 16);
	first[16] = 0;
	memcpy(last, end.b, 16);
	last[16] = (char)0xff;
	sql_int(q, 1, INDICATOR_NET);
	sql_blob(q, 2, str_mem(first, 17));
	sql_blob(q, 3, str_mem(last, 17));
	sql_int(q, 4, (int64_t)k->left);
	return give(k, q, err);
}

/* Networks that hold it and begin elsewhere; wider ones than a /8 (IPv6 /16) tell nothing. */
static enum rc around(struct asking *k, const struct net *net, struct err *err)
{
	unsigned widest = ip_is4(&net->ip) ? 96 + 8 : 16;
	enum rc rc = RC_OK;

	for (unsigned bits = net->bits; rc == RC_OK && k->left > 0 && bits-- > widest;) {
		struct indicator wide = { .kind = INDICATOR_NET, .net = { net->ip, (uint8_t)bits } };
		char key[17];
		ip_mask(&wide.net.ip, (uint8_t)bits);
		if (memcmp(wide.net.ip.b, net->ip.b, 16) != 0) /* else within() had it */
			rc = same(k, INDICATOR_NET, key_of(&wide, key), err);
	}
	return rc;
}

enum rc indicators_like(struct conn *c, const struct indicator *i, size_t most, indicator_each each,
			void *ctx, struct err *err)
{
	struct asking k = { c, most, each, ctx };

	if (i->kind != INDICATOR_NET)
		return same(&k, i->kind, i->text, err);
	enum rc rc = within(&k, &i->net, err);
	return rc == RC_OK ? around(&k, &i->net, err) : rc;
}
