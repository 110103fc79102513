/* SPDX-License-Identifier: Apache-2.0 */
/* Files of `ronda directory import`: registries' dumps are gigabytes in gzip, so they are read as
 * a stream. */
#include <errno.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/clock.h"
#include "cli/directory_private.h"

enum { PIECE = 128 << 10, GZIP_BITS = 15 + 16, LINE_MOST = 64 << 10 };
#define UNPACKED_MOST (UINT64_C(64) << 30)

struct dir_file {
	struct cli *c;
	char **paths;
	size_t count, at;          /* at: of the file that is open, or next */
	int fd;                    /* -1: none */
	bool packed, z_open, input_end;
	z_stream z;
	unsigned char raw[PIECE];
	struct buf text;           /* unpacked, from `from` on still to be read */
	size_t from;
	uint64_t total, shown;
	int32_t day;
	enum rc rc;
	struct err err;
};

struct dir_file *dir_file_new(struct cli *c, char **paths, size_t count)
{
	struct dir_file *f = x_alloc(sizeof(*f));
	f->c = c;
	f->paths = paths;
	f->count = count;
	f->fd = -1;
	f->text = (struct buf)BUF_INIT(MIB(64));
	return f;
}

static void end_one(struct dir_file *f)
{
	if (f->z_open)
		(void)inflateEnd(&f->z);
	if (f->fd >= 0)
		cli_close_file(f->c, f->fd);
	f->z_open = false;
	f->fd = -1;
}

void dir_file_free(struct dir_file *f)
{
	if (!f)
		return;
	end_one(f);
	buf_free(&f->text);
	free(f);
}

static bool stop(struct dir_file *f, enum rc rc)
{
	f->rc = rc;
	return false;
}

static bool read_raw(struct dir_file *f, size_t *n)
{
	long got = cli_read(f->c, f->fd, f->raw, sizeof(f->raw));
	if (got < 0)
		return stop(f, fail_errno(&f->err, errno, "cannot read '%s'", f->paths[f->at]));
	*n = (size_t)got;
	return true;
}

static bool begin_one(struct dir_file *f)
{
	struct stat st;
	size_t n = 0;
	enum rc rc = cli_open_file(f->c, f->paths[f->at], &f->fd, &f->err);
	if (rc != RC_OK)
		return stop(f, rc);
	if (f->at == 0 && fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode))
		f->day = time_day((int64_t)st.st_mtime * SECOND_US);
	if (!read_raw(f, &n))
		return false;
	f->packed = n > 2 && f->raw[0] == 0x1f && f->raw[1] == 0x8b;
	f->z = (z_stream){ .next_in = f->raw, .avail_in = (unsigned)n };
	f->z_open = f->packed && inflateInit2(&f->z, GZIP_BITS) == Z_OK;
	f->input_end = n == 0;
	if (f->packed && !f->z_open)
		return stop(f, fail(&f->err, RC_IO, "cannot unpack '%s'", f->paths[f->at]));
	return true;
}

/* What is unpacked of what was read; several members of gzip follow one another. */
static bool unpack(struct dir_file *f)
{
	char *to = buf_room(&f->text, PIECE);
	if (!to)
		return stop(f, fail(&f->err, RC_LIMIT, "'%s' is too large", f->paths[f->at]));
	f->z.next_out = (unsigned char *)to;
	f->z.avail_out = PIECE;
	int z = inflate(&f->z, Z_NO_FLUSH);
	f->text.n += PIECE - f->z.avail_out;
	f->total += PIECE - f->z.avail_out;
	if (z == Z_STREAM_END && (f->z.avail_in || !f->input_end))
		z = inflateReset(&f->z);
	if ((z != Z_OK && z != Z_BUF_ERROR && z != Z_STREAM_END) || (z == Z_BUF_ERROR && f->input_end))
		return stop(f, fail(&f->err, RC_INPUT, "'%s' is damaged: it does not unpack", f->paths[f->at]));
	return true;
}

static void show(struct dir_file *f)
{
	if (!f->c->progress || f->total >> 22 == f->shown)
		return;
	f->shown = f->total >> 22;
	cli_talk(f->c, "%llu MiB read", (unsigned long long)(f->total >> 20));
}

/* More text behind what there is; false: the end, or it went wrong. */
static bool more(struct dir_file *f)
{
	size_t n = 0, before = f->text.n;
	while (f->rc == RC_OK && f->text.n == before) {
		if (f->fd < 0) {
			if (f->at == f->count)
				return false;
			if (!begin_one(f))
				return false;
			if (f->at > 0)
				buf_add(&f->text, STR("\n\n"));
			continue;
		}
		if (f->z.avail_in == 0 && !f->input_end) {
			if (!read_raw(f, &n))
				return false;
			f->z.next_in = f->raw;
			f->z.avail_in = (unsigned)n;
			f->input_end = n == 0;
		}
		if (f->z.avail_in == 0 && f->input_end) {
			end_one(f);
			f->at++;
			continue;
		}
		if (f->packed) {
			if (!unpack(f))
				return false;
		} else {
			buf_add_mem(&f->text, f->z.next_in, f->z.avail_in);
			f->total += f->z.avail_in;
			f->z.avail_in = 0;
		}
		if (f->total > UNPACKED_MOST)
			return stop(f, fail(&f->err, RC_LIMIT, "more than 64 GiB"));
		if (f->text.over)
			return stop(f, fail(&f->err, RC_LIMIT, "'%s' is too large", f->paths[f->at]));
	}
	show(f);
	return f->text.n > before;
}

static void forget_read(struct dir_file *f)
{
	if (f->from < PIECE && f->from < f->text.n)
		return;
	memmove(f->text.p, f->text.p + f->from, f->text.n - f->from);
	f->text.n -= f->from;
	f->from = 0;
}

bool dir_file_line(void *ctx, str *out)
{
	struct dir_file *f = ctx;
	size_t looked = 0;
	if (f->from)
		forget_read(f);
	for (;;) {
		str rest = str_from(buf_str(&f->text), f->from);
		const char *end = rest.n > looked ? memchr(rest.p + looked, '\n', rest.n - looked) : NULL;
		if (end || rest.n > LINE_MOST) {
			size_t n = end ? (size_t)(end - rest.p) : LINE_MOST; /* a line that never ends is cut */
			f->from += end ? n + 1 : n;
			*out = str_head(rest, n);
			break;
		}
		looked = rest.n;
		if (!more(f)) {
			rest = str_from(buf_str(&f->text), f->from);
			*out = rest;
			f->from += rest.n;
			if (rest.n == 0 || f->rc != RC_OK)
				return false;
			break;
		}
	}
	if (out->n && out->p[out->n - 1] == '\r')
		out->n--;
	return true;
}

str dir_file_head(struct dir_file *f, size_t most)
{
	while (f->text.n - f->from < most && more(f))
		;
	return str_head(str_from(buf_str(&f->text), f->from), most);
}

enum rc dir_file_all(struct dir_file *f, size_t cap, struct buf *out, struct err *err)
{
	out->cap = cap;
	do {
		buf_add(out, str_from(buf_str(&f->text), f->from));
		f->from = 0;
		f->text.n = 0;
	} while (!out->over && more(f));
	if (f->rc == RC_OK && out->over)
		return fail(err, RC_LIMIT, "the file is over %zu MiB", cap >> 20);
	return dir_file_end(f, err);
}

enum rc dir_file_end(struct dir_file *f, struct err *err)
{
	return f->rc == RC_OK ? RC_OK : fail(err, f->rc, "%s", f->err.text);
}

int32_t dir_file_day(struct dir_file *f)
{
	return f->day;
}
