/* SPDX-License-Identifier: Apache-2.0 */
/* `ronda evidence add | get | items | chain | derive | verify`. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/record_private.h"
#include "evidence/evidence.h"

enum { PIECE = 1 << 20 };

static struct evidence *evidence_of(const struct record_call *k)
{
	return k->c->node->evidence;
}

static void print_item(struct record_call *k, const struct item *i)
{
	struct buf b = BUF_INIT(KIB(8));
	struct json_out j = json_out(&b);
	if (k->c->form == CLI_JSON) {
		item_json(i, &j);
		cli_print_json(k->c, &b);
	} else {
		hex_format(&b, i->sha256.b, sizeof(i->sha256.b));
		cli_printf(k->c, "%u\t" STR_FMT "\t%llu bytes\tsha256 " STR_FMT "\t%s%s\n", i->n, STR_ARG(i->name),
			   (unsigned long long)i->bytes, STR_ARG(buf_str(&b)), item_state_name(i->state),
			   i->key.n ? ", sealed" : "");
	}
	buf_free(&b);
}

/* --- add --- */

static void progress(struct cli *c, uint64_t done, uint64_t all, uint64_t *shown)
{
	if (!c->progress || (done >> 24) == *shown)
		return;
	*shown = done >> 24;
	if (all)
		cli_talk(c, "\r\033[K%llu of %llu MiB\033[A", (unsigned long long)(done >> 20),
			 (unsigned long long)(all >> 20));
	else
		cli_talk(c, "\r\033[K%llu MiB\033[A", (unsigned long long)(done >> 20));
}

static enum rc copy_in(struct record_call *k, int fd, const char *path, struct adding *x, struct err *err)
{
	char *piece = x_alloc(PIECE);
	uint64_t shown = 0;
	enum rc rc = RC_OK;
	for (;;) {
		long n = cli_read(k->c, fd, piece, PIECE);
		if (n < 0)
			rc = fail_errno(err, errno, "cannot read '%s'", path);
		if (n <= 0)
			break;
		rc = evidence_add(x, str_mem(piece, (size_t)n), err);
		if (rc != RC_OK)
			break;
		progress(k->c, evidence_added_bytes(x), 0, &shown);
	}
	free(piece);
	return rc;
}

static str base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return str_of(slash ? slash + 1 : path);
}

static enum rc add_one(struct record_call *k, str exhibit, const char *path, struct item *out, struct err *err)
{
	str name = record_option(k, "--name");
	struct adding *x = NULL;
	int fd = -1;
	struct item_new q = { .exhibit = exhibit, .name = name.n ? name : base_name(path),
			      .media = record_option(k, "--media"), .sealed = cli_value(k->c, "--sealed") != NULL };
	enum rc rc = cli_open_file(k->c, path, &fd, err);
	if (rc == RC_OK)
		rc = evidence_add_begin(evidence_of(k), &k->c->viewer, &q, &x, err);
	if (rc == RC_OK)
		rc = copy_in(k, fd, path, x, err);
	cli_close_file(k->c, fd);
	if (rc == RC_OK)
		return evidence_add_end(x, k->c->a, out, err);
	evidence_add_abort(x);
	return rc;
}

static int add_word(struct record_call *k)
{
	struct err err = { 0 };
	struct item item;
	if (k->argc < 2)
		return cli_usage(k->c, "say which exhibit, and the files");
	for (int i = 1; i < k->argc; i++) {
		if (add_one(k, record_name(k, k->argv[0]), k->argv[i], &item, &err) != RC_OK)
			return cli_fail(k->c, &err);
		print_item(k, &item);
	}
	return 0;
}

/* --- get --- */

static enum rc copy_out(struct record_call *k, int fd, struct item_reading *x, uint64_t all, struct err *err)
{
	char *piece = x_alloc(PIECE);
	uint64_t done = 0, shown = 0;
	size_t got = 1;
	enum rc rc = RC_OK;
	while (rc == RC_OK && got) {
		rc = evidence_read(x, piece, PIECE, &got, err);
		if (rc == RC_OK && got && (cli_abandoned(k->c) || !cli_write(k->c, fd, str_mem(piece, got))))
			rc = fail_errno(err, errno, "the item cannot be written");
		progress(k->c, done += got, all, &shown);
	}
	free(piece);
	return rc;
}

