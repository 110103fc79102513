/* SPDX-License-Identifier: Apache-2.0 */
/* What a MISP server answers us (answers.h): behind a line "pull" its index and each event, behind "search" attributes, behind
 * "version" and "sight" the rest. Whatever it says: no request leaves its host, events come marked, what is taken back
 * has ids, what is shown is UTF-8 of a bounded length, and what went wrong has words. */
#include <fcntl.h>
#include <unistd.h>

#include "exchange/misp_client.h"
#include "exchange/misp_sync.h"
#include "intake/feeds.h"

#include "answers.h"
#include "partner_world.h"

#define SERVER "https://misp.example.org"
enum { WORD_MOST = 500, TAGS_MOST = 50 * 101 };

static enum rc deliver(void *ctx, const struct exchange_delivery *d, struct exchange_delivered *out, struct err *e)
{
	struct partner_world *w = ctx;
	struct arena *a = arena_new(KIB(16));
	str lines = d->lines;
	(void)e;
	while (lines.n > 0) {
		struct json_pair *p;
		size_t count;
		unsigned marks = 0;
		enum tlp tlp;
		MUST(json_flat(str_cut(&lines, '\n'), a, &p, &count, NULL) == RC_OK);
		for (size_t i = 0; i < count; i++) {
			MUST(!str_starts_nocase(p[i].key, STR("ronda.")) && !str_starts_nocase(p[i].key, STR("feed.")));
			MUST(!str_starts_nocase(p[i].key, STR("extra.origin_node")));
			marks += str_eq(p[i].key, STR("tlp")) && tlp_parse(p[i].value, &tlp);
		}
		MUST(marks == 1);
	}
	arena_free(a);
	*out = (struct exchange_delivered){ .report = ++w->reports, .accepted = 1 };
	return RC_OK;
}

static void check_word(str s, size_t most)
{
	MUST(s.n <= most);
}

static void search(struct exchange *x, const struct partner *p, struct arena *a)
{
	struct misp_found *list = NULL;
	size_t count = 0;
	if (misp_search(x, p, STR("192.0.2.7"), a, &list, &count, &err) != RC_OK) {
		MUST(err.text[0] && count == 0);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const str words[] = { list[i].event, list[i].info, list[i].type, list[i].category, list[i].value, list[i].uuid };
		for (size_t n = 0; n < COUNT_OF(words); n++)
			check_word(words[n], WORD_MOST);
		check_word(list[i].tags, TAGS_MOST);
		MUST(list[i].at_us >= 0);
	}
}

static enum rc feed_job(struct tx *tx, void *ctx, struct err *e)
{
	struct partner_world *w = ctx;
	int64_t id;
	const struct feed f = { .name = partner_feed(&w->from, w->team.w.a), .provider = w->from.name, .tlp = TLP_AMBER, .on = true,
				.format = STR("auto") };
	return feed_add(tx, w->team.w.j, &f, STR("unix:0"), &id, e);
}

/* Without a key nobody is asked. */
static void write_key(struct partner_world *w)
{
	char path[1024];
	snprintf(path, sizeof path, "%s/misp-keys", w->team.w.d.path);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write(fd, "Team C x\n", 9) == 9);
	close(fd);
}

static enum rc begin_job(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	enum rc rc = sql_run(sql(tx_conn(tx), "DELETE FROM misp_seen"), e);
	return rc == RC_OK ? sql_run(sql(tx_conn(tx), "DELETE FROM misp_taken"), e) : rc;
}

static void ask(struct exchange *x, const struct partner *p, str what, struct arena *a)
{
	struct misp_looked looked;
	enum rc rc = RC_OK;
	str version;
	err.text[0] = 0;
	if (str_eq(what, STR("search")))
		search(x, p, a);
	else if (str_eq(what, STR("version"))) {
		rc = misp_version(x, p, a, &version, &err);
		if (rc == RC_OK)
			check_word(version, WORD_MOST);
	} else if (str_eq(what, STR("sight")))
		rc = misp_sight(x, p, STR("22222222-0000-4000-8000-000000000001"), MISP_SEEN, &err);
	else
		rc = misp_pull(x, p, &looked, &err);
	MUST(rc == RC_OK || err.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool fresh;
	struct partner_world *w = partner_world_of("{\"name\":\"Team C\",\"kind\":\"misp\",\"address\":\"" SERVER "\"}", &fresh);
	struct arena *a = arena_new(KIB(16));
	str text = str_mem(data, size), what = str_cut(&text, '\n');
	w->team.x.w.deliver = deliver;
	if (fresh) {
		write_key(w);
		MUST(store_write(w->team.w.s, feed_job, w, &err) == RC_OK);
	}
	MUST(store_write(w->team.w.s, begin_job, NULL, &err) == RC_OK);
	answers_begin(text, SERVER);
	ask(&w->team.x, &w->from, what, a);
	arena_free(a);
	return 0;
}
