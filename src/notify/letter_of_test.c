/* SPDX-License-Identifier: Apache-2.0 */
/* What a letter says: the class's text, the events behind it, and the thread that it belongs to. */
#include "notify/test_senders.h"

#include <zip.h>

#include "event/normalise.h"
#include "notify/classes.h"
#include "notify/letter_of.h"
#include "notify/link.h"
#include "notify/own_texts.h"
#include "notify/sealed_zip.h"
#include "route/directory_records.h"
#include "route/findings.h"
#include "store/sql.h"

#define CANARY "canary-red-71d3"
#define OTHER "canary-other-90aa"

struct office {
	struct senders s;
	struct directory_records *records;
	struct directory *d;
	str house;
	str ids[64];
	size_t count;
	int64_t reports;
	bool unrouted;          /* events say of nobody whom they concern */
};

static str house_with(struct office *o, const char *more)
{
	return make_record(&o->s, "organisation", GREEN,
			   arena_fmt(o->s.w.a, "{\"name\":\"House %llu\",\"kind\":\"constituent\",\"languages\":[\"en\"],"
					       "\"contacts\":[{\"role\":\"abuse\",\"channel\":\"mail\",\"email\":\"abuse@example.net\"}],"
					       "\"constituency\":[{\"kind\":\"network\",\"value\":\"198.18.0.0/24\"},"
					       "{\"kind\":\"domain\",\"value\":\"example.net\"}]%s}",
				     (unsigned long long)++o->s.made, more));
}

/* Stays where it is: threads know it. */
static void office_begin(struct office *o, const char *more)
{
	*o = (struct office){ .count = 0 };
	begin_senders(&o->s, "mail_from=Team B <cert@example.org>");
	own_texts_open(o->s.n);
	CHECK_RC(directory_records_open(o->s.w.s, o->s.w.r, &o->records, &err), RC_OK, err);
	o->house = house_with(o, more);
	struct reader *r = begin(&o->s.w);
	CHECK_RC(directory_load(reader_conn(r), &o->d, &err), RC_OK, err);
	store_read_end(r);
}

static void office_end(struct office *o)
{
	directory_free(o->d);
	directory_records_close(o->records); /* nothing is written any more */
	end_senders(&o->s);
}

/* --- what was seen --- */

struct seen {
	const char *ip, *type, *identifier, *tlp, *url, *text;
	int port, minute;
};

static void set(struct batch *b, const char *name, const char *value)
{
	if (value)
		CHECK_RC(event_set_named(b, str_of(name), str_of(value), &err), RC_OK, err);
}

struct delivery {
	struct event_chunk *chunk;
	int64_t report;
};

static enum rc deliver_job(struct tx *tx, void *ctx, struct err *e)
{
	struct delivery *d = ctx;
	uint64_t first;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO report (id, feed, state, received_us, digest, bytes, "
					 "format, file_name, type, parser_version, next_offset, next_input, "
					 "inputs, accepted, events, repeats, quarantined, dropped, blank, "
					 "parse_us, words, exercise) VALUES (?1, 1, 2, ?2, x'00', 0, '', '', "
					 "'', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 0)");
	sql_int(q, 1, d->report);
	sql_int(q, 2, clock_now_us());
	enum rc rc = sql_run(q, e);
	return rc == RC_OK ? event_chunk_commit(tx, d->chunk, &first, e) : rc;
}

static bool list_one(void *ctx, const struct finding *f)
{
	struct office *o = ctx;
	if (o->count < COUNT_OF(o->ids))
		o->ids[o->count++] = arena_fmt(o->s.w.a, "finding--%016llx%016llx", (unsigned long long)f->id.hi,
					       (unsigned long long)f->id.lo);
	return true;
}

