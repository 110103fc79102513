/* SPDX-License-Identifier: Apache-2.0 */
/* ronda partner invite | accept | words | confirm | keys. */
#include "cli/record_private.h"
#include "disclosure/approval.h"
#include "disclosure/authz.h"
#include "exchange/certificate.h"
#include "exchange/courier.h"
#include "exchange/pairing.h"

enum { VALID_DAYS = 3, OVERLAP_DAYS = 7 };

/* The directory's owner without an account owns the node; others need the roles that may make a partner. */
static int may_pair(struct record_call *k)
{
	bool owner = !k->c->viewer.account && !k->c->viewer.roles;
	return cli_may(k->c, owner || authz_ever(&k->c->viewer, ACTION_CREATE, k->type));
}

static str actor(const struct record_call *k)
{
	return str_of(k->c->viewer.actor);
}

static enum rc find(struct record_call *k, const char *what, struct partner *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(k->c->node->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = partner_find(k->c->node->exchange, reader_conn(r), str_of(what), k->c->a, out, err);
	store_read_end(r);
	return rc;
}

static bool duration(struct record_call *k, const char *option, int64_t otherwise, int64_t *out)
{
	const char *text = cli_value(k->c, option);
	*out = otherwise;
	return !text || (duration_parse(str_of(text), out) && *out > 0);
}

/* --- invite --- */

static int invite(struct record_call *k)
{
	struct buf line = BUF_INIT(PAIRING_LINE_MAX);
	struct partner p = { .name = STR("") };
	struct err err = { 0 };
	int64_t valid;
	int code = may_pair(k);
	if (code)
		return code;
	if (k->argc > 1 || !duration(k, "--valid", VALID_DAYS * DAY_US, &valid))
		return cli_usage(k->c, "invite takes at most an ID, and --valid a time as 3d");
	enum rc rc = k->argc ? find(k, k->argv[0], &p, &err) : RC_OK;
	if (rc == RC_OK)
		rc = pairing_invite(k->c->node->exchange, valid, p.id, actor(k), &line, &err);
	if (rc == RC_OK) {
		cli_done(k->c, "line", buf_str(&line));
		if (k->c->form == CLI_TEXT)
			cli_printf(k->c, STR_FMT "\n", STR_ARG(buf_str(&line)));
		cli_talk(k->c, "good once; the other team runs 'ronda partner accept LINE', then both compare the words "
			       "that 'ronda partner words' shows");
	}
	buf_free(&line);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

static const struct cli_option invite_options[] = {
	{ "--valid", 0, "TIME", "invite: how long it is good (3d)" },
	{ .name = NULL },
};
const struct cli_verb cli_verb_partner_invite = {
	.type = "partner",
	.word = "invite",
	.usage = "invite [ID] [--valid TIME]",
	.brief = "print the line another team accepts, to pair its node with ours; of ID: for new keys of that partner",
	.options = invite_options,
	.run = invite,
};

/* --- accept --- */

static void show_words(struct record_call *k, const struct partner *p, const char *words)
{
	struct buf b = BUF_INIT(KIB(4));
	struct json_out j = json_out(&b);
	if (k->c->form == CLI_JSON) {
		struct buf id = BUF_INIT(RECORD_ID_BYTES);
		record_id_format(&id, str_of(k->type->name), &p->id);
		json_open(&j, '{');
		json_put_str(&j, "partner", buf_str(&id));
		json_put_str(&j, "name", p->name);
		json_put_str(&j, "words", str_of(words));
		json_close(&j, '}');
		cli_print_json(k->c, &b);
		buf_free(&id);
	} else {
		cli_printf(k->c, STR_FMT "\t%s\n", STR_ARG(p->name), words);
	}
	buf_free(&b);
}

static int take_line(struct record_call *k)
{
	struct paired paired;
	struct err err = { 0 };
	str line = STR_NONE;
	int code = may_pair(k);
	if (code)
		return code;
	if (k->argc != 1)
		return cli_usage(k->c, "accept needs the line, or - to read it from standard input");
	if (strcmp(k->argv[0], "-") == 0 && cli_read_secret(k->c, "invitation: ", &line, &err) != RC_OK)
		return cli_fail(k->c, &err);
	if (pairing_accept(k->c->node->exchange, line.p ? line : str_of(k->argv[0]), actor(k), k->c->a, &paired, &err) != RC_OK)
		return cli_fail(k->c, &err);
	show_words(k, &paired.partner, paired.words);
	cli_talk(k->c, "call them on a number you know: when 'ronda partner words' there says the same, both run "
		       "'ronda partner confirm ID'; when not, somebody stands between, and neither does");
	return 0;
}

const struct cli_verb cli_verb_partner_accept = {
	.type = "partner",
	.word = "accept",
	.usage = "accept LINE",
	.brief = "pair with the node whose invitation this is; prints six words to compare by telephone",
	.run = take_line,
};

/* --- words --- */

struct waiting {
	struct record_call *k;
	struct conn *c;
	uint64_t count;
	enum rc rc;
	struct err *err;
};

static void say_before(struct record_call *k, struct conn *c, const struct partner *p)
{
	struct partner before;
	struct err none;
	if (pairing_before(k->c->node->exchange, c, p, k->c->a, &before, &none) == RC_OK)
		cli_talk(k->c, "its node says that it was that of '" STR_FMT "', which has ended: ask whether it is the same team",
			 STR_ARG(before.name));
}

static bool show_waiting(void *ctx, const struct partner *p)
{
	struct waiting *w = ctx;
	char words[PAIRING_WORDS_MAX];
	w->rc = pairing_words_of(w->k->c->node->exchange, w->c, p, w->k->c->a, words, w->err);
	if (w->rc == RC_OK) {
		show_words(w->k, p, words);
		say_before(w->k, w->c, p);
		w->count++;
	}
	w->rc = w->rc == RC_ABSENT ? RC_OK : w->rc;
	return w->rc == RC_OK;
}

static int words(struct record_call *k)
{
	struct err err = { 0 };
	struct reader *r = NULL;
	struct partner p;
	struct waiting w = { .k = k, .err = &err };
	if (k->argc > 1)
		return cli_usage(k->c, "words takes at most an ID");
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK && k->argc) {
		char text[PAIRING_WORDS_MAX];
		rc = partner_find(k->c->node->exchange, reader_conn(r), str_of(k->argv[0]), k->c->a, &p, &err);
		if (rc == RC_OK)
			rc = pairing_words_of(k->c->node->exchange, reader_conn(r), &p, k->c->a, text, &err);
		if (rc == RC_OK)
			show_words(k, &p, text);
		if (rc == RC_OK)
			say_before(k, reader_conn(r), &p);
	} else if (rc == RC_OK) {
		w.c = reader_conn(r);
		rc = partners_list(k->c->node->exchange, w.c, false, k->c->a, show_waiting, &w, &err);
		rc = rc == RC_OK ? w.rc : rc;
		if (rc == RC_OK && w.count == 0)
			cli_talk(k->c, "no partner waits to be confirmed");
	}
	if (r)
		store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

const struct cli_verb cli_verb_partner_words = {
	.type = "partner",
	.word = "words",
	.usage = "words [ID]",
	.brief = "the six words of partners whose keys wait to be confirmed",
	.run = words,
};

/* --- confirm --- */

struct confirming {
	struct record_call *k;
	struct partner p;
};

static enum rc confirm_job(struct tx *tx, void *ctx, struct err *err)
{
	struct confirming *f = ctx;
	return pairing_confirm(tx, f->k->c->node->exchange, &f->p, cli_value(f->k->c, "--same-team") != NULL, actor(f->k), err);
}

static int confirm(struct record_call *k)
{
	struct confirming f = { .k = k };
	struct err err = { 0 };
	int code = may_pair(k);
	if (code)
		return code;
	if (k->argc != 1)
		return cli_usage(k->c, "confirm needs an ID");
	enum rc rc = find(k, k->argv[0], &f.p, &err);
	if (rc == RC_OK)
		rc = store_write(k->c->node->store, confirm_job, &f, &err);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	cli_done(k->c, "confirmed", f.p.name);
	if (uuid_is_zero(&f.p.organisation))
		cli_talk(k->c, "nothing flows before it has an organisation: 'ronda partner edit %s organisation=…', and an "
			       "agreement with it in force", k->argv[0]);
	return 0;
}

static const struct cli_option confirm_options[] = {
	{ "--same-team", 0, NULL, "confirm: it is the team whose node it was before, though that partner has ended" },
	{ .name = NULL },
};
const struct cli_verb cli_verb_partner_confirm = {
	.type = "partner",
	.word = "confirm",
	.usage = "confirm ID [--same-team]",
	.options = confirm_options,
	.brief = "the words were the same on both sides: its keys are good, and it is active",
	.run = confirm,
};

/* --- keys --- */

static const struct cli_column key_columns[] = {
	{ .name = "whose" }, { "key", COLUMN_NUMBER }, { .name = "state" }, { .name = "pin" }, { "since", COLUMN_TIME },
	{ "until", COLUMN_TIME },
};

static void key_row(struct cli_table *t, str whose, int64_t id, const char *state, const struct digest *pin, int64_t since,
		    int64_t until)
{
	struct buf hex = BUF_INIT(128);
	char from[40], to[40];
	hex_format(&hex, pin->b, sizeof pin->b);
	str values[] = { whose, id ? arena_fmt(t->c->a, "%lld", (long long)id) : STR(""), str_of(state), buf_str(&hex),
			 since ? time_str(from, since) : STR(""), until ? time_str(to, until) : STR("") };
	cli_row(t, values);
	buf_free(&hex);
}

static const char *state_word(const struct partner_key *key)
{
	if (key->state != KEY_GOOD)
		return key->state == KEY_WAITS ? "waits for its words" : "revoked";
	return key->until_us && key->until_us <= clock_now_us() ? "run out" : "good";
}

struct key_list {
	struct cli_table t;
	struct conn *c;
	enum rc rc;
	struct err *err;
};

static bool list_keys(void *ctx, const struct partner *p)
{
	struct key_list *l = ctx;
	struct partner_key *list;
	size_t count = 0;
	l->rc = partner_keys(l->c, p->id, l->t.c->a, &list, &count, l->err);
	for (size_t i = 0; l->rc == RC_OK && i < count; i++)
		key_row(&l->t, p->name, list[i].id, state_word(&list[i]), &list[i].who.pin, list[i].since_us,
			list[i].state == KEY_REVOKED ? list[i].changed_us : list[i].until_us);
	return l->rc == RC_OK;
}

/* What is shown with the key in use, if an authority was to certify it. */
static void say_certificate(struct record_call *k, const struct own_keys *own)
{
	struct certificate c;
	char until[40];
	certificate_look(k->c->node->exchange, own, k->c->a, &c);
	if (c.chain.n)
		cli_talk(k->c, "partners are shown exchange_certificate, until " STR_FMT "%s" STR_FMT, STR_ARG(time_str(until, c.until_us)),
			 c.why.n ? "; not all will take it: " : "", STR_ARG(c.why));
	else if (c.set)
		cli_talk(k->c, "exchange_certificate is not shown to partners, but the one the node made itself: " STR_FMT,
			 STR_ARG(c.why));
}

static int show_keys(struct record_call *k)
{
	struct err err = { 0 };
	struct reader *r = NULL;
	struct own_keys own = { .rotating = false };
	struct key_list l = { .t = cli_table(k->c, key_columns, COUNT_OF(key_columns)), .err = &err };
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = keys_own(reader_conn(r), k->c->a, &own, &err);
	if (rc == RC_OK) {
		key_row(&l.t, STR("ours"), 0, "in use", &own.now.who.pin, own.now.made_us, own.rotating ? own.switch_us : 0);
		if (own.rotating)
			key_row(&l.t, STR("ours"), 0, "announced", &own.next.who.pin, own.switch_us, 0);
		l.c = reader_conn(r);
		rc = partners_list(k->c->node->exchange, l.c, false, k->c->a, list_keys, &l, &err);
		rc = rc == RC_OK ? l.rc : rc;
	}
	if (rc == RC_OK)
		say_certificate(k, &own);
	keys_wipe(&own);
	if (r)
		store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

struct keys_change {
	struct record_call *k;
	struct partner p;
	int64_t switch_us, key;
	uint64_t count;
	int64_t approval;
	bool waits;                /* for a second person */
	str why;
};

static enum rc rotate_job(struct tx *tx, void *ctx, struct err *err)
{
	struct keys_change *h = ctx;
	return keys_rotate(tx, h->k->c->node->exchange, h->switch_us, actor(h->k), err);
}

static enum rc switch_job(struct tx *tx, void *ctx, struct err *err)
{
	struct keys_change *h = ctx;
	return keys_switch(tx, h->k->c->node->exchange, actor(h->k), err);
}

/* What two persons say, where the team asks for two: *go, or what waits for the other. */
static enum rc ask_second(struct tx *tx, struct keys_change *h, const char *what, bool *go, struct err *err)
{
	struct cli *c = h->k->c;
	struct buf object = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&object, STR("partner"), &h->p.id);
	const struct approval_ask ask = { .kind = APPROVAL_KEY, .object = buf_str(&object), .why = h->why,
					  .what = h->key ? arena_fmt(c->a, "%s key %lld of '" STR_FMT "'", what, (long long)h->key, STR_ARG(h->p.name)) :
						  arena_fmt(c->a, "%s all keys of '" STR_FMT "'", what, STR_ARG(h->p.name)) };
	enum rc rc = approval_ask(tx, c->node->journal, c->node->roles, &c->viewer, &ask, go, &h->approval, err);
	buf_free(&object);
	return rc;
}

/* One person is enough to stop it, now; that it stays so is said by two. */
static enum rc revoke_job(struct tx *tx, void *ctx, struct err *err)
{
	struct keys_change *h = ctx;
	struct journal *j = h->k->c->node->journal;
	bool go = false;
	uint64_t final = 0;
	int64_t at_us = 0;
	char at[40];
	enum rc rc = partner_keys_revoke(tx, j, h->p.id, h->key, h->why, actor(h->k), &h->count, err);
	if (rc == RC_OK)
		rc = partner_keys_revoked_us(tx_conn(tx), h->p.id, h->key, &at_us, err);
	if (rc == RC_OK)
		rc = ask_second(tx, h, arena_fmt(h->k->c->a, "the revocation of " STR_FMT " is final of",
						 STR_ARG(time_str(at, at_us))).p, &go, err);
	h->waits = rc == RC_OK && !go;
	if (rc == RC_OK && go)
		rc = partner_keys_final(tx, j, h->p.id, h->key, actor(h->k), &final, err);
	return rc;
}

static enum rc restore_job(struct tx *tx, void *ctx, struct err *err)
{
	struct keys_change *h = ctx;
	bool go = false;
	enum rc rc = partner_keys_may_restore(tx_conn(tx), h->p.id, h->key, h->why, err);
	if (rc == RC_OK)
		rc = ask_second(tx, h, "good again:", &go, err);
	h->waits = rc == RC_OK && !go;
	return rc == RC_OK && go ?
		partner_keys_restore(tx, h->k->c->node->journal, h->p.id, h->key, h->why, actor(h->k), err) : rc;
}

/* A certificate is of one key. */
static void say_new_certificate(struct record_call *k, bool now)
{
	struct own_keys own = { .rotating = false };
	struct certificate c = { .set = false };
	struct reader *r = NULL;
	if (store_read_begin(k->c->node->store, &r, NULL) != RC_OK)
		return;
	if (keys_own(reader_conn(r), k->c->a, &own, NULL) == RC_OK)
		certificate_look(k->c->node->exchange, &own, k->c->a, &c);
	store_read_end(r);
	if (now)
		say_certificate(k, &own);
	else if (c.set)
		cli_talk(k->c, "the new key needs a certificate of its own: 'ronda partner request --next' asks for it; it goes into the "
			       "file of exchange_certificate, beside the one in use");
	keys_wipe(&own);
}

static int rotate(struct record_call *k, bool now)
{
	struct keys_change h = { .k = k };
	struct err err = { 0 };
	int64_t in;
	if (!duration(k, "--in", OVERLAP_DAYS * DAY_US, &in))
		return cli_usage(k->c, "--in is a time as 7d");
	h.switch_us = clock_now_us() + in;
	if (store_write(k->c->node->store, now ? switch_job : rotate_job, &h, &err) != RC_OK)
		return cli_fail(k->c, &err);
	if (now)
		keys_tell(k->c->node->exchange);
	else
		courier_wake(k->c->node->exchange);
	cli_done(k->c, "keys", now ? STR("switched") : STR("announced"));
	say_new_certificate(k, now);
	return 0;
}

static int change_key(struct record_call *k, bool revoke)
{
	struct keys_change h = { .k = k };
	struct err err = { 0 };
	const char *why = cli_value(k->c, "--why");
	if (k->argc < (revoke ? 2 : 3) || k->argc > 3 || (k->argc == 3 && (!str_to_i64(str_of(k->argv[2]), &h.key) || h.key <= 0)))
		return cli_usage(k->c, revoke ? "keys revoke needs an ID, and may have the number of a key" :
						"keys restore needs an ID and the number of a key");
	h.why = str_of(why ? why : "");
	enum rc rc = find(k, k->argv[1], &h.p, &err);
	if (rc == RC_OK)
		rc = store_write(k->c->node->store, revoke ? revoke_job : restore_job, &h, &err);
	str words = h.waits ? approval_words(h.approval, k->c->a) : STR("");
	if (rc == RC_OK && h.waits && !revoke)
		rc = fail(&err, RC_BUSY, STR_FMT, STR_ARG(words));
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	cli_done(k->c, revoke ? "revoked" : "restored", revoke ? arena_fmt(k->c->a, "%llu", (unsigned long long)h.count) : h.p.name);
	if (h.waits)
		cli_talk(k->c, "refused from now on; that it stays so: " STR_FMT ", then the same again", STR_ARG(words));
	return 0;
}

static int keys(struct record_call *k)
{
	str word = k->argc ? str_of(k->argv[0]) : STR("");
	if (word.n == 0)
		return show_keys(k);
	int code = may_pair(k);
	if (code)
		return code;
	if (str_eq(word, STR("rotate")) && k->argc == 1)
		return rotate(k, false);
	if (str_eq(word, STR("switch")) && k->argc == 1)
		return rotate(k, true);
	if (str_eq(word, STR("revoke")))
		return change_key(k, true);
	if (str_eq(word, STR("restore")))
		return change_key(k, false);
	return cli_usage(k->c, "keys takes nothing, rotate, switch, revoke ID [KEY], or restore ID KEY");
}

static const struct cli_option key_options[] = {
	{ "--in", 0, "TIME", "keys rotate: when the new key is used at the latest (7d)" },
	{ .name = NULL },
};
const struct cli_verb cli_verb_partner_keys = {
	.type = "partner",
	.word = "keys",
	.usage = "keys [rotate [--in TIME] | switch | revoke ID [KEY] --why TEXT | restore ID KEY --why TEXT]",
	.brief = "ours and those of partners; announce a new one of ours, use it, refuse one of a partner from now on",
	.options = key_options,
	.run = keys,
};
