/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/letter.h"

#include "base/starter_private.h"
#include "base/test.h"

struct world {
	struct starter *starter;
	struct log *log;
	struct calls *calls;
	struct arena *a;
	struct err err;
};

static struct world world_open(void)
{
	struct world w = { .a = arena_new(KIB(64)) };
	const struct calls_options o = { .helper = "mail", .most = 2, .question_bytes = MIB(64), .answer_bytes = MIB(64),
					 .limit_ms = 20000 };
	CHECK_RC(starter_new(&w.starter, &w.err), RC_OK, w.err);
	w.log = log_new(LOG_LEVEL_ERROR);
	w.calls = calls_new(w.starter, w.log, &o);
	return w;
}

static void world_close(struct world *w)
{
	calls_free(w->calls);
	starter_free(w->starter);
	log_free(w->log);
	arena_free(w->a);
}

static struct letter plain(void)
{
	return (struct letter){ .from_name = STR("Example CERT"), .from = STR("cert@example.org"),
				.to_name = STR("Abuse desk"), .to = STR("abuse@example.net"),
				.subject = STR("[ronda #1] two open resolvers"), .message_id = STR("1.abc@example.org"),
				.date_us = INT64_C(1795352615000000), .text = STR("Hello\n") };
}

TEST(writes_a_plain_one)
{
	struct world w = world_open();
	struct letter l = plain();
	str out = STR("");
	CHECK_RC(letter_write(w.calls, &l, w.a, &out, &w.err), RC_OK, w.err);
	CHECK_STR(out, STR("Date: Sun, 22 Nov 2026 13:03:35 +0000\r\n"
			   "From: Example CERT <cert@example.org>\r\nTo: Abuse desk <abuse@example.net>\r\n"
			   "Subject: [ronda #1] two open resolvers\r\nMessage-ID: <1.abc@example.org>\r\n"
			   "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
			   "Content-Transfer-Encoding: 7bit\r\n\r\nHello\r\n"));
	world_close(&w);
}

TEST_MAIN(TEST_RUN(writes_a_plain_one))
