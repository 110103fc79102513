/* SPDX-License-Identifier: Apache-2.0 */
/* backup.h: all files of a store as they stood at one moment, while it goes on.
 *
 * main.db is copied by SQLite's backup into a file of ours beside it; segments only
 * grow, so they are read as far as that copy names them. Until the end nobody
 * else moves or removes files (rewrite.h): forgetting is refused, erasures wait.
 *
 * Serves node/backup.c alone: what is read here passes no disclosure check. */
#ifndef RONDA_STORE_BACKUP_H
#define RONDA_STORE_BACKUP_H

#include "store/store.h"

enum { BACKUP_NAME = 80 };
struct backup_file {
	/* below the directory: "main.db", "raw/2026-11-22.seg", and what a node keeps beside
	 * them: "ronda.conf", "account.key", "types/x.json", "evidence/DIGEST" */
	char name[BACKUP_NAME];
	uint64_t bytes;
	bool damaged; /* main.db names more of it than is there */
};

struct store_backup;
/* Takes the copy. RC_BUSY: another backup, an erasure or forgetting is under way;
 * RC_LIMIT: no room for a second main.db. End it with store_backup_end(). */
MUST_CHECK enum rc store_backup_begin(struct store *s, struct store_backup **out, struct err *err);
/* They live until the end; main.db is the first, segments of a day that is gone from
 * the disk are left out and counted. */
const struct backup_file *store_backup_files(const struct store_backup *b, size_t *count_out,
					     size_t *missing_out);
/* Exactly n bytes of file `i` at `at`; best from front to back. */
MUST_CHECK enum rc store_backup_read(struct store_backup *b, size_t i, uint64_t at, void *to,
				     size_t n, struct err *err);
void store_backup_end(struct store_backup *b); /* NULL is fine */

/* Whether a store may have a file of that name: the ones above, and nothing that
 * goes elsewhere. */
bool store_backup_name_is_ours(str name);

#endif
