/* SPDX-License-Identifier: Apache-2.0 */
#include "web/session.h"

#include "base/arena.h"
#include "base/queue.h"

struct entry {
	struct digest id; /* hash of what the cookie holds */
	struct session session;
	int64_t made_us, used_us;
	bool on;
};
struct link {
	struct digest text;
	int64_t token, made_us;
	bool on;
};

/* Whoever holds the token (a queue of one) owns the tables. */
struct sessions {
	struct queue *token;
	struct entry all[SESSIONS_MAX];
	struct link links[SESSION_LINKS_MAX];
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

void sessions_make(struct sessions *s, int64_t token, int64_t now_us, char id_out[SESSION_TEXT_BYTES])
{
	struct entry fresh = { .session = { .token = token }, .made_us = now_us, .used_us = now_us,
			       .on = true };
	random_text(id_out);
	random_text(fresh.session.csrf);
	fresh.id = sha256(str_of(id_out));
	take(s);
	*place(s, now_us) = fresh;
	give(s);
}

bool sessions_find(struct sessions *s, str id, int64_t now_us, struct session *out)
{
	take(s);
	struct entry *e = find(s, id);
	bool good = e && !over(e, now_us);
	if (good) {
		e->used_us = now_us;
		*out = e->session;
	} else if (e) {
		*e = (struct entry){ 0 };
	}
	give(s);
	return good;
}

void sessions_end(struct sessions *s, str id)
{
	take(s);
	struct entry *e = find(s, id);
	if (e)
		*e = (struct entry){ 0 };
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

void sessions_link_make(struct sessions *s, int64_t token, int64_t now_us,
			char text_out[SESSION_TEXT_BYTES])
{
	random_text(text_out);
	take(s);
	struct link *to = &s->links[0];
	for (size_t i = 0; i < SESSION_LINKS_MAX; i++) {
		struct link *l = &s->links[i];
		if (!l->on || l->made_us < to->made_us)
			to = l;
		if (!l->on)
			break;
	}
	*to = (struct link){ sha256(str_of(text_out)), token, now_us, true };
	give(s);
}

bool sessions_link_use(struct sessions *s, str text, int64_t now_us, int64_t *token_out)
{
	bool good = false;
	struct digest hash = sha256(text);
	take(s);
	for (size_t i = 0; i < SESSION_LINKS_MAX; i++) {
		struct link *l = &s->links[i];
		if (!l->on || !same(&l->text, &hash))
			continue;
		good = now_us - l->made_us < SESSION_LINK_US;
		*token_out = l->token;
		*l = (struct link){ 0 };
	}
	give(s);
	return good;
}
