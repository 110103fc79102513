/* SPDX-License-Identifier: Apache-2.0 */
/* test_senders.h: a node's worth of senders, and a server that takes what they send. */
#ifndef RONDA_NOTIFY_TEST_SENDERS_H
#define RONDA_NOTIFY_TEST_SENDERS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <json-c/json.h>

#include "disclosure/records_world.h"
#include "node/node_settings.h"
#include "notify/rehearsal.h"
#include "notify/round_private.h"

/* --- a server that takes POSTs and does as the path says --- */

enum { KEYS = 64 };
struct hook {
	pthread_t thread;
	int fd;
	uint16_t port;
	atomic_int got;
	atomic_int tries[KEYS];        /* by number of the message */
	_Atomic int64_t at_us[KEYS];   /* of the first */
	char last[8192], told[8400];
	atomic_bool stop;
};

static inline str header(str head, const char *name)
{
	str line;
	while (str_line(&head, &line))
		if (str_eq_nocase(str_cut(&line, ':'), str_of(name)))
			return str_trim(line);
	return STR_NONE;
}

static inline void hook_say(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static inline bool read_more(int fd, struct buf *b)
{
	char *to = buf_room(b, 4096);
	ssize_t n = to ? recv(fd, to, 4096, 0) : 0;
	b->n += n > 0 ? (size_t)n : 0;
	return n > 0;
}

static inline const char *told_back(struct hook *h)
{
	size_t n = strlen(h->last);
	snprintf(h->told, sizeof h->told, "HTTP/1.1 403 No\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", n, h->last);
	return h->told;
}

static inline void behave(struct hook *h, int fd, str path, int tries)
{
	bool good = str_eq(path, STR("/ok")) || (str_eq(path, STR("/twice")) && tries > 1);
	atomic_fetch_add(&h->got, 1);
	if (good)
		hook_say(fd, "HTTP/1.1 202 Taken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	else if (str_eq(path, STR("/tell"))) /* all it was sent */
		hook_say(fd, told_back(h));
	else if (str_eq(path, STR("/no")))
		hook_say(fd, "HTTP/1.1 404 No\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno\033\n");
	else if (!str_eq(path, STR("/cut")))
		hook_say(fd, "HTTP/1.1 503 Later\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

static inline void take_one(struct hook *h, int fd)
{
	struct buf b = BUF_INIT(KIB(64));
	uint64_t length = 0, id = 0;
	size_t end;
	while (str_find(buf_str(&b), STR("\r\n\r\n")) == b.n && read_more(fd, &b))
		;
	end = str_find(buf_str(&b), STR("\r\n\r\n"));
	if (end < b.n && str_to_u64(header(str_head(buf_str(&b), end), "Content-Length"), &length)) {
		while (b.n < end + 4 + length && read_more(fd, &b))
			;
		str line = buf_str(&b), key = header(str_head(buf_str(&b), end), "Idempotency-Key");
		(void)str_cut(&line, ' ');
		while (str_has(key, '-'))
			(void)str_cut(&key, '-');
		(void)str_to_u64(key, &id);
		int64_t none = 0;
		(void)atomic_compare_exchange_strong(&h->at_us[id % KEYS], &none, clock_mono_us());
		(void)str_to_z(str_head(buf_str(&b), sizeof h->last - 1), h->last, sizeof h->last);
		behave(h, fd, str_cut(&line, ' '), atomic_fetch_add(&h->tries[id % KEYS], 1) + 1);
	}
	buf_free(&b);
}

static inline void *listen_on(void *ctx)
{
	struct hook *h = ctx;
	while (!atomic_load(&h->stop)) {
		struct pollfd p = { .fd = h->fd, .events = POLLIN };
		int fd = poll(&p, 1, 50) > 0 ? accept(h->fd, NULL, NULL) : -1;
		if (fd < 0)
			continue;
		take_one(h, fd);
		close(fd);
	}
	return NULL;
}

static inline void hook_start(struct hook *h)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	memset(h, 0, sizeof *h);
	h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(h->fd, (struct sockaddr *)&at, size) == 0 && listen(h->fd, 64) == 0 &&
	      getsockname(h->fd, (struct sockaddr *)&at, &size) == 0);
	h->port = ntohs(at.sin_port);
	CHECK(pthread_create(&h->thread, NULL, listen_on, h) == 0);
}

static inline void hook_end(struct hook *h)
{
	atomic_store(&h->stop, true);
	(void)pthread_join(h->thread, NULL);
	close(h->fd);
}

/* --- a node's worth of senders --- */

extern const struct resolver resolver_account, resolver_role, resolver_record, resolver_subscriber, resolver_address;
static const struct resolver *const resolvers[] = { &resolver_account, &resolver_role, &resolver_record, &resolver_subscriber,
						    &resolver_address };

struct senders {
	struct world w;
	struct hook hook;
	struct roles *roles;
	struct policies *policies;
	struct settings *settings;
	struct notify *n;
	char sets[5][300];
	uint64_t made;
};

/* For everybody, as a lead does it. */
static inline void switch_all(struct senders *s, bool live)
{
	struct viewer lead = staff(LEAD, 1);
	const struct rehearsal_switch q = { .scope = REHEARSAL_NODE, .live = live, .why = STR("a test") };
	CHECK_RC(rehearsal_set(s->n, &lead, &q, &err), RC_OK, err);
}

/* `more` (may be NULL): one more setting. They begin live. */
static inline void begin_senders(struct senders *s, const char *more)
{
	const char *overrides[6];
	size_t count = 0;
	s->w = world_new();
	hook_start(&s->hook);
	CHECK_RC(roles_load(NULL, &s->roles, &err), RC_OK, err);
	const struct policy_sources from = { NULL, STR(""), 5 };
	CHECK_RC(policies_open(s->w.s, s->w.r, &from, &s->policies, &err), RC_OK, err);
	snprintf(s->sets[0], sizeof s->sets[0], "webhook_hosts=http://127.0.0.1:%u", s->hook.port);
	snprintf(s->sets[1], sizeof s->sets[1], "sms_url=http://127.0.0.1:%u/ok", s->hook.port);
	overrides[count++] = "send_messages=yes";
	overrides[count++] = s->sets[0];
	overrides[count++] = s->sets[1];
	if (more)
		overrides[count++] = more;
	if (!more || !str_starts(str_of(more), STR("send_pace")))
		overrides[count++] = "send_pace=0s";
	CHECK_RC(node_settings_read(s->w.d.path, overrides, count, &s->settings, &err), RC_OK, err);
	const struct notify_world world = {
		.store = s->w.s, .records = s->w.r, .roles = s->roles, .policies = s->policies, .settings = s->settings,
		.resolvers = resolvers, .resolver_count = COUNT_OF(resolvers),
	};
	CHECK_RC(notify_open(&world, &s->n, &err), RC_OK, err);
	switch_all(s, true);
}

static inline void end_senders(struct senders *s)
{
	notify_close(s->n);
	struct policies *p = s->policies;
	struct roles *r = s->roles;
	struct settings *set = s->settings;
	hook_end(&s->hook);
	world_end(&s->w);
	policies_close(p);
	roles_free(r);
	settings_free(set);
}

static inline str make_record(struct senders *s, const char *type, const char *labels, str fields)
{
	struct viewer lead = staff(LEAD | ANALYST | LIAISON | DUTY, 1);
	struct record_view view;
	struct change_errors errors = { .count = 0 };
	const struct change_request q = { .type = str_of(type), .fields = fields, .labels = str_of(labels) };
	lead.exercise = lead.as.exercise_member = true;
	enum rc rc = change_record(s->w.r, s->w.s, &lead, &q, s->w.a, &view, &errors, &err);
	CHECK_MSG(rc == RC_OK, "%s: %s %s", type, err.text, errors.count ? errors.list[0].text : "");
	str id = rc == RC_OK ? record_view_id(&view, s->w.a) : STR("");
	record_view_end(&view);
	return id;
}

/* An organisation with one webhook at this path. */
static inline str organisation(struct senders *s, const char *path, const char *labels)
{
	return make_record(s, "organisation", labels,
			   arena_fmt(s->w.a, "{\"name\":\"House %llu\",\"kind\":\"constituent\",\"contacts\":[{\"role\":\"abuse\","
					     "\"channel\":\"webhook\",\"webhook\":\"http://127.0.0.1:%u%s\"}]}",
				     (unsigned long long)++s->made, s->hook.port, path));
}

static inline str incident(struct senders *s, const char *labels, str organisation_id)
{
	return make_record(s, "incident", labels,
			   arena_fmt(s->w.a, "{\"title\":\"canary title\",\"class\":\"fraud\",\"severity\":\"low\",\"summary\":"
					     "\"canary-party\",\"internal\":\"canary-team\",\"organisation\":%s" STR_FMT "%s}",
				     organisation_id.n ? "\"" : "null", STR_ARG(organisation_id), organisation_id.n ? "\"" : ""));
}

struct putting {
	struct message m;
	int64_t id;
};

static inline enum rc put_it(struct tx *tx, void *ctx, struct err *e)
{
	struct putting *p = ctx;
	return outbox_put(tx, &p->m, NULL, 0, &p->id, e);
}

static inline int64_t queue(struct senders *s, const char *driver, str recipient, str item, const char *template,
		     enum lane lane)
{
	struct putting p = { .m = { .lane = lane, .driver = str_of(driver), .recipient = recipient, .item = item,
				    .template = str_of(template), .details = STR("{\"clock\":\"answer\"}"), .purpose = 1,
				    .policy = 1, .maker = STR("test"), .made_at = ++s->made } };
	CHECK_RC(store_write(s->w.s, put_it, &p, &err), RC_OK, err);
	return p.id;
}

static inline struct message message_of(struct senders *s, int64_t id)
{
	struct message m = { .state = MESSAGE_QUEUED };
	struct reader *r = begin(&s->w);
	CHECK_RC(outbox_load(reader_conn(r), id, s->w.a, &m, &err), RC_OK, err);
	store_read_end(r);
	return m;
}

/* Until it has this state; false: it did not in a minute. */
static inline bool comes_to(struct senders *s, int64_t id, enum message_state state)
{
	for (int i = 0; i < 6000; i++) {
		if (message_of(s, id).state == state)
			return true;
		usleep(10000);
	}
	return false;
}

static inline struct ledger_row last_row(struct senders *s, str recipient)
{
	struct ledger_row *list = NULL;
	size_t count = 0;
	struct reader *r = begin(&s->w);
	const struct ledger_query q = { .recipient = recipient, .limit = 1 };
	CHECK_RC(ledger_list(reader_conn(r), &q, s->w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	return count ? list[0] : (struct ledger_row){ .words = STR("(none)") };
}

#define GREEN "{\"tlp\":\"GREEN\"}"

#endif
