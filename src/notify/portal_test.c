/* SPDX-License-Identifier: Apache-2.0 */
/* What people of other organisations do by the portal: open messages, propose changes, come in by links. */
#include "notify/test_senders.h"

#include "notify/inbox.h"
#include "notify/link.h"
#include "notify/proposal.h"
#include "notify/rehearsal.h"
#include "notify/sign_in.h"

static const char public_url[] = "public_url=https://node.example.org/";
enum { CONSTITUENT_BIT = 1 << 8 };

static str portal_organisation(struct senders *s, const char *name, const char *contact)
{
	return make_record(s, "organisation", GREEN,
			   arena_fmt(s->w.a, "{\"name\":\"%s\",\"kind\":\"constituent\",\"contacts\":[%s]}", name, contact));
}

/* --- the inbox --- */

/* Ids as they are listed. */
static str inbox(struct senders *s, str organisation, bool unread)
{
	struct told_to to;
	struct uuid id;
	str type;
	struct message *list = NULL;
	size_t count = 0;
	struct buf b = BUF_INIT(KIB(1));
	struct reader *r = begin(&s->w);
	CHECK(record_id_parse(organisation, &type, &id));
	CHECK_RC(told_organisation(r, s->policies, id, false, CHANNEL_SCREEN, &to, &err), RC_OK, err);
	CHECK_RC(inbox_list(r, &to, organisation, unread, 0, 100, s->w.a, &list, &count, &err), RC_OK, err);
	for (size_t i = 0; i < count; i++) {
		struct message m;
		buf_fmt(&b, "%lld ", (long long)list[i].id);
		CHECK_RC(inbox_load(r, &to, organisation, list[i].id, s->w.a, &m, &err), RC_OK, err);
	}
	store_read_end(r);
	str out = arena_str(s->w.a, str_trim(buf_str(&b)));
	buf_free(&b);
	return out;
}

struct reading {
	str organisation;
	int64_t id;
};

static enum rc read_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct reading *k = ctx;
	return inbox_read(tx, k->organisation, k->id, STR("account:9"), 1, "test", e);
}

