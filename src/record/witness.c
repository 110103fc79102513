/* SPDX-License-Identifier: Apache-2.0 */
/* Heads that are kept elsewhere: reading them, and keeping those of others.
 * docs/journal.md has the lines of a witness file. */
#include "base/arena.h"
#include "base/json.h"
#include "record/journal_private.h"

enum { NODE_BYTES = 64, LINES_MAX = 1000000 };

bool head_parse(str text, struct kept_head *out)
{
	str hex = text, number = str_cut(&hex, ':');
	return str_to_u64(number, &out->number) && out->number && hex_parse(hex, out->hash.b, HASH);
}

/* --- a signed line --- */

struct testimony {
	str node;            /* whose head */
	struct kept_head head;
	int64_t at_us;
	str witness;         /* the node that signs */
};

static void testimony_bytes(const struct testimony *t, struct buf *b)
{
	buf_add(b, STR("ronda journal witness 1\n"));
	journal_put_text(b, t->node);
	buf_le64(b, t->head.number);
	buf_add_mem(b, t->head.hash.b, HASH);
	buf_le64(b, (uint64_t)t->at_us);
	journal_put_text(b, t->witness);
}

static bool is_node(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    s.p[i] != '-')
			return false;
	return s.n > 0 && s.n < NODE_BYTES;
}

/* "witness NODE NUMBER:HEX TIME WITNESS KEY SIGNATURE" without its first word. */
static bool testimony_parse(str line, struct testimony *t)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES], signature[crypto_sign_BYTES];
	t->node = str_cut(&line, ' ');
	str head = str_cut(&line, ' '), at = str_cut(&line, ' ');
	t->witness = str_cut(&line, ' ');
	str key = str_cut(&line, ' ');
	if (!is_node(t->node) || !head_parse(head, &t->head) || !time_parse(at, false, &t->at_us) ||
	    !is_node(t->witness) || !hex_parse(key, public, sizeof(public)) ||
	    !hex_parse(line, signature, sizeof(signature)))
		return false;
	struct buf b = BUF_INIT(KIB(1));
	testimony_bytes(t, &b);
	bool ok = crypto_sign_verify_detached(signature, (const unsigned char *)b.p, b.n, public) == 0;
	buf_free(&b);
	return ok;
}

/* --- a file of them --- */

static int by_number(const void *a, const void *b)
{
	const struct kept_head *x = a, *y = b;
	return x->number < y->number ? -1 : x->number > y->number;
}

static bool take_line(str line, str node, struct kept_head *out, bool *ours_out)
{
	struct testimony t;
	if (!str_starts(line, STR("witness "))) {
		*ours_out = true;
		return head_parse(line, out);
	}
	if (!testimony_parse(str_from(line, 8), &t))
		return false;
	*out = t.head;
	*ours_out = str_eq(t.node, node);
	return true;
}

enum rc witness_parse(str text, str node, struct arena *a, struct kept_head **out,
		      size_t *count_out, struct err *err)
{
	size_t at = 0, n = 0, room = 0;
	str line;
	enum rc rc = RC_OK;
	struct kept_head *list = NULL;
	while (rc == RC_OK && str_line(&text, &line)) {
		bool ours = false;
		at++;
		line = str_trim_all(line);
		if (!line.n || line.p[0] == '#')
			continue;
		if (n == room) {
			room = room ? 2 * room : 16;
			list = x_grow(list, room, sizeof(*list));
		}
		if (!take_line(line, node, &list[n], &ours))
			rc = fail(err, RC_INPUT,
				  "line %zu: '" STR_FMT "' is no journal head, or none its witness signed",
				  at, STR_ARG(str_head(line, 100)));
		else if (n == LINES_MAX)
			rc = fail(err, RC_LIMIT, "more than %d heads are too many", LINES_MAX);
		n += ours;
	}
	if (rc == RC_OK && !n)
		rc = fail(err, RC_INPUT, "there is no journal head of this node in it");
	if (n)
		qsort(list, n, sizeof(*list), by_number);
	*out = ARENA_ARRAY(a, n + 1, struct kept_head);
	if (n)
		memcpy(*out, list, n * sizeof(*list));
	*count_out = rc == RC_OK ? n : 0;
	free(list);
	return rc;
}

