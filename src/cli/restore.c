/* SPDX-License-Identifier: Apache-2.0 */
#include "node/backup.h"

#include <unistd.h>

#include "cli/cli_private.h"
#include "notify/rehearsal.h"

static const struct cli_option options[] = {
	{ "--key", 0, "FILE", "the secret key that 'ronda backup key' made" },
	{ "--to", 0, "NEWDIR", "the directory to make; without it the backup is only checked" },
	{ "--against", 0, "FILE", "journal heads kept elsewhere: is it as new as it should be?" },
	{ .name = NULL },
};

struct source {
	struct cli *c;
	int fd;
	uint64_t shown;
};

static long get(void *ctx, void *to, size_t n)
{
	struct source *s = ctx;
	return cli_read(s->c, s->fd, to, n);
}

static void progress(void *ctx, uint64_t done, uint64_t all)
{
	struct source *s = ctx;
	if (!s->c->progress || (done >> 20) == s->shown)
		return;
	s->shown = done >> 20;
	cli_talk(s->c, "\r\033[K%llu of %llu MiB\033[A", (unsigned long long)(done >> 20),
		 (unsigned long long)(all >> 20));
}

static void say(void *ctx, const char *sentence)
{
	cli_talk(ctx, "%s", sentence);
}

static enum rc read_key(struct cli *c, struct backup_key *key, struct err *err)
{
	struct buf text = BUF_INIT(0);
	enum rc rc = cli_read_file(c, cli_value(c, "--key"), KIB(4), &text, err);
	if (rc == RC_OK)
		rc = backup_secret_parse(buf_str(&text), key, err);
	if (text.p)
		explicit_bzero(text.p, text.n);
	buf_free(&text);
	return rc;
}

/* --- the new directory: opened, checked, and a line in its journal --- */

struct checked {
	struct verify_result all;
	struct journal_check journal;
	uint64_t unsure;           /* messages that had not ended */
};

static enum rc note(struct cli *c, struct journal *j, const struct backup_summary *sum, uint64_t unsure,
		    struct err *err)
{
	struct buf body = BUF_INIT(KIB(4));
	struct json_out json = json_out(&body);
	json_open(&json, '{');
	json_put_time(&json, "made", sum->made_us);
	json_put_str(&json, "journal_head", str_of(sum->head));
	json_put_i64(&json, "uncertain", (int64_t)unsure);
	json_close(&json, '}');
	struct journal_act act = { .act = "restore", .actor = str_of(c->viewer.actor),
				   .object = STR("backup"), .count = sum->files, .body = buf_str(&body) };
	enum rc rc = journal_write(j, &act, err);
	buf_free(&body);
	return rc;
}

static enum rc check_store(struct cli *c, const char *dir, str kept, const struct backup_summary *sum,
			   struct checked *out, struct err *err)
{
	struct store *s = NULL;
	struct journal *j = NULL;
	struct reader *r = NULL;
	enum rc rc = store_open(dir, NULL, NULL, &s, err);
	if (rc == RC_OK)
		rc = store_verify(s, say, c, NULL, &out->all, err);
	if (rc == RC_OK)
		rc = store_read_begin(s, &r, err);
	if (rc == RC_OK) {
		rc = journal_verify(reader_conn(r), kept, &out->journal, err);
		store_read_end(r);
	}
	if (rc == RC_OK)
		rc = journal_open(s, &j, err);
	if (rc == RC_OK)
		rc = rehearsal_restored(s, &out->unsure, err);
	if (rc == RC_OK)
		rc = note(c, j, sum, out->unsure, err);
	journal_close(j);
	store_close(s);
	return rc;
}

static void tell(struct cli *c, const char *dir, const struct backup_summary *sum, bool sound)
{
	char made[40];
	if (c->form == CLI_JSON) {
		struct json_out j = json_out(c->pending);
		json_open(&j, '{');
		json_put_str(&j, "node", str_of(sum->node));
		json_put_str(&j, "name", str_of(sum->name));
		json_put_time(&j, "made", sum->made_us);
		json_put_i64(&j, "files", (int64_t)sum->files);
		json_put_i64(&j, "bytes", (int64_t)sum->bytes);
		json_put_str(&j, "journal_head", str_of(sum->head));
		json_put_bool(&j, "sound", sound);
		json_close(&j, '}');
		cli_print(c, STR("\n"));
		return;
	}
	time_str(made, sum->made_us);
	cli_printf(c, "%s of node '%s' (%s), made %s by ronda %s: %llu files, %llu bytes\n",
		   dir ? "restored: the backup" : "whole: the backup", sum->name, sum->node, made, sum->version,
		   (unsigned long long)sum->files, (unsigned long long)sum->bytes);
	cli_printf(c, "journal head then: %s\n", sum->head);
	if (dir && sound)
		cli_printf(c, "everything in %s was read again and is sound\n", dir);
}

static int restore(struct cli *c, const struct backup_key *key, str kept)
{
	struct source from = { .c = c, .fd = -1 };
	struct backup_summary sum = { 0 };
	struct checked checked = { 0 };
	const char *dir = cli_value(c, "--to");
	struct err err;
	enum rc rc = cli_open_file(c, c->argv[0], &from.fd, &err);
	if (rc == RC_OK)
		rc = backup_read(key, dir, get, progress, &from, &sum, &err);
	cli_close_file(c, from.fd);
	if (rc == RC_OK && dir)
		rc = check_store(c, dir, kept, &sum, &checked, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	bool sound = !checked.all.damaged && !checked.journal.first_bad && !sum.missing;
	tell(c, dir, &sum, sound);
	if (dir)
		cli_talk(c, "it writes to nobody before a person switches 'ronda rehearsal'; %llu messages that waited are uncertain",
			 (unsigned long long)checked.unsure);
	if (checked.journal.first_bad)
		cli_talk(c, "journal line %llu: %s", (unsigned long long)checked.journal.first_bad,
			 checked.journal.words);
	if (sum.missing)
		cli_talk(c, "%llu segments were missing or short when it was made", (unsigned long long)sum.missing);
	return sound ? 0 : rc_exit_code(RC_IO);
}

static int run(struct cli *c)
{
	struct backup_key key;
	struct buf kept = BUF_INIT(0);
	struct err err;
	if (c->argc != 1 || !cli_value(c, "--key"))
		return cli_usage(c, "one backup (or - for standard input), and --key FILE");
	enum rc rc = cli_kept_heads(c, cli_value(c, "--against"), &kept, &err);
	if (rc == RC_OK)
		rc = read_key(c, &key, &err);
	int code = rc == RC_OK ? restore(c, &key, buf_str(&kept)) : cli_fail(c, &err);
	explicit_bzero(&key, sizeof(key));
	buf_free(&kept);
	return code;
}

const struct cli_command cli_restore = {
	.name = "restore",
	.brief = "make a node's directory from a backup, or check one",
	.usage = "restore FILE|- --key SECRETFILE [--to NEWDIR] [--against FILE]",
	.text = "NEWDIR must not exist, or be empty. A backup that is damaged, cut off or made for another key is refused and "
		"nothing is left of it. What was restored is read again as by 'ronda verify', and its journal says that it "
		"was restored. It begins in rehearsal and sends nothing before a person says 'ronda rehearsal live' or 'back' and "
		"starts it again; what waited to be sent is uncertain. Do not let the old node run on beside it.",
	.example = "ronda restore demo.backup --key demo-backup.key --to demo2",
	.options = options,
	.run = run,
};
