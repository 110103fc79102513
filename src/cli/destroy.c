/* SPDX-License-Identifier: Apache-2.0 */
#include "node/destroy.h"

#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--refer", 0, "AGENCY", "whom it is referred to: the police, a hotline" },
	{ "--reference", 0, "TEXT", "their number for it; never an address" },
	{ "--material", 0, "KIND", "child-abuse (default) or other" },
	{ "--no-wait", 0, NULL, "do not wait until its last byte has left the disk" },
	{ .name = NULL },
};

static void say(struct cli *c, const struct destroy_result *r)
{
	char at[40];
	if (c->form == CLI_JSON) {
		struct buf b = BUF_INIT(KIB(16));
		struct json_out j = json_out(&b);
		json_open(&j, '{');
		json_put_str(&j, "id", r->id);
		json_put_str(&j, "state", r->ended ? STR("destroyed") : STR("destroying"));
		json_put_i64(&j, "objects", (int64_t)r->objects);
		json_put_i64(&j, "digests", (int64_t)r->digests);
		json_put_str(&j, "waits", r->ended ? STR("") : r->waits);
		json_key(&j, STR("backups"));
		json_open(&j, '[');
		for (size_t i = 0; i < r->backup_count; i++)
			json_str(&j, time_str(at, r->backups[i]));
		json_close(&j, ']');
		json_close(&j, '}');
		cli_print_json(c, &b);
		buf_free(&b);
		return;
	}
	cli_printf(c, "%s: " STR_FMT "\n", r->ended ? "destroyed" : "being destroyed", STR_ARG(r->id));
	if (!r->ended && r->waits.n)
		cli_printf(c, "waits: " STR_FMT "\n", STR_ARG(r->waits));
	for (size_t i = 0; i < r->backup_count; i++)
		cli_printf(c, "the backup of " STR_FMT " may hold it until it is rotated out\n",
			   STR_ARG(time_str(at, r->backups[i])));
	cli_printf(c, "a second person reviews it within a day\n");
}

static int run(struct cli *c)
{
	struct destroy_result result;
	struct err err;
	const char *material = cli_value(c, "--material");
	str objects[DESTROY_OBJECTS_MOST];
	struct destroy_request q = { .objects = objects,
				     .agency = str_of(cli_value(c, "--refer")),
				     .reference = str_of(cli_value(c, "--reference")),
				     .material = material ? str_of(material) : STR("child-abuse") };
	if (c->argc < 1 || c->argc > DESTROY_OBJECTS_MOST || !q.agency.n)
		return cli_usage(c, "say what (as report:12, quarantine:5, incident-42), and --refer AGENCY");
	for (; q.count < (size_t)c->argc; q.count++)
		objects[q.count] = str_of(c->argv[q.count]);
	if (node_destroy(c->node, &c->viewer, &q, !cli_value(c, "--no-wait"), c->a, &result, &err) != RC_OK)
		return cli_fail(c, &err);
	say(c, &result);
	return 0;
}

const struct cli_command cli_destroy = {
	.name = "destroy",
	.brief = "destroy what may not be kept, and refer it",
	.usage = "destroy OBJECT… --refer AGENCY [--reference TEXT] [--material KIND] [--no-wait]",
	.text = "For abuse material of children and the like. OBJECT is report:N, quarantine:N, event--ID, finding--ID or a "
		"record. One person does it, at once; a second person reviews it within a day. Its bytes leave tables, "
		"segments, search, outbox, log and free pages; of events and quarantine also the bytes of the "
		"report they came in. What stays is a record with digests, the referral, the time and who did it, and "
		"the same bytes are not taken again. Backups keep it until they are rotated out: they are listed. There is "
		"no undo; what is under hold is refused.",
	.example = "ronda destroy -d demo quarantine:1 --refer \"Cybercrime unit\" --reference 2026/118",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
