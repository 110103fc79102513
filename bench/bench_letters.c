/* SPDX-License-Identifier: Apache-2.0 */
/* Letters a second as bytes, by two mail children: a text of 2 KB, events of 10 KB, an X-ARF report. */
#include <pthread.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/starter_private.h"
#include "mail/letter.h"

enum { THREADS = 2, LETTERS = 2000 };

static struct calls *calls;

static void *write_some(void *ctx)
{
	struct arena *a = arena_new(KIB(256));
	struct err err = { 0 };
	char text[2048], csv[10240];
	memset(text, 'a', sizeof text);
	memset(csv, 'b', sizeof csv);
	for (size_t i = 60; i < sizeof text; i += 60)
		text[i] = '\n';
	const struct letter_part parts[] = { { STR("text/csv; charset=utf-8"), STR("events.csv"), str_mem(csv, sizeof csv) },
					     { STR("application/json"), STR("xarf-1.json"), str_mem(csv, 1500) } };
	const struct letter_header headers[] = { { "Auto-Submitted", STR("auto-generated") }, { "Precedence", STR("bulk") } };
	for (int i = 0; i < LETTERS / THREADS; i++) {
		const struct letter l = { .from_name = STR("Example CERT"), .from = STR("cert@example.org"),
					  .to_name = STR("B\xc3\xa9ta"), .to = STR("abuse@example.net"),
					  .subject = STR("[ronda #1] Resolver DNS terbuka di jaringan Anda (12)"),
					  .message_id = STR("1.abc@example.org"), .date_us = clock_now_us(),
					  .text = str_mem(text, sizeof text), .parts = parts, .part_count = 2,
					  .headers = headers, .header_count = 2 };
		str out;
		arena_reset(a);
		if (letter_write(calls, &l, a, &out, &err) != RC_OK) {
			fprintf(stderr, "%s\n", err.text);
			*(bool *)ctx = true;
			break;
		}
	}
	arena_free(a);
	return NULL;
}

int main(void)
{
	struct starter *starter = NULL;
	struct err err = { 0 };
	bool bad = false;
	pthread_t t[THREADS];
	const struct calls_options o = { .helper = "mail", .most = THREADS, .question_bytes = MIB(64),
					 .answer_bytes = MIB(64), .limit_ms = 20000 };
	if (hash_init(&err) != RC_OK || starter_new_named("../ronda-starter", &starter, &err) != RC_OK) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	struct log *log = log_new(LOG_LEVEL_ERROR);
	calls = calls_new(starter, log, &o);
	int64_t began = clock_mono_us();
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, write_some, &bad) != 0)
			return 1;
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(t[i], NULL);
	double s = (double)(clock_mono_us() - began) / 1e6;
	printf("{\"letters\":%d,\"seconds\":%.3f,\"letters_per_second\":%.0f}\n", LETTERS, s, LETTERS / s);
	calls_free(calls);
	starter_free(starter);
	log_free(log);
	return bad;
}
