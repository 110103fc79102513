/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-partner: a partner that is no node: it says what the scenarios have it say, with its own keys, well signed or not.
 *
 *   ronda-partner keys DIR NODE           DIR/cert.pem and key.pem are there; makes the key that signs
 *   ronda-partner accept DIR LINE NAME [ADDRESS]
 *                                         answers an invitation; its address and node are kept in DIR; ADDRESS: he is reached there
 *   ronda-partner post DIR [lane=L after=US upto=US encoding=E path=P sign=SIGNED-BY flip=BYTE type=T unsigned=1 as=NODE]
 *                                         posts standard input; flip: one bit of that byte, after it was signed
 *   ronda-partner storm DIR COUNT TIMES SEED
 *                                         COUNT messages, each sent TIMES times, shuffled by SEED, by some at once;
 *                                         SEED 0: in order, by one, many an envelope
 *   ronda-partner serve DIR LISTEN        his listener: prints its port; keeps what comes in DIR/got, answers as DIR/answer says
 *   ronda-partner open DIR FILE           a bundle that was sealed to him, in plain
 *
 *   ronda-partner pour DIR SECONDS EVERY_MS OBJECTS THREADS [MOST]
 *                                         envelopes of OBJECTS objects of others, one each EVERY_MS (0: as fast as it
 *                                         can, whatever is answered) by each of THREADS; MOST: envelopes, then it ends;
 *                                         prints how many were taken and refused, and the delays of those taken in ms
 *
 * Prints the status, and the answer's body; exits with 1 when there was no answer. */
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "exchange/pairing.h"
#include "exchange/taxii_private.h"
#include "http/http.h"
#include "http/fetch.h"
#include "stix/stix_event.h"

enum { BODY_MOST = 64 << 20, SENDERS = 2, IN_ORDER_AT_ONCE = 50, TRIES = 400 };

struct self {
	const char *dir;
	struct arena *a;
	str cert, key, node, address, to;
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	struct digest pin;
	struct fetcher *fetcher;
	struct fetch_keep *keep;
};

static str slurp(struct arena *a, const char *dir, const char *name)
{
	char path[4096];
	struct buf b = BUF_INIT(BODY_MOST);
	char part[4096];
	ssize_t n;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, part, sizeof part)) > 0)
		buf_add(&b, str_mem(part, (size_t)n));
	if (fd >= 0)
		close(fd);
	str s = arena_str(a, buf_str(&b));
	buf_free(&b);
	return s;
}

static bool spill(const char *dir, const char *name, str s)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = fd >= 0 && write(fd, s.p, s.n) == (ssize_t)s.n;
	if (fd >= 0)
		close(fd);
	return good;
}

static bool read_self(struct self *s, const char *dir)
{
	struct err err = { 0 };
	s->dir = dir;
	s->a = arena_new(KIB(64));
	s->cert = slurp(s->a, dir, "cert.pem");
	s->key = slurp(s->a, dir, "key.pem");
	s->node = slurp(s->a, dir, "node");
	s->address = slurp(s->a, dir, "address");
	s->to = slurp(s->a, dir, "to");
	str secret = slurp(s->a, dir, "sign"), pin = slurp(s->a, dir, "pin");
	if (secret.n == sizeof s->secret)
		memcpy(s->secret, secret.p, secret.n);
	if (pin.n == sizeof s->pin)
		memcpy(&s->pin, pin.p, pin.n);
	s->keep = fetch_keep_new();
	return fetch_new(NULL, &s->fetcher, &err) == RC_OK;
}

static void end_self(struct self *s)
{
	fetch_keep_free(s->keep);
	fetch_free(s->fetcher);
	arena_free(s->a);
}

/* --- one request --- */

struct say {
	str path, type, lane, after, upto, encoding, signature;
};

