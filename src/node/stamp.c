/* SPDX-License-Identifier: Apache-2.0 */
#include "node/stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "http/fetch.h"

#define KEY_FILE "evidence-signer.key"
#define CERT_FILE "evidence-signer.pem"
enum { PEM_MAX = 256 << 10 };

/* A file the settings name, whole; with none, the directory's `fallback` (NULL: nothing). */
static enum rc read_pem(struct node *n, const char *setting, const char *fallback, struct buf *out,
			struct err *err)
{
	str path = settings_text(n->settings, setting);
	char z[4096];
	if (!path.n && !fallback)
		return RC_OK;
	if (!path.n) {
		enum rc rc = io_read_file(store_dir(n->store), fallback, out, err);
		return rc == RC_ABSENT ? RC_OK : rc;
	}
	if (!str_to_z(path, z, sizeof(z)))
		return fail(err, RC_INPUT, "%s is no path", setting);
	int fd = open(z, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, errno, "cannot open '%s' (%s)", z, setting);
	char *room = buf_room(out, PEM_MAX - 1);
	ssize_t got = room ? read(fd, room, PEM_MAX - 1) : -1;
	int code = errno;
	close(fd);
	if (got < 0)
		return fail_errno(err, code, "cannot read '%s'", z);
	out->n += (size_t)got;
	return RC_OK;
}

enum rc node_signer(struct node *n, struct buf *key, struct buf *cert, struct buf *tsa, struct err *err)
{
	bool own = !settings_text(n->settings, "evidence_key").n;
	key->cap = cert->cap = tsa->cap = PEM_MAX;
	enum rc rc = read_pem(n, "evidence_key", KEY_FILE, key, err);
	if (rc == RC_OK)
		rc = read_pem(n, "evidence_cert", own ? CERT_FILE : NULL, cert, err);
	return rc == RC_OK ? read_pem(n, "evidence_tsa_certs", NULL, tsa, err) : rc;
}

enum rc node_signer_make(struct node *n, str actor, char fingerprint[100], struct err *err)
{
	struct buf key = BUF_INIT(PEM_MAX), cert = BUF_INIT(PEM_MAX), name = BUF_INIT(KIB(1)), there = BUF_INIT(PEM_MAX);
	struct io_dir *d = store_dir(n->store);
	enum rc rc = io_read_file(d, KEY_FILE, &there, err);
	if (rc == RC_OK || rc == RC_LIMIT)
		rc = fail(err, RC_CONFLICT, "there is a signing key: '%s'; move it away first", KEY_FILE);
	else if (rc == RC_ABSENT)
		rc = RC_OK;
	buf_fmt(&name, STR_FMT " evidence", STR_ARG(str_head(store_node_name(n->store), 40)));
	if (rc == RC_OK)
		rc = package_signer_make(buf_str(&name), clock_now_us(), &key, &cert, err);
	if (rc == RC_OK)
		rc = package_fingerprint(buf_str(&cert), fingerprint, err);
	/* the certificate first: a key without one is no signer, and is made again */
	if (rc == RC_OK)
		rc = io_replace_file(d, CERT_FILE, buf_str(&cert), err);
	if (rc == RC_OK)
		rc = io_replace_file(d, KEY_FILE, buf_str(&key), err);
	struct journal_act act = { .act = "evidence.key", .actor = actor, .object = str_of(fingerprint) };
	if (rc == RC_OK)
		rc = journal_write(n->journal, &act, err);
	if (key.p)
		explicit_bzero(key.p, key.n);
	if (there.p)
		explicit_bzero(there.p, there.n);
	buf_free(&key);
	buf_free(&cert);
	buf_free(&name);
	buf_free(&there);
	return rc;
}

enum rc node_stamp(void *ctx, str query, struct buf *answer, struct err *err)
{
	struct node *n = ctx;
	struct fetcher *f = NULL;
	struct fetch_answer got = { 0 };
	struct arena *a = arena_new(KIB(64));
	str url = settings_text(n->settings, "evidence_tsa");
	struct buf body = BUF_INIT(MIB(1));
	buf_add(&body, query);
	struct fetch_request q = { .purpose = "tsa", .url = url, .accept = "application/timestamp-reply",
				   .form = &body, .form_type = "application/timestamp-query" };
	enum rc rc = url.n ? RC_OK : fail(err, RC_ABSENT, "no time-stamp authority is set (evidence_tsa)");
	if (rc == RC_OK)
		rc = fetch_new(arena_z(a, settings_text(n->settings, "fetch_ca_file")), &f, err);
	if (rc == RC_OK)
		rc = fetch_exempt(f, "tsa", url, err);
	if (rc == RC_OK)
		rc = fetch(f, &q, a, &got, err);
	if (rc == RC_OK && got.status != 200)
		rc = fail(err, RC_BUSY, "the time-stamp authority answers with status %d", got.status);
	if (rc == RC_OK)
		buf_add(answer, got.body);
	fetch_free(f);
	buf_free(&body);
	arena_free(a);
	return rc;
}
