/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_region.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli_private.h"
#include "cli/demo_crew.h"
#include "cli/demo_desk.h"
#include "node/demo.h"

/* Among this many each is paired with each; of more, each with Team A, who takes the reports. */
enum { MESH_MOST = 11, PATH_MOST = 4096, ADDRESS_MOST = 64, LINE_MOST = 4096, START_MS = 60000, END_MS = 20000,
       START_AHEAD = 4, PROGRESS_FROM = 12 };

struct team {
	char dir[PATH_MOST], name[DEMO_TEAM_NAME];
	char listen[ADDRESS_MOST], exchange_listen[ADDRESS_MOST];
	char link[LINE_MOST];    /* that signs a browser in */
	char address[ADDRESS_MOST], token[TOKEN_TEXT_BYTES]; /* of a tour: by which the others read it */
	int link_fd;             /* on which the link comes, while it starts */
	pid_t pid;               /* 0: does not run */
};
struct region {
	struct cli *c;
	const struct region_options *o;
	char self[PATH_MOST];
	char log[PATH_MOST];     /* what commands say */
	char desk[PATH_MOST];    /* of a tour: where its nodes ask us */
	struct team *teams;
	unsigned count;          /* all of them; in a tour the last is switched off */
	sigset_t signals;        /* blocked; looked for between steps */
	bool ended;              /* one came */
	const char *doing;       /* for who waits: "made" */
	unsigned inviting;       /* number of the team whose invitations were accepted */
};

/* --- other processes of this program --- */

static void look_for_end(struct region *g, int wait_ms)
{
	struct timespec t = { wait_ms / 1000, wait_ms % 1000 * 1000000L };
	int s = sigtimedwait(&g->signals, NULL, &t);
	if (s == SIGINT || s == SIGTERM)
		g->ended = true;
}

/* Its standard output comes by *out_fd (NULL: nowhere), its standard input is `in_fd` (-1: nothing), what it logs goes to
 * the file `log` (NULL: where ours goes). No thread of this process runs. */
static pid_t start(struct region *g, char *const argv[], int in_fd, int *out_fd, const char *log)
{
	int pipe_fd[2] = { -1, -1 };
	if (out_fd && pipe2(pipe_fd, O_CLOEXEC) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
		sigprocmask(SIG_UNBLOCK, &g->signals, NULL);
		/* ^C is for this process, which ends the others in turn */
		(void)setpgid(0, 0);
		dup2(in_fd >= 0 ? in_fd : nothing, 0);
		dup2(out_fd ? pipe_fd[1] : nothing, 1);
		int to = log ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
		if (to >= 0)
			dup2(to, 2);
		execv(g->self, argv);
		_exit(127);
	}
	if (out_fd) {
		close(pipe_fd[1]);
		*out_fd = pipe_fd[0];
		if (pid < 0)
			close(pipe_fd[0]);
	}
	return pid;
}

/* The next line, without its end. False: there is none within START_MS. */
static bool read_line(int fd, char *out, size_t size)
{
	size_t n = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	while (n + 1 < size && poll(&p, 1, START_MS) > 0 && read(fd, out + n, 1) == 1 && out[n] != '\n')
		n++;
	out[n] = '\0';
	return n > 0;
}

/* Runs one command on a team's node to its end; its first line into `line` (may be NULL). */
static enum rc command(struct region *g, const struct team *t, const char *const *words, size_t count, int in_fd,
		       char *line, struct err *err)
{
	enum { WORDS_MOST = 24 };
	char *argv[WORDS_MOST + 4] = { (char *)"ronda" };
	char spare[LINE_MOST];
	int fd = -1, status = 0;
	size_t n = 1;
	for (size_t i = 0; i < count && i < WORDS_MOST; i++)
		argv[n++] = (char *)words[i];
	argv[n++] = (char *)"-d";
	argv[n++] = (char *)t->dir;
	pid_t pid = start(g, argv, in_fd, &fd, g->log);
	if (pid < 0)
		return fail(err, RC_LIMIT, "cannot start 'ronda %s'", words[0]);
	(void)read_line(fd, line ? line : spare, LINE_MOST);
	while (read(fd, spare, sizeof spare) > 0)
		continue;
	close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fail(err, RC_IO, "'ronda %s %s' failed for %s: see %s", words[0], count > 1 ? words[1] : "", t->name,
			    g->log);
	return RC_OK;
}
#define COMMAND(g, t, line, err, ...) \
	command(g, t, (const char *const[]){ __VA_ARGS__ }, COUNT_OF(((const char *const[]){ __VA_ARGS__ })), -1, line, err)

