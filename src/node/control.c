/* SPDX-License-Identifier: Apache-2.0 */
/* The node's side of DIR/sock. One thread listens and owns the table of
 * callers; each command runs in a thread of its own, which tells the listener
 * by one byte in a pipe that it is done. Nothing else is shared. */
#include "node/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/arena.h"
#include "base/clock.h"
#include "node/control_private.h"

enum { FIXED = 2, BACKLOG = 64, STOP = 255, WAIT_S = 10, LAST_WORDS_S = 5, TICK_MS = 1000 };

enum caller_state { CALLER_NONE, CALLER_SILENT, CALLER_RUNS };

struct caller {
	enum caller_state state;
	struct control *control;
	int socket;
	uint32_t uid;
	int64_t since_us;
	int handles[CONTROL_HANDLES];
	char *line, **argv;
	int argc;
	int cut;          /* so many of its handles are dead: stdin first, 3 when it has gone */
	pthread_t thread;
};

struct control {
	struct node *node;
	control_run run;
	void *ctx;
	int dir, listener, done[2], dead; /* dead: writing fails, reading fails */
	bool stopping;                    /* the listening thread's own */
	int64_t stop_us;
	pthread_t thread;
	struct caller callers[CONTROL_CALLERS];
};

/* --- the end of a call --- */

static void answer(int socket, enum rc rc, int code, const char *text)
{
	struct control_answer a = { .rc = rc, .code = code };
	snprintf(a.text, sizeof(a.text), "%s", text);
	(void)!send(socket, &a, sizeof(a), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void forget(struct caller *c)
{
	close(c->socket);
	for (size_t i = 0; i < CONTROL_HANDLES; i++)
		if (c->handles[i] >= 0)
			close(c->handles[i]);
	free(c->line);
	free(c->argv);
	*c = (struct caller){ .state = CALLER_NONE };
}

/* The command sees errors on its handles and comes to its end. Not an end of file: what was
 * cut short must not be taken for whole. */
static void cut(struct caller *c, int handles)
{
	for (; c->cut < handles; c->cut++)
		(void)dup3(c->control->dead, c->handles[c->cut], O_CLOEXEC);
}

static void *run_command(void *arg)
{
	struct caller *c = arg;
	struct control *ctl = c->control;
	sigset_t pipe_signal;
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
	int code = ctl->run(ctl->ctx, ctl->node, c->argc, c->argv, c->handles, c->handles[3], c->uid);
	answer(c->socket, RC_OK, code, "");
	unsigned char index = (unsigned char)(c - ctl->callers);
	(void)!write(ctl->done[1], &index, 1);
	return NULL;
}

/* --- the start of a call --- */

static size_t take_handles(struct msghdr *m, int handles[CONTROL_HANDLES])
{
	size_t n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		n = n < CONTROL_HANDLES ? n : CONTROL_HANDLES;
		memcpy(handles, CMSG_DATA(c), n * sizeof(int));
	}
	return n;
}

/* Arguments out of the packet, which `c` keeps. */
static bool take_arguments(struct caller *c, size_t bytes)
{
	struct wire w = wire_of(str_mem(c->line, bytes));
	str magic = wire_bytes(&w, 4);
	uint32_t argc = wire_le32(&w);
	if (w.bad || !str_eq(magic, STR(CONTROL_MAGIC)) || argc == 0 || argc > CONTROL_ARGUMENTS)
		return false;
	c->argv = x_array((size_t)argc + 1, sizeof(*c->argv));
	char *at = c->line + 8, *end = c->line + bytes;
	for (uint32_t i = 0; i < argc; i++) {
		char *nul = memchr(at, 0, (size_t)(end - at));
		if (!nul)
			return false;
		c->argv[i] = at;
		at = nul + 1;
	}
	c->argc = (int)argc;
	return at == end;
}

static bool take_line(struct caller *c)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(CONTROL_HANDLES * sizeof(int))];
	} control;
	c->line = x_alloc(CONTROL_LINE_MAX);
	struct iovec io = { c->line, CONTROL_LINE_MAX };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(c->socket, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	size_t handles = n > 0 ? take_handles(&m, c->handles) : 0;
	return n > 0 && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && handles == CONTROL_HANDLES &&
	       take_arguments(c, (size_t)n);
}

