/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

#include <errno.h>

static const struct cli_option options[] = {
	{ "--feed", 'f', "NAME", "which feed the reports come from (default: local)" },
	{ "--format", 0, "NAME", "auto (by content), shadowserver, intelmq, blocklist or csv" },
	{ "--mapping", 0, "FILE", "mapping file for csv, or Shadowserver's own schema" },
	{ "--name", 0, "NAME", "file name to go by when reading standard input" },
	{ "--no-wait", 0, NULL, "do not wait until the findings have seen the events" },
	{ .name = NULL },
};

struct taking {
	struct cli *c;
	const char *path;
	int64_t shown_us;
};

static void progress(void *ctx, const struct report_counts *now)
{
	struct taking *t = ctx;
	int64_t us = clock_mono_us();
	if (!t->c->progress || us - t->shown_us < 200000)
		return;
	t->shown_us = us;
	cli_talk(t->c, "\r\033[K%s: %llu records, %llu events\033[A", t->path,
		 (unsigned long long)now->inputs, (unsigned long long)now->events);
}

static str base_name(const char *path)
{
	str s = str_of(path);
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == '/')
			return str_from(s, i);
	return s;
}

static enum rc feed_bytes(struct cli *c, const char *path, struct intake *in, struct err *err)
{
	int fd = -1;
	char part[65536];
	enum rc rc = cli_open_file(c, path, &fd, err);
	while (rc == RC_OK) {
		long n = cli_read(c, fd, part, sizeof(part));
		if (n < 0)
			rc = fail_errno(err, errno, "cannot read '%s'", path);
		if (n <= 0)
			break;
		rc = intake_bytes(in, str_mem(part, (size_t)n), err);
	}
	cli_close_file(c, fd);
	return rc;
}

static enum rc take(struct cli *c, const char *path, str mapping, struct intake_summary *out, struct err *err)
{
	const char *name = cli_value(c, "--name");
	bool stdin_it = str_eq(str_of(path), STR("-"));
	struct delivery d = { .feed = str_of(cli_value(c, "--feed")),
			      .format = str_of(cli_value(c, "--format")),
			      .file_name = name     ? str_of(name) :
					   stdin_it ? STR("") :
						      base_name(path),
			      .mapping = mapping, .actor = str_of(c->viewer.actor) };
	struct taking t = { .c = c, .path = path };
	struct intake *in = NULL;
	enum rc rc = intake_begin(c->node->pipeline, &d, &in, err);
	if (rc != RC_OK)
		return rc;
	rc = feed_bytes(c, path, in, err);
	if (rc != RC_OK) {
		intake_abort(in);
		return rc;
	}
	return intake_end(in, !cli_value(c, "--no-wait"), progress, &t, out, err);
}

static void add(struct report_counts *all, const struct report_counts *one)
{
	all->inputs += one->inputs;
	all->accepted += one->accepted;
	all->events += one->events;
	all->repeats += one->repeats;
	all->quarantined += one->quarantined;
	all->dropped += one->dropped;
	all->blank += one->blank;
}

static void show(struct cli *c, const char *path, const struct intake_summary *s)
{
	if (c->form != CLI_TEXT)
		return;
	cli_printf(c, "%s: report %lld, %s%s%s: %llu inputs = %llu accepted + %llu repeats + %llu quarantined "
		   "+ %llu dropped + %llu blank; %llu events%s%s\n",
		   path, (long long)s->report, s->format, s->type[0] ? " " : "", s->type,
		   (unsigned long long)s->counts.inputs, (unsigned long long)s->counts.accepted,
		   (unsigned long long)s->counts.repeats, (unsigned long long)s->counts.quarantined,
		   (unsigned long long)s->counts.dropped, (unsigned long long)s->counts.blank,
		   (unsigned long long)s->counts.events, s->known ? " (known: its first summary)" : "",
		   s->unknown_type ? " (unknown report type: fields by column name)" : "");
}

static void show_all(struct cli *c, const struct intake_summary *all, int files, int failed)
{
	if (c->form == CLI_TEXT)
		return;
	struct json_out j = json_out(c->pending);
	json_open(&j, '{');
	json_put_i64(&j, "inputs", (int64_t)all->counts.inputs);
	json_put_i64(&j, "accepted", (int64_t)all->counts.accepted);
	json_put_i64(&j, "events", (int64_t)all->counts.events);
	json_put_i64(&j, "repeats", (int64_t)all->counts.repeats);
	json_put_i64(&j, "quarantined", (int64_t)all->counts.quarantined);
	json_put_i64(&j, "dropped", (int64_t)all->counts.dropped);
	json_put_i64(&j, "blank", (int64_t)all->counts.blank);
	json_put_i64(&j, "reports", files - failed);
	json_put_i64(&j, "failed", failed);
	json_key(&j, STR("seconds"));
	json_double(&j, all->seconds);
	json_key(&j, STR("findings_seconds"));
	json_double(&j, all->findings_seconds);
	json_close(&j, '}');
	cli_print(c, STR("\n"));
}

static int run(struct cli *c)
{
	const char *mapping_path = cli_value(c, "--mapping");
	struct buf mapping = BUF_INIT(MIB(8));
	struct intake_summary all = { .findings_seconds = 0 };
	struct err err;
	int code = 0, failed = 0;
	int64_t started_us = clock_mono_us();
	if (c->argc == 0)
		return cli_usage(c, "no report: name files, or '-' for standard input");
	if (mapping_path && cli_read_file(c, mapping_path, MIB(8), &mapping, &err) != RC_OK) {
		buf_free(&mapping);
		return cli_fail(c, &err);
	}
	for (int i = 0; i < c->argc; i++) {
		struct intake_summary s = { 0 };
		err = (struct err){ 0 };
		if (take(c, c->argv[i], buf_str(&mapping), &s, &err) != RC_OK) {
			cli_flush(c);
			cli_talk(c, "ronda intake: %s: %s", c->argv[i], err.text);
			code = rc_exit_code(err.rc);
			failed++;
		} else {
			show(c, c->argv[i], &s);
		}
		add(&all.counts, &s.counts);
		if (!s.known)
			all.seconds += s.seconds;
	}
	buf_free(&mapping);
	all.findings_seconds = (double)(clock_mono_us() - started_us) / (double)SECOND_US;
	show_all(c, &all, c->argc, failed);
	return code;
}

const struct cli_command cli_intake = {
	.name = "intake",
	.brief = "take reports in",
	.usage = "intake [options] FILE... | -",
	.text = "Each file is one report. Its bytes are kept and digested first, then parsed in a locked child; "
		"when the command returns 0, every record is on disk and counted: inputs = accepted + repeats + "
		"quarantined + dropped + blank. The same bytes again give the first summary. gzip, zip and zstd "
		"are opened. With --json the last line is one object over all files.",
	.example = "ronda intake -d demo report.csv",
	.options = options,
	.needs_node = true,
	.needs_parsers = true,
	.run = run,
};