static void see(struct office *o, const struct seen *list, size_t n)
{
	struct batch *b = batch_new();
	struct delivery d = { .report = ++o->reports };
	const struct report r = { .id = d.report, .feed = 1, .received_us = clock_now_us() };
	uint64_t did;
	char text[64];
	for (size_t i = 0; i < n; i++) {
		batch_row_begin(b, b->c.rows + 1, 0, 0, 1);
		set(b, "source.ip", list[i].ip);
		set(b, "classification.type", list[i].type);
		set(b, "classification.identifier", list[i].identifier);
		set(b, "tlp", list[i].tlp ? list[i].tlp : "GREEN");
		set(b, "source.url", list[i].url);
		set(b, "event_description.text", list[i].text);
		set(b, "source.account", "somebody");
		set(b, "feed.name", OTHER);
		set(b, "comment", OTHER);
		set(b, "extra.tag", OTHER);
		set(b, "protocol.transport", "tcp");
		snprintf(text, sizeof text, "2026-03-01T12:%02d:00Z", list[i].minute);
		set(b, "time.source", text);
		snprintf(text, sizeof text, "%d", list[i].port);
		set(b, "source.port", list[i].port ? text : NULL);
		event_complete_class(b);
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	}
	if (!o->unrouted)
		CHECK_RC(route_batch(o->d, b, clock_now_us(), &err), RC_OK, err);
	CHECK_RC(event_chunk_new(b, &r, NULL, &d.chunk, &err), RC_OK, err);
	CHECK_RC(store_write(o->s.w.s, deliver_job, &d, &err), RC_OK, err);
	event_chunk_free(d.chunk);
	batch_free(b);
	CHECK_RC(findings_fold(o->s.w.s, o->d, 100000, &did, &err), RC_OK, err);
	o->count = 0;
	struct reader *reader = begin(&o->s.w);
	const struct finding_query q = { .tlp_mask = (1u << TLP_COUNT) - 1, .limit = 1000 };
	CHECK_RC(findings_list(reader, &q, list_one, o, &err), RC_OK, err);
	store_read_end(reader);
}

/* --- a message, and the letter of it --- */

struct covering {
	struct message m;
	struct cover covers[64];
	size_t count;
	int64_t id;
};

static enum rc cover_job(struct tx *tx, void *ctx, struct err *e)
{
	struct covering *c = ctx;
	return outbox_put(tx, &c->m, c->covers, c->count, &c->id, e);
}

static int64_t tell_more(struct office *o, const char *class, const char *more)
{
	struct covering c = { .m = { .lane = LANE_BULK, .driver = STR("mail"), .recipient = o->house,
				     .item = STR("rule--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ff"), .purpose = 1, .policy = 1,
				     .template = arena_fmt(o->s.w.a, "tell.%s", class), .maker = STR("test"),
				     .details = arena_fmt(o->s.w.a, "{\"class\":\"%s\"%s}", class, more),
				     .made_at = ++o->s.made } };
	for (; c.count < o->count; c.count++)
		c.covers[c.count] = (struct cover){ .item = o->ids[c.count] };
	CHECK_RC(store_write(o->s.w.s, cover_job, &c, &err), RC_OK, err);
	return c.id;
}

static int64_t tell(struct office *o, const char *class)
{
	return tell_more(o, class, "");
}

static enum rc letter(struct office *o, int64_t id, struct letter *out)
{
	struct senders *s = &o->s;
	struct rendering what;
	struct message m = message_of(s, id);
	struct reader *r = begin(&s->w);
	enum rc rc = notify_render(s->n, r, types_of(&s->w), &m, s->w.a, &what, &err);
	if (rc == RC_OK) {
		const struct sending sending = { .n = s->n, .m = &m, .what = &what, .a = s->w.a };
		rc = letter_of(&sending, r, types_of(&s->w), s->w.a, out, &err);
		json_free(what.data);
	}
	store_read_end(r);
	return rc;
}

static enum rc sent_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct covering *c = ctx;
	const struct outcome_of o = { .outcome = OUTCOME_SENT, .policy = 1, .rule = "", .cut = STR(""),
				      .reference = c->m.words, .words = STR("") };
	enum rc rc = outbox_take_one(tx, c->id, e);
	return rc == RC_OK ? outbox_end_tx(tx, c->id, &o, e) : rc;
}