static void begin(struct caller *c)
{
	if (!take_line(c)) {
		answer(c->socket, RC_INPUT, 0, "the node does not understand this caller");
		forget(c);
		return;
	}
	if (pthread_create(&c->thread, NULL, run_command, c) != 0) {
		answer(c->socket, RC_BUSY, 0, "the node cannot start a thread");
		forget(c);
		return;
	}
	c->state = CALLER_RUNS;
}

static bool may_call(const struct control *ctl, int socket, uint32_t *uid_out, struct err *err)
{
	struct ucred peer;
	struct viewer v;
	socklen_t n = sizeof(peer);
	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return fail_errno(err, errno, "the caller cannot be told"), false;
	*uid_out = peer.uid;
	/* Its own helpers have what strangers sent before them: they reach sockets by path, and are not let in. */
	if (peer.uid == geteuid() && starter_is_above(ctl->node->starter, peer.pid))
		return fail(err, RC_DENIED, "the node's helpers may not call it"), false;
	return node_viewer_unix(ctl->node, peer.uid, &v, err) == RC_OK;
}

static void welcome(struct control *ctl)
{
	int socket = accept4(ctl->listener, NULL, NULL, SOCK_CLOEXEC);
	if (socket < 0)
		return;
	struct caller *c = ctl->callers;
	while (c < ctl->callers + CONTROL_CALLERS && c->state != CALLER_NONE)
		c++;
	uint32_t uid = UINT32_MAX;
	struct err err = { 0 };
	if (!may_call(ctl, socket, &uid, &err)) {
		log_warn(ctl->node->log, "caller at the socket refused", L_UINT("uid", uid));
		answer(socket, err.rc, 0, err.text);
	} else if (c == ctl->callers + CONTROL_CALLERS) {
		answer(socket, RC_BUSY, 0, "the node is running 16 other commands");
	} else {
		*c = (struct caller){ .state = CALLER_SILENT, .control = ctl, .socket = socket,
				      .uid = uid, .since_us = clock_mono_us(),
				      .handles = { -1, -1, -1, -1 } };
		answer(socket, RC_OK, 0, "");
		return;
	}
	close(socket);
}

/* --- the listening thread --- */

static void look_at(struct control *ctl, struct caller *c, short events)
{
	bool late = clock_mono_us() - c->since_us > WAIT_S * SECOND_US;
	switch (c->state) {
	case CALLER_NONE: break;
	case CALLER_SILENT:
		if (events & POLLIN && !ctl->stopping)
			begin(c);
		else if (events || late || ctl->stopping)
			forget(c);
		break;
	case CALLER_RUNS:
		/* Whatever comes now, a word or the end, is not in the protocol: it gave up. */
		if (events)
			cut(c, 3);
		else if (ctl->stopping) /* no more input; time to say how far it came */
			cut(c, clock_mono_us() - ctl->stop_us > LAST_WORDS_S * SECOND_US ? 3 : 1);
		break;
	}
}

static void hear_done(struct control *ctl)
{
	unsigned char index;
	if (read(ctl->done[0], &index, 1) != 1)
		return;
	if (index == STOP) {
		ctl->stopping = true;
		ctl->stop_us = clock_mono_us();
		for (size_t i = 0; i < CONTROL_CALLERS; i++)
			look_at(ctl, &ctl->callers[i], 0);
	} else if (index < CONTROL_CALLERS && ctl->callers[index].state == CALLER_RUNS) {
		pthread_join(ctl->callers[index].thread, NULL);
		forget(&ctl->callers[index]);
	}
}

static bool any_caller(const struct control *ctl)
{
	for (size_t i = 0; i < CONTROL_CALLERS; i++)
		if (ctl->callers[i].state != CALLER_NONE)
			return true;
	return false;
}