/* Of many, each tenth of them is told. */
static void say_progress(struct region *g, const char *doing, unsigned count, unsigned of)
{
	if (of >= PROGRESS_FROM && (count == of || count * 10 / of > (count - 1) * 10 / of))
		cli_talk(g->c, "%u of %u teams %s", count, of, doing);
}

static bool crew_did(void *ctx, unsigned count, unsigned of)
{
	struct region *g = ctx;
	say_progress(g, g->doing, count, of);
	look_for_end(g, 0);
	return !g->ended;
}

/* --- the teams --- */

static void name_team(struct region *g, unsigned i)
{
	struct team *t = &g->teams[i];
	demo_team_name(i, t->name);
	snprintf(t->dir, sizeof t->dir, "%s/team-%u", g->o->dir, i + 1);
	unsigned host = g->o->tour ? i + 1 : 1;
	snprintf(t->listen, sizeof t->listen, "127.0.0.%u:%u", host, g->o->port + 2 * i);
	snprintf(t->exchange_listen, sizeof t->exchange_listen, "127.0.0.%u:%u", host,
		 g->o->port + 2 * i + 1);
}

static enum rc make_team(void *ctx, unsigned i, struct err *err)
{
	const struct region *g = ctx;
	const struct team *t = &g->teams[i];
	struct stat st;
	const struct demo_team team = { .number = i, .teams = g->count, .listen = t->listen,
					.exchange_listen = t->exchange_listen, .network_cache = g->o->dir };
	return stat(t->dir, &st) == 0 ? RC_OK : demo_create_team(t->dir, &team, err);
}

static enum rc start_team(struct region *g, struct team *t, struct err *err)
{
	char *serve[] = { (char *)"ronda", (char *)"serve", (char *)"--sign-in", (char *)"--as", (char *)"Lead A",
			  (char *)"-d", t->dir, NULL };
	/* of a tour: reports come in with the first alone */
	char *demo[] = { (char *)"ronda", (char *)"demo", t->dir, (char *)"--beside", g->desk, (char *)"--as",
			 (char *)g->o->as, t != g->teams ? (char *)"--silent" : g->o->every ? (char *)"--every" : NULL,
			 t == g->teams && g->o->every ? (char *)g->o->every : NULL, NULL };
	char log[PATH_MOST + 8];
	snprintf(log, sizeof log, "%s.log", t->dir);
	t->pid = start(g, g->o->tour ? demo : serve, -1, &t->link_fd, log);
	if (t->pid < 0) {
		t->pid = 0;
		return fail(err, RC_LIMIT, "cannot start the node of %s", t->name);
	}
	return RC_OK;
}

/* Until it serves. */
static enum rc await_team(struct region *g, struct team *t, struct err *err)
{
	char address[LINE_MOST];
	int fd = t->link_fd;
	bool serves = read_line(fd, address, sizeof address) && read_line(fd, t->link, sizeof t->link) &&
		      (!g->o->tour || read_line(fd, t->token, sizeof t->token));
	(void)str_to_z(str_of(address), t->address, sizeof t->address);
	close(fd);
	return serves ? RC_OK : fail(err, RC_IO, "the node of %s does not serve: see %s.log", t->name, t->dir);
}

static enum rc serve_team(struct region *g, struct team *t, struct err *err)
{
	enum rc rc = start_team(g, t, err);
	return rc == RC_OK ? await_team(g, t, err) : rc;
}

/* Some begin while the one before is waited for. */
static enum rc serve_all(struct region *g, struct err *err)
{
	unsigned began = 0;
	enum rc rc = RC_OK;
	for (unsigned i = 0; rc == RC_OK && i < g->o->teams && !g->ended; i++) {
		for (; rc == RC_OK && began < g->o->teams && began < i + START_AHEAD; began++)
			rc = start_team(g, &g->teams[began], err);
		if (rc == RC_OK)
			rc = await_team(g, &g->teams[i], err);
		look_for_end(g, 0);
		say_progress(g, "serve", i + 1, g->o->teams);
	}
	return rc;
}

