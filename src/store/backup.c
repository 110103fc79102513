/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backup.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "store/rewrite.h"
#include "store/store_private.h"

enum { FILE_NAME = 64, FILES_BESIDE = 256, STEP_PAGES = 512, TAG_FILES = 256, KEPT_FILES = 512, DROP_BYTES = 1 << 23 };
#define COPY "backup.db" /* removed at the end, or at the next start */

struct store_backup {
	struct store *s;
	struct io_dir *repeats, *types, *evidence, *mappings, *gnupg, *private;
	struct backup_file *file;
	size_t n, room, missing;
	/* tag files and layers of findings are merged and removed while we read: held open from the start */
	struct io_file *kept[KEPT_FILES];
	size_t kept_at[KEPT_FILES], kept_count;
	struct io_file *open; /* the one being read */
	size_t open_at;
	uint64_t dropped; /* of it, from the kernel's cache */
};

/* --- names --- */

static bool is_tag_file(str name)
{
	int64_t id;
	char again[BACKUP_NAME];
	if (!str_ends(name, STR(".tags")) || !str_to_i64(str_head(name, name.n - 5), &id) || id < 0)
		return false;
	snprintf(again, sizeof(again), "%lld.tags", (long long)id);
	return str_eq(name, str_of(again));
}

static bool is_plain_name(str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_' && c != '.')
			return false;
	}
	return name.n > 0 && name.n < FILE_NAME && name.p[0] != '.';
}

/* Settings, keys, roles, holidays: whatever small file a node keeps in its directory,
 * but for the database, what is made again, and what is half done. */
static bool is_small_file(str name)
{
	static const char *const not_these[] = { "main.db", "init.db",	 "backup.db", "restore.db",
						 "lock",    "networks-", "sock" };
	for (size_t i = 0; i < COUNT_OF(not_these); i++)
		if (str_starts(name, str_of(not_these[i])))
			return false;
	return is_plain_name(name) && !str_ends(name, STR(".new")) && !str_ends(name, STR(".tmp"));
}

static bool is_digest(str name)
{
	unsigned char d[32];
	return name.n == 2 * sizeof(d) && hex_parse(name, d, sizeof(d));
}

/* The key ring, but for what gpg locks and remakes, and for its sockets (which are no files anyway). A
 * private key stands in a folder of its own under its keygrip. */
static bool is_key_ring(str file)
{
	static const char *const these[] = { "pubring.kbx", "trustdb.gpg", "trustlist.txt" };
	unsigned char grip[20];
	str folder = STR("private-keys-v1.d/"), key = STR(".key");
	for (size_t i = 0; i < COUNT_OF(these); i++)
		if (str_eq(file, str_of(these[i])))
			return true;
	if (!str_starts(file, folder) || !str_ends(file, key) || file.n != folder.n + 2 * sizeof(grip) + key.n)
		return false;
	return hex_parse(str_head(str_from(file, folder.n), 2 * sizeof(grip)), grip, sizeof(grip));
}

bool store_backup_name_is_ours(str name)
{
	char z[BACKUP_NAME];
	int32_t day;
	uint32_t number;
	if (str_eq(name, STR(DB_NAME)))
		return true;
	if (!str_has(name, '/'))
		return is_small_file(name);
	str file = name, dir = str_cut(&file, '/');
	if (str_eq(dir, STR("types")))
		return is_plain_name(file) && str_ends(file, STR(".json"));
	if (str_eq(dir, STR("mappings")))
		return is_plain_name(file) && str_ends(file, STR(".mustache"));
	if (str_eq(dir, STR("evidence")))
		return is_digest(file);
	if (str_eq(dir, STR("gnupg")))
		return is_key_ring(file);
	if (!str_to_z(file, z, sizeof(z)))
		return false;
	if (str_eq(dir, STR("raw")) || str_eq(dir, STR("events")) || str_eq(dir, STR("findings")))
		return segment_parse_name(z, &day, &number);
	return str_eq(dir, STR("repeats")) && is_tag_file(file);
}

/* --- the list --- */

static struct backup_file *add(struct store_backup *b, const char *dir, const char *name)
{
	if (b->n == b->room) {
		b->room = b->room ? 2 * b->room : 64;
		b->file = x_grow(b->file, b->room, sizeof(*b->file));
	}
	struct backup_file *f = &b->file[b->n++];
	*f = (struct backup_file){ .bytes = 0 };
	snprintf(f->name, sizeof(f->name), "%s%s%s", dir, *dir ? "/" : "", name);
	return f;
}

