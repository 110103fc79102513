/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"
#include "cli/cli_private.h"
#include "notify/contacts.h"
#include "record/erase.h"

enum { WAIT_US = 60 * 1000000, TICK_US = 50000 };

static const struct cli_option options[] = {
	{ "--reason", 0, "TEXT", "why; goes into the journal" },
	{ "--no-wait", 0, NULL, "do not wait until its last byte has left the disk" },
	{ "--all", 0, NULL, "with list: also what has ended" },
	{ .name = NULL },
};

static enum rc list(struct cli *c, struct err *err)
{
	static const struct cli_column columns[] = {
		{ "id", COLUMN_NUMBER }, { .name = "object" }, { .name = "state" },
		{ .name = "step" }, { .name = "reason" }, { .name = "by" },
		{ "since", COLUMN_TIME }, { "ended", COLUMN_TIME }, { .name = "waits" },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct erasing *all = NULL;
	struct reader *r = NULL;
	size_t n = 0;
	enum rc rc = store_read_begin(c->node->store, &r, err);
	if (rc == RC_OK)
		rc = erase_list(reader_conn(r), cli_value(c, "--all") != NULL, c->a, &all, &n, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		char since[40], ended[40];
		const struct erasing *e = &all[i];
		str row[] = { arena_fmt(c->a, "%lld", (long long)e->id), e->object,
			      e->ended_us ? STR("erased") : STR("erasing"),
			      e->ended_us ? STR("") : str_of(erase_step_name(e->step)), e->why, e->by,
			      time_str(since, e->asked_us),
			      e->ended_us ? time_str(ended, e->ended_us) : STR(""), e->words };
		cli_row(&t, row);
	}
	store_read_end(r);
	return rc;
}

struct asking {
	struct cli *c;
	str object, why;
	int64_t id;
};

static enum rc ask(struct tx *tx, void *ctx, struct err *err)
{
	struct asking *a = ctx;
	return erase_begin(tx, a->c->node->erase, a->object, a->why, str_of(a->c->viewer.actor), &a->id,
			   err);
}

static enum rc state_of(struct cli *c, int64_t id, struct erasing *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(c->node->store, &r, err);
	if (rc == RC_OK)
		rc = erase_get(reader_conn(r), id, c->a, out, err);
	store_read_end(r);
	return rc;
}

/* The background works on it too: here it only goes sooner. */
static enum rc wait_for(struct cli *c, int64_t id, struct erasing *now, struct err *err)
{
	struct gate *tick = gate_new();
	int64_t until = clock_mono_us() + WAIT_US;
	bool did;
	enum rc rc = RC_OK;
	do {
		rc = erase_work(c->node->erase, &did, err);
		if (rc == RC_OK)
			rc = state_of(c, id, now, err);
		if (rc == RC_OK && !now->ended_us && !did)
			gate_wait_for(tick, TICK_US);
	} while (rc == RC_OK && !now->ended_us && clock_mono_us() < until && !cli_abandoned(c));
	gate_free(tick);
	return rc;
}

static int run(struct cli *c)
{
	struct asking a = { .c = c, .why = str_of(cli_value(c, "--reason")) };
	struct erasing now = { 0 };
	struct err err;
	if (c->argc != 1)
		return cli_usage(c, "what is to be erased, as report:12 or journal:5; or list");
	a.object = str_of(c->argv[0]);
	if (str_eq(a.object, STR("list")))
		return list(c, &err) == RC_OK ? 0 : cli_fail(c, &err);
	str address = a.object, head = STR("contact:"); /* the journal has a hash of it */
	if (str_starts(address, head) && str_has(address, '@'))
		a.object = contact_object(store_secret(c->node->store), str_from(address, head.n), c->a);
	if (!a.why.n)
		return cli_usage(c, "--reason TEXT is needed: it goes into the journal");
	enum rc rc = store_write(c->node->store, ask, &a, &err);
	if (rc == RC_OK)
		rc = cli_value(c, "--no-wait") ? state_of(c, a.id, &now, &err) :
						 wait_for(c, a.id, &now, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	const char *state = now.ended_us ? "erased" : "erasing";
	if (c->form == CLI_JSON)
		cli_printf(c, "{\"id\":%lld,\"state\":\"%s\"}\n", (long long)a.id, state);
	else
		cli_printf(c, "%s, as number %lld\n", state, (long long)a.id);
	if (!now.ended_us && !cli_value(c, "--no-wait"))
		cli_talk(c, "ronda erase: it %s; it goes on by itself: ronda erase list",
			 now.words.n ? arena_z(c->a, now.words) : "has not ended");
	return 0;
}

const struct cli_command cli_erase = {
	.name = "erase",
	.brief = "remove the bytes of one thing for good, and say so in the journal",
	.usage = "erase report:N|journal:N|answer:N|subscriber:N|contact:ADDRESS|object:N --reason TEXT [--no-wait] | list [--all]",
	.text = "Of a report: its raw bytes, its records in quarantine, its file name and the bodies of journal lines about "
		"it; its events too when 'ronda feed undo' took them back before. Of a journal line: its body. Of an answer: its "
		"words, name and file. Of a subscriber: the address. Of a contact: the address of somebody without a record, "
		"wherever it names a recipient. Of an object: what a partner sent. It ends when "
		"no byte of it is left in the data directory, and is listed as erasing until then. There is no undo; "
		"what is under hold is refused.",
	.example = "ronda erase -d demo list",
	.options = options,
	.needs_node = true,
	.run = run,
};