static void end_team(struct team *t)
{
	if (t->pid > 0) {
		kill(t->pid, SIGTERM);
		kill(t->pid, SIGCONT); /* one that was cut off */
	}
}

static void wait_team(struct team *t)
{
	for (int ms = 0; t->pid > 0 && ms < END_MS && waitpid(t->pid, NULL, WNOHANG) == 0; ms += 20)
		nanosleep(&(struct timespec){ .tv_nsec = 20000000L }, NULL);
	t->pid = 0;
}

static void end_teams(struct region *g)
{
	for (unsigned i = 0; i < g->count; i++)
		end_team(&g->teams[i]);
	for (unsigned i = 0; i < g->count; i++)
		wait_team(&g->teams[i]);
}

/* --- with each other --- */

static enum rc agree(struct region *g, const struct team *t, const char *party, const char *name, struct err *err)
{
	char title[64], parties[64], id[LINE_MOST], from[40], text[16];
	snprintf(title, sizeof title, "title=With %s", name);
	snprintf(parties, sizeof parties, "parties=%s", party);
	snprintf(from, sizeof from, "from=" STR_FMT, STR_ARG(time_day_str(text, clock_now_us())));
	enum rc rc = COMMAND(g, t, id, err, "agreement", "new", title, "kind=memorandum", parties, "tlp_ceiling=AMBER",
			     "flows=findings,incidents,warnings", "personal=yes", from);
	if (rc != RC_OK)
		return rc;
	id[strcspn(id, " \t")] = '\0';
	return COMMAND(g, t, NULL, err, "agreement", "move", id, "in-force", "--why", "signed by both");
}

/* A partner that was made is the organisation with this number, and both have compared the words. */
static enum rc know(struct region *g, const struct team *t, unsigned number, unsigned organisation, struct err *err)
{
	char partner[32], is[40];
	snprintf(partner, sizeof partner, "partner-%u", number);
	snprintf(is, sizeof is, "organisation=organisation-%u", organisation);
	enum rc rc = COMMAND(g, t, NULL, err, "partner", "edit", partner, is);
	return rc == RC_OK ? COMMAND(g, t, NULL, err, "partner", "confirm", partner) : rc;
}

/* A partner has the next number once the invitation was accepted. So that is done one after the other, by each team for those
 * behind it in their order, and all know which number is whose. */
static enum rc invite(struct region *g, unsigned i, unsigned k, struct err *err)
{
	char line[LINE_MOST];
	enum rc rc = COMMAND(g, &g->teams[i], line, err, "partner", "invite");
	return rc == RC_OK ? COMMAND(g, &g->teams[k], NULL, err, "partner", "accept", line) : rc;
}

static enum rc settle_pair(void *ctx, unsigned k, struct err *err)
{
	struct region *g = ctx;
	unsigned i = g->inviting;
	const struct team *one = &g->teams[i], *other = &g->teams[k];
	char org_one[32], org_other[32];
	snprintf(org_one, sizeof org_one, "organisation-%u", i + 1);
	snprintf(org_other, sizeof org_other, "organisation-%u", k + 1);
	enum rc rc = know(g, one, k, k + 1, err);
	if (rc == RC_OK)
		rc = know(g, other, i + 1, i + 1, err);
	if (rc == RC_OK)
		rc = agree(g, one, org_other, other->name, err);
	return rc == RC_OK ? agree(g, other, org_one, one->name, err) : rc;
}

/* Directory "paired" beside the teams: it was done before. */
static enum rc pair_all(struct region *g, struct err *err)
{
	char mark[PATH_MOST];
	struct stat st;
	unsigned mesh = g->o->teams <= MESH_MOST ? g->o->teams : 1;
	struct crew_work w = { .to = g->o->teams, .each = settle_pair, .done = crew_did, .ctx = g };
	g->doing = "are paired";
	enum rc rc = RC_OK;
	snprintf(mark, sizeof mark, "%s/paired", g->o->dir);
	if (stat(mark, &st) == 0)
		return RC_OK;
	for (unsigned i = 0; rc == RC_OK && i < mesh && !g->ended; i++) {
		for (unsigned k = i + 1; rc == RC_OK && k < g->o->teams && !g->ended; k++) {
			rc = invite(g, i, k, err);
			look_for_end(g, 0);
		}
		w.from = i + 1;
		g->inviting = i;
		if (rc == RC_OK && !g->ended)
			rc = crew_run(&w, err);
	}
	if (rc == RC_OK && !g->ended && mkdir(mark, 0700) != 0)
		rc = fail(err, RC_IO, "cannot make '%s'", mark);
	return rc;
}

