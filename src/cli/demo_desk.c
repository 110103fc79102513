/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_desk.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_MOST = 64, PATIENCE_MS = 1000 };

int desk_open(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	if (!str_to_z(str_of(path), at.sun_path, sizeof at.sun_path))
		return -1;
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(path);
	mode_t before = umask(0177);
	bool bound = s >= 0 && bind(s, (struct sockaddr *)&at, sizeof at) == 0;
	umask(before);
	if (bound && listen(s, BESIDE_MOST) == 0)
		return s;
	if (s >= 0)
		close(s);
	return -1;
}

static void put_teams(struct json_out *j, const struct desk_team *teams, unsigned count)
{
	json_key(j, STR("teams"));
	json_open(j, '[');
	for (unsigned i = 0; i < count; i++) {
		const struct desk_team *t = &teams[i];
		json_open(j, '{');
		json_put_i64(j, "number", i + 1);
		json_put_str(j, "name", str_of(t->name));
		json_put_str(j, "dir", str_of(t->dir));
		json_put_str(j, "address", str_of(t->address));
		json_put_str(j, "token", str_of(t->token));
		json_put_str(j, "state", str_of(beside_state_name(t->pid <= 0 ? BESIDE_OFF : t->cut ? BESIDE_CUT :
								  BESIDE_RUNS)));
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* The process stands still: it takes nothing and says nothing, as if the cable to its house were cut. */
static void cut(struct json_out *j, struct desk_team *teams, unsigned count, str number, bool off)
{
	uint64_t n;
	if (!str_to_u64(number, &n) || n < 2 || n > count || teams[n - 1].pid <= 0) {
		json_put_str(j, "error", STR("there is no such team to cut off"));
		return;
	}
	kill(teams[n - 1].pid, off ? SIGSTOP : SIGCONT);
	teams[n - 1].cut = off;
	json_put_bool(j, "done", true);
}

static void answer(int caller, struct desk_team *teams, unsigned count)
{
	char text[LINE_MOST];
	struct pollfd p = { .fd = caller, .events = POLLIN };
	struct buf out = BUF_INIT(BESIDE_LINE_MOST);
	struct json_out j = json_out(&out);
	ssize_t n = poll(&p, 1, PATIENCE_MS) > 0 ? recv(caller, text, sizeof text, 0) : -1;
	str line = n > 0 ? str_trim_all((str){ text, (size_t)n }) : STR(""), word = str_cut(&line, ' ');
	json_open(&j, '{');
	if (str_eq(word, STR("teams")))
		put_teams(&j, teams, count);
	else if (str_eq(word, STR("cut")) || str_eq(word, STR("mend")))
		cut(&j, teams, count, line, str_eq(word, STR("cut")));
	else
		json_put_str(&j, "error", STR("that is not understood"));
	json_close(&j, '}');
	(void)!send(caller, out.p, out.n, MSG_NOSIGNAL);
	buf_free(&out);
}

void desk_answer(int listener, struct desk_team *teams, unsigned count)
{
	struct ucred who;
	socklen_t size = sizeof who;
	int caller = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (caller < 0)
		return;
	if (getsockopt(caller, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.uid == getuid())
		answer(caller, teams, count);
	close(caller);
}
