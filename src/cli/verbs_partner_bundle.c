/* SPDX-License-Identifier: Apache-2.0 */
/* ronda partner export ID | import FILE: the way over by hand. Without an ID, or of a file that is no bundle, they are what
 * these words are for every type. */
#include <unistd.h>

#include "cli/record_private.h"
#include "disclosure/authz.h"
#include "exchange/bundle.h"

static bool may(const struct record_call *k)
{
	bool owner = !k->c->viewer.account && !k->c->viewer.roles;
	return owner || authz_ever(&k->c->viewer, ACTION_EDIT, k->type);
}

static void say(struct record_call *k, const struct bundle_sum *s)
{
	struct buf b = BUF_INIT(KIB(4));
	struct json_out j = json_out(&b);
	if (k->c->form == CLI_JSON) {
		json_open(&j, '{');
		json_put_str(&j, "partner", s->partner);
		json_put_i64(&j, "batches", (int64_t)s->batches);
		json_put_i64(&j, "objects", (int64_t)s->objects);
		json_put_i64(&j, "known", (int64_t)s->known);
		json_put_i64(&j, "failures", (int64_t)s->failures);
		json_put_i64(&j, "bytes", (int64_t)s->bytes);
		json_close(&j, '}');
		cli_talk(k->c, STR_FMT, STR_ARG(buf_str(&b)));
	} else {
		cli_talk(k->c, STR_FMT ": %llu batches, %llu objects, %llu known already, %llu failures, %llu bytes",
			 STR_ARG(s->partner), (unsigned long long)s->batches, (unsigned long long)s->objects,
			 (unsigned long long)s->known, (unsigned long long)s->failures, (unsigned long long)s->bytes);
	}
	buf_free(&b);
}

static enum rc give(void *ctx, str bytes, struct err *err)
{
	struct record_call *k = ctx;
	return cli_write(k->c, k->c->out, bytes) ? RC_OK : fail(err, RC_IO, "the bundle could not be written");
}

static int export_bundle(struct record_call *k)
{
	struct bundle_sum sum;
	struct partner p;
	struct reader *r = NULL;
	struct err err = { 0 };
	if (k->argc != 1 || strchr(k->argv[0], '='))
		return record_export_word(k);
	int code = cli_may(k->c, may(k));
	if (code)
		return code;
	enum rc rc = store_read_begin(k->c->node->store, &r, &err);
	if (rc == RC_OK) {
		rc = partner_find(k->c->node->exchange, reader_conn(r), str_of(k->argv[0]), k->c->a, &p, &err);
		store_read_end(r);
	}
	if (rc == RC_OK)
		rc = bundle_write(k->c->node->exchange, &p, give, k, &sum, &err);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	say(k, &sum);
	return 0;
}

const struct cli_verb cli_verb_partner_export = {
	.type = "partner",
	.word = "export",
	.usage = "export ID > FILE",
	.brief = "what is offered to it, signed and sealed, to be carried by hand; the way over goes on where that ends",
	.run = export_bundle,
};

struct input {
	struct record_call *k;
	int fd;
};

static long read_some(void *ctx, void *to, size_t n)
{
	struct input *in = ctx;
	return cli_read(in->k->c, in->fd, to, n);
}

/* Standard input is taken for a bundle. */
static bool is_bundle(struct record_call *k, const char *path)
{
	char begin[sizeof BUNDLE_BEGIN - 1];
	int fd = -1;
	if (strcmp(path, "-") == 0)
		return true;
	if (cli_open_file(k->c, path, &fd, NULL) != RC_OK)
		return false;
	long n = cli_read(k->c, fd, begin, sizeof begin);
	cli_close_file(k->c, fd);
	return n == (long)sizeof begin && memcmp(begin, BUNDLE_BEGIN, sizeof begin) == 0;
}

static int import_bundle(struct record_call *k)
{
	struct bundle_sum sum;
	struct input in = { k, -1 };
	struct err err = { 0 };
	if (k->argc != 1 || !is_bundle(k, k->argv[0]))
		return record_import_word(k);
	int code = cli_may(k->c, may(k));
	if (code)
		return code;
	enum rc rc = cli_open_file(k->c, k->argv[0], &in.fd, &err);
	if (rc == RC_OK)
		rc = bundle_take(k->c->node->exchange, read_some, &in, k->c->a, &sum, &err);
	cli_close_file(k->c, in.fd);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	say(k, &sum);
	return 0;
}

const struct cli_verb cli_verb_partner_import = {
	.type = "partner",
	.word = "import",
	.usage = "import FILE",
	.brief = "take a bundle that was carried by hand; - is standard input",
	.run = import_bundle,
	.helpers = true,
};
