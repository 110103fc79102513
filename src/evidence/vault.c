/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <sys/stat.h>

#include "base/arena.h"

#define FOLDER "evidence"
#define MAGIC "RONDAEV1"
enum { BLOCK = 1 << 20, MESSAGE = 65536,
       STREAM_HEAD = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
       STREAM_MORE = crypto_secretstream_xchacha20poly1305_ABYTES, HEAD = 8 + STREAM_HEAD };
/* So much is written before the disk is asked again whether there is room, and told to take it. */
#define SYNC_BYTES MIB(256)

struct vault {
	struct io_dir *dir;
	uint64_t reserve;
};

/* --- sums --- */

struct sums {
	EVP_MD_CTX *c256, *c512;
};

static EVP_MD_CTX *begin(const EVP_MD *md)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	if (!c || EVP_DigestInit_ex(c, md, NULL) != 1)
		abort(); /* out of memory */
	return c;
}

struct sums *sums_new(void)
{
	struct sums *s = x_alloc(sizeof(*s));
	s->c256 = begin(EVP_sha256());
	s->c512 = begin(EVP_sha512());
	return s;
}

void sums_add(struct sums *s, str bytes)
{
	EVP_DigestUpdate(s->c256, bytes.p, bytes.n);
	EVP_DigestUpdate(s->c512, bytes.p, bytes.n);
}

void sums_end(struct sums *s, struct digest *sha256, unsigned char sha512[64])
{
	EVP_DigestFinal_ex(s->c256, sha256->b, NULL);
	EVP_DigestFinal_ex(s->c512, sha512, NULL);
	EVP_MD_CTX_free(s->c256);
	EVP_MD_CTX_free(s->c512);
	free(s);
}

/* --- the folder --- */

void vault_name(const struct digest *stored, char out[VAULT_NAME])
{
	sodium_bin2hex(out, VAULT_NAME, stored->b, sizeof(stored->b));
}

struct parts {
	char (*name)[VAULT_NAME + 8];
	size_t n;
};

static bool note_part(void *ctx, const char *name)
{
	struct parts *p = ctx;
	if (!str_ends(str_of(name), STR(".part")) || strlen(name) >= sizeof(*p->name))
		return true;
	p->name = x_grow(p->name, p->n + 1, sizeof(*p->name));
	memcpy(p->name[p->n++], name, strlen(name) + 1);
	return true;
}

static enum rc remove_parts(struct vault *v, struct err *err)
{
	struct parts p = { 0 };
	enum rc rc = io_dir_each(v->dir, note_part, &p, err);
	for (size_t i = 0; rc == RC_OK && i < p.n; i++)
		rc = io_unlink(v->dir, p.name[i], err);
	free(p.name);
	return rc;
}

enum rc vault_open(struct io_dir *root, bool read_only, uint64_t reserve_bytes, struct vault **out, struct err *err)
{
	struct vault *v = x_alloc(sizeof(*v));
	v->reserve = reserve_bytes;
	enum rc rc = io_dir_sub(root, FOLDER, !read_only, &v->dir, err);
	if (rc == RC_OK && !read_only)
		rc = remove_parts(v, err);
	if (rc != RC_OK) {
		vault_close(v);
		return rc;
	}
	*out = v;
	return RC_OK;
}

void vault_close(struct vault *v)
{
	if (!v)
		return;
	io_dir_close(v->dir);
	free(v);
}

enum rc vault_remove(struct vault *v, const struct digest *stored, struct err *err)
{
	char name[VAULT_NAME];
	struct err why;
	vault_name(stored, name);
	enum rc rc = io_unlink(v->dir, name, &why);
	if (rc == RC_OK)
		rc = io_dir_sync(v->dir, &why);
	return rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", why.text);
}

struct others {
	bool (*each)(void *, const char *);
	void *ctx;
};

