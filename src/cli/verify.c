/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

#include "evidence/evidence.h"
#include "notify/notify.h"
#include "record/deliveries.h"
#include "record/outbox.h"

static const struct cli_option options[] = {
	{ "--against", 0, "FILE", "journal heads kept elsewhere, one a line, or one head itself" },
	{ .name = NULL },
};

static void say(void *ctx, const char *sentence)
{
	cli_talk(ctx, "%s", sentence);
}

static void progress(void *ctx, uint64_t done, uint64_t all)
{
	struct cli *c = ctx;
	if (c->progress && done % 1024 == 0)
		cli_talk(c, "\r\033[K%llu of %llu\033[A", (unsigned long long)done, (unsigned long long)all);
}

static int run(struct cli *c)
{
	struct buf kept = BUF_INIT(0);
	struct verify_result result = { 0 };
	struct journal_check journal = { 0 }, deliveries = { 0 };
	struct records_check records = { 0 };
	struct evidence_check evidence = { 0 };
	char outbox[200] = "";
	struct snapshot_ref *types = snapshot_hold(c->node->types);
	struct reader *r = NULL;
	struct err err;
	enum rc rc = cli_kept_heads(c, cli_value(c, "--against"), &kept, &err);
	if (rc == RC_OK)
		rc = store_verify(c->node->store, say, c, progress, &result, &err);
	if (rc == RC_OK)
		rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = journal_verify(reader_conn(r), buf_str(&kept), &journal, &err);
	if (rc == RC_OK)
		rc = records_verify(reader_conn(r), snapshot_table(types), &records, &err);
	snapshot_drop(c->node->types, types);
	if (rc == RC_OK)
		rc = outbox_verify(reader_conn(r), outbox, &err);
	if (rc == RC_OK && !outbox[0])
		rc = notify_verify(reader_conn(r), outbox, &err);
	if (rc == RC_OK && journal.first_bad == 0)
		rc = deliveries_verify(c->node->store, reader_conn(r), &deliveries, &err);
	if (rc == RC_OK && !store_read_only(c->node->store))
		rc = evidence_verify(c->node->evidence, &c->viewer, STR_NONE, false, say, progress, c, &evidence, &err);
	buf_free(&kept);
	if (r)
		store_read_end(r);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	if (deliveries.first_bad) {
		journal.first_bad = deliveries.first_bad;
		memcpy(journal.words, deliveries.words, sizeof(journal.words));
	}
	bool sound = result.damaged == 0 && journal.first_bad == 0 && !records.words[0] && !outbox[0] && !evidence.wrong;
	if (journal.first_bad)
		cli_talk(c, "journal line %llu: %s", (unsigned long long)journal.first_bad, journal.words);
	if (records.words[0])
		cli_talk(c, "%s%s", records.words, records.made_differs ?
			 "; 'ronda rebuild --search' makes index and search again from the records" : "");
	if (outbox[0])
		cli_talk(c, "%s", outbox);
	cli_printf(c, c->form == CLI_JSON ?
			      "{\"frames\":%llu,\"rows\":%llu,\"reports\":%llu,\"damaged\":%llu,\"journal_lines\":%llu,"
			      "\"journal_first_bad\":%llu,\"records\":%llu,\"record_versions\":%llu,\"records_sound\":%s,"
			      "\"outbox_sound\":%s,\"evidence_items\":%llu,\"evidence_wrong\":%llu}\n" :
			      "%llu frames, %llu events, %llu reports; %llu damaged; %llu journal lines, first bad: %llu;"
			      " %llu records, %llu versions, %s; outbox and ledger %s;"
			      " %llu items of evidence, %llu things wrong with them\n",
		   (unsigned long long)result.frames, (unsigned long long)result.rows,
		   (unsigned long long)result.reports, (unsigned long long)result.damaged,
		   (unsigned long long)journal.lines, (unsigned long long)journal.first_bad,
		   (unsigned long long)records.records, (unsigned long long)records.versions,
		   c->form == CLI_JSON ? (records.words[0] ? "false" : "true") :
					 (records.words[0] ? "not all as they were written" : "all sound"),
		   c->form == CLI_JSON ? (outbox[0] ? "false" : "true") : (outbox[0] ? "do not agree" : "agree"),
		   (unsigned long long)evidence.items, (unsigned long long)evidence.wrong);
	return sound ? 0 : rc_exit_code(RC_IO);
}

const struct cli_command cli_verify = {
	.name = "verify",
	.brief = "read everything and say what is damaged",
	.usage = "verify [--against FILE]",
	.text = "Every frame's checksum, the database's own check, the journal's chain, every version of every record, "
		"that outbox, ledger, answers and mails agree, and every item of evidence. Exit 0 only when all is sound.",
	.example = "ronda verify -d demo",
	.options = options,
	.needs_node = true,
	.run = run,
};
