/* SPDX-License-Identifier: Apache-2.0 */
/* json.h: JSON (RFC 8259) in and out.
 *
 * Three parts. json_flat: a strict scanner of ours for one object a line, the
 * hot path of event lines; held equal to json-c by differential fuzzing.
 * json_read: everything else, by json-c (depth 64, strict, UTF-8 checked).
 * json_out: a writer into a buf that cannot write invalid JSON. */
#ifndef RONDA_BASE_JSON_H
#define RONDA_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"

enum { JSON_DEPTH_MAX = 64, JSON_KEYS_MAX = 1000, JSON_DIGITS_MAX = 64 };
#define JSON_STRING_MAX MIB(1)

/* --- flat scanner --- */
enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_NEST };
struct json_pair {
	str key;   /* unescaped: in the text, or copied to the arena */
	str value; /* string: unescaped; number, nested: its text as it stands */
	enum json_kind kind;
};
/* One object, nothing but white space behind it. Nested values are checked
 * (iteratively, depth <= 64) and given as text. A key twice is refused. Pairs
 * live in `a`, bytes in `text` or `a`. RC_LIMIT: keys, digits or string. */
MUST_CHECK enum rc json_flat(str text, struct arena *a, struct json_pair **pairs_out,
			     size_t *count_out, struct err *err);

/* --- trees, by json-c --- */
struct json_object; /* json-c's */
MUST_CHECK enum rc json_read(str text, struct json_object **out, struct err *err);
void json_free(struct json_object *o);
/* NULL or STR_NONE when absent or of another kind. */
struct json_object *json_get(struct json_object *o, const char *key);
str json_get_str(struct json_object *o, const char *key);
str json_text(struct json_object *o); /* of a string; STR_NONE else */
bool json_get_i64(struct json_object *o, const char *key, int64_t *out);
bool json_get_bool(struct json_object *o, const char *key, bool *out);
size_t json_count(struct json_object *o); /* of an array; 0 else */
struct json_object *json_at(struct json_object *o, size_t i);

/* --- writer --- */
struct json_out {
	struct buf *b;
	unsigned depth;
	bool comma; /* the next value needs one */
};
struct json_out json_out(struct buf *b);
void json_open(struct json_out *j, char bracket);  /* '{' or '[' */
void json_close(struct json_out *j, char bracket); /* '}' or ']' */
void json_key(struct json_out *j, str key);
void json_str(struct json_out *j, str s); /* invalid UTF-8 becomes U+FFFD */
void json_i64(struct json_out *j, int64_t v);
void json_u64(struct json_out *j, uint64_t v);
void json_double(struct json_out *j, double v); /* shortest that reads back equal */
void json_flag(struct json_out *j, bool v);
void json_null(struct json_out *j);
void json_raw(struct json_out *j, str json_text); /* already valid JSON */
/* key and value at once */
void json_put_str(struct json_out *j, const char *key, str v);
void json_put_i64(struct json_out *j, const char *key, int64_t v);
void json_put_bool(struct json_out *j, const char *key, bool v);
void json_put_time(struct json_out *j, const char *key, int64_t us);
/* RC_INPUT: `o` is no object, or has a member that is not in `names`. */
MUST_CHECK enum rc json_only(struct json_object *o, const char *const *names, size_t count,
			     struct err *err);
/* The members of an object as they are, but for the one named `but` (NULL: all). */
void json_put_members(struct json_out *j, struct json_object *o, const char *but);

#endif
