/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/account.h"

#include "base/test.h"
#include "base/test_dir.h"

static struct err err;

struct house {
	struct test_dir dir;
	struct store *store;
	struct journal *journal;
	struct roles *roles;
	struct arena *a;
};

static struct house begin(void)
{
	struct house h = { .dir = test_dir_new(), .a = arena_new(KIB(16)) };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(h.dir.path, "Team", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(h.dir.path, NULL, NULL, &h.store, &err), RC_OK, err);
	CHECK_RC(journal_open(h.store, &h.journal, &err), RC_OK, err);
	CHECK_RC(roles_load(NULL, &h.roles, &err), RC_OK, err);
	return h;
}

static void end(struct house *h)
{
	roles_free(h->roles);
	journal_close(h->journal);
	store_close(h->store);
	arena_free(h->a);
	test_dir_end(&h->dir);
}

struct job {
	struct house *h;
	enum { MAKE, ROLES, UNIX, DISABLE, ENABLE, LARGE, SMALL, HURT, ORPHAN } what;
	struct account_new n;
	int64_t id, uid;
	uint32_t roles;
};

static enum rc run_job(struct tx *tx, void *ctx, struct err *e)
{
	struct job *job = ctx;
	struct journal *j = job->h->journal;
	const struct roles *r = job->h->roles;
	switch (job->what) {
	case MAKE: return account_make(tx, j, r, &job->n, STR("unix:7"), &job->id, e);
	case ROLES: return account_set_roles(tx, j, r, job->id, job->roles, STR("unix:7"), e);
	case UNIX: return account_set_unix(tx, j, job->id, job->uid, STR("unix:7"), e);
	case DISABLE: return account_disable(tx, j, job->id, true, STR("unix:7"), e);
	case ENABLE: return account_disable(tx, j, job->id, false, STR("unix:7"), e);
	case LARGE: return team_size_set(tx, j, TEAM_LARGE, STR("unix:7"), e);
	case SMALL: return team_size_set(tx, j, TEAM_SMALL, STR("unix:7"), e);
	/* what only a damaged or foreign store holds */
	case HURT: return sql_run(sql(tx_conn(tx), "UPDATE account SET organisation = x'01'"), e);
	case ORPHAN: return sql_run(sql(tx_conn(tx), "UPDATE token_account SET account = 99"), e);
	}
	return RC_IO;
}

static uint32_t bits(struct house *h, const char *names)
{
	uint32_t roles = 0;
	CHECK_RC(roles_parse(h->roles, str_of(names), &roles, &err), RC_OK, err);
	return roles;
}

static enum rc make_shown(struct house *h, const char *name, const char *display, const char *roles, bool ours,
			  int64_t uid, int64_t *id)
{
	struct job job = { .h = h, .what = MAKE, .n = { .name = str_of(name), .roles = bits(h, roles),
							.unix_uid = uid } };
	if (display)
		job.n.display = str_of(display);
	if (!ours)
		job.n.organisation = uuid_random();
	enum rc rc = store_write(h->store, run_job, &job, &err);
	*id = job.id;
	return rc;
}

static enum rc make(struct house *h, const char *name, const char *roles, bool ours, int64_t uid,
		    int64_t *id)
{
	return make_shown(h, name, NULL, roles, ours, uid, id);
}

static enum rc viewer_of(struct house *h, int64_t id, struct viewer *v)
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(h->store, &r, &err), RC_OK, err);
	enum rc rc = account_viewer(reader_conn(r), h->roles, id, CHANNEL_SCREEN, v, &err);
	store_read_end(r);
	return rc;
}

static enum rc by_name(struct house *h, const char *name, struct account *out)
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(h->store, &r, &err), RC_OK, err);
	enum rc rc = account_by_name(reader_conn(r), h->roles, str_of(name), h->a, out, &err);
	store_read_end(r);
	return rc;
}

