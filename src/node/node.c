/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node.h"

#include <stdlib.h>

#include "node/node_settings.h"
#include "node/pipeline.h"
#include "route/findings.h"

static void free_directory(void *table)
{
	directory_free(table);
}

struct snapshot_ref *node_directory(struct node *n)
{
	return snapshot_hold(n->directory);
}

enum rc node_directory_reload(struct node *n, struct err *err)
{
	struct reader *r = NULL;
	struct directory *d = NULL;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = directory_load(reader_conn(r), &d, err);
	store_read_end(r);
	if (rc == RC_OK)
		snapshot_swap(n->directory, d);
	return rc;
}

/* --- making one --- */

static enum rc first_rows(struct tx *tx, void *ctx, struct err *err)
{
	struct node *n = ctx;
	struct feed local = { .name = STR("local"), .provider = STR(""), .url = STR(""),
			      .licence = STR(""), .tlp = TLP_AMBER, .on = true,
			      .format = STR("auto"), .mapping = STR(""), .folder = STR("") };
	struct journal_act act = { .act = "init", .actor = STR("node"),
				   .object = store_node_name(n->store) };
	int64_t id;
	enum rc rc = journal_add(tx, n->journal, &act, err);
	if (rc == RC_OK)
		rc = feed_add(tx, n->journal, &local, STR("node"), &id, err);
	return rc;
}

enum rc node_create(const char *dir, const char *name, const char *country, char *secret_out,
		    size_t secret_size, struct err *err)
{
	static const struct node_options plain = { 0 };
	struct node *n = NULL;
	enum rc rc = store_create(dir, name, country, err);
	if (rc == RC_OK)
		rc = node_open(dir, &plain, &n, err);
	if (rc == RC_OK)
		rc = store_write(n->store, first_rows, n, err);
	if (rc == RC_OK)
		rc = setup_secret_make(n->store, secret_out, secret_size, err);
	node_close(n);
	return rc;
}

/* --- opening one: each step needs the ones before it --- */

static enum rc open_settings(struct node *n, const struct node_options *o, struct err *err)
{
	enum log_level level = LOG_LEVEL_INFO;
	enum rc rc = node_settings_read(n->dir, o->overrides, o->override_count, &n->settings, err);
	if (rc != RC_OK)
		return rc;
	(void)log_level_parse(settings_text(n->settings, "log_level"), &level); /* checked when read */
	n->log = log_new(level);
	n->demo = settings_bool(n->settings, "demo");
	return RC_OK;
}

static enum rc open_store(struct node *n, struct err *err)
{
	struct store_options o = store_options_default;
	o.reserve_bytes = (uint64_t)settings_int(n->settings, "reserve");
	o.cache_kib = (uint32_t)(settings_int(n->settings, "store_cache") >> 10);
	enum rc rc = store_open(n->dir, &o, n->log, &n->store, err);
	if (rc == RC_OK) {
		store_add_tend(n->store, events_seal, NULL);
		store_add_tend(n->store, findings_tend, NULL);
	}
	if (rc == RC_OK)
		rc = journal_open(n->store, &n->journal, err);
	if (rc == RC_OK)
		rc = repeats_open(n->store, (size_t)settings_int(n->settings, "repeat_memory"),
				  settings_int(n->settings, "repeat_window"), &n->repeats, err);
	return rc;
}

static enum rc open_tables(struct node *n, struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	str overlay = settings_text(n->settings, "network_overlay");
	struct enrich_sources from = {
		.network_db = arena_z(a, settings_text(n->settings, "network_db")),
		.cache_dir = n->dir,
		.overlay = overlay.n ? arena_z(a, overlay) : NULL,
	};
	enum rc rc = enrich_open(&from, n->log, &n->enrich, err);
	arena_free(a);
	n->directory = snapshot_new(free_directory);
	if (rc == RC_OK)
		rc = node_directory_reload(n, err);
	return rc;
}

enum rc node_open(const char *dir, const struct node_options *o, struct node **out, struct err *err)
{
	struct node *n = x_alloc(sizeof(*n));
	n->dir = x_strdup(dir);
	n->overrides = o->overrides;
	n->override_count = o->override_count;
	n->policy = (struct policy){ .number = 1, .public_k = 5 };
	/* The starter first: it must hold no key, no thread, no open file of ours. */
	enum rc rc = o->parsers ? starter_new(&n->starter, err) : RC_OK;
	if (rc == RC_OK)
		rc = open_settings(n, o, err);
	if (rc == RC_OK)
		rc = open_store(n, err);
	if (rc == RC_OK)
		rc = open_tables(n, err);
	if (rc == RC_OK && n->starter)
		rc = parser_pool_new(n->starter, n->log,
				     (unsigned)settings_int(n->settings, "parsers"), &n->parsers, err);
	if (rc == RC_OK)
		rc = pipeline_new(n, &n->pipeline, err);
	if (rc != RC_OK) {
		node_close(n);
		return rc;
	}
	*out = n;
	return RC_OK;
}

void node_close(struct node *n)
{
	if (!n)
		return;
	pipeline_free(n->pipeline);
	parser_pool_free(n->parsers);
	snapshot_free(n->directory);
	enrich_close(n->enrich);
	repeats_close(n->repeats);
	journal_close(n->journal);
	store_close(n->store);
	starter_free(n->starter);
	settings_free(n->settings);
	log_free(n->log);
	free(n->dir);
	free(n);
}
