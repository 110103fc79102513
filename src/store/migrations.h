/* SPDX-License-Identifier: Apache-2.0 */
/* migrations.h: the tables of main.db, by numbered steps.
 *
 * Step n runs in one transaction and sets PRAGMA user_version = n: killed
 * midway it is old or new, never between. A store with a higher number than we
 * know is refused. Steps are never changed once released; new ones are added. */
#ifndef RONDA_STORE_MIGRATIONS_H
#define RONDA_STORE_MIGRATIONS_H

#include "store/sql.h"

extern const char *const store_migrations[]; /* [0] makes version 1 */
extern const int store_version;              /* the newest */

#endif
