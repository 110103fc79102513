/* SPDX-License-Identifier: Apache-2.0 */
/* References as people type them: "42", "incident-42", several by comma or line. */
#include "disclosure/read_records.h"

enum { REFERENCES_MAX = 64 << 10 };

static enum rc add_one(struct reader *r, const struct types *t, const struct viewer *v,
		       const struct type_field *f, str text, str language, struct arena *a,
		       struct buf *out, struct err *err)
{
	struct record_view found = { 0 };
	uint64_t number;
	str name = str_trim_all(text);

	if (name.n == 0 || str_find(name, STR("--")) < name.n) { /* an id already, not only of records */
		buf_add(out, name);
		return RC_OK;
	}
	if (f->refers_to && str_to_u64(name, &number))
		name = arena_fmt(a, "%s-%llu", f->refers_to, (unsigned long long)number);
	enum rc rc = read_record(r, t, v, name, a, &found, err);
	if (rc == RC_OK)
		buf_add(out, record_view_id(&found, a));
	record_view_end(&found);
	return rc == RC_ABSENT ? fail(err, RC_INPUT, "%s: there is no record '" STR_FMT "'",
				      words_in(f->label, language), STR_ARG(str_head(name, 80))) :
				 rc;
}

enum rc read_references(struct reader *r, const struct types *t, const struct viewer *v,
			const struct type_field *f, str text, str language, struct arena *a,
			str *out, struct err *err)
{
	struct buf b = BUF_INIT(REFERENCES_MAX);
	enum rc rc = RC_OK;

	*out = text;
	if (f->kind != KIND_REFERENCE && f->kind != KIND_PERSON)
		return RC_OK;
	while (rc == RC_OK && text.n > 0) {
		size_t n = 0;

		while (n < text.n && !strchr(",;\n", text.p[n]))
			n++;
		rc = add_one(r, t, v, f, str_head(text, n), language, a, &b, err);
		buf_char(&b, '\n');
		text = str_from(text, n + 1);
	}
	if (rc == RC_OK && b.over)
		rc = fail(err, RC_LIMIT, "%s: more than %d bytes", words_in(f->label, language), REFERENCES_MAX);
	*out = arena_str(a, str_trim_all(buf_str(&b)));
	buf_free(&b);
	return rc;
}