/* --- witnessing --- */

/* Compares with the newest we witnessed, and remembers the newer. */
static enum rc remember(struct tx *tx, const struct testimony *t, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT hash FROM witnessed WHERE node = ? AND number = ?");
	sql_str(q, 1, t->node);
	sql_int(q, 2, (int64_t)t->head.number);
	bool other = sql_row(q) && !str_eq(sql_col_blob(q, 0), str_mem(t->head.hash.b, HASH));
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && other)
		return fail(err, RC_CONFLICT,
			    "another head %llu of that node was witnessed here: its journal was changed",
			    (unsigned long long)t->head.number);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "INSERT INTO witnessed (node, number, hash, at_us) VALUES (?, ?, ?, ?)"
			     " ON CONFLICT (node) DO UPDATE SET number = excluded.number,"
			     " hash = excluded.hash, at_us = excluded.at_us"
			     " WHERE excluded.number > number");
	sql_str(q, 1, t->node);
	sql_int(q, 2, (int64_t)t->head.number);
	sql_blob(q, 3, str_mem(t->head.hash.b, HASH));
	sql_int(q, 4, t->at_us);
	return sql_run(q, err);
}

static void testimony_write(const struct journal *j, const struct testimony *t, struct buf *out)
{
	unsigned char signature[crypto_sign_BYTES];
	struct buf b = BUF_INIT(KIB(1));
	testimony_bytes(t, &b);
	crypto_sign_detached(signature, NULL, (const unsigned char *)b.p, b.n, j->secret);
	buf_free(&b);
	buf_fmt(out, "witness " STR_FMT " %llu:", STR_ARG(t->node),
		(unsigned long long)t->head.number);
	hex_format(out, t->head.hash.b, HASH);
	buf_char(out, ' ');
	time_format(out, t->at_us);
	buf_fmt(out, " " STR_FMT " ", STR_ARG(t->witness));
	/* the public half is the end of the secret one (libsodium's layout) */
	hex_format(out, j->secret + crypto_sign_SECRETKEYBYTES - crypto_sign_PUBLICKEYBYTES,
		   crypto_sign_PUBLICKEYBYTES);
	buf_char(out, ' ');
	hex_format(out, signature, sizeof(signature));
}

enum rc journal_witness(struct tx *tx, struct journal *j, str node, str head, str by,
			struct buf *out, struct err *err)
{
	struct testimony t = { .node = node,
			       .at_us = tx_now_us(tx),
			       .witness = store_node_id(tx_store(tx)) };
	if (!is_node(node))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no id of a node", STR_ARG(str_head(node, 100)));
	if (!head_parse(head, &t.head) || t.head.number > INT64_MAX)
		return fail(err, RC_INPUT, "'" STR_FMT "' is no journal head", STR_ARG(str_head(head, 100)));
	enum rc rc = remember(tx, &t, err);
	if (rc != RC_OK)
		return rc;
	struct buf object = BUF_INIT(KIB(1)), body = BUF_INIT(KIB(1));
	buf_fmt(&object, "node:" STR_FMT, STR_ARG(node));
	struct json_out json = json_out(&body);
	json_open(&json, '{');
	json_put_str(&json, "head", head);
	json_close(&json, '}');
	struct journal_act act = {
		.act = "witness", .actor = by, .object = buf_str(&object), .body = buf_str(&body)
	};
	rc = journal_add(tx, j, &act, err);
	buf_free(&object);
	buf_free(&body);
	if (rc == RC_OK)
		testimony_write(j, &t, out);
	return rc;
}
