/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/misp_private.h"

#include "exchange/misp_client.h"
#include "exchange/misp_sync.h"

/* --- import --- */

struct importing {
	struct cli *c;
	str feed;
	struct misp_took all; /* sums */
	uint64_t taken, failed;
};

static enum rc read_json(struct cli *c, const char *path, struct json_object **out, struct err *err)
{
	struct buf text = BUF_INIT(MISP_EVENT_BYTES);
	enum rc rc = cli_read_file(c, path, MISP_EVENT_BYTES, &text, err);
	if (rc == RC_OK)
		rc = json_read(buf_str(&text), out, err);
	buf_free(&text);
	return rc;
}

static enum rc take(struct importing *k, struct json_object *o, struct err *err)
{
	struct arena *a = arena_new(KIB(64));
	struct misp_took one;
	enum rc rc = misp_take(k->c->node->exchange, k->feed, o, false, a, &one, err);
	if (rc == RC_OK) {
		k->taken++;
		k->all.events += one.events;
		k->all.accepted += one.accepted;
		k->all.repeats += one.repeats;
		k->all.quarantined += one.quarantined;
		k->all.left_out += one.left_out;
		k->all.deleted += one.deleted;
		k->all.taken_back += one.taken_back;
	}
	arena_free(a);
	return rc;
}

/* A folder as a feed is published: what the manifest names and is newer than what was taken of it. */
static enum rc take_folder(struct importing *k, const char *folder, struct json_object *manifest, struct err *err)
{
	struct exchange *x = k->c->node->exchange;
	struct misp_listing *list = NULL;
	size_t count = 0;
	enum rc rc = misp_news(x, k->feed, manifest, k->c->a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count && !cli_abandoned(k->c); i++) {
		struct json_object *o = NULL;
		struct buf name = BUF_INIT(4096);
		struct err why = { 0 };
		buf_fmt(&name, "%s/", folder);
		uuid_format(&name, &list[i].uuid);
		buf_add(&name, STR(".json"));
		bool fine = read_json(k->c, name.p, &o, &why) == RC_OK && take(k, o, &why) == RC_OK;
		if (!fine) {
			k->failed++;
			cli_talk(k->c, "ronda misp: %s: %s", name.p, why.text);
		}
		rc = misp_note_event(x, k->feed, &list[i], fine ? STR("") : str_of(why.text), err);
		json_free(o);
		buf_free(&name);
	}
	return rc;
}

int misp_import(struct cli *c)
{
	struct importing k = { .c = c };
	struct json_object *o = NULL;
	struct err err = { 0 };
	const char *feed = cli_value(c, "--feed");
	if (c->argc != 2 || !feed)
		return cli_usage(c, "import needs one FILE or folder, and --feed NAME");
	k.feed = str_of(feed);
	const char *manifest = arena_fmt(c->a, "%s/manifest.json", c->argv[1]).p;
	enum rc rc = read_json(c, manifest, &o, &err);
	if (rc == RC_OK) {
		rc = take_folder(&k, c->argv[1], o, &err);
	} else if (rc != RC_DENIED) {
		rc = read_json(c, c->argv[1], &o, &err);
		rc = rc == RC_OK ? take(&k, o, &err) : rc;
	}
	json_free(o);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	const struct misp_took *n = &k.all;
	cli_printf(c, c->form == CLI_JSON ?
		   "{\"misp_events\":%llu,\"failed\":%llu,\"events\":%llu,\"accepted\":%llu,\"repeats\":%llu,\"quarantined\":%llu,"
		   "\"left_out\":%llu,\"deleted\":%llu,\"taken_back\":%llu}\n" :
		   "%llu MISP events taken, %llu failed; %llu events = %llu accepted + %llu repeats + %llu quarantined; %llu attributes "
		   "left out, %llu deleted: %llu events taken back\n",
		   (unsigned long long)k.taken, (unsigned long long)k.failed, (unsigned long long)n->events,
		   (unsigned long long)n->accepted, (unsigned long long)n->repeats, (unsigned long long)n->quarantined,
		   (unsigned long long)n->left_out, (unsigned long long)n->deleted, (unsigned long long)n->taken_back);
	return k.failed ? rc_exit_code(RC_INPUT) : 0;
}

/* --- feeds that are read --- */

static int look_one(struct cli *c, str name)
{
	struct misp_looked l;
	struct err err = { 0 };
	if (misp_look_feed(c->node->exchange, name, &l, &err) != RC_OK)
		return cli_fail(c, &err);
	cli_printf(c, c->form == CLI_JSON ? "{\"feed\":\"" STR_FMT "\",\"taken\":%llu,\"failed\":%llu,\"left\":%llu}\n" :
					    STR_FMT ": %llu MISP events taken, %llu failed, %llu left for the next look\n",
		   STR_ARG(name), (unsigned long long)l.taken, (unsigned long long)l.failed, (unsigned long long)l.left);
	return l.failed ? rc_exit_code(RC_BUSY) : 0;
}

int misp_look(struct cli *c)
{
	str list = settings_text(c->node->settings, "misp_feeds");
	int code = 0;
	if (c->argc > 2)
		return cli_usage(c, "look takes the name of one feed");
	if (c->argc == 2)
		return look_one(c, str_of(c->argv[1]));
	if (list.n == 0)
		cli_talk(c, "misp_feeds names no feed");
	while (list.n > 0) {
		str one = str_trim(str_cut(&list, ','));
		int was = look_one(c, str_trim(str_cut(&one, '=')));
		code = was ? was : code;
	}
	return code;
}

static const struct cli_column columns[] = {
	{ .name = "name" }, { "looked", COLUMN_TIME }, { "fine", COLUMN_TIME }, { "events", COLUMN_NUMBER },
	{ "waiting", COLUMN_NUMBER }, { .name = "failure" },
};

static enum rc rows(struct cli_table *t, struct reader *r, struct err *err)
{
	struct misp_source_state *list = NULL;
	size_t count = 0;
	enum rc rc = misp_sources(t->c->node->exchange, reader_conn(r), t->c->a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		char looked[40], fine[40];
		str row[] = { list[i].name, list[i].looked_us ? time_str(looked, list[i].looked_us) : STR("never"),
			      list[i].fine_us ? time_str(fine, list[i].fine_us) : STR("never"),
			      arena_fmt(t->c->a, "%llu", (unsigned long long)list[i].events),
			      arena_fmt(t->c->a, "%llu", (unsigned long long)list[i].waiting), list[i].failure };
		cli_row(t, row);
	}
	return rc;
}

int misp_list_sources(struct cli *c)
{
	return cli_list(c, columns, COUNT_OF(columns), rows);
}
