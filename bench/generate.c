/* SPDX-License-Identifier: Apache-2.0 */
/* generate: made-up Shadowserver lines from a fixed seed.
 *
 *   generate skewed N > file    2 M addresses by a cube law, 10 % IPv6, 10 % exact repeats
 *   generate new N > file       no repeats, 9 of 10 lines a new finding
 *
 * On stderr: lines, lines that are no repeat, and the sum of their source ports,
 * to compare with what is read back. Addresses are of 198.18.0.0/15,
 * 10.0.0.0/8 (2 M hosts do not fit elsewhere) and 2001:db8::/32. */
#include "base/arena.h"
#include "base/buf.h"

#include <inttypes.h>
#include <unistd.h>

enum { ADDRESSES = 2000000, RING = 8192 };

static uint64_t next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

struct line {
	uint32_t host, port, second, variant;
};

static void put(struct buf *out, const struct line *l)
{
	static const char *const banners[] = { "login:", "Welcome to BusyBox", "User Access Verification", "Password:" };
	static const char *const vendors[] = { "Maker A", "Maker B", "Maker C", "", "", "" };
	static const char *const ccs[] = { "BN", "ID", "KH", "LA", "MM", "MY", "PH", "SG", "TH", "TL", "VN" };
	uint32_t h = l->host;
	buf_fmt(out, "\"2026-11-%02u %02u:%02u:%02u\",high,", 20 + l->second / 86400 % 2, l->second / 3600 % 24,
		l->second / 60 % 60, l->second % 60);
	if (h % 10 == 9)
		buf_fmt(out, "2001:db8:%x:%x::%x", h >> 16 & 0xff, h & 0xffff, (h >> 3 & 0xff) + 1);
	else if (h < 131072)
		buf_fmt(out, "198.%u.%u.%u", 18 + (h >> 16), h >> 8 & 255, h & 255);
	else
		buf_fmt(out, "10.%u.%u.%u", h >> 16, h >> 8 & 255, h & 255);
	buf_fmt(out, ",tcp,%u,host-%u.example.org,telnet%s,%u,%s,\"Region %u\",\"City %u\",518210,"
		"\"Communications, Service Provider, and Hosting Service\",\"%s\",\"%s\",%s,router,\"%s %u\","
		"%u.%u,\"Linux, \"\"embedded\"\"\",%u,,%u,iot\r\n",
		l->port, h, l->variant % 7 == 0 ? ";cve-2020-10188" : "", 64500 + h % 40, ccs[h % 11], h % 34,
		h % 500, banners[l->variant % 4], vendors[h % 6], vendors[h % 6][0] ? "maker" : "", "Model", h % 90,
		h % 4 + 1, h % 10, l->variant / 172800, 1000 + h % 5000);
}

int main(int argc, char **argv)
{
	static struct line ring[RING];
	uint64_t n = 0, seed = UINT64_C(88172645463325252), unique = 0, ports = 0;
	struct buf out = BUF_INIT(MIB(2));
	bool skewed = argc == 3 && str_eq(str_of(argv[1]), STR("skewed"));
	if (argc != 3 || (!skewed && !str_eq(str_of(argv[1]), STR("new"))) || !str_to_u64(str_of(argv[2]), &n)) {
		fprintf(stderr, "usage: generate skewed|new LINES\n");
		return 64;
	}
	buf_add(&out, STR("timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city,naics,sector,banner,"
			  "device_vendor,vendor_code,device_type,device_model,device_version,os,extra_a,extra_b,"
			  "hash_code,family\r\n"));
	for (uint64_t i = 0; i < n; i++) {
		uint64_t r = next(&seed);
		struct line l;
		if (skewed && unique && r % 10 == 0) {
			l = ring[next(&seed) % (unique < RING ? unique : RING)];
		} else {
			double u = (double)(next(&seed) >> 11) / 9007199254740992.0;
			bool old = !skewed && i > 100 && r % 10 == 0;
			l.host = skewed ? (uint32_t)(u * u * u * ADDRESSES) :
				 old    ? (uint32_t)(next(&seed) % i) :
					  (uint32_t)i;
			/* Second and variant keep lines of one host apart: none repeats by chance. */
			l.variant = (uint32_t)i;
			l.port = skewed ? 23 + (uint32_t)(next(&seed) % 3) * 2300 : 23;
			l.second = (uint32_t)(i % 172800);
			ring[unique % RING] = l;
			unique++;
			ports += l.port;
		}
		put(&out, &l);
		if (out.n > MIB(1)) {
			if (write(1, out.p, out.n) != (ssize_t)out.n)
				return 74;
			buf_reset(&out);
		}
	}
	if (out.n && write(1, out.p, out.n) != (ssize_t)out.n)
		return 74;
	fprintf(stderr, "{\"lines\":%" PRIu64 ",\"unique\":%" PRIu64 ",\"ports\":%" PRIu64 "}\n", n, unique, ports);
	return 0;
}