static enum rc dir_of(struct store_backup *b, const char *name, struct io_dir **out,
		      const char **file_out)
{
	const char *slash = strrchr(name, '/');
	*file_out = slash ? slash + 1 : name;
	*out = !slash				? b->s->dir
	       : str_starts(str_of(name), STR("raw/"))	? b->s->raw
	       : str_starts(str_of(name), STR("events/")) ? b->s->events
	       : str_starts(str_of(name), STR("findings/")) ? b->s->findings
	       : str_starts(str_of(name), STR("types/"))  ? b->types
	       : str_starts(str_of(name), STR("evidence/")) ? b->evidence
	       : str_starts(str_of(name), STR("mappings/")) ? b->mappings
	       : str_starts(str_of(name), STR("gnupg/private-keys-v1.d/")) ? b->private
	       : str_starts(str_of(name), STR("gnupg/")) ? b->gnupg
						       : b->repeats;
	return *out ? RC_OK : RC_ABSENT;
}

static enum rc size_of(struct io_dir *d, const char *name, uint64_t *out, struct err *err)
{
	struct io_file *f;
	enum rc rc = io_open(d, name, IO_READ, &f, err);
	if (rc != RC_OK)
		return rc;
	rc = io_size(f, out, err);
	io_close(f);
	return rc;
}

/* The file that is listed next stays open until the end. */
static enum rc keep_open(struct store_backup *b, struct io_dir *d, const char *name, struct err *err)
{
	if (b->kept_count == KEPT_FILES)
		return fail(err, RC_LIMIT, "more than %d layers and tag files: try again later", KEPT_FILES);
	enum rc rc = io_open(d, name, IO_READ, &b->kept[b->kept_count], err);
	if (rc == RC_OK)
		b->kept_at[b->kept_count++] = b->n;
	return rc;
}

/* As the copy of main.db names them; shorter ones as they are. */
static enum rc list_segments(struct store_backup *b, struct conn *c, struct err *err)
{
	static const char *const folders[] = { [SEGMENT_RAW] = "raw", [SEGMENT_EVENTS] = "events",
					       [SEGMENT_FINDINGS] = "findings" };
	enum rc rc = RC_OK;
	struct sql *q = sql(c, "SELECT kind, day, number, bytes FROM segment WHERE bytes >= 0"
			       " ORDER BY kind, day, number");
	while (rc == RC_OK && sql_row(q)) {
		enum segment which = (enum segment)sql_col_int(q, 0);
		char name[SEGMENT_NAME];
		uint64_t size = 0, named = (uint64_t)sql_col_int(q, 3);
		segment_file_name((int32_t)sql_col_int(q, 1), (uint32_t)sql_col_int(q, 2), name);
		rc = size_of(segment_dir(b->s, which), name, &size, err);
		if (rc == RC_ABSENT) {
			b->missing++;
			rc = RC_OK;
			continue;
		}
		if (rc != RC_OK)
			break;
		if (which == SEGMENT_FINDINGS)
			rc = keep_open(b, segment_dir(b->s, which), name, err);
		struct backup_file *f = add(b, folders[which], name);
		f->damaged = size < named;
		f->bytes = f->damaged ? size : named;
	}
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	return rc == RC_OK ? end : rc;
}

struct beside {
	struct store_backup *b;
	struct io_dir *d;
	const char *dir;
	bool keeps; /* they are replaced while we read, and may be large */
	size_t n;
};

static bool take_beside(void *ctx, const char *name)
{
	struct beside *s = ctx;
	char whole[2 * BACKUP_NAME];
	struct stat st;
	if (strlen(name) >= FILE_NAME)
		return true;
	snprintf(whole, sizeof(whole), "%s%s%s", s->dir, *s->dir ? "/" : "", name);
	if (!store_backup_name_is_ours(str_of(whole)) || str_eq(str_of(whole), STR(DB_NAME)) ||
	    fstatat(io_dir_fd(s->d), name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
	    ((uint64_t)st.st_size > MIB(16) && !s->keeps))
		return true;
	if (s->keeps) /* gpg puts a new file in the place of the old one: the one of now is read */
		(void)!keep_open(s->b, s->d, name, NULL);
	add(s->b, s->dir, name)->bytes = (uint64_t)st.st_size;
	return ++s->n < FILES_BESIDE;
}

static enum rc list_beside(struct store_backup *b, struct err *err)
{
	struct beside root = { .b = b, .d = b->s->dir, .dir = "" };
	enum rc rc = io_dir_each(b->s->dir, take_beside, &root, err);
	const struct { const char *name; struct io_dir **dir; } places[] = { { "types", &b->types },
									      { "mappings", &b->mappings } };
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(places); i++) {
		if (io_dir_sub(b->s->dir, places[i].name, false, places[i].dir, NULL) != RC_OK)
			continue;
		struct beside inside = { .b = b, .d = *places[i].dir, .dir = places[i].name };
		rc = io_dir_each(*places[i].dir, take_beside, &inside, err);
	}
	if (rc != RC_OK || io_dir_sub(b->s->dir, "gnupg", false, &b->gnupg, NULL) != RC_OK)
		return rc;
	struct beside ring = { .b = b, .d = b->gnupg, .dir = "gnupg", .keeps = true };
	rc = io_dir_each(b->gnupg, take_beside, &ring, err);
	if (rc != RC_OK || io_dir_sub(b->gnupg, "private-keys-v1.d", false, &b->private, NULL) != RC_OK)
		return rc;
	struct beside keys = { .b = b, .d = b->private, .dir = "gnupg/private-keys-v1.d", .keeps = true };
	return io_dir_each(b->private, take_beside, &keys, err);
}

