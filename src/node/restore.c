/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/io.h"
#include "base/json.h"
#include "node/backup_private.h"
#include "store/backup.h"

#define DB_BESIDE "restore.db" /* becomes main.db when all is there */
enum { FILES_MAX = 300000 };

struct entry {
	char name[BACKUP_NAME];
	uint64_t bytes;
};

struct reading {
	crypto_secretstream_xchacha20poly1305_state stream;
	unsigned char head[HEAD_BYTES];
	size_t head_bound;
	unsigned char sealed[MESSAGE + MESSAGE_MORE];
	unsigned char plain[MESSAGE];
	size_t n, at;    /* of plain: there, and taken */
	uint64_t offset; /* in the stream, for sentences */
	bool last;       /* the final message was read */
	backup_get get;
	backup_progress progress;
	void *ctx;
	uint64_t done, all;
	struct entry *entry;
	size_t entries, written; /* files that were made, also in part */
	struct io_dir *dir, *sub[9];
	bool made; /* the directory is ours */
};

static const char *const subs[] = { "raw", "events", "findings", "repeats", "types", "evidence",
				    "mappings", "gnupg", "gnupg/private-keys-v1.d" };
enum { INSIDE = 7 }; /* the one before the last holds the last */

/* --- the stream --- */

/* All n bytes; RC_INPUT where it ends before, *end_out true when at once. */
static enum rc get(struct reading *r, void *to, size_t n, bool *end_out, struct err *err)
{
	size_t have = 0;
	while (have < n) {
		long got = r->get(r->ctx, (char *)to + have, n - have);
		if (got < 0)
			return fail_errno(err, errno, "the backup cannot be read");
		if (got == 0)
			break;
		have += (size_t)got;
	}
	r->offset += have;
	if (end_out)
		*end_out = have == 0;
	if (have < n)
		return fail(err, RC_INPUT, "the backup is cut off at byte %llu",
			    (unsigned long long)r->offset);
	return RC_OK;
}

static enum rc open_stream(struct reading *r, const struct backup_key *secret, struct err *err)
{
	unsigned char public[crypto_box_PUBLICKEYBYTES];
	unsigned char key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
	char text[BACKUP_KEY_TEXT];
	enum rc rc = get(r, r->head, HEAD_KEY, NULL, err);
	if (rc == RC_IO)
		return rc;
	if (rc != RC_OK || memcmp(r->head, BACKUP_MAGIC, 8) != 0)
		return fail(err, RC_INPUT, "this is no backup of ronda");
	if (r->head[8] != BACKUP_VERSION || r->head[9])
		return fail(err, RC_CONFLICT, "the backup has version %d, this ronda knows %d: use a newer ronda",
			    r->head[8] | r->head[9] << 8, BACKUP_VERSION);
	rc = get(r, r->head + HEAD_KEY, HEAD_BYTES - HEAD_KEY, NULL, err);
	if (rc != RC_OK)
		return rc;
	(void)!crypto_scalarmult_base(public, secret->b);
	if (memcmp(public, r->head + HEAD_KEY, sizeof(public)) != 0) {
		backup_public_text(r->head + HEAD_KEY, text);
		return fail(err, RC_DENIED, "the backup was made for another key, whose public half is %s", text);
	}
	bool ok = crypto_box_seal_open(key, r->head + HEAD_SEALED, SEALED, public, secret->b) == 0 &&
		  crypto_secretstream_xchacha20poly1305_init_pull(&r->stream, r->head + HEAD_STREAM,
								  key) == 0;
	explicit_bzero(key, sizeof(key));
	r->head_bound = HEAD_BYTES;
	return ok ? RC_OK : fail(err, RC_INPUT, "the backup is damaged in its head");
}

static enum rc pull(struct reading *r, struct err *err)
{
	unsigned char length[4], tag = 0;
	unsigned long long n = 0;
	uint64_t at = r->offset;
	enum rc rc = get(r, length, sizeof(length), NULL, err);
	if (rc != RC_OK)
		return rc;
	size_t sealed = (size_t)length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 |
			(size_t)length[3] << 24;
	bool fits = sealed >= MESSAGE_MORE && sealed <= sizeof(r->sealed);
	if (fits)
		rc = get(r, r->sealed, sealed, NULL, err);
	if (rc != RC_OK)
		return rc;
	if (!fits || crypto_secretstream_xchacha20poly1305_pull(&r->stream, r->plain, &n, &tag, r->sealed,
								sealed, r->head, r->head_bound) != 0)
		return fail(err, RC_INPUT, "the backup is damaged at byte %llu",
			    (unsigned long long)at);
	r->head_bound = 0;
	r->n = (size_t)n;
	r->at = 0;
	r->last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	return RC_OK;
}

