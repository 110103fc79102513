/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/demo_region.h"
#include "node/demo.h"
#include "web/serve.h"

static const struct cli_option options[] = {
	{ "--listen", 0, "ADDRESS:PORT", "where to serve (default 127.0.0.1:8420; port 0 takes a free one)" },
	{ "--as", 0, "NAME", "whom the link signs in: Lead A (default), Duty A, Analyst A, Viewer A, Liaison A, "
				  "Protection A, Auditor A, Administrator A; Constituent A sees the portal" },
	{ "--every", 0, "TIME", "how often a report flows in (default 5s)" },
	{ "--teams", 0, "N", "so many teams below DIR, 1 to 11, each a node of its own: the first is the demonstration's, the others are its "
				"partners" },
	{ "--beside", 0, "SOCKET", "this node is one of those: where whoever started it listens" },
	{ "--silent", 0, NULL, "no report comes in here by itself" },
	{ "--nodes", 0, "N", "of a region: how many teams, 2 to 193 (default 3)" },
	{ "--lines", 0, "N", "of a region: events in each report (default 30)" },
	{ .name = NULL },
};

struct flowing {
	struct cli *c;
	int64_t lead;            /* account of the lead; 0: none */
	struct queue *stop;
	int64_t every_us;
};

/* Reports flow in beside the serving node, as a feed would bring them. */
static void *flow(void *arg)
{
	struct flowing *f = arg;
	struct err err = { 0 };
	if (demo_fill(f->c->node, &err) != RC_OK)
		log_warn(f->c->node->log, "the demonstration's first reports failed", L_Z("why", err.text));
	for (unsigned i = 0; !queue_closed(f->stop); i++) {
		queue_take_for(f->stop, f->every_us);
		if (!queue_closed(f->stop) && demo_tick(f->c->node, i, &err) != RC_OK)
			log_warn(f->c->node->log, "a report of the demonstration failed", L_Z("why", err.text));
	}
	return NULL;
}

static void ready(void *ctx, const char *address)
{
	struct flowing *f = ctx;
	cli_printf(f->c, "%s\n", address);
	cli_flush(f->c);
}

struct making {
	struct flowing *f;
	char text[TOKEN_TEXT_BYTES];
	int64_t id;
};

static enum rc make_token(struct tx *tx, void *ctx, struct err *err)
{
	struct making *m = ctx;
	struct token_new t = { .label = STR("the tour"), .right = RIGHT_OPERATE, .ceiling = TLP_AMBER_STRICT,
			       .expires_us = tx_now_us(tx) + DAY_US, .account = m->f->lead };
	return token_make(tx, m->f->c->node->journal, &t, STR("node"), m->text, sizeof m->text, &m->id, err);
}

/* By which the teams beside read what this one has; good for a day, a new one at each start. */
static void print_token(struct flowing *f)
{
	struct making m = { .f = f };
	struct err err = { 0 };
	if (store_write(f->c->node->store, make_token, &m, &err) != RC_OK)
		log_error(f->c->node->log, "no token for the tour could be made", L_Z("why", err.text));
	cli_printf(f->c, "%s\n", m.text);
	cli_flush(f->c);
}

static void sign_in(void *ctx, const char *link)
{
	struct flowing *f = ctx;
	cli_printf(f->c, "%s\n", link);
	if (f->c->node->beside) {
		print_token(f);
		return;
	}
	cli_flush(f->c);
	cli_talk(f->c, "open the second line in a browser: it signs you in, once, within five minutes; then see /tour");
	cli_talk(f->c, "this is a demonstration: everything is made up, nothing leaves the machine; ^C ends it");
}

/* 0 in a demonstration of before there were accounts. */
static int64_t demo_lead(struct node *n)
{
	struct arena *a = arena_new(KIB(1));
	struct account account;
	struct reader *r = NULL;
	enum rc rc = store_read_begin(n->store, &r, NULL);
	if (rc == RC_OK)
		rc = account_by_name(reader_conn(r), n->roles, STR("Lead A"), a, &account, NULL);
	store_read_end(r);
	arena_free(a);
	return rc == RC_OK ? account.id : 0;
}

