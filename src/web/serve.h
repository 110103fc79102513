/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h: the long-running node: listener, control socket, watched folders,
 * background work; sd_notify; SIGHUP reads settings again, SIGTERM and SIGINT
 * end it. */
#ifndef RONDA_WEB_SERVE_H
#define RONDA_WEB_SERVE_H

#include "node/control.h"

/* The floors above the node hand themselves in, as this floor knows no
 * command line. */
struct serve_options {
	control_run control;  /* cli: runs a command line inside this node */
	/* Called once: the address ("http://127.0.0.1:8420"), and a link that
	 * signs a browser in once. */
	void (*ready)(void *ctx, const char *address);
	void (*sign_in)(void *ctx, const char *link);
	const char *sign_in_as; /* the account it signs in; NULL: a token that operates */
	void *ctx;
	struct gate *stop;    /* until it opens; NULL: until SIGTERM or SIGINT, which the
				 caller has blocked before the first thread, with SIGHUP */
};

MUST_CHECK enum rc node_serve(struct node *n, const struct serve_options *o, struct err *err);

#endif