TEST(names_are_one_however_written)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "Lead A", "lead a", true },
		{ "lead", "  lead ", true },
		{ "ＬＥＡＤ", "lead", true },                     /* full width */
		{ "stra\xc3\x9f" "e", "STRASSE", true },           /* sharp s */
		{ "caf\xc3\xa9", "cafe\xcc\x81", true },           /* composed and not */
		{ "\xef\xac\x81t", "FIT", true },                  /* ligature */
		{ "lead", "leda", false },
		{ "\xe0\xb8\x81", "\xe0\xb8\x82", false },         /* Thai ko kai, kho khai */
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf a = BUF_INIT(KIB(1)), b = BUF_INIT(KIB(1));
		CHECK_RC(account_fold(str_of(cases[i].a), &a, &err), RC_OK, err);
		CHECK_RC(account_fold(str_of(cases[i].b), &b, &err), RC_OK, err);
		CHECK_MSG(str_eq(buf_str(&a), buf_str(&b)) == cases[i].same, "%s, %s", cases[i].a, cases[i].b);
		buf_free(&a);
		buf_free(&b);
	}
}

/* Folding makes no control character of a plain one: whatever is a name can be written anywhere. */
TEST(folded_is_plain)
{
	struct buf b = BUF_INIT(ACCOUNT_FOLDED_MAX);
	for (uint32_t c = 0x20; c <= 0x10ffff; c++) {
		char text[4];
		size_t n = 0;
		if (c < 0x80)
			text[n++] = (char)c;
		else if (c < 0x800)
			text[n++] = (char)(0xc0 | c >> 6);
		else if (c < 0x10000)
			text[n++] = (char)(0xe0 | c >> 12);
		else
			text[n++] = (char)(0xf0 | c >> 18);
		for (int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3; more-- > 0;)
			text[n++] = (char)(0x80 | (c >> 6 * more & 0x3f));
		buf_reset(&b);
		if (account_fold(str_mem(text, n), &b, &err) == RC_OK && (!b.n || !str_is_plain(buf_str(&b))))
			CHECK_MSG(false, "U+%04X", (unsigned)c);
	}
	buf_free(&b);
}

/* U+FDFA becomes eighteen characters: two such names must not be one because both were cut. */
TEST(names_that_grow)
{
	enum { EACH = 33 }; /* bytes folded */
	struct buf name = BUF_INIT(KIB(1)), folded = BUF_INIT(ACCOUNT_FOLDED_MAX);
	for (size_t n = 1; n <= ACCOUNT_NAME_MAX; n++) {
		buf_add(&name, STR("\xef\xb7\xba"));
		buf_reset(&folded);
		bool fits = n * EACH <= ACCOUNT_FOLDED_MAX;
		CHECK_MSG(account_fold(buf_str(&name), &folded, &err) == (fits ? RC_OK : RC_INPUT), "%zu", n);
		CHECK_INT(folded.n, fits ? n * EACH : 0);
	}
	buf_free(&name);
	buf_free(&folded);
}

