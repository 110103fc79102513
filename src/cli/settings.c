/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"
#include "node/node_settings.h"

static int run(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ .name = "name" }, { .name = "value" }, { .name = "from" }, { .name = "default" },
		{ .name = "least" }, { .name = "most" }, { .name = "what" },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct settings *s = NULL;
	bool found = c->argc == 0;
	struct err err;
	if (node_settings_read(c->dir, c->sets, c->set_count, &s, &err) != RC_OK)
		return cli_fail(c, &err);
	for (size_t i = 0; i < node_setting_count; i++) {
		const struct setting_row *row = &node_setting_rows[i];
		if (c->argc && !str_eq(str_of(c->argv[0]), str_of(row->name)))
			continue;
		str values[] = { str_of(row->name), settings_text(s, row->name),
				 str_of(settings_source(s, row->name)), str_of(row->fallback),
				 str_of(row->least), str_of(row->most), str_of(row->brief) };
		cli_row(&t, values);
		found = true;
	}
	settings_free(s);
	if (found)
		return 0;
	(void)fail(&err, RC_ABSENT, "there is no setting '%s'", c->argv[0]);
	return cli_fail(c, &err);
}

const struct cli_command cli_settings = {
	.name = "settings",
	.brief = "what may be set, what is set, and where",
	.usage = "settings [NAME]",
	.text = "Settings stand in DIR/ronda.conf as 'name = value'; the environment (RONDA_NAME) wins over the file and "
		"--set over both.",
	.example = "ronda settings -d demo listen",
	.run = run,
};
