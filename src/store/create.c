/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "store/migrations.h"
#include "store/store_private.h"

#define DB_NEW "init.db" /* becomes main.db when it is whole */

static bool is_left_over(const char *name)
{
	static const char *const names[] = {
		DB_NEW, DB_NEW "-journal", DB_NEW "-wal", DB_NEW "-shm", "raw", "events", "findings", "lock"
	};
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool only_left_overs(void *ctx, const char *name)
{
	*(bool *)ctx = is_left_over(name);
	return *(bool *)ctx;
}

/* An empty directory, or one where a creation was interrupted. */
static enum rc make_root(const char *dir, struct io_dir **out, struct err *err)
{
	enum rc rc = io_dir_make(dir, out, err);
	if (rc != RC_CONFLICT)
		return rc;
	struct io_dir *d;
	bool ours = true;
	if (io_dir_open(dir, &d, NULL) != RC_OK)
		return rc;
	if (io_dir_each(d, only_left_overs, &ours, NULL) != RC_OK || !ours) {
		io_dir_close(d);
		return rc;
	}
	(void)!io_unlink(d, DB_NEW, NULL);
	(void)!io_unlink(d, DB_NEW "-journal", NULL);
	(void)!io_unlink(d, DB_NEW "-wal", NULL);
	*out = d;
	return RC_OK;
}

static enum rc put_node(struct conn *c, const char *key, str value, struct err *err)
{
	struct sql *q = sql(c, "INSERT INTO node (key, value) VALUES (?, ?)");
	sql_str(q, 1, str_of(key));
	sql_blob(q, 2, value);
	return sql_run(q, err);
}

static void new_uuid(char text[40])
{
	unsigned char b[16];
	struct buf hex = BUF_INIT(64);
	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	hex_format(&hex, b, sizeof(b));
	snprintf(text, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hex.p, hex.p + 8, hex.p + 12, hex.p + 16,
		 hex.p + 20);
	buf_free(&hex);
}

static enum rc fill(struct conn *c, const char *name, const char *country, struct err *err)
{
	struct key secret;
	char id[40], made[40];
	random_bytes(&secret, sizeof(secret));
	new_uuid(id);
	enum rc rc = conn_exec(c, "BEGIN", err);
	for (int v = 0; v < store_version && rc == RC_OK; v++)
		rc = conn_exec(c, store_migrations[v], err);
	if (rc == RC_OK)
		rc = put_node(c, "id", str_of(id), err);
	if (rc == RC_OK)
		rc = put_node(c, "name", str_of(name), err);
	if (rc == RC_OK)
		rc = put_node(c, "country", str_of(country), err);
	if (rc == RC_OK)
		rc = put_node(c, "made", time_str(made, clock_now_us()), err);
	if (rc == RC_OK)
		rc = put_node(c, "secret", str_mem(&secret, sizeof(secret)), err);
	if (rc == RC_OK)
		rc = conn_exec(c, "COMMIT", err);
	explicit_bzero(&secret, sizeof(secret));
	return rc;
}

static enum rc make_db(struct io_dir *d, const char *name, const char *country, struct err *err)
{
	char path[1024];
	struct io_file *f;
	struct conn *c;
	enum rc rc = store_db_path(d, DB_NEW, path, sizeof(path), err);
	if (rc == RC_OK)
		rc = io_open(d, DB_NEW, IO_CREATE | IO_WRITE, &f, err);
	if (rc != RC_OK)
		return rc;
	io_close(f);
	rc = conn_open(path, CONN_WRITE, 256, &c, err);
	if (rc != RC_OK)
		return rc;
	rc = fill(c, name, country, err);
	if (rc == RC_OK)
		rc = conn_exec(c, "PRAGMA journal_mode = WAL", err);
	conn_close(c);
	return rc;
}

enum rc store_create(const char *dir, const char *name, const char *country, struct err *err)
{
	if (strlen(name) >= sizeof(((struct store *)0)->name) || !str_is_plain(str_of(name)))
		return fail(err, RC_INPUT, "the name of a node is plain text of at most 255 bytes");
	if (strlen(country) != 2)
		return fail(err, RC_INPUT, "'%s' is no country code of two letters", country);
	struct io_dir *d, *sub;
	enum rc rc = make_root(dir, &d, err);
	if (rc != RC_OK)
		return rc;
	static const char *const subs[] = { "raw", "events", "findings" };
	for (size_t i = 0; i < COUNT_OF(subs) && rc == RC_OK; i++) {
		rc = io_dir_sub(d, subs[i], true, &sub, err);
		if (rc == RC_OK)
			io_dir_close(sub);
	}
	if (rc == RC_OK)
		rc = make_db(d, name, country, err);
	if (rc == RC_OK)
		rc = io_rename(d, DB_NEW, DB_NAME, err);
	if (rc == RC_OK)
		rc = io_dir_sync(d, err);
	io_dir_close(d);
	return rc;
}