/* What it has, others bring. */
static int serve_silent(struct cli *c, struct flowing *f, const struct serve_options *o)
{
	struct err err;
	enum rc rc = node_serve(c->node, o, &err);
	queue_free(f->stop);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static int serve(struct cli *c, int64_t every_us)
{
	struct flowing f = { .c = c, .stop = queue_new(1), .every_us = every_us };
	struct serve_options o = { .control = cli_run_in_node, .ready = ready, .sign_in = sign_in, .ctx = &f };
	const char *as = cli_value(c, "--as");
	struct err err;
	pthread_t thread;
	f.lead = demo_lead(c->node);
	c->node->beside = cli_value(c, "--beside");
	o.sign_in_as = as ? as : f.lead ? "Lead A" : NULL;
	if (cli_value(c, "--silent"))
		return serve_silent(c, &f, &o);
	if (pthread_create(&thread, NULL, flow, &f) != 0) {
		queue_free(f.stop);
		cli_talk(c, "ronda demo: cannot start a thread");
		return rc_exit_code(RC_LIMIT);
	}
	enum rc rc = node_serve(c->node, &o, &err);
	queue_close(f.stop);
	pthread_join(thread, NULL);
	queue_free(f.stop);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static bool number(const char *text, unsigned least, unsigned most, unsigned *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	if (*end != '\0' || n < least || n > most)
		return false;
	*out = (unsigned)n;
	return true;
}

static int run_region(struct cli *c, int64_t every_us)
{
	const char *nodes = cli_value(c, "--nodes"), *lines = cli_value(c, "--lines"), *listen = cli_value(c, "--listen");
	struct region_options o = { .dir = c->argc == 2 ? c->argv[1] : "ronda-region", .teams = 3, .port = 8420,
				    .every_us = every_us, .lines = 30 };
	if (c->argc > 2)
		return cli_usage(c, "one directory at a time");
	if (nodes && !number(nodes, 2, DEMO_TEAMS_MOST, &o.teams))
		return cli_usage(c, "--nodes takes a number from 2 to 193");
	if (lines && !number(lines, 1, 100000, &o.lines))
		return cli_usage(c, "--lines takes a number from 1 to 100000");
	if (listen && (strncmp(listen, "127.0.0.1:", 10) != 0 || !number(listen + 10, 1024, 65535 - 2 * o.teams, &o.port)))
		return cli_usage(c, "--listen of a region takes the first of its ports, as 127.0.0.1:8420");
	return demo_region(c, &o);
}

/* ./run: the demonstration's team and others beside it. */
static int run_teams(struct cli *c)
{
	const char *teams = cli_value(c, "--teams"), *listen = cli_value(c, "--listen"), *as = cli_value(c, "--as");
	struct region_options o = { .dir = c->argc == 1 ? c->argv[0] : "ronda-teams", .port = 8420, .tour = true,
				    .every = cli_value(c, "--every"), .as = as ? as : "Lead A" };
	if (c->argc > 1)
		return cli_usage(c, "one directory at a time");
	if (!number(teams, 1, DEMO_TOUR_TEAMS_MOST, &o.teams))
		return cli_usage(c, "--teams takes a number from 1 to 11");
	if (listen && (strncmp(listen, "127.0.0.1:", 10) != 0 || !number(listen + 10, 1024, 65535 - 2 * (o.teams + 1), &o.port)))
		return cli_usage(c, "--listen of several teams takes the first of their ports, as 127.0.0.1:8420");
	return demo_region(c, &o);
}

static int run(struct cli *c)
{
	const char *dir = c->argc == 1 ? c->argv[0] : "ronda-demo";
	const char *listen = cli_value(c, "--listen"), *every = cli_value(c, "--every");
	int64_t every_us = 5 * SECOND_US;
	struct node_options o = { .parsers = true };
	struct stat st;
	struct err err;
	if (every && (!duration_parse(str_of(every), &every_us) || every_us < SECOND_US / 10))
		return cli_usage(c, "--every takes a time like 5s");
	if (c->argc > 0 && str_eq(str_of(c->argv[0]), STR("region")))
		return run_region(c, every_us);
	if (cli_value(c, "--teams"))
		return run_teams(c);
	if (c->argc > 1)
		return cli_usage(c, "one directory at a time");
	if (stat(dir, &st) != 0 && demo_create(dir, listen ? listen : "127.0.0.1:8420", &err) != RC_OK)
		return cli_fail(c, &err);
	if (node_open(dir, &o, &c->node, &err) != RC_OK)
		return cli_fail(c, &err);
	if (!c->node->demo) {
		cli_talk(c, "ronda demo: '%s' is a real node; name another directory", dir);
		node_close(c->node);
		c->node = NULL;
		return rc_exit_code(RC_DENIED);
	}
	int code = serve(c, every_us);
	node_close(c->node);
	c->node = NULL;
	return code;
}

const struct cli_command cli_demo = {
	.name = "demo",
	.brief = "a demonstration node with made-up reports flowing in",
	.usage = "demo [DIR] [--listen ADDRESS:PORT] [--every TIME] [--as NAME] [--teams N]\n"
		 "       ronda demo region [DIR] [--nodes N] [--listen 127.0.0.1:PORT] [--every TIME] [--lines N]",
	.text = "Makes DIR (default: ronda-demo) unless it is there, serves it, and prints the address and a link that "
		"signs a browser in. Every page says DEMONSTRATION. With --teams the node is Team A's below DIR (default: "
		"ronda-teams), and the other teams' nodes serve beside it, paired and under agreements: /tour goes on with "
		"what partners do, /tour/teams shows them side by side. 'demo region' makes several teams below DIR (default: "
		"ronda-region), each a node of its own, serves them all on ports from 8420 up, pairs them as partners under "
		"agreements, and prints a link for each: reports come in with Team A, and what concerns the others is with "
		"them a moment later.",
	.example = "ronda demo --listen 127.0.0.1:0",
	.options = options,
	.takes_signals = true,
	.run = run,
};
