/* SPDX-License-Identifier: Apache-2.0 */
/* A package as one tar (POSIX.1-1988 ustar; GNU's base 256 where a length needs more than eleven octal digits). */
#include <sodium.h>

#include "evidence/package.h"

enum { BLOCK = 512, NAME = 100, PREFIX_AT = 345, PREFIX = 155 };
static const char zeros[BLOCK];

static void octal(char *to, size_t digits, uint64_t v)
{
	for (size_t i = digits; i-- > 0; v >>= 3)
		to[i] = (char)('0' + (v & 7));
}

static void put_size(char *to, uint64_t bytes)
{
	if (bytes >> 33 == 0) {
		octal(to, 11, bytes);
		return;
	}
	for (size_t i = 12; i-- > 0; bytes >>= 8)
		to[i] = (char)(bytes & 0xff);
	to[0] = (char)0x80;
}

/* A long path is split at a slash. */
static bool put_path(char head[BLOCK], str path)
{
	size_t cut = 0;
	if (path.n > NAME)
		for (size_t i = 0; i < path.n && i <= PREFIX; i++)
			if (path.p[i] == '/' && path.n - i - 1 <= NAME)
				cut = i;
	if (path.n > NAME && !cut)
		return false;
	if (cut)
		memcpy(head + PREFIX_AT, path.p, cut);
	str name = str_from(path, cut ? cut + 1 : 0);
	memcpy(head, name.p, name.n);
	return true;
}

static enum rc begin(void *ctx, const char *path, uint64_t bytes, struct err *err)
{
	struct package_tar *t = ctx;
	char head[BLOCK] = { 0 }, whole[PACKAGE_PATH + 100];
	unsigned sum = 0;
	snprintf(whole, sizeof(whole), "%s/%s", t->folder, path);
	if (!put_path(head, str_of(whole)))
		return fail(err, RC_LIMIT, "'%s' is too long a name for a tar", path);
	octal(head + 100, 7, 0444);
	octal(head + 108, 7, 0);
	octal(head + 116, 7, 0);
	put_size(head + 124, bytes);
	octal(head + 136, 11, (uint64_t)(t->now_us / SECOND_US));
	memset(head + 148, ' ', 8);
	head[156] = '0';
	memcpy(head + 257, "ustar\0" "00", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)head[i];
	octal(head + 148, 6, sum);
	head[154] = '\0';
	t->bytes = 0;
	return t->put(t->ctx, str_mem(head, BLOCK), err);
}

static enum rc bytes(void *ctx, str s, struct err *err)
{
	struct package_tar *t = ctx;
	t->bytes += s.n;
	return t->put(t->ctx, s, err);
}

static enum rc end(void *ctx, struct err *err)
{
	struct package_tar *t = ctx;
	size_t over = (size_t)(t->bytes % BLOCK);
	return over ? t->put(t->ctx, str_mem(zeros, BLOCK - over), err) : RC_OK;
}

struct package_sink package_tar_sink(struct package_tar *t)
{
	return (struct package_sink){ .begin = begin, .bytes = bytes, .end = end, .ctx = t };
}

enum rc package_tar_end(struct package_tar *t, struct err *err)
{
	enum rc rc = t->put(t->ctx, str_mem(zeros, BLOCK), err);
	return rc == RC_OK ? t->put(t->ctx, str_mem(zeros, BLOCK), err) : rc;
}