static bool pass_name(void *ctx, const char *name)
{
	struct others *o = ctx;
	return str_ends(str_of(name), STR(".part")) || o->each(o->ctx, name);
}

enum rc vault_each(struct vault *v, bool (*each)(void *ctx, const char *name), void *ctx, struct err *err)
{
	struct others o = { each, ctx };
	return io_dir_each(v->dir, pass_name, &o, err);
}

/* --- writing --- */

struct vault_in {
	struct vault *v;
	struct io_file *f;
	char part[48], name[VAULT_NAME];
	bool named, sealed, hole; /* hole: the file ends in one */
	struct sums *sums;
	EVP_MD_CTX *stored; /* of the ciphertext */
	crypto_secretstream_xchacha20poly1305_state stream;
	unsigned char *block; /* not written yet */
	unsigned char *message;
	size_t n, in_message;
	uint64_t bytes, at, synced;
};

static enum rc is_room(struct vault *v, struct err *err)
{
	uint64_t free_bytes;
	enum rc rc = io_free_bytes(v->dir, &free_bytes, err);
	if (rc == RC_OK && free_bytes < v->reserve + MIB(1))
		return fail(err, RC_LIMIT, "the disk is full: %llu MiB are free, %llu kept back",
			    (unsigned long long)(free_bytes >> 20), (unsigned long long)(v->reserve >> 20));
	return rc;
}

