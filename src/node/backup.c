/* SPDX-License-Identifier: Apache-2.0 */
#include "node/backup_private.h"

#include <sys/resource.h>

#include "base/arena.h"
#include "base/json.h"
#include "store/backup.h"

struct writing {
	struct store *s;
	struct store_backup *b;
	crypto_secretstream_xchacha20poly1305_state stream;
	unsigned char head[HEAD_BYTES]; /* bound to the first message, then not any more */
	size_t head_bound;
	unsigned char plain[MESSAGE];
	size_t n;
	unsigned char sealed[4 + MESSAGE + MESSAGE_MORE];
	backup_put put;
	backup_progress progress;
	void *ctx;
	uint64_t done, all;
};

/* --- the stream --- */

static enum rc refused(struct err *err)
{
	return fail(err, RC_IO, "the backup cannot be written");
}

static enum rc begin_stream(struct writing *w, const struct backup_key *to, struct err *err)
{
	unsigned char key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
	struct buf b = BUF_INIT(HEAD_KEY + 1);
	buf_add(&b, STR(BACKUP_MAGIC));
	buf_le16(&b, BACKUP_VERSION);
	buf_le16(&b, 0);
	memcpy(w->head, b.p, HEAD_KEY);
	buf_free(&b);
	memcpy(w->head + HEAD_KEY, to->b, sizeof(to->b));
	crypto_secretstream_xchacha20poly1305_keygen(key);
	bool ok = crypto_box_seal(w->head + HEAD_SEALED, key, sizeof(key), to->b) == 0;
	crypto_secretstream_xchacha20poly1305_init_push(&w->stream, w->head + HEAD_STREAM, key);
	explicit_bzero(key, sizeof(key));
	if (!ok)
		return fail(err, RC_INPUT, "nothing can be encrypted to this key");
	w->head_bound = HEAD_BYTES;
	return w->put(w->ctx, str_mem(w->head, HEAD_BYTES)) ? RC_OK : refused(err);
}

static enum rc push(struct writing *w, unsigned char tag, struct err *err)
{
	unsigned long long n;
	crypto_secretstream_xchacha20poly1305_push(&w->stream, w->sealed + 4, &n, w->plain, w->n,
						   w->head, w->head_bound, tag);
	for (int i = 0; i < 4; i++)
		w->sealed[i] = (unsigned char)(n >> (8 * i));
	w->n = w->head_bound = 0;
	return w->put(w->ctx, str_mem(w->sealed, 4 + (size_t)n)) ? RC_OK : refused(err);
}

static enum rc put(struct writing *w, str s, struct err *err)
{
	enum rc rc = RC_OK;
	while (s.n && rc == RC_OK) {
		size_t n = s.n < MESSAGE - w->n ? s.n : MESSAGE - w->n;
		memcpy(w->plain + w->n, s.p, n);
		w->n += n;
		s = str_from(s, n);
		if (w->n == MESSAGE)
			rc = push(w, 0, err);
	}
	return rc;
}

/* --- what is in it --- */

