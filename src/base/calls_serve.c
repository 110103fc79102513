/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's side. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/calls_private.h"
#include "base/starter_private.h"

static bool hear(void *to, size_t n)
{
	ssize_t got;
	do
		got = read(HELPER_SOCKET, to, n);
	while (got < 0 && errno == EINTR);
	return got == (ssize_t)n;
}

static void say(const struct calls_say *s)
{
	if (write(HELPER_SOCKET, s, sizeof *s) != (ssize_t)sizeof *s)
		_exit(0);
}

static void put_words(struct calls_say *s, const struct err *err)
{
	memcpy(s->words, err->text, sizeof s->words);
	s->words[sizeof s->words - 1] = '\0';
}

void calls_put(struct buf *answer, str block)
{
	buf_le64(answer, block.n);
	buf_add(answer, block);
}

static void *map_area(const struct calls_area *sizes)
{
	struct stat st;
	if (fstat(HELPER_AREA, &st) != 0 || (uint64_t)st.st_size <= sizes->question_bytes + sizes->answer_bytes)
		return NULL;
	void *area = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, HELPER_AREA, 0);
	close(HELPER_AREA);
	return area == MAP_FAILED ? NULL : area;
}

int calls_serve(enum rc (*lock_in)(size_t area_bytes, struct err *err),
		enum rc (*answer)(struct helper_call *k, struct err *err))
{
	struct calls_area sizes;
	struct calls_say s = { .kind = CALLS_HELLO };
	struct err err = { 0 };
	if (!hear(&sizes, sizeof sizes))
		return 0;
	char *area = map_area(&sizes);
	if (!area)
		return 3;
	s.rc = (int32_t)lock_in(sizes.question_bytes + sizes.answer_bytes, &err);
	put_words(&s, &err);
	say(&s);
	str *blocks = x_array(CALLS_BLOCKS_MAX, sizeof *blocks);
	while (s.rc == RC_OK && hear(&s, sizeof s) && s.kind == CALLS_QUESTION && s.bytes <= sizes.question_bytes) {
		/* Written where the node reads it: held once, and it never grows. */
		struct helper_call k = { .what = s.what, .blocks = blocks, .answer = { .p = area + sizes.question_bytes,
				.size = sizes.answer_bytes + 1, .cap = sizes.answer_bytes } }; /* a buf ends with NUL */
		err = (struct err){ 0 };
		enum rc rc = calls_split(str_mem(area, s.bytes), blocks, &k.count) ?
				     answer(&k, &err) : fail(&err, RC_INPUT, "nonsense");
		if (rc == RC_OK && k.answer.over)
			rc = fail(&err, RC_LIMIT, "the answer is too long");
		s = (struct calls_say){ .kind = CALLS_ANSWER, .what = s.what, .rc = (int32_t)rc };
		put_words(&s, &err);
		if (rc == RC_OK)
			s.bytes = k.answer.n;
		say(&s);
		s.rc = RC_OK; /* what went wrong was the question's */
	}
	free(blocks);
	return 0;
}
