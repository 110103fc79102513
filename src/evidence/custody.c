/* SPDX-License-Identifier: Apache-2.0 */
/* What a change of an exhibit or a custody entry must keep: items as they were put in, custody without
 * gap or overlap, each passing confirmed by both sides. */
#include "evidence/evidence_private.h"

#include "store/held.h"

/* A wall clock may be wrong by so much. */
#define AHEAD_US (5 * MINUTE_US)

struct change {
	struct tx *tx;
	struct evidence *e;
	const struct record *before, *now;
	const struct type *t;
	struct json_object *body, *old;
	struct arena *a;
	struct err *err;
};

static str uuid_blob(const struct uuid *id)
{
	return str_mem(id->b, sizeof(id->b));
}

static bool enters(const struct change *c, const char *state)
{
	return state_means(c->t, c->now->state, state) &&
	       !(c->before && state_means(c->t, c->before->state, state));
}

static str text(const struct change *c, const char *name)
{
	return meant_text(c->t, c->body, name);
}

/* --- who confirms --- */

struct side {
	const char *what; /* "giver" */
	const char *person, *name, *words, *paper;
};
static const struct side giver = { "giver", "custody.giver", "custody.giver-name", "custody.giver-words",
				   "custody.giver-paper" };
static const struct side receiver = { "receiver", "custody.receiver", "custody.receiver-name",
				      "custody.receiver-words", "custody.receiver-paper" };

static bool has_paper(const struct change *c, const struct side *s)
{
	const struct type_field *f = meant(c->t, s->paper);
	return text(c, s->words).n > 0 || (f && json_get(c->body, f->name));
}

/* Accounts of this person: *any there is one, *his: the author is one. */
static enum rc find_accounts(struct change *c, str person, bool *any, bool *his)
{
	struct uuid id;
	str type;
	*any = *his = false;
	if (!record_id_parse(person, &type, &id))
		return RC_OK;
	struct sql *q = sql(tx_conn(c->tx), "SELECT id FROM account WHERE person = ? AND disabled = 0");
	sql_blob(q, 1, uuid_blob(&id));
	while (sql_row(q)) {
		*any = true;
		*his = *his || str_eq(c->now->author,
				      arena_fmt(c->a, "account:%lld", (long long)sql_col_int(q, 0)));
	}
	return sql_end(q, c->err);
}

static enum rc confirm(struct change *c, const struct side *s)
{
	str person = text(c, s->person), name = text(c, s->name);
	bool any = false, his = false;
	if ((person.n > 0) == (name.n > 0))
		return fail(c->err, RC_INPUT, "say who is the %s: one of us, or the name of somebody else", s->what);
	enum rc rc = person.n ? find_accounts(c, person, &any, &his) : RC_OK;
	if (rc != RC_OK || his)
		return rc;
	if (any)
		return fail(c->err, RC_DENIED, "only the %s can confirm this, with an account of his own", s->what);
	if (!has_paper(c, s))
		return fail(c->err, RC_INPUT, "the %s has no account here: add the signed paper, or what was said", s->what);
	return RC_OK;
}

