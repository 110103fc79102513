/* SPDX-License-Identifier: Apache-2.0 */
/* Rows a second and bytes a row of the chunk code, on made-up scan reports:
 *   bench-chunk [batches]
 * Addresses are skewed (cube law over 2 M, one in ten IPv6); one core. */
#include <stdlib.h>

#include "base/clock.h"
#include "event/fingerprint.h"
#include "store/chunk.h"

static uint64_t next(uint64_t *s)
{
	*s = *s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *s >> 33;
}

static uint64_t skewed(uint64_t *s, uint64_t of)
{
	double u = (double)next(s) / 2147483648.0;
	return (uint64_t)(u * u * u * (double)of);
}

static void set_fmt(struct batch *b, enum field f, const char *key, const char *fmt, uint64_t v)
{
	char text[128];
	int n = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	n = snprintf(text, sizeof(text), fmt, (unsigned)v, (unsigned)(v / 251));
#pragma GCC diagnostic pop
	batch_set_text(b, f, str_of(key), str_mem(text, (size_t)n));
}

static void address(uint64_t host, struct ip *out)
{
	*out = (struct ip){ .b = { [10] = 0xff, [11] = 0xff, [12] = 198, [13] = 18 } };
	uint64_t spread = host * UINT64_C(2654435761);
	if (host % 10 == 0)
		*out = (struct ip){ .b = { 0x20, 0x01, 0x0d, 0xb8 } };
	for (unsigned i = 0; i < 3; i++)
		out->b[15 - i] = (uint8_t)(spread >> (8 * i));
	if (host % 10 == 0)
		for (unsigned i = 0; i < 4; i++)
			out->b[4 + i] = (uint8_t)(spread >> (8 * i + 3));
}

static void row(struct batch *b, uint64_t *s, uint64_t number, uint64_t *offset)
{
	static const char *const types[] = { "vulnerable-system", "infected-system", "scanner" };
	static const char *const names[] = { "open-rdp", "avalanche-andromeda", "telnet-brute" };
	static const char *const countries[] = { "ID", "MY", "TH", "VN", "PH", "SG" };
	uint64_t host = skewed(s, 2000000), kind = (number / 900) % 3;
	struct ip ip;
	struct err err;
	uint32_t bytes = 330 + (uint32_t)(next(s) % 80);
	address(host, &ip);
	batch_row_begin(b, number, *offset, bytes, (uint32_t)number + 1);
	*offset += bytes + 1;
	batch_set_time(b, FIELD_TIME_SOURCE,
		       (1700000000 + (int64_t)(number / 60 + next(s) % 3)) * SECOND_US);
	batch_set_time(b, FIELD_TIME_OBSERVATION, 1700100000 * SECOND_US + 123);
	batch_set_ip(b, FIELD_SOURCE_IP, &ip);
	batch_set_int(b, FIELD_SOURCE_PORT, STR_NONE,
		      (int64_t)(kind ? 1024 + next(s) % 60000 : 3389));
	batch_set_int(b, FIELD_SOURCE_ASN, STR_NONE, (int64_t)(64500 + host / 700 % 3000));
	set_fmt(b, FIELD_SOURCE_AS_NAME, NULL, "EXAMPLE-NET-%u", host / 700 % 3000);
	batch_set_text(b, FIELD_SOURCE_GEOLOCATION_CC, STR_NONE, str_of(countries[host / 700 % 6]));
	set_fmt(b, FIELD_SOURCE_GEOLOCATION_CITY, NULL, "City %u", host / 900 % 300);
	set_fmt(b, FIELD_SOURCE_GEOLOCATION_REGION, NULL, "Region %u", host / 9000 % 40);
	if (host % 3)
		set_fmt(b, FIELD_SOURCE_REVERSE_DNS, NULL, "host-%u-%u.example.org", host);
	batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, str_of(types[kind]));
	batch_set_text(b, FIELD_CLASSIFICATION_TAXONOMY, STR_NONE, STR("vulnerable"));
	batch_set_text(b, FIELD_CLASSIFICATION_IDENTIFIER, STR_NONE, str_of(names[kind]));
	batch_set_text(b, FIELD_PROTOCOL_TRANSPORT, STR_NONE, STR("tcp"));
	batch_set_text(b, FIELD_PROTOCOL_APPLICATION, STR_NONE, STR("rdp"));
	batch_set_text(b, FIELD_FEED_NAME, STR_NONE, STR("made-up"));
	batch_set_text(b, FIELD_SEVERITY, STR_NONE, STR("high"));
	batch_set_int(b, FIELD_TLP, STR_NONE, TLP_AMBER);
	batch_set_text(b, FIELD_RONDA_CONCERNS, STR_NONE, STR("12 1 asn|3 5 country"));
	if (kind) {
		address(host % 40, &ip);
		batch_set_ip(b, FIELD_DESTINATION_IP, &ip);
		batch_set_int(b, FIELD_DESTINATION_PORT, STR_NONE,
			      (int64_t)(next(s) % 4 ? 80 : 443));
		batch_set_int(b, FIELD_DESTINATION_ASN, STR_NONE, 64496);
	}
	set_fmt(b, FIELD_EXTRA, "naics", "%u", 517000 + host / 700 % 40);
	batch_set_text(b, FIELD_EXTRA, STR("sector"), STR("Communications, Service Provider"));
	set_fmt(b, FIELD_EXTRA, "tag", "rdp;%u", host % 7);
	set_fmt(b, FIELD_EXTRA, "banner", "Apache/2.%u", host % 50);
	if (batch_row_end(b, &err))
		abort();
}