static bool is_zero(const unsigned char *p, size_t n)
{
	return n > 0 && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static enum rc write_block(struct vault_in *in, struct err *err)
{
	enum rc rc = RC_OK;
	in->hole = is_zero(in->block, in->n);
	if (in->stored)
		EVP_DigestUpdate(in->stored, in->block, in->n);
	if (!in->hole)
		rc = io_write_at(in->f, in->at, str_mem(in->block, in->n), err);
	in->at += in->n;
	in->n = 0;
	if (rc != RC_OK || in->at - in->synced < SYNC_BYTES)
		return rc;
	rc = io_sync(in->f, err);
	if (rc == RC_OK)
		rc = is_room(in->v, err);
	/* what is written once shall not push out what is read often */
	(void)posix_fadvise(io_fd(in->f), (off_t)in->synced, (off_t)(in->at - in->synced),
			    POSIX_FADV_DONTNEED);
	in->synced = in->at;
	return rc;
}

static enum rc put(struct vault_in *in, str bytes, struct err *err)
{
	enum rc rc = RC_OK;
	while (bytes.n && rc == RC_OK) {
		size_t n = bytes.n < BLOCK - in->n ? bytes.n : BLOCK - in->n;
		memcpy(in->block + in->n, bytes.p, n);
		in->n += n;
		bytes = str_from(bytes, n);
		if (in->n == BLOCK)
			rc = write_block(in, err);
	}
	return rc;
}

static enum rc put_message(struct vault_in *in, unsigned char tag, struct err *err)
{
	unsigned char sealed[MESSAGE + STREAM_MORE];
	unsigned long long n;
	crypto_secretstream_xchacha20poly1305_push(&in->stream, sealed, &n, in->message, in->in_message, NULL,
						   0, tag);
	in->in_message = 0;
	return put(in, str_mem(sealed, (size_t)n), err);
}

static enum rc begin_sealed(struct vault_in *in, const unsigned char *key, struct err *err)
{
	unsigned char head[HEAD] = MAGIC;
	in->sealed = true;
	in->stored = begin(EVP_sha256());
	in->message = x_alloc(MESSAGE);
	crypto_secretstream_xchacha20poly1305_init_push(&in->stream, head + 8, key);
	return put(in, str_mem(head, sizeof(head)), err);
}

enum rc vault_in_new(struct vault *v, const unsigned char *key, struct vault_in **out, struct err *err)
{
	unsigned char random[16];
	struct vault_in *in = x_alloc(sizeof(*in));
	in->v = v;
	random_bytes(random, sizeof(random));
	sodium_bin2hex(in->part, sizeof(in->part), random, sizeof(random));
	memcpy(in->part + 32, ".part", 6);
	enum rc rc = is_room(v, err);
	if (rc == RC_OK)
		rc = io_open(v->dir, in->part, IO_WRITE | IO_CREATE | IO_FRESH, &in->f, err);
	if (rc != RC_OK) {
		free(in);
		return rc;
	}
	in->block = x_alloc(BLOCK);
	in->sums = sums_new();
	if (key)
		rc = begin_sealed(in, key, err);
	if (rc != RC_OK)
		vault_in_end(in);
	else
		*out = in;
	return rc;
}

enum rc vault_in_add(struct vault_in *in, str bytes, struct err *err)
{
	enum rc rc = RC_OK;
	sums_add(in->sums, bytes);
	in->bytes += bytes.n;
	if (!in->sealed)
		return put(in, bytes, err);
	while (bytes.n && rc == RC_OK) {
		size_t n = bytes.n < MESSAGE - in->in_message ? bytes.n : MESSAGE - in->in_message;
		memcpy(in->message + in->in_message, bytes.p, n);
		in->in_message += n;
		bytes = str_from(bytes, n);
		if (in->in_message == MESSAGE)
			rc = put_message(in, 0, err);
	}
	return rc;
}

uint64_t vault_in_bytes(const struct vault_in *in)
{
	return in->bytes;
}

enum rc vault_in_sync(struct vault_in *in, struct vault_sums *out, struct err *err)
{
	enum rc rc = RC_OK;
	if (in->sealed)
		rc = put_message(in, crypto_secretstream_xchacha20poly1305_TAG_FINAL, err);
	if (rc == RC_OK && in->n)
		rc = write_block(in, err);
	if (rc == RC_OK && in->hole)
		rc = io_truncate(in->f, in->at, err);
	if (rc == RC_OK && fchmod(io_fd(in->f), 0400) != 0)
		rc = fail_errno(err, errno, "cannot make '%s' read-only", in->part);
	if (rc == RC_OK)
		rc = io_sync(in->f, err);
	if (rc != RC_OK)
		return rc;
	*out = (struct vault_sums){ .bytes = in->bytes, .stored_bytes = in->at };
	sums_end(in->sums, &out->sha256, out->sha512);
	in->sums = NULL;
	out->stored = out->sha256;
	if (in->stored)
		EVP_DigestFinal_ex(in->stored, out->stored.b, NULL);
	vault_name(&out->stored, in->name);
	return RC_OK;
}

enum rc vault_in_name(struct vault_in *in, struct err *err)
{
	struct io_file *there = NULL;
	uint64_t size = 0;
	enum rc rc = io_open(in->v->dir, in->name, IO_READ, &there, err);
	if (rc == RC_OK) {
		rc = io_size(there, &size, err);
		io_close(there);
		if (rc == RC_OK && size != in->at)
			rc = fail(err, RC_CONFLICT, "the file '%s' is there and damaged: 'ronda evidence verify' says more",
				  in->name);
		return rc;
	}
	if (rc != RC_ABSENT)
		return rc;
	rc = io_rename(in->v->dir, in->part, in->name, err);
	in->named = rc == RC_OK;
	return rc == RC_OK ? io_dir_sync(in->v->dir, err) : rc;
}

void vault_in_end(struct vault_in *in)
{
	unsigned char none[64];
	struct digest d;
	if (!in)
		return;
	io_close(in->f);
	if (!in->named)
		(void)!io_unlink(in->v->dir, in->part, NULL);
	if (in->sums)
		sums_end(in->sums, &d, none);
	EVP_MD_CTX_free(in->stored);
	free(in->message);
	free(in->block);
	sodium_memzero(in, sizeof(*in));
	free(in);
}

/* --- reading --- */

struct vault_out {
	struct io_file *f;
	bool sealed, ended;
	uint64_t size, at, dropped;
	crypto_secretstream_xchacha20poly1305_state stream;
	unsigned char *plain;
	size_t n, taken;
};

static enum rc damaged(struct err *err)
{
	return fail(err, RC_INPUT, "a sealed item is damaged, or the key is another's");
}

static enum rc open_sealed(struct vault_out *o, const unsigned char *key, struct err *err)
{
	unsigned char head[HEAD];
	o->sealed = true;
	o->plain = x_alloc(MESSAGE);
	enum rc rc = o->size < HEAD ? damaged(err) : io_read_at(o->f, 0, head, HEAD, err);
	o->at = HEAD;
	if (rc == RC_OK && (memcmp(head, MAGIC, 8) != 0 ||
			    crypto_secretstream_xchacha20poly1305_init_pull(&o->stream, head + 8, key) != 0))
		rc = damaged(err);
	return rc;
}

enum rc vault_out_new(struct vault *v, const struct digest *stored, const unsigned char *key,
		      struct vault_out **out, struct err *err)
{
	char name[VAULT_NAME];
	struct vault_out *o = x_alloc(sizeof(*o));
	vault_name(stored, name);
	enum rc rc = io_open(v->dir, name, IO_READ, &o->f, err);
	if (rc == RC_OK)
		rc = io_size(o->f, &o->size, err);
	if (rc == RC_OK && key)
		rc = open_sealed(o, key, err);
	if (rc != RC_OK)
		vault_out_end(o);
	else
		*out = o;
	return rc;
}

static enum rc pull(struct vault_out *o, struct err *err)
{
	unsigned char sealed[MESSAGE + STREAM_MORE], tag = 0;
	unsigned long long n = 0;
	uint64_t left = o->size - o->at;
	size_t take = left < sizeof(sealed) ? (size_t)left : sizeof(sealed);
	if (take < STREAM_MORE)
		return damaged(err);
	enum rc rc = io_read_at(o->f, o->at, sealed, take, err);
	if (rc != RC_OK)
		return rc;
	if (crypto_secretstream_xchacha20poly1305_pull(&o->stream, o->plain, &n, &tag, sealed, take, NULL, 0) != 0)
		return damaged(err);
	o->at += take;
	o->n = (size_t)n;
	o->taken = 0;
	o->ended = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	return o->ended == (o->at == o->size) ? RC_OK : damaged(err);
}

/* What is read once shall not push out what queries read often. */
static void drop_cache(struct vault_out *o)
{
	if (o->at - o->dropped < 8 * BLOCK)
		return;
	(void)posix_fadvise(io_fd(o->f), (off_t)o->dropped, (off_t)(o->at - o->dropped), POSIX_FADV_DONTNEED);
	o->dropped = o->at;
}

enum rc vault_out_read(struct vault_out *o, void *to, size_t n, size_t *got, struct err *err)
{
	enum rc rc = RC_OK;
	*got = 0;
	if (!o->sealed) {
		uint64_t left = o->size - o->at;
		n = left < n ? (size_t)left : n;
		rc = n ? io_read_at(o->f, o->at, to, n, err) : RC_OK;
		o->at += n;
		*got = rc == RC_OK ? n : 0;
		drop_cache(o);
		return rc;
	}
	while (rc == RC_OK && o->taken == o->n && !o->ended)
		rc = pull(o, err);
	if (rc != RC_OK)
		return rc;
	n = o->n - o->taken < n ? o->n - o->taken : n;
	memcpy(to, o->plain + o->taken, n);
	o->taken += n;
	*got = n;
	drop_cache(o);
	return RC_OK;
}

uint64_t vault_out_bytes(const struct vault_out *o)
{
	return o->size;
}

void vault_out_end(struct vault_out *o)
{
	if (!o)
		return;
	io_close(o->f);
	if (o->plain)
		sodium_memzero(o->plain, MESSAGE);
	free(o->plain);
	sodium_memzero(o, sizeof(*o));
	free(o);
}