static size_t rows_of(struct senders *s, str recipient, enum ledger_kind kind)
{
	struct ledger_row *list = NULL;
	size_t count = 0, n = 0;
	struct reader *r = begin(&s->w);
	const struct ledger_query q = { .recipient = recipient, .limit = 100 };
	CHECK_RC(ledger_list(reader_conn(r), &q, s->w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	for (size_t i = 0; i < count; i++)
		n += list[i].kind == kind;
	return n;
}

TEST(a_message_waits_until_it_is_opened)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, public_url);
	str one = portal_organisation(&s, "One", "{\"role\":\"abuse\",\"channel\":\"portal\"}");
	str two = portal_organisation(&s, "Two", "{\"role\":\"abuse\",\"channel\":\"portal\"}");
	str desk = arena_fmt(s.w.a, STR_FMT "/abuse", STR_ARG(one));
	int64_t a = queue(&s, "portal", desk, one, "round.check", LANE_BULK);
	int64_t b = queue(&s, "portal", one, one, "round.check", LANE_BULK);
	int64_t mail = queue(&s, "mail", desk, one, "round.check", LANE_BULK);
	int64_t other = queue(&s, "portal", two, two, "round.check", LANE_BULK);
	int64_t door = queue(&s, "portal", desk, one, "portal.sign-in", LANE_BULK);
	CHECK_STR(inbox(&s, one, false), arena_fmt(s.w.a, "%lld %lld", (long long)b, (long long)a));
	CHECK_STR(inbox(&s, two, true), arena_fmt(s.w.a, "%lld", (long long)other));
	const struct { const char *what; struct reading q; enum rc rc; } rows[] = {
		{ "another's", { one, other }, RC_ABSENT }, { "one that goes by mail", { one, mail }, RC_ABSENT },
		{ "a link of one person", { one, door }, RC_ABSENT }, { "none", { one, 999 }, RC_ABSENT },
		{ "of nobody", { STR(""), a }, RC_ABSENT }, { "its own", { one, a }, RC_OK }, { "again", { one, a }, RC_OK },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct reading q = rows[i].q;
		enum rc rc = store_write(s.w.s, read_job, &q, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s (%s)", rows[i].what, rc_name(rc), err.text);
	}
	CHECK_INT(message_of(&s, a).state, MESSAGE_SENT);
	CHECK_INT(message_of(&s, other).state, MESSAGE_QUEUED);
	CHECK_INT(rows_of(&s, desk, LEDGER_SENT), 1);
	CHECK_INT(rows_of(&s, desk, LEDGER_SHOWN), 1);
	CHECK_STR(inbox(&s, one, true), arena_fmt(s.w.a, "%lld", (long long)b));
	CHECK_STR(inbox(&s, one, false), arena_fmt(s.w.a, "%lld %lld", (long long)b, (long long)a));
	char words[200];
	struct reader *r = begin(&s.w);
	CHECK_RC(outbox_verify(reader_conn(r), words, &err), RC_OK, err);
	CHECK_STR(str_of(words), STR(""));
	store_read_end(r);
	end_senders(&s);
}

/* --- proposals --- */

struct proposing {
	struct notify *n;
	str organisation, words, key;
};

static enum rc propose(struct tx *tx, void *ctx, struct err *e)
{
	const struct proposing *k = ctx;
	return proposal_put(tx, k->n, k->organisation, STR("account:9"), k->words, k->key, e);
}

static size_t notices(struct senders *s)
{
	struct message *list = NULL;
	size_t count = 0;
	struct reader *r = begin(&s->w);
	CHECK_RC(outbox_waiting(reader_conn(r), "notice", STR("role:duty"), 0, 100, s->w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	return count;
}

TEST(a_proposal_changes_nothing)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, public_url);
	str one = portal_organisation(&s, "One", "");
	const struct { const char *what; str words, key; enum rc rc; size_t notices; } rows[] = {
		{ "one", STR_INIT("a new number"), STR_INIT("k1"), RC_OK, 1 },
		{ "the same form", STR_INIT("a new number"), STR_INIT("k1"), RC_OK, 1 },
		{ "another", STR_INIT("a new desk"), STR_INIT("k2"), RC_OK, 2 },
		{ "no words", STR_INIT(""), STR_INIT("k3"), RC_INPUT, 2 },
		{ "control characters", STR_INIT("a\033[1m"), STR_INIT("k3"), RC_INPUT, 2 },
		{ "without a key", STR_INIT("a"), STR_INIT(""), RC_INPUT, 2 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct proposing q = { s.n, one, rows[i].words, rows[i].key };
		enum rc rc = store_write(s.w.s, propose, &q, &err);
		CHECK_MSG(rc == rows[i].rc && notices(&s) == rows[i].notices, "%s: %s, %zu", rows[i].what, rc_name(rc), notices(&s));
	}
	for (int i = 2; i <= PROPOSALS_WAITING; i++) {
		struct proposing q = { s.n, one, STR("more"), arena_fmt(s.w.a, "m%d", i) };
		CHECK_RC(store_write(s.w.s, propose, &q, &err), i < PROPOSALS_WAITING ? RC_OK : RC_LIMIT, err);
	}
	end_senders(&s);
}

/* --- coming in --- */

struct hiring {
	struct senders *s;
	struct account_new n;
	int64_t id;
};

static enum rc hire(struct tx *tx, void *ctx, struct err *e)
{
	struct hiring *h = ctx;
	return account_make(tx, h->s->w.j, h->s->roles, &h->n, STR("test"), &h->id, e);
}

static enum rc dismiss(struct tx *tx, void *ctx, struct err *e)
{
	struct hiring *h = ctx;
	return account_disable(tx, h->s->w.j, h->id, true, STR("test"), e);
}

struct coming {
	struct notify *n;
	int64_t account;
	str contact, name, token;
};

static enum rc invite(struct tx *tx, void *ctx, struct err *e)
{
	const struct coming *k = ctx;
	return sign_in_invite(tx, k->n, k->account, k->contact, STR("test"), e);
}

static enum rc ask(struct tx *tx, void *ctx, struct err *e)
{
	const struct coming *k = ctx;
	return sign_in_ask(tx, k->n, k->name, e);
}

static enum rc take(struct tx *tx, void *ctx, struct err *e)
{
	struct coming *k = ctx;
	return sign_in_take(tx, k->n, k->token, &k->account, e);
}

/* The newest message by this template; 0: none. */
static int64_t newest(struct senders *s, const char *template)
{
	struct message *list = NULL;
	size_t count = 0;
	struct reader *r = begin(&s->w);
	const struct outbox_query q = { .limit = 100 };
	CHECK_RC(outbox_list(reader_conn(r), &q, s->w.a, &list, &count, &err), RC_OK, err);
	store_read_end(r);
	for (size_t i = 0; i < count; i++)
		if (str_eq(list[i].template, str_of(template)))
			return list[i].id;
	return 0;
}

static str token_of(struct senders *s, int64_t message)
{
	str url = link_sign_in(s->n, message, s->w.a);
	return str_from(url, str_find(url, STR("/sign-in/")) + 9);
}

TEST(a_link_lets_one_person_in_once)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, public_url);
	str contact = arena_fmt(s.w.a, "{\"role\":\"abuse\",\"channel\":\"webhook\",\"webhook\":\"http://127.0.0.1:%u/ok\",\"confirmed\":\"2026-11-01\"},"
				       "{\"role\":\"press\",\"channel\":\"webhook\",\"webhook\":\"http://127.0.0.1:%u/ok\"}", s.hook.port, s.hook.port);
	str one = portal_organisation(&s, "One", arena_z(s.w.a, contact)), two = portal_organisation(&s, "Two", arena_z(s.w.a, contact)), type, found;
	struct hiring theirs = { .s = &s, .n = { .name = STR("Desk"), .roles = CONSTITUENT_BIT, .unix_uid = -1 } },
		      ours = { .s = &s, .n = { .name = STR("Lead"), .roles = LEAD, .unix_uid = -1 } };
	CHECK(record_id_parse(one, &type, &theirs.n.organisation));
	CHECK_RC(store_write(s.w.s, hire, &theirs, &err), RC_OK, err);
	CHECK_RC(store_write(s.w.s, hire, &ours, &err), RC_OK, err);
	/* by which contact */
	struct reader *r = begin(&s.w);
	const struct { const char *what; str organisation, role; enum rc rc; } contacts[] = {
		{ "the first that was confirmed", one, STR(""), RC_OK }, { "by its role", one, STR("abuse"), RC_OK },
		{ "one that was not", one, STR("press"), RC_INPUT }, { "one there is not", one, STR("legal"), RC_INPUT },
		{ "of nobody", STR("organisation--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ff"), STR(""), RC_ABSENT },
	};
	for (size_t i = 0; i < COUNT_OF(contacts); i++) {
		enum rc rc = sign_in_contact(reader_conn(r), types_of(&s.w), contacts[i].organisation, contacts[i].role, s.w.a, &found, &err);
		CHECK_MSG(rc == contacts[i].rc, "%s: %s", contacts[i].what, rc_name(rc));
		CHECK_MSG((found.p && str_ends(found, STR("/abuse"))) == (rc == RC_OK), "%s", contacts[i].what);
	}
	store_read_end(r);
	/* who is invited */
	str desk = arena_fmt(s.w.a, STR_FMT "/abuse", STR_ARG(one)), other = arena_fmt(s.w.a, STR_FMT "/abuse", STR_ARG(two));
	const struct { const char *what; struct coming q; enum rc rc; } invited[] = {
		{ "one of ours", { s.n, ours.id, desk, STR(""), STR("") }, RC_INPUT },
		{ "by another's contact", { s.n, theirs.id, other, STR(""), STR("") }, RC_INPUT },
		{ "nobody", { s.n, 99, desk, STR(""), STR("") }, RC_ABSENT },
		{ "one of theirs", { s.n, theirs.id, desk, STR(""), STR("") }, RC_OK },
	};
	for (size_t i = 0; i < COUNT_OF(invited); i++) {
		struct coming q = invited[i].q;
		enum rc rc = store_write(s.w.s, invite, &q, &err);
		CHECK_MSG(rc == invited[i].rc, "%s: %s (%s)", invited[i].what, rc_name(rc), err.text);
	}
	int64_t message = newest(&s, "portal.invite");
	struct coming come = { .n = s.n, .token = token_of(&s, message) };
	CHECK_RC(store_write(s.w.s, take, &come, &err), RC_DENIED, err); /* not sent yet */
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	CHECK(comes_to(&s, message, MESSAGE_SENT));
	CHECK_MSG(strstr(s.hook.last, "/portal/sign-in/") != NULL, "the link is in what was sent: %s", s.hook.last);
	CHECK_RC(store_write(s.w.s, take, &come, &err), RC_OK, err);
	CHECK_INT(come.account, theirs.id);
	CHECK_RC(store_write(s.w.s, take, &come, &err), RC_DENIED, err);
	CHECK_INT(come.account, 0);
	/* asking */
	const struct { const char *what; str name; bool made; } asked[] = {
		{ "nobody", STR_INIT("Somebody"), false }, { "one of ours", STR_INIT("Lead"), false }, { "no name", STR_INIT(""), false },
		{ "one of theirs", STR_INIT("desk"), true }, { "again at once", STR_INIT("Desk"), true },
	};
	int64_t first = 0;
	for (size_t i = 0; i < COUNT_OF(asked); i++) {
		struct coming q = { .n = s.n, .name = asked[i].name };
		CHECK_RC(store_write(s.w.s, ask, &q, &err), RC_OK, err);
		CHECK_MSG((newest(&s, "portal.sign-in") > 0) == asked[i].made, "%s", asked[i].what);
		first = first ? first : newest(&s, "portal.sign-in");
		CHECK_MSG(newest(&s, "portal.sign-in") == first, "%s: a second one", asked[i].what);
	}
	CHECK(comes_to(&s, first, MESSAGE_SENT));
	CHECK_RC(store_write(s.w.s, dismiss, &theirs, &err), RC_OK, err);
	come.token = token_of(&s, first);
	CHECK_RC(store_write(s.w.s, take, &come, &err), RC_DENIED, err); /* not in use any more */
	come.token = token_of(&s, 1 << 20);
	CHECK_RC(store_write(s.w.s, take, &come, &err), RC_DENIED, err); /* of no message */
	end_senders(&s);
}

TEST_MAIN(TEST_RUN(a_message_waits_until_it_is_opened), TEST_RUN(a_proposal_changes_nothing),
	  TEST_RUN(a_link_lets_one_person_in_once))