/* Files of evidence as the copy of main.db names them: each once, under the digest of it. */
static enum rc list_evidence(struct store_backup *b, struct conn *c, struct err *err)
{
	enum rc rc = RC_OK;
	bool folder = io_dir_sub(b->s->dir, "evidence", false, &b->evidence, NULL) == RC_OK;
	struct sql *q = sql(c, "SELECT DISTINCT lower(hex(stored)), stored_bytes FROM evidence_item WHERE state <> 3"
			       " ORDER BY stored");
	while (rc == RC_OK && sql_row(q)) {
		char name[BACKUP_NAME];
		uint64_t size = 0, named = (uint64_t)sql_col_int(q, 1);
		if (!str_to_z(sql_col_str(q, 0), name, sizeof(name)))
			continue;
		rc = folder ? size_of(b->evidence, name, &size, err) : RC_ABSENT;
		if (rc == RC_ABSENT) {
			b->missing++;
			rc = RC_OK;
			continue;
		}
		if (rc != RC_OK)
			break;
		struct backup_file *f = add(b, "evidence", name);
		f->damaged = size != named;
		f->bytes = size;
	}
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	return rc == RC_OK ? end : rc;
}

/* Repeats are forgotten where one is missing: none of them keeps a backup from being made. */
static enum rc list_tags(struct store_backup *b, struct conn *c, struct err *err)
{
	if (io_dir_sub(b->s->dir, "repeats", false, &b->repeats, NULL) != RC_OK)
		return RC_OK;
	struct sql *q = sql(c, "SELECT id FROM repeat_file ORDER BY id DESC LIMIT ?");
	sql_int(q, 1, TAG_FILES);
	while (sql_row(q)) {
		char name[BACKUP_NAME];
		struct io_file *f;
		uint64_t bytes;
		snprintf(name, sizeof(name), "%lld.tags", (long long)sql_col_int(q, 0));
		if (io_open(b->repeats, name, IO_READ, &f, NULL) != RC_OK)
			continue;
		if (io_size(f, &bytes, NULL) != RC_OK) {
			io_close(f);
			continue;
		}
		if (b->kept_count == KEPT_FILES) {
			io_close(f);
			break;
		}
		b->kept_at[b->kept_count] = b->n;
		b->kept[b->kept_count++] = f;
		add(b, "repeats", name)->bytes = bytes;
	}
	return sql_end(q, err);
}

/* --- the copy of main.db --- */

static enum rc is_room(struct store *s, struct conn *c, struct err *err)
{
	uint64_t free_bytes, need = 0;
	struct sql *q = sql(c, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
	if (sql_row(q))
		need = (uint64_t)sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK)
		rc = io_free_bytes(s->dir, &free_bytes, err);
	if (rc == RC_OK && free_bytes < need + s->o.reserve_bytes)
		return fail(err, RC_LIMIT,
			    "a backup needs %llu MiB for a copy of main.db: %llu are free, %llu kept back",
			    (unsigned long long)(need >> 20) + 1, (unsigned long long)(free_bytes >> 20),
			    (unsigned long long)(s->o.reserve_bytes >> 20));
	return rc;
}

static enum rc copy_pages(struct conn *from, struct conn *to, struct err *err)
{
	sqlite3_backup *copy = sqlite3_backup_init(conn_db(to), "main", conn_db(from), "main");
	int code = copy ? SQLITE_OK : sqlite3_errcode(conn_db(to));
	while (code == SQLITE_OK)
		code = sqlite3_backup_step(copy, STEP_PAGES);
	if (copy)
		(void)sqlite3_backup_finish(copy);
	if (code == SQLITE_DONE)
		return RC_OK;
	return fail(err, (code & 0xff) == SQLITE_FULL ? RC_LIMIT : RC_IO, "cannot copy main.db: %s",
		    sqlite3_errstr(code));
}

