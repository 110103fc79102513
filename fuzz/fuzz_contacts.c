/* SPDX-License-Identifier: Apache-2.0 */
/* An image of contacts of last resort whose sum is right but whose parts are not: it is refused,
 * or answers without reading beyond itself. */
#include <endian.h>

#include "base/ip.h"
#include "fuzz.h"
#include "route/fallback_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fallback_part part = { .head = NULL };
	struct fallback_head head;
	uint8_t *p = malloc(size + sizeof(head));
	memcpy(p, data, size);
	if (size >= sizeof(head)) {
		memcpy(&head, p, sizeof(head));
		head.magic = htole32(FALLBACK_MAGIC);
		head.version = htole32(FALLBACK_VERSION);
		head.source[FALLBACK_SOURCE_MAX] = '\0';
		head.crc = htole32(crc32_of(str_mem(p + sizeof(head), size - sizeof(head))));
		memcpy(p, &head, sizeof(head));
	}
	if (fallback_attach(&part, p, size)) {
		struct ip ip = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1 } };
		struct fallback_ask ask = { .ip = &ip, .asn = 64500, .fqdn = STR("www.example.org") };
		struct fallback_hit hits[FALLBACK_HITS_MAX];
		char cc[3];
		size_t n = fallback_ask_part(&part, &ask, hits);
		MUST(n <= FALLBACK_HITS_MAX);
		for (size_t i = 0; i < n; i++)
			MUST(hits[i].email.n > 0 && hits[i].email.n <= 255);
		(void)fallback_part_country(&part, &ip, cc);
		ip = (struct ip){ { 0x20, 1, 0xd, 0xb8 } };
		(void)fallback_part_country(&part, &ip, cc);
		(void)fallback_ask_part(&part, &ask, hits);
	}
	free(p);
	return 0;
}
