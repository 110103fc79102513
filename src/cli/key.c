/* SPDX-License-Identifier: Apache-2.0 */
#include <json-c/json.h>

#include "mail/crypto.h"

#include "cli/cli_private.h"
#include "disclosure/read_records.h"
#include "record/journal.h"

enum { FILE_MOST = 8 << 20, PASSWORD_FILE_MOST = 4096 };
#define SOON_US (30 * DAY_US)

static const struct cli_option options[] = {
	{ "--smime", 0, NULL, "S/MIME certificates instead of OpenPGP keys" },
	{ "--for", 0, "TIME", "with generate: how long it is valid (default 730d)" },
	{ "--password-file", 0, "FILE", "with import --smime: the password of a PKCS #12 file is its first line" },
	{ "--secret", 0, NULL, "with delete: also when it is one of our own, with its private part" },
	{ .name = NULL },
};

static enum crypto_kind kind_of(const struct cli *c)
{
	return cli_value(c, "--smime") ? CRYPTO_SMIME : CRYPTO_OPENPGP;
}

/* Each line of the journal names the key, which is public. */
static enum rc note(struct cli *c, const char *act, str fingerprint, const struct crypto_key *k, struct err *err)
{
	struct buf body = BUF_INIT(KIB(64));
	struct json_out out = json_out(&body);
	json_open(&out, '{');
	json_put_str(&out, "kind", kind_of(c) == CRYPTO_SMIME ? STR("S/MIME") : STR("OpenPGP"));
	if (k) {
		json_put_str(&out, "names", k->names);
		json_put_bool(&out, "private", k->has_secret);
	}
	json_close(&out, '}');
	const struct journal_act line = { .act = act, .actor = str_of(c->viewer.actor), .count = 1,
					  .object = arena_fmt(c->a, "key:" STR_FMT, STR_ARG(fingerprint)),
					  .body = buf_str(&body) };
	enum rc rc = journal_write(c->node->journal, &line, err);
	buf_free(&body);
	return rc;
}

/* --- showing --- */

static const struct cli_column columns[] = {
	{ .name = "fingerprint" }, { .name = "names" }, { .name = "use" }, { "private", COLUMN_BOOL },
	{ "expires", COLUMN_TIME }, { .name = "state" },
};

static str state_of(struct cli *c, const struct crypto_key *k)
{
	int64_t left = k->expires_us - clock_now_us();
	if (k->words.n > 0)
		return k->words;
	if (k->expires_us > 0 && left < SOON_US)
		return arena_fmt(c->a, "expires in %lld days", (long long)(left / DAY_US));
	return STR("valid");
}

static void put_key(struct cli_table *t, const struct crypto_key *k)
{
	char expires[40];
	str names = k->names;
	str row[] = { k->fingerprint, t->c->form != CLI_JSON ? str_cut(&names, '\n') : names,
		      k->can_sign && k->can_encrypt ? STR("signs, encrypts") : k->can_encrypt ? STR("encrypts") :
		      k->can_sign ? STR("signs") : STR("none"),
		      k->has_secret ? STR("yes") : STR("no"),
		      k->expires_us ? time_str(expires, k->expires_us) : STR("never"), state_of(t->c, k) };
	cli_row(t, row);
}

static enum rc list(struct cli *c, struct err *err)
{
	struct crypto_key *keys = NULL;
	size_t count = 0;
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	enum rc rc = crypto_list(c->node->crypto, kind_of(c), c->argc > 1 ? str_of(c->argv[1]) : STR(""), c->a, &keys,
				 &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		put_key(&t, &keys[i]);
	return rc;
}

/* --- contacts --- */

struct checking {
	struct cli *c;
	struct cli_table t;
	struct crypto_key *keys;
	size_t count;
};

static const struct crypto_key *find(const struct checking *k, str fingerprint)
{
	for (size_t i = 0; i < k->count; i++)
		if (str_eq_nocase(k->keys[i].fingerprint, fingerprint))
			return &k->keys[i];
	return NULL;
}

static str contact_state(const struct checking *k, struct json_object *row, const struct crypto_key *key)
{
	bool needed = false;
	char today[40];
	str until = json_get_str(row, "key_until"), now = str_head(time_str(today, clock_now_us()), 10);
	(void)json_get_bool(row, "encrypt", &needed);
	if (json_get_str(row, "key").n == 0)
		return needed ? STR("no key, and takes encrypted mail only") : STR("");
	if (!key)
		return STR("not in the key ring");
	if (key->words.n > 0 || !key->can_encrypt)
		return key->words.n ? key->words : STR("not for encrypting");
	if (until.n == 10 && str_cmp(until, now) < 0)
		return arena_fmt(k->c->a, "the directory says that it ended on " STR_FMT, STR_ARG(until));
	str state = state_of(k->c, key);
	return str_eq(state, STR("valid")) ? STR("") : state;
}

/* "ABCD 1234 …" as people write it. */
static str bare(str text, struct arena *a)
{
	char *z = arena_z(a, text);
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != ' ' && text.p[i] != ':')
			z[n++] = text.p[i];
	str s = str_mem(z, n);
	return str_starts_nocase(s, STR("OPENPGP4FPR")) ? str_from(s, 11) : str_starts_nocase(s, STR("0x")) ? str_from(s, 2) : s;
}

