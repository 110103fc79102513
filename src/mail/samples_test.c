/* SPDX-License-Identifier: Apache-2.0 */
/* Mails of others with what another parser says of them, where they are at hand. */
#include <json-c/json.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/test.h"
#include "mail/parse.h"

/* Where the other parser and ours differ, and why that is so. */
static const struct {
	const char *file, *what, *why;
} differences[] = {
	{ "008.eml", "parts", "the mail inside is in base64, which RFC 2046 section 5.2.1 does not allow: it is kept as one part" },
};

static bool explained(const char *file, const char *what)
{
	for (size_t i = 0; i < COUNT_OF(differences); i++)
		if (strcmp(differences[i].file, file) == 0 && strcmp(differences[i].what, what) == 0) {
			printf("# %s: %s differs: %s\n", file, what, differences[i].why);
			return true;
		}
	return false;
}

static str sample(const char *name, struct arena *a)
{
	const char *shared = getenv("RONDA_SHARED"), *source = getenv("RONDA_SOURCE");
	str path = shared ? arena_fmt(a, "%s/data/samples/mail/rfc/%s", shared, name) :
			    arena_fmt(a, "%s/../shared/data/samples/mail/rfc/%s", source ? source : ".", name);
	FILE *f = fopen(path.p, "rbe");
	if (!f)
		return STR_NONE;
	char *bytes = arena_alloc(a, MIB(1));
	size_t n = fread(bytes, 1, MIB(1), f);
	(void)fclose(f);
	return str_mem(bytes, n);
}

/* The value of a header of the mail itself, whatever kind the other parser gives it. */
static struct json_object *header_of(struct json_object *mail, const char *name)
{
	struct json_object *headers = json_get(json_at(json_get(mail, "parts"), 0), "headers");
	for (size_t i = 0; i < json_count(headers); i++) {
		struct json_object *h = json_at(headers, i);
		if (str_eq(json_get_str(h, "name"), str_of(name)))
			return json_get(h, "value");
	}
	return NULL;
}

static void compare(const char *file, const char *what, str ours, str theirs)
{
	if (!str_eq(str_trim_all(ours), str_trim_all(theirs)) && !explained(file, what))
		CHECK_MSG(false, "%s: %s: ours '" STR_FMT "', theirs '" STR_FMT "'", file, what, STR_ARG(ours), STR_ARG(theirs));
}

static size_t leaves_of(struct json_object *mail)
{
	struct json_object *parts = json_get(mail, "parts");
	size_t n = 0;
	for (size_t i = 0; i < json_count(parts); i++) {
		struct json_object *body = json_get(json_at(parts, i), "body");
		struct json_object *inner = json_get(body, "Message");
		n += inner ? leaves_of(inner) : json_get(body, "Multipart") ? 0 : 1;
	}
	return n;
}

static void compare_all(const char *file, const struct mail *m, struct json_object *mail)
{
	char ours[24], theirs[24];
	struct json_object *from = json_at(json_get(json_get(header_of(mail, "from"), "Address"), "List"), 0);
	str id = json_get_str(header_of(mail, "message_id"), "Text"), address = json_get_str(from, "address");
	compare(file, "subject", m->subject, json_get_str(header_of(mail, "subject"), "Text"));
	compare(file, "message id", m->message_id, id);
	compare(file, "from", m->from.address, address);
	compare(file, "name", m->from.name, json_get_str(from, "name"));
	snprintf(ours, sizeof ours, "%zu", m->part_count);
	snprintf(theirs, sizeof theirs, "%zu", leaves_of(mail));
	compare(file, "parts", str_of(ours), str_of(theirs));
}

TEST(as_another_parser_reads_them)
{
	struct starter *starter = NULL;
	struct log *log = log_new(LOG_LEVEL_ERROR);
	struct arena *a = arena_new(KIB(64));
	struct err err = { 0 };
	const struct calls_options o = { .helper = "mail", .most = 1, .question_bytes = MIB(64), .answer_bytes = MIB(64),
					 .limit_ms = 20000, .serves = 1 };
	CHECK_RC(starter_new(&starter, &err), RC_OK, err);
	struct calls *reader = calls_new(starter, log, &o);
	size_t seen = 0;
	for (int i = 0; i < 40; i++) {
		char name[16], expected[16];
		struct json_object *mail = NULL;
		struct mail m;
		snprintf(name, sizeof name, "%03d.eml", i);
		snprintf(expected, sizeof expected, "%03d.json", i);
		str raw = sample(name, a), text = sample(expected, a);
		if (!raw.p || !text.p)
			continue;
		seen++;
		CHECK_RC(mail_parse(reader, raw, a, &m, NULL, &err), RC_OK, err);
		CHECK_RC(json_read(text, &mail, &err), RC_OK, err);
		if (mail)
			compare_all(name, &m, mail);
		json_free(mail);
		arena_reset(a);
	}
	if (seen == 0)
		printf("# SKIP: no samples of mails beside this tree\n");
	else
		printf("# %zu mails compared\n", seen);
	calls_free(reader);
	starter_free(starter);
	log_free(log);
	arena_free(a);
}

TEST_MAIN(TEST_RUN(as_another_parser_reads_them))
