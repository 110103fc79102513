/* SPDX-License-Identifier: Apache-2.0 */
/* sealed_zip.h: files in a zip archive that opens with a password (AES-256, the WinZip AE-2 form): so that
 * no mail server opens, follows or removes what a mail names. In memory; names of files are not hidden. */
#ifndef RONDA_NOTIFY_SEALED_ZIP_H
#define RONDA_NOTIFY_SEALED_ZIP_H

#include "mail/letter.h"

MUST_CHECK enum rc sealed_zip(const struct letter_part *files, size_t count, str password, struct arena *a,
			      str *out, struct err *err);

#endif