TEST(no_names)
{
	static char many_bytes[ACCOUNT_NAME_MAX * 4 + 2];
	memset(many_bytes, 'a', sizeof(many_bytes) - 1);
	static const char long_name[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static const char *const bad[] = { "", " ", "\xc2\xa0", "a\nb", "a\tb", "a\x7f", "\xff\xfe", long_name,
					 many_bytes };
	struct buf b = BUF_INIT(KIB(1));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK_MSG(account_fold(str_of(bad[i]), &b, &err) == RC_INPUT, "case %zu", i);
	CHECK(b.n == 0);
	CHECK_RC(account_fold(str_of(long_name + 1), &b, &err), RC_OK, err);
	buf_free(&b);
}

TEST(only_sound_accounts)
{
	static char too_long[202];
	static const struct {
		const char *name, *roles;
		bool ours;
		int64_t uid;
		enum rc rc;
		const char *display;
	} cases[] = {
		{ "Lead A", "lead", true, 1000, RC_OK, NULL },
		{ "LEAD a", "analyst", true, -1, RC_CONFLICT, NULL },
		{ "Analyst A", "analyst", true, 1000, RC_CONFLICT, NULL },
		{ "Analyst A", "analyst", true, -1, RC_OK, NULL },
		{ "nobody", "", true, -1, RC_INPUT, NULL },
		{ "a\rb", "analyst", true, -1, RC_INPUT, NULL },
		{ "guest", "constituent", true, -1, RC_INPUT, NULL },
		{ "guest", "analyst", false, -1, RC_INPUT, NULL },
		{ "guest", "constituent analyst", false, -1, RC_INPUT, NULL },
		{ "guest", "constituent", false, -1, RC_OK, NULL },
		{ "far", "viewer", true, INT64_C(1) << 32, RC_INPUT, NULL },
		{ "shown", "viewer", true, -1, RC_INPUT, "a\nb" },
		{ "shown", "viewer", true, -1, RC_INPUT, too_long },
		{ "shown", "viewer", true, -1, RC_OK, too_long + 1 },
		{ "shown as well", "viewer", true, -1, RC_OK, " Duty phone " },
	};
	struct house h = begin();
	memset(too_long, 'x', 201);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t id = 0;
		enum rc rc = make_shown(&h, cases[i].name, cases[i].display, cases[i].roles, cases[i].ours,
					cases[i].uid, &id);
		CHECK_MSG(rc == cases[i].rc && (rc == RC_OK) == (id > 0), "%s (%s): %s", cases[i].name,
			  cases[i].roles, rc_name(rc));
	}
	struct account *list = NULL;
	size_t n = 0;
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(h.store, &r, &err), RC_OK, err);
	CHECK_RC(account_list(reader_conn(r), h.roles, h.a, &list, &n, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(n, 5);
	CHECK_STR(list[3].display, str_of(too_long + 1));
	CHECK_STR(list[4].display, STR("Duty phone"));
	CHECK_STR(list[2].name, STR("Lead A"));
	CHECK_STR(list[2].display, STR("Lead A"));
	CHECK_INT(list[2].unix_uid, 1000);
	CHECK_INT(list[0].unix_uid, -1);
	CHECK(!uuid_is_zero(&list[1].organisation) && uuid_is_zero(&list[0].organisation));
	struct account found;
	CHECK_RC(by_name(&h, "lEAD A", &found), RC_OK, err);
	CHECK_INT(found.id, list[2].id);
	CHECK_RC(by_name(&h, "lead b", &found), RC_ABSENT, err);
	CHECK_RC(by_name(&h, "", &found), RC_ABSENT, err);
	end(&h);
}

TEST(what_roles_add_up_to)
{
	static const struct {
		const char *roles;
		enum right right;
		enum tlp ceiling;
		bool basis, no_case, manages, journal;
	} cases[] = {
		{ "viewer", RIGHT_READ, TLP_AMBER, false, false, false, false },
		{ "analyst", RIGHT_READ, TLP_AMBER_STRICT, true, false, false, false },
		{ "duty", RIGHT_OPERATE, TLP_RED, true, false, false, false },
		{ "lead", RIGHT_OPERATE, TLP_RED, true, false, false, false },
		{ "liaison", RIGHT_READ, TLP_AMBER, false, false, false, false },
		{ "protection", RIGHT_READ, TLP_RED, true, false, false, false },
		{ "auditor", RIGHT_READ, TLP_AMBER_STRICT, false, false, false, true },
		{ "administrator", RIGHT_OPERATE, TLP_AMBER, false, true, true, true },
		{ "administrator viewer", RIGHT_OPERATE, TLP_AMBER, false, false, true, true },
		{ "lead protection", RIGHT_OPERATE, TLP_RED, true, false, false, false },
		{ "viewer lead administrator", RIGHT_OPERATE, TLP_RED, true, false, true, true },
		{ "constituent", RIGHT_SIGNED_IN, TLP_AMBER, false, false, false, false },
	};
	struct house h = begin();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct viewer v;
		int64_t id = 0;
		bool outside = str_eq(str_of(cases[i].roles), STR("constituent"));
		CHECK_RC(make(&h, cases[i].roles, cases[i].roles, !outside, -1, &id), RC_OK, err);
		CHECK_RC(viewer_of(&h, id, &v), RC_OK, err);
		CHECK_MSG(v.right == cases[i].right && v.as.ceiling == cases[i].ceiling &&
			  v.as.personal_basis == cases[i].basis && v.reads_no_case == cases[i].no_case &&
			  viewer_manages_accounts(&v, h.roles) == cases[i].manages &&
			  viewer_reads_journal(&v, h.roles) == cases[i].journal, "%s", cases[i].roles);
		CHECK_INT(v.as.kind, outside ? RECIPIENT_CONSTITUENT : RECIPIENT_STAFF);
		CHECK(v.exercise == !outside && v.as.exercise_member == !outside && v.as.named);
		CHECK_INT(v.account, id);
		CHECK_INT(v.roles, bits(&h, cases[i].roles));
		CHECK_INT(v.channel, CHANNEL_SCREEN);
	}
	struct viewer owner = viewer_owner(7), anyone = viewer_public(CHANNEL_CLI);
	CHECK(viewer_manages_accounts(&owner, h.roles) && !viewer_manages_accounts(&anyone, h.roles));
	owner.channel = CHANNEL_API; /* a token that operates is no owner */
	CHECK(!viewer_manages_accounts(&owner, h.roles) && !viewer_reads_journal(&owner, h.roles));
	owner = viewer_owner(7);
	CHECK(viewer_reads_journal(&owner, h.roles));
	end(&h);
}

