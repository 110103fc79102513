/* SPDX-License-Identifier: Apache-2.0 */
/* test_relay.h: a mail relay that misbehaves, for tests (also tests/helpers/relay.c).
 *
 * Speaks what of SMTP a relay must (RFC 5321, section 4.5.1). What it does with a mail follows from
 * the recipient's local part; one of no such name is taken, or handed to the relay behind it, and
 * once in a while meets one of the same ends by chance. Each end is a line in the log:
 * WORD, Message-ID, "passed" when the relay behind took it. */
#ifndef RONDA_MAIL_TEST_RELAY_H
#define RONDA_MAIL_TEST_RELAY_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/buf.h"

enum relay_end { RELAY_TAKEN, RELAY_LATER, RELAY_REFUSED, RELAY_HANG, RELAY_CUT, RELAY_CUT_MIDDLE, RELAY_CUT_AFTER,
		 RELAY_LATER_AFTER, RELAY_REFUSED_AFTER, RELAY_HANG_AFTER, RELAY_ENDS };
static const char *const relay_words[RELAY_ENDS] = {
	"taken", "later", "refused", "hang", "cut", "cut-middle", "cut-after", "later-after", "refused-after", "hang-after",
};

struct test_relay {
	pthread_t thread;
	int fd, log_fd;        /* log_fd -1: none */
	uint16_t port, behind; /* behind 0: keeps nothing */
	unsigned one_in;       /* so many mails meets one a bad end by chance; 0: none does */
	long hang_ms;
	const char *offers;    /* lines of EHLO's answer, "250-SIZE 1000\r\n" */
	atomic_bool stop;
	atomic_int running, connections, mails, ends[RELAY_ENDS];
	atomic_uint dice;
};

struct relay_talk {
	struct test_relay *r;
	int fd, behind;        /* connection to the relay behind; -1: none yet */
	struct buf in, mail, from, to;
	enum relay_end end;
};

static inline bool relay_say(int fd, const char *text)
{
	size_t n = strlen(text);
	return send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* The next line, without its end, in `line_out`; false: no more comes. */
static inline bool relay_line(struct test_relay *r, int fd, struct buf *in, struct buf *line_out)
{
	for (;;) {
		size_t at = str_find(buf_str(in), STR("\r\n"));
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (at < in->n) {
			buf_reset(line_out);
			buf_add(line_out, str_head(buf_str(in), at));
			memmove(in->p, in->p + at + 2, in->n - at - 2);
			in->n -= at + 2;
			return true;
		}
		int ready = poll(&p, 1, 100);
		if (atomic_load(&r->stop) || ready < 0)
			return false;
		if (ready == 0)
			continue;
		char *to = buf_room(in, 65536);
		ssize_t n = to ? recv(fd, to, 65536, 0) : 0;
		if (n <= 0)
			return false;
		in->n += (size_t)n;
	}
}

static inline enum relay_end relay_choose(struct test_relay *r, str to)
{
	str local = str_head(to, str_index(to, '@'));
	for (int i = 0; i < RELAY_ENDS; i++)
		if (str_eq(local, str_of(relay_words[i])))
			return (enum relay_end)i;
	/* Who refuses a recipient for good does not do so by chance. */
	static const enum relay_end by_chance[] = { RELAY_LATER, RELAY_HANG, RELAY_CUT, RELAY_CUT_MIDDLE, RELAY_CUT_AFTER,
						    RELAY_LATER_AFTER, RELAY_REFUSED_AFTER, RELAY_HANG_AFTER };
	unsigned x = atomic_fetch_add(&r->dice, 1) * 2654435761u;
	x ^= x >> 15;
	return r->one_in && x % r->one_in == 0 ? by_chance[(x / r->one_in) % COUNT_OF(by_chance)] : RELAY_TAKEN;
}

static inline void relay_note(struct relay_talk *t, bool passed)
{
	struct buf line = BUF_INIT(KIB(2));
	str head = buf_str(&t->mail), one, id = STR("-");
	while (str_line(&head, &one) && one.n > 1)
		if (str_starts_nocase(one, STR("Message-ID:")))
			id = str_trim_all(str_from(one, STR("Message-ID:").n));
	buf_fmt(&line, "%s " STR_FMT "%s\n", relay_words[t->end], STR_ARG(id), passed ? " passed" : "");
	if (t->r->log_fd >= 0)
		(void)!write(t->r->log_fd, line.p, line.n);
	buf_free(&line);
	atomic_fetch_add(&t->r->ends[t->end], 1);
}

/* --- the relay behind --- */

static inline bool relay_ask(struct relay_talk *t, struct buf *in, const char *text, char kind)
{
	struct buf line = BUF_INIT(KIB(4));
	bool ok = relay_say(t->behind, text), more = true;
	while (ok && more) {
		ok = relay_line(t->r, t->behind, in, &line) && line.n >= 3 && line.p[0] == kind;
		more = ok && line.n > 3 && line.p[3] == '-';
	}
	buf_free(&line);
	return ok;
}

static inline bool relay_pass(struct relay_talk *t)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(t->r->behind) };
	struct buf in = BUF_INIT(KIB(64)), text = BUF_INIT(KIB(4));
	bool ok = true;
	if (t->behind < 0) {
		t->behind = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ok = connect(t->behind, (struct sockaddr *)&at, sizeof at) == 0 && relay_ask(t, &in, "", '2') &&
		     relay_ask(t, &in, "EHLO relay.example.org\r\n", '2');
	}
	buf_fmt(&text, "MAIL FROM:<" STR_FMT ">\r\n", STR_ARG(buf_str(&t->from)));
	ok = ok && relay_ask(t, &in, text.p, '2');
	buf_reset(&text);
	buf_fmt(&text, "RCPT TO:<" STR_FMT ">\r\n", STR_ARG(buf_str(&t->to)));
	ok = ok && relay_ask(t, &in, text.p, '2') && relay_ask(t, &in, "DATA\r\n", '3');
	ok = ok && send(t->behind, t->mail.p, t->mail.n, MSG_NOSIGNAL) == (ssize_t)t->mail.n &&
	     relay_ask(t, &in, ".\r\n", '2');
	if (!ok) {
		close(t->behind);
		t->behind = -1;
	}
	buf_free(&in);
	buf_free(&text);
	return ok;
}

