/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli_private.h"

#include "cli/misp_private.h"
#include "exchange/misp_feed.h"

static const struct cli_option options[] = {
	{ "--tlp", 0, "TLP", "export: what may go up to this marking; without it only what is CLEAR, for everybody" },
	{ "--feed", 0, "NAME", "import: the feed of ours that it is a report of" },
	{ "--partner", 0, "NAME", "search, pull, push, sighting: that partner alone; without it all of the kind MISP" },
	{ "--false-positive", 0, NULL, "sighting: it is a false alarm" },
	{ "--expired", 0, NULL, "sighting: it is over" },
	{ .name = NULL },
};

enum { EVENT_BYTES = 64 << 20 };
#define HASHES_BYTES (UINT64_C(1) << 30) /* a folder may be larger than an answer */

/* --- export --- */

struct export {
	struct cli *c;
	struct reader *r;
	struct viewer v;
	int dir;
	size_t written, same;
	enum rc rc;
	struct err *err;
};

/* Whole or not at all: beside, then over the old one. */
static enum rc put_file(struct export *e, const char *name, str bytes, struct err *err)
{
	char part[80];
	snprintf(part, sizeof(part), ".%s.part", name);
	int fd = openat(e->dir, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return fail_errno(err, errno, "cannot make '%s'", part);
	bool ok = cli_write(e->c, fd, bytes) && fsync(fd) == 0;
	int why = errno;
	close(fd);
	if (ok && renameat(e->dir, part, e->dir, name) == 0)
		return RC_OK;
	why = ok ? errno : why;
	(void)!unlinkat(e->dir, part, 0);
	return fail_errno(err, why, "cannot write '%s'", name);
}

/* The file says already what it would: a reader of the folder then sees no change. */
static bool stands(struct export *e, const char *name, str bytes)
{
	struct stat st;
	char part[65536];
	bool same = true;
	int fd = openat(e->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	same = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == bytes.n;
	while (same && bytes.n > 0) {
		ssize_t got = read(fd, part, sizeof(part));
		same = got > 0 && (size_t)got <= bytes.n && memcmp(part, bytes.p, (size_t)got) == 0;
		bytes = same ? str_from(bytes, (size_t)got) : bytes;
	}
	close(fd);
	return same;
}

static enum rc put(struct export *e, const char *name, const struct buf *b, struct err *err)
{
	if (stands(e, name, buf_str(b))) {
		e->same++;
		return RC_OK;
	}
	e->written++;
	return put_file(e, name, buf_str(b), err);
}

static bool export_event(void *ctx, str uuid)
{
	struct export *e = ctx;
	struct buf b = BUF_INIT(EVENT_BYTES);
	char name[64];
	snprintf(name, sizeof(name), STR_FMT ".json", STR_ARG(uuid));
	e->rc = misp_released(e->c->node->exchange, e->r, &e->v, uuid, &b, e->err);
	if (e->rc == RC_OK)
		e->rc = put(e, name, &b, e->err);
	buf_free(&b);
	return e->rc == RC_OK && !e->c->broken;
}

/* Events, then what names them: a reader never finds a name without its file. */
static enum rc export_all(struct export *e, struct err *err)
{
	struct exchange *x = e->c->node->exchange;
	struct buf b = BUF_INIT(HASHES_BYTES);
	e->err = err;
	enum rc rc = misp_listed(x, e->r, &e->v, export_event, e, err);
	rc = rc == RC_OK ? e->rc : rc;
	if (rc == RC_OK)
		rc = misp_hashes(x, e->r, &e->v, &b, err);
	if (rc == RC_OK)
		rc = put(e, "hashes.csv", &b, err);
	buf_reset(&b);
	if (rc == RC_OK)
		rc = misp_manifest(x, e->r, &e->v, &b, err);
	if (rc == RC_OK && fsync(e->dir) != 0)
		rc = fail_errno(err, errno, "cannot sync the folder");
	if (rc == RC_OK)
		rc = put(e, "manifest.json", &b, err);
	buf_free(&b);
	return rc;
}

static enum rc export_viewer(struct cli *c, struct viewer *out, struct err *err)
{
	enum tlp most = TLP_CLEAR;
	const char *tlp = cli_value(c, "--tlp");
	if (tlp && (!tlp_parse(str_of(tlp), &most) || most >= TLP_RED))
		return fail(err, RC_INPUT, "--tlp takes CLEAR, GREEN, AMBER or AMBER+STRICT");
	if (most == TLP_CLEAR)
		return misp_public(c->node->exchange, out, err);
	*out = c->viewer;
	out->channel = CHANNEL_EXPORT;
	out->exercise = false;
	out->as.personal_basis = false; /* whoever fetches the folder is nobody we know */
	out->as.ceiling = most < out->as.ceiling ? most : out->as.ceiling;
	return RC_OK;
}

static enum rc open_folder(struct cli *c, const char *path, int *out, struct err *err)
{
	if (c->foreign)
		return fail(err, RC_DENIED, "a node writes no files for other Unix users");
	if (mkdirat(c->dir_fd, path, 0755) != 0 && errno != EEXIST)
		return fail_errno(err, errno, "cannot make the folder '%s'", path);
	*out = openat(c->dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *out < 0 ? fail_errno(err, errno, "cannot open the folder '%s'", path) : RC_OK;
}

static int export(struct cli *c)
{
	struct export e = { .c = c, .dir = -1 };
	struct err err;
	size_t released;
	if (c->argc != 2)
		return cli_usage(c, "export needs one folder");
	enum rc rc = export_viewer(c, &e.v, &err);
	if (rc == RC_OK)
		rc = open_folder(c, c->argv[1], &e.dir, &err);
	if (rc == RC_OK)
		rc = misp_release(c->node->exchange, &released, &err);
	if (rc == RC_OK)
		rc = store_read_begin(c->node->store, &e.r, &err);
	if (rc == RC_OK) {
		rc = export_all(&e, &err);
		store_read_end(e.r);
	}
	if (e.dir >= 0)
		close(e.dir);
	struct journal_act act = { .act = "export", .actor = str_of(c->viewer.actor), .object = STR("misp"),
				   .count = e.written };
	if (rc == RC_OK)
		rc = journal_write(c->node->journal, &act, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	cli_printf(c, c->form == CLI_JSON ? "{\"written\":%zu,\"unchanged\":%zu}\n" : "%zu files written, %zu unchanged\n",
		   e.written, e.same);
	return 0;
}

static int run(struct cli *c)
{
	static const struct { const char *word; int (*run)(struct cli *c); } words[] = {
		{ "export", export }, { "import", misp_import }, { "look", misp_look }, { "sources", misp_list_sources },
		{ "search", misp_search_all }, { "pull", misp_pull_all }, { "push", misp_push_all }, { "sighting", misp_sighting_of },
	};
	str word = c->argc ? str_of(c->argv[0]) : STR("");
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(word, str_of(words[i].word)))
			return words[i].run(c);
	return cli_usage(c, "export, import, look, sources, search, pull, push or sighting");
}

const struct cli_command cli_misp = {
	.name = "misp",
	.brief = "events to MISP and from it",
	.usage = "misp export DIR [--tlp TLP] | import FILE|DIR --feed NAME | look [NAME] | sources | search VALUE | "
		 "pull | push | sighting UUID",
	.text = "export writes our events as a MISP feed into a folder, as static files for any web server: one file a day, "
		"class and marking, then hashes.csv and manifest.json. Without --tlp it holds what is TLP:CLEAR and may be "
		"given to everybody; with it you guard the folder. Done again it writes what changed. import takes a MISP event, "
		"or a folder of a feed, as reports of one feed of ours. look asks the feeds of misp_feeds for what is new, "
		"as the node does by itself; sources says how that went. search asks partners' MISP servers who knows a value: "
		"they learn what you ask. pull and push fetch and send what is new; sighting tells a partner of one attribute of "
		"his (docs/misp.md).",
	.example = "ronda misp -d demo export feed",
	.options = options,
	.needs_node = true,
	.needs_parsers = true,
	.run = run,
};