static enum rc put_listing(struct writing *w, const struct backup_file *file, size_t count,
			   const struct backup_summary *sum, struct err *err)
{
	struct buf b = BUF_INIT(LISTING_MAX), length = BUF_INIT(8);
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "node", str_of(sum->node));
	json_put_str(&j, "name", str_of(sum->name));
	json_put_str(&j, "version", str_of(sum->version));
	json_put_i64(&j, "made_us", sum->made_us);
	json_put_str(&j, "journal_head", str_of(sum->head));
	json_put_i64(&j, "missing", (int64_t)sum->missing);
	json_key(&j, STR("files"));
	json_open(&j, '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&j, '{');
		json_put_str(&j, "name", str_of(file[i].name));
		json_put_i64(&j, "bytes", (int64_t)file[i].bytes);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	buf_le32(&length, (uint32_t)b.n);
	enum rc rc = b.over ? fail(err, RC_LIMIT, "a listing of %zu files is too long", count)
			    : put(w, buf_str(&length), err);
	if (rc == RC_OK)
		rc = put(w, buf_str(&b), err);
	buf_free(&b);
	buf_free(&length);
	return rc;
}

static enum rc put_file(struct writing *w, size_t i, const struct backup_file *f, struct err *err)
{
	struct sha256 *sha = sha256_new();
	enum rc rc = RC_OK;
	for (uint64_t at = 0; at < f->bytes && rc == RC_OK;) {
		uint64_t left = f->bytes - at;
		size_t room = MESSAGE - w->n, n = left < room ? (size_t)left : room;
		rc = store_backup_read(w->b, i, at, w->plain + w->n, n, err);
		if (rc != RC_OK)
			break;
		sha256_add(sha, str_mem(w->plain + w->n, n));
		w->n += n;
		at += n;
		w->done += n;
		if (w->n == MESSAGE)
			rc = push(w, 0, err);
		if (w->progress)
			w->progress(w->ctx, w->done, w->all);
	}
	struct digest d = sha256_end(sha);
	return rc == RC_OK ? put(w, str_mem(d.b, sizeof(d.b)), err) : rc;
}

static enum rc write_all(struct writing *w, const struct backup_key *to, struct backup_summary *sum,
			 struct err *err)
{
	size_t count, missing;
	const struct backup_file *file = store_backup_files(w->b, &count, &missing);
	sum->missing = missing;
	sum->files = count;
	for (size_t i = 0; i < count; i++) {
		sum->bytes += file[i].bytes;
		sum->missing += file[i].damaged;
	}
	w->all = sum->bytes;
	enum rc rc = begin_stream(w, to, err);
	if (rc == RC_OK)
		rc = put_listing(w, file, count, sum, err);
	for (size_t i = 0; i < count && rc == RC_OK; i++)
		rc = put_file(w, i, &file[i], err);
	return rc == RC_OK ? push(w, crypto_secretstream_xchacha20poly1305_TAG_FINAL, err) : rc;
}

/* --- beginning and end --- */

static enum rc say(struct journal *j, const char *what, str actor, const struct backup_key *to,
		   const struct backup_summary *sum, const char *why, struct err *err)
{
	char key[BACKUP_KEY_TEXT];
	struct buf body = BUF_INIT(KIB(4));
	struct json_out json = json_out(&body);
	backup_public_text(to->b, key);
	json_open(&json, '{');
	json_put_str(&json, "key", str_of(key));
	if (sum) {
		json_put_i64(&json, "bytes", (int64_t)sum->bytes);
		json_put_i64(&json, "missing", (int64_t)sum->missing);
	}
	if (why)
		json_put_str(&json, "why", str_of(why));
	json_close(&json, '}');
	struct journal_act act = { .act = what,
				   .actor = actor,
				   .object = STR("backup"),
				   .count = sum ? sum->files : 0,
				   .body = buf_str(&body) };
	enum rc rc = journal_write(j, &act, err);
	buf_free(&body);
	return rc;
}

static enum rc describe(struct store *s, struct backup_summary *out, struct err *err)
{
	struct reader *r;
	struct buf head = BUF_INIT(sizeof(out->head));
	*out = (struct backup_summary){ .made_us = clock_now_us() };
	str_to_z(store_node_id(s), out->node, sizeof(out->node));
	str_to_z(store_node_name(s), out->name, sizeof(out->name));
	str_to_z(STR(RONDA_VERSION), out->version, sizeof(out->version));
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK) {
		rc = journal_head(reader_conn(r), &head, err);
		store_read_end(r);
	}
	str_to_z(buf_str(&head), out->head, sizeof(out->head));
	buf_free(&head);
	return rc;
}

enum rc backup_write(struct store *s, struct journal *j, const struct backup_key *to, str actor,
		     backup_put put_fn, backup_progress progress, void *ctx,
		     struct backup_summary *out, struct err *err)
{
	struct writing *w = x_alloc(sizeof(*w));
	w->s = s;
	w->put = put_fn;
	w->progress = progress;
	w->ctx = ctx;
	/* first: what leaves the node is in the journal also when it is cut off */
	enum rc rc = say(j, "backup", actor, to, NULL, NULL, err);
	bool begun = rc == RC_OK;
	if (rc == RC_OK)
		rc = describe(s, out, err);
	if (rc == RC_OK)
		rc = store_backup_begin(s, &w->b, err);
	if (rc == RC_OK) {
		(void)!setpriority(PRIO_PROCESS, 0, 10); /* of this thread: deliveries go first */
		rc = write_all(w, to, out, err);
	}
	store_backup_end(w->b);
	sodium_memzero(w, sizeof(*w));
	free(w);
	if (rc == RC_OK)
		return say(j, "backup.done", actor, to, out, NULL, err);
	struct err why = err ? *err : (struct err){ 0 };
	if (begun && say(j, "backup.failed", actor, to, NULL, why.text, NULL) != RC_OK)
		return rc; /* the first reason is the one to tell */
	return rc;
}