/* What the giver confirmed: all but what the receiver adds. */
static struct digest given_digest(const struct change *c, struct json_object *body)
{
	static const char *const receivers[] = { "custody.received-at", "custody.place", "custody.storage",
						 "custody.receiver-words", "custody.receiver-paper" };
	struct buf b = BUF_INIT(RECORD_BODY_MAX);
	for (size_t i = 0; i < c->t->field_count; i++) {
		const struct type_field *f = &c->t->fields[i];
		struct json_object *value = json_get(body, f->name);
		bool skip = !value;
		for (size_t k = 0; k < COUNT_OF(receivers); k++)
			skip = skip || meant(c->t, receivers[k]) == f;
		if (skip)
			continue;
		buf_fmt(&b, "%s=%s\n", f->name, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
	}
	struct digest d = sha256(buf_str(&b));
	buf_free(&b);
	return d;
}

static enum rc note_given(struct change *c)
{
	struct digest d = given_digest(c, c->body);
	struct sql *q = sql(tx_conn(c->tx), "INSERT OR REPLACE INTO evidence_given (custody, actor, digest) VALUES (?, ?, ?)");
	sql_blob(q, 1, uuid_blob(&c->now->id));
	sql_str(q, 2, c->now->author);
	sql_blob(q, 3, str_mem(d.b, sizeof(d.b)));
	return sql_run(q, c->err);
}

/* The giver's actor, when what he confirmed is what stands. */
static enum rc given_by(struct change *c, str *actor_out)
{
	struct digest d = given_digest(c, c->body);
	bool same = false;
	struct sql *q = sql(tx_conn(c->tx), "SELECT actor, digest FROM evidence_given WHERE custody = ?");
	sql_blob(q, 1, uuid_blob(&c->now->id));
	bool found = sql_row(q);
	if (found) {
		*actor_out = arena_str(c->a, sql_col_str(q, 0));
		same = str_eq(sql_col_blob(q, 1), str_mem(d.b, sizeof(d.b)));
	}
	enum rc rc = sql_end(q, c->err);
	if (rc == RC_OK && !found)
		rc = fail(c->err, RC_CONFLICT, "the giver has not confirmed this");
	if (rc == RC_OK && !same)
		rc = fail(c->err, RC_DENIED, "the giver has confirmed this: only what the receiver adds may be changed now");
	return rc;
}

/* --- one after the other --- */

static str holder(struct json_object *line, const char *side)
{
	struct json_object *o = json_get(line, side);
	str person = json_get_str(o, "person");
	return person.n ? person : json_get_str(o, "name");
}

static int64_t line_time(struct json_object *line, const char *name)
{
	int64_t us;
	return time_parse(json_get_str(line, name), true, &us) ? us : TIME_NONE;
}

void custody_gap(struct json_object *before, struct json_object *now, char *words, size_t size)
{
	int64_t given = line_time(now, "given_at"), received = line_time(now, "received_at");
	words[0] = '\0';
	if (given == TIME_NONE || received == TIME_NONE)
		snprintf(words, size, "a custody entry does not say when it was given and received");
	else if (received < given)
		snprintf(words, size, "custody overlaps: received before it was given");
	else if (received > given && !json_get_str(now, "shipping").n)
		snprintf(words, size, "custody has a gap: received later than given, and no carrier is named");
	if (words[0] || !before)
		return;
	int64_t held = line_time(before, "received_at");
	if (given < held)
		snprintf(words, size, "custody overlaps: given before it was received from the one before");
	else if (!str_eq(holder(before, "receiver"), holder(now, "giver")))
		snprintf(words, size, "custody has a gap: who gives it is not who had it");
}

static void put_side(struct change *c, struct json_out *j, const struct side *s, str actor)
{
	const struct type_field *paper = meant(c->t, s->paper);
	struct json_object *file = paper ? json_get(c->body, paper->name) : NULL;
	json_key(j, str_of(s->what));
	json_open(j, '{');
	if (text(c, s->person).n)
		json_put_str(j, "person", text(c, s->person));
	if (text(c, s->name).n)
		json_put_str(j, "name", text(c, s->name));
	if (text(c, s->words).n)
		json_put_str(j, "words", text(c, s->words));
	if (json_get_str(file, "digest").n)
		json_put_str(j, "paper_sha256", json_get_str(file, "digest"));
	json_put_str(j, "confirmed_by", actor);
	json_close(j, '}');
}

static void put_line(struct change *c, str giver_actor, struct json_out *j)
{
	struct buf hash = BUF_INIT(VAULT_NAME);
	static const struct {
		const char *key, *name;
	} plain[] = { { "given_at", "custody.given-at" }, { "received_at", "custody.received-at" },
		      { "purpose", "custody.purpose" },	  { "place", "custody.place" },
		      { "storage", "custody.storage" },	  { "shipping", "custody.shipping" } };
	hex_format(&hash, c->now->hash.b, sizeof(c->now->hash.b));
	json_open(j, '{');
	json_put_str(j, "custody", id_text(c->a, c->now->type_name, &c->now->id));
	json_put_i64(j, "version", (int64_t)c->now->version);
	json_put_str(j, "version_hash", buf_str(&hash));
	if (text(c, giver.person).n || text(c, giver.name).n)
		put_side(c, j, &giver, giver_actor);
	put_side(c, j, &receiver, c->now->author);
	for (size_t i = 0; i < COUNT_OF(plain); i++)
		if (text(c, plain[i].name).n)
			json_put_str(j, plain[i].key, text(c, plain[i].name));
	json_close(j, '}');
	buf_free(&hash);
}

static enum rc not_ahead(struct change *c, const char *name)
{
	int64_t us = meant_time(c->t, c->body, name);
	if (us != TIME_NONE && us > tx_now_us(c->tx) + AHEAD_US)
		return fail(c->err, RC_INPUT, "custody passes now or has passed: " STR_FMT " lies ahead",
			    STR_ARG(text(c, name)));
	return RC_OK;
}

/* It fits behind what the chain has; *first: it is the first. */
static enum rc fits(struct change *c, const struct uuid *exhibit, struct json_object *line, bool *first)
{
	char words[160];
	str last;
	bool found = false;
	struct json_object *before = NULL;
	enum rc rc = chain_last_custody(tx_conn(c->tx), exhibit, c->a, &last, &found, c->err);
	*first = !found;
	if (rc == RC_OK && last.n)
		rc = json_read(last, &before, c->err);
	if (rc != RC_OK)
		return rc;
	custody_gap(before, line, words, sizeof(words));
	json_free(before);
	return words[0] ? fail(c->err, RC_INPUT, "%s", words) : RC_OK;
}

static enum rc receive(struct change *c, const struct uuid *exhibit, str exhibit_id)
{
	bool had_given = c->before && state_means(c->t, c->before->state, "custody.given"), first = false;
	str giver_actor = STR("");
	struct buf b = BUF_INIT(CHAIN_LINE_MAX);
	struct json_out j = json_out(&b);
	struct json_object *line = NULL;
	enum rc rc = had_given ? given_by(c, &giver_actor) : RC_OK;
	if (rc == RC_OK && str_eq(giver_actor, c->now->author))
		rc = fail(c->err, RC_DENIED, "who confirmed as giver cannot confirm as receiver: it takes two persons");
	if (rc == RC_OK)
		rc = confirm(c, &receiver);
	if (rc == RC_OK)
		rc = not_ahead(c, "custody.received-at");
	if (rc == RC_OK) {
		put_line(c, giver_actor, &j);
		rc = b.over ? fail(c->err, RC_LIMIT, "the custody entry is too long") : json_read(buf_str(&b), &line, c->err);
	}
	if (rc == RC_OK)
		rc = fits(c, exhibit, line, &first);
	if (rc == RC_OK && !had_given && !first)
		rc = fail(c->err, RC_DENIED, "the giver must confirm first: it is in somebody's custody already");
	struct chain_new q = { .id = exhibit_id, .exhibit = *exhibit, .custody = c->now->id, .what = "custody",
			       .by = c->now->author, .members = buf_str(&b) };
	if (rc == RC_OK)
		rc = chain_add(c->tx, c->e->j, &q, c->err);
	json_free(line);
	buf_free(&b);
	return rc;
}

static enum rc custody_changed(struct change *c)
{
	str id = text(c, "custody.evidence"), type;
	struct uuid exhibit;
	str actor;
	enum rc rc = RC_OK;
	if (!record_id_parse(id, &type, &exhibit))
		return fail(c->err, RC_INPUT, "a custody entry names its exhibit");
	if (c->before && state_means(c->t, c->before->state, "custody.received") &&
	    !state_means(c->t, c->now->state, "custody.received"))
		return fail(c->err, RC_DENIED, "what was received stays so: make a new entry");
	if (enters(c, "custody.given")) {
		rc = not_ahead(c, "custody.given-at");
		if (rc == RC_OK)
			rc = confirm(c, &giver);
		return rc == RC_OK ? note_given(c) : rc;
	}
	if (enters(c, "custody.received"))
		return receive(c, &exhibit, id);
	if (state_means(c->t, c->now->state, "custody.given"))
		rc = given_by(c, &actor);
	return rc;
}

/* --- exhibits --- */

static enum rc chain_state(struct change *c, const struct record *from)
{
	struct buf b = BUF_INIT(KIB(8));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "from", from ? from->state_name : STR(""));
	json_put_str(&j, "to", c->now->state_name);
	if (c->now->why.n)
		json_put_str(&j, "why", str_head(c->now->why, 2000));
	json_close(&j, '}');
	struct chain_new q = { .id = id_text(c->a, c->now->type_name, &c->now->id), .exhibit = c->now->id,
			       .what = "state", .by = c->now->author, .members = buf_str(&b) };
	enum rc rc = chain_add(c->tx, c->e->j, &q, c->err);
	buf_free(&b);
	return rc;
}

