/* SPDX-License-Identifier: Apache-2.0 */
#include "web/session.h"

#include "base/arena.h"
#include "base/queue.h"
#include "disclosure/seal.h"

struct entry {
	struct digest id; /* hash of what the cookie holds */
	struct session session;
	int64_t made_us, used_us;
	bool on;
};
struct slot {
	struct digest text;
	struct ticket ticket;
	int64_t made_us;
	bool on;
};

/* Whoever holds the token (a queue of one) owns the tables. */
struct sessions {
	struct queue *token;
	struct entry all[SESSIONS_MAX];
	struct slot tickets[TICKET_KINDS][SESSION_TICKETS_MAX];
};

struct sessions *sessions_new(void)
{
	struct sessions *s = x_alloc(sizeof *s);
	s->token = queue_new(1);
	(void)queue_put(s->token, s);
	return s;
}

void sessions_free(struct sessions *s)
{
	if (!s)
		return;
	queue_free(s->token);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		seal_ring_drop(s->all[i].session.ring);
	explicit_bzero(s, sizeof *s);
	free(s);
}

static void take(struct sessions *s)
{
	(void)queue_take(s->token);
}

static void give(struct sessions *s)
{
	(void)queue_put(s->token, s);
}

/* 192 random bits as text that may stand in a cookie, a form and a URL. */
static void random_text(char out[SESSION_TEXT_BYTES])
{
	uint8_t bytes[24];
	struct buf text = BUF_INIT(SESSION_TEXT_BYTES);
	random_bytes(bytes, sizeof bytes);
	base64url_format(&text, bytes, sizeof bytes);
	(void)str_to_z(buf_str(&text), out, SESSION_TEXT_BYTES);
	buf_free(&text);
}

static bool same(const struct digest *a, const struct digest *b)
{
	return str_eq_secret(str_mem(a->b, sizeof a->b), str_mem(b->b, sizeof b->b));
}

/* Whatever its memory held goes with it. */
static void wipe(struct entry *e)
{
	seal_ring_drop(e->session.ring);
	explicit_bzero(e, sizeof *e);
}

static bool over(const struct entry *e, int64_t now_us)
{
	return now_us - e->made_us >= SESSION_LIFE_US || now_us - e->used_us >= SESSION_IDLE_US;
}

static struct entry *find(struct sessions *s, str id)
{
	if (id.n == 0 || id.n >= SESSION_TEXT_BYTES)
		return NULL;
	struct digest hash = sha256(id);
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		if (s->all[i].on && same(&s->all[i].id, &hash))
			return &s->all[i];
	}
	return NULL;
}

/* A free place, one whose time is over, or the one idle longest. */
static struct entry *place(struct sessions *s, int64_t now_us)
{
	struct entry *oldest = &s->all[0];
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct entry *e = &s->all[i];
		if (!e->on || over(e, now_us))
			return e;
		if (e->used_us < oldest->used_us)
			oldest = e;
	}
	return oldest;
}

static void make(struct sessions *s, struct session session, int64_t now_us, char id_out[SESSION_TEXT_BYTES])
{
	struct entry fresh = { .session = session, .made_us = now_us, .used_us = now_us, .on = true };
	random_text(id_out);
	random_text(fresh.session.csrf);
	fresh.id = sha256(str_of(id_out));
	take(s);
	struct entry *to = place(s, now_us);
	wipe(to);
	*to = fresh;
	give(s);
}

void sessions_make(struct sessions *s, int64_t token, int64_t now_us, char id_out[SESSION_TEXT_BYTES])
{
	make(s, (struct session){ .token = token }, now_us, id_out);
}

void sessions_make_account(struct sessions *s, int64_t account, int64_t secrets, bool enrols,
			   int64_t now_us, char id_out[SESSION_TEXT_BYTES])
{
	make(s, (struct session){ .account = account, .secrets = secrets, .enrols = enrols }, now_us, id_out);
}

bool sessions_renew(struct sessions *s, str id, struct seal_ring *ring, int64_t now_us,
		    char id_out[SESSION_TEXT_BYTES])
{
	take(s);
	struct entry *e = find(s, id);
	bool good = e && !over(e, now_us);
	if (good) {
		random_text(id_out);
		random_text(e->session.csrf);
		e->id = sha256(str_of(id_out));
		if (ring) {
			seal_ring_drop(e->session.ring);
			e->session.ring = ring;
			ring = NULL;
		}
	}
	give(s);
	seal_ring_drop(ring); /* there is no session to keep it */
	return good;
}

bool sessions_find(struct sessions *s, str id, int64_t now_us, struct session *out)
{
	take(s);
	struct entry *e = find(s, id);
	bool good = e && !over(e, now_us);
	if (good) {
		e->used_us = now_us;
		*out = e->session;
		out->ring = seal_ring_hold(e->session.ring);
	} else if (e) {
		wipe(e);
	}
	give(s);
	return good;
}

void sessions_end(struct sessions *s, str id)
{
	take(s);
	struct entry *e = find(s, id);
	if (e)
		wipe(e);
	give(s);
}

size_t sessions_count(struct sessions *s)
{
	size_t n = 0;
	take(s);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		n += s->all[i].on;
	give(s);
	return n;
}

/* --- tickets --- */

void sessions_ticket_make(struct sessions *s, enum ticket_kind kind, const struct ticket *t,
			  int64_t now_us, char text_out[SESSION_TEXT_BYTES])
{
	random_text(text_out);
	take(s);
	struct slot *to = &s->tickets[kind][0];
	for (size_t i = 0; i < SESSION_TICKETS_MAX && to->on; i++) {
		struct slot *l = &s->tickets[kind][i];
		if (!l->on || l->made_us < to->made_us)
			to = l;
	}
	*to = (struct slot){ sha256(str_of(text_out)), *t, now_us, true };
	give(s);
}

static bool use(struct sessions *s, enum ticket_kind kind, str text, int64_t now_us, bool keep,
		struct ticket *out)
{
	bool good = false;
	struct digest hash = sha256(text);
	take(s);
	for (size_t i = 0; i < SESSION_TICKETS_MAX; i++) {
		struct slot *l = &s->tickets[kind][i];
		if (!l->on || !same(&l->text, &hash))
			continue;
		good = now_us - l->made_us < SESSION_LINK_US;
		*out = l->ticket;
		if (!good || !keep || l->ticket.left <= 1)
			explicit_bzero(l, sizeof *l);
		else
			l->ticket.left--;
	}
	give(s);
	return good;
}

bool sessions_ticket_use(struct sessions *s, enum ticket_kind kind, str text, int64_t now_us,
			 struct ticket *out)
{
	return use(s, kind, text, now_us, false, out);
}

bool sessions_ticket_try(struct sessions *s, enum ticket_kind kind, str text, int64_t now_us,
			 struct ticket *out)
{
	return use(s, kind, text, now_us, true, out);
}
