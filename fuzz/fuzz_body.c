/* SPDX-License-Identifier: Apache-2.0 */
/* A body against a type: refused with sentences, or in a form that is taken again as it
 * is; and each of its values, shown as text, reads back the same. */
#include "fuzz.h"
#include "record/kind.h"

static const char *const roles[] = { "viewer", "analyst", "duty", "lead", "liaison", "auditor",
				     "constituent", "protection", NULL };

static void shown_reads_back(const struct type *t, struct json_object *body, struct arena *a)
{
	for (size_t i = 0; i < t->field_count; i++) {
		const struct type_field *f = &t->fields[i];
		struct json_object *v = json_get(body, f->name);
		struct buf shown = BUF_INIT(MIB(8)), was = BUF_INIT(MIB(8)), now = BUF_INIT(MIB(8));
		struct json_out one = json_out(&was), two = json_out(&now);
		struct kind_key key;
		struct err err = { 0 };
		(void)kind_key(f, v, a, &key);
		MUST(kind_check(f, v, STR("en"), &one, &err) == RC_OK);
		kind_format(f, v, &shown);
		MUST(kind_parse(f, buf_str(&shown), STR("en"), &two, &err) == RC_OK);
		MUST(f->kind == KIND_SECRET || str_eq(buf_str(&was), buf_str(&now)));
		buf_free(&shown);
		buf_free(&was);
		buf_free(&now);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct types *all; /* loaded once */
	struct json_object *o = NULL, *again = NULL;
	struct buf b = BUF_INIT(MIB(1)), c = BUF_INIT(MIB(1));
	struct body_error errors[8];
	struct arena *a = arena_new(KIB(4));
	struct err err = { 0 };
	size_t n = 0;
	if (!all)
		MUST(types_load(NULL, roles, &all, &err) == RC_OK);
	/* the first byte says which type and state, the rest is the body */
	const struct type *t = types_at(all, size ? data[0] % types_count(all) : 0);
	unsigned state = size ? data[0] / 16 % (unsigned)t->state_count : 0;
	str text = str_mem(data + (size > 0), size - (size > 0));
	if (json_read(text, &o, NULL) == RC_OK) {
		enum rc rc = body_check(t, state, o, false, STR("id"), &b, errors, 8, &n, &err);
		MUST((rc == RC_OK) == (n == 0));
		for (size_t i = 0; i < n; i++)
			MUST(errors[i].text[0] && str_is_plain(str_of(errors[i].text)));
		if (rc == RC_OK) {
			MUST(json_read(buf_str(&b), &again, NULL) == RC_OK);
			MUST(body_check(t, state, again, false, STR("en"), &c, errors, 8, &n, &err) == RC_OK);
			MUST(str_eq(buf_str(&b), buf_str(&c)));
			shown_reads_back(t, again, a);
		}
	}
	json_free(o);
	json_free(again);
	buf_free(&b);
	buf_free(&c);
	arena_free(a);
	return 0;
}