static enum rc change(struct house *h, struct job job)
{
	job.h = h;
	return store_write(h->store, run_job, &job, &err);
}

TEST(changes)
{
	struct house h = begin();
	struct viewer v;
	struct account a;
	int64_t id = 0, guest = 0;
	CHECK_RC(make(&h, "Lead A", "lead", true, -1, &id), RC_OK, err);
	CHECK_RC(make(&h, "Guest", "constituent", false, -1, &guest), RC_OK, err);
	CHECK_RC(change(&h, (struct job){ .what = ROLES, .id = id, .roles = bits(&h, "viewer") }), RC_OK, err);
	CHECK_RC(viewer_of(&h, id, &v), RC_OK, err);
	CHECK_INT(v.right, RIGHT_READ);
	CHECK_RC(change(&h, (struct job){ .what = ROLES, .id = id }), RC_INPUT, err);
	CHECK_RC(change(&h, (struct job){ .what = ROLES, .id = id, .roles = UINT32_C(1) << 20 }), RC_INPUT, err);
	CHECK_RC(change(&h, (struct job){ .what = UNIX, .id = id, .uid = INT64_C(1) << 32 }), RC_INPUT, err);
	CHECK_RC(change(&h, (struct job){ .what = ROLES, .id = 99, .roles = 1 }), RC_ABSENT, err);
	CHECK_RC(change(&h, (struct job){ .what = ROLES, .id = guest, .roles = 1 }), RC_INPUT, err);
	CHECK_RC(change(&h, (struct job){ .what = UNIX, .id = id, .uid = 1001 }), RC_OK, err);
	CHECK_RC(change(&h, (struct job){ .what = UNIX, .id = guest, .uid = 1001 }), RC_CONFLICT, err);
	CHECK_RC(change(&h, (struct job){ .what = UNIX, .id = 99, .uid = 1002 }), RC_ABSENT, err);

	struct reader *r = NULL;
	bool any = false;
	CHECK_RC(store_read_begin(h.store, &r, &err), RC_OK, err);
	CHECK_RC(account_viewer_unix(reader_conn(r), h.roles, 1001, &v, &err), RC_OK, err);
	CHECK_STR(str_of(v.actor), STR("account:1"));
	CHECK_INT(v.channel, CHANNEL_CLI);
	CHECK_RC(account_viewer_unix(reader_conn(r), h.roles, 1002, &v, &err), RC_ABSENT, err);
	CHECK_RC(account_any_unix(reader_conn(r), 1000, &any, &err), RC_OK, err);
	CHECK(any);
	CHECK_RC(account_any_unix(reader_conn(r), 1001, &any, &err), RC_OK, err);
	CHECK(!any);
	enum team_size size = TEAM_LARGE;
	CHECK_RC(team_size_get(reader_conn(r), &size, &err), RC_OK, err);
	CHECK_INT(size, TEAM_SMALL);
	store_read_end(r);

	CHECK_RC(by_name(&h, "Lead A", &a), RC_OK, err);
	int64_t secrets = a.secrets;
	CHECK_RC(change(&h, (struct job){ .what = DISABLE, .id = id }), RC_OK, err);
	CHECK_RC(viewer_of(&h, id, &v), RC_DENIED, err);
	CHECK_RC(by_name(&h, "Lead A", &a), RC_OK, err);
	CHECK(a.disabled && a.secrets > secrets); /* sessions end */
	CHECK_RC(change(&h, (struct job){ .what = ENABLE, .id = id }), RC_OK, err);
	CHECK_RC(viewer_of(&h, id, &v), RC_OK, err);
	CHECK_RC(viewer_of(&h, 99, &v), RC_ABSENT, err);
	CHECK_RC(change(&h, (struct job){ .what = SMALL }), RC_OK, err);
	CHECK_RC(store_read_begin(h.store, &r, &err), RC_OK, err);
	CHECK_RC(team_size_get(reader_conn(r), &size, &err), RC_OK, err);
	CHECK_INT(size, TEAM_SMALL);
	/* sessions carry what they knew of the account: as it is, as it was, or nothing */
	CHECK_RC(by_name(&h, "Lead A", &a), RC_OK, err);
	static const struct { int64_t less; enum rc rc; } known[] = { { 0, RC_OK }, { 1, RC_DENIED } };
	for (size_t i = 0; i < COUNT_OF(known); i++)
		CHECK_RC(account_viewer_again(reader_conn(r), h.roles, id, a.secrets - known[i].less, CHANNEL_SCREEN, &v,
					      &err), known[i].rc, err);
	CHECK_RC(account_viewer_again(reader_conn(r), h.roles, id, -1, CHANNEL_SCREEN, &v, &err), RC_OK, err);
	store_read_end(r);
	CHECK_RC(change(&h, (struct job){ .what = LARGE }), RC_OK, err);
	CHECK_RC(change(&h, (struct job){ .what = UNIX, .id = id, .uid = -1 }), RC_OK, err);

	struct journal_line *lines = NULL;
	size_t n = 0;
	CHECK_RC(store_read_begin(h.store, &r, &err), RC_OK, err);
	CHECK_RC(team_size_get(reader_conn(r), &size, &err), RC_OK, err);
	CHECK_INT(size, TEAM_LARGE);
	CHECK_RC(journal_list(reader_conn(r), 0, 50, h.a, &lines, &n, &err), RC_OK, err);
	store_read_end(r);
	static const char *const acts[] = { "account.unix", "team", "team", "account.enable", "account.disable", "account.unix",
					    "account.roles", "account.make", "account.make" };
	CHECK_INT(n, COUNT_OF(acts)); /* what was refused left no line */
	for (size_t i = 0; i < n; i++)
		CHECK_STR(lines[i].act, str_of(acts[i]));
	CHECK_STR(lines[0].body, STR("{\"uid\":-1}"));
	CHECK_STR(lines[1].body, STR("{\"size\":\"large\"}"));
	CHECK_STR(lines[2].body, STR("{\"size\":\"small\"}"));
	CHECK_STR(lines[6].body, STR("{\"roles\":\"viewer\"}"));
	CHECK_STR(lines[8].object, STR("account:1"));
	CHECK_RC(by_name(&h, "Lead A", &a), RC_OK, err);
	CHECK_INT(a.unix_uid, -1);
	/* an organisation that is no identifier is none */
	CHECK_RC(by_name(&h, "Guest", &a), RC_OK, err);
	CHECK(!uuid_is_zero(&a.organisation));
	CHECK_RC(change(&h, (struct job){ .what = HURT }), RC_OK, err);
	CHECK_RC(by_name(&h, "Guest", &a), RC_OK, err);
	CHECK(uuid_is_zero(&a.organisation));
	end(&h);
}

