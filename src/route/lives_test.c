/* SPDX-License-Identifier: Apache-2.0 */
#include "route/lives.h"

#include "record/outbox.h"
#include "route/findings_world.h"

struct told_of {
	struct hash128 id;
	enum ledger_kind kind;
	const char *recipient;
	bool covered; /* by a message, else said */
};

static enum rc tell(struct tx *tx, void *ctx, struct err *e)
{
	const struct told_of *t = ctx;
	char item[64];
	int64_t message = 0;
	struct sql *q = sql(tx_conn(tx), "SELECT max(message) + 1 FROM outbox_cover");
	if (sql_row(q))
		message = sql_col_int(q, 0) ? sql_col_int(q, 0) : 1;
	enum rc rc = sql_end(q, e);
	snprintf(item, sizeof(item), "finding--%016llx%016llx", (unsigned long long)t->id.hi, (unsigned long long)t->id.lo);
	if (rc == RC_OK && t->covered) {
		q = sql(tx_conn(tx), "INSERT INTO outbox_cover (message, item, version) VALUES (?, ?, 1)");
		sql_int(q, 1, message);
		sql_str(q, 2, str_of(item));
		rc = sql_run(q, e);
	}
	const struct ledger_row row = { .kind = t->kind, .message = t->covered ? message : 0,
					.recipient = str_of(t->recipient), .driver = STR("mail"),
					.item = t->covered ? STR("rule--x") : str_of(item) };
	return rc == RC_OK ? ledger_add(tx, &row, NULL, e) : rc;
}

static void told(struct world *w, struct hash128 id, enum ledger_kind kind, const char *recipient, bool covered)
{
	struct told_of t = { id, kind, recipient, covered };
	CHECK_RC(store_write(w->s, tell, &t, &err), RC_OK, err);
}

/* An answer to a message that covered others too, about this finding alone: `kind` of notify/answers.h. */
struct answered {
	struct hash128 id;
	int kind;
};

static enum rc answer(struct tx *tx, void *ctx, struct err *e)
{
	const struct answered *k = ctx;
	char raw[16];
	struct sql *q = sql(tx_conn(tx), "INSERT INTO answer (message, kind, at_us, channel, by, words, organisation, recipient,"
					 " item, findings, file_name, key, seen_by) VALUES (1, ?1, ?2, '', '', '', '', '', '', 1, '',"
					 " ?2, '')");
	sql_int(q, 1, k->kind);
	sql_int(q, 2, tx_now_us(tx));
	enum rc rc = sql_run(q, e);
	id_bytes(k->id, raw);
	q = sql(tx_conn(tx), "INSERT INTO answer_finding (finding, answer, claim, claim_us) VALUES (?, last_insert_rowid(), 0, 0)");
	sql_blob(q, 1, str_mem(raw, 16));
	return rc == RC_OK ? sql_run(q, e) : rc;
}

/* Sent, and it came back; `again`: and was sent to another address. */
struct bounced {
	struct hash128 id;
	int64_t message;
	const char *reference;
	bool again;
};

static enum rc bounce(struct tx *tx, void *ctx, struct err *e)
{
	const struct bounced *k = ctx;
	char item[64];
	snprintf(item, sizeof(item), "finding--%016llx%016llx", (unsigned long long)k->id.hi, (unsigned long long)k->id.lo);
	struct sql *q = sql(tx_conn(tx), "INSERT INTO outbox_cover (message, item, version) VALUES (?, ?, 1)");
	sql_int(q, 1, k->message);
	sql_str(q, 2, str_of(item));
	enum rc rc = sql_run(q, e);
	static const enum ledger_kind kinds[] = { LEDGER_SENT, LEDGER_BOUNCED, LEDGER_SENT };
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(kinds) - !k->again; i++) {
		const struct ledger_row row = { .kind = kinds[i], .message = k->message, .driver = STR("mail"),
						.reference = str_of(kinds[i] == LEDGER_BOUNCED ? k->reference : ""),
						.recipient = STR("organisation--a/abuse"), .item = STR("rule--x") };
		rc = ledger_add(tx, &row, NULL, e);
	}
	return rc;
}

static enum rc mark_answered(struct tx *tx, void *ctx, struct err *e)
{
	return findings_mark(tx, *(struct hash128 *)ctx, MARK_ANSWERED, STR(""), STR("x"), e);
}

static enum rc mark_held(struct tx *tx, void *ctx, struct err *e)
{
	return findings_mark(tx, *(struct hash128 *)ctx, MARK_HELD, STR(""), STR("x"), e);
}

struct lived {
	struct buf out;
	struct hash128 id[8];
	size_t n;
};

static int64_t in_order(int64_t before, int64_t us)
{
	return us == 0 || us >= before;
}

static bool live_one(void *ctx, const struct finding *f, const struct life *l)
{
	struct lived *o = ctx;
	CHECK(in_order(l->opened_us, l->told_us) && in_order(l->told_us, l->answered_us));
	CHECK(in_order(l->opened_us, l->gone_us) && in_order(l->told_us, l->fixed_us));
	CHECK_INT(f->held_us, l->held_us);
	/* "ip 198.18.0.1 port 23" */
	buf_fmt(&o->out, "%s" STR_FMT "%s%s%s%s%s%s%s%s", o->n ? ";" : "", STR_ARG(str_mem(f->key.p + 12, 1)),
		l->told_us ? " told" : "", l->answered_us ? " answered" : "", l->gone_us ? " gone" : "",
		l->fixed_us ? " fixed" : "", l->returns ? " returned" : "", l->claimed_us ? " claimed" : "", l->relapsed ? " relapsed" : "", l->held_us ? " held" : "");
	o->id[o->n++] = f->id;
	return true;
}