static int ask(struct self *s, const struct say *q, const struct buf *body, str *answer)
{
	struct err err = { 0 };
	struct fetch_answer out;
	struct fetch_header h[5];
	size_t n = 0;
	const struct { const char *name; str value; } all[] = {
		{ "Ronda-Lane", q->lane }, { "Ronda-After", q->after }, { "Ronda-Upto", q->upto },
		{ "Content-Encoding", q->encoding }, { "Ronda-Signature", q->signature },
	};
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (all[i].value.n)
			h[n++] = (struct fetch_header){ all[i].name, all[i].value };
	const struct fetch_pinned pinned = { .pins = &s->pin, .pin_count = 1, .cert = s->cert, .key = s->key };
	const struct fetch_request r = { .purpose = "partner", .url = arena_fmt(s->a, STR_FMT STR_FMT, STR_ARG(s->address), STR_ARG(q->path)),
					 .form = body, .form_type = arena_z(s->a, q->type), .accept = TAXII_TYPE, .headers = h,
					 .header_count = n, .pinned = &pinned, .keep = s->keep,
					 .limits = { .body_bytes = MIB(16), .total_ms = 120000 } };
	if (fetch(s->fetcher, &r, s->a, &out, &err) != RC_OK) {
		*answer = arena_str(s->a, str_of(err.text));
		return 0;
	}
	*answer = out.body;
	return out.status;
}

static int tell(int status, str answer)
{
	printf("%d " STR_FMT "\n", status, STR_ARG(answer));
	return status ? 0 : 1;
}

/* --- keys, accept --- */

static int make_keys(const char *dir, const char *node)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
	crypto_sign_keypair(public, secret);
	return spill(dir, "sign", str_mem(secret, sizeof secret)) && spill(dir, "node", str_of(node)) ? 0 : 1;
}

static int accept_line(struct self *s, const char *line, const char *name, const char *address)
{
	struct invitation i;
	struct err err = { 0 };
	struct buf body = BUF_INIT(KIB(16)), text = BUF_INIT(KIB(1)), signature = BUF_INIT(256);
	struct json_out j = json_out(&body);
	str answer;
	if (pairing_read(str_of(line), s->a, &i, &err) != RC_OK) {
		fprintf(stderr, "ronda-partner: %s\n", err.text);
		return 1;
	}
	s->pin = i.who.pin;
	s->address = i.address;
	if (!spill(s->dir, "address", i.address) || !spill(s->dir, "to", i.node) ||
	    !spill(s->dir, "pin", str_mem(i.who.pin.b, sizeof i.who.pin.b)))
		return 1;
	json_open(&j, '{');
	base64url_format(&text, i.secret, sizeof i.secret);
	json_put_str(&j, "secret", buf_str(&text));
	json_put_str(&j, "node", s->node);
	json_put_str(&j, "name", str_of(name));
	json_put_str(&j, "address", str_of(address));
	buf_reset(&text);
	hex_format(&text, s->secret + 32, 32);
	json_put_str(&j, "sign", buf_str(&text));
	json_close(&j, '}');
	const struct signed_head head = { .from = s->node, .to = i.node, .what = STR("pair"), .type = STR("application/json") };
	signature_make(s->secret, &head, buf_str(&body), &signature);
	const struct say q = { .path = STR("/pair"), .type = head.type, .signature = buf_str(&signature) };
	int status = ask(s, &q, &body, &answer);
	buf_free(&text);
	buf_free(&signature);
	buf_free(&body);
	return tell(status, answer);
}

/* --- post --- */

#define INBOX TAXII_ROOT TAXII_API "collections/inbox/objects/"

static int64_t number(str s)
{
	int64_t n = 0;
	return str_to_i64(s, &n) ? n : 0;
}

static int post_signed(struct self *s, struct say *q, const unsigned char *secret, str from, struct buf *body, int64_t flip,
		       str *answer)
{
	struct buf signature = BUF_INIT(256);
	const struct signed_head head = { .from = from, .to = s->to, .what = STR("push"), .lane = q->lane,
					  .after_us = number(q->after), .upto_us = number(q->upto), .type = q->type,
					  .encoding = q->encoding };
	if (secret)
		signature_make(secret, &head, buf_str(body), &signature);
	if (flip >= 0 && (size_t)flip < body->n)
		body->p[flip] ^= 1;
	q->signature = buf_str(&signature);
	int status = ask(s, q, body, answer);
	buf_free(&signature);
	return status;
}