static str title_of(const struct record_view *v, struct arena *a)
{
	const struct type *t = record_view_type(v);
	struct buf b = BUF_INIT(KIB(4));
	if (t->title)
		record_view_text(v, t->title, &b);
	str title = arena_str(a, buf_str(&b));
	buf_free(&b);
	return title;
}

static bool check_record(void *ctx, const struct record_view *v)
{
	struct checking *k = ctx;
	const struct meaning *m = type_meaning(record_view_type(v), STR("organisation.contacts"));
	struct json_object *rows = m && m->field && !record_view_cuts(v, m->field) ? json_get(v->body, m->field->name) : NULL;
	for (size_t i = 0; i < json_count(rows); i++) {
		struct json_object *row = json_at(rows, i);
		str text = json_get_str(row, "key");
		const struct crypto_key *key = find(k, bare(text.p ? text : STR(""), k->c->a));
		str state = contact_state(k, row, key);
		if (state.n == 0)
			continue;
		str email = json_get_str(row, "email");
		str values[] = { title_of(v, k->c->a), email.p ? email : STR(""), text.p ? text : STR(""), state };
		cli_row(&k->t, values);
	}
	return true;
}

/* Keys of contacts that do not do, or soon will not. */
static enum rc check(struct cli *c, struct err *err)
{
	static const struct cli_column wrong[] = {
		{ .name = "organisation" }, { .name = "email" }, { .name = "key" }, { .name = "state" },
	};
	struct checking k = { .c = c, .t = cli_table(c, wrong, COUNT_OF(wrong)) };
	struct crypto_key *smime = NULL, *all;
	size_t smime_count = 0;
	struct record_query q = { .type = NULL };
	struct reader *r = NULL;
	enum rc rc = crypto_list(c->node->crypto, CRYPTO_OPENPGP, STR(""), c->a, &k.keys, &k.count, err);
	if (rc == RC_OK)
		rc = crypto_list(c->node->crypto, CRYPTO_SMIME, STR(""), c->a, &smime, &smime_count, err);
	if (rc != RC_OK)
		return rc;
	all = ARENA_ARRAY(c->a, k.count + smime_count + 1, struct crypto_key);
	for (size_t i = 0; i < k.count + smime_count; i++)
		all[i] = i < k.count ? k.keys[i] : smime[i - k.count];
	k.keys = all;
	k.count += smime_count;
	struct snapshot_ref *types = snapshot_hold(c->node->types);
	const struct types *table = snapshot_table(types);
	rc = store_read_begin(c->node->store, &r, err);
	for (size_t i = 0; rc == RC_OK && i < types_count(table); i++) {
		q.type = types_at(table, i);
		if (type_meaning(q.type, STR("organisation.contacts")))
			rc = read_records(r, table, &c->viewer, &q, UINT64_MAX, c->a, check_record, &k, err);
	}
	if (r)
		store_read_end(r);
	snapshot_drop(c->node->types, types);
	return rc;
}

/* --- changing --- */

/* The first line of the file of --password-file; "" without one. */
static enum rc read_password(struct cli *c, struct buf *file, str *out, struct err *err)
{
	const char *path = cli_value(c, "--password-file");
	enum rc rc = path ? cli_read_file(c, path, PASSWORD_FILE_MOST, file, err) : RC_OK;
	str text = buf_str(file);
	str line = str_cut(&text, '\n');
	*out = str_head(line, line.n - str_ends(line, STR("\r")));
	if (rc == RC_OK && path && out->n == 0)
		rc = fail(err, RC_INPUT, "there is no password in '%s'", path);
	return rc;
}

static void wipe(struct buf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->n);
	buf_free(b);
}

static enum rc import(struct cli *c, struct err *err)
{
	struct buf file = BUF_INIT(FILE_MOST), secret = BUF_INIT(PASSWORD_FILE_MOST);
	str password = STR("");
	struct crypto_key *keys = NULL;
	size_t count = 0;
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	enum rc rc = cli_read_file(c, c->argv[1], FILE_MOST, &file, err);
	if (rc == RC_OK)
		rc = read_password(c, &secret, &password, err);
	if (rc == RC_OK)
		rc = crypto_import(c->node->crypto, kind_of(c), buf_str(&file), password, c->a, &keys, &count, err);
	wipe(&file); /* it may hold a private key */
	wipe(&secret);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		rc = note(c, "key.import", keys[i].fingerprint, &keys[i], err);
		put_key(&t, &keys[i]);
	}
	return rc;
}