/* As many roles as there are bits, two of them outside; and more accounts than fit at once. */
TEST(all_the_roles_there_can_be)
{
	struct house h = begin();
	struct viewer v;
	struct buf b = BUF_INIT(KIB(8));
	struct roles *more = NULL;
	char path[512];
	struct io_dir *dir = NULL;
	int64_t id = 0;
	buf_add(&b, STR("{\"partner\":{\"label\":{\"en\":\"x\"},\"help\":{\"en\":\"x\"},\"outside\":true}"));
	for (int i = 10; i < 32; i++)
		buf_fmt(&b, ",\"r%d\":{\"label\":{\"en\":\"x\"},\"help\":{\"en\":\"x\"},\"right\":\"read\"}", i);
	buf_char(&b, '}');
	CHECK_RC(io_dir_open(h.dir.path, &dir, &err), RC_OK, err);
	CHECK_RC(io_replace_file(dir, "roles.json", buf_str(&b), &err), RC_OK, err);
	io_dir_close(dir);
	buf_free(&b);
	CHECK_RC(roles_load(test_dir_in(&h.dir, path, "roles.json"), &more, &err), RC_OK, err);
	roles_free(h.roles);
	h.roles = more;
	CHECK_INT(roles_count(more), 32);
	CHECK_RC(make(&h, "Partner A", "constituent partner", false, -1, &id), RC_OK, err);
	CHECK_RC(viewer_of(&h, id, &v), RC_OK, err);
	CHECK_INT(v.as.kind, RECIPIENT_CONSTITUENT);
	CHECK_RC(make(&h, "Last", "r31", true, -1, &id), RC_OK, err);
	CHECK_RC(viewer_of(&h, id, &v), RC_OK, err);
	CHECK_INT(v.right, RIGHT_READ);
	CHECK_INT(v.roles, UINT32_C(1) << 31);
	for (int i = 0; i < 40; i++) {
		char name[32];
		snprintf(name, sizeof(name), "person %02d", i);
		CHECK_RC(make(&h, name, "r10", true, -1, &id), RC_OK, err);
	}
	struct account *list = NULL;
	size_t n = 0;
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(h.store, &r, &err), RC_OK, err);
	CHECK_RC(account_list(reader_conn(r), h.roles, h.a, &list, &n, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(n, 42);
	CHECK_STR(list[0].name, STR("Last"));
	CHECK_STR(list[17].name, STR("person 15"));
	CHECK_STR(list[41].name, STR("person 39"));
	end(&h);
}

/* A role that is in the rows but no more in the files gives nothing. */
TEST(a_role_that_is_gone)
{
	struct house h = begin();
	struct viewer v;
	int64_t id = 0;
	struct roles *more = NULL;
	char path[512];
	struct io_dir *dir = NULL;
	CHECK_RC(io_dir_open(h.dir.path, &dir, &err), RC_OK, err);
	CHECK_RC(io_replace_file(dir, "roles.json",
				 STR("{\"press\":{\"label\":{\"en\":\"x\"},\"help\":{\"en\":\"x\"},\"right\":\"operate\"}}"),
				 &err), RC_OK, err);
	io_dir_close(dir);
	CHECK_RC(roles_load(test_dir_in(&h.dir, path, "roles.json"), &more, &err), RC_OK, err);
	struct roles *plain = h.roles;
	h.roles = more;
	CHECK_RC(make(&h, "Writer", "press", true, -1, &id), RC_OK, err);
	CHECK_RC(viewer_of(&h, id, &v), RC_OK, err);
	CHECK_INT(v.right, RIGHT_OPERATE);
	h.roles = plain;
	CHECK_RC(viewer_of(&h, id, &v), RC_DENIED, err);
	roles_free(more);
	end(&h);
}

struct token_job {
	struct house *h;
	struct token_new t;
	char text[TOKEN_TEXT_BYTES];
	int64_t id;
};

static enum rc make_token(struct tx *tx, void *ctx, struct err *e)
{
	struct token_job *j = ctx;
	j->t.expires_us = tx_now_us(tx) + DAY_US;
	return token_make(tx, j->h->journal, &j->t, STR("test"), j->text, sizeof(j->text), &j->id, e);
}

/* A token carries the roles of its account and no more than either of the two may. */
TEST(tokens_of_accounts)
{
	static const struct {
		const char *roles;
		enum right right, want_right;
		enum tlp ceiling, want_ceiling;
		bool basis, want_basis, reads_only;
	} cases[] = {
		{ "lead", RIGHT_READ, RIGHT_READ, TLP_GREEN, TLP_GREEN, false, false, true },
		{ "lead", RIGHT_OPERATE, RIGHT_OPERATE, TLP_RED, TLP_RED, true, true, false },
		{ "viewer", RIGHT_OPERATE, RIGHT_READ, TLP_RED, TLP_AMBER, true, false, false },
		{ "viewer", RIGHT_INTAKE, RIGHT_PUBLIC, TLP_RED, TLP_AMBER, false, false, false },
		{ "administrator", RIGHT_OPERATE, RIGHT_OPERATE, TLP_RED, TLP_AMBER, true, false, false },
		{ "constituent", RIGHT_READ, RIGHT_SIGNED_IN, TLP_RED, TLP_AMBER, true, false, false },
		{ "constituent", RIGHT_OPERATE, RIGHT_SIGNED_IN, TLP_RED, TLP_AMBER, true, false, false },
	};
	struct house h = begin();
	struct ip from = { { 0 } };
	struct reader *r = NULL;
	struct viewer v;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char name[32];
		int64_t id = 0;
		bool outside = str_eq(str_of(cases[i].roles), STR("constituent"));
		snprintf(name, sizeof(name), "person %zu", i);
		CHECK_RC(make(&h, name, cases[i].roles, !outside, -1, &id), RC_OK, err);
		struct token_job j = { .h = &h, .t = { .label = STR("x"), .right = cases[i].right, .account = id,
						       .ceiling = cases[i].ceiling, .personal_basis = cases[i].basis,
						       .reads_only = cases[i].reads_only } };
		CHECK_RC(store_write(h.store, make_token, &j, &err), RC_OK, err);
		CHECK_RC(token_check(h.store, str_of(j.text), &from, CHANNEL_API, &v, NULL, &err), RC_OK, err);
		CHECK_INT(v.roles, 0); /* until it is asked for */
		CHECK_RC(store_read_begin(h.store, &r, &err), RC_OK, err);
		CHECK_RC(account_token_viewer(reader_conn(r), h.roles, &v, &err), RC_OK, err);
		store_read_end(r);
		CHECK_MSG(v.right == cases[i].want_right && v.as.ceiling == cases[i].want_ceiling &&
			  v.as.personal_basis == cases[i].want_basis && v.reads_only == cases[i].reads_only,
			  "case %zu: %s %s", i, right_name(v.right), tlp_name(v.as.ceiling));
		CHECK_INT(v.account, id);
		CHECK_INT(v.roles, bits(&h, cases[i].roles));
		CHECK_INT(v.as.kind, outside ? RECIPIENT_CONSTITUENT : RECIPIENT_STAFF);
		CHECK(v.reads_no_case == str_eq(str_of(cases[i].roles), STR("administrator")));
		bool exercises = cases[i].right == RIGHT_OPERATE && !outside;
		CHECK(v.exercise == exercises && v.as.exercise_member == exercises);
		struct job off = { .what = DISABLE, .id = id };
		CHECK_RC(change(&h, off), RC_OK, err);
		CHECK_RC(store_read_begin(h.store, &r, &err), RC_OK, err);
		CHECK_RC(account_token_viewer(reader_conn(r), h.roles, &v, &err), RC_DENIED, err);
		store_read_end(r);
	}
	/* others stay as they are */
	struct token_job plain = { .h = &h, .t = { .label = STR("x"), .right = RIGHT_OPERATE, .ceiling = TLP_RED } };
	struct token_job wrong = { .h = &h, .t = { .label = STR("x"), .right = RIGHT_READ, .account = 99 } };
	CHECK_RC(store_write(h.store, make_token, &plain, &err), RC_OK, err);
	CHECK_RC(store_write(h.store, make_token, &wrong, &err), RC_ABSENT, err);
	CHECK_RC(token_check(h.store, str_of(plain.text), &from, CHANNEL_API, &v, NULL, &err), RC_OK, err);
	CHECK_RC(store_read_begin(h.store, &r, &err), RC_OK, err);
	CHECK_RC(account_token_viewer(reader_conn(r), h.roles, &v, &err), RC_OK, err);
	struct viewer owner = viewer_owner(7), odd = viewer_owner(7);
	CHECK_RC(account_token_viewer(reader_conn(r), h.roles, &owner, &err), RC_OK, err);
	snprintf(odd.actor, sizeof(odd.actor), "token:x");
	CHECK_RC(account_token_viewer(reader_conn(r), h.roles, &odd, &err), RC_OK, err);
	store_read_end(r);
	CHECK(v.right == RIGHT_OPERATE && v.roles == 0 && v.account == 0 && owner.account == 0);
	CHECK(odd.account == 0 && odd.roles == 0);
	/* the account is gone: the token is no more than a stranger's */
	struct viewer lost = viewer_owner(7);
	snprintf(lost.actor, sizeof(lost.actor), "token:1");
	CHECK_RC(change(&h, (struct job){ .what = ORPHAN }), RC_OK, err);
	CHECK_RC(store_read_begin(h.store, &r, &err), RC_OK, err);
	CHECK_RC(account_token_viewer(reader_conn(r), h.roles, &lost, &err), RC_DENIED, err);
	store_read_end(r);
	end(&h);
}

TEST_MAIN(TEST_RUN(names_are_one_however_written), TEST_RUN(folded_is_plain), TEST_RUN(names_that_grow),
	  TEST_RUN(no_names), TEST_RUN(only_sound_accounts),
	  TEST_RUN(what_roles_add_up_to), TEST_RUN(changes), TEST_RUN(a_role_that_is_gone),
	  TEST_RUN(all_the_roles_there_can_be), TEST_RUN(tokens_of_accounts))
