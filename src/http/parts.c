/* SPDX-License-Identifier: Apache-2.0 */
/* multipart/form-data, taken apart by the library's post processor. */
#include "http/http_private.h"

struct taking {
	struct arena *a;
	struct http_part *list;
	size_t count;
	struct buf value;          /* of the part that is coming in */
	bool many;
};

static void end_part(struct taking *t)
{
	if (t->count > 0)
		t->list[t->count - 1].value = arena_str(t->a, buf_str(&t->value));
	buf_reset(&t->value);
}

/* What browsers call the file: its last name, control characters taken out. */
static str plain_name(struct arena *a, const char *name)
{
	str s = str_of(name);
	for (size_t i = s.n; i-- > 0;) {
		if (s.p[i] == '/' || s.p[i] == '\\') {
			s = str_from(s, i + 1);
			break;
		}
	}
	if (s.n > HTTP_PART_NAME_MAX)
		for (size_t n = HTTP_PART_NAME_MAX;; n--)
			if (n == 0 || ((unsigned char)s.p[n] & 0xc0) != 0x80) { /* never half a character */
				s = str_head(s, n);
				break;
			}
	char *copy = arena_z(a, s);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)copy[i] < 0x20 || copy[i] == 0x7f)
			copy[i] = '?';
	return (str){ copy, s.n };
}

static enum MHD_Result on_part(void *cls, enum MHD_ValueKind kind, const char *key,
			       const char *file_name, const char *type, const char *coding,
			       const char *data, uint64_t at, size_t n)
{
	struct taking *t = cls;
	(void)kind;
	(void)type;
	(void)coding;
	if (at == 0) {
		end_part(t);
		if (t->count == HTTP_PARTS_MAX || !key || strlen(key) > HTTP_PART_NAME_MAX) {
			t->many = true;
			return MHD_NO;
		}
		t->list[t->count++] = (struct http_part){
			.name = arena_str(t->a, str_of(key)),
			.file_name = file_name ? plain_name(t->a, file_name) : STR_NONE,
		};
	}
	buf_add_mem(&t->value, data, n);
	return MHD_YES;
}

enum rc http_parts(const struct http_request *q, str body, struct arena *a, struct http_part **out,
		   size_t *count_out, struct err *err)
{
	struct taking t = { .a = a, .value = BUF_INIT(body.n + 1) };
	t.list = ARENA_ARRAY(a, HTTP_PARTS_MAX, struct http_part);
	struct MHD_PostProcessor *p = MHD_create_post_processor(q->x->c, KIB(4), on_part, &t);
	bool sound = p && MHD_post_process(p, body.p, body.n) == MHD_YES;
	/* it also says whether the last boundary has come */
	sound = p && MHD_destroy_post_processor(p) == MHD_YES && sound;
	end_part(&t);
	buf_free(&t.value);
	*out = t.list;
	*count_out = t.count;
	if (t.many)
		return fail(err, RC_INPUT, "the form has more than %d parts, or one with too long a name, or none",
			    HTTP_PARTS_MAX);
	return sound && t.count > 0 ? RC_OK : fail(err, RC_INPUT, "the form is malformed, or was cut off");
}