static int post(struct self *s, int argc, char **argv)
{
	struct say q = { .path = STR(INBOX), .type = STR(TAXII_TYPE) };
	const unsigned char *secret = s->secret;
	struct self other = { .dir = NULL };
	struct buf body = BUF_INIT(BODY_MOST);
	int64_t flip = -1;
	str from = s->node, answer;
	char part[65536];
	ssize_t n;
	for (int i = 0; i < argc; i++) {
		str value = str_of(argv[i]), key = str_cut(&value, '=');
		const struct { const char *name; str *to; } texts[] = {
			{ "lane", &q.lane }, { "after", &q.after }, { "upto", &q.upto }, { "encoding", &q.encoding },
			{ "path", &q.path }, { "type", &q.type }, { "as", &from },
		};
		for (size_t k = 0; k < COUNT_OF(texts); k++)
			if (str_eq(key, str_of(texts[k].name)))
				*texts[k].to = value;
		if (str_eq(key, STR("flip")))
			flip = number(value);
		else if (str_eq(key, STR("unsigned")))
			secret = NULL;
		else if (str_eq(key, STR("sign")) && read_self(&other, arena_z(s->a, value)))
			secret = other.secret;
	}
	while ((n = read(0, part, sizeof part)) > 0)
		buf_add(&body, str_mem(part, (size_t)n));
	int status = post_signed(s, &q, secret, from, &body, flip, &answer);
	buf_free(&body);
	if (other.a) {
		int code = tell(status, answer);
		end_self(&other);
		return code;
	}
	return tell(status, answer);
}

/* --- storm --- */

#define GREEN "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"

static void put_object(struct buf *b, const char *type, unsigned id, unsigned second, const char *item, str node)
{
	buf_fmt(b, "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s--22222222-0000-4000-8000-%012x\","
		   "\"created\":\"2026-11-22T09:00:00.000Z\",\"modified\":\"2026-11-22T09:00:%02u.000Z\","
		   "\"object_marking_refs\":[\"" GREEN "\"],\"extensions\":{\"" STIX_EXTENSION "\":{"
		   "\"extension_type\":\"property-extension\",\"origin\":\"" STR_FMT "\",\"item\":\"%s\"",
		type, type, id, second, STR_ARG(node), item);
}

/* Four kinds in turn: an event; a first, then a second version of a warning; a warning. */
static void message(str node, unsigned i, struct buf *b)
{
	char item[80];
	struct buf text = BUF_INIT(KIB(4)), quoted = BUF_INIT(KIB(8));
	struct json_out j = json_out(&quoted);
	unsigned kind = i % 4, subject = kind == 2 ? i - 1 : i, version = kind == 2 ? 2 : 1;
	if (kind == 0) {
		snprintf(item, sizeof item, "event--%032x", i + 1);
		put_object(b, "observed-data", i, 0, item, node);
		buf_fmt(&text, "{\"time.source\":\"2026-11-22T09:%02u:%02u+00:00\",\"source.ip\":\"198.18.%u.%u\","
			       "\"classification.type\":\"infected-system\",\"malware.name\":\"example\"}",
			i / 60 % 60, i % 60, i / 200 % 256, i % 200 + 1);
	} else {
		snprintf(item, sizeof item, "warning--11111111-0000-4000-8000-%012x", subject);
		put_object(b, "report", subject, version, item, node);
		buf_fmt(&text, "{\"id\":\"%s\",\"type\":\"warning\",\"type_version\":1,\"version\":%u,\"origin\":\"" STR_FMT "\","
			       "\"organisation\":null,\"created\":\"2026-11-22T09:00:00Z\",\"changed\":\"2026-11-22T09:00:%02uZ\","
			       "\"state\":\"sent\",\"labels\":{\"tlp\":\"GREEN\"},\"body\":{\"title\":\"Warning %u as of %u\"}}",
			item, version, STR_ARG(node), version, subject, version);
	}
	json_str(&j, buf_str(&text));
	buf_fmt(b, ",\"%s\":" STR_FMT "}}}", kind == 0 ? "event" : "record", STR_ARG(buf_str(&quoted)));
	buf_free(&text);
	buf_free(&quoted);
}

