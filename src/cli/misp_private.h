/* SPDX-License-Identifier: Apache-2.0 */
/* misp_private.h: words of `ronda misp`, each one function that gives the exit code. */
#ifndef RONDA_CLI_MISP_PRIVATE_H
#define RONDA_CLI_MISP_PRIVATE_H

#include "cli/cli_private.h"

/* misp_in.c */
int misp_import(struct cli *c);
int misp_look(struct cli *c);
int misp_list_sources(struct cli *c);
/* misp_ask.c */
int misp_search_all(struct cli *c);
int misp_pull_all(struct cli *c);
int misp_push_all(struct cli *c);
int misp_sighting_of(struct cli *c);

#endif
