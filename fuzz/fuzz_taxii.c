/* SPDX-License-Identifier: Apache-2.0 */
/* A request of a partner's, from its first line to its body: "GET exchange/collections/outbox/objects/", then lines
 * "name: value" of its head, lines "name=value" of its query, an empty one, the body. Whatever it says, the answer is one:
 * a status, a body that is JSON, headers of one line. */
#include "exchange/taxii_private.h"

#include "partner_world.h"

enum { PAIRS_MOST = 40 };

static bool take_head(struct taxii_request *q, str line)
{
	const struct { const char *name; str *to; } known[] = {
		{ "Accept", &q->accept }, { "Content-Type", &q->content_type }, { "Content-Encoding", &q->content_encoding },
		{ "Ronda-Lane", &q->lane }, { "Ronda-After", &q->after }, { "Ronda-Upto", &q->upto },
	};
	str name = str_cut(&line, ':');
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (str_eq(name, str_of(known[i].name))) {
			*known[i].to = str_trim_all(line);
			return true;
		}
	return false;
}

static void read_request(str text, struct taxii_pair *pairs, struct taxii_request *q)
{
	static const struct { const char *name; enum taxii_method method; } methods[] = {
		{ "GET", TAXII_GET }, { "HEAD", TAXII_HEAD }, { "POST", TAXII_POST }, { "DELETE", TAXII_DELETE },
	};
	str first = str_cut(&text, '\n'), method = str_cut(&first, ' ');
	*q = (struct taxii_request){ .method = TAXII_OTHER, .path = first, .query = pairs };
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (str_eq(method, str_of(methods[i].name)))
			q->method = methods[i].method;
	while (text.n > 0) {
		str line = str_cut(&text, '\n');
		if (line.n == 0)
			break;
		if (take_head(q, line) || q->query_count == PAIRS_MOST)
			continue;
		q->query_bytes += line.n;
		str name = str_cut(&line, '=');
		pairs[q->query_count++] = (struct taxii_pair){ name, line };
	}
	q->body = text;
}

static void check(const struct taxii_request *q, const struct taxii_answer *out)
{
	struct json_object *o = NULL;
	MUST(out->status >= 200 && out->status < 600);
	MUST(out->body.n > 0 && str_is_utf8(buf_str(&out->body)));
	MUST(json_read(buf_str(&out->body), &o, NULL) == RC_OK);
	if (out->status >= 400)
		MUST(json_get_str(o, "title").n > 0 && json_get_str(o, "http_status").n == 3);
	for (size_t i = 0; i < out->header_count; i++)
		MUST(str_is_plain(out->headers[i].value));
	if (out->status == 202) { /* each object stands there once, taken or not */
		int64_t total = -1, good = -1, bad = -1;
		MUST(q->method == TAXII_POST);
		MUST(json_get_i64(o, "total_count", &total) && json_get_i64(o, "success_count", &good) &&
		     json_get_i64(o, "failure_count", &bad));
		MUST(total > 0 && good >= 0 && bad >= 0 && good + bad == total);
	}
	json_free(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct partner_world *w = partner_world();
	struct arena *a = arena_new(KIB(16));
	struct taxii_pair pairs[PAIRS_MOST];
	struct taxii_request q;
	struct taxii_answer out;
	read_request(str_mem(data, size), pairs, &q);
	q.who = TAXII_PARTNER;
	q.partner = &w->from;
	taxii_answer(&w->team.x, &q, a, &out);
	check(&q, &out);
	buf_free(&out.body);
	arena_free(a);
	return 0;
}
