/* SPDX-License-Identifier: Apache-2.0 */
/* privacy_private.h: what the files of this duty share. */
#ifndef RONDA_PRIVACY_PRIVACY_PRIVATE_H
#define RONDA_PRIVACY_PRIVACY_PRIVATE_H

#include "disclosure/read_records.h"

/* "5 years after closing" */
str privacy_retention(const struct type *t, str language, struct arena *a);

struct privacy_about {
	str purpose, basis, retention;
};
/* What is kept beside records: a name of others.def. */
struct privacy_about privacy_other(str name, str language);

#endif
