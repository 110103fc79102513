/* SPDX-License-Identifier: Apache-2.0 */
/* node_records.h: what a node needs for records: types, calendar, the engine, and their hooks. */
#ifndef RONDA_NODE_NODE_RECORDS_H
#define RONDA_NODE_NODE_RECORDS_H

#include "node/node.h"

/* Types of DIR/types, the calendar of the settings and DIR/holidays.txt, clocks. What senders
 * of a process that died had taken is given back. All are read at start only: a record that was
 * loaded points into its type. */
MUST_CHECK enum rc node_records_open(struct node *n, struct err *err);
void node_records_close(struct node *n);

/* Are DIR/helplines.json and DIR/platforms.json lists of rows that have what they must? Absent is fine. */
MUST_CHECK enum rc node_files_check(struct io_dir *d, struct err *err);
/* Whether the files beside the settings are sound: DIR/roles.json, DIR/types, DIR/holidays.txt,
 * DIR/marks.json, lists (node_files_check), destinations and DIR/mappings. Opens no store: a node may be running. */
MUST_CHECK enum rc node_records_check(const char *dir, const struct settings *s, struct err *err);

#endif
