/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-relay: a mail relay in front of another, that misbehaves now and then (mail/test_relay.h).
 *
 *   ronda-relay PORT BEHIND LOG [ONE_IN] [HANG_MS]     listens at PORT until it is ended */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/str.h"
#include "mail/test_relay.h"

static unsigned number(const char *text)
{
	uint32_t n = 0;
	return str_to_u32(str_of(text), &n) ? n : 0;
}

int main(int argc, char **argv)
{
	struct test_relay r = { .hang_ms = 2000 };
	sigset_t set;
	int sig;
	if (argc < 4)
		return 64;
	r.port = (uint16_t)number(argv[1]);
	r.behind = (uint16_t)number(argv[2]);
	r.log_fd = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	r.one_in = argc > 4 ? number(argv[4]) : 0;
	r.hang_ms = argc > 5 ? (long)number(argv[5]) : r.hang_ms;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (r.log_fd < 0 || !test_relay_start(&r)) {
		perror("ronda-relay");
		return 1;
	}
	(void)sigwait(&set, &sig);
	test_relay_stop(&r);
	return 0;
}