struct storm {
	const char *dir;
	unsigned *order;
	size_t total, at_once;
	atomic_size_t next, taken;
};

/* One of the senders: `at_once` messages an envelope. */
static void *send_some(void *ctx)
{
	struct storm *m = ctx;
	struct self s;
	size_t at;
	if (!read_self(&s, m->dir))
		return NULL;
	while ((at = atomic_fetch_add(&m->next, m->at_once)) < m->total) {
		struct buf body = BUF_INIT(MIB(4));
		struct say q = { .path = STR(INBOX), .type = STR(TAXII_TYPE) };
		str answer;
		size_t n = m->total - at < m->at_once ? m->total - at : m->at_once;
		buf_add(&body, STR("{\"objects\":["));
		for (size_t i = 0; i < n; i++) {
			if (i)
				buf_char(&body, ',');
			message(s.node, m->order[at + i], &body);
		}
		buf_add(&body, STR("]}"));
		int status = post_signed(&s, &q, s.secret, s.node, &body, -1, &answer);
		for (unsigned again = 0; (status == 503 || status == 429) && again < TRIES; again++) { /* another is under way */
			struct timespec t = { .tv_nsec = 50000000L };
			nanosleep(&t, NULL);
			status = post_signed(&s, &q, s.secret, s.node, &body, -1, &answer);
		}
		if (status == 202 && str_find(answer, STR("\"failure_count\":0,")) < answer.n)
			atomic_fetch_add(&m->taken, n);
		else
			fprintf(stderr, "message %u: %d " STR_FMT "\n", m->order[at], status, STR_ARG(str_head(answer, 300)));
		buf_free(&body);
	}
	end_self(&s);
	return NULL;
}

static int storm(const char *dir, unsigned count, unsigned times, uint64_t seed)
{
	struct storm m = { .dir = dir, .total = (size_t)count * times, .at_once = seed ? 1 : IN_ORDER_AT_ONCE };
	pthread_t threads[SENDERS];
	unsigned senders = seed ? SENDERS : 1, started = 0;
	m.order = x_array(m.total + 1, sizeof *m.order);
	for (size_t i = 0; i < m.total; i++)
		m.order[i] = seed ? (unsigned)(i % count) : (unsigned)(i / times);
	for (size_t i = m.total; seed && i > 1; i--) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		size_t k = (size_t)(seed >> 33) % i;
		unsigned x = m.order[i - 1];
		m.order[i - 1] = m.order[k];
		m.order[k] = x;
	}
	while (started < senders && pthread_create(&threads[started], NULL, send_some, &m) == 0)
		started++;
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	free(m.order);
	printf("%zu of %zu\n", atomic_load(&m.taken), m.total);
	return atomic_load(&m.taken) == m.total ? 0 : 1;
}

/* --- serve: the partner's own listener --- */

/* One request after the other: what came is kept unpacked in DIR/got/NUMBER.METHOD, and the answer is what
 * DIR/answer.METHOD, or DIR/answer, says when it comes: its first line a status, then lines "Name: value", an empty one, and the body. No file: all is taken.
 * "drop" as the first line: it is never answered. */
struct served {
	struct self *s;
	atomic_uint count;
};
struct coming {
	struct served *v;
	struct buf body;
};

