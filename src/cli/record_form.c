/* SPDX-License-Identifier: Apache-2.0 */
/* record_form.c: a record as lines for an editor: "name: value", further lines of a value
 * set in by a TAB, # begins a remark. What was not changed is not sent. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/record_private.h"

extern char **environ;

static void remark(struct record_call *k, const struct type_field *f, struct buf *out)
{
	buf_fmt(out, "# %s", words_in(f->label, k->language));
	if (f->kind == KIND_CHOICE) {
		for (size_t i = 0; i < f->choice_count; i++)
			buf_fmt(out, "%s%s", i ? ", " : ": ", f->choices[i].name);
	} else if (f->kind == KIND_ROWS) {
		for (size_t i = 0; i < f->row_count; i++)
			buf_fmt(out, "%s%s", i ? " | " : ": ", f->rows[i].name);
	} else {
		buf_fmt(out, " (%s%s)", kind_name(f->kind), f->list ? ", one a line" : "");
	}
	if (f->block)
		buf_fmt(out, " [%s]", f->block);
	buf_char(out, '\n');
	if (f->help && words_in(f->help, k->language)[0])
		buf_fmt(out, "#   %s\n", words_in(f->help, k->language));
}

void record_form_write(struct record_call *k, struct json_object *body, struct buf *out)
{
	struct buf value = BUF_INIT(MIB(4));
	buf_add(out, STR("# One field a line; further lines of a value begin with a TAB. Lines with # are left out.\n"));
	for (size_t i = 0; i < k->type->field_count; i++) {
		const struct type_field *f = &k->type->fields[i];
		buf_reset(&value);
		if (json_get(body, f->name))
			kind_format(f, json_get(body, f->name), &value);
		remark(k, f, out);
		buf_fmt(out, "%s:", f->name);
		str rest = buf_str(&value), line;
		bool several = str_has(rest, '\n') || f->kind == KIND_ROWS;
		if (rest.n && !several) {
			buf_char(out, ' ');
			buf_add(out, rest);
		}
		while (several && str_line(&rest, &line)) {
			buf_add(out, STR("\n\t"));
			buf_add(out, line);
		}
		buf_char(out, '\n');
	}
	buf_free(&value);
}

static bool same(const struct type_field *f, struct json_object *body, str text)
{
	struct buf was = BUF_INIT(MIB(4));
	if (json_get(body, f->name))
		kind_format(f, json_get(body, f->name), &was);
	bool equal = str_eq(str_trim_all(buf_str(&was)), str_trim_all(text));
	buf_free(&was);
	return equal;
}

static enum rc take(struct record_call *k, struct reader *r, const struct type_field *f,
		    const struct buf *value, struct json_object *body, struct json_out *j,
		    struct err *err)
{
	if (!f || same(f, body, buf_str(value)))
		return RC_OK;
	return record_field_value(k, r, f, buf_str(value), j, err);
}

enum rc record_form_read(struct record_call *k, struct reader *r, str text, struct json_object *body,
			 struct buf *out, struct err *err)
{
	const struct type_field *f = NULL;
	struct json_out j = json_out(out);
	struct buf value = BUF_INIT(MIB(4));
	enum rc rc = RC_OK;
	str line;
	json_open(&j, '{');
	for (unsigned at = 1; rc == RC_OK && str_line(&text, &line); at++) {
		if (str_starts(line, STR("#")))
			continue;
		if (f && (str_starts(line, STR("\t")) || line.n == 0)) {
			buf_add(&value, STR("\n"));
			buf_add(&value, str_from(line, 1));
			continue;
		}
		if (str_trim(line).n == 0)
			continue;
		rc = take(k, r, f, &value, body, &j, err);
		buf_reset(&value);
		str name = str_trim(str_cut(&line, ':'));
		f = record_field(k->type, name);
		if (rc == RC_OK && !f)
			rc = fail(err, RC_INPUT, "line %u: there is no field '" STR_FMT "' in '%s'", at,
				  STR_ARG(str_head(name, 60)), k->type->name);
		buf_add(&value, str_trim(line));
	}
	if (rc == RC_OK)
		rc = take(k, r, f, &value, body, &j, err);
	json_close(&j, '}');
	buf_free(&value);
	return rc;
}

/* --- the editor --- */

static enum rc run_editor(const char *editor, const char *path, struct err *err)
{
	/* the setting may hold options, as git allows: the shell takes it apart */
	char *const argv[] = { "sh", "-c", "exec $0 \"$1\"", (char *)(uintptr_t)editor,
			       (char *)(uintptr_t)path, NULL };
	pid_t pid;
	int status = 0, code = posix_spawnp(&pid, "sh", NULL, NULL, argv, environ);
	if (code != 0)
		return fail_errno(err, code, "cannot start '%s'", editor);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail_errno(err, errno, "cannot wait for '%s'", editor);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fail(err, RC_CONFLICT, "'%s' ended without success: nothing is changed", editor);
	return RC_OK;
}

static enum rc edit_file(int fd, const char *path, const char *editor, struct buf *text, struct err *err)
{
	struct stat st;
	if (write(fd, text->p, text->n) != (ssize_t)text->n)
		return fail_errno(err, errno, "cannot write '%s'", path);
	enum rc rc = run_editor(editor, path, err);
	if (rc != RC_OK)
		return rc;
	/* editors write a new file and rename it over: read by name */
	int again = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (again < 0 || fstat(again, &st) != 0 || st.st_size > (off_t)MIB(4)) {
		if (again >= 0)
			close(again);
		return fail(err, RC_INPUT, "'%s' cannot be read again, or is over 4 MiB", path);
	}
	buf_reset(text);
	char *room = buf_room(text, (size_t)st.st_size);
	ssize_t n = room ? read(again, room, (size_t)st.st_size) : -1;
	close(again);
	if (n < 0)
		return fail_errno(err, errno, "cannot read '%s'", path);
	text->n += (size_t)n;
	return RC_OK;
}

enum rc record_form_edit(struct record_call *k, struct buf *text, struct err *err)
{
	struct cli *c = k->c;
	const char *folder = getenv("TMPDIR"), *visual = getenv("VISUAL"), *plain = getenv("EDITOR");
	const char *editor = visual && *visual ? visual : plain && *plain ? plain : "vi";
	if (c->served || !c->terminal || isatty(c->in) != 1)
		return fail(err, RC_INPUT, c->served ? "a node serves this directory: give FIELD=VALUE, or --text and "
						       "then --form FILE" :
						       "give FIELD=VALUE, --body FILE or --form FILE");
	char *path = arena_z(c->a, arena_fmt(c->a, "%s/ronda-XXXXXX", folder && *folder ? folder : "/tmp"));
	int fd = mkostemp(path, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return fail_errno(err, errno, "cannot make '%s'", path);
	enum rc rc = edit_file(fd, path, editor, text, err);
	close(fd);
	unlink(path);
	return rc;
}
