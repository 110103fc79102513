/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: the caller's files and the caller's tables. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/csv.h"
#include "cli/cli_private.h"

enum rc cli_open_file(struct cli *c, const char *path, int *fd_out, struct err *err)
{
	int fd = str_eq(str_of(path), STR("-")) ? fcntl(c->in, F_DUPFD_CLOEXEC, 3) :
						  openat(c->dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, errno, "cannot open '%s'", path);
	*fd_out = fd;
	return RC_OK;
}

enum rc cli_read_file(struct cli *c, const char *path, size_t cap, struct buf *out, struct err *err)
{
	int fd;
	enum rc rc = cli_open_file(c, path, &fd, err);
	if (rc != RC_OK)
		return rc;
	out->cap = cap;
	for (;;) {
		char part[16384];
		ssize_t n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = fail_errno(err, errno, "cannot read '%s'", path);
		if (n <= 0)
			break;
		buf_add_mem(out, part, (size_t)n);
		if (out->over) {
			rc = fail(err, RC_LIMIT, "'%s' is longer than %zu bytes", path, cap);
			break;
		}
	}
	close(fd);
	return rc;
}

struct cli_table cli_table(struct cli *c, const char *const *columns, size_t count)
{
	return (struct cli_table){ .c = c, .columns = columns, .count = count };
}

static void text_row(struct cli_table *t, const str *values, bool header)
{
	for (size_t i = 0; i < t->count; i++) {
		str v = header ? str_of(t->columns[i]) : values[i];
		/* Bytes from outside must not move the reader's cursor. */
		for (size_t k = 0; k < v.n && k < 4096; k++) {
			char ch = v.p[k];
			cli_print(t->c, (unsigned char)ch < 0x20 || ch == 0x7f ? STR("?") : str_mem(&ch, 1));
		}
		cli_print(t->c, i + 1 == t->count ? STR("\n") : STR("\t"));
	}
}

void cli_row(struct cli_table *t, const str *values)
{
	struct buf b = BUF_INIT(MIB(4));
	switch (t->c->form) {
	case CLI_JSON: {
		struct json_out j = json_out(&b);
		json_open(&j, '{');
		for (size_t i = 0; i < t->count; i++)
			json_put_str(&j, t->columns[i], values[i]);
		json_close(&j, '}');
		buf_char(&b, '\n');
		break;
	}
	case CLI_CSV: {
		struct csv_out csv = { .b = &b, .guard = true };
		for (size_t i = 0; !t->header_done && i < t->count; i++)
			csv_field(&csv, str_of(t->columns[i]));
		if (!t->header_done)
			csv_end(&csv);
		for (size_t i = 0; i < t->count; i++)
			csv_field(&csv, values[i]);
		csv_end(&csv);
		break;
	}
	case CLI_TEXT:
		if (!t->header_done)
			text_row(t, NULL, true);
		text_row(t, values, false);
		break;
	}
	t->header_done = true;
	cli_print(t->c, buf_str(&b));
	buf_free(&b);
}