static enum rc learn_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct covering *c = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO mail_foreign (organisation, ours, theirs, at_us) VALUES (?, ?, ?, 1)");
	sql_str(q, 1, c->m.recipient);
	sql_int(q, 2, c->id);
	sql_str(q, 3, c->m.words);
	return sql_run(q, e);
}

static void sent(struct office *o, int64_t id, str reference)
{
	struct covering c = { .id = id, .m = { .words = reference } };
	CHECK_RC(store_write(o->s.w.s, sent_job, &c, &err), RC_OK, err);
}

#define HAS(text, words) CHECK_MSG(str_find((text), STR(words)) < (text).n, "no '%s' in:\n" STR_FMT, words, STR_ARG(text))
#define HAS_NOT(text, words) CHECK_MSG(str_find((text), STR(words)) == (text).n, "'%s' in:\n" STR_FMT, words, STR_ARG(text))

static const struct seen telnet[] = {
	{ .ip = "198.18.0.1", .type = "potentially-unwanted-accessible", .identifier = "open-telnet", .port = 23, .minute = 1,
	  .text = "=cmd()" },
	{ .ip = "198.18.0.1", .type = "potentially-unwanted-accessible", .identifier = "open-telnet", .port = 23, .minute = 2 },
	{ .ip = "198.18.0.1", .type = "potentially-unwanted-accessible", .identifier = "open-telnet", .port = 23, .minute = 3,
	  .text = "later" },
	{ .ip = "198.18.0.2", .type = "potentially-unwanted-accessible", .identifier = "open-telnet", .port = 2323, .minute = 4 },
};

TEST(says_what_and_with_which_events)
{
	struct office o;
	office_begin(&o, "");
	struct letter l;
	see(&o, telnet, COUNT_OF(telnet));
	CHECK_INT(o.count, 2);
	int64_t id = tell(&o, "open-telnet");
	CHECK_RC(letter(&o, id, &l), RC_OK, err);
	CHECK_STR(l.to, STR("abuse@example.net"));
	CHECK_STR(l.from_name, STR("Team B"));
	CHECK_STR(l.subject, arena_fmt(o.s.w.a, "[ronda #%lld] Telnet open to the Internet (2)", (long long)id));
	HAS(l.text, "ip 198.18.0.1 port 23");
	HAS(l.text, "WHAT TO DO\n1. ");
	HAS(l.text, "WHOM TO ASK");
	HAS(l.text, "Attached: 4 event(s) of 2 finding(s)");
	CHECK(str_find(l.text, link_thread(o.s.n, id, o.s.w.a)) < l.text.n);
	HAS_NOT(l.text, "rule--");
	HAS_NOT(l.text, "{{");
	CHECK_INT(l.part_count, 3);
	str csv = l.parts[0].bytes;
	CHECK_STR(l.parts[0].name, STR("events.csv"));
	HAS(csv, "\"2026-03-01T12:04:00+00:00\",\"198.18.0.2\",\"2323\",\"tcp\"");
	HAS(csv, "\"'=cmd()\"");
	HAS_NOT(csv, "somebody"); /* personal, without a basis */
	for (size_t i = 0; i < l.part_count; i++) {
		HAS_NOT(l.parts[i].bytes, OTHER);
		HAS_NOT(l.parts[i].bytes, "ronda.concerns");
	}
	HAS(l.parts[1].bytes, "\"category\":\"vulnerability\",\"type\":\"open_service\",\"service\":\"open-telnet\"");
	CHECK_RC(letter(&o, tell_more(&o, "open-telnet", ",\"gone\":true"), &l), RC_OK, err);
	HAS(l.subject, "No longer seen");
	HAS_NOT(l.text, "WHAT TO DO");
	CHECK_RC(letter(&o, tell_more(&o, "open-telnet", ",\"claimed\":true"), &l), RC_OK, err);
	HAS(l.text, "seen again since");
	HAS_NOT(l.text, "reminder");
	bool automatic = false, loop = false, bulk = false;
	for (size_t i = 0; i < l.header_count; i++) {
		automatic = automatic || (strcmp(l.headers[i].name, "Auto-Submitted") == 0 && str_eq(l.headers[i].value, STR("auto-generated")));
		loop = loop || (strcmp(l.headers[i].name, "X-Ronda-Loop") == 0 && str_eq(l.headers[i].value, store_node_id(o.s.w.s)));
		bulk = bulk || strcmp(l.headers[i].name, "Precedence") == 0;
	}
	CHECK(automatic && loop && bulk);
	office_end(&o);
}

