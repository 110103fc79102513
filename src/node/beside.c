/* SPDX-License-Identifier: Apache-2.0 */
#include "node/beside.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/fetch.h"

enum { WAIT_MS = 5000, ASK_MS = 1000 };

static const char *const states[] = { "runs", "cut", "off" };

const char *beside_state_name(enum beside_state s)
{
	return states[s];
}

bool beside_any(const struct node *n)
{
	return n->demo && n->beside;
}

/* --- whoever started us --- */

static int reach(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int s = -1;
	if (str_to_z(str_of(path), at.sun_path, sizeof at.sun_path))
		s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s >= 0 && connect(s, (struct sockaddr *)&at, sizeof at) != 0) {
		close(s);
		return -1;
	}
	return s;
}

/* One line there, all that comes back. */
static enum rc call(const struct node *n, str line, struct buf *out, struct err *err)
{
	char part[4096];
	ssize_t got = 0;
	if (!beside_any(n))
		return fail(err, RC_ABSENT, "no other team stands beside this node: './run' starts three");
	int s = reach(n->beside);
	if (s < 0)
		return fail(err, RC_BUSY, "whoever started this node with others is not there any more");
	bool said = send(s, line.p, line.n, MSG_NOSIGNAL) == (ssize_t)line.n && shutdown(s, SHUT_WR) == 0;
	struct pollfd p = { .fd = s, .events = POLLIN };
	while (said && poll(&p, 1, WAIT_MS) > 0 && (got = recv(s, part, sizeof part, 0)) > 0)
		buf_add(out, (str){ part, (size_t)got });
	close(s);
	if (!said || got != 0 || out->n == 0 || out->over)
		return fail(err, RC_BUSY, "whoever started this node with others does not answer");
	return RC_OK;
}

static enum rc call_json(const struct node *n, str line, struct json_object **out, struct err *err)
{
	struct buf text = BUF_INIT(BESIDE_LINE_MOST);
	*out = NULL;
	enum rc rc = call(n, line, &text, err);
	if (rc == RC_OK)
		rc = json_read(buf_str(&text), out, err);
	buf_free(&text);
	str words = rc == RC_OK ? json_get_str(*out, "error") : STR_NONE;
	if (words.n > 0) {
		rc = fail(err, RC_ABSENT, STR_FMT, STR_ARG(words));
		json_free(*out);
		*out = NULL;
	}
	return rc;
}

static void read_team(const struct node *n, struct json_object *o, struct arena *a, struct beside_team *t)
{
	int64_t number = 0;
	str state = json_get_str(o, "state");
	(void)json_get_i64(o, "number", &number);
	*t = (struct beside_team){ .number = (unsigned)number, .name = arena_str(a, json_get_str(o, "name")),
				   .address = arena_str(a, json_get_str(o, "address")),
				   .token = arena_str(a, json_get_str(o, "token")), .state = BESIDE_OFF,
				   .self = str_eq(json_get_str(o, "dir"), str_of(n->dir)) };
	for (size_t i = 0; i < COUNT_OF(states); i++)
		if (str_eq(state, str_of(states[i])))
			t->state = (enum beside_state)i;
}

enum rc beside_teams(const struct node *n, struct arena *a, struct beside_team **out, size_t *count_out, struct err *err)
{
	struct json_object *o = NULL;
	*out = NULL;
	*count_out = 0;
	enum rc rc = call_json(n, STR("teams\n"), &o, err);
	if (rc != RC_OK)
		return rc;
	struct json_object *list = json_get(o, "teams");
	size_t count = json_count(list);
	if (count > BESIDE_MOST)
		count = BESIDE_MOST;
	*out = arena_array(a, count ? count : 1, sizeof **out);
	for (size_t i = 0; i < count; i++)
		read_team(n, json_at(list, i), a, &(*out)[i]);
	*count_out = count;
	json_free(o);
	return RC_OK;
}

enum rc beside_cut(const struct node *n, unsigned number, bool cut, struct err *err)
{
	char line[32];
	struct json_object *o = NULL;
	int len = snprintf(line, sizeof line, "%s %u\n", cut ? "cut" : "mend", number);
	enum rc rc = call_json(n, (str){ line, (size_t)len }, &o, err);
	json_free(o);
	return rc;
}

/* --- what a team's own node says --- */

/* `form` NULL: GET. */
static enum rc ask(const struct beside_team *t, str path, const struct buf *form, struct arena *a,
		   struct json_object **out, struct err *err)
{
	struct fetcher *f = NULL;
	*out = NULL;
	if (t->state != BESIDE_RUNS || t->token.n == 0)
		return fail(err, RC_BUSY, STR_FMT " does not answer", STR_ARG(t->name));
	enum rc rc = fetch_new(NULL, &f, err);
	if (rc == RC_OK)
		rc = fetch_exempt(f, "beside", t->address, err);
	struct fetch_request q = { .purpose = "beside", .url = arena_fmt(a, STR_FMT STR_FMT, STR_ARG(t->address), STR_ARG(path)),
				   .authorization = arena_fmt(a, "Bearer " STR_FMT, STR_ARG(t->token)),
				   .accept = "application/json", .form = form,
				   .limits = { .total_ms = ASK_MS, .connect_ms = ASK_MS } };
	if (rc == RC_OK)
		rc = fetch_json(f, &q, a, out, err);
	fetch_free(f);
	return rc;
}

enum rc beside_ask(const struct beside_team *t, str path, struct arena *a, struct json_object **out, struct err *err)
{
	return ask(t, path, NULL, a, out, err);
}

enum rc beside_link(const struct beside_team *t, struct arena *a, str *out, struct err *err)
{
	struct json_object *o = NULL;
	struct buf form = BUF_INIT(64);
	fetch_form(&form, "as", STR("Lead A"));
	enum rc rc = ask(t, STR("/tour/link"), &form, a, &o, err);
	buf_free(&form);
	*out = rc == RC_OK ? arena_str(a, json_get_str(o, "link")) : STR("");
	json_free(o);
	if (rc == RC_OK && !str_starts(*out, t->address))
		rc = fail(err, RC_INPUT, STR_FMT " gave no link", STR_ARG(t->name));
	return rc;
}