/* Up to `most` bytes that stand next, at least one. */
static enum rc take(struct reading *r, size_t most, str *out, struct err *err)
{
	enum rc rc = RC_OK;
	while (rc == RC_OK && r->at == r->n)
		rc = r->last ? fail(err, RC_INPUT, "the backup ends before all its files") : pull(r, err);
	if (rc != RC_OK)
		return rc;
	size_t n = r->n - r->at < most ? r->n - r->at : most;
	*out = str_mem(r->plain + r->at, n);
	r->at += n;
	return RC_OK;
}

static enum rc take_all(struct reading *r, size_t n, struct buf *out, struct err *err)
{
	enum rc rc = RC_OK;
	while (rc == RC_OK && out->n < n) {
		str s = STR_NONE;
		rc = take(r, n - out->n, &s, err);
		buf_add(out, s);
	}
	return rc;
}

/* Nothing follows: neither in the stream nor behind it. */
static enum rc at_end(struct reading *r, struct err *err)
{
	char more;
	bool end = false;
	enum rc rc = RC_OK;
	while (rc == RC_OK && r->at == r->n && !r->last)
		rc = pull(r, err);
	if (rc != RC_OK)
		return rc;
	if (r->at < r->n)
		return fail(err, RC_INPUT, "the backup holds more than it lists");
	rc = get(r, &more, 1, &end, err);
	if (rc == RC_OK)
		return fail(err, RC_INPUT, "bytes follow the end of the backup");
	return end && rc == RC_INPUT ? RC_OK : rc;
}

/* --- the listing --- */

static enum rc take_entry(struct reading *r, struct json_object *o, struct err *err)
{
	str name = json_get_str(o, "name");
	int64_t bytes = -1;
	struct entry *e = &r->entry[r->entries];
	if (!store_backup_name_is_ours(name) || !json_get_i64(o, "bytes", &bytes) || bytes < 0)
		return fail(err, RC_INPUT, "the backup lists '" STR_FMT "', which no node has",
			    STR_ARG(str_head(name, 80)));
	str_to_z(name, e->name, sizeof(e->name));
	e->bytes = (uint64_t)bytes;
	r->all += e->bytes;
	r->entries++;
	return RC_OK;
}

static void take_text(struct json_object *o, const char *key, char *to, size_t size)
{
	str s = json_get_str(o, key);
	if (!str_is_plain(s) || !str_to_z(s, to, size))
		to[0] = '\0';
}

static enum rc take_listing_json(struct reading *r, str text, struct backup_summary *sum,
				 struct err *err)
{
	struct json_object *o = NULL;
	int64_t missing = 0;
	enum rc rc = json_read(text, &o, err);
	struct json_object *files = rc == RC_OK ? json_get(o, "files") : NULL;
	size_t n = json_count(files);
	if (rc == RC_OK && (n == 0 || n > FILES_MAX))
		rc = fail(err, RC_INPUT, "the backup lists %zu files", n);
	if (rc == RC_OK) {
		take_text(o, "node", sum->node, sizeof(sum->node));
		take_text(o, "name", sum->name, sizeof(sum->name));
		take_text(o, "version", sum->version, sizeof(sum->version));
		take_text(o, "journal_head", sum->head, sizeof(sum->head));
		(void)json_get_i64(o, "made_us", &sum->made_us);
		(void)json_get_i64(o, "missing", &missing);
		sum->missing = (uint64_t)missing;
		r->entry = x_array(n, sizeof(*r->entry));
	}
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = take_entry(r, json_at(files, i), err);
	if (rc == RC_OK && strcmp(r->entry[0].name, "main.db") != 0)
		rc = fail(err, RC_INPUT, "the backup does not begin with main.db");
	json_free(o);
	return rc;
}

static enum rc take_listing(struct reading *r, struct backup_summary *sum, struct err *err)
{
	struct buf length = BUF_INIT(8), text = BUF_INIT(LISTING_MAX);
	enum rc rc = take_all(r, 4, &length, err);
	if (rc == RC_OK) {
		struct wire w = wire_of(buf_str(&length));
		size_t n = wire_le32(&w);
		rc = n < LISTING_MAX ? take_all(r, n, &text, err)
				     : fail(err, RC_LIMIT, "the listing of the backup is too long");
	}
	if (rc == RC_OK)
		rc = take_listing_json(r, buf_str(&text), sum, err);
	buf_free(&length);
	buf_free(&text);
	return rc;
}

/* --- files --- */

static struct io_dir *place_of(struct reading *r, size_t i, const char **name_out)
{
	const char *name = r->entry[i].name, *slash = strrchr(name, '/');
	*name_out = slash ? slash + 1 : i == 0 ? DB_BESIDE : name;
	for (size_t k = 0; slash && k < COUNT_OF(subs); k++)
		if (str_eq(str_mem(name, (size_t)(slash - name)), str_of(subs[k])))
			return r->sub[k];
	return r->dir;
}