/* --- in front --- */

static inline void relay_hang(const struct test_relay *r)
{
	for (long ms = 0; ms < r->hang_ms && !atomic_load(&r->stop); ms += 50)
		(void)poll(NULL, 0, 50);
}

/* False: the connection ends. */
static inline bool relay_take(struct relay_talk *t)
{
	struct buf line = BUF_INIT(MIB(1));
	bool more = relay_say(t->fd, "354 go on\r\n"), dot = false;
	buf_reset(&t->mail);
	while (more && !dot) {
		more = t->end != RELAY_CUT_MIDDLE && relay_line(t->r, t->fd, &t->in, &line);
		dot = more && str_eq(buf_str(&line), STR("."));
		if (more && !dot) {
			buf_add(&t->mail, buf_str(&line));
			buf_add(&t->mail, STR("\r\n"));
		}
	}
	buf_free(&line);
	if (!dot) {
		relay_note(t, false);
		return false;
	}
	atomic_fetch_add(&t->r->mails, 1);
	/* Of those that are cut behind the mail every second is handed on all the same: a copy that its
	 * sender does not know of. */
	bool hand_on = t->end == RELAY_TAKEN ||
		       ((t->end == RELAY_CUT_AFTER || t->end == RELAY_HANG_AFTER) && atomic_fetch_add(&t->r->dice, 1) % 2);
	bool passed = hand_on && t->r->behind && relay_pass(t);
	if (t->end == RELAY_TAKEN && t->r->behind && !passed)
		t->end = RELAY_LATER_AFTER;
	relay_note(t, passed);
	switch (t->end) {
	case RELAY_TAKEN:
		return relay_say(t->fd, "250 2.0.0 taken\r\n");
	case RELAY_LATER_AFTER:
		return relay_say(t->fd, "451 4.3.0 not now\r\n");
	case RELAY_REFUSED_AFTER:
		return relay_say(t->fd, "554 5.7.1 not such a mail\r\n");
	case RELAY_HANG_AFTER:
		relay_hang(t->r);
		return false;
	default:
		return false;
	}
}

static inline void relay_path(struct buf *out, str line)
{
	str path = str_from(line, str_index(line, '<'));
	path = path.n ? str_from(path, 1) : path;
	buf_reset(out);
	buf_add(out, str_head(path, str_index(path, '>')));
}