static enum rc needs_custody(struct change *c)
{
	str line;
	bool found = false;
	enum rc rc = chain_last_custody(tx_conn(c->tx), &c->now->id, c->a, &line, &found, c->err);
	if (rc == RC_OK && !found)
		rc = fail(c->err, RC_INPUT, "nobody has it yet: make the first custody entry and confirm it");
	return rc;
}

/* An exhibit number stands for one thing in its case. */
static enum rc take_number(struct change *c)
{
	str parent = text(c, "evidence.case"), number = text(c, "evidence.exhibit");
	struct sql *q = sql(tx_conn(c->tx), "DELETE FROM evidence_number WHERE evidence = ?");
	sql_blob(q, 1, uuid_blob(&c->now->id));
	enum rc rc = sql_run(q, c->err);
	if (rc != RC_OK || !number.n)
		return rc;
	q = sql(tx_conn(c->tx), "INSERT OR IGNORE INTO evidence_number (parent, number, evidence) VALUES (?, ?, ?)");
	sql_str(q, 1, parent.n ? parent : STR(""));
	sql_str(q, 2, number);
	sql_blob(q, 3, uuid_blob(&c->now->id));
	rc = sql_run(q, c->err);
	if (rc == RC_OK && sql_changes(tx_conn(c->tx)) == 0)
		rc = fail(c->err, RC_INPUT, "the exhibit number '" STR_FMT "' is another exhibit's of this case", STR_ARG(number));
	return rc;
}

