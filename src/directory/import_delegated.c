/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics of the regional registries ("delegated", also "delegated-extended"):
 * registry|cc|type|start|value|date|status[|id], where value is a count of addresses of IPv4
 * (not always a power of two), of AS numbers, or the bits of an IPv6 prefix. They name nobody:
 * what they tell is the country. */
#include <endian.h>

#include "base/ip.h"
#include "directory/import_private.h"
#include "record/codes.h"

static bool last4(const struct ip *first, uint64_t count, struct ip *last)
{
	uint32_t n;
	memcpy(&n, first->b + 12, 4);
	uint64_t end = (uint64_t)be32toh(n) + count - 1;
	if (!ip_is4(first) || count == 0 || end > UINT32_MAX)
		return false;
	n = htobe32((uint32_t)end);
	*last = *first;
	memcpy(last->b + 12, &n, 4);
	return true;
}

static bool entry_of(str type, str start, str value, struct fallback_entry *e)
{
	uint64_t count;
	uint32_t n;
	if (!str_to_u64(value, &count))
		return false;
	if (str_eq(type, STR("ipv4"))) {
		e->kind = FALLBACK_NET;
		return ip_parse(start, &e->first) && last4(&e->first, count, &e->last);
	}
	if (str_eq(type, STR("ipv6"))) {
		e->kind = FALLBACK_NET;
		if (!ip_parse(start, &e->first) || ip_is4(&e->first) || count == 0 || count > 128)
			return false;
		struct net net = { e->first, (uint8_t)count };
		ip_mask(&net.ip, net.bits);
		e->first = net.ip;
		e->last = net_last(&net);
		return true;
	}
	if (!str_eq(type, STR("asn")) || !str_to_u32(start, &n) || n == 0 || count == 0 || count - 1 > UINT32_MAX - n)
		return false;
	e->kind = FALLBACK_ASN;
	e->asn_first = n;
	e->asn_last = n + (uint32_t)count - 1;
	return true;
}

static enum rc parse(const struct import_input *in, const struct import_sink *to, struct arena *a,
		    struct err *err)
{
	str left = in->text, line;
	uint64_t row = 0, rows = 0;
	(void)a;
	while (input_line(in, &left, &row, &line)) {
		str part[7], rest = str_trim_all(line);
		size_t n = 0;
		if (rest.n == 0 || rest.p[0] == '#')
			continue;
		while (n < COUNT_OF(part) && rest.n)
			part[n++] = str_cut(&rest, '|');
		bool head = n >= 2 && part[0].n && part[0].p[0] >= '0' && part[0].p[0] <= '9';
		if (head || (n >= 6 && str_eq(part[5], STR("summary"))))
			continue;
		struct fallback_entry e = { .domain = STR(""), .email = STR(""), .trust = in->trust,
					    .seen_day = in->seen_day };
		if (n < 7 || !entry_of(part[2], part[3], part[4], &e)) {
			if (to->told)
				to->told(to->ctx, row, "is no row of such statistics");
			continue;
		}
		rows++;
		/* ZZ and none: not given to anybody yet */
		if (!code_country(part[1]) || !(str_eq(part[6], STR("allocated")) || str_eq(part[6], STR("assigned"))))
			continue;
		memcpy(e.country, part[1].p, 2);
		e.name = part[0];
		if (to->contact)
			to->contact(to->ctx, row, &e);
	}
	return rows ? RC_OK : fail(err, RC_INPUT, "there is no row of a registry's statistics in it");
}

/* The second part of the line with the version, else the first of a row. */
static str whose(str head)
{
	str line;
	while (str_line(&head, &line)) {
		str first = str_cut(&line, '|');
		if (first.n == 0 || first.p[0] == '#')
			continue;
		bool version = first.p[0] >= '0' && first.p[0] <= '9';
		return version ? str_cut(&line, '|') : first;
	}
	return STR("");
}

static bool claims(str head, str file_name)
{
	static const char *const registries[] = { "afrinic", "apnic", "arin", "iana", "lacnic", "ripencc" };
	str s = head, line;
	(void)file_name;
	while (str_line(&s, &line)) {
		str second = line;
		if (line.n == 0 || line.p[0] == '#')
			continue;
		(void)str_cut(&second, '|');
		second = str_head(second, str_index(second, '|'));
		for (size_t i = 0; i < COUNT_OF(registries); i++)
			if (str_eq(second, str_of(registries[i])) || str_starts(line, str_of(registries[i])))
				return str_has(line, '|');
		return false;
	}
	return false;
}

const struct import_form import_form_delegated = {
	.name = "delegated",
	.brief = "statistics of a regional registry: which country a range was given to",
	.source = "delegated",
	.makes = IMPORT_CONTACTS,
	.by_line = true,
	.claims = claims,
	.whose = whose,
	.read = parse,
};