static inline bool relay_command(struct relay_talk *t, str line)
{
	struct buf text = BUF_INIT(KIB(4));
	bool more = true;
	if (str_starts_nocase(line, STR("EHLO"))) {
		buf_fmt(&text, "250-test.example.org\r\n%s250 8BITMIME\r\n", t->r->offers ? t->r->offers : "");
		more = relay_say(t->fd, text.p);
	} else if (str_starts_nocase(line, STR("MAIL"))) {
		relay_path(&t->from, line);
		more = relay_say(t->fd, "250 2.1.0 good\r\n");
	} else if (str_starts_nocase(line, STR("RCPT"))) {
		relay_path(&t->to, line);
		t->end = relay_choose(t->r, buf_str(&t->to));
		buf_reset(&t->mail);
		bool early = t->end == RELAY_LATER || t->end == RELAY_REFUSED || t->end == RELAY_HANG || t->end == RELAY_CUT;
		if (early)
			relay_note(t, false);
		if (t->end == RELAY_HANG)
			relay_hang(t->r);
		more = t->end != RELAY_HANG && t->end != RELAY_CUT &&
		       relay_say(t->fd, t->end == RELAY_LATER ? "450 4.2.1 later\r\n" :
				 t->end == RELAY_REFUSED ? "550 5.1.1 nobody\r\n" : "250 2.1.5 good\r\n");
	} else if (str_starts_nocase(line, STR("DATA"))) {
		more = relay_take(t);
	} else if (str_starts_nocase(line, STR("QUIT"))) {
		(void)relay_say(t->fd, "221 bye\r\n");
		more = false;
	} else {
		more = relay_say(t->fd, "250 fine\r\n");
	}
	buf_free(&text);
	return more;
}

static inline void *relay_talks(void *ctx)
{
	struct relay_talk *t = ctx;
	struct buf line = BUF_INIT(KIB(64));
	bool more = relay_say(t->fd, "220 test.example.org\r\n");
	while (more && relay_line(t->r, t->fd, &t->in, &line))
		more = relay_command(t, buf_str(&line));
	close(t->fd);
	if (t->behind >= 0)
		close(t->behind);
	buf_free(&line);
	buf_free(&t->in);
	buf_free(&t->mail);
	buf_free(&t->from);
	buf_free(&t->to);
	atomic_fetch_sub(&t->r->running, 1);
	free(t);
	return NULL;
}

static inline void *relay_listens(void *ctx)
{
	struct test_relay *r = ctx;
	while (!atomic_load(&r->stop)) {
		struct pollfd p = { .fd = r->fd, .events = POLLIN };
		int fd = poll(&p, 1, 50) > 0 ? accept(r->fd, NULL, NULL) : -1;
		if (fd < 0)
			continue;
		pthread_t thread;
		struct relay_talk *t = x_alloc(sizeof *t);
		*t = (struct relay_talk){ .r = r, .fd = fd, .behind = -1, .in = BUF_INIT(MIB(1)), .mail = BUF_INIT(MIB(30)),
					  .from = BUF_INIT(KIB(1)), .to = BUF_INIT(KIB(1)) };
		atomic_fetch_add(&r->running, 1);
		atomic_fetch_add(&r->connections, 1);
		if (pthread_create(&thread, NULL, relay_talks, t) == 0)
			(void)pthread_detach(thread);
		else
			(void)relay_talks(t);
	}
	return NULL;
}

/* Fields of *r that say what it does are the caller's. False: no port. */
static inline bool test_relay_start(struct test_relay *r)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(r->port) };
	socklen_t size = sizeof at;
	int one = 1;
	r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = r->fd >= 0 && setsockopt(r->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
		  bind(r->fd, (struct sockaddr *)&at, size) == 0 && listen(r->fd, 64) == 0 &&
		  getsockname(r->fd, (struct sockaddr *)&at, &size) == 0;
	r->port = ntohs(at.sin_port);
	return ok && pthread_create(&r->thread, NULL, relay_listens, r) == 0;
}

static inline void test_relay_stop(struct test_relay *r)
{
	atomic_store(&r->stop, true);
	(void)pthread_join(r->thread, NULL);
	while (atomic_load(&r->running) > 0)
		(void)poll(NULL, 0, 10);
	close(r->fd);
}

#endif
