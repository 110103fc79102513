/* SPDX-License-Identifier: Apache-2.0 */
#include "http/client_test.h"

#define HOST   "Host: node.example.org\r\n"
#define SECOND "GET /second HTTP/1.1\r\n" HOST "\r\n" /* must never be answered */

/* The library refuses a Content-Length that is no number by itself and (0.9.75)
 * writes the head of that one refusal twice before it closes. */
enum { LIBRARY = 1000 };

/* Each is refused and the connection closed; behind each stands another request
 * that must not get an answer. `status` 0: closed without a word (the library
 * finds no request in it). */
static const struct {
	const char *what;
	str bytes;
	int status;
} malformed[] = {
	{"two lengths, different",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde" SECOND),
	 400},
	{"two lengths, equal",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde" SECOND),
	 400},
	{"length as a list",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nabcde" SECOND),
	 LIBRARY + 400},
	{"length with chunked",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND),
	 400},
	{"chunked with length",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" SECOND),
	 400},
	{"length with a plus",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\nabcde" SECOND),
	 LIBRARY + 400},
	{"length with a minus",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\nabcde" SECOND),
	 LIBRARY + 400},
	{"length in hex",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\nabcde" SECOND),
	 LIBRARY + 400},
	{"length of words",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: five\r\n\r\nabcde" SECOND),
	 LIBRARY + 400},
	{"length with a fraction",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 5.0\r\n\r\nabcde" SECOND),
	 LIBRARY + 400},
	{"length with a space inside",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 5 5\r\n\r\nabcde" SECOND),
	 LIBRARY + 400},
	{"empty length", STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\n" SECOND),
	 LIBRARY + 400},
	{"length over 64 bits",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Content-Length: 18446744073709551621\r\n\r\nabcde" SECOND),
	 LIBRARY + 413},
	{"space before the colon",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\nabcde" SECOND), 400},
	{"tab before the colon", STR_INIT("GET / HTTP/1.1\r\n" HOST "X-A\t: 5\r\n\r\n" SECOND),
	 400},
	{"space before a name", STR_INIT("GET / HTTP/1.1\r\n Host: a\r\n\r\n" SECOND), 400},
	{"no name", STR_INIT("GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n" SECOND), 400},
	{"no colon", STR_INIT("GET / HTTP/1.1\r\n" HOST "nonsense\r\n\r\n" SECOND), 400},
	{"name that is no token", STR_INIT("GET / HTTP/1.1\r\n" HOST "X(A): 1\r\n\r\n" SECOND),
	 400},
	{"bare CR in a value",
	 STR_INIT("GET / HTTP/1.1\r\n" HOST "X-A: a\rContent-Length: 5\r\n\r\n" SECOND), 400},
	{"bare CR before the end", STR_INIT("GET / HTTP/1.1\r\n" HOST "X-A: a\r\r\n\r\n" SECOND),
	 400},
	{"bare CR in the request line", STR_INIT("GET /\rX HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"bare LF behind a header", STR_INIT("GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n" SECOND),
	 400},
	{"bare LF behind the request line", STR_INIT("GET / HTTP/1.1\n" HOST "\r\n" SECOND), 400},
	{"bare LF as the empty line", STR_INIT("GET / HTTP/1.1\r\n" HOST "\n" SECOND), 400},
	{"folded value", STR_INIT("GET / HTTP/1.1\r\n" HOST "X-A: a\r\n b\r\n\r\n" SECOND), 400},
	{"folded into a length",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-: 5\r\n Length\r\n\r\nabcde" SECOND), 400},
	{"NUL in a value", STR_INIT("GET / HTTP/1.1\r\n" HOST "X-A: a\0b\r\n\r\n" SECOND), 400},
	{"NUL in a name", STR_INIT("GET / HTTP/1.1\r\n" HOST "X\0A: b\r\n\r\n" SECOND), 400},
	{"NUL in the request line", STR_INIT("GET /a\0b HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"control in a value", STR_INIT("GET / HTTP/1.1\r\n" HOST "X-A: a\x01\r\n\r\n" SECOND),
	 400},
	{"no Host", STR_INIT("GET / HTTP/1.1\r\nX-A: b\r\n\r\n" SECOND), 400},
	{"no header at all", STR_INIT("GET / HTTP/1.1\r\n\r\n" SECOND), 400},
	{"two Hosts", STR_INIT("GET / HTTP/1.1\r\n" HOST "Host: b.example.org\r\n\r\n" SECOND),
	 400},
	{"Host with a path", STR_INIT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" SECOND), 400},
	{"Host with a user", STR_INIT("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n" SECOND), 400},
	{"other Host in the target",
	 STR_INIT("GET http://a.example.org/ HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"unknown transfer coding",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\nabcde" SECOND), 400},
	{"two transfer codings",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" SECOND),
	 400},
	{"transfer coding twice",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
					     "chunked\r\n\r\n0\r\n\r\n" SECOND),
	 400},
	{"identity",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\nabcde" SECOND),
	 400},
	{"chunked in HTTP/1.0",
	 STR_INIT("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND),
	 400},
	{"chunk size with a sign",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: chunked\r\n\r\n+5\r\nabcde\r\n0\r\n\r\n" SECOND),
	 400},
	{"chunk size with 0x",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n" SECOND),
	 400},
	{"chunk size of nothing",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: chunked\r\n\r\n\r\nabcde\r\n0\r\n\r\n" SECOND),
	 400},
	{"chunk longer than it says",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n" SECOND),
	 400},
	{"chunk size over 64 bits",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: "
		  "chunked\r\n\r\n10000000000000005\r\nabcde\r\n0\r\n\r\n" SECOND),
	 413},
	{"GET with a body",
	 STR_INIT("GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde" SECOND), 400},
	{"GET with a chunked body",
	 STR_INIT("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND),
	 400},
	{"method that is no token", STR_INIT("GE@T / HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"no version", STR_INIT("GET /\r\n" HOST "\r\n" SECOND), 400},
	{"version in small letters", STR_INIT("GET / http/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"version 1.2", STR_INIT("GET / HTTP/1.2\r\n" HOST "\r\n" SECOND), 400},
	{"version 2.0", STR_INIT("GET / HTTP/2.0\r\n" HOST "\r\n" SECOND), 505},
	{"version 1.10", STR_INIT("GET / HTTP/1.10\r\n" HOST "\r\n" SECOND), 400},
	{"space in the target", STR_INIT("GET /a b HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"two spaces", STR_INIT("GET  / HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"tab for a space", STR_INIT("GET\t/ HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"space behind the version", STR_INIT("GET / HTTP/1.1 \r\n" HOST "\r\n" SECOND), 400},
	{"no request at all", STR_INIT("nonsense\r\n\r\n" SECOND), 0},
	{"target without a slash", STR_INIT("GET a HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"dots in the target", STR_INIT("GET /a/../b HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"hidden dots", STR_INIT("GET /a/%2e%2E/b HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"hidden NUL", STR_INIT("GET /a%00b HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"hidden line end", STR_INIT("GET /a%0d%0ab HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"broken escape", STR_INIT("GET /a%4 HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"broken UTF-8", STR_INIT("GET /%c0%af HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"fragment", STR_INIT("GET /a#b HTTP/1.1\r\n" HOST "\r\n" SECOND), 400},
	{"bytes above 127 in the target", STR_INIT("GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n" SECOND),
	 400},
	{"TLS to a plain port",
	 STR_INIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" SECOND), 0},
};

TEST(malformed_requests)
{
	struct seen seen = {0};
	struct http_handlers h = seen_handlers(&seen);
	struct http *http = test_server(&http_limits_default, &h, "");
	for (size_t i = 0; http && i < COUNT_OF(malformed); i++) {
		struct buf out = BUF_INIT(KIB(64));
		bool closed = false;
		int status = exchange(http_port(http), malformed[i].bytes, &out, &closed, 2000);
		int want = malformed[i].status % LIBRARY;
		CHECK_MSG(status == want, "%s: status %d, want %d", malformed[i].what, status,
			  want);
		CHECK_MSG(closed, "%s: still open", malformed[i].what);
		int answers = count_answers(buf_str(&out));
		int most = want == 0 ? 0 : malformed[i].status > LIBRARY ? 2 : 1;
		CHECK_MSG(answers <= most && (answers > 0) == (most > 0), "%s: %d answers",
			  malformed[i].what, answers);
		CHECK_MSG(str_find(buf_str(&out), STR("/second")) == out.n,
			  "%s: the next was answered", malformed[i].what);
		buf_free(&out);
	}
	CHECK_INT(atomic_load(&seen.answers), 0);
	CHECK_INT(atomic_load(&seen.ends), 0);
	http_stop(http);
}

/* What looks odd and is sound: answered, and so is the request behind it. */
static const struct {
	const char *what;
	str bytes;
	int answers;
} sound[] = {
	{"plain", STR_INIT("GET / HTTP/1.1\r\n" HOST "\r\n" SECOND), 2},
	{"empty lines before", STR_INIT("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n" SECOND), 2},
	{"no blank behind the colon", STR_INIT("GET / HTTP/1.1\r\nHost:a\r\n\r\n" SECOND), 2},
	{"blanks around values",
	 STR_INIT("GET / HTTP/1.1\r\nHost: \t a \t\r\nX:\r\nY: \r\n\r\n" SECOND), 2},
	{"absolute target",
	 STR_INIT("GET http://node.example.org/x HTTP/1.1\r\n" HOST "\r\n" SECOND), 2},
	{"a length of nothing",
	 STR_INIT("GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n" SECOND), 2},
	{"bytes above 127 in a value",
	 STR_INIT("GET / HTTP/1.1\r\n" HOST "X: \xc3\xa4\r\n\r\n" SECOND), 2},
	{"POST with length",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde" SECOND), 2},
	{"POST chunked",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: Chunked\r\n\r\n5;x=y\r\nabcde\r\n0\r\nT: 1\r\n\r\n" SECOND),
	 2},
	{"POST of a form",
	 STR_INIT("POST / HTTP/1.1\r\n" HOST
		  "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
		  "3\r\n\r\nf=1" SECOND),
	 2},
	{"HTTP/1.0 closes", STR_INIT("GET / HTTP/1.0\r\n\r\n" SECOND), 1},
	{"and may ask to stay", STR_INIT("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" SECOND),
	 2},
	{"close when asked", STR_INIT("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" SECOND),
	 1},
	{"an unknown method", STR_INIT("BREW / HTTP/1.1\r\n" HOST "\r\n" SECOND), 2},
	{"five in a row", STR_INIT(SECOND SECOND SECOND SECOND SECOND), 5},
};

TEST(sound_requests)
{
	struct seen seen = {0};
	struct http_handlers h = seen_handlers(&seen);
	struct http *http = test_server(&http_limits_default, &h, "");
	for (size_t i = 0; http && i < COUNT_OF(sound); i++) {
		struct buf out = BUF_INIT(KIB(64));
		int fd = dial(http_port(http), 0);
		CHECK(send_all(fd, sound[i].bytes));
		/* all that are due, however long they take; and then no more */
		for (int ms = 0; ms < ANSWER_MS && count_answers(buf_str(&out)) < sound[i].answers;
		     ms += 100)
			if (read_answer(fd, &out, 100))
				break;
		(void)read_answer(fd, &out, 50);
		close(fd);
		CHECK_MSG(count_answers(buf_str(&out)) == sound[i].answers,
			  "%s: %d answers, want %d: %s", sound[i].what,
			  count_answers(buf_str(&out)), sound[i].answers, out.p ? out.p : "");
		buf_free(&out);
	}
	http_stop(http);
}

TEST_MAIN(TEST_RUN(malformed_requests), TEST_RUN(sound_requests))