static void look(struct world *w, struct lived *o, const char *dir, size_t memory)
{
	struct reader *r;
	const struct lives_query q = { .tlp_mask = 31, .dir = dir, .memory = memory };
	buf_reset(&o->out);
	o->n = 0;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(lives_each(r, &q, live_one, o, &err), RC_OK, err);
	store_read_end(r);
}

static struct hash128 id_ending(struct lived *o, struct world *w, char digit)
{
	look(w, o, NULL, 0);
	str rest = buf_str(&o->out);
	for (size_t i = 0; rest.n; i++) {
		str one = str_cut(&rest, ';');
		if (one.p[0] == digit)
			return o->id[i];
	}
	CHECK_MSG(false, "no finding %c", digit);
	return (struct hash128){ 0, 0 };
}

/* Each in the order of the numbers, whatever that of the ids is. */
static void check_lives(struct lived *o, const char *const *want, size_t n)
{
	CHECK_INT(o->n, n);
	for (size_t i = 0; i < n; i++) {
		str rest = buf_str(&o->out);
		bool found = false;
		while (rest.n && !found)
			found = str_eq(str_cut(&rest, ';'), str_of(want[i]));
		CHECK_MSG(found, "no '%s' in '" STR_FMT "'", want[i], STR_ARG(buf_str(&o->out)));
	}
}

static void a_life(void)
{
	struct world w = world_new();
	struct lived o = { .out = BUF_INIT(KIB(4)) };
	int64_t run = DELIVER(&w, LIST, VULN("198.18.0.1", 10), VULN("198.18.0.2", 10), VULN("198.18.0.3", 10),
			      VULN("198.18.0.4", 10), VULN("198.18.0.6", 10), { .ip = "198.18.0.5", .type = "vulnerable-system", .port = 23, .at = 10,
							.exercise = true });
	complete(&w, LIST, run);
	struct hash128 one = id_ending(&o, &w, '1'), two = id_ending(&o, &w, '2'), three = id_ending(&o, &w, '3');
	struct hash128 four = id_ending(&o, &w, '4'), six = id_ending(&o, &w, '6');
	static const char *const fresh[] = { "1", "2", "3", "4", "6" };
	check_lives(&o, fresh, COUNT_OF(fresh));
	told(&w, one, LEDGER_SENT, "organisation--a/abuse", true);
	struct answered fixed = { one, 2 };
	CHECK_RC(store_write(w.s, answer, &fixed, &err), RC_OK, err);
	told(&w, two, LEDGER_SENT, "account:3", true);            /* one of ours */
	told(&w, two, LEDGER_REFUSED, "organisation--a", true);
	told(&w, two, LEDGER_UNCERTAIN, "organisation--a", true);
	struct bounced b = { two, 777, "bounce:5.1.1:x", false }, later = { six, 778, "bounce:4.4.1:x", false };
	struct bounced other = { four, 779, "bounce:5.1.1:x", true };
	CHECK_RC(store_write(w.s, bounce, &b, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, bounce, &later, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, bounce, &other, &err), RC_OK, err);
	told(&w, three, LEDGER_SAID, "organisation--b", false);
	CHECK_RC(store_write(w.s, mark_answered, &two, &err), RC_OK, err); /* nobody had told them: no answer */
	CHECK_RC(store_write(w.s, mark_answered, &three, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, mark_held, &four, &err), RC_OK, err);
	/* all but the fourth are gone, then the first is back */
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.4", 20)));
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.4", 30), VULN("198.18.0.1", 30)));
	static const char *const lived[] = { "1 told answered gone fixed returned claimed relapsed", "2 gone",
					     "3 told answered gone fixed", "4 told held", "6 told gone fixed" };
	static const size_t memories[] = { 0, 64, 4096 };
	for (size_t i = 0; i < COUNT_OF(memories); i++) {
		look(&w, &o, w.dir.path, memories[i]);
		check_lives(&o, lived, COUNT_OF(lived));
	}
	buf_free(&o.out);
	world_end(&w);
}

TEST(a_life_in_every_way)
{
	for (way = 0; way < WAYS; way++)
		a_life();
}

static bool enough(void *ctx, const struct finding *f, const struct life *l)
{
	(void)f;
	(void)l;
	return ++*(size_t *)ctx < 2;
}

TEST(asked_for_less)
{
	struct world w = world_new();
	struct reader *r;
	size_t n = 0;
	complete(&w, LIST, DELIVER(&w, LIST, VULN("198.18.0.1", 10), VULN("198.18.0.2", 10), VULN("198.18.0.3", 10)));
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(lives_each(r, &(struct lives_query){ .tlp_mask = 31 }, enough, &n, &err), RC_OK, err);
	CHECK_INT(n, 2);
	n = 0;
	CHECK_RC(lives_each(r, &(struct lives_query){ .tlp_mask = 1u << TLP_RED }, enough, &n, &err), RC_OK, err);
	CHECK_INT(n, 0);
	store_read_end(r);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(a_life_in_every_way), TEST_RUN(asked_for_less))
