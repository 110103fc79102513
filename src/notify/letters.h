/* SPDX-License-Identifier: Apache-2.0 */
/* letters.h: texts that a person's letter may begin with (letters.def, and the team's own).
 *
 * A team's own is a record of type template whose class begins with "letter-": in place of the one built
 * in of that class and language, or beside them. What is made is put before its writer, who changes it
 * and sends it: nothing goes out by itself. */
#ifndef RONDA_NOTIFY_LETTERS_H
#define RONDA_NOTIFY_LETTERS_H

#include "notify/notify.h"

/* "letter-" and more in [a-z0-9-]. */
bool letter_class_is(str class);
const char *letter_class_at(size_t i); /* of those built in; NULL behind the last */

enum { LETTER_TEXTS_MAX = 200 };
struct letter_text {
	str name;  /* "letter-request.en" */
	str label; /* in the language of the text; of the team's own class the class */
	bool own;
};
MUST_CHECK enum rc letter_texts(struct conn *c, struct arena *a, struct letter_text **out, size_t *count_out,
				struct err *err);

struct letter_facts {
	str to;     /* name of the reader */
	str number; /* {{case}}: "incident-7" */
	str title;  /* {{title}}: of the case; none of those built in says it */
	str writer; /* name; "" */
};
/* RC_ABSENT: there is no such text. */
MUST_CHECK enum rc letter_text_make(const struct notify *n, struct conn *c, str name, const struct letter_facts *f,
				    struct arena *a, str *subject_out, str *text_out, struct err *err);

#endif
