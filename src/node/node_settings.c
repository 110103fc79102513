/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node_settings.h"

#include <unistd.h>

#include "base/log.h"
#include "node/backup.h"

const struct setting_row node_setting_rows[] = {
#define SETTING(name, type, fallback, least, most, brief) \
	{ #name, SETTING_##type, fallback, least, most, brief },
#include "settings.def"
#undef SETTING
};
const size_t node_setting_count = COUNT_OF(node_setting_rows);

enum rc node_settings_load(struct io_dir *dir, const char *const *overrides, size_t count,
			   struct settings **out, struct err *err)
{
	struct buf file = BUF_INIT(KIB(256));
	enum rc rc = io_read_file(dir, "ronda.conf", &file, err);
	if (rc == RC_ABSENT)
		rc = RC_OK;
	if (rc == RC_OK)
		rc = settings_load(node_setting_rows, node_setting_count, buf_str(&file), "ronda.conf",
				   environ, overrides, count, out, err);
	buf_free(&file);
	enum log_level level;
	if (rc == RC_OK && !log_level_parse(settings_text(*out, "log_level"), &level)) {
		settings_free(*out);
		*out = NULL;
		rc = fail(err, RC_INPUT, "setting 'log_level' is debug, info, warn or error");
	}
	struct backup_key key;
	if (rc == RC_OK && settings_text(*out, "backup_key").n &&
	    backup_public_parse(settings_text(*out, "backup_key"), &key, err) != RC_OK) {
		settings_free(*out);
		*out = NULL;
		rc = RC_INPUT;
	}
	return rc;
}

enum rc node_settings_read(const char *path, const char *const *overrides, size_t count,
			   struct settings **out, struct err *err)
{
	struct io_dir *d = NULL;
	enum rc rc = io_dir_open(path, &d, err);
	if (rc == RC_OK)
		rc = node_settings_load(d, overrides, count, out, err);
	io_dir_close(d);
	return rc;
}