/* --- the teams of a tour --- */

/* A directory "pairs/1-3" says that these two were: so more teams may come another time. */
static enum rc pair_once(struct region *g, unsigned i, unsigned k, bool *was, struct err *err)
{
	char mark[PATH_MOST];
	struct stat st;
	snprintf(mark, sizeof mark, "%s/pairs/%u-%u", g->o->dir, i + 1, k + 1);
	*was = stat(mark, &st) == 0;
	if (*was)
		return RC_OK;
	g->inviting = i;
	enum rc rc = invite(g, i, k, err);
	if (rc == RC_OK)
		rc = settle_pair(g, k, err);
	if (rc == RC_OK && mkdir(mark, 0700) != 0)
		rc = fail(err, RC_IO, "cannot make '%s'", mark);
	return rc;
}

/* The last one is paired with Team A, and never seen again. */
static enum rc pair_absent(struct region *g, struct err *err)
{
	char mark[PATH_MOST];
	struct stat st;
	struct team *absent = &g->teams[g->count - 1];
	bool was;
	snprintf(mark, sizeof mark, "%s/pairs/1-%u", g->o->dir, g->count);
	if (stat(mark, &st) == 0)
		return RC_OK;
	enum rc rc = serve_team(g, absent, err);
	if (rc == RC_OK)
		rc = pair_once(g, 0, g->count - 1, &was, err);
	end_team(absent);
	wait_team(absent);
	return rc;
}

static enum rc pair_tour(struct region *g, struct err *err)
{
	char marks[PATH_MOST];
	bool was;
	enum rc rc = RC_OK;
	snprintf(marks, sizeof marks, "%s/pairs", g->o->dir);
	if (mkdir(marks, 0700) != 0 && errno != EEXIST)
		return fail(err, RC_IO, "cannot make '%s'", marks);
	for (unsigned i = 0; i < g->o->teams; i++) {
		for (unsigned k = i + 1; rc == RC_OK && k < g->o->teams && !g->ended; k++) {
			rc = pair_once(g, i, k, &was, err);
			look_for_end(g, 0);
		}
	}
	return rc == RC_OK && !g->ended && g->count > g->o->teams ? pair_absent(g, err) : rc;
}

/* What the nodes ask, until a signal comes. */
static enum rc run_desk(struct region *g, int desk, struct err *err)
{
	struct desk_team list[DEMO_TOUR_TEAMS_MOST + 1];
	struct signalfd_siginfo info;
	int signals = signalfd(-1, &g->signals, SFD_CLOEXEC);
	struct pollfd p[] = { { .fd = signals, .events = POLLIN }, { .fd = desk, .events = POLLIN } };
	for (unsigned i = 0; i < g->count; i++)
		list[i] = (struct desk_team){ .name = g->teams[i].name, .dir = g->teams[i].dir,
					      .address = g->teams[i].address, .token = g->teams[i].token,
					      .pid = g->teams[i].pid };
	while (signals >= 0 && !g->ended && poll(p, COUNT_OF(p), -1) > 0) {
		if (p[0].revents && read(signals, &info, sizeof info) == sizeof info)
			g->ended = info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM;
		if (p[1].revents)
			desk_answer(desk, list, g->count);
	}
	if (signals >= 0)
		close(signals);
	return g->ended ? RC_OK : fail(err, RC_IO, "cannot wait for what is asked");
}

static enum rc run_tour(struct region *g, struct err *err)
{
	int desk = desk_open(g->desk);
	if (desk < 0)
		return fail(err, RC_IO, "cannot listen at '%s'", g->desk);
	for (unsigned i = 0; i < g->o->teams; i++)
		cli_printf(g->c, "%s\t%s\n", g->teams[i].name, g->teams[i].link);
	cli_flush(g->c);
	cli_talk(g->c, "open the first link in a browser: it signs you in with Team A, once, within five minutes; then see /tour "
		       "and /tour/teams");
	cli_talk(g->c, "this is a demonstration: everything is made up, nothing leaves the machine; ^C ends it");
	enum rc rc = run_desk(g, desk, err);
	close(desk);
	(void)unlink(g->desk);
	return rc;
}

