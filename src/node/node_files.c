/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that an administrator writes beside ronda.conf: what each row must have. */
#include "node/node_records.h"

#include <json-c/json.h>

enum { LIST_BYTES_MAX = 1 << 20 };

struct list_file {
	const char *name;
	const char *members[10];   /* that a row may have; the first must be there */
	const char *one_of[2][4];  /* of each of these, one at least */
};
static const struct list_file files[] = {
	{ "helplines.json", { "name", "for", "phone", "hours" }, { { "phone", "hours" } } },
	{ "platforms.json", { "role", "name", "email", "form", "language", "organisation", "domains", "kinds" },
	  { { "email", "form", "organisation" }, { "domains", "kinds" } } },
};

static size_t count_of(const char *const *names, size_t most)
{
	size_t n = 0;
	while (n < most && names[n])
		n++;
	return n;
}

static enum rc check_row(const struct list_file *f, struct json_object *row, size_t number, struct err *err)
{
	struct err why = { 0 };
	enum rc rc = json_only(row, f->members, count_of(f->members, COUNT_OF(f->members)), &why);
	if (rc == RC_OK && !json_get(row, f->members[0]))
		rc = fail(&why, RC_INPUT, "'%s' is missing", f->members[0]);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(f->one_of) && f->one_of[i][0]; i++) {
		bool any = false;
		for (size_t k = 0; k < count_of(f->one_of[i], COUNT_OF(f->one_of[i])); k++)
			any = any || json_get(row, f->one_of[i][k]);
		if (!any)
			rc = fail(&why, RC_INPUT, "neither '%s' nor '%s' is there", f->one_of[i][0], f->one_of[i][1]);
	}
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s: row %zu: %s", f->name, number, why.text);
}

static enum rc check_file(struct io_dir *d, const struct list_file *f, struct err *err)
{
	struct buf text = BUF_INIT(LIST_BYTES_MAX);
	struct json_object *list = NULL;
	struct err why = { 0 };
	enum rc rc = io_read_file(d, f->name, &text, &why);
	bool absent = rc == RC_ABSENT;
	if (rc == RC_OK)
		rc = json_read(buf_str(&text), &list, &why);
	if (rc == RC_OK && !json_object_is_type(list, json_type_array))
		rc = fail(&why, RC_INPUT, "is no list");
	rc = rc == RC_OK || absent ? RC_OK : fail(err, rc, "%s: %s", f->name, why.text);
	for (size_t i = 0; rc == RC_OK && i < json_count(list); i++)
		rc = check_row(f, json_at(list, i), i + 1, err);
	json_free(list);
	buf_free(&text);
	return rc;
}

enum rc node_files_check(struct io_dir *d, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(files); i++)
		rc = check_file(d, &files[i], err);
	return rc;
}
