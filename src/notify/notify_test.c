/* SPDX-License-Identifier: Apache-2.0 */
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
	char last[8192];
	atomic_bool stop;
};

static str header(str head, const char *name)
{
	str line;
	while (str_line(&head, &line))
		if (str_eq_nocase(str_cut(&line, ':'), str_of(name)))
			return str_trim(line);
	return STR_NONE;
}

static void say(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static bool read_more(int fd, struct buf *b)
{
	char *to = buf_room(b, 4096);
	ssize_t n = to ? recv(fd, to, 4096, 0) : 0;
	b->n += n > 0 ? (size_t)n : 0;
	return n > 0;
}

static void behave(struct hook *h, int fd, str path, int tries)
{
	bool good = str_eq(path, STR("/ok")) || (str_eq(path, STR("/twice")) && tries > 1);
	atomic_fetch_add(&h->got, 1);
	if (good)
		say(fd, "HTTP/1.1 202 Taken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	else if (str_eq(path, STR("/no")))
		say(fd, "HTTP/1.1 404 No\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno\033\n");
	else if (!str_eq(path, STR("/cut")))
		say(fd, "HTTP/1.1 503 Later\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

static void take_one(struct hook *h, int fd)
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

static void *listen_on(void *ctx)
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

static void hook_start(struct hook *h)
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

static void hook_end(struct hook *h)
{
	atomic_store(&h->stop, true);
	(void)pthread_join(h->thread, NULL);
	close(h->fd);
}

/* --- a node's worth of senders --- */

extern const struct resolver resolver_account, resolver_role, resolver_record;
static const struct resolver *const resolvers[] = { &resolver_account, &resolver_role, &resolver_record };

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

/* `more` (may be NULL): one more setting. */
static void begin_senders(struct senders *s, const char *more)
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
}

static void end_senders(struct senders *s)
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

static str make_record(struct senders *s, const char *type, const char *labels, str fields)
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
static str organisation(struct senders *s, const char *path, const char *labels)
{
	return make_record(s, "organisation", labels,
			   arena_fmt(s->w.a, "{\"name\":\"House %llu\",\"kind\":\"constituent\",\"contacts\":[{\"role\":\"abuse\","
					     "\"channel\":\"webhook\",\"webhook\":\"http://127.0.0.1:%u%s\"}]}",
				     (unsigned long long)++s->made, s->hook.port, path));
}

static str incident(struct senders *s, const char *labels, str organisation_id)
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

static enum rc put_it(struct tx *tx, void *ctx, struct err *e)
{
	struct putting *p = ctx;
	return outbox_put(tx, &p->m, NULL, 0, &p->id, e);
}

static int64_t queue(struct senders *s, const char *driver, str recipient, str item, const char *template,
		     enum lane lane)
{
	struct putting p = { .m = { .lane = lane, .driver = str_of(driver), .recipient = recipient, .item = item,
				    .template = str_of(template), .details = STR("{\"clock\":\"answer\"}"), .purpose = 1,
				    .policy = 1, .maker = STR("test"), .made_at = ++s->made } };
	CHECK_RC(store_write(s->w.s, put_it, &p, &err), RC_OK, err);
	return p.id;
}

static struct message message_of(struct senders *s, int64_t id)
{
	struct message m = { .state = MESSAGE_QUEUED };
	struct reader *r = begin(&s->w);
	CHECK_RC(outbox_load(reader_conn(r), id, s->w.a, &m, &err), RC_OK, err);
	store_read_end(r);
	return m;
}

/* Until it has this state; false: it did not in a minute. */
static bool comes_to(struct senders *s, int64_t id, enum message_state state)
{
	for (int i = 0; i < 6000; i++) {
		if (message_of(s, id).state == state)
			return true;
		usleep(10000);
	}
	return false;
}

static struct ledger_row last_row(struct senders *s, str recipient)
{
	struct ledger_row *list = NULL;
	size_t count = 0;
	struct reader *r = begin(&s->w);
	const struct ledger_query q = { .recipient = recipient, .limit = 1 };
	CHECK_RC(ledger_list(reader_conn(r), &q, s->w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	return count ? list[0] : (struct ledger_row){ .words = STR("(none)") };
}

/* --- small things --- */

TEST(short_messages)
{
	static const struct { const char *what, *text, *tail, *want; } rows[] = {
		{ "a short one", "Call us", " [#7]", "Call us [#7]" },
		{ "lines become spaces", "Call us\n\n  now\n", " [#7]", "Call us now [#7]" },
		{ "nothing", "", " [#7]", " [#7]" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = BUF_INIT(KIB(4));
		sms_fit(str_of(rows[i].text), str_of(rows[i].tail), &b);
		CHECK_MSG(str_eq(buf_str(&b), str_of(rows[i].want)), "%s: '" STR_FMT "'", rows[i].what, STR_ARG(buf_str(&b)));
		buf_free(&b);
	}
	static const struct { const char *unit; size_t bytes, times, holds; } fills[] = {
		{ "x", 1, 300, 154 },                /* 160 septets less " [7]", whose brackets take two each */
		{ "\xc3\xa4", 2, 300, 154 },         /* in the default alphabet */
		{ "{", 1, 300, 77 },                 /* of the extension: two septets each */
		{ "\xe0\xb8\x81", 3, 300, 66 },      /* Thai: 70 of UCS-2 */
		{ "\xf0\x9f\x98\x80", 4, 300, 33 },  /* two units each */
	};
	for (size_t i = 0; i < COUNT_OF(fills); i++) {
		struct buf text = BUF_INIT(KIB(4)), b = BUF_INIT(KIB(4));
		for (size_t n = 0; n < fills[i].times; n++)
			buf_add(&text, str_of(fills[i].unit));
		sms_fit(buf_str(&text), STR(" [7]"), &b);
		CHECK_INT((b.n - 4) / fills[i].bytes, fills[i].holds);
		CHECK(str_ends(buf_str(&b), STR(" [7]")));
		buf_free(&text);
		buf_free(&b);
	}
}

/* The key and the words of RFC 4231 section 4.3, with the time and the dot in front; reckoned by
 * openssl dgst -sha256 -hmac. */
TEST(a_signature)
{
	struct buf b = BUF_INIT(KIB(1));
	post_signature(STR("Jefe"), 0, STR("what do ya want for nothing?"), &b);
	CHECK_STR(buf_str(&b), STR("t=0,v1=37f471929915ccd2cbbe79feb84ffcff4f2bb25e15fc41c2506687331ae179cc"));
	buf_free(&b);
}

TEST(a_file_of_destinations)
{
	static const struct { const char *what, *text; enum rc rc; } rows[] = {
		{ "none", "{}", RC_OK },
		{ "all there is", "{\"https://a.example.org\":{\"secret\":\"sixteen letters or more\",\"mapping\":\"thehive\","
				  "\"headers\":{\"Authorization\":\"Bearer x\"}}}", RC_OK },
		{ "no object", "[]", RC_INPUT },
		{ "not JSON", "{", RC_INPUT },
		{ "no URL", "{\"a.example.org\":{}}", RC_INPUT },
		{ "a short secret", "{\"https://a.example.org\":{\"secret\":\"short\"}}", RC_INPUT },
		{ "a member nobody knows", "{\"https://a.example.org\":{\"secrets\":\"sixteen letters or more\"}}", RC_INPUT },
		{ "a header with a line end", "{\"https://a.example.org\":{\"headers\":{\"X\":\"a\\r\\nY: b\"}}}", RC_INPUT },
		{ "a header that is none", "{\"https://a.example.org\":{\"headers\":{\"X:\":\"a\"}}}", RC_INPUT },
	};
	struct test_dir d = test_dir_new();
	char path[512];
	test_dir_in(&d, path, "destinations");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct destinations *list = NULL;
		FILE *f = fopen(path, "w");
		CHECK(f && fputs(rows[i].text, f) >= 0 && fclose(f) == 0 && chmod(path, 0600) == 0);
		enum rc rc = destinations_open(str_of(path), &list, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s %s", rows[i].what, rc_name(rc), err.text);
		if (rc == RC_OK && i == 1) {
			CHECK(destination_of(list, STR("https://a.example.org/x")) != NULL);
			CHECK(destination_of(list, STR("https://a.example.org")) != NULL);
			CHECK(destination_of(list, STR("https://a.example.org.b.example")) == NULL);
			CHECK(destination_of(list, STR("http://a.example.org/x")) == NULL);
		}
		if (rc == RC_OK)
			destinations_close(list);
		CHECK(str_find(str_of(err.text), STR("sixteen")) == strlen(err.text));
	}
	struct destinations *list = NULL;
	CHECK(chmod(path, 0640) == 0);
	CHECK_RC(destinations_open(str_of(path), &list, &err), RC_DENIED, err);
	CHECK_RC(destinations_open(STR("/nowhere/at/all"), &list, &err), RC_INPUT, err);
	test_dir_end(&d);
}

/* Every template has a text in both languages, and every mapping makes what it says. */
TEST(texts_and_mappings)
{
	struct senders s = { .made = 0 };
	static const char *const mappings[] = { "webhook", "mattermost", "matrix", "thehive", "iris", "fir", "sms" };
	struct json_object *data = json_tokener_parse(
		"{\"key\":\"k-1\",\"kind\":\"round.check\",\"node\":\"Team \\\"B\\\"\",\"made\":\"2026-11-22\",\"urgent\":true,"
		"\"subject\":\"a \\\"b\\\"\\n\",\"text\":\"line\\nline\",\"whole\":\"x\",\"link\":\"https://a.example.org\","
		"\"address\":\"+62\",\"language\":\"en\",\"reference\":\"\"}");
	begin_senders(&s, NULL);
	for (size_t i = 0; i < COUNT_OF(mappings); i++) {
		const char *type = NULL;
		struct buf b = BUF_INIT(KIB(16));
		struct json_object *o = NULL;
		const struct mustache *m = texts_mapping(s.n->texts, str_of(mappings[i]), &type);
		CHECK_MSG(m && strcmp(type, "application/json") == 0, "%s", mappings[i]);
		if (m)
			CHECK_RC(mustache_render(m, data, &b, &err), RC_OK, err);
		CHECK_MSG(json_read(buf_str(&b), &o, &err) == RC_OK, "%s: %s", mappings[i], err.text);
		json_free(o);
		buf_free(&b);
	}
	const char *type = NULL, *language = NULL;
	CHECK(texts_mapping(s.n->texts, STR("sms_form"), &type) && strcmp(type, "application/x-www-form-urlencoded") == 0);
	CHECK(!texts_mapping(s.n->texts, STR("absent"), &type));
	CHECK(texts_find(s.n->texts, STR("round.check"), STR("webhook"), STR("th id en"), &language) &&
	      strcmp(language, "id") == 0);
	CHECK(texts_find(s.n->texts, STR("round.check"), STR("webhook"), STR("th"), &language) &&
	      strcmp(language, "en") == 0);
	CHECK(!texts_find(s.n->texts, STR("absent"), STR("webhook"), STR(""), &language));
	json_object_put(data);
	end_senders(&s);
}

/* --- sending --- */

#define GREEN "{\"tlp\":\"GREEN\"}"

TEST(how_a_try_ends)
{
	static const struct { const char *path; enum message_state state; enum ledger_kind kind; const char *words; } rows[] = {
		{ "/ok", MESSAGE_SENT, LEDGER_SENT, "answered 202" },
		{ "/no", MESSAGE_FAILED, LEDGER_FAILED, "answered 404 no" },
		{ "/cut", MESSAGE_UNCERTAIN, LEDGER_UNCERTAIN, "was not reached" },
	};
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	str item = incident(&s, GREEN, STR(""));
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str who = organisation(&s, rows[i].path, GREEN);
		int64_t id = queue(&s, "webhook", who, item, "clock.due", LANE_INCIDENT);
		CHECK_MSG(comes_to(&s, id, rows[i].state), "%s is %s", rows[i].path,
			  message_state_name(message_of(&s, id).state));
		struct ledger_row row = last_row(&s, who);
		CHECK_INT(row.kind, rows[i].kind);
		CHECK_MSG(str_find(row.words, str_of(rows[i].words)) < row.words.n, "%s: " STR_FMT, rows[i].path,
			  STR_ARG(row.words));
		CHECK_INT(atomic_load(&s.hook.tries[id]), 1);
	}
	/* 503: again, with the same key, until it is taken */
	int64_t id = queue(&s, "webhook", organisation(&s, "/twice", GREEN), item, "clock.due", LANE_INCIDENT);
	CHECK(comes_to(&s, id, MESSAGE_SENT));
	CHECK_INT(atomic_load(&s.hook.tries[id]), 2);
	/* nobody there: nothing has gone, so it is tried again */
	str who = make_record(&s, "organisation", GREEN,
			      STR("{\"name\":\"Gone\",\"kind\":\"constituent\",\"contacts\":[{\"webhook\":\"https://[2001:db8::1]/x\"}]}"));
	id = queue(&s, "webhook", who, item, "clock.due", LANE_INCIDENT);
	for (int i = 0; i < 1000 && message_of(&s, id).words.n == 0; i++)
		usleep(10000);
	CHECK_INT(message_of(&s, id).state, MESSAGE_QUEUED);
	CHECK_INT(message_of(&s, id).tries, 1);
	CHECK(str_find(message_of(&s, id).words, STR("not on the list")) < message_of(&s, id).words.n);
	/* a text message through the gateway */
	who = make_record(&s, "organisation", GREEN,
			  STR("{\"name\":\"Phone\",\"kind\":\"constituent\",\"contacts\":[{\"phone\":\"+62 21 555 0100\"}]}"));
	id = queue(&s, "sms", who, item, "clock.due", LANE_INCIDENT);
	CHECK(comes_to(&s, id, MESSAGE_SENT));
	CHECK(strstr(s.hook.last, "\"to\":\"+62 21 555 0100\"") && strstr(s.hook.last, "[#"));
	end_senders(&s);
}

TEST(who_may_be_told)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	str real = organisation(&s, "/ok", GREEN), played = organisation(&s, "/ok", "{\"tlp\":\"GREEN\",\"exercise\":true}");
	str none = make_record(&s, "organisation", GREEN, STR("{\"name\":\"None\",\"kind\":\"constituent\"}"));
	const struct {
		const char *what;
		str to, item;
		const char *template;
		enum message_state state;
		const char *words;
	} rows[] = {
		{ "GREEN", real, incident(&s, GREEN, STR("")), "round.check", MESSAGE_SENT, "" },
		{ "AMBER of others", real, incident(&s, "{\"tlp\":\"AMBER\"}", STR("")), "round.check", MESSAGE_REFUSED, "" },
		{ "AMBER of its own", real, incident(&s, "{\"tlp\":\"AMBER\"}", real), "round.check", MESSAGE_SENT, "" },
		{ "RED of its own", real, incident(&s, "{\"tlp\":\"RED\"}", real), "round.check", MESSAGE_REFUSED,
		  "stricter than" },
		{ "held", real, incident(&s, "{\"tlp\":\"GREEN\",\"held\":true}", real), "round.check", MESSAGE_REFUSED,
		  "holds it back" },
		{ "an exercise to one outside it", real, incident(&s, "{\"tlp\":\"GREEN\",\"exercise\":true}", STR("")),
		  "round.check", MESSAGE_REFUSED, "exercise" },
		{ "what is real to one of an exercise", played, incident(&s, GREEN, STR("")), "round.check",
		  MESSAGE_REFUSED, "exercise" },
		{ "an exercise to one of it", played, incident(&s, "{\"tlp\":\"GREEN\",\"exercise\":true}", STR("")),
		  "round.check", MESSAGE_SENT, "" },
		{ "RED, bare", real, incident(&s, "{\"tlp\":\"RED\"}", real), "duty.page", MESSAGE_SENT, "" },
		{ "a template that is none", real, incident(&s, GREEN, STR("")), "absent", MESSAGE_FAILED, "no template" },
		{ "what is not there", real, STR("incident--00000000-0000-4000-8000-000000000000"), "round.check",
		  MESSAGE_FAILED, "not there any more" },
		{ "nobody", STR("organisation--00000000-0000-4000-8000-000000000000"), incident(&s, GREEN, STR("")),
		  "round.check", MESSAGE_FAILED, "" },
		{ "one without an address", none, incident(&s, GREEN, STR("")), "round.check", MESSAGE_FAILED,
		  "no address" },
		{ "a kind of recipient that is none", STR("partner:7"), incident(&s, GREEN, STR("")), "round.check",
		  MESSAGE_FAILED, "nobody knows who" },
	};
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		s.hook.last[0] = '\0';
		int64_t id = queue(&s, "webhook", rows[i].to, rows[i].item, rows[i].template, LANE_INCIDENT);
		CHECK_MSG(comes_to(&s, id, rows[i].state), "%s is %s", rows[i].what,
			  message_state_name(message_of(&s, id).state));
		struct ledger_row row = last_row(&s, rows[i].to);
		CHECK_MSG(str_find(row.words, str_of(rows[i].words)) < row.words.n + !*rows[i].words, "%s: " STR_FMT,
			  rows[i].what, STR_ARG(row.words));
		CHECK_MSG(!strstr(s.hook.last, "canary-team") && !strstr(s.hook.last, "organisation--0"), "%s tells too much",
			  rows[i].what);
		if (strcmp(rows[i].template, "duty.page") == 0)
			CHECK(!strstr(s.hook.last, "canary") && !strstr(s.hook.last, "incident--"));
		if (strcmp(rows[i].what, "an exercise to one of it") == 0)
			CHECK(strstr(s.hook.last, "EXERCISE - EXERCISE"));
		if (rows[i].state != MESSAGE_SENT)
			CHECK_MSG(s.hook.last[0] == '\0', "%s went out", rows[i].what);
	}
	end_senders(&s);
}

/* The urgent first, each host at its pace, and one host in nobody's way. */
TEST(lanes_and_pace)
{
	enum { BULK = 12 };
	struct senders s = { .made = 0 };
	int64_t bulk[BULK];
	begin_senders(&s, "send_pace=1s");
	str who = organisation(&s, "/ok", GREEN), item = incident(&s, GREEN, STR(""));
	for (size_t i = 0; i < BULK; i++)
		bulk[i] = queue(&s, "webhook", who, item, "clock.due", LANE_BULK);
	int64_t urgent = queue(&s, "webhook", who, item, "clock.due", LANE_WARNING);
	int64_t elsewhere = queue(&s, "sms", make_record(&s, "organisation", GREEN,
		STR("{\"name\":\"Phone\",\"kind\":\"constituent\",\"contacts\":[{\"phone\":\"+62\"}]}")), item, "clock.due", LANE_BULK);
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	CHECK(comes_to(&s, urgent, MESSAGE_SENT));
	(void)elsewhere;
	int64_t before = atomic_load(&s.hook.at_us[urgent]);
	usleep(3200000);
	int sent = 0;
	for (size_t i = 0; i < BULK; i++) {
		int64_t at = atomic_load(&s.hook.at_us[bulk[i]]);
		sent += at != 0;
		CHECK_MSG(at == 0 || at - before > 900000, "a message of the lane of bulk came %lld us after the urgent one",
			  (long long)(at - before));
	}
	CHECK_MSG(sent >= 1 && sent <= 5, "%d in three seconds", sent);
	/* what waits for its turn counts no tries */
	for (size_t i = 0; i < BULK; i++)
		CHECK(message_of(&s, bulk[i]).tries <= 1);
	end_senders(&s);
}

/* --- whom of an organisation --- */

TEST(the_right_contact)
{
	static const char contacts[] =
		"{\"name\":\"Many\",\"kind\":\"constituent\",\"timezone\":\"UTC\",\"languages\":[\"id\"],\"contacts\":["
		"{\"role\":\"management\",\"webhook\":\"https://m.example.org/\",\"order\":1},"
		"{\"role\":\"abuse\",\"webhook\":\"https://a2.example.org/\",\"order\":3,\"channel\":\"webhook\"},"
		"{\"role\":\"abuse\",\"webhook\":\"https://a1.example.org/\",\"order\":2,\"channel\":\"webhook\",\"languages\":\"en\"},"
		"{\"role\":\"security\",\"phone\":\"+62 1\",\"order\":4,\"channel\":\"phone\"},"
		"{\"role\":\"legal\",\"webhook\":\"https://never.example.org/\",\"hours\":\"Sun 03:00-03:01\"},"
		"{\"role\":\"press\",\"email\":\"p@example.org\"}]}";
	static const struct { const char *what, *role, *driver, *address, *languages; enum lane lane; enum rc rc; } rows[] = {
		{ "whose channel it is, in order", "", "webhook", "https://a1.example.org/", "en", LANE_BULK, RC_OK },
		{ "by role", "/management", "webhook", "https://m.example.org/", "id", LANE_BULK, RC_OK },
		{ "another address", "", "sms", "+62 1", "id", LANE_BULK, RC_OK },
		{ "a role without that address", "/press", "webhook", "", "id", LANE_BULK, RC_ABSENT },
		{ "outside their hours it waits", "/legal", "webhook", "https://never.example.org/", "id", LANE_BULK, RC_BUSY },
		{ "unless it is urgent", "/legal", "webhook", "https://never.example.org/", "id", LANE_WARNING, RC_OK },
	};
	static const struct { const char *role, *driver; int contact; } chosen[] = {
		{ "", "webhook", 0 }, { "/abuse", "webhook", 2 }, { "/security", "print", 3 }, { "/press", "mail", 5 },
		{ "/operations", NULL, -1 },
	};
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	str id = make_record(&s, "organisation", GREEN, str_of(contacts));
	struct reader *r = begin(&s.w);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct reached who;
		const struct resolving k = { s.n, r, types_of(&s.w), driver_find(str_of(rows[i].driver)), rows[i].lane,
					     clock_now_us(), s.w.a };
		enum rc rc = notify_resolve(&k, arena_fmt(s.w.a, STR_FMT "%s", STR_ARG(id), rows[i].role), &who, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s %s", rows[i].what, rc_name(rc), err.text);
		if (rc == RC_OK)
			CHECK_MSG(str_eq(who.address, str_of(rows[i].address)) && str_eq(who.languages, str_of(rows[i].languages)),
				  "%s: " STR_FMT " " STR_FMT, rows[i].what, STR_ARG(who.address), STR_ARG(who.languages));
		if (rc == RC_BUSY)
			CHECK(who.retry_us > 0);
	}
	for (size_t i = 0; i < COUNT_OF(chosen); i++) {
		const char *driver;
		int contact;
		CHECK_RC(notify_choose(s.n, r, types_of(&s.w), arena_fmt(s.w.a, STR_FMT "%s", STR_ARG(id), chosen[i].role),
				       s.w.a, &driver, &contact, &err), RC_OK, err);
		CHECK_MSG((!driver && !chosen[i].driver) || (driver && chosen[i].driver && strcmp(driver, chosen[i].driver) == 0),
			  "'%s': %s", chosen[i].role, driver ? driver : "(none)");
		CHECK_INT(contact, chosen[i].contact);
	}
	store_read_end(r);
	end_senders(&s);
}

TEST_MAIN(TEST_RUN(short_messages), TEST_RUN(a_signature), TEST_RUN(a_file_of_destinations),
	  TEST_RUN(texts_and_mappings), TEST_RUN(how_a_try_ends), TEST_RUN(who_may_be_told),
	  TEST_RUN(lanes_and_pace), TEST_RUN(the_right_contact))