static double seconds_since(int64_t start)
{
	return (double)(clock_mono_us() - start) / 1e6;
}

static void read_back(str bytes, struct arena *a)
{
	struct chunk c;
	struct err err;
	struct batch back;
	uint16_t all[BATCH_ROWS];
	for (uint32_t i = 0; i < BATCH_ROWS; i++)
		all[i] = (uint16_t)i;
	if (chunk_open(&c, bytes, a, NULL, &err) || chunk_batch(&c, all, c.rows, &back, &err))
		abort();
}

static void one_column(str bytes, struct arena *a)
{
	struct chunk c;
	struct err err;
	const int64_t *n;
	if (chunk_open(&c, bytes, a, NULL, &err) ||
	    chunk_numbers(&c, FIELD_SOURCE_ASN, 0, &n, &err))
		abort();
}

int main(int argc, char **argv)
{
	uint64_t batches = 40, s = 1, number = 0, offset = 0, bytes = 0, cells = 0;
	double print = 0, encode = 0, decode = 0, column = 0;
	struct batch *b = batch_new();
	struct arena *a = arena_new(MIB(1));
	struct buf out = BUF_INIT(MIB(64)), scratch = BUF_INIT(MIB(1));
	struct key key = { .b = { 1 } };
	struct err err;
	uint64_t fold = 0;
	if (argc > 1 && !str_to_u64(str_of(argv[1]), &batches))
		return 2;
	for (uint64_t i = 0; i < batches; i++) {
		batch_reset(b);
		while (b->c.rows < BATCH_ROWS)
			row(b, &s, ++number, &offset);
		int64_t start = clock_mono_us();
		for (uint32_t r = 0; r < b->c.rows; r++)
			fold ^= event_fingerprint(&key, b, &b->row[r], &scratch).lo;
		print += seconds_since(start);
		struct chunk_part part = { .b = b, .row = b->row, .rows = b->c.rows, .report = 1,
					   .received_us = 1700100000 * SECOND_US };
		buf_reset(&out);
		start = clock_mono_us();
		if (chunk_write(&part, 1, CHUNK_SMALL, &out, &err))
			abort();
		encode += seconds_since(start);
		bytes += out.n;
		cells += b->c.cells;
		start = clock_mono_us();
		read_back(buf_str(&out), a);
		decode += seconds_since(start);
		arena_reset(a);
		start = clock_mono_us();
		one_column(buf_str(&out), a);
		column += seconds_since(start);
		arena_reset(a);
	}
	double rows = (double)number;
	printf("rows %.0f, cells a row %.1f, bytes a row %.1f (%llx)\n", rows, (double)cells / rows,
	       (double)bytes / rows, (unsigned long long)fold);
	printf("rows/s: fingerprint %.0f, encode %.0f, decode whole %.0f, decode one column %.0f\n",
	       rows / print, rows / encode, rows / decode, rows / column);
	if (argc > 2) { /* where the bytes are, of the last batch */
		struct chunk c;
		if (chunk_open(&c, buf_str(&out), a, NULL, &err))
			abort();
		for (uint32_t i = 0; i < c.columns; i++) {
			const struct chunk_group *g = &c.group[c.column[i].group];
			printf("%3u " STR_FMT " %.2f of group %u %.2f -> %.2f\n", c.column[i].field,
			       STR_ARG(c.column[i].key), c.column[i].bytes / 4096.0,
			       c.column[i].group, g->raw_bytes / 4096.0, (double)g->stored.n / 4096.0);
		}
	}
	batch_free(b);
	arena_free(a);
	buf_free(&out);
	buf_free(&scratch);
	return 0;
}