/* The file's bytes, into `f` unless that is NULL, and their digest. */
static enum rc take_bytes(struct reading *r, size_t i, struct io_file *f, struct err *err)
{
	struct sha256 *sha = sha256_new();
	struct buf want = BUF_INIT(64);
	enum rc rc = RC_OK;
	for (uint64_t at = 0; at < r->entry[i].bytes && rc == RC_OK;) {
		uint64_t left = r->entry[i].bytes - at;
		str s = STR_NONE;
		rc = take(r, left < MESSAGE ? (size_t)left : MESSAGE, &s, err);
		if (rc == RC_OK && f)
			rc = io_write_at(f, at, s, err);
		sha256_add(sha, s);
		at += s.n;
		r->done += s.n;
		if (rc == RC_OK && r->progress)
			r->progress(r->ctx, r->done, r->all);
	}
	struct digest is = sha256_end(sha);
	if (rc == RC_OK)
		rc = take_all(r, sizeof(is.b), &want, err);
	if (rc == RC_OK && !str_eq(buf_str(&want), str_mem(is.b, sizeof(is.b))))
		rc = fail(err, RC_INPUT, "'%s' is not what its digest in the backup says",
			  r->entry[i].name);
	buf_free(&want);
	return rc;
}

static enum rc take_file(struct reading *r, size_t i, struct err *err)
{
	struct io_file *f = NULL;
	const char *name;
	enum rc rc = RC_OK;
	if (r->dir) {
		struct io_dir *d = place_of(r, i, &name);
		rc = io_open(d, name, IO_WRITE | IO_CREATE | IO_FRESH, &f, err);
		r->written = rc == RC_OK ? i + 1 : i;
	}
	if (rc == RC_OK)
		rc = take_bytes(r, i, f, err);
	/* evidence is never written again */
	if (rc == RC_OK && f && str_starts(str_of(r->entry[i].name), STR("evidence/")) && fchmod(io_fd(f), 0400) != 0)
		rc = fail_errno(err, errno, "cannot make '%s' read-only", r->entry[i].name);
	if (rc == RC_OK && f)
		rc = io_sync(f, err);
	io_close(f);
	return rc;
}

/* --- the directory --- */

static enum rc make_dir(struct reading *r, const char *path, struct err *err)
{
	if (!path)
		return RC_OK;
	r->made = access(path, F_OK) != 0;
	enum rc rc = io_dir_make(path, &r->dir, err);
	if (rc != RC_OK) {
		r->dir = NULL;
		return rc;
	}
	for (size_t k = 0; k < COUNT_OF(subs) && rc == RC_OK; k++) {
		const char *inside = strrchr(subs[k], '/');
		rc = io_dir_sub(inside ? r->sub[INSIDE] : r->dir, inside ? inside + 1 : subs[k], true, &r->sub[k], err);
	}
	return rc;
}

static enum rc finish(struct reading *r, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t k = 0; k < COUNT_OF(subs) && rc == RC_OK; k++)
		rc = io_dir_sync(r->sub[k], err);
	if (rc == RC_OK)
		rc = io_rename(r->dir, DB_BESIDE, "main.db", err);
	return rc == RC_OK ? io_dir_sync(r->dir, err) : rc;
}

/* Half a node is none: nothing stays. */
static void take_back(struct reading *r, const char *path)
{
	if (!r->dir)
		return;
	(void)!io_unlink(r->dir, "main.db", NULL);
	for (size_t i = 0; i < r->written; i++) {
		const char *name;
		struct io_dir *d = place_of(r, i, &name);
		(void)!io_unlink(d, name, NULL);
	}
	for (size_t k = COUNT_OF(subs); k > 0; k--)
		(void)!unlinkat(io_dir_fd(r->dir), subs[k - 1], AT_REMOVEDIR);
	if (r->made)
		(void)!rmdir(path);
}

enum rc backup_read(const struct backup_key *secret, const char *dir, backup_get get_fn,
		    backup_progress progress, void *ctx, struct backup_summary *out, struct err *err)
{
	struct reading *r = x_alloc(sizeof(*r));
	r->get = get_fn;
	r->progress = progress;
	r->ctx = ctx;
	*out = (struct backup_summary){ 0 };
	enum rc rc = open_stream(r, secret, err);
	if (rc == RC_OK)
		rc = take_listing(r, out, err);
	if (rc == RC_OK)
		rc = make_dir(r, dir, err);
	for (size_t i = 0; i < r->entries && rc == RC_OK; i++)
		rc = take_file(r, i, err);
	if (rc == RC_OK)
		rc = at_end(r, err);
	if (rc == RC_OK && r->dir)
		rc = finish(r, err);
	out->files = r->entries;
	out->bytes = r->all;
	if (rc != RC_OK)
		take_back(r, dir);
	for (size_t k = 0; k < COUNT_OF(subs); k++)
		io_dir_close(r->sub[k]);
	io_dir_close(r->dir);
	free(r->entry);
	sodium_memzero(r, sizeof(*r));
	free(r);
	return rc;
}
