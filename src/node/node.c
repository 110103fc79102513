/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "duty/duty.h"
#include "duty/ladder.h"
#include "incident/takedown.h"
#include "node/node_exchange.h"
#include "node/node_notify.h"
#include "node/node_records.h"
#include "node/node_settings.h"
#include "node/pipeline.h"
#include "node/takedown_sight.h"
#include "route/directory_records.h"
#include "route/findings.h"
#include "record/deliveries.h"
#include "store/pack.h"

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
	malloc_trim(0); /* what making it took, and the table before, lie in pieces all over the heap */
	return rc;
}

enum rc node_directory_follow(struct node *n, struct err *err)
{
	struct reader *r = NULL;
	uint64_t stored = 0;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = directory_stored_version(reader_conn(r), &stored, err);
	store_read_end(r);
	struct snapshot_ref *ref = node_directory(n);
	bool old = !ref || directory_version(snapshot_table(ref)) != stored;
	if (ref)
		snapshot_drop(n->directory, ref);
	return rc == RC_OK && old ? node_directory_reload(n, err) : rc;
}

static void free_contacts(void *table)
{
	fallback_free(table);
}

struct snapshot_ref *node_contacts(struct node *n)
{
	return snapshot_hold(n->contacts);
}

enum rc node_contacts_reload(struct node *n, struct err *err)
{
	struct reader *r = NULL;
	struct fallback *f = NULL;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc == RC_OK)
		rc = fallback_open(reader_conn(r), n->dir, &f, err);
	store_read_end(r);
	if (rc == RC_OK)
		snapshot_swap(n->contacts, f);
	malloc_trim(0);
	return rc;
}

/* Without them the directory still answers: a damaged table keeps no node from starting. */
static enum rc open_contacts(struct node *n, struct err *err)
{
	enum rc rc = node_contacts_reload(n, err);
	if (rc != RC_INPUT)
		return rc;
	log_warn(n->log, "contacts of last resort cannot be used", L_Z("why", err->text));
	return RC_OK;
}

/* --- making one --- */

struct founding {
	struct node *n;
	const struct node_founder *by; /* NULL: no account */
};

/* Every role inside the team but the auditor's: nobody audits himself. */
static uint32_t small_team_roles(const struct roles *r)
{
	uint32_t roles = 0;
	for (size_t i = 0; i < roles_count(r); i++)
		if (!roles_at(r, i)->outside && (int)i != roles_find(r, STR("auditor")))
			roles |= UINT32_C(1) << i;
	return roles;
}

static enum rc first_account(struct tx *tx, struct node *n, const struct node_founder *by,
			     struct err *err)
{
	struct account_new a = { .name = str_of(by->account), .unix_uid = by->uid };
	int64_t id;
	a.roles = small_team_roles(n->roles);
	enum rc rc = by->team == TEAM_LARGE ? roles_parse(n->roles, STR("administrator"), &a.roles, err) :
					      RC_OK;
	if (rc == RC_OK)
		rc = team_size_set(tx, n->journal, by->team, STR("node"), err);
	if (rc == RC_OK)
		rc = account_make(tx, n->journal, n->roles, &a, STR("node"), &id, err);
	return rc;
}

static enum rc first_rows(struct tx *tx, void *ctx, struct err *err)
{
	const struct founding *f = ctx;
	struct node *n = f->n;
	struct feed local = { .name = STR("local"), .provider = STR(""), .url = STR(""),
			      .licence = STR(""), .tlp = TLP_AMBER, .on = true,
			      .format = STR("auto"), .mapping = STR(""), .folder = STR("") };
	struct journal_act act = { .act = "init", .actor = STR("node"),
				   .object = store_node_name(n->store) };
	int64_t id;
	enum rc rc = journal_add(tx, n->journal, &act, err);
	if (rc == RC_OK)
		rc = feed_add(tx, n->journal, &local, STR("node"), &id, err);
	if (rc == RC_OK && f->by)
		rc = first_account(tx, n, f->by, err);
	return rc;
}

enum rc node_create_for(const char *dir, const char *name, const char *country,
			const struct node_founder *founder, char *secret_out, size_t secret_size,
			struct err *err)
{
	static const struct node_options plain = { 0 };
	struct node *n = NULL;
	struct buf folded = BUF_INIT(KIB(1));
	enum rc rc = founder ? account_fold(str_of(founder->account), &folded, err) : RC_OK;
	buf_free(&folded); /* a bad name is said before there is a directory */
	if (rc == RC_OK)
		rc = store_create(dir, name, country, err);
	if (rc == RC_OK)
		rc = node_open(dir, &plain, &n, err);
	struct founding f = { .n = n, .by = founder };
	if (rc == RC_OK)
		rc = store_write(n->store, first_rows, &f, err);
	if (rc == RC_OK)
		rc = setup_secret_make(n->store, secret_out, secret_size, err);
	node_close(n);
	return rc;
}

enum rc node_create(const char *dir, const char *name, const char *country, char *secret_out,
		    size_t secret_size, struct err *err)
{
	return node_create_for(dir, name, country, NULL, secret_out, secret_size, err);
}

