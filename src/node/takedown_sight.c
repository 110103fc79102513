/* SPDX-License-Identifier: Apache-2.0 */
#include "node/takedown_sight.h"

#include "base/hash.h"
#include "event/normalise.h"
#include "http/dns.h"
#include "http/fetch.h"
#include "node/lookup.h"

enum { BODY_MOST = 256 << 10, HEAD_MOST = 4096, WORDS_MOST = 400, TOTAL_MS = 20000, DNS_MS = 5000 };

static enum rc new_fetcher(const struct node *n, struct fetcher **out, struct err *err)
{
	str inside = settings_text(n->settings, "takedown_inside");
	enum rc rc = fetch_new(NULL, out, err);
	if (rc == RC_OK)
		rc = fetch_proxy(*out, "takedown", settings_text(n->settings, "takedown_proxy"), err);
	while (rc == RC_OK && inside.n > 0) {
		str one = str_trim(str_cut(&inside, ','));
		if (one.n > 0)
			rc = fetch_exempt(*out, "takedown", one, err);
	}
	return rc;
}

static enum rc check(void *ctx, struct err *err)
{
	struct fetcher *f = NULL;
	struct err why = { 0 };
	enum rc rc = new_fetcher(ctx, &f, &why);
	fetch_free(f);
	return rc == RC_OK ? RC_OK : fail(err, rc, "takedown_proxy, takedown_inside: %s", why.text);
}

/* Lines of a head, of a stranger: plain, bounded; cookies are nobody's proof. */
static str plain_head(str head, struct arena *a)
{
	struct buf b = BUF_INIT(HEAD_MOST);
	str line;
	while (str_line(&head, &line)) {
		line = str_trim_all(line);
		if (line.n == 0 || str_starts_nocase(line, STR("set-cookie")))
			continue;
		line = str_head(line, 300);
		if (b.n + line.n + 1 > HEAD_MOST)
			break;
		for (size_t i = 0; i < line.n; i++)
			buf_char(&b, line.p[i] >= ' ' && line.p[i] < 0x7f ? line.p[i] : '?');
		buf_char(&b, '\n');
	}
	str out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return out;
}

static str digest_of(str body, struct arena *a)
{
	struct buf hex = BUF_INIT(128);
	struct digest d = sha256(body);
	hex_format(&hex, d.b, sizeof d.b);
	str out = arena_str(a, buf_str(&hex));
	buf_free(&hex);
	return out;
}

static str defanged(str url, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(4));
	url_defang(&b, str_head(url, 300));
	str out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return out;
}

static enum rc look(void *ctx, str url, struct arena *a, struct takedown_look *out, struct err *err)
{
	struct node *n = ctx;
	struct fetcher *f = NULL;
	struct err why = { 0 };
	struct fetch_answer answer;
	const struct fetch_request q = { .purpose = "takedown", .url = url, .look = true,
					 .agent = arena_z(a, settings_text(n->settings, "takedown_agent")),
					 .limits = { .body_bytes = BODY_MOST, .total_ms = TOTAL_MS } };
	enum rc rc = new_fetcher(n, &f, err);
	if (rc == RC_OK && fetch(f, &q, a, &answer, &why) == RC_OK) {
		out->status = answer.status;
		out->bytes = (int64_t)answer.body.n;
		out->head = plain_head(answer.head, a);
		out->digest = digest_of(answer.body, a);
		out->words = answer.location.n > 0 ? arena_fmt(a, "sends on to " STR_FMT, STR_ARG(defanged(answer.location, a))) :
			     answer.cut ? STR("only the beginning of the body was read") : STR("");
	} else if (rc == RC_OK) {
		out->words = arena_str(a, str_head(str_of(why.text), WORDS_MOST));
	}
	fetch_free(f);
	return rc;
}

static enum rc resolve(void *ctx, str host, struct ip out[TAKEDOWN_ADDRESSES_MOST], size_t *count_out, struct err *err)
{
	struct node *n = ctx;
	struct arena *a = arena_new(KIB(1));
	str server = settings_text(n->settings, "takedown_dns");
	const struct dns_ask ask = { .server = arena_z(a, server), .timeout_ms = DNS_MS };
	_Static_assert((int)TAKEDOWN_ADDRESSES_MOST == (int)DNS_ADDRESSES_MOST, "one list");
	*count_out = 0;
	enum rc rc = server.n == 0 ? fail(err, RC_DENIED, "no name server is set") :
				     dns_addresses(&ask, arena_z(a, host), out, count_out, err);
	arena_free(a);
	return rc;
}

static enum rc ask_registry(void *ctx, str what, str actor, struct err *err)
{
	struct lookup_done done;
	return lookup_rdap(ctx, what, false, actor, &done, err);
}

struct takedown_sight node_takedown_sight(struct node *n)
{
	return (struct takedown_sight){ .check = check, .look = look, .resolve = resolve, .ask_registry = ask_registry, .ctx = n };
}