/* What may not be told of a finding's events is in no part of the letter. */
TEST(what_may_not_be_told_is_not_in_it)
{
	static const struct seen mixed[] = {
		{ .ip = "198.18.0.1", .type = "brute-force", .identifier = "ssh", .port = 1024, .minute = 1 },
		{ .ip = "198.18.0.9", .type = "brute-force", .identifier = CANARY, .port = 1024, .minute = 2, .tlp = "RED", .text = CANARY },
		{ .ip = "198.19.0.9", .type = "brute-force", .identifier = OTHER, .port = 1024, .minute = 2, .tlp = "AMBER", .text = OTHER },
	};
	struct office o;
	office_begin(&o, "");
	struct letter l;
	see(&o, mixed, COUNT_OF(mixed));
	CHECK_INT(o.count, 3);
	CHECK_RC(letter(&o, tell(&o, "brute-force"), &l), RC_OK, err);
	HAS(l.text, "198.18.0.1");
	HAS(l.parts[1].bytes, "\"type\":\"login_attack\"");
	HAS_NOT(l.text, CANARY);
	HAS_NOT(l.text, OTHER);
	for (size_t i = 0; i < l.part_count; i++) {
		HAS_NOT(l.parts[i].bytes, CANARY);
		HAS_NOT(l.parts[i].bytes, OTHER);
	}
	office_end(&o);
}

TEST(a_thread_holds)
{
	struct office o;
	office_begin(&o, "");
	struct letter l;
	see(&o, telnet, COUNT_OF(telnet));
	int64_t first = tell(&o, "open-telnet");
	CHECK_RC(letter(&o, first, &l), RC_OK, err);
	CHECK_STR(l.in_reply_to, STR(""));
	str id = l.message_id;
	CHECK_RC(letter(&o, first, &l), RC_OK, err);
	CHECK_STR(l.message_id, id); /* at each try */
	sent(&o, first, arena_fmt(o.s.w.a, "<" STR_FMT ">", STR_ARG(id)));
	int64_t second = tell(&o, "open-telnet");
	CHECK_RC(letter(&o, second, &l), RC_OK, err);
	CHECK_STR(l.in_reply_to, id);
	CHECK_STR(l.references, id);
	CHECK(!str_eq(l.message_id, id));
	str two = l.message_id;
	struct covering learned = { .id = first, .m = { .recipient = o.house, .words = STR("[example.net #77]") } };
	CHECK_RC(store_write(o.s.w.s, learn_job, &learned, &err), RC_OK, err);
	CHECK_RC(letter(&o, second, &l), RC_OK, err);
	CHECK_STR(l.subject, arena_fmt(o.s.w.a, "[ronda #%lld] [example.net #77] Telnet open to the Internet (2)", (long long)second));
	sent(&o, second, two);
	CHECK_RC(letter(&o, tell(&o, "open-telnet"), &l), RC_OK, err);
	CHECK_STR(l.in_reply_to, two);
	CHECK_STR(l.references, arena_fmt(o.s.w.a, STR_FMT " " STR_FMT, STR_ARG(id), STR_ARG(two)));
	/* of other things: a thread of its own */
	static const struct seen other[] = { { .ip = "198.18.0.5", .type = "spam", .port = 25, .minute = 9 } };
	see(&o, other, 1);
	for (size_t i = 0; i < o.count; i++) {
		struct reader *r = begin(&o.s.w);
		struct told t;
		struct told_to to;
		CHECK_RC(told_anybody(o.s.policies, CHANNEL_MAIL, &to, &err), RC_OK, err);
		to.viewer = staff(LEAD, 1);
		CHECK_RC(told_item(r, types_of(&o.s.w), &to, o.ids[i], 0, o.s.w.a, &t, &err), RC_OK, err);
		if (str_eq(t.finding.type, STR("spam")))
			o.ids[0] = o.ids[i];
		told_end(&t);
		store_read_end(r);
	}
	o.count = 1;
	CHECK_RC(letter(&o, tell(&o, "spam"), &l), RC_OK, err);
	CHECK_STR(l.references, STR(""));
	office_end(&o);
}

