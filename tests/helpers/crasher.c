/* SPDX-License-Identifier: Apache-2.0 */
/* The format "crash" of ronda-crasher: lines that state an event, and lines that
 * crash, spin, sleep or ask for what the cage forbids. The rest of the program is
 * the parser as it ships. */
#include <sys/syscall.h>

#include "base/ip.h"
#include "intake/format.h"

const struct intake_format *__wrap_intake_format_find(str name);
const struct intake_format *__real_intake_format_find(str name);

static void spin(void)
{
	for (volatile uint64_t i = 0;; i++)
		;
}

static void event(struct parse *p, str address)
{
	struct ip ip;
	if (!ip_parse(address, &ip)) {
		parse_reject(p, REJECT_FIELD, "no address");
		return;
	}
	parse_event(p);
	batch_set_ip(p->batch, FIELD_SOURCE_IP, &ip);
	(void)parse_event_end(p);
}

static void record(struct parse *p)
{
	if (p->bytes.n == 0)
		parse_blank(p);
	else if (str_eq(p->bytes, STR("crash")))
		abort();
	else if (str_eq(p->bytes, STR("spin")))
		spin();
	else if (str_eq(p->bytes, STR("open")))
		(void)syscall(SYS_socket, 2, 1, 0);
	else if (str_eq(p->bytes, STR("drop")))
		parse_drop(p);
	else
		event(p, p->bytes);
}

static size_t frame(str window, bool last)
{
	if (str_starts(window, STR("frame-crash")))
		abort();
	size_t line = str_index(window, '\n');
	return line < window.n ? line + 1 : last ? window.n : 0;
}

static int claims(const struct intake_sample *s)
{
	(void)s;
	return 0;
}

/* A mapping of "die" kills before the first record. */
static enum rc open_entry(struct parse *p, struct err *err)
{
	if (str_eq(p->hints->mapping, STR("die")))
		abort();
	if (str_eq(p->hints->mapping, STR("bad")))
		return fail(err, RC_INPUT, "the mapping is no good");
	return RC_OK;
}

static const struct intake_format crash_format = {
	.name = "crash",
	.brief = "for tests of what a parser may do to itself",
	.claims = claims,
	.frame = frame,
	.open = open_entry,
	.record = record,
};

const struct intake_format *__wrap_intake_format_find(str name)
{
	return str_eq(name, STR("crash")) ? &crash_format : __real_intake_format_find(name);
}