static enum rc open_out(struct record_call *k, const char *path, int *fd, struct err *err)
{
	struct cli *c = k->c;
	if (str_eq(str_of(path), STR("-"))) {
		if (c->terminal)
			return fail(err, RC_INPUT, "an item is not for a terminal: send it into a file or a pipe");
		cli_flush(c);
		*fd = c->out;
		return RC_OK;
	}
	if (c->foreign)
		return fail(err, RC_DENIED, "a node writes no files for other Unix users: use -");
	*fd = openat(c->dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*fd < 0 && c->served && (errno == EROFS || errno == EACCES))
		return fail(err, RC_DENIED, "the running node may not write '%s': use - and send that into a file", path);
	return *fd < 0 ? fail_errno(err, errno, "cannot make '%s'", path) : RC_OK;
}

static int get_word(struct record_call *k)
{
	uint32_t n;
	int fd = -1;
	struct item item;
	struct item_reading *x = NULL;
	struct err err = { 0 };
	if (k->argc != 3 || !str_to_u32(str_of(k->argv[1]), &n))
		return cli_usage(k->c, "say which exhibit, the number of the item, and where it goes");
	enum rc rc = open_out(k, k->argv[2], &fd, &err);
	if (rc == RC_OK)
		rc = evidence_read_begin(evidence_of(k), &k->c->viewer, record_name(k, k->argv[0]), n,
					 record_option(k, "--why"), k->c->a, &item, &x, &err);
	if (rc == RC_OK)
		rc = copy_out(k, fd, x, item.bytes, &err);
	evidence_read_end(x);
	if (fd >= 0 && fd != k->c->out) {
		close(fd);
		if (rc != RC_OK)
			(void)!unlinkat(k->c->dir_fd, k->argv[2], 0);
	}
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

/* --- items, chain --- */

static enum rc open_view(struct record_call *k, struct reader **r, struct record_view *v, struct err *err)
{
	enum rc rc = store_read_begin(k->c->node->store, r, err);
	return rc == RC_OK ? read_record(*r, k->types, &k->c->viewer, record_name(k, k->argv[0]), k->c->a, v, err) : rc;
}

static int ended(struct record_call *k, struct reader *r, struct record_view *v, enum rc rc, struct err *err)
{
	record_view_end(v);
	if (r)
		store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(k->c, err);
}

static int items_word(struct record_call *k)
{
	struct reader *r = NULL;
	struct record_view v = { 0 };
	struct item *item;
	size_t n = 0;
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "say which exhibit");
	enum rc rc = open_view(k, &r, &v, &err);
	if (rc == RC_OK)
		rc = evidence_items(reader_conn(r), &v, k->c->a, &item, &n, &err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		print_item(k, &item[i]);
	return ended(k, r, &v, rc, &err);
}

static int chain_word(struct record_call *k)
{
	struct reader *r = NULL;
	struct record_view v = { 0 };
	struct chain_line *line;
	size_t n = 0;
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "say which exhibit");
	enum rc rc = open_view(k, &r, &v, &err);
	if (rc == RC_OK)
		rc = evidence_chain(reader_conn(r), &v, k->c->a, &line, &n, &err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		cli_printf(k->c, STR_FMT "\n", STR_ARG(line[i].line.n ? line[i].line : STR("{}")));
	return ended(k, r, &v, rc, &err);
}

/* --- derive --- */

static int derive_word(struct record_call *k)
{
	struct err err = { 0 };
	struct item item;
	str id = STR("");
	if (k->argc < 1)
		return cli_usage(k->c, "say which exhibit it is derived from");
	enum rc rc = evidence_derive(evidence_of(k), &k->c->viewer, record_name(k, k->argv[0]), record_option(k, "--how"),
				     record_option(k, "--title"), record_option(k, "--exhibit"), k->c->a, &id, &err);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	cli_printf(k->c, k->c->form == CLI_JSON ? "{\"id\":\"" STR_FMT "\"}\n" : STR_FMT "\n", STR_ARG(id));
	for (int i = 1; i < k->argc; i++) {
		if (add_one(k, id, k->argv[i], &item, &err) != RC_OK)
			return cli_fail(k->c, &err);
		print_item(k, &item);
	}
	return 0;
}

/* --- verify --- */

struct showing {
	struct cli *c;
	uint64_t shown;
};

static void say(void *ctx, const char *sentence)
{
	struct showing *s = ctx;
	cli_talk(s->c, "%s", sentence);
}

static void show_progress(void *ctx, uint64_t done, uint64_t all)
{
	struct showing *s = ctx;
	progress(s->c, done, all, &s->shown);
}

static int verify_word(struct record_call *k)
{
	struct showing s = { .c = k->c };
	struct evidence_check out;
	struct err err = { 0 };
	if (k->argc > 1)
		return cli_usage(k->c, "one exhibit, or none for all");
	/* all: also what the caller may not see is named by its id when it is wrong */
	int code = k->argc ? 0 : cli_may(k->c, right_includes(k->c->viewer.right, RIGHT_OPERATE));
	if (code)
		return code;
	enum rc rc = evidence_verify(evidence_of(k), &k->c->viewer, k->argc ? record_name(k, k->argv[0]) : STR_NONE, true, say,
				     show_progress, &s, &out, &err);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	cli_printf(k->c, k->c->form == CLI_JSON ?
				 "{\"exhibits\":%llu,\"items\":%llu,\"bytes\":%llu,\"lines\":%llu,\"wrong\":%llu}\n" :
				 "%llu exhibits, %llu items, %llu bytes, %llu lines of custody; %llu wrong\n",
		   (unsigned long long)out.exhibits, (unsigned long long)out.items, (unsigned long long)out.bytes,
		   (unsigned long long)out.lines, (unsigned long long)out.wrong);
	return out.wrong ? rc_exit_code(RC_IO) : 0;
}

/* --- rows --- */

static const struct cli_option add_options[] = {
	{ "--name", 0, "NAME", "add: the item's name (default: the file's)" },
	{ "--media", 0, "TYPE", "add: its media type, as application/vnd.tcpdump.pcap" },
	{ "--sealed", 0, NULL, "add: encrypted to the persons named in the exhibit" },
	{ .name = NULL },
};
static const struct cli_option derive_options[] = {
	{ "--how", 0, "TEXT", "derive: by what commands and tools" },
	{ "--title", 0, "TEXT", "derive: what the new one is" },
	{ "--exhibit", 0, "NUMBER", "derive: its exhibit number" },
	{ "--name", 0, "NAME", "derive: name of the item" },
	{ "--media", 0, "TYPE", "derive: its media type" },
	{ "--sealed", 0, NULL, "derive: encrypted to the persons named" },
	{ .name = NULL },
};

const struct cli_verb cli_verb_evidence_add = {
	.type = "evidence", .word = "add", .usage = "add ID FILE...|- [--name NAME] [--media TYPE] [--sealed]",
	.brief = "puts files in, hashed while they are copied", .options = add_options, .run = add_word };
const struct cli_verb cli_verb_evidence_get = {
	.type = "evidence", .word = "get", .usage = "get ID ITEM FILE|- --why TEXT",
	.brief = "an item's bytes, for work on a copy; noted in the chain", .run = get_word };
const struct cli_verb cli_verb_evidence_items = {
	.type = "evidence", .word = "items", .usage = "items ID", .brief = "what is kept of it", .run = items_word };
const struct cli_verb cli_verb_evidence_chain = {
	.type = "evidence", .word = "chain", .usage = "chain ID", .brief = "what happened to it, a JSON object a line",
	.run = chain_word };
const struct cli_verb cli_verb_evidence_derive = {
	.type = "evidence", .word = "derive", .usage = "derive ID [FILE] --how TEXT --title TEXT --exhibit NUMBER",
	.brief = "a new exhibit made from this one", .options = derive_options, .run = derive_word };
const struct cli_verb cli_verb_evidence_verify = {
	.type = "evidence", .word = "verify", .usage = "verify [ID]",
	.brief = "reads everything again; names each thing that is wrong", .run = verify_word };
