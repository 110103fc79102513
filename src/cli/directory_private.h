/* SPDX-License-Identifier: Apache-2.0 */
/* directory_private.h: words of `ronda directory`, a file each. */
#ifndef RONDA_CLI_DIRECTORY_PRIVATE_H
#define RONDA_CLI_DIRECTORY_PRIVATE_H

#include "cli/cli_private.h"

/* --- directory_file.c: files of the caller, packed with gzip or not --- */

struct dir_file;
/* One after the other, as if they were one with an empty line between. */
struct dir_file *dir_file_new(struct cli *c, char **paths, size_t count);
void dir_file_free(struct dir_file *f);
/* The next line without its end; the bytes live until the next call. For struct import_input. */
bool dir_file_line(void *ctx, str *out);
/* Up to `most` bytes of the beginning, without taking them. */
str dir_file_head(struct dir_file *f, size_t most);
MUST_CHECK enum rc dir_file_all(struct dir_file *f, size_t cap, struct buf *out, struct err *err);
/* What went wrong while lines were read; RC_OK nothing. */
MUST_CHECK enum rc dir_file_end(struct dir_file *f, struct err *err);
int32_t dir_file_day(struct dir_file *f); /* when the first one was last changed; 0: not known */

/* --- the words; each gives the exit code --- */

/* `import FILE...`: false: it is for the plain importer (route/directory_records.h). */
bool directory_import_form(struct cli *c, int *code_out);
int directory_contacts(struct cli *c);    /* contacts [list | undo SOURCE] */
int directory_forms(struct cli *c);       /* forms */
int directory_refresh(struct cli *c);     /* refresh [WHAT...] */
int directory_duplicates(struct cli *c);  /* duplicates */
int directory_merge(struct cli *c);       /* merge KEEP OTHER */
int directory_unmerge(struct cli *c);     /* unmerge OTHER */

#endif
