/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"
#include "web/serve.h"

static const struct cli_option options[] = {
	{ "--sign-in", 0, NULL, "also print a link that signs a browser in, once, within five minutes" },
	{ "--as", 0, "NAME", "with --sign-in: as this account; else as a token that operates" },
	{ .name = NULL },
};

static void ready(void *ctx, const char *address)
{
	struct cli *c = ctx;
	cli_done(c, "address", str_of(address));
	if (c->form != CLI_JSON)
		cli_printf(c, "%s\n", address);
	cli_flush(c);
}

static void sign_in(void *ctx, const char *link)
{
	struct cli *c = ctx;
	cli_done(c, "sign_in", str_of(link));
	if (c->form != CLI_JSON)
		cli_printf(c, "%s\n", link);
	cli_flush(c);
}

static int run(struct cli *c)
{
	struct err err;
	if (c->served) {
		(void)fail(&err, RC_BUSY, "a node serves '%s' already", c->dir);
		return cli_fail(c, &err);
	}
	struct serve_options o = { .control = cli_run_in_node, .ready = ready, .ctx = c };
	if (cli_value(c, "--sign-in")) /* a link is a token: none that nobody asked for */
		o.sign_in = sign_in;
	o.sign_in_as = cli_value(c, "--as");
	return node_serve(c->node, &o, &err) == RC_OK ? 0 : cli_fail(c, &err);
}

const struct cli_command cli_serve = {
	.name = "serve",
	.brief = "run the node: pages, API, watched folders",
	.usage = "serve [options]",
	.text = "Prints its address and stays. SIGHUP reads ronda.conf again (a bad file keeps the old "
		"settings), SIGTERM ends it: reports under way stop after their batch and are gone on with at "
		"the next start. When its starter of helpers is killed it ends with 74, to be started again "
		"by whoever started it. Other ronda commands on the same directory then speak to it.",
	.example = "ronda serve -d demo",
	.options = options,
	.needs_node = true,
	.needs_parsers = true,
	.takes_signals = true,
	.run = run,
};