static void keep(struct served *v, const char *method, str path, str encoding, str body)
{
	char name[64];
	struct buf plain = BUF_INIT(1);
	struct err err = { 0 };
	snprintf(name, sizeof name, "got/%06u.%s", atomic_fetch_add(&v->count, 1), method);
	if (encoding.n && taxii_unpack(encoding, body, MIB(64), &plain, &err) == RC_OK)
		body = buf_str(&plain);
	struct buf all = BUF_INIT(MIB(64) + KIB(64));
	buf_add(&all, path);
	buf_char(&all, '\n');
	buf_add(&all, body);
	if (!spill(v->s->dir, name, buf_str(&all)))
		fprintf(stderr, "ronda-partner: '%s' cannot be written\n", name);
	buf_free(&all);
	buf_free(&plain);
}

static void say_as_told(struct served *v, const struct http_request *q, struct http_answer *a)
{
	str text = slurp(q->a, v->s->dir, q->method == HTTP_POST ? "answer.POST" : "answer.GET"), line;
	if (text.n == 0)
		text = slurp(q->a, v->s->dir, "answer");
	if (str_eq(q->path, STR("/key")))
		text = STR("404\n\n{}"); /* he has no next one */
	line = str_cut(&text, '\n');
	int64_t status = 0;
	a->type = TAXII_TYPE;
	a->body = (struct buf)BUF_INIT(MIB(64));
	if (!str_to_i64(line, &status)) {
		a->status = q->method == HTTP_POST ? 202 : 200;
		buf_add(&a->body, q->method == HTTP_POST ?
			STR("{\"id\":\"11111111-0000-4000-8000-000000000001\",\"status\":\"complete\",\"failure_count\":0}") : STR("{}"));
		return;
	}
	a->status = (int)status;
	while (text.n > 0) {
		str value = str_cut(&text, '\n'), name = str_cut(&value, ':');
		if (name.n == 0)
			break;
		if (a->header_count == COUNT_OF(a->headers))
			continue;
		a->headers[a->header_count].name = arena_z(q->a, name);
		a->headers[a->header_count++].value = str_trim_all(value);
	}
	buf_add(&a->body, text);
}

static void serve_answer(void *ctx, const struct http_request *q, struct http_answer *a)
{
	keep(ctx, "GET", q->path, STR(""), STR(""));
	say_as_told(ctx, q, a);
}

static bool serve_takes(void *ctx, const struct http_request *q)
{
	(void)ctx;
	(void)q;
	return true;
}

static enum rc serve_give(void *ctx, str bytes, struct err *err)
{
	struct coming *c = ctx;
	(void)err;
	buf_add(&c->body, bytes);
	return RC_OK;
}

static void serve_abort(void *ctx)
{
	buf_free(&((struct coming *)ctx)->body);
}

static void serve_begin(void *ctx, const struct http_request *q, struct http_upload *u, struct http_answer *a)
{
	struct coming *c = ARENA_NEW(q->a, struct coming);
	(void)a;
	*c = (struct coming){ .v = ctx, .body = BUF_INIT(BODY_MOST) };
	*u = (struct http_upload){ .ctx = c, .give = serve_give, .abort = serve_abort };
}

static void serve_end(void *ctx, const struct http_request *q, struct http_upload *u, struct http_answer *a)
{
	struct coming *c = u->ctx;
	keep(ctx, "POST", q->path, http_header(q, "Content-Encoding"), buf_str(&c->body));
	say_as_told(ctx, q, a);
	buf_free(&c->body);
}

static int serve(struct self *s, const char *listen)
{
	struct served v = { .s = s };
	struct err err = { 0 };
	struct http *http;
	const struct http_handlers h = { .ctx = &v, .answer = serve_answer, .takes_body = serve_takes, .upload_begin = serve_begin,
					 .upload_end = serve_end };
	struct http_options o = { .listen = listen, .limits = http_limits_default, .identity_cert = s->cert,
				  .identity_key = s->key };
	struct log *log = log_new(LOG_LEVEL_WARN);
	if (http_start(&o, &h, log, &http, &err) != RC_OK) {
		fprintf(stderr, "ronda-partner: %s\n", err.text);
		return 1;
	}
	printf("%u\n", (unsigned)http_port(http));
	(void)fflush(stdout);
	(void)pause(); /* until somebody ends it */
	return 0;
}

