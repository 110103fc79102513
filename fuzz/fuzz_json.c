/* SPDX-License-Identifier: Apache-2.0 */
/* json_flat against json-c: what json_flat takes, json-c takes too, with the same
 * keys and the same strings; what only json-c takes, json_flat must have a reason
 * for. What json_out writes is read the same again. */
#include <json-c/json.h>

#include "base/json.h"
#include "fuzz.h"

static void compare_value(const struct json_pair *p, struct json_object *v)
{
	switch (p->kind) {
	case JSON_NULL:
		MUST(!v);
		break;
	case JSON_FALSE:
	case JSON_TRUE:
		MUST(json_object_is_type(v, json_type_boolean));
		MUST(json_object_get_boolean(v) == (p->kind == JSON_TRUE));
		break;
	case JSON_NUMBER:
		MUST(json_object_is_type(v, json_type_int) ||
		     json_object_is_type(v, json_type_double));
		break;
	case JSON_STRING:
		MUST(str_eq(json_text(v), p->value));
		break;
	case JSON_NEST:
		MUST(json_object_is_type(v, json_type_array) ||
		     json_object_is_type(v, json_type_object));
		break;
	}
}

/* json-c cuts a key at a NUL inside it, where it may become another key's name:
 * with such a key in the object only the kinds of brackets can be compared. */
static void compare_all(const struct json_pair *pairs, size_t n, struct json_object *o)
{
	MUST(json_object_is_type(o, json_type_object));
	for (size_t i = 0; i < n; i++)
		if (pairs[i].key.n && memchr(pairs[i].key.p, 0, pairs[i].key.n))
			return;
	MUST(json_object_object_length(o) == (int)n);
	for (size_t i = 0; i < n; i++) {
		struct json_object *v = NULL;
		char key[1024];
		if (!str_to_z(pairs[i].key, key, sizeof(key)))
			continue; /* longer than we ask for */
		MUST(json_object_object_get_ex(o, key, &v));
		compare_value(&pairs[i], v);
	}
}

static void write_and_read(const struct json_pair *pairs, size_t n, struct arena *a)
{
	struct buf b = BUF_INIT(MIB(64));
	struct json_out j = json_out(&b);
	struct json_pair *again = NULL;
	struct err err;
	size_t count = 0;
	json_open(&j, '{');
	for (size_t i = 0; i < n; i++) {
		json_key(&j, pairs[i].key);
		if (pairs[i].kind == JSON_STRING)
			json_str(&j, pairs[i].value);
		else if (pairs[i].kind == JSON_NUMBER || pairs[i].kind == JSON_NEST)
			json_raw(&j, pairs[i].value);
		else
			json_null(&j);
	}
	json_close(&j, '}');
	MUST(json_flat(buf_str(&b), a, &again, &count, &err) == RC_OK && count == n);
	for (size_t i = 0; i < n; i++) {
		MUST(str_eq(pairs[i].key, again[i].key));
		MUST(pairs[i].kind != JSON_STRING || str_eq(pairs[i].value, again[i].value));
	}
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(KIB(16));
	struct json_pair *pairs = NULL;
	struct json_object *o = NULL;
	struct err flat_err = { 0 }, tree_err = { 0 };
	size_t n = 0;
	str text = str_mem(data, size);
	enum rc flat = json_flat(text, a, &pairs, &n, &flat_err);
	enum rc tree = json_read(text, &o, &tree_err);
	MUST(flat == RC_OK || flat_err.text[0]);
	if (flat == RC_OK) {
		if (tree != RC_OK)
			fprintf(stderr, "only json_flat takes it: %s\n", tree_err.text);
		MUST(tree == RC_OK);
		compare_all(pairs, n, o);
		write_and_read(pairs, n, a);
	}
	json_free(o);
	arena_free(a);
	return 0;
}