static void *listen_on(void *arg)
{
	struct control *ctl = arg;
	while (!ctl->stopping || any_caller(ctl)) {
		struct pollfd p[FIXED + CONTROL_CALLERS] = {
			{ .fd = ctl->done[0], .events = POLLIN },
			{ .fd = ctl->stopping ? -1 : ctl->listener, .events = POLLIN },
		};
		for (size_t i = 0; i < CONTROL_CALLERS; i++) {
			const struct caller *c = &ctl->callers[i];
			bool watched = c->state != CALLER_NONE && c->cut < 3;
			p[FIXED + i] = (struct pollfd){ .fd = watched ? c->socket : -1,
							.events = POLLIN };
		}
		if (poll(p, FIXED + CONTROL_CALLERS, TICK_MS) < 0)
			continue;
		for (size_t i = 0; i < CONTROL_CALLERS; i++)
			look_at(ctl, &ctl->callers[i], p[FIXED + i].revents);
		if (p[0].revents)
			hear_done(ctl);
		if (p[1].revents)
			welcome(ctl);
	}
	return NULL;
}

/* --- life --- */

/* A handle on which both reading and writing fail. */
static int dead_handle(void)
{
	int pair[2];
	if (pipe2(pair, O_CLOEXEC) != 0)
		return -1;
	close(pair[0]);
	return pair[1];
}

static enum rc open_socket(struct control *ctl, struct err *err)
{
	ctl->dir = open(ctl->node->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ctl->dir < 0)
		return fail_errno(err, errno, "cannot open '%s'", ctl->node->dir);
	ctl->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un at;
	control_address(ctl->dir, &at);
	/* We hold the directory's lock: a socket that is there is a dead node's. The mode is
	 * set before there is a name, so that nobody else can be quicker. */
	if (unlinkat(ctl->dir, "sock", 0) != 0 && errno != ENOENT)
		return fail_errno(err, errno, "cannot remove the old socket of '%s'", ctl->node->dir);
	if (ctl->listener < 0 || fchmod(ctl->listener, 0600) != 0 ||
	    bind(ctl->listener, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(ctl->listener, BACKLOG) != 0)
		return fail_errno(err, errno, "cannot listen at '%s/sock'", ctl->node->dir);
	node_socket_mode(ctl->node);
	return RC_OK;
}

static void close_all(struct control *ctl)
{
	const int handles[] = { ctl->listener, ctl->dir, ctl->done[0], ctl->done[1], ctl->dead };
	for (size_t i = 0; i < COUNT_OF(handles); i++)
		if (handles[i] >= 0)
			close(handles[i]);
	free(ctl);
}

enum rc control_start(struct node *n, control_run run, void *ctx, struct control **out,
		      struct err *err)
{
	struct control *ctl = x_alloc(sizeof(*ctl));
	ctl->node = n;
	ctl->run = run;
	ctl->ctx = ctx;
	ctl->dir = ctl->listener = ctl->done[0] = ctl->done[1] = -1;
	ctl->dead = dead_handle();
	enum rc rc = RC_OK;
	if (ctl->dead < 0 || pipe2(ctl->done, O_CLOEXEC) != 0)
		rc = fail_errno(err, errno, "cannot make a pipe");
	if (rc == RC_OK)
		rc = open_socket(ctl, err);
	if (rc == RC_OK) {
		int code = pthread_create(&ctl->thread, NULL, listen_on, ctl);
		if (code != 0)
			rc = fail_errno(err, code, "cannot start the socket's thread");
	}
	if (rc != RC_OK)
		close_all(ctl);
	else
		*out = ctl;
	return rc;
}

void control_stop(struct control *ctl)
{
	if (!ctl)
		return;
	/* The name goes first: who comes now finds no node, and waits for the lock. */
	(void)unlinkat(ctl->dir, "sock", 0);
	const unsigned char stop = STOP;
	(void)!write(ctl->done[1], &stop, 1);
	pthread_join(ctl->thread, NULL);
	close_all(ctl);
}