static enum rc exhibit_changed(struct change *c)
{
	enum rc rc = items_match(tx_conn(c->tx), c->t, &c->now->id, c->body, c->err);
	if (rc == RC_OK)
		rc = take_number(c);
	if (rc != RC_OK || (c->before && c->before->state == c->now->state))
		return rc;
	bool destroyed = enters(c, "evidence.destroyed");
	if (c->before && !destroyed && !state_means(c->t, c->now->state, "evidence.collected-state"))
		rc = needs_custody(c);
	if (rc == RC_OK && destroyed && c->now->labels.held)
		rc = fail(c->err, RC_DENIED, "the exhibit is under hold: lift it first");
	if (rc == RC_OK && destroyed)
		rc = held_check(tx_conn(c->tx), id_text(c->a, c->now->type_name, &c->now->id), c->err);
	if (rc == RC_OK && destroyed)
		rc = items_destroy(c->tx, &c->now->id, c->err);
	return rc == RC_OK ? chain_state(c, c->before) : rc;
}

enum rc evidence_changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			 const struct record *now, struct err *err)
{
	struct change c = { .tx = tx, .e = ctx, .before = before, .now = now, .t = now->type, .err = err };
	(void)r;
	if (now->erased || !(is_exhibit(now->type) || is_custody(now->type)))
		return RC_OK;
	c.a = arena_new(KIB(4));
	enum rc rc = json_read(now->body.n ? now->body : STR("{}"), &c.body, err);
	if (rc == RC_OK)
		rc = is_exhibit(now->type) ? exhibit_changed(&c) : custody_changed(&c);
	json_free(c.body);
	arena_free(c.a);
	return rc;
}