/* --- who asks on the command line --- */

static uint32_t dir_owner(const struct node *n)
{
	struct stat st;
	return stat(n->dir, &st) == 0 ? st.st_uid : 0;
}

enum rc node_viewer_unix(struct node *n, uint32_t uid, struct viewer *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = RC_ABSENT;
	if (n->store) {
		rc = store_read_begin(n->store, &r, err);
		if (rc == RC_OK)
			rc = account_viewer_unix(reader_conn(r), n->roles, uid, out, err);
		store_read_end(r);
	}
	if (rc != RC_ABSENT && rc != RC_DENIED)
		return rc == RC_OK && n->policies ? policies_apply(n->policies, out, err) : rc;
	if (uid != 0 && uid != dir_owner(n))
		return fail(err, RC_DENIED, "only the directory's owner, and who has an account, may use its socket");
	*out = viewer_owner(uid);
	out->all_roles = n->roles;
	return n->policies ? policies_apply(n->policies, out, err) : RC_OK;
}

void node_socket_mode(struct node *n)
{
	struct reader *r = NULL;
	bool others = false;
	char path[PATH_MAX];
	if (!n->store || store_read_begin(n->store, &r, NULL) != RC_OK)
		return;
	enum rc rc = account_any_unix(reader_conn(r), dir_owner(n), &others, NULL);
	store_read_end(r);
	int len = snprintf(path, sizeof(path), "%s/sock", n->dir);
	/* No socket: no node serves, or it has just ended. */
	if (rc == RC_OK && len > 0 && (size_t)len < sizeof(path) &&
	    chmod(path, others ? 0666 : 0600) != 0 && errno != ENOENT)
		log_warn(n->log, "the mode of DIR/sock could not be set");
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
		rc = secrets_open(n->store, &n->secrets, err);
	if (rc == RC_OK)
		rc = repeats_open(n->store, (size_t)settings_int(n->settings, "repeat_memory"),
				  settings_int(n->settings, "repeat_window"), &n->repeats, err);
	if (rc == RC_OK) {
		store_add_tend(n->store, deliveries_tend, n->journal);
		store_add_tend(n->store, reports_pack, NULL);
	}
	return rc;
}

static enum rc open_roles(struct node *n, struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	enum rc rc = roles_load(arena_fmt(a, "%s/roles.json", n->dir).p, &n->roles, err);
	arena_free(a);
	return rc;
}

enum { MARKS_FILE_MAX = 256 << 10, ROLES_FILE_MAX = 64 << 10 };

/* Own marks are read once: a node is started again for new ones, and has another policy. */
static enum rc open_marks(struct node *n, struct err *err)
{
	struct buf text = BUF_INIT(MARKS_FILE_MAX);
	struct err why = { 0 };
	enum rc rc = io_read_file(store_dir(n->store), "marks.json", &text, err);
	n->marks = &marks_built_in;
	if (rc == RC_OK && marks_read(buf_str(&text), &n->marks, &why) != RC_OK)
		rc = fail(err, why.rc, "marks.json: %s", why.text);
	buf_free(&text);
	return rc == RC_ABSENT ? RC_OK : rc;
}

static enum rc open_policy(struct node *n, struct err *err)
{
	struct buf roles = BUF_INIT(ROLES_FILE_MAX);
	buf_add(&roles, STR("built in with " RONDA_VERSION "\n"));
	enum rc rc = io_read_file(store_dir(n->store), "roles.json", &roles, err);
	if (rc == RC_ABSENT)
		rc = RC_OK;
	const struct policy_sources from = { n->marks, buf_str(&roles), PUBLIC_K_LEAST };
	if (rc == RC_OK)
		rc = policies_open(n->store, n->records, &from, &n->policies, err);
	buf_free(&roles);
	return rc;
}

static enum rc settle_organisations(struct node *n, struct err *err)
{
	size_t made = 0, left = 0;
	if (store_read_only(n->store))
		return RC_OK;
	enum rc rc = directory_records_settle(n->organisations, &made, &left, err);
	if (rc == RC_OK && left)
		log_warn(n->log, "organisations that fit no record stay as they are",
			 L_INT("count", (int64_t)left));
	return rc;
}

static enum rc open_duty(struct node *n, struct err *err)
{
	struct duty_node d = { .store = n->store, .records = n->records, .journal = n->journal,
				     .policies = n->policies, .roles = n->roles, .calendar = n->calendar,
				     .ladder_pause_us = settings_int(n->settings, "ladder_pause") };
	enum rc rc = ladder_sends_parse(settings_text(n->settings, "ladder_sends"), &d.ladder_sends, err);
	return rc == RC_OK ? duty_open(&d, &n->duty, err) : rc;
}

static enum rc open_takedowns(struct node *n, struct err *err)
{
	const struct takedown_world w = { .store = n->store, .records = n->records, .journal = n->journal,
					  .policies = n->policies, .roles = n->roles, .notify = n->notify,
					  .settings = n->settings, .log = n->log, .enrich = n->enrich,
					  .directory = n->directory, .contacts = n->contacts,
					  .sight = node_takedown_sight(n) };
	return takedowns_open(&w, &n->takedowns, err);
}