/* The view is held only while main.db is copied: its log grows as long. */
static enum rc copy_db(struct store *s, struct conn *from, struct err *err)
{
	char path[1024];
	struct io_file *f;
	struct conn *to = NULL;
	enum rc rc = store_db_path(s->dir, COPY, path, sizeof(path), err);
	if (rc == RC_OK)
		rc = is_room(s, from, err);
	if (rc == RC_OK)
		rc = io_open(s->dir, COPY, IO_WRITE | IO_CREATE, &f, err);
	if (rc != RC_OK)
		return rc;
	rc = io_truncate(f, 0, err);
	io_close(f);
	if (rc == RC_OK)
		rc = conn_open(path, CONN_WRITE, 1024, &to, err);
	/* it need not survive a power cut */
	if (rc == RC_OK)
		rc = conn_exec(to, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY", err);
	if (rc == RC_OK)
		rc = copy_pages(from, to, err);
	conn_close(to);
	return rc;
}

void store_backup_clean(struct store *s)
{
	(void)!io_unlink(s->dir, COPY, NULL);
	(void)!io_unlink(s->dir, COPY "-journal", NULL);
	(void)!io_unlink(s->dir, COPY "-wal", NULL);
	(void)!io_unlink(s->dir, COPY "-shm", NULL);
}

/* --- its life --- */

static enum rc take_view(struct store_backup *b, struct reader *r, struct err *err)
{
	struct conn *c = reader_conn(r);
	uint64_t bytes = 0;
	enum rc rc = copy_db(b->s, c, err);
	if (rc == RC_OK)
		rc = size_of(b->s->dir, COPY, &bytes, err);
	if (rc != RC_OK)
		return rc;
	add(b, "", DB_NAME)->bytes = bytes;
	rc = list_beside(b, err);
	if (rc == RC_OK)
		rc = list_segments(b, c, err);
	if (rc == RC_OK)
		rc = list_evidence(b, c, err);
	return rc == RC_OK ? list_tags(b, c, err) : rc;
}

enum rc store_backup_begin(struct store *s, struct store_backup **out, struct err *err)
{
	struct reader *r;
	if (store_read_only(s))
		return fail(err, RC_IO, "the store is read-only: copy its directory while it is stopped");
	if (!store_take_files(s))
		return fail(err, RC_BUSY,
			    "a backup, an erasure or forgetting is under way: try again when it has ended");
	struct store_backup *b = x_alloc(sizeof(*b));
	b->s = s;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK) {
		rc = take_view(b, r, err);
		store_read_end(r);
	}
	if (rc != RC_OK) {
		store_backup_end(b);
		return rc;
	}
	*out = b;
	return RC_OK;
}

void store_backup_end(struct store_backup *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->kept_count; i++)
		io_close(b->kept[i]);
	io_close(b->open);
	io_dir_close(b->repeats);
	io_dir_close(b->types);
	io_dir_close(b->evidence);
	io_dir_close(b->mappings);
	io_dir_close(b->gnupg);
	io_dir_close(b->private);
	store_backup_clean(b->s);
	store_give_files(b->s);
	free(b->file);
	free(b);
}

const struct backup_file *store_backup_files(const struct store_backup *b, size_t *count_out,
					     size_t *missing_out)
{
	*count_out = b->n;
	*missing_out = b->missing;
	return b->file;
}

/* --- reading --- */

static enum rc open_file(struct store_backup *b, size_t i, struct io_file **out, struct err *err)
{
	for (size_t t = 0; t < b->kept_count; t++)
		if (b->kept_at[t] == i) {
			*out = b->kept[t];
			return RC_OK;
		}
	if (b->open && b->open_at == i) {
		*out = b->open;
		return RC_OK;
	}
	io_close(b->open);
	b->open = NULL;
	struct io_dir *d;
	const char *name;
	enum rc rc = dir_of(b, b->file[i].name, &d, &name);
	if (rc == RC_OK)
		rc = io_open(d, i == 0 ? COPY : name, IO_READ, &b->open, err);
	b->open_at = i;
	b->dropped = 0;
	*out = b->open;
	return rc;
}

enum rc store_backup_read(struct store_backup *b, size_t i, uint64_t at, void *to, size_t n,
			  struct err *err)
{
	struct io_file *f = NULL;
	enum rc rc = open_file(b, i, &f, err);
	if (rc == RC_OK)
		rc = io_read_at(f, at, to, n, err);
	/* what is read once shall not push out what queries read often */
	if (rc == RC_OK && f == b->open && at + n - b->dropped >= DROP_BYTES) {
		(void)posix_fadvise(io_fd(f), (off_t)b->dropped, (off_t)(at + n - b->dropped),
				    POSIX_FADV_DONTNEED);
		b->dropped = at + n;
	}
	return rc;
}
