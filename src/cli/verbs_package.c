/* SPDX-License-Identifier: Apache-2.0 */
/* `ronda evidence package | stamp | key`. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/record_private.h"
#include "node/stamp.h"

enum { FILE_MAX = 64 << 20 };

/* --- a package as a folder --- */

struct folder {
	struct cli *c;
	int dir, fd;
	char path[PACKAGE_PATH];
	struct buf made;           /* paths, each with its newline */
};

/* Makes the folders of `path` below `dir`; "data/items/x/y" makes three. */
static enum rc make_folders(int dir, const char *path, struct err *err)
{
	char part[PACKAGE_PATH];
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdirat(dir, part, 0755) != 0 && errno != EEXIST)
			return fail_errno(err, errno, "cannot make '%s'", part);
	}
	return RC_OK;
}

static enum rc folder_begin(void *ctx, const char *path, uint64_t bytes, struct err *err)
{
	struct folder *f = ctx;
	(void)bytes;
	snprintf(f->path, sizeof(f->path), "%s", path);
	enum rc rc = make_folders(f->dir, path, err);
	if (rc != RC_OK)
		return rc;
	f->fd = openat(f->dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	buf_fmt(&f->made, "%s\n", path);
	return f->fd < 0 ? fail_errno(err, errno, "cannot make '%s'", path) : RC_OK;
}

/* Half a package is none. */
static void folder_remove(struct folder *f)
{
	char path[PACKAGE_PATH];
	for (int pass = 0; pass < 2; pass++) {
		str left = buf_str(&f->made), line;
		while (str_line(&left, &line)) {
			if (!str_to_z(line, path, sizeof(path)))
				continue;
			if (pass == 0)
				(void)!unlinkat(f->dir, path, 0);
			for (char *slash = strrchr(path, '/'); pass == 1 && slash; slash = strrchr(path, '/')) {
				*slash = '\0';
				(void)!unlinkat(f->dir, path, AT_REMOVEDIR);
			}
		}
	}
}

static enum rc folder_bytes(void *ctx, str s, struct err *err)
{
	struct folder *f = ctx;
	if (cli_abandoned(f->c))
		return fail(err, RC_IO, "nobody waits for the package any more");
	return cli_write(f->c, f->fd, s) ? RC_OK : fail_errno(err, errno, "cannot write '%s'", f->path);
}

static enum rc folder_end(void *ctx, struct err *err)
{
	struct folder *f = ctx;
	int code = fsync(f->fd) == 0 ? 0 : errno;
	close(f->fd);
	f->fd = -1;
	return code ? fail_errno(err, code, "cannot sync '%s'", f->path) : RC_OK;
}

/* --- a package as a tar --- */

struct stream {
	struct cli *c;
	int fd;
};

static enum rc stream_put(void *ctx, str s, struct err *err)
{
	struct stream *t = ctx;
	if (cli_abandoned(t->c) || !cli_write(t->c, t->fd, s))
		return fail_errno(err, errno, "the package cannot be written");
	return RC_OK;
}

/* --- package --- */

struct packing {
	struct record_call *k;
	const char *to;
	bool tar;
	struct folder folder;
	struct stream stream;
	struct package_tar t;
	struct buf key, cert, tsa;
	struct withheld withheld[PACKAGE_WITHHELD_MOST];
	size_t withheld_count;
	uint64_t shown;
};

/* "evidence-3/2=REASON;evidence-3/4=REASON" */
static enum rc take_withheld(struct packing *p, str text, struct err *err)
{
	while (text.n) {
		str why = str_cut(&text, ';'), item = str_cut(&why, '='), exhibit = str_cut(&item, '/');
		uint32_t n;
		if (p->withheld_count == PACKAGE_WITHHELD_MOST || !str_to_u32(item, &n) || !why.n)
			return fail(err, RC_INPUT, "--withhold takes EXHIBIT/ITEM=REASON, with ; between");
		p->withheld[p->withheld_count++] = (struct withheld){
			.exhibit = record_name(p->k, arena_z(p->k->c->a, exhibit)), .item = n, .why = why };
	}
	return RC_OK;
}

/* A node of the unit may write nothing outside its directory: the caller's shell can. */
static enum rc not_made(const struct cli *c, const char *path, struct err *err)
{
	if (c->served && (errno == EROFS || errno == EACCES))
		return fail(err, RC_DENIED, "the running node may not write '%s': use --to - and send that into a file", path);
	return fail_errno(err, errno, "cannot make '%s'", path);
}

static enum rc open_folder(struct packing *p, struct err *err)
{
	struct cli *c = p->k->c;
	if (mkdirat(c->dir_fd, p->to, 0755) != 0)
		return not_made(c, p->to, err);
	p->folder = (struct folder){ .c = c, .fd = -1, .made = BUF_INIT(MIB(64)), .dir = openat(c->dir_fd, p->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	return p->folder.dir < 0 ? fail_errno(err, errno, "cannot open '%s'", p->to) : RC_OK;
}

static enum rc open_tar(struct packing *p, struct err *err)
{
	struct cli *c = p->k->c;
	p->stream = (struct stream){ .c = c, .fd = c->out };
	p->t = (struct package_tar){ .put = stream_put, .ctx = &p->stream, .folder = "package", .now_us = clock_now_us() };
	if (str_eq(str_of(p->to), STR("-"))) {
		if (c->terminal)
			return fail(err, RC_INPUT, "a package is not for a terminal: send it into a file or a pipe");
		cli_flush(c);
		return RC_OK;
	}
	p->stream.fd = openat(c->dir_fd, p->to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return p->stream.fd < 0 ? not_made(c, p->to, err) : RC_OK;
}

static enum rc open_target(struct packing *p, struct package_sink *sink, struct err *err)
{
	bool out = str_eq(str_of(p->to), STR("-"));
	p->tar = out || str_ends(str_of(p->to), STR(".tar"));
	p->stream.fd = p->folder.dir = -1;
	if (p->k->c->foreign && !out)
		return fail(err, RC_DENIED, "a node writes no files for other Unix users: use -o -, which gives a tar");
	enum rc rc = p->tar ? open_tar(p, err) : open_folder(p, err);
	*sink = p->tar ? package_tar_sink(&p->t) :
			 (struct package_sink){ .begin = folder_begin, .bytes = folder_bytes, .end = folder_end, .ctx = &p->folder };
	return rc;
}

static enum rc close_target(struct packing *p, enum rc rc, struct err *err)
{
	struct cli *c = p->k->c;
	if (p->tar && rc == RC_OK)
		rc = package_tar_end(&p->t, err);
	if (p->folder.fd > 0)
		close(p->folder.fd);
	if (p->folder.dir >= 0) {
		if (rc == RC_OK && fsync(p->folder.dir) != 0)
			rc = fail_errno(err, errno, "cannot sync '%s'", p->to);
		if (rc != RC_OK)
			folder_remove(&p->folder);
		close(p->folder.dir);
		if (rc != RC_OK && unlinkat(c->dir_fd, p->to, AT_REMOVEDIR) != 0)
			cli_talk(c, "ronda evidence: '%s' is not whole: remove it", p->to);
		buf_free(&p->folder.made);
	}
	if (p->stream.fd >= 0 && p->stream.fd != c->out) {
		if (rc == RC_OK && fsync(p->stream.fd) != 0)
			rc = fail_errno(err, errno, "cannot sync '%s'", p->to);
		close(p->stream.fd);
		if (rc != RC_OK)
			(void)!unlinkat(c->dir_fd, p->to, 0);
	}
	return rc;
}

static void progress(void *ctx, uint64_t done, uint64_t all)
{
	struct packing *p = ctx;
	if (!p->k->c->progress || (done >> 24) == p->shown)
		return;
	p->shown = done >> 24;
	cli_talk(p->k->c, "\r\033[K%llu of %llu MiB\033[A", (unsigned long long)(done >> 20),
		 (unsigned long long)(all >> 20));
}

static void tell(struct packing *p, const struct package_made *m)
{
	struct cli *c = p->k->c;
	bool out = str_eq(str_of(p->to), STR("-"));
	if (c->form == CLI_JSON && !out) {
		struct buf b = BUF_INIT(KIB(8));
		struct json_out j = json_out(&b);
		json_open(&j, '{');
		json_put_i64(&j, "exhibits", (int64_t)m->exhibits);
		json_put_i64(&j, "items", (int64_t)m->items);
		json_put_i64(&j, "withheld", (int64_t)m->withheld);
		json_put_i64(&j, "files", (int64_t)m->files);
		json_put_i64(&j, "bytes", (int64_t)m->bytes);
		json_put_str(&j, "tagmanifest_sha256", str_of(m->tagmanifest));
		json_put_str(&j, "signature_sha256", str_of(m->signature));
		json_put_str(&j, "token_sha256", str_of(m->token));
		json_put_str(&j, "fingerprint", str_of(m->fingerprint));
		json_put_str(&j, "unstamped", str_of(m->unstamped));
		json_close(&j, '}');
		cli_print_json(c, &b);
		buf_free(&b);
		return;
	}
	cli_talk(c, "%llu exhibits, %llu items, %llu withheld, %llu files, %llu bytes", (unsigned long long)m->exhibits,
		 (unsigned long long)m->items, (unsigned long long)m->withheld, (unsigned long long)m->files,
		 (unsigned long long)m->bytes);
	cli_talk(c, "tagmanifest  %s\nsignature    %s\ntime stamp   %s\ncertificate  %s", m->tagmanifest, m->signature,
		 m->token[0] ? m->token : "not yet stamped", m->fingerprint);
	if (m->unstamped[0])
		cli_talk(c, "not yet stamped: %s; 'ronda evidence stamp' does it later", m->unstamped);
}

static int package_word(struct record_call *k)
{
	struct packing *p = x_alloc(sizeof(*p));
	struct package_sink sink;
	struct package_made made = { 0 };
	struct err err = { 0 };
	str ids[64];
	p->k = k;
	p->to = cli_value(k->c, "--to");
	if (k->argc < 1 || (size_t)k->argc > COUNT_OF(ids) || !p->to) {
		free(p);
		return cli_usage(k->c, "say which exhibits, or whose, and where the package goes (--to)");
	}
	for (int i = 0; i < k->argc; i++)
		ids[i] = record_name(k, k->argv[i]);
	struct package_request q = { .exhibits = ids, .exhibit_count = (size_t)k->argc, .recipient = record_option(k, "--for"),
				     .why = record_option(k, "--why"), .withheld = p->withheld, .progress = progress,
				     .progress_ctx = p };
	enum rc rc = take_withheld(p, record_option(k, "--withhold"), &err);
	q.withheld_count = p->withheld_count;
	if (rc == RC_OK)
		rc = node_signer(k->c->node, &p->key, &p->cert, &p->tsa, &err);
	q.key_pem = buf_str(&p->key);
	q.cert_pem = buf_str(&p->cert);
	q.tsa_pem = buf_str(&p->tsa);
	if (settings_text(k->c->node->settings, "evidence_tsa").n && !cli_value(k->c, "--unstamped")) {
		q.stamp = node_stamp;
		q.stamp_ctx = k->c->node;
		q.stamp_may_fail = true;
	}
	if (rc == RC_OK)
		rc = open_target(p, &sink, &err);
	if (rc == RC_OK)
		rc = evidence_package(k->c->node->evidence, &k->c->viewer, &q, &sink, k->c->a, &made, &err);
	rc = close_target(p, rc, &err);
	if (rc == RC_OK)
		tell(p, &made);
	if (p->key.p)
		explicit_bzero(p->key.p, p->key.n);
	buf_free(&p->key);
	buf_free(&p->cert);
	buf_free(&p->tsa);
	free(p);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

/* --- stamp --- */

static enum rc read_in(struct record_call *k, const char *dir, const char *name, struct buf *out, struct err *err)
{
	return cli_read_file(k->c, arena_fmt(k->c->a, "%s/%s", dir, name).p, FILE_MAX, out, err);
}

/* In place of what is there. */
static enum rc write_in(struct record_call *k, const char *dir, const char *name, str bytes, struct err *err)
{
	struct cli *c = k->c;
	const char *path = arena_fmt(c->a, "%s/%s", dir, name).p, *beside = arena_fmt(c->a, "%s.new", path).p;
	int fd = openat(c->dir_fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return fail_errno(err, errno, "cannot make '%s'", beside);
	bool ok = cli_write(c, fd, bytes) && fsync(fd) == 0;
	close(fd);
	ok = ok && renameat(c->dir_fd, beside, c->dir_fd, path) == 0;
	return ok ? RC_OK : fail_errno(err, errno, "cannot write '%s'", path);
}

static void hex_of(str bytes, char out[65])
{
	struct digest d = sha256(bytes);
	struct buf b = BUF_INIT(80);
	hex_format(&b, d.b, sizeof(d.b));
	str_to_z(buf_str(&b), out, 65);
	buf_free(&b);
}

static int stamp_word(struct record_call *k)
{
	struct buf tag = BUF_INIT(0), tsq = BUF_INIT(0), tsr = BUF_INIT(MIB(1)), p7s = BUF_INIT(0), cert = BUF_INIT(0),
		   key = BUF_INIT(0), own = BUF_INIT(0), tsa = BUF_INIT(0), cover = BUF_INIT(KIB(16));
	struct package_made m = { 0 };
	struct err err = { 0 };
	const char *in = cli_value(k->c, "--tsr-in"), *dir = k->argc == 1 ? k->argv[0] : NULL;
	if (!dir)
		return cli_usage(k->c, "say which package: the folder of it");
	enum rc rc = k->c->foreign ? fail(&err, RC_DENIED, "a node writes no files for other Unix users") : RC_OK;
	if (rc == RC_OK)
		rc = read_in(k, dir, "tagmanifest-sha256.txt", &tag, &err);
	if (rc == RC_OK)
		rc = read_in(k, dir, "signatures/tagmanifest.tsq", &tsq, &err);
	if (rc == RC_OK)
		rc = read_in(k, dir, "signatures/tagmanifest.p7s", &p7s, &err);
	if (rc == RC_OK)
		rc = read_in(k, dir, "signatures/signer.pem", &cert, &err);
	if (rc == RC_OK)
		rc = node_signer(k->c->node, &key, &own, &tsa, &err);
	if (rc == RC_OK)
		rc = in ? cli_read_file(k->c, in, MIB(1), &tsr, &err) : node_stamp(k->c->node, buf_str(&tsq), &tsr, &err);
	if (rc == RC_OK)
		rc = package_stamp_check(buf_str(&tsq), buf_str(&tsr), buf_str(&tsa), &err);
	if (rc == RC_OK)
		rc = package_fingerprint(buf_str(&cert), m.fingerprint, &err);
	if (rc == RC_OK)
		rc = write_in(k, dir, "signatures/tagmanifest.tsr", buf_str(&tsr), &err);
	if (rc == RC_OK && tsa.n)
		rc = write_in(k, dir, "signatures/tsa.pem", buf_str(&tsa), &err);
	if (rc == RC_OK) {
		hex_of(buf_str(&tag), m.tagmanifest);
		hex_of(buf_str(&p7s), m.signature);
		hex_of(buf_str(&tsr), m.token);
		package_cover(&m, STR("tagmanifest-sha256.txt"), &cover);
		rc = write_in(k, dir, "signatures/cover.txt", buf_str(&cover), &err);
	}
	if (rc == RC_OK) {
		struct journal_act act = { .act = "evidence.stamped", .actor = str_of(k->c->viewer.actor),
					   .object = str_of(m.tagmanifest) };
		rc = journal_write(k->c->node->journal, &act, &err);
	}
	if (rc == RC_OK)
		cli_printf(k->c, k->c->form == CLI_JSON ? "{\"token_sha256\":\"%s\"}\n" : "time stamp   %s\n", m.token);
	if (key.p)
		explicit_bzero(key.p, key.n);
	struct buf *all[] = { &tag, &tsq, &tsr, &p7s, &cert, &key, &own, &tsa, &cover };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		buf_free(all[i]);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

/* --- key --- */

static int key_word(struct record_call *k)
{
	char fingerprint[100];
	struct err err = { 0 };
	int code = cli_may(k->c, right_includes(k->c->viewer.right, RIGHT_OPERATE));
	if (code)
		return code;
	if (node_signer_make(k->c->node, str_of(k->c->viewer.actor), fingerprint, &err) != RC_OK)
		return cli_fail(k->c, &err);
	cli_printf(k->c, k->c->form == CLI_JSON ? "{\"fingerprint\":\"%s\"}\n" : "%s\n", fingerprint);
	cli_talk(k->c, "this key is self-made: nobody vouches for it but this fingerprint; publish it, and print it with each package");
	return 0;
}

static const struct cli_option package_options[] = {
	{ "--to", 'o', "DIR|FILE.tar|-", "package: where it goes; a new folder, or a tar" },
	{ "--withhold", 0, "ITEMS", "package: EXHIBIT/ITEM=REASON, with ; between: left out, listed with digest and reason" },
	{ "--unstamped", 0, NULL, "package: without asking the time-stamp authority" },
	{ .name = NULL },
};
static const struct cli_option stamp_options[] = {
	{ "--tsr-in", 0, "FILE", "stamp: the authority's answer to signatures/tagmanifest.tsq, fetched otherwise" },
	{ .name = NULL },
};

const struct cli_verb cli_verb_evidence_package = {
	.type = "evidence", .word = "package",
	.usage = "package ID... --to DIR|FILE.tar|- --for WHOM --why TEXT [--withhold ID/ITEM=REASON]",
	.brief = "for a court: a BagIt folder, signed and stamped; ID is an exhibit, or an incident for all of its",
	.options = package_options, .run = package_word };
const struct cli_verb cli_verb_evidence_stamp = {
	.type = "evidence", .word = "stamp", .usage = "stamp DIR [--tsr-in FILE]",
	.brief = "adds the time stamp that a package lacks", .options = stamp_options, .run = stamp_word };
const struct cli_verb cli_verb_evidence_key = {
	.type = "evidence", .word = "key", .usage = "key", .brief = "makes the key that signs packages", .run = key_word };
