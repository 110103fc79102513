/* SPDX-License-Identifier: Apache-2.0 */
/* subject_private.h: what search and reply share. */
#ifndef RONDA_PRIVACY_SUBJECT_PRIVATE_H
#define RONDA_PRIVACY_SUBJECT_PRIVATE_H

#include "privacy/privacy_private.h"
#include "privacy/subject.h"

enum identifier_kind { IDENTIFIER_IP, IDENTIFIER_MAIL, IDENTIFIER_DOMAIN, IDENTIFIER_NAME,
		       IDENTIFIER_PHONE, IDENTIFIER_KINDS };
enum { IDENTIFIERS_MOST = 50 };
struct identifier {
	enum identifier_kind kind;
	str value;                 /* lower case; of a telephone number its digits */
	struct net net;            /* IP */
	int64_t from_us, until_us; /* 0: open */
};
struct identifiers {
	struct identifier list[IDENTIFIERS_MOST];
	size_t count;
	struct buf folded;         /* of the text looked at last */
};

/* The request as the viewer may read it; *body_out belongs to the view. */
MUST_CHECK enum rc subject_load(struct reader *r, const struct subject_ask *q, struct arena *a,
				struct record_view *view, struct identifiers *to, struct err *err);
/* -1: none of them stands in the text. */
int identifier_in(struct identifiers *i, str text);

#endif