static enum rc open_tables(struct node *n, struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	str overlay = settings_text(n->settings, "network_overlay"), cache = settings_text(n->settings, "network_cache");
	struct enrich_sources from = {
		.network_db = arena_z(a, settings_text(n->settings, "network_db")),
		.cache_dir = cache.n ? arena_z(a, cache) : n->dir,
		.overlay = overlay.n ? arena_z(a, overlay) : NULL,
	};
	enum rc rc = enrich_open(&from, n->log, &n->enrich, err);
	arena_free(a);
	n->directory = snapshot_new(free_directory);
	if (rc == RC_OK)
		rc = settle_organisations(n, err);
	if (rc == RC_OK)
		rc = node_directory_reload(n, err);
	if (rc == RC_OK)
		rc = open_contacts(n, err);
	return rc;
}

/* Mails of others are met once by each mail child. Nothing runs until something is asked. */
static void open_helpers(struct node *n)
{
	static const struct calls_options write = { .helper = "mail", .most = 2, .question_bytes = MIB(64),
						    .answer_bytes = MIB(64), .limit_ms = 20000 };
	static const struct calls_options read = { .helper = "mail", .most = 1, .question_bytes = MIB(64),
						   .answer_bytes = MIB(64), .limit_ms = 20000, .serves = 1 };
	/* One at a time: two would have two agents for the same keys. */
	char *dir = realpath(n->dir, NULL), home[PATH_MAX + 8];
	snprintf(home, sizeof home, "%s/gnupg", dir ? dir : n->dir);
	free(dir);
	const struct calls_options crypto = { .helper = "crypto", .most = 1, .question_bytes = MIB(64),
					      .answer_bytes = MIB(64), .limit_ms = 60000, .serves = 2000,
					      .always = home };
	n->mail_writer = calls_new(n->starter, n->log, &write);
	n->mail_reader = calls_new(n->starter, n->log, &read);
	n->crypto = calls_new(n->starter, n->log, &crypto);
}

enum rc node_open(const char *dir, const struct node_options *o, struct node **out, struct err *err)
{
	struct node *n = x_alloc(sizeof(*n));
	n->dir = x_strdup(dir);
	n->overrides = o->overrides;
	n->override_count = o->override_count;
	/* The starter first: it must hold no key, no thread, no open file of ours. */
	enum rc rc = o->parsers ? starter_new(&n->starter, err) : RC_OK;
	if (rc == RC_OK)
		rc = open_settings(n, o, err);
	if (rc == RC_OK)
		rc = open_roles(n, err);
	if (rc == RC_OK)
		rc = open_store(n, err);
	if (rc == RC_OK)
		rc = node_records_open(n, err);
	if (rc == RC_OK)
		rc = open_marks(n, err);
	if (rc == RC_OK)
		rc = open_policy(n, err);
	if (rc == RC_OK)
		rc = open_duty(n, err);
	if (rc == RC_OK && n->starter)
		open_helpers(n);
	n->contacts = snapshot_new(free_contacts);
	if (rc == RC_OK)
		rc = node_notify_open(n, err);
	if (rc == RC_OK)
		rc = open_tables(n, err);
	if (rc == RC_OK)
		rc = open_takedowns(n, err);
	if (rc == RC_OK && n->starter)
		rc = parser_pool_new(n->starter, n->log,
				     (unsigned)settings_int(n->settings, "parsers"), &n->parsers, err);
	if (rc == RC_OK)
		rc = node_exchange_open(n, err);
	if (rc == RC_OK)
		rc = pipeline_new(n, &n->pipeline, err);
	if (rc != RC_OK) {
		node_close(n);
		return rc;
	}
	*out = n;
	return RC_OK;
}

/* What was delivered since the last line for deliveries. After a crash the next
 * start writes it. */
static void end_journal(struct node *n)
{
	struct err err;
	if (!n->pipeline || !n->journal || store_read_only(n->store))
		return;
	if (deliveries_flush(n->store, n->journal, &err) != RC_OK)
		log_warn(n->log, "the journal's line for deliveries is not written", L_Z("why", err.text));
}

void node_close(struct node *n)
{
	if (!n)
		return;
	exchange_stop(n->exchange);
	pipeline_free(n->pipeline);
	node_exchange_close(n);
	takedowns_stop(n->takedowns);
	node_notify_close(n);
	end_journal(n);
	parser_pool_free(n->parsers);
	calls_free(n->mail_writer);
	calls_free(n->mail_reader);
	calls_free(n->crypto);
	snapshot_free(n->directory);
	snapshot_free(n->contacts);
	enrich_close(n->enrich);
	repeats_close(n->repeats);
	erase_close(n->erase);
	node_records_close(n);
	secrets_close(n->secrets);
	journal_close(n->journal);
	store_close(n->store);
	takedowns_close(n->takedowns);
	duty_close(n->duty);
	policies_close(n->policies);
	marks_free(n->marks);
	roles_free(n->roles);
	starter_free(n->starter);
	settings_free(n->settings);
	log_free(n->log);
	free(n->dir);
	free(n);
}
