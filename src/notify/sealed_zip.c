/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/sealed_zip.h"

#include <sodium.h>
#include <zip.h>

enum { PASSWORD_MAX = 256 };

static enum rc add(zip_t *z, const struct letter_part *f, const char *password, struct arena *a, struct err *err)
{
	zip_source_t *s = zip_source_buffer(z, f->bytes.n ? f->bytes.p : "", f->bytes.n, 0);
	zip_int64_t at = s ? zip_file_add(z, arena_z(a, f->name), s, ZIP_FL_ENC_UTF_8) : -1;
	if (at < 0) {
		zip_source_free(s);
		return fail(err, RC_INPUT, "a zip archive: %s", zip_strerror(z));
	}
	if (zip_file_set_encryption(z, (zip_uint64_t)at, ZIP_EM_AES_256, password) != 0)
		return fail(err, RC_IO, "a zip archive: %s", zip_strerror(z));
	return RC_OK;
}

static enum rc take(zip_source_t *s, struct arena *a, str *out, struct err *err)
{
	zip_stat_t st;
	zip_stat_init(&st);
	if (zip_source_stat(s, &st) != 0 || !(st.valid & ZIP_STAT_SIZE) || st.size > LETTER_BYTES_MAX)
		return fail(err, RC_LIMIT, "a zip archive is too long");
	char *bytes = arena_alloc(a, (size_t)st.size + 1);
	if (zip_source_open(s) != 0)
		return fail(err, RC_IO, "a zip archive cannot be read again");
	zip_int64_t n = zip_source_read(s, bytes, st.size);
	zip_source_close(s);
	*out = str_mem(bytes, (size_t)st.size);
	return n == (zip_int64_t)st.size ? RC_OK : fail(err, RC_IO, "a zip archive cannot be read again");
}

enum rc sealed_zip(const struct letter_part *files, size_t count, str password, struct arena *a, str *out,
		   struct err *err)
{
	char z_password[PASSWORD_MAX];
	zip_error_t why;
	zip_error_init(&why);
	if (password.n == 0 || !str_to_z(password, z_password, sizeof z_password))
		return fail(err, RC_INPUT, "the password of a zip archive is none");
	zip_source_t *s = zip_source_buffer_create(NULL, 0, 0, &why);
	zip_t *z = s ? zip_open_from_source(s, ZIP_TRUNCATE, &why) : NULL;
	enum rc rc = z ? RC_OK : fail(err, RC_IO, "a zip archive: %s", zip_error_strerror(&why));
	if (z)
		zip_source_keep(s); /* closing the archive writes into it */
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = add(z, &files[i], z_password, a, err);
	if (rc == RC_OK && zip_close(z) != 0)
		rc = fail(err, RC_IO, "a zip archive: %s", zip_strerror(z));
	else if (rc == RC_OK)
		z = NULL;
	if (rc == RC_OK)
		rc = take(s, a, out, err);
	if (z)
		zip_discard(z);
	zip_source_free(s);
	zip_error_fini(&why);
	sodium_memzero(z_password, sizeof z_password);
	return rc;
}