/* --- open: a bundle that was sealed to him --- */

static void open_batch(struct self *s, str sealed)
{
	unsigned char pk[crypto_box_PUBLICKEYBYTES], sk[crypto_box_SECRETKEYBYTES];
	struct buf plain = BUF_INIT(1);
	struct err err = { 0 };
	unsigned char *packed = arena_alloc(s->a, sealed.n + 1);
	if (crypto_sign_ed25519_pk_to_curve25519(pk, s->secret + 32) == 0 && crypto_sign_ed25519_sk_to_curve25519(sk, s->secret) == 0 &&
	    sealed.n > crypto_box_SEALBYTES &&
	    crypto_box_seal_open(packed, (const unsigned char *)sealed.p, sealed.n, pk, sk) == 0 &&
	    taxii_unpack(STR("zstd"), str_mem(packed, sealed.n - crypto_box_SEALBYTES), MIB(64), &plain, &err) == RC_OK)
		printf(STR_FMT "\n", STR_ARG(buf_str(&plain)));
	buf_free(&plain);
}

static int open_bundle(struct self *s, const char *file)
{
	str all = slurp(s->a, "", file); /* a whole path */
	(void)str_cut(&all, '\n'); /* what it is */
	str head = str_cut(&all, '\n');
	printf(STR_FMT "\n", STR_ARG(head));
	(void)str_cut(&all, '\n');
	while (all.n > 0) {
		str line = str_cut(&all, '\n');
		size_t at = str_find(line, STR("\"bytes\":"));
		int64_t bytes = 0;
		printf(STR_FMT "\n", STR_ARG(line));
		if (at == line.n || !str_to_i64(str_head(str_from(line, at + 8), line.n - at - 9), &bytes) || bytes <= 0)
			break;
		(void)str_cut(&all, '\n');
		open_batch(s, str_head(all, (size_t)bytes));
		all = str_from(all, (size_t)bytes);
	}
	return 0;
}

/* --- pour --- */

enum { POURERS_MOST = 64, DELAYS_MOST = 1 << 20 };

struct pour {
	const char *dir;
	int64_t end_us, every_us;
	size_t objects, most;
	atomic_size_t sent, taken, refused, told, failed, count;
	double *delays;            /* ms */
	uint64_t run;
};

static void put_foreign(struct buf *b, const struct pour *m, size_t at)
{
	buf_add(b, STR("{\"objects\":["));
	for (size_t i = 0; i < m->objects; i++)
		buf_fmt(b, "%s{\"type\":\"malware\",\"spec_version\":\"2.1\",\"id\":\"malware--%08llx-0000-4000-8000-%012zx\","
			   "\"created\":\"2026-11-22T09:00:00.000Z\",\"modified\":\"2026-11-22T09:00:00.000Z\",\"name\":\"Made up\","
			   "\"is_family\":false,\"object_marking_refs\":[\"" GREEN "\"]}",
			i ? "," : "", (unsigned long long)(m->run & 0xffffffff), at * m->objects + i);
	buf_add(b, STR("]}"));
}

