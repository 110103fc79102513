/* SPDX-License-Identifier: Apache-2.0 */
#include "node/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--to", 0, "FILE", "where it goes: a new file, or - for standard output" },
	{ "--key", 0, "PUBLIC", "the public key it is encrypted to (default: setting backup_key)" },
	{ .name = NULL },
};

/* --- ronda backup key OUT: needs no node, and should be on none --- */

static enum rc write_new(struct cli *c, const char *path, str text, struct err *err)
{
	int fd = openat(c->dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(err, errno, "cannot make '%s'", path);
	bool ok = cli_write(c, fd, text) && fsync(fd) == 0;
	int code = errno;
	close(fd);
	if (ok)
		return RC_OK;
	(void)!unlinkat(c->dir_fd, path, 0);
	return fail_errno(err, code, "cannot write '%s'", path);
}

static int make_key(struct cli *c)
{
	char public[BACKUP_KEY_TEXT], secret[BACKUP_KEY_TEXT];
	struct buf text = BUF_INIT(KIB(1));
	struct err err;
	if (c->argc != 2)
		return cli_usage(c, "backup key OUT makes a pair of keys: the secret one goes to the file OUT");
	backup_key_make(public, secret);
	buf_fmt(&text, "# The secret key of ronda backups. Keep it away from every node, in two places:\n"
		       "# without it no backup can be read. The public key is %s\n%s\n",
		public, secret);
	enum rc rc = write_new(c, c->argv[1], buf_str(&text), &err);
	explicit_bzero(text.p, text.n);
	explicit_bzero(secret, sizeof(secret));
	buf_free(&text);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "public", str_of(public));
	if (c->form != CLI_JSON)
		cli_printf(c, "%s\n", public);
	cli_talk(c, "the secret key is in %s; give the node the public one: backup_key = %.8s...", c->argv[1],
		 public);
	return 0;
}

/* --- ronda backup --- */

struct target {
	struct cli *c;
	int fd;
	int code; /* errno of the write that failed */
	uint64_t bytes, shown;
};

static bool put(void *ctx, str bytes)
{
	struct target *t = ctx;
	errno = 0;
	bool ok = !cli_abandoned(t->c) && cli_write(t->c, t->fd, bytes);
	t->code = ok ? 0 : errno;
	t->bytes += bytes.n;
	return ok;
}

static void progress(void *ctx, uint64_t done, uint64_t all)
{
	struct target *t = ctx;
	if (!t->c->progress || (done >> 20) == t->shown)
		return;
	t->shown = done >> 20;
	cli_talk(t->c, "\r\033[K%llu of %llu MiB\033[A", (unsigned long long)(done >> 20),
		 (unsigned long long)(all >> 20));
}

static enum rc open_target(struct cli *c, const char *path, int *fd_out, struct err *err)
{
	str p = str_of(path);
	if (str_eq(p, STR("-"))) {
		if (c->terminal)
			return fail(err, RC_INPUT, "a backup is not for a terminal: send it into a file or a pipe");
		cli_flush(c);
		*fd_out = c->out;
		return RC_OK;
	}
	if (c->foreign)
		return fail(err, RC_DENIED, "a node writes no files for other Unix users: use --to -");
	int fd = openat(c->dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && c->served && (errno == EROFS || errno == EACCES))
		return fail(err, RC_DENIED,
			    "the running node may not write '%s': use --to - and send that into the file", path);
	if (fd < 0)
		return fail_errno(err, errno, "cannot make '%s'", path);
	*fd_out = fd;
	return RC_OK;
}

static enum rc close_target(struct target *t, const char *path, enum rc rc, struct err *err)
{
	if (rc == RC_IO && t->code)
		rc = fail_errno(err, t->code, "the backup cannot be written");
	if (t->fd == t->c->out)
		return rc;
	if (rc == RC_OK && fsync(t->fd) != 0)
		rc = fail_errno(err, errno, "cannot sync '%s'", path);
	close(t->fd);
	if (rc != RC_OK)
		(void)!unlinkat(t->c->dir_fd, path, 0);
	return rc;
}

static void tell(struct cli *c, const struct target *t, const struct backup_summary *sum)
{
	/* with --to - standard output is the backup */
	if (t->fd == c->out || c->form != CLI_JSON) {
		cli_talk(c, "%llu files, %llu bytes, as %llu bytes encrypted; journal head %s",
			 (unsigned long long)sum->files, (unsigned long long)sum->bytes,
			 (unsigned long long)t->bytes, sum->head);
		return;
	}
	struct json_out j = json_out(c->pending);
	json_open(&j, '{');
	json_put_i64(&j, "files", (int64_t)sum->files);
	json_put_i64(&j, "bytes", (int64_t)sum->bytes);
	json_put_i64(&j, "encrypted_bytes", (int64_t)t->bytes);
	json_put_i64(&j, "missing", (int64_t)sum->missing);
	json_put_str(&j, "journal_head", str_of(sum->head));
	json_close(&j, '}');
	cli_print(c, STR("\n"));
}

static int run(struct cli *c)
{
	if (c->argc && str_eq(str_of(c->argv[0]), STR("key")))
		return make_key(c);
	const char *to = cli_value(c, "--to"), *key = cli_value(c, "--key");
	struct backup_summary sum = { 0 };
	struct target t = { .c = c, .fd = -1 };
	struct backup_key public;
	struct err err;
	if (c->argc || !to)
		return cli_usage(c, "--to FILE says where it goes");
	str text = key ? str_of(key) : settings_text(c->node->settings, "backup_key");
	if (!text.n)
		return cli_usage(c, "no key: make one elsewhere with 'ronda backup key OUT', give it with --key or the "
				    "setting backup_key");
	enum rc rc = backup_public_parse(text, &public, &err);
	if (rc == RC_OK)
		rc = open_target(c, to, &t.fd, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	rc = backup_write(c->node->store, c->node->journal, &public, str_of(c->viewer.actor), put, progress, &t,
			  &sum, &err);
	rc = close_target(&t, to, rc, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	tell(c, &t, &sum);
	if (!sum.missing)
		return 0;
	cli_talk(c, "ronda backup: %llu segments are missing or shorter than main.db names them: ronda verify says which",
		 (unsigned long long)sum.missing);
	return rc_exit_code(RC_IO);
}

const struct cli_command cli_backup = {
	.name = "backup",
	.brief = "all of a node, encrypted, while it runs",
	.usage = "backup --to FILE|- [--key PUBLIC] | key OUT",
	.text = "'backup key OUT' makes a pair of keys, best on another machine: OUT gets the secret one, the public one is "
		"printed and goes into the setting backup_key. A backup holds everything, the node's keys too, as it "
		"stood at one moment; deliveries go on meanwhile. Only 'ronda restore' with the secret key reads it.",
	.example = "ronda backup key demo-backup.key",
	.options = options,
	.needs_node = true,
	.without_node = "key",
	.run = run,
};