static enum rc generate(struct cli *c, struct err *err)
{
	const char *text = cli_value(c, "--for");
	int64_t for_us = 730 * DAY_US;
	str fingerprint = STR("");
	if (text && (!duration_parse(str_of(text), &for_us) || for_us < DAY_US))
		return fail(err, RC_INPUT, "--for takes a time such as 730d");
	if (kind_of(c) == CRYPTO_SMIME)
		return fail(err, RC_INPUT, "a certificate is made by an authority: import it as PKCS #12 with its key");
	enum rc rc = crypto_generate(c->node->crypto, str_of(c->argv[1]), str_of(c->argv[2]), clock_now_us() + for_us, c->a,
				     &fingerprint, err);
	if (rc == RC_OK)
		rc = note(c, "key.generate", fingerprint, NULL, err);
	if (rc == RC_OK && c->form == CLI_JSON)
		cli_done(c, "fingerprint", fingerprint);
	else if (rc == RC_OK)
		cli_printf(c, STR_FMT "\n", STR_ARG(fingerprint));
	if (rc == RC_OK)
		cli_talk(c, "mails are signed with it once setting mail_sign is this fingerprint");
	return rc;
}

static enum rc export(struct cli *c, struct err *err)
{
	str text = STR("");
	enum rc rc = crypto_export(c->node->crypto, kind_of(c), str_of(c->argv[1]), c->a, &text, err);
	if (rc == RC_OK)
		rc = note(c, "key.export", str_of(c->argv[1]), NULL, err);
	if (rc == RC_OK && c->form == CLI_JSON)
		cli_done(c, "key", text);
	else if (rc == RC_OK)
		cli_print(c, text);
	return rc;
}

static enum rc delete(struct cli *c, struct err *err)
{
	struct crypto_key *keys = NULL;
	size_t count = 0;
	str fingerprint = str_of(c->argv[1]);
	enum rc rc = crypto_list(c->node->crypto, kind_of(c), fingerprint, c->a, &keys, &count, err);
	if (rc == RC_OK && count == 0)
		rc = fail(err, RC_ABSENT, "there is no key '%s'", c->argv[1]);
	if (rc == RC_OK && !str_eq_nocase(keys[0].fingerprint, fingerprint))
		rc = fail(err, RC_INPUT, "delete takes the whole fingerprint");
	if (rc == RC_OK && keys[0].has_secret && !cli_value(c, "--secret"))
		rc = fail(err, RC_DENIED, "it is one of our own: what was encrypted to it can never be read again; --secret does it");
	if (rc == RC_OK)
		rc = crypto_delete(c->node->crypto, kind_of(c), keys[0].fingerprint, err);
	if (rc == RC_OK)
		rc = note(c, "key.delete", keys[0].fingerprint, &keys[0], err);
	if (rc == RC_OK)
		cli_done(c, "deleted", keys[0].fingerprint);
	return rc;
}

static int run(struct cli *c)
{
	static const struct {
		const char *word;
		int least, most;
		enum rc (*run)(struct cli *c, struct err *err);
	} words[] = {
		{ "list", 0, 1, list },	    { "check", 0, 0, check },	{ "import", 1, 1, import },
		{ "generate", 2, 2, generate }, { "export", 1, 1, export }, { "delete", 1, 1, delete },
	};
	struct err err = { 0 };
	for (size_t i = 0; c->argc > 0 && i < COUNT_OF(words); i++)
		if (str_eq(str_of(c->argv[0]), str_of(words[i].word)) && c->argc - 1 >= words[i].least &&
		    c->argc - 1 <= words[i].most)
			return words[i].run(c, &err) == RC_OK ? 0 : cli_fail(c, &err);
	return cli_usage(c, "list, check, import FILE, generate NAME ADDRESS, export or delete FINGERPRINT");
}

const struct cli_command cli_key = {
	.name = "key",
	.brief = "keys that mail is signed with and encrypted to",
	.usage = "key list [FINGERPRINT | ADDRESS] | check | import FILE [--password-file FILE] | generate NAME ADDRESS | export FINGERPRINT | "
		 "delete FINGERPRINT",
	.text = "The node's key ring (DIR/gnupg), which only the crypto child opens: OpenPGP, and S/MIME with --smime. No "
		"key is fetched from anywhere. generate makes our own, without a passphrase, as the node signs alone; "
		"name it in setting mail_sign. import takes keys of others, and our own; a certificate that signs itself "
		"is believed in from then on. The key of a contact is the one whose fingerprint stands in the "
		"organisation's record. check lists contacts whose key is missing, expired or about to.",
	.example = "ronda key -d demo list",
	.options = options,
	.needs_node = true,
	.needs_parsers = true,
	.run = run,
};