/* --- reports --- */

static enum rc report(struct region *g, uint64_t number, struct err *err)
{
	struct buf text = BUF_INIT(MIB(64));
	char name[64];
	int fd = memfd_create("ronda-demo", MFD_CLOEXEC);
	if (fd < 0)
		return fail(err, RC_LIMIT, "no memory for a report");
	demo_team_lines(0, g->o->teams, number + 1, g->o->lines, clock_now_us() - SECOND_US, &text);
	enum rc rc = RC_OK;
	for (size_t at = 0; at < text.n;) {
		ssize_t n = write(fd, text.p + at, text.n - at);
		if (n <= 0) {
			rc = fail(err, RC_LIMIT, "no memory for a report");
			break;
		}
		at += (size_t)n;
	}
	snprintf(name, sizeof name, "region-%llu.jsonl", (unsigned long long)number);
	if (rc == RC_OK && lseek(fd, 0, SEEK_SET) == 0)
		rc = command(g, &g->teams[0],
			     (const char *const[]){ "intake", "--feed", "local", "--format", "intelmq", "--name", name, "-" }, 8,
			     fd, NULL, err);
	close(fd);
	buf_free(&text);
	return rc;
}

static enum rc run_region(struct region *g, struct err *err)
{
	enum rc rc = RC_OK;
	/* The first makes the table of networks that all of them use. */
	struct crew_work w = { .to = 1, .each = make_team, .done = crew_did, .ctx = g };
	g->doing = "are there";
	for (unsigned i = 0; i < g->count; i++)
		name_team(g, i);
	rc = crew_run(&w, err);
	w.from = 1;
	w.to = g->count;
	if (rc == RC_OK && !g->ended)
		rc = crew_run(&w, err);
	if (rc == RC_OK && !g->ended)
		rc = serve_all(g, err);
	if (rc == RC_OK && !g->ended)
		rc = g->o->tour ? pair_tour(g, err) : pair_all(g, err);
	if (rc != RC_OK || g->ended)
		return rc;
	if (g->o->tour)
		return run_tour(g, err);
	for (unsigned i = 0; i < g->o->teams; i++)
		cli_printf(g->c, "%s\t%s\n", g->teams[i].name, g->teams[i].link);
	cli_flush(g->c);
	cli_talk(g->c, "reports come in with Team A; see /partners of each; everything is made up, nothing leaves the machine; "
		       "^C ends it");
	for (uint64_t n = 0; rc == RC_OK && !g->ended; n++) {
		rc = report(g, n, err);
		if (rc == RC_OK)
			look_for_end(g, (int)(g->o->every_us / 1000));
	}
	return rc;
}

int demo_region(struct cli *c, const struct region_options *o)
{
	struct region g = { .c = c, .o = o };
	struct stat st;
	char main_db[PATH_MOST];
	struct err err = { 0 };
	ssize_t n = readlink("/proc/self/exe", g.self, sizeof g.self - 1);
	/* the table of networks: also for a node that is just made, and has no file of settings yet */
	if (n <= 0 || (mkdir(o->dir, 0700) != 0 && errno != EEXIST) || setenv("RONDA_NETWORK_CACHE", o->dir, 1) != 0) {
		cli_talk(c, "ronda demo: cannot make '%s'", o->dir);
		return rc_exit_code(RC_IO);
	}
	snprintf(main_db, sizeof main_db, "%s/main.db", o->dir);
	if (stat(main_db, &st) == 0) {
		cli_talk(c, "ronda demo: '%s' is one node; name another directory for several", o->dir);
		return rc_exit_code(RC_CONFLICT);
	}
	g.self[n] = '\0';
	g.count = o->teams + (o->tour && o->teams > 1 && o->teams < DEMO_TOUR_TEAMS_MOST ? 1 : 0);
	g.teams = x_array(g.count, sizeof *g.teams);
	snprintf(g.log, sizeof g.log, "%s/commands.log", o->dir);
	snprintf(g.desk, sizeof g.desk, "%s/desk", o->dir);
	sigemptyset(&g.signals);
	sigaddset(&g.signals, SIGINT);
	sigaddset(&g.signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &g.signals, NULL);
	enum rc rc = run_region(&g, &err);
	end_teams(&g);
	free(g.teams);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}