struct answering {
	int64_t message;
	int count;
};

/* Mails that came, in answer to one of ours. */
static enum rc answered_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct answering *w = ctx;
	enum rc rc = RC_OK;
	for (int i = 0; i < w->count && rc == RC_OK; i++) {
		char id[40];
		snprintf(id, sizeof id, "rt-%d@example.net", i);
		struct sql *q = sql(tx_conn(tx), "INSERT INTO mail_in (digest, at_us, box, bytes, state, kind, message_id, reports,"
						 " tries, words, message) VALUES (?, 1, '', 1, 2, 5, ?, 0, 0, '', ?)");
		sql_str(q, 1, str_of(id));
		sql_str(q, 2, str_of(id));
		sql_int(q, 3, w->message);
		rc = sql_run(q, e);
	}
	return rc;
}

/* Ids of others are what their programs find the thread by; of too many the first of all and the last ones stay. */
TEST(their_ids_stay_in_the_thread)
{
	static const struct {
		int count;
		const char *second, *last;
		size_t ids;
	} cases[] = { { 1, "rt-0@example.net", "rt-0@example.net", 2 }, { 30, "rt-11@example.net", "rt-29@example.net", 20 } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct office o;
		office_begin(&o, "");
		struct letter l;
		see(&o, telnet, COUNT_OF(telnet));
		int64_t first = tell(&o, "open-telnet");
		CHECK_RC(letter(&o, first, &l), RC_OK, err);
		str id = l.message_id;
		sent(&o, first, id);
		struct answering w = { first, cases[i].count };
		CHECK_RC(store_write(o.s.w.s, answered_job, &w, &err), RC_OK, err);
		CHECK_RC(letter(&o, tell(&o, "open-telnet"), &l), RC_OK, err);
		CHECK_STR(l.in_reply_to, str_of(cases[i].last));
		str rest = l.references;
		size_t n = 1;
		CHECK_STR(str_cut(&rest, ' '), id);
		CHECK_STR(str_cut(&rest, ' '), str_of(cases[i].second));
		for (n = 2; rest.n > 0; n++)
			(void)str_cut(&rest, ' ');
		CHECK_INT(n, cases[i].ids);
		office_end(&o);
	}
}

/* --- what nobody shall open by mistake --- */

