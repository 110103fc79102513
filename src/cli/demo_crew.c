/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_crew.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS_MOST = 8 };

/* Between us and the workers. */
struct shared {
	atomic_uint next;
	atomic_bool stop;
};

static void work(const struct crew_work *w, struct shared *s, int tell)
{
	unsigned number;
	while (!atomic_load(&s->stop) && (number = atomic_fetch_add(&s->next, 1)) < w->to) {
		struct err one = { .rc = RC_OK };
		one.rc = w->each(w->ctx, number, &one);
		if (write(tell, &one, sizeof one) != sizeof one)
			_exit(1);
	}
	_exit(0);
}

/* What the workers say, until the last of them has ended. */
static enum rc listen_to(const struct crew_work *w, struct shared *s, int from, struct err *err)
{
	struct err one;
	enum rc rc = RC_OK;
	unsigned count = 0;
	while (read(from, &one, sizeof one) == sizeof one) {
		if (one.rc != RC_OK && rc == RC_OK)
			rc = fail(err, one.rc, "%s", one.text);
		bool more = one.rc == RC_OK && w->done(w->ctx, ++count, w->to - w->from);
		if (!more)
			atomic_store(&s->stop, true);
	}
	if (rc == RC_OK && count < w->to - w->from && !atomic_load(&s->stop))
		rc = fail(err, RC_IO, "a process of the demonstration ended early");
	return rc;
}

enum rc crew_run(const struct crew_work *w, struct err *err)
{
	pid_t workers[WORKERS_MOST];
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned want = cores * 2 > WORKERS_MOST ? WORKERS_MOST : cores > 0 ? (unsigned)cores * 2 : 2, count = 0;
	int pipe_fd[2];
	if (w->from >= w->to)
		return RC_OK;
	struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED || pipe2(pipe_fd, O_CLOEXEC) != 0) {
		if (s != MAP_FAILED)
			munmap(s, sizeof *s);
		return fail(err, RC_LIMIT, "cannot make a pipe");
	}
	atomic_store(&s->next, w->from);
	for (; count < want && count < w->to - w->from; count++) {
		workers[count] = fork();
		if (workers[count] == 0) {
			close(pipe_fd[0]);
			work(w, s, pipe_fd[1]);
		}
		if (workers[count] < 0)
			break;
	}
	close(pipe_fd[1]);
	enum rc rc = count ? listen_to(w, s, pipe_fd[0], err) : fail(err, RC_LIMIT, "no more processes can be started");
	close(pipe_fd[0]);
	for (unsigned i = 0; i < count; i++)
		while (waitpid(workers[i], NULL, 0) < 0 && errno == EINTR)
			continue;
	munmap(s, sizeof *s);
	return rc;
}
