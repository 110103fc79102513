/* SPDX-License-Identifier: Apache-2.0 */
/* The door to others' TAXII servers: who we are there, one request, and what its answer means. */
#include "exchange/taxii_client.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exchange/taxii_private.h"

enum { KEYS_BYTES = 64 << 10, PEM_BYTES = 64 << 10, HOSTS_MOST = 60, ANSWER_BYTES = 64 << 20, WORDS_MOST = 120,
       CONNECT_MS = 20000, ANSWER_MS = 120000, WAIT_MOST_S = 6 * 3600 };

/* --- what authorises us --- */

/* A small file that nobody else may read when it is `secret`. In `a`, ended by NUL. */
static enum rc read_file(str path, size_t most, bool secret, struct arena *a, str *out, struct err *err)
{
	struct buf b = BUF_INIT(most + 1);
	struct stat st;
	char z[1024];
	int fd = str_to_z(path, z, sizeof z) ? open(z, O_RDONLY | O_CLOEXEC) : -1;
	enum rc rc = RC_OK;
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' cannot be read", STR_ARG(str_head(path, 150)));
	else if (secret && (st.st_mode & 077))
		rc = fail(err, RC_DENIED, "'" STR_FMT "' holds secrets: take the rights of others away (chmod 600)",
			  STR_ARG(str_head(path, 150)));
	while (rc == RC_OK) {
		char *to = buf_room(&b, KIB(4));
		ssize_t n = to ? read(fd, to, KIB(4)) : -1;
		if (n < 0)
			rc = fail(err, RC_INPUT, "'" STR_FMT "' is too long", STR_ARG(str_head(path, 150)));
		if (n <= 0)
			break;
		b.n += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	if (rc == RC_OK)
		*out = str_mem(arena_z(a, buf_str(&b)), b.n);
	if (b.p)
		sodium_memzero(b.p, b.n);
	buf_free(&b);
	return rc;
}

static enum rc basic(struct taxii_server *s, str pair, struct err *err)
{
	size_t most = sodium_base64_ENCODED_LEN(pair.n, sodium_base64_VARIANT_ORIGINAL);
	char *text = arena_alloc(s->a, most);
	if (!str_has(pair, ':'))
		return fail(err, RC_INPUT, "taxii_keys_file: behind 'basic' stands USER:PASSWORD");
	sodium_bin2base64(text, most, (const unsigned char *)pair.p, pair.n, sodium_base64_VARIANT_ORIGINAL);
	s->authorization = arena_fmt(s->a, "Basic %s", text);
	return RC_OK;
}

static enum rc pin_of(struct taxii_server *s, str text, struct err *err)
{
	size_t n = 0;
	if (str_starts(text, STR("sha256//")))
		text = str_from(text, 8);
	s->pinned = sodium_base642bin(s->pin.b, sizeof s->pin.b, text.p, text.n, NULL, &n, NULL,
				      sodium_base64_VARIANT_ORIGINAL) == 0 && n == sizeof s->pin.b;
	return s->pinned ? RC_OK : fail(err, RC_INPUT, "taxii_keys_file: behind 'pin' stands sha256//BASE64 of the server's key");
}

/* "basic USER:PASSWORD", "bearer TOKEN", "certificate FILE", "authority FILE", "pin sha256//…" */
static enum rc apply(struct taxii_server *s, str word, str value, str *ca, struct err *err)
{
	enum rc rc = RC_OK;
	if (value.n == 0 || !str_is_plain(value))
		return fail(err, RC_INPUT, "taxii_keys_file: '" STR_FMT "' says nothing", STR_ARG(str_head(word, 40)));
	if (str_eq(word, STR("basic")))
		return basic(s, value, err);
	if (str_eq(word, STR("pin")))
		return pin_of(s, value, err);
	if (str_eq(word, STR("bearer")))
		s->authorization = arena_fmt(s->a, "Bearer " STR_FMT, STR_ARG(value));
	else if (str_eq(word, STR("authority")))
		*ca = arena_str(s->a, value);
	else if (str_eq(word, STR("certificate")))
		rc = read_file(value, PEM_BYTES, true, s->a, &s->cert, err);
	else
		return fail(err, RC_INPUT, "taxii_keys_file: '" STR_FMT "' is none of basic, bearer, certificate, authority, pin",
			    STR_ARG(str_head(word, 40)));
	s->key = s->cert; /* one file holds both */
	return rc;
}

/* Lines "NAME = WORD VALUE"; one partner may have several. */
static enum rc read_keys(struct taxii_server *s, str *ca, struct err *err)
{
	str path = settings_text(s->x->w.settings, "taxii_keys_file"), text, line;
	*ca = STR("");
	if (path.n == 0)
		return RC_OK;
	if (path.p[0] != '/')
		path = arena_fmt(s->a, "%s/" STR_FMT, s->x->w.dir, STR_ARG(path));
	enum rc rc = read_file(path, KEYS_BYTES, true, s->a, &text, err);
	while (rc == RC_OK && str_line(&text, &line)) {
		str rest = str_trim(line), name = str_trim(str_cut(&rest, '='));
		if (name.n == 0 || name.p[0] == '#' || !str_eq(name, s->partner.name))
			continue;
		rest = str_trim(rest);
		str word = str_cut(&rest, ' ');
		rc = apply(s, word, str_trim(rest), ca, err);
	}
	return rc;
}

/* --- the door --- */

static enum rc open_door(struct taxii_server *s, str ca, struct err *err)
{
	str hosts = settings_text(s->x->w.settings, "taxii_hosts");
	if (ca.n == 0)
		ca = settings_text(s->x->w.settings, "fetch_ca_file");
	enum rc rc = fetch_new(arena_z(s->a, ca), &s->door, err);
	if (rc == RC_OK)
		rc = fetch_allow(s->door, "taxii", STR("*"), err);
	for (int i = 0; rc == RC_OK && hosts.n > 0 && i < HOSTS_MOST; i++) {
		str one = str_trim(str_cut(&hosts, ','));
		rc = one.n > 0 ? fetch_exempt(s->door, "taxii", one, err) : RC_OK;
	}
	s->keep = fetch_keep_new();
	return rc;
}

enum rc taxii_server_open(struct exchange *x, const struct partner *p, struct taxii_server *out, struct err *err)
{
	str ca;
	*out = (struct taxii_server){ .x = x, .partner = *p, .address = p->address, .authorization = STR_NONE, .root = STR("") };
	if (p->kind != PARTNER_TAXII)
		return fail(err, RC_INPUT, "'" STR_FMT "' is no TAXII server", STR_ARG(p->name));
	if (!p->active)
		return fail(err, RC_DENIED, "'" STR_FMT "' is not in use: make the partner active first", STR_ARG(p->name));
	if (p->address.n == 0)
		return fail(err, RC_INPUT, "'" STR_FMT "' has no address: it calls us", STR_ARG(p->name));
	out->a = arena_new(KIB(16));
	enum rc rc = read_keys(out, &ca, err);
	if (rc == RC_OK)
		rc = open_door(out, ca, err);
	if (rc != RC_OK)
		taxii_server_close(out);
	return rc;
}

void taxii_server_close(struct taxii_server *s)
{
	fetch_keep_free(s->keep);
	fetch_free(s->door);
	if (s->a)
		arena_free(s->a);
	*s = (struct taxii_server){ .door = NULL };
}

/* --- what an answer means --- */

/* Seconds, or a date (RFC 9110 section 10.2.3). */
static int64_t wait_of(str text, int64_t now_us)
{
	int64_t at, seconds = 0;
	if (!str_to_i64(text, &seconds) && fetch_date(text, &at))
		seconds = (at - now_us) / SECOND_US + 1;
	seconds = seconds < 0 ? 0 : seconds > WAIT_MOST_S ? WAIT_MOST_S : seconds;
	return seconds * SECOND_US;
}

static enum rc judge(struct taxii_server *s, const struct fetch_answer *answer, struct json_object *o, struct err *err)
{
	str name = s->partner.name, words = str_head(json_get_str(o, "title"), WORDS_MOST);
	int status = answer->status;
	words = words.n > 0 && str_is_plain(words) ? words : STR("no reason is given");
	if (status == 200 || status == 202)
		return RC_OK;
	if (status == 401 || status == 403)
		return fail(err, RC_DENIED, "'" STR_FMT "' does not let us in (%d, " STR_FMT "): look at our line for it in "
			    "taxii_keys_file", STR_ARG(name), status, STR_ARG(words));
	if (status == 404)
		return fail(err, RC_ABSENT, "'" STR_FMT "' has nothing at '" STR_FMT "': is its address right?", STR_ARG(name),
			    STR_ARG(str_head(answer->url, 100)));
	if (status == 406 || status == 415)
		return fail(err, RC_INPUT, "'" STR_FMT "' does not speak TAXII 2.1 (%d, " STR_FMT ")", STR_ARG(name), status,
			    STR_ARG(words));
	if (status == 413)
		return fail(err, RC_LIMIT, "'" STR_FMT "' does not take so much at once", STR_ARG(name));
	if (status == 429 || status >= 500)
		return fail(err, RC_BUSY, "'" STR_FMT "' asks to come later (%d, " STR_FMT ")", STR_ARG(name), status,
			    STR_ARG(words));
	if (status >= 300 && status < 400)
		return fail(err, RC_DENIED, "'" STR_FMT "' sends on elsewhere (%d): write that address into its record if it is "
			    "the right one", STR_ARG(name), status);
	return fail(err, RC_INPUT, "'" STR_FMT "' refuses what we ask (%d, " STR_FMT ")", STR_ARG(name), status, STR_ARG(words));
}

/* The type of a good answer; an error may come from anything that stands before the server. */
static enum rc check_type(const struct taxii_server *s, const struct fetch_answer *answer, struct json_object *o,
			  const struct err *why, struct err *err)
{
	str type = str_head(answer->type, 80), name = s->partner.name;
	if (str_starts_nocase(type, STR("application/vnd.oasis.")))
		return fail(err, RC_INPUT, "'" STR_FMT "' speaks TAXII 2.0: 2.1 is needed", STR_ARG(name));
	if (!taxii_is_type(answer->type))
		return fail(err, RC_INPUT, "'" STR_FMT "' answers with '" STR_FMT "', which is no TAXII 2.1: is its address right?",
			    STR_ARG(name), STR_ARG(str_is_plain(type) ? type : STR("?")));
	return o ? RC_OK : fail(err, RC_INPUT, "'" STR_FMT "' answers what is no JSON: %s", STR_ARG(name), why->text);
}

static void note_clock(struct taxii_server *s, const struct fetch_answer *answer, int64_t now_us)
{
	int64_t theirs;
	str date = fetch_head_value(answer->head, "Date");
	s->dated = date.p && fetch_date(date, &theirs);
	s->skew_us = s->dated ? theirs - now_us : 0;
}

enum rc taxii_say(struct taxii_server *s, str url, const struct buf *body, struct arena *a, struct fetch_answer *answer,
		  struct json_object **json, struct err *err)
{
	const struct fetch_pinned pinned = { .pins = &s->pin, .pin_count = 1, .cert = s->cert, .key = s->key };
	const struct fetch_request q = {
		.purpose = "taxii", .url = url, .authorization = s->authorization, .accept = TAXII_TYPE, .form = body,
		.form_type = TAXII_TYPE, .talk = true, .keep = s->keep, .pinned = s->pinned ? &pinned : NULL,
		.cert = s->cert, .key = s->key,
		.limits = { .body_bytes = ANSWER_BYTES, .connect_ms = CONNECT_MS, .total_ms = ANSWER_MS },
	};
	struct err why = { 0 };
	*json = NULL;
	enum rc rc = fetch(s->door, &q, a, answer, err);
	int64_t now = clock_now_us();
	if (rc != RC_OK)
		return rc;
	note_clock(s, answer, now);
	str after = fetch_head_value(answer->head, "Retry-After");
	if (after.p)
		s->wait_us = wait_of(after, now + s->skew_us);
	if (json_read(answer->body, json, &why) != RC_OK)
		*json = NULL;
	rc = judge(s, answer, *json, err);
	if (rc == RC_OK)
		rc = check_type(s, answer, *json, &why, err);
	if (rc != RC_OK) {
		json_free(*json);
		*json = NULL;
	}
	return rc;
}