static size_t unzip(str bytes, const char *password, const char *name, char *to, size_t size)
{
	zip_error_t e;
	zip_source_t *src = zip_source_buffer_create(bytes.p, bytes.n, 0, &e);
	zip_t *z = zip_open_from_source(src, ZIP_RDONLY, &e);
	zip_file_t *f = z ? zip_fopen_encrypted(z, name, 0, password) : NULL;
	zip_int64_t n = f ? zip_fread(f, to, size - 1) : 0;
	if (f)
		zip_fclose(f);
	if (z)
		zip_discard(z);
	to[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

TEST(live_ones_are_locked_up)
{
	static const struct seen phish[] = {
		{ .ip = "198.18.0.3", .type = "phishing", .url = "http://login.example.net/bank.php?a=b.c", .minute = 1 },
	};
	char text[8192];
	for (int with = 0; with < 2; with++) {
		struct office o;
	office_begin(&o, with ? ",\"file_password\":\"a secret of two\"" : "");
		struct letter l;
		see(&o, phish, 1);
		CHECK_RC(letter(&o, tell(&o, "phishing"), &l), RC_OK, err);
		HAS(l.text, "hxxp://login[.]example[.]net/bank.php?a=b.c");
		HAS_NOT(l.text, "http://login");
		HAS_NOT(l.text, "a secret of two");
		if (!with) {
			HAS(l.parts[0].bytes, "http://login.example.net/bank.php?a=b.c");
			office_end(&o);
			continue;
		}
		CHECK_INT(l.part_count, 1);
		CHECK_STR(l.parts[0].name, STR("events.zip"));
		HAS(l.text, "opens with the password");
		HAS_NOT(l.parts[0].bytes, "login.example.net");
		CHECK(unzip(l.parts[0].bytes, "a secret of two", "events.csv", text, sizeof text) > 0);
		HAS(str_of(text), "http://login.example.net/bank.php?a=b.c");
		CHECK_INT(unzip(l.parts[0].bytes, "another", "events.csv", text, sizeof text), 0);
		office_end(&o);
	}
	struct arena *a = arena_new(KIB(4));
	const struct letter_part f = { STR("text/csv"), STR("a.csv"), STR("a") };
	str out;
	CHECK_RC(sealed_zip(&f, 1, STR(""), a, &out, &err), RC_INPUT, err);
	CHECK_RC(sealed_zip(&f, 1, str_mem("a\0b", 3), a, &out, &err), RC_INPUT, err);
	arena_free(a);
}

TEST(limits_are_kept_and_said)
{
	static const struct { const char *what, *setting, *words; size_t parts; } table[] = {
		{ "events", "mail_events_max=1", "There are more than fit here", 2 },
		{ "bytes", "mail_attach_max=600", "There are more than fit here", 1 },
		{ "no report", "mail_xarf_max=0", "Attached: 4 event(s)", 1 },
		{ "nothing", "mail_events_max=0", "There are more than fit here", 0 },
	};
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct office o;
	office_begin(&o, "");
		struct letter l;
		const char *sets[] = { "mail_from=cert@example.org", table[i].setting };
		struct settings *own = NULL;
		CHECK_RC(node_settings_read(o.s.w.d.path, sets, COUNT_OF(sets), &own, &err), RC_OK, err);
		o.s.n->w.settings = own;
		see(&o, telnet, COUNT_OF(telnet));
		CHECK_RC(letter(&o, tell(&o, "open-telnet"), &l), RC_OK, err);
		CHECK_MSG(l.part_count == table[i].parts, "%s: %zu", table[i].what, l.part_count);
		CHECK_MSG(str_find(l.text, str_of(table[i].words)) < l.text.n, "%s: " STR_FMT, table[i].what, STR_ARG(l.text));
		office_end(&o);
		settings_free(own);
	}
}

/* Each text there is, with findings in it, in both languages: nothing is left of a template. */
TEST(each_class_makes_a_letter)
{
	struct office o;
	office_begin(&o, "");
	see(&o, telnet, COUNT_OF(telnet));
	for (size_t i = 0; class_at(i); i++) {
		struct letter l;
		enum rc rc = letter(&o, tell(&o, class_at(i)), &l);
		CHECK_MSG(rc == RC_OK, "%s: %s", class_at(i), err.text);
		CHECK_MSG(str_find(l.text, STR("{{")) == l.text.n && l.text.n > 800, "%s", class_at(i));
		CHECK_MSG(str_ends(l.subject, STR(" (2)")), "%s: " STR_FMT, class_at(i), STR_ARG(l.subject));
	}
	office_end(&o);
}

/* Events keep the directory of their day, findings follow it: then the one seen last of each. */
TEST(who_came_to_the_directory_later_has_events_too)
{
	struct office o;
	office_begin(&o, "");
	struct letter l;
	o.unrouted = true;
	see(&o, telnet, COUNT_OF(telnet));
	CHECK_RC(letter(&o, tell(&o, "open-telnet"), &l), RC_OK, err);
	HAS(l.text, "Attached: 2 event(s) of 2 finding(s)");
	HAS(l.parts[0].bytes, "\"later\"");
	office_end(&o);
}

/* --- texts of the team's own --- */

static enum rc edit(struct office *o, str id, str fields, const char *state, const char **words)
{
	static struct change_errors errors; /* its words outlive the call */
	struct viewer lead = staff(LEAD | ANALYST | LIAISON, 1);
	struct record_view view = { 0 };
	const struct change_request q = { .id = id, .fields = fields, .to_state = str_of(state), .why = STR("a test") };
	errors.count = 0;
	enum rc rc = change_record(o->s.w.r, o->s.w.s, &lead, &q, o->s.w.a, &view, &errors, &err);
	record_view_end(&view);
	*words = errors.count ? errors.list[0].text : "";
	return rc;
}

TEST(the_teams_own_text_comes_first)
{
	struct office o;
	office_begin(&o, "");
	struct viewer lead = staff(LEAD | ANALYST | LIAISON, 1);
	struct letter l;
	str id = STR(""), two = STR(""), subject, text;
	const char *words;
	see(&o, telnet, COUNT_OF(telnet));
	CHECK_RC(own_text_new(o.s.n, &lead, STR("no-such.en"), o.s.w.a, &id, &err), RC_ABSENT, err);
	CHECK_RC(own_text_new(o.s.n, &lead, STR("open-telnet.en"), o.s.w.a, &id, &err), RC_OK, err);
	CHECK_RC(own_text_preview(o.s.n, &lead, id, o.s.w.a, &subject, &text, &err), RC_OK, err);
	CHECK_STR(subject, STR("Telnet open to the Internet (2)"));
	HAS(text, "192.0.2.7");
	HAS(text, "hxxp://www[.]example[.]org/");
	/* refused, with line and reason */
	static const struct { const char *what, *fields, *words; } bad[] = {
		{ "unescaped", "{\"words\":\"a\\n{{{to}}}\"}", "line 2" },
		{ "not closed", "{\"words\":\"{{#to}}\"}", "" },
		{ "no such part", "{\"words\":\"{{> nothing}}\"}", "" },
		{ "subject", "{\"subject\":\"{{{to}}}\"}", "line 1" },
		{ "class", "{\"class\":\"nothing\"}", "no such class" },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		CHECK_RC(edit(&o, id, str_of(bad[i].fields), "", &words), RC_INPUT, err);
		CHECK_MSG(words[0] && strstr(words, bad[i].words), "%s: '%s'", bad[i].what, words);
	}
	CHECK_RC(edit(&o, id, STR("{\"subject\":\"Ours ({{cover_count}})\",\"words\":\"Own words.\\n\\n{{> head}}\"}"), "", &words),
		 RC_OK, err);
	CHECK_RC(letter(&o, tell(&o, "open-telnet"), &l), RC_OK, err);
	HAS_NOT(l.text, "Own words."); /* a draft */
	CHECK_RC(edit(&o, id, STR_NONE, "active", &words), RC_OK, err);
	CHECK_RC(letter(&o, tell(&o, "open-telnet"), &l), RC_OK, err);
	HAS(l.text, "Own words.");
	HAS(l.text, "198.18.0.1");
	HAS(l.subject, "Ours (2)");
	CHECK_RC(letter(&o, tell(&o, "open-rdp"), &l), RC_OK, err);
	HAS_NOT(l.text, "Own words.");
	CHECK_RC(own_text_new(o.s.n, &lead, STR("open-telnet.en"), o.s.w.a, &two, &err), RC_OK, err);
	CHECK_RC(edit(&o, two, STR_NONE, "active", &words), RC_INPUT, err);
	CHECK_RC(edit(&o, id, STR_NONE, "retired", &words), RC_OK, err);
	CHECK_RC(letter(&o, tell(&o, "open-telnet"), &l), RC_OK, err);
	HAS_NOT(l.text, "Own words.");
	CHECK_RC(edit(&o, two, STR_NONE, "active", &words), RC_OK, err);
	office_end(&o);
}

TEST_MAIN(TEST_RUN(says_what_and_with_which_events), TEST_RUN(what_may_not_be_told_is_not_in_it), TEST_RUN(a_thread_holds), TEST_RUN(their_ids_stay_in_the_thread),
	  TEST_RUN(live_ones_are_locked_up), TEST_RUN(limits_are_kept_and_said), TEST_RUN(each_class_makes_a_letter),
	  TEST_RUN(who_came_to_the_directory_later_has_events_too), TEST_RUN(the_teams_own_text_comes_first))
