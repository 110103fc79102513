/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/resource.h>

#include "http/client_test.h"

#define HOST "Host: node.example.org\r\n"

static void fill(struct buf *b, char c, size_t n)
{
	char *to = buf_room(b, n);
	memset(to, c, n);
	b->n += n;
}

/* --- sizes: one below, at, one above --- */

/* A request whose line, with its line end, has `n` bytes. */
static void make_line(struct buf *b, size_t n)
{
	size_t fixed = strlen("GET / HTTP/1.1\r\n");
	buf_add(b, STR("GET /"));
	fill(b, 'a', n - fixed);
	buf_add(b, STR(" HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
}

/* All header lines together, with the empty one, have `n` bytes. */
static void make_head(struct buf *b, size_t n)
{
	str fixed = STR(HOST "Connection: close\r\nX: \r\n\r\n");
	buf_add(b, STR("GET / HTTP/1.1\r\n" HOST "Connection: close\r\nX: "));
	fill(b, 'a', n - fixed.n);
	buf_add(b, STR("\r\n\r\n"));
}

static void make_count(struct buf *b, size_t n)
{
	buf_add(b, STR("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n"));
	for (size_t i = 2; i < n; i++)
		buf_add(b, STR("X: y\r\n"));
	buf_add(b, STR("\r\n"));
}

static void make_form(struct buf *b, size_t n)
{
	buf_fmt(b, "POST / HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Type: "
		   "application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\nf=",
		n);
	fill(b, 'a', n - 2);
}

static void make_chunked_form(struct buf *b, size_t n)
{
	buf_fmt(b, "POST / HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Type: "
		   "application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\nf=",
		n);
	fill(b, 'a', n - 2);
	buf_add(b, STR("\r\n0\r\n\r\n"));
}

static void make_body(struct buf *b, size_t n)
{
	buf_fmt(b, "POST / HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: %zu\r\n\r\n", n);
	fill(b, 'a', n);
}

static void make_chunked_body(struct buf *b, size_t n)
{
	buf_add(b, STR("POST / HTTP/1.1\r\n" HOST "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"));
	for (size_t left = n; left > 0;) {
		size_t piece = left < 50000 ? left : 50000;
		buf_fmt(b, "%zx\r\n", piece);
		fill(b, 'a', piece);
		buf_add(b, STR("\r\n"));
		left -= piece;
	}
	buf_add(b, STR("0\r\n\r\n"));
}

static void make_query(struct buf *b, size_t n)
{
	buf_add(b, STR("GET /?"));
	for (size_t i = 0; i < n; i++)
		buf_add(b, i ? STR("&a=") : STR("a="));
	buf_add(b, STR(" HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
}

static const struct {
	const char *what;
	void (*make)(struct buf *b, size_t n);
	size_t most;
	int good, over;
} sizes[] = {
	{ "request line", make_line, 8 << 10, 200, 414 },
	{ "all headers", make_head, 32 << 10, 200, 431 },
	{ "number of headers", make_count, 100, 200, 431 },
	{ "form", make_form, 64 << 10, 200, 413 },
	{ "form, chunked", make_chunked_form, 64 << 10, 200, 413 },
	{ "body", make_body, 1 << 20, 202, 413 },
	{ "body, chunked", make_chunked_body, 1 << 20, 202, 413 },
	{ "pairs in a query", make_query, 1000, 200, 400 },
};

TEST(sizes_below_at_above)
{
	struct seen seen = { 0 };
	struct http_handlers h = seen_handlers(&seen);
	struct http_limits limits = http_limits_default;
	limits.body_bytes = 1 << 20;
	struct http *http = test_server(&limits, &h, "");
	for (size_t i = 0; http && i < COUNT_OF(sizes) * 3; i++) {
		size_t n = sizes[i / 3].most + i % 3 - 1;
		int want = i % 3 == 2 ? sizes[i / 3].over : sizes[i / 3].good;
		struct buf request = BUF_INIT(MIB(2)), out = BUF_INIT(MIB(1));
		bool closed = false;
		sizes[i / 3].make(&request, n);
		int status = exchange(http_port(http), buf_str(&request), &out, &closed, 2000);
		CHECK_MSG(status == want && closed && count_answers(buf_str(&out)) == 1,
			  "%s of %zu: status %d, want %d", sizes[i / 3].what, n, status, want);
		buf_free(&request);
		buf_free(&out);
	}
	http_stop(http);
}

TEST(the_default_body_is_64_mib)
{
	struct seen seen = { 0 };
	struct http_handlers h = seen_handlers(&seen);
	struct http *http = test_server(&http_limits_default, &h, "");
	CHECK(http_limits_default.body_bytes == UINT64_C(64) << 20);
	struct buf piece = BUF_INIT(MIB(1)), out = BUF_INIT(KIB(64));
	fill(&piece, 'a', MIB(1));
	int fd = dial(http_port(http), 0);
	CHECK(send_all(fd, STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 67108864\r\n\r\n")));
	for (size_t i = 0; i < 64; i++)
		CHECK(send_all(fd, buf_str(&piece)));
	(void)read_answer(fd, &out, 300);
	CHECK_INT(first_status(buf_str(&out)), 202);
	CHECK_INT(atomic_load(&seen.bytes), 64 << 20);
	close(fd);
	buf_reset(&out);
	CHECK_INT(exchange(http_port(http),
			   STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 67108865\r\n\r\n"), &out, NULL,
			   1000),
		  413);
	buf_free(&piece);
	buf_free(&out);
	http_stop(http);
}

TEST(a_refused_body_is_read_to_its_end)
{
	struct seen seen = { 0 };
	struct http_handlers h = seen_handlers(&seen);
	struct http_limits limits = http_limits_default;
	limits.body_bytes = 1 << 20;
	struct http *http = test_server(&limits, &h, "");
	struct buf piece = BUF_INIT(MIB(1)), out = BUF_INIT(KIB(64));
	fill(&piece, 'a', MIB(1));
	int fd = dial(http_port(http), 0);
	CHECK(send_all(fd, STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 8388608\r\n\r\n")));
	for (size_t i = 0; i < 8; i++)
		CHECK(send_all(fd, buf_str(&piece)));
	CHECK(read_answer(fd, &out, 2000));
	CHECK_INT(first_status(buf_str(&out)), 413);
	CHECK_INT(atomic_load(&seen.bytes), 0);
	close(fd);
	buf_free(&piece);
	buf_free(&out);
	http_stop(http);
}

/* --- deadlines ---
 *
 * Nothing may be closed early, however busy the machine is. What is closed late, or not kept up with,
 * may be the machine's doing: then it is tried again, and one try of TRIES must be in time. */
enum { TRIES = 8 };

static struct http_limits short_limits(void)
{
	struct http_limits l = http_limits_default;
	l.head_us = 400000;
	l.idle_us = 800000;
	l.body_window_us = 400000; /* at 500 bytes a second: 200 bytes a window */
	return l;
}

/* Sends `first`, then `again` every `pause_ms`, for at most `most_ms`: after how
 * many ms was the connection closed, or answered (then negative)? */
static int64_t trickle(uint16_t port, str first, str again, int pause_ms, int most_ms)
{
	int fd = dial(port, 0);
	int64_t start = clock_mono_us(), took = most_ms + 1;
	(void)send_all(fd, first);
	while ((clock_mono_us() - start) / 1000 < most_ms) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, pause_ms) > 0) {
			char c;
			bool answered = recv(fd, &c, 1, 0) > 0;
			took = (clock_mono_us() - start) / 1000;
			took = answered ? -took : took;
			break;
		}
		(void)send_all(fd, again);
	}
	close(fd);
	return took;
}

static const struct slow {
	const char *what;
	str first, again;
	int pause_ms;
	int from_ms, until_ms; /* closed between these; 0, 0: answered */
} slow[] = {
	{ "nothing at all", STR_INIT(""), STR_INIT(""), 50, 700, 1300 },
	{ "half a head, then nothing", STR_INIT("GET / HTTP/1.1\r\nHos"), STR_INIT(""), 50, 350, 900 },
	{ "a head byte by byte", STR_INIT("GET / HTTP/1.1\r\nX: "), STR_INIT("a"), 30, 350, 900 },
	{ "empty lines for ever", STR_INIT("\r\n"), STR_INIT("\r\n"), 30, 350, 900 },
	{ "a body that stops", STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 9999\r\n\r\nabc"),
	  STR_INIT(""), 50, 350, 900 },
	{ "a body too slow", STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 9999\r\n\r\n"),
	  STR_INIT("a"), 20, 350, 900 },
	{ "a form too slow", STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded\r\n"
	  "Content-Length: 9999\r\n\r\n"), STR_INIT("a"), 20, 350, 900 },
	{ "chunks too slow", STR_INIT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
	  STR_INIT("1\r\na\r\n"), 20, 350, 900 },
	{ "a body just fast enough", STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n"),
	  STR_INIT("aaaaaaaaaaaaaaaaaaaa"), 20, 0, 0 },
};

/* True: as the row says. Each try that was not is one more upload that broke off. */
static bool as_said(struct http *http, const struct slow *k, int64_t *took_out, int *tries_out)
{
	for (*tries_out = 1; *tries_out <= TRIES; ++*tries_out) {
		int64_t took = *took_out = trickle(http_port(http), k->first, k->again, k->pause_ms, 2500);
		if (k->until_ms ? took >= k->from_ms && took <= k->until_ms : took < 0)
			return true;
		if (took < k->from_ms) /* early, or answered */
			return false;
	}
	return false;
}

TEST(deadlines)
{
	struct seen seen = { 0 };
	struct http_handlers h = seen_handlers(&seen);
	struct http_limits limits = short_limits();
	struct http *http = test_server(&limits, &h, "");
	int uploads = 0;
	for (size_t i = 0; http && i < COUNT_OF(slow); i++) {
		int64_t took;
		int tries;
		CHECK_MSG(as_said(http, &slow[i], &took, &tries), "%s: %lld ms in the last of %d tries", slow[i].what,
			  (long long)took, tries);
		/* uploads that broke off; the form was none */
		bool upload = str_starts(slow[i].first, STR("POST")) && str_find(slow[i].first, STR("form")) == slow[i].first.n;
		uploads += upload ? (slow[i].until_ms ? tries : tries - 1) : 0;
		for (int k = 0; k < 500 && atomic_load(&seen.aborts) < uploads; k++)
			usleep(10000);
		CHECK_MSG(atomic_load(&seen.aborts) == uploads, "%s: %d uploads broke off, not %d", slow[i].what,
			  atomic_load(&seen.aborts), uploads);
	}
	http_stop(http);
}

/* After an answer the idle time holds, and once a byte has come the head's. */
TEST(keep_alive_is_bounded)
{
	struct seen seen = { 0 };
	struct http_handlers h = seen_handlers(&seen);
	struct http_limits limits = short_limits();
	struct http *http = test_server(&limits, &h, "");
	for (int part = 0; http && part < 2; part++) {
		int64_t took = 0;
		for (int i = 0; i < TRIES; i++) {
			struct buf out = BUF_INIT(KIB(64));
			int fd = dial(http_port(http), 0);
			CHECK(send_all(fd, STR("GET / HTTP/1.1\r\n" HOST "\r\n")));
			CHECK(!read_answer(fd, &out, 100));
			CHECK_INT(first_status(buf_str(&out)), 200);
			int64_t start = clock_mono_us();
			if (part)
				CHECK(send_all(fd, STR("GET /")));
			CHECK(read_answer(fd, &out, 5000));
			took = (clock_mono_us() - start) / 1000;
			close(fd);
			buf_free(&out);
			CHECK_MSG(part || took >= 550, "idle: closed after %lld ms", (long long)took);
			if (took < (part ? 800 : 1500))
				break;
		}
		CHECK_MSG(took < (part ? 800 : 1500), "part %d: %lld ms", part, (long long)took);
	}
	http_stop(http);
}

/* --- connections --- */

static bool still_open(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return fd >= 0 && poll(&p, 1, 80) == 0;
}

static bool is_closed(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return fd < 0 || poll(&p, 1, 5000) == 1;
}

TEST(connections_in_all)
{
	enum { MOST = 20 };
	struct seen seen = { 0 };
	struct http_handlers h = seen_handlers(&seen);
	struct http_limits limits = http_limits_default;
	limits.connections = MOST;
	struct http *http = test_server(&limits, &h, "");
	int fds[MOST + 1];
	for (int i = 0; i < MOST; i++)
		fds[i] = dial(http_port(http), 0);
	CHECK(still_open(fds[MOST - 2]) && still_open(fds[MOST - 1]));
	fds[MOST] = dial(http_port(http), 0);
	CHECK(is_closed(fds[MOST]));
	close(fds[MOST]);
	close(fds[0]);
	/* room again, once the server has seen it go */
	bool open = false;
	for (int i = 0; i < 100 && !open; i++) {
		fds[0] = dial(http_port(http), 0);
		open = still_open(fds[0]);
		if (!open)
			close(fds[0]);
	}
	CHECK(open);
	for (int i = 0; i < MOST; i++)
		close(fds[i]);
	http_stop(http);
}

TEST(connections_of_one_address)
{
	enum { MOST = 5 };
	struct seen seen = { 0 };
	struct http_handlers h = seen_handlers(&seen);
	struct http_limits limits = http_limits_default;
	limits.per_address = MOST;
	struct http *http = test_server(&limits, &h, "");
	int fds[MOST + 2];
	for (int i = 0; i < MOST; i++)
		fds[i] = dial(http_port(http), 2);
	CHECK(still_open(fds[MOST - 1]));
	fds[MOST] = dial(http_port(http), 2);
	CHECK(is_closed(fds[MOST]));
	fds[MOST + 1] = dial(http_port(http), 3);
	CHECK(still_open(fds[MOST + 1]));
	for (int i = 0; i < MOST + 2; i++)
		close(fds[i]);
	http_stop(http);
}

/* --- the siege --- */

enum { IDLE = 500, SLOW = 300, ADDRESSES = 20 };

static long resident_kib(void)
{
	long pages = 0, ignored;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f && fscanf(f, "%ld %ld", &ignored, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void health(uint16_t port, int *status, int64_t *took_ms)
{
	struct buf out = BUF_INIT(KIB(64));
	int64_t start = clock_mono_us();
	*status = exchange(port, STR("GET /healthz HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"), &out,
			   NULL, 10000);
	*took_ms = (clock_mono_us() - start) / 1000;
	buf_free(&out);
}

TEST(health_answers_under_siege)
{
	struct rlimit files = { 4096, 4096 };
	struct seen seen = { 0 };
	struct http_handlers h = seen_handlers(&seen);
	static int fds[IDLE + SLOW];
	if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
		printf("# SKIP the siege needs 4,096 open files\n");
		return;
	}
	struct http *http = test_server(&http_limits_default, &h, "");
	long before = resident_kib();
	for (int i = 0; i < IDLE + SLOW; i++) {
		fds[i] = dial(http_port(http), 2 + i % ADDRESSES);
		CHECK_MSG(fds[i] >= 0, "connection %d", i);
	}
	int quick = 0;
	for (int round = 0; round < 10; round++) {
		int status;
		int64_t took_ms;
		for (int i = IDLE; i < IDLE + SLOW; i++)
			(void)send_all(fds[i], round == 0 ? STR("POST /api/reports HTTP/1.1\r\nX: ") : STR("a"));
		health(http_port(http), &status, &took_ms);
		CHECK_MSG(status == 200, "status %d after %lld ms", status, (long long)took_ms);
		quick += took_ms <= 1000;
	}
	CHECK_MSG(quick >= 5, "%d of 10 within a second", quick);
	struct http_stats stats;
	http_stats(http, &stats);
	CHECK_MSG(stats.connections >= IDLE + SLOW, "%u connections", stats.connections);
	long more = resident_kib() - before;
#ifdef RONDA_SANITIZED
	(void)more;
#else
	CHECK_MSG(more < 64 * 1024, "%ld KiB more", more);
#endif
	for (int i = 0; i < IDLE + SLOW; i++)
		close(fds[i]);
	http_stop(http);
}

TEST_MAIN(TEST_RUN(sizes_below_at_above), TEST_RUN(the_default_body_is_64_mib),
	  TEST_RUN(a_refused_body_is_read_to_its_end), TEST_RUN(deadlines),
	  TEST_RUN(keep_alive_is_bounded), TEST_RUN(connections_in_all),
	  TEST_RUN(connections_of_one_address), TEST_RUN(health_answers_under_siege))
