/* SPDX-License-Identifier: Apache-2.0 */
/* stix_scan.h: where the parts of a JSON text begin and end, so that each can be judged alone and kept byte for byte.
 *
 * Brackets and quotes are all that is looked at: a part need not be JSON (json_flat() says). One pass, nothing copied. */
#ifndef RONDA_STIX_STIX_SCAN_H
#define RONDA_STIX_STIX_SCAN_H

#include "base/json.h"

struct scan_list {
	const char *p, *end;
	bool begun, done, bad; /* bad: it is no list, or cut off; sticks */
};
struct scan_list scan_of(str text);
/* Next element of an array, next member of an object; the key as it stands between its quotes. False: no more, or
 * `bad`. */
bool scan_element(struct scan_list *l, str *out);
bool scan_member(struct scan_list *l, str *key, str *value);
/* What stands behind the list's end, once there is no more. */
str scan_rest(const struct scan_list *l);
/* What stands between the quotes of a string without escapes; STR_NONE else. */
str scan_plain(str text);
/* Next string without escapes anywhere in *text, which moves behind it. */
bool scan_string(str *text, str *out);

#endif