static void *pour_some(void *ctx)
{
	struct pour *m = ctx;
	struct self s;
	size_t at;
	if (!read_self(&s, m->dir))
		return NULL;
	int64_t next = clock_mono_us();
	struct arena *own = s.a;
	s.a = arena_new(KIB(64)); /* of one request */
	while (clock_mono_us() < m->end_us && (at = atomic_fetch_add(&m->sent, 1)) < m->most) {
		struct buf body = BUF_INIT(MIB(16));
		struct say q = { .path = STR(INBOX), .type = STR(TAXII_TYPE) };
		str answer;
		put_foreign(&body, m, at);
		int64_t begin = clock_mono_us();
		int status = post_signed(&s, &q, s.secret, s.node, &body, -1, &answer);
		double ms = (double)(clock_mono_us() - begin) / 1000;
		atomic_fetch_add(status == 202 ? &m->taken : status == 429 ? &m->refused : &m->failed, 1);
		size_t n = status == 202 ? atomic_fetch_add(&m->count, 1) : DELAYS_MOST;
		if (n < DELAYS_MOST)
			m->delays[n] = ms;
		if (status != 202 && status != 429 && atomic_load(&m->failed) < 4)
			fprintf(stderr, "%d " STR_FMT "\n", status, STR_ARG(str_head(answer, 300)));
		buf_free(&body);
		arena_reset(s.a);
		next += m->every_us;
		int64_t rest = next - clock_mono_us();
		if (m->every_us && rest > 0) {
			struct timespec t = { rest / SECOND_US, rest % SECOND_US * 1000 };
			nanosleep(&t, NULL);
		}
	}
	fetch_keep_free(s.keep);
	fetch_free(s.fetcher);
	arena_free(s.a);
	arena_free(own);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static int pour(struct pour *m, unsigned threads)
{
	pthread_t list[POURERS_MOST];
	unsigned started = 0;
	m->delays = x_array(DELAYS_MOST, sizeof *m->delays);
	m->run = random_u64();
	while (started < threads && started < POURERS_MOST && pthread_create(&list[started], NULL, pour_some, m) == 0)
		started++;
	for (unsigned i = 0; i < started; i++)
		pthread_join(list[i], NULL);
	size_t n = atomic_load(&m->count);
	qsort(m->delays, n, sizeof *m->delays, by_size);
	printf("taken %zu refused %zu failed %zu objects %zu p50 %.1f p99 %.1f most %.1f\n", atomic_load(&m->taken),
	       atomic_load(&m->refused), atomic_load(&m->failed), atomic_load(&m->taken) * m->objects, n ? m->delays[(n - 1) / 2] : 0,
	       n ? m->delays[(n * 99 + 99) / 100 - 1] : 0, n ? m->delays[n - 1] : 0);
	free(m->delays);
	return atomic_load(&m->failed) ? 1 : 0;
}

static int run(struct self *s, int argc, char **argv)
{
	if ((argc == 5 || argc == 6) && strcmp(argv[1], "accept") == 0)
		return accept_line(s, argv[3], argv[4], argc == 6 ? argv[5] : "");
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		return serve(s, argv[3]);
	if (argc == 4 && strcmp(argv[1], "open") == 0)
		return open_bundle(s, argv[3]);
	if (strcmp(argv[1], "post") == 0)
		return post(s, argc - 3, argv + 3);
	if (argc == 6 && strcmp(argv[1], "storm") == 0)
		return storm(argv[2], (unsigned)number(str_of(argv[3])), (unsigned)number(str_of(argv[4])), (uint64_t)number(str_of(argv[5])));
	if ((argc == 7 || argc == 8) && strcmp(argv[1], "pour") == 0) {
		struct pour m = { .dir = argv[2], .end_us = clock_mono_us() + number(str_of(argv[3])) * SECOND_US,
				  .every_us = number(str_of(argv[4])) * 1000, .objects = (size_t)number(str_of(argv[5])),
				  .most = argc == 8 ? (size_t)number(str_of(argv[7])) : SIZE_MAX };
		return pour(&m, (unsigned)number(str_of(argv[6])));
	}
	return 64;
}

int main(int argc, char **argv)
{
	struct self s = { .dir = NULL };
	if (argc < 3 || sodium_init() < 0)
		return 64;
	if (argc == 4 && strcmp(argv[1], "keys") == 0)
		return make_keys(argv[2], argv[3]);
	if (!read_self(&s, argv[2]))
		return 1;
	int code = run(&s, argc, argv);
	end_self(&s);
	return code;
}
